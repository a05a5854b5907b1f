// SPDX-License-Identifier: GPL-2.0
/*
 * Sending by copy, without, and without and with one completion. The packets
 * leave by a device that drops them, so that nobody copies them after all, and a
 * buffer is free once the send is over.
 */
#include <errno.h>
#include <arpa/inet.h>

#include "zerocopy.h"

static int open_sink(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = inet_addr("192.0.2.2"),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		err(1, "socket");
	bench_set(fd, SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20);
	bench_set(fd, SOL_SOCKET, SO_ZEROCOPY, 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		err(1, "connect to %s", "192.0.2.2");
	return fd;
}

/* Every completion of the batch. Returns the sends that they were. */
static unsigned int reap(struct ring *ring, unsigned int nr, unsigned int size)
{
	unsigned int sent = 0;
	struct completion cqe;

	while (nr--) {
		cqe = bench_cqe(ring);
		/* The second of two has no result. */
		if (cqe.flags & IORING_CQE_F_NOTIF && !cqe.res)
			continue;
		if (cqe.res != (int)size)
			errx(1, "result %d", cqe.res);
		sent++;
	}
	return sent;
}

static void send_out(struct bench *b)
{
	unsigned int i, j, size = b->row->size, batch = b->row->batch;
	unsigned int rounds = batch == 1 ? 64 : 8;
	unsigned int mode = zc_mode(b), completions = batch;
	int fd = open_sink();
	struct ring ring;

	if (b->side != SIDE_CALLS)
		zc_ring(b, &ring);
	if (mode == ZERO_COPY)
		completions = 2 * batch;
	while (bench_sample(b)) {
		for (i = 0; i < rounds; i++) {
			if (b->side == SIDE_CALLS) {
				for (j = 0; j < batch; j++)
					bench_send(b, ENTER, fd, size);
				continue;
			}
			for (j = 0; j < batch; j++)
				zc_prep(&ring, fd, mode, size, j);
			bench_enter(b, &ring, completions);
			if (reap(&ring, completions, size) != batch)
				errx(1, "not all was sent");
		}
		bench_end(b, rounds * batch);
	}
}

const struct row zerocopy_rows[] = {
	{ "send-out/copy/1400/1", send_out, ON_ALL, DEFER, UDP, 1400, 1,
	  .mode = COPY },
	{ "send-out/zc/1400/1", send_out, ON_RINGS, DEFER, UDP, 1400, 1,
	  .mode = ZERO_COPY },
	{ "send-out/combined/1400/1", send_out, ON_RINGS, DEFER, UDP, 1400, 1,
	  .mode = COMBINED },
	{ "send-out/copy/1400/8", send_out, ON_ALL, DEFER, UDP, 1400, 8,
	  .mode = COPY },
	{ "send-out/zc/1400/8", send_out, ON_RINGS, DEFER, UDP, 1400, 8,
	  .mode = ZERO_COPY },
	{ "send-out/combined/1400/8", send_out, ON_RINGS, DEFER, UDP, 1400, 8,
	  .mode = COMBINED },
	{ "send-out/copy/16384/8", send_out, ON_ALL, DEFER, UDP, 16384, 8,
	  .mode = COPY },
	{ "send-out/zc/16384/8", send_out, ON_RINGS, DEFER, UDP, 16384, 8,
	  .mode = ZERO_COPY },
	{ "send-out/combined/16384/8", send_out, ON_RINGS, DEFER, UDP, 16384, 8,
	  .mode = COMBINED },
	{ }
};
