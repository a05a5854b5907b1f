// SPDX-License-Identifier: GPL-2.0

//! From the request, which may be of any opcode, to the code of its own, and back to the core.
//!
//! There is one copy of each generic function per opcode, in which what its [`super::Spec`] says
//! is constant.

use super::{nop::Nop, Attempt, Op, Operation, Outcome, Wait, WAYS};
use crate::{
    req::{claim::Reasons, Job, Lent, Reins},
    ring::Locked,
    sys::context::InTask,
    uapi::{
        abi::{events, op as opcode},
        errno::{Errno, Result, EAGAIN, EINVAL},
        sqe::{Flags, Sqe},
    },
};

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

/// What came of an SQE.
pub(crate) enum Submitted {
    /// It was tried.
    Tried(Step),
    /// It is to be tried in its turn.
    Read,
    /// It cannot be done at all.
    Refused(Errno),
}

/// An opcode as one of all.
pub(super) trait Variant: Op {
    /// `IORING_OP_*`
    const CODE: u8;
    /// The operation, if it is of this opcode.
    fn of(operation: &mut Operation) -> Option<&mut Self>;
    /// The operation.
    fn into(self) -> Operation;
}

/// What the core calls of an opcode.
#[derive(Clone, Copy)]
pub(super) struct Ways {
    submit: fn(&mut Locked<'_>, InTask<'_>, &Sqe, Reins<'_>, bool) -> Submitted,
    issue: fn(&mut Locked<'_>, Reins<'_>, Reasons) -> Step,
}

impl Ways {
    /// Those of what is no opcode.
    pub(super) const NONE: Self = Self {
        submit: |_, _, sqe, mut reins, _| {
            reins.owned().job.begin(sqe.user_data());
            Submitted::Refused(EINVAL)
        },
        issue: |_, mut reins, _| match reins.owned().job.op {
            Operation::Notif(_) => Step::Landed,
            _ => Step::failed(EINVAL),
        },
    };

