// SPDX-License-Identifier: GPL-2.0

//! CLOSE: close(2), also of a direct descriptor. `io_uring/openclose.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    ring::Ring,
    sys::{
        fd::{self, OpenFile},
        ringfile,
    },
    uapi::{
        args::files::CloseArgs,
        errno::{Result, EBADF},
        sqe::{Flags, Sqe},
    },
};

/// CLOSE.
pub(crate) struct Close(CloseArgs);

impl Close {
    fn close(&self, at: &mut Attempt<'_, '_>) -> Result {
        let fd = match self.0 {
            CloseArgs::Descriptor(fd) => fd,
            CloseArgs::Slot(slot) => return at.ring.remove_file(slot),
        };
        // A ring is not closed by a ring, as with io_uring.
        let file = OpenFile::get_any(at.ring.task()?, fd)?;
        if ringfile::is_ring::<Ring>(&file) {
            return Err(EBADF);
        }
        drop(file);
        let file = fd::close(at.ring.task()?, fd)?;
        // The peer of a socket is to see it closed before the next wait, not after it.
        at.ring.release_unlocked(file);
        Ok(())
    }
}

impl Op for Close {
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        CloseArgs::parse(sqe, flags).map(Self)
    }

    fn issue(&mut self, mut at: Attempt<'_, '_>) -> Outcome {
        Outcome::of(self.close(&mut at).map(|()| 0))
    }
}
