// SPDX-License-Identifier: GPL-2.0

//! Lists of handles: [`Fifo`] for one owner, [`LinkedList`] for one that takes out what is anywhere in it, [`Inbox`] that
//! anybody can put into.
//!
//! All go through links that are in the object, one for [`Fifo`] and [`Inbox`] and one for [`LinkedList`], so that queueing
//! never allocates. A handle is in one list at a time because there is one handle.

use super::object::{Handle, HandleInIrq, Kind, Object};
use core::{
    mem::ManuallyDrop,
    ptr::{null_mut, NonNull},
};
use kernel::sync::atomic::{Atomic, Full, Relaxed};

/// The link inside an object: the next one in its list. Only the owner of the object's handle uses it.
pub(crate) struct FifoLink<P: Kind>(Atomic<*mut Object<P>>);

impl<P: Kind> FifoLink<P> {
    /// Of an object that is in no list.
    pub(super) fn new() -> Self {
        Self(Atomic::new(null_mut()))
    }

    #[inline]
    fn get(&self) -> *mut Object<P> {
        self.0.load(Relaxed)
    }

    #[inline]
    fn set(&self, next: *mut Object<P>) {
        self.0.store(next, Relaxed);
    }
}

/// Handles in the order they came.
///
/// # Invariants
///
/// `head` is null or the first of a null-terminated chain of objects, whose handles this list owns
/// and the last of which is `tail`.
pub(crate) struct Fifo<P: Kind> {
    head: *mut Object<P>,
    tail: *mut Object<P>,
}

// SAFETY: It owns handles, which are `Send`.
unsafe impl<P: Kind> Send for Fifo<P> {}
// SAFETY: `&Fifo` gives no access to the handles but `&Handle`, which is `Sync`.
unsafe impl<P: Kind> Sync for Fifo<P> {}

impl<P: Kind> Fifo<P> {
    /// Makes an empty list.
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
    pub(crate) fn push(&mut self, req: Handle<P>) {
        req.object().link.set(null_mut());
        let object = req.into_raw().as_ptr();
        self.extend(object, object);
    }

    /// Puts a chain of objects whose handles come with it behind what is there.
    #[inline]
    fn extend(&mut self, first: *mut Object<P>, last: *mut Object<P>) {
        if self.head.is_null() {
            self.head = first;
        } else {
            // SAFETY: By the type invariants `tail` is an object whose handle is ours.
            unsafe { (*self.tail).link.set(first) };
        }
        self.tail = last;
    }

    /// Adds at the front.
    #[inline]
    pub(crate) fn push_front(&mut self, req: Handle<P>) {
        req.object().link.set(self.head);
        let object = req.into_raw().as_ptr();
        if self.head.is_null() {
            self.tail = object;
        }
        self.head = object;
    }

    /// Takes the first of the list out.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Handle<P>> {
        let object = NonNull::new(self.head)?;
        // SAFETY: By the type invariants the object and its link are ours, and its handle went in
        // through `into_raw`.
        unsafe {
            self.head = object.as_ref().link.get();
            Some(Handle::from_raw(object))
        }
    }

    /// The cores of the first and of the last.
    #[inline]
    fn first_and_last(&self) -> Option<(&P::Core, &P::Core)> {
        let (first, last) = (NonNull::new(self.head)?, self.tail);
        // SAFETY: By the type invariants the handles of both are ours, and this list is borrowed as long.
        unsafe { Some((&*first.as_ref().core_ptr(), &*(*last).core_ptr())) }
    }

    /// The core of the first.
    #[inline]
    pub(crate) fn first(&self) -> Option<&P::Core> {
        self.first_and_last().map(|(first, _)| first)
    }

    /// The core of the first, to change. (Not its handle, which could be exchanged for another.)
    pub(crate) fn first_mut(&mut self) -> Option<&mut P::Core> {
        let object = NonNull::new(self.head)?;
        // SAFETY: By the type invariants its handle is ours, and this list is borrowed exclusively.
        unsafe { Some(&mut *object.as_ref().core_ptr()) }
    }

    /// The core of the last.
    pub(crate) fn last(&self) -> Option<&P::Core> {
        self.first_and_last().map(|(_, last)| last)
    }

    /// Moves all of `other` to the end of this list.
    pub(crate) fn append(&mut self, mut other: Self) {
        if other.head.is_null() {
            return;
        }
        self.extend(other.head, other.tail);
        // The handles are here now: `other` must not drop them.
        other.head = null_mut();
    }

    /// How many requests there are, which takes a loop over all.
    pub(crate) fn count(&self) -> u32 {
        let mut count = 0;
        self.for_each(|_| count += 1);
        count
    }

    /// Lends each handle, first to last.
    fn iter(&self) -> impl Iterator<Item = ManuallyDrop<Handle<P>>> + use<'_, P> {
        let mut next = self.head;
        core::iter::from_fn(move || {
            let object = NonNull::new(next)?;
            // SAFETY: By the type invariants the object and its link are ours. The handle is only
            // lent, and not dropped.
            unsafe {
                next = object.as_ref().link.get();
                Some(ManuallyDrop::new(Handle::from_raw(object)))
            }
        })
    }

    /// Shows each handle's object, first to last.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&Handle<P>)) {
        self.iter().for_each(|req| f(&req));
    }
}

impl<P: Kind> Default for Fifo<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Kind> Drop for Fifo<P> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

