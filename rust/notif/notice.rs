// SPDX-License-Identifier: GPL-2.0

//! What a notification says.

use super::zc_refs::Usage;

/// `IORING_NOTIF_USAGE_ZC_COPIED`
pub(crate) const COPIED: i32 = 1 << 31;

/// How a send and its notification are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The send first, then the notification, which says what became of the pages if it is asked
    /// to (IORING_SEND_ZC_REPORT_USAGE).
    Two {
        /// Whether the notification is asked to say that.
        report: bool,
    },
    /// Both at once (RURING_SEND_ZC_COMBINE_CQE).
    One,
}

/// What a zero-copy send has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Bytes, or a negative errno.
    pub(crate) res: i32,
    /// Whether it breaks a link, which a negative `res` does anyway.
    pub(crate) broken: bool,
}

/// Where the buffer of a send that is over is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BufferState {
    /// It was never handed to the socket.
    Unsent,
    /// It was, and nobody has it any more.
    Free,
    /// It was, and packets may still carry it.
    InFlight,
}

/// What there is to say when a send is over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// The send has its completion now, with its result.
    Now {
        /// Whether another completion follows (IORING_CQE_F_MORE).
        more: bool,
        /// Whether the buffer was handed to the socket and is free again (IORING_CQE_F_NOTIF).
        freed: bool,
    },
    /// Nothing: the notification will say it.
    Later,
}

/// The rule of [`crate::notif`], for the first completion or the only one.
#[inline]
pub(crate) fn first(mode: Mode, buffer: BufferState) -> First {
    let (more, freed) = match (mode, buffer) {
        (_, BufferState::Unsent) => (false, false),
        (Mode::Two { .. }, _) => (true, false),
        (Mode::One, BufferState::Free) => (false, true),
        (Mode::One, BufferState::InFlight) => return First::Later,
    };
    First::Now { more, freed }
}

/// What a notification will say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// That the buffer is free.
    Free {
        /// And what became of its pages.
        report: bool,
    },
    /// That, and what came of the send.
    Result(Sent),
}

impl Notice {
    /// What the notification of a send will say that begins now.
    #[inline]
    pub(crate) const fn new(mode: Mode) -> Self {
        match mode {
            Mode::Two { report } => Self::Free { report },
            Mode::One => Self::Result(Sent {
                res: 0,
                broken: false,
            }),
        }
    }

    /// The result of its completion.
    #[inline]
    pub(crate) const fn res(self, usage: Usage) -> i32 {
        match self {
            Self::Free { report } => {
                if report && usage.copied() {
                    COPIED
                } else {
                    0
                }
            }
            Self::Result(sent) => sent.res,
        }
    }
}
