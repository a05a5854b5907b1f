// SPDX-License-Identifier: GPL-2.0

//! OPENAT. `io_uring/openclose.c` of the kernel.

use super::{Attempt, Op, Outcome, Spec, Wait};
use crate::{
    sys::{
        fd::{OpenFile, Reserved},
        open::Path,
    },
    uapi::{
        abi::open,
        args::files::{OpenArgs, Place},
        errno::{Result, EINVAL, EOPNOTSUPP},
        sqe::{Flags, Sqe},
    },
};

/// OPENAT.
pub(crate) struct OpenAt {
    args: OpenArgs,
    path: Path,
}

impl OpenAt {
    fn open(&self, at: Attempt<'_, '_>) -> Result<i32> {
        let args = &self.args;
        let fd = match args.place {
            Place::Descriptor => Some(Reserved::new(at.ring.task()?, args.flags & open::CLOEXEC)?),
            _ => None,
        };
        if args.dir != OpenArgs::AT_FDCWD && !self.path.is_absolute() {
            // A module can look up names from where the task is, and from nowhere else.
            OpenFile::get(at.ring.task()?, args.dir)?;
            return Err(EOPNOTSUPP);
        }
        let file = self.path.open(args.flags, args.mode)?;
        match fd {
            Some(fd) => Ok(fd.install(file)),
            None => at.ring.install_file(args.place, file),
        }
    }
}

impl Op for OpenAt {
    const SPEC: Spec = Spec {
        needs_file: false,
        buffer_select: false,
        ioprio: false,
        wait: Wait::Never,
    };

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = OpenArgs::parse(sqe, flags)?;
        let path = Path::read(sqe.addr())?;
        if args.place != Place::Descriptor && args.flags & open::CLOEXEC != 0 {
            return Err(EINVAL);
        }
        Ok(Self { args, path })
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        Outcome::of(self.open(at))
    }
}
