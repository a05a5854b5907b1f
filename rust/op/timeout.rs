// SPDX-License-Identifier: GPL-2.0

//! TIMEOUT, TIMEOUT_REMOVE and LINK_TIMEOUT. `io_uring/timeout.c` of the kernel.

use super::{Attempt, Op, OpVariant, Operation, Outcome};
use crate::{
    req::{tctx, wake::WakeFlags, Core, Job, OwnedReq, Request},
    ring::Locked,
    sys::{object::Object, time::Deadline, timer::Purpose, user},
    uapi::{
        args::timeout::{Time, TimeUpdate, TimeoutArgs, TimeoutRemoveArgs, UpdateKind},
        errno::{Errno, Result, EALREADY, EINVAL, ENOENT, ETIME},
        sqe::{Flags, Sqe},
    },
};
use kernel::{time::Delta, warn_on};

/// How long that is.
fn delta(time: Time) -> Result<Delta> {
    time.get(user::read).map(Delta::from_nanos)
}

fn deadline(args: &TimeoutArgs) -> Result<Deadline> {
    Ok(Deadline::new(args.clock, delta(args.time)?, args.absolute))
}

/// TIMEOUT.
pub(crate) struct Timeout {
    deadline: Deadline,
    /// Completions after which it is over; of a multishot one how often it still expires. 0 for
    /// neither.
    count: u32,
    /// The number of the completion after which it is over.
    target: Option<u32>,
    /// Whether a completion counts that came right before it.
    counts_last: bool,
    multishot: bool,
    etime_success: bool,
}

impl Timeout {
    /// Whether it expires once more, after it has.
    fn repeats(&mut self) -> bool {
        if self.multishot && self.count != 0 {
            self.count -= 1;
            return self.count != 0;
        }
        self.multishot
    }

    /// Changes when it expires, which is all that ends it then.
    fn update(&mut self, time: Delta, absolute: bool) -> Result {
        if self.multishot && absolute {
            return Err(EINVAL);
        }
        self.deadline = Deadline::new(self.deadline.clock(), time, absolute);
        if !self.multishot {
            self.count = 0;
            self.target = None;
        }
        Ok(())
    }
}

impl Op for Timeout {
    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        let args = TimeoutArgs::parse(sqe, false)?;
        Ok(Self {
            deadline: deadline(&args)?,
            count: args.count,
            target: None,
            counts_last: false,
            multishot: args.multishot,
            etime_success: args.etime_success,
        })
    }

    fn issue(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        if attempt.wake_flags.expired() {
            attempt.ring.count_timeout();
            if self.repeats() && attempt.post_more(ETIME.to_raw(), 0) {
                return Outcome::Timer;
            }
            return Outcome::failed(ETIME);
        }
        match self.target {
            Some(target) if attempt.ring.has_counted(target) => {
                attempt.ring.count_reached();
                return Outcome::done(0);
            }
            None if self.count != 0 && !self.multishot => {
                let left = self.count - u32::from(self.counts_last);
                if left == 0 {
                    attempt.ring.count_timeout();
                    return Outcome::done(0);
                }
                self.target = Some(attempt.ring.count_from_now(left));
            }
            _ => {}
        }
        Outcome::Timer
    }

    fn follow_link_timeout(&mut self) {
        // That completion counts: io_uring has not posted it yet when this begins.
        self.counts_last = true;
    }

    fn end(&mut self, ring: &mut Locked<'_>, error: Errno) -> Outcome {
        ring.count_timeout();
        Outcome::failed(error)
    }

    fn deadline(&self) -> Option<Deadline> {
        Some(self.deadline)
    }

    fn target(&self) -> Option<u32> {
        self.target
    }

    fn may_end_with(&self, res: i32) -> bool {
        self.etime_success && res == ETIME.to_raw()
    }

    fn needs_drop(&self) -> bool {
        // It is asked what its result means.
        true
    }
}

/// LINK_TIMEOUT: limits the time that the request before it in a link has.
///
/// It is not driven itself: its timer is that request's, see [`crate::req::LinkTimer`].
pub(crate) struct LinkTimeout {
    deadline: Deadline,
}

impl Op for LinkTimeout {
    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        let args = TimeoutArgs::parse(sqe, true)?;
        Ok(Self {
            deadline: deadline(&args)?,
        })
    }

    fn issue(&mut self, _attempt: Attempt<'_, '_>) -> Outcome {
        // There is no request before it.
        Outcome::failed(EINVAL)
    }

    fn deadline(&self) -> Option<Deadline> {
        Some(self.deadline)
    }
}

