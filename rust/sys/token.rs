// SPDX-License-Identifier: GPL-2.0

//! Objects with one driver at a time.
//!
//! A [`Cell`] has a *shared* face that anybody with a reference sees and an *owned* face that
//! only the holder of its [`Token`] sees. There is one token per cell. It is either in somebody's
//! hands or parked inside the cell, where a [`Claim`] gives it to the first who asks.

use super::{
    fd::FileRef,
    module::ModuleRef,
    poll::Waits,
    queue::Link,
    ringfile::RingFile,
    table::Node,
    ubuf::{Ops, Ubuf},
};
use crate::req::claim::{Claim, Reasons};
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
};

/// What a cell is made of.
pub(crate) trait Parcel: Sized + 'static {
    /// The face that everybody sees.
    type Shared: Send + Sync;
    /// The face that the holder of the token sees; a shared token lets many look at it.
    type Owned: Send + Sync;

    /// Takes over a cell that a wake-up has claimed. `cell` is the token's, and stays for the call
    /// whatever becomes of the token.
    ///
    /// # Context
    ///
    /// Any, with interrupts off and the lock of some wait queue held: it must not sleep, and must
    /// not wake up what could lead back to that queue.
    fn deliver(token: Claimed<Self>, cell: &Cell<Self>);

    /// A timer of `cell` has left its reason, but somebody has the token.
    ///
    /// Called in an interrupt, with the same limits as [`Parcel::deliver`].
    fn expired(cell: &Cell<Self>);

    /// What keeps the module, which is to be part of the cell: its code is called as long as the cell
    /// is on wait queues, has timers, or is lent.
    fn module(shared: &Self::Shared) -> &ModuleRef;

    /// The mark of registered buffers that such a cell can keep while it is lent, and of the
    /// registered file that it can have.
    type Tag: Send + Sync;

    /// A ring that it can wait for.
    type Ring: RingFile;

    /// What the packets call that carry a buffer of such a cell.
    const UBUF_OPS: &'static Ops<Self>;

    /// Whether both cells can be lent to one packet, and then come back together.
    fn together(a: &Self::Shared, b: &Self::Shared) -> bool;

    /// Takes over a cell that was lent, and those that were joined to it.
    ///
    /// # Context
    ///
    /// Any, also with a socket's lock held, with the same limits as [`Parcel::deliver`].
    fn landed(token: Claimed<Self>);
}

/// A token in the hands of who must not let go of it: in an interrupt, or with a lock held that the
/// end of its cell takes. It can be put into an [`Inbox`](super::queue::Inbox). Dropped, it is leaked
/// with its cell.
pub(crate) struct Claimed<P: Parcel>(ManuallyDrop<Token<P>>);

impl<P: Parcel> Claimed<P> {
    /// See [`Token::peek`].
    #[inline]
    pub(crate) fn peek(&self) -> &P::Owned {
        self.0.peek()
    }

    /// See [`Token::cell`].
    #[inline]
    pub(crate) fn cell(&self) -> &Cell<P> {
        self.0.cell()
    }

    /// See [`Token::is_single`].
    #[inline]
    pub(crate) fn is_single(&self) -> bool {
        self.0.is_single()
    }

    /// See [`Token::into_raw`].
    #[inline]
    pub(super) fn into_raw(self) -> NonNull<Cell<P>> {
        ManuallyDrop::into_inner(self.0).into_raw()
    }
}

impl<P: Parcel> From<Token<P>> for Claimed<P> {
    #[inline]
    fn from(token: Token<P>) -> Self {
        Self(ManuallyDrop::new(token))
    }
}

/// The object. It lives on the heap, does not move, and goes when its token is dropped.
#[repr(C)]
pub(crate) struct Cell<P: Parcel> {
    claim: Claim,
    /// Its place in a list of tokens.
    pub(super) link: Link<P>,
    /// Its place in a table.
    pub(super) node: Node<P>,
    waits: Waits<P>,
    /// The file that it waits for, or can wait for.
    file: UnsafeCell<Option<FileRef<P::Tag>>>,
    /// What packets hold on to, if it is a notification.
    pub(super) ubuf: Ubuf<P>,
    shared: P::Shared,
    owned: UnsafeCell<P::Owned>,
}

