// SPDX-License-Identifier: GPL-2.0

//! Numbers and structures of `include/uapi/linux/io_uring.h` and `ruring.h`.

/// Opcodes of an SQE (`enum io_uring_op`) that ruring knows.
pub(crate) mod opcode {
    #![allow(missing_docs)]
    pub(crate) const NOP: u8 = 0;
    pub(crate) const READV: u8 = 1;
    pub(crate) const WRITEV: u8 = 2;
    pub(crate) const FSYNC: u8 = 3;
    pub(crate) const READ_FIXED: u8 = 4;
    pub(crate) const WRITE_FIXED: u8 = 5;
    pub(crate) const POLL_ADD: u8 = 6;
    pub(crate) const POLL_REMOVE: u8 = 7;
    pub(crate) const SYNC_FILE_RANGE: u8 = 8;
    pub(crate) const SENDMSG: u8 = 9;
    pub(crate) const RECVMSG: u8 = 10;
    pub(crate) const TIMEOUT: u8 = 11;
    pub(crate) const TIMEOUT_REMOVE: u8 = 12;
    pub(crate) const ACCEPT: u8 = 13;
    pub(crate) const ASYNC_CANCEL: u8 = 14;
    pub(crate) const LINK_TIMEOUT: u8 = 15;
    pub(crate) const CONNECT: u8 = 16;
    pub(crate) const FALLOCATE: u8 = 17;
    pub(crate) const OPENAT: u8 = 18;
    pub(crate) const CLOSE: u8 = 19;
    pub(crate) const FILES_UPDATE: u8 = 20;
    pub(crate) const STATX: u8 = 21;
    pub(crate) const READ: u8 = 22;
    pub(crate) const WRITE: u8 = 23;
    pub(crate) const FADVISE: u8 = 24;
    pub(crate) const MADVISE: u8 = 25;
    pub(crate) const SEND: u8 = 26;
    pub(crate) const RECV: u8 = 27;
    pub(crate) const OPENAT2: u8 = 28;
    pub(crate) const EPOLL_CTL: u8 = 29;
    pub(crate) const SPLICE: u8 = 30;
    pub(crate) const PROVIDE_BUFFERS: u8 = 31;
    pub(crate) const REMOVE_BUFFERS: u8 = 32;
    pub(crate) const TEE: u8 = 33;
    pub(crate) const SHUTDOWN: u8 = 34;
    pub(crate) const RENAMEAT: u8 = 35;
    pub(crate) const UNLINKAT: u8 = 36;
    pub(crate) const MKDIRAT: u8 = 37;
    pub(crate) const SYMLINKAT: u8 = 38;
    pub(crate) const LINKAT: u8 = 39;
    pub(crate) const MSG_RING: u8 = 40;
    pub(crate) const SOCKET: u8 = 45;
    pub(crate) const URING_CMD: u8 = 46;
    pub(crate) const SEND_ZC: u8 = 47;
    pub(crate) const SENDMSG_ZC: u8 = 48;
    pub(crate) const READ_MULTISHOT: u8 = 49;
    pub(crate) const FIXED_FD_INSTALL: u8 = 54;
    pub(crate) const FTRUNCATE: u8 = 55;
    pub(crate) const BIND: u8 = 56;
    pub(crate) const LISTEN: u8 = 57;
    pub(crate) const EPOLL_WAIT: u8 = 59;
    pub(crate) const READV_FIXED: u8 = 60;
    pub(crate) const WRITEV_FIXED: u8 = 61;
    pub(crate) const PIPE: u8 = 62;
    pub(crate) const NOP128: u8 = 63;
    pub(crate) const URING_CMD128: u8 = 64;
    /// One more than the last opcode of the kernel that ruring follows.
    pub(crate) const LAST: u8 = 65;
    /// Ruring's own (`RURING_OP_SENDFILE`).
    pub(crate) const SENDFILE: u8 = 128;

    /// The bit of 128 that stands for an opcode in a set of them, of which none is the last one; none for a number that
    /// is no opcode.
    pub(crate) const fn bit(opcode: u8) -> Option<u128> {
        match opcode {
            SENDFILE => Some(1 << 126),
            _ if opcode < LAST => Some(1 << opcode),
            _ => None,
        }
    }
}

