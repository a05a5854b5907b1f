// SPDX-License-Identifier: GPL-2.0

//! FILES_UPDATE and FIXED_FD_INSTALL. `io_uring/rsrc.c` and `io_uring/openclose.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    ring::buffer_table::as_many,
    rsrc::table::RsrcSource,
    sys::{
        fd::{self, OpenFile},
        user,
    },
    uapi::{
        args::files::{FileSlot, FilesUpdateArgs, InstallArgs},
        errno::Result,
        sqe::{Flags, Sqe},
    },
};
use kernel::warn_on;

/// FILES_UPDATE.
pub(crate) struct FilesUpdate(FilesUpdateArgs);

impl FilesUpdate {
    fn update(&self, attempt: &mut Attempt<'_, '_>) -> Result<i32> {
        let args = &self.0;
        if let Some(first) = args.first {
            let source = RsrcSource {
                data: args.fds,
                tags: 0,
            };
            return Ok(attempt.ring.update_files(first, args.count, source)? as i32);
        }
        attempt.ring.files().check(0, 0)?;
        as_many(args.count, |number| {
            self.add(attempt, args.fds.wrapping_add(u64::from(number) * 4))
        })
        .map(|count| count as i32)
    }

    /// Registers the file whose descriptor is at `addr`, and says there in which slot.
    fn add(&self, attempt: &mut Attempt<'_, '_>, addr: u64) -> Result {
        let fd: i32 = user::read(addr)?;
        let index = {
            let file = OpenFile::get(attempt.ring.task()?, fd)?;
            attempt.ring.install_file(FileSlot::AnySlot, file)?
        };
        user::write(addr, &index).inspect_err(|_| {
            // It was just put there.
            warn_on!(attempt.ring.remove_file(index as u32).is_err());
        })
    }
}

impl Op for FilesUpdate {
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        FilesUpdateArgs::parse(sqe, flags).map(Self)
    }

    fn issue(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        Outcome::of(self.update(&mut attempt))
    }
}

/// FIXED_FD_INSTALL.
pub(crate) struct FixedFdInstall(InstallArgs);

impl Op for FixedFdInstall {
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        InstallArgs::parse(sqe, flags).map(Self)
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        let install = || fd::receive(attempt.ring.task()?, attempt.file()?, self.0.cloexec);
        Outcome::of(install())
    }
}
