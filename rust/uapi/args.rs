// SPDX-License-Identifier: GPL-2.0

//! What each opcode reads from its SQE, checked as `io_uring_enter(2)` says.
//!
//! A field that an opcode does not use must be zero where the kernel insists on it.

use super::abi::{
    accept, cancel, cmd, events, install, msg, nop, op, poll, recvsend, socket_op, timeout,
};
use super::errno::{Errno, Result, E2BIG, EBADF, EFAULT, EINVAL, EOVERFLOW};
use super::sqe::{Flags, Sqe};

/// Where a new file goes (`sqe->file_index`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It gets a descriptor.
    Descriptor,
    /// This slot of the registered files.
    Slot(u32),
    /// A free slot of the registered files.
    AnySlot,
}

impl Place {
    /// Parses `file_index`.
    #[inline]
    pub(crate) const fn parse(sqe: &Sqe) -> Self {
        match sqe.file_index() {
            0 => Self::Descriptor,
            u32::MAX => Self::AnySlot,
            index => Self::Slot(index - 1),
        }
    }
}

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
    /// RECV: take several buffers at once.
    pub(crate) bundle: bool,
    /// RECV: `addr` is in a registered buffer.
    pub(crate) fixed: bool,
    /// Multishot RECV: end after so many bytes in all, 0 for never.
    pub(crate) total: u32,
}

impl RecvArgs {
    /// Parses the fields of RECV, or of RECVMSG (`message`).
    #[inline]
    pub(crate) fn parse(sqe: &Sqe, flags: Flags, message: bool) -> Result<Self> {
        const FLAGS: u16 =
            recvsend::POLL_FIRST | recvsend::MULTISHOT | recvsend::FIXED_BUF | recvsend::BUNDLE;
        let ioprio = sqe.ioprio();
        let args = Self {
            addr: sqe.addr(),
            len: sqe.len(),
            msg_flags: sqe.op_flags(),
            poll_first: ioprio & recvsend::POLL_FIRST != 0,
            multishot: ioprio & recvsend::MULTISHOT != 0,
            bundle: ioprio & recvsend::BUNDLE != 0,
            fixed: ioprio & recvsend::FIXED_BUF != 0,
            total: sqe.file_index(),
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
        } else if args.total != 0 {
            return Err(EINVAL);
        }
        Ok(args)
    }
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
        if message {
            if sqe.off() != 0 || sqe.file_index() != 0 {
                return Err(EINVAL);
            }
        } else if sqe.addr_len_pad() != 0 {
            return Err(EINVAL);
        }
        Ok(args)
    }
}

/// How READ, READV and READ_MULTISHOT, or WRITE and WRITEV, differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RwKind {
    /// One buffer.
    Plain,
    /// A vector.
    Vector,
    /// A buffer from a group for each of many transfers.
    Multishot,
}

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
    /// Parses the fields. Attributes (`attr_type_mask`) are `-EINVAL`.
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
            RwKind::Multishot if !flags.buffer_select() || args.addr != 0 || args.len != 0 => {
                Err(EINVAL)
            }
            _ => Ok(args),
        }
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
        if message {
            if sqe.off() != 0 || sqe.file_index() != 0 {
                return Err(EINVAL);
            }
        } else if sqe.addr_len_pad() != 0 {
            return Err(EINVAL);
        }
        Ok(args)
    }
}

/// ACCEPT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AcceptArgs {
    /// Where the peer's address goes, 0 for nowhere.
    pub(crate) addr: u64,
    /// Where its length is, in and out.
    pub(crate) addr_len: u64,
    /// `SOCK_CLOEXEC` and `SOCK_NONBLOCK` for the new socket.
    pub(crate) sock_flags: u32,
    /// Where the new socket goes.
    pub(crate) place: Place,
    /// Keep accepting.
    pub(crate) multishot: bool,
    /// Complete with `-EAGAIN` rather than wait.
    pub(crate) dont_wait: bool,
    /// Poll before the first attempt.
    pub(crate) poll_first: bool,
}

impl AcceptArgs {
    const CLOEXEC: u32 = 0o2000000;
    const NONBLOCK: u32 = 0o4000;

