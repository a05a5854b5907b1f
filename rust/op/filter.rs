// SPDX-License-Identifier: GPL-2.0

//! What a filter sees of a request. `io_uring/bpf_filter.c` of the kernel.

use super::Operation;
use crate::uapi::{abi::sqe_flags, filter::FilterCtx, sqe::Sqe};

impl Operation {
    /// What a filter sees of it, whose entry is `sqe`. `flags` are those that it has got besides its own.
    pub(crate) fn filter_ctx(&self, sqe: &Sqe, flags: u8) -> FilterCtx {
        let mut flags = sqe.flags() | flags;
        if self.is_forced() {
            flags |= sqe_flags::ASYNC;
        }
        let of_slot = match self {
            Self::Nop(nop) => nop.is_of_slot(),
            Self::Nop128(nop) => nop.is_of_slot(),
            _ => false,
        };
        if of_slot {
            flags |= sqe_flags::FIXED_FILE;
        }
        FilterCtx::new(sqe.user_data(), sqe.opcode(), flags, self.pdu())
    }
}
