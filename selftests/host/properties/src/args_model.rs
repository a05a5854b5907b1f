// SPDX-License-Identifier: GPL-2.0

//! What each opcode reads from its entry: as the module parses it, and by the rules of the
//! `io_*_prep()` functions.

use crate::{
    args::{
        cancel::CancelArgs,
        files::{CloseArgs, FileSlot, FilesUpdateArgs, InstallArgs},
        msg_ring::RingMessage,
        nop::NopArgs,
        poll::{PollArgs, PollRemoveArgs},
        provide::{ProvideArgs, RemoveArgs},
        recvsend::{RecvArgs, SendArgs, SendZcArgs},
        rw::{RwArgs, RwKind},
        socket::{AcceptArgs, AddressArgs, ListenArgs, ShutdownArgs, SocketArgs},
        timeout::{Clock, Time, TimeUpdate, TimeoutArgs, TimeoutRemoveArgs, UpdateKind},
    },
    errno::{Errno, Result, E2BIG, EBADF, EFAULT, EINVAL, EOPNOTSUPP, EOVERFLOW, EPERM},
    fields::Fields,
    sqe::Flags,
    structs::Cqe,
};

/// An opcode: what the module says, and what the model says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Nop,
    Recv,
    Recvmsg,
    Send,
    Sendmsg,
    SendZc,
    SendmsgZc,
    Read,
    Readv,
    ReadMultishot,
    Accept,
    PollAdd,
    PollRemove,
    Cancel,
    Close,
    Provide,
    Remove,
    Address,
    Socket,
    Listen,
    Shutdown,
    FilesUpdate,
    Install,
    Message,
    Timeout,
    LinkTimeout,
    TimeoutRemove,
}

pub(crate) const OPS: [Op; 27] = [
    Op::Nop,
    Op::Recv,
    Op::Recvmsg,
    Op::Send,
    Op::Sendmsg,
    Op::SendZc,
    Op::SendmsgZc,
    Op::Read,
    Op::Readv,
    Op::ReadMultishot,
    Op::Accept,
    Op::PollAdd,
    Op::PollRemove,
    Op::Cancel,
    Op::Close,
    Op::Provide,
    Op::Remove,
    Op::Address,
    Op::Socket,
    Op::Listen,
    Op::Shutdown,
    Op::FilesUpdate,
    Op::Install,
    Op::Message,
    Op::Timeout,
    Op::LinkTimeout,
    Op::TimeoutRemove,
];

/// What is read, of whatever opcode.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Args {
    Nop(NopArgs),
    Recv(RecvArgs),
    Send(SendArgs),
    SendZc(SendZcArgs),
    Rw(RwArgs),
    Accept(AcceptArgs),
    PollAdd(PollArgs),
    PollRemove(PollRemoveArgs),
    Cancel(CancelArgs),
    Close(CloseArgs),
    Provide(ProvideArgs),
    Remove(RemoveArgs),
    Address(AddressArgs),
    Socket(SocketArgs),
    Listen(ListenArgs),
    Shutdown(ShutdownArgs),
    FilesUpdate(FilesUpdateArgs),
    Install(InstallArgs),
    Message(RingMessage),
    Timeout(TimeoutArgs),
    TimeoutRemove(TimeoutRemoveArgs),
}

/// `IOSQE_*` that change what a field may be.
pub(crate) const FIXED_FILE: u8 = 0x01;
pub(crate) const BUFFER_SELECT: u8 = 0x20;
pub(crate) const CQE_SKIP: u8 = 0x40;

/// Where user space ends.
pub(crate) const TASK_SIZE: u64 = 0x7fff_ffff_f000;

fn accessible(addr: u64, len: usize) -> bool {
    addr <= TASK_SIZE && len as u64 <= TASK_SIZE - addr
}

