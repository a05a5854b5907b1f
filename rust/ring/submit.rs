// SPDX-License-Identifier: GPL-2.0

//! Submission: from the SQ ring to jobs, and their links.

use super::{cursor, Locked};
use crate::{
    op::{self, Operation, Outcome},
    req::{claim::Reasons, home::Home, Job, Token},
    uapi::{
        abi::setup,
        errno::{Result, EAGAIN, ECANCELED, ENOMEM},
        setup::layout,
        sqe::{Flags, Link, Sqe},
    },
};
use kernel::sync::Arc;

impl Locked<'_> {
    /// Consumes up to `count` entries of the SQ ring for `home`, which is the current task.
    ///
    /// Returns how many. `-EAGAIN` if it was none for want of memory.
    pub(super) fn submit(&mut self, home: &Arc<Home>, count: u32) -> Result<u32> {
        let ring = self.ring;
        let entries = ring.config.sq_entries;
        let tail = ring.memory.words.load_acquire::<{ layout::SQ_TAIL }>();
        let count = count.min(cursor::submitted(tail, self.state.sq_head, entries));
        let mut head: Option<Token> = None;
        let mut done = 0;
        let mut starved = false;
        while done < count {
            if self.reserve(home).is_err() {
                starved = true;
                break;
            }
            let at = self.state.sq_head;
            self.state.sq_head = at.wrapping_add(1);
            let Some(sqe) = self.next_sqe(at) else {
                break;
            };
            done += 1;
            let go_on = match self.submit_one(home, &sqe, &mut head) {
                Ok(go_on) => go_on,
                Err(_) => {
                    // Not consumed: it can be submitted again.
                    self.state.sq_head = at;
                    done -= 1;
                    starved = true;
                    break;
                }
            };
            if !go_on && !ring.config.has(setup::SUBMIT_ALL) {
                break;
            }
        }
        if let Some(head) = head {
            self.start(head);
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

    /// Submits one entry, or adds it to the link that `head` begins. False if it is refused.
    ///
    /// Fails for want of memory only, and then has done nothing.
    #[inline]
    fn submit_one(
        &mut self,
        home: &Arc<Home>,
        sqe: &Sqe,
        head: &mut Option<Token>,
    ) -> Result<bool> {
        let mut job = Job::new(Operation::Refused, sqe.user_data(), Flags::default());
        let parsed = op::parse(sqe, &mut job);
        if parsed.is_ok() && head.is_none() && job.flags.plain() {
            self.submit_inline(home, &mut job);
            return Ok(true);
        }
        if let Err(error) = parsed {
            job.flags = Flags::of_refused(sqe.flags());
            job.refuse(error);
            if head.is_none() && job.flags.link() == Link::None {
                self.finish_inline(&mut job, error.to_raw(), 0);
                return Ok(false);
            }
        }
        let last = job.flags.link() == Link::None;
        let token = self.cell(home, job).map_err(|_| EAGAIN)?;
        self.link(head, token);
        if last {
            if let Some(head) = head.take() {
                self.start(head);
            }
        }
        // As io_uring: an entry within a link that is refused does not stop the submission.
        Ok(parsed.is_ok() || !last)
    }

    /// Tries a job that stands alone; it only gets a cell if it has to wait.
    #[inline]
    fn submit_inline(&mut self, home: &Arc<Home>, job: &mut Job) {
        match self.attempt(job, Reasons::NONE) {
            Outcome::Done { res, flags, .. } => self.finish_inline(job, res, flags),
            Outcome::Later => {
                if let Some(token) = self.settle(home, job) {
                    self.run_later(token);
                }
            }
            Outcome::Wait => {
                if let Some(token) = self.settle(home, job) {
                    self.wait_or_run(token);
                }
            }
        }
    }

    /// Moves a job that was tried into a cell; without memory for one it ends.
    fn settle(&mut self, home: &Arc<Home>, job: &mut Job) -> Option<Token> {
        // The attempt may have had an effect, so that it cannot be taken back.
        let (res, flags) = job.op.ends_with(ENOMEM);
        let mut end = Job::new(Operation::Refused, job.user_data, Flags::default());
        let job = core::mem::replace(job, Job::new(Operation::Refused, 0, Flags::default()));
        match self.cell(home, job) {
            Ok(token) => Some(token),
            Err(_) => {
                self.finish_inline(&mut end, res, flags);
                None
            }
        }
    }

    /// Adds a request to the link that `head` begins, or begins one.
    fn link(&mut self, head: &mut Option<Token>, mut token: Token) {
        match head {
            Some(head) => {
                // If one cannot be done none is.
                let refused = token.peek().job.refused.is_some();
                let head = head.owned();
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

    /// Starts a request, the first of a link if it has one.
    fn start(&mut self, token: Token) {
        let job = &token.peek().job;
        if let Some(error) = job.refused {
            self.finish(token, error.to_raw(), 0, true);
        } else if job.flags.force_async() {
            self.run_later(token);
        } else {
            self.run(token, Reasons::NONE);
        }
    }
}
