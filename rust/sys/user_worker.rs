// SPDX-License-Identifier: GPL-2.0

//! User workers: threads of the current process that never leave the kernel.
//!
//! C header: `include/linux/sched/vhost_task.h`.
//!
//! Such a thread has the address space, the directories, the namespaces, the cgroups and the limits of
//! the process that it is of, counts as one of its threads, and is killed with it. It has no
//! descriptors.
//!
//! Whoever stops such a thread waits until it has gone, which takes as long as its process may be
//! stopped or frozen. So nobody stops one that may still run: a thread that is to end kills itself,
//! alone, and `vhost_task_stop()`, which frees it, is called on the module's work queue as soon
//! as it has nothing left to do but to exit.

#![cfg_attr(not(CONFIG_VHOST_TASK), allow(dead_code, unused_imports))]

use super::{
    bindings,
    callback::{Callback, HasCallback, TwaMode},
    calls,
    context::{InTask, InWorker},
    module::{self, ModuleRef},
    signal,
    task::TaskRef,
};
use core::{ffi::c_void, mem::offset_of, ops::Deref, ptr::null_mut};
#[cfg(CONFIG_VHOST_TASK)]
use kernel::error::from_err_ptr;
use kernel::{
    prelude::*,
    sync::{
        atomic::{Acquire, Atomic, Relaxed, Release},
        Arc, SetOnce,
    },
    types::Opaque,
};

/// What a [`UserWorker`] does.
pub(crate) trait WorkerBody: Send + Sync + Sized + 'static {
    /// Whether there is something to do, or there may be.
    ///
    /// # Context
    ///
    /// In the thread, which sleeps if not. Must not sleep itself.
    fn is_ready(&self) -> bool;

    /// Does some of it, until it is asked to attend to something else, see
    /// [`is_interrupted`]. False if the thread is to end.
    ///
    /// # Context
    ///
    /// In the thread, without locks. May sleep.
    fn run(&self, worker: InWorker<'_>) -> bool;

    /// The thread was killed, with its process: nothing runs after this.
    ///
    /// # Context
    ///
    /// In the thread. May sleep, but should not for long: the process cannot end before.
    fn killed(&self);
}

/// Whether the thread has to leave [`WorkerBody::run`] to attend to something else: to a signal, or to task work, also of the kind
/// that is for the way to user space, which it never goes.
#[cfg(CONFIG_VHOST_TASK)]
pub(crate) fn is_interrupted(_worker: InWorker<'_>) -> bool {
    signal::interrupted() || calls::ruring_has_resume_work()
}

/// As where there are such threads.
#[cfg(not(CONFIG_VHOST_TASK))]
pub(crate) fn is_interrupted(_worker: InWorker<'_>) -> bool {
    signal::interrupted()
}

/// A user worker. It has a reference to itself until it has ended.
#[repr(C)]
pub(crate) struct UserWorker<T: WorkerBody> {
    work: Opaque<bindings::work_struct>,
    /// Task work that interrupts the thread.
    callback: Callback<Self, 0>,
    /// Written before the thread starts.
    raw: Atomic<*mut bindings::vhost_task>,
    /// Set by the thread, before it does anything else.
    task: SetOnce<TaskRef>,
    /// It ends of its own will.
    through: Atomic<bool>,
    /// It has ended, or will without doing any more.
    over: Atomic<bool>,
    body: T,
    /// The work queue outlives the module's references only.
    _module: ModuleRef,
}

// SAFETY: `body` and `task` are; the rest is synchronised by itself, and by the thread, which queues `work` once.
unsafe impl<T: WorkerBody> Send for UserWorker<T> {}
// SAFETY: `body` and `task` are; the rest is synchronised by itself, and by the thread, which queues `work` once.
unsafe impl<T: WorkerBody> Sync for UserWorker<T> {}

impl<T: WorkerBody> UserWorker<T> {
    /// Starts a thread of the current task's process.
    ///
    /// # Errors
    ///
    /// `-EAGAIN` if the process, its user or its cgroup may have no more, `-EINVAL` if the kernel has no
    /// such threads.
    ///
    /// # Context
    ///
    /// May sleep. A task that exits has no more threads, nor has one of the kernel's own a process for them: the
    /// value says that it is neither.
    pub(crate) fn spawn(_task: InTask<'_>, body: T, name: &CStr) -> Result<Arc<Self>> {
        let this = Arc::new(
            Self {
                work: Opaque::uninit(),
                callback: Callback::new(),
                raw: Atomic::new(null_mut()),
                task: SetOnce::new(),
                through: Atomic::new(false),
                over: Atomic::new(false),
                body,
                _module: ModuleRef::new()?,
            },
            kernel::alloc::flags::GFP_KERNEL_ACCOUNT,
        )?;
        // SAFETY: `work` is in an `Arc`, which does not move, and nobody else has it yet.
        unsafe { bindings::ruring_init_work(this.work.get(), Some(Self::reap)) };
        Self::start(&this, name)?;
        Ok(this)
    }

