// SPDX-License-Identifier: GPL-2.0

//! Task work that is part of something in an `Arc`: the one place that gives it to tasks.
//!
//! C header: `include/linux/task_work.h`.

use super::{bindings, context::InTask};
use core::marker::PhantomData;
use kernel::{
    sync::{
        atomic::{Atomic, Full, Release},
        Arc,
    },
    task::Task,
    types::Opaque,
};

/// How a task is told of its task work.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(super) enum TwaMode {
    /// Not at all: it is on its way to run it anyway.
    None = bindings::task_work_notify_mode_TWA_NONE,
    /// It runs it before it returns to user space.
    Resume = bindings::task_work_notify_mode_TWA_RESUME,
    /// It is interrupted, also in user space and while it sleeps.
    Signal = bindings::task_work_notify_mode_TWA_SIGNAL,
    /// It is interrupted, but for its processor while that is in user space.
    SignalNoIpi = bindings::task_work_notify_mode_TWA_SIGNAL_NO_IPI,
}

/// A `struct callback_head` that is part of a `T`. While a task has it, it holds a reference to that.
///
/// # Invariants
///
/// Unless `sent`, no task has `head`.
pub(super) struct Callback<T: HasCallback<ID>, const ID: usize> {
    head: Opaque<bindings::callback_head>,
    sent: Atomic<bool>,
    _whole: PhantomData<fn(Arc<T>)>,
}

/// What has a [`Callback`], or several with different numbers.
///
/// # Safety
///
/// `OFFSET` must be that of the field which `callback` returns.
pub(super) unsafe trait HasCallback<const ID: usize>: Send + Sync + Sized {
    /// Bytes from the beginning to the field.
    const OFFSET: usize;

    /// The callback that the object has for this purpose.
    fn callback(&self) -> &Callback<Self, ID>;

    /// Runs in the task that it was sent to. Who sends it from here on has it run again.
    ///
    /// What it was sent for it looks at after a full barrier: who writes that, and then finds that it is on its way, relies on it.
    ///
    /// # Context
    ///
    /// Task work, without locks; there is no `task` if that is exiting. May sleep.
    fn called(this: Arc<Self>, task: Option<InTask<'_>>);
}

impl<T: HasCallback<ID>, const ID: usize> Callback<T, ID> {
    /// One that no task has.
    pub(super) fn new() -> Self {
        Self {
            head: Opaque::uninit(),
            sent: Atomic::new(false),
            _whole: PhantomData,
        }
    }

    /// Gives it to `task`, unless a task has it already. False if the task is past doing any work.
    ///
    /// # Context
    ///
    /// May be called in any context.
    #[inline]
    pub(super) fn send(this: &Arc<T>, task: &Task, mode: TwaMode) -> bool {
        let callback = this.callback();
        if callback.sent.xchg(true, Full) {
            return true;
        }
        let raw = Arc::into_raw(this.clone());
        let head = callback.head.get();
        // SAFETY: By the type invariants no task has `head`, as this has just set `sent`. It stays until it has been
        // called because it comes with a reference, which `run` takes back. The task is live.
        let ret = unsafe {
            (*head).func = Some(Self::run);
            bindings::task_work_add(task.as_ptr().cast(), head, mode as u32)
        };
        if ret == 0 {
            return true;
        }
        // INVARIANT: The task has not taken it.
        callback.sent.store(false, Release);
        // SAFETY: It comes from `into_raw` above, and was not handed over.
        drop(unsafe { Arc::from_raw(raw) });
        false
    }

    /// # Safety
    ///
    /// `head` must be that of a [`Callback`] which [`Callback::send`] gave to the current task, which is at task work.
    unsafe extern "C" fn run(head: *mut bindings::callback_head) {
        // INVARIANT: The task took it off its list before it called.
        // SAFETY: `head` is the first field of the field at `OFFSET` of a `T` in an `Arc`, whose reference `send` gave up
        // for this call, which is task work.
        unsafe {
            let this = Arc::from_raw(head.byte_sub(Self::AT).cast::<T>().cast_const());
            this.callback().sent.store(false, Release);
            InTask::in_task_work(|task| T::called(this, task));
        }
    }

    const AT: usize = T::OFFSET + core::mem::offset_of!(Self, head);
}