/// The place of an object in a [`LinkedList`].
pub(crate) struct ListLink<P: Kind> {
    /// The id of the list, 0 for none.
    list: Atomic<u64>,
    /// The one before it, unless it is the first.
    prev: Atomic<*mut Object<P>>,
}

impl<P: Kind> ListLink<P> {
    /// Of an object that is in no list.
    pub(super) fn new() -> Self {
        Self {
            list: Atomic::new(0),
            prev: Atomic::new(null_mut()),
        }
    }
}

/// The id of the next list. It does not come round within the machine's life.
static NEXT_LIST: Atomic<u64> = Atomic::new(1);

/// Handles in the order they came, each of which can be taken out at once, wherever it is.
///
/// # Invariants
///
/// `id` is this list's alone, or 0 as long as nothing was put in. The objects whose handles are in `fifo`, and no others, have it
/// in their [`ListLink`], and each but the first has the one before it there.
pub(crate) struct LinkedList<P: Kind> {
    fifo: Fifo<P>,
    id: u64,
}

impl<P: Kind> LinkedList<P> {
    /// Makes an empty list.
    pub(crate) const fn new() -> Self {
        Self {
            fifo: Fifo::new(),
            id: 0,
        }
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.fifo.is_empty()
    }

    /// The core of the first.
    pub(crate) fn first(&self) -> Option<&P::Core> {
        self.fifo.first()
    }

    /// Adds at the end.
    pub(crate) fn push(&mut self, req: Handle<P>) {
        if self.id == 0 {
            self.id = NEXT_LIST.fetch_add(1, Relaxed);
        }
        let link = &req.object().list_link;
        link.list.store(self.id, Relaxed);
        link.prev.store(self.fifo.tail, Relaxed);
        self.fifo.push(req);
    }

    /// Takes the first of the list out.
    pub(crate) fn pop(&mut self) -> Option<Handle<P>> {
        let req = self.fifo.pop()?;
        req.object().list_link.list.store(0, Relaxed);
        Some(req)
    }

    /// Takes the handle of `object` out, if it is in.
    pub(crate) fn remove(&mut self, object: &Object<P>) -> Option<Handle<P>> {
        let link = &object.list_link;
        if self.id == 0 || link.list.load(Relaxed) != self.id {
            return None;
        }
        if core::ptr::eq(self.fifo.head, object) {
            return self.pop();
        }
        link.list.store(0, Relaxed);
        let (prev, next) = (link.prev.load(Relaxed), object.link.get());
        // SAFETY: By the type invariants its handle is in this list, and not the first. So is that of the one before it, and of the
        // one behind it if there is one.
        unsafe {
            (*prev).link.set(next);
            match NonNull::new(next) {
                Some(next) => next.as_ref().list_link.prev.store(prev, Relaxed),
                None => self.fifo.tail = prev,
            }
            Some(Handle::from_raw(NonNull::from(object)))
        }
    }

    /// Takes the first one out that `which` says, of the first `most`.
    pub(crate) fn take_first(
        &mut self,
        most: usize,
        mut which: impl FnMut(&Handle<P>) -> bool,
    ) -> Option<Handle<P>> {
        let found = self.fifo.iter().take(most).find(|req| which(req))?;
        self.remove(found.object())
    }

    /// Moves the objects that `which` picks to the end of `out`. All stay in their order.
    pub(crate) fn move_out(&mut self, out: &mut Fifo<P>, which: impl Fn(&Handle<P>) -> bool) {
        let mut all = core::mem::take(self);
        while let Some(req) = all.pop() {
            if which(&req) {
                out.push(req);
            } else {
                self.push(req);
            }
        }
    }
}

impl<P: Kind> Default for LinkedList<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// A queue that anybody can put into, in any context, and one owner empties.
///
/// # Invariants
///
/// `head` is null or the first of a null-terminated chain of objects whose handles this queue owns,
/// the last one put in first.
pub(crate) struct Inbox<P: Kind> {
    head: Atomic<*mut Object<P>>,
}

impl<P: Kind> Inbox<P> {
    /// Makes an empty queue.
    pub(crate) fn new() -> Self {
        Self {
            head: Atomic::new(null_mut()),
        }
    }

    /// Puts `req` in; true if it was empty before.
    ///
    /// Has the ordering of a full barrier: what is read afterwards is not read before the handle
    /// can be found.
    #[inline]
    pub(crate) fn push(&self, req: impl Into<HandleInIrq<P>>) -> bool {
        let object = req.into().into_raw();
        let mut old = self.head.load(Relaxed);
        loop {
            // SAFETY: Until the exchange succeeds the object and its link are ours.
            unsafe { object.as_ref() }.link.set(old);
            match self.head.cmpxchg(old, object.as_ptr(), Full) {
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
        if self.is_empty() {
            return Fifo::new();
        }
        self.take_now()
    }

    /// As [`Inbox::take`], with a full barrier before the look, for who has just written that he will look.
    #[inline]
    pub(crate) fn take_now(&self) -> Fifo<P> {
        let mut fifo = Fifo::new();
        let mut next = self.head.xchg(null_mut(), Full);
        while let Some(object) = NonNull::new(next) {
            // SAFETY: The exchange took the whole chain, whose objects and links are now ours.
            unsafe {
                next = object.as_ref().link.get();
                fifo.push_front(Handle::from_raw(object));
            }
        }
        fifo
    }
}

impl<P: Kind> Drop for Inbox<P> {
    fn drop(&mut self) {
        drop(self.take());
    }
}
