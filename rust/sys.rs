// SPDX-License-Identifier: GPL-2.0

//! The kernel facilities that ruring stands on, one file each.
//!
//! All unsafe code of the module is below this one. Each wrapper is sound whatever safe code does
//! with it; what it asks of its callers for the sake of *behaviour* is in its documentation.

// What user space and the kernel share has 64-bit addresses in 64-bit words, whose lower half comes
// first.
const _: () = assert!(cfg!(target_pointer_width = "64") && cfg!(target_endian = "little"));

#[allow(
    clippy::all,
    dead_code,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unsafe_op_in_unsafe_fn,
    improper_ctypes,
    unreachable_pub,
    unnecessary_transmutes,
    clippy::as_underscore,
    clippy::cast_lossless,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::undocumented_unsafe_blocks
)]
mod bindings {
    type __kernel_size_t = usize;
    type __kernel_ssize_t = isize;
    type __kernel_ptrdiff_t = isize;
    // What the kernel crate's static branches are for.
    pub(super) use kernel::bindings::{static_key_false, tracepoint};
    include!(env!("RURING_BINDINGS"));
}

mod abi;
pub(crate) mod bpf;
pub(crate) mod buffer;
mod callback;
mod calls;
pub(crate) mod context;
pub(crate) mod device;
pub(crate) mod eventfd;
/// The examples in the documentation of what is below, as `.ci/examples` has gathered them: safe code.
#[cfg(doctest)]
#[allow(dead_code, unreachable_pub, unused_imports)]
#[forbid(unsafe_code)]
mod examples {
    include!(env!("RURING_EXAMPLES"));
}
pub(crate) mod exit;
pub(crate) mod fd;
pub(crate) mod lock;
pub(crate) mod lsm;
pub(crate) mod memory;
pub(crate) mod module;
pub(crate) mod napi;
pub(crate) mod object;
pub(crate) mod open;
mod page_list;
pub(crate) mod pin;
pub(crate) mod policy;
pub(crate) mod poll;
pub(crate) mod processor;
pub(crate) mod queue;
pub(crate) mod ringfile;
pub(crate) mod rw;
pub(crate) mod signal;
pub(crate) mod sleep;
pub(crate) mod socket;
pub(crate) mod splice;
pub(crate) mod sync;
pub(crate) mod table;
pub(crate) mod task;
pub(crate) mod task_work;
pub(crate) mod time;
pub(crate) mod timer;
pub(crate) mod trace;
pub(crate) mod ubuf;
pub(crate) mod unexported;
pub(crate) mod user;
pub(crate) mod user_worker;
pub(crate) mod waitqueue;
