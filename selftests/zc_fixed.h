/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Zero-copy sends from registered buffers.
 */
#ifndef SELFTESTS_ZC_FIXED_H
#define SELFTESTS_ZC_FIXED_H

#include "link.h"
#include "rsrc.h"
#include "zc.h"

#define SIZE	(64 * PAGE)

#define for_each_way(way) \
	for (way = LOOPBACK; way <= (link_exists() ? CABLE : LOOPBACK); way++)

static inline struct io_uring_sqe *prep_fixed(struct ring *r, int fd, const void *buf,
					      unsigned int len, unsigned int index,
					      __u64 user_data)
{
	struct io_uring_sqe *sqe = prep_zc(r, fd, buf, len, user_data);

	sqe->ioprio = IORING_RECVSEND_FIXED_BUF;
	sqe->buf_index = index;
	return sqe;
}

static inline struct io_uring_sqe *prep_msg_fixed(struct ring *r, int fd,
						  const struct msghdr *msg,
						  unsigned int index, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep_msg_zc(r, fd, msg, user_data);

	sqe->ioprio = IORING_RECVSEND_FIXED_BUF;
	sqe->buf_index = index;
	return sqe;
}

/* One buffer of SIZE bytes in slot 0. */
static inline char *one_buffer(struct ring *r, __u64 tag)
{
	char *mem = anon_alloc(SIZE);
	struct iovec iov = { mem, SIZE };

	if (!mem || buffers_register_tagged(r, &iov, tag ? &tag : NULL, 1))
		return NULL;
	return mem;
}

/* Read exactly @len bytes, while the ring goes on with sending them. */
static inline void read_meanwhile(struct ring *r, int fd, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t ret = recv(fd, in + got, len - got, MSG_DONTWAIT);

		if (ret > 0)
			got += ret;
		else
			ring_run(r);
	}
}

#endif /* SELFTESTS_ZC_FIXED_H */
