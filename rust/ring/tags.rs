// SPDX-License-Identifier: GPL-2.0

//! Tags: completions that tell that nobody uses something any more that was registered.

use super::{Locked, Ring};
use crate::{
    req::{
        self,
        home::{Home, Submitter},
        Token,
    },
    sys::context::At,
    uapi::{
        abi::Cqe,
        errno::{Result, EINVAL},
    },
};
use kernel::sync::Arc;

impl Ring {
    /// Locks it. Makes sure, if there are to be tags, that their cells can be somebody's.
    pub(super) fn lock_for_tags<'r>(
        self: &'r Arc<Self>,
        at: impl Into<At<'r>>,
        tags: bool,
    ) -> Result<Locked<'r>> {
        let mut locked = self.lock_at(at)?;
        if tags {
            locked.house_tags(self)?;
        }
        Ok(locked)
    }
}

impl Locked<'_> {
    /// Whose the cells are that only keep a completion.
    fn house_tags(&mut self, ring: &Arc<Ring>) -> Result<&Arc<Home>> {
        if self.state.tags.is_none() {
            // In no record of the ring: the task may be no submitter, and no request comes home.
            let submitter = Submitter::current(ring.clone(), u16::MAX)?;
            self.state.tags = Some(Home::new(submitter)?);
        }
        self.state.tags.as_ref().ok_or(EINVAL)
    }

    /// A cell for the completion of nobody's request, which finds no room.
    #[cold]
    pub(super) fn spare_cell(&mut self, ring: &Arc<Ring>) -> Result<Token> {
        let home = self.house_tags(ring)?.clone();
        Ok(req::new(home)?)
    }

    /// A cell with the completion for a tag in it, so that posting that needs no memory. None for
    /// a tag that is 0.
    pub(super) fn tag_cell(&mut self, tag: u64) -> Result<Option<Token>> {
        if tag == 0 {
            return Ok(None);
        }
        let home = self.state.tags.as_ref().ok_or(EINVAL)?;
        let mut token = req::new(home.clone())?;
        token.owned().cqe = Cqe {
            user_data: tag,
            res: 0,
            flags: 0,
        };
        Ok(Some(token))
    }
}
