// SPDX-License-Identifier: GPL-2.0

//! What user memory holds: the structures of `include/uapi/linux/io_uring.h` and `ruring.h` that are copied as they are.
//!
//! Sizes and offsets are held against the headers when the module is built (`sys/abi.rs`), which also says that any bytes are
//! one of each, and that none has padding.

use super::{
    abi::{rsrc, MAX_BUFFERS},
    errno::{Result, EINVAL, ENXIO, EOVERFLOW},
};

pub(crate) use super::filter::{Bpf, BpfFilter};
pub(crate) use super::napi::NapiReg;
pub(crate) use super::region::{MemRegionReg, RegWait, RegionDesc};
pub(crate) use super::registered::RegisterIndexed;
pub(crate) use super::syscall::{EpollEvent, MsgHdr, OpenHow, UserIovec};

/// `struct ruring_setup`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Setup {
    /// Address of a `struct io_uring_params`.
    pub(crate) params: u64,
    /// How many SQ entries there are to be.
    pub(crate) entries: u32,
    /// Must be 0.
    pub(crate) resv: u32,
}

/// `struct ruring_enter`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Enter {
    /// Address of a signal mask, or of a `struct io_uring_getevents_arg`.
    pub(crate) arg: u64,
    /// Bytes of that.
    pub(crate) argsz: u64,
    /// How many SQ entries to consume.
    pub(crate) to_submit: u32,
    /// How many completions to wait for.
    pub(crate) min_complete: u32,
    /// `IORING_ENTER_*`
    pub(crate) flags: u32,
    /// Of a registered ring, with the flag for that; else must be 0.
    pub(crate) index: u32,
}

/// `struct ruring_register`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Register {
    /// Address of what the opcode takes.
    pub(crate) arg: u64,
    /// `IORING_REGISTER_*`
    pub(crate) opcode: u32,
    /// How many elements there are at `arg`.
    pub(crate) nr_args: u32,
}

/// `struct io_sqring_offsets`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs)]
pub(crate) struct SqOffsets {
    pub(crate) head: u32,
    pub(crate) tail: u32,
    pub(crate) ring_mask: u32,
    pub(crate) ring_entries: u32,
    pub(crate) flags: u32,
    pub(crate) dropped: u32,
    pub(crate) array: u32,
    pub(crate) resv: u32,
    pub(crate) user_addr: u64,
}

/// `struct io_cqring_offsets`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs)]
pub(crate) struct CqOffsets {
    pub(crate) head: u32,
    pub(crate) tail: u32,
    pub(crate) ring_mask: u32,
    pub(crate) ring_entries: u32,
    pub(crate) overflow: u32,
    pub(crate) cqes: u32,
    pub(crate) flags: u32,
    pub(crate) resv: u32,
    pub(crate) user_addr: u64,
}

/// `struct io_uring_params`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Params {
    /// How many SQ entries there are.
    pub(crate) sq_entries: u32,
    /// How many CQ entries there are, or are to be.
    pub(crate) cq_entries: u32,
    /// `IORING_SETUP_*`
    pub(crate) flags: u32,
    /// The processor of the ring's thread.
    pub(crate) sq_thread_cpu: u32,
    /// Milliseconds that it looks in vain for.
    pub(crate) sq_thread_idle: u32,
    /// `IORING_FEAT_*`
    pub(crate) features: u32,
    /// Descriptor of a ring to share the thread of.
    pub(crate) wq_fd: i32,
    /// Must be 0.
    pub(crate) resv: [u32; 3],
    /// Where the parts of the SQ ring lie.
    pub(crate) sq_off: SqOffsets,
    /// Where the parts of the CQ ring lie.
    pub(crate) cq_off: CqOffsets,
}

/// `struct __kernel_timespec`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Timespec {
    /// Seconds.
    pub(crate) tv_sec: i64,
    /// Nanoseconds.
    pub(crate) tv_nsec: i64,
}

impl Timespec {
    /// In nanoseconds, or the most that there are.
    pub(crate) const fn nanoseconds(self) -> i64 {
        self.tv_sec
            .saturating_mul(1_000_000_000)
            .saturating_add(self.tv_nsec)
    }
}

/// `struct io_uring_getevents_arg`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct GeteventsArg {
    /// Address of a signal mask, or 0.
    pub(crate) sigmask: u64,
    /// Bytes of that.
    pub(crate) sigmask_sz: u32,
    /// Microseconds to wait at least, if not all comes that is waited for.
    pub(crate) min_wait_usec: u32,
    /// Address of a [`Timespec`], or 0.
    pub(crate) ts: u64,
}

