// SPDX-License-Identifier: GPL-2.0

//! A provided-buffer ring: user space fills it, the kernel consumes it.
//!
//! The head is the kernel's alone. Only a commit moves it, and a commit needs what a selection
//! returned, exclusive use of the ring, and consumes both: so no lock beyond the one that gives
//! exclusive use, and no buffer that is consumed twice. A [`Selected`] that is dropped instead
//! leaves the ring as it was.
//!
//! A ring may be consumed in parts: then a commit moves the beginning of the buffer behind what was
//! used of it, and the head only once too little is left.

use super::selected::{BufEntry, Selected};
use core::num::NonZeroU32;

/// Bytes of a `struct io_uring_buf`.
pub(crate) const ENTRY_SIZE: usize = 16;

/// The memory that user space writes.
pub(crate) trait Entries {
    /// The tail, read before any entry that is read afterwards.
    fn tail(&self) -> u16;
    /// The entry at `index`, modulo the size, read once.
    fn entry(&self, index: u16) -> BufEntry;
}

/// Memory of a ring that is consumed in parts.
pub(crate) trait CutEntries: Entries {
    /// Writes where the buffer at `index`, modulo the size, now begins and how long it is, and
    /// nothing else of the entry.
    fn cut(&self, index: u16, addr: u64, len: u32);
}

/// The kernel's side of a ring.
#[derive(Debug)]
pub(crate) struct Mapped {
    head: u16,
}

/// Buffers in a row that may be used, and have not been consumed.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "dropping it gives the buffers back"]
pub(crate) struct Span {
    /// The id of the first.
    pub(crate) bid: u16,
    /// Whether they were the last ones in the ring.
    pub(crate) last: bool,
    /// Whether not all of the last one, or not one more, was within the limit.
    pub(crate) clipped: bool,
    head: u16,
    count: u16,
}

/// Most buffers of a [`Span`].
pub(crate) const MAX_SPAN: usize = 256;

impl Mapped {
    /// A ring whose user has not put anything in.
    pub(crate) const fn new() -> Self {
        Self { head: 0 }
    }

    /// How many buffers have been consumed, modulo 2^16.
    pub(crate) const fn head(&self) -> u16 {
        self.head
    }

    /// The next buffer, if there is one.
    #[inline]
    pub(crate) fn select(&self, entries: &impl Entries) -> Option<Selected> {
        let tail = entries.tail();
        if tail == self.head {
            return None;
        }
        let last = self.head.wrapping_add(1) == tail;
        Some(Selected::new(entries.entry(self.head), last, self.head))
    }

    /// Consumes the buffer. Returns its id.
    ///
    /// A selection that is older than the last commit consumes nothing more.
    #[inline]
    pub(crate) fn commit(&mut self, selected: Selected) -> u16 {
        if selected.head() == self.head {
            self.head = self.head.wrapping_add(1);
        }
        selected.entry.bid
    }

    /// Consumes the first `used` bytes of the buffer, and the rest with them if that is less than
    /// `keep` bytes. Returns its id, and whether there is a rest to come.
    ///
    /// As with [`Mapped::commit`], an old selection consumes nothing more.
    #[inline]
    pub(crate) fn commit_part(
        &mut self,
        entries: &impl CutEntries,
        selected: Selected,
        used: u32,
        keep: NonZeroU32,
    ) -> (u16, bool) {
        let BufEntry { addr, len, bid } = selected.entry;
        if selected.head() != self.head {
            return (bid, false);
        }
        let used = used.min(len);
        let more = used == 0 || len - used >= keep.get();
        if more {
            entries.cut(self.head, addr.wrapping_add(u64::from(used)), len - used);
        } else {
            entries.cut(self.head, addr, 0);
            self.head = self.head.wrapping_add(1);
        }
        (bid, more)
    }

    /// How many buffers to select, for `limit` bytes if that is not 0, else up to `room` buffers.
    ///
    /// None if there are none, or if the first one is empty and bytes are wanted.
    pub(crate) fn span_len(
        &self,
        entries: &impl Entries,
        limit: usize,
        room: usize,
    ) -> Option<usize> {
        let available = usize::from(entries.tail().wrapping_sub(self.head));
        let wanted = match (limit, entries.entry(self.head).len as usize) {
            (0, _) => room,
            (_, 0) => return None,
            (limit, len) => limit.div_ceil(len),
        };
        Some(available.min(wanted).min(MAX_SPAN)).filter(|count| *count != 0)
    }

    /// The next buffers, up to `count`, which came from [`Mapped::span_len`], and up to `limit` bytes if that is not
    /// 0. Each goes to `put`.
    ///
    /// With `parts`, for a ring that is consumed in parts, the last one may be used in part. Else only the first one
    /// may, and one that goes beyond the limit is left out.
    ///
    /// # Errors
    ///
    /// The first that `put` returns, which ends it.
    pub(crate) fn select_span<E>(
        &self,
        entries: &impl Entries,
        count: usize,
        limit: usize,
        parts: bool,
        mut put: impl FnMut(u64, u32) -> Result<(), E>,
    ) -> Result<Span, E> {
        let tail = entries.tail();
        let mut left = if limit == 0 { usize::MAX } else { limit };
        let mut span = Span {
            bid: entries.entry(self.head).bid,
            last: false,
            clipped: false,
            head: self.head,
            count: 0,
        };
        while usize::from(span.count) < count && left != 0 {
            let BufEntry { addr, mut len, .. } = entries.entry(self.head.wrapping_add(span.count));
            if len as usize > left {
                if !parts {
                    span.clipped = true;
                    if span.count != 0 {
                        break;
                    }
                }
                len = left as u32;
            }
            put(addr, len)?;
            span.count += 1;
            left -= len as usize;
        }
        span.last = self.head.wrapping_add(span.count) == tail;
        Ok(span)
    }

    /// The next buffers, up to `most`, as far as `put` takes them.
    #[inline]
    pub(crate) fn select_row(
        &self,
        entries: &impl Entries,
        most: u16,
        mut put: impl FnMut(BufEntry) -> bool,
    ) -> Span {
        let tail = entries.tail();
        let most = most.min(tail.wrapping_sub(self.head));
        let mut span = Span {
            bid: 0,
            last: false,
            clipped: false,
            head: self.head,
            count: 0,
        };
        while span.count < most {
            let entry = entries.entry(self.head.wrapping_add(span.count));
            if span.count == 0 {
                span.bid = entry.bid;
            }
            if !put(entry) {
                break;
            }
            span.count += 1;
        }
        span.last = self.head.wrapping_add(span.count) == tail;
        span
    }

    /// Consumes the first `count` of the buffers, of which that is not more.
    ///
    /// As with [`Mapped::commit`], an old selection consumes nothing more.
    pub(crate) fn commit_span(&mut self, span: Span, count: u16) {
        if span.head == self.head {
            self.head = self.head.wrapping_add(count.min(span.count));
        }
    }

    /// Consumes the first `used` bytes of the buffers, as [`Mapped::commit_part`] does with one.
    /// Returns whether there is a rest to come of the last one that was used.
    pub(crate) fn commit_span_part(
        &mut self,
        entries: &impl CutEntries,
        span: Span,
        mut used: u32,
        keep: NonZeroU32,
    ) -> bool {
        if span.head != self.head {
            return false;
        }
        for _ in 0..span.count {
            let entry = entries.entry(self.head);
            let here = used.min(entry.len);
            let selected = Selected::new(entry, false, self.head);
            let (_, more) = self.commit_part(entries, selected, here, keep);
            used -= here;
            if more || used == 0 {
                return more;
            }
        }
        false
    }
}