/// Bits of `sqe->open_flags`.
pub(crate) mod open {
    #![allow(missing_docs)]
    pub(crate) const CREAT: u32 = 0o100;
    pub(crate) const EXCL: u32 = 0o200;
    pub(crate) const TRUNC: u32 = 0o1000;
    pub(crate) const DIRECT: u32 = 0o40000;
    pub(crate) const NONBLOCK: u32 = 0o4000;
    pub(crate) const LARGEFILE: u32 = 0o100000;
    pub(crate) const CLOEXEC: u32 = 0o2000000;
    pub(crate) const PATH: u32 = 0o10000000;
    /// `O_TMPFILE` without `O_DIRECTORY`.
    pub(crate) const TMPFILE: u32 = 0o20000000;
    /// Of `struct open_how`'s `resolve`.
    pub(crate) const RESOLVE_IN_ROOT: u64 = 0x10;
}

/// Bits of `sqe->uring_cmd_flags`.
pub(crate) mod cmd {
    #![allow(missing_docs)]
    pub(crate) const FIXED: u32 = 1 << 0;
    pub(crate) const MULTISHOT: u32 = 1 << 1;
}

/// `sqe->cmd_op` for a socket.
pub(crate) mod socket_op {
    #![allow(missing_docs)]
    pub(crate) const SIOCINQ: u32 = 0;
    pub(crate) const SIOCOUTQ: u32 = 1;
    pub(crate) const GETSOCKOPT: u32 = 2;
    pub(crate) const SETSOCKOPT: u32 = 3;
    pub(crate) const TX_TIMESTAMP: u32 = 4;
    pub(crate) const GETSOCKNAME: u32 = 5;
    /// The one level of which options can be read.
    pub(crate) const SOL_SOCKET: i32 = 1;
}

/// Where the flags of a completion say what a time of TX_TIMESTAMP is of.
pub(crate) mod timestamp {
    #![allow(missing_docs)]
    pub(crate) const HW_SHIFT: u32 = 16;
    pub(crate) const TYPE_SHIFT: u32 = 17;
}

/// Bits of `io_uring_params.flags`.
pub(crate) mod setup {
    #![allow(missing_docs)]
    pub(crate) const IOPOLL: u32 = 1 << 0;
    pub(crate) const SQPOLL: u32 = 1 << 1;
    pub(crate) const SQ_AFF: u32 = 1 << 2;
    pub(crate) const CQSIZE: u32 = 1 << 3;
    pub(crate) const CLAMP: u32 = 1 << 4;
    pub(crate) const ATTACH_WQ: u32 = 1 << 5;
    pub(crate) const R_DISABLED: u32 = 1 << 6;
    pub(crate) const SUBMIT_ALL: u32 = 1 << 7;
    pub(crate) const COOP_TASKRUN: u32 = 1 << 8;
    pub(crate) const TASKRUN_FLAG: u32 = 1 << 9;
    pub(crate) const SQE128: u32 = 1 << 10;
    pub(crate) const CQE32: u32 = 1 << 11;
    pub(crate) const SINGLE_ISSUER: u32 = 1 << 12;
    pub(crate) const DEFER_TASKRUN: u32 = 1 << 13;
    pub(crate) const NO_MMAP: u32 = 1 << 14;
    pub(crate) const REGISTERED_FD_ONLY: u32 = 1 << 15;
    pub(crate) const NO_SQARRAY: u32 = 1 << 16;
    pub(crate) const CQE_MIXED: u32 = 1 << 18;
    pub(crate) const SQE_MIXED: u32 = 1 << 19;
    pub(crate) const SQ_REWIND: u32 = 1 << 20;
}

