// SPDX-License-Identifier: GPL-2.0

//! From a file to a socket without a copy.
//!
//! C header: `include/linux/splice.h`.

use super::{
    bindings,
    context::has_descriptors,
    rw::{self, is_whole},
    socket::Socket,
};
use crate::uapi::{
    abi::MAX_RW_COUNT,
    errno::{Errno, Result, ECANCELED, EINVAL},
};
use kernel::fs::File;

/// As [`rw::can_delegate`], for what goes through a pipe: descriptors that a socket has for who receives do not. Commands may
/// name some.
pub(crate) fn can_delegate(file: &File, write: bool) -> bool {
    match Socket::of(file) {
        Ok(socket) => !socket.takes_commands(),
        Err(_) => rw::can_delegate(file, write),
    }
}

/// Whether the current task has what moving from one file to the other may take.
///
/// # Errors
///
/// `-ECANCELED` if not.
pub(super) fn check(input: &File, output: &File) -> Result {
    if has_descriptors() || (can_delegate(input, false) && can_delegate(output, true)) {
        return Ok(());
    }
    Err(ECANCELED)
}

/// Sends `len` bytes of the file `input`, from `from` on, to the socket `output`, as sendfile(2) does. Returns how
/// many: fewer at the end of the file, or if the task is interrupted or the socket may not block.
///
/// # Errors
///
/// `-EINVAL` if it is not the kind of file that has an end, `-ENOTSOCK` if `output` is no socket, `-ECANCELED` in a task
/// without the descriptors that it may take, those of sendfile(2).
///
/// # Context
///
/// May sleep, for as long as the peer likes.
pub(crate) fn sendfile(input: &File, from: i64, output: &File, len: usize) -> Result<usize> {
    if !is_whole(input) || from < 0 {
        return Err(EINVAL);
    }
    Socket::of(output)?;
    check(input, output)?;
    let out = output.as_ptr().cast();
    let len = len.min(MAX_RW_COUNT);
    // SAFETY: Both files are open, and the task has what they may take.
    let ret = unsafe { bindings::ruring_sendfile(input.as_ptr().cast(), from, out, len) };
    if ret < 0 {
        return Err(Errno::from_raw(ret as i32).without_restart());
    }
    Ok(ret as usize)
}
