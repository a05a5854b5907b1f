// SPDX-License-Identifier: GPL-2.0
/* Receives and sends of which each is a request. */
#include "epoll.h"

#define MAX_BATCH	32

static void open_pairs(struct bench *b, int fds[][2])
{
	unsigned int i;

	for (i = 0; i < b->row->batch; i++)
		bench_pair(b->row->proto, fds[i]);
}

static void prep(struct ring *ring, __u8 opcode, int fd, unsigned int size,
		 unsigned int i)
{
	struct io_uring_sqe *sqe = bench_sqe(ring);

	sqe->opcode = opcode;
	sqe->fd = fd;
	sqe->addr = (unsigned long)bench_memory + i * size;
	sqe->len = size;
}

static unsigned int rounds(const struct bench *b)
{
	return b->row->batch == 1 ? 32 : 4;
}

/* What is to be received is there before it is asked for. */
static void recv_ready(struct bench *b)
{
	unsigned int i, j, size = b->row->size, batch = b->row->batch;
	int fds[MAX_BATCH][2];
	struct ring ring;

	open_pairs(b, fds);
	if (b->side != SIDE_CALLS)
		bench_ring(b, &ring, 64, 128);
	while (bench_sample(b)) {
		for (i = 0; i < rounds(b); i++) {
			for (j = 0; j < batch; j++)
				bench_send(b, OTHER, fds[j][1], size);
			if (b->side == SIDE_CALLS) {
				for (j = 0; j < batch; j++)
					bench_recv(b, ENTER, fds[j][0], size);
				continue;
			}
			for (j = 0; j < batch; j++)
				prep(&ring, IORING_OP_RECV, fds[j][0], size, j);
			bench_enter(b, &ring, batch);
			bench_reap(&ring, batch, size);
		}
		bench_end(b, rounds(b) * batch);
	}
}

/* It is asked for first, and comes later. */
static void recv_armed(struct bench *b)
{
	unsigned int i, j, size = b->row->size, batch = b->row->batch;
	const struct epoll_bursts bursts = { batch, 1, rounds(b), 65536 };
	int fds[MAX_BATCH][2];
	struct ring ring;

	if (b->side == SIDE_EPOLL)
		return epoll_receive(b, &bursts);
	open_pairs(b, fds);
	if (b->side != SIDE_CALLS)
		bench_ring(b, &ring, 64, 128);
	while (bench_sample(b)) {
		for (i = 0; i < rounds(b); i++) {
			if (b->side != SIDE_CALLS) {
				for (j = 0; j < batch; j++)
					prep(&ring, IORING_OP_RECV, fds[j][0],
					     size, j);
				bench_enter(b, &ring, 0);
			}
			for (j = 0; j < batch; j++)
				bench_send(b, PEER, fds[j][1], size);
			if (b->side != SIDE_CALLS) {
				bench_enter(b, &ring, batch);
				bench_reap(&ring, batch, size);
				continue;
			}
			for (j = 0; j < batch; j++)
				bench_recv(b, ENTER, fds[j][0], size);
		}
		bench_end(b, rounds(b) * batch);
	}
}

static void send_copy(struct bench *b)
{
	unsigned int i, j, size = b->row->size, batch = b->row->batch;
	int fds[MAX_BATCH][2];
	struct ring ring;

	open_pairs(b, fds);
	if (b->side != SIDE_CALLS)
		bench_ring(b, &ring, 64, 128);
	while (bench_sample(b)) {
		for (i = 0; i < rounds(b); i++) {
			if (b->side == SIDE_CALLS) {
				for (j = 0; j < batch; j++)
					bench_send(b, ENTER, fds[j][1], size);
			} else {
				for (j = 0; j < batch; j++)
					prep(&ring, IORING_OP_SEND, fds[j][1],
					     size, j);
				bench_enter(b, &ring, batch);
				bench_reap(&ring, batch, size);
			}
			for (j = 0; j < batch; j++)
				bench_recv(b, OTHER, fds[j][0], size);
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
