// SPDX-License-Identifier: GPL-2.0

//! Receives that want all that they ask for (MSG_WAITALL), and get it in parts.

use super::Recv;
use crate::{op::Outcome, uapi::abi::msg};

/// How often what is only looked at is looked at again from task work, until it is as much as was asked for. When it is polled for
/// it is once more, which makes 128 with the first, as in io_uring.
const MAX_LOOKS: u32 = 126;

/// How a receive goes on that wants all, and has got a part; `looks` counts them. What was only looked at is there still,
/// and makes the rest as well, as with io_uring: poll says so each time.
#[cold] // recv-multishot/udp/64/8/plain
pub(in crate::op) fn resume(msg_flags: u32, looks: &mut u32) -> Outcome {
    *looks += 1;
    if msg_flags & (msg::PEEK | msg::DONTWAIT) == msg::PEEK && *looks <= MAX_LOOKS {
        Outcome::Requeue
    } else {
        Outcome::POLL
    }
}

impl Recv {
    /// Whether it leaves what it gets where it is.
    pub(in crate::op) fn only_looks(&self) -> bool {
        self.args.msg_flags & msg::PEEK != 0
    }
}
