// SPDX-License-Identifier: GPL-2.0

//! What is registered with a ring beforehand, to be named by an index.

pub(crate) mod buffers;
pub(crate) mod files;
pub(crate) mod pieces;
pub(crate) mod slots;
pub(crate) mod table;
