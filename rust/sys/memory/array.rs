// SPDX-License-Identifier: GPL-2.0

//! Arrays in memory that the kernel and user space both see.

use super::Region;
use crate::uapi::errno::Result;
use core::ptr::NonNull;
use kernel::sync::{
    atomic::{atomic_load, Acquire},
    Arc,
};

/// An array in a region of a power of two of elements of `N` 64-bit words.
///
/// # Invariants
///
/// `region` has `mask + 1` elements from `base` on, `mask + 1` being a power of two.
pub(crate) struct Array<const N: usize> {
    base: NonNull<u64>,
    mask: u32,
    _region: Arc<Region>,
}

// SAFETY: It only offers volatile accesses to a region, which is kept.
unsafe impl<const N: usize> Send for Array<N> {}
// SAFETY: Who shares it has the same volatile accesses, to words that are never referred to.
unsafe impl<const N: usize> Sync for Array<N> {}

impl<const N: usize> Array<N> {
    /// The `count` elements from byte `offset` of `region` on. `-EINVAL` if they are not all in
    /// it, or not a power of two.
    pub(crate) fn new(region: Arc<Region>, offset: usize, count: u32) -> Result<Self> {
        // INVARIANT: They are checked by `elements`.
        Ok(Self {
            base: region.elements::<[u64; N]>(offset, count)?.cast(),
            mask: count - 1,
            _region: region,
        })
    }

    /// How many elements there are.
    pub(crate) fn len(&self) -> u32 {
        self.mask + 1
    }

    #[inline(always)]
    fn at(&self, index: u32) -> *mut u64 {
        // SAFETY: By the type invariants, as the index is masked.
        unsafe { self.base.as_ptr().add((index & self.mask) as usize * N) }
    }

    /// Copies the element at `index`, modulo the size, reading each word once.
    #[inline(always)]
    pub(crate) fn read(&self, index: u32) -> [u64; N] {
        let at = self.at(index);
        // SAFETY: It is an element of the region.
        core::array::from_fn(|word| unsafe { at.add(word).read_volatile() })
    }

    /// Writes the element at `index`, modulo the size.
    #[inline(always)]
    pub(crate) fn write(&self, index: u32, element: [u64; N]) {
        let at = self.at(index);
        for (word, value) in element.into_iter().enumerate() {
            // SAFETY: It is an element of the region.
            unsafe { at.add(word).write_volatile(value) };
        }
    }

    /// Writes the word `WORD` of the element at `index`, modulo the size, once.
    #[inline]
    pub(crate) fn store<const WORD: usize>(&self, index: u32, value: u64) {
        const { assert!(WORD < N) };
        // SAFETY: It is a word of an element of the region.
        unsafe { self.at(index).add(WORD).write_volatile(value) };
    }

    /// Writes the lower half of the word `WORD` of the element at `index`, once.
    #[inline]
    pub(crate) fn store_low<const WORD: usize>(&self, index: u32, value: u32) {
        const { assert!(WORD < N) };
        // SAFETY: It is a word of an element of the region, whose lower half comes first on a
        // little-endian machine.
        unsafe { self.at(index).add(WORD).cast::<u32>().write_volatile(value) };
    }

    /// Reads the 16 bits at byte `OFFSET` of the first element, before anything that comes after.
    #[inline(always)]
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
///
/// # Invariants
///
/// `region` has `mask + 1` words from `base` on, `mask + 1` being a power of two.
pub(crate) struct Indices {
    base: NonNull<u32>,
    mask: u32,
    _region: Arc<Region>,
}

// SAFETY: It only offers volatile accesses to a region, which is kept.
unsafe impl Send for Indices {}
// SAFETY: Who shares it has the same volatile accesses, to words that are never referred to.
unsafe impl Sync for Indices {}

impl Indices {
    /// The `count` words from byte `offset` of `region` on. `-EINVAL` if they are not all in it,
    /// or not a power of two.
    pub(crate) fn new(region: Arc<Region>, offset: usize, count: u32) -> Result<Self> {
        // INVARIANT: They are checked by `elements`.
        Ok(Self {
            base: region.elements::<u32>(offset, count)?,
            mask: count - 1,
            _region: region,
        })
    }

    #[inline(always)]
    fn at(&self, index: u32) -> *mut u32 {
        // SAFETY: By the type invariants, as the index is masked.
        unsafe { self.base.as_ptr().add((index & self.mask) as usize) }
    }

    /// Reads the word at `index`, modulo the size, once.
    #[inline(always)]
    pub(crate) fn read(&self, index: u32) -> u32 {
        // SAFETY: It is a word of the region.
        unsafe { self.at(index).read_volatile() }
    }

    /// Writes the word at `index`, modulo the size, once.
    pub(crate) fn write(&self, index: u32, value: u32) {
        // SAFETY: It is a word of the region.
        unsafe { self.at(index).write_volatile(value) };
    }
}
