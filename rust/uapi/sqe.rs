// SPDX-License-Identifier: GPL-2.0

//! A submission queue entry, read once.

use super::abi::{msg, opcode, recvsend, sqe_flags};
use super::errno::{Errno, EINVAL, EOPNOTSUPP};
use core::num::NonZeroU8;

/// Whether entries with this opcode are of 128 bytes.
pub(crate) const fn is_large(opcode: u8) -> bool {
    matches!(opcode, opcode::NOP128 | opcode::URING_CMD128)
}

/// The opcode of a request, of those that ruring has: the number and one, so that there is a value left for a request without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opcode(NonZeroU8);

impl Opcode {
    /// As many numbers as there are, and one for no opcode: how long a table is that [`Opcode::index`] looks into.
    pub(crate) const INDICES: usize = 257;

    /// The opcode with this number, if there can be such.
    pub(crate) const fn new(number: u8) -> Option<Self> {
        Self::of_index(number.wrapping_add(1))
    }

    /// The opcode of a row of the table of opcodes.
    pub(crate) const fn of_row(number: u8) -> Self {
        match Self::new(number) {
            Some(opcode) => opcode,
            None => panic!("the number is none of an opcode"),
        }
    }

    /// The opcode that has this index.
    pub(crate) const fn of_index(index: u8) -> Option<Self> {
        match NonZeroU8::new(index) {
            Some(index) => Some(Self(index)),
            None => None,
        }
    }

    /// `IORING_OP_*`
    pub(crate) const fn number(self) -> u8 {
        self.0.get() - 1
    }

    /// Where a table has what it says of the opcode, or of none.
    pub(crate) const fn index(opcode: Option<Self>) -> usize {
        match opcode {
            Some(opcode) => opcode.0.get() as usize,
            None => 0,
        }
    }

    /// The same for whatever number user space has written.
    pub(crate) const fn index_of(number: u8) -> usize {
        number as usize + 1
    }
}

// Each object has one.
const _: () = assert!(size_of::<Option<Opcode>>() == 1);

/// A copy of a `struct io_uring_sqe`: user space can no longer change what is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sqe {
    words: [u64; 8],
}

impl Sqe {
    /// Wraps the 64 bytes of an entry, as eight little-endian words.
    pub(crate) const fn new(words: [u64; 8]) -> Self {
        Self { words }
    }

    /// The words that the SQE consists of.
    pub(crate) const fn words(&self) -> &[u64; 8] {
        &self.words
    }

    /// A copy without these bits of [`Sqe::op_flags`].
    pub(crate) const fn without_op_flags(mut self, bits: u32) -> Self {
        self.words[3] &= !((bits as u64) << 32);
        self
    }

    /// A copy with another opcode.
    pub(crate) const fn with_opcode(mut self, opcode: u8) -> Self {
        self.words[0] = self.words[0] & !0xff | opcode as u64;
        self
    }

    /// What a send of `RURING_SEND_ORDERED` is apart from its order: one that wants to send all. None if this is none, or
    /// is not to wait, as others have to for it.
    pub(crate) const fn ordered(mut self) -> Option<Self> {
        if self.ioprio() & recvsend::SEND_ORDERED == 0 || self.op_flags() & msg::DONTWAIT != 0 {
            return None;
        }
        self.words[0] &= !((recvsend::SEND_ORDERED as u64) << 16);
        self.words[3] |= (msg::WAITALL as u64) << 32;
        Some(self)
    }

    /// Whether it is one of 128 bytes, of which these are the first half.
    pub(crate) const fn is_large(&self) -> bool {
        is_large(self.opcode())
    }

    /// `sqe->opcode`
    pub(crate) const fn opcode(&self) -> u8 {
        self.words[0] as u8
    }

    /// `sqe->flags`
    pub(crate) const fn flags(&self) -> u8 {
        (self.words[0] >> 8) as u8
    }

    /// `sqe->ioprio`
    pub(crate) const fn ioprio(&self) -> u16 {
        (self.words[0] >> 16) as u16
    }

    /// `sqe->fd`
    pub(crate) const fn fd(&self) -> i32 {
        (self.words[0] >> 32) as i32
    }

    /// `sqe->off`, also `addr2`
    pub(crate) const fn off(&self) -> u64 {
        self.words[1]
    }

    /// `sqe->addr`
    pub(crate) const fn addr(&self) -> u64 {
        self.words[2]
    }

    /// `sqe->len`
    pub(crate) const fn len(&self) -> u32 {
        self.words[3] as u32
    }

    /// `sqe->rw_flags` and its aliases (`msg_flags`, `accept_flags`, `poll32_events`, ...)
    pub(crate) const fn op_flags(&self) -> u32 {
        (self.words[3] >> 32) as u32
    }

    /// `sqe->user_data`
    pub(crate) const fn user_data(&self) -> u64 {
        self.words[4]
    }

    /// `sqe->buf_index`, also `buf_group`
    pub(crate) const fn buf_index(&self) -> u16 {
        self.words[5] as u16
    }

