// SPDX-License-Identifier: GPL-2.0

//! The thread of IORING_SETUP_SQPOLL, and the rings that are attached to it.

mod rings;

use super::sqpoll::{attached, ThreadState};
use crate::{
    req::tctx::{self, TaskCtx},
    ring::Ring,
    sys::{
        context::{InTask, InWorker},
        processor::{self, Processor},
        sleep::{sleep_on, Woken},
        task::TaskRef,
        time::{AtomicKtime, Ktime, TimeSum},
        user_worker::{is_interrupted, UserWorker, WorkerBody},
        waitqueue::WaitQueue,
    },
    uapi::{
        abi::setup,
        errno::{Result, EINVAL},
        setup::{Config, ThreadParams},
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KVec},
    new_mutex,
    prelude::*,
    str::CString,
    sync::{
        atomic::{Atomic, Full, Relaxed},
        Arc, Mutex,
    },
    time::Delta,
};
use rings::{AttachedRing, AttachedRings};

/// For how long a thread that is not alone on its processor leaves it to others.
const YIELD_TIME: Delta = Delta::from_millis(1);

/// What attaches a ring to a thread, from which it is detached when this is dropped if it has not been before.
///
/// # Context
///
/// Its functions may sleep, for the mutex of the rings that are attached. They may be called with a ring locked.
pub(crate) struct Attachment {
    thread: Arc<SqThread>,
    index: usize,
    left: Atomic<bool>,
}

/// A thread that rings share.
#[pin_data]
struct SqThread {
    /// Who made it. The rings that share it are set up by tasks of one process.
    creator: TaskRef,
    /// Somebody wants the thread to look what there is to do.
    woken: Atomic<bool>,
    /// The processor that it was last seen on, or is to begin on.
    cpu: Atomic<u32>,
    /// The only processor that it may run on, if there is one.
    processor: Option<Processor>,
    /// Since when it has looked in vain.
    idle_since: AtomicKtime,
    /// For how long it has been calling owners.
    work_time: TimeSum,
    /// The queue on which the thread sleeps.
    #[pin]
    wait: WaitQueue,
    /// Taken with the mutex of a ring held, and nothing within it.
    #[pin]
    rings: Mutex<AttachedRings>,
}

/// What the thread runs, and whether it has begun and is to end.
struct SqThreadBody {
    thread: Arc<SqThread>,
    /// Whether the thread has done its first step.
    begun: Atomic<bool>,
    stopping: Atomic<bool>,
}

/// What polling all rings has come to.
struct PollResult {
    /// There were new entries.
    found: bool,
    /// Nothing can be done before an owner has done what it was called for, and one would have to
    /// do that on this processor.
    blocks_owner: bool,
    /// The longest time that a ring wants to have it look in vain.
    idle: Delta,
}

impl SqThread {
    /// It looks in vain from now on.
    fn begin_idling(&self) {
        self.idle_since.store(Ktime::now());
    }

    /// How long it has looked in vain.
    fn has_been_idle(&self) -> Delta {
        Ktime::now().since(self.idle_since.load())
    }

    /// Wakes it up, or has it look once more.
    fn wake(&self) {
        self.woken.xchg(true, Full);
        if self.wait.has_sleeper() {
            // Who waits for it to begin waits there, too.
            self.wait.wake_all();
        }
    }

    /// Wakes up the one that there is. Without any owners are called for what there is to submit.
    fn wake_or_call(&self) {
        let rings = self.rings.lock();
        if rings.runs() {
            drop(rings);
            self.wake();
        } else {
            rings.call_without_thread();
        }
    }