    /// Parses the fields of ACCEPT.
    #[inline]
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        let ioprio = sqe.ioprio();
        let place = Place::parse(sqe);
        let direct = place != Place::Descriptor;
        let multishot = ioprio & accept::MULTISHOT != 0;
        if sqe.len() != 0
            || sqe.buf_index() != 0
            || (direct && sqe.op_flags() & Self::CLOEXEC != 0)
            || (direct && multishot && place != Place::AnySlot)
            || ioprio & !(accept::MULTISHOT | accept::DONTWAIT | accept::POLL_FIRST) != 0
            || sqe.op_flags() & !(Self::CLOEXEC | Self::NONBLOCK) != 0
        {
            return Err(EINVAL);
        }
        Ok(Self {
            addr: sqe.addr(),
            addr_len: sqe.off(),
            sock_flags: sqe.op_flags(),
            place,
            multishot,
            dont_wait: ioprio & accept::DONTWAIT != 0,
            poll_first: ioprio & accept::POLL_FIRST != 0,
        })
    }
}

/// The events of a poll request, with its behaviour bits (`EPOLLET`, `EPOLLONESHOT`,
/// `EPOLLEXCLUSIVE`).
fn poll_events(sqe: &Sqe, flags: u32) -> u32 {
    let mut wanted = sqe.op_flags();
    if flags & poll::ADD_MULTI == 0 {
        wanted |= events::ONESHOT;
    }
    if flags & poll::ADD_LEVEL == 0 {
        wanted |= events::ET;
    }
    wanted & (0xffff | events::EXCLUSIVE | events::ONESHOT | events::ET)
}

/// POLL_ADD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PollArgs {
    /// What to wait for, with the behaviour bits.
    pub(crate) events: u32,
}

impl PollArgs {
    /// Parses the fields of POLL_ADD.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        if sqe.buf_index() != 0 || sqe.off() != 0 || sqe.addr() != 0 {
            return Err(EINVAL);
        }
        let bits = sqe.len();
        if bits & !poll::ADD_MULTI != 0 || (bits & poll::ADD_MULTI != 0 && flags.cqe_skip()) {
            return Err(EINVAL);
        }
        Ok(Self {
            events: poll_events(sqe, bits),
        })
    }

    /// Whether it reports until it is removed.
    pub(crate) fn multishot(&self) -> bool {
        self.events & events::ONESHOT == 0
    }
}

/// POLL_REMOVE, which is also the update of a poll request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PollRemoveArgs {
    /// `user_data` of the poll request meant.
    pub(crate) target: u64,
    /// Its new events, if they change.
    pub(crate) events: Option<u32>,
    /// Its new `user_data`, if that changes.
    pub(crate) user_data: Option<u64>,
}

impl PollRemoveArgs {
    /// Parses the fields of POLL_REMOVE.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        if sqe.buf_index() != 0 || sqe.file_index() != 0 {
            return Err(EINVAL);
        }
        let flags = sqe.len();
        if flags & !(poll::UPDATE_EVENTS | poll::UPDATE_USER_DATA | poll::ADD_MULTI) != 0
            || flags == poll::ADD_MULTI
        {
            return Err(EINVAL);
        }
        let user_data = (flags & poll::UPDATE_USER_DATA != 0).then(|| sqe.off());
        if user_data.is_none() && sqe.off() != 0 {
            return Err(EINVAL);
        }
        let events = (flags & poll::UPDATE_EVENTS != 0).then(|| poll_events(sqe, flags));
        if events.is_none() && sqe.op_flags() != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            target: sqe.addr(),
            events,
            user_data,
        })
    }
}

/// ASYNC_CANCEL: which requests are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CancelArgs {
    /// `user_data` to match, if it counts.
    pub(crate) user_data: Option<u64>,
    /// File to match, if it counts.
    pub(crate) fd: Option<i32>,
    /// Whether that is a registered one.
    pub(crate) fixed: bool,
    /// Opcode to match, if it counts.
    pub(crate) opcode: Option<u8>,
    /// All that match, rather than the first.
    pub(crate) all: bool,
}

impl CancelArgs {
    /// Parses the fields of ASYNC_CANCEL.
    pub(crate) fn parse(sqe: &Sqe, sqe_flags: Flags) -> Result<Self> {
        if sqe_flags.buffer_select() || sqe.off() != 0 || sqe.file_index() != 0 {
            return Err(EINVAL);
        }
        let flags = sqe.op_flags();
        let has = |bit| flags & bit != 0;
        if flags & !cancel::VALID != 0
            || (has(cancel::ANY) && (has(cancel::FD) || has(cancel::OP)))
            || (has(cancel::OP) && sqe.len() >= u32::from(op::LAST))
        {
            return Err(EINVAL);
        }
        let keyed = has(cancel::FD) || has(cancel::OP);
        Ok(Self {
            user_data: (!has(cancel::ANY) && (!keyed || has(cancel::USERDATA))).then(|| sqe.addr()),
            fd: has(cancel::FD).then(|| sqe.fd()),
            fixed: has(cancel::FD_FIXED) || sqe_flags.fixed_file(),
            opcode: has(cancel::OP).then(|| sqe.len() as u8),
            all: has(cancel::ALL) || has(cancel::ANY),
        })
    }
}

