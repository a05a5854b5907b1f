// SPDX-License-Identifier: GPL-2.0

//! Open files, and descriptors of the current task.
//!
//! C header: `include/linux/file.h`.

use super::{
    bindings, calls,
    context::{CallContext, InTask},
    task,
};
use crate::uapi::{
    abi::open,
    errno::{Errno, Result, EBADF},
};
use core::{marker::PhantomData, mem::ManuallyDrop, ops::Deref};
use kernel::{
    fs::{file::FileDescriptorReservation, File, LocalFile},
    prelude::*,
    seq_file::SeqFile,
    sync::{aref::ARef, Arc},
};

/// A reference to an open file.
pub(crate) struct OpenFile(ARef<File>);

impl OpenFile {
    /// The file behind `fd` of the current task.
    ///
    /// # Errors
    ///
    /// `-EBADF` if it is not open, or can only be a path.
    #[inline]
    pub(crate) fn get(_task: InTask<'_>, fd: i32) -> Result<Self> {
        let file = LocalFile::fget(fd as u32).map_err(|_| EBADF)?;
        // SAFETY: The task is in ioctl(2) or at task work, and so in no `fdget_pos()`.
        Ok(Self(unsafe { LocalFile::assume_no_fdget_pos(file) }))
    }

    /// The file behind `fd` of the current task, also one that can only be a path (`O_PATH`).
    ///
    /// # Errors
    ///
    /// `-EBADF` if it is not open.
    pub(crate) fn get_any(_task: InTask<'_>, fd: i32) -> Result<Self> {
        // SAFETY: The task has descriptors, of which any number may be asked for, and is in no `fdget_pos()`. The
        // file comes with a reference.
        unsafe { Self::from_nullable(bindings::fget_raw(fd as u32)) }.ok_or(EBADF)
    }

    /// Whether nobody else has a reference, so that dropping this one releases the file.
    #[inline]
    pub(crate) fn is_last(&self) -> bool {
        calls::ruring_file_count(&self.0) == 1
    }

    /// Drops the reference; if it is the last one the file has been released on return.
    ///
    /// For where dropping it, which leaves the release to the task's way back to user space,
    /// would come too late: within a system call. Anywhere else it is dropped. Not so either with this
    /// module's own files: the call may be on one of them, and have no reference to it.
    ///
    /// # Context
    ///
    /// May sleep; no lock must be held.
    pub(crate) fn release(self, context: CallContext<'_>) {
        let file: *mut bindings::file = self.0.as_ptr().cast();
        let own = operations(&self).owner == super::module::this_module();
        let CallContext::Call(call) = context else {
            return;
        };
        // The kernel crate of 7.2 has no owner for a device.
        if own || file == call.file() {
            return;
        }
        let _this = ManuallyDrop::new(self);
        // SAFETY: The reference is given up here. The task uses no file without a reference but
        // that of the call, which is another one.
        unsafe { bindings::__fput_sync(file) };
    }

    /// Drops the reference for somebody who is gone. If it is the last one of a socket nobody waits for what
    /// that has yet to send, as the task itself would not have when it ended.
    pub(crate) fn put_for_others(self) {
        let exits = task::current_exiting() && !task::current_is_kthread();
        if !exits && self.is_last() {
            // SAFETY: The file is open, and nobody else has a reference to it.
            unsafe { bindings::ruring_file_no_linger(self.0.as_ptr().cast()) };
        }
    }

