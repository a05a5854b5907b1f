// SPDX-License-Identifier: GPL-2.0

//! EPOLL_CTL and EPOLL_WAIT. `io_uring/epoll.c` of the kernel.
//!
//! The submitter does them once it has unlocked the ring: EPOLL_CTL is about descriptors, which a worker has none of, and
//! who waits for the epoll has that locked meanwhile.

use super::{Attempt, Op, Outcome};
use crate::{
    rsrc::buffers::RegisteredBuffer,
    sys::{
        poll::events_of,
        unexported::{self, Functions},
        user,
    },
    uapi::{
        abi::events,
        args::poll::{EpollCtlArgs, EpollWaitArgs},
        errno::{Result, EBADF},
        sqe::{Flags, Sqe},
        structs::EpollEvent,
    },
};
use kernel::fs::File;

/// EPOLL_CTL.
pub(crate) struct EpollCtl {
    args: EpollCtlArgs,
    /// What the SQE points to, or nothing.
    event: EpollEvent,
}

impl Op for EpollCtl {
    const FUNCTIONS: Functions = Functions::EPOLL_CTL;

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        let args = EpollCtlArgs::parse(sqe)?;
        let event = match args.event {
            Some(addr) => user::read(addr)?,
            None => EpollEvent::default(),
        };
        Ok(Self { args, event })
    }

    fn issue(&mut self, _attempt: Attempt<'_, '_>) -> Outcome {
        Outcome::Punt
    }

    fn run_punted(&mut self, _file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let EpollCtlArgs { epfd, op, fd, .. } = self.args;
        Outcome::of(unexported::epoll_ctl(epfd, op, fd, &self.event).map(|()| 0))
    }
}

/// EPOLL_WAIT.
pub(crate) struct EpollWait {
    args: EpollWaitArgs,
    /// There was no event when it looked last.
    waits: bool,
}

impl Op for EpollWait {
    const FUNCTIONS: Functions = Functions::EPOLL_WAIT;

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        Ok(Self {
            args: EpollWaitArgs::parse(sqe)?,
            waits: false,
        })
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        match attempt.file() {
            Ok(file) if self.waits && events_of(file, events::IN) & events::IN == 0 => {
                Outcome::POLL
            }
            Ok(_) => Outcome::Punt,
            Err(error) => Outcome::failed(error),
        }
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let EpollWaitArgs { events, most } = self.args;
        let done = file
            .ok_or(EBADF)
            .and_then(|file| unexported::epoll_events(file, events, most));
        self.waits = done == Ok(0);
        if self.waits {
            return Outcome::Requeue;
        }
        Outcome::of(done)
    }
}