/// `struct io_uring_sync_cancel_reg`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct SyncCancelReg {
    /// `user_data` to match.
    pub(crate) addr: u64,
    /// File to match.
    pub(crate) fd: i32,
    /// `IORING_ASYNC_CANCEL_*`
    pub(crate) flags: u32,
    /// For how long to wait at most: both parts -1 for no limit.
    pub(crate) timeout: Timespec,
    /// Opcode to match.
    pub(crate) opcode: u8,
    /// Must be 0.
    pub(crate) pad: [u8; 7],
    /// Must be 0.
    pub(crate) pad2: [u64; 3],
}

/// `struct io_uring_restriction`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Restriction {
    /// `IORING_RESTRICTION_*`
    pub(crate) opcode: u16,
    /// What is allowed or required: an opcode, or flags.
    pub(crate) what: u8,
    /// Anything.
    pub(crate) resv: u8,
    /// Anything.
    pub(crate) resv2: [u32; 3],
}

/// `struct io_uring_probe`, without its operations.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Probe {
    /// The last opcode that there could be.
    pub(crate) last_op: u8,
    /// How many operations follow.
    pub(crate) ops_len: u8,
    /// 0.
    pub(crate) resv: u16,
    /// 0.
    pub(crate) resv2: [u32; 3],
}

/// `struct io_uring_probe_op`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct ProbeOp {
    /// The opcode.
    pub(crate) op: u8,
    /// 0.
    pub(crate) resv: u8,
    /// `IO_URING_OP_SUPPORTED`
    pub(crate) flags: u16,
    /// 0.
    pub(crate) resv2: u32,
}

/// `struct io_uring_buf_reg`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct BufReg {
    /// Address of the entries, if user space has them.
    pub(crate) ring_addr: u64,
    /// How many entries the ring has.
    pub(crate) ring_entries: u32,
    /// The buffer group.
    pub(crate) bgid: u16,
    /// `IOU_PBUF_RING_*`
    pub(crate) flags: u16,
    /// How little may be left of a buffer that is used in pieces.
    pub(crate) min_left: u32,
    /// Must be 0.
    pub(crate) resv: [u32; 5],
}

/// `struct io_uring_buf_status`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct BufStatus {
    /// The buffer group.
    pub(crate) buf_group: u32,
    /// Its head, for user space.
    pub(crate) head: u32,
    /// Must be 0.
    pub(crate) resv: [u32; 8],
}

/// `struct ruring_pbuf_low`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct PbufLow {
    /// For the completion.
    pub(crate) user_data: u64,
    /// How few buffers are few, 0 for no mark.
    pub(crate) nr: u32,
    /// The buffer group.
    pub(crate) bgid: u16,
    /// Must be 0.
    pub(crate) resv: u16,
}

/// `struct io_uring_rsrc_register`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct RsrcRegister {
    /// How many there are.
    pub(crate) nr: u32,
    /// `IORING_RSRC_REGISTER_*`
    pub(crate) flags: u32,
    /// Must be 0.
    pub(crate) resv: u64,
    /// Address of them, or 0.
    pub(crate) data: u64,
    /// Address of a tag for each, or 0.
    pub(crate) tags: u64,
}

impl RsrcRegister {
    /// Checks what is the same for files and for buffers.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for none at all, for what is reserved, and for slots that are to be empty and have something to be filled
    /// with.
    pub(crate) fn check(self) -> Result<Self> {
        let sparse = self.flags & rsrc::REGISTER_SPARSE != 0;
        if self.nr == 0
            || self.resv != 0
            || self.flags & !rsrc::REGISTER_SPARSE != 0
            || (sparse && self.data != 0)
        {
            return Err(EINVAL);
        }
        Ok(self)
    }
}

/// `struct io_uring_rsrc_update`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct RsrcUpdate {
    /// The first slot.
    pub(crate) offset: u32,
    /// Must be 0.
    pub(crate) resv: u32,
    /// Address of what is to be there.
    pub(crate) data: u64,
}

/// `struct io_uring_rsrc_update2`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct RsrcUpdate2 {
    /// The first slot.
    pub(crate) offset: u32,
    /// Must be 0.
    pub(crate) resv: u32,
    /// Address of what is to be there.
    pub(crate) data: u64,
    /// Address of a tag for each, or 0.
    pub(crate) tags: u64,
    /// How many slots to update.
    pub(crate) nr: u32,
    /// Must be 0.
    pub(crate) resv2: u32,
}

