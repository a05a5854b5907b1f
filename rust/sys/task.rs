// SPDX-License-Identifier: GPL-2.0

//! Tasks, and the address spaces that tell one program from the next.

use super::{bindings, calls, context::InTask};
use kernel::prelude::*;

/// A reference to a task.
///
/// # Invariants
///
/// Points to a task, one of whose references it owns.
pub(crate) struct TaskRef(*mut bindings::task_struct);

// SAFETY: A reference to a task may be used and put by any other.
unsafe impl Send for TaskRef {}
// SAFETY: What it offers may be done by many at a time.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    /// A reference to the current task.
    pub(crate) fn current() -> Self {
        // SAFETY: `current` is live, and the reference is kept.
        unsafe {
            let task = bindings::ruring_current();
            bindings::ruring_get_task(task);
            // INVARIANT: The reference was just taken.
            Self(task)
        }
    }

    /// Whether it is the current task.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        self.0 == calls::ruring_current()
    }

    /// Whether it is exiting, or has exited.
    pub(crate) fn is_exiting(&self) -> bool {
        calls::ruring_task_exiting(self)
    }

    /// Whether both tasks are of one process.
    pub(crate) fn same_process_as_current(&self) -> bool {
        // SAFETY: `current` is live.
        let current = unsafe { bindings::ruring_task_process(bindings::ruring_current()) };
        self.process() == current as usize
    }

    /// Whether both tasks are of one process.
    pub(crate) fn same_process(&self, other: &Self) -> bool {
        self.process() == other.process()
    }

    /// Identifies its process, as long as there is a reference to one of its tasks.
    pub(super) fn process(&self) -> usize {
        calls::ruring_task_process(self) as usize
    }

    /// Wakes it up if it sleeps. May be called in any context.
    #[inline]
    pub(crate) fn wake_up(&self) {
        calls::wake_up_process(self);
    }

    /// Its id, as the current task's namespace has it; 0 if that has none for it.
    pub(crate) fn pid(&self) -> i32 {
        calls::ruring_task_pid_vnr(self)
    }

    /// For how long it has run, in nanoseconds.
    pub(crate) fn runtime(&self) -> u64 {
        calls::ruring_task_runtime(self)
    }

    /// For other wrappers; valid as long as `self`.
    pub(super) fn as_ptr(&self) -> *mut bindings::task_struct {
        self.0
    }
}

impl Drop for TaskRef {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::ruring_put_task(self.0) };
    }
}

/// Which address space a request's pointers are of.
///
/// # Invariants
///
/// Points to a `struct mm_struct`, one of whose `mm_count` references it owns, so that no other
/// address space can come to have the same pointer.
pub(crate) struct AddressSpace(*mut bindings::mm_struct);

// SAFETY: It may be compared and put by anybody.
unsafe impl Send for AddressSpace {}
// SAFETY: What is shared of it is an address that is only compared, and an atomic count.
unsafe impl Sync for AddressSpace {}

impl AddressSpace {
    /// The one of the current task. `-EINVAL` for a task that has none.
    pub(crate) fn current() -> Result<Self> {
        // SAFETY: `current->mm` is stable for the current task.
        unsafe {
            let mm = bindings::ruring_current_mm();
            if mm.is_null() {
                return Err(EINVAL);
            }
            bindings::ruring_mmgrab(mm);
            // INVARIANT: The reference was just taken.
            Ok(Self(mm))
        }
    }

    /// Whether the current task is in it.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        self.0 == calls::ruring_current_mm()
    }

    /// Whether both are one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Whether `task` is in it at the moment.
    pub(crate) fn has(&self, task: &TaskRef) -> bool {
        // SAFETY: A `TaskRef` is a reference to a task. The pointers are only compared.
        unsafe { bindings::ruring_task_in_mm(task.as_ptr(), self.0) }
    }

    /// Counts so many more of its pages as pinned.
    pub(super) fn add_pinned(&self, pages: i64) {
        // SAFETY: By the type invariants.
        unsafe { bindings::ruring_mm_add_pinned(self.0, pages) };
    }
}

impl Clone for AddressSpace {
    fn clone(&self) -> Self {
        // SAFETY: By the type invariants.
        unsafe { bindings::ruring_mmgrab(self.0) };
        // INVARIANT: The reference was just taken.
        Self(self.0)
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::ruring_mmdrop(self.0) };
    }
}

/// The credentials of a task.
///
/// # Invariants
///
/// Points to credentials, one of whose references it owns.
pub(crate) struct Credentials(*const bindings::cred);

// SAFETY: References to credentials, which do not change, may be used and put by anybody.
unsafe impl Send for Credentials {}
// SAFETY: Credentials do not change, and their count is atomic.
unsafe impl Sync for Credentials {}

impl Credentials {
    /// Those of the current task.
    pub(crate) fn current() -> Self {
        // SAFETY: No preconditions.
        // INVARIANT: They come with a reference.
        Self(unsafe { bindings::ruring_get_current_cred() })
    }

    /// For other wrappers; valid as long as `self`.
    pub(super) fn as_ptr(&self) -> *const bindings::cred {
        self.0
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::ruring_put_cred(self.0) };
    }
}

impl Credentials {
    /// Runs `f` with them.
    pub(crate) fn with<R>(&self, f: impl FnOnce() -> R) -> R {
        // SAFETY: The credentials stay while `f` runs, which borrows them, and those from before are
        // back when they go.
        unsafe {
            let old = bindings::ruring_override_creds(self.0);
            let result = f();
            bindings::ruring_revert_creds(old);
            result
        }
    }
}

/// Whose rights and whose network something is done with, whatever the task has later.
///
/// # Invariants
///
/// `net` points to a network namespace, one of whose references it owns.
pub(crate) struct Identity {
    /// The rights.
    pub(crate) credentials: Credentials,
    net: *mut bindings::net,
}

// SAFETY: References to network namespaces may be used and put by anybody.
unsafe impl Send for Identity {}
// SAFETY: What is shared of it are addresses and atomic counts.
unsafe impl Sync for Identity {}

impl Identity {
    /// The current task's.
    pub(crate) fn current(_task: InTask<'_>) -> Self {
        Self {
            credentials: Credentials::current(),
            // INVARIANT: It comes with a reference.
            // SAFETY: The task has namespaces.
            net: unsafe { bindings::ruring_get_current_net() },
        }
    }

    /// For other wrappers; valid as long as `self`.
    pub(super) fn net(&self) -> *mut bindings::net {
        self.net
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::ruring_put_net(self.net) };
    }
}

/// How many processors there are.
pub(crate) fn processors() -> u32 {
    calls::ruring_num_online_cpus()
}

/// How many processes the user of the current task may have at most.
pub(crate) fn most_processes() -> usize {
    calls::ruring_rlimit_nproc()
}

/// Whether the current task is exiting or a kernel thread, so that requests end as cancelled.
#[inline]
pub(crate) fn current_exiting() -> bool {
    calls::ruring_current_exiting()
}

/// Whether the current task is a kernel thread, which never does a task's work.
pub(crate) fn current_is_kthread() -> bool {
    calls::ruring_current_is_kthread()
}

/// A full barrier, after an atomic operation that has a weaker one, such as unlocking a mutex.
#[inline(always)]
pub(crate) fn full_barrier_after_atomic() {
    calls::ruring_mb_after_atomic();
}
