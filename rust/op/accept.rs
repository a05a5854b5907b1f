// SPDX-License-Identifier: GPL-2.0

//! ACCEPT, single and multishot. `io_uring/net.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    sys::{
        lsm::Hooks,
        rw::{can_poll, can_try, is_nonblocking, is_ready},
        socket::{SockAddr, Socket},
        user,
    },
    uapi::{
        abi::{cqe, events},
        args::{files::FileSlot, socket::AcceptArgs},
        errno::{Errno, Result, EAGAIN, EBADFD, EINVAL, EMFILE, ENFILE, ENOBUFS},
        sqe::{Flags, Sqe},
    },
};
use kernel::warn_on;

/// How many connections a multishot request accepts before others have their turn.
const MAX_SHOTS: u32 = 32;

/// ACCEPT.
pub(crate) struct Accept {
    args: AcceptArgs,
    /// Where there was no room for a connection, when it began to wait for some.
    full: Option<FileSlot>,
    /// It waits at first although it is not to wait (IORING_ACCEPT_DONTWAIT), and ends once it has found nobody.
    waits_once: bool,
    /// It waits at first although it was not asked to, as a worker of io_uring has it.
    waits_unasked: bool,
}

impl Accept {
    /// What becomes of a request that is to outlast a shortage, if there is one: of descriptors, of free slots, or of
    /// buffers for addresses. As long as nobody is there to be accepted it is none.
    fn without_room(&mut self, attempt: &mut Attempt<'_, '_>) -> Option<Outcome> {
        let place = self.args.place;
        let room = match place {
            FileSlot::Descriptor => attempt.ring.has_descriptor(),
            FileSlot::AnySlot => attempt.ring.check_slot(place),
            FileSlot::Slot(_) => Ok(()),
        };
        let (error, full) = match room {
            Err(error) if matches!(error, EMFILE | ENFILE) => (error, Some(place)),
            // Before it takes anybody out of the backlog.
            Err(error) => return Some(Outcome::failed(error)),
            Ok(()) if !self.args.with_addr => return None,
            Ok(()) => {
                let group = attempt.group?;
                if attempt.ring.groups().select(group, 0).is_some() {
                    return None;
                }
                (ENOBUFS, None)
            }
        };
        if !attempt.file.is_some_and(|file| is_ready(file, false)) {
            return Some(Outcome::POLL);
        }
        self.full = full;
        if attempt.post_more(error.to_raw(), 0) {
            Some(Outcome::Stall)
        } else {
            Some(Outcome::failed(error))
        }
    }

    /// Accepts. Returns where the socket is, whether another connection waits, and the flags for a buffer.
    fn accept(
        &self,
        attempt: &mut Attempt<'_, '_>,
        socket: Socket<'_>,
    ) -> Result<(Result<i32>, Option<bool>, u32)> {
        let args = &self.args;
        if args.with_addr {
            return self.accept_with_addr(attempt, socket);
        }
        let fd = attempt.ring.reserve_place(args.place, args.sock_flags)?;
        let new = socket.accept(args.sock_flags, (args.addr, args.addr_len), false)?;
        let (ring, file) = (&mut *attempt.ring, new.file);
        let res = new.named.and_then(|()| ring.install(fd, args.place, file));
        Ok((res, new.more, 0))
    }

    /// As [`Accept::accept`], with the peer's address in a buffer: a `struct ruring_accept_addr`.
    ///
    /// What could keep the connection from being handed over is looked at before it leaves the backlog.
    fn accept_with_addr(
        &self,
        attempt: &mut Attempt<'_, '_>,
        socket: Socket<'_>,
    ) -> Result<(Result<i32>, Option<bool>, u32)> {
        const HEAD: usize = 8;
        let args = &self.args;
        let Some(group) = attempt.group else {
            // Without a group it is refused when it is parsed.
            warn_on!(true);
            return Err(EINVAL);
        };
        let fd = attempt.ring.reserve_place(args.place, args.sock_flags)?;
        if fd.is_none() {
            attempt.ring.check_slot(args.place)?;
        }
        let selected = attempt.ring.groups().select(group, 0).ok_or(ENOBUFS)?;
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
        let flags = attempt.ring.groups().commit(selected, used);
        let res = attempt.ring.install(fd, args.place, new.file);
        Ok((res, new.more, flags))
    }

