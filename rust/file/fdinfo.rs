// SPDX-License-Identifier: GPL-2.0

//! `/proc/PID/fdinfo/FD` of a ring, in the format of `io_uring/fdinfo.c` of the kernel.

use crate::{
    op,
    ring::{cursor, Locked},
    sys::{fd, napi},
    uapi::{
        abi::{cqe, setup},
        napi::Tracking,
        setup::layout,
        sqe::{Opcode, Sqe},
    },
};
use kernel::{
    seq_file::{seq_print, SeqFile},
    time::Delta,
};

/// Shows the ring's state. What user space changes meanwhile may show as it was or as it is.
pub(crate) fn show(locked: &Locked<'_>, out: &SeqFile) {
    show_queues(locked, out);
    show_thread(locked, out);
    seq_print!(out, "Submitters:\t{}\n", locked.state.submitters.len());
    show_registered(locked, out);
    show_requests(locked, out);
    // What io_uring's does not have: of all the time that the ring has been there.
    seq_print!(out, "CqOverflowed:\t{}\n", locked.state.overflowed);
    seq_print!(out, "Offloaded:\t{}\n", locked.offloaded());
    if napi::check().is_ok() {
        show_napi(locked, out);
    }
}

/// Shows where the heads and tails of both queues are, and the entries between them.
fn show_queues(locked: &Locked<'_>, out: &SeqFile) {
    let (sq_entries, cq_entries) = (locked.ring.sq_entries(), locked.ring.cq_entries());
    let words = &locked.ring.memory.words;
    let sq_head = words.load::<{ layout::SQ_HEAD }>();
    let sq_tail = words.load::<{ layout::SQ_TAIL }>();
    let cq_head = words.load::<{ layout::CQ_HEAD }>();
    let cq_tail = words.load::<{ layout::CQ_TAIL }>();
    seq_print!(out, "SqMask:\t{:#x}\n", sq_entries - 1);
    seq_print!(out, "SqHead:\t{}\n", sq_head);
    seq_print!(out, "SqTail:\t{}\n", sq_tail);
    seq_print!(out, "CachedSqHead:\t{}\n", locked.state.sq_head);
    seq_print!(out, "CqMask:\t{:#x}\n", cq_entries - 1);
    seq_print!(out, "CqHead:\t{}\n", cq_head);
    seq_print!(out, "CqTail:\t{}\n", cq_tail);
    seq_print!(out, "CachedCqTail:\t{}\n", locked.state.cq.tail());
    seq_print!(out, "SQEs:\t{}\n", sq_tail.wrapping_sub(sq_head));
    for count in 0..cursor::submitted(sq_tail, sq_head, sq_entries) {
        show_sqe(locked, sq_head.wrapping_add(count), out);
    }
    seq_print!(out, "CQEs:\t{}\n", cq_tail.wrapping_sub(cq_head));
    show_cqes(locked, cq_head, cq_tail, out);
}

/// Shows which thread submits for a ring with SQPOLL, and how long it has run.
fn show_thread(locked: &Locked<'_>, out: &SeqFile) {
    let sqpoll = locked.ring.exec.sqpoll();
    let thread = sqpoll.and_then(|sqpoll| sqpoll.thread_state());
    let cpu = thread.as_ref().map_or(-1, |thread| i64::from(thread.cpu));
    let pid = thread.as_ref().map_or(-1, |thread| thread.pid);
    let (runtime, work_time) = thread.map_or((Delta::ZERO, Delta::ZERO), |thread| {
        (thread.runtime, thread.work_time)
    });
    seq_print!(out, "SqThread:\t{pid}\n");
    seq_print!(out, "SqThreadCpu:\t{cpu}\n");
    seq_print!(out, "SqTotalTime:\t{}\n", runtime.as_nanos() / 1000);
    seq_print!(out, "SqWorkTime:\t{}\n", work_time.as_nanos() / 1000);
}

