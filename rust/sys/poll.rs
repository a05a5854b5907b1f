// SPDX-License-Identifier: GPL-2.0

//! Waiting for a file's events: entries of an object on the wait queues that `->poll()` names.
//!
//! C headers: `include/linux/poll.h`, `include/linux/wait.h`.
//!
//! A wait queue may be freed while an object waits on it. Its owner then wakes it up with `POLLFREE`
//! and frees it only after an RCU grace period; as `fs/eventpoll.c` does, an entry's `head` is
//! cleared last, and is only followed within an RCU read section.

mod ready;
mod socket;
mod sources;

use super::{
    bindings,
    object::{Handle, Kind, Object},
    ringfile, trace,
};
use crate::{
    req::wake::WakeFlags,
    uapi::{
        abi::events,
        errno::{self, Errno},
    },
};
use core::{cell::UnsafeCell, marker::PhantomPinned, mem::offset_of, ptr::null_mut};
use kernel::{
    prelude::*,
    sync::{
        atomic::{Acquire, Atomic, Relaxed, Release},
        rcu,
    },
};

pub(crate) use ready::events_of;
pub(super) use sources::WakeSources;

const POLLFREE: u32 = bindings::ruring_number_RURING_POLLFREE;

/// One entry on one wait queue.
///
/// # Invariants
///
/// `head` is null, or `wait` is on the queue that it points to.
struct PollEntry<P: Kind> {
    wait: UnsafeCell<bindings::wait_queue_entry>,
    head: Atomic<*mut bindings::wait_queue_head>,
    events: Atomic<u32>,
    /// Changes while the entry is on no queue.
    object: Atomic<*const Object<P>>,
    _pin: PhantomPinned,
}

impl<P: Kind> PollEntry<P> {
    fn new() -> Self {
        Self {
            // What is written when the entry is put on a queue is only what changes.
            wait: UnsafeCell::new(bindings::wait_queue_entry {
                func: Some(Self::wake),
                ..Default::default()
            }),
            head: Atomic::new(null_mut()),
            events: Atomic::new(0),
            object: Atomic::new(core::ptr::null()),
            _pin: PhantomPinned,
        }
    }

    /// Puts the entry on a queue.
    ///
    /// # Context
    ///
    /// May not be called with interrupts off, as no `->poll()` may be.
    ///
    /// # Safety
    ///
    /// The entry must not move and be on no queue, `object` must outlive its stay on the queue, and
    /// the caller must hold the object's handle. `head` must be a live queue whose owner follows the
    /// rules of `POLLFREE`.
    #[inline]
    unsafe fn add(
        &self,
        object: *const Object<P>,
        head: *mut bindings::wait_queue_head,
        wanted: u32,
    ) {
        let wait = self.wait.get();
        self.object.store(object, Relaxed);
        self.events.store(wanted, Relaxed);
        // INVARIANT: The entry goes on this queue below. Before that nobody looks at `head`: the
        // handle's holder, who would, is the caller.
        self.head.store(head, Relaxed);
        // SAFETY: `wait` stays where it is, and `head` is live. Both functions write the list's
        // pointers and whether the entry is exclusive; nobody writes the other fields.
        unsafe {
            if wanted & events::EXCLUSIVE != 0 {
                bindings::add_wait_queue_exclusive(head, wait);
            } else {
                bindings::ruring_waitqueue_add(head, wait);
            }
        }
    }

    /// Takes the entry off its queue. The last thing that may be done with it.
    ///
    /// # Safety
    ///
    /// The caller must hold the lock of the queue that the entry was put on.
    #[inline]
    unsafe fn remove_locked(&self) {
        let wait = self.wait.get();
        // SAFETY: The queue's lock is held. `wait` has been on the queue, and may be off already, in
        // which case it is its own neighbour.
        unsafe {
            let entry = &raw mut (*wait).entry;
            let (prev, next) = ((*entry).prev, (*entry).next);
            (*next).prev = prev;
            (*prev).next = next;
            (*entry).prev = entry;
            (*entry).next = entry;
        }
        // INVARIANT: The entry is off the queue.
        self.head.store(null_mut(), Release);
    }

    #[inline]
    fn remove(&self) {
        // Pairs with the release in `remove_locked`, after which the entry is not touched.
        if !self.head.load(Acquire).is_null() {
            self.remove_queued();
        }
    }

