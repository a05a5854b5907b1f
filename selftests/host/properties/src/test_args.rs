// SPDX-License-Identifier: GPL-2.0

//! What each opcode reads from its entry, against the rules of the `io_*_prep()` functions.

use crate::{
    args::{
        cancel::CancelArgs,
        poll::{PollArgs, PollRemoveArgs},
        recvsend::RecvArgs,
        timeout::Time,
    },
    args_model::{model, parse, Op, BUFFER_SELECT, CQE_SKIP, FIXED_FILE, OPS, TASK_SIZE},
    cases,
    errno::{EFAULT, EINVAL},
    fields::{any_bytes, plausible, Fields},
    sqe::Flags,
    structs::{SyncCancelReg, Timespec},
};
use proptest::prelude::*;

fn agree(op: Op, fields: &Fields) {
    assert_eq!(parse(op, fields), model(op, fields), "{op:?} {fields:?}");
}

/// An entry that each opcode takes, and another with all that it may have.
fn good(op: Op) -> [Fields; 2] {
    let plain = Fields::ZERO.set_fd(3).set_user_data(0x1122);
    let plain = match op {
        Op::Provide => plain.set_len(64),
        Op::ReadMultishot => plain.set_flags(BUFFER_SELECT),
        _ => plain,
    };
    let plain = match op {
        Op::FilesUpdate => plain.set_len(2),
        Op::Timeout | Op::LinkTimeout => plain.set_len(1).set_addr(0x1000),
        Op::Install => plain.set_flags(FIXED_FILE),
        _ => plain,
    };
    let full = match op {
        Op::Nop => plain.set_op_flags(0x13).set_len(77),
        Op::Recv => plain
            .set_flags(BUFFER_SELECT)
            .set_ioprio(3)
            .set_file_index(4096),
        Op::Recvmsg => plain
            .set_flags(BUFFER_SELECT)
            .set_ioprio(3)
            .set_addr(0x1000),
        Op::Send => plain
            .set_off(0x7000)
            .set_addr_len(16)
            .set_ioprio(33)
            .set_len(9),
        Op::Sendmsg => plain.set_addr(0x7000).set_len(1).set_ioprio(1),
        Op::SendZc => plain
            .set_off(0x7000)
            .set_addr_len(16)
            .set_ioprio(0x29)
            .set_addr3(0x3344),
        Op::SendmsgZc => plain.set_addr(0x7000).set_ioprio(0x11).set_flags(CQE_SKIP),
        Op::Read => plain.set_addr(0x7000).set_len(9).set_off(u64::MAX),
        Op::Readv => plain.set_flags(BUFFER_SELECT).set_addr(0x7000).set_len(1),
        Op::ReadMultishot => plain.set_op_flags(8).set_off(5),
        Op::Accept => plain
            .set_off(0x10)
            .set_addr(0x20)
            .set_ioprio(7)
            .set_op_flags(0o2004000),
        Op::PollAdd => plain.set_len(1).set_op_flags(1 << 28 | 0x2001),
        Op::PollRemove => plain
            .set_len(7)
            .set_op_flags(5)
            .set_off(0x99)
            .set_addr(0x88),
        Op::Cancel => plain.set_op_flags(0x33).set_addr(0x77).set_len(13),
        Op::Provide => plain
            .set_fd(65_000)
            .set_off(500)
            .set_addr(0x1000)
            .set_len(0x8000_0001),
        Op::Remove => plain.set_fd(65_536).set_buf_index(7),
        Op::Address => plain.set_addr(0x7000).set_off(16),
        Op::Socket => plain.set_off(0o2004005).set_len(6),
        Op::Listen => plain.set_len(128),
        Op::Shutdown => plain.set_len(2),
        Op::Close => plain.set_fd(0).set_file_index(2),
        Op::FilesUpdate => plain.set_off(0xffff_ffff).set_addr(0x1000),
        Op::Install => plain.set_op_flags(1),
        Op::Message => plain.set_addr(1).set_file_index(u32::MAX).set_off(7),
        Op::Timeout => plain.set_op_flags(0xe4).set_off(7),
        Op::LinkTimeout => plain.set_op_flags(0xa9),
        Op::TimeoutRemove => plain.set_op_flags(0x93).set_off(0x7000).set_addr(5),
    };
    [plain, full]
}

#[test]
fn good_ones_are_taken() {
    for op in OPS {
        for fields in good(op) {
            assert!(parse(op, &fields).is_ok(), "{op:?} {fields:?}");
        }
    }
}

/// Every one and every two bits of a good entry the other way round.
#[test]
fn every_bit() {
    for op in OPS {
        for fields in good(op) {
            for one in 0..512 {
                let fields = fields.flip(one);
                agree(op, &fields);
                for two in 0..one {
                    agree(op, &fields.flip(two));
                }
            }
        }
    }
}

