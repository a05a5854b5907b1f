// SPDX-License-Identifier: GPL-2.0

//! NOP: completes, and does nothing else. `io_uring/nop.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    ring::Locked,
    sys::fd::OpenFile,
    uapi::{
        args::nop::NopArgs,
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
        if self.args.special {
            return self.issue_special(at);
        }
        self.take(at.ring, at.group)
    }
}

impl Nop {
    /// Takes a buffer, if it is to have one. What that costs is measured with this, which is ruring's
    /// own.
    #[inline(always)]
    fn take(&self, ring: &mut Locked<'_>, group: Option<u16>) -> Outcome {
        match group.map(|group| ring.groups().consume(group)) {
            Some(None) => Outcome::failed(ENOBUFS),
            Some(Some(flags)) => Outcome::Done {
                res: self.args.result,
                flags,
                broken: false,
            },
            None => Outcome::done(self.args.result),
        }
    }

    /// One that is to do more than nothing.
    #[inline(never)]
    fn issue_special(&mut self, mut at: Attempt<'_, '_>) -> Outcome {
        if self.args.task_work && !self.deferred {
            self.deferred = true;
            return Outcome::Requeue;
        }
        if self.args.file {
            let missing = if self.args.fixed {
                at.ring.files().get(self.args.fd).is_none()
            } else {
                at.ring
                    .task()
                    .and_then(|task| OpenFile::get(task, self.args.fd))
                    .is_err()
            };
            if missing {
                return Outcome::failed(EBADF);
            }
        }
        if self.args.buffer {
            if let Err(error) = at.registered() {
                return Outcome::failed(error);
            }
        }
        self.take(at.ring, at.group)
    }
}
