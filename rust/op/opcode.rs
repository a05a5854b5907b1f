// SPDX-License-Identifier: GPL-2.0

//! What an opcode is: what the core has to know of it, what it may use, and what comes of it.

use crate::{
    op::{
        table::{PollFor, Spec},
        Operation,
    },
    req::{wake::WakeFlags, NotifRef},
    ring::{Locked, Ring},
    rsrc::buffers::RegisteredBuffer,
    sys::{
        buffer::Part,
        context::CallContext,
        lsm::{self, Hooks},
        time::Deadline,
        unexported::Functions,
    },
    uapi::{
        abi::events,
        args::files::FileSlot,
        errno::{Errno, Result, EAGAIN, EBADF, EFAULT, EINVAL},
        filter::Pdu,
        sqe::{Flags, Opcode, Sqe},
    },
};
use kernel::{fs::File, sync::Arc, warn_on};

/// An attempt: what an opcode may use.
pub(crate) struct Attempt<'a, 'r> {
    /// The ring, locked.
    pub(crate) ring: &'a mut Locked<'r>,
    /// The open file, for opcodes that need one.
    pub(crate) file: Option<&'a File>,
    /// The registered buffer, see [`Attempt::fixed`].
    pub(crate) buffer: &'a mut Option<Arc<RegisteredBuffer>>,
    /// `sqe->user_data`, for [`Attempt::post_more`].
    pub(crate) user_data: u64,
    /// `sqe->buf_index`
    pub(crate) index: u16,
    /// The buffer group to take from.
    pub(crate) group: Option<u16>,
    /// Whether it has been polled for before.
    pub(crate) polled: bool,
    /// What woke it up.
    pub(crate) wake_flags: WakeFlags,
}

