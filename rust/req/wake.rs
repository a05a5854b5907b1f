// SPDX-License-Identifier: GPL-2.0

//! Who drives a request that waits: one atomic word, and the wake flags left in it.
//!
//! A request is either *held* (somebody has its handle) or *parked* (nobody has; the handle rests
//! in the request). A wake-up and a cancel both [`WakeState::claim`]: the one who finds the request
//! parked gets the handle, the others set their wake flag for whoever holds it. A holder who wants
//! to park again can only do so when no wake flag has come in since it last looked.

#[cfg(not(test))]
use kernel::sync::atomic::{Acquire, Atomic, Full, Relaxed, Release};

#[cfg(test)]
use super::atomic_model::{Acquire, Atomic, Full, Relaxed, Release};

/// Why a parked request should run.
///
/// The low 16 bits are the poll events that a wake-up brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WakeFlags(u32);

impl WakeFlags {
    const CANCEL: u32 = 1 << 16;
    const WOKEN: u32 = 1 << 17;
    const AGAIN: u32 = 1 << 18;
    const BY_RING: u32 = 1 << 19;
    const EXPIRE: u32 = 1 << 20;
    const LINK_EXPIRE: u32 = 1 << 21;
    const LAST: u32 = 1 << 22;

    /// Nothing, which still claims.
    pub(crate) const NONE: Self = Self(0);
    /// The flag that says that the request is to end.
    pub(crate) const CANCELLED: Self = Self(Self::CANCEL);
    /// The time that the request waits for has come.
    pub(crate) const EXPIRED: Self = Self(Self::EXPIRE);
    /// The request has taken longer than the timeout that is linked to it allows.
    pub(crate) const LINK_EXPIRED: Self = Self(Self::LINK_EXPIRE);

    /// A wake-up that brought `events`; none means that the waker did not say.
    #[inline]
    pub(crate) const fn woken(events: u32, by_ring: bool) -> Self {
        Self(Self::WOKEN | (events & 0xffff) | if by_ring { Self::BY_RING } else { 0 })
    }

    /// The `events` that were there when the request looked for itself, which is no wake-up: only one that comes until it is
    /// driven makes them out of date.
    #[inline]
    pub(crate) const fn found(events: u32) -> Self {
        Self(events & 0xffff)
    }

    /// The `events` that there are of what will wake nobody up.
    pub(crate) const fn last_woken(events: u32) -> Self {
        Self(Self::woken(events, true).0 | Self::LAST)
    }

    /// Whether no wake-up will follow.
    #[inline]
    pub(crate) const fn last(self) -> bool {
        self.0 & Self::LAST != 0
    }

    /// Whether the request is to end.
    #[inline]
    pub(crate) const fn cancelled(self) -> bool {
        self.0 & Self::CANCEL != 0
    }

    /// Whether the time that it waits for has come.
    #[inline]
    pub(crate) const fn expired(self) -> bool {
        self.0 & Self::EXPIRE != 0
    }

    /// Whether its linked timeout has passed.
    #[inline]
    pub(crate) const fn link_expired(self) -> bool {
        self.0 & Self::LINK_EXPIRE != 0
    }

    /// Whether a wake-up came while somebody had the handle already, so that it may be for what the request has not
    /// seen yet.
    #[inline]
    pub(crate) const fn again(self) -> bool {
        self.0 & Self::AGAIN != 0
    }

    /// Whether a ring's completions woke it (`EPOLL_URING_WAKE`), so that it reports once more and ends: a ring whose
    /// request waits for its own completions would have it report for ever. Also what no wake-up will follow is so.
    #[inline]
    pub(crate) const fn by_ring(self) -> bool {
        self.0 & Self::BY_RING != 0
    }

    /// The flags that are set in one of them or in both.
    #[inline]
    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The events that wake-ups brought.
    #[inline]
    pub(crate) const fn events(self) -> u32 {
        self.0 & 0xffff
    }
}

/// The word in which all flags of a request are, and whether it is held. A new one is held.
pub(crate) struct WakeState {
    word: Atomic<u32>,
    /// The word when its holder has taken flags and left them there, those of the wake-up by which it is held: to take them
    /// out would be one more locked instruction. Else without any. Only the holder reads and writes it.
    taken: Atomic<u32>,
}

impl WakeState {
    const HELD: u32 = 1 << 31;
    /// What may be in the word besides [`WakeFlags::WOKEN`] if its flags stay. One that comes again is seen by
    /// [`WakeFlags::AGAIN`].
    const DETAILS: u32 = WakeFlags::BY_RING | 0xffff;

    /// A word whose handle is with the caller.
    pub(crate) fn new() -> Self {
        Self {
            word: Atomic::new(Self::HELD),
            taken: Atomic::new(Self::HELD),
        }
    }

