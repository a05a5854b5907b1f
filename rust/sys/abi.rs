// SPDX-License-Identifier: GPL-2.0

//! Holds the numbers of `uapi/abi.rs`, `uapi/number.rs`, `uapi/region.rs` and `uapi/filter.rs` and the structures of `uapi/structs.rs`
//! against the kernel's headers, when the module is built.
//!
//! These files use nothing of the kernel, so that they can be tested on any machine. Here a number that is not the
//! header's is an error of the compiler. (What only ruring has, and what combines several numbers, is not here.)

use super::bindings;
use crate::uapi::structs;
use kernel::transmute::{AsBytes, FromBytes};

/// The modules that have numbers.
mod numbers {
    pub(super) use crate::uapi::{
        abi::*, filter::bpf, napi::number as napi, number::*, region, registered,
        restrictions::restriction,
    };
}

macro_rules! same {
    ($($room:ident::$ours:ident => $theirs:expr,)*) => {
        $(const _: () = assert!(
            numbers::$room::$ours as u64 == ($theirs) as u64,
            concat!(stringify!($room), "::", stringify!($ours), " is not the kernel's"),
        );)*
    };
}

same! {
    opcode::NOP => bindings::io_uring_op_IORING_OP_NOP,
    opcode::READV => bindings::io_uring_op_IORING_OP_READV,
    opcode::WRITEV => bindings::io_uring_op_IORING_OP_WRITEV,
    opcode::FSYNC => bindings::io_uring_op_IORING_OP_FSYNC,
    opcode::READ_FIXED => bindings::io_uring_op_IORING_OP_READ_FIXED,
    opcode::WRITE_FIXED => bindings::io_uring_op_IORING_OP_WRITE_FIXED,
    opcode::POLL_ADD => bindings::io_uring_op_IORING_OP_POLL_ADD,
    opcode::POLL_REMOVE => bindings::io_uring_op_IORING_OP_POLL_REMOVE,
    opcode::SENDMSG => bindings::io_uring_op_IORING_OP_SENDMSG,
    opcode::RECVMSG => bindings::io_uring_op_IORING_OP_RECVMSG,
    opcode::TIMEOUT => bindings::io_uring_op_IORING_OP_TIMEOUT,
    opcode::TIMEOUT_REMOVE => bindings::io_uring_op_IORING_OP_TIMEOUT_REMOVE,
    opcode::ACCEPT => bindings::io_uring_op_IORING_OP_ACCEPT,
    opcode::ASYNC_CANCEL => bindings::io_uring_op_IORING_OP_ASYNC_CANCEL,
    opcode::LINK_TIMEOUT => bindings::io_uring_op_IORING_OP_LINK_TIMEOUT,
    opcode::CONNECT => bindings::io_uring_op_IORING_OP_CONNECT,
    opcode::FALLOCATE => bindings::io_uring_op_IORING_OP_FALLOCATE,
    opcode::OPENAT => bindings::io_uring_op_IORING_OP_OPENAT,
    opcode::CLOSE => bindings::io_uring_op_IORING_OP_CLOSE,
    opcode::FILES_UPDATE => bindings::io_uring_op_IORING_OP_FILES_UPDATE,
    opcode::READ => bindings::io_uring_op_IORING_OP_READ,
    opcode::WRITE => bindings::io_uring_op_IORING_OP_WRITE,
    opcode::SEND => bindings::io_uring_op_IORING_OP_SEND,
    opcode::RECV => bindings::io_uring_op_IORING_OP_RECV,
    opcode::PROVIDE_BUFFERS => bindings::io_uring_op_IORING_OP_PROVIDE_BUFFERS,
    opcode::REMOVE_BUFFERS => bindings::io_uring_op_IORING_OP_REMOVE_BUFFERS,
    opcode::SHUTDOWN => bindings::io_uring_op_IORING_OP_SHUTDOWN,
    opcode::MSG_RING => bindings::io_uring_op_IORING_OP_MSG_RING,
    opcode::SOCKET => bindings::io_uring_op_IORING_OP_SOCKET,
    opcode::URING_CMD => bindings::io_uring_op_IORING_OP_URING_CMD,
    opcode::SEND_ZC => bindings::io_uring_op_IORING_OP_SEND_ZC,
    opcode::SENDMSG_ZC => bindings::io_uring_op_IORING_OP_SENDMSG_ZC,
    opcode::READ_MULTISHOT => bindings::io_uring_op_IORING_OP_READ_MULTISHOT,
    opcode::FIXED_FD_INSTALL => bindings::io_uring_op_IORING_OP_FIXED_FD_INSTALL,
    opcode::BIND => bindings::io_uring_op_IORING_OP_BIND,
    opcode::LISTEN => bindings::io_uring_op_IORING_OP_LISTEN,
    opcode::READV_FIXED => bindings::io_uring_op_IORING_OP_READV_FIXED,
    opcode::WRITEV_FIXED => bindings::io_uring_op_IORING_OP_WRITEV_FIXED,
    opcode::EPOLL_CTL => bindings::io_uring_op_IORING_OP_EPOLL_CTL,
    opcode::EPOLL_WAIT => bindings::io_uring_op_IORING_OP_EPOLL_WAIT,
    opcode::PIPE => bindings::io_uring_op_IORING_OP_PIPE,
    opcode::SYNC_FILE_RANGE => bindings::io_uring_op_IORING_OP_SYNC_FILE_RANGE,
    opcode::STATX => bindings::io_uring_op_IORING_OP_STATX,
    opcode::FADVISE => bindings::io_uring_op_IORING_OP_FADVISE,
    opcode::MADVISE => bindings::io_uring_op_IORING_OP_MADVISE,
    opcode::OPENAT2 => bindings::io_uring_op_IORING_OP_OPENAT2,
    opcode::RENAMEAT => bindings::io_uring_op_IORING_OP_RENAMEAT,
    opcode::UNLINKAT => bindings::io_uring_op_IORING_OP_UNLINKAT,
    opcode::MKDIRAT => bindings::io_uring_op_IORING_OP_MKDIRAT,
    opcode::SYMLINKAT => bindings::io_uring_op_IORING_OP_SYMLINKAT,
    opcode::LINKAT => bindings::io_uring_op_IORING_OP_LINKAT,
    opcode::FTRUNCATE => bindings::io_uring_op_IORING_OP_FTRUNCATE,
    opcode::NOP128 => bindings::io_uring_op_IORING_OP_NOP128,
    opcode::URING_CMD128 => bindings::io_uring_op_IORING_OP_URING_CMD128,
    opcode::SPLICE => bindings::io_uring_op_IORING_OP_SPLICE,
    opcode::TEE => bindings::io_uring_op_IORING_OP_TEE,
    opcode::LAST => bindings::io_uring_op_IORING_OP_LAST,
    open::CREAT => bindings::O_CREAT,
    open::TRUNC => bindings::O_TRUNC,
    open::NONBLOCK => bindings::O_NONBLOCK,
    open::EXCL => bindings::O_EXCL,
    open::DIRECT => bindings::O_DIRECT,
    open::LARGEFILE => bindings::O_LARGEFILE,
    open::CLOEXEC => bindings::O_CLOEXEC,
    open::PATH => bindings::O_PATH,
    open::TMPFILE => bindings::O_TMPFILE & !bindings::O_DIRECTORY,
    open::RESOLVE_IN_ROOT => bindings::RESOLVE_IN_ROOT,
    cmd::FIXED => bindings::IORING_URING_CMD_FIXED,
    cmd::MULTISHOT => bindings::IORING_URING_CMD_MULTISHOT,
    socket_op::SIOCINQ => bindings::io_uring_socket_op_SOCKET_URING_OP_SIOCINQ,
    socket_op::SIOCOUTQ => bindings::io_uring_socket_op_SOCKET_URING_OP_SIOCOUTQ,
    socket_op::GETSOCKOPT => bindings::io_uring_socket_op_SOCKET_URING_OP_GETSOCKOPT,
    socket_op::SETSOCKOPT => bindings::io_uring_socket_op_SOCKET_URING_OP_SETSOCKOPT,
    socket_op::TX_TIMESTAMP => bindings::io_uring_socket_op_SOCKET_URING_OP_TX_TIMESTAMP,
    socket_op::GETSOCKNAME => bindings::io_uring_socket_op_SOCKET_URING_OP_GETSOCKNAME,
    timestamp::HW_SHIFT => bindings::IORING_TIMESTAMP_HW_SHIFT,
    timestamp::TYPE_SHIFT => bindings::IORING_TIMESTAMP_TYPE_SHIFT,
    setup::IOPOLL => bindings::IORING_SETUP_IOPOLL,
    setup::SQPOLL => bindings::IORING_SETUP_SQPOLL,
    setup::SQ_AFF => bindings::IORING_SETUP_SQ_AFF,
    setup::CQSIZE => bindings::IORING_SETUP_CQSIZE,
    setup::CLAMP => bindings::IORING_SETUP_CLAMP,
    setup::ATTACH_WQ => bindings::IORING_SETUP_ATTACH_WQ,
    setup::R_DISABLED => bindings::IORING_SETUP_R_DISABLED,
    setup::SUBMIT_ALL => bindings::IORING_SETUP_SUBMIT_ALL,
    setup::COOP_TASKRUN => bindings::IORING_SETUP_COOP_TASKRUN,
    setup::TASKRUN_FLAG => bindings::IORING_SETUP_TASKRUN_FLAG,
    setup::SQE128 => bindings::IORING_SETUP_SQE128,
    setup::CQE32 => bindings::IORING_SETUP_CQE32,
    setup::CQE_MIXED => bindings::IORING_SETUP_CQE_MIXED,
    setup::SQE_MIXED => bindings::IORING_SETUP_SQE_MIXED,
    setup::SQ_REWIND => bindings::IORING_SETUP_SQ_REWIND,
    setup::SINGLE_ISSUER => bindings::IORING_SETUP_SINGLE_ISSUER,
    setup::DEFER_TASKRUN => bindings::IORING_SETUP_DEFER_TASKRUN,
    setup::NO_MMAP => bindings::IORING_SETUP_NO_MMAP,
    setup::REGISTERED_FD_ONLY => bindings::IORING_SETUP_REGISTERED_FD_ONLY,
    setup::NO_SQARRAY => bindings::IORING_SETUP_NO_SQARRAY,
    feat::SINGLE_MMAP => bindings::IORING_FEAT_SINGLE_MMAP,
    feat::NODROP => bindings::IORING_FEAT_NODROP,
    feat::SUBMIT_STABLE => bindings::IORING_FEAT_SUBMIT_STABLE,
    feat::RW_CUR_POS => bindings::IORING_FEAT_RW_CUR_POS,
    feat::CUR_PERSONALITY => bindings::IORING_FEAT_CUR_PERSONALITY,
    feat::FAST_POLL => bindings::IORING_FEAT_FAST_POLL,
    feat::POLL_32BITS => bindings::IORING_FEAT_POLL_32BITS,
    feat::SQPOLL_NONFIXED => bindings::IORING_FEAT_SQPOLL_NONFIXED,
    feat::EXT_ARG => bindings::IORING_FEAT_EXT_ARG,
    feat::RSRC_TAGS => bindings::IORING_FEAT_RSRC_TAGS,
    feat::CQE_SKIP => bindings::IORING_FEAT_CQE_SKIP,
    feat::LINKED_FILE => bindings::IORING_FEAT_LINKED_FILE,
    feat::REG_REG_RING => bindings::IORING_FEAT_REG_REG_RING,
    feat::RECVSEND_BUNDLE => bindings::IORING_FEAT_RECVSEND_BUNDLE,
    feat::MIN_TIMEOUT => bindings::IORING_FEAT_MIN_TIMEOUT,
    feat::NO_IOWAIT => bindings::IORING_FEAT_NO_IOWAIT,
    enter::GETEVENTS => bindings::IORING_ENTER_GETEVENTS,
    enter::SQ_WAKEUP => bindings::IORING_ENTER_SQ_WAKEUP,
    enter::SQ_WAIT => bindings::IORING_ENTER_SQ_WAIT,
    enter::EXT_ARG => bindings::IORING_ENTER_EXT_ARG,
    enter::ABS_TIMER => bindings::IORING_ENTER_ABS_TIMER,
    enter::EXT_ARG_REG => bindings::IORING_ENTER_EXT_ARG_REG,
    enter::NO_IOWAIT => bindings::IORING_ENTER_NO_IOWAIT,
    registered::ENTER => bindings::IORING_ENTER_REGISTERED_RING,
    registered::USE => bindings::io_uring_register_op_IORING_REGISTER_USE_REGISTERED_RING,
    registered::REGISTER => bindings::io_uring_register_op_IORING_REGISTER_RING_FDS,
    registered::UNREGISTER => bindings::io_uring_register_op_IORING_UNREGISTER_RING_FDS,
    registered::CLONE_FROM => bindings::IORING_REGISTER_SRC_REGISTERED,
    register::BUFFERS => bindings::io_uring_register_op_IORING_REGISTER_BUFFERS,
    register::UNREGISTER_BUFFERS => bindings::io_uring_register_op_IORING_UNREGISTER_BUFFERS,
    register::FILES => bindings::io_uring_register_op_IORING_REGISTER_FILES,
    register::UNREGISTER_FILES => bindings::io_uring_register_op_IORING_UNREGISTER_FILES,
    register::EVENTFD => bindings::io_uring_register_op_IORING_REGISTER_EVENTFD,
    register::UNREGISTER_EVENTFD => bindings::io_uring_register_op_IORING_UNREGISTER_EVENTFD,
    register::FILES_UPDATE => bindings::io_uring_register_op_IORING_REGISTER_FILES_UPDATE,
    register::EVENTFD_ASYNC => bindings::io_uring_register_op_IORING_REGISTER_EVENTFD_ASYNC,
    register::PROBE => bindings::io_uring_register_op_IORING_REGISTER_PROBE,
    register::PERSONALITY => bindings::io_uring_register_op_IORING_REGISTER_PERSONALITY,
    register::UNREGISTER_PERSONALITY => bindings::io_uring_register_op_IORING_UNREGISTER_PERSONALITY,
    register::RESTRICTIONS => bindings::io_uring_register_op_IORING_REGISTER_RESTRICTIONS,
    register::ENABLE_RINGS => bindings::io_uring_register_op_IORING_REGISTER_ENABLE_RINGS,
    register::CLONE_BUFFERS => bindings::io_uring_register_op_IORING_REGISTER_CLONE_BUFFERS,
    register::CLOCK => bindings::io_uring_register_op_IORING_REGISTER_CLOCK,
    register::SEND_MSG_RING => bindings::io_uring_register_op_IORING_REGISTER_SEND_MSG_RING,
    register::RESIZE_RINGS => bindings::io_uring_register_op_IORING_REGISTER_RESIZE_RINGS,
    register::MEM_REGION => bindings::io_uring_register_op_IORING_REGISTER_MEM_REGION,
    region::TYPE_USER => bindings::IORING_MEM_REGION_TYPE_USER,
    region::REG_WAIT_ARG => bindings::IORING_MEM_REGION_REG_WAIT_ARG,
    region::WAIT_TS => bindings::IORING_REG_WAIT_TS,
    register::QUERY => bindings::io_uring_register_op_IORING_REGISTER_QUERY,
    register::BPF_FILTER => bindings::io_uring_register_op_IORING_REGISTER_BPF_FILTER,
    bpf::CMD_FILTER => bindings::IO_URING_BPF_CMD_FILTER,
    bpf::DENY_REST => bindings::IO_URING_BPF_FILTER_DENY_REST,
    bpf::SZ_STRICT => bindings::IO_URING_BPF_FILTER_SZ_STRICT,
    bpf::LD => bindings::BPF_LD | bindings::BPF_W,
    bpf::LDX => bindings::BPF_LDX | bindings::BPF_W,
    bpf::ST => bindings::BPF_ST,
    bpf::STX => bindings::BPF_STX,
    bpf::ALU => bindings::BPF_ALU | bindings::BPF_ADD,
    bpf::JMP => bindings::BPF_JMP | bindings::BPF_JA,
    bpf::RET => bindings::BPF_RET,
    bpf::MISC => bindings::BPF_MISC | bindings::BPF_TAX,
    bpf::IMM => bindings::BPF_IMM,
    bpf::ABS => bindings::BPF_ABS,
    bpf::MEM => bindings::BPF_MEM,
    bpf::LEN => bindings::BPF_LEN,
    bpf::K => bindings::BPF_K,
    bpf::X => bindings::BPF_X,
    bpf::A => bindings::BPF_A,
    bpf::NEG => bindings::BPF_NEG,
    bpf::MOD => bindings::BPF_MOD,
    bpf::XOR => bindings::BPF_XOR,
    bpf::JSET => bindings::BPF_JSET,
    bpf::TXA => bindings::BPF_TXA,
    bpf::VALID_OPEN_FLAGS => bindings::VALID_OPEN_FLAGS,
    bpf::PATH_FLAGS => bindings::O_DIRECTORY | bindings::O_NOFOLLOW | bindings::O_PATH | bindings::O_CLOEXEC
        | bindings::O_EMPTYPATH,
    register::NAPI => bindings::io_uring_register_op_IORING_REGISTER_NAPI,
    register::UNREGISTER_NAPI => bindings::io_uring_register_op_IORING_UNREGISTER_NAPI,
    napi::REGISTER_OP => bindings::io_uring_napi_op_IO_URING_NAPI_REGISTER_OP,
    napi::STATIC_ADD_ID => bindings::io_uring_napi_op_IO_URING_NAPI_STATIC_ADD_ID,
    napi::STATIC_DEL_ID => bindings::io_uring_napi_op_IO_URING_NAPI_STATIC_DEL_ID,
    napi::TRACKING_DYNAMIC => bindings::io_uring_napi_tracking_strategy_IO_URING_NAPI_TRACKING_DYNAMIC,
    napi::TRACKING_STATIC => bindings::io_uring_napi_tracking_strategy_IO_URING_NAPI_TRACKING_STATIC,
    napi::TRACKING_INACTIVE => bindings::io_uring_napi_tracking_strategy_IO_URING_NAPI_TRACKING_INACTIVE,
    family::UNIX => bindings::AF_UNIX,
    family::INET => bindings::AF_INET,
    family::INET6 => bindings::AF_INET6,
    family::KEY => bindings::AF_KEY,
    family::NETLINK => bindings::AF_NETLINK,
    family::PACKET => bindings::AF_PACKET,
    family::RDS => bindings::AF_RDS,
    family::CAN => bindings::AF_CAN,
    family::TIPC => bindings::AF_TIPC,
    family::BLUETOOTH => bindings::AF_BLUETOOTH,
    family::ALG => bindings::AF_ALG,
    family::VSOCK => bindings::AF_VSOCK,
    family::KCM => bindings::AF_KCM,
    family::QIPCRTR => bindings::AF_QIPCRTR,
    family::SMC => bindings::AF_SMC,
    family::XDP => bindings::AF_XDP,
    family::MCTP => bindings::AF_MCTP,
    sock::STREAM => bindings::ruring_number_RURING_SOCK_STREAM,
    sock::DGRAM => bindings::ruring_number_RURING_SOCK_DGRAM,
    sock::SEQPACKET => bindings::ruring_number_RURING_SOCK_SEQPACKET,
    ipproto::TCP => bindings::ruring_number_RURING_IPPROTO_TCP,
    ipproto::UDP => bindings::ruring_number_RURING_IPPROTO_UDP,
    at::FDCWD => bindings::AT_FDCWD,
    at::REMOVEDIR => bindings::AT_REMOVEDIR,
    at::EMPTY_PATH => bindings::AT_EMPTY_PATH,
    call::EPOLL_CTL_DEL => bindings::EPOLL_CTL_DEL,
    call::FSYNC_DATASYNC => bindings::IORING_FSYNC_DATASYNC,
    call::OPEN_HOW_SIZE_VER0 => bindings::OPEN_HOW_SIZE_VER0,
    call::SPLICE_FD_IN_FIXED => bindings::SPLICE_F_FD_IN_FIXED,
    call::FILES_SKIP => bindings::IORING_REGISTER_FILES_SKIP,
    call::NOTIF_ZC_COPIED => bindings::IORING_NOTIF_USAGE_ZC_COPIED as i32,
    query::OPCODES => bindings::IO_URING_QUERY_OPCODES,
    query::SCQ => bindings::IO_URING_QUERY_SCQ,
    register::FILES2 => bindings::io_uring_register_op_IORING_REGISTER_FILES2,
    register::FILES_UPDATE2 => bindings::io_uring_register_op_IORING_REGISTER_FILES_UPDATE2,
    register::BUFFERS2 => bindings::io_uring_register_op_IORING_REGISTER_BUFFERS2,
    register::BUFFERS_UPDATE => bindings::io_uring_register_op_IORING_REGISTER_BUFFERS_UPDATE,
    register::IOWQ_AFF => bindings::io_uring_register_op_IORING_REGISTER_IOWQ_AFF,
    register::UNREGISTER_IOWQ_AFF => bindings::io_uring_register_op_IORING_UNREGISTER_IOWQ_AFF,
    register::IOWQ_MAX_WORKERS => bindings::io_uring_register_op_IORING_REGISTER_IOWQ_MAX_WORKERS,
    register::PBUF_RING => bindings::io_uring_register_op_IORING_REGISTER_PBUF_RING,
    register::UNREGISTER_PBUF_RING => bindings::io_uring_register_op_IORING_UNREGISTER_PBUF_RING,
    register::SYNC_CANCEL => bindings::io_uring_register_op_IORING_REGISTER_SYNC_CANCEL,
    register::FILE_ALLOC_RANGE => bindings::io_uring_register_op_IORING_REGISTER_FILE_ALLOC_RANGE,
    register::PBUF_STATUS => bindings::io_uring_register_op_IORING_REGISTER_PBUF_STATUS,
    register::LAST => bindings::io_uring_register_op_IORING_REGISTER_LAST,
    restriction::REGISTER_OP => bindings::io_uring_register_restriction_op_IORING_RESTRICTION_REGISTER_OP,
    restriction::SQE_OP => bindings::io_uring_register_restriction_op_IORING_RESTRICTION_SQE_OP,
    restriction::SQE_FLAGS_ALLOWED => bindings::io_uring_register_restriction_op_IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
    restriction::SQE_FLAGS_REQUIRED => bindings::io_uring_register_restriction_op_IORING_RESTRICTION_SQE_FLAGS_REQUIRED,
    restriction::LAST => bindings::io_uring_register_restriction_op_IORING_RESTRICTION_LAST,
    sqe_flags::FIXED_FILE => 1 << bindings::io_uring_sqe_flags_bit_IOSQE_FIXED_FILE_BIT,
    sqe_flags::IO_DRAIN => 1 << bindings::io_uring_sqe_flags_bit_IOSQE_IO_DRAIN_BIT,
    sqe_flags::IO_LINK => 1 << bindings::io_uring_sqe_flags_bit_IOSQE_IO_LINK_BIT,
    sqe_flags::IO_HARDLINK => 1 << bindings::io_uring_sqe_flags_bit_IOSQE_IO_HARDLINK_BIT,
    sqe_flags::ASYNC => 1 << bindings::io_uring_sqe_flags_bit_IOSQE_ASYNC_BIT,
    sqe_flags::BUFFER_SELECT => 1 << bindings::io_uring_sqe_flags_bit_IOSQE_BUFFER_SELECT_BIT,
    sqe_flags::CQE_SKIP_SUCCESS => 1 << bindings::io_uring_sqe_flags_bit_IOSQE_CQE_SKIP_SUCCESS_BIT,
    recvsend::POLL_FIRST => bindings::IORING_RECVSEND_POLL_FIRST,
    recvsend::MULTISHOT => bindings::IORING_RECV_MULTISHOT,
    recvsend::FIXED_BUF => bindings::IORING_RECVSEND_FIXED_BUF,
    recvsend::SEND_ZC_REPORT_USAGE => bindings::IORING_SEND_ZC_REPORT_USAGE,
    recvsend::BUNDLE => bindings::IORING_RECVSEND_BUNDLE,
    recvsend::SEND_VECTORIZED => bindings::IORING_SEND_VECTORIZED,
    accept::MULTISHOT => bindings::IORING_ACCEPT_MULTISHOT,
    accept::DONTWAIT => bindings::IORING_ACCEPT_DONTWAIT,
    accept::POLL_FIRST => bindings::IORING_ACCEPT_POLL_FIRST,
    poll::ADD_MULTI => bindings::IORING_POLL_ADD_MULTI,
    poll::UPDATE_EVENTS => bindings::IORING_POLL_UPDATE_EVENTS,
    poll::UPDATE_USER_DATA => bindings::IORING_POLL_UPDATE_USER_DATA,
    cancel::ALL => bindings::IORING_ASYNC_CANCEL_ALL,
    cancel::FD => bindings::IORING_ASYNC_CANCEL_FD,
    cancel::ANY => bindings::IORING_ASYNC_CANCEL_ANY,
    cancel::FD_FIXED => bindings::IORING_ASYNC_CANCEL_FD_FIXED,
    cancel::USERDATA => bindings::IORING_ASYNC_CANCEL_USERDATA,
    cancel::OP => bindings::IORING_ASYNC_CANCEL_OP,
    timeout::ABS => bindings::IORING_TIMEOUT_ABS,
    timeout::UPDATE => bindings::IORING_TIMEOUT_UPDATE,
    timeout::BOOTTIME => bindings::IORING_TIMEOUT_BOOTTIME,
    timeout::REALTIME => bindings::IORING_TIMEOUT_REALTIME,
    timeout::LINK_UPDATE => bindings::IORING_LINK_TIMEOUT_UPDATE,
    timeout::ETIME_SUCCESS => bindings::IORING_TIMEOUT_ETIME_SUCCESS,
    timeout::MULTISHOT => bindings::IORING_TIMEOUT_MULTISHOT,
    timeout::IMMEDIATE_ARG => bindings::IORING_TIMEOUT_IMMEDIATE_ARG,
    nop::INJECT_RESULT => bindings::IORING_NOP_INJECT_RESULT,
    nop::FILE => bindings::IORING_NOP_FILE,
    nop::FIXED_FILE => bindings::IORING_NOP_FIXED_FILE,
    nop::FIXED_BUFFER => bindings::IORING_NOP_FIXED_BUFFER,
    nop::CQE32 => bindings::IORING_NOP_CQE32,
    nop::TW => bindings::IORING_NOP_TW,
    msg_ring::DATA => bindings::io_uring_msg_ring_flags_IORING_MSG_DATA,
    msg_ring::SEND_FD => bindings::io_uring_msg_ring_flags_IORING_MSG_SEND_FD,
    msg_ring::CQE_SKIP => bindings::IORING_MSG_RING_CQE_SKIP,
    msg_ring::FLAGS_PASS => bindings::IORING_MSG_RING_FLAGS_PASS,
    cqe::BUFFER => bindings::IORING_CQE_F_BUFFER,
    cqe::MORE => bindings::IORING_CQE_F_MORE,
    cqe::SOCK_NONEMPTY => bindings::IORING_CQE_F_SOCK_NONEMPTY,
    cqe::NOTIF => bindings::IORING_CQE_F_NOTIF,
    cqe::BUF_MORE => bindings::IORING_CQE_F_BUF_MORE,
    cqe::BUFFER_SHIFT => bindings::IORING_CQE_BUFFER_SHIFT,
    sq::NEED_WAKEUP => bindings::IORING_SQ_NEED_WAKEUP,
    sq::CQ_OVERFLOW => bindings::IORING_SQ_CQ_OVERFLOW,
    sq::TASKRUN => bindings::IORING_SQ_TASKRUN,
    cq::EVENTFD_DISABLED => bindings::IORING_CQ_EVENTFD_DISABLED,
    off::SQ_RING => bindings::IORING_OFF_SQ_RING,
    off::CQ_RING => bindings::IORING_OFF_CQ_RING,
    off::SQES => bindings::IORING_OFF_SQES,
    off::PBUF_RING => bindings::IORING_OFF_PBUF_RING,
    off::PBUF_SHIFT => bindings::IORING_OFF_PBUF_SHIFT,
    off::MMAP_MASK => bindings::IORING_OFF_MMAP_MASK,
    pbuf::MMAP => bindings::io_uring_register_pbuf_ring_flags_IOU_PBUF_RING_MMAP,
    pbuf::INC => bindings::io_uring_register_pbuf_ring_flags_IOU_PBUF_RING_INC,
    clone::DST_REPLACE => bindings::IORING_REGISTER_DST_REPLACE,
    rsrc::REGISTER_SPARSE => bindings::IORING_RSRC_REGISTER_SPARSE,
    install::NO_CLOEXEC => bindings::IORING_FIXED_FD_NO_CLOEXEC,
    events::IN => bindings::ruring_number_RURING_EPOLLIN,
    events::PRI => bindings::ruring_number_RURING_EPOLLPRI,
    events::OUT => bindings::ruring_number_RURING_EPOLLOUT,
    events::ERR => bindings::ruring_number_RURING_EPOLLERR,
    events::HUP => bindings::ruring_number_RURING_EPOLLHUP,
    events::NVAL => bindings::ruring_number_RURING_EPOLLNVAL,
    events::RDNORM => bindings::ruring_number_RURING_EPOLLRDNORM,
    events::WRNORM => bindings::ruring_number_RURING_EPOLLWRNORM,
    events::RDHUP => bindings::ruring_number_RURING_EPOLLRDHUP,
    events::URING_WAKE => bindings::ruring_number_RURING_EPOLL_URING_WAKE,
    events::EXCLUSIVE => bindings::ruring_number_RURING_EPOLLEXCLUSIVE,
    events::ONESHOT => bindings::ruring_number_RURING_EPOLLONESHOT,
    events::ET => bindings::ruring_number_RURING_EPOLLET,
    rwf::HIPRI => bindings::ruring_number_RURING_RWF_HIPRI,
    rwf::NOWAIT => bindings::ruring_number_RURING_RWF_NOWAIT,
    rwf::NOSIGNAL => bindings::ruring_number_RURING_RWF_NOSIGNAL,
    msg::PEEK => bindings::MSG_PEEK,
    msg::INTERNAL_SENDMSG => bindings::ruring_number_RURING_MSG_INTERNAL_SENDMSG,
    msg::CTRUNC => bindings::MSG_CTRUNC,
    msg::TRUNC => bindings::MSG_TRUNC,
    msg::DONTWAIT => bindings::MSG_DONTWAIT,
    msg::WAITALL => bindings::MSG_WAITALL,
    msg::ERRQUEUE => bindings::MSG_ERRQUEUE,
    msg::NOSIGNAL => bindings::MSG_NOSIGNAL,
    msg::ZEROCOPY => bindings::MSG_ZEROCOPY,
    msg::CMSG_CLOEXEC => bindings::MSG_CMSG_CLOEXEC,
    register::PROBE_SUPPORTED => bindings::IO_URING_OP_SUPPORTED,
    cqe::SKIP => bindings::IORING_CQE_F_SKIP,
    cqe::TWICE_AS_LARGE => bindings::IORING_CQE_F_32,
}

