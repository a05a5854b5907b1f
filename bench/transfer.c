// SPDX-License-Identifier: GPL-2.0
/* Receives and sends of which each is a request. */
#include "epoll.h"

#define MAX_BATCH	32

struct transfer {
	struct ring ring;
	int fds[MAX_BATCH][2];
};

/* The sockets; and a ring, if there is one. */
static void open_all(struct bench *b, struct transfer *t)
{
	unsigned int i;

	for (i = 0; i < b->row->batch; i++)
		bench_pair(b->row->proto, t->fds[i]);
	if (b->side != SIDE_CALLS)
		bench_ring(b, &t->ring, 64, 128);
}

static unsigned int rounds(const struct bench *b)
{
	return b->row->batch == 1 ? 32 : 4;
}

/* A message on each pair, by plain calls. */
static void send_each(struct bench *b, struct transfer *t, enum account account)
{
	unsigned int i;

	for (i = 0; i < b->row->batch; i++)
		bench_send(b, account, t->fds[i][1], b->row->size);
}

static void recv_each(struct bench *b, struct transfer *t, enum account account)
{
	unsigned int i;

	for (i = 0; i < b->row->batch; i++)
		bench_recv(b, account, t->fds[i][0], b->row->size);
}

/* Submits a request for each pair, on that end of it, and waits for @count. */
static void submit_each(struct bench *b, struct transfer *t, __u8 opcode,
			int end, unsigned int count)
{
	unsigned int i, size = b->row->size;

	for (i = 0; i < b->row->batch; i++) {
		struct io_uring_sqe *sqe = bench_sqe(&t->ring);

		sqe->opcode = opcode;
		sqe->fd = t->fds[i][end];
		sqe->addr = (unsigned long)bench_memory + i * size;
		sqe->len = size;
	}
	bench_enter(b, &t->ring, count);
}

static void reap_each(struct bench *b, struct transfer *t)
{
	bench_reap(&t->ring, b->row->batch, b->row->size);
}

/* What is to be received is there before it is asked for. */
static void recv_ready(struct bench *b)
{
	unsigned int i, batch = b->row->batch;
	struct transfer t;

	open_all(b, &t);
	while (bench_sample(b)) {
		for (i = 0; i < rounds(b); i++) {
			send_each(b, &t, OTHER);
			if (b->side == SIDE_CALLS) {
				recv_each(b, &t, ENTER);
				continue;
			}
			submit_each(b, &t, IORING_OP_RECV, 0, batch);
			reap_each(b, &t);
		}
		bench_end(b, rounds(b) * batch);
	}
}

/* It is asked for first, and comes later. */
static void recv_armed(struct bench *b)
{
	unsigned int i, batch = b->row->batch;
	const struct epoll_bursts bursts = { batch, 1, rounds(b), 65536 };
	struct transfer t;

	if (b->side == SIDE_EPOLL)
		return epoll_receive(b, &bursts);
	open_all(b, &t);
	while (bench_sample(b)) {
		for (i = 0; i < rounds(b); i++) {
			if (b->side != SIDE_CALLS)
				submit_each(b, &t, IORING_OP_RECV, 0, 0);
			send_each(b, &t, PEER);
			if (b->side == SIDE_CALLS) {
				recv_each(b, &t, ENTER);
				continue;
			}
			bench_enter(b, &t.ring, batch);
			reap_each(b, &t);
		}
		bench_end(b, rounds(b) * batch);
	}
}

static void send_copy(struct bench *b)
{
	unsigned int i, batch = b->row->batch;
	struct transfer t;

	open_all(b, &t);
	while (bench_sample(b)) {
		for (i = 0; i < rounds(b); i++) {
			if (b->side == SIDE_CALLS) {
				send_each(b, &t, ENTER);
			} else {
				submit_each(b, &t, IORING_OP_SEND, 1, batch);
				reap_each(b, &t);
			}
			recv_each(b, &t, OTHER);
		}
		bench_end(b, rounds(b) * batch);
	}
}

const struct row transfer_rows[] = {
	{ "recv/tcp/1", recv_ready, ON_ALL, DEFER, TCP, 64, 1 },
	{ "recv/tcp/32", recv_ready, ON_ALL, DEFER, TCP, 64, 32 },
	{ "recv-armed/tcp/1", recv_armed, ON_SERVERS, DEFER, TCP, 64, 1 },
	{ "recv-armed/tcp/32", recv_armed, ON_SERVERS, DEFER, TCP, 64, 32 },
	{ "send/tcp/1", send_copy, ON_ALL, DEFER, TCP, 64, 1 },
	{ "send/tcp/32", send_copy, ON_ALL, DEFER, TCP, 64, 32 },
	{ "recv/udp/1", recv_ready, ON_ALL, DEFER, UDP, 64, 1 },
	{ "recv/udp/32", recv_ready, ON_ALL, DEFER, UDP, 64, 32 },
	{ "recv-armed/udp/1", recv_armed, ON_SERVERS, DEFER, UDP, 64, 1 },
	{ "recv-armed/udp/32", recv_armed, ON_SERVERS, DEFER, UDP, 64, 32 },
	{ "send/udp/1", send_copy, ON_ALL, DEFER, UDP, 64, 1 },
	{ "send/udp/32", send_copy, ON_ALL, DEFER, UDP, 64, 32 },
	{ "recv/unix/1", recv_ready, ON_ALL, DEFER, UNIX, 64, 1 },
	{ "recv/unix/32", recv_ready, ON_ALL, DEFER, UNIX, 64, 32 },
	{ "recv-armed/unix/1", recv_armed, ON_SERVERS, DEFER, UNIX, 64, 1 },
	{ "recv-armed/unix/32", recv_armed, ON_SERVERS, DEFER, UNIX, 64, 32 },
	{ "send/unix/1", send_copy, ON_ALL, DEFER, UNIX, 64, 1 },
	{ "send/unix/32", send_copy, ON_ALL, DEFER, UNIX, 64, 32 },
	{ }
};
