// SPDX-License-Identifier: GPL-2.0

//! What the administrator lets rings have: lists of opcodes, of registrations and of address families, by names and
//! groups of them, and limits.

use super::{
    abi::{opcode, register},
    number::family,
    registered,
};

/// What a ring may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// The opcodes of its requests, and whether a thread may submit for it.
    pub(crate) ops: Opcodes,
    /// What may be registered.
    pub(crate) registers: Registers,
    /// The address families of the sockets that its requests are on.
    pub(crate) families: Families,
    /// How much the ring may have of each thing that is limited.
    pub(crate) limits: Limits,
}

/// How much of what there may be. Without a limit it is the largest number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Entries of a ring's SQ ring.
    pub(crate) entries: u32,
    /// Rings that a user has.
    pub(crate) rings: u32,
    /// Workers that a ring has.
    pub(crate) workers: u32,
    /// Pages that a user has pinned.
    pub(crate) pinned: usize,
}

/// Opcodes by their bits, and whether SQPOLL is allowed by the highest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opcodes(u128);

/// Registrations by their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Registers(u64);

/// Address families by their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Families(u64);

/// The names that a list may have.
const OPCODES: &[(&str, u8)] = &[
    ("NOP", opcode::NOP),
    ("NOP128", opcode::NOP128),
    ("URING_CMD128", opcode::URING_CMD128),
    ("EPOLL_CTL", opcode::EPOLL_CTL),
    ("EPOLL_WAIT", opcode::EPOLL_WAIT),
    ("PIPE", opcode::PIPE),
    ("SPLICE", opcode::SPLICE),
    ("TEE", opcode::TEE),
    ("SENDFILE", opcode::SENDFILE),
    ("READV", opcode::READV),
    ("WRITEV", opcode::WRITEV),
    ("FSYNC", opcode::FSYNC),
    ("READ_FIXED", opcode::READ_FIXED),
    ("WRITE_FIXED", opcode::WRITE_FIXED),
    ("POLL_ADD", opcode::POLL_ADD),
    ("POLL_REMOVE", opcode::POLL_REMOVE),
    ("SYNC_FILE_RANGE", opcode::SYNC_FILE_RANGE),
    ("SENDMSG", opcode::SENDMSG),
    ("RECVMSG", opcode::RECVMSG),
    ("TIMEOUT", opcode::TIMEOUT),
    ("TIMEOUT_REMOVE", opcode::TIMEOUT_REMOVE),
    ("ACCEPT", opcode::ACCEPT),
    ("ASYNC_CANCEL", opcode::ASYNC_CANCEL),
    ("LINK_TIMEOUT", opcode::LINK_TIMEOUT),
    ("CONNECT", opcode::CONNECT),
    ("FALLOCATE", opcode::FALLOCATE),
    ("OPENAT", opcode::OPENAT),
    ("CLOSE", opcode::CLOSE),
    ("FILES_UPDATE", opcode::FILES_UPDATE),
    ("STATX", opcode::STATX),
    ("READ", opcode::READ),
    ("WRITE", opcode::WRITE),
    ("FADVISE", opcode::FADVISE),
    ("MADVISE", opcode::MADVISE),
    ("SEND", opcode::SEND),
    ("RECV", opcode::RECV),
    ("OPENAT2", opcode::OPENAT2),
    ("PROVIDE_BUFFERS", opcode::PROVIDE_BUFFERS),
    ("REMOVE_BUFFERS", opcode::REMOVE_BUFFERS),
    ("SHUTDOWN", opcode::SHUTDOWN),
    ("RENAMEAT", opcode::RENAMEAT),
    ("UNLINKAT", opcode::UNLINKAT),
    ("MKDIRAT", opcode::MKDIRAT),
    ("SYMLINKAT", opcode::SYMLINKAT),
    ("LINKAT", opcode::LINKAT),
    ("MSG_RING", opcode::MSG_RING),
    ("SOCKET", opcode::SOCKET),
    ("URING_CMD", opcode::URING_CMD),
    ("SEND_ZC", opcode::SEND_ZC),
    ("SENDMSG_ZC", opcode::SENDMSG_ZC),
    ("READ_MULTISHOT", opcode::READ_MULTISHOT),
    ("FIXED_FD_INSTALL", opcode::FIXED_FD_INSTALL),
    ("FTRUNCATE", opcode::FTRUNCATE),
    ("BIND", opcode::BIND),
    ("LISTEN", opcode::LISTEN),
    ("READV_FIXED", opcode::READV_FIXED),
    ("WRITEV_FIXED", opcode::WRITEV_FIXED),
];

