// SPDX-License-Identifier: GPL-2.0

//! `io_uring_enter(2)`: submit, run what has come back, wait for completions.

mod args;

use crate::{
    req::tctx::{self, BusyGuard, TaskCtx},
    ring::{cursor, Locked, Ring},
    sys::{
        context::InCall,
        napi,
        signal::{self, Mask},
        sleep::{sleep_for_io, sleep_on_by, Woken},
        time::Ktime,
        trace::{self, Id},
        unexported::Interruptible,
        user,
    },
    uapi::{
        abi::{enter, setup},
        args::timeout::Clock,
        errno::{Errno, Result, EEXIST, EINTR, EINVAL, ERESTARTNOINTR, ETIME},
        structs::ClockRegister,
    },
};
use args::WaitArgs;
use kernel::sync::{atomic::Relaxed, Arc};

pub(crate) use args::Arguments;

/// Whether a wait goes on when what it has slept for is over: that was its least time, if it has one, and its timeout, if it
/// has one, is later.
fn lasts_longer(min_wait: Option<Ktime>, timeout: Option<Ktime>) -> bool {
    min_wait.is_some_and(|min_wait| min_wait < timeout.unwrap_or(Ktime::MAX))
}

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
        if args.to_submit == 0 && (!getevents || !self.deferred() && self.has_enough(args)) {
            if self.has_stalled() {
                let mut locked = self.lock_in(args.call)?;
                locked.requeue_seen();
                locked.retry_stalled();
            }
            return Ok(0);
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
        if let Some(tctx) = &tctx {
            if self.has_stalled() {
                locked.retry_stalled_after_submit(tctx, getevents || !self.deferred());
            }
            if !self.deferred() {
                if !tctx.inbox().is_empty() {
                    locked.run_inbox(tctx);
                }
            } else if waits {
                self.run_local_inbox(&mut locked, tctx, args.min_complete);
            }
        } else if self.has_stalled() {
            locked.requeue_seen();
        }
        locked.commit();
        if waits && !self.has_enough(args) {
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

    /// The rest of [`Ring::enter`], which has submitted all that it was to, and waits.
    #[inline(never)] // nop/1: as cq_wait.
    fn get_events_after(
        &self,
        args: &Arguments<'_>,
        tctx: Option<&Arc<TaskCtx>>,
        busy: Option<BusyGuard<'_>>,
    ) -> Result<i64> {
        let busy = busy.or_else(|| tctx.map(|tctx| tctx.set_busy()));
        let result = self.get_events(args, tctx, busy.as_ref());
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

    /// Ends a wait that has not begun.
    #[cold] // recv-armed/udp/1
    fn send_for_missed(busy: BusyGuard<'_>, tctx: &Arc<TaskCtx>) {
        if busy.into_missed() {
            tctx::send_task_work(tctx);
        }
    }

    /// Ends the wait guard of the current task, whose task context this is.
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

    /// Waits as the arguments say.
    ///
    /// # Errors
    ///
    /// `-EINVAL`, `-EFAULT` for what the arguments point to, `-ETIME`, `-EINTR`.
    ///
    /// # Context
    ///
    /// Sleeps, without the ring's lock.
    pub(crate) fn get_events(
        &self,
        args: &Arguments<'_>,
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
        if self.cq_tail().wrapping_sub(self.cq_head()) >= count {
            return Ok(());
        }
        let absolute = args.flags & enter::ABS_TIMER != 0;
        self.cq_wait(count, &wait, absolute, tctx, busy)
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
            self.run_local_inbox(&mut locked, tctx, count);
        } else {
            locked.run_inbox(tctx);
        }
    }

    /// Runs what has come back, if only `enter` does.
    #[inline(always)] // nop/1
    fn run_local_inbox(&self, locked: &mut Locked<'_>, tctx: &TaskCtx, count: u32) {
        if self.has_returned(tctx) {
            let max = count.min(self.cq_entries()).max(MAX_LOCAL);
            locked.run_local(tctx, max);
        }
    }

    /// By which clock a wait ends, when its least time is over, and when it is itself.
    #[inline]
    fn deadlines(
        &self,
        args: &WaitArgs<'_>,
        absolute: bool,
    ) -> (Clock, Option<Ktime>, Option<Ktime>) {
        // The clock is only looked at for a wait that may end by it.
        if args.min_wait.is_zero() && args.timeout.is_none() {
            return (Clock::Monotonic, None, None);
        }
        let clock = self.clock();
        let start = Ktime::now_by(clock);
        let min_wait = (!args.min_wait.is_zero()).then(|| start.after(args.min_wait));
        let timeout = args.timeout.map(|timeout| {
            if absolute {
                Ktime::of_task(clock, timeout)
            } else {
                start.after(timeout)
            }
        });
        (clock, min_wait, timeout)
    }

    /// Posts what found no room so far. Whether there is room for all of it now.
    #[inline]
    fn make_overflow_seen(&self) -> Result<bool> {
        if !self.overflowing() {
            return Ok(true);
        }
        self.lock()?.flush_overflow();
        Ok(!self.overflowing())
    }

    /// Sleeps until there are `count` completions that user space has not consumed, of which some are missing yet.
    ///
    /// # Errors
    ///
    /// `-ETIME` after the timeout and `-EINTR` after a signal, if there are no completions at all by then.
    #[inline(never)] // nop/1: what waits needs a larger frame.
    fn cq_wait(
        &self,
        count: u32,
        args: &WaitArgs<'_>,
        absolute: bool,
        tctx: Option<&Arc<TaskCtx>>,
        busy: Option<&BusyGuard<'_>>,
    ) -> Result {
        let first = self.cq_tail();
        let timeouts = self.timeouts.load(Relaxed);
        let mut target = self.cq_head().wrapping_add(count);
        let (clock, mut min_wait, timeout) = self.deadlines(args, absolute);
        let mask = Mask::set(args.mask, args.mask_size)?;
        if trace::cqring_wait_enabled() {
            trace::cqring_wait(Id::of(self), count);
        }
        if napi::is_used() {
            self.poll_queues(clock, timeout, || {
                cursor::reached(self.cq_tail(), target)
                    || self.overflowing()
                    || tctx.is_some_and(|tctx| self.has_to_run(tctx))
            });
        }
        let mut interruptible = Interruptible::new(args.call);
        let result = loop {
            if let Some(busy) = busy {
                let left = target.wrapping_sub(self.cq_tail());
                busy.set_asleep(if self.has_followers() { 1 } else { left });
            }
            let ready = || {
                cursor::reached(self.cq_tail(), target)
                    || self.timeouts.load(Relaxed) != timeouts
                    || self.overflowing()
                    || tctx.is_some_and(|tctx| self.has_to_run(tctx))
            };
            // As io_uring: the minimal wait is waited for also if it is longer than the timeout.
            let deadline = min_wait.or(timeout);
            let waiters = (!self.deferred()).then_some(&self.waiters);
            // As io_uring: who has requests here waits for what they are for.
            let woken = sleep_for_io(tctx.is_some() && args.iowait, || {
                sleep_on_by(clock, waiters, deadline, &ready)
            });
            if let Some(busy) = busy {
                busy.set_awake();
            }
            self.run_tctx(args.call, tctx, count);
            match woken {
                Woken::Interrupted if signal::pending() => break Err(EINTR),
                Woken::Interrupted if interruptible.run_task_work() => {}
                Woken::Interrupted => break Err(ERESTARTNOINTR),
                Woken::TimedOut if !lasts_longer(min_wait, timeout) => break Err(ETIME),
                // Enough have come, or the next one will do, until the timeout if there is one.
                Woken::TimedOut
                    if timeout.is_none()
                        || self.cq_tail() != first
                        || self.cq_tail() != self.cq_head() =>
                {
                    break Err(ETIME)
                }
                Woken::TimedOut => {
                    min_wait = None;
                    target = first.wrapping_add(1);
                }
                // It may be always ready, for what others do.
                Woken::Maybe if signal::killed() => break Err(EINTR),
                Woken::Maybe => {}
            }
            match self.make_overflow_seen() {
                Ok(true) => {}
                // It takes the application to make room.
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
            // As io_uring: a timeout ends the wait, however many completions are waited for.
            if cursor::reached(self.cq_tail(), target) || self.timeouts.load(Relaxed) != timeouts {
                break Ok(());
            }
        };
        mask.restore(result == Err(EINTR));
        if self.cq_tail() == self.cq_head() || result == Err(ERESTARTNOINTR) {
            result
        } else {
            Ok(())
        }
    }
}
