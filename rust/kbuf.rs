// SPDX-License-Identifier: GPL-2.0

//! Provided buffers: groups of buffers that receives take from.

pub(crate) mod classic;
pub(crate) mod group;
pub(crate) mod groups;
pub(crate) mod mapped;
pub(crate) mod marks;
pub(crate) mod row;
pub(crate) mod selected;
