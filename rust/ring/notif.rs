// SPDX-License-Identifier: GPL-2.0

//! Notifications: cells that are lent to packets, and what they post when they come home.

use super::Locked;
use crate::{
    notif::{flight::Usage, notice::Notice},
    op::{send_zc::Notif, Operation},
    req::{self, Lent, Token},
    uapi::{
        abi::{cqe, Cqe},
        errno::{Result, EINVAL},
    },
};

impl Locked<'_> {
    /// Begins a notification of the current task's, to be posted with `user_data`. Charges the
    /// ring's user, if there is one, for the pages that `len` bytes lie in at most, if it is given.
    #[inline]
    pub(crate) fn notif(
        &mut self,
        user_data: u64,
        notice: Notice,
        len: Option<usize>,
    ) -> Result<Lent> {
        const PAGE_SHIFT: u32 = 12;
        let submitters = &mut self.state.submitters;
        let record = submitters.iter_mut().find(|r| r.home.is_current());
        let record = record.ok_or(EINVAL)?;
        let mut token = match record.cells.pop() {
            Some(token) => token,
            None => req::new(record.home.clone())?,
        };
        record.used += 1;
        let mut pages = None;
        if let (Some(account), Some(len)) = (&self.ring.account, len) {
            match account.charge((len >> PAGE_SHIFT) as u32 + 2) {
                Ok(charged) => pages = Some(charged),
                Err(error) => {
                    self.recycle(token);
                    return Err(error);
                }
            }
        }
        let job = &mut token.owned().job;
        job.begin(user_data);
        job.op
            .become_other(Operation::Notif(Notif { notice, pages }));
        // Nothing of a notification is done by a thread of its own.
        job.polled = true;
        Ok(Lent::new(token))
    }

    /// Has a notification that needs not fly any more say what it has to say, after what is
    /// completed now.
    #[inline]
    pub(crate) fn land_soon(&mut self, token: Token) {
        self.state.ready.push(token);
    }

    /// Ends a notification that has nothing to say.
    #[inline]
    pub(crate) fn discard_notif(&mut self, mut token: Token) {
        self.take_notif(&mut token);
        let kept = token.take_kept();
        self.recycle(token);
        if let Some(buffer) = kept {
            self.put_buffer(buffer);
        }
    }

    /// What the notification is to say. What it keeps goes.
    #[inline]
    fn take_notif(&mut self, token: &mut Token) -> Option<Notice> {
        let job = &mut token.owned().job;
        let Operation::Notif(notif) = &mut job.op else {
            return None;
        };
        let notice = notif.notice;
        let pages = notif.pages.take();
        // There is nothing left in it.
        job.op.become_other(Operation::Refused);
        if let (Some(account), Some(pages)) = (&self.ring.account, pages) {
            account.uncharge(pages);
        }
        Some(notice)
    }

    /// Posts what a notification has to say whose buffer is free, and those that were joined to
    /// it.
    pub(super) fn land(&mut self, mut token: Token) {
        let mut usage = token.usage();
        if token.is_single() {
            return self.land_one(token, usage);
        }
        let mut members = token.take_members();
        // Which of their pages were in one packet nobody knows.
        members.for_each(|token| usage = usage.and(token.usage()));
        self.land_one(token, usage);
        while let Some(token) = members.pop() {
            self.land_one(token, usage);
        }
    }

    fn land_one(&mut self, mut token: Token, usage: Usage) {
        let Some(notice) = self.take_notif(&mut token) else {
            return;
        };
        let kept = token.take_kept();
        let held = token.peek();
        let done = Cqe {
            user_data: held.job.user_data,
            res: notice.res(usage),
            flags: cqe::NOTIF,
        };
        // Itself it has waited for nothing.
        let alone = held.chain.is_empty() && !held.job.flags.unusual();
        match notice {
            Notice::Result(sent) if !alone => {
                self.finish(token, done.res, done.flags, sent.broken);
            }
            _ => self.complete_here(token, done),
        }
        if let Some(buffer) = kept {
            self.put_buffer(buffer);
        }
    }

    /// Has a notification complete a request that is over, and start what is linked behind it.
    pub(super) fn hand_over(&mut self, mut token: Token, mut lent: Lent) {
        self.forget(&mut token);
        let held = token.owned();
        lent.owned().chain = core::mem::take(&mut held.chain);
        lent.owned().job.limit = core::mem::take(&mut held.job.limit);
        let token = self.hand_over_job(token, lent);
        self.recycle(token);
    }

    /// As [`Locked::hand_over`], for a request that has not waited and has nothing linked behind it.
    /// Gives its cell back.
    #[inline]
    pub(super) fn hand_over_job(&mut self, mut token: Token, mut lent: Lent) -> Token {
        let job = &mut token.owned().job;
        if !matches!(job.op, Operation::Refused) {
            job.op = Operation::Refused;
        }
        lent.owned().job.flags = job.flags;
        if let Some(file) = token.lend().take_file() {
            self.put_file(file);
        }
        token
    }
}
