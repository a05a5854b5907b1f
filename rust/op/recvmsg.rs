// SPDX-License-Identifier: GPL-2.0

//! RECVMSG, single and multishot. `io_uring/net.c` of the kernel.

use super::{
    recv::{
        may_be_at_eof, nonempty, pause, resume, unlocked::Unlocked, without_buffer, without_socket,
        without_waiting,
    },
    Attempt, Op, Outcome,
};
use crate::{
    kbuf::groups::SelectedBuffer,
    rsrc::buffers::RegisteredBuffer,
    sys::{
        context::CallContext,
        rw::is_nonblocking,
        socket::{Received, SockAddr, Socket, UserBuffers},
        user::{self, IoVec},
    },
    uapi::{
        abi::{events, msg, MAX_RW_COUNT},
        args::recvsend::RecvArgs,
        errno::{Result, EAGAIN, EBADF, EFAULT, EINVAL, EMSGSIZE, ENOBUFS, EOVERFLOW},
        sqe::{Flags, Sqe},
        structs::{MsgHdr, RecvmsgOut},
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox, KVec},
    fs::File,
    warn_on,
};

/// Bytes before a message that say what it is.
const OUT_SIZE: usize = size_of::<RecvmsgOut>();

/// RECVMSG. On the heap, so that other operations need not be as large.
pub(crate) struct RecvMsg(KBox<RecvMessage>);

/// What a RECVMSG keeps between two attempts.
struct RecvMessage {
    args: RecvArgs,
    /// A copy of the user's.
    hdr: MsgHdr,
    /// Where to receive to, without buffer selection.
    iov: KVec<IoVec>,
    /// Bytes that are received already, of a transfer that wants all.
    done: usize,
    /// Of the buffer that such a transfer has begun to fill: where it goes on, how many bytes are
    /// left there, and the flags for the completion.
    begun: Option<(u64, usize, u32)>,
    shots: u32,
    /// Of a receive from the kernel itself.
    unlocked: Unlocked,
}

impl RecvMessage {
    /// Multishot: bytes of a buffer before the payload.
    fn head_len(&self) -> usize {
        OUT_SIZE + self.hdr.name_len as usize + self.hdr.control_len as usize
    }

    /// Receives one message into a buffer that begins with a `struct io_uring_recvmsg_out`.
    ///
    /// Returns the bytes of the buffer that are used, and what was received.
    #[inline(always)] // recvmsg-multishot/udp/64
    fn shot(&self, socket: Socket<'_>, addr: u64, len: usize) -> Result<(usize, Received)> {
        let head = self.head_len();
        let room = len.checked_sub(head).ok_or(EFAULT)?;
        let name_room = self.hdr.name_len as usize;
        let mut name = SockAddr::new();
        let got = socket.recv(
            UserBuffers::One {
                addr: addr + head as u64,
                len: room,
            },
            (name_room != 0).then_some(&mut name),
            (
                addr + (OUT_SIZE + name_room) as u64,
                self.hdr.control_len as usize,
            ),
            self.args.msg_flags | msg::DONTWAIT,
        );
        let payload = got.len?;
        let out = RecvmsgOut {
            namelen: got.name_len as u32,
            controllen: got.control_len as u32,
            payloadlen: payload as u32,
            flags: got.flags,
        };
        user::write(addr, &out)?;
        user::write_from(
            addr + OUT_SIZE as u64,
            name.bytes(got.name_len.min(name_room)),
        )?;
        Ok((head + payload.min(room), got))
    }

