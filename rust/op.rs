// SPDX-License-Identifier: GPL-2.0

//! The opcodes: one file per family, one row per opcode.

mod accept;
mod buffers;
mod cancel;
mod close;
mod cmd;
mod connect;
mod files;
mod nop;
mod poll;
mod recv;
mod recvmsg;
mod rw;
mod send;
pub(crate) mod send_zc;
mod sendmsg;
mod socket;
pub(crate) mod timeout;

use crate::{
    req::{claim::Reasons, Job, Lent},
    ring::{Locked, Ring},
    rsrc::buffers::Buffer,
    sys::{buffer::Part, timer::Deadline},
    uapi::{
        abi::{events, op},
        errno::{Errno, Result, EAGAIN, EBADF, EFAULT, EINVAL},
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
    /// It would block, and no event would tell when it does not: a worker is to go on with it, see
    /// [`Op::work`].
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

    /// Over, with an error.
    #[inline]
    pub(crate) const fn failed(error: Errno) -> Self {
        Self::done(error.to_raw())
    }
}

/// What came of an attempt, as the core is to go on.
pub(crate) enum Step {
    /// See [`Outcome::Done`].
    Done {
        /// For the completion.
        res: i32,
        /// For the completion.
        flags: u32,
        /// Whether it breaks a link, which a negative `res` does anyway.
        broken: bool,
    },
    /// It waits for these events of its file, with the behaviour bits of `EPOLL*`.
    Wait(u32),
    /// See [`Outcome::Sleep`].
    Sleep,
    /// See [`Outcome::Later`].
    Later,
    /// See [`Outcome::Block`].
    Block,
    /// See [`Outcome::Handed`].
    Handed(Lent),
    /// It is a notification, and its buffer is free.
    Landed,
}

impl Step {
    /// Over, with an error.
    #[inline]
    pub(crate) const fn failed(error: Errno) -> Self {
        Self::Done {
            res: error.to_raw(),
            flags: 0,
            broken: true,
        }
    }
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
        if self.buffer.is_none() {
            *self.buffer = self.ring.buffers().get(self.index).cloned();
        }
        let buffer = self.buffer.as_deref().ok_or(EFAULT)?;
        buffer.memory.part(addr, len)
    }

    /// Posts one of several completions of a multishot request. False if there is no room: the
    /// request then has to end, with this result.
    #[inline]
    pub(crate) fn post_more(&mut self, res: i32, flags: u32) -> bool {
        self.ring.post_more(self.user_data, res, flags)
    }
}

/// An opcode.
pub(crate) trait Op: Sized + Send {
    /// What the core has to know.
    const SPEC: Spec;

    /// Whether it may have a worker go on with it.
    const WORKS: bool = false;

    /// Whether it is worth making the way of all opcodes longer to save it a call.
    const HOT: bool = false;

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

    /// What no two workers of a ring are to work on at a time: a number other than 0.
    #[inline]
    fn serial(&self, _file: &File) -> usize {
        0
    }

