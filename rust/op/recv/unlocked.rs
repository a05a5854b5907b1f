// SPDX-License-Identifier: GPL-2.0

//! RECV and RECVMSG from the kernel itself, as of netlink.
//!
//! A message of a list makes room for the next, and who takes it has the kernel go on with that list, for which it waits for locks that all
//! networks share. So it is taken with the ring unlocked. The buffer is the request's before that, whole and for good, as
//! nobody else may be given it meanwhile: it is only taken once there is something to receive.

use super::{nonempty, without_buffer, without_waiting, Recv, RecvExtra, MAX_SHOTS};
use crate::{
    op::{Attempt, Outcome},
    rsrc::buffers::RegisteredBuffer,
    sys::{
        rw::is_ready,
        socket::{Received, Socket, UserBuffers},
    },
    uapi::{
        abi::{msg, MAX_RW_COUNT},
        args::recvsend::RecvArgs,
        errno::{Errno, Result, EAGAIN, EBADF, EFAULT, EINVAL, ENOBUFS},
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox},
    fs::File,
    warn_on,
};

/// What such a receive keeps while the ring is unlocked.
#[derive(Default)]
pub(in crate::op) struct Unlocked {
    /// The memory to receive into, if it has some: an address and a length.
    pub(in crate::op) target: Option<(u64, usize)>,
    /// The flags for the provided buffer that this is.
    pub(in crate::op) flags: u32,
    /// What came of it that is not told yet: a result, and the message.
    pub(in crate::op) got: Option<Result<(usize, Received)>>,
}

impl Unlocked {
    /// Tells what has come, of which it is the `last`. None if there is more to receive.
    pub(in crate::op) fn tell(
        &mut self,
        socket: Socket<'_>,
        attempt: &mut Attempt<'_, '_>,
        args: &RecvArgs,
        shots: &mut u32,
        last: bool,
    ) -> Option<Outcome> {
        let (len, got) = match self.got.take()? {
            Ok(got) => got,
            // Somebody else was first. It keeps its buffer.
            Err(EAGAIN) if args.multishot() => return Some(Outcome::POLL),
            Err(EAGAIN) => {
                return match without_waiting(socket, args.msg_flags, attempt) {
                    None => Some(Outcome::POLL),
                    Some(ended) => Some(self.over(ended, 0, true)),
                }
            }
            Err(error) => return Some(self.over(Err(error), 0, true)),
        };
        let state = nonempty(&got);
        let more = args.multishot() && !last && got.len != Ok(0);
        if !more || !attempt.post_more(len as i32, self.flags | state) {
            return Some(self.over(Ok(len), state, false));
        }
        *self = Self::default();
        *shots += 1;
        if *shots > MAX_SHOTS {
            *shots = 0;
            return Some(Outcome::Requeue);
        }
        None
    }

    /// How the request ends.
    pub(in crate::op) fn over(&self, res: Result<usize>, flags: u32, broken: bool) -> Outcome {
        Outcome::Done {
            res: res.map_or_else(Errno::to_raw, |len| len as i32),
            flags: flags | self.flags,
            broken,
        }
    }

    /// Has the ring unlocked for the next message, if there may be one. It goes to a buffer of the request's group behind
    /// `head` bytes, or else to the request's `own` memory.
    pub(in crate::op) fn punt(
        &mut self,
        socket: Socket<'_>,
        attempt: &mut Attempt<'_, '_>,
        args: &RecvArgs,
        own: (u64, usize),
        head: usize,
    ) -> Outcome {
        let empty = !attempt.file.is_some_and(|file| is_ready(file, false));
        if self.target.is_some() {
            return if empty { Outcome::POLL } else { Outcome::Punt };
        }
        let selected = match attempt.group {
            None => None,
            Some(group) => match attempt.ring.groups().select(group, 0) {
                None => return without_buffer(socket, attempt, args, args.multishot(), ENOBUFS),
                selected => selected,
            },
        };
        if empty && attempt.polled {
            return Outcome::POLL;
        }
        let target = match &selected {
            None => own,
            Some(selected) => {
                let most = match args.len as usize {
                    0 => MAX_RW_COUNT,
                    len => len.min(MAX_RW_COUNT),
                };
                (selected.addr(), selected.len.min(most))
            }
        };
        if args.fixed() {
            if let Err(error) = attempt.fixed(target.0, target.1) {
                return Outcome::failed(error);
            }
        }
        let Some(room) = target.1.checked_sub(head) else {
            return Outcome::failed(EFAULT);
        };
        if empty {
            match socket.may_wait(room, args.msg_flags) {
                Ok(true) => return Outcome::POLL,
                // An attempt tells.
                Ok(false) => {}
                Err(error) => return Outcome::failed(error),
            }
        }
        if let Some(selected) = selected {
            let whole = selected.len;
            self.flags = attempt.ring.groups().commit(selected, whole);
        }
        self.target = Some(target);
        Outcome::Punt
    }

