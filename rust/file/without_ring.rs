// SPDX-License-Identifier: GPL-2.0

//! The registrations that need no ring: they are made on the device. `io_uring/register.c` and `io_uring/query.c` of the
//! kernel.

use crate::{
    op,
    ring::Ring,
    sys::{context::InCall, fd::OpenFile, lsm, ringfile, user},
    uapi::{
        abi::{enter, feat, msg_ring, opcode, query, register, sqe_flags},
        args::msg_ring::RingMessage,
        errno::{Errno, Result, E2BIG, EACCES, EBADFD, EFAULT, EINVAL, EOPNOTSUPP, ERANGE},
        policy::Policy,
        registered,
        setup::{layout, Config},
        sqe::Sqe,
        structs::{QueryHdr, QueryOpcode, QueryScq},
    },
};
use kernel::{sync::Arc, transmute::AsBytes};

/// With this many questions the list of one QUERY counts as endless, as in io_uring: it may go round in circles.
const MAX_QUERIES: u32 = 1000;
/// Most bytes of room for an answer.
const MAX_ROOM: u32 = 4096;
/// Bytes of the longest answer that io_uring has.
const MAX_ANSWER: u32 = 48;

/// `RURING_IOC_REGISTER` on the device, whose rings may have what `policy` says. Returns what the opcode returns.
///
/// # Errors
///
/// `-EACCES` for what the policy forbids, `-EINVAL` for what only a ring can do, and what the opcode says.
///
/// # Context
///
/// May sleep. No lock is held.
pub(crate) fn register(
    call: InCall<'_>,
    policy: &Policy,
    opcode: u32,
    arg: u64,
    nr_args: u32,
) -> Result<i64> {
    if !policy.registers.allow(opcode) {
        return Err(EACCES);
    }
    match opcode {
        register::SEND_MSG_RING if arg != 0 && nr_args == 1 => send_message(call, policy, arg)?,
        register::QUERY => query(arg, nr_args)?,
        _ => return Err(EINVAL),
    }
    Ok(0)
}

/// `IORING_REGISTER_SEND_MSG_RING`: does at once what the `struct io_uring_sqe` of a MSG_RING at user address `arg` says.
fn send_message(call: InCall<'_>, policy: &Policy, arg: u64) -> Result {
    let sqe = Sqe::new(user::read(arg)?);
    if sqe.flags() != 0 || sqe.opcode() != opcode::MSG_RING {
        return Err(EINVAL);
    }
    let allowed = policy.ops.allow(opcode::MSG_RING) && !lsm::is_restricted(call.task());
    if !op::is_supported(opcode::MSG_RING) || !allowed {
        return Err(EACCES);
    }
    let message = RingMessage::parse(&sqe)?;
    if sqe.addr() as u32 != msg_ring::DATA {
        return Err(EINVAL);
    }
    let file = OpenFile::get(call.task(), sqe.fd())?;
    let target: Arc<Ring> = ringfile::ring_of(&file).ok_or(EBADFD)?;
    // As io_uring: what else is wrong with the message is not found before there is a ring for it.
    match message {
        RingMessage::Data(done) => target.post_from_ring(done, false),
        _ => Err(EINVAL),
    }
}

/// `IORING_REGISTER_QUERY`: answers a list of `struct io_uring_query_hdr`, the first of which is at user address `arg`.
///
/// # Errors
///
/// `-EINVAL` for a number of arguments, `-EFAULT`, `-E2BIG` for an answer that is to be too long, `-ERANGE` for a list
/// that does not end. What is wrong with one of them is written there.
///
/// # Context
///
/// May sleep.
pub(super) fn query(arg: u64, nr_args: u32) -> Result {
    if nr_args != 0 {
        return Err(EINVAL);
    }
    let (mut next, mut count) = (arg, 0);
    while next != 0 {
        next = answer_query(next)?;
        count += 1;
        if count >= MAX_QUERIES {
            return Err(ERANGE);
        }
    }
    Ok(())
}

/// Answers one of them. Returns the address of the next one.
fn answer_query(at: u64) -> Result<u64> {
    let mut hdr: QueryHdr = user::read(at)?;
    let room = hdr.size;
    if room > MAX_ROOM {
        return Err(E2BIG);
    }
    let result = if hdr.query_op >= query::LAST {
        Err(EOPNOTSUPP)
    } else if hdr.resv != [0; 3] || hdr.result != 0 || room == 0 {
        Err(EINVAL)
    } else {
        // What is there must be readable, and is not looked at.
        let mut before = [0u8; MAX_ANSWER as usize];
        user::read_into(hdr.query_data, &mut before[..room.min(MAX_ANSWER) as usize])?;
        answer(hdr.query_op, hdr.query_data, room)
    };
    if result.is_err() {
        clear(hdr.query_data, room as usize)?;
    }
    hdr.size = *result.as_ref().unwrap_or(&0);
    hdr.result = match result {
        Err(EFAULT) => return Err(EFAULT),
        result => result.map_or_else(Errno::to_raw, |_| 0),
    };
    user::write(at, &hdr)?;
    Ok(hdr.next_entry)
}

/// Writes an answer where there is room for so many bytes. Returns how many it has of them.
fn answer(op: u32, to: u64, room: u32) -> Result<u32> {
    match op {
        query::OPCODES => put(
            &QueryOpcode {
                nr_request_opcodes: opcode::LAST.into(),
                nr_register_opcodes: register::LAST,
                feature_flags: feat::ALL.into(),
                ring_setup_flags: Config::FLAGS.into(),
                enter_flags: (enter::ALL | registered::ENTER).into(),
                sqe_flags: sqe_flags::ALL.into(),
                nr_query_opcodes: query::LAST,
                pad: 0,
            },
            to,
            room,
        ),
        query::SCQ => put(
            &QueryScq {
                hdr_size: layout::CQES as u64,
                hdr_alignment: layout::CQES as u64,
            },
            to,
            room,
        ),
        _ => Err(EOPNOTSUPP),
    }
}

/// Writes as much of an answer as there is room for, and zeroes behind it.
fn put<T: AsBytes>(answer: &T, to: u64, room: u32) -> Result<u32> {
    let bytes = answer.as_bytes();
    let count = bytes.len().min(room as usize);
    user::write_from(to, &bytes[..count])?;
    clear(to.wrapping_add(count as u64), room as usize - count)?;
    Ok(count as u32)
}

/// Writes `count` zero bytes at user address `to`.
fn clear(to: u64, count: usize) -> Result {
    const ZEROES: [u8; 64] = [0; 64];
    for at in (0..count).step_by(ZEROES.len()) {
        let len = ZEROES.len().min(count - at);
        user::write_from(to.wrapping_add(at as u64), &ZEROES[..len])?;
    }
    Ok(())
}
