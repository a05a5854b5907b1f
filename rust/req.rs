// SPDX-License-Identifier: GPL-2.0

//! The life of a request.
//!
//! A [`Job`] is what an SQE asks for. It is read into an object, whose handle (see
//! [`crate::sys::object`]) travels if it cannot be done at once: submitter, parked, the inbox of
//! its task context, and back.

pub(crate) mod state;
pub(crate) mod tctx;
pub(crate) mod wake;

use crate::{
    op::Operation,
    rsrc::buffers::RegisteredBuffer,
    sys::{
        object,
        queue::Fifo,
        task::{Credentials, Directories},
        ubuf,
    },
    uapi::{
        sqe::{Flags, Opcode},
        structs::{BigCqe, Cqe},
    },
};
use kernel::sync::{
    atomic::{Atomic, Relaxed},
    Arc,
};
use state::ReqState;
use tctx::TaskCtx;

pub(crate) use state::Place;

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
    /// The task context that all requests in this object belong to, from its making to its end.
    tctx: Arc<TaskCtx>,
    user_data: Atomic<u64>,
    file: Atomic<usize>,
    /// `user_data` of the timeout that is linked to it, if `shown` says that there is one.
    link_timer: Atomic<u64>,
    /// See [`Header::target`], if `shown` says that there is one.
    target: Atomic<u32>,
    /// See [`Shown`].
    shown: Atomic<u32>,
    /// See [`Place`].
    place: Atomic<u32>,
}

/// A request's opcode, and what there is to see of it besides: one word, so that it changes at once.
#[derive(Clone, Copy)]
struct Shown(u32);

impl Shown {
    /// There is a `link_timer`.
    const LINK_TIMER: u32 = 1 << 8;
    /// There is a `target`.
    const TARGET: u32 = 1 << 9;
    /// The request has not waited for anything yet.
    const UNBEGUN: u32 = 1 << 10;

    fn opcode(self) -> Option<Opcode> {
        Opcode::of_index(self.0 as u8)
    }

    fn has(self, mark: u32) -> bool {
        self.0 & mark != 0
    }
}

impl Header {
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
    pub(crate) fn file_id(&self) -> usize {
        self.file.load(Relaxed)
    }

    fn shown(&self) -> Shown {
        Shown(self.shown.load(Relaxed))
    }

    /// The opcode of the request.
    pub(crate) fn opcode(&self) -> Option<Opcode> {
        self.shown().opcode()
    }

    /// Says that it has not waited for anything yet, until it is shown again.
    ///
    /// # Context
    ///
    /// With the ring locked.
    pub(crate) fn set_unbegun(&self) {
        self.shown.store(self.shown().0 | Shown::UNBEGUN, Relaxed);
    }

    /// Whether it waits, or has waited.
    pub(crate) fn has_begun(&self) -> bool {
        !self.shown().has(Shown::UNBEGUN)
    }

    /// `user_data` of the timeout that is linked to it.
    pub(crate) fn link_timer_data(&self) -> Option<u64> {
        let there = self.shown().has(Shown::LINK_TIMER);
        there.then(|| self.link_timer.load(Relaxed))
    }

    /// For a timeout: the completion that ends it, see [`crate::ring::counts`].
    pub(crate) fn target(&self) -> Option<u32> {
        let there = self.shown().has(Shown::TARGET);
        there.then(|| self.target.load(Relaxed))
    }
}

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

/// What an SQE asks for, parsed, and how far that is.
pub(crate) struct Job {
    /// The operation, parsed from the SQE.
    pub(crate) op: Operation,
    /// What the completion says it is for.
    pub(crate) user_data: u64,
    /// The registered buffer, once it is looked up.
    pub(crate) buffer: Option<Arc<RegisteredBuffer>>,
    /// Its opcode. A job that could not be read has none, nor has a notification.
    pub(crate) opcode: Option<Opcode>,
    /// `sqe->fd`
    pub(crate) fd: i32,
    /// `sqe->buf_group`, `sqe->buf_index`
    pub(crate) group: u16,
    /// `sqe->flags`
    pub(crate) flags: Flags,
    state: ReqState,
    /// The timeout that is linked to it.
    pub(crate) link_timer: LinkTimer,
}

