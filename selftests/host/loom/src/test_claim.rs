// SPDX-License-Identifier: GPL-2.0

//! Who drives a request that wake-ups and cancels race for.
//!
//! A reason counts as *seen* when a holder got it from [`WakeState::wake_flags`] between the claim that
//! left it and the next park that succeeded, so that at the end, with all claimers done and the
//! last holder having parked, each one was seen and none is left in the word.

use crate::wake::{WakeFlags, WakeState};
use loom::{
    sync::{
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
        Arc,
    },
    thread,
};

/// A request: the word, and what only the holder touches. Every access to that is relaxed, so that
/// only the word's own ordering makes one holder see what the one before has done.
struct Request {
    claim: WakeState,
    /// How many have held it. Not incremented at once, so that two holders at a time lose count.
    turns: AtomicU32,
    held: AtomicBool,
    /// The events that holders have seen.
    seen: AtomicU32,
    cancelled: AtomicBool,
    again: AtomicBool,
    /// What each claimer has written before it left its reason, by event bit.
    data: [AtomicBool; 3],
}

impl Request {
    /// A new one, held by the caller.
    fn new() -> Arc<Self> {
        Arc::new(Self {
            claim: WakeState::new(),
            turns: AtomicU32::new(0),
            held: AtomicBool::new(true),
            seen: AtomicU32::new(0),
            cancelled: AtomicBool::new(false),
            again: AtomicBool::new(false),
            data: std::array::from_fn(|_| AtomicBool::new(false)),
        })
    }

    fn add(word: &AtomicU32, more: u32) {
        word.store(word.load(Relaxed) | more, Relaxed);
    }

    /// What a holder does with what it finds, who has looked before.
    fn look(&self) {
        self.see(self.claim.more_wake_flags());
    }

    fn see(&self, wake_flags: WakeFlags) {
        let events = wake_flags.events();
        Self::add(&self.seen, events);
        for (bit, data) in self.data.iter().enumerate() {
            if events & 1 << bit != 0 {
                assert!(
                    data.load(Relaxed),
                    "the reason is seen, what led to it is not"
                );
            }
        }
        // Whoever wakes it up while it is held says so in the same breath.
        assert!(events.count_ones() < 2 || wake_flags.again());
        if wake_flags.cancelled() {
            self.cancelled.store(true, Relaxed);
        }
        if wake_flags.again() {
            self.again.store(true, Relaxed);
        }
    }

    /// A turn of the holder, who has just got the token.
    fn begin(&self) {
        assert!(
            !self.held.load(Relaxed),
            "two holders, or the park is not seen"
        );
        self.held.store(true, Relaxed);
        self.turns.store(self.turns.load(Relaxed) + 1, Relaxed);
        self.see(self.claim.take_wake_flags());
    }

    /// Parks, and looks again as often as it must.
    fn park(&self) {
        loop {
            self.held.store(false, Relaxed);
            if self.claim.park() {
                return;
            }
            // Not parked: still the holder.
            self.held.store(true, Relaxed);
            self.look();
        }
    }

    /// A wake-up. True if the caller is the holder now.
    fn wake(&self, bit: usize) -> bool {
        self.data[bit].store(true, Relaxed);
        self.claim.claim(WakeFlags::woken(1 << bit, false))
    }

    /// Nobody has it, and nothing is left in it.
    fn assert_at_rest(&self) {
        assert!(
            self.claim.claim(WakeFlags::NONE),
            "nobody holds it, yet it is not parked"
        );
        assert_eq!(
            self.claim.take_wake_flags(),
            WakeFlags::NONE,
            "a reason that nobody will see"
        );
        assert!(!self.held.load(Relaxed));
    }
}

/// Every interleaving with at most so many switches away from a thread that could go on; 0 for all.
fn model(preemptions: usize, test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = (preemptions != 0).then_some(preemptions);
    builder.check(test);
}

/// A parked request: of two wake-ups and a cancel one gets the token, and all they say is there.
#[test]
fn one_of_many_gets_it() {
    model(3, || {
        let request = Request::new();
        request.park();
        let wakers = [0, 1].map(|bit| {
            let request = request.clone();
            thread::spawn(move || {
                let mine = request.wake(bit);
                if mine {
                    request.begin();
                }
                mine
            })
        });
        let mine = request.claim.claim(WakeFlags::CANCELLED);
        if mine {
            request.begin();
        }
        let winners = wakers.map(|waker| waker.join().unwrap());
        let count = winners.iter().filter(|won| **won).count() + usize::from(mine);
        assert_eq!(count, 1, "as many have got the token");
        assert_eq!(request.turns.load(Relaxed), 1);
        // The winner still holds it. What came after its look is there for the next one.
        request.look();
        assert_eq!(request.seen.load(Relaxed), 0b11);
        assert!(request.cancelled.load(Relaxed));
        assert_eq!(request.claim.more_wake_flags(), WakeFlags::NONE);
    });
}

