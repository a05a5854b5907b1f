// SPDX-License-Identifier: GPL-2.0

//! OPENAT, which a worker does, but for the descriptor. `io_uring/openclose.c` of the kernel.

use super::{Attempt, Op, Outcome, PollFor, Spec};
use crate::{
    ring::Locked,
    rsrc::buffers::RegisteredBuffer,
    sys::{
        context::InTask,
        fd::{OpenFile, Reserved},
        open::Path,
    },
    uapi::{
        abi::open,
        args::files::{FileSlot, OpenArgs},
        errno::{Errno, Result, EINVAL, EOPNOTSUPP},
        sqe::{Flags, Sqe},
    },
};
use kernel::fs::File;

/// OPENAT.
pub(crate) struct OpenAt {
    args: OpenArgs,
    path: Path,
    /// What a worker has opened.
    opened: Option<OpenFile>,
}

impl OpenAt {
    /// Looks whether it can be opened by a name, and for a place.
    fn check(&self, task: InTask<'_>) -> Result {
        if self.args.place == FileSlot::Descriptor {
            // Nothing is to be made that cannot be installed. Others may take the last place meanwhile.
            Reserved::new(task, self.args.flags & open::CLOEXEC)?;
        }
        if self.args.dir != OpenArgs::AT_FDCWD && !self.path.is_absolute() {
            // A module can look up names from where the task is, and from nowhere else.
            OpenFile::get(task, self.args.dir)?;
            return Err(EOPNOTSUPP);
        }
        Ok(())
    }

    /// Gives the file its place.
    fn install(&self, ring: &mut Locked<'_>, file: OpenFile) -> Result<i32> {
        match self.args.place {
            FileSlot::Descriptor => {
                Ok(Reserved::new(ring.task()?, self.args.flags & open::CLOEXEC)?.install(file))
            }
            place => ring.install_file(place, file),
        }
    }
}

impl Op for OpenAt {
    const SPEC: Spec = Spec {
        needs_file: false,
        buffer_select: false,
        ioprio: false,
        wait: PollFor::Never,
    };

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = OpenArgs::parse(sqe, flags)?;
        let path = Path::read(sqe.addr())?;
        if args.place != FileSlot::Descriptor && args.flags & open::CLOEXEC != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            args,
            path,
            opened: None,
        })
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        match at.ring.task().and_then(|task| self.check(task)) {
            Ok(()) => Outcome::Punt,
            Err(error) => Outcome::failed(error),
        }
    }

    fn run_punted(&mut self, _file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let opened = self.path.open(self.args.flags, self.args.mode);
        Outcome::of(opened.map(|file| {
            self.opened = Some(file);
            0
        }))
    }

    fn settle(&mut self, ring: &mut Locked<'_>, res: i32) -> i32 {
        let Some(file) = self.opened.take() else {
            return res;
        };
        self.install(ring, file).unwrap_or_else(Errno::to_raw)
    }
}
