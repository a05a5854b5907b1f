// SPDX-License-Identifier: GPL-2.0

//! A hash table of objects, to find those that wait.
//!
//! The table does not own its objects: the one who drives an object puts it in and takes it out. An
//! object that is dropped while it is in a table is leaked, so that the table never leads to memory
//! that is gone.

use super::object::{Handle, Kind, Object};
use core::{
    cell::UnsafeCell,
    ptr::{null_mut, NonNull},
};
use kernel::{
    alloc::{
        flags::{__GFP_NOWARN, GFP_KERNEL_ACCOUNT},
        KVVec,
    },
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
};

/// The number of the last table that was made.
static LAST_ID: Atomic<u64> = Atomic::new(0);

struct Links<P: Kind> {
    /// The number of its table, 0 if it is in none.
    table: u64,
    key: u64,
    /// The pointer that leads here: a head, or `next` of another object.
    prev: *mut *mut Object<P>,
    next: *mut Object<P>,
}

/// The node inside an object.
///
/// While it is in a table only those with access to that table touch it, else only those with
/// its handle. Whether it is in one only the holder of the handle changes, and asks.
pub(crate) struct Node<P: Kind>(UnsafeCell<Links<P>>);

impl<P: Kind> Node<P> {
    /// Of an object that is in no table.
    pub(super) fn new() -> Self {
        Self(UnsafeCell::new(Links {
            table: 0,
            key: 0,
            prev: null_mut(),
            next: null_mut(),
        }))
    }

    /// The number of the table that it is in, 0 for none.
    ///
    /// # Context
    ///
    /// Only for the holder of the handle.
    #[inline]
    fn table(&self) -> u64 {
        // SAFETY: `table` is only written by the holder of the handle, for whom this is.
        unsafe { (*self.0.get()).table }
    }

    /// Whether it is in a table.
    ///
    /// # Context
    ///
    /// Only for the holder of the handle.
    #[inline]
    pub(super) fn linked(&self) -> bool {
        self.table() != 0
    }
}

/// A hash table of the objects that wait, by a key of 64 bits. It does not own them.
///
/// It grows with them, so that it takes as long to find one of many as one of few.
///
/// # Invariants
///
/// `buckets` has `1 << (64 - shift)` heads of lists of live objects whose `table` is `id`, which no other table has, and
/// whose `prev` is where the pointer to them is. Its elements do not move as long as it is here.
pub(crate) struct HashTable<P: Kind> {
    buckets: KVVec<*mut Object<P>>,
    id: u64,
    /// Bits of a hash that are not part of the index.
    shift: u32,
    /// With as many objects there are to be more lists.
    limit: usize,
    /// How many more objects there may be before it grows.
    room: usize,
}

// SAFETY: The objects are `Sync`, and links are only touched through the table.
unsafe impl<P: Kind> Send for HashTable<P> {}
// SAFETY: `&HashTable` only gives `&Object`.
unsafe impl<P: Kind> Sync for HashTable<P> {}

