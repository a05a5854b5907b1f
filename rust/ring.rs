// SPDX-License-Identifier: GPL-2.0

//! One ring.
//!
//! All that changes is behind one mutex, [`State`]; who holds it has a [`Locked`] ring. Requests
//! are issued and completions are posted with the mutex held, by the task that submitted them. A
//! wake-up, which may come in any context, does not take it: it puts the request into the inbox
//! of its home.

mod after;
mod buffers;
mod cancel;
mod complete;
pub(crate) mod counts;
pub(crate) mod cursor;
mod drain;
mod end;
mod enter;
mod eventfd;
mod fdinfo;
mod file;
pub(crate) mod files;
mod memory;
mod message;
mod notif;
mod orphans;
mod register;
mod restrictions;
mod run;
mod sqpoll;
mod sqthread;
mod submit;
mod tags;
mod users;
mod work;

use crate::{
    kbuf::groups::Groups,
    req::{home::Home, Request},
    rsrc::{buffers::Buffers, files::Files},
    sys::{
        context::{At, InTask},
        exit,
        lock::lock_killable,
        memory::Region,
        pin,
        queue::{Fifo, Inbox},
        ringfile::{self, RingFile},
        table::Table,
        user,
        waitqueue::WaitQueue,
    },
    uapi::{
        abi::{setup, sq},
        errno::{Result, EBADFD, ECANCELED, EINTR},
        restrictions::Restrictions,
        setup::{layout, Config, Params, ThreadParams},
    },
};
use after::After;
use cursor::CqCursor;
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{Atomic, Full, Relaxed},
        lock::{mutex::MutexBackend, Guard},
        Arc, Mutex, SetOnce,
    },
};
use memory::RingMemory;
pub(crate) use work::cell_id;

/// A ring. Its file has a reference, and each of its submitters, which the requests keep.
#[pin_data]
pub(crate) struct Ring {
    config: Config,
    memory: RingMemory,
    /// Who is charged for what its requests keep pinned, if anybody is.
    account: Option<pin::Account>,
    /// Set once the ring may be used, for IORING_SETUP_R_DISABLED. Never with SQPOLL, which has its
    /// own way of being used.
    enabled: Atomic<bool>,
    /// What it may be used for, if not for anything. For good once it is enabled.
    restrictions: SetOnce<Restrictions>,
    /// The file is gone: what comes back ends as cancelled.
    dying: Atomic<bool>,
    /// Completions wait for room.
    overflowing: Atomic<bool>,
    /// What has come home, if only `enter` runs it; else that is with the submitters.
    local: Inbox<Request>,
    /// More had come home than one `enter` ran.
    backlogged: Atomic<bool>,
    /// Requests wait for others to be over, see [`Ring::has_followers`].
    draining: Atomic<bool>,
    /// The same for timeouts that end after so many completions.
    counting: Atomic<bool>,
    /// How many timeouts are over, for those who wait meanwhile.
    timeouts: Atomic<u32>,
    /// How many requests have come back from workers, for those who wait for one.
    works: Atomic<u32>,
    /// What is to be signalled for completions.
    #[pin]
    eventfd: eventfd::Slot,
    /// What those have left who are gone.
    orphans: orphans::Orphans,
    /// How many processes use it, and mappings there are of it.
    users: Atomic<usize>,
    /// Has the end of its users be heard of.
    _listener: exit::Listener,
    /// What there is besides for IORING_SETUP_SQPOLL.
    sqpoll: Option<Arc<sqpoll::SqPoll>>,
    /// Requests with workers have had their time.
    overdue: Atomic<bool>,
    /// How many workers are just being made.
    coming_workers: Atomic<u32>,
    /// Those who wait for completions in `enter`.
    #[pin]
    waiters: WaitQueue,
    /// Those who wait for a worker.
    #[pin]
    onlookers: WaitQueue,
    /// Those who poll the ring's file.
    #[pin]
    pollers: WaitQueue,
    #[pin]
    state: Mutex<State>,
    /// Memory of buffer groups that can be mapped. Taken with `state` or with a task's mmap lock
    /// held, and nothing within it.
    #[pin]
    mappings: Mutex<KVec<(u16, Arc<Region>)>>,
}

