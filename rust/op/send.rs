// SPDX-License-Identifier: GPL-2.0

//! SEND. `io_uring/net.c` of the kernel.

mod bundle;

use super::{Attempt, Op, Outcome};
use crate::{
    sys::{
        socket::{SockAddr, Socket, UserBuffers},
        user::{check_buffer, Vector},
    },
    uapi::{
        abi::{msg, MAX_RW_COUNT},
        args::recvsend::SendArgs,
        errno::{Result, EAGAIN},
        sqe::{Flags, Sqe},
    },
};
use core::num::NonZeroU32;
use kernel::alloc::{flags::GFP_KERNEL_ACCOUNT, KBox};

/// SEND.
pub(crate) struct Send {
    args: SendArgs,
    dest: Option<KBox<SockAddr>>,
    /// What to send, if it is in pieces.
    vector: Option<Vector>,
    /// Bytes that are sent already, of a transfer that wants all.
    done: u32,
    /// The flags for the provided buffer that is being sent.
    buffer: Option<NonZeroU32>,
    /// For a request that takes several buffers at once.
    bundle: Option<KBox<bundle::SendBundle>>,
}

impl Send {
    /// One send. None if another one is to follow.
    #[inline(always)]
    fn once(&mut self, at: &mut Attempt<'_, '_>) -> Option<Outcome> {
        let socket = match at.file().and_then(Socket::of) {
            Ok(socket) => socket,
            Err(error) => return Some(Outcome::failed(error)),
        };
        if self.args.poll_first && !at.polled {
            return Some(Outcome::POLL);
        }
        if let (Some(group), Some(mut bundle)) = (at.group, self.bundle.take()) {
            let outcome = self.issue_bundle(&mut bundle, socket, at, group);
            self.bundle = Some(bundle);
            return Some(outcome);
        }
        if let (Some(group), None) = (at.group, self.buffer) {
            // What is to be sent is nobody else's: it is consumed at once, and kept while waiting.
            let groups = at.ring.groups();
            let selected = match groups.select_to_send(group, self.args.len as usize) {
                Ok(selected) => selected,
                Err(error) => return Some(Outcome::failed(error)),
            };
            self.args.addr = selected.addr();
            self.args.len = selected.len.min(MAX_RW_COUNT) as u32;
            self.buffer = NonZeroU32::new(groups.commit(selected, self.args.len as usize));
        }
        let flags = self.args.msg_flags | msg::DONTWAIT;
        let (addr, len) = (self.args.addr, self.args.len as usize);
        let buffers = match (&self.vector, self.args.fixed) {
            (Some(vector), _) => UserBuffers::Many {
                iov: vector,
                skip: self.done as usize,
            },
            (None, true) => match at.fixed(addr, len) {
                Ok(part) => UserBuffers::Fixed(part),
                Err(error) => return Some(Outcome::failed(error)),
            },
            (None, false) => UserBuffers::One { addr, len },
        };
        let want = buffers.len();
        let dest_len = self.args.dest_len.into();
        let dest = self.dest.as_deref_mut().map(|addr| (addr, dest_len));
        let sent = match socket.send(buffers, dest, flags) {
            Err(EAGAIN) => return Some(Outcome::POLL),
            sent => sent,
        };
        let all = flags & msg::WAITALL != 0;
        if let Ok(len) = sent {
            if all && len > 0 && len < want && socket.resumes() {
                if self.vector.is_none() {
                    self.args.addr += len as u64;
                    self.args.len -= len as u32;
                }
                self.done += len as u32;
                return Some(Outcome::POLL);
            }
        }
        let res = match sent {
            Ok(len) => self.done as i32 + len as i32,
            Err(_) if self.done > 0 => self.done as i32,
            Err(error) => error.to_raw(),
        };
        let bundle = self.args.bundle && at.group.is_none();
        if bundle && res > 0 && !at.polled && at.post_more(res, 0) {
            // As io_uring, which goes on with what is left of its only buffer.
            self.args.poll_first = false;
            self.args.len = 0;
            self.done = 0;
            self.vector = None;
            return None;
        }
        Some(Outcome::Done {
            res,
            flags: self.buffer.map_or(0, NonZeroU32::get),
            broken: sent.map_or(true, |len| all && len < want),
        })
    }
}

impl Op for Send {
    #[inline]
    fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let args = SendArgs::parse(sqe, flags, false)?;
        let dest = if args.dest != 0 {
            let addr = SockAddr::read(args.dest, args.dest_len.into())?;
            Some(KBox::new(addr, GFP_KERNEL_ACCOUNT)?)
        } else {
            None
        };
        let bundle = if args.bundle && flags.buffer_select() {
            Some(KBox::new(bundle::SendBundle::new(), GFP_KERNEL_ACCOUNT)?)
        } else {
            None
        };
        let mut vector = None;
        if !flags.buffer_select() {
            if args.vectorized {
                vector = Some(Vector::read(args.addr, args.len.into())?);
            } else if !args.fixed {
                check_buffer(args.addr, args.len)?;
            }
        }
        Ok(Self {
            args,
            bundle,
            dest,
            vector,
            done: 0,
            buffer: None,
        })
    }

    #[inline(always)]
    fn issue(&mut self, mut at: Attempt<'_, '_>) -> Outcome {
        loop {
            if let Some(outcome) = self.once(&mut at) {
                return outcome;
            }
        }
    }

    #[inline]
    fn owns(&self) -> bool {
        self.bundle.is_some() || self.dest.is_some() || self.vector.is_some()
    }

    fn progress(&self) -> (usize, u32) {
        let flags = self.buffer.map_or(0, NonZeroU32::get);
        (self.done as usize, flags)
    }

    #[inline]
    fn never_waits(&self) -> bool {
        self.args.msg_flags & msg::DONTWAIT != 0
    }
}
