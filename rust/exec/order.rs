// SPDX-License-Identifier: GPL-2.0

//! Sends that are tried in the order in which they were submitted (`RURING_SEND_ORDERED`).
//!
//! Of those of one ring and one open file the first is in front, from before its first attempt until it is over. The others
//! wait here, in their order, and none is tried before it is in front. They can be found and cancelled all the while, as
//! what waits for a worker can be, and one that ends so never was in front. Whoever is in front has a reference to the file,
//! which therefore identifies it.
//!
//! What has no such flag is not asked for its turn: it costs nothing, and may overtake.

use crate::{
    exec::dispatch,
    req::{OwnedReq, ReqMut, Request},
    ring::Locked,
    sys::{
        fd,
        object::Object,
        queue::{Fifo, LinkedList},
    },
    uapi::errno::{Result, ENOMEM},
};
use kernel::{alloc::flags::GFP_KERNEL_ACCOUNT, rbtree::RBTree, warn_on};

/// Those that wait behind one that is in front, by the id of their open file.
#[derive(Default)]
pub(crate) struct Order {
    behind: RBTree<usize, LinkedList<Request>>,
}

impl Order {
    /// Moves the waiting sends that `which` picks to `out`.
    pub(super) fn extract(&mut self, out: &mut Fifo<Request>, which: impl Fn(&OwnedReq) -> bool) {
        for queue in self.behind.values_mut() {
            queue.move_out(out, &which);
        }
    }

    /// Takes the request of `object` out, if it is here.
    pub(super) fn remove(&mut self, object: &Object<Request>) -> Option<OwnedReq> {
        self.behind.get_mut(&object.file_id())?.remove(object)
    }
}

impl Locked<'_> {
    /// Whether an ordered send is in front of its file's others, which it gets if there are none. Looks its file up, if it
    /// has none yet.
    ///
    /// # Errors
    ///
    /// What the look-up says, and `-ENOMEM`.
    pub(super) fn get_in_front(&mut self, req: &mut ReqMut<'_>) -> Result<bool> {
        if req.core_mut().job.flags.in_front() {
            return Ok(true);
        }
        dispatch::find_needed_file(self, req)?;
        let (core, file) = req.split();
        let Some(file) = file else {
            // It fails at once.
            return Ok(true);
        };
        let id = fd::id(file);
        let behind = &mut self.state.exec.order.behind;
        if behind.get(&id).is_some() {
            return Ok(false);
        }
        behind
            .try_create_and_insert(id, LinkedList::new(), GFP_KERNEL_ACCOUNT)
            .map_err(|_| ENOMEM)?;
        core.job.flags.set_in_front();
        Ok(true)
    }

    /// Has an ordered send wait behind the one that is in front.
    pub(super) fn wait_for_turn(&mut self, req: OwnedReq) {
        let Some(req) = self.queue_up(req) else {
            return;
        };
        let id = req.file().map(fd::id);
        let behind = &mut self.state.exec.order.behind;
        match id.and_then(|id| behind.get_mut(&id)) {
            Some(queue) => queue.push(req),
            None => {
                // Nobody is in front any more.
                req.object().set_back();
                self.requeue(req);
            }
        }
    }

    /// Has the next one go on after the one that was in front of the open file of this id.
    pub(super) fn requeue_next(&mut self, id: usize) {
        let behind = &mut self.state.exec.order.behind;
        let Some(queue) = behind.get_mut(&id) else {
            // Whoever is in front of a file has made its queue, which stays until it has left.
            warn_on!(true);
            return;
        };
        let Some(mut req) = queue.pop() else {
            behind.remove(&id);
            return;
        };
        req.core_mut().job.flags.set_in_front();
        req.object().set_back();
        self.requeue(req);
    }

    /// Takes the order off a send whose result is known but not told yet: the next one may go on.
    pub(super) fn make_unordered(&mut self, req: &mut OwnedReq) {
        let in_front = req.core().job.flags.in_front();
        req.core_mut().job.flags.clear_ordered();
        if let Some(id) = req.file().map(fd::id).filter(|_| in_front) {
            self.requeue_next(id);
        }
    }
}
