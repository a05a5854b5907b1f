// SPDX-License-Identifier: GPL-2.0

//! NOP: completes, and does nothing else. `io_uring/nop.c` of the kernel.

use super::{Attempt, Op, Outcome, Spec, Wait};
use crate::{
    sys::fd::OpenFile,
    uapi::{
        args::NopArgs,
        errno::Result,
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
        buffer_select: false,
        ioprio: false,
        wait: Wait::Never,
    };

    #[inline(always)]
    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        let args = NopArgs::parse(sqe)?;
        Ok(Self {
            args,
            deferred: false,
        })
    }

    #[inline(always)]
    fn issue(&mut self, _at: Attempt<'_, '_>) -> Outcome {
        if self.args.task_work && !self.deferred {
            self.deferred = true;
            return Outcome::Later;
        }
        if let Some(fd) = self.args.fd {
            if let Err(error) = OpenFile::get(fd) {
                return Outcome::failed(error);
            }
        }
        Outcome::done(self.args.result)
    }
}
