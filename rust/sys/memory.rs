// SPDX-License-Identifier: GPL-2.0

//! Memory that the kernel and user space both see.
//!
//! C headers: `include/linux/mm.h`, `include/linux/vmalloc.h`.
//!
//! User space may change it at any moment, so there is never a Rust reference to it: the accessors
//! copy words in and out with volatile or atomic accesses. A [`Region`] owns references to its
//! pages; a mapping in user space has references of its own (`vm_insert_pages()`), so that neither
//! can reach the other's memory once that one is gone.

mod array;

pub(crate) use super::pin::Charge;
pub(crate) use array::{Array, Indices, RegionRef};

use super::{
    bindings, calls,
    page_list::PageList,
    pin::{FolioTable, Pins},
    signal,
};
use crate::uapi::errno::{Errno, Result, EFAULT, EINTR, EINVAL, ENOMEM, EOVERFLOW};
use core::{ffi::c_void, mem::MaybeUninit, ops::Range, ptr::NonNull};
use kernel::{
    alloc::flags::{__GFP_NOWARN, GFP_KERNEL_ACCOUNT},
    mm::virt::VmaNew,
    page::{page_align, PAGE_SIZE},
    sync::{
        atomic::{
            atomic_load, atomic_store,
            ordering::{AcquireOrRelaxed, ReleaseOrRelaxed},
            Acquire, Relaxed, Release,
        },
        Arc, UniqueArc,
    },
    transmute::FromBytes,
};

/// How the pages of a region are kept.
enum PageRefs {
    /// There is a reference to each page.
    Each,
    /// One to the first, which holds the block that they are.
    Block,
    /// A pin of each: they are the user's, and charged.
    Pinned(#[expect(dead_code)] Charge),
}

/// Pages, and what keeps them, which this owns.
struct KeptPages {
    list: PageList,
    core: PageRefs,
}

impl KeptPages {
    /// Adds a zeroed page to a list that has references to each.
    ///
    /// # Context
    ///
    /// May sleep.
    fn push_new(&mut self) -> Result {
        self.list.reserve_one()?;
        let page = calls::ruring_alloc_page();
        if page.is_null() {
            return Err(ENOMEM);
        }
        self.list.push(page)
    }

    /// Zeroed pages of at least `len` bytes in all, see [`Region::alloc`].
    fn alloc(len: usize) -> Result<Self> {
        let count = page_align(len).ok_or(EOVERFLOW)? / PAGE_SIZE;
        if count == 0 {
            return Err(EINVAL);
        }
        // More than can be listed.
        if count > i32::MAX as usize / size_of::<usize>() {
            return Err(ENOMEM);
        }
        let mut list = PageList::nulls(count, GFP_KERNEL_ACCOUNT | __GFP_NOWARN)?;
        let block = if count.is_power_of_two() {
            calls::ruring_alloc_block(count.trailing_zeros())
        } else {
            core::ptr::null_mut()
        };
        if !block.is_null() {
            // There is nothing that could fail between the reference and its owner.
            for (n, page) in list.iter_mut().enumerate() {
                // SAFETY: The block has `count` pages.
                *page = unsafe { bindings::ruring_nth_page(block, n as u32) };
            }
            return Ok(Self {
                list,
                core: PageRefs::Block,
            });
        }
        list.truncate(0);
        let mut pages = Self {
            list,
            core: PageRefs::Each,
        };
        for n in 0..count {
            pages.push_new()?;
            // Who is killed for want of memory has what is left of it.
            if n % 64 == 63 && signal::killed() {
                return Err(EINTR);
            }
        }
        Ok(pages)
    }

