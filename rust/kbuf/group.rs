// SPDX-License-Identifier: GPL-2.0

//! A group of buffers of one kind or another, with its memory.

use super::{
    classic::{BufRange, Classic},
    mapped::{CutEntries, Entries, Mapped, Span, ENTRY_SIZE},
    selected::{BufEntry, Selected},
};
use crate::{
    sys::{
        memory::{Array, Region, RegionRef},
        user::{self, IoVec},
    },
    uapi::{
        abi::pbuf,
        errno::{Result, EINVAL, EOVERFLOW},
        structs::BufReg,
    },
};
use core::num::NonZeroU32;
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox, KVVec},
    sync::Arc,
    warn_on,
};

/// The memory of a mapped group. It is shared if it is the kernel's, with who maps it.
type GroupEntries = Array<2, u64, RegionRef>;

impl Entries for GroupEntries {
    #[inline(always)] // nop-buffer/ring-32
    fn tail(&self) -> u16 {
        // The tail lies in the unused half word of the first entry.
        self.load_acquire_u16::<14>()
    }

    #[inline(always)] // nop-buffer/ring-32
    fn entry(&self, index: u16) -> BufEntry {
        BufEntry::from_words(self.read(u32::from(index)))
    }
}

impl CutEntries for GroupEntries {
    #[inline]
    fn cut(&self, index: u16, addr: u64, len: u32) {
        // The tail is in one of the words, and not touched.
        self.store::<0>(index.into(), addr);
        self.store_low::<1>(index.into(), len);
    }
}

/// A ring that user space fills.
pub(super) struct MappedGroup {
    /// What user space writes: a buffer each, and the tail.
    pub(super) entries: GroupEntries,
    /// How far the entries are consumed.
    pub(super) state: Mapped,
    /// For buffers that are consumed in parts: one is up for the next request as long as so many
    /// bytes are left of it.
    pub(super) min_left: Option<NonZeroU32>,
}

impl MappedGroup {
    /// Its memory, if that can be mapped into user space.
    pub(super) fn mappable(&self) -> Option<&Arc<Region>> {
        match self.entries.memory() {
            RegionRef::Own(_) => None,
            RegionRef::Shared(region) => Some(region),
        }
    }

    /// Consumes `used` bytes of a buffer. Returns its id, and whether more of it is to come.
    #[inline]
    pub(super) fn commit(&mut self, selected: Selected, used: usize) -> (u16, bool) {
        match self.min_left {
            None => (self.state.commit(selected), false),
            Some(min_left) => {
                // No transfer has more than MAX_RW_COUNT bytes.
                let used = u32::try_from(used).unwrap_or(u32::MAX);
                self.state
                    .commit_part(&self.entries, selected, used, min_left)
            }
        }
    }

    /// Consumes what `used` bytes took of `pieces`. Returns whether more of the last is to come.
    pub(super) fn commit_many(&mut self, span: Span, pieces: &[IoVec], used: usize) -> bool {
        match self.min_left {
            None => {
                self.state.commit_span(span, count_used(pieces, used));
                false
            }
            Some(min_left) => {
                // No transfer has more than MAX_RW_COUNT bytes.
                let used = u32::try_from(used).unwrap_or(u32::MAX);
                self.state
                    .commit_span_part(&self.entries, span, used, min_left)
            }
        }
    }
}

/// A queue of what PROVIDE_BUFFERS handed over.
pub(super) struct ClassicGroup {
    /// The memory of the queue.
    pub(super) slots: KVVec<BufRange>,
    /// Which of it is in use.
    pub(super) queue: Classic,
}

impl ClassicGroup {
    /// Slots for four runs are kept, however few there are.
    const MIN_SLOTS: usize = 4;

    /// No buffers, and no memory for any.
    pub(super) fn new() -> Self {
        Self {
            slots: KVVec::new(),
            queue: Classic::new(),
        }
    }

    fn resize(&mut self, count: usize) -> Result {
        let mut slots = KVVec::with_capacity(count, GFP_KERNEL_ACCOUNT)?;
        slots.extend_with(count, BufRange::default(), GFP_KERNEL_ACCOUNT)?;
        if !self.queue.move_to(&self.slots, &mut slots) {
            // It has said so: it is asked for twice the slots that are in use, or half of what is used to a quarter at most.
            return Err(EINVAL);
        }
        self.slots = slots;
        Ok(())
    }

