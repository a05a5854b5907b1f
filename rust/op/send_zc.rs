// SPDX-License-Identifier: GPL-2.0

//! SEND_ZC and SENDMSG_ZC. `io_uring/net.c` and `io_uring/notif.c` of the kernel.
//!
//! See [`crate::notif`] for when which completion comes.

use super::{Attempt, Op, Operation, Outcome};
use crate::{
    notif::notice::{self, BufferState, First, Mode, Notice, Sent},
    req::NotifRef,
    ring::Locked,
    sys::{
        rw::is_nonblocking,
        socket::{SockAddr, Socket, UserBuffers},
        user::{self, check_buffer, Vector},
    },
    uapi::{
        abi::{cqe, msg, MAX_RW_COUNT},
        args::recvsend::SendZcArgs,
        errno::{Errno, Result, EAGAIN, EFAULT, EINVAL, EOPNOTSUPP},
        sqe::{Flags, Sqe},
        structs::MsgHdr,
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox},
    warn_on,
};

/// SEND_ZC, or (`MESSAGE`) SENDMSG_ZC.
pub(crate) struct SendZc<const MESSAGE: bool> {
    source: ZcSource,
    /// The address and the control messages to send with, if there are any.
    message: Option<KBox<ZcMessage>>,
    msg_flags: u32,
    /// Bytes that are sent already, of a transfer that goes on until all is.
    done: u32,
    notif_data: u64,
    /// The notification, once it has begun.
    notif_ref: Option<NotifRef>,
    mode: Mode,
    poll_first: bool,
    fixed: bool,
    /// A worker of io_uring sleeps until all of it is sent; of a message, unless the socket is not to wait.
    sends_all: bool,
}

/// The memory that is sent from.
enum ZcSource {
    /// Memory in one piece.
    One { addr: u64, len: u32 },
    /// Memory in several pieces.
    Many(Vector),
}

impl ZcSource {
    /// The bytes that are not sent yet, after the first `done`.
    #[inline]
    fn after(&self, done: u32) -> UserBuffers<'_> {
        match self {
            Self::One { addr, len } => UserBuffers::One {
                addr: addr + u64::from(done),
                len: (len - done) as usize,
            },
            Self::Many(vector) => UserBuffers::Many {
                iov: vector,
                skip: done as usize,
            },
        }
    }
}

/// Whom a message is for, and what goes with it.
struct ZcMessage {
    name: Option<(SockAddr, usize)>,
    /// User address and size of the control messages. They go with the first bytes.
    control: (u64, u64),
}

impl ZcMessage {
    /// A message, unless there is nothing to it.
    fn new(name: Option<(SockAddr, usize)>, control: (u64, u64)) -> Result<Option<KBox<Self>>> {
        if name.is_none() && control.1 == 0 {
            return Ok(None);
        }
        let message = Self { name, control };
        Ok(Some(KBox::new(message, GFP_KERNEL_ACCOUNT)?))
    }

    /// From the fields of a SEND_ZC.
    #[inline]
    fn of_send(args: &SendZcArgs) -> Result<Option<KBox<Self>>> {
        if args.dest == 0 {
            return Ok(None);
        }
        let len = args.dest_len.into();
        Self::new(Some((SockAddr::read(args.dest, len)?, len)), (0, 0))
    }

    /// From the header of a SENDMSG_ZC.
    fn of_header(hdr: &MsgHdr) -> Result<Option<KBox<Self>>> {
        let mut name = None;
        if hdr.name != 0 {
            let len = usize::try_from(hdr.name_len).map_err(|_| EINVAL)?;
            let len = len.min(SockAddr::SIZE);
            if len != 0 {
                name = Some((SockAddr::read(hdr.name, len)?, len));
            }
        }
        Self::new(name, (hdr.control, hdr.control_len))
    }

