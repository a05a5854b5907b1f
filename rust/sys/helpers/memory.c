// SPDX-License-Identifier: GPL-2.0
/* Memory: of users, pinned, mapped, charged for. */

__helper void ruring_mm_add_pinned(struct mm_struct *mm, s64 pages)
{
	atomic64_add(pages, &mm->pinned_vm);
}

__helper struct user_struct *ruring_get_current_user(void)
{
	return get_uid(current_user());
}

__helper void ruring_get_user(struct user_struct *user)
{
	get_uid(user);
}

__helper void ruring_uncharge_locked(struct user_struct *user, unsigned long pages)
{
	atomic_long_sub(pages, &user->locked_vm);
}

__helper unsigned long ruring_page_folio(struct page *page)
{
	return (unsigned long)page_folio(page);
}

__helper unsigned long ruring_page_folio_pages(struct page *page)
{
	return folio_nr_pages(page_folio(page));
}

__helper unsigned long ruring_page_folio_index(struct page *page)
{
	return folio_page_idx(page_folio(page), page);
}

__helper void ruring_unpin_pages(struct page *first, unsigned long count)
{
	unpin_user_folio(page_folio(first), count);
}

__helper struct page *ruring_alloc_page(void)
{
	return alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
}

/* As one block, which lives as long as a reference to any of its pages. */
__helper struct page *ruring_alloc_block(unsigned int order)
{
	return alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN |
			   __GFP_NORETRY | __GFP_COMP, order);
}

__helper struct page *ruring_nth_page(struct page *block, unsigned int n)
{
	return block + n;
}

/* Where the kernel has them anyway, if they follow each other in memory. */
__helper void *ruring_page_address(struct page **pages, unsigned int count)
{
	unsigned int i;

	for (i = 1; i < count; i++) {
		if (page_to_pfn(pages[i]) != page_to_pfn(pages[0]) + i)
			return NULL;
	}
	return page_address(pages[0]);
}

__helper void ruring_free_page(struct page *page)
{
	put_page(page);
}

__helper void *ruring_vmap(struct page **pages, unsigned int count)
{
	return vmap(pages, count, VM_MAP, PAGE_KERNEL);
}

__helper unsigned long ruring_vm_pgoff(struct vm_area_struct *vma)
{
	return vma->vm_pgoff;
}

/* In one piece: user memory is reachable between user_access_begin() and _end() only. */
__helper int ruring_read_words4(u64 *words, const void __user *addr)
{
	const u64 __user *from = addr;

	if (!user_access_begin(from, 4 * sizeof(*from)))
		return -EFAULT;
	unsafe_get_user(words[0], from, fault);
	unsafe_get_user(words[1], from + 1, fault);
	unsafe_get_user(words[2], from + 2, fault);
	unsafe_get_user(words[3], from + 3, fault);
	user_access_end();
	return 0;
fault:
	user_access_end();
	return -EFAULT;
}

/* Not in a loop, which user space could keep going by changing the word as fast. */
__helper void ruring_change_bits(u32 *word, u32 bits, bool set)
{
	atomic_t *at = (atomic_t *)word;

	/* One instruction: those that return the old value are loops on x86, which user space could keep going. */
	/* What was done before is seen by who sees the bits. */
	smp_mb__before_atomic();
	if (set)
		atomic_or(bits, at);
	else
		atomic_andnot(bits, at);
	/* And the bits before what is looked at afterwards. */
	smp_mb__after_atomic();
}

__helper bool ruring_access_ok(const void __user *addr, size_t len)
{
	return access_ok(addr, len);
}

__helper void ruring_iov_iter_ubuf(struct iov_iter *iter, unsigned int direction,
				   void __user *addr, size_t len)
{
	iov_iter_ubuf(iter, direction, addr, len);
}

__helper unsigned long ruring_index_nospec(unsigned long index, unsigned long size)
{
	return array_index_nospec(index, size);
}

__helper bool ruring_may_lock(void)
{
	return capable(CAP_IPC_LOCK);
}

/* Charges pages to @user, who may have @most, and if he is not @privileged what RLIMIT_MEMLOCK says. */
__helper long ruring_account_pages(struct user_struct *user, unsigned long pages,
				   unsigned long most, bool privileged)
{
	unsigned long limit = privileged ? most : min(most, rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT);
	long cur = atomic_long_read(&user->locked_vm);

	do {
		if (cur + pages > limit)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&user->locked_vm, &cur, cur + pages));
	return 0;
}

__helper long ruring_charge_locked(struct user_struct *user, unsigned long pages,
				   unsigned long most)
{
	return ruring_account_pages(user, pages, most, capable(CAP_IPC_LOCK));
}

/*
 * Both who has opened @file and who uses it now: neither can have the other do it
 * without knowing.
 */
__helper bool ruring_may_administer(const struct file *file)
{
	return file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN) && capable(CAP_SYS_ADMIN);
}

__helper unsigned int ruring_current_uid(void)
{
	return __kuid_val(current_uid());
}

__helper void ruring_get_page(struct page *page)
{
	get_page(page);
}

/* Over @count bytes of @nr pieces, from @offset of the first one, where @offset is within it. */
__helper void ruring_iter_init(struct iov_iter *iter, unsigned int direction,
			       const struct bio_vec *pieces, unsigned long nr,
			       size_t offset, size_t count)
{
	iov_iter_bvec(iter, direction, pieces, nr, count);
	iter->iov_offset = offset;
}

/* After @count bytes: in the @pieces-th piece from where it is, at @offset of that. */
__helper void ruring_iter_move(struct iov_iter *iter, unsigned long pieces,
			       size_t offset, size_t count)
{
	iter->bvec += pieces;
	iter->nr_segs -= pieces;
	iter->iov_offset = offset;
	iter->count -= count;
}

__helper const struct bio_vec *ruring_iter_bvec(const struct iov_iter *iter)
{
	return iter->bvec;
}

__helper size_t ruring_iter_offset(const struct iov_iter *iter)
{
	return iter->iov_offset;
}

__helper size_t ruring_iter_count(const struct iov_iter *iter)
{
	return iov_iter_count(iter);
}

__helper void ruring_vm_set_ops(struct vm_area_struct *vma,
				const struct vm_operations_struct *ops, void *private)
{
	vma->vm_ops = ops;
	vma->vm_private_data = private;
}

__helper void *ruring_vm_private(struct vm_area_struct *vma)
{
	return vma->vm_private_data;
}
