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
    /// Whether a registered buffer has to be there.
    pub(crate) buffer: bool,
    /// Whether it completes through task work.
    pub(crate) task_work: bool,
    /// Whether it is any of that.
    pub(crate) special: bool,
}

impl NopArgs {
    /// Parses `nop_flags`, `len` and `fd`.
    #[inline]
    pub(crate) fn parse(sqe: &Sqe, sqe_flags: Flags) -> Result<Self> {
        let flags = sqe.op_flags();
        const SPECIAL: u32 = nop::FILE | nop::FIXED_BUFFER | nop::TW;
        if flags & !(nop::INJECT_RESULT | nop::FIXED_FILE | SPECIAL) != 0 {
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
            buffer: flags & nop::FIXED_BUFFER != 0,
            task_work: flags & nop::TW != 0,
            special: flags & SPECIAL != 0,
        })
    }
}
