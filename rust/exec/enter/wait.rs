// SPDX-License-Identifier: GPL-2.0

//! How a task waits for completions in `enter`.

use super::args::WaitArgs;
use crate::{
    req::tctx::{BusyGuard, TaskCtx},
    ring::{cursor, Ring},
    sys::{
        napi,
        signal::{self, Mask},
        sleep::{sleep_for_io, sleep_on_by, Woken},
        time::Ktime,
        trace::{self, Id},
        unexported::Interruptible,
    },
    uapi::{
        args::timeout::Clock,
        errno::{Result, EINTR, EOWNERDEAD, ERESTARTNOINTR, ETIME},
    },
};
use kernel::sync::{atomic::Relaxed, Arc};

impl Ring {
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

    /// Sleeps until there are `count` completions from `head` on, of which some are missing yet.
    ///
    /// # Errors
    ///
    /// `-ETIME` after the timeout and `-EINTR` after a signal, if there are no completions at all by then. `-EOWNERDEAD` when
    /// there is no task any more that submits what the current one, which is another, waits for.
    ///
    /// # Context
    ///
    /// In the ioctl(2) of a task, with no ring locked. Sleeps.
    #[inline(never)] // nop/1: what waits needs a larger frame.
    pub(super) fn cq_wait(
        &self,
        head: u32,
        count: u32,
        args: &WaitArgs<'_>,
        absolute: bool,
        tctx: Option<&Arc<TaskCtx>>,
        busy: Option<&BusyGuard<'_>>,
    ) -> Result {
        let mut wait = CqWait {
            ring: self,
            tctx,
            first: self.cq_tail(),
            tail: self.cq_tail(),
            timeouts: self.timeouts.load(Relaxed),
            target: head.wrapping_add(count),
            min_wait: None,
            timeout: None,
        };
        let clock;
        (clock, wait.min_wait, wait.timeout) = self.deadlines(args, absolute);
        let mask = Mask::set(args.call, args.mask, args.mask_size)?;
        if trace::cqring_wait_enabled() {
            trace::cqring_wait(Id::of(self), count);
        }
        if napi::is_used() {
            self.poll_queues(clock, wait.timeout, || wait.has_to_look());
        }
        let mut interruptible = Interruptible::new(args.call);
        let result = loop {
            if let Some(busy) = busy {
                busy.set_asleep(wait.wakes_after());
            }
            let woken = wait.sleep(clock, args.iowait);
            if let Some(busy) = busy {
                busy.set_awake();
            }
            self.run_tctx(args.call, tctx, count);
            if let Some(result) = wait.ended_by(woken, &mut interruptible) {
                break result;
            }
            match self.make_overflow_seen() {
                Ok(true) => {}
                // It takes the application to make room.
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
            if wait.is_over() {
                break Ok(());
            }
        };
        mask.restore(result == Err(EINTR));
        if self.cq_tail() == self.cq_head() || matches!(result, Err(ERESTARTNOINTR | EOWNERDEAD)) {
            result
        } else {
            Ok(())
        }
    }
}

/// A wait of the current task for completions, of which some are missing yet.
struct CqWait<'a> {
    ring: &'a Ring,
    tctx: Option<&'a Arc<TaskCtx>>,
    /// The CQ tail when it began.
    first: u32,
    /// The CQ tail when it was last said how many are missing.
    tail: u32,
    /// What [`Ring::timeouts`] was when it began.
    timeouts: u32,
    /// The CQ tail that ends it.
    target: u32,
    /// Until when it goes on for all completions, if it has a least time.
    min_wait: Option<Ktime>,
    timeout: Option<Ktime>,
}

impl CqWait<'_> {
    /// Whether what it is for has come. As in io_uring a timeout ends it, however many completions it is for.
    #[inline]
    fn is_over(&self) -> bool {
        cursor::reached(self.ring.cq_tail(), self.target)
            || self.ring.timeouts.load(Relaxed) != self.timeouts
            || self.ring.is_dying()
    }

    /// Whether the task has to look, because the wait is over or there is something to do in it.
    #[inline]
    fn has_to_look(&self) -> bool {
        // A message that came before it was said how many are missing was not counted.
        let uncounted = self.ring.deferred() && self.ring.cq_tail() != self.tail;
        uncounted
            || self.is_over()
            || self.ring.overflowing()
            || match self.tctx {
                Some(tctx) => self.ring.has_to_run(tctx),
                None => self.ring.has_lost_owner(),
            }
    }

    /// After how many requests that have come back the task is to be woken up.
    #[inline]
    fn wakes_after(&mut self) -> u32 {
        self.tail = self.ring.cq_tail();
        if self.ring.has_followers() {
            1
        } else {
            self.target.wrapping_sub(self.tail)
        }
    }

    /// Sleeps until there is something to look at, or until the time is over.
    #[inline]
    fn sleep(&self, clock: Clock, iowait: bool) -> Woken {
        // As io_uring: the minimal wait is waited for also if it is longer than the timeout.
        let deadline = self.min_wait.or(self.timeout);
        let waiters = (!self.ring.deferred()).then_some(&self.ring.waiters);
        // As io_uring: who has requests here waits for what they are for.
        sleep_for_io(self.tctx.is_some() && iowait, || {
            sleep_on_by(clock, waiters, deadline, &|| self.has_to_look())
        })
    }

    /// How the wait has ended, if it has, by what the task was woken up for.
    #[inline]
    fn ended_by(&mut self, woken: Woken, interruptible: &mut Interruptible<'_>) -> Option<Result> {
        match woken {
            Woken::Interrupted if signal::pending() => Some(Err(EINTR)),
            Woken::Interrupted if interruptible.run_task_work() => None,
            Woken::Interrupted => Some(Err(ERESTARTNOINTR)),
            Woken::TimedOut if self.lasts_longer() => {
                self.min_wait = None;
                self.target = self.first.wrapping_add(1);
                None
            }
            Woken::TimedOut => Some(Err(ETIME)),
            // It may be always ready, for what others do.
            Woken::Maybe if signal::killed() => Some(Err(EINTR)),
            Woken::Maybe => {
                let lost = self.tctx.is_none() && self.ring.has_lost_owner();
                let goes_on = self.is_over() || self.ring.overflowing();
                (lost && !goes_on).then_some(Err(EOWNERDEAD))
            }
        }
    }

    /// Whether the wait goes on when its time is over, for one completion: that was its least time, its timeout is later, and
    /// there is no completion yet.
    fn lasts_longer(&self) -> bool {
        let tail = self.ring.cq_tail();
        match (self.min_wait, self.timeout) {
            (Some(min_wait), Some(timeout)) => {
                min_wait < timeout && tail == self.first && tail == self.ring.cq_head()
            }
            _ => false,
        }
    }
}
