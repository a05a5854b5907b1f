// SPDX-License-Identifier: GPL-2.0

//! eventfd(2), from the side that signals.
//!
//! C header: `include/linux/eventfd.h`.

use super::{bindings, context::InTask};
use crate::uapi::{abi::events, errno::Result};
use core::ptr::NonNull;

/// An eventfd that can be signalled.
///
/// # Invariants
///
/// It points to a live context, to which it has a reference.
pub(crate) struct EventFd(NonNull<bindings::eventfd_ctx>);

// SAFETY: The context has its own lock and reference count.
unsafe impl Send for EventFd {}
// SAFETY: As above.
unsafe impl Sync for EventFd {}

impl EventFd {
    /// The one behind `fd` of the current task. `-EBADF` if that is not open, `-EINVAL` if it is
    /// something else.
    pub(crate) fn get(_task: InTask<'_>, fd: i32) -> Result<Self> {
        // SAFETY: The task has descriptors, of which any number may be asked for.
        let ctx = kernel::error::from_err_ptr(unsafe { bindings::eventfd_ctx_fdget(fd) })?;
        // INVARIANT: It comes with a reference.
        Ok(Self(NonNull::new(ctx).ok_or(crate::uapi::errno::EBADF)?))
    }

    /// Adds one to its counter and wakes up who waits for it, saying that it was a ring that did,
    /// as [`super::waitqueue::WaitQueue::wake`] does. Takes the lock of a wait queue, whose
    /// callbacks must not lead here again: for task context alone.
    pub(crate) fn signal(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::eventfd_signal_mask(self.0.as_ptr(), events::URING_WAKE) };
    }
}

impl Drop for EventFd {
    fn drop(&mut self) {
        // SAFETY: By the type invariant; the reference is given up here.
        unsafe { bindings::eventfd_ctx_put(self.0.as_ptr()) };
    }
}
