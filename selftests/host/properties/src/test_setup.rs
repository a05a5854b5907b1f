// SPDX-License-Identifier: GPL-2.0

//! Setup: what is refused, how sizes are rounded, where everything lies.

use crate::{
    abi::{feat, setup},
    cases,
    errno::{Result, EINVAL, EOVERFLOW},
    setup::{layout, Config, ThreadParams, UserMemory, CQE_SIZE, SQE_SIZE},
    structs::Params,
};
use proptest::prelude::*;
use std::mem::{offset_of, size_of};

// <linux/io_uring.h>

#[repr(C)]
struct SqringOffsets {
    head: u32,
    tail: u32,
    ring_mask: u32,
    ring_entries: u32,
    flags: u32,
    dropped: u32,
    array: u32,
    resv1: u32,
    user_addr: u64,
}

#[repr(C)]
struct CqringOffsets {
    head: u32,
    tail: u32,
    ring_mask: u32,
    ring_entries: u32,
    overflow: u32,
    cqes: u32,
    flags: u32,
    resv1: u32,
    user_addr: u64,
}

#[repr(C)]
struct IoUringParams {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    sq_thread_cpu: u32,
    sq_thread_idle: u32,
    features: u32,
    wq_fd: u32,
    resv: [u32; 3],
    sq_off: SqringOffsets,
    cq_off: CqringOffsets,
}

/// `struct io_uring_params` as words of 32 bits.
type Words = [u32; size_of::<IoUringParams>() / 4];

/// The parameters that these words are.
fn of(words: &Words) -> Params {
    // SAFETY: Any words are parameters.
    unsafe { std::mem::transmute(*words) }
}

/// `params.field` or `params.part.field`
macro_rules! param {
    ($params:expr, $field:ident) => {
        $params[offset_of!(IoUringParams, $field) / 4]
    };
    ($params:expr, sq_off, $field:ident) => {
        $params[(offset_of!(IoUringParams, sq_off) + offset_of!(SqringOffsets, $field)) / 4]
    };
    ($params:expr, cq_off, $field:ident) => {
        $params[(offset_of!(IoUringParams, cq_off) + offset_of!(CqringOffsets, $field)) / 4]
    };
}

/// The flags that ruring has, by bit.
const HAS: [u32; 20] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20,
];
const SQPOLL: u32 = 1 << 1;
const CQSIZE: u32 = 1 << 3;
const CLAMP: u32 = 1 << 4;
const COOP_TASKRUN: u32 = 1 << 8;
const TASKRUN_FLAG: u32 = 1 << 9;
const SQE128: u32 = 1 << 10;
const CQE32: u32 = 1 << 11;
const SINGLE_ISSUER: u32 = 1 << 12;
const DEFER_TASKRUN: u32 = 1 << 13;
const NO_MMAP: u32 = 1 << 14;
const REGISTERED_FD_ONLY: u32 = 1 << 15;
const NO_SQARRAY: u32 = 1 << 16;
const CQE_MIXED: u32 = 1 << 18;
const SQE_MIXED: u32 = 1 << 19;
const SQ_REWIND: u32 = 1 << 20;

/// `roundup_pow_of_two()`
fn round_up(value: u64) -> u64 {
    let mut power = 1;
    while power < value {
        power *= 2;
    }
    power
}

/// A number of entries: `None` is a refusal.
fn entries_model(asked: u32, most: u32, clamp: bool) -> Option<u64> {
    if asked == 0 || (asked > most && !clamp) {
        return None;
    }
    Some(round_up(u64::from(asked.min(most))))
}

fn model(entries: u32, params: &Words) -> Result<Config> {
    let flags = param!(params, flags);
    let has = |flag| flags & flag != 0;
    let resv = offset_of!(IoUringParams, resv) / 4;
    if params[resv..resv + 3] != [0; 3]
        || (0..32).any(|bit| has(1 << bit) && !HAS.contains(&bit))
        || (has(TASKRUN_FLAG) && !has(COOP_TASKRUN | DEFER_TASKRUN))
        || (has(DEFER_TASKRUN) && !has(SINGLE_ISSUER))
        || (has(REGISTERED_FD_ONLY) && !has(NO_MMAP))
        || (has(SQPOLL) && has(COOP_TASKRUN | TASKRUN_FLAG | DEFER_TASKRUN))
        || (has(SQ_REWIND) && has(SQPOLL))
        || (has(SQ_REWIND) && !has(NO_SQARRAY))
        || flags & (CQE32 | CQE_MIXED) == CQE32 | CQE_MIXED
        || flags & (SQE128 | SQE_MIXED) == SQE128 | SQE_MIXED
    {
        return Err(EINVAL);
    }
    let sq = entries_model(entries, 32768, has(CLAMP)).ok_or(EINVAL)?;
    let cq = if has(CQSIZE) {
        entries_model(param!(params, cq_entries), 65536, has(CLAMP)).ok_or(EINVAL)?
    } else {
        sq * 2
    };
    if cq < sq {
        return Err(EINVAL);
    }
    if (has(CQE_MIXED) && cq == 1) || (has(SQE_MIXED) && sq == 1) {
        return Err(EOVERFLOW);
    }
    Ok(Config {
        flags,
        sq_entries: sq as u32,
        cq_entries: cq as u32,
    })
}

