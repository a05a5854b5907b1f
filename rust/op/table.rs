// SPDX-License-Identifier: GPL-2.0

//! The table of opcodes: one row for each, with all that the core has to know of it before it looks at a request.
//!
//! What is not in a row is the same for all of them: a restriction names an opcode by its number, and PROBE says that
//! there is what has a row, unless what it takes is missing. What depends on the request is a method of
//! [`Op`](super::Op).

/// Which events of its file an opcode waits for when it would block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PollFor {
    /// No event: the opcode does not block.
    Never,
    /// It waits for something to read.
    In,
    /// Something to read; one waiter is enough.
    InExclusive,
    /// It waits for room to write.
    Out,
    /// It says so itself, see [`Op::events`](super::Op::events).
    Own,
}

/// Who goes on with an opcode that would have the submitter sleep with the ring locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PuntTo {
    /// Nobody: it does not.
    Never,
    /// A worker does it.
    Worker,
    /// The submitter itself once it has unlocked the ring: what needs more of a task than a worker has of it, or is
    /// over soon as a rule.
    Submitter,
    /// A worker or the submitter, as each request says: see [`Op::runs_unlocked`](super::Op::runs_unlocked).
    Either,
}

/// Whether the wake-up of a request brings one completion and no more. Who waits for several completions is then woken up
/// by the last of so many wake-ups, and not by each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// It brings one, unless the request is multishot: one wake-up may be for several messages.
    Lazy,
    /// Who waits is woken up at once: a timeout ends their wait, a zero-copy send has two completions, and a connection that
    /// is not accepted is one that nobody else was told of.
    Eager,
    /// It says so itself, see [`Op::is_lazy`](super::Op::is_lazy).
    Own,
}

/// Which cancels find a request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    /// Each that it matches.
    Any,
    /// As [`Cancel::Any`], but none that asks for a file, and be it any: it has none, and no file brings about what it
    /// waits for.
    NotByFile,
    /// None: it is over as soon as it is tried, and so can only be the cancel itself.
    Never,
}

/// What the core has to know of an opcode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    /// `sqe->fd` is a file that it works on.
    pub(crate) needs_file: bool,
    /// That file is not looked up when the request is queued, but when it is tried.
    pub(crate) late_file: bool,
    /// It can take its buffer from a group.
    pub(crate) buffer_select: bool,
    /// It has flags, or a priority, in `sqe->ioprio`.
    pub(crate) ioprio: bool,
    /// What it waits for.
    pub(crate) poll: PollFor,
    /// Who goes on with it where the ring is not locked.
    pub(crate) punt: PuntTo,
    /// A worker may have it from the beginning, for IOSQE_ASYNC: see [`Op::begins_in_worker`](super::Op::begins_in_worker).
    pub(crate) begins_in_worker: bool,
    /// Only workers do it in io_uring, so that its completion is an asynchronous one whoever does it here.
    pub(crate) forced: bool,
    /// The same if it is punted, which it need not be.
    pub(crate) forced_if_punted: bool,
    /// It always uses the registered buffer that the SQE names, so that a worker needs it.
    pub(crate) fixed_buffer: bool,
    /// A ring that polls its files for completions takes it.
    pub(crate) iopoll: bool,
    /// How it wakes up who waits for several completions.
    pub(crate) wake: Wake,
    /// Which cancels find it.
    pub(crate) cancel: Cancel,
    /// It does nothing but wait for its file: it is over with what a wake-up says, and nothing is left to be tried.
    pub(crate) only_polls: bool,
    /// An error of the operation proper does not break a link. One that is found before it, in its fields or its file,
    /// does, as in io_uring.
    pub(crate) soft_errors: bool,
    /// A worker that does it heeds O_NONBLOCK, as the system call does.
    pub(crate) nonblock: bool,
    /// It may end with so many completions of others.
    pub(crate) counts_others: bool,
    /// It goes on without its task, of which it needs nothing.
    pub(crate) outlives_task: bool,
    /// It limits the time of the request before it in a link, and is not driven itself.
    pub(crate) is_link_timeout: bool,
    /// Its SQE is one of 128 bytes: see `Ring::check_large`.
    pub(crate) large: bool,
    /// Its SQE may ask for a completion of 32 bytes. Where a ring has such completions, what is refused as an opcode of
    /// the usual size is read once more as NOP128.
    pub(crate) large_cqe: bool,
    /// It may be done without a request: see [`Op::at_once`](super::Op::at_once).
    pub(crate) at_once: bool,
    /// It may be a send that keeps its place among others of its file, see `RURING_SEND_ORDERED`.
    pub(crate) sends: bool,
    /// A first attempt is worth a copy of its own, in which what is known of it is constant.
    pub(crate) inline: bool,
}

