// SPDX-License-Identifier: GPL-2.0

//! Registering buffers. `io_uring/rsrc.c` of the kernel.

use super::{tags::TagObjects, Locked, Ring};
use crate::{
    rsrc::{
        buffers::{BufferTable, NewBuffer, RegisteredBuffer},
        table::RsrcSource,
    },
    sys::{context::InCall, pin::FolioTable, user},
    uapi::{
        abi::clone,
        errno::{Result, EBUSY, EINVAL, ENXIO},
        registered::CLONE_FROM,
        structs::{CloneBuffers, RsrcRegister, RsrcUpdate2},
    },
};
use core::pin::Pin;
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    sync::{Arc, UniqueArc},
    transmute::FromBytes,
};

impl Ring {
    /// `IORING_REGISTER_BUFFERS2`: `arg` is the address of a `struct io_uring_rsrc_register`.
    ///
    /// # Errors
    ///
    /// Those of [`read_register`] and [`Ring::register_buffers`].
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
    pub(crate) fn register_buffers2(self: &Arc<Self>, arg: u64, size: u32) -> Result {
        let (count, source) = read_register(arg, size)?;
        self.register_buffers(count, source)
    }

    /// Makes a table of `count` buffers: all of them, or none.
    ///
    /// # Errors
    ///
    /// `-EBUSY` if there is a table, `-EINVAL` for no buffers or too many, `-EBADFD` if the ring was closed
    /// meanwhile; those of [`NewBuffer::read`] and [`NewBuffer::pin`].
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
    pub(crate) fn register_buffers(self: &Arc<Self>, count: u32, source: RsrcSource) -> Result {
        let new = {
            let mut locked = self.lock()?;
            if locked.buffers().len() != 0 {
                return Err(EBUSY);
            }
            locked.new_buffers(self, source)?
        };
        let mut table = BufferTable::default();
        table.create(count)?;
        for number in 0..count {
            // Nobody uses them yet, so that dropping them is all if there is an error, and posts no tag.
            table.replace(number as usize, new.make(number)?);
        }
        let mut locked = self.lock()?;
        locked.check_alive()?;
        if locked.buffers().len() != 0 {
            return Err(EBUSY);
        }
        locked.state.buffers.fill(table);
        Ok(())
    }

    /// `IORING_REGISTER_BUFFERS_UPDATE`: `arg` is the address of a
    /// `struct io_uring_rsrc_update2`. Returns how many were replaced.
    ///
    /// # Errors
    ///
    /// Those of [`read_update`] and of [`Slots::check`](crate::rsrc::table::Slots::check), and what the first one
    /// says.
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
    pub(crate) fn update_buffers(self: &Arc<Self>, arg: u64, size: u32) -> Result<i64> {
        let (first, count, source) = read_update(arg, size)?;
        let new = {
            let mut locked = self.lock()?;
            locked.state.buffers.check(first, count)?;
            source.check()?;
            locked.new_buffers(self, source)?
        };
        as_many(count, |number| {
            let buffer = new.make(number)?;
            let mut locked = self.lock()?;
            locked.check_alive()?;
            // Somebody else may have replaced the table meanwhile.
            locked.state.buffers.check(first, count)?;
            let index = (first + number) as usize;
            if let Some(old) = locked.state.buffers.replace(index, buffer) {
                locked.put_buffer(old);
            }
            Ok(())
        })
        .map(i64::from)
    }
}

impl Ring {
    /// `IORING_REGISTER_CLONE_BUFFERS`: `arg` is the address of a `struct io_uring_clone_buffers`. `ring_named` looks up a
    /// descriptor, or an index.
    ///
    /// The two rings are locked one after the other, so that no order is needed between them.
    ///
    /// # Errors
    ///
    /// `-EBUSY` if there is a table that is not to be replaced, what `ring_named` says,
    /// `-EEXIST` if the source is another task's, `-EINVAL`, `-EFAULT`, `-ENOMEM`; those of [`BufferTable::cloned`].
    ///
    /// # Context
    ///
    /// May sleep. No ring is locked.
    pub(crate) fn clone_buffers(
        &self,
        call: InCall<'_>,
        arg: u64,
        ring_named: impl FnOnce(u32, bool) -> Result<Arc<Ring>>,
    ) -> Result {
        let args: CloneBuffers = user::read(arg)?;
        if args.flags & !(clone::DST_REPLACE | CLONE_FROM) != 0 {
            return Err(EINVAL);
        }
        let replaces = args.flags & clone::DST_REPLACE != 0;
        let locked_if_free = || {
            let locked = self.lock_in(call)?;
            locked.check_alive()?;
            let is_free = replaces || locked.buffers().len() == 0;
            is_free.then_some(locked).ok_or(EBUSY)
        };
        drop(locked_if_free()?);
        if args.pad != [0; 3] {
            return Err(EINVAL);
        }
        let source = ring_named(args.src_fd, args.flags & CLONE_FROM != 0)?;
        let cloned = {
            let locked = source.lock_in(call)?;
            if !core::ptr::eq(&*source, self) {
                locked.check_issuer()?;
            }
            locked.buffers().cloned(&args)?
        };
        let first = args.dst_off as usize;
        let mut locked = locked_if_free()?;
        locked.state.buffers.extend(first + cloned.len())?;
        // Nothing fails from here on.
        for (number, buffer) in cloned.into_iter().enumerate() {
            if let Some(old) = locked.state.buffers.replace(first + number, buffer) {
                locked.put_buffer(old);
            }
        }
        Ok(())
    }
}

