// SPDX-License-Identifier: GPL-2.0

//! IORING_SETUP_SQPOLL: submission without a system call.
//!
//! A thread of the process that has set it up (`sqthread.rs`) looks at the SQ rings of those that share
//! it, and calls the ring's owner when there are entries: the task that set the ring up submits them, in
//! `enter` or as task work. It is its descriptors, its memory and its credentials that they are about.

use super::{enter::Arguments, sqthread::Attachment};
use crate::{
    req::tctx::{BusyGuard, TaskCtx},
    ring::{Locked, Ring},
    sys::{
        context::{CallContext, InCall, InTask},
        exit::{Watch, WatchFor},
        fd::OpenFile,
        ringfile, signal,
        sleep::{sleep_on, Woken},
        task_work::{TaskWork, TaskWorkFn},
        waitqueue::WaitQueue,
    },
    uapi::{
        abi::{enter, setup, sq},
        errno::{Result, EBADFD, EINVAL, ENXIO, EOWNERDEAD, ERESTARTNOINTR},
        setup::{layout, Config, ThreadParams},
    },
};
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    prelude::*,
    sync::{
        atomic::{Acquire, Atomic, Full, Relaxed, Release},
        Arc,
    },
    time::Delta,
};

/// What a ring with a thread has besides.
#[pin_data]
pub(crate) struct SqPoll {
    pub(crate) attachment: Attachment,
    /// It has an owner, and so may be used.
    enabled: Atomic<bool>,
    /// There were entries at the last look, and the owner was not called for them yet.
    pub(crate) found: Atomic<bool>,
    /// The owner was called, and has not been through with what it was called for.
    pub(crate) called: Atomic<bool>,
    /// The owner has ended, or runs another program, and there is no other yet.
    lost_owner: Atomic<bool>,
    /// How many SQ entries have been consumed.
    head: Atomic<u32>,
    /// Those who wait for room in the SQ ring.
    #[pin]
    room: WaitQueue,
}

/// What a thread is at, and how long it has taken.
pub(crate) struct ThreadState {
    /// Its process id.
    pub(crate) pid: i32,
    /// The processor that it was last seen on.
    pub(crate) cpu: u32,
    /// For how long it has run.
    pub(crate) runtime: Delta,
    /// For how long it has been calling owners.
    pub(crate) work_time: Delta,
}