/// Structures of the kernel that are read or written in place: their sizes, and where their fields are.
macro_rules! laid_out {
    ($($name:ident: $size:literal { $($field:ident: $at:literal),* })*) => {
        $(
            const _: () = assert!(size_of::<bindings::$name>() == $size);
            $(const _: () = assert!(core::mem::offset_of!(bindings::$name, $field) == $at);)*
        )*
    };
}

laid_out! {
    io_uring_sqe: 64 { opcode: 0, flags: 1, ioprio: 2, fd: 4, user_data: 32 }
    io_uring_cqe: 16 { user_data: 0, res: 8, flags: 12 }
    io_uring_buf: 16 { addr: 0, len: 8, bid: 12, resv: 14 }
    io_uring_bpf_ctx: 40 { user_data: 0, opcode: 8, sqe_flags: 9, pdu_size: 10, __bindgen_anon_1: 16 }
    sock_filter: 8 { code: 0, jt: 2, jf: 3, k: 4 }
}

/// The size of the field of `S` that the function is about.
const fn field_size<S, F>(_: fn(&S) -> &F) -> usize {
    size_of::<F>()
}

/// Where our name of a field is, and where the header's is.
macro_rules! offsets {
    ($ours:ident, $theirs:ident, $field:ident) => {
        offsets!($ours, $theirs, $field, $field)
    };
    ($ours:ident, $theirs:ident, $field:ident, $name:ident) => {
        assert!(
            core::mem::offset_of!(structs::$ours, $field)
                == core::mem::offset_of!(bindings::$theirs, $name),
            concat!(
                stringify!($ours),
                "::",
                stringify!($field),
                " is not where the kernel's is"
            ),
        )
    };
}

