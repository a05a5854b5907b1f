// SPDX-License-Identifier: GPL-2.0

//! Pinned memory, charged to the user who pins it.
//!
//! C headers: `include/linux/sched/user.h`, `include/linux/mm.h`. The charge goes to the same
//! count as io_uring's (`user_struct.locked_vm`), against RLIMIT_MEMLOCK.

use super::bindings;
use crate::uapi::errno::{Result, ENOMEM};

/// So many pages of a user's limit.
///
/// # Invariants
///
/// `user` is a user, a reference to whom this owns, and `count` pages are charged to them.
pub(crate) struct Charge {
    user: *mut bindings::user_struct,
    count: usize,
}

// SAFETY: A user belongs to no task, and the count is atomic.
unsafe impl Send for Charge {}
// SAFETY: There are no methods.
unsafe impl Sync for Charge {}

impl Charge {
    /// Charges the current user for what pinning `pages` keeps in memory: all of each folio that
    /// a page is of, once. `-ENOMEM` beyond RLIMIT_MEMLOCK, which CAP_IPC_LOCK lifts.
    pub(super) fn pages(pages: &[*mut bindings::page]) -> Result<Self> {
        let mut count = 0;
        let mut last = 0;
        for page in pages {
            // SAFETY: The caller has pinned the page.
            let folio = unsafe { bindings::ruring_page_folio(*page) };
            if folio != last {
                // SAFETY: As above.
                count += unsafe { bindings::ruring_page_folio_pages(*page) };
            }
            last = folio;
        }
        // SAFETY: The reference is kept, or dropped below.
        let user = unsafe { bindings::ruring_get_current_user() };
        // SAFETY: `user` is a user.
        if unsafe { bindings::ruring_charge_locked(user, count) } != 0 {
            // SAFETY: The reference was taken above.
            unsafe { bindings::free_uid(user) };
            return Err(ENOMEM);
        }
        // INVARIANT: Charged above.
        Ok(Self { user, count })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe {
            bindings::ruring_uncharge_locked(self.user, self.count);
            bindings::free_uid(self.user);
        }
    }
}
