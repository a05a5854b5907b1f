// SPDX-License-Identifier: GPL-2.0
/*
 * Receives that are asked for once. Messages come in bursts of a row's batch;
 * a figure is for one message.
 */
#include <stdlib.h>
#include <string.h>

#include "epoll.h"

#define BUFFERS		64
#define GROUP		1
#define INC_BUFFERS	16
#define INC_SIZE	4096

enum mode {
	RECV,
	RECVMSG,
	BUNDLE,
	INCREMENTAL,
	QUEUED,
};

static struct msghdr message_header;

static void arm(const struct bench *b, struct ring *ring, int fd)
{
	struct io_uring_sqe *sqe = bench_sqe(ring);

	ring_prep_recv_multishot(sqe, fd, GROUP);
	if (b->row->mode == RECVMSG) {
		sqe->opcode = IORING_OP_RECVMSG;
		sqe->addr = (unsigned long)&message_header;
		sqe->len = 1;
	} else if (b->row->mode == BUNDLE) {
		sqe->ioprio |= IORING_RECVSEND_BUNDLE;
	}
}

static unsigned int buffer_size(const struct row *row)
{
	switch (row->mode) {
	case RECVMSG:
		return row->size + sizeof(struct io_uring_recvmsg_out);
	case INCREMENTAL:
		return INC_SIZE;
	default:
		return row->size;
	}
}

/* A completion: its buffers go back. Returns the messages that it had. */
static unsigned int take(const struct bench *b, struct ring *ring,
			 struct buf_ring *bufs)
{
	struct completion cqe = bench_cqe(ring);
	unsigned int id = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
	unsigned int i, nr = 1;

	if (cqe.res <= 0 || !(cqe.flags & IORING_CQE_F_BUFFER) ||
	    !(cqe.flags & IORING_CQE_F_MORE))
		errx(1, "result %d, flags %#x", cqe.res, cqe.flags);
	if (b->row->mode == RECVMSG)
		cqe.res -= sizeof(struct io_uring_recvmsg_out);
	else if (b->row->mode == BUNDLE)
		nr = cqe.res / b->row->size;
	if (cqe.res != (int)(nr * b->row->size))
		errx(1, "%d bytes instead of %u", cqe.res, nr * b->row->size);
	if (b->row->mode == INCREMENTAL && cqe.flags & IORING_CQE_F_BUF_MORE)
		return nr;
	for (i = 0; i < nr; i++)
		buf_ring_recycle(bufs, (id + i) % bufs->entries);
	return nr;
}

static void receive(struct bench *b, struct ring *ring, struct buf_ring *bufs)
{
	unsigned int left = b->row->batch;

	bench_enter(b, ring, b->row->mode == BUNDLE ? 1 : left);
	while (left)
		left -= take(b, ring, bufs);
	buf_ring_publish(bufs);
}

/*
 * A receive of a server without a ring has room for as much as one of the ring's
 * buffers; where the ring takes what there is at once, so does it.
 */
static void bursts(struct bench *b, unsigned int rounds)
{
	const struct epoll_bursts bursts = {
		.sockets = 1,
		.messages = b->row->batch,
		.rounds = rounds,
		.room = b->row->mode == BUNDLE ? 65536 : b->row->size,
		.queued = b->row->mode == QUEUED,
	};

	epoll_receive(b, &bursts);
}

/* How many bursts are a sample. */
static unsigned int rounds_of(const struct row *row)
{
	if (row->batch < 8)
		return 64;
	return row->batch < 128 ? 128 / row->batch : 1;
}

