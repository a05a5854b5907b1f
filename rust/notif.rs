// SPDX-License-Identifier: GPL-2.0

//! Zero-copy notifications: when the pages of a send are the application's again, and what is
//! said then.
//!
//! The rule, to which there is no exception: a notification begins when a request first hands its
//! buffer to a socket, and ends in one completion when neither the request nor any packet can
//! reach the buffer any more. A request that never got so far has none.
//!
//! * With two completions the first one has IORING_CQE_F_MORE if and only if the notification has
//!   begun; the second one is the notification's.
//! * With one it is posted at once, without IORING_CQE_F_NOTIF, if no notification has begun, and
//!   else, with IORING_CQE_F_NOTIF, when that ends.

pub(crate) mod notice;
pub(crate) mod zc_refs;
