// SPDX-License-Identifier: GPL-2.0

//! READ_MULTISHOT. `io_uring/rw.c` of the kernel.

use super::{
    rw::{is_idle, takes_commands},
    Attempt, Op, Outcome,
};
use crate::{
    kbuf::groups::SelectedBuffer,
    rsrc::buffers::RegisteredBuffer,
    sys::{
        context::CallContext,
        rw::{
            can_ask, can_delegate, can_poll, current_ioprio, has_operation, is_ready, is_urgent,
            Position, Transfer,
        },
        socket::UserBuffers,
    },
    uapi::{
        abi::{rwf, MAX_RW_COUNT},
        args::rw::{RwArgs, RwKind},
        errno::{Result, EAGAIN, EBADF, EBADFD, EINVAL, ENOBUFS},
        sqe::{Flags, Sqe},
    },
};
use kernel::{fs::File, warn_on};

/// After how many reads of a multishot request one more gives others their turn, as in io_uring.
const MAX_SHOTS: u32 = 32;

/// READ_MULTISHOT
pub(crate) struct ReadMultishot {
    pos: Position,
    rw_flags: u32,
    shots: u32,
    /// Whether it waits for an event before its first attempt.
    poll_first: bool,
    /// Whether it does not end for want of a buffer.
    keep: bool,
    /// What it has taken for a last read that may sleep: an address, a length, and the flags for it.
    last: Option<(u64, usize, u32)>,
    /// What it has read with the ring unlocked, which is not told yet.
    read: Option<Result<usize>>,
}

impl ReadMultishot {
    /// Tells what it has read with the ring unlocked. None if there may be more to read.
    #[cold] // read/unix/64
    fn tell(&mut self, attempt: &mut Attempt<'_, '_>) -> Option<Outcome> {
        let (_, _, flags) = self.last?;
        let read = self.read.take()?;
        if read == Err(EAGAIN) {
            // Somebody else was first. It keeps its buffer.
            return Some(Outcome::POLL);
        }
        let res = read.map_or_else(|error| error.to_raw(), |len| len as i32);
        if res <= 0 || !attempt.post_more(res, flags) {
            return Some(Outcome::Done {
                res,
                flags,
                broken: false,
            });
        }
        self.last = None;
        None
    }
}

impl ReadMultishot {
    /// What becomes of a request for which there is no buffer; `first`, if it has not waited.
    fn without_buffer(&self, file: &File, attempt: &mut Attempt<'_, '_>, first: bool) -> Outcome {
        // As long as there is nothing to be read, nor anything urgent, it needs none.
        if (!first || self.keep) && !is_ready(file, false) && !is_urgent(file) {
            return Outcome::POLL;
        }
        if self.keep && attempt.post_more(ENOBUFS.to_raw(), 0) {
            return Outcome::Stall;
        }
        Outcome::failed(ENOBUFS)
    }

    /// What becomes of an attempt before it needs a buffer, unless it goes on. If the read before it was done `unlocked`, and has
    /// been told of, the next one is no longer the `first`.
    fn begin(
        &mut self,
        file: &File,
        attempt: &mut Attempt<'_, '_>,
        unlocked: bool,
        first: &mut bool,
    ) -> Option<Outcome> {
        if !can_poll(file) {
            return Some(Outcome::failed(EBADFD));
        }
        if self.poll_first && !attempt.polled {
            return Some(Outcome::POLL);
        }
        if !unlocked || self.last.is_none() {
            return None;
        }
        if let Some(outcome) = self.tell(attempt) {
            return Some(outcome);
        }
        if self.last.is_some() {
            let ready = is_ready(file, false);
            return Some(if ready { Outcome::Punt } else { Outcome::POLL });
        }
        *first = false;
        None
    }

    /// Leaves the next read, into the buffer that was selected, to a worker.
    fn punt_with(
        &mut self,
        selected: SelectedBuffer,
        len: usize,
        attempt: &mut Attempt<'_, '_>,
    ) -> Outcome {
        // Others may have taken what it is ready for.
        let addr = selected.addr();
        let flags = attempt.ring.groups().commit(selected, len);
        self.last = Some((addr, len, flags));
        Outcome::Punt
    }
}

