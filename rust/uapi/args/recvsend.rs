// SPDX-License-Identifier: GPL-2.0

//! Sending and receiving.

use super::super::{
    abi::{msg, recvsend},
    errno::{Result, EINVAL},
    sqe::{Flags, Sqe},
};

/// RECV and RECVMSG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecvArgs {
    /// RECV: the buffer. RECVMSG: the `struct msghdr`.
    pub(crate) addr: u64,
    /// Bytes at `addr`; with buffer selection the most to take per receive, 0 for no such limit.
    pub(crate) len: u32,
    /// `MSG_*`
    pub(crate) msg_flags: u32,
    /// Poll before the first attempt.
    pub(crate) poll_first: bool,
    /// Keep receiving.
    pub(crate) multishot: bool,
    /// Multishot: wait for a buffer where there is none.
    pub(crate) keep: bool,
    /// RECV: take several buffers at once.
    pub(crate) bundle: bool,
    /// RECV: `addr` is in a registered buffer.
    pub(crate) fixed: bool,
    /// Multishot RECV: end after so many bytes in all, 0 for never.
    pub(crate) total: u32,
    /// Whether io_uring has a worker try it first.
    pub(crate) by_worker: bool,
}

impl RecvArgs {
    /// Parses the fields of RECV, or of RECVMSG (`message`).
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields and flags that it does not have, or that do not go together.
    #[inline]
    pub(crate) fn parse(sqe: &Sqe, flags: Flags, message: bool) -> Result<Self> {
        const FLAGS: u16 = recvsend::POLL_FIRST
            | recvsend::MULTISHOT
            | recvsend::FIXED_BUF
            | recvsend::BUNDLE
            | recvsend::RECV_KEEP;
        let ioprio = sqe.ioprio();
        let args = Self {
            addr: sqe.addr(),
            len: sqe.len(),
            msg_flags: sqe.op_flags(),
            poll_first: ioprio & recvsend::POLL_FIRST != 0,
            multishot: ioprio & recvsend::MULTISHOT != 0,
            keep: ioprio & recvsend::RECV_KEEP != 0,
            bundle: ioprio & recvsend::BUNDLE != 0,
            fixed: ioprio & recvsend::FIXED_BUF != 0,
            total: sqe.file_index(),
            by_worker: false,
        };
        if sqe.off() != 0
            || args.len as i32 >> 31 != 0
            || ioprio & !FLAGS != 0
            || (message && args.bundle)
        {
            return Err(EINVAL);
        }
        if args.fixed && (message || args.multishot || args.bundle || flags.buffer_select()) {
            return Err(EINVAL);
        }
        if args.multishot {
            if !flags.buffer_select()
                || args.msg_flags & msg::WAITALL != 0
                || (message && args.total != 0)
            {
                return Err(EINVAL);
            }
        } else if args.total != 0 || args.keep {
            return Err(EINVAL);
        }
        Ok(args)
    }

    /// Has a multishot one wait before its first attempt, and at all.
    pub(crate) fn set_by_io_wq(&mut self) {
        self.by_worker = true;
        if self.multishot {
            self.poll_first = true;
            self.msg_flags &= !msg::DONTWAIT;
        }
    }
}

/// A message has its address in its header; the SQE has none besides.
#[inline]
fn check_dest(sqe: &Sqe, message: bool) -> Result {
    let wrong = if message {
        sqe.off() != 0 || sqe.file_index() != 0
    } else {
        sqe.addr_len_pad() != 0
    };
    if wrong {
        return Err(EINVAL);
    }
    Ok(())
}

/// SEND and SENDMSG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SendArgs {
    /// SEND: the buffer, or the vector. SENDMSG: the `struct msghdr`.
    pub(crate) addr: u64,
    /// Bytes at `addr`, or pieces of the vector; with buffer selection the most to send, 0 for no
    /// such limit.
    pub(crate) len: u32,
    /// `MSG_*`
    pub(crate) msg_flags: u32,
    /// Poll before the first attempt.
    pub(crate) poll_first: bool,
    /// SEND: take several buffers at once.
    pub(crate) bundle: bool,
    /// SEND: `addr` is a vector.
    pub(crate) vectorized: bool,
    /// SEND: `addr` is in a registered buffer.
    pub(crate) fixed: bool,
    /// SEND: address to send to, 0 for none.
    pub(crate) dest: u64,
    /// Bytes at `dest`.
    pub(crate) dest_len: u16,
}

