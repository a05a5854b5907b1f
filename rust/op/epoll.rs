// SPDX-License-Identifier: GPL-2.0

//! EPOLL_CTL. `io_uring/epoll.c` of the kernel.
//!
//! The submitter does it once it has unlocked the ring: it is about descriptors, which a worker has none of, and
//! who waits for the epoll has that locked meanwhile.

use super::{Attempt, Op, Outcome};
use crate::{
    rsrc::buffers::RegisteredBuffer,
    sys::{
        unexported::{self, Functions},
        user,
    },
    uapi::{
        args::poll::EpollCtlArgs,
        errno::Result,
        sqe::{Flags, Sqe},
    },
};
use kernel::fs::File;

/// EPOLL_CTL.
pub(crate) struct EpollCtl {
    args: EpollCtlArgs,
    /// A `struct epoll_event`.
    event: [u32; 3],
}

impl Op for EpollCtl {
    fn is_there() -> bool {
        Functions::EPOLL_CTL.are_there()
    }

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        Functions::EPOLL_CTL.check()?;
        let args = EpollCtlArgs::parse(sqe)?;
        let event = match args.event {
            Some(addr) => user::read(addr)?,
            None => [0; 3],
        };
        Ok(Self { args, event })
    }

    fn issue(&mut self, _at: Attempt<'_, '_>) -> Outcome {
        Outcome::Punt
    }

    fn run_punted(&mut self, _file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let EpollCtlArgs { epfd, op, fd, .. } = self.args;
        Outcome::of(unexported::epoll_ctl(epfd, op, fd, &self.event).map(|()| 0))
    }
}