    /// Does it to the end, or the rest of it. It may sleep: a worker calls this without the ring,
    /// in the submitter's address space and with its credentials, but as a kernel thread else.
    fn work(&mut self, _file: &File) -> Outcome {
        Outcome::failed(EINVAL)
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

    /// The ring whose descriptor it waits for, instead of the file: see [`poll::PollAdd`].
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

macro_rules! ops {
    ($($code:ident => $name:ident($op:ty)),* $(,)?) => {
        /// A request, parsed.
        pub(crate) enum Operation {
            $(#[doc = stringify!($code)] $name($op),)*
            /// One that was refused before it could be parsed.
            Refused,
            /// A notification, which is no opcode.
            Notif(send_zc::Notif),
        }

        /// The opcode's description, if ruring has it.
        #[inline(always)]
        pub(crate) fn spec(opcode: u8) -> Option<Spec> {
            match opcode {
                $(op::$code => Some(<$op>::SPEC),)*
                _ => None,
            }
        }

        /// The opcode's name.
        pub(crate) fn name(opcode: u8) -> &'static str {
            match opcode {
                $(op::$code => stringify!($code),)*
                _ => "INVALID",
            }
        }

        $(impl Variant for $op {
            const CODE: u8 = op::$code;

            #[inline(always)]
            fn of(operation: &mut Operation) -> Option<&mut Self> {
                match operation {
                    Operation::$name(op) => Some(op),
                    _ => None,
                }
            }

            #[inline(always)]
            fn into(self) -> Operation {
                Operation::$name(self)
            }
        })*

        /// Reads an SQE into a job whose last operation is over. It is left with what could be
        /// read if it is refused.
        #[inline(always)]
        pub(crate) fn parse(sqe: &Sqe, job: &mut Job) -> Result {
            job.begin(sqe.user_data());
            match sqe.opcode() {
                $(op::$code => parse_as::<$op>(sqe, job),)*
                _ => Err(EINVAL),
            }
        }

        /// Tries a job once. Looks its file up first, if it has none yet.
        #[inline(always)]
        pub(crate) fn issue(ring: &mut Locked<'_>, job: &mut Job, reasons: Reasons) -> Step {
            match &job.op {
                $(Operation::$name(_) => issue_as::<$op>(ring, job, reasons),)*
                Operation::Refused => Step::failed(EINVAL),
                Operation::Notif(_) => Step::Landed,
            }
        }

        /// Whether a worker is to have the job from the beginning. Looks its file up.
        pub(crate) fn begins_in_worker(ring: &Locked<'_>, job: &mut Job) -> bool {
            match &job.op {
                $(Operation::$name(_) if <$op>::WORKS => {
                    begins_in_worker_as::<$op>(ring, job)
                })*
                _ => false,
            }
        }

        /// See [`Op::serial`].
        pub(crate) fn serial(job: &Job) -> usize {
            let Some(file) = job.file.as_deref() else {
                return 0;
            };
            match &job.op {
                $(Operation::$name(op) => op.serial(file),)*
                _ => 0,
            }
        }

        /// See [`Op::work`].
        pub(crate) fn work(job: &mut Job) -> Outcome {
            let Some(file) = job.file.as_deref() else {
                return Outcome::failed(EBADF);
            };
            match &mut job.op {
                $(Operation::$name(op) => op.work(file),)*
                _ => Outcome::failed(EINVAL),
            }
        }

        impl Operation {
            /// Ends it for `error` before its time.
            pub(crate) fn end(&mut self, ring: &mut Locked<'_>, error: Errno) -> Step {
                match self {
                    $(Self::$name(op) => end(op, ring, error),)*
                    Self::Refused => Step::failed(error),
                    Self::Notif(_) => Step::Landed,
                }
            }

            /// See [`Op::ring`].
            #[inline]
            pub(crate) fn ring(&self) -> Option<&Arc<Ring>> {
                match self {
                    $(Self::$name(op) => op.ring(),)*
                    Self::Refused | Self::Notif(_) => None,
                }
            }

            /// See [`Op::deadline`].
            pub(crate) fn deadline(&self) -> Option<Deadline> {
                match self {
                    $(Self::$name(op) => op.deadline(),)*
                    Self::Refused | Self::Notif(_) => None,
                }
            }

            /// Whether a result is no failure, although it is negative.
            pub(crate) fn may_end_with(&self, res: i32) -> bool {
                match self {
                    Self::Timeout(timeout) => timeout.may_end_with(res),
                    _ => false,
                }
            }

            /// The events to wait for, with the behaviour bits of `EPOLL*`.
            pub(crate) fn events(&self) -> u32 {
                match self {
                    $(Self::$name(op) => wanted(op),)*
                    Self::Refused | Self::Notif(_) => 0,
                }
            }
        }
    };
}

ops! {
    NOP => Nop(nop::Nop),
    READV => ReadV(rw::ReadV),
    WRITEV => WriteV(rw::WriteV),
    POLL_ADD => PollAdd(poll::PollAdd),
    POLL_REMOVE => PollRemove(poll::PollRemove),
    SENDMSG => SendMsg(sendmsg::SendMsg),
    RECVMSG => RecvMsg(recvmsg::RecvMsg),
    TIMEOUT => Timeout(timeout::Timeout),
    TIMEOUT_REMOVE => TimeoutRemove(timeout::TimeoutRemove),
    ACCEPT => Accept(accept::Accept),
    ASYNC_CANCEL => AsyncCancel(cancel::AsyncCancel),
    LINK_TIMEOUT => LinkTimeout(timeout::LinkTimeout),
    CONNECT => Connect(connect::Connect),
    CLOSE => Close(close::Close),
    FILES_UPDATE => FilesUpdate(files::FilesUpdate),
    FIXED_FD_INSTALL => FixedFdInstall(files::FixedFdInstall),
    READ => Read(rw::Read),
    WRITE => Write(rw::Write),
    SEND => Send(send::Send),
    RECV => Recv(recv::Recv),
    SEND_ZC => SendZc(send_zc::SendZc<false>),
    SENDMSG_ZC => SendMsgZc(send_zc::SendZc<true>),
    SHUTDOWN => Shutdown(socket::Shutdown),
    SOCKET => Socket(socket::Create),
    URING_CMD => UringCmd(cmd::UringCmd),
    READ_MULTISHOT => ReadMultishot(rw::ReadMultishot),
    BIND => Bind(socket::Bind),
    LISTEN => Listen(socket::Listen),
    PROVIDE_BUFFERS => ProvideBuffers(buffers::ProvideBuffers),
    REMOVE_BUFFERS => RemoveBuffers(buffers::RemoveBuffers),
}

impl Operation {
    /// Becomes another one, for one that is over and so has nothing to drop.
    #[inline(always)]
    pub(crate) fn become_other(&mut self, other: Self) {
        core::mem::forget(core::mem::replace(self, other));
    }

    /// Whether its end is one completion, and no more than that to those who wait for several: a
    /// timeout ends their wait.
    #[inline]
    pub(crate) fn counts_as_one(&self) -> bool {
        !matches!(
            self,
            Self::SendZc(_) | Self::SendMsgZc(_) | Self::Timeout(_)
        )
    }
}

/// Whether a ring that polls its files for completions takes the opcode.
#[cold]
pub(crate) fn in_iopoll(opcode: u8) -> bool {
    matches!(
        opcode,
        op::NOP
            | op::READV
            | op::WRITEV
            | op::FILES_UPDATE
            | op::READ
            | op::WRITE
            | op::PROVIDE_BUFFERS
            | op::REMOVE_BUFFERS
            | op::URING_CMD
    )
}

/// An opcode as one of all.
trait Variant: Op {
    /// `IORING_OP_*`
    const CODE: u8;
    /// The operation, if it is of this opcode.
    fn of(operation: &mut Operation) -> Option<&mut Self>;
    /// The operation.
    fn into(self) -> Operation;
}

#[inline(always)]
fn parse_as<T: Variant>(sqe: &Sqe, job: &mut Job) -> Result {
    if T::HOT {
        parse_here::<T>(sqe, job)
    } else {
        parse_there::<T>(sqe, job)
    }
}

#[inline(never)]
fn parse_there<T: Variant>(sqe: &Sqe, job: &mut Job) -> Result {
    parse_here::<T>(sqe, job)
}

/// One copy per opcode, in which what its [`Spec`] says is constant.
#[inline(always)]
fn parse_here<T: Variant>(sqe: &Sqe, job: &mut Job) -> Result {
    job.flags = Flags::parse(sqe.flags(), T::SPEC.buffer_select)?;
    if (!T::SPEC.ioprio && sqe.ioprio() != 0) || sqe.personality() != 0 {
        return Err(EINVAL);
    }
    if T::SPEC.needs_file {
        job.fd = sqe.fd();
    }
    job.group = sqe.buf_index();
    job.opcode = T::CODE;
    job.op.become_other(T::parse(sqe, job.flags)?.into());
    Ok(())
}

/// One copy per opcode, in which what its [`Spec`] says is constant.
fn begins_in_worker_as<T: Variant>(ring: &Locked<'_>, job: &mut Job) -> bool {
    // What can be found wrong with it is found by the first attempt.
    if job.flags.buffer_select() || ring.polls_files() || find_file::<T>(ring, job).is_err() {
        return false;
    }
    match (T::of(&mut job.op), job.file.as_deref()) {
        (Some(op), Some(file)) => op.begins_in_worker(file),
        _ => false,
    }
}

/// Looks the file of a job up, if it needs one and has none yet.
#[inline(always)]
fn find_file<T: Variant>(ring: &Locked<'_>, job: &mut Job) -> Result {
    if T::SPEC.needs_file && job.file.is_none() && job.fd != -1 {
        job.file = Some(ring.open(job)?);
    }
    Ok(())
}

/// One copy per opcode, in which what its [`Spec`] says is constant.
fn issue_as<T: Variant>(ring: &mut Locked<'_>, job: &mut Job, reasons: Reasons) -> Step {
    if let Err(error) = find_file::<T>(ring, job) {
        return Step::failed(error);
    }
    let Some(op) = T::of(&mut job.op) else {
        return Step::failed(EINVAL);
    };
    let outcome = op.issue(Attempt {
        ring,
        file: if T::SPEC.needs_file {
            job.file.as_deref()
        } else {
            None
        },
        buffer: &mut job.buffer,
        user_data: job.user_data,
        index: job.group,
        group: job.flags.buffer_select().then_some(job.group),
        polled: job.polled,
        reasons,
    });
    match outcome {
        Outcome::Done { res, flags, broken } => {
            if !op.owns() {
                // Most own nothing, which need not be found out variant by variant.
                core::mem::forget(core::mem::replace(&mut job.op, Operation::Refused));
            }
            Step::Done { res, flags, broken }
        }
        Outcome::Later => Step::Later,
        Outcome::Block => Step::Block,
        Outcome::Sleep => Step::Sleep,
        Outcome::Handed(lent) => Step::Handed(lent),
        Outcome::Wait if op.never_waits() => end(op, ring, EAGAIN),
        Outcome::Wait => {
            // Waiting for a ring does not keep its file open.
            if op.ring().is_some() {
                if let Some(file) = job.file.take() {
                    ring.put_file(file);
                    // Not to be looked up again.
                    job.fd = -1;
                }
            }
            Step::Wait(wanted(op))
        }
    }
}

/// The events to wait for, with the behaviour bits of `EPOLL*`.
#[inline(always)]
fn wanted<T: Op>(op: &T) -> u32 {
    const COMMON: u32 = events::PRI | events::ERR;
    const IN: u32 = COMMON | events::IN | events::RDNORM;
    let wanted = match T::SPEC.wait {
        Wait::Never => 0,
        Wait::In => IN & !op.events(),
        Wait::InExclusive => IN | events::EXCLUSIVE,
        Wait::Out => COMMON | events::OUT | events::WRNORM,
        Wait::Own => return op.events(),
    };
    if op.multishot() {
        wanted
    } else {
        wanted | events::ONESHOT
    }
}

/// Ends an operation for `error` before its time.
fn end<T: Op>(op: &mut T, ring: &mut Locked<'_>, error: Errno) -> Step {
    match op.end(ring, error) {
        Outcome::Done { res, flags, broken } => Step::Done { res, flags, broken },
        Outcome::Handed(lent) => Step::Handed(lent),
        Outcome::Wait | Outcome::Sleep | Outcome::Later | Outcome::Block => Step::failed(error),
    }
}