impl RsrcUpdate2 {
    /// Checks what is the same for files and for buffers.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for none at all, and for what is reserved.
    pub(crate) fn check(self) -> Result<Self> {
        if self.nr == 0 || self.resv != 0 || self.resv2 != 0 {
            return Err(EINVAL);
        }
        Ok(self)
    }
}

/// `struct io_uring_clone_buffers`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct CloneBuffers {
    /// Descriptor of the ring that has them.
    pub(crate) src_fd: u32,
    /// `IORING_REGISTER_*`
    pub(crate) flags: u32,
    /// Their first slot there.
    pub(crate) src_off: u32,
    /// Their first slot here.
    pub(crate) dst_off: u32,
    /// How many slots, 0 for all.
    pub(crate) nr: u32,
    /// Must be 0.
    pub(crate) pad: [u32; 3],
}

impl CloneBuffers {
    /// Which slots it asks for, from the first to behind the last one, of a table that has `len`.
    ///
    /// # Errors
    ///
    /// `-ENXIO` without a table, `-EINVAL` for more than that has or another may have, `-EOVERFLOW` for what goes beyond
    /// its end.
    pub(crate) fn check(&self, len: u32) -> Result<(u32, u32)> {
        if self.nr == 0 && (self.dst_off != 0 || self.src_off != 0) {
            return Err(EINVAL);
        }
        if len == 0 {
            return Err(ENXIO);
        }
        if self.nr > len {
            return Err(EINVAL);
        }
        let count = if self.nr == 0 { len } else { self.nr };
        let last = self.src_off.checked_add(count).ok_or(EOVERFLOW)?;
        if last > len {
            return Err(EOVERFLOW);
        }
        if self.dst_off.checked_add(count).ok_or(EOVERFLOW)? > MAX_BUFFERS {
            return Err(EINVAL);
        }
        Ok((self.src_off, last))
    }
}

/// `struct io_uring_clock_register`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct ClockRegister {
    /// `CLOCK_*`
    pub(crate) clockid: u32,
    /// Must be 0.
    pub(crate) resv: [u32; 3],
}

/// `struct io_uring_query_hdr`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct QueryHdr {
    /// Address of the next one, or 0.
    pub(crate) next_entry: u64,
    /// Address for the answer.
    pub(crate) query_data: u64,
    /// `IO_URING_QUERY_*`
    pub(crate) query_op: u32,
    /// Bytes of room for the answer, and then of the answer.
    pub(crate) size: u32,
    /// 0, or a negative errno.
    pub(crate) result: i32,
    /// Must be 0.
    pub(crate) resv: [u32; 3],
}

/// `struct io_uring_query_opcode`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
#[allow(missing_docs)]
pub(crate) struct QueryOpcode {
    pub(crate) nr_request_opcodes: u32,
    pub(crate) nr_register_opcodes: u32,
    pub(crate) feature_flags: u64,
    pub(crate) ring_setup_flags: u64,
    pub(crate) enter_flags: u64,
    pub(crate) sqe_flags: u64,
    pub(crate) nr_query_opcodes: u32,
    pub(crate) pad: u32,
}

/// `struct io_uring_query_scq`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
#[allow(missing_docs)]
pub(crate) struct QueryScq {
    pub(crate) hdr_size: u64,
    pub(crate) hdr_alignment: u64,
}

/// `struct io_uring_file_index_range`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct FileIndexRange {
    /// The first slot.
    pub(crate) off: u32,
    /// How many slots.
    pub(crate) len: u32,
    /// Must be 0.
    pub(crate) resv: u64,
}

/// `struct io_uring_recvmsg_out`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
#[allow(missing_docs)]
pub(crate) struct RecvmsgOut {
    pub(crate) namelen: u32,
    pub(crate) controllen: u32,
    pub(crate) payloadlen: u32,
    pub(crate) flags: u32,
}

/// A completion (`struct io_uring_cqe`), whose two halves are words of the ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cqe {
    /// What the SQE said.
    pub(crate) user_data: u64,
    /// The result, or a negative errno.
    pub(crate) res: i32,
    /// `IORING_CQE_F_*`.
    pub(crate) flags: u32,
}

/// The second half of a completion of 32 bytes (`big_cqe`), whose words have the names that the kernel's trace event gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BigCqe {
    /// The first word.
    pub(crate) extra1: u64,
    /// The second word.
    pub(crate) extra2: u64,
}

impl BigCqe {
    /// The words as they are in the ring.
    pub(crate) const fn to_words(self) -> [u64; 2] {
        [self.extra1, self.extra2]
    }
}
