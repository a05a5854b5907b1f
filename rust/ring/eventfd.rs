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
        self.state.async_tail = self.state.cq.tail();
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

    /// Signals an eventfd that is only for what does not come from the task, as a worker of io_uring does when it is through with
    /// something: for what is to be seen next, or at once if that has no completion to be seen.
    pub(crate) fn signal_as_worker(&mut self) {
        if self.state.posted {
            self.state.posted_async = true;
        } else if self.ring.deferred() {
            // It tells the task, which does the rest.
            self.ring.signal_eventfd(|only_async| only_async);
        } else if self.state.cq.tail() != self.state.async_tail {
            // What others have posted since is as good.
            self.signal_async();
        }
    }

    /// Signals the eventfd for what user space was just told of.
    #[cold] // nop/1
    pub(super) fn signal_posted(&mut self) {
        if core::mem::take(&mut self.state.posted_async) {
            self.signal_async();
        } else {
            let mut for_all = false;
            let is_on = self.ring.signal_eventfd(|only_async| {
                for_all = !only_async;
                for_all
            });
            if is_on && for_all {
                self.state.async_tail = self.state.cq.tail();
            }
        }
    }

    /// Signals the eventfd, whatever it is for.
    fn signal_async(&mut self) {
        if self.ring.signal_eventfd(|_| true) {
            self.state.async_tail = self.state.cq.tail();
        }
    }
}

impl Ring {
    /// Signals the eventfd, if there is one, unless user space has switched it off or `which` says no, which is told whether it is only
    /// for completions that do not come from the task. Returns whether it is not switched off.
    ///
    /// # Context
    ///
    /// May be called in any context.
    pub(crate) fn signal_eventfd(&self, which: impl FnOnce(bool) -> bool) -> bool {
        let flags = self.memory.words.load::<{ layout::CQ_FLAGS }>();
        let is_on = flags & cq::EVENTFD_DISABLED == 0;
        if is_on {
            self.eventfd.signal_if(which);
        }
        is_on
    }
}
