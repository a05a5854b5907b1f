// SPDX-License-Identifier: GPL-2.0

//! The end of tasks, of processes, and of the programs that they run.
//!
//! C headers: `include/linux/tracepoint.h`, `include/trace/events/sched.h`.
//!
//! The kernel has two tracepoints for it, on which the module has probes as long as there is a
//! [`Listener`]. They are called for every task of the machine that exits or executes a program, by
//! that task itself, and may not sleep: a table of counters tells the probe, without a lock, of almost all
//! tasks that nobody wants to hear of them. For one that somebody watches the probe adds task work, which the
//! task runs when its memory and descriptors are gone, or before the new program's first instruction.

use super::{bindings, calls, module, task::TaskRef};
use core::{
    ffi::{c_void, CStr},
    ptr::null_mut,
};
use kernel::{
    error::to_result,
    prelude::*,
    rbtree::{RBTree, RBTreeNode, RBTreeNodeReservation},
    sync::{
        atomic::{Acquire, Atomic, Full, Relaxed, Release},
        Arc,
    },
    time::Delta,
    types::Opaque,
};

/// What hears of an end: a [`TaskWork`](super::task_work::TaskWork), whatever it is for.
pub(crate) trait Ends: Send + Sync {
    /// Adds task work to the current task, which exits or, if that is `exec`, executes a program.
    /// False if the task is past doing any work.
    ///
    /// # Context
    ///
    /// A probe of a tracepoint: it must not sleep.
    fn add_to_current(&self, exec: bool) -> bool;
}

/// Which ends of a task a [`Watch`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchFor {
    /// The current task's, and that of the program that it runs.
    Task,
    /// The current process's, with its last task.
    Process,
}

/// First what identifies the task or process, then a number that makes it unique.
type Key = (usize, u64);

/// What is watched, and how many watches there have been.
struct WatchTable {
    watches: RBTree<Key, Arc<dyn Ends>>,
    serial: u64,
}

impl WatchTable {
    fn new() -> Self {
        Self {
            watches: RBTree::new(),
            serial: 0,
        }
    }

    fn insert(
        &mut self,
        identity: usize,
        reservation: Reservation,
        task_work: Arc<dyn Ends>,
    ) -> Key {
        self.serial += 1;
        let key = (identity, self.serial);
        self.watches.insert(reservation.into_node(key, task_work));
        // With the lock held nobody else changes it.
        let count = count_of(identity);
        count.store(count.load(Relaxed) + 1, Relaxed);
        key
    }

    fn remove(&mut self, key: &Key) -> Option<RBTreeNode<Key, Arc<dyn Ends>>> {
        let node = self.watches.remove_node(key)?;
        let count = count_of(key.0);
        count.store(count.load(Relaxed) - 1, Relaxed);
        Some(node)
    }
}

/// Memory for one more that is watched.
type Reservation = RBTreeNodeReservation<Key, Arc<dyn Ends>>;

/// Which tracepoints there are, and who needs the probes.
struct Probes {
    exit: *mut bindings::tracepoint,
    exec: *mut bindings::tracepoint,
    listeners: usize,
    registered: bool,
}

// SAFETY: The pointers are to tracepoints of the kernel itself, which stay.
unsafe impl Send for Probes {}

kernel::sync::global_lock! {
    // SAFETY: `Tracing::new` initialises it before `STATE` is `READY`, without which nobody uses it.
    unsafe(uninit) static WATCHES: SpinLock<Option<WatchTable>> = None;
}

kernel::sync::global_lock! {
    // SAFETY: `Tracing::new` initialises it before `STATE` is `READY`, without which nobody uses it.
    unsafe(uninit) static PROBES: Mutex<Probes> = Probes {
        exit: null_mut(),
        exec: null_mut(),
        listeners: 0,
        registered: false,
    };
}

/// The work that takes the probes off, some time after the last listener has gone.
struct Unregister(Opaque<bindings::delayed_work>);

// SAFETY: Delayed work has its own lock.
unsafe impl Sync for Unregister {}

static UNREGISTER: Unregister = Unregister(Opaque::uninit());

/// Whether the locks and the work are initialised.
static STATE: Atomic<u32> = Atomic::new(NEW);
const NEW: u32 = 0;
const PREPARING: u32 = 1;
const READY: u32 = 2;