impl<'a> Attempt<'a, '_> {
    /// The file of an opcode that needs one.
    ///
    /// # Errors
    ///
    /// `-EBADF` if it has none.
    #[inline]
    pub(crate) fn file(&self) -> Result<&'a File> {
        self.file.ok_or(EBADF)
    }

    /// What an attempt says whose request goes on with its file where the ring is not locked: it fails with `-EBADF` if
    /// there is none.
    pub(crate) fn punt_with_file(&self) -> Outcome {
        match self.file {
            Some(_) => Outcome::Punt,
            None => Outcome::failed(EBADF),
        }
    }

    /// The `len` bytes at `addr` in the registered buffer that the SQE names.
    ///
    /// The request keeps the buffer until it is over, also if another one takes its place.
    ///
    /// # Errors
    ///
    /// `-EFAULT` if there is no such buffer, or they are not in it.
    #[cold] // recv-multishot/unix/64/8/plain
    pub(crate) fn fixed(&mut self, addr: u64, len: usize) -> Result<Part<'_>> {
        self.registered()?.memory.part(addr, len)
    }

    /// The registered buffer that the SQE names.
    ///
    /// # Errors
    ///
    /// `-EFAULT` if there is none.
    #[inline]
    pub(crate) fn registered(&mut self) -> Result<&RegisteredBuffer> {
        if self.buffer.is_none() {
            *self.buffer = self.ring.buffers().get(self.index.into()).cloned();
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
    /// The request is over.
    Done {
        /// The result that its completion bears.
        res: i32,
        /// The flags that its completion bears.
        flags: u32,
        /// Whether it breaks a link, which a negative `res` does anyway.
        broken: bool,
    },
    /// It would block, and waits for these events of its file, with the behaviour bits of `EPOLL*`. An opcode says
    /// [`Outcome::POLL`]: its row says which events these are.
    Poll(u32),
    /// It waits for its time, see [`Op::deadline`].
    Timer,
    /// It could go on, but others are to have their turn first.
    Requeue,
    /// It goes on when its task looks for what has come back, and nothing ends it before.
    TaskWork,
    /// It goes on once its group has a buffer, there is what [`Op::waits_for`] says, it is its turn to send, or what it has
    /// reported was read, as a level-triggered poll waits for.
    Stall,
    /// It cannot go on with the ring locked, see [`Op::run_punted`]: it would block, and no event would
    /// tell when it does not.
    Punt,
    /// It is over, and its notification posts the completion.
    ByNotif(NotifRef),
}

impl Outcome {
    /// The request would block, and waits for the events that its opcode's row names.
    pub(crate) const POLL: Self = Self::Poll(0);

    /// The request is over, with a result.
    #[inline]
    pub(crate) const fn done(res: i32) -> Self {
        Self::Done {
            res,
            flags: 0,
            broken: false,
        }
    }

    /// The request is over, with a result or an error.
    #[inline]
    pub(crate) fn of(result: Result<i32>) -> Self {
        match result {
            Ok(res) => Self::done(res),
            Err(error) => Self::failed(error),
        }
    }

    /// The request is over, with an error.
    #[inline]
    pub(crate) const fn failed(error: Errno) -> Self {
        Self::done(error.to_raw())
    }

    /// The request is over, with an error that breaks a link also where others of the opcode do not.
    pub(crate) const fn broken(error: Errno) -> Self {
        Self::Done {
            res: error.to_raw(),
            flags: 0,
            broken: true,
        }
    }

    /// Whether the request is not over, and goes on later.
    pub(crate) fn is_pending(&self) -> bool {
        !matches!(self, Self::Done { .. } | Self::ByNotif(_))
    }

    /// What audit is told of the attempt: 0 if the request is over, whatever its result.
    fn audit_code(&self) -> isize {
        if self.is_pending() {
            EAGAIN.to_raw() as isize
        } else {
            0
        }
    }
}

/// What every opcode implements: how it is parsed, tried, and ended before its time.
pub(crate) trait Op: Sized + Send {
    /// The hooks that it calls and that are not called by what it uses: it is not there without them.
    const HOOKS: Hooks = Hooks::NONE;

    /// The functions that it calls and that the kernel does not export: without them it is no opcode, neither for PROBE nor
    /// for who submits it.
    const FUNCTIONS: Functions = Functions::NONE;

    /// Whether it is audited, see [`Op::is_audited_later`].
    const AUDITED: bool = false;

    /// Reads the SQE. User memory that it points to is read here as well, so that the user may
    /// reuse it once the submission is over.
    ///
    /// # Errors
    ///
    /// What the request completes with, `-EINVAL` as a rule.
    ///
    /// # Context
    ///
    /// May sleep, with the ring locked: only for memory of the task's own.
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self>;

    /// Tries to do it, without blocking.
    ///
    /// # Context
    ///
    /// The submitter's task, with the ring locked.
    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome;

    /// Does what an SQE asks for without a request, which would only be there to wait: of what has [`Spec::at_once`].
    ///
    /// The result and the flags of its completion, for which there is room. None if it is to be done as any other, also
    /// what fails.
    #[inline]
    fn at_once(_ring: &mut Locked<'_>, _sqe: &Sqe) -> Option<(i32, u32)> {
        None
    }

    /// Whether a worker is to have it from the beginning, for IOSQE_ASYNC, of what has
    /// [`Spec::begins_in_worker`].
    #[inline]
    fn begins_in_worker(&self, _file: &File) -> bool {
        false
    }

    /// Whether it is the submitter that goes on with it, and no worker, for
    /// [`PuntTo::Either`](super::table::PuntTo::Either).
    #[inline]
    fn runs_unlocked(&self, _file: Option<&File>) -> bool {
        false
    }

    /// Whether an attempt does no more than to look whether [`Op::run_punted`] is to do it, so that there is
    /// nothing to audit yet.
    #[inline]
    fn is_audited_later(&self) -> bool {
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

    /// Does it to the end, or the rest of it. `buffer` is the registered buffer of the request, if it has looked one
    /// up.
    ///
    /// # Context
    ///
    /// A worker, which is a thread of the submitter's process with its credentials, but without descriptors; or the
    /// submitter, see [`Op::runs_unlocked`]. The ring is not locked. May sleep.
    fn run_punted(&mut self, _file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        // The row of an opcode that is punted says so, and such an opcode has a function of its own.
        warn_on!(true);
        Outcome::failed(EINVAL)
    }

    /// As [`Op::run_punted`], by the submitter itself; `context` says what that may do.
    ///
    /// # Context
    ///
    /// The submitter's task, see [`Op::runs_unlocked`]. The ring is not locked. May sleep.
    #[inline]
    fn run_unlocked(
        &mut self,
        _context: CallContext<'_>,
        file: Option<&File>,
        buffer: Option<&RegisteredBuffer>,
    ) -> Outcome {
        self.run_punted(file, buffer)
    }

    /// Does what is left after [`Op::run_punted`] has said `res`. Returns the result.
    ///
    /// # Context
    ///
    /// The submitter's task, unless that is gone, with the ring locked.
    #[inline]
    fn after_punt(&mut self, _ring: &mut Locked<'_>, res: i32) -> i32 {
        res
    }

    /// Whether io_uring, which tries inline first what a worker has done here, would have had this result from that attempt,
    /// so that no worker is seen in its completion.
    #[inline]
    fn io_uring_did_inline(&self, _res: i32) -> bool {
        false
    }

    /// Says that io_uring would have a worker do it, which sleeps for it if it `blocks`: a stream then takes all of it. A
    /// multishot one waits for an event before its first attempt, whether it is to wait or not. A write raises no signal, and a cancel finds itself.
    #[inline]
    fn set_by_io_wq(&mut self, _blocks: bool) {}

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

    /// Whether one completion is all that comes of it now, and nobody else could have what has woken it up, for
    /// [`Wake::Own`](super::table::Wake::Own).
    #[inline]
    fn is_lazy(&self) -> bool {
        true
    }

    /// Whether there is something in it to drop.
    #[inline]
    fn needs_drop(&self) -> bool {
        core::mem::needs_drop::<Self>()
    }

    /// Ends it for `error` before its time, as [`Op::progress`] says. It is over then, or its notification ends it.
    ///
    /// # Context
    ///
    /// Any task or kworker, with the ring locked.
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

    /// The events to wait for, for [`PollFor::Own`]; or those not to wait for after all.
    #[inline]
    fn events(&self) -> u32 {
        0
    }

    /// Whether several messages are expected to come before it has its turn again, of which the first is to wake it up.
    #[inline]
    fn expects_burst(&self) -> bool {
        false
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

    /// The completion that ends it, if it waits for that: see [`crate::ring::counts`].
    #[inline]
    fn target(&self) -> Option<u32> {
        None
    }

    /// Where there is to be room for a file before it goes on, see [`Outcome::Stall`].
    #[inline]
    fn waits_for(&self) -> Option<FileSlot> {
        None
    }

    /// If it is a poll that reports again as long as there is something: how many completions of the ring are to be
    /// consumed before it looks again, modulo 2^32.
    #[inline]
    fn seen_at(&self) -> Option<u32> {
        None
    }

    /// The result of a request that its wake-up has told all there is to know, and whether it is the last, of what has
    /// [`Spec::only_polls`]: such a request need not be tried.
    #[inline]
    fn poll_result(&self, _wake_flags: WakeFlags) -> Option<(i32, bool)> {
        None
    }

    /// It begins right after the completion of the LINK_TIMEOUT before it.
    #[inline]
    fn follow_link_timeout(&mut self) {}

    /// What a filter sees of it besides its opcode and flags.
    #[inline]
    fn pdu(&self) -> Pdu {
        Pdu::default()
    }

    /// Whether io_uring leaves this request to a worker alone, where that is not so of all of its opcode: see
    /// [`Spec::forced`].
    #[inline]
    fn is_forced(&self) -> bool {
        false
    }

    /// Whether a result is no failure, although it is negative.
    #[inline]
    fn may_end_with(&self, _res: i32) -> bool {
        false
    }
}

/// An opcode as one of all.
pub(crate) trait OpVariant: Op {
    /// `IORING_OP_*`
    const CODE: Opcode;
    /// The row of the opcode in the table.
    const SPEC: Spec;
    /// The operation, if it is of this opcode.
    fn of(operation: &mut Operation) -> Option<&mut Self>;
    /// Makes it one of all operations.
    fn into(self) -> Operation;
}

/// All hooks without which an opcode is not there.
pub(crate) const fn hooks_of<T: Op>() -> Hooks {
    if T::AUDITED {
        T::HOOKS.with(Hooks::AUDIT)
    } else {
        T::HOOKS
    }
}

/// Tries it, see [`Op::issue`], as audit wants to know.
#[inline(always)] // poll/32
pub(crate) fn issue<T: OpVariant>(op: &mut T, attempt: Attempt<'_, '_>) -> Outcome {
    if T::AUDITED && !op.is_audited_later() {
        return lsm::audited(T::CODE.number(), || op.issue(attempt), Outcome::audit_code);
    }
    op.issue(attempt)
}

/// Does it, see [`Op::run_punted`], as audit wants to know. It is the submitter that does it if there is a `context`.
pub(crate) fn run_punted<T: OpVariant>(
    op: &mut T,
    context: Option<CallContext<'_>>,
    file: Option<&File>,
    buffer: Option<&RegisteredBuffer>,
) -> Outcome {
    let mut done = || match context {
        Some(context) => op.run_unlocked(context, file, buffer),
        None => op.run_punted(file, buffer),
    };
    if T::AUDITED {
        return lsm::audited(T::CODE.number(), done, Outcome::audit_code);
    }
    done()
}

/// The events to wait for, with the behaviour bits of `EPOLL*`.
pub(crate) fn wanted<T: OpVariant>(op: &T) -> u32 {
    const COMMON: u32 = events::PRI | events::ERR;
    const IN: u32 = COMMON | events::IN | events::RDNORM;
    let wanted = match T::SPEC.poll {
        PollFor::Never => 0,
        PollFor::In => IN & !op.events(),
        PollFor::InExclusive => IN | events::EXCLUSIVE,
        PollFor::Out => COMMON | events::OUT | events::WRNORM,
        PollFor::Own => return op.events(),
    };
    if op.expects_burst() {
        wanted | events::BURST
    } else if op.multishot() {
        wanted
    } else {
        wanted | events::ONESHOT
    }
}
