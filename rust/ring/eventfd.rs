// SPDX-License-Identifier: GPL-2.0

//! The eventfd of a ring, which is signalled when completions are posted, and when something has
//! come home that only `enter` will run.

use super::Locked;
use crate::{
    sys::{eventfd::EventFd, user},
    uapi::{
        abi::cq,
        errno::{Result, EBUSY, ENXIO},
        setup::layout,
    },
};
use kernel::sync::atomic::Relaxed;

/// A registered eventfd.
pub(super) struct Registered {
    eventfd: EventFd,
    /// Only for completions that do not come from the submitter's task.
    only_async: bool,
}

impl Locked<'_> {
    /// `IORING_REGISTER_EVENTFD` and `IORING_REGISTER_EVENTFD_ASYNC`: `arg` is the address of the
    /// descriptor.
    pub(super) fn register_eventfd(&mut self, arg: u64, only_async: bool) -> Result {
        if self.state.eventfd.is_some() {
            return Err(EBUSY);
        }
        let mut fd = [0i32];
        user::read_into(arg, &mut fd)?;
        let [fd] = fd;
        let eventfd = EventFd::get(self.task()?, fd)?;
        self.state.eventfd = Some(Registered {
            eventfd,
            only_async,
        });
        self.state.posted_async = false;
        self.ring.has_eventfd.store(true, Relaxed);
        Ok(())
    }

    /// `IORING_UNREGISTER_EVENTFD`
    pub(super) fn unregister_eventfd(&mut self) -> Result {
        self.ring.has_eventfd.store(false, Relaxed);
        self.state.eventfd.take().map(drop).ok_or(ENXIO)
    }

    /// Signals the eventfd, if there is one and user space has not switched it off. `by_worker`
    /// says whether io_uring would have had a worker do it.
    #[cold]
    pub(super) fn signal_eventfd(&mut self, by_worker: bool) {
        let flags = self.ring.memory.words.load::<{ layout::CQ_FLAGS }>();
        if flags & cq::EVENTFD_DISABLED != 0 {
            return;
        }
        if let Some(registered) = &self.state.eventfd {
            if by_worker || !registered.only_async {
                registered.eventfd.signal();
            }
        }
    }
}
