// SPDX-License-Identifier: GPL-2.0

//! Trace events: io_uring's, under `events/ruring` of tracefs.
//!
//! C headers: `include/linux/tracepoint.h`, `include/linux/jump_label.h`, `ruring_events.h`.
//!
//! What an event says is gathered by who calls it, once [`submit_req_enabled`] and its like have said that
//! somebody wants to know: one instruction that does nothing otherwise, where the kernel has jump labels.

#![cfg_attr(not(CONFIG_TRACEPOINTS), allow(dead_code))]

#[cfg(CONFIG_TRACEPOINTS)]
use super::bindings;
use crate::uapi::structs::BigCqe;
use core::{ffi::c_void, ptr::null_mut};

/// What events call a ring, a request or a submitter: where it is. Nothing is read there.
#[derive(Clone, Copy)]
pub(crate) struct Id(*mut c_void);

impl Id {
    /// What stands for nothing in a trace.
    pub(crate) const NONE: Self = Self(null_mut());

    /// What stands for `it` in a trace: its address, which is hashed when it is printed.
    pub(crate) fn of<T>(it: &T) -> Self {
        Self(core::ptr::from_ref(it).cast_mut().cast())
    }
}

/// What events say of a request.
#[derive(Clone, Copy)]
pub(crate) struct ReqInfo {
    /// Its ring.
    pub(crate) ctx: Id,
    /// The request.
    pub(crate) req: Id,
    /// Its `user_data`.
    pub(crate) user_data: u64,
    /// Its opcode.
    pub(crate) opcode: u8,
}

macro_rules! events {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) => ($($value:expr),* $(,)?);)*) => {$(
        kernel::macros::paste! {
            $(#[$doc])*
            ///
            /// # Context
            ///
            /// May be called in any context.
            #[inline(never)] // Size: nobody traces as a rule.
            pub(crate) fn $name($($arg: $type),*) {
                // SAFETY: Tracepoints may be called in any context. They copy what they are given; what is
                // a pointer to more than a name is borrowed for the call.
                #[cfg(CONFIG_TRACEPOINTS)]
                unsafe {
                    bindings::[<rust_do_trace_ruring_ $name>]($($value),*)
                };
                #[cfg(not(CONFIG_TRACEPOINTS))]
                let _ = ($($arg,)*);
            }

            /// Whether somebody wants to know.
            pub(crate) fn [<$name _enabled>]() -> bool {
                #[cfg(CONFIG_TRACEPOINTS)]
                {
                    // SAFETY: It is the key of a tracepoint, which `trace.c` defines.
                    unsafe {
                        kernel::jump_label::static_branch_unlikely!(
                            bindings::[<__tracepoint_ruring_ $name>],
                            bindings::tracepoint,
                            key
                        )
                    }
                }
                #[cfg(not(CONFIG_TRACEPOINTS))]
                {
                    false
                }
            }
        }
    )*};
}

events! {
    /// A ring has been set up.
    fn create(fd: i32, ctx: Id, sq_entries: u32, cq_entries: u32, flags: u32) => (fd, ctx.0, sq_entries, cq_entries, flags);
    /// Something was registered, or not.
    fn register(ctx: Id, opcode: u32, nr_files: u32, nr_bufs: u32, ret: i64) => (ctx.0, opcode, nr_files, nr_bufs, ret as isize);
    /// The descriptor `fd` is about to be looked up.
    fn file_get(req: ReqInfo, fd: i32) => (req.ctx.0, req.req.0, req.user_data, fd);
    /// A request goes to the workers, as one of those that are done one after the other if it is `hashed`.
    fn queue_async_work(req: ReqInfo, flags: u8, hashed: bool) => (
        req.ctx.0, req.req.0, req.user_data, req.opcode, flags.into(), req.req.0, hashed,
    );
    /// A request has to wait for those before it.
    fn defer(req: ReqInfo) => (req.ctx.0, req.req.0, req.user_data, req.opcode);
    /// A request is linked behind `target`.
    fn link(req: ReqInfo, target: Id) => (req.ctx.0, req.req.0, target.0);
    /// `enter` is about to sleep for completions.
    fn cqring_wait(ctx: Id, min_events: u32) => (ctx.0, min_events as i32);
    /// `link` ends because `req`, which is before it, has failed.
    fn fail_link(req: ReqInfo, link: Id) => (req.ctx.0, req.req.0, req.user_data, req.opcode, link.0);
    /// A completion was written.
    fn complete(req: ReqInfo, res: i32, cflags: u32, extra: BigCqe) => (
        req.ctx.0, req.req.0, req.user_data, res, cflags, extra.extra1, extra.extra2,
    );
    /// A request is about to be submitted.
    fn submit_req(req: ReqInfo, flags: u8, sq_thread: bool) => (
        req.ctx.0, req.req.0, req.user_data, req.opcode, flags.into(), sq_thread,
    );
    /// A request waits for `events` of its file, of those that its operation is after (`mask`).
    fn poll_arm(req: ReqInfo, mask: u32, events: u32) => (
        req.ctx.0, req.req.0, req.user_data, req.opcode, mask as i32, events as i32,
    );
    /// The file of a request has woken it up.
    fn task_add(req: ReqInfo, mask: u32) => (req.ctx.0, req.req.0, req.user_data, req.opcode, mask as i32);
    /// An SQE was refused.
    fn req_failed(req: ReqInfo, sqe: &[u64; 8], error: i32) => (
        req.ctx.0, req.req.0, core::ptr::from_ref(sqe).cast(), error,
    );
    /// There is no room for a completion, which `req` keeps.
    fn cqe_overflow(req: ReqInfo, res: i32, cflags: u32) => (req.ctx.0, req.user_data, res, cflags, req.req.0);
    /// Task work has run what had come back to `tctx`.
    fn task_work_run(tctx: Id, count: u32) => (tctx.0, count);
    /// `enter` has run what had come back to a ring with IORING_SETUP_DEFER_TASKRUN.
    fn local_work_run(ctx: Id, count: u32, loops: u32) => (ctx.0, count as i32, loops);
}

/// Whether somebody wants to know what is submitted, or how that ends.
pub(crate) fn submits_enabled() -> bool {
    submit_req_enabled() || complete_enabled()
}