impl<P: Kind> HashTable<P> {
    /// A table with `1 << bits` lists, two at least.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn new(bits: u32) -> Result<Self> {
        let shift = u64::BITS - bits.clamp(1, 31);
        let buckets = Self::empty_buckets(1 << (u64::BITS - shift))?;
        // INVARIANT: All of them are empty, and there are as many as `shift` says.
        Ok(Self {
            limit: buckets.len(),
            room: buckets.len(),
            buckets,
            id: LAST_ID.fetch_add(1, Relaxed) + 1,
            shift,
        })
    }

    fn empty_buckets(count: usize) -> Result<KVVec<*mut Object<P>>> {
        Ok(KVVec::from_elem(
            null_mut(),
            count,
            GFP_KERNEL_ACCOUNT | __GFP_NOWARN,
        )?)
    }

    #[inline]
    fn bucket(&self, key: u64) -> usize {
        key.wrapping_mul(0x61c8_8646_80b5_83eb)
            .wrapping_shr(self.shift) as usize
    }

    /// Whether `req`'s object is in this table.
    #[inline]
    pub(crate) fn contains(&self, req: &Handle<P>) -> bool {
        req.object().node.table() == self.id
    }

    /// Puts the object in under `key`. One that is in a table already stays as it is.
    ///
    /// # Context
    ///
    /// May sleep.
    #[inline]
    pub(crate) fn insert(&mut self, key: u64, req: &mut Handle<P>) {
        if req.object().node.linked() {
            return;
        }
        // SAFETY: The node is in no table, so it is the handle's.
        unsafe {
            let object = core::ptr::from_ref(req.object()).cast_mut();
            let links = (*object).node.0.get();
            ((*links).table, (*links).key) = (self.id, key);
            self.link(object);
        }
        self.room = self.room.wrapping_sub(1);
        if self.room == 0 {
            self.grow();
        }
    }

    /// Puts an object in front of the list for its key.
    ///
    /// # Safety
    ///
    /// It must be a live object of this table in no list of it.
    #[inline]
    unsafe fn link(&mut self, object: *mut Object<P>) {
        // SAFETY: The object is live, and its links to others are those of who has the table. By the type invariants there is
        // a head for each number of so many bits; what it leads to is an object of this table.
        unsafe {
            let links = (*object).node.0.get();
            let head = self.buckets.as_mut_ptr().add(self.bucket((*links).key));
            ((*links).prev, (*links).next) = (head, *head);
            if let Some(old) = NonNull::new(*head) {
                (*old.as_ref().node.0.get()).prev = &raw mut (*links).next;
            }
            *head = object;
        }
    }

    /// Has twice as many lists, if there is memory for them. What is under one key stays in its order.
    #[cold] // poll/32
    fn grow(&mut self) {
        self.room = self.limit;
        self.limit *= 2;
        let Ok(mut old) = Self::empty_buckets(self.buckets.len() * 2) else {
            return;
        };
        // INVARIANT: There are twice as many, and all objects are put into their lists below.
        core::mem::swap(&mut self.buckets, &mut old);
        self.shift -= 1;
        for head in old {
            let (mut next, mut last) = (head, null_mut());
            // SAFETY: The objects of a list are live. They are taken off it, last one first, and are in no list until
            // `link` puts them into a new one. The table is borrowed exclusively.
            unsafe {
                while let Some(object) = NonNull::new(next) {
                    let links = object.as_ref().node.0.get();
                    next = core::mem::replace(&mut (*links).next, last);
                    last = object.as_ptr();
                }
                while let Some(object) = NonNull::new(last) {
                    let links = object.as_ref().node.0.get();
                    last = (*links).next;
                    self.link(object.as_ptr());
                }
            }
        }
    }

    /// Takes the object out, if it is in.
    #[inline]
    pub(crate) fn remove(&mut self, req: &mut Handle<P>) {
        if !self.contains(req) {
            return;
        }
        let object = req.object();
        // SAFETY: The object is in this table, which is borrowed exclusively, like its neighbours and what leads to it.
        unsafe {
            let links = object.node.0.get();
            let (prev, next) = ((*links).prev, (*links).next);
            *prev = next;
            if let Some(next) = NonNull::new(next) {
                (*next.as_ref().node.0.get()).prev = prev;
            }
            (*links).table = 0;
        }
        self.room = self.room.wrapping_add(1);
    }

    fn chained<'a>(&'a self, head: *mut Object<P>) -> impl Iterator<Item = (u64, &'a Object<P>)> {
        let mut next = head;
        core::iter::from_fn(move || {
            let object = NonNull::new(next)?;
            // SAFETY: By the type invariants it is a live object. It stays one as long as the table
            // is borrowed: whoever drops its handle must take it out first, or it is leaked. It is in this table,
            // whose links nobody changes while it is borrowed.
            let (object, links): (&'a Object<P>, _) = unsafe {
                let object = object.as_ref();
                (object, &*object.node.0.get())
            };
            next = links.next;
            Some((links.key, object))
        })
    }

    /// The objects under `key`, the latest first.
    pub(crate) fn get(&self, key: u64) -> impl Iterator<Item = &Object<P>> {
        let head = self.buckets.get(self.bucket(key)).copied();
        let head = head.unwrap_or_else(|| {
            // A hash without the bits that are not part of the index is one.
            kernel::warn_on!(true);
            null_mut()
        });
        let mut objects = self.chained(head);
        // A loop of its own: lists can be long, and what is done with what is found too.
        core::iter::from_fn(move || loop {
            let (found, object) = objects.next()?;
            if found == key {
                return Some(object);
            }
        })
    }

    /// All objects of the table, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Object<P>> {
        self.buckets
            .iter()
            .flat_map(|head| self.chained(*head))
            .map(|(_, object)| object)
    }
}

impl<P: Kind> Drop for HashTable<P> {
    fn drop(&mut self) {
        if self.room != self.limit {
            let left = self.limit.wrapping_sub(self.room);
            kernel::pr_err!("a table goes with {left} requests in it\n");
            // What is in a table takes itself out when it is over, and a ring ends all that it has before it goes.
            kernel::warn_on!(true);
            // Their nodes lead to the buckets.
            core::mem::forget(core::mem::take(&mut self.buckets));
        }
    }
}
