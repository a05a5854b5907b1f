// SPDX-License-Identifier: GPL-2.0

//! Having what was written kept, and making room for more.
//!
//! C header: `include/linux/fs.h`.

use super::calls;
use crate::uapi::errno::{to_result, Result};
use kernel::fs::File;

/// Has bytes `start` to `end` kept where they are to be found again, or no more of them than is needed to read them.
///
/// # Errors
///
/// `-EINVAL` if nothing can be done for it; those of fsync(2).
///
/// # Context
///
/// Sleeps until they are there.
pub(crate) fn fsync(file: &File, start: i64, end: i64, data_only: bool) -> Result {
    to_result(calls::vfs_fsync_range(file, start, end, data_only.into()))
}

/// Makes room for `len` bytes from `start` on, or what else `mode` says.
///
/// # Errors
///
/// Those of fallocate(2).
///
/// # Context
///
/// May sleep.
pub(crate) fn fallocate(file: &File, mode: i32, start: i64, len: i64) -> Result {
    to_result(calls::vfs_fallocate(file, mode, start, len))?;
    calls::ruring_fsnotify(file, true);
    Ok(())
}

/// Tells the file how `len` bytes from `start` on will be used (`POSIX_FADV_*`).
///
/// # Errors
///
/// Those of posix_fadvise(2).
///
/// # Context
///
/// May sleep.
pub(crate) fn fadvise(file: &File, start: u64, len: u64, advice: i32) -> Result {
    to_result(calls::vfs_fadvise(file, start as i64, len as i64, advice))
}
