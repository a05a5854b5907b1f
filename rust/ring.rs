// SPDX-License-Identifier: GPL-2.0

//! A ring as an object: what it consists of, and who may touch what.
//!
//! All that changes is behind one mutex, [`State`]; who holds it has a [`Locked`] ring. Requests
//! are issued and completions are posted with the mutex held, by the task that submitted them. A
//! wake-up, which may come in any context, does not take it: it puts the request into the inbox
//! of its task context. Nor do workers while they go on with a request.

pub(crate) mod after;
pub(crate) mod buffer_table;
pub(crate) mod counts;
pub(crate) mod cursor;
pub(crate) mod eventfd;
pub(crate) mod file_table;
pub(crate) mod filters;
pub(crate) mod large;
pub(crate) mod memory;
pub(crate) mod napi;
pub(crate) mod objects;
pub(crate) mod one_or_more;
pub(crate) mod personalities;
pub(crate) mod post;
pub(crate) mod region;
pub(crate) mod resize;
pub(crate) mod tags;
pub(crate) mod trace;

use crate::{
    kbuf::groups::Groups,
    req::{
        tctx::{Local, TaskCtx},
        Request,
    },
    ring::{
        after::{After, UnlockHooks},
        cursor::CqCursor,
        memory::{Mappings, RingEntries, RingMemory},
        one_or_more::OneOrMore,
        personalities::Personalities,
    },
    rsrc::{buffers::BufferTable, files::FileTable},
    sys::{
        context::{CallContext, InTask},
        exit,
        lock::lock_killable,
        lsm, pin,
        policy::{Grant, Maker},
        queue::Fifo,
        table::HashTable,
        task::Identity,
        waitqueue::WaitQueue,
    },
    uapi::{
        abi::{setup, sq},
        errno::{Result, ECANCELED, EINTR},
        policy::Policy,
        restrictions::Restrictions,
        setup::{layout, Config},
        structs::BigCqe,
    },
};
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{Atomic, Relaxed},
        lock::{mutex::MutexBackend, Guard},
        Arc, Mutex, SetOnce,
    },
};

/// A ring. Its file has a reference, and each of its submitters, which the requests keep.
///
/// What each call looks at comes first, so that it is in few cache lines.
#[pin_data]
#[repr(C)]
pub(crate) struct Ring {
    /// What it was set up as. How many entries it has may have changed since, see [`Locked::resize()`].
    pub(crate) config: Config,
    /// Set once the ring may be used, for IORING_SETUP_R_DISABLED. Never with SQPOLL, which has its
    /// own way of being used.
    pub(crate) enabled: Atomic<bool>,
    /// The file is gone: what comes back ends as cancelled.
    pub(crate) dying: Atomic<bool>,
    /// Not every opcode is taken. Set with the ring locked, or by who ends the ring, who does not wait for the lock.
    restricted: Atomic<bool>,
    /// Completions wait for room.
    pub(crate) overflowing: Atomic<bool>,
    /// A task that must not wait for the mutex has left something to do for whoever unlocks it.
    pub(crate) orphaned: Atomic<bool>,
    /// Requests wait for others to be over, see [`Ring::has_followers`].
    pub(crate) draining: Atomic<bool>,
    /// The same for timeouts that end after so many completions.
    pub(crate) counting: Atomic<bool>,
    /// Whether the times of `enter` are of CLOCK_BOOTTIME.
    pub(crate) boottime: Atomic<bool>,
    /// Counts what ends each wait in `enter`: a timeout that is over, and the end of the ring for all who use it.
    pub(crate) timeouts: Atomic<u32>,
    /// What has come back, and whether the submitter waits for it, if only `enter` runs it; else that is with the submitters.
    pub(crate) local: Local,
    pub(crate) memory: RingMemory,
    /// Those who poll the ring's file.
    #[pin]
    pub(crate) pollers: WaitQueue,
    /// What only the moving of requests uses, without the mutex.
    #[pin]
    pub(crate) exec: crate::ExecShared,
    #[pin]
    pub(crate) state: Mutex<State>,
    /// Those who wait for completions in `enter`.
    #[pin]
    pub(crate) waiters: WaitQueue,
    /// What is to be signalled for completions.
    #[pin]
    pub(crate) eventfd: eventfd::RingEventFd,
    /// What whoever unlocks the mutex calls for what was left to it.
    pub(crate) hooks: &'static UnlockHooks,
    /// Who is charged for what its requests keep pinned, if anybody is.
    pub(crate) account: Option<pin::Account>,
    /// What it may be used for, if not for anything. For good once it is enabled.
    pub(crate) restrictions: SetOnce<Restrictions>,
    /// What the administrator allows its user.
    pub(crate) policy: Policy,
    /// Among whose rings it counts.
    pub(crate) maker: Maker,
    /// The credentials of the task that has set the ring up, if it has a thread: all requests then have these.
    pub(crate) identity: Option<Arc<Identity>>,
    /// Memory that can be mapped. Taken with `state` or with a task's mmap lock
    /// held, and nothing within it.
    #[pin]
    pub(crate) mappings: Mutex<Mappings>,
    /// Memory that it shares with its program besides. For good once it is there.
    pub(crate) param_region: SetOnce<region::ParamRegion>,
}

