// SPDX-License-Identifier: GPL-2.0

//! A provided-buffer ring that user space fills while the kernel takes from it.

use crate::{
    mapped::{Entries, Mapped},
    selected::BufEntry,
};
use loom::{
    sync::{
        atomic::{
            AtomicU16, AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
        Arc,
    },
    thread,
};

const SIZE: usize = 2;

/// What both sides share: a ring of two buffers, and a completion queue that is never full.
struct Shared {
    tail: AtomicU16,
    words: [[AtomicU64; 2]; SIZE],
    completions: AtomicU16,
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            tail: AtomicU16::new(0),
            words: std::array::from_fn(|_| [AtomicU64::new(!0), AtomicU64::new(!0)]),
            completions: AtomicU16::new(0),
        })
    }

    /// User space provides buffer number `count`.
    fn provide(&self, count: u16) {
        let [addr, rest] = &self.words[usize::from(count) % SIZE];
        addr.store(u64::from(count) + 100, Relaxed);
        rest.store(u64::from(count) << 32 | 7, Relaxed);
        self.tail.store(count + 1, Release);
    }

    /// The kernel takes and uses a buffer, if there is one, which must be number `count`.
    fn take(&self, ring: &mut Mapped, count: u16) -> bool {
        let Some(selected) = ring.select(self) else {
            return false;
        };
        let expected = BufEntry {
            addr: u64::from(count) + 100,
            len: 7,
            bid: count,
        };
        assert_eq!(selected.entry, expected, "not as it was provided");
        assert_eq!(ring.commit(selected), count);
        self.completions.store(count + 1, Release);
        true
    }
}

// As the module reads its memory: the tail with acquire, entries word by word.
impl Entries for Shared {
    fn tail(&self) -> u16 {
        self.tail.load(Acquire)
    }

    fn entry(&self, index: u16) -> BufEntry {
        let [addr, rest] = &self.words[usize::from(index) % SIZE];
        BufEntry::from_words([addr.load(Relaxed), rest.load(Relaxed)])
    }
}

/// The kernel sees no buffer before all of it is there.
#[test]
fn provided_then_taken() {
    loom::model(|| {
        let shared = Shared::new();
        let user = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.provide(0);
                shared.provide(1);
            })
        };
        let (mut ring, mut count) = (Mapped::new(), 0);
        for _ in 0..3 {
            count += u16::from(shared.take(&mut ring, count));
        }
        user.join().unwrap();
        while shared.take(&mut ring, count) {
            count += 1;
        }
        assert_eq!(count, 2);
        assert_eq!(ring.head(), 2);
    });
}

/// A place that user space fills again, after it has seen the completion, is not read as it was
/// before, nor is the old one read as the new.
#[test]
fn provided_again() {
    loom::model(|| {
        let shared = Shared::new();
        shared.provide(0);
        shared.provide(1);
        let user = {
            let shared = shared.clone();
            thread::spawn(move || {
                let done = shared.completions.load(Acquire);
                for count in 0..done {
                    shared.provide(count + 2);
                }
                done
            })
        };
        let (mut ring, mut count) = (Mapped::new(), 0);
        for _ in 0..3 {
            count += u16::from(shared.take(&mut ring, count));
        }
        let again = user.join().unwrap();
        while shared.take(&mut ring, count) {
            count += 1;
        }
        assert_eq!(count, 2 + again);
    });
}

/// A buffer that is given back stays the next one, whatever user space adds meanwhile.
#[test]
fn recycled_while_provided() {
    loom::model(|| {
        let shared = Shared::new();
        shared.provide(0);
        let user = {
            let shared = shared.clone();
            thread::spawn(move || shared.provide(1))
        };
        let mut ring = Mapped::new();
        let first = ring.select(&*shared).unwrap();
        let last = first.last;
        drop(first);
        assert!(shared.take(&mut ring, 0));
        if !last {
            assert!(shared.take(&mut ring, 1), "there was one more");
        }
        user.join().unwrap();
        if last && ring.head() == 1 {
            assert!(shared.take(&mut ring, 1));
        }
        assert_eq!(ring.head(), 2);
    });
}

/// Several at once: all that are selected are there in full, and they are the last ones only if
/// no other was there.
#[test]
fn several_while_provided() {
    loom::model(|| {
        let shared = Shared::new();
        let user = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.provide(0);
                shared.provide(1);
            })
        };
        let mut ring = Mapped::new();
        for _ in 0..3 {
            let Some(count) = ring.span_len(&*shared, 0, 2) else {
                continue;
            };
            let (head, mut pieces) = (u64::from(ring.head()), Vec::new());
            let span = ring.select_span(&*shared, count, 0, false, |addr, len| {
                pieces.push((addr, len));
                Ok::<(), ()>(())
            });
            let span = span.unwrap();
            let expected: Vec<_> = (0..count as u64).map(|n| (head + n + 100, 7)).collect();
            assert_eq!(pieces, expected, "not as they were provided");
            assert_eq!(u64::from(span.bid), head);
            if ring.head() as usize + count == 2 {
                assert!(span.last);
            }
            ring.commit_span(span, count as u16);
        }
        user.join().unwrap();
        let mut count = ring.head();
        while shared.take(&mut ring, count) {
            count += 1;
        }
        assert_eq!(count, 2);
    });
}
