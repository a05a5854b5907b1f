// SPDX-License-Identifier: GPL-2.0

//! What one ring has for another. `io_uring/msg_ring.c` of the kernel.
//!
//! It is called without any ring locked, and locks but the one that it is for.

use super::{Locked, Ring};
use crate::{
    req::home,
    sys::fd::OpenFile,
    uapi::{
        abi::{cqe, Cqe},
        args::files::Place,
        errno::{Result, EBADFD, EINVAL, EOVERFLOW, EOWNERDEAD},
    },
};
use kernel::sync::Arc;

impl Ring {
    /// Whether messages can be sent to it: `-EBADFD` if not.
    pub(crate) fn check_open(&self) -> Result {
        self.is_enabled().then_some(()).ok_or(EBADFD)
    }

    /// Posts a completion that is none of the ring's own.
    pub(crate) fn take_message(self: &Arc<Self>, done: Cqe) -> Result {
        self.check_open()?;
        // There are no completions of that size here.
        if done.flags & cqe::TWICE_AS_LARGE != 0 {
            return Err(EINVAL);
        }
        self.lock()?.post_message(self, done)
    }

    /// Registers `file` as `place` says, and posts a completion with `user_data` for it. Returns
    /// what that says: 0, or which slot has been chosen.
    pub(crate) fn take_file(
        self: &Arc<Self>,
        place: Place,
        file: OpenFile,
        user_data: Option<u64>,
    ) -> Result<i32> {
        let mut locked = self.lock()?;
        // In io_uring that task would have to do it.
        if self.deferred() && !self.polls_files() && !locked.has_live_submitter() {
            return Err(EOWNERDEAD);
        }
        let res = locked.install_file(place, file)?;
        if let Some(user_data) = user_data {
            let done = Cqe {
                user_data,
                res,
                flags: 0,
            };
            locked.post_message(self, done)?;
        }
        Ok(res)
    }
}

impl Locked<'_> {
    /// Whether it is this ring that is locked.
    pub(crate) fn is(&self, ring: &Ring) -> bool {
        core::ptr::eq(self.ring, ring)
    }

    fn has_live_submitter(&self) -> bool {
        let mut records = self.state.submitters.iter();
        records.any(|record| record.home.is_alive())
    }

    /// Posts a completion that is none of the ring's own, and unlocks the ring. `-EOVERFLOW` if there
    /// is no room, and no memory to keep it.
    fn post_message(mut self, ring: &Arc<Ring>, done: Cqe) -> Result {
        if !self.post(done) {
            let token = self.spare_cell(ring).map_err(|_| EOVERFLOW)?;
            self.complete(token, done);
        }
        let mut waiter = None;
        if ring.deferred() {
            // Only what comes home wakes up who waits for it.
            let mut records = self.state.submitters.iter();
            let record = records.find(|record| record.home.is_there());
            waiter = record.map(|record| record.home.clone());
        }
        drop(self);
        if let Some(home) = waiter {
            home::count(&home);
        }
        Ok(())
    }
}
