// SPDX-License-Identifier: GPL-2.0

//! Filters of requests: programs of classic BPF that a ring asks. `IORING_REGISTER_BPF_FILTER`.

use super::{
    abi::{opcode, open},
    errno::{Result, EINVAL, EMSGSIZE},
    number::family,
};

/// Kinds and flags of a registration, and codes of instructions.
pub(crate) mod bpf {
    #![allow(missing_docs)]
    pub(crate) const CMD_FILTER: u16 = 1;
    pub(crate) const DENY_REST: u32 = 1 << 0;
    pub(crate) const SZ_STRICT: u32 = 1 << 1;
    pub(crate) const LD: u16 = 0;
    pub(crate) const LDX: u16 = 1;
    pub(crate) const ST: u16 = 2;
    pub(crate) const STX: u16 = 3;
    pub(crate) const ALU: u16 = 4;
    pub(crate) const JMP: u16 = 5;
    pub(crate) const RET: u16 = 6;
    pub(crate) const MISC: u16 = 7;
    pub(crate) const IMM: u16 = 0;
    pub(crate) const ABS: u16 = 0x20;
    pub(crate) const MEM: u16 = 0x60;
    pub(crate) const LEN: u16 = 0x80;
    pub(crate) const K: u16 = 0;
    pub(crate) const X: u16 = 8;
    pub(crate) const A: u16 = 0x10;
    pub(crate) const NEG: u16 = 0x80;
    pub(crate) const MOD: u16 = 0x90;
    pub(crate) const XOR: u16 = 0xa0;
    pub(crate) const JSET: u16 = 0x40;
    pub(crate) const TXA: u16 = 0x80;
    /// The flags of open(2).
    pub(crate) const VALID_OPEN_FLAGS: u32 = 0o37777703 | 1 << 26;
    /// Those that count with O_PATH.
    pub(crate) const PATH_FLAGS: u32 = 0o12600000 | 1 << 26;
}

/// `struct io_uring_bpf_filter`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct BpfFilter {
    /// The requests that it is for.
    pub(crate) opcode: u32,
    /// `IO_URING_BPF_FILTER_*`
    pub(crate) flags: u32,
    /// How many instructions it has.
    pub(crate) filter_len: u32,
    /// How many bytes more it expects to see of a request, and how many there are.
    pub(crate) pdu_size: u8,
    /// Must be 0.
    pub(crate) resv: [u8; 3],
    /// Address of the instructions.
    pub(crate) filter_ptr: u64,
    /// Must be 0.
    pub(crate) resv2: [u64; 5],
}

/// `struct io_uring_bpf`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Bpf {
    /// `IO_URING_BPF_CMD_*`
    pub(crate) cmd_type: u16,
    /// Must be 0.
    pub(crate) cmd_flags: u16,
    /// Must be 0.
    pub(crate) resv: u32,
    /// The filter.
    pub(crate) filter: BpfFilter,
}

/// What a filter sees of a request: `struct io_uring_bpf_ctx`, as the words that it can load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub(crate) struct FilterCtx {
    words: [u32; Self::WORDS],
}

/// What it sees besides of requests that have more to tell: the last words of a [`FilterCtx`].
pub(crate) type Pdu = [u32; 6];

impl FilterCtx {
    const WORDS: usize = Self::SIZE / 4;

    /// Bytes of it.
    pub(crate) const SIZE: usize = 40;

    /// What is seen of a request with this opcode and these flags.
    pub(crate) fn new(user_data: u64, opcode: u8, flags: u8, pdu: Pdu) -> Self {
        let head = u32::from_le_bytes([opcode, flags, pdu_size(opcode), 0]);
        let (low, high) = (user_data as u32, (user_data >> 32) as u32);
        let [a, b, c, d, e, f] = pdu;
        Self {
            words: [low, high, head, 0, a, b, c, d, e, f],
        }
    }
}

/// The word at `at`, if these bytes have it.
fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    word.map_or(0, u32::from_le_bytes)
}

/// What is seen of a CONNECT to the address that these bytes are: its family, and of the internet's the port and the address.
pub(crate) fn pdu_of_connect(addr: &[u8]) -> Pdu {
    // Without the number of a scope, as sockets take it.
    const SIN6_LEN: usize = 24;
    const SIN_LEN: usize = 16;
    let Some(of) = addr.first_chunk().copied().map(u16::from_le_bytes) else {
        return Pdu::default();
    };
    let port = word(addr, 0) >> 16;
    match (of, addr.len()) {
        (family::INET, SIN_LEN..) => [of.into(), port, word(addr, 4), 0, 0, 0],
        (family::INET6, SIN6_LEN..) => {
            let [a, b, c, d] = [8, 12, 16, 20].map(|at| word(addr, at));
            [of.into(), port, a, b, c, d]
        }
        _ => [of.into(), 0, 0, 0, 0, 0],
    }
}

/// What is seen of an OPENAT2: flags, mode, and how the name is resolved.
pub(crate) fn pdu_of_open(flags: u64, mode: u64, resolve: u64) -> Pdu {
    let words = |long: u64| [long as u32, (long >> 32) as u32];
    let ([a, b], [c, d], [e, f]) = (words(flags), words(mode), words(resolve));
    [a, b, c, d, e, f]
}

