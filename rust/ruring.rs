// SPDX-License-Identifier: GPL-2.0

//! ruring: io_uring's networking and provided-buffer paths behind `/dev/ruring`.
//!
//! A function that says nothing of its context (`# Context`) neither sleeps nor allocates, nor takes a lock. Who has a
//! `Locked` has the mutex of that ring, and may sleep.

mod sys;

#[forbid(unsafe_code)]
mod exec;
#[forbid(unsafe_code)]
mod file;
#[forbid(unsafe_code)]
mod kbuf;
#[forbid(unsafe_code)]
mod notif;
#[forbid(unsafe_code)]
mod op;
#[forbid(unsafe_code)]
mod req;
#[forbid(unsafe_code)]
mod ring;
#[forbid(unsafe_code)]
mod rsrc;
#[forbid(unsafe_code)]
mod uapi;

// A ring holds these without looking into them, and knows no more of what moves requests.
use exec::{registered::RegisteredRings, ExecShared, ExecState};
use kernel::{prelude::*, sync::Arc};
use sys::{
    context::InCall,
    device::{Commands, Devices},
    policy::Grant,
};

module! {
    type: Module,
    name: "ruring",
    authors: ["The ruring authors"],
    description: "io_uring's networking and provided-buffer paths in Rust",
    license: "GPL",
}

#[pin_data]
struct Module {
    #[pin]
    devices: Devices<RuringDevice>,
    /// Behind the devices, with which the last ring has gone.
    tracing: sys::exit::Tracing,
    /// Last: nothing of the module runs once it is dropped.
    workers: sys::module::WorkQueues,
}

impl kernel::InPlaceModule for Module {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            workers: {
                sys::unexported::find();
                sys::lsm::find();
                sys::policy::prepare();
                sys::module::WorkQueues::new()?
            },
            tracing: sys::exit::Tracing::new()?,
            devices <- {
                let registered = RegisteredRings::new()?;
                Devices::register(c"ruring", Arc::new(RuringDevice { registered }, GFP_KERNEL)?)?
            },
        })
    }
}

/// What `/dev/ruring` and its like do.
struct RuringDevice {
    registered: Arc<RegisteredRings>,
}

impl Commands for RuringDevice {
    fn ioctl(
        &self,
        call: InCall<'_>,
        grant: impl FnOnce() -> Grant,
        cmd: u32,
        arg: u64,
    ) -> uapi::errno::Result<i64> {
        match cmd {
            uapi::ioctl::SETUP => {
                let what: uapi::structs::Setup = sys::user::read(arg)?;
                if what.resv != 0 {
                    return Err(uapi::errno::EINVAL);
                }
                let (grant, registered) = (grant(), &self.registered);
                ring::Ring::setup(call.task(), &grant, registered, what.entries, what.params)
            }
            uapi::ioctl::REGISTER => {
                let what: uapi::structs::Register = sys::user::read(arg)?;
                let policy = grant().policy;
                file::without_ring::register(call, &policy, what.opcode, what.arg, what.nr_args)
            }
            uapi::ioctl::ENTER => file::indexed::enter(&self.registered, call, arg),
            uapi::ioctl::REGISTER_INDEXED => file::indexed::register(&self.registered, call, arg),
            _ => Err(uapi::errno::ENOTTY),
        }
    }
}
