// SPDX-License-Identifier: GPL-2.0

//! Objects with one driver at a time.
//!
//! An [`Object`] has a *header* that anybody with a reference sees and a *core* that only the holder of its [`Handle`]
//! sees. There is one handle per object. It is either in somebody's hands or parked inside the object, where a [`WakeState`]
//! gives it to the first who claims it.

use super::{
    fd::KeptFile,
    module::ModuleRef,
    poll::WakeSources,
    queue::{FifoLink, ListLink},
    ringfile::RingFile,
    table::Node,
    ubuf::{Ops, Ubuf},
};
use crate::req::wake::{WakeFlags, WakeState};
use core::{
    cell::UnsafeCell,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::{addr_of, NonNull},
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox},
    fs::File,
    prelude::*,
    sync::Arc,
    warn_on,
};

/// A kind of object: the types of its two parts, and what is done with one that is woken up.
pub(crate) trait Kind: Sized + 'static {
    /// The part that everybody sees.
    type Header: Send + Sync;
    /// The part that the holder of the handle sees; a shared handle lets many look at it.
    type Core: Send + Sync;

    /// Takes over an object that a wake-up has claimed. `object` is the handle's, and stays for the call
    /// whatever becomes of the handle.
    ///
    /// # Context
    ///
    /// Any, with interrupts off and the lock of some wait queue held: it must not sleep, and must
    /// not wake up what could lead back to that queue.
    fn deliver(req: HandleInIrq<Self>, object: &Object<Self>);

    /// Says for those who trace that a file has woken the object up by `mask`.
    ///
    /// Called before [`Kind::deliver`], with the same limits.
    fn trace_woken(req: &HandleInIrq<Self>, mask: u32);

    /// A timer of `object` has left its reason, but somebody has the handle.
    ///
    /// # Context
    ///
    /// Interrupt, with the same limits as [`Kind::deliver`].
    fn expired(object: &Object<Self>);

    /// What keeps the module, which is to be part of the object: its code is called as long as the object
    /// is on wait queues, has timers, or is lent.
    fn module(header: &Self::Header) -> &ModuleRef;

    /// The mark of registered buffers that such an object can keep while it is lent, and of the
    /// registered file that it can have.
    type Registration: Send + Sync;

    /// A ring that it can wait for.
    type RingFile: RingFile;

    /// What the packets call that carry a buffer of such an object.
    const UBUF_OPS: &'static Ops<Self>;

    /// Whether both objects can be lent to one packet, and then come back together.
    fn together(a: &Self::Header, b: &Self::Header) -> bool;

    /// Takes over an object that was lent, and those that were joined to it.
    ///
    /// # Context
    ///
    /// Any, also with a socket's lock held, with the same limits as [`Kind::deliver`].
    fn completed(req: HandleInIrq<Self>);
}

/// A handle that its holder must not drop: in an interrupt, or with a lock held that the
/// end of its object takes. It can be put into an [`Inbox`](super::queue::Inbox). Dropped, it is leaked
/// with its object.
pub(crate) struct HandleInIrq<P: Kind>(ManuallyDrop<Handle<P>>);

impl<P: Kind> HandleInIrq<P> {
    /// See [`Handle::core`].
    #[inline]
    pub(crate) fn core(&self) -> &P::Core {
        self.0.core()
    }

    /// See [`Handle::object`].
    #[inline]
    pub(crate) fn object(&self) -> &Object<P> {
        self.0.object()
    }

    /// See [`Handle::is_single`].
    #[inline]
    pub(crate) fn is_single(&self) -> bool {
        self.0.is_single()
    }

    /// See [`Handle::into_raw`].
    #[inline]
    pub(super) fn into_raw(self) -> NonNull<Object<P>> {
        ManuallyDrop::into_inner(self.0).into_raw()
    }
}

impl<P: Kind> From<Handle<P>> for HandleInIrq<P> {
    #[inline]
    fn from(req: Handle<P>) -> Self {
        Self(ManuallyDrop::new(req))
    }
}

