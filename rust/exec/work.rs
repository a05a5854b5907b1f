// SPDX-License-Identifier: GPL-2.0

//! What would have a submitter sleep: workers do it instead.
//!
//! The handle of such a request goes into the ring's queue, from where a worker of the submitter's process takes it,
//! without the ring being locked while it works. It takes it back as if it had been cancelled, which is to say to its
//! end, with the result beside it. A request can be found by its ring all the time, so that a cancel sets its wake
//! flag; one that still is in the queue is taken out, and what a worker has is interrupted.
//!
//! Workers are made by a submitter, after it has unlocked the ring. If it can make none, and there is none, it does
//! itself what it would have left to them.

mod pending;

use crate::{
    op::{self, Outcome},
    req::{
        tctx::{self, TaskCtx},
        wake::WakeFlags,
        LinkTimer, OwnedReq, Punted, Request,
    },
    ring::{objects::object_id, Locked, Ring},
    sys::{
        context::{CallContext, InWorker},
        object::Object,
        processor::Processors,
        queue::LinkedList,
        task::{AddressSpace, Credentials, Directories, TaskRef},
        trace,
        user_worker::{is_interrupted, UserWorker, WorkerBody},
    },
    uapi::errno::{Errno, EAGAIN},
};
use core::num::NonZero;
use kernel::{
    prelude::*,
    sync::{
        atomic::{Atomic, Full, Relaxed},
        Arc,
    },
    warn_on,
};
pub(crate) use pending::add_worker;
use pending::PendingWorkers;

/// The workers of a ring, and what they are to do.
#[derive(Default)]
pub(crate) struct WorkerPool {
    pub(super) queue: LinkedList<Request>,
    /// How many requests it has had so far.
    queued: u64,
    all: KVec<WorkerRecord>,
    pending: PendingWorkers,
    /// The limit that user space has set for workers at what ends by itself, as transfers of files do.
    pub(super) bounded: Option<NonZero<u32>>,
    /// The limit that user space has set for workers at what may wait for ever.
    pub(super) unbounded: Option<NonZero<u32>>,
    /// Where those run that are made from now on, if user space has said.
    pub(super) cpus: Option<Arc<Processors>>,
}

/// The ring's record of a worker.
struct WorkerRecord {
    worker: Arc<UserWorker<Worker>>,
    /// Whether it is on its way, and will look into the queue before it is through.
    busy: bool,
    /// What it works on, see [`op::Op::serial`].
    serial: usize,
    /// The id of the object that it was given last.
    request: usize,
}

/// A worker: a thread of a process that submits to the ring, for those threads of that process alone whose directories it has.
pub(crate) struct Worker {
    ring: Arc<Ring>,
    creator: TaskRef,
    mm: AddressSpace,
    directories: Directories,
    /// Whether it is for what may wait for ever.
    unbound: bool,
    /// Where it is to run, if user space has said.
    cpus: Option<Arc<Processors>>,
    /// It has begun to run there.
    placed: Atomic<bool>,
    /// Set to have it look into the queue.
    called: Atomic<bool>,
    /// The ring has no use for it any more.
    ending: Atomic<bool>,
    /// It is to end once it has nothing to do. Set with the ring locked.
    retiring: Atomic<bool>,
}

impl WorkerBody for Worker {
    fn is_ready(&self) -> bool {
        self.called.load(Relaxed) || self.ending.load(Relaxed) || self.retiring.load(Relaxed)
    }

