// SPDX-License-Identifier: GPL-2.0

//! What the kernel does not export to modules, as far as it was found.
//!
//! `rust/sys/unexported.c` says which functions these are, and how they are found.

use super::{
    bindings, calls,
    context::{has_descriptors, has_directories, InCall},
    fd::OpenFile,
    open::Path,
    splice::check,
};
use crate::uapi::{
    abi::open,
    args::names::NameArgs,
    errno::{to_result, to_value, Errno, Result, EAGAIN, ECANCELED, EINVAL},
    structs::{EpollEvent, OpenHow},
};
use kernel::{
    fs::File,
    sync::atomic::{Atomic, Relaxed},
};

/// A set of functions that the kernel does not export.
#[derive(Clone, Copy)]
pub(crate) struct Functions(u32);

impl Functions {
    /// What opens relative to a descriptor.
    pub(crate) const OPENAT: Self = Self(
        bindings::ruring_function_RURING_HAS_BUILD_OPEN_FLAGS
            | bindings::ruring_function_RURING_HAS_DO_FILE_OPEN,
    );
    /// What statx(2) needs.
    pub(crate) const STATX: Self = Self(bindings::ruring_function_RURING_HAS_DO_STATX);
    /// What ftruncate(2) needs.
    pub(crate) const FTRUNCATE: Self = Self(bindings::ruring_function_RURING_HAS_DO_FTRUNCATE);
    /// What makes directories.
    pub(crate) const MKDIRAT: Self = Self(bindings::ruring_function_RURING_HAS_FILENAME_MKDIRAT);
    /// What removes files and directories.
    pub(crate) const UNLINKAT: Self = Self(
        bindings::ruring_function_RURING_HAS_FILENAME_UNLINKAT
            | bindings::ruring_function_RURING_HAS_FILENAME_RMDIR,
    );
    /// What gives a file another name.
    pub(crate) const RENAMEAT: Self = Self(bindings::ruring_function_RURING_HAS_FILENAME_RENAMEAT2);
    /// What gives it one more.
    pub(crate) const LINKAT: Self = Self(bindings::ruring_function_RURING_HAS_FILENAME_LINKAT);
    /// What makes symbolic links.
    pub(crate) const SYMLINKAT: Self =
        Self(bindings::ruring_function_RURING_HAS_FILENAME_SYMLINKAT);
    /// What has a part of a file written out.
    pub(crate) const SYNC_FILE_RANGE: Self =
        Self(bindings::ruring_function_RURING_HAS_SYNC_FILE_RANGE);
    /// The empty set.
    pub(crate) const NONE: Self = Self(0);
    /// What moves between a pipe and a file.
    pub(crate) const SPLICE: Self = Self(bindings::ruring_function_RURING_HAS_DO_SPLICE);
    /// What copies from a pipe to another one.
    pub(crate) const TEE: Self = Self(bindings::ruring_function_RURING_HAS_DO_TEE);
    /// What changes what an epoll waits for.
    pub(crate) const EPOLL_CTL: Self = Self(bindings::ruring_function_RURING_HAS_DO_EPOLL_CTL);
    /// What takes events out of an epoll.
    pub(crate) const EPOLL_WAIT: Self = Self(bindings::ruring_function_RURING_HAS_EPOLL_SENDEVENTS);
    /// What pipe2(2) needs.
    pub(crate) const PIPE: Self = Self(bindings::ruring_function_RURING_HAS_CREATE_PIPE_FILES);
    /// What tells when something was sent.
    pub(crate) const TX_TIMESTAMP: Self = Self(
        bindings::ruring_function_RURING_HAS_SKB_HAS_TX_TIMESTAMP
            | bindings::ruring_function_RURING_HAS_SKB_GET_TX_TIMESTAMP,
    );
    /// What takes advice about memory.
    pub(crate) const MADVISE: Self = Self(bindings::ruring_function_RURING_HAS_DO_MADVISE);

    /// Whether they can be called.
    pub(crate) fn are_there(self) -> bool {
        FOUND.load(Relaxed) & self.0 == self.0
    }