/// The object. It lives on the heap, does not move, and goes when its handle is dropped.
///
/// What each use of it touches comes first, then what it takes to wait, so that both are in few cache lines.
#[repr(C)]
pub(crate) struct Object<P: Kind> {
    wake_state: WakeState,
    /// Its place in a list of handles.
    pub(super) link: FifoLink<P>,
    /// The file that it waits for, or can wait for.
    file: UnsafeCell<Option<KeptFile<P::Registration>>>,
    wake_sources: WakeSources<P>,
    core: UnsafeCell<P::Core>,
    header: P::Header,
    /// Its place in a table.
    pub(super) node: Node<P>,
    /// What packets hold on to, if it is a notification.
    pub(super) ubuf: Ubuf<P>,
    /// Its place in a list from which it can be taken out. At the end, where few requests ever look.
    pub(super) list_link: ListLink<P>,
}

// SAFETY: `header` is `Sync`, `core` and `file`, which are `Send` and `Sync`, are only reached
// through the one handle or what it is lent as, and the other fields synchronise themselves or are only touched with the handle.
unsafe impl<P: Kind> Sync for Object<P> {}

impl<P: Kind> Object<P> {
    /// Leaves `wake_flags`, and takes the handle if it is parked.
    ///
    /// # Context
    ///
    /// May be called in any context.
    #[inline]
    pub(crate) fn claim(&self, wake_flags: WakeFlags) -> Option<Handle<P>> {
        // INVARIANT: `WakeState::claim` returns true at most once per `park`, which consumed the
        // handle, so there is no other one.
        self.wake_state
            .claim(wake_flags)
            .then(|| Handle(NonNull::from(self)))
    }

    /// See [`WakeState::has_expired`].
    pub(crate) fn has_expired(&self) -> bool {
        self.wake_state.has_expired()
    }

    /// See [`WakeState::is_overdue`].
    pub(crate) fn is_overdue(&self) -> bool {
        self.wake_state.is_overdue()
    }

    /// Whether its handle is parked, at the moment.
    #[inline]
    pub(crate) fn is_parked(&self) -> bool {
        self.wake_state.is_parked()
    }

    /// Its entries on wait queues, and its timers.
    #[inline]
    pub(super) fn wake_sources(&self) -> &WakeSources<P> {
        &self.wake_sources
    }

    /// Where the core is; only who has the handle may follow it.
    #[inline]
    pub(super) fn core_ptr(&self) -> *mut P::Core {
        self.core.get()
    }
}

impl<P: Kind> Deref for Object<P> {
    type Target = P::Header;

    #[inline]
    fn deref(&self) -> &P::Header {
        &self.header
    }
}

/// The right to drive an object, for a while.
///
/// Beside the core it has the object's file, which is not part of that so that nobody lets
/// go of it while the object is on its wait queues.
///
/// # Invariants
///
/// Points to the object of a handle that is borrowed exclusively for `'a`.
pub(crate) struct HandleMut<'a, P: Kind>(&'a Object<P>);

