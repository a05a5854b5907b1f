// SPDX-License-Identifier: GPL-2.0

//! `io_uring_setup(2)`: the parameters, and where everything lies in the ring's memory.

use super::abi::{feat, setup, MAX_CQ_ENTRIES, MAX_ENTRIES};
use super::errno::{Result, EINVAL, EOVERFLOW};
use super::structs::{CqOffsets, Params, SqOffsets};

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
    pub(crate) const UNUSED: usize = 48;
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
            cpu: params.sq_thread_cpu,
            idle: params.sq_thread_idle,
            wq_fd: params.wq_fd,
        }
    }

    /// For how long the thread looks in vain before it sleeps; a second if nothing is said.
    pub(crate) const fn idle_nanoseconds(&self) -> i64 {
        let milliseconds = if self.idle == 0 { 1000 } else { self.idle };
        milliseconds as i64 * 1_000_000
    }
}

/// The addresses of user memory that a ring is to lie in (`IORING_SETUP_NO_MMAP`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UserMemory {
    /// Where both rings lie.
    pub(crate) rings: u64,
    /// Where the SQEs lie.
    pub(crate) sqes: u64,
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
        | setup::SQE128
        | setup::CQE32
        | setup::SINGLE_ISSUER
        | setup::DEFER_TASKRUN
        | setup::NO_MMAP
        | setup::REGISTERED_FD_ONLY
        | setup::NO_SQARRAY
        | setup::CQE_MIXED
        | setup::SQE_MIXED
        | setup::SQ_REWIND;

    /// Checks and rounds what user space asks for.
    ///
    /// # Errors
    ///
    /// `-EOVERFLOW` for too few entries that may be of two sizes, `-EINVAL` for any other fault.
    pub(crate) fn parse(entries: u32, params: &Params) -> Result<Self> {
        let flags = params.flags;
        let has = |bit| flags & bit != 0;
        if params.resv != [0; 3]
            || flags & !Self::FLAGS != 0
            || (has(setup::REGISTERED_FD_ONLY) && !has(setup::NO_MMAP))
            || (has(setup::TASKRUN_FLAG) && !has(setup::COOP_TASKRUN) && !has(setup::DEFER_TASKRUN))
            || (has(setup::DEFER_TASKRUN) && !has(setup::SINGLE_ISSUER))
            || (has(setup::SQPOLL) && (has(setup::COOP_TASKRUN) || has(setup::DEFER_TASKRUN)))
            || (has(setup::SQ_REWIND) && (has(setup::SQPOLL) || !has(setup::NO_SQARRAY)))
            || (has(setup::CQE32) && has(setup::CQE_MIXED))
            || (has(setup::SQE128) && has(setup::SQE_MIXED))
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
            clamp(params.cq_entries, MAX_CQ_ENTRIES)?.next_power_of_two()
        } else {
            2 * sq_entries
        };
        if cq_entries < sq_entries {
            return Err(EINVAL);
        }
        if (has(setup::CQE_MIXED) && cq_entries < 2) || (has(setup::SQE_MIXED) && sq_entries < 2) {
            return Err(EOVERFLOW);
        }
        Ok(Self {
            flags,
            sq_entries,
            cq_entries,
        })
    }

    /// Whether a flag of `IORING_SETUP_*` is set.
    pub(crate) const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Whether completions may be of twice the size.
    pub(crate) const fn has_large_cqes(&self) -> bool {
        self.has(setup::CQE32 | setup::CQE_MIXED)
    }

    /// Whether submissions may be of twice the size, or do not follow one another for ever.
    pub(crate) const fn has_other_sqes(&self) -> bool {
        self.has(setup::SQE128 | setup::SQE_MIXED | setup::SQ_REWIND)
    }

    /// How many completions of the usual size the memory for them holds.
    pub(crate) const fn cqe_slots(&self) -> u32 {
        self.cq_entries << (self.has(setup::CQE32) as u32)
    }

    /// How many submissions of the usual size the memory for them holds.
    pub(crate) const fn sqe_slots(&self) -> u32 {
        self.sq_entries << (self.has(setup::SQE128) as u32)
    }

    /// Offset of the SQ index array.
    pub(crate) const fn sq_array(&self) -> usize {
        // As io_uring, which doubles what is before the completions as well.
        let end =
            (layout::CQES + self.cq_entries as usize * CQE_SIZE) << self.has(setup::CQE32) as u32;
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

    /// The user memory that the ring is to have, if it is to have any.
    pub(crate) fn user_memory(&self, params: &Params) -> Option<UserMemory> {
        self.has(setup::NO_MMAP).then_some(UserMemory {
            rings: params.cq_off.user_addr,
            sqes: params.sq_off.user_addr,
        })
    }

    /// Bytes of the memory that holds the SQEs.
    pub(crate) const fn sqes_size(&self) -> usize {
        self.sqe_slots() as usize * SQE_SIZE
    }

    /// Writes what user space has to know into its parameters.
    pub(crate) fn fill(&self, params: &mut Params) {
        params.sq_entries = self.sq_entries;
        params.cq_entries = self.cq_entries;
        params.features = feat::ALL;
        // What has no place stays as it was.
        let array = if self.has(setup::NO_SQARRAY) {
            params.sq_off.array
        } else {
            self.sq_array() as u32
        };
        let UserMemory { rings, sqes } = self.user_memory(params).unwrap_or_default();
        params.sq_off = SqOffsets {
            head: layout::SQ_HEAD as u32,
            tail: layout::SQ_TAIL as u32,
            ring_mask: layout::SQ_MASK as u32,
            ring_entries: layout::SQ_ENTRIES as u32,
            flags: layout::SQ_FLAGS as u32,
            dropped: layout::SQ_DROPPED as u32,
            array,
            resv: 0,
            user_addr: sqes,
        };
        params.cq_off = CqOffsets {
            head: layout::CQ_HEAD as u32,
            tail: layout::CQ_TAIL as u32,
            ring_mask: layout::CQ_MASK as u32,
            ring_entries: layout::CQ_ENTRIES as u32,
            overflow: layout::CQ_OVERFLOW as u32,
            cqes: layout::CQES as u32,
            flags: layout::CQ_FLAGS as u32,
            resv: 0,
            user_addr: rings,
        };
    }
}
