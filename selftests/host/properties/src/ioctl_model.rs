// SPDX-License-Identifier: GPL-2.0

//! The part of `kernel::ioctl` that pure code uses.

const fn code(direction: u32, magic: u32, number: u32, size: usize) -> u32 {
    direction << 30 | (size as u32) << 16 | magic << 8 | number
}

#[allow(non_snake_case)]
pub(crate) const fn _IOW<T>(magic: u32, number: u32) -> u32 {
    code(1, magic, number, size_of::<T>())
}

#[allow(non_snake_case)]
pub(crate) const fn _IOWR<T>(magic: u32, number: u32) -> u32 {
    code(3, magic, number, size_of::<T>())
}