/// Which of two timeouts that have begun comes first in io_uring's list of them, of which a request that is for one takes the first.
/// `earlier` has begun before `later`.
///
/// Those that count completions are before all others there, in the order of the numbers that they wait for.
pub(super) fn first_of<'a>(
    ring: &Locked<'_>,
    later: &'a Object<Request>,
    earlier: &'a Object<Request>,
) -> &'a Object<Request> {
    let left = |object: &Object<Request>| {
        let target = object.target();
        target.map_or(u64::MAX, |target| ring.left_to_count(target).into())
    };
    if left(earlier) <= left(later) {
        earlier
    } else {
        later
    }
}

/// TIMEOUT_REMOVE: ends a timeout, or changes it.
pub(crate) struct TimeoutRemove {
    target: u64,
    update: Option<(Delta, TimeUpdate)>,
    /// Whether io_uring has a worker do it.
    by_worker: bool,
}

impl TimeoutRemove {
    /// The timeout that it is for, of those that nobody has got hold of.
    fn find<'a>(&self, ring: &'a Locked<'_>) -> Result<&'a Object<Request>> {
        ring.waiting(self.target)
            .filter(|object| object.opcode() == Some(Timeout::CODE) && object.is_parked())
            .reduce(|later, earlier| first_of(ring, later, earlier))
            .ok_or(ENOENT)
    }

    fn remove(&self, attempt: &Attempt<'_, '_>) -> Result {
        let object = self.find(attempt.ring)?;
        // One that expires just now finds the reason when it gets back.
        if let Some(req) = object.claim(WakeFlags::CANCELLED) {
            tctx::bring_back(req);
        }
        Ok(())
    }

    fn update(&self, attempt: &mut Attempt<'_, '_>, time: Delta, absolute: bool) -> Result {
        let object = self.find(attempt.ring)?;
        let mut req = object.claim(WakeFlags::NONE).ok_or(EALREADY)?;
        let result = match &mut req.core_mut().job.op {
            Operation::Timeout(timeout) => timeout.update(time, absolute),
            _ => {
                // The object has the opcode of its operation.
                warn_on!(true);
                Err(ENOENT)
            }
        };
        if result.is_ok() {
            req = stopped(req, Purpose::Own)?;
            // Its timer is to be started again.
            req.core_mut().job.disarm();
        }
        attempt.ring.rearm(req);
        result
    }

    fn update_link(&self, attempt: &mut Attempt<'_, '_>, time: Delta, absolute: bool) -> Result {
        let object = attempt
            .ring
            .all_waiting()
            .find(|object| object.link_timer_data() == Some(self.target))
            .ok_or(ENOENT)?;
        let req = object.claim(WakeFlags::NONE).ok_or(EALREADY)?;
        let mut req = stopped(req, Purpose::Link)?;
        let deadline = match req.core_mut().chain.first_mut() {
            Some(Core {
                job:
                    Job {
                        op: Operation::LinkTimeout(link),
                        ..
                    },
                ..
            }) => {
                link.deadline = Deadline::new(link.deadline.clock(), time, absolute);
                Ok(link.deadline)
            }
            _ => {
                // What shows a link's timer has its LINK_TIMEOUT in front of what is linked.
                warn_on!(true);
                Err(ENOENT)
            }
        };
        let started = deadline.and_then(|deadline| Ok(req.start_timer(Purpose::Link, deadline)?));
        attempt.ring.rearm(req);
        started
    }
}

/// Stops a timer of a request that was just claimed. If something has come in first it is too
/// late: the request goes back.
fn stopped(mut req: OwnedReq, purpose: Purpose) -> Result<OwnedReq> {
    req.stop_timer(purpose);
    let wake_flags = req.more_wake_flags();
    if wake_flags != WakeFlags::NONE {
        req.object().claim(wake_flags);
        tctx::bring_back(req);
        return Err(EALREADY);
    }
    Ok(req)
}

impl Op for TimeoutRemove {
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = TimeoutRemoveArgs::parse(sqe, flags)?;
        Ok(Self {
            target: args.target,
            update: match args.update {
                Some(update) => Some((delta(update.time)?, update)),
                None => None,
            },
            by_worker: false,
        })
    }

    fn set_by_io_wq(&mut self, _blocks: bool) {
        self.by_worker = true;
    }

    fn issue(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        if self.by_worker {
            // As for ASYNC_CANCEL.
            attempt.ring.commit();
        }
        let result = match self.update {
            Some((time, update)) => match update.kind {
                UpdateKind::Plain => self.update(&mut attempt, time, update.absolute),
                UpdateKind::Link => self.update_link(&mut attempt, time, update.absolute),
                UpdateKind::Nothing => self.remove(&attempt),
            },
            None => self.remove(&attempt),
        };
        Outcome::of(result.map(|()| 0))
    }
}
