// SPDX-License-Identifier: GPL-2.0

//! The filters that a ring asks about its requests: `IORING_REGISTER_BPF_FILTER`.

use super::Locked;
use crate::{
    sys::bpf::Program,
    uapi::{
        abi::opcode,
        errno::{Result, EACCES, EINVAL},
        filter::{FilterCtx, NewFilter},
        sqe::Opcode,
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox, KVVec},
    warn_on,
};

/// A ring's filters. There are only ever more of them.
#[derive(Default)]
pub(crate) struct Filters {
    /// Each with the opcode that it is for.
    programs: KVVec<(u8, Program)>,
    /// By bit, the opcodes for which there is one.
    filtered: u128,
    /// By bit, the opcodes that are refused without one being asked.
    denied: u128,
}

impl Filters {
    /// Adds a filter to those of its opcode.
    fn add(&mut self, new: &NewFilter, program: Program) -> Result {
        let Some(bit) = opcode::bit(new.opcode) else {
            // It was read as that of an opcode that there is.
            warn_on!(true);
            return Err(EINVAL);
        };
        self.programs
            .push((new.opcode, program), GFP_KERNEL_ACCOUNT)?;
        self.filtered |= bit;
        if new.deny_rest {
            self.denied |= !self.filtered;
        }
        Ok(())
    }

    /// Whether a request passes: all for its opcode have to let it.
    fn allow(&self, opcode: Option<Opcode>, ctx: impl FnOnce() -> FilterCtx) -> bool {
        let number = opcode.map(Opcode::number);
        let Some((number, bit)) = number.and_then(|number| Some((number, opcode::bit(number)?)))
        else {
            // Only a request that was read gets here. One of which nothing is known does not pass.
            warn_on!(true);
            return false;
        };
        if self.denied & bit != 0 {
            return false;
        }
        if self.filtered & bit == 0 {
            return true;
        }
        let ctx = ctx();
        let mut those = self.programs.iter().filter(|(code, _)| *code == number);
        those.all(|(_, program)| program.run(&ctx))
    }
}

impl Locked<'_> {
    /// Whether there are filters to ask.
    pub(crate) fn has_filters(&self) -> bool {
        self.state.filters.is_some()
    }

    /// Asks one more from now on.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn add_filter(&mut self, new: &NewFilter, program: Program) -> Result {
        let filters = match self.state.filters.take() {
            Some(filters) => filters,
            None => KBox::new(Filters::default(), GFP_KERNEL_ACCOUNT)?,
        };
        self.state.filters.insert(filters).add(new, program)?;
        self.ring.set_restricted();
        Ok(())
    }

    /// Asks the filters about a request with this opcode, of which they see what `ctx` says.
    ///
    /// # Errors
    ///
    /// `-EACCES` if one of them refuses it.
    pub(crate) fn ask_filters(
        &self,
        opcode: Option<Opcode>,
        ctx: impl FnOnce() -> FilterCtx,
    ) -> Result {
        match &self.state.filters {
            Some(filters) if !filters.allow(opcode, ctx) => Err(EACCES),
            _ => Ok(()),
        }
    }
}
