// SPDX-License-Identifier: GPL-2.0

//! What would have a submitter sleep: workers do it instead.
//!
//! The token of such a request goes into the ring's queue, from where a worker of the submitter's
//! process takes it, without the ring being locked while it works. It takes it home as if it had been
//! cancelled, which is to say to its end, with the result beside it. A request can be found by its ring
//! all the time, so that a cancel leaves its reason; one that still is in the queue is taken out, and
//! what a worker has is interrupted.
//!
//! Workers are made by a submitter, after it has unlocked the ring. If it can make none, and there is
//! none, it does itself what it would have left to them.

use super::{Locked, Ring};
use crate::{
    op::{self, Outcome},
    req::{
        claim::Reasons,
        home::{self, Home},
        Errand, Face, Limit, Request, Token, Work,
    },
    sys::{
        context::At,
        queue::Fifo,
        signal,
        task::{self, AddressSpace, Credentials, TaskRef},
        token::Cell,
        user,
        user_worker::{Body, UserWorker},
    },
    uapi::errno::{Errno, Result, EAGAIN, EINVAL},
};
use core::num::NonZero;
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    prelude::*,
    sync::{
        atomic::{Atomic, Full, Relaxed},
        Arc,
    },
};

/// The workers of a ring, and what they are to do.
#[derive(Default)]
pub(super) struct Workers {
    queue: Fifo<Request>,
    all: KVec<Record>,
    /// How many there may be for what ends by itself, as transfers of files do, if user space has said.
    bounded: Option<NonZero<u32>>,
    /// How many for what may wait for ever.
    unbounded: Option<NonZero<u32>>,
}

/// The ring's record of a worker.
struct Record {
    worker: Arc<UserWorker<Worker>>,
    /// Whether it is on its way, and will look into the queue before it is through.
    busy: bool,
    /// What it works on, see [`op::Op::serial`].
    serial: usize,
    /// The id of the cell that it was given last.
    request: usize,
}

/// A worker: a thread of a process that submits to the ring, for that process alone.
pub(super) struct Worker {
    ring: Arc<Ring>,
    creator: TaskRef,
    mm: AddressSpace,
    /// Whether it is for what may wait for ever.
    unbound: bool,
    /// It is to look into the queue.
    called: Atomic<bool>,
    /// The ring has no use for it any more.
    ending: Atomic<bool>,
    /// It is to end once it has nothing to do. Set with the ring locked.
    leaving: Atomic<bool>,
}

impl Body for Worker {
    fn is_ready(&self) -> bool {
        self.called.load(Relaxed) || self.ending.load(Relaxed) || self.leaving.load(Relaxed)
    }

    fn run(&self) -> bool {
        self.called.xchg(false, Full);
        while !self.ending.load(Relaxed) {
            // Whoever interrupts it has the ring locked. So what comes before the next request was
            // meant for the last one.
            let next = {
                let locked = self.ring.lock();
                let locked = locked.ok().filter(|_| !signal::interrupted());
                let Some(mut locked) = locked else {
                    self.called.store(true, Relaxed);
                    return true;
                };
                locked.next_work(self)
            };
            let Some(mut token) = next else {
                return !self.leaving.load(Relaxed);
            };
            // Either it is seen here that its time is over, or the timer has seen that it is with a worker.
            token.cell().claim(Reasons::NONE);
            let reasons = token.reasons();
            if !reasons.cancelled() && !reasons.link_expired() {
                work(&mut token);
            }
            token.cell().claim(reasons.and(Reasons::CANCELLED));
            let lazy = token.peek().brings_one();
            home::push(&token.cell().home().clone(), token, lazy);
        }
        false
    }

    fn killed(&self) {
        // What is left in the queue ends with the tasks whose it is, of which some may have ended before.
        self.ring.end_those_gone();
    }
}

impl Worker {
    /// Whether it is of the current task's process and address space.
    fn is_of_current(&self) -> bool {
        self.creator.same_process_as_current() && self.mm.is_current()
    }

    /// Has `this` look into the queue.
    fn call(this: &UserWorker<Self>) {
        this.called.xchg(true, Full);
        this.wake();
    }

    /// Has `this` end.
    fn end(this: &Arc<UserWorker<Self>>) {
        this.ending.xchg(true, Full);
        this.wake();
        UserWorker::interrupt(this);
    }
}

