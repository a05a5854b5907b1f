// SPDX-License-Identifier: GPL-2.0

//! What a socket tells of itself, and its options.
//!
//! The security hooks of getsockopt(2) and setsockopt(2) are called by what does these, and the control
//! groups' programs. Those of getsockname(2) and getpeername(2) are called here.

use super::{calls, hooks, Socket};
use crate::{
    sys::{bindings, calls as of_task, context::has_descriptors},
    uapi::{
        args::socket::SocketOption,
        errno::{to_value, Result, ECANCELED, EOPNOTSUPP},
        number::{family, sock},
    },
};

impl Socket<'_> {
    /// Whether it says how much there is left to be received.
    #[inline]
    pub(crate) fn tells_left(self) -> bool {
        self.kind() == sock::STREAM
    }

    /// Whether it is shut down for reading, so that nothing will come any more.
    pub(crate) fn is_shut(self) -> bool {
        calls::ruring_socket_is_shut(self)
    }

    /// The same where who must not wait is not told so by receiving: of datagrams. The end of a stream shows behind its last
    /// bytes, which may have come with it since nothing was found.
    #[inline]
    pub(crate) fn ends_unseen(self) -> bool {
        !matches!(self.kind(), sock::STREAM | sock::SEQPACKET) && self.is_shut()
    }

    /// Bytes that wait to be received, as ioctl(SIOCINQ).
    ///
    /// # Errors
    ///
    /// `-EINVAL` for a listener, and what the socket's own ioctl says.
    pub(crate) fn in_queue(self) -> Result<i32> {
        to_value(calls::ruring_socket_in_queue(self))
    }

    /// Bytes that wait to be sent, as ioctl(SIOCOUTQ).
    ///
    /// # Errors
    ///
    /// `-EINVAL` for a listener, and what the socket's own ioctl says.
    pub(crate) fn out_queue(self) -> Result<i32> {
        to_value(calls::ruring_socket_out_queue(self))
    }

    /// Reads an option into user memory, as getsockopt(2). Returns its size.
    ///
    /// # Errors
    ///
    /// `-ECANCELED` in a task that has no descriptors any more, as an option may be one; those of getsockopt(2).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn get_option(self, option: &SocketOption) -> Result<i32> {
        if !has_descriptors() {
            return Err(ECANCELED);
        }
        let mut len = option.len;
        // SAFETY: The socket lives as long as its file; the value is copied to user space with the
        // checks of any such copy, and the task has the descriptors that it may name.
        to_value(unsafe {
            bindings::ruring_socket_getsockopt(
                self.raw,
                option.level,
                option.name,
                option.value as *mut _,
                &mut len,
            )
        })?;
        Ok(len)
    }

    /// Sets an option from user memory, as setsockopt(2).
    ///
    /// # Errors
    ///
    /// `-ECANCELED` as for [`Socket::get_option`]; `-EOPNOTSUPP` for AF_ALG with other credentials than the task's own; those of
    /// setsockopt(2).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn set_option(self, option: &SocketOption) -> Result {
        if !has_descriptors() {
            return Err(ECANCELED);
        }
        if self.family() == family::ALG.into() && of_task::ruring_current_has_other_creds() {
            // An option may name a key by the task's session keyring, which is then given to the task if it has none. That changes
            // the task's credentials, and the kernel stops (BUG) where others are in their place.
            return Err(EOPNOTSUPP);
        }
        // SAFETY: The socket lives as long as its file; the value is copied from user space with the
        // checks of any such copy, and the task has the descriptors that it may name.
        to_value(unsafe {
            bindings::ruring_socket_setsockopt(
                self.raw,
                option.level,
                option.name,
                option.value as *mut _,
                option.len,
            )
        })
        .map(drop)
    }

    /// Writes its name, or its peer's, to the user address `to.0`, and the name's length to the
    /// `int` at `to.1`, which says how much room there is.
    ///
    /// # Errors
    ///
    /// What the hook says, `-EOPNOTSUPP` for a socket that has no names, those of getsockname(2) and getpeername(2).
    pub(crate) fn get_name(self, to: (u64, u64), peer: bool) -> Result {
        hooks::may_get_name(self, peer)?;
        let (addr, len) = self.name(peer.into())?;
        addr.write(len, to.0, to.1)
    }
}
