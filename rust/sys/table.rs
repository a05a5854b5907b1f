// SPDX-License-Identifier: GPL-2.0

//! A hash table of cells, to find those that wait.
//!
//! The table does not own its cells: the one who drives a cell puts it in and takes it out. A
//! cell that is dropped while it is in a table is leaked, so that the table never leads to memory
//! that is gone.

use super::token::{Cell, Parcel, Token};
use core::{
    cell::UnsafeCell,
    ptr::{null_mut, NonNull},
};
use kernel::{alloc::flags::GFP_KERNEL_ACCOUNT, alloc::KVVec, prelude::*};

struct Links<P: Parcel> {
    /// Which table, null for none.
    table: *const (),
    key: u64,
    prev: *mut Cell<P>,
    next: *mut Cell<P>,
}

/// The node inside a cell.
///
/// While it is in a table only those with access to that table touch it, else only those with
/// its token.
pub(crate) struct Node<P: Parcel>(UnsafeCell<Links<P>>);

impl<P: Parcel> Node<P> {
    /// Of a cell that is in no table.
    pub(super) fn new() -> Self {
        Self(UnsafeCell::new(Links {
            table: core::ptr::null(),
            key: 0,
            prev: null_mut(),
            next: null_mut(),
        }))
    }

    /// Whether it is in a table. Only for the holder of the token.
    #[inline]
    pub(super) fn linked(&self) -> bool {
        // SAFETY: `table` is only written with the token, which the caller has.
        unsafe { !(*self.0.get()).table.is_null() }
    }
}

/// The table.
///
/// # Invariants
///
/// `buckets` has a power of two of heads of doubly linked lists of live cells whose `table` is
/// the address of the first bucket.
pub(crate) struct Table<P: Parcel> {
    buckets: KVVec<*mut Cell<P>>,
    /// Bits of a hash that are not part of the index.
    shift: u32,
    len: usize,
}

// SAFETY: The cells are `Sync`, and links are only touched through the table.
unsafe impl<P: Parcel> Send for Table<P> {}
// SAFETY: `&Table` only gives `&Cell`.
unsafe impl<P: Parcel> Sync for Table<P> {}

impl<P: Parcel> Table<P> {
    /// A table with `1 << bits` lists, two at least. May sleep.
    pub(crate) fn new(bits: u32) -> Result<Self> {
        let mut buckets = KVVec::with_capacity(1 << bits, GFP_KERNEL_ACCOUNT)?;
        for _ in 0..1usize << bits {
            buckets.push(null_mut(), GFP_KERNEL_ACCOUNT)?;
        }
        Ok(Self {
            buckets,
            shift: u64::BITS.saturating_sub(bits),
            len: 0,
        })
    }

    #[inline]
    fn id(&self) -> *const () {
        self.buckets.as_ptr().cast()
    }

    #[inline]
    fn bucket(&self, key: u64) -> usize {
        key.wrapping_mul(0x61c8_8646_80b5_83eb)
            .wrapping_shr(self.shift) as usize
    }

    /// Whether `token`'s cell is in this table.
    #[inline]
    pub(crate) fn contains(&self, token: &Token<P>) -> bool {
        // SAFETY: The token is here, so `table` is not being written.
        unsafe { (*token.cell().node.0.get()).table == self.id() }
    }

    /// Puts the cell in under `key`. One that is in a table already stays as it is.
    #[inline]
    pub(crate) fn insert(&mut self, key: u64, token: &mut Token<P>) {
        if token.cell().node.linked() {
            return;
        }
        let index = self.bucket(key);
        let cell: *mut Cell<P> = core::ptr::from_ref(token.cell()).cast_mut();
        let id = self.id();
        let Some(head) = self.buckets.get_mut(index) else {
            return;
        };
        // SAFETY: The node is in no table, so it is the token's; the old head is a cell of this
        // table, which is borrowed exclusively.
        unsafe {
            *(*cell).node.0.get() = Links {
                table: id,
                key,
                prev: null_mut(),
                next: *head,
            };
            if let Some(old) = NonNull::new(*head) {
                (*old.as_ref().node.0.get()).prev = cell;
            }
        }
        *head = cell;
        self.len += 1;
    }

    /// Takes the cell out, if it is in.
    #[inline]
    pub(crate) fn remove(&mut self, token: &mut Token<P>) {
        if !self.contains(token) {
            return;
        }
        let cell = token.cell();
        // SAFETY: The cell is in this table, which is borrowed exclusively, like its neighbours.
        unsafe {
            let links = &mut *cell.node.0.get();
            if let Some(next) = NonNull::new(links.next) {
                (*next.as_ref().node.0.get()).prev = links.prev;
            }
            if let Some(prev) = NonNull::new(links.prev) {
                (*prev.as_ref().node.0.get()).next = links.next;
            } else {
                let index = self.bucket(links.key);
                if let Some(head) = self.buckets.get_mut(index) {
                    *head = links.next;
                }
            }
            links.table = core::ptr::null();
        }
        self.len -= 1;
    }

    fn walk<'a>(&'a self, head: *mut Cell<P>) -> impl Iterator<Item = (u64, &'a Cell<P>)> {
        let mut next = head;
        core::iter::from_fn(move || {
            let cell = NonNull::new(next)?;
            // SAFETY: By the type invariants it is a live cell. It stays one as long as the table
            // is borrowed: whoever drops its token must take it out first, or it is leaked.
            let cell: &'a Cell<P> = unsafe { cell.as_ref() };
            // SAFETY: The cell is in this table, whose links nobody changes while it is borrowed.
            let links = unsafe { &*cell.node.0.get() };
            next = links.next;
            Some((links.key, cell))
        })
    }

    /// The cells under `key`, the latest first.
    pub(crate) fn get(&self, key: u64) -> impl Iterator<Item = &Cell<P>> {
        let head = self.buckets.get(self.bucket(key)).copied();
        let mut cells = self.walk(head.unwrap_or(null_mut()));
        // A loop of its own: lists can be long, and what is done with what is found too.
        core::iter::from_fn(move || loop {
            let (found, cell) = cells.next()?;
            if found == key {
                return Some(cell);
            }
        })
    }

    /// All cells.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Cell<P>> {
        self.buckets
            .iter()
            .flat_map(|head| self.walk(*head))
            .map(|(_, cell)| cell)
    }
}

impl<P: Parcel> Drop for Table<P> {
    fn drop(&mut self) {
        if self.len != 0 {
            kernel::pr_err!("a table goes with {} requests in it\n", self.len);
            // Their nodes name the buckets' address, which must not come back as another table.
            core::mem::forget(core::mem::take(&mut self.buckets));
        }
    }
}
