// SPDX-License-Identifier: GPL-2.0

//! Buffers that packets carry: `struct ubuf_info`, as a part of each object.
//!
//! C header: `include/linux/skbuff.h`.
//!
//! An object's handle can be *lent* to packets. It then rests in the object, while a count says how many
//! hold on to it: the [`UbufRef`] object of the one who sends, and each packet that carries some of
//! the buffer. Whoever lets go last delivers the handle, in any context.
//!
//! A packet of a stream can carry pages of several sends, but names one `ubuf_info` only. The objects
//! of the others are *joined* to that one's head: each holds on to the head until it is let go
//! itself, and the head, which is let go last, comes with all their handles.

use super::{
    bindings,
    buffer::{Gathered, SharedBuffer},
    object::{Handle, Kind, Object},
    queue::Fifo,
    socket::{Socket, UserBuffers},
};
use crate::{
    notif::zc_refs::{Count, PagesUsed, Usage, ZcRefs},
    uapi::errno::{Result, EEXIST, EINVAL, EMSGSIZE},
};
use core::{
    any::TypeId,
    cell::UnsafeCell,
    marker::PhantomData,
    mem::{offset_of, ManuallyDrop},
    ptr::{null_mut, NonNull},
};
use kernel::{
    page::PAGE_SIZE,
    sync::{
        atomic::{Atomic, Relaxed},
        Arc,
    },
    types::Opaque,
    warn_on,
};

const FLAGS: u8 = (bindings::SKBFL_ZEROCOPY_ENABLE
    | bindings::SKBFL_SHARED_FRAG
    | bindings::SKBFL_DONT_ORPHAN) as u8;

/// What packets call, for one kind of object, which its address tells.
///
/// That of another kind is never at the same address: its [`TypeId`] is another one, so that not
/// even a compiler that puts what is equal in one place does.
#[repr(C)]
pub(crate) struct Ops<P: Kind>(bindings::ubuf_info_ops, TypeId, PhantomData<fn(P)>);

impl<P: Kind> Ops<P> {
    /// The functions for notifications that are objects of `P`.
    pub(crate) const fn new() -> Self {
        Self(
            bindings::ubuf_info_ops {
                complete: Some(complete::<P>),
                link_skb: Some(link::<P>),
            },
            TypeId::of::<P>(),
            PhantomData,
        )
    }
}

/// The `struct ubuf_info` that packets point to.
pub(super) struct Info(Opaque<bindings::ubuf_info>);

impl Count for Info {
    #[inline]
    fn put(&self) -> bool {
        // SAFETY: Only a lent object is let go of, whose `ubuf_info` is initialised.
        unsafe { bindings::ruring_ubuf_put(self.0.get()) }
    }

    #[inline]
    fn is_sole(&self) -> bool {
        // SAFETY: Only a lent object is asked for its count, whose `ubuf_info` is initialised.
        unsafe { bindings::ruring_ubuf_is_sole(self.0.get()) }
    }
}

/// The part of an object that packets know.
///
/// # Invariants
///
/// While the object is lent `flight.count` is initialised, with the address of `P::UBUF_OPS`.
///
/// `socket` is the one that the buffer is sent to, and does not change while the object is lent.
/// `members`, and a `head` that is not null, are changed with that socket's lock held, and looked
/// at with it, or by who has the handle; all objects that lead to each other through them have the
/// same `socket`.
///
/// `kept` does not change while the object is lent, but from nothing to something. Packets that carry
/// pages of it rely on it rather than have references to the pages.
pub(super) struct Ubuf<P: Kind> {
    flight: ZcRefs<Info>,
    /// The object that it is joined to, null for none.
    head: Atomic<*mut Object<P>>,
    /// The objects that are joined to it.
    members: UnsafeCell<Fifo<P>>,
    socket: Atomic<*mut bindings::socket>,
    kept: UnsafeCell<Option<Arc<SharedBuffer<P::Registration>>>>,
}

impl<P: Kind> Ubuf<P> {
    /// One that is not lent to anybody.
    pub(super) fn new() -> Self {
        Self {
            flight: ZcRefs::new(Info(Opaque::uninit())),
            head: Atomic::new(null_mut()),
            members: UnsafeCell::new(Fifo::new()),
            socket: Atomic::new(null_mut()),
            kept: UnsafeCell::new(None),
        }
    }
}

/// The `ubuf_info` of an object.
#[inline]
fn info<P: Kind>(object: NonNull<Object<P>>) -> *mut bindings::ubuf_info {
    // The count is nothing but that.
    object
        .as_ptr()
        .wrapping_byte_add(offset_of!(Object<P>, ubuf.flight.count))
        .cast()
}

