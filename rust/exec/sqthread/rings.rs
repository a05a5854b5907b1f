// SPDX-License-Identifier: GPL-2.0

//! The rings that are attached to a thread of IORING_SETUP_SQPOLL, and what user space is told about it.

use super::SqThreadBody;
use crate::{
    exec::sqpoll::SqPoll,
    req::tctx::{self, TaskCtx},
    sys::{task::TaskRef, user_worker::UserWorker},
};
use core::ptr;
use kernel::{
    alloc::KVec,
    sync::{atomic::Full, Arc},
    time::Delta,
};

/// The rings that are attached to a thread.
pub(super) struct AttachedRings {
    pub(super) slots: KVec<Option<AttachedRing>>,
    /// None once the last ring has left, or the last task that may submit to one has ended, and before the
    /// first has come.
    pub(super) thread: Option<Arc<UserWorker<SqThreadBody>>>,
}

/// A ring that is attached to a thread.
pub(super) struct AttachedRing {
    /// The task that has set the ring up.
    pub(super) creator: TaskRef,
    /// How long the thread looks in vain before it sleeps.
    pub(super) idle: Delta,
    /// Who submits, once the ring is enabled.
    pub(super) owner: Option<Arc<TaskCtx>>,
}

impl AttachedRing {
    /// Whether there is a task that may submit, or have another one do so.
    fn is_attended(&self) -> bool {
        let owner = self.owner.as_ref();
        owner.map_or(!self.creator.is_exiting(), |owner| owner.is_there())
    }

    /// The task that submitted, if it is gone.
    pub(super) fn lost_owner(&self) -> Option<&Arc<TaskCtx>> {
        self.owner.as_ref().filter(|owner| !owner.is_there())
    }
}

impl AttachedRings {
    /// Whether there is a thread.
    pub(super) fn runs(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_over())
    }

    /// Whether there is a task that may submit to one of them.
    pub(super) fn are_attended(&self) -> bool {
        self.slots.iter().flatten().any(AttachedRing::is_attended)
    }

    /// Whether the thread that there is runs this, and no other has taken its place.
    pub(super) fn is_run_by(&self, body: &SqThreadBody) -> bool {
        let thread = self.thread.as_ref();
        thread.is_some_and(|thread| ptr::eq::<SqThreadBody>(&***thread, body))
    }

    /// Who submits for which ring.
    pub(super) fn owners(&self) -> impl Iterator<Item = (&Arc<TaskCtx>, &SqPoll)> {
        let attached = self.slots.iter().flatten();
        let owners = attached.filter_map(|ring| ring.owner.as_ref());
        owners.filter_map(|owner| Some((owner, owner.ring().exec.sqpoll.as_deref()?)))
    }

    /// Says that nobody has to be told of entries. The thread is to look once more after this.
    pub(super) fn clear_need_wakeup(&self) {
        for (owner, _) in self.owners() {
            if owner.is_there() {
                owner.ring().set_need_wakeup(false);
            }
        }
    }

    /// Does once what a thread would do, of which there is none: calls the owners of rings with entries. Who adds more has to tell of
    /// them.
    ///
    /// An owner that ends meanwhile has its calls dropped, or a successor, who comes to `enter` and looks for them.
    pub(super) fn call_without_thread(&self) {
        for (owner, sqpoll) in self.owners() {
            // Has a full barrier: who does not see the flag has added its entries before.
            owner.ring().set_need_wakeup(true);
            // One that was called may have looked already, and nobody looks behind it.
            if owner.is_there() && owner.ring().has_entries(sqpoll) {
                sqpoll.called.xchg(true, Full);
                tctx::call(owner);
            }
        }
    }
}