    /// Finds out whether they can be called. The empty set costs nothing.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if they cannot, as for an opcode that there is not.
    #[inline]
    pub(crate) fn check(self) -> Result {
        if self.0 == 0 || self.are_there() {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }
}

/// The functions that were found when the module was loaded.
static FOUND: Atomic<u32> = Atomic::new(0);

/// Looks the functions up by their names, once for the module.
///
/// # Context
///
/// May sleep.
pub(crate) fn find() {
    FOUND.store(calls::ruring_find_functions(), Relaxed);
}

/// A system call during which task work can be run: it has a reference to its file.
pub(crate) struct Interruptible<'a> {
    call: InCall<'a>,
    file: Option<OpenFile>,
}

impl<'a> Interruptible<'a> {
    /// Makes one, of a call that has no reference yet.
    pub(crate) fn new(call: InCall<'a>) -> Self {
        Self { call, file: None }
    }

    /// Runs the task work that the current task has, as on its way to user space. False if that cannot be done: it then
    /// has to go there.
    ///
    /// # Context
    ///
    /// Without locks, for which task work may wait. May sleep.
    pub(crate) fn run_task_work(&mut self) -> bool {
        if self.file.is_none() {
            let file = self.call.file();
            // SAFETY: The memory of the call's file stays until the call returns. If it is not released yet there is a
            // reference to it now.
            self.file = unsafe { OpenFile::from_nullable(bindings::ruring_get_live_file(file)) };
        }
        // SAFETY: The task is in a system call, which is where task work may run, and has a reference to the file of
        // the call.
        self.file.is_some() && unsafe { bindings::ruring_run_task_work() }
    }
}

/// A name and the directory that it is relative to.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    /// A descriptor, or [`NameArgs::AT_FDCWD`].
    pub(crate) dir: i32,
    /// The name.
    pub(crate) path: &'a Path,
    /// Whether the directory is the root of all that the name leads through (RESOLVE_IN_ROOT).
    pub(crate) in_root: bool,
}

impl Named<'_> {
    /// Whether only a task with descriptors can look it up.
    pub(crate) fn needs_descriptors(&self) -> bool {
        self.dir != NameArgs::AT_FDCWD && (self.in_root || !self.path.is_absolute())
    }

    /// The directory, once it is certain that it can be looked up. `-ECANCELED` if the current task has
    /// nothing to look it up in, as one that exits or a worker.
    fn dir(&self) -> Result<i32> {
        if !has_directories() || (self.needs_descriptors() && !has_descriptors()) {
            return Err(ECANCELED);
        }
        Ok(if self.needs_descriptors() {
            self.dir
        } else {
            NameArgs::AT_FDCWD
        })
    }

    /// Opens it, as openat2(2) does if `strict`, else as openat(2); unless `force_async` as [`Path::open`].
    ///
    /// # Errors
    ///
    /// `-ECANCELED` if the current task has nothing to look the name up in; those of openat2(2).
    ///
    /// # Context
    ///
    /// May sleep, and what is opened may say how long.
    pub(crate) fn open(&self, how: &OpenHow, strict: bool, force_async: bool) -> Result<OpenFile> {
        const NONBLOCK: u64 = open::NONBLOCK as u64;
        // What is only named is not waited for.
        if !force_async && how.flags & u64::from(open::PATH) == 0 {
            let now = OpenHow {
                flags: how.flags | NONBLOCK,
                ..*how
            };
            match self.open_once(&now, strict) {
                Err(EAGAIN) => {}
                opened => {
                    let opened = opened?;
                    if how.flags & NONBLOCK == 0 {
                        opened.may_block();
                    }
                    return Ok(opened);
                }
            }
        }
        self.open_once(how, strict)
    }

    fn open_once(&self, how: &OpenHow, strict: bool) -> Result<OpenFile> {
        let how = bindings::open_how {
            flags: how.flags,
            mode: how.mode,
            resolve: how.resolve,
        };
        let (dir, path) = (self.dir()?, self.path.as_ptr());
        // SAFETY: The name is a string, and the task has what it is relative to. What is opened comes with a
        // reference.
        unsafe { OpenFile::from_result(bindings::ruring_openat(dir, path, &how, strict)) }
            .map_err(Errno::without_restart)
    }

    /// Tells of it in the `struct statx` at user address `to`.
    ///
    /// # Errors
    ///
    /// `-ECANCELED` as for [`Named::open`]; those of statx(2).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn statx(&self, flags: u32, mask: u32, to: u64) -> Result {
        ruring_statx(self, flags, mask, to)
    }

    /// Makes it a directory.
    ///
    /// # Errors
    ///
    /// `-ECANCELED` as for [`Named::open`]; those of mkdirat(2).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn mkdir(&self, mode: u16) -> Result {
        ruring_mkdirat(self, mode)
    }

    /// Removes what has the name.
    ///
    /// # Errors
    ///
    /// `-ECANCELED` as for [`Named::open`]; those of unlinkat(2).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn unlink(&self, is_dir: bool) -> Result {
        ruring_unlinkat(self, is_dir)
    }

    /// Gives it another name.
    ///
    /// # Errors
    ///
    /// `-ECANCELED` as for [`Named::open`]; those of renameat2(2).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn rename(&self, new: &Self, flags: u32) -> Result {
        ruring_renameat(self, new, flags)
    }

    /// Gives it one more name.
    ///
    /// # Errors
    ///
    /// `-ECANCELED` as for [`Named::open`]; those of linkat(2).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn link(&self, new: &Self, flags: u32) -> Result {
        ruring_linkat(self, new, flags as i32)
    }

    /// Makes it a symbolic link with this content.
    ///
    /// # Errors
    ///
    /// `-ECANCELED` as for [`Named::open`]; those of symlinkat(2).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn symlink(&self, content: &Path) -> Result {
        let (dir, path) = (self.dir()?, self.path.as_ptr());
        // SAFETY: The names are strings, and the task has what the second is relative to.
        to_result(unsafe { bindings::ruring_symlinkat(content.as_ptr(), dir, path) })
    }
}

