// SPDX-License-Identifier: GPL-2.0

//! The timers of an object, which wake it up like a wait queue does.
//!
//! C header: `include/linux/hrtimer.h`.

use super::{
    bindings,
    object::{Handle, Kind, Object},
    time::Deadline,
};
use crate::req::wake::WakeFlags;
use core::{
    cell::UnsafeCell,
    marker::PhantomPinned,
    mem::{offset_of, MaybeUninit},
};
use kernel::{
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
};

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The request itself waits for the timer, as a TIMEOUT does.
    Own,
    /// The timer ends the request, as a LINK_TIMEOUT does.
    Link,
}

/// A timer of the kernel (`struct hrtimer`) that is part of an object.
///
/// # Invariants
///
/// If `set`, `timer` is initialised, and may be running until it is cancelled.
struct Timer<P: Kind> {
    timer: UnsafeCell<MaybeUninit<bindings::hrtimer>>,
    /// Only changed by the holder of the handle.
    set: Atomic<bool>,
    /// Changes while it is not running.
    object: Atomic<*const Object<P>>,
    wake_flags: WakeFlags,
    _pin: PhantomPinned,
}

/// Both timers of an object.
pub(super) struct Timers<P: Kind> {
    own: Timer<P>,
    link: Timer<P>,
}

impl<P: Kind> Timer<P> {
    fn new(wake_flags: WakeFlags) -> Self {
        Self {
            timer: UnsafeCell::new(MaybeUninit::uninit()),
            set: Atomic::new(false),
            object: Atomic::new(core::ptr::null()),
            wake_flags,
            _pin: PhantomPinned,
        }
    }

    /// Starts the timer anew, for this object.
    ///
    /// # Safety
    ///
    /// The timer must not move, `object` must be the live object that it is of, and the caller must
    /// hold that one's handle. The timer must be stopped before the object goes.
    unsafe fn start(&self, object: *const Object<P>, deadline: Deadline) {
        self.stop();
        let timer = self.timer.get().cast::<bindings::hrtimer>();
        let (nanos, mode) = match deadline {
            Deadline::At(time, _) => (time.to_raw(), bindings::hrtimer_mode_HRTIMER_MODE_ABS),
            Deadline::In(delta, _) => (delta.as_nanos(), bindings::hrtimer_mode_HRTIMER_MODE_REL),
        };
        // INVARIANT: It is initialised below, by the only one who looks at `set`.
        self.set.store(true, Relaxed);
        self.object.store(object, Relaxed);
        // SAFETY: The timer is not running, so that nobody else touches it. It stays where it is until it is stopped.
        unsafe {
            bindings::hrtimer_setup(timer, Some(Self::expire), deadline.clock().id(), mode);
            bindings::hrtimer_start_range_ns(timer, nanos, 0, mode);
        }
    }

    /// Stops it, and waits until it is not running any more.
    ///
    /// # Context
    ///
    /// Only for the holder of the handle.
    #[inline]
    fn stop(&self) {
        if self.set.load(Relaxed) {
            // SAFETY: By the type invariants it is initialised, as it is `set`.
            unsafe { bindings::hrtimer_cancel(self.timer.get().cast()) };
            // INVARIANT: It need not be cancelled any more.
            self.set.store(false, Relaxed);
        }
    }

    /// Called once the time has come, with interrupts off and without locks.
    ///
    /// # Safety
    ///
    /// `timer` must be that of a [`Timer`] that was started.
    unsafe extern "C" fn expire(timer: *mut bindings::hrtimer) -> bindings::hrtimer_restart {
        // SAFETY: `timer` is the field of a `Timer`, which stays until it is stopped, and that waits for the end of this
        // call. The object that it is of stays as long.
        let (this, object) = unsafe {
            let this = &*timer.byte_sub(offset_of!(Self, timer)).cast::<Self>();
            (this, &*this.object.load(Relaxed))
        };
        if let Some(req) = object.claim(this.wake_flags) {
            P::deliver(req.into(), object);
        } else {
            P::expired(object);
        }
        bindings::hrtimer_restart_HRTIMER_NORESTART
    }
}

impl<P: Kind> Timers<P> {
    /// Makes both timers, which are stopped.
    pub(super) fn new() -> Self {
        Self {
            own: Timer::new(WakeFlags::EXPIRED),
            link: Timer::new(WakeFlags::LINK_EXPIRED),
        }
    }

    /// Stops both timers of the object, and waits for their interrupts.
    ///
    /// # Context
    ///
    /// Only for the holder of the handle.
    #[inline]
    pub(super) fn stop(&self) {
        self.own.stop();
        self.link.stop();
    }

    fn of(&self, purpose: Purpose) -> &Timer<P> {
        match purpose {
            Purpose::Own => &self.own,
            Purpose::Link => &self.link,
        }
    }
}

impl<P: Kind> Handle<P> {
    /// Has the object woken up at `deadline`. One that was set before for the same purpose is forgotten.
    ///
    /// The timer sets its wake flag while the handle is held, and delivers it once it is parked.
    ///
    /// # Errors
    ///
    /// `-ENOMEM` without memory for a timer.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn start_timer(&mut self, purpose: Purpose, deadline: Deadline) -> Result {
        let object = self.object();
        let timer = object.wake_sources().make_rare()?.timers.of(purpose);
        // SAFETY: The timer is in a box of the object, which stops it before it goes.
        unsafe { timer.start(object, deadline) };
        Ok(())
    }

    /// Stops the object's timer for `purpose`. If it has expired before, its wake flag is set.
    ///
    /// # Context
    ///
    /// Waits for a timer that is just expiring. May sleep.
    pub(crate) fn stop_timer(&mut self, purpose: Purpose) {
        if let Some(rare) = self.object().wake_sources().rare() {
            rare.timers.of(purpose).stop();
        }
    }
}
