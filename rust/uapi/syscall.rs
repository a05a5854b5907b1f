// SPDX-License-Identifier: GPL-2.0

//! Structures of other system calls that requests have in them, held against the kernel's headers as those of `structs.rs`.

/// `struct open_how`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct OpenHow {
    /// `O_*`
    pub(crate) flags: u64,
    /// The mode of a new file.
    pub(crate) mode: u64,
    /// `RESOLVE_*`
    pub(crate) resolve: u64,
}

/// `struct iovec` of a 64-bit program.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct UserIovec {
    /// Address of the bytes.
    pub(crate) iov_base: u64,
    /// How many bytes.
    pub(crate) iov_len: u64,
}

/// `struct user_msghdr` of a 64-bit program, without its flags.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct MsgHdr {
    /// Address of the name.
    pub(crate) name: u64,
    /// Its size.
    pub(crate) name_len: i32,
    /// Anything.
    pub(crate) pad: u32,
    /// Address of the vector.
    pub(crate) iov: u64,
    /// Its length.
    pub(crate) iov_len: u64,
    /// Address of the control messages.
    pub(crate) control: u64,
    /// Their size.
    pub(crate) control_len: u64,
}

/// `struct epoll_event`, which has no padding on x86_64.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct EpollEvent {
    /// `EPOLL*`
    pub(crate) events: u32,
    /// What epoll_wait(2) is to tell with them: a number of 64 bits, in its two halves because it is not aligned.
    pub(crate) data: [u32; 2],
}
