// SPDX-License-Identifier: GPL-2.0
/* One line each: no logic here, only what C alone can name. */
#include "bindings.h"

/*
 * Always, as the compiler thinks that code of Rust and of C cannot be inlined into each other:
 * see rust/helpers/helpers.c of the kernel. Where they are not linked into Rust it has no effect.
 */
#define __helper __always_inline

__helper struct task_struct *ruring_current(void)
{
	return current;
}

__helper struct mm_struct *ruring_current_mm(void)
{
	return current->mm;
}

__helper void ruring_get_task(struct task_struct *task)
{
	get_task_struct(task);
}

__helper void ruring_put_task(struct task_struct *task)
{
	put_task_struct(task);
}

__helper int ruring_task_tgid(struct task_struct *task)
{
	return task->tgid;
}

__helper bool ruring_task_exiting(struct task_struct *task)
{
	return READ_ONCE(task->flags) & PF_EXITING;
}

__helper bool ruring_task_in_mm(struct task_struct *task, struct mm_struct *mm)
{
	return READ_ONCE(task->mm) == mm;
}

__helper unsigned int ruring_task_cpu(struct task_struct *task)
{
	return task_cpu(task);
}

__helper pid_t ruring_task_pid_vnr(struct task_struct *task)
{
	return task_pid_vnr(task);
}

__helper u64 ruring_task_runtime(struct task_struct *task)
{
	return READ_ONCE(task->se.sum_exec_runtime);
}

__helper struct task_struct *ruring_kthread_create(int (*main)(void *), void *data)
{
	return kthread_create(main, data, "ruring-sqp-%d", current->pid);
}

__helper bool ruring_cpu_allowed(unsigned int cpu)
{
	bool own_choice, allowed;

	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return false;
	guard(raw_spinlock_irqsave)(&current->pi_lock);
	/* Without a choice of its own this is the cpuset's. */
	allowed = cpumask_test_cpu(cpu, current->cpus_ptr);
	own_choice = current->user_cpus_ptr &&
		     !cpumask_test_cpu(cpu, current->user_cpus_ptr);
	return allowed || own_choice;
}

__helper unsigned int ruring_current_cpu(void)
{
	return raw_smp_processor_id();
}

__helper void ruring_relax(void)
{
	cpu_relax();
	cond_resched();
}

__helper bool ruring_single_task_running(void)
{
	return single_task_running();
}

__helper bool ruring_current_exiting(void)
{
	return current->flags & (PF_EXITING | PF_KTHREAD);
}

__helper bool ruring_current_sigpending(void)
{
	return task_sigpending(current);
}

__helper bool ruring_current_notified(void)
{
	return test_thread_flag(TIF_NOTIFY_SIGNAL);
}

__helper void ruring_mmgrab(struct mm_struct *mm)
{
	mmgrab(mm);
}

__helper void ruring_mmdrop(struct mm_struct *mm)
{
	mmdrop(mm);
}

__helper void ruring_mm_add_pinned(struct mm_struct *mm, s64 pages)
{
	atomic64_add(pages, &mm->pinned_vm);
}

__helper bool ruring_mmget_not_zero(struct mm_struct *mm)
{
	return mmget_not_zero(mm);
}

__helper bool ruring_current_is_kthread(void)
{
	return current->flags & PF_KTHREAD;
}

__helper const struct cred *ruring_get_current_cred(void)
{
	return get_current_cred();
}

__helper void ruring_put_cred(const struct cred *cred)
{
	put_cred(cred);
}

__helper const struct cred *ruring_override_creds(const struct cred *cred)
{
	return override_creds(cred);
}

__helper void ruring_revert_creds(const struct cred *cred)
{
	revert_creds(cred);
}

__helper unsigned int ruring_num_online_cpus(void)
{
	return num_online_cpus();
}

__helper void ruring_set_current_state(unsigned int state)
{
	set_current_state(state);
}

__helper int ruring_set_user_sigmask(const void __user *mask, size_t size)
{
	sigset_t set;

	if (!mask)
		return 0;
	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (copy_from_user(&set, mask, sizeof(set)))
		return -EFAULT;
	current->saved_sigmask = current->blocked;
	set_restore_sigmask();
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	return sigprocmask(SIG_SETMASK, &set, NULL);
}

