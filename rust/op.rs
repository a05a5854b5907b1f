// SPDX-License-Identifier: GPL-2.0

//! The opcodes: one file per family, one row per opcode.

pub(crate) mod accept;
pub(crate) mod buffers;
pub(crate) mod cancel;
pub(crate) mod close;
pub(crate) mod cmd;
pub(crate) mod connect;
pub(crate) mod files;
pub(crate) mod msg_ring;
pub(crate) mod names;
pub(crate) mod nop;
pub(crate) mod notif;
pub(crate) mod opcode;
pub(crate) mod open;
pub(crate) mod poll;
pub(crate) mod recv;
pub(crate) mod recvmsg;
pub(crate) mod rw;
pub(crate) mod send;
pub(crate) mod send_zc;
pub(crate) mod sendmsg;
pub(crate) mod socket;
pub(crate) mod sync;
pub(crate) mod timeout;

use crate::{
    req::{OwnedReq, ReqMut},
    ring::{Locked, Ring},
    sys::{
        lsm::{self, Hooks},
        timer::Deadline,
    },
    uapi::{
        abi::op,
        errno::{Errno, Result, EINVAL},
    },
};
use kernel::sync::Arc;
use opcode::{end, wanted, OpVariant};

pub(crate) use opcode::{Attempt, Op, Outcome, PollFor, Spec, Step};

