// SPDX-License-Identifier: GPL-2.0

//! MSG_RING: a completion, or a registered file, for another ring. `io_uring/msg_ring.c` of the
//! kernel.

use super::{Attempt, Op, Outcome, Spec, Wait};
use crate::{
    ring::Ring,
    rsrc::buffers::Buffer,
    sys::{fd::OpenFile, ringfile},
    uapi::{
        args::msg_ring::Message,
        errno::{Result, EBADF, EBADFD, EINVAL},
        sqe::{Flags, Sqe},
    },
};
use kernel::{fs::File, sync::Arc};

/// MSG_RING.
pub(crate) struct MsgRing {
    message: Message,
    /// What is sent, if that is a file.
    file: Option<OpenFile>,
}

/// The ring that `file` is.
fn target(file: &File) -> Result<Arc<Ring>> {
    ringfile::ring_of(file).ok_or(EBADFD)
}

impl MsgRing {
    /// Does what takes the ring that sends.
    fn prepare(&mut self, at: &Attempt<'_, '_>) -> Result {
        let target = target(at.file()?)?;
        match self.message {
            Message::Data(_) => {}
            Message::File { .. } if at.ring.is(&target) => return Err(EINVAL),
            Message::File { from, .. } => {
                target.check_open()?;
                let registered = at.ring.files().get(from as i32).ok_or(EBADF)?;
                self.file = Some(registered.file.again());
            }
            Message::Unknown => return Err(EINVAL),
        }
        Ok(())
    }

    /// Does what takes the one that it is for.
    fn deliver(&mut self, file: &File) -> Result<i32> {
        let target = target(file)?;
        match (self.message, self.file.take()) {
            (Message::Data(done), _) => target.take_message(done).map(|()| 0),
            (Message::File { to, user_data, .. }, Some(file)) => {
                target.take_file(to, file, user_data)
            }
            _ => Err(EINVAL),
        }
    }
}

impl Op for MsgRing {
    const SPEC: Spec = Spec {
        needs_file: true,
        buffer_select: false,
        ioprio: false,
        wait: Wait::Never,
    };

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        Ok(Self {
            message: Message::parse(sqe)?,
            file: None,
        })
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        match self.prepare(&at) {
            Ok(()) => Outcome::Block,
            Err(error) => Outcome::failed(error),
        }
    }

    fn steps_out(&self, _file: Option<&File>) -> bool {
        true
    }

    fn work(&mut self, file: Option<&File>, _buffer: Option<&Buffer>) -> Outcome {
        Outcome::of(file.ok_or(EBADF).and_then(|file| self.deliver(file)))
    }

    #[inline]
    fn owns(&self) -> bool {
        self.file.is_some()
    }
}
