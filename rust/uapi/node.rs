// SPDX-License-Identifier: GPL-2.0

//! What an administrator writes to `/dev/ruring`: further devices, each with a policy of its own.

use super::policy::{Families, Opcodes, Policy, Registers};

/// What a line tells the module to do with its devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeCommand<'a> {
    /// To make the device `/dev/ruring-NAME`.
    Make { name: &'a str, policy: Policy },
    /// A device is to be removed.
    Remove { name: &'a str },
}

/// Bytes of the longest name.
const LONGEST_NAME: usize = 32;

/// Letters, digits, `_`, `-` and `.`, so that it is no other file.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(allowed)
}

impl<'a> NodeCommand<'a> {
    /// Reads `+NAME [PARAMETER=VALUE]...` or `-NAME`, with the parameters of [`Policy`]: each at most once. None if it
    /// is neither.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let first = words.next()?;
        if let Some(name) = first.strip_prefix('-') {
            return (is_name(name) && words.next().is_none()).then_some(Self::Remove { name });
        }
        let name = first.strip_prefix('+').filter(|name| is_name(name))?;
        let mut policy = Policy::ALL;
        let mut seen = 0u32;
        for word in words {
            let (parameter, value) = word.split_once('=')?;
            let limits = &mut policy.limits;
            let index = match parameter {
                "ops" => {
                    policy.ops = Opcodes::parse(value)?;
                    0
                }
                "registers" => {
                    policy.registers = Registers::parse(value)?;
                    1
                }
                "families" => {
                    policy.families = Families::parse(value)?;
                    2
                }
                "max_entries" => {
                    limits.entries = value.parse().ok()?;
                    3
                }
                "max_rings" => {
                    limits.rings = value.parse().ok()?;
                    4
                }
                "max_workers" => {
                    limits.workers = value.parse().ok()?;
                    5
                }
                "max_pinned" => {
                    limits.pinned = value.parse().ok()?;
                    6
                }
                _ => return None,
            };
            if seen & 1 << index != 0 {
                return None;
            }
            seen |= 1 << index;
        }
        Some(Self::Make { name, policy })
    }
}
