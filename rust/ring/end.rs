// SPDX-License-Identifier: GPL-2.0

//! The end of requests before their time: of those of a submitter, and of all that a ring has.

use super::{cell_id, users, work::Workers, Locked, Record, Ring};
use crate::{
    kbuf::groups::Groups,
    op::Step,
    req::{claim::Reasons, home::Home, Request, Token, Work},
    rsrc::{buffers::Buffers, files::Registered},
    sys::{memory::Region, queue::Fifo},
    uapi::{abi::op as opcode, errno::Errno},
};
use kernel::{
    alloc::{KVVec, KVec},
    sync::{
        atomic::{Full, Relaxed},
        Arc,
    },
};

/// What a ring has let go of, for after it is unlocked.
pub(super) struct Kept {
    _submitters: KVec<Record>,
    _users: KVec<users::Record>,
    _workers: Workers,
    _overflow: Fifo<Request>,
    _groups: Groups,
    _buffers: Buffers,
    files: KVVec<Option<Arc<Registered>>>,
    _tags: Option<Arc<Home>>,
    _mappings: KVec<(u16, Arc<Region>)>,
}

impl Locked<'_> {
    /// Ends a request before its time. What it has transferred is not lost.
    pub(super) fn end(&mut self, mut token: Token, error: Errno) {
        if token.cell().work() != Work::None {
            return self.end_work(token, error);
        }
        match token.owned().job.op.end(self, error) {
            Step::Done { res, flags, broken } => self.finish(token, res, flags, broken),
            Step::Handed(lent) => self.hand_over(token, lent),
            Step::Landed => self.land(token),
            Step::Wait(_) | Step::Sleep | Step::Later | Step::Block => {
                self.finish(token, error.to_raw(), 0, true)
            }
        }
    }

    /// Whether a request goes on without its task, of which it needs nothing: a timeout whose task
    /// has exited.
    #[cold]
    pub(super) fn outlives(&self, what: u8, home: &Home) -> bool {
        what == opcode::TIMEOUT
            && !home.is_alive()
            && !self.ring.deferred()
            && !self.ring.is_dying()
            && !self.state.letting_go
    }

    /// Ends all requests that `whose` says, wherever they wait.
    pub(super) fn cancel_all(&mut self, whose: impl Fn(&Home) -> bool) {
        let mut tokens = self.unqueue_ended(&whose);
        for cell in self.state.waiting.iter() {
            if whose(cell.home()) && !self.outlives(cell.opcode(), cell.home()) {
                match cell.work() {
                    // Either it was taken out of the queue above, or a worker does it.
                    Work::Queued => continue,
                    Work::Running if self.is_finished_by_worker(cell) => continue,
                    Work::Running => self.interrupt_work(cell_id(cell)),
                    Work::None | Work::Dropped => {}
                }
                if let Some(token) = cell.claim(Reasons::CANCELLED) {
                    tokens.push(token);
                }
            }
        }
        for record in self.state.submitters.iter() {
            if whose(&record.home) {
                tokens.append(record.home.inbox().take());
            }
        }
        if self.ring.deferred() {
            // That one is for all.
            let all = core::mem::take(&mut tokens);
            tokens = self.sort_out(all, &whose);
        }
        tokens.append(self.take_drained(&whose));
        let backlog = core::mem::take(&mut self.state.backlog);
        tokens.append(self.sort_out(backlog, &whose));
        self.run_all(&mut tokens, true);
    }

    /// Returns what is of those that `whose` says; the rest waits for `enter` to run it.
    fn sort_out(
        &mut self,
        mut tokens: Fifo<Request>,
        whose: impl Fn(&Home) -> bool,
    ) -> Fifo<Request> {
        let mut out = Fifo::new();
        while let Some(token) = tokens.pop() {
            if whose(token.cell().home()) {
                out.push(token);
            } else {
                self.ring.backlogged.store(true, Relaxed);
                self.state.backlog.push(token);
            }
        }
        out
    }

    /// Lets go of all that the ring has. What remains can be used afresh.
    pub(super) fn let_go(&mut self) -> Kept {
        self.state.letting_go = true;
        self.cancel_all(|_| true);
        self.state.letting_go = false;
        self.forget_kept();
        let state = &mut *self.state;
        self.ring.users.fetch_sub(state.users.len(), Full);
        state.has_eventfd = false;
        self.ring.eventfd.set(None);
        Kept {
            _submitters: core::mem::take(&mut state.submitters),
            _users: core::mem::take(&mut state.users),
            _workers: core::mem::take(&mut state.workers),
            _overflow: core::mem::take(&mut state.overflow),
            _groups: core::mem::replace(&mut state.groups, Groups::new()),
            _buffers: core::mem::take(&mut state.buffers),
            files: state.files.remove(),
            _tags: state.tags.take(),
            _mappings: core::mem::take(&mut *self.ring.mappings.lock()),
        }
    }
}

impl Ring {
    /// Drops what the ring has let go of; `for_others`, if it is not the current task's.
    pub(super) fn let_go_of(&self, kept: Kept, for_others: bool) {
        if let Some(sqpoll) = &self.sqpoll {
            sqpoll.leave();
        }
        if for_others {
            let registered = kept.files.into_iter().flatten();
            for registered in registered {
                let file = registered.file.again();
                drop(registered);
                file.put_for_others();
            }
        }
    }
}
