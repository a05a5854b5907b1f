// SPDX-License-Identifier: GPL-2.0

//! The life of a request.
//!
//! A [`Job`] is what an SQE asks for. It is read into a cell, whose token (see
//! [`crate::sys::token`]) travels if it cannot be done at once: submitter, parked, the inbox of
//! its home, and back.

pub(crate) mod claim;
pub(crate) mod home;

use crate::{
    op::{self, Operation},
    ring::Ring,
    rsrc::buffers::Buffer,
    sys::{
        fd,
        module::ModuleRef,
        queue::Fifo,
        ringfile,
        task::Credentials,
        token::{self, Cell, Parcel},
        ubuf::{self, Ops},
    },
    uapi::{abi::Cqe, errno::Errno, sqe::Flags},
};
use home::Home;
use kernel::sync::{
    atomic::{Atomic, Relaxed},
    Arc,
};

/// Marks the cells that hold requests.
pub(crate) struct Request;

/// The right to drive a request.
pub(crate) type Token = token::Token<Request>;
/// See [`token::Claimed`].
pub(crate) type Claimed = token::Claimed<Request>;

/// The right to drive a request, for a while.
pub(crate) type Reins<'a> = token::Reins<'a, Request>;

/// A notification's token, lent to the packets that carry its buffer.
pub(crate) type Lent = ubuf::Lent<Request>;

/// What a lookup sees of a request that waits.
pub(crate) struct Face {
    /// Whose it is. For the life of the cell, which is reused for requests of the same home.
    home: Arc<Home>,
    user_data: Atomic<u64>,
    file: Atomic<usize>,
    /// `user_data` of the timeout that is linked to it, if `opcode` says that there is one.
    limit: Atomic<u64>,
    /// See [`Face::target`], if `opcode` says that there is one.
    target: Atomic<u32>,
    opcode: Atomic<u32>,
    work: Atomic<u32>,
}

/// Where a request is with the ring's workers. Changes with the ring locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Not there.
    None,
    /// It waits for one.
    Queued,
    /// It waited for one, and is to come back.
    Dropped,
    /// One has it, or has had it.
    Running,
}

impl Face {
    /// Where it is with the ring's workers.
    pub(crate) fn work(&self) -> Work {
        match self.work.load(Relaxed) {
            1 => Work::Queued,
            2 => Work::Dropped,
            3 => Work::Running,
            _ => Work::None,
        }
    }

    /// Says where it is now. Only with the ring locked.
    pub(crate) fn set_work(&self, work: Work) {
        let work = match work {
            Work::None => 0,
            Work::Queued => 1,
            Work::Dropped => 2,
            Work::Running => 3,
        };
        self.work.store(work, Relaxed);
    }

    /// Whose it is.
    #[inline]
    pub(crate) fn home(&self) -> &Arc<Home> {
        &self.home
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

    /// `user_data` of the timeout that is linked to it.
    pub(crate) fn limit(&self) -> Option<u64> {
        let limited = self.opcode.load(Relaxed) & LIMITED != 0;
        limited.then(|| self.limit.load(Relaxed))
    }

    /// For a timeout: the completion that ends it, see [`crate::ring::counts`].
    pub(crate) fn target(&self) -> Option<u32> {
        let counts = self.opcode.load(Relaxed) & COUNTS != 0;
        counts.then(|| self.target.load(Relaxed))
    }
}

/// The opcode of a job that could not be read, and of a notification.
const NO_OPCODE: u8 = u8::MAX;
/// Beside a face's opcode: it has a `limit`.
const LIMITED: u32 = 1 << 8;
/// Beside a face's opcode: it has a `target`.
const COUNTS: u32 = 1 << 9;

/// What a timeout that is linked to a request means for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Limit {
    /// There is none.
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
    /// What to do.
    pub(crate) op: Operation,
    /// What the completion says it is for.
    pub(crate) user_data: u64,
    /// The registered buffer, once it is looked up.
    pub(crate) buffer: Option<Arc<Buffer>>,
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
    /// Whether its file's wake-ups come, also after one of them.
    pub(crate) watching: bool,
    /// Why it is not to be done at all.
    pub(crate) refused: Option<Errno>,
    /// The timeout that is linked to it.
    pub(crate) limit: Limit,
}

