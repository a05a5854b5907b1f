// SPDX-License-Identifier: GPL-2.0

//! `io_uring_enter(2)`: submit, run what has come back, wait for completions.

mod args;
mod plain;
mod wait;

use crate::{
    req::tctx::{self, BusyGuard, TaskCtx},
    ring::{Locked, Ring},
    sys::{context::InCall, signal, user},
    uapi::{
        abi::{enter, setup},
        args::timeout::Clock,
        errno::{Errno, Result, EEXIST, EINVAL, ERESTARTNOINTR},
        structs::ClockRegister,
    },
};
use args::WaitArgs;
use kernel::sync::{atomic::Relaxed, Arc};

pub(crate) use args::Arguments;

/// How many requests `enter` runs at a time unless more are waited for.
const MAX_LOCAL: u32 = 20;

impl Ring {
    /// `RURING_IOC_ENTER`. Returns how many SQ entries were consumed.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for flags that are not known, `-EBADFD` if the ring cannot be used yet, `-EEXIST` for another task
    /// than the single issuer, `-ENOMEM`, `-EAGAIN`, `-EINTR`; and those of [`Ring::get_events`] if nothing was
    /// submitted.
    ///
    /// # Context
    ///
    /// In the ioctl(2) of a task, without any lock. Sleeps while it waits.
    pub(crate) fn enter(self: &Arc<Self>, args: &Arguments<'_>) -> Result<i64> {
        if args.flags & !enter::ALL != 0 {
            // Another ring may be meant.
            return self.exec.registered.enter(args, 0);
        }
        if !self.enabled.load(Relaxed) {
            return self.enter_polled(args);
        }
        let getevents = args.flags & enter::GETEVENTS != 0;
        // What has come back to a ring that is not deferred is run on the way to user space.
        if args.to_submit == 0 {
            if !getevents || !self.deferred() && self.has_enough(args) {
                return self.enter_for_nothing(args.call);
            }
            if self.only_waits(args) {
                return self.wait_plainly(args);
            }
        }
        let mut locked = self.lock_in(args.call)?;
        if self.has_stalled() {
            locked.retry_stalled();
        }
        let tctx = match self.tctx(&mut locked, args.to_submit != 0) {
            Ok(tctx) => tctx,
            Err(error) => {
                drop(locked);
                return Err(self.why_not(args, error));
            }
        };
        // From here on what comes back is run here, unless only GETEVENTS runs it.
        let busy = match &tctx {
            Some(tctx) if !self.deferred() => Some(tctx.set_busy()),
            _ => None,
        };
        // Task work that was sent before is done first, without having anything to undo.
        if signal::notified() && !signal::pending() {
            if let (Some(busy), Some(tctx)) = (busy, &tctx) {
                Self::send_for_missed(busy, tctx);
            }
            return Err(ERESTARTNOINTR);
        }
        let submitted = match &tctx {
            Some(tctx) if args.to_submit != 0 => {
                locked.submit(args.call.task(), tctx, args.to_submit)
            }
            _ => Ok(0),
        };
        let waits = getevents && submitted == Ok(args.to_submit);
        match &tctx {
            Some(tctx) => self.run_after_submit(&mut locked, args, tctx, waits),
            None if self.has_stalled() => locked.requeue_seen(),
            None => {}
        }
        locked.commit();
        if waits && !self.has_enough(args) {
            if busy.is_none() && self.waits_plainly(args) {
                drop(busy);
                if let Some(tctx) = tctx {
                    locked.put_submitter(tctx);
                    drop(locked);
                    return self.wait_plainly(args);
                }
                drop(locked);
                return self.get_events_after(args, None, None);
            }
            drop(locked);
            let result = self.get_events_after(args, tctx.as_ref(), busy);
            if let Some(tctx) = tctx {
                TaskCtx::put(tctx);
            }
            return result;
        }
        let unseen = busy.is_some_and(BusyGuard::into_missed);
        if let Some(tctx) = tctx {
            if unseen {
                locked.run_inbox(&tctx);
            }
            locked.put_submitter(tctx);
        }
        submitted.map(i64::from)
    }

    /// As [`Ring::enter`], which is neither to submit nor to wait.
    #[inline]
    fn enter_for_nothing(&self, call: InCall<'_>) -> Result<i64> {
        if self.has_stalled() {
            let mut locked = self.lock_in(call)?;
            locked.requeue_seen();
            locked.retry_stalled();
        }
        Ok(0)
    }

