// SPDX-License-Identifier: GPL-2.0

//! What the administrator lets rings have: a list of opcodes, by names and groups of them.

use super::abi::op;

/// What a ring may have: opcodes by their bits, and whether SQPOLL is allowed by the highest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy(u128);

/// The names that a list may have.
const OPCODES: &[(&str, u8)] = &[
    ("NOP", op::NOP),
    ("NOP128", op::NOP128),
    ("URING_CMD128", op::URING_CMD128),
    ("SPLICE", op::SPLICE),
    ("TEE", op::TEE),
    ("SENDFILE", op::SENDFILE),
    ("READV", op::READV),
    ("WRITEV", op::WRITEV),
    ("FSYNC", op::FSYNC),
    ("READ_FIXED", op::READ_FIXED),
    ("WRITE_FIXED", op::WRITE_FIXED),
    ("POLL_ADD", op::POLL_ADD),
    ("POLL_REMOVE", op::POLL_REMOVE),
    ("SYNC_FILE_RANGE", op::SYNC_FILE_RANGE),
    ("SENDMSG", op::SENDMSG),
    ("RECVMSG", op::RECVMSG),
    ("TIMEOUT", op::TIMEOUT),
    ("TIMEOUT_REMOVE", op::TIMEOUT_REMOVE),
    ("ACCEPT", op::ACCEPT),
    ("ASYNC_CANCEL", op::ASYNC_CANCEL),
    ("LINK_TIMEOUT", op::LINK_TIMEOUT),
    ("CONNECT", op::CONNECT),
    ("FALLOCATE", op::FALLOCATE),
    ("OPENAT", op::OPENAT),
    ("CLOSE", op::CLOSE),
    ("FILES_UPDATE", op::FILES_UPDATE),
    ("STATX", op::STATX),
    ("READ", op::READ),
    ("WRITE", op::WRITE),
    ("FADVISE", op::FADVISE),
    ("MADVISE", op::MADVISE),
    ("SEND", op::SEND),
    ("RECV", op::RECV),
    ("OPENAT2", op::OPENAT2),
    ("PROVIDE_BUFFERS", op::PROVIDE_BUFFERS),
    ("REMOVE_BUFFERS", op::REMOVE_BUFFERS),
    ("SHUTDOWN", op::SHUTDOWN),
    ("RENAMEAT", op::RENAMEAT),
    ("UNLINKAT", op::UNLINKAT),
    ("MKDIRAT", op::MKDIRAT),
    ("SYMLINKAT", op::SYMLINKAT),
    ("LINKAT", op::LINKAT),
    ("MSG_RING", op::MSG_RING),
    ("SOCKET", op::SOCKET),
    ("URING_CMD", op::URING_CMD),
    ("SEND_ZC", op::SEND_ZC),
    ("SENDMSG_ZC", op::SENDMSG_ZC),
    ("READ_MULTISHOT", op::READ_MULTISHOT),
    ("FIXED_FD_INSTALL", op::FIXED_FD_INSTALL),
    ("FTRUNCATE", op::FTRUNCATE),
    ("BIND", op::BIND),
    ("LISTEN", op::LISTEN),
    ("READV_FIXED", op::READV_FIXED),
    ("WRITEV_FIXED", op::WRITEV_FIXED),
];

/// What is no group of its own: it concerns the ring alone.
const BASE: u128 = bits(&[
    op::NOP,
    op::NOP128,
    op::ASYNC_CANCEL,
    op::CLOSE,
    op::FILES_UPDATE,
    op::FIXED_FD_INSTALL,
    op::PROVIDE_BUFFERS,
    op::REMOVE_BUFFERS,
]);
/// Transfers, which may be of sockets too.
const RW: u128 = bits(&[
    op::READV,
    op::WRITEV,
    op::READ_FIXED,
    op::WRITE_FIXED,
    op::READ,
    op::WRITE,
    op::READ_MULTISHOT,
    op::READV_FIXED,
    op::WRITEV_FIXED,
]);
const NET: u128 = bits(&[
    op::SENDMSG,
    op::RECVMSG,
    op::ACCEPT,
    op::CONNECT,
    op::SEND,
    op::RECV,
    op::SHUTDOWN,
    op::SOCKET,
    op::URING_CMD,
    op::URING_CMD128,
    op::SEND_ZC,
    op::SENDMSG_ZC,
    op::BIND,
    op::LISTEN,
]);
const POLL: u128 = bits(&[op::POLL_ADD, op::POLL_REMOVE]);
const TIMER: u128 = bits(&[op::TIMEOUT, op::TIMEOUT_REMOVE, op::LINK_TIMEOUT]);
const MSG: u128 = bits(&[op::MSG_RING]);
const SQPOLL: u128 = 1 << 127;

const fn bits(opcodes: &[u8]) -> u128 {
    let (mut bits, mut index) = (0, 0);
    while index < opcodes.len() {
        bits |= bit(opcodes[index]);
        index += 1;
    }
    bits
}

/// The bit of an opcode that there is.
const fn bit(opcode: u8) -> u128 {
    match op::bit(opcode) {
        Some(bit) => bit,
        None => panic!("not an opcode"),
    }
}

/// Whether an opcode has a name here, without which nobody could take it away. For when the module is built.
pub(crate) const fn has_name(opcode: u8) -> bool {
    let mut index = 0;
    while index < OPCODES.len() {
        if OPCODES[index].1 == opcode {
            return true;
        }
        index += 1;
    }
    false
}

impl Policy {
    /// Everything.
    pub(crate) const ALL: Self = Self(u128::MAX);

    /// Reads a list: names of opcodes and groups, or `all`, with commas in between. A `-` takes away what it is
    /// before. None if a word is neither.
    pub(crate) fn parse(list: &[u8]) -> Option<Self> {
        let list = core::str::from_utf8(list).ok()?.trim();
        let mut policy = 0;
        for word in list.split(',') {
            match word.strip_prefix('-') {
                Some(word) => policy &= !Self::named(word)?,
                None => policy |= Self::named(word)?,
            }
        }
        Some(Self(policy))
    }

    /// What a word stands for.
    fn named(word: &str) -> Option<u128> {
        Some(match word {
            "all" => u128::MAX,
            "base" => BASE,
            "rw" => RW,
            "net" => NET,
            "poll" => POLL,
            "timer" => TIMER,
            "msg" => MSG,
            "sqpoll" => SQPOLL,
            // All others are about files and their names.
            "file" => {
                let all = OPCODES.iter().fold(0, |all, (_, code)| all | bit(*code));
                all & !(BASE | NET | POLL | TIMER | MSG)
            }
            _ => {
                let (_, code) = OPCODES.iter().find(|(name, _)| *name == word)?;
                bit(*code)
            }
        })
    }

    /// As two words.
    pub(crate) const fn to_words(self) -> [u64; 2] {
        [self.0 as u64, (self.0 >> 64) as u64]
    }

    /// See [`Policy::to_words`].
    pub(crate) const fn from_words(words: [u64; 2]) -> Self {
        Self(words[0] as u128 | (words[1] as u128) << 64)
    }

    /// Whether there may be requests with this opcode. One that is none is for others to refuse.
    pub(crate) fn allows(self, opcode: u8) -> bool {
        op::bit(opcode).is_none_or(|bit| self.0 & bit != 0)
    }

    /// Whether rings may have a thread that submits for them.
    pub(crate) fn allows_sqpoll(self) -> bool {
        self.0 & SQPOLL != 0
    }
}
