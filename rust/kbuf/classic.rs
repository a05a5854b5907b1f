// SPDX-License-Identifier: GPL-2.0

//! A classic group: buffers that PROVIDE_BUFFERS hands over and the kernel keeps in a queue.
//!
//! What one request provides lies side by side in memory and has ids in a row, so it is kept as
//! one [`BufRange`] of 16 bytes, however many buffers it has. As with a mapped ring a selection only
//! looks at the front of the queue, and a commit consumes it: a [`Selected`] that is dropped
//! leaves the queue as it was.

use super::selected::{BufEntry, Selected};
#[cfg(not(test))]
use kernel::warn_on;

#[cfg(test)]
use super::warn_model::warn_on;

/// Most buffers of a group: there are no more ids.
pub(crate) const MAX_BUFFERS: u32 = 1 << 16;

/// Most bytes that are used of a buffer, which is the most that one transfer can have.
const MAX_LEN: u32 = 0x7fff_f000;

/// Buffers of the same length, one behind the other, with ids that go up by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BufRange {
    addr: u64,
    len: u32,
    bid: u16,
    /// How many follow the first.
    more: u16,
}

impl BufRange {
    /// The `count` buffers from `addr` on, of `len` bytes each, the first of which is `bid`.
    ///
    /// None if that is no buffer, or more than there are ids.
    pub(crate) fn new(addr: u64, len: u32, bid: u16, count: u32) -> Option<Self> {
        if count == 0 || count > MAX_BUFFERS - u32::from(bid) {
            return None;
        }
        Some(Self {
            addr,
            len,
            bid,
            more: (count - 1) as u16,
        })
    }

    /// How many buffers it has, at least one.
    fn count(self) -> u32 {
        u32::from(self.more) + 1
    }

    /// The first buffer that the entry stands for.
    fn first(self) -> BufEntry {
        BufEntry {
            addr: self.addr,
            len: self.len.min(MAX_LEN),
            bid: self.bid,
        }
    }

    /// What is left without the first `count`, of which there are more than that.
    fn skip(self, count: u16) -> Self {
        let bytes = u64::from(self.len) * u64::from(count);
        Self {
            addr: self.addr.wrapping_add(bytes),
            len: self.len,
            bid: self.bid.wrapping_add(count),
            more: self.more - count,
        }
    }
}

/// The queue of a group, whose runs are in slots that the owner keeps: none, or a power of two.
///
/// Every method has to be given the same slots, until [`Classic::move_to`] changes them.
#[derive(Debug, Default)]
pub(crate) struct Classic {
    /// The slot of the first run.
    first: u32,
    /// How many slots of the queue are in use.
    runs: u32,
    /// How many buffers there are.
    buffers: u32,
    /// How many have been consumed, modulo 2^16.
    head: u16,
}

impl Classic {
    /// A queue without buffers.
    pub(crate) const fn new() -> Self {
        Self {
            first: 0,
            runs: 0,
            buffers: 0,
            head: 0,
        }
    }

    /// How many buffers the group has.
    pub(crate) const fn len(&self) -> u32 {
        self.buffers
    }

    /// How many slots are in use.
    pub(crate) const fn runs(&self) -> u32 {
        self.runs
    }

    fn index(&self, slots: &[BufRange], run: u32) -> usize {
        self.first.wrapping_add(run) as usize & slots.len().wrapping_sub(1)
    }

    /// Appends the buffers of `run`, or those of them for which there are ids left. Returns how
    /// many that is. There has to be a free slot.
    pub(crate) fn provide(&mut self, slots: &mut [BufRange], mut run: BufRange) -> u32 {
        let count = run.count().min(MAX_BUFFERS - self.buffers);
        let index = self.index(slots, self.runs);
        if count == 0 {
            return 0;
        }
        run.more = (count - 1) as u16;
        let has_room = (self.runs as usize) < slots.len();
        match slots.get_mut(index) {
            Some(slot) if has_room => *slot = run,
            _ => {
                // Its caller has made one free.
                warn_on!(true);
                return 0;
            }
        }
        self.runs += 1;
        self.buffers += count;
        count
    }

    /// The next buffer, if there is one.
    #[inline]
    pub(crate) fn select(&self, slots: &[BufRange]) -> Option<Selected> {
        if self.runs == 0 {
            return None;
        }
        let Some(run) = slots.get(self.index(slots, 0)) else {
            // There are as many slots as runs at least.
            warn_on!(true);
            return None;
        };
        Some(Selected::new(run.first(), self.buffers == 1, self.head))
    }

    /// Consumes the buffer. Returns its id.
    ///
    /// A selection that is older than the last commit consumes nothing more.
    #[inline]
    pub(crate) fn commit(&mut self, slots: &mut [BufRange], selected: Selected) -> u16 {
        if selected.head() == self.head {
            self.remove(slots, 1);
        }
        selected.entry.bid
    }

    /// Takes up to `max` buffers off the front. Returns how many.
    pub(crate) fn remove(&mut self, slots: &mut [BufRange], max: u32) -> u32 {
        let mut left = max;
        while left != 0 && self.runs != 0 {
            let index = self.index(slots, 0);
            let Some(run) = slots.get_mut(index) else {
                // There are as many slots as runs at least.
                warn_on!(true);
                break;
            };
            let count = run.count();
            if count > left {
                *run = run.skip(left as u16);
                self.count_off(left);
                left = 0;
            } else {
                self.first = self.first.wrapping_add(1);
                self.runs -= 1;
                self.count_off(count);
                left -= count;
            }
        }
        max - left
    }

    fn count_off(&mut self, count: u32) {
        self.buffers -= count;
        self.head = self.head.wrapping_add(count as u16);
    }

    /// Goes on with the slots `new`, which have to have room for all runs; false if they have not.
    pub(crate) fn move_to(&mut self, old: &[BufRange], new: &mut [BufRange]) -> bool {
        for run in 0..self.runs {
            let from = old.get(self.index(old, run));
            let (Some(to), Some(from)) = (new.get_mut(run as usize), from) else {
                // There are as many old slots as runs at least, and its caller asks for more new ones.
                warn_on!(true);
                return false;
            };
            *to = *from;
        }
        self.first = 0;
        true
    }
}
