// SPDX-License-Identifier: GPL-2.0

//! Messages to other rings.

use super::{
    super::{
        abi::msg_ring,
        errno::{Result, EINVAL},
        sqe::Sqe,
        structs::Cqe,
    },
    files::FileSlot,
};

/// MSG_RING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RingMessage {
    /// A completion is posted in the other ring.
    Data(Cqe),
    /// A registered file is put into a slot of the other ring.
    File {
        /// Its slot here.
        from: u32,
        /// Its slot there.
        to: FileSlot,
        /// For the completion there, if there is to be one.
        user_data: Option<u64>,
    },
    /// A command that is neither.
    Unknown,
}

impl RingMessage {
    /// Parses the fields of MSG_RING. As with io_uring what the command makes of them is looked at
    /// after the ring is.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        let flags = sqe.op_flags();
        if sqe.buf_index() != 0
            || sqe.personality() != 0
            || flags & !(msg_ring::CQE_SKIP | msg_ring::FLAGS_PASS) != 0
        {
            return Err(EINVAL);
        }
        let passes_flags = flags & msg_ring::FLAGS_PASS != 0;
        let silent = flags & msg_ring::CQE_SKIP != 0;
        let from = sqe.addr3() as u32;
        let to = sqe.file_index();
        Ok(match sqe.addr() as u32 {
            msg_ring::DATA if from == 0 && !silent && (passes_flags || to == 0) => {
                Self::Data(Cqe {
                    user_data: sqe.off(),
                    res: sqe.len() as i32,
                    // Without the flag it is 0.
                    flags: to,
                })
            }
            msg_ring::SEND_FD if sqe.len() == 0 => Self::File {
                from,
                to: FileSlot::parse_slot(sqe),
                user_data: (!silent).then_some(sqe.off()),
            },
            _ => Self::Unknown,
        })
    }
}
