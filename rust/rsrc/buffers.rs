// SPDX-License-Identifier: GPL-2.0

//! The registered buffers of a ring.
//!
//! The table has a reference to each buffer, and so has each request that uses it. A buffer that is
//! taken out of the table is unpinned, and its tag posted, with the last of them.

use super::table::{RsrcSource, Slots};
use crate::{
    req::OwnedReq,
    sys::{
        buffer::{SharedBuffer, UserBuffer},
        pin::FolioTable,
    },
    uapi::{
        abi::MAX_BUFFERS,
        errno::{Result, EFAULT, EINVAL},
        structs::{CloneBuffers, UserIovec},
    },
};
use core::ops::Deref;
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KVVec},
    sync::Arc,
    warn_on,
};

/// A registered buffer, with the completion that tells that nobody uses it any more, if its user
/// wants that.
pub(crate) type RegisteredBuffer = SharedBuffer<Option<OwnedReq>>;

/// The registered buffers of a ring, by slot.
#[derive(Default)]
pub(crate) struct BufferTable {
    slots: Slots<RegisteredBuffer>,
    /// Which folios its buffers share, also the ones that are in it no more.
    folio_table: Option<Arc<FolioTable>>,
}

/// One buffer to register.
pub(crate) struct NewBuffer {
    addr: u64,
    len: u64,
    /// What its completion says, 0 for none.
    pub(crate) tag: u64,
}

impl NewBuffer {
    /// Reads what `source` says of the buffer with this number.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for more than any memory has, `-EFAULT` if it cannot be read.
    pub(crate) fn read(source: RsrcSource, number: u32) -> Result<Self> {
        let piece: UserIovec = source.data(number)?.unwrap_or_default();
        if (piece.iov_len as i64).is_negative() {
            return Err(EINVAL);
        }
        Ok(Self {
            addr: piece.iov_base,
            len: piece.iov_len,
            tag: source.tag(number)?,
        })
    }

    /// Its memory, pinned, if its user has no more than `most` pages then; none if there is to be none.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for a tag without a buffer, `-EFAULT` for bytes at no address; those of [`UserBuffer::pin`].
    ///
    /// # Context
    ///
    /// No ring is locked: may sleep for as long as somebody likes who serves that memory.
    pub(crate) fn pin(
        &self,
        folio_table: &Arc<FolioTable>,
        most: usize,
    ) -> Result<Option<UserBuffer>> {
        match (self.addr, self.len) {
            (0, 0) if self.tag == 0 => Ok(None),
            (0, 0) => Err(EINVAL),
            (0, _) => Err(EFAULT),
            (addr, len) => UserBuffer::pin(addr, len, folio_table, most).map(Some),
        }
    }
}

impl Deref for BufferTable {
    type Target = Slots<RegisteredBuffer>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.slots
    }
}

impl BufferTable {
    /// Makes a table of `count` empty slots.
    ///
    /// # Errors
    ///
    /// `-EBUSY` if there is one, `-EINVAL` for no slots or too many, `-ENOMEM`.
    pub(crate) fn create(&mut self, count: u32) -> Result {
        self.slots.create(count, MAX_BUFFERS, EINVAL)
    }

    /// Buffers with the memory of those that `args` ask for, without their tags.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if one is not the current user's and address space's; those of [`CloneBuffers::check`]; `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn cloned(
        &self,
        args: &CloneBuffers,
    ) -> Result<KVVec<Option<Arc<RegisteredBuffer>>>> {
        let (first, last) = args.check(self.len() as u32)?;
        let count = (last - first) as usize;
        let mut cloned = KVVec::with_capacity(count, GFP_KERNEL_ACCOUNT)?;
        for slot in self.iter().skip(first as usize).take(count) {
            let clone = match slot {
                Some(buffer) if !buffer.memory.is_currents() => return Err(EINVAL),
                Some(buffer) => Some(Arc::new(
                    RegisteredBuffer {
                        memory: buffer.memory.clone(),
                        tag: None,
                    },
                    GFP_KERNEL_ACCOUNT,
                )?),
                None => None,
            };
            cloned.push(clone, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(cloned)
    }

    /// Makes the table one of at least `count` slots.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn extend(&mut self, count: usize) -> Result {
        self.slots.extend(count)
    }

    /// Where the folios are entered that its buffers share.
    ///
    /// # Errors
    ///
    /// `-ENOMEM` if there is none yet.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn folio_table(&mut self) -> Result<Arc<FolioTable>> {
        let folio_table = match &self.folio_table {
            Some(folio_table) => folio_table,
            None => self.folio_table.insert(FolioTable::new()?),
        };
        Ok(folio_table.clone())
    }

    /// Puts the buffers of a `new` table into this one, which must have no slots.
    pub(crate) fn fill(&mut self, new: Self) {
        warn_on!(self.slots.len() != 0);
        self.slots = new.slots;
    }

    /// Puts a buffer, or none, into a slot. Returns what was there.
    pub(crate) fn replace(
        &mut self,
        index: usize,
        buffer: Option<Arc<RegisteredBuffer>>,
    ) -> Option<Arc<RegisteredBuffer>> {
        self.slots.replace(index, buffer)
    }

    /// Takes the table away, with all buffers.
    pub(crate) fn remove(&mut self) -> KVVec<Option<Arc<RegisteredBuffer>>> {
        self.slots.remove()
    }
}
