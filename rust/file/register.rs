// SPDX-License-Identifier: GPL-2.0

//! `io_uring_register(2)`.

use super::{indexed, without_ring};
use crate::{
    kbuf::group::{read_reg, NewGroup},
    op,
    ring::Ring,
    rsrc::table::RsrcSource,
    sys::{context::InCall, trace, user},
    uapi::{
        abi::{opcode, register},
        errno::{Result, EFAULT, EINVAL},
        policy::Opcodes,
        registered,
        structs::{BufStatus, PbufLow, Probe, ProbeOp, Register},
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KVec},
    sync::Arc,
};

impl Ring {
    /// `RURING_IOC_REGISTER`. Returns what the opcode returns.
    ///
    /// User memory, which may be a file server's, is read, written and pinned while the ring is not locked.
    ///
    /// # Errors
    ///
    /// `-EBADFD` or `-EACCES` if that cannot be done or must not be, `-EINVAL` for an opcode that there is not, and
    /// what the opcode says.
    ///
    /// # Context
    ///
    /// May sleep. The ring is not locked.
    pub(crate) fn register(self: &Arc<Self>, call: InCall<'_>, what: &Register) -> Result<i64> {
        let result = self.register_untraced(call, what);
        if trace::register_enabled() {
            self.trace_register(what.opcode, result);
        }
        result
    }

    fn register_untraced(self: &Arc<Self>, call: InCall<'_>, what: &Register) -> Result<i64> {
        let Register {
            arg,
            opcode,
            nr_args,
        } = *what;
        // Before anything is asked of the ring.
        register::bit(opcode).ok_or(EINVAL)?;
        // Who submits may, and is a user already.
        if self.local.is_submitter_current() {
            self.check_alive()?;
            self.accept_register(opcode)?;
        } else {
            let mut locked = self.lock()?;
            locked.check_issuer()?;
            self.check_alive()?;
            self.accept_register(opcode)?;
            // What it is about to keep goes with the last process that has had it kept.
            locked.add_user(self)?;
        }
        match opcode {
            register::PROBE if arg != 0 && nr_args <= 256 => probe(self.policy.ops, arg, nr_args)?,
            register::EVENTFD | register::EVENTFD_ASYNC if nr_args == 1 => {
                let only_async = opcode == register::EVENTFD_ASYNC;
                let fd = user::read(arg);
                let mut locked = self.lock_in(call)?;
                locked.check_alive()?;
                locked.register_eventfd(fd, only_async)?;
            }
            register::UNREGISTER_EVENTFD if arg == 0 && nr_args == 0 => {
                self.lock()?.unregister_eventfd()?;
            }
            register::PERSONALITY if arg == 0 && nr_args == 0 => {
                let mut locked = self.lock()?;
                locked.check_alive()?;
                return locked.state.personalities.register().map(i64::from);
            }
            register::UNREGISTER_PERSONALITY if arg == 0 => {
                self.lock()?.state.personalities.unregister(nr_args)?;
            }
            register::RESTRICTIONS => self.restrict(arg, nr_args)?,
            register::BPF_FILTER if nr_args == 1 => self.register_filter(arg)?,
            register::ENABLE_RINGS if arg == 0 && nr_args == 0 => {
                self.enable()?;
            }
            register::PBUF_RING if arg != 0 && nr_args == 1 => self.register_group(arg)?,
            register::UNREGISTER_PBUF_RING if arg != 0 && nr_args == 1 => {
                self.unregister_group(arg)?
            }
            register::SYNC_CANCEL if arg != 0 && nr_args == 1 => {
                return self.sync_cancel(call, arg);
            }
            register::IOWQ_AFF if arg != 0 && nr_args != 0 => {
                self.set_worker_affinity(arg, nr_args)?
            }
            register::UNREGISTER_IOWQ_AFF if arg == 0 && nr_args == 0 => {
                self.clear_worker_affinity()?
            }
            register::IOWQ_MAX_WORKERS if arg != 0 && nr_args == 2 => {
                self.limit_workers(arg)?;
            }
            register::PBUF_STATUS if arg != 0 && nr_args == 1 => self.group_status(arg)?,
            register::PBUF_LOW if arg != 0 && nr_args == 1 => self.mark_group(arg)?,
            register::QUERY => without_ring::query(arg, nr_args)?,
            register::NAPI if arg != 0 && nr_args == 1 => self.register_napi(arg)?,
            register::UNREGISTER_NAPI if nr_args == 1 => self.unregister_napi(arg)?,
            register::CLOCK if arg != 0 && nr_args == 0 => self.set_clock(arg)?,
            register::RESIZE_RINGS if arg != 0 && nr_args == 1 => self.resize_rings(arg)?,
            register::MEM_REGION if arg != 0 && nr_args == 1 => self.register_region(arg)?,
            _ => return self.register_rsrc(call, what),
        }
        Ok(0)
    }