/// What changes.
struct State {
    /// How many SQ entries have been consumed.
    sq_head: u32,
    cq: CqCursor,
    /// Completions that user space has not been told of.
    posted: bool,
    /// Requests whose completions wait for room, in order.
    overflow: Fifo<Request>,
    /// Requests that wait for their files, by `user_data`.
    waiting: Table<Request>,
    /// Requests to start once the current one is dealt with.
    ready: Fifo<Request>,
    /// Requests that have come home, and were too many for one `enter`.
    backlog: Fifo<Request>,
    groups: Groups,
    buffers: Buffers,
    files: Files,
    /// Whose the cells of tags are.
    tags: Option<Arc<Home>>,
    /// There is an eventfd.
    has_eventfd: bool,
    /// A completion was posted that a worker would have posted for io_uring.
    posted_async: bool,
    drain: drain::Drain,
    /// Not every opcode is taken.
    choosy: bool,
    /// Some timeout counts completions.
    counting: bool,
    counts: counts::Counts,
    submitters: KVec<Record>,
    /// The processes that use it.
    users: KVec<users::Record>,
    /// It is just letting go of everything.
    letting_go: bool,
    /// Those who do what would have a submitter sleep.
    workers: work::Workers,
}

/// The ring's record of a submitter.
struct Record {
    home: Arc<Home>,
    /// Cells to reuse.
    cells: Fifo<Request>,
    /// Cells that are in use.
    used: usize,
    /// Tells of its end.
    _watch: exit::Watch,
}

/// A ring whose mutex the current task holds.
pub(crate) struct Locked<'r> {
    ring: &'r Ring,
    state: Guard<'r, State, MutexBackend>,
    /// Behind `state`, so that it is dropped after the mutex is.
    after: After<'r>,
}

impl Ring {
    /// `RURING_IOC_SETUP`: makes a ring of `entries` as the `struct io_uring_params` at user
    /// address `params` says, and fills that in. Returns the ring's descriptor.
    pub(crate) fn setup(task: InTask<'_>, entries: u32, params: u64) -> Result<i64> {
        let mut words: Params = [0; _];
        user::read_into(params, &mut words)?;
        let config = Config::parse(entries, &words)?;
        let sqpoll = sqpoll::SqPoll::new(task, &config, &ThreadParams::parse(&words))?;
        let ring = Self::new(config, config.user_memory(&words), sqpoll)?;
        config.fill(&mut words);
        user::write_from(params, &words)?;
        if let Err(error) = ring.start() {
            Ring::release(ring);
            return Err(error);
        }
        Ok(ringfile::install(task, ring)?.into())
    }

    /// Lets the current task begin to use it.
    fn start(self: &Arc<Self>) -> Result {
        self.lock()?.join(self)?;
        if !self.config.has(setup::R_DISABLED) {
            self.enable()?;
        }
        Ok(())
    }

    fn new(
        config: Config,
        memory: Option<[u64; 2]>,
        sqpoll: Option<Arc<sqpoll::SqPoll>>,
    ) -> Result<Arc<Self>> {
        let bits = config.cq_entries.trailing_zeros().saturating_sub(5);
        let waiting = Table::new(bits.clamp(1, 8))?;
        let state = State {
            sq_head: 0,
            cq: CqCursor::default(),
            posted: false,
            overflow: Fifo::new(),
            waiting,
            ready: Fifo::new(),
            backlog: Fifo::new(),
            groups: Groups::new(),
            buffers: Buffers::default(),
            files: Files::default(),
            tags: None,
            has_eventfd: false,
            posted_async: false,
            drain: drain::Drain::default(),
            choosy: config.has(setup::IOPOLL),
            counting: false,
            counts: counts::Counts::default(),
            submitters: KVec::new(),
            users: KVec::new(),
            letting_go: false,
            workers: work::Workers::default(),
        };
        let memory = RingMemory::new(&config, memory)?;
        let listener = exit::Listener::new()?;
        Ok(Arc::pin_init(
            pin_init!(Self {
                config,
                memory,
                account: pin::Account::current(),
                enabled: Atomic::new(false),
                restrictions: SetOnce::new(),
                dying: Atomic::new(false),
                overflowing: Atomic::new(false),
                local: Inbox::new(),
                backlogged: Atomic::new(false),
                draining: Atomic::new(false),
                counting: Atomic::new(false),
                timeouts: Atomic::new(0),
                works: Atomic::new(0),
                overdue: Atomic::new(false),
                coming_workers: Atomic::new(0),
                eventfd <- eventfd::Slot::new(),
                orphans: orphans::Orphans::new(),
                users: Atomic::new(0),
                _listener: listener,
                sqpoll,
                waiters <- WaitQueue::new(),
                onlookers <- WaitQueue::new(),
                pollers <- WaitQueue::new(),
                state <- new_mutex!(state, "ruring::state"),
                mappings <- new_mutex!(KVec::new(), "ruring::mappings"),
            }),
            GFP_KERNEL_ACCOUNT,
        )?)
    }

    /// Whether it may be used.
    fn is_enabled(&self) -> bool {
        let sqpoll = self.sqpoll.as_ref();
        self.enabled.load(Relaxed) || sqpoll.is_some_and(|sqpoll| sqpoll.is_enabled())
    }

