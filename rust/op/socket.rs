// SPDX-License-Identifier: GPL-2.0

//! SOCKET, BIND, LISTEN and SHUTDOWN. `io_uring/net.c` of the kernel.

use super::{Attempt, Op, Outcome};
use crate::{
    ring::Locked,
    rsrc::buffers::RegisteredBuffer,
    sys::{
        context::{CallContext, InTask},
        fd::{OpenFile, Reserved},
        lsm::Hooks,
        socket::{Address, Socket},
        task::Identity,
    },
    uapi::{
        args::socket::{AddressArgs, ListenArgs, ShutdownArgs, SocketArgs},
        errno::{Errno, Result, EAFNOSUPPORT, EBADF, ECANCELED},
        filter::Pdu,
        sqe::{Flags, Sqe},
    },
};
use kernel::{
    alloc::{flags::GFP_KERNEL_ACCOUNT, KBox},
    fs::File,
    sync::Arc,
};

/// Does something to the socket that `file` is.
fn to_socket(file: Option<&File>, what: impl FnOnce(Socket<'_>) -> Result) -> Outcome {
    let done = file.ok_or(EBADF).and_then(Socket::of).and_then(what);
    Outcome::of(done.map(|()| 0))
}

/// SOCKET.
pub(crate) struct Create {
    args: SocketArgs,
    /// Who is to own what is made with the ring unlocked, see [`Ring::identity`](crate::ring::Ring::identity).
    identity: Option<Arc<Identity>>,
    /// The socket, once it is made.
    made: Option<OpenFile>,
}

impl Create {
    fn make(&self, task: InTask<'_>, identity: Option<&Identity>) -> Result<OpenFile> {
        let args = &self.args;
        let (domain, kind) = (args.domain, args.kind);
        Socket::create(task, identity, domain, kind, args.protocol, args.flags)
    }

    /// Gives it its place. Inside is what came of putting it into its slot.
    fn install(
        &self,
        ring: &mut Locked<'_>,
        file: OpenFile,
        fd: Option<Reserved<'_>>,
    ) -> Result<Result<i32>> {
        // The family of an old kind of socket is another one than it was asked for.
        ring.check_family(&file)?;
        Ok(ring.install(fd, self.args.place, file))
    }

    /// Makes it, or has it made with the ring unlocked. Inside is what came of putting it into its slot.
    fn create(&mut self, attempt: Attempt<'_, '_>) -> Result<Option<Result<i32>>> {
        let (ring, task) = (attempt.ring.ring, attempt.ring.task()?);
        let families = ring.policy.families;
        // Before modules are loaded for it.
        if !u32::try_from(self.args.domain).is_ok_and(|family| families.allow(family)) {
            return Err(EAFNOSUPPORT);
        }
        let fd = attempt
            .ring
            .reserve_place(self.args.place, self.args.flags)?;
        let SocketArgs {
            domain,
            kind,
            protocol,
            ..
        } = self.args;
        if Socket::may_load_module(domain, kind, protocol) {
            self.identity = ring.identity.clone();
            return Ok(None);
        }
        let file = self.make(task, ring.identity.as_deref())?;
        self.install(attempt.ring, file, fd).map(Some)
    }

    /// As [`Create::install`], of what was made with the ring unlocked.
    fn install_later(&self, ring: &mut Locked<'_>, file: OpenFile) -> Result<i32> {
        let fd = ring.reserve_place(self.args.place, self.args.flags)?;
        self.install(ring, file, fd)?
    }
}

impl Op for Create {
    fn parse(sqe: &Sqe, _flags: Flags) -> Result<Self> {
        Ok(Self {
            args: SocketArgs::parse(sqe)?,
            identity: None,
            made: None,
        })
    }

    fn pdu(&self) -> Pdu {
        let args = &self.args;
        let (family, kind) = (args.domain as u32, args.kind as u32);
        [family, kind, args.protocol as u32, 0, 0, 0]
    }

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        match self.create(attempt) {
            Ok(Some(res)) => Outcome::of(res),
            Ok(None) => Outcome::Punt,
            Err(error) => Outcome::broken(error),
        }
    }

    fn run_unlocked(
        &mut self,
        context: CallContext<'_>,
        _file: Option<&File>,
        _buffer: Option<&RegisteredBuffer>,
    ) -> Outcome {
        let task = context.task().ok_or(ECANCELED);
        match task.and_then(|task| self.make(task, self.identity.as_deref())) {
            Ok(file) => {
                self.made = Some(file);
                Outcome::done(0)
            }
            Err(error) => Outcome::broken(error),
        }
    }

    fn after_punt(&mut self, ring: &mut Locked<'_>, res: i32) -> i32 {
        let Some(file) = self.made.take() else {
            return res;
        };
        self.install_later(ring, file).unwrap_or_else(Errno::to_raw)
    }

    fn needs_drop(&self) -> bool {
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

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        // A name may be one in a file system.
        attempt.punt_with_file()
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

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        to_socket(attempt.file, |socket| socket.listen(self.0.backlog))
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

    fn issue(&mut self, attempt: Attempt<'_, '_>) -> Outcome {
        // What a protocol has to do for it may take a while.
        attempt.punt_with_file()
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
}
