// SPDX-License-Identifier: GPL-2.0

//! How a registered buffer is cut into pieces. Pure.
//!
//! All pieces have the same size, a power of two, but that the first one begins and the last one
//! ends somewhere in between. So the piece that an address is in is found by a shift. A piece is a
//! folio, if all folios of the buffer are of one size and there in full; else it is a page.

/// Bytes of a page, as a power of two.
pub(crate) const PAGE_SHIFT: u32 = 12;

/// Where a page of the buffer lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PagePlace {
    /// The folio that it is of.
    pub(crate) folio: usize,
    /// Its number in the folio.
    pub(crate) index: usize,
    /// How many pages the folio has, a power of two.
    pub(crate) pages: usize,
}

/// How a buffer is cut into pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PieceLayout {
    /// Bytes of a piece, as a power of two.
    shift: u32,
    /// Bytes that the first piece lacks at its beginning.
    lead: usize,
}

/// A part of a buffer, in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The first piece that it is in.
    pub(crate) index: usize,
    /// How many it is in.
    pub(crate) count: usize,
    /// Bytes of the first one before it.
    pub(crate) skip: usize,
}

impl PieceLayout {
    /// How to cut a buffer that begins `offset` bytes into the first of the pages at `places`.
    pub(crate) fn new(mut places: impl Iterator<Item = PagePlace>, offset: usize) -> Self {
        let pages = Self {
            shift: PAGE_SHIFT,
            lead: offset,
        };
        let Some(first) = places.next() else {
            return pages;
        };
        let mut last = first;
        for place in places {
            let index = (last.index + 1) % first.pages;
            let goes_on = index == 0 || place.folio == last.folio;
            if place.index != index || place.pages != first.pages || !goes_on {
                return pages;
            }
            last = place;
        }
        Self {
            shift: PAGE_SHIFT + first.pages.trailing_zeros(),
            lead: (first.index << PAGE_SHIFT) + offset,
        }
    }

    /// How many pieces a buffer of `len` bytes, not 0, has.
    pub(crate) fn count(self, len: usize) -> usize {
        self.find(0, len).count
    }

    /// How many pieces `len` bytes are in at most, wherever they begin.
    pub(crate) fn most(self, len: usize) -> usize {
        (len >> self.shift) + 2
    }

    /// Where piece `index` of a buffer of `len` bytes begins in the buffer, and its bytes.
    pub(crate) fn piece(self, index: usize, len: usize) -> (usize, usize) {
        let start = (index << self.shift).saturating_sub(self.lead);
        let end = ((index + 1) << self.shift) - self.lead;
        (start, end.min(len) - start)
    }

    /// Where the `len` bytes, not 0, from byte `at` of the buffer on are.
    #[inline]
    pub(crate) fn find(self, at: usize, len: usize) -> Found {
        let mask = (1 << self.shift) - 1;
        let begin = at + self.lead;
        let index = begin >> self.shift;
        Found {
            index,
            count: ((begin + len + mask) >> self.shift) - index,
            skip: if index == 0 { at } else { begin & mask },
        }
    }
}
