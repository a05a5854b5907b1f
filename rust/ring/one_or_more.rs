// SPDX-License-Identifier: GPL-2.0

//! Lists of one element as a rule, which need no memory of their own for that.

use crate::uapi::errno::Result;
use kernel::alloc::{flags::GFP_KERNEL_ACCOUNT, KVec};

/// Elements by their numbers. There is no other one where there is no first.
pub(crate) struct OneOrMore<T> {
    first: Option<T>,
    others: KVec<T>,
}

impl<T> OneOrMore<T> {
    /// Makes an empty list.
    pub(crate) const fn new() -> Self {
        Self {
            first: None,
            others: KVec::new(),
        }
    }

    /// How many elements there are.
    pub(crate) fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Whether there is more than one.
    #[inline]
    pub(crate) fn has_more(&self) -> bool {
        !self.others.is_empty()
    }

    /// The element with this number, if there is one.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        match index.checked_sub(1) {
            None => self.first.as_ref(),
            Some(index) => self.others.get(index),
        }
    }

    /// The element with this number, if there is one, to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        match index.checked_sub(1) {
            None => self.first.as_mut(),
            Some(index) => self.others.get_mut(index),
        }
    }

    /// All elements, in order.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(self.others.iter())
    }

    /// All elements, in order, to be changed.
    #[inline]
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.first.iter_mut().chain(self.others.iter_mut())
    }

    /// Makes room for one more.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn reserve_one(&mut self) -> Result {
        if self.first.is_some() {
            self.others.reserve(1, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(())
    }

    /// Adds an element at the end.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`, but not if there is room for it.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn push(&mut self, element: T) -> Result {
        if self.first.is_none() {
            self.first = Some(element);
            return Ok(());
        }
        Ok(self.others.push(element, GFP_KERNEL_ACCOUNT)?)
    }

    /// Drops those that it is not to keep. The last one takes the place of the first: not for what is known by its place.
    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(&mut T) -> bool) {
        self.others.retain(&mut keeps);
        if self.first.as_mut().is_some_and(|first| !keeps(first)) {
            self.first = self.others.pop();
        }
    }
}

impl<T> Default for OneOrMore<T> {
    fn default() -> Self {
        Self::new()
    }
}