    /// How it ends that its file is no socket: as in io_uring that is found after there is a descriptor for what is accepted.
    fn not_a_socket(&self, attempt: &Attempt<'_, '_>, error: Errno) -> Outcome {
        let fd = attempt.ring.reserve_place(self.args.place, 0);
        Outcome::failed(fd.err().unwrap_or(error))
    }

    /// Waits before the first attempt, if its file is one that can be waited for.
    fn poll_first(&self, attempt: &Attempt<'_, '_>) -> Outcome {
        match attempt.file() {
            // What a worker of io_uring could not try, which is no socket, is tried once, or waits if that was asked for.
            Ok(file) if self.waits_unasked && can_poll(file) && !can_try(file) => {
                match Socket::of(file) {
                    Ok(_) => Outcome::POLL,
                    Err(error) => self.not_a_socket(attempt, error),
                }
            }
            Ok(file) if self.waits_once && can_poll(file) && !can_try(file) => {
                Outcome::failed(EAGAIN)
            }
            Ok(file) if can_poll(file) => Outcome::POLL,
            Ok(_) if self.args.multishot && !self.never_waits() => Outcome::failed(EBADFD),
            Ok(_) => Outcome::failed(EAGAIN),
            Err(error) => Outcome::failed(error),
        }
    }
}

impl Op for Accept {
    const HOOKS: Hooks = Hooks::ACCEPT;
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        Ok(Self {
            args: AcceptArgs::parse(sqe, flags)?,
            full: None,
            waits_once: false,
            waits_unasked: false,
        })
    }

    fn waits_for(&self) -> Option<FileSlot> {
        self.full
    }

    fn set_by_io_wq(&mut self, _blocks: bool) {
        if self.args.multishot {
            self.waits_unasked |= !self.args.poll_first;
            self.args.poll_first = true;
            self.waits_once |= self.args.dont_wait;
            self.args.dont_wait = false;
        }
    }

    #[inline]
    fn issue(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        if self.args.poll_first {
            if !attempt.polled {
                return self.poll_first(&attempt);
            }
            // Who has woken it up need not say why, as who shuts a socket down. One of several shots is only tried when
            // poll says that there is something, or who has woken it up, so that a socket that cannot accept is not found out
            // before.
            let told = attempt.wake_flags.events() & events::IN != 0;
            let ready = told || attempt.file.is_some_and(|file| is_ready(file, false));
            if self.args.multishot && !ready {
                return Outcome::POLL;
            }
        }
        let file = match attempt.file() {
            Ok(file) => file,
            Err(error) => return Outcome::failed(error),
        };
        let socket = match Socket::of(file) {
            Ok(socket) => socket,
            Err(error) => return self.not_a_socket(&attempt, error),
        };
        let mut shots = 0;
        loop {
            if self.args.keep {
                if let Some(outcome) = self.without_room(&mut attempt) {
                    return outcome;
                }
            }
            let (res, more, flags) = match self.accept(&mut attempt, socket) {
                Ok(done) => done,
                // As accept(2), which waits no longer then.
                Err(EAGAIN) if !self.args.multishot && !self.args.dont_wait && socket.is_shut() => {
                    let nonblocking = attempt.file.is_some_and(is_nonblocking);
                    return Outcome::failed(if nonblocking { EAGAIN } else { EINVAL });
                }
                Err(EAGAIN) if !self.waits_once => return Outcome::POLL,
                Err(error) => return Outcome::failed(error),
            };
            let flags = match more {
                Some(true) => flags | cqe::SOCK_NONEMPTY,
                _ => flags,
            };
            let goes_on = self.args.multishot && res.is_ok();
            let res = res.unwrap_or_else(|error| error.to_raw());
            if !goes_on || !attempt.post_more(res, flags) {
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
        self.args.multishot
    }

    fn never_waits(&self) -> bool {
        self.args.dont_wait
    }
}
