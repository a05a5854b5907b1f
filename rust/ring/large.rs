// SPDX-License-Identifier: GPL-2.0

//! Completions of 32 bytes: all of a ring with IORING_SETUP_CQE32, some of one with IORING_SETUP_CQE_MIXED.
//!
//! Such a ring has no place that [`Locked::post`] would know to be free, so that all its completions come here and others
//! pay nothing for it. What a completion has besides is with the ring's state from when its operation is over
//! until it is posted; [`cqe::EXTRA`] says that it belongs to it. A completion that finds no room keeps it.
//!
//! A message of another ring may have any flags, that one too, which then only is what its sender has chosen: it has nothing
//! besides.

use super::Locked;
use crate::uapi::{
    abi::{cqe, setup},
    structs::{BigCqe, Cqe},
};

impl Locked<'_> {
    /// Has the completion that comes next with the flag [`cqe::EXTRA`] say more. Returns that flag.
    pub(crate) fn set_extra(&mut self, extra: BigCqe) -> u32 {
        self.state.extra = Some(extra);
        cqe::EXTRA
    }

    /// Has the completion that comes next say no more than its flags do, which are another ring's.
    pub(crate) fn set_no_extra(&mut self) {
        self.state.extra = None;
    }

    /// Takes the mark [`cqe::EXTRA`] off the flags of a completion. Returns them and what it says besides, if anything.
    pub(super) fn split_extra(&self, flags: u32) -> (u32, Option<BigCqe>) {
        match self.state.extra {
            Some(extra) if flags & cqe::EXTRA != 0 => (flags & !cqe::EXTRA, Some(extra)),
            _ => (flags, None),
        }
    }

    /// Whether there is room for a completion of 32 bytes in a ring that has large ones.
    pub(crate) fn has_room_for_large(&self) -> bool {
        let (head, entries) = (self.ring.cq_head(), self.ring.cq_entries());
        let count = 1 + u32::from(self.ring.config.has(setup::CQE_MIXED));
        let mut cursor = self.state.cq;
        cursor.wrap(head, entries, count);
        self.state.overflow.is_empty() && cursor.reserve(head, entries, count).is_some()
    }

    /// Writes a completion to a ring that has large ones. False if there is no room.
    pub(crate) fn post_large(&mut self, done: Cqe) -> bool {
        let ring = self.ring;
        let head = ring.cq_head();
        let entries = ring.cq_entries();
        let (mut flags, extra) = self.split_extra(done.flags);
        let mixed = ring.config.has(setup::CQE_MIXED);
        if mixed && extra.is_some() {
            flags |= cqe::TWICE_AS_LARGE;
        }
        let large = mixed && flags & cqe::TWICE_AS_LARGE != 0;
        if large {
            if let Some(unused) = self.state.cq.wrap(head, entries, 2) {
                self.state
                    .entries
                    .cqes
                    .write(unused, [0, u64::from(cqe::SKIP) << 32]);
                self.state.posted = true;
            }
        }
        let Some(index) = self.state.cq.reserve(head, entries, 1 + u32::from(large)) else {
            return false;
        };
        let at = if mixed { index } else { index.wrapping_mul(2) };
        let result = u64::from(done.res as u32) | u64::from(flags) << 32;
        self.state.entries.cqes.write(at, [done.user_data, result]);
        if large || !mixed {
            self.state
                .entries
                .cqes
                .write(at.wrapping_add(1), extra.unwrap_or_default().to_words());
        }
        self.state.posted = true;
        true
    }
}
