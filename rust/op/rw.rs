// SPDX-License-Identifier: GPL-2.0

//! READ, WRITE, their vectored forms, and those for registered buffers. `io_uring/rw.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    kbuf::groups::SelectedBuffer,
    rsrc::buffers::RegisteredBuffer,
    sys::{
        buffer::UserBuffer,
        context::CallContext,
        rw::{
            can_ask, can_delegate, check_ioprio, current_ioprio, is_nonblocking, is_ready,
            is_whole, regular_id, waits, Position, Transfer,
        },
        signal,
        socket::{Socket, UserBuffers},
        user::{access_ok, read_iovec_len, Vector},
    },
    uapi::{
        abi::{rwf, setup, MAX_RW_COUNT},
        args::rw::{RwArgs, RwKind},
        errno::{Errno, Result, EAGAIN, EBADF, EFAULT, EINTR, ENOBUFS, EOPNOTSUPP},
        sqe::{Flags, Sqe},
    },
};
use core::num::NonZeroU32;
use kernel::{fs::File, warn_on};

/// READ
pub(crate) type Read = ReadWrite<false, false, false>;
/// READV
pub(crate) type ReadV = ReadWrite<false, true, false>;
/// WRITE
pub(crate) type Write = ReadWrite<true, false, false>;
/// WRITEV
pub(crate) type WriteV = ReadWrite<true, true, false>;
/// READ_FIXED
pub(crate) type ReadFixed = ReadWrite<false, false, true>;
/// READV_FIXED
pub(crate) type ReadvFixed = ReadWrite<false, true, true>;
/// WRITE_FIXED
pub(crate) type WriteFixed = ReadWrite<true, false, true>;
/// WRITEV_FIXED
pub(crate) type WritevFixed = ReadWrite<true, true, true>;

/// One read or write, from or to a registered buffer if it is `FIXED`.
pub(crate) struct ReadWrite<const WRITE: bool, const VECTOR: bool, const FIXED: bool> {
    addr: u64,
    pos: Position,
    /// What to transfer, if it is in pieces.
    vector: Option<Vector>,
    len: u32,
    rw_flags: u32,
    /// Bytes that are transferred already.
    done: u32,
    ioprio: u16,
    /// Whether a write to what nobody reads raises no signal: io_uring has a worker do it, which takes none.
    quiet: bool,
    /// Whether a write goes on until all is written, unless the file is not to wait: a worker of io_uring sleeps for it.
    sends_all: bool,
    /// Whether there was nothing to be read any more when it tried with the ring unlocked.
    missed: bool,
    /// The flags for the provided buffer that it keeps.
    buffer: Option<NonZeroU32>,
}

/// What is to become of a transfer after an attempt.
enum NextStep {
    /// It waits for its file.
    Poll,
    /// It goes on where the ring is not locked.
    Punt,
    /// It is over, with how many bytes were transferred, and whether these are fewer than were wanted.
    Over(Result<(usize, bool)>),
}

/// Whether there is nothing to be read of `file`, nor ever will be, which does not show to who must not wait: a socket that
/// for datagrams that is shut down.
fn will_have_nothing(file: &File) -> bool {
    Socket::of(file).is_ok_and(Socket::ends_unseen)
}

/// Whether there is nothing to be read of `file`, which takes commands. What an attempt would have asked is asked, for `len` bytes.
///
/// # Errors
///
/// What that has said.
pub(super) fn is_idle(file: &File, polled: bool, len: usize) -> Result<bool> {
    if len == 0 || is_ready(file, false) {
        return Ok(false);
    }
    Ok(polled || Socket::of(file)?.may_wait(len, 0)?)
}

/// Whether what is written to `file`, or read from it, is to be so with the ring unlocked.
pub(super) fn takes_commands(file: &File) -> bool {
    Socket::of(file).is_ok_and(Socket::takes_commands)
}

