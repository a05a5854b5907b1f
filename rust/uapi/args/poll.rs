// SPDX-License-Identifier: GPL-2.0

//! Poll requests.

use super::super::{
    abi::{events, poll},
    errno::{Result, EINVAL},
    sqe::{Flags, Sqe},
};

/// The events of a poll request, with its behaviour bits (`EPOLLET`, `EPOLLONESHOT`,
/// `EPOLLEXCLUSIVE`).
fn poll_events(sqe: &Sqe, flags: u32) -> u32 {
    let mut wanted = sqe.op_flags();
    if flags & poll::ADD_MULTI == 0 {
        wanted |= events::ONESHOT;
    }
    if flags & poll::ADD_LEVEL == 0 {
        wanted |= events::ET;
    }
    // What is none of poll(2)'s events means something else within the kernel.
    wanted & (events::OF_POLL | events::EXCLUSIVE | events::ONESHOT | events::ET)
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
        if bits & !poll::ADD_MULTI != 0 || (bits & poll::ADD_MULTI != 0 && flags.cqe_skip()) {
            return Err(EINVAL);
        }
        Ok(Self {
            events: poll_events(sqe, bits),
        })
    }

    /// Whether it reports until it is removed.
    pub(crate) fn multishot(&self) -> bool {
        self.events & events::ONESHOT == 0
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
        if flags & !(poll::UPDATE_EVENTS | poll::UPDATE_USER_DATA | poll::ADD_MULTI) != 0
            || flags == poll::ADD_MULTI
        {
            return Err(EINVAL);
        }
        let user_data = (flags & poll::UPDATE_USER_DATA != 0).then(|| sqe.off());
        if user_data.is_none() && sqe.off() != 0 {
            return Err(EINVAL);
        }
        let events = (flags & poll::UPDATE_EVENTS != 0).then(|| poll_events(sqe, flags));
        if events.is_none() && sqe.op_flags() != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            target: sqe.addr(),
            events,
            user_data,
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
    const DEL: u32 = 2;

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
