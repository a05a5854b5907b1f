// SPDX-License-Identifier: GPL-2.0

//! A wait queue of our own, for those who wait for a ring: for completions, for room, for its thread.
//!
//! C header: `include/linux/wait.h`.

use super::bindings;
use crate::uapi::abi::events;
use kernel::{prelude::*, types::Opaque};

/// A wait queue of the kernel (`struct wait_queue_head`), whose wake-ups say what has happened.
///
/// # Examples
///
/// ```
/// use crate::sys::{sleep::{sleep_on, Woken}, time::Ktime, waitqueue::WaitQueue};
/// use kernel::{sync::atomic::{Atomic, Relaxed}, time::Delta};
///
/// /// Tells those who sleep, and those who poll.
/// fn set(flag: &Atomic<bool>, queue: &WaitQueue) {
///     flag.store(true, Relaxed);
///     if queue.has_sleeper() {
///         queue.wake();
///     }
/// }
///
/// /// Waits for that for a second. False if it takes longer, or a signal comes.
/// fn wait(flag: &Atomic<bool>, queue: &WaitQueue) -> bool {
///     let is_set = || flag.load(Relaxed);
///     let deadline = Ktime::now().after(Delta::from_secs(1));
///     while !is_set() {
///         if sleep_on(Some(queue), Some(deadline), &is_set) != Woken::Maybe {
///             return false;
///         }
///     }
///     true
/// }
/// ```
#[pin_data]
pub(crate) struct WaitQueue {
    #[pin]
    head: Opaque<bindings::wait_queue_head>,
}

// SAFETY: A wait queue has its own lock.
unsafe impl Send for WaitQueue {}
// SAFETY: Its methods take its own lock, or only look whether somebody waits.
unsafe impl Sync for WaitQueue {}

impl WaitQueue {
    /// A queue on which nobody waits.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            head <- Opaque::ffi_init(|head| {
                // SAFETY: `head` is the place of a wait queue that will not move.
                unsafe { bindings::ruring_init_waitqueue_head(head) }
            }),
        })
    }

    /// Whether somebody waits. Has a full barrier first: what was written before is seen by who
    /// is about to wait.
    ///
    /// # Context
    ///
    /// May be called in any context.
    #[inline]
    pub(crate) fn has_sleeper(&self) -> bool {
        ruring_wq_has_sleeper(self)
    }

    /// As [`WaitQueue::has_sleeper`], without the barrier.
    ///
    /// # Context
    ///
    /// Any that has had a full barrier since it wrote what who waits looks at.
    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        ruring_waitqueue_active(self)
    }

    /// Wakes up those who wait for something to read. Takes the queue's lock.
    ///
    /// The wake-up is marked as one that comes from a ring, so that a poll request that it
    /// triggers does not trigger it again without end.
    ///
    /// # Context
    ///
    /// Any, if no lock is held that a callback of the queue takes.
    #[inline]
    pub(crate) fn wake(&self) {
        ruring_wake_up_poll(self, events::IN | events::URING_WAKE);
    }

    /// Wakes up all who wait.
    ///
    /// # Context
    ///
    /// Any, but that of a wake-up of this queue: takes its lock.
    pub(crate) fn wake_all(&self) {
        ruring_wake_up_all(self);
    }

    /// Tells those who wait that what they wait for is gone.
    ///
    /// # Context
    ///
    /// Any, but that of a wake-up of this queue: takes its lock.
    pub(crate) fn wake_hup(&self) {
        ruring_wake_up_poll(self, events::HUP);
    }

    /// Registers a poller. Has a full barrier afterwards.
    ///
    /// # Safety
    ///
    /// `table` must be one that `->poll()` may be given, and `file` null or what it is given with it.
    /// The queue must stay until the poller, who keeps what it polls until then, has left it.
    pub(super) unsafe fn poll_wait(
        &self,
        file: *mut bindings::file,
        table: *mut bindings::poll_table_struct,
    ) {
        // SAFETY: By the safety requirements. The queue is initialised.
        unsafe { bindings::ruring_poll_wait(file, self.head.get(), table) };
    }

    /// For other wrappers; valid as long as `self`.
    pub(super) fn as_ptr(&self) -> *mut bindings::wait_queue_head {
        self.head.get()
    }
}

/// Functions of a wait queue that take its own lock, or none.
macro_rules! of_queue {
    ($($name:ident($($arg:ident: $type:ty),*) $(-> $ret:ty)?;)*) => {
        $(
            fn $name(queue: &WaitQueue $(, $arg: $type)*) $(-> $ret)? {
                // SAFETY: A `WaitQueue` is initialised, and stays where it is as long as it is borrowed.
                unsafe { bindings::$name(queue.as_ptr() $(, $arg)*) }
            }
        )*
    };
}

of_queue! {
    ruring_wake_up_all();
    ruring_wake_up_poll(key: u32);
    ruring_waitqueue_active() -> bool;
    ruring_wq_has_sleeper() -> bool;
}