static void multishot(struct bench *b)
{
	unsigned int i, j, rounds = rounds_of(b->row);
	const struct row *row = b->row;
	unsigned int buffers = row->batch > BUFFERS ? row->batch : BUFFERS;
	bool inc = row->mode == INCREMENTAL;
	struct buf_ring bufs;
	struct ring ring;
	int fds[2], ret;

	if (b->side == SIDE_EPOLL)
		return bursts(b, rounds);
	bench_pair(row->proto, fds);
	if (row->mode == QUEUED)
		bench_room(fds, row->size * row->batch);
	if (b->side != SIDE_CALLS) {
		bench_ring(b, &ring, 64, 4 * buffers);
		ret = buf_ring_init_flags(&bufs, &ring, GROUP,
					  inc ? INC_BUFFERS : buffers,
					  buffer_size(row),
					  inc ? IOU_PBUF_RING_INC : 0);
		if (ret < 0)
			errx(1, "buffer ring: %s", strerror(-ret));
		memset(bufs.memory, 0, bufs.memory_size);
		arm(b, &ring, fds[0]);
		bench_enter(b, &ring, 0);
	}
	while (bench_sample(b)) {
		for (i = 0; i < rounds; i++) {
			for (j = 0; j < row->batch; j++)
				bench_send(b, PEER, fds[1], row->size);
			if (b->side != SIDE_CALLS) {
				receive(b, &ring, &bufs);
				continue;
			}
			for (j = 0; j < row->batch; j++)
				bench_recv(b, ENTER, fds[0], row->size);
		}
		bench_end(b, rounds * row->batch);
	}
}

/*
 * A receive out of one of many groups, of which each has a single buffer. What
 * is to be received is there before.
 */
static void groups(struct bench *b)
{
	unsigned int i, group, count = b->row->count, size = b->row->size;
	struct io_uring_sqe *sqe;
	struct completion cqe;
	struct buf_ring *bufs;
	struct ring ring;
	int fds[2], ret;

	bench_pair(b->row->proto, fds);
	bench_ring(b, &ring, 64, 128);
	bufs = calloc(count, sizeof(*bufs));
	if (!bufs)
		err(1, "calloc");
	for (i = 0; i < count; i++) {
		ret = buf_ring_init(&bufs[i], &ring, i, 1, size);
		if (ret < 0)
			errx(1, "buffer ring: %s", strerror(-ret));
		memset(bufs[i].memory, 0, size);
	}
	group = 0;
	while (bench_sample(b)) {
		for (i = 0; i < 64; i++) {
			group = (group + 7919) % count;
			bench_send(b, OTHER, fds[1], size);
			sqe = bench_sqe(&ring);
			sqe->opcode = IORING_OP_RECV;
			sqe->fd = fds[0];
			sqe->flags = IOSQE_BUFFER_SELECT;
			sqe->buf_group = group;
			bench_enter(b, &ring, 1);
			cqe = bench_cqe(&ring);
			if (cqe.res != (int)size)
				errx(1, "result %d", cqe.res);
			buf_ring_recycle(&bufs[group], 0);
			buf_ring_publish(&bufs[group]);
		}
		bench_end(b, 64);
	}
}

