// SPDX-License-Identifier: GPL-2.0

//! The groups of a ring, by their 16-bit id.

use super::mapped::{Entries, Entry, Mapped, Selected, ENTRY_SIZE};
use crate::{
    sys::{
        memory::{Array, Region},
        user::{self, access_ok},
    },
    uapi::{
        abi::{cqe, pbuf},
        errno::{Result, EEXIST, EINVAL, ENOENT},
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox},
    prelude::*,
    sync::Arc,
};

impl Entries for Array<2> {
    #[inline(always)]
    fn tail(&self) -> u16 {
        // The tail lies in the unused half word of the first entry.
        self.load_acquire_u16::<14>()
    }

    #[inline(always)]
    fn entry(&self, index: u16) -> Entry {
        Entry::from_words(self.read(u32::from(index)))
    }
}

/// A group: a ring that user space fills.
pub(crate) struct Group {
    entries: Array<2>,
    ring: Mapped,
}

/// A buffer of a group, to be committed or dropped.
#[must_use = "dropping it gives the buffer back"]
pub(crate) struct Taken {
    selected: Selected,
    group: u16,
    /// Bytes that may be used of it.
    pub(crate) len: usize,
}

impl Taken {
    /// Its user address.
    #[inline]
    pub(crate) fn addr(&self) -> u64 {
        self.selected.entry.addr
    }
}

const LEAF: usize = 256;

/// The groups whose ids share the upper byte.
type Leaf = KVec<Option<KBox<Group>>>;

/// `struct io_uring_buf_reg`
struct Registration {
    addr: u64,
    entries: u32,
    group: u16,
    flags: u16,
}

impl Registration {
    fn read(arg: u64) -> Result<Self> {
        let mut words = [0u32; 10];
        user::read_into(arg, &mut words)?;
        let [addr_low, addr_high, entries, group, min_left, resv @ ..] = words;
        // `min_left` belongs to incremental consumption, which ruring lacks.
        if resv.iter().any(|word| *word != 0) || min_left != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            addr: u64::from(addr_low) | u64::from(addr_high) << 32,
            entries,
            group: group as u16,
            flags: (group >> 16) as u16,
        })
    }
}

/// All groups of a ring, in two levels so that a lookup costs the same for any number of them.
pub(crate) struct Groups(KVec<Leaf>);

impl Groups {
    /// No groups.
    pub(crate) const fn new() -> Self {
        Self(KVec::new())
    }

    #[inline]
    fn find(&mut self, id: u16) -> Option<&mut Group> {
        let leaf = self.0.get_mut(usize::from(id) / LEAF)?;
        leaf.get_mut(usize::from(id) % LEAF)?.as_deref_mut()
    }

    fn set(&mut self, id: u16, group: Option<KBox<Group>>) -> Result {
        let (high, low) = (usize::from(id) / LEAF, usize::from(id) % LEAF);
        while self.0.len() <= high {
            self.0.push(KVec::new(), GFP_KERNEL_ACCOUNT)?;
        }
        let leaf = &mut self.0[high];
        while leaf.len() < LEAF {
            leaf.push(None, GFP_KERNEL_ACCOUNT)?;
        }
        leaf[low] = group;
        Ok(())
    }

    /// `IORING_REGISTER_PBUF_RING`: `arg` is the user address of a `struct io_uring_buf_reg`.
    ///
    /// Returns the group and its memory, if that is to be mapped into user space.
    pub(crate) fn register(&mut self, arg: u64) -> Result<Option<(u16, Arc<Region>)>> {
        let reg = Registration::read(arg)?;
        if reg.flags & !pbuf::MMAP != 0 || !reg.entries.is_power_of_two() || reg.entries >= 65536 {
            return Err(EINVAL);
        }
        if self.find(reg.group).is_some() {
            return Err(EEXIST);
        }
        let size = reg.entries as usize * ENTRY_SIZE;
        let mapped = reg.flags & pbuf::MMAP != 0;
        let region = if mapped {
            if reg.addr != 0 {
                return Err(EINVAL);
            }
            Region::alloc(size)?
        } else {
            let pages = kernel::page::page_align(size).ok_or(EINVAL)?;
            Region::pin(reg.addr, pages)?
        };
        let region = Arc::new(region, GFP_KERNEL_ACCOUNT)?;
        let group = Group {
            entries: Array::new(region.clone(), 0, reg.entries)?,
            ring: Mapped::new(),
        };
        self.set(reg.group, Some(KBox::new(group, GFP_KERNEL_ACCOUNT)?))?;
        Ok(mapped.then_some((reg.group, region)))
    }

    /// `IORING_UNREGISTER_PBUF_RING`: `arg` as for [`Groups::register`]. Returns the group.
    pub(crate) fn unregister(&mut self, arg: u64) -> Result<u16> {
        let reg = Registration::read(arg)?;
        if reg.flags != 0 {
            return Err(EINVAL);
        }
        self.find(reg.group).ok_or(ENOENT)?;
        self.set(reg.group, None)?;
        Ok(reg.group)
    }

    /// `IORING_REGISTER_PBUF_STATUS`: `arg` is the user address of a `struct io_uring_buf_status`.
    pub(crate) fn status(&mut self, arg: u64) -> Result {
        let mut words = [0u32; 10];
        user::read_into(arg, &mut words)?;
        let [group, head, resv @ ..] = &mut words;
        if resv.iter().any(|word| *word != 0) {
            return Err(EINVAL);
        }
        let id = u16::try_from(*group).map_err(|_| ENOENT)?;
        *head = u32::from(self.find(id).ok_or(ENOENT)?.ring.head());
        user::write_from(arg, &words)
    }

    /// The next buffer of group `id`, of which at most `limit` bytes are used if that is not 0.
    ///
    /// None if the group has none, does not exist, or offers what is not user memory.
    #[inline]
    pub(crate) fn take(&mut self, id: u16, limit: usize) -> Option<Taken> {
        let group = self.find(id)?;
        let selected = group.ring.select(&group.entries)?;
        let mut len = selected.entry.len as usize;
        if limit != 0 && limit < len {
            len = limit;
        }
        if !access_ok(selected.entry.addr, len) {
            return None;
        }
        Some(Taken {
            selected,
            group: id,
            len,
        })
    }

    /// Consumes a buffer. Returns the flags for its completion.
    #[inline]
    pub(crate) fn commit(&mut self, taken: Taken) -> u32 {
        let bid = match self.find(taken.group) {
            Some(group) => group.ring.commit(taken.selected),
            None => taken.selected.entry.bid,
        };
        cqe::BUFFER | u32::from(bid) << cqe::BUFFER_SHIFT
    }
}
