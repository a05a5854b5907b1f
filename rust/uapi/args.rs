// SPDX-License-Identifier: GPL-2.0

//! What each opcode reads from its SQE, checked as `io_uring_enter(2)` says.
//!
//! A field that an opcode does not use must be zero where the kernel insists on it.

pub(crate) mod cancel;
pub(crate) mod files;
pub(crate) mod msg_ring;
pub(crate) mod names;
pub(crate) mod nop;
pub(crate) mod poll;
pub(crate) mod provide;
pub(crate) mod recvsend;
pub(crate) mod rw;
pub(crate) mod socket;
pub(crate) mod splice;
pub(crate) mod sync;
pub(crate) mod timeout;
