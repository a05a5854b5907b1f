// SPDX-License-Identifier: GPL-2.0

//! Making sockets, naming them and connecting them.
//!
//! The exported functions that bind, listen, connect and shut down are meant for sockets of the kernel's
//! own, and call no security hooks: that is done here. Those of socket(2) are called by what makes
//! sockets, and others by the protocols, control groups' among them.

use super::{SockAddr, Socket, O_NONBLOCK};
use crate::{
    sys::{
        bindings, calls,
        context::{has_directories, InTask},
        fd::OpenFile,
        lsm,
        task::Identity,
    },
    uapi::errno::{Errno, Result, ECANCELED, EINVAL},
};
use core::ptr::{null, null_mut};

/// What a function that returns 0 or an error says.
fn checked(ret: i32) -> Result {
    if ret < 0 {
        Err(Errno::from_raw(ret).without_restart())
    } else {
        Ok(())
    }
}

/// An address that a socket is to have or to be connected to.
///
/// # Invariants
///
/// `len` is no more than [`SockAddr::SIZE`].
pub(crate) struct Address {
    addr: SockAddr,
    len: i32,
}

impl Address {
    /// Copies `len` bytes from user space.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if that is no length for an address, `-EFAULT` if it cannot be read.
    pub(crate) fn read(addr: u64, len: i32) -> Result<Self> {
        let size = usize::try_from(len).map_err(|_| EINVAL)?;
        // INVARIANT: A longer one is refused.
        Ok(Self {
            addr: SockAddr::read(addr, size)?,
            len,
        })
    }

    /// Whether it may be the name of a file, to be looked up in file systems.
    pub(crate) fn is_of_files(&self) -> bool {
        const AF_UNIX: u16 = 1;
        self.addr.family() == AF_UNIX
    }

    /// For other wrappers; valid as long as `self`.
    pub(in crate::sys) fn as_ptr(&self) -> *mut bindings::sockaddr_unsized {
        (&raw const self.addr).cast_mut().cast()
    }

    /// Bytes of it.
    pub(in crate::sys) fn len(&self) -> i32 {
        self.len
    }
}

impl Socket<'_> {
    /// A new socket, as from socket(2), in the network of `identity` if that is not to be the current task's.
    /// `flags` are `SOCK_NONBLOCK` and `SOCK_CLOEXEC`.
    ///
    /// # Errors
    ///
    /// Those of socket(2).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn create(
        _task: InTask<'_>,
        identity: Option<&Identity>,
        domain: i32,
        kind: i32,
        protocol: i32,
        flags: u32,
    ) -> Result<OpenFile> {
        let mut raw = null_mut();
        // SAFETY: The task has a network namespace, and that of the identity lives as long. It fills `raw` in
        // if it succeeds.
        checked(unsafe {
            match identity {
                Some(identity) => {
                    let net = identity.net();
                    bindings::__sock_create(net, domain, kind, protocol, &mut raw, 0)
                }
                None => bindings::sock_create(domain, kind, protocol, &mut raw),
            }
        })?;
        // SAFETY: The socket is ours, and becomes the file's, also when that fails. The file comes with a reference.
        unsafe { OpenFile::from_result(bindings::sock_alloc_file(raw, flags as i32, null())) }
    }

    /// Gives it a name, as bind(2).
    ///
    /// # Errors
    ///
    /// `-ECANCELED` in a task that has no directories any more, where that name might be; what the hook says; those
    /// of bind(2).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn bind(self, to: &Address) -> Result {
        if !has_directories() {
            return Err(ECANCELED);
        }
        lsm::may_bind(self, to)?;
        // SAFETY: The socket lives as long as its file. The address is copied. If it is a path
        // there is where to look for it.
        checked(unsafe { bindings::kernel_bind(self.raw, to.as_ptr(), to.len) })
    }

    /// Has it listen, as listen(2).
    ///
    /// # Errors
    ///
    /// What the hook says; those of listen(2).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn listen(self, backlog: i32) -> Result {
        let most = calls::ruring_socket_somaxconn(self);
        let backlog = if backlog as u32 > most as u32 {
            most
        } else {
            backlog
        };
        lsm::may_listen(self, backlog)?;
        checked(calls::kernel_listen(self, backlog))
    }

    /// Ends one direction or both, as shutdown(2).
    ///
    /// # Errors
    ///
    /// What the hook says; those of shutdown(2).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn shutdown(self, how: u32) -> Result {
        lsm::may_shutdown(self, how)?;
        checked(calls::kernel_sock_shutdown(self, how))
    }

    /// Connects it, as connect(2) of a socket that is not to wait.
    ///
    /// # Errors
    ///
    /// `-ECANCELED` as for [`Socket::bind`]; what the hook says; `-EINPROGRESS` if it is not connected at once; those
    /// of connect(2).
    ///
    /// # Context
    ///
    /// May sleep, though not for the peer.
    pub(crate) fn connect(self, to: &Address) -> Result {
        if !has_directories() {
            return Err(ECANCELED);
        }
        lsm::may_connect(self, to)?;
        // SAFETY: The socket lives as long as its file. The address is copied. If it is a path
        // there is where to look for it.
        checked(unsafe {
            let flags = bindings::ruring_socket_flags(self.raw) | O_NONBLOCK;
            bindings::kernel_connect(self.raw, to.as_ptr(), to.len, flags as i32)
        })
    }

    /// Takes the error that waits at the socket, if there is one.
    ///
    /// # Errors
    ///
    /// That one.
    pub(crate) fn error(self) -> Result {
        checked(calls::ruring_socket_error(self))
    }
}
