// SPDX-License-Identifier: GPL-2.0

//! OPENAT and OPENAT2, which a worker does, but for the descriptor. `io_uring/openclose.c` of the kernel.
//!
//! A worker has no descriptors that a name could be relative to. Such a name is opened by the submitter once it has
//! unlocked the ring.

use super::{Attempt, Op, Outcome};
use crate::{
    ring::Locked,
    rsrc::buffers::RegisteredBuffer,
    sys::{
        context::InTask,
        fd::{OpenFile, Reserved},
        open::Path,
        unexported::{read_open_how, Functions, Named},
    },
    uapi::{
        abi::open,
        args::files::{FileSlot, OpenArgs},
        errno::{Errno, Result, EINVAL, ENOENT, EOPNOTSUPP},
        filter::{how_of_openat, pdu_of_open, Pdu},
        sqe::{Flags, Sqe},
    },
};
use kernel::fs::File;

/// OPENAT, or OPENAT2 if `HOW`.
pub(crate) struct Open<const HOW: bool> {
    args: OpenArgs,
    path: Path,
    /// What a worker has opened.
    opened: Option<OpenFile>,
}

impl<const HOW: bool> Open<HOW> {
    const CLOEXEC: u64 = open::CLOEXEC as u64;
    /// With any of these a file may be made or changed, which io_uring leaves to a worker.
    const CREATES: u32 = open::CREAT | open::TRUNC | open::TMPFILE;

    /// The name of what it opens, and the directory that this is relative to.
    fn named(&self) -> Named<'_> {
        Named {
            dir: self.args.dir,
            path: &self.path,
            in_root: self.args.how.resolve & open::RESOLVE_IN_ROOT != 0,
        }
    }

    /// Looks whether it can be opened by a name, and for a place.
    fn check(&self, task: InTask<'_>) -> Result {
        if self.args.place == FileSlot::Descriptor {
            // Nothing is to be made that cannot be installed. Others may take the last place meanwhile.
            Reserved::new(task, 0)?;
        }
        if self.named().needs_descriptors() && !Functions::OPENAT.are_there() {
            OpenFile::get_any(task, self.args.dir)?;
            return Err(EOPNOTSUPP);
        }
        Ok(())
    }

    /// Opens the file as the SQE says.
    fn open(&self) -> Result<OpenFile> {
        let how = &self.args.how;
        // The submitter itself is not to wait for the other end of a FIFO.
        let force_async = how.flags & u64::from(Self::CREATES) != 0
            || (self.args.force_async && !self.named().needs_descriptors());
        if !HOW && !self.named().needs_descriptors() {
            let (flags, mode) = (how.flags as u32, how.mode as u32);
            return self.path.open(flags, mode, force_async);
        }
        self.named().open(how, HOW, force_async)
    }

    /// Gives the file its place.
    fn install(&self, ring: &mut Locked<'_>, file: OpenFile) -> Result<i32> {
        let flags = (self.args.how.flags & Self::CLOEXEC) as u32;
        let fd = ring.reserve_place(self.args.place, flags)?;
        ring.install(fd, self.args.place, file)
    }
}

impl<const HOW: bool> Op for Open<HOW> {
    const FUNCTIONS: Functions = if HOW {
        Functions::OPENAT
    } else {
        Functions::NONE
    };
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = if HOW {
            let (addr, size) = OpenArgs::where_how(sqe)?;
            OpenArgs::parse_how(sqe, flags, read_open_how(addr, size)?)?
        } else {
            OpenArgs::parse(sqe, flags)?
        };
        let path = Path::read(sqe.addr())?;
        if args.place != FileSlot::Descriptor && args.how.flags & Self::CLOEXEC != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            args,
            path,
            opened: None,
        })
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        match attempt.ring.task().and_then(|task| self.check(task)) {
            Ok(()) => Outcome::Punt,
            Err(error) => Outcome::failed(error),
        }
    }

    fn pdu(&self) -> Pdu {
        let how = &self.args.how;
        let (flags, mode) = if HOW {
            (how.flags, how.mode)
        } else {
            how_of_openat(how.flags, how.mode)
        };
        pdu_of_open(flags, mode, how.resolve)
    }

    fn is_forced(&self) -> bool {
        let [flags, ..] = self.pdu();
        flags & Self::CREATES != 0
    }

    fn runs_unlocked(&self, _file: Option<&File>) -> bool {
        self.named().needs_descriptors()
    }

    fn is_audited_later(&self) -> bool {
        true
    }

    fn run_punted(&mut self, _file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let opened = self.open();
        Outcome::of(opened.map(|file| {
            self.opened = Some(file);
            0
        }))
    }

    fn io_uring_did_inline(&self, res: i32) -> bool {
        // Names of what there is are known, as a rule, and others are not.
        self.args.how.flags & u64::from(Self::CREATES) == 0 && res != ENOENT.to_raw()
    }

    fn after_punt(&mut self, ring: &mut Locked<'_>, res: i32) -> i32 {
        let Some(file) = self.opened.take() else {
            return res;
        };
        self.install(ring, file).unwrap_or_else(Errno::to_raw)
    }
}
