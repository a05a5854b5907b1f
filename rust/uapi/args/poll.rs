// SPDX-License-Identifier: GPL-2.0

//! Poll requests.

use super::super::{
    abi::{events, poll},
    errno::{Result, EINVAL},
    number::call,
    sqe::{Flags, Sqe},
};

/// The bits that say how often a poll request reports. `EPOLLET` alone is multishot, with `EPOLLONESHOT` it reports once. A
/// level-triggered one has only `EPOLLONESHOT`: it waits for one event at a time, and goes on.
const MODE: u32 = events::ONESHOT | events::ET;

/// The events of a poll request that is not level-triggered, with its behaviour bits (`EPOLLET`, `EPOLLONESHOT`,
/// `EPOLLEXCLUSIVE`).
fn poll_events(sqe: &Sqe, flags: u32) -> u32 {
    let mut wanted = sqe.op_flags() | events::ET;
    if flags & poll::ADD_MULTI == 0 {
        wanted |= events::ONESHOT;
    }
    // What is none of poll(2)'s events means something else within the kernel.
    wanted & (events::OF_POLL | events::EXCLUSIVE | MODE)
}

/// The events of a level-triggered poll, which has to be a multishot one.
#[cold] // poll/32
fn level_events(sqe: &Sqe, flags: u32) -> Result<u32> {
    if flags & poll::ADD_MULTI == 0 {
        return Err(EINVAL);
    }
    Ok(poll_events(sqe, flags) & !MODE | events::ONESHOT)
}

/// POLL_ADD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PollArgs {
    /// What to wait for, with the behaviour bits.
    pub(crate) events: u32,
}

impl PollArgs {
    /// Parses the fields of POLL_ADD.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields and flags that it does not have.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        if sqe.buf_index() != 0 || sqe.off() != 0 || sqe.addr() != 0 {
            return Err(EINVAL);
        }
        let bits = sqe.len();
        if bits & poll::ADD_MULTI != 0 && flags.cqe_skip() {
            return Err(EINVAL);
        }
        let events = match bits & !poll::ADD_MULTI {
            0 => poll_events(sqe, bits),
            poll::ADD_LEVEL => level_events(sqe, bits)?,
            _ => return Err(EINVAL),
        };
        Ok(Self { events })
    }

    /// Whether it reports until it is removed.
    pub(crate) fn multishot(&self) -> bool {
        self.events & MODE != MODE
    }

    /// Whether it reports the same event again, once the application has seen the last report.
    pub(crate) fn level(&self) -> bool {
        self.events & events::ET == 0
    }

    /// Changes it as POLL_REMOVE says.
    pub(crate) fn update(&mut self, update: &PollRemoveArgs) {
        if let Some(wanted) = update.events {
            self.events = self.events & !0xffff | wanted & 0xffff;
        }
        if let Some(mode) = update.mode {
            self.events = self.events & !MODE | mode;
        }
    }
}

/// POLL_REMOVE, which is also the update of a poll request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PollRemoveArgs {
    /// `user_data` of the poll request meant.
    pub(crate) target: u64,
    /// Its new events, if they change.
    pub(crate) events: Option<u32>,
    /// Its new `user_data`, if that changes.
    pub(crate) user_data: Option<u64>,
    /// How often it reports from now on, as behaviour bits, if that changes.
    pub(crate) mode: Option<u32>,
}

impl PollRemoveArgs {
    /// Parses the fields of POLL_REMOVE.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields and flags that it does not have, or that do not go together.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        if sqe.buf_index() != 0 || sqe.file_index() != 0 {
            return Err(EINVAL);
        }
        let flags = sqe.len();
        let new_mode = flags & poll::UPDATE_MODE != 0;
        let level = if new_mode { poll::ADD_LEVEL } else { 0 };
        const UPDATES: u32 = poll::UPDATE_EVENTS | poll::UPDATE_USER_DATA | poll::UPDATE_MODE;
        if flags & !(UPDATES | poll::ADD_MULTI | level) != 0 || flags == poll::ADD_MULTI {
            return Err(EINVAL);
        }
        let user_data = (flags & poll::UPDATE_USER_DATA != 0).then(|| sqe.off());
        if user_data.is_none() && sqe.off() != 0 {
            return Err(EINVAL);
        }
        let wanted = match flags & poll::ADD_LEVEL {
            0 => poll_events(sqe, flags),
            _ => level_events(sqe, flags)?,
        };
        let events = (flags & poll::UPDATE_EVENTS != 0).then_some(wanted);
        if events.is_none() && sqe.op_flags() != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            target: sqe.addr(),
            events,
            user_data,
            mode: new_mode.then_some(wanted & MODE),
        })
    }

    /// Whether it changes the request rather than end it.
    pub(crate) fn updates(&self) -> bool {
        self.events.is_some() || self.user_data.is_some() || self.mode.is_some()
    }
}

/// EPOLL_WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EpollWaitArgs {
    /// Address of `struct epoll_event`s.
    pub(crate) events: u64,
    /// How many there is room for.
    pub(crate) most: i32,
}

impl EpollWaitArgs {
    /// Parses the fields of EPOLL_WAIT.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        if sqe.off() != 0 || sqe.op_flags() != 0 || sqe.buf_index() != 0 || sqe.file_index() != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            events: sqe.addr(),
            most: sqe.len() as i32,
        })
    }
}

/// EPOLL_CTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EpollCtlArgs {
    /// Descriptor of the epoll.
    pub(crate) epfd: i32,
    /// `EPOLL_CTL_*`
    pub(crate) op: i32,
    /// Descriptor of what it is to wait for.
    pub(crate) fd: i32,
    /// Address of a `struct epoll_event`, if it takes one.
    pub(crate) event: Option<u64>,
}

impl EpollCtlArgs {
    /// `EPOLL_CTL_DEL`
    const DEL: u32 = call::EPOLL_CTL_DEL;

    /// Parses the fields of EPOLL_CTL.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        if sqe.buf_index() != 0 || sqe.file_index() != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            epfd: sqe.fd(),
            op: sqe.len() as i32,
            fd: sqe.off() as i32,
            event: (sqe.len() != Self::DEL).then_some(sqe.addr()),
        })
    }
}
