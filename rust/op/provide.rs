// SPDX-License-Identifier: GPL-2.0

//! PROVIDE_BUFFERS and REMOVE_BUFFERS: classic groups. `io_uring/kbuf.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    kbuf::classic::BufRange,
    sys::user::access_ok,
    uapi::{
        args::provide::{ProvideArgs, RemoveArgs},
        errno::{Result, EINVAL},
        sqe::{Flags, Sqe},
    },
};

/// PROVIDE_BUFFERS.
pub(crate) struct ProvideBuffers {
    group: u16,
    run: BufRange,
}

impl Op for ProvideBuffers {
    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        let args = ProvideArgs::parse(sqe, access_ok)?;
        Ok(Self {
            group: args.group,
            run: BufRange::new(args.addr, args.len, args.bid, args.count).ok_or(EINVAL)?,
        })
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        let provided = attempt.ring.groups().provide(self.group, self.run);
        Outcome::of(provided.map(|()| 0))
    }
}

/// REMOVE_BUFFERS.
pub(crate) struct RemoveBuffers {
    args: RemoveArgs,
}

impl Op for RemoveBuffers {
    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        Ok(Self {
            args: RemoveArgs::parse(sqe)?,
        })
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        let removed = attempt
            .ring
            .groups()
            .remove(self.args.group, self.args.count);
        Outcome::of(removed.map(|count| count as i32))
    }
}