__helper void ruring_restore_sigmask(bool interrupted)
{
	/* As restore_saved_sigmask_unless(), whose set_current_blocked() modules lack. */
	if (!interrupted && test_and_clear_restore_sigmask())
		sigprocmask(SIG_SETMASK, &current->saved_sigmask, NULL);
}

__helper s64 ruring_ktime_get(void)
{
	return ktime_get();
}

__helper bool ruring_wq_has_sleeper(struct wait_queue_head *wq)
{
	return wq_has_sleeper(wq);
}

__helper void ruring_init_waitqueue_head(struct wait_queue_head *wq)
{
	init_waitqueue_head(wq);
}

__helper void ruring_wake_up_all(struct wait_queue_head *wq)
{
	wake_up_all(wq);
}

__helper void ruring_wake_up_poll(struct wait_queue_head *wq, unsigned int key)
{
	__wake_up(wq, TASK_NORMAL, 0, poll_to_key(key));
}

__helper void ruring_poll_wait(struct file *file, struct wait_queue_head *wq,
		      struct poll_table_struct *table)
{
	poll_wait(file, wq, table);
}

__helper void ruring_waitqueue_lock_irq(struct wait_queue_head *wq)
{
	spin_lock_irq(&wq->lock);
}

__helper void ruring_waitqueue_unlock_irq(struct wait_queue_head *wq)
{
	spin_unlock_irq(&wq->lock);
}

__helper unsigned int ruring_vfs_poll(struct file *file, struct poll_table_struct *table)
{
	return (__force unsigned int)vfs_poll(file, table);
}

__helper unsigned long ruring_file_count(struct file *file)
{
	return file_count(file);
}

__helper void ruring_get_file(struct file *file)
{
	get_file(file);
}

__helper int ruring_filp_close(struct file *file)
{
	return filp_close(file, current->files);
}

__helper bool ruring_file_may(struct file *file, bool write)
{
	return file->f_mode & (write ? FMODE_WRITE : FMODE_READ);
}

__helper bool ruring_file_can_poll(struct file *file)
{
	return file_can_poll(file);
}

__helper bool ruring_file_nonblock(struct file *file)
{
	return file->f_flags & O_NONBLOCK;
}

__helper bool ruring_file_has_nowait(struct file *file)
{
	return file->f_mode & FMODE_NOWAIT;
}

__helper bool ruring_file_is_stream(struct file *file)
{
	return file->f_mode & FMODE_STREAM;
}

__helper bool ruring_file_is_reg(struct file *file)
{
	return S_ISREG(file_inode(file)->i_mode);
}

__helper bool ruring_file_is_blk(struct file *file)
{
	return S_ISBLK(file_inode(file)->i_mode);
}

__helper bool ruring_file_buffers_writes_nowait(struct file *file)
{
	return file->f_op->fop_flags & FOP_BUFFER_WASYNC;
}

__helper s64 ruring_file_pos(struct file *file)
{
	return READ_ONCE(file->f_pos);
}

__helper void ruring_set_file_pos(struct file *file, s64 pos)
{
	WRITE_ONCE(file->f_pos, pos);
}

__helper void ruring_fsnotify(struct file *file, bool write)
{
	write ? fsnotify_modify(file) : fsnotify_access(file);
}

__helper bool ruring_file_is_independent(struct file *file)
{
	struct super_block *sb = file_inode(file)->i_sb;

	if (S_ISBLK(file_inode(file)->i_mode))
		return true;
	return ruring_file_is_reg(file) &&
	       (sb->s_bdi != &noop_backing_dev_info || sb->s_magic == TMPFS_MAGIC ||
		sb->s_magic == RAMFS_MAGIC || sb->s_magic == OVERLAYFS_SUPER_MAGIC);
}

__helper bool ruring_file_size_is_limited(void)
{
	return rlimit(RLIMIT_FSIZE) != RLIM_INFINITY;
}

__helper const void *ruring_file_inode(struct file *file)
{
	return file_inode(file);
}

__helper int ruring_current_ioprio(void)
{
	return get_current_ioprio();
}

__helper void ruring_init_kiocb(struct kiocb *iocb, struct file *file)
{
	init_sync_kiocb(iocb, file);
}

