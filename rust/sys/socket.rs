// SPDX-License-Identifier: GPL-2.0

//! Sockets: sending, receiving, accepting; making and connecting them.
//!
//! C headers: `include/linux/net.h`, `include/linux/socket.h`, `include/linux/uio.h`.

mod addr;
mod calls;
mod hooks;
mod iov_iter;
pub(crate) mod options;
pub(crate) mod setup;
pub(crate) mod state;

use super::{
    bindings,
    context::{has_descriptors, has_directories},
    fd::OpenFile,
    object::Kind,
    ubuf::UbufRef,
    user,
};
use crate::uapi::{
    abi::{msg, open},
    errno::{
        Errno, Result, ECANCELED, ECONNABORTED, EINVAL, ENFILE, ENOBUFS, ENOTSOCK, EOPNOTSUPP,
    },
    number::sock,
};
use core::{
    ffi::c_void,
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::{null_mut, NonNull},
};
use kernel::fs::File;

pub(crate) use addr::{Address, SockAddr};
pub(crate) use iov_iter::UserBuffers;

const O_NONBLOCK: u32 = open::NONBLOCK;

/// A socket, borrowed from its open file.
#[derive(Clone, Copy)]
pub(crate) struct Socket<'a> {
    raw: *mut bindings::socket,
    _file: PhantomData<&'a File>,
}

/// Room for control messages that need no memory of the socket's, as for an address and an
/// interface of IPv6.
#[repr(align(8))]
struct SmallControl([u8; 40]);

/// Control messages to send, copied from user space.
///
/// # Invariants
///
/// `raw` is `len` bytes from `sock_kmalloc()` of `socket`, initialised once `read` has returned.
struct Control<'a> {
    socket: Socket<'a>,
    raw: NonNull<c_void>,
    len: usize,
}

impl<'a> Control<'a> {
    fn read(socket: Socket<'a>, addr: u64, len: usize) -> Result<Self> {
        // SAFETY: The socket lives as long as its file, and has its `sk` as long.
        let raw = unsafe {
            bindings::sock_kmalloc((*socket.raw).sk, len as i32, kernel::bindings::GFP_KERNEL)
        };
        let raw = NonNull::new(raw).ok_or(ENOBUFS)?;
        // INVARIANT: It was made just so, and is filled below.
        let this = Self { socket, raw, len };
        // SAFETY: It is `len` bytes that nobody else has.
        let bytes =
            unsafe { core::slice::from_raw_parts_mut(raw.as_ptr().cast::<MaybeUninit<u8>>(), len) };
        user::read_raw(addr, bytes)?;
        Ok(this)
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: By the type invariant; it is borrowed as long as `self` is.
        unsafe { core::slice::from_raw_parts_mut(self.raw.as_ptr().cast(), self.len) }
    }
}

impl Drop for Control<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant they were allocated of this socket, as so many bytes.
        unsafe {
            bindings::sock_kfree_s((*self.socket.raw).sk, self.raw.as_ptr(), self.len as i32);
        }
    }
}

/// What a receive brought.
pub(crate) struct Received {
    /// Bytes, 0 at the end of a stream.
    pub(crate) len: Result<usize>,
    /// Bytes that still wait in the socket, if it says so.
    pub(crate) left: Option<usize>,
    /// `MSG_*` flags of the message.
    pub(crate) flags: u32,
    /// Bytes of the sender's address.
    pub(crate) name_len: usize,
    /// Bytes of control messages that were written.
    pub(crate) control_len: usize,
}

impl Received {
    fn failed(error: Errno) -> Self {
        Self {
            len: Err(error),
            left: None,
            flags: 0,
            name_len: 0,
            control_len: 0,
        }
    }
}

/// What an accept brought.
pub(crate) struct Accepted {
    /// The new socket's file.
    pub(crate) file: OpenFile,
    /// Whether another connection waits, if the listener says so.
    pub(crate) more: Option<bool>,
    /// What came of telling who the peer is: without that it is not to be had, but it has left the backlog.
    pub(crate) named: Result,
}

impl<'a> Socket<'a> {
    /// The socket behind `file`.
    ///
    /// # Errors
    ///
    /// `-ENOTSOCK` if it is none.
    #[inline]
    pub(crate) fn of(file: &'a File) -> Result<Self> {
        let raw = super::calls::sock_from_file(file);
        if raw.is_null() {
            return Err(ENOTSOCK);
        }
        Ok(Self {
            raw,
            _file: PhantomData,
        })
    }

