// SPDX-License-Identifier: GPL-2.0

//! User memory that was pinned to be used again and again, without looking at its mapping.
//!
//! C headers: `include/linux/bvec.h`, `include/linux/uio.h`, `include/linux/mm.h`.

use super::{
    bindings,
    pin::{Charge, FolioTable, Pins},
    socket::UserBuffers,
    user::{IoVec, MOST_PIECES},
};
use crate::{
    rsrc::pieces::{PagePlace, PieceLayout, PAGE_SHIFT},
    uapi::{
        abi::MAX_RW_COUNT,
        errno::{Errno, Result, EFAULT, EINVAL, ENOMEM, EOVERFLOW},
    },
};
use core::marker::PhantomData;
use kernel::{
    alloc::{
        flags::{__GFP_NOWARN, GFP_KERNEL_ACCOUNT},
        KVVec,
    },
    page::PAGE_SIZE,
    sync::Arc,
    warn_on,
};

/// Most bytes of a buffer.
const MAX_LEN: u64 = 1 << 40;

const _: () = assert!(PAGE_SIZE == 1 << PAGE_SHIFT);

/// A part of a user's address space, pinned.
///
/// # Invariants
///
/// `pieces` are the memory of the `len` bytes at `addr`, cut as `cut` says; each of their pages is
/// pinned once for this.
pub(crate) struct UserBuffer {
    addr: u64,
    len: usize,
    cut: PieceLayout,
    pieces: KVVec<bindings::bio_vec>,
    charge: Charge,
}

// SAFETY: Pinned pages belong to no task.
unsafe impl Send for UserBuffer {}
// SAFETY: It cannot be changed, and what is in the pages is only reached through iterators.
unsafe impl Sync for UserBuffer {}

/// A buffer that is shared by all who use it, with a mark of its owner's.
pub(crate) struct SharedBuffer<T> {
    /// The buffer, which other rings may have as well.
    pub(crate) memory: Arc<UserBuffer>,
    /// What the owner has marked it with.
    pub(crate) tag: T,
}

/// Bytes of a buffer.
///
/// # Invariants
///
/// They are within the buffer, and no more than one transfer can have.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    buffer: &'a UserBuffer,
    at: usize,
    len: usize,
}

impl UserBuffer {
    /// The `len` bytes at `addr` of the current task, charged to the current user; folios are
    /// charged once for all buffers with one `folio_table`.
    ///
    /// # Errors
    ///
    /// `-EFAULT` for no bytes, or some that cannot be written; `-EINVAL`, `-EOVERFLOW` for too
    /// many; `-ENOMEM` beyond RLIMIT_MEMLOCK, or if the user would have more than `most` pages.
    ///
    /// # Context
    ///
    /// A task with memory of its own. May sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use crate::{sys::{buffer::UserBuffer, pin::FolioTable}, uapi::errno::Result};
    ///
    /// /// Pins two buffers. A huge page that both are in is charged once.
    /// fn pin_both(first: u64, second: u64, len: u64) -> Result<[UserBuffer; 2]> {
    ///     let folio_table = FolioTable::new()?;
    ///     let first = UserBuffer::pin(first, len, &folio_table, usize::MAX)?;
    ///     // If this fails the first one is unpinned, and no longer charged.
    ///     let second = UserBuffer::pin(second, len, &folio_table, usize::MAX)?;
    ///     Ok([first, second])
    /// }
    /// ```
    pub(crate) fn pin(
        addr: u64,
        len: u64,
        folio_table: &Arc<FolioTable>,
        most: usize,
    ) -> Result<Self> {
        if len == 0 {
            return Err(EFAULT);
        }
        if len > MAX_LEN {
            return Err(EINVAL);
        }
        let offset = addr as usize % PAGE_SIZE;
        let len = len as usize;
        let pages = (offset + len).div_ceil(PAGE_SIZE);
        let end = (addr as usize).checked_add(len.next_multiple_of(PAGE_SIZE));
        end.ok_or(EOVERFLOW)?;
        let pins = Pins::new(addr, pages)?;
        let places = pins.iter().map(|page| {
            // SAFETY: The page is pinned.
            unsafe {
                PagePlace {
                    folio: bindings::ruring_page_folio(*page),
                    index: bindings::ruring_page_folio_index(*page),
                    pages: bindings::ruring_page_folio_pages(*page),
                }
            }
        });
        let cut = PieceLayout::new(places, offset);
        let count = cut.count(len);
        let mut pieces = KVVec::with_capacity(count, GFP_KERNEL_ACCOUNT | __GFP_NOWARN)?;
        for index in 0..count {
            let (start, bytes) = cut.piece(index, len);
            let Some(page) = pins.get((offset + start) / PAGE_SIZE) else {
                // The pieces are those of the bytes for which pages were pinned.
                warn_on!(true);
                return Err(EFAULT);
            };
            let piece = bindings::bio_vec {
                bv_page: *page,
                bv_len: bytes as u32,
                bv_offset: ((offset + start) % PAGE_SIZE) as u32,
            };
            pieces.push(piece, GFP_KERNEL_ACCOUNT)?;
        }
        let charge = Charge::new(&pins, Some(folio_table), most)?;
        // The pieces have the pins from here on.
        pins.into_pages();
        // INVARIANT: The pieces are all of the pages, in order.
        Ok(Self {
            addr,
            len,
            cut,
            pieces,
            charge,
        })
    }

