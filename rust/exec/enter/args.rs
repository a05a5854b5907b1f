// SPDX-License-Identifier: GPL-2.0

//! What `enter` is told, and how it is to wait.

use crate::{
    ring::Ring,
    sys::{context::InCall, user},
    uapi::{
        abi::enter,
        errno::{Result, EINVAL},
        region,
        structs::{Enter, GeteventsArg, RegWait, Timespec},
    },
};
use kernel::time::Delta;

/// The arguments of `io_uring_enter(2)`, but for the ring.
pub(crate) struct Arguments<'a> {
    /// Proof that the current task is in an ioctl(2) of its own.
    pub(crate) call: InCall<'a>,
    /// Most SQ entries to consume.
    pub(crate) to_submit: u32,
    /// Completions to wait for.
    pub(crate) min_complete: u32,
    /// `IORING_ENTER_*`
    pub(crate) flags: u32,
    /// User address of a signal mask, or of a `struct io_uring_getevents_arg`, or offset of a
    /// `struct io_uring_reg_wait` in the ring's memory region.
    pub(crate) arg: u64,
    /// How many bytes there are at `arg`.
    pub(crate) argsz: u64,
}

impl<'a> Arguments<'a> {
    /// What user space has asked for by `call`. Which ring it means is for the caller to see.
    #[inline]
    pub(crate) fn new(call: InCall<'a>, what: &Enter) -> Self {
        Self {
            call,
            to_submit: what.to_submit,
            min_complete: what.min_complete,
            flags: what.flags,
            arg: what.arg,
            argsz: what.argsz,
        }
    }
}

/// How `enter` is to wait for completions, as its argument says.
pub(super) struct WaitArgs<'a> {
    pub(super) call: InCall<'a>,
    pub(super) mask: u64,
    pub(super) mask_size: usize,
    /// After what time any completion will do; none if it is zero.
    pub(super) min_wait: Delta,
    /// Whether the wait counts as one for I/O.
    pub(super) iowait: bool,
    /// How long it is to wait, from its start on, unless that is said to be a time of the clock.
    pub(super) timeout: Option<Delta>,
}

impl<'a> WaitArgs<'a> {
    /// How long, and for what, a wait is that these arguments ask for.
    ///
    /// # Errors
    ///
    /// `-EINVAL`, `-EFAULT` for what they point to.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(super) fn read(ring: &Ring, args: &Arguments<'a>) -> Result<Self> {
        let iowait = args.flags & enter::NO_IOWAIT == 0;
        if args.flags & enter::EXT_ARG == 0 {
            return Ok(Self {
                call: args.call,
                iowait,
                mask: args.arg,
                mask_size: args.argsz as usize,
                min_wait: Delta::ZERO,
                timeout: None,
            });
        }
        if args.flags & enter::EXT_ARG_REG != 0 {
            return Self::read_registered(ring, args);
        }
        if args.argsz != size_of::<GeteventsArg>() as u64 {
            return Err(EINVAL);
        }
        let ext: GeteventsArg = user::read(args.arg)?;
        // As io_uring: who polls files has no use for it.
        let timeout = if ext.ts == 0 || ring.gets_by_polling() {
            None
        } else {
            Some(to_delta(user::read(ext.ts)?))
        };
        Ok(Self {
            call: args.call,
            iowait,
            mask: ext.sigmask,
            mask_size: ext.sigmask_sz as usize,
            min_wait: Delta::from_micros(ext.min_wait_usec.into()),
            timeout,
        })
    }

    /// For IORING_ENTER_EXT_ARG_REG: from the ring's memory region.
    fn read_registered(ring: &Ring, args: &Arguments<'a>) -> Result<Self> {
        if args.argsz != size_of::<RegWait>() as u64 || ring.gets_by_polling() {
            return Err(EINVAL);
        }
        let wait = ring.registered_wait(args.arg)?;
        if wait.flags & !region::WAIT_TS != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            call: args.call,
            iowait: args.flags & enter::NO_IOWAIT == 0,
            mask: wait.sigmask,
            mask_size: wait.sigmask_sz as usize,
            min_wait: Delta::from_micros(wait.min_wait_usec.into()),
            timeout: (wait.flags & region::WAIT_TS != 0).then(|| to_delta(wait.ts)),
        })
    }
}

fn to_delta(time: Timespec) -> Delta {
    Delta::from_nanos(time.nanoseconds())
}