/// Whether the kernel says when a task ends.
static HEARS: Atomic<bool> = Atomic::new(false);

/// How many of [`static@WATCHES`] there are with identities of the same hash.
static COUNTS: [Atomic<u32>; 256] = [const { Atomic::new(0) }; 256];

fn count_of(identity: usize) -> &'static Atomic<u32> {
    // Objects are at least 64 bytes apart.
    let hash = (identity >> 6) ^ (identity >> 14) ^ (identity >> 22);
    &COUNTS[hash & (COUNTS.len() - 1)]
}

/// Whether the end of a task is heard of, as it is on every kernel with tracepoints.
pub(crate) fn is_heard() -> bool {
    HEARS.load(Relaxed)
}

/// What the probes need. There is one object, owned by the module's own object.
pub(crate) struct Tracing(());

impl Tracing {
    /// Makes what the probes need, of which there is one.
    ///
    /// # Errors
    ///
    /// `-EBUSY` if there has been one.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn new() -> Result<Self> {
        if STATE.cmpxchg(NEW, PREPARING, Full).is_err() {
            return Err(EBUSY);
        }
        // SAFETY: This is done once, by the exchange above, and before anybody finds `READY`.
        unsafe {
            WATCHES.init();
            PROBES.init();
            bindings::ruring_init_delayed_work(UNREGISTER.0.get(), Some(unregister_work));
        }
        let mut probes = PROBES.lock();
        let at: *mut Probes = &mut *probes;
        // SAFETY: `found` is called for the kernel's tracepoints while this waits, with `at`.
        unsafe { bindings::ruring_visit_tracepoints(Some(found), at.cast()) };
        let heard = !probes.exit.is_null() && !probes.exec.is_null();
        drop(probes);
        HEARS.store(heard, Relaxed);
        STATE.store(READY, Release);
        Ok(Self(()))
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        // SAFETY: It was initialised in `new`.
        unsafe { bindings::cancel_delayed_work_sync(UNREGISTER.0.get()) };
        let mut probes = PROBES.lock();
        if probes.listeners != 0 {
            // It was dropped before its time: better leaked than called when it is gone.
            pr_err!("the probes were let go while there was a listener\n");
            return;
        }
        probes.unregister();
        drop(probes);
        // Afterwards nobody is in a probe.
        calls::ruring_tracepoint_synchronize();
    }
}

/// # Safety
///
/// `probes` must be a `Probes` that the caller has to itself, and `tracepoint` a live one.
unsafe extern "C" fn found(tracepoint: *mut bindings::tracepoint, probes: *mut c_void) {
    // SAFETY: By the safety requirements; a tracepoint has a name.
    let (name, probes) = unsafe {
        let name = CStr::from_char_ptr((*tracepoint).name);
        (name, &mut *probes.cast::<Probes>())
    };
    if name == c"sched_process_exit" {
        probes.exit = tracepoint;
    } else if name == c"sched_process_exec" {
        probes.exec = tracepoint;
    }
}

impl Probes {
    /// May sleep.
    fn register(&mut self) -> Result {
        if self.registered || self.exit.is_null() || self.exec.is_null() {
            return Ok(());
        }
        let (exit, exec) = (exit_probe as *mut c_void, exec_probe as *mut c_void);
        // SAFETY: The probes have the types that the tracepoints call, and `Tracing` takes them off
        // before the module goes.
        unsafe {
            to_result(bindings::ruring_tracepoint_register(self.exit, exit))?;
            to_result(bindings::ruring_tracepoint_register(self.exec, exec)).inspect_err(|_| {
                bindings::ruring_tracepoint_unregister(self.exit, exit);
            })?;
        }
        self.registered = true;
        Ok(())
    }

    /// May sleep.
    fn unregister(&mut self) {
        if core::mem::replace(&mut self.registered, false) {
            // SAFETY: They were registered above.
            unsafe {
                bindings::ruring_tracepoint_unregister(self.exit, exit_probe as *mut c_void);
                bindings::ruring_tracepoint_unregister(self.exec, exec_probe as *mut c_void);
            }
        }
    }
}

