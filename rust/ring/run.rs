// SPDX-License-Identifier: GPL-2.0

//! Driving requests: from their start, or from a wake-up, until they are over or wait again.

use super::{Locked, Ring};
use crate::{
    op::{self, Operation, Step},
    req::{
        self,
        claim::Reasons,
        home::{self, Home},
        Job, Limit, Reins, Request, Token,
    },
    rsrc::files::FileRef,
    sys::{context::InTask, fd::OpenFile, queue::Fifo, timer::Purpose, token::Cell},
    uapi::{
        abi::{events, op as opcode},
        errno::{Errno, Result, EAGAIN, ECANCELED, ENOMEM},
    },
};
use kernel::sync::{atomic::Relaxed, Arc};

/// How often a request is tried again at once when it has been woken up meanwhile.
const MAX_RETRIES: u32 = 4;

impl Ring {
    /// Does what a submitter was sent for, as task work of its task.
    pub(crate) fn run_errand(self: Arc<Self>, home: &Arc<Home>, task: Option<InTask<'_>>) {
        if task.is_none() || home.is_gone() || self.is_dying() {
            return self.take_in(home);
        }
        if self.overdue.load(Relaxed) {
            self.end_overdue(task);
        }
        if self.deferred() {
            return;
        }
        if let Some(sqpoll) = &self.sqpoll {
            return self.answer(task, sqpoll, home);
        }
        let Ok(mut locked) = self.lock_at(task) else {
            return;
        };
        self.unmark_taskrun();
        locked.run_inbox(home);
    }

    /// Tells those who watch a ring whose requests only `enter` runs. In interrupt context.
    pub(crate) fn tell_watchers(&self) {
        self.pollers.wake();
        self.signal_eventfd(false);
    }

    /// Whether something has come home that only `enter` will run.
    #[inline]
    pub(super) fn has_local_work(&self, home: &Home) -> bool {
        !home.inbox().is_empty() || self.backlogged.load(Relaxed)
    }

    /// Whether something has come home that only `enter` will run, whosever it is.
    pub(super) fn has_deferred_work(&self) -> bool {
        self.backlogged.load(Relaxed) || !self.local.is_empty()
    }
}

