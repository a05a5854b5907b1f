// SPDX-License-Identifier: GPL-2.0

//! What the administrator lets rings have, and how all of them are ended.
//!
//! C header: `include/linux/moduleparam.h`. The parameters themselves are in `policy.c`.

use super::calls;
use crate::uapi::{
    errno::{Result, EMFILE, EPERM},
    policy::{Families, Limits, Opcodes, Policy, Registers},
};
use core::ffi::CStr;
use kernel::{
    ffi::{c_char, c_int},
    prelude::*,
    rbtree::{RBTree, RBTreeNode},
    sync::{
        atomic::{Acquire, Atomic, Full, Relaxed, Release},
        Arc,
    },
};

/// A ring that the administrator can end.
pub(crate) trait Revoke: Send + Sync {
    /// Ends the ring for all who use it.
    ///
    /// # Context
    ///
    /// May sleep, but waits for nobody.
    fn revoke(&self);

    /// Whose it is, always the same.
    fn maker(&self) -> Maker;
}

/// What the rings of a device may have.
pub(crate) struct Grant {
    pub(crate) policy: Policy,
    /// The device's number: each counts its own rings.
    pub(crate) node: u32,
}

/// The numbers of the device that a ring was made by, and of the user who has made it.
pub(crate) type Maker = (u32, u32);

impl Grant {
    /// Whose the rings are that the current task makes.
    pub(crate) fn maker(&self) -> Maker {
        (self.node, calls::ruring_current_uid())
    }
}

/// The rings that there are, by their makers and their addresses.
struct OpenRings(RBTree<(Maker, usize), Listed>);

/// What there is to know of a ring in the list.
struct Listed {
    ring: Arc<dyn Revoke>,
    /// How many rings its maker has, in the first one of his.
    count: u32,
}

impl OpenRings {
    /// How many rings `maker` has.
    fn count(&self, maker: Maker) -> u32 {
        let first = self.0.cursor_lower_bound(&(maker, 0));
        first.map_or(0, |first| match first.current() {
            ((whose, _), listed) if *whose == maker => listed.count,
            _ => 0,
        })
    }

    /// Says how many rings `maker` has.
    fn set_count(&mut self, maker: Maker, count: u32) {
        if let Some(mut first) = self.0.cursor_lower_bound_mut(&(maker, 0)) {
            let ((whose, _), listed) = first.current_mut();
            if *whose == maker {
                listed.count = count;
            }
        }
    }
}

kernel::sync::global_lock! {
    // SAFETY: `prepare` initialises it before `READY` is set, without which nobody uses it.
    unsafe(uninit) static RINGS: Mutex<Option<OpenRings>> = None;
}

static READY: Atomic<bool> = Atomic::new(false);
static ENABLED: Atomic<bool> = Atomic::new(true);
static OPS: [Atomic<u64>; 2] = [const { Atomic::new(u64::MAX) }; 2];
static REGISTERS: Atomic<u64> = Atomic::new(u64::MAX);
static FAMILIES: Atomic<u64> = Atomic::new(u64::MAX);

/// Makes the list of rings. Once, when the module is loaded.
pub(crate) fn prepare() {
    if !READY.load(Relaxed) {
        // SAFETY: The module does this once, before there are rings and before its parameters look at them.
        unsafe { RINGS.init() };
        READY.store(true, Release);
    }
}

/// What new rings may have. Two changes at once may be mixed.
pub(crate) fn current() -> Policy {
    let [low, high] = &OPS;
    let limits = calls::ruring_limits();
    Policy {
        ops: Opcodes::from_words([low.load(Relaxed), high.load(Relaxed)]),
        registers: Registers::from_word(REGISTERS.load(Relaxed)),
        families: Families::from_word(FAMILIES.load(Relaxed)),
        limits: Limits {
            entries: limits.entries,
            rings: limits.rings,
            workers: limits.workers,
            pinned: limits.pinned,
        },
    }
}

