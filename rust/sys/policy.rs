// SPDX-License-Identifier: GPL-2.0

//! What the administrator lets rings have, and how all of them are ended.
//!
//! C header: `include/linux/moduleparam.h`. The parameters themselves are in `policy.c`.

use super::bindings;
use crate::uapi::policy::Policy;
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

/// What can be ended at once.
pub(crate) trait Revoke: Send + Sync {
    /// Ends it. May sleep, but waits for nobody.
    fn revoke(&self);
}

/// By their addresses.
type Table = RBTree<usize, Arc<dyn Revoke>>;

kernel::sync::global_lock! {
    // SAFETY: `prepare` initialises it before `READY` is set, without which nobody uses it.
    unsafe(uninit) static RINGS: Mutex<Option<Table>> = None;
}

static READY: Atomic<bool> = Atomic::new(false);
static ENABLED: Atomic<bool> = Atomic::new(true);
static OPS: [Atomic<u64>; 2] = [const { Atomic::new(u64::MAX) }; 2];

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
    Policy::from_words([low.load(Relaxed), high.load(Relaxed)])
}

/// How many entries the SQ ring of a new ring may have at most.
pub(crate) fn max_entries() -> u32 {
    // SAFETY: No preconditions.
    unsafe { bindings::ruring_max_entries() }
}

/// Has `ring` be ended with all others, until it is taken out. False if there are to be none. May sleep.
pub(crate) fn put_in<T: Revoke + 'static>(ring: &Arc<T>) -> Result<bool> {
    let node = RBTreeNode::new(
        Arc::as_ptr(ring) as usize,
        ring.clone() as Arc<dyn Revoke>,
        GFP_KERNEL_ACCOUNT,
    )?;
    RINGS.lock().get_or_insert_with(RBTree::new).insert(node);
    // Whoever switches them off looks into the list afterwards.
    Ok(ENABLED.load(Acquire))
}

/// Takes it out, if it is there. May sleep.
pub(crate) fn take_out<T: Revoke>(ring: &Arc<T>) {
    let key = Arc::as_ptr(ring) as usize;
    let mut rings = RINGS.lock();
    let node = rings.as_mut().and_then(|table| table.remove_node(&key));
    drop(rings);
    drop(node);
}

/// Ends all rings that there are.
fn revoke_all() {
    let mut from = 0;
    loop {
        let rings = RINGS.lock();
        let next = rings.as_ref().and_then(|table| {
            let mut after = table.iter().filter(|(key, _)| **key >= from);
            after.next().map(|(key, ring)| (*key, ring.clone()))
        });
        drop(rings);
        let Some((key, ring)) = next else { return };
        ring.revoke();
        from = key + 1;
    }
}

/// # Safety
///
/// Only as what sets the parameter `ops`, with a string.
#[no_mangle]
unsafe extern "C" fn ruring_set_ops(list: *const c_char) -> c_int {
    // SAFETY: By the safety requirements.
    let list = unsafe { CStr::from_char_ptr(list) };
    let Some(policy) = Policy::parse(list.to_bytes()) else {
        return EINVAL.to_errno();
    };
    for (word, to) in policy.to_words().into_iter().zip(&OPS) {
        to.store(word, Relaxed);
    }
    0
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
