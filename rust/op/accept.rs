// SPDX-License-Identifier: GPL-2.0

//! ACCEPT, single and multishot. `io_uring/net.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    sys::{
        fd::Reserved,
        lsm::Hooks,
        rw::can_poll,
        socket::{SockAddr, Socket},
        user,
    },
    uapi::{
        abi::cqe,
        args::{files::FileSlot, socket::AcceptArgs},
        errno::{Result, EAGAIN, EBADFD, EINVAL, ENOBUFS},
        sqe::{Flags, Sqe},
    },
};

/// How many connections a multishot request accepts before others have their turn, as a receive.
const MAX_SHOTS: u32 = 32;

/// ACCEPT.
pub(crate) struct Accept(AcceptArgs);

impl Accept {
    /// Accepts. Returns where the socket is, whether another connection waits, and the flags for a buffer.
    fn accept(
        &self,
        at: &mut Attempt<'_, '_>,
        socket: Socket<'_>,
    ) -> Result<(Result<i32>, Option<bool>, u32)> {
        let args = &self.0;
        if args.with_addr {
            return self.accept_with_addr(at, socket);
        }
        let fd = match args.place {
            FileSlot::Descriptor => Some(Reserved::new(at.ring.task()?, args.sock_flags)?),
            _ => None,
        };
        let new = socket.accept(args.sock_flags, (args.addr, args.addr_len), false)?;
        let res = match fd {
            Some(fd) => Ok(fd.install(new.file)),
            None => at.ring.install_file(args.place, new.file),
        };
        Ok((res, new.more, 0))
    }

    /// As [`Accept::accept`], with the peer's address in a buffer: a `struct ruring_accept_addr`.
    ///
    /// What could keep the connection from being handed over is looked at before it leaves the backlog.
    #[cold]
    fn accept_with_addr(
        &self,
        at: &mut Attempt<'_, '_>,
        socket: Socket<'_>,
    ) -> Result<(Result<i32>, Option<bool>, u32)> {
        const HEAD: usize = 8;
        let args = &self.0;
        let group = at.group.ok_or(EINVAL)?;
        let fd = match args.place {
            FileSlot::Descriptor => Some(Reserved::new(at.ring.task()?, args.sock_flags)?),
            place => {
                at.ring.check_slot(place)?;
                None
            }
        };
        let selected = at.ring.groups().select(group, 0).ok_or(ENOBUFS)?;
        let room = selected.len.checked_sub(HEAD).ok_or(ENOBUFS)?;
        let blank = [0u8; HEAD + SockAddr::SIZE];
        let most = room.min(SockAddr::SIZE);
        user::write_from(selected.addr(), &blank[..HEAD + most])?;
        let new = socket.accept(args.sock_flags, (0, 0), false)?;
        let (peer, len) = Socket::of(&new.file)?.accepted_from()?;
        user::write_from(selected.addr(), &[len as u32, 0])?;
        user::write_from(selected.addr() + HEAD as u64, peer.bytes(len.min(most)))?;
        // The next one of a buffer that is used in parts begins where a structure may.
        let used = (HEAD + len.min(most)).next_multiple_of(8).min(selected.len);
        let flags = at.ring.groups().commit(selected, used);
        let res = match fd {
            Some(fd) => Ok(fd.install(new.file)),
            None => at.ring.install_file(args.place, new.file),
        };
        Ok((res, new.more, flags))
    }

    /// Waits before the first attempt, if its file is one that can be waited for.
    #[cold]
    fn poll_first(&self, at: &Attempt<'_, '_>) -> Outcome {
        match at.file() {
            Ok(file) if can_poll(file) => Outcome::POLL,
            Ok(_) if self.0.multishot => Outcome::failed(EBADFD),
            Ok(_) => Outcome::failed(EAGAIN),
            Err(error) => Outcome::failed(error),
        }
    }
}

impl Op for Accept {
    const HOOKS: Hooks = Hooks::ACCEPT;
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        AcceptArgs::parse(sqe, flags).map(Self)
    }

    fn wait_first(&mut self) {
        if self.0.multishot {
            self.0.poll_first = true;
            self.0.dont_wait = false;
        }
    }

    #[inline]
    fn issue(&mut self, mut at: Attempt<'_, '_>) -> Outcome {
        if self.0.poll_first && !at.polled {
            return self.poll_first(&at);
        }
        let socket = match at.file().and_then(Socket::of) {
            Ok(socket) => socket,
            Err(error) => return Outcome::failed(error),
        };
        let mut shots = 0;
        loop {
            let (res, more, flags) = match self.accept(&mut at, socket) {
                Ok(done) => done,
                // As accept(2), which waits no longer then.
                Err(EAGAIN) if !self.0.multishot && !self.0.dont_wait && socket.is_shut() => {
                    return Outcome::failed(EINVAL)
                }
                Err(EAGAIN) => return Outcome::POLL,
                Err(error) => return Outcome::failed(error),
            };
            let flags = match more {
                Some(true) => flags | cqe::SOCK_NONEMPTY,
                _ => flags,
            };
            let goes_on = self.0.multishot && res.is_ok();
            let res = res.unwrap_or_else(|error| error.to_raw());
            if !goes_on || !at.post_more(res, flags) {
                return Outcome::Done {
                    res,
                    flags,
                    broken: false,
                };
            }
            if more == Some(false) {
                return Outcome::POLL;
            }
            shots += 1;
            if shots == MAX_SHOTS {
                return Outcome::Requeue;
            }
        }
    }

    fn multishot(&self) -> bool {
        self.0.multishot
    }

    fn never_waits(&self) -> bool {
        self.0.dont_wait
    }
}
