// SPDX-License-Identifier: GPL-2.0

//! Where the requests of one submitter come back to.
//!
//! A [`TaskCtx`] stands for a task in an address space that submits to a ring. A request that is
//! woken or cancelled goes into its inbox; the task then runs it, in `enter` or as task work. If
//! the task is gone, or runs another program by now, the request ends as cancelled.

use super::{ClaimedReq, OwnedReq, Request};
use crate::{
    ring::Ring,
    sys::{
        queue::Inbox,
        task::{self, AddressSpace, TaskRef},
        task_work::{Notify, TaskWork},
    },
    uapi::abi::setup,
};
use kernel::sync::{
    atomic::{Atomic, Full, Relaxed},
    Arc,
};

/// A submitter of a ring, as something that can be sent to its task.
pub(crate) type TaskCtx = TaskWork<Submitter>;

/// What a [`TaskCtx`] knows: its ring, its task and address space, the inbox, and whether the task has to be told.
pub(crate) struct Submitter {
    ring: Arc<Ring>,
    task: TaskRef,
    mm: AddressSpace,
    inbox: Inbox<Request>,
    cq_wait_nr: Atomic<i32>,
    /// The index of the ring's own record of it.
    pub(crate) slot: u16,
}

/// What a ring with DEFER_TASKRUN has in place of its submitter, who is the only one: so he can wait without the ring's lock, which it
/// takes to find his task context.
pub(crate) struct Local {
    inbox: Inbox<Request>,
    cq_wait_nr: Atomic<i32>,
    /// The task and the address space of the submitter, of any ring the one who has come last, which the ring's record of him keeps.
    /// The first is 0 if there is no record.
    task: Atomic<usize>,
    mm: Atomic<usize>,
}

impl Local {
    /// Makes one in which nothing has come back, without a submitter.
    pub(crate) fn new() -> Self {
        Self {
            inbox: Inbox::new(),
            cq_wait_nr: Atomic::new(AWAY),
            task: Atomic::new(0),
            mm: Atomic::new(0),
        }
    }

    /// Says that the current task is the submitter, or has become one.
    ///
    /// # Context
    ///
    /// With the ring locked, which has a record of the task.
    pub(crate) fn set_submitter(&self) {
        self.mm.store(task::current_mm_id(), Relaxed);
        self.task.store(task::current_id(), Relaxed);
    }

    /// Says that there is no submitter.
    ///
    /// # Context
    ///
    /// With the ring locked, before the record of the one that there was goes.
    pub(crate) fn clear_submitter(&self) {
        self.task.store(0, Relaxed);
    }

    /// Whether the current task is the submitter. If so that is so as long as it lives, unless the ring lets go of all.
    #[inline]
    pub(crate) fn is_submitter_current(&self) -> bool {
        self.task.load(Relaxed) == task::current_id()
            && self.mm.load(Relaxed) == task::current_mm_id()
    }

    /// The requests that have come back.
    #[inline]
    pub(crate) fn inbox(&self) -> &Inbox<Request> {
        &self.inbox
    }

    /// Says that the submitter is about to sleep until `count` requests have come, see [`BusyGuard::set_asleep`].
    #[inline]
    pub(crate) fn set_asleep(&self, count: u32) {
        self.cq_wait_nr.store(count.max(1) as i32, Relaxed);
    }

    /// Says that the submitter does not sleep any more. He does not have to look afterwards: who watches the ring is told
    /// of what comes, as while he sleeps.
    #[inline]
    pub(crate) fn set_away(&self) {
        self.cq_wait_nr.store(AWAY, Relaxed);
    }
}

/// The task is not in `enter`: it has to be told, unless its ring has DEFER_TASKRUN. A count-down that comes late leaves it
/// at that.
const AWAY: i32 = i32::MIN / 2;
/// The task has ended, or runs another program: it will not look any more.
const GONE: i32 = i32::MIN;
/// The task is in `enter`, and looks into the inbox before it leaves or sleeps. With DEFER_TASKRUN that is only while it
/// waits. Above it, the task sleeps there until so many requests have come.
const BUSY: i32 = 0;

/// Where the task is, as its `cq_wait_nr` says.
enum WaitPhase {
    Away,
    Busy,
    Asleep,
}

impl WaitPhase {
    #[inline]
    const fn of(cq_wait_nr: i32) -> Self {
        if cq_wait_nr > BUSY {
            Self::Asleep
        } else if cq_wait_nr > AWAY / 2 {
            Self::Busy
        } else {
            Self::Away
        }
    }
}

