// SPDX-License-Identifier: GPL-2.0

//! Notifications as the opcodes see them: begun by a zero-copy send, and given up if nothing was sent.

use crate::{
    notif::notice::{Notice, COPIED},
    op::Operation,
    req::{self, tctx::TaskCtx, NotifRef, OwnedReq},
    ring::Locked,
    rsrc::pieces::PAGE_SHIFT,
    sys::pin::ChargedPages,
    uapi::{
        errno::{Result, EINVAL},
        number::call,
    },
};
use kernel::{sync::Arc, warn_on};

// `notif/` uses nothing but itself.
const _: () = assert!(COPIED == call::NOTIF_ZC_COPIED);

/// A notification: what it is to say, and what it keeps until then.
pub(crate) struct Notif {
    /// The completion that it is to post.
    pub(crate) notice: Notice,
    /// What is charged for the pages that packets carry.
    pub(crate) pages: Option<ChargedPages>,
}

/// An object of `tctx` for a notification, where there is none that was used before.
#[cold] // send-late/zc/64/8
fn new_object(tctx: &Arc<TaskCtx>) -> Result<OwnedReq> {
    Ok(req::new(tctx.clone())?)
}

impl Locked<'_> {
    /// Begins a notification of the current task's, to be posted with `user_data`. Charges the
    /// ring's user, if there is one, for the pages that `len` bytes lie in at most, if it is given.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`, also if that would be more pages than the user may have; `-EINVAL` in a task that is no submitter.
    ///
    /// # Context
    ///
    /// May sleep.
    #[inline(always)] // send-late/zc/64/8
    pub(crate) fn alloc_notif(
        &mut self,
        user_data: u64,
        notice: Notice,
        len: Option<usize>,
    ) -> Result<NotifRef> {
        let submitters = &mut self.state.submitters;
        let record = submitters.iter_mut().find(|r| r.tctx.is_current());
        let Some(record) = record else {
            // A request is tried by its own task, of which there is a record as long as it has requests.
            warn_on!(true);
            return Err(EINVAL);
        };
        let mut req = match record.objects.pop() {
            Some(req) => req,
            None => new_object(&record.tctx)?,
        };
        record.used += 1;
        let mut pages = None;
        if let (Some(account), Some(len)) = (&self.ring.account, len) {
            match account.charge((len >> PAGE_SHIFT) as u32 + 2) {
                Ok(charged) => pages = Some(charged),
                Err(error) => {
                    self.recycle(req);
                    return Err(error);
                }
            }
        }
        let job = &mut req.core_mut().job;
        job.begin(user_data);
        job.op.overwrite(Operation::Notif(Notif { notice, pages }));
        job.become_notification();
        Ok(NotifRef::new(req))
    }

    /// Ends a notification that has nothing to say.
    #[inline]
    pub(crate) fn discard_notif(&mut self, mut req: OwnedReq) {
        self.take_notif(&mut req);
        let kept = req.take_kept();
        self.recycle(req);
        if let Some(buffer) = kept {
            self.put_buffer(buffer);
        }
    }

    /// What the notification is to say. What it keeps goes.
    #[inline]
    pub(crate) fn take_notif(&mut self, req: &mut OwnedReq) -> Option<Notice> {
        let job = &mut req.core_mut().job;
        let Operation::Notif(notif) = &mut job.op else {
            // Only a notification is in this state, and it ends once.
            warn_on!(true);
            return None;
        };
        let notice = notif.notice;
        let pages = notif.pages.take();
        // There is nothing left in it.
        job.op.overwrite(Operation::Nothing);
        if let (Some(account), Some(pages)) = (&self.ring.account, pages) {
            account.uncharge(pages);
        }
        Some(notice)
    }
}