    /// `sqe->personality`
    pub(crate) const fn personality(&self) -> u16 {
        (self.words[5] >> 16) as u16
    }

    /// `sqe->splice_fd_in` and its aliases (`file_index`, `optlen`)
    pub(crate) const fn file_index(&self) -> u32 {
        (self.words[5] >> 32) as u32
    }

    /// `sqe->addr_len`
    pub(crate) const fn addr_len(&self) -> u16 {
        (self.words[5] >> 32) as u16
    }

    /// `sqe->addr3`
    pub(crate) const fn addr3(&self) -> u64 {
        self.words[6]
    }

    /// `sqe->attr_type_mask`
    pub(crate) const fn attr_type_mask(&self) -> u64 {
        self.words[7]
    }

    /// The padding behind `addr3`.
    pub(crate) const fn addr3_pad(&self) -> u64 {
        self.words[7]
    }

    /// The padding behind `addr_len`.
    pub(crate) const fn addr_len_pad(&self) -> u16 {
        (self.words[5] >> 48) as u16
    }
}

/// How a request is tied to the next one of its submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum LinkKind {
    /// The next one does not care.
    #[default]
    None,
    /// The next one starts when this one has succeeded.
    Soft,
    /// The next one starts when this one is over.
    Hard,
}

/// `sqe->flags`, parsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    bits: u16,
}

impl Flags {
    // The rest are no flags of an SQE's, but what is found out about it later.
    /// The request posts no completion.
    const SILENT: u16 = 1 << 8;
    /// The request has credentials of its own (`sqe->personality`).
    const PERSONALITY: u16 = 1 << 9;
    /// A request before this one in the link has failed, and so this one ends.
    const LINK_FAILED: u16 = 1 << 10;
    /// The request is a send that must not overtake another one (`RURING_SEND_ORDERED`).
    const ORDERED: u16 = 1 << 11;
    /// The request is the ordered send whose turn it is.
    const IN_FRONT: u16 = 1 << 12;
    /// The request is one that io_uring has a worker try first.
    const BY_WORKER: u16 = 1 << 13;

    /// Filters are to be asked about the request.
    const FILTERED: u16 = 1 << 14;
    /// The request was submitted while others drained, or drains itself.
    const DRAINED: u16 = 1 << 15;

    /// The flags of an SQE that sets none.
    pub(crate) const NONE: Self = Self { bits: 0 };

    /// Checks `sqe->flags` against what the opcode can do.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for unknown bits and `-EOPNOTSUPP` for a buffer selection by an opcode that has none.
    pub(crate) fn parse(bits: u8, buffer_select: bool) -> Result<Self, Errno> {
        const PLAIN: u8 =
            sqe_flags::FIXED_FILE | sqe_flags::IO_LINK | sqe_flags::IO_HARDLINK | sqe_flags::ASYNC;
        if bits & !PLAIN != 0 {
            if bits & !sqe_flags::ALL != 0 {
                return Err(EINVAL);
            }
            if bits & sqe_flags::BUFFER_SELECT != 0 && !buffer_select {
                return Err(EOPNOTSUPP);
            }
        }
        Ok(Self {
            bits: u16::from(bits),
        })
    }

    /// What can be said of the flags of an entry that is refused, `known` if it was so only after they
    /// were looked at.
    pub(crate) fn of_refused(bits: u8, known: bool) -> Self {
        const LINKS: u8 = sqe_flags::IO_LINK | sqe_flags::IO_HARDLINK | sqe_flags::CQE_SKIP_SUCCESS;
        let drain = if known && bits & !sqe_flags::ALL == 0 {
            bits & sqe_flags::IO_DRAIN
        } else {
            0
        };
        Self {
            bits: u16::from(bits & LINKS | drain),
        }
    }

    /// `sqe->flags`, as far as they are known.
    pub(crate) const fn of_sqe(self) -> u8 {
        self.bits as u8
    }

    fn has(self, bit: u8) -> bool {
        self.bits & u16::from(bit) != 0
    }

    /// Whether `fd` is an index into the registered files.
    pub(crate) fn fixed_file(self) -> bool {
        self.has(sqe_flags::FIXED_FILE)
    }

    /// The tie to the next entry.
    pub(crate) fn link(self) -> LinkKind {
        if self.has(sqe_flags::IO_HARDLINK) {
            LinkKind::Hard
        } else if self.has(sqe_flags::IO_LINK) {
            LinkKind::Soft
        } else {
            LinkKind::None
        }
    }

    /// Whether the submitter does not want it tried inline.
    pub(crate) fn force_async(self) -> bool {
        self.has(sqe_flags::ASYNC)
    }

    /// Whether the buffer comes from the group `buf_group`.
    pub(crate) fn buffer_select(self) -> bool {
        self.has(sqe_flags::BUFFER_SELECT)
    }

    /// Whether success posts no completion.
    pub(crate) fn cqe_skip(self) -> bool {
        self.has(sqe_flags::CQE_SKIP_SUCCESS)
    }