impl Spec {
    /// A row without any property.
    pub(crate) const NOTHING: Self = Self {
        needs_file: false,
        late_file: false,
        buffer_select: false,
        ioprio: false,
        poll: PollFor::Never,
        punt: PuntTo::Never,
        begins_in_worker: false,
        forced: false,
        forced_if_punted: false,
        fixed_buffer: false,
        iopoll: false,
        wake: Wake::Lazy,
        cancel: Cancel::Any,
        only_polls: false,
        soft_errors: false,
        nonblock: false,
        counts_others: false,
        outlives_task: false,
        is_link_timeout: false,
        large: false,
        large_cqe: false,
        at_once: false,
        sends: false,
        inline: false,
    };
}

/// Sets one property of a [`Spec`]: `poll`, `punt`, `wake` and `cancel` have a value, the others are true if they are named.
macro_rules! property {
    ($spec:ident, poll, $value:ident) => {
        $spec.poll = $crate::op::table::PollFor::$value
    };
    ($spec:ident, punt, $value:ident) => {
        $spec.punt = $crate::op::table::PuntTo::$value
    };
    ($spec:ident, wake, $value:ident) => {
        $spec.wake = $crate::op::table::Wake::$value
    };
    ($spec:ident, cancel, $value:ident) => {
        $spec.cancel = $crate::op::table::Cancel::$value
    };
    ($spec:ident, $property:ident) => {
        $spec.$property = true
    };
}
pub(crate) use property;

