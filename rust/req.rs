// SPDX-License-Identifier: GPL-2.0

//! The life of a request.
//!
//! A [`Job`] is what an SQE asks for. It is read into an object, whose handle (see
//! [`crate::sys::object`]) travels if it cannot be done at once: submitter, parked, the inbox of
//! its task context, and back.

pub(crate) mod tctx;
pub(crate) mod wake;

use crate::{
    op::Operation,
    rsrc::buffers::RegisteredBuffer,
    sys::{object, queue::Fifo, task::Credentials, ubuf},
    uapi::{abi::Cqe, errno::Errno, sqe::Flags},
};
use kernel::sync::{
    atomic::{Atomic, Relaxed},
    Arc,
};
use tctx::TaskCtx;

/// Marks the objects that hold requests.
pub(crate) struct Request;

/// The right to drive a request.
pub(crate) type OwnedReq = object::Handle<Request>;
/// What is linked behind a request.
pub(crate) type Chain = Fifo<Request>;
/// See [`object::HandleInIrq`].
pub(crate) type ClaimedReq = object::HandleInIrq<Request>;

/// The right to drive a request, for a while.
pub(crate) type ReqMut<'a> = object::HandleMut<'a, Request>;

/// A notification's handle, lent to the packets that carry its buffer.
pub(crate) type NotifRef = ubuf::UbufRef<Request>;

/// What a lookup sees of a request that waits.
pub(crate) struct Header {
    /// Whose it is. For the life of the object, which is reused for requests of the same task context.
    tctx: Arc<TaskCtx>,
    user_data: Atomic<u64>,
    file: Atomic<usize>,
    /// `user_data` of the timeout that is linked to it, if `opcode` says that there is one.
    link_timer: Atomic<u64>,
    /// See [`Header::target`], if `opcode` says that there is one.
    target: Atomic<u32>,
    opcode: Atomic<u32>,
    work: Atomic<u32>,
}

/// Where a request is with the ring's workers. Changes with the ring locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PuntState {
    /// It is not with the workers.
    None,
    /// It is in the queue from which workers take requests, or in that of requests without a buffer.
    Queued,
    /// It waited for one, and is to come back.
    Dropped,
    /// One has it, or has had it.
    Running,
}

impl Header {
    /// Where it is with the ring's workers.
    pub(crate) fn punt_state(&self) -> PuntState {
        match self.work.load(Relaxed) {
            1 => PuntState::Queued,
            2 => PuntState::Dropped,
            3 => PuntState::Running,
            _ => PuntState::None,
        }
    }

    /// Says where it is now. Only with the ring locked.
    pub(crate) fn set_punt_state(&self, work: PuntState) {
        let work = match work {
            PuntState::None => 0,
            PuntState::Queued => 1,
            PuntState::Dropped => 2,
            PuntState::Running => 3,
        };
        self.work.store(work, Relaxed);
    }

    /// The task context that the request was submitted from, to which it comes back.
    #[inline]
    pub(crate) fn tctx(&self) -> &Arc<TaskCtx> {
        &self.tctx
    }

    /// `user_data` of its SQE.
    #[inline]
    pub(crate) fn user_data(&self) -> u64 {
        self.user_data.load(Relaxed)
    }

    /// The id of its open file, 0 for none.
    pub(crate) fn file(&self) -> usize {
        self.file.load(Relaxed)
    }

    /// Its opcode.
    pub(crate) fn opcode(&self) -> u8 {
        self.opcode.load(Relaxed) as u8
    }

    /// Says that it has not waited for anything yet, until it is shown again. Only with the ring locked.
    pub(crate) fn set_unbegun(&self) {
        let opcode = self.opcode.load(Relaxed) | UNBEGUN;
        self.opcode.store(opcode, Relaxed);
    }

    /// Whether it waits, or has waited.
    pub(crate) fn has_begun(&self) -> bool {
        self.opcode.load(Relaxed) & UNBEGUN == 0
    }

    /// `user_data` of the timeout that is linked to it.
    pub(crate) fn link_timer(&self) -> Option<u64> {
        let limited = self.opcode.load(Relaxed) & LIMITED != 0;
        limited.then(|| self.link_timer.load(Relaxed))
    }

    /// For a timeout: the completion that ends it, see [`crate::ring::counts`].
    pub(crate) fn target(&self) -> Option<u32> {
        let counts = self.opcode.load(Relaxed) & COUNTS != 0;
        counts.then(|| self.target.load(Relaxed))
    }
}

/// The opcode of a job that could not be read, and of a notification.
const NO_OPCODE: u8 = u8::MAX;
/// Beside a header's opcode: it has a `link_timer`.
const LIMITED: u32 = 1 << 8;
/// Beside a header's opcode: it has a `target`.
const COUNTS: u32 = 1 << 9;
/// Beside a header's opcode: it has not waited for anything yet.
const UNBEGUN: u32 = 1 << 10;

/// What a timeout that is linked to a request means for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LinkTimer {
    /// No timeout is linked to the request.
    #[default]
    None,
    /// It is the first of the chain, and its time begins once the request waits.
    Idle,
    /// Its time is running.
    Running,
    /// The request ends because its time is over.
    Passed,
    /// Its time is over, but the request could only be interrupted.
    TooLate,
}

