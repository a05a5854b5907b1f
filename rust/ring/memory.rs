// SPDX-License-Identifier: GPL-2.0

//! The memory that a ring shares with user space.

use crate::{
    sys::{
        memory::{Array, Indices, Region, Words},
        pin::FolioTable,
    },
    uapi::{
        abi::setup,
        errno::{Result, EINVAL, EOVERFLOW},
        setup::{layout, Config, UserMemory},
    },
};
use core::ops::Range;
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KVec},
    page::page_align,
    sync::{
        atomic::{Atomic, Relaxed},
        Arc,
    },
};

/// What of the memory that is shared stays where it is, and how large the rest is.
pub(crate) struct RingMemory {
    /// Heads, tails and flags, by the offsets of [`layout`].
    pub(crate) words: Words,
    /// How many entries the SQ ring has at the moment: a power of two.
    pub(super) sq_entries: Atomic<u32>,
    /// How many entries the CQ ring has at the moment: a power of two.
    pub(super) cq_entries: Atomic<u32>,
}

/// The entries of both rings.
pub(crate) struct RingEntries {
    /// The completions. One of twice the size is two elements, as is a submission.
    pub(crate) cqes: Array<2>,
    /// The submission queue's entries, of which each has eight words.
    pub(crate) sqes: Array<8>,
    /// Which SQE is next, unless they are taken in order.
    pub(crate) indices: Option<Indices>,
}

/// The memory of a ring that mmap(2) maps.
pub(crate) struct Mappings {
    /// At IORING_OFF_SQ_RING and IORING_OFF_CQ_RING: from the first byte of its region on.
    pub(crate) rings: RegionPart,
    /// What is mapped at IORING_OFF_SQES.
    pub(crate) sqes: RegionPart,
    /// Buffer groups, by their numbers.
    pub(crate) groups: KVec<(u16, Arc<Region>)>,
}

/// Bytes of a region, whole pages, that are mapped by themselves.
#[derive(Clone)]
pub(crate) struct RegionPart {
    /// The region, of which others may be another part.
    pub(crate) region: Arc<Region>,
    /// Which of its bytes they are.
    pub(crate) bytes: Range<usize>,
}

impl RegionPart {
    /// All of a region.
    pub(crate) fn whole(region: Arc<Region>) -> Self {
        let bytes = 0..region.len();
        Self { region, bytes }
    }
}

impl RingEntries {
    /// The entries of rings of this shape in such memory.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if the memory is too small for them.
    #[inline(always)] // ring/setup
    pub(crate) fn new(config: &Config, rings: &RegionPart, sqes: &RegionPart) -> Result<Self> {
        if config.rings_size() > rings.bytes.len() || config.sqes_size() > sqes.bytes.len() {
            return Err(EINVAL);
        }
        let indices = if config.has(setup::NO_SQARRAY) {
            None
        } else {
            let at = rings.bytes.start + config.sq_array();
            Some(Indices::new(rings.region.clone(), at, config.sq_entries)?)
        };
        let cqes = rings.bytes.start + layout::CQES;
        Ok(Self {
            cqes: Array::new(rings.region.clone(), cqes, config.cqe_slots())?,
            sqes: Array::new(sqes.region.clone(), sqes.bytes.start, config.sqe_slots())?,
            indices,
        })
    }
}

impl RingMemory {
    /// Memory for a ring of this shape: the user's at the addresses `user`, for the rings and for the SQEs, pinned
    /// and charged to that user, who may have `most` pages; else some that is charged to the memory cgroup.
    ///
    /// # Errors
    ///
    /// Those of [`Region::pin`] or of [`Region::alloc_shared`].
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn new(
        config: &Config,
        user: Option<UserMemory>,
        most: usize,
    ) -> Result<(Self, RingEntries, Mappings)> {
        let (rings, sqes) = match user {
            None => Self::alloc(config)?,
            Some(user) => Self::pin(config, user, most)?,
        };
        let entries = RingEntries::new(config, &rings, &sqes)?;
        let words = Words::new(rings.region.clone());
        if user.is_some() {
            // It has anything in it. What the entries have is not looked at before user space has written them.
            words.store::<{ layout::SQ_HEAD }>(0);
            words.store::<{ layout::SQ_TAIL }>(0);
            words.store::<{ layout::CQ_HEAD }>(0);
            words.store::<{ layout::CQ_TAIL }>(0);
            words.store::<{ layout::SQ_DROPPED }>(0);
            words.store::<{ layout::SQ_FLAGS }>(0);
            words.store::<{ layout::CQ_FLAGS }>(0);
            words.store::<{ layout::CQ_OVERFLOW }>(0);
            words.store::<{ layout::UNUSED }>(0);
            words.store::<{ layout::UNUSED + 4 }>(0);
            words.store::<{ layout::UNUSED + 8 }>(0);
            words.store::<{ layout::UNUSED + 12 }>(0);
        }
        let memory = Self {
            words,
            sq_entries: Atomic::new(0),
            cq_entries: Atomic::new(0),
        };
        memory.set_entries(config);
        let mappings = Mappings {
            rings,
            sqes,
            groups: KVec::new(),
        };
        Ok((memory, entries, mappings))
    }

    /// Has everybody know how many entries there are.
    pub(super) fn set_entries(&self, config: &Config) {
        self.sq_entries.store(config.sq_entries, Relaxed);
        self.cq_entries.store(config.cq_entries, Relaxed);
        let words = &self.words;
        words.store::<{ layout::SQ_MASK }>(config.sq_entries - 1);
        words.store::<{ layout::CQ_MASK }>(config.cq_entries - 1);
        words.store::<{ layout::SQ_ENTRIES }>(config.sq_entries);
        words.store::<{ layout::CQ_ENTRIES }>(config.cq_entries);
    }

    /// The memory of the rings and that of the SQEs: one block of pages, if it has as many as both need.
    fn alloc(config: &Config) -> Result<(RegionPart, RegionPart)> {
        let rings = page_align(config.rings_size()).ok_or(EOVERFLOW)?;
        let sqes = page_align(config.sqes_size()).ok_or(EOVERFLOW)?;
        let both = rings.checked_add(sqes).ok_or(EOVERFLOW)?;
        let region = if both.is_power_of_two() {
            Region::alloc_shared(both).ok()
        } else {
            None
        };
        // Smaller ones may be had where there is none as large, and need no mapping of their own.
        let Some(region) = region.filter(|region| region.is_block()) else {
            let alloc = |len| Region::alloc_shared(len).map(RegionPart::whole);
            return Ok((alloc(rings)?, alloc(sqes)?));
        };
        let part = |bytes| RegionPart {
            region: region.clone(),
            bytes,
        };
        Ok((part(0..rings), part(rings..both)))
    }

    #[inline(never)] // ring/setup
    fn pin(config: &Config, user: UserMemory, most: usize) -> Result<(RegionPart, RegionPart)> {
        // Both may be in the same folio.
        let folio_table = FolioTable::new()?;
        let pin = |addr, size| -> Result<_> {
            let len = page_align(size).ok_or(EINVAL)?;
            let region = Region::pin(addr, len, Some(&folio_table), most)?;
            Ok(RegionPart::whole(Arc::new(region, GFP_KERNEL_ACCOUNT)?))
        };
        Ok((
            pin(user.rings, config.rings_size())?,
            pin(user.sqes, config.sqes_size())?,
        ))
    }
}
