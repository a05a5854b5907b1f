// SPDX-License-Identifier: GPL-2.0

//! Copying to and from user space.
//!
//! C header: `include/linux/uaccess.h`.

use super::bindings;
use crate::uapi::{
    abi::MAX_RW_COUNT,
    errno::{Errno, Result, EFAULT, EINVAL, EMSGSIZE},
};
use core::{mem::MaybeUninit, ops::Deref};
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    prelude::*,
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

/// Copies `out` from user address `addr`. `-EFAULT` if that cannot be read. May sleep.
pub(crate) fn read_into<T: Word>(addr: u64, out: &mut [T]) -> Result {
    // SAFETY: Any bytes are a valid `T`, and `out` covers all of them.
    let bytes = unsafe {
        core::slice::from_raw_parts_mut(
            out.as_mut_ptr().cast::<MaybeUninit<u8>>(),
            size_of_val(out),
        )
    };
    read_raw(addr, bytes)
}

/// As [`read_into`], into memory that need not be initialised. All of it is on success.
pub(super) fn read_raw(addr: u64, bytes: &mut [MaybeUninit<u8>]) -> Result {
    UserSlice::new(UserPtr::from_addr(addr as usize), bytes.len())
        .reader()
        .read_raw(bytes)
        .map_err(|_| EFAULT)
}

/// Reads four words at user address `addr`, the quick way. `-EFAULT` if they cannot be read.
#[inline]
pub(crate) fn read_words4(addr: u64) -> Result<[u64; 4]> {
    let mut words = [0; 4];
    // SAFETY: There is room for four words.
    match unsafe { bindings::ruring_read_words4(words.as_mut_ptr(), addr as *const _) } {
        0 => Ok(words),
        _ => Err(EFAULT),
    }
}

/// `-EFAULT` if the `len` bytes at `addr`, or as many of them as are transferred at a time, cannot be a
/// user program's.
#[inline]
pub(crate) fn check_buffer(addr: u64, len: u32) -> Result {
    if !access_ok(addr, (len as usize).min(MAX_RW_COUNT)) {
        return Err(EFAULT);
    }
    Ok(())
}

/// Copies `data` to user address `addr`. `-EFAULT` if that cannot be written. May sleep.
pub(crate) fn write_from<T: Word>(addr: u64, data: &[T]) -> Result {
    // SAFETY: A `T` has no padding.
    let bytes =
        unsafe { core::slice::from_raw_parts(data.as_ptr().cast::<u8>(), size_of_val(data)) };
    UserSlice::new(UserPtr::from_addr(addr as usize), bytes.len())
        .writer()
        .write_slice(bytes)
        .map_err(|_| EFAULT)
}

/// Integers: any bytes are one, and all of its bytes are initialised.
///
/// # Safety
///
/// Both must be true of the type.
pub(crate) unsafe trait Word: Copy {}
// SAFETY: It is an integer.
unsafe impl Word for u8 {}
// SAFETY: It is an integer.
unsafe impl Word for u32 {}
// SAFETY: It is an integer.
unsafe impl Word for u64 {}
// SAFETY: It is an integer.
unsafe impl Word for i32 {}

/// Whether `len` bytes at `addr` are in user space at all.
#[inline]
pub(crate) fn access_ok(addr: u64, len: usize) -> bool {
    // SAFETY: The address is only looked at.
    unsafe { bindings::ruring_access_ok(addr as *const _, len) }
}

/// `index`, which is below `size`, also where the processor guesses that it is not.
#[inline]
pub(crate) fn index_nospec(index: usize, size: usize) -> usize {
    // SAFETY: These are numbers.
    unsafe { bindings::ruring_index_nospec(index, size) }
}

/// `struct user_msghdr` of a 64-bit program.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MsgHdr {
    /// Address of the name.
    pub(crate) name: u64,
    /// Its size.
    pub(crate) name_len: i32,
    /// Address of the vector.
    pub(crate) iov: u64,
    /// Its length.
    pub(crate) iov_len: u64,
    /// Address of the control messages.
    pub(crate) control: u64,
    /// Their size.
    pub(crate) control_len: u64,
}

impl MsgHdr {
    /// Offset of `msg_namelen`.
    pub(crate) const NAME_LEN: u64 = 8;
    /// Offset of `msg_controllen`.
    pub(crate) const CONTROL_LEN: u64 = 40;
    /// Offset of `msg_flags`.
    pub(crate) const FLAGS: u64 = 48;

    /// Copies it from user space.
    pub(crate) fn read(addr: u64) -> Result<Self> {
        let mut words = [0u64; 6];
        read_into(addr, &mut words)?;
        let [name, name_len, iov, iov_len, control, control_len] = words;
        Ok(Self {
            name,
            name_len: name_len as i32,
            iov,
            iov_len,
            control,
            control_len,
        })
    }

    /// Copies its vector from user space. `-EMSGSIZE` for too many elements.
    pub(crate) fn vector(&self) -> Result<Vector> {
        if self.iov_len > UIO_MAXIOV {
            return Err(EMSGSIZE);
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

/// Copies `count` elements of a vector. `-EMSGSIZE` for too many, `-EINVAL` for a negative
/// length, `-EFAULT` for what is not in user space.
pub(crate) fn read_iovec(addr: u64, count: u64) -> Result<KVec<IoVec>> {
    if count > UIO_MAXIOV {
        return Err(EMSGSIZE);
    }
    let mut vec = KVec::with_capacity(count as usize, GFP_KERNEL_ACCOUNT)?;
    for index in 0..count {
        let piece = IoVec::read(addr.wrapping_add(index * 16))?;
        vec.push(piece, GFP_KERNEL_ACCOUNT)?;
    }
    Ok(vec)
}

/// How many bytes the one element of a vector has. `-EINVAL` for a negative length.
pub(crate) fn read_iovec_len(addr: u64) -> Result<usize> {
    let [_, len] = IoVec::words(addr)?;
    Ok(len as usize)
}

impl IoVec {
    /// The `len` bytes at `base`. `-EFAULT` for what is not in user space.
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

    /// Its address.
    #[inline]
    pub(crate) const fn base(self) -> u64 {
        self.base
    }

    /// Bytes of it.
    #[inline]
    pub(crate) const fn len(self) -> usize {
        self.len as usize
    }

    fn words(addr: u64) -> Result<[u64; 2]> {
        let mut words = [0u64; 2];
        read_into(addr, &mut words)?;
        if (words[1] as i64).is_negative() {
            return Err(EINVAL);
        }
        Ok(words)
    }

    fn read(addr: u64) -> Result<Self> {
        let [base, len] = Self::words(addr)?;
        Self::new(base, len as usize)
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
    /// None.
    #[inline(always)]
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
    /// A single piece.
    One([IoVec; 1]),
    /// Any other number of them.
    Many(KVec<IoVec>),
}

impl Vector {
    /// Copies `count` elements as [`read_iovec`], but `-EINVAL` for too many.
    pub(crate) fn read(addr: u64, count: u64) -> Result<Self> {
        if count > UIO_MAXIOV {
            return Err(EINVAL);
        }
        if count == 1 {
            return Ok(Self::One([IoVec::read(addr)?]));
        }
        Ok(Self::Many(read_iovec(addr, count)?))
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
