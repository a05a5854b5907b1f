// SPDX-License-Identifier: GPL-2.0

//! What a ring does not take although ruring has it. `IORING_REGISTER_RESTRICTIONS` and `IORING_REGISTER_BPF_FILTER`.

use crate::{
    ring::Ring,
    sys::{bpf::Program, user},
    uapi::{
        errno::{Result, EACCES, EBADFD, EBUSY, EINVAL},
        filter::NewFilter,
        restrictions::Restrictions,
        structs::{Bpf, Restriction},
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
        let locked = self.lock()?;
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
        if restrictions.on_sqes() {
            self.set_restricted();
        }
        Ok(())
    }

    /// Has the ring ask a filter about its requests: `arg` is the address of a `struct io_uring_bpf`.
    ///
    /// # Errors
    ///
    /// `-EINVAL` and `-EFAULT` for what is there, `-EMSGSIZE` if the filter expects to see more of a request than there is, or
    /// other than that and says so; those of [`Program::read`].
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
    pub(crate) fn register_filter(&self, arg: u64) -> Result {
        let mut reg: Bpf = user::read(arg)?;
        let new = NewFilter::parse(&mut reg)?;
        // Also for who expected something else.
        let answer = arg.wrapping_add(core::mem::offset_of!(Bpf, filter) as u64);
        user::write(answer, &reg.filter)?;
        let new = new?;
        let program = Program::read(&new)?;
        let mut locked = self.lock()?;
        locked.check_alive()?;
        locked.add_filter(&new, program)
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
