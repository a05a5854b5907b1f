// SPDX-License-Identifier: GPL-2.0

//! Requests that are gone on with once their ring is unlocked, by the task that had it locked.

use super::work::{add_worker, run_punted_here};
use crate::{
    req::{tctx, wake::WakeFlags, OwnedReq, Request},
    ring::{
        after::{LeftOver, UnlockHooks},
        Locked,
    },
    sys::{context::CallContext, queue::Fifo},
    uapi::errno::{ECANCELED, EINVAL, ENOMEM},
};
use kernel::{
    alloc::{flags::GFP_KERNEL, KVec},
    warn_on,
};

/// What each ring has called once it is unlocked.
pub(crate) static UNLOCK_HOOKS: UnlockHooks = UnlockHooks {
    run_without_ring,
    add_worker,
    end_orphans: |ring| ring.end_orphans(true),
};

/// Goes on with requests of the current task without their ring, and then ends them with it. Returns
/// what that has left to do.
fn run_without_ring(mut requests: Fifo<Request>, context: CallContext<'_>) -> KVec<LeftOver> {
    let mut over = Fifo::new();
    let mut whose = None;
    while let Some(mut req) = requests.pop() {
        // It has some if a worker was to do it.
        match req.core_mut().serve() {
            Some(credentials) => {
                credentials.with(|| run_punted_here(&mut req, Some(context)));
                req.core_mut().punted.credentials = Some(credentials);
            }
            None => run_punted_here(&mut req, Some(context)),
        }
        whose.get_or_insert_with(|| req.object().tctx().clone());
        over.push(req);
    }
    let Some(tctx) = whose else {
        return KVec::new();
    };
    // Its file may be gone by now.
    let ring = tctx.ring().clone();
    let Ok(mut locked) = ring.lock_in(context) else {
        // The task is killed: its end ends them.
        while let Some(req) = over.pop() {
            req.object().claim(WakeFlags::CANCELLED);
            tctx::push(&tctx, req, false);
        }
        return KVec::new();
    };
    while let Some(req) = over.pop() {
        if req.core().punted.again {
            locked.retry_punted(req);
        } else {
            locked.finish_punted(req, ECANCELED);
        }
    }
    locked.start_ready(ring.is_dying() || tctx.is_gone());
    locked.after.take()
}

impl Locked<'_> {
    /// Goes on with a request of the current task as soon as the ring is unlocked.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn put_aside(&mut self, req: OwnedReq) {
        let left = self.after.get();
        if !matches!(left.last(), Some(LeftOver::Requests(_))) {
            if left
                .push(LeftOver::Requests(Fifo::new()), GFP_KERNEL)
                .is_err()
            {
                return self.end(req, ENOMEM);
            }
        }
        let Some(LeftOver::Requests(requests)) = left.last_mut() else {
            // Such a list is at the end, or was just put there.
            warn_on!(true);
            return self.end(req, EINVAL);
        };
        req.object().set_punted();
        requests.push(req);
    }
}
