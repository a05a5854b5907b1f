/* SPDX-License-Identifier: GPL-2.0 */
/* What the rows of zero-copy sends share. */
#ifndef RURING_BENCH_ZEROCOPY_H
#define RURING_BENCH_ZEROCOPY_H

#include <linux/ruring.h>

#include "bench.h"

enum zc_mode {
	COPY,
	ZERO_COPY,
	COMBINED,
};

/* io_uring has no combined completion: two are the best that it has. */
static inline unsigned int zc_mode(const struct bench *b)
{
	if (b->side == SIDE_IO_URING && b->row->mode == COMBINED)
		return ZERO_COPY;
	return b->row->mode;
}

static inline void zc_ring(struct bench *b, struct ring *ring)
{
	bench_ring(b, ring, 64, 128);
	if (b->row->mode != COPY && !bench_has(ring, IORING_OP_SEND_ZC))
		bench_skip("no SEND_ZC");
}

/* A send of the @i-th piece of memory. */
static inline struct io_uring_sqe *zc_prep(struct ring *ring, int fd,
					   unsigned int mode,
					   unsigned int size, unsigned int i)
{
	struct io_uring_sqe *sqe = bench_sqe(ring);

	ring_prep_send(sqe, fd, bench_memory + i * size, size, 0);
	if (mode != COPY)
		sqe->opcode = IORING_OP_SEND_ZC;
	if (mode == COMBINED)
		sqe->ioprio = RURING_SEND_ZC_COMBINE_CQE;
	return sqe;
}

#endif /* RURING_BENCH_ZEROCOPY_H */
