// SPDX-License-Identifier: GPL-2.0

//! RECV, single and multishot. `io_uring/net.c` of the kernel.

mod bundle;
mod row;
pub(super) mod unlocked;
mod whole;

pub(super) use whole::resume;

use super::{Attempt, Op, Outcome};
use crate::{
    kbuf::groups::SelectedBuffer,
    req::wake::WakeFlags,
    rsrc::buffers::RegisteredBuffer,
    sys::{
        context::CallContext,
        rw::{can_poll, can_try, is_ready, is_urgent},
        socket::{Received, Socket, UserBuffers},
        user::check_buffer,
    },
    uapi::{
        abi::{cqe, events, msg, MAX_RW_COUNT},
        args::recvsend::RecvArgs,
        errno::{Errno, Result, EAGAIN, EBADFD, ENOBUFS, ENOENT},
        sqe::{Flags, Sqe},
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox},
    fs::File,
    warn_on,
};
use unlocked::Unlocked;

/// After how many receives of a multishot request one more gives others their turn, as in io_uring.
const MAX_SHOTS: u32 = 32;

/// What a multishot request does after a receive: None is another one.
///
/// It waits when the socket is empty, but for the receive more that `again` asks for, see
/// [`may_be_at_eof`]. Others have their turn after more than [`MAX_SHOTS`], which `shots` counts, or now, if
/// it had `enough`.
pub(super) fn pause(
    got: &Received,
    again: &mut bool,
    shots: &mut u32,
    enough: bool,
) -> Option<Outcome> {
    match got.left {
        Some(0) if *again => *again = false,
        Some(0) => return Some(Outcome::POLL),
        _ => {}
    }
    *shots += 1;
    if *shots > MAX_SHOTS || enough {
        *shots = 0;
        return Some(Outcome::Requeue);
    }
    None
}

/// The flag for a socket that has more.
pub(super) fn nonempty(received: &Received) -> u32 {
    if received.left.is_some_and(|left| left > 0) {
        cqe::SOCK_NONEMPTY
    } else {
        0
    }
}

/// Whether wake-ups may have been for data and for the end or an error behind it, which does not
/// show before the data is gone, and of which no other wake-up will come.
#[inline]
pub(super) fn may_be_at_eof(socket: Socket<'_>, wake_flags: WakeFlags) -> bool {
    wake_flags.again() && (!socket.tells_eof() || wake_flags.events() & events::ERR != 0)
}

/// How a single receive ends that has found nothing, if recvmsg(2) would not wait either: at the end of
/// what was shut down, which does not show to who must not wait, and with the error queue, of
/// which other events do not tell. As long as they do they would wake it up for ever, so that it ends.
///
/// # Errors
///
/// `-EAGAIN` if there is nothing in the error queue.
pub(super) fn without_waiting(
    socket: Socket<'_>,
    msg_flags: u32,
    attempt: &Attempt<'_, '_>,
) -> Option<Result<usize>> {
    if msg_flags & msg::ERRQUEUE != 0 && socket.has_error_queue() {
        let lasts = |file| is_ready(file, false) || is_urgent(file);
        let woken = attempt.wake_flags.events() != 0;
        return (woken && attempt.file.is_some_and(lasts)).then_some(Err(EAGAIN));
    }
    (msg_flags & msg::DONTWAIT == 0 && socket.ends_unseen()).then_some(Ok(0))
}

/// How a receive ends for which there is no buffer. A multishot one that has waited needs none as long as
/// there is nothing to be received: what has woken it up may be gone, or was for what it has received. Of a
/// socket that does not say whether there is more only an attempt with a buffer does.
#[cold] // recv-multishot/udp/64/8/plain
pub(super) fn without_buffer(
    socket: Socket<'_>,
    attempt: &mut Attempt<'_, '_>,
    args: &RecvArgs,
    multishot: bool,
    error: Errno,
) -> Outcome {
    // Urgent data is a reason to receive as well.
    let is_empty = |file| !is_ready(file, false) && !is_urgent(file);
    if multishot && args.keep() && matches!(error, ENOBUFS | ENOENT) {
        if attempt.file.is_some_and(is_empty) {
            return Outcome::POLL;
        }
        if attempt.post_more(ENOBUFS.to_raw(), 0) {
            return Outcome::Stall;
        }
    }
    let waits = multishot && attempt.polled && error == ENOBUFS && socket.tells_left();
    if waits && attempt.file.is_some_and(is_empty) {
        return Outcome::POLL;
    }
    Outcome::failed(error)
}

