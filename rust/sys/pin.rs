// SPDX-License-Identifier: GPL-2.0

//! Pinned memory, charged to the user who pins it.
//!
//! C headers: `include/linux/sched/user.h`, `include/linux/mm.h`. The charge goes to the same
//! counts as io_uring's: `user_struct.locked_vm`, against RLIMIT_MEMLOCK, and
//! `mm_struct.pinned_vm`.

use super::{bindings, calls, page_list::PageList, task::AddressSpace};
use crate::uapi::errno::{Errno, Result, EFAULT, EINVAL, ENOMEM, EOVERFLOW};
use core::{ops::Deref, ptr::NonNull};
use kernel::{
    alloc::{
        flags::{__GFP_NOWARN, GFP_KERNEL_ACCOUNT},
        KVVec,
    },
    new_mutex,
    prelude::*,
    rbtree::RBTree,
    sync::{Arc, Mutex},
};

/// Pages of user memory that stay where they are.
///
/// # Invariants
///
/// Each page is pinned once for this.
pub(super) struct Pins(PageList);

impl Pins {
    /// Pins `count` pages of the current task from the one that `addr` is in on, to be written to.
    ///
    /// # Errors
    ///
    /// `-EFAULT` if they cannot all be, `-EINVAL` in a task without memory of its own, `-EOVERFLOW` for more than can
    /// be listed, `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(super) fn new(addr: u64, count: usize) -> Result<Self> {
        if !AddressSpace::is_there() {
            return Err(EINVAL);
        }
        if count > i32::MAX as usize / size_of::<usize>() {
            return Err(EOVERFLOW);
        }
        let mut list = PageList::nulls(count, GFP_KERNEL_ACCOUNT | __GFP_NOWARN)?;
        // SAFETY: There is room for `count` pages, and the task is in an address space.
        let ret = unsafe {
            bindings::pin_user_pages_fast(
                addr as usize,
                count as i32,
                bindings::FOLL_WRITE | bindings::FOLL_LONGTERM,
                list.as_mut_ptr(),
            )
        };
        list.truncate(usize::try_from(ret).unwrap_or(0));
        // INVARIANT: So many were pinned.
        let this = Self(list);
        match ret {
            ret if ret < 0 => Err(Errno::from_raw(ret)),
            ret if ret as usize != count => Err(EFAULT),
            _ => Ok(this),
        }
    }

    /// Lets the pages go on as they are: whoever calls has to unpin them.
    pub(super) fn into_pages(mut self) -> PageList {
        core::mem::take(&mut self.0)
    }
}

impl Deref for Pins {
    type Target = [*mut bindings::page];

    fn deref(&self) -> &[*mut bindings::page] {
        &self.0
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        // SAFETY: By the type invariants each of them has a pin, which is given up here.
        unsafe { bindings::unpin_user_pages(self.0.as_mut_ptr(), self.0.len()) };
    }
}

/// A user, to whom memory is charged.
///
/// # Invariants
///
/// Points to a user, one of whose references this owns.
#[derive(PartialEq, Eq)]
pub(super) struct User(NonNull<bindings::user_struct>);

// SAFETY: A user belongs to no task, and the counts are atomic.
unsafe impl Send for User {}
// SAFETY: What is shared of it are the counts, which are atomic.
unsafe impl Sync for User {}

impl User {
    /// The user of the current task.
    fn current() -> Option<Self> {
        // INVARIANT: It comes with a reference.
        NonNull::new(calls::ruring_get_current_user()).map(Self)
    }

    /// For other wrappers; valid as long as `self`.
    #[inline]
    pub(super) fn as_ptr(&self) -> *mut bindings::user_struct {
        self.0.as_ptr()
    }
}

impl Clone for User {
    fn clone(&self) -> Self {
        // SAFETY: By the type invariants it is a user.
        unsafe { bindings::ruring_get_user(self.as_ptr()) };
        // INVARIANT: The reference was just taken.
        Self(self.0)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        // SAFETY: By the type invariants there is a reference, which is given up here.
        unsafe { bindings::free_uid(self.as_ptr()) };
    }
}