/// The object of a `ubuf_info`, if it is that of an object of kind `P`.
#[inline]
fn object_of<P: Kind>(info: *mut bindings::ubuf_info) -> *mut Object<P> {
    info.wrapping_byte_sub(offset_of!(Object<P>, ubuf.flight.count))
        .cast()
}

/// Lets go of a buffer: called for each packet that does, in any context.
///
/// # Safety
///
/// `info` must be that of a lent object of kind `P`, of whose count the caller has one, and gives it
/// up. `skb` is only compared with null.
unsafe extern "C" fn complete<P: Kind>(
    skb: *mut bindings::sk_buff,
    info: *mut bindings::ubuf_info,
    success: bool,
) {
    let mut object = object_of::<P>(info);
    let pages = match (success, skb.is_null()) {
        (false, _) => PagesUsed::Copied,
        (true, false) => PagesUsed::Sent,
        (true, true) => PagesUsed::Unknown,
    };
    loop {
        // SAFETY: By the safety requirement it is a lent object, or the head of one. It stays as long as its count is
        // not zero: the caller has one of it, or, for a head, the member did whose count was the last.
        let ubuf = unsafe { &(*object).ubuf };
        if !ubuf.flight.put(pages) {
            return;
        }
        let head = ubuf.head.load(Relaxed);
        if head.is_null() {
            break;
        }
        object = head;
    }
    // SAFETY: The count is zero, so that it is lent no more, and nobody has a reference to it or to
    // those that were joined to it. The handle came through `into_raw`, of a pointer that is not null.
    P::completed(unsafe { Handle::from_raw(NonNull::new_unchecked(object)) }.into());
}

/// Has a packet carry some of a buffer: called before pages are added to it. `-EEXIST` if it must
/// be another packet.
///
/// # Safety
///
/// `info` must be that of a lent object of kind `P`, which is being sent by `UbufRef::attach`'s caller,
/// to a socket whose lock is held. `skb` must be a packet of that socket.
unsafe extern "C" fn link<P: Kind>(
    skb: *mut bindings::sk_buff,
    info: *mut bindings::ubuf_info,
) -> i32 {
    const FRESH: i32 = EEXIST.to_raw();
    // What is not negative is no error to those who call this, and the packet not this one's.
    const { assert!(FRESH < 0) };
    // SAFETY: By the safety requirement it is a lent object, of whose count the sender has one, who is in this call.
    let this = unsafe { &*object_of::<P>(info) };
    // SAFETY: The packet is one of a socket whose lock is held, and the sender, who alone changes `kept`, is in this
    // call.
    let carried = unsafe {
        if (*this.ubuf.kept.get()).is_none() {
            // What it will carry is not kept, so that it needs references to its pages, to all of them.
            bindings::ruring_skb_downgrade(skb);
        }
        bindings::ruring_skb_ubuf(skb)
    };
    if carried.is_null() {
        // SAFETY: The packet is one of a socket whose lock is held, and carries no buffer yet.
        unsafe { bindings::ruring_skb_carry(skb, info) };
        return 0;
    }
    if carried == info {
        return 0;
    }
    // One that leads others or follows one cannot join a third one.
    // SAFETY: The lock of the socket is held, without which nobody changes `members`.
    let leads = unsafe { !(*this.ubuf.members.get()).is_empty() };
    if leads || !this.ubuf.head.load(Relaxed).is_null() {
        return FRESH;
    }
    // SAFETY: The packet has one of its count, so that it is there.
    if unsafe { (*carried).ops } != &raw const P::UBUF_OPS.0 {
        return FRESH;
    }
    // SAFETY: It is that of an object of kind `P`, as its operations are. The packet has one of its count.
    let that = unsafe { &*object_of::<P>(carried) };
    // The sockets do not change while the objects are lent.
    let same = this.ubuf.socket.load(Relaxed) == that.ubuf.socket.load(Relaxed);
    if !same || !P::together(this, that) {
        return FRESH;
    }
    let head = NonNull::new(that.ubuf.head.load(Relaxed)).unwrap_or(NonNull::from(that));
    // INVARIANT: The socket's lock is held, and it is the same socket.
    this.ubuf.head.store(head.as_ptr(), Relaxed);
    // SAFETY: The head stays: the packet has one of its count, or one of a member's, which has. The
    // lock of the one socket is held. From here on the handle is the head's: the member's last
    // holder finds `head` set.
    unsafe {
        (*head.as_ref().ubuf.members.get()).push(Handle::from_raw(NonNull::from(this)));
        bindings::ruring_ubuf_get(self::info(head));
    }
    0
}

