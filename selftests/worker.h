/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests that a worker does, and what holds one up: memory that is not there
 * before the test says so.
 */
#ifndef SELFTESTS_WORKER_H
#define SELFTESTS_WORKER_H

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
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

#endif /* SELFTESTS_WORKER_H */
