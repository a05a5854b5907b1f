// SPDX-License-Identifier: GPL-2.0

//! `io_uring_setup(2)`: the parameters, and where everything lies in the ring's memory.

use super::abi::{feat, setup, MAX_CQ_ENTRIES, MAX_ENTRIES};
use super::errno::{Result, EINVAL};

/// Bytes of a `struct io_uring_params`.
pub(crate) const PARAMS_SIZE: usize = 120;

/// `struct io_uring_params` as 30 words of 32 bits.
pub(crate) type Params = [u32; PARAMS_SIZE / 4];

/// `sq_off.user_addr` and `cq_off.user_addr`, two words each.
const SQ_USER_ADDR: usize = 18;
const CQ_USER_ADDR: usize = 28;

/// Bytes of an SQE.
pub(crate) const SQE_SIZE: usize = 64;
/// Bytes of a CQE.
pub(crate) const CQE_SIZE: usize = 16;

/// Byte offsets in the memory shared with user space, those of the kernel's `struct io_rings`.
pub(crate) mod layout {
    #![allow(missing_docs)]
    pub(crate) const SQ_HEAD: usize = 0;
    pub(crate) const SQ_TAIL: usize = 4;
    pub(crate) const CQ_HEAD: usize = 8;
    pub(crate) const CQ_TAIL: usize = 12;
    pub(crate) const SQ_MASK: usize = 16;
    pub(crate) const CQ_MASK: usize = 20;
    pub(crate) const SQ_ENTRIES: usize = 24;
    pub(crate) const CQ_ENTRIES: usize = 28;
    pub(crate) const SQ_DROPPED: usize = 32;
    pub(crate) const SQ_FLAGS: usize = 36;
    pub(crate) const CQ_FLAGS: usize = 40;
    pub(crate) const CQ_OVERFLOW: usize = 44;
    pub(crate) const CQES: usize = 64;
}

/// A ring's parameters, checked and rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// `IORING_SETUP_*`
    pub(crate) flags: u32,
    /// A power of two.
    pub(crate) sq_entries: u32,
    /// A power of two, no less than `sq_entries`.
    pub(crate) cq_entries: u32,
}

/// Parameters of the thread of a ring with IORING_SETUP_SQPOLL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThreadParams {
    /// The processor to run on, for IORING_SETUP_SQ_AFF.
    pub(crate) cpu: u32,
    /// Milliseconds to look in vain for.
    idle: u32,
    /// Descriptor of a ring to share with, for IORING_SETUP_ATTACH_WQ.
    pub(crate) wq_fd: i32,
}

impl ThreadParams {
    /// What user space asks for. Anything may be in those that are not asked for.
    pub(crate) const fn parse(params: &Params) -> Self {
        Self {
            cpu: params[3],
            idle: params[4],
            wq_fd: params[6] as i32,
        }
    }

    /// For how long the thread looks in vain before it sleeps; a second if nothing is said.
    pub(crate) const fn idle_nanoseconds(&self) -> i64 {
        let milliseconds = if self.idle == 0 { 1000 } else { self.idle };
        milliseconds as i64 * 1_000_000
    }
}

impl Config {
    /// What ruring can set up.
    pub(crate) const FLAGS: u32 = setup::IOPOLL
        | setup::SQPOLL
        | setup::SQ_AFF
        | setup::CQSIZE
        | setup::CLAMP
        | setup::ATTACH_WQ
        | setup::R_DISABLED
        | setup::SUBMIT_ALL
        | setup::COOP_TASKRUN
        | setup::TASKRUN_FLAG
        | setup::SINGLE_ISSUER
        | setup::DEFER_TASKRUN
        | setup::NO_MMAP
        | setup::NO_SQARRAY;