    /// Runs what the current task, which has submitted what it was to, is to run before it leaves, or before it `waits`.
    #[inline]
    fn run_after_submit(
        &self,
        locked: &mut Locked<'_>,
        args: &Arguments<'_>,
        tctx: &Arc<TaskCtx>,
        waits: bool,
    ) {
        if self.has_stalled() {
            let runs = args.flags & enter::GETEVENTS != 0 || !self.deferred();
            locked.retry_stalled_after_submit(tctx, runs);
        }
        if !self.deferred() {
            if !tctx.inbox().is_empty() {
                locked.run_inbox(tctx);
            }
        } else if waits {
            self.run_local_inbox(locked, args.min_complete);
        }
    }

    /// The rest of [`Ring::enter`], which has submitted all that it was to, and waits.
    #[inline(never)] // nop/1: as cq_wait().
    fn get_events_after(
        &self,
        args: &Arguments<'_>,
        tctx: Option<&Arc<TaskCtx>>,
        busy: Option<BusyGuard<'_>>,
    ) -> Result<i64> {
        let busy = busy.or_else(|| tctx.map(|tctx| tctx.set_busy()));
        let result = self.get_events(args, self.cq_head(), tctx, busy.as_ref());
        if let (Some(busy), Some(tctx)) = (busy, tctx) {
            self.run_missed(args.call, busy, tctx);
        }
        match result {
            Err(error) if args.to_submit == 0 => Err(error),
            _ => Ok(args.to_submit.into()),
        }
    }

    /// Why the current task, which may not use the ring, is told so: of who only waits the arguments are looked at first.
    #[cold] // nop/1
    fn why_not(&self, args: &Arguments<'_>, error: Errno) -> Errno {
        match error {
            EEXIST if args.to_submit == 0 => WaitArgs::read(self, args).err().unwrap_or(error),
            _ => error,
        }
    }

    /// Drops the guard of a task that leaves at once, and sends its task work for what has come meanwhile.
    #[cold] // recv-armed/udp/1
    fn send_for_missed(busy: BusyGuard<'_>, tctx: &Arc<TaskCtx>) {
        if busy.into_missed() {
            tctx::send_task_work(tctx);
        }
    }

    /// Drops the guard of the current task, whose task context this is, and runs what has come since it looked last.
    ///
    /// # Context
    ///
    /// May sleep, for the ring's mutex. The ring is not locked.
    #[inline(always)] // nop/1
    pub(crate) fn run_missed(&self, call: InCall<'_>, busy: BusyGuard<'_>, tctx: &Arc<TaskCtx>) {
        if busy.into_missed() {
            if self.deferred() {
                tctx::send_task_work(tctx);
            } else if let Ok(mut locked) = self.lock_in(call) {
                locked.run_inbox(tctx);
            } else {
                tctx::send_task_work(tctx);
            }
        }
    }

    /// The current task as a submitter; made one if it is to be (`needed`) and may.
    #[inline]
    fn tctx(
        self: &Arc<Self>,
        locked: &mut Locked<'_>,
        needed: bool,
    ) -> Result<Option<Arc<TaskCtx>>> {
        match locked.get_submitter() {
            Some(tctx) => Ok(Some(tctx)),
            None => self.new_tctx(locked, needed),
        }
    }

    /// The rest of [`Ring::tctx`], for a task that is no submitter.
    #[cold] // recv-armed/udp/1
    fn new_tctx(
        self: &Arc<Self>,
        locked: &mut Locked<'_>,
        needed: bool,
    ) -> Result<Option<Arc<TaskCtx>>> {
        let submitters = locked.state.submitters.iter();
        let returning = submitters
            .into_iter()
            .any(|record| record.tctx.task().is_current());
        if self.config.has(setup::SINGLE_ISSUER) && !returning {
            if needed || self.deferred() {
                return Err(EEXIST);
            }
            return Ok(None);
        }
        if !needed {
            return Ok(None);
        }
        // What another program has left behind here ends.
        locked.cancel_all(|tctx| tctx.task().is_current());
        locked.add_submitter(self).map(Some)
    }

    /// Whether there are as many completions as are waited for, if there is no more to that.
    fn has_enough(&self, args: &Arguments<'_>) -> bool {
        let ready = self.cq_tail().wrapping_sub(self.cq_head());
        args.flags & enter::EXT_ARG == 0
            && !self.overflowing()
            && ready >= self.at_most(args.min_complete)
    }

