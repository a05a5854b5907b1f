// SPDX-License-Identifier: GPL-2.0

//! What the kernel has that is safe to call with what the types say, by the kernel's names.
//!
//! Each is declared here once, with what it takes as safe types, so that its callers need not say anew why it is sound. What needs
//! more than its arguments say is not here, and what takes a type of another file is there.

use super::bindings;
use kernel::{fs::File, task::Task};

/// Functions that take numbers, and look at or change no more than what is the current task's own, or what the module knows.
macro_rules! by_value {
    ($($(#[$attr:meta])* $name:ident($($arg:ident: $type:ty),*) $(-> $ret:ty)?;)*) => {
        $(
            $(#[$attr])*
            pub(super) fn $name($($arg: $type),*) $(-> $ret)? {
                // SAFETY: It follows no pointer that it is given, but as an address of user space, and the
                // current task is always live.
                unsafe { bindings::$name($($arg),*) }
            }
        )*
    };
}

by_value! {
    ruring_alloc_block(order: u32) -> *mut bindings::page;
    ruring_alloc_ends_workqueue() -> *mut bindings::workqueue_struct;
    ruring_alloc_page() -> *mut bindings::page;
    ruring_alloc_workqueue() -> *mut bindings::workqueue_struct;
    ruring_access_ok(addr: *const core::ffi::c_void, len: usize) -> bool;
    ruring_audit_entry(code: u8) -> bool;
    ruring_bind_current(cpu: u32);
    ruring_cpu_allowed(cpu: u32) -> bool;
    ruring_cpus_allowed(cpus: bindings::ruring_cpus) -> bool;
    ruring_current() -> *mut bindings::task_struct;
    ruring_current_exiting() -> bool;
    ruring_current_fs() -> *const core::ffi::c_void;
    ruring_current_has_files() -> bool;
    ruring_current_has_fs() -> bool;
    ruring_current_has_other_creds() -> bool;
    ruring_current_ioprio() -> i32;
    ruring_current_is_complete() -> bool;
    ruring_current_is_kthread() -> bool;
    ruring_current_mm() -> *mut bindings::mm_struct;
    ruring_current_notified() -> bool;
    ruring_current_killed() -> bool;
    ruring_current_restricted() -> bool;
    ruring_current_sigpending() -> bool;
    ruring_current_uid() -> u32;
    ruring_find_functions() -> u32;
    ruring_find_hooks() -> u32;
    ruring_get_current_user() -> *mut bindings::user_struct;
    #[cfg(CONFIG_VHOST_TASK)]
    ruring_has_resume_work() -> bool;
    ruring_hook_allowed() -> i32;
    ruring_hook_sqpoll() -> i32;
    ruring_index_nospec(index: usize, size: usize) -> usize;
    #[cfg(CONFIG_VHOST_TASK)]
    ruring_kill_current_thread();
    ruring_ktime_get() -> i64;
    ruring_ktime_get_boottime() -> i64;
    ruring_ktime_to_host(clock: i32, time: i64) -> i64;
    ruring_limits() -> bindings::ruring_limits;
    ruring_madvise(start: u64, len: u64, advice: i32) -> i32;
    ruring_may_have_rt_ioprio() -> bool;
    ruring_may_lock() -> bool;
    ruring_mb();
    ruring_mb_after_atomic();
    ruring_napi_poll(id: u32, prefer: bool);
    ruring_napi_use();
    ruring_napi_valid(id: u32) -> bool;
    ruring_need_resched() -> bool;
    ruring_num_online_cpus() -> u32;
    ruring_mute_task_work();
    ruring_place_current(cpus: bindings::ruring_cpus);
    ruring_relax();
    ruring_restore_sigmask(interrupted: bool);
    ruring_rlimit_nofile() -> usize;
    ruring_rlimit_nproc() -> usize;
    ruring_set_current_iowait(iowait: bool);
    ruring_set_current_interruptible();
    ruring_set_current_running();
    ruring_set_user_sigmask(mask: *const core::ffi::c_void, size: usize) -> i32;
    #[cfg(CONFIG_VHOST_TASK)]
    ruring_signal_resume_work();
    ruring_single_task_running() -> bool;
    ruring_tracepoint_synchronize();
    ruring_unmute_task_work();
    schedule();
}

/// Functions of an open file.
macro_rules! of_file {
    ($($name:ident($($arg:ident: $type:ty),*) $(-> $ret:ty)?;)*) => {
        $(
            pub(super) fn $name(file: &File $(, $arg: $type)*) $(-> $ret)? {
                // SAFETY: The file is open as long as it is borrowed; the rest are numbers.
                unsafe { bindings::$name(file.as_ptr().cast() $(, $arg)*) }
            }
        )*
    };
}

of_file! {
    ruring_epoll_sendevents(events: u64, most: i32) -> i32;
    ruring_file_can_poll() -> bool;
    ruring_file_count() -> usize;
    ruring_file_events(wanted: u32) -> u32;
    ruring_file_has_nowait() -> bool;
    ruring_file_inode() -> *const core::ffi::c_void;
    ruring_file_is_blk() -> bool;
    ruring_file_is_io_uring() -> bool;
    ruring_file_is_reg() -> bool;
    ruring_file_is_stream() -> bool;
    ruring_file_may(write: bool) -> bool;
    ruring_file_may_block();
    ruring_file_napi_id() -> u32;
    ruring_file_needs_no_descriptors(write: bool) -> bool;
    ruring_file_nonblock() -> bool;
    ruring_file_pos() -> i64;
    ruring_fsnotify(write: bool);
    ruring_ftruncate(len: i64) -> i32;
    ruring_hook_cmd(op: u32) -> i32;
    ruring_set_file_pos(pos: i64);
    ruring_socket_queue() -> *mut bindings::wait_queue_head;
    ruring_sync_file_range(start: i64, len: i64, flags: u32) -> i32;
    sock_from_file() -> *mut bindings::socket;
    vfs_fadvise(start: i64, len: i64, advice: i32) -> i32;
    vfs_fallocate(mode: i32, start: i64, len: i64) -> i32;
    vfs_fsync_range(start: i64, end: i64, data_only: i32) -> i32;
}

/// Functions of a task.
macro_rules! of_task {
    ($($name:ident() -> $ret:ty;)*) => {
        $(
            pub(super) fn $name(task: &Task) -> $ret {
                // SAFETY: The task stays as long as it is borrowed.
                unsafe { bindings::$name(task.as_ptr().cast()) }
            }
        )*
    };
}

of_task! {
    ruring_task_cpu() -> u32;
    ruring_task_exiting() -> bool;
    ruring_task_mm() -> *mut bindings::mm_struct;
    ruring_task_pid_vnr() -> i32;
    ruring_task_process() -> *const core::ffi::c_void;
    ruring_task_runtime() -> u64;
}
