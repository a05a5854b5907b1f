// SPDX-License-Identifier: GPL-2.0

//! Making sockets, naming them and connecting them.
//!
//! The exported functions that bind, listen, connect and shut down are meant for sockets of the kernel's
//! own, and call no security hooks: that is done here. Those of socket(2) are called by what makes
//! sockets, and others by the protocols, control groups' among them.

use super::{calls, hooks, Address, Socket, O_NONBLOCK};
use crate::{
    sys::{
        bindings,
        context::{has_directories, InTask},
        fd::OpenFile,
        task::Identity,
    },
    uapi::{
        errno::{to_result, Result, ECANCELED},
        number::{family, ipproto, sock},
    },
};
use core::ptr::{null, null_mut};

impl Socket<'_> {
    /// Whether a module may have to be loaded for such a socket, which takes as long as user space likes.
    pub(crate) fn may_load_module(domain: i32, kind: i32, protocol: i32) -> bool {
        let built_in = match domain.try_into() {
            Ok(family::UNIX) => return !cfg!(CONFIG_UNIX = "y"),
            Ok(family::INET) => cfg!(CONFIG_INET),
            Ok(family::INET6) => cfg!(CONFIG_IPV6 = "y"),
            _ => false,
        };
        // What no kernel is without that has the family.
        let usual = match kind {
            sock::STREAM => [0, ipproto::TCP].contains(&protocol),
            sock::DGRAM => [0, ipproto::UDP].contains(&protocol),
            _ => false,
        };
        !(built_in && usual)
    }

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
        to_result(unsafe {
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
        hooks::may_bind(self, to)?;
        // SAFETY: The socket lives as long as its file. The address is copied. If it is a path
        // there is where to look for it.
        to_result(unsafe { bindings::kernel_bind(self.raw, to.as_ptr(), to.len()) })
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
        hooks::may_listen(self, backlog)?;
        to_result(calls::kernel_listen(self, backlog))
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
        hooks::may_shutdown(self, how)?;
        to_result(calls::kernel_sock_shutdown(self, how))
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
        hooks::may_connect(self, to)?;
        // SAFETY: The socket lives as long as its file. The address is copied. If it is a path
        // there is where to look for it.
        to_result(unsafe {
            let flags = bindings::ruring_socket_flags(self.raw) | O_NONBLOCK;
            bindings::kernel_connect(self.raw, to.as_ptr(), to.len(), flags as i32)
        })
    }

    /// Takes the error that waits at the socket, if there is one.
    ///
    /// # Errors
    ///
    /// That one.
    pub(crate) fn error(self) -> Result {
        to_result(calls::ruring_socket_error(self))
    }
}
