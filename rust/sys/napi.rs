// SPDX-License-Identifier: GPL-2.0

//! Queues of network devices that are polled by who waits for packets.
//!
//! C header: `include/net/busy_poll.h`.

use super::{bindings, calls};
use crate::uapi::errno::{Result, EOPNOTSUPP};
use kernel::fs::File;

/// Whether some ring has ever asked for it.
#[inline(always)] // poll/32
pub(crate) fn is_used() -> bool {
    // SAFETY: `napi.c` defines the key, which stays as long as the module.
    unsafe {
        kernel::jump_label::static_branch_unlikely!(
            bindings::ruring_napi_key,
            bindings::ruring_napi_key,
            key
        )
    }
}

/// Has [`is_used`] say so from now on.
///
/// # Errors
///
/// `-EOPNOTSUPP` on a kernel that has no such polling.
///
/// # Context
///
/// May sleep. No lock is held.
pub(crate) fn begin_use() -> Result {
    check()?;
    calls::ruring_napi_use();
    Ok(())
}

/// Whether the kernel has such polling.
///
/// # Errors
///
/// `-EOPNOTSUPP` if it has not.
pub(crate) fn check() -> Result {
    if cfg!(CONFIG_NET_RX_BUSY_POLL) {
        Ok(())
    } else {
        Err(EOPNOTSUPP)
    }
}

/// Whether there can be a queue with this number.
pub(crate) fn is_valid(id: u32) -> bool {
    calls::ruring_napi_valid(id)
}

/// The queue from which the last packet of a socket came, if it is one that can be polled.
pub(crate) fn queue_of(file: &File) -> Option<u32> {
    Some(calls::ruring_file_napi_id(file)).filter(|id| *id != 0)
}

/// Polls a queue once. If `prefer` its interrupts are put off.
///
/// # Context
///
/// Without locks. May sleep.
pub(crate) fn poll(id: u32, prefer: bool) {
    calls::ruring_napi_poll(id, prefer);
}

/// Whether others want the processor.
pub(crate) fn is_wanted_by_others() -> bool {
    calls::ruring_need_resched()
}