impl Job {
    /// The job of an object that is not in use.
    const fn idle() -> Self {
        Self {
            op: Operation::Nothing,
            user_data: 0,
            buffer: None,
            opcode: None,
            fd: -1,
            group: 0,
            flags: Flags::NONE,
            state: ReqState::Fresh,
            link_timer: LinkTimer::None,
        }
    }

    /// Keeps what its completion says besides, for one that is over.
    pub(crate) fn keep_extra(&mut self, extra: BigCqe) {
        self.op = Operation::Over(extra);
    }

    /// The rest of its completion of 32 bytes, if it has one, see [`Job::keep_extra`].
    pub(crate) fn kept_extra(&self) -> Option<BigCqe> {
        match self.op {
            Operation::Over(extra) => Some(extra),
            _ => None,
        }
    }

    /// Begins another request, of which only the `user_data` is known yet.
    ///
    /// # Context
    ///
    /// Only for a job that is over, which has no buffer, no operation and no timeout, nor its object a file.
    pub(crate) fn begin(&mut self, user_data: u64) {
        self.begin_as(user_data, None, -1, 0, Flags::NONE);
    }

    /// As [`Job::begin`], with all that is the same for each opcode.
    #[inline]
    pub(crate) fn begin_as(
        &mut self,
        user_data: u64,
        opcode: Option<Opcode>,
        fd: i32,
        group: u16,
        flags: Flags,
    ) {
        self.user_data = user_data;
        self.opcode = opcode;
        self.fd = fd;
        self.group = group;
        self.flags = flags;
        self.renew();
    }
}

/// What the holder of a request's handle has. What few requests need comes last.
#[repr(C)]
pub(crate) struct Core {
    /// What the request is to do.
    pub(crate) job: Job,
    /// The requests linked behind it, each with nothing behind it itself.
    pub(crate) chain: Fifo<Request>,
    /// With whose rights it is done, if those are not its task's.
    pub(crate) credentials: Option<Arc<Credentials>>,
    /// Its completion, while there is no room for that.
    pub(crate) cqe: Cqe,
    /// While a worker has it or is to have it.
    pub(crate) punted: Punted,
}

impl Core {
    /// Makes the request one that no worker is to do, if one was to. It has the state that it had before. Returns with
    /// whose rights it is done.
    pub(crate) fn serve(&mut self) -> Option<Credentials> {
        let punted = core::mem::take(&mut self.punted);
        if let Some(before) = punted.before {
            self.job.set_served(before);
        }
        punted.credentials
    }
}

/// What a worker has to know of a request, and has to say.
#[derive(Default)]
pub(crate) struct Punted {
    /// With whose rights it does it.
    pub(crate) credentials: Option<Credentials>,
    /// Where it looks names up.
    pub(crate) directories: Directories,
    /// See [`crate::op::Op::serial`].
    pub(crate) serial: usize,
    /// See [`crate::op::Op::is_unbound`].
    pub(crate) unbound: bool,
    /// The state that it had when it turned out that no worker does it.
    pub(crate) before: Option<ReqState>,
    /// It could not go on, and is to be tried again by its task.
    pub(crate) again: bool,
    /// How it ended: result and flags of its completion, and whether it breaks a link.
    pub(crate) result: Option<(i32, u32, bool)>,
}

/// Makes an object of `tctx`, with nothing to do.
///
/// # Errors
///
/// `-ENOMEM`.
///
/// # Context
///
/// May sleep.
pub(crate) fn new(tctx: Arc<TaskCtx>) -> kernel::error::Result<OwnedReq> {
    let header = Header {
        tctx,
        user_data: Atomic::new(0),
        file: Atomic::new(0),
        link_timer: Atomic::new(0),
        target: Atomic::new(0),
        shown: Atomic::new(0),
        place: Atomic::new(0),
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
        marks |= Shown::TARGET;
    }
    // As in io_uring's list of them: from its start on.
    if core.job.link_timer == LinkTimer::Running {
        if let Some(data) = core.chain.first().map(|core| core.job.user_data) {
            header.link_timer.store(data, Relaxed);
            marks |= Shown::LINK_TIMER;
        }
    }
    header.user_data.store(core.job.user_data, Relaxed);
    header.file.store(file, Relaxed);
    let shown = Opcode::index(core.job.opcode) as u32 | marks;
    header.shown.store(shown, Relaxed);
}

/// Each object has a job, so that its size is that of every request.
const _: () = assert!(
    size_of::<Job>() <= 120,
    "what is large in an operation has to be in a box, as the address of BIND is"
);
