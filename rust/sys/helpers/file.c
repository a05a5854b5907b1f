// SPDX-License-Identifier: GPL-2.0
/* Files, and transfers from and to them. */

__helper unsigned int ruring_vfs_poll(struct file *file, struct poll_table_struct *table)
{
	return (__force unsigned int)vfs_poll(file, table);
}

/* Without waiting for them. */
__helper unsigned int ruring_file_events(struct file *file, unsigned int wanted)
{
	struct poll_table_struct table = { ._key = (__force __poll_t)wanted };

	return (__force unsigned int)vfs_poll(file, &table);
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

__helper bool ruring_ops_buffer_writes_nowait(const struct file_operations *ops)
{
	return ops->fop_flags & FOP_BUFFER_WASYNC;
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

/*
 * Whether a worker, which has no descriptors, can transfer to or from it: what else may look at those of the task, as
 * files of proc and sysfs do, and drivers.
 */
__helper bool ruring_file_needs_no_descriptors(struct file *file, bool write)
{
	struct inode *inode = file_inode(file);
	struct super_block *sb = inode->i_sb;
	struct eventfd_ctx *ctx;

	switch (inode->i_mode & S_IFMT) {
	case S_IFBLK:
	case S_IFIFO:
		return true;
	case S_IFCHR:
		switch (imajor(inode)) {
		case TTY_MAJOR:
		case TTYAUX_MAJOR:
		case UNIX98_PTY_MASTER_MAJOR ... UNIX98_PTY_SLAVE_MAJOR + 7:
			return true;
		}
		return false;
	case S_IFREG:
		return !write || sb->s_bdi != &noop_backing_dev_info || sb->s_magic == TMPFS_MAGIC ||
		       sb->s_magic == RAMFS_MAGIC || sb->s_magic == OVERLAYFS_SUPER_MAGIC;
	}
	ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(ctx))
		return false;
	eventfd_ctx_put(ctx);
	return true;
}

__helper struct file *ruring_open(const char *path, int flags, umode_t mode)
{
	/* A task that exits has nowhere to look for it any more. */
	if (!current->fs)
		return ERR_PTR(-ECANCELED);
	return filp_open(path, flags, mode);
}

__helper void ruring_file_may_block(struct file *file)
{
	file->f_flags &= ~O_NONBLOCK;
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

/* As kiocb_start_write(), also without waiting: its parts are inline functions. False if it would have to wait. */
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

/* io_uring's operations of files have no name that modules know. */
__helper bool ruring_file_is_io_uring(struct file *file)
{
	return file_inode(file)->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       !strcmp(file_dentry(file)->d_name.name, "[io_uring]");
}

__helper unsigned long ruring_rlimit_nproc(void)
{
	return rlimit(RLIMIT_NPROC);
}

__helper unsigned long ruring_rlimit_nofile(void)
{
	return rlimit(RLIMIT_NOFILE);
}

/* As sendfile(2), to a socket: it has no position, and all of the range is checked. */
__helper ssize_t ruring_sendfile(struct file *in, loff_t from, struct file *out, size_t len)
{
	loff_t to = 0, most = file_inode(in)->i_sb->s_maxbytes;
	ssize_t ret;

	if (!(in->f_mode & FMODE_READ) || !(out->f_mode & FMODE_WRITE))
		return -EBADF;
	if (!(in->f_mode & FMODE_PREAD))
		return -ESPIPE;
	if (from >= most)
		return -EOVERFLOW;
	len = min_t(u64, len, most - from);
	ret = rw_verify_area(READ, in, &from, len);
	if (ret < 0)
		return ret;
	ret = rw_verify_area(WRITE, out, &to, len);
	if (ret < 0)
		return ret;
	ret = do_splice_direct(in, &from, out, &to, len, 0);
	if (ret > 0) {
		fsnotify_access(in);
		fsnotify_modify(out);
	}
	return ret;
}