    fn run(&self, worker: InWorker<'_>) -> bool {
        if let Some(cpus) = self.cpus.as_ref().filter(|_| !self.placed.load(Relaxed)) {
            self.placed.store(true, Relaxed);
            cpus.place(worker);
        }
        self.called.xchg(false, Full);
        while !self.ending.load(Relaxed) {
            // Whoever interrupts it has the ring locked, or has set `ending` before. So what comes before the next
            // request was meant for the last one.
            let next = {
                let locked = self.ring.lock();
                let locked = locked.ok().filter(|_| !is_interrupted(worker));
                let Some(mut locked) = locked else {
                    self.called.store(true, Relaxed);
                    return true;
                };
                locked.next_punted(self)
            };
            let Some(mut req) = next else {
                return !self.retiring.load(Relaxed);
            };
            // Either it is seen here that its time is over, or the timer has seen that it is with a worker.
            req.object().claim(WakeFlags::NONE);
            let wake_flags = req.more_wake_flags();
            if !wake_flags.cancelled() && !wake_flags.link_expired() {
                run_as_submitter(&mut req);
            }
            req.object().claim(wake_flags.union(WakeFlags::CANCELLED));
            // Who waits for several is told of each, as by a worker of io_uring.
            tctx::bring_back(req);
        }
        false
    }

    fn killed(&self) {
        // What is left in the queue ends with the tasks whose it is, of which some may have ended before.
        self.ring.leave_gone();
    }
}

impl Worker {
    /// Whether it is of the current task's process and address space, and has its directories.
    fn is_of_current(&self) -> bool {
        self.creator.same_process_as_current()
            && self.mm.is_current()
            && self.directories == Directories::current()
    }

    /// Wakes `this` up to look into the queue.
    fn call(this: &UserWorker<Self>) {
        this.called.xchg(true, Full);
        this.wake();
    }

    /// Has the worker `this` end as soon as it has nothing under way.
    fn stop(this: &Arc<UserWorker<Self>>) {
        this.ending.xchg(true, Full);
        this.wake();
        UserWorker::interrupt(this);
    }
}

impl WorkerRecord {
    /// Whether the worker is for what the current task submits, as far as that is so `unbound`.
    fn is_for_current(&self, unbound: bool) -> bool {
        self.worker.unbound == unbound
            && !self.worker.is_over()
            && !self.worker.retiring.load(Relaxed)
            && self.worker.is_of_current()
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        for record in &self.all {
            Worker::stop(&record.worker);
        }
    }
}

/// Runs a punted request in a worker, with the credentials of who submitted it.
///
/// # Context
///
/// May sleep. The ring is not locked.
fn run_as_submitter(req: &mut OwnedReq) {
    let Some(credentials) = req.core_mut().punted.credentials.take() else {
        // What is queued for workers has the credentials of who has submitted it.
        warn_on!(true);
        return;
    };
    credentials.with(|| run_punted_here(req, None));
}

/// Runs a punted request, and leaves the result in it. If it is the submitter that runs it, and no worker, `context` says what
/// that may do.
///
/// # Context
///
/// May sleep. The ring is not locked.
pub(crate) fn run_punted_here(req: &mut OwnedReq, context: Option<CallContext<'_>>) {
    let credentials = req.core_mut().credentials.clone();
    let mut run = || op::run_punted(req.lend(), context);
    let outcome = match credentials {
        Some(credentials) => credentials.with(run),
        None => run(),
    };
    let result = match outcome {
        Outcome::Done { res, flags, broken } => (res, flags, broken),
        Outcome::Requeue if context.is_some() => {
            req.core_mut().punted.again = true;
            return;
        }
        Outcome::Poll(_)
        | Outcome::Timer
        | Outcome::Requeue
        | Outcome::TaskWork
        | Outcome::Stall
        | Outcome::Punt
        | Outcome::ByNotif(_) => {
            // What a worker does can sleep, so that it has nothing to wait for.
            warn_on!(true);
            (EAGAIN.to_raw(), 0, true)
        }
    };
    req.core_mut().punted.result = Some(result);
}

