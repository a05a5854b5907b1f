// SPDX-License-Identifier: GPL-2.0

//! What is done with files by their names. `io_uring/fs.c` and `io_uring/statx.c` of the kernel.
//!
//! A worker does it, save for names that are relative to a descriptor: it has none, and so the
//! submitter does that once it has unlocked the ring.

use super::{Attempt, Op, Outcome};
use crate::{
    rsrc::buffers::RegisteredBuffer,
    sys::{
        open::Path,
        unexported::{Functions, Named},
    },
    uapi::{
        args::names::{MkdirArgs, NameArgs, StatxArgs, TwoNamesArgs, UnlinkArgs},
        errno::Result,
        sqe::{Flags, Sqe},
    },
};
use kernel::fs::File;

/// A name that was copied when its request was submitted.
struct Name {
    dir: i32,
    path: Path,
}

impl Name {
    /// Copies it. It is only to be empty if `at_flags`, of `AT_*`, say so.
    fn read(args: NameArgs, at_flags: u32) -> Result<Self> {
        let path = if at_flags & NameArgs::AT_EMPTY_PATH != 0 {
            Path::read_any(args.addr)?
        } else {
            Path::read(args.addr)?
        };
        Ok(Self {
            dir: args.dir,
            path,
        })
    }

    fn named(&self) -> Named<'_> {
        Named {
            dir: self.dir,
            path: &self.path,
            in_root: false,
        }
    }
}

/// An operation on names of files, by `Op` on [`Names`].
pub(crate) trait NameOp: Sized + Send {
    /// The functions of the kernel that it calls and that modules cannot.
    const FUNCTIONS: Functions;
    /// See [`Op::AUDITED`].
    const AUDITED: bool = true;

    /// Reads the SQE, and the names.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that the opcode does not have, `-EBADF` for a registered directory; what copying the names
    /// says.
    ///
    /// # Context
    ///
    /// May sleep.
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self>;

    /// Whether a name is relative to a descriptor.
    fn needs_descriptors(&self) -> bool;

    /// Makes the system call.
    ///
    /// # Errors
    ///
    /// Those of the system call of that name.
    ///
    /// # Context
    ///
    /// May sleep. No ring is locked.
    fn perform(&self) -> Result;
}

/// An opcode that works on names.
pub(crate) struct ByName<T>(T);

impl<T: NameOp> Op for ByName<T> {
    const FUNCTIONS: Functions = T::FUNCTIONS;
    const AUDITED: bool = T::AUDITED;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        T::parse(sqe, flags).map(Self)
    }

    fn issue(&mut self, _attempt: Attempt<'_, '_>) -> Outcome {
        Outcome::Punt
    }

    fn is_audited_later(&self) -> bool {
        true
    }

    fn runs_unlocked(&self, _file: Option<&File>) -> bool {
        self.0.needs_descriptors()
    }

    fn run_punted(&mut self, _file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        Outcome::of(self.0.perform().map(|()| 0))
    }
}

/// STATX.
pub(crate) type Statx = ByName<StatName>;

/// What a STATX keeps from its submission until a worker has it.
pub(crate) struct StatName {
    name: Name,
    args: StatxArgs,
}

impl NameOp for StatName {
    const FUNCTIONS: Functions = Functions::STATX;
    const AUDITED: bool = false;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = StatxArgs::parse(sqe, flags)?;
        Ok(Self {
            name: Name::read(args.name, args.flags)?,
            args,
        })
    }

    fn needs_descriptors(&self) -> bool {
        self.name.named().needs_descriptors()
    }

    fn perform(&self) -> Result {
        let StatxArgs {
            flags, mask, to, ..
        } = self.args;
        self.name.named().statx(flags, mask, to)
    }
}

/// UNLINKAT.
pub(crate) type UnlinkAt = ByName<UnlinkName>;

