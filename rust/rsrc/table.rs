// SPDX-License-Identifier: GPL-2.0

//! A table of registered files or buffers, and where user space says what to put into it.

use crate::{
    sys::user::{self, index_nospec},
    uapi::errno::{Errno, Result, EBUSY, EFAULT, EINVAL, ENXIO, EOVERFLOW},
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KVVec},
    sync::Arc,
    transmute::FromBytes,
};

/// Slots, each with a reference to what is registered there, or empty.
pub(crate) struct Slots<T>(KVVec<Option<Arc<T>>>);

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self(KVVec::new())
    }
}

impl<T> Slots<T> {
    /// How many slots there are, 0 if there is no table.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What is in them, one after the other.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&T>> {
        self.0.iter().map(Option::as_deref)
    }

    /// What is in the slot with this index. None for an empty one, or if there is no such slot.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&Arc<T>> {
        if index >= self.0.len() {
            return None;
        }
        self.0.get(index_nospec(index, self.0.len()))?.as_ref()
    }

    /// Makes a table of `count` empty slots.
    ///
    /// # Errors
    ///
    /// `-EBUSY` if there is one, `-EINVAL` for no slots at all, `too_many` for more than `most`, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(super) fn create(&mut self, count: u32, most: u32, too_many: Errno) -> Result {
        if self.len() != 0 {
            return Err(EBUSY);
        }
        if count == 0 {
            return Err(EINVAL);
        }
        if count > most {
            return Err(too_many);
        }
        let mut slots = KVVec::with_capacity(count as usize, GFP_KERNEL_ACCOUNT)?;
        for _ in 0..count {
            slots.push(None, GFP_KERNEL_ACCOUNT)?;
        }
        self.0 = slots;
        Ok(())
    }

    /// Adds empty slots until there are `count`, or none if it fails.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    pub(super) fn extend(&mut self, count: usize) -> Result {
        self.0
            .reserve(count.saturating_sub(self.len()), GFP_KERNEL_ACCOUNT)?;
        for _ in self.len()..count {
            self.0.push(None, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(())
    }

    /// Checks that the table has the `count` slots from `first` on.
    ///
    /// # Errors
    ///
    /// `-ENXIO` if there is no table, `-EINVAL` if it is shorter, `-EOVERFLOW` if their numbers are too large for any.
    pub(crate) fn check(&self, first: u32, count: u32) -> Result {
        let end = first.checked_add(count).ok_or(EOVERFLOW)?;
        if self.len() == 0 {
            return Err(ENXIO);
        }
        if end as usize > self.len() {
            return Err(EINVAL);
        }
        Ok(())
    }

    /// Puts something, or nothing, into a slot. Returns what was there; if there is no such slot what it was given.
    pub(super) fn replace(&mut self, index: usize, new: Option<Arc<T>>) -> Option<Arc<T>> {
        match self.0.get_mut(index) {
            Some(slot) => core::mem::replace(slot, new),
            None => new,
        }
    }

    /// Takes the table away, with all that is in it.
    pub(super) fn remove(&mut self) -> KVVec<Option<Arc<T>>> {
        core::mem::take(&mut self.0)
    }
}

/// Where user space says what to register.
#[derive(Clone, Copy)]
pub(crate) struct RsrcSource {
    /// Address of a descriptor or a `struct iovec` for each, or 0 for none at all.
    pub(crate) data: u64,
    /// Address of a tag for each, or 0 for none.
    pub(crate) tags: u64,
}

impl RsrcSource {
    /// Reads what user space says of the slot with this number; none if it says nothing of any.
    ///
    /// # Errors
    ///
    /// `-EFAULT` if that cannot be read.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn data<T: FromBytes>(&self, number: u32) -> Result<Option<T>> {
        user::read_nth(self.data, number)
    }

    /// Whether it says something of slots, as it has to for an update.
    ///
    /// # Errors
    ///
    /// `-EFAULT` if not.
    pub(crate) fn check(&self) -> Result {
        if self.data == 0 {
            return Err(EFAULT);
        }
        Ok(())
    }

    /// Reads its tag, 0 for none.
    ///
    /// # Errors
    ///
    /// `-EFAULT` if it cannot be read.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn tag(&self, number: u32) -> Result<u64> {
        user::read_nth(self.tags, number).map(Option::unwrap_or_default)
    }
}
