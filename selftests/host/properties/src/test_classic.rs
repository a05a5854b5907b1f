// SPDX-License-Identifier: GPL-2.0

//! A classic group of buffers, against a queue of single buffers.

use crate::{
    cases,
    classic::{BufRange, Classic, MAX_BUFFERS},
    selected::BufEntry,
};
use proptest::prelude::*;
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Address, bytes of each, first id, how many.
    Provide(u64, u32, u16, u32),
    /// Take one and use it.
    Commit,
    /// Take one and give it back.
    Recycle,
    /// Take one twice, and use it twice.
    Stale,
    Remove(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let count = prop_oneof![8 => 0u32..9, 1 => 30_000u32..70_000];
    let bid = prop_oneof![3 => 0u16..100, 1 => 65_500u16..=65_535];
    prop_oneof![
        4 => (0u64..1 << 46, 1u32.., bid, count).prop_map(|(a, l, b, c)| Step::Provide(a, l, b, c)),
        8 => Just(Step::Commit),
        2 => Just(Step::Recycle),
        2 => Just(Step::Stale),
        1 => prop_oneof![3 => 0u32..20, 1 => 60_000u32..70_000].prop_map(Step::Remove),
    ]
}

/// The single buffers of a run; more than there are ids for are none.
fn singles(addr: u64, len: u32, bid: u16, count: u32) -> Option<Vec<BufEntry>> {
    let last = u32::from(bid) + count;
    let all = (0..count).map(|n| BufEntry {
        addr: addr + u64::from(n) * u64::from(len),
        // MAX_RW_COUNT
        len: len.min(0x7fff_f000),
        bid: bid + n as u16,
    });
    (count != 0 && last <= MAX_BUFFERS).then(|| all.collect())
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn group_is_a_queue(steps in proptest::collection::vec(step(), 0..200)) {
        let mut group = Classic::new();
        let mut slots: Vec<BufRange> = Vec::new();
        let mut queue: VecDeque<BufEntry> = VecDeque::new();
        for step in steps {
            match step {
                Step::Provide(addr, len, bid, count) => {
                    let run = BufRange::new(addr, len, bid, count);
                    let all = singles(addr, len, bid, count);
                    prop_assert_eq!(run.is_some(), all.is_some());
                    let (Some(run), Some(mut all)) = (run, all) else { continue };
                    if group.runs() as usize == slots.len() {
                        let mut more = vec![BufRange::default(); (2 * slots.len()).max(2)];
                        prop_assert!(group.move_to(&slots, &mut more));
                        slots = more;
                    }
                    all.truncate(MAX_BUFFERS as usize - queue.len());
                    prop_assert_eq!(group.provide(&mut slots, run) as usize, all.len());
                    queue.extend(all);
                }
                Step::Commit => {
                    let selected = group.select(&slots);
                    prop_assert_eq!(selected.as_ref().map(|s| s.entry), queue.front().copied());
                    if let Some(selected) = selected {
                        prop_assert_eq!(selected.last, queue.len() == 1);
                        let bid = group.commit(&mut slots, selected);
                        prop_assert_eq!(Some(bid), queue.pop_front().map(|entry| entry.bid));
                    }
                }
                Step::Recycle => {
                    let selected = group.select(&slots);
                    prop_assert_eq!(selected.map(|s| s.entry), queue.front().copied());
                }
                Step::Stale => {
                    let (one, two) = (group.select(&slots), group.select(&slots));
                    prop_assert_eq!(&one, &two);
                    if let (Some(one), Some(two)) = (one, two) {
                        let bid = queue.pop_front().unwrap().bid;
                        prop_assert_eq!(group.commit(&mut slots, one), bid);
                        prop_assert_eq!(group.commit(&mut slots, two), bid);
                    }
                }
                Step::Remove(max) => {
                    let count = group.remove(&mut slots, max);
                    let most = queue.len().min(max as usize);
                    prop_assert_eq!(count as usize, most);
                    queue.drain(..most);
                }
            }
            prop_assert_eq!(group.len() as usize, queue.len());
            prop_assert_eq!(group.runs() == 0, queue.is_empty());
        }
        // What is left comes out one by one.
        for entry in queue.into_iter().take(1000) {
            let selected = group.select(&slots).unwrap();
            prop_assert_eq!(selected.entry, entry);
            group.commit(&mut slots, selected);
        }
    }
}

/// What cannot happen is said: here it fails the test.
#[test]
#[should_panic(expected = "this cannot happen")]
fn buffers_without_a_slot_are_not_taken_silently() {
    let run = BufRange::new(0, 1, 0, 1).unwrap();
    Classic::new().provide(&mut [], run);
}
