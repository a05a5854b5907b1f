// SPDX-License-Identifier: GPL-2.0

//! Which slot of a table is the next one to be used. Pure.
//!
//! The order is that of io_uring, which programs can see: the search goes on behind the slot that
//! was used last, or at the one that was freed last.

/// Slots that are marked as one bit each.
const PER_WORD: usize = u64::BITS as usize;

/// How many words mark `count` slots.
pub(crate) const fn words(count: usize) -> usize {
    count.div_ceil(PER_WORD)
}

/// The range that free slots are taken from, and where to look first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    start: u32,
    end: u32,
    hint: u32,
}

impl Range {
    /// The slots from `start` up to `end`.
    pub(crate) const fn new(start: u32, end: u32) -> Self {
        Self {
            start,
            end,
            hint: start,
        }
    }

    /// A slot of the range that is not marked in `used`.
    pub(crate) fn find(&mut self, used: &[u64]) -> Option<u32> {
        if !(self.start..self.end).contains(&self.hint) {
            self.hint = self.start;
        }
        let hint = self.hint;
        let found = next_free(used, hint, self.end);
        found.or_else(|| next_free(used, self.start, hint))
    }

    /// Marks a slot as used.
    pub(crate) fn mark(&mut self, used: &mut [u64], slot: u32) {
        if let Some(word) = used.get_mut(slot as usize / PER_WORD) {
            *word |= 1 << (slot as usize % PER_WORD);
        }
        self.hint = slot + 1;
    }

    /// Marks a slot as free.
    pub(crate) fn clear(&mut self, used: &mut [u64], slot: u32) {
        if let Some(word) = used.get_mut(slot as usize / PER_WORD) {
            *word &= !(1 << (slot as usize % PER_WORD));
        }
        self.hint = slot;
    }
}

/// The first slot from `from` on and before `end` that is not marked.
fn next_free(used: &[u64], from: u32, end: u32) -> Option<u32> {
    let (from, end) = (from as usize, end as usize);
    let mut at = from;
    while at < end {
        let word = used.get(at / PER_WORD)? | ((1 << (at % PER_WORD)) - 1);
        let base = at - at % PER_WORD;
        if word != u64::MAX {
            let slot = base + word.trailing_ones() as usize;
            return (slot < end).then_some(slot as u32);
        }
        at = base + PER_WORD;
    }
    None
}
