// SPDX-License-Identifier: GPL-2.0

//! What would have a submitter sleep: workers do it instead.
//!
//! The token of such a request goes into the ring's queue, from where a worker takes it, without
//! the ring being locked while it works. It takes it home as if it had been cancelled, which is to
//! say to its end, with the result beside it. A request can be found by its ring all the time, so
//! that a cancel leaves its reason; one that still is in the queue is taken out.

use super::{Locked, Ring};
use crate::{
    op::{self, Outcome},
    req::{claim::Reasons, home, Errand, Face, Limit, Request, Token, Work},
    sys::{
        context::InTask,
        errand::{self, Run},
        queue::Fifo,
        task::{self, Credentials},
        user,
    },
    uapi::errno::{Errno, Result, EAGAIN, EINVAL, ENOMEM},
};
use core::num::NonZero;
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    prelude::*,
    sync::{atomic::Relaxed, Arc},
};

/// The workers of a ring, and what they are to do.
#[derive(Default)]
pub(super) struct Workers {
    queue: Fifo<Request>,
    all: KVec<Record>,
    /// How many there may be for what ends by itself, as transfers of files do, if user space has said.
    bounded: Option<NonZero<u32>>,
    /// How many for what may wait for ever, of which ruring gives none to a worker.
    unbounded: Option<NonZero<u32>>,
}

/// The ring's record of a worker.
struct Record {
    worker: Arc<errand::Errand<Worker>>,
    /// Whether it is on its way, and will look into the queue before it is through.
    busy: bool,
    /// What it works on, see [`op::Op::serial`].
    serial: usize,
}

/// A worker: a work item that goes on as long as there is something to do.
struct Worker {
    ring: Arc<Ring>,
    index: usize,
}

impl Run for Worker {
    fn run(this: Arc<errand::Errand<Self>>, _task: Option<InTask<'_>>) {
        while let Some(mut token) = this.next() {
            let reasons = token.reasons();
            if !reasons.cancelled() && !reasons.link_expired() {
                work(&mut token);
            }
            token.cell().claim(reasons.and(Reasons::CANCELLED));
            home::push(&token.cell().home().clone(), token, true);
        }
    }
}

impl Worker {
    fn next(&self) -> Option<Token> {
        self.ring.lock().next_work(self.index)
    }
}

/// Does what `token` is for.
fn work(token: &mut Token) {
    let home = token.cell().home().clone();
    let Some(credentials) = token.owned().errand.credentials.take() else {
        return;
    };
    let outcome = home.lend(&credentials, || op::work(token.lend()));
    token.owned().errand.result = outcome.map(|outcome| match outcome {
        Outcome::Done { res, flags, broken } => (res, flags, broken),
        _ => (EAGAIN.to_raw(), 0, true),
    });
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
        let mut locked = self.lock();
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
        if !self.has_worker_at(serial) && !self.call_worker(token.cell().home().ring().clone()) {
            return self.end(token, ENOMEM);
        }
        let held = token.owned();
        held.errand = Errand {
            credentials: Some(Credentials::current()),
            serial,
            result: None,
        };
        token.cell().set_work(Work::Queued);
        self.insert(&mut token);
        self.state.workers.queue.push(token);
    }

    /// Whether a worker is at what others must not work on meanwhile, and so will look into the
    /// queue itself: they would pass by all that waits for the same.
    fn has_worker_at(&self, serial: usize) -> bool {
        let mut records = self.state.workers.all.iter();
        serial != 0 && records.any(|record| record.serial == serial)
    }

    /// How many workers there are at most.
    fn usual_workers(&self) -> u32 {
        (4 * task::processors()).min(self.ring.config.sq_entries)
    }

    /// Sees to it that a worker will look into the queue. False if there is none.
    fn call_worker(&mut self, ring: Arc<Ring>) -> bool {
        let limit = self.state.workers.bounded.map_or(u32::MAX, NonZero::get);
        let most = self.usual_workers().min(limit) as usize;
        let workers = &mut self.state.workers.all;
        if let Some(idle) = workers.iter_mut().take(most).find(|record| !record.busy) {
            idle.busy = true;
            errand::Errand::send_to_slow_worker(&idle.worker);
            return true;
        }
        let index = workers.len();
        if index < most {
            if let Ok(worker) = errand::Errand::new(Worker { ring, index }) {
                let record = Record {
                    worker: worker.clone(),
                    busy: true,
                    serial: 0,
                };
                if workers.push(record, GFP_KERNEL_ACCOUNT).is_ok() {
                    errand::Errand::send_to_slow_worker(&worker);
                    return true;
                }
            }
        }
        // Those that there are will come to it.
        index != 0
    }

    /// What worker `index` is to do next. If there is nothing it is idle from here on.
    fn next_work(&mut self, index: usize) -> Option<Token> {
        let Workers { queue, all, .. } = &mut self.state.workers;
        all.get_mut(index)?.serial = 0;
        let mut passed = Fifo::new();
        let mut next = None;
        while let Some(token) = queue.pop() {
            let serial = token.peek().errand.serial;
            if serial == 0 || all.iter().all(|record| record.serial != serial) {
                next = Some(token);
                break;
            }
            // The worker that is at it takes this one when it is done.
            passed.push(token);
        }
        passed.append(core::mem::take(queue));
        *queue = passed;
        let record = all.get_mut(index)?;
        match &next {
            Some(token) => {
                record.serial = token.peek().errand.serial;
                token.cell().set_work(Work::Running);
            }
            None => record.busy = false,
        }
        next
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
        let held = token.owned();
        match core::mem::take(&mut held.errand).result {
            Some((res, flags, broken)) => {
                if held.job.limit == Limit::Passed {
                    // Its time was over, but it could not be stopped.
                    held.job.limit = Limit::Running;
                }
                self.finish(token, res, flags, broken);
                self.state.posted_async |= self.state.posted;
            }
            None => self.end(token, error),
        }
        self.ring.works.fetch_add(1, Relaxed);
        if self.ring.onlookers.has_sleeper() {
            self.ring.onlookers.wake();
        }
    }
}
