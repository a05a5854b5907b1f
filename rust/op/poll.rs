// SPDX-License-Identifier: GPL-2.0

//! POLL_ADD and POLL_REMOVE. `io_uring/poll.c` of the kernel.

use super::{Attempt, Op, Operation, Outcome, Spec, Wait};
use crate::{
    req::{self, claim::Reasons, home},
    ring::Ring,
    sys::{poll::events_of, ringfile},
    uapi::{
        abi::{events, op},
        args::{PollArgs, PollRemoveArgs},
        errno::{Result, EALREADY, EINVAL, ENOENT},
        sqe::{Flags, Sqe},
    },
};

/// POLL_ADD.
pub(crate) struct PollAdd {
    args: PollArgs,
}

impl PollAdd {
    /// Changes what it waits for: the events, and not how.
    fn update(&mut self, wanted: u32) {
        self.args.events = (self.args.events & !0xffff) | (wanted & 0xffff);
    }
}

impl Op for PollAdd {
    const SPEC: Spec = Spec {
        needs_file: true,
        buffer_select: false,
        ioprio: false,
        wait: Wait::Own,
    };

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        Ok(Self {
            args: PollArgs::parse(sqe, flags)?,
        })
    }

    fn issue(&mut self, mut at: Attempt<'_, '_>) -> Outcome {
        let file = match at.file() {
            Ok(file) => file,
            Err(error) => return Outcome::failed(error),
        };
        if !at.polled {
            // A ring that waits for a ring could keep itself alive.
            if ringfile::is_ring::<Ring>(file) {
                return Outcome::failed(EINVAL);
            }
            return Outcome::Wait;
        }
        let wanted = (self.args.events & 0xffff) | events::ALWAYS;
        let mut mask = at.reasons.events() & wanted;
        // A waker that says nothing, or one of several, may be out of date.
        if mask == 0 || at.reasons.again() {
            mask = events_of(file, wanted);
        }
        if mask == 0 {
            return Outcome::Wait;
        }
        let mask = mask as i32;
        if self.args.multishot() && !at.reasons.looped() && at.post_more(mask, 0) {
            return Outcome::Wait;
        }
        Outcome::done(mask)
    }

    fn multishot(&self) -> bool {
        self.args.multishot()
    }

    fn events(&self) -> u32 {
        self.args.events
    }
}

/// POLL_REMOVE: ends a poll request, or changes it.
pub(crate) struct PollRemove(PollRemoveArgs);

impl PollRemove {
    fn remove(&self, at: &mut Attempt<'_, '_>) -> Result {
        let mut found = at.ring.waiting(self.0.target);
        let cell = found
            .find(|cell| cell.opcode() == op::POLL_ADD)
            .ok_or(ENOENT)?;
        let update = self.0.events.is_some() || self.0.user_data.is_some();
        let reasons = if update {
            Reasons::NONE
        } else {
            Reasons::CANCELLED
        };
        let mut token = cell.claim(reasons).ok_or(EALREADY)?;
        drop(found);
        let target = token.cell().home().clone();
        if !update {
            home::push(&target, token, false);
            return Ok(());
        }
        at.ring.forget(&mut token);
        let held = token.owned();
        if let (Some(wanted), Operation::PollAdd(poll)) = (self.0.events, &mut held.job.op) {
            poll.update(wanted);
        }
        if let Some(user_data) = self.0.user_data {
            held.job.user_data = user_data;
        }
        held.job.watching = false;
        req::show(&mut token);
        at.ring.arm_again(token);
        Ok(())
    }
}

impl Op for PollRemove {
    const SPEC: Spec = Spec {
        needs_file: false,
        buffer_select: false,
        ioprio: false,
        wait: Wait::Never,
    };

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        PollRemoveArgs::parse(sqe).map(Self)
    }

    fn issue(&mut self, mut at: Attempt<'_, '_>) -> Outcome {
        match self.remove(&mut at) {
            Ok(()) => Outcome::done(0),
            Err(error) => Outcome::failed(error),
        }
    }
}
