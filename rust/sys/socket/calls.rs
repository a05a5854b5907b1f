// SPDX-License-Identifier: GPL-2.0

//! What the kernel has for sockets that is safe to call with what the types say, as in `sys/calls.rs`.

use super::{Address, Socket};
use crate::sys::bindings;

/// Functions of a socket.
macro_rules! of_socket {
    ($($name:ident($($arg:ident: $type:ty),*) -> $ret:ty;)*) => {
        $(
            pub(super) fn $name(socket: Socket<'_> $(, $arg: $type)*) -> $ret {
                // SAFETY: The socket lives as long as its file, which is borrowed; the rest are numbers.
                unsafe { bindings::$name(socket.as_ptr() $(, $arg)*) }
            }
        )*
    };
}

of_socket! {
    ruring_hook_getname(peer: bool) -> i32;
    ruring_hook_listen(backlog: i32) -> i32;
    ruring_hook_recvmsg(size: i32, flags: u32) -> i32;
    ruring_hook_shutdown(how: i32) -> i32;
    ruring_socket_error() -> i32;
    ruring_socket_flags() -> u32;
    ruring_socket_has_data() -> bool;
    ruring_socket_idle() -> bool;
    ruring_socket_in_queue() -> i32;
    ruring_socket_is_shut() -> bool;
    ruring_socket_family() -> u32;
    ruring_socket_is_tcp() -> bool;
    ruring_socket_out_queue() -> i32;
    ruring_socket_somaxconn() -> i32;
    ruring_socket_supports_zc() -> bool;
    ruring_has_tx_timestamp() -> bool;
    ruring_take_tx_timestamp() -> bindings::ruring_tx_timestamp;
    kernel_listen(backlog: i32) -> i32;
    kernel_sock_shutdown(how: bindings::sock_shutdown_cmd) -> i32;
}

/// Functions of a socket and an address that it is to have or to be connected to.
macro_rules! of_address {
    ($($name:ident;)*) => {
        $(
            pub(super) fn $name(socket: Socket<'_>, to: &Address) -> i32 {
                // SAFETY: The socket lives as long as its file, which is borrowed. An `Address` has as many bytes
                // as it says, which are only read.
                unsafe { bindings::$name(socket.as_ptr(), to.as_ptr().cast(), to.len()) }
            }
        )*
    };
}

of_address! {
    ruring_hook_bind;
    ruring_hook_connect;
}
