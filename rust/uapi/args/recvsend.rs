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
    /// Multishot RECV: end after so many bytes in all, 0 for never.
    pub(crate) total: u32,
    /// `IORING_RECVSEND_*` of `sqe->ioprio`, and [`RecvArgs::BY_WORKER`].
    pub(crate) bits: u16,
}

impl RecvArgs {
    /// Beside what the SQE may have: io_uring has a worker try it first.
    const BY_WORKER: u16 = 1 << 14;

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
        const { assert!(FLAGS & Self::BY_WORKER == 0) };
        let args = Self {
            addr: sqe.addr(),
            len: sqe.len(),
            msg_flags: sqe.op_flags(),
            total: sqe.file_index(),
            bits: sqe.ioprio(),
        };
        if sqe.off() != 0 || args.len as i32 >> 31 != 0 {
            return Err(EINVAL);
        }
        if args.bits != 0 || args.total != 0 {
            args.check(flags, message, FLAGS)?;
        }
        Ok(args)
    }

    /// The rest of [`RecvArgs::parse`], for one that asks for more than to receive.
    fn check(&self, flags: Flags, message: bool, known: u16) -> Result {
        if self.bits & !known != 0 || (message && self.bundle()) {
            return Err(EINVAL);
        }
        if self.fixed() && (message || self.multishot() || self.bundle() || flags.buffer_select()) {
            return Err(EINVAL);
        }
        if self.multishot() {
            if !flags.buffer_select()
                || self.msg_flags & msg::WAITALL != 0
                || (message && self.total != 0)
            {
                return Err(EINVAL);
            }
        } else if self.total != 0 || self.keep() {
            return Err(EINVAL);
        }
        Ok(())
    }

    #[inline]
    const fn has(&self, bit: u16) -> bool {
        self.bits & bit != 0
    }

    /// Poll before the first attempt.
    #[inline]
    pub(crate) const fn poll_first(&self) -> bool {
        self.has(recvsend::POLL_FIRST)
    }

    /// Keep receiving.
    #[inline]
    pub(crate) const fn multishot(&self) -> bool {
        self.has(recvsend::MULTISHOT)
    }

    /// Multishot: wait for a buffer where there is none.
    #[inline]
    pub(crate) const fn keep(&self) -> bool {
        self.has(recvsend::RECV_KEEP)
    }

    /// RECV: take several buffers at once.
    #[inline]
    pub(crate) const fn bundle(&self) -> bool {
        self.has(recvsend::BUNDLE)
    }

    /// RECV: `addr` is in a registered buffer.
    #[inline]
    pub(crate) const fn fixed(&self) -> bool {
        self.has(recvsend::FIXED_BUF)
    }

    /// Whether io_uring has a worker try it first.
    pub(crate) const fn by_worker(&self) -> bool {
        self.has(Self::BY_WORKER)
    }

    /// Has a multishot one wait before its first attempt, and at all.
    pub(crate) fn set_by_io_wq(&mut self) {
        self.bits |= Self::BY_WORKER;
        if self.multishot() {
            self.bits |= recvsend::POLL_FIRST;
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
