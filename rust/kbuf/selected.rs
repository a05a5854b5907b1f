// SPDX-License-Identifier: GPL-2.0

//! A selected buffer, of a group of whichever kind: what its entry says, and how a commit knows whether it is still the next one.

/// What one entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BufEntry {
    /// The address in user memory that the buffer begins at.
    pub(crate) addr: u64,
    /// How many bytes the buffer has.
    pub(crate) len: u32,
    /// The id that the completion names.
    pub(crate) bid: u16,
}

impl BufEntry {
    /// Takes apart the two words of an entry.
    pub(crate) const fn from_words(words: [u64; 2]) -> Self {
        Self {
            addr: words[0],
            len: words[1] as u32,
            bid: (words[1] >> 32) as u16,
        }
    }
}

/// A buffer that may be used, and has not been consumed.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "dropping it gives the buffer back"]
pub(crate) struct Selected {
    /// The buffer that was found.
    pub(crate) entry: BufEntry,
    /// Whether it was the last one in the ring.
    pub(crate) last: bool,
    head: u16,
}

impl Selected {
    /// What was found when `head` buffers of the group, modulo 2^16, had been consumed.
    pub(super) const fn new(entry: BufEntry, last: bool, head: u16) -> Self {
        Self { entry, last, head }
    }

    /// How many buffers had been consumed when it was selected, modulo 2^16.
    pub(super) const fn head(&self) -> u16 {
        self.head
    }
}