impl SqPoll {
    /// What a new ring needs, if it is to have a thread. The current task is to set the ring up.
    ///
    /// # Errors
    ///
    /// Those of [`Attachment::attach`] if it is to have a thread; `-ENXIO` or `-EINVAL` if it is to share the workers of what
    /// is no ring; `-EINVAL` for a processor without a thread.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn new(
        task: InTask<'_>,
        config: &Config,
        params: &ThreadParams,
    ) -> Result<Option<Arc<Self>>> {
        if !config.has(setup::SQPOLL) {
            if config.has(setup::ATTACH_WQ) {
                // There is nothing to share, but what is named has to be right.
                attached(task, params)?;
            }
            // Not sooner: what else is wrong comes first in io_uring.
            if config.has(setup::SQ_AFF) {
                return Err(EINVAL);
            }
            return Ok(None);
        }
        let attachment = Attachment::attach(task, config, params)?;
        let sqpoll = Arc::pin_init(
            pin_init!(Self {
                attachment,
                enabled: Atomic::new(false),
                found: Atomic::new(false),
                called: Atomic::new(false),
                lost_owner: Atomic::new(false),
                head: Atomic::new(0),
                room <- WaitQueue::new(),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;
        Ok(Some(sqpoll))
    }

    /// Whether the ring may be used.
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled.load(Relaxed)
    }

    /// Lets the ring be used. `owner` submits.
    pub(crate) fn enable(&self, owner: Arc<TaskCtx>) {
        drop(self.attachment.set_owner(owner));
        self.enabled.xchg(true, Full);
    }

    /// Lets nobody use it any more.
    pub(crate) fn disable(&self) {
        self.enabled.xchg(false, Full);
    }

    /// Has the thread know of the ring no more. With its last ring it ends.
    pub(crate) fn detach(&self) {
        self.attachment.detach();
    }

    /// See [`Attachment::thread_state`].
    pub(crate) fn thread_state(&self) -> Option<ThreadState> {
        self.attachment.thread_state()
    }

    /// Wakes up who waits for room in the SQ ring.
    pub(crate) fn tell_of_room(&self) {
        if self.room.has_sleeper() {
            self.room.wake_all();
        }
    }
}

/// A ring that has no owner yet, for the end of the task that has set it up.
struct CreatorEnd(Arc<Ring>);

impl TaskWorkFn for CreatorEnd {
    fn run(_this: Arc<TaskWork<Self>>, _task: Option<InTask<'_>>) {}

    fn on_end(this: Arc<TaskWork<Self>>) {
        this.0.leave_gone();
    }
}

impl Locked<'_> {
    /// Has the ring told if the current task, which sets it up, ends before somebody enables it.
    ///
    /// # Errors
    ///
    /// `-ENODEV` if the module is not ready, `-ENOMEM`.
    pub(crate) fn watch_creator(&mut self, ring: &Arc<Ring>) -> Result {
        let creator_end = TaskWork::new(CreatorEnd(ring.clone()))?;
        self.state.exec.creator = Some(Watch::current(WatchFor::Task, creator_end)?);
        Ok(())
    }

    /// Makes the current task the first owner of the ring.
    ///
    /// # Errors
    ///
    /// Those of [`Locked::add_submitter`].
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn add_owner(&mut self, ring: &Arc<Ring>) -> Result<Arc<TaskCtx>> {
        let owner = self.add_submitter(ring)?;
        self.state.exec.creator = None;
        Ok(owner)
    }
}

impl Ring {
    /// Whether it may be used.
    pub(crate) fn is_enabled(&self) -> bool {
        let sqpoll = self.exec.sqpoll.as_ref();
        self.enabled.load(Relaxed) || sqpoll.is_some_and(|sqpoll| sqpoll.is_enabled())
    }

    /// Whether there are SQ entries that nobody has consumed.
    pub(crate) fn has_entries(&self, sqpoll: &SqPoll) -> bool {
        self.memory.words.load_acquire::<{ layout::SQ_TAIL }>() != sqpoll.head.load(Relaxed)
    }

    /// Whether the owner has something to do that the thread could have called it for.
    pub(crate) fn has_calls(&self) -> bool {
        let sqpoll = self.exec.sqpoll.as_ref();
        sqpoll.is_some_and(|sqpoll| sqpoll.called.load(Relaxed) || self.has_entries(sqpoll))
    }

    /// Whether the SQ ring has no room, as user space sees it.
    fn is_full(&self) -> bool {
        let words = &self.memory.words;
        let head = words.load::<{ layout::SQ_HEAD }>();
        words.load::<{ layout::SQ_TAIL }>().wrapping_sub(head) == self.sq_entries()
    }

    /// Says whether user space has to wake up the thread for new entries. Has a full barrier if
    /// that changes.
    pub(crate) fn set_need_wakeup(&self, needed: bool) {
        self.memory
            .words
            .change::<{ layout::SQ_FLAGS }>(sq::NEED_WAKEUP, needed);
    }

    /// Submits what is there as `tctx`, which was called if it is the current task.
    ///
    /// # Context
    ///
    /// May sleep, for the ring's mutex. The ring is not locked.
    pub(crate) fn submit_for_thread<'a>(
        &'a self,
        context: impl Into<CallContext<'a>>,
        sqpoll: &SqPoll,
        tctx: &Arc<TaskCtx>,
    ) {
        let context = context.into();
        match &self.identity {
            // As the thread would, if it submitted itself.
            Some(identity) => identity
                .credentials
                .with(|| self.submit_for_thread_here(context, sqpoll, tctx)),
            None => self.submit_for_thread_here(context, sqpoll, tctx),
        }
        sqpoll.tell_of_room();
        if sqpoll.called.xchg(false, Full) {
            // It did not look at this ring; what has come since is for it to find.
            sqpoll.attachment.wake_thread();
        }
    }

    fn submit_for_thread_here<'a>(
        &'a self,
        context: CallContext<'a>,
        sqpoll: &SqPoll,
        tctx: &Arc<TaskCtx>,
    ) {
        let Ok(mut locked) = self.lock_in(context) else {
            return;
        };
        locked.run_inbox(tctx);
        if !tctx.is_gone() && !self.is_dying() {
            // What is left, for want of memory or because of a bad entry, is found again.
            if let Ok(task) = locked.task() {
                let _ = locked.submit(task, tctx, u32::MAX);
            }
            if self.has_stalled() {
                locked.retry_all_stalled(tctx);
            }
            sqpoll.head.store(locked.state.sq_head, Relaxed);
        }
    }

    /// As `enter`, of a ring that cannot be entered like any other.
    ///
    /// # Errors
    ///
    /// `-EBADFD` if the ring cannot be used yet, `-EOWNERDEAD` if its thread is gone for good, and those of
    /// [`Ring::enter`].
    ///
    /// # Context
    ///
    /// In the ioctl(2) of a task, without any lock. Sleeps while it waits.
    #[cold] // nop/1
    pub(crate) fn enter_polled(self: &Arc<Self>, args: &Arguments<'_>) -> Result<i64> {
        let sqpoll = self.exec.sqpoll.as_deref().ok_or(EBADFD)?;
        let mut owner = self.owner(args.call, sqpoll)?;
        // Where the CQ ring was when the wait began. What it is for may come, and be consumed, before it goes on.
        let mut head = None;
        loop {
            match self.enter_owned(args, sqpoll, &owner, &mut head) {
                // It has ended while the current task waited, which may be the next one, and has the time to wait again.
                Err(EOWNERDEAD) => {}
                result => return result,
            }
            owner = match self.owner(args.call, sqpoll) {
                // As after a signal.
                Err(_) if self.cq_tail() != self.cq_head() => return Ok(args.to_submit.into()),
                owner => owner?,
            };
        }
    }

    /// As [`Ring::enter_polled`]. `-EOWNERDEAD` if `owner` ends while the current task, which is another one, waits.
    fn enter_owned(
        &self,
        args: &Arguments<'_>,
        sqpoll: &SqPoll,
        owner: &Arc<TaskCtx>,
        head: &mut Option<u32>,
    ) -> Result<i64> {
        if self.has_stalled() {
            let mut locked = self.lock_in(args.call)?;
            locked.requeue_seen();
            locked.retry_stalled();
        }
        // Nobody calls the owner any more, not even it itself.
        let busy = owner.is_current().then(|| owner.set_busy());
        if args.flags & enter::SQ_WAKEUP != 0 {
            // A thread is not for others to make, and owners can do without.
            if !owner.is_program_of_current()
                || sqpoll.attachment.start_thread(args.call.task()).is_err()
            {
                sqpoll.attachment.wake_thread_or_owners();
            }
        }
        let Some(busy) = busy else {
            return self.enter_attended(args, sqpoll, None, head);
        };
        let result = self.enter_attended(args, sqpoll, Some((owner, &busy)), head);
        if busy.into_missed() || self.has_calls() {
            self.submit_for_thread(args.call, sqpoll, owner);
        }
        result
    }

    fn enter_attended(
        &self,
        args: &Arguments<'_>,
        sqpoll: &SqPoll,
        owner: Option<(&Arc<TaskCtx>, &BusyGuard<'_>)>,
        head: &mut Option<u32>,
    ) -> Result<i64> {
        let (tctx, busy) = owner.unzip();
        if let Some(tctx) = tctx {
            // Task work that was sent before is done first, as ever.
            if signal::notified() && !signal::pending() {
                return Err(ERESTARTNOINTR);
            }
            self.submit_for_thread(args.call, sqpoll, tctx);
        }
        if args.flags & enter::SQ_WAIT != 0 && tctx.is_none() {
            self.wait_for_room(sqpoll)?;
        }
        if args.flags & enter::GETEVENTS != 0 {
            let head = *head.get_or_insert_with(|| self.cq_head());
            let waited = self.get_events(args, head, tctx, busy);
            if args.to_submit == 0 || waited == Err(EOWNERDEAD) {
                waited?;
            }
        }
        Ok(args.to_submit.into())
    }

    /// Waits until the SQ ring has room, or a signal comes.
    ///
    /// # Errors
    ///
    /// `-EOWNERDEAD` if there is nobody any more who makes some.
    fn wait_for_room(&self, sqpoll: &SqPoll) -> Result {
        let owner = sqpoll.attachment.owner().ok_or(EOWNERDEAD)?;
        let ready = || !self.is_full() || !owner.is_there() || !sqpoll.is_enabled();
        while !ready() && sleep_on(Some(&sqpoll.room), None, &ready) != Woken::Interrupted {}
        if self.is_full() && !owner.is_there() {
            return Err(EOWNERDEAD);
        }
        Ok(())
    }

    /// Whether who waits for what the owner does waits in vain, because there is none.
    pub(crate) fn has_lost_owner(&self) -> bool {
        let sqpoll = self.exec.sqpoll.as_ref();
        sqpoll.is_some_and(|sqpoll| sqpoll.lost_owner.load(Acquire))
    }

    /// Says whether the owner is gone, and there is no other.
    ///
    /// # Context
    ///
    /// With the list of rings locked that are attached to the thread.
    pub(crate) fn set_lost_owner(&self, lost: bool) {
        if let Some(sqpoll) = &self.exec.sqpoll {
            // What it has posted is to be seen by who sees this.
            sqpoll.lost_owner.store(lost, Release);
        }
    }

    /// Says that the owner is gone: user space is to come to `enter`, and who waits there goes on.
    ///
    /// # Context
    ///
    /// As for [`set_lost_owner`](Self::set_lost_owner).
    pub(crate) fn tell_of_lost_owner(&self) {
        self.set_lost_owner(true);
        self.set_need_wakeup(true);
        if let Some(sqpoll) = &self.exec.sqpoll {
            sqpoll.tell_of_room();
        }
        if self.waiters.has_sleeper() {
            self.waiters.wake_all();
        }
    }

    /// Has user space know that it has to come to `enter`, if the owner is gone, who will not come any
    /// more either if it was called.
    ///
    /// # Context
    ///
    /// Any task or kworker.
    pub(crate) fn drop_calls(&self) {
        let Some(sqpoll) = &self.exec.sqpoll else {
            return;
        };
        let lost = sqpoll.attachment.is_lost(Ring::tell_of_lost_owner);
        if lost && sqpoll.called.xchg(false, Full) {
            sqpoll.attachment.wake_thread();
        }
        sqpoll.attachment.retire_thread();
    }

    /// Who submits. If that task has ended or runs another program, the current one takes over if
    /// it is of the same process, to which the thread is to belong: others could end it.
    ///
    /// # Errors
    ///
    /// `-EBADFD` if the ring cannot be used yet or any more, `-EOWNERDEAD`, and those of [`Locked::add_submitter`].
    fn owner(self: &Arc<Self>, call: InCall<'_>, sqpoll: &SqPoll) -> Result<Arc<TaskCtx>> {
        loop {
            if !sqpoll.is_enabled() {
                return Err(EBADFD);
            }
            let owner = sqpoll.attachment.owner().ok_or(EOWNERDEAD)?;
            if owner.is_there() {
                return Ok(owner);
            }
            if owner.is_program_of_current() {
                break;
            }
            // Those who wait are told behind what becomes of the owner's requests, which may be under way.
            if sqpoll.attachment.is_lost(|ring| ring.set_need_wakeup(true)) {
                return Err(EOWNERDEAD);
            }
        }
        let mut locked = self.lock()?;
        // Somebody may have been faster.
        let now = sqpoll.attachment.owner().ok_or(EOWNERDEAD)?;
        if now.is_there() {
            return Ok(now);
        }
        // What the one that is gone has left ends.
        locked.cancel_all(|tctx| !tctx.is_there());
        let owner = locked.add_submitter(self)?;
        // With the ring locked, so that nobody else takes over.
        let old = sqpoll.attachment.set_owner(owner.clone());
        drop(locked);
        drop(old);
        // Without one, it submits itself, and user space is told to come.
        let _ = sqpoll.attachment.start_thread(call.task());
        Ok(owner)
    }
}

/// The ring whose workers a new one is to share.
///
/// # Errors
///
/// `-ENXIO` if the descriptor is not open, `-EINVAL` if it is no ring.
pub(super) fn attached(task: InTask<'_>, params: &ThreadParams) -> Result<Arc<Ring>> {
    let file = OpenFile::get(task, params.wq_fd).map_err(|_| ENXIO)?;
    ringfile::ring_of(&file).ok_or(EINVAL)
}
