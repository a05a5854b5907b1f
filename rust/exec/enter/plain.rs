// SPDX-License-Identifier: GPL-2.0

//! The wait of an event loop: for completions of a ring with DEFER_TASKRUN, and for nothing else.
//!
//! Only the task itself posts them, so that it need not be on a queue to hear of them. It has no time to look at, no signal
//! mask to set, and nothing to poll.

use super::Arguments;
use crate::{
    ring::{cursor, Ring},
    sys::{
        napi, signal,
        sleep::{sleep_for_io, sleep_until_woken, Woken},
        trace::{self, Id},
        unexported::Interruptible,
    },
    uapi::{
        abi::enter,
        errno::{Result, EINTR, ERESTARTNOINTR},
    },
};
use kernel::sync::atomic::Relaxed;

impl Ring {
    /// Whether a wait is of this kind. Any other is [`Ring::cq_wait`]'s.
    #[inline(always)] // send-late/zc/64/1
    pub(super) fn waits_plainly(&self, args: &Arguments<'_>) -> bool {
        self.deferred()
            && args.flags & enter::EXT_ARG == 0
            && args.arg == 0
            && !self.overflowing()
            && !self.polls_files()
            && !napi::is_used()
    }

    /// Whether there is nothing to do but to wait, for what has not come yet, as the submitter: that takes no lock.
    #[inline(always)] // send-late/zc/64/1
    pub(super) fn only_waits(&self, args: &Arguments<'_>) -> bool {
        !self.has_returned_to_any()
            && self.local.is_submitter_current()
            && self.waits_plainly(args)
            && !self.has_stalled()
            && !self.has_enough(args)
            && !signal::notified()
    }

    /// Sleeps until there are as many completions as `args` want, of which some are missing yet. Returns how many SQ entries
    /// were consumed before.
    ///
    /// # Errors
    ///
    /// `-EINTR` after a signal, if there are no completions at all by then and no entries were consumed.
    ///
    /// # Context
    ///
    /// The submitter. Sleeps. The ring is not locked.
    #[inline(never)] // nop/1: what waits needs a larger frame.
    pub(super) fn wait_plainly(&self, args: &Arguments<'_>) -> Result<i64> {
        let timeouts = self.timeouts.load(Relaxed);
        let count = self.at_most(args.min_complete);
        let target = self.cq_head().wrapping_add(count);
        let is_over = || {
            cursor::reached(self.cq_tail(), target)
                || self.timeouts.load(Relaxed) != timeouts
                || self.overflowing()
                || self.is_dying()
        };
        let has_to_run = || self.has_returned_to_any() || self.exec.overdue.load(Relaxed);
        if trace::cqring_wait_enabled() {
            trace::cqring_wait(Id::of(self), count);
        }
        let mut interruptible = Interruptible::new(args.call);
        let result = loop {
            let tail = self.cq_tail();
            let left = target.wrapping_sub(tail);
            self.local
                .set_asleep(if self.has_followers() { 1 } else { left });
            let woken = sleep_for_io(args.flags & enter::NO_IOWAIT == 0, || {
                // A message that came before the word was written was not counted.
                sleep_until_woken(|| self.cq_tail() != tail || is_over() || has_to_run())
            });
            self.local.set_away();
            if has_to_run() {
                if self.exec.overdue.load(Relaxed) {
                    self.interrupt_overdue(args.call);
                }
                if let Ok(mut locked) = self.lock_in(args.call) {
                    self.run_local_inbox_again(&mut locked, count);
                    locked.commit();
                    let ends = woken == Woken::Maybe && !self.overflowing() && is_over();
                    if ends && !signal::killed() {
                        // Nothing has to be looked at any more.
                        return Ok(args.to_submit.into());
                    }
                }
            }
            match woken {
                Woken::Interrupted if signal::pending() => break Err(EINTR),
                Woken::Interrupted if interruptible.run_task_work() => {}
                Woken::Interrupted => break Err(ERESTARTNOINTR),
                // It may be always ready, for what others do.
                _ if signal::killed() => break Err(EINTR),
                _ => {}
            }
            if self.overflowing() {
                match self.lock() {
                    Ok(mut locked) => locked.flush_overflow(),
                    Err(error) => break Err(error),
                }
            }
            // If there is no room even now it takes the application to make some.
            if is_over() {
                break Ok(());
            }
        };
        match result {
            Err(error)
                if args.to_submit == 0
                    && (error == ERESTARTNOINTR || self.cq_tail() == self.cq_head()) =>
            {
                Err(error)
            }
            _ => Ok(args.to_submit.into()),
        }
    }
}
