// SPDX-License-Identifier: GPL-2.0

//! Queue arithmetic, against counters of 64 bits.

use crate::{
    cases,
    cursor::{reached, submitted, unseen, CqCursor},
};
use proptest::prelude::*;

/// A power of two, up to the largest CQ ring.
fn size() -> impl Strategy<Value = u32> {
    (0u32..17).prop_map(|shift| 1 << shift)
}

/// A counter, likely to be about to wrap around, or to have just done so.
fn counter() -> impl Strategy<Value = u64> {
    prop_oneof![
        (1u64 << 32).saturating_sub(70_000)..(1u64 << 32) + 70_000,
        (1u64 << 31) - 70_000..(1u64 << 31) + 70_000,
        0u64..100,
        any::<u32>().prop_map(u64::from),
    ]
    .prop_map(|count| count + (1 << 33))
}

proptest! {
    #![proptest_config(cases(8192))]

    #[test]
    fn submitted_counts(head in counter(), entries in size(), count in any::<u32>()) {
        let count = count % (entries + 1);
        let tail = head + u64::from(count);
        prop_assert_eq!(submitted(tail as u32, head as u32, entries), count);
    }

    /// A tail that makes no sense gives no more than the ring has, and no less than what a tail
    /// that is so far ahead would.
    #[test]
    fn submitted_hostile(head in any::<u32>(), tail in any::<u32>(), entries in size()) {
        let ahead = (u64::from(tail) + (1 << 32) - u64::from(head)) % (1 << 32);
        let expected = ahead.min(u64::from(entries));
        prop_assert_eq!(u64::from(submitted(tail, head, entries)), expected);
    }

    #[test]
    fn unseen_counts(head in counter(), entries in size(), count in any::<u32>()) {
        let count = count % (entries + 1);
        let tail = head + u64::from(count);
        prop_assert_eq!(unseen(tail as u32, head as u32, entries), count);
    }

    /// A head past the tail is an empty ring, one that is far behind a full one.
    #[test]
    fn unseen_hostile(tail in counter(), by in 1u64..1 << 31, entries in size()) {
        prop_assert_eq!(unseen(tail as u32, (tail + by) as u32, entries), 0);
        let behind = by.min(u64::from(entries)) as u32;
        prop_assert_eq!(unseen(tail as u32, (tail - by) as u32, entries), behind);
    }

    #[test]
    fn unseen_is_bounded(tail in any::<u32>(), head in any::<u32>(), entries in size()) {
        prop_assert!(unseen(tail, head, entries) <= entries);
    }

    #[test]
    fn reached_compares(tail in counter(), by in 0u64..1 << 31) {
        prop_assert!(reached(tail as u32, tail as u32));
        prop_assert!(reached((tail + by) as u32, tail as u32));
        prop_assert_eq!(reached((tail - by) as u32, tail as u32), by == 0);
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The kernel posts, and learns the head if it has to.
    Post,
    /// The kernel learns the head though it need not.
    Refill,
    /// The user consumes up to so many.
    Consume(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Post),
        1 => Just(Step::Refill),
        2 => (1u32..12).prop_map(Step::Consume),
    ];
    proptest::collection::vec(step, 0..400)
}

proptest! {
    #![proptest_config(cases(2048))]

    /// With a user that plays by the rules: each completion is seen once, in order, none is
    /// overwritten before, and one that does not fit is told so only when the ring is full.
    #[test]
    fn cq_loses_nothing(start in counter(), shift in 0u32..6, steps in steps()) {
        let entries = 1u32 << shift;
        let mut cq = CqCursor::from_tail(start as u32);
        let (mut head, mut tail) = (start, start);
        let mut memory = vec![None; entries as usize];
        let slot = |index: u32| (index % entries) as usize;
        for step in steps {
            match step {
                Step::Post => {
                    let room = cq.has_room();
                    let mut index = cq.next();
                    prop_assert_eq!(index.is_some(), room);
                    if index.is_none() {
                        let free = cq.refill(head as u32, entries);
                        prop_assert_eq!(free, tail - head < u64::from(entries));
                        index = cq.next();
                        prop_assert_eq!(index.is_some(), free);
                    }
                    if let Some(index) = index {
                        prop_assert_eq!(index, tail as u32);
                        let before = memory[slot(index)].replace(tail);
                        prop_assert_eq!(before, None, "overwritten");
                        tail += 1;
                    }
                }
                Step::Refill => {
                    let free = cq.refill(head as u32, entries);
                    prop_assert_eq!(free, tail - head < u64::from(entries));
                    prop_assert_eq!(cq.has_room(), free);
                }
                Step::Consume(count) => {
                    for _ in 0..count {
                        if head == tail {
                            break;
                        }
                        prop_assert_eq!(memory[slot(head as u32)].take(), Some(head));
                        head += 1;
                    }
                }
            }
            prop_assert_eq!(cq.tail(), tail as u32);
        }
        // What was posted and not consumed is all there.
        let left: Vec<u64> = (head..tail).collect();
        let found: Vec<u64> = (head..tail).filter_map(|n| memory[slot(n as u32)]).collect();
        prop_assert_eq!(left, found);
    }

    /// Whatever the user writes into the head: indices go on one by one, and between two looks at
    /// the head no more are given than the ring has.
    #[test]
    fn cq_hostile_head(
        start in counter(),
        shift in 0u32..6,
        heads in proptest::collection::vec((any::<u32>(), -40i32..40, any::<bool>()), 1..50),
    ) {
        let entries = 1u32 << shift;
        let mut cq = CqCursor::from_tail(start as u32);
        let mut tail = start as u32;
        for (far, near, is_near) in heads {
            let head = if is_near { tail.wrapping_add_signed(near) } else { far };
            let free = cq.refill(head, entries);
            prop_assert_eq!(cq.has_room(), free);
            let mut given = 0;
            while let Some(index) = cq.next() {
                prop_assert_eq!(index, tail);
                tail = tail.wrapping_add(1);
                given += 1;
                prop_assert!(given <= entries);
            }
            prop_assert_eq!(given != 0, free);
        }
    }
}
