// SPDX-License-Identifier: GPL-2.0

//! Having what was written kept, making room for more, and advice.

use super::super::{
    errno::{Result, EINVAL},
    number::call,
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
    const DATASYNC: u32 = call::FSYNC_DATASYNC;

    /// Parses the fields of FSYNC.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields and flags that it does not have, or bytes that there cannot be.
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
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have.
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

/// SYNC_FILE_RANGE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyncRangeArgs {
    /// The first byte.
    pub(crate) start: i64,
    /// How many.
    pub(crate) len: i64,
    /// `SYNC_FILE_RANGE_*`
    pub(crate) flags: u32,
}

impl SyncRangeArgs {
    /// Parses the fields of SYNC_FILE_RANGE.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        if sqe.addr() != 0 || sqe.buf_index() != 0 || sqe.file_index() != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            start: sqe.off() as i64,
            len: sqe.len().into(),
            flags: sqe.op_flags(),
        })
    }
}

/// FTRUNCATE: how long the file is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TruncateArgs(pub(crate) i64);

impl TruncateArgs {
    /// Parses the fields of FTRUNCATE.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        if sqe.op_flags() != 0
            || sqe.addr() != 0
            || sqe.len() != 0
            || sqe.buf_index() != 0
            || sqe.file_index() != 0
            || sqe.addr3() != 0
        {
            return Err(EINVAL);
        }
        Ok(Self(sqe.off() as i64))
    }
}

/// FADVISE and MADVISE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AdviceArgs {
    /// The first byte.
    pub(crate) start: u64,
    /// How many.
    pub(crate) len: u64,
    /// `POSIX_FADV_*` or `MADV_*`
    pub(crate) advice: i32,
}

impl AdviceArgs {
    /// Parses the fields of FADVISE.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have.
    pub(crate) fn parse_file(sqe: &Sqe) -> Result<Self> {
        Self::parse(sqe, sqe.off(), sqe.addr())
    }

    /// Parses the fields of MADVISE.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have.
    pub(crate) fn parse_memory(sqe: &Sqe) -> Result<Self> {
        Self::parse(sqe, sqe.addr(), sqe.off())
    }

    fn parse(sqe: &Sqe, start: u64, len: u64) -> Result<Self> {
        if sqe.buf_index() != 0 || sqe.file_index() != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            start,
            len: if len == 0 { sqe.len().into() } else { len },
            advice: sqe.op_flags() as i32,
        })
    }
}