/// Has a macro say what there is for each opcode: its number in [`crate::uapi::abi::opcode`], its variant of
/// [`Operation`](super::Operation), its type, and its properties.
macro_rules! for_each_opcode {
    ($then:ident) => {
        $then! {
            NOP => Nop(nop::Nop) { buffer_select, iopoll, large_cqe, at_once, inline },
            NOP128 => Nop128(nop::LargeNop) { buffer_select, iopoll, large, large_cqe },
            READV => ReadV(rw::ReadV) {
                needs_file, buffer_select, ioprio, poll: In, punt: Either, begins_in_worker, iopoll,
            },
            WRITEV => WriteV(rw::WriteV) { needs_file, ioprio, poll: Out, nonblock, punt: Either, begins_in_worker, iopoll },
            FSYNC => Fsync(sync::Fsync) { needs_file, punt: Worker, begins_in_worker, soft_errors, forced },
            READ_FIXED => ReadFixed(rw::ReadFixed) {
                needs_file, ioprio, poll: In, punt: Either, begins_in_worker, fixed_buffer, iopoll,
            },
            WRITE_FIXED => WriteFixed(rw::WriteFixed) {
                needs_file, ioprio, poll: Out, nonblock, punt: Either, begins_in_worker, fixed_buffer, iopoll,
            },
            POLL_ADD => PollAdd(poll::PollAdd) { needs_file, poll: Own, wake: Own, only_polls, inline },
            POLL_REMOVE => PollRemove(poll::PollRemove) {},
            SENDMSG => SendMsg(sendmsg::SendMsg) { needs_file, ioprio, poll: Out, nonblock, punt: Either, sends },
            RECVMSG => RecvMsg(recvmsg::RecvMsg) { needs_file, buffer_select, ioprio, poll: In, punt: Submitter },
            TIMEOUT => Timeout(timeout::Timeout) { wake: Eager, cancel: NotByFile, counts_others, outlives_task },
            TIMEOUT_REMOVE => TimeoutRemove(timeout::TimeoutRemove) {},
            ACCEPT => Accept(accept::Accept) { needs_file, buffer_select, ioprio, poll: InExclusive, wake: Eager },
            ASYNC_CANCEL => AsyncCancel(cancel::AsyncCancel) { cancel: Never },
            LINK_TIMEOUT => LinkTimeout(timeout::LinkTimeout) { is_link_timeout },
            CONNECT => Connect(connect::Connect) { needs_file, poll: Out, punt: Submitter },
            SYNC_FILE_RANGE => SyncFileRange(sync::SyncFileRange) { needs_file, punt: Worker, begins_in_worker, soft_errors, forced },
            FALLOCATE => Fallocate(sync::Fallocate) { needs_file, punt: Worker, begins_in_worker, soft_errors, forced },
            OPENAT => OpenAt(open::Open<false>) { punt: Either },
            OPENAT2 => OpenAt2(open::Open<true>) { punt: Either },
            CLOSE => Close(close::Close) { punt: Submitter, forced_if_punted },
            FILES_UPDATE => FilesUpdate(files::FilesUpdate) { iopoll },
            FIXED_FD_INSTALL => FixedFdInstall(files::FixedFdInstall) { needs_file },
            STATX => Statx(names::Statx) { punt: Either, soft_errors, forced },
            READ => Read(rw::Read) {
                needs_file, buffer_select, ioprio, poll: In, punt: Either, begins_in_worker, iopoll,
            },
            WRITE => Write(rw::Write) { needs_file, ioprio, poll: Out, nonblock, punt: Either, begins_in_worker, iopoll },
            FADVISE => Fadvise(sync::Fadvise) { needs_file, punt: Worker, begins_in_worker },
            MADVISE => Madvise(sync::Madvise) { punt: Worker, soft_errors, forced },
            SEND => Send(send::Send) { needs_file, buffer_select, ioprio, poll: Out, punt: Either, sends, inline },
            RECV => Recv(recv::Recv) { needs_file, buffer_select, ioprio, poll: In, punt: Submitter, inline },
            SEND_ZC => SendZc(send_zc::SendZc<false>) { needs_file, ioprio, poll: Out, wake: Eager, sends },
            SENDMSG_ZC => SendMsgZc(send_zc::SendZc<true>) { needs_file, ioprio, poll: Out, nonblock, wake: Eager, sends },
            SHUTDOWN => Shutdown(socket::Shutdown) { needs_file, punt: Submitter, soft_errors, forced },
            SPLICE => Splice(splice::Splice) { needs_file, late_file, punt: Either, forced },
            TEE => Tee(splice::Tee) { needs_file, punt: Either, forced },
            SENDFILE => SendFile(splice::SendFile) { needs_file, punt: Either },
            RENAMEAT => RenameAt(names::RenameAt) { punt: Either, soft_errors, forced },
            UNLINKAT => UnlinkAt(names::UnlinkAt) { punt: Either, soft_errors, forced },
            MKDIRAT => MkdirAt(names::MkdirAt) { punt: Either, soft_errors, forced },
            SYMLINKAT => SymlinkAt(names::SymlinkAt) { punt: Either, soft_errors, forced },
            LINKAT => LinkAt(names::LinkAt) { punt: Either, soft_errors, forced },
            EPOLL_CTL => EpollCtl(epoll::EpollCtl) { punt: Submitter },
            EPOLL_WAIT => EpollWait(epoll::EpollWait) { needs_file, poll: In, punt: Submitter },
            PIPE => Pipe(pipe::Pipe) {},
            MSG_RING => MsgRing(msg_ring::MsgRing) { needs_file, punt: Submitter, iopoll },
            SOCKET => Socket(socket::Create) { punt: Submitter, soft_errors },
            URING_CMD => UringCmd(cmd::UringCmd<false>) { needs_file, buffer_select, poll: Own, punt: Submitter, iopoll },
            URING_CMD128 => UringCmd128(cmd::UringCmd<true>) {
                needs_file, buffer_select, poll: Own, punt: Submitter, iopoll, large,
            },
            READ_MULTISHOT => ReadMultishot(read_multishot::ReadMultishot) {
                needs_file, buffer_select, poll: In, punt: Either,
            },
            FTRUNCATE => Ftruncate(sync::Ftruncate) { needs_file, punt: Worker, begins_in_worker, soft_errors, forced },
            BIND => Bind(socket::Bind) { needs_file, punt: Submitter },
            LISTEN => Listen(socket::Listen) { needs_file },
            READV_FIXED => ReadvFixed(rw::ReadvFixed) {
                needs_file, ioprio, poll: In, punt: Either, begins_in_worker, fixed_buffer, iopoll,
            },
            WRITEV_FIXED => WritevFixed(rw::WritevFixed) {
                needs_file, ioprio, poll: Out, nonblock, punt: Either, begins_in_worker, fixed_buffer, iopoll,
            },
            PROVIDE_BUFFERS => ProvideBuffers(provide::ProvideBuffers) { iopoll },
            REMOVE_BUFFERS => RemoveBuffers(provide::RemoveBuffers) { iopoll },
        }
    };
}
pub(crate) use for_each_opcode;
