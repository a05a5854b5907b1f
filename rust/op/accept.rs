// SPDX-License-Identifier: GPL-2.0

//! ACCEPT, single and multishot. `io_uring/net.c` of the kernel.

use super::{Attempt, Op, Outcome, Spec, Wait};
use crate::{
    sys::{
        fd::Reserved,
        socket::{Accepted, Socket},
    },
    uapi::{
        abi::cqe,
        args::AcceptArgs,
        errno::{Result, EAGAIN},
        sqe::{Flags, Sqe},
    },
};

/// ACCEPT.
pub(crate) struct Accept(AcceptArgs);

impl Accept {
    fn accept(&self, socket: Socket<'_>) -> Result<(Reserved, Accepted)> {
        let fd = Reserved::new(self.0.sock_flags)?;
        let accepted = socket.accept(self.0.sock_flags, (self.0.addr, self.0.addr_len), false)?;
        Ok((fd, accepted))
    }
}

impl Op for Accept {
    const SPEC: Spec = Spec {
        needs_file: true,
        buffer_select: false,
        ioprio: true,
        wait: Wait::InExclusive,
    };

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        AcceptArgs::parse(sqe).map(Self)
    }

    fn issue(&mut self, mut at: Attempt<'_, '_>) -> Outcome {
        let socket = match at.file().and_then(|file| Socket::of(file)) {
            Ok(socket) => socket,
            Err(error) => return Outcome::failed(error),
        };
        if self.0.poll_first && !at.polled {
            return Outcome::Wait;
        }
        loop {
            let (fd, accepted) = match self.accept(socket) {
                Ok(done) => done,
                Err(EAGAIN) => return Outcome::Wait,
                Err(error) => return Outcome::failed(error),
            };
            let res = fd.install(accepted.file);
            let flags = match accepted.more {
                Some(true) => cqe::SOCK_NONEMPTY,
                _ => 0,
            };
            if !self.0.multishot || !at.post_more(res, flags) {
                return Outcome::Done {
                    res,
                    flags,
                    broken: false,
                };
            }
            if accepted.more == Some(false) {
                return Outcome::Wait;
            }
        }
    }

    fn multishot(&self) -> bool {
        self.0.multishot
    }

    fn never_waits(&self) -> bool {
        self.0.dont_wait
    }
}
