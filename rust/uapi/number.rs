// SPDX-License-Identifier: GPL-2.0

//! Numbers of other system calls' that requests have in them, held against the kernel's headers as those of `abi.rs`.

/// Address families of sockets.
#[allow(missing_docs)]
pub(crate) mod family {
    pub(crate) const UNIX: u16 = 1;
    pub(crate) const INET: u16 = 2;
    pub(crate) const INET6: u16 = 10;
    pub(crate) const KEY: u16 = 15;
    pub(crate) const NETLINK: u16 = 16;
    pub(crate) const PACKET: u16 = 17;
    pub(crate) const RDS: u16 = 21;
    pub(crate) const CAN: u16 = 29;
    pub(crate) const TIPC: u16 = 30;
    pub(crate) const BLUETOOTH: u16 = 31;
    pub(crate) const ALG: u16 = 38;
    pub(crate) const VSOCK: u16 = 40;
    pub(crate) const KCM: u16 = 41;
    pub(crate) const QIPCRTR: u16 = 42;
    pub(crate) const SMC: u16 = 43;
    pub(crate) const XDP: u16 = 44;
    pub(crate) const MCTP: u16 = 45;
}

/// Types of sockets.
#[allow(missing_docs)]
pub(crate) mod sock {
    pub(crate) const STREAM: i32 = 1;
    pub(crate) const DGRAM: i32 = 2;
    pub(crate) const SEQPACKET: i32 = 5;
}

/// Protocols of the internet, which are levels of socket options as well.
#[allow(missing_docs)]
pub(crate) mod ipproto {
    pub(crate) const TCP: i32 = 6;
    pub(crate) const UDP: i32 = 17;
}

/// What names are relative to, and what is to be done with them.
#[allow(missing_docs)]
pub(crate) mod at {
    pub(crate) const FDCWD: i32 = -100;
    pub(crate) const REMOVEDIR: u32 = 0x200;
    pub(crate) const EMPTY_PATH: u32 = 0x1000;
}

/// Single numbers, each of a system call of its own.
#[allow(missing_docs)]
pub(crate) mod call {
    pub(crate) const EPOLL_CTL_DEL: u32 = 2;
    pub(crate) const FSYNC_DATASYNC: u32 = 1 << 0;
    pub(crate) const OPEN_HOW_SIZE_VER0: u32 = 24;
    pub(crate) const SPLICE_FD_IN_FIXED: u32 = 1 << 31;
    pub(crate) const FILES_SKIP: i32 = -2;
    pub(crate) const NOTIF_ZC_COPIED: i32 = 1 << 31;
}
