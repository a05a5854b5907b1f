// SPDX-License-Identifier: GPL-2.0

//! Rings that a task names by an index instead of a descriptor: how they are registered, and meant.

use super::{
    errno::{Result, EINVAL},
    structs::RsrcUpdate,
};
use core::ops::Range;

/// `IORING_REGISTER_RING_FDS`
pub(crate) const REGISTER: u32 = 20;
/// `IORING_UNREGISTER_RING_FDS`
pub(crate) const UNREGISTER: u32 = 21;
/// `IORING_ENTER_REGISTERED_RING`
pub(crate) const ENTER: u32 = 1 << 4;
/// `IORING_REGISTER_USE_REGISTERED_RING`, besides an opcode.
pub(crate) const USE: u32 = 1 << 31;
/// `IORING_REGISTER_SRC_REGISTERED`, of what buffers are cloned from.
pub(crate) const CLONE_FROM: u32 = 1 << 0;

/// How many rings a task can have registered.
pub(crate) const MOST: usize = 16;
/// The offset that stands for any that is free.
const ANY: u32 = u32::MAX;

/// `struct ruring_register_indexed`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct RegisterIndexed {
    /// Address of what the opcode takes.
    pub(crate) arg: u64,
    /// `IORING_REGISTER_*`, with [`USE`].
    pub(crate) opcode: u32,
    /// How many elements there are at `arg`.
    pub(crate) nr_args: u32,
    /// The index of the ring that is meant.
    pub(crate) index: u32,
    /// Must be 0.
    pub(crate) resv: u32,
}

/// How many elements a registration of rings may have.
///
/// # Errors
///
/// `-EINVAL` for none or more than there can be rings.
pub(crate) fn check_count(nr_args: u32) -> Result {
    if nr_args == 0 || nr_args as usize > MOST {
        return Err(EINVAL);
    }
    Ok(())
}

/// The index at which there may be a ring.
///
/// # Errors
///
/// `-EINVAL` for one at which there cannot.
pub(crate) fn check_index(index: u32) -> Result<usize> {
    let index = index as usize;
    if index >= MOST {
        return Err(EINVAL);
    }
    Ok(index)
}

/// Where a ring may be registered that `update` names.
///
/// # Errors
///
/// `-EINVAL` if it cannot be meant.
pub(crate) fn places(update: &RsrcUpdate) -> Result<Range<usize>> {
    if update.resv != 0 {
        return Err(EINVAL);
    }
    if update.offset == ANY {
        return Ok(0..MOST);
    }
    let index = check_index(update.offset)?;
    Ok(index..index + 1)
}

/// The index that is to be free, as `update` says.
///
/// # Errors
///
/// `-EINVAL` if it cannot be meant.
pub(crate) fn freed(update: &RsrcUpdate) -> Result<usize> {
    if update.resv != 0 || update.data != 0 {
        return Err(EINVAL);
    }
    check_index(update.offset)
}
