// SPDX-License-Identifier: GPL-2.0

//! SOCKET, BIND, LISTEN and SHUTDOWN. `io_uring/net.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    ring::Locked,
    rsrc::buffers::RegisteredBuffer,
    sys::{
        fd::Reserved,
        lsm::Hooks,
        socket::{Address, Socket},
    },
    uapi::{
        args::{
            files::FileSlot,
            socket::{AddressArgs, ListenArgs, ShutdownArgs, SocketArgs},
        },
        errno::{Result, EAFNOSUPPORT, EBADF},
        filter::Pdu,
        sqe::{Flags, Sqe},
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox},
    fs::File,
};

/// Does something to the socket that `file` is.
fn to_socket(file: Option<&File>, what: impl FnOnce(Socket<'_>) -> Result) -> Outcome {
    let done = file.ok_or(EBADF).and_then(Socket::of).and_then(what);
    Outcome::of(done.map(|()| 0))
}

/// SOCKET.
pub(crate) struct Create(SocketArgs);

impl Create {
    /// Makes it. Inside is what came of putting it into its slot.
    fn create(&self, at: Attempt<'_, '_>) -> Result<Result<i32>> {
        let (args, task) = (&self.0, at.ring.task()?);
        let families = at.ring.ring.policy.families;
        // Before modules are loaded for it.
        if !u32::try_from(args.domain).is_ok_and(|family| families.allow(family)) {
            return Err(EAFNOSUPPORT);
        }
        let fd = match args.place {
            FileSlot::Descriptor => Some(Reserved::new(task, args.flags)?),
            _ => None,
        };
        let identity = at.ring.ring.identity.as_ref();
        let file = Socket::create(
            task,
            identity,
            args.domain,
            args.kind,
            args.protocol,
            args.flags,
        )?;
        // The family of an old kind of socket is another one than it was asked for.
        at.ring.check_family(&file)?;
        match fd {
            Some(fd) => Ok(Ok(fd.install(file))),
            None => Ok(at.ring.install_file(args.place, file)),
        }
    }
}

impl Op for Create {
    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        SocketArgs::parse(sqe).map(Self)
    }

    fn pdu(&self) -> Pdu {
        let args = &self.0;
        let (family, kind) = (args.domain as u32, args.kind as u32);
        [family, kind, args.protocol as u32, 0, 0, 0]
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        match self.create(at) {
            Ok(res) => Outcome::of(res),
            Err(error) => Outcome::broken(error),
        }
    }

    fn owns(&self) -> bool {
        // It is asked what its result means.
        true
    }
}

/// BIND.
pub(crate) struct Bind(KBox<Address>);

impl Op for Bind {
    const HOOKS: Hooks = Hooks::BIND;
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        let args = AddressArgs::parse(sqe)?;
        let addr = Address::read(args.addr, args.len)?;
        Ok(Self(KBox::new(addr, GFP_KERNEL_ACCOUNT)?))
    }

    fn is_forced(&self) -> bool {
        // The name is to be one in a file system.
        let name = self.0.bytes().get(2);
        self.0.is_of_files() && name.is_some_and(|first| *first != 0)
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        // A name may be one in a file system.
        at.punt_with_file()
    }

    fn is_audited_later(&self) -> bool {
        true
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        to_socket(file, |socket| socket.bind(&self.0))
    }
}

/// LISTEN.
pub(crate) struct Listen(ListenArgs);

impl Op for Listen {
    const HOOKS: Hooks = Hooks::LISTEN;
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        ListenArgs::parse(sqe).map(Self)
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        to_socket(at.file, |socket| socket.listen(self.0.backlog))
    }
}

/// SHUTDOWN.
pub(crate) struct Shutdown(ShutdownArgs);

impl Op for Shutdown {
    const HOOKS: Hooks = Hooks::SHUTDOWN;
    const AUDITED: bool = true;

    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        ShutdownArgs::parse(sqe).map(Self)
    }

    fn issue(&mut self, at: Attempt<'_, '_>) -> Outcome {
        // What a protocol has to do for it may take a while.
        at.punt_with_file()
    }

    fn is_audited_later(&self) -> bool {
        true
    }

    fn run_punted(&mut self, file: Option<&File>, _buffer: Option<&RegisteredBuffer>) -> Outcome {
        match file.ok_or(EBADF).and_then(Socket::of) {
            Ok(socket) => Outcome::of(socket.shutdown(self.0.how).map(|()| 0)),
            Err(error) => Outcome::broken(error),
        }
    }

    fn settle(&mut self, ring: &mut Locked<'_>, res: i32) -> i32 {
        // As io_uring, whose worker does it.
        ring.post_as_worker();
        res
    }
}
