// SPDX-License-Identifier: GPL-2.0
//! The example of that name that comes with the io-uring crate, as it is.
include!(env!("IO_URING_TCP_ECHO"));
