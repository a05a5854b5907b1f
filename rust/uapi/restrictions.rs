// SPDX-License-Identifier: GPL-2.0

//! What a ring may be used for. `io_uring_register(2)`.

use super::{
    abi::{opcode, register, sqe_flags},
    errno::{Result, EINVAL},
    sqe::Sqe,
    structs::Restriction,
};

/// Kinds of restrictions: `struct io_uring_restriction`.
pub(crate) mod restriction {
    #![allow(missing_docs)]
    pub(crate) const REGISTER_OP: u32 = 0;
    pub(crate) const SQE_OP: u32 = 1;
    pub(crate) const SQE_FLAGS_ALLOWED: u32 = 2;
    pub(crate) const SQE_FLAGS_REQUIRED: u32 = 3;
    pub(crate) const LAST: u32 = 4;
}

/// `IORING_REGISTER_RESTRICTIONS`, parsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Restrictions {
    /// Whether SQEs are restricted at all.
    sqes: bool,
    /// Whether registrations are restricted.
    registers: bool,
    /// By bit, the opcodes that an SQE may have.
    ops: u128,
    /// By bit, the opcodes that a registration may have.
    register_ops: u64,
    flags_allowed: u8,
    flags_required: u8,
}

impl Restrictions {
    /// The most entries that there can be.
    pub(crate) const MOST: u32 = restriction::LAST + register::LAST + opcode::LAST as u32;

    /// Parses what user space says. No entries at all forbid everything.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for an entry that says nothing that there is.
    pub(crate) fn parse(entries: &[Restriction]) -> Result<Self> {
        let mut parsed = Self {
            sqes: entries.is_empty(),
            registers: entries.is_empty(),
            ..Self::default()
        };
        for entry in entries {
            let what = entry.what;
            match u32::from(entry.opcode) {
                restriction::REGISTER_OP => {
                    parsed.register_ops |= register::bit(what.into()).ok_or(EINVAL)?;
                    parsed.registers = true;
                    continue;
                }
                restriction::SQE_OP => parsed.ops |= opcode::bit(what).ok_or(EINVAL)?,
                restriction::SQE_FLAGS_ALLOWED => parsed.flags_allowed = what,
                restriction::SQE_FLAGS_REQUIRED => parsed.flags_required = what,
                _ => return Err(EINVAL),
            }
            parsed.sqes = true;
        }
        Ok(parsed)
    }

    /// Whether there are any for SQEs.
    pub(crate) fn on_sqes(&self) -> bool {
        self.sqes
    }

    /// Whether an entry may be submitted. One that makes no sense anywhere is for others to refuse.
    pub(crate) fn allow(&self, sqe: &Sqe) -> bool {
        let (opcode, flags) = (sqe.opcode(), sqe.flags());
        let Some(bit) = opcode::bit(opcode).filter(|_| self.sqes && flags & !sqe_flags::ALL == 0)
        else {
            return true;
        };
        let required = self.flags_required;
        self.ops & bit != 0
            && flags & required == required
            && flags & !(self.flags_allowed | required) == 0
    }

    /// Whether there may be a registration with this opcode.
    pub(crate) fn allow_register(&self, opcode: u32) -> bool {
        !self.registers || register::bit(opcode).is_none_or(|bit| self.register_ops & bit != 0)
    }
}
