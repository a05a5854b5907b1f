// SPDX-License-Identifier: GPL-2.0

//! What a socket is, and whether there is something in it, without asking its protocol.
//!
//! C header: `include/net/sock.h`.

use super::{super::bindings, calls, hooks::may_receive, Socket};
use crate::uapi::{
    abi::msg,
    errno::{Result, EOPNOTSUPP},
    number::sock,
    structs::Timespec,
};

const SOF_TX_HARDWARE: i32 = bindings::ruring_number_RURING_SOF_TX_HARDWARE as i32;

/// When something was sent.
pub(crate) struct TxTimestamp {
    /// The time, of the host's clock or the device's.
    pub(crate) time: Timespec,
    /// Which bytes, or which packet.
    pub(crate) key: u32,
    /// `SCM_TSTAMP_*`
    pub(crate) kind: u32,
    /// Whether it is the device's time.
    pub(crate) hardware: bool,
}

#[cold] // send/unix/32
fn is_of_commands(family: u32) -> bool {
    matches!(family, bindings::AF_KEY | bindings::AF_NETLINK)
}

impl Socket<'_> {
    /// Whether its error queue tells when something was sent.
    pub(crate) fn has_tx_timestamp(self) -> bool {
        calls::ruring_has_tx_timestamp(self)
    }

    /// Takes the first time out of its error queue at which something was sent.
    pub(crate) fn take_tx_timestamp(self) -> Option<TxTimestamp> {
        let taken = calls::ruring_take_tx_timestamp(self);
        (taken.source > 0).then_some(TxTimestamp {
            time: Timespec {
                tv_sec: taken.sec,
                tv_nsec: taken.nsec,
            },
            key: taken.key,
            kind: taken.type_,
            hardware: taken.source == SOF_TX_HARDWARE,
        })
    }

    /// The address family of the socket.
    #[inline]
    pub(crate) fn family(self) -> u32 {
        calls::ruring_socket_family(self)
    }

    /// Whether what is sent to it is a command, which the kernel does in the call: it waits for locks that all networks share,
    /// and may load modules.
    #[inline(always)] // send/unix/32
    pub(crate) fn takes_commands(self) -> bool {
        // Those that most sockets have are no greater.
        let family = self.family();
        family > bindings::AF_INET6 && is_of_commands(family)
    }

    /// Whether there is an error queue that can be received from. UNIX sockets have none, and do not heed the flag.
    pub(crate) fn has_error_queue(self) -> bool {
        self.family() != bindings::AF_UNIX
    }

    /// Whether a transfer that asks for all of it may be continued where it stopped.
    #[inline]
    pub(crate) fn resumes(self) -> bool {
        matches!(self.kind(), sock::STREAM | sock::SEQPACKET)
    }

    /// Whether it says that there is something left when that is the end of the stream, as only
    /// TCP does (`tcp_inq_hint()`).
    #[inline]
    pub(crate) fn tells_eof(self) -> bool {
        calls::ruring_socket_is_tcp(self)
    }

    /// Whether there is something in the queue that every socket has, or that UDP has besides. There are
    /// others.
    #[inline(always)] // recv-armed/tcp/1
    pub(crate) fn has_data(self) -> bool {
        calls::ruring_socket_has_data(self)
    }

    /// Whether a receive with `flags` would have to wait: there is no data, no error and no end. False
    /// where that cannot be known without trying, and for one that never waits.
    ///
    /// Who sees this and then has itself woken up for what poll says has missed nothing.
    pub(crate) fn is_idle(self, flags: u32) -> bool {
        !self.has_data() && self.is_quiet(flags)
    }

    /// Whether a receive of `len` bytes that would find nothing may wait for something. False if only an attempt can tell.
    ///
    /// # Errors
    ///
    /// What the hook says that an attempt would call.
    #[inline(always)] // recv-armed/tcp/1: where there are no hooks there is nothing to do.
    pub(crate) fn may_wait(self, len: usize, flags: u32) -> Result<bool> {
        match may_receive(self, len, flags | msg::DONTWAIT) {
            Ok(()) => Ok(true),
            Err(EOPNOTSUPP) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The rest of [`Socket::is_idle`], apart from what finds data: there is no error and no end.
    #[inline(never)] // recv-armed/tcp/1: what is idle is seen before.
    pub(crate) fn is_quiet(self, flags: u32) -> bool {
        // What other flags ask for is elsewhere.
        const PLAIN: u32 = msg::WAITALL | msg::TRUNC | msg::NOSIGNAL | msg::CMSG_CLOEXEC;
        flags & !PLAIN == 0 && calls::ruring_socket_idle(self)
    }
}
