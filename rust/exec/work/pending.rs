// SPDX-License-Identifier: GPL-2.0

//! Workers that are just being made, for which requests are queued by then, and what becomes of these if there is none.

use super::{Worker, WorkerPool, WorkerRecord};
use crate::{
    req::Request,
    ring::{Locked, Ring},
    sys::{
        context::CallContext,
        queue::Fifo,
        signal,
        task::{AddressSpace, Directories, TaskRef},
        user_worker::UserWorker,
    },
    uapi::errno::{Result, ECANCELED},
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KVec},
    sync::{atomic::Atomic, Arc},
};

/// The workers of a ring that are just being made.
#[derive(Default)]
pub(super) struct PendingWorkers(KVec<PendingWorker>);

/// A worker that its creator makes once it has unlocked the ring, for all of its process.
struct PendingWorker {
    creator: TaskRef,
    mm: AddressSpace,
    directories: Directories,
    /// Whether it is for what may wait for ever.
    unbound: bool,
}

impl PendingWorkers {
    /// Notes that the current task is to make one.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`, `-EINVAL` for a task that has no address space.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(super) fn add(&mut self, unbound: bool) -> Result {
        let pending = PendingWorker {
            creator: TaskRef::current(),
            mm: AddressSpace::current()?,
            directories: Directories::current(),
            unbound,
        };
        Ok(self.0.push(pending, GFP_KERNEL_ACCOUNT)?)
    }

    /// Notes that the current task has made one, or could not.
    pub(super) fn remove(&mut self, unbound: bool) {
        let mut found = false;
        self.0.retain(|pending| {
            let stays = found || pending.unbound != unbound || !pending.creator.is_current();
            found |= !stays;
            stays
        });
    }

    /// Forgets those whose creators were killed meanwhile, and with them the programs that they were for.
    pub(super) fn forget_killed(&mut self) {
        self.0.retain(|pending| !pending.creator.is_exiting());
    }

    /// How many there are of all processes and both kinds.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many there are for the current task's process, and for requests that are so `unbound`.
    pub(super) fn count_own(&self, unbound: bool) -> u32 {
        let own = self.0.iter().filter(|pending| {
            pending.unbound == unbound
                && !pending.creator.is_exiting()
                && pending.creator.same_process_as_current()
                && pending.mm.is_current()
                && pending.directories == Directories::current()
        });
        own.count() as u32
    }
}

/// Makes a worker for the current task's process. If it cannot have one, as a thread of the kernel's, returns the requests that the task has to do itself,
/// and leaves those of its other threads to them.
///
/// # Context
///
/// Without the ring being locked.
pub(crate) fn add_worker(
    ring: &Arc<Ring>,
    context: CallContext<'_>,
    unbound: bool,
) -> Fifo<Request> {
    let new = || -> Result<_> {
        let task = context.task().ok_or(ECANCELED)?;
        let cpus = ring.lock_in(context)?.state.exec.workers.cpus.clone();
        let worker = Worker {
            ring: ring.clone(),
            creator: TaskRef::current(),
            mm: AddressSpace::current()?,
            directories: Directories::current(),
            unbound,
            cpus,
            placed: Atomic::new(false),
            called: Atomic::new(false),
            ending: Atomic::new(false),
            retiring: Atomic::new(false),
        };
        Ok(UserWorker::spawn(task, worker, c"ruring-wrk")?)
    };
    let worker = new();
    let Ok(mut locked) = ring.lock_in(context) else {
        // What was for it ends with the program, of which all threads are killed.
        if let Ok(worker) = worker {
            Worker::stop(&worker);
        }
        return Fifo::new();
    };
    let workers = &mut locked.state.exec.workers;
    workers.pending.remove(unbound);
    if let Ok(worker) = worker {
        let record = WorkerRecord {
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
        Worker::stop(&worker);
    }
    if locked.has_own_worker(unbound) || signal::killed() {
        // Those that there are will come to it, or it ends with its task.
        return Fifo::new();
    }
    locked.take_own_punted(unbound)
}

impl WorkerPool {
    /// Forgets the workers that nobody will make, as who was to was killed.
    pub(in super::super) fn forget_killed(&mut self) {
        self.pending.forget_killed();
    }
}

impl Locked<'_> {
    /// Takes the requests out of the queue that workers of the current task's process were to do, of which there is none. The
    /// other threads do theirs as well, unless somebody is just making a worker.
    pub(super) fn take_own_punted(&mut self, unbound: bool) -> Fifo<Request> {
        let (mut all, mut own) = (Fifo::new(), Fifo::new());
        let others = self.state.exec.workers.pending.count_own(unbound) == 0;
        let queue = &mut self.state.exec.workers.queue;
        queue.move_out(&mut all, |req| {
            let tctx = req.object().tctx();
            let punted = &req.core().punted;
            punted.unbound == unbound
                && punted.directories == Directories::current()
                && (tctx.is_current() || (others && tctx.is_program_of_current()))
        });
        while let Some(mut req) = all.pop() {
            if req.object().tctx().is_current() {
                req.object().set_punted();
                own.push(req);
            } else {
                req.object().set_back();
                let core = req.core_mut();
                core.punted.before = Some(core.job.set_unserved());
                self.requeue(req);
            }
        }
        own
    }
}
