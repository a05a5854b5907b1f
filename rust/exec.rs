// SPDX-License-Identifier: GPL-2.0

//! What moves requests: from the submission queue to their completion.
//!
//! [`enter`] submits and waits, [`dispatch`] has an opcode try, [`run`] goes on with what its wake-up brings back,
//! [`complete`] finishes it and has what is linked behind it started, which [`run`] does.
//!
//! What drives a request has the ring locked, save for a worker ([`work`]) and a task that goes on with what was put aside
//! ([`after`]). Without the lock is also done what waits ([`enter`], [`sync_cancel`], [`sqthread`], [`napi`]), what is for other
//! rings ([`message`], [`registered`]), and what tasks leave that are gone ([`orphans`]), until the ring can be locked.
//!
//! All of it uses the ring and the opcodes. The ring does not use it; the opcodes call the methods of a locked ring that
//! Documentation/design.rst names.

pub(crate) mod after;
pub(crate) mod complete;
pub(crate) mod dispatch;
pub(crate) mod drain;
pub(crate) mod end;
pub(crate) mod enter;
pub(crate) mod limits;
pub(crate) mod message;
pub(crate) mod napi;
pub(crate) mod notif;
pub(crate) mod order;
pub(crate) mod orphans;
pub(crate) mod queued;
pub(crate) mod ready;
pub(crate) mod refuse;
pub(crate) mod registered;
pub(crate) mod run;
pub(crate) mod sqpoll;
pub(crate) mod sqthread;
pub(crate) mod stall;
pub(crate) mod submit;
pub(crate) mod sync_cancel;
pub(crate) mod users;
pub(crate) mod wake;
pub(crate) mod work;

use crate::{
    req::{tctx::TaskCtx, Request},
    ring::{one_or_more::OneOrMore, Ring},
    sys::{
        exit::{Listener, Watch},
        queue::Fifo,
        waitqueue::WaitQueue,
    },
    uapi::errno::Result,
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{Atomic, Relaxed},
        Arc, Mutex,
    },
};
use orphans::Orphans;
use registered::RegisteredRings;
use sqpoll::SqPoll;
use users::{RingUser, UserRecord};

/// What only the moving of requests uses of a ring without its mutex. The ring holds it without looking into it.
#[pin_data]
#[repr(C)]
pub(crate) struct ExecShared {
    /// More had come back than one `enter` ran.
    backlogged: Atomic<bool>,
    /// Whether requests are stalled, see [`stall`], or groups with few buffers left are looked for.
    stalled: Atomic<bool>,
    /// Requests with workers have had their time.
    overdue: Atomic<bool>,
    /// How many punted requests are finished, for those who wait for one.
    finished_punts: Atomic<u32>,
    /// How many processes use the ring, and how many mappings of its memory there are, together.
    users: Atomic<usize>,
    /// What the ring has besides for IORING_SETUP_SQPOLL.
    sqpoll: Option<Arc<SqPoll>>,
    /// What each mapping of the ring's memory counts with, made for the first process that uses it. Taken with the ring's mutex
    /// or a task's mmap lock held, and nothing within it.
    #[pin]
    mapper: Mutex<Option<Arc<RingUser>>>,
    /// What tasks that are gone have left behind.
    #[pin]
    orphans: Orphans,
    /// The table of the module in which tasks register rings, to name them by an index.
    registered: Arc<RegisteredRings>,
    /// As long as it is there, the module is told when tasks end.
    _listener: Listener,
    /// Tasks that wait until a punted request is finished.
    #[pin]
    punt_waiters: WaitQueue,
}

impl ExecShared {
    /// Makes the part for a new ring, whose thread is `sqpoll` if it has one.
    ///
    /// # Errors
    ///
    /// What making a listener says.
    pub(crate) fn new(
        sqpoll: Option<Arc<SqPoll>>,
        registered: Arc<RegisteredRings>,
    ) -> Result<impl PinInit<Self>> {
        let listener = Listener::new()?;
        Ok(pin_init!(Self {
            backlogged: Atomic::new(false),
            stalled: Atomic::new(false),
            overdue: Atomic::new(false),
            finished_punts: Atomic::new(0),
            users: Atomic::new(0),
            mapper <- new_mutex!(None, "ruring::mapper"),
            sqpoll,
            orphans <- Orphans::new(),
            registered,
            _listener: listener,
            punt_waiters <- WaitQueue::new(),
        }))
    }

    /// What there is besides for IORING_SETUP_SQPOLL.
    pub(crate) fn sqpoll(&self) -> Option<&Arc<SqPoll>> {
        self.sqpoll.as_ref()
    }

    /// Those of all rings that tasks name by an index.
    pub(crate) fn registered(&self) -> &Arc<RegisteredRings> {
        &self.registered
    }
}

/// What only the moving of requests uses of a ring with its mutex held.
#[derive(Default)]
#[repr(C)]
pub(crate) struct ExecState {
    /// Requests to start once the current one is dealt with.
    ready: Fifo<Request>,
    /// Requests that wait for their turn.
    drain: drain::Drain,
    /// Requests that have come back, and were too many for one `enter`.
    backlog: Fifo<Request>,
    /// Requests that wait until there is what they need, of which nobody tells the ring.
    stalled: stall::Stalled,
    /// Sends that keep their order.
    order: order::Order,
    /// Those who do what would have a submitter sleep.
    workers: work::WorkerPool,
    /// The processes that use the ring.
    users: OneOrMore<UserRecord>,
    /// The task that has set the ring up, as long as it has no owner.
    creator: Option<Watch>,
    /// The ring is just letting go of everything.
    letting_go: bool,
}

impl Ring {
    /// Whether something has come back that only `enter` will run.
    #[inline]
    fn has_returned(&self, tctx: &TaskCtx) -> bool {
        !tctx.inbox().is_empty() || self.exec.backlogged.load(Relaxed)
    }

    /// Whether something has come back to any submitter that only `enter` will run.
    pub(crate) fn has_returned_to_any(&self) -> bool {
        !self.local.inbox().is_empty() || self.exec.backlogged.load(Relaxed)
    }
}
