// SPDX-License-Identifier: GPL-2.0

//! In which state a request is.
//!
//! Both states change by the functions here alone. Who may touch which part of a request, and when:
//!
//! | part | who | when |
//! | --- | --- | --- |
//! | [`ReqState`], in the job | who has the handle | always |
//! | [`Place`], in the header | anybody reads; who has the ring locked changes it | before it is queued or put aside, and when it is back |
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
    /// A worker was to do it, of which none could be made: its task does it where the ring is not locked, with the rights that it
    /// had when it was submitted.
    Unserved,
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

    /// No worker does it. Returns the state that it had.
    pub(crate) fn set_unserved(&mut self) -> ReqState {
        core::mem::replace(&mut self.state, ReqState::Unserved)
    }

    /// Its task does it, if no worker does. It had the state `before`.
    pub(crate) fn set_served(&mut self, before: ReqState) {
        if self.state == ReqState::Unserved {
            self.state = before;
        }
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

/// Where a request is while the ring may be unlocked and no wake-up finds it parked. It changes with the ring locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Place {
    /// In no such place: it is driven with the ring locked, parked, in an inbox, or over.
    None,
    /// In a queue of the ring, which `exec/queued.rs` lists: of those for workers, of stalled ones, or of sends behind others.
    Queued,
    /// In such a queue, from which it is to be taken out and requeued.
    Dropped,
    /// With a worker, or with its task once that has unlocked the ring; or done by one of them, and on its way back.
    Punted,
}

impl Place {
    const ALL: [Self; 4] = [Self::None, Self::Queued, Self::Dropped, Self::Punted];
}

impl Header {
    /// Where it is, if it is queued in the ring or punted.
    pub(crate) fn place(&self) -> Place {
        let stored = self.place.load(Relaxed);
        let place = Place::ALL.into_iter().find(|place| *place as u32 == stored);
        // It is only written from a `Place`.
        warn_on!(place.is_none());
        place.unwrap_or(Place::None)
    }

    /// It waits in a queue from here on.
    ///
    /// # Context
    ///
    /// With the ring locked.
    pub(crate) fn queue(&self) {
        self.change(&[Place::None], Place::Queued);
    }

    /// It is to be taken out of the queue.
    ///
    /// # Context
    ///
    /// With the ring locked.
    pub(crate) fn drop_queued(&self) {
        self.change(&[Place::Queued], Place::Dropped);
    }

    /// It is done with the ring unlocked from here on, by a worker or its task.
    ///
    /// # Context
    ///
    /// With the ring locked.
    pub(crate) fn set_punted(&self) {
        self.change(&[Place::None, Place::Queued], Place::Punted);
    }

    /// It is back, and whoever has the ring locked drives it.
    ///
    /// # Context
    ///
    /// With the ring locked.
    pub(crate) fn set_back(&self) {
        use Place::{Dropped, Punted, Queued};
        self.change(&[Queued, Dropped, Punted], Place::None);
    }

    fn change(&self, from: &[Place], to: Place) {
        // Whoever changes it has the ring locked, and has seen or knows what it was.
        warn_on!(!from.contains(&self.place()));
        self.place.store(to as u32, Relaxed);
    }
}
