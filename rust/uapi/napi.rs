// SPDX-License-Identifier: GPL-2.0

//! Queues of network devices that who waits polls himself. `IORING_REGISTER_NAPI`.

use super::errno::{Result, EINVAL};

/// What a registration asks for, and how queues come to be polled.
pub(crate) mod number {
    #![allow(missing_docs)]
    pub(crate) const REGISTER_OP: u8 = 0;
    pub(crate) const STATIC_ADD_ID: u8 = 1;
    pub(crate) const STATIC_DEL_ID: u8 = 2;
    pub(crate) const TRACKING_DYNAMIC: u32 = 0;
    pub(crate) const TRACKING_STATIC: u32 = 1;
    pub(crate) const TRACKING_INACTIVE: u32 = 255;
}

/// `struct io_uring_napi`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct NapiReg {
    /// Microseconds to poll for.
    pub(crate) busy_poll_to: u32,
    /// Whether interrupts of the queues are to be put off meanwhile.
    pub(crate) prefer_busy_poll: u8,
    /// `IO_URING_NAPI_*`
    pub(crate) opcode: u8,
    /// Must be 0.
    pub(crate) pad: [u8; 2],
    /// `IO_URING_NAPI_TRACKING_*`, or a queue.
    pub(crate) op_param: u32,
    /// Must be 0.
    pub(crate) resv: u32,
}

/// How a ring knows of queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tracking {
    /// The ring does not poll queues.
    #[default]
    Inactive,
    /// They are those of the sockets that its requests wait for.
    Dynamic,
    /// It is told of them.
    Static,
}

/// How a ring polls queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NapiSettings {
    /// Which queues are polled.
    pub(crate) tracking: Tracking,
    /// For how many microseconds.
    pub(crate) micros: u32,
    /// Whether their interrupts are put off.
    pub(crate) prefer: bool,
}

/// What a registration asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NapiOp {
    /// To poll so, and to forget the queues that are known.
    Set(NapiSettings),
    /// To poll this one.
    Add(u32),
    /// Not to poll it.
    Remove(u32),
}

impl NapiReg {
    /// What is told of the settings that there were.
    pub(crate) fn of(settings: &NapiSettings) -> Self {
        Self {
            busy_poll_to: settings.micros,
            prefer_busy_poll: settings.prefer.into(),
            op_param: match settings.tracking {
                Tracking::Inactive => number::TRACKING_INACTIVE,
                Tracking::Dynamic => number::TRACKING_DYNAMIC,
                Tracking::Static => number::TRACKING_STATIC,
            },
            ..Self::default()
        }
    }

    /// Whether what has to be 0 is.
    pub(crate) fn is_clean(&self) -> bool {
        self.pad == [0; 2] && self.resv == 0
    }

    /// Parses what it asks for.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for what there is not.
    pub(crate) fn parse(&self) -> Result<NapiOp> {
        const MOST: u32 = 10_000;
        Ok(match self.opcode {
            number::REGISTER_OP => NapiOp::Set(NapiSettings {
                tracking: match self.op_param {
                    number::TRACKING_DYNAMIC => Tracking::Dynamic,
                    number::TRACKING_STATIC => Tracking::Static,
                    _ => return Err(EINVAL),
                },
                micros: self.busy_poll_to.min(MOST),
                prefer: self.prefer_busy_poll != 0,
            }),
            number::STATIC_ADD_ID => NapiOp::Add(self.op_param),
            number::STATIC_DEL_ID => NapiOp::Remove(self.op_param),
            _ => return Err(EINVAL),
        })
    }
}