/// CLOSE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseArgs {
    /// A descriptor.
    Descriptor(i32),
    /// The slot of a registered file.
    Slot(u32),
}

impl CloseArgs {
    /// Parses the fields of CLOSE.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        if sqe.off() != 0
            || sqe.addr() != 0
            || sqe.len() != 0
            || sqe.op_flags() != 0
            || sqe.buf_index() != 0
        {
            return Err(EINVAL);
        }
        if flags.fixed_file() {
            return Err(EBADF);
        }
        match sqe.file_index().checked_sub(1) {
            None => Ok(Self::Descriptor(sqe.fd())),
            Some(slot) if sqe.fd() == 0 => Ok(Self::Slot(slot)),
            Some(_) => Err(EINVAL),
        }
    }
}

/// A clock that can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// `CLOCK_MONOTONIC`
    Monotonic,
    /// `CLOCK_BOOTTIME`
    Boottime,
    /// `CLOCK_REALTIME`
    Realtime,
}

impl Clock {
    /// Parses the flags of a timeout; more than one clock is wrong.
    fn parse(flags: u32) -> Result<Self> {
        match (
            flags & timeout::BOOTTIME != 0,
            flags & timeout::REALTIME != 0,
        ) {
            (false, false) => Ok(Self::Monotonic),
            (true, false) => Ok(Self::Boottime),
            (false, true) => Ok(Self::Realtime),
            (true, true) => Err(EINVAL),
        }
    }
}

/// Where an SQE has a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// In a `struct __kernel_timespec` at this address.
    At(u64),
    /// Here, in nanoseconds.
    Here(u64),
}

impl Time {
    fn parse(flags: u32, arg: u64) -> Self {
        if flags & timeout::IMMEDIATE_ARG != 0 {
            Self::Here(arg)
        } else {
            Self::At(arg)
        }
    }

    /// Nanoseconds; `read` reads seconds and nanoseconds from an address. A negative time is
    /// `-EINVAL`.
    pub(crate) fn get(self, read: impl FnOnce(u64) -> Result<[u64; 2]>) -> Result<i64> {
        let time = match self {
            Self::Here(time) => time as i64,
            Self::At(addr) => {
                let [seconds, nanoseconds] = read(addr)?.map(|word| word as i64);
                if seconds < 0 || nanoseconds < 0 {
                    return Err(EINVAL);
                }
                seconds
                    .saturating_mul(1_000_000_000)
                    .saturating_add(nanoseconds)
            }
        };
        if time < 0 {
            return Err(EINVAL);
        }
        Ok(time)
    }
}

/// TIMEOUT and LINK_TIMEOUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeoutArgs {
    /// When it is over.
    pub(crate) time: Time,
    /// Whether that is a time of the clock, rather than counted from now.
    pub(crate) absolute: bool,
    /// Which clock.
    pub(crate) clock: Clock,
    /// Completions after which it is over too, 0 for none; or how often it expires, 0 for ever.
    pub(crate) count: u32,
    /// Whether it expires more than once.
    pub(crate) multishot: bool,
    /// Whether it is a success when the time is over.
    pub(crate) etime_success: bool,
}

impl TimeoutArgs {
    /// Parses the fields of TIMEOUT, or of LINK_TIMEOUT (`link`).
    pub(crate) fn parse(sqe: &Sqe, link: bool) -> Result<Self> {
        const FLAGS: u32 = timeout::ABS
            | timeout::BOOTTIME
            | timeout::REALTIME
            | timeout::ETIME_SUCCESS
            | timeout::MULTISHOT
            | timeout::IMMEDIATE_ARG;
        let flags = sqe.op_flags();
        let args = Self {
            time: Time::parse(flags, sqe.addr()),
            absolute: flags & timeout::ABS != 0,
            clock: Clock::parse(flags)?,
            count: sqe.off() as u32,
            multishot: flags & timeout::MULTISHOT != 0,
            etime_success: flags & timeout::ETIME_SUCCESS != 0,
        };
        if sqe.addr3() != 0
            || sqe.attr_type_mask() != 0
            || sqe.buf_index() != 0
            || sqe.len() != 1
            || sqe.file_index() != 0
            || (link && args.count != 0)
            || flags & !FLAGS != 0
            || (args.multishot && args.absolute)
        {
            return Err(EINVAL);
        }
        Ok(args)
    }
}

