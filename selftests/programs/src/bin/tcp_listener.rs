// SPDX-License-Identifier: GPL-2.0
//! The example of that name that comes with the tokio-uring crate, as it is.
include!(env!("TOKIO_URING_TCP_LISTENER"));
