// SPDX-License-Identifier: GPL-2.0

//! An SQE as `struct io_uring_sqe` has it: a value at an offset.

use crate::sqe::Sqe;
use proptest::prelude::*;

/// 64 bytes, by field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields(pub(crate) [u8; 64]);

macro_rules! fields {
    ($($name:ident, $set:ident: $type:ty = $offset:literal;)*) => {
        impl Fields {
            $(
                pub(crate) fn $name(&self) -> $type {
                    let end = $offset + size_of::<$type>();
                    <$type>::from_le_bytes(self.0[$offset..end].try_into().unwrap())
                }

                pub(crate) fn $set(mut self, value: $type) -> Self {
                    let end = $offset + size_of::<$type>();
                    self.0[$offset..end].copy_from_slice(&value.to_le_bytes());
                    self
                }
            )*
        }
    };
}

// offsetof() in <linux/io_uring.h>
fields! {
    opcode, set_opcode: u8 = 0;
    flags, set_flags: u8 = 1;
    ioprio, set_ioprio: u16 = 2;
    fd, set_fd: i32 = 4;
    off, set_off: u64 = 8;
    addr, set_addr: u64 = 16;
    len, set_len: u32 = 24;
    op_flags, set_op_flags: u32 = 28;
    user_data, set_user_data: u64 = 32;
    buf_index, set_buf_index: u16 = 40;
    personality, set_personality: u16 = 42;
    file_index, set_file_index: u32 = 44;
    addr_len, set_addr_len: u16 = 44;
    pad3, set_pad3: u16 = 46;
    addr3, set_addr3: u64 = 48;
    attr_type_mask, set_attr_type_mask: u64 = 56;
}

impl Fields {
    pub(crate) const ZERO: Self = Self([0; 64]);

    /// As the module reads it.
    pub(crate) fn sqe(&self) -> Sqe {
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(self.0.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().unwrap());
        }
        Sqe::new(words)
    }

    /// With one bit the other way round.
    pub(crate) fn flip(mut self, bit: usize) -> Self {
        self.0[bit / 8] ^= 1 << (bit % 8);
        self
    }
}

/// Any 64 bytes.
pub(crate) fn any_bytes() -> impl Strategy<Value = Fields> {
    any::<[[u8; 32]; 2]>().prop_map(|halves| Fields(halves.concat().try_into().unwrap()))
}

/// A field that is often zero, often one of the lowest bits or a few of them, and anything at times.
fn often_small() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => Just(0u64),
        2 => 0u64..64,
        1 => (0u32..64).prop_map(|bit| 1 << bit),
        1 => any::<u64>(),
    ]
}

/// An SQE that has a chance to be right: each field is likely to be zero or small.
pub(crate) fn plausible() -> impl Strategy<Value = Fields> {
    let numbers = proptest::array::uniform13(often_small());
    numbers.prop_map(|n| {
        Fields::ZERO
            .set_opcode(n[0] as u8)
            .set_flags(n[1] as u8 & 0x7f)
            .set_ioprio(n[2] as u16)
            .set_fd(n[3] as i32)
            .set_off(n[4])
            .set_addr(n[5])
            .set_len(n[6] as u32)
            .set_op_flags(n[7] as u32)
            .set_user_data(n[8])
            .set_buf_index(n[9] as u16)
            .set_addr_len(n[10] as u16)
            .set_pad3(n[11] as u16)
            .set_addr3(n[12])
    })
}
