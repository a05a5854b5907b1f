// SPDX-License-Identifier: GPL-2.0

//! PIPE. `io_uring/openclose.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    ring::Locked,
    sys::{
        fd::{OpenFile, Reserved},
        unexported::{self, Functions},
        user,
    },
    uapi::{
        abi::open,
        args::files::{FileSlot, PipeArgs},
        errno::{Errno, Result, EINVAL},
        sqe::{Flags, Sqe},
    },
};

/// PIPE.
pub(crate) struct Pipe(PipeArgs);

impl Pipe {
    /// Makes it, and gives its ends their places.
    fn create(&self, ring: &mut Locked<'_>) -> Result<i32> {
        let files = unexported::create_pipe(self.0.flags)?;
        match self.0.place {
            FileSlot::Descriptor => self.install(ring, files),
            _ if self.0.flags & open::CLOEXEC != 0 => Err(EINVAL),
            place => self.register(ring, place, files),
        }
    }

    /// Gives both ends descriptors.
    fn install(&self, ring: &Locked<'_>, [read, write]: [OpenFile; 2]) -> Result<i32> {
        let task = ring.task()?;
        let cloexec = self.0.flags & open::CLOEXEC;
        let from = Reserved::new(task, cloexec)?;
        let to = Reserved::new(task, cloexec)?;
        // Nobody can have the descriptors before they are told of.
        user::write(self.0.fds, &[from.number(), to.number()])?;
        from.install(read);
        to.install(write);
        Ok(0)
    }

    /// Registers both ends: in the slot that is asked for and the one behind it, or in any two.
    fn register(
        &self,
        ring: &mut Locked<'_>,
        place: FileSlot,
        [read, write]: [OpenFile; 2],
    ) -> Result<i32> {
        let slot = |place, chosen: i32| match place {
            FileSlot::Slot(index) => index,
            _ => chosen as u32,
        };
        let from = slot(place, ring.install_file(place, read)?);
        let place = match place {
            FileSlot::Slot(index) => FileSlot::Slot(index.saturating_add(1)),
            place => place,
        };
        let remove = |ring: &mut Locked<'_>, index, error: Errno| {
            // It may be gone again, which is as good.
            let _gone = ring.remove_file(index);
            error
        };
        let to = match ring.install_file(place, write) {
            Ok(chosen) => slot(place, chosen),
            Err(error) => return Err(remove(ring, from, error)),
        };
        if let Err(error) = user::write(self.0.fds, &[from, to]) {
            remove(ring, from, error);
            return Err(remove(ring, to, error));
        }
        Ok(0)
    }
}

impl Op for Pipe {
    const AUDITED: bool = true;
    const FUNCTIONS: Functions = Functions::PIPE;

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        PipeArgs::parse(sqe).map(Self)
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        Outcome::of(self.create(attempt.ring))
    }
}
