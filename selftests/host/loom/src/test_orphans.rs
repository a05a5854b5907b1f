// SPDX-License-Identifier: GPL-2.0

//! What is left with a ring for whoever has it locked is found by somebody, whoever comes first.
//!
//! The same steps as in `exec/orphans.rs`, around a mutex that is one word.

use loom::{
    sync::{
        atomic::{
            fence, AtomicU32,
            Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
        },
        Arc,
    },
    thread,
};

struct Ring {
    mutex: AtomicU32,
    there: AtomicU32,
    /// What has come home to who is gone.
    inbox: AtomicU32,
    ended: AtomicU32,
}

impl Ring {
    fn new(locked: bool) -> Arc<Self> {
        Arc::new(Self {
            mutex: AtomicU32::new(locked.into()),
            there: AtomicU32::new(0),
            inbox: AtomicU32::new(0),
            ended: AtomicU32::new(0),
        })
    }

    fn try_lock(&self) -> bool {
        self.mutex.compare_exchange(0, 1, Acquire, Relaxed).is_ok()
    }

    /// Unlocks it, and then looks, as whoever has had the ring locked.
    fn unlock(&self) {
        self.mutex.swap(0, Release);
        fence(SeqCst);
        self.look();
    }

    fn look(&self) {
        while self.there.load(Relaxed) != 0 {
            if !self.try_lock() {
                return;
            }
            self.there.swap(0, AcqRel);
            fence(SeqCst);
            let tokens = self.inbox.swap(0, AcqRel);
            self.ended.fetch_add(tokens, Relaxed);
            self.mutex.swap(0, Release);
            fence(SeqCst);
        }
    }

    fn leave(&self) {
        self.inbox.fetch_add(1, AcqRel);
        self.there.swap(1, AcqRel);
        fence(SeqCst);
        self.look();
    }
}

fn nothing_stays(leavers: u32, locked: bool) {
    loom::model(move || {
        let ring = Ring::new(locked);
        let mut threads: Vec<_> = (0..leavers)
            .map(|_| {
                let ring = ring.clone();
                thread::spawn(move || ring.leave())
            })
            .collect();
        if locked {
            ring.unlock();
        } else {
            ring.leave();
        }
        for thread in threads.drain(..) {
            thread.join().unwrap();
        }
        let left = leavers + u32::from(!locked);
        assert_eq!(ring.ended.load(Relaxed), left);
        assert_eq!(ring.inbox.load(Relaxed), 0);
        assert_eq!(ring.mutex.load(Relaxed), 0);
    });
}

#[test]
fn found_by_who_unlocks_or_by_who_leaves() {
    nothing_stays(1, true);
}

#[test]
fn two_leave_something() {
    nothing_stays(1, false);
}
