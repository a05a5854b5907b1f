// SPDX-License-Identifier: GPL-2.0

//! ASYNC_CANCEL. `io_uring/cancel.c` of the kernel.

use super::{Attempt, Op, Outcome, Spec, Wait};
use crate::{
    req::{claim::Reasons, home, Face, Work},
    ring::Ring,
    rsrc::files::FileRef,
    sys::{
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

impl AsyncCancel {
    fn cancel(&self, at: &mut Attempt<'_, '_>) -> Result<i32> {
        let file = match self.0.fd {
            Some(index) if self.0.fixed => Some(at.ring.registered(index)?),
            Some(fd) => Some(FileRef::Own(OpenFile::get(fd)?)),
            None => None,
        };
        let file_id = file
            .as_ref()
            .map(|file| match ringfile::ring_of::<Ring>(file) {
                Some(ring) => ringfile::id(&ring),
                None => fd::id(file),
            });
        let running = Cell::new(false);
        let matches = |face: &Face| {
            self.0.user_data.is_none_or(|data| data == face.user_data())
                && self.0.opcode.is_none_or(|opcode| opcode == face.opcode())
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
        let limit = if self.0.all { usize::MAX } else { 1 };
        match self.0.user_data {
            Some(data) => at
                .ring
                .waiting(data)
                .filter(|cell| matches(cell))
                .take(limit)
                .for_each(&mut cancel),
            None => at
                .ring
                .all_waiting()
                .filter(|cell| matches(cell))
                .take(limit)
                .for_each(&mut cancel),
        }
        if queued {
            at.ring.bring_dropped_home();
        }
        match (self.0.all, count) {
            (true, count) => Ok(count),
            (false, 0) if running.get() => Err(EALREADY),
            (false, 0) => Err(ENOENT),
            (false, _) => Ok(0),
        }
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

    fn issue(&mut self, mut at: Attempt<'_, '_>) -> Outcome {
        Outcome::of(self.cancel(&mut at))
    }
}
