// SPDX-License-Identifier: GPL-2.0

//! The file of a ring: an anonymous inode with the operations that a [`RingFile`] gives it.
//!
//! C headers: `include/linux/fs.h`, `include/linux/anon_inodes.h`.

use super::{
    bindings,
    context::{InCall, InTask},
    fd::{operations, OpenFile, Reserved},
    memory::Region,
    waitqueue::WaitQueue,
};
use crate::uapi::{abi::open, errno::Result};
use core::{any::TypeId, ffi::c_void, marker::PhantomData, mem::ManuallyDrop, ops::Range};
use kernel::{
    fs::File, mm::virt::VmaNew, page::PAGE_SHIFT, prelude::*, seq_file::SeqFile, sync::Arc,
};

const O_RDWR_CLOEXEC: u32 = 0o2 | open::CLOEXEC;

/// An area of user space that a ring's memory is to be mapped into.
pub(crate) struct Area<'a> {
    vma: &'a VmaNew,
    /// Offset in the file, in bytes.
    pub(crate) offset: u64,
}

impl Area<'_> {
    /// Maps those bytes of `region` here, whole pages; with `partly` an area that is shorter than they are gets the first of
    /// them, else that is an error.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if the region cannot be mapped or has other bytes, `-EFAULT` if the area is too short, `-ENOMEM`.
    pub(crate) fn map(&self, region: &Region, bytes: Range<usize>, partly: bool) -> Result {
        region.mmap(self.vma, bytes, partly)
    }
}

