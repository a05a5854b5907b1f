// SPDX-License-Identifier: GPL-2.0

//! Copying to and from user space.
//!
//! C header: `include/linux/uaccess.h`.

use super::{bindings, calls};
use crate::uapi::{
    abi::MAX_RW_COUNT,
    errno::{Errno, Result, EFAULT, EINVAL, EMSGSIZE, ENOMEM},
    structs::{Enter, MsgHdr, UserIovec},
};
use core::{
    mem::{offset_of, MaybeUninit},
    ops::Deref,
};
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    prelude::*,
    transmute::{AsBytes, FromBytes},
    uaccess::{UserPtr, UserSlice},
};

impl From<Error> for Errno {
    fn from(error: Error) -> Self {
        Errno::from_raw(error.to_errno())
    }
}

impl From<kernel::alloc::AllocError> for Errno {
    fn from(_: kernel::alloc::AllocError) -> Self {
        crate::uapi::errno::ENOMEM
    }
}

/// Reads a `T` at user address `addr`.
///
/// # Errors
///
/// `-EFAULT` if it cannot be read.
///
/// # Context
///
/// May sleep.
pub(crate) fn read<T: FromBytes>(addr: u64) -> Result<T> {
    UserSlice::new(UserPtr::from_addr(addr as usize), size_of::<T>())
        .reader()
        .read()
        .map_err(|_| EFAULT)
}

/// Reads the `T` with this number of those at user address `addr`, if that is not 0.
///
/// # Errors
///
/// `-EFAULT` if it cannot be read.
///
/// # Context
///
/// May sleep.
pub(crate) fn read_nth<T: FromBytes>(addr: u64, number: u32) -> Result<Option<T>> {
    if addr == 0 {
        return Ok(None);
    }
    let at = u64::from(number) * size_of::<T>() as u64;
    read(addr.wrapping_add(at)).map(Some)
}

/// Copies `out` from user address `addr`.
///
/// # Errors
///
/// `-EFAULT` if that cannot be read.
///
/// # Context
///
/// May sleep.
pub(crate) fn read_into<T: FromBytes + AsBytes>(addr: u64, out: &mut [T]) -> Result {
    let bytes = out.as_bytes_mut();
    UserSlice::new(UserPtr::from_addr(addr as usize), bytes.len())
        .reader()
        .read_slice(bytes)
        .map_err(|_| EFAULT)
}

/// As [`read_into`], into memory that need not be initialised. All of it is on success.
///
/// # Errors
///
/// `-EFAULT` if that cannot be read.
///
/// # Context
///
/// May sleep.
pub(super) fn read_raw(addr: u64, bytes: &mut [MaybeUninit<u8>]) -> Result {
    UserSlice::new(UserPtr::from_addr(addr as usize), bytes.len())
        .reader()
        .read_raw(bytes)
        .map_err(|_| EFAULT)
}

/// Reads what `enter` is called with, the quick way.
///
/// # Errors
///
/// `-EFAULT` if it cannot be read.
#[inline]
pub(crate) fn read_enter(addr: u64) -> Result<Enter> {
    const _: () = assert!(size_of::<Enter>() == 4 * size_of::<u64>());
    let mut enter = Enter::default();
    let words = core::ptr::from_mut(&mut enter).cast();
    // SAFETY: There is room for four words, and any are an `Enter`.
    match unsafe { bindings::ruring_read_words4(words, addr as *const _) } {
        0 => Ok(enter),
        _ => Err(EFAULT),
    }
}

/// Finds out whether the `len` bytes at `addr`, or as many of them as are transferred at a time, can be a user
/// program's.
///
/// # Errors
///
/// `-EFAULT` if not.
#[inline]
pub(crate) fn check_buffer(addr: u64, len: u32) -> Result {
    if !access_ok(addr, (len as usize).min(MAX_RW_COUNT)) {
        return Err(EFAULT);
    }
    Ok(())
}

/// Copies `data` to user address `addr`.
///
/// # Errors
///
/// `-EFAULT` if that cannot be written.
///
/// # Context
///
/// May sleep.
pub(crate) fn write<T: AsBytes>(addr: u64, data: &T) -> Result {
    write_from(addr, core::slice::from_ref(data))
}

