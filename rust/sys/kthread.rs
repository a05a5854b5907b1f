// SPDX-License-Identifier: GPL-2.0

//! Threads of the kernel's own.
//!
//! C headers: `include/linux/kthread.h`, `include/linux/sched.h`.

use super::{bindings, module::ModuleRef, task::TaskRef};
use core::{
    ffi::{c_int, c_void},
    ptr::NonNull,
};
use kernel::{error::from_err_ptr, prelude::*, sync::Arc};

/// What a [`KThread`] runs.
pub(crate) trait Body: Send + Sync + 'static {
    /// Runs in the thread, in process context without locks. May return before it is told to.
    fn run(&self);
    /// Has `run` return soon, also if it has not begun yet.
    fn stop(&self);
}

/// A thread. Dropping it, which must not happen in the thread itself, ends it and waits until it
/// is gone. May sleep then.
///
/// # Invariants
///
/// `task` is a kernel thread that runs `main` with `body`, and nobody has stopped it yet.
pub(crate) struct KThread<T: Body> {
    task: NonNull<bindings::task_struct>,
    body: Arc<T>,
    /// For one that is never dropped: it runs for ever.
    _module: ModuleRef,
}

// SAFETY: A thread may be stopped by any task.
unsafe impl<T: Body> Send for KThread<T> {}
// SAFETY: What it offers may be done by many at a time.
unsafe impl<T: Body> Sync for KThread<T> {}

impl<T: Body> KThread<T> {
    /// Starts a thread, on one processor or on any. May sleep.
    ///
    /// It is named after the current task.
    pub(crate) fn spawn(body: Arc<T>, processor: Option<Processor>) -> Result<Self> {
        let module = ModuleRef::new()?;
        let data = Arc::as_ptr(&body).cast_mut().cast::<c_void>();
        // SAFETY: `main` takes `data` for what it is, and that stays until the thread is stopped.
        let task =
            from_err_ptr(unsafe { bindings::ruring_kthread_create(Some(Self::main), data) })?;
        // SAFETY: The thread was just made and has not run yet; the processor is one.
        unsafe {
            if let Some(Processor(cpu)) = processor {
                bindings::kthread_bind(task, cpu);
            }
            bindings::wake_up_process(task);
        }
        // INVARIANT: It ends only when it is stopped, for which it takes this object.
        Ok(Self {
            task: NonNull::new(task).ok_or(ENOMEM)?,
            body,
            _module: module,
        })
    }

    /// # Safety
    ///
    /// `data` must point to a `T` that stays until the current thread is stopped.
    unsafe extern "C" fn main(data: *mut c_void) -> c_int {
        // SAFETY: By the safety requirement.
        let body = unsafe { &*data.cast::<T>() };
        body.run();
        // SAFETY: This is a kernel thread, which may sleep. It has to be there when it is stopped.
        unsafe {
            loop {
                bindings::ruring_set_current_state(bindings::TASK_INTERRUPTIBLE);
                if bindings::kthread_should_stop() {
                    break;
                }
                bindings::schedule();
            }
            bindings::ruring_set_current_state(bindings::TASK_RUNNING);
        }
        0
    }

    /// Its process id, as the current task's namespace has it; 0 if that has none for it.
    pub(crate) fn pid(&self) -> i32 {
        // SAFETY: By the type invariants the thread is there.
        unsafe { bindings::ruring_task_pid_vnr(self.task.as_ptr()) }
    }

    /// For how long it has run, in nanoseconds.
    pub(crate) fn runtime(&self) -> u64 {
        // SAFETY: As above.
        unsafe { bindings::ruring_task_runtime(self.task.as_ptr()) }
    }
}

impl<T: Body> Drop for KThread<T> {
    fn drop(&mut self) {
        self.body.stop();
        // SAFETY: By the type invariants. `body` goes after this.
        unsafe { bindings::kthread_stop(self.task.as_ptr()) };
    }
}

/// The number of a processor that was there when it was looked for.
#[derive(Clone, Copy)]
pub(crate) struct Processor(u32);

impl Processor {
    /// The processor with this number, if it is on line and the current task's cpuset has it.
    ///
    /// What a task that has limited itself to some processors could have besides cannot be told:
    /// any is good then.
    pub(crate) fn allowed(cpu: u32) -> Option<Self> {
        // SAFETY: No preconditions.
        unsafe { bindings::ruring_cpu_allowed(cpu) }.then_some(Self(cpu))
    }

    /// Its number.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// The number of the one that the caller runs on, at the moment.
    pub(crate) fn current() -> u32 {
        // SAFETY: No preconditions.
        unsafe { bindings::ruring_current_cpu() }
    }

    /// The number of the one that `task` runs on, or has last run on.
    pub(crate) fn of(task: &TaskRef) -> u32 {
        // SAFETY: A `TaskRef` is a reference to a task.
        unsafe { bindings::ruring_task_cpu(task.as_ptr()) }
    }
}

/// Whether nobody else wants the processor that the caller runs on, at the moment.
pub(crate) fn is_alone() -> bool {
    // SAFETY: No preconditions.
    unsafe { bindings::ruring_single_task_running() }
}

/// Spends a moment in a loop that waits for memory to change. May sleep.
pub(crate) fn relax() {
    // SAFETY: No preconditions, but that sleeping is allowed.
    unsafe { bindings::ruring_relax() };
}
