// SPDX-License-Identifier: GPL-2.0

//! Setting a ring up, and letting it be used.

use crate::{
    exec::{self, after::UNLOCK_HOOKS, registered::RegisteredRings},
    ring::{memory::RingMemory, Locked, Ring},
    sys::{
        context::InTask,
        exit, lsm,
        policy::{self, Grant},
        ringfile::{self, RingFile},
        trace::{self, Id},
        user,
    },
    uapi::{
        abi::{feat, setup},
        errno::{Result, EBADFD, EINVAL, EPERM},
        registered::{self, MOST},
        setup::{Config, ThreadParams},
        structs::Params,
    },
};
use kernel::sync::{atomic::Full, Arc};

/// What a ring of another size has of the one that it was.
const LASTING: u32 =
    setup::NO_SQARRAY | setup::SQE128 | setup::CQE32 | setup::CQE_MIXED | setup::SQE_MIXED;

impl Ring {
    /// `RURING_IOC_SETUP`: makes a ring of `entries` as the `struct io_uring_params` at user
    /// address `params` says, with no more than `grant` allows, and fills that in. Returns the ring's descriptor, or
    /// its index among the registered ones.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for what cannot be meant, `-EPERM` for what the grant does not allow, what the security hooks say,
    /// `-EFAULT`, `-EMFILE`, `-ENFILE`, `-ENOMEM`; those of [`RegisteredRings::add`].
    ///
    /// # Context
    ///
    /// May sleep. No lock is held.
    pub(crate) fn setup(
        task: InTask<'_>,
        grant: &Grant,
        registered: &Arc<RegisteredRings>,
        entries: u32,
        params: u64,
    ) -> Result<i64> {
        lsm::may_have_ring(task)?;
        let mut asked: Params = user::read(params)?;
        let config = Config::parse(entries, &asked)?;
        let policy = grant.policy;
        if config.sq_entries > policy.limits.entries {
            return Err(EPERM);
        }
        if config.has(setup::SQPOLL) {
            if !policy.ops.allow_sqpoll() {
                return Err(EPERM);
            }
        }
        let has_index = config.has(setup::REGISTERED_FD_ONLY);
        if has_index && !policy.registers.allow(registered::REGISTER) {
            return Err(EPERM);
        }
        // In io_uring's order: of several errors its own is the first.
        let memory = RingMemory::new(&config, config.user_memory(&asked), policy.limits.pinned)?;
        if config.has(setup::SQPOLL) {
            lsm::may_have_sqpoll(task)?;
        }
        let sqpoll = exec::sqpoll::SqPoll::new(task, &config, &ThreadParams::parse(&asked))?;
        let exec = exec::ExecShared::new(sqpoll, registered.clone())?;
        let ring = Self::new(task, config, grant, memory, exec, &UNLOCK_HOOKS)?;
        config.fill(&mut asked);
        if !exit::is_heard() {
            asked.features &= !feat::REG_REG_RING;
        }
        user::write(params, &asked)?;
        let listed = policy::put_in(&ring, policy.limits.rings);
        if let Err(error) = listed.and_then(|()| ring.start()) {
            Ring::release(ring);
            return Err(error);
        }
        let ctx = Id::of(&*ring);
        let fd = if has_index {
            registered.add(task, ringfile::open(ring)?, 0..MOST)? as i32
        } else {
            ringfile::install(task, ring)?
        };
        if trace::create_enabled() {
            trace::create(fd, ctx, asked.sq_entries, asked.cq_entries, asked.flags);
        }
        Ok(fd.into())
    }

    /// `IORING_REGISTER_RESIZE_RINGS`: as many entries as the `struct io_uring_params` at user address `arg` says,
    /// which is filled in.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for a ring that not only `enter` runs the requests of, or that is in user memory, and as for a new
    /// ring; `-EPERM` for more entries than the node's policy allows; `-EOVERFLOW` if what is in the rings does not fit;
    /// `-EFAULT`; `-ENOMEM`; `-EINTR` if the task is killed while it waits for the ring; `-EBADFD`.
    ///
    /// # Context
    ///
    /// May sleep. Without the ring's lock, which it takes.
    pub(super) fn resize_rings(&self, arg: u64) -> Result {
        if !self.deferred() || self.config.has(setup::NO_MMAP) {
            return Err(EINVAL);
        }
        let mut asked: Params = user::read(arg)?;
        if asked.flags & !(setup::CQSIZE | setup::CLAMP) != 0 {
            return Err(EINVAL);
        }
        asked.flags |= self.config.flags & LASTING;
        let (features, resv) = (asked.features, core::mem::take(&mut asked.resv));
        let parsed = Config::parse(asked.sq_entries, &asked)?;
        if parsed.sq_entries > self.policy.limits.entries {
            return Err(EPERM);
        }
        let config = Config {
            flags: self.config.flags,
            ..parsed
        };
        let memory = self.memory_for(&config)?;
        config.fill(&mut asked);
        user::write(
            arg,
            &Params {
                features,
                resv,
                ..asked
            },
        )?;
        // Not before: user memory may be a file server's.
        let mut locked = self.lock()?;
        locked.check_alive()?;
        locked.resize(&config, memory)
    }

    /// Lets the current task begin to use it.
    ///
    /// # Errors
    ///
    /// Those of [`add_user()`](crate::ring::Locked::add_user) and [`Ring::enable`].
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn start(self: &Arc<Self>) -> Result {
        let mut locked = self.lock()?;
        locked.add_user(self)?;
        if !self.config.has(setup::R_DISABLED) {
            return self.enable_locked(locked);
        }
        if self.exec.sqpoll().is_some() {
            locked.watch_creator(self)?;
            // Nobody looks before it is enabled.
            self.set_need_wakeup(true);
        }
        Ok(())
    }

    /// Lets the ring be used, by the current task alone if it is for a single issuer.
    ///
    /// # Errors
    ///
    /// `-EBADFD` if that has been done, or the ring is being closed; those of
    /// [`add_submitter()`](crate::ring::Locked::add_submitter).
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn enable(self: &Arc<Self>) -> Result {
        let locked = self.lock()?;
        self.enable_locked(locked)
    }

    /// As [`Ring::enable`], and unlocks it.
    fn enable_locked(self: &Arc<Self>, mut locked: Locked<'_>) -> Result {
        // Of several at once one may: a ring with two single issuers has none.
        if self.is_enabled() || self.is_dying() {
            return Err(EBADFD);
        }
        if let Some(sqpoll) = self.exec.sqpoll() {
            let owner = locked.add_owner(self)?;
            drop(locked);
            sqpoll.enable(owner);
            return Ok(());
        }
        if self.config.has(setup::SINGLE_ISSUER) {
            locked.add_submitter(self)?;
        }
        self.enabled.xchg(true, Full);
        Ok(())
    }
}
