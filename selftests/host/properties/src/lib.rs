// SPDX-License-Identifier: GPL-2.0

//! What the module's pure code does, against simple models of it.
//!
//! The files of the module are built as they are. A model says the same as they do in another,
//! plainer way: counters of 64 bits that do not wrap around, a queue of buffers, the rules of
//! `io_uring/*.c` field by field.
#![cfg(test)]
// The module uses more of its files than the tests do.
#![allow(dead_code, unused_imports)]

#[path = "../../../../rust/uapi/abi.rs"]
mod abi;
#[path = "../../../../rust/uapi/args"]
mod args {
    pub(crate) mod cancel;
    pub(crate) mod files;
    pub(crate) mod msg_ring;
    pub(crate) mod nop;
    pub(crate) mod poll;
    pub(crate) mod provide;
    pub(crate) mod recvsend;
    pub(crate) mod rw;
    pub(crate) mod socket;
    pub(crate) mod timeout;
}
#[path = "../../../../rust/kbuf/classic.rs"]
mod classic;
#[path = "../../../../rust/ring/cursor.rs"]
mod cursor;
#[path = "../../../../rust/uapi/errno.rs"]
mod errno;
#[path = "../../../../rust/uapi/filter.rs"]
mod filter;
#[path = "../../../../rust/uapi/ioctl.rs"]
mod ioctl;
#[path = "../../../../rust/kbuf/mapped.rs"]
mod mapped;
#[path = "../../../../rust/uapi/napi.rs"]
mod napi;
#[path = "../../../../rust/notif/notice.rs"]
mod notice;
#[path = "../../../../rust/uapi/number.rs"]
mod number;
#[path = "../../../../rust/rsrc/pieces.rs"]
mod pieces;
#[path = "../../../../rust/uapi/region.rs"]
mod region;
#[path = "../../../../rust/uapi/registered.rs"]
mod registered;
#[path = "../../../../rust/uapi/restrictions.rs"]
mod restrictions;
#[path = "../../../../rust/kbuf/selected.rs"]
mod selected;
#[path = "../../../../rust/uapi/setup.rs"]
mod setup;
#[path = "../../../../rust/rsrc/slots.rs"]
mod slots;
#[path = "../../../../rust/uapi/sqe.rs"]
mod sqe;
#[path = "../../../../rust/uapi/structs.rs"]
mod structs;
#[path = "../../../../rust/uapi/syscall.rs"]
mod syscall;
#[path = "../../../../rust/req/wake.rs"]
mod wake;
#[path = "../../../../rust/notif/zc_refs.rs"]
mod zc_refs;

mod args_model;
mod atomic_model;
mod fields;
mod ioctl_model;
mod warn_model;

mod test_args;
mod test_claim;
mod test_classic;
mod test_cursor;
mod test_mapped;
mod test_notif;
mod test_pieces;
mod test_setup;
mod test_slots;
mod test_uapi;

/// So many cases of each property, and no files left in the tree by one that fails: its smallest
/// case is in the output.
fn cases(count: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases: count,
        failure_persistence: None,
        ..Default::default()
    }
}
