// SPDX-License-Identifier: GPL-2.0

//! The hooks of security modules and of audit that ruring calls itself.
//!
//! C headers: `include/linux/security.h`, `include/linux/audit.h`. Which these are, and how they are reached, is in
//! `rust/sys/lsm.h` and `lsm.c`. An operation calls each of them once, where io_uring's does. Those of sockets are in
//! `socket/hooks.rs`.
//!
//! What is asked about a task takes an [`InTask`]: whoever is asked looks at the credentials, the descriptors and the namespaces of
//! the current one. What is asked about an open file is also asked in a worker, which has no such value, and looks at credentials alone,
//! which every task has.

use super::{bindings, calls, context::InTask, task::Credentials};
use crate::uapi::errno::{Errno, Result, EOPNOTSUPP, EPERM};
use kernel::{
    fs::File,
    sync::atomic::{Atomic, Relaxed},
};

/// A set of security hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hooks(u32);

impl Hooks {
    /// The empty set.
    pub(crate) const NONE: Self = Self(0);
    /// `security_socket_accept()`
    pub(crate) const ACCEPT: Self = Self(bindings::ruring_hook_RURING_HOOK_ACCEPT);
    /// `security_socket_bind()`
    pub(crate) const BIND: Self = Self(bindings::ruring_hook_RURING_HOOK_BIND);
    /// `security_socket_connect()`
    pub(crate) const CONNECT: Self = Self(bindings::ruring_hook_RURING_HOOK_CONNECT);
    /// `security_socket_listen()`
    pub(crate) const LISTEN: Self = Self(bindings::ruring_hook_RURING_HOOK_LISTEN);
    /// `security_socket_shutdown()`
    pub(crate) const SHUTDOWN: Self = Self(bindings::ruring_hook_RURING_HOOK_SHUTDOWN);
    /// `security_uring_cmd()`, and of what sockets have as commands `security_socket_getsockname()`.
    pub(crate) const CMD: Self =
        Self(bindings::ruring_hook_RURING_HOOK_CMD | bindings::ruring_hook_RURING_HOOK_GETNAME);
    /// `security_uring_sqpoll()`
    pub(crate) const SQPOLL: Self = Self(bindings::ruring_hook_RURING_HOOK_SQPOLL);
    /// `security_uring_override_creds()`
    pub(crate) const CREDS: Self = Self(bindings::ruring_hook_RURING_HOOK_CREDS);
    /// `audit_uring_entry()` and `audit_uring_exit()`
    pub(crate) const AUDIT: Self = Self(bindings::ruring_hook_RURING_HOOK_AUDIT);

    /// The hooks of both sets.
    pub(crate) const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

/// Those that the kernel has and that cannot be called.
static MISSING: Atomic<u32> = Atomic::new(0);

/// Finds the hooks, when the module is loaded.
///
/// # Context
///
/// May sleep.
pub(crate) fn find() {
    MISSING.store(calls::ruring_find_hooks(), Relaxed);
}

/// Whether a hook is missing, without which something is to be refused.
pub(crate) fn is_any_missing() -> bool {
    MISSING.load(Relaxed) != 0
}

/// Finds out whether all of `hooks` were found.
///
/// # Errors
///
/// `-EOPNOTSUPP` if one of them is missing.
pub(crate) fn check(hooks: Hooks) -> Result {
    if MISSING.load(Relaxed) & hooks.0 != 0 {
        return Err(EOPNOTSUPP);
    }
    Ok(())
}

/// Makes a result of what a hook returns.
///
/// # Errors
///
/// That of the hook, if it denies.
pub(super) fn allowed(ret: i32) -> Result {
    if ret != 0 {
        return Err(Errno::from_raw(ret));
    }
    Ok(())
}

/// Whether there is something that the current task must not do with rings: what that is only io_uring knows.
pub(crate) fn is_restricted(_task: InTask<'_>) -> bool {
    calls::ruring_current_restricted()
}

/// Whether the current task may have a ring.
///
/// # Errors
///
/// What the hook says, as a rule `-EACCES` or `-EPERM`; `-EPERM` for a task that is restricted.
pub(crate) fn may_have_ring(task: InTask<'_>) -> Result {
    allowed(calls::ruring_hook_allowed())?;
    if is_restricted(task) {
        return Err(EPERM);
    }
    Ok(())
}

/// Whether the current task may have a thread that submits for it.
///
/// # Errors
///
/// `-EOPNOTSUPP` if the hook is missing, else what it says.
pub(crate) fn may_have_sqpoll(_task: InTask<'_>) -> Result {
    check(Hooks::SQPOLL)?;
    allowed(calls::ruring_hook_sqpoll())
}

/// Whether the current task may have something done with other credentials.
///
/// # Errors
///
/// `-EOPNOTSUPP` if the hook is missing, else what it says.
pub(crate) fn may_override(_task: InTask<'_>, credentials: &Credentials) -> Result {
    check(Hooks::CREDS)?;
    // SAFETY: They are live as long as they are borrowed.
    allowed(unsafe { bindings::ruring_hook_override_creds(credentials.as_ptr()) })
}

/// Whether the current task may give the socket `file` the command `op`.
///
/// # Errors
///
/// What the hook says.
pub(crate) fn may_command(file: &File, op: u32) -> Result {
    allowed(calls::ruring_hook_cmd(file, op))
}

/// Has what `what` does audited as the opcode `code`, if the current task is. `unfinished` says which error it
/// is that it is not done for.
pub(crate) fn audited<T>(
    code: u8,
    what: impl FnOnce() -> T,
    unfinished: impl FnOnce(&T) -> isize,
) -> T {
    let begun = calls::ruring_audit_entry(code);
    let done = what();
    if begun {
        // SAFETY: The task has an audit context, as `ruring_audit_entry` has found.
        unsafe { bindings::ruring_audit_exit(unfinished(&done)) };
    }
    done
}