/// Bits of `io_uring_params.features`.
pub(crate) mod feat {
    #![allow(missing_docs)]
    pub(crate) const SINGLE_MMAP: u32 = 1 << 0;
    pub(crate) const NODROP: u32 = 1 << 1;
    pub(crate) const SUBMIT_STABLE: u32 = 1 << 2;
    pub(crate) const RW_CUR_POS: u32 = 1 << 3;
    pub(crate) const CUR_PERSONALITY: u32 = 1 << 4;
    pub(crate) const FAST_POLL: u32 = 1 << 5;
    pub(crate) const POLL_32BITS: u32 = 1 << 6;
    pub(crate) const SQPOLL_NONFIXED: u32 = 1 << 7;
    pub(crate) const EXT_ARG: u32 = 1 << 8;
    pub(crate) const RSRC_TAGS: u32 = 1 << 10;
    pub(crate) const CQE_SKIP: u32 = 1 << 11;
    pub(crate) const LINKED_FILE: u32 = 1 << 12;
    pub(crate) const REG_REG_RING: u32 = 1 << 13;
    pub(crate) const RECVSEND_BUNDLE: u32 = 1 << 14;
    pub(crate) const MIN_TIMEOUT: u32 = 1 << 15;
    pub(crate) const NO_IOWAIT: u32 = 1 << 17;
    /// The features that ruring has.
    pub(crate) const ALL: u32 = SINGLE_MMAP
        | NODROP
        | SUBMIT_STABLE
        | RW_CUR_POS
        | CUR_PERSONALITY
        | FAST_POLL
        | POLL_32BITS
        | SQPOLL_NONFIXED
        | EXT_ARG
        | RSRC_TAGS
        | CQE_SKIP
        | LINKED_FILE
        | REG_REG_RING
        | RECVSEND_BUNDLE
        | MIN_TIMEOUT
        | NO_IOWAIT;
}

/// Flags of `io_uring_enter(2)`.
pub(crate) mod enter {
    #![allow(missing_docs)]
    pub(crate) const GETEVENTS: u32 = 1 << 0;
    pub(crate) const SQ_WAKEUP: u32 = 1 << 1;
    pub(crate) const SQ_WAIT: u32 = 1 << 2;
    pub(crate) const EXT_ARG: u32 = 1 << 3;
    pub(crate) const ABS_TIMER: u32 = 1 << 5;
    pub(crate) const EXT_ARG_REG: u32 = 1 << 6;
    pub(crate) const NO_IOWAIT: u32 = 1 << 7;
    /// The flags that ruring takes of a ring's own descriptor.
    pub(crate) const ALL: u32 =
        GETEVENTS | SQ_WAKEUP | SQ_WAIT | EXT_ARG | ABS_TIMER | EXT_ARG_REG | NO_IOWAIT;
}

/// Opcodes of `io_uring_register(2)` that ruring knows.
pub(crate) mod register {
    #![allow(missing_docs)]
    pub(crate) const BUFFERS: u32 = 0;
    pub(crate) const UNREGISTER_BUFFERS: u32 = 1;
    pub(crate) const FILES: u32 = 2;
    pub(crate) const UNREGISTER_FILES: u32 = 3;
    pub(crate) const EVENTFD: u32 = 4;
    pub(crate) const UNREGISTER_EVENTFD: u32 = 5;
    pub(crate) const FILES_UPDATE: u32 = 6;
    pub(crate) const EVENTFD_ASYNC: u32 = 7;
    pub(crate) const PROBE: u32 = 8;
    pub(crate) const PERSONALITY: u32 = 9;
    pub(crate) const UNREGISTER_PERSONALITY: u32 = 10;
    pub(crate) const RESTRICTIONS: u32 = 11;
    pub(crate) const ENABLE_RINGS: u32 = 12;
    pub(crate) const FILES2: u32 = 13;
    pub(crate) const FILES_UPDATE2: u32 = 14;
    pub(crate) const BUFFERS2: u32 = 15;
    pub(crate) const BUFFERS_UPDATE: u32 = 16;
    pub(crate) const IOWQ_AFF: u32 = 17;
    pub(crate) const UNREGISTER_IOWQ_AFF: u32 = 18;
    pub(crate) const IOWQ_MAX_WORKERS: u32 = 19;
    pub(crate) const PBUF_RING: u32 = 22;
    pub(crate) const UNREGISTER_PBUF_RING: u32 = 23;
    pub(crate) const SYNC_CANCEL: u32 = 24;
    pub(crate) const FILE_ALLOC_RANGE: u32 = 25;
    pub(crate) const PBUF_STATUS: u32 = 26;
    pub(crate) const NAPI: u32 = 27;
    pub(crate) const UNREGISTER_NAPI: u32 = 28;
    pub(crate) const CLOCK: u32 = 29;
    pub(crate) const CLONE_BUFFERS: u32 = 30;
    pub(crate) const SEND_MSG_RING: u32 = 31;
    pub(crate) const RESIZE_RINGS: u32 = 33;
    pub(crate) const MEM_REGION: u32 = 34;
    pub(crate) const QUERY: u32 = 35;
    pub(crate) const BPF_FILTER: u32 = 37;
    /// `IO_URING_OP_SUPPORTED`, in what PROBE says of an opcode.
    pub(crate) const PROBE_SUPPORTED: u16 = 1 << 0;
    /// How many there are in the kernel that ruring follows.
    pub(crate) const LAST: u32 = 38;
    /// Ruring's own (`RURING_REGISTER_PBUF_LOW`).
    pub(crate) const PBUF_LOW: u32 = 128;

