// SPDX-License-Identifier: GPL-2.0

//! Who uses a ring: the processes that have set it up, submitted to it, or registered something with it,
//! and the mappings of its memory.
//!
//! A descriptor alone is no use of it: one may be in flight in a socket that the ring itself keeps open, in a
//! circle that nobody would ever break. So a ring lets go of all that it has when its last user is gone, however
//! many descriptors there are of it.

use crate::{
    req::tctx::{Submitter, TaskCtx},
    ring::{Locked, Ring, SubmitterRecord},
    sys::{
        context::InTask,
        exit::{Watch, WatchFor},
        queue::Fifo,
        task::{self, TaskRef},
        task_work::{Notify, TaskWork, TaskWorkFn},
    },
    uapi::errno::{Result, ENOMEM},
};
use kernel::sync::{
    atomic::{Atomic, Full, Relaxed},
    Arc,
};

/// A process that uses a ring. What mappings of the ring's memory count with is one as well.
pub(crate) type RingUser = TaskWork<RingUse>;

/// See [`RingUser`].
pub(crate) struct RingUse {
    ring: Arc<Ring>,
    /// A task of the process, which tells it from others.
    task: TaskRef,
    /// The process has ended.
    ended: Atomic<bool>,
}

/// The ring's record of a process that uses it.
pub(crate) struct UserRecord {
    user: Arc<RingUser>,
    _watch: Watch,
}

impl TaskWorkFn for RingUse {
    fn run(this: Arc<RingUser>, _task: Option<InTask<'_>>) {
        this.ring.leave_orphans();
    }

    fn on_end(this: Arc<RingUser>) {
        this.ended.store(true, Relaxed);
        this.ring.leave_orphans();
    }
}

impl Ring {
    fn new_user(self: &Arc<Self>) -> Result<Arc<RingUser>> {
        Ok(RingUser::new(RingUse {
            ring: self.clone(),
            task: TaskRef::current(),
            ended: Atomic::new(false),
        })?)
    }

    /// Counts a mapping that is being made.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep. With the mmap lock held.
    pub(crate) fn new_mapping(self: &Arc<Self>) -> Result<Arc<RingUser>> {
        let mapper = self.exec.mapper.lock().clone();
        let mapping = match mapper {
            Some(mapper) => mapper,
            None => self.new_user()?,
        };
        self.exec.users.fetch_add(1, Full);
        Ok(mapping)
    }
}

impl RingUse {
    /// Counts one more mapping, of what was mapped before.
    ///
    /// # Context
    ///
    /// Any. With the mmap lock held.
    pub(crate) fn count_mapping(&self) {
        self.ring.exec.users.fetch_add(1, Full);
    }

    /// Counts a mapping no more. With the last user the ring lets go of everything, soon.
    ///
    /// # Context
    ///
    /// Any. With the mmap lock held.
    pub(crate) fn uncount_mapping(this: Arc<RingUser>) {
        if this.ring.exec.users.fetch_sub(1, Full) != 1 {
            return;
        }
        let here = TaskRef::current();
        if task::current_is_kthread() || !TaskWork::send(&this, &here, Notify::Quiet) {
            TaskWork::send_to_kworker(&this);
        }
    }
}

impl Locked<'_> {
    /// Makes the current process a user, if it is none.
    ///
    /// # Errors
    ///
    /// `-ENODEV` if the module is not ready, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn add_user(&mut self, ring: &Arc<Ring>) -> Result {
        let is_current = |record: &UserRecord| record.user.task.same_process_as_current();
        if self.state.exec.users.iter().any(is_current) {
            return Ok(());
        }
        self.state.exec.users.reserve_one()?;
        let user = ring.new_user()?;
        let watch = Watch::current(WatchFor::Process, user.clone())?;
        if self.state.exec.users.is_empty() {
            let _ended = ring.exec.mapper.lock().replace(user.clone());
        }
        let record = UserRecord {
            user,
            _watch: watch,
        };
        self.state.exec.users.push(record)?;
        ring.exec.users.fetch_add(1, Full);
        Ok(())
    }

    /// Counts those no more that have ended. Whether the ring is to let go of everything, because that
    /// was the last one.
    pub(crate) fn drop_ended_users(&mut self) -> bool {
        let ring = self.ring;
        self.state.exec.users.retain(|record| {
            let ended = record.user.ended.load(Relaxed);
            if ended {
                ring.exec.users.fetch_sub(1, Full);
            }
            !ended
        });
        ring.exec.users.load(Relaxed) == 0
    }
}

impl Locked<'_> {
    /// Makes the current task a submitter.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`, also if there are as many as can be numbered; those of [`Locked::add_user`].
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn add_submitter(&mut self, ring: &Arc<Ring>) -> Result<Arc<TaskCtx>> {
        // The place of one that will not come back.
        let unused = self
            .state
            .submitters
            .iter()
            .position(|record| record.used == 0 && !record.tctx.is_alive());
        let slot = unused.unwrap_or(self.state.submitters.len());
        let index = u16::try_from(slot).map_err(|_| ENOMEM)?;
        self.add_user(ring)?;
        let tctx = TaskCtx::new(Submitter::current(ring.clone(), index)?)?;
        let record = SubmitterRecord {
            tctx: tctx.clone(),
            spare: None,
            objects: Fifo::new(),
            used: 0,
            _watch: Watch::current(WatchFor::Task, tctx.clone())?,
        };
        // What keeps the address of the one before goes.
        ring.local.clear_submitter();
        match self.state.submitters.get_mut(slot) {
            Some(old) => *old = record,
            None => self.state.submitters.push(record)?,
        }
        ring.local.set_submitter();
        Ok(tctx)
    }
}
