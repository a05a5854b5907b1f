// SPDX-License-Identifier: GPL-2.0

//! From the request, which may be of any opcode, to the code of its own, and back to the core.
//!
//! There is one copy of each generic function per opcode, in which what its [`crate::op::table::Spec`] says
//! is constant.

use crate::{
    op::{
        for_each_opcode,
        nop::LargeNop,
        opcode::{issue as issue_op, wanted, OpVariant},
        Attempt, Op, Operation, Outcome,
    },
    req::{state::ReqState, wake::WakeFlags, Job, ReqMut},
    ring::Locked,
    sys::{context::InTask, trace},
    uapi::{
        abi::opcode,
        errno::{Errno, Result, EAGAIN, EINVAL},
        sqe::{Flags, Opcode, Sqe},
    },
};
use kernel::warn_on;

/// What has become of an SQE that was submitted.
pub(crate) enum Submitted {
    /// The request was tried.
    Tried(Outcome),
    /// The request is to be tried in its turn.
    Read,
    /// The request cannot be done at all.
    Refused(Errno),
}

/// The functions of an opcode that `exec/` calls, by its number.
#[derive(Clone, Copy)]
pub(crate) struct OpVtable {
    submit: fn(&mut Locked<'_>, InTask<'_>, &Sqe, ReqMut<'_>, bool) -> Submitted,
    issue: fn(&mut Locked<'_>, ReqMut<'_>, WakeFlags) -> Outcome,
}

impl OpVtable {
    /// What is called for a number that is no opcode.
    pub(crate) const NONE: Self = Self {
        submit: |_, _, sqe, mut req, _| {
            req.core_mut().job.begin(sqe.user_data());
            Submitted::Refused(EINVAL)
        },
        // What cannot be parsed is refused, and so never tried.
        issue: |_, _, _| {
            warn_on!(true);
            Outcome::broken(EINVAL)
        },
    };

