// SPDX-License-Identifier: GPL-2.0

//! What a file has at the moment, for who does not wait for it.

use super::super::bindings;
use kernel::fs::File;

/// The events of `wanted` that `file` has at the moment.
///
/// # Context
///
/// May sleep.
#[inline(never)] // poll/32: it calls out, for which registers are saved.
pub(crate) fn events_of(file: &File, wanted: u32) -> u32 {
    let mut table = bindings::poll_table_struct {
        _qproc: None,
        _key: wanted,
    };
    // SAFETY: The file is open, and the table outlives the call.
    unsafe { bindings::ruring_vfs_poll(file.as_ptr().cast(), &mut table) & wanted }
}
