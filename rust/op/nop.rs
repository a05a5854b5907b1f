// SPDX-License-Identifier: GPL-2.0

//! NOP: completes, and does nothing else. `io_uring/nop.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    ring::Locked,
    sys::fd::OpenFile,
    uapi::{
        abi::{nop, sqe_flags},
        args::nop::{LargeNopArgs, NopArgs},
        errno::{Result, EBADF, ENOBUFS},
        sqe::{Flags, Sqe},
        structs::BigCqe,
    },
};

/// NOP.
pub(crate) struct Nop {
    args: NopArgs,
}

impl Op for Nop {
    #[inline(always)] // nop-buffer/ring-32
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = NopArgs::parse(sqe, flags)?;
        Ok(Self { args })
    }

    /// One that wants at most a buffer.
    #[inline(always)] // nop/32
    fn at_once(ring: &mut Locked<'_>, sqe: &Sqe) -> Option<(i32, u32)> {
        if sqe.personality() != 0 || sqe.ioprio() != 0 {
            return None;
        }
        let res = match sqe.op_flags() {
            0 => 0,
            nop::INJECT_RESULT => NopArgs::injected(sqe),
            _ => return None,
        };
        match sqe.flags() {
            0 => Some((res, 0)),
            sqe_flags::BUFFER_SELECT => {
                let flags = ring.groups().consume(sqe.buf_index())?;
                Some((res, flags))
            }
            _ => None,
        }
    }

    #[inline(always)] // nop-buffer/ring-32
    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        if self.args.is_special() {
            return self.issue_special(attempt);
        }
        self.consume(attempt.ring, attempt.group)
    }
}

impl Nop {
    /// Whether a file of it is a registered one, of which either kind of flags may tell.
    pub(super) fn is_of_slot(&self) -> bool {
        self.args.has(nop::FIXED_FILE)
    }

    /// Takes a buffer, if it is to have one. What that costs is measured with this, which is ruring's
    /// own.
    #[inline(always)] // nop-buffer/ring-32
    fn consume(&self, ring: &mut Locked<'_>, group: Option<u16>) -> Outcome {
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
    fn issue_special(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        if let Err(error) = self.check_objects(&mut attempt) {
            self.args.result = error.to_raw();
        }
        let later = self.args.has(nop::TW);
        // It does these once, also if it comes back as task work.
        self.args.flags &= !(nop::TW | nop::FILE | nop::FIXED_BUFFER);
        if later {
            return Outcome::TaskWork;
        }
        if self.args.result < 0 {
            return Outcome::done(self.args.result);
        }
        self.consume(attempt.ring, attempt.group)
    }

    /// Looks whether there is what it is to look at.
    fn check_objects(&self, attempt: &mut Attempt<'_, '_>) -> Result {
        if self.args.has(nop::FILE) {
            let missing = if self.args.has(nop::FIXED_FILE) {
                attempt
                    .ring
                    .files()
                    .get(self.args.fd as u32 as usize)
                    .is_none()
            } else {
                attempt
                    .ring
                    .task()
                    .and_then(|task| OpenFile::get(task, self.args.fd))
                    .is_err()
            };
            if missing {
                return Err(EBADF);
            }
        }
        if self.args.has(nop::FIXED_BUFFER) {
            attempt.registered()?;
        }
        Ok(())
    }
}

/// NOP128, and NOP that posts a completion of 32 bytes.
pub(crate) struct LargeNop {
    nop: Nop,
    extra: Option<BigCqe>,
}

impl LargeNop {
    /// See [`Nop::is_of_slot`].
    pub(super) fn is_of_slot(&self) -> bool {
        self.nop.is_of_slot()
    }
}

impl Op for LargeNop {
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let LargeNopArgs { nop, extra } = LargeNopArgs::parse(sqe, flags)?;
        Ok(Self {
            nop: Nop { args: nop },
            extra,
        })
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        let outcome = self.nop.issue_special(Attempt {
            ring: &mut *attempt.ring,
            buffer: &mut *attempt.buffer,
            ..attempt
        });
        match (outcome, self.extra) {
            (Outcome::Done { res, flags, broken }, Some(extra)) => Outcome::Done {
                res,
                flags: flags | attempt.ring.set_extra(extra),
                broken,
            },
            (outcome, _) => outcome,
        }
    }
}
