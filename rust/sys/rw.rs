// SPDX-License-Identifier: GPL-2.0

//! Reading from and writing to open files of any kind.
//!
//! C headers: `include/linux/fs.h`, `include/linux/fsnotify.h`.

use super::{
    bindings, buffer::UserBuffer, calls, context::has_descriptors, fd::operations, poll::events_of,
    socket::UserBuffers, user::access_ok,
};
use crate::uapi::{
    abi::{events, rwf},
    errno::{Errno, Result, EAGAIN, EBADF, ECANCELED, EFAULT, EINVAL, EOPNOTSUPP, EPERM},
};
use core::ptr::null_mut;
use kernel::fs::File;

/// Where in a file a transfer takes place, and the next one of the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// Where the file's own position is, which is not looked at yet.
    Current,
    /// At an offset that does not depend on the file.
    At {
        /// Bytes from the beginning.
        pos: i64,
        /// Whether the file's own position follows.
        moves: bool,
    },
    /// Nowhere: the file is a stream.
    Stream,
}

impl Position {
    /// The position that `sqe->off` says.
    pub(crate) const fn from_offset(off: u64) -> Self {
        match off as i64 {
            -1 => Self::Current,
            pos => Self::At { pos, moves: false },
        }
    }
}

/// Whether `file` has events to wait for.
#[inline]
pub(crate) fn can_poll(file: &File) -> bool {
    calls::ruring_file_can_poll(file)
}

/// Whether `file` is one whose transfers end early only if there is no more to transfer.
pub(crate) fn is_whole(file: &File) -> bool {
    calls::ruring_file_is_reg(file) || calls::ruring_file_is_blk(file)
}

/// Whether a transfer that would block has to wait for events of `file`. Not so for files that
/// say that they can be polled, and are always ready.
#[inline]
pub(crate) fn waits(file: &File) -> bool {
    can_poll(file) && !is_whole(file)
}

/// Whether `sqe->ioprio` is a priority that the current task may ask for.
///
/// Follows `ioprio_check_cap()` of `block/ioprio.c`, which modules cannot call.
///
/// # Errors
///
/// `-EPERM` for a priority of real time that the task may not have, `-EINVAL` for no priority at all, `-ENOTBLK`
/// where the kernel has no block devices.
pub(crate) fn check_ioprio(ioprio: u16) -> Result {
    const RT: u16 = 1;
    let (class, level) = (ioprio >> 13, ioprio & 7);
    if !cfg!(CONFIG_BLOCK) {
        return Err(crate::uapi::errno::ENOTBLK);
    }
    match class {
        RT if !calls::ruring_may_have_rt_ioprio() => Err(EPERM),
        RT..=3 => Ok(()),
        0 if level == 0 => Ok(()),
        _ => Err(EINVAL),
    }
}

/// The current task's priority.
pub(crate) fn current_ioprio() -> u16 {
    calls::ruring_current_ioprio() as u16
}

/// Whether a thread of the current task's process can transfer in its stead that has no descriptors.
///
/// Some files are read to get a descriptor, or are told of one by what is written to them: not those that
/// hold data, pipes, terminals and eventfds, nor what a file system says of itself.
pub(crate) fn can_delegate(file: &File, write: bool) -> bool {
    calls::ruring_file_needs_no_descriptors(file, write)
}

/// Whether `file` has an operation for it.
pub(crate) fn has_operation(file: &File, write: bool) -> bool {
    let ops = operations(file);
    if write {
        ops.write.is_some() || ops.write_iter.is_some()
    } else {
        ops.read.is_some() || ops.read_iter.is_some()
    }
}

/// Whether `file` says of itself that an attempt need not wait.
pub(crate) fn can_try(file: &File) -> bool {
    calls::ruring_file_has_nowait(file) || is_nonblocking(file)
}

/// Whether a transfer can be tried that would block: it says so itself.
#[inline]
pub(crate) fn can_ask(file: &File, write: bool) -> bool {
    let ops = operations(file);
    let by_iter = if write {
        ops.write_iter.is_some()
    } else {
        ops.read_iter.is_some()
    };
    (calls::ruring_file_has_nowait(file) && by_iter)
        || (calls::ruring_file_nonblock(file) && can_poll(file))
}

/// Whether `file` was opened not to wait.
pub(crate) fn is_nonblocking(file: &File) -> bool {
    calls::ruring_file_nonblock(file)
}

/// Whether its events say that a transfer would not block.
///
/// # Context
///
/// May sleep, as the file's `->poll()` may.
pub(crate) fn is_ready(file: &File, write: bool) -> bool {
    let wanted = if write { events::OUT } else { events::IN };
    // What has an error or is hung up has nothing to wait for: it says so at once.
    events_of(file, wanted | events::ERR | events::HUP) != 0
}

