// SPDX-License-Identifier: GPL-2.0

//! MSG_RING: a completion, or a registered file, for another ring. `io_uring/msg_ring.c` of the
//! kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    ring::Ring,
    rsrc::buffers::RegisteredBuffer,
    sys::{fd::OpenFile, ringfile},
    uapi::{
        args::msg_ring::RingMessage,
        errno::{Result, EBADF, EBADFD, EINVAL},
        sqe::{Flags, Sqe},
    },
};
use kernel::{fs::File, sync::Arc, warn_on};

/// MSG_RING.
pub(crate) struct MsgRing {
    message: RingMessage,
    /// What is sent, if that is a file.
    file: Option<OpenFile>,
    /// Whether io_uring has a worker do it.
    by_worker: bool,
}

/// The ring that `file` is.
fn target(file: &File) -> Result<Arc<Ring>> {
    ringfile::ring_of(file).ok_or(EBADFD)
}

impl MsgRing {
    /// Does what takes the ring that sends.
    fn prepare(&mut self, attempt: &Attempt<'_, '_>) -> Result {
        let target = target(attempt.file()?)?;
        match self.message {
            RingMessage::Data(_) => {}
            RingMessage::File { .. } if attempt.ring.locks(&target) => return Err(EINVAL),
            RingMessage::File { from, .. } => {
                target.check_open()?;
                let registered = attempt.ring.files().get(from as usize).ok_or(EBADF)?;
                self.file = Some(registered.file.again());
            }
            RingMessage::Unknown => return Err(EINVAL),
        }
        Ok(())
    }

    /// Does what takes the one that it is for.
    fn deliver(&mut self, file: &File) -> Result<i32> {
        let target = target(file)?;
        match (self.message, self.file.take()) {
            (RingMessage::Data(done), _) => target.post_from_ring(done, self.by_worker).map(|()| 0),
            (RingMessage::File { to, user_data, .. }, Some(file)) => {
                target.install_from_ring(to, file, user_data, self.by_worker)
            }
            _ => {
                // What is unknown was refused, and a file to be sent was looked up, before the ring was unlocked.
                warn_on!(true);
                Err(EINVAL)
            }
        }
    }
}

impl Op for MsgRing {
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        Ok(Self {
            message: RingMessage::parse(sqe)?,
            file: None,
            by_worker: false,
        })
    }

    fn set_by_io_wq(&mut self, _blocks: bool) {
        self.by_worker = true;
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        match self.prepare(&attempt) {
            Ok(()) => Outcome::Punt,
            Err(error) => Outcome::failed(error),
        }
    }

    fn is_audited_later(&self) -> bool {
        true
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        Outcome::of(file.ok_or(EBADF).and_then(|file| self.deliver(file)))
    }

    #[inline]
    fn needs_drop(&self) -> bool {
        self.file.is_some()
    }
}
