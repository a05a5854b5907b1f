// SPDX-License-Identifier: GPL-2.0

//! URING_CMD of sockets: what is asked of one, and its options. `io_uring/cmd_net.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    sys::{
        lsm::{self, Hooks},
        socket::Socket,
    },
    uapi::{
        args::socket::{CmdArgs, SocketCmd},
        errno::{Result, EINVAL, EOPNOTSUPP},
        sqe::{Flags, Sqe},
    },
};

/// URING_CMD, or URING_CMD128 if `LARGE`, of whose second half no command makes use.
pub(crate) struct UringCmd<const LARGE: bool>(CmdArgs);

impl<const LARGE: bool> UringCmd<LARGE> {
    fn run(&self, at: &Attempt<'_, '_>) -> Result<i32> {
        // Sockets are the only files with commands here.
        let file = at.file()?;
        let socket = Socket::of(file).map_err(|_| EOPNOTSUPP)?;
        lsm::may_command(file, self.0.op)?;
        match self.0.cmd.ok_or(EOPNOTSUPP)? {
            SocketCmd::InQueue => socket.in_queue(),
            SocketCmd::OutQueue => socket.out_queue(),
            SocketCmd::GetOption(option) => socket.get_option(&option),
            SocketCmd::SetOption(option) => socket.set_option(&option).map(|()| 0),
            // As a kernel from before it, and as a later one of a ring that has no room for a time.
            SocketCmd::Timestamps if at.ring.ring.config.has_large_cqes() => Err(EOPNOTSUPP),
            SocketCmd::Timestamps => Err(EINVAL),
            SocketCmd::GetName { args, peer } => socket.get_name(args?, peer).map(|()| 0),
        }
    }
}

impl<const LARGE: bool> Op for UringCmd<LARGE> {
    const HOOKS: Hooks = Hooks::CMD;
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        CmdArgs::parse(sqe, flags).map(Self)
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        Outcome::of(self.run(&at))
    }
}