/// What comes of a receive from what is no socket. A worker of io_uring has a multishot one wait before that is found out,
/// if it is to stay one: of a file that cannot be tried it is none any more.
#[cold] // recv-multishot/unix/64/8/plain
pub(super) fn without_socket(attempt: &Attempt<'_, '_>, args: &RecvArgs, error: Errno) -> Outcome {
    match attempt.file {
        Some(file) if args.multishot() && args.by_worker() && !attempt.polled => {
            match can_poll(file) {
                true if can_try(file) => Outcome::POLL,
                true => Outcome::failed(error),
                false => Outcome::failed(EBADFD),
            }
        }
        _ => Outcome::failed(error),
    }
}

/// RECV.
pub(crate) struct Recv {
    args: RecvArgs,
    /// Bytes that are received already, of a transfer that wants all.
    done: usize,
    /// The flags for the buffer that such a transfer has begun to fill.
    begun: Option<u32>,
    shots: u32,
    /// Whether more than one wake-up is expected before the next turn of a multishot request, as the last one found more
    /// than one message.
    burst: bool,
    extra: Option<KBox<RecvExtra>>,
}

/// What few receives have.
enum RecvExtra {
    /// It takes several buffers at once.
    Bundle(bundle::RecvBundle),
    /// It is from the kernel itself.
    Unlocked(Unlocked),
}

/// The memory that is received into.
struct RecvTarget {
    addr: u64,
    len: usize,
    selected: Option<SelectedBuffer>,
}

impl Recv {
    #[inline(always)] // recv/unix/32
    fn target<const PLAIN: bool>(&self, attempt: &mut Attempt<'_, '_>) -> Result<RecvTarget> {
        match attempt.group {
            Some(group) if !PLAIN && self.begun.is_none() => {
                let selected = attempt
                    .ring
                    .groups()
                    .select(group, self.args.len as usize)
                    .ok_or(ENOBUFS)?;
                Ok(RecvTarget {
                    addr: selected.addr(),
                    len: selected.len.min(MAX_RW_COUNT),
                    selected: Some(selected),
                })
            }
            _ => Ok(RecvTarget {
                addr: self.args.addr,
                len: self.args.len as usize,
                selected: None,
            }),
        }
    }

    /// See [`without_waiting`].
    fn without_waiting<const MULTISHOT: bool>(
        &self,
        socket: Socket<'_>,
        attempt: &Attempt<'_, '_>,
    ) -> Option<Result<usize>> {
        if MULTISHOT {
            return None;
        }
        without_waiting(socket, self.args.msg_flags, attempt)
    }

    /// Whether an attempt would find nothing, and nothing wrong either, with a socket that has no data.
    /// What comes from then on is what poll tells of.
    ///
    /// # Errors
    ///
    /// What a security module says.
    fn would_wait(&self, socket: Socket<'_>, attempt: &mut Attempt<'_, '_>) -> Result<bool> {
        if self.args.fixed() || self.extra.is_some() || !socket.is_quiet(self.args.msg_flags) {
            return Ok(false);
        }
        let mut len = self.args.len as usize;
        // An address was looked at when the request was read.
        if let Some(group) = attempt.group {
            match attempt.ring.groups().select(group, len) {
                Some(selected) => len = selected.len.min(MAX_RW_COUNT),
                None => return Ok(false),
            }
        }
        socket.may_wait(len, self.args.msg_flags)
    }

    /// Goes on behind the `count` bytes that were received into `target`.
    fn advance(&mut self, attempt: &mut Attempt<'_, '_>, target: RecvTarget, count: usize) {
        self.done += count;
        self.args.addr = target.addr + count as u64;
        self.args.len = (target.len - count) as u32;
        if let Some(selected) = target.selected {
            self.begun = Some(attempt.ring.groups().commit(selected, count));
        }
    }

