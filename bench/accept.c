// SPDX-License-Identifier: GPL-2.0
/*
 * A server's whole work for a client: it connects, has 128 bytes echoed, and
 * leaves; while so many others stay connected, each with a receive that waits.
 * The oldest leaves first. A figure is for one client.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "epoll.h"

#define WAVE		10
#define WAVES		2
#define BYTES		128
#define SERVER_PORT	10000
#define CLIENT_PORT	25000

enum event {
	ACCEPTED,
	RECEIVED,
	SENT,
	CLOSED,
	NR_EVENTS,
};

struct server {
	struct bench *b;
	struct ring ring;
	int epoll;
	int listener;
	unsigned int happened[NR_EVENTS];
	/* Clients in the order in which they came; on which fd the server has them. */
	int *clients;
	unsigned int first, nr, size;
	in_port_t next_port;
	/* The side of plain calls: what it has accepted, in order. */
	int *accepted;
};

static void mark(struct io_uring_sqe *sqe, enum event event, int fd)
{
	sqe->user_data = (__u64)event << 32 | (unsigned int)fd;
}

static void prep_accept(struct server *s)
{
	struct io_uring_sqe *sqe = bench_sqe(&s->ring);

	ring_prep_accept_multishot(sqe, s->listener, 0);
	if (!s->b->row->mode)
		sqe->ioprio = 0;
	mark(sqe, ACCEPTED, 0);
}

static void prep_recv(struct server *s, int fd)
{
	struct io_uring_sqe *sqe = bench_sqe(&s->ring);

	sqe->opcode = IORING_OP_RECV;
	sqe->fd = fd;
	sqe->addr = (unsigned long)bench_memory;
	sqe->len = BYTES;
	mark(sqe, RECEIVED, fd);
}

static void handle(struct server *s, struct completion cqe)
{
	enum event event = cqe.user_data >> 32;
	struct io_uring_sqe *sqe;
	int fd = (int)cqe.user_data;

	if (cqe.res < 0)
		errx(1, "event %u: result %d", event, cqe.res);
	s->happened[event]++;
	switch (event) {
	case ACCEPTED:
		prep_recv(s, cqe.res);
		if (!(cqe.flags & IORING_CQE_F_MORE))
			prep_accept(s);
		break;
	case RECEIVED:
		sqe = bench_sqe(&s->ring);
		if (cqe.res) {
			ring_prep_send(sqe, fd, bench_memory, cqe.res, 0);
			mark(sqe, SENT, fd);
		} else {
			ring_prep_close(sqe, fd);
			mark(sqe, CLOSED, fd);
		}
		break;
	case SENT:
		prep_recv(s, fd);
		break;
	default:
		break;
	}
}

/* Without a ring: all who have come, and each of them watched. */
static void accept_all(struct server *s)
{
	int fd;

	while ((fd = BENCH_CALL(s->b, ENTER, accept4(s->listener, NULL, NULL,
						     SOCK_NONBLOCK))) >= 0) {
		epoll_watch(s->b, s->epoll, fd);
		s->happened[ACCEPTED]++;
	}
	if (errno != EAGAIN)
		err(1, "accept4");
}

/* There is room for more than a client sends: less says that there is no more. */
static void answer(struct server *s, int fd)
{
	ssize_t ret = epoll_recv(s->b, fd, 2 * BYTES);

	if (ret > 0) {
		bench_send(s->b, ENTER, fd, ret);
		s->happened[SENT]++;
	} else if (!ret) {
		if (BENCH_CALL(s->b, ENTER, close(fd)))
			err(1, "close");
		s->happened[CLOSED]++;
	}
}

static void poll_until(struct server *s, enum event event)
{
	struct epoll_event events[EPOLL_EVENTS];
	unsigned int i, nr;

	s->happened[event] = 0;
	while (s->happened[event] < WAVE) {
		nr = epoll_events(s->b, s->epoll, events);
		for (i = 0; i < nr; i++) {
			if (events[i].data.fd == s->listener)
				accept_all(s);
			else
				answer(s, events[i].data.fd);
		}
	}
}

/* Until as many of an event have happened as there are clients in a wave. */
static void serve_until(struct server *s, enum event event)
{
	if (s->b->side == SIDE_EPOLL)
		return poll_until(s, event);
	s->happened[event] = 0;
	while (s->happened[event] < WAVE) {
		bench_enter(s->b, &s->ring, 1);
		while (ring_peek_cqe(&s->ring))
			handle(s, bench_cqe(&s->ring));
	}
	/* What a server would submit when it waits for the next. */
	bench_enter(s->b, &s->ring, 0);
}