__helper int ruring_kiocb_set_rw_flags(struct kiocb *iocb, unsigned int flags, bool write)
{
	return kiocb_set_rw_flags(iocb, (__force rwf_t)flags, write ? WRITE : READ);
}

__helper bool ruring_kiocb_is_direct(struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_DIRECT;
}

__helper void ruring_kiocb_set_nowait(struct kiocb *iocb, bool nowait)
{
	iocb->ki_flags = (iocb->ki_flags & ~IOCB_NOWAIT) | (nowait ? IOCB_NOWAIT : 0);
}

__helper bool ruring_kiocb_start_write(struct kiocb *iocb, bool nowait)
{
	struct super_block *sb = file_inode(iocb->ki_filp)->i_sb;

	iocb->ki_flags |= IOCB_WRITE;
	if (!ruring_file_is_reg(iocb->ki_filp))
		return true;
	if (nowait)
		return sb_start_write_trylock(sb);
	sb_start_write(sb);
	return true;
}

__helper void ruring_kiocb_end_write(struct kiocb *iocb)
{
	if (ruring_file_is_reg(iocb->ki_filp))
		sb_end_write(file_inode(iocb->ki_filp)->i_sb);
}

__helper bool ruring_may_have_rt_ioprio(void)
{
	return capable(CAP_SYS_ADMIN) || capable(CAP_SYS_NICE);
}

__helper void ruring_init_work(struct work_struct *work, void (*func)(struct work_struct *))
{
	INIT_WORK(work, func);
}

__helper struct workqueue_struct *ruring_alloc_workqueue(void)
{
	return alloc_workqueue("ruring", WQ_UNBOUND, 0);
}

__helper struct workqueue_struct *ruring_alloc_io_workqueue(void)
{
	return alloc_workqueue("ruring_io", WQ_UNBOUND, WQ_MAX_ACTIVE);
}

__helper void ruring_synchronize_tasks(void)
{
	synchronize_rcu_tasks();
	synchronize_rcu();
}

__helper bool ruring_try_module_get(struct module *owner)
{
	return try_module_get(owner);
}

__helper void ruring_get_module(struct module *owner)
{
	__module_get(owner);
}

__helper void ruring_put_module(struct module *owner)
{
	module_put(owner);
}

__helper struct user_struct *ruring_get_current_user(void)
{
	return get_uid(current_user());
}

__helper long ruring_charge_locked(struct user_struct *user, unsigned long pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	long cur = atomic_long_read(&user->locked_vm);

	do {
		if (!capable(CAP_IPC_LOCK) && cur + pages > limit)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&user->locked_vm, &cur, cur + pages));
	return 0;
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

__helper void ruring_vm_dontexpand(struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_DONTEXPAND);
}

__helper unsigned long ruring_vm_start(struct vm_area_struct *vma)
{
	return vma->vm_start;
}

__helper unsigned long ruring_vm_end(struct vm_area_struct *vma)
{
	return vma->vm_end;
}

__helper unsigned long ruring_vm_pgoff(struct vm_area_struct *vma)
{
	return vma->vm_pgoff;
}

__helper bool ruring_socket_is_tcp(struct socket *sock)
{
	return sk_is_tcp(sock->sk);
}

__helper const char *ruring_socket_proto_name(struct socket *sock)
{
	return sock->sk->sk_prot_creator->name;
}

__helper unsigned int ruring_socket_flags(struct socket *sock)
{
	return sock->file->f_flags;
}

__helper int ruring_socket_somaxconn(struct socket *sock)
{
	return READ_ONCE(sock_net(sock->sk)->core.sysctl_somaxconn);
}

static int socket_ioctl(struct socket *sock, int op)
{
	struct proto *prot = READ_ONCE(sock->sk->sk_prot);
	int ret, value = 0;

	if (!prot || !prot->ioctl)
		return -EOPNOTSUPP;
	ret = prot->ioctl(sock->sk, op, &value);
	return ret ? ret : value;
}

__helper int ruring_socket_in_queue(struct socket *sock)
{
	return socket_ioctl(sock, SIOCINQ);
}

__helper int ruring_socket_out_queue(struct socket *sock)
{
	return socket_ioctl(sock, SIOCOUTQ);
}