impl<const WRITE: bool, const VECTOR: bool, const FIXED: bool> ReadWrite<WRITE, VECTOR, FIXED> {
    /// Takes a buffer for the transfer, and returns it if it is only consumed by success.
    fn select(
        &mut self,
        attempt: &mut Attempt<'_, '_>,
        group: u16,
        waits: bool,
    ) -> Result<Option<SelectedBuffer>> {
        let groups = attempt.ring.groups();
        let selected = groups.select(group, self.len as usize).ok_or(ENOBUFS)?;
        self.addr = selected.addr();
        // It is no longer from here on, whatever the next buffer would have room for.
        self.len = selected.len.min(MAX_RW_COUNT) as u32;
        if waits && !selected.consumed_at_once {
            return Ok(Some(selected));
        }
        self.buffer = NonZeroU32::new(groups.commit(selected, self.len as usize));
        Ok(None)
    }

    /// Tries again what has found no room in a file that is not to wait and says that there is some, as an eventfd does that has
    /// none for so large a value: after 128 times a worker of io_uring lets it be. None if there is something to wait for.
    #[cold] // read/unix/64
    fn insist(
        &mut self,
        file: &File,
        buffer: Option<&RegisteredBuffer>,
    ) -> Option<Result<(usize, bool)>> {
        // What a socket has room for depends on the memory that there is, too.
        if Socket::of(file).is_ok() {
            return None;
        }
        for _ in 0..3 {
            if !is_ready(file, WRITE) {
                return None;
            }
            match self.transfer(file, buffer, false) {
                Err(EAGAIN) => {}
                result => return Some(result),
            }
        }
        Some(Err(EAGAIN))
    }

