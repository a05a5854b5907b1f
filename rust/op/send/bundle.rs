// SPDX-License-Identifier: GPL-2.0

//! SEND from several provided buffers at once (IORING_RECVSEND_BUNDLE).

use super::Send;
use crate::{
    kbuf::groups::Pieces,
    op::{Attempt, Outcome},
    sys::{
        socket::{SockAddr, Socket, UserBuffers},
        user::IoVec,
    },
    uapi::{
        abi::msg,
        errno::{Result, EAGAIN},
    },
};
use core::num::NonZeroU32;

/// How many bundles are sent before others have their turn.
const MAX_BUNDLES: u32 = 32;

/// What a send of a bundle keeps between two attempts.
pub(super) struct SendBundle {
    /// What is being sent.
    iov: Pieces,
    /// Whether it was all that the group had.
    last: bool,
}

impl SendBundle {
    /// One that has selected nothing yet.
    pub(super) fn new() -> Self {
        Self {
            iov: Pieces::new(),
            last: false,
        }
    }

    /// What is to be sent.
    pub(super) fn pieces(&self) -> &[IoVec] {
        &self.iov
    }
}

impl Send {
    /// Takes the next bundle, which is consumed at once, and kept while the request waits. Returns the flags for its completion.
    ///
    /// # Errors
    ///
    /// Those of [`Groups::select_many_to_send`](crate::kbuf::groups::Groups::select_many_to_send).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(super) fn next_bundle(
        &mut self,
        bundle: &mut SendBundle,
        attempt: &mut Attempt<'_, '_>,
        group: u16,
    ) -> Result<u32> {
        let groups = attempt.ring.groups();
        let selected = groups.select_many_to_send(group, self.len as usize, &mut bundle.iov)?;
        bundle.last = selected.last;
        let bytes = UserBuffers::Many {
            iov: &bundle.iov,
            skip: 0,
        };
        Ok(groups.commit_many(selected, &bundle.iov, bytes.len()))
    }

    /// Sends bundles of buffers of `group`, to `dest` if there is one, until it has to wait or there are no more.
    pub(super) fn issue_bundle(
        &mut self,
        bundle: &mut SendBundle,
        dest: &mut Option<(SockAddr, usize)>,
        socket: Socket<'_>,
        attempt: &mut Attempt<'_, '_>,
        group: u16,
    ) -> Outcome {
        let flags = self.msg_flags | msg::DONTWAIT;
        for _ in 0..MAX_BUNDLES {
            let cflags = match self.buffer {
                Some(cflags) => cflags.get(),
                None => match self.next_bundle(bundle, attempt, group) {
                    Ok(cflags) => cflags,
                    Err(error) => return Outcome::failed(error),
                },
            };
            self.buffer = NonZeroU32::new(cflags);
            let buffers = UserBuffers::Many {
                iov: &bundle.iov,
                skip: self.done as usize,
            };
            let want = buffers.len();
            let dest = dest.as_mut().map(|(addr, len)| (addr, *len));
            let sent = match socket.send(buffers, dest, flags) {
                Err(EAGAIN) => return Outcome::POLL,
                sent => sent,
            };
            let len = sent.unwrap_or(0);
            self.done += len as u32;
            if len > 0 && len < want && socket.resumes() {
                return Outcome::POLL;
            }
            let res = match sent {
                Err(error) if self.done == 0 => error.to_raw(),
                _ => self.done as i32,
            };
            if res <= 0 || bundle.last || attempt.polled || !attempt.post_more(res, cflags) {
                return Outcome::Done {
                    res,
                    flags: cflags,
                    broken: sent.is_err() || len < want,
                };
            }
            // The length is that of the first bundle.
            self.done = 0;
            self.len = 0;
            self.buffer = None;
        }
        Outcome::Requeue
    }
}
