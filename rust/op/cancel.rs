// SPDX-License-Identifier: GPL-2.0

//! ASYNC_CANCEL. `io_uring/cancel.c` of the kernel.

use super::{
    timeout::{first_of, Timeout},
    Attempt, Op, OpVariant, Outcome,
};
use crate::{
    req::{tctx, wake::WakeFlags, Place, Request},
    ring::{objects::object_id, Locked, Ring},
    rsrc::files::FileRef,
    sys::{
        context::InTask,
        fd::{self, OpenFile},
        object, ringfile,
    },
    uapi::{
        args::cancel::CancelArgs,
        errno::{Result, EALREADY, ENOENT},
        sqe::{Flags, Opcode, Sqe},
    },
};
use core::cell::Cell;

/// ASYNC_CANCEL.
pub(crate) struct AsyncCancel {
    args: CancelArgs,
    /// Whether io_uring has a worker do it, which looks among what workers are at, and so finds this one.
    by_worker: bool,
}

impl AsyncCancel {
    /// Whether it is itself one of those that it cancels.
    fn matches_itself(&self, user_data: u64) -> bool {
        let args = &self.args;
        args.user_data.is_none_or(|data| data == user_data)
            && args
                .opcode
                .is_none_or(|opcode| opcode == Self::CODE.number())
    }
}

/// The file that requests are to be of, unless it is a registered one, which is looked up each time.
///
/// # Errors
///
/// `-EBADF` if it is not open.
///
/// # Context
///
/// In the task whose descriptor it is, without the lock of its table.
pub(crate) fn file(task: InTask<'_>, args: &CancelArgs) -> Result<Option<FileRef>> {
    match args.fd {
        Some(fd) if !args.fixed => Ok(Some(FileRef::Own(OpenFile::get(task, fd)?))),
        _ => Ok(None),
    }
}

/// The id of the file whose requests are to be cancelled, if it is those of one. That of a ring is the ring's, as a request that
/// waits for it does not keep its file.
fn file_id(ring: &Locked<'_>, args: &CancelArgs, own: Option<&FileRef>) -> Result<Option<usize>> {
    let registered = match args.fd {
        Some(index) if args.fixed => Some(ring.registered(index)?),
        _ => None,
    };
    let file = own.or(registered.as_ref()).filter(|_| !args.any);
    Ok(file.map(|file| match ringfile::ring_of::<Ring>(file) {
        Some(ring) => ringfile::id(&ring),
        None => fd::id(file),
    }))
}

/// Whether a request that waits is one of those that `args` say, wherever it is.
#[inline]
fn is_meant(args: &CancelArgs, file_id: Option<usize>, object: &object::Object<Request>) -> bool {
    let opcode = object.opcode();
    args.user_data.is_none_or(|data| data == object.user_data())
        && args
            .opcode
            .is_none_or(|wanted| opcode.map(Opcode::number) == Some(wanted))
        && file_id.is_none_or(|id| id == object.file_id())
        && super::is_found(opcode, args.fd.is_some())
}

/// Whether it is a timeout that has begun, and is on its way to its end: only who has ended it has found it. Nor is one that repeats
/// found on its way to its next time.
fn is_timeout_that_ends(object: &object::Object<Request>) -> bool {
    is_timeout(object) && !object.is_parked()
}

/// Whether it is a timeout that has begun.
#[inline]
fn is_timeout(object: &object::Object<Request>) -> bool {
    object.opcode() == Some(Timeout::CODE) && object.has_begun()
}

/// Cancels what `args` say, `own` being what [`file()`] has found. Returns how many there were, if all are meant.
///
/// # Errors
///
/// `-ENOENT` if there is none, `-EALREADY` if it cannot be stopped, `-EBADF` if there is no such registered file.
pub(crate) fn cancel(
    ring: &mut Locked<'_>,
    args: &CancelArgs,
    own: Option<&FileRef>,
) -> Result<i32> {
    let file_id = file_id(ring, args, own)?;
    if file_id.is_some() && args.user_data.is_none() {
        ring.index_files();
    }
    let locked = &*ring;
    let running = Cell::new(None);
    let matches = |object: &object::Object<Request>| {
        is_meant(args, file_id, object)
            && match object.place() {
                // What a worker is at is interrupted, and ends as that says.
                Place::Punted => {
                    if args.all {
                        locked.interrupt_worker(object_id(object));
                    }
                    running.set(running.get().or(Some(object_id(object))));
                    false
                }
                Place::None => !is_timeout_that_ends(object),
                _ => true,
            }
    };
    let (mut count, mut queued) = (0, false);
    let mut cancel = |object: &object::Object<Request>| {
        if object.place() == Place::Queued {
            object.drop_queued();
            queued = true;
        }
        // One that is on its way already finds the reason when it gets there.
        if let Some(req) = object.claim(WakeFlags::CANCELLED) {
            tctx::bring_back(req);
        }
        count += 1;
    };
    // As in io_uring who cancels one ends a timeout only if there is nothing else.
    let timeout = Cell::new(None);
    let is_put_off = |object| {
        let last = !args.all && is_timeout(object);
        if last {
            let first = timeout
                .get()
                .map_or(object, |later| first_of(locked, later, object));
            timeout.set(Some(first));
        }
        last
    };
    let limit = if args.all { usize::MAX } else { 1 };
    match args.user_data {
        Some(data) => locked
            .waiting(data)
            .filter(|object| matches(object) && !is_put_off(*object))
            .take(limit)
            .for_each(&mut cancel),
        None => locked
            .waiting_for(file_id)
            .filter(|object| matches(object))
            .take(limit)
            .for_each(&mut cancel),
    }
    if let (0, Some(object)) = (count, timeout.get()) {
        if let Some(req) = object.claim(WakeFlags::CANCELLED) {
            tctx::bring_back(req);
        }
        count = 1;
    }
    if queued {
        ring.requeue_dropped(args.user_data, file_id);
    }
    match (args.all, count) {
        (true, count) => Ok(count),
        (false, 0) => match running.get() {
            Some(request) => {
                ring.interrupt_worker(request);
                Err(EALREADY)
            }
            None => Err(ENOENT),
        },
        (false, _) => Ok(0),
    }
}

impl Op for AsyncCancel {
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        Ok(Self {
            args: CancelArgs::parse(sqe, flags)?,
            by_worker: false,
        })
    }

    fn set_by_io_wq(&mut self, _blocks: bool) {
        self.by_worker = true;
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        if self.by_worker {
            // What was submitted with it is over by then, and so are the timeouts that count it.
            attempt.ring.commit();
        }
        let task = attempt.ring.task();
        let own = task.and_then(|task| file(task, &self.args));
        let done = own.and_then(|own| cancel(attempt.ring, &self.args, own.as_ref()));
        Outcome::of(match done {
            // It is at work, and does not stop itself.
            Err(ENOENT) if self.by_worker && self.matches_itself(attempt.user_data) => {
                Err(EALREADY)
            }
            done => done,
        })
    }
}
