// SPDX-License-Identifier: GPL-2.0

//! Where the kernel is in the two rings. All counts wrap around at 2^32.

/// How many entries user space has put into the SQ ring, `head` being the kernel's own.
///
/// Whatever user space says, no more than there are.
pub(crate) const fn submitted(tail: u32, head: u32, entries: u32) -> u32 {
    let count = tail.wrapping_sub(head);
    if count < entries {
        count
    } else {
        entries
    }
}

/// How many completions user space has not consumed, `tail` being the kernel's own.
///
/// A head that user space has moved past the tail counts as an empty ring.
pub(crate) const fn unseen(tail: u32, head: u32, entries: u32) -> u32 {
    let count = tail.wrapping_sub(head);
    if count as i32 >= 0 {
        if count < entries {
            count
        } else {
            entries
        }
    } else {
        0
    }
}

/// Whether `tail` has come to `target`, or past it.
pub(crate) const fn reached(tail: u32, target: u32) -> bool {
    tail.wrapping_sub(target) as i32 >= 0
}

/// The kernel's place in the CQ ring.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CqCursor {
    tail: u32,
    limit: u32,
}

impl CqCursor {
    /// A place that so many completions have led to, none of which is known to be consumed.
    #[cfg(test)]
    pub(crate) const fn from_tail(tail: u32) -> Self {
        Self { tail, limit: tail }
    }

    /// The index to write next, or none if what was known to be free is used up.
    pub(crate) fn next(&mut self) -> Option<u32> {
        if self.tail == self.limit {
            return None;
        }
        let index = self.tail;
        self.tail = index.wrapping_add(1);
        Some(index)
    }

    /// Learns user space's `head`; false if there is no room.
    pub(crate) fn refill(&mut self, head: u32, entries: u32) -> bool {
        let free = entries - unseen(self.tail, head, entries);
        self.limit = self.tail.wrapping_add(free);
        free != 0
    }

    /// Knows of no room any more.
    pub(crate) fn set_full(&mut self) {
        self.limit = self.tail;
    }

    /// Goes past the end of the array if `count` indices side by side, one or two, do not fit before it. The index
    /// that is left over, if there is one that is free.
    pub(crate) fn wrap(&mut self, head: u32, entries: u32, count: u32) -> Option<u32> {
        let index = self.tail;
        if (index & (entries - 1)) + count <= entries || unseen(index, head, entries) == entries {
            return None;
        }
        self.advance(1);
        Some(index)
    }

    /// `count` indices side by side, one or two, if they are free in a ring of `entries` of which user space has
    /// consumed those before `head`. None is known to be free afterwards, so that [`CqCursor::next`] has none.
    pub(crate) fn reserve(&mut self, head: u32, entries: u32, count: u32) -> Option<u32> {
        let index = self.tail;
        let fits = (index & (entries - 1)) + count <= entries;
        if !fits || entries - unseen(index, head, entries) < count {
            return None;
        }
        self.advance(count);
        Some(index)
    }

    fn advance(&mut self, count: u32) {
        self.tail = self.tail.wrapping_add(count);
        self.limit = self.tail;
    }

    /// Whether the next one is known to have room.
    #[cfg(test)]
    pub(crate) fn has_room(&self) -> bool {
        self.tail != self.limit
    }

    /// How many more are known to have room.
    pub(crate) fn room(&self) -> u32 {
        self.limit.wrapping_sub(self.tail)
    }

    /// How many completions have been written, modulo 2^32.
    pub(crate) fn tail(&self) -> u32 {
        self.tail
    }
}