    /// Counts `len` bytes against the request's limit; true if that is reached.
    fn limit_reached(&mut self, len: usize) -> bool {
        if self.args.total == 0 {
            return false;
        }
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.args.total = self.args.total.saturating_sub(len);
        self.args.total == 0
    }

    #[inline(always)] // recv/unix/32
    fn issue_shot<const PLAIN: bool>(
        &mut self,
        socket: Socket<'_>,
        attempt: &mut Attempt<'_, '_>,
    ) -> Outcome {
        match self.shot::<false, PLAIN>(socket, attempt, &mut false, &mut 0) {
            Some(outcome) => outcome,
            None => {
                // A single shot is over, or waits.
                warn_on!(true);
                Outcome::Requeue
            }
        }
    }

    #[inline(always)] // recv-multishot/unix/64/8/plain
    fn issue_shots(&mut self, socket: Socket<'_>, attempt: &mut Attempt<'_, '_>) -> Outcome {
        let mut again = may_be_at_eof(socket, attempt.wake_flags);
        // Bytes that wait, if they are more than a buffer's worth.
        let mut left = 0;
        loop {
            let row = match left {
                0 => None,
                left => self.fill_row(socket, attempt, left),
            };
            let outcome = match row {
                None => self.shot::<true, false>(socket, attempt, &mut again, &mut left),
                Some(got) => {
                    left = got.left.unwrap_or(0);
                    match got.len {
                        Ok(_) => pause(&got, &mut again, &mut self.shots, false),
                        Err(EAGAIN) => Some(Outcome::POLL),
                        Err(error) => Some(Outcome::failed(error)),
                    }
                }
            };
            if let Some(outcome) = outcome {
                return outcome;
            }
            self.burst = true;
        }
    }

    /// One receive. None if another one is to follow, which is never so for a single shot; `left` says then how many bytes wait,
    /// if they are more than a buffer's worth. A `PLAIN` one is into the memory that the SQE has the address of.
    #[inline(always)] // recv-multishot/unix/64/8/plain
    fn shot<const MULTISHOT: bool, const PLAIN: bool>(
        &mut self,
        socket: Socket<'_>,
        attempt: &mut Attempt<'_, '_>,
        again: &mut bool,
        left: &mut usize,
    ) -> Option<Outcome> {
        let flags = self.args.msg_flags | msg::DONTWAIT;
        let all = flags & msg::WAITALL != 0;
        let target = match self.target::<PLAIN>(attempt) {
            Ok(target) => target,
            Err(error) => {
                return Some(without_buffer(
                    socket, attempt, &self.args, MULTISHOT, error,
                ))
            }
        };
        let (addr, len) = (target.addr, target.len);
        let buffers = if !PLAIN && self.args.fixed() {
            match attempt.fixed(addr, len) {
                Ok(part) => UserBuffers::Fixed(part),
                Err(error) => return Some(Outcome::failed(error)),
            }
        } else {
            UserBuffers::One { addr, len }
        };
        let got = socket.recv(buffers, None, (0, 0), flags);
        let len = match got.len {
            Ok(len) => len,
            Err(EAGAIN) => match self.without_waiting::<MULTISHOT>(socket, attempt) {
                None => return Some(Outcome::POLL),
                Some(Ok(len)) => len,
                Some(Err(error)) if self.done == 0 => return Some(Outcome::failed(error)),
                Some(Err(_)) => 0,
            },
            Err(error) if self.done == 0 => return Some(Outcome::failed(error)),
            Err(_) => 0,
        };
        let short = all && len < target.len;
        // The rest of a buffer that is consumed in parts is up for the next to take it.
        let whole = target
            .selected
            .as_ref()
            .is_none_or(|selected| selected.whole);
        if short && len > 0 && whole && socket.resumes() {
            self.advance(attempt, target, len);
            return Some(resume(self.args.msg_flags, &mut self.shots));
        }
        let broken = short || (all && got.flags & (msg::TRUNC | msg::CTRUNC) != 0);
        let begun = if PLAIN { None } else { self.begun };
        let mut cflags = nonempty(&got) | begun.unwrap_or(0);
        if let (Some(selected), true) = (target.selected, len > 0) {
            cflags |= attempt.ring.groups().commit(selected, len.min(target.len));
        }
        let res = (self.done + len) as i32;
        if !MULTISHOT || len == 0 || self.limit_reached(len) || !attempt.post_more(res, cflags) {
            return Some(Outcome::Done {
                res,
                flags: cflags,
                broken,
            });
        }
        *left = got
            .left
            .filter(|left| self.has_row(*left, len))
            .unwrap_or(0);
        match pause(&got, again, &mut self.shots, false) {
            // Another one would find nothing, where it is not the socket that says so.
            None if got.left.is_none() && !socket.has_data() => {
                match self.would_wait(socket, attempt) {
                    Ok(true) => Some(Outcome::POLL),
                    Ok(false) => None,
                    Err(error) => Some(Outcome::failed(error)),
                }
            }
            paused => paused,
        }
    }
}

