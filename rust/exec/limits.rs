// SPDX-License-Identifier: GPL-2.0

//! What limits requests and workers: for how long these have a request, and how many of them there may be.

use crate::{
    op,
    req::{LinkTimer, OwnedReq, Place},
    ring::{objects::object_id, Locked, Ring},
    sys::{context::CallContext, processor::Processors, task, timer::Purpose, user},
    uapi::errno::{Result, EINVAL},
};
use core::num::NonZero;
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    sync::{atomic::Full, Arc},
    warn_on,
};

impl Ring {
    /// `IORING_REGISTER_IOWQ_MAX_WORKERS`: `arg` is the address of two limits, which are replaced
    /// by those before. Those that are 0 stay as they are.
    ///
    /// # Errors
    ///
    /// `-EFAULT`, `-EINVAL` for more than can be counted, `-EINTR`.
    ///
    /// # Context
    ///
    /// May sleep. Without the ring's lock, which it takes.
    pub(crate) fn limit_workers(&self, arg: u64) -> Result {
        let limits: [u32; 2] = user::read(arg)?;
        if limits.iter().any(|limit| i32::try_from(*limit).is_err()) {
            return Err(EINVAL);
        }
        let processes = task::most_processes();
        let most = processes.min(i32::MAX as usize) as u32;
        // As io_uring, which takes it for an int: none if there is no limit.
        let told = (processes as i32).max(0) as u32;
        let [bounded, unbounded] = limits.map(|limit| NonZero::new(limit.min(most)));
        let mut locked = self.lock()?;
        let usual = locked.usual_workers();
        let workers = &mut locked.state.exec.workers;
        let before = [
            workers.bounded.map_or(usual, NonZero::get),
            workers.unbounded.map_or(told, NonZero::get),
        ];
        workers.bounded = bounded.or(workers.bounded);
        workers.unbounded = unbounded.or(workers.unbounded);
        drop(locked);
        user::write(arg, &before)
    }
}

impl Ring {
    /// `IORING_REGISTER_IOWQ_AFF`: workers that are made from now on run on the processors of which the `len` bytes at `arg`
    /// have a bit.
    ///
    /// # Errors
    ///
    /// `-EFAULT`, `-EINVAL` for a processor that the task may not have, `-ENOMEM`, `-EINTR`.
    ///
    /// # Context
    ///
    /// May sleep. Without the ring's lock, which it takes.
    pub(crate) fn set_worker_affinity(&self, arg: u64, len: u32) -> Result {
        let cpus = Arc::new(Processors::read(arg, len as usize)?, GFP_KERNEL_ACCOUNT)?;
        self.lock()?.state.exec.workers.cpus = Some(cpus);
        Ok(())
    }

    /// `IORING_UNREGISTER_IOWQ_AFF`: workers that are made from now on run wherever the submitter may.
    ///
    /// # Errors
    ///
    /// `-EINTR`.
    ///
    /// # Context
    ///
    /// As [`set_worker_affinity`](Self::set_worker_affinity).
    pub(crate) fn clear_worker_affinity(&self) -> Result {
        self.lock()?.state.exec.workers.cpus = None;
        Ok(())
    }

    /// Says that requests with workers have had their time. Has a full barrier.
    pub(crate) fn set_overdue(&self) {
        self.exec.overdue.xchg(true, Full);
    }

    /// Interrupts workers at requests that have had their time, and takes such requests out of the
    /// queue.
    ///
    /// # Context
    ///
    /// May sleep, for the ring's mutex. The ring is not locked.
    pub(crate) fn interrupt_overdue<'a>(&'a self, context: impl Into<CallContext<'a>>) {
        self.exec.overdue.xchg(false, Full);
        let Ok(mut locked) = self.lock_in(context) else {
            return;
        };
        for object in locked.all_waiting().filter(|object| object.is_overdue()) {
            match object.place() {
                Place::Queued => object.drop_queued(),
                Place::Punted => locked.interrupt_worker(object_id(object)),
                _ => {}
            }
        }
        locked.requeue_dropped(None, None);
    }
}

impl Locked<'_> {
    /// How many workers there are at most, if user space has not said.
    pub(super) fn usual_workers(&self) -> u32 {
        // As io_uring's, which are counted once: the ring may have another size by now.
        (4 * task::processors()).min(self.ring.config.sq_entries)
    }

    /// Finds out whether there is a timeout linked to a request.
    pub(super) fn find_link_timer(req: &mut OwnedReq) {
        let core = req.core_mut();
        let first = core.chain.first().map(|core| core.job.opcode);
        if first.is_some_and(op::is_link_timeout) {
            core.job.link_timer = LinkTimer::Idle;
        }
    }

    /// Starts the timer of the LINK_TIMEOUT that is linked to a request.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    #[cold] // poll-multishot/1
    pub(super) fn start_link_timer(&mut self, req: &mut OwnedReq) -> Result {
        let core = req.core_mut();
        core.job.link_timer = LinkTimer::Running;
        let deadline = core.chain.first().map(|core| core.job.op.deadline());
        match deadline.flatten() {
            Some(deadline) => Ok(req.start_timer(Purpose::Link, deadline)?),
            None => {
                // `find_link_timer()` has seen one, which has a deadline.
                warn_on!(true);
                Ok(())
            }
        }
    }
}