    /// Multishot: receives until there is nothing more.
    fn shots(&mut self, socket: Socket<'_>, attempt: &mut Attempt<'_, '_>, group: u16) -> Outcome {
        let mut again = may_be_at_eof(socket, attempt.wake_flags);
        // Whether an attempt may find nothing, which the socket has not said.
        let mut look = !attempt.polled;
        loop {
            let Some(selected) = attempt.ring.groups().select(group, self.args.len as usize) else {
                return without_buffer(socket, attempt, &self.args, true, ENOBUFS);
            };
            if look && socket.is_idle(self.args.msg_flags) && selected.len >= self.head_len() {
                let room = selected.len - self.head_len();
                match socket.may_wait(room, self.args.msg_flags) {
                    Ok(true) => return Outcome::POLL,
                    Ok(false) => {}
                    Err(error) => return Outcome::failed(error),
                }
            }
            let len = selected.len.min(MAX_RW_COUNT);
            let (used, got) = match self.shot(socket, selected.addr(), len) {
                Ok(shot) => shot,
                Err(EAGAIN) => return Outcome::POLL,
                Err(error) => return Outcome::failed(error),
            };
            let flags = attempt.ring.groups().commit(selected, used) | nonempty(&got);
            let res = used as i32;
            if got.len == Ok(0) || !attempt.post_more(res, flags) {
                return Outcome::Done {
                    res,
                    flags,
                    broken: false,
                };
            }
            // The first message alone is limited by the vector's length.
            self.args.len = 0;
            if let Some(outcome) = pause(&got, &mut again, &mut self.shots, false) {
                return outcome;
            }
            look = got.left.is_none();
        }
    }

    /// From the kernel itself.
    #[cold] // recvmsg-multishot/udp/64
    fn issue_unlocked(&mut self, socket: Socket<'_>, attempt: &mut Attempt<'_, '_>) -> Outcome {
        if let Some(Ok(_)) = self.unlocked.got {
            // As above: only the first message is limited.
            self.args.len = 0;
        }
        let (args, unlocked) = (&self.args, &mut self.unlocked);
        if let Some(outcome) = unlocked.tell(socket, attempt, args, &mut self.shots, false) {
            return outcome;
        }
        let own = UserBuffers::Many {
            iov: &self.iov,
            skip: 0,
        };
        let head = if self.args.multishot() {
            self.head_len()
        } else {
            0
        };
        let own = (0, own.len());
        self.unlocked.punt(socket, attempt, &self.args, own, head)
    }

    /// Receives one message with the ring unlocked.
    #[cold] // recvmsg-multishot/udp/64
    fn receive_unlocked(&mut self, file: Option<&File>) -> Outcome {
        let Some((addr, len)) = self.unlocked.target else {
            // What is punted has its memory.
            warn_on!(true);
            return Outcome::failed(EFAULT);
        };
        let socket = match file.ok_or(EBADF).and_then(Socket::of) {
            Ok(socket) => socket,
            Err(error) => return self.unlocked.over(Err(error), 0, true),
        };
        if self.args.multishot() {
            self.unlocked.got = Some(self.shot(socket, addr, len));
            return Outcome::Requeue;
        }
        let buffers = match addr {
            0 => UserBuffers::Many {
                iov: &self.iov,
                skip: 0,
            },
            addr => UserBuffers::One { addr, len },
        };
        let mut name = SockAddr::new();
        let control = (self.hdr.control, self.hdr.control_len as usize);
        let flags = self.args.msg_flags | msg::DONTWAIT;
        let got = socket.recv(buffers, Some(&mut name), control, flags);
        if got.len == Err(EAGAIN) {
            self.unlocked.got = Some(Err(EAGAIN));
            return Outcome::Requeue;
        }
        let count = got
            .len
            .and_then(|count| self.report(&got, &name).map(|()| count));
        let all = flags & msg::WAITALL != 0;
        let short = all && control.1 == 0 && count.is_ok_and(|count| count < len);
        let truncated = all && got.flags & (msg::TRUNC | msg::CTRUNC) != 0;
        let broken = short || truncated || count.is_err();
        self.unlocked.over(count, nonempty(&got), broken)
    }

    /// Tells the user about the message, as recvmsg(2) does.
    fn report(&self, got: &Received, name: &SockAddr) -> Result {
        if self.hdr.name != 0 {
            let len_addr = self.args.addr + MsgHdr::NAME_LEN;
            name.write(got.name_len, self.hdr.name, len_addr)?;
        }
        user::write(self.args.addr + MsgHdr::FLAGS, &got.flags)?;
        user::write(
            self.args.addr + MsgHdr::CONTROL_LEN,
            &(got.control_len as u64),
        )
    }