impl<P: Kind> HandleMut<'_, P> {
    /// The object that this is the handle of.
    pub(crate) fn object(&self) -> &Object<P> {
        self.0
    }

    /// The object's core, to be changed.
    #[inline]
    pub(crate) fn core_mut(&mut self) -> &mut P::Core {
        self.split().0
    }

    /// What only the holder of the handle reaches.
    fn core_and_file(&mut self) -> (&mut P::Core, &mut Option<KeptFile<P::Registration>>) {
        // SAFETY: By the type invariants nobody else reaches `core` or `file`, and this is borrowed exclusively.
        unsafe { (&mut *self.0.core.get(), &mut *self.0.file.get()) }
    }

    /// The core, and the file.
    #[inline]
    pub(crate) fn split(&mut self) -> (&mut P::Core, Option<&File>) {
        let (core, file) = self.core_and_file();
        (core, file.as_deref())
    }

    /// Whether there is a file.
    #[inline]
    pub(crate) fn has_file(&self) -> bool {
        // SAFETY: By the type invariants only this can change `file`, and it is borrowed.
        unsafe { &*self.0.file.get() }.is_some()
    }

    /// Puts a file there, where there must be none.
    #[inline]
    pub(crate) fn put_file(&mut self, file: KeptFile<P::Registration>) {
        let before = self.core_and_file().1.replace(file);
        // A file is only looked up for what has none. Not asked for in each request: the debug kernel asks.
        debug_assert!(before.is_none());
        // The object may be on the queues of what was there, which therefore stays.
        core::mem::forget(before);
    }

    /// Takes the file. Forgets its wake-ups.
    ///
    /// # Context
    ///
    /// Takes the locks of the queues that the object is on.
    pub(crate) fn take_file(&mut self) -> Option<KeptFile<P::Registration>> {
        let object = self.0;
        let file = self.core_and_file().1;
        if file.is_some() {
            object.wake_sources.remove();
        }
        file.take()
    }

    /// Has the object wait for `ring` instead of its file. Returns the file.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`; the object keeps its file then.
    ///
    /// # Context
    ///
    /// May sleep, and takes the locks of the queues that the object is on.
    pub(crate) fn put_ring(
        &mut self,
        ring: Arc<P::RingFile>,
    ) -> Result<Option<KeptFile<P::Registration>>> {
        self.0.wake_sources.set_ring(ring)?;
        Ok(self.take_file())
    }
}

/// The right to drive an object.
///
/// # Invariants
///
/// Points to a live object from [`Handle::new`]; no other handle points to it, and the object is held.
pub(crate) struct Handle<P: Kind>(NonNull<Object<P>>);

// SAFETY: It carries the core, which is `Send`, and shares the other one, which is `Sync`.
unsafe impl<P: Kind> Send for Handle<P> {}
// SAFETY: `&Handle` gives `&Object`, which is `Sync`, and `&P::Core`, which is too.
unsafe impl<P: Kind> Sync for Handle<P> {}

