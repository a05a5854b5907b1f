// SPDX-License-Identifier: GPL-2.0

//! ASYNC_CANCEL. `io_uring/cancel.c` of the kernel.

use super::{Attempt, Op, Outcome, Spec, Wait};
use crate::{
    req::{claim::Reasons, home, Face, Work},
    ring::{Locked, Ring},
    rsrc::files::FileRef,
    sys::{
        context::InTask,
        fd::{self, OpenFile},
        ringfile,
    },
    uapi::{
        args::cancel::CancelArgs,
        errno::{Result, EALREADY, ENOENT},
        sqe::{Flags, Sqe},
    },
};

use core::cell::Cell;

/// ASYNC_CANCEL.
pub(crate) struct AsyncCancel(CancelArgs);

/// The file that requests are to be of, unless it is a registered one, which is looked up each time.
pub(crate) fn file(task: InTask<'_>, args: &CancelArgs) -> Result<Option<FileRef>> {
    match args.fd {
        Some(fd) if !args.fixed => Ok(Some(FileRef::Own(OpenFile::get(task, fd)?))),
        _ => Ok(None),
    }
}

/// Cancels what `args` say, `own` being what [`file()`] has found. Returns how many there were, if
/// all are meant; else `-ENOENT` if there is none, `-EALREADY` if it cannot be stopped.
pub(crate) fn cancel(
    ring: &mut Locked<'_>,
    args: &CancelArgs,
    own: Option<&FileRef>,
) -> Result<i32> {
    let registered = match args.fd {
        Some(index) if args.fixed => Some(ring.registered(index)?),
        _ => None,
    };
    let file_id = own
        .or(registered.as_ref())
        .map(|file| match ringfile::ring_of::<Ring>(file) {
            Some(ring) => ringfile::id(&ring),
            None => fd::id(file),
        });
    let running = Cell::new(false);
    let matches = |face: &Face| {
        args.user_data.is_none_or(|data| data == face.user_data())
            && args.opcode.is_none_or(|opcode| opcode == face.opcode())
            && file_id.is_none_or(|id| id == face.file())
            && match face.work() {
                // What a worker is at goes on.
                Work::Running => {
                    running.set(true);
                    false
                }
                _ => true,
            }
    };
    let (mut count, mut queued) = (0, false);
    let mut cancel = |cell: &crate::sys::token::Cell<crate::req::Request>| {
        if cell.work() == Work::Queued {
            cell.set_work(Work::Dropped);
            queued = true;
        }
        // One that is on its way already finds the reason when it gets there.
        if let Some(token) = cell.claim(Reasons::CANCELLED) {
            home::push(&token.cell().home().clone(), token, false);
        }
        count += 1;
    };
    let limit = if args.all { usize::MAX } else { 1 };
    match args.user_data {
        Some(data) => ring
            .waiting(data)
            .filter(|cell| matches(cell))
            .take(limit)
            .for_each(&mut cancel),
        None => ring
            .all_waiting()
            .filter(|cell| matches(cell))
            .take(limit)
            .for_each(&mut cancel),
    }
    if queued {
        ring.bring_dropped_home();
    }
    match (args.all, count) {
        (true, count) => Ok(count),
        (false, 0) if running.get() => Err(EALREADY),
        (false, 0) => Err(ENOENT),
        (false, _) => Ok(0),
    }
}

impl Op for AsyncCancel {
    const SPEC: Spec = Spec {
        needs_file: false,
        buffer_select: false,
        ioprio: false,
        wait: Wait::Never,
    };

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        CancelArgs::parse(sqe, flags).map(Self)
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        let task = at.ring.task();
        let own = task.and_then(|task| file(task, &self.0));
        Outcome::of(own.and_then(|own| cancel(at.ring, &self.0, own.as_ref())))
    }
}