/// What a ring's file does.
pub(crate) trait RingFile: Send + Sync + 'static {
    /// Serves ioctl(2).
    ///
    /// # Errors
    ///
    /// What user space is told instead of a number.
    ///
    /// # Context
    ///
    /// May sleep. No lock is held.
    fn ioctl(this: &Arc<Self>, call: InCall<'_>, cmd: u32, arg: u64) -> Result<i64>;
    /// The queue whose wake-ups tell who polls it of new events.
    ///
    /// It stays as long as there are references to the ring, because it is borrowed from what
    /// nobody can have to themselves by then.
    fn pollers(&self) -> &WaitQueue;
    /// poll(2): the `EPOLL*` events at the moment.
    ///
    /// # Context
    ///
    /// Possibly with the locks of other rings. Must not sleep for long.
    fn events(&self) -> u32;
    /// Whether there is something to map at `offset` (bytes).
    ///
    /// # Errors
    ///
    /// What get_unmapped_area() is to say where there is nothing.
    fn mappable(&self, offset: u64) -> Result;
    /// Serves mmap(2).
    ///
    /// # Errors
    ///
    /// The result of the ioctl.
    ///
    /// # Context
    ///
    /// With the mmap lock of the task. May sleep.
    fn mmap(&self, area: &Area<'_>) -> Result;
    /// close(2) of one of the file's descriptors, also by a task that exits or execs.
    ///
    /// # Context
    ///
    /// Any task that closes, also one that exits or execs. May sleep.
    fn flush(this: &Arc<Self>);
    /// The last reference to the file is gone.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    fn release(this: Arc<Self>);
    /// What a mapping of the ring's memory keeps.
    type Mapping: Send + Sync + 'static;
    /// Counts a mapping that is about to be made.
    ///
    /// # Errors
    ///
    /// The error that mmap(2) fails with.
    ///
    /// # Context
    ///
    /// With the mmap lock of the task. May sleep.
    fn map(this: &Arc<Self>) -> Result<Arc<Self::Mapping>>;
    /// There is one more of what was mapped before: by fork(2), or because a mapping was cut in two.
    ///
    /// # Context
    ///
    /// With the lock of the address space.
    fn map_again(mapping: &Arc<Self::Mapping>);
    /// A mapping is no more, or was not made.
    ///
    /// # Context
    ///
    /// With the lock of the address space, also by a kernel thread.
    fn unmap(mapping: Arc<Self::Mapping>);
    /// `/proc/PID/fdinfo/FD`.
    fn show_fdinfo(&self, out: &SeqFile);
}

struct Operations<T>(PhantomData<T>);

/// Operations that are not equal to those of rings of another type, so that not even a compiler that
/// puts what is equal in one place gives both the same address.
#[repr(C)]
struct Tagged {
    table: bindings::file_operations,
    _ring: TypeId,
}

// SAFETY: Nobody changes it, and what it points to are functions and the module.
unsafe impl Sync for Tagged {}

impl<T: RingFile> Operations<T> {
    const TABLE: bindings::file_operations = bindings::file_operations {
        owner: super::module::this_module(),
        unlocked_ioctl: Some(Self::ioctl),
        poll: Some(Self::poll),
        mmap: Some(Self::mmap),
        get_unmapped_area: Some(Self::get_unmapped_area),
        flush: Some(Self::flush),
        release: Some(Self::release),
        show_fdinfo: Some(Self::show_fdinfo),
        // SAFETY: A null pointer or zero is a valid value for each other field.
        ..unsafe { core::mem::MaybeUninit::zeroed().assume_init() }
    };
    /// Its address tells the type: that of another is never the same, see [`Tagged`].
    const OPS: &'static Tagged = &Tagged {
        table: Self::TABLE,
        _ring: TypeId::of::<T>(),
    };

    const VM_TABLE: bindings::vm_operations_struct = bindings::vm_operations_struct {
        open: Some(Self::vm_open),
        close: Some(Self::vm_close),
        // SAFETY: A null pointer is a valid value for each other field.
        ..unsafe { core::mem::MaybeUninit::zeroed().assume_init() }
    };
    const VM_OPS: &'static bindings::vm_operations_struct = &Self::VM_TABLE;

    /// # Safety
    ///
    /// Only for the kernel to call, with an area that [`Self::mmap`] has mapped or a copy of one.
    unsafe extern "C" fn vm_open(vma: *mut bindings::vm_area_struct) {
        // SAFETY: The private data of such an area is an `Arc` that was turned into a pointer by `mmap`;
        // the area that this is a copy of has a reference.
        let mapping = unsafe {
            let mapping = bindings::ruring_vm_private(vma).cast::<T::Mapping>();
            ManuallyDrop::new(Arc::from_raw(mapping))
        };
        T::map_again(&mapping);
        let _raw = Arc::into_raw(Arc::clone(&mapping));
    }

    /// # Safety
    ///
    /// Only for the kernel to call, with an area that [`Self::mmap`] has mapped or a copy of one.
    unsafe extern "C" fn vm_close(vma: *mut bindings::vm_area_struct) {
        // SAFETY: The area has a reference, which is taken back: it is not used any more.
        T::unmap(unsafe { Arc::from_raw(bindings::ruring_vm_private(vma).cast::<T::Mapping>()) });
    }

    /// # Safety
    ///
    /// `file` must be a live file from [`install`], whose reference to the ring is borrowed.
    unsafe fn ring(file: *mut bindings::file) -> ManuallyDrop<Arc<T>> {
        // SAFETY: `private_data` is an `Arc` that was turned into a pointer by `install`, and
        // whose reference stays with the file.
        ManuallyDrop::new(unsafe { Arc::from_raw((*file).private_data.cast::<T>()) })
    }

    /// # Safety
    ///
    /// Only for the kernel to call, with a file that [`install`] made and what the operation says.
    unsafe extern "C" fn ioctl(file: *mut bindings::file, cmd: u32, arg: usize) -> isize {
        // SAFETY: `file` is one of ours.
        let ring = unsafe { Self::ring(file) };
        // SAFETY: This is ioctl(2), and the file is this module's.
        match unsafe { InCall::within(file, |call| T::ioctl(&ring, call, cmd, arg as u64)) } {
            Ok(value) => value as isize,
            Err(error) => error.to_raw() as isize,
        }
    }

    /// # Safety
    ///
    /// Only for the kernel to call, with a file that [`install`] made and what the operation says.
    unsafe extern "C" fn poll(
        file: *mut bindings::file,
        table: *mut bindings::poll_table_struct,
    ) -> u32 {
        // SAFETY: `file` is one of ours, and open.
        let ring = unsafe { Self::ring(file) };
        // SAFETY: `table` is the one of this call, and whoever polls a file leaves its queues before
        // the file goes, which has a reference to the ring.
        unsafe { poll(&ring, file, table) }
    }

    /// # Safety
    ///
    /// Only for the kernel to call, with a file that [`install`] made and what the operation says.
    unsafe extern "C" fn mmap(
        file: *mut bindings::file,
        vma: *mut bindings::vm_area_struct,
    ) -> i32 {
        // SAFETY: `file` is one of ours, and `vma` is the area to map, which nobody else sees before this is over.
        let (ring, area) = unsafe {
            let area = Area {
                vma: VmaNew::from_raw(vma.cast()),
                offset: (bindings::ruring_vm_pgoff(vma) as u64) << PAGE_SHIFT,
            };
            (Self::ring(file), area)
        };
        let mapping = match T::map(&ring) {
            Ok(mapping) => mapping,
            Err(error) => return error.to_raw(),
        };
        if let Err(error) = ring.mmap(&area) {
            T::unmap(mapping);
            return error.to_raw();
        }
        // SAFETY: `vma` is still being made. Its operations take the pointer for what it is.
        unsafe {
            let raw = Arc::into_raw(mapping).cast_mut().cast();
            bindings::ruring_vm_set_ops(vma, Self::VM_OPS, raw);
        }
        0
    }

    /// # Safety
    ///
    /// Only for the kernel to call, with a file that [`install`] made and what the operation says.
    unsafe extern "C" fn get_unmapped_area(
        file: *mut bindings::file,
        addr: usize,
        len: usize,
        pgoff: usize,
        flags: usize,
    ) -> usize {
        // The kernel's view and the program's must not alias: no say for the program, as in
        // io_uring_get_unmapped_area().
        if addr != 0 {
            return crate::uapi::errno::EINVAL.to_raw() as usize;
        }
        // SAFETY: `file` is one of ours.
        if let Err(error) = unsafe { Self::ring(file) }.mappable((pgoff as u64) << PAGE_SHIFT) {
            return error.to_raw() as usize;
        }
        // SAFETY: No file means anonymous memory, of which any area will do.
        unsafe {
            bindings::mm_get_unmapped_area(
                core::ptr::null_mut(),
                0,
                len,
                0,
                flags | bindings::MAP_SHARED as usize,
            )
        }
    }

    /// # Safety
    ///
    /// Only for the kernel to call, with a file that [`install`] made and what the operation says.
    unsafe extern "C" fn flush(file: *mut bindings::file, _id: *mut c_void) -> i32 {
        // SAFETY: `file` is one of ours.
        let ring = unsafe { Self::ring(file) };
        T::flush(&ring);
        0
    }

    /// # Safety
    ///
    /// Only for the kernel to call, with a file that [`install`] made and what the operation says.
    unsafe extern "C" fn release(_: *mut bindings::inode, file: *mut bindings::file) -> i32 {
        // SAFETY: `file` is one of ours, and nobody uses it any more: its reference is taken back.
        T::release(unsafe { Arc::from_raw((*file).private_data.cast::<T>()) });
        0
    }

    /// # Safety
    ///
    /// Only for the kernel to call, with a file that [`install`] made and what the operation says.
    unsafe extern "C" fn show_fdinfo(out: *mut bindings::seq_file, file: *mut bindings::file) {
        // SAFETY: `file` is one of ours, and `out` is live for this call.
        unsafe { Self::ring(file).show_fdinfo(SeqFile::from_raw(out.cast())) };
    }
}

