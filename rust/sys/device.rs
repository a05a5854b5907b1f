// SPDX-License-Identifier: GPL-2.0

//! The device that rings are made by.
//!
//! C header: `include/linux/miscdevice.h`.

use super::context::InCall;
use core::marker::PhantomData;
use kernel::{
    fs::File,
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration},
    prelude::*,
};

/// What the device does.
pub(crate) trait Commands: 'static {
    /// ioctl(2). May sleep.
    fn ioctl(call: InCall<'_>, cmd: u32, arg: u64) -> crate::uapi::errno::Result<i64>;
}

/// The device, for as long as this is there.
#[pin_data]
pub(crate) struct Device<T: Commands> {
    #[pin]
    registration: MiscDeviceRegistration<Opened<T>>,
}

impl<T: Commands> Device<T> {
    /// Registers it. May sleep.
    pub(crate) fn register(name: &'static CStr) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            registration <- MiscDeviceRegistration::register(MiscDeviceOptions { name }),
        })
    }
}

/// An open device. Rings are made by it and do not depend on it.
///
/// Nothing but the kernel calls what it does, because nothing but this file can name it.
struct Opened<T>(PhantomData<fn(T)>);

#[vtable]
impl<T: Commands> MiscDevice for Opened<T> {
    type Ptr = KBox<Self>;

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result<KBox<Self>> {
        Ok(KBox::new(Self(PhantomData), GFP_KERNEL)?)
    }

    fn ioctl(_device: &Self, _file: &File, cmd: u32, arg: usize) -> Result<isize> {
        // SAFETY: Only the kernel calls this, for ioctl(2) on a file of the device.
        match unsafe { InCall::within(|call| T::ioctl(call, cmd, arg as u64)) } {
            Ok(value) => Ok(value as isize),
            Err(error) => Err(Error::from_errno(error.to_raw())),
        }
    }
}
