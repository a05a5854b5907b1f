// SPDX-License-Identifier: GPL-2.0

//! Lists of pages, which need no memory of their own for a few.

use super::bindings;
use crate::uapi::errno::Result;
use core::{
    ops::{Deref, DerefMut},
    ptr::null_mut,
};
use kernel::alloc::{flags::GFP_KERNEL_ACCOUNT, Flags, KVVec};

/// How many pages need no memory of their own: a ring of buffers is seldom larger, nor are the queues of most rings.
const FEW: usize = 4;

/// The addresses of pages, one after the other. It keeps none of them.
pub(super) enum PageList {
    /// So many of the places.
    Few([*mut bindings::page; FEW], usize),
    /// However many.
    Many(KVVec<*mut bindings::page>),
}

impl PageList {
    /// A list of no pages.
    const fn new() -> Self {
        Self::Few([null_mut(); FEW], 0)
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
        if count <= FEW {
            return Ok(Self::new());
        }
        Ok(Self::Many(KVVec::with_capacity(count, flags)?))
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
        if count <= FEW {
            return Ok(Self::Few([null_mut(); FEW], count));
        }
        Ok(Self::Many(KVVec::from_elem(null_mut(), count, flags)?))
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
            Self::Many(list) => list.reserve(1, GFP_KERNEL_ACCOUNT)?,
            Self::Few(few, FEW) => {
                let mut list = KVVec::with_capacity(2 * FEW, GFP_KERNEL_ACCOUNT)?;
                list.extend_from_slice(few, GFP_KERNEL_ACCOUNT)?;
                *self = Self::Many(list);
            }
            Self::Few(..) => {}
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
            Self::Many(list) => list.push(page, GFP_KERNEL_ACCOUNT)?,
            Self::Few(few, len) => {
                if let Some(place) = few.get_mut(*len) {
                    *place = page;
                    *len += 1;
                }
            }
        }
        Ok(())
    }

    /// Leaves only the first `count`, of which there are not fewer.
    pub(super) fn truncate(&mut self, count: usize) {
        match self {
            Self::Few(_, len) => *len = count.min(*len),
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
            Self::Few(few, len) => few.get(..*len).unwrap_or_default(),
            Self::Many(list) => list,
        }
    }
}

impl DerefMut for PageList {
    #[inline]
    fn deref_mut(&mut self) -> &mut [*mut bindings::page] {
        match self {
            Self::Few(few, len) => few.get_mut(..*len).unwrap_or_default(),
            Self::Many(list) => list,
        }
    }
}