/// What an SQE asks for.
pub(crate) struct Job {
    /// The operation, parsed from the SQE.
    pub(crate) op: Operation,
    /// What the completion says it is for.
    pub(crate) user_data: u64,
    /// The registered buffer, once it is looked up.
    pub(crate) buffer: Option<Arc<RegisteredBuffer>>,
    /// `sqe->opcode`, or [`NO_OPCODE`].
    pub(crate) opcode: u8,
    /// `sqe->fd`
    pub(crate) fd: i32,
    /// `sqe->buf_group`, `sqe->buf_index`
    pub(crate) group: u16,
    /// `sqe->flags`
    pub(crate) flags: Flags,
    /// Whether it has been polled for.
    pub(crate) polled: bool,
    /// Whether its poll entry is on its file's queue and stays there after a wake-up, or its own timer runs.
    pub(crate) stays_armed: bool,
    /// Why it is not to be done at all.
    pub(crate) refused: Option<Errno>,
    /// The timeout that is linked to it.
    pub(crate) link_timer: LinkTimer,
}

impl Job {
    /// The job of an object that is not in use.
    const fn idle() -> Self {
        Self {
            op: Operation::Refused,
            user_data: 0,
            buffer: None,
            opcode: NO_OPCODE,
            fd: -1,
            group: 0,
            flags: Flags::NONE,
            polled: false,
            stays_armed: false,
            refused: None,
            link_timer: LinkTimer::None,
        }
    }

    /// Keeps what its completion says besides, for one that is over.
    pub(crate) fn keep_extra(&mut self, extra: [u64; 2]) {
        self.op = Operation::Over(extra);
    }

    /// What its completion says besides.
    pub(crate) fn kept_extra(&self) -> [u64; 2] {
        match self.op {
            Operation::Over(extra) => extra,
            _ => [0; 2],
        }
    }

    /// Begins another one, of which nothing is known but whose it is.
    ///
    /// Only for a job that is over, which has no buffer, no operation and no limit, nor its object a file.
    #[inline(always)]
    pub(crate) fn begin(&mut self, user_data: u64) {
        self.user_data = user_data;
        self.opcode = NO_OPCODE;
        self.fd = -1;
        self.group = 0;
        self.flags = Flags::NONE;
        self.polled = false;
        self.stays_armed = false;
        self.refused = None;
    }
}

/// What the holder of a request's handle has.
pub(crate) struct Core {
    /// What it is to do.
    pub(crate) job: Job,
    /// The requests linked behind it, each with nothing behind it itself.
    pub(crate) chain: Fifo<Request>,
    /// Its completion, while there is no room for that.
    pub(crate) cqe: Cqe,
    /// While a worker has it or is to have it.
    pub(crate) punted: Punted,
    /// With whose rights it is done, if those are not its task's.
    pub(crate) credentials: Option<Arc<Credentials>>,
}

/// What a worker has to know of a request, and has to say.
#[derive(Default)]
pub(crate) struct Punted {
    /// With whose rights it does it.
    pub(crate) credentials: Option<Credentials>,
    /// See [`crate::op::Op::serial`].
    pub(crate) serial: usize,
    /// See [`crate::op::Op::is_unbound`].
    pub(crate) unbound: bool,
    /// How it ended: result and flags of its completion, and whether it breaks a link.
    pub(crate) result: Option<(i32, u32, bool)>,
}

/// Makes an object of `tctx`, with nothing to do. May sleep.
pub(crate) fn new(tctx: Arc<TaskCtx>) -> kernel::error::Result<OwnedReq> {
    let header = Header {
        tctx,
        user_data: Atomic::new(0),
        file: Atomic::new(0),
        link_timer: Atomic::new(0),
        target: Atomic::new(0),
        opcode: Atomic::new(0),
        work: Atomic::new(0),
    };
    OwnedReq::new(
        header,
        Core {
            job: Job::idle(),
            chain: Fifo::new(),
            cqe: Cqe::default(),
            punted: Punted::default(),
            credentials: None,
        },
    )
}

/// Lets lookups see what the job says. `file` is the id of what it is open on, `target` the completion that ends it.
pub(crate) fn show(req: &mut OwnedReq, file: usize, target: Option<u32>) {
    let (header, core) = req.parts();
    let mut marks = 0;
    if let Some(target) = target {
        header.target.store(target, Relaxed);
        marks |= COUNTS;
    }
    if core.job.link_timer != LinkTimer::None {
        if let Some(data) = core.chain.first().map(|core| core.job.user_data) {
            header.link_timer.store(data, Relaxed);
            marks |= LIMITED;
        }
    }
    header.user_data.store(core.job.user_data, Relaxed);
    header.file.store(file, Relaxed);
    let opcode = u32::from(core.job.opcode) | marks;
    header.opcode.store(opcode, Relaxed);
}

/// Each object has a job, so that its size is that of every request.
const _: () = assert!(size_of::<Job>() <= 120);