    /// Where it is for its user.
    pub(crate) fn addr(&self) -> u64 {
        self.addr
    }

    /// How many bytes the buffer has.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether the current task's user and address space have it, and are charged for it.
    pub(crate) fn is_currents(&self) -> bool {
        self.charge.is_currents()
    }

    /// The `len` bytes at the user address `addr`.
    ///
    /// # Errors
    ///
    /// `-EFAULT` if they are not all of the buffer, or more than one transfer can have.
    #[inline]
    pub(crate) fn part(&self, addr: u64, len: usize) -> Result<Part<'_>> {
        let at = addr.checked_sub(self.addr).ok_or(EFAULT)?;
        let end = at.checked_add(len as u64).ok_or(EFAULT)?;
        if end > self.len as u64 || len > MAX_RW_COUNT {
            return Err(EFAULT);
        }
        // INVARIANT: Just checked.
        Ok(Part {
            buffer: self,
            at: at as usize,
            len,
        })
    }
}

impl UserBuffer {
    /// How many pieces the bytes of `iov` are in.
    ///
    /// # Errors
    ///
    /// `-EFAULT` if one element has no bytes, or some that are not of the buffer; `-EINVAL` if all have more than one
    /// transfer can have; `-EOVERFLOW` or `-ENOMEM` if they would be so many that io_uring says so before it looks where
    /// they are.
    pub(crate) fn count_pieces(&self, iov: &[IoVec]) -> Result<usize> {
        self.count_found(iov)
            .map_err(|error| self.refusal(iov, error))
    }

    fn refusal(&self, iov: &[IoVec], error: Errno) -> Errno {
        let counts = iov.iter().map(|piece| self.cut.most(piece.len()) as u64);
        match counts.sum::<u64>() {
            0x8000_0000.. => EOVERFLOW,
            count if count > MOST_PIECES => ENOMEM,
            _ => error,
        }
    }

    fn count_found(&self, iov: &[IoVec]) -> Result<usize> {
        let (mut count, mut total) = (0, 0);
        for piece in iov {
            let part = self.part(piece.base(), piece.len())?;
            if part.len == 0 {
                return Err(EFAULT);
            }
            count += self.cut.find(part.at, part.len).count;
            total += part.len;
        }
        if total > MAX_RW_COUNT {
            return Err(EINVAL);
        }
        Ok(count)
    }

