// SPDX-License-Identifier: GPL-2.0

//! What the current task is at, as a value.
//!
//! C headers: `include/linux/sched.h`, `include/linux/file.h`.
//!
//! Much of what a system call may do only it may do: a task that exits has no descriptors, no
//! working directory and no namespaces any more while its files are closed, and one that reads a
//! file may use that without a reference of its own, so that nobody must take it away meanwhile. Who
//! is called by the kernel is therefore given an [`InTask`] or an [`InCall`] if it is such a place, and
//! whatever needs to be in one asks for it. What changes the current task for good, as where it runs, is for threads of
//! the module's alone, which have an [`InWorker`].
//!
//! That a caller may sleep no type says, here as in the kernel crate, whose mutexes and allocations are safe too: it is
//! wrong where one must not, as any endless loop is, and what may sleep says so under `# Context`.

use super::{bindings, calls};
use core::marker::PhantomData;
use kernel::types::NotThreadSafe;

/// The current task is in a system call of its own, or at task work, for as long as `'a`.
///
/// What is called in other places, as when a file is closed or its fdinfo is read, has none, and cannot make one:
///
/// ```compile_fail,E0423
/// use crate::sys::{context::InTask, fd};
///
/// fn flush() {
///     let _ = fd::take(InTask(core::marker::PhantomData), 0);
/// }
/// ```
///
/// Nor can it have one from another task:
///
/// ```compile_fail,E0277
/// fn hand_over(task: crate::sys::context::InTask<'_>) -> impl Send + use<'_> {
///     task
/// }
/// ```
///
/// # Invariants
///
/// The current task has its descriptors, its directories and its namespaces.
#[derive(Clone, Copy)]
pub(crate) struct InTask<'a>(PhantomData<&'a NotThreadSafe>);

/// The current task is in a system call on a file of this module.
///
/// # Invariants
///
/// As those of [`InTask`], and the task uses no other file than such a one without a reference: the one that is pointed
/// to, whose memory stays until the call returns.
#[derive(Clone, Copy)]
pub(crate) struct InCall<'a>(InTask<'a>, *mut bindings::file);

/// The current task is a user worker of this module, which has nobody's will to heed but the module's.
///
/// # Invariants
///
/// As it says: the current task never leaves the kernel.
#[derive(Clone, Copy)]
pub(crate) struct InWorker<'a>(PhantomData<&'a NotThreadSafe>);

impl InWorker<'_> {
    /// The current task is one.
    ///
    /// # Safety
    ///
    /// It must be, for as long as the value is there.
    pub(super) unsafe fn new() -> Self {
        // INVARIANT: The caller's.
        Self(PhantomData)
    }
}

/// Which of [`InTask`] and [`InCall`] the current task is at, if any.
#[derive(Clone, Copy)]
pub(crate) enum CallContext<'a> {
    /// Neither is known of it.
    Unknown,
    /// It may be at task work.
    Task(InTask<'a>),
    /// It is in a system call of its own.
    Call(InCall<'a>),
}

impl<'a> InTask<'a> {
    /// Runs `f` within task work of the current task, if that is not exiting.
    ///
    /// # Safety
    ///
    /// The current task must be at task work.
    #[inline]
    pub(super) unsafe fn in_task_work<R>(f: impl for<'b> FnOnce(Option<InTask<'b>>) -> R) -> R {
        let complete = calls::ruring_current_is_complete();
        // INVARIANT: Just looked at; what is there is let go of by the task itself.
        f(complete.then_some(InTask(PhantomData)))
    }
}

impl<'a> InCall<'a> {
    /// Runs `f` within ioctl(2).
    ///
    /// # Safety
    ///
    /// The current task must be in ioctl(2), on `file`, which is one of this module.
    pub(super) unsafe fn within<R>(
        file: *mut bindings::file,
        f: impl for<'b> FnOnce(InCall<'b>) -> R,
    ) -> R {
        // INVARIANT: Nobody but a live task gets into a system call.
        f(InCall(InTask(PhantomData), file))
    }

    /// The file that the call is on. It may be that it is released already, and that only its memory stays.
    pub(super) fn file(self) -> *mut bindings::file {
        self.1
    }

    /// What any task has that is in a system call.
    pub(crate) fn task(self) -> InTask<'a> {
        self.0
    }
}

impl<'a> CallContext<'a> {
    /// The task, if it is one of its own.
    #[inline]
    pub(crate) fn task(self) -> Option<InTask<'a>> {
        match self {
            Self::Unknown => None,
            Self::Task(task) => Some(task),
            Self::Call(call) => Some(call.task()),
        }
    }
}

impl<'a> From<InCall<'a>> for CallContext<'a> {
    fn from(call: InCall<'a>) -> Self {
        Self::Call(call)
    }
}

impl<'a> From<Option<InTask<'a>>> for CallContext<'a> {
    #[inline]
    fn from(task: Option<InTask<'a>>) -> Self {
        task.map_or(Self::Unknown, Self::Task)
    }
}

/// Whether the current task has descriptors.
#[inline]
pub(super) fn has_descriptors() -> bool {
    calls::ruring_current_has_files()
}

/// Whether the current task has directories to look up names in.
#[inline]
pub(super) fn has_directories() -> bool {
    calls::ruring_current_has_fs()
}