    /// Where the kernel has the pages, of which there is one at least: in a mapping that is made for that (true), which goes
    /// before they do, or in that of all memory.
    #[inline]
    fn map(&self) -> Result<(NonNull<u8>, bool)> {
        let (list, count) = (self.list.as_ptr().cast_mut(), self.list.len() as u32);
        // Those of a block follow each other.
        let compared = match self.core {
            PageRefs::Block => 1,
            _ => count,
        };
        // SAFETY: These are live pages, one at least.
        let linear = unsafe { bindings::ruring_page_address(list, compared) };
        let base = if linear.is_null() {
            // SAFETY: These are live pages, one at least, which stay as long as the mapping: the region unmaps them first.
            unsafe { bindings::ruring_vmap(list, count) }
        } else {
            linear
        };
        Ok((NonNull::new(base.cast()).ok_or(ENOMEM)?, linear.is_null()))
    }
}

impl Drop for KeptPages {
    fn drop(&mut self) {
        let referenced = match self.core {
            PageRefs::Each => self.list.len(),
            PageRefs::Block => 1,
            PageRefs::Pinned(_) => {
                // SAFETY: Each page of such a list has a pin, which is the list's.
                unsafe { bindings::unpin_user_pages(self.list.as_mut_ptr(), self.list.len()) };
                return;
            }
        };
        for page in self.list.iter().take(referenced) {
            // SAFETY: The list has a reference to each of these, or to the block that the first begins.
            unsafe { bindings::ruring_free_page(*page) };
        }
    }
}

/// Whole pages, mapped into the kernel.
///
/// # Invariants
///
/// `base` is the address of a mapping of `pages`, of which there is one at least: one of its own if
/// `mapped`, else the kernel's of all memory.
pub(crate) struct Region {
    base: NonNull<u8>,
    mapped: bool,
    pages: KeptPages,
}

// SAFETY: Pages and the kernel's mappings belong to no task.
unsafe impl Send for Region {}
// SAFETY: It offers only volatile and atomic accesses.
unsafe impl Sync for Region {}

impl Region {
    /// Takes over the pages, also if it fails.
    fn map(pages: KeptPages) -> Result<Self> {
        let (base, mapped) = pages.map()?;
        // INVARIANT: The mapping was just made, or is that of all memory.
        Ok(Self {
            base,
            mapped,
            pages,
        })
    }

    /// As [`alloc()`](Self::alloc), and the pages count against RLIMIT_MEMLOCK of the user as long as the charge is
    /// kept.
    ///
    /// # Errors
    ///
    /// `-ENOMEM` beyond that limit, and if the user would have more than `most` pages; those of
    /// [`alloc()`](Self::alloc).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn alloc_charged(len: usize, most: usize) -> Result<(Self, Charge)> {
        // First, so that nobody gets more memory for a moment than he may have.
        let charge = Charge::of_pages(len.div_ceil(PAGE_SIZE), most)?;
        Ok((Self::alloc(len)?, charge))
    }

