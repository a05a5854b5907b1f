// SPDX-License-Identifier: GPL-2.0

//! What moves requests: from the submission queue to their completion.
//!
//! [`enter`] submits and waits, [`dispatch`] has an opcode try, [`run`] goes on with what its wake-up brings back,
//! [`complete`] ends it and starts what is linked behind it. All of it is done with the ring locked, save for [`work`],
//! and uses the ring and the opcodes; neither of them uses it.

pub(crate) mod after;
pub(crate) mod cancel;
pub(crate) mod complete;
pub(crate) mod dispatch;
pub(crate) mod drain;
pub(crate) mod end;
pub(crate) mod enter;
pub(crate) mod message;
pub(crate) mod notif;
pub(crate) mod orphans;
pub(crate) mod run;
pub(crate) mod sqpoll;
pub(crate) mod sqthread;
pub(crate) mod submit;
pub(crate) mod users;
pub(crate) mod work;

use crate::{req::Request, sys::queue::Fifo};

/// What only the moving of requests uses of a ring, which holds it without looking into it.
#[derive(Default)]
pub(crate) struct Queues {
    /// Requests to start once the current one is dealt with.
    pub(crate) ready: Fifo<Request>,
    /// Requests that have come back, and were too many for one `enter`.
    pub(crate) backlog: Fifo<Request>,
    /// Requests that wait for their turn.
    pub(crate) drain: drain::Drain,
    /// Those who do what would have a submitter sleep.
    pub(crate) workers: work::WorkerPool,
}
