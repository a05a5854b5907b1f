// SPDX-License-Identifier: GPL-2.0

//! POLL_ADD and POLL_REMOVE. `io_uring/poll.c` of the kernel.

use super::{Attempt, Op, OpVariant, Operation, Outcome};
use crate::{
    req::{tctx, wake::WakeFlags, Job, Place},
    ring::{Locked, Ring},
    sys::{
        poll::events_of,
        ringfile::{self, RingFile},
    },
    uapi::{
        abi::events,
        args::poll::{PollArgs, PollRemoveArgs},
        errno::{Result, EALREADY, EBADF, EINVAL, ENOENT},
        sqe::{Flags, Sqe},
    },
};
use kernel::{fs::File, sync::Arc, warn_on};

/// POLL_ADD.
pub(crate) struct PollAdd {
    args: PollArgs,
    /// The ring whose descriptor it polls. It keeps the ring and not its file: a ring that polls
    /// itself would else never be closed.
    ring: Option<Arc<Ring>>,
    /// If it is level-triggered: how many completions of the ring are to be consumed before it looks again.
    seen_at: u32,
}

impl PollAdd {
    /// Reports what there is. The request reports again once this is consumed; if there is no room for it, once there is some.
    #[cold] // poll/32
    fn report_level(&mut self, ring: &mut Locked<'_>, user_data: u64, mask: i32) -> Outcome {
        ring.post_more(user_data, mask, 0);
        self.seen_at = ring.cached_cq_tail();
        Outcome::Stall
    }

    /// The events of `wanted` that are there at the moment.
    #[inline(never)] // poll/32: it calls out, for which registers are saved.
    fn ready_events(&self, file: Option<&File>, wanted: u32) -> Result<u32> {
        match &self.ring {
            Some(ring) => Ok(ring.events() & wanted),
            None => Ok(events_of(file.ok_or(EBADF)?, wanted)),
        }
    }
}

impl Op for PollAdd {
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        Ok(Self {
            args: PollArgs::parse(sqe, flags)?,
            ring: None,
            seen_at: 0,
        })
    }

    #[inline(always)] // poll/32
    fn issue(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        if !attempt.polled {
            return match attempt.file() {
                Ok(file) => {
                    if let Some(ring) = ringfile::ring_of(file) {
                        self.ring = Some(ring);
                    }
                    Outcome::POLL
                }
                Err(error) => Outcome::failed(error),
            };
        }
        let wanted = (self.args.events & 0xffff) | events::ALWAYS;
        let mut mask = attempt.wake_flags.events() & wanted;
        // A waker that says nothing, or one of several, may be out of date.
        if mask == 0 || attempt.wake_flags.again() {
            mask = match self.ready_events(attempt.file, wanted) {
                Ok(mask) => mask,
                Err(error) => return Outcome::failed(error),
            };
        }
        if mask == 0 {
            return Outcome::POLL;
        }
        let mask = mask as i32;
        // A ring that is gone has no more to say.
        let last =
            attempt.wake_flags.by_ring() || self.ring.as_ref().is_some_and(|ring| ring.is_dying());
        if self.args.multishot() && !last {
            if self.args.level() {
                return self.report_level(attempt.ring, attempt.user_data, mask);
            }
            if attempt.post_more(mask, 0) {
                return Outcome::POLL;
            }
        }
        Outcome::done(mask)
    }

    fn seen_at(&self) -> Option<u32> {
        self.args.level().then_some(self.seen_at)
    }

    #[inline]
    fn poll_result(&self, wake_flags: WakeFlags) -> Option<(i32, bool)> {
        let mask = wake_flags.events() & (self.args.events | events::ALWAYS);
        if mask == 0 || wake_flags.again() || self.ring.is_some() {
            return None;
        }
        Some((mask as i32, !self.args.multishot() || wake_flags.by_ring()))
    }

    #[inline]
    fn multishot(&self) -> bool {
        self.args.multishot()
    }

    #[inline]
    fn is_lazy(&self) -> bool {
        // Each of its completions stands for one wake-up, which the next one in the queue gets if it is exclusive.
        self.args.events & events::EXCLUSIVE == 0
    }

    #[inline]
    fn needs_drop(&self) -> bool {
        self.ring.is_some()
    }

    #[inline]
    fn events(&self) -> u32 {
        self.args.events
    }

    #[inline]
    fn ring(&self) -> Option<&Arc<Ring>> {
        self.ring.as_ref()
    }
}

/// POLL_REMOVE: ends a poll request, or changes it.
pub(crate) struct PollRemove(PollRemoveArgs);

impl PollRemove {
    fn remove_or_update(&self, attempt: &mut Attempt<'_, '_>) -> Result {
        let mut found = attempt.ring.waiting(self.0.target);
        let object = found
            .find(|object| object.opcode() == Some(PollAdd::CODE) && object.has_begun())
            .ok_or(ENOENT)?;
        // One that is on its way is left alone.
        let claimed = match object.place() {
            Place::Queued => {
                object.drop_queued();
                None
            }
            _ => Some(object.claim(WakeFlags::NONE).ok_or(EALREADY)?),
        };
        drop(found);
        let claimed = claimed.or_else(|| attempt.ring.take_reported(self.0.target));
        let mut req = claimed.ok_or(EALREADY)?;
        // Nobody finds what is removed meanwhile.
        attempt.ring.unlist(&mut req);
        if !self.0.updates() {
            req.object().claim(WakeFlags::CANCELLED);
            tctx::bring_back(req);
            return Ok(());
        }
        let done = self.update(&mut req.core_mut().job);
        req.core_mut().job.disarm();
        attempt.ring.rearm(req);
        done
    }

    /// Changes a poll request.
    fn update(&self, job: &mut Job) -> Result {
        let Operation::PollAdd(poll) = &mut job.op else {
            // The object has the opcode of its operation.
            warn_on!(true);
            return Err(ENOENT);
        };
        let mut args = poll.args;
        args.update(&self.0);
        if args.multishot() && job.flags.cqe_skip() {
            return Err(EINVAL);
        }
        poll.args = args;
        job.user_data = self.0.user_data.unwrap_or(job.user_data);
        Ok(())
    }
}

impl Op for PollRemove {
    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        PollRemoveArgs::parse(sqe).map(Self)
    }

    #[inline]
    fn issue(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        Outcome::of(self.remove_or_update(&mut attempt).map(|()| 0))
    }
}
