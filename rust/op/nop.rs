// SPDX-License-Identifier: GPL-2.0

//! NOP: completes, and does nothing else. `io_uring/nop.c` of the kernel.

use super::{Attempt, Op, Outcome, Spec, Wait};
use crate::{
    sys::fd::OpenFile,
    uapi::{
        args::NopArgs,
        errno::{Result, EBADF, ENOBUFS},
        sqe::{Flags, Sqe},
    },
};

/// NOP.
pub(crate) struct Nop {
    args: NopArgs,
    deferred: bool,
}

impl Op for Nop {
    const SPEC: Spec = Spec {
        needs_file: false,
        buffer_select: true,
        ioprio: false,
        wait: Wait::Never,
    };

    #[inline(always)]
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = NopArgs::parse(sqe, flags)?;
        Ok(Self {
            args,
            deferred: false,
        })
    }

    #[inline(always)]
    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        if self.args.task_work && !self.deferred {
            self.deferred = true;
            return Outcome::Later;
        }
        if let Some(fd) = self.args.fd {
            let missing = if self.args.fixed {
                at.ring.files().get(fd).is_none()
            } else {
                OpenFile::get(fd).is_err()
            };
            if missing {
                return Outcome::failed(EBADF);
            }
        }
        match at.group {
            Some(group) => self.take_buffer(at, group),
            None => Outcome::done(self.args.result),
        }
    }
}

impl Nop {
    /// What it costs to take a buffer is measured with this. It is ruring's own.
    #[inline(never)]
    fn take_buffer(&self, at: Attempt<'_, '_>, group: u16) -> Outcome {
        let groups = at.ring.groups();
        let Some(taken) = groups.take(group, 0) else {
            return Outcome::failed(ENOBUFS);
        };
        let len = taken.len;
        Outcome::Done {
            res: self.args.result,
            flags: groups.commit(taken, len),
            broken: false,
        }
    }
}
