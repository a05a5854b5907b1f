// SPDX-License-Identifier: GPL-2.0

//! Work that a given task does on its way to user space, or a worker in its stead.
//!
//! C headers: `include/linux/task_work.h`, `include/linux/workqueue.h`.

use super::{
    bindings,
    context::InTask,
    module::{self, ModuleRef},
    task::TaskRef,
};
use core::{mem::offset_of, ops::Deref};
use kernel::{
    prelude::*,
    sync::{
        atomic::{Atomic, Full, Release},
        Arc,
    },
    types::Opaque,
};

/// What an [`Errand`] does.
pub(crate) trait Run: Send + Sync + Sized + 'static {
    /// Runs in process context without locks: as task work of the `task` that it was sent to; or, if
    /// there is none, of one that is exiting, or in a kernel thread.
    fn run(this: Arc<Errand<Self>>, task: Option<InTask<'_>>);
}

/// How to make a task do an errand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notify {
    /// Interrupt it, also in user space and while it sleeps.
    Signal,
    /// As before, but do not kick its processor while it is in user space.
    Quiet,
}

/// An object with something to do. On its way it holds a reference to itself.
pub(crate) struct Errand<T: Run> {
    callback: Opaque<bindings::callback_head>,
    work: Opaque<bindings::work_struct>,
    /// Whether `callback` is with a task.
    sent: Atomic<bool>,
    /// Whether `work` is with the work queue.
    queued: Atomic<bool>,
    data: T,
    /// The work queue outlives the module's references only.
    module: ModuleRef,
}

// SAFETY: `data` is; the rest is synchronised by `sent` and `queued`.
unsafe impl<T: Run> Send for Errand<T> {}
// SAFETY: As above.
unsafe impl<T: Run> Sync for Errand<T> {}

impl<T: Run> Errand<T> {
    /// Wraps `data`. May sleep.
    pub(crate) fn new(data: T) -> Result<Arc<Self>> {
        let this = Arc::new(
            Self {
                callback: Opaque::uninit(),
                work: Opaque::uninit(),
                sent: Atomic::new(false),
                queued: Atomic::new(false),
                data,
                module: ModuleRef::new()?,
            },
            kernel::alloc::flags::GFP_KERNEL_ACCOUNT,
        )?;
        // SAFETY: `work` is in an `Arc`, which does not move, and nobody else has it yet.
        unsafe { bindings::ruring_init_work(this.work.get(), Some(Self::in_worker)) };
        Ok(this)
    }

    /// What keeps the module.
    #[inline]
    pub(crate) fn module(&self) -> &ModuleRef {
        &self.module
    }

    /// Drops a reference, with what the last one has to do out of the way.
    #[inline(always)]
    pub(crate) fn put(this: Arc<Self>) {
        #[cold]
        #[inline(never)]
        fn end<T>(last: T) {
            drop(last);
        }
        if let Some(last) = Arc::into_unique_or_drop(this) {
            end(last);
        }
    }

    /// Sends it to `task`, unless it is on its way already. May be called in any context.
    ///
    /// False if the task is past doing any work.
    pub(crate) fn send(this: &Arc<Self>, task: &TaskRef, how: Notify) -> bool {
        if this.sent.xchg(true, Full) {
            return true;
        }
        let raw = Arc::into_raw(this.clone());
        let mode = match how {
            Notify::Signal => bindings::task_work_notify_mode_TWA_SIGNAL,
            Notify::Quiet => bindings::task_work_notify_mode_TWA_SIGNAL_NO_IPI,
        };
        let callback = this.callback.get();
        // SAFETY: `sent` was false, so that `callback` is with nobody; it stays until it has been
        // called because it comes with a reference, which `in_task` takes back.
        let ret = unsafe {
            (*callback).func = Some(Self::in_task);
            bindings::task_work_add(task.as_ptr(), callback, mode)
        };
        if ret == 0 {
            return true;
        }
        this.sent.store(false, Release);
        // SAFETY: It comes from `into_raw` above, and was not handed over.
        drop(unsafe { Arc::from_raw(raw) });
        false
    }

    /// Sends it to a worker, unless it is on its way already. May be called in any context.
    pub(crate) fn send_to_worker(this: &Arc<Self>) {
        if !this.queued.xchg(true, Full) {
            Self::queue(this.clone(), false);
        }
    }

    /// As [`Errand::send_to_worker`], for one that may sleep long. One object is always sent in the
    /// same way.
    pub(crate) fn send_to_slow_worker(this: &Arc<Self>) {
        if !this.queued.xchg(true, Full) {
            Self::queue(this.clone(), true);
        }
    }

    /// Sends it to a worker, with the caller's reference. May be called in any context.
    ///
    /// If it is on its way already that reference is not the last one, and is dropped.
    pub(crate) fn give_to_worker(this: Arc<Self>) {
        if !this.queued.xchg(true, Full) {
            Self::queue(this, false);
        }
    }

    /// Queues `this`, for which the caller has set `queued`.
    fn queue(this: Arc<Self>, slow: bool) {
        let work = this.work.get();
        let _raw = Arc::into_raw(this);
        // SAFETY: `work` was initialised in `new`, and `queued` was false, so that it is not with
        // a queue; it stays because it comes with a reference, which `in_worker` takes back and
        // which keeps the module.
        unsafe { module::queue_work(work, slow) };
    }

    /// # Safety
    ///
    /// `callback` must be that of an errand which [`Errand::send`] gave to the current task.
    unsafe extern "C" fn in_task(callback: *mut bindings::callback_head) {
        let offset = offset_of!(Self, callback);
        // SAFETY: `callback` is the field of an `Errand` in an `Arc`, whose reference `send` gave
        // up for this call.
        let this = unsafe { Arc::from_raw(callback.byte_sub(offset).cast::<Self>().cast_const()) };
        // The task took `callback` off its list before it called.
        this.sent.xchg(false, Full);
        // SAFETY: This is task work.
        unsafe { InTask::work(|task| T::run(this, task)) };
    }

    /// # Safety
    ///
    /// `work` must be that of an errand which [`Errand::queue`] queued.
    unsafe extern "C" fn in_worker(work: *mut bindings::work_struct) {
        let offset = offset_of!(Self, work);
        // SAFETY: `work` is the field of an `Errand` in an `Arc`, whose reference
        // `queue` gave up for this call.
        let this = unsafe { Arc::from_raw(work.byte_sub(offset).cast::<Self>().cast_const()) };
        this.queued.xchg(false, Full);
        T::run(this, None);
    }
}

impl<T: Run> Deref for Errand<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.data
    }
}
