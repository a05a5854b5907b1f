// SPDX-License-Identifier: GPL-2.0

//! Processors, and who runs on them.
//!
//! C header: `include/linux/sched.h`.

use super::{bindings, calls, context::InWorker, task::TaskRef, user};
use crate::uapi::errno::{Result, EINVAL};
use kernel::cpu::CpuId;

/// A processor that was there when it was looked for.
#[derive(Clone, Copy)]
pub(crate) struct Processor(CpuId);

impl Processor {
    /// The processor with this number, if it is on line and the current task's cpuset has it, whatever the task has
    /// limited itself to. On a kernel that does not say what the cpuset has, if the task may run there itself.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn allowed(cpu: u32) -> Option<Self> {
        let id = CpuId::from_u32(cpu)?;
        calls::ruring_cpu_allowed(cpu).then_some(Self(id))
    }

    /// Has the current task run on no other processor, for good if nobody takes it away. That is for
    /// threads that never leave the kernel: who is to choose for others has system calls.
    pub(crate) fn bind(self, _worker: InWorker<'_>) {
        calls::ruring_bind_current(self.0.as_u32());
    }

    /// The number by which the kernel knows the processor.
    pub(crate) fn number(self) -> u32 {
        self.0.as_u32()
    }

    /// The number of the one that the caller runs on, at the moment.
    pub(crate) fn current() -> u32 {
        CpuId::current().as_u32()
    }

    /// The number of the one that `task` runs on, or has last run on.
    pub(crate) fn of(task: &TaskRef) -> u32 {
        task.cpu()
    }
}

/// A set of processors that the task which chose it may have.
pub(crate) struct Processors(bindings::ruring_cpus);

impl Processors {
    /// The set whose `len` bytes are at `addr`, a bit for each processor. What is behind the last that the kernel can have
    /// does not count.
    ///
    /// # Errors
    ///
    /// `-EFAULT`, `-EINVAL` if the current task's cpuset does not have them all.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn read(addr: u64, len: usize) -> Result<Self> {
        let mut bytes = [0; size_of::<bindings::ruring_cpus>()];
        let len = len.min(bytes.len());
        user::read_into(addr, &mut bytes[..len])?;
        let mut cpus = bindings::ruring_cpus::default();
        let words = bytes.as_chunks().0;
        for (word, bytes) in cpus.bits.iter_mut().zip(words) {
            *word = usize::from_ne_bytes(*bytes);
        }
        calls::ruring_cpus_allowed(cpus)
            .then_some(Self(cpus))
            .ok_or(EINVAL)
    }

    /// Has the current task run on these, as long as there is one of them. For threads that never leave the kernel.
    pub(crate) fn place(&self, _worker: InWorker<'_>) {
        calls::ruring_place_current(self.0);
    }
}

/// Whether nobody else wants the processor that the caller runs on, at the moment.
pub(crate) fn is_alone() -> bool {
    calls::ruring_single_task_running()
}

/// Spends a moment in a loop that waits for memory to change.
///
/// # Context
///
/// May sleep.
pub(crate) fn relax() {
    calls::ruring_relax();
}