__helper int ruring_socket_getsockopt(struct socket *sock, int level, int name,
				      void __user *value, int *len)
{
	return do_sock_getsockopt(sock, false, level, name, USER_SOCKPTR(value),
				  KERNEL_SOCKPTR(len));
}

__helper int ruring_socket_setsockopt(struct socket *sock, int level, int name,
				      void __user *value, int len)
{
	return do_sock_setsockopt(sock, false, level, name, USER_SOCKPTR(value),
				  len);
}

__helper int ruring_socket_error(struct socket *sock)
{
	return sock_error(sock->sk);
}

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

__helper bool ruring_access_ok(const void __user *addr, size_t len)
{
	return access_ok(addr, len);
}

__helper unsigned long ruring_index_nospec(unsigned long index, unsigned long size)
{
	return array_index_nospec(index, size);
}

__helper bool ruring_file_is_io_uring(struct file *file)
{
	return file_inode(file)->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       !strcmp(file_dentry(file)->d_name.name, "[io_uring]");
}

__helper unsigned long ruring_rlimit_nofile(void)
{
	return rlimit(RLIMIT_NOFILE);
}

__helper bool ruring_socket_supports_zc(struct socket *sock)
{
	return test_bit(SOCK_SUPPORT_ZC, &sock->flags);
}

__helper void ruring_ubuf_init(struct ubuf_info *ubuf, const struct ubuf_info_ops *ops, u8 flags)
{
	ubuf->ops = ops;
	ubuf->flags = flags;
	refcount_set(&ubuf->refcnt, 1);
}

__helper void ruring_ubuf_get(struct ubuf_info *ubuf)
{
	net_zcopy_get(ubuf);
}

__helper bool ruring_ubuf_put(struct ubuf_info *ubuf)
{
	return refcount_dec_and_test(&ubuf->refcnt);
}

__helper bool ruring_ubuf_is_sole(struct ubuf_info *ubuf)
{
	return atomic_read_acquire(&ubuf->refcnt.refs) == 1;
}

__helper struct ubuf_info *ruring_skb_ubuf(struct sk_buff *skb)
{
	return skb_zcopy(skb);
}

__helper void ruring_skb_carry(struct sk_buff *skb, struct ubuf_info *ubuf)
{
	net_zcopy_get(ubuf);
	skb_zcopy_init(skb, ubuf);
}

__helper struct user_struct *ruring_limited_user(void)
{
	return capable(CAP_IPC_LOCK) ? NULL : get_uid(current_user());
}

__helper long ruring_account_pages(struct user_struct *user, unsigned long pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	long cur = atomic_long_read(&user->locked_vm);

	do {
		if (cur + pages > limit)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&user->locked_vm, &cur, cur + pages));
	return 0;
}

__helper s64 ruring_ktime_to_host(int clock, s64 time)
{
#ifdef CONFIG_TIME_NS
	/* An exiting task has no namespaces any more. */
	if (!current->nsproxy)
		return time;
	/* As timens_ktime_to_host(), whose init_time_ns modules lack. */
	return do_timens_ktime_to_host(clock, time, &current->nsproxy->time_ns->offsets);
#else
	return time;
#endif
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

__helper unsigned int ruring_skb_frags(struct sk_buff *skb)
{
	return skb_shinfo(skb)->nr_frags;
}

__helper bool ruring_skb_is_managed(struct sk_buff *skb)
{
	return skb_shinfo(skb)->flags & SKBFL_MANAGED_FRAG_REFS;
}

__helper void ruring_skb_set_managed(struct sk_buff *skb)
{
	skb_shinfo(skb)->flags |= SKBFL_MANAGED_FRAG_REFS;
}

__helper void ruring_skb_downgrade(struct sk_buff *skb)
{
	skb_zcopy_downgrade_managed(skb);
}

__helper void ruring_skb_fill(struct sk_buff *skb, unsigned int frag, struct page *page,
			      unsigned int offset, unsigned int len)
{
	__skb_fill_page_desc_noacc(skb_shinfo(skb), frag, page, offset, len);
}

__helper void ruring_skb_grow(struct sk_buff *skb, unsigned int frags, unsigned int len,
			      unsigned int truesize)
{
	skb_shinfo(skb)->nr_frags = frags;
	skb->data_len += len;
	skb->len += len;
	skb->truesize += truesize;
}
