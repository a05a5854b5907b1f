// SPDX-License-Identifier: GPL-2.0

//! Free slots of a table, against a set of those that are used.

use crate::{
    cases,
    slots::{words, Range},
};
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
enum Step {
    /// Use a free slot.
    Find,
    /// Use this slot, if it is free.
    Use(u32),
    /// Free this slot, if it is used.
    Free(u32),
    /// Take free ones from here to there only.
    Limit(u32, u32),
}

fn step(count: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Find),
        1 => (0..count).prop_map(Step::Use),
        2 => (0..count).prop_map(Step::Free),
        1 => (0..=count, 0..=count).prop_map(|(a, b)| Step::Limit(a.min(b), a.max(b))),
    ]
}

/// What the rules of `io_uring/filetable.c` say is next: the first free slot of the range from the
/// hint on, else the first of all.
fn expected(used: &BTreeSet<u32>, start: u32, end: u32, hint: &mut u32) -> Option<u32> {
    if *hint < start || *hint >= end {
        *hint = start;
    }
    let free = |slot: &u32| !used.contains(slot);
    (*hint..end).find(free).or_else(|| (start..end).find(free))
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn free_slots((count, steps) in (1..200u32).prop_flat_map(|count| {
        (Just(count), prop::collection::vec(step(count), 1..300))
    })) {
        let mut range = Range::new(0, count);
        let mut bits = vec![0u64; words(count as usize)];
        let (mut used, mut start, mut end, mut hint) = (BTreeSet::new(), 0, count, 0);
        for step in steps {
            let slot = match step {
                Step::Find => {
                    let found = range.find(&bits);
                    prop_assert_eq!(found, expected(&used, start, end, &mut hint));
                    found
                }
                Step::Use(slot) => (!used.contains(&slot)).then_some(slot),
                Step::Free(slot) => {
                    if used.remove(&slot) {
                        range.clear(&mut bits, slot);
                        hint = slot;
                    }
                    None
                }
                Step::Limit(from, to) => {
                    range = Range::new(from, to);
                    (start, end, hint) = (from, to, from);
                    None
                }
            };
            if let Some(slot) = slot {
                used.insert(slot);
                range.mark(&mut bits, slot);
                hint = slot + 1;
            }
        }
    }
}
