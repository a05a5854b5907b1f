// SPDX-License-Identifier: GPL-2.0

//! Rings that a task names by an index instead of a descriptor: `registered_rings` of io_uring's task contexts.
//!
//! They are the task's alone, and no ring's, and each can be meant by a call on any file of the module. The file of a ring is kept by
//! it, as by a descriptor, until the task ends or executes a program.

use super::enter::Arguments;
use crate::{
    ring::Ring,
    sys::{
        context::InTask,
        exit::{self, Watch, WatchFor},
        fd::OpenFile,
        ringfile, task,
        task_work::{TaskWork, TaskWorkFn},
        user::index_nospec,
    },
    uapi::{
        abi::enter,
        errno::{Result, EBADF, EBUSY, EINVAL},
        registered::{check_index, ENTER, MOST},
    },
};
use core::ops::Range;
use kernel::{
    alloc::flags::{GFP_KERNEL, GFP_KERNEL_ACCOUNT},
    new_spinlock,
    prelude::*,
    rbtree::{RBTree, RBTreeNode},
    sync::{Arc, SpinLock},
};

/// So many tasks can look their rings up without waiting for each other.
const SHARDS: usize = 16;

/// The rings that tasks have registered.
#[pin_data]
pub(crate) struct RegisteredRings {
    /// By their tasks. Nothing sleeps, and nothing is dropped, with one of the locks held.
    #[pin]
    shards: [SpinLock<RBTree<usize, TaskRings>>; SHARDS],
}

/// Those of one task, of which there is at least one.
struct TaskRings {
    files: [Option<OpenFile>; MOST],
    /// Has them go with the task, which is no other one as long as this is there.
    _watch: Watch,
}

/// What hears of the end of a task that has registered rings.
struct RingsEnd(Arc<RegisteredRings>);

impl TaskWorkFn for RingsEnd {
    fn run(this: Arc<TaskWork<Self>>, _task: Option<InTask<'_>>) {
        Self::on_end(this);
    }

    fn on_end(this: Arc<TaskWork<Self>>) {
        let me = task::current_id();
        let mut tasks = this.0.shard(me).lock();
        let rings = tasks.remove_node(&me);
        drop(tasks);
        drop(rings);
    }
}

impl RegisteredRings {
    /// Makes a table with no ring in it.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn new() -> kernel::error::Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                shards <- pin_init::pin_init_array_from_fn(|_| {
                    new_spinlock!(RBTree::new(), "ruring::registered_rings")
                }),
            }),
            GFP_KERNEL,
        )
    }

    fn shard(&self, id: usize) -> &SpinLock<RBTree<usize, TaskRings>> {
        // Tasks are some thousand bytes apart.
        &self.shards[(id >> 6 ^ id >> 12) % SHARDS]
    }

    /// The ring that has this index of the current task.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for an index that there cannot be, `-EBADF` if there is none.
    ///
    /// # Context
    ///
    /// Takes the lock of some tasks' registered rings, within which nothing sleeps.
    pub(crate) fn find(&self, index: u32) -> Result<Arc<Ring>> {
        let index = index_nospec(check_index(index)?, MOST);
        let me = task::current_id();
        let tasks = self.shard(me).lock();
        let file = tasks.get(&me).and_then(|rings| rings.files[index].as_ref());
        file.and_then(|file| ringfile::ring_of(file)).ok_or(EBADF)
    }

    /// Registers a file, which is a ring's, at the first of these places that is free. Returns its index.
    ///
    /// # Errors
    ///
    /// `-EBUSY` if none is free, `-EINVAL` if the end of a task is not heard of, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep. No ring is locked.
    pub(crate) fn add(
        self: &Arc<Self>,
        _task: InTask<'_>,
        file: OpenFile,
        mut places: Range<usize>,
    ) -> Result<usize> {
        if !exit::is_heard() {
            return Err(EINVAL);
        }
        let me = task::current_id();
        let is_first = self.shard(me).lock().get(&me).is_none();
        let mut node = None;
        if is_first {
            let rings = TaskRings {
                files: [const { None }; MOST],
                _watch: Watch::current(WatchFor::Task, TaskWork::new(RingsEnd(self.clone()))?)?,
            };
            node = Some(RBTreeNode::new(me, rings, GFP_KERNEL_ACCOUNT)?);
        }
        // Nobody else has put some in for this task meanwhile.
        let mut tasks = self.shard(me).lock();
        if let Some(node) = node {
            tasks.insert(node);
        }
        let rings = tasks.get_mut(&me).ok_or(EBUSY)?;
        let index = places.find(|index| rings.files[*index].is_none());
        let index = index.ok_or(EBUSY)?;
        rings.files[index] = Some(file);
        Ok(index)
    }

    /// Registers the ring of this index no more, if there is one.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn remove(&self, _task: InTask<'_>, index: usize) {
        let me = task::current_id();
        let mut tasks = self.shard(me).lock();
        let Some(rings) = tasks.get_mut(&me) else {
            return;
        };
        let file = rings.files[index_nospec(index, MOST)].take();
        let is_last = rings.files.iter().all(Option::is_none);
        let rings = is_last.then(|| tasks.remove_node(&me));
        drop(tasks);
        drop((file, rings));
    }

    /// `RURING_IOC_ENTER` of the ring that has this index.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for flags that there are not, or without the one for it, and those of [`RegisteredRings::find`] and
    /// [`Ring::enter`].
    ///
    /// # Context
    ///
    /// As [`Ring::enter`].
    #[cold] // recv-armed/udp/1
    pub(crate) fn enter(&self, args: &Arguments<'_>, index: u32) -> Result<i64> {
        if args.flags & !enter::ALL != ENTER {
            return Err(EINVAL);
        }
        let flags = args.flags & enter::ALL;
        self.find(index)?.enter(&Arguments { flags, ..*args })
    }
}
