// SPDX-License-Identifier: GPL-2.0

//! Registering files, and direct descriptors. `io_uring/rsrc.c`, `io_uring/filetable.c` of the
//! kernel.

use super::{
    buffer_table::{as_many, read_register, read_update},
    Locked, Ring,
};
use crate::{
    rsrc::{
        files::{self, FileRef, FileTable, RegisteredFile},
        table::RsrcSource,
    },
    sys::{
        context::InCall,
        fd::{OpenFile, Reserved},
        user,
    },
    uapi::{
        args::files::FileSlot,
        errno::{Result, EBADF, EINVAL, ENXIO, EOVERFLOW},
        structs::{FileIndexRange, RsrcUpdate},
    },
};
use kernel::{alloc::flags::GFP_KERNEL_ACCOUNT, sync::Arc};

/// In an array of descriptors: leave the slot as it is.
const SKIP: i32 = -2;
/// In an array of descriptors: an empty slot.
const NONE: i32 = -1;

/// Reads the descriptor and the tag for the slot with this number.
fn read_file(source: RsrcSource, number: u32) -> Result<(i32, u64)> {
    Ok((source.data(number)?.unwrap_or(NONE), source.tag(number)?))
}

impl Ring {
    /// `IORING_REGISTER_FILES2`: `arg` is the address of a `struct io_uring_rsrc_register`.
    pub(crate) fn register_files2(
        self: &Arc<Self>,
        call: InCall<'_>,
        arg: u64,
        size: u32,
    ) -> Result {
        let (count, source) = read_register(arg, size)?;
        self.register_files(call, count, source)
    }

    /// Makes a table of `count` files: all of them, or none.
    pub(crate) fn register_files(
        self: &Arc<Self>,
        call: InCall<'_>,
        count: u32,
        source: RsrcSource,
    ) -> Result {
        let mut locked = self.lock_for_tags(call, source.tags != 0)?;
        locked.state.files.create(count)?;
        for index in 0..count {
            let result = read_file(source, index).and_then(|(fd, tag)| match fd {
                NONE if tag != 0 => Err(EINVAL),
                NONE => Ok(()),
                _ => locked.register_file(index, fd, tag),
            });
            if let Err(error) = result {
                // Nobody has used them, so that dropping them is all, and posts no tag.
                let files = locked.state.files.remove();
                drop(locked);
                drop(files);
                return Err(error);
            }
        }
        locked.state.files.rewind();
        Ok(())
    }

    /// `IORING_REGISTER_FILES_UPDATE`: `arg` is the address of a `struct io_uring_rsrc_update`.
    /// Returns how many slots it has dealt with.
    pub(crate) fn update_files(
        self: &Arc<Self>,
        call: InCall<'_>,
        arg: u64,
        count: u32,
    ) -> Result<i64> {
        if count == 0 {
            return Err(EINVAL);
        }
        let update: RsrcUpdate = user::read(arg)?;
        if update.resv != 0 {
            return Err(EINVAL);
        }
        let source = RsrcSource {
            data: update.data,
            tags: 0,
        };
        self.lock_at(call)?
            .update_files(update.offset, count, source)
    }

    /// `IORING_REGISTER_FILES_UPDATE2`: `arg` is the address of a `struct io_uring_rsrc_update2`.
    pub(crate) fn update_files2(
        self: &Arc<Self>,
        call: InCall<'_>,
        arg: u64,
        size: u32,
    ) -> Result<i64> {
        let (first, count, source) = read_update(arg, size)?;
        let mut locked = self.lock_for_tags(call, source.tags != 0)?;
        locked.update_files(first, count, source)
    }

    /// `IORING_REGISTER_FILE_ALLOC_RANGE`: `arg` is the address of a
    /// `struct io_uring_file_index_range`.
    pub(crate) fn limit_file_slots(&self, arg: u64) -> Result {
        let range: FileIndexRange = user::read(arg)?;
        let end = range.off.checked_add(range.len).ok_or(EOVERFLOW)?;
        if range.resv != 0 {
            return Err(EINVAL);
        }
        self.lock()?.state.files.limit(range.off, end)
    }
}