    /// The bit of 64 that stands for an opcode in a set of them; none for a number that is no opcode.
    pub(crate) const fn bit(opcode: u32) -> Option<u64> {
        match opcode {
            PBUF_LOW => Some(1 << 63),
            _ if opcode < LAST => Some(1 << opcode),
            _ => None,
        }
    }
}

/// What IORING_REGISTER_QUERY can be asked.
pub(crate) mod query {
    #![allow(missing_docs)]
    pub(crate) const OPCODES: u32 = 0;
    pub(crate) const SCQ: u32 = 2;
    /// How many there are in the kernel that ruring follows.
    pub(crate) const LAST: u32 = 4;
}

/// Bits of `sqe->flags`.
pub(crate) mod sqe_flags {
    #![allow(missing_docs)]
    pub(crate) const FIXED_FILE: u8 = 1 << 0;
    pub(crate) const IO_DRAIN: u8 = 1 << 1;
    pub(crate) const IO_LINK: u8 = 1 << 2;
    pub(crate) const IO_HARDLINK: u8 = 1 << 3;
    pub(crate) const ASYNC: u8 = 1 << 4;
    pub(crate) const BUFFER_SELECT: u8 = 1 << 5;
    pub(crate) const CQE_SKIP_SUCCESS: u8 = 1 << 6;
    pub(crate) const ALL: u8 = 0x7f;
}

/// Bits of `sqe->ioprio` of the send and receive family.
pub(crate) mod recvsend {
    #![allow(missing_docs)]
    pub(crate) const POLL_FIRST: u16 = 1 << 0;
    pub(crate) const MULTISHOT: u16 = 1 << 1;
    pub(crate) const FIXED_BUF: u16 = 1 << 2;
    pub(crate) const SEND_ZC_REPORT_USAGE: u16 = 1 << 3;
    pub(crate) const BUNDLE: u16 = 1 << 4;
    /// Of SEND_ZC and SENDMSG_ZC, ruring's own (`RURING_SEND_ZC_COMBINE_CQE`).
    pub(crate) const SEND_ZC_COMBINE_CQE: u16 = 1 << 4;
    pub(crate) const SEND_VECTORIZED: u16 = 1 << 5;
    /// Of what sends, ruring's own (`RURING_SEND_ORDERED`).
    pub(crate) const SEND_ORDERED: u16 = 1 << 15;
    /// Of multishot RECV and RECVMSG, ruring's own (`RURING_RECV_KEEP`).
    pub(crate) const RECV_KEEP: u16 = 1 << 15;
}

/// Bits of `sqe->ioprio` of ACCEPT.
pub(crate) mod accept {
    #![allow(missing_docs)]
    pub(crate) const MULTISHOT: u16 = 1 << 0;
    pub(crate) const DONTWAIT: u16 = 1 << 1;
    pub(crate) const POLL_FIRST: u16 = 1 << 2;
    /// Ruring's own (`RURING_ACCEPT_ADDR`).
    pub(crate) const ADDR: u16 = 1 << 14;
    /// Ruring's own (`RURING_ACCEPT_KEEP`).
    pub(crate) const KEEP: u16 = 1 << 15;
    /// What ruring takes.
    pub(crate) const ALL: u16 = MULTISHOT | DONTWAIT | POLL_FIRST | ADDR | KEEP;
}

/// Flags of POLL_ADD and POLL_REMOVE, in `sqe->len`.
pub(crate) mod poll {
    #![allow(missing_docs)]
    pub(crate) const ADD_MULTI: u32 = 1 << 0;
    pub(crate) const UPDATE_EVENTS: u32 = 1 << 1;
    pub(crate) const UPDATE_USER_DATA: u32 = 1 << 2;
    /// Ruring's own (`RURING_POLL_ADD_LEVEL`).
    pub(crate) const ADD_LEVEL: u32 = 1 << 30;
    /// Ruring's own (`RURING_POLL_UPDATE_MODE`).
    pub(crate) const UPDATE_MODE: u32 = 1 << 31;
}