    /// Those of an opcode.
    pub(super) const fn of<T: Variant>() -> Self {
        Self {
            submit: submit_as::<T>,
            issue: issue_as::<T>,
        }
    }
}

/// Reads an SQE into a job whose last operation is over, and tries it if it is `alone` and its flags
/// do not say otherwise.
///
/// It is left with what could be read if it is refused.
#[inline(always)]
pub(crate) fn submit(
    ring: &mut Locked<'_>,
    task: InTask<'_>,
    sqe: &Sqe,
    reins: Reins<'_>,
    alone: bool,
) -> Submitted {
    if sqe.opcode() == opcode::NOP {
        return submit_here::<Nop>(ring, task, sqe, reins, alone);
    }
    (WAYS[usize::from(sqe.opcode())].submit)(ring, task, sqe, reins, alone)
}

/// Tries a job once. Looks its file up first, if it has none yet.
#[inline(always)]
pub(crate) fn issue(ring: &mut Locked<'_>, mut reins: Reins<'_>, reasons: Reasons) -> Step {
    let opcode = reins.owned().job.opcode;
    (WAYS[usize::from(opcode)].issue)(ring, reins, reasons)
}

fn submit_as<T: Variant>(
    ring: &mut Locked<'_>,
    task: InTask<'_>,
    sqe: &Sqe,
    reins: Reins<'_>,
    alone: bool,
) -> Submitted {
    submit_here::<T>(ring, task, sqe, reins, alone)
}

#[inline(always)]
fn submit_here<T: Variant>(
    ring: &mut Locked<'_>,
    task: InTask<'_>,
    sqe: &Sqe,
    mut reins: Reins<'_>,
    alone: bool,
) -> Submitted {
    let job = &mut reins.owned().job;
    job.begin(sqe.user_data());
    if let Err(error) = parse::<T>(sqe, job) {
        return Submitted::Refused(error);
    }
    if !alone || !job.flags.plain() {
        return Submitted::Read;
    }
    if T::SPEC.needs_file {
        if let Err(error) = open_file(ring, task, &mut reins) {
            return Submitted::Tried(Step::failed(error));
        }
    }
    Submitted::Tried(if T::SHORT {
        issue_here::<T>(ring, reins, Reasons::NONE)
    } else {
        issue_as::<T>(ring, reins, Reasons::NONE)
    })
}

#[inline(always)]
fn parse<T: Variant>(sqe: &Sqe, job: &mut Job) -> Result {
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

/// Whether a worker is to have the job from the beginning. Looks its file up, and its buffer.
pub(super) fn begins_in_worker_as<T: Variant>(ring: &Locked<'_>, mut reins: Reins<'_>) -> bool {
    // What can be found wrong with it is found by the first attempt.
    if reins.owned().job.flags.buffer_select()
        || ring.polls_files()
        || find_file::<T>(ring, &mut reins).is_err()
    {
        return false;
    }
    let (held, file) = reins.split();
    let job = &mut held.job;
    if T::FIXED {
        job.buffer = ring.buffers().get(job.group).cloned();
        if job.buffer.is_none() {
            return false;
        }
    }
    match (T::of(&mut job.op), file) {
        (Some(op), Some(file)) => op.begins_in_worker(file),
        _ => false,
    }
}

/// Looks the file of a job up, if it needs one and has none yet.
#[inline(always)]
fn find_file<T: Variant>(ring: &Locked<'_>, reins: &mut Reins<'_>) -> Result {
    if T::SPEC.needs_file && !reins.has_file() {
        open_late(ring, reins)?;
    }
    Ok(())
}

/// Looks the file of a job up that was not tried when it was submitted.
#[cold]
fn open_late(ring: &Locked<'_>, reins: &mut Reins<'_>) -> Result {
    if reins.owned().job.fd == -1 {
        return Ok(());
    }
    open_file(ring, ring.task()?, reins)
}

/// Looks the file of a job up that has none.
#[inline(always)]
fn open_file(ring: &Locked<'_>, task: InTask<'_>, reins: &mut Reins<'_>) -> Result {
    let file = ring.open(task, &reins.owned().job)?;
    reins.put_file(file);
    Ok(())
}

#[inline(never)]
fn issue_as<T: Variant>(ring: &mut Locked<'_>, mut reins: Reins<'_>, reasons: Reasons) -> Step {
    if let Err(error) = find_file::<T>(ring, &mut reins) {
        return Step::failed(error);
    }
    issue_here::<T>(ring, reins, reasons)
}

#[inline(always)]
fn issue_here<T: Variant>(ring: &mut Locked<'_>, mut reins: Reins<'_>, reasons: Reasons) -> Step {
    let (held, file) = reins.split();
    let job = &mut held.job;
    let Some(op) = T::of(&mut job.op) else {
        return Step::failed(EINVAL);
    };
    let outcome = op.issue(Attempt {
        ring,
        file: if T::SPEC.needs_file { file } else { None },
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
                job.op.become_other(Operation::Refused);
            }
            Step::Done { res, flags, broken }
        }
        Outcome::Later => Step::Later,
        Outcome::Block => Step::Block,
        Outcome::Sleep => Step::Sleep,
        Outcome::Handed(lent) => {
            if !op.owns() {
                job.op.become_other(Operation::Refused);
            }
            Step::Handed(lent)
        }
        Outcome::Wait if op.never_waits() => end(op, ring, EAGAIN),
        Outcome::Wait => {
            let wanted = wanted(op);
            // Waiting for a ring does not keep its file open.
            if op.ring().is_some() && file.is_some() {
                if let Err(error) = swap_for_ring(ring, reins) {
                    return Step::failed(error);
                }
            }
            Step::Wait(wanted)
        }
    }
}

/// Has what waits for a ring keep that instead of its file.
#[cold]
#[inline(never)]
fn swap_for_ring(ring: &mut Locked<'_>, mut reins: Reins<'_>) -> Result {
    let job = &mut reins.owned().job;
    // The file is not to be looked up again.
    job.fd = -1;
    if let Some(target) = job.op.ring().cloned() {
        if let Some(file) = reins.put_ring(target)? {
            ring.put_file(file);
        }
    }
    Ok(())
}

/// The events to wait for, with the behaviour bits of `EPOLL*`.
#[inline(always)]
pub(super) fn wanted<T: Op>(op: &T) -> u32 {
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
pub(super) fn end<T: Op>(op: &mut T, ring: &mut Locked<'_>, error: Errno) -> Step {
    match op.end(ring, error) {
        Outcome::Done { res, flags, broken } => Step::Done { res, flags, broken },
        Outcome::Handed(lent) => Step::Handed(lent),
        Outcome::Wait | Outcome::Sleep | Outcome::Later | Outcome::Block => Step::failed(error),
    }
}
