// SPDX-License-Identifier: GPL-2.0

//! The registered files of a ring, and what a request has of a file.
//!
//! The table has a reference to each registration, and so has each request that uses it. A file
//! that is taken out of the table is released, and its tag posted, with the last of them.

use super::{
    slots::{self, Range},
    table::Slots,
};
use crate::{
    req::OwnedReq,
    ring::Ring,
    sys::{
        context::InTask,
        fd::{self, OpenFile},
        ringfile,
    },
    uapi::{
        args::files::FileSlot,
        errno::{Result, EBADF, EINVAL, EMFILE, ENFILE, ENXIO},
    },
};
use core::ops::Deref;
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KVVec},
    fs::File,
    sync::Arc,
    warn_on,
};

/// Most files of a table.
const MAX_FILES: u32 = 1 << 20;

/// A file that is or was in the table, with the completion that tells that nobody uses it any more,
/// if its user wants that.
pub(crate) type RegisteredFile = fd::SharedFile<Option<OwnedReq>>;

/// What keeps the file of a request open.
pub(crate) type FileRef = fd::KeptFile<Option<OwnedReq>>;

/// The registered files of a ring, by slot.
#[derive(Default)]
pub(crate) struct FileTable {
    slots: Slots<RegisteredFile>,
    /// Which of them have a file.
    used: KVVec<u64>,
    range: Range,
}

/// Opens the file behind `fd` for registration. A ring cannot be registered, with whomever: rings
/// that keep each other open would never be closed.
///
/// # Errors
///
/// `-EBADF` for a ring, or if it is not open.
pub(crate) fn open(task: InTask<'_>, fd: i32) -> Result<OpenFile> {
    let file = OpenFile::get(task, fd)?;
    refuse_rings(&file)?;
    Ok(file)
}

fn refuse_rings(file: &File) -> Result {
    if ringfile::is_ring::<Ring>(file) || fd::is_io_uring(file) {
        return Err(EBADF);
    }
    Ok(())
}

impl Deref for FileTable {
    type Target = Slots<RegisteredFile>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.slots
    }
}

impl FileTable {
    /// Makes a table of `count` empty slots.
    ///
    /// # Errors
    ///
    /// `-EBUSY` if there is one, `-EINVAL` for no slots, `-EMFILE` if that is more than the current task may have
    /// files open, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn create(&mut self, count: u32) -> Result {
        let most = fd::limit().min(MAX_FILES as usize) as u32;
        self.slots.create(count, most, EMFILE)?;
        let words = slots::words(count as usize);
        self.used = KVVec::from_elem(0, words, GFP_KERNEL_ACCOUNT).inspect_err(|_| {
            self.slots.remove();
        })?;
        self.range = Range::new(0, count);
        Ok(())
    }

    /// Has the search for free slots begin at the first one.
    pub(crate) fn rewind(&mut self) {
        self.range = Range::new(0, self.len() as u32);
    }

    /// Takes the table away, with all files.
    pub(crate) fn remove(&mut self) -> KVVec<Option<Arc<RegisteredFile>>> {
        self.used = KVVec::new();
        self.range = Range::default();
        self.slots.remove()
    }

    /// Takes free slots from those from `first` up to `end` only.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for slots that there are not.
    pub(crate) fn limit(&mut self, first: u32, end: u32) -> Result {
        if end as usize > self.len() {
            return Err(EINVAL);
        }
        self.range = Range::new(first, end);
        Ok(())
    }

    /// Empties a slot. Returns what was there.
    pub(crate) fn take(&mut self, index: u32) -> Option<Arc<RegisteredFile>> {
        let old = self.slots.replace(index as usize, None)?;
        self.range.clear(&mut self.used, index);
        Some(old)
    }

    /// Puts a file into a slot, which must be one. Returns what was there.
    pub(crate) fn put(
        &mut self,
        index: u32,
        file: Arc<RegisteredFile>,
    ) -> Option<Arc<RegisteredFile>> {
        let old = self.take(index);
        // The slot is empty now: what comes back is the file itself, if there is no such slot.
        if self.slots.replace(index as usize, Some(file)).is_none() {
            self.range.mark(&mut self.used, index);
        } else {
            // Who calls it has looked.
            warn_on!(true);
        }
        old
    }

    /// As [`FileTable::put`]; but where a file takes the place of another the search for a free slot goes on where it was.
    pub(crate) fn install(
        &mut self,
        index: u32,
        file: Arc<RegisteredFile>,
    ) -> Option<Arc<RegisteredFile>> {
        match self.slots.get(index as usize) {
            Some(_) => self.slots.replace(index as usize, Some(file)),
            None => self.put(index, file),
        }
    }

    /// The slot that `place` means, whether there is one like that or not.
    ///
    /// # Errors
    ///
    /// `-ENFILE` if none is free, `-EINVAL` for a descriptor.
    pub(crate) fn find(&mut self, place: FileSlot) -> Result<u32> {
        match place {
            FileSlot::Slot(index) => Ok(index),
            FileSlot::AnySlot => self.range.find(&self.used).ok_or(ENFILE),
            FileSlot::Descriptor => Err(EINVAL),
        }
    }

    /// The slot that `place` means for `file`.
    ///
    /// # Errors
    ///
    /// Those of [`FileTable::find`]; `-EBADF` for a ring, `-ENXIO` if there is no table, `-EINVAL` if there is no
    /// such slot.
    pub(crate) fn place(&mut self, place: FileSlot, file: &File) -> Result<u32> {
        let index = self.find(place)?;
        refuse_rings(file)?;
        if self.len() == 0 {
            return Err(ENXIO);
        }
        if index as usize >= self.len() {
            return Err(EINVAL);
        }
        Ok(index)
    }
}