impl Record {
    /// Whether the worker is for such requests of the current task.
    fn is_for_current(&self, unbound: bool) -> bool {
        self.worker.unbound == unbound
            && !self.worker.is_over()
            && !self.worker.leaving.load(Relaxed)
            && self.worker.is_of_current()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for record in &self.all {
            Worker::end(&record.worker);
        }
    }
}

/// Identifies a cell while there is one.
pub(crate) fn cell_id(cell: &Cell<Request>) -> usize {
    core::ptr::from_ref(cell) as usize
}

/// Does what `token` is for, in a worker.
fn work(token: &mut Token) {
    let Some(credentials) = token.owned().errand.credentials.take() else {
        return;
    };
    credentials.with(|| work_here(token));
}

/// Does what `token` is for, and leaves its result with it.
pub(super) fn work_here(token: &mut Token) {
    let result = match op::work(token.lend()) {
        Outcome::Done { res, flags, broken } => (res, flags, broken),
        _ => (EAGAIN.to_raw(), 0, true),
    };
    token.owned().errand.result = Some(result);
}

/// Makes a worker for the current task's process. Returns what that has to do itself if there is none.
///
/// Called without the ring being locked.
pub(super) fn add_worker(ring: &Arc<Ring>, at: At<'_>, unbound: bool) -> Fifo<Request> {
    let new = || -> Result<_> {
        let worker = Worker {
            ring: ring.clone(),
            creator: TaskRef::current(),
            mm: AddressSpace::current()?,
            unbound,
            called: Atomic::new(false),
            ending: Atomic::new(false),
            leaving: Atomic::new(false),
        };
        Ok(UserWorker::spawn(worker, c"ruring-wrk")?)
    };
    let worker = new();
    ring.coming_workers.fetch_sub(1, Relaxed);
    let Ok(mut locked) = ring.lock_at(at) else {
        // What was for it ends with the task.
        if let Ok(worker) = worker {
            Worker::end(&worker);
        }
        return Fifo::new();
    };
    let workers = &mut locked.state.workers;
    if let Ok(worker) = worker {
        let record = Record {
            worker: worker.clone(),
            busy: true,
            serial: 0,
            request: 0,
        };
        if !ring.is_dying() && workers.all.push(record, GFP_KERNEL_ACCOUNT).is_ok() {
            // It has found nothing before.
            Worker::call(&worker);
            return Fifo::new();
        }
        Worker::end(&worker);
    }
    if locked.has_own_worker(unbound) {
        // Those that there are will come to it.
        return Fifo::new();
    }
    locked.take_own_work(unbound)
}

impl Ring {
    /// `IORING_REGISTER_IOWQ_MAX_WORKERS`: `arg` is the address of two limits, which are replaced
    /// by those before. Those that are 0 stay as they are.
    pub(super) fn limit_workers(&self, arg: u64) -> Result {
        let mut limits = [0u32; 2];
        user::read_into(arg, &mut limits)?;
        if limits.iter().any(|limit| i32::try_from(*limit).is_err()) {
            return Err(EINVAL);
        }
        let most = task::most_processes().min(i32::MAX as usize) as u32;
        let [bounded, unbounded] = limits.map(|limit| NonZero::new(limit.min(most)));
        let mut locked = self.lock()?;
        let usual = locked.usual_workers();
        let workers = &mut locked.state.workers;
        let before = [
            workers.bounded.map_or(usual, NonZero::get),
            workers.unbounded.map_or(most, NonZero::get),
        ];
        workers.bounded = bounded.or(workers.bounded);
        workers.unbounded = unbounded.or(workers.unbounded);
        drop(locked);
        user::write_from(arg, &before)
    }
}

impl Ring {
    /// Says that requests with workers have had their time. Has a full barrier.
    pub(crate) fn set_overdue(&self) {
        self.overdue.xchg(true, Full);
    }

    /// Interrupts workers at requests that have had their time, and takes such requests out of the
    /// queue.
    #[cold]
    pub(super) fn end_overdue<'a>(&'a self, at: impl Into<At<'a>>) {
        self.overdue.xchg(false, Full);
        let Ok(mut locked) = self.lock_at(at) else {
            return;
        };
        for cell in locked.all_waiting().filter(|cell| cell.is_overdue()) {
            match cell.work() {
                Work::Queued => cell.set_work(Work::Dropped),
                Work::Running => locked.interrupt_work(cell_id(cell)),
                _ => {}
            }
        }
        locked.bring_dropped_home();
    }
}

