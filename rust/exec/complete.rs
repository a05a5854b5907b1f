// SPDX-License-Identifier: GPL-2.0

//! The end of a request: its completion is posted, and what is linked behind it is made ready, to
//! start or to be cancelled when all are over that came back with it (`Locked::start_ready`).

use crate::{
    op::{self, Operation},
    req::{state::ReqState, Chain, Job, LinkTimer, OwnedReq},
    ring::{Locked, Ring},
    sys::{fd, trace},
    uapi::{
        errno::{Errno, EALREADY, ECANCELED, ETIME},
        sqe::{Flags, LinkKind},
        structs::Cqe,
    },
};

/// Whether the first of `chain` is a timeout of the request before it, and can be one.
fn begins_with_timeout(chain: &Chain) -> bool {
    let first = chain.first().map(|core| &core.job);
    first.is_some_and(|job| op::is_link_timeout(job.opcode) && job.refused().is_none())
}

/// Takes the timeout of a request off the chain behind it, if there is one, and says why the request ended if that is its time.
fn take_link_timeout(job: &mut Job, chain: &mut Chain) -> (Option<OwnedReq>, Option<Errno>) {
    match core::mem::take(&mut job.link_timer) {
        LinkTimer::None => {
            // What cannot be done at all has not looked for it.
            let own =
                job.refused().is_some() && !job.flags.link_failed() && begins_with_timeout(chain);
            (own.then(|| chain.pop()).flatten(), None)
        }
        LinkTimer::Idle | LinkTimer::Running => (chain.pop(), None),
        LinkTimer::Passed => (chain.pop(), Some(ETIME)),
        LinkTimer::TooLate => (chain.pop(), Some(EALREADY)),
    }
}

/// How a request has ended, as far as that concerns its completion and the next one of its link.
struct Ended {
    flags: Flags,
    failed: bool,
    /// The rest of the link ends with it. A hard link holds through failures, but not if part of it cannot be done at all.
    breaks: bool,
    /// It is a worker of io_uring that would tell of it.
    by_worker: bool,
    /// It is a worker of io_uring that would go on with the next one.
    next_by_worker: bool,
}

impl Ended {
    /// What the end of `job` means, which had the file that it needs or not.
    #[inline]
    fn of(ring: &Ring, job: &Job, failed: bool, had_file: bool) -> Self {
        let (refused, deferred) = (job.refused().is_some(), ring.deferred());
        let tried_by_worker = job.flags.by_worker()
            && match job.state() {
                ReqState::Fresh | ReqState::Unserved => true,
                // It tries again what has waited, or sleeps for it. Poll itself is over with the task.
                ReqState::Polled => !op::only_polls(job.opcode),
                _ => false,
            };
        // io_uring's worker leaves some to the task: that there is no file, the end of one that drains, and all of a ring that polls.
        let ended_by_worker = had_file && !job.flags.drain() && !ring.polls_files();
        Self {
            flags: job.flags,
            failed,
            breaks: failed && (refused || job.flags.link() != LinkKind::Hard),
            // It signals as well if the task is to come to `enter` for it.
            by_worker: tried_by_worker && (deferred || ended_by_worker),
            // It goes on with the next one, unless it is the task alone that ends requests.
            next_by_worker: tried_by_worker && ended_by_worker && !deferred,
        }
    }

    /// Whether it has no completion.
    fn is_silent(&self) -> bool {
        self.flags.silent() || (self.flags.cqe_skip() && !self.failed)
    }

    /// Passes on to the next one of the link what this end means for it.
    fn pass_on(&self, next: &mut Job) {
        if self.breaks {
            next.refuse(ECANCELED);
            next.flags.set_link_failed();
            // One that does not tell of its success does not have others tell of its failure.
            // The first that failed decides for all.
            if self.flags.silent() || self.flags.cqe_skip() {
                next.flags.set_silent();
            } else {
                next.flags.clear_cqe_skip();
            }
        }
        let tried_by_worker = next.refused().is_none() && next.flags.tried_by_worker();
        if self.next_by_worker || tried_by_worker {
            next.op.set_by_io_wq(!next.flags.tried_by_worker());
            next.flags.set_by_worker();
        }
    }
}