    /// Makes another reference to the same open file.
    pub(crate) fn again(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A file that is or was in a table, with a mark of the table's.
pub(crate) struct SharedFile<T> {
    /// The open file.
    pub(crate) file: OpenFile,
    /// What is done with it once nobody uses the file any more is up to its owner.
    pub(crate) tag: T,
}

/// What keeps a file open: as long as it is there, whoever moves it, the file is.
pub(crate) enum KeptFile<T> {
    /// A reference of its own.
    Own(OpenFile),
    /// A registration, which nobody can change while there is this reference to it.
    Registered(Arc<SharedFile<T>>),
}

impl<T> Deref for KeptFile<T> {
    type Target = File;

    #[inline]
    fn deref(&self) -> &File {
        match self {
            Self::Own(file) => file,
            Self::Registered(registered) => &registered.file,
        }
    }
}

/// Identifies an open file while somebody has a reference.
#[inline]
pub(crate) fn id(file: &File) -> usize {
    file.as_ptr() as usize
}

/// What an open file does. Some files change their operations while they are open, as a terminal that
/// hangs up does: whoever asks for two of them takes both from here.
#[inline]
pub(super) fn operations(file: &File) -> &bindings::file_operations {
    let file: *mut bindings::file = file.as_ptr().cast();
    // SAFETY: An open file has operations, new ones if they change, and all of them stay as long as
    // it is open.
    unsafe { &*(&raw const (*file).f_op).read_volatile() }
}

/// Whether it is a ring of the kernel's own io_uring.
pub(crate) fn is_io_uring(file: &File) -> bool {
    calls::ruring_file_is_io_uring(file)
}

/// Writes its path to `out`, as fdinfo has it.
pub(crate) fn show_path(file: &File, out: &SeqFile) {
    // SAFETY: The file is open, and a `SeqFile` is a `struct seq_file`.
    unsafe {
        bindings::seq_file_path(
            core::ptr::from_ref(out).cast_mut().cast(),
            file.as_ptr().cast(),
            c" \t\n\\".as_char_ptr(),
        )
    };
}

/// How many descriptors the current task may have at most.
pub(crate) fn limit() -> usize {
    calls::ruring_rlimit_nofile()
}

/// Gives `file` a descriptor of the current task, close-on-exec or not. Returns its number.
///
/// # Errors
///
/// `-EMFILE` if there is no descriptor left, `-ENOMEM`, and what a security module says of a file that is received.
///
/// # Context
///
/// May sleep.
pub(crate) fn receive(_task: InTask<'_>, file: &File, cloexec: bool) -> Result<i32> {
    let flags = if cloexec { open::CLOEXEC } else { 0 };
    // SAFETY: The file is open, and the task has descriptors; a reference of its own is taken.
    let fd = unsafe { bindings::receive_fd(file.as_ptr().cast(), core::ptr::null_mut(), flags) };
    if fd < 0 {
        return Err(Errno::from_raw(fd));
    }
    Ok(fd)
}

impl Deref for OpenFile {
    type Target = File;

    #[inline]
    fn deref(&self) -> &File {
        &self.0
    }
}

/// A reserved descriptor of the current task.
pub(crate) struct Reserved<'a>(FileDescriptorReservation, PhantomData<InTask<'a>>);

impl<'a> Reserved<'a> {
    /// Reserves one. `flags` is 0 or `O_CLOEXEC`.
    ///
    /// # Errors
    ///
    /// `-EMFILE` if there is none left, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn new(_task: InTask<'a>, flags: u32) -> Result<Self> {
        let reserved = FileDescriptorReservation::get_unused_fd_flags(flags)?;
        Ok(Self(reserved, PhantomData))
    }

    /// The number of the descriptor.
    pub(crate) fn number(&self) -> i32 {
        self.0.reserved_fd() as i32
    }

    /// Makes it `file`'s. Returns its number.
    pub(crate) fn install(self, file: OpenFile) -> i32 {
        let fd = self.0.reserved_fd() as i32;
        self.0.fd_install(file.0);
        fd
    }
}

/// A file whose descriptor is gone, and that is yet to be told of it.
pub(crate) struct Taken(OpenFile);

/// Takes a descriptor of the current task away.
///
/// # Errors
///
/// `-EBADF` if it is not open.
pub(crate) fn take(_task: InTask<'_>, fd: i32) -> Result<Taken> {
    // SAFETY: The task has descriptors, and uses no file without a reference that is released
    // before its system call is over. The file comes with the descriptor's reference.
    let file = unsafe { OpenFile::from_nullable(bindings::file_close_fd(fd as u32)) };
    file.map(Taken).ok_or(EBADF)
}

impl Taken {
    /// See [`hears_of_close`].
    #[inline]
    pub(crate) fn hears_of_close(&self) -> bool {
        hears_of_close(&self.0)
    }

    /// Runs what close(2) runs, but keeps the file. What that has said, if the file has something to say when it is
    /// closed, comes with it.
    ///
    /// # Errors
    ///
    /// None of its own: what the file has said is in what is returned.
    ///
    /// # Context
    ///
    /// May sleep, and for as long as whoever serves the file likes if [`hears_of_close`] says so.
    pub(crate) fn close(self) -> (OpenFile, Result) {
        let file = self.0 .0.as_ptr().cast();
        // SAFETY: The file is open. `filp_close()` drops the reference that is made before it.
        let said = unsafe {
            bindings::ruring_get_file(file);
            bindings::ruring_filp_close(file)
        };
        let said = if said < 0 {
            Err(Errno::from_raw(said))
        } else {
            Ok(())
        };
        (self.0, said)
    }
}

/// Whether the file is told of each descriptor that is closed, as those of file servers are.
pub(crate) fn hears_of_close(file: &File) -> bool {
    operations(file).flush.is_some()
}

impl OpenFile {
    /// Has those who use it wait, for one that nobody else has yet.
    pub(super) fn may_block(&self) {
        calls::ruring_file_may_block(&self.0);
    }

    /// # Safety
    ///
    /// `file` must be null or live, and the caller gives a reference to it up.
    pub(super) unsafe fn from_nullable(file: *mut bindings::file) -> Option<Self> {
        let file = core::ptr::NonNull::new(file)?;
        // SAFETY: By the safety requirement the reference is ours.
        Some(Self(unsafe { ARef::from_raw(file.cast()) }))
    }

    /// What a function of the kernel has opened, or the error that it names instead.
    ///
    /// # Errors
    ///
    /// The one that `file` is.
    ///
    /// # Safety
    ///
    /// `file` must be an error, or be live, and the caller gives a reference to it up.
    pub(super) unsafe fn from_result(file: *mut bindings::file) -> Result<Self> {
        let file = kernel::error::from_err_ptr(file)?;
        // SAFETY: By the safety requirement, as it is no error.
        unsafe { Self::from_nullable(file) }.ok_or(EBADF)
    }
}
