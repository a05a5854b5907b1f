// SPDX-License-Identifier: GPL-2.0

//! Credentials that requests can be done with: `IORING_REGISTER_PERSONALITY`, and `sqe->personality`.

use crate::{
    sys::task::Credentials,
    uapi::errno::{Result, EBUSY, EINVAL},
};
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    rbtree::{RBTree, RBTreeNode},
    sync::Arc,
};

/// The credentials that are registered with a ring, by their ids, which are not 0.
#[derive(Default)]
pub(crate) struct Personalities {
    all: Option<RBTree<u16, Arc<Credentials>>>,
    /// The last id that was given away.
    last: u16,
}

impl Personalities {
    /// Registers the current task's credentials. Returns their id: the next that is free after the last one, from
    /// the beginning when there are none left.
    ///
    /// # Errors
    ///
    /// `-EBUSY` if all ids are taken, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn register(&mut self) -> Result<i32> {
        let all = self.all.get_or_insert_with(RBTree::new);
        let after = (self.last.wrapping_add(1)..=u16::MAX).chain(1..=self.last);
        let mut free = after.filter(|id| *id != 0 && all.get(id).is_none());
        let id = free.next().ok_or(EBUSY)?;
        let credentials = Arc::new(Credentials::current(), GFP_KERNEL_ACCOUNT)?;
        let node = RBTreeNode::new(id, credentials, GFP_KERNEL_ACCOUNT)?;
        all.insert(node);
        self.last = id;
        Ok(id.into())
    }

    /// Forgets those with this id. Requests that have them keep them.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if there are none.
    pub(crate) fn unregister(&mut self, id: u32) -> Result {
        let id = u16::try_from(id).map_err(|_| EINVAL)?;
        let all = self.all.as_mut().ok_or(EINVAL)?;
        all.remove(&id).map(drop).ok_or(EINVAL)
    }

    /// The credentials that are registered under this id.
    pub(crate) fn get(&self, id: u16) -> Option<&Arc<Credentials>> {
        self.all.as_ref()?.get(&id)
    }
}