impl Locked<'_> {
    /// Starts a request with IOSQE_ASYNC.
    pub(super) fn run_async(&mut self, mut token: Token) {
        let refused = token.peek().job.refused.is_some();
        if !refused && op::begins_in_worker(self, token.lend()) {
            self.offload(token);
        } else {
            self.run_later(token);
        }
    }

    /// Has a request of the current task gone on with where the ring is not locked: by a worker, save
    /// for those that the task does itself.
    pub(super) fn offload(&mut self, mut token: Token) {
        if op::steps_out(&token) {
            return self.step_out(token);
        }
        let serial = op::serial(&token);
        let unbound = op::is_unbound(&token);
        if !self.has_worker_at(serial) && !self.call_worker(token.cell().home().ring(), unbound) {
            // Nobody else does it.
            return self.step_out(token);
        }
        let held = token.owned();
        held.errand = Errand {
            credentials: Some(Credentials::current()),
            serial,
            unbound,
            result: None,
        };
        token.cell().set_work(Work::Queued);
        token.cell().claim(Reasons::NONE);
        if token.cell().is_overdue() {
            return self.run_later(token);
        }
        self.insert(&mut token);
        self.state.workers.queue.push(token);
    }

    /// Whether a worker is at what others must not work on meanwhile, and so will look into the
    /// queue itself: they would pass by all that waits for the same.
    fn has_worker_at(&self, serial: usize) -> bool {
        let mut records = self.state.workers.all.iter();
        serial != 0
            && records.any(|record| record.serial == serial && record.worker.is_of_current())
    }

    /// Whether the current task's process has a worker.
    fn has_own_worker(&self, unbound: bool) -> bool {
        let mut records = self.state.workers.all.iter();
        records.any(|record| record.is_for_current(unbound))
    }

    /// How many workers there are at most, if user space has not said.
    fn usual_workers(&self) -> u32 {
        (4 * task::processors()).min(self.ring.config.sq_entries)
    }

    /// Sees to it that a worker of the current task's process will look into the queue. False if there
    /// is none, nor memory to ask for one.
    fn call_worker(&mut self, ring: &Arc<Ring>, unbound: bool) -> bool {
        let workers = &self.state.workers;
        let most = if unbound {
            workers.unbounded.map_or(u32::MAX, NonZero::get)
        } else {
            let limit = workers.bounded.map_or(u32::MAX, NonZero::get);
            self.usual_workers().min(limit)
        };
        let workers = &mut self.state.workers;
        workers.all.retain(|record| !record.worker.is_over());
        let mut count = self.ring.coming_workers.load(Relaxed);
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
        if count < most && self.make_worker(ring.clone(), unbound) {
            self.ring.coming_workers.fetch_add(1, Relaxed);
            return true;
        }
        // Those that there are will come to it.
        count != 0
    }

    /// Takes out of the queue what was to be done by workers of the current task's process.
    fn take_own_work(&mut self, unbound: bool) -> Fifo<Request> {
        let (mut own, mut rest) = (Fifo::new(), Fifo::new());
        while let Some(token) = self.state.workers.queue.pop() {
            if token.peek().errand.unbound == unbound && token.cell().home().is_current() {
                token.cell().set_work(Work::Running);
                own.push(token);
            } else {
                rest.push(token);
            }
        }
        self.state.workers.queue = rest;
        own
    }

    /// What `worker`, which the current task is, is to do next. If there is nothing it is idle from here
    /// on.
    fn next_work(&mut self, worker: &Worker) -> Option<Token> {
        let Workers { queue, all, .. } = &mut self.state.workers;
        let index = all
            .iter()
            .position(|record| core::ptr::eq::<Worker>(&**record.worker, worker))?;
        all.get_mut(index)?.serial = 0;
        let mut passed = Fifo::new();
        let mut next = None;
        while let Some(token) = queue.pop() {
            let Errand {
                serial, unbound, ..
            } = token.peek().errand;
            if unbound == worker.unbound
                && token.cell().home().is_program_of_current()
                && (serial == 0 || all.iter().all(|record| record.serial != serial))
            {
                next = Some(token);
                break;
            }
            // The worker that is at it, or one of its own, takes this one.
            passed.push(token);
        }
        passed.append(core::mem::take(queue));
        *queue = passed;
        let record = all.get_mut(index)?;
        match &next {
            Some(token) => {
                record.serial = token.peek().errand.serial;
                record.request = cell_id(token.cell());
                token.cell().set_work(Work::Running);
            }
            None => record.busy = false,
        }
        next
    }

    /// Has those workers end, once they have nothing to do, whose makers have: a process would not end
    /// with its last other thread.
    pub(super) fn dismiss_workers(&mut self) {
        for record in &self.state.workers.all {
            let worker = &record.worker;
            if worker.creator.is_exiting() && !worker.leaving.load(Relaxed) {
                worker.leaving.xchg(true, Full);
                worker.wake();
            }
        }
    }

    /// Interrupts the worker that has the request of the cell with this id.
    pub(crate) fn interrupt_work(&self, request: usize) {
        for record in &self.state.workers.all {
            if record.busy && record.request == request {
                UserWorker::interrupt(&record.worker);
            }
        }
    }

    /// Takes requests that wait for a worker out of the queue.
    pub(super) fn unqueue(&mut self, which: impl Fn(&Face) -> bool) -> Fifo<Request> {
        let (mut out, mut rest) = (Fifo::new(), Fifo::new());
        while let Some(token) = self.state.workers.queue.pop() {
            if which(token.cell()) {
                out.push(token);
            } else {
                rest.push(token);
            }
        }
        self.state.workers.queue = rest;
        out
    }

    /// Takes requests of those that `whose` says out of the queue, save for those that a worker does
    /// nevertheless.
    pub(super) fn unqueue_ended(&mut self, whose: impl Fn(&Home) -> bool) -> Fifo<Request> {
        let (mut out, mut rest) = (Fifo::new(), Fifo::new());
        let mut queue = core::mem::take(&mut self.state.workers.queue);
        while let Some(token) = queue.pop() {
            let home = token.cell().home();
            if whose(home) && (token.peek().errand.unbound || !self.outlived_by_worker(home, None))
            {
                out.push(token);
            } else {
                rest.push(token);
            }
        }
        self.state.workers.queue = rest;
        out
    }

    /// Whether a worker goes on with the request of this cell, which it has, also without its task.
    pub(super) fn is_finished_by_worker(&self, cell: &Cell<Request>) -> bool {
        self.outlived_by_worker(cell.home(), Some(cell_id(cell)))
    }

    /// Whether there is a worker that does what a thread has left which has ended while its process goes on: any
    /// on its way for what is queued, or the one that has `request`. It is only for what ends by itself, as with
    /// io_uring: nothing else may keep a process whose last other thread ends.
    ///
    /// A worker that is killed with its process or program ends what is left, see [`Worker::killed`].
    fn outlived_by_worker(&self, home: &Home, request: Option<usize>) -> bool {
        if home.is_alive() || self.ring.is_dying() || self.state.letting_go {
            return false;
        }
        self.state.workers.all.iter().any(|record| {
            let worker = &record.worker;
            record.busy
                && request.is_none_or(|request| record.request == request)
                && !worker.unbound
                && !worker.is_over()
                && home.is_of(&worker.creator, &worker.mm)
        })
    }

    /// Brings home what waited for a worker and was cancelled.
    pub(crate) fn bring_dropped_home(&mut self) {
        let mut dropped = self.unqueue(|face| face.work() == Work::Dropped);
        while let Some(token) = dropped.pop() {
            self.run_later(token);
        }
    }

    /// Ends a request that was with the workers: with what one has to say, if one had it.
    pub(super) fn end_work(&mut self, mut token: Token, error: Errno) {
        token.cell().set_work(Work::None);
        let by_worker = !op::steps_out(&token);
        let result = core::mem::take(&mut token.owned().errand).result;
        match result {
            Some((res, flags, broken)) => {
                let res = op::settle(self, token.lend(), res);
                let held = token.owned();
                if held.job.limit == Limit::Passed {
                    held.job.limit = Limit::TooLate;
                }
                self.finish(token, res, flags, broken);
                self.state.posted_async |= by_worker && self.state.posted;
            }
            None => self.end(token, error),
        }
        self.ring.works.fetch_add(1, Relaxed);
        if self.ring.onlookers.has_sleeper() {
            self.ring.onlookers.wake();
        }
    }
}
