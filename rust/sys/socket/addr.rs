// SPDX-License-Identifier: GPL-2.0

//! Addresses of sockets.

use crate::{
    sys::{bindings, user},
    uapi::{
        errno::{Result, EINVAL},
        number::family,
    },
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
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn read(addr: u64, len: usize) -> Result<Self> {
        let mut this = Self::new();
        let bytes = this.bytes.get_mut(..len).ok_or(EINVAL)?;
        user::read_into(addr, bytes)?;
        Ok(this)
    }

    /// The address family that the address says.
    pub(crate) fn family(&self) -> u16 {
        let [low, high, ..] = self.bytes;
        u16::from_ne_bytes([low, high])
    }

    /// Whether the first `len` bytes are a name that is looked up in file systems.
    pub(crate) fn names_file(&self, len: usize) -> bool {
        self.family() == family::UNIX && self.bytes(len).get(2).is_some_and(|first| *first != 0)
    }

    /// The first `len` bytes of the address.
    pub(crate) fn bytes(&self, len: usize) -> &[u8] {
        &self.bytes[..len.min(Self::SIZE)]
    }

    /// Copies an address of `len` bytes to user space, and `len` to the `int` at `len_addr`,
    /// which says how much room there is, as accept(2) does.
    ///
    /// # Errors
    ///
    /// `-EFAULT` if the memory cannot be read or written, `-EINVAL` for room of less than nothing.
    ///
    /// # Context
    ///
    /// May sleep.
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

/// An address that a socket is to have or to be connected to.
///
/// # Invariants
///
/// `len` is no more than [`SockAddr::SIZE`].
pub(crate) struct Address {
    addr: SockAddr,
    len: i32,
}

impl Address {
    /// Copies `len` bytes from user space.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if that is no length for an address, `-EFAULT` if it cannot be read.
    pub(crate) fn read(addr: u64, len: i32) -> Result<Self> {
        let size = usize::try_from(len).map_err(|_| EINVAL)?;
        // INVARIANT: A longer one is refused.
        Ok(Self {
            addr: SockAddr::read(addr, size)?,
            len,
        })
    }

    /// Whether it may be the name of a file, to be looked up in file systems.
    pub(crate) fn is_of_files(&self) -> bool {
        self.addr.family() == family::UNIX
    }

    /// The bytes of the address.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.addr.bytes(self.len as usize)
    }

    /// For other wrappers; valid as long as `self`.
    pub(in crate::sys) fn as_ptr(&self) -> *mut bindings::sockaddr_unsized {
        (&raw const self.addr).cast_mut().cast()
    }

    /// How many bytes the address has.
    pub(in crate::sys) fn len(&self) -> i32 {
        self.len
    }
}
