// SPDX-License-Identifier: GPL-2.0

//! A buffer in flight: who still holds on to it, and what became of its pages.
//!
//! The request that sends it holds on to it, and each packet that carries some of it. The last one
//! to let go, wherever that happens, has the notification to itself and sees all that the others
//! did before. A notification that was *joined* to another one, because one packet carries pages of
//! both, holds on to that one until it is let go itself.

#[cfg(not(test))]
use kernel::sync::atomic::{Atomic, Relaxed};

#[cfg(test)]
use super::atomic_model::{Atomic, Relaxed};

/// How many hold on to a buffer. The network stack increments it as well.
pub(crate) trait Count {
    /// One fewer. True for the last one, who then sees all that the others did before.
    fn put(&self) -> bool;

    /// Whether the caller is the only one, who then sees all that the others did before.
    fn is_sole(&self) -> bool;
}

/// What one who lets go says of the pages that it has held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PagesUsed {
    /// Nothing: it is no packet.
    Unknown,
    /// They were sent from where they are.
    Sent,
    /// The pages of the buffer were copied.
    Copied,
}

/// What became of the pages of a send, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    sent: bool,
    copied: bool,
}

impl Usage {
    /// What is to be told of two buffers together: one that was copied says so for both.
    #[inline]
    pub(crate) const fn union(self, other: Self) -> Self {
        Self {
            sent: self.sent || other.sent,
            copied: self.copied || other.copied,
        }
    }

    /// Whether to say that they were copied, as is assumed when nobody knows.
    #[inline]
    pub(crate) const fn copied(self) -> bool {
        self.copied || !self.sent
    }
}

/// The state of a buffer in flight.
pub(crate) struct ZcRefs<C> {
    /// How many packets and requests hold on to it.
    pub(crate) count: C,
    /// Two words, as they are written by whoever comes and never cleared meanwhile.
    sent: Atomic<u32>,
    copied: Atomic<u32>,
}

impl<C: Count> ZcRefs<C> {
    /// One that nobody has marked.
    pub(crate) fn new(count: C) -> Self {
        Self {
            count,
            sent: Atomic::new(0),
            copied: Atomic::new(0),
        }
    }

    /// Forgets what became of the pages.
    ///
    /// # Context
    ///
    /// Nobody else may use it meanwhile.
    #[inline]
    pub(crate) fn reset(&self) {
        self.sent.store(0, Relaxed);
        self.copied.store(0, Relaxed);
    }

    /// One holder lets go, and must not look at this again unless it was the last: true.
    #[inline]
    pub(crate) fn put(&self, pages: PagesUsed) -> bool {
        let mark = match pages {
            PagesUsed::Unknown => None,
            PagesUsed::Sent => Some(&self.sent),
            PagesUsed::Copied => Some(&self.copied),
        };
        if let Some(mark) = mark {
            // Most of the time it is set already: no need to have the cache line to oneself.
            if mark.load(Relaxed) == 0 {
                mark.store(1, Relaxed);
            }
        }
        self.count.put()
    }

    /// What became of the pages.
    ///
    /// # Context
    ///
    /// Nobody else may use it meanwhile.
    #[inline]
    pub(crate) fn usage(&self) -> Usage {
        Usage {
            sent: self.sent.load(Relaxed) != 0,
            copied: self.copied.load(Relaxed) != 0,
        }
    }
}