    /// Adds the buffers of a request.
    ///
    /// # Errors
    ///
    /// `-EOVERFLOW` if there is room for none, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(super) fn provide(&mut self, run: BufRange) -> Result {
        let slots = self.slots.len();
        if self.queue.runs() as usize == slots {
            self.resize((2 * slots).max(Self::MIN_SLOTS))?;
        }
        match self.queue.provide(&mut self.slots, run) {
            // There is a slot, so that it is numbers that are used up.
            0 => Err(EOVERFLOW),
            _ => Ok(()),
        }
    }

    /// Takes up to `max` buffers out. Returns how many.
    pub(super) fn remove(&mut self, max: u32) -> u32 {
        let most = max.min(self.queue.len());
        let count = self.queue.remove(&mut self.slots, max);
        // Each buffer that is counted is in a slot.
        warn_on!(count != most);
        self.shrink();
        count
    }

    /// Consumes a buffer. Returns its id.
    #[inline]
    pub(super) fn commit(&mut self, selected: Selected) -> u16 {
        let bid = self.queue.commit(&mut self.slots, selected);
        self.shrink();
        bid
    }

    /// Gives memory back of which less than a quarter is in use.
    #[inline]
    fn shrink(&mut self) {
        let slots = self.slots.len();
        if slots > Self::MIN_SLOTS && (self.queue.runs() as usize) < slots / 4 {
            // Without memory for that it stays as it is.
            let _ = self.resize(slots / 2);
        }
    }
}

/// Reads the `struct io_uring_buf_reg` at user address `arg`, which says what group to register or to unregister.
///
/// # Errors
///
/// `-EFAULT` if it cannot be read, `-EINVAL` if a reserved field is set.
///
/// # Context
///
/// May sleep, and no ring is locked: that memory may be a file server's.
pub(crate) fn read_reg(arg: u64) -> Result<BufReg> {
    let reg: BufReg = user::read(arg)?;
    // Word by word: the compiler makes a call of a comparison of arrays.
    if reg.resv.iter().any(|word| *word != 0) {
        return Err(EINVAL);
    }
    Ok(reg)
}

/// A mapped group that is to be registered.
pub(crate) struct NewGroup {
    pub(super) id: u16,
    /// The group. That its number is in use counts before what is wrong with this.
    pub(super) group: Result<KBox<Group>>,
}

impl NewGroup {
    /// Its number and its memory, if that is to be mapped into user space.
    pub(crate) fn mapping(&self) -> Option<(u16, Arc<Region>)> {
        match self.group.as_deref() {
            Ok(Group::Mapped(group)) => Some((self.id, group.mappable()?.clone())),
            _ => None,
        }
    }

    /// What the `struct io_uring_buf_reg` at user address `arg` says. If its memory is the user's, he may have `most`
    /// pages pinned.
    ///
    /// # Errors
    ///
    /// Those of [`read_reg`], and `-EINVAL` for flags or sizes that there are not. What is wrong with the memory is
    /// said when it is registered.
    ///
    /// # Context
    ///
    /// May sleep for as long as somebody likes who serves that memory. No ring is locked.
    pub(crate) fn read(arg: u64, most: usize) -> Result<Self> {
        let reg = read_reg(arg)?;
        if reg.flags & !(pbuf::MMAP | pbuf::INC) != 0
            || !reg.ring_entries.is_power_of_two()
            || reg.ring_entries >= 65536
        {
            return Err(EINVAL);
        }
        let min_left = if reg.flags & pbuf::INC != 0 {
            Some(NonZeroU32::new(reg.min_left).unwrap_or(NonZeroU32::MIN))
        } else if reg.min_left == 0 {
            None
        } else {
            return Err(EINVAL);
        };
        Ok(Self {
            id: reg.bgid,
            group: Self::with_memory(&reg, min_left, most),
        })
    }

    fn with_memory(reg: &BufReg, min_left: Option<NonZeroU32>, most: usize) -> Result<KBox<Group>> {
        let size = reg.ring_entries as usize * ENTRY_SIZE;
        let region = if reg.flags & pbuf::MMAP != 0 {
            RegionRef::Shared(Region::alloc_shared(size)?)
        } else {
            let pages = kernel::page::page_align(size).ok_or(EINVAL)?;
            RegionRef::Own(Region::pin(reg.ring_addr, pages, None, most)?)
        };
        let group = Group::Mapped(MappedGroup {
            entries: Array::new(region, 0, reg.ring_entries)?,
            state: Mapped::new(),
            min_left,
        });
        Ok(KBox::new(group, GFP_KERNEL_ACCOUNT)?)
    }
}

/// A buffer group. This is the list of the kinds that there are.
pub(super) enum Group {
    /// One whose buffers are in a ring.
    Mapped(MappedGroup),
    /// One whose buffers are provided by requests.
    Classic(ClassicGroup),
}

/// How many of the pieces have the first `used` bytes in them.
fn count_used(pieces: &[IoVec], mut used: usize) -> u16 {
    let mut count = 0;
    for piece in pieces {
        if used == 0 {
            break;
        }
        count += 1;
        used = used.saturating_sub(piece.len());
    }
    count
}