/// What pinned pages are charged to: a user, against RLIMIT_MEMLOCK, and an address space, which has no limit.
#[derive(Clone)]
struct MemAccount {
    user: User,
    mm: AddressSpace,
}

impl MemAccount {
    /// That of the current task: its user and its address space.
    fn current() -> Result<Self> {
        Ok(Self {
            mm: AddressSpace::current()?,
            user: User::current().ok_or(ENOMEM)?,
        })
    }

    /// Charges so many pages. `-ENOMEM` beyond RLIMIT_MEMLOCK of the current task, which
    /// CAP_IPC_LOCK lifts, and beyond `most`, which nothing lifts.
    fn charge(self, pages: usize, most: usize) -> Result<PageCharge> {
        if ruring_charge_locked(&self.user, pages, most) != 0 {
            return Err(ENOMEM);
        }
        self.mm.add_pinned(pages as i64);
        // INVARIANT: Charged just now.
        Ok(PageCharge {
            account: self,
            pages,
        })
    }
}

/// A charge for pages, which ends when this is dropped.
///
/// # Invariants
///
/// So many `pages` are charged to `account` for this.
struct PageCharge {
    account: MemAccount,
    pages: usize,
}

impl Drop for PageCharge {
    fn drop(&mut self) {
        self.account.mm.add_pinned(-(self.pages as i64));
        ruring_uncharge_locked(&self.account.user, self.pages);
    }
}

/// The folios of several pages that a ring's buffers keep. Each is charged once, however many
/// buffers are in it, to who was the first to have one there, until the last one goes.
#[pin_data]
pub(crate) struct FolioTable {
    #[pin]
    folios: Mutex<RBTree<usize, PinnedFolio>>,
}

/// What there is to know of a folio.
struct PinnedFolio {
    buffers: usize,
    _charge: PageCharge,
}

impl FolioTable {
    /// A table without folios.
    ///
    /// # Errors
    ///
    /// `-ENOMEM`.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(crate) fn new() -> Result<Arc<Self>> {
        Ok(Arc::pin_init(
            pin_init!(Self {
                folios <- new_mutex!(RBTree::new(), "ruring::folio_table"),
            }),
            GFP_KERNEL_ACCOUNT,
        )?)
    }

    /// Counts one more buffer in a folio of so many pages, for which `account` is charged if it is the first, see
    /// [`MemAccount::charge`].
    fn charge(&self, folio: usize, pages: usize, account: &MemAccount, most: usize) -> Result {
        let mut folios = self.folios.lock();
        if let Some(kept) = folios.get_mut(&folio) {
            kept.buffers += 1;
            return Ok(());
        }
        // Under the lock, so that who comes next does not rely on what is refused here.
        let kept = PinnedFolio {
            buffers: 1,
            _charge: account.clone().charge(pages, most)?,
        };
        folios.try_create_and_insert(folio, kept, GFP_KERNEL_ACCOUNT)?;
        Ok(())
    }

    /// Counts one buffer less in a folio, whose charge ends with the last one.
    fn uncharge(&self, folio: usize) {
        let mut folios = self.folios.lock();
        if let Some(kept) = folios.get_mut(&folio) {
            kept.buffers -= 1;
            if kept.buffers == 0 {
                folios.remove(&folio);
            }
        }
    }
}

/// The folios that a buffer is counted in.
struct FolioCharges {
    folio_table: Arc<FolioTable>,
    folios: KVVec<usize>,
}

impl Drop for FolioCharges {
    fn drop(&mut self) {
        for folio in self.folios.iter() {
            self.folio_table.uncharge(*folio);
        }
    }
}

/// What is charged for a buffer, until this is dropped.
pub(crate) struct Charge {
    pages: PageCharge,
    _folios: Option<FolioCharges>,
}

