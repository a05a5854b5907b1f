// SPDX-License-Identifier: GPL-2.0

//! The requests of a ring: their objects, of which those that are over are used again, and the table by which those
//! that wait are found.

use super::{Locked, Ring, SubmitterRecord};
use crate::{
    req::{self, tctx::TaskCtx, Job, OwnedReq, Request},
    rsrc::files::FileRef,
    sys::{context::InTask, fd::OpenFile, object::Object, socket::Socket},
    uapi::{
        abi::setup,
        errno::{Result, EAFNOSUPPORT, EBADFD, EEXIST},
        policy::Families,
    },
};
use kernel::{fs::File, sync::Arc, warn_on};

impl Locked<'_> {
    /// An object of `tctx`, for a request.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    #[inline]
    pub(crate) fn object(&mut self, tctx: &Arc<TaskCtx>) -> kernel::error::Result<OwnedReq> {
        let record = self.state.submitters.get_mut(usize::from(tctx.slot));
        if let Some(record) = record {
            record.used += 1;
            if let Some(req) = record.objects.pop() {
                return Ok(req);
            }
        }
        self.new_object(tctx)
    }

    /// The rest of [`Locked::object`], which finds none that was used before.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    #[cold] // nop/1
    fn new_object(&mut self, tctx: &Arc<TaskCtx>) -> kernel::error::Result<OwnedReq> {
        // Who submits has a record, which stays as long as the ring is locked.
        warn_on!(!self.has_record(tctx));
        req::new(tctx.clone()).inspect_err(|_| self.unuse(tctx.slot))
    }

    /// Counts one object less in use by the submitter in this slot.
    pub(crate) fn unuse(&mut self, slot: u16) {
        if let Some(record) = self.state.submitters.get_mut(usize::from(slot)) {
            record.used -= 1;
        } else {
            // Its record stays as long as the ring is locked.
            warn_on!(true);
        }
    }

    /// Keeps an object of `tctx` that was not used for anything that waited.
    #[inline]
    pub(crate) fn give_back(&mut self, tctx: &TaskCtx, req: OwnedReq) {
        if let Some(record) = self.state.submitters.get_mut(usize::from(tctx.slot)) {
            record.used -= 1;
            record.objects.push(req);
        } else {
            // Its record stays as long as the ring is locked.
            warn_on!(true);
        }
    }

    /// Keeps the object of a request that is over for the next one.
    #[inline]
    pub(crate) fn recycle(&mut self, mut req: OwnedReq) {
        req.reset_wake_flags();
        let tctx = req.object().tctx();
        // The object of a tag has no record, nor has one that comes back when the ring has let go of all: these are freed.
        let record = self.state.submitters.get_mut(usize::from(tctx.slot));
        if let Some(record) = record.filter(|record| Arc::ptr_eq(&record.tctx, tctx)) {
            record.used -= 1;
            record.objects.push(req);
        }
    }

    /// Ends a request's waiting: nobody finds it or wakes it up any more.
    #[inline(always)] // poll/32
    pub(crate) fn stop_waiting(&mut self, req: &mut OwnedReq) {
        req.disarm();
        self.state.waiting.remove(req);
    }

    /// Lists a request no more that is to wait for something else. What limits its time goes on.
    pub(crate) fn unlist(&mut self, req: &mut OwnedReq) {
        req.unwatch();
        self.state.waiting.remove(req);
    }

    /// The requests that wait under `user_data`, the latest first.
    pub(crate) fn waiting(&self, user_data: u64) -> impl Iterator<Item = &Object<Request>> {
        self.state.waiting.get(user_data)
    }

    /// Has [`Locked::waiting_for`] look at those for one file only, if there are many.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn index_files(&mut self) {
        self.state.waiting.index_files(|object| object.file_id());
    }

    /// The requests that wait and may be for the file with this id, all of those that are among them. All if none is given.
    pub(crate) fn waiting_for(
        &self,
        file_id: Option<usize>,
    ) -> impl Iterator<Item = &Object<Request>> {
        self.state.waiting.get_by_file(file_id)
    }

    /// All requests that wait.
    pub(crate) fn all_waiting(&self) -> impl Iterator<Item = &Object<Request>> {
        self.state.waiting.iter()
    }

    /// Finds out whether the ring may use a file.
    ///
    /// # Errors
    ///
    /// `-EAFNOSUPPORT` for a socket of a family that it may not.
    pub(crate) fn check_family(&self, file: &File) -> Result {
        let families = self.ring.policy.families;
        if families == Families::ALL {
            return Ok(());
        }
        match Socket::of(file) {
            Ok(socket) if !families.allow(socket.family()) => Err(EAFNOSUPPORT),
            _ => Ok(()),
        }
    }

    /// The file that a job is for.
    ///
    /// # Errors
    ///
    /// `-EBADF` if there is none.
    #[inline]
    pub(crate) fn get_file(&self, task: InTask<'_>, job: &Job) -> Result<FileRef> {
        if job.flags.fixed_file() {
            return self.registered(job.fd);
        }
        Ok(FileRef::Own(OpenFile::get(task, job.fd)?))
    }
}

