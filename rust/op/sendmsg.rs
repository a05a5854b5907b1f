// SPDX-License-Identifier: GPL-2.0

//! SENDMSG. `io_uring/net.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    rsrc::buffers::RegisteredBuffer,
    sys::{
        context::CallContext,
        rw::is_nonblocking,
        socket::{SockAddr, Socket, UserBuffers},
        user::{self, Vector},
    },
    uapi::{
        abi::msg,
        args::recvsend::SendArgs,
        errno::{Result, EAGAIN, EBADF, EINVAL},
        sqe::{Flags, Sqe},
        structs::MsgHdr,
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox},
    fs::File,
};

/// SENDMSG.
pub(crate) struct SendMsg {
    msg_flags: u32,
    poll_first: bool,
    /// Whom to send it to, and the length of that.
    dest: Option<(KBox<SockAddr>, usize)>,
    /// What to send.
    vector: Vector,
    /// User address and size of the control messages. They go with the first bytes.
    control: (u64, u64),
    /// Bytes that are sent already, of a transfer that goes on until all is.
    done: usize,
    /// There was no room when the submitter tried it with the ring unlocked: a worker waits for some.
    blocks: bool,
    /// A worker of io_uring sleeps until all of it is sent, unless the socket is not to wait.
    sends_all: bool,
}

impl SendMsg {
    /// Whether it is to be sent with the ring unlocked: to who may do with it what takes long, or to a name in a file system.
    fn is_slow(&self, socket: Socket<'_>) -> bool {
        let dest = self.dest.as_ref();
        let named = dest.is_some_and(|(addr, len)| addr.names_file(*len));
        socket.takes_commands() || (named && socket.looks_names_up())
    }

    /// Tries to send what is left. What would have to wait is none.
    #[inline]
    fn send(&mut self, socket: Socket<'_>, flags: u32) -> Option<Outcome> {
        let buffers = UserBuffers::Many {
            iov: &self.vector,
            skip: self.done,
        };
        let want = buffers.len();
        let dest = self.dest.as_mut().map(|(addr, len)| (&mut **addr, *len));
        let sent = match socket.sendmsg(buffers, dest, self.control, flags) {
            Err(EAGAIN) => return None,
            sent => sent,
        };
        let all = flags & msg::WAITALL != 0;
        if let Ok(len) = sent {
            if len > 0 && len < want && (all || self.sends_all) && socket.resumes() {
                self.control = (0, 0);
                self.done += len;
                return None;
            }
        }
        Some(Outcome::Done {
            res: match sent {
                Ok(len) => (self.done + len) as i32,
                Err(_) if self.done > 0 => self.done as i32,
                Err(error) => error.to_raw(),
            },
            flags: 0,
            broken: sent.map_or(all || self.done == 0, |len| all && len < want),
        })
    }
}

impl Op for SendMsg {
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = SendArgs::parse(sqe, flags, true)?;
        let hdr = user::read::<MsgHdr>(args.addr)?;
        let dest = if hdr.name != 0 {
            let len = usize::try_from(hdr.name_len).map_err(|_| EINVAL)?;
            let len = len.min(SockAddr::SIZE);
            if len != 0 {
                let addr = SockAddr::read(hdr.name, len)?;
                Some((KBox::new(addr, GFP_KERNEL_ACCOUNT)?, len))
            } else {
                None
            }
        } else {
            None
        };
        Ok(Self {
            msg_flags: args.msg_flags,
            poll_first: args.poll_first,
            dest,
            vector: hdr.vector(false)?,
            control: (hdr.control, hdr.control_len),
            done: 0,
            blocks: false,
            sends_all: false,
        })
    }

    fn set_by_io_wq(&mut self, blocks: bool) {
        self.sends_all |= blocks && !self.never_waits();
    }

    #[inline]
    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        let socket = match attempt.file().and_then(Socket::of) {
            Ok(socket) => socket,
            Err(error) => return Outcome::failed(error),
        };
        if self.sends_all {
            self.sends_all = !attempt.file.is_some_and(is_nonblocking);
        }
        if self.poll_first && !attempt.polled {
            return Outcome::POLL;
        }
        if self.is_slow(socket) {
            return Outcome::Punt;
        }
        let flags = self.msg_flags | msg::DONTWAIT;
        self.send(socket, flags).unwrap_or(Outcome::POLL)
    }

    fn runs_unlocked(&self, _file: Option<&File>) -> bool {
        !self.blocks
    }

    fn is_unbound(&self, _file: &File) -> bool {
        true
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        match file.ok_or(EBADF).and_then(Socket::of) {
            Ok(socket) => {
                let sent = self.send(socket, self.msg_flags);
                sent.unwrap_or(Outcome::failed(EAGAIN))
            }
            Err(error) => Outcome::failed(error),
        }
    }

    fn run_unlocked(
        &mut self,
        _context: CallContext<'_>,
        file: Option<&File>,
        buffer: Option<&RegisteredBuffer>,
    ) -> Outcome {
        if self.blocks || self.never_waits() {
            return self.run_punted(file, buffer);
        }
        let flags = self.msg_flags | msg::DONTWAIT;
        let socket = file.ok_or(EBADF).and_then(Socket::of);
        let socket = match socket {
            Ok(socket) => socket,
            Err(error) => return Outcome::failed(error),
        };
        match self.send(socket, flags) {
            Some(outcome) => outcome,
            // A worker has no descriptors, which they may name.
            None if self.control.1 != 0 || socket.takes_commands() => Outcome::failed(EAGAIN),
            None => {
                self.blocks = true;
                Outcome::Requeue
            }
        }
    }

    fn progress(&self) -> (usize, u32) {
        (self.done, 0)
    }

    #[inline]
    fn never_waits(&self) -> bool {
        self.msg_flags & msg::DONTWAIT != 0
    }
}