    /// Checks and rounds what user space asks for. Any fault is `-EINVAL`.
    pub(crate) fn parse(entries: u32, params: &Params) -> Result<Self> {
        let flags = params[2];
        let has = |bit| flags & bit != 0;
        if params[7..10].iter().any(|word| *word != 0)
            || flags & !Self::FLAGS != 0
            || (has(setup::TASKRUN_FLAG) && !has(setup::COOP_TASKRUN) && !has(setup::DEFER_TASKRUN))
            || (has(setup::DEFER_TASKRUN) && !has(setup::SINGLE_ISSUER))
            || (has(setup::SQPOLL) && (has(setup::COOP_TASKRUN) || has(setup::DEFER_TASKRUN)))
            || (has(setup::SQ_AFF) && !has(setup::SQPOLL))
        {
            return Err(EINVAL);
        }
        let clamp = |value: u32, limit: u32| match value {
            0 => Err(EINVAL),
            value if value <= limit => Ok(value),
            _ if has(setup::CLAMP) => Ok(limit),
            _ => Err(EINVAL),
        };
        let sq_entries = clamp(entries, MAX_ENTRIES)?.next_power_of_two();
        let cq_entries = if has(setup::CQSIZE) {
            clamp(params[1], MAX_CQ_ENTRIES)?.next_power_of_two()
        } else {
            2 * sq_entries
        };
        if cq_entries < sq_entries {
            return Err(EINVAL);
        }
        Ok(Self {
            flags,
            sq_entries,
            cq_entries,
        })
    }

    /// Whether a flag of `IORING_SETUP_*` is set.
    #[inline(always)]
    pub(crate) const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Offset of the SQ index array.
    pub(crate) const fn sq_array(&self) -> usize {
        let end = layout::CQES + self.cq_entries as usize * CQE_SIZE;
        (end + 63) & !63
    }

    /// Bytes of the memory that holds both rings.
    pub(crate) const fn rings_size(&self) -> usize {
        if self.has(setup::NO_SQARRAY) {
            self.sq_array()
        } else {
            self.sq_array() + self.sq_entries as usize * 4
        }
    }

    /// The user memory that the ring is to have, if it is to have any: where the rings lie, and
    /// where the SQEs.
    pub(crate) fn user_memory(&self, params: &Params) -> Option<[u64; 2]> {
        let address = |at: usize| u64::from(params[at]) | u64::from(params[at + 1]) << 32;
        self.has(setup::NO_MMAP)
            .then(|| [address(CQ_USER_ADDR), address(SQ_USER_ADDR)])
    }

    /// Bytes of the memory that holds the SQEs.
    pub(crate) const fn sqes_size(&self) -> usize {
        self.sq_entries as usize * SQE_SIZE
    }

    /// Writes what user space has to know into its parameters.
    pub(crate) fn fill(&self, params: &mut Params) {
        params[0] = self.sq_entries;
        params[1] = self.cq_entries;
        params[5] = feat::ALL;
        let sq = &mut params[10..20];
        sq[0] = layout::SQ_HEAD as u32;
        sq[1] = layout::SQ_TAIL as u32;
        sq[2] = layout::SQ_MASK as u32;
        sq[3] = layout::SQ_ENTRIES as u32;
        sq[4] = layout::SQ_FLAGS as u32;
        sq[5] = layout::SQ_DROPPED as u32;
        if !self.has(setup::NO_SQARRAY) {
            sq[6] = self.sq_array() as u32;
        }
        sq[7] = 0;
        let cq = &mut params[20..30];
        cq[0] = layout::CQ_HEAD as u32;
        cq[1] = layout::CQ_TAIL as u32;
        cq[2] = layout::CQ_MASK as u32;
        cq[3] = layout::CQ_ENTRIES as u32;
        cq[4] = layout::CQ_OVERFLOW as u32;
        cq[5] = layout::CQES as u32;
        cq[6] = layout::CQ_FLAGS as u32;
        cq[7] = 0;
        if !self.has(setup::NO_MMAP) {
            params[SQ_USER_ADDR..][..2].fill(0);
            params[CQ_USER_ADDR..][..2].fill(0);
        }
    }
}