// SAFETY: `shared` is `Sync`, `owned` and `file`, which are `Send` and `Sync`, are only reached
// through the one token or what it is lent as, and the other fields synchronise themselves or are only touched with the token.
unsafe impl<P: Parcel> Sync for Cell<P> {}

impl<P: Parcel> Cell<P> {
    /// Leaves `reasons`, and takes the token if it is parked.
    ///
    /// May be called in any context.
    #[inline]
    pub(crate) fn claim(&self, reasons: Reasons) -> Option<Token<P>> {
        // INVARIANT: `Claim::claim` returns true at most once per `park`, which consumed the
        // token, so there is no other one.
        self.claim
            .claim(reasons)
            .then(|| Token(NonNull::from(self)))
    }

    /// See [`Claim::is_overdue`].
    pub(crate) fn is_overdue(&self) -> bool {
        self.claim.is_overdue()
    }

    /// Whether its token is parked, at the moment.
    #[inline]
    pub(crate) fn is_parked(&self) -> bool {
        self.claim.is_parked()
    }

    /// Its entries on wait queues, and its timers.
    #[inline]
    pub(super) fn waits(&self) -> &Waits<P> {
        &self.waits
    }

    /// Where the owned face is; only who has the token may follow it.
    #[inline]
    pub(super) fn owned_ptr(&self) -> *mut P::Owned {
        self.owned.get()
    }
}

impl<P: Parcel> Deref for Cell<P> {
    type Target = P::Shared;

    #[inline]
    fn deref(&self) -> &P::Shared {
        &self.shared
    }
}

/// The right to drive a cell, for a while.
///
/// Beside the owned face it has the cell's file, which is not part of that face so that nobody lets
/// go of it while the cell is on its wait queues.
///
/// # Invariants
///
/// Points to the cell of a token that is borrowed exclusively for `'a`.
pub(crate) struct Reins<'a, P: Parcel>(&'a Cell<P>);

impl<P: Parcel> Reins<'_, P> {
    /// The owned face.
    #[inline]
    pub(crate) fn owned(&mut self) -> &mut P::Owned {
        self.split().0
    }

    /// The owned face, and the file.
    #[inline]
    pub(crate) fn split(&mut self) -> (&mut P::Owned, Option<&File>) {
        // SAFETY: By the type invariants nobody else reaches `owned` or `file`.
        let (owned, file) = unsafe { (&mut *self.0.owned.get(), &*self.0.file.get()) };
        (owned, file.as_deref())
    }

    /// Whether there is a file.
    #[inline]
    pub(crate) fn has_file(&self) -> bool {
        // SAFETY: As above.
        unsafe { &*self.0.file.get() }.is_some()
    }

    /// Puts a file there. What was there before is not let go of: there should not have been
    /// anything.
    #[inline]
    pub(crate) fn put_file(&mut self, file: FileRef<P::Tag>) {
        // SAFETY: As above. The cell may be on the queues of what was there, which therefore stays.
        core::mem::forget(unsafe { self.0.file.get().replace(Some(file)) });
    }

    /// Takes the file. Forgets its wake-ups.
    #[inline(always)]
    pub(crate) fn take_file(&mut self) -> Option<FileRef<P::Tag>> {
        // SAFETY: As above.
        let file = unsafe { &mut *self.0.file.get() };
        if file.is_some() {
            self.0.waits.remove();
        }
        file.take()
    }

    /// Has it wait for `ring` instead of the file. Returns the file.
    pub(crate) fn put_ring(&mut self, ring: Arc<P::Ring>) -> Result<Option<FileRef<P::Tag>>> {
        self.0.waits.set_ring(ring)?;
        Ok(self.take_file())
    }
}

/// The right to drive a cell.
///
/// # Invariants
///
/// Points to a live cell from [`Token::new`]; no other token points to it, and the cell is held.
pub(crate) struct Token<P: Parcel>(NonNull<Cell<P>>);

// SAFETY: It carries the owned face, which is `Send`, and shares the other one, which is `Sync`.
unsafe impl<P: Parcel> Send for Token<P> {}
// SAFETY: `&Token` gives `&Cell`, which is `Sync`, and `&P::Owned`, which is too.
unsafe impl<P: Parcel> Sync for Token<P> {}

