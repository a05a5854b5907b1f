// SPDX-License-Identifier: GPL-2.0

//! Zero-copy notifications: the request and its packets let go of a buffer in any order.
//!
//! Whoever is the last has the notification to himself, and sees what the others did before. The
//! owned face of a notification is a cell that loom watches: two who touch it without one having
//! seen the other's end are found out. `sys/ubuf.rs` has the same steps around the same counts.

use crate::{
    notice::{first, BufferState, First, Mode, Notice, Sent},
    zc_refs::{Count, PagesUsed, Usage, ZcRefs},
};
use loom::{
    cell::UnsafeCell,
    sync::{
        atomic::{
            fence, AtomicU32, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
        Arc, Mutex,
    },
    thread,
};

/// `refcount_t`
struct Word(AtomicU32);

impl Count for Word {
    fn put(&self) -> bool {
        let last = self.0.fetch_sub(1, Release) == 1;
        if last {
            fence(Acquire);
        }
        last
    }

    fn is_sole(&self) -> bool {
        self.0.load(Acquire) == 1
    }
}

/// What the holder of a notification's token has.
struct Owned {
    notice: Notice,
    /// What is linked behind it.
    successor: bool,
}

struct Notification {
    flight: ZcRefs<Word>,
    /// Which one it is joined to, and one; 0 for none.
    head: AtomicUsize,
    /// Who has joined it.
    members: Mutex<Vec<usize>>,
    owned: UnsafeCell<Owned>,
}

/// What the application sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    First { more: bool, freed: bool },
    Notif { res: i32, freed: bool },
    Successor,
}

/// Some notifications, and what was told of each.
struct World {
    all: Vec<Notification>,
    told: Mutex<Vec<(usize, Event)>>,
}

impl World {
    fn new(modes: &[Mode]) -> Arc<Self> {
        let notification = |mode: &Mode| Notification {
            flight: ZcRefs::new(Word(AtomicU32::new(1))),
            head: AtomicUsize::new(0),
            members: Mutex::new(Vec::new()),
            owned: UnsafeCell::new(Owned {
                notice: Notice::new(*mode),
                successor: false,
            }),
        };
        Arc::new(Self {
            all: modes.iter().map(notification).collect(),
            told: Mutex::new(Vec::new()),
        })
    }

    fn tell(&self, index: usize, event: Event) {
        self.told.lock().unwrap().push((index, event));
    }

    /// One more packet carries some of the buffer.
    fn get(&self, index: usize) {
        self.all[index].flight.count.0.fetch_add(1, Relaxed);
    }

    /// A packet, or the request, lets go.
    fn let_go(&self, mut index: usize, pages: PagesUsed) {
        while self.all[index].flight.put(pages) {
            match self.all[index].head.load(Relaxed) {
                0 => return self.land(index),
                head => index = head - 1,
            }
        }
    }

    /// The token of a notification is the caller's.
    fn land(&self, index: usize) {
        let members = std::mem::take(&mut *self.all[index].members.lock().unwrap());
        let usage = members
            .iter()
            .fold(self.all[index].flight.usage(), |usage, member| {
                usage.union(self.all[*member].flight.usage())
            });
        for index in [index].into_iter().chain(members) {
            self.say(index, usage);
        }
    }

    fn say(&self, index: usize, usage: Usage) {
        // Exclusive access: loom finds out if it is not.
        let (notice, successor) = self.all[index].owned.with_mut(|owned| {
            let owned = unsafe { &mut *owned };
            (owned.notice, std::mem::take(&mut owned.successor))
        });
        let freed = matches!(notice, Notice::Result(_));
        let res = notice.res(usage);
        self.tell(index, Event::Notif { res, freed });
        if successor {
            self.tell(index, Event::Successor);
        }
    }

