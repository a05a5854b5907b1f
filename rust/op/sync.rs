// SPDX-License-Identifier: GPL-2.0

//! FSYNC and FALLOCATE, which always sleep: a worker does them. `io_uring/sync.c` of the kernel.

use super::{Attempt, Op, Outcome, PollFor, Spec};
use crate::{
    rsrc::buffers::RegisteredBuffer,
    sys::{rw::inode_id, sync},
    uapi::{
        args::sync::{FallocateArgs, FsyncArgs},
        errno::{Result, EBADF},
        sqe::{Flags, Sqe},
    },
};
use kernel::fs::File;

/// What is the same of FSYNC and FALLOCATE: a worker does them.
const BY_WORKER: Spec = Spec {
    needs_file: true,
    buffer_select: false,
    ioprio: false,
    wait: PollFor::Never,
};

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
    const SPEC: Spec = BY_WORKER;
    const PUNTS: bool = true;

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
    const SPEC: Spec = BY_WORKER;
    const PUNTS: bool = true;

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

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let FallocateArgs { mode, start, len } = self.0;
        let done = file
            .ok_or(EBADF)
            .and_then(|file| sync::fallocate(file, mode, start, len));
        Outcome::of(done.map(|()| 0))
    }
}
