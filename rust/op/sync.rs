// SPDX-License-Identifier: GPL-2.0

//! What always sleeps, so that a worker does it: FSYNC, FALLOCATE and the like. `io_uring/sync.c`, `truncate.c` and
//! `advise.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    rsrc::buffers::RegisteredBuffer,
    sys::{
        rw::inode_id,
        sync,
        unexported::{self, Functions},
    },
    uapi::{
        args::sync::{AdviceArgs, FallocateArgs, FsyncArgs, SyncRangeArgs, TruncateArgs},
        errno::{Result, EBADF},
        sqe::{Flags, Sqe},
    },
};
use kernel::fs::File;

/// Has a worker do it that can.
fn at_work(at: &Attempt<'_, '_>) -> Outcome {
    match at.file() {
        Ok(_) => Outcome::Punt,
        Err(error) => Outcome::failed(error),
    }
}

/// FSYNC.
pub(crate) struct Fsync(FsyncArgs);

impl Op for Fsync {
    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        FsyncArgs::parse(sqe).map(Self)
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        at_work(&at)
    }

    fn begins_in_worker(&self, _file: &File) -> bool {
        true
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let FsyncArgs {
            start,
            end,
            data_only,
        } = self.0;
        let done = file
            .ok_or(EBADF)
            .and_then(|file| sync::fsync(file, start, end, data_only));
        Outcome::of(done.map(|()| 0))
    }
}

/// FALLOCATE.
pub(crate) struct Fallocate(FallocateArgs);

impl Op for Fallocate {
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        FallocateArgs::parse(sqe).map(Self)
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        at_work(&at)
    }

    fn begins_in_worker(&self, _file: &File) -> bool {
        true
    }

    fn serial(&self, file: &File) -> usize {
        // As what is written to it.
        inode_id(file)
    }

    fn is_audited_later(&self) -> bool {
        true
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let FallocateArgs { mode, start, len } = self.0;
        let done = file
            .ok_or(EBADF)
            .and_then(|file| sync::fallocate(file, mode, start, len));
        Outcome::of(done.map(|()| 0))
    }
}

/// SYNC_FILE_RANGE.
pub(crate) struct SyncFileRange(SyncRangeArgs);

impl Op for SyncFileRange {
    fn is_there() -> bool {
        Functions::SYNC_FILE_RANGE.are_there()
    }

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        Functions::SYNC_FILE_RANGE.check()?;
        SyncRangeArgs::parse(sqe).map(Self)
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        at_work(&at)
    }

    fn begins_in_worker(&self, _file: &File) -> bool {
        true
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let SyncRangeArgs { start, len, flags } = self.0;
        let done = file
            .ok_or(EBADF)
            .and_then(|file| unexported::sync_file_range(file, start, len, flags));
        Outcome::of(done.map(|()| 0))
    }
}

/// FTRUNCATE.
pub(crate) struct Ftruncate(TruncateArgs);

impl Op for Ftruncate {
    const AUDITED: bool = true;

    fn is_there() -> bool {
        Functions::FTRUNCATE.are_there()
    }

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        Functions::FTRUNCATE.check()?;
        TruncateArgs::parse(sqe).map(Self)
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        at_work(&at)
    }

    fn begins_in_worker(&self, _file: &File) -> bool {
        true
    }

    fn serial(&self, file: &File) -> usize {
        // As what is written to it.
        inode_id(file)
    }

    fn is_audited_later(&self) -> bool {
        true
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let done = file
            .ok_or(EBADF)
            .and_then(|file| unexported::ftruncate(file, self.0 .0));
        Outcome::of(done.map(|()| 0))
    }
}

/// FADVISE.
pub(crate) struct Fadvise(AdviceArgs);

impl Op for Fadvise {
    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        AdviceArgs::parse_file(sqe).map(Self)
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        at_work(&at)
    }

    fn begins_in_worker(&self, _file: &File) -> bool {
        true
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let AdviceArgs { start, len, advice } = self.0;
        let done = file
            .ok_or(EBADF)
            .and_then(|file| sync::fadvise(file, start, len, advice));
        Outcome::of(done.map(|()| 0))
    }
}

/// MADVISE.
pub(crate) struct Madvise(AdviceArgs);

impl Op for Madvise {
    fn is_there() -> bool {
        Functions::MADVISE.are_there()
    }

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        Functions::MADVISE.check()?;
        AdviceArgs::parse_memory(sqe).map(Self)
    }

    fn issue(&mut self, _at: Attempt<'_, '_>) -> Outcome {
        Outcome::Punt
    }

    fn run_punted(&mut self, _file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let AdviceArgs { start, len, advice } = self.0;
        Outcome::of(unexported::madvise(start, len, advice).map(|()| 0))
    }
}
