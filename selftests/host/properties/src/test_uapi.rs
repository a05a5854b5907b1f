// SPDX-License-Identifier: GPL-2.0

//! Entries, their flags, error numbers and the ioctls.

use crate::{
    abi::sqe_flags,
    cases,
    errno::{Errno, EINTR, EINVAL, EOPNOTSUPP, ERESTARTNOINTR},
    fields::{any_bytes, Fields},
    ioctl,
    restrictions::Restrictions,
    sqe::{Flags, LinkKind, Sqe},
    structs::Restriction,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(cases(4096))]

    /// Each accessor reads the bytes of its field.
    #[test]
    fn sqe_fields(fields in any_bytes()) {
        let sqe = fields.sqe();
        prop_assert_eq!(sqe.opcode(), fields.opcode());
        prop_assert_eq!(sqe.flags(), fields.flags());
        prop_assert_eq!(sqe.ioprio(), fields.ioprio());
        prop_assert_eq!(sqe.fd(), fields.fd());
        prop_assert_eq!(sqe.off(), fields.off());
        prop_assert_eq!(sqe.addr(), fields.addr());
        prop_assert_eq!(sqe.addr3(), fields.addr3());
        prop_assert_eq!(sqe.len(), fields.len());
        prop_assert_eq!(sqe.op_flags(), fields.op_flags());
        prop_assert_eq!(sqe.user_data(), fields.user_data());
        prop_assert_eq!(sqe.buf_index(), fields.buf_index());
        prop_assert_eq!(sqe.personality(), fields.personality());
        prop_assert_eq!(sqe.file_index(), fields.file_index());
        prop_assert_eq!(sqe.addr_len(), fields.addr_len());
        prop_assert_eq!(sqe.addr_len_pad(), fields.pad3());
    }
}

proptest! {
    #![proptest_config(cases(4096))]

    /// Restrictions allow what some entry names, and nothing else that there is.
    #[test]
    fn restrictions(
        entries in prop::collection::vec((0u8..4, 0u8..64), 0..20),
        bad in prop::option::of(4u16..),
        opcode in prop_oneof![9 => any::<u8>(), 1 => Just(128)],
        flags: u8,
        register in 0u32..64,
    ) {
        let mut words: Vec<Restriction> = Vec::new();
        for (kind, what) in &entries {
            let what = if *kind == 0 { what % 38 } else { *what };
            words.push(Restriction { opcode: (*kind).into(), what, resv: 0xab, resv2: [!0; 3] });
        }
        if let Some(kind) = bad {
            words.push(Restriction { opcode: kind, ..Default::default() });
            prop_assert_eq!(Restrictions::parse(&words), Err(EINVAL));
            return Ok(());
        }
        let got = Restrictions::parse(&words).unwrap();
        let last = |kind| entries.iter().rev().find(|entry| entry.0 == kind).map_or(0, |entry| entry.1);
        let named = |kind, what| entries.iter().any(|entry| {
            *entry == (kind, what) || (kind == 0 && entry.0 == 0 && entry.1 % 38 == what)
        });
        let on_sqes = entries.is_empty() || entries.iter().any(|entry| entry.0 != 0);
        prop_assert_eq!(got.on_sqes(), on_sqes);
        let (allowed, required) = (last(2), last(3));
        let sqe = Sqe::new([u64::from(opcode) | u64::from(flags) << 8, 0, 0, 0, 0, 0, 0, 0]);
        // Those of the kernel, and RURING_OP_SENDFILE
        let sense = (opcode < 65 || opcode == 128) && flags < 128;
        let fits = flags & required == required && flags & !(allowed | required) == 0;
        prop_assert_eq!(got.allow(&sqe), !sense || !on_sqes || (named(1, opcode) && fits));
        let on_registers = entries.is_empty() || entries.iter().any(|entry| entry.0 == 0);
        let free = !on_registers || register >= 38;
        prop_assert_eq!(got.allow_register(register), free || named(0, register as u8));
    }
}