/// A handle that is lent to packets, seen by the one who lends it. Dropped, it is let go.
///
/// # Examples
///
/// ```
/// use crate::{sys::{object::{Handle, Kind}, socket::{Socket, UserBuffers}, ubuf::UbufRef}, uapi::errno::Result};
///
/// /// Sends without a copy. `Kind::completed` gets `req` once the memory at `addr` may be written to again, unless it is
/// /// free at once: then it comes back from here.
/// fn send<P: Kind>(
///     socket: Socket<'_>,
///     req: Handle<P>,
///     addr: u64,
///     len: usize,
/// ) -> Result<(usize, Option<Handle<P>>)> {
///     let mut lent = UbufRef::new(req);
///     let sent = socket.send_zc(UserBuffers::One { addr, len }, None, 0, &mut lent)?;
///     Ok((sent, lent.reclaim().ok()))
/// }
/// ```
///
/// # Invariants
///
/// Points to a lent object, and has one of its count; there is one `UbufRef` per lent object. So the
/// object's core is reached through this alone.
pub(crate) struct UbufRef<P: Kind>(NonNull<Object<P>>);

// SAFETY: It stands for the one handle of an object, which any task may have, and its count is atomic.
unsafe impl<P: Kind> Send for UbufRef<P> {}
// SAFETY: `&UbufRef` gives nothing.
unsafe impl<P: Kind> Sync for UbufRef<P> {}

impl<P: Kind> UbufRef<P> {
    /// Lends the handle of a notification, of which this is the first share.
    ///
    /// # Context
    ///
    /// Any. What drops it must be allowed to call [`Kind::completed`].
    #[inline]
    pub(crate) fn new(req: Handle<P>) -> Self {
        let ubuf = &req.object().ubuf;
        ubuf.flight.reset();
        ubuf.head.store(null_mut(), Relaxed);
        ubuf.socket.store(null_mut(), Relaxed);
        let object = req.into_raw();
        // SAFETY: The handle gives access to all of the object's `ubuf` that is not atomic.
        // INVARIANT: Of both types: this is the one count.
        unsafe { bindings::ruring_ubuf_init(info(object), &raw const P::UBUF_OPS.0, FLAGS) };
        Self(object)
    }

    /// The object whose handle is lent.
    fn object(&self) -> &Object<P> {
        // SAFETY: By the type invariants it is a lent object, and stays one as long as this has one of its count.
        unsafe { self.0.as_ref() }
    }

    /// Where the registered buffer is that it keeps, if any.
    fn kept(&mut self) -> &mut Option<Arc<SharedBuffer<P::Registration>>> {
        // SAFETY: By the type invariants only this changes it, and it is borrowed exclusively: nothing is being sent, so
        // that no packet looks.
        unsafe { &mut *self.object().ubuf.kept.get() }
    }

    /// The core of the notification, which nobody else reaches meanwhile.
    #[inline]
    pub(crate) fn core_mut(&mut self) -> &mut P::Core {
        // SAFETY: By the type invariants, as this is borrowed exclusively.
        unsafe { &mut *self.object().core_ptr() }
    }

    /// Takes the handle back.
    ///
    /// # Errors
    ///
    /// What it was, if a packet carries some of the buffer.
    #[inline]
    pub(crate) fn reclaim(self) -> core::result::Result<Handle<P>, Self> {
        let ubuf = &self.object().ubuf;
        // Those that are joined to a head leave their handles with it also when they are let go.
        if !ubuf.flight.count.is_sole() || !ubuf.head.load(Relaxed).is_null() {
            return Err(self);
        }
        // SAFETY: This has the only one of its count, so that it is on nobody's packet: nobody
        // changes `members`.
        if unsafe { !(*ubuf.members.get()).is_empty() } {
            return Err(self);
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: The object is lent no more, and its handle came through `into_raw`.
        Ok(unsafe { Handle::from_raw(this.0) })
    }

    /// The registered buffer that it keeps, if any.
    pub(crate) fn buffer(&mut self) -> Option<&SharedBuffer<P::Registration>> {
        self.kept().as_deref()
    }

    /// Keeps a buffer to send from, as long as packets may carry some of it. Once only.
    #[inline]
    pub(crate) fn keep(&mut self, buffer: Arc<SharedBuffer<P::Registration>>) {
        let kept = self.kept();
        if kept.is_some() {
            // Who lends it says once what is sent, before anything is.
            warn_on!(true);
            return;
        }
        *kept = Some(buffer);
    }

    /// Has `hdr` send what is in `from` to `socket` without a copy. If this keeps a buffer `from` are addresses in
    /// that.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if it has been another socket before; `-EFAULT` for addresses that are not all in the kept buffer,
    /// or not of user space; `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep if this keeps a buffer.
    ///
    /// # Safety
    ///
    /// `hdr` must be sent to `socket`, or not at all, while this is borrowed, and `from` and
    /// `gathered` are there.
    #[inline]
    pub(super) unsafe fn attach<'a>(
        &'a mut self,
        hdr: &mut bindings::msghdr,
        socket: Socket<'_>,
        from: UserBuffers<'_>,
        gathered: &mut Option<Gathered<'a>>,
    ) -> Result {
        // As this is borrowed exclusively nothing is being sent, so that nobody looks at it unless it is on a packet:
        // then it is not null.
        let bound = &self.object().ubuf.socket;
        let before = bound.load(Relaxed);
        if before.is_null() {
            bound.store(socket.as_ptr(), Relaxed);
        } else if before != socket.as_ptr() {
            return Err(EINVAL);
        }
        hdr.msg_ubuf = info(self.0);
        const DIRECTION: u32 = bindings::ITER_SOURCE;
        let kept = self.kept().as_deref();
        // Packets have no references to pages of who keeps a buffer: there must be no others.
        let Some(SharedBuffer { memory, .. }) = kept else {
            return from.import(&mut hdr.msg_iter, false);
        };
        // SAFETY: The iterator is used while this is borrowed, which keeps the buffer.
        unsafe { memory.import(from, &mut hdr.msg_iter, DIRECTION, gathered)? };
        hdr.sg_from_iter = Some(carry_kept);
        Ok(())
    }
}

