// SPDX-License-Identifier: GPL-2.0

//! What always sleeps, so that a worker does it: FSYNC, FALLOCATE and the like. `io_uring/sync.c`, `truncate.c` and
//! `advise.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    rsrc::buffers::RegisteredBuffer,
    sys::{
        rw::regular_id,
        sync,
        unexported::{self, Functions},
    },
    uapi::{
        args::sync::{AdviceArgs, FallocateArgs, FsyncArgs, SyncRangeArgs, TruncateArgs},
        errno::{Result, EBADF},
        sqe::{Flags, Sqe},
    },
};
use kernel::{fs::File, warn_on};

/// What is done to a file, and sleeps.
pub(crate) trait FileOp: Sized + Send {
    /// What it takes of what the kernel does not export.
    const FUNCTIONS: Functions = Functions::NONE;
    /// Whether it changes what is in the file: that is audited, and no two workers do it, or write to the file, at a
    /// time (see [`Op::serial`]).
    const CHANGES: bool = false;

    /// Reads the SQE.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that the opcode does not have.
    fn parse(sqe: &Sqe) -> Result<Self>;

    /// See [`Op::is_forced`].
    #[inline]
    fn is_forced(&self) -> bool {
        false
    }

    /// Makes the system call.
    ///
    /// # Errors
    ///
    /// Those of the system call of that name.
    ///
    /// # Context
    ///
    /// May sleep. No ring is locked.
    fn perform(&self, file: &File) -> Result;
}

/// An opcode that does that, by a worker.
pub(crate) struct OnFile<T>(T);

impl<T: FileOp> Op for OnFile<T> {
    const FUNCTIONS: Functions = T::FUNCTIONS;
    const AUDITED: bool = T::CHANGES;

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        T::parse(sqe).map(Self)
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        attempt.punt_with_file()
    }

    fn begins_in_worker(&self, _file: &File) -> bool {
        true
    }

    fn is_forced(&self) -> bool {
        self.0.is_forced()
    }

    fn serial(&self, file: &File) -> usize {
        if T::CHANGES {
            regular_id(file)
        } else {
            0
        }
    }

    fn is_audited_later(&self) -> bool {
        true
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let Some(file) = file else {
            // What is punted has its file.
            warn_on!(true);
            return Outcome::failed(EBADF);
        };
        Outcome::of(self.0.perform(file).map(|()| 0))
    }
}

/// FSYNC.
pub(crate) type Fsync = OnFile<FsyncArgs>;

impl FileOp for FsyncArgs {
    fn parse(sqe: &Sqe) -> Result<Self> {
        Self::parse(sqe)
    }

    fn perform(&self, file: &File) -> Result {
        sync::fsync(file, self.start, self.end, self.data_only)
    }
}

/// FALLOCATE.
pub(crate) type Fallocate = OnFile<FallocateArgs>;

impl FileOp for FallocateArgs {
    const CHANGES: bool = true;

    fn parse(sqe: &Sqe) -> Result<Self> {
        Self::parse(sqe)
    }

    fn perform(&self, file: &File) -> Result {
        sync::fallocate(file, self.mode, self.start, self.len)
    }
}

/// SYNC_FILE_RANGE.
pub(crate) type SyncFileRange = OnFile<SyncRangeArgs>;

impl FileOp for SyncRangeArgs {
    const FUNCTIONS: Functions = Functions::SYNC_FILE_RANGE;

    fn parse(sqe: &Sqe) -> Result<Self> {
        Self::parse(sqe)
    }

    fn perform(&self, file: &File) -> Result {
        unexported::sync_file_range(file, self.start, self.len, self.flags)
    }
}

/// FTRUNCATE.
pub(crate) type Ftruncate = OnFile<TruncateArgs>;

impl FileOp for TruncateArgs {
    const FUNCTIONS: Functions = Functions::FTRUNCATE;
    const CHANGES: bool = true;

    fn parse(sqe: &Sqe) -> Result<Self> {
        Self::parse(sqe)
    }

    fn perform(&self, file: &File) -> Result {
        unexported::ftruncate(file, self.0)
    }
}

/// FADVISE.
pub(crate) type Fadvise = OnFile<FileAdvice>;

/// What a FADVISE keeps from its submission until a worker has it.
pub(crate) struct FileAdvice(AdviceArgs);

impl FileOp for FileAdvice {
    fn parse(sqe: &Sqe) -> Result<Self> {
        AdviceArgs::parse_file(sqe).map(Self)
    }

    fn is_forced(&self) -> bool {
        // POSIX_FADV_NORMAL, POSIX_FADV_RANDOM and POSIX_FADV_SEQUENTIAL read nothing.
        !(0..=2).contains(&self.0.advice)
    }

    fn perform(&self, file: &File) -> Result {
        let AdviceArgs { start, len, advice } = self.0;
        sync::fadvise(file, start, len, advice)
    }
}

/// MADVISE.
pub(crate) struct Madvise(AdviceArgs);

impl Op for Madvise {
    const FUNCTIONS: Functions = Functions::MADVISE;

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        AdviceArgs::parse_memory(sqe).map(Self)
    }

    fn issue(&mut self, _attempt: Attempt<'_, '_>) -> Outcome {
        Outcome::Punt
    }

    fn run_punted(&mut self, _file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let AdviceArgs { start, len, advice } = self.0;
        Outcome::of(unexported::madvise(start, len, advice).map(|()| 0))
    }
}
