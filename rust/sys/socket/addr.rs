// SPDX-License-Identifier: GPL-2.0

//! Addresses of sockets.

use crate::{
    sys::user,
    uapi::errno::{Result, EINVAL},
};

/// An address of any family, as bytes.
#[repr(C, align(8))]
pub(crate) struct SockAddr {
    bytes: [u8; Self::SIZE],
}

impl SockAddr {
    /// Bytes of a `struct sockaddr_storage`.
    pub(crate) const SIZE: usize = 128;

    /// An address of no family.
    pub(crate) fn new() -> Self {
        Self {
            bytes: [0; Self::SIZE],
        }
    }

    /// Copies `len` bytes from user space.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if that is too long for an address, `-EFAULT` if it cannot be read.
    pub(crate) fn read(addr: u64, len: usize) -> Result<Self> {
        let mut this = Self::new();
        let bytes = this.bytes.get_mut(..len).ok_or(EINVAL)?;
        user::read_into(addr, bytes)?;
        Ok(this)
    }

    /// Its family.
    pub(crate) fn family(&self) -> u16 {
        let [low, high, ..] = self.bytes;
        u16::from_ne_bytes([low, high])
    }

    /// The first `len` bytes.
    pub(crate) fn bytes(&self, len: usize) -> &[u8] {
        &self.bytes[..len.min(Self::SIZE)]
    }

    /// Copies an address of `len` bytes to user space, and `len` to the `int` at `len_addr`,
    /// which says how much room there is, as accept(2) does.
    ///
    /// # Errors
    ///
    /// `-EFAULT` if the memory cannot be read or written, `-EINVAL` for room of less than nothing.
    pub(crate) fn write(&self, len: usize, addr: u64, len_addr: u64) -> Result {
        let mut room = [0i32];
        user::read_into(len_addr, &mut room)?;
        let [room] = room;
        if room < 0 {
            return Err(EINVAL);
        }
        // The length first: it is there also if there is no room for the address where it should go.
        user::write(len_addr, &(len as i32))?;
        user::write_from(addr, self.bytes(len.min(room as usize)))
    }
}