/// Every value of `sqe->flags`, for opcodes with and without buffer selection.
#[test]
fn sqe_flags_all() {
    for bits in 0..=u8::MAX {
        for select in [false, true] {
            let has = |bit: u32| bits & 1 << bit != 0;
            let got = Flags::parse(bits, select);
            if has(7) {
                assert_eq!(got, Err(EINVAL), "{bits:#x}");
                continue;
            }
            if has(5) && !select {
                assert_eq!(got, Err(EOPNOTSUPP), "{bits:#x}");
                continue;
            }
            let flags = got.unwrap();
            assert_eq!(flags.drain(), has(1));
            assert_eq!(flags.fixed_file(), has(0));
            assert_eq!(flags.force_async(), has(4));
            assert_eq!(flags.buffer_select(), has(5));
            assert_eq!(flags.cqe_skip(), has(6));
            let link = match (has(2), has(3)) {
                (_, true) => LinkKind::Hard,
                (true, false) => LinkKind::Soft,
                (false, false) => LinkKind::None,
            };
            assert_eq!(flags.link(), link, "{bits:#x}");
            assert_eq!(flags.plain(), link == LinkKind::None && !has(4) && !has(1));
        }
    }
}

/// An entry that is refused keeps its place in its chain and whether its success is told of; it drains if its flags
/// were looked at and are all known.
#[test]
fn sqe_flags_of_refused() {
    for bits in 0..=u8::MAX {
        let has = |flag: u8| bits & flag != 0;
        let links = bits & (sqe_flags::IO_LINK | sqe_flags::IO_HARDLINK);
        let link = Flags::parse(links, false).unwrap().link();
        for known in [false, true] {
            let flags = Flags::of_refused(bits, known);
            assert_eq!(flags.link(), link);
            assert_eq!(flags.cqe_skip(), has(sqe_flags::CQE_SKIP_SUCCESS));
            let drains = known && !has(!sqe_flags::ALL) && has(sqe_flags::IO_DRAIN);
            assert_eq!(flags.drain(), drains);
        }
    }
}

/// The accessors read no byte of each other's.
#[test]
fn sqe_bits_apart() {
    let read = |fields: &Fields| {
        let sqe = fields.sqe();
        [
            u64::from(sqe.opcode()),
            u64::from(sqe.flags()),
            u64::from(sqe.ioprio()),
            sqe.fd() as u64,
            sqe.off(),
            sqe.addr(),
            u64::from(sqe.len()),
            u64::from(sqe.op_flags()),
            sqe.user_data(),
            u64::from(sqe.buf_index()),
            u64::from(sqe.personality()),
            u64::from(sqe.addr_len()),
            u64::from(sqe.addr_len_pad()),
        ]
    };
    let zero = read(&Fields::ZERO);
    for bit in 0..512 {
        let now = read(&Fields::ZERO.flip(bit));
        let changed = (0..zero.len()).filter(|&n| now[n] != zero[n]).count();
        // The last 16 bytes belong to no opcode of ruring's.
        assert_eq!(changed, usize::from(bit < 384), "bit {bit}");
    }
}

/// Whatever the kernel returns, an [`Errno`] is an error, and no restart gets out.
#[test]
fn errno_is_negative() {
    for value in -4096..=4096 {
        let errno = Errno::from_raw(value);
        let expected = if value < 0 { value } else { -22 };
        assert_eq!(errno.to_raw(), expected);
        let told = errno.without_restart();
        match expected {
            // ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK
            -512 | -513 | -514 | -516 => assert_eq!(told, EINTR),
            _ => assert_eq!(told, errno),
        }
    }
    assert_eq!(ERESTARTNOINTR.to_raw(), -513);
    assert_eq!(Errno::from_raw(i32::MIN).to_raw(), i32::MIN);
}

/// What the C compiler makes of `include/uapi/linux/ruring.h`.
#[test]
fn ioctl_numbers() {
    assert_eq!(ioctl::SETUP, 0xc010_b900);
    assert_eq!(ioctl::ENTER, 0x4020_b901);
    assert_eq!(ioctl::REGISTER, 0x4010_b902);
    assert_eq!(ioctl::REGISTER_INDEXED, 0x4018_b903);
}
