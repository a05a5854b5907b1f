// SPDX-License-Identifier: GPL-2.0

//! Descriptors and registered files.

use super::super::{
    abi::{install, open},
    errno::{Result, EBADF, EINVAL, EPERM},
    number::call,
    sqe::{Flags, Sqe},
    structs::OpenHow,
};

/// Where a new file goes (`sqe->file_index`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileSlot {
    /// It gets a descriptor.
    Descriptor,
    /// This slot of the registered files.
    Slot(u32),
    /// A free slot of the registered files.
    AnySlot,
}

impl FileSlot {
    /// Parses `file_index`.
    #[inline]
    pub(crate) const fn parse(sqe: &Sqe) -> Self {
        match sqe.file_index() {
            0 => Self::Descriptor,
            u32::MAX => Self::AnySlot,
            index => Self::Slot(index - 1),
        }
    }

    /// Parses `file_index` of what has no descriptor to give: 0 is one of the slots that there are not.
    pub(crate) const fn parse_slot(sqe: &Sqe) -> Self {
        match Self::parse(sqe) {
            Self::Descriptor => Self::Slot(u32::MAX),
            place => place,
        }
    }
}

/// PIPE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PipeArgs {
    /// Where the two numbers go.
    pub(crate) fds: u64,
    /// `O_*`
    pub(crate) flags: u32,
    /// Where the end to read from goes.
    pub(crate) place: FileSlot,
}

impl PipeArgs {
    /// Parses the fields of PIPE.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have.
    pub(crate) fn parse(sqe: &Sqe) -> Result<Self> {
        // O_EXCL is O_NOTIFICATION_PIPE.
        const FLAGS: u32 = open::CLOEXEC | open::NONBLOCK | open::DIRECT | open::EXCL;
        let flags = sqe.op_flags();
        if sqe.fd() != 0 || sqe.off() != 0 || sqe.addr3() != 0 || flags & !FLAGS != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            fds: sqe.addr(),
            flags,
            place: FileSlot::parse(sqe),
        })
    }
}

/// OPENAT or OPENAT2, without the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenArgs {
    /// The directory, for a name that is relative.
    pub(crate) dir: i32,
    /// How it is opened.
    pub(crate) how: OpenHow,
    /// Where the file goes.
    pub(crate) place: FileSlot,
    /// Whether nothing is tried before it is opened as by the system call: there is `IOSQE_ASYNC`, or what has that effect.
    pub(crate) force_async: bool,
}

impl OpenArgs {
    /// Parses the fields of OPENAT.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have, `-EBADF` for a registered directory.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        let how = OpenHow {
            flags: sqe.op_flags().into(),
            mode: sqe.len().into(),
            resolve: 0,
        };
        Self::parse_how(sqe, flags, how)
    }

    /// Parses the fields of OPENAT2, but for what is at [`OpenArgs::where_how`].
    ///
    /// # Errors
    ///
    /// Those of [`OpenArgs::parse`].
    pub(crate) fn parse_how(sqe: &Sqe, flags: Flags, mut how: OpenHow) -> Result<Self> {
        if sqe.buf_index() != 0 {
            return Err(EINVAL);
        }
        if flags.fixed_file() {
            return Err(EBADF);
        }
        // As always for 64-bit programs.
        let large = match how.flags & u64::from(open::PATH) {
            0 => open::LARGEFILE,
            _ => 0,
        };
        how.flags |= u64::from(large);
        Ok(Self {
            dir: sqe.fd(),
            how,
            place: FileSlot::parse(sqe),
            force_async: flags.force_async() || flags.drain(),
        })
    }

    /// User address and size of the `struct open_how` of OPENAT2.
    ///
    /// # Errors
    ///
    /// `-EINVAL` if it is too small to be one.
    pub(crate) fn where_how(sqe: &Sqe) -> Result<(u64, usize)> {
        if sqe.len() < call::OPEN_HOW_SIZE_VER0 {
            return Err(EINVAL);
        }
        Ok((sqe.off(), sqe.len() as usize))
    }
}

/// CLOSE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseArgs {
    /// A descriptor.
    Descriptor(i32),
    /// The slot of a registered file.
    Slot(u32),
}

impl CloseArgs {
    /// Parses the fields of CLOSE.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have, or both a descriptor and a slot; `-EBADF` for a registered file.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        if sqe.off() != 0
            || sqe.addr() != 0
            || sqe.len() != 0
            || sqe.op_flags() != 0
            || sqe.buf_index() != 0
        {
            return Err(EINVAL);
        }
        if flags.fixed_file() {
            return Err(EBADF);
        }
        match sqe.file_index().checked_sub(1) {
            None => Ok(Self::Descriptor(sqe.fd())),
            Some(slot) if sqe.fd() == 0 => Ok(Self::Slot(slot)),
            Some(_) => Err(EINVAL),
        }
    }
}

/// FILES_UPDATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FilesUpdateArgs {
    /// The first slot, or none to take free ones.
    pub(crate) first: Option<u32>,
    /// How many.
    pub(crate) count: u32,
    /// Where the descriptors are.
    pub(crate) fds: u64,
}

impl FilesUpdateArgs {
    /// Parses the fields of FILES_UPDATE.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have, or no slots at all.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        if flags.fixed_file() || sqe.op_flags() != 0 || sqe.file_index() != 0 || sqe.len() == 0 {
            return Err(EINVAL);
        }
        let first = sqe.off() as u32;
        Ok(Self {
            first: (first != u32::MAX).then_some(first),
            count: sqe.len(),
            fds: sqe.addr(),
        })
    }
}

/// FIXED_FD_INSTALL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InstallArgs {
    /// Whether the descriptor is close-on-exec.
    pub(crate) cloexec: bool,
}

impl InstallArgs {
    /// Parses the fields of FIXED_FD_INSTALL.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields and flags that it does not have, `-EBADF` if its file is not a registered one, `-EPERM` with
    /// credentials of another.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        if sqe.off() != 0
            || sqe.addr() != 0
            || sqe.len() != 0
            || sqe.buf_index() != 0
            || sqe.file_index() != 0
            || sqe.addr3() != 0
        {
            return Err(EINVAL);
        }
        if !flags.fixed_file() {
            return Err(EBADF);
        }
        if sqe.op_flags() & !install::NO_CLOEXEC != 0 {
            return Err(EINVAL);
        }
        // It is the task that gets the descriptor, with its own rights.
        if sqe.personality() != 0 {
            return Err(EPERM);
        }
        Ok(Self {
            cloexec: sqe.op_flags() & install::NO_CLOEXEC == 0,
        })
    }
}
