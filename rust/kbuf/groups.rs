// SPDX-License-Identifier: GPL-2.0

//! The groups of a ring, by their 16-bit id.

use super::{
    classic::BufRange,
    group::{ClassicGroup, Group, MappedGroup, NewGroup},
    mapped::{Entries, Span, MAX_SPAN},
    marks::Marks,
    selected::{BufEntry, Selected},
};
use crate::{
    sys::user::{access_ok, IoVec},
    uapi::{
        abi::{cqe, MAX_RW_COUNT},
        errno::{Result, EEXIST, EFAULT, EINVAL, ENOBUFS, ENOENT},
        structs::{BufReg, BufStatus},
    },
};
use core::ops::Deref;
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox},
    prelude::*,
    warn_on,
};

/// A buffer of a group, to be committed or dropped.
#[must_use = "dropping it leaves the buffer in its group"]
pub(crate) struct SelectedBuffer {
    selected: Selected,
    group: u16,
    /// Whether it is consumed whole, however much of it is used.
    pub(crate) whole: bool,
    /// Whether it is consumed as it is selected, by a transfer that takes its buffer once: io_uring never puts such a one back.
    pub(crate) consumed_at_once: bool,
    /// Bytes that may be used of it.
    pub(crate) len: usize,
}

impl SelectedBuffer {
    /// The next one of `group`, whose number is `id`, of which at most `limit` bytes are used if that is not 0.
    #[inline]
    fn next(group: &Group, id: u16, limit: usize) -> Option<Self> {
        let (selected, whole, consumed_at_once) = match group {
            Group::Mapped(group) => {
                let whole = group.min_left.is_none();
                (group.state.select(&group.entries)?, whole, false)
            }
            Group::Classic(group) => (group.queue.select(&group.slots)?, true, true),
        };
        let mut len = selected.entry.len as usize;
        if limit != 0 && limit < len {
            len = limit;
        }
        Some(Self {
            selected,
            group: id,
            whole,
            consumed_at_once,
            len,
        })
    }

    /// Whether what is used of it can be user memory.
    #[inline]
    fn is_user_memory(&self) -> bool {
        access_ok(self.addr(), self.len)
    }

    /// The address in user memory that the buffer begins at.
    #[inline]
    pub(crate) fn addr(&self) -> u64 {
        self.selected.entry.addr
    }
}

/// The memory of several buffers, kept from one selection to the next.
pub(crate) struct Pieces {
    slots: KVec<IoVec>,
    count: usize,
}

impl Pieces {
    /// Memory of no buffer, without room for any.
    pub(crate) const fn new() -> Self {
        Self {
            slots: KVec::new(),
            count: 0,
        }
    }

    fn room(&self) -> usize {
        self.slots.len()
    }

    fn clear(&mut self) {
        self.count = 0;
    }

