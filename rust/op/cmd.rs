// SPDX-License-Identifier: GPL-2.0

//! URING_CMD of sockets: what is asked of one, its options, and when it has sent something. `io_uring/cmd_net.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    sys::{
        lsm::{self, Hooks},
        socket::Socket,
        unexported::Functions,
    },
    uapi::{
        abi::{events, timestamp},
        args::socket::{CmdArgs, SocketCmd},
        errno::{Result, EINVAL, ENOBUFS, EOPNOTSUPP},
        sqe::{Flags, Sqe},
    },
};

/// URING_CMD, or URING_CMD128 if `LARGE`, of whose second half no command makes use.
pub(crate) struct UringCmd<const LARGE: bool>(CmdArgs);

/// How many times one request tells of before others have their turn.
const MOST_AT_ONCE: u32 = 32;

impl<const LARGE: bool> UringCmd<LARGE> {
    fn run(&self, at: &mut Attempt<'_, '_>) -> Result<Outcome> {
        // Sockets are the only files with commands here.
        let file = at.file()?;
        let socket = Socket::of(file).map_err(|_| EOPNOTSUPP)?;
        lsm::may_command(file, self.0.op)?;
        let res = match self.0.cmd.ok_or(EOPNOTSUPP)? {
            SocketCmd::InQueue => socket.in_queue()?,
            SocketCmd::OutQueue => socket.out_queue()?,
            SocketCmd::GetOption(option) => socket.get_option(&option)?,
            SocketCmd::SetOption(option) => socket.set_option(&option).map(|()| 0)?,
            SocketCmd::Timestamps => return tell_times(socket, at),
            SocketCmd::GetName { args, peer } => socket.get_name(args?, peer).map(|()| 0)?,
        };
        Ok(Outcome::done(res))
    }
}

/// Posts a completion for each time at which the socket has sent something, and waits for more.
fn tell_times(socket: Socket<'_>, at: &mut Attempt<'_, '_>) -> Result<Outcome> {
    if !at.ring.ring.config.has_large_cqes() {
        return Err(EINVAL);
    }
    if !Functions::TX_TIMESTAMP.are_there() {
        // As a kernel from before it.
        return Err(EOPNOTSUPP);
    }
    if !at.polled {
        return Ok(Outcome::POLL);
    }
    for _ in 0..MOST_AT_ONCE {
        if !socket.has_tx_timestamp() {
            return Ok(Outcome::POLL);
        }
        // A time that has been taken cannot be put back in its place.
        if !at.ring.has_room_for_large() {
            return Err(ENOBUFS);
        }
        let Some(taken) = socket.take_tx_timestamp() else {
            return Ok(Outcome::POLL);
        };
        let flags = taken.kind << timestamp::TYPE_SHIFT
            | u32::from(taken.hardware) << timestamp::HW_SHIFT
            | at.ring.set_extra(taken.time.map(|time| time as u64));
        if !at.post_more(taken.key as i32, flags) {
            return Err(ENOBUFS);
        }
    }
    Ok(Outcome::Requeue)
}

impl<const LARGE: bool> Op for UringCmd<LARGE> {
    const HOOKS: Hooks = Hooks::CMD;
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        CmdArgs::parse(sqe, flags).map(Self)
    }

    fn issue(&mut self, mut at: Attempt<'_, '_>) -> Outcome {
        self.run(&mut at).unwrap_or_else(Outcome::failed)
    }

    #[inline]
    fn multishot(&self) -> bool {
        matches!(self.0.cmd, Some(SocketCmd::Timestamps))
    }

    #[inline]
    fn events(&self) -> u32 {
        // No other command waits.
        events::ERR
    }
}
