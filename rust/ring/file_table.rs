// SPDX-License-Identifier: GPL-2.0

//! Registering files, and direct descriptors. `io_uring/rsrc.c`, `io_uring/filetable.c` of the
//! kernel.

use super::{
    buffer_table::{as_many, read_register, read_update},
    tags::TagObjects,
    Locked, Ring,
};
use crate::{
    rsrc::{
        files::{self, FileRef, FileTable, RegisteredFile},
        table::RsrcSource,
    },
    sys::{
        context::{InCall, InTask},
        fd::{OpenFile, Reserved},
        user,
    },
    uapi::{
        args::files::FileSlot,
        errno::{Result, EBADF, EBUSY, EINVAL, ENXIO, EOVERFLOW},
        number::call,
        structs::{FileIndexRange, RsrcUpdate},
    },
};
use kernel::{alloc::flags::GFP_KERNEL_ACCOUNT, sync::Arc};

/// In an array of descriptors: leave the slot as it is.
const SKIP: i32 = call::FILES_SKIP;
/// In an array of descriptors: an empty slot.
const NONE: i32 = -1;

/// How many slots are changed with the ring locked once.
const AT_ONCE: usize = 32;

/// Opens a file of the current task for a slot.
fn open(task: InTask<'_>, fd: i32, tag: u64, tags: &TagObjects) -> Result<Arc<RegisteredFile>> {
    let file = files::open(task, fd)?;
    let tag = tags.make(tag)?;
    Ok(Arc::new(RegisteredFile { file, tag }, GFP_KERNEL_ACCOUNT)?)
}

/// Reads the descriptor and the tag for the slot with this number.
fn read_file(source: RsrcSource, number: u32) -> Result<(i32, u64)> {
    Ok((source.data(number)?.unwrap_or(NONE), source.tag(number)?))
}

impl Ring {
    /// `IORING_REGISTER_FILES2`: `arg` is the address of a `struct io_uring_rsrc_register`.
    ///
    /// # Errors
    ///
    /// Those of [`read_register`] and [`Ring::register_files`].
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
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
    ///
    /// # Errors
    ///
    /// `-EBUSY` if there is a table, `-EINVAL` for no files, or a tag without one; `-EMFILE` for too many, `-EBADF`
    /// for what is not open or is a ring, `-EFAULT`, `-ENOMEM`, `-EBADFD` if the ring was closed meanwhile.
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
    pub(crate) fn register_files(
        self: &Arc<Self>,
        call: InCall<'_>,
        count: u32,
        source: RsrcSource,
    ) -> Result {
        let tags = {
            let mut locked = self.lock()?;
            if locked.files().len() != 0 {
                return Err(EBUSY);
            }
            locked.tag_objects(self, source.tags != 0)?
        };
        let mut table = FileTable::default();
        table.create(count)?;
        for index in 0..count {
            // Nobody uses them yet, so that dropping them is all if there is an error, and posts no tag.
            match read_file(source, index)? {
                (NONE, 0) => {}
                (NONE, _) => return Err(EINVAL),
                (fd, tag) => {
                    table.put(index, open(call.task(), fd, tag, &tags)?);
                }
            }
        }
        table.rewind();
        let mut locked = self.lock_in(call)?;
        locked.check_alive()?;
        if locked.files().len() != 0 {
            return Err(EBUSY);
        }
        locked.state.files = table;
        Ok(())
    }

    /// `IORING_REGISTER_FILES_UPDATE`: `arg` is the address of a `struct io_uring_rsrc_update`.
    /// Returns how many slots it has dealt with.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for none or a reserved field, `-EFAULT`; those of
    /// [`Slots::check`](crate::rsrc::table::Slots::check), and what the first one says.
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
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
        self.change_files(call, update.offset, count, source)
    }

    /// `IORING_REGISTER_FILES_UPDATE2`: `arg` is the address of a `struct io_uring_rsrc_update2`.
    ///
    /// # Errors
    ///
    /// Those of [`read_update`] and [`Ring::update_files`].
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
    pub(crate) fn update_files2(
        self: &Arc<Self>,
        call: InCall<'_>,
        arg: u64,
        size: u32,
    ) -> Result<i64> {
        let (first, count, source) = read_update(arg, size)?;
        self.change_files(call, first, count, source)
    }

    /// As [`Locked::update_files()`], with tags, and with the ring unlocked while user memory is read.
    fn change_files(
        self: &Arc<Self>,
        call: InCall<'_>,
        first: u32,
        count: u32,
        source: RsrcSource,
    ) -> Result<i64> {
        let tags = {
            let mut locked = self.lock()?;
            locked.files().check(first, count)?;
            source.check()?;
            locked.tag_objects(self, source.tags != 0)?
        };
        let mut done = 0;
        while done < count {
            // What cannot be read ends it, after what comes before.
            let mut read = [Err(EINVAL); AT_ONCE];
            let mut some = 0;
            for (number, place) in (done..count).zip(&mut read) {
                *place = read_file(source, number);
                some += 1;
                if place.is_err() {
                    break;
                }
            }
            let mut locked = self.lock_in(call)?;
            locked.check_alive()?;
            // Somebody else may have replaced the table meanwhile.
            let result = locked.files().check(first, count).and_then(|()| {
                let with = |number: u32| {
                    let (fd, tag) = read[number as usize]?;
                    locked.update_file(first + done + number, fd, tag, &tags)
                };
                as_many(some, with)
            });
            match result {
                Ok(dealt) if dealt == some => done += some,
                Ok(dealt) => return Ok((done + dealt).into()),
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done.into())
    }

    /// `IORING_REGISTER_FILE_ALLOC_RANGE`: `arg` is the address of a
    /// `struct io_uring_file_index_range`.
    ///
    /// # Errors
    ///
    /// `-EFAULT`, `-EINVAL` for a reserved field or slots that there are not, `-EOVERFLOW`, `-EINTR`.
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
    pub(crate) fn limit_file_slots(&self, arg: u64) -> Result {
        let range: FileIndexRange = user::read(arg)?;
        let end = range.off.checked_add(range.len).ok_or(EOVERFLOW)?;
        if range.resv != 0 {
            return Err(EINVAL);
        }
        self.lock()?.state.files.limit(range.off, end)
    }
}