    /// Receives, as recvmsg(2): the message into `to`, its sender into `name`, its control messages to the user
    /// address and size `control`.
    ///
    /// # Context
    ///
    /// Sleeps for a message unless `flags` has MSG_DONTWAIT, and may sleep in any case.
    #[inline]
    pub(crate) fn recv(
        self,
        to: UserBuffers<'_>,
        name: Option<&mut SockAddr>,
        control: (u64, usize),
        flags: u32,
    ) -> Received {
        if control.1 != 0 && !has_descriptors() {
            // Files that come with the message would have nowhere to go.
            return Received::failed(ECANCELED);
        }
        let mut hdr = bindings::msghdr {
            msg_name: name.map_or(null_mut(), |name| core::ptr::from_mut(name).cast()),
            msg_inq: -1,
            msg_flags: flags & msg::CMSG_CLOEXEC,
            msg_controllen: control.1,
            ..Default::default()
        };
        hdr.__bindgen_anon_1.msg_control_user = control.0 as *mut _;
        hdr.set_msg_control_is_user(true);
        hdr.set_msg_get_inq(true);
        let len = to.import(&mut hdr.msg_iter, true).and_then(|()| {
            // SAFETY: The socket lives as long as its file. `hdr` describes user memory, and
            // `name` if there is one, which has room for any address. Where there is room for
            // control messages the task has descriptors.
            let ret = unsafe { bindings::sock_recvmsg(self.raw, &mut hdr, flags as i32) };
            if ret < 0 {
                Err(Errno::from_raw(ret).without_restart())
            } else {
                Ok(ret as usize)
            }
        });
        Received {
            len,
            left: usize::try_from(hdr.msg_inq).ok(),
            flags: hdr.msg_flags,
            name_len: hdr.msg_namelen as usize,
            control_len: control.1.wrapping_sub(hdr.msg_controllen),
        }
    }

    /// Sends what is in `from`, as sendto(2), to `name` if there is one.
    ///
    /// # Errors
    ///
    /// `-ECANCELED` in a task without descriptors if [`takes_commands()`](Self::takes_commands), which may name some; those of
    /// sendto(2).
    ///
    /// # Context
    ///
    /// Sleeps for room unless `flags` has MSG_DONTWAIT, and may sleep in any case.
    #[inline(always)] // send/unix/32
    pub(crate) fn send(
        self,
        from: UserBuffers<'_>,
        name: Option<(&mut SockAddr, usize)>,
        flags: u32,
    ) -> Result<usize> {
        self.send_with(name, None, flags, || from.import_source(), |_| Ok(()))
    }

    /// Sends as sendmsg(2), see [`Socket::send`], with the control messages that are at the user address and of the
    /// size `control`.
    ///
    /// # Errors
    ///
    /// `-ENOBUFS` for more of them than a socket may have, `-ECANCELED` for any in a task without descriptors, which
    /// they may name; those of sendmsg(2).
    ///
    /// # Context
    ///
    /// As for [`Socket::send`].
    pub(crate) fn sendmsg(
        self,
        from: UserBuffers<'_>,
        name: Option<(&mut SockAddr, usize)>,
        control: (u64, u64),
        flags: u32,
    ) -> Result<usize> {
        self.sendmsg_with(name, control, flags, |hdr| {
            from.import(&mut hdr.msg_iter, false)
        })
    }

    /// Sends as [`Socket::send`], without a copy where the socket can: `notif_ref` comes back when
    /// nobody needs what is in `from` any more.
    ///
    /// If `notif_ref` keeps a buffer `from` are addresses in that.
    ///
    /// # Errors
    ///
    /// Those of [`Socket::send`], and of [`UbufRef::attach`].
    ///
    /// # Context
    ///
    /// As for [`Socket::send`].
    #[inline]
    pub(crate) fn send_zc<P: Kind>(
        self,
        from: UserBuffers<'_>,
        name: Option<(&mut SockAddr, usize)>,
        flags: u32,
        notif_ref: &mut UbufRef<P>,
    ) -> Result<usize> {
        let mut gathered = None;
        let nothing = || Ok(bindings::iov_iter::default());
        self.send_with(name, None, flags | msg::ZEROCOPY, nothing, |hdr| {
            // SAFETY: `send_with` sends it to this socket, and both are there until then.
            unsafe { notif_ref.attach(hdr, self, from, &mut gathered) }
        })
    }