    #[cfg(CONFIG_VHOST_TASK)]
    fn start(this: &Arc<Self>, name: &CStr) -> Result {
        let raw = Arc::into_raw(this.clone());
        let data = raw.cast_mut().cast::<c_void>();
        // SAFETY: The functions take `data` for what it is, which stays until `reap` has taken the
        // reference back. The name is copied.
        let made = from_err_ptr(unsafe {
            bindings::ruring_vhost_task_create(
                Some(Self::step),
                Some(Self::handle_sigkill),
                data,
                name.as_char_ptr(),
            )
        });
        match made {
            Ok(thread) => {
                this.raw.store(thread, Release);
                // SAFETY: It was just made.
                unsafe { bindings::vhost_task_start(thread) };
                Ok(())
            }
            Err(error) => {
                // SAFETY: It comes from `into_raw` above, and there is no thread to have it.
                drop(unsafe { Arc::from_raw(raw) });
                Err(error)
            }
        }
    }

    #[cfg(not(CONFIG_VHOST_TASK))]
    fn start(_this: &Arc<Self>, _name: &CStr) -> Result {
        Err(EINVAL)
    }

    /// Has it look whether there is something to do. What that is must have been written before, with a
    /// full barrier.
    pub(crate) fn wake(&self) {
        // One that has not begun yet looks before it sleeps.
        if let Some(task) = self.task.as_ref() {
            task.wake_up();
        }
    }

    /// The thread, once it has begun.
    pub(crate) fn task(&self) -> Option<&TaskRef> {
        self.task.as_ref()
    }

    /// Whether the thread has run for the last time.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Relaxed)
    }

    /// Interrupts what it sleeps for, as a signal does.
    ///
    /// # Context
    ///
    /// May be called in any context.
    pub(crate) fn interrupt(this: &Arc<Self>) {
        if let Some(task) = this.task.as_ref() {
            // One that is past doing any work sleeps no more.
            let _told = Callback::<Self, 0>::send(this, task.task(), TwaMode::Signal);
        }
    }

    /// Has the current task, whose state says that it is about to sleep, go on.
    #[cfg(CONFIG_VHOST_TASK)]
    fn set_running() {
        calls::ruring_set_current_running();
    }

    /// # Safety
    ///
    /// `data` must be a worker whose thread the current task is, about to sleep.
    #[cfg(CONFIG_VHOST_TASK)]
    unsafe extern "C" fn step(data: *mut c_void) -> bool {
        // SAFETY: The thread has a reference to it, and the current task is that thread until this returns.
        let (this, worker) = unsafe { (&*data.cast::<Self>(), InWorker::new()) };
        if this.task.as_ref().is_none() {
            Self::set_running();
            this.task.populate(TaskRef::current());
            // It says anew that it is about to sleep, with a full barrier, before it looks.
            return true;
        }
        if calls::ruring_has_resume_work() {
            Self::set_running();
            calls::ruring_signal_resume_work();
            return true;
        }
        if !this.body.is_ready() {
            return false;
        }
        Self::set_running();
        if !this.body.run(worker) {
            this.through.store(true, Relaxed);
            this.over.store(true, Relaxed);
            // The current task is a user worker, which this kills and nobody else.
            calls::ruring_kill_current_thread();
        }
        true
    }

    /// # Safety
    ///
    /// `data` must be a worker whose thread the current task is, and is to exit.
    #[cfg(CONFIG_VHOST_TASK)]
    unsafe extern "C" fn handle_sigkill(data: *mut c_void) {
        // SAFETY: The thread has a reference to it.
        let this = unsafe { &*data.cast::<Self>() };
        this.over.store(true, Relaxed);
        if !this.through.load(Relaxed) {
            this.body.killed();
        }
        // SAFETY: `work` was initialised in `spawn`, and is queued here alone, once. It stays because the
        // thread's reference is given up for it, and that keeps the module.
        unsafe { module::queue_work(this.work.get(), true) };
    }

    /// # Safety
    ///
    /// `work` must be that of a worker whose thread has queued it.
    unsafe extern "C" fn reap(work: *mut bindings::work_struct) {
        let offset = offset_of!(Self, work);
        // SAFETY: `work` is the field of a worker in an `Arc`, whose reference the thread gave up for
        // this call.
        let this = unsafe { Arc::from_raw(work.byte_sub(offset).cast::<Self>().cast_const()) };
        // SAFETY: The thread was started, and nobody else stops it. It has nothing left to do but to
        // say so, and to exit.
        #[cfg(CONFIG_VHOST_TASK)]
        unsafe {
            bindings::vhost_task_stop(this.raw.load(Acquire))
        };
        drop(this);
    }
}

// SAFETY: `callback` is at the offset of itself.
unsafe impl<T: WorkerBody> HasCallback<0> for UserWorker<T> {
    const OFFSET: usize = offset_of!(Self, callback);

    fn callback(&self) -> &Callback<Self, 0> {
        &self.callback
    }

    /// To be interrupted is all that it is for. The barrier that it is to have is that of who looks whether there is something: the
    /// ring's mutex, or an exchange of its own.
    fn called(_this: Arc<Self>, _task: Option<InTask<'_>>) {}
}

impl<T: WorkerBody> Deref for UserWorker<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.body
    }
}
