// SPDX-License-Identifier: GPL-2.0

//! Points in time, by a clock that user space chooses.
//!
//! This is ours because `kernel::time::Instant` has its clock in its type, and keeps to itself the number that a timer is
//! set with. How long something takes is the kernel crate's `Delta`.
//!
//! C header: `include/linux/ktime.h`.

use super::{bindings, calls};
use crate::uapi::args::timeout::Clock;
use kernel::{
    sync::atomic::{Atomic, Relaxed},
    time::Delta,
};

/// A point in time: nanoseconds since the beginning of a clock, in the view of the host. Which clock that is its owner knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ktime(i64);

impl Ktime {
    /// The time of CLOCK_MONOTONIC.
    #[inline]
    pub(crate) fn now() -> Self {
        Self(calls::ruring_ktime_get())
    }

    /// The time of this clock, which is not CLOCK_REALTIME.
    pub(crate) fn now_by(clock: Clock) -> Self {
        match clock {
            Clock::Boottime => Self(calls::ruring_ktime_get_boottime()),
            Clock::Monotonic | Clock::Realtime => Self::now(),
        }
    }

    /// What the current task calls this long since the beginning of the clock: it may have a time namespace.
    pub(crate) fn of_task(clock: Clock, since: Delta) -> Self {
        Self(calls::ruring_ktime_to_host(clock.id(), since.as_nanos()))
    }

    /// Its number, which a timer is set with.
    pub(super) const fn to_raw(self) -> i64 {
        self.0
    }

    /// So much later, or the end of all clocks.
    pub(crate) const fn after(self, delta: Delta) -> Self {
        Self(self.0.saturating_add(delta.as_nanos()))
    }

    /// How much later than `earlier` it is.
    pub(crate) const fn since(self, earlier: Self) -> Delta {
        Delta::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A point in time that other threads read while it changes.
pub(crate) struct AtomicKtime(Atomic<i64>);

impl AtomicKtime {
    /// Begins as the point in time.
    pub(crate) const fn new(time: Ktime) -> Self {
        Self(Atomic::new(time.0))
    }

    /// The point in time, as it is now.
    pub(crate) fn load(&self) -> Ktime {
        Ktime(self.0.load(Relaxed))
    }

    /// Makes it this point in time.
    pub(crate) fn store(&self, time: Ktime) {
        self.0.store(time.0, Relaxed);
    }
}

/// A sum of times that one thread adds up, and others read.
pub(crate) struct TimeSum(Atomic<i64>);

impl TimeSum {
    /// Begins as nothing.
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// The sum, as it is now.
    pub(crate) fn load(&self) -> Delta {
        Delta::from_nanos(self.0.load(Relaxed))
    }

    /// Adds to it, which no other thread does.
    pub(crate) fn add(&self, time: Delta) {
        let sum = self.load() + time;
        self.0.store(sum.as_nanos(), Relaxed);
    }
}

impl Clock {
    /// The number of the clock, `CLOCK_*`.
    pub(super) const fn id(self) -> i32 {
        match self {
            Self::Monotonic => bindings::CLOCK_MONOTONIC as i32,
            Self::Boottime => bindings::CLOCK_BOOTTIME as i32,
            Self::Realtime => bindings::CLOCK_REALTIME as i32,
        }
    }

    /// The clock with this number, if it is one that `enter` can wait by.
    pub(crate) const fn of_wait(id: u32) -> Option<Self> {
        match id {
            bindings::CLOCK_MONOTONIC => Some(Self::Monotonic),
            bindings::CLOCK_BOOTTIME => Some(Self::Boottime),
            _ => None,
        }
    }
}

/// When a timer expires, and the clock that it goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// At this time of the clock.
    At(Ktime, Clock),
    /// So long after it is started.
    In(Delta, Clock),
}

impl Deadline {
    /// `time` after the timer is started; if it is `absolute`, so long after the beginning of the clock, as the current task
    /// sees that.
    pub(crate) fn new(clock: Clock, time: Delta, absolute: bool) -> Self {
        if absolute {
            Self::At(Ktime::of_task(clock, time), clock)
        } else {
            Self::In(time, clock)
        }
    }

    /// The clock that the deadline is measured by.
    pub(crate) const fn clock(self) -> Clock {
        match self {
            Self::At(_, clock) | Self::In(_, clock) => clock,
        }
    }
}
