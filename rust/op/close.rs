// SPDX-License-Identifier: GPL-2.0

//! CLOSE: close(2), also of a direct descriptor. `io_uring/openclose.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    ring::Ring,
    rsrc::buffers::RegisteredBuffer,
    sys::{
        context::{CallContext, InTask},
        fd::{self, OpenFile},
        ringfile,
    },
    uapi::{
        args::files::CloseArgs,
        errno::{Result, EBADF, ECANCELED},
        sqe::{Flags, Sqe},
    },
};
use kernel::{fs::File, warn_on};

/// CLOSE.
pub(crate) struct Close(CloseArgs);

/// Looks whether `fd` can be closed. Whether that is to be done with the ring unlocked.
fn check(task: InTask<'_>, fd: i32) -> Result<bool> {
    let file = OpenFile::get_any(task, fd)?;
    // A ring is not closed by a ring, as with io_uring.
    if ringfile::is_ring::<Ring>(&file) {
        return Err(EBADF);
    }
    Ok(fd::hears_of_close(&file))
}

impl Close {
    /// Closes it, if what is to be told of that does not have to wait for anybody. False if it may.
    fn close(&self, attempt: &mut Attempt<'_, '_>) -> Result<bool> {
        let fd = match self.0 {
            CloseArgs::Descriptor(fd) => fd,
            CloseArgs::Slot(slot) => return attempt.ring.remove_file(slot).map(|()| true),
        };
        let task = attempt.ring.task()?;
        if check(task, fd)? {
            return Ok(false);
        }
        let taken = fd::take(task, fd)?;
        if taken.hears_of_close() {
            // Another thread has put it there since. Its result is not waited for.
            attempt.ring.close_after_unlock(taken);
            return Ok(true);
        }
        let (file, said) = taken.close();
        // The peer of a socket is to see it closed before the next wait, not after it.
        attempt.ring.release_after_unlock(file);
        said.map(|()| true)
    }

    /// Closes it with the ring unlocked.
    fn close_unlocked(&self, context: CallContext<'_>) -> Result {
        let CloseArgs::Descriptor(fd) = self.0 else {
            // A slot is emptied with the ring locked.
            warn_on!(true);
            return Err(EBADF);
        };
        // A task that exits closes all that it has.
        let task = context.task().ok_or(ECANCELED)?;
        check(task, fd)?;
        let (file, said) = fd::take(task, fd)?.close();
        file.release(context);
        said
    }
}

impl Op for Close {
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        CloseArgs::parse(sqe, flags).map(Self)
    }

    fn issue(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        match self.close(&mut attempt) {
            Ok(true) => Outcome::done(0),
            Ok(false) => Outcome::Punt,
            Err(error) => Outcome::failed(error),
        }
    }

    fn run_unlocked(
        &mut self,
        context: CallContext<'_>,
        _file: Option<&File>,
        _buffer: Option<&RegisteredBuffer>,
    ) -> Outcome {
        Outcome::of(self.close_unlocked(context).map(|()| 0))
    }
}