    /// What is called for the opcode `T`.
    pub(crate) const fn of<T: OpVariant>() -> Self {
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
pub(crate) fn submit(
    ring: &mut Locked<'_>,
    task: InTask<'_>,
    sqe: &Sqe,
    req: ReqMut<'_>,
    alone: bool,
) -> Submitted {
    (OP_VTABLES[Opcode::index_of(sqe.opcode())].submit)(ring, task, sqe, req, alone)
}

/// Tries a job once. Looks its file up first, if it has none yet.
pub(crate) fn issue(ring: &mut Locked<'_>, mut req: ReqMut<'_>, wake_flags: WakeFlags) -> Outcome {
    let opcode = req.core_mut().job.opcode;
    (OP_VTABLES[Opcode::index(opcode)].issue)(ring, req, wake_flags)
}

fn submit_as<T: OpVariant>(
    ring: &mut Locked<'_>,
    task: InTask<'_>,
    sqe: &Sqe,
    mut req: ReqMut<'_>,
    alone: bool,
) -> Submitted {
    let job = &mut req.core_mut().job;
    if T::SPEC.large {
        if let Err(error) = ring.ring.check_large(sqe) {
            job.begin(sqe.user_data());
            return Submitted::Refused(error);
        }
    }
    if let Err(error) = parse::<T>(sqe, job) {
        if T::SPEC.large_cqe && !T::SPEC.large && ring.ring.config.has_large_cqes() {
            return submit_as::<LargeNop>(ring, task, sqe, req, alone);
        }
        return Submitted::Refused(error);
    }
    if !alone || !job.flags.plain() || T::SPEC.is_link_timeout {
        return Submitted::Read;
    }
    if T::SPEC.needs_file {
        if let Err(error) = get_file_here(ring, task, &mut req) {
            return Submitted::Tried(Outcome::broken(error));
        }
    }
    Submitted::Tried(if T::SPEC.inline {
        issue_here::<T, true>(ring, req, WakeFlags::NONE)
    } else {
        issue_as::<T>(ring, req, WakeFlags::NONE)
    })
}

fn parse<T: OpVariant>(sqe: &Sqe, job: &mut Job) -> Result {
    let flags = parse_flags::<T>(sqe).inspect_err(|_| job.begin(sqe.user_data()))?;
    let fd = if T::SPEC.needs_file { sqe.fd() } else { -1 };
    job.begin_as(sqe.user_data(), Some(T::CODE), fd, sqe.buf_index(), flags);
    T::FUNCTIONS.check()?;
    job.op.overwrite(T::parse(sqe, flags)?.into());
    Ok(())
}

fn parse_flags<T: OpVariant>(sqe: &Sqe) -> Result<Flags> {
    let mut flags = Flags::parse(sqe.flags(), T::SPEC.buffer_select)?;
    if !T::SPEC.ioprio && sqe.ioprio() != 0 {
        return Err(EINVAL);
    }
    if sqe.personality() != 0 {
        flags.set_personality();
    }
    Ok(flags)
}

/// Whether a worker is to have the job from the beginning. Looks its file up, and its buffer.
pub(crate) fn begins_in_worker_as<T: OpVariant>(ring: &Locked<'_>, mut req: ReqMut<'_>) -> bool {
    // What can be found wrong with it is found by the first attempt.
    if req.core_mut().job.flags.buffer_select()
        || ring.polls_files()
        || find_file::<T>(ring, &mut req).is_err()
    {
        return false;
    }
    let (core, file) = req.split();
    let job = &mut core.job;
    if T::SPEC.fixed_buffer {
        job.buffer = ring.buffers().get(job.group.into()).cloned();
        if job.buffer.is_none() {
            return false;
        }
    }
    match (T::of(&mut job.op), file) {
        (Some(op), Some(file)) => op.begins_in_worker(file),
        _ => false,
    }
}

/// Looks the file of a job up that needs one, if it has none yet.
///
/// # Errors
///
/// `-EBADF` if there is none, `-ECANCELED` in a task that is not at its own requests.
pub(crate) fn find_needed_file(ring: &Locked<'_>, req: &mut ReqMut<'_>) -> Result {
    if req.has_file() {
        return Ok(());
    }
    get_file_late(ring, req)
}

/// Looks the file of a job up, if it needs one and has none yet.
fn find_file<T: OpVariant>(ring: &Locked<'_>, req: &mut ReqMut<'_>) -> Result {
    if T::SPEC.needs_file && !req.has_file() {
        get_file_late(ring, req)?;
    }
    Ok(())
}

/// Looks the file of a job up that was not tried when it was submitted, as all of a ring that may not have every
/// socket.
#[cold] // recv-multishot/udp/64/8/plain
fn get_file_late(ring: &Locked<'_>, req: &mut ReqMut<'_>) -> Result {
    if req.core_mut().job.fd == -1 {
        return Ok(());
    }
    if trace::file_get_enabled() {
        ring.trace_file_get(req);
    }
    let file = ring.get_file(ring.task()?, &req.core_mut().job)?;
    ring.check_family(&file)?;
    req.put_file(file);
    Ok(())
}

/// Looks the file of a job up that has none.
#[inline(always)] // recv/unix/32
fn get_file_here(ring: &Locked<'_>, task: InTask<'_>, req: &mut ReqMut<'_>) -> Result {
    if trace::file_get_enabled() {
        ring.trace_file_get(req);
    }
    let file = ring.get_file(task, &req.core_mut().job)?;
    req.put_file(file);
    Ok(())
}

#[inline(never)] // Size: a copy for each opcode that is seldom submitted is enough.
fn issue_as<T: OpVariant>(
    ring: &mut Locked<'_>,
    mut req: ReqMut<'_>,
    wake_flags: WakeFlags,
) -> Outcome {
    if let Err(error) = find_file::<T>(ring, &mut req) {
        return Outcome::broken(error);
    }
    issue_here::<T, false>(ring, req, wake_flags)
}

/// Tries a job once, which has its file. If it is the `FIRST` time it was just read, and so has waited for nothing.
#[inline(always)] // nop-buffer/ring-32
fn issue_here<T: OpVariant, const FIRST: bool>(
    ring: &mut Locked<'_>,
    mut req: ReqMut<'_>,
    wake_flags: WakeFlags,
) -> Outcome {
    let (core, file) = req.split();
    let job = &mut core.job;
    debug_assert!(!FIRST || job.state() == ReqState::Fresh);
    let polled = !FIRST && job.has_polled();
    let Some(op) = T::of(&mut job.op) else {
        // Its opcode was read together with its operation.
        warn_on!(true);
        return Outcome::broken(EINVAL);
    };
    let attempt = Attempt {
        ring,
        file: if T::SPEC.needs_file { file } else { None },
        buffer: &mut job.buffer,
        user_data: job.user_data,
        index: job.group,
        group: job.flags.buffer_select().then_some(job.group),
        polled,
        wake_flags,
    };
    let outcome = issue_op(op, attempt);
    match outcome {
        // Taken apart, so that it is written where it is returned and not copied there.
        Outcome::Done { res, flags, broken } => {
            if !op.needs_drop() {
                // Most own nothing, which need not be found out variant by variant.
                job.op.overwrite(Operation::Nothing);
            }
            Outcome::Done { res, flags, broken }
        }
        Outcome::ByNotif(notif_ref) => {
            if !op.needs_drop() {
                job.op.overwrite(Operation::Nothing);
            }
            Outcome::ByNotif(notif_ref)
        }
        Outcome::Requeue => Outcome::Requeue,
        Outcome::TaskWork => Outcome::TaskWork,
        Outcome::Stall => Outcome::Stall,
        Outcome::Punt => Outcome::Punt,
        Outcome::Timer => Outcome::Timer,
        Outcome::Poll(_) if op.never_waits() => op.end(ring, EAGAIN),
        Outcome::Poll(_) => {
            let wanted = wanted(op);
            // Waiting for a ring does not keep its file open.
            if op.ring().is_some() && file.is_some() {
                if let Err(error) = swap_for_ring(ring, req) {
                    return Outcome::broken(error);
                }
            }
            Outcome::Poll(wanted)
        }
    }
}

/// Has what waits for a ring keep that instead of its file.
#[cold] // poll/32
fn swap_for_ring(ring: &mut Locked<'_>, mut req: ReqMut<'_>) -> Result {
    let job = &mut req.core_mut().job;
    // The file is not to be looked up again.
    job.fd = -1;
    let Some(target) = job.op.ring().cloned() else {
        // Who calls it has asked whether there is one.
        warn_on!(true);
        return Err(EINVAL);
    };
    if let Some(file) = req.put_ring(target)? {
        ring.put_file(file);
    }
    Ok(())
}

macro_rules! op_vtables {
    ($($code:ident => $name:ident($($op:tt)*) $row:tt),* $(,)?) => {
        /// What is called for each opcode, by its index.
        static OP_VTABLES: [OpVtable; Opcode::INDICES] = {
            let mut op_vtables = [OpVtable::NONE; Opcode::INDICES];
            $(op_vtables[Opcode::index_of(opcode::$code)] = OpVtable::of::<crate::op::$($op)*>();)*
            op_vtables
        };

        /// Does what an SQE asks for without a request, if it can: see [`Op::at_once`].
        #[inline(always)] // nop/32
        pub(crate) fn at_once(ring: &mut Locked<'_>, sqe: &Sqe) -> Option<(i32, u32)> {
            match sqe.opcode() {
                $(opcode::$code if <crate::op::$($op)* as OpVariant>::SPEC.at_once && ring.has_room() => {
                    <crate::op::$($op)*>::at_once(ring, sqe)
                })*
                _ => None,
            }
        }

        /// Whether a worker is to have the job from the beginning. Looks its file up.
        pub(crate) fn begins_in_worker(ring: &Locked<'_>, mut req: ReqMut<'_>) -> bool {
            match &req.core_mut().job.op {
                $(Operation::$name(_) if <crate::op::$($op)* as OpVariant>::SPEC.begins_in_worker => {
                    begins_in_worker_as::<crate::op::$($op)*>(ring, req)
                })*
                _ => false,
            }
        }
    };
}

for_each_opcode!(op_vtables);