    /// As [`Ring::register`], of what is about files, buffers and rings that are registered.
    fn register_rsrc(self: &Arc<Self>, call: InCall<'_>, what: &Register) -> Result<i64> {
        let Register {
            arg,
            opcode,
            nr_args,
        } = *what;
        match opcode {
            register::FILES => {
                if arg == 0 {
                    return Err(EFAULT);
                }
                let source = RsrcSource { data: arg, tags: 0 };
                self.register_files(call, nr_args, source)?;
            }
            register::UNREGISTER_FILES if arg == 0 && nr_args == 0 => {
                self.lock_in(call)?.unregister_files()?;
            }
            registered::REGISTER => {
                return indexed::register_rings(self.exec.registered(), call, arg, nr_args);
            }
            registered::UNREGISTER => {
                return indexed::unregister_rings(self.exec.registered(), call, arg, nr_args);
            }
            register::FILES_UPDATE => return self.update_files(call, arg, nr_args),
            register::FILES2 => self.register_files2(call, arg, nr_args)?,
            register::FILES_UPDATE2 => return self.update_files2(call, arg, nr_args),
            register::FILE_ALLOC_RANGE if arg != 0 && nr_args == 0 => {
                self.limit_file_slots(arg)?;
            }
            register::BUFFERS => {
                if arg == 0 {
                    return Err(EFAULT);
                }
                let source = RsrcSource { data: arg, tags: 0 };
                self.register_buffers(nr_args, source)?;
            }
            register::UNREGISTER_BUFFERS if arg == 0 && nr_args == 0 => {
                self.lock()?.unregister_buffers()?;
            }
            register::BUFFERS2 => self.register_buffers2(arg, nr_args)?,
            register::CLONE_BUFFERS if arg != 0 && nr_args == 1 => {
                self.clone_buffers(call, arg, |fd, is_index| {
                    indexed::ring_named(self.exec.registered(), call, fd, is_index)
                })?;
            }
            register::BUFFERS_UPDATE => return self.update_buffers(arg, nr_args),
            _ => return Err(EINVAL),
        }
        Ok(0)
    }

    /// `IORING_REGISTER_PBUF_RING`: `arg` is the address of a `struct io_uring_buf_reg`, as for the next one.
    fn register_group(&self, arg: u64) -> Result {
        let group = NewGroup::read(arg, self.policy.limits.pinned)?;
        let mut locked = self.lock()?;
        locked.check_alive()?;
        let mapping = group.mapping();
        if mapping.is_some() {
            // Room first: a group that cannot be mapped as it was asked for must not stay.
            self.mappings.lock().groups.reserve(1, GFP_KERNEL_ACCOUNT)?;
        }
        locked.groups().register(group)?;
        if let Some(mapping) = mapping {
            let mut mappings = self.mappings.lock();
            mappings.groups.push(mapping, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(())
    }

    /// `IORING_UNREGISTER_PBUF_RING`: takes a group of provided buffers away.
    fn unregister_group(&self, arg: u64) -> Result {
        let reg = read_reg(arg)?;
        // Until both are done, so that it is not a new group whose mapping goes.
        let mut locked = self.lock()?;
        locked.check_alive()?;
        if let Some(group) = locked.groups().unregister(&reg)? {
            self.mappings.lock().groups.retain(|(id, _)| *id != group);
        }
        Ok(())
    }

    /// `IORING_REGISTER_PBUF_STATUS`: fills in the `struct io_uring_buf_status` at `arg`.
    fn group_status(&self, arg: u64) -> Result {
        let mut status: BufStatus = user::read(arg)?;
        self.lock()?.groups().status(&mut status)?;
        user::write(arg, &status)
    }

    /// `RURING_REGISTER_PBUF_LOW`: `arg` is the address of a `struct ruring_pbuf_low`.
    fn mark_group(&self, arg: u64) -> Result {
        let low: PbufLow = user::read(arg)?;
        let mut locked = self.lock()?;
        locked.check_alive()?;
        locked.groups().mark(&low)?;
        locked.watch_marks();
        Ok(())
    }
}

/// `IORING_REGISTER_PROBE`: which opcodes there are, into a `struct io_uring_probe` with room for
/// `count` of them, which user space must have zeroed.
fn probe(ops: Opcodes, arg: u64, count: u32) -> Result {
    let count = count.min(u32::from(opcode::LAST)) as usize;
    let size = size_of::<Probe>() + count * size_of::<ProbeOp>();
    let mut bytes = KVec::from_elem(0u8, size, GFP_KERNEL_ACCOUNT)?;
    user::read_into(arg, &mut bytes)?;
    if bytes.iter().any(|byte| *byte != 0) {
        return Err(EINVAL);
    }
    let head = Probe {
        last_op: opcode::LAST - 1,
        ops_len: count as u8,
        ..Probe::default()
    };
    user::write(arg, &head)?;
    let mut entries = KVec::with_capacity(count, GFP_KERNEL_ACCOUNT)?;
    for op in 0..count as u8 {
        let there = op::is_supported(op) && ops.allow(op);
        let entry = ProbeOp {
            op,
            flags: if there { register::PROBE_SUPPORTED } else { 0 },
            ..ProbeOp::default()
        };
        entries.push(entry, GFP_KERNEL_ACCOUNT)?;
    }
    user::write_from(arg.wrapping_add(size_of::<Probe>() as u64), &entries)
}
