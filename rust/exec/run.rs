// SPDX-License-Identifier: GPL-2.0

//! Driving requests: from their start, or from a wake-up, until they are over or wait again.

use super::{dispatch, wake};
use crate::{
    op::{self, Operation, Outcome},
    req::{
        state::ReqState,
        tctx::{self, TaskCtx},
        wake::WakeFlags,
        LinkTimer, OwnedReq, ReqMut, Request,
    },
    ring::Locked,
    sys::{
        queue::Fifo,
        signal,
        timer::Purpose,
        trace::{self, Id},
    },
    uapi::{
        abi::events,
        errno::{Errno, EAGAIN, ECANCELED, EINVAL, ENOMEM},
    },
};
use kernel::{
    sync::{atomic::Relaxed, Arc},
    warn_on,
};

/// How often a request is tried again at once when it has been woken up meanwhile.
const MAX_RETRIES: u32 = 4;

impl Locked<'_> {
    /// Has the opcode of a job try it once.
    #[inline]
    fn attempt(&mut self, mut req: ReqMut<'_>, wake_flags: WakeFlags) -> Outcome {
        if req.core_mut().job.flags.conditional() {
            return self.attempt_if(req, wake_flags);
        }
        dispatch::issue(self, req, wake_flags)
    }

    /// As [`Locked::attempt`], for a job with credentials of its own, or one that has to wait for its turn.
    #[cold] // recv-multishot/udp/64/8/plain
    fn attempt_if(&mut self, mut req: ReqMut<'_>, wake_flags: WakeFlags) -> Outcome {
        if req.core_mut().job.flags.ordered() {
            match self.get_in_front(&mut req) {
                Ok(true) => {}
                Ok(false) => return Outcome::Stall,
                Err(error) => return Outcome::broken(error),
            }
        }
        match req.core_mut().credentials.clone() {
            Some(credentials) => credentials.with(|| dispatch::issue(self, req, wake_flags)),
            None => dispatch::issue(self, req, wake_flags),
        }
    }

    /// Tries a request until it is over, waits, or is with somebody else.
    pub(crate) fn run(&mut self, req: OwnedReq, wake_flags: WakeFlags) {
        self.run_here(req, wake_flags);
    }

    /// As [`Locked::run`], without the call.
    #[inline(always)] // poll/32
    fn run_here(&mut self, mut req: OwnedReq, mut wake_flags: WakeFlags) {
        let mut retries = 0;
        // Whether it is on its wait queues, so that, if it finds nothing then, only a new wake-up is a reason to try again: poll
        // may say for ever that there is something, as the end of a half-closed peer is.
        let mut armed = false;
        loop {
            if wake_flags.cancelled() || wake_flags.link_expired() {
                if wake_flags.link_expired() {
                    req.core_mut().job.link_timer = LinkTimer::Passed;
                }
                return self.end(req, ECANCELED);
            }
            let woken = if let Some((mask, last)) = Self::take_poll_result(&mut req, wake_flags) {
                if last || !self.post_more(req.core().job.user_data, mask, 0) {
                    return self.finish_here(req, mask, 0, false);
                }
                Self::park(req)
            } else {
                let before = if armed {
                    req.core().job.op.transferred()
                } else {
                    0
                };
                let outcome = match req.core().job.state() {
                    ReqState::Notification => return self.complete_notif(req),
                    ReqState::Refused(error) => Outcome::broken(Errno::from_raw(error.into())),
                    ReqState::Unserved => return self.put_aside(req),
                    _ => self.attempt(req.lend(), wake_flags),
                };
                if outcome.is_pending() && req.core().job.link_timer == LinkTimer::Idle {
                    if self.start_link_timer(&mut req).is_err() {
                        return self.end(req, ENOMEM);
                    }
                }
                match outcome {
                    Outcome::Done { res, flags, broken } => {
                        return self.finish_here(req, res, flags, broken);
                    }
                    Outcome::ByNotif(notif_ref) => return self.finish_by_notif(req, notif_ref),
                    Outcome::Poll(_) if wake_flags.last() => return self.end(req, EAGAIN),
                    // Who has got on has not found nothing: there may be more, of which nobody will tell.
                    Outcome::Poll(wanted) if armed && req.core().job.op.transferred() == before => {
                        if wake::ends_unready(&req, wanted) {
                            return self.end(req, EAGAIN);
                        }
                        wake::note_unready(&mut req, wanted);
                        Self::park(req)
                    }
                    Outcome::Poll(wanted) => self.poll_and_park(req, wanted),
                    Outcome::Timer => self.time_and_park(req, wake_flags),
                    Outcome::Requeue => return self.requeue_unless_killed(req),
                    Outcome::TaskWork => return Self::requeue_unseen(req),
                    Outcome::Stall => return self.stall(req),
                    Outcome::Punt => return self.offload(req),
                }
            };
            (req, wake_flags) = match woken {
                Some(woken) => woken,
                None => return,
            };
            armed = true;
            retries += 1;
            if retries > MAX_RETRIES {
                return self.requeue_busy(req, wake_flags);
            }
        }
    }

    /// Puts a request that could go on behind the others, unless its task is being killed: that would not end as long as
    /// others see to it that there is something to do.
    #[cold] // recv-armed/udp/1
    fn requeue_unless_killed(&mut self, req: OwnedReq) {
        if signal::killed() {
            self.end(req, ECANCELED)
        } else {
            self.requeue(req)
        }
    }

    /// What a request completes with, and whether that is its last completion, if its wake-up has said all that it wants to
    /// know.
    fn take_poll_result(req: &mut OwnedReq, wake_flags: WakeFlags) -> Option<(i32, bool)> {
        let job = &mut req.core_mut().job;
        let (mask, last) = job.op.poll_result(wake_flags)?;
        if !last && job.state() != ReqState::PolledMultishot {
            return None;
        }
        if last {
            job.op.overwrite(Operation::Nothing);
        }
        Some((mask, last))
    }

    /// Puts a request behind the others that was woken up each time that it was tried, or whose time came before it was parked.
    #[cold] // recv-armed/udp/1
    fn requeue_busy(&mut self, req: OwnedReq, wake_flags: WakeFlags) {
        req.object().claim(wake_flags);
        self.requeue(req);
    }

    /// Starts a request, the first of a link if it has one.
    pub(crate) fn start(&mut self, mut req: OwnedReq) {
        let core = req.core_mut();
        if let Some(error) = core.job.refused() {
            return self.finish(req, error.to_raw(), 0, true);
        }
        let force_async = core.job.flags.force_async();
        Self::find_link_timer(&mut req);
        if !force_async {
            return self.run(req, WakeFlags::NONE);
        }
        if req.core().job.flags.ordered() && self.get_in_front(&mut req.lend()) == Ok(false) {
            let limited = req.core().job.link_timer == LinkTimer::Idle;
            if limited && self.start_link_timer(&mut req).is_err() {
                return self.end(req, ENOMEM);
            }
            return self.stall(req);
        }
        // As in io_uring its time begins once it was tried, and so not while the worker has it that is the first to try.
        self.start_async(req);
    }

    /// Puts a request into the inbox of its task, which starts it from there.
    pub(crate) fn start_later(&mut self, mut req: OwnedReq) {
        // Its time begins when it has to wait.
        Self::find_link_timer(&mut req);
        self.requeue(req);
    }

    /// Has a request wait that was tried before, or drives it if it need not.
    #[inline(always)] // poll/32
    pub(crate) fn poll_or_run(&mut self, req: OwnedReq, wanted: u32) {
        if let Some((req, wake_flags)) = self.poll_and_park(req, wanted) {
            self.run(req, wake_flags);
        }
    }

    /// Has a request that was tried before wait for its time, or drives it if it need not wait.
    pub(crate) fn time_or_run(&mut self, req: OwnedReq) {
        if let Some((req, wake_flags)) = self.time_and_park(req, WakeFlags::NONE) {
            self.run(req, wake_flags);
        }
    }

    /// Brings a request back to its task context, as if it had been woken up. A cancel finds it meanwhile.
    pub(crate) fn requeue(&mut self, mut req: OwnedReq) {
        if !self.state.waiting.contains(&req) {
            self.insert(&mut req);
            req.object().set_unbegun();
        }
        req.forget_taken();
        tctx::bring_back(req);
    }

    /// Brings a request back that goes on when its task looks: as with io_uring no cancel finds it meanwhile.
    #[cold] // recv-armed/udp/1
    pub(crate) fn requeue_unseen(mut req: OwnedReq) {
        req.forget_taken();
        tctx::bring_back(req);
    }

    /// Has a request wait for `wanted` of its file. Returns it if it has to be looked at already.
    #[inline(always)] // poll/32
    fn poll_and_park(&mut self, req: OwnedReq, wanted: u32) -> Option<(OwnedReq, WakeFlags)> {
        self.note_queue(&req);
        // Who waits for a burst goes on the queue again, and so does who has waited for one.
        let stays = req.core().job.state() == ReqState::PolledMultishot && req.stays_watched();
        if stays && wanted & events::BURST == 0 {
            return Self::park(req);
        }
        self.arm(req, wanted)
    }

    fn arm(&mut self, mut req: OwnedReq, wanted: u32) -> Option<(OwnedReq, WakeFlags)> {
        let before = req.core().job.state();
        // Then it is in the table already.
        let again = before == ReqState::PolledMultishot;
        let multishot = wanted & events::ONESHOT == 0;
        req.core_mut().job.poll(false);
        let watched = req.watch(wanted);
        if let Err(error) = watched.waiting {
            if watched.mask != 0 {
                // Nothing will wake it up, so this is the last there is to say.
                return Some((req, WakeFlags::last_woken(watched.mask)));
            }
            self.finish(req, error.to_raw(), 0, true);
            return None;
        }
        req.core_mut().job.poll(multishot);
        if !again {
            self.insert(&mut req);
        }
        if watched.mask == 0 {
            let traced = trace::poll_arm_enabled() && !again;
            if traced && !op::only_polls(req.core().job.opcode) {
                self.trace_armed(&req, wanted & !events::BURST);
            }
            return Self::parked(req.park_first());
        }
        let woken = WakeFlags::woken(watched.mask, false);
        if multishot {
            // What else comes until its task looks is told at the same time. Who polls is told of what there is now, whatever
            // becomes of it; others may be at its end.
            let found = if op::only_polls(req.core().job.opcode) {
                WakeFlags::found(watched.mask)
            } else {
                woken
            };
            req.forget_taken();
            req.object().claim(found);
            self.requeue(req);
            return None;
        }
        if before == ReqState::Fresh && wake::is_tried_again_later(&req) {
            self.unlist(&mut req);
            req.object().claim(woken);
            Self::requeue_unseen(req);
            return None;
        }
        let job = &mut req.core_mut().job;
        if job.flags.by_worker() {
            // A worker of io_uring tries it again at once, and sleeps for what it finds then.
            job.op.set_by_io_wq(true);
        }
        let wake_flags = req.more_wake_flags();
        Some((req, wake_flags.union(woken)))
    }

    /// Has a request wait for its time, which begins anew if it has come. Returns it if it has to be
    /// looked at already.
    fn time_and_park(
        &mut self,
        mut req: OwnedReq,
        wake_flags: WakeFlags,
    ) -> Option<(OwnedReq, WakeFlags)> {
        let job = &mut req.core_mut().job;
        if job.state() != ReqState::Timing || wake_flags.expired() {
            job.start_time();
            let Some(deadline) = job.op.deadline() else {
                // What waits for its time says when that comes.
                warn_on!(true);
                self.end(req, EINVAL);
                return None;
            };
            // As in io_uring's list, it is the last of those that have begun.
            self.unlist(&mut req);
            self.insert(&mut req);
            if req.start_timer(Purpose::Own, deadline).is_err() {
                self.end(req, ENOMEM);
                return None;
            }
        }
        let (req, wake_flags) = Self::park(req)?;
        if !wake_flags.expired() {
            return Some((req, wake_flags));
        }
        // As by a timer that expires later: behind what else is submitted with it.
        self.requeue_busy(req, wake_flags);
        None
    }

    /// Leaves a request to the next wake-up. Returns it if there was one already.
    #[inline(always)] // poll/32
    fn park(req: OwnedReq) -> Option<(OwnedReq, WakeFlags)> {
        Self::parked(req.park())
    }

    /// What has woken up a request that was to be `parked`, if it was.
    #[inline(always)] // poll/32
    fn parked(parked: core::result::Result<(), OwnedReq>) -> Option<(OwnedReq, WakeFlags)> {
        match parked {
            Ok(()) => None,
            Err(mut req) => {
                let wake_flags = req.more_wake_flags();
                Some((req, wake_flags))
            }
        }
    }

    /// Has a request that was claimed, to be looked at or changed, wait again.
    pub(crate) fn rearm(&mut self, req: OwnedReq) {
        let op = &req.core().job.op;
        // What is parked waits for its time or polls; whatever waits otherwise is held, and cannot be claimed.
        let woken = if op.deadline().is_some() {
            self.time_and_park(req, WakeFlags::NONE)
        } else {
            let wanted = op.events();
            self.poll_and_park(req, wanted)
        };
        if let Some((req, wake_flags)) = woken {
            // It goes on where its task runs it.
            let (req, tctx) = self.put_back(req, wake_flags);
            tctx::push(&tctx, req, false);
        }
    }

    /// Puts wake flags back that were taken out of the wake state.
    fn put_back(&mut self, req: OwnedReq, wake_flags: WakeFlags) -> (OwnedReq, Arc<TaskCtx>) {
        let tctx = req.object().tctx().clone();
        req.object().claim(wake_flags);
        (req, tctx)
    }

    /// Runs what has come back to the current task, whose task context it is, and what is linked behind it.
    pub(crate) fn run_inbox(&mut self, tctx: &Arc<TaskCtx>) {
        let mut reqs = tctx.inbox().take_now();
        let traced = trace::task_work_run_enabled();
        let count = if traced { reqs.count() } else { 0 };
        self.run_all_here(&mut reqs, false);
        if traced {
            trace::task_work_run(Id::of(&**tctx), count);
        }
        if self.ring.has_stalled() {
            self.retry_all_stalled(tctx);
        }
    }

    /// Runs up to `max` of the requests that have come back, all of them the current task's, and of those that these bring
    /// back. The ring has DEFER_TASKRUN, and that task is its submitter.
    pub(crate) fn run_local(&mut self, max: u32) {
        let ring = self.ring;
        let inbox = ring.local.inbox();
        let mut left = max;
        let mut loops = 0;
        while left > 0 && (!inbox.is_empty() || ring.exec.backlogged.load(Relaxed)) {
            ring.unmark_taskrun();
            let mut reqs = inbox.take();
            loops += 1;
            if ring.exec.backlogged.load(Relaxed) {
                let new =
                    core::mem::replace(&mut reqs, core::mem::take(&mut self.state.exec.backlog));
                reqs.append(new);
                ring.exec.backlogged.store(false, Relaxed);
            }
            if self.state.submitters.has_more() {
                reqs = self.end_others(reqs);
            }
            while left > 0 {
                let Some(mut req) = reqs.pop() else { break };
                left -= 1;
                let wake_flags = req.take_wake_flags();
                self.run_here(req, wake_flags);
            }
            self.start_ready(false);
            if !reqs.is_empty() {
                ring.exec.backlogged.store(true, Relaxed);
                self.state.exec.backlog = reqs;
            }
            if ring.has_stalled() && !ring.has_returned_to_any() {
                self.retry_stalled();
            }
        }
        if trace::local_work_run_enabled() {
            trace::local_work_run(Id::of(ring), max - left, loops);
        }
        if ring.has_returned_to_any() {
            ring.mark_taskrun();
        }
    }

    /// Ends what has come back to a ring that is dying, and has let go of all: what a worker was in the middle of. What is
    /// linked behind it ends as well.
    #[cold] // nop/1
    pub(crate) fn end_local(&mut self) {
        if !self.ring.is_dying() {
            return;
        }
        let mut reqs = self.ring.local.inbox().take();
        self.ring.exec.backlogged.store(false, Relaxed);
        reqs.append(core::mem::take(&mut self.state.exec.backlog));
        self.run_all(&mut reqs, true);
    }

    /// Ends what has come back of the program that was there before this one, and could not be
    /// cancelled when this one came. Returns the rest.
    #[cold] // poll-multishot/32
    fn end_others(&mut self, mut reqs: Fifo<Request>) -> Fifo<Request> {
        let (mut own, mut others) = (Fifo::new(), Fifo::new());
        while let Some(req) = reqs.pop() {
            if req.object().tctx().is_current() {
                own.push(req);
            } else {
                others.push(req);
            }
        }
        self.run_all(&mut others, true);
        own
    }

    /// Drives requests that have come back, and what they have start. All that need their task end as cancelled if it is `gone`.
    pub(crate) fn run_all(&mut self, reqs: &mut Fifo<Request>, gone: bool) {
        self.run_all_here(reqs, gone);
    }

    /// As [`Locked::run_all`], without the calls.
    #[inline(always)] // recv-multishot/unix/64/8/plain
    fn run_all_here(&mut self, reqs: &mut Fifo<Request>, gone: bool) {
        // What comes back to a task that is being killed may do so for ever.
        let gone = gone || self.ring.is_dying() || signal::killed();
        while let Some(mut req) = reqs.pop() {
            if gone && !self.outlives(req.core().job.opcode, req.object().tctx()) {
                self.end(req, ECANCELED);
            } else {
                let wake_flags = req.take_wake_flags();
                self.run_here(req, wake_flags);
            }
        }
        self.start_ready(gone);
    }
}
