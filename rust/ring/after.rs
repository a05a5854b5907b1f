// SPDX-License-Identifier: GPL-2.0

//! What is done once a ring is unlocked, by the task that had it locked.

use super::{
    work::{add_worker, work_here},
    Locked, Ring,
};
use crate::{
    req::{claim::Reasons, home, Request, Token, Work},
    sys::{context::At, fd::OpenFile, queue::Fifo},
    uapi::errno::{ECANCELED, ENOMEM},
};
use core::mem::ManuallyDrop;
use kernel::{
    alloc::{flags::GFP_KERNEL, KVec},
    sync::Arc,
};

/// What is left to do then: hardly ever anything.
pub(super) struct After<'r> {
    ring: &'r Ring,
    /// Nothing drops it but the code below: the compiler would add a look of its own to each place that
    /// unlocks a ring.
    left: Option<ManuallyDrop<KVec<Left>>>,
    /// What that task is at, and so what it may do.
    at: At<'r>,
    /// Whether it is locked by [`Ring::end_orphans`], which looks again by itself.
    looking: bool,
    /// Whether that is for others, who are gone.
    for_others: bool,
}

/// What is left to do.
enum Left {
    /// To be released.
    File(OpenFile),
    /// To be gone on with, see [`op::Op::steps_out`](crate::op::Op::steps_out).
    Requests(Fifo<Request>),
    /// A worker to be made, for what may wait for ever or not.
    Worker { ring: Arc<Ring>, unbound: bool },
}

impl Drop for After<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.left.is_some() || self.ring.has_orphans() {
            self.run();
        }
    }
}

impl<'r> After<'r> {
    /// Nothing yet.
    #[inline(always)]
    pub(super) const fn new(ring: &'r Ring, at: At<'r>) -> Self {
        Self {
            ring,
            left: None,
            at,
            looking: false,
            for_others: false,
        }
    }

    /// What the task is at that has the ring locked.
    #[inline]
    pub(super) fn at(&self) -> At<'r> {
        self.at
    }

    /// Says that it is [`Ring::end_orphans`] that has the ring locked.
    pub(super) fn set_looking(&mut self, for_others: bool) {
        self.looking = true;
        self.for_others = for_others;
    }

    fn get(&mut self) -> &mut KVec<Left> {
        let nothing = || ManuallyDrop::new(KVec::new());
        self.left.get_or_insert_with(nothing)
    }

    fn take(&mut self) -> KVec<Left> {
        self.left
            .take()
            .map(ManuallyDrop::into_inner)
            .unwrap_or_default()
    }

    #[cold]
    #[inline(never)]
    fn run(&mut self) {
        let at = self.at;
        let mut left = self.take();
        // What is linked behind requests may be one of these again, so often that it must not be
        // done within each other.
        while !left.is_empty() {
            let mut requests = Fifo::new();
            for left in left {
                match left {
                    Left::File(file) if self.for_others => file.put_for_others(),
                    Left::File(file) => file.release(at),
                    Left::Requests(more) => requests.append(more),
                    Left::Worker { ring, unbound } => {
                        requests.append(add_worker(&ring, at, unbound));
                    }
                }
            }
            left = step_out(requests, at);
        }
        if !self.looking {
            self.ring.end_orphans(true);
        }
    }
}

/// Goes on with requests of the current task without their ring, and then ends them with it. Returns
/// what that has left to do.
fn step_out(mut requests: Fifo<Request>, at: At<'_>) -> KVec<Left> {
    let mut over = Fifo::new();
    let mut whose = None;
    while let Some(mut token) = requests.pop() {
        work_here(&mut token);
        whose.get_or_insert_with(|| token.cell().home().clone());
        over.push(token);
    }
    let Some(home) = whose else {
        return KVec::new();
    };
    // Its file may be gone by now.
    let ring = home.ring().clone();
    let Ok(mut locked) = ring.lock_at(at) else {
        // The task is killed: its end ends them.
        while let Some(token) = over.pop() {
            token.cell().claim(Reasons::CANCELLED);
            home::push(&home, token, false);
        }
        return KVec::new();
    };
    while let Some(token) = over.pop() {
        locked.end_work(token, ECANCELED);
    }
    locked.run_ready(ring.is_dying() || home.is_gone());
    locked.after.take()
}

impl Locked<'_> {
    /// Has `file` released as soon as the ring is unlocked, rather than on the task's way back to
    /// user space: it may first sleep until the release has an effect.
    #[inline(never)]
    pub(crate) fn release_unlocked(&mut self, file: OpenFile) {
        // Without memory for it the file is released later.
        let left = self.after.get();
        let _ = left.push(Left::File(file), GFP_KERNEL);
    }

    /// Goes on with a request of the current task as soon as the ring is unlocked.
    #[cold]
    pub(super) fn step_out(&mut self, token: Token) {
        let left = self.after.get();
        if !matches!(left.last(), Some(Left::Requests(_))) {
            if left.push(Left::Requests(Fifo::new()), GFP_KERNEL).is_err() {
                return self.end(token, ENOMEM);
            }
        }
        if let Some(Left::Requests(requests)) = left.last_mut() {
            token.cell().set_work(Work::Running);
            requests.push(token);
        }
    }

    /// Has a worker made as soon as the ring is unlocked. False without memory for that.
    #[cold]
    pub(super) fn make_worker(&mut self, ring: Arc<Ring>, unbound: bool) -> bool {
        let left = self.after.get();
        left.push(Left::Worker { ring, unbound }, GFP_KERNEL)
            .is_ok()
    }
}
