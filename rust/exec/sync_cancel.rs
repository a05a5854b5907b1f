// SPDX-License-Identifier: GPL-2.0

//! IORING_REGISTER_SYNC_CANCEL: a cancel that is no request (those are in `op/cancel.rs`), and waits for what it cannot stop.
//! `io_uring/cancel.c` of the kernel.

use crate::{
    op::cancel::{cancel, file},
    ring::Ring,
    sys::{
        context::InCall,
        signal,
        sleep::{sleep_on, Woken},
        time::Ktime,
        unexported::Interruptible,
        user,
    },
    uapi::{
        args::cancel::CancelArgs,
        errno::{Result, EALREADY, EINTR, ENOENT, ERESTARTNOINTR, ETIME},
        structs::{SyncCancelReg, Timespec},
    },
};
use kernel::{
    sync::{atomic::Relaxed, Arc},
    time::Delta,
};

impl Ring {
    /// `IORING_REGISTER_SYNC_CANCEL`: `arg` is the address of a `struct io_uring_sync_cancel_reg`.
    ///
    /// As ASYNC_CANCEL, but what cannot be stopped is waited for.
    ///
    /// # Errors
    ///
    /// `-ENOENT` if there is none, `-ETIME` if it is not over in the time that is given, `-EINTR` after a signal,
    /// `-EINVAL`, `-EFAULT`, `-EBADF`.
    ///
    /// # Context
    ///
    /// May sleep. Without the ring's lock, which it takes.
    pub(crate) fn sync_cancel(self: &Arc<Self>, call: InCall<'_>, arg: u64) -> Result<i64> {
        let reg: SyncCancelReg = user::read(arg)?;
        let args = CancelArgs::parse_sync(&reg)?;
        let own = file(call.task(), &args)?;
        let for_ever = Timespec {
            tv_sec: -1,
            tv_nsec: -1,
        };
        let deadline = (reg.timeout != for_ever)
            .then(|| Ktime::now().after(Delta::from_nanos(reg.timeout.nanoseconds())));
        let try_once = || {
            let finished = self.exec.finished_punts.load(Relaxed);
            let locked = self.lock_in(call);
            let done = locked.and_then(|mut locked| cancel(&mut locked, &args, own.as_ref()));
            (finished, done)
        };
        let (mut finished, mut done) = try_once();
        if done != Err(EALREADY) {
            return done.map(i64::from);
        }
        let tctx = self.lock()?.submitter().cloned();
        // What comes back meanwhile is run here.
        let busy = tctx.as_ref().map(|tctx| tctx.set_busy());
        let mut interruptible = Interruptible::new(call);
        let result = loop {
            match done {
                Err(EALREADY) => {}
                Ok(_) | Err(ENOENT) => break Ok(0),
                Err(error) => break Err(error),
            }
            if let Some(busy) = &busy {
                busy.set_asleep(1);
            }
            let ready = || {
                self.exec.finished_punts.load(Relaxed) != finished
                    || tctx.as_ref().is_some_and(|tctx| self.has_to_run(tctx))
            };
            let woken = sleep_on(Some(&self.exec.punt_waiters), deadline, &ready);
            if let Some(busy) = &busy {
                busy.set_awake();
            }
            self.run_tctx(call, tctx.as_ref(), 0);
            match woken {
                Woken::Interrupted if signal::pending() => break Err(EINTR),
                Woken::Interrupted if interruptible.run_task_work() => {}
                Woken::Interrupted => break Err(ERESTARTNOINTR),
                Woken::TimedOut => break Err(ETIME),
                Woken::Maybe => {}
            }
            (finished, done) = try_once();
        };
        if let (Some(busy), Some(tctx)) = (busy, &tctx) {
            match self.exec.sqpoll.as_deref() {
                None => self.run_missed(call, busy, tctx),
                Some(sqpoll) => {
                    if busy.into_missed() || self.has_calls() {
                        self.submit_for_thread(call, sqpoll, tctx);
                    }
                }
            }
        }
        result
    }
}
