// SPDX-License-Identifier: GPL-2.0

//! NOP: completes, and does nothing else. `io_uring/nop.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    ring::Locked,
    sys::fd::OpenFile,
    uapi::{
        abi::nop,
        args::nop::{LargeNopArgs, NopArgs},
        errno::{Result, EBADF, ENOBUFS},
        sqe::{Flags, Sqe},
    },
};

/// NOP.
pub(crate) struct Nop {
    args: NopArgs,
}

impl Op for Nop {
    #[inline(always)]
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = NopArgs::parse(sqe, flags)?;
        Ok(Self { args })
    }

    #[inline(always)]
    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        if self.args.is_special() {
            return self.issue_special(at);
        }
        self.take(at.ring, at.group)
    }
}

impl Nop {
    /// Takes a buffer, if it is to have one. What that costs is measured with this, which is ruring's
    /// own.
    #[inline(always)]
    fn take(&self, ring: &mut Locked<'_>, group: Option<u16>) -> Outcome {
        match group.map(|group| ring.groups().consume(group)) {
            Some(None) => Outcome::failed(ENOBUFS),
            Some(Some(flags)) => Outcome::Done {
                res: self.args.result,
                flags,
                broken: false,
            },
            None => Outcome::done(self.args.result),
        }
    }

    /// One that is to do more than nothing.
    #[inline(never)]
    fn issue_special(&mut self, mut at: Attempt<'_, '_>) -> Outcome {
        if self.args.has(nop::TW) {
            // Once.
            self.args.flags &= !nop::TW;
            return Outcome::Requeue;
        }
        if self.args.has(nop::FILE) {
            let missing = if self.args.has(nop::FIXED_FILE) {
                at.ring.files().get(self.args.fd).is_none()
            } else {
                at.ring
                    .task()
                    .and_then(|task| OpenFile::get(task, self.args.fd))
                    .is_err()
            };
            if missing {
                return Outcome::failed(EBADF);
            }
        }
        if self.args.has(nop::FIXED_BUFFER) {
            if let Err(error) = at.registered() {
                return Outcome::failed(error);
            }
        }
        self.take(at.ring, at.group)
    }
}

/// NOP128, and NOP that posts a completion of 32 bytes.
pub(crate) struct LargeNop {
    nop: Nop,
    extra: Option<[u64; 2]>,
}

impl Op for LargeNop {
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let LargeNopArgs { nop, extra } = LargeNopArgs::parse(sqe, flags)?;
        Ok(Self {
            nop: Nop { args: nop },
            extra,
        })
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        let outcome = self.nop.issue_special(Attempt {
            ring: &mut *at.ring,
            buffer: &mut *at.buffer,
            ..at
        });
        match (outcome, self.extra) {
            (Outcome::Done { res, flags, broken }, Some(extra)) => Outcome::Done {
                res,
                flags: flags | at.ring.set_extra(extra),
                broken,
            },
            (outcome, _) => outcome,
        }
    }
}