impl Locked<'_> {
    /// Punts a request: it goes on where the ring is not locked, with a worker or with the task itself.
    ///
    /// # Context
    ///
    /// The task whose request it is. May sleep, for memory.
    pub(crate) fn offload(&mut self, mut req: OwnedReq) {
        if op::runs_unlocked(&req) {
            return self.put_aside(req);
        }
        let serial = op::serial(&req);
        let unbound = op::is_unbound(&req);
        if !self.has_worker_at(serial, unbound)
            && !self.call_worker(req.object().tctx().ring(), unbound)
        {
            // Nobody else does it.
            return self.put_aside(req);
        }
        let core = req.core_mut();
        core.punted = Punted {
            credentials: Some(Credentials::current()),
            directories: Directories::current(),
            serial,
            unbound,
            ..Punted::default()
        };
        if trace::queue_async_work_enabled() {
            self.trace_async(&req, serial != 0);
        }
        if let Some(req) = self.queue_up(req) {
            self.state.exec.workers.queued += 1;
            self.state.exec.workers.queue.push(req);
        }
    }

    /// How many requests workers were given so far.
    pub(crate) fn offloaded(&self) -> u64 {
        self.state.exec.workers.queued
    }

    /// Whether a worker is at what others must not work on meanwhile, and so will look into the
    /// queue itself: they would pass by all that waits for the same.
    fn has_worker_at(&self, serial: usize, unbound: bool) -> bool {
        let mut records = self.state.exec.workers.all.iter();
        serial != 0
            && records.any(|record| record.serial == serial && record.is_for_current(unbound))
    }

    /// Whether the current task's process has a worker.
    fn has_own_worker(&self, unbound: bool) -> bool {
        let mut records = self.state.exec.workers.all.iter();
        records.any(|record| record.is_for_current(unbound))
    }

    /// Sees to it that a worker of the current task's process will look into the queue. False if there
    /// is none, nor memory to ask for one.
    fn call_worker(&mut self, ring: &Arc<Ring>, unbound: bool) -> bool {
        let workers = &self.state.exec.workers;
        let most = if unbound {
            workers.unbounded.map_or(u32::MAX, NonZero::get)
        } else {
            let limit = workers.bounded.map_or(u32::MAX, NonZero::get);
            self.usual_workers().min(limit)
        };
        let workers = &mut self.state.exec.workers;
        workers.all.retain(|record| !record.worker.is_over());
        workers.pending.forget_killed();
        // Those of another process do nothing of this one's.
        let mut count = workers.pending.count_own(unbound);
        for record in &mut workers.all {
            if !record.is_for_current(unbound) {
                continue;
            }
            if !record.busy {
                record.busy = true;
                Worker::call(&record.worker);
                return true;
            }
            count += 1;
        }
        let together = workers.all.len() + workers.pending.len();
        let room = together < self.ring.policy.limits.workers as usize;
        if count < most && room && workers.pending.add(unbound).is_ok() {
            if self.make_worker(ring.clone(), unbound) {
                return true;
            }
            self.state.exec.workers.pending.remove(unbound);
        }
        // Those that there are will come to it.
        count != 0
    }

    /// The next request for `worker`, which the current task is. It is idle from here on if there is none.
    fn next_punted(&mut self, worker: &Worker) -> Option<OwnedReq> {
        let WorkerPool { queue, all, .. } = &mut self.state.exec.workers;
        let index = all
            .iter()
            .position(|record| core::ptr::eq::<Worker>(&**record.worker, worker))?;
        all.get_mut(index)?.serial = 0;
        // The worker that is at it, or one of its own, takes what this one passes by. One of another kind, or of another
        // program, would not: it does not keep this one from it.
        let is_free = |serial| {
            serial == 0
                || !all.iter().any(|record| {
                    record.serial == serial
                        && record.worker.unbound == worker.unbound
                        && !record.worker.is_over()
                        && record.worker.is_of_current()
                })
        };
        let next = queue.take_first(usize::MAX, |req| {
            let punted = &req.core().punted;
            punted.unbound == worker.unbound
                && punted.directories == worker.directories
                && req.object().tctx().is_program_of_current()
                && is_free(punted.serial)
        });
        let Some(record) = all.get_mut(index) else {
            // Its place was just looked up.
            warn_on!(true);
            if let Some(req) = next {
                queue.push(req);
            }
            return None;
        };
        match &next {
            Some(req) => {
                record.serial = req.core().punted.serial;
                record.request = object_id(req.object());
                req.object().set_punted();
                // Nobody does it any more if the thread has ended, and opening a FIFO may last for ever.
                if req.file().is_none() && !req.object().tctx().is_alive() {
                    UserWorker::interrupt(&record.worker);
                }
            }
            None => record.busy = false,
        }
        next
    }

    /// Has those workers end, once they have nothing to do, whose makers have: a process would not end
    /// with its last other thread.
    pub(crate) fn retire_workers(&mut self) {
        for record in &self.state.exec.workers.all {
            let worker = &record.worker;
            if worker.creator.is_exiting() && !worker.retiring.load(Relaxed) {
                worker.retiring.xchg(true, Full);
                worker.wake();
            }
        }
    }

    /// Interrupts the worker that has the request of the object with this id.
    pub(crate) fn interrupt_worker(&self, request: usize) {
        for record in &self.state.exec.workers.all {
            if record.busy && record.request == request {
                UserWorker::interrupt(&record.worker);
            }
        }
    }

    /// Whether a worker goes on with the request of this object, which it has, also without its task.
    pub(crate) fn is_finished_by_worker(&self, object: &Object<Request>) -> bool {
        let id = object_id(object);
        self.outlived_by_worker(object.tctx(), |record| record.request == id)
    }

    /// As [`Locked::is_finished_by_worker`], of one that is queued: by any worker on its way that would take it.
    pub(super) fn is_taken_by_worker(&self, req: &OwnedReq) -> bool {
        let punted = &req.core().punted;
        !punted.unbound
            && self.outlived_by_worker(req.object().tctx(), |record| {
                record.worker.directories == punted.directories
            })
    }

    /// Whether there is a worker, of those that `which` says, that does what a thread has left which has ended while its process
    /// goes on. It is only for what ends by itself, as with
    /// io_uring: nothing else may keep a process whose last other thread ends.
    ///
    /// A worker that is killed with its process or program ends what is left, see [`Worker::killed`].
    fn outlived_by_worker(&self, tctx: &TaskCtx, which: impl Fn(&WorkerRecord) -> bool) -> bool {
        if tctx.is_alive() || self.ring.is_dying() || self.state.exec.letting_go {
            return false;
        }
        self.state.exec.workers.all.iter().any(|record| {
            let worker = &record.worker;
            record.busy
                && which(record)
                && !worker.unbound
                && !worker.is_over()
                && tctx.is_of(&worker.creator, &worker.mm)
        })
    }

    /// Has a request tried again that its task could not go on with where the ring was not locked. One that a worker was to do
    /// keeps the rights that it had then.
    pub(crate) fn retry_punted(&mut self, mut req: OwnedReq) {
        req.object().set_back();
        let core = req.core_mut();
        let credentials = core.punted.credentials.take();
        core.punted = Punted {
            before: credentials.is_some().then(|| core.job.set_unserved()),
            credentials,
            ..Punted::default()
        };
        self.requeue(req);
        self.count_finished_punt();
    }

    fn count_finished_punt(&self) {
        self.ring.exec.finished_punts.fetch_add(1, Relaxed);
        if self.ring.exec.punt_waiters.has_sleeper() {
            self.ring.exec.punt_waiters.wake();
        }
    }

    /// Takes a punted request back. It completes with the result of whoever has run it, or ends for `error` if nobody has.
    pub(crate) fn finish_punted(&mut self, mut req: OwnedReq, error: Errno) {
        req.object().set_back();
        let spec = op::spec_of(req.core().job.opcode);
        let by_worker = spec.is_some_and(|spec| spec.forced || spec.forced_if_punted)
            || !op::runs_unlocked(&req);
        match core::mem::take(&mut req.core_mut().punted).result {
            Some((res, flags, broken)) => {
                let res = op::after_punt(self, req.lend(), res);
                let at_once =
                    !req.core().job.flags.force_async() && op::io_uring_did_inline(&req, res);
                let by_worker = by_worker && !at_once;
                let job = &mut req.core_mut().job;
                if job.link_timer == LinkTimer::Passed {
                    job.link_timer = LinkTimer::TooLate;
                }
                if by_worker {
                    job.flags.set_by_worker();
                }
                self.finish(req, res, flags, broken);
            }
            None => self.end(req, error),
        }
        self.count_finished_punt();
    }
}
