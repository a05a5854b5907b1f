// SPDX-License-Identifier: GPL-2.0
/* What an application does with a ring, the same on both sides. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

__u64 bench_clock_cost;

void bench_ring(struct bench *b, struct ring *ring, unsigned int sq_entries,
		unsigned int cq_entries)
{
	enum ring_backend backend = b->side == SIDE_RURING ? RING_RURING :
							     RING_IO_URING;
	int ret;

	if (b->side == SIDE_CALLS)
		errx(1, "system calls have no ring");
	ret = ring_init(ring, backend, sq_entries, cq_entries,
			b->row->setup_flags);
	if (ret < 0)
		errx(1, "cannot make a ring: %s", strerror(-ret));
}

bool bench_has(struct ring *ring, __u8 opcode)
{
	struct {
		struct io_uring_probe probe;
		struct io_uring_probe_op ops[256];
	} *all = calloc(1, sizeof(*all));
	bool has;
	int ret;

	if (!all)
		err(1, "calloc");
	ret = ring_register(ring, IORING_REGISTER_PROBE, all, 256);
	if (ret < 0)
		errx(1, "probe: %s", strerror(-ret));
	has = opcode <= all->probe.last_op &&
	      all->ops[opcode].flags & IO_URING_OP_SUPPORTED;
	free(all);
	return has;
}

struct io_uring_sqe *bench_sqe(struct ring *ring)
{
	struct io_uring_sqe *sqe = ring_get_sqe(ring);

	if (!sqe)
		errx(1, "the submission queue is full");
	return sqe;
}

void bench_enter_on(struct bench *b, enum account account, struct ring *ring,
		    unsigned int wait_nr)
{
	unsigned int to_submit = ring->sq_next - *ring->sq_head;
	int ret;

	__atomic_store_n(ring->sq_tail, ring->sq_next, __ATOMIC_RELEASE);
	ret = BENCH_CALL(b, account, ring_enter(ring, to_submit, wait_nr,
						IORING_ENTER_GETEVENTS));
	if (ret != (int)to_submit)
		errx(1, "%d of %u submitted", ret, to_submit);
}

struct completion bench_cqe(struct ring *ring)
{
	struct io_uring_cqe *cqe = ring_peek_cqe(ring);
	struct completion copy;

	if (!cqe)
		errx(1, "a completion is missing");
	copy.user_data = cqe->user_data;
	copy.res = cqe->res;
	copy.flags = cqe->flags;
	ring_seen_cqe(ring);
	return copy;
}

void bench_reap(struct ring *ring, unsigned int nr, int res)
{
	struct completion cqe;

	while (nr--) {
		cqe = bench_cqe(ring);
		if (cqe.res != res)
			errx(1, "result %d instead of %d", cqe.res, res);
	}
}