/// # Safety
///
/// Only as the function of [`UNREGISTER`].
unsafe extern "C" fn unregister_work(_: *mut bindings::work_struct) {
    let mut probes = PROBES.lock();
    if probes.listeners == 0 {
        probes.unregister();
    }
}

/// Keeps the probes registered as long as it is there.
///
/// They stay for a second after the last one, because each change of them is an interrupt for all
/// processors.
pub(crate) struct Listener(());

impl Listener {
    /// Registers the probes, for as long as this is there.
    ///
    /// # Errors
    ///
    /// `-ENODEV` if the module is not ready, and what registering a probe says.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn new() -> Result<Self> {
        if STATE.load(Acquire) != READY {
            return Err(ENODEV);
        }
        let mut probes = PROBES.lock();
        probes.register()?;
        probes.listeners += 1;
        Ok(Self(()))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut probes = PROBES.lock();
        probes.listeners -= 1;
        if probes.listeners == 0 && probes.registered {
            // SAFETY: It was initialised in `Tracing::new`, which has been called as there was a
            // listener, and is static.
            unsafe { module::queue_delayed_work(UNREGISTER.0.get(), Delta::from_secs(1)) };
        }
    }
}

/// Sends a task work once, when the task or the process that it watches ends. Dropped before, it sends nothing.
pub(crate) struct Watch {
    key: Key,
    /// As long as there is a reference to it, no other one has the same address, nor its process.
    _task: TaskRef,
}

impl Watch {
    /// Has [`TaskWorkFn::on_end`](super::task_work::TaskWorkFn::on_end) of `task_work` called when the current task ends, or its process, as `of` says.
    /// It is not called if there is no [`Listener`] by then.
    ///
    /// # Errors
    ///
    /// `-ENODEV` if the module is not ready, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn current(of: WatchFor, task_work: Arc<dyn Ends>) -> Result<Self> {
        if STATE.load(Acquire) != READY {
            return Err(ENODEV);
        }
        let task = TaskRef::current();
        let identity = match of {
            WatchFor::Task => task.as_ptr() as usize,
            WatchFor::Process => task.process(),
        };
        let reservation = Reservation::new(GFP_KERNEL_ACCOUNT)?;
        let mut watches = WATCHES.lock();
        let table = watches.get_or_insert_with(WatchTable::new);
        let key = table.insert(identity, reservation, task_work);
        drop(watches);
        Ok(Self { key, _task: task })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watches = WATCHES.lock();
        let node = watches.as_mut().and_then(|table| table.remove(&self.key));
        // What it has is dropped without the lock.
        drop(watches);
        drop(node);
    }
}

/// Sends the task work of those who watch `identity`, which is the current task or its process.
fn notify_watches(identity: usize, exec: bool) {
    // What is watched is put in by the task itself, or by another one of the process, which has left
    // `signal->live` since.
    if count_of(identity).load(Relaxed) == 0 {
        return;
    }
    // One at a time: nobody is to wait for this lock as long as there are many.
    while let Some(node) = first_of(identity) {
        let (_, punted) = node.to_key_value();
        let sent = punted.add_to_current(exec);
        // With the task there is another reference now.
        if !sent {
            core::mem::forget(punted);
        }
    }
}

/// Takes the first watch of `identity` out.
fn first_of(identity: usize) -> Option<RBTreeNode<Key, Arc<dyn Ends>>> {
    let mut watches = WATCHES.lock();
    let table = watches.as_mut()?;
    let cursor = table.watches.cursor_lower_bound(&(identity, 0))?;
    let key = *cursor.current().0;
    if key.0 != identity {
        return None;
    }
    table.remove(&key)
}

/// # Safety
///
/// Only as a probe of `sched_process_exit`.
unsafe extern "C" fn exit_probe(_: *mut c_void, task: *mut bindings::task_struct, last: bool) {
    notify_watches(task as usize, false);
    if last {
        // The tracepoint is one of the current task.
        notify_watches(calls::ruring_task_process(current!()) as usize, false);
    }
}

/// # Safety
///
/// Only as a probe of `sched_process_exec`.
unsafe extern "C" fn exec_probe(
    _: *mut c_void,
    task: *mut bindings::task_struct,
    _: i32,
    _: *mut c_void,
) {
    notify_watches(task as usize, true);
}
