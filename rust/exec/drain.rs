// SPDX-License-Identifier: GPL-2.0

//! IOSQE_IO_DRAIN: requests that start when all before them are over, and those behind them.
//!
//! Which requests are not over is known from the objects: one is in use from a request's submission
//! until its completion has been posted or kept.

use crate::{
    op,
    req::{tctx::TaskCtx, OwnedReq, Request},
    ring::Locked,
    sys::{queue::Fifo, trace},
    uapi::{abi::sqe_flags, sqe::Flags},
};
use kernel::{sync::atomic::Relaxed, warn_on};

/// Requests that wait until those before them are over (IOSQE_IO_DRAIN).
#[derive(Default)]
#[repr(C)]
pub(crate) struct Drain {
    /// Whether requests have to queue up here.
    pub(crate) active: bool,
    /// Whether the request or link that is submitted next drains as well, because one within the
    /// link before it does.
    pub(crate) next: bool,
    /// Requests that have not been started, each with what is linked behind it.
    queue: Fifo<Request>,
    /// How many objects the queued requests have, those linked behind them included.
    objects: usize,
    /// Whether one that drains was started, and is not over: its end is that of the draining. One with others linked
    /// behind it does not count.
    alone: bool,
    /// Whether one that drains, or would have to wait, was refused in the submission that is under way, which counts as
    /// one that is not over until that is through.
    refused: bool,
}

impl Drain {
    /// A request is refused that need not drain itself. If others do it is there until the submission is through, as with
    /// io_uring.
    pub(crate) fn add_refused(&mut self) {
        self.refused |= self.active;
    }

    /// The flags that a request has got besides its own, `flags`, when filters are asked about it. `begins` says that it
    /// is not within a link.
    pub(crate) fn flags_of(&self, flags: Flags, begins: bool) -> u8 {
        let mut more = 0;
        if self.next && begins {
            more |= sqe_flags::IO_DRAIN;
        }
        if self.active || more != 0 || flags.drain() {
            more |= sqe_flags::ASYNC;
        }
        more
    }
}

/// How many objects a request has, with what is linked behind it.
fn objects(req: &OwnedReq) -> usize {
    let mut count = 1;
    req.core().chain.for_each(|_| count += 1);
    count
}

impl Locked<'_> {
    /// Starts a request, the first of a link if it has one, in its turn.
    pub(crate) fn drain(&mut self, req: OwnedReq) {
        let refused = req.core().job.refused().is_some();
        let drains = req.core().job.flags.drain();
        if refused && !drains {
            self.state.exec.drain.add_refused();
            return self.start(req);
        }
        self.state.exec.drain.active = true;
        self.ring.draining.store(true, Relaxed);
        if refused {
            // It is over at once, but what comes behind it waits for all before it.
            self.state.exec.drain.refused = true;
            return self.start(req);
        }
        if trace::defer_enabled() {
            trace::defer(self.ring.info(&req));
        }
        self.state.exec.drain.objects += objects(&req);
        self.state.exec.drain.queue.push(req);
        if self.state.exec.drain.refused {
            return;
        }
        self.start_drained();
        if !drains {
            self.stop_draining();
        }
    }

    /// Starts the queued requests that may start, now that others are over. Returns whether one of them is ready.
    ///
    /// As with io_uring, whose users may see which requests waited, the draining is over with the request that drains,
    /// or when one that does not need not wait: not as soon as the queue is empty.
    pub(crate) fn go_on_draining(&mut self) -> bool {
        self.state.exec.drain.refused = false;
        let over = self.state.exec.drain.alone && self.under_way() == 0;
        if over {
            self.state.exec.drain.alone = false;
        }
        let drains = self.start_drained();
        if over && !drains {
            self.stop_draining();
        }
        !self.state.exec.ready.is_empty()
    }

    /// Starts those at the front of the queue that may. Returns whether one of them drains.
    fn start_drained(&mut self) -> bool {
        let (mut first, mut drained, mut started) = (true, false, false);
        while let Some(drains) = self.next_drains() {
            drained |= drains;
            if (first || drained) && self.under_way() != 0 {
                break;
            }
            let Some(mut req) = self.state.exec.drain.queue.pop() else {
                // It was just looked at.
                warn_on!(true);
                break;
            };
            let objects = objects(&req);
            self.state.exec.drain.objects -= objects;
            if drains {
                started = true;
                self.state.exec.drain.alone = objects == 1;
            }
            first = false;
            // As what has IOSQE_ASYNC, and by its task, which may not be this one.
            let job = &mut req.core_mut().job;
            job.op.set_by_io_wq(false);
            job.flags.set_by_worker();
            if op::counts_others(job.opcode) {
                // It does not count what has been completed by now, and so starts when that is to be seen.
                self.state.exec.ready.push(req);
            } else {
                self.start_later(req);
            }
        }
        started
    }

    /// Requests do not queue up any more, if the queue is empty.
    fn stop_draining(&mut self) {
        let drain = &self.state.exec.drain;
        // What is submitted next still has to find out that it drains.
        if !drain.next && drain.queue.is_empty() {
            self.state.exec.drain.active = false;
            self.ring.draining.store(false, Relaxed);
        }
    }

    /// Whether the next one in the queue drains.
    fn next_drains(&self) -> Option<bool> {
        let queue = &self.state.exec.drain.queue;
        queue.first().map(|core| core.job.flags.drain())
    }

    /// How many objects belong to requests that are started and not over.
    fn under_way(&self) -> usize {
        let records = self.state.submitters.iter();
        let used: usize = records.map(|record| record.used).sum();
        used.saturating_sub(self.state.exec.drain.objects + self.state.kept)
    }

    /// Counts no object any more: there are no records of submitters, and no completions that wait for room.
    pub(crate) fn reset_counts(&mut self) {
        self.state.exec.drain = Drain::default();
        if self.ring.overflowing() {
            self.ring.set_overflowing(false);
        }
    }

    /// Takes the requests of the task contexts out that `whose` picks.
    pub(crate) fn take_drained(&mut self, whose: impl Fn(&TaskCtx) -> bool) -> Fifo<Request> {
        let mut taken = Fifo::new();
        let mut queue = core::mem::take(&mut self.state.exec.drain.queue);
        while let Some(req) = queue.pop() {
            if whose(req.object().tctx()) {
                self.state.exec.drain.objects -= objects(&req);
                taken.push(req);
            } else {
                self.state.exec.drain.queue.push(req);
            }
        }
        taken
    }
}
