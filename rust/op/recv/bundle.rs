// SPDX-License-Identifier: GPL-2.0

//! RECV into several provided buffers at once (IORING_RECVSEND_BUNDLE).
//!
//! How much there is to receive is known after a first transfer only. So that takes a buffer, or
//! as many as the last bundle had, and when it has filled them a second one takes as many as the
//! socket says it has bytes for; both make one completion.

use super::{may_be_at_eof, nonempty, pause, resume, without_buffer, Recv};
use crate::{
    kbuf::groups::{Bundle, Pieces},
    op::{Attempt, Outcome},
    sys::{
        socket::{Received, Socket, UserBuffers},
        user::IoVec,
    },
    uapi::{
        abi::{cqe, msg},
        errno::{EAGAIN, ENOBUFS, ENOENT},
    },
};

/// What a receive of a bundle keeps between two attempts.
pub(super) struct RecvBundle {
    /// The buffers of the last transfer, kept for their memory.
    iov: Pieces,
    /// Bytes that the socket had left, if it said so.
    left: usize,
    /// Whether this is the second transfer of a completion.
    second: bool,
    /// Whether the request's length was reached, so that others have their turn first.
    capped: bool,
    /// Whether it goes on in the buffer that it has begun to fill.
    pub(super) resumed: bool,
    /// For how many turns more than one wake-up is expected before each: a stream does not say how many there were
    /// of one that is told of the first only.
    bursts: u8,
}

/// Turns for which that is expected after more than one was seen.
const BURSTS: u8 = 32;

impl RecvBundle {
    /// One that has received nothing yet.
    pub(super) fn new() -> Self {
        Self {
            iov: Pieces::new(),
            left: 0,
            second: false,
            capped: false,
            resumed: false,
            bursts: 0,
        }
    }

    /// Whether more than one wake-up is expected before the next turn, given whether there was before this one.
    pub(super) fn expects_burst(&mut self, again: bool) -> bool {
        self.bursts = if again {
            BURSTS
        } else {
            self.bursts.saturating_sub(1)
        };
        self.bursts > 0
    }

    /// The buffers that were selected.
    #[inline]
    fn buffers(&self) -> UserBuffers<'_> {
        match self.iov[..] {
            [piece] => UserBuffers::One {
                addr: piece.base(),
                len: piece.len(),
            },
            _ => UserBuffers::Many {
                iov: &self.iov,
                skip: 0,
            },
        }
    }

    /// Bytes to take buffers for, 0 if that is not known.
    fn wanted(&self, len: u32, total: u32) -> usize {
        let mut wanted = match len as usize {
            0 if self.left > 1 => self.left,
            len => len,
        };
        if self.second {
            wanted = self.left;
        }
        match total as usize {
            0 => wanted,
            total if wanted == 0 => total,
            total => wanted.min(total),
        }
    }
}

/// The flags that a second transfer decides.
const LATEST: u32 = cqe::SOCK_NONEMPTY | cqe::BUF_MORE;

impl Recv {
    /// Receives into bundles of buffers of `group`, until it has to wait or is over.
    pub(super) fn issue_bundle(
        &mut self,
        bundle: &mut RecvBundle,
        socket: Socket<'_>,
        attempt: &mut Attempt<'_, '_>,
        group: u16,
    ) -> Outcome {
        let flags = self.args.msg_flags | msg::DONTWAIT;
        let all = flags & msg::WAITALL != 0;
        let mut again = may_be_at_eof(socket, attempt.wake_flags);
        let mut found = false;
        loop {
            let selected = match self.select_bundle(bundle, socket, attempt, group) {
                Ok(selected) => selected,
                Err(outcome) => return outcome,
            };
            let buffers = bundle.buffers();
            let want = buffers.len();
            let got = socket.recv(buffers, None, (0, 0), flags);
            bundle.left = got.left.unwrap_or(0);
            let len = match self.received(&got, socket, attempt) {
                Ok(len) => len,
                Err(outcome) => {
                    // Who finds nothing is not polled for anew: poll may say for ever that there is something.
                    self.burst &= found;
                    return outcome;
                }
            };
            found = true;
            let short = all && len < want;
            if let [piece] = bundle.iov[..] {
                // A single buffer that is consumed whole is this request's until it is full.
                if short && len > 0 && selected.whole && socket.resumes() {
                    return self.resume_in(bundle, piece, len, selected, attempt);
                }
            }
            let broken = short || (all && got.flags & (msg::TRUNC | msg::CTRUNC) != 0);
            if len == 0 {
                return self.stop_with(nonempty(&got), broken);
            }
            let (last, clipped) = (selected.last, selected.clipped);
            let used = attempt
                .ring
                .groups()
                .commit_many(selected, &bundle.iov, len.min(want));
            let enough = self.limit_reached(len);
            let cflags = self.count_part(bundle, len, used | nonempty(&got));
            if last && !self.args.keep() {
                return self.stop_with(cflags, broken);
            }
            let on = !(last || bundle.second || clipped || bundle.capped || enough);
            if on && bundle.left > 1 && len == want {
                bundle.second = true;
                continue;
            }
            if !self.args.multishot() || enough || !attempt.post_more(self.done as i32, cflags) {
                return self.stop_with(cflags, broken);
            }
            self.done = 0;
            self.begun = None;
            bundle.second = false;
            if let Some(outcome) = pause(&got, &mut again, &mut self.shots, bundle.capped) {
                if matches!(outcome, Outcome::Requeue) {
                    bundle.capped = false;
                }
                return outcome;
            }
        }
    }

