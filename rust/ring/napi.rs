// SPDX-License-Identifier: GPL-2.0

//! The queues that a ring polls: `IORING_REGISTER_NAPI`.

use super::Locked;
use crate::{
    req::OwnedReq,
    sys::{napi, time::Ktime},
    uapi::{
        errno::{Result, EEXIST, EINVAL, ENOENT},
        napi::{NapiOp, NapiSettings, Tracking},
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KVVec},
    fs::File,
    time::Delta,
};

/// The queues of a ring, and how it polls them.
#[derive(Default)]
pub(crate) struct Queues {
    pub(crate) settings: NapiSettings,
    /// The number of each, and the time from which on it is stale.
    all: KVVec<(u32, Ktime)>,
}

impl Queues {
    /// How long a queue is polled that nobody has waited for.
    const LASTING: Delta = Delta::from_secs(60);

    /// Adds a queue, or has one that is there last again.
    fn add(&mut self, id: u32) -> Result {
        if !napi::is_valid(id) {
            return Err(EINVAL);
        }
        let until = Ktime::now().after(Self::LASTING);
        if let Some(known) = self.all.iter_mut().find(|(known, _)| *known == id) {
            known.1 = until;
            return Err(EEXIST);
        }
        Ok(self.all.push((id, until), GFP_KERNEL_ACCOUNT)?)
    }

    fn remove(&mut self, id: u32) -> Result {
        if !napi::is_valid(id) {
            return Err(EINVAL);
        }
        let before = self.all.len();
        self.all.retain(|(known, _)| *known != id);
        if self.all.len() == before {
            return Err(ENOENT);
        }
        Ok(())
    }

    /// Does what a registration asks for.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for a queue that there cannot be, or if they are not told; `-EEXIST`, `-ENOENT`, `-ENOMEM`.
    pub(crate) fn apply(&mut self, op: NapiOp) -> Result {
        match op {
            NapiOp::Set(settings) => {
                *self = Self {
                    settings,
                    ..Self::default()
                };
                Ok(())
            }
            _ if self.settings.tracking != Tracking::Static => Err(EINVAL),
            NapiOp::Add(id) => self.add(id),
            NapiOp::Remove(id) => self.remove(id),
        }
    }

    /// The numbers of those that there are to poll.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn to_poll(&self) -> Result<KVVec<u32>> {
        let mut ids = KVVec::with_capacity(self.all.len(), GFP_KERNEL_ACCOUNT)?;
        for (id, _) in &self.all {
            ids.push(*id, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(ids)
    }

    /// Forgets those that nobody has waited for lately.
    pub(crate) fn remove_stale(&mut self) {
        if self.settings.tracking == Tracking::Dynamic {
            let now = Ktime::now();
            self.all.retain(|(_, until)| now <= *until);
        }
    }
}

impl Locked<'_> {
    /// How the ring has queues of network devices polled.
    pub(crate) fn napi_settings(&self) -> NapiSettings {
        let queues = self.state.napi.as_ref();
        queues.map_or_else(NapiSettings::default, |queues| queues.settings)
    }

    /// Notes the queue of the socket that a request waits for.
    #[inline(always)] // poll/32
    pub(crate) fn note_queue(&mut self, req: &OwnedReq) {
        if napi::is_used() {
            self.note_queue_of(req.file());
        }
    }

    fn note_queue_of(&mut self, file: Option<&File>) {
        let Some(queues) = &mut self.state.napi else {
            return;
        };
        if queues.settings.tracking != Tracking::Dynamic {
            return;
        }
        if let Some(id) = file.and_then(napi::queue_of) {
            // One that is known already lasts again, and one for which there is no memory is not polled.
            _ = queues.add(id);
        }
    }
}