    /// Zeroed memory of at least `len` bytes, charged to the memory cgroup.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for no bytes, `-EOVERFLOW` and `-ENOMEM` for more than there can be, `-EINTR` if the task is killed
    /// meanwhile.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn alloc(len: usize) -> Result<Self> {
        Self::map(KeptPages::alloc(len)?)
    }

    /// As [`alloc()`](Self::alloc), as one that several have: it is made where it stays.
    ///
    /// # Errors
    ///
    /// Those of [`alloc()`](Self::alloc).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn alloc_shared(len: usize) -> Result<Arc<Self>> {
        // First, as what is mapped has to have an owner that unmaps it.
        let place = UniqueArc::new_uninit(GFP_KERNEL_ACCOUNT)?;
        let pages = KeptPages::alloc(len)?;
        let (base, mapped) = pages.map()?;
        // INVARIANT: The mapping was just made, or is that of all memory.
        let region = place.write(Self {
            base,
            mapped,
            pages,
        });
        Ok(region.into())
    }

    /// Zeroed memory of at least `len` bytes like [`alloc()`](Self::alloc), but for its first page, which is that of
    /// `first`.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if `first` is pinned user memory, `-EOVERFLOW`, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn alloc_behind(first: &Self, len: usize) -> Result<Self> {
        if !first.is_mappable() {
            return Err(EINVAL);
        }
        let mut pages = KeptPages {
            list: PageList::with_capacity(
                page_align(len).ok_or(EOVERFLOW)? / PAGE_SIZE,
                GFP_KERNEL_ACCOUNT,
            )?,
            core: PageRefs::Each,
        };
        let page = first.pages.list[0];
        pages.list.push(page)?;
        // SAFETY: The page is live, as `first` is. The reference is the list's, which has the page already.
        unsafe { bindings::ruring_get_page(page) };
        while pages.list.len() * PAGE_SIZE < len {
            pages.push_new()?;
        }
        Self::map(pages)
    }

    /// The address of the `count` elements from byte `offset` on. `-EINVAL` if they are not all in it, not aligned, or
    /// not a power of two.
    fn elements<T>(&self, offset: usize, count: u32) -> Result<NonNull<T>> {
        let end = size_of::<T>()
            .checked_mul(count as usize)
            .and_then(|size| size.checked_add(offset))
            .ok_or(EINVAL)?;
        if !count.is_power_of_two() || offset % align_of::<T>() != 0 || end > self.len() {
            return Err(EINVAL);
        }
        // SAFETY: The offset is within the region.
        Ok(unsafe { self.base.add(offset) }.cast())
    }

    /// `len` bytes of the current task's memory at `addr`, both whole pages.
    ///
    /// The pages stay where they are until the region goes, and count against RLIMIT_MEMLOCK of the user, folios once
    /// for all regions with one `folio_table`.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if they are not whole, `-EFAULT` if they cannot be written, `-EOVERFLOW` if they end beyond the last
    /// address, `-ENOMEM` beyond the limit, or if the user would have more than `most` pages.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn pin(
        addr: u64,
        len: usize,
        folio_table: Option<&Arc<FolioTable>>,
        most: usize,
    ) -> Result<Self> {
        if addr == 0 {
            return Err(EFAULT);
        }
        if (addr as usize | len) % PAGE_SIZE != 0 || len == 0 {
            return Err(EINVAL);
        }
        addr.checked_add(len as u64).ok_or(EOVERFLOW)?;
        let pins = Pins::new(addr, len / PAGE_SIZE)?;
        let charge = Charge::new(&pins, folio_table, most)?;
        Self::map(KeptPages {
            list: pins.into_pages(),
            core: PageRefs::Pinned(charge),
        })
    }

    /// Bytes of it, whole pages.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.pages.list.len() * PAGE_SIZE
    }

    /// Whether its pages are one block, which the kernel has mapped with all memory.
    #[inline]
    pub(crate) fn is_block(&self) -> bool {
        matches!(self.pages.core, PageRefs::Block)
    }

    /// Whether it can be mapped into user space: pinned user memory is not mapped again.
    pub(crate) fn is_mappable(&self) -> bool {
        !matches!(self.pages.core, PageRefs::Pinned(_))
    }

    /// Copies what lies at byte `offset`, reading each word once.
    ///
    /// # Errors
    ///
    /// `-EFAULT` if that is not all in the region, or not aligned.
    pub(crate) fn read_at<T: FromBytes>(&self, offset: u64) -> Result<T> {
        const {
            assert!(size_of::<T>() % 8 == 0);
        }
        let end = offset.checked_add(size_of::<T>() as u64).ok_or(EFAULT)?;
        if offset % 8 != 0 || end > self.len() as u64 {
            return Err(EFAULT);
        }
        let mut value = MaybeUninit::<T>::uninit();
        let to = value.as_mut_ptr().cast::<u64>();
        for word in 0..size_of::<T>() / 8 {
            // SAFETY: The words are all in the region, which is aligned to pages, and there is as much room in
            // `value`, which need not be aligned to them.
            unsafe {
                let from = self.base.as_ptr().add(offset as usize).cast::<u64>();
                to.add(word).write_unaligned(from.add(word).read_volatile());
            }
        }
        // SAFETY: All of its bytes were written, and any bytes are one.
        Ok(unsafe { value.assume_init() })
    }

    /// Maps those of its bytes into user space, which are whole pages.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for pinned user memory, which is not mapped again, and for bytes that it does not have, `-EFAULT` for an area
    /// that is too short, `-ENOMEM`. Behind them a longer area has nothing.
    ///
    /// # Context
    ///
    /// With the mmap lock of the task. May sleep.
    pub(super) fn mmap(&self, vma: &VmaNew, bytes: Range<usize>, partly: bool) -> Result {
        if !self.is_mappable() {
            return Err(EINVAL);
        }
        let pages = bytes.start / PAGE_SIZE..bytes.end / PAGE_SIZE;
        let list = self.pages.list.get(pages).ok_or(EINVAL)?;
        let mut count = list.len();
        if partly {
            count = count.min((vma.end() - vma.start()).div_ceil(PAGE_SIZE));
        }
        vma.set_dontexpand();
        // SAFETY: The area is being set up, as its type says. The pages are live, and each mapped one is referenced.
        let ret = unsafe {
            bindings::vm_insert_pages(
                vma.as_ptr().cast(),
                vma.start(),
                list.as_ptr().cast_mut(),
                &mut count,
            )
        };
        if ret < 0 {
            return Err(Errno::from_raw(ret));
        }
        Ok(())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if self.mapped {
            // SAFETY: By the type invariants the mapping is the region's own, and all that uses it has a reference to that.
            unsafe { bindings::vunmap(self.base.as_ptr().cast::<c_void>()) };
        }
    }
}