impl Op for Recv {
    #[inline]
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = RecvArgs::parse(sqe, flags, false)?;
        if !flags.buffer_select() && !args.fixed() {
            check_buffer(args.addr, args.len)?;
        }
        let extra = if args.bundle() && flags.buffer_select() {
            let bundle = RecvExtra::Bundle(bundle::RecvBundle::new());
            Some(KBox::new(bundle, GFP_KERNEL_ACCOUNT)?)
        } else {
            None
        };
        Ok(Self {
            args,
            extra,
            done: 0,
            begun: None,
            shots: 0,
            burst: false,
        })
    }

    fn set_by_io_wq(&mut self, _blocks: bool) {
        self.args.set_by_io_wq();
    }

    #[inline(always)] // recv-multishot/unix/64/8/plain
    fn issue(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        self.burst = false;
        let socket = match attempt.file().and_then(Socket::of) {
            Ok(socket) => socket,
            Err(error) => return without_socket(&attempt, &self.args, error),
        };
        if !attempt.polled {
            if socket.takes_commands() {
                if let Err(error) = self.unlock() {
                    return Outcome::failed(error);
                }
            }
            if self.args.poll_first() {
                return Outcome::POLL;
            }
            if !socket.has_data() {
                match self.would_wait(socket, &mut attempt) {
                    Ok(true) => return Outcome::POLL,
                    Ok(false) => {}
                    Err(error) => return Outcome::failed(error),
                }
            }
        }
        if self.extra.is_some() {
            if let Some(outcome) = self.issue_with(socket, &mut attempt) {
                return outcome;
            }
        }
        if self.args.multishot() {
            self.issue_shots(socket, &mut attempt)
        } else if attempt.group.is_none() && !self.args.fixed() {
            self.issue_shot::<true>(socket, &mut attempt)
        } else {
            self.issue_shot::<false>(socket, &mut attempt)
        }
    }

    #[inline]
    fn multishot(&self) -> bool {
        self.args.multishot()
    }

    #[inline]
    fn expects_burst(&self) -> bool {
        self.burst
    }

    #[inline]
    fn needs_drop(&self) -> bool {
        self.extra.is_some()
    }

    fn run_unlocked(
        &mut self,
        _context: CallContext<'_>,
        file: Option<&File>,
        buffer: Option<&RegisteredBuffer>,
    ) -> Outcome {
        self.run(file, buffer)
    }

    fn progress(&self) -> (usize, u32) {
        match self.extra.as_deref() {
            Some(RecvExtra::Unlocked(unlocked)) => unlocked.progress(),
            _ => (self.done, self.begun.unwrap_or(0)),
        }
    }

    #[inline]
    fn never_waits(&self) -> bool {
        self.args.msg_flags & msg::DONTWAIT != 0
    }

    #[inline]
    fn events(&self) -> u32 {
        // What is read from the error queue does not show as something to read.
        if self.args.msg_flags & msg::ERRQUEUE != 0 {
            events::IN
        } else {
            0
        }
    }
}