    fn make_room(&mut self, count: usize) -> Result {
        if self.slots.len() < count {
            self.slots = KVec::from_elem(IoVec::default(), count, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(())
    }

    /// Adds one, for which there must be room. `-EFAULT` for what is not user memory.
    #[inline]
    fn put(&mut self, base: u64, len: u32) -> Result {
        let piece = IoVec::new(base, len as usize)?;
        let Some(slot) = self.slots.get_mut(self.count) else {
            // There was made room for as many as are selected.
            warn_on!(true);
            return Err(EFAULT);
        };
        *slot = piece;
        self.count += 1;
        Ok(())
    }
}

impl Deref for Pieces {
    type Target = [IoVec];

    #[inline]
    fn deref(&self) -> &[IoVec] {
        match self.slots.get(..self.count) {
            Some(pieces) => pieces,
            None => {
                // Each that is counted is in a slot.
                warn_on!(true);
                &[]
            }
        }
    }
}

/// Buffers of a group, to be committed or dropped.
#[must_use = "dropping it gives the buffers back"]
pub(crate) struct Bundle {
    buffers: BundleBuffers,
    group: u16,
    /// Whether they are consumed whole, however much of them is used.
    pub(crate) whole: bool,
    /// Whether they were the last ones of their group.
    pub(crate) last: bool,
    /// Whether not all of the last one, or not one more, was within the limit.
    pub(crate) clipped: bool,
}

enum BundleBuffers {
    Many(Span),
    One(Selected),
}

const LEAF: usize = 256;

/// The groups whose ids share the upper byte.
type Leaf = KVec<Option<KBox<Group>>>;

/// All groups of a ring, in two levels so that a lookup costs the same for any number of them.
pub(crate) struct Groups {
    leaves: KVec<Leaf>,
    /// Who is to hear of groups with few buffers left.
    pub(crate) marks: Marks,
}

impl Groups {
    /// Makes a table with no group in it.
    pub(crate) const fn new() -> Self {
        Self {
            leaves: KVec::new(),
            marks: Marks::new(),
        }
    }

    /// The group with this number.
    #[inline]
    pub(super) fn find(&mut self, id: u16) -> Option<&mut Group> {
        let leaf = self.leaves.get_mut(usize::from(id) / LEAF)?;
        leaf.get_mut(usize::from(id) % LEAF)?.as_deref_mut()
    }

    /// The mapped group `id`. `-ENOENT` if there is none, `-EINVAL` if it is a classic one.
    fn mapped(&mut self, id: u16) -> Result<&mut MappedGroup> {
        match self.find(id).ok_or(ENOENT)? {
            Group::Mapped(group) => Ok(group),
            Group::Classic(_) => Err(EINVAL),
        }
    }

    /// How many buffers of the mapped group `id` have been consumed, and how many provided, modulo 2^16.
    ///
    /// # Errors
    ///
    /// Those of [`Groups::mapped`].
    pub(super) fn consumed_and_provided(&mut self, id: u16) -> Result<(u16, u16)> {
        let group = self.mapped(id)?;
        Ok((group.state.head(), group.entries.tail()))
    }

    /// How many buffers the mapped group `id` has room for.
    ///
    /// # Errors
    ///
    /// Those of [`Groups::mapped`].
    pub(super) fn entries(&mut self, id: u16) -> Result<u32> {
        Ok(self.mapped(id)?.entries.len())
    }

    fn set(&mut self, id: u16, group: Option<KBox<Group>>) -> Result {
        let (high, low) = (usize::from(id) / LEAF, usize::from(id) % LEAF);
        while self.leaves.len() <= high {
            self.leaves.push(KVec::new(), GFP_KERNEL_ACCOUNT)?;
        }
        let leaf = &mut self.leaves[high];
        while leaf.len() < LEAF {
            leaf.push(None, GFP_KERNEL_ACCOUNT)?;
        }
        leaf[low] = group;
        Ok(())
    }

    /// `IORING_REGISTER_PBUF_RING`.
    ///
    /// # Errors
    ///
    /// `-EEXIST` if there is such a group, unless it is an empty classic one; what making it has said; `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn register(&mut self, new: NewGroup) -> Result {
        match self.find(new.id) {
            None => {}
            Some(Group::Classic(group)) if group.queue.len() == 0 => self.set(new.id, None)?,
            Some(_) => return Err(EEXIST),
        }
        self.set(new.id, Some(new.group?))
    }

    /// `IORING_UNREGISTER_PBUF_RING`: returns the group's number if its memory may be mapped into user space.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for flags, or if it is a classic group; `-ENOENT` if there is none.
    pub(crate) fn unregister(&mut self, reg: &BufReg) -> Result<Option<u16>> {
        if reg.flags != 0 {
            return Err(EINVAL);
        }
        let is_mappable = self.mapped(reg.bgid)?.mappable().is_some();
        self.set(reg.bgid, None)?;
        self.marks.remove(reg.bgid);
        Ok(is_mappable.then_some(reg.bgid))
    }

    /// `IORING_REGISTER_PBUF_STATUS`: fills in what is asked for.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if a reserved field is set or it is a classic group; `-ENOENT` if there is none.
    pub(crate) fn status(&mut self, status: &mut BufStatus) -> Result {
        if status.resv != [0; 8] {
            return Err(EINVAL);
        }
        let id = u16::try_from(status.buf_group).map_err(|_| ENOENT)?;
        status.head = u32::from(self.mapped(id)?.state.head());
        Ok(())
    }

    /// PROVIDE_BUFFERS: adds buffers to the classic group `id`, which it makes if it must.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if the group is a mapped one, `-EOVERFLOW` if it has no room for a single buffer, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn provide(&mut self, id: u16, run: BufRange) -> Result {
        if self.find(id).is_none() {
            let group = KBox::new(Group::Classic(ClassicGroup::new()), GFP_KERNEL_ACCOUNT)?;
            self.set(id, Some(group))?;
        }
        match self.find(id) {
            Some(Group::Classic(group)) => group.provide(run),
            Some(Group::Mapped(_)) => Err(EINVAL),
            None => {
                // It was made above.
                warn_on!(true);
                Err(EINVAL)
            }
        }
    }

