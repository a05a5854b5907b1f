// SPDX-License-Identifier: GPL-2.0

//! Low-water marks of buffer groups (`RURING_REGISTER_PBUF_LOW`): a completion tells that few buffers are left.
//!
//! Whoever takes a buffer knows nothing of them. Only a ring that has marks looks, where it looks after requests
//! that have run out of buffers.

use super::groups::Groups;
use crate::uapi::{
    errno::{Result, EINVAL, EOVERFLOW},
    structs::Cqe,
    structs::PbufLow,
};
use kernel::alloc::{flags::GFP_KERNEL_ACCOUNT, KVec};

/// Most marks of a ring, all of which are looked at each time.
const MAX_MARKS: usize = 64;

/// The mark of a group.
pub(crate) struct Mark {
    group: u16,
    /// With so many buffers left, or fewer, it is told.
    nr: u16,
    user_data: u64,
    /// How many buffers had been consumed when it was looked at last, modulo 2^16.
    head: u16,
    /// Whether there have been too few, and no more than that, since it was told.
    told: bool,
}

impl Mark {
    /// What there is to say, if the buffers have become so few.
    pub(crate) fn check(&mut self, groups: &mut Groups) -> Option<Cqe> {
        let (head, tail) = groups.consumed_and_provided(self.group).ok()?;
        let left = tail.wrapping_sub(head);
        // There cannot have been more than that in the meantime.
        if tail.wrapping_sub(self.head) > self.nr {
            self.told = false;
        }
        self.head = head;
        (left <= self.nr && !self.told).then_some(Cqe {
            user_data: self.user_data,
            res: left.into(),
            flags: 0,
        })
    }

    /// It has been told: not again before there are more.
    pub(crate) fn set_told(&mut self) {
        self.told = true;
    }
}

/// The marks of a ring.
#[derive(Default)]
pub(crate) struct Marks(KVec<Mark>);

impl Marks {
    /// Marks of no group.
    pub(super) const fn new() -> Self {
        Self(KVec::new())
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The marks of all groups, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Mark> {
        self.0.iter_mut()
    }

    /// Takes that of a group away, if it has one.
    pub(super) fn remove(&mut self, group: u16) {
        self.0.retain(|mark| mark.group != group);
    }
}

impl Groups {
    /// `RURING_REGISTER_PBUF_LOW`: the group has no other mark then than `low`, and none if that is at 0.
    ///
    /// # Errors
    ///
    /// `-ENOENT` if there is no such group, `-EINVAL` if it is a classic one or never has more buffers than that,
    /// `-EOVERFLOW` for too many marks, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn mark(&mut self, low: &PbufLow) -> Result {
        if low.resv != 0 {
            return Err(EINVAL);
        }
        let group = low.bgid;
        let (head, tail) = self.consumed_and_provided(group)?;
        if low.nr >= self.entries(group)? {
            return Err(EINVAL);
        }
        let nr = low.nr as u16;
        self.marks.remove(group);
        if nr == 0 {
            return Ok(());
        }
        if self.marks.0.len() >= MAX_MARKS {
            return Err(EOVERFLOW);
        }
        let mark = Mark {
            group,
            nr,
            user_data: low.user_data,
            head,
            told: tail.wrapping_sub(head) <= nr,
        };
        self.marks.0.push(mark, GFP_KERNEL_ACCOUNT)?;
        Ok(())
    }
}
