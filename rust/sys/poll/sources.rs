// SPDX-License-Identifier: GPL-2.0

//! What can wake an object up: its poll entries, its timers, and the ring that it waits for.

use super::PollEntry;
use crate::sys::{object::Kind, timer::Timers};
use crate::uapi::abi::events;
use core::cell::UnsafeCell;
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox},
    prelude::*,
    sync::{
        atomic::{Atomic, Relaxed},
        Arc,
    },
};

/// The poll entries and timers that can wake an object up. Most files have one queue, and most requests no timer.
///
/// # Invariants
///
/// The queues that the entries are on are those of the object's file, or of the ring in `rare`, or of
/// what will always be there. Unless it is `used` there are no such queues, no timer and no ring.
///
/// Only the holder of the object's handle gets a reference to it.
#[repr(C)]
pub(in crate::sys) struct WakeSources<P: Kind> {
    /// Whether any of the others has been used since the object's last request: one look instead of one for each when
    /// a request is over. Only touched by the holder of the handle.
    used: Atomic<bool>,
    /// Only touched by the holder of the handle.
    rare: UnsafeCell<Option<KBox<RareWakeSources<P>>>>,
    pub(super) first: PollEntry<P>,
}

/// The sources of wake-ups that few objects need, and which are allocated for them.
pub(in crate::sys) struct RareWakeSources<P: Kind> {
    /// For a file with two queues.
    pub(super) second: PollEntry<P>,
    /// Its own time, and that of a timeout linked behind.
    pub(in crate::sys) timers: Timers<P>,
    /// What it waits for instead of its file. Only touched by the holder of the handle.
    ring: UnsafeCell<Option<Arc<P::RingFile>>>,
}

impl<P: Kind> RareWakeSources<P> {
    /// Takes the second entry off, stops the timers, and lets go of the ring.
    ///
    /// # Safety
    ///
    /// The caller must hold the handle, and the first entry be on no queue.
    #[inline(never)] // poll/32: few have a second entry or a timer.
    unsafe fn stop(&self) {
        self.second.remove();
        self.timers.stop();
        // SAFETY: By the safety requirements nobody else touches `ring`, and no entry is on its queue.
        drop(unsafe { (*self.ring.get()).take() });
    }
}

impl<P: Kind> WakeSources<P> {
    /// Makes those of an object that is on no queue and has no timer.
    pub(in crate::sys) fn new() -> Self {
        Self {
            first: PollEntry::new(),
            used: Atomic::new(false),
            rare: UnsafeCell::new(None),
        }
    }

    /// Whether the first entry, once it is on a queue, stays there after a wake-up.
    ///
    /// # Context
    ///
    /// Only for the holder of the handle.
    #[inline]
    pub(super) fn stays(&self) -> bool {
        self.first.events.load(Relaxed) & events::BURST == 0
    }

    /// Takes both entries off their queues.
    ///
    /// # Context
    ///
    /// Only for the holder of the handle. Takes the locks of the queues.
    #[inline]
    pub(in crate::sys) fn remove(&self) {
        if !self.is_used() {
            return;
        }
        self.first.remove();
        if let Some(rare) = self.rare() {
            rare.second.remove();
        }
    }

    #[inline]
    fn is_used(&self) -> bool {
        self.used.load(Relaxed)
    }

    #[inline]
    pub(super) fn set_used(&self, used: bool) {
        self.used.store(used, Relaxed);
    }

    /// Takes both entries off, stops the timers, and lets go of the ring.
    ///
    /// # Context
    ///
    /// Only for the holder of the handle, without a lock that a timer or the callbacks of the queues take.
    #[inline]
    pub(in crate::sys) fn stop(&self) {
        if !self.is_used() {
            return;
        }
        self.first.remove();
        if let Some(rare) = self.rare() {
            // SAFETY: By the type invariants this is for the holder of the handle. The first entry is on no queue any more.
            unsafe { rare.stop() };
        }
        // INVARIANT: All of it is over.
        self.set_used(false);
    }

    /// Polls `ring` instead of a file.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// Only for the holder of the handle. May sleep.
    pub(in crate::sys) fn set_ring(&self, ring: Arc<P::RingFile>) -> Result {
        let rare = self.make_rare()?;
        self.remove();
        // SAFETY: By the type invariants nobody else touches it, and no entry is on the queue of the one that was there.
        unsafe { *rare.ring.get() = Some(ring) };
        Ok(())
    }

    /// The ring that is polled, for the holder of the handle.
    pub(super) fn ring(&self) -> Option<&Arc<P::RingFile>> {
        let rare = self.rare()?;
        // SAFETY: By the type invariants nobody else touches it, nor does who borrows it change it.
        unsafe { &*rare.ring.get() }.as_ref()
    }

    /// What few objects have, if this one has it.
    ///
    /// # Context
    ///
    /// Only for the holder of the handle.
    #[inline]
    pub(in crate::sys) fn rare(&self) -> Option<&RareWakeSources<P>> {
        // SAFETY: By the type invariants nobody else touches it. What is there once stays, in a box that nobody moves.
        unsafe { &*self.rare.get() }.as_deref()
    }

    /// What few objects have, which is made if there is none yet.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// Only for the holder of the handle. May sleep.
    pub(in crate::sys) fn make_rare(&self) -> Result<&RareWakeSources<P>> {
        self.set_used(true);
        if let Some(rare) = self.rare() {
            return Ok(rare);
        }
        let rare = RareWakeSources {
            second: PollEntry::new(),
            timers: Timers::new(),
            ring: UnsafeCell::new(None),
        };
        let rare = KBox::new(rare, GFP_KERNEL_ACCOUNT)?;
        // SAFETY: By the type invariants nobody else touches it, and there is nothing yet that one could have a reference to.
        Ok(unsafe { &mut *self.rare.get() }.insert(rare))
    }
}