    /// REMOVE_BUFFERS: takes up to `max` buffers out of the classic group `id`. Returns how many.
    ///
    /// # Errors
    ///
    /// `-ENOENT` if there is no such group, `-EINVAL` if it is a mapped one.
    pub(crate) fn remove(&mut self, id: u16, max: u32) -> Result<u32> {
        match self.find(id).ok_or(ENOENT)? {
            Group::Mapped(_) => Err(EINVAL),
            Group::Classic(group) => Ok(group.remove(max)),
        }
    }

    /// The next buffer of group `id`, of which at most `limit` bytes are used if that is not 0.
    ///
    /// None if the group has none, does not exist, or offers what is not user memory.
    #[inline]
    pub(crate) fn select(&mut self, id: u16, limit: usize) -> Option<SelectedBuffer> {
        let buffer = SelectedBuffer::next(self.find(id)?, id, limit)?;
        buffer.is_user_memory().then_some(buffer)
    }

    /// The next buffer of group `id` to send from: `limit` is for mapped groups only.
    ///
    /// # Errors
    ///
    /// `-ENOENT` if there is no such group, `-ENOBUFS` if it has no buffer or an empty one, `-EFAULT` for what is not
    /// user memory.
    pub(crate) fn select_to_send(&mut self, id: u16, limit: usize) -> Result<SelectedBuffer> {
        let group = self.find(id).ok_or(ENOENT)?;
        let limit = match group {
            Group::Mapped(_) => limit,
            Group::Classic(_) => 0,
        };
        let buffer = SelectedBuffer::next(group, id, limit)
            .filter(|buffer| buffer.selected.entry.len != 0)
            .ok_or(ENOBUFS)?;
        if !buffer.is_user_memory() {
            return Err(EFAULT);
        }
        Ok(buffer)
    }

    /// Consumes a buffer, or its first `used` bytes. Returns the flags for its completion.
    #[inline(always)] // recv-multishot/unix/64/8/plain
    pub(crate) fn commit(&mut self, buffer: SelectedBuffer, used: usize) -> u32 {
        let (bid, more) = match self.find(buffer.group) {
            Some(Group::Mapped(group)) => group.commit(buffer.selected, used),
            Some(Group::Classic(group)) => (group.commit(buffer.selected), false),
            // It was removed meanwhile.
            None => (buffer.selected.entry.bid, false),
        };
        buffer_flags(bid, more)
    }

    /// Takes the next buffer of group `id` and consumes it whole. Returns the flags for its
    /// completion; none if there is no buffer.
    #[inline(always)] // nop-buffer/ring-32
    pub(crate) fn consume(&mut self, id: u16) -> Option<u32> {
        match self.find(id)? {
            Group::Mapped(MappedGroup {
                entries,
                state,
                min_left: None,
            }) => {
                let selected = state.select(entries)?;
                let BufEntry { addr, len, .. } = selected.entry;
                access_ok(addr, len as usize).then(|| buffer_flags(state.commit(selected), false))
            }
            Group::Mapped(_) | Group::Classic(_) => self.consume_other(id),
        }
    }