    /// Calls the owners of rings with entries.
    ///
    /// On a processor with other tasks it does so only for what it has found the last time. The one
    /// that it has interrupted may be an owner that is about to look how many entries are still there,
    /// as liburing does to say what it has submitted.
    fn poll_rings(&self) -> PollResult {
        let alone = processor::is_alone();
        let rings = self.rings.lock();
        let here = Processor::current();
        self.cpu.store(here, Relaxed);
        let idles = rings.slots.iter().flatten().map(|ring| ring.idle);
        let mut result = PollResult {
            found: false,
            blocks_owner: false,
            idle: idles.max().unwrap_or(Delta::ZERO),
        };
        let (mut all_called, mut one_here) = (true, false);
        for (owner, sqpoll) in rings.owners() {
            if !sqpoll.called.load(Relaxed) {
                if !owner.ring().has_entries(sqpoll) {
                    sqpoll.found.store(false, Relaxed);
                    all_called = false;
                    continue;
                }
                if !owner.is_there() {
                    // Who comes to enter finds out, or is the next owner.
                    owner.ring().set_need_wakeup(true);
                    sqpoll.tell_of_room();
                    continue;
                }
                result.found = true;
                if !alone && !sqpoll.found.load(Relaxed) {
                    sqpoll.found.store(true, Relaxed);
                    all_called = false;
                    continue;
                }
                let start = Ktime::now();
                sqpoll.found.store(false, Relaxed);
                sqpoll.called.xchg(true, Full);
                tctx::call(owner);
                self.work_time.add(Ktime::now().since(start));
            }
            one_here |= Processor::of(owner.task()) == here;
        }
        result.blocks_owner = all_called && one_here;
        result
    }

    /// Sees to it that it runs: there is none before the first ring, and when all have ended who had it result.
    ///
    /// # Context
    ///
    /// May sleep.
    fn start(self: &Arc<Self>, task: InTask<'_>) -> Result {
        if self.rings.lock().runs() {
            return Ok(());
        }
        let name = CString::try_from_fmt(fmt!("ruring-sqp-{}", current!().pid()))?;
        let body = SqThreadBody {
            thread: self.clone(),
            begun: Atomic::new(false),
            stopping: Atomic::new(false),
        };
        let body = UserWorker::spawn(task, body, &name)?;
        let mut rings = self.rings.lock();
        // Somebody may have been faster, and the rings, or all who submit to them, may have left; and it may have been killed.
        let wanted = !body.is_over() && !rings.runs() && rings.are_attended();
        let old = wanted.then(|| rings.thread.replace(body.clone()));
        if wanted {
            rings.clear_need_wakeup();
        }
        drop(rings);
        drop(old);
        if wanted {
            // It may be idle by now.
            self.wake();
        } else {
            body.stop();
        }
        // So that everybody knows which one it is.
        let begun = || body.begun.load(Relaxed);
        while !begun() && sleep_on(Some(&self.wait), None, &begun) != Woken::Interrupted {}
        Ok(())
    }
}

impl SqThreadBody {
    /// Sleeps until it is woken up, which who adds entries has to see to from here on.
    fn go_idle(&self) {
        let mut busy = false;
        let rings = self.thread.rings.lock();
        if !rings.is_run_by(self) {
            drop(rings);
            // It has been told to end, or it is not known yet that it has begun.
            return self.sleep(Some(Ktime::now().after(YIELD_TIME)));
        }
        for (owner, sqpoll) in rings.owners() {
            // Has a full barrier: who does not see the flag has added its entries before.
            owner.ring().set_need_wakeup(true);
            let called = sqpoll.called.load(Relaxed);
            busy |= !called && owner.ring().has_entries(sqpoll) && owner.is_there();
        }
        drop(rings);
        if !busy {
            self.sleep(None);
        }
        let rings = self.thread.rings.lock();
        // One that has been told to end may have a successor, who sleeps.
        if rings.is_run_by(self) {
            rings.clear_need_wakeup();
        }
    }

    /// Sleeps until it is woken up, or until `deadline`.
    fn sleep(&self, deadline: Option<Ktime>) {
        let ready = || self.thread.woken.load(Relaxed) || self.stopping.load(Relaxed);
        sleep_on(Some(&self.thread.wait), deadline, &ready);
    }

