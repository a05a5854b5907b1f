// SPDX-License-Identifier: GPL-2.0

//! Waiting for something to read of a socket of which is known what its `->poll()` would do.
//!
//! C headers: `include/linux/net.h`, `include/net/sock.h`.

use super::{events_of, Watched};
use crate::sys::{
    bindings, calls,
    object::{Handle, Kind},
};

impl<P: Kind> Handle<P> {
    /// As [`Handle::watch`], for something to read of a socket of which is known where it waits and what it would say.
    /// None for others.
    pub(super) fn watch_socket(&mut self, wanted: u32) -> Option<Watched> {
        let file = self.file()?;
        // The queue is part of the file's socket, and there as long as that is open.
        let head = calls::ruring_socket_queue(file);
        if head.is_null() {
            return None;
        }
        let sources = self.object().wake_sources();
        sources.set_used(true);
        // SAFETY: The entry was taken off; the object does not move, and takes its entries off the queues before it, or
        // the file, goes. `head` is what `->poll()` would have named.
        unsafe { sources.first.add(self.object(), head, wanted) };
        // SAFETY: `head` is the queue of a socket whose file is open.
        let mask = if unsafe { bindings::ruring_socket_quiet(head) } {
            0
        } else {
            events_of(file, wanted)
        };
        Some(Watched {
            mask,
            waiting: Ok(()),
        })
    }
}
