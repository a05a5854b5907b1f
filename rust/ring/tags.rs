// SPDX-License-Identifier: GPL-2.0

//! Tags: completions that tell that nobody uses something any more that was registered.

use super::{Locked, Ring};
use crate::{
    req::{
        self,
        tctx::{Submitter, TaskCtx},
        OwnedReq,
    },
    uapi::{
        errno::{Result, EINVAL},
        structs::Cqe,
    },
};
use kernel::{sync::Arc, warn_on};

/// The task context that the objects of tags belong to, if there are any tags.
pub(crate) struct TagObjects(Option<Arc<TaskCtx>>);

impl TagObjects {
    /// The objects for slots that have no tags: none.
    pub(crate) const NONE: Self = Self(None);

    /// An object with the completion for a tag in it, so that posting that needs no memory. None for
    /// a tag that is 0.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    pub(crate) fn make(&self, tag: u64) -> Result<Option<OwnedReq>> {
        if tag == 0 {
            return Ok(None);
        }
        let Some(tctx) = self.0.as_ref() else {
            // Without a task context there is no array that a tag could come from.
            warn_on!(true);
            return Err(EINVAL);
        };
        let mut req = req::new(tctx.clone())?;
        req.core_mut().cqe = Cqe {
            user_data: tag,
            res: 0,
            flags: 0,
        };
        Ok(Some(req))
    }
}

impl Locked<'_> {
    /// Sees to it that objects of tags can be somebody's, if there are to be `tags`.
    ///
    /// # Errors
    ///
    /// `-EINVAL` in a task without memory of its own, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn tag_objects(&mut self, ring: &Arc<Ring>, tags: bool) -> Result<TagObjects> {
        if !tags {
            return Ok(TagObjects::NONE);
        }
        Ok(TagObjects(Some(self.tctx_for_tags(ring)?.clone())))
    }

    /// The task context of objects that only keep a completion.
    fn tctx_for_tags(&mut self, ring: &Arc<Ring>) -> Result<&Arc<TaskCtx>> {
        let tctx = match self.state.tags.take() {
            Some(tctx) => tctx,
            // In no record of the ring: the task may be no submitter, and no request comes back.
            None => TaskCtx::new(Submitter::current(ring.clone(), u16::MAX)?)?,
        };
        Ok(self.state.tags.insert(tctx))
    }

    /// An object for the completion of nobody's request, which finds no room.
    ///
    /// # Errors
    ///
    /// Those of [`Locked::tag_objects`].
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn spare_object(&mut self, ring: &Arc<Ring>) -> Result<OwnedReq> {
        let tctx = self.tctx_for_tags(ring)?.clone();
        Ok(req::new(tctx)?)
    }
}
