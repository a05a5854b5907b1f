// SPDX-License-Identifier: GPL-2.0

//! Arrays in memory that the kernel and user space both see.

use super::Region;
use crate::uapi::errno::Result;
use core::ptr::NonNull;
use kernel::{
    sync::{
        atomic::{atomic_load, Acquire},
        Arc,
    },
    transmute::FromBytes,
};

/// What elements consist of: bytes of which any are one, as many as are read and written at once.
pub(crate) trait Word: FromBytes + Copy {}
impl Word for u32 {}
impl Word for u64 {}

/// What keeps a region.
///
/// # Safety
///
/// It must always be the same region, wherever this is moved itself, and stay as long as this does.
pub(crate) unsafe trait KeepsRegion: Send + Sync {
    /// The region that it keeps.
    fn region(&self) -> &Region;
}

// SAFETY: It is a reference to one.
unsafe impl KeepsRegion for Arc<Region> {
    fn region(&self) -> &Region {
        self
    }
}

/// A region of one owner's, or one that others have as well.
pub(crate) enum RegionRef {
    /// Nobody else has it.
    Own(Region),
    /// There may be other references to it.
    Shared(Arc<Region>),
}

// SAFETY: It has one, or a reference to one, and nothing changes it.
unsafe impl KeepsRegion for RegionRef {
    fn region(&self) -> &Region {
        match self {
            Self::Own(region) => region,
            Self::Shared(region) => region,
        }
    }
}

/// An array in a region of a power of two of elements of `N` words.
///
/// # Invariants
///
/// The region has `mask + 1` elements from `base` on, `mask + 1` being a power of two.
pub(crate) struct Array<const N: usize, W: Word = u64, R: KeepsRegion = Arc<Region>> {
    base: NonNull<W>,
    mask: u32,
    region: R,
}

// SAFETY: It only offers volatile accesses to a region, which is kept.
unsafe impl<const N: usize, W: Word, R: KeepsRegion> Send for Array<N, W, R> {}
// SAFETY: Who shares it has the same volatile accesses, to words that are never referred to.
unsafe impl<const N: usize, W: Word, R: KeepsRegion> Sync for Array<N, W, R> {}

impl<const N: usize, W: Word, R: KeepsRegion> Array<N, W, R> {
    /// The `count` elements from byte `offset` of `region` on.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if they are not all in it, not aligned, or not a power of two.
    pub(crate) fn new(region: R, offset: usize, count: u32) -> Result<Self> {
        // INVARIANT: They are checked by `elements`.
        Ok(Self {
            base: region.region().elements::<[W; N]>(offset, count)?.cast(),
            mask: count - 1,
            region,
        })
    }

    /// What keeps its memory.
    pub(crate) fn memory(&self) -> &R {
        &self.region
    }

    fn ptr_of(&self, index: u32) -> *mut W {
        // SAFETY: By the type invariants, as the index is masked.
        unsafe { self.base.as_ptr().add((index & self.mask) as usize * N) }
    }

    /// Copies the element at `index`, modulo the size, reading each word once.
    pub(crate) fn read(&self, index: u32) -> [W; N] {
        let at = self.ptr_of(index);
        // SAFETY: It is an element of the region.
        core::array::from_fn(|word| unsafe { at.add(word).read_volatile() })
    }

    /// Writes the element at `index`, modulo the size, each word once.
    #[inline(always)] // nop/32
    pub(crate) fn write(&self, index: u32, element: [W; N]) {
        let at = self.ptr_of(index);
        for (word, value) in element.into_iter().enumerate() {
            // SAFETY: It is an element of the region.
            unsafe { at.add(word).write_volatile(value) };
        }
    }
}

impl<const N: usize, R: KeepsRegion> Array<N, u64, R> {
    /// How many elements there are.
    pub(crate) fn len(&self) -> u32 {
        self.mask + 1
    }

    /// Writes the word `WORD` of the element at `index`, modulo the size, once.
    #[inline]
    pub(crate) fn store<const WORD: usize>(&self, index: u32, value: u64) {
        const { assert!(WORD < N) };
        // SAFETY: It is a word of an element of the region.
        unsafe { self.ptr_of(index).add(WORD).write_volatile(value) };
    }

    /// Writes the lower half of the word `WORD` of the element at `index`, once.
    #[inline]
    pub(crate) fn store_low<const WORD: usize>(&self, index: u32, value: u32) {
        const { assert!(WORD < N) };
        // SAFETY: It is a word of an element of the region, whose lower half comes first on a
        // little-endian machine.
        unsafe {
            self.ptr_of(index)
                .add(WORD)
                .cast::<u32>()
                .write_volatile(value)
        };
    }

    /// Reads the 16 bits at byte `OFFSET` of the first element, before anything that comes after.
    pub(crate) fn load_acquire_u16<const OFFSET: usize>(&self) -> u16 {
        const { assert!(OFFSET % 4 == 2 && OFFSET + 2 <= N * 8) };
        // SAFETY: It is within the first element. The word around it is read, of which only the
        // upper half counts on a little-endian machine.
        let word: u32 = unsafe {
            atomic_load(
                self.base.as_ptr().cast::<u8>().add(OFFSET - 2).cast(),
                Acquire,
            )
        };
        (word >> 16) as u16
    }
}

/// An array in a region of a power of two of 32-bit words.
pub(crate) struct Indices(Array<1, u32>);

impl Indices {
    /// The `count` words from byte `offset` of `region` on.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if they are not all in it, not aligned, or not a power of two.
    pub(crate) fn new(region: Arc<Region>, offset: usize, count: u32) -> Result<Self> {
        Array::new(region, offset, count).map(Self)
    }

    /// Reads the word at `index`, modulo the size, once.
    pub(crate) fn read(&self, index: u32) -> u32 {
        let [word] = self.0.read(index);
        word
    }

    /// Writes the word at `index`, modulo the size, once.
    pub(crate) fn write(&self, index: u32, value: u32) {
        self.0.write(index, [value]);
    }
}
