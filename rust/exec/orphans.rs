// SPDX-License-Identifier: GPL-2.0

//! What those have left who are gone: requests of a task that has ended or runs another program, and all
//! that a ring has once nobody uses it any more.
//!
//! Nobody waits for the ring's mutex for their sake: neither a task that ends, which must not be kept from
//! it, nor the module's work queue, which serves all rings. What there is to do is left with the ring, and
//! the mutex is *tried*. If somebody has it they look after they have unlocked it (`ring/after.rs`).

use super::end::LetGo;
use crate::{
    req::{tctx::Submitter, Request},
    ring::{Locked, Ring},
    sys::{queue::Inbox, task},
};
use kernel::sync::atomic::{Atomic, Full, Relaxed};

/// What tasks that are gone have left with a ring.
pub(crate) struct Orphans {
    /// A task has ended, or runs another program.
    ended: Atomic<bool>,
    /// What has come back to such a task.
    inbox: Inbox<Request>,
}

impl Orphans {
    /// Makes one with nothing left in it.
    pub(crate) fn new() -> Self {
        Self {
            ended: Atomic::new(false),
            inbox: Inbox::new(),
        }
    }
}

impl Ring {
    /// Has somebody look what there is to do, at once.
    ///
    /// # Context
    ///
    /// Any task or kworker. Waits for nobody.
    pub(crate) fn leave_orphans(&self) {
        self.orphaned.xchg(true, Full);
        self.end_orphans(true);
    }

    /// As [`Ring::leave_orphans`], but for everything: the caller has just closed the ring's file.
    ///
    /// # Context
    ///
    /// Any task or kworker. Waits for nobody.
    pub(crate) fn leave_all(&self) {
        self.dying.store(true, Relaxed);
        self.set_restricted();
        self.orphaned.xchg(true, Full);
        self.end_orphans(task::current_is_kthread());
    }

    /// Ends it for all who use it, whose descriptors are good for nothing any more.
    ///
    /// # Context
    ///
    /// Any task. Waits for nobody.
    pub(crate) fn close_to_all(&self) {
        self.dying.store(true, Relaxed);
        // What is submitted is refused from here on, also while somebody else has the ring locked.
        self.set_restricted();
        self.enabled.xchg(false, Full);
        if let Some(sqpoll) = self.exec.sqpoll() {
            sqpoll.disable();
            sqpoll.tell_of_room();
        }
        // Who waits for completions does not any longer, whatever comes: as after a timeout.
        self.timeouts.fetch_add(1, Full);
        self.orphaned.xchg(true, Full);
        self.end_orphans(true);
        self.waiters.wake_all();
        self.pollers.wake_hup();
    }

    /// Ends what a submitter that is gone has left, and what has come back to it.
    ///
    /// # Context
    ///
    /// Any task or kworker. Waits for nobody.
    #[cold] // recv-multishot/udp/64/8/plain
    pub(crate) fn leave_inbox(&self, tctx: &Submitter) {
        // That one serves who comes next as well.
        if !self.deferred() || self.is_dying() {
            let mut reqs = tctx.inbox().take();
            while let Some(req) = reqs.pop() {
                self.exec.orphans.inbox.push(req);
            }
        }
        self.exec.orphans.ended.store(true, Relaxed);
        self.leave_orphans();
    }

    /// As [`Ring::leave_inbox`], for all submitters that are gone.
    ///
    /// # Context
    ///
    /// Any task or kworker. Waits for nobody.
    pub(crate) fn leave_gone(&self) {
        self.exec.orphans.ended.store(true, Relaxed);
        self.leave_orphans();
    }

    /// Does what there is to do, unless somebody has the ring locked, who will do it. `for_others` says that it
    /// is not the current task that has left it.
    ///
    /// # Context
    ///
    /// Any task or kworker, without the ring being locked. Waits for nobody.
    pub(crate) fn end_orphans(&self, for_others: bool) {
        while self.orphaned.load(Relaxed) {
            let Some(mut locked) = self.try_lock() else {
                return;
            };
            locked.after.set_looking(for_others);
            self.orphaned.xchg(false, Full);
            let kept = locked.end_orphans();
            drop(locked);
            if let Some(kept) = kept {
                self.let_go_of(kept, for_others);
            }
        }
    }
}

impl Locked<'_> {
    /// Returns what the ring has let go of, for after it is unlocked.
    fn end_orphans(&mut self) -> Option<LetGo> {
        let ring = self.ring;
        let mut reqs = ring.exec.orphans.inbox.take();
        self.run_all(&mut reqs, true);
        if ring.exec.orphans.ended.xchg(false, Full) {
            self.cancel_all(|tctx| !tctx.is_there());
            self.retire_workers();
            self.state.exec.workers.forget_killed();
            // Who is told that there is no owner any more sees what became of what the last one had under way.
            self.commit();
            ring.drop_calls();
        }
        if ring.is_dying() {
            for record in self.state.submitters.iter() {
                record.tctx.task().wake_up();
            }
        }
        let unused = self.drop_ended_users();
        (unused || ring.is_dying()).then(|| self.let_go())
    }
}
