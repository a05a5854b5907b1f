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
    warn_on,
};

/// The number of the last table that was made.
static LAST_ID: Atomic<u64> = Atomic::new(0);

/// The index by the key that an object is put in under.
const BY_KEY: usize = 0;
/// The index by file, which there is once that has been asked for.
const BY_FILE: usize = 1;

/// With so many objects, or more, it is worth an index by file to look for those of one.
const MANY: usize = 64;

/// The place of an object in one index.
struct Link<P: Kind> {
    key: u64,
    /// The pointer that leads here: a head, or `next` of another object. Null while it is not in the index by file.
    prev: *mut *mut Object<P>,
    next: *mut Object<P>,
}

impl<P: Kind> Link<P> {
    const NONE: Self = Self {
        key: 0,
        prev: null_mut(),
        next: null_mut(),
    };
}

/// The node inside an object.
///
/// While it is in a table only those with access to that table touch its links, else only those with
/// its handle.
pub(crate) struct Node<P: Kind> {
    /// The number of its table, 0 if it is in none. Only the holder of the handle changes it, and asks for it.
    table: Atomic<u64>,
    links: UnsafeCell<[Link<P>; 2]>,
}

impl<P: Kind> Node<P> {
    /// Of an object that is in no table.
    pub(super) fn new() -> Self {
        Self {
            table: Atomic::new(0),
            links: UnsafeCell::new([Link::NONE; 2]),
        }
    }

    /// Where its link of one index is.
    #[inline]
    fn link(&self, by: usize) -> *mut Link<P> {
        self.links.get().cast::<Link<P>>().wrapping_add(by)
    }

    /// Whether it is in a table.
    ///
    /// # Context
    ///
    /// Only for the holder of the handle.
    #[inline]
    pub(super) fn linked(&self) -> bool {
        self.table.load(Relaxed) != 0
    }
}

/// Lists of objects by a key of 64 bits.
///
/// It has the more lists the more objects there are, so that it takes as long to find one of many as one of few.
///
/// # Invariants
///
/// `heads` has `1 << (64 - shift)` heads of lists of live objects of one table, of whose links `BY` `prev` is where the pointer
/// to them is. Its elements do not move as long as it is here.
struct Index<P: Kind, const BY: usize> {
    heads: KVVec<*mut Object<P>>,
    /// Bits of a hash that are not part of the index.
    shift: u32,
    /// With as many objects there are to be more lists.
    limit: usize,
    /// How many more objects there may be before it grows.
    room: usize,
}

impl<P: Kind, const BY: usize> Index<P, BY> {
    /// One of `1 << bits` lists, two at least.
    fn new(bits: u32) -> Result<Self> {
        let shift = u64::BITS - bits.clamp(1, 31);
        let heads = Self::empty_heads(1 << (u64::BITS - shift))?;
        // INVARIANT: All of them are empty, and there are as many as `shift` says.
        Ok(Self {
            limit: heads.len(),
            room: heads.len(),
            heads,
            shift,
        })
    }

    fn empty_heads(count: usize) -> Result<KVVec<*mut Object<P>>> {
        Ok(KVVec::from_elem(
            null_mut(),
            count,
            GFP_KERNEL_ACCOUNT | __GFP_NOWARN,
        )?)
    }

    /// How many objects are in it.
    fn len(&self) -> usize {
        self.limit.wrapping_sub(self.room)
    }

    #[inline]
    fn list_of(&self, key: u64) -> usize {
        key.wrapping_mul(0x61c8_8646_80b5_83eb)
            .wrapping_shr(self.shift) as usize
    }

    /// The head of the list for a key.
    #[inline]
    fn head(&self, key: u64) -> &[*mut Object<P>] {
        let at = self.list_of(key);
        let head = self.heads.get(at..).and_then(|heads| heads.get(..1));
        // A hash without the bits that are not part of the index is one.
        warn_on!(head.is_none());
        head.unwrap_or_default()
    }

