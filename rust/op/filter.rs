// SPDX-License-Identifier: GPL-2.0

//! What a filter sees of a request. `io_uring/bpf_filter.c` of the kernel.

use super::{spec, Operation};
use crate::uapi::{
    abi::{opcode, open, sqe_flags},
    filter::{FilterCtx, Pdu},
    sqe::Sqe,
};

impl Operation {
    /// What a filter sees of it, whose entry is `sqe`. `flags` are those that it has got besides its own.
    #[cold]
    pub(crate) fn filter_ctx(&self, sqe: &Sqe, flags: u8) -> FilterCtx {
        let mut flags = sqe.flags() | flags;
        if self.is_forced(sqe) {
            flags |= sqe_flags::ASYNC;
        }
        FilterCtx::new(sqe.user_data(), sqe.opcode(), flags, self.pdu())
    }

    fn pdu(&self) -> Pdu {
        match self {
            Self::Socket(create) => create.pdu(),
            Self::Connect(connect) => connect.pdu(),
            Self::OpenAt(open) => open.pdu(),
            Self::OpenAt2(open) => open.pdu(),
            _ => Pdu::default(),
        }
    }

    /// Whether io_uring marks it with IOSQE_ASYNC, as it leaves it to a worker.
    fn is_forced(&self, sqe: &Sqe) -> bool {
        const CREATES: u32 = open::CREAT | open::TRUNC | open::TMPFILE;
        // POSIX_FADV_NORMAL, POSIX_FADV_RANDOM and POSIX_FADV_SEQUENTIAL
        const QUICK: core::ops::RangeInclusive<u32> = 0..=2;
        match self {
            Self::OpenAt(_) | Self::OpenAt2(_) => {
                let [flags, ..] = self.pdu();
                flags & CREATES != 0
            }
            Self::Bind(bind) => bind.makes_file(),
            _ if sqe.opcode() == opcode::FADVISE => !QUICK.contains(&sqe.op_flags()),
            _ => spec(sqe.opcode()).is_some_and(|spec| spec.forced),
        }
    }
}