impl Op for ReadMultishot {
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = RwArgs::parse(sqe, flags, RwKind::Multishot)?;
        Ok(Self {
            pos: Position::from_offset(args.off),
            rw_flags: args.rw_flags,
            shots: 0,
            poll_first: false,
            keep: args.keeps(),
            last: None,
            read: None,
        })
    }

    fn set_by_io_wq(&mut self, _blocks: bool) {
        self.poll_first = true;
    }

    fn issue(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        let file = match attempt.file() {
            Ok(file) => file,
            Err(error) => return Outcome::failed(error),
        };
        let unlocked = takes_commands(file);
        let asks = can_ask(file, false) && !unlocked;
        let mut first = !attempt.polled;
        if let Some(outcome) = self.begin(file, &mut attempt, unlocked, &mut first) {
            return outcome;
        }
        if !first && !asks && !is_ready(file, false) {
            return Outcome::POLL;
        }
        loop {
            let Some(selected) = attempt
                .group
                .and_then(|group| attempt.ring.groups().select(group, 0))
            else {
                return self.without_buffer(file, &mut attempt, first);
            };
            let again = !core::mem::take(&mut first);
            let buffers = UserBuffers::One {
                addr: selected.addr(),
                len: selected.len.min(MAX_RW_COUNT),
            };
            let transfer = Transfer::new(file, false, self.rw_flags, current_ioprio());
            let mut transfer = match transfer {
                Ok(transfer) => transfer,
                Err(error) => return Outcome::failed(error),
            };
            if unlocked {
                match is_idle(file, again, buffers.len()) {
                    Ok(true) => return Outcome::POLL,
                    Ok(false) => {}
                    Err(error) => return Outcome::failed(error),
                }
            }
            // Who reads nothing is told of no end, unless there is one.
            if ((!asks && !unlocked) || (again && buffers.len() == 0)) && !is_ready(file, false) {
                return Outcome::POLL;
            }
            if !asks {
                if !has_operation(file, false) {
                    return Outcome::failed(EINVAL);
                }
                return self.punt_with(selected, buffers.len(), &mut attempt);
            }
            let len = match transfer.transfer(buffers, None, &mut self.pos, false) {
                Ok(0) => return Outcome::done(0),
                Ok(len) => len,
                Err(EAGAIN) => return Outcome::POLL,
                Err(error) => return Outcome::failed(error),
            };
            let flags = attempt.ring.groups().commit(selected, len);
            if !attempt.post_more(len as i32, flags) {
                return Outcome::Done {
                    res: len as i32,
                    flags,
                    broken: false,
                };
            }
            self.shots += 1;
            if self.shots > MAX_SHOTS {
                self.shots = 0;
                return Outcome::Requeue;
            }
        }
    }

    fn runs_unlocked(&self, file: Option<&File>) -> bool {
        !file.is_some_and(|file| can_delegate(file, false) && !takes_commands(file))
    }

    fn is_unbound(&self, _file: &File) -> bool {
        true
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let (Some(file), Some((addr, len, flags))) = (file, self.last) else {
            // What is punted has its file, and has taken a buffer.
            warn_on!(true);
            return Outcome::failed(EBADF);
        };
        let read =
            Transfer::new(file, false, self.rw_flags, current_ioprio()).and_then(|mut transfer| {
                transfer.transfer(UserBuffers::One { addr, len }, None, &mut self.pos, true)
            });
        Outcome::Done {
            res: read.map_or_else(|error| error.to_raw(), |len| len as i32),
            flags,
            broken: false,
        }
    }

    fn run_unlocked(
        &mut self,
        _context: CallContext<'_>,
        file: Option<&File>,
        buffer: Option<&RegisteredBuffer>,
    ) -> Outcome {
        let (Some(file), Some((addr, len, _))) =
            (file.filter(|file| takes_commands(file)), self.last)
        else {
            return self.run_punted(file, buffer);
        };
        let transfer = Transfer::new(file, false, self.rw_flags, current_ioprio());
        self.read = Some(transfer.and_then(|mut transfer| {
            transfer.transfer(UserBuffers::One { addr, len }, None, &mut self.pos, false)
        }));
        Outcome::Requeue
    }

    fn progress(&self) -> (usize, u32) {
        let len = match self.read {
            Some(Ok(len)) => len,
            _ => 0,
        };
        (len, self.last.map_or(0, |(_, _, flags)| flags))
    }

    fn multishot(&self) -> bool {
        true
    }

    fn never_waits(&self) -> bool {
        self.rw_flags & rwf::NOWAIT != 0
    }
}
