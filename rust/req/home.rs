// SPDX-License-Identifier: GPL-2.0

//! Where the requests of one submitter come back to.
//!
//! A [`Home`] stands for a task in an address space that submits to a ring. A request that is
//! woken or cancelled goes into its inbox; the task then runs it, in `enter` or as task work. If
//! the task is gone, or runs another program by now, the request ends as cancelled.

use super::{Claimed, Request};
use crate::{
    ring::Ring,
    sys::{
        context::InTask,
        errand::{Errand, Notify, Run},
        queue::Inbox,
        task::{self, AddressSpace, TaskRef},
    },
    uapi::abi::setup,
};
use kernel::sync::{
    atomic::{Atomic, Full, Relaxed},
    Arc,
};

/// A submitter of a ring, as something that can be sent to its task.
pub(crate) type Home = Errand<Submitter>;

/// See [`Home`].
pub(crate) struct Submitter {
    ring: Arc<Ring>,
    task: TaskRef,
    mm: AddressSpace,
    inbox: Inbox<Request>,
    attention: Atomic<i32>,
    /// The index of the ring's own record of it.
    pub(crate) slot: u16,
}

/// The task is not in `enter`: it has to be told. A count-down that comes late leaves it at that.
const AWAY: i32 = i32::MIN / 2;
/// The task has ended, or runs another program: it will not look any more.
const GONE: i32 = i32::MIN;
/// The task is in `enter`, and looks into the inbox before it leaves or sleeps. Above it, the task
/// sleeps there until so many requests have come.
const BUSY: i32 = 0;

/// Where the task is, as its `attention` says.
enum Whereabouts {
    Away,
    Busy,
    Asleep,
}

impl Whereabouts {
    #[inline]
    const fn of(attention: i32) -> Self {
        if attention > BUSY {
            Self::Asleep
        } else if attention > AWAY / 2 {
            Self::Busy
        } else {
            Self::Away
        }
    }
}

impl Submitter {
    /// The current task as a submitter of `ring`. May sleep.
    pub(crate) fn current(ring: Arc<Ring>, slot: u16) -> kernel::error::Result<Self> {
        Ok(Self {
            ring,
            task: TaskRef::current(),
            mm: AddressSpace::current()?,
            inbox: Inbox::new(),
            attention: Atomic::new(AWAY),
            slot,
        })
    }

    /// Its ring.
    #[inline]
    pub(crate) fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// The task.
    #[inline]
    pub(crate) fn task(&self) -> &TaskRef {
        &self.task
    }

    /// What waits to be run.
    #[inline]
    pub(crate) fn inbox(&self) -> &Inbox<Request> {
        self.ring.local_inbox().unwrap_or(&self.inbox)
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
        self.task.same_process(task) && self.mm.is(mm)
    }

    /// Whether its requests are to end as cancelled where the caller runs them.
    #[inline]
    pub(crate) fn is_gone(&self) -> bool {
        !self.task.is_current() || task::current_exiting() || !self.mm.is_current()
    }

    /// Says that the task will never look into its inbox again. Has a full barrier: what does not find
    /// that out has put its request there before.
    pub(crate) fn give_up(&self) {
        self.attention.xchg(GONE, Full);
    }

    /// Says that the task looks after its inbox itself until the guard is dropped.
    #[inline]
    pub(crate) fn attend(&self) -> Attendance<'_> {
        self.attention.store(BUSY, Relaxed);
        Attendance(self)
    }
}

/// The task is in `enter`.
pub(crate) struct Attendance<'a>(&'a Submitter);

impl Attendance<'_> {
    /// Says that the task is about to sleep until `count` requests have come, which must be
    /// followed by a look into the inbox. Has a full barrier.
    #[inline]
    pub(crate) fn sleeping(&self, count: u32) {
        self.0.attention.xchg((count.max(1)) as i32, Full);
    }

    /// Says that it does not sleep any more.
    #[inline]
    pub(crate) fn awake(&self) {
        self.0.attention.store(BUSY, Relaxed);
    }

    /// Ends it; true if something has come meanwhile that nobody has been told of.
    #[inline]
    pub(crate) fn leave(self) -> bool {
        let home = self.0;
        drop(self);
        !home.inbox().is_empty()
    }
}

