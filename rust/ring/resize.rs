// SPDX-License-Identifier: GPL-2.0

//! Rings that go on with more or fewer entries (IORING_REGISTER_RESIZE_RINGS).
//!
//! The words at the beginning of a ring's memory, which anybody may read without a lock, stay where they are: the
//! page that they are in is also the first one of the new memory, which the ring's program is to map in place of the old one. The
//! rest of that page is taken by entries, which therefore are put aside first.

use super::{
    memory::{RegionPart, RingEntries},
    Locked, Ring,
};
use crate::{
    sys::memory::Region,
    uapi::{
        abi::{cqe, setup},
        errno::{Result, EOVERFLOW},
        setup::{layout, Config},
        sqe::Sqe,
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KVVec},
    sync::Arc,
};

/// Memory for a ring's entries that is not in use yet.
pub(crate) struct NewMemory {
    rings: RegionPart,
    sqes: RegionPart,
    entries: RingEntries,
}

impl Ring {
    /// Memory for as many entries as `config` says.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if the ring is in user memory; those of [`Region::alloc_shared`].
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn memory_for(&self, config: &Config) -> Result<NewMemory> {
        let first = self.mappings.lock().rings.clone();
        let rings = Region::alloc_behind(&first.region, config.rings_size())?;
        let rings = RegionPart::whole(Arc::new(rings, GFP_KERNEL_ACCOUNT)?);
        let sqes = RegionPart::whole(Region::alloc_shared(config.sqes_size())?);
        Ok(NewMemory {
            entries: RingEntries::new(config, &rings, &sqes)?,
            rings,
            sqes,
        })
    }
}

impl Locked<'_> {
    /// Has the ring go on in `new`, which is memory for as many entries as `config` says. What waits in both rings
    /// goes with it.
    ///
    /// # Errors
    ///
    /// `-EOVERFLOW` if it does not fit, `-ENOMEM`; all is as before then.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn resize(&mut self, config: &Config, new: NewMemory) -> Result {
        let ring = self.ring;
        let words = &ring.memory.words;
        let (sq_head, cq_head) = (
            words.load::<{ layout::SQ_HEAD }>(),
            words.load::<{ layout::CQ_HEAD }>(),
        );
        let order = self.copy_submissions(config, &new.entries, sq_head)?;
        let cqes = self.unseen_completions(config, cq_head)?;
        // Nothing fails from here on. The first page has old entries.
        for at in 0..config.cqe_slots() {
            new.entries.cqes.write(at, [0; 2]);
        }
        if let Some(indices) = &new.entries.indices {
            for at in 0..config.sq_entries {
                indices.write(at, 0);
            }
            for (at, index) in order.iter().enumerate() {
                indices.write(sq_head.wrapping_add(at as u32), *index);
            }
        }
        let first = cq_head << u32::from(ring.config.has(setup::CQE32));
        for (at, cqe) in cqes.iter().enumerate() {
            let at = first.wrapping_add(at as u32);
            new.entries.cqes.write(at, *cqe);
        }
        self.state.entries = new.entries;
        self.state.cq.set_full();
        ring.memory.set_entries(config);
        let mut mappings = ring.mappings.lock();
        let old = (
            core::mem::replace(&mut mappings.rings, new.rings),
            core::mem::replace(&mut mappings.sqes, new.sqes),
        );
        drop(mappings);
        drop(old);
        Ok(())
    }

    /// Copies the submissions that wait, from `head` on, to where they are to be in `to`. Returns the index of each, as it is to be
    /// in the SQ index array.
    fn copy_submissions(&self, config: &Config, to: &RingEntries, head: u32) -> Result<KVVec<u32>> {
        let ring = self.ring;
        let count = ring
            .memory
            .words
            .load_acquire::<{ layout::SQ_TAIL }>()
            .wrapping_sub(head);
        if count > config.sq_entries {
            return Err(EOVERFLOW);
        }
        let (entries, mask) = (ring.sq_entries(), config.sq_entries - 1);
        let large = config.has(setup::SQE128);
        let mut order = KVVec::with_capacity(count as usize, GFP_KERNEL_ACCOUNT)?;
        // Where the second half of the last one is, if it has one.
        let mut second = None;
        for n in 0..count {
            let at = head.wrapping_add(n);
            let (to_index, half) = (at & mask, second.take());
            let index = match (half, &self.state.entries.indices) {
                (Some(index), _) => index,
                (None, Some(indices)) => indices.read(at),
                (None, None) => at & (entries - 1),
            };
            if index >= entries {
                // It is dropped when its turn comes.
                order.push(u32::MAX, GFP_KERNEL_ACCOUNT)?;
                continue;
            }
            order.push(to_index, GFP_KERNEL_ACCOUNT)?;
            let (from, onto) = (index << u32::from(large), to_index << u32::from(large));
            let words = self.state.entries.sqes.read(from);
            to.sqes.write(onto, words);
            if large {
                let words = self.state.entries.sqes.read(from + 1);
                to.sqes.write(onto + 1, words);
            }
            let is_two = config.has(setup::SQE_MIXED) && Sqe::new(words).is_large();
            if is_two && half.is_none() && n + 1 != count && index < entries - 1 {
                // Both halves are side by side.
                if to_index == mask {
                    return Err(EOVERFLOW);
                }
                second = Some(index + 1);
            }
        }
        Ok(order)
    }

    /// The completions that user space has not consumed, from `head` on.
    fn unseen_completions(&self, config: &Config, head: u32) -> Result<KVVec<[u64; 2]>> {
        let count = self.state.cq.tail().wrapping_sub(head);
        if count > config.cq_entries {
            return Err(EOVERFLOW);
        }
        let shift = u32::from(config.has(setup::CQE32));
        let mask = config.cq_entries - 1;
        let mut cqes = KVVec::with_capacity((count as usize) << shift, GFP_KERNEL_ACCOUNT)?;
        let mut is_second = false;
        for n in 0..count << shift {
            let at = (head << shift).wrapping_add(n);
            let cqe = self.state.entries.cqes.read(at);
            let flags = (cqe[1] >> 32) as u32;
            is_second =
                config.has(setup::CQE_MIXED) && !is_second && flags & cqe::TWICE_AS_LARGE != 0;
            // Both halves are side by side.
            if is_second && at & mask == mask {
                return Err(EOVERFLOW);
            }
            cqes.push(cqe, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(cqes)
    }
}