    #[inline]
    fn parts(&mut self) -> (Option<(&mut SockAddr, usize)>, (u64, u64)) {
        // Also one of no bytes, which who sends refuses.
        let name = self.name.as_mut().map(|(name, len)| (name, *len));
        (name, self.control)
    }
}

impl<const MESSAGE: bool> SendZc<MESSAGE> {
    /// Begins the notification, which keeps the registered buffer if there is one.
    #[inline]
    fn lend(&self, ring: &mut Locked<'_>, index: u16) -> Result<NotifRef> {
        let notice = Notice::new(self.mode);
        if !self.fixed {
            let len = self.source.after(0).len();
            return ring.alloc_notif(self.notif_data, notice, Some(len));
        }
        let buffer = ring.buffers().get(index.into()).ok_or(EFAULT)?.clone();
        if let ZcSource::Many(vector) = &self.source {
            buffer.memory.count_pieces(vector)?;
        }
        // Its pages are charged already.
        let mut notif_ref = ring.alloc_notif(self.notif_data, notice, None)?;
        notif_ref.keep(buffer);
        Ok(notif_ref)
    }

    /// Whether the bytes, in one piece, are not all in the registered buffer: then none was sent.
    #[cold] // send-late-fixed/zc/64/8
    fn is_beyond(&self, notif_ref: &mut NotifRef) -> bool {
        match (&self.source, notif_ref.buffer()) {
            (ZcSource::One { addr, len }, Some(buffer)) => {
                buffer.memory.part(*addr, *len as usize).is_err()
            }
            _ => false,
        }
    }

    /// Ends the send, and as far as it is concerned the notification.
    #[inline(always)] // send-out/zc/1400/8
    fn conclude(&self, ring: &mut Locked<'_>, notif_ref: Option<NotifRef>, sent: Sent) -> Outcome {
        let (buffer, in_flight) = match notif_ref.map(NotifRef::reclaim) {
            None => (BufferState::Unsent, None),
            Some(Ok(req)) => {
                match self.mode {
                    Mode::Two { .. } => ring.complete_notif_soon(req),
                    Mode::One => ring.discard_notif(req),
                }
                (BufferState::Free, None)
            }
            Some(Err(notif_ref)) => (BufferState::InFlight, Some(notif_ref)),
        };
        let (more, freed) = match (notice::first(self.mode, buffer), in_flight) {
            (First::Now { more, freed }, in_flight) => {
                // The send's own count: only packets have the notification from here on, and the last of them brings it back.
                drop(in_flight);
                (more, freed)
            }
            (First::Later, Some(mut notif_ref)) => {
                if let Operation::Notif(notif) = &mut notif_ref.core_mut().job.op {
                    notif.notice = Notice::Result(sent);
                } else {
                    // The object was made for a notification.
                    warn_on!(true);
                }
                return Outcome::ByNotif(notif_ref);
            }
            (First::Later, None) => {
                // Only what is in flight is told of later.
                warn_on!(true);
                (false, false)
            }
        };
        Outcome::Done {
            res: sent.res,
            flags: if more { cqe::MORE } else { 0 } | if freed { cqe::NOTIF } else { 0 },
            broken: sent.broken,
        }
    }
}