impl Submitter {
    /// The current task as a submitter of `ring`.
    ///
    /// # Errors
    ///
    /// `-EINVAL` in a task without memory of its own, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn current(ring: Arc<Ring>, slot: u16) -> kernel::error::Result<Self> {
        Ok(Self {
            ring,
            task: TaskRef::current(),
            mm: AddressSpace::current()?,
            inbox: Inbox::new(),
            cq_wait_nr: Atomic::new(AWAY),
            slot,
        })
    }

    /// The ring that the task submits to.
    #[inline]
    pub(crate) fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// The task whose requests these are.
    #[inline]
    pub(crate) fn task(&self) -> &TaskRef {
        &self.task
    }

    /// The requests that have come back: those of the task, or those of the whole ring with DEFER_TASKRUN.
    #[inline]
    pub(crate) fn inbox(&self) -> &Inbox<Request> {
        self.ring.local().map_or(&self.inbox, Local::inbox)
    }

    /// The word that says where the task is: that of the ring with DEFER_TASKRUN, unless this one is gone.
    #[inline]
    fn cq_wait_nr(&self) -> &Atomic<i32> {
        match self.ring.local() {
            Some(local) if self.cq_wait_nr.load(Relaxed) != GONE => &local.cq_wait_nr,
            _ => &self.cq_wait_nr,
        }
    }

    /// Whether it is the current task in its current address space.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        self.task.is_current() && self.mm.is_current()
    }

    /// Whether the task can still come back to its requests.
    pub(crate) fn is_alive(&self) -> bool {
        !self.task.is_exiting()
    }

    /// Whether the task still runs the program that it submitted from.
    pub(crate) fn is_there(&self) -> bool {
        self.is_alive() && self.mm.has(&self.task)
    }

    /// Whether the current task is of the program that it submits from.
    pub(crate) fn is_program_of_current(&self) -> bool {
        self.task.same_process_as_current() && self.mm.is_current()
    }

    /// Whether it is of the process of `task`, and submits from `mm`.
    pub(crate) fn is_of(&self, task: &TaskRef, mm: &AddressSpace) -> bool {
        self.task.same_process(task) && self.mm.ptr_eq(mm)
    }

    /// Whether its requests are to end as cancelled where the caller runs them.
    #[inline]
    pub(crate) fn is_gone(&self) -> bool {
        !self.task.is_current() || task::current_exiting() || !self.mm.is_current()
    }

    /// Says that the task will never look into its inbox again. Has a full barrier: what does not find
    /// that out has put its request there before.
    pub(crate) fn set_gone(&self) {
        self.cq_wait_nr.xchg(GONE, Full);
    }

    /// Whether the task does not look after its inbox at the moment.
    pub(crate) fn is_away(&self) -> bool {
        matches!(
            WaitPhase::of(self.cq_wait_nr().load(Relaxed)),
            WaitPhase::Away
        )
    }

    /// Says that the task looks after its inbox itself until the guard is dropped, so that it need not be told.
    #[inline]
    pub(crate) fn set_busy(&self) -> BusyGuard<'_> {
        self.cq_wait_nr().store(BUSY, Relaxed);
        BusyGuard(self)
    }
}

/// Says that the task of a task context is in `enter`, and looks after its inbox until this is dropped.
pub(crate) struct BusyGuard<'a>(&'a Submitter);

impl BusyGuard<'_> {
    /// Says that the task is about to sleep until `count` requests have come.
    ///
    /// # Context
    ///
    /// The task itself, which has to look into the inbox after a full barrier: [`sleep_on`](crate::sys::sleep::sleep_on)
    /// has one before it looks.
    #[inline]
    pub(crate) fn set_asleep(&self, count: u32) {
        self.0.cq_wait_nr().store(count.max(1) as i32, Relaxed);
    }

    /// Says that the task does not sleep any more.
    ///
    /// # Context
    ///
    /// The task itself.
    #[inline]
    pub(crate) fn set_awake(&self) {
        self.0.cq_wait_nr().store(BUSY, Relaxed);
    }

    /// Ends it; true if something has come meanwhile that nobody has been told of.
    #[inline]
    pub(crate) fn into_missed(self) -> bool {
        let tctx = self.0;
        drop(self);
        !tctx.inbox().is_empty()
    }
}

impl Drop for BusyGuard<'_> {
    fn drop(&mut self) {
        // A full barrier: who puts something in after this sees it, what came before is seen by
        // the look into the inbox that follows.
        self.0.cq_wait_nr().xchg(AWAY, Full);
    }
}

/// Brings a request back to its task context, whose task is told of it even if it waits for several.
///
/// # Context
///
/// May be called in any context.
pub(crate) fn bring_back(req: OwnedReq) {
    push(&req.object().tctx().clone(), req, false);
}

/// Brings a request back to its task context.
///
/// `lazy` requests post one completion at most: a task that waits for several need not be woken for each, if nobody
/// else is to see them before.
///
/// # Context
///
/// May be called in any context.
pub(crate) fn push(tctx: &Arc<TaskCtx>, req: impl Into<ClaimedReq>, lazy: bool) {
    if let Some(local) = tctx.ring.local() {
        return push_local(tctx, local, req.into(), lazy);
    }
    let first = tctx.inbox.push(req);
    match WaitPhase::of(tctx.cq_wait_nr.load(Relaxed)) {
        WaitPhase::Busy => {}
        WaitPhase::Away if first => send_task_work(tctx),
        // What others wait for it has to complete. It looks once for all that is there.
        WaitPhase::Asleep if first => tctx.task.wake_up(),
        WaitPhase::Away | WaitPhase::Asleep => {}
    }
}