macro_rules! ops {
    ($($code:ident => $name:ident($op:ty)),* $(,)?) => {
        /// A request, parsed.
        pub(crate) enum Operation {
            $(#[doc = stringify!($code)] $name($op),)*
            /// One that was refused before it could be parsed.
            Refused,
            /// A notification, which is no opcode.
            Notif(send_zc::Notif),
        }

        /// See [`Op::is_there`].
        #[cold]
        pub(crate) fn is_there(opcode: u8) -> bool {
            match opcode {
                $(op::$code => <$op>::is_there() && check_hooks(opcode).is_ok(),)*
                _ => false,
            }
        }

        /// The opcode's name.
        pub(crate) fn name(opcode: u8) -> &'static str {
            match opcode {
                $(op::$code => stringify!($code),)*
                _ => "INVALID",
            }
        }

        /// The hooks without which there is no such opcode.
        fn hooks(opcode: u8) -> Hooks {
            match opcode {
                $(op::$code => opcode::hooks_of::<$op>(),)*
                _ => Hooks::NONE,
            }
        }

        $(impl OpVariant for $op {
            const CODE: u8 = op::$code;

            #[inline(always)]
            fn of(operation: &mut Operation) -> Option<&mut Self> {
                match operation {
                    Operation::$name(op) => Some(op),
                    _ => None,
                }
            }

            #[inline(always)]
            fn into(self) -> Operation {
                Operation::$name(self)
            }
        })*

        /// See [`Op::runs_unlocked`].
        pub(crate) fn runs_unlocked(req: &OwnedReq) -> bool {
            let file = req.file();
            match &req.core().job.op {
                $(Operation::$name(op) => op.runs_unlocked(file),)*
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
        pub(crate) fn run_punted(mut req: ReqMut<'_>) -> Outcome {
            let (core, file) = req.split();
            let job = &mut core.job;
            match &mut job.op {
                $(Operation::$name(op) => opcode::run_punted(op, file, job.buffer.as_deref()),)*
                _ => Outcome::failed(EINVAL),
            }
        }

        /// See [`Op::settle`].
        pub(crate) fn settle(ring: &mut Locked<'_>, mut req: ReqMut<'_>, res: i32) -> i32 {
            match &mut req.core_mut().job.op {
                $(Operation::$name(op) => op.settle(ring, res),)*
                _ => res,
            }
        }

        impl Operation {
            /// Ends it for `error` before its time.
            pub(crate) fn end(&mut self, ring: &mut Locked<'_>, error: Errno) -> Step {
                match self {
                    $(Self::$name(op) => end(op, ring, error),)*
                    Self::Refused => Step::failed(error),
                    Self::Notif(_) => Step::Notified,
                }
            }

            /// Has a multishot request wait for an event before its first attempt, as io_uring's workers do,
            /// which then do not ask whether it is to wait at all.
            #[cold]
            pub(crate) fn wait_first(&mut self) {
                match self {
                    Self::Recv(recv) => recv.wait_first(),
                    Self::RecvMsg(recvmsg) => recvmsg.wait_first(),
                    Self::ReadMultishot(read) => read.wait_first(),
                    Self::Accept(accept) => accept.wait_first(),
                    _ => {}
                }
            }

            /// See [`Op::ring`].
            #[inline]
            pub(crate) fn ring(&self) -> Option<&Arc<Ring>> {
                match self {
                    $(Self::$name(op) => op.ring(),)*
                    Self::Refused | Self::Notif(_) => None,
                }
            }

            /// See [`Op::deadline`].
            pub(crate) fn deadline(&self) -> Option<Deadline> {
                match self {
                    $(Self::$name(op) => op.deadline(),)*
                    Self::Refused | Self::Notif(_) => None,
                }
            }

            /// Whether a result is no failure, although it is negative, unless the attempt says that it is.
            pub(crate) fn may_end_with(&self, res: i32) -> bool {
                match self {
                    Self::Timeout(timeout) => timeout.may_end_with(res),
                    // As io_uring, to which only what comes before the deed itself is one.
                    Self::Fsync(_)
                    | Self::Fallocate(_)
                    | Self::SyncFileRange(_)
                    | Self::Ftruncate(_)
                    | Self::Madvise(_)
                    | Self::Statx(_)
                    | Self::RenameAt(_)
                    | Self::UnlinkAt(_)
                    | Self::MkdirAt(_)
                    | Self::SymlinkAt(_)
                    | Self::LinkAt(_)
                    | Self::Shutdown(_)
                    | Self::Socket(_) => true,
                    _ => false,
                }
            }

            /// See [`Op::target`].
            pub(crate) fn target(&self) -> Option<u32> {
                match self {
                    $(Self::$name(op) => op.target(),)*
                    Self::Refused | Self::Notif(_) => None,
                }
            }

            /// The events to wait for, with the behaviour bits of `EPOLL*`.
            pub(crate) fn events(&self) -> u32 {
                match self {
                    $(Self::$name(op) => wanted(op),)*
                    Self::Refused | Self::Notif(_) => 0,
                }
            }
        }
    };
}

/// `-EOPNOTSUPP` if a hook is missing without which there is no such opcode.
#[cold]
pub(crate) fn check_hooks(opcode: u8) -> Result {
    lsm::check(hooks(opcode))
}

/// Has a macro say what there is for each opcode.
macro_rules! for_each_opcode {
    ($then:ident) => {
        $then! {
            NOP => Nop(nop::Nop),
            READV => ReadV(rw::ReadV),
            WRITEV => WriteV(rw::WriteV),
            FSYNC => Fsync(sync::Fsync),
            READ_FIXED => ReadFixed(rw::ReadFixed),
            WRITE_FIXED => WriteFixed(rw::WriteFixed),
            POLL_ADD => PollAdd(poll::PollAdd),
            POLL_REMOVE => PollRemove(poll::PollRemove),
            SENDMSG => SendMsg(sendmsg::SendMsg),
            RECVMSG => RecvMsg(recvmsg::RecvMsg),
            TIMEOUT => Timeout(timeout::Timeout),
            TIMEOUT_REMOVE => TimeoutRemove(timeout::TimeoutRemove),
            ACCEPT => Accept(accept::Accept),
            ASYNC_CANCEL => AsyncCancel(cancel::AsyncCancel),
            LINK_TIMEOUT => LinkTimeout(timeout::LinkTimeout),
            CONNECT => Connect(connect::Connect),
            SYNC_FILE_RANGE => SyncFileRange(sync::SyncFileRange),
            FALLOCATE => Fallocate(sync::Fallocate),
            OPENAT => OpenAt(open::Open<false>),
            OPENAT2 => OpenAt2(open::Open<true>),
            CLOSE => Close(close::Close),
            FILES_UPDATE => FilesUpdate(files::FilesUpdate),
            FIXED_FD_INSTALL => FixedFdInstall(files::FixedFdInstall),
            STATX => Statx(names::Statx),
            READ => Read(rw::Read),
            WRITE => Write(rw::Write),
            FADVISE => Fadvise(sync::Fadvise),
            MADVISE => Madvise(sync::Madvise),
            SEND => Send(send::Send),
            RECV => Recv(recv::Recv),
            SEND_ZC => SendZc(send_zc::SendZc<false>),
            SENDMSG_ZC => SendMsgZc(send_zc::SendZc<true>),
            SHUTDOWN => Shutdown(socket::Shutdown),
            RENAMEAT => RenameAt(names::RenameAt),
            UNLINKAT => UnlinkAt(names::UnlinkAt),
            MKDIRAT => MkdirAt(names::MkdirAt),
            SYMLINKAT => SymlinkAt(names::SymlinkAt),
            LINKAT => LinkAt(names::LinkAt),
            MSG_RING => MsgRing(msg_ring::MsgRing),
            SOCKET => Socket(socket::Create),
            URING_CMD => UringCmd(cmd::UringCmd),
            READ_MULTISHOT => ReadMultishot(rw::ReadMultishot),
            FTRUNCATE => Ftruncate(sync::Ftruncate),
            BIND => Bind(socket::Bind),
            LISTEN => Listen(socket::Listen),
            READV_FIXED => ReadvFixed(rw::ReadvFixed),
            WRITEV_FIXED => WritevFixed(rw::WritevFixed),
            PROVIDE_BUFFERS => ProvideBuffers(buffers::ProvideBuffers),
            REMOVE_BUFFERS => RemoveBuffers(buffers::RemoveBuffers),
        }
    };
}
pub(crate) use for_each_opcode;

for_each_opcode!(ops);

impl Operation {
    /// Becomes another one, for one that is over and so has nothing to drop.
    #[inline(always)]
    pub(crate) fn become_other(&mut self, other: Self) {
        core::mem::forget(core::mem::replace(self, other));
    }
}

/// Whether the end of a request is one completion, and no more than that to those who wait for
/// several: a timeout ends their wait, and a connection that is not accepted is one that nobody else
/// was told of.
#[inline]
pub(crate) fn counts_as_one(opcode: u8) -> bool {
    !matches!(
        opcode,
        op::SEND_ZC | op::SENDMSG_ZC | op::TIMEOUT | op::ACCEPT
    )
}

/// Whether a ring that polls its files for completions takes the opcode.
#[cold]
pub(crate) fn in_iopoll(opcode: u8) -> bool {
    matches!(
        opcode,
        op::NOP
            | op::READV
            | op::WRITEV
            | op::READ_FIXED
            | op::WRITE_FIXED
            | op::READV_FIXED
            | op::WRITEV_FIXED
            | op::FILES_UPDATE
            | op::READ
            | op::WRITE
            | op::PROVIDE_BUFFERS
            | op::REMOVE_BUFFERS
            | op::URING_CMD
            | op::MSG_RING
    )
}