/// Structures that are copied as they are: ours, and the header's, with all of its fields. A field has the header's name, or
/// the one that is given.
macro_rules! copied {
    ($($ours:ident = $theirs:ident { $($field:ident $(: $name:ident)?),* })*) => {
        $(
            const _: () = {
                assert!(size_of::<structs::$ours>() == size_of::<bindings::$theirs>());
                $(offsets!($ours, $theirs, $field $(, $name)?);)*
                // There is no padding.
                let fields = 0 $(+ field_size(|s: &structs::$ours| &s.$field))*;
                assert!(fields == size_of::<structs::$ours>());
                const fn numbers<T: FromBytes + AsBytes>(_: fn(&structs::$ours) -> &T) {}
                $(numbers(|s| &s.$field);)*
            };
            // SAFETY: Any bytes are one of each field.
            unsafe impl FromBytes for structs::$ours {}
            // SAFETY: No field has uninitialised bytes, and there are none between them.
            unsafe impl AsBytes for structs::$ours {}
        )*
    };
}

copied! {
    Setup = ruring_setup { params, entries, resv }
    Enter = ruring_enter { arg, argsz, to_submit, min_complete, flags, index }
    Register = ruring_register { arg, opcode, nr_args }
    RegisterIndexed = ruring_register_indexed { arg, opcode, nr_args, index, resv }
    SqOffsets = io_sqring_offsets {
        head, tail, ring_mask, ring_entries, flags, dropped, array, resv: resv1, user_addr
    }
    CqOffsets = io_cqring_offsets {
        head, tail, ring_mask, ring_entries, overflow, cqes, flags, resv: resv1, user_addr
    }
    Params = io_uring_params {
        sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_fd, resv, sq_off, cq_off
    }
    Timespec = __kernel_timespec { tv_sec, tv_nsec }
    GeteventsArg = io_uring_getevents_arg { sigmask, sigmask_sz, min_wait_usec, ts }
    SyncCancelReg = io_uring_sync_cancel_reg { addr, fd, flags, timeout, opcode, pad, pad2 }
    Restriction = io_uring_restriction { opcode, what: __bindgen_anon_1, resv, resv2 }
    Probe = io_uring_probe { last_op, ops_len, resv, resv2 }
    ProbeOp = io_uring_probe_op { op, resv, flags, resv2 }
    BufReg = io_uring_buf_reg { ring_addr, ring_entries, bgid, flags, min_left, resv }
    BufStatus = io_uring_buf_status { buf_group, head, resv }
    PbufLow = ruring_pbuf_low { user_data, nr, bgid, resv }
    RsrcRegister = io_uring_rsrc_register { nr, flags, resv: resv2, data, tags }
    RsrcUpdate = io_uring_rsrc_update { offset, resv, data }
    RsrcUpdate2 = io_uring_rsrc_update2 { offset, resv, data, tags, nr, resv2 }
    CloneBuffers = io_uring_clone_buffers { src_fd, flags, src_off, dst_off, nr, pad }
    ClockRegister = io_uring_clock_register { clockid, resv: __resv }
    MemRegionReg = io_uring_mem_region_reg { region_uptr, flags, resv: __resv }
    RegionDesc = io_uring_region_desc { user_addr, size, flags, id, mmap_offset, resv: __resv }
    RegWait = io_uring_reg_wait { ts, min_wait_usec, flags, sigmask, sigmask_sz, pad, pad2 }
    QueryHdr = io_uring_query_hdr {
        next_entry, query_data, query_op, size, result, resv: __resv
    }
    QueryOpcode = io_uring_query_opcode {
        nr_request_opcodes, nr_register_opcodes, feature_flags, ring_setup_flags, enter_flags, sqe_flags,
        nr_query_opcodes, pad: __pad
    }
    QueryScq = io_uring_query_scq { hdr_size, hdr_alignment }
    BpfFilter = io_uring_bpf_filter {
        opcode, flags, filter_len, pdu_size, resv, filter_ptr, resv2
    }
    Bpf = io_uring_bpf { cmd_type, cmd_flags, resv, filter: __bindgen_anon_1 }
    NapiReg = io_uring_napi { busy_poll_to, prefer_busy_poll, opcode, pad, op_param, resv }
    FileIndexRange = io_uring_file_index_range { off, len, resv }
    RecvmsgOut = io_uring_recvmsg_out { namelen, controllen, payloadlen, flags }
    OpenHow = open_how { flags, mode, resolve }
    UserIovec = iovec { iov_base, iov_len }
    EpollEvent = epoll_event { events, data }
}

/// A structure of which only the beginning is copied, and that has padding in the header.
macro_rules! beginning {
    ($ours:ident = $theirs:ident { $($field:ident: $name:ident),* }, $($padding:ident),*) => {
        const _: () = {
            $(offsets!($ours, $theirs, $field, $name);)*
            let fields = 0 $(+ field_size(|s: &structs::$ours| &s.$field))*
                $(+ field_size(|s: &structs::$ours| &s.$padding))*;
            assert!(fields == size_of::<structs::$ours>());
            const fn numbers<T: FromBytes>(_: fn(&structs::$ours) -> &T) {}
            $(numbers(|s| &s.$field);)*
        };
        // SAFETY: Any bytes are one of each field.
        unsafe impl FromBytes for structs::$ours {}
    };
}

beginning!(
    MsgHdr = user_msghdr {
        name: msg_name,
        name_len: msg_namelen,
        iov: msg_iov,
        iov_len: msg_iovlen,
        control: msg_control,
        control_len: msg_controllen
    },
    pad
);
