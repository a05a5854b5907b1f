// SPDX-License-Identifier: GPL-2.0

//! What the trace events say of rings and requests, see [`crate::sys::trace`].

use super::{Locked, Ring};
use crate::{
    req::{Chain, Job, OwnedReq, ReqMut, Request},
    sys::{
        object::Object,
        trace::{self, Id, ReqInfo},
    },
    uapi::{
        abi::{cqe, events, setup},
        errno::{Errno, Result},
        sqe::{Opcode, Sqe},
        structs::Cqe,
    },
};

impl Ring {
    /// What trace events say of a request of this ring.
    pub(crate) fn info(&self, req: &OwnedReq) -> ReqInfo {
        self.info_of(req.object(), &req.core().job)
    }

    /// As [`Ring::info`], of the request with this object and this job.
    pub(crate) fn info_of(&self, object: &Object<Request>, job: &Job) -> ReqInfo {
        ReqInfo {
            ctx: Id::of(self),
            req: Id::of(object),
            user_data: job.user_data,
            opcode: job.opcode.map_or(0, Opcode::number),
        }
    }

    /// Tells how registering has ended.
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
    #[cold] // recv-multishot/udp/64/1/defer
    pub(crate) fn trace_register(&self, opcode: u32, result: Result<i64>) {
        let (files, buffers) = match self.lock() {
            Ok(locked) => (locked.state.files.len(), locked.state.buffers.len()),
            Err(_) => (0, 0),
        };
        let ret = result.unwrap_or_else(|error| error.to_raw().into());
        trace::register(Id::of(self), opcode, files as u32, buffers as u32, ret);
    }
}

impl Locked<'_> {
    /// Tells of a completion that was written for `req`, or for a request that goes on.
    #[cold] // recv-multishot/udp/64/1/defer
    pub(super) fn trace_complete(&self, req: Option<&OwnedReq>, done: Cqe) {
        let config = &self.ring.config;
        let (mut cflags, extra) = self.split_extra(done.flags);
        if extra.is_some() && config.has(setup::CQE_MIXED) {
            cflags |= cqe::TWICE_AS_LARGE;
        }
        let info = ReqInfo {
            ctx: Id::of(self.ring),
            req: req.map_or(Id::NONE, |req| Id::of(req.object())),
            user_data: done.user_data,
            opcode: 0,
        };
        trace::complete(info, done.res, cflags, extra.unwrap_or_default());
    }

    /// Tells of a completion that there is no room for.
    pub(super) fn trace_overflow(&self, req: &OwnedReq, done: Cqe) {
        let mut info = self.ring.info(req);
        info.user_data = done.user_data;
        let (cflags, _) = self.split_extra(done.flags);
        trace::cqe_overflow(info, done.res, cflags);
    }

    /// Tells of a request that is submitted.
    pub(crate) fn trace_submit(&self, req: &OwnedReq) {
        let sq_thread = self.ring.config.has(setup::SQPOLL);
        let flags = req.core().job.flags.of_sqe();
        trace::submit_req(self.ring.info(req), flags, sq_thread);
    }

    /// Tells of a descriptor that is looked up for a request.
    #[cold] // recv-incremental/udp/64
    pub(crate) fn trace_file_get(&self, req: &mut ReqMut<'_>) {
        let job = &req.core_mut().job;
        let (user_data, opcode, fd) = (job.user_data, job.opcode, job.fd);
        if job.flags.fixed_file() {
            return;
        }
        let info = ReqInfo {
            ctx: Id::of(self.ring),
            req: Id::of(req.object()),
            user_data,
            opcode: opcode.map_or(0, Opcode::number),
        };
        trace::file_get(info, fd);
    }

    /// Tells of a request that goes to the workers.
    #[cold] // recv-incremental/udp/64
    pub(crate) fn trace_async(&self, req: &OwnedReq, hashed: bool) {
        let flags = req.core().job.flags.of_sqe();
        trace::queue_async_work(self.ring.info(req), flags, hashed);
    }

    /// Tells of a request that waits for `wanted` of its file until it is tried again.
    pub(crate) fn trace_armed(&self, req: &OwnedReq, wanted: u32) {
        let mask = wanted | events::ET;
        trace::poll_arm(self.ring.info(req), mask, mask | events::ALWAYS);
    }

    /// Tells of an entry that is refused.
    #[inline(never)] // Size: nobody traces as a rule.
    pub(crate) fn trace_refused(&self, req: &OwnedReq, sqe: &Sqe, error: Errno) {
        trace::req_failed(self.ring.info(req), sqe.words(), error.to_raw());
    }

    /// Tells of a request that is linked behind what `head` begins.
    pub(crate) fn trace_link(&self, req: &OwnedReq, head: &OwnedReq) {
        let mut last = Id::of(head.object());
        head.core()
            .chain
            .for_each(|req| last = Id::of(req.object()));
        trace::link(self.ring.info(req), last);
    }

    /// Tells of all that ends behind `req` because that has failed.
    pub(crate) fn trace_failed_links(&self, failed: ReqInfo, chain: &Chain) {
        chain.for_each(|link| trace::fail_link(failed, Id::of(link.object())));
    }
}