static int must(int ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

/* Client @i from the oldest, of which there are as many as of accepted ones. */
static int *client(struct server *s, unsigned int i)
{
	return &s->clients[(s->first + i) % s->size];
}

static int *served(struct server *s, unsigned int i)
{
	return &s->accepted[(s->first + i) % s->size];
}

static void come(struct server *s)
{
	struct sockaddr_in address = bench_address(SERVER_PORT);
	unsigned int i;
	int fd;

	for (i = 0; i < WAVE; i++) {
		fd = bench_socket(SOCK_STREAM, s->next_port++);
		must(BENCH_CALL(s->b, PEER,
				connect(fd, (const struct sockaddr *)&address,
					sizeof(address))), "connect");
		*client(s, s->nr + i) = fd;
	}
	if (s->b->side != SIDE_CALLS)
		serve_until(s, ACCEPTED);
	else
		for (i = 0; i < WAVE; i++)
			*served(s, s->nr + i) = must(BENCH_CALL(s->b, ENTER,
				accept(s->listener, NULL, NULL)), "accept");
	s->nr += WAVE;
}

static void talk(struct server *s)
{
	unsigned int i;

	for (i = s->nr - WAVE; i < s->nr; i++)
		bench_send(s->b, PEER, *client(s, i), BYTES);
	if (s->b->side != SIDE_CALLS) {
		serve_until(s, SENT);
	} else {
		for (i = s->nr - WAVE; i < s->nr; i++) {
			bench_recv(s->b, ENTER, *served(s, i), BYTES);
			bench_send(s->b, ENTER, *served(s, i), BYTES);
		}
	}
	for (i = s->nr - WAVE; i < s->nr; i++)
		bench_recv(s->b, OTHER, *client(s, i), BYTES);
}

static void leave(struct server *s)
{
	unsigned int i;

	for (i = 0; i < WAVE; i++)
		must(BENCH_CALL(s->b, PEER, close(*client(s, i))), "close");
	if (s->b->side != SIDE_CALLS) {
		serve_until(s, CLOSED);
	} else {
		for (i = 0; i < WAVE; i++) {
			bench_recv(s->b, ENTER, *served(s, i), 0);
			must(BENCH_CALL(s->b, ENTER, close(*served(s, i))),
			     "close");
		}
	}
	s->first = (s->first + WAVE) % s->size;
	s->nr -= WAVE;
}

static void serve(struct bench *b)
{
	struct server s = { .b = b, .next_port = CLIENT_PORT };
	unsigned int i;

	s.size = b->row->count + WAVE;
	s.clients = calloc(s.size, sizeof(*s.clients));
	s.accepted = calloc(s.size, sizeof(*s.accepted));
	if (!s.clients || !s.accepted)
		err(1, "calloc");
	s.listener = bench_socket(SOCK_STREAM, SERVER_PORT);
	if (listen(s.listener, 128))
		err(1, "listen");
	if (b->side == SIDE_EPOLL) {
		s.epoll = epoll_open();
		if (fcntl(s.listener, F_SETFL, O_NONBLOCK))
			err(1, "O_NONBLOCK");
		epoll_watch(b, s.epoll, s.listener);
	} else if (b->side != SIDE_CALLS) {
		bench_ring(b, &s.ring, 64, 256);
		prep_accept(&s);
		bench_enter(b, &s.ring, 0);
	}
	while (s.nr < b->row->count)
		come(&s);
	while (bench_sample(b)) {
		for (i = 0; i < WAVES; i++) {
			come(&s);
			talk(&s);
			leave(&s);
		}
		bench_end(b, WAVE * WAVES);
	}
}

const struct row accept_rows[] = {
	{ "accept/100", serve, ON_SERVERS, DEFER, .count = 100 },
	{ "accept/1000", serve, ON_SERVERS, DEFER, .count = 1000 },
	{ "accept/10000", serve, ON_SERVERS, DEFER, .count = 10000 },
	{ "accept-multishot/100", serve, ON_SERVERS, DEFER, .count = 100, .mode = 1 },
	{ "accept-multishot/1000", serve, ON_SERVERS, DEFER, .count = 1000,
	  .mode = 1 },
	{ "accept-multishot/10000", serve, ON_SERVERS, DEFER, .count = 10000,
	  .mode = 1 },
	{ }
};
