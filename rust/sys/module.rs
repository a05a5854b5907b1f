// SPDX-License-Identifier: GPL-2.0

//! What keeps the module's code, and the work queue that is its last to run.
//!
//! A [`ModuleRef`] makes unloading fail. Dropping the last one is not the end of the module's
//! code on that stack: some instructions follow. So the module's exit, which cannot start before
//! the last reference is gone, waits until no task can be at such instructions any more:
//! [`WorkQueues::drop`] drains the work queue, then waits until every task has left the kernel or
//! slept of its own will (`synchronize_rcu_tasks()`) and every interrupt handler has returned.

use super::{bindings, calls};
use core::ptr::null_mut;
use kernel::{
    prelude::*,
    sync::atomic::{Acquire, Atomic, Full, Relaxed, Release},
    time::Delta,
    types::Opaque,
};

static WORKERS: Atomic<*mut bindings::workqueue_struct> = Atomic::new(null_mut());
/// For the end of threads, which may take a moment, so that nothing else waits behind it.
static ENDS: Atomic<*mut bindings::workqueue_struct> = Atomic::new(null_mut());

/// How many [`ModuleRef`]s there are, or [`CLOSED`].
///
/// The queues are there unless it is closed, and it is not closed while there are references.
static USERS: Atomic<usize> = Atomic::new(CLOSED);
/// How many [`ModuleRef`]s are kept without an object.
static KEPT: Atomic<usize> = Atomic::new(0);
/// What [`USERS`] is while there is no [`WorkQueues`] object.
const CLOSED: usize = usize::MAX;
/// What [`USERS`] is while that object is being made.
const OPENING: usize = CLOSED - 1;

/// The module's work queues. There is one object, owned by the module's own object.
pub(crate) struct WorkQueues(());

impl WorkQueues {
    /// Makes the module's work queues.
    ///
    /// # Errors
    ///
    /// `-EBUSY` if they are there already, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn new() -> Result<Self> {
        if USERS.cmpxchg(CLOSED, OPENING, Full).is_err() {
            return Err(EBUSY);
        }
        Self::open().inspect_err(|_| USERS.store(CLOSED, Release))
    }

    fn open() -> Result<Self> {
        let queue = calls::ruring_alloc_workqueue();
        if queue.is_null() {
            return Err(ENOMEM);
        }
        let ends = calls::ruring_alloc_ends_workqueue();
        if ends.is_null() {
            // SAFETY: It was just made, and nobody has used it.
            unsafe { bindings::destroy_workqueue(queue) };
            return Err(ENOMEM);
        }
        WORKERS.store(queue, Release);
        ENDS.store(ends, Release);
        USERS.store(0, Release);
        Ok(Self(()))
    }
}

impl Drop for WorkQueues {
    fn drop(&mut self) {
        if USERS.cmpxchg(0, CLOSED, Full).is_err() {
            // It was dropped before its time: better leaked than freed.
            pr_err!("the work queues were let go while there was work for them\n");
            return;
        }
        // SAFETY: The queues were made in `open`. Whoever queues work has a `ModuleRef`, of which
        // there are none, nor will there be.
        unsafe {
            bindings::destroy_workqueue(ENDS.load(Acquire));
            bindings::destroy_workqueue(WORKERS.load(Acquire));
            bindings::ruring_synchronize_tasks();
        }
    }
}

/// This module, as C names it.
pub(super) const fn this_module() -> *mut bindings::module {
    // The kernel crate's name for it is another one in 7.2 than in 7.3.
    extern "C" {
        static __this_module: Opaque<bindings::module>;
    }
    // SAFETY: The kernel makes it when it loads the module, and no more is taken than its address.
    unsafe { __this_module.get() }
}

/// Queues `work`, with the end of threads if it `ends` one.
///
/// # Safety
///
/// `work` must be initialised, not be queued, and stay until it has run; the caller must hold a
/// [`ModuleRef`], also through what owns `work`.
pub(super) unsafe fn queue_work(work: *mut bindings::work_struct, ends: bool) {
    let queue = if ends { &ENDS } else { &WORKERS };
    // SAFETY: By the requirements there is a `ModuleRef`, and so the queue.
    unsafe {
        bindings::queue_work_on(
            bindings::wq_misc_consts_WORK_CPU_UNBOUND as i32,
            queue.load(Acquire),
            work,
        )
    };
}

/// Queues `work` after that time, if it is not queued.
///
/// # Safety
///
/// `work` must be initialised, and stay until it has run or is cancelled; there must be a
/// [`WorkQueues`] object until then.
pub(super) unsafe fn queue_delayed_work(work: *mut bindings::delayed_work, after: Delta) {
    // SAFETY: There are the queues, as there is a `WorkQueues`. `work` is initialised, and stays until it has run.
    unsafe {
        bindings::queue_delayed_work_on(
            bindings::wq_misc_consts_WORK_CPU_UNBOUND as i32,
            WORKERS.load(Acquire),
            work,
            bindings::ruring_msecs_to_jiffies(after.as_millis() as u32),
        )
    };
}

/// A reference to the module, as its count has them.
///
/// # Invariants
///
/// It owns one.
struct Loaded(());

impl Loaded {
    fn new() -> Result<Self> {
        // SAFETY: The module is live, as this code runs.
        if !unsafe { bindings::ruring_try_module_get(this_module()) } {
            return Err(ENODEV);
        }
        // INVARIANT: It was just taken.
        Ok(Self(()))
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // SAFETY: By the type invariants there is a reference, which is given up here.
        unsafe { bindings::ruring_put_module(this_module()) };
    }
}

/// Keeps the module loaded, and its work queues.
pub(crate) struct ModuleRef(Loaded);

impl ModuleRef {
    /// Takes a reference to the module.
    ///
    /// # Errors
    ///
    /// `-ENODEV` if the module is on its way out.
    ///
    /// # Context
    ///
    /// May be called in any context.
    pub(crate) fn new() -> Result<Self> {
        let loaded = Loaded::new()?;
        let mut users = USERS.load(Relaxed);
        while users < OPENING {
            match USERS.cmpxchg(users, users + 1, Full) {
                Ok(_) => return Ok(Self(loaded)),
                Err(now) => users = now,
            }
        }
        Err(ENODEV)
    }
}

impl ModuleRef {
    /// Keeps it for something that has no room for it, and that asks for [`kept`](Self::kept) in the end.
    pub(super) fn keep(self) {
        core::mem::forget(self);
        KEPT.fetch_add(1, Full);
    }

    /// One of those that are kept.
    pub(super) fn kept() -> Option<Self> {
        let mut kept = KEPT.load(Relaxed);
        while let Some(fewer) = kept.checked_sub(1) {
            match KEPT.cmpxchg(kept, fewer, Full) {
                // INVARIANT: It was forgotten by `keep`, and nobody else gets it.
                Ok(_) => return Some(Self(Loaded(()))),
                Err(now) => kept = now,
            }
        }
        None
    }
}

impl Drop for ModuleRef {
    fn drop(&mut self) {
        // Before the module may go.
        USERS.fetch_sub(1, Full);
    }
}
