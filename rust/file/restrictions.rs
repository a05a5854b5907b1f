// SPDX-License-Identifier: GPL-2.0

//! What a ring does not take although ruring has it. `IORING_REGISTER_RESTRICTIONS`.

use crate::{
    ring::Ring,
    sys::user,
    uapi::{
        errno::{Result, EACCES, EBADFD, EBUSY, EINVAL},
        restrictions::Restrictions,
        structs::Restriction,
    },
};
use kernel::alloc::{flags::GFP_KERNEL_ACCOUNT, KVec};

impl Ring {
    /// Restricts a ring that is not enabled yet, once: `arg` is the address of `count` of `struct
    /// io_uring_restriction`.
    ///
    /// # Errors
    ///
    /// `-EBADFD` if it is enabled, `-EBUSY` if it is restricted, `-EINVAL` and `-EFAULT` for the restrictions
    /// themselves.
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
    pub(crate) fn restrict(&self, arg: u64, count: u32) -> Result {
        let restrictions = read(arg, count);
        let mut locked = self.lock()?;
        locked.check_alive()?;
        if self.is_enabled() {
            return Err(EBADFD);
        }
        if self.restrictions.as_ref().is_some() {
            return Err(EBUSY);
        }
        let restrictions = restrictions?;
        // The mutex is held, so that nobody else has done so.
        self.restrictions.populate(restrictions);
        locked.state.restricted |= restrictions.on_sqes();
        Ok(())
    }

    /// Finds out whether the ring may be used for a registration with this opcode.
    ///
    /// # Errors
    ///
    /// `-EACCES` if it must not.
    pub(crate) fn accept_register(&self, opcode: u32) -> Result {
        if !self.policy.registers.allow(opcode) {
            return Err(EACCES);
        }
        match self.restrictions.as_ref() {
            // Who sets it up may do anything.
            Some(those) if !those.allow_register(opcode) && self.is_enabled() => Err(EACCES),
            _ => Ok(()),
        }
    }
}

/// Reads `count` of `struct io_uring_restriction` at user address `arg`.
fn read(arg: u64, count: u32) -> Result<Restrictions> {
    if arg == 0 || count > Restrictions::MOST {
        return Err(EINVAL);
    }
    let mut entries = KVec::from_elem(Restriction::default(), count as usize, GFP_KERNEL_ACCOUNT)?;
    user::read_into(arg, &mut entries)?;
    Restrictions::parse(&entries)
}
