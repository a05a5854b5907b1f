// SPDX-License-Identifier: GPL-2.0
/* Cancelling one of many requests that wait. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "bench.h"

/* How the request is found. */
enum mode {
	BY_USER_DATA,
	BY_FD,
};

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

/* One for each request where that is how they are found, else one for all. */
static int *descriptors(const struct row *row)
{
	int *fds = calloc(row->count, sizeof(*fds));
	unsigned int i;

	if (!fds)
		err(1, "calloc");
	for (i = 0; i < row->count; i++) {
		fds[i] = i && row->mode != BY_FD ? fds[0] : eventfd(0, EFD_NONBLOCK);
		if (fds[i] < 0)
			err(1, "eventfd");
	}
	return fds;
}

static void prep(const struct row *row, struct io_uring_sqe *sqe, unsigned int id, int fd)
{
	ring_prep_cancel(sqe, id);
	sqe->user_data = CANCEL_DATA;
	if (row->mode == BY_FD) {
		sqe->addr = 0;
		sqe->fd = fd;
		sqe->cancel_flags = IORING_ASYNC_CANCEL_FD;
	}
}

static void cancel(struct bench *b)
{
	unsigned int i, id = 0, count = b->row->count;
	int *fds = descriptors(b->row);
	struct ring ring;

	bench_ring(b, &ring, 64, 4096);
	for (i = 0; i < count; i++) {
		arm(&ring, fds[i], i);
		if (i % 64 == 63 || i == count - 1)
			bench_enter(b, &ring, 0);
	}
	while (bench_sample(b)) {
		for (i = 0; i < 32; i++) {
			/* Neither the oldest nor the newest. */
			id = (id + 7919) % count;
			prep(b->row, bench_sqe(&ring), id, fds[id]);
			bench_enter(b, &ring, 2);
			reap(&ring, id);
			arm(&ring, fds[id], id);
			bench_enter_on(b, OTHER, &ring, 0);
		}
		bench_end(b, 32);
	}
}

const struct row cancel_rows[] = {
	{ "cancel/10", cancel, ON_RINGS, DEFER, .count = 10 },
	{ "cancel/1000", cancel, ON_RINGS, DEFER, .count = 1000 },
	{ "cancel/100000", cancel, ON_RINGS, DEFER, .count = 100000 },
	{ "cancel-fd/10", cancel, ON_RINGS, DEFER, .count = 10, .mode = BY_FD },
	{ "cancel-fd/1000", cancel, ON_RINGS, DEFER, .count = 1000, .mode = BY_FD },
	{ "cancel-fd/100000", cancel, ON_RINGS, DEFER, .count = 100000, .mode = BY_FD },
	{ }
};