/// Functions of a name.
macro_rules! of_name {
    ($($name:ident($($arg:ident: $type:ty),*);)*) => {
        $(
            fn $name(named: &Named<'_>, $($arg: $type),*) -> Result {
                let dir = named.dir()?;
                // SAFETY: The name is a string, and the task has what it is relative to. The rest are numbers, and
                // addresses of user space.
                to_result(unsafe { bindings::$name(dir, named.path.as_ptr(), $($arg),*) })
            }
        )*
    };
}

of_name! {
    ruring_mkdirat(mode: u16);
    ruring_statx(flags: u32, mask: u32, to: u64);
    ruring_unlinkat(is_dir: bool);
}

/// Functions of a name and a new one.
macro_rules! of_names {
    ($($name:ident($arg:ident: $type:ty);)*) => {
        $(
            fn $name(old: &Named<'_>, new: &Named<'_>, $arg: $type) -> Result {
                let (dir, new_dir) = (old.dir()?, new.dir()?);
                let (path, new_path) = (old.path.as_ptr(), new.path.as_ptr());
                // SAFETY: The names are strings, and the task has what they are relative to.
                to_result(unsafe { bindings::$name(dir, path, new_dir, new_path, $arg) })
            }
        )*
    };
}

of_names! {
    ruring_linkat(flags: i32);
    ruring_renameat(flags: u32);
}

/// Reads the `struct open_how` with `size` bytes at user address `from`.
///
/// # Errors
///
/// `-E2BIG` if it says more than the kernel knows, `-EFAULT` if it cannot be read.
///
/// # Context
///
/// May sleep.
pub(crate) fn read_open_how(from: u64, size: usize) -> Result<OpenHow> {
    let mut how = bindings::open_how::default();
    // SAFETY: No more is written than that.
    to_result(unsafe { bindings::ruring_read_open_how(&mut how, from, size) })?;
    Ok(OpenHow {
        flags: how.flags,
        mode: how.mode,
        resolve: how.resolve,
    })
}

/// Cuts the file at `len` bytes, or lengthens it.
///
/// # Errors
///
/// Those of ftruncate(2).
///
/// # Context
///
/// May sleep.
pub(crate) fn ftruncate(file: &File, len: i64) -> Result {
    to_result(calls::ruring_ftruncate(file, len))
}