/// TIMEOUT_REMOVE, which is also the update of a timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeoutRemoveArgs {
    /// `user_data` of the timeout meant.
    pub(crate) target: u64,
    /// Its new time, if it is not removed.
    pub(crate) update: Option<TimeUpdate>,
}

/// The new time of a timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeUpdate {
    /// When it is over.
    pub(crate) time: Time,
    /// Whether that is a time of the timeout's clock, rather than counted from now.
    pub(crate) absolute: bool,
    /// What it is for.
    pub(crate) kind: UpdateKind,
}

/// What a new time is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UpdateKind {
    /// A TIMEOUT
    Plain,
    /// A LINK_TIMEOUT
    Link,
    /// Nothing: the timeout is removed, as the flag for an update is missing.
    Nothing,
}

impl TimeoutRemoveArgs {
    /// Parses the fields of TIMEOUT_REMOVE.
    pub(crate) fn parse(sqe: &Sqe, sqe_flags: Flags) -> Result<Self> {
        const UPDATES: u32 = timeout::UPDATE | timeout::LINK_UPDATE;
        let flags = sqe.op_flags();
        if sqe_flags.fixed_file()
            || sqe.addr3() != 0
            || sqe.attr_type_mask() != 0
            || sqe.buf_index() != 0
            || sqe.len() != 0
            || sqe.file_index() != 0
        {
            return Err(EINVAL);
        }
        let mut update = None;
        if flags & UPDATES != 0 {
            if flags & !(UPDATES | timeout::ABS | timeout::IMMEDIATE_ARG) != 0 {
                return Err(EINVAL);
            }
            update = Some(TimeUpdate {
                time: Time::parse(flags, sqe.off()),
                absolute: flags & timeout::ABS != 0,
                kind: match (
                    flags & timeout::UPDATE != 0,
                    flags & timeout::LINK_UPDATE != 0,
                ) {
                    (false, _) => UpdateKind::Nothing,
                    (true, false) => UpdateKind::Plain,
                    (true, true) => UpdateKind::Link,
                },
            });
        } else if flags != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            target: sqe.addr(),
            update,
        })
    }
}

/// FILES_UPDATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FilesUpdateArgs {
    /// The first slot, or none to take free ones.
    pub(crate) first: Option<u32>,
    /// How many.
    pub(crate) count: u32,
    /// Where the descriptors are.
    pub(crate) fds: u64,
}

impl FilesUpdateArgs {
    /// Parses the fields of FILES_UPDATE.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        if flags.fixed_file() || sqe.op_flags() != 0 || sqe.file_index() != 0 || sqe.len() == 0 {
            return Err(EINVAL);
        }
        let first = sqe.off() as u32;
        Ok(Self {
            first: (first != u32::MAX).then_some(first),
            count: sqe.len(),
            fds: sqe.addr(),
        })
    }
}

/// FIXED_FD_INSTALL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InstallArgs {
    /// Whether the descriptor is close-on-exec.
    pub(crate) cloexec: bool,
}

impl InstallArgs {
    /// Parses the fields of FIXED_FD_INSTALL.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        if sqe.off() != 0
            || sqe.addr() != 0
            || sqe.len() != 0
            || sqe.buf_index() != 0
            || sqe.file_index() != 0
            || sqe.addr3() != 0
        {
            return Err(EINVAL);
        }
        if !flags.fixed_file() {
            return Err(EBADF);
        }
        if sqe.op_flags() & !install::NO_CLOEXEC != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            cloexec: sqe.op_flags() & install::NO_CLOEXEC == 0,
        })
    }
}

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

/// CONNECT and BIND.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressArgs {
    /// The address.
    pub(crate) addr: u64,
    /// Its size in bytes.
    pub(crate) len: i32,
}

impl AddressArgs {
    /// Parses the fields of CONNECT and BIND.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        if sqe.len() != 0 || sqe.buf_index() != 0 || sqe.op_flags() != 0 || sqe.file_index() != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            addr: sqe.addr(),
            len: sqe.off() as i32,
        })
    }
}