fn params(flags: u32, cq_entries: u32) -> Words {
    let mut params = [0; _];
    param!(params, flags) = flags;
    param!(params, cq_entries) = cq_entries;
    params
}

fn agree(entries: u32, params: &Words) {
    assert_eq!(
        Config::parse(entries, &of(params)),
        model(entries, params),
        "{entries} {params:?}"
    );
}

/// Where user space finds what, and that nothing lies where something else does.
fn check_layout(config: &Config) {
    let (sq, cq) = (config.sq_entries as usize, config.cq_entries as usize);
    let mut parts: Vec<(usize, usize)> = [
        layout::SQ_HEAD,
        layout::SQ_TAIL,
        layout::CQ_HEAD,
        layout::CQ_TAIL,
        layout::SQ_MASK,
        layout::CQ_MASK,
        layout::SQ_ENTRIES,
        layout::CQ_ENTRIES,
        layout::SQ_DROPPED,
        layout::SQ_FLAGS,
        layout::CQ_FLAGS,
        layout::CQ_OVERFLOW,
    ]
    .iter()
    .map(|at| (*at, 4))
    .collect();
    let twice = |flag| 1 + usize::from(config.has(flag));
    parts.push((layout::CQES, cq * CQE_SIZE * twice(CQE32)));
    if !config.has(setup::NO_SQARRAY) {
        parts.push((config.sq_array(), sq * 4));
        assert_eq!(config.sq_array() % 64, 0);
    }
    parts.sort_unstable();
    let mut end = 0;
    for (at, size) in parts {
        assert!(at >= end, "{config:?}: {at} lies before {end}");
        assert_eq!(at % 4, 0);
        end = at + size;
    }
    assert!(end <= config.rings_size(), "{config:?}");
    // As io_uring, which doubles what is before the completions as well.
    let doubled = layout::CQES * (twice(CQE32) - 1);
    assert!(
        config.rings_size() - end < 64 + doubled,
        "{config:?}: memory for nothing"
    );
    assert_eq!(layout::CQES % CQE_SIZE, 0);
    assert_eq!(config.sqes_size(), sq * SQE_SIZE * twice(SQE128));
}

/// Every combination of flags that there are, and each that there is not, with sizes at the limits.
#[test]
fn every_flag() {
    let sizes = [
        0,
        1,
        2,
        3,
        4,
        5,
        127,
        128,
        129,
        16384,
        16385,
        32767,
        32768,
        32769,
        65535,
        65536,
        65537,
        0x8000_0000,
        0x8000_0001,
        u32::MAX,
    ];
    for set in 0u32..1 << HAS.len() {
        // Every pair of the sizes would take too long with every set of flags.
        let sizes = &sizes[if set < 1 << 10 {
            0..sizes.len()
        } else {
            set as usize % 4..8
        }];
        let flags = (0..HAS.len())
            .filter(|n| set & 1 << n != 0)
            .fold(0, |flags, n| flags | 1 << HAS[n]);
        for &entries in sizes {
            for &cq_entries in sizes {
                agree(entries, &params(flags, cq_entries));
            }
        }
        for bit in 0..32 {
            agree(8, &params(flags ^ 1 << bit, 8));
        }
    }
}

/// Every size that is taken, and some that are not.
#[test]
fn every_size() {
    for entries in 0..33_000 {
        agree(entries, &params(0, 0));
        agree(entries, &params(CLAMP, 0));
    }
    for cq_entries in 0..66_000 {
        for flags in [CQSIZE, CQSIZE | CLAMP] {
            agree(1, &params(flags, cq_entries));
            agree(200, &params(flags, cq_entries));
        }
    }
}

/// Every reserved bit is refused.
#[test]
fn reserved_words() {
    for word in 0..3 {
        for bit in 0..32 {
            let mut params = params(0, 0);
            params[offset_of!(IoUringParams, resv) / 4 + word] = 1 << bit;
            assert_eq!(Config::parse(4, &of(&params)), Err(EINVAL));
        }
    }
}