/// What an UNLINKAT keeps from its submission until a worker has it.
pub(crate) struct UnlinkName {
    name: Name,
    is_dir: bool,
}

impl NameOp for UnlinkName {
    const FUNCTIONS: Functions = Functions::UNLINKAT;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let UnlinkArgs { name, is_dir } = UnlinkArgs::parse(sqe, flags)?;
        Ok(Self {
            name: Name::read(name, 0)?,
            is_dir,
        })
    }

    fn needs_descriptors(&self) -> bool {
        self.name.named().needs_descriptors()
    }

    fn perform(&self) -> Result {
        self.name.named().unlink(self.is_dir)
    }
}

/// MKDIRAT.
pub(crate) type MkdirAt = ByName<MakeName>;

/// What a MKDIRAT keeps from its submission until a worker has it.
pub(crate) struct MakeName {
    name: Name,
    mode: u16,
}

impl NameOp for MakeName {
    const FUNCTIONS: Functions = Functions::MKDIRAT;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let MkdirArgs { name, mode } = MkdirArgs::parse(sqe, flags)?;
        Ok(Self {
            name: Name::read(name, 0)?,
            mode,
        })
    }

    fn needs_descriptors(&self) -> bool {
        self.name.named().needs_descriptors()
    }

    fn perform(&self) -> Result {
        self.name.named().mkdir(self.mode)
    }
}

/// The names of what goes from one place to another.
struct Names {
    old: Name,
    new: Name,
    flags: u32,
}

impl Names {
    /// Copies them. The first is only to be empty if `at_flags`, of `AT_*`, say so.
    fn read(args: TwoNamesArgs, at_flags: u32) -> Result<Self> {
        Ok(Self {
            old: Name::read(args.old, at_flags)?,
            new: Name::read(args.new, 0)?,
            flags: args.flags,
        })
    }

    fn needs_descriptors(&self) -> bool {
        self.old.named().needs_descriptors() || self.new.named().needs_descriptors()
    }
}

/// RENAMEAT.
pub(crate) type RenameAt = ByName<RenameNames>;

/// What a RENAMEAT keeps from its submission until a worker has it.
pub(crate) struct RenameNames(Names);

impl NameOp for RenameNames {
    const FUNCTIONS: Functions = Functions::RENAMEAT;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        Names::read(TwoNamesArgs::parse(sqe, flags)?, 0).map(Self)
    }

    fn needs_descriptors(&self) -> bool {
        self.0.needs_descriptors()
    }

    fn perform(&self) -> Result {
        let Names { old, new, flags } = &self.0;
        old.named().rename(&new.named(), *flags)
    }
}

/// LINKAT.
pub(crate) type LinkAt = ByName<LinkNames>;

/// What a LINKAT keeps from its submission until a worker has it.
pub(crate) struct LinkNames(Names);

impl NameOp for LinkNames {
    const FUNCTIONS: Functions = Functions::LINKAT;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = TwoNamesArgs::parse(sqe, flags)?;
        Names::read(args, args.flags).map(Self)
    }

    fn needs_descriptors(&self) -> bool {
        self.0.needs_descriptors()
    }

    fn perform(&self) -> Result {
        let Names { old, new, flags } = &self.0;
        old.named().link(&new.named(), *flags)
    }
}

/// SYMLINKAT.
pub(crate) type SymlinkAt = ByName<SymlinkNames>;

/// What a SYMLINKAT keeps from its submission until a worker has it.
pub(crate) struct SymlinkNames(Names);

impl NameOp for SymlinkNames {
    const FUNCTIONS: Functions = Functions::SYMLINKAT;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        Names::read(TwoNamesArgs::parse_symlink(sqe, flags)?, 0).map(Self)
    }

    fn needs_descriptors(&self) -> bool {
        self.0.new.named().needs_descriptors()
    }

    fn perform(&self) -> Result {
        self.0.new.named().symlink(&self.0.old.path)
    }
}
