// SPDX-License-Identifier: GPL-2.0

//! Memory that a ring and its program share for what they choose (IORING_REGISTER_MEM_REGION).

use super::Ring;
use crate::{
    sys::memory::{Charge, Region},
    uapi::{
        errno::{Result, EFAULT},
        structs::RegWait,
    },
};

/// Such memory. It stays as long as the ring.
pub(crate) struct ParamRegion {
    /// What can be mapped at IORING_MAP_OFF_PARAM_REGION, unless it is the program's own.
    pub(crate) region: Region,
    /// What its user is charged for, besides what is pinned.
    pub(crate) _charge: Option<Charge>,
    /// There are arguments for waits in it.
    pub(crate) has_waits: bool,
}

impl Ring {
    /// The argument for a wait that lies at byte `offset` of the ring's memory region.
    ///
    /// # Errors
    ///
    /// `-EFAULT` if there is none for such arguments, or if it has no such place.
    pub(crate) fn registered_wait(&self, offset: u64) -> Result<RegWait> {
        let param = self.param_region.as_ref().filter(|param| param.has_waits);
        param.ok_or(EFAULT)?.region.read_at(offset)
    }
}
