// SPDX-License-Identifier: GPL-2.0

//! NOP.

use super::super::{
    abi::nop,
    errno::{Errno, Result, EINVAL},
    sqe::{Flags, Sqe},
    structs::BigCqe,
};

/// NOP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NopArgs {
    /// The result to complete with.
    pub(crate) result: i32,
    /// A file, if it is to be looked at.
    pub(crate) fd: i32,
    /// `IORING_NOP_*`; NOP_FIXED_FILE also for IOSQE_FIXED_FILE.
    pub(crate) flags: u32,
}

impl NopArgs {
    /// With any of these it is to do more than nothing.
    const SPECIAL: u32 = nop::FILE | nop::FIXED_BUFFER | nop::TW;

    /// Whether it is to do more than nothing.
    pub(crate) const fn is_special(&self) -> bool {
        self.flags & Self::SPECIAL != 0
    }

    /// Whether it has a flag.
    pub(crate) const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// The result that is asked for. What would have the kernel restart a system call is `-EINTR`, as of any request.
    #[inline]
    pub(crate) const fn injected(sqe: &Sqe) -> i32 {
        let res = sqe.len() as i32;
        if res < 0 {
            Errno::from_raw(res).without_restart().to_raw()
        } else {
            res
        }
    }

    /// Parses `nop_flags`, `len` and `fd`.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for flags that it does not know.
    #[inline]
    pub(crate) fn parse(sqe: &Sqe, sqe_flags: Flags) -> Result<Self> {
        let flags = sqe.op_flags();
        if flags & !(nop::INJECT_RESULT | nop::FIXED_FILE | Self::SPECIAL) != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            result: match flags & (nop::INJECT_RESULT | nop::TW) {
                nop::INJECT_RESULT => Self::injected(sqe),
                // What comes back as task work ends as it is.
                flags if flags & nop::INJECT_RESULT != 0 => sqe.len() as i32,
                _ => 0,
            },
            fd: sqe.fd(),
            flags: if sqe_flags.fixed_file() {
                flags | nop::FIXED_FILE
            } else {
                flags
            },
        })
    }
}

/// NOP128, or a NOP with IORING_NOP_CQE32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LargeNopArgs {
    /// What any NOP has.
    pub(crate) nop: NopArgs,
    /// What its completion says besides, if that is to be a large one.
    pub(crate) extra: Option<BigCqe>,
}

impl LargeNopArgs {
    /// Parses what [`NopArgs::parse`] does, and `off` and `addr`.
    ///
    /// # Errors
    ///
    /// Those of [`NopArgs::parse`].
    pub(crate) fn parse(sqe: &Sqe, sqe_flags: Flags) -> Result<Self> {
        let large = sqe.op_flags() & nop::CQE32 != 0;
        Ok(Self {
            nop: NopArgs::parse(&sqe.without_op_flags(nop::CQE32), sqe_flags)?,
            extra: large.then_some(BigCqe {
                extra1: sqe.off(),
                extra2: sqe.addr(),
            }),
        })
    }
}