impl Job {
    /// Nothing to do.
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
            watching: false,
            refused: None,
            limit: Limit::None,
        }
    }

    /// Begins another one, of which nothing is known but whose it is.
    ///
    /// Only for a job that is over, which has no buffer, no operation and no limit, nor its cell a file.
    #[inline(always)]
    pub(crate) fn begin(&mut self, user_data: u64) {
        self.user_data = user_data;
        self.opcode = NO_OPCODE;
        self.fd = -1;
        self.group = 0;
        self.flags = Flags::NONE;
        self.polled = false;
        self.watching = false;
        self.refused = None;
    }
}

/// What the holder of a request's token has.
pub(crate) struct Held {
    /// What it is to do.
    pub(crate) job: Job,
    /// The requests linked behind it, each with nothing behind it itself.
    pub(crate) chain: Fifo<Request>,
    /// Its completion, while there is no room for that.
    pub(crate) cqe: Cqe,
    /// While a worker has it or is to have it.
    pub(crate) errand: Errand,
}

impl Held {
    /// Whether one completion is all that comes of it now, and nobody else could have what has woken it
    /// up: who waits for several counts on one each.
    #[inline]
    pub(crate) fn brings_one(&self) -> bool {
        self.chain.is_empty()
            && match &self.job.op {
                Operation::PollAdd(poll) => !poll.is_exclusive(),
                // One wake-up may be for several messages.
                _ => !self.job.watching && op::counts_as_one(self.job.opcode),
            }
    }
}

/// What a worker has to know of a request, and has to say.
#[derive(Default)]
pub(crate) struct Errand {
    /// With whose rights it does it.
    pub(crate) credentials: Option<Credentials>,
    /// See [`crate::op::Op::serial`].
    pub(crate) serial: usize,
    /// See [`crate::op::Op::is_unbound`].
    pub(crate) unbound: bool,
    /// How it ended: result and flags of its completion, and whether it breaks a link.
    pub(crate) result: Option<(i32, u32, bool)>,
}

impl Parcel for Request {
    type Shared = Face;
    type Owned = Held;

    #[inline]
    fn deliver(token: Claimed, cell: &Cell<Self>) {
        let lazy = token.peek().brings_one();
        home::push(&cell.home, token, lazy);
    }

    fn expired(cell: &Cell<Self>) {
        if matches!(cell.work(), Work::Queued | Work::Running) {
            home::tell_overdue(&cell.home);
        }
    }

    fn module(face: &Face) -> &ModuleRef {
        face.home.module()
    }

    type Tag = Option<Token>;

    type Ring = Ring;

    const UBUF_OPS: &'static Ops<Self> = &UBUF_OPS;

    fn together(a: &Face, b: &Face) -> bool {
        Arc::ptr_eq(&a.home, &b.home)
    }

    fn landed(token: Claimed) {
        let home = token.cell().home.clone();
        let lazy = token.is_single() && token.peek().chain.is_empty();
        home::push(&home, token, lazy);
        home::let_go(home);
    }
}

static UBUF_OPS: Ops<Request> = Ops::new();

/// Makes a cell of `home`, with nothing to do. May sleep.
pub(crate) fn new(home: Arc<Home>) -> kernel::error::Result<Token> {
    let face = Face {
        home,
        user_data: Atomic::new(0),
        file: Atomic::new(0),
        limit: Atomic::new(0),
        target: Atomic::new(0),
        opcode: Atomic::new(0),
        work: Atomic::new(0),
    };
    Token::new(
        face,
        Held {
            job: Job::idle(),
            chain: Fifo::new(),
            cqe: Cqe::default(),
            errand: Errand::default(),
        },
    )
}

/// Lets lookups see what the job says.
pub(crate) fn show(token: &mut Token) {
    let file = token.file().map(fd::id);
    let (face, held) = token.faces();
    let mut marks = 0;
    let file = match file {
        Some(file) => file,
        None => {
            if let Operation::Timeout(timeout) = &held.job.op {
                if let Some(target) = timeout.target() {
                    face.target.store(target, Relaxed);
                    marks |= COUNTS;
                }
            }
            held.job.op.ring().map_or(0, ringfile::id)
        }
    };
    if held.job.limit != Limit::None {
        if let Some(data) = held.chain.first().map(|held| held.job.user_data) {
            face.limit.store(data, Relaxed);
            marks |= LIMITED;
        }
    }
    face.user_data.store(held.job.user_data, Relaxed);
    face.file.store(file, Relaxed);
    let opcode = u32::from(held.job.opcode) | marks;
    face.opcode.store(opcode, Relaxed);
}

/// Each cell has one.
const _: () = assert!(size_of::<Job>() <= 120);
