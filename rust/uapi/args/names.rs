// SPDX-License-Identifier: GPL-2.0

//! What is done with files by their names.

use super::super::{
    errno::{Result, EBADF, EINVAL},
    number::at,
    sqe::{Flags, Sqe},
};

/// A name in user memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameArgs {
    /// The descriptor of the directory that it is relative to, or [`NameArgs::AT_FDCWD`].
    pub(crate) dir: i32,
    /// User address of the string.
    pub(crate) addr: u64,
}

impl NameArgs {
    /// Names are relative to the working directory.
    pub(crate) const AT_FDCWD: i32 = at::FDCWD;
    /// Of the `AT_*` flags: an empty name is the directory itself.
    pub(crate) const AT_EMPTY_PATH: u32 = at::EMPTY_PATH;
}

/// What none of them has. `-EBADF` for a registered file: directories are descriptors.
fn check(sqe: &Sqe, flags: Flags) -> Result {
    if sqe.buf_index() != 0 || sqe.file_index() != 0 {
        return Err(EINVAL);
    }
    if flags.fixed_file() {
        return Err(EBADF);
    }
    Ok(())
}

/// STATX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatxArgs {
    /// What is asked about.
    pub(crate) name: NameArgs,
    /// `AT_*`
    pub(crate) flags: u32,
    /// `STATX_*`
    pub(crate) mask: u32,
    /// User address for the `struct statx`.
    pub(crate) to: u64,
}

impl StatxArgs {
    /// Parses the fields of STATX.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have, `-EBADF` for a registered directory.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        check(sqe, flags)?;
        Ok(Self {
            name: NameArgs {
                dir: sqe.fd(),
                addr: sqe.addr(),
            },
            flags: sqe.op_flags(),
            mask: sqe.len(),
            to: sqe.off(),
        })
    }
}

/// UNLINKAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnlinkArgs {
    /// What goes.
    pub(crate) name: NameArgs,
    /// Whether that is a directory.
    pub(crate) is_dir: bool,
}

impl UnlinkArgs {
    const AT_REMOVEDIR: u32 = at::REMOVEDIR;

    /// Parses the fields of UNLINKAT.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields and flags that it does not have, `-EBADF` for a registered directory.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        if sqe.off() != 0 || sqe.len() != 0 || sqe.addr3() != 0 || sqe.addr3_pad() != 0 {
            return Err(EINVAL);
        }
        check(sqe, flags)?;
        if sqe.op_flags() & !Self::AT_REMOVEDIR != 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            name: NameArgs {
                dir: sqe.fd(),
                addr: sqe.addr(),
            },
            is_dir: sqe.op_flags() != 0,
        })
    }
}

/// MKDIRAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MkdirArgs {
    /// The new directory.
    pub(crate) name: NameArgs,
    /// Its mode.
    pub(crate) mode: u16,
}

impl MkdirArgs {
    /// Parses the fields of MKDIRAT.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have, `-EBADF` for a registered directory.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        if sqe.off() != 0 || sqe.op_flags() != 0 {
            return Err(EINVAL);
        }
        check(sqe, flags)?;
        Ok(Self {
            name: NameArgs {
                dir: sqe.fd(),
                addr: sqe.addr(),
            },
            mode: sqe.len() as u16,
        })
    }
}

/// RENAMEAT, LINKAT and SYMLINKAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TwoNamesArgs {
    /// What there is. Of a symbolic link its content, which is relative to nothing.
    pub(crate) old: NameArgs,
    /// What is to be.
    pub(crate) new: NameArgs,
    /// `RENAME_*` or `AT_*`
    pub(crate) flags: u32,
}

impl TwoNamesArgs {
    /// Parses the fields of RENAMEAT and LINKAT.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that they do not have, `-EBADF` for a registered directory.
    pub(crate) fn parse(sqe: &Sqe, flags: Flags) -> Result<Self> {
        check(sqe, flags)?;
        Ok(Self {
            old: NameArgs {
                dir: sqe.fd(),
                addr: sqe.addr(),
            },
            new: NameArgs {
                dir: sqe.len() as i32,
                addr: sqe.off(),
            },
            flags: sqe.op_flags(),
        })
    }

    /// Parses the fields of SYMLINKAT.
    ///
    /// # Errors
    ///
    /// `-EINVAL` for fields that it does not have, `-EBADF` for a registered directory.
    pub(crate) fn parse_symlink(sqe: &Sqe, flags: Flags) -> Result<Self> {
        if sqe.len() != 0 || sqe.op_flags() != 0 {
            return Err(EINVAL);
        }
        check(sqe, flags)?;
        Ok(Self {
            old: NameArgs {
                dir: NameArgs::AT_FDCWD,
                addr: sqe.addr(),
            },
            new: NameArgs {
                dir: sqe.fd(),
                addr: sqe.off(),
            },
            flags: 0,
        })
    }
}