/// Flags of ASYNC_CANCEL.
pub(crate) mod cancel {
    #![allow(missing_docs)]
    pub(crate) const ALL: u32 = 1 << 0;
    pub(crate) const FD: u32 = 1 << 1;
    pub(crate) const ANY: u32 = 1 << 2;
    pub(crate) const FD_FIXED: u32 = 1 << 3;
    pub(crate) const USERDATA: u32 = 1 << 4;
    pub(crate) const OP: u32 = 1 << 5;
    pub(crate) const VALID: u32 = 0x3f;
}

/// Flags of TIMEOUT, TIMEOUT_REMOVE and LINK_TIMEOUT.
pub(crate) mod timeout {
    #![allow(missing_docs)]
    pub(crate) const ABS: u32 = 1 << 0;
    pub(crate) const UPDATE: u32 = 1 << 1;
    pub(crate) const BOOTTIME: u32 = 1 << 2;
    pub(crate) const REALTIME: u32 = 1 << 3;
    pub(crate) const LINK_UPDATE: u32 = 1 << 4;
    pub(crate) const ETIME_SUCCESS: u32 = 1 << 5;
    pub(crate) const MULTISHOT: u32 = 1 << 6;
    pub(crate) const IMMEDIATE_ARG: u32 = 1 << 7;
}

/// Flags of NOP.
pub(crate) mod nop {
    #![allow(missing_docs)]
    pub(crate) const INJECT_RESULT: u32 = 1 << 0;
    pub(crate) const FILE: u32 = 1 << 1;
    pub(crate) const FIXED_FILE: u32 = 1 << 2;
    pub(crate) const FIXED_BUFFER: u32 = 1 << 3;
    pub(crate) const TW: u32 = 1 << 4;
    pub(crate) const CQE32: u32 = 1 << 5;
}

/// Commands of MSG_RING, in `sqe->addr`, and bits of `sqe->msg_ring_flags`.
pub(crate) mod msg_ring {
    #![allow(missing_docs)]
    pub(crate) const DATA: u32 = 0;
    pub(crate) const SEND_FD: u32 = 1;
    pub(crate) const CQE_SKIP: u32 = 1 << 0;
    pub(crate) const FLAGS_PASS: u32 = 1 << 1;
}

/// Bits of `cqe->flags`.
pub(crate) mod cqe {
    #![allow(missing_docs)]
    pub(crate) const BUFFER: u32 = 1 << 0;
    pub(crate) const MORE: u32 = 1 << 1;
    pub(crate) const SOCK_NONEMPTY: u32 = 1 << 2;
    pub(crate) const NOTIF: u32 = 1 << 3;
    pub(crate) const BUF_MORE: u32 = 1 << 4;
    pub(crate) const SKIP: u32 = 1 << 5;
    pub(crate) const TWICE_AS_LARGE: u32 = 1 << 15;
    pub(crate) const BUFFER_SHIFT: u32 = 16;
    /// Of an operation's result, and not seen by user space: there is more of it, see `ring/large.rs`.
    pub(crate) const EXTRA: u32 = 1 << 14;
}

/// Bits of the SQ ring's `flags`.
pub(crate) mod sq {
    #![allow(missing_docs)]
    pub(crate) const NEED_WAKEUP: u32 = 1 << 0;
    pub(crate) const CQ_OVERFLOW: u32 = 1 << 1;
    pub(crate) const TASKRUN: u32 = 1 << 2;
}

/// Bits of the CQ ring's `flags`.
pub(crate) mod cq {
    #![allow(missing_docs)]
    pub(crate) const EVENTFD_DISABLED: u32 = 1 << 0;
}

/// mmap(2) offsets.
pub(crate) mod off {
    #![allow(missing_docs)]
    pub(crate) const SQ_RING: u64 = 0;
    pub(crate) const CQ_RING: u64 = 0x800_0000;
    pub(crate) const SQES: u64 = 0x1000_0000;
    /// The kernel tells it by what it writes back; it is in no header.
    pub(crate) const PARAM_REGION: u64 = 0x2000_0000;
    pub(crate) const PBUF_RING: u64 = 0x8000_0000;
    pub(crate) const PBUF_SHIFT: u32 = 16;
    pub(crate) const MMAP_MASK: u64 = 0xf800_0000;
}

