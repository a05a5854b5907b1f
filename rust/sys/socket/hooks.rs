// SPDX-License-Identifier: GPL-2.0

//! The hooks of security modules that are about sockets, see `sys/lsm.rs`.

use super::{calls, Address, Socket};
use crate::{
    sys::{bindings, lsm::allowed},
    uapi::errno::Result,
};

/// Whether `listener` may accept what will be `new`.
///
/// # Errors
///
/// What the hook says.
pub(super) fn may_accept(listener: Socket<'_>, new: Socket<'_>) -> Result {
    // SAFETY: Both sockets live as long as their files, which are borrowed.
    allowed(unsafe { bindings::ruring_hook_accept(listener.as_ptr(), new.as_ptr()) })
}

/// Whether the socket may have this name.
///
/// # Errors
///
/// What the hook says.
pub(super) fn may_bind(socket: Socket<'_>, name: &Address) -> Result {
    allowed(calls::ruring_hook_bind(socket, name))
}

/// Whether the socket may be connected to this name.
///
/// # Errors
///
/// What the hook says.
pub(super) fn may_connect(socket: Socket<'_>, name: &Address) -> Result {
    allowed(calls::ruring_hook_connect(socket, name))
}

/// Whether the socket may listen.
///
/// # Errors
///
/// What the hook says.
pub(super) fn may_listen(socket: Socket<'_>, backlog: i32) -> Result {
    allowed(calls::ruring_hook_listen(socket, backlog))
}

/// Whether `size` bytes may be received with `flags`.
///
/// # Errors
///
/// What the hook says; `-EOPNOTSUPP` if it is missing.
#[inline(always)] // recv-armed/tcp/1
pub(super) fn may_receive(socket: Socket<'_>, size: usize, flags: u32) -> Result {
    allowed(calls::ruring_hook_recvmsg(socket, size as i32, flags))
}

/// Whether the socket may be shut down.
///
/// # Errors
///
/// What the hook says.
pub(super) fn may_shutdown(socket: Socket<'_>, how: u32) -> Result {
    allowed(calls::ruring_hook_shutdown(socket, how as i32))
}

/// Whether the socket's name, or its peer's, may be told.
///
/// # Errors
///
/// What the hook says.
pub(super) fn may_get_name(socket: Socket<'_>, peer: bool) -> Result {
    allowed(calls::ruring_hook_getname(socket, peer))
}
