// SPDX-License-Identifier: GPL-2.0

//! Tasks, and the address spaces that tell one program from the next.

use super::{bindings, calls, context::InTask};
use core::ptr::NonNull;
use kernel::{cred::Credential, mm::Mm, prelude::*, sync::aref::ARef, task::Task, time::Delta};

/// A reference to a task.
pub(crate) struct TaskRef(ARef<Task>);

impl TaskRef {
    /// A reference to the current task.
    pub(crate) fn current() -> Self {
        Self(ARef::from(&**current!()))
    }

    /// Whether it is the current task.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        self.as_ptr() == calls::ruring_current()
    }

    /// Whether it is exiting, or has exited.
    pub(crate) fn is_exiting(&self) -> bool {
        calls::ruring_task_exiting(&self.0)
    }

    /// Whether it is of the current task's process.
    pub(crate) fn same_process_as_current(&self) -> bool {
        self.process() == calls::ruring_task_process(current!()) as usize
    }

    /// Whether both tasks are of one process.
    pub(crate) fn same_process(&self, other: &Self) -> bool {
        self.process() == other.process()
    }

    /// Identifies its process, as long as there is a reference to one of its tasks.
    pub(super) fn process(&self) -> usize {
        calls::ruring_task_process(&self.0) as usize
    }

    /// Wakes it up if it sleeps.
    ///
    /// # Context
    ///
    /// May be called in any context.
    #[inline]
    pub(crate) fn wake_up(&self) {
        self.0.wake_up();
    }

    /// Its id, as the current task's namespace has it; 0 if that has none for it.
    pub(crate) fn pid(&self) -> i32 {
        calls::ruring_task_pid_vnr(&self.0)
    }

    /// For how long it has run.
    pub(crate) fn runtime(&self) -> Delta {
        Delta::from_nanos(calls::ruring_task_runtime(&self.0) as i64)
    }

    /// The processor that it runs on, or has last run on.
    pub(super) fn cpu(&self) -> u32 {
        calls::ruring_task_cpu(&self.0)
    }

    /// The task itself, for other wrappers.
    #[inline]
    pub(super) fn task(&self) -> &Task {
        &self.0
    }

    /// For other wrappers; valid as long as `self`.
    #[inline]
    pub(super) fn as_ptr(&self) -> *mut bindings::task_struct {
        self.0.as_ptr().cast()
    }
}

/// Which address space a request's pointers are of.
///
/// The reference is to the address space, not to the memory in it: no other one can come to have the same address.
#[derive(Clone)]
pub(crate) struct AddressSpace(ARef<Mm>);

impl AddressSpace {
    /// The one of the current task.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for a task that has none.
    pub(crate) fn current() -> Result<Self> {
        // By a helper, not by `CurrentTask::mm`: where `sched_statistics` is empty, bindgen loses its alignment, and
        // with it the offsets of all that comes behind it in `task_struct`.
        let mm = calls::ruring_current_mm();
        if mm.is_null() {
            return Err(EINVAL);
        }
        // SAFETY: `current->mm` is stable for the current task, which has a reference to it.
        Ok(Self(ARef::from(unsafe { Mm::from_raw(mm.cast()) })))
    }

    /// Whether the current task has one.
    pub(super) fn is_there() -> bool {
        !calls::ruring_current_mm().is_null()
    }

    /// Whether it is the one that the current task runs in.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        self.as_ptr() == calls::ruring_current_mm()
    }

    /// Whether `other` is the same address space.
    pub(crate) fn ptr_eq(&self, other: &Self) -> bool {
        self.as_ptr() == other.as_ptr()
    }

    /// Whether `task` is in it at the moment.
    pub(crate) fn has(&self, task: &TaskRef) -> bool {
        calls::ruring_task_mm(&task.0) == self.as_ptr()
    }

    /// Counts so many more of its pages as pinned.
    pub(super) fn add_pinned(&self, pages: i64) {
        // SAFETY: There is a reference to it, and the count is atomic.
        unsafe { bindings::ruring_mm_add_pinned(self.as_ptr(), pages) };
    }

    #[inline]
    fn as_ptr(&self) -> *mut bindings::mm_struct {
        self.0.as_raw().cast()
    }
}

/// Which root and working directory, and which file mode creation mask, a task has: threads may have them in common, and
/// unshare(2) gives a thread its own.
///
/// It is to be compared with those of tasks that have them still: it keeps nothing, and is that of no task by default.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Directories(usize);

impl Directories {
    /// Those of the current task.
    pub(crate) fn current() -> Self {
        Self(calls::ruring_current_fs() as usize)
    }
}

/// The credentials of a task.
pub(crate) struct Credentials(ARef<Credential>);

impl Credentials {
    /// Those of the current task.
    pub(crate) fn current() -> Self {
        // SAFETY: They come with a reference, and every task has some.
        Self(unsafe {
            let raw = bindings::ruring_get_current_cred().cast_mut();
            ARef::from_raw(NonNull::new_unchecked(raw.cast()))
        })
    }

    /// For other wrappers; valid as long as `self`.
    pub(super) fn as_ptr(&self) -> *const bindings::cred {
        self.0.as_ptr().cast()
    }

    /// Runs `f` with these credentials in place of the current task's.
    pub(crate) fn with<R>(&self, f: impl FnOnce() -> R) -> R {
        // SAFETY: The credentials stay while `f` runs, which borrows them, and those from before are
        // back when they go.
        unsafe {
            let old = bindings::ruring_override_creds(self.as_ptr());
            let result = f();
            bindings::ruring_revert_creds(old);
            result
        }
    }
}

/// The rights and the network that something is done with, whatever the task has later.
///
/// # Invariants
///
/// `net` points to a network namespace, one of whose references it owns.
pub(crate) struct Identity {
    /// What the identity may do.
    pub(crate) credentials: Credentials,
    net: *mut bindings::net,
}

// SAFETY: References to network namespaces may be used and put by anybody.
unsafe impl Send for Identity {}
// SAFETY: What is shared of it are addresses and atomic counts.
unsafe impl Sync for Identity {}

impl Identity {
    /// The identity of the current task.
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
        // SAFETY: By the type invariants there is a reference, which is given up here.
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

/// Identifies the current task among those that there are references to.
#[inline]
pub(crate) fn current_id() -> usize {
    calls::ruring_current() as usize
}

/// Identifies the address space of the current task among those that there are references to, 0 for none.
#[inline]
pub(crate) fn current_mm_id() -> usize {
    calls::ruring_current_mm() as usize
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

/// A full barrier.
pub(crate) fn full_barrier() {
    calls::ruring_mb();
}

/// A full barrier, after an atomic operation that has a weaker one, such as unlocking a mutex.
pub(crate) fn full_barrier_after_atomic() {
    calls::ruring_mb_after_atomic();
}
