// SPDX-License-Identifier: GPL-2.0

//! URING_CMD of sockets: what is asked of one, its options, and when it has sent something. `io_uring/cmd_net.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    rsrc::buffers::RegisteredBuffer,
    sys::{
        lsm::{self, Hooks},
        socket::Socket,
        unexported::Functions,
    },
    uapi::{
        abi::{events, socket_op, timestamp},
        args::socket::{CmdArgs, SocketCmd},
        errno::{Result, EBADF, EINVAL, ENOBUFS, EOPNOTSUPP},
        number::ipproto,
        sqe::{Flags, Sqe},
        structs::BigCqe,
    },
};
use kernel::fs::File;

/// URING_CMD, or URING_CMD128 if `LARGE`, of whose second half no command makes use.
pub(crate) struct UringCmd<const LARGE: bool>(CmdArgs);

/// How many times one request tells of before others have their turn.
const MOST_AT_ONCE: u32 = 32;

impl<const LARGE: bool> UringCmd<LARGE> {
    /// Whether it is to be done with the ring unlocked: what sets options of networks waits for locks that all have, and
    /// may load modules. Those of a socket, of TCP and of UDP do not.
    fn is_slow(&self) -> bool {
        const QUICK: [i32; 3] = [socket_op::SOL_SOCKET, ipproto::TCP, ipproto::UDP];
        matches!(&self.0.cmd, Some(SocketCmd::SetOption(option)) if !QUICK.contains(&option.level))
    }

    /// The socket, which may be given the command.
    fn socket_of<'a>(&self, file: &'a File) -> Result<Socket<'a>> {
        // Sockets are the only files with commands here.
        let socket = Socket::of(file).map_err(|_| EOPNOTSUPP)?;
        lsm::may_command(file, self.0.op)?;
        Ok(socket)
    }

    fn perform(&self, attempt: &mut Attempt<'_, '_>) -> Result<Outcome> {
        if self.is_slow() {
            return Ok(attempt.punt_with_file());
        }
        let socket = self.socket_of(attempt.file()?)?;
        let res = match self.0.cmd.ok_or(EOPNOTSUPP)? {
            SocketCmd::InQueue => socket.in_queue()?,
            SocketCmd::OutQueue => socket.out_queue()?,
            SocketCmd::GetOption(option) => socket.get_option(&option)?,
            SocketCmd::SetOption(option) => socket.set_option(&option).map(|()| 0)?,
            SocketCmd::Timestamps => return tell_times(socket, attempt),
            SocketCmd::GetName { args, peer } => socket.get_name(args?, peer).map(|()| 0)?,
        };
        Ok(Outcome::done(res))
    }
}

/// Posts a completion for each time at which the socket has sent something, and waits for more.
fn tell_times(socket: Socket<'_>, attempt: &mut Attempt<'_, '_>) -> Result<Outcome> {
    if !attempt.ring.ring.config.has_large_cqes() {
        return Err(EINVAL);
    }
    if !Functions::TX_TIMESTAMP.are_there() {
        // As a kernel from before it.
        return Err(EOPNOTSUPP);
    }
    if !attempt.polled {
        return Ok(Outcome::POLL);
    }
    for _ in 0..MOST_AT_ONCE {
        if !socket.has_tx_timestamp() {
            return Ok(Outcome::POLL);
        }
        // A time that has been taken cannot be put back in its place.
        if !attempt.ring.has_room_for_large() {
            return Err(ENOBUFS);
        }
        let Some(taken) = socket.take_tx_timestamp() else {
            return Ok(Outcome::POLL);
        };
        let flags = taken.kind << timestamp::TYPE_SHIFT
            | u32::from(taken.hardware) << timestamp::HW_SHIFT
            | attempt.ring.set_extra(BigCqe {
                extra1: taken.time.tv_sec as u64,
                extra2: taken.time.tv_nsec as u64,
            });
        if !attempt.post_more(taken.key as i32, flags) {
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

    fn issue(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        self.perform(&mut attempt).unwrap_or_else(Outcome::failed)
    }

    fn is_audited_later(&self) -> bool {
        self.is_slow()
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let socket = file.ok_or(EBADF).and_then(|file| self.socket_of(file));
        let done = match &self.0.cmd {
            Some(SocketCmd::SetOption(option)) => {
                socket.and_then(|socket| socket.set_option(option))
            }
            // Nothing else is slow.
            _ => Err(EOPNOTSUPP),
        };
        Outcome::of(done.map(|()| 0))
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