    #[inline(never)] // poll-multishot/32: most have nothing to take off.
    fn remove_queued(&self) {
        let _rcu = rcu::read_lock();
        let head = self.head.load(Acquire);
        if head.is_null() {
            return;
        }
        // SAFETY: `head` was not null within this RCU read section, so that the queue's owner,
        // who clears it before a grace period, cannot have freed it.
        unsafe {
            bindings::ruring_waitqueue_lock_irq(head);
            self.remove_locked();
            bindings::ruring_waitqueue_unlock_irq(head);
        }
    }

    /// Called for each wake-up of the queue, in any context, with the queue's lock held.
    ///
    /// # Safety
    ///
    /// `wait` must be that of an entry on a queue whose lock the caller holds.
    unsafe extern "C" fn wake(
        wait: *mut bindings::wait_queue_entry,
        _mode: u32,
        _flags: i32,
        key: *mut c_void,
    ) -> i32 {
        // SAFETY: `wait` is the field of a `PollEntry`, which stays as long as it is on the queue.
        let this = unsafe { &*wait.byte_sub(offset_of!(Self, wait)).cast::<Self>() };
        let mask = key as usize as u32;
        let wanted = this.events.load(Relaxed);
        let freed = mask & POLLFREE != 0;
        const BEHAVIOUR: u32 = events::ONESHOT | events::PRI;
        if mask != 0 && !freed && mask & wanted & !BEHAVIOUR == 0 {
            return 0;
        }
        let wake_flags = if freed {
            WakeFlags::CANCELLED
        } else {
            WakeFlags::woken(mask, mask & events::URING_WAKE != 0)
        };
        // SAFETY: Whoever drops the object takes the entry off the queue first, for which they need
        // the queue's lock, or find that `remove_locked` has been called here.
        let object = unsafe { &*this.object.load(Relaxed) };
        match object.claim(wake_flags) {
            Some(req) => {
                // The entry is still on the queue, which keeps the object.
                let req = req.into();
                if trace::task_add_enabled() {
                    P::trace_woken(&req, mask);
                }
                P::deliver(req, object);
                // A single shot need not come back for the lock, and what follows in a burst need not be told.
                if freed || (mask != 0 && wanted & (events::ONESHOT | events::BURST) != 0) {
                    // SAFETY: The queue's lock is held. Afterwards nothing here touches the entry.
                    unsafe { this.remove_locked() };
                }
            }
            None if freed => {
                // SAFETY: The queue's lock is held. Afterwards nothing here touches the entry.
                unsafe { this.remove_locked() }
            }
            None => {}
        }
        1
    }
}

#[repr(C)]
struct PollTable<P: Kind> {
    table: bindings::poll_table_struct,
    object: *const Object<P>,
    events: u32,
    queues: u32,
    error: Option<Errno>,
}

/// `->poll()` calls this for each queue that it wants to be waited on.
///
/// # Safety
///
/// `table` must be that of a `PollTable` whose handle [`Handle::watch`] holds, and `head` a queue of what
/// is polled.
unsafe extern "C" fn queue_proc<P: Kind>(
    _file: *mut bindings::file,
    head: *mut bindings::wait_queue_head,
    table: *mut bindings::poll_table_struct,
) {
    // SAFETY: `watch` passed the first field of a `PollTable`, and borrows the object's handle for the whole call.
    let (table, sources) = unsafe {
        let table = &mut *table.cast::<PollTable<P>>();
        let object = &*table.object;
        (table, object.wake_sources())
    };
    if table.queues == 0 {
        sources.set_used(true);
        // SAFETY: `watch` emptied the entries; the object does not move, and takes its entries off the
        // queues before it, or what is polled, goes. `head` comes from a `->poll()`.
        unsafe { sources.first.add(table.object, head, table.events) };
        table.queues = 1;
        return;
    }
    let known = |entry: &PollEntry<P>| entry.head.load(Relaxed) == head;
    let second = sources.rare().map(|rare| &rare.second);
    if known(&sources.first) || (table.queues == 2 && second.is_some_and(known)) {
        return;
    }
    if table.queues == 2 {
        table.error = Some(errno::EINVAL);
        return;
    }
    match sources.make_rare() {
        Ok(rare) => {
            // SAFETY: The second entry is on no queue; its box does not move, and the object takes it off the queue
            // before itself, or what is polled, goes. `head` comes from a `->poll()`.
            unsafe { rare.second.add(table.object, head, table.events) };
            table.queues = 2;
        }
        Err(_) => table.error = Some(errno::ENOMEM),
    }
}

