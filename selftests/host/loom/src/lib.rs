// SPDX-License-Identifier: GPL-2.0

//! What the module's lock-free code does in every order that the memory model allows.
//!
//! loom runs each test once for every interleaving of its threads, and for every value that a
//! weakly ordered load may return.
#![cfg(test)]
// The module uses more of its files than the tests do.
#![allow(dead_code)]

#[path = "../../../../rust/kbuf/mapped.rs"]
mod mapped;
#[path = "../../../../rust/notif/notice.rs"]
mod notice;
#[path = "../../../../rust/kbuf/selected.rs"]
mod selected;
#[path = "../../../../rust/req/wake.rs"]
mod wake;
#[path = "../../../../rust/notif/zc_refs.rs"]
mod zc_refs;

mod atomic_model;

mod test_claim;
mod test_mapped;
mod test_notif;
mod test_orphans;
