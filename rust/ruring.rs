// SPDX-License-Identifier: GPL-2.0

//! ruring: io_uring's networking and provided-buffer paths behind `/dev/ruring`.

mod sys;

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

use kernel::{
    fs::File,
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration},
    prelude::*,
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
    device: MiscDeviceRegistration<Device>,
    /// Last: nothing of the module runs once it is dropped.
    workers: sys::module::Workers,
}

impl kernel::InPlaceModule for Module {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            workers: sys::module::Workers::new()?,
            device <- MiscDeviceRegistration::register(MiscDeviceOptions { name: c"ruring" }),
        })
    }
}

/// An open `/dev/ruring`. Rings are made by it and do not depend on it.
struct Device;

#[vtable]
impl MiscDevice for Device {
    type Ptr = KBox<Self>;

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result<KBox<Self>> {
        Ok(KBox::new(Self, GFP_KERNEL)?)
    }

    fn ioctl(_device: &Self, _file: &File, cmd: u32, arg: usize) -> Result<isize> {
        if cmd != uapi::ioctl::SETUP {
            return Err(ENOTTY);
        }
        let mut words = [0u64; 2];
        let result = sys::user::read_into(arg as u64, &mut words).and_then(|()| {
            let [params, entries] = words;
            if entries >> 32 != 0 {
                return Err(uapi::errno::EINVAL);
            }
            ring::Ring::setup(entries as u32, params)
        });
        match result {
            Ok(fd) => Ok(fd as isize),
            Err(error) => Err(Error::from_errno(error.to_raw())),
        }
    }
}