/// What [`Handle::watch`] found when it polled the file.
pub(crate) struct Watched {
    /// The events that are there at the moment.
    pub(crate) mask: u32,
    /// Whether a wake-up will come. `-EINVAL` for a file without a wait queue or with more than two,
    /// `-ENOMEM` when memory is short.
    pub(crate) waiting: errno::Result,
}

impl<P: Kind> Handle<P> {
    /// Has the object woken up when its file, or the ring that it waits for, has one of `wanted`,
    /// `EPOLL*` bits with the behaviour bits `EPOLLONESHOT` and `EPOLLEXCLUSIVE`, and [`events::BURST`].
    ///
    /// Wake-ups set their wake flag while the handle is held, and deliver it once it is parked.
    /// Forgets what was watched before. The object keeps what it waits for meanwhile.
    ///
    /// Follows `vfs_poll()` as `fs/eventpoll.c` uses it.
    ///
    /// # Errors
    ///
    /// [`Watched::waiting`] says whether a wake-up will come.
    ///
    /// # Context
    ///
    /// May sleep, without the lock of a wait queue.
    ///
    /// # Examples
    ///
    /// ```
    /// use crate::{sys::object::{Handle, Kind}, uapi::{abi::events, errno::Result}};
    ///
    /// /// Leaves the object to `Kind::deliver`, unless there is something to read now.
    /// fn wait_for_data<P: Kind>(mut req: Handle<P>) -> Result<Option<Handle<P>>> {
    ///     let watched = req.watch(events::IN | events::ONESHOT);
    ///     if watched.mask & events::IN != 0 {
    ///         return Ok(Some(req));
    ///     }
    ///     watched.waiting?;
    ///     // It comes back at once if it was woken up meanwhile.
    ///     Ok(req.park().err())
    /// }
    /// ```
    #[inline]
    pub(crate) fn watch(&mut self, wanted: u32) -> Watched {
        self.unwatch();
        let wanted = wanted | events::ALWAYS;
        if wanted & (events::RDNORM | events::OUT | events::EXCLUSIVE) == events::RDNORM {
            if let Some(watched) = self.watch_socket(wanted) {
                return watched;
            }
        }
        self.watch_file(wanted)
    }

    /// Whether [`Handle::watch`] is to be called again before the object waits for another wake-up of several.
    #[inline]
    pub(crate) fn stays_watched(&self) -> bool {
        self.object().wake_sources().stays()
    }

    /// The rest of [`Handle::watch`].
    fn watch_file(&mut self, wanted: u32) -> Watched {
        let mut table = PollTable::<P> {
            table: bindings::poll_table_struct {
                _qproc: Some(queue_proc::<P>),
                _key: wanted,
            },
            object: self.object(),
            events: wanted,
            queues: 0,
            error: None,
        };
        // INVARIANT: The entries go on queues of the file, or of the ring. Either is only let go of
        // with the handle, by what first takes the entries off.
        let at = (&raw mut table).cast();
        let mask = match self.file() {
            // SAFETY: The table outlives the call. The file is open until the entries are off.
            Some(file) => unsafe { bindings::ruring_vfs_poll(file.as_ptr().cast(), at) },
            None => match self.object().wake_sources().ring() {
                // SAFETY: The table outlives the call. The object has a reference to the ring until the entries are off.
                Some(ring) => unsafe { ringfile::poll(ring, null_mut(), at) },
                None => {
                    // What waits for events has a file, or its ring.
                    kernel::warn_on!(true);
                    0
                }
            },
        } & wanted;
        let waiting = table.queues != 0 && table.error.is_none();
        if !waiting {
            // Nobody else has the handle.
            self.object().wake_sources().remove();
        }
        Watched {
            mask,
            waiting: match table.error {
                Some(error) => Err(error),
                None if waiting => Ok(()),
                None => Err(errno::EINVAL),
            },
        }
    }
}