impl Charge {
    /// Charges the current user for what pinning `pages` keeps in memory: all of each folio that a page is of, once;
    /// also once for all buffers with one `folio_table`.
    ///
    /// # Errors
    ///
    /// `-ENOMEM` beyond RLIMIT_MEMLOCK, which CAP_IPC_LOCK lifts, and if the user would have more than `most` pages;
    /// `-EINVAL` in a task without memory of its own.
    ///
    /// # Context
    ///
    /// May sleep.
    pub(super) fn new(
        pages: &Pins,
        folio_table: Option<&Arc<FolioTable>>,
        most: usize,
    ) -> Result<Self> {
        let account = MemAccount::current()?;
        // Made for the first folio of several pages: most have none.
        let mut charges: Option<FolioCharges> = None;
        let (mut count, mut last) = (0, 0);
        for page in pages.iter() {
            // SAFETY: The page is pinned.
            let (folio, size) = unsafe {
                (
                    bindings::ruring_page_folio(*page),
                    bindings::ruring_page_folio_pages(*page),
                )
            };
            match folio_table {
                _ if folio == last => {}
                Some(folio_table) if size > 1 => {
                    let charges = charges.get_or_insert_with(|| FolioCharges {
                        folio_table: folio_table.clone(),
                        folios: KVVec::new(),
                    });
                    // Room first: what is charged must end with this.
                    charges.folios.reserve(1, GFP_KERNEL_ACCOUNT)?;
                    charges.folio_table.charge(folio, size, &account, most)?;
                    charges.folios.push(folio, GFP_KERNEL_ACCOUNT)?;
                }
                _ => count += size,
            }
            last = folio;
        }
        Ok(Self {
            pages: account.charge(count, most)?,
            _folios: charges,
        })
    }

    /// Charges the current user for so many pages.
    ///
    /// # Errors
    ///
    /// Those of [`new()`](Self::new).
    pub(super) fn of_pages(count: usize, most: usize) -> Result<Self> {
        Ok(Self {
            pages: MemAccount::current()?.charge(count, most)?,
            _folios: None,
        })
    }

    /// Whether it is the current task's user and address space that are charged.
    pub(super) fn is_currents(&self) -> bool {
        let account = &self.pages.account;
        MemAccount::current()
            .is_ok_and(|current| current.user == account.user && current.mm.ptr_eq(&account.mm))
    }
}

/// The user to whom memory is charged that requests of a ring keep pinned for a while.
pub(crate) struct Account {
    user: User,
    /// The most pages that he may have.
    most: usize,
    /// RLIMIT_MEMLOCK is no limit to him.
    privileged: bool,
}

/// So many pages that an [`Account`] is charged for. To be given back to it.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ChargedPages(u32);

impl Account {
    /// The current user, who may have `most` pages; none if that is no limit, and CAP_IPC_LOCK frees him from
    /// RLIMIT_MEMLOCK.
    pub(crate) fn current(most: usize) -> Option<Self> {
        let privileged = calls::ruring_may_lock();
        if privileged && most == usize::MAX {
            return None;
        }
        Some(Self {
            user: User::current()?,
            most,
            privileged,
        })
    }

    /// Charges the user for so many pages more.
    ///
    /// # Errors
    ///
    /// `-ENOMEM` beyond RLIMIT_MEMLOCK of the current task, or what he may have.
    #[inline]
    pub(crate) fn charge(&self, pages: u32) -> Result<ChargedPages> {
        match ruring_account_pages(&self.user, pages as usize, self.most, self.privileged) {
            0 => Ok(ChargedPages(pages)),
            _ => Err(ENOMEM),
        }
    }

    /// Ends a charge of this account.
    #[inline]
    pub(crate) fn uncharge(&self, pages: ChargedPages) {
        ruring_uncharge_locked(&self.user, pages.0 as usize);
    }
}

/// Functions of a user, which change atomic counts.
macro_rules! of_user {
    ($($name:ident($($arg:ident: $type:ty),*) $(-> $ret:ty)?;)*) => {
        $(
            fn $name(user: &User $(, $arg: $type)*) $(-> $ret)? {
                // SAFETY: A `User` is a reference to one; the rest are numbers.
                unsafe { bindings::$name(user.as_ptr() $(, $arg)*) }
            }
        )*
    };
}

of_user! {
    ruring_account_pages(pages: usize, most: usize, privileged: bool) -> isize;
    ruring_charge_locked(pages: usize, most: usize) -> isize;
    ruring_uncharge_locked(pages: usize);
}