/// Whether its events say that there is urgent data.
///
/// # Context
///
/// May sleep, as the file's `->poll()` may.
pub(crate) fn is_urgent(file: &File) -> bool {
    events_of(file, events::PRI) != 0
}

/// Identifies what is behind `file` as long as that is open, if it is a regular file. 0 for anything else.
pub(crate) fn regular_id(file: &File) -> usize {
    if calls::ruring_file_is_reg(file) {
        calls::ruring_file_inode(file) as usize
    } else {
        0
    }
}

/// A transfer from or to a file.
///
/// # Invariants
///
/// `iocb` is initialised for `file`, and is synchronous: nobody keeps it beyond a call.
pub(crate) struct Transfer<'a> {
    iocb: bindings::kiocb,
    file: &'a File,
    ops: &'a bindings::file_operations,
    write: bool,
}

impl<'a> Transfer<'a> {
    /// A transfer with the flags `RWF_*` and with a priority.
    ///
    /// # Errors
    ///
    /// `-EBADF` if the file is not open for it; `-EOPNOTSUPP` or `-EINVAL` for flags that it cannot have; `-EINVAL`
    /// if it cannot be read or written at all.
    pub(crate) fn new(file: &'a File, write: bool, flags: u32, ioprio: u16) -> Result<Self> {
        let raw: *mut bindings::file = file.as_ptr().cast();
        if !calls::ruring_file_may(file, write) {
            return Err(EBADF);
        }
        let mut iocb = bindings::kiocb::default();
        // SAFETY: The file is open, and `iocb` is ours.
        let ret = unsafe {
            bindings::ruring_init_kiocb(&mut iocb, raw);
            bindings::ruring_kiocb_set_rw_flags(&mut iocb, flags, write)
        };
        if ret < 0 {
            return Err(Errno::from_raw(ret));
        }
        if flags & rwf::HIPRI != 0 {
            return Err(EINVAL);
        }
        iocb.ki_ioprio = ioprio;
        // INVARIANT: `ruring_init_kiocb` made it so.
        let ops = operations(file);
        let this = Self {
            iocb,
            file,
            ops,
            write,
        };
        let can = if write {
            ops.write_iter.is_some() || ops.write.is_some()
        } else {
            ops.read_iter.is_some() || ops.read.is_some()
        };
        if can {
            Ok(this)
        } else {
            Err(EINVAL)
        }
    }

    /// Has a write to what nobody reads any more raise no SIGPIPE.
    pub(crate) fn raise_no_signal(&mut self) {
        self.iocb.ki_flags |= rwf::NOSIGNAL as i32;
    }

    fn raw(&self) -> *mut bindings::file {
        self.file.as_ptr().cast()
    }

    /// Whether an attempt is known not to block.
    fn can_try(&mut self) -> bool {
        if !can_ask(self.file, self.write) {
            return false;
        }
        let regular = calls::ruring_file_is_reg(self.file);
        // SAFETY: `iocb` is initialised for a file that is open, and these are that one's operations.
        let (direct, buffered) = unsafe {
            (
                bindings::ruring_kiocb_is_direct(&mut self.iocb),
                bindings::ruring_ops_buffer_writes_nowait(self.ops),
            )
        };
        // What goes to a device is waited for, as `iocb` is synchronous.
        let slow = direct && is_whole(self.file);
        !(slow || (self.write && regular && !buffered))
    }

    /// Transfers what it can into or out of `buffers`; with `block` it sleeps for that as read(2) and write(2) do. If
    /// there is a registered buffer they are bytes of that.
    ///
    /// # Errors
    ///
    /// `-ECANCELED` in a task without descriptors unless [`can_delegate`]; `-EAGAIN` for what would block, or might and
    /// cannot be asked; `-EFAULT` or `-EINVAL` for bytes that are not of
    /// the registered buffer; those of read(2) and write(2).
    ///
    /// # Context
    ///
    /// May sleep, with `block` for as long as whoever has the other end likes.
    pub(crate) fn transfer(
        &mut self,
        buffers: UserBuffers<'_>,
        registered: Option<&UserBuffer>,
        pos: &mut Position,
        block: bool,
    ) -> Result<usize> {
        if !has_descriptors() && !can_delegate(self.file, self.write) {
            return Err(ECANCELED);
        }
        if !block && !self.can_try() {
            return Err(EAGAIN);
        }
        self.begin(pos, buffers.len(), block)?;
        let ret = self.perform(buffers, registered, block);
        if let Position::At { pos, moves } = pos {
            *pos = self.iocb.ki_pos;
            if *moves && ret.is_ok() {
                calls::ruring_set_file_pos(self.file, *pos);
            }
        }
        match ret {
            Ok(len) => {
                calls::ruring_fsnotify(self.file, self.write);
                Ok(len)
            }
            // Some say so of a transfer that must not block.
            Err(EOPNOTSUPP) if !block => Err(EAGAIN),
            Err(error) => Err(error.without_restart()),
        }
    }

