// SPDX-License-Identifier: GPL-2.0

//! SEND. `io_uring/net.c` of the kernel.

mod bundle;

use super::{Attempt, Op, Outcome};
use crate::{
    rsrc::buffers::RegisteredBuffer,
    sys::{
        context::CallContext,
        socket::{SockAddr, Socket, UserBuffers},
        user::{check_buffer, Vector},
    },
    uapi::{
        abi::{msg, MAX_RW_COUNT},
        args::recvsend::SendArgs,
        errno::{Errno, Result, EAGAIN, EBADF, EFAULT},
        sqe::{Flags, Sqe},
    },
};
use core::num::NonZeroU32;
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox},
    fs::File,
    warn_on,
};

/// SEND.
pub(crate) struct Send {
    /// The buffer, where it is not in `extra`.
    addr: u64,
    /// Bytes at `addr`; with buffer selection the most to send, 0 for no such limit.
    len: u32,
    /// `MSG_*`
    msg_flags: u32,
    /// Poll before the first attempt.
    poll_first: bool,
    /// Take several buffers at once.
    bundle: bool,
    /// `addr` is in a registered buffer.
    fixed: bool,
    /// Nothing is said of it but what to send from where, and how.
    plain: bool,
    /// There was no room when the submitter tried it with the ring unlocked: a worker waits for some.
    blocks: bool,
    /// A worker of io_uring sleeps until all of it is sent.
    sends_all: bool,
    /// Bytes that are sent already, of a transfer that goes on until all is.
    done: u32,
    /// The flags for the provided buffer that is being sent.
    buffer: Option<NonZeroU32>,
    extra: Option<KBox<Extra>>,
}

/// What few sends have. It is apart, so that the others have one thing to look for and to end.
#[derive(Default)]
struct Extra {
    /// Whom to send it to, and the length of that.
    dest: Option<(SockAddr, usize)>,
    /// What to send, if it is in pieces.
    vector: Option<Vector>,
    /// For a request that takes several buffers at once.
    bundle: Option<bundle::SendBundle>,
}

impl Extra {
    /// What such a send needs, if it needs anything.
    #[inline]
    fn of(args: &SendArgs, flags: Flags) -> Result<Option<KBox<Self>>> {
        if args.dest == 0 && !args.bundle && !args.vectorized {
            return Ok(None);
        }
        Self::read(args, flags).map(Some)
    }

    fn read(args: &SendArgs, flags: Flags) -> Result<KBox<Self>> {
        let mut extra = KBox::new(Self::default(), GFP_KERNEL_ACCOUNT)?;
        if args.dest != 0 {
            let len = args.dest_len.into();
            extra.dest = Some((SockAddr::read(args.dest, len)?, len));
        }
        if args.bundle && flags.buffer_select() {
            extra.bundle = Some(bundle::SendBundle::new());
        }
        if args.vectorized && !flags.buffer_select() {
            extra.vector = Some(Vector::read(args.addr, args.len.into())?);
        }
        Ok(extra)
    }

    /// Whether it is for a name that is looked up in file systems.
    fn names_file(&self) -> bool {
        let dest = self.dest.as_ref();
        dest.is_some_and(|(addr, len)| addr.names_file(*len))
    }
}

impl Send {
    /// Takes what is to be sent from a group of buffers. It is nobody else's: it is consumed at once, and kept while
    /// waiting. An outcome if the request is a bundle, which is sent, or if there is no buffer.
    #[inline(never)] // send/unix/32: few sends select buffers.
    fn select(
        &mut self,
        attempt: &mut Attempt<'_, '_>,
        socket: Socket<'_>,
        group: u16,
    ) -> Option<Outcome> {
        if let Some(mut extra) = self.extra.take() {
            let Extra { dest, bundle, .. } = &mut *extra;
            let outcome = bundle
                .as_mut()
                .map(|bundle| self.issue_bundle(bundle, dest, socket, attempt, group));
            self.extra = Some(extra);
            if outcome.is_some() {
                return outcome;
            }
        }
        self.select_one(attempt, group)
    }

    /// Takes one buffer, if it has none yet. An outcome if there is none.
    fn select_one(&mut self, attempt: &mut Attempt<'_, '_>, group: u16) -> Option<Outcome> {
        if self.buffer.is_none() {
            let groups = attempt.ring.groups();
            let selected = match groups.select_to_send(group, self.len as usize) {
                Ok(selected) => selected,
                Err(error) => return Some(Outcome::failed(error)),
            };
            self.addr = selected.addr();
            self.len = selected.len.min(MAX_RW_COUNT) as u32;
            self.buffer = NonZeroU32::new(groups.commit(selected, self.len as usize));
        }
        None
    }