impl Locked<'_> {
    /// A cell of `home`. May sleep.
    #[inline]
    pub(super) fn cell(&mut self, home: &Arc<Home>) -> kernel::error::Result<Token> {
        let record = self.state.submitters.get_mut(usize::from(home.slot));
        if let Some(record) = record {
            record.used += 1;
            if let Some(token) = record.cells.pop() {
                return Ok(token);
            }
        }
        self.new_cell(home)
    }

    #[cold]
    fn new_cell(&mut self, home: &Arc<Home>) -> kernel::error::Result<Token> {
        req::new(home.clone()).inspect_err(|_| self.unuse(home.slot))
    }

    fn unuse(&mut self, slot: u16) {
        if let Some(record) = self.state.submitters.get_mut(usize::from(slot)) {
            record.used -= 1;
        }
    }

    /// Keeps a cell of `home` that was not used for anything that waited.
    #[inline]
    pub(super) fn give_back(&mut self, home: &Home, token: Token) {
        if let Some(record) = self.state.submitters.get_mut(usize::from(home.slot)) {
            record.used -= 1;
            record.cells.push(token);
        }
    }

    /// Keeps the cell of a request that is over for the next one.
    #[inline]
    pub(super) fn recycle(&mut self, mut token: Token) {
        token.reasons();
        let home = token.cell().home();
        let record = self.state.submitters.get_mut(usize::from(home.slot));
        if let Some(record) = record.filter(|record| Arc::ptr_eq(&record.home, home)) {
            record.used -= 1;
            record.cells.push(token);
        }
    }

    /// Ends a request's waiting: nobody finds it or wakes it up any more.
    #[inline(always)]
    pub(super) fn forget(&mut self, token: &mut Token) {
        token.quieten();
        self.state.waiting.remove(token);
    }

    /// Takes a request out that is to wait for something else. What limits its time goes on.
    pub(crate) fn take_out(&mut self, token: &mut Token) {
        token.unwatch();
        self.state.waiting.remove(token);
    }

    /// The requests that wait under `user_data`, the latest first.
    pub(crate) fn waiting(&self, user_data: u64) -> impl Iterator<Item = &Cell<Request>> {
        self.state.waiting.get(user_data)
    }

    /// All requests that wait.
    pub(crate) fn all_waiting(&self) -> impl Iterator<Item = &Cell<Request>> {
        self.state.waiting.iter()
    }

    /// Tries a job once.
    #[inline]
    fn attempt(&mut self, mut reins: Reins<'_>, reasons: Reasons) -> Step {
        match reins.owned().job.refused {
            Some(error) => Step::failed(error),
            None => op::issue(self, reins, reasons),
        }
    }

    /// The file that a job is for.
    #[inline]
    pub(crate) fn open(&self, task: InTask<'_>, job: &Job) -> Result<FileRef> {
        if job.flags.fixed_file() {
            return self.registered(job.fd);
        }
        Ok(FileRef::Own(OpenFile::get(task, job.fd)?))
    }

    /// Drives a request.
    #[inline(never)]
    pub(super) fn run(&mut self, token: Token, reasons: Reasons) {
        self.drive(token, reasons);
    }

    /// As [`Locked::run`], without the call.
    #[inline(always)]
    fn drive(&mut self, mut token: Token, mut reasons: Reasons) {
        let mut retries = 0;
        // Whether it is on its wait queues, so that only a new wake-up is a reason to try again: poll
        // may say for ever that there is something, as the end of a half-closed peer is.
        let mut armed = false;
        loop {
            if reasons.cancelled() || reasons.link_expired() {
                if reasons.link_expired() {
                    token.owned().job.limit = Limit::Passed;
                }
                return self.end(token, ECANCELED);
            }
            let step = self.attempt(token.lend(), reasons);
            let goes_on = matches!(
                step,
                Step::Wait(_) | Step::Sleep | Step::Later | Step::Block
            );
            if goes_on && token.peek().job.limit == Limit::Idle {
                if self.start_limit(&mut token).is_err() {
                    return self.end(token, ENOMEM);
                }
            }
            let woken = match step {
                Step::Wait(_) if reasons.last() => return self.end(token, EAGAIN),
                Step::Wait(_) if armed => Self::park(token),
                Step::Wait(wanted) => self.wait(token, wanted),
                Step::Sleep => self.sleep(token, reasons),
                Step::Later => return self.run_later(token),
                Step::Block => return self.offload(token),
                Step::Handed(lent) => return self.hand_over(token, lent),
                Step::Landed => return self.land(token),
                Step::Done { res, flags, broken } => {
                    return self.finish_here(token, res, flags, broken);
                }
            };
            (token, reasons) = match woken {
                Some(woken) => woken,
                None => return,
            };
            armed = true;
            retries += 1;
            if retries > MAX_RETRIES {
                return self.put_off(token, reasons);
            }
        }
    }

    /// Leaves a request for later that has been woken up each time that it was tried.
    #[cold]
    #[inline(never)]
    fn put_off(&mut self, token: Token, reasons: Reasons) {
        token.cell().claim(reasons);
        self.run_later(token);
    }

    /// Starts a request, the first of a link if it has one.
    pub(super) fn start(&mut self, mut token: Token) {
        let held = token.owned();
        if let Some(error) = held.job.refused {
            return self.finish(token, error.to_raw(), 0, true);
        }
        let force_async = held.job.flags.force_async();
        Self::expect_limit(&mut token);
        if !force_async {
            return self.run(token, Reasons::NONE);
        }
        if token.peek().job.limit == Limit::Idle && self.start_limit(&mut token).is_err() {
            return self.end(token, ENOMEM);
        }
        self.run_async(token);
    }

    /// Has a request start when its task looks for it.
    pub(super) fn start_later(&mut self, mut token: Token) {
        Self::expect_limit(&mut token);
        if token.peek().job.limit == Limit::Idle && self.start_limit(&mut token).is_err() {
            return self.end(token, ENOMEM);
        }
        self.run_later(token);
    }

    /// Finds out whether there is a timeout linked to a request.
    fn expect_limit(token: &mut Token) {
        let held = token.owned();
        let first = held.chain.first().map(|held| held.job.opcode);
        if first == Some(opcode::LINK_TIMEOUT) {
            held.job.limit = Limit::Idle;
        }
    }

    /// Has the time begin in which a request has to be over.
    #[cold]
    fn start_limit(&mut self, token: &mut Token) -> Result {
        let held = token.owned();
        held.job.limit = Limit::Running;
        let deadline = held.chain.first().map(|held| held.job.op.deadline());
        match deadline.flatten() {
            Some(deadline) => Ok(token.start_timer(Purpose::Link, deadline)?),
            None => Ok(()),
        }
    }

    /// Has a request wait that was tried before, or drives it if it need not.
    pub(super) fn wait_or_run(&mut self, token: Token, wanted: u32) {
        if let Some((token, reasons)) = self.wait(token, wanted) {
            self.run(token, reasons);
        }
    }

    /// Has a request wait for its time that was tried before, or drives it if it need not.
    pub(super) fn sleep_or_run(&mut self, token: Token) {
        if let Some((token, reasons)) = self.sleep(token, Reasons::NONE) {
            self.run(token, reasons);
        }
    }

    /// Brings a request home, as if it had been woken up.
    pub(super) fn run_later(&mut self, token: Token) {
        home::push(&token.cell().home().clone(), token, false);
    }

    /// Has a request wait for `wanted` of its file. Returns it if it has to be looked at already.
    #[inline(always)]
    fn wait(&mut self, token: Token, wanted: u32) -> Option<(Token, Reasons)> {
        if token.peek().job.watching {
            return Self::park(token);
        }
        self.arm(token, wanted)
    }

    #[inline(never)]
    fn arm(&mut self, mut token: Token, wanted: u32) -> Option<(Token, Reasons)> {
        token.owned().job.polled = true;
        let multishot = wanted & events::ONESHOT == 0;
        let watched = token.watch(wanted);
        if let Err(error) = watched.waiting {
            if watched.mask != 0 {
                // Nothing will wake it up, so this is the last there is to say.
                return Some((token, Reasons::last_woken(watched.mask)));
            }
            self.finish(token, error.to_raw(), 0, true);
            return None;
        }
        token.owned().job.watching = multishot;
        self.insert(&mut token);
        if watched.mask == 0 {
            return Self::park(token);
        }
        let woken = Reasons::woken(watched.mask, false);
        if multishot {
            // What else comes until its task looks is told at the same time.
            token.cell().claim(woken);
            self.run_later(token);
            return None;
        }
        let reasons = token.reasons();
        Some((token, reasons.and(woken)))
    }

    /// Has a request wait for its time, which begins anew if it has come. Returns it if it has to be
    /// looked at already.
    fn sleep(&mut self, mut token: Token, reasons: Reasons) -> Option<(Token, Reasons)> {
        let job = &mut token.owned().job;
        if !job.watching || reasons.expired() {
            job.watching = true;
            let deadline = job.op.deadline();
            self.insert(&mut token);
            let started = deadline.map(|deadline| token.start_timer(Purpose::Own, deadline));
            if !matches!(started, Some(Ok(()))) {
                self.end(token, ENOMEM);
                return None;
            }
        }
        Self::park(token)
    }

    /// Leaves a request to the next wake-up. Returns it if there was one already.
    #[inline(always)]
    fn park(token: Token) -> Option<(Token, Reasons)> {
        match token.park() {
            Ok(()) => None,
            Err(mut token) => {
                let reasons = token.reasons();
                Some((token, reasons))
            }
        }
    }

    /// Lets the ring find a request.
    pub(super) fn insert(&mut self, token: &mut Token) {
        req::show(token);
        let user_data = token.peek().job.user_data;
        self.state.waiting.insert(user_data, token);
    }

    /// Has a request that was taken out wait again.
    pub(crate) fn arm_again(&mut self, token: Token) {
        let op = &token.peek().job.op;
        let woken = if op.deadline().is_some() {
            self.sleep(token, Reasons::NONE)
        } else {
            let wanted = op.events();
            self.wait(token, wanted)
        };
        if let Some((token, reasons)) = woken {
            // It goes on where its task runs it.
            let (token, home) = self.leave(token, reasons);
            home::push(&home, token, false);
        }
    }

    /// Puts reasons that were taken back.
    fn leave(&mut self, token: Token, reasons: Reasons) -> (Token, Arc<Home>) {
        let home = token.cell().home().clone();
        token.cell().claim(reasons);
        (token, home)
    }

    /// Runs what has come home, and what is linked behind it.
    pub(super) fn run_inbox(&mut self, home: &Arc<Home>) {
        let mut tokens = home.inbox().take();
        self.run_all(&mut tokens, home.is_gone());
    }

    /// Runs what has come home, which is the current task's, and what that brings home, but not
    /// more than `max`.
    pub(super) fn run_local(&mut self, home: &Home, max: u32) {
        let ring = self.ring;
        ring.unmark_taskrun();
        let inbox = home.inbox();
        let mut left = max;
        while left > 0 && (!inbox.is_empty() || ring.backlogged.load(Relaxed)) {
            let mut tokens = inbox.take();
            if ring.backlogged.load(Relaxed) {
                let new = core::mem::replace(&mut tokens, core::mem::take(&mut self.state.backlog));
                tokens.append(new);
                ring.backlogged.store(false, Relaxed);
            }
            if self.state.submitters.len() > 1 {
                tokens = self.end_others(tokens, home);
            }
            while left > 0 {
                let Some(mut token) = tokens.pop() else { break };
                left -= 1;
                let reasons = token.reasons();
                self.drive(token, reasons);
                self.run_ready(false);
            }
            if !tokens.is_empty() {
                ring.backlogged.store(true, Relaxed);
                self.state.backlog = tokens;
            }
        }
        if ring.has_local_work(home) {
            ring.mark_taskrun();
        }
    }

    /// Ends what has come home of the program that was there before this one, and could not be
    /// cancelled when this one came. Returns the rest.
    #[cold]
    #[inline(never)]
    fn end_others(&mut self, mut tokens: Fifo<Request>, home: &Home) -> Fifo<Request> {
        let (mut own, mut others) = (Fifo::new(), Fifo::new());
        while let Some(token) = tokens.pop() {
            if core::ptr::eq::<Home>(&**token.cell().home(), home) {
                own.push(token);
            } else {
                others.push(token);
            }
        }
        self.run_all(&mut others, true);
        own
    }

    pub(super) fn run_all(&mut self, tokens: &mut Fifo<Request>, gone: bool) {
        let gone = gone || self.ring.is_dying();
        while let Some(mut token) = tokens.pop() {
            if gone && !self.outlives(token.peek().job.opcode, token.cell().home()) {
                self.end(token, ECANCELED);
            } else {
                let reasons = token.reasons();
                self.run(token, reasons);
            }
            self.run_ready(gone);
        }
    }

    /// Starts what was linked behind requests that are over.
    #[inline(always)]
    pub(super) fn run_ready(&mut self, gone: bool) {
        if !self.state.ready.is_empty() || self.state.drain.active {
            self.run_all_ready(gone);
        }
    }

    #[inline(never)]
    fn run_all_ready(&mut self, gone: bool) {
        while let Some(token) = self.state.ready.pop() {
            if matches!(token.peek().job.op, Operation::Notif(_)) {
                self.land(token);
            } else if gone {
                self.end(token, ECANCELED);
            } else if token.peek().job.refused.is_some() || token.cell().home().is_current() {
                self.start(token);
            } else {
                // Somebody else has ended the request before it.
                self.start_later(token);
            }
        }
        if self.state.drain.active {
            self.go_on_draining();
        }
    }
}

impl Job {
    /// A job that is not to be done, whose completion says why.
    pub(super) fn refuse(&mut self, error: Errno) {
        self.op = Operation::Refused;
        self.refused = Some(error);
    }
}
