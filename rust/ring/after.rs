// SPDX-License-Identifier: GPL-2.0

//! What is done once a ring is unlocked, by the task that had it locked.

use super::{Locked, Ring};
use crate::{
    req::Request,
    sys::{
        context::CallContext,
        fd::{OpenFile, Taken},
        queue::Fifo,
        task,
    },
};
use core::mem::ManuallyDrop;
use kernel::{
    alloc::{flags::GFP_KERNEL, KVec},
    sync::{atomic::Relaxed, Arc},
    warn_on,
};

/// What `exec/` does for the guard of a ring's mutex, which calls it right after unlocking: the ring itself does not know
/// what moves requests.
pub(crate) struct UnlockHooks {
    /// Goes on with requests of the current task without their ring. Returns what that has left to do.
    pub(crate) run_without_ring: fn(Fifo<Request>, CallContext<'_>) -> KVec<LeftOver>,
    /// Makes a worker, for what may wait for ever or not. Returns what the task has to do itself without one.
    pub(crate) add_worker: fn(&Arc<Ring>, CallContext<'_>, bool) -> Fifo<Request>,
    /// Does what was left by tasks that must not wait for the mutex.
    pub(crate) end_orphans: fn(&Ring),
}

/// What is to be done once a ring is unlocked: hardly ever anything.
pub(crate) struct After<'r> {
    ring: &'r Ring,
    /// Nothing drops it but the code below: the compiler would add a look of its own to each place that
    /// unlocks a ring.
    left: Option<ManuallyDrop<KVec<LeftOver>>>,
    /// What that task is at, and so what it may do.
    context: CallContext<'r>,
    /// Whether it is locked by [`UnlockHooks::end_orphans`], which looks again by itself.
    looking: bool,
    /// Whether that is for others, who are gone.
    for_others: bool,
}

/// One thing that is to be done once the ring is unlocked.
pub(crate) enum LeftOver {
    /// A file to be released.
    File(OpenFile),
    /// A file to be told that its descriptor is closed, and then released.
    Taken(Taken),
    /// Requests of the current task to be gone on with.
    Requests(Fifo<Request>),
    /// A worker to be made, for what may wait for ever or not.
    Worker { ring: Arc<Ring>, unbound: bool },
}

impl Drop for After<'_> {
    #[inline(always)] // nop/1
    fn drop(&mut self) {
        if self.left.is_some() || self.ring.has_orphans() {
            self.run();
        }
    }
}

impl<'r> After<'r> {
    /// With nothing to do yet.
    pub(crate) const fn new(ring: &'r Ring, context: CallContext<'r>) -> Self {
        Self {
            ring,
            left: None,
            context,
            looking: false,
            for_others: false,
        }
    }

    /// What the task is at that has the ring locked.
    #[inline]
    pub(crate) fn context(&self) -> CallContext<'r> {
        self.context
    }

    /// Says that it is [`UnlockHooks::end_orphans`] that has the ring locked.
    pub(crate) fn set_looking(&mut self, for_others: bool) {
        self.looking = true;
        self.for_others = for_others;
    }

    /// The list of what is to be done, to add to.
    pub(crate) fn get(&mut self) -> &mut KVec<LeftOver> {
        let nothing = || ManuallyDrop::new(KVec::new());
        self.left.get_or_insert_with(nothing)
    }

    /// Takes what is left to do away, to do it.
    pub(crate) fn take(&mut self) -> KVec<LeftOver> {
        self.left
            .take()
            .map(ManuallyDrop::into_inner)
            .unwrap_or_default()
    }

    fn run(&mut self) {
        let context = self.context;
        let mut left = self.take();
        // What is linked behind requests may be one of these again, so often that it must not be
        // done within each other.
        while !left.is_empty() {
            let mut requests = Fifo::new();
            // First, as others rely on the worker, and releasing a file may last.
            for left in &left {
                if let LeftOver::Worker { ring, unbound } = left {
                    let add_worker = self.ring.hooks.add_worker;
                    requests.append(add_worker(ring, context, *unbound));
                }
            }
            for left in left {
                match left {
                    LeftOver::File(file) if self.for_others => file.put_for_others(),
                    LeftOver::File(file) => file.release(context),
                    LeftOver::Taken(taken) => taken.close().0.release(context),
                    LeftOver::Requests(more) => requests.append(more),
                    LeftOver::Worker { .. } => {}
                }
            }
            left = (self.ring.hooks.run_without_ring)(requests, context);
        }
        if !self.looking {
            (self.ring.hooks.end_orphans)(self.ring);
        }
    }
}

impl Ring {
    /// Whether something was left that is to be done once the ring is unlocked, which it was.
    ///
    /// Who sets that, with a full barrier, tries the mutex afterwards; who has had that looks after unlocking it, with
    /// a full barrier in between. So one of them finds it.
    #[inline(always)] // nop/1
    fn has_orphans(&self) -> bool {
        task::full_barrier_after_atomic();
        self.orphaned.load(Relaxed)
    }
}

impl Locked<'_> {
    /// Has `file` released as soon as the ring is unlocked, rather than on the task's way back to user space: it may
    /// first sleep until the release has an effect.
    ///
    /// # Context
    ///
    /// With the ring locked, by the task that is to release it.
    #[inline(never)] // recv/unix/32: files are hardly ever released here.
    pub(crate) fn release_after_unlock(&mut self, file: OpenFile) {
        // Without memory for it the file is released later.
        let left = self.after.get();
        let _ = left.push(LeftOver::File(file), GFP_KERNEL);
    }

    /// Has a file that is told of its closing closed as soon as the ring is unlocked.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn close_after_unlock(&mut self, taken: Taken) {
        let left = self.after.get();
        if left.reserve(1, GFP_KERNEL).is_err() {
            // It has to be told nevertheless.
            drop(taken.close());
            return;
        }
        // There is room for it.
        warn_on!(left.push(LeftOver::Taken(taken), GFP_KERNEL).is_err());
    }

    /// Has a worker made as soon as the ring is unlocked. False without memory for that.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn make_worker(&mut self, ring: Arc<Ring>, unbound: bool) -> bool {
        let left = self.after.get();
        left.push(LeftOver::Worker { ring, unbound }, GFP_KERNEL)
            .is_ok()
    }
}
