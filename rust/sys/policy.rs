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
}

/// What the rings of a device may have.
pub(crate) struct Grant {
    pub(crate) policy: Policy,
    /// The device's number: each counts its own rings.
    pub(crate) node: u32,
}

/// The rings that there are.
struct OpenRings {
    /// All rings, by their addresses.
    all: RBTree<usize, Listed>,
    /// How many there are of a device and a user, of whom there are any.
    users: RBTree<Owner, u32>,
}

/// The numbers of the device that a ring was made by, and of the user who has made it.
type Owner = (u32, u32);

/// What there is to know of a ring in the list.
struct Listed {
    ring: Arc<dyn Revoke>,
    owner: Owner,
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

/// Has `ring`, of the current task's user, be ended with all others, until it is taken out.
///
/// # Errors
///
/// `-EPERM` if there are to be no rings, and `-EMFILE` if the user has as many as `grant` says. It is to be taken
/// out then too.
///
/// # Context
///
/// May sleep.
pub(crate) fn put_in<T: Revoke + 'static>(ring: &Arc<T>, grant: &Grant) -> Result {
    let most = grant.policy.limits.rings;
    let owner = (grant.node, calls::ruring_current_uid());
    let listed = Listed {
        ring: ring.clone(),
        owner,
    };
    let key = Arc::as_ptr(ring) as usize;
    let node = RBTreeNode::new(key, listed, GFP_KERNEL_ACCOUNT)?;
    // Memory may take long that is a full cgroup's, and everybody's rings are made and released with this lock.
    let first = RBTreeNode::new(owner, 1, GFP_KERNEL_ACCOUNT)?;
    let mut rings = RINGS.lock();
    let rings = rings.get_or_insert_with(|| OpenRings {
        all: RBTree::new(),
        users: RBTree::new(),
    });
    match rings.users.get_mut(&owner) {
        Some(count) if *count >= most => return Err(EMFILE),
        Some(count) => *count += 1,
        None if most == 0 => return Err(EMFILE),
        None => _ = rings.users.insert(first),
    }
    rings.all.insert(node);
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
    let key = Arc::as_ptr(ring) as usize;
    let mut guard = RINGS.lock();
    let Some(rings) = guard.as_mut() else { return };
    let listed = rings.all.remove(&key);
    if let Some(Listed { owner, .. }) = &listed {
        if let Some(count) = rings.users.get_mut(owner) {
            *count -= 1;
            if *count == 0 {
                rings.users.remove(owner);
            }
        }
    }
    drop(guard);
    drop(listed);
}

/// Ends all rings that there are.
fn revoke_all() {
    let mut from = 0;
    loop {
        let rings = RINGS.lock();
        let next = rings.as_ref().and_then(|rings| {
            // Not by a loop over those before it: one user may have many.
            let cursor = rings.all.cursor_lower_bound(&from)?;
            let (key, listed) = cursor.current();
            Some((*key, listed.ring.clone()))
        });
        drop(rings);
        let Some((key, ring)) = next else { return };
        ring.revoke();
        from = key + 1;
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