impl SendArgs {
    /// Parses the fields of SEND, or of SENDMSG (`message`).
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields and flags that it does not have, or that do not go together.
    #[inline]
    pub(crate) fn parse(sqe: &Sqe, flags: Flags, message: bool) -> Result<Self> {
        const FLAGS: u16 = recvsend::POLL_FIRST
            | recvsend::FIXED_BUF
            | recvsend::BUNDLE
            | recvsend::SEND_VECTORIZED;
        let mut args = Self {
            addr: sqe.addr(),
            len: sqe.len(),
            msg_flags: sqe.op_flags() | msg::NOSIGNAL,
            poll_first: sqe.ioprio() & recvsend::POLL_FIRST != 0,
            bundle: sqe.ioprio() & recvsend::BUNDLE != 0,
            vectorized: sqe.ioprio() & recvsend::SEND_VECTORIZED != 0,
            fixed: sqe.ioprio() & recvsend::FIXED_BUF != 0,
            dest: sqe.off(),
            dest_len: sqe.addr_len(),
        };
        if args.len as i32 >> 31 != 0 || sqe.ioprio() & !FLAGS != 0 || (message && args.bundle) {
            return Err(EINVAL);
        }
        if args.fixed && (message || args.vectorized || args.bundle || flags.buffer_select()) {
            return Err(EINVAL);
        }
        if args.bundle {
            args.msg_flags |= msg::WAITALL;
        }
        check_dest(sqe, message)?;
        Ok(args)
    }
}

/// SEND_ZC and SENDMSG_ZC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SendZcArgs {
    /// SEND_ZC: the buffer, or the vector. SENDMSG_ZC: the `struct msghdr`.
    pub(crate) addr: u64,
    /// Bytes at `addr`, or pieces of the vector.
    pub(crate) len: u32,
    /// `MSG_*`
    pub(crate) msg_flags: u32,
    /// Poll before the first attempt.
    pub(crate) poll_first: bool,
    /// SEND_ZC: `addr` is a vector.
    pub(crate) vectorized: bool,
    /// The memory is that of a registered buffer.
    pub(crate) fixed: bool,
    /// One completion rather than two.
    pub(crate) combined: bool,
    /// The notification says whether pages were copied.
    pub(crate) report: bool,
    /// `user_data` of the notification.
    pub(crate) notif_data: u64,
    /// SEND_ZC: address to send to, 0 for none.
    pub(crate) dest: u64,
    /// Bytes at `dest`.
    pub(crate) dest_len: u16,
}

impl SendZcArgs {
    /// Parses the fields of SEND_ZC, or of SENDMSG_ZC (`message`).
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields and flags that it does not have, or that do not go together.
    #[inline]
    pub(crate) fn parse(sqe: &Sqe, flags: Flags, message: bool) -> Result<Self> {
        const FLAGS: u16 = recvsend::POLL_FIRST
            | recvsend::FIXED_BUF
            | recvsend::SEND_ZC_REPORT_USAGE
            | recvsend::SEND_ZC_COMBINE_CQE
            | recvsend::SEND_VECTORIZED;
        let has = |bit| sqe.ioprio() & bit != 0;
        let args = Self {
            addr: sqe.addr(),
            len: sqe.len(),
            msg_flags: sqe.op_flags() | msg::NOSIGNAL,
            poll_first: has(recvsend::POLL_FIRST),
            vectorized: has(recvsend::SEND_VECTORIZED),
            fixed: has(recvsend::FIXED_BUF),
            combined: has(recvsend::SEND_ZC_COMBINE_CQE),
            report: has(recvsend::SEND_ZC_REPORT_USAGE),
            notif_data: match sqe.addr3() {
                0 => sqe.user_data(),
                data => data,
            },
            dest: sqe.off(),
            dest_len: sqe.addr_len(),
        };
        if sqe.addr3_pad() != 0 || has(!FLAGS) {
            return Err(EINVAL);
        }
        if args.combined {
            // There is no second completion, to report in or to have a name of its own.
            if args.report || sqe.addr3() != 0 {
                return Err(EINVAL);
            }
        } else if flags.cqe_skip() {
            return Err(EINVAL);
        }
        check_dest(sqe, message)?;
        Ok(args)
    }
}