    /// Whether it can be issued at once, on its own.
    pub(crate) fn plain(self) -> bool {
        const OTHERS: u8 =
            sqe_flags::IO_DRAIN | sqe_flags::IO_LINK | sqe_flags::IO_HARDLINK | sqe_flags::ASYNC;
        self.bits & (u16::from(OTHERS) | Self::PERSONALITY) == 0
    }

    /// Whether there is more to its end than a completion.
    pub(crate) fn unusual(self) -> bool {
        const OTHERS: u8 = sqe_flags::ASYNC | sqe_flags::CQE_SKIP_SUCCESS;
        const OWN: u16 = Flags::SILENT | Flags::PERSONALITY | Flags::ORDERED | Flags::BY_WORKER;
        self.bits & (u16::from(OTHERS) | OWN) != 0
    }

    /// Whether nobody is to be told of its end.
    pub(crate) fn silent(self) -> bool {
        self.bits & Self::SILENT != 0
    }

    /// Has nobody told of its end.
    pub(crate) fn set_silent(&mut self) {
        self.bits |= Self::SILENT;
    }

    /// Whether it ends because another one before it in the link has failed.
    pub(crate) fn link_failed(self) -> bool {
        self.bits & Self::LINK_FAILED != 0
    }

    /// Marks it as one that ends because of that.
    pub(crate) fn set_link_failed(&mut self) {
        self.bits |= Self::LINK_FAILED;
    }

    /// Has its success told of.
    pub(crate) fn clear_cqe_skip(&mut self) {
        self.bits &= !u16::from(sqe_flags::CQE_SKIP_SUCCESS);
    }

    /// Whether an attempt takes more than its opcode: other rights, or that it is its turn.
    pub(crate) fn conditional(self) -> bool {
        self.bits & (Self::PERSONALITY | Self::ORDERED) != 0
    }

    /// Whether it is a send that must not overtake another one, see `RURING_SEND_ORDERED`.
    pub(crate) fn ordered(self) -> bool {
        self.bits & Self::ORDERED != 0
    }

    /// Makes it an ordered send.
    pub(crate) fn set_ordered(&mut self) {
        self.bits |= Self::ORDERED;
    }

    /// Whether it is the one of its file that the others are behind.
    pub(crate) fn in_front(self) -> bool {
        self.bits & Self::IN_FRONT != 0
    }

    /// Makes it the ordered send whose turn it is.
    pub(crate) fn set_in_front(&mut self) {
        self.bits |= Self::IN_FRONT;
    }

    /// Whether it is one that io_uring has a worker try first.
    pub(crate) fn by_worker(self) -> bool {
        self.bits & Self::BY_WORKER != 0
    }

    /// Says that it is one.
    pub(crate) fn set_by_worker(&mut self) {
        self.bits |= Self::BY_WORKER;
    }

    /// Says that it is none after all.
    pub(crate) fn clear_by_worker(&mut self) {
        self.bits &= !Self::BY_WORKER;
    }

    /// Whether io_uring gives it to a worker whenever it is to be tried, which does not sleep for it as long as it can be waited
    /// for: one with IOSQE_ASYNC, or that was submitted while others drained.
    pub(crate) fn tried_by_worker(self) -> bool {
        self.bits & (u16::from(sqe_flags::ASYNC) | Self::DRAINED) != 0
    }

    /// Says that others drained when it was submitted, or that it drains.
    pub(crate) fn set_drained(&mut self) {
        self.bits |= Self::DRAINED;
    }

    /// Makes it a send like any other, whose order does not matter any more.
    pub(crate) fn clear_ordered(&mut self) {
        self.bits &= !(Self::ORDERED | Self::IN_FRONT);
    }

    /// Whether there is more to find out about it before it is started: its rights, and what filters say.
    pub(crate) fn wants_check(self) -> bool {
        self.bits & (Self::PERSONALITY | Self::FILTERED) != 0
    }

    /// Says that filters are to be asked about it.
    pub(crate) fn set_filtered(&mut self) {
        self.bits |= Self::FILTERED;
    }

    /// Whether they are. They are asked once.
    pub(crate) fn take_filtered(&mut self) -> bool {
        let filtered = self.bits & Self::FILTERED != 0;
        self.bits &= !Self::FILTERED;
        filtered
    }

    /// Whether it has other rights than its task, see `sqe->personality`.
    pub(crate) fn has_personality(self) -> bool {
        self.bits & Self::PERSONALITY != 0
    }

    /// Says that it has.
    pub(crate) fn set_personality(&mut self) {
        self.bits |= Self::PERSONALITY;
    }

    /// Whether all that was submitted before has to be over when it starts.
    pub(crate) fn drain(self) -> bool {
        self.has(sqe_flags::IO_DRAIN)
    }

    /// Sets the flag that the entry itself could have set.
    pub(crate) fn set_drain(&mut self) {
        self.bits |= u16::from(sqe_flags::IO_DRAIN) | Self::DRAINED;
    }
}
