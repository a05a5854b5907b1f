// SPDX-License-Identifier: GPL-2.0

//! Sleeping until something is the case.
//!
//! C headers: `include/linux/wait.h`, `include/linux/hrtimer.h`.

use super::{bindings, calls, time::Ktime, waitqueue::WaitQueue};
use crate::uapi::args::timeout::Clock;
use core::mem::offset_of;

/// Why [`sleep_on`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// What was waited for may be the case.
    Maybe,
    /// The deadline has passed.
    TimedOut,
    /// A signal, or other work for the task, is pending.
    Interrupted,
}

#[repr(C)]
struct Waiter<'a> {
    wait: bindings::wait_queue_entry,
    ready: &'a (dyn Fn() -> bool + Sync),
}

/// # Safety
///
/// `wait` must be that of a `Waiter` on a queue whose lock the caller holds.
unsafe extern "C" fn wake(
    wait: *mut bindings::wait_queue_entry,
    mode: u32,
    flags: i32,
    key: *mut core::ffi::c_void,
) -> i32 {
    // SAFETY: `wait` is a field of a `Waiter` in `sleep_on`, which stays until it is off the
    // queue, whose lock is held.
    unsafe {
        let waiter = wait
            .byte_sub(offset_of!(Waiter<'_>, wait))
            .cast::<Waiter<'_>>();
        if !((*waiter).ready)() {
            return 0;
        }
        bindings::autoremove_wake_function(wait, mode, flags, key)
    }
}

/// Sleeps, interruptibly, until `ready`, which is asked when `queue` is woken up (and then must not sleep), or until
/// the task is woken up by other means, or until `deadline` of CLOCK_MONOTONIC.
///
/// Does not sleep if `ready` at once, which is asked after a full barrier. May return early; whoever waits asks again.
///
/// # Context
///
/// Without locks. May sleep.
pub(crate) fn sleep_on(
    queue: Option<&WaitQueue>,
    deadline: Option<Ktime>,
    ready: &(dyn Fn() -> bool + Sync),
) -> Woken {
    sleep_on_by(Clock::Monotonic, queue, deadline, ready)
}

/// As [`sleep_on`], with a deadline that is measured by any clock.
pub(crate) fn sleep_on_by(
    clock: Clock,
    queue: Option<&WaitQueue>,
    deadline: Option<Ktime>,
    ready: &(dyn Fn() -> bool + Sync),
) -> Woken {
    let mut waiter = Waiter {
        wait: bindings::wait_queue_entry {
            private: calls::ruring_current().cast(),
            func: Some(wake),
            ..Default::default()
        },
        ready,
    };
    let entry = &raw mut waiter.wait.entry;
    waiter.wait.entry.next = entry;
    waiter.wait.entry.prev = entry;
    let wait = &raw mut waiter.wait;
    // SAFETY: `waiter` stays where it is until `finish_wait` has taken it off the queue.
    unsafe {
        match queue {
            Some(queue) => {
                bindings::prepare_to_wait_exclusive(
                    queue.as_ptr(),
                    wait,
                    bindings::TASK_INTERRUPTIBLE as i32,
                );
            }
            None => bindings::ruring_set_current_interruptible(),
        }
    }
    let woken = if ready() {
        Woken::Maybe
    } else if interrupted() {
        Woken::Interrupted
    } else {
        schedule_until(clock, deadline)
    };
    // SAFETY: A task may always say that it runs. `waiter` is where it was when it was put on the queue.
    unsafe {
        bindings::ruring_set_current_running();
        if let Some(queue) = queue {
            bindings::finish_wait(queue.as_ptr(), wait);
        }
    }
    woken
}

/// As [`sleep_on`], of a task that is woken up by other means alone, and without a deadline.
#[inline(always)] // send-late/zc/64/1: with what is asked.
pub(crate) fn sleep_until_woken(ready: impl Fn() -> bool) -> Woken {
    calls::ruring_set_current_interruptible();
    let woken = if ready() {
        Woken::Maybe
    } else if interrupted() {
        Woken::Interrupted
    } else {
        calls::schedule();
        Woken::Maybe
    };
    calls::ruring_set_current_running();
    woken
}

/// Runs `sleep`. If `io`, what it sleeps counts as waiting for I/O, as the load of the system and the
/// clocks of processors are concerned.
///
/// # Context
///
/// As `sleep` says.
#[inline]
pub(crate) fn sleep_for_io<R>(io: bool, sleep: impl FnOnce() -> R) -> R {
    if !io {
        return sleep();
    }
    calls::ruring_set_current_iowait(true);
    let result = sleep();
    calls::ruring_set_current_iowait(false);
    result
}

/// Schedules once, in the task state that the caller has set.
fn schedule_until(clock: Clock, deadline: Option<Ktime>) -> Woken {
    let Some(deadline) = deadline else {
        calls::schedule();
        return Woken::Maybe;
    };
    let mut deadline = deadline.to_raw();
    // SAFETY: It sleeps, as the task is about to, and looks at `deadline` only until it returns.
    let ret = unsafe {
        bindings::schedule_hrtimeout_range_clock(
            &mut deadline,
            0,
            bindings::hrtimer_mode_HRTIMER_MODE_ABS,
            clock.id(),
        )
    };
    if ret == 0 {
        Woken::TimedOut
    } else {
        Woken::Maybe
    }
}

/// Whether a signal or a notification is pending.
#[inline]
fn interrupted() -> bool {
    calls::ruring_current_sigpending() || calls::ruring_current_notified()
}