    /// Has `iocb` begin where `pos` says, and asks whether `len` bytes may be transferred from there.
    fn begin(&mut self, pos: &mut Position, len: usize, block: bool) -> Result {
        if *pos == Position::Current {
            *pos = if calls::ruring_file_is_stream(self.file) {
                Position::Stream
            } else {
                Position::At {
                    pos: calls::ruring_file_pos(self.file),
                    moves: true,
                }
            };
        }
        let placed = match *pos {
            Position::At { pos, .. } => {
                self.iocb.ki_pos = pos;
                true
            }
            _ => {
                self.iocb.ki_pos = 0;
                false
            }
        };
        let ppos = if placed {
            &raw mut self.iocb.ki_pos
        } else {
            null_mut()
        };
        // SAFETY: The file is open, `iocb` is initialised, and `ppos` points into it or nowhere.
        let ret = unsafe {
            bindings::ruring_kiocb_set_nowait(&mut self.iocb, !block);
            bindings::rw_verify_area(self.write.into(), self.raw(), ppos, len)
        };
        if ret != 0 {
            return Err(Errno::from_raw(ret));
        }
        Ok(())
    }

    /// Calls the file's operation, for a write between what announces it to the file system and what ends that.
    fn perform(
        &mut self,
        buffers: UserBuffers<'_>,
        registered: Option<&UserBuffer>,
        block: bool,
    ) -> Result<usize> {
        if !self.write {
            return self.call(buffers, registered);
        }
        // SAFETY: `iocb` is initialised. What is begun here is ended below.
        if !unsafe { bindings::ruring_kiocb_start_write(&mut self.iocb, !block) } {
            return Err(EAGAIN);
        }
        let ret = self.call(buffers, registered);
        // SAFETY: `iocb` is initialised, and the write was begun above.
        unsafe { bindings::ruring_kiocb_end_write(&mut self.iocb) };
        ret
    }

    /// Calls the file's operation.
    fn call(&mut self, buffers: UserBuffers<'_>, registered: Option<&UserBuffer>) -> Result<usize> {
        let ops = self.ops;
        let by_iter = if self.write {
            ops.write_iter
        } else {
            ops.read_iter
        };
        let Some(by_iter) = by_iter else {
            return self.by_piece(ops, buffers);
        };
        let mut iter = bindings::iov_iter::default();
        let mut gathered = None;
        if let Some(memory) = registered {
            let direction = if self.write {
                bindings::ITER_SOURCE
            } else {
                bindings::ITER_DEST
            };
            // SAFETY: The iterator is last used below, within the lives of both.
            unsafe { memory.import(buffers, &mut iter, direction, &mut gathered)? };
        } else {
            buffers.import(&mut iter, !self.write)?;
        }
        // SAFETY: `iocb` is initialised for the file, `iter` describes user memory or pinned pages,
        // and the pieces that it points to live longer than this call, after which nobody has
        // them: by the type invariants the operation is over then.
        let ret = unsafe { by_iter(&mut self.iocb, &mut iter) };
        usize::try_from(ret).map_err(|_| Errno::from_raw(ret as i32))
    }

    /// As `loop_rw_iter()` of `io_uring/rw.c`, for files that take one piece at a time.
    fn by_piece(
        &mut self,
        ops: &bindings::file_operations,
        buffers: UserBuffers<'_>,
    ) -> Result<usize> {
        let raw = self.raw();
        let ppos = if calls::ruring_file_is_stream(self.file) {
            null_mut()
        } else {
            &raw mut self.iocb.ki_pos
        };
        let mut done = 0;
        for (addr, len) in buffers.pieces() {
            if !access_ok(addr, len) {
                return Err(EFAULT);
            }
            // SAFETY: The file is open, the address is one of user space, and `ppos` points into
            // `iocb` or nowhere.
            let ret = unsafe {
                match (self.write, ops.read, ops.write) {
                    (false, Some(read), _) => read(raw, addr as *mut _, len, ppos),
                    (true, _, Some(write)) => write(raw, addr as *const _, len, ppos),
                    _ => return Err(EINVAL),
                }
            };
            match usize::try_from(ret) {
                Ok(count) => {
                    done += count;
                    if count < len {
                        break;
                    }
                }
                Err(_) if done == 0 => return Err(Errno::from_raw(ret as i32)),
                Err(_) => break,
            }
        }
        Ok(done)
    }
}
