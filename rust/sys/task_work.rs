// SPDX-License-Identifier: GPL-2.0

//! Work that a given task does on its way to user space, or a kworker in its stead.
//!
//! C headers: `include/linux/task_work.h`, `include/linux/workqueue.h`, `include/linux/irq_work.h`.

use super::{
    bindings,
    callback::{Callback, HasCallback, TwaMode},
    context::InTask,
    exit::Ends,
    module::{self, ModuleRef},
    task::TaskRef,
};
use core::{mem::offset_of, ops::Deref};
use kernel::{
    prelude::*,
    sync::{
        atomic::{Atomic, Full},
        Arc, ArcBorrow, UniqueArc,
    },
    types::Opaque,
};

/// What a [`TaskWork`] does.
pub(crate) trait TaskWorkFn: Send + Sync + Sized + 'static {
    /// Does the work, as task work of the `task` that it was sent to; there is none if that is exiting.
    ///
    /// It looks at what it was sent for after a full barrier, see [`HasCallback::called`].
    ///
    /// # Context
    ///
    /// The task, on its way to user space, without locks. May sleep.
    fn run(this: Arc<TaskWork<Self>>, task: Option<InTask<'_>>);

    /// Does the work in the module's work queue, for a task that will not.
    ///
    /// # Context
    ///
    /// A kworker, which serves everybody: it must be over soon, and wait for nobody.
    fn run_in_kworker(this: Arc<TaskWork<Self>>) {
        Self::run(this, None);
    }

    /// Hears that what a [`Watch`](super::exit::Watch) watches has ended.
    ///
    /// # Context
    ///
    /// Task work of the task that ends, without locks: it has no memory and no descriptors any more, or is about to begin
    /// another program.
    fn on_end(_this: Arc<TaskWork<Self>>) {}

    /// Tells who need not wait for the task.
    ///
    /// # Context
    ///
    /// Interrupt, without a lock.
    fn notify(_this: &Arc<TaskWork<Self>>) {}
}

/// How to tell a task of its task work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notify {
    /// Interrupt it, also in user space and while it sleeps.
    Signal,
    /// As before, but do not kick its processor while it is in user space.
    Quiet,
}

/// The number of the task work that [`TaskWork::send`] gives to a task.
const SENT: usize = 0;
/// That of the one for the end of what is watched.
const ENDING: usize = 1;

/// An object with something to do. On its way it holds a reference to itself.
///
/// # Examples
///
/// ```
/// use crate::sys::{context::InTask, task::TaskRef, task_work::{Notify, TaskWork, TaskWorkFn}};
/// use kernel::{error::Result, sync::{atomic::{Atomic, Relaxed}, Arc}};
///
/// /// How often the task came by.
/// struct Visits(Atomic<u32>);
///
/// impl TaskWorkFn for Visits {
///     fn run(this: Arc<TaskWork<Self>>, task: Option<InTask<'_>>) {
///         if task.is_some() {
///             this.0.fetch_add(1, Relaxed);
///         }
///     }
/// }
///
/// /// Has `task` come by, or a kworker in its stead if it is gone.
/// fn call(task: &TaskRef) -> Result<Arc<TaskWork<Visits>>> {
///     let visits = TaskWork::new(Visits(Atomic::new(0)))?;
///     if !TaskWork::send(&visits, task, Notify::Signal) {
///         TaskWork::send_to_kworker(&visits);
///     }
///     Ok(visits)
/// }
/// ```
pub(crate) struct TaskWork<T: TaskWorkFn> {
    callback: Callback<Self, SENT>,
    work: Opaque<bindings::work_struct>,
    /// For the end of what is watched.
    last: Callback<Self, ENDING>,
    irq: Opaque<bindings::irq_work>,
    /// Whether `work` is with the work queue.
    queued: Atomic<bool>,
    /// Whether `irq` is on its way.
    notifying: Atomic<bool>,
    data: T,
    /// The work queue outlives the module's references only.
    module: ModuleRef,
}

// SAFETY: `data` is; the rest is synchronised by itself, or by `queued` and `notifying`.
unsafe impl<T: TaskWorkFn> Send for TaskWork<T> {}
// SAFETY: `data` is; the rest is synchronised by itself, or by `queued` and `notifying`.
unsafe impl<T: TaskWorkFn> Sync for TaskWork<T> {}

