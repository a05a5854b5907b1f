// SPDX-License-Identifier: GPL-2.0

//! Submission: from the SQ ring to jobs, and their links.

use super::dispatch::{self, Submitted};
use crate::{
    op::{self, Outcome},
    req::{tctx::TaskCtx, OwnedReq},
    ring::{cursor, Locked},
    sys::{context::InTask, lsm, trace},
    uapi::{
        abi::{opcode, setup},
        errno::{Errno, Result, EACCES, EAGAIN, ECANCELED, EINVAL},
        setup::layout,
        sqe::{LinkKind, Sqe},
        structs::Cqe,
    },
};
use kernel::{sync::Arc, warn_on};

impl Locked<'_> {
    /// Consumes up to `count` entries of the SQ ring for `tctx`, which is the current task. Returns how many.
    ///
    /// # Errors
    ///
    /// `-EAGAIN` if it was none for want of memory.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn submit(
        &mut self,
        task: InTask<'_>,
        tctx: &Arc<TaskCtx>,
        count: u32,
    ) -> Result<u32> {
        if self.ring.config.has_other_sqes() || trace::submits_enabled() {
            return self.submit_others(task, tctx, count);
        }
        self.submit_entries::<false>(task, tctx, count)
    }

    /// As [`Locked::submit`], for a ring whose entries are not all of the usual size, or begin anew with each call, and
    /// for entries that are to be traced.
    #[cold] // nop/32
    fn submit_others(&mut self, task: InTask<'_>, tctx: &Arc<TaskCtx>, count: u32) -> Result<u32> {
        self.submit_entries::<true>(task, tctx, count)
    }

    fn submit_entries<const OTHERS: bool>(
        &mut self,
        task: InTask<'_>,
        tctx: &Arc<TaskCtx>,
        count: u32,
    ) -> Result<u32> {
        let ring = self.ring;
        let entries = ring.sq_entries();
        let rewinds = OTHERS && ring.config.has(setup::SQ_REWIND);
        let count = if rewinds {
            count.min(entries)
        } else {
            let tail = ring.memory.words.load_acquire::<{ layout::SQ_TAIL }>();
            count.min(cursor::submitted(tail, self.state.sq_head, entries))
        };
        let mut head: Option<OwnedReq> = None;
        let mut done = 0;
        let mut out_of_memory = false;
        let traced = OTHERS && trace::submits_enabled();
        // A request that is done at once leaves its object to the next.
        let mut object: Option<OwnedReq> = None;
        while done < count {
            let req = match object {
                Some(req) => req,
                None => match self.object(tctx) {
                    Ok(req) => req,
                    Err(_) => {
                        object = None;
                        out_of_memory = true;
                        break;
                    }
                },
            };
            let at = self.state.sq_head;
            self.state.sq_head = at.wrapping_add(1);
            let sqe = if OTHERS {
                self.next_other_sqe(at, &mut done, count)
            } else {
                self.next_sqe(at)
            };
            let Some(sqe) = sqe else {
                object = Some(req);
                break;
            };
            done += 1;
            let go_on;
            (object, go_on) = self.submit_one(task, req, &sqe, &mut head, traced);
            if !go_on && !ring.config.has(setup::SUBMIT_ALL) {
                break;
            }
        }
        if let Some(req) = object {
            self.give_back(tctx, req);
        }
        if let Some(head) = head {
            self.start_without_end(head);
        }
        if self.has_ready() {
            self.start_submitted(tctx);
        }
        if rewinds {
            self.state.sq_head = 0;
        } else {
            ring.memory
                .words
                .store_release::<{ layout::SQ_HEAD }>(self.state.sq_head);
        }
        if done == 0 && out_of_memory {
            return Err(EAGAIN);
        }
        Ok(done)
    }

    /// Whether something is to be started that was linked behind requests that are over.
    #[inline(always)] // poll-multishot/32
    pub(super) fn has_ready(&self) -> bool {
        !self.state.exec.ready.is_empty() || self.state.exec.drain.active
    }

    /// Starts what is linked behind requests that are over as they were submitted.
    #[cold] // nop/1
    fn start_submitted(&mut self, tctx: &TaskCtx) {
        // Nothing of a ring with DEFER_TASKRUN goes on but where its task looks for what has come back, and nothing of any
        // ring before what has come back meanwhile.
        let later = self.ring.deferred() && tctx.is_away() || !tctx.inbox().is_empty();
        if later && !self.state.exec.drain.active {
            self.leave_ready();
        }
        self.start_ready(false);
    }

    /// Leaves the requests that are ready for the task's next look at its inbox. As with io_uring nobody can cancel them until then.
    fn leave_ready(&mut self) {
        let mut ready = core::mem::take(&mut self.state.exec.ready);
        while let Some(mut req) = ready.pop() {
            let job = &req.core().job;
            let at_once = job.refused().is_some()
                || job.is_notification()
                || job.flags.force_async()
                || op::counts_others(job.opcode);
            if at_once {
                self.state.exec.ready.push(req);
            } else {
                Self::find_link_timer(&mut req);
                Self::requeue_unseen(req);
            }
        }
    }

    /// The entry at position `at` of the queue, or none if the index there is not one.
    #[inline]
    fn next_sqe(&self, at: u32) -> Option<Sqe> {
        self.sqe_index(at)
            .map(|index| Sqe::new(self.state.entries.sqes.read(index)))
    }

    /// The index of the SQE that the SQ ring has at `at`. None, and counted as dropped, if there is no such SQE.
    fn sqe_index(&self, at: u32) -> Option<u32> {
        let memory = &self.ring.memory;
        let mut index = at;
        if let Some(indices) = &self.state.entries.indices {
            index = indices.read(at);
            if index >= self.ring.sq_entries() {
                let dropped = memory.words.load::<{ layout::SQ_DROPPED }>();
                memory
                    .words
                    .store::<{ layout::SQ_DROPPED }>(dropped.wrapping_add(1));
                return None;
            }
        }
        Some(index)
    }

    /// As [`Locked::next_sqe`], where entries may be of 128 bytes, of which the first half is read. One that is two
    /// entries counts for one more in `done`, up to `count`. One of which there is no second half becomes one of
    /// no opcode.
    fn next_other_sqe(&mut self, at: u32, done: &mut u32, count: u32) -> Option<Sqe> {
        let config = &self.ring.config;
        let mut index = self.sqe_index(at)?;
        if config.has(setup::SQE128) {
            index = index.wrapping_mul(2);
        }
        let sqe = Sqe::new(self.state.entries.sqes.read(index));
        if !sqe.is_large() || !config.has(setup::SQE_MIXED) {
            return Some(sqe);
        }
        let last = self.ring.sq_entries() - 1;
        if index & last == last || *done + 2 > count {
            return Some(sqe.with_opcode(opcode::LAST));
        }
        *done += 1;
        self.state.sq_head = self.state.sq_head.wrapping_add(1);
        Some(sqe)
    }

    /// Submits one entry in `req`, or adds it to the link that `head` begins. False if it is
    /// refused. Gives the handle back if it has no use for it any more.
    // Of two callers, of which the usual one pays 13 of 221 instructions of a NOP for a call.
    #[inline(always)] // nop/32
    fn submit_one(
        &mut self,
        task: InTask<'_>,
        mut req: OwnedReq,
        sqe: &Sqe,
        head: &mut Option<OwnedReq>,
        traced: bool,
    ) -> (Option<OwnedReq>, bool) {
        let restricted = self.ring.is_restricted();
        let alone = head.is_none() && !self.state.exec.drain.active && !restricted && !traced;
        if alone {
            if let Some((res, flags)) = dispatch::at_once(self, sqe) {
                self.post(Cqe {
                    user_data: sqe.user_data(),
                    res,
                    flags,
                });
                return (Some(req), true);
            }
        }
        let mut read = match dispatch::submit(self, task, sqe, req.lend(), alone) {
            Submitted::Tried(outcome) => return (self.handle_outcome(req, outcome), true),
            Submitted::Read => Ok(()),
            Submitted::Refused(error) => self.submit_ordered(task, sqe, &mut req, error),
        };
        let mut denied = false;
        if restricted && !self.ring.is_refused_before_flags(read, sqe) {
            if let Err(error) = self.ring.check_allowed(sqe) {
                denied = error == EACCES;
                read = Err(error);
            } else if self.has_filters() {
                req.core_mut().job.flags.set_filtered();
            }
        }
        if read.is_ok() && req.core().job.flags.wants_check() {
            read = self.authorize(task, &mut req, sqe, head);
        }
        if let Err(error) = read {
            return self.refuse(req, sqe, head, error, denied);
        }
        let limits = op::is_link_timeout(req.core_mut().job.opcode);
        if limits && !Self::can_have_link_timer(head) {
            return self.refuse(req, sqe, head, EINVAL, false);
        }
        if traced && trace::submit_req_enabled() {
            self.trace_submit(&req);
        }
        self.submit_linked(req, head);
        (None, true)
    }

    /// Reads what was refused for `error` as a send that keeps its place, if it is one.
    #[cold] // nop/32
    fn submit_ordered(
        &mut self,
        task: InTask<'_>,
        sqe: &Sqe,
        req: &mut OwnedReq,
        error: Errno,
    ) -> Result {
        let Some(plain) = sqe.ordered().filter(|_| op::sends(sqe.opcode())) else {
            return Err(error);
        };
        match dispatch::submit(self, task, &plain, req.lend(), false) {
            Submitted::Read => {
                req.core_mut().job.flags.set_ordered();
                Ok(())
            }
            Submitted::Refused(error) => Err(error),
            Submitted::Tried(_) => {
                // Only what is alone is tried at once.
                warn_on!(true);
                Err(EINVAL)
            }
        }
    }

    /// Gives a request the rights that it is to have, and asks the filters about it.
    #[cold] // nop/32
    fn authorize(
        &self,
        task: InTask<'_>,
        req: &mut OwnedReq,
        sqe: &Sqe,
        head: &Option<OwnedReq>,
    ) -> Result {
        let mut credentials = None;
        if req.core().job.flags.has_personality() {
            let registered = self.state.personalities.get(sqe.personality());
            let registered = registered.ok_or(EINVAL)?;
            lsm::may_override(task, registered)?;
            credentials = Some(registered.clone());
        }
        let job = &mut req.core_mut().job;
        if job.flags.take_filtered() {
            if op::is_link_timeout(job.opcode) && !Self::can_have_link_timer(head) {
                return Err(EINVAL);
            }
            let flags = self.state.exec.drain.flags_of(job.flags, head.is_none());
            let limits_first = op::is_link_timeout(job.opcode)
                && head
                    .as_ref()
                    .is_some_and(|head| head.core().chain.is_empty());
            match self.ask_filters(job.opcode, || job.op.filter_ctx(sqe, flags)) {
                // It is the first one's limit by then, and ends as one whose request is over.
                Err(_) if limits_first => return Err(ECANCELED),
                asked => asked?,
            }
        }
        req.core_mut().credentials = credentials;
        Ok(())
    }

    /// Goes on with a request that was tried for the first time. Gives the handle back if it is over.
    #[inline(always)] // poll/32
    fn handle_outcome(&mut self, mut req: OwnedReq, outcome: Outcome) -> Option<OwnedReq> {
        match outcome {
            Outcome::Done { res, flags, broken } => {
                if req.core_mut().job.flags.unusual() {
                    self.finish_linked(req, res, flags, broken);
                    return None;
                }
                return self.finish_plain::<false>(req, res, flags);
            }
            Outcome::ByNotif(notif_ref) => return Some(self.move_to_notif(req, notif_ref)),
            Outcome::Requeue => self.requeue(req),
            Outcome::TaskWork => Self::requeue_unseen(req),
            Outcome::Stall => self.stall(req),
            Outcome::Poll(wanted) => self.poll_or_run(req, wanted),
            Outcome::Timer => self.time_or_run(req),
            Outcome::Punt => self.offload(req),
        }
        None
    }

    /// Adds a request to the link that `head` begins, and starts that if it ends it.
    pub(super) fn submit_linked(&mut self, mut req: OwnedReq, head: &mut Option<OwnedReq>) {
        let job = &mut req.core_mut().job;
        let last = job.flags.link() == LinkKind::None;
        if head.is_none() && core::mem::take(&mut self.state.exec.drain.next) {
            job.flags.set_drain();
        }
        // Others drain from the first of a link on that does.
        let head_drains = head
            .as_ref()
            .is_some_and(|head| head.core().job.flags.drain());
        if self.state.exec.drain.active || job.flags.drain() || head_drains {
            job.flags.set_drained();
        }
        self.link(head, req);
        if last {
            if let Some(head) = head.take() {
                self.start_in_turn(head);
            }
        }
    }

    /// Starts a request, the first of a link if it has one, unless others have to be over first.
    fn start_in_turn(&mut self, req: OwnedReq) {
        if self.state.exec.drain.active || req.core().job.flags.drain() {
            self.drain(req);
        } else {
            self.start(req);
        }
    }

    /// Starts a link whose last request says that there is one more, which there is not. io_uring leaves it to a worker: its
    /// first one is tried as what is linked behind what a worker has done.
    #[cold] // nop/32
    fn start_without_end(&mut self, mut head: OwnedReq) {
        let job = &mut head.core_mut().job;
        let in_turn = self.state.exec.drain.active || job.flags.drain();
        if !in_turn && !job.flags.force_async() && job.refused().is_none() {
            job.op.set_by_io_wq(true);
            job.flags.set_by_worker();
        }
        self.start_in_turn(head);
    }

    /// Starts a request with IOSQE_ASYNC.
    pub(crate) fn start_async(&mut self, mut req: OwnedReq) {
        let job = &mut req.core_mut().job;
        job.op.set_by_io_wq(false);
        job.flags.set_by_worker();
        let refused = job.refused().is_some();
        if !refused && dispatch::begins_in_worker(self, req.lend()) {
            return self.offload(req);
        }
        if !refused && op::needs_file_first(req.core().job.opcode) {
            // What is wrong with it is found when it is tried.
            _ = dispatch::find_needed_file(self, &mut req.lend());
        }
        self.requeue(req);
    }

    /// Whether the last request of the link that `head` begins can have a timeout linked to it.
    fn can_have_link_timer(head: &Option<OwnedReq>) -> bool {
        let Some(head) = head else { return false };
        let core = head.core();
        let last = core.chain.last().map(|core| core.job.opcode);
        !op::is_link_timeout(last.unwrap_or(core.job.opcode))
    }

    /// Adds a request to the link that `head` begins, or begins one.
    fn link(&mut self, head: &mut Option<OwnedReq>, mut req: OwnedReq) {
        match head {
            Some(head) => {
                if trace::link_enabled() && req.core().job.refused().is_none() {
                    self.trace_link(&req, head);
                }
                // If one cannot be done none is.
                let job = &req.core().job;
                let refused = job.refused().is_some();
                let head = head.core_mut();
                // One within a link drains before all of it, and what comes behind it too.
                if job.flags.drain() {
                    head.job.flags.set_drain();
                    self.state.exec.drain.next = true;
                    self.state.exec.drain.active = true;
                }
                if refused {
                    head.job.refuse(ECANCELED);
                }
                head.chain.push(req);
            }
            None => {
                req.core_mut().chain = Default::default();
                *head = Some(req);
            }
        }
    }
}
