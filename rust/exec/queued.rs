// SPDX-License-Identifier: GPL-2.0

//! Requests that wait in a queue of a ring, rather than parked in their objects: for a worker (`work.rs`), stalled
//! (`stall.rs`), or behind other sends (`order.rs`).
//!
//! No wake-up brings such a request back. A cancel, a timer or the end of a task marks it as dropped or overdue, and who has
//! the ring locked takes it out of its queue, whichever that is.

use crate::{
    req::{tctx::TaskCtx, wake::WakeFlags, OwnedReq, Place, Request},
    ring::Locked,
    sys::{object::Object, queue::Fifo},
};

impl Locked<'_> {
    /// Has a request be found as one that waits in a queue, which its caller puts it into. Lets it go on instead if its time is
    /// over.
    pub(super) fn queue_up(&mut self, mut req: OwnedReq) -> Option<OwnedReq> {
        // What else comes changes nothing.
        req.unwatch();
        req.core_mut().job.disarm();
        req.object().queue();
        // Either it is seen here that its time is over, or the timer sees that it waits in a queue.
        req.object().claim(WakeFlags::NONE);
        if req.object().is_overdue() {
            self.requeue(req);
            return None;
        }
        self.insert(&mut req);
        Some(req)
    }

    /// Takes the requests out of their queues that are to come back, of those under `user_data` if that is given, or else of those
    /// for a file if that is.
    pub(super) fn take_dropped(
        &mut self,
        user_data: Option<u64>,
        file_id: Option<usize>,
    ) -> Fifo<Request> {
        let state = &mut *self.state;
        let exec = &mut state.exec;
        let mut out = Fifo::new();
        let take = |object: &Object<Request>| {
            if object.place() == Place::Dropped {
                // One that is on its way back already is in none of them.
                let req = exec.stalled.remove(object);
                let req = req.or_else(|| exec.order.remove(object));
                if let Some(req) = req.or_else(|| exec.workers.queue.remove(object)) {
                    out.push(req);
                }
            }
        };
        match user_data {
            Some(user_data) => state.waiting.get(user_data).for_each(take),
            None => state.waiting.get_by_file(file_id).for_each(take),
        }
        out
    }

    /// Takes a poll out that waits until its report has been seen, under this `user_data`, and that
    /// [`Header::drop_queued`](crate::req::Header) has been called for.
    pub(crate) fn take_reported(&mut self, user_data: u64) -> Option<OwnedReq> {
        let req = self.take_dropped(Some(user_data), None).pop()?;
        req.object().set_back();
        Some(req)
    }

    /// Brings back what waited in a queue and was cancelled, of those that [`Locked::take_dropped`] is to look at.
    pub(crate) fn requeue_dropped(&mut self, user_data: Option<u64>, file_id: Option<usize>) {
        let mut dropped = self.take_dropped(user_data, file_id);
        while let Some(req) = dropped.pop() {
            self.requeue(req);
        }
    }

    /// Takes requests of those that `whose` says out of the queue, save for those that a worker does
    /// nevertheless.
    pub(crate) fn unqueue(&mut self, whose: impl Fn(&TaskCtx) -> bool) -> Fifo<Request> {
        let stalled = &mut self.state.exec.stalled;
        let mut out = stalled.extract(|req| whose(req.object().tctx()));
        let order = &mut self.state.exec.order;
        order.extract(&mut out, |req| whose(req.object().tctx()));
        let mut queue = core::mem::take(&mut self.state.exec.workers.queue);
        queue.move_out(&mut out, |req| {
            whose(req.object().tctx()) && !self.is_taken_by_worker(req)
        });
        self.state.exec.workers.queue = queue;
        out
    }
}
