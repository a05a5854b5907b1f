// SPDX-License-Identifier: GPL-2.0

//! The memory that a ring shares with user space.

use crate::{
    sys::memory::{Array, Indices, Region, Words},
    uapi::{
        abi::setup,
        errno::Result,
        setup::{layout, Config},
    },
};
use kernel::{alloc::flags::GFP_KERNEL_ACCOUNT, sync::Arc};

/// Both rings and the SQEs.
pub(crate) struct RingMemory {
    /// Heads, tails and flags, by the offsets of [`layout`].
    pub(crate) words: Words,
    /// The completions.
    pub(crate) cqes: Array<2>,
    /// The submissions.
    pub(crate) sqes: Array<8>,
    /// Which SQE is next, unless they are taken in order.
    pub(crate) indices: Option<Indices>,
    /// What is mapped at IORING_OFF_SQ_RING and IORING_OFF_CQ_RING.
    pub(crate) rings_region: Arc<Region>,
    /// What is mapped at IORING_OFF_SQES.
    pub(crate) sqes_region: Arc<Region>,
}

impl RingMemory {
    /// Memory for a ring of this shape, charged to the memory cgroup. May sleep.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let rings = Arc::new(Region::alloc(config.rings_size())?, GFP_KERNEL_ACCOUNT)?;
        let sqes = Arc::new(Region::alloc(config.sqes_size())?, GFP_KERNEL_ACCOUNT)?;
        let indices = if config.has(setup::NO_SQARRAY) {
            None
        } else {
            Some(Indices::new(
                rings.clone(),
                config.sq_array(),
                config.sq_entries,
            )?)
        };
        let words = Words::new(rings.clone());
        words.store::<{ layout::SQ_MASK }>(config.sq_entries - 1);
        words.store::<{ layout::CQ_MASK }>(config.cq_entries - 1);
        words.store::<{ layout::SQ_ENTRIES }>(config.sq_entries);
        words.store::<{ layout::CQ_ENTRIES }>(config.cq_entries);
        Ok(Self {
            words,
            cqes: Array::new(rings.clone(), layout::CQES, config.cq_entries)?,
            sqes: Array::new(sqes.clone(), 0, config.sq_entries)?,
            indices,
            rings_region: rings,
            sqes_region: sqes,
        })
    }
}