impl Locked<'_> {
    /// See [`Ring::polls_files`].
    #[inline]
    pub(crate) fn polls_files(&self) -> bool {
        self.ring.polls_files()
    }

    /// The registered files.
    #[inline]
    pub(crate) fn files(&self) -> &FileTable {
        &self.state.files
    }

    /// The registered file with this index.
    #[inline]
    pub(crate) fn registered(&self, index: i32) -> Result<FileRef> {
        let registered = self.state.files.get(index as u32 as usize).ok_or(EBADF)?;
        Ok(FileRef::Registered(registered.clone()))
    }

    /// Registers an open file of the current task in an empty slot.
    fn register_file(&mut self, index: u32, fd: i32, tag: u64) -> Result {
        let file = files::open(self.task()?, fd)?;
        let tag = self.tag_object(tag)?;
        let registered = Arc::new(RegisteredFile { file, tag }, GFP_KERNEL_ACCOUNT)?;
        self.state.files.put(index, registered);
        Ok(())
    }

    /// Changes the `count` slots from `first` on. Returns how many were dealt with before there
    /// was an error, which counts if it is none.
    pub(crate) fn update_files(
        &mut self,
        first: u32,
        count: u32,
        source: RsrcSource,
    ) -> Result<i64> {
        self.state.files.check(first, count)?;
        as_many(count, |number| {
            self.update_file(first + number, read_file(source, number))
        })
        .map(i64::from)
    }

    fn update_file(&mut self, index: u32, to: Result<(i32, u64)>) -> Result {
        let (fd, tag) = to?;
        if matches!(fd, SKIP | NONE) && tag != 0 {
            return Err(EINVAL);
        }
        if fd == SKIP {
            return Ok(());
        }
        if let Some(old) = self.state.files.take(index) {
            self.put_registered(old);
        }
        match fd {
            NONE => Ok(()),
            _ => self.register_file(index, fd, tag),
        }
    }

    /// Registers `file` as `place` says, which is not to give it a descriptor. Returns 0 for a
    /// slot that was asked for, else which one it was.
    pub(crate) fn install_file(&mut self, place: FileSlot, file: OpenFile) -> Result<i32> {
        let index = match self.state.files.place(place, &file) {
            Ok(index) => index,
            Err(error) => {
                self.put_file(FileRef::Own(file));
                return Err(error);
            }
        };
        let registered = Arc::new(RegisteredFile { file, tag: None }, GFP_KERNEL_ACCOUNT)?;
        if let Some(old) = self.state.files.put(index, registered) {
            self.put_registered(old);
        }
        Ok(match place {
            FileSlot::AnySlot => index as i32,
            _ => 0,
        })
    }

    /// Whether a file could be put where `place` says: `-ENFILE` if no slot is free, `-ENXIO` without a table.
    pub(crate) fn check_slot(&mut self, place: FileSlot) -> Result {
        self.state.files.check(0, 0)?;
        self.state.files.find(place).map(|_| ())
    }

    /// Whether the current task could have one more descriptor: `-EMFILE` if not, `-ECANCELED` if it is not its own
    /// requests that it is at.
    pub(crate) fn has_descriptor(&self) -> Result {
        Reserved::new(self.task()?, 0).map(|_| ())
    }

    /// Empties a slot.
    pub(crate) fn remove_file(&mut self, index: u32) -> Result {
        self.state.files.check(0, 0)?;
        if index as usize >= self.state.files.len() {
            return Err(EINVAL);
        }
        let file = self.state.files.take(index).ok_or(EBADF)?;
        self.put_registered(file);
        Ok(())
    }

    /// `IORING_UNREGISTER_FILES`.
    pub(crate) fn unregister_files(&mut self) -> Result {
        let mut slots = self.state.files.remove();
        if slots.is_empty() {
            return Err(ENXIO);
        }
        while let Some(slot) = slots.pop() {
            if let Some(file) = slot {
                self.put_registered(file);
            }
        }
        Ok(())
    }

    /// Drops a reference to a registration. With the last one the file is released, and its tag
    /// posted.
    #[inline(never)]
    pub(crate) fn put_registered(&mut self, registered: Arc<RegisteredFile>) {
        let Some(mut registered) = Arc::into_unique_or_drop(registered) else {
            return;
        };
        let tag = registered.as_mut().get_mut().tag.take();
        let file = registered.file.again();
        drop(registered);
        self.put_file(FileRef::Own(file));
        if let Some(req) = tag {
            let done = req.core().cqe;
            self.complete(req, done);
        }
    }
}
