// SPDX-License-Identifier: GPL-2.0
/* Cancelling one of many requests that wait. */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "bench.h"

#define CANCEL_DATA	(1ULL << 32)

static void arm(struct ring *ring, int fd, unsigned int id)
{
	struct io_uring_sqe *sqe = bench_sqe(ring);

	ring_prep_poll_add(sqe, fd, POLLIN);
	sqe->user_data = id;
}

/* Both complete: the request as cancelled, the cancel with success. */
static void reap(struct ring *ring, unsigned int id)
{
	struct completion cqe;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		cqe = bench_cqe(ring);
		if (cqe.user_data == CANCEL_DATA ? cqe.res != 0 :
		    cqe.user_data != id || cqe.res != -ECANCELED)
			errx(1, "%llu: result %d", cqe.user_data, cqe.res);
	}
}

static void cancel(struct bench *b)
{
	unsigned int i, id = 0, count = b->row->count;
	struct io_uring_sqe *sqe;
	struct ring ring;
	int fd;

	fd = eventfd(0, EFD_NONBLOCK);
	if (fd < 0)
		err(1, "eventfd");
	bench_ring(b, &ring, 64, 4096);
	for (i = 0; i < count; i++) {
		arm(&ring, fd, i);
		if (i % 64 == 63 || i == count - 1)
			bench_enter(b, &ring, 0);
	}
	while (bench_sample(b)) {
		for (i = 0; i < 32; i++) {
			/* Neither the oldest nor the newest. */
			id = (id + 7919) % count;
			sqe = bench_sqe(&ring);
			ring_prep_cancel(sqe, id);
			sqe->user_data = CANCEL_DATA;
			bench_enter(b, &ring, 2);
			reap(&ring, id);
			arm(&ring, fd, id);
			bench_enter_on(b, OTHER, &ring, 0);
		}
		bench_end(b, 32);
	}
}

const struct row cancel_rows[] = {
	{ "cancel/10", cancel, ON_RINGS, DEFER, .count = 10 },
	{ "cancel/1000", cancel, ON_RINGS, DEFER, .count = 1000 },
	{ "cancel/100000", cancel, ON_RINGS, DEFER, .count = 100000 },
	{ }
};