/// Shows the files and buffers that are registered.
fn show_registered(locked: &Locked<'_>, out: &SeqFile) {
    seq_print!(out, "UserFiles:\t{}\n", locked.state.files.len());
    for (index, file) in locked.state.files.iter().enumerate() {
        if let Some(registered) = file {
            seq_print!(out, "{index:5}: ");
            fd::show_path(&registered.file, out);
            seq_print!(out, "\n");
        }
    }
    seq_print!(out, "UserBufs:\t{}\n", locked.state.buffers.len());
    for (index, buffer) in locked.state.buffers.iter().enumerate() {
        match buffer {
            Some(buffer) => {
                let (addr, len) = (buffer.memory.addr(), buffer.memory.len());
                seq_print!(out, "{index:5}: {addr:#x}/{len}\n");
            }
            None => seq_print!(out, "{index:5}: <none>\n"),
        }
    }
}

/// Shows the requests that wait, and the completions that have found no room.
fn show_requests(locked: &Locked<'_>, out: &SeqFile) {
    seq_print!(out, "PollList:\n");
    for object in locked.all_waiting() {
        let data = object.user_data();
        let opcode = object.opcode().map_or(0, Opcode::number);
        seq_print!(out, "  op={opcode}, user_data={data}\n");
    }
    seq_print!(out, "CqOverflowList:\n");
    locked.state.overflow.for_each(|req| {
        let done = req.core().cqe;
        let (data, res, flags) = (done.user_data, done.res, done.flags);
        seq_print!(out, "  user_data={data}, res={res}, flags={flags:x}\n");
    });
}

/// Shows how queues of network devices are polled.
fn show_napi(locked: &Locked<'_>, out: &SeqFile) {
    let settings = locked.napi_settings();
    let tracking = match settings.tracking {
        Tracking::Inactive => {
            seq_print!(out, "NAPI:\tdisabled\n");
            return;
        }
        Tracking::Dynamic => "dynamic",
        Tracking::Static => "static",
    };
    let nanoseconds = u64::from(settings.micros) * 1000;
    seq_print!(out, "NAPI:\tenabled\n");
    seq_print!(out, "napi tracking:\t{tracking}\n");
    seq_print!(out, "napi_busy_poll_dt:\t{nanoseconds}\n");
    seq_print!(out, "napi_prefer_busy_poll:\t{}\n", settings.prefer);
}

/// Shows the completions between `head` and `tail`, some of which may be two entries.
fn show_cqes(locked: &Locked<'_>, head: u32, tail: u32, out: &SeqFile) {
    let config = locked.ring.config();
    let cqes = &locked.state.entries.cqes;
    let (all, mixed) = (config.has(setup::CQE32), config.has(setup::CQE_MIXED));
    let count = cursor::unseen(tail, head, locked.ring.cq_entries());
    let mut shown = 0;
    while shown < count {
        let index = head.wrapping_add(shown) & (locked.ring.cq_entries() - 1);
        let at = index << u32::from(all);
        let [user_data, result] = cqes.read(at);
        let (res, flags) = (result as i32, (result >> 32) as u32);
        seq_print!(
            out,
            "{index:5}: user_data:{user_data}, res:{res}, flags:{flags:x}"
        );
        let two = mixed && flags & cqe::TWICE_AS_LARGE != 0;
        if all || two {
            let [extra1, extra2] = cqes.read(at.wrapping_add(1));
            seq_print!(out, ", extra1:{extra1}, extra2:{extra2}");
        }
        seq_print!(out, "\n");
        shown += 1 + u32::from(two);
    }
}

/// Shows the submission at this position of the queue, which counts on beyond its size.
fn show_sqe(locked: &Locked<'_>, position: u32, out: &SeqFile) {
    let entries = &locked.state.entries;
    let mask = locked.ring.sq_entries() - 1;
    let index = entries
        .indices
        .as_ref()
        .map_or(position & mask, |list| list.read(position));
    if index > mask {
        return;
    }
    let at = index << u32::from(locked.ring.config().has(setup::SQE128));
    let sqe = Sqe::new(entries.sqes.read(at));
    seq_print!(
        out,
        "{:5}: opcode:{}, fd:{}, flags:{:x}, off:{}, addr:{:#x}, rw_flags:{:#x}, buf_index:{} \
         user_data:{}\n",
        index,
        op::name(sqe.opcode()),
        sqe.fd(),
        sqe.flags(),
        sqe.off(),
        sqe.addr(),
        sqe.op_flags(),
        sqe.buf_index(),
        sqe.user_data()
    );
}