    /// Where the next part of a single receive goes: to the rest of its buffer, to a new one, which is not consumed yet, or to
    /// the user's pieces.
    ///
    /// # Errors
    ///
    /// `-ENOBUFS` if there is no buffer.
    #[inline]
    fn destination(
        &self,
        attempt: &mut Attempt<'_, '_>,
    ) -> Result<(UserBuffers<'_>, Option<SelectedBuffer>)> {
        match (attempt.group, self.begun) {
            (Some(_), Some((addr, len, _))) => Ok((UserBuffers::One { addr, len }, None)),
            (Some(group), None) => {
                let selected = attempt.ring.groups().select(group, self.args.len as usize);
                let selected = selected.ok_or(ENOBUFS)?;
                let buffers = UserBuffers::One {
                    addr: selected.addr(),
                    len: selected.len.min(MAX_RW_COUNT),
                };
                Ok((buffers, Some(selected)))
            }
            (None, _) => {
                let (iov, skip) = (&self.iov, self.done);
                Ok((UserBuffers::Many { iov, skip }, None))
            }
        }
    }

    /// How many bytes a single receive has got, after it has told the user about the message. None if it has to wait.
    ///
    /// # Errors
    ///
    /// Those of recvmsg(2).
    #[inline]
    fn received(
        &self,
        got: &Received,
        name: &SockAddr,
        socket: Socket<'_>,
        attempt: &Attempt<'_, '_>,
    ) -> Option<Result<usize>> {
        let len = match got.len {
            Err(EAGAIN) => {
                match without_waiting(socket, self.args.msg_flags, attempt)? {
                    // As recvmsg(2), and unlike recv(2), of what was opened not to wait.
                    Ok(_) if attempt.file.is_some_and(is_nonblocking) => Err(EAGAIN),
                    len => len,
                }
            }
            len => len,
        };
        Some(len.and_then(|len| self.report(got, name).map(|()| len)))
    }

    /// Has a receive that wants all go on after `count` bytes more, of the `want` that there was room for.
    #[inline]
    fn resume_after(
        &mut self,
        count: usize,
        want: usize,
        selected: Option<SelectedBuffer>,
        attempt: &mut Attempt<'_, '_>,
    ) -> Outcome {
        self.done += count;
        if let Some(buffer) = selected {
            let addr = buffer.addr();
            let flags = attempt.ring.groups().commit(buffer, count);
            self.begun = Some((addr + count as u64, want - count, flags));
        } else if let Some((addr, left, _)) = &mut self.begun {
            *addr += count as u64;
            *left -= count;
        }
        resume(self.args.msg_flags, &mut self.shots)
    }

    fn once(&mut self, socket: Socket<'_>, attempt: &mut Attempt<'_, '_>) -> Outcome {
        let (buffers, selected) = match self.destination(attempt) {
            Ok(destination) => destination,
            Err(error) => return Outcome::failed(error),
        };
        let flags = self.args.msg_flags | msg::DONTWAIT;
        // With control messages there is no telling what a second part would bring.
        let all = flags & msg::WAITALL != 0 && self.hdr.control_len == 0;
        let want = buffers.len();
        if !attempt.polled && socket.is_idle(self.args.msg_flags) && buffers.may_exist() {
            match socket.may_wait(want, self.args.msg_flags) {
                Ok(true) => return Outcome::POLL,
                Ok(false) => {}
                Err(error) => return Outcome::failed(error),
            }
        }
        let mut name = SockAddr::new();
        let control = (self.hdr.control, self.hdr.control_len as usize);
        let got = socket.recv(buffers, Some(&mut name), control, flags);
        let Some(len) = self.received(&got, &name, socket, attempt) else {
            return Outcome::POLL;
        };
        let count = len.unwrap_or(0);
        let short = all && len.is_ok() && count < want;
        // The rest of a buffer that is consumed in parts is up for the next to take it.
        let whole = selected.as_ref().is_none_or(|selected| selected.whole);
        if short && count > 0 && whole && socket.resumes() {
            return self.resume_after(count, want, selected, attempt);
        }
        let truncated = flags & msg::WAITALL != 0 && got.flags & (msg::TRUNC | msg::CTRUNC) != 0;
        let mut cflags = nonempty(&got) | self.begun.map_or(0, |(_, _, flags)| flags);
        if let (Some(buffer), true) = (selected, count > 0) {
            cflags |= attempt.ring.groups().commit(buffer, count.min(want));
        }
        Outcome::Done {
            res: match len {
                Ok(len) => (self.done + len) as i32,
                Err(_) if self.done > 0 => self.done as i32,
                Err(error) => error.to_raw(),
            },
            flags: cflags,
            broken: short || truncated || len.is_err(),
        }
    }
}

