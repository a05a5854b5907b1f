// SPDX-License-Identifier: GPL-2.0

//! `IORING_REGISTER_NAPI` and `IORING_UNREGISTER_NAPI`. `io_uring/napi.c` of the kernel.

use crate::{
    ring::{napi::Queues, Ring},
    sys::{napi, user},
    uapi::{
        errno::{Result, EINVAL},
        structs::NapiReg,
    },
};
use kernel::alloc::{flags::GFP_KERNEL_ACCOUNT, KBox};

impl Ring {
    /// Has the ring poll queues, or changes which: `arg` is the address of a `struct io_uring_napi`, which becomes what was
    /// before.
    ///
    /// # Errors
    ///
    /// `-EOPNOTSUPP` on a kernel without such polling, `-EINVAL` for a ring that polls files and for what there is not,
    /// `-EFAULT`, and those of [`Queues::apply`].
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
    pub(crate) fn register_napi(&self, arg: u64) -> Result {
        napi::check()?;
        if self.polls_files() {
            return Err(EINVAL);
        }
        let reg: NapiReg = user::read(arg)?;
        if !reg.is_clean() {
            return Err(EINVAL);
        }
        let before = self.lock()?.napi_settings();
        user::write(arg, &NapiReg::of(&before))?;
        let op = reg.parse()?;
        napi::begin_use()?;
        let mut locked = self.lock()?;
        locked.check_alive()?;
        if locked.state.napi.is_none() {
            locked.state.napi = Some(KBox::new(Queues::default(), GFP_KERNEL_ACCOUNT)?);
        }
        match &mut locked.state.napi {
            Some(queues) => queues.apply(op),
            None => Ok(()),
        }
    }

    /// Has it poll none. If `arg` is the address of a `struct io_uring_napi` that becomes what was before.
    ///
    /// # Errors
    ///
    /// `-EOPNOTSUPP` on a kernel without such polling, `-EFAULT`.
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
    pub(crate) fn unregister_napi(&self, arg: u64) -> Result {
        napi::check()?;
        if arg != 0 {
            let before = self.lock()?.napi_settings();
            let told = NapiReg {
                op_param: 0,
                ..NapiReg::of(&before)
            };
            user::write(arg, &told)?;
        }
        self.lock()?.state.napi = None;
        Ok(())
    }
}
