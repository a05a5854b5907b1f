// SPDX-License-Identifier: GPL-2.0

//! The wire formats of io_uring(7) and what an SQE says, parsed once.
//!
//! Nothing here needs the kernel, save for [`ioctl`]: the same files are tested on the host.

pub(crate) mod abi;
pub(crate) mod args;
pub(crate) mod errno;
pub(crate) mod filter;
pub(crate) mod ioctl;
pub(crate) mod napi;
pub(crate) mod node;
pub(crate) mod number;
pub(crate) mod policy;
pub(crate) mod region;
pub(crate) mod registered;
pub(crate) mod restrictions;
pub(crate) mod setup;
pub(crate) mod sqe;
pub(crate) mod structs;
pub(crate) mod syscall;
