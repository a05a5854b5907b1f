// SPDX-License-Identifier: GPL-2.0

//! Memory that a ring and its program share for what they choose: how it is registered, and what lies in it.

use super::{
    errno::{Result, E2BIG, EFAULT, EINVAL, EOVERFLOW},
    structs::Timespec,
};

/// `IORING_MEM_REGION_TYPE_USER` of [`RegionDesc`]: the memory is the program's.
pub(crate) const TYPE_USER: u32 = 1;
/// `IORING_MEM_REGION_REG_WAIT_ARG` of [`MemRegionReg`]: it has arguments for waits.
pub(crate) const REG_WAIT_ARG: u64 = 1;
/// `IORING_REG_WAIT_TS` of [`RegWait`]: it has a time.
pub(crate) const WAIT_TS: u32 = 1;

/// `struct io_uring_mem_region_reg`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct MemRegionReg {
    /// Address of a [`RegionDesc`].
    pub(crate) region_uptr: u64,
    /// `IORING_MEM_REGION_REG_*`
    pub(crate) flags: u64,
    /// Must be 0.
    pub(crate) resv: [u64; 2],
}

/// `struct io_uring_region_desc`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct RegionDesc {
    /// Address of the memory, if it is the program's.
    pub(crate) user_addr: u64,
    /// Bytes of it.
    pub(crate) size: u64,
    /// `IORING_MEM_REGION_TYPE_*`
    pub(crate) flags: u32,
    /// Must be 0.
    pub(crate) id: u32,
    /// Where it can be mapped, if it is not the program's: for the kernel to say.
    pub(crate) mmap_offset: u64,
    /// Must be 0.
    pub(crate) resv: [u64; 4],
}

impl RegionDesc {
    /// How many bytes of the program's memory are asked for from which address on, or how many of the kernel's.
    ///
    /// # Errors
    ///
    /// `-EINVAL`; `-EFAULT` for an address that is not asked for, or is missing; `-E2BIG`, `-EOVERFLOW`.
    pub(crate) fn parse(&self) -> Result<(Option<u64>, usize)> {
        const PAGE_MASK: u64 = 4095;
        if self.resv != [0; 4] || self.flags & !TYPE_USER != 0 {
            return Err(EINVAL);
        }
        let of_user = self.flags & TYPE_USER != 0;
        if of_user != (self.user_addr != 0) {
            return Err(EFAULT);
        }
        if self.size == 0 || self.mmap_offset != 0 || self.id != 0 {
            return Err(EINVAL);
        }
        if self.size / (PAGE_MASK + 1) > i32::MAX as u64 {
            return Err(E2BIG);
        }
        if (self.user_addr | self.size) & PAGE_MASK != 0 {
            return Err(EINVAL);
        }
        self.user_addr.checked_add(self.size).ok_or(EOVERFLOW)?;
        Ok((of_user.then_some(self.user_addr), self.size as usize))
    }
}

/// `struct io_uring_reg_wait`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct RegWait {
    /// How long to wait at most.
    pub(crate) ts: Timespec,
    /// Microseconds to wait at least, if not all comes that is waited for.
    pub(crate) min_wait_usec: u32,
    /// `IORING_REG_WAIT_*`
    pub(crate) flags: u32,
    /// Address of a signal mask, or 0.
    pub(crate) sigmask: u64,
    /// Bytes of that.
    pub(crate) sigmask_sz: u32,
    /// Not looked at.
    pub(crate) pad: [u32; 3],
    /// Not looked at.
    pub(crate) pad2: [u64; 2],
}