    /// The send is over.
    fn conclude(&self, index: usize, mode: Mode, sent: Sent) {
        let this = &self.all[index];
        let sole = this.flight.count.is_sole()
            && this.head.load(Relaxed) == 0
            && this.members.lock().unwrap().is_empty();
        let buffer = if sole {
            BufferState::Free
        } else {
            BufferState::InFlight
        };
        match first(mode, buffer) {
            First::Now { more, freed } => self.tell(index, Event::First { more, freed }),
            First::Later => this.owned.with_mut(|owned| {
                *unsafe { &mut *owned } = Owned {
                    notice: Notice::Result(sent),
                    successor: true,
                }
            }),
        }
        match (mode, sole) {
            // Reclaimed: the token is here, and nobody else looks at it.
            (Mode::Two { .. }, true) => self.land(index),
            (Mode::One, true) => {
                this.owned.with_mut(|_| ());
                self.tell(index, Event::Successor);
            }
            (_, false) => self.let_go(index, PagesUsed::Unknown),
        }
    }

    /// What was told of one.
    fn events(&self, index: usize) -> Vec<Event> {
        let told = self.told.lock().unwrap();
        let of = |(number, event): &(usize, Event)| (*number == index).then_some(*event);
        told.iter().filter_map(of).collect()
    }

    fn assert_told(&self, index: usize, mode: Mode, res: i32, copied: bool) {
        let events = self.events(index);
        let free = Event::First {
            more: false,
            freed: true,
        };
        let combined = Event::Notif { res, freed: true };
        let more = Event::First {
            more: true,
            freed: false,
        };
        let usage = if copied { i32::MIN } else { 0 };
        match mode {
            Mode::One => assert!(
                events == [free, Event::Successor] || events == [combined, Event::Successor],
                "{events:?}"
            ),
            Mode::Two { report } => assert_eq!(
                events,
                [
                    more,
                    Event::Notif {
                        res: if report { usage } else { 0 },
                        freed: false,
                    }
                ]
            ),
        }
    }
}

const MODES: [Mode; 2] = [Mode::One, Mode::Two { report: true }];

const SENT: Sent = Sent {
    res: 77,
    broken: false,
};

/// Two packets and the request.
#[test]
fn last_one_tells() {
    for mode in MODES {
        for second in [PagesUsed::Sent, PagesUsed::Copied] {
            loom::model(move || {
                let world = World::new(&[mode]);
                let packets = [PagesUsed::Sent, second].map(|pages| {
                    world.get(0);
                    let world = world.clone();
                    thread::spawn(move || world.let_go(0, pages))
                });
                world.conclude(0, mode, SENT);
                for packet in packets {
                    packet.join().unwrap();
                }
                world.assert_told(0, mode, SENT.res, second == PagesUsed::Copied);
            });
        }
    }
}

/// A second send adds to the packet of a first one that is over, while another packet of that one
/// is freed, and the packet of both right after.
#[test]
fn joined() {
    for (one, other) in MODES.into_iter().flat_map(|a| MODES.map(|b| (a, b))) {
        loom::model(move || {
            let world = World::new(&[one, other]);
            // Two packets of the first send, the second of which is still in the socket's queue.
            world.get(0);
            world.get(0);
            let freed = {
                let world = world.clone();
                thread::spawn(move || world.let_go(0, PagesUsed::Sent))
            };
            world.conclude(0, one, SENT);
            // link_skb()
            world.all[1].head.store(1, Relaxed);
            world.all[0].members.lock().unwrap().push(1);
            world.get(0);
            let packet = {
                let world = world.clone();
                thread::spawn(move || world.let_go(0, PagesUsed::Copied))
            };
            world.conclude(1, other, SENT);
            freed.join().unwrap();
            packet.join().unwrap();
            world.assert_told(0, one, SENT.res, true);
            world.assert_told(1, other, SENT.res, true);
        });
    }
}

/// The second send also has a packet of its own, which is freed at the same time.
#[test]
fn joined_with_a_packet_of_its_own() {
    for other in MODES {
        loom::model(move || {
            let one = Mode::Two { report: true };
            let world = World::new(&[one, other]);
            world.get(0);
            world.conclude(0, one, SENT);
            world.all[1].head.store(1, Relaxed);
            world.all[0].members.lock().unwrap().push(1);
            world.get(0);
            world.get(1);
            let packets = [0, 1].map(|index| {
                let world = world.clone();
                thread::spawn(move || world.let_go(index, PagesUsed::Sent))
            });
            world.conclude(1, other, SENT);
            for packet in packets {
                packet.join().unwrap();
            }
            world.assert_told(0, one, SENT.res, false);
            world.assert_told(1, other, SENT.res, false);
        });
    }
}