/// The flags and the mode that OPENAT goes by, of those that it is given.
pub(crate) fn how_of_openat(flags: u64, mode: u64) -> (u64, u64) {
    const MODE: u64 = 0o7777;
    const CREATES: u64 = (open::CREAT | open::TMPFILE) as u64;
    let mut flags = flags & u64::from(bpf::VALID_OPEN_FLAGS);
    if flags & u64::from(open::PATH) != 0 {
        flags &= u64::from(bpf::PATH_FLAGS);
    }
    (flags, if flags & CREATES != 0 { mode & MODE } else { 0 })
}

/// How many bytes more there are to see of a request with this opcode.
pub(crate) const fn pdu_size(opcode: u8) -> u8 {
    match opcode {
        opcode::SOCKET => 12,
        opcode::OPENAT | opcode::OPENAT2 | opcode::CONNECT => 24,
        _ => 0,
    }
}

/// An instruction of classic BPF: `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Instruction {
    /// What it does.
    pub(crate) code: u16,
    /// How far it jumps if so.
    pub(crate) jt: u8,
    /// How far it jumps if not.
    pub(crate) jf: u8,
    /// Its operand.
    pub(crate) k: u32,
}

impl Instruction {
    /// Makes it what the kernel runs: what loads from a packet loads from a [`FilterCtx`].
    ///
    /// # Errors
    ///
    /// `-EINVAL` for one that a filter must not have.
    fn prepare(&mut self) -> Result {
        const SIZE: u32 = FilterCtx::SIZE as u32;
        const LD_ABS: u16 = bpf::LD | bpf::ABS;
        const LD_LEN: u16 = bpf::LD | bpf::LEN;
        const LDX_LEN: u16 = bpf::LDX | bpf::LEN;
        match self.code {
            LD_ABS if self.k < SIZE && self.k % 4 == 0 => self.code = bpf::LDX | bpf::ABS,
            LD_LEN => (self.code, self.k) = (bpf::LD | bpf::IMM, SIZE),
            LDX_LEN => (self.code, self.k) = (bpf::LDX | bpf::IMM, SIZE),
            _ if self.is_plain() => {}
            _ => return Err(EINVAL),
        }
        Ok(())
    }

    /// Whether it neither calls anything nor looks at a packet.
    fn is_plain(&self) -> bool {
        const CLASS: u16 = 7;
        let rest = self.code & !CLASS;
        // What it does besides the operand that it does it with.
        let what = rest & !bpf::X;
        match self.code & CLASS {
            bpf::LD | bpf::LDX => matches!(rest, bpf::IMM | bpf::MEM),
            bpf::ST | bpf::STX => rest == 0,
            bpf::ALU if what == bpf::NEG => rest == what,
            bpf::ALU => what <= bpf::XOR && what % 0x10 == 0 && what != bpf::MOD,
            // BPF_JA, which has no operand, is the first of them.
            bpf::JMP => rest == 0 || (what != 0 && what <= bpf::JSET && what % 0x10 == 0),
            bpf::RET => matches!(rest, bpf::K | bpf::A),
            _ => matches!(rest, 0 | bpf::TXA),
        }
    }
}

/// Makes all of a program what the kernel runs.
///
/// # Errors
///
/// `-EINVAL` if there is an instruction that a filter must not have.
pub(crate) fn prepare(program: &mut [Instruction]) -> Result {
    program.iter_mut().try_for_each(Instruction::prepare)
}

/// A filter that is to be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NewFilter {
    /// The requests that it is for.
    pub(crate) opcode: u8,
    /// Refuse all requests for which there is no filter.
    pub(crate) deny_rest: bool,
    /// User address of its instructions.
    pub(crate) addr: u64,
    /// How many instructions there are.
    pub(crate) len: u16,
}

impl NewFilter {
    /// Instructions that there can be.
    const MOST: u32 = 4096;

    /// Parses what user space says. There is an answer, which `reg` becomes, also if what it says does not go with how much
    /// there is to see of a request, which is the error inside.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for what makes no sense.
    pub(crate) fn parse(reg: &mut Bpf) -> Result<Result<Self>> {
        const FLAGS: u32 = bpf::DENY_REST | bpf::SZ_STRICT;
        let filter = &mut reg.filter;
        let zeroes = filter.resv == [0; 3] && filter.resv2 == [0; 5] && reg.resv == 0;
        let opcode = u8::try_from(filter.opcode).map_err(|_| EINVAL)?;
        let there = opcode::bit(opcode).is_some();
        if reg.cmd_type != bpf::CMD_FILTER
            || reg.cmd_flags != 0
            || !zeroes
            || !there
            || filter.flags & !FLAGS != 0
            || filter.filter_len == 0
            || filter.filter_len > Self::MOST
        {
            return Err(EINVAL);
        }
        let expected = core::mem::replace(&mut filter.pdu_size, pdu_size(opcode));
        let strict = filter.flags & bpf::SZ_STRICT != 0;
        let fits = expected == filter.pdu_size || (expected < filter.pdu_size && !strict);
        if !fits {
            return Ok(Err(EMSGSIZE));
        }
        Ok(Ok(Self {
            opcode,
            deny_rest: filter.flags & bpf::DENY_REST != 0,
            addr: filter.filter_ptr,
            len: filter.filter_len as u16,
        }))
    }
}
