// SPDX-License-Identifier: GPL-2.0

//! The end of requests before their time: of those of a submitter, and of all that a ring has.

use super::{users, work::WorkerPool};
use crate::{
    kbuf::groups::Groups,
    op::{self, Outcome},
    req::{state::ReqState, tctx::TaskCtx, wake::WakeFlags, OwnedReq, Place, Request},
    ring::{
        objects::object_id, one_or_more::OneOrMore, personalities::Personalities, Locked, Ring,
        SubmitterRecord,
    },
    rsrc::{buffers::BufferTable, files::RegisteredFile},
    sys::{exit::Watch, memory::Region, queue::Fifo},
    uapi::{errno::Errno, sqe::Opcode},
};
use kernel::{
    alloc::{KVVec, KVec},
    sync::{
        atomic::{Full, Relaxed},
        Arc,
    },
    warn_on,
};

/// What a ring has let go of, to be dropped once the ring is unlocked.
pub(crate) struct LetGo {
    _submitters: OneOrMore<SubmitterRecord>,
    _users: OneOrMore<users::UserRecord>,
    _mapper: Option<Arc<users::RingUser>>,
    _creator: Option<Watch>,
    _workers: WorkerPool,
    _overflow: Fifo<Request>,
    _groups: Groups,
    _buffers: BufferTable,
    files: KVVec<Option<Arc<RegisteredFile>>>,
    _tags: Option<Arc<TaskCtx>>,
    _personalities: Personalities,
    _mappings: KVec<(u16, Arc<Region>)>,
}

impl Locked<'_> {
    /// Ends a request before its time. What it has transferred is not lost.
    pub(crate) fn end(&mut self, mut req: OwnedReq, error: Errno) {
        if req.object().place() != Place::None {
            return self.finish_punted(req, error);
        }
        if req.core().job.is_notification() {
            return self.complete_notif(req);
        }
        let core = req.core_mut();
        if core.job.state() == ReqState::Unserved {
            drop(core.serve());
        }
        let job = &mut core.job;
        if job.has_polled() && job.flags.tried_by_worker() {
            // What waits for its file is with no worker of io_uring's.
            job.flags.clear_by_worker();
        }
        match req.core_mut().job.op.end(self, error) {
            Outcome::Done { res, flags, broken } => self.finish(req, res, flags, broken),
            Outcome::ByNotif(notif_ref) => self.finish_by_notif(req, notif_ref),
            Outcome::Poll(_)
            | Outcome::Timer
            | Outcome::Requeue
            | Outcome::TaskWork
            | Outcome::Stall
            | Outcome::Punt => {
                // An opcode that is told to end has nothing to wait for.
                warn_on!(true);
                self.finish(req, error.to_raw(), 0, true)
            }
        }
    }

    /// Whether a request goes on without its task, of which it needs nothing: a timeout whose task
    /// has exited.
    pub(crate) fn outlives(&self, what: Option<Opcode>, tctx: &TaskCtx) -> bool {
        op::spec_of(what).is_some_and(|spec| spec.outlives_task)
            && !tctx.is_alive()
            && !self.ring.deferred()
            && !self.ring.is_dying()
            && !self.state.exec.letting_go
    }

    /// Ends all requests of the task contexts that `whose` picks, wherever they wait.
    ///
    /// # Context
    ///
    /// Any task or kworker. Waits for nobody.
    pub(crate) fn cancel_all(&mut self, whose: impl Fn(&TaskCtx) -> bool) {
        let mut reqs = self.unqueue(&whose);
        for object in self.state.waiting.iter() {
            if whose(object.tctx()) && !self.outlives(object.opcode(), object.tctx()) {
                match object.place() {
                    // Either it was taken out of the queue above, or a worker does it.
                    Place::Queued => continue,
                    Place::Punted => {
                        // It may sleep for ever, as for the other end of a FIFO.
                        self.interrupt_worker(object_id(object));
                        if self.is_finished_by_worker(object) {
                            continue;
                        }
                    }
                    Place::None | Place::Dropped => {}
                }
                if let Some(req) = object.claim(WakeFlags::CANCELLED) {
                    reqs.push(req);
                }
            }
        }
        for record in self.state.submitters.iter() {
            if whose(&record.tctx) {
                reqs.append(record.tctx.inbox().take());
            }
        }
        if self.ring.deferred() {
            // That one is for all.
            let all = core::mem::take(&mut reqs);
            reqs = self.extract_back(all, &whose);
        }
        reqs.append(self.take_drained(&whose));
        let backlog = core::mem::take(&mut self.state.exec.backlog);
        reqs.append(self.extract_back(backlog, &whose));
        if self.ring.deferred() && !self.state.exec.backlog.is_empty() {
            // Who waits may have looked while they were in neither place.
            for record in self.state.submitters.iter() {
                record.tctx.task().wake_up();
            }
        }
        self.run_all(&mut reqs, true);
    }

    /// Takes the requests out of task contexts that `whose` picks, of those that `enter` is to run; the rest stays.
    fn extract_back(
        &mut self,
        mut reqs: Fifo<Request>,
        whose: impl Fn(&TaskCtx) -> bool,
    ) -> Fifo<Request> {
        let mut out = Fifo::new();
        while let Some(req) = reqs.pop() {
            if whose(req.object().tctx()) {
                out.push(req);
            } else {
                self.ring.exec.backlogged.store(true, Relaxed);
                self.state.exec.backlog.push(req);
            }
        }
        out
    }

    /// Lets go of all that the ring has. What remains can be used afresh.
    ///
    /// # Context
    ///
    /// Any task or kworker.
    pub(crate) fn let_go(&mut self) -> LetGo {
        self.state.exec.letting_go = true;
        self.cancel_all(|_| true);
        self.state.exec.letting_go = false;
        self.reset_counts();
        let state = &mut *self.state;
        self.ring.exec.users.fetch_sub(state.exec.users.len(), Full);
        state.has_eventfd = false;
        self.ring.eventfd.set(None);
        self.ring.local.clear_submitter();
        let mapper = self.ring.exec.mapper.lock().take();
        LetGo {
            _submitters: core::mem::take(&mut state.submitters),
            _users: core::mem::take(&mut state.exec.users),
            _mapper: mapper,
            _creator: state.exec.creator.take(),
            _workers: core::mem::take(&mut state.exec.workers),
            _overflow: core::mem::take(&mut state.overflow),
            _groups: core::mem::replace(&mut state.groups, Groups::new()),
            _buffers: core::mem::take(&mut state.buffers),
            files: state.files.remove(),
            _tags: state.tags.take(),
            _personalities: core::mem::take(&mut state.personalities),
            _mappings: core::mem::take(&mut self.ring.mappings.lock().groups),
        }
    }
}

impl Ring {
    /// Drops what the ring has let go of; `for_others`, if it is not the current task's.
    pub(crate) fn let_go_of(&self, kept: LetGo, for_others: bool) {
        if let Some(sqpoll) = &self.exec.sqpoll {
            sqpoll.detach();
        }
        if for_others {
            let registered = kept.files.into_iter().flatten();
            for registered in registered {
                let file = registered.file.again();
                drop(registered);
                file.put_for_others();
            }
        }
    }
}
