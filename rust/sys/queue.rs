// SPDX-License-Identifier: GPL-2.0

//! Lists of tokens: [`Fifo`] for one owner, [`Inbox`] that anybody can put into.
//!
//! Both go through the one link that each cell has, so that queueing never allocates. A token is
//! in one list at a time because there is one token.

use super::token::{Cell, Claimed, Parcel, Token};
use core::{
    cell::UnsafeCell,
    ptr::{null_mut, NonNull},
};
use kernel::sync::atomic::{Acquire, Atomic, Full, Relaxed};

/// The link inside a cell.
pub(crate) struct Link<P: Parcel>(UnsafeCell<*mut Cell<P>>);

impl<P: Parcel> Link<P> {
    /// Of a cell that is in no list.
    pub(super) fn new() -> Self {
        Self(UnsafeCell::new(null_mut()))
    }
}

/// Tokens in the order they came.
///
/// # Invariants
///
/// `head` is null or the first of a null-terminated chain of cells, whose tokens this list owns
/// and the last of which is `tail`.
pub(crate) struct Fifo<P: Parcel> {
    head: *mut Cell<P>,
    tail: *mut Cell<P>,
}

// SAFETY: It owns tokens, which are `Send`.
unsafe impl<P: Parcel> Send for Fifo<P> {}
// SAFETY: `&Fifo` gives no access to the tokens but `&Token`, which is `Sync`.
unsafe impl<P: Parcel> Sync for Fifo<P> {}

impl<P: Parcel> Fifo<P> {
    /// An empty list.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self {
            head: null_mut(),
            tail: null_mut(),
        }
    }

    /// Whether there is nothing in it.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// Adds at the end.
    #[inline]
    pub(crate) fn push(&mut self, token: Token<P>) {
        let cell = token.into_raw().as_ptr();
        // SAFETY: The token gives exclusive use of its cell's link.
        unsafe { *(*cell).link.0.get() = null_mut() };
        if self.head.is_null() {
            self.head = cell;
        } else {
            // SAFETY: By the type invariants `tail` is ours.
            unsafe { *(*self.tail).link.0.get() = cell };
        }
        self.tail = cell;
    }

    /// Adds at the front.
    #[inline]
    pub(crate) fn push_front(&mut self, token: Token<P>) {
        let cell = token.into_raw().as_ptr();
        // SAFETY: The token gives exclusive use of its cell's link.
        unsafe { *(*cell).link.0.get() = self.head };
        if self.head.is_null() {
            self.tail = cell;
        }
        self.head = cell;
    }

    /// Takes the first.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Token<P>> {
        let cell = NonNull::new(self.head)?;
        // SAFETY: By the type invariants the cell and its link are ours, and its token went in
        // through `into_raw`.
        unsafe {
            self.head = *cell.as_ref().link.0.get();
            Some(Token::from_raw(cell))
        }
    }

    /// The owned face of the first.
    pub(crate) fn first(&self) -> Option<&P::Owned> {
        let cell = NonNull::new(self.head)?;
        // SAFETY: By the type invariants its token is ours, and this list is borrowed as long.
        unsafe { Some(&*cell.as_ref().owned_ptr()) }
    }

    /// The owned face of the first, to change. (Not its token, which could be exchanged for another.)
    pub(crate) fn first_mut(&mut self) -> Option<&mut P::Owned> {
        let cell = NonNull::new(self.head)?;
        // SAFETY: By the type invariants its token is ours, and this list is borrowed exclusively.
        unsafe { Some(&mut *cell.as_ref().owned_ptr()) }
    }

    /// The owned face of the last.
    pub(crate) fn last(&self) -> Option<&P::Owned> {
        if self.head.is_null() {
            return None;
        }
        let cell = NonNull::new(self.tail)?;
        // SAFETY: As for `first`.
        unsafe { Some(&*cell.as_ref().owned_ptr()) }
    }

    /// Moves all of `other` to the end of this list.
    pub(crate) fn append(&mut self, mut other: Self) {
        if other.head.is_null() {
            return;
        }
        if self.head.is_null() {
            self.head = other.head;
        } else {
            // SAFETY: By the type invariants `tail` is ours.
            unsafe { *(*self.tail).link.0.get() = other.head };
        }
        self.tail = other.tail;
        // The tokens are here now: `other` must not drop them.
        other.head = null_mut();
    }

    /// Shows each token's cell, first to last.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&Token<P>)) {
        let mut next = self.head;
        while let Some(cell) = NonNull::new(next) {
            // SAFETY: By the type invariants the cell and its link are ours. The token is only
            // lent, and not dropped.
            unsafe {
                next = *cell.as_ref().link.0.get();
                let token = core::mem::ManuallyDrop::new(Token::from_raw(cell));
                f(&token);
            }
        }
    }
}

impl<P: Parcel> Default for Fifo<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Parcel> Drop for Fifo<P> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

/// A queue that anybody can put into, in any context, and one owner empties.
///
/// # Invariants
///
/// `head` is null or the first of a null-terminated chain of cells whose tokens this queue owns,
/// the last one put in first.
pub(crate) struct Inbox<P: Parcel> {
    head: Atomic<*mut Cell<P>>,
}

impl<P: Parcel> Inbox<P> {
    /// An empty queue.
    pub(crate) fn new() -> Self {
        Self {
            head: Atomic::new(null_mut()),
        }
    }

    /// Puts `token` in; true if it was empty before.
    ///
    /// Has the ordering of a full barrier: what is read afterwards is not read before the token
    /// can be found.
    #[inline]
    pub(crate) fn push(&self, token: impl Into<Claimed<P>>) -> bool {
        let cell = token.into().into_raw().as_ptr();
        let mut old = self.head.load(Relaxed);
        loop {
            // SAFETY: Until the exchange succeeds the cell and its link are ours.
            unsafe { *(*cell).link.0.get() = old };
            match self.head.cmpxchg(old, cell, Full) {
                Ok(_) => return old.is_null(),
                Err(now) => old = now,
            }
        }
    }

    /// Whether there is nothing in it at the moment.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.load(Relaxed).is_null()
    }

    /// Takes all that is there, in the order it came.
    #[inline]
    pub(crate) fn take(&self) -> Fifo<P> {
        let mut fifo = Fifo::new();
        if self.is_empty() {
            return fifo;
        }
        let mut next = self.head.xchg(null_mut(), Acquire);
        while let Some(cell) = NonNull::new(next) {
            // SAFETY: The exchange took the whole chain, whose cells and links are now ours.
            unsafe {
                next = *cell.as_ref().link.0.get();
                fifo.push_front(Token::from_raw(cell));
            }
        }
        fifo
    }
}

impl<P: Parcel> Drop for Inbox<P> {
    fn drop(&mut self) {
        drop(self.take());
    }
}