impl<'r> Locked<'r> {
    /// See [`Ring::polls_files`].
    #[inline]
    pub(crate) fn polls_files(&self) -> bool {
        self.ring.polls_files()
    }

    /// The table of the registered files.
    #[inline]
    pub(crate) fn files(&self) -> &FileTable {
        &self.state.files
    }

    /// The registered file with this index.
    ///
    /// # Errors
    ///
    /// `-EBADF` if there is none.
    #[inline]
    pub(crate) fn registered(&self, index: i32) -> Result<FileRef> {
        let registered = self.state.files.get(index as u32 as usize).ok_or(EBADF)?;
        Ok(FileRef::Registered(registered.clone()))
    }

    /// Changes the `count` slots from `first` on. Returns how many were dealt with before there was an error.
    ///
    /// # Errors
    ///
    /// That one, if it was none; those of [`Slots::check`](crate::rsrc::table::Slots::check).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn update_files(
        &mut self,
        first: u32,
        count: u32,
        source: RsrcSource,
    ) -> Result<i64> {
        self.state.files.check(first, count)?;
        source.check()?;
        as_many(count, |number| {
            let (fd, tag) = read_file(source, number)?;
            self.update_file(first + number, fd, tag, &TagObjects::NONE)
        })
        .map(i64::from)
    }

    fn update_file(&mut self, index: u32, fd: i32, tag: u64, tags: &TagObjects) -> Result {
        if matches!(fd, SKIP | NONE) && tag != 0 {
            return Err(EINVAL);
        }
        if fd == SKIP {
            return Ok(());
        }
        if let Some(old) = self.state.files.take(index) {
            self.put_registered(old);
        }
        if fd != NONE {
            let registered = open(self.task()?, fd, tag, tags)?;
            self.state.files.put(index, registered);
        }
        Ok(())
    }

    /// Registers `file` as `place` says, which is not to give it a descriptor. Returns 0 for a
    /// slot that was asked for, else which one it was.
    ///
    /// # Errors
    ///
    /// `-ENXIO` if there is no table, `-EINVAL` if there is no such slot, `-ENFILE` if none is free, `-EBADF` for a
    /// ring, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn install_file(&mut self, place: FileSlot, file: OpenFile) -> Result<i32> {
        let index = match self.state.files.place(place, &file) {
            Ok(index) => index,
            Err(error) => {
                self.put_file(FileRef::Own(file));
                return Err(error);
            }
        };
        let registered = Arc::new(RegisteredFile { file, tag: None }, GFP_KERNEL_ACCOUNT)?;
        if let Some(old) = self.state.files.install(index, registered) {
            self.put_registered(old);
        }
        Ok(match place {
            FileSlot::AnySlot => index as i32,
            _ => 0,
        })
    }

    /// Reserves a descriptor for a file that is to be made, if that is its `place`.
    ///
    /// # Errors
    ///
    /// Those of [`Reserved::new`], and of [`Locked::task`].
    ///
    /// # Context
    ///
    /// May sleep.
    #[inline]
    pub(crate) fn reserve_place(
        &self,
        place: FileSlot,
        flags: u32,
    ) -> Result<Option<Reserved<'r>>> {
        match place {
            FileSlot::Descriptor => Reserved::new(self.task()?, flags).map(Some),
            _ => Ok(None),
        }
    }

    /// Gives a new file its `place`: the descriptor that was reserved for it, or a slot. Returns what [`Reserved::install`] or
    /// [`Locked::install_file`] do.
    ///
    /// # Errors
    ///
    /// Those of [`Locked::install_file`].
    #[inline]
    pub(crate) fn install(
        &mut self,
        fd: Option<Reserved<'_>>,
        place: FileSlot,
        file: OpenFile,
    ) -> Result<i32> {
        match fd {
            Some(fd) => Ok(fd.install(file)),
            None => self.install_file(place, file),
        }
    }

    /// Finds out whether a file could be put where `place` says.
    ///
    /// # Errors
    ///
    /// `-ENFILE` if no slot is free, `-ENXIO` without a table.
    pub(crate) fn check_slot(&mut self, place: FileSlot) -> Result {
        self.state.files.check(0, 0)?;
        self.state.files.find(place).map(|_| ())
    }

    /// Finds out whether the current task could have one more descriptor.
    ///
    /// # Errors
    ///
    /// `-EMFILE` if not, `-ECANCELED` if it is not its own requests that it is at.
    pub(crate) fn has_descriptor(&self) -> Result {
        Reserved::new(self.task()?, 0).map(|_| ())
    }

    /// Takes the file out of a slot of the table.
    ///
    /// # Errors
    ///
    /// `-ENXIO` without a table, `-EINVAL` if there is no such slot, `-EBADF` if it is empty.
    pub(crate) fn remove_file(&mut self, index: u32) -> Result {
        self.state.files.check(0, 0)?;
        if index as usize >= self.state.files.len() {
            return Err(EINVAL);
        }
        let file = self.state.files.take(index).ok_or(EBADF)?;
        self.put_registered(file);
        Ok(())
    }

    /// `IORING_UNREGISTER_FILES`: lets go of all registered files.
    ///
    /// # Errors
    ///
    /// `-ENXIO` if there is no table.
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