impl<P: Parcel> Token<P> {
    /// Makes a cell, charged to the memory cgroup of the caller. May sleep.
    pub(crate) fn new(shared: P::Shared, owned: P::Owned) -> Result<Self> {
        // That there is one is enough: it stays as long as what it is borrowed from.
        let _: &ModuleRef = P::module(&shared);
        let cell = KBox::new(
            Cell {
                claim: Claim::new(),
                link: Link::new(),
                node: Node::new(),
                waits: Waits::new(),
                file: UnsafeCell::new(None),
                ubuf: Ubuf::new(),
                shared,
                owned: UnsafeCell::new(owned),
            },
            GFP_KERNEL_ACCOUNT,
        )?;
        // INVARIANT: The box was just made, and a new `Claim` is held.
        Ok(Self(NonNull::from(KBox::leak(cell))))
    }

    /// The cell.
    #[inline]
    pub(crate) fn cell(&self) -> &Cell<P> {
        // SAFETY: By the type invariants the cell is live, and nobody makes an exclusive
        // reference to all of it.
        unsafe { self.0.as_ref() }
    }

    /// Lends it.
    #[inline]
    pub(crate) fn lend(&mut self) -> Reins<'_, P> {
        // INVARIANT: This is the token, and it is borrowed exclusively.
        Reins(self.cell())
    }

    /// The file.
    #[inline]
    pub(crate) fn file(&self) -> Option<&File> {
        // SAFETY: This is the only token, and it is borrowed: nobody changes `file`.
        unsafe { &*self.cell().file.get() }.as_deref()
    }

    /// Both faces.
    #[inline]
    pub(crate) fn faces(&mut self) -> (&Cell<P>, &mut P::Owned) {
        let cell = self.cell();
        // SAFETY: This is the only token, borrowed exclusively: nobody else reaches `owned`.
        (cell, unsafe { &mut *cell.owned.get() })
    }

    /// The owned face.
    #[inline]
    pub(crate) fn owned(&mut self) -> &mut P::Owned {
        self.faces().1
    }

    /// The owned face, to look at.
    #[inline]
    pub(crate) fn peek(&self) -> &P::Owned {
        // SAFETY: This is the only token, and it is borrowed: nobody changes `owned`.
        unsafe { &*self.cell().owned.get() }
    }

    /// Puts the token back into its cell, for the next one to claim.
    ///
    /// Returns it if a reason has come in since [`Token::reasons`].
    #[inline]
    pub(crate) fn park(self) -> core::result::Result<(), Self> {
        let this = ManuallyDrop::new(self);
        // From here on the cell may be somebody else's, or gone.
        if this.cell().claim.park() {
            return Ok(());
        }
        Err(ManuallyDrop::into_inner(this))
    }

    /// The reasons that were left so far.
    #[inline]
    pub(crate) fn reasons(&mut self) -> Reasons {
        self.cell().claim.reasons()
    }

    /// Forgets the wake-ups of the files that the cell waits for. Takes their queues' locks.
    #[inline]
    pub(crate) fn unwatch(&mut self) {
        self.cell().waits.remove();
    }

    /// Forgets all that could wake the cell up. Takes the locks of queues, and waits for a timer
    /// that is just expiring. May sleep.
    #[inline]
    pub(crate) fn quieten(&mut self) {
        self.cell().waits.stop();
    }

    /// The cell, without dropping the token; [`Self::from_raw`] takes it back.
    #[inline]
    pub(super) fn into_raw(self) -> NonNull<Cell<P>> {
        ManuallyDrop::new(self).0
    }

    /// # Safety
    ///
    /// `ptr` must come from [`Token::into_raw`], and this must be its only use as a token.
    #[inline]
    pub(super) unsafe fn from_raw(ptr: NonNull<Cell<P>>) -> Self {
        // INVARIANT: By the safety requirement, as `into_raw` gave the invariants up.
        Self(ptr)
    }
}

impl<P: Parcel> Drop for Token<P> {
    #[inline(never)]
    fn drop(&mut self) {
        self.quieten();
        if self.cell().node.linked() {
            // A lookup could still find it: better leaked than freed.
            kernel::pr_err!("a request was let go while others could find it\n");
            return;
        }
        // SAFETY: The cell came from a `KBox`. This is its only token, no wait queue, timer or table
        // leads to it any more, so that nobody else has a reference. Its file goes with it, whose
        // queues it has left.
        drop(unsafe { KBox::from_raw(self.0.as_ptr()) });
    }
}

impl<P: Parcel> core::fmt::Debug for Token<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Token({:p})", addr_of!(*self.cell()))
    }
}
