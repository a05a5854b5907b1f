// SPDX-License-Identifier: GPL-2.0

//! Where a transfer goes to or comes from, as the kernel's iterators have it.
//!
//! C header: `include/linux/uio.h`.

use crate::{
    sys::{
        bindings,
        buffer::Part,
        user::{self, IoVec},
    },
    uapi::{
        abi::MAX_RW_COUNT,
        errno::{Result, EFAULT},
    },
};

/// User memory to receive into or to send from.
#[derive(Clone, Copy)]
pub(crate) enum UserBuffers<'a> {
    /// One piece.
    One {
        /// Its address.
        addr: u64,
        /// Its size in bytes.
        len: usize,
    },
    /// Several, without the first `skip` bytes.
    Many {
        /// The pieces.
        iov: &'a [IoVec],
        /// Bytes that are dealt with.
        skip: usize,
    },
    /// Part of a registered buffer.
    Fixed(Part<'a>),
}

impl<'a> UserBuffers<'a> {
    /// Bytes in all that are not dealt with.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::One { len, .. } => *len,
            Self::Many { iov, skip } => total(iov).saturating_sub(*skip),
            Self::Fixed(part) => part.len(),
        }
    }

    /// The pieces that are not dealt with: address and size of each.
    pub(in crate::sys) fn pieces(self) -> impl Iterator<Item = (u64, usize)> + 'a {
        let (one, many, mut skip) = match self {
            Self::One { addr, len } => (Some((addr, len)), [].as_slice(), 0),
            Self::Many { iov, skip } => (None, iov, skip),
            // Not to be had by an address of the user's.
            Self::Fixed(_) => (None, [].as_slice(), 0),
        };
        let mut left = self.len();
        one.into_iter()
            .chain(many.iter().map(|piece| (piece.base(), piece.len())))
            .filter_map(move |(addr, len)| {
                let skipped = len.min(skip);
                skip -= skipped;
                let len = (len - skipped).min(left);
                left -= len;
                (len != 0).then_some((addr + skipped as u64, len))
            })
    }

    /// Whether they can be memory of the user's.
    pub(crate) fn may_exist(&self) -> bool {
        match self {
            Self::One { addr, len } => user::access_ok(*addr, *len),
            Self::Many { .. } | Self::Fixed(_) => true,
        }
    }

    /// Sets `iter` up for them, which borrows them until it is used for the last time.
    ///
    /// # Errors
    ///
    /// `-EFAULT` for an address outside user space.
    #[inline(always)] // send/unix/32
    pub(in crate::sys) fn import(self, iter: &mut bindings::iov_iter, dest: bool) -> Result {
        let direction = if dest {
            bindings::ITER_DEST
        } else {
            bindings::ITER_SOURCE
        };
        match self {
            Self::One { addr, len } => import_one(addr, len, iter, direction)?,
            Self::Many { iov, skip } => import_many(iov, skip, iter, direction),
            // SAFETY: The buffer is borrowed by `self`, and `iter` is used for the last time before that ends.
            Self::Fixed(part) => unsafe { part.init(&mut *iter, direction) },
        }
        Ok(())
    }
}

impl UserBuffers<'_> {
    /// As [`UserBuffers::import`], for what is to be sent. One piece is in registers until its iterator is written where it
    /// is used, for which nothing needs to be cleared before.
    ///
    /// # Errors
    ///
    /// As [`UserBuffers::import`].
    #[inline(always)] // send/unix/32
    pub(super) fn import_source(self) -> Result<bindings::iov_iter> {
        let Self::One { addr, len } = self else {
            return self.import_pieces();
        };
        let mut iter = bindings::iov_iter::default();
        import_one(addr, len, &mut iter, bindings::ITER_SOURCE)?;
        Ok(iter)
    }

    #[inline(never)] // send/unix/32: most have one piece.
    fn import_pieces(self) -> Result<bindings::iov_iter> {
        let mut iter = bindings::iov_iter::default();
        self.import(&mut iter, false)?;
        Ok(iter)
    }
}

#[inline(always)] // send/unix/32
fn import_one(addr: u64, len: usize, iter: &mut bindings::iov_iter, direction: u32) -> Result {
    let len = len.min(MAX_RW_COUNT);
    if !user::access_ok(addr, len) {
        return Err(EFAULT);
    }
    // SAFETY: It is user space's address, as was just checked.
    unsafe { bindings::ruring_iov_iter_ubuf(iter, direction, addr as *mut _, len) }
    Ok(())
}

#[inline(never)] // recv/unix/32: most have one piece.
fn import_many(iov: &[IoVec], skip: usize, iter: &mut bindings::iov_iter, direction: u32) {
    // SAFETY: `IoVec` is a `struct iovec`; each was checked when it was read, and the slice
    // outlives the use of `iter` by the callers of `import`.
    unsafe {
        bindings::iov_iter_init(
            &mut *iter,
            direction,
            iov.as_ptr().cast(),
            iov.len(),
            total(iov),
        );
        if skip != 0 {
            bindings::iov_iter_advance(&mut *iter, skip);
        }
    }
}

/// Bytes in all, no more than one transfer can have.
fn total(iov: &[IoVec]) -> usize {
    iov.iter().fold(0, |sum: usize, piece| {
        sum.saturating_add(piece.len()).min(MAX_RW_COUNT)
    })
}