/// Has a poller woken up by what happens to `ring`. Returns the events at the moment.
///
/// # Safety
///
/// `table` must be one that `->poll()` may be given, and `file` null or what it is given with it.
/// The poller must leave the queue before it lets go of what keeps a reference to the ring.
pub(super) unsafe fn poll<T: RingFile>(
    ring: &Arc<T>,
    file: *mut bindings::file,
    table: *mut bindings::poll_table_struct,
) -> u32 {
    // SAFETY: By the safety requirements there is a reference to the ring as long as the poller is
    // on the queue. `pollers` borrows the queue from the ring for as long as that can be borrowed,
    // and it is not borrowed mutably, or gone, as long as there is a reference.
    unsafe { ring.pollers().poll_wait(file, table) };
    ring.events()
}

/// Makes a file for `ring`, as [`open()`], and gives it a close-on-exec descriptor of the current task.
///
/// Returns the descriptor. If it fails `ring` is released as if the file had been closed.
///
/// # Errors
///
/// `-EMFILE` if there is no descriptor left, `-ENFILE`, `-ENOMEM`.
///
/// # Context
///
/// May sleep.
pub(crate) fn install<T: RingFile>(task: InTask<'_>, ring: Arc<T>) -> Result<i32> {
    let fd = match Reserved::new(task, O_RDWR_CLOEXEC) {
        Ok(fd) => fd,
        Err(error) => {
            T::release(ring);
            return Err(error);
        }
    };
    Ok(fd.install(open(ring)?))
}

/// Makes a file for `ring`.
///
/// If it fails `ring` is released as if the file had been closed.
///
/// # Errors
///
/// `-ENFILE`, `-ENOMEM`.
///
/// # Context
///
/// May sleep.
pub(crate) fn open<T: RingFile>(ring: Arc<T>) -> Result<OpenFile> {
    let raw = Arc::into_raw(ring);
    // SAFETY: The operations are static, and take `raw` for what it is. The file comes with a reference.
    let file = unsafe {
        OpenFile::from_result(bindings::anon_inode_create_getfile(
            c"[ruring]".as_char_ptr().cast(),
            &raw const Operations::<T>::OPS.table,
            raw.cast_mut().cast(),
            O_RDWR_CLOEXEC as i32,
            core::ptr::null(),
        ))
    };
    file.inspect_err(|_| {
        // SAFETY: No file was made, so that the reference is still ours.
        T::release(unsafe { Arc::from_raw(raw) });
    })
}

/// Whether `file` is a ring of the type `T`.
pub(crate) fn is_ring<T: RingFile>(file: &File) -> bool {
    core::ptr::eq(operations(file), &raw const Operations::<T>::OPS.table)
}

/// The ring of the type `T` that `file` is, if it is one.
pub(crate) fn ring_of<T: RingFile>(file: &File) -> Option<Arc<T>> {
    if !is_ring::<T>(file) {
        return None;
    }
    // SAFETY: The file is open, and its operations are those of a file that `install` made for a
    // `T`.
    let ring = unsafe { Operations::<T>::ring(file.as_ptr().cast()) };
    Some(Arc::clone(&ring))
}

/// Identifies a ring while somebody has a reference to it, and is the id of no open file.
pub(crate) fn id<T: RingFile>(ring: &Arc<T>) -> usize {
    core::ptr::from_ref::<T>(ring) as usize
}
