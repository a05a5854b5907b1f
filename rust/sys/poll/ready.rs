// SPDX-License-Identifier: GPL-2.0

//! What a file has at the moment, for who does not wait for it.

use super::super::calls;
use kernel::fs::File;

/// The events of `wanted` that `file` has at the moment.
///
/// # Context
///
/// May sleep.
#[inline(never)] // poll/32: it calls out, for which registers are saved.
pub(crate) fn events_of(file: &File, wanted: u32) -> u32 {
    calls::ruring_file_events(file, wanted) & wanted
}
