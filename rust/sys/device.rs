// SPDX-License-Identifier: GPL-2.0

//! The devices that rings are made by: `/dev/ruring`, and those that an administrator makes by it.
//!
//! C header: `include/linux/miscdevice.h`.

use super::{
    bindings,
    context::InCall,
    module::ModuleRef,
    policy::{self, Grant},
};
use crate::uapi::{node::NodeCommand, policy::Policy};
use kernel::{
    fs::{File, Kiocb},
    iov::{IovIterDest, IovIterSource},
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration},
    new_mutex,
    page::PAGE_SIZE,
    prelude::*,
    str::CString,
    sync::{
        atomic::{Atomic, Full, Relaxed},
        Arc, ArcBorrow, Mutex,
    },
};

/// The ioctls of a device.
pub(crate) trait Commands: Send + Sync + 'static {
    /// Serves ioctl(2) for rings that may have what `grant` says.
    ///
    /// # Errors
    ///
    /// What user space is told instead of a number.
    ///
    /// # Context
    ///
    /// May sleep. No lock is held.
    fn ioctl(
        &self,
        call: InCall<'_>,
        grant: impl FnOnce() -> Grant,
        cmd: u32,
        arg: u64,
    ) -> crate::uapi::errno::Result<i64>;
}

/// The devices, for as long as this is there.
#[pin_data]
pub(crate) struct Devices<T: Commands> {
    #[pin]
    first: DeviceNode<T>,
    /// The others, which the first one makes.
    _nodes: Arc<Nodes<T>>,
}

impl<T: Commands> Devices<T> {
    /// Registers the first device, `name`, which does what `commands` does, as do those that it makes.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`, and what `misc_register()` says when the initialiser runs.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn register(
        name: &'static CStr,
        commands: Arc<T>,
    ) -> Result<impl PinInit<Self, Error>> {
        let same = commands.clone();
        let nodes = Arc::pin_init(
            pin_init!(Nodes {
                name,
                commands: same,
                all <- new_mutex!(NodeList { list: KVec::new(), last: 0 }, "ruring::nodes"),
            }),
            GFP_KERNEL,
        )?;
        let shared = Arc::new(
            Shared {
                commands,
                policy: None,
                number: 0,
                gone: Atomic::new(false),
                nodes: Some(nodes.clone()),
            },
            GFP_KERNEL,
        )?;
        let name = CString::try_from(name)?;
        Ok(try_pin_init!(Self {
            first <- DeviceNode::new(name, KVec::new(), shared),
            _nodes: nodes,
        }))
    }
}

/// The devices besides `/dev/ruring`, by their names.
#[pin_data]
struct Nodes<T: Commands> {
    /// What all of their names begin with.
    name: &'static CStr,
    commands: Arc<T>,
    #[pin]
    all: Mutex<NodeList<T>>,
}

struct NodeList<T: Commands> {
    list: KVec<Pin<KBox<DeviceNode<T>>>>,
    /// The number of the one that was made last.
    last: u32,
}

/// A further device, and what its rings may have.
#[pin_data]
struct DeviceNode<T: Commands> {
    #[pin]
    registration: MiscDeviceRegistration<Shared<T>>,
    /// Behind the registration, which uses it.
    name: CString,
    /// The line that it was made with, without its `+`.
    line: KVec<u8>,
    shared: Arc<Shared<T>>,
}

/// What those who have opened a device know of it, also if it is removed.
struct Shared<T: Commands> {
    commands: Arc<T>,
    /// What its rings may have; for the first one the module's parameters say that.
    policy: Option<Policy>,
    /// No other one has it.
    number: u32,
    /// Whether the device was removed: it can still be open.
    gone: Atomic<bool>,
    /// The others, of the first one.
    nodes: Option<Arc<Nodes<T>>>,
}

impl<T: Commands> DeviceNode<T> {
    /// Registers a device of this name.
    ///
    /// # Context
    ///
    /// May sleep.
    fn new(name: CString, line: KVec<u8>, shared: Arc<Shared<T>>) -> impl PinInit<Self, Error> {
        let text: *const CStr = &raw const *name;
        try_pin_init!(Self {
            // Before the registration, with which it can be opened.
            name,
            line,
            shared,
            registration <- MiscDeviceRegistration::register(MiscDeviceOptions {
                // SAFETY: The text stays where it is as long as the string is there, which goes after the
                // registration does, and nobody else keeps it.
                name: unsafe { &*text },
            }),
        })
    }
}

impl<T: Commands> Nodes<T> {
    /// The name of the device that is called `name` here.
    fn full_name(&self, name: &str) -> Result<CString> {
        let first = self.name.to_str().map_err(|_| EINVAL)?;
        CString::try_from_fmt(fmt!("{first}-{name}"))
    }

