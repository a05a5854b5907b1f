// SPDX-License-Identifier: GPL-2.0

//! Polling the queues of network devices before a wait. `io_uring/napi.c` of the kernel.

use crate::{
    ring::Ring,
    sys::{napi, signal, time::Ktime},
    uapi::args::timeout::Clock,
};
use kernel::time::Delta;

impl Ring {
    /// Polls the queues that the ring knows of, until what is waited for is there (`is_over`), for as long as the ring is
    /// to, but not beyond `deadline`, a time of `clock`, and not if others want the processor.
    ///
    /// # Context
    ///
    /// Without locks. May sleep.
    #[cold] // recv-armed/udp/1
    pub(super) fn poll_queues(
        &self,
        clock: Clock,
        deadline: Option<Ktime>,
        is_over: impl Fn() -> bool,
    ) {
        let Some((ids, settings)) = self.lock().ok().and_then(|locked| {
            let queues = locked.state.napi.as_ref()?;
            Some((queues.to_poll().ok()?, queues.settings))
        }) else {
            return;
        };
        if ids.is_empty() || self.exec.sqpoll.is_some() {
            return;
        }
        let start = Ktime::now();
        let mut longest = Delta::from_micros(settings.micros.into());
        if let Some(deadline) = deadline {
            longest = longest.min(deadline.since(Ktime::now_by(clock)).max(Delta::ZERO));
        }
        loop {
            for id in &ids {
                napi::poll(*id, settings.prefer);
            }
            if signal::pending()
                || signal::notified()
                || is_over()
                || Ktime::now().since(start) >= longest
                || napi::is_wanted_by_others()
            {
                break;
            }
        }
        if let Ok(mut locked) = self.lock() {
            if let Some(queues) = &mut locked.state.napi {
                queues.remove_stale();
            }
        }
    }
}
