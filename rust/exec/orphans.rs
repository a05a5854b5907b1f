// SPDX-License-Identifier: GPL-2.0

//! What those have left who are gone: requests of a task that has ended or runs another program, and all
//! that a ring has once nobody uses it any more.
//!
//! Nobody waits for the ring's mutex for their sake: neither a task that ends, which must not be kept from
//! it, nor the module's work queue, which serves all rings. What there is to do is left with the ring, and
//! the mutex is *tried*. If somebody has it they look after they have unlocked it (`ring/after.rs`).
//!
//! What tasks that are gone have left may come back for ever, as multishot timeouts do: that is nothing for whoever unlocks the ring,
//! but for a kworker, which looks once each time, with all that others have for it in between. Who unlocks the ring sees to the end of
//! a task, once.

use super::end::LetGo;
use crate::{
    req::{
        tctx::{self, TaskCtx},
        Request,
    },
    ring::{Locked, Ring},
    sys::{queue::Inbox, task},
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        atomic::{Atomic, Full, Relaxed},
        Arc, SpinLock,
    },
};

/// What tasks that are gone have left with a ring.
#[pin_data]
pub(crate) struct Orphans {
    /// A task has ended, or runs another program.
    ended: Atomic<bool>,
    /// What has come back to such a task.
    inbox: Inbox<Request>,
    /// The task context that has left something last, which a kworker can be sent to for. Set and taken in one with the ring's
    /// `orphaned`: whoever finds that one context has left something finds one here.
    #[pin]
    last: SpinLock<Option<Arc<TaskCtx>>>,
}

impl Orphans {
    /// Makes one with nothing left in it.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            ended: Atomic::new(false),
            inbox: Inbox::new(),
            last <- new_spinlock!(None, "ruring::orphans"),
        })
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

    /// Ends what has come back to a submitter that is gone, and all that it has left if it has just `ended`.
    ///
    /// # Context
    ///
    /// Any task or kworker. Waits for nobody.
    #[cold] // recv-multishot/udp/64/8/plain
    pub(crate) fn leave_inbox(&self, tctx: &Arc<TaskCtx>, ended: bool) {
        // That one serves who comes next as well.
        let own = !self.deferred() || self.is_dying();
        if own {
            let mut reqs = tctx.inbox().take();
            while let Some(req) = reqs.pop() {
                self.exec.orphans.inbox.push(req);
            }
        }
        if ended || !own {
            self.exec.orphans.ended.store(true, Relaxed);
        }
        let before = {
            let mut last = self.exec.orphans.last.lock();
            self.orphaned.xchg(true, Full);
            last.replace(tctx.clone())
        };
        self.end_orphans(true);
        if let Some(before) = before {
            tctx::put_deferred(before);
        }
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

    /// Whether there is nothing to do but to look after what has come back to tasks that are gone, and the current task is none that is
    /// there for it.
    fn has_only_returned(&self) -> bool {
        !self.exec.orphans.ended.load(Relaxed) && !self.is_dying() && !task::current_is_kthread()
    }

    /// Does what there is to do, unless somebody has the ring locked, who will do it. `for_others` says that it
    /// is not the current task that has left it.
    ///
    /// # Context
    ///
    /// Any task or kworker, without the ring being locked. Waits for nobody.
    pub(crate) fn end_orphans(&self, for_others: bool) {
        let mut again = false;
        while self.orphaned.load(Relaxed) {
            if again || self.has_only_returned() {
                let last = self.exec.orphans.last.lock().take();
                // There is none if it is something else that was left, which is so but once.
                if let Some(tctx) = last {
                    return tctx::leave_to_kworker(tctx);
                }
            }
            let Some(mut locked) = self.try_lock() else {
                return;
            };
            locked.after.set_looking(for_others);
            let last = {
                let mut last = self.exec.orphans.last.lock();
                self.orphaned.xchg(false, Full);
                last.take()
            };
            let kept = locked.end_orphans();
            drop(locked);
            if let Some(kept) = kept {
                self.let_go_of(kept, for_others);
            }
            if let Some(last) = last {
                tctx::put_deferred(last);
            }
            again = true;
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