    /// Puts an object in front of the list for this key.
    ///
    /// # Safety
    ///
    /// It must be a live object of the table that this index is of, and in no list of it.
    #[inline]
    unsafe fn link(&mut self, key: u64, object: &Object<P>) {
        let object = core::ptr::from_ref(object).cast_mut();
        // SAFETY: The object is live, and its links to others are those of who has the table. By the type invariants there is
        // a head for each number of so many bits; what it leads to is an object of this table.
        unsafe {
            let link = (*object).node.link(BY);
            let head = self.heads.as_mut_ptr().add(self.list_of(key));
            ((*link).key, (*link).prev, (*link).next) = (key, head, *head);
            if let Some(old) = NonNull::new(*head) {
                (*old.as_ref().node.link(BY)).prev = &raw mut (*link).next;
            }
            *head = object;
        }
        self.room = self.room.wrapping_sub(1);
        if self.room == 0 {
            self.grow();
        }
    }

    /// Has twice as many lists, if there is memory for them. What is under one key stays in its order.
    #[cold] // poll/32
    fn grow(&mut self) {
        self.room = self.limit;
        self.limit *= 2;
        let Ok(mut old) = Self::empty_heads(self.heads.len() * 2) else {
            return;
        };
        // INVARIANT: There are twice as many, and all objects are put into their lists below.
        core::mem::swap(&mut self.heads, &mut old);
        self.shift -= 1;
        // As many of them are taken when the objects are put in once more.
        self.room = self.limit;
        for head in old {
            let (mut next, mut last) = (head, null_mut());
            // SAFETY: The objects of a list are live. They are taken off it, last one first, and are in no list until
            // `link` puts them into a new one. The table is borrowed exclusively.
            unsafe {
                while let Some(object) = NonNull::new(next) {
                    let link = object.as_ref().node.link(BY);
                    next = core::mem::replace(&mut (*link).next, last);
                    last = object.as_ptr();
                }
                while let Some(object) = NonNull::new(last) {
                    let link = object.as_ref().node.link(BY);
                    last = (*link).next;
                    self.link((*link).key, object.as_ref());
                }
            }
        }
    }

    /// Takes an object out of its list.
    ///
    /// # Safety
    ///
    /// It must be in one of this index.
    #[inline]
    unsafe fn unlink(&mut self, object: &Object<P>) {
        // SAFETY: The object is in this index, which is borrowed exclusively, like its neighbours and what leads to it.
        unsafe {
            let link = object.node.link(BY);
            let (prev, next) = ((*link).prev, (*link).next);
            *prev = next;
            if let Some(next) = NonNull::new(next) {
                (*next.as_ref().node.link(BY)).prev = prev;
            }
            if BY == BY_FILE {
                (*link).prev = null_mut();
            }
        }
        self.room = self.room.wrapping_add(1);
    }
}

impl<P: Kind, const BY: usize> Drop for Index<P, BY> {
    fn drop(&mut self) {
        if self.len() != 0 {
            // The nodes of what is left lead to the heads.
            core::mem::forget(core::mem::take(&mut self.heads));
        }
    }
}