    fn buffers(&self) -> UserBuffers<'_> {
        match &self.vector {
            Some(iov) => UserBuffers::Many {
                iov,
                skip: self.done as usize,
            },
            None => UserBuffers::One {
                addr: self.addr,
                len: self.len as usize,
            },
        }
    }

    /// Goes on behind `count` bytes.
    fn advance(&mut self, count: usize) {
        self.done += count as u32;
        if self.vector.is_none() {
            self.addr += count as u64;
            self.len -= count as u32;
        }
    }

    fn nowait(&self) -> bool {
        self.rw_flags & rwf::NOWAIT != 0
    }

    /// Whether it goes on until all is written, to a file that can be waited for if it `waits`.
    #[cold] // read/unix/64
    fn insists(&self, file: &File, waits: bool) -> bool {
        self.sends_all && waits && !self.nowait() && !is_nonblocking(file)
    }

    /// The registered buffer, which has all bytes that are to be transferred.
    fn memory<'a>(&self, buffer: Option<&'a RegisteredBuffer>) -> Result<Option<&'a UserBuffer>> {
        if !FIXED {
            return Ok(None);
        }
        let Some(RegisteredBuffer { memory, .. }) = buffer else {
            // The first attempt looks it up, and the request has it from then on.
            warn_on!(true);
            return Err(EFAULT);
        };
        match &self.vector {
            Some(vector) => _ = memory.count_pieces(vector)?,
            None => _ = memory.part(self.addr, self.len as usize)?,
        }
        Ok(Some(memory))
    }

    /// Transfers, sleeping for that only with `block`. Returns how much, and whether that is less
    /// than was wanted.
    fn transfer(
        &mut self,
        file: &File,
        buffer: Option<&RegisteredBuffer>,
        block: bool,
    ) -> Result<(usize, bool)> {
        let memory = self.memory(buffer)?;
        let mut transfer = Transfer::new(file, WRITE, self.rw_flags, self.ioprio)?;
        if WRITE && self.quiet {
            transfer.raise_no_signal();
        }
        let buffers = self.buffers();
        let want = buffers.len();
        let mut pos = self.pos;
        let result = transfer.transfer(buffers, memory, &mut pos, block);
        self.pos = pos;
        result.map(|len| (len, len < want))
    }

    /// Whether there may be something for it to read with the ring unlocked.
    ///
    /// # Errors
    ///
    /// `-EAGAIN` if there is nothing; what an attempt would have said.
    #[cold] // read/unix/64
    fn look(
        &mut self,
        file: &File,
        buffer: Option<&RegisteredBuffer>,
        polled: bool,
    ) -> Result<(usize, bool)> {
        self.memory(buffer)?;
        let missed = core::mem::take(&mut self.missed);
        if missed || is_idle(file, polled, self.buffers().len())? {
            return Err(EAGAIN);
        }
        Ok((0, false))
    }

    /// What is to become of a transfer whose attempt has said `result`: of a file that can be waited for if it `waits`, after it
    /// was polled for if it was `polled`, and to be done with the ring unlocked if it is `unlocked`.
    fn what_next(
        &mut self,
        file: &File,
        buffer: Option<&RegisteredBuffer>,
        (waits, polled, unlocked): (bool, bool, bool),
        result: Result<(usize, bool)>,
    ) -> NextStep {
        match result {
            Ok(_) if unlocked => NextStep::Punt,
            Err(EAGAIN) if WRITE && waits && polled && is_nonblocking(file) => self
                .insist(file, buffer)
                .map_or(NextStep::Poll, NextStep::Over),
            Err(EAGAIN) if waits && (can_ask(file, WRITE) || !is_ready(file, WRITE)) => {
                if WRITE || self.nowait() || !will_have_nothing(file) {
                    NextStep::Poll
                } else if is_nonblocking(file) {
                    NextStep::Over(result)
                } else {
                    // As read(2), which waits no longer then.
                    NextStep::Over(Ok((0, true)))
                }
            }
            Err(EAGAIN) if !self.nowait() => NextStep::Punt,
            // By task work that is to come, of which user space is not to hear: it does not interrupt a worker.
            Err(EINTR) if !self.nowait() && !signal::pending() => NextStep::Punt,
            // The rest of it would sleep.
            Ok((len @ 1.., true)) if is_whole(file) && !self.nowait() => {
                self.advance(len);
                NextStep::Punt
            }
            Ok((len @ 1.., true)) if WRITE && self.insists(file, waits) => {
                self.advance(len);
                NextStep::Poll
            }
            _ => NextStep::Over(result),
        }
    }

    /// What is said of a transfer for which its file would have to be polled. As in io_uring that there are no such bytes, or
    /// may be none of this file, comes before that it cannot be polled.
    fn why_not_polled(&self, attempt: &mut Attempt<'_, '_>, file: &File) -> Errno {
        if let (Some(group), None) = (attempt.group, self.buffer) {
            if attempt
                .ring
                .groups()
                .select(group, self.len as usize)
                .is_none()
            {
                return ENOBUFS;
            }
        }
        if FIXED {
            let buffer = attempt.registered();
            if let Err(error) = buffer.and_then(|buffer| self.memory(Some(buffer))) {
                return error;
            }
        }
        match Transfer::new(file, WRITE, 0, 0) {
            Err(EBADF) => EBADF,
            _ => EOPNOTSUPP,
        }
    }

    /// How it ends. `flags` are those for a buffer that is used up by success.
    fn over(&self, result: Result<(usize, bool)>, flags: u32) -> Outcome {
        let done = self.done as usize;
        let (res, broken) = match result {
            Ok((len, short)) => ((done + len) as i32, short),
            Err(error) if done == 0 => (error.to_raw(), true),
            Err(_) => (done as i32, true),
        };
        Outcome::Done {
            res,
            flags: flags | self.buffer.map_or(0, NonZeroU32::get),
            broken,
        }
    }
}

