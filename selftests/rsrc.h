/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registered buffers, and what is pinned.
 */
#ifndef SELFTESTS_RSRC_H
#define SELFTESTS_RSRC_H

#include <fcntl.h>
#include <sys/uio.h>

#include "system.h"

#define PAGE	4096

static inline int buffers_register(struct ring *r, const struct iovec *iov,
				   unsigned int nr)
{
	return ring_register(r, IORING_REGISTER_BUFFERS, iov, nr);
}

static inline int buffers_register_tagged(struct ring *r, const struct iovec *iov,
					  const __u64 *tags, unsigned int nr)
{
	struct io_uring_rsrc_register reg = {
		.nr = nr,
		.data = (uintptr_t)iov,
		.tags = (uintptr_t)tags,
	};

	return ring_register(r, IORING_REGISTER_BUFFERS2, &reg, sizeof(reg));
}

/* A table without buffers. */
static inline int buffers_register_sparse(struct ring *r, unsigned int nr)
{
	struct io_uring_rsrc_register reg = {
		.nr = nr,
		.flags = IORING_RSRC_REGISTER_SPARSE,
	};

	return ring_register(r, IORING_REGISTER_BUFFERS2, &reg, sizeof(reg));
}

static inline int buffers_unregister(struct ring *r)
{
	return ring_register(r, IORING_UNREGISTER_BUFFERS, NULL, 0);
}

/* Replace @nr buffers from slot @first on; @tags may be NULL. */
static inline int buffers_update(struct ring *r, unsigned int first,
				 const struct iovec *iov, const __u64 *tags,
				 unsigned int nr)
{
	struct io_uring_rsrc_update2 up = {
		.offset = first,
		.data = (uintptr_t)iov,
		.tags = (uintptr_t)tags,
		.nr = nr,
	};

	return ring_register(r, IORING_REGISTER_BUFFERS_UPDATE, &up, sizeof(up));
}

static inline int buffer_update(struct ring *r, unsigned int slot, void *base,
				size_t len)
{
	struct iovec iov = { base, len };

	return buffers_update(r, slot, &iov, NULL, 1);
}

static inline struct io_uring_sqe *prep_send_fixed(struct ring *r, int fd, const void *buf,
						   unsigned int len, unsigned int index,
						   __u64 user_data)
{
	struct io_uring_sqe *sqe = prep_send(r, fd, buf, len, user_data);

	sqe->ioprio = IORING_RECVSEND_FIXED_BUF;
	sqe->buf_index = index;
	return sqe;
}

static inline struct io_uring_sqe *prep_recv_fixed(struct ring *r, int fd, void *buf,
						   unsigned int len, unsigned int index,
						   __u64 user_data)
{
	struct io_uring_sqe *sqe = prep_recv(r, fd, buf, len, user_data);

	sqe->ioprio = IORING_RECVSEND_FIXED_BUF;
	sqe->buf_index = index;
	return sqe;
}

static inline char *anon_alloc(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

#define HUGE	(2UL << 20)

/* Memory of @nr huge pages, if the kernel has so many to spare. */
static inline char *huge_alloc(unsigned int nr)
{
	char *p = anon_alloc((nr + 1) * HUGE);

	if (!p)
		return NULL;
	p = (char *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	if (madvise(p, nr * HUGE, MADV_HUGEPAGE))
		return NULL;
	memset(p, 0, nr * HUGE);
	return p;
}

/* Bytes that tell where they are. */
static inline void pattern_fill(char *p, size_t len, unsigned int seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (char)((i * 31 + (i >> 8) * 7 + seed) & 0xff);
}

/* Pages that this process has pinned, as the kernel counts for its limits. */
static inline long long pages_charged(void)
{
	return proc_value("/proc/self/status", "VmPin:") / 4;
}

/* io_uring charges root for nothing. */
#define EXPECT_CHARGED(pages) \
	EXPECT_EQ(variant->backend == RURING ? (pages) : 0, pages_charged())

static inline bool pinned_is(void *arg)
{
	return pinned_pages() == *(long long *)arg;
}

/* What a ring leaves behind when it is closed goes a little later. */
static inline bool wait_pinned(long long pages)
{
	return wait_until(pinned_is, &pages);
}

#endif /* SELFTESTS_RSRC_H */
