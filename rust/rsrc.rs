// SPDX-License-Identifier: GPL-2.0

//! What is registered with a ring beforehand, to be named by an index.

pub(crate) mod buffers;
pub(crate) mod pieces;
