// SPDX-License-Identifier: GPL-2.0

//! Cancelling.

use super::super::{
    abi::{cancel, opcode},
    errno::{Result, EINVAL},
    sqe::{Flags, Sqe},
    structs::SyncCancelReg,
};

/// ASYNC_CANCEL and IORING_REGISTER_SYNC_CANCEL: which requests are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CancelArgs {
    /// `user_data` to match, if it counts.
    pub(crate) user_data: Option<u64>,
    /// File to match, if it counts. It has to be there also if any request matches.
    pub(crate) fd: Option<i32>,
    /// Whether `fd` is an index of the registered files.
    pub(crate) fixed: bool,
    /// Whether any request matches.
    pub(crate) any: bool,
    /// Opcode to match, if it counts.
    pub(crate) opcode: Option<u8>,
    /// All that match, rather than the first.
    pub(crate) all: bool,
}

impl CancelArgs {
    /// Parses the fields of ASYNC_CANCEL.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for flags that it does not know, and fields that it does not have.
    pub(crate) fn parse(sqe: &Sqe, sqe_flags: Flags) -> Result<Self> {
        if sqe_flags.buffer_select() || sqe.off() != 0 || sqe.file_index() != 0 {
            return Err(EINVAL);
        }
        let flags = sqe.op_flags();
        let has = |bit| flags & bit != 0;
        if flags & !cancel::VALID != 0
            || (has(cancel::ANY) && (has(cancel::FD) || has(cancel::OP)))
            || (has(cancel::OP) && sqe.len() >= u32::from(opcode::LAST))
        {
            return Err(EINVAL);
        }
        let mut args = Self::of(flags, sqe.addr(), sqe.fd(), sqe.len() as u8);
        args.fixed |= sqe_flags.fixed_file();
        Ok(args)
    }

    /// Parses what IORING_REGISTER_SYNC_CANCEL is called with, save for its timeout.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for an unknown flag, and for what is reserved.
    pub(crate) fn parse_sync(reg: &SyncCancelReg) -> Result<Self> {
        if reg.flags & !cancel::VALID != 0 || reg.pad != [0; 7] || reg.pad2 != [0; 3] {
            return Err(EINVAL);
        }
        Ok(Self::of(reg.flags, reg.addr, reg.fd, reg.opcode))
    }

    /// Makes the keys of `flags`. Without a file and an opcode it is `user_data`; with `IORING_ASYNC_CANCEL_ANY` there is
    /// none.
    fn of(flags: u32, user_data: u64, fd: i32, opcode: u8) -> Self {
        let has = |bit| flags & bit != 0;
        let any = has(cancel::ANY);
        let keyed = has(cancel::FD) || has(cancel::OP);
        Self {
            user_data: (!any && (!keyed || has(cancel::USERDATA))).then_some(user_data),
            fd: has(cancel::FD).then_some(fd),
            any,
            fixed: has(cancel::FD_FIXED),
            opcode: (!any && has(cancel::OP)).then_some(opcode),
            all: any || has(cancel::ALL),
        }
    }
}