/// What is no group of its own: it concerns the ring alone.
const BASE: u128 = bits(&[
    opcode::NOP,
    opcode::NOP128,
    opcode::ASYNC_CANCEL,
    opcode::CLOSE,
    opcode::FILES_UPDATE,
    opcode::FIXED_FD_INSTALL,
    opcode::PROVIDE_BUFFERS,
    opcode::REMOVE_BUFFERS,
]);
/// Transfers, which may be of sockets too.
const RW: u128 = bits(&[
    opcode::READV,
    opcode::WRITEV,
    opcode::READ_FIXED,
    opcode::WRITE_FIXED,
    opcode::READ,
    opcode::WRITE,
    opcode::READ_MULTISHOT,
    opcode::READV_FIXED,
    opcode::WRITEV_FIXED,
]);
/// What makes or names sockets, or is for nothing else.
const NET: u128 = bits(&[
    opcode::SENDMSG,
    opcode::RECVMSG,
    opcode::ACCEPT,
    opcode::CONNECT,
    opcode::SEND,
    opcode::RECV,
    opcode::SHUTDOWN,
    opcode::SOCKET,
    opcode::URING_CMD,
    opcode::URING_CMD128,
    opcode::SEND_ZC,
    opcode::SENDMSG_ZC,
    opcode::BIND,
    opcode::LISTEN,
]);
/// What waits until files are ready.
const POLL: u128 = bits(&[
    opcode::POLL_ADD,
    opcode::POLL_REMOVE,
    opcode::EPOLL_CTL,
    opcode::EPOLL_WAIT,
]);
/// What waits for the time.
const TIMER: u128 = bits(&[
    opcode::TIMEOUT,
    opcode::TIMEOUT_REMOVE,
    opcode::LINK_TIMEOUT,
]);
/// What other rings are told by.
const MSG: u128 = bits(&[opcode::MSG_RING]);
/// No opcode: that rings may have a thread which submits for them.
const SQPOLL: u128 = 1 << 127;