impl RecvMsg {
    /// Whether it leaves what it gets where it is.
    pub(super) fn only_looks(&self) -> bool {
        self.0.args.msg_flags & msg::PEEK != 0
    }
}

impl Op for RecvMsg {
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let mut args = RecvArgs::parse(sqe, flags, true)?;
        let hdr = user::read::<MsgHdr>(args.addr)?;
        if hdr.name != 0 && hdr.name_len < 0 {
            return Err(EINVAL);
        }
        let mut iov = KVec::new();
        if flags.buffer_select() {
            // It says no more than how much to receive.
            args.len = match hdr.iov_len {
                0 => 0,
                1 => user::read_iovec_len(hdr.iov)? as u32,
                len if len > user::UIO_MAXIOV => return Err(EMSGSIZE),
                _ => return Err(EINVAL),
            };
        } else {
            iov = user::read_iovec(hdr.iov, hdr.iov_len)?;
        }
        if args.multishot() {
            let name = usize::try_from(hdr.name_len).map_err(|_| EOVERFLOW)?;
            usize::try_from(hdr.control_len)
                .ok()
                .and_then(|control| control.checked_add(OUT_SIZE + name))
                .filter(|head| *head <= i32::MAX as usize)
                .ok_or(EOVERFLOW)?;
        }
        let message = RecvMessage {
            args,
            hdr,
            iov,
            done: 0,
            begun: None,
            shots: 0,
            unlocked: Unlocked::default(),
        };
        Ok(Self(KBox::new(message, GFP_KERNEL_ACCOUNT)?))
    }

    fn set_by_io_wq(&mut self, _blocks: bool) {
        self.0.args.set_by_io_wq();
    }

    #[inline]
    fn issue(&mut self, mut attempt: Attempt<'_, '_>) -> Outcome {
        let socket = match attempt.file().and_then(Socket::of) {
            Ok(socket) => socket,
            Err(error) => return without_socket(&attempt, &self.0.args, error),
        };
        let message = &mut *self.0;
        if message.args.poll_first() && !attempt.polled {
            return Outcome::POLL;
        }
        if socket.takes_commands() {
            return message.issue_unlocked(socket, &mut attempt);
        }
        match attempt.group {
            Some(group) if message.args.multishot() => message.shots(socket, &mut attempt, group),
            _ => message.once(socket, &mut attempt),
        }
    }

    fn run_unlocked(
        &mut self,
        _context: CallContext<'_>,
        file: Option<&File>,
        _buffer: Option<&RegisteredBuffer>,
    ) -> Outcome {
        self.0.receive_unlocked(file)
    }

    fn multishot(&self) -> bool {
        self.0.args.multishot()
    }

    fn progress(&self) -> (usize, u32) {
        let message = &*self.0;
        if message.unlocked.target.is_some() {
            return message.unlocked.progress();
        }
        let flags = message.begun.map_or(0, |(_, _, flags)| flags);
        (message.done, flags)
    }

    fn never_waits(&self) -> bool {
        self.0.args.msg_flags & msg::DONTWAIT != 0
    }

    fn events(&self) -> u32 {
        if self.0.args.msg_flags & msg::ERRQUEUE != 0 {
            events::IN
        } else {
            0
        }
    }
}
