// SPDX-License-Identifier: GPL-2.0

//! Timeouts.

use super::super::{
    abi::timeout,
    errno::{Result, EINVAL},
    sqe::{Flags, Sqe},
    structs::Timespec,
};

/// A clock that can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// `CLOCK_MONOTONIC`
    Monotonic,
    /// `CLOCK_BOOTTIME`
    Boottime,
    /// `CLOCK_REALTIME`
    Realtime,
}

impl Clock {
    /// Parses the flags of a timeout; more than one clock is wrong.
    fn parse(flags: u32) -> Result<Self> {
        match (
            flags & timeout::BOOTTIME != 0,
            flags & timeout::REALTIME != 0,
        ) {
            (false, false) => Ok(Self::Monotonic),
            (true, false) => Ok(Self::Boottime),
            (false, true) => Ok(Self::Realtime),
            (true, true) => Err(EINVAL),
        }
    }
}

/// Where an SQE has a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// In a `struct __kernel_timespec` at this address.
    At(u64),
    /// Here, in nanoseconds.
    Here(u64),
}

impl Time {
    fn parse(flags: u32, arg: u64) -> Self {
        if flags & timeout::IMMEDIATE_ARG != 0 {
            Self::Here(arg)
        } else {
            Self::At(arg)
        }
    }

    /// Nanoseconds; `read` reads what is at an address.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for a negative time, and what `read` says.
    pub(crate) fn get(self, read: impl FnOnce(u64) -> Result<Timespec>) -> Result<i64> {
        let time = match self {
            Self::Here(time) => time as i64,
            Self::At(addr) => {
                let time = read(addr)?;
                if time.tv_sec < 0 || time.tv_nsec < 0 {
                    return Err(EINVAL);
                }
                time.nanoseconds()
            }
        };
        if time < 0 {
            return Err(EINVAL);
        }
        Ok(time)
    }
}

/// TIMEOUT and LINK_TIMEOUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeoutArgs {
    /// When it is over.
    pub(crate) time: Time,
    /// Whether that is a time of the clock, rather than counted from now.
    pub(crate) absolute: bool,
    /// Which clock.
    pub(crate) clock: Clock,
    /// Completions after which it is over too, 0 for none; or how often it expires, 0 for ever.
    pub(crate) count: u32,
    /// Whether it expires more than once.
    pub(crate) multishot: bool,
    /// Whether it is a success when the time is over.
    pub(crate) etime_success: bool,
}

impl TimeoutArgs {
    /// Parses the fields of TIMEOUT, or of LINK_TIMEOUT (`link`).
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields and flags that it does not have, or that do not go together.
    pub(crate) fn parse(sqe: &Sqe, link: bool) -> Result<Self> {
        const FLAGS: u32 = timeout::ABS
            | timeout::BOOTTIME
            | timeout::REALTIME
            | timeout::ETIME_SUCCESS
            | timeout::MULTISHOT
            | timeout::IMMEDIATE_ARG;
        let flags = sqe.op_flags();
        let args = Self {
            time: Time::parse(flags, sqe.addr()),
            absolute: flags & timeout::ABS != 0,
            clock: Clock::parse(flags)?,
            count: sqe.off() as u32,
            multishot: flags & timeout::MULTISHOT != 0,
            etime_success: flags & timeout::ETIME_SUCCESS != 0,
        };
        if sqe.addr3() != 0
            || sqe.attr_type_mask() != 0
            || sqe.buf_index() != 0
            || sqe.len() != 1
            || sqe.file_index() != 0
            || (link && args.count != 0)
            || flags & !FLAGS != 0
            || (args.multishot && args.absolute)
        {
            return Err(EINVAL);
        }
        Ok(args)
    }
}

/// TIMEOUT_REMOVE, which is also the update of a timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeoutRemoveArgs {
    /// `user_data` of the timeout meant.
    pub(crate) target: u64,
    /// Its new time, if it is not removed.
    pub(crate) update: Option<TimeUpdate>,
}

/// The new time of a timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeUpdate {
    /// When it is over.
    pub(crate) time: Time,
    /// Whether that is a time of the timeout's clock, rather than counted from now.
    pub(crate) absolute: bool,
    /// What it is for.
    pub(crate) kind: UpdateKind,
}

/// What a new time is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UpdateKind {
    /// A TIMEOUT
    Plain,
    /// A LINK_TIMEOUT
    Link,
    /// Nothing: the timeout is removed, as the flag for an update is missing.
    Nothing,
}

impl TimeoutRemoveArgs {
    /// Parses the fields of TIMEOUT_REMOVE.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields and flags that it does not have, or that do not go together.
    pub(crate) fn parse(sqe: &Sqe, sqe_flags: Flags) -> Result<Self> {
        const UPDATES: u32 = timeout::UPDATE | timeout::LINK_UPDATE;
        let flags = sqe.op_flags();
        if sqe_flags.fixed_file()
            || sqe.addr3() != 0
            || sqe.attr_type_mask() != 0
            || sqe.buf_index() != 0
            || sqe.len() != 0
            || sqe.file_index() != 0
        {
            return Err(EINVAL);
        }
        let mut update = None;
        if flags & UPDATES != 0 {
            if flags & !(UPDATES | timeout::ABS | timeout::IMMEDIATE_ARG) != 0 {
                return Err(EINVAL);
            }
            update = Some(TimeUpdate {
                time: Time::parse(flags, sqe.off()),
                absolute: flags & timeout::ABS != 0,
                kind: match (
                    flags & timeout::UPDATE != 0,
                    flags & timeout::LINK_UPDATE != 0,
                ) {
                    (false, _) => UpdateKind::Nothing,
                    (true, false) => UpdateKind::Plain,
                    (true, true) => UpdateKind::Link,
                },
            });
        } else if flags != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            target: sqe.addr(),
            update,
        })
    }
}
