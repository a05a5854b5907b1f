// SPDX-License-Identifier: GPL-2.0

//! The part of `kernel::sync::atomic` that pure code uses, on loom's atomics.

use loom::sync::atomic::{AtomicU32, Ordering};

pub(crate) struct Relaxed;
pub(crate) struct Acquire;
pub(crate) struct Release;
/// Weaker here than in the kernel, where it is a full barrier as well: what holds with less holds
/// with more.
pub(crate) struct Full;

/// The ordering of an operation that reads and writes.
pub(crate) trait ReadWrite {
    const ORDERING: Ordering;
}

impl ReadWrite for Relaxed {
    const ORDERING: Ordering = Ordering::Relaxed;
}

impl ReadWrite for Acquire {
    const ORDERING: Ordering = Ordering::Acquire;
}

impl ReadWrite for Release {
    const ORDERING: Ordering = Ordering::Release;
}

impl ReadWrite for Full {
    const ORDERING: Ordering = Ordering::AcqRel;
}

/// The ordering of a load.
pub(crate) trait Read: ReadWrite {}

impl Read for Relaxed {}
impl Read for Acquire {}

/// The ordering of a store.
pub(crate) trait Write: ReadWrite {}

impl Write for Relaxed {}
impl Write for Release {}

/// `Atomic<u32>`
pub(crate) struct Atomic<T>(AtomicU32, core::marker::PhantomData<T>);

impl Atomic<u32> {
    pub(crate) fn new(value: u32) -> Self {
        Self(AtomicU32::new(value), core::marker::PhantomData)
    }

    pub(crate) fn load<O: Read>(&self, _: O) -> u32 {
        self.0.load(O::ORDERING)
    }

    pub(crate) fn store<O: Write>(&self, value: u32, _: O) {
        self.0.store(value, O::ORDERING);
    }

    pub(crate) fn xchg<O: ReadWrite>(&self, value: u32, _: O) -> u32 {
        self.0.swap(value, O::ORDERING)
    }

    /// A failed one orders nothing, as in the kernel.
    pub(crate) fn cmpxchg<O: ReadWrite>(&self, old: u32, new: u32, _: O) -> Result<u32, u32> {
        self.0
            .compare_exchange(old, new, O::ORDERING, Ordering::Relaxed)
    }
}