/// Flags of `struct io_uring_buf_reg`.
pub(crate) mod pbuf {
    #![allow(missing_docs)]
    pub(crate) const MMAP: u16 = 1;
    pub(crate) const INC: u16 = 2;
}

/// Flags of `struct io_uring_rsrc_register`.
pub(crate) mod rsrc {
    #![allow(missing_docs)]
    pub(crate) const REGISTER_SPARSE: u32 = 1;
}

/// Flags of `struct io_uring_clone_buffers`.
pub(crate) mod clone {
    #![allow(missing_docs)]
    pub(crate) const DST_REPLACE: u32 = 1 << 1;
}

/// Flags of FIXED_FD_INSTALL.
pub(crate) mod install {
    #![allow(missing_docs)]
    pub(crate) const NO_CLOEXEC: u32 = 1;
}

/// Event bits of poll(2) and epoll(7).
pub(crate) mod events {
    #![allow(missing_docs)]
    pub(crate) const IN: u32 = 0x1;
    pub(crate) const PRI: u32 = 0x2;
    pub(crate) const OUT: u32 = 0x4;
    pub(crate) const ERR: u32 = 0x8;
    pub(crate) const HUP: u32 = 0x10;
    pub(crate) const NVAL: u32 = 0x20;
    pub(crate) const RDNORM: u32 = 0x40;
    pub(crate) const WRNORM: u32 = 0x100;
    pub(crate) const RDHUP: u32 = 0x2000;
    /// Not the kernel's: a multishot wait that is set up anew each time, because more than one wake-up is expected.
    pub(crate) const BURST: u32 = 1 << 26;
    pub(crate) const URING_WAKE: u32 = 1 << 27;
    pub(crate) const EXCLUSIVE: u32 = 1 << 28;
    pub(crate) const ONESHOT: u32 = 1 << 30;
    pub(crate) const ET: u32 = 1 << 31;
    /// All that poll(2) has.
    pub(crate) const OF_POLL: u32 = 0x27ff;
    /// Reported whether asked for or not.
    pub(crate) const ALWAYS: u32 = ERR | HUP | NVAL | RDHUP;
}

/// Flags of preadv2(2) and pwritev2(2).
pub(crate) mod rwf {
    #![allow(missing_docs)]
    pub(crate) const HIPRI: u32 = 1 << 0;
    pub(crate) const NOWAIT: u32 = 1 << 3;
    pub(crate) const NOSIGNAL: u32 = 1 << 8;
}

/// Bits of the flags of send(2) and recv(2).
pub(crate) mod msg {
    #![allow(missing_docs)]
    pub(crate) const PEEK: u32 = 0x2;
    pub(crate) const CTRUNC: u32 = 0x8;
    pub(crate) const TRUNC: u32 = 0x20;
    pub(crate) const DONTWAIT: u32 = 0x40;
    pub(crate) const WAITALL: u32 = 0x100;
    pub(crate) const ERRQUEUE: u32 = 0x2000;
    pub(crate) const NOSIGNAL: u32 = 0x4000;
    pub(crate) const ZEROCOPY: u32 = 0x400_0000;
    pub(crate) const CMSG_CLOEXEC: u32 = 0x4000_0000;
    pub(crate) const CMSG_COMPAT: u32 = 0x8000_0000;
    /// What the kernel itself sets and user space may not.
    pub(crate) const INTERNAL_SENDMSG: u32 = 0x0010_0000 | 0x0008_0000 | 0x0800_0000 | 0x0001_0000;
}

/// Most SQ entries of a ring.
pub(crate) const MAX_ENTRIES: u32 = 32768;
/// Most CQ entries of a ring.
pub(crate) const MAX_CQ_ENTRIES: u32 = 2 * MAX_ENTRIES;
/// Most buffers of a table.
pub(crate) const MAX_BUFFERS: u32 = 1 << 14;
/// Most bytes of one transfer (`MAX_RW_COUNT`).
pub(crate) const MAX_RW_COUNT: usize = 0x7fff_f000;
