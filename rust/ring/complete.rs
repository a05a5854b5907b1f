// SPDX-License-Identifier: GPL-2.0

//! Completions: the one way by which user space is told anything.
//!
//! A completion that finds no room is kept, in order, by the cell of its request. So keeping one
//! never needs memory, and none is ever dropped.

use super::{Locked, Ring};
use crate::{
    op::Operation,
    req::{Limit, Token},
    rsrc::files::FileRef,
    uapi::{
        abi::{cqe, sq, Cqe},
        errno::{Errno, EALREADY, ECANCELED, ETIME},
        setup::layout,
        sqe::Link,
    },
};
use kernel::sync::atomic::Relaxed;

impl Ring {
    /// Whether completions wait for room.
    #[inline]
    pub(super) fn overflowing(&self) -> bool {
        self.overflowing.load(Relaxed)
    }

    pub(super) fn set_overflowing(&self, value: bool) {
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
    /// Writes a completion, to be seen at the next [`Locked::commit`]. False if there is no room.
    #[inline]
    pub(super) fn post(&mut self, done: Cqe) -> bool {
        let index = match self.state.cq.next() {
            Some(index) => index,
            None => {
                if !self.refill() {
                    return false;
                }
                match self.state.cq.next() {
                    Some(index) => index,
                    None => return false,
                }
            }
        };
        let result = u64::from(done.res as u32) | u64::from(done.flags) << 32;
        self.ring.memory.cqes.write(index, [done.user_data, result]);
        self.state.posted = true;
        true
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self) -> bool {
        // What has been waiting for room goes first.
        if !self.state.overflow.is_empty() {
            return false;
        }
        self.learn_head()
    }

    fn learn_head(&mut self) -> bool {
        let head = self.ring.memory.words.load::<{ layout::CQ_HEAD }>();
        self.state.cq.refill(head, self.ring.config.cq_entries)
    }

    /// Posts a completion of a request that goes on. False if there is no room.
    #[inline]
    pub(crate) fn post_more(&mut self, user_data: u64, res: i32, flags: u32) -> bool {
        self.post(Cqe {
            user_data,
            res,
            flags: flags | cqe::MORE,
        })
    }

    /// Lets user space see what has been posted, and wakes up who waits for it.
    #[inline]
    fn commit(&mut self) {
        if !self.state.posted {
            return;
        }
        self.state.posted = false;
        let ring = self.ring;
        ring.memory
            .words
            .store_release::<{ layout::CQ_TAIL }>(self.state.cq.tail());
        // Only the task that posts can be waiting otherwise.
        if !ring.deferred() && ring.waiters.has_sleeper() {
            ring.waiters.wake();
        }
        if ring.pollers.has_sleeper() {
            ring.pollers.wake();
        }
        if self.state.counting {
            self.end_counts();
        }
        if self.state.has_eventfd {
            let by_worker = core::mem::take(&mut self.state.posted_async);
            ring.signal_eventfd(by_worker);
        }
    }

    /// Completes a request that does not wait any more, has no successor, and whose end is not
    /// [`unusual`](crate::uapi::sqe::Flags::unusual). Gives its cell back, unless that keeps the completion.
    #[inline(always)]
    pub(super) fn finish_plain(&mut self, mut token: Token, res: i32, flags: u32) -> Option<Token> {
        let file = token.lend().take_file();
        let job = &mut token.owned().job;
        if !matches!(job.op, Operation::Refused) {
            job.op = Operation::Refused;
        }
        let buffer = job.buffer.take();
        let done = Cqe {
            user_data: job.user_data,
            res,
            flags,
        };
        let kept = if self.post(done) {
            Some(token)
        } else {
            self.keep(token, done);
            None
        };
        // What their end may tell comes after it.
        if let Some(file) = file {
            self.put_file(file);
        }
        if let Some(buffer) = buffer {
            self.put_buffer(buffer);
        }
        kept
    }

    /// Completes a request, and starts or cancels what is linked behind it.
    #[inline(never)]
    pub(super) fn finish(&mut self, token: Token, res: i32, flags: u32, broken: bool) {
        self.finish_here(token, res, flags, broken);
    }

    /// As [`Locked::finish`], without the call.
    #[inline(always)]
    pub(super) fn finish_here(&mut self, mut token: Token, res: i32, flags: u32, broken: bool) {
        self.forget(&mut token);
        let held = token.owned();
        if held.chain.is_empty() && !held.job.flags.unusual() {
            if let Some(token) = self.finish_plain(token, res, flags) {
                self.recycle(token);
            }
            return;
        }
        self.finish_linked(token, res, flags, broken);
    }

    /// The same for a request with something linked behind or an unusual flag, which is in no table
    /// any more.
    #[inline(never)]
    pub(super) fn finish_linked(&mut self, mut token: Token, res: i32, flags: u32, broken: bool) {
        let file = token.lend().take_file();
        let held = token.owned();
        let failed = broken || (res < 0 && !held.job.op.may_end_with(res));
        held.job.op = Operation::Refused;
        let job_flags = held.job.flags;
        let refused = held.job.refused.take().is_some();
        let silent = job_flags.silent();
        let by_worker = job_flags.force_async() && !held.job.polled && !refused;
        let mut chain = core::mem::take(&mut held.chain);
        let mut timeout = match held.job.limit {
            Limit::None => None,
            _ => chain.pop(),
        };
        let timed_out = match core::mem::take(&mut held.job.limit) {
            Limit::Passed => Some(ETIME),
            Limit::TooLate => Some(EALREADY),
            _ => None,
        };
        let buffer = held.job.buffer.take();
        let done = Cqe {
            user_data: held.job.user_data,
            res,
            flags,
        };
        if let Some(error) = timed_out {
            self.finish_timeout(timeout.take(), error);
        }
        if silent || (job_flags.cqe_skip() && !failed) {
            // Nobody need be told of what is not there.
            self.state.posted_async &= self.state.posted;
            self.recycle(token);
        } else {
            self.complete(token, done);
            self.state.posted_async |= by_worker && self.state.posted;
        }
        self.finish_timeout(timeout, ECANCELED);
        if let Some(file) = file {
            self.put_file(file);
        }
        if let Some(buffer) = buffer {
            self.put_buffer(buffer);
        }
        let Some(mut next) = chain.pop() else { return };
        // A hard link holds through failures, but not if part of it cannot be done at all.
        if failed && (refused || job_flags.link() != Link::Hard) {
            let job = &mut next.owned().job;
            job.refused.get_or_insert(ECANCELED);
            // One that does not tell of its success does not have others tell of its failure.
            if silent || job_flags.cqe_skip() {
                job.flags.set_silent();
            }
        }
        next.owned().chain = chain;
        self.state.ready.push(next);
    }

    /// Completes a linked timeout, with the request that it is for.
    fn finish_timeout(&mut self, timeout: Option<Token>, error: Errno) {
        let Some(mut token) = timeout else { return };
        let job = &mut token.owned().job;
        job.op = Operation::Refused;
        // Neither is a failure of its own.
        if job.flags.cqe_skip() {
            self.recycle(token);
            return;
        }
        let done = Cqe {
            user_data: job.user_data,
            res: error.to_raw(),
            flags: 0,
        };
        self.complete(token, done);
    }

    /// Posts the last completion of a request, or keeps it.
    pub(super) fn complete(&mut self, token: Token, done: Cqe) {
        self.complete_here(token, done);
    }

    /// As [`Locked::complete`], without the call.
    #[inline(always)]
    pub(super) fn complete_here(&mut self, token: Token, done: Cqe) {
        if self.post(done) {
            self.recycle(token);
        } else {
            self.keep(token, done);
        }
    }

    #[cold]
    #[inline(never)]
    fn keep(&mut self, mut token: Token, done: Cqe) {
        // Nobody will make room in a ring whose file is gone, and what it kept would keep it.
        if self.ring.is_dying() {
            return self.recycle(token);
        }
        token.owned().cqe = done;
        if self.state.overflow.is_empty() {
            self.ring.set_overflowing(true);
        }
        self.count_kept(&token);
        self.state.overflow.push(token);
    }

    /// Posts what has been waiting for room, as far as there is room now.
    #[cold]
    pub(super) fn flush_overflow(&mut self) {
        self.learn_head();
        while let Some(token) = self.state.overflow.pop() {
            let done = token.peek().cqe;
            let room = self.state.cq.has_room() || self.learn_head();
            if !room {
                self.state.overflow.push_front(token);
                return;
            }
            self.post(done);
            self.uncount_kept(&token);
            self.recycle(token);
        }
        if self.ring.overflowing() {
            self.ring.set_overflowing(false);
        }
    }

    /// Drops the reference to a file. The last one is not left for the task's way back.
    #[inline(always)]
    pub(crate) fn put_file(&mut self, file: FileRef) {
        match file {
            FileRef::Own(file) => {
                if file.is_last() {
                    self.release_unlocked(file);
                }
            }
            FileRef::Registered(registered) => self.put_registered(registered),
        }
    }
}