    /// Has it go on with the ring unlocked: it is for who may do with it what takes long, or for a name in a file system.
    #[cold] // send/unix/32
    fn punt(&mut self, attempt: &mut Attempt<'_, '_>) -> Outcome {
        if let (Some(group), None) = (attempt.group, self.buffer) {
            let mut extra = self.extra.take();
            let bundle = extra.as_deref_mut().and_then(|extra| extra.bundle.as_mut());
            let selected = bundle.map(|bundle| self.next_bundle(bundle, attempt, group));
            self.extra = extra;
            let outcome = match selected {
                Some(Ok(flags)) => {
                    self.buffer = NonZeroU32::new(flags);
                    None
                }
                Some(Err(error)) => Some(Outcome::failed(error)),
                None => self.select_one(attempt, group),
            };
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
        if self.fixed {
            if let Err(error) = attempt.registered() {
                return Outcome::failed(error);
            }
        }
        Outcome::Punt
    }

    /// Sends all of it, which is one message, with the ring unlocked.
    fn send_unlocked(
        &mut self,
        file: Option<&File>,
        buffer: Option<&RegisteredBuffer>,
        flags: u32,
    ) -> Result<usize> {
        let socket = file.ok_or(EBADF).and_then(Socket::of)?;
        let (addr, len) = (self.addr, self.len as usize);
        let (mut dest, mut iov) = (None, None);
        if let Some(extra) = self.extra.as_deref_mut() {
            dest = extra.dest.as_mut().map(|(addr, len)| (addr, *len));
            iov = match &extra.bundle {
                Some(bundle) => Some(bundle.pieces()),
                None => extra.vector.as_deref(),
            };
        }
        let buffers = match (iov, self.fixed) {
            (Some(iov), _) => UserBuffers::Many { iov, skip: 0 },
            (None, true) => {
                let Some(buffer) = buffer else {
                    // It is looked up before the request is punted, and the request has it from then on.
                    warn_on!(true);
                    return Err(EFAULT);
                };
                UserBuffers::Fixed(buffer.memory.part(addr, len)?)
            }
            (None, false) => UserBuffers::One { addr, len },
        };
        socket.send(buffers, dest, flags)
    }

    /// What came of that.
    fn sent_unlocked(&self, sent: Result<usize>) -> Outcome {
        Outcome::Done {
            res: sent.map_or_else(Errno::to_raw, |len| len as i32),
            flags: self.buffer.map_or(0, NonZeroU32::get),
            broken: sent.is_err(),
        }
    }

    /// One send. None if another one is to follow.
    #[inline(always)] // send/unix/32
    fn once(&mut self, attempt: &mut Attempt<'_, '_>) -> Option<Outcome> {
        let socket = match attempt.file().and_then(Socket::of) {
            Ok(socket) => socket,
            Err(error) => return Some(Outcome::failed(error)),
        };
        if !self.plain {
            return self.once_as_said(attempt, socket);
        }
        if socket.takes_commands() {
            return Some(Outcome::Punt);
        }
        self.try_once::<true>(attempt, socket)
    }

    /// The rest of [`Send::once`], for one of which more is said.
    #[inline(never)] // send/unix/32
    fn once_as_said(
        &mut self,
        attempt: &mut Attempt<'_, '_>,
        socket: Socket<'_>,
    ) -> Option<Outcome> {
        if self.poll_first && !attempt.polled {
            return Some(Outcome::POLL);
        }
        let named = self.extra.as_ref().is_some_and(|extra| extra.names_file());
        if socket.takes_commands() || (named && socket.looks_names_up()) {
            return Some(self.punt(attempt));
        }
        if let Some(group) = attempt.group {
            let outcome = self.select(attempt, socket, group);
            if outcome.is_some() {
                return outcome;
            }
        }
        self.try_once::<false>(attempt, socket)
    }

    /// Tries to send. None if another one is to follow.
    #[inline(always)] // send/unix/32
    fn try_once<const PLAIN: bool>(
        &mut self,
        attempt: &mut Attempt<'_, '_>,
        socket: Socket<'_>,
    ) -> Option<Outcome> {
        let flags = self.msg_flags | msg::DONTWAIT;
        let (addr, len) = (self.addr, self.len as usize);
        let (mut dest, mut vector) = (None, None);
        if let Some(extra) = self.extra.as_deref_mut().filter(|_| !PLAIN) {
            dest = extra.dest.as_mut().map(|(addr, len)| (addr, *len));
            vector = extra.vector.as_ref();
        }
        let has_vector = vector.is_some();
        let buffers = match (vector, !PLAIN && self.fixed) {
            (Some(vector), _) => UserBuffers::Many {
                iov: vector,
                skip: self.done as usize,
            },
            (None, true) => match attempt.fixed(addr, len) {
                Ok(part) => UserBuffers::Fixed(part),
                Err(error) => return Some(Outcome::failed(error)),
            },
            (None, false) => UserBuffers::One { addr, len },
        };
        let want = buffers.len();
        let sent = match socket.send(buffers, dest, flags) {
            Err(EAGAIN) => return Some(Outcome::POLL),
            sent => sent,
        };
        let all = flags & msg::WAITALL != 0;
        if let Ok(len) = sent {
            if len > 0 && len < want && (all || self.sends_all) && socket.resumes() {
                if !has_vector {
                    self.addr += len as u64;
                    self.len -= len as u32;
                }
                self.done += len as u32;
                return Some(Outcome::POLL);
            }
        }
        let res = match sent {
            Ok(len) => self.done as i32 + len as i32,
            Err(_) if self.done > 0 => self.done as i32,
            Err(error) => error.to_raw(),
        };
        let bundle = !PLAIN && self.bundle && attempt.group.is_none();
        if bundle && res > 0 && !attempt.polled && attempt.post_more(res, 0) {
            // As io_uring, which goes on with what is left of its only buffer.
            self.poll_first = false;
            self.len = 0;
            self.done = 0;
            if let Some(extra) = &mut self.extra {
                extra.vector = None;
            }
            return None;
        }
        Some(Outcome::Done {
            res,
            flags: self.buffer.filter(|_| !PLAIN).map_or(0, NonZeroU32::get),
            broken: sent.map_or(all || self.done == 0, |len| all && len < want),
        })
    }
}

impl Op for Send {
    #[inline]
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = SendArgs::parse(sqe, flags, false)?;
        let extra = Extra::of(&args, flags)?;
        if !flags.buffer_select() && !args.vectorized && !args.fixed {
            check_buffer(args.addr, args.len)?;
        }
        Ok(Self {
            addr: args.addr,
            len: args.len,
            msg_flags: args.msg_flags,
            poll_first: args.poll_first,
            bundle: args.bundle,
            fixed: args.fixed,
            plain: extra.is_none() && !args.poll_first && !args.fixed && !flags.buffer_select(),
            blocks: false,
            sends_all: false,
            done: 0,
            buffer: None,
            extra,
        })
    }

