// SPDX-License-Identifier: GPL-2.0

//! NOP.

use super::super::{
    abi::nop,
    errno::{Result, EINVAL},
    sqe::{Flags, Sqe},
};

/// NOP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NopArgs {
    /// The result to complete with.
    pub(crate) result: i32,
    /// A file.
    pub(crate) fd: i32,
    /// Whether that has to be open.
    pub(crate) file: bool,
    /// Whether it is a registered one.
    pub(crate) fixed: bool,
    /// Whether it completes through task work.
    pub(crate) task_work: bool,
}

impl NopArgs {
    /// Parses `nop_flags`, `len` and `fd`.
    #[inline]
    pub(crate) fn parse(sqe: &Sqe, sqe_flags: Flags) -> Result<Self> {
        let flags = sqe.op_flags();
        if flags & !(nop::INJECT_RESULT | nop::FILE | nop::FIXED_FILE | nop::TW) != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            result: if flags & nop::INJECT_RESULT != 0 {
                sqe.len() as i32
            } else {
                0
            },
            fd: sqe.fd(),
            file: flags & nop::FILE != 0,
            fixed: flags & nop::FIXED_FILE != 0 || sqe_flags.fixed_file(),
            task_work: flags & nop::TW != 0,
        })
    }
}
