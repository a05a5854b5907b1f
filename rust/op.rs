// SPDX-License-Identifier: GPL-2.0

//! The opcodes: one file per family, one row per opcode.

pub(crate) mod accept;
pub(crate) mod cancel;
pub(crate) mod close;
pub(crate) mod cmd;
pub(crate) mod connect;
pub(crate) mod epoll;
pub(crate) mod files;
pub(crate) mod filter;
pub(crate) mod msg_ring;
pub(crate) mod names;
pub(crate) mod nop;
pub(crate) mod notif;
pub(crate) mod opcode;
pub(crate) mod open;
pub(crate) mod pipe;
pub(crate) mod poll;
pub(crate) mod provide;
pub(crate) mod read_multishot;
pub(crate) mod recv;
pub(crate) mod recvmsg;
pub(crate) mod rw;
pub(crate) mod send;
pub(crate) mod send_zc;
pub(crate) mod sendmsg;
pub(crate) mod socket;
pub(crate) mod splice;
pub(crate) mod sync;
pub(crate) mod table;
pub(crate) mod timeout;

use crate::{
    req::{wake::WakeFlags, OwnedReq, ReqMut},
    ring::{Locked, Ring},
    sys::{
        context::CallContext,
        lsm::{self, Hooks},
        time::Deadline,
    },
    uapi::{
        abi::opcode as number,
        args::files::FileSlot,
        errno::{Errno, Result, EINVAL},
        filter::Pdu,
        policy,
        sqe::{is_large, Opcode},
        structs::BigCqe,
    },
};
use kernel::{sync::Arc, warn_on};
use opcode::wanted;
use table::{property, Cancel, PuntTo, Spec, Wake};

pub(crate) use opcode::{Attempt, Op, OpVariant, Outcome};
pub(crate) use table::for_each_opcode;

