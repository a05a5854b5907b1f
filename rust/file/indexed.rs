// SPDX-License-Identifier: GPL-2.0

//! Calls for a ring by its index, on whatever file of the module, and how rings get one: `io_uring/tctx.c` of the kernel.

use crate::{
    exec::{enter::Arguments, registered::RegisteredRings},
    ring::{buffer_table::as_many, Ring},
    sys::{
        context::InCall,
        fd::OpenFile,
        ringfile::{self, is_ring},
        user,
    },
    uapi::{
        errno::{Result, EFAULT, EINVAL, ENOTTY, EOPNOTSUPP},
        registered::{self, RegisterIndexed},
        structs::{Register, RsrcUpdate},
    },
};
use kernel::sync::Arc;

/// `RURING_IOC_ENTER` on the device, with its argument at user address `arg`.
///
/// # Errors
///
/// `-ENOTTY` if no index is meant; `-EFAULT`; those of [`RegisteredRings::enter`].
///
/// # Context
///
/// In the ioctl(2) of a task, without any lock. Sleeps while it waits.
pub(crate) fn enter(rings: &RegisteredRings, call: InCall<'_>, arg: u64) -> Result<i64> {
    let enter = user::read_enter(arg)?;
    if enter.flags & registered::ENTER == 0 {
        return Err(ENOTTY);
    }
    rings.enter(&Arguments::new(call, &enter), enter.index)
}

/// `RURING_IOC_REGISTER_INDEXED`, with its argument at user address `arg`.
///
/// # Errors
///
/// `-EFAULT`, `-EINVAL`; those of [`RegisteredRings::find`] and [`Ring::register`].
///
/// # Context
///
/// May sleep. No lock is held.
pub(crate) fn register(rings: &RegisteredRings, call: InCall<'_>, arg: u64) -> Result<i64> {
    let what: RegisterIndexed = user::read(arg)?;
    if what.resv != 0 || what.opcode & registered::USE == 0 {
        return Err(EINVAL);
    }
    let ring = rings.find(what.index)?;
    let what = Register {
        arg: what.arg,
        opcode: what.opcode & !registered::USE,
        nr_args: what.nr_args,
    };
    ring.register(call, &what)
}

/// `IORING_REGISTER_RING_FDS`: an array of `nr_args` `struct io_uring_rsrc_update` at user address `arg`, each with a descriptor and
/// the index that it is to have, which is filled in. Returns how many were registered.
///
/// # Errors
///
/// What the first one says: `-EINVAL`, `-EFAULT`, `-EBADF`, `-EOPNOTSUPP` for what is no ring of ruring, and those of
/// [`RegisteredRings::add`].
///
/// # Context
///
/// May sleep. No ring is locked.
pub(super) fn register_rings(
    rings: &Arc<RegisteredRings>,
    call: InCall<'_>,
    arg: u64,
    nr_args: u32,
) -> Result<i64> {
    for_each_update(arg, nr_args, |addr, mut update| {
        let places = registered::places(&update)?;
        let file = OpenFile::get(call.task(), update.data as i32)?;
        if !is_ring::<Ring>(&file) {
            return Err(EOPNOTSUPP);
        }
        let index = rings.add(call.task(), file, places)?;
        update.offset = index as u32;
        user::write(addr, &update).map_err(|_| {
            rings.remove(call.task(), index);
            EFAULT
        })
    })
}

/// `IORING_UNREGISTER_RING_FDS`: as many of them no more, each at the index that its element names. Returns how many elements were
/// right.
///
/// # Errors
///
/// What the first one says: `-EINVAL`, `-EFAULT`.
///
/// # Context
///
/// May sleep. No ring is locked.
pub(super) fn unregister_rings(
    rings: &RegisteredRings,
    call: InCall<'_>,
    arg: u64,
    nr_args: u32,
) -> Result<i64> {
    for_each_update(arg, nr_args, |_, update| {
        rings.remove(call.task(), registered::freed(&update)?);
        Ok(())
    })
}

/// The ring behind a descriptor, or an index, of the current task.
///
/// # Errors
///
/// `-EBADF` if there is no such file, `-EOPNOTSUPP` if it is no ring, and those of [`RegisteredRings::find`].
pub(super) fn ring_named(
    rings: &RegisteredRings,
    call: InCall<'_>,
    fd: u32,
    is_index: bool,
) -> Result<Arc<Ring>> {
    if is_index {
        return rings.find(fd);
    }
    let file = OpenFile::get(call.task(), fd as i32)?;
    ringfile::ring_of(&file).ok_or(EOPNOTSUPP)
}

/// Reads the `nr_args` elements of an array at user address `arg`, one after the other, and has `then` handle each with its own
/// address. Returns how many were right, or what the first one says.
fn for_each_update(
    arg: u64,
    nr_args: u32,
    mut then: impl FnMut(u64, RsrcUpdate) -> Result,
) -> Result<i64> {
    registered::check_count(nr_args)?;
    let done = as_many(nr_args, |number| {
        let offset = u64::from(number) * size_of::<RsrcUpdate>() as u64;
        let addr = arg.wrapping_add(offset);
        then(addr, user::read(addr)?)
    });
    done.map(i64::from)
}