const struct row multishot_rows[] = {
	{ "recv-multishot/tcp/64/1/defer", multishot, ON_SERVERS, DEFER,
	  TCP, 64, 1 },
	{ "recv-multishot/tcp/64/8/defer", multishot, ON_SERVERS, DEFER,
	  TCP, 64, 8 },
	{ "recv-multishot/tcp/1400/8/defer", multishot, ON_SERVERS, DEFER,
	  TCP, 1400, 8 },
	{ "recv-multishot/tcp/16384/2/defer", multishot, ON_SERVERS, DEFER,
	  TCP, 16384, 2 },
	{ "recv-multishot/udp/64/1/defer", multishot, ON_SERVERS, DEFER,
	  UDP, 64, 1 },
	{ "recv-multishot/udp/64/8/defer", multishot, ON_SERVERS, DEFER,
	  UDP, 64, 8 },
	{ "recv-multishot/udp/1400/8/defer", multishot, ON_SERVERS, DEFER,
	  UDP, 1400, 8 },
	{ "recv-multishot/udp/16384/2/defer", multishot, ON_SERVERS, DEFER,
	  UDP, 16384, 2 },
	{ "recv-multishot/unix/64/1/defer", multishot, ON_SERVERS, DEFER,
	  UNIX, 64, 1 },
	{ "recv-multishot/unix/64/8/defer", multishot, ON_SERVERS, DEFER,
	  UNIX, 64, 8 },
	{ "recv-multishot/unix/1400/8/defer", multishot, ON_SERVERS, DEFER,
	  UNIX, 1400, 8 },
	{ "recv-multishot/unix/16384/2/defer", multishot, ON_SERVERS, DEFER,
	  UNIX, 16384, 2 },
	{ "recv-multishot/tcp/64/1/plain", multishot, ON_ALL, 0, TCP, 64, 1 },
	{ "recv-multishot/tcp/64/8/plain", multishot, ON_ALL, 0, TCP, 64, 8 },
	{ "recv-multishot/tcp/1400/8/plain", multishot, ON_ALL, 0,
	  TCP, 1400, 8 },
	{ "recv-multishot/tcp/16384/2/plain", multishot, ON_ALL, 0,
	  TCP, 16384, 2 },
	{ "recv-multishot/udp/64/1/plain", multishot, ON_ALL, 0, UDP, 64, 1 },
	{ "recv-multishot/udp/64/8/plain", multishot, ON_ALL, 0, UDP, 64, 8 },
	{ "recv-multishot/udp/1400/8/plain", multishot, ON_ALL, 0,
	  UDP, 1400, 8 },
	{ "recv-multishot/udp/16384/2/plain", multishot, ON_ALL, 0,
	  UDP, 16384, 2 },
	{ "recv-multishot/unix/64/1/plain", multishot, ON_ALL, 0, UNIX, 64, 1 },
	{ "recv-multishot/unix/64/8/plain", multishot, ON_ALL, 0, UNIX, 64, 8 },
	{ "recv-multishot/unix/1400/8/plain", multishot, ON_ALL, 0,
	  UNIX, 1400, 8 },
	{ "recv-multishot/unix/16384/2/plain", multishot, ON_ALL, 0,
	  UNIX, 16384, 2 },
	{ "recv-queued/tcp/1024/65536", multishot, ON_SERVERS, DEFER,
	  TCP, 1024, 64, .mode = QUEUED },
	{ "recv-queued/tcp/1024/1048576", multishot, ON_SERVERS, DEFER,
	  TCP, 1024, 1024, .mode = QUEUED },
	{ "recv-queued/tcp/4096/65536", multishot, ON_SERVERS, DEFER,
	  TCP, 4096, 16, .mode = QUEUED },
	{ "recv-queued/tcp/4096/1048576", multishot, ON_SERVERS, DEFER,
	  TCP, 4096, 256, .mode = QUEUED },
	{ "recv-queued/tcp/16384/65536", multishot, ON_SERVERS, DEFER,
	  TCP, 16384, 4, .mode = QUEUED },
	{ "recv-queued/tcp/16384/1048576", multishot, ON_SERVERS, DEFER,
	  TCP, 16384, 64, .mode = QUEUED },
	{ "recvmsg-multishot/udp/64", multishot, ON_SERVERS, DEFER,
	  UDP, 64, 8, .mode = RECVMSG },
	{ "recvmsg-multishot/udp/1400", multishot, ON_SERVERS, DEFER,
	  UDP, 1400, 8, .mode = RECVMSG },
	{ "recv-bundle/tcp/64", multishot, ON_SERVERS, DEFER,
	  TCP, 64, 8, .mode = BUNDLE },
	{ "recv-bundle/tcp/1400", multishot, ON_SERVERS, DEFER,
	  TCP, 1400, 8, .mode = BUNDLE },
	{ "recv-incremental/tcp/64", multishot, ON_ALL, DEFER,
	  TCP, 64, 1, .mode = INCREMENTAL },
	{ "recv-incremental/udp/64", multishot, ON_ALL, DEFER,
	  UDP, 64, 8, .mode = INCREMENTAL },
	{ "recv-groups/1", groups, ON_RINGS, DEFER, UNIX, 64, 1, .count = 1 },
	{ "recv-groups/1000", groups, ON_RINGS, DEFER,
	  UNIX, 64, 1, .count = 1000 },
	{ "recv-groups/60000", groups, ON_RINGS, DEFER,
	  UNIX, 64, 1, .count = 60000 },
	{ }
};
