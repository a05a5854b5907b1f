// SPDX-License-Identifier: GPL-2.0

//! IOSQE_IO_DRAIN: requests that start when all before them are over, and those behind them.
//!
//! Which requests are not over is known from the cells: one is in use from a request's submission
//! until its completion has been posted or kept.

use super::Locked;
use crate::{
    req::{home::Home, Request, Token},
    sys::queue::Fifo,
};
use kernel::sync::{atomic::Relaxed, Arc};

/// What waits for requests to be over.
#[derive(Default)]
pub(super) struct Drain {
    /// Whether requests have to queue up here.
    pub(super) active: bool,
    /// Whether the request or link that is submitted next drains as well, because one within the
    /// link before it does.
    pub(super) next: bool,
    /// Requests that have not been started, each with what is linked behind it.
    queue: Fifo<Request>,
    /// How many cells they have.
    cells: usize,
    /// How many cells have a completion that waits for room, of those that are counted.
    kept: usize,
    /// Whether the last one that was started is to be alone.
    alone: bool,
}

/// How many cells a request has, with what is linked behind it.
fn cells(token: &Token) -> usize {
    let mut count = 1;
    token.peek().chain.for_each(|_| count += 1);
    count
}

impl Locked<'_> {
    /// Starts a request, the first of a link if it has one, in its turn.
    #[cold]
    #[inline(never)]
    pub(super) fn drain(&mut self, token: Token) {
        if token.peek().job.refused.is_some() {
            return self.start(token);
        }
        self.state.drain.active = true;
        self.ring.draining.store(true, Relaxed);
        self.state.drain.cells += cells(&token);
        self.state.drain.queue.push(token);
        self.go_on_draining();
    }

    /// Starts what may start by now.
    #[cold]
    #[inline(never)]
    pub(super) fn go_on_draining(&mut self) {
        let (mut first, mut drained) = (true, false);
        while let Some(drains) = self.next_drains() {
            drained |= drains;
            if (first || drained) && self.under_way() != 0 {
                return;
            }
            let Some(token) = self.state.drain.queue.pop() else {
                return;
            };
            self.state.drain.cells -= cells(&token);
            self.state.drain.alone = drains;
            first = false;
            // By its task, which may not be this one.
            self.start_later(token);
        }
        if !self.state.drain.alone || self.under_way() == 0 {
            self.state.drain.active = false;
            self.ring.draining.store(false, Relaxed);
            self.state.drain.next = false;
        }
    }

    /// Whether the next one in the queue drains.
    fn next_drains(&self) -> Option<bool> {
        let queue = &self.state.drain.queue;
        queue.first().map(|held| held.job.flags.drain())
    }

    /// How many cells belong to requests that are started and not over.
    fn under_way(&self) -> usize {
        let records = self.state.submitters.iter();
        let used: usize = records.map(|record| record.used).sum();
        used.saturating_sub(self.state.drain.cells + self.state.drain.kept)
    }

    /// Counts a cell whose completion waits for room.
    pub(super) fn count_kept(&mut self, token: &Token) {
        if self.has_record(token.cell().home()) {
            self.state.drain.kept += 1;
        }
    }

    /// Counts it no more.
    pub(super) fn uncount_kept(&mut self, token: &Token) {
        if self.has_record(token.cell().home()) {
            self.state.drain.kept -= 1;
        }
    }

    /// Counts no cell any more: there are no records of submitters, and no completions that wait for room.
    pub(super) fn forget_kept(&mut self) {
        self.state.drain = Drain::default();
        if self.ring.overflowing() {
            self.ring.set_overflowing(false);
        }
    }

    /// Whether the cells of `home` are counted.
    fn has_record(&self, home: &Arc<Home>) -> bool {
        let record = self.state.submitters.get(usize::from(home.slot));
        record.is_some_and(|record| Arc::ptr_eq(&record.home, home))
    }

    /// Takes those out that `whose` says.
    pub(super) fn take_drained(&mut self, whose: impl Fn(&Home) -> bool) -> Fifo<Request> {
        let mut taken = Fifo::new();
        let mut queue = core::mem::take(&mut self.state.drain.queue);
        while let Some(token) = queue.pop() {
            if whose(token.cell().home()) {
                self.state.drain.cells -= cells(&token);
                taken.push(token);
            } else {
                self.state.drain.queue.push(token);
            }
        }
        taken
    }
}
