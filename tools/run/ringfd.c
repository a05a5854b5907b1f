// SPDX-License-Identifier: GPL-2.0
/*
 * Registered ring descriptors.
 *
 * A thread may register rings and from then on name them by an index; the ring
 * stays even if its descriptor is closed. ioctls have no such thing, so a
 * registered ring gets a second descriptor, out of the way of the program's
 * own, which closes on exec as the registration does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/io_uring.h>

#include "run.h"

bool fd_is(const struct task *task, int fd, const char *kind)
{
	char path[64], link[64], expected[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", task->tid, fd);
	snprintf(expected, sizeof(expected), "anon_inode:%s", kind);
	n = readlink(path, link, sizeof(link) - 1);
	if (n < 0)
		return false;
	link[n] = '\0';
	return !strcmp(link, expected);
}

bool is_device(const struct task *task, int fd)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", task->tid, fd);
	return !stat(path, &theirs) && !fstat(device_fd, &ours) &&
		S_ISCHR(theirs.st_mode) && theirs.st_rdev == ours.st_rdev;
}

static void add_dup(struct files *files, int fd, bool stale)
{
	files->dups = realloc(files->dups,
			      (files->nr_dups + 1) * sizeof(*files->dups));
	if (!files->dups)
		out_of_memory();
	files->dups[files->nr_dups++] = (struct dup) { fd, stale };
	files->nr_stale += stale;
}

static struct dup *find_dup(struct files *files, int fd)
{
	unsigned int i;

	for (i = 0; i < files->nr_dups; i++) {
		if (files->dups[i].fd == fd)
			return &files->dups[i];
	}
	return NULL;
}

static void remove_dup(struct files *files, int fd)
{
	struct dup *dup = find_dup(files, fd);

	files->nr_stale -= dup->stale;
	*dup = files->dups[--files->nr_dups];
}

void ring_fds_copy(struct files *to, const struct files *from, bool stale)
{
	unsigned int i;

	for (i = 0; i < from->nr_dups; i++)
		add_dup(to, from->dups[i].fd, stale || from->dups[i].stale);
}

void ring_fds_abandon(struct task *task)
{
	unsigned int i;

	for (i = 0; i < RING_FDS; i++) {
		if (task->ring_fds[i] < 0)
			continue;
		find_dup(task->files, task->ring_fds[i])->stale = true;
		task->files->nr_stale++;
		task->ring_fds[i] = -1;
	}
}

static int close_dup(struct task *task, int fd)
{
	long ret = 0;

	/* The program may have closed it, and opened something else. */
	if (fd_is(task, fd, "[ruring]"))
		ret = inject(task, __NR_close, fd, 0, 0, 0, 0, 0);
	if (ret == -ESRCH)
		return ret;
	remove_dup(task->files, fd);
	return 0;
}

int ring_fds_close_stale(struct task *task)
{
	struct files *files = task->files;
	unsigned int i = 0;
	int ret;

	ret = inject_begin(task);
	while (!ret && i < files->nr_dups) {
		if (files->dups[i].stale)
			ret = close_dup(task, files->dups[i].fd);
		else
			i++;
	}
	return ret;
}

int ring_fds_lookup(const struct task *task, unsigned int index)
{
	if (!task->has_context || index >= RING_FDS)
		return -EINVAL;
	return task->ring_fds[index] < 0 ? -EBADF : task->ring_fds[index];
}

/* Duplicate @fd and keep the duplicate at the first free of some indices. */
static int add(struct task *task, int fd, unsigned int start, unsigned int end)
{
	long dup;

	if (!fd_is(task, fd, "[ruring]")) {
		dup = inject(task, __NR_fcntl, fd, F_GETFD, 0, 0, 0, 0);
		return dup < 0 ? dup : -EOPNOTSUPP;
	}
	while (start < end && task->ring_fds[start] >= 0)
		start++;
	if (start == end)
		return -EBUSY;
	dup = inject(task, __NR_fcntl, fd, F_DUPFD_CLOEXEC, DUP_FROM, 0, 0, 0);
	if (dup == -EINVAL)
		/* The limit is lower than that: take what there is. */
		dup = inject(task, __NR_fcntl, fd, F_DUPFD_CLOEXEC, 0, 0, 0, 0);
	if (dup < 0)
		return dup;
	add_dup(task->files, dup, false);
	if (opt.stats)
		view_dup(task, fd, dup);
	task->ring_fds[start] = dup;
	return start;
}

int ring_fds_add(struct task *task, int fd)
{
	return add(task, fd, 0, RING_FDS);
}

static int drop(struct task *task, unsigned int index)
{
	int fd = task->ring_fds[index];

	task->ring_fds[index] = -1;
	return fd < 0 ? 0 : close_dup(task, fd);
}

static int register_one(struct task *task, __u64 address)
{
	struct io_uring_rsrc_update update;
	int ret;

	ret = memory_read(task, address, &update, sizeof(update));
	if (ret)
		return ret;
	if (update.resv)
		return -EINVAL;
	if (update.offset == ~0U)
		ret = add(task, update.data, 0, RING_FDS);
	else if (update.offset < RING_FDS)
		ret = add(task, update.data, update.offset, update.offset + 1);
	else
		ret = -EINVAL;
	if (ret < 0)
		return ret;

	update.offset = ret;
	ret = memory_write(task, address, &update, sizeof(update));
	if (ret == -EFAULT && drop(task, update.offset) == -ESRCH)
		return -ESRCH;
	return ret;
}

static int unregister_one(struct task *task, __u64 address)
{
	struct io_uring_rsrc_update update;
	int ret;

	ret = memory_read(task, address, &update, sizeof(update));
	if (ret)
		return ret;
	if (update.resv || update.data || update.offset >= RING_FDS)
		return -EINVAL;
	return drop(task, update.offset);
}

/* As many as there are, until one fails: how many were done, or why none. */
static int for_each(struct task *task, __u64 address, unsigned int nr,
		    int (*one)(struct task *task, __u64 address))
{
	unsigned int i;
	int ret;

	if (!nr || nr > RING_FDS)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		ret = one(task, address +
			  i * sizeof(struct io_uring_rsrc_update));
		if (ret == -ESRCH)
			return ret;
		if (ret < 0)
			return i ? (int)i : ret;
	}
	return nr;
}

int ring_fds_register(struct task *task, __u64 address, unsigned int nr)
{
	task->has_context = true;
	return for_each(task, address, nr, register_one);
}

int ring_fds_unregister(struct task *task, __u64 address, unsigned int nr)
{
	return for_each(task, address, nr, unregister_one);
}
