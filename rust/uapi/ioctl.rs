// SPDX-License-Identifier: GPL-2.0

//! The ioctls of `include/uapi/linux/ruring.h`.

const WRITE: u32 = 1;
const READ: u32 = 2;
const MAGIC: u32 = 0xb9;

const fn code(direction: u32, number: u32, size: u32) -> u32 {
    direction << 30 | size << 16 | MAGIC << 8 | number
}

/// `RURING_IOC_SETUP`, with a `struct ruring_setup`.
pub(crate) const SETUP: u32 = code(READ | WRITE, 0, 16);
/// `RURING_IOC_ENTER`, with a `struct ruring_enter`.
pub(crate) const ENTER: u32 = code(WRITE, 1, 32);
/// `RURING_IOC_REGISTER`, with a `struct ruring_register`.
pub(crate) const REGISTER: u32 = code(WRITE, 2, 16);