impl<P: Kind> Handle<P> {
    /// Makes an object, charged to the memory cgroup of the caller.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn new(header: P::Header, core: P::Core) -> Result<Self> {
        // That there is one is enough: it stays as long as what it is borrowed from.
        let _: &ModuleRef = P::module(&header);
        let object = KBox::new(
            Object {
                wake_state: WakeState::new(),
                link: FifoLink::new(),
                node: Node::new(),
                wake_sources: WakeSources::new(),
                file: UnsafeCell::new(None),
                ubuf: Ubuf::new(),
                header,
                core: UnsafeCell::new(core),
                list_link: ListLink::new(),
            },
            GFP_KERNEL_ACCOUNT,
        )?;
        // INVARIANT: The box was just made, and a new `WakeState` is held.
        Ok(Self(NonNull::from(KBox::leak(object))))
    }

    /// The object that this is the handle of.
    #[inline]
    pub(crate) fn object(&self) -> &Object<P> {
        // SAFETY: By the type invariants the object is live, and nobody makes an exclusive
        // reference to all of it.
        unsafe { self.0.as_ref() }
    }

    /// Lends the right to drive the object.
    #[inline]
    pub(crate) fn lend(&mut self) -> HandleMut<'_, P> {
        // INVARIANT: This is the handle, and it is borrowed exclusively.
        HandleMut(self.object())
    }

    /// What only the holder of the handle reaches, to look at.
    fn core_and_file(&self) -> (&P::Core, &Option<KeptFile<P::Registration>>) {
        let object = self.object();
        // SAFETY: This is the only handle, and it is borrowed: nobody changes `core` or `file`.
        unsafe { (&*object.core.get(), &*object.file.get()) }
    }

    /// The file that is kept in the object, if there is one.
    #[inline]
    pub(crate) fn file(&self) -> Option<&File> {
        self.core_and_file().1.as_deref()
    }

    /// The object, and the core that only the holder of the handle reaches.
    #[inline]
    pub(crate) fn parts(&mut self) -> (&Object<P>, &mut P::Core) {
        let object = self.object();
        // SAFETY: This is the only handle, borrowed exclusively: nobody else reaches `core`.
        (object, unsafe { &mut *object.core.get() })
    }

    /// The object's core, to be changed.
    #[inline]
    pub(crate) fn core_mut(&mut self) -> &mut P::Core {
        self.parts().1
    }

    /// The core, to look at.
    #[inline]
    pub(crate) fn core(&self) -> &P::Core {
        self.core_and_file().0
    }

    /// Puts the handle back into its object, for the next one to claim.
    ///
    /// # Errors
    ///
    /// The handle, if a wake flag has been set since they were taken.
    #[inline]
    pub(crate) fn park(self) -> core::result::Result<(), Self> {
        let this = ManuallyDrop::new(self);
        // From here on the object may be somebody else's, or gone.
        if this.object().wake_state.park() {
            return Ok(());
        }
        Err(ManuallyDrop::into_inner(this))
    }

    /// As [`Handle::park`], of what most likely has not been woken up since it has its handle.
    ///
    /// # Errors
    ///
    /// As [`Handle::park`].
    #[inline]
    pub(crate) fn park_first(self) -> core::result::Result<(), Self> {
        let this = ManuallyDrop::new(self);
        // As above.
        if this.object().wake_state.park_first() {
            return Ok(());
        }
        Err(ManuallyDrop::into_inner(this))
    }

    /// The wake flags that were left so far, see [`WakeState::take_wake_flags`].
    #[inline]
    pub(crate) fn take_wake_flags(&mut self) -> WakeFlags {
        self.object().wake_state.take_wake_flags()
    }

    /// Those that were left since they were taken last, see [`WakeState::more_wake_flags`].
    #[inline]
    pub(crate) fn more_wake_flags(&mut self) -> WakeFlags {
        self.object().wake_state.more_wake_flags()
    }

    /// See [`WakeState::forget_taken`].
    #[inline]
    pub(crate) fn forget_taken(&mut self) {
        self.object().wake_state.forget_taken();
    }

    /// Forgets them, when nothing can wake the object up any more.
    #[inline]
    pub(crate) fn reset_wake_flags(&mut self) {
        self.object().wake_state.reset();
    }

    /// Forgets the wake-ups of the files that the object waits for.
    ///
    /// # Context
    ///
    /// Any that holds no lock of a queue that the object is on: takes these locks.
    #[inline]
    pub(crate) fn unwatch(&mut self) {
        self.object().wake_sources.remove();
    }

    /// Forgets all that could wake the object up.
    ///
    /// # Context
    ///
    /// Takes the locks of queues, and waits for a timer that is just expiring. May sleep.
    #[inline]
    pub(crate) fn disarm(&mut self) {
        self.object().wake_sources.stop();
    }

    /// The object, without dropping the handle; [`Self::from_raw`] takes it back.
    #[inline]
    pub(super) fn into_raw(self) -> NonNull<Object<P>> {
        ManuallyDrop::new(self).0
    }

    /// # Safety
    ///
    /// `ptr` must come from [`Handle::into_raw`], and this must be its only use as a handle.
    #[inline]
    pub(super) unsafe fn from_raw(ptr: NonNull<Object<P>>) -> Self {
        // INVARIANT: By the safety requirement, as `into_raw` gave the invariants up.
        Self(ptr)
    }
}

impl<P: Kind> Drop for Handle<P> {
    #[inline(never)] // Size: a handle is dropped in many places, and used up in those that the rows see.
    fn drop(&mut self) {
        self.disarm();
        if self.object().node.linked() {
            // A lookup could still find it: better leaked than freed.
            warn_on!(true);
            return;
        }
        // SAFETY: The object came from a `KBox`. This is its only handle, no wait queue, timer or table
        // leads to it any more, so that nobody else has a reference. Its file goes with it, whose
        // queues it has left.
        drop(unsafe { KBox::from_raw(self.0.as_ptr()) });
    }
}

impl<P: Kind> core::fmt::Debug for Handle<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Handle({:p})", addr_of!(*self.object()))
    }
}
