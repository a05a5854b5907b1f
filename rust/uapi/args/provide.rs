// SPDX-License-Identifier: GPL-2.0

//! Classic provided buffers.

use super::super::{
    errno::{Errno, Result, E2BIG, EFAULT, EINVAL, EOVERFLOW},
    sqe::Sqe,
};

/// Most buffers that one request adds or removes.
const MAX_BUFFERS: u32 = 1 << 16;

/// How many buffers `sqe->fd` says; `error` if that is none or too many.
fn buffer_count(sqe: &Sqe, error: Errno) -> Result<u32> {
    match u32::try_from(sqe.fd()) {
        Ok(count @ 1..=MAX_BUFFERS) => Ok(count),
        _ => Err(error),
    }
}

/// PROVIDE_BUFFERS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProvideArgs {
    /// Where the first buffer is.
    pub(crate) addr: u64,
    /// Bytes of each.
    pub(crate) len: u32,
    /// How many there are.
    pub(crate) count: u32,
    /// The id of the first.
    pub(crate) bid: u16,
    /// Their group.
    pub(crate) group: u16,
}

impl ProvideArgs {
    /// Parses the fields of PROVIDE_BUFFERS. `accessible` says whether so many bytes at an
    /// address are in user space.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have, `-E2BIG` for too many buffers or ids, `-EOVERFLOW` and `-EFAULT` for
    /// what is not user memory.
    pub(crate) fn parse(sqe: &Sqe, accessible: impl Fn(u64, usize) -> bool) -> Result<Self> {
        if sqe.op_flags() != 0 || sqe.file_index() != 0 {
            return Err(EINVAL);
        }
        let count = buffer_count(sqe, E2BIG)?;
        let (addr, len) = (sqe.addr(), sqe.len());
        if len == 0 {
            return Err(EINVAL);
        }
        let bytes = u64::from(len) * u64::from(count);
        addr.checked_add(bytes).ok_or(EOVERFLOW)?;
        if !accessible(addr, bytes as usize) {
            return Err(EFAULT);
        }
        let bid = u16::try_from(sqe.off()).map_err(|_| E2BIG)?;
        if u32::from(bid) + count > MAX_BUFFERS {
            return Err(EINVAL);
        }
        Ok(Self {
            addr,
            len,
            count,
            bid,
            group: sqe.buf_index(),
        })
    }
}

/// REMOVE_BUFFERS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RemoveArgs {
    /// How many at most.
    pub(crate) count: u32,
    /// Their group.
    pub(crate) group: u16,
}

impl RemoveArgs {
    /// Parses the fields of REMOVE_BUFFERS.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have, or too many buffers.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        if sqe.op_flags() != 0
            || sqe.addr() != 0
            || sqe.len() != 0
            || sqe.off() != 0
            || sqe.file_index() != 0
        {
            return Err(EINVAL);
        }
        Ok(Self {
            count: buffer_count(sqe, EINVAL)?,
            group: sqe.buf_index(),
        })
    }
}