/// Copies all of `data` to user address `addr`.
///
/// # Errors
///
/// `-EFAULT` if that cannot be written.
///
/// # Context
///
/// May sleep.
pub(crate) fn write_from<T: AsBytes>(addr: u64, data: &[T]) -> Result {
    let bytes = data.as_bytes();
    UserSlice::new(UserPtr::from_addr(addr as usize), bytes.len())
        .writer()
        .write_slice(bytes)
        .map_err(|_| EFAULT)
}

/// Whether `len` bytes at `addr` are in user space at all.
#[inline]
pub(crate) fn access_ok(addr: u64, len: usize) -> bool {
    calls::ruring_access_ok(addr as *const _, len)
}

/// `index`, which is below `size`, also where the processor guesses that it is not.
#[inline]
pub(crate) fn index_nospec(index: usize, size: usize) -> usize {
    calls::ruring_index_nospec(index, size)
}

impl MsgHdr {
    /// Offset of `msg_namelen`.
    pub(crate) const NAME_LEN: u64 = offset_of!(bindings::user_msghdr, msg_namelen) as u64;
    /// Offset of `msg_controllen`.
    pub(crate) const CONTROL_LEN: u64 = offset_of!(bindings::user_msghdr, msg_controllen) as u64;
    /// Offset of `msg_flags`.
    pub(crate) const FLAGS: u64 = offset_of!(bindings::user_msghdr, msg_flags) as u64;

    /// Copies its vector from user space, which is one of a registered buffer if it is `fixed`.
    ///
    /// # Errors
    ///
    /// `-EMSGSIZE` for too many elements; those of [`Vector::read`], or of [`Vector::read_fixed`].
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn vector(&self, fixed: bool) -> Result<Vector> {
        if self.iov_len > UIO_MAXIOV {
            return Err(EMSGSIZE);
        }
        if fixed {
            return Vector::read_fixed(self.iov, self.iov_len);
        }
        Vector::read(self.iov, self.iov_len)
    }
}

/// One element of a `struct iovec` array.
///
/// # Invariants
///
/// It is memory of user space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct IoVec {
    base: u64,
    len: u64,
}

/// Most elements of a vector.
pub(crate) const UIO_MAXIOV: u64 = 1024;

/// How many pieces of 16 bytes kmalloc() has memory for at most.
pub(crate) const MOST_PIECES: u64 = kernel::bindings::KMALLOC_MAX_SIZE as u64 / 16;

/// Copies `count` elements of a vector.
///
/// # Errors
///
/// `-EMSGSIZE` for too many, `-EINVAL` for a negative length, `-EFAULT` for what is not in user space, `-ENOMEM`.
///
/// # Context
///
/// May sleep.
pub(crate) fn read_iovec(addr: u64, count: u64) -> Result<KVec<IoVec>> {
    if count > UIO_MAXIOV {
        return Err(EMSGSIZE);
    }
    let mut vec = KVec::with_capacity(count as usize, GFP_KERNEL_ACCOUNT)?;
    if count == 1 {
        vec.push(IoVec::read_only_one(addr)?, GFP_KERNEL_ACCOUNT)?;
        return Ok(vec);
    }
    // All of them are read before it is asked where they are.
    let mut outside = None;
    for index in 0..count {
        let piece = IoVec::user(addr.wrapping_add(index * 16))?;
        match IoVec::new(piece.iov_base, piece.iov_len as usize) {
            Ok(piece) => vec.push(piece, GFP_KERNEL_ACCOUNT)?,
            Err(error) => outside = Some(error),
        }
    }
    outside.map_or(Ok(vec), Err)
}

/// How many bytes the one element of a vector has.
///
/// # Errors
///
/// `-EINVAL` for a negative length, `-EFAULT` if the element cannot be read.
///
/// # Context
///
/// May sleep.
pub(crate) fn read_iovec_len(addr: u64) -> Result<usize> {
    Ok(IoVec::user(addr)?.iov_len as usize)
}

impl IoVec {
    /// The `len` bytes at `base`.
    ///
    /// # Errors
    ///
    /// `-EFAULT` for what is not in user space.
    #[inline]
    pub(crate) fn new(base: u64, len: usize) -> Result<Self> {
        if !access_ok(base, len) {
            return Err(EFAULT);
        }
        // INVARIANT: Just checked.
        Ok(Self {
            base,
            len: len as u64,
        })
    }

