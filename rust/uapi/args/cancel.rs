// SPDX-License-Identifier: GPL-2.0

//! Cancelling.

use super::super::{
    abi::{cancel, op},
    errno::{Result, EINVAL},
    sqe::{Flags, Sqe},
};

/// ASYNC_CANCEL: which requests are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CancelArgs {
    /// `user_data` to match, if it counts.
    pub(crate) user_data: Option<u64>,
    /// File to match, if it counts.
    pub(crate) fd: Option<i32>,
    /// Whether that is a registered one.
    pub(crate) fixed: bool,
    /// Opcode to match, if it counts.
    pub(crate) opcode: Option<u8>,
    /// All that match, rather than the first.
    pub(crate) all: bool,
}

impl CancelArgs {
    /// Parses the fields of ASYNC_CANCEL.
    pub(crate) fn parse(sqe: &Sqe, sqe_flags: Flags) -> Result<Self> {
        if sqe_flags.buffer_select() || sqe.off() != 0 || sqe.file_index() != 0 {
            return Err(EINVAL);
        }
        let flags = sqe.op_flags();
        let has = |bit| flags & bit != 0;
        if flags & !cancel::VALID != 0
            || (has(cancel::ANY) && (has(cancel::FD) || has(cancel::OP)))
            || (has(cancel::OP) && sqe.len() >= u32::from(op::LAST))
        {
            return Err(EINVAL);
        }
        let keyed = has(cancel::FD) || has(cancel::OP);
        Ok(Self {
            user_data: (!has(cancel::ANY) && (!keyed || has(cancel::USERDATA))).then(|| sqe.addr()),
            fd: has(cancel::FD).then(|| sqe.fd()),
            fixed: has(cancel::FD_FIXED) || sqe_flags.fixed_file(),
            opcode: has(cancel::OP).then(|| sqe.len() as u8),
            all: has(cancel::ALL) || has(cancel::ANY),
        })
    }
}
