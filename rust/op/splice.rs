// SPDX-License-Identifier: GPL-2.0

//! SPLICE, TEE and SENDFILE: from one file to another without a copy in user space. `io_uring/splice.c` of the
//! kernel; SENDFILE is ruring's own.
//!
//! A worker does them that may wait for ever, as files and peers do.

use super::{Attempt, Op, Outcome};
use crate::{
    ring::Locked,
    rsrc::{buffers::RegisteredBuffer, files::FileRef},
    sys::{
        fd::OpenFile,
        splice,
        unexported::{self, Functions},
    },
    uapi::{
        args::splice::{SpliceArgs, SpliceKind},
        errno::{Errno, Result, EBADF},
        sqe::{Flags, Sqe},
    },
};
use kernel::{fs::File, warn_on};

/// SPLICE.
pub(crate) type Splice = FromFile<{ SpliceKind::SPLICE }>;
/// TEE.
pub(crate) type Tee = FromFile<{ SpliceKind::TEE }>;
/// SENDFILE.
pub(crate) type SendFile = FromFile<{ SpliceKind::SENDFILE }>;

/// One of them, by [`SpliceKind`].
pub(crate) struct FromFile<const KIND: u8> {
    args: SpliceArgs,
    /// What it reads, once it is looked up, or that there is none: a worker of io_uring finds that out, too.
    input: Option<Result<FileRef>>,
}

impl<const KIND: u8> FromFile<KIND> {
    /// Looks up what it reads.
    fn get_input(&self, ring: &Locked<'_>) -> Result<FileRef> {
        let input = if self.args.fixed {
            ring.registered(self.args.input)?
        } else {
            FileRef::Own(OpenFile::get(ring.task()?, self.args.input)?)
        };
        ring.check_family(&input)?;
        Ok(input)
    }

    /// Does it. Returns how many bytes.
    fn transfer(&self, input: &File, output: &File) -> Result<usize> {
        let SpliceArgs {
            from,
            to,
            len,
            flags,
            ..
        } = self.args;
        if len == 0 {
            return Ok(0);
        }
        match KIND {
            SpliceKind::SPLICE => unexported::splice(input, from, output, to, len, flags),
            SpliceKind::TEE => unexported::tee(input, output, len, flags),
            _ => splice::sendfile(input, from.unwrap_or(-1), output, len),
        }
    }
}

impl<const KIND: u8> Op for FromFile<KIND> {
    const FUNCTIONS: Functions = match KIND {
        SpliceKind::SPLICE => Functions::SPLICE,
        SpliceKind::TEE => Functions::TEE,
        _ => Functions::NONE,
    };

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        Ok(Self {
            args: SpliceArgs::parse(sqe, KIND)?,
            input: None,
        })
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        if let Err(error) = attempt.file() {
            return Outcome::failed(error);
        }
        self.input = Some(self.get_input(attempt.ring));
        Outcome::Punt
    }

    fn runs_unlocked(&self, output: Option<&File>) -> bool {
        // What may want descriptors, of which a worker has none.
        match (&self.input, output) {
            (Some(Ok(input)), Some(output)) => {
                !splice::can_delegate(input, false) || !splice::can_delegate(output, true)
            }
            // To say that there is no such file takes no worker.
            _ => true,
        }
    }

    fn is_unbound(&self, _output: &File) -> bool {
        true
    }

    fn run_punted(&mut self, output: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let (input, output) = match (&self.input, output) {
            (Some(Ok(input)), Some(output)) => (input, output),
            (Some(Err(error)), _) => return Outcome::failed(*error),
            _ => {
                // What is punted has its file, and has looked up what it reads.
                warn_on!(true);
                return Outcome::failed(EBADF);
            }
        };
        match self.transfer(input, output) {
            Ok(done) => Outcome::Done {
                res: done as i32,
                flags: 0,
                broken: done != self.args.len,
            },
            Err(error) => Outcome::failed(error),
        }
    }

    fn after_punt(&mut self, ring: &mut Locked<'_>, res: i32) -> i32 {
        if let Some(Ok(input)) = self.input.take() {
            ring.put_file(input);
        }
        res
    }

    fn end(&mut self, ring: &mut Locked<'_>, error: Errno) -> Outcome {
        if let Some(Ok(input)) = self.input.take() {
            ring.put_file(input);
        }
        Outcome::Done {
            res: error.to_raw(),
            flags: 0,
            broken: true,
        }
    }
}
