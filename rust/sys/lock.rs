// SPDX-License-Identifier: GPL-2.0

//! Waiting for a mutex as somebody who can be killed.
//!
//! C header: `include/linux/mutex.h`.

use super::bindings;
use kernel::sync::{
    lock::{mutex::MutexBackend, Guard},
    Mutex,
};

/// Locks `mutex`. None if the current task is killed while it waits.
///
/// # Context
///
/// May sleep.
#[inline]
pub(crate) fn lock_killable<T>(mutex: &Mutex<T>) -> Option<Guard<'_, T, MutexBackend>> {
    let raw = core::ptr::from_ref(mutex).cast_mut().cast();
    // SAFETY: A lock of the kernel crate is laid out as in C, and begins with what C knows of it. `mutex` is initialised,
    // as it cannot be made without that.
    if unsafe { bindings::ruring_mutex_lock_killable(raw) } {
        // SAFETY: It was just locked.
        Some(unsafe { Guard::new(mutex, ()) })
    } else {
        None
    }
}