    /// How many completions a wait is for that asks for so many. As io_uring, which counts in `int`: with a negative number
    /// it is for none, but not before it has looked at its arguments.
    #[inline(always)] // nop/1
    fn at_most(&self, min_complete: u32) -> u32 {
        min_complete
            .cast_signed()
            .min(self.cq_entries().cast_signed())
            .cast_unsigned()
    }

    /// The clock that the times of `enter` are measured by.
    fn clock(&self) -> Clock {
        if self.boottime.load(Relaxed) {
            Clock::Boottime
        } else {
            Clock::Monotonic
        }
    }

    /// `IORING_REGISTER_CLOCK`: `arg` is the address of a `struct io_uring_clock_register`. Waits that have begun stay
    /// as they are.
    ///
    /// # Errors
    ///
    /// `-EFAULT`, `-EINVAL` for a clock that cannot be waited by.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn set_clock(&self, arg: u64) -> Result {
        let reg: ClockRegister = user::read(arg)?;
        if reg.resv != [0; 3] {
            return Err(EINVAL);
        }
        match Clock::of_wait(reg.clockid) {
            Some(clock) => self.boottime.store(clock == Clock::Boottime, Relaxed),
            None => return Err(EINVAL),
        }
        Ok(())
    }

    /// Whether it is files that `enter` would poll for completions.
    fn gets_by_polling(&self) -> bool {
        self.polls_files() && self.exec.sqpoll.is_none()
    }

    /// Waits as the arguments say, for completions from `head` on, which is where the CQ ring begins or began when the wait
    /// did.
    ///
    /// # Errors
    ///
    /// `-EINVAL`, `-EFAULT` for what the arguments point to, and those of [`Ring::cq_wait`].
    ///
    /// # Context
    ///
    /// Sleeps, without the ring's lock.
    pub(crate) fn get_events(
        &self,
        args: &Arguments<'_>,
        head: u32,
        tctx: Option<&Arc<TaskCtx>>,
        busy: Option<&BusyGuard<'_>>,
    ) -> Result {
        let wait = WaitArgs::read(self, args)?;
        // There is nothing to poll, and what there is of completions is there.
        let count = if self.gets_by_polling() {
            0
        } else {
            self.at_most(args.min_complete)
        };
        if self.overflowing() {
            self.lock()?.flush_overflow();
        }
        if self.cq_tail().wrapping_sub(head) >= count {
            return Ok(());
        }
        let absolute = args.flags & enter::ABS_TIMER != 0;
        self.cq_wait(head, count, &wait, absolute, tctx, busy)
    }

    /// Whether there is something for `tctx` to do.
    pub(crate) fn has_to_run(&self, tctx: &TaskCtx) -> bool {
        self.has_returned(tctx) || self.has_calls() || self.exec.overdue.load(Relaxed)
    }

    /// Runs what has come back, as far as it is `enter` that runs it, while it waits for `count`.
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
    pub(crate) fn run_tctx(&self, call: InCall<'_>, tctx: Option<&Arc<TaskCtx>>, count: u32) {
        let Some(tctx) = tctx.filter(|tctx| self.has_to_run(tctx)) else {
            return;
        };
        if self.exec.overdue.load(Relaxed) {
            self.interrupt_overdue(call);
        }
        if let Some(sqpoll) = &self.exec.sqpoll {
            return self.submit_for_thread(call, sqpoll, tctx);
        }
        let Ok(mut locked) = self.lock_in(call) else {
            return;
        };
        if self.deferred() {
            self.run_local_inbox_again(&mut locked, count);
        } else {
            locked.run_inbox(tctx);
        }
    }

    /// As [`Ring::run_local_inbox`], where the ring was not locked meanwhile and may have let go of all.
    #[inline(always)] // nop/1
    fn run_local_inbox_again(&self, locked: &mut Locked<'_>, count: u32) {
        if self.local.is_submitter_current() {
            self.run_local_inbox(locked, count);
        } else {
            locked.end_local();
        }
    }

    /// Runs what has come back, if only `enter` does.
    #[inline(always)] // nop/1
    fn run_local_inbox(&self, locked: &mut Locked<'_>, count: u32) {
        if self.has_returned_to_any() {
            let max = count.min(self.cq_entries()).max(MAX_LOCAL);
            locked.run_local(max);
        }
    }
}
