// SPDX-License-Identifier: GPL-2.0

//! Reading and writing.

use super::super::{
    errno::{Result, EINVAL},
    sqe::{Flags, Sqe},
};

/// How READ, READV and READ_MULTISHOT, or WRITE and WRITEV, differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RwKind {
    /// It has one buffer.
    Plain,
    /// It has a vector of buffers.
    Vector,
    /// A buffer from a group for each of many transfers.
    Multishot,
}

/// In `sqe->len` of READ_MULTISHOT, ruring's own (`RURING_READ_KEEP`).
const KEEP: u32 = 1 << 31;

/// The READ and WRITE family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RwArgs {
    /// The buffer, or the vector.
    pub(crate) addr: u64,
    /// `sqe->off`: where in the file.
    pub(crate) off: u64,
    /// Bytes at `addr`, or pieces of the vector; with buffer selection the most to transfer, 0 for
    /// no such limit.
    pub(crate) len: u32,
    /// `RWF_*`
    pub(crate) rw_flags: u32,
    /// The priority, 0 for the task's.
    pub(crate) ioprio: u16,
}

impl RwArgs {
    /// Parses the fields.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for attributes (`attr_type_mask`), and what a multishot read cannot have.
    #[inline]
    pub(crate) fn parse(sqe: &Sqe, flags: Flags, kind: RwKind) -> Result<Self> {
        let args = Self {
            addr: sqe.addr(),
            off: sqe.off(),
            len: sqe.len(),
            rw_flags: sqe.op_flags(),
            ioprio: sqe.ioprio(),
        };
        if sqe.attr_type_mask() != 0 {
            return Err(EINVAL);
        }
        match kind {
            RwKind::Vector if flags.buffer_select() && args.len != 1 => Err(EINVAL),
            RwKind::Multishot
                if !flags.buffer_select() || args.addr != 0 || args.len & !KEEP != 0 =>
            {
                Err(EINVAL)
            }
            _ => Ok(args),
        }
    }

    /// Whether a multishot one does not end for want of a buffer.
    pub(crate) fn keeps(&self) -> bool {
        self.len & KEEP != 0
    }
}
