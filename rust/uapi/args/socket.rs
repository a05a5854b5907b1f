// SPDX-License-Identifier: GPL-2.0

//! Making sockets, connecting them, and what else is said to them.

use super::super::{
    abi::{accept, cmd, open, socket_op},
    errno::{Result, EINVAL, EOPNOTSUPP},
    sqe::{Flags, Sqe},
};
use super::files::FileSlot;

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
    pub(crate) place: FileSlot,
    /// Keep accepting.
    pub(crate) multishot: bool,
    /// Complete with `-EAGAIN` rather than wait.
    pub(crate) dont_wait: bool,
    /// Poll before the first attempt.
    pub(crate) poll_first: bool,
    /// The peer's address goes into a provided buffer, and nothing is accepted that could not be told of.
    pub(crate) with_addr: bool,
    /// Go on when there is room for a connection again.
    pub(crate) keep: bool,
}

impl AcceptArgs {
    const CLOEXEC: u32 = open::CLOEXEC;
    const NONBLOCK: u32 = open::NONBLOCK;

    /// Parses the fields of ACCEPT.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields and flags that it does not have, or that do not go together; `-EOPNOTSUPP` for a buffer that is
    /// to be selected.
    #[inline]
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let ioprio = sqe.ioprio();
        let with_addr = ioprio & accept::ADDR != 0;
        if with_addr || flags.buffer_select() {
            Self::check_addr(sqe, flags, with_addr)?;
        }
        let place = FileSlot::parse(sqe);
        let direct = place != FileSlot::Descriptor;
        let multishot = ioprio & accept::MULTISHOT != 0;
        if sqe.len() != 0
            || (sqe.buf_index() != 0 && !with_addr)
            || (direct && sqe.op_flags() & Self::CLOEXEC != 0)
            || (direct && multishot && place != FileSlot::AnySlot)
            || ioprio & !accept::ALL != 0
            || (ioprio & accept::KEEP != 0 && !multishot)
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
            with_addr,
            keep: ioprio & accept::KEEP != 0,
        })
    }

    /// Whether the address can go where it is to: into a buffer of a group, and nowhere else.
    fn check_addr(sqe: &Sqe, flags: Flags, with_addr: bool) -> Result {
        if !with_addr {
            return Err(EOPNOTSUPP);
        }
        if !flags.buffer_select() || sqe.addr() != 0 || sqe.off() != 0 {
            return Err(EINVAL);
        }
        Ok(())
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
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that they do not have.
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
    pub(crate) place: FileSlot,
}

impl SocketArgs {
    const KIND: u32 = 0xf;
    const CLOEXEC: u32 = open::CLOEXEC;
    const NONBLOCK: u32 = open::NONBLOCK;

    /// Parses the fields of SOCKET.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        let place = FileSlot::parse(sqe);
        let kind = sqe.off() as u32;
        let flags = kind & !Self::KIND;
        if sqe.addr() != 0
            || sqe.op_flags() != 0
            || sqe.buf_index() != 0
            || (place != FileSlot::Descriptor && flags & Self::CLOEXEC != 0)
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
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have.
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
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have.
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
    /// The level that the option is of: `SOL_*`.
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
    /// When something was sent, each time anew.
    Timestamps,
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
    /// The command's number.
    pub(crate) op: u32,
    /// What a socket is to do, if it knows the command.
    pub(crate) cmd: Option<SocketCmd>,
}

impl CmdArgs {
    /// Parses the fields of URING_CMD.
    ///
    /// What is wrong with a command itself is left for a socket to say: other files have none.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have.
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
            socket_op::TX_TIMESTAMP => Some(SocketCmd::Timestamps),
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
        Ok(Self {
            op: sqe.off() as u32,
            cmd,
        })
    }
}