/// Every ring that there can be has room for all its parts.
#[test]
fn every_layout() {
    for sq in 0..=15 {
        for cq in sq..=16 {
            for flags in [CQSIZE, CQSIZE | NO_SQARRAY, CQSIZE | CQE32 | SQE128] {
                let config = Config::parse(1 << sq, &of(&params(flags, 1 << cq))).unwrap();
                assert_eq!((config.sq_entries, config.cq_entries), (1 << sq, 1 << cq));
                check_layout(&config);
            }
        }
    }
}

/// What the thread's parameters are, and that a second is the default.
#[test]
fn thread_params() {
    for idle in [0, 1, 999, 1000, u32::MAX] {
        let mut params = params(SQPOLL, 0);
        param!(params, sq_thread_cpu) = 3;
        param!(params, sq_thread_idle) = idle;
        param!(params, wq_fd) = u32::MAX;
        let parsed = ThreadParams::parse(&of(&params));
        assert_eq!((parsed.cpu, parsed.wq_fd), (3, -1));
        let expected = if idle == 0 { 1000 } else { i64::from(idle) };
        assert_eq!(parsed.idle_nanoseconds(), expected * 1_000_000);
    }
}

/// `struct io_uring_params` has the size that is copied.
#[test]
fn params_size() {
    assert_eq!(size_of::<Params>(), size_of::<IoUringParams>());
}

proptest! {
    #![proptest_config(cases(8192))]

    #[test]
    fn any_params(entries in any::<u32>(), params in any::<[u32; 30]>()) {
        prop_assert_eq!(Config::parse(entries, &of(&params)), model(entries, &params));
    }

    #[test]
    fn plausible_params(
        entries in 0u32..40_000,
        mut params in any::<[u32; 30]>(),
        cq_entries in 0u32..80_000,
        set in 0u32..1 << HAS.len(),
        resv in prop_oneof![9 => Just([0u32; 3]), 1 => any::<[u32; 3]>()],
    ) {
        let bits = (0..HAS.len()).filter(|n| set & 1 << n != 0);
        param!(params, flags) = bits.map(|n| 1 << HAS[n]).sum();
        param!(params, cq_entries) = cq_entries;
        params[7..10].copy_from_slice(&resv);
        let parsed = Config::parse(entries, &of(&params));
        prop_assert_eq!(parsed, model(entries, &params));
        let Ok(config) = parsed else { return Ok(()) };
        check_layout(&config);

        let mut filled = of(&params);
        config.fill(&mut filled);
        let mut expected = params;
        param!(expected, sq_entries) = config.sq_entries;
        param!(expected, cq_entries) = config.cq_entries;
        param!(expected, features) = feat::ALL;
        param!(expected, sq_off, head) = layout::SQ_HEAD as u32;
        param!(expected, sq_off, tail) = layout::SQ_TAIL as u32;
        param!(expected, sq_off, ring_mask) = layout::SQ_MASK as u32;
        param!(expected, sq_off, ring_entries) = layout::SQ_ENTRIES as u32;
        param!(expected, sq_off, flags) = layout::SQ_FLAGS as u32;
        param!(expected, sq_off, dropped) = layout::SQ_DROPPED as u32;
        if config.flags & NO_SQARRAY == 0 {
            param!(expected, sq_off, array) = config.sq_array() as u32;
        }
        param!(expected, sq_off, resv1) = 0;
        param!(expected, cq_off, head) = layout::CQ_HEAD as u32;
        param!(expected, cq_off, tail) = layout::CQ_TAIL as u32;
        param!(expected, cq_off, ring_mask) = layout::CQ_MASK as u32;
        param!(expected, cq_off, ring_entries) = layout::CQ_ENTRIES as u32;
        param!(expected, cq_off, overflow) = layout::CQ_OVERFLOW as u32;
        param!(expected, cq_off, cqes) = layout::CQES as u32;
        param!(expected, cq_off, flags) = layout::CQ_FLAGS as u32;
        param!(expected, cq_off, resv1) = 0;
        let places = [
            (offset_of!(IoUringParams, cq_off) + offset_of!(CqringOffsets, user_addr)) / 4,
            (offset_of!(IoUringParams, sq_off) + offset_of!(SqringOffsets, user_addr)) / 4,
        ];
        if config.flags & NO_MMAP == 0 {
            prop_assert_eq!(config.user_memory(&of(&params)), None);
            for at in places {
                expected[at..at + 2].fill(0);
            }
        } else {
            let [rings, sqes] = places
                .map(|at| u64::from(params[at]) | u64::from(params[at + 1]) << 32);
            prop_assert_eq!(config.user_memory(&of(&params)), Some(UserMemory { rings, sqes }));
        }
        prop_assert_eq!(filled, of(&expected));
    }
}
