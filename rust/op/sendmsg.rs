// SPDX-License-Identifier: GPL-2.0

//! SENDMSG. `io_uring/net.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    sys::{
        socket::{SockAddr, Socket, UserBuffers},
        user::{self, Vector},
    },
    uapi::{
        abi::msg,
        args::recvsend::SendArgs,
        errno::{Result, EAGAIN, EINVAL},
        sqe::{Flags, Sqe},
        structs::MsgHdr,
    },
};
use kernel::alloc::{flags::GFP_KERNEL_ACCOUNT, KBox};

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
    /// Bytes that are sent already, of a transfer that wants all.
    done: usize,
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
        })
    }

    #[inline]
    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        let socket = match at.file().and_then(Socket::of) {
            Ok(socket) => socket,
            Err(error) => return Outcome::failed(error),
        };
        if self.poll_first && !at.polled {
            return Outcome::POLL;
        }
        let flags = self.msg_flags | msg::DONTWAIT;
        let buffers = UserBuffers::Many {
            iov: &self.vector,
            skip: self.done,
        };
        let want = buffers.len();
        let dest = self.dest.as_mut().map(|(addr, len)| (&mut **addr, *len));
        let sent = match socket.sendmsg(buffers, dest, self.control, flags) {
            Err(EAGAIN) => return Outcome::POLL,
            sent => sent,
        };
        let all = flags & msg::WAITALL != 0;
        if let Ok(len) = sent {
            if all && len > 0 && len < want && socket.resumes() {
                self.control = (0, 0);
                self.done += len;
                return Outcome::POLL;
            }
        }
        Outcome::Done {
            res: match sent {
                Ok(len) => (self.done + len) as i32,
                Err(_) if self.done > 0 => self.done as i32,
                Err(error) => error.to_raw(),
            },
            flags: 0,
            broken: sent.map_or(true, |len| all && len < want),
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