    fn set_by_io_wq(&mut self, blocks: bool) {
        self.sends_all |= blocks && !self.never_waits();
    }

    #[inline(always)] // send/unix/32
    fn issue(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        loop {
            if let Some(outcome) = self.once(&mut attempt) {
                return outcome;
            }
        }
    }

    fn runs_unlocked(&self, _file: Option<&File>) -> bool {
        !self.blocks
    }

    fn is_unbound(&self, _file: &File) -> bool {
        true
    }

    fn run_punted(&mut self, file: Option<&File>, buffer: Option<&RegisteredBuffer>) -> Outcome {
        let sent = self.send_unlocked(file, buffer, self.msg_flags);
        self.sent_unlocked(sent)
    }

    fn run_unlocked(
        &mut self,
        _context: CallContext<'_>,
        file: Option<&File>,
        buffer: Option<&RegisteredBuffer>,
    ) -> Outcome {
        if !self.blocks && !self.never_waits() {
            let sent = self.send_unlocked(file, buffer, self.msg_flags | msg::DONTWAIT);
            let takes_commands = |file| Socket::of(file).is_ok_and(Socket::takes_commands);
            // A worker has no descriptors, which they may name.
            if sent == Err(EAGAIN) && !file.is_some_and(takes_commands) {
                self.blocks = true;
                return Outcome::Requeue;
            }
            return self.sent_unlocked(sent);
        }
        self.run_punted(file, buffer)
    }

    #[inline]
    fn needs_drop(&self) -> bool {
        self.extra.is_some()
    }

    fn progress(&self) -> (usize, u32) {
        let flags = self.buffer.map_or(0, NonZeroU32::get);
        (self.done as usize, flags)
    }

    #[inline]
    fn never_waits(&self) -> bool {
        self.msg_flags & msg::DONTWAIT != 0
    }
}