/// SOCKET, as socket(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketArgs {
    /// Address family.
    pub(crate) domain: i32,
    /// `SOCK_STREAM` and so on.
    pub(crate) kind: i32,
    /// `SOCK_CLOEXEC` and `SOCK_NONBLOCK`
    pub(crate) flags: u32,
    /// Protocol, 0 for the usual one.
    pub(crate) protocol: i32,
    /// Where the new socket goes.
    pub(crate) place: Place,
}

impl SocketArgs {
    const KIND: u32 = 0xf;
    const CLOEXEC: u32 = 0o2000000;
    const NONBLOCK: u32 = 0o4000;

    /// Parses the fields of SOCKET.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        let place = Place::parse(sqe);
        let kind = sqe.off() as u32;
        let flags = kind & !Self::KIND;
        if sqe.addr() != 0
            || sqe.op_flags() != 0
            || sqe.buf_index() != 0
            || (place != Place::Descriptor && flags & Self::CLOEXEC != 0)
            || flags & !(Self::CLOEXEC | Self::NONBLOCK) != 0
        {
            return Err(EINVAL);
        }
        Ok(Self {
            domain: sqe.fd(),
            kind: (kind & Self::KIND) as i32,
            flags,
            protocol: sqe.len() as i32,
            place,
        })
    }
}

/// LISTEN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListenArgs {
    /// How many connections may wait.
    pub(crate) backlog: i32,
}

impl ListenArgs {
    /// Parses the fields of LISTEN.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        if sqe.addr() != 0
            || sqe.buf_index() != 0
            || sqe.op_flags() != 0
            || sqe.file_index() != 0
            || sqe.off() != 0
        {
            return Err(EINVAL);
        }
        Ok(Self {
            backlog: sqe.len() as i32,
        })
    }
}

/// SHUTDOWN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShutdownArgs {
    /// `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR`
    pub(crate) how: u32,
}

impl ShutdownArgs {
    /// Parses the fields of SHUTDOWN.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        if sqe.off() != 0
            || sqe.addr() != 0
            || sqe.op_flags() != 0
            || sqe.buf_index() != 0
            || sqe.file_index() != 0
        {
            return Err(EINVAL);
        }
        Ok(Self { how: sqe.len() })
    }
}

/// An option of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketOption {
    /// Whose option it is: `SOL_*`.
    pub(crate) level: i32,
    /// Which one.
    pub(crate) name: i32,
    /// User address of its value.
    pub(crate) value: u64,
    /// Bytes there.
    pub(crate) len: i32,
}

/// A command for a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketCmd {
    /// How much waits to be received.
    InQueue,
    /// How much waits to be sent.
    OutQueue,
    /// getsockopt(2)
    GetOption(SocketOption),
    /// setsockopt(2)
    SetOption(SocketOption),
    /// getsockname(2), or getpeername(2)
    GetName {
        /// User addresses of the name and of its length.
        args: Result<(u64, u64)>,
        /// Whether it is the peer's.
        peer: bool,
    },
}

/// URING_CMD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CmdArgs {
    /// What a socket is to do, if it knows the command.
    pub(crate) cmd: Option<SocketCmd>,
}

impl CmdArgs {
    /// Parses the fields of URING_CMD.
    ///
    /// What is wrong with a command itself is left for a socket to say: other files have none.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let bits = sqe.op_flags();
        let multishot = bits & cmd::MULTISHOT != 0;
        if sqe.off() >> 32 != 0
            || bits & !(cmd::FIXED | cmd::MULTISHOT) != 0
            || (bits & cmd::FIXED != 0 && multishot)
            || multishot != flags.buffer_select()
        {
            return Err(EINVAL);
        }
        let option = SocketOption {
            level: sqe.addr() as i32,
            name: (sqe.addr() >> 32) as i32,
            value: sqe.addr3(),
            len: sqe.file_index() as i32,
        };
        let cmd = match sqe.off() as u32 {
            socket_op::SIOCINQ => Some(SocketCmd::InQueue),
            socket_op::SIOCOUTQ => Some(SocketCmd::OutQueue),
            socket_op::GETSOCKOPT if option.level == socket_op::SOL_SOCKET => {
                Some(SocketCmd::GetOption(option))
            }
            socket_op::SETSOCKOPT => Some(SocketCmd::SetOption(option)),
            socket_op::GETSOCKNAME => Some(SocketCmd::GetName {
                args: if sqe.len() != 0 || bits != 0 || sqe.file_index() > 1 {
                    Err(EINVAL)
                } else {
                    Ok((sqe.addr(), sqe.addr3()))
                },
                peer: sqe.file_index() != 0,
            }),
            _ => None,
        };
        Ok(Self { cmd })
    }
}
