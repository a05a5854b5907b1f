// SPDX-License-Identifier: GPL-2.0

//! What an opcode is: what the core has to know of it, what it may use, and what comes of it.

use crate::{
    req::{claim::Reasons, Lent},
    ring::{Locked, Ring},
    rsrc::buffers::Buffer,
    sys::{buffer::Part, timer::Deadline},
    uapi::{
        errno::{Errno, Result, EBADF, EFAULT, EINVAL},
        sqe::{Flags, Sqe},
    },
};
use kernel::{fs::File, sync::Arc};

/// Which events of its file an opcode waits for when it would block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It does not block.
    Never,
    /// Something to read.
    In,
    /// Something to read; one waiter is enough.
    InExclusive,
    /// Room to write.
    Out,
    /// It says so itself, see [`Op::events`].
    Own,
}

/// What the core has to know of an opcode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    /// Whether `sqe->fd` is a file that it works on.
    pub(crate) needs_file: bool,
    /// Whether it can take its buffer from a group.
    pub(crate) buffer_select: bool,
    /// Whether it has flags in `sqe->ioprio`.
    pub(crate) ioprio: bool,
    /// What it waits for.
    pub(crate) wait: Wait,
}

/// An attempt: what an opcode may use.
pub(crate) struct Attempt<'a, 'r> {
    /// The ring, locked.
    pub(crate) ring: &'a mut Locked<'r>,
    /// The open file, for opcodes that need one.
    pub(crate) file: Option<&'a File>,
    /// The registered buffer, see [`Attempt::fixed`].
    pub(crate) buffer: &'a mut Option<Arc<Buffer>>,
    /// For completions.
    pub(crate) user_data: u64,
    /// `sqe->buf_index`
    pub(crate) index: u16,
    /// The buffer group to take from.
    pub(crate) group: Option<u16>,
    /// Whether it has been polled for before.
    pub(crate) polled: bool,
    /// What woke it up.
    pub(crate) reasons: Reasons,
}

impl<'a> Attempt<'a, '_> {
    /// The file of an opcode that needs one.
    #[inline]
    pub(crate) fn file(&self) -> Result<&'a File> {
        self.file.ok_or(EBADF)
    }

    /// The `len` bytes at `addr` in the registered buffer that the SQE names. `-EFAULT` if there
    /// is no such buffer, or they are not in it.
    ///
    /// The request keeps the buffer until it is over, also if another one takes its place.
    #[inline]
    pub(crate) fn fixed(&mut self, addr: u64, len: usize) -> Result<Part<'_>> {
        self.registered()?.memory.part(addr, len)
    }

    /// The registered buffer itself.
    #[inline]
    pub(crate) fn registered(&mut self) -> Result<&Buffer> {
        if self.buffer.is_none() {
            *self.buffer = self.ring.buffers().get(self.index).cloned();
        }
        self.buffer.as_deref().ok_or(EFAULT)
    }

    /// Posts one of several completions of a multishot request. False if there is no room: the
    /// request then has to end, with this result.
    #[inline]
    pub(crate) fn post_more(&mut self, res: i32, flags: u32) -> bool {
        self.ring.post_more(self.user_data, res, flags)
    }
}

/// What came of an attempt.
pub(crate) enum Outcome {
    /// It is over.
    Done {
        /// For the completion.
        res: i32,
        /// For the completion.
        flags: u32,
        /// Whether it breaks a link, which a negative `res` does anyway.
        broken: bool,
    },
    /// It would block.
    Wait,
    /// It waits for its time, see [`Op::deadline`].
    Sleep,
    /// It could go on, but others are to have their turn first.
    Later,
    /// It cannot go on with the ring locked, see [`Op::work`]: it would block, and no event would
    /// tell when it does not.
    Block,
    /// It is over, and its notification posts the completion.
    Handed(Lent),
}

impl Outcome {
    /// Over, with a result.
    #[inline]
    pub(crate) const fn done(res: i32) -> Self {
        Self::Done {
            res,
            flags: 0,
            broken: false,
        }
    }

