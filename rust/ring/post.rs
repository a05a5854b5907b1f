// SPDX-License-Identifier: GPL-2.0

//! Completions: the one way by which user space is told anything.
//!
//! A completion that finds no room is kept, in order, by the object of its request. So keeping one
//! never needs memory, and none is ever dropped.

use super::{Locked, Ring};
use crate::{
    req::OwnedReq,
    rsrc::files::FileRef,
    sys::trace,
    uapi::{
        abi::{cqe, sq},
        setup::layout,
        structs::Cqe,
    },
};
use kernel::sync::atomic::Relaxed;

impl Ring {
    /// Whether completions wait for room.
    #[inline]
    pub(crate) fn overflowing(&self) -> bool {
        self.overflowing.load(Relaxed)
    }

    /// Says whether completions wait for room, to user space as well.
    pub(crate) fn set_overflowing(&self, value: bool) {
        self.overflowing.store(value, Relaxed);
        self.memory
            .words
            .change::<{ layout::SQ_FLAGS }>(sq::CQ_OVERFLOW, value);
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        self.commit();
    }
}

impl Locked<'_> {
    /// Writes a completion, to be seen at the next [`Locked::commit`], of which no trace event tells. False if there is no
    /// room.
    #[inline]
    pub(crate) fn post(&mut self, done: Cqe) -> bool {
        let index = match self.state.cq.next() {
            Some(index) => index,
            None => return self.post_slowly(done),
        };
        self.write(index, done);
        true
    }

    /// As [`Locked::post`], for the completion of `req`, or one that is of none of the ring's own. A trace event tells.
    #[inline(always)] // nop-buffer/ring-32
    pub(crate) fn post_for(&mut self, req: Option<&OwnedReq>, done: Cqe) -> bool {
        let posted = self.post(done);
        if trace::complete_enabled() && posted {
            self.trace_complete(req, done);
        }
        posted
    }

    #[inline(always)] // nop/32
    fn write(&mut self, index: u32, done: Cqe) {
        debug_assert!(!self.ring.config.has_large_cqes());
        let result = u64::from(done.res as u32) | u64::from(done.flags) << 32;
        self.state
            .entries
            .cqes
            .write(index, [done.user_data, result]);
        self.state.posted = true;
    }

    /// Posts a completion when no place is known that is free, or there may be two sizes.
    #[cold] // recv-multishot/udp/64/8/defer
    fn post_slowly(&mut self, done: Cqe) -> bool {
        // What has been waiting for room goes first.
        if !self.state.overflow.is_empty() {
            return false;
        }
        if self.ring.config.has_large_cqes() {
            return self.post_large(done);
        }
        self.refill_room();
        let Some(index) = self.state.cq.next() else {
            return false;
        };
        self.write(index, done);
        true
    }

    /// Looks how many completions user space has consumed. Whether there is room then for one of 16 bytes.
    pub(crate) fn refill_room(&mut self) -> bool {
        let head = self.ring.cq_head();
        self.state.cq.refill(head, self.ring.cq_entries())
    }

    /// How many completions have been posted, modulo 2^32.
    pub(crate) fn cached_cq_tail(&self) -> u32 {
        self.state.cq.tail()
    }

    /// Whether a place is known that is free for a completion of 16 bytes: [`Locked::post`] does not fail.
    pub(crate) fn has_room(&self) -> bool {
        self.state.cq.room() != 0
    }

    /// How many completions there is known to be room for, up to `most`: none in a ring that may have completions of 32 bytes.
    #[inline]
    pub(crate) fn room(&mut self, most: u32) -> u32 {
        if self.state.cq.room() < most && self.state.overflow.is_empty() {
            if self.ring.config.has_large_cqes() {
                // A place that is known to be free would be taken for one of 16 bytes.
                return 0;
            }
            self.refill_room();
        }
        self.state.cq.room().min(most)
    }

    /// Posts a completion of a request that goes on. False if there is no room.
    #[inline]
    pub(crate) fn post_more(&mut self, user_data: u64, res: i32, flags: u32) -> bool {
        let done = Cqe {
            user_data,
            res,
            flags: flags | cqe::MORE,
        };
        self.post_for(None, done)
    }

    /// Lets user space see what has been posted, and wakes up who waits for it.
    #[inline]
    pub(crate) fn commit(&mut self) {
        if !self.state.posted {
            return;
        }
        self.state.posted = false;
        let ring = self.ring;
        ring.memory
            .words
            .store_release::<{ layout::CQ_TAIL }>(self.state.cq.tail());
        let watched = if ring.deferred() {
            // Only the task that posts can be waiting.
            ring.pollers.has_sleeper()
        } else {
            if ring.waiters.has_sleeper() {
                ring.waiters.wake();
            }
            // After the barrier that the other queue had.
            ring.pollers.is_active()
        };
        if watched {
            ring.pollers.wake();
        }
        if self.state.counting {
            self.bring_back_counted();
        }
        if self.state.has_eventfd {
            self.signal_posted();
        }
    }

    /// Posts the last completion of a request, or keeps it.
    pub(crate) fn complete(&mut self, req: OwnedReq, done: Cqe) {
        self.complete_here(req, done);
    }

    /// As [`Locked::complete`], without the call.
    #[inline(always)] // poll/32
    pub(crate) fn complete_here(&mut self, req: OwnedReq, done: Cqe) {
        if self.post_for(Some(&req), done) {
            self.recycle(req);
        } else {
            self.keep(req, done);
        }
    }

    /// Has the object of a request keep its completion, for which there is no room.
    #[cold] // nop-buffer/classic-1
    pub(crate) fn keep(&mut self, mut req: OwnedReq, done: Cqe) {
        // Nobody will make room in a ring whose file is gone, and what it kept would keep it.
        if self.ring.is_dying() {
            return self.recycle(req);
        }
        if trace::cqe_overflow_enabled() {
            self.trace_overflow(&req, done);
        }
        req.core_mut().cqe = done;
        if let (_, Some(extra)) = self.split_extra(done.flags) {
            req.core_mut().job.keep_extra(extra);
        }
        if self.state.overflow.is_empty() {
            self.ring.set_overflowing(true);
        }
        self.count_kept(&req);
        self.state.overflowed += 1;
        self.state.overflow.push(req);
        // That there is one is something new to see.
        if self.ring.pollers.has_sleeper() {
            self.ring.pollers.wake();
        }
    }

    /// Posts what has been waiting for room, as far as there is room now.
    pub(crate) fn flush_overflow(&mut self) {
        if !self.ring.config.has_large_cqes() {
            self.refill_room();
        }
        while let Some(req) = self.state.overflow.pop() {
            if !self.post_kept(&req) {
                self.state.overflow.push_front(req);
                return;
            }
            self.uncount_kept(&req);
            self.recycle(req);
        }
        if self.ring.overflowing() {
            self.ring.set_overflowing(false);
        }
    }

    /// Posts the completion that `req` keeps. False if there is no room.
    fn post_kept(&mut self, req: &OwnedReq) -> bool {
        let done = req.core().cqe;
        if self.ring.config.has_large_cqes() {
            self.state.extra = req.core().job.kept_extra();
            return self.post_large(done);
        }
        let index = match self.state.cq.next() {
            None if self.refill_room() => self.state.cq.next(),
            index => index,
        };
        let Some(index) = index else {
            return false;
        };
        self.write(index, done);
        true
    }

    /// Drops the reference to a file. The last one is not left for the task's way back.
    #[inline(always)] // recv/unix/32
    pub(crate) fn put_file(&mut self, file: FileRef) {
        match file {
            FileRef::Own(file) => {
                if file.is_last() {
                    self.release_after_unlock(file);
                }
            }
            FileRef::Registered(registered) => self.put_registered(registered),
        }
    }
}
