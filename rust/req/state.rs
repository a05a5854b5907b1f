// SPDX-License-Identifier: GPL-2.0

//! In which state a request is.
//!
//! Both states change by the functions here alone. Who may touch which part of a request, and when:
//!
//! | part | who | when |
//! | --- | --- | --- |
//! | [`ReqState`], in the job | who has the handle | always |
//! | [`PuntState`], in the header | anybody reads; who has the ring locked changes it | before it is queued or put aside, and when it is back |
//! | the rest of the header | anybody reads; who has the handle changes it, by [`show`](super::show) | with the ring locked, before look-ups find it |
//! | the rest of the core, and the file | who has the handle | always: a worker and the submitter also while the ring is not locked |
//! | the wake flags | anybody with a reference | always, in one step: see [`super::wake`] |

use super::{Header, Job};
use crate::uapi::errno::Errno;
use kernel::{sync::atomic::Relaxed, warn_on};

/// The state of a request, for the holder of its handle.
///
/// It says what there is to undo before it is tried again or is over, and how its completion counts. Where it is meanwhile
/// the place of its handle says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReqState {
    /// It has been polled for. Its poll entry goes with the wake-up.
    Polled,
    /// It has been polled for, and its poll entry stays on its file's queue after a wake-up.
    PolledMultishot,
    /// Its own timer runs, or has expired.
    Timing,
    /// It has waited for nothing yet.
    Fresh,
    /// It is not to be done at all, for this reason: a negative errno, as short as it may be because each object has one.
    Refused(i16),
    /// It is no request, but the notification of a zero-copy send.
    Notification,
}

impl Job {
    /// The state that the request is in.
    pub(crate) fn state(&self) -> ReqState {
        self.state
    }

    /// Whether it has been polled for.
    pub(crate) fn has_polled(&self) -> bool {
        matches!(self.state, ReqState::Polled | ReqState::PolledMultishot)
    }

    /// Whether what wakes it up may do so once more: its poll entry stays where it is, or its timer runs.
    pub(crate) fn is_armed(&self) -> bool {
        matches!(self.state, ReqState::PolledMultishot | ReqState::Timing)
    }

    /// Why it is not to be done, if it is not.
    #[inline]
    pub(crate) fn refused(&self) -> Option<Errno> {
        match self.state {
            ReqState::Refused(error) => Some(Errno::from_raw(error.into())),
            _ => None,
        }
    }

    /// Whether it is no request but a notification.
    #[inline]
    pub(crate) fn is_notification(&self) -> bool {
        self.state == ReqState::Notification
    }

    /// It is polled for now, for one wake-up or for several. What waits for a burst is polled for anew for each.
    pub(crate) fn poll(&mut self, multishot: bool) {
        debug_assert!(matches!(
            self.state,
            ReqState::Fresh | ReqState::Polled | ReqState::PolledMultishot
        ));
        self.state = if multishot {
            ReqState::PolledMultishot
        } else {
            ReqState::Polled
        };
    }

    /// Its own timer is started, for the first time or again.
    #[inline]
    pub(crate) fn start_time(&mut self) {
        debug_assert!(matches!(self.state, ReqState::Fresh | ReqState::Timing));
        self.state = ReqState::Timing;
    }

    /// Its poll entry is taken off, or its timer is stopped, so that it is armed anew before it waits again.
    pub(crate) fn disarm(&mut self) {
        self.state = match self.state {
            ReqState::PolledMultishot => ReqState::Polled,
            ReqState::Timing => ReqState::Fresh,
            other => other,
        };
    }

    /// It is not to be done at all. The first reason counts.
    pub(crate) fn refuse(&mut self, error: Errno) {
        match self.state {
            ReqState::Refused(_) => {}
            // What is refused has not been tried: it is only submitted, or linked behind one that failed.
            state => {
                if !warn_on!(state != ReqState::Fresh) {
                    self.state = ReqState::Refused(error.to_raw() as i16);
                }
            }
        }
    }

    /// It is the notification of a zero-copy send from here on.
    #[inline]
    pub(crate) fn become_notification(&mut self) {
        debug_assert!(self.state == ReqState::Fresh);
        self.state = ReqState::Notification;
    }

    /// It begins afresh, whatever it was before.
    pub(super) fn renew(&mut self) {
        self.state = ReqState::Fresh;
    }
}

/// Where a request is that goes on without the ring being locked. Changes with the ring locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum PuntState {
    /// With the ring locked, as any other.
    None,
    /// It is in the queue from which workers take requests, in that of requests without a buffer, or behind another send.
    Queued,
    /// It waited in one of them, and is to come back.
    Dropped,
    /// A worker has it, or its task, or has had it.
    Running,
}

impl PuntState {
    const ALL: [Self; 4] = [Self::None, Self::Queued, Self::Dropped, Self::Running];
}

impl Header {
    /// Where it is, if it is punted.
    pub(crate) fn punt_state(&self) -> PuntState {
        let punt = self.punt.load(Relaxed);
        let state = PuntState::ALL
            .into_iter()
            .find(|state| *state as u32 == punt);
        // It is only written from a `PuntState`.
        warn_on!(state.is_none());
        state.unwrap_or(PuntState::None)
    }

    /// It waits in a queue from here on.
    ///
    /// # Context
    ///
    /// With the ring locked.
    pub(crate) fn queue(&self) {
        self.change(&[PuntState::None], PuntState::Queued);
    }

    /// It is to be taken out of the queue.
    ///
    /// # Context
    ///
    /// With the ring locked.
    pub(crate) fn drop_queued(&self) {
        self.change(&[PuntState::Queued], PuntState::Dropped);
    }

    /// It is done from here on, by a worker or its task.
    ///
    /// # Context
    ///
    /// With the ring locked.
    pub(crate) fn begin_punt(&self) {
        self.change(&[PuntState::None, PuntState::Queued], PuntState::Running);
    }

    /// It is back, and with nobody any more.
    ///
    /// # Context
    ///
    /// With the ring locked.
    pub(crate) fn end_punt(&self) {
        use PuntState::{Dropped, Queued, Running};
        self.change(&[Queued, Dropped, Running], PuntState::None);
    }

    fn change(&self, from: &[PuntState], to: PuntState) {
        // Whoever changes it has the ring locked, and has seen or knows what it was.
        warn_on!(!from.contains(&self.punt_state()));
        self.punt.store(to as u32, Relaxed);
    }
}