/// A holder that parks while two wake-ups come: each is seen, by it or by who then claims.
#[test]
fn park_loses_no_wake() {
    model(0, || {
        let request = Request::new();
        let wakers = [0, 1].map(|bit| {
            let request = request.clone();
            thread::spawn(move || {
                if request.wake(bit) {
                    request.begin();
                    request.park();
                }
            })
        });
        request.park();
        for waker in wakers {
            waker.join().unwrap();
        }
        assert_eq!(request.seen.load(Relaxed), 0b11);
        assert!(request.turns.load(Relaxed) <= 2);
        request.assert_at_rest();
    });
}

/// The same with a cancel beside, which is seen as well.
#[test]
fn park_loses_no_cancel() {
    model(2, || {
        let request = Request::new();
        let wakers = [0, 1].map(|bit| {
            let request = request.clone();
            thread::spawn(move || {
                if request.wake(bit) {
                    request.begin();
                    request.park();
                }
            })
        });
        let canceller = {
            let request = request.clone();
            thread::spawn(move || {
                if request.claim.claim(WakeFlags::CANCELLED) {
                    request.begin();
                    request.park();
                }
            })
        };
        request.park();
        for waker in wakers {
            waker.join().unwrap();
        }
        canceller.join().unwrap();
        assert_eq!(request.seen.load(Relaxed), 0b11);
        assert!(request.cancelled.load(Relaxed));
        request.assert_at_rest();
    });
}

/// One waker after the other from one thread, as a socket's wait queue has it: a wake-up that finds
/// the request held is never all that a park leaves behind.
#[test]
fn wakes_in_a_row() {
    model(0, || {
        let request = Request::new();
        let waker = {
            let request = request.clone();
            thread::spawn(move || {
                let mut claims = 0;
                for bit in 0..3 {
                    if request.wake(bit) {
                        claims += 1;
                        request.begin();
                        request.park();
                    }
                }
                claims
            })
        };
        request.park();
        let claims = waker.join().unwrap();
        assert_eq!(request.seen.load(Relaxed), 0b111);
        assert_eq!(request.turns.load(Relaxed), claims);
        // Each wake-up that did not claim has told the holder that there was one more.
        assert_eq!(request.again.load(Relaxed), claims < 3);
        request.assert_at_rest();
    });
}

/// A holder hands it on to another thread, which is told of what comes meanwhile and of nothing twice.
#[test]
fn handed_on() {
    model(0, || {
        let request = Request::new();
        request.park();
        assert!(request.wake(0));
        request.begin();
        let waker = {
            let request = request.clone();
            thread::spawn(move || {
                if request.wake(1) {
                    request.begin();
                    request.park();
                }
            })
        };
        request.claim.forget_taken();
        let runner = {
            let request = request.clone();
            thread::spawn(move || {
                request.seen.store(0, Relaxed);
                request.see(request.claim.take_wake_flags());
                // Alone it would be the first one again.
                assert!(request.again.load(Relaxed) || request.seen.load(Relaxed) == 0);
                request.park();
            })
        };
        runner.join().unwrap();
        waker.join().unwrap();
        assert_ne!(request.seen.load(Relaxed) & 0b10, 0);
        request.assert_at_rest();
    });
}

/// A request that is claimed moves on to the thread that runs it, while another wake-up comes.
#[test]
fn token_moves_to_its_task() {
    model(0, || {
        let request = Request::new();
        request.park();
        let inbox = Arc::new(loom::sync::Mutex::new(0));
        let wakers = [0, 1].map(|bit| {
            let (request, inbox) = (request.clone(), inbox.clone());
            thread::spawn(move || {
                if request.wake(bit) {
                    *inbox.lock().unwrap() += 1;
                }
            })
        });
        let run = |inbox: &loom::sync::Mutex<u32>| {
            let tokens = std::mem::take(&mut *inbox.lock().unwrap());
            assert!(tokens <= 1, "two tokens");
            if tokens == 1 {
                request.begin();
                request.park();
            }
        };
        run(&inbox);
        for waker in wakers {
            waker.join().unwrap();
        }
        run(&inbox);
        assert_eq!(request.seen.load(Relaxed), 0b11);
        request.assert_at_rest();
    });
}
