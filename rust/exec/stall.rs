// SPDX-License-Identifier: GPL-2.0

//! Stalled requests: they could go on but for something that nobody tells the ring of when it comes.
//!
//! These are multishot receives that keep going without buffers (`RURING_RECV_KEEP`): while there is data for them but no
//! buffer in their group, they wait here, in the order in which they ran out.
//!
//! Multishot ACCEPTs (`RURING_ACCEPT_KEEP`) wait here, too, while there is neither a descriptor nor a slot for who waits in the backlog,
//! and level-triggered polls (`RURING_POLL_ADD_LEVEL`) until the application has seen what they have reported. These look again
//! only for an `enter`: so they neither fill the ring, as each has one completion in it at most, nor keep a task at work.
//!
//! Such a request can be found and cancelled all the while, as one that waits for a worker is. Nobody tells the ring
//! that there are buffers again, which may be a store of user space's: who enters the ring looks.
//!
//! Who is to hear that a group has few buffers left is told here as well.

use crate::{
    req::{tctx::TaskCtx, wake::WakeFlags, Core, OwnedReq, Request},
    ring::{cursor, Locked, Ring},
    sys::{
        object::Object,
        queue::{Fifo, LinkedList},
    },
    uapi::{abi::events, args::files::FileSlot, errno::ENFILE},
};
use kernel::{
    sync::{atomic::Relaxed, Arc},
    warn_on,
};

/// How many requests go on at a time, one after the other.
const MAX_STALLED_RETRIES: u32 = 32;

/// Requests that wait for buffers, for slots or descriptors of files, or for their reports to be seen.
#[derive(Default)]
pub(crate) struct Stalled {
    /// The requests in the order in which they have begun to wait.
    queue: LinkedList<Request>,
    /// Whether they may be for several groups, or for more than groups.
    mixed: bool,
    /// Polls whose report has not been seen, in the order in which they have reported.
    reported: LinkedList<Request>,
}

impl Stalled {
    /// Takes the requests out that `which` picks.
    pub(super) fn extract(&mut self, which: impl Fn(&OwnedReq) -> bool) -> Fifo<Request> {
        let mut out = Fifo::new();
        self.queue.move_out(&mut out, &which);
        self.reported.move_out(&mut out, &which);
        out
    }

    /// Takes the request of `object` out, if it is here.
    pub(super) fn remove(&mut self, object: &Object<Request>) -> Option<OwnedReq> {
        let reported = &mut self.reported;
        self.queue
            .remove(object)
            .or_else(|| reported.remove(object))
    }

    /// Takes the first one out that can go on.
    fn next(&mut self, can_go_on: impl FnMut(&OwnedReq) -> bool) -> Option<OwnedReq> {
        let most = if self.mixed { usize::MAX } else { 1 };
        self.queue.take_first(most, can_go_on)
    }
}

impl Ring {
    /// Whether requests wait for buffers, or for their reports to be seen, or somebody is to hear of groups that have few left.
    pub(crate) fn has_stalled(&self) -> bool {
        self.exec.stalled.load(Relaxed)
    }
}

