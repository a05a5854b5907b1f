// SPDX-License-Identifier: GPL-2.0

//! Where wake-ups come in: a request that a wait queue, a timer or its last packet has woken up, and a task that was sent for.

use crate::{
    op,
    req::{
        self,
        tctx::{self, Submitter, TaskCtx},
        ClaimedReq, Core, Header, OwnedReq, Place, Request,
    },
    ring::{Locked, Ring},
    sys::{
        context::InTask,
        fd,
        module::ModuleRef,
        object::{Kind, Object},
        poll::events_of,
        ringfile,
        rw::is_nonblocking,
        task::full_barrier,
        task_work::TaskWorkFn,
        trace,
        ubuf::Ops,
    },
    uapi::abi::events,
};
use kernel::{
    fs::File,
    sync::{atomic::Relaxed, Arc},
};

impl Kind for Request {
    type Header = Header;
    type Core = Core;

    #[inline]
    fn deliver(req: ClaimedReq, object: &Object<Self>) {
        let lazy = req.core().brings_one();
        tctx::push(object.tctx(), req, lazy);
    }

    fn trace_woken(req: &ClaimedReq, mask: u32) {
        let object = req.object();
        let info = object.tctx().ring().info_of(object, &req.core().job);
        trace::task_add(info, mask);
    }

    fn expired(object: &Object<Self>) {
        if matches!(object.place(), Place::Queued | Place::Punted) {
            object.tctx().ring().set_overdue();
            tctx::interrupt(object.tctx());
        }
    }

    fn module(header: &Header) -> &ModuleRef {
        header.tctx().module()
    }

    type Registration = Option<OwnedReq>;

    type RingFile = Ring;

    const UBUF_OPS: &'static Ops<Self> = &UBUF_OPS;

    fn together(a: &Header, b: &Header) -> bool {
        Arc::ptr_eq(a.tctx(), b.tctx())
    }

    fn completed(req: ClaimedReq) {
        let tctx = req.object().tctx().clone();
        let lazy = req.is_single() && req.core().chain.is_empty();
        tctx::push(&tctx, req, lazy);
        tctx::put_deferred(tctx);
    }
}

static UBUF_OPS: Ops<Request> = Ops::new();

impl Core {
    /// Whether this wake-up brings one completion at most, and is not an exclusive one that another waiter now lacks.
    /// Who waits for several completions counts such wake-ups, and sleeps until there are enough.
    #[inline]
    pub(crate) fn brings_one(&self) -> bool {
        self.chain.is_empty() && op::is_lazy(self.job.opcode, &self.job.op, self.job.is_armed())
    }
}

impl TaskWorkFn for Submitter {
    fn run(this: Arc<TaskCtx>, task: Option<InTask<'_>>) {
        this.ring().run_task_work(&this, task);
    }

    fn run_in_kworker(this: Arc<TaskCtx>) {
        this.ring().leave_inbox(&this, false);
    }

    fn on_end(this: Arc<TaskCtx>) {
        this.set_gone();
        this.ring().leave_inbox(&this, true);
    }

    fn notify(this: &Arc<TaskCtx>) {
        this.ring().tell_watchers();
    }
}

impl Ring {
    /// Runs what has come back to a submitter, as task work of its task.
    ///
    /// # Context
    ///
    /// Task work, or a kworker if there is no `task`. The ring is not locked.
    pub(crate) fn run_task_work(&self, tctx: &Arc<TaskCtx>, task: Option<InTask<'_>>) {
        let is_usual = !self.deferred() && self.exec.sqpoll.is_none();
        if task.is_none() || tctx.is_gone() || self.is_dying() || !is_usual {
            return self.run_unusual_task_work(tctx, task);
        }
        let Ok(mut locked) = self.lock_in(task) else {
            return;
        };
        self.unmark_taskrun();
        // Which has the barrier that task work is to have.
        locked.run_inbox(tctx);
        drop(locked);
        if self.exec.overdue.load(Relaxed) {
            self.interrupt_overdue(task);
        }
    }

    /// As [`Ring::run_task_work`], of a ring that is entered in other ways, or whose requests end.
    #[cold] // recv-multishot/udp/64/8/plain
    fn run_unusual_task_work(&self, tctx: &Arc<TaskCtx>, task: Option<InTask<'_>>) {
        // Pairs with the exchange of who has sent it: see `HasCallback::called`.
        full_barrier();
        if task.is_none() || tctx.is_gone() || self.is_dying() {
            return self.leave_inbox(tctx, true);
        }
        if self.exec.overdue.load(Relaxed) {
            self.interrupt_overdue(task);
        }
        if let (Some(sqpoll), false) = (&self.exec.sqpoll, self.deferred()) {
            self.submit_for_thread(task, sqpoll, tctx);
        }
    }

    /// Tells pollers and eventfds of a ring whose requests only `enter` runs that something has come back.
    ///
    /// # Context
    ///
    /// In an interrupt.
    pub(crate) fn tell_watchers(&self) {
        self.pollers.wake();
        self.signal_eventfd(|only_async| !only_async);
    }
}

/// Whether a request ends that has found nothing although poll says that there is something, and will say so for ever. It
/// does if it is one that heeds O_NONBLOCK, as with io_uring, where a worker tries it again as the system call does.
///
/// # Context
///
/// May sleep, as the file's `->poll()` may.
pub(super) fn ends_unready(req: &OwnedReq, wanted: u32) -> bool {
    op::heeds_nonblock(req.core().job.opcode)
        && req
            .file()
            .is_some_and(|file| is_nonblocking(file) && stays_ready(file, wanted))
}

/// Whether poll says for ever that there is something of a file, whatever there is room for.
fn stays_ready(file: &File, wanted: u32) -> bool {
    const LASTING: u32 = events::PRI | events::ALWAYS;
    events_of(file, (wanted | events::ALWAYS) & LASTING) != 0
}

/// Has what waits for room, and has found none although poll says for ever that there is some, go on as with a worker of io_uring,
/// which that gives it to after 128 attempts: one that sends sleeps until all is sent.
///
/// # Context
///
/// May sleep, as the file's `->poll()` may.
pub(super) fn note_unready(req: &mut OwnedReq, wanted: u32) {
    if wanted & events::OUT != 0 && req.file().is_some_and(|file| stays_ready(file, wanted)) {
        let job = &mut req.core_mut().job;
        job.op.set_by_io_wq(true);
        job.flags.set_by_worker();
    }
}

/// Whether a request is tried again from task work if its file is ready when it is first polled for: POLL_ADD is over then,
/// and a worker of io_uring tries again at once.
pub(super) fn is_tried_again_later(req: &OwnedReq) -> bool {
    let job = &req.core().job;
    !op::only_polls(job.opcode) && !job.flags.by_worker()
}

impl Locked<'_> {
    /// Lets the ring find a request.
    #[inline(always)] // poll/32
    pub(crate) fn insert(&mut self, req: &mut OwnedReq) {
        let op = &req.core().job.op;
        let (file, target) = match req.file() {
            Some(file) => (fd::id(file), None),
            None => (op.ring().map_or(0, ringfile::id), op.target()),
        };
        req::show(req, file, target);
        let user_data = req.core().job.user_data;
        self.state.waiting.insert(user_data, file, req);
    }
}