impl<T: TaskWorkFn> TaskWork<T> {
    /// Makes task work of `data`.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`, and `-ENODEV` if the module is on its way out.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn new(data: T) -> Result<Arc<Self>> {
        // What is dropped is initialised: there is nothing to drop if there is no memory.
        let place = UniqueArc::new_uninit(kernel::alloc::flags::GFP_KERNEL_ACCOUNT)?;
        let this = Arc::from(place.write(Self {
            callback: Callback::new(),
            work: Opaque::uninit(),
            last: Callback::new(),
            irq: Opaque::uninit(),
            queued: Atomic::new(false),
            notifying: Atomic::new(false),
            data,
            module: ModuleRef::new()?,
        }));
        // SAFETY: Both are in an `Arc`, which does not move, and nobody else has them yet.
        unsafe {
            bindings::ruring_init_work(this.work.get(), Some(Self::in_kworker));
            bindings::ruring_init_irq_work(this.irq.get(), Some(Self::in_interrupt));
        }
        Ok(this)
    }

    /// The reference to the module that it owns.
    #[inline]
    pub(crate) fn module(&self) -> &ModuleRef {
        &self.module
    }

    /// Drops a reference, with what the last one has to do out of the way.
    pub(crate) fn put(this: Arc<Self>) {
        #[inline(never)] // Size: the end of the last reference stands here once.
        fn drop_last<T>(last: T) {
            drop(last);
        }
        if let Some(last) = Arc::into_unique_or_drop(this) {
            drop_last(last);
        }
    }

    /// Sends it to `task`, unless it is on its way already. False if the task is past doing any work.
    ///
    /// # Context
    ///
    /// May be called in any context.
    pub(crate) fn send(this: &Arc<Self>, task: &TaskRef, how: Notify) -> bool {
        let mode = match how {
            Notify::Signal => TwaMode::Signal,
            Notify::Quiet => TwaMode::SignalNoIpi,
        };
        Callback::<Self, SENT>::send(this, task.task(), mode)
    }

    /// Sends it to a kworker, unless it is on its way already.
    ///
    /// # Context
    ///
    /// May be called in any context.
    pub(crate) fn send_to_kworker(this: &Arc<Self>) {
        if !this.queued.xchg(true, Full) {
            Self::queue(this.clone());
        }
    }

    /// Sends it to a kworker, with the caller's reference.
    ///
    /// If it is on its way already that reference is not the last one, and is dropped.
    ///
    /// # Context
    ///
    /// May be called in any context.
    pub(crate) fn give_to_kworker(this: Arc<Self>) {
        if !this.queued.xchg(true, Full) {
            Self::queue(this);
        }
    }

    /// Has [`TaskWorkFn::notify`] called soon, where no lock is held.
    ///
    /// # Context
    ///
    /// May be called in any context.
    pub(crate) fn send_to_interrupt(this: &Arc<Self>) {
        if this.notifying.xchg(true, Full) {
            return;
        }
        let irq = this.irq.get();
        let _raw = Arc::into_raw(this.clone());
        // SAFETY: `irq` was initialised in `new`, and `notifying` was false, so that it is not queued;
        // it stays because it comes with a reference, which `in_interrupt` takes back. (If the
        // function is just returning from an earlier call it is queued as well.)
        unsafe { bindings::irq_work_queue(irq) };
    }

    /// Drops a reference, and leaves the end of the last one to a kworker.
    ///
    /// # Context
    ///
    /// Any: the last one is dropped by a kworker.
    #[inline]
    pub(crate) fn put_deferred(this: Arc<Self>) {
        if let Some(last) = Arc::into_unique_or_drop(this) {
            Self::give_to_kworker(last.into());
        }
    }

    /// Queues `this`, for which the caller has set `queued`.
    fn queue(this: Arc<Self>) {
        let work = this.work.get();
        let _raw = Arc::into_raw(this);
        // SAFETY: `work` was initialised in `new`, and `queued` was false, so that it is not with
        // a queue; it stays because it comes with a reference, which `in_kworker` takes back and
        // which keeps the module.
        unsafe { module::queue_work(work, false) };
    }

    /// # Safety
    ///
    /// `work` must be that of a [`TaskWork`] which [`TaskWork::queue`] queued.
    unsafe extern "C" fn in_kworker(work: *mut bindings::work_struct) {
        let offset = offset_of!(Self, work);
        // SAFETY: `work` is the field of a `TaskWork` in an `Arc`, whose reference
        // `queue` gave up for this call.
        let this = unsafe { Arc::from_raw(work.byte_sub(offset).cast::<Self>().cast_const()) };
        this.queued.xchg(false, Full);
        T::run_in_kworker(this);
    }

    /// # Safety
    ///
    /// `irq` must be that of a [`TaskWork`] which [`TaskWork::send_to_interrupt`] queued.
    unsafe extern "C" fn in_interrupt(irq: *mut bindings::irq_work) {
        let offset = offset_of!(Self, irq);
        // SAFETY: `irq` is the field of a `TaskWork` in an `Arc`, whose reference `send_to_interrupt`
        // gave up for this call.
        let this = unsafe { Arc::from_raw(irq.byte_sub(offset).cast::<Self>().cast_const()) };
        this.notifying.xchg(false, Full);
        T::notify(&this);
        Self::put_deferred(this);
    }
}

impl<T: TaskWorkFn> Ends for TaskWork<T> {
    fn add_to_current(&self, exec: bool) -> bool {
        // SAFETY: `new` is the only one to make a `TaskWork`, and puts it into an `Arc`, to which there is a
        // reference as long as it is borrowed.
        let this: Arc<Self> = unsafe { ArcBorrow::from_raw(self) }.into();
        let mode = if exec { TwaMode::Resume } else { TwaMode::None };
        Callback::<Self, ENDING>::send(&this, current!(), mode)
    }
}

// SAFETY: `callback` is at the offset of itself.
unsafe impl<T: TaskWorkFn> HasCallback<SENT> for TaskWork<T> {
    const OFFSET: usize = offset_of!(Self, callback);

    #[inline]
    fn callback(&self) -> &Callback<Self, SENT> {
        &self.callback
    }

    fn called(this: Arc<Self>, task: Option<InTask<'_>>) {
        T::run(this, task);
    }
}

// SAFETY: `last` is at the offset of itself.
unsafe impl<T: TaskWorkFn> HasCallback<ENDING> for TaskWork<T> {
    const OFFSET: usize = offset_of!(Self, last);

    fn callback(&self) -> &Callback<Self, ENDING> {
        &self.last
    }

    fn called(this: Arc<Self>, _task: Option<InTask<'_>>) {
        T::on_end(this);
    }
}

impl<T: TaskWorkFn> Drop for TaskWork<T> {
    fn drop(&mut self) {
        // SAFETY: `irq` was initialised in `new`. The function may have given the last reference away
        // while the kernel has not yet marked it as over; it does so at once.
        unsafe { bindings::irq_work_sync(self.irq.get()) };
    }
}

impl<T: TaskWorkFn> Deref for TaskWork<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.data
    }
}
