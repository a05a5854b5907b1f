// SPDX-License-Identifier: GPL-2.0

//! What a zero-copy send and its notification say, against the rule in words.

use crate::{
    notice::{first, BufferState, First, Mode, Notice, Sent},
    zc_refs::{Count, PagesUsed, Usage, ZcRefs},
};
use proptest::prelude::*;
use std::cell::Cell;

const MODES: [Mode; 3] = [
    Mode::Two { report: false },
    Mode::Two { report: true },
    Mode::One,
];

/// A notification follows if and only if the buffer was handed to the socket, and the first
/// completion says so; with one completion there is one.
#[test]
fn the_rule() {
    for mode in MODES {
        let now = |more, freed| First::Now { more, freed };
        assert_eq!(first(mode, BufferState::Unsent), now(false, false));
        if mode == Mode::One {
            assert_eq!(first(mode, BufferState::Free), now(false, true));
            assert_eq!(first(mode, BufferState::InFlight), First::Later);
        } else {
            assert_eq!(first(mode, BufferState::Free), now(true, false));
            assert_eq!(first(mode, BufferState::InFlight), now(true, false));
        }
    }
}

/// A combined send that flies says what it was told; another one what became of its pages.
#[test]
fn results() {
    let unknown = Usage::default();
    assert_eq!(Notice::new(MODES[0]).res(unknown), 0);
    assert_eq!(Notice::new(MODES[1]).res(unknown), i32::MIN);
    for res in [i32::MIN, -1, 0, 1, i32::MAX] {
        for broken in [false, true] {
            let sent = Sent { res, broken };
            assert_eq!(Notice::Result(sent).res(unknown), res);
        }
    }
}

/// A count for one thread.
struct Plain(Cell<u32>);

impl Count for Plain {
    fn put(&self) -> bool {
        self.0.set(self.0.get() - 1);
        self.0.get() == 0
    }

    fn is_sole(&self) -> bool {
        self.0.get() == 1
    }
}

fn pages() -> impl Strategy<Value = PagesUsed> {
    prop_oneof![
        Just(PagesUsed::Unknown),
        Just(PagesUsed::Sent),
        Just(PagesUsed::Copied)
    ]
}

proptest! {
    #![proptest_config(crate::cases(1024))]

    /// PagesUsed count as sent from where they are if some were and none was copied.
    #[test]
    fn usage(marks in prop::collection::vec(pages(), 1..8)) {
        let flight = ZcRefs::new(Plain(Cell::new(marks.len() as u32)));
        for (index, pages) in marks.iter().enumerate() {
            prop_assert_eq!(flight.count.is_sole(), index + 1 == marks.len());
            prop_assert_eq!(flight.put(*pages), index + 1 == marks.len());
        }
        let copied = marks.contains(&PagesUsed::Copied) || !marks.contains(&PagesUsed::Sent);
        prop_assert_eq!(flight.usage().copied(), copied);
        let res = Notice::Free { report: true }.res(flight.usage());
        prop_assert_eq!(res != 0, copied);
        prop_assert_eq!(Notice::Free { report: false }.res(flight.usage()), 0);
        flight.reset();
        prop_assert_eq!(flight.usage(), Usage::default());
    }

    /// Those that were joined say the same.
    #[test]
    fn usage_of_several(
        one in prop::collection::vec(pages(), 1..4),
        other in prop::collection::vec(pages(), 1..4),
    ) {
        let usage = |marks: &[PagesUsed]| {
            let flight = ZcRefs::new(Plain(Cell::new(marks.len() as u32)));
            marks.iter().for_each(|pages| { flight.put(*pages); });
            flight.usage()
        };
        let both = [one.clone(), other.clone()].concat();
        prop_assert_eq!(usage(&one).union(usage(&other)), usage(&both));
    }
}
