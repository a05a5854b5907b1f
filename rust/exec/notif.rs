// SPDX-License-Identifier: GPL-2.0

//! What notifications post once nobody uses their buffers any more.

use crate::{
    notif::{notice::Notice, zc_refs::Usage},
    op::Operation,
    req::{NotifRef, OwnedReq},
    ring::Locked,
    uapi::{abi::cqe, structs::Cqe},
};

impl Locked<'_> {
    /// Posts the completion of a notification whose buffer is free, and those of the notifications that were joined to it.
    pub(crate) fn complete_notif(&mut self, mut req: OwnedReq) {
        let mut usage = req.usage();
        if req.is_single() {
            return self.post_notif(req, usage);
        }
        let mut members = req.take_members();
        // Which of their pages were in one packet nobody knows.
        members.for_each(|req| usage = usage.union(req.usage()));
        self.post_notif(req, usage);
        while let Some(req) = members.pop() {
            self.post_notif(req, usage);
        }
    }

    /// Posts the completion of a notification that no packet needs any more, after that of the request that ends now.
    #[inline]
    pub(crate) fn complete_notif_soon(&mut self, req: OwnedReq) {
        self.state.exec.ready.push(req);
    }

    fn post_notif(&mut self, mut req: OwnedReq, usage: Usage) {
        let Some(notice) = self.take_notif(&mut req) else {
            return;
        };
        let kept = req.take_kept();
        let core = req.core();
        let done = Cqe {
            user_data: core.job.user_data,
            res: notice.res(usage),
            flags: cqe::NOTIF,
        };
        // Itself it has waited for nothing.
        let alone = core.chain.is_empty() && !core.job.flags.unusual();
        match notice {
            Notice::Result(sent) if !alone => {
                self.finish(req, done.res, done.flags, sent.broken);
            }
            _ => self.complete_here(req, done),
        }
        if let Some(buffer) = kept {
            self.put_buffer(buffer);
        }
    }

    /// Has a notification complete a request that is over, and start what is linked behind it.
    pub(crate) fn finish_by_notif(&mut self, mut req: OwnedReq, mut notif_ref: NotifRef) {
        self.stop_waiting(&mut req);
        if req.core().job.flags.ordered() {
            // With its result the next one may be tried, whenever that is told.
            self.make_unordered(&mut req);
        }
        let core = req.core_mut();
        notif_ref.core_mut().chain = core::mem::take(&mut core.chain);
        core.credentials = None;
        notif_ref.core_mut().job.link_timer = core::mem::take(&mut core.job.link_timer);
        let req = self.move_to_notif(req, notif_ref);
        self.recycle(req);
    }

    /// As [`Locked::finish_by_notif`], for a request that has not waited and has nothing linked behind it.
    /// Gives its object back.
    #[inline]
    pub(crate) fn move_to_notif(&mut self, mut req: OwnedReq, mut notif_ref: NotifRef) -> OwnedReq {
        let job = &mut req.core_mut().job;
        if !matches!(job.op, Operation::Nothing) {
            job.op = Operation::Nothing;
        }
        notif_ref.core_mut().job.flags = job.flags;
        if let Some(file) = req.lend().take_file() {
            self.put_file(file);
        }
        req
    }
}