    /// Has a receive that wants all go on in the buffer of which it has filled `len` bytes.
    #[inline]
    fn resume_in(
        &mut self,
        bundle: &mut RecvBundle,
        buffer: IoVec,
        len: usize,
        selected: Bundle,
        attempt: &mut Attempt<'_, '_>,
    ) -> Outcome {
        self.done += len;
        self.args.addr = buffer.base() + len as u64;
        self.args.len = buffer.len() as u32 - len as u32;
        self.begun = Some(
            attempt
                .ring
                .groups()
                .commit_many(selected, &bundle.iov, len),
        );
        bundle.resumed = true;
        resume(self.args.msg_flags, &mut self.shots)
    }

    /// Counts `len` bytes more that are to be told of by the next completion, whose flags it returns: those of the first transfer
    /// for it, save for what the latest one decides.
    #[inline]
    fn count_part(&mut self, bundle: &mut RecvBundle, len: usize, flags: u32) -> u32 {
        let flags = match self.begun {
            Some(first) => first | (flags & LATEST),
            None => flags,
        };
        self.done += len;
        self.begun = Some(flags & !LATEST);
        if self.args.multishot() && self.args.len != 0 && self.done >= self.args.len as usize {
            bundle.capped = true;
        }
        flags
    }

    /// The buffers for the next transfer, or what becomes of the request without any.
    #[inline]
    fn select_bundle(
        &self,
        bundle: &mut RecvBundle,
        socket: Socket<'_>,
        attempt: &mut Attempt<'_, '_>,
        group: u16,
    ) -> Result<Bundle, Outcome> {
        let wanted = bundle.wanted(self.args.len, self.args.total);
        let selected = attempt
            .ring
            .groups()
            .select_many(group, wanted, &mut bundle.iov);
        selected.map_err(|error| match error {
            // A worker of io_uring takes one buffer, and says of any reason that there is none.
            ENOENT if self.done == 0 && self.args.by_worker() && !attempt.polled => {
                Outcome::failed(ENOBUFS)
            }
            error if self.done == 0 => {
                without_buffer(socket, attempt, &self.args, self.args.multishot(), error)
            }
            _ => self.stop_with(0, true),
        })
    }

    /// How many bytes a transfer has received, or what becomes of the request without any.
    #[inline]
    fn received(
        &self,
        got: &Received,
        socket: Socket<'_>,
        attempt: &Attempt<'_, '_>,
    ) -> Result<usize, Outcome> {
        match got.len {
            Ok(len) => Ok(len),
            Err(EAGAIN) if self.args.multishot() => Err(Outcome::POLL),
            Err(EAGAIN) => match self.without_waiting::<false>(socket, attempt) {
                Some(Ok(len)) => Ok(len),
                Some(Err(error)) => Err(Outcome::failed(error)),
                None => Err(Outcome::POLL),
            },
            Err(error) if self.done == 0 => Err(Outcome::failed(error)),
            Err(_) => Err(self.stop_with(nonempty(got), true)),
        }
    }

    /// Over, with all that has been received.
    fn stop_with(&self, flags: u32, broken: bool) -> Outcome {
        Outcome::Done {
            res: self.done as i32,
            flags: flags | self.begun.unwrap_or(0),
            broken,
        }
    }
}
