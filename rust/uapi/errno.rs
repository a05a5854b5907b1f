// SPDX-License-Identifier: GPL-2.0

//! Error numbers, as they go into a completion or out of a system call.

use core::num::NonZeroI32;

/// A negative `errno`. Not having one takes no room.
///
/// # Invariants
///
/// The value is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(NonZeroI32);

impl Errno {
    /// Wraps a return value of the kernel; anything that is not an error becomes `-EINVAL`.
    #[inline]
    pub(crate) const fn from_raw(value: i32) -> Self {
        match NonZeroI32::new(value) {
            Some(value) if value.is_negative() => Self(value),
            _ => EINVAL,
        }
    }

    /// The negative number that user space and the kernel know it by.
    #[inline]
    pub(crate) const fn to_raw(self) -> i32 {
        self.0.get()
    }

    /// What user space is told.
    ///
    /// A request cannot be restarted, as its submission is over: the codes that ask the kernel
    /// for a restart become `-EINTR`.
    #[inline]
    pub(crate) const fn without_restart(self) -> Self {
        match self.0.get() {
            -516 | -514 | -513 | -512 => EINTR,
            _ => self,
        }
    }
}

/// What most of the module returns.
pub(crate) type Result<T = ()> = core::result::Result<T, Errno>;

/// What a function of the kernel says by a number that is negative if it has failed.
///
/// # Errors
///
/// That number, see [`Errno::without_restart`].
pub(crate) fn to_result(ret: i32) -> Result {
    to_value(ret).map(drop)
}

/// As [`to_result`], of a function whose number says something else if it has not failed.
///
/// # Errors
///
/// Those of [`to_result`].
pub(crate) fn to_value(ret: i32) -> Result<i32> {
    if ret < 0 {
        return Err(Errno::from_raw(ret).without_restart());
    }
    Ok(ret)
}

macro_rules! errnos {
    ($($name:ident = $value:literal, $doc:literal;)*) => {
        $(#[doc = $doc] pub(crate) const $name: Errno = match NonZeroI32::new(-$value) {
            Some(value) => Errno(value),
            None => panic!(),
        };)*
    };
}

errnos! {
    EPERM = 1, "Not permitted.";
    EINTR = 4, "Interrupted by a signal.";
    E2BIG = 7, "Too many of something.";
    ENXIO = 6, "There is none.";
    EBADF = 9, "Bad file descriptor.";
    EAGAIN = 11, "Would block, or a resource is short for the moment.";
    ENOMEM = 12, "Out of memory.";
    EFAULT = 14, "Bad address.";
    EACCES = 13, "Forbidden by who set the ring up.";
    ENOTBLK = 15, "There are no block devices.";
    EBUSY = 16, "There is one already.";
    EEXIST = 17, "Exists already, or belongs to another task.";
    EINVAL = 22, "Invalid argument.";
    EMFILE = 24, "Too many open files.";
    ENFILE = 23, "Too many open files in the system.";
    ENOENT = 2, "No such request or group.";
    ETIME = 62, "A timeout has passed.";
    EOVERFLOW = 75, "Value too large.";
    ENAMETOOLONG = 36, "The name of a file is too long.";
    EBADFD = 77, "The ring is disabled.";
    ENOTSOCK = 88, "Not a socket.";
    EMSGSIZE = 90, "Too many elements.";
    EOPNOTSUPP = 95, "Not supported for this request.";
    EAFNOSUPPORT = 97, "Not a family of addresses that there may be.";
    EISCONN = 106, "Connected already.";
    EINPROGRESS = 115, "Under way.";
    ECONNABORTED = 103, "Connection aborted.";
    ENOBUFS = 105, "No provided buffer left.";
    EALREADY = 114, "Already on its way.";
    ECANCELED = 125, "Cancelled.";
    EOWNERDEAD = 130, "Who submits is gone.";
    ERESTARTNOINTR = 513, "Restart the system call once the task's work has run.";
    ERANGE = 34, "More than can be.";
    ENOTTY = 25, "Not an ioctl of this file.";
}