impl<const MESSAGE: bool> Op for SendZc<MESSAGE> {
    const AUDITED: bool = MESSAGE;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = SendZcArgs::parse(sqe, flags, MESSAGE)?;
        let (source, message) = if MESSAGE {
            let hdr = user::read::<MsgHdr>(args.addr)?;
            let message = ZcMessage::of_header(&hdr)?;
            (ZcSource::Many(hdr.vector(args.fixed)?), message)
        } else {
            let message = ZcMessage::of_send(&args)?;
            let source = if args.vectorized && args.fixed {
                ZcSource::Many(Vector::read_fixed(args.addr, args.len.into())?)
            } else if args.vectorized {
                ZcSource::Many(Vector::read(args.addr, args.len.into())?)
            } else {
                if !args.fixed {
                    check_buffer(args.addr, args.len)?;
                }
                ZcSource::One {
                    addr: args.addr,
                    // A registered buffer refuses more than that.
                    len: if args.fixed {
                        args.len
                    } else {
                        args.len.min(MAX_RW_COUNT as u32)
                    },
                }
            };
            (source, message)
        };
        Ok(Self {
            source,
            message,
            msg_flags: args.msg_flags,
            done: 0,
            notif_data: args.notif_data,
            notif_ref: None,
            mode: if args.combined {
                Mode::One
            } else {
                Mode::Two {
                    report: args.report,
                }
            },
            poll_first: args.poll_first,
            fixed: args.fixed,
            sends_all: false,
        })
    }

    fn set_by_io_wq(&mut self, blocks: bool) {
        self.sends_all |= blocks && !self.never_waits();
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        let socket = match attempt.file().and_then(Socket::of) {
            Ok(socket) if socket.supports_zc() => socket,
            Ok(_) => return Outcome::failed(EOPNOTSUPP),
            Err(error) => return Outcome::failed(error),
        };
        if self.poll_first && !attempt.polled {
            return Outcome::POLL;
        }
        if MESSAGE && self.sends_all {
            self.sends_all = !attempt.file.is_some_and(is_nonblocking);
        }
        // It is part of the operation only while that waits.
        let mut notif_ref = match self.notif_ref.take() {
            Some(notif_ref) => notif_ref,
            None => match self.lend(attempt.ring, attempt.index) {
                Ok(notif_ref) => notif_ref,
                Err(error) => return Outcome::failed(error),
            },
        };
        let flags = self.msg_flags | msg::DONTWAIT;
        let buffers = self.source.after(self.done);
        let want = buffers.len();
        let sent = if MESSAGE {
            let (name, control) = match &mut self.message {
                Some(message) => message.parts(),
                None => (None, (0, 0)),
            };
            socket.sendmsg_zc(buffers, name, control, flags, &mut notif_ref)
        } else {
            let name = self.message.as_mut().and_then(|message| message.parts().0);
            socket.send_zc(buffers, name, flags, &mut notif_ref)
        };
        let all = flags & msg::WAITALL != 0;
        let (res, broken) = match sent {
            Ok(len) if len == want => (self.done as i32 + len as i32, false),
            Err(EAGAIN) => {
                self.notif_ref = Some(notif_ref);
                return Outcome::POLL;
            }
            Err(_) if self.is_beyond(&mut notif_ref) => {
                // As if it had not begun.
                if let Ok(req) = notif_ref.reclaim() {
                    attempt.ring.discard_notif(req);
                }
                return Outcome::failed(EFAULT);
            }
            Ok(len @ 1..) if (all || self.sends_all) && socket.resumes() => {
                if let Some(message) = &mut self.message {
                    message.control = (0, 0);
                }
                self.done += len as u32;
                self.notif_ref = Some(notif_ref);
                return Outcome::POLL;
            }
            Ok(len) => (self.done as i32 + len as i32, all && len < want),
            Err(_) if self.done > 0 => (self.done as i32, all),
            Err(error) => (error.to_raw(), true),
        };
        self.conclude(attempt.ring, Some(notif_ref), Sent { res, broken })
    }

    fn progress(&self) -> (usize, u32) {
        (self.done as usize, 0)
    }

    fn end(&mut self, ring: &mut Locked<'_>, error: Errno) -> Outcome {
        let res = match self.done {
            0 => error.to_raw(),
            done => done as i32,
        };
        let notif_ref = self.notif_ref.take();
        self.conclude(ring, notif_ref, Sent { res, broken: true })
    }

    #[inline]
    fn needs_drop(&self) -> bool {
        self.notif_ref.is_some()
            || self.message.is_some()
            || matches!(self.source, ZcSource::Many(Vector::Many(_)))
    }

    #[inline]
    fn never_waits(&self) -> bool {
        self.msg_flags & msg::DONTWAIT != 0
    }
}
