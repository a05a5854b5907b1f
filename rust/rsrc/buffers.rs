// SPDX-License-Identifier: GPL-2.0

//! The registered buffers of a ring.
//!
//! The table has a reference to each buffer, and so has each request that uses it. A buffer that is
//! taken out of the table is unpinned, and its tag posted, with the last of them.

use crate::{
    req::OwnedReq,
    sys::{
        buffer::{SharedBuffer, UserBuffer},
        pin::Ledger,
        user::{self, index_nospec},
    },
    uapi::{
        errno::{Result, EBUSY, EFAULT, EINVAL, ENXIO, EOVERFLOW},
        structs::UserIovec,
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KVVec},
    sync::Arc,
};

/// Most buffers of a table.
const MAX_BUFFERS: u32 = 1 << 14;

/// A registered buffer, with the completion that tells that nobody uses it any more, if its user
/// wants that.
pub(crate) type RegisteredBuffer = SharedBuffer<Option<OwnedReq>>;

/// The registered buffers of a ring, by slot.
#[derive(Default)]
pub(crate) struct BufferTable {
    slots: KVVec<Option<Arc<RegisteredBuffer>>>,
    /// Which folios its buffers share, also the ones that are in it no more.
    ledger: Option<Arc<Ledger>>,
}

/// Where user space says what to register.
#[derive(Clone, Copy)]
pub(crate) struct BufferSource {
    /// A `struct iovec` for each, or 0 for none at all.
    pub(crate) pieces: u64,
    /// A tag for each, or 0 for none.
    pub(crate) tags: u64,
}

/// One buffer to register.
pub(crate) struct Wanted {
    addr: u64,
    len: u64,
    /// What its completion says, 0 for none.
    pub(crate) tag: u64,
}

impl BufferSource {
    /// Reads what there is for the buffer with this number.
    pub(crate) fn read(&self, number: u32) -> Result<Wanted> {
        let piece: UserIovec = user::read_nth(self.pieces, number)?.unwrap_or_default();
        if (piece.iov_len as i64).is_negative() {
            return Err(EINVAL);
        }
        let tag = user::read_nth(self.tags, number)?.unwrap_or(0);
        Ok(Wanted {
            addr: piece.iov_base,
            len: piece.iov_len,
            tag,
        })
    }
}

impl BufferTable {
    /// How many slots the table has, 0 if there is none.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The buffers by slot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&RegisteredBuffer>> {
        self.slots.iter().map(Option::as_deref)
    }

    /// The buffer with this index, if there is one.
    #[inline]
    pub(crate) fn get(&self, index: u16) -> Option<&Arc<RegisteredBuffer>> {
        let index = usize::from(index);
        if index >= self.slots.len() {
            return None;
        }
        let index = index_nospec(index, self.slots.len());
        self.slots.get(index)?.as_ref()
    }

    /// Makes a table of `count` empty slots. `-EBUSY` if there is one.
    pub(crate) fn create(&mut self, count: u32) -> Result {
        if self.len() != 0 {
            return Err(EBUSY);
        }
        if count == 0 || count > MAX_BUFFERS {
            return Err(EINVAL);
        }
        let mut slots = KVVec::with_capacity(count as usize, GFP_KERNEL_ACCOUNT)?;
        for _ in 0..count {
            slots.push(None, GFP_KERNEL_ACCOUNT)?;
        }
        self.slots = slots;
        Ok(())
    }

    /// Checks that the table has the `count` slots from `first` on.
    pub(crate) fn check(&self, first: u32, count: u32) -> Result {
        let end = first.checked_add(count).ok_or(EOVERFLOW)?;
        if self.len() == 0 {
            return Err(ENXIO);
        }
        if end as usize > self.len() {
            return Err(EINVAL);
        }
        Ok(())
    }

    /// The memory of a buffer, pinned; none if there is to be none. May sleep.
    pub(crate) fn pin(&mut self, wanted: &Wanted) -> Result<Option<UserBuffer>> {
        match (wanted.addr, wanted.len) {
            (0, 0) => {
                return if wanted.tag == 0 {
                    Ok(None)
                } else {
                    Err(EINVAL)
                }
            }
            (0, _) => return Err(EFAULT),
            _ => {}
        }
        let ledger = match &self.ledger {
            Some(ledger) => ledger,
            None => self.ledger.insert(Ledger::new()?),
        };
        UserBuffer::pin(wanted.addr, wanted.len, ledger).map(Some)
    }

    /// Puts a buffer, or none, into a slot. Returns what was there.
    pub(crate) fn replace(
        &mut self,
        index: usize,
        buffer: Option<Arc<RegisteredBuffer>>,
    ) -> Option<Arc<RegisteredBuffer>> {
        match self.slots.get_mut(index) {
            Some(slot) => core::mem::replace(slot, buffer),
            None => buffer,
        }
    }

    /// Takes the table away, with all buffers.
    pub(crate) fn remove(&mut self) -> KVVec<Option<Arc<RegisteredBuffer>>> {
        core::mem::take(&mut self.slots)
    }
}
