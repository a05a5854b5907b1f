// SPDX-License-Identifier: GPL-2.0

//! Lists of pages, which need no memory of their own for a single one.

use super::bindings;
use crate::uapi::errno::Result;
use core::ops::{Deref, DerefMut};
use kernel::alloc::{flags::GFP_KERNEL_ACCOUNT, Flags, KVVec};

/// The addresses of pages, one after the other. It keeps none of them.
pub(super) enum PageList {
    /// A single one: a ring of buffers is seldom larger.
    One([*mut bindings::page; 1]),
    /// No page, or several ones.
    Many(KVVec<*mut bindings::page>),
}

impl PageList {
    /// A list of no pages.
    const fn new() -> Self {
        Self::Many(KVVec::new())
    }

    /// An empty list with room for `count`.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(super) fn with_capacity(count: usize, flags: Flags) -> Result<Self> {
        Ok(match count {
            0 | 1 => Self::new(),
            _ => Self::Many(KVVec::with_capacity(count, flags)?),
        })
    }

    /// A list of `count` null pointers, for what writes the addresses there.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(super) fn nulls(count: usize, flags: Flags) -> Result<Self> {
        let null = core::ptr::null_mut();
        Ok(match count {
            1 => Self::One([null]),
            _ => Self::Many(KVVec::from_elem(null, count, flags)?),
        })
    }

    /// Makes room for one more.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`, after which it is as before.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(super) fn reserve_one(&mut self) -> Result {
        match self {
            Self::Many(list) if list.capacity() != 0 => list.reserve(1, GFP_KERNEL_ACCOUNT)?,
            // The first one needs no room.
            Self::Many(_) => {}
            Self::One([first]) => {
                let mut list = KVVec::with_capacity(2, GFP_KERNEL_ACCOUNT)?;
                list.push(*first, GFP_KERNEL_ACCOUNT)?;
                *self = Self::Many(list);
            }
        }
        Ok(())
    }

    /// Adds a page at the end.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`, but not if there is room for it.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(super) fn push(&mut self, page: *mut bindings::page) -> Result {
        self.reserve_one()?;
        match self {
            Self::Many(list) if list.capacity() != 0 => list.push(page, GFP_KERNEL_ACCOUNT)?,
            _ => *self = Self::One([page]),
        }
        Ok(())
    }

    /// Leaves only the first `count`, of which there are not fewer.
    pub(super) fn truncate(&mut self, count: usize) {
        match self {
            Self::One(_) if count == 0 => *self = Self::new(),
            Self::One(_) => {}
            Self::Many(list) => list.truncate(count),
        }
    }
}

impl Default for PageList {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for PageList {
    type Target = [*mut bindings::page];

    #[inline]
    fn deref(&self) -> &[*mut bindings::page] {
        match self {
            Self::One(one) => one,
            Self::Many(list) => list,
        }
    }
}

impl DerefMut for PageList {
    #[inline]
    fn deref_mut(&mut self) -> &mut [*mut bindings::page] {
        match self {
            Self::One(one) => one,
            Self::Many(list) => list,
        }
    }
}