    /// Does one round: looks at all rings, and then waits a little, or sleeps.
    fn poll_once(&self) {
        if self.thread.woken.load(Relaxed) {
            self.thread.woken.xchg(false, Full);
            self.thread.begin_idling();
        }
        let result = self.thread.poll_rings();
        if result.found {
            self.thread.begin_idling();
        }
        if result.blocks_owner {
            // Who was called wakes it up.
            self.sleep(None);
        } else if self.thread.has_been_idle() < result.idle {
            if processor::is_alone() {
                processor::relax();
            } else {
                // It may be what is looked for that another task would do here.
                self.sleep(Some(Ktime::now().after(YIELD_TIME)));
            }
        } else {
            self.go_idle();
            self.thread.begin_idling();
        }
    }

    /// Says that it has begun, or never will.
    fn set_begun(&self) {
        if !self.begun.xchg(true, Full) {
            self.thread.wait.wake_all();
        }
    }

    /// Has the thread end.
    fn stop(&self) {
        self.stopping.store(true, Relaxed);
        self.thread.woken.xchg(true, Full);
        self.thread.wait.wake_all();
    }
}

impl WorkerBody for SqThreadBody {
    fn is_ready(&self) -> bool {
        true
    }

    fn run(&self, worker: InWorker<'_>) -> bool {
        if !self.begun.load(Relaxed) {
            if let Some(processor) = self.thread.processor {
                processor.bind(worker);
            }
            self.thread.begin_idling();
            self.set_begun();
        }
        while !is_interrupted(worker) {
            if self.stopping.load(Relaxed) {
                // What it was woken up for is for its successor, if it has one.
                self.thread.wake_or_call();
                return false;
            }
            self.poll_once();
        }
        true
    }

    fn killed(&self) {
        self.thread.wake_or_call();
        self.set_begun();
    }
}

