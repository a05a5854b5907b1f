// SPDX-License-Identifier: GPL-2.0

//! What can be done with a ring's descriptor: the way by which user space comes in.

mod fdinfo;
pub(crate) mod indexed;
mod napi;
mod region;
mod register;
mod restrictions;
mod setup;
pub(crate) mod without_ring;

use crate::{
    exec::{
        enter::Arguments,
        users::{RingUse, RingUser},
    },
    ring::{memory::RegionPart, Ring},
    sys::{
        context::InCall,
        exit,
        policy::{self, Maker, Revoke},
        ringfile::{Area, RingFile},
        task, user,
        waitqueue::WaitQueue,
    },
    uapi::{
        abi::{events, off},
        errno::{Result, EINVAL, ENOTTY},
        ioctl,
        setup::layout,
        structs::Register,
    },
};
use kernel::{seq_file::SeqFile, sync::Arc};

impl RingFile for Ring {
    #[inline]
    fn ioctl(this: &Arc<Self>, call: InCall<'_>, cmd: u32, arg: u64) -> Result<i64> {
        match cmd {
            ioctl::ENTER => {
                let enter = user::read_enter(arg)?;
                let args = Arguments::new(call, &enter);
                if enter.index != 0 {
                    return this.exec.registered().enter(&args, enter.index);
                }
                this.enter(&args)
            }
            ioctl::REGISTER | ioctl::REGISTER_INDEXED => this.register_any(call, cmd, arg),
            _ => Err(ENOTTY),
        }
    }

    fn pollers(&self) -> &WaitQueue {
        &self.pollers
    }

    fn events(&self) -> u32 {
        let words = &self.memory.words;
        let mut mask = 0;
        let queued = words
            .load::<{ layout::SQ_TAIL }>()
            .wrapping_sub(words.load::<{ layout::SQ_HEAD }>());
        if queued != self.sq_entries() {
            mask |= events::OUT | events::WRNORM;
        }
        let unseen = self.cq_tail() != self.cq_head();
        if unseen || self.overflowing() || self.has_returned_to_any() {
            mask |= events::IN | events::RDNORM;
        }
        // Only a request can still be polling then: it has the ring but not its file.
        if self.is_dying() {
            mask |= events::HUP;
        }
        mask
    }

    fn mappable(&self, offset: u64) -> Result {
        match offset & off::MMAP_MASK {
            off::SQ_RING | off::CQ_RING | off::SQES => Ok(()),
            off::PARAM_REGION => {
                let param = self.param_region.as_ref().ok_or(EINVAL)?;
                param.region.is_mappable().then_some(()).ok_or(EINVAL)
            }
            off::PBUF_RING => {
                let group = Self::group_at(offset)?;
                let mappings = self.mappings.lock();
                let mut ids = mappings.groups.iter().map(|(id, _)| *id);
                ids.any(|id| id == group).then_some(()).ok_or(EINVAL)
            }
            _ => Err(EINVAL),
        }
    }

    fn mmap(&self, area: &Area<'_>) -> Result {
        // Mapped without the lock: it takes page tables, for which whoever maps is charged, and his cgroup may be full.
        let mappings = self.mappings.lock();
        let (part, partly) = match area.offset & off::MMAP_MASK {
            off::SQ_RING | off::CQ_RING => (mappings.rings.clone(), true),
            off::SQES => (mappings.sqes.clone(), false),
            off::PARAM_REGION => {
                drop(mappings);
                let region = &self.param_region.as_ref().ok_or(EINVAL)?.region;
                return area.map(region, 0..region.len(), false);
            }
            off::PBUF_RING => {
                let group = Self::group_at(area.offset)?;
                let mut groups = mappings.groups.iter();
                let (_, region) = groups.find(|(id, _)| *id == group).ok_or(EINVAL)?;
                (RegionPart::whole(region.clone()), false)
            }
            _ => return Err(EINVAL),
        };
        drop(mappings);
        area.map(&part.region, part.bytes, partly)
    }

    fn flush(this: &Arc<Self>) {
        // Where the kernel does not say that a task ends it is only heard of here.
        if !exit::is_heard() && task::current_exiting() {
            this.leave_gone();
        }
    }

    fn release(this: Arc<Self>) {
        policy::unlist(&this);
        this.leave_all();
        // Other rings may be polling this one.
        this.pollers.wake_hup();
    }

    type Mapping = RingUser;

    fn map(this: &Arc<Self>) -> Result<Arc<RingUser>> {
        this.new_mapping()
    }

    fn map_again(mapping: &Arc<RingUser>) {
        mapping.count_mapping();
    }

    fn unmap(mapping: Arc<RingUser>) {
        RingUse::uncount_mapping(mapping);
    }

    fn show_fdinfo(&self, out: &SeqFile) {
        // Whoever holds the mutex may be waiting for the lock that reading fdinfo takes.
        if let Some(locked) = self.try_lock() {
            fdinfo::show(&locked, out);
        }
    }
}

impl Ring {
    #[cold] // call/enter
    fn register_any(self: &Arc<Self>, call: InCall<'_>, cmd: u32, arg: u64) -> Result<i64> {
        if cmd == ioctl::REGISTER_INDEXED {
            return indexed::register(self.exec.registered(), call, arg);
        }
        let what: Register = user::read(arg)?;
        self.register(call, &what)
    }
}

impl Revoke for Ring {
    fn revoke(&self) {
        self.close_to_all();
    }

    fn maker(&self) -> Maker {
        self.maker
    }
}

impl Ring {
    /// The buffer group whose memory is mapped at `offset`.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if there cannot be such a group.
    fn group_at(offset: u64) -> Result<u16> {
        u16::try_from((offset & !off::MMAP_MASK) >> off::PBUF_SHIFT).map_err(|_| EINVAL)
    }
}
