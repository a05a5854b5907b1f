// SPDX-License-Identifier: GPL-2.0

//! eventfd(2), from the side that signals.
//!
//! C header: `include/linux/eventfd.h`.

use super::{bindings, context::InTask};
use crate::uapi::{abi::events, errno::Result};
use core::{cell::UnsafeCell, ptr::NonNull};
use kernel::{
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
    types::Opaque,
};

/// An eventfd that can be signalled.
///
/// # Invariants
///
/// It points to a live context, to which it has a reference.
pub(crate) struct EventFd(NonNull<bindings::eventfd_ctx>);

// SAFETY: The context has its own lock and reference count.
unsafe impl Send for EventFd {}
// SAFETY: It is signalled under its own lock, by anybody.
unsafe impl Sync for EventFd {}

impl EventFd {
    /// The eventfd behind `fd` of the current task.
    ///
    /// # Errors
    ///
    /// `-EBADF` if that is not open, `-EINVAL` if it is something else.
    pub(crate) fn get(_task: InTask<'_>, fd: i32) -> Result<Self> {
        // SAFETY: The task has descriptors, of which any number may be asked for.
        let ctx = kernel::error::from_err_ptr(unsafe { bindings::eventfd_ctx_fdget(fd) })?;
        // INVARIANT: It comes with a reference.
        Ok(Self(NonNull::new(ctx).ok_or(crate::uapi::errno::EBADF)?))
    }

    /// Adds one to its counter and wakes up who waits for it, saying that it was a ring that did,
    /// as [`super::waitqueue::WaitQueue::wake`] does.
    ///
    /// # Context
    ///
    /// Any: takes the lock of a wait queue, whose callbacks must not lead here again.
    pub(crate) fn signal(&self) {
        // SAFETY: By the type invariant the context is live.
        unsafe { bindings::eventfd_signal_mask(self.0.as_ptr(), events::URING_WAKE) };
    }
}

impl Drop for EventFd {
    fn drop(&mut self) {
        // SAFETY: By the type invariant; the reference is given up here.
        unsafe { bindings::eventfd_ctx_put(self.0.as_ptr()) };
    }
}

/// A place for an eventfd and something that goes with it, which can be signalled in any context.
#[pin_data]
pub(crate) struct EventFdSlot<T> {
    #[pin]
    lock: Opaque<bindings::spinlock>,
    /// Whether there is one; changes with the lock held.
    there: Atomic<bool>,
    content: UnsafeCell<Option<(EventFd, T)>>,
}

// SAFETY: `content` may be sent, as an eventfd may.
unsafe impl<T: Send> Send for EventFdSlot<T> {}
// SAFETY: `content` is only reached with the lock held.
unsafe impl<T: Send> Sync for EventFdSlot<T> {}

impl<T: Copy> EventFdSlot<T> {
    /// Makes a place with no eventfd in it.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            lock <- Opaque::ffi_init(|lock| {
                // SAFETY: `lock` is the place of a lock that will not move.
                unsafe { bindings::ruring_spin_lock_init(lock) }
            }),
            there: Atomic::new(false),
            content: UnsafeCell::new(None),
        })
    }

    fn with<R>(&self, f: impl FnOnce(&mut Option<(EventFd, T)>) -> R) -> R {
        // SAFETY: The lock is initialised, and held, with interrupts off, while `f` has the content.
        unsafe {
            let flags = bindings::ruring_spin_lock(self.lock.get());
            let result = f(&mut *self.content.get());
            bindings::ruring_spin_unlock(self.lock.get(), flags);
            result
        }
    }

    /// Whether an eventfd is registered.
    #[inline]
    pub(crate) fn is_registered(&self) -> bool {
        self.there.load(Relaxed)
    }

    /// Puts one there instead of the one that was.
    pub(crate) fn set(&self, content: Option<(EventFd, T)>) {
        let old = self.with(|place| {
            self.there.store(content.is_some(), Relaxed);
            core::mem::replace(place, content)
        });
        drop(old);
    }

    /// Signals the one that is there, if `which` says so of what goes with it.
    ///
    /// # Context
    ///
    /// Any, under the conditions of [`EventFd::signal`].
    pub(crate) fn signal_if(&self, which: impl FnOnce(T) -> bool) {
        self.with(|place| {
            if let Some((eventfd, with)) = place {
                if which(*with) {
                    eventfd.signal();
                }
            }
        });
    }
}