/// Has a part of the file written out as `flags` (`SYNC_FILE_RANGE_*`) say.
///
/// # Errors
///
/// Those of sync_file_range(2).
///
/// # Context
///
/// May sleep.
pub(crate) fn sync_file_range(file: &File, start: i64, len: i64, flags: u32) -> Result {
    to_result(calls::ruring_sync_file_range(file, start, len, flags))
}

/// Takes advice about `len` bytes of the current task's memory.
///
/// # Errors
///
/// Those of madvise(2).
///
/// # Context
///
/// May sleep.
pub(crate) fn madvise(start: u64, len: u64, advice: i32) -> Result {
    to_result(calls::ruring_madvise(start, len, advice))
}

fn bytes(ret: isize) -> Result<usize> {
    usize::try_from(ret).map_err(|_| Errno::from_raw(ret as i32).without_restart())
}

/// Moves `len` bytes between a pipe and a file, or two pipes, as splice(2) does, from `from` to `to` or where the
/// files are at. Returns how many.
///
/// # Errors
///
/// `-ECANCELED` in a task without the descriptors that it may take; those of splice(2).
///
/// # Context
///
/// May sleep, for as long as who has the other end likes.
pub(crate) fn splice(
    input: &File,
    from: Option<i64>,
    output: &File,
    to: Option<i64>,
    len: usize,
    flags: u32,
) -> Result<usize> {
    check(input, output)?;
    let place = |at: &Option<i64>| at.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
    let (input, output) = (input.as_ptr().cast(), output.as_ptr().cast());
    // SAFETY: The files are open, the task has what they may take, and the places are null or those of numbers.
    bytes(unsafe { bindings::ruring_splice(input, place(&from), output, place(&to), len, flags) })
}

/// Copies `len` bytes of what is in a pipe into another one, as tee(2) does. Returns how many.
///
/// # Errors
///
/// Those of tee(2).
///
/// # Context
///
/// May sleep, for as long as who has the other end likes.
pub(crate) fn tee(input: &File, output: &File, len: usize, flags: u32) -> Result<usize> {
    let (input, output) = (input.as_ptr().cast(), output.as_ptr().cast());
    // SAFETY: The files are open.
    bytes(unsafe { bindings::ruring_tee(input, output, len, flags) })
}

/// Changes what the epoll `epfd` waits for of `fd`, both descriptors of the current task, as epoll_ctl(2) does.
///
/// # Errors
///
/// `-ECANCELED` if the current task has no descriptors; those of epoll_ctl(2).
///
/// # Context
///
/// May sleep, for as long as who waits for the epoll has it locked.
pub(crate) fn epoll_ctl(epfd: i32, op: i32, fd: i32, event: &EpollEvent) -> Result {
    if !has_descriptors() {
        return Err(ECANCELED);
    }
    // SAFETY: The task has descriptors, and the event is laid out as the kernel's, which is only read.
    to_result(unsafe {
        bindings::ruring_epoll_ctl(epfd, op, fd, core::ptr::from_ref(event).cast())
    })
}

/// Writes the events that an epoll has now to the user address `events`, `most` of them at most. How many these are, also 0.
///
/// # Errors
///
/// `-EINVAL` if the file is no epoll; those of epoll_wait(2).
///
/// # Context
///
/// May sleep, for as long as who waits for the epoll has it locked.
pub(crate) fn epoll_events(epoll: &File, events: u64, most: i32) -> Result<i32> {
    let ret = calls::ruring_epoll_sendevents(epoll, events, most);
    to_value(ret)
}

/// Makes a pipe as `flags` (`O_*`) say. Returns the end to read from, and the one to write to.
///
/// # Errors
///
/// Those of pipe2(2).
///
/// # Context
///
/// May sleep.
pub(crate) fn create_pipe(flags: u32) -> Result<[OpenFile; 2]> {
    let mut files = [core::ptr::null_mut(); 2];
    // SAFETY: There is room for two, which come with a reference each once they are made.
    unsafe {
        to_result(bindings::ruring_create_pipe(
            files.as_mut_ptr(),
            flags as i32,
        ))?;
        let [from, to] = files;
        Ok([OpenFile::from_result(from)?, OpenFile::from_result(to)?])
    }
}