    /// Makes one. `-EEXIST` if there is one of that name.
    ///
    /// # Context
    ///
    /// May sleep.
    fn make(&self, name: &str, policy: Policy, text: &str) -> Result {
        let full_name = self.full_name(name)?;
        let mut line = KVec::new();
        line.extend_from_slice(text.trim_start_matches('+').as_bytes(), GFP_KERNEL)?;
        line.push(b'\n', GFP_KERNEL)?;
        let mut nodes = self.all.lock();
        if nodes.list.iter().any(|node| *node.name == *full_name) {
            return Err(EEXIST);
        }
        nodes.list.reserve(1, GFP_KERNEL)?;
        let number = nodes.last.checked_add(1).ok_or(ENOSPC)?;
        nodes.last = number;
        let shared = Arc::new(
            Shared {
                commands: self.commands.clone(),
                policy: Some(policy),
                number,
                gone: Atomic::new(false),
                nodes: None,
            },
            GFP_KERNEL,
        )?;
        let node = KBox::try_pin_init(DeviceNode::new(full_name, line, shared), GFP_KERNEL)?;
        nodes.list.push(node, GFP_KERNEL)?;
        Ok(())
    }

    /// Removes one: no rings are made by it any more, also by who has it open. `-ENOENT` if there is none of that
    /// name.
    ///
    /// # Context
    ///
    /// May sleep.
    fn remove(&self, name: &str) -> Result {
        let full_name = self.full_name(name)?;
        let mut nodes = self.all.lock();
        let index = nodes
            .list
            .iter()
            .position(|node| *node.name == *full_name)
            .ok_or(ENOENT)?;
        let node = nodes.list.remove(index).map_err(|_| ENOENT)?;
        node.shared.gone.xchg(true, Full);
        // Before another one is made of the same name.
        drop(node);
        Ok(())
    }

    /// What they were made with, line by line.
    ///
    /// # Context
    ///
    /// May sleep.
    fn show(&self) -> Result<KVec<u8>> {
        let mut text = KVec::new();
        for node in &self.all.lock().list {
            text.extend_from_slice(&node.line, GFP_KERNEL)?;
        }
        Ok(text)
    }
}

/// What is done with an open device. Rings are made by it and do not depend on it. To open it takes no memory, for which the lock
/// of all such devices would be held.
///
/// Nothing but the kernel calls this, because nothing but this file can name it.
#[vtable]
impl<T: Commands> MiscDevice for Shared<T> {
    type Ptr = Arc<Self>;

    fn open(_file: &File, misc: &MiscDeviceRegistration<Self>) -> Result<Arc<Self>> {
        // SAFETY: A registration of this type is one of a node. That is not removed before this call is over.
        let node =
            unsafe { &*kernel::container_of!(&raw const *misc, DeviceNode<T>, registration) };
        // The kernel crate of 7.2 has no owner for such a file.
        ModuleRef::new()?.keep();
        Ok(node.shared.clone())
    }

    fn release(shared: Arc<Self>, _file: &File) {
        drop(shared);
        drop(ModuleRef::kept());
    }

    fn ioctl(shared: ArcBorrow<'_, Self>, file: &File, cmd: u32, arg: usize) -> Result<isize> {
        if shared.gone.load(Relaxed) {
            return Err(ENODEV);
        }
        let grant = || Grant {
            policy: shared.policy.unwrap_or_else(policy::current),
            node: shared.number,
        };
        let file = file.as_ptr().cast();
        // SAFETY: Only the kernel calls this, for ioctl(2) on a file of the device.
        match unsafe {
            InCall::within(file, |call| {
                shared.commands.ioctl(call, grant, cmd, arg as u64)
            })
        } {
            Ok(value) => Ok(value as isize),
            Err(error) => Err(Error::from_errno(error.to_raw())),
        }
    }

    /// Makes or removes another device, for an administrator who has opened the first one himself.
    fn write_iter(kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterSource<'_>) -> Result<usize> {
        let shared = kiocb.file();
        let nodes = shared.nodes.as_ref().ok_or(EINVAL)?;
        // SAFETY: The file is open during this call.
        if !unsafe { bindings::ruring_may_administer((*kiocb.as_raw()).ki_filp.cast()) } {
            return Err(EPERM);
        }
        let len = iov.len();
        if len >= PAGE_SIZE {
            return Err(E2BIG);
        }
        let mut text = KVec::new();
        if iov.copy_from_iter_vec(&mut text, GFP_KERNEL)? != len {
            return Err(EFAULT);
        }
        let text = core::str::from_utf8(&text).map_err(|_| EINVAL)?.trim();
        match NodeCommand::parse(text).ok_or(EINVAL)? {
            NodeCommand::Make { name, policy } => nodes.make(name, policy, text)?,
            NodeCommand::Remove { name } => nodes.remove(name)?,
        }
        Ok(len)
    }

    /// What devices the first one has made.
    fn read_iter(mut kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterDest<'_>) -> Result<usize> {
        let shared = kiocb.file();
        let nodes = shared.nodes.as_ref().ok_or(EINVAL)?;
        let text = nodes.show()?;
        iov.simple_read_from_buffer(kiocb.ki_pos_mut(), &text)
    }
}
