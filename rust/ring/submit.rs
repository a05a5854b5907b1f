// SPDX-License-Identifier: GPL-2.0

//! Submission: from the SQ ring to jobs, and their links.

use super::{cursor, Locked};
use crate::{
    op::{self, Step, Submitted},
    req::{home::Home, Token},
    sys::context::InTask,
    uapi::{
        abi::{op as opcode, setup},
        errno::{Result, EAGAIN, ECANCELED, EINVAL},
        setup::layout,
        sqe::{Flags, Link, Sqe},
    },
};
use kernel::sync::Arc;

impl Locked<'_> {
    /// Consumes up to `count` entries of the SQ ring for `home`, which is the current task.
    ///
    /// Returns how many. `-EAGAIN` if it was none for want of memory.
    #[inline(never)]
    pub(super) fn submit(&mut self, task: InTask<'_>, home: &Arc<Home>, count: u32) -> Result<u32> {
        let ring = self.ring;
        let entries = ring.config.sq_entries;
        let tail = ring.memory.words.load_acquire::<{ layout::SQ_TAIL }>();
        let count = count.min(cursor::submitted(tail, self.state.sq_head, entries));
        let mut head: Option<Token> = None;
        let mut done = 0;
        let mut starved = false;
        // A request that is done at once leaves its cell to the next.
        let mut cell: Option<Token> = None;
        while done < count {
            let token = match cell {
                Some(token) => token,
                None => match self.cell(home) {
                    Ok(token) => token,
                    Err(_) => {
                        cell = None;
                        starved = true;
                        break;
                    }
                },
            };
            let at = self.state.sq_head;
            self.state.sq_head = at.wrapping_add(1);
            let Some(sqe) = self.next_sqe(at) else {
                cell = Some(token);
                break;
            };
            done += 1;
            let go_on;
            (cell, go_on) = self.submit_one(task, token, &sqe, &mut head);
            if !go_on && !ring.config.has(setup::SUBMIT_ALL) {
                break;
            }
        }
        if let Some(token) = cell {
            self.give_back(home, token);
        }
        if let Some(head) = head {
            self.start_in_turn(head);
        }
        self.run_ready(false);
        ring.memory
            .words
            .store_release::<{ layout::SQ_HEAD }>(self.state.sq_head);
        if done == 0 && starved {
            return Err(EAGAIN);
        }
        Ok(done)
    }

    /// The entry at `at`, or none if the index there is not one.
    #[inline]
    fn next_sqe(&self, at: u32) -> Option<Sqe> {
        let memory = &self.ring.memory;
        let mut index = at;
        if let Some(indices) = &memory.indices {
            index = indices.read(at);
            if index >= self.ring.config.sq_entries {
                let dropped = memory.words.load::<{ layout::SQ_DROPPED }>();
                memory
                    .words
                    .store::<{ layout::SQ_DROPPED }>(dropped.wrapping_add(1));
                return None;
            }
        }
        Some(Sqe::new(memory.sqes.read(index)))
    }

    /// Submits one entry in `token`, or adds it to the link that `head` begins. False if it is
    /// refused. Gives the token back if it has no use for it any more.
    #[inline]
    fn submit_one(
        &mut self,
        task: InTask<'_>,
        mut token: Token,
        sqe: &Sqe,
        head: &mut Option<Token>,
    ) -> (Option<Token>, bool) {
        let choosy = self.state.choosy;
        let alone = head.is_none() && !self.state.drain.active && !choosy;
        let mut submitted = op::submit(self, task, sqe, token.lend(), alone);
        if choosy {
            if let Err(error) = self.ring.accept(sqe) {
                submitted = Submitted::Refused(error);
            }
        }
        match submitted {
            Submitted::Tried(step) => (self.go_on(token, step), true),
            Submitted::Read => {
                self.submit_linked(token, head);
                (None, true)
            }
            Submitted::Refused(error) => {
                let job = &mut token.owned().job;
                job.flags = Flags::of_refused(sqe.flags());
                job.refuse(error);
                if head.is_none() && job.flags.link() == Link::None {
                    return (self.finish_plain(token, error.to_raw(), 0), false);
                }
                self.submit_linked(token, head);
                // As io_uring: one within a link does not stop the submission.
                (None, head.is_some())
            }
        }
    }

    /// Goes on with a request that was tried for the first time. Gives the token back if it is over.
    #[inline(always)]
    fn go_on(&mut self, mut token: Token, step: Step) -> Option<Token> {
        match step {
            Step::Done { res, flags, broken } => {
                if token.owned().job.flags.unusual() {
                    self.finish_linked(token, res, flags, broken);
                    return None;
                }
                return self.finish_plain(token, res, flags);
            }
            Step::Handed(lent) => return Some(self.hand_over_job(token, lent)),
            Step::Landed => self.land(token),
            Step::Later => self.run_later(token),
            Step::Wait(wanted) => self.wait_or_run(token, wanted),
            Step::Sleep => self.sleep_or_run(token),
            Step::Block => self.offload(token),
        }
        None
    }

    /// Adds a request to the link that `head` begins, and starts that if it ends it.
    #[inline(never)]
    fn submit_linked(&mut self, mut token: Token, head: &mut Option<Token>) {
        let job = &mut token.owned().job;
        let last = job.flags.link() == Link::None;
        if job.opcode == opcode::LINK_TIMEOUT && !Self::can_be_limited(head) {
            job.refuse(EINVAL);
        }
        if head.is_none() && core::mem::take(&mut self.state.drain.next) {
            job.flags.set_drain();
        }
        self.link(head, token);
        if last {
            if let Some(head) = head.take() {
                self.start_in_turn(head);
            }
        }
    }

    /// Starts a request, the first of a link if it has one, unless others have to be over first.
    fn start_in_turn(&mut self, token: Token) {
        if self.state.drain.active || token.peek().job.flags.drain() {
            self.drain(token);
        } else {
            self.start(token);
        }
    }

    /// Whether the last request of the link that `head` begins can have a timeout linked to it.
    fn can_be_limited(head: &Option<Token>) -> bool {
        let Some(head) = head else { return false };
        let held = head.peek();
        let last = held.chain.last().map(|held| held.job.opcode);
        last.unwrap_or(held.job.opcode) != opcode::LINK_TIMEOUT
    }

    /// Adds a request to the link that `head` begins, or begins one.
    fn link(&mut self, head: &mut Option<Token>, mut token: Token) {
        match head {
            Some(head) => {
                // If one cannot be done none is.
                let job = &token.peek().job;
                let refused = job.refused.is_some();
                let head = head.owned();
                // One within a link drains before all of it, and what comes behind it too.
                if job.flags.drain() {
                    head.job.flags.set_drain();
                    self.state.drain.next = true;
                    self.state.drain.active = true;
                }
                if refused && head.job.refused.is_none() {
                    head.job.refused = Some(ECANCELED);
                }
                head.chain.push(token);
            }
            None => {
                token.owned().chain = Default::default();
                *head = Some(token);
            }
        }
    }
}
