// SPDX-License-Identifier: GPL-2.0

//! CONNECT. `io_uring/net.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    rsrc::buffers::RegisteredBuffer,
    sys::{
        lsm::Hooks,
        poll::events_of,
        socket::{Address, Socket},
    },
    uapi::{
        abi::events,
        args::socket::AddressArgs,
        errno::{Result, EBADF, EBADFD, ECONNABORTED, EINPROGRESS, EISCONN},
        filter::{pdu_of_connect, Pdu},
        sqe::{Flags, Sqe},
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox},
    fs::File,
    warn_on,
};

/// CONNECT.
pub(crate) struct Connect {
    to: KBox<Address>,
    /// An attempt is under way.
    in_progress: bool,
    /// An attempt was aborted, which is forgiven once.
    aborted: bool,
}

impl Op for Connect {
    const HOOKS: Hooks = Hooks::CONNECT;
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        let args = AddressArgs::parse(sqe)?;
        let to = Address::read(args.addr, args.len)?;
        Ok(Self {
            to: KBox::new(to, GFP_KERNEL_ACCOUNT)?,
            in_progress: false,
            aborted: false,
        })
    }

    fn pdu(&self) -> Pdu {
        pdu_of_connect(self.to.bytes())
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        let opened = attempt
            .file()
            .and_then(|file| Ok((file, Socket::of(file)?)));
        let (file, socket) = match opened {
            Ok(opened) => opened,
            Err(error) => return Outcome::failed(error),
        };
        if self.to.is_of_files() {
            return Outcome::Punt;
        }
        let result = if self.in_progress && events_of(file, events::ERR) & events::ERR != 0 {
            socket.error()
        } else {
            match socket.connect(&self.to) {
                Err(EINPROGRESS) => {
                    self.in_progress = true;
                    return Outcome::POLL;
                }
                Err(ECONNABORTED) if !self.aborted => {
                    self.aborted = true;
                    return Outcome::POLL;
                }
                // Some protocols do not tell twice what came of the attempt.
                Err(EBADFD | EISCONN) if self.in_progress => socket.error(),
                result => result,
            }
        };
        Outcome::of(result.map(|()| 0))
    }

    fn is_audited_later(&self) -> bool {
        self.to.is_of_files()
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        let Some(file) = file else {
            // What is punted has its file.
            warn_on!(true);
            return Outcome::failed(EBADF);
        };
        let done = Socket::of(file).and_then(|socket| socket.connect(&self.to));
        Outcome::of(done.map(|()| 0))
    }
}