/// The part of a ring that changes, and that only the holder of its mutex reaches. What each call looks at comes first.
#[repr(C)]
pub(crate) struct State {
    /// Completions that user space has not been told of.
    pub(crate) posted: bool,
    /// Some timeout counts completions.
    pub(crate) counting: bool,
    /// Whether an eventfd is registered.
    pub(crate) has_eventfd: bool,
    /// A completion was posted that a worker would have posted for io_uring.
    pub(crate) posted_async: bool,
    /// The CQ tail when the eventfd was signalled last, or registered.
    pub(crate) async_tail: u32,
    /// How many SQ entries have been consumed.
    pub(crate) sq_head: u32,
    pub(crate) cq: CqCursor,
    /// The arrays of entries of the SQ and the CQ ring.
    pub(crate) entries: RingEntries,
    pub(crate) submitters: OneOrMore<SubmitterRecord>,
    /// What only the moving of requests uses.
    pub(crate) exec: crate::ExecState,
    /// Requests whose completions wait for room, in order.
    pub(crate) overflow: Fifo<Request>,
    /// How many have had to wait so far.
    pub(crate) overflowed: u64,
    /// How many counted objects have a completion that waits for room.
    pub(crate) kept: usize,
    /// Requests that wait, wherever, and those with a worker, by `user_data`: what look-ups find.
    pub(crate) waiting: HashTable<Request>,
    pub(crate) groups: Groups,
    pub(crate) buffers: BufferTable,
    pub(crate) files: FileTable,
    /// What a completion says besides, see [`large`].
    pub(crate) extra: Option<BigCqe>,
    /// The task context that the objects of tags belong to.
    pub(crate) tags: Option<Arc<TaskCtx>>,
    pub(crate) personalities: Personalities,
    /// What is asked about requests, if anything is.
    pub(crate) filters: Option<KBox<filters::Filters>>,
    /// The queues that are polled, if any are to be.
    pub(crate) napi: Option<KBox<napi::Queues>>,
    pub(crate) counts: counts::Counts,
}

/// The ring's record of a submitter.
pub(crate) struct SubmitterRecord {
    pub(crate) tctx: Arc<TaskCtx>,
    /// A second reference to it, which `enter` has meanwhile: no atomic count changes for a call.
    pub(crate) spare: Option<Arc<TaskCtx>>,
    /// Objects of requests that are over, for the next ones.
    pub(crate) objects: Fifo<Request>,
    /// Objects that are in use.
    pub(crate) used: usize,
    /// Has the ring told when the task ends.
    pub(crate) _watch: exit::Watch,
}