impl Locked<'_> {
    /// Completes a request that does not wait any more, has no successor, and whose end is not
    /// [`unusual`](crate::uapi::sqe::Flags::unusual). Gives its object back, unless that keeps the completion.
    ///
    /// What ends as it is submitted need not ask who traces (`TRACED`): that was done for all of the call.
    #[inline(always)] // nop/32
    pub(crate) fn finish_plain<const TRACED: bool>(
        &mut self,
        mut req: OwnedReq,
        res: i32,
        flags: u32,
    ) -> Option<OwnedReq> {
        let file = req.lend().take_file();
        let job = &mut req.core_mut().job;
        if !matches!(job.op, Operation::Nothing) {
            job.op = Operation::Nothing;
        }
        let buffer = job.buffer.take();
        let done = Cqe {
            user_data: job.user_data,
            res,
            flags,
        };
        let posted = if TRACED {
            self.post_for(Some(&req), done)
        } else {
            self.post(done)
        };
        let kept = if posted {
            Some(req)
        } else {
            self.keep(req, done);
            None
        };
        // What their end may tell comes after it.
        if let Some(file) = file {
            self.put_file(file);
        }
        if let Some(buffer) = buffer {
            self.put_buffer(buffer);
        }
        kept
    }

    /// Completes a request, and makes what is linked behind it ready to start, or to be cancelled.
    pub(crate) fn finish(&mut self, req: OwnedReq, res: i32, flags: u32, broken: bool) {
        self.finish_here(req, res, flags, broken);
    }

    /// As [`Locked::finish`], without the call.
    #[inline(always)] // poll/32
    pub(crate) fn finish_here(&mut self, mut req: OwnedReq, res: i32, flags: u32, broken: bool) {
        self.stop_waiting(&mut req);
        let core = req.core_mut();
        if core.chain.is_empty() && !core.job.flags.unusual() {
            if let Some(req) = self.finish_plain::<true>(req, res, flags) {
                self.recycle(req);
            }
            return;
        }
        self.finish_linked(req, res, flags, broken);
    }

    /// As [`Locked::finish`], for a request with something linked behind it or an unusual flag. It is in no table any more.
    pub(crate) fn finish_linked(&mut self, mut req: OwnedReq, res: i32, flags: u32, broken: bool) {
        let file = req.lend().take_file();
        let core = req.core_mut();
        let failed = broken || (res < 0 && !core.job.op.may_end_with(res));
        core.job.op = Operation::Nothing;
        core.credentials = None;
        let had_file = file.is_some() || !op::needs_file(core.job.opcode);
        let ended = Ended::of(self.ring, &core.job, failed, had_file);
        let mut chain = core::mem::take(&mut core.chain);
        let (mut timeout, timed_out) = take_link_timeout(&mut core.job, &mut chain);
        let buffer = core.job.buffer.take();
        let done = Cqe {
            user_data: core.job.user_data,
            res,
            flags,
        };
        // One that ended for another's failure has been told of with the rest of the link.
        if ended.breaks && trace::fail_link_enabled() && !ended.flags.link_failed() {
            self.trace_failed_links(self.ring.info(&req), &chain);
        }
        if let Some(error) = timed_out {
            self.finish_timeout(timeout.take(), error);
        }
        if ended.is_silent() {
            self.recycle(req);
        } else {
            self.complete(req, done);
        }
        if ended.by_worker && self.state.has_eventfd {
            self.signal_as_worker();
        }
        let timeout_posted = self.finish_timeout(timeout, ECANCELED);
        if let Some(file) = file {
            if ended.flags.in_front() {
                self.requeue_next(fd::id(&file));
            }
            self.put_file(file);
        }
        if let Some(buffer) = buffer {
            self.put_buffer(buffer);
        }
        self.make_ready(chain, &ended, timeout_posted);
    }

    /// Makes the first of `chain` ready, which was linked behind what has `ended`, with the rest of the chain behind it.
    #[inline]
    fn make_ready(&mut self, mut chain: Chain, ended: &Ended, timeout_posted: bool) {
        let Some(mut next) = chain.pop() else { return };
        let core = next.core_mut();
        if timeout_posted {
            core.job.op.follow_link_timeout();
        }
        ended.pass_on(&mut core.job);
        core.chain = chain;
        self.state.exec.ready.push(next);
    }

    /// Completes a linked timeout, with the request that it is for. Returns whether user space is told of it.
    fn finish_timeout(&mut self, timeout: Option<OwnedReq>, error: Errno) -> bool {
        let Some(mut req) = timeout else { return false };
        req.core_mut().credentials = None;
        let job = &mut req.core_mut().job;
        job.op = Operation::Nothing;
        // Neither is a failure of its own.
        if job.flags.cqe_skip() {
            self.recycle(req);
            return false;
        }
        let done = Cqe {
            user_data: job.user_data,
            res: error.to_raw(),
            flags: 0,
        };
        self.complete(req, done);
        true
    }
}
