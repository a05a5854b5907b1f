// SPDX-License-Identifier: GPL-2.0

//! Timeouts that end after so many completions. `io_uring/timeout.c` of the kernel.
//!
//! Completions are numbered as user space gets to see them: those of a submission count for the
//! timeouts in it, wherever they stand. Completions of timeouts have no number.

use super::{cursor::reached, Locked};
use crate::req::{tctx, wake::WakeFlags};
use kernel::sync::atomic::Relaxed;

/// The numbers, which wrap around.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// How many completions of timeouts there were.
    timeouts: u32,
    /// How many other ones user space was told of.
    seen: u32,
    /// How many timeouts end by their number that have not completed yet.
    reached: u32,
    /// How many timeouts ended while user space saw this CQ tail.
    unseen: u32,
    /// That CQ tail.
    unseen_at: u32,
}

impl Counts {
    /// How many ends of timeouts user space knows of, which sees the CQ tail `tail`, and not the `posted` completions behind it. One
    /// that tells nothing counts at once.
    fn timeouts_seen(&self, tail: u32, posted: u32) -> u32 {
        let unseen = if self.unseen_at == tail {
            self.unseen.min(posted)
        } else {
            0
        };
        self.timeouts.wrapping_sub(unseen)
    }
}

impl Locked<'_> {
    /// The number that the `count`th completion from now on has.
    pub(crate) fn count_from_now(&mut self, count: u32) -> u32 {
        if !self.state.counting {
            self.state.counting = true;
            self.ring.counting.store(true, Relaxed);
            let tail = self.ring.cq_tail();
            let posted = self.state.cq.tail().wrapping_sub(tail);
            let expired = self.expired();
            let counts = &mut self.state.counts;
            counts.seen = tail
                .wrapping_sub(counts.timeouts_seen(tail, posted))
                .wrapping_sub(expired);
        }
        self.state.counts.seen.wrapping_add(count)
    }

    /// How many timeouts have expired whose task has not come to complete them. As in io_uring these have no number already, and
    /// so the numbers fall behind until they are completed.
    fn expired(&self) -> u32 {
        let waiting = self.state.waiting.iter();
        waiting.filter(|object| object.has_expired()).count() as u32
    }

    /// Whether user space was told of the completion with this number.
    pub(crate) fn has_counted(&self, target: u32) -> bool {
        reached(self.state.counts.seen, target)
    }

    /// How many completions there are left until the one with this number.
    pub(crate) fn left_to_count(&self, target: u32) -> u32 {
        target.wrapping_sub(self.state.counts.seen)
    }

    /// Does not count one completion, which is that of a timeout.
    pub(crate) fn count_timeout(&mut self) {
        let tail = self.ring.cq_tail();
        let counts = &mut self.state.counts;
        counts.timeouts = counts.timeouts.wrapping_add(1);
        if counts.unseen_at != tail {
            counts.unseen_at = tail;
            counts.unseen = 0;
        }
        counts.unseen += 1;
        self.tell_waiters();
    }

    /// The same for one whose number was reached: who waits was told of its end then. A wait that begins in between is for
    /// what comes after it, as in io_uring.
    pub(crate) fn count_reached(&mut self) {
        let counts = &mut self.state.counts;
        counts.reached = counts.reached.saturating_sub(1);
        self.count_timeout();
    }

    fn tell_waiters(&self) {
        let counts = &self.state.counts;
        let ended = counts.timeouts.wrapping_add(counts.reached);
        self.ring.timeouts.store(ended, Relaxed);
    }

    /// Ends the timeouts whose count is reached.
    #[cold] // recv-multishot/udp/64/8/defer
    pub(crate) fn bring_back_counted(&mut self) {
        let tail = self.state.cq.tail();
        let expired = self.expired();
        let counts = &mut self.state.counts;
        let now = tail.wrapping_sub(counts.timeouts).wrapping_sub(expired);
        // One that has expired, or ends without a completion, has the number go back.
        if reached(now, counts.seen) {
            counts.seen = now;
        }
        let seen = counts.seen;
        let mut left = false;
        let mut ended = 0;
        for object in self.state.waiting.iter() {
            match object.target() {
                Some(target) if reached(seen, target) => {
                    if let Some(req) = object.claim(WakeFlags::NONE) {
                        tctx::bring_back(req);
                        ended += 1;
                    }
                }
                Some(_) => left = true,
                None => {}
            }
        }
        self.state.counts.reached += ended;
        self.tell_waiters();
        self.state.counting = left;
        self.ring.counting.store(left, Relaxed);
    }
}