impl Locked<'_> {
    /// Whether there is what a request waits for here: a buffer of its group, a free slot, or a descriptor, which only
    /// its own task can say.
    fn can_go_on(&mut self, req: &OwnedReq) -> bool {
        let job = &req.core().job;
        match job.op.waits_for() {
            None => self.groups().select(job.group, 0).is_some(),
            Some(FileSlot::Descriptor) => {
                req.object().tctx().is_current() && self.has_descriptor().is_ok()
            }
            // It may be that there is no table any more, which is for the request to find.
            Some(place) => self.check_slot(place) != Err(ENFILE),
        }
    }

    /// Has a request wait, by whichever it is: for its turn to send, for its report to be seen, or for a buffer, a slot or a
    /// descriptor.
    #[cold] // poll-multishot/1
    pub(crate) fn stall(&mut self, req: OwnedReq) {
        if req.core().job.flags.ordered() {
            return self.wait_for_turn(req);
        }
        if req.core().job.op.seen_at().is_some() {
            return self.wait_until_seen(req);
        }
        let group = req.core().job.group;
        if self.can_go_on(&req) {
            // It has come just now.
            return self.requeue(req);
        }
        let Some(req) = self.queue_up(req) else {
            return;
        };
        let of_files = req.core().job.op.waits_for().is_some();
        let stalled = &mut self.state.exec.stalled;
        stalled.mixed |= of_files;
        stalled.mixed |= stalled
            .queue
            .first()
            .is_some_and(|first| first.job.group != group);
        stalled.queue.push(req);
        self.ring.exec.stalled.store(true, Relaxed);
    }

    /// Has a poll wait until user space has consumed its report.
    fn wait_until_seen(&mut self, req: OwnedReq) {
        if let Some(req) = self.queue_up(req) {
            self.state.exec.stalled.reported.push(req);
            self.ring.exec.stalled.store(true, Relaxed);
        }
    }

    /// Has the polls look again whose reports have been seen, for an `enter` that has submitted what it had to. Others
    /// then have their turn.
    pub(super) fn requeue_seen(&mut self) {
        let head = self.ring.cq_head();
        let is_seen = |first: &Core| {
            let seen_at = first.job.op.seen_at();
            seen_at.is_none_or(|seen_at| cursor::reached(head, seen_at))
        };
        let reported = &mut self.state.exec.stalled.reported;
        let mut seen = Fifo::new();
        while reported.first().is_some_and(is_seen) {
            let Some(req) = reported.pop() else {
                // It was just looked at.
                warn_on!(true);
                break;
            };
            seen.push(req);
        }
        while let Some(req) = seen.pop() {
            req.object().set_back();
            self.requeue(req);
        }
    }

    /// Has the request go on that has waited longest for what there is by now. False if there is none.
    pub(crate) fn retry_stalled(&mut self) -> bool {
        self.post_low();
        let mut stalled = core::mem::take(&mut self.state.exec.stalled);
        let next = stalled.next(|req| self.can_go_on(req));
        self.state.exec.stalled = stalled;
        let state = &mut *self.state;
        if state.exec.stalled.queue.is_empty() {
            state.exec.stalled.mixed = false;
            let stalled = !state.groups.marks.is_empty() || !state.exec.stalled.reported.is_empty();
            self.ring.exec.stalled.store(stalled, Relaxed);
        }
        let Some(req) = next else { return false };
        req.object().set_back();
        req.object().claim(WakeFlags::woken(events::IN, false));
        self.requeue(req);
        true
    }

    /// As [`Locked::retry_stalled`], for an `enter` of `tctx` that has submitted, and is to run what comes back if it `runs`.
    pub(super) fn retry_stalled_after_submit(&mut self, tctx: &TaskCtx, runs: bool) {
        if runs {
            self.requeue_seen();
        }
        if !self.ring.has_returned(tctx) {
            self.retry_stalled();
        }
    }

    /// From now on groups that have few buffers left are looked for.
    pub(crate) fn watch_marks(&mut self) {
        self.ring.exec.stalled.store(true, Relaxed);
    }

    /// Tells of the groups that have few buffers left. What there is no room for is told at the next look.
    fn post_low(&mut self) {
        let mut marks = core::mem::take(&mut self.state.groups.marks);
        for mark in marks.iter_mut() {
            if let Some(done) = mark.check(&mut self.state.groups) {
                if self.post_for(None, done) {
                    mark.set_told();
                }
            }
        }
        self.state.groups.marks = marks;
    }

    /// Has the requests of `tctx`, which is the current task's, go on one after the other.
    pub(super) fn retry_all_stalled(&mut self, tctx: &Arc<TaskCtx>) {
        for _ in 0..MAX_STALLED_RETRIES {
            if !self.ring.has_stalled() || !self.retry_stalled() {
                return;
            }
            let mut reqs = tctx.inbox().take();
            self.run_all(&mut reqs, false);
        }
    }
}