macro_rules! ops {
    ($($code:ident => $name:ident($op:ty) { $($property:ident $(: $value:ident)?),* $(,)? }),* $(,)?) => {
        /// What a request is to do, parsed from its SQE.
        pub(crate) enum Operation {
            $(#[doc = stringify!($code)] $name($op),)*
            /// None: the SQE could not be parsed, or it is over and there is nothing left of it.
            Nothing,
            /// A notification, which is no opcode: see [`ReqState::Notification`](crate::req::state::ReqState).
            Notif(notif::Notif),
            /// One that is over, with what its completion says besides.
            Over(BigCqe),
        }

        /// The opcode's row, if ruring has it.
        #[inline(always)] // nop/32
        pub(crate) fn spec(opcode: u8) -> Option<Spec> {
            match opcode {
                $(number::$code => Some(<$op>::SPEC),)*
                _ => None,
            }
        }

        /// How each opcode wakes up, by its index: this is asked in interrupts, where a look at the row would be a
        /// search for it.
        static WAKES: [Wake; Opcode::INDICES] = {
            let mut wakes = [Wake::Lazy; Opcode::INDICES];
            $(wakes[Opcode::index_of(number::$code)] = <$op>::SPEC.wake;)*
            wakes
        };

        /// Which cancels find each opcode, by its index: a cancel asks for each of the requests that it looks at.
        static CANCELS: [Cancel; Opcode::INDICES] = {
            let mut cancels = [Cancel::Any; Opcode::INDICES];
            $(cancels[Opcode::index_of(number::$code)] = <$op>::SPEC.cancel;)*
            cancels
        };

        // How large an entry is has to be known where there are no opcodes yet.
        $(const _: () = assert!(<$op>::SPEC.large == is_large(number::$code), stringify!($code));)*

        /// Whether ruring has this opcode, and what its [`Op`] needs of the kernel was found.
        pub(crate) fn is_supported(opcode: u8) -> bool {
            match opcode {
                $(number::$code => <$op>::FUNCTIONS.are_there() && check_hooks(opcode).is_ok(),)*
                _ => false,
            }
        }

        // An administrator must be able to take away whatever there is.
        $(const _: () = assert!(policy::has_name(number::$code), stringify!($code));)*

        /// The name of an opcode, as tools and traces show it.
        pub(crate) fn name(opcode: u8) -> &'static str {
            match opcode {
                $(number::$code => stringify!($code),)*
                _ => "INVALID",
            }
        }

        /// The hooks without which there is no such opcode.
        fn hooks(opcode: u8) -> Hooks {
            match opcode {
                $(number::$code => opcode::hooks_of::<$op>(),)*
                _ => Hooks::NONE,
            }
        }

        $(impl OpVariant for $op {
            const CODE: Opcode = Opcode::of_row(number::$code);
            #[allow(unused_mut)]
            const SPEC: Spec = {
                let mut spec = Spec::NOTHING;
                $(property!(spec, $property $(, $value)?);)*
                spec
            };

            fn of(operation: &mut Operation) -> Option<&mut Self> {
                match operation {
                    Operation::$name(op) => Some(op),
                    _ => None,
                }
            }

            fn into(self) -> Operation {
                Operation::$name(self)
            }
        })*

        /// Whether it is the submitter that a request is punted to, see [`PuntTo`].
        pub(crate) fn runs_unlocked(req: &OwnedReq) -> bool {
            let file = req.file();
            match &req.core().job.op {
                $(Operation::$name(op) => match <$op>::SPEC.punt {
                    PuntTo::Submitter => true,
                    PuntTo::Either => op.runs_unlocked(file),
                    PuntTo::Never | PuntTo::Worker => false,
                },)*
                _ => false,
            }
        }

        /// See [`Op::is_unbound`].
        pub(crate) fn is_unbound(req: &OwnedReq) -> bool {
            let Some(file) = req.file() else {
                return false;
            };
            match &req.core().job.op {
                $(Operation::$name(op) => op.is_unbound(file),)*
                _ => false,
            }
        }

        /// See [`Op::serial`].
        pub(crate) fn serial(req: &OwnedReq) -> usize {
            let Some(file) = req.file() else {
                return 0;
            };
            match &req.core().job.op {
                $(Operation::$name(op) => op.serial(file),)*
                _ => 0,
            }
        }

        /// See [`Op::run_punted`].
        pub(crate) fn run_punted(mut req: ReqMut<'_>, context: Option<CallContext<'_>>) -> Outcome {
            let (core, file) = req.split();
            let job = &mut core.job;
            match &mut job.op {
                $(Operation::$name(op) => {
                    opcode::run_punted(op, context, file, job.buffer.as_deref())
                })*
                Operation::Nothing | Operation::Notif(_) | Operation::Over(_) => {
                    // None of them is ever punted.
                    warn_on!(true);
                    Outcome::failed(EINVAL)
                }
            }
        }

        /// See [`Op::io_uring_did_inline`].
        pub(crate) fn io_uring_did_inline(req: &OwnedReq, res: i32) -> bool {
            match &req.core().job.op {
                $(Operation::$name(op) => op.io_uring_did_inline(res),)*
                _ => false,
            }
        }

        /// See [`Op::after_punt`].
        pub(crate) fn after_punt(ring: &mut Locked<'_>, mut req: ReqMut<'_>, res: i32) -> i32 {
            match &mut req.core_mut().job.op {
                $(Operation::$name(op) => op.after_punt(ring, res),)*
                _ => res,
            }
        }

        impl Operation {
            /// Ends it for `error` before its time.
            pub(crate) fn end(&mut self, ring: &mut Locked<'_>, error: Errno) -> Outcome {
                match self {
                    $(Self::$name(op) => op.end(ring, error),)*
                    Self::Nothing | Self::Notif(_) | Self::Over(_) => Outcome::broken(error),
                }
            }

            /// See [`Op::set_by_io_wq`].
            pub(crate) fn set_by_io_wq(&mut self, blocks: bool) {
                match self {
                    $(Self::$name(op) => op.set_by_io_wq(blocks),)*
                    Self::Nothing | Self::Notif(_) | Self::Over(_) => {}
                }
            }

            /// See [`Op::progress`].
            fn progress(&self) -> (usize, u32) {
                match self {
                    $(Self::$name(op) => op.progress(),)*
                    Self::Nothing | Self::Notif(_) | Self::Over(_) => (0, 0),
                }
            }

            /// See [`Op::ring`].
            #[inline]
            pub(crate) fn ring(&self) -> Option<&Arc<Ring>> {
                match self {
                    $(Self::$name(op) => op.ring(),)*
                    Self::Nothing | Self::Notif(_) | Self::Over(_) => None,
                }
            }

            /// See [`Op::is_lazy`].
            fn is_lazy(&self) -> bool {
                match self {
                    $(Self::$name(op) if matches!(<$op>::SPEC.wake, Wake::Own) => op.is_lazy(),)*
                    _ => true,
                }
            }

            /// See [`Op::deadline`].
            pub(crate) fn deadline(&self) -> Option<Deadline> {
                match self {
                    $(Self::$name(op) => op.deadline(),)*
                    Self::Nothing | Self::Notif(_) | Self::Over(_) => None,
                }
            }

            /// Whether a result is no failure, although it is negative, unless the attempt says that it is.
            pub(crate) fn may_end_with(&self, res: i32) -> bool {
                match self {
                    $(Self::$name(op) => <$op>::SPEC.soft_errors || op.may_end_with(res),)*
                    Self::Nothing | Self::Notif(_) | Self::Over(_) => false,
                }
            }

            /// See [`Op::waits_for`].
            pub(crate) fn waits_for(&self) -> Option<FileSlot> {
                match self {
                    $(Self::$name(op) => op.waits_for(),)*
                    Self::Nothing | Self::Notif(_) | Self::Over(_) => None,
                }
            }

            /// See [`Op::follow_link_timeout`].
            pub(crate) fn follow_link_timeout(&mut self) {
                match self {
                    $(Self::$name(op) => op.follow_link_timeout(),)*
                    Self::Nothing | Self::Notif(_) | Self::Over(_) => {}
                }
            }

            /// See [`Op::seen_at`].
            pub(crate) fn seen_at(&self) -> Option<u32> {
                match self {
                    $(Self::$name(op) => op.seen_at(),)*
                    Self::Nothing | Self::Notif(_) | Self::Over(_) => None,
                }
            }

            /// See [`Op::poll_result`].
            #[inline]
            pub(crate) fn poll_result(&self, wake_flags: WakeFlags) -> Option<(i32, bool)> {
                match self {
                    $(Self::$name(op) if <$op>::SPEC.only_polls => op.poll_result(wake_flags),)*
                    _ => None,
                }
            }

            /// See [`Op::pdu`].
            fn pdu(&self) -> Pdu {
                match self {
                    $(Self::$name(op) => op.pdu(),)*
                    Self::Nothing | Self::Notif(_) | Self::Over(_) => Pdu::default(),
                }
            }

            /// Whether io_uring leaves it to a worker alone, see [`Spec::forced`].
            fn is_forced(&self) -> bool {
                match self {
                    $(Self::$name(op) => <$op>::SPEC.forced || op.is_forced(),)*
                    Self::Nothing | Self::Notif(_) | Self::Over(_) => false,
                }
            }

            /// See [`Op::target`].
            pub(crate) fn target(&self) -> Option<u32> {
                match self {
                    $(Self::$name(op) => op.target(),)*
                    Self::Nothing | Self::Notif(_) | Self::Over(_) => None,
                }
            }

            /// The events to wait for, with the behaviour bits of `EPOLL*`.
            pub(crate) fn events(&self) -> u32 {
                match self {
                    $(Self::$name(op) => wanted(op),)*
                    Self::Nothing | Self::Notif(_) | Self::Over(_) => 0,
                }
            }
        }
    };
}