    /// Leaves `wake_flags`; true if the request was parked and is now the caller's.
    ///
    /// Between two parks at most one caller is told true. It then sees all that the one who
    /// parked had written.
    #[inline]
    pub(crate) fn claim(&self, wake_flags: WakeFlags) -> bool {
        let mut old = self.word.load(Relaxed);
        loop {
            let held = old & Self::HELD != 0;
            // In the same step: a flag that was set later could come after the holder has parked.
            let again = if held && wake_flags.0 & WakeFlags::WOKEN != 0 {
                WakeFlags::AGAIN
            } else {
                0
            };
            // Full ordering: what the claimer does next must not be seen before it.
            let new = old | Self::HELD | wake_flags.0 | again;
            match self.word.cmpxchg(old, new, Full) {
                Ok(_) => return !held,
                Err(now) => old = now,
            }
        }
    }

    /// Parks the handle, unless there are wake flags to look at.
    ///
    /// False, and still the holder's, if a wake flag has been set.
    ///
    /// # Context
    ///
    /// Only for the holder.
    #[inline]
    pub(crate) fn park(&self) -> bool {
        let taken = self.taken.load(Relaxed);
        // Before it is parked: from there on it is the next holder's.
        self.taken.store(Self::HELD, Relaxed);
        let parked = self.word.cmpxchg(taken, 0, Release).is_ok();
        if !parked {
            self.taken.store(taken, Relaxed);
        }
        parked
    }

    /// As [`WakeState::park`], for who most likely has not been woken up since it holds it: in fewer instructions then.
    ///
    /// # Context
    ///
    /// Only for the holder.
    #[inline]
    pub(crate) fn park_first(&self) -> bool {
        self.word.cmpxchg(Self::HELD, 0, Release).is_ok() || self.park()
    }

    /// Whether nobody holds it, at the moment.
    #[inline]
    pub(crate) fn is_parked(&self) -> bool {
        self.word.load(Relaxed) & Self::HELD == 0
    }

    /// Whether its own time has come, which its holder has not looked at yet.
    #[inline]
    pub(crate) fn has_expired(&self) -> bool {
        WakeFlags(self.word.load(Relaxed)).expired()
    }

    /// Whether the linked timeout has passed, which its holder has not looked at yet.
    #[inline]
    pub(crate) fn is_overdue(&self) -> bool {
        WakeFlags(self.word.load(Relaxed)).link_expired()
    }

    /// Takes the wake flags that came in so far.
    ///
    /// # Context
    ///
    /// Only for the holder, who was just given it, by who claimed it or by [`WakeState::forget_taken`]'s caller.
    #[inline]
    pub(crate) fn take_wake_flags(&self) -> WakeFlags {
        let word = self.word.load(Acquire);
        if word & !Self::DETAILS == Self::HELD | WakeFlags::WOKEN {
            self.taken.store(word, Relaxed);
            return WakeFlags(word & !Self::HELD);
        }
        self.take_more(word)
    }

    /// Takes those that came in since it was asked last. With [`WakeFlags::again`] there may be events among them that it was told
    /// of before.
    ///
    /// # Context
    ///
    /// Only for the holder.
    #[inline]
    pub(crate) fn more_wake_flags(&self) -> WakeFlags {
        self.take_more(self.word.load(Acquire))
    }

    fn take_more(&self, word: u32) -> WakeFlags {
        let taken = self.taken.load(Relaxed);
        if word == taken {
            return WakeFlags::NONE;
        }
        self.taken.store(Self::HELD, Relaxed);
        let word = self.word.xchg(Self::HELD, Acquire);
        WakeFlags(word & !Self::told(word, taken) & !Self::HELD)
    }

    /// The flags of `word` that need not be told once more, of those that were `taken`.
    const fn told(word: u32, taken: u32) -> u32 {
        if word & WakeFlags::AGAIN == 0 {
            taken
        } else {
            0
        }
    }

    /// Has the next one who asks be told of nothing that was taken before: the holder gives it to another one, or leaves flags for
    /// itself.
    ///
    /// # Context
    ///
    /// Only for the holder.
    #[inline]
    pub(crate) fn forget_taken(&self) {
        let taken = self.taken.load(Relaxed);
        if taken == Self::HELD {
            return;
        }
        self.taken.store(Self::HELD, Relaxed);
        let mut word = self.word.load(Relaxed);
        loop {
            let rest = word & !Self::told(word, taken) | Self::HELD;
            match self.word.cmpxchg(word, rest, Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }

    /// Forgets all flags, of which nobody leaves one any more that matters.
    ///
    /// # Context
    ///
    /// Only for the holder.
    #[inline]
    pub(crate) fn reset(&self) {
        self.taken.store(Self::HELD, Relaxed);
        self.word.store(Self::HELD, Relaxed);
    }
}