/// What the module makes of an entry.
pub(crate) fn parse(op: Op, fields: &Fields) -> Result<Args> {
    let sqe = &fields.sqe();
    // Bits that are refused before any opcode is asked are none of its business.
    let flags = Flags::parse(fields.flags() & 0x7d, true)?;
    Ok(match op {
        Op::Nop => Args::Nop(NopArgs::parse(sqe, flags)?),
        Op::Recv => Args::Recv(RecvArgs::parse(sqe, flags, false)?),
        Op::Recvmsg => Args::Recv(RecvArgs::parse(sqe, flags, true)?),
        Op::Send => Args::Send(SendArgs::parse(sqe, flags, false)?),
        Op::Sendmsg => Args::Send(SendArgs::parse(sqe, flags, true)?),
        Op::SendZc => Args::SendZc(SendZcArgs::parse(sqe, flags, false)?),
        Op::SendmsgZc => Args::SendZc(SendZcArgs::parse(sqe, flags, true)?),
        Op::Read => Args::Rw(RwArgs::parse(sqe, flags, RwKind::Plain)?),
        Op::Readv => Args::Rw(RwArgs::parse(sqe, flags, RwKind::Vector)?),
        Op::ReadMultishot => Args::Rw(RwArgs::parse(sqe, flags, RwKind::Multishot)?),
        Op::Accept => Args::Accept(AcceptArgs::parse(sqe, flags)?),
        Op::PollAdd => Args::PollAdd(PollArgs::parse(sqe, flags)?),
        Op::PollRemove => Args::PollRemove(PollRemoveArgs::parse(sqe)?),
        Op::Cancel => Args::Cancel(CancelArgs::parse(sqe, flags)?),
        Op::Close => Args::Close(CloseArgs::parse(sqe, flags)?),
        Op::Provide => Args::Provide(ProvideArgs::parse(sqe, accessible)?),
        Op::Remove => Args::Remove(RemoveArgs::parse(sqe)?),
        Op::Address => Args::Address(AddressArgs::parse(sqe)?),
        Op::Socket => Args::Socket(SocketArgs::parse(sqe)?),
        Op::Listen => Args::Listen(ListenArgs::parse(sqe)?),
        Op::Shutdown => Args::Shutdown(ShutdownArgs::parse(sqe)?),
        Op::FilesUpdate => Args::FilesUpdate(FilesUpdateArgs::parse(sqe, flags)?),
        Op::Install => Args::Install(InstallArgs::parse(sqe, flags)?),
        Op::Message => Args::Message(RingMessage::parse(sqe)?),
        Op::Timeout => Args::Timeout(TimeoutArgs::parse(sqe, false)?),
        Op::LinkTimeout => Args::Timeout(TimeoutArgs::parse(sqe, true)?),
        Op::TimeoutRemove => Args::TimeoutRemove(TimeoutRemoveArgs::parse(sqe, flags)?),
    })
}

/// Why an entry is refused: a condition and an error number for each, the first of which counts.
type Faults = Vec<(bool, Errno)>;

/// The event bits that poll(2) can be asked for, and `EPOLLEXCLUSIVE`.
fn poll_events(f: &Fields) -> u32 {
    (f.op_flags() & 0x27ff) | (f.op_flags() & (1 << 28)) | poll_mode(f)
}

/// `EPOLLONESHOT`, `EPOLLET` or both. RURING_POLL_ADD_LEVEL has only the first, what reports once has both.
fn poll_mode(f: &Fields) -> u32 {
    let once = f.len() & 1 == 0 || f.op_flags() & (1 << 30) != 0;
    match (f.len() & LEVEL != 0, once) {
        (true, _) => 1 << 30,
        (false, true) => 1 << 30 | 1 << 31,
        (false, false) => 1 << 31,
    }
}

const LEVEL: u32 = 1 << 30;
const UPDATE_MODE: u32 = 1 << 31;

/// Where a new file goes.
fn place(f: &Fields) -> FileSlot {
    match f.file_index() {
        0 => FileSlot::Descriptor,
        0xffff_ffff => FileSlot::AnySlot,
        index => FileSlot::Slot(index - 1),
    }
}

/// Where a time is.
fn time(arg: u64, here: bool) -> Time {
    if here {
        Time::Here(arg)
    } else {
        Time::At(arg)
    }
}