/// Finds out whether all hooks are there without which there is no such opcode.
///
/// # Errors
///
/// `-EOPNOTSUPP` if one is missing.
pub(crate) fn check_hooks(opcode: u8) -> Result {
    lsm::check(hooks(opcode))
}

for_each_opcode!(ops);

/// The row of a request's opcode, if it has one.
#[inline(always)] // recv-multishot/unix/64/8/plain
pub(crate) fn spec_of(opcode: Option<Opcode>) -> Option<Spec> {
    spec(opcode?.number())
}

impl Operation {
    /// Becomes another one, for one that is over and so has nothing to drop.
    pub(crate) fn overwrite(&mut self, other: Self) {
        core::mem::forget(core::mem::replace(self, other));
    }

    /// How much it has transferred, without what it has only looked at, which is there still.
    #[cold] // poll/32
    pub(crate) fn transferred(&self) -> usize {
        match self {
            Self::Recv(op) if op.only_looks() => 0,
            Self::RecvMsg(op) if op.only_looks() => 0,
            _ => self.progress().0,
        }
    }
}

/// See [`Spec::needs_file`].
#[inline]
pub(crate) fn needs_file(opcode: Option<Opcode>) -> bool {
    spec_of(opcode).is_some_and(|spec| spec.needs_file)
}

/// Whether it needs a file that is looked up when it is queued, see [`Spec::late_file`].
pub(crate) fn needs_file_first(opcode: Option<Opcode>) -> bool {
    spec_of(opcode).is_some_and(|spec| spec.needs_file && !spec.late_file)
}

/// See [`Spec::only_polls`].
#[inline]
pub(crate) fn only_polls(opcode: Option<Opcode>) -> bool {
    spec_of(opcode).is_some_and(|spec| spec.only_polls)
}

/// Whether a cancel finds a request of this opcode, see [`Cancel`]. `by_file` says that it asks for a file.
#[inline]
pub(crate) fn is_found(opcode: Option<Opcode>, by_file: bool) -> bool {
    match CANCELS[Opcode::index(opcode)] {
        Cancel::Any => true,
        Cancel::NotByFile => !by_file,
        Cancel::Never => false,
    }
}

/// See [`Spec::sends`].
#[inline]
pub(crate) fn sends(opcode: u8) -> bool {
    spec(opcode).is_some_and(|spec| spec.sends)
}

/// See [`Spec::is_link_timeout`].
#[inline]
pub(crate) fn is_link_timeout(opcode: Option<Opcode>) -> bool {
    spec_of(opcode).is_some_and(|spec| spec.is_link_timeout)
}

/// Whether one completion is all that comes of a request now, for those who wait for several: see [`Wake`]. `goes_on` says that
/// it may come of it again.
#[inline]
pub(crate) fn is_lazy(opcode: Option<Opcode>, operation: &Operation, goes_on: bool) -> bool {
    match WAKES[Opcode::index(opcode)] {
        Wake::Lazy => !goes_on,
        Wake::Eager => false,
        Wake::Own => operation.is_lazy(),
    }
}

/// See [`Spec::nonblock`].
pub(crate) fn heeds_nonblock(opcode: Option<Opcode>) -> bool {
    spec_of(opcode).is_some_and(|spec| spec.nonblock)
}

/// See [`Spec::counts_others`].
#[inline]
pub(crate) fn counts_others(opcode: Option<Opcode>) -> bool {
    spec_of(opcode).is_some_and(|spec| spec.counts_others)
}
