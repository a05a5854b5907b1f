// SPDX-License-Identifier: GPL-2.0

//! What is ready to start: it was linked behind requests that are over, or has waited for others to drain.

use crate::{op, req::Request, ring::Locked, sys::queue::Fifo, uapi::errno::ECANCELED};

impl Locked<'_> {
    /// Starts what was linked behind requests that are over: as io_uring, when all are that came back with them.
    #[inline(always)] // poll-multishot/32
    pub(crate) fn start_ready(&mut self, gone: bool) {
        if self.has_ready() {
            self.start_ready_and_drained(gone);
        }
    }

    fn start_ready_and_drained(&mut self, gone: bool) {
        self.start_ready_queue(gone);
        // What is started may be over at once, and the draining with it.
        while self.state.exec.drain.active && self.go_on_draining() {
            self.start_ready_queue(gone);
        }
    }

    fn start_ready_queue(&mut self, gone: bool) {
        while !self.state.exec.ready.is_empty() {
            let mut ready = core::mem::take(&mut self.state.exec.ready);
            let mut counts = false;
            ready.for_each(|req| counts |= op::counts_others(req.core().job.opcode));
            if counts {
                // It does not count what was over before it, which is to be seen first. What starts with it and is over at once
                // counts, also if that is in front of it.
                self.commit();
            }
            self.start_together(&mut ready, gone);
        }
    }

    /// Starts requests that have become ready together.
    fn start_together(&mut self, ready: &mut Fifo<Request>, gone: bool) {
        while let Some(req) = ready.pop() {
            // Also where somebody has ended the ring since this began, who did not wait for the lock.
            let gone = gone || self.ring.is_dying();
            if req.core().job.is_notification() {
                self.complete_notif(req);
            } else if gone {
                self.end(req, ECANCELED);
            } else if req.core().job.refused().is_some() || req.object().tctx().is_current() {
                self.start(req);
            } else {
                // Somebody else has ended the request before it.
                self.start_later(req);
            }
        }
    }
}