/// A hash table of the objects that wait, by a key of 64 bits, and by their files once that is asked for. It does not own them.
///
/// # Invariants
///
/// Objects whose `table` is `id`, which no other table has, are in `by_key`, and others are not. Those of them whose link
/// `BY_FILE` has a `prev` are in `by_file`, and others are not.
pub(crate) struct HashTable<P: Kind> {
    by_key: Index<P, BY_KEY>,
    /// Of those that have a file. There is none before somebody looks for those of a file among many: others
    /// need not keep it up.
    by_file: Option<Index<P, BY_FILE>>,
    id: u64,
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
        Ok(Self {
            by_key: Index::new(bits)?,
            by_file: None,
            id: LAST_ID.fetch_add(1, Relaxed) + 1,
        })
    }

    /// Whether `req`'s object is in this table.
    #[inline]
    pub(crate) fn contains(&self, req: &Handle<P>) -> bool {
        req.object().node.table.load(Relaxed) == self.id
    }

    /// Puts the object in under `key`, as one that has the file with the id `file`, or none if that is 0. One that is in a table
    /// already stays under its key.
    ///
    /// # Context
    ///
    /// May sleep.
    #[inline]
    pub(crate) fn insert(&mut self, key: u64, file: usize, req: &mut Handle<P>) {
        let object = req.object();
        if !object.node.linked() {
            object.node.table.store(self.id, Relaxed);
            // SAFETY: The node was in no table, so it is the handle's.
            // INVARIANT: It is in `by_key` from here on.
            unsafe { self.by_key.link(key, object) };
        }
        if self.by_file.is_some() {
            self.set_file(file, object);
        }
    }

    /// Has an object of the table be found as one of this file, or of none if that is 0.
    #[cold] // poll/32
    fn set_file(&mut self, file: usize, object: &Object<P>) {
        let Some(by_file) = &mut self.by_file else {
            return;
        };
        if object.node.table.load(Relaxed) != self.id {
            return;
        }
        // SAFETY: It is an object of this table, which is borrowed exclusively. By the type invariants it is in `by_file` if it
        // has a `prev` there.
        unsafe {
            let link = object.node.link(BY_FILE);
            if !(*link).prev.is_null() {
                by_file.unlink(object);
            }
            if file != 0 {
                by_file.link(file as u64, object);
            }
        }
    }

    /// Takes the object out, if it is in.
    #[inline]
    pub(crate) fn remove(&mut self, req: &mut Handle<P>) {
        if !self.contains(req) {
            return;
        }
        if self.by_file.is_some() {
            self.set_file(0, req.object());
        }
        // SAFETY: By the type invariants it is there.
        unsafe { self.by_key.unlink(req.object()) };
        // INVARIANT: It is in neither of both.
        req.object().node.table.store(0, Relaxed);
    }

    /// Has those of a file be found as fast among many as among few, if there are many. `file_of` says which file an object has.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn index_files(&mut self, file_of: impl Fn(&Object<P>) -> usize) {
        let count = self.by_key.len();
        if self.by_file.is_some() || count < MANY {
            return;
        }
        // Without memory for it all are looked at.
        let Ok(mut by_file) = Index::new(count.ilog2() + 1) else {
            return;
        };
        for object in self.iter() {
            let file = file_of(object);
            if file != 0 {
                // SAFETY: It is an object of this table, and in no list by file as there was none.
                unsafe { by_file.link(file as u64, object) };
            }
        }
        // INVARIANT: Those that have a file are in it.
        self.by_file = Some(by_file);
    }

    fn chained<'a>(
        &'a self,
        by: usize,
        head: *mut Object<P>,
    ) -> impl Iterator<Item = (u64, &'a Object<P>)> {
        let mut next = head;
        core::iter::from_fn(move || {
            let object = NonNull::new(next)?;
            // SAFETY: By the type invariants it is a live object. It stays one as long as the table
            // is borrowed: whoever drops its handle must take it out first, or it is leaked. It is in this table,
            // whose links nobody changes while it is borrowed.
            let (object, link): (&'a Object<P>, _) = unsafe {
                let object = object.as_ref();
                (object, &*object.node.link(by))
            };
            next = link.next;
            Some((link.key, object))
        })
    }

    /// The objects under `key`, the latest first.
    pub(crate) fn get(&self, key: u64) -> impl Iterator<Item = &Object<P>> {
        let head = self.by_key.head(key).first().copied();
        let mut objects = self.chained(BY_KEY, head.unwrap_or(null_mut()));
        // A loop of its own: lists can be long, and what is done with what is found too.
        core::iter::from_fn(move || loop {
            let (found, object) = objects.next()?;
            if found == key {
                return Some(object);
            }
        })
    }

    /// Those that may have the file with this id, all of those that have it among them, in no order. All if none is given.
    pub(crate) fn get_by_file(&self, file: Option<usize>) -> impl Iterator<Item = &Object<P>> {
        let (heads, by) = match (&self.by_file, file) {
            (Some(by_file), Some(file)) => (by_file.head(file as u64), BY_FILE),
            _ => (&*self.by_key.heads, BY_KEY),
        };
        heads
            .iter()
            .flat_map(move |head| self.chained(by, *head))
            .map(|(_, object)| object)
    }

    /// All objects of the table, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Object<P>> {
        self.get_by_file(None)
    }
}

impl<P: Kind> Drop for HashTable<P> {
    fn drop(&mut self) {
        let left = self.by_key.len();
        if left != 0 {
            kernel::pr_err!("a table goes with {left} requests in it\n");
            // What is in a table takes itself out when it is over, and a ring ends all that it has before it goes.
            warn_on!(true);
        }
    }
}