    /// What a request says that ends before its time, see [`Op::progress`](crate::op::Op::progress).
    pub(in crate::op) fn progress(&self) -> (usize, u32) {
        let len = match &self.got {
            Some(Ok((len, _))) => *len,
            _ => 0,
        };
        (len, self.flags)
    }
}

impl Recv {
    /// One that is not as most are, unless it goes on as if it were: what a bundle has begun with a single buffer is not over.
    pub(super) fn issue_with(
        &mut self,
        socket: Socket<'_>,
        attempt: &mut Attempt<'_, '_>,
    ) -> Option<Outcome> {
        let mut extra = self.extra.take()?;
        let outcome = match (&mut *extra, attempt.group) {
            (RecvExtra::Bundle(bundle), Some(group)) if !bundle.resumed => {
                self.burst =
                    self.args.multishot() && bundle.expects_burst(attempt.wake_flags.again());
                Some(self.issue_bundle(bundle, socket, attempt, group))
            }
            (RecvExtra::Bundle(_), _) => None,
            (RecvExtra::Unlocked(unlocked), _) => {
                Some(self.issue_unlocked(unlocked, socket, attempt))
            }
        };
        self.extra = Some(extra);
        outcome
    }

    /// From here on it receives with the ring unlocked.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    #[cold] // recv/udp/32
    pub(super) fn unlock(&mut self) -> Result {
        if !matches!(self.extra.as_deref(), Some(RecvExtra::Unlocked(_))) {
            let unlocked = RecvExtra::Unlocked(Unlocked::default());
            self.extra = Some(KBox::new(unlocked, GFP_KERNEL_ACCOUNT)?);
        }
        Ok(())
    }

    fn issue_unlocked(
        &mut self,
        unlocked: &mut Unlocked,
        socket: Socket<'_>,
        attempt: &mut Attempt<'_, '_>,
    ) -> Outcome {
        let last = match &unlocked.got {
            Some(Ok((len, _))) => self.limit_reached(*len),
            _ => false,
        };
        if let Some(outcome) = unlocked.tell(socket, attempt, &self.args, &mut self.shots, last) {
            return outcome;
        }
        let own = (self.args.addr, self.args.len as usize);
        unlocked.punt(socket, attempt, &self.args, own, 0)
    }

    /// Goes on with what was punted.
    pub(super) fn run(
        &mut self,
        file: Option<&File>,
        buffer: Option<&RegisteredBuffer>,
    ) -> Outcome {
        let mut extra = self.extra.take();
        let outcome = match extra.as_deref_mut() {
            Some(RecvExtra::Unlocked(unlocked)) => self.receive_unlocked(unlocked, file, buffer),
            _ => {
                // No other is punted.
                warn_on!(true);
                Outcome::failed(EINVAL)
            }
        };
        self.extra = extra;
        outcome
    }

    /// Receives one message with the ring unlocked.
    fn receive_unlocked(
        &self,
        unlocked: &mut Unlocked,
        file: Option<&File>,
        buffer: Option<&RegisteredBuffer>,
    ) -> Outcome {
        let Some((addr, len)) = unlocked.target else {
            // What is punted has its memory.
            warn_on!(true);
            return Outcome::failed(EFAULT);
        };
        let flags = self.args.msg_flags | msg::DONTWAIT;
        let receive = || {
            let socket = file.ok_or(EBADF).and_then(Socket::of)?;
            let buffers = match (self.args.fixed(), buffer) {
                (true, Some(buffer)) => UserBuffers::Fixed(buffer.memory.part(addr, len)?),
                (true, None) => {
                    // It was looked up before.
                    warn_on!(true);
                    return Err(EFAULT);
                }
                (false, _) => UserBuffers::One { addr, len },
            };
            let got = socket.recv(buffers, None, (0, 0), flags);
            Ok((got.len?, got))
        };
        match receive() {
            Ok((count, got)) if !self.args.multishot() => {
                let all = flags & msg::WAITALL != 0;
                let truncated = got.flags & (msg::TRUNC | msg::CTRUNC) != 0;
                let broken = all && (count < len || truncated);
                unlocked.over(Ok(count), nonempty(&got), broken)
            }
            got => {
                unlocked.got = Some(got);
                Outcome::Requeue
            }
        }
    }
}
