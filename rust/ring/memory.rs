// SPDX-License-Identifier: GPL-2.0

//! The memory that a ring shares with user space.

use crate::{
    sys::{
        memory::{Array, Indices, Region, Words},
        pin::Ledger,
    },
    uapi::{
        abi::setup,
        errno::{Result, EINVAL},
        setup::{layout, Config},
    },
};
use kernel::{alloc::flags::GFP_KERNEL_ACCOUNT, page::page_align, sync::Arc};

/// Both rings and the SQEs.
pub(crate) struct RingMemory {
    /// Heads, tails and flags, by the offsets of [`layout`].
    pub(crate) words: Words,
    /// The completions. One of twice the size is two elements, as is a submission.
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
    /// Memory for a ring of this shape: the user's at the addresses `user`, for the rings and for
    /// the SQEs, pinned and charged to that user, who may have `most` pages; else some that is charged to the memory cgroup.
    /// May sleep.
    pub(crate) fn new(config: &Config, user: Option<[u64; 2]>, most: usize) -> Result<Self> {
        let (rings, sqes) = match user {
            None => (
                Region::alloc(config.rings_size())?,
                Region::alloc(config.sqes_size())?,
            ),
            Some(addresses) => Self::pin(config, addresses, most)?,
        };
        let rings = Arc::new(rings, GFP_KERNEL_ACCOUNT)?;
        let sqes = Arc::new(sqes, GFP_KERNEL_ACCOUNT)?;
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
        // User memory has anything in it. What the entries have is not looked at before user space
        // has written them.
        words.store::<{ layout::SQ_HEAD }>(0);
        words.store::<{ layout::SQ_TAIL }>(0);
        words.store::<{ layout::CQ_HEAD }>(0);
        words.store::<{ layout::CQ_TAIL }>(0);
        words.store::<{ layout::SQ_DROPPED }>(0);
        words.store::<{ layout::SQ_FLAGS }>(0);
        words.store::<{ layout::CQ_FLAGS }>(0);
        words.store::<{ layout::CQ_OVERFLOW }>(0);
        words.store::<{ layout::SQ_MASK }>(config.sq_entries - 1);
        words.store::<{ layout::CQ_MASK }>(config.cq_entries - 1);
        words.store::<{ layout::SQ_ENTRIES }>(config.sq_entries);
        words.store::<{ layout::CQ_ENTRIES }>(config.cq_entries);
        Ok(Self {
            words,
            cqes: Array::new(rings.clone(), layout::CQES, config.cqe_slots())?,
            sqes: Array::new(sqes.clone(), 0, config.sqe_slots())?,
            indices,
            rings_region: rings,
            sqes_region: sqes,
        })
    }
    fn pin(config: &Config, [rings, sqes]: [u64; 2], most: usize) -> Result<(Region, Region)> {
        let whole = |size| page_align(size).ok_or(EINVAL);
        // Both may be in the same folio.
        let ledger = Ledger::new()?;
        Ok((
            Region::pin(rings, whole(config.rings_size())?, Some(&ledger), most)?,
            Region::pin(sqes, whole(config.sqes_size())?, Some(&ledger), most)?,
        ))
    }
}
