// SPDX-License-Identifier: GPL-2.0

//! Multishot RECV of a stream that has several buffers' worth.
//!
//! One call to the socket fills a row of buffers, each of which has a completion of its own, as if it had been received
//! alone: every buffer but the last is full. Only as many are offered as there is room for completions, so
//! that nothing is taken that cannot be told.

use super::{nonempty, Recv, MAX_SHOTS};
use crate::{
    kbuf::row::Row,
    op::Attempt,
    sys::socket::{Received, Socket, UserBuffers},
    uapi::{
        abi::{cqe, msg},
        errno::EFAULT,
    },
};

impl Recv {
    /// Whether a row is worth a try for `left` bytes that wait behind a buffer of `len`.
    pub(super) fn has_row(&self, left: usize, len: usize) -> bool {
        left > len && self.args.msg_flags == 0 && self.args.total == 0
    }

    /// Fills buffers with the `left` bytes that wait, and posts their completions. As many receives are counted,
    /// but for the last.
    ///
    /// None if nothing is received: there are no two buffers for a row, or the first cannot be written.
    pub(super) fn fill_row(
        &mut self,
        socket: Socket<'_>,
        attempt: &mut Attempt<'_, '_>,
        left: usize,
    ) -> Option<Received> {
        let group = attempt.group?;
        // No more than what this turn has left.
        let most = attempt
            .ring
            .room((MAX_SHOTS + 1).saturating_sub(self.shots));
        let mut row = Row::new();
        let limit = self.args.len as usize;
        let span = attempt
            .ring
            .groups()
            .select_row(group, limit, left, most, &mut row)?;
        let buffers = UserBuffers::Many {
            iov: row.pieces(),
            skip: 0,
        };
        let got = socket.recv(buffers, None, (0, 0), msg::DONTWAIT);
        let mut len = match got.len {
            Ok(len) if len > 0 => len,
            Ok(_) | Err(EFAULT) => return None,
            Err(_) => return Some(got),
        };
        let mut used = 0;
        for (piece, flags) in row.iter() {
            let here = len.min(piece.len());
            len -= here;
            used += 1;
            let state = if len > 0 {
                cqe::SOCK_NONEMPTY
            } else {
                nonempty(&got)
            };
            let posted = attempt.post_more(here as i32, flags | state);
            // No more buffers were offered than there is room for completions. The debug kernel asks: each completion would.
            debug_assert!(posted);
            if len == 0 {
                break;
            }
        }
        attempt.ring.groups().commit_row(group, span, used);
        self.shots += u32::from(used) - 1;
        Some(got)
    }
}
