// SPDX-License-Identifier: GPL-2.0
/*
 * One of a few sockets at a time gets a message, and is asked again, while many
 * more receives wait for what does not come. A figure is for one message.
 *
 * Those that wait in vain are each for a descriptor of its own, as epoll must have
 * it, all of one socket: nobody touches them meanwhile, and making a socket for
 * each would take minutes.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "epoll.h"

#define MESSAGES	64
#define TALKERS		50

struct crowd {
	struct bench *b;
	struct ring ring;
	int epoll;
	int fds[TALKERS][2];
	int quiet[2];
};

static void arm(struct crowd *c, int fd)
{
	struct io_uring_sqe *sqe = bench_sqe(&c->ring);

	sqe->opcode = IORING_OP_RECV;
	sqe->fd = fd;
	sqe->addr = (unsigned long)bench_memory;
	sqe->len = c->b->row->size;
}

/* With a ring the request for the next message goes in with the wait for the message after it. */
static void receive(struct crowd *c, unsigned int i)
{
	struct epoll_event events[EPOLL_EVENTS];
	struct bench *b = c->b;
	size_t size = b->row->size;

	if (b->side == SIDE_CALLS) {
		bench_recv(b, ENTER, c->fds[i][0], size);
	} else if (b->side == SIDE_EPOLL) {
		if (epoll_events(b, c->epoll, events) != 1 ||
		    events[0].data.fd != c->fds[i][0] ||
		    epoll_recv(b, c->fds[i][0], 2 * size) != (ssize_t)size)
			errx(1, "not one message of one socket");
	} else {
		bench_enter(b, &c->ring, 1);
		bench_reap(&c->ring, 1, size);
		arm(c, c->fds[i][0]);
	}
}

/* Request or watch @i, of this descriptor. */
static void wait_for(struct crowd *c, unsigned int i, int fd)
{
	struct bench *b = c->b;

	if (b->side == SIDE_EPOLL) {
		if (fcntl(fd, F_SETFL, O_NONBLOCK))
			err(1, "O_NONBLOCK");
		epoll_watch(b, c->epoll, fd);
	} else if (b->side != SIDE_CALLS) {
		arm(c, fd);
		if (i % 64 == 63 || i == b->row->count - 1)
			bench_enter(b, &c->ring, 0);
	}
}

static void crowd(struct bench *b)
{
	unsigned int i, j = 0, count = b->row->count;
	struct crowd c = { .b = b };
	int fd;

	if (b->side == SIDE_EPOLL)
		c.epoll = epoll_open();
	else if (b->side != SIDE_CALLS)
		bench_ring(b, &c.ring, 64, 128);
	bench_pair(b->row->proto, c.quiet);
	for (i = 0; i < TALKERS; i++) {
		bench_pair(b->row->proto, c.fds[i]);
		wait_for(&c, i, c.fds[i][0]);
	}
	for (; i < count; i++) {
		fd = dup(c.quiet[0]);
		if (fd < 0)
			err(1, "dup");
		wait_for(&c, i, fd);
	}
	while (bench_sample(b)) {
		for (i = 0; i < MESSAGES; i++) {
			j = (j + 1) % TALKERS;
			bench_send(b, PEER, c.fds[j][1], b->row->size);
			receive(&c, j);
		}
		bench_end(b, MESSAGES);
	}
}

const struct row crowd_rows[] = {
	{ "recv-crowd/100", crowd, ON_SERVERS, DEFER, UNIX, 64, 1, .count = 100 },
	{ "recv-crowd/100000", crowd, ON_SERVERS, DEFER, UNIX, 64, 1,
	  .count = 100000 },
	{ }
};
