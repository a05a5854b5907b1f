/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads into buffers of a group, whatever kind of group that is.
 */
#ifndef SELFTESTS_GROUP_H
#define SELFTESTS_GROUP_H

#include <sys/mman.h>

#include "fixture.h"

#define GROUP	5
#define MORE	IORING_CQE_F_MORE
#define PART(bid)	(BUFFER_FLAGS(bid) | IORING_CQE_F_BUF_MORE)

/* What a buffer comes from. */
enum kind {
	MAPPED,
	CLASSIC,
	PARTS,
	KINDS,
};

struct group {
	enum kind kind;
	struct ring *ring;
	struct pbuf pb;
	char *mem;
	unsigned int size;
};

static inline int provide(struct group *g, unsigned int bid, unsigned int nr)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int ret;

	sqe = prep(g->ring, IORING_OP_PROVIDE_BUFFERS, nr, g->mem + bid * g->size,
		   g->size, 0);
	sqe->off = bid;
	sqe->buf_group = GROUP;
	ret = ring_submit(g->ring);
	if (ret == 1)
		ret = ring_take(g->ring, &cqe);
	return ret ?: cqe.res;
}

/* A group of @nr buffers of @size bytes. */
static inline int group_init(struct group *g, struct ring *ring, enum kind kind,
			     unsigned int nr, unsigned int size)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = nr,
		.bgid = GROUP,
		.flags = IOU_PBUF_RING_INC,
	};
	int ret;

	*g = (struct group){ .kind = kind, .ring = ring, .size = size };
	if (kind == CLASSIC) {
		g->mem = mmap(NULL, nr * size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return provide(g, 0, nr);
	}
	ret = pbuf_init(&g->pb, ring, GROUP, nr, size);
	if (!ret && kind == PARTS) {
		reg.ring_addr = (uintptr_t)g->pb.br;
		ret = pbuf_unregister(ring, GROUP);
		if (!ret)
			ret = ring_register(ring, IORING_REGISTER_PBUF_RING, &reg, 1);
	}
	g->mem = g->pb.mem;
	if (!ret)
		pbuf_fill(&g->pb);
	return ret;
}

static inline void group_exit(struct group *g, unsigned int nr)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;

	if (g->kind == CLASSIC) {
		sqe = prep(g->ring, IORING_OP_REMOVE_BUFFERS, nr, NULL, 0, 0);
		sqe->buf_group = GROUP;
		ring_submit(g->ring);
		ring_take(g->ring, &cqe);
		munmap(g->mem, nr * g->size);
		return;
	}
	pbuf_exit(&g->pb);
}

static inline struct io_uring_sqe *prep_select(struct ring *ring, int fd,
					       unsigned int len, __u64 user_data)
{
	struct io_uring_sqe *sqe;

	sqe = prep(ring, IORING_OP_READ, fd, NULL, len, user_data);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	return sqe;
}

/* A pipe, or a pair of sockets; fd[0] is read from. */
static inline int channel(bool sockets, int fd[2])
{
	if (sockets)
		return unix_pair(SOCK_STREAM, fd);
	return pipe(fd) ? -errno : 0;
}

#endif /* SELFTESTS_GROUP_H */