/// Every `ioprio`, with and without buffer selection.
#[test]
fn every_ioprio() {
    for op in [Op::Recv, Op::Recvmsg, Op::Send, Op::Sendmsg, Op::Accept] {
        for ioprio in 0..=u16::MAX {
            for flags in [0, BUFFER_SELECT] {
                for fields in good(op) {
                    agree(op, &fields.set_ioprio(ioprio).set_flags(flags));
                }
            }
        }
    }
}

/// Every combination of the flags that an opcode has in `len` and `op_flags`, and some more.
#[test]
fn every_flag() {
    for op in [Op::Nop, Op::PollAdd, Op::PollRemove, Op::Cancel] {
        for op_flags in 0..256 {
            for len in (0..80).chain([255, 256, 65_536, u32::MAX]) {
                for flags in 0..=127 {
                    for off in [0, 1 << 63] {
                        let fields = Fields::ZERO
                            .set_op_flags(op_flags)
                            .set_len(len)
                            .set_flags(flags)
                            .set_off(off)
                            .set_addr(if op == Op::PollAdd { 0 } else { 5 });
                        agree(op, &fields);
                    }
                }
            }
        }
    }
}

/// Counts, ids and addresses of buffers at every limit.
#[test]
fn buffers_at_the_limits() {
    let counts = [i32::MIN, -1, 0, 1, 2, 65_535, 65_536, 65_537, i32::MAX];
    let bids = [0, 1, 65_534, 65_535, 65_536, 1 << 16 | 1, 1 << 32, u64::MAX];
    let lens = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, u32::MAX];
    let bytes = |len: u32, count: i32| u64::from(len).wrapping_mul(count as u64);
    for (count, bid, len) in counts
        .into_iter()
        .flat_map(|count| bids.map(|bid| (count, bid)))
        .flat_map(|(count, bid)| lens.map(|len| (count, bid, len)))
    {
        for end in [TASK_SIZE - 1, TASK_SIZE, TASK_SIZE + 1, u64::MAX, 0, 1] {
            let fields = Fields::ZERO
                .set_fd(count)
                .set_off(bid)
                .set_len(len)
                .set_addr(end.wrapping_sub(bytes(len, count)));
            agree(Op::Provide, &fields);
            agree(Op::Remove, &Fields::ZERO.set_fd(count));
        }
    }
}

/// POLL_ADD reports once or until it is removed, as IORING_POLL_ADD_MULTI says.
#[test]
fn poll_multishot() {
    for events in [0, 1, 0x201d, 0xffff] {
        for multi in [false, true] {
            let fields = Fields::ZERO.set_op_flags(events).set_len(multi.into());
            let args = PollArgs::parse(&fields.sqe(), Flags::default()).unwrap();
            assert_eq!(args.multishot(), multi);
        }
        // Unless the events say so themselves.
        let fields = Fields::ZERO.set_op_flags(events | 1 << 30).set_len(1);
        let args = PollArgs::parse(&fields.sqe(), Flags::default()).unwrap();
        assert!(!args.multishot());
    }
}

/// One that is level-triggered goes on as a multishot one does, and waits for one event at a time.
#[test]
fn poll_level() {
    for events in [0, 1, 0x201d, 0xffff, 1 << 30 | 1, 1 << 31 | 1] {
        let level = Fields::ZERO.set_op_flags(events).set_len(1 << 30 | 1);
        agree(Op::PollAdd, &level);
        agree(Op::PollAdd, &level.set_len(1 << 30));
        agree(Op::PollAdd, &level.set_flags(CQE_SKIP));
        let args = PollArgs::parse(&level.sqe(), Flags::default()).unwrap();
        assert!(args.multishot() && args.level());
        assert_eq!(args.events & (1 << 30), 1 << 30);
    }
}

