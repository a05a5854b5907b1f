// SPDX-License-Identifier: GPL-2.0

//! A provided-buffer ring, against a queue.

use crate::{
    cases,
    mapped::{CutEntries, Entries, Mapped},
    selected::BufEntry,
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
    fn provide(&self, entry: BufEntry) {
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

    fn entry(&self, index: u16) -> BufEntry {
        let entries = self.entries.borrow();
        BufEntry::from_words(entries[usize::from(index) & (entries.len() - 1)])
    }
}

impl CutEntries for Memory {
    fn cut(&self, index: u16, addr: u64, len: u32) {
        let mut entries = self.entries.borrow_mut();
        let mask = entries.len() - 1;
        let [old, rest] = &mut entries[usize::from(index) & mask];
        *old = addr;
        *rest = *rest & !0xffff_ffff | u64::from(len);
    }
}

fn entry(bid: u16) -> BufEntry {
    BufEntry {
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

/// What can happen to a ring whose buffers have lengths that matter.
#[derive(Clone, Debug)]
enum Turn {
    /// The user provides buffers of these lengths, as far as there is room.
    Provide(Vec<u32>),
    /// The kernel takes one and uses so many bytes of it.
    One(u32),
    /// The kernel takes several: for so many bytes, with room for so many, and uses so many of a
    /// thousand of their bytes.
    Many(usize, usize, u64),
    /// The kernel takes several and gives them back.
    Recycle(usize, usize),
    /// The kernel takes several twice, and uses both.
    Stale(usize, usize, u64),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    // Few are empty, and some make any sum of lengths overflow 32 bits.
    let len = prop_oneof![1 => Just(0u32), 12 => 1u32..40, 1 => any::<u32>()];
    let limit = || prop_oneof![2 => Just(0usize), 6 => 1usize..200, 1 => Just(0x7fff_f000usize)];
    let room = || 1usize..12;
    let share = || prop_oneof![Just(0u64), Just(1000u64), 0u64..=1000];
    let turn = prop_oneof![
        4 => proptest::collection::vec(len, 1..20).prop_map(Turn::Provide),
        2 => (0u32..50).prop_map(Turn::One),
        5 => (limit(), room(), share()).prop_map(|(l, r, s)| Turn::Many(l, r, s)),
        2 => (limit(), room()).prop_map(|(l, r)| Turn::Recycle(l, r)),
        1 => (limit(), room(), share()).prop_map(|(l, r, s)| Turn::Stale(l, r, s)),
    ];
    proptest::collection::vec(turn, 0..60)
}

/// Pieces that the kernel may use: address and size of each.
type Pieces = Vec<(u64, u32)>;

/// What a selection of several finds: the pieces, whether they are the last buffers, and whether
/// the limit cut one off. As `io_ring_buffers_peek()`.
fn select_model(
    queue: &VecDeque<BufEntry>,
    limit: usize,
    room: usize,
    parts: bool,
) -> Option<(Pieces, bool, bool)> {
    let first = queue.front()?;
    let most = match (limit, first.len as usize) {
        (0, _) => room,
        (_, 0) => return None,
        (limit, len) => limit.div_ceil(len).min(256),
    };
    let (mut pieces, mut sum, mut clipped) = (Pieces::new(), 0u64, false);
    for buffer in queue.iter().take(most) {
        let end = sum + u64::from(buffer.len);
        let beyond = limit != 0 && end > limit as u64;
        clipped |= beyond && !parts;
        if beyond && !parts && !pieces.is_empty() {
            break;
        }
        let end = if beyond { limit as u64 } else { end };
        pieces.push((buffer.addr, (end - sum) as u32));
        sum = end;
        if limit != 0 && sum == limit as u64 {
            break;
        }
    }
    let last = pieces.len() == queue.len();
    Some((pieces, last, clipped))
}

/// Uses bytes of buffers that are consumed whole.
fn consume_whole(queue: &mut VecDeque<BufEntry>, pieces: &Pieces, used: u64) -> u16 {
    let mut sum = 0;
    let count = pieces.iter().take_while(|(_, len)| {
        let begun = sum < used;
        sum += u64::from(*len);
        begun
    });
    let count = count.count();
    queue.drain(..count);
    count as u16
}

/// Uses bytes of buffers that are consumed in parts, of at most `most` of them. Returns how many
/// are gone, and whether more of the last is to come. As `io_kbuf_inc_commit()`.
fn consume_parts(
    queue: &mut VecDeque<BufEntry>,
    most: usize,
    mut used: u64,
    keep: u32,
) -> (u16, bool) {
    for gone in 0..most {
        let front = queue.front_mut().unwrap();
        let here = used.min(front.len.into());
        used -= here;
        if here == 0 || u64::from(front.len) - here >= keep.into() {
            front.addr += here;
            front.len -= here as u32;
            return (gone as u16, true);
        }
        queue.pop_front();
        if used == 0 {
            return (gone as u16 + 1, false);
        }
    }
    (most as u16, false)
}

proptest! {
    #![proptest_config(cases(512))]

    /// Any sequence of single buffers and of several at once, for both kinds of rings, against a
    /// queue: what is selected is what comes next, and a commit consumes it once, a selection that
    /// is given back not at all.
    #[test]
    fn several_at_once(
        start in start(),
        keep in prop_oneof![Just(None), (1u32..12).prop_map(Some)],
        turns in turns(),
    ) {
        const SIZE: usize = 16;
        let memory = Memory::new(SIZE);
        let mut ring = used(&memory, start);
        let mut queue = VecDeque::<BufEntry>::new();
        let (mut bid, mut gone) = (0u16, 0u16);
        let parts = keep.is_some();
        for turn in turns {
            let (limit, room) = match turn {
                Turn::Provide(lens) => {
                    for len in lens {
                        if queue.len() < SIZE {
                            let entry = BufEntry { len, ..entry(bid) };
                            memory.provide(entry);
                            queue.push_back(entry);
                            bid = bid.wrapping_add(1);
                        }
                    }
                    continue;
                }
                Turn::One(used) => {
                    let selected = ring.select(&memory);
                    prop_assert_eq!(selected.as_ref().map(|s| s.entry), queue.front().copied());
                    let (Some(selected), Some(front)) = (selected, queue.front().copied()) else {
                        continue;
                    };
                    prop_assert_eq!(selected.last, queue.len() == 1);
                    match keep.and_then(NonZeroU32::new) {
                        None => {
                            prop_assert_eq!(ring.commit(selected), front.bid);
                            queue.pop_front();
                            gone = gone.wrapping_add(1);
                        }
                        Some(keep) => {
                            let (bid, more) = ring.commit_part(&memory, selected, used, keep);
                            prop_assert_eq!(bid, front.bid);
                            let used = used.min(front.len).into();
                            let (count, left) = consume_parts(&mut queue, 1, used, keep.get());
                            prop_assert_eq!(more, left);
                            gone = gone.wrapping_add(count);
                        }
                    }
                    prop_assert_eq!(ring.head(), start.wrapping_add(gone));
                    continue;
                }
                Turn::Many(limit, room, _) | Turn::Recycle(limit, room) | Turn::Stale(limit, room, _) => {
                    (limit, room)
                }
            };
            let count = ring.span_len(&memory, limit, room);
            let expected = select_model(&queue, limit, room, parts);
            prop_assert_eq!(count.is_some(), expected.is_some());
            let (Some(count), Some((pieces, last, clipped))) = (count, expected) else { continue };
            let select = |ring: &Mapped| {
                let mut found = Pieces::new();
                let span = ring.select_span(&memory, count, limit, parts, |addr, len| {
                    found.push((addr, len));
                    Ok::<(), ()>(())
                });
                (span.unwrap(), found)
            };
            let (span, found) = select(&ring);
            prop_assert_eq!(&found, &pieces);
            prop_assert_eq!((span.last, span.clipped), (last, clipped));
            prop_assert_eq!(span.bid, queue[0].bid);
            let total: u64 = pieces.iter().map(|(_, len)| u64::from(*len)).sum();
            prop_assert!(limit == 0 || total <= limit as u64);
            let (again, _) = select(&ring);
            prop_assert_eq!(&span, &again);
            // An error on the way changes nothing.
            prop_assert_eq!(ring.select_span(&memory, count, limit, parts, |_, _| Err(1)), Err(1));
            let (share, stale) = match turn {
                Turn::Many(_, _, share) => (share, false),
                Turn::Stale(_, _, share) => (share, true),
                _ => continue,
            };
            let used = (total * share / 1000).min(0x7fff_f000);
            let commit = |ring: &mut Mapped, span| match keep.and_then(NonZeroU32::new) {
                None => {
                    let mut sum = 0u64;
                    let whole = pieces.iter().take_while(|(_, len)| {
                        let begun = sum < used;
                        sum += u64::from(*len);
                        begun
                    });
                    ring.commit_span(span, whole.count() as u16);
                    false
                }
                Some(keep) => ring.commit_span_part(&memory, span, used as u32, keep),
            };
            let more = commit(&mut ring, span);
            let (count, left) = match keep {
                None => (consume_whole(&mut queue, &pieces, used), false),
                Some(keep) => consume_parts(&mut queue, pieces.len(), used, keep),
            };
            prop_assert_eq!(more, left);
            gone = gone.wrapping_add(count);
            prop_assert_eq!(ring.head(), start.wrapping_add(gone));
            if stale && count != 0 {
                prop_assert!(!commit(&mut ring, again));
                prop_assert_eq!(ring.head(), start.wrapping_add(gone));
            }
        }
        // What is left comes out one by one, with what is left of the first.
        while let Some(selected) = ring.select(&memory) {
            prop_assert_eq!(Some(selected.entry), queue.pop_front());
            ring.commit(selected);
        }
        prop_assert!(queue.is_empty());
    }

    /// Whatever user space writes while several are selected and committed: no more buffers are
    /// consumed than were selected, and each piece is one that user space has shown.
    #[test]
    fn several_of_a_hostile_user(
        start in start(),
        tails in proptest::collection::vec(any::<u16>(), 1..20),
        words in proptest::collection::vec(any::<[u64; 2]>(), 8),
        later in proptest::collection::vec(any::<[u64; 2]>(), 8),
        limit in prop_oneof![Just(0usize), 1usize..0x7fff_f000],
        used in any::<u32>(),
        keep in 1u32..,
        parts in any::<bool>(),
    ) {
        let memory = Memory::new(8);
        let mut ring = used_up_to(&memory, start);
        for tail in tails {
            memory.tail.set(tail);
            memory.entries.borrow_mut().copy_from_slice(&words);
            let Some(count) = ring.span_len(&memory, limit, 8) else { continue };
            prop_assert!((1..=256).contains(&count));
            prop_assert!(count <= usize::from(tail.wrapping_sub(ring.head())));
            let mut total = 0u64;
            let span = ring.select_span(&memory, count, limit, parts, |addr, len| {
                assert!(words.iter().any(|w| w[0] == addr && w[1] as u32 >= len));
                total += u64::from(len);
                Ok::<(), ()>(())
            });
            prop_assert!(limit == 0 || total <= limit as u64);
            let before = ring.head();
            memory.entries.borrow_mut().copy_from_slice(&later);
            memory.tail.set(tail.wrapping_add(used as u16));
            if parts {
                let keep = NonZeroU32::new(keep).unwrap();
                ring.commit_span_part(&memory, span.unwrap(), used, keep);
            } else {
                ring.commit_span(span.unwrap(), used as u16);
            }
            prop_assert!(usize::from(ring.head().wrapping_sub(before)) <= count);
        }
    }
}

/// A ring that `start` buffers have gone through, whatever is in its memory.
fn used_up_to(memory: &Memory, start: u16) -> Mapped {
    let mut ring = Mapped::new();
    for count in 1..=start {
        memory.tail.set(count);
        let selected = ring.select(memory).unwrap();
        ring.commit(selected);
    }
    ring
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
                    prop_assert_eq!(selected.entry, BufEntry::from_words(words));
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
            let entry = BufEntry { len, ..entry(bid) };
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
        let entry = BufEntry::from_words([word(0), word(8)]);
        prop_assert_eq!(entry.addr.to_le_bytes(), &bytes[0..8]);
        prop_assert_eq!(entry.len.to_le_bytes(), &bytes[8..12]);
        prop_assert_eq!(entry.bid.to_le_bytes(), &bytes[12..14]);
    }
}
