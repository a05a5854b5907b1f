// SPDX-License-Identifier: GPL-2.0

//! SPLICE, TEE and SENDFILE.

use super::super::{
    errno::{Result, EINVAL},
    number::call,
    sqe::Sqe,
};

/// Which of the opcodes that move bytes between files it is.
pub(crate) struct SpliceKind;

impl SpliceKind {
    /// Between a pipe and a file, or two pipes.
    pub(crate) const SPLICE: u8 = 0;
    /// What is in a pipe into another one, and stays.
    pub(crate) const TEE: u8 = 1;
    /// From a file to a socket.
    pub(crate) const SENDFILE: u8 = 2;
}

/// What they have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpliceArgs {
    /// What is read: a descriptor, or the slot of a registered file.
    pub(crate) input: i32,
    /// Whether it is a slot.
    pub(crate) fixed: bool,
    /// Where to read, if not where the file is at.
    pub(crate) from: Option<i64>,
    /// Where to write, if not where the file is at.
    pub(crate) to: Option<i64>,
    /// How many bytes.
    pub(crate) len: usize,
    /// `SPLICE_F_*`
    pub(crate) flags: u32,
}

impl SpliceArgs {
    const FD_IN_FIXED: u32 = call::SPLICE_FD_IN_FIXED;
    /// SPLICE_F_MOVE, NONBLOCK, MORE and GIFT.
    const ALL: u32 = 0xf;

    /// Parses the fields of one of them (`SpliceKind`).
    ///
    /// # Errors
    ///
    /// `-EINVAL` for flags that it does not know.
    pub(crate) fn parse(sqe: &Sqe, kind: u8) -> Result<Self> {
        let place = |off: u64| (off != u64::MAX).then_some(off as i64);
        let (from, to) = match kind {
            SpliceKind::SPLICE => (place(sqe.addr()), place(sqe.off())),
            SpliceKind::TEE if sqe.addr() == 0 && sqe.off() == 0 => (None, None),
            SpliceKind::SENDFILE if sqe.off() == 0 && (sqe.addr() as i64) >= 0 => {
                (place(sqe.addr()), None)
            }
            _ => return Err(EINVAL),
        };
        let flags = sqe.op_flags();
        let known = if kind == SpliceKind::SENDFILE {
            Self::FD_IN_FIXED
        } else {
            Self::FD_IN_FIXED | Self::ALL
        };
        if flags & !known != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            input: sqe.file_index() as i32,
            fixed: flags & Self::FD_IN_FIXED != 0,
            from,
            to,
            len: sqe.len() as usize,
            flags: flags & !Self::FD_IN_FIXED,
        })
    }
}