/// An update changes what it says, and nothing else.
#[test]
fn poll_updates() {
    const ADDS: [u32; 3] = [0, 1, 1 << 30 | 1];
    for add in ADDS {
        let poll = Fields::ZERO.set_op_flags(1).set_len(add);
        let args = PollArgs::parse(&poll.sqe(), Flags::default()).unwrap();
        for mode in ADDS {
            for bits in [0, 2, 4, 6] {
                let update = Fields::ZERO.set_op_flags((bits & 2) * 2);
                agree(Op::PollRemove, &update.set_len(mode | bits));
                let update = update.set_len(mode | bits | 1 << 31);
                agree(Op::PollRemove, &update);
                let mut updated = args;
                updated.update(&PollRemoveArgs::parse(&update.sqe()).unwrap());
                let wanted = poll.set_op_flags(if bits & 2 != 0 { 4 } else { 1 });
                let wanted = PollArgs::parse(&wanted.set_len(mode).sqe(), Flags::default());
                assert_eq!(Ok(updated), wanted);
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(16384))]

    #[test]
    fn any_entry(fields in any_bytes()) {
        for op in OPS {
            prop_assert_eq!(parse(op, &fields), model(op, &fields), "{:?}", op);
        }
    }

    #[test]
    fn plausible_entry(fields in plausible()) {
        for op in OPS {
            prop_assert_eq!(parse(op, &fields), model(op, &fields), "{:?}", op);
        }
    }
}

/// Nanoseconds of what user space says, as `timespec64_to_ktime()` has them.
#[test]
fn times() {
    let at = |seconds: i64, nanoseconds: i64| {
        Time::At(7).get(|addr| {
            assert_eq!(addr, 7);
            Ok(Timespec {
                tv_sec: seconds,
                tv_nsec: nanoseconds,
            })
        })
    };
    assert_eq!(at(0, 0), Ok(0));
    assert_eq!(at(2, 3), Ok(2_000_000_003));
    assert_eq!(at(1, 5_000_000_000), Ok(6_000_000_000));
    assert_eq!(at(i64::MAX, 0), Ok(i64::MAX));
    assert_eq!(at(9_223_372_036, i64::MAX), Ok(i64::MAX));
    assert_eq!(at(-1, 0), Err(EINVAL));
    assert_eq!(at(0, -1), Err(EINVAL));
    assert_eq!(Time::At(7).get(|_| Err(EFAULT)), Err(EFAULT));
    assert_eq!(Time::Here(9).get(|_| Err(EFAULT)), Ok(9));
    assert_eq!(Time::Here(1 << 63).get(|_| Err(EFAULT)), Err(EINVAL));
}

/// IORING_RECVSEND_POLL_FIRST, IORING_RECV_MULTISHOT, IORING_RECVSEND_FIXED_BUF, IORING_RECVSEND_BUNDLE, RURING_RECV_KEEP: each is
/// asked for by its own name.
#[test]
fn recv_flags() {
    type Asked = fn(&RecvArgs) -> bool;
    let asked: [(u16, Asked); 5] = [
        (0, RecvArgs::poll_first),
        (1, RecvArgs::multishot),
        (2, RecvArgs::fixed),
        (4, RecvArgs::bundle),
        (15, RecvArgs::keep),
    ];
    for bits in 0..=u16::MAX {
        let mut args = RecvArgs {
            addr: 0,
            len: 0,
            msg_flags: 0x40,
            total: 0,
            bits: bits & 0x8017,
        };
        for (bit, has) in asked {
            assert_eq!(has(&args), bits & 1 << bit != 0);
        }
        assert!(!args.by_worker());
        args.set_by_io_wq();
        assert!(args.by_worker());
        assert_eq!(args.poll_first(), bits & 3 != 0);
        assert_eq!(args.msg_flags == 0, args.multishot());
    }
}

proptest! {
    #![proptest_config(cases(8192))]

    /// `struct io_uring_sync_cancel_reg`
    #[test]
    fn sync_cancel(
        mut words in any::<[u64; 8]>(),
        flags in prop_oneof![9 => 0u32..64, 1 => any::<u32>()],
        opcode in prop_oneof![9 => 0u64..256, 1 => any::<u64>()],
        clear in prop_oneof![9 => Just(true), 1 => Just(false)],
    ) {
        words[1] = words[1] & 0xffff_ffff | u64::from(flags) << 32;
        words[4] = opcode;
        if clear {
            words[5..].fill(0);
        }
        // SAFETY: Any bytes are one.
        let reg: SyncCancelReg = unsafe { std::mem::transmute(words) };
        let parsed = CancelArgs::parse_sync(&reg);
        if flags > 63 || opcode > 255 || words[5..] != [0; 3] {
            prop_assert_eq!(parsed, Err(EINVAL));
            return Ok(());
        }
        let has = |bit: u32| flags & (1u32 << bit) != 0;
        let (all, fd, any, fixed, user_data, by_opcode) =
            (has(0), has(1), has(2), has(3), has(4), has(5));
        let args = parsed.unwrap();
        let time = Timespec { tv_sec: words[2] as i64, tv_nsec: words[3] as i64 };
        prop_assert_eq!(reg.timeout, time);
        prop_assert_eq!(args.all, all || any);
        prop_assert_eq!(args.fixed, fixed);
        prop_assert_eq!(args.fd, fd.then_some(words[1] as i32));
        prop_assert_eq!(args.opcode, (by_opcode && !any).then_some(opcode as u8));
        let keyed_else = (fd || by_opcode) && !user_data;
        prop_assert_eq!(args.user_data, (!any && !keyed_else).then_some(words[0]));
    }
}