    /// Lets the ring be used, by the current task alone if it is for a single issuer. `-EBADFD` if
    /// that has been done.
    fn enable(self: &Arc<Self>) -> Result {
        // Of several at once one may: a ring with two single issuers has none.
        let mut locked = self.lock()?;
        if self.is_enabled() {
            return Err(EBADFD);
        }
        if let Some(sqpoll) = &self.sqpoll {
            let owner = locked.add_submitter(self)?;
            drop(locked);
            sqpoll.enable(owner);
            return Ok(());
        }
        if self.config.has(setup::SINGLE_ISSUER) {
            locked.add_submitter(self)?;
        }
        self.enabled.xchg(true, Full);
        Ok(())
    }

    /// Locks it. `-EINTR` if the current task is killed while it waits. May sleep.
    #[inline]
    pub(crate) fn lock(&self) -> Result<Locked<'_>> {
        self.lock_at(At::Anything)
    }

    /// Locks it, for what can be done `at` that. `-EINTR` if the current task is killed while it
    /// waits. May sleep.
    #[inline]
    fn lock_at<'r>(&'r self, at: impl Into<At<'r>>) -> Result<Locked<'r>> {
        Ok(Locked {
            ring: self,
            state: lock_killable(&self.state).ok_or(EINTR)?,
            after: After::new(self, at.into()),
        })
    }

    /// Locks it, unless somebody else has.
    fn try_lock(&self) -> Option<Locked<'_>> {
        Some(Locked {
            ring: self,
            state: self.state.try_lock()?,
            after: After::new(self, At::Anything),
        })
    }

    /// The one inbox of a ring whose requests only `enter` runs.
    #[inline]
    pub(crate) fn local_inbox(&self) -> Option<&Inbox<Request>> {
        self.deferred().then_some(&self.local)
    }

    /// What it was set up as.
    #[inline]
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Whether only `enter` runs what comes home.
    #[inline]
    fn deferred(&self) -> bool {
        self.config.has(setup::DEFER_TASKRUN)
    }

    /// Whether one completion may bring others, of requests that it is the end of.
    #[inline]
    fn has_followers(&self) -> bool {
        self.draining.load(Relaxed) || self.counting.load(Relaxed)
    }

    /// Whether transfers are to be polled for on their files, of which ruring has none that can.
    #[inline]
    fn polls_files(&self) -> bool {
        self.config.has(setup::IOPOLL)
    }

    /// Whether its file is gone.
    #[inline]
    pub(crate) fn is_dying(&self) -> bool {
        self.dying.load(Relaxed)
    }

    /// Whether somebody polls its file. Has a full barrier first.
    #[inline]
    pub(crate) fn has_pollers(&self) -> bool {
        self.pollers.has_sleeper()
    }

    /// Whether somebody else than `enter` is to be told of what comes home. Has a full barrier
    /// first.
    #[inline]
    pub(crate) fn has_watchers(&self) -> bool {
        self.has_pollers() || self.eventfd.is_there()
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

    fn unmark_taskrun(&self) {
        if self.config.has(setup::TASKRUN_FLAG) {
            self.memory
                .words
                .change::<{ layout::SQ_FLAGS }>(sq::TASKRUN, false);
        }
    }
}

impl<'r> Locked<'r> {
    /// What the current task is at, for what only it can do. `-ECANCELED` if it is not its own
    /// requests that it is at.
    #[inline]
    pub(crate) fn task(&self) -> Result<InTask<'r>> {
        self.after.at().task().ok_or(ECANCELED)
    }
}

impl Locked<'_> {
    /// The ring's buffer groups.
    #[inline]
    pub(crate) fn groups(&mut self) -> &mut Groups {
        &mut self.state.groups
    }

    /// The current task's submitter, if it is one.
    #[inline]
    fn submitter(&self) -> Option<&Arc<Home>> {
        self.state
            .submitters
            .iter()
            .map(|record| &record.home)
            .find(|home| home.is_current())
    }

    /// Makes the current task a submitter.
    fn add_submitter(&mut self, ring: &Arc<Ring>) -> Result<Arc<Home>> {
        // The place of one that will not come back.
        let unused = self
            .state
            .submitters
            .iter()
            .position(|record| record.used == 0 && !record.home.is_alive());
        let slot = unused.unwrap_or(self.state.submitters.len());
        let index = u16::try_from(slot).map_err(|_| crate::uapi::errno::ENOMEM)?;
        self.join(ring)?;
        let home = Home::new(crate::req::home::Submitter::current(ring.clone(), index)?)?;
        let record = Record {
            home: home.clone(),
            cells: Fifo::new(),
            used: 0,
            _watch: exit::Watch::current(exit::Whose::Task, &home)?,
        };
        match self.state.submitters.get_mut(slot) {
            Some(old) => *old = record,
            None => self.state.submitters.push(record, GFP_KERNEL_ACCOUNT)?,
        }
        Ok(home)
    }
}
