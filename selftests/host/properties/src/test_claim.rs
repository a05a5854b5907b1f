// SPDX-License-Identifier: GPL-2.0

//! Claims one after the other. What they do at the same time is for loom.

use crate::{
    cases,
    wake::{WakeFlags, WakeState},
};
use proptest::prelude::*;

/// What a holder would find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Left {
    events: u32,
    cancelled: bool,
    by_ring: bool,
    again: bool,
    expired: bool,
    link_expired: bool,
    any: bool,
}

impl Left {
    /// Whether it is nothing but a wake-up that found nobody.
    fn is_woken(&self) -> bool {
        self.any && !(self.again || self.cancelled || self.expired || self.link_expired)
    }

    /// With another wake-up what was `told` of the first one comes again.
    fn add_told(&mut self, told: Self) {
        if self.again {
            self.events |= told.events;
            self.by_ring |= told.by_ring;
        }
    }

    fn of(wake_flags: WakeFlags) -> Self {
        Self {
            events: wake_flags.events(),
            cancelled: wake_flags.cancelled(),
            by_ring: wake_flags.by_ring(),
            again: wake_flags.again(),
            expired: wake_flags.expired(),
            link_expired: wake_flags.link_expired(),
            any: wake_flags != WakeFlags::NONE,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wake(u32, bool),
    Cancel,
    Expire,
    LinkExpire,
    Nothing,
    Park,
    Look,
    Reset,
    HandOn,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (any::<u32>(), any::<bool>()).prop_map(|(events, own)| Step::Wake(events, own)),
        1 => Just(Step::Cancel),
        1 => Just(Step::Expire),
        1 => Just(Step::LinkExpire),
        1 => Just(Step::Nothing),
        4 => Just(Step::Park),
        3 => Just(Step::Look),
        1 => Just(Step::Reset),
        1 => Just(Step::HandOn),
    ]
}

proptest! {
    #![proptest_config(cases(4096))]

    #[test]
    fn claim_in_turn(steps in proptest::collection::vec(step(), 0..60)) {
        let claim = WakeState::new();
        let mut held = true;
        // Whether the holder has not looked yet.
        let mut new = true;
        let mut left = Left::default();
        // What the holder has been told by its first look, which is told again with what finds it held.
        let mut told = Left::default();
        for step in steps {
            match step {
                Step::Wake(events, own) => {
                    prop_assert_eq!(claim.claim(WakeFlags::woken(events, own)), !held);
                    left.events |= events & 0xffff;
                    left.by_ring |= own;
                    left.again |= held;
                    left.any = true;
                    new |= !held;
                    held = true;
                }
                Step::Cancel => {
                    prop_assert_eq!(claim.claim(WakeFlags::CANCELLED), !held);
                    left.cancelled = true;
                    left.any = true;
                    new |= !held;
                    held = true;
                }
                Step::Expire => {
                    prop_assert_eq!(claim.claim(WakeFlags::EXPIRED), !held);
                    left.expired = true;
                    left.any = true;
                    new |= !held;
                    held = true;
                }
                Step::LinkExpire => {
                    prop_assert_eq!(claim.claim(WakeFlags::LINK_EXPIRED), !held);
                    left.link_expired = true;
                    left.any = true;
                    new |= !held;
                    held = true;
                }
                Step::Nothing => {
                    prop_assert_eq!(claim.claim(WakeFlags::NONE), !held);
                    new |= !held;
                    held = true;
                }
                // Only the holder parks and looks.
                Step::Park if held => {
                    let parked = if new {
                        claim.park_first()
                    } else {
                        claim.park()
                    };
                    prop_assert_eq!(parked, !left.any);
                    held = !parked;
                    if parked {
                        told = Left::default();
                    }
                }
                Step::Look if held => {
                    let stays = new && left.is_woken();
                    let wake_flags = if new {
                        claim.take_wake_flags()
                    } else {
                        claim.more_wake_flags()
                    };
                    left.add_told(told);
                    prop_assert_eq!(Left::of(wake_flags), left);
                    if stays {
                        told = left;
                    } else if left.any {
                        told = Left::default();
                    }
                    left = Left::default();
                    new = false;
                }
                Step::Reset if held => {
                    claim.reset();
                    left = Left::default();
                    told = Left::default();
                    new = true;
                }
                Step::HandOn if held => {
                    claim.forget_taken();
                    left.add_told(told);
                    told = Left::default();
                    new = true;
                }
                Step::Park | Step::Look | Step::Reset | Step::HandOn => {}
            }
            prop_assert_eq!(claim.is_parked(), !held);
        }
    }

    /// WakeFlags that are put together say what both say.
    #[test]
    fn reasons_and(one in any::<u32>(), two in any::<u32>(), own in any::<[bool; 2]>()) {
        let both = WakeFlags::woken(one, own[0]).union(WakeFlags::woken(two, own[1]));
        prop_assert_eq!(both.events(), (one | two) & 0xffff);
        prop_assert_eq!(both.by_ring(), own[0] || own[1]);
        prop_assert!(!both.cancelled());
        prop_assert!(both.union(WakeFlags::CANCELLED).cancelled());
        prop_assert_eq!(both.union(WakeFlags::NONE), both);
    }
}
