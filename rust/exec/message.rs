// SPDX-License-Identifier: GPL-2.0

//! What one ring has for another. `io_uring/msg_ring.c` of the kernel.
//!
//! It is called without any ring locked, and locks but the one that it is for.

use crate::{
    req::tctx,
    ring::{Locked, Ring},
    sys::fd::OpenFile,
    uapi::{
        abi::cqe,
        args::files::FileSlot,
        errno::{Result, EBADFD, EINVAL, EOVERFLOW, EOWNERDEAD},
        structs::Cqe,
    },
};
use kernel::sync::Arc;

impl Ring {
    /// Finds out whether messages can be sent to this ring.
    ///
    /// # Errors
    ///
    /// `-EBADFD` if not.
    pub(crate) fn check_open(&self) -> Result {
        self.is_enabled().then_some(()).ok_or(EBADFD)
    }

    /// Posts a completion that is none of the ring's own. `by_worker` says whether io_uring has a worker do it.
    ///
    /// # Errors
    ///
    /// `-EBADFD` if it cannot be used yet, `-EINVAL` for a completion of a size that it does not have, `-EOVERFLOW` without
    /// room and without memory to keep it, `-EINTR`.
    ///
    /// # Context
    ///
    /// May sleep. No ring is locked.
    pub(crate) fn post_from_ring(self: &Arc<Self>, done: Cqe, by_worker: bool) -> Result {
        self.check_open()?;
        if done.flags & cqe::TWICE_AS_LARGE != 0 && !self.config.has_large_cqes() {
            return Err(EINVAL);
        }
        self.lock()?.post_message(self, done, by_worker)
    }

    /// Registers `file` as `place` says, and posts a completion with `user_data` for it. Returns
    /// what that says: 0, or which slot has been chosen. `by_worker` says whether io_uring has a worker do it, unless only the
    /// ring's task does.
    ///
    /// # Errors
    ///
    /// `-EOWNERDEAD` if the task that would have to do it is gone; those of [`Locked::install_file`] and
    /// [`Ring::post_from_ring`].
    ///
    /// # Context
    ///
    /// May sleep. No ring is locked.
    pub(crate) fn install_from_ring(
        self: &Arc<Self>,
        place: FileSlot,
        file: OpenFile,
        user_data: Option<u64>,
        by_worker: bool,
    ) -> Result<i32> {
        let mut locked = self.lock()?;
        let by_task = self.deferred() && !self.polls_files();
        // In io_uring that task would have to do it.
        if by_task && !locked.has_live_submitter() {
            return Err(EOWNERDEAD);
        }
        let res = locked.install_file(place, file)?;
        if let Some(user_data) = user_data {
            let done = Cqe {
                user_data,
                res,
                flags: 0,
            };
            locked.post_message(self, done, by_worker && !by_task)?;
        }
        Ok(res)
    }
}

impl Locked<'_> {
    /// Posts a completion that is none of the ring's own, and unlocks the ring. `-EOVERFLOW` if there
    /// is no room, and no memory to keep it.
    fn post_message(mut self, ring: &Arc<Ring>, done: Cqe, by_worker: bool) -> Result {
        self.set_no_extra();
        if !self.post_for(None, done) {
            let req = self.spare_object(ring).map_err(|_| EOVERFLOW)?;
            self.complete(req, done);
        }
        if by_worker && self.state.has_eventfd {
            self.signal_as_worker();
        }
        let mut waiter = None;
        if ring.deferred() {
            // Only what comes back wakes up who waits for it.
            let mut records = self.state.submitters.iter();
            let record = records.find(|record| record.tctx.is_there());
            waiter = record.map(|record| record.tctx.clone());
        }
        drop(self);
        if let Some(tctx) = waiter {
            tctx::count(&tctx);
        }
        Ok(())
    }
}