/// Adds the next `length` bytes of `from` to a packet, as pages. `-EMSGSIZE` if that has no room for
/// all of them.
///
/// Follows `io_sg_from_iter()` of `io_uring/net.c`.
///
/// # Safety
///
/// `skb` must be a packet that is being made, which carries, or is going to, what keeps the buffer
/// that `from` is an iterator over, or is joined to what does.
unsafe extern "C" fn carry_kept(
    skb: *mut bindings::sk_buff,
    from: *mut bindings::iov_iter,
    length: usize,
) -> i32 {
    // SAFETY: By the safety requirement. Of a packet that has pages with references to them all its
    // pages have one, also these; else none has.
    unsafe {
        let mut frags = bindings::ruring_skb_frags(skb);
        if frags == 0 {
            bindings::ruring_skb_set_managed(skb);
        }
        let managed = bindings::ruring_skb_is_managed(skb);
        let first = bindings::ruring_iter_bvec(from);
        let mut piece = first;
        let mut skip = bindings::ruring_iter_offset(from) as u32;
        let mut left = bindings::ruring_iter_count(from).min(length);
        let (mut carried, mut pages) = (0, 0);
        while left > 0 && frags < bindings::MAX_SKB_FRAGS {
            let bindings::bio_vec {
                bv_page,
                bv_len,
                bv_offset,
            } = *piece;
            let len = left.min((bv_len - skip) as usize);
            let offset = bv_offset + skip;
            if !managed {
                bindings::ruring_get_page(bv_page);
            }
            bindings::ruring_skb_fill(skb, frags, bv_page, offset, len as u32);
            frags += 1;
            left -= len;
            carried += len;
            pages += (offset as usize % PAGE_SIZE + len).div_ceil(PAGE_SIZE);
            skip += len as u32;
            if skip == bv_len {
                piece = piece.add(1);
                skip = 0;
            }
        }
        bindings::ruring_skb_grow(skb, frags, carried as u32, (pages * PAGE_SIZE) as u32);
        bindings::ruring_iter_move(
            from,
            piece.offset_from_unsigned(first),
            skip as usize,
            carried,
        );
        if left > 0 {
            const FULL: i32 = EMSGSIZE.to_raw();
            const { assert!(FULL < 0) };
            FULL
        } else {
            0
        }
    }
}

impl<P: Kind> Drop for UbufRef<P> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants, which end here.
        unsafe { complete::<P>(null_mut(), info(self.0), true) };
    }
}

impl<P: Kind> Handle<P> {
    /// Takes the handles that were joined to this one while it was lent.
    #[inline]
    pub(crate) fn take_members(&mut self) -> Fifo<P> {
        // SAFETY: With the handle here the object is not lent.
        core::mem::take(unsafe { &mut *self.object().ubuf.members.get() })
    }

    /// Takes the buffer that it kept while it was lent.
    #[inline]
    pub(crate) fn take_kept(&mut self) -> Option<Arc<SharedBuffer<P::Registration>>> {
        // SAFETY: With the handle here the object is not lent, and no packet carries any of it.
        unsafe { (*self.object().ubuf.kept.get()).take() }
    }

    /// Whether no handle was joined to this one while it was lent.
    #[inline]
    pub(crate) fn is_single(&self) -> bool {
        // SAFETY: With the handle here the object is not lent, and as that is borrowed nobody takes them.
        unsafe { (*self.object().ubuf.members.get()).is_empty() }
    }

    /// What became of the pages that it was lent for.
    #[inline]
    pub(crate) fn usage(&self) -> Usage {
        self.object().ubuf.flight.usage()
    }
}
