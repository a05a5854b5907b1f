// SPDX-License-Identifier: GPL-2.0

//! The eventfd of a ring, which is signalled when completions are posted, and when something has
//! come back that only `enter` will run.

use super::{Locked, Ring};
use crate::{
    sys::eventfd::EventFd,
    uapi::{
        abi::cq,
        errno::{Result, EBUSY, ENXIO},
        setup::layout,
    },
};

/// A place for a registered eventfd, and whether it is only for completions that do not come from the
/// submitter's task.
pub(crate) type RingEventFd = crate::sys::eventfd::EventFdSlot<bool>;

impl Locked<'_> {
    /// `IORING_REGISTER_EVENTFD` and `IORING_REGISTER_EVENTFD_ASYNC`: `fd` is what came of reading the
    /// descriptor.
    ///
    /// # Errors
    ///
    /// `-EBUSY` if there is one; what reading the descriptor said; those of [`EventFd::get`].
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn register_eventfd(&mut self, fd: Result<i32>, only_async: bool) -> Result {
        if self.state.has_eventfd {
            return Err(EBUSY);
        }
        let eventfd = EventFd::get(self.task()?, fd?)?;
        self.ring.eventfd.set(Some((eventfd, only_async)));
        self.state.has_eventfd = true;
        self.state.posted_async = false;
        Ok(())
    }

    /// `IORING_UNREGISTER_EVENTFD`: signals the eventfd no more.
    ///
    /// # Errors
    ///
    /// `-ENXIO` if there is none.
    pub(crate) fn unregister_eventfd(&mut self) -> Result {
        if !core::mem::take(&mut self.state.has_eventfd) {
            return Err(ENXIO);
        }
        self.ring.eventfd.set(None);
        Ok(())
    }

    /// Has the next completion count as one that a worker posts: io_uring has one do what may wait.
    pub(crate) fn post_as_worker(&mut self) {
        self.state.posted_async = true;
    }
}

impl Ring {
    /// Signals the eventfd, if there is one and user space has not switched it off. `by_worker` says whether io_uring
    /// would have had a worker do it.
    ///
    /// # Context
    ///
    /// May be called in any context.
    #[cold] // nop/1
    pub(crate) fn signal_eventfd(&self, by_worker: bool) {
        let flags = self.memory.words.load::<{ layout::CQ_FLAGS }>();
        if flags & cq::EVENTFD_DISABLED == 0 {
            self.eventfd
                .signal_if(|only_async| by_worker || !only_async);
        }
    }
}
