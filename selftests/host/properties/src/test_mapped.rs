// SPDX-License-Identifier: GPL-2.0

//! A provided-buffer ring, against a queue.

use crate::{
    cases,
    mapped::{Cut, Entries, Entry, Mapped},
};
use proptest::prelude::*;
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    num::NonZeroU32,
};

/// The memory, as the user sees it.
struct Memory {
    tail: Cell<u16>,
    entries: RefCell<Vec<[u64; 2]>>,
}

impl Memory {
    fn new(size: usize) -> Self {
        Self {
            tail: Cell::new(0),
            entries: RefCell::new(vec![[0; 2]; size]),
        }
    }

    /// `io_uring_buf_ring_add()` and `io_uring_buf_ring_advance()`
    fn provide(&self, entry: Entry) {
        let tail = self.tail.get();
        let mut entries = self.entries.borrow_mut();
        let mask = entries.len() - 1;
        // The upper half word is not the kernel's to look at.
        let word = u64::from(entry.len) | u64::from(entry.bid) << 32 | 0xabcd << 48;
        entries[usize::from(tail) & mask] = [entry.addr, word];
        self.tail.set(tail.wrapping_add(1));
    }
}

impl Entries for Memory {
    fn tail(&self) -> u16 {
        self.tail.get()
    }

    fn entry(&self, index: u16) -> Entry {
        let entries = self.entries.borrow();
        Entry::from_words(entries[usize::from(index) & (entries.len() - 1)])
    }
}

impl Cut for Memory {
    fn cut(&self, index: u16, addr: u64, len: u32) {
        let mut entries = self.entries.borrow_mut();
        let mask = entries.len() - 1;
        let [old, rest] = &mut entries[usize::from(index) & mask];
        *old = addr;
        *rest = *rest & !0xffff_ffff | u64::from(len);
    }
}

fn entry(bid: u16) -> Entry {
    Entry {
        addr: u64::from(bid) << 40 | 0x1234,
        len: u32::from(bid) ^ 0xa5a5_0000,
        bid,
    }
}

/// A ring that `start` buffers have gone through.
fn used(memory: &Memory, start: u16) -> Mapped {
    let mut ring = Mapped::new();
    for count in 0..start {
        memory.provide(entry(count));
        let selected = ring.select(memory).unwrap();
        assert!(selected.last);
        assert_eq!(ring.commit(selected), count);
    }
    assert_eq!(ring.head(), start);
    ring
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The user gives up to so many of the buffers that it has.
    Provide(u16),
    /// The kernel takes one and uses it.
    Commit,
    /// The kernel takes one and gives it back.
    Recycle,
    /// The kernel takes one twice, and uses it twice.
    Stale,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (1u16..40).prop_map(Step::Provide),
        5 => Just(Step::Commit),
        2 => Just(Step::Recycle),
        1 => Just(Step::Stale),
    ];
    proptest::collection::vec(step, 0..300)
}

/// How many buffers have gone through before, likely to wrap around soon.
fn start() -> impl Strategy<Value = u16> {
    prop_oneof![Just(0u16), 65_300u16..=65_535, any::<u16>()]
}

