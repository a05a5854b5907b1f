// SPDX-License-Identifier: GPL-2.0

//! `IORING_REGISTER_MEM_REGION`.

use crate::{
    ring::{region::ParamRegion, Ring},
    sys::{memory::Region, user},
    uapi::{
        abi::off,
        errno::{Result, EBUSY, EINVAL},
        region,
        structs::{MemRegionReg, RegionDesc},
    },
};

impl Ring {
    /// Registers what the `struct io_uring_mem_region_reg` at user address `arg` says.
    ///
    /// # Errors
    ///
    /// `-EBUSY` if there is one, `-EINVAL` for arguments of waits if the ring may be used already, and those of
    /// [`RegionDesc::parse`], [`Region::pin`] and [`Region::alloc_charged`].
    ///
    /// # Context
    ///
    /// May sleep, while that memory is read or pinned. The ring is not locked.
    pub(super) fn register_region(&self, arg: u64) -> Result {
        if self.param_region.as_ref().is_some() {
            return Err(EBUSY);
        }
        let reg: MemRegionReg = user::read(arg)?;
        let mut desc: RegionDesc = user::read(reg.region_uptr)?;
        if reg.resv != [0; 2] || reg.flags & !region::REG_WAIT_ARG != 0 {
            return Err(EINVAL);
        }
        let has_waits = reg.flags & region::REG_WAIT_ARG != 0;
        if has_waits && self.is_enabled() {
            return Err(EINVAL);
        }
        let (addr, size) = desc.parse()?;
        let most = self.policy.limits.pinned;
        let (memory, charge) = match addr {
            Some(addr) => (Region::pin(addr, size, None, most)?, None),
            None => {
                desc.mmap_offset = off::PARAM_REGION;
                let (region, charge) = Region::alloc_charged(size, most)?;
                (region, Some(charge))
            }
        };
        user::write(reg.region_uptr, &desc)?;
        let param = ParamRegion {
            region: memory,
            _charge: charge,
            has_waits,
        };
        // Of several at once one may. The ring is not locked, because user memory may be a file server's.
        if self.param_region.populate(param) {
            Ok(())
        } else {
            Err(EBUSY)
        }
    }
}