/// As [`push`], to a ring with DEFER_TASKRUN.
#[inline(always)] // poll/32
fn push_local(tctx: &Arc<TaskCtx>, local: &Local, req: ClaimedReq, lazy: bool) {
    let first = local.inbox.push(req);
    let cq_wait_nr = local.cq_wait_nr.load(Relaxed);
    match WaitPhase::of(cq_wait_nr) {
        WaitPhase::Busy => {}
        WaitPhase::Away if first => send_task_work(tctx),
        WaitPhase::Away => {}
        // The first one for who waits for one need not be counted: he looks.
        WaitPhase::Asleep => wake_waiting(tctx, local, first, lazy && !(first && cq_wait_nr == 1)),
    }
}

/// Has the submitter of a ring with DEFER_TASKRUN look into the inbox, who sleeps, for what may be there now. `first` says
/// that the inbox was empty.
fn wake_waiting(tctx: &Arc<TaskCtx>, local: &Local, first: bool, lazy: bool) {
    if tctx.cq_wait_nr.load(Relaxed) == GONE {
        // It is another one who sleeps, and this one's requests are for others to end.
        if first {
            send_task_work(tctx);
        }
        return;
    }
    let ring = tctx.ring();
    if first {
        ring.mark_taskrun();
        // They may look although there is nothing yet.
        if ring.has_watchers() {
            TaskWork::send_to_interrupt(tctx);
        }
    }
    if !lazy || local.cq_wait_nr.fetch_sub(1, Full) == 1 {
        tctx.task.wake_up();
    }
}

/// Counts a completion that did not come back, if the task waits for so many. It must have been published before.
///
/// # Context
///
/// May be called in any context.
pub(crate) fn count(tctx: &Arc<TaskCtx>) {
    // Full ordering: either the task is seen to sleep, or it sees the completion before it does.
    let cq_wait_nr = tctx.cq_wait_nr().fetch_add(0, Full);
    if matches!(WaitPhase::of(cq_wait_nr), WaitPhase::Asleep)
        && tctx.cq_wait_nr().fetch_sub(1, Full) == 1
    {
        tctx.task.wake_up();
    }
}

/// Has the task look at what its ring has for it, besides the inbox. What that is must have been written before, with
/// a full barrier.
///
/// # Context
///
/// May be called in any context.
pub(crate) fn call(tctx: &Arc<TaskCtx>) {
    match WaitPhase::of(tctx.cq_wait_nr().load(Relaxed)) {
        WaitPhase::Busy => {}
        WaitPhase::Away => send_task_work(tctx),
        WaitPhase::Asleep => tctx.task.wake_up(),
    }
}

/// As [`call`], but also interrupts the task in whatever it does.
///
/// # Context
///
/// May be called in any context.
pub(crate) fn interrupt(tctx: &Arc<TaskCtx>) {
    match WaitPhase::of(tctx.cq_wait_nr().load(Relaxed)) {
        WaitPhase::Asleep => tctx.task.wake_up(),
        _ => {
            if !TaskWork::send(tctx, &tctx.task, Notify::Signal) {
                // It has ended. Who was told meanwhile that this is on its way relies on somebody's looking.
                TaskWork::send_to_kworker(tctx);
            }
        }
    }
}

/// Drops a reference to a task context.
///
/// # Context
///
/// Any: the last one, with which the ring's memory may go, is dropped by a kworker.
#[inline]
pub(crate) fn put_deferred(tctx: Arc<TaskCtx>) {
    TaskWork::put_deferred(tctx);
}

/// Has a kworker look after what a task context that is gone has left.
///
/// # Context
///
/// May be called in any context.
pub(crate) fn leave_to_kworker(tctx: Arc<TaskCtx>) {
    TaskWork::give_to_kworker(tctx);
}

/// Has somebody look into the inbox of a task that is not in `enter`.
///
/// # Context
///
/// May be called in any context.
pub(crate) fn send_task_work(tctx: &Arc<TaskCtx>) {
    let ring = tctx.ring();
    if ring.is_dying() {
        TaskWork::send_to_kworker(tctx);
        return;
    }
    ring.mark_taskrun();
    if ring.config().has(setup::DEFER_TASKRUN) {
        // Only `enter` runs them. Who watches the ring is told from where no lock is held.
        if tctx.cq_wait_nr.load(Relaxed) == GONE {
            TaskWork::send_to_kworker(tctx);
        } else if ring.has_watchers() {
            TaskWork::send_to_interrupt(tctx);
        }
        return;
    }
    let how = if ring.config().has(setup::COOP_TASKRUN) {
        Notify::Quiet
    } else {
        Notify::Signal
    };
    if !TaskWork::send(tctx, tctx.task(), how) {
        TaskWork::send_to_kworker(tctx);
    }
}
