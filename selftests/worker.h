/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests that a worker does, and what holds one up: memory that is not there
 * before the test says so.
 */
#ifndef SELFTESTS_WORKER_H
#define SELFTESTS_WORKER_H

#include <dirent.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "rsrc.h"

static inline struct io_uring_sqe *prep_rw(struct ring *ring, bool write, int fd,
					   const void *buf, unsigned int len, __u64 off,
					   __u64 user_data)
{
	struct io_uring_sqe *sqe;

	sqe = prep(ring, write ? IORING_OP_WRITE : IORING_OP_READ, fd, buf, len,
		   user_data);
	sqe->off = off;
	sqe->flags = IOSQE_ASYNC;
	return sqe;
}

/* Memory that faults until the test fills it. */
struct slow {
	int fd;
	char *mem;
	unsigned int pages;
};

static inline int slow_init(struct slow *s, unsigned int pages)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	s->pages = pages;
	s->mem = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	s->fd = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (s->mem == MAP_FAILED || s->fd < 0 || ioctl(s->fd, UFFDIO_API, &api))
		return -errno;
	reg.range.start = (uintptr_t)s->mem;
	reg.range.len = pages * PAGE;
	return ioctl(s->fd, UFFDIO_REGISTER, &reg) ? -errno : 0;
}

/* Wait until somebody needs page @index; the faults come in any order. */
static inline int slow_wait(struct slow *s)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };
	struct uffd_msg msg;

	if (poll(&pfd, 1, DEADLINE_MS) != 1)
		return -ETIME;
	if (read(s->fd, &msg, sizeof(msg)) != sizeof(msg))
		return -errno;
	return (msg.arg.pagefault.address - (uintptr_t)s->mem) / PAGE;
}

static inline int slow_fill(struct slow *s, unsigned int index)
{
	struct uffdio_zeropage zero = {
		.range.start = (uintptr_t)s->mem + index * PAGE,
		.range.len = PAGE,
	};

	return ioctl(s->fd, UFFDIO_ZEROPAGE, &zero) ? -errno : 0;
}

static inline void slow_exit(struct slow *s)
{
	close(s->fd);
	munmap(s->mem, s->pages * PAGE);
}

/* How many threads of this process are workers of rings. */
static inline int workers(void)
{
	DIR *tasks = opendir("/proc/self/task");
	char path[64], name[32];
	struct dirent *entry;
	int fd, count = 0;

	while ((entry = readdir(tasks))) {
		snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm", entry->d_name);
		fd = open(path, O_RDONLY);
		memset(name, 0, sizeof(name));
		if (fd >= 0 && read(fd, name, sizeof(name) - 1) > 0)
			count += strstr(name, "-wrk") != NULL;
		close(fd);
	}
	closedir(tasks);
	return count;
}

/* Waits until both have come so often. */
static inline void meet(unsigned int *come, unsigned int round)
{
	__atomic_fetch_add(come, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(come, __ATOMIC_ACQUIRE) < 2 * round)
		;
}

/* A ring with one worker for each process. */
static inline int init_for_one(struct ring *r, enum backend backend)
{
	unsigned int limits[2] = { 1, 1 };

	return ring_init(r, backend, 8, 0) ?: ring_register(r, IORING_REGISTER_IOWQ_MAX_WORKERS, limits, 2);
}

/* Two entries for workers, which nobody submits yet. */
static inline void publish_two(struct ring *r, struct statx *st)
{
	int i;

	for (i = 1; i <= 2; i++)
		prep(r, IORING_OP_STATX, AT_FDCWD, "/", STATX_SIZE, i)->off = (uintptr_t)st;
	ring_publish(r);
}

#endif /* SELFTESTS_WORKER_H */
