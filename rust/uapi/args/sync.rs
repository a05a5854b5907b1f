// SPDX-License-Identifier: GPL-2.0

//! Having what was written kept, and making room for more.

use super::super::{
    errno::{Result, EINVAL},
    sqe::Sqe,
};

/// FSYNC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FsyncArgs {
    /// The first byte.
    pub(crate) start: i64,
    /// The last one.
    pub(crate) end: i64,
    /// Whether no more of its metadata than is needed to read them back.
    pub(crate) data_only: bool,
}

impl FsyncArgs {
    const DATASYNC: u32 = 1 << 0;

    /// Parses the fields of FSYNC.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        let start = sqe.off() as i64;
        if sqe.addr() != 0
            || sqe.buf_index() != 0
            || sqe.file_index() != 0
            || sqe.op_flags() & !Self::DATASYNC != 0
            || start < 0
        {
            return Err(EINVAL);
        }
        let end = start.wrapping_add(sqe.len().into());
        Ok(Self {
            start,
            end: if end > 0 { end } else { i64::MAX },
            data_only: sqe.op_flags() & Self::DATASYNC != 0,
        })
    }
}

/// FALLOCATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FallocateArgs {
    /// `FALLOC_FL_*`
    pub(crate) mode: i32,
    /// The first byte.
    pub(crate) start: i64,
    /// How many.
    pub(crate) len: i64,
}

impl FallocateArgs {
    /// Parses the fields of FALLOCATE.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        if sqe.buf_index() != 0 || sqe.op_flags() != 0 || sqe.file_index() != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            mode: sqe.len() as i32,
            start: sqe.off() as i64,
            len: sqe.addr() as i64,
        })
    }
}