/// The words at the beginning of a region.
///
/// # Invariants
///
/// `base` is the address of `region`, which has a page at least.
pub(crate) struct Words {
    base: NonNull<u8>,
    _region: Arc<Region>,
}

// SAFETY: It only offers atomic accesses to a region, which is kept.
unsafe impl Send for Words {}
// SAFETY: Who shares it has the same atomic accesses, to words that are never referred to.
unsafe impl Sync for Words {}

impl Words {
    /// Gives access to the words of `region`.
    pub(crate) fn new(region: Arc<Region>) -> Self {
        // INVARIANT: No region is empty.
        Self {
            base: region.base,
            _region: region,
        }
    }

    fn word_ptr<const OFFSET: usize>(&self) -> *mut u32 {
        const { assert!(OFFSET % 4 == 0 && OFFSET + 4 <= PAGE_SIZE) };
        // SAFETY: By the type invariants, as the offset is within a page.
        unsafe { self.base.as_ptr().add(OFFSET).cast() }
    }

    fn load_as<const OFFSET: usize, O: AcquireOrRelaxed>(&self, ordering: O) -> u32 {
        // SAFETY: It is a word of the region.
        unsafe { atomic_load(self.word_ptr::<OFFSET>(), ordering) }
    }

    fn store_as<const OFFSET: usize, O: ReleaseOrRelaxed>(&self, value: u32, ordering: O) {
        // SAFETY: It is a word of the region.
        unsafe { atomic_store(self.word_ptr::<OFFSET>(), value, ordering) };
    }

    /// Reads the word at byte `OFFSET`, once.
    pub(crate) fn load<const OFFSET: usize>(&self) -> u32 {
        self.load_as::<OFFSET, _>(Relaxed)
    }

    /// Reads it before anything that comes after.
    pub(crate) fn load_acquire<const OFFSET: usize>(&self) -> u32 {
        self.load_as::<OFFSET, _>(Acquire)
    }

    /// Writes the word at `OFFSET`, once.
    pub(crate) fn store<const OFFSET: usize>(&self, value: u32) {
        self.store_as::<OFFSET, _>(value, Relaxed);
    }

    /// Writes it after anything that came before.
    pub(crate) fn store_release<const OFFSET: usize>(&self, value: u32) {
        self.store_as::<OFFSET, _>(value, Release);
    }

    /// Sets the bits `bits`, or clears them, in one step, whatever user space does to the word meanwhile. Has a full
    /// barrier.
    ///
    /// # Context
    ///
    /// May be called in any context.
    pub(crate) fn change<const OFFSET: usize>(&self, bits: u32, set: bool) {
        let at = self.word_ptr::<OFFSET>();
        // SAFETY: It is a word of the region.
        unsafe { bindings::ruring_change_bits(at, bits, set) };
    }
}