/// Reads the `struct io_uring_rsrc_register` at user address `arg`, of which user space says the size: how many slots
/// there are to be, and what is to be in them.
///
/// # Errors
///
/// `-EINVAL` if it has another size or cannot be meant, `-EFAULT` if it cannot be read.
pub(super) fn read_register(arg: u64, size: u32) -> Result<(u32, RsrcSource)> {
    let RsrcRegister { nr, data, tags, .. } = read_sized::<RsrcRegister>(arg, size)?.check()?;
    Ok((nr, RsrcSource { data, tags }))
}

/// Reads the `struct io_uring_rsrc_update2` at user address `arg`: the first slot, how many, and what is to be there.
///
/// # Errors
///
/// As those of [`read_register`].
pub(super) fn read_update(arg: u64, size: u32) -> Result<(u32, u32, RsrcSource)> {
    let update = read_sized::<RsrcUpdate2>(arg, size)?.check()?;
    let RsrcUpdate2 { data, tags, .. } = update;
    Ok((update.offset, update.nr, RsrcSource { data, tags }))
}

fn read_sized<T: FromBytes>(arg: u64, size: u32) -> Result<T> {
    if size as usize != size_of::<T>() {
        return Err(EINVAL);
    }
    user::read(arg)
}

/// Does something with the numbers below `count`, as long as it succeeds. Returns with how many it has.
///
/// # Errors
///
/// What the first one says: later ones only end it.
pub(crate) fn as_many(count: u32, mut with: impl FnMut(u32) -> Result) -> Result<u32> {
    for number in 0..count {
        match with(number) {
            Ok(()) => {}
            Err(error) if number == 0 => return Err(error),
            Err(_) => return Ok(number),
        }
    }
    Ok(count)
}

/// Buffers that are made while their ring is not locked.
struct NewBuffers {
    source: RsrcSource,
    folio_table: Arc<FolioTable>,
    /// Most pages that the user may have pinned.
    most: usize,
    tags: TagObjects,
}

impl NewBuffers {
    /// Makes the one with this number, if there is to be one.
    fn make(&self, number: u32) -> Result<Option<Arc<RegisteredBuffer>>> {
        let wanted = NewBuffer::read(self.source, number)?;
        let Some(memory) = wanted.pin(&self.folio_table, self.most)? else {
            return Ok(None);
        };
        let tag = self.tags.make(wanted.tag)?;
        let memory = Arc::new(memory, GFP_KERNEL_ACCOUNT)?;
        let buffer = RegisteredBuffer { memory, tag };
        Ok(Some(Arc::new(buffer, GFP_KERNEL_ACCOUNT)?))
    }
}

impl Locked<'_> {
    /// The table of the ring's registered buffers.
    #[inline]
    pub(crate) fn buffers(&self) -> &BufferTable {
        &self.state.buffers
    }

    /// What it takes to make the buffers that `source` says.
    fn new_buffers(&mut self, ring: &Arc<Ring>, source: RsrcSource) -> Result<NewBuffers> {
        Ok(NewBuffers {
            folio_table: self.state.buffers.folio_table()?,
            most: self.ring.policy.limits.pinned,
            tags: self.tag_objects(ring, source.tags != 0)?,
            source,
        })
    }

    /// `IORING_UNREGISTER_BUFFERS`: lets go of all registered buffers.
    ///
    /// # Errors
    ///
    /// `-ENXIO` if there are none.
    pub(crate) fn unregister_buffers(&mut self) -> Result {
        let mut slots = self.state.buffers.remove();
        if slots.is_empty() {
            return Err(ENXIO);
        }
        while let Some(slot) = slots.pop() {
            if let Some(buffer) = slot {
                self.put_buffer(buffer);
            }
        }
        Ok(())
    }

    /// Drops a reference to a buffer. With the last one its tag is posted.
    #[inline]
    pub(crate) fn put_buffer(&mut self, buffer: Arc<RegisteredBuffer>) {
        if let Some(buffer) = Arc::into_unique_or_drop(buffer) {
            self.end_buffer(Pin::into_inner(buffer));
        }
    }

    /// Ends a buffer that nobody else has, and posts its tag.
    #[cold] // send-late-fixed/zc/64/8
    fn end_buffer(&mut self, mut buffer: UniqueArc<RegisteredBuffer>) {
        let req = buffer.tag.take();
        // Unpinned first: who sees the tag finds nothing of it any more.
        drop(buffer);
        if let Some(req) = req {
            let done = req.core().cqe;
            self.complete(req, done);
        }
    }
}