impl Drop for Attendance<'_> {
    fn drop(&mut self) {
        // A full barrier: who puts something in after this sees it, what came before is seen by
        // the look into the inbox that follows.
        self.0.attention.xchg(AWAY, Full);
    }
}

/// Brings a request home. May be called in any context.
///
/// `lazy` requests post one completion at most: a task that waits for several need not be woken
/// for each, if nobody else is to see them before.
pub(crate) fn push(home: &Arc<Home>, token: impl Into<Claimed>, lazy: bool) {
    let first = home.inbox().push(token);
    match Whereabouts::of(home.attention.load(Relaxed)) {
        Whereabouts::Busy => {}
        Whereabouts::Away => {
            if first {
                tell(home);
            }
        }
        Whereabouts::Asleep => disturb(home, first, lazy),
    }
}

/// Has the task of a home look into its inbox, if it sleeps for what may be there now. `first` says
/// that the inbox was empty.
fn disturb(home: &Arc<Home>, first: bool, lazy: bool) {
    let ring = home.ring();
    if !ring.config().has(setup::DEFER_TASKRUN) {
        // What others wait for it has to complete. It looks once for all that is there.
        if first {
            home.task.wake_up();
        }
        return;
    }
    if first {
        ring.mark_taskrun();
        // They may look although there is nothing yet.
        if ring.has_watchers() {
            Errand::send_to_interrupt(home);
        }
    }
    if !lazy || home.attention.fetch_sub(1, Full) == 1 {
        home.task.wake_up();
    }
}

/// Counts a completion that did not come home, if the task waits for so many. It must have been
/// published before. May be called in any context.
pub(crate) fn count(home: &Arc<Home>) {
    // Full ordering: either the task is seen to sleep, or it sees the completion before it does.
    let attention = home.attention.fetch_add(0, Full);
    if matches!(Whereabouts::of(attention), Whereabouts::Asleep)
        && home.attention.fetch_sub(1, Full) == 1
    {
        home.task.wake_up();
    }
}

/// Has the task look at what its ring has for it, besides the inbox. What that is must have been
/// written before, with a full barrier. May be called in any context.
pub(crate) fn call(home: &Arc<Home>) {
    match Whereabouts::of(home.attention.load(Relaxed)) {
        Whereabouts::Busy => {}
        Whereabouts::Away => tell(home),
        Whereabouts::Asleep => home.task.wake_up(),
    }
}

/// Has the task look which of its requests that are with workers have had their time. May be called in any
/// context.
#[cold]
pub(crate) fn tell_overdue(home: &Arc<Home>) {
    home.ring.set_overdue();
    match Whereabouts::of(home.attention.load(Relaxed)) {
        Whereabouts::Asleep => home.task.wake_up(),
        // One that has ended has none any more.
        _ => _ = Errand::send(home, &home.task, Notify::Signal),
    }
}

/// Drops a reference to a home. May be called in any context: the last one, with which the ring's
/// memory may go, is dropped by a worker.
#[inline]
pub(crate) fn let_go(home: Arc<Home>) {
    Errand::let_go(home);
}

/// Has somebody look into the inbox of a task that is not in `enter`.
pub(crate) fn tell(home: &Arc<Home>) {
    let ring = home.ring();
    if ring.is_dying() {
        Errand::send_to_worker(home);
        return;
    }
    ring.mark_taskrun();
    if ring.config().has(setup::DEFER_TASKRUN) {
        // Only `enter` runs them. Who watches the ring is told from where no lock is held.
        if home.attention.load(Relaxed) == GONE {
            Errand::send_to_worker(home);
        } else if ring.has_watchers() {
            Errand::send_to_interrupt(home);
        }
        return;
    }
    let how = if ring.config().has(setup::COOP_TASKRUN) {
        Notify::Quiet
    } else {
        Notify::Signal
    };
    if !Errand::send(home, home.task(), how) {
        Errand::send_to_worker(home);
    }
}

impl Run for Submitter {
    fn run(this: Arc<Home>, task: Option<InTask<'_>>) {
        this.ring().clone().run_errand(&this, task);
    }

    fn run_in_worker(this: Arc<Home>) {
        this.ring().clone().take_in(&this);
    }

    fn end(this: Arc<Home>) {
        this.give_up();
        this.ring().clone().take_in(&this);
    }

    fn notify(this: &Arc<Home>) {
        this.ring().tell_watchers();
    }
}