/// All others are about files and their names. Whatever has a name has a bit: else this does not build.
const FILE: u128 = {
    let (mut index, mut all) = (0, 0);
    while index < OPCODES.len() {
        all |= bit(OPCODES[index].1);
        index += 1;
    }
    all & !(BASE | NET | POLL | TIMER | MSG)
};

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
    match opcode::bit(opcode) {
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

/// The names of io_uring's registrations, by their numbers, without what each begins with: IORING_REGISTER or IORING.
///
/// Registrations that ruring does not have are among them.
const REGISTERS: [&str; register::LAST as usize] = [
    "BUFFERS",
    "UNREGISTER_BUFFERS",
    "FILES",
    "UNREGISTER_FILES",
    "EVENTFD",
    "UNREGISTER_EVENTFD",
    "FILES_UPDATE",
    "EVENTFD_ASYNC",
    "PROBE",
    "PERSONALITY",
    "UNREGISTER_PERSONALITY",
    "RESTRICTIONS",
    "ENABLE_RINGS",
    "FILES2",
    "FILES_UPDATE2",
    "BUFFERS2",
    "BUFFERS_UPDATE",
    "IOWQ_AFF",
    "UNREGISTER_IOWQ_AFF",
    "IOWQ_MAX_WORKERS",
    "RING_FDS",
    "UNREGISTER_RING_FDS",
    "PBUF_RING",
    "UNREGISTER_PBUF_RING",
    "SYNC_CANCEL",
    "FILE_ALLOC_RANGE",
    "PBUF_STATUS",
    "NAPI",
    "UNREGISTER_NAPI",
    "CLOCK",
    "CLONE_BUFFERS",
    "SEND_MSG_RING",
    "ZCRX_IFQ",
    "RESIZE_RINGS",
    "MEM_REGION",
    "QUERY",
    "ZCRX_CTRL",
    "BPF_FILTER",
];

/// Registrations that belong together.
const REGISTER_GROUPS: &[(&str, &[u32])] = &[
    (
        "base",
        &[
            register::PROBE,
            register::RESTRICTIONS,
            register::ENABLE_RINGS,
            registered::REGISTER,
            registered::UNREGISTER,
            register::SYNC_CANCEL,
            register::IOWQ_AFF,
            register::UNREGISTER_IOWQ_AFF,
            register::IOWQ_MAX_WORKERS,
            register::CLOCK,
            register::RESIZE_RINGS,
            register::MEM_REGION,
            register::QUERY,
        ],
    ),
    (
        "files",
        &[
            register::FILES,
            register::UNREGISTER_FILES,
            register::FILES_UPDATE,
            register::FILES2,
            register::FILES_UPDATE2,
            register::FILE_ALLOC_RANGE,
        ],
    ),
    (
        "buffers",
        &[
            register::BUFFERS,
            register::UNREGISTER_BUFFERS,
            register::BUFFERS2,
            register::BUFFERS_UPDATE,
            register::CLONE_BUFFERS,
        ],
    ),
    (
        "pbuf",
        &[
            register::PBUF_RING,
            register::UNREGISTER_PBUF_RING,
            register::PBUF_STATUS,
            register::PBUF_LOW,
        ],
    ),
    (
        "eventfd",
        &[
            register::EVENTFD,
            register::UNREGISTER_EVENTFD,
            register::EVENTFD_ASYNC,
        ],
    ),
    ("msg", &[register::SEND_MSG_RING]),
    (
        "personality",
        &[register::PERSONALITY, register::UNREGISTER_PERSONALITY],
    ),
];

/// Address families that have names here. Others are named by their numbers.
const FAMILIES: &[(&str, u16)] = &[
    ("AF_UNIX", family::UNIX),
    ("AF_INET", family::INET),
    ("AF_INET6", family::INET6),
    ("AF_KEY", family::KEY),
    ("AF_NETLINK", family::NETLINK),
    ("AF_PACKET", family::PACKET),
    ("AF_RDS", family::RDS),
    ("AF_CAN", family::CAN),
    ("AF_TIPC", family::TIPC),
    ("AF_BLUETOOTH", family::BLUETOOTH),
    ("AF_ALG", family::ALG),
    ("AF_VSOCK", family::VSOCK),
    ("AF_KCM", family::KCM),
    ("AF_QIPCRTR", family::QIPCRTR),
    ("AF_SMC", family::SMC),
    ("AF_XDP", family::XDP),
    ("AF_MCTP", family::MCTP),
];

/// Reads a list: words that `named` knows, or `all`, with commas in between. A `-` takes away what it is before.
/// None if there is another word.
fn parse_list(list: &str, named: impl Fn(&str) -> Option<u128>) -> Option<u128> {
    let bits = |word: &str| match word {
        "all" => Some(u128::MAX),
        word => named(word),
    };
    let mut parsed = 0;
    for word in list.split(',') {
        match word.strip_prefix('-') {
            Some(word) => parsed &= !bits(word)?,
            None => parsed |= bits(word)?,
        }
    }
    Some(parsed)
}

impl Policy {
    /// Everything is allowed.
    pub(crate) const ALL: Self = Self {
        ops: Opcodes(u128::MAX),
        registers: Registers(u64::MAX),
        families: Families::ALL,
        limits: Limits::NONE,
    };

    /// Whether each request is to be looked at for it.
    pub(crate) fn restricts_requests(&self) -> bool {
        self.ops != Self::ALL.ops || self.families != Families::ALL
    }
}

impl Limits {
    /// Without any limit.
    pub(crate) const NONE: Self = Self {
        entries: u32::MAX,
        rings: u32::MAX,
        workers: u32::MAX,
        pinned: usize::MAX,
    };
}

impl Opcodes {
    /// Reads a list of opcodes and groups of them.
    pub(crate) fn parse(list: &str) -> Option<Self> {
        parse_list(list, Self::named).map(Self)
    }

    /// What a word stands for.
    fn named(word: &str) -> Option<u128> {
        Some(match word {
            "base" => BASE,
            "rw" => RW,
            "net" => NET,
            "poll" => POLL,
            "timer" => TIMER,
            "msg" => MSG,
            "sqpoll" => SQPOLL,
            "file" => FILE,
            _ => {
                let (_, code) = OPCODES.iter().find(|(name, _)| *name == word)?;
                bit(*code)
            }
        })
    }

    /// The set as two words.
    pub(crate) const fn to_words(self) -> [u64; 2] {
        [self.0 as u64, (self.0 >> 64) as u64]
    }

    /// See [`Opcodes::to_words`].
    pub(crate) const fn from_words(words: [u64; 2]) -> Self {
        Self(words[0] as u128 | (words[1] as u128) << 64)
    }

    /// Whether there may be requests with this opcode. One that is none is for others to refuse.
    pub(crate) fn allow(self, opcode: u8) -> bool {
        opcode::bit(opcode).is_none_or(|bit| self.0 & bit != 0)
    }

    /// Whether rings may have a thread that submits for them.
    pub(crate) fn allow_sqpoll(self) -> bool {
        self.0 & SQPOLL != 0
    }
}

impl Registers {
    /// Reads a list of registrations and groups of them.
    pub(crate) fn parse(list: &str) -> Option<Self> {
        parse_list(list, Self::named).map(|bits| Self(bits as u64))
    }

    fn named(word: &str) -> Option<u128> {
        let bits = |opcodes: &[u32]| {
            let bits = opcodes.iter().filter_map(|opcode| register::bit(*opcode));
            bits.fold(0, |all, bit| all | u128::from(bit))
        };
        if let Some((_, group)) = REGISTER_GROUPS.iter().find(|(name, _)| *name == word) {
            return Some(bits(group));
        }
        let opcode = match word {
            "PBUF_LOW" => register::PBUF_LOW,
            _ => REGISTERS.iter().position(|name| *name == word)? as u32,
        };
        Some(bits(&[opcode]))
    }

    /// The set as a word.
    pub(crate) const fn to_word(self) -> u64 {
        self.0
    }

    /// See [`Registers::to_word`].
    pub(crate) const fn from_word(word: u64) -> Self {
        Self(word)
    }

    /// Whether there may be registrations with this opcode. One that is none is for others to refuse.
    pub(crate) fn allow(self, opcode: u32) -> bool {
        register::bit(opcode).is_none_or(|bit| self.0 & bit != 0)
    }
}

impl Families {
    /// Every address family.
    pub(crate) const ALL: Self = Self(u64::MAX);

    /// Reads a list of address families, by names or numbers.
    pub(crate) fn parse(list: &str) -> Option<Self> {
        parse_list(list, Self::named).map(|bits| Self(bits as u64))
    }

    fn named(word: &str) -> Option<u128> {
        let family = match FAMILIES.iter().find(|(name, _)| *name == word) {
            Some((_, family)) => u32::from(*family),
            None => word.parse().ok().filter(|family| *family < u64::BITS)?,
        };
        Some(1 << family)
    }

    /// The set as a word.
    pub(crate) const fn to_word(self) -> u64 {
        self.0
    }

    /// See [`Families::to_word`].
    pub(crate) const fn from_word(word: u64) -> Self {
        Self(word)
    }

    /// Whether there may be sockets of this family. What is none is refused by who makes sockets.
    pub(crate) fn allow(self, family: u32) -> bool {
        self == Self::ALL || family < u64::BITS && self.0 & 1 << family != 0
    }
}