impl<const WRITE: bool, const VECTOR: bool, const FIXED: bool> Op
    for ReadWrite<WRITE, VECTOR, FIXED>
{
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let kind = if VECTOR {
            RwKind::Vector
        } else {
            RwKind::Plain
        };
        let mut args = RwArgs::parse(sqe, flags, kind)?;
        if args.ioprio != 0 {
            check_ioprio(args.ioprio)?;
        } else {
            args.ioprio = current_ioprio();
        }
        let mut vector = None;
        if VECTOR && flags.buffer_select() {
            // It says no more than how much to read.
            args.len = read_iovec_len(args.addr)? as u32;
        } else if VECTOR && FIXED {
            vector = Some(Vector::read_fixed(args.addr, args.len.into())?);
        } else if VECTOR {
            vector = Some(Vector::read(args.addr, args.len.into())?);
        } else if !flags.buffer_select() && !FIXED {
            args.len = args.len.min(MAX_RW_COUNT as u32);
            if !access_ok(args.addr, args.len as usize) {
                return Err(EFAULT);
            }
        }
        Ok(Self {
            addr: args.addr,
            pos: Position::from_offset(args.off),
            vector,
            len: args.len,
            rw_flags: args.rw_flags,
            done: 0,
            ioprio: args.ioprio,
            quiet: false,
            sends_all: false,
            missed: false,
            buffer: None,
        })
    }

    fn set_by_io_wq(&mut self, blocks: bool) {
        self.quiet = true;
        self.sends_all |= blocks;
    }

    fn issue(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        let file = match attempt.file() {
            Ok(file) => file,
            Err(error) => return Outcome::failed(error),
        };
        if attempt.ring.polls_files() {
            return Outcome::failed(self.why_not_polled(&mut attempt, file));
        }
        if WRITE {
            self.quiet |= attempt.ring.ring.config.has(setup::SQPOLL);
        }
        let waits = waits(file);
        let polled = attempt.polled;
        let selected = match (attempt.group, self.buffer) {
            (Some(group), None) => match self.select(&mut attempt, group, waits) {
                Ok(selected) => selected,
                Err(error) => return Outcome::failed(error),
            },
            _ => None,
        };
        let buffer = if FIXED {
            match attempt.registered() {
                Ok(buffer) => Some(buffer),
                Err(error) => return Outcome::failed(error),
            }
        } else {
            None
        };
        let unlocked = takes_commands(file);
        let result = if !unlocked {
            self.transfer(file, buffer, false)
        } else if WRITE {
            return Outcome::Punt;
        } else {
            self.look(file, buffer, polled)
        };
        let result = match self.what_next(file, buffer, (waits, polled, unlocked), result) {
            NextStep::Over(result) => result,
            NextStep::Poll => return Outcome::POLL,
            NextStep::Punt => {
                if let Some(selected) = selected {
                    let len = self.len as usize;
                    self.buffer = NonZeroU32::new(attempt.ring.groups().commit(selected, len));
                }
                return Outcome::Punt;
            }
        };
        let flags = match (result, selected) {
            (Ok((len, _)), Some(selected)) => attempt.ring.groups().commit(selected, len),
            _ => 0,
        };
        self.over(result, flags)
    }

    fn begins_in_worker(&self, file: &File) -> bool {
        !self.nowait() && !waits(file) && can_delegate(file, WRITE)
    }

    fn runs_unlocked(&self, file: Option<&File>) -> bool {
        !file.is_some_and(|file| can_delegate(file, WRITE) && !takes_commands(file))
    }

    fn is_unbound(&self, file: &File) -> bool {
        !is_whole(file)
    }

    fn serial(&self, file: &File) -> usize {
        // As io_uring: what is written to a regular file is written in order.
        if WRITE {
            regular_id(file)
        } else {
            0
        }
    }

    fn run_punted(&mut self, file: Option<&File>, buffer: Option<&RegisteredBuffer>) -> Outcome {
        let result = file
            .ok_or(EBADF)
            .and_then(|file| self.transfer(file, buffer, true));
        self.over(result, 0)
    }

    fn run_unlocked(
        &mut self,
        context: CallContext<'_>,
        file: Option<&File>,
        buffer: Option<&RegisteredBuffer>,
    ) -> Outcome {
        let commands = file.is_some_and(takes_commands);
        let (result, interrupted) = signal::without_task_work(|| {
            file.ok_or(EBADF)
                .and_then(|file| self.transfer(file, buffer, !commands))
        });
        match result {
            // Somebody else was first.
            Err(EAGAIN) if commands && !WRITE => self.missed = true,
            // Of task work user space is not to hear.
            Err(EINTR) if interrupted && context.task().is_some() && !signal::pending() => {}
            result => return self.over(result, 0),
        }
        Outcome::Requeue
    }

    fn progress(&self) -> (usize, u32) {
        (self.done as usize, self.buffer.map_or(0, NonZeroU32::get))
    }

    #[inline]
    fn never_waits(&self) -> bool {
        self.nowait()
    }
}