    /// The address that the piece begins at.
    #[inline]
    pub(crate) const fn base(self) -> u64 {
        self.base
    }

    /// How many bytes the piece has.
    #[inline]
    pub(crate) const fn len(self) -> usize {
        self.len as usize
    }

    fn user(addr: u64) -> Result<UserIovec> {
        let piece: UserIovec = read(addr)?;
        if (piece.iov_len as i64).is_negative() {
            return Err(EINVAL);
        }
        Ok(piece)
    }

    /// The element of a vector that has no other, of which no more than can be transferred at once has to be in user space,
    /// see `import_iovec()`.
    fn read_only_one(addr: u64) -> Result<Self> {
        let piece = Self::user(addr)?;
        Self::new(piece.iov_base, (piece.iov_len as usize).min(MAX_RW_COUNT))
    }

    /// An element of a registered buffer, which need not have it. What is not in user space is in no buffer, and
    /// neither is what begins at address 0, or is as long as this: it is found out when the buffer is looked up.
    fn read_fixed(addr: u64) -> Result<Self> {
        const LONG: u64 = 1 << 46;
        let piece = Self::user(addr)?;
        let len = piece.iov_len.min(LONG) as usize;
        Self::new(piece.iov_base, len).or_else(|_| Self::new(0, len))
    }
}

/// Up to `N` pieces, which need no memory of their own.
///
/// # Invariants
///
/// The first `len` slots are initialised, which are no more than there are.
pub(crate) struct IoVecArray<const N: usize> {
    slots: [MaybeUninit<IoVec>; N],
    len: usize,
}

impl<const N: usize> IoVecArray<N> {
    /// An array without a piece in it.
    pub(crate) const fn new() -> Self {
        // INVARIANT: There are none.
        Self {
            slots: [MaybeUninit::uninit(); N],
            len: 0,
        }
    }

    /// Adds one; false if there is no room.
    #[inline]
    pub(crate) fn push(&mut self, piece: IoVec) -> bool {
        let Some(slot) = self.slots.get_mut(self.len) else {
            return false;
        };
        slot.write(piece);
        // INVARIANT: There is a slot at `len`, which was just written.
        self.len += 1;
        true
    }
}

impl<const N: usize> Deref for IoVecArray<N> {
    type Target = [IoVec];

    #[inline]
    fn deref(&self) -> &[IoVec] {
        // SAFETY: By the type invariant, and a `MaybeUninit` is laid out as what it may hold.
        unsafe { core::slice::from_raw_parts(self.slots.as_ptr().cast(), self.len) }
    }
}

/// A vector, which needs no memory of its own for a single piece.
pub(crate) enum Vector {
    /// One piece, which needs no memory of its own.
    One([IoVec; 1]),
    /// Any other number of them.
    Many(KVec<IoVec>),
}

impl Vector {
    /// Copies a vector of `count` elements from user memory.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for too many, else those of [`read_iovec`].
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn read(addr: u64, count: u64) -> Result<Self> {
        if count > UIO_MAXIOV {
            return Err(EINVAL);
        }
        if count == 1 {
            return Ok(Self::One([IoVec::read_only_one(addr)?]));
        }
        Ok(Self::Many(read_iovec(addr, count)?))
    }

    /// Copies `count` elements that are to be of a registered buffer.
    ///
    /// # Errors
    ///
    /// `-ENOMEM` for as many as io_uring has no memory for, which it asks for before it counts them; `-EINVAL` for too many,
    /// or a negative length; `-EFAULT` if they cannot be read. Where they are is not looked at.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn read_fixed(addr: u64, count: u64) -> Result<Self> {
        if count > MOST_PIECES {
            return Err(ENOMEM);
        }
        if count > UIO_MAXIOV {
            return Err(EINVAL);
        }
        if count == 1 {
            return Ok(Self::One([IoVec::read_fixed(addr)?]));
        }
        let mut vec = KVec::with_capacity(count as usize, GFP_KERNEL_ACCOUNT)?;
        for index in 0..count {
            let piece = IoVec::read_fixed(addr.wrapping_add(index * 16))?;
            vec.push(piece, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(Self::Many(vec))
    }
}

impl Deref for Vector {
    type Target = [IoVec];

    fn deref(&self) -> &[IoVec] {
        match self {
            Self::One(piece) => piece,
            Self::Many(pieces) => pieces,
        }
    }
}
