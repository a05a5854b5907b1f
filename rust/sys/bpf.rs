// SPDX-License-Identifier: GPL-2.0

//! Programs of classic BPF, which look at a request.
//!
//! C header: `include/linux/filter.h`.

use super::bindings;
use crate::uapi::{
    errno::{Errno, Result, EINVAL},
    filter::{self, FilterCtx, Instruction, NewFilter},
};
use core::{ptr::NonNull, slice};
use kernel::error::from_err_ptr;

/// A classic BPF program, checked and ready to run.
///
/// # Invariants
///
/// It points to a live one, which nobody else has, and whose context is a [`FilterCtx`].
pub(crate) struct Program(NonNull<bindings::bpf_prog>);

// SAFETY: A program does not change, and goes from any task.
unsafe impl Send for Program {}
// SAFETY: As it does not change it can be run by several at a time.
unsafe impl Sync for Program {}

impl Program {
    /// Reads one from user memory.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if there is none, or it is no filter, `-EFAULT` if it cannot be read, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn read(new: &NewFilter) -> Result<Self> {
        // SAFETY: The instructions are read from user memory. `prepare` is called with the copy of them.
        let program =
            unsafe { bindings::ruring_bpf_create(new.addr, new.len, Some(Self::prepare)) };
        // INVARIANT: It was just made. What `prepare` leaves loads from within a `FilterCtx` alone.
        NonNull::new(from_err_ptr(program)?).map(Self).ok_or(EINVAL)
    }

    /// # Safety
    ///
    /// There must be `len` instructions at `program`, which the caller has to itself.
    unsafe extern "C" fn prepare(program: *mut bindings::sock_filter, len: u32) -> i32 {
        // SAFETY: By the safety requirement. An `Instruction` is laid out as in C, and may be any bytes.
        let program =
            unsafe { slice::from_raw_parts_mut(program.cast::<Instruction>(), len as usize) };
        filter::prepare(program).map_or_else(Errno::to_raw, |()| 0)
    }

    /// Whether it lets a request pass.
    ///
    /// # Context
    ///
    /// May be called in any context.
    pub(crate) fn run(&self, ctx: &FilterCtx) -> bool {
        let ctx = core::ptr::from_ref(ctx).cast();
        // SAFETY: By the type invariants the program is live and looks at no more than there is of `ctx`.
        unsafe { bindings::ruring_bpf_run(self.0.as_ptr(), ctx) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: By the type invariants nobody else has it.
        unsafe { bindings::bpf_prog_destroy(self.0.as_ptr()) };
    }
}
