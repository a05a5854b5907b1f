// SPDX-License-Identifier: GPL-2.0

//! Tags: completions that tell that nobody uses something any more that was registered.

use super::{Locked, Ring};
use crate::{
    req::{
        self,
        tctx::{Submitter, TaskCtx},
        OwnedReq,
    },
    sys::context::At,
    uapi::{
        abi::Cqe,
        errno::{Result, EINVAL},
    },
};
use kernel::sync::Arc;

impl Ring {
    /// Locks it. Makes sure, if there are to be tags, that their objects can be somebody's.
    pub(crate) fn lock_for_tags<'r>(
        self: &'r Arc<Self>,
        at: impl Into<At<'r>>,
        tags: bool,
    ) -> Result<Locked<'r>> {
        let mut locked = self.lock_at(at)?;
        if tags {
            locked.tctx_for_tags(self)?;
        }
        Ok(locked)
    }
}

impl Locked<'_> {
    /// Whose the objects are that only keep a completion.
    fn tctx_for_tags(&mut self, ring: &Arc<Ring>) -> Result<&Arc<TaskCtx>> {
        if self.state.tags.is_none() {
            // In no record of the ring: the task may be no submitter, and no request comes back.
            let submitter = Submitter::current(ring.clone(), u16::MAX)?;
            self.state.tags = Some(TaskCtx::new(submitter)?);
        }
        self.state.tags.as_ref().ok_or(EINVAL)
    }

    /// An object for the completion of nobody's request, which finds no room.
    #[cold]
    pub(crate) fn spare_object(&mut self, ring: &Arc<Ring>) -> Result<OwnedReq> {
        let tctx = self.tctx_for_tags(ring)?.clone();
        Ok(req::new(tctx)?)
    }

    /// An object with the completion for a tag in it, so that posting that needs no memory. None for
    /// a tag that is 0.
    pub(crate) fn tag_object(&mut self, tag: u64) -> Result<Option<OwnedReq>> {
        if tag == 0 {
            return Ok(None);
        }
        let tctx = self.state.tags.as_ref().ok_or(EINVAL)?;
        let mut req = req::new(tctx.clone())?;
        req.core_mut().cqe = Cqe {
            user_data: tag,
            res: 0,
            flags: 0,
        };
        Ok(Some(req))
    }
}