impl Attachment {
    /// Attaches a ring to a thread of its own, or to that of the ring that user space names.
    ///
    /// # Errors
    ///
    /// `-ENXIO` or `-EINVAL` if user space names no ring that has one, `-EINVAL` for a processor that the task may
    /// not use, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn attach(task: InTask<'_>, config: &Config, params: &ThreadParams) -> Result<Self> {
        let idle = Delta::from_nanos(params.idle_nanoseconds());
        if config.has(setup::ATTACH_WQ) {
            let ring = attached(task, params)?;
            let thread = &ring.exec.sqpoll.as_ref().ok_or(EINVAL)?.attachment.thread;
            // As io_uring: a ring of another process is as good as none.
            if thread.creator.same_process_as_current() {
                return Self::with(task, thread.clone(), idle);
            }
        }
        let processor = if config.has(setup::SQ_AFF) {
            Some(Processor::allowed(params.cpu).ok_or(EINVAL)?)
        } else {
            None
        };
        let thread = Arc::pin_init(
            pin_init!(SqThread {
                creator: TaskRef::current(),
                woken: Atomic::new(false),
                cpu: Atomic::new(processor.map_or_else(Processor::current, Processor::number)),
                processor,
                idle_since: AtomicKtime::new(Ktime::now()),
                work_time: TimeSum::new(),
                wait <- WaitQueue::new(),
                rings <- new_mutex!(
                    AttachedRings { slots: KVec::new(), thread: None },
                    "ruring::sq_thread"
                ),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;
        Self::with(task, thread, idle)
    }

    /// Attaches a ring to a thread, which is made to run.
    fn with(task: InTask<'_>, thread: Arc<SqThread>, idle: Delta) -> Result<Self> {
        let mut rings = thread.rings.lock();
        let free = rings
            .slots
            .iter()
            .position(|attachment| attachment.is_none());
        let index = free.unwrap_or(rings.slots.len());
        let ring = Some(AttachedRing {
            creator: TaskRef::current(),
            idle,
            owner: None,
        });
        match rings.slots.get_mut(index) {
            Some(attachment) => *attachment = ring,
            None => rings.slots.push(ring, GFP_KERNEL_ACCOUNT)?,
        }
        drop(rings);
        // Whatever fails from here on, the ring is detached, which ends the thread if it is the only one.
        let attachment = Self {
            thread,
            index,
            left: Atomic::new(false),
        };
        attachment.thread.start(task)?;
        Ok(attachment)
    }

    /// Detaches the ring. With the last one that somebody may submit to the thread ends.
    pub(crate) fn detach(&self) {
        if self.left.xchg(true, Full) {
            return;
        }
        let mut rings = self.thread.rings.lock();
        let ring = rings.slots.get_mut(self.index).and_then(Option::take);
        if let Some(owner) = ring.as_ref().and_then(|ring| ring.owner.as_ref()) {
            owner.ring().tell_of_lost_owner();
        }
        let unattended = !rings.are_attended();
        let last = unattended.then(|| rings.thread.take()).flatten();
        drop(rings);
        drop(ring);
        if let Some(last) = last {
            last.stop();
        }
    }

    /// Has the thread end if there is nobody left to call: it would be all that is left of its process. It is
    /// started again by who wants to have it woken up.
    pub(crate) fn retire_thread(&self) {
        let mut rings = self.thread.rings.lock();
        let unattended = !rings.are_attended();
        let thread = unattended.then(|| rings.thread.take()).flatten();
        drop(rings);
        if let Some(thread) = thread {
            thread.stop();
        }
    }

    /// Has the thread look, or look once more, and start again if it has ended.
    ///
    /// # Errors
    ///
    /// `-EAGAIN` if the process may have no more threads.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn start_thread(&self, task: InTask<'_>) -> Result {
        self.thread.wake();
        self.thread.start(task)
    }

    /// The task context that submits for the ring, unless there is none yet, or none any more.
    pub(crate) fn owner(&self) -> Option<Arc<TaskCtx>> {
        self.ring(&mut self.thread.rings.lock())?.owner.clone()
    }

    /// Whether the task that submitted is gone, and there is no other, before which `tell` is called.
    pub(crate) fn is_lost(&self, tell: impl FnOnce(&Ring)) -> bool {
        let mut rings = self.thread.rings.lock();
        let lost = self.ring(&mut rings).and_then(|ring| ring.lost_owner());
        lost.inspect(|owner| tell(owner.ring())).is_some()
    }

    /// What is attached, unless it was detached: another ring may have the slot then.
    fn ring<'a>(&self, rings: &'a mut AttachedRings) -> Option<&'a mut AttachedRing> {
        let ring = rings.slots.get_mut(self.index)?.as_mut();
        ring.filter(|_| !self.left.load(Relaxed))
    }

    /// Has the thread look, or look once more.
    pub(crate) fn wake_thread(&self) {
        self.thread.wake();
    }

    /// As [`wake_thread`](Self::wake_thread). Where there is none, owners are called for what there is to submit.
    pub(crate) fn wake_thread_or_owners(&self) {
        self.thread.wake_or_call();
    }

    /// What fdinfo shows of the thread. None if it is gone.
    pub(crate) fn thread_state(&self) -> Option<ThreadState> {
        let thread = &self.thread;
        let rings = thread.rings.lock();
        let running = rings.thread.as_ref()?;
        let task = running.task().filter(|_| !running.is_over())?;
        Some(ThreadState {
            pid: task.pid(),
            cpu: thread.cpu.load(Relaxed),
            runtime: task.runtime(),
            work_time: thread.work_time.load(),
        })
    }

    /// Says which task context submits for the ring from now on. Returns the one that did, to be dropped without a lock.
    pub(crate) fn set_owner(&self, owner: Arc<TaskCtx>) -> Option<Arc<TaskCtx>> {
        let mut old = Some(owner);
        {
            let mut rings = self.thread.rings.lock();
            let runs = rings.runs();
            if let Some(ring) = self.ring(&mut rings) {
                core::mem::swap(&mut ring.owner, &mut old);
                if let Some(owner) = &ring.owner {
                    owner.ring().set_need_wakeup(!runs);
                    owner.ring().set_lost_owner(false);
                }
            }
        }
        self.thread.wake();
        old
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.detach();
    }
}