/// What MSG_RING sends, by its command.
fn message(f: &Fields) -> RingMessage {
    let (silent, passes_flags) = (f.op_flags() & 1 != 0, f.op_flags() & 2 != 0);
    match f.addr() as u32 {
        0 => {
            let unused = if passes_flags { 0 } else { f.file_index() };
            if silent || f.addr3() as u32 != 0 || unused != 0 {
                return RingMessage::Unknown;
            }
            RingMessage::Data(Cqe {
                user_data: f.off(),
                res: f.len() as i32,
                flags: f.file_index(),
            })
        }
        1 if f.len() == 0 => RingMessage::File {
            from: f.addr3() as u32,
            to: match f.file_index() {
                u32::MAX => FileSlot::AnySlot,
                0 => FileSlot::Slot(u32::MAX),
                slot => FileSlot::Slot(slot - 1),
            },
            user_data: if silent { None } else { Some(f.off()) },
        },
        _ => RingMessage::Unknown,
    }
}

/// What the rules make of it.
pub(crate) fn model(op: Op, f: &Fields) -> Result<Args> {
    let select = f.flags() & BUFFER_SELECT != 0;
    let fixed = f.flags() & FIXED_FILE != 0;
    let prio = |bit: u16| f.ioprio() & 1 << bit != 0;
    let opf = |bit: u32| f.op_flags() & 1 << bit != 0;
    let einval = |wrong: bool| (wrong, EINVAL);
    let (faults, args): (Faults, Args) = match op {
        Op::Nop => (
            vec![einval(f.op_flags() > 31)],
            Args::Nop(NopArgs {
                result: match f.len() as i32 {
                    _ if !opf(0) => 0,
                    -512 | -513 | -514 | -516 if !opf(4) => -4,
                    res => res,
                },
                fd: f.fd(),
                flags: f.op_flags() | if fixed { 4 } else { 0 },
            }),
        ),
        Op::Recv | Op::Recvmsg => (
            vec![
                einval(f.off() != 0),
                einval(f.len() > i32::MAX as u32),
                // IORING_RECVSEND_POLL_FIRST, IORING_RECV_MULTISHOT, IORING_RECVSEND_FIXED_BUF,
                // IORING_RECVSEND_BUNDLE, RURING_RECV_KEEP
                einval(f.ioprio() & !0x8017 != 0),
                einval(prio(15) && !prio(1)),
                einval(prio(2) && (op == Op::Recvmsg || select || prio(1) || prio(4))),
                einval(op == Op::Recvmsg && prio(4)),
                // IORING_RECV_MULTISHOT, and MSG_WAITALL
                einval(prio(1) && !select),
                einval(prio(1) && opf(8)),
                // optlen
                einval(f.file_index() != 0 && (!prio(1) || op == Op::Recvmsg)),
            ],
            Args::Recv(RecvArgs {
                addr: f.addr(),
                len: f.len(),
                msg_flags: f.op_flags(),
                total: f.file_index(),
                // As the methods of the same names read them, which the test asks.
                bits: f.ioprio(),
            }),
        ),
        Op::Send | Op::Sendmsg => (
            vec![
                einval(f.len() > i32::MAX as u32),
                // IORING_RECVSEND_POLL_FIRST, IORING_RECVSEND_FIXED_BUF, IORING_RECVSEND_BUNDLE,
                // IORING_SEND_VECTORIZED
                einval(f.ioprio() & !0x35 != 0),
                einval(prio(2) && (op == Op::Sendmsg || select || prio(4) || prio(5))),
                einval(op == Op::Sendmsg && prio(4)),
                einval(op == Op::Send && f.pad3() != 0),
                einval(op == Op::Sendmsg && f.off() != 0),
                einval(op == Op::Sendmsg && f.file_index() != 0),
            ],
            Args::Send(SendArgs {
                addr: f.addr(),
                len: f.len(),
                // MSG_NOSIGNAL, and MSG_WAITALL for a bundle
                msg_flags: f.op_flags() | 0x4000 | if prio(4) { 0x100 } else { 0 },
                poll_first: prio(0),
                bundle: prio(4),
                vectorized: prio(5),
                fixed: prio(2),
                dest: f.off(),
                dest_len: f.addr_len(),
            }),
        ),
        Op::SendZc | Op::SendmsgZc => (
            vec![
                // __pad2[0]
                einval(f.attr_type_mask() != 0),
                // IORING_RECVSEND_POLL_FIRST, IORING_RECVSEND_FIXED_BUF,
                // IORING_SEND_ZC_REPORT_USAGE, RURING_SEND_ZC_COMBINE_CQE, IORING_SEND_VECTORIZED
                einval(f.ioprio() & !0x3d != 0),
                einval(f.flags() & CQE_SKIP != 0 && !prio(4)),
                einval(prio(4) && (prio(3) || f.addr3() != 0)),
                einval(op == Op::SendZc && f.pad3() != 0),
                einval(op == Op::SendmsgZc && f.off() != 0),
                einval(op == Op::SendmsgZc && f.file_index() != 0),
            ],
            Args::SendZc(SendZcArgs {
                addr: f.addr(),
                len: f.len(),
                // MSG_NOSIGNAL
                msg_flags: f.op_flags() | 0x4000,
                poll_first: prio(0),
                vectorized: prio(5),
                fixed: prio(2),
                combined: prio(4),
                report: prio(3),
                notif_data: if f.addr3() != 0 {
                    f.addr3()
                } else {
                    f.user_data()
                },
                dest: f.off(),
                dest_len: f.addr_len(),
            }),
        ),
        Op::Read | Op::Readv | Op::ReadMultishot => (
            vec![
                einval(f.attr_type_mask() != 0),
                einval(op == Op::Readv && select && f.len() != 1),
                einval(op == Op::ReadMultishot && !select),
                einval(op == Op::ReadMultishot && (f.addr() != 0 || f.len() & !(1 << 31) != 0)),
            ],
            Args::Rw(RwArgs {
                addr: f.addr(),
                off: f.off(),
                len: f.len(),
                rw_flags: f.op_flags(),
                ioprio: f.ioprio(),
            }),
        ),
        Op::Accept => (
            vec![
                // A buffer of a group is for the peer's address, RURING_ACCEPT_ADDR, which goes nowhere else.
                (select && !prio(14), EOPNOTSUPP),
                einval(prio(14) && (!select || f.addr() != 0 || f.off() != 0)),
                einval(f.len() != 0),
                einval(f.buf_index() != 0 && !prio(14)),
                einval(f.ioprio() & !(0b11 << 14) > 7),
                einval(prio(15) && !prio(0)),
                // A direct descriptor has no SOCK_CLOEXEC, and of many only the kernel has a choice
                einval(f.file_index() != 0 && opf(19)),
                einval(f.file_index() != 0 && prio(0) && f.file_index() != u32::MAX),
                // All but SOCK_CLOEXEC and SOCK_NONBLOCK
                einval((0..32).any(|bit| bit != 19 && bit != 11 && opf(bit))),
            ],
            Args::Accept(AcceptArgs {
                addr: f.addr(),
                addr_len: f.off(),
                sock_flags: f.op_flags(),
                place: place(f),
                multishot: prio(0),
                dont_wait: prio(1),
                poll_first: prio(2),
                with_addr: prio(14),
                keep: prio(15),
            }),
        ),
        Op::PollAdd => (
            vec![
                einval(f.buf_index() != 0 || f.off() != 0 || f.addr() != 0),
                einval(![0, 1, 1 | LEVEL].contains(&f.len())),
                einval(f.len() & 1 != 0 && f.flags() & CQE_SKIP != 0),
            ],
            Args::PollAdd(PollArgs {
                events: poll_events(f),
            }),
        ),
        Op::PollRemove => (
            vec![
                einval(f.buf_index() != 0 || f.file_index() != 0),
                // Anything but updates of the events (2), the user_data (4) and the mode, with or without
                // IORING_POLL_ADD_MULTI (1), which alone has no meaning.
                einval(f.len() == 1 || f.len() & !(7 | LEVEL | UPDATE_MODE) != 0),
                einval(f.len() & LEVEL != 0 && f.len() & (UPDATE_MODE | 1) != UPDATE_MODE | 1),
                einval(f.len() & 4 == 0 && f.off() != 0),
                einval(f.len() & 2 == 0 && f.op_flags() != 0),
            ],
            Args::PollRemove(PollRemoveArgs {
                target: f.addr(),
                events: (f.len() & 2 != 0).then(|| poll_events(f)),
                user_data: (f.len() & 4 != 0).then(|| f.off()),
                mode: (f.len() & UPDATE_MODE != 0).then(|| poll_mode(f)),
            }),
        ),
        Op::Cancel => {
            let (all, fd, any, fd_fixed, user_data, opcode) =
                (opf(0), opf(1), opf(2), opf(3), opf(4), opf(5));
            (
                vec![
                    einval(select),
                    einval(f.off() != 0 || f.file_index() != 0),
                    einval(f.op_flags() > 63),
                    einval(fd && any),
                    einval(opcode && any),
                    einval(opcode && f.len() >= 65),
                ],
                Args::Cancel(CancelArgs {
                    user_data: match (any, fd || opcode, user_data) {
                        (true, _, _) | (false, true, false) => None,
                        (false, false, _) | (false, true, true) => Some(f.addr()),
                    },
                    fd: if fd { Some(f.fd()) } else { None },
                    any,
                    fixed: fd_fixed || fixed,
                    opcode: if opcode { Some(f.len() as u8) } else { None },
                    all: all || any,
                }),
            )
        }
        Op::Close => (
            vec![
                einval(f.off() != 0 || f.addr() != 0 || f.len() != 0),
                einval(f.op_flags() != 0 || f.buf_index() != 0),
                (fixed, EBADF),
                // Either a descriptor or a direct one
                einval(f.file_index() != 0 && f.fd() != 0),
            ],
            Args::Close(match f.file_index() {
                0 => CloseArgs::Descriptor(f.fd()),
                index => CloseArgs::Slot(index - 1),
            }),
        ),
        Op::Provide => {
            let bytes = i128::from(f.len()) * i128::from(f.fd());
            let end = i128::from(f.addr()) + bytes;
            (
                vec![
                    einval(f.op_flags() != 0 || f.file_index() != 0),
                    (!(1..=65_536).contains(&f.fd()), E2BIG),
                    einval(f.len() == 0),
                    (end > i128::from(u64::MAX), EOVERFLOW),
                    (end > i128::from(TASK_SIZE), EFAULT),
                    (f.off() > 65_535, E2BIG),
                    einval(i128::from(f.off()) + i128::from(f.fd()) > 65_536),
                ],
                Args::Provide(ProvideArgs {
                    addr: f.addr(),
                    len: f.len(),
                    count: f.fd() as u32,
                    bid: f.off() as u16,
                    group: f.buf_index(),
                }),
            )
        }
        Op::Remove => (
            vec![
                einval(f.op_flags() != 0 || f.addr() != 0 || f.len() != 0),
                einval(f.off() != 0 || f.file_index() != 0),
                einval(!(1..=65_536).contains(&f.fd())),
            ],
            Args::Remove(RemoveArgs {
                count: f.fd() as u32,
                group: f.buf_index(),
            }),
        ),
        // CONNECT and BIND
        Op::Address => (
            vec![
                einval(f.len() != 0 || f.buf_index() != 0),
                einval(f.op_flags() != 0 || f.file_index() != 0),
            ],
            Args::Address(AddressArgs {
                addr: f.addr(),
                len: f.off() as i32,
            }),
        ),
        Op::Socket => (
            vec![
                einval(f.addr() != 0 || f.op_flags() != 0 || f.buf_index() != 0),
                // A direct descriptor has no SOCK_CLOEXEC
                einval(f.file_index() != 0 && f.off() & 1 << 19 != 0),
                // All but a type, SOCK_CLOEXEC and SOCK_NONBLOCK
                einval((4..32).any(|bit| bit != 19 && bit != 11 && f.off() & 1 << bit != 0)),
            ],
            Args::Socket(SocketArgs {
                domain: f.fd(),
                kind: f.off() as i32 & 15,
                flags: f.off() as u32 & !15,
                protocol: f.len() as i32,
                place: place(f),
            }),
        ),
        Op::Listen => (
            vec![
                einval(f.addr() != 0 || f.buf_index() != 0 || f.op_flags() != 0),
                einval(f.file_index() != 0 || f.off() != 0),
            ],
            Args::Listen(ListenArgs {
                backlog: f.len() as i32,
            }),
        ),
        Op::Shutdown => (
            vec![
                einval(f.off() != 0 || f.addr() != 0 || f.op_flags() != 0),
                einval(f.buf_index() != 0 || f.file_index() != 0),
            ],
            Args::Shutdown(ShutdownArgs { how: f.len() }),
        ),
        Op::FilesUpdate => (
            vec![
                einval(fixed || f.op_flags() != 0 || f.file_index() != 0),
                einval(f.len() == 0),
            ],
            Args::FilesUpdate(FilesUpdateArgs {
                first: match f.off() as u32 {
                    0xffff_ffff => None,
                    first => Some(first),
                },
                count: f.len(),
                fds: f.addr(),
            }),
        ),
        Op::Timeout | Op::LinkTimeout => (
            vec![
                einval(f.addr3() != 0 || f.attr_type_mask() != 0),
                einval(f.buf_index() != 0 || f.len() != 1 || f.file_index() != 0),
                einval(op == Op::LinkTimeout && f.off() as u32 != 0),
                // All but IORING_TIMEOUT_UPDATE and IORING_LINK_TIMEOUT_UPDATE
                einval(opf(1) || opf(4) || f.op_flags() > 255),
                einval(opf(2) && opf(3)),
                einval(opf(6) && opf(0)),
            ],
            Args::Timeout(TimeoutArgs {
                time: time(f.addr(), opf(7)),
                absolute: opf(0),
                clock: match (opf(2), opf(3)) {
                    (false, false) => Clock::Monotonic,
                    (true, _) => Clock::Boottime,
                    (false, true) => Clock::Realtime,
                },
                count: f.off() as u32,
                multishot: opf(6),
                etime_success: opf(5),
            }),
        ),
        Op::TimeoutRemove => (
            vec![
                einval(fixed || f.addr3() != 0 || f.attr_type_mask() != 0),
                einval(f.buf_index() != 0 || f.len() != 0 || f.file_index() != 0),
                // An update may be absolute and have its time in the entry.
                einval(!opf(1) && !opf(4) && f.op_flags() != 0),
                einval(f.op_flags() & !0x93 != 0),
            ],
            Args::TimeoutRemove(TimeoutRemoveArgs {
                target: f.addr(),
                update: (f.op_flags() != 0).then(|| TimeUpdate {
                    time: time(f.off(), opf(7)),
                    absolute: opf(0),
                    kind: match (opf(1), opf(4)) {
                        (false, _) => UpdateKind::Nothing,
                        (true, false) => UpdateKind::Plain,
                        (true, true) => UpdateKind::Link,
                    },
                }),
            }),
        ),
        Op::Install => (
            vec![
                einval(f.off() != 0 || f.addr() != 0 || f.len() != 0 || f.buf_index() != 0),
                einval(f.file_index() != 0 || f.addr3() != 0),
                (!fixed, EBADF),
                einval(f.op_flags() > 1),
                (f.personality() != 0, EPERM),
            ],
            Args::Install(InstallArgs {
                cloexec: f.op_flags() == 0,
            }),
        ),
        Op::Message => (
            vec![einval(
                f.buf_index() != 0 || f.personality() != 0 || f.op_flags() > 3,
            )],
            Args::Message(message(f)),
        ),
    };
    match faults.iter().find(|(wrong, _)| *wrong) {
        Some((_, error)) => Err(*error),
        None => Ok(args),
    }
}