    /// Sends as [`Socket::sendmsg`] and [`Socket::send_zc`].
    ///
    /// # Errors
    ///
    /// Those of [`Socket::sendmsg`], and of [`UbufRef::attach`].
    ///
    /// # Context
    ///
    /// As for [`Socket::send`].
    pub(crate) fn sendmsg_zc<P: Kind>(
        self,
        from: UserBuffers<'_>,
        name: Option<(&mut SockAddr, usize)>,
        control: (u64, u64),
        flags: u32,
        notif_ref: &mut UbufRef<P>,
    ) -> Result<usize> {
        let mut gathered = None;
        self.sendmsg_with(name, control, flags | msg::ZEROCOPY, |hdr| {
            // SAFETY: `sendmsg_with` sends it to this socket, and both are there until then.
            unsafe { notif_ref.attach(hdr, self, from, &mut gathered) }
        })
    }

    /// Whether it can send without a copy.
    #[inline]
    pub(crate) fn supports_zc(self) -> bool {
        calls::ruring_socket_supports_zc(self)
    }

    /// What its protocol does. Some sockets change that while they are open, as one of IPv6 that is made one of IPv4
    /// does: whoever asks for two functions takes both from here.
    #[inline]
    fn ops(self) -> &'a bindings::proto_ops {
        // SAFETY: A socket has operations, new ones if they change, and all of them stay as long as its file is open.
        unsafe { &*(&raw const (*self.raw).ops).read_volatile() }
    }

    /// Its type, one of `SOCK_*`.
    #[inline]
    fn kind(self) -> i32 {
        // SAFETY: The socket lives as long as its file, and does not change its type.
        unsafe { (*self.raw).type_ }.into()
    }

    /// Whether it looks up whom each message is for, in a file system if that is a name of one. What is connected ignores that, or
    /// refuses it.
    pub(crate) fn looks_names_up(self) -> bool {
        self.kind() == sock::DGRAM
    }

    /// The name that `which` says, and how long it is. `-EOPNOTSUPP` if it has none.
    fn name(self, which: i32) -> Result<(SockAddr, usize)> {
        let mut addr = SockAddr::new();
        let getname = self.ops().getname.ok_or(EOPNOTSUPP)?;
        // SAFETY: The socket lives as long as its file, and `addr` has room for any address.
        let len = unsafe { getname(self.raw, (&raw mut addr).cast(), which) };
        if len < 0 {
            return Err(Errno::from_raw(len).without_restart());
        }
        Ok((addr, len as usize))
    }

    /// For other wrappers; valid as long as the file.
    #[inline]
    pub(super) fn as_ptr(self) -> *mut bindings::socket {
        self.raw
    }

    #[inline]
    fn sendmsg_with(
        self,
        name: Option<(&mut SockAddr, usize)>,
        control: (u64, u64),
        flags: u32,
        prepare: impl FnOnce(&mut bindings::msghdr) -> Result,
    ) -> Result<usize> {
        let nothing = || Ok(bindings::iov_iter::default());
        let len = i32::try_from(control.1).map_err(|_| ENOBUFS)? as usize;
        if len == 0 {
            return self.send_with(name, None, flags, nothing, prepare);
        }
        if flags & msg::CMSG_COMPAT != 0 {
            // Control messages of 32-bit programs: nobody has them here.
            return Err(EINVAL);
        }
        if !has_descriptors() {
            // They may name some.
            return Err(ECANCELED);
        }
        let mut small = SmallControl([0; _]);
        if let Some(bytes) = small.0.get_mut(..len) {
            user::read_into(control.0, bytes)?;
            return self.send_with(name, Some(bytes), flags, nothing, prepare);
        }
        let mut control = Control::read(self, control.0, len)?;
        self.send_with(name, Some(control.bytes()), flags, nothing, prepare)
    }

    /// Sends what `source` returns, unless `prepare` sets up another one.
    #[inline(always)] // send/unix/32
    fn send_with(
        self,
        name: Option<(&mut SockAddr, usize)>,
        control: Option<&mut [u8]>,
        flags: u32,
        source: impl FnOnce() -> Result<bindings::iov_iter>,
        prepare: impl FnOnce(&mut bindings::msghdr) -> Result,
    ) -> Result<usize> {
        if self.takes_commands() && !has_descriptors() {
            // They may name some.
            return Err(ECANCELED);
        }
        let mut hdr = bindings::msghdr {
            msg_iter: source()?,
            msg_flags: flags & !msg::INTERNAL_SENDMSG,
            ..Default::default()
        };
        if let Some(control) = control {
            hdr.__bindgen_anon_1.msg_control = control.as_mut_ptr().cast();
            hdr.msg_controllen = control.len();
        }
        if let Some((name, len)) = name {
            // It may be a path: too short for one where there is nowhere to look for it.
            let most = if has_directories() { SockAddr::SIZE } else { 1 };
            hdr.msg_name = core::ptr::from_mut(name).cast();
            hdr.msg_namelen = len.min(most) as i32;
        }
        prepare(&mut hdr)?;
        // SAFETY: The socket lives as long as its file. `hdr` describes user memory or a registered
        // buffer, and `name` and `control` if there are any. If it is a path the task has
        // directories, and with control messages or commands it has descriptors.
        let ret = unsafe { bindings::sock_sendmsg(self.raw, &mut hdr) };
        if ret < 0 {
            return Err(Errno::from_raw(ret).without_restart());
        }
        Ok(ret as usize)
    }

    /// Who is at the other end of a connection that was just accepted, and how long that address is.
    ///
    /// # Errors
    ///
    /// `-ECONNABORTED` if it has gone meanwhile.
    pub(crate) fn accepted_from(self) -> Result<(SockAddr, usize)> {
        /// The peer's, as accept(2) asks for it.
        const ACCEPTED: i32 = 2;
        self.name(ACCEPTED).map_err(|_| ECONNABORTED)
    }

    /// Accepts a connection, as accept4(2) with `flags`. `peer` has the user addresses for the
    /// peer's address and its length; the first may be 0.
    ///
    /// Follows `do_accept()` of `net/socket.c`.
    ///
    /// # Errors
    ///
    /// Those of accept4(2), `-EAGAIN` if none is there and it is not to wait, and what the hook says.
    ///
    /// # Context
    ///
    /// May sleep; with `wait` for a connection.
    pub(crate) fn accept(self, flags: u32, peer: (u64, u64), wait: bool) -> Result<Accepted> {
        let ops = self.ops();
        // SAFETY: The listening socket lives as long as its file, and keeps its protocol's module.
        // The new one is given to its file at once, which puts it, also when that fails. The file comes with a
        // reference.
        let (file, new) = unsafe {
            let new = bindings::sock_alloc();
            if new.is_null() {
                return Err(ENFILE);
            }
            (*new).type_ = (*self.raw).type_;
            (*new).ops = ops;
            bindings::ruring_get_module(ops.owner.cast());
            let name = bindings::ruring_socket_proto_name(self.raw);
            let file = bindings::sock_alloc_file(new, flags as i32, name);
            (OpenFile::from_result(file)?, new)
        };
        let accepted = Socket {
            raw: new,
            _file: PhantomData,
        };
        hooks::may_accept(self, accepted)?;
        let mut arg = bindings::proto_accept_arg {
            flags: calls::ruring_socket_flags(self) as i32
                | if wait { 0 } else { O_NONBLOCK as i32 },
            is_empty: -1,
            ..Default::default()
        };
        // SAFETY: Both sockets are live and of the protocol that `ops` is of.
        let ret = unsafe {
            match ops.accept {
                Some(accept) => accept(self.raw, new, &mut arg),
                None => return Err(EOPNOTSUPP),
            }
        };
        if ret < 0 {
            return Err(Errno::from_raw(ret).without_restart());
        }
        let named = if peer.0 == 0 {
            Ok(())
        } else {
            let from = Socket::of(&file)?.accepted_from();
            from.and_then(|(addr, len)| addr.write(len, peer.0, peer.1))
        };
        Ok(Accepted {
            file,
            named,
            more: match arg.is_empty {
                0 => Some(true),
                1 => Some(false),
                _ => None,
            },
        })
    }
}