    /// Makes `iter` an iterator over `buffers`, whose addresses have to be of this buffer.
    ///
    /// # Errors
    ///
    /// `-EFAULT` and `-EINVAL` as for [`UserBuffer::count_pieces`]; `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    ///
    /// # Safety
    ///
    /// The iterator must not be used once `gathered` is gone, or this.
    #[inline]
    pub(super) unsafe fn import<'a>(
        &'a self,
        buffers: UserBuffers<'_>,
        iter: &mut bindings::iov_iter,
        direction: u32,
        gathered: &mut Option<Gathered<'a>>,
    ) -> Result {
        // SAFETY: The iterator is used only as long as there are this and `gathered`, which what it points to is part of.
        unsafe {
            match buffers {
                UserBuffers::One { addr, len } => self.part(addr, len)?.init_here(iter, direction),
                UserBuffers::Many { iov, skip } => {
                    gathered
                        .insert(self.gather(iov)?)
                        .init(iter, direction, skip);
                }
                UserBuffers::Fixed(_) => return Err(EFAULT),
            }
        }
        Ok(())
    }

    /// The pieces that the bytes of `iov` are in, see [`UserBuffer::count_pieces`].
    ///
    /// # Context
    ///
    /// May sleep.
    fn gather(&self, iov: &[IoVec]) -> Result<Gathered<'_>> {
        let count = self.count_pieces(iov)?;
        let mut pieces = KVVec::with_capacity(count, GFP_KERNEL_ACCOUNT | __GFP_NOWARN)?;
        let mut total = 0;
        for piece in iov {
            let part = self.part(piece.base(), piece.len())?;
            let found = self.cut.find(part.at, part.len);
            let (mut skip, mut left) = (found.skip as u32, part.len as u32);
            for piece in &self.pieces[found.index..found.index + found.count] {
                let len = left.min(piece.bv_len - skip);
                let piece = bindings::bio_vec {
                    bv_page: piece.bv_page,
                    bv_len: len,
                    bv_offset: piece.bv_offset + skip,
                };
                pieces.push(piece, GFP_KERNEL_ACCOUNT)?;
                left -= len;
                skip = 0;
            }
            total += part.len;
        }
        // INVARIANT: Made just so, of pieces of this buffer.
        Ok(Gathered {
            pieces,
            total,
            _buffer: PhantomData,
        })
    }
}

/// Bytes from several places in a buffer.
///
/// # Invariants
///
/// `pieces` have `total` bytes, all of them the buffer's.
pub(super) struct Gathered<'a> {
    pieces: KVVec<bindings::bio_vec>,
    total: usize,
    _buffer: PhantomData<&'a UserBuffer>,
}

impl Gathered<'_> {
    /// Makes `iter` one of these bytes, without the first `skip`.
    ///
    /// # Safety
    ///
    /// The iterator must not be used once this is gone, or the buffer.
    unsafe fn init(&self, iter: &mut bindings::iov_iter, direction: u32, skip: usize) {
        // SAFETY: By the type invariants. What is skipped is cut off at the end.
        unsafe {
            bindings::iov_iter_bvec(
                iter,
                direction,
                self.pieces.as_ptr(),
                self.pieces.len(),
                self.total,
            );
            bindings::iov_iter_advance(iter, skip);
        }
    }
}

impl Drop for UserBuffer {
    fn drop(&mut self) {
        for piece in self.pieces.iter() {
            let bytes = piece.bv_offset as usize + piece.bv_len as usize;
            // SAFETY: By the type invariants: a piece of several pages is of one folio.
            unsafe { bindings::ruring_unpin_pages(piece.bv_page, bytes.div_ceil(PAGE_SIZE)) };
        }
    }
}

impl Part<'_> {
    /// How many bytes the part has.
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// Makes `iter` one of these bytes.
    ///
    /// # Safety
    ///
    /// The iterator must not be used once the buffer is gone.
    #[inline(never)] // send-late-fixed/zc/64/8: most bytes are in one piece.
    pub(super) unsafe fn init(self, iter: &mut bindings::iov_iter, direction: u32) {
        // SAFETY: The iterator is used only as long as there is the buffer.
        unsafe { self.init_here(iter, direction) }
    }

    /// As [`Part::init`], which is kept out of line for who hardly ever has a part.
    ///
    /// # Safety
    ///
    /// As [`Part::init`], within its caller.
    #[inline(always)] // send-late-fixed/zc/64/8
    unsafe fn init_here(self, iter: &mut bindings::iov_iter, direction: u32) {
        let (pieces, skip) = if self.len == 0 {
            (&[][..], 0)
        } else {
            let found = self.buffer.cut.find(self.at, self.len);
            let end = found.index + found.count;
            (&self.buffer.pieces[found.index..end], found.skip)
        };
        // SAFETY: The pieces have `skip + len` bytes, and `skip` are within the first one.
        unsafe {
            bindings::ruring_iter_init(
                iter,
                direction,
                pieces.as_ptr(),
                pieces.len(),
                skip,
                self.len,
            );
        }
    }
}