    /// As [`Groups::consume`], from a group of any kind.
    fn consume_other(&mut self, id: u16) -> Option<u32> {
        let buffer = self.select(id, 0)?;
        let len = buffer.len;
        Some(self.commit(buffer, len))
    }

    /// The next buffers of group `id`, whose pieces go to `iov`: as many as `limit` bytes take, or if that is 0 as
    /// `iov` has room for. A classic group gives one.
    ///
    /// # Errors
    ///
    /// `-ENOENT` if there is no such group, `-ENOBUFS` if it has no buffer or an empty one, `-EFAULT` for what is not
    /// user memory, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn select_many(
        &mut self,
        id: u16,
        limit: usize,
        iov: &mut Pieces,
    ) -> Result<Bundle> {
        let limit = limit.min(MAX_RW_COUNT);
        let room = iov.room().clamp(1, MAX_SPAN);
        iov.clear();
        match self.find(id).ok_or(ENOENT)? {
            Group::Mapped(group) => {
                let MappedGroup { entries, state, .. } = group;
                let count = state.span_len(entries, limit, room).ok_or(ENOBUFS)?;
                iov.make_room(count)?;
                let whole = group.min_left.is_none();
                let put = |addr, len| iov.put(addr, len);
                let span = state.select_span(entries, count, limit, !whole, put)?;
                Ok(Bundle {
                    group: id,
                    whole,
                    last: span.last,
                    clipped: span.clipped,
                    buffers: BundleBuffers::Many(span),
                })
            }
            Group::Classic(group) => {
                let selected = group.queue.select(&group.slots).ok_or(ENOBUFS)?;
                let mut len = selected.entry.len;
                if limit != 0 {
                    len = len.min(limit as u32);
                }
                iov.make_room(1)?;
                iov.put(selected.entry.addr, len)?;
                Ok(Bundle {
                    group: id,
                    whole: true,
                    last: selected.last,
                    clipped: false,
                    buffers: BundleBuffers::One(selected),
                })
            }
        }
    }

    /// As [`Groups::select_many`], to send from: `limit` is for mapped groups only.
    ///
    /// # Errors
    ///
    /// Those of [`Groups::select_many`].
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn select_many_to_send(
        &mut self,
        id: u16,
        limit: usize,
        iov: &mut Pieces,
    ) -> Result<Bundle> {
        let limit = match self.find(id) {
            Some(Group::Classic(_)) => 0,
            Some(Group::Mapped(_)) | None if limit == 0 => MAX_RW_COUNT,
            Some(Group::Mapped(_)) | None => limit,
        };
        self.select_many(id, limit, iov)
    }

    /// Consumes the buffers of a bundle of which the first `used` bytes were used, `pieces` being
    /// what they are. Returns the flags for its completion.
    pub(crate) fn commit_many(&mut self, bundle: Bundle, pieces: &[IoVec], used: usize) -> u32 {
        let (bid, more) = match (self.find(bundle.group), bundle.buffers) {
            (Some(Group::Mapped(group)), BundleBuffers::Many(span)) => {
                (span.bid, group.commit_many(span, pieces, used))
            }
            (Some(Group::Classic(group)), BundleBuffers::One(selected)) => {
                (group.commit(selected), false)
            }
            // The group is gone, or another one by now: what was selected of the old one is the application's.
            (Some(Group::Classic(_)) | None, BundleBuffers::Many(span)) => (span.bid, false),
            (Some(Group::Mapped(_)) | None, BundleBuffers::One(selected)) => {
                (selected.entry.bid, false)
            }
        };
        buffer_flags(bid, more)
    }
}

/// The flags of a completion that names a buffer.
#[inline]
pub(super) fn buffer_flags(bid: u16, more: bool) -> u32 {
    let more = if more { cqe::BUF_MORE } else { 0 };
    cqe::BUFFER | more | u32::from(bid) << cqe::BUFFER_SHIFT
}