/// Has `ring` be ended with all others, until it is taken out.
///
/// # Errors
///
/// `-EPERM` if there are to be no rings, and `-EMFILE` if its maker has `most` already. It is to be taken out then too.
///
/// # Context
///
/// May sleep.
pub(crate) fn put_in<T: Revoke + 'static>(ring: &Arc<T>, most: u32) -> Result {
    let listed = Listed {
        ring: ring.clone(),
        count: 0,
    };
    // Memory may take long that is a full cgroup's, and everybody's rings are made and released with the lock.
    let node = RBTreeNode::new(key(ring), listed, GFP_KERNEL_ACCOUNT)?;
    let mut rings = RINGS.lock();
    let rings = rings.get_or_insert_with(|| OpenRings(RBTree::new()));
    let maker = ring.maker();
    let count = rings.count(maker);
    if count >= most {
        return Err(EMFILE);
    }
    rings.0.insert(node);
    rings.set_count(maker, count + 1);
    // Whoever switches them off looks into the list afterwards.
    if ENABLED.load(Acquire) {
        Ok(())
    } else {
        Err(EPERM)
    }
}

/// Lists it no more, if it is there.
///
/// # Context
///
/// May sleep.
pub(crate) fn unlist<T: Revoke>(ring: &Arc<T>) {
    let mut guard = RINGS.lock();
    let Some(rings) = guard.as_mut() else { return };
    let maker = ring.maker();
    let count = rings.count(maker);
    let listed = rings.0.remove(&key(ring));
    if listed.is_some() {
        rings.set_count(maker, count - 1);
    }
    drop(guard);
    drop(listed);
}

/// Where a ring is in the list.
fn key<T: Revoke>(ring: &Arc<T>) -> (Maker, usize) {
    (ring.maker(), Arc::as_ptr(ring) as usize)
}

/// Ends all rings that there are.
fn revoke_all() {
    let mut from = ((0, 0), 0);
    loop {
        let rings = RINGS.lock();
        let next = rings.as_ref().and_then(|rings| {
            // Not by a loop over those before it: one user may have many.
            let cursor = rings.0.cursor_lower_bound(&from)?;
            let (key, listed) = cursor.current();
            Some((*key, listed.ring.clone()))
        });
        drop(rings);
        let Some(((maker, address), ring)) = next else {
            return;
        };
        ring.revoke();
        from = (maker, address + 1);
    }
}

/// Parses what a parameter is set to, and stores it.
///
/// # Safety
///
/// `list` must be a string.
unsafe fn set<T>(
    list: *const c_char,
    parse: fn(&str) -> Option<T>,
    store: impl FnOnce(T),
) -> c_int {
    // SAFETY: `list` is a string, which is only borrowed here.
    let list = unsafe { CStr::from_char_ptr(list) };
    let Some(parsed) = list.to_str().ok().and_then(|list| parse(list.trim())) else {
        return EINVAL.to_errno();
    };
    store(parsed);
    0
}

/// What sets a parameter that is a list: how it is parsed, and what is done with it.
macro_rules! set_by_list {
    ($($name:ident($parse:path, $store:expr);)*) => {
        $(
            /// # Safety
            ///
            /// Only as what sets a parameter, with a string.
            #[no_mangle]
            unsafe extern "C" fn $name(list: *const c_char) -> c_int {
                // SAFETY: What sets a parameter is given a string.
                unsafe { set(list, $parse, $store) }
            }
        )*
    };
}

set_by_list! {
    ruring_set_ops(Opcodes::parse, |ops| {
        for (word, to) in ops.to_words().into_iter().zip(&OPS) {
            to.store(word, Relaxed);
        }
    });
    ruring_set_registers(Registers::parse, |those| REGISTERS.store(those.to_word(), Relaxed));
    ruring_set_families(Families::parse, |those| FAMILIES.store(those.to_word(), Relaxed));
}

/// # Safety
///
/// Only as what sets the parameter `enabled`.
#[no_mangle]
unsafe extern "C" fn ruring_set_enabled(enabled: bool) {
    ENABLED.xchg(enabled, Full);
    if !enabled && READY.load(Acquire) {
        revoke_all();
    }
}
