// SPDX-License-Identifier: GPL-2.0

//! Buffers of a mapped group that are filled one after the other, each for a completion of its own.

use super::{
    group::{Group, MappedGroup},
    groups::{buffer_flags, Groups},
    mapped::Span,
    selected::BufEntry,
};
use crate::sys::user::{IoVec, IoVecArray};
use kernel::warn_on;

/// Most buffers of a row.
const MOST: usize = 16;

/// Such buffers, on the stack.
pub(crate) struct Row {
    pieces: IoVecArray<MOST>,
    bids: [u16; MOST],
}

impl Row {
    /// A row without a buffer.
    pub(crate) const fn new() -> Self {
        Self {
            pieces: IoVecArray::new(),
            bids: [0; MOST],
        }
    }

    /// The memory of the buffers, one piece for each.
    #[inline]
    pub(crate) fn pieces(&self) -> &[IoVec] {
        &self.pieces
    }

    /// The memory of each, and the flags of its completion.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (IoVec, u32)> + '_ {
        let flags = self.bids.iter().map(|bid| buffer_flags(*bid, false));
        self.pieces.iter().copied().zip(flags)
    }

    /// Adds at most `limit` bytes of a buffer, if that is not 0. False for one that is no memory of the user's, or none
    /// at all.
    #[inline]
    fn put(&mut self, entry: BufEntry, limit: usize) -> bool {
        let mut len = entry.len as usize;
        if limit != 0 {
            len = len.min(limit);
        }
        let at = self.pieces.len();
        match (IoVec::new(entry.addr, len), self.bids.get_mut(at)) {
            (Ok(piece), Some(bid)) if len != 0 => {
                *bid = entry.bid;
                self.pieces.push(piece)
            }
            _ => false,
        }
    }
}

impl Groups {
    /// Puts the next buffers of group `id` into `row`, which is empty: as many as `len` bytes take, but not more than
    /// `most`. Of each at most `limit` bytes are used, if that is not 0.
    ///
    /// None if they are fewer than two, or their group is consumed in parts or no mapped one.
    pub(crate) fn select_row(
        &mut self,
        id: u16,
        limit: usize,
        len: usize,
        most: u32,
        row: &mut Row,
    ) -> Option<Span> {
        let Group::Mapped(MappedGroup {
            entries,
            state,
            min_left: None,
        }) = self.find(id)?
        else {
            return None;
        };
        let mut room = 0;
        let span = state.select_row(entries, most.min(MOST as u32) as u16, |entry| {
            if room >= len || !row.put(entry, limit) {
                return false;
            }
            room += row.pieces.last().map_or(0, |piece| piece.len());
            true
        });
        (row.pieces.len() > 1).then_some(span)
    }

    /// Consumes the first `count` buffers of a row of group `id`.
    pub(crate) fn commit_row(&mut self, id: u16, span: Span, count: u16) {
        if let Some(Group::Mapped(group)) = self.find(id) {
            group.state.commit_span(span, count);
        } else {
            // The ring has been locked since the row was selected.
            warn_on!(true);
        }
    }
}
