// SPDX-License-Identifier: GPL-2.0

//! A hash table of objects, to find those that wait.
//!
//! The table does not own its objects: the one who drives an object puts it in and takes it out. A
//! object that is dropped while it is in a table is leaked, so that the table never leads to memory
//! that is gone.

use super::object::{Handle, Kind, Object};
use core::{
    cell::UnsafeCell,
    ptr::{null_mut, NonNull},
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KVVec},
    prelude::*,
};

struct Links<P: Kind> {
    /// Which table, null for none.
    table: *const (),
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
            table: core::ptr::null(),
            key: 0,
            prev: null_mut(),
            next: null_mut(),
        }))
    }

    /// Whether it is in a table.
    ///
    /// # Context
    ///
    /// Only for the holder of the handle.
    #[inline]
    pub(super) fn linked(&self) -> bool {
        // SAFETY: `table` is only written by the holder of the handle, for whom this is.
        unsafe { !(*self.0.get()).table.is_null() }
    }
}

/// A hash table of the objects that wait, by a key of 64 bits. It does not own them.
///
/// # Invariants
///
/// `buckets` has a power of two of heads of lists of live objects whose `table` is the address of the first bucket, and
/// whose `prev` is where the pointer to them is. It never moves.
pub(crate) struct HashTable<P: Kind> {
    buckets: KVVec<*mut Object<P>>,
    /// Bits of a hash that are not part of the index.
    shift: u32,
    len: usize,
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

    /// Whether `req`'s object is in this table.
    #[inline]
    pub(crate) fn contains(&self, req: &Handle<P>) -> bool {
        // SAFETY: The handle is here, so `table` is not being written.
        unsafe { (*req.object().node.0.get()).table == self.id() }
    }

    /// Puts the object in under `key`. One that is in a table already stays as it is.
    #[inline]
    pub(crate) fn insert(&mut self, key: u64, req: &mut Handle<P>) {
        if req.object().node.linked() {
            return;
        }
        let index = self.bucket(key);
        let object: *mut Object<P> = core::ptr::from_ref(req.object()).cast_mut();
        let id = self.id();
        if index >= self.buckets.len() {
            return;
        }
        // SAFETY: The index was checked. The node is in no table, so it is the handle's; the old head is an object of
        // this table, which is borrowed exclusively.
        unsafe {
            let head = self.buckets.as_mut_ptr().add(index);
            let links = (*object).node.0.get();
            *links = Links {
                table: id,
                key,
                prev: head,
                next: *head,
            };
            if let Some(old) = NonNull::new(*head) {
                (*old.as_ref().node.0.get()).prev = &raw mut (*links).next;
            }
            *head = object;
        }
        self.len += 1;
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
            (*links).table = core::ptr::null();
        }
        self.len -= 1;
    }

    fn walk<'a>(&'a self, head: *mut Object<P>) -> impl Iterator<Item = (u64, &'a Object<P>)> {
        let mut next = head;
        core::iter::from_fn(move || {
            let object = NonNull::new(next)?;
            // SAFETY: By the type invariants it is a live object. It stays one as long as the table
            // is borrowed: whoever drops its handle must take it out first, or it is leaked.
            let object: &'a Object<P> = unsafe { object.as_ref() };
            // SAFETY: The object is in this table, whose links nobody changes while it is borrowed.
            let links = unsafe { &*object.node.0.get() };
            next = links.next;
            Some((links.key, object))
        })
    }

    /// The objects under `key`, the latest first.
    pub(crate) fn get(&self, key: u64) -> impl Iterator<Item = &Object<P>> {
        let head = self.buckets.get(self.bucket(key)).copied();
        let mut objects = self.walk(head.unwrap_or(null_mut()));
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
            .flat_map(|head| self.walk(*head))
            .map(|(_, object)| object)
    }
}

impl<P: Kind> Drop for HashTable<P> {
    fn drop(&mut self) {
        if self.len != 0 {
            kernel::pr_err!("a table goes with {} requests in it\n", self.len);
            // Their nodes name the buckets' address, which must not come back as another table.
            core::mem::forget(core::mem::take(&mut self.buckets));
        }
    }
}
