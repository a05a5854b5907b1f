// SPDX-License-Identifier: GPL-2.0
/* Polls: a completion for each time that an eventfd becomes readable. */
#include <poll.h>
#include <unistd.h>
#include <sys/eventfd.h>

#include "bench.h"

#define MAX_BATCH	32

static void prep(const struct bench *b, struct ring *ring, int fd)
{
	struct io_uring_sqe *sqe = bench_sqe(ring);

	ring_prep_poll_add(sqe, fd, POLLIN);
	if (b->row->mode)
		sqe->len = IORING_POLL_ADD_MULTI;
}

static void add_poll(struct bench *b)
{
	unsigned int i, j, rounds = b->row->batch == 1 ? 64 : 4;
	unsigned int batch = b->row->batch;
	bool multishot = b->row->mode, armed = false;
	struct pollfd poll_for = { .events = POLLIN };
	int fds[MAX_BATCH];
	struct ring ring;
	__u64 one = 1, seen;

	for (i = 0; i < batch; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK);
		if (fds[i] < 0)
			err(1, "eventfd");
	}
	if (b->side != SIDE_CALLS)
		bench_ring(b, &ring, 64, 128);
	while (bench_sample(b)) {
		for (i = 0; i < rounds; i++) {
			if (b->side != SIDE_CALLS && !(multishot && armed)) {
				for (j = 0; j < batch; j++)
					prep(b, &ring, fds[j]);
				bench_enter(b, &ring, 0);
				armed = true;
			}
			for (j = 0; j < batch; j++)
				BENCH_CALL(b, PEER,
					   write(fds[j], &one, sizeof(one)));
			if (b->side != SIDE_CALLS) {
				bench_enter(b, &ring, batch);
				bench_reap(&ring, batch, POLLIN);
			}
			for (j = 0; j < batch; j++) {
				poll_for.fd = fds[j];
				if (b->side == SIDE_CALLS)
					BENCH_CALL(b, ENTER,
						   poll(&poll_for, 1, 0));
				BENCH_CALL(b, OTHER,
					   read(fds[j], &seen, sizeof(seen)));
			}
		}
		bench_end(b, rounds * batch);
	}
}

const struct row poll_rows[] = {
	{ "poll/1", add_poll, ON_ALL, DEFER, .batch = 1 },
	{ "poll/32", add_poll, ON_ALL, DEFER, .batch = 32 },
	{ "poll-multishot/1", add_poll, ON_ALL, DEFER, .batch = 1, .mode = 1 },
	{ "poll-multishot/32", add_poll, ON_ALL, DEFER, .batch = 32, .mode = 1 },
	{ }
};
