// SPDX-License-Identifier: GPL-2.0

//! Opening files by their names.
//!
//! C header: `include/linux/fs.h`.

use super::{bindings, fd::OpenFile};
use crate::uapi::{
    abi::open,
    errno::{Errno, Result, EAGAIN, EFAULT, ENAMETOOLONG, ENOENT},
};
use kernel::{alloc::flags::GFP_KERNEL_ACCOUNT, prelude::*};

/// A file's name, copied from user space.
///
/// # Invariants
///
/// The bytes end with the only one that is 0.
pub(crate) struct Path(KVec<u8>);

impl Path {
    /// Room for the longest that there are, with the zero.
    const MAX: usize = 4096;

    /// Copies the string at user address `addr`.
    ///
    /// # Errors
    ///
    /// `-EFAULT`, `-ENOENT` if it is empty, `-ENAMETOOLONG` if it is too long, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn read(addr: u64) -> Result<Self> {
        let path = Self::read_any(addr)?;
        if path.0.len() == 1 {
            return Err(ENOENT);
        }
        Ok(path)
    }

    /// As [`Path::read`], but it may be empty.
    ///
    /// # Errors
    ///
    /// Those of [`Path::read`], save for `-ENOENT`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn read_any(addr: u64) -> Result<Self> {
        let mut bytes = KVec::with_capacity(Self::MAX, GFP_KERNEL_ACCOUNT)?;
        // SAFETY: There is room for that many.
        let len = unsafe {
            bindings::strncpy_from_user(bytes.as_mut_ptr(), addr as *const _, Self::MAX as isize)
        };
        match usize::try_from(len) {
            Err(_) => Err(EFAULT),
            Ok(len) if len >= Self::MAX => Err(ENAMETOOLONG),
            Ok(len) => {
                // SAFETY: These and a zero have been copied, and there is room for them.
                unsafe { bytes.inc_len(len + 1) };
                // INVARIANT: Copying ended with the first zero.
                Ok(Self(bytes))
            }
        }
    }

    /// The name as a string that ends with a zero byte, valid as long as `self`.
    pub(super) fn as_ptr(&self) -> *const kernel::ffi::c_char {
        self.0.as_ptr().cast()
    }

    /// Whether it begins at the root directory.
    pub(crate) fn is_absolute(&self) -> bool {
        self.0.first() == Some(&b'/')
    }

    /// Opens the file as the current task would by open(2), with its credentials, its root and its working directory. Unless
    /// `force_async`, what opens with `O_NONBLOCK` is opened so: as io_uring's first attempt, which does not wait for the
    /// other end of a FIFO.
    ///
    /// # Errors
    ///
    /// Those of open(2).
    ///
    /// # Context
    ///
    /// May sleep, and what is opened may say how long.
    pub(crate) fn open(&self, flags: u32, mode: u32, force_async: bool) -> Result<OpenFile> {
        if !force_async {
            match self.open_raw(flags | open::NONBLOCK, mode) {
                Err(EAGAIN) => {}
                opened => {
                    let opened = opened?;
                    if flags & open::NONBLOCK == 0 {
                        opened.may_block();
                    }
                    return Ok(opened);
                }
            }
        }
        self.open_raw(flags, mode)
    }

    fn open_raw(&self, flags: u32, mode: u32) -> Result<OpenFile> {
        let path = self.as_ptr();
        // SAFETY: By the type invariants it is a string. What is opened comes with a reference.
        unsafe { OpenFile::from_result(bindings::ruring_open(path, flags as i32, mode as u16)) }
            .map_err(Errno::without_restart)
    }
}
