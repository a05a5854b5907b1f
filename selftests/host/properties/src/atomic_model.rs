// SPDX-License-Identifier: GPL-2.0

//! The part of `kernel::sync::atomic` that pure code uses, for one thread.

use std::cell::Cell;

pub(crate) struct Relaxed;
pub(crate) struct Acquire;
pub(crate) struct Release;
pub(crate) struct Full;

pub(crate) struct Atomic<T>(Cell<T>);

impl<T: Copy + PartialEq> Atomic<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Cell::new(value))
    }

    pub(crate) fn load<O>(&self, _: O) -> T {
        self.0.get()
    }

    pub(crate) fn store<O>(&self, value: T, _: O) {
        self.0.set(value);
    }

    pub(crate) fn xchg<O>(&self, value: T, _: O) -> T {
        self.0.replace(value)
    }

    pub(crate) fn cmpxchg<O>(&self, old: T, new: T, _: O) -> Result<T, T> {
        if self.0.get() == old {
            Ok(self.0.replace(new))
        } else {
            Err(self.0.get())
        }
    }
}