/// A ring whose mutex the current task holds.
pub(crate) struct Locked<'r> {
    pub(crate) ring: &'r Ring,
    pub(crate) state: Guard<'r, State, MutexBackend>,
    /// Behind `state`, so that it is dropped after the mutex is.
    pub(crate) after: After<'r>,
}

impl State {
    /// The state of a ring that nobody has used yet.
    ///
    /// It is made where it is to be, as it is larger than all that it is made of.
    fn new(entries: RingEntries, waiting: HashTable<Request>) -> impl Init<Self> {
        init!(Self {
            kept: 0,
            entries,
            exec: Default::default(),
            sq_head: 0,
            cq: CqCursor::default(),
            extra: None,
            posted: false,
            overflow: Fifo::new(),
            overflowed: 0,
            waiting,
            groups: Groups::new(),
            buffers: BufferTable::default(),
            files: FileTable::default(),
            tags: None,
            personalities: Personalities::default(),
            has_eventfd: false,
            posted_async: false,
            async_tail: 0,
            filters: None,
            napi: None,
            counting: false,
            counts: counts::Counts::default(),
            submitters: OneOrMore::new(),
        })
    }
}

impl Ring {
    /// A ring of this shape in `memory`, which is of the same shape, that may have what `grant` says. `exec` is
    /// what moves its requests, and `hooks` what that does when it is unlocked.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn new(
        task: InTask<'_>,
        config: Config,
        grant: &Grant,
        (memory, entries, mappings): (RingMemory, RingEntries, Mappings),
        exec: impl PinInit<crate::ExecShared>,
        hooks: &'static UnlockHooks,
    ) -> Result<Arc<Self>> {
        let policy = grant.policy;
        let bits = config.cq_entries.trailing_zeros().saturating_sub(5);
        let waiting = HashTable::new(bits.clamp(1, 8))?;
        let restricted =
            config.has(setup::IOPOLL) || lsm::is_any_missing() || policy.restricts_requests();
        let state = State::new(entries, waiting);
        let identity = if config.has(setup::SQPOLL) {
            Some(Arc::new(Identity::current(task), GFP_KERNEL_ACCOUNT)?)
        } else {
            None
        };
        Ok(Arc::pin_init(
            pin_init!(Self {
                config,
                memory,
                account: pin::Account::current(policy.limits.pinned),
                enabled: Atomic::new(false),
                restrictions: SetOnce::new(),
                policy,
                maker: grant.maker(),
                identity,
                dying: Atomic::new(false),
                restricted: Atomic::new(restricted),
                overflowing: Atomic::new(false),
                local: Local::new(),
                draining: Atomic::new(false),
                counting: Atomic::new(false),
                boottime: Atomic::new(false),
                timeouts: Atomic::new(0),
                eventfd <- eventfd::RingEventFd::new(),
                orphaned: Atomic::new(false),
                hooks,
                exec <- exec,
                waiters <- WaitQueue::new(),
                pollers <- WaitQueue::new(),
                state <- new_mutex!(state, "ruring::state"),
                mappings <- new_mutex!(mappings, "ruring::mappings"),
                param_region: SetOnce::new(),
            }),
            GFP_KERNEL_ACCOUNT,
        )?)
    }

    /// Locks the ring, for who needs nothing that only the current task has.
    ///
    /// # Errors
    ///
    /// `-EINTR` if the current task is killed while it waits.
    ///
    /// # Context
    ///
    /// May sleep. No ring is locked.
    #[inline]
    pub(crate) fn lock(&self) -> Result<Locked<'_>> {
        self.lock_in(CallContext::Unknown)
    }

    /// Locks the ring, for who may do what this context allows.
    ///
    /// # Errors
    ///
    /// `-EINTR` if the current task is killed while it waits.
    ///
    /// # Context
    ///
    /// May sleep. No ring is locked.
    #[inline]
    pub(crate) fn lock_in<'r>(&'r self, context: impl Into<CallContext<'r>>) -> Result<Locked<'r>> {
        Ok(Locked {
            ring: self,
            state: lock_killable(&self.state).ok_or(EINTR)?,
            after: After::new(self, context.into()),
        })
    }

    /// Locks it, unless somebody else has.
    pub(crate) fn try_lock(&self) -> Option<Locked<'_>> {
        Some(Locked {
            ring: self,
            state: self.state.try_lock()?,
            after: After::new(self, CallContext::Unknown),
        })
    }

    /// What there is of a ring whose requests only `enter` runs.
    #[inline]
    pub(crate) fn local(&self) -> Option<&Local> {
        self.deferred().then_some(&self.local)
    }

    /// What the ring was set up as.
    #[inline]
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Whether only `enter` runs what comes back.
    #[inline]
    pub(crate) fn deferred(&self) -> bool {
        self.config.has(setup::DEFER_TASKRUN)
    }

    /// Whether one completion may bring others, of requests that it is the end of.
    #[inline]
    pub(crate) fn has_followers(&self) -> bool {
        self.draining.load(Relaxed) || self.counting.load(Relaxed)
    }

    /// Whether transfers are to be polled for on their files, of which ruring has none that can.
    #[inline]
    pub(crate) fn polls_files(&self) -> bool {
        self.config.has(setup::IOPOLL)
    }

    /// How many entries the SQ ring has at the moment: a power of two.
    pub(crate) fn sq_entries(&self) -> u32 {
        self.memory.sq_entries.load(Relaxed)
    }

    /// How many entries the CQ ring has at the moment: a power of two.
    pub(crate) fn cq_entries(&self) -> u32 {
        self.memory.cq_entries.load(Relaxed)
    }

    /// How many completions user space was told of.
    pub(crate) fn cq_tail(&self) -> u32 {
        self.memory.words.load::<{ layout::CQ_TAIL }>()
    }

    /// How many completions user space says that it has consumed, which may be any number.
    pub(crate) fn cq_head(&self) -> u32 {
        self.memory.words.load::<{ layout::CQ_HEAD }>()
    }

    /// Whether its file is gone.
    #[inline]
    pub(crate) fn is_dying(&self) -> bool {
        self.dying.load(Relaxed)
    }

    /// Whether not every opcode is taken.
    #[inline]
    pub(crate) fn is_restricted(&self) -> bool {
        self.restricted.load(Relaxed)
    }

    /// Has what is submitted from here on looked at, also of who is in the middle of it.
    pub(crate) fn set_restricted(&self) {
        self.restricted.store(true, Relaxed);
    }

    /// Whether somebody else than `enter` is to be told of what has come back: for who has had a full barrier since
    /// it can be seen.
    #[inline]
    pub(crate) fn has_watchers(&self) -> bool {
        self.pollers.is_active() || self.eventfd.is_registered()
    }

    /// Tells user space, if it wants to know, that `enter` would do something.
    #[inline]
    pub(crate) fn mark_taskrun(&self) {
        if self.config.has(setup::TASKRUN_FLAG) {
            self.memory
                .words
                .change::<{ layout::SQ_FLAGS }>(sq::TASKRUN, true);
        }
    }

    /// Takes that back, once it is done.
    pub(crate) fn unmark_taskrun(&self) {
        if self.config.has(setup::TASKRUN_FLAG) {
            self.memory
                .words
                .change::<{ layout::SQ_FLAGS }>(sq::TASKRUN, false);
        }
    }
}

impl<'r> Locked<'r> {
    /// What the current task is at, for what only it can do.
    ///
    /// # Errors
    ///
    /// `-ECANCELED` if it is not its own requests that it is at.
    #[inline]
    pub(crate) fn task(&self) -> Result<InTask<'r>> {
        self.after.context().task().ok_or(ECANCELED)
    }
}

impl Locked<'_> {
    /// The ring's buffer groups.
    #[inline]
    pub(crate) fn groups(&mut self) -> &mut Groups {
        &mut self.state.groups
    }
}
