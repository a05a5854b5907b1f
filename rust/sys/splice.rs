// SPDX-License-Identifier: GPL-2.0

//! From a file to a socket without a copy.
//!
//! C header: `include/linux/splice.h`.

use super::{
    bindings, calls,
    rw::{self, is_whole},
};
use crate::uapi::{
    abi::MAX_RW_COUNT,
    errno::{Errno, Result, EINVAL, ENOTSOCK},
};
use kernel::fs::File;

fn is_socket(file: &File) -> bool {
    !calls::sock_from_file(file).is_null()
}

/// As [`rw::can_delegate`], for what goes through a pipe: descriptors that a socket has for who receives do not.
pub(crate) fn can_delegate(file: &File, write: bool) -> bool {
    is_socket(file) || rw::can_delegate(file, write)
}

/// Sends `len` bytes of the file `input`, from `from` on, to the socket `output`, as sendfile(2) does. Returns how
/// many: fewer at the end of the file, or if the task is interrupted or the socket may not block.
///
/// # Errors
///
/// `-EINVAL` if it is not the kind of file that has an end, `-ENOTSOCK` if `output` is no socket, those of
/// sendfile(2).
///
/// # Context
///
/// May sleep, for as long as the peer likes.
pub(crate) fn sendfile(input: &File, from: i64, output: &File, len: usize) -> Result<usize> {
    if !is_whole(input) || from < 0 {
        return Err(EINVAL);
    }
    let out = output.as_ptr().cast();
    if !is_socket(output) {
        return Err(ENOTSOCK);
    }
    let len = len.min(MAX_RW_COUNT);
    // SAFETY: Both files are open.
    let ret = unsafe { bindings::ruring_sendfile(input.as_ptr().cast(), from, out, len) };
    if ret < 0 {
        return Err(Errno::from_raw(ret as i32).without_restart());
    }
    Ok(ret as usize)
}