    /// Over, with a result or an error.
    #[inline]
    pub(crate) fn of(result: Result<i32>) -> Self {
        match result {
            Ok(res) => Self::done(res),
            Err(error) => Self::failed(error),
        }
    }

    /// Over, with an error.
    #[inline]
    pub(crate) const fn failed(error: Errno) -> Self {
        Self::done(error.to_raw())
    }
}

/// An opcode.
pub(crate) trait Op: Sized + Send {
    /// What the core has to know.
    const SPEC: Spec;

    /// Whether it may have a worker go on with it.
    const WORKS: bool = false;

    /// Whether a first attempt is worth a copy of its own, in which what is known of it is constant.
    const SHORT: bool = false;

    /// Whether it always uses the registered buffer that the SQE names, so that a worker needs it.
    const FIXED: bool = false;

    /// Reads the SQE. User memory that it points to is read here as well, so that the user may
    /// reuse it once the submission is over.
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self>;

    /// Tries to do it, without blocking, as the submitter's task with the ring locked.
    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome;

    /// Whether a worker is to have it from the beginning, for IOSQE_ASYNC.
    #[inline]
    fn begins_in_worker(&self, _file: &File) -> bool {
        false
    }

    /// Whether it is not a worker that goes on with it, but the submitter once it has unlocked the
    /// ring: what needs more of a task than a worker has of it, or is over soon as a rule.
    #[inline]
    fn steps_out(&self, _file: Option<&File>) -> bool {
        false
    }

    /// Whether it may wait for ever, so that others should not wait for its worker.
    #[inline]
    fn is_unbound(&self, _file: &File) -> bool {
        false
    }

    /// What no two workers of a ring are to work on at a time: a number other than 0.
    #[inline]
    fn serial(&self, _file: &File) -> usize {
        0
    }

    /// Does it to the end, or the rest of it, without the ring. It may sleep: a worker calls this,
    /// which is a thread of the submitter's process with its credentials, but without descriptors; or
    /// the submitter does, see [`Op::steps_out`].
    /// `buffer` is the registered buffer of the request, if it has looked one up.
    fn work(&mut self, _file: Option<&File>, _buffer: Option<&Buffer>) -> Outcome {
        Outcome::failed(EINVAL)
    }

    /// Does what is left after [`Op::work`] has said `res`, with the ring locked: as the submitter's task,
    /// unless that is gone. Returns the result.
    #[inline]
    fn settle(&mut self, _ring: &mut Locked<'_>, res: i32) -> i32 {
        res
    }

    /// Whether it goes on after a completion.
    #[inline]
    fn multishot(&self) -> bool {
        false
    }

    /// Whether it fails with `-EAGAIN` rather than wait.
    #[inline]
    fn never_waits(&self) -> bool {
        false
    }

    /// What came of it so far, should it end before its time: bytes transferred, which are told
    /// rather than the error, and the flags for a provided buffer that it has used.
    #[inline]
    fn progress(&self) -> (usize, u32) {
        (0, 0)
    }

    /// Whether there is something in it to drop.
    #[inline]
    fn owns(&self) -> bool {
        core::mem::needs_drop::<Self>()
    }

    /// Ends it for `error` before its time, as [`Op::progress`] says.
    #[inline]
    fn end(&mut self, _ring: &mut Locked<'_>, error: Errno) -> Outcome {
        let (done, flags) = self.progress();
        let res = if done > 0 {
            done as i32
        } else {
            error.to_raw()
        };
        Outcome::Done {
            res,
            flags,
            broken: true,
        }
    }

    /// The events to wait for, for [`Wait::Own`]; or those not to wait for after all.
    #[inline]
    fn events(&self) -> u32 {
        0
    }

    /// The ring whose descriptor it waits for, instead of the file: see [`super::poll::PollAdd`].
    #[inline]
    fn ring(&self) -> Option<&Arc<Ring>> {
        None
    }

    /// When its time comes, if it waits for that.
    #[inline]
    fn deadline(&self) -> Option<Deadline> {
        None
    }
}
