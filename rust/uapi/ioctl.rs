// SPDX-License-Identifier: GPL-2.0

//! The ioctls of `include/uapi/linux/ruring.h`.

use super::structs::{Enter, Register, RegisterIndexed, Setup};

#[cfg(not(test))]
use kernel::ioctl::{_IOW, _IOWR};

#[cfg(test)]
use super::ioctl_model::{_IOW, _IOWR};

const MAGIC: u32 = 0xb9;

/// `RURING_IOC_SETUP`
pub(crate) const SETUP: u32 = _IOWR::<Setup>(MAGIC, 0);
/// `RURING_IOC_ENTER`
pub(crate) const ENTER: u32 = _IOW::<Enter>(MAGIC, 1);
/// `RURING_IOC_REGISTER`
pub(crate) const REGISTER: u32 = _IOW::<Register>(MAGIC, 2);
/// `RURING_IOC_REGISTER_INDEXED`
pub(crate) const REGISTER_INDEXED: u32 = _IOW::<RegisterIndexed>(MAGIC, 3);
