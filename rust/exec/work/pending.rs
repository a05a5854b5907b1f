// SPDX-License-Identifier: GPL-2.0

//! Workers that are just being made, for which requests are queued by then, and what becomes of these if there is none.

use crate::{
    req::Request,
    ring::Locked,
    sys::{
        queue::Fifo,
        task::{AddressSpace, TaskRef},
    },
    uapi::errno::Result,
};
use kernel::alloc::{flags::GFP_KERNEL_ACCOUNT, KVec};

/// The workers of a ring that are just being made.
#[derive(Default)]
pub(super) struct PendingWorkers(KVec<PendingWorker>);

/// A worker that its creator makes once it has unlocked the ring, for all of its process.
struct PendingWorker {
    creator: TaskRef,
    mm: AddressSpace,
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
        });
        own.count() as u32
    }
}

impl Locked<'_> {
    /// Takes the requests out of the queue that workers of the current task's process were to do, of which there is none. The
    /// other threads try theirs again.
    pub(super) fn take_own_punted(&mut self, unbound: bool) -> Fifo<Request> {
        let (mut all, mut own) = (Fifo::new(), Fifo::new());
        let queue = &mut self.state.exec.workers.queue;
        queue.move_out(&mut all, |req| {
            req.core().punted.unbound == unbound && req.object().tctx().is_program_of_current()
        });
        while let Some(req) = all.pop() {
            if req.object().tctx().is_current() {
                req.object().set_punted();
                own.push(req);
            } else {
                self.retry_punted(req);
            }
        }
        own
    }
}