proptest! {
    #![proptest_config(cases(1024))]

    /// With a user that plays by the rules the ring is a queue: buffers come in the order in which
    /// they were provided, and none again before it was used and provided again.
    #[test]
    fn ring_is_a_queue(start in start(), shift in 0u32..6, steps in steps()) {
        let size = 1u16 << shift;
        let memory = Memory::new(size.into());
        let mut ring = used(&memory, start);
        let mut queue = VecDeque::new();
        // Twice as many as fit, so that the user must wait for room and not only for buffers.
        let mut own: VecDeque<u16> = (0..2 * size).map(|n| n.wrapping_mul(977)).collect();
        let mut used = 0u64;
        for step in steps {
            match step {
                Step::Provide(count) => {
                    for _ in 0..count {
                        if queue.len() == usize::from(size) {
                            break;
                        }
                        let bid = own.pop_front().unwrap();
                        memory.provide(entry(bid));
                        queue.push_back(bid);
                    }
                }
                Step::Commit => {
                    let selected = ring.select(&memory);
                    let bid = queue.pop_front();
                    prop_assert_eq!(selected.as_ref().map(|s| s.entry), bid.map(entry));
                    if let (Some(selected), Some(bid)) = (selected, bid) {
                        prop_assert_eq!(selected.last, queue.is_empty());
                        prop_assert_eq!(ring.commit(selected), bid);
                        prop_assert!(!own.contains(&bid), "used twice");
                        own.push_back(bid);
                        used += 1;
                    }
                }
                Step::Recycle => {
                    let selected = ring.select(&memory);
                    let front = queue.front().copied();
                    prop_assert_eq!(selected.map(|s| s.entry), front.map(entry));
                }
                Step::Stale => {
                    let (one, two) = (ring.select(&memory), ring.select(&memory));
                    prop_assert_eq!(&one, &two);
                    if let (Some(one), Some(two)) = (one, two) {
                        let bid = queue.pop_front().unwrap();
                        prop_assert_eq!(ring.commit(one), bid);
                        own.push_back(bid);
                        used += 1;
                        let head = ring.head();
                        prop_assert_eq!(ring.commit(two), bid);
                        prop_assert_eq!(ring.head(), head);
                    }
                }
            }
            prop_assert_eq!(ring.head(), (u64::from(start) + used) as u16);
        }
        // What is left comes out as well, and then nothing.
        while let Some(selected) = ring.select(&memory) {
            prop_assert_eq!(Some(ring.commit(selected)), queue.pop_front());
        }
        prop_assert!(queue.is_empty());
    }

    /// A tail that makes no sense: there is a buffer unless the tail is the head, it is the one at
    /// the head, and using it goes on by one.
    #[test]
    fn hostile_tail(
        start in start(),
        shift in 0u32..16,
        tails in proptest::collection::vec(any::<u16>(), 0..60),
        words in any::<[u64; 2]>(),
    ) {
        let memory = Memory::new(1 << shift);
        memory.entries.borrow_mut().fill(words);
        let mut ring = Mapped::new();
        memory.tail.set(1);
        for _ in 0..start {
            memory.tail.set(ring.head().wrapping_add(1));
            let selected = ring.select(&memory).unwrap();
            ring.commit(selected);
        }
        let mut head = start;
        for tail in tails {
            memory.tail.set(tail);
            match ring.select(&memory) {
                None => prop_assert_eq!(tail, head),
                Some(selected) => {
                    prop_assert_ne!(tail, head);
                    prop_assert_eq!(selected.last, tail.wrapping_sub(head) == 1);
                    prop_assert_eq!(selected.entry, Entry::from_words(words));
                    prop_assert_eq!(ring.commit(selected), (words[1] >> 32) as u16);
                    head = head.wrapping_add(1);
                }
            }
            prop_assert_eq!(ring.head(), head);
        }
    }

    /// A selection that others were committed after commits nothing.
    #[test]
    fn stale_selection(start in start(), between in 1u16..32) {
        let memory = Memory::new(32);
        let mut ring = used(&memory, start);
        for bid in 0..32 {
            memory.provide(entry(bid));
        }
        let old = ring.select(&memory).unwrap();
        for bid in 0..between {
            let selected = ring.select(&memory).unwrap();
            prop_assert_eq!(ring.commit(selected), bid);
        }
        let head = ring.head();
        ring.commit(old);
        prop_assert_eq!(ring.head(), head);
        prop_assert_eq!(ring.select(&memory).map(|s| s.entry.bid), (between < 32).then_some(between));
    }

    /// A ring that is consumed in parts: the parts of a buffer come one behind the other, without
    /// a gap, until less than `keep` bytes are left. Nothing used leaves all as it was.
    #[test]
    fn parts(
        start in start(),
        lens in proptest::collection::vec(0u32..40, 1..32),
        steps in proptest::collection::vec((0u32..50, any::<bool>()), 0..100),
        keep in 1u32..12,
    ) {
        let memory = Memory::new(32);
        let mut ring = used(&memory, start);
        let mut queue = VecDeque::new();
        for (bid, len) in lens.into_iter().enumerate() {
            let bid = bid as u16;
            let entry = Entry { len, ..entry(bid) };
            memory.provide(entry);
            queue.push_back(entry);
        }
        let keep = NonZeroU32::new(keep).unwrap();
        let mut gone = 0u16;
        for (used, stale) in steps {
            let selected = ring.select(&memory);
            prop_assert_eq!(selected.as_ref().map(|s| s.entry), queue.front().copied());
            let Some(selected) = selected else { break };
            let old = ring.select(&memory).unwrap();
            let front = queue.front_mut().unwrap();
            let bid = front.bid;
            let taken = used.min(front.len);
            let rest = front.len - taken;
            let more = taken == 0 || rest >= keep.get();
            prop_assert_eq!(ring.commit_part(&memory, selected, used, keep), (bid, more));
            if more {
                front.addr += u64::from(taken);
                front.len = rest;
            } else {
                queue.pop_front();
                // User space can tell a buffer that is all gone.
                prop_assert_eq!(memory.entry(ring.head().wrapping_sub(1)).len, 0);
                gone += 1;
                if stale {
                    let before = queue.front().copied();
                    prop_assert_eq!(ring.commit_part(&memory, old, used, keep), (bid, false));
                    prop_assert_eq!(ring.select(&memory).map(|s| s.entry), before);
                }
            }
            prop_assert_eq!(ring.head(), start.wrapping_add(gone));
        }
    }

    /// The fields of `struct io_uring_buf`: addr, len, bid, resv.
    #[test]
    fn entry_fields(bytes in any::<[u8; 16]>()) {
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let entry = Entry::from_words([word(0), word(8)]);
        prop_assert_eq!(entry.addr.to_le_bytes(), &bytes[0..8]);
        prop_assert_eq!(entry.len.to_le_bytes(), &bytes[8..12]);
        prop_assert_eq!(entry.bid.to_le_bytes(), &bytes[12..14]);
    }
}