impl Locked<'_> {
    /// Counts an object whose completion waits for room.
    pub(crate) fn count_kept(&mut self, req: &OwnedReq) {
        if self.has_record(req.object().tctx()) {
            self.state.kept += 1;
        }
    }

    /// Does not count that object any more, whose completion has found room.
    pub(crate) fn uncount_kept(&mut self, req: &OwnedReq) {
        if self.has_record(req.object().tctx()) {
            self.state.kept -= 1;
        }
    }

    /// Whether the objects of `tctx` are counted.
    pub(crate) fn has_record(&self, tctx: &Arc<TaskCtx>) -> bool {
        let record = self.state.submitters.get(usize::from(tctx.slot));
        record.is_some_and(|record| Arc::ptr_eq(&record.tctx, tctx))
    }
}

impl Locked<'_> {
    /// Whether it is this ring that is locked.
    pub(crate) fn locks(&self, ring: &Ring) -> bool {
        core::ptr::eq(self.ring, ring)
    }

    /// Whether a task that has submitted to the ring can still come back to it.
    pub(crate) fn has_live_submitter(&self) -> bool {
        let mut records = self.state.submitters.iter();
        records.any(|record| record.tctx.is_alive())
    }
}

impl Locked<'_> {
    /// Whether the current task may register something.
    ///
    /// # Errors
    ///
    /// `-EEXIST` if the ring is for a single issuer, and that is another task.
    pub(crate) fn check_issuer(&self) -> Result {
        let submitters = &self.state.submitters;
        let is_current = |record: &SubmitterRecord| record.tctx.task().is_current();
        if self.ring.config.has(setup::SINGLE_ISSUER)
            && !submitters.is_empty()
            && !submitters.iter().any(is_current)
        {
            return Err(EEXIST);
        }
        Ok(())
    }

    /// See [`Ring::check_alive`].
    ///
    /// # Errors
    ///
    /// `-EBADFD` if it has ended.
    #[inline]
    pub(crate) fn check_alive(&self) -> Result {
        self.ring.check_alive()
    }

    /// A reference to the current task's submitter, if it is one, which [`Locked::put_submitter`] may take back.
    #[inline]
    pub(crate) fn get_submitter(&mut self) -> Option<Arc<TaskCtx>> {
        let mut records = self.state.submitters.iter_mut();
        let record = records.find(|record| record.tctx.is_current())?;
        let spare = record.spare.take();
        Some(spare.unwrap_or_else(|| record.tctx.clone()))
    }

    /// Keeps a reference for the next [`Locked::get_submitter`].
    #[inline]
    pub(crate) fn put_submitter(&mut self, tctx: Arc<TaskCtx>) {
        let record = self.state.submitters.get_mut(usize::from(tctx.slot));
        let spare = match record.filter(|record| Arc::ptr_eq(&record.tctx, &tctx)) {
            Some(record) => record.spare.replace(tctx),
            None => Some(tctx),
        };
        if let Some(spare) = spare {
            TaskCtx::put(spare);
        }
    }

    /// The current task's submitter, if it is one.
    pub(crate) fn submitter(&self) -> Option<&Arc<TaskCtx>> {
        self.state
            .submitters
            .iter()
            .map(|record| &record.tctx)
            .find(|tctx| tctx.is_current())
    }
}

impl Ring {
    /// Whether it still keeps what is given to it. What was made ready with the ring unlocked is to ask for that, with the ring
    /// locked.
    ///
    /// # Errors
    ///
    /// `-EBADFD` if it has ended: what is put in now would never be released.
    #[inline]
    pub(crate) fn check_alive(&self) -> Result {
        if self.is_dying() {
            return Err(EBADFD);
        }
        Ok(())
    }
}

/// Identifies an object while there is one.
pub(crate) fn object_id(object: &Object<Request>) -> usize {
    core::ptr::from_ref(object) as usize
}
