// SPDX-License-Identifier: GPL-2.0

//! Signals of the current task.
//!
//! C header: `include/linux/sched/signal.h`.

use super::{calls, context::InCall};
use crate::uapi::errno::{Errno, Result};
use kernel::types::NotThreadSafe;

/// Whether a signal is pending.
#[inline]
pub(crate) fn pending() -> bool {
    calls::ruring_current_sigpending()
}

/// Whether the task is being killed.
#[inline]
pub(crate) fn killed() -> bool {
    calls::ruring_current_killed()
}

/// Whether somebody asks the task to do its work, as task work does.
#[inline]
pub(crate) fn notified() -> bool {
    calls::ruring_current_notified()
}

/// Whether the task is asked to attend to something else, by a signal or by task work.
#[inline]
pub(crate) fn interrupted() -> bool {
    pending() || notified()
}

/// Does `f`, which task work that was sent before does not interrupt. It is done where it would have been without this. Returns also
/// whether more was sent meanwhile, which may have interrupted `f`.
///
/// # Context
///
/// As `f` says. That the work has to wait must not keep `f` from coming to an end.
pub(crate) fn without_task_work<R>(f: impl FnOnce() -> R) -> (R, bool) {
    let before = notified();
    if before {
        calls::ruring_mute_task_work();
    }
    let result = f();
    let interrupted = notified();
    if before {
        calls::ruring_unmute_task_work();
    }
    (result, interrupted)
}

/// A signal mask that is in force for the duration of a wait, as pselect(2) has it.
pub(crate) struct Mask(NotThreadSafe);

impl Mask {
    /// Puts the mask at user address `mask` in force; none is no change. The old one comes back at the latest when the call
    /// returns to user space.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for a wrong size, `-EFAULT` for a bad address.
    pub(crate) fn set(_call: InCall<'_>, mask: u64, size: usize) -> Result<Self> {
        let ret = calls::ruring_set_user_sigmask(mask as *const _, size);
        if ret < 0 {
            return Err(Errno::from_raw(ret));
        }
        Ok(Self(NotThreadSafe))
    }

    /// Ends the wait. If it was interrupted by a signal the old mask comes back only after the
    /// signal's handler has run.
    ///
    /// # Context
    ///
    /// The task that has set it, once it has slept.
    pub(crate) fn restore(self, interrupted: bool) {
        calls::ruring_restore_sigmask(interrupted);
    }
}
