// SPDX-License-Identifier: GPL-2.0
/*
 * Wake-ups, cancellations, closes and registrations from several threads at
 * once. What one of them does may come too late for the other, but each
 * request ends once, and each byte is somewhere.
 */
#include <pthread.h>

#define RING_MODES
#include "fixture.h"

#define MORE	IORING_CQE_F_MORE

/* A thread that keeps doing something to a descriptor until it is stopped. */
struct worker {
	pthread_t thread;
	struct ring *ring;
	int fd;
	bool stop;
	unsigned int sent;
};

static bool stopped(struct worker *w)
{
	return __atomic_load_n(&w->stop, __ATOMIC_RELAXED);
}

static void *stop(struct worker *w)
{
	void *failed;

	__atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
	pthread_join(w->thread, &failed);
	return failed;
}

static void *send_thread(void *arg)
{
	struct worker *w = arg;

	while (!stopped(w))
		if (send(w->fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
			w->sent++;
	return NULL;
}

TEST_F(ring, ring_is_closed_while_data_comes_in)
{
	struct worker w = {};
	unsigned int round;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	w.fd = sv[1];
	ASSERT_EQ(0, pthread_create(&w.thread, NULL, send_thread, &w));
	for (round = 0; round < 6; round++) {
		struct pbuf pb;
		struct ring r;
		unsigned int i;

		ASSERT_EQ(0, ring_init(&r, variant->backend, 16, variant->flags));
		ASSERT_EQ(0, pbuf_init(&pb, &r, 0, 16, 64));
		pbuf_fill(&pb);
		prep_recv_multi(&r, sv[0], 0, 1);
		prep_poll_multi(&r, sv[0], POLLIN, 2);
		for (i = 0; i < 10; i++)
			prep_poll(&r, sv[0], POLLIN, 3);
		ASSERT_EQ(12, ring_submit(&r));
		ring_exit(&r);
		/* Room for more, and not all there is: the other thread does not stop. */
		for (i = 0; i < 16; i++)
			recv(sv[0], pb.mem, pb.mem_size, MSG_DONTWAIT);
		munmap(pb.mem, pb.mem_size);
		munmap(pb.br, pb.br_size);
	}
	EXPECT_EQ(NULL, stop(&w));
}

TEST_F(ring, stream_with_cancellations_in_between)
{
	unsigned int seen = 0, round;
	struct worker w = {};
	struct pbuf pb;
	ssize_t rest;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 0, 16, 64));
	pbuf_fill(&pb);
	w.fd = sv[1];
	ASSERT_EQ(0, pthread_create(&w.thread, NULL, send_thread, &w));
	for (round = 0; round < 15; round++) {
		struct io_uring_cqe cqe;
		unsigned int left = 2;

		prep_recv_multi(&self->ring, sv[0], 0, 1);
		ASSERT_EQ(1, ring_submit(&self->ring));
		prep_cancel(&self->ring, 1, 0, 2);
		ASSERT_EQ(1, ring_submit(&self->ring));
		while (left) {
			ASSERT_EQ(0, ring_take(&self->ring, &cqe));
			if (cqe.flags & IORING_CQE_F_BUFFER)
				pbuf_push(&pb, cqe_bid(&cqe));
			if (cqe.user_data == 1 && cqe.res > 0)
				seen += cqe.res;
			left -= !(cqe.flags & MORE);
		}
		ASSERT_EQ(0, ring_ready(&self->ring));
	}
	EXPECT_EQ(NULL, stop(&w));
	rest = drain_socket(sv[0]);
	EXPECT_LE(0, rest);
	EXPECT_EQ(w.sent, seen + rest);
}

static void *close_thread(void *arg)
{
	int *fd = arg;

	return close(*fd) ? arg : NULL;
}

TEST_F(ring, peer_is_closed_while_the_request_is_cancelled)
{
	unsigned int round;

	for (round = 0; round < 8; round++) {
		unsigned int i, ended = 0;
		struct io_uring_cqe cqe;
		pthread_t thread;
		void *failed;
		int sv[2];
		char c;

		ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
		prep_recv(&self->ring, sv[0], &c, 1, 1);
		prep_poll_multi(&self->ring, sv[0], POLLIN, 2);
		ASSERT_EQ(2, ring_submit(&self->ring));
		ASSERT_EQ(0, pthread_create(&thread, NULL, close_thread, &sv[1]));
		prep_cancel(&self->ring, 1, 0, 3);
		prep_cancel(&self->ring, 2, 0, 4);
		ASSERT_EQ(2, ring_submit(&self->ring));
		for (i = 0; ended != 30; i++) {
			ASSERT_GT(20, i);
			ASSERT_EQ(0, ring_take(&self->ring, &cqe));
			if (cqe.user_data == 1)
				EXPECT_TRUE(cqe.res == 0 || cqe.res == -ECANCELED);
			if (cqe.flags & MORE)
				continue;
			ASSERT_EQ(0, ended & 1u << cqe.user_data);
			ended |= 1u << cqe.user_data;
		}
		ASSERT_EQ(0, pthread_join(thread, &failed));
		ASSERT_EQ(NULL, failed);
		close(sv[0]);
	}
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, socket_is_shut_down_while_it_is_armed)
{
	unsigned int round;

	for (round = 0; round < 8; round++) {
		struct io_uring_cqe cqe;
		struct worker w = {};
		unsigned int seen = 0;
		struct pbuf pb;
		int sv[2];

		ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
		ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 0, 32, 16));
		pbuf_fill(&pb);
		w.fd = sv[1];
		ASSERT_EQ(0, pthread_create(&w.thread, NULL, send_thread, &w));
		prep_recv_multi(&self->ring, sv[0], 0, 1);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_EQ(0, shutdown(sv[0], SHUT_RDWR));
		do {
			ASSERT_EQ(0, ring_take(&self->ring, &cqe));
			if (cqe.res > 0)
				seen += cqe.res;
		} while (cqe.flags & MORE);
		EXPECT_TRUE(cqe.res == 0 || cqe.res == -ENOBUFS) TH_LOG("%d", cqe.res);
		EXPECT_EQ(NULL, stop(&w));
		EXPECT_EQ(w.sent, seen + drain_socket(sv[0]));
		ASSERT_EQ(0, ring_ready(&self->ring));
		pbuf_exit(&pb);
		close(sv[0]);
		close(sv[1]);
	}
}

/* Connections come in while the request that accepts them comes and goes. */
static void *connect_thread(void *arg)
{
	struct worker *w = arg;
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	if (getsockname(w->fd, (struct sockaddr *)&addr, &len))
		return arg;
	for (w->sent = 0; w->sent < 25; w->sent++) {
		int fd = tcp_connect(&addr);

		if (fd < 0)
			return arg;
		close(fd);
	}
	return NULL;
}

TEST_F(ring, no_connection_is_lost_to_a_cancellation)
{
	unsigned int accepted = 0;
	struct io_uring_cqe cqe;
	struct sockaddr_in addr;
	struct worker w = {};
	void *failed;

	w.fd = tcp_listen(&addr);
	ASSERT_LE(0, w.fd);
	ASSERT_EQ(0, pthread_create(&w.thread, NULL, connect_thread, &w));
	while (accepted < 25) {
		unsigned int left = 2;

		prep_accept_multi(&self->ring, w.fd, 1);
		ASSERT_EQ(1, ring_submit(&self->ring));
		prep_cancel(&self->ring, 1, 0, 2);
		ASSERT_EQ(1, ring_submit(&self->ring));
		while (left) {
			ASSERT_EQ(0, ring_take(&self->ring, &cqe));
			if (cqe.user_data == 1 && cqe.res >= 0) {
				EXPECT_EQ(0, close(cqe.res));
				accepted++;
			}
			left -= !(cqe.flags & MORE);
		}
	}
	ASSERT_EQ(0, pthread_join(w.thread, &failed));
	EXPECT_EQ(NULL, failed);
	EXPECT_EQ(25, accepted);
}

/* Two tasks with a ring each, that pass messages to and fro. */
#define MESSAGES	100

struct player {
	enum backend backend;
	unsigned int flags;
	int fd;
	bool serves;
};

static void *play(void *arg)
{
	struct player *p = arg;
	unsigned int i, next = p->serves;
	struct pbuf pb;
	struct ring r;
	void *ret = arg;

	if (ring_init(&r, p->backend, 8, p->flags))
		return arg;
	if (pbuf_init(&pb, &r, 0, 4, 16))
		goto out;
	pbuf_fill(&pb);
	prep_recv_multi(&r, p->fd, 0, 1);
	if (p->serves)
		prep_send(&r, p->fd, &(unsigned int){ 0 }, sizeof(i), 2);
	ring_submit(&r);
	for (i = 0; i < MESSAGES; ) {
		struct io_uring_cqe cqe;
		unsigned int number;

		if (ring_take(&r, &cqe))
			goto out;
		if (cqe.user_data == 2) {
			if (cqe.res != sizeof(number))
				goto out;
			continue;
		}
		if (cqe.res != sizeof(number) || !(cqe.flags & MORE))
			goto out;
		memcpy(&number, pbuf_mem(&pb, cqe_bid(&cqe)), sizeof(number));
		if (number != next)
			goto out;
		next += 2;
		i++;
		pbuf_push(&pb, cqe_bid(&cqe));
		if (p->serves && i == MESSAGES)
			break;
		number++;
		prep_send(&r, p->fd, &number, sizeof(number), 2);
		if (ring_submit(&r) != 1)
			goto out;
	}
	ret = NULL;
out:
	ring_exit(&r);
	return ret;
}

TEST_F(ring, two_tasks_pass_messages)
{
	struct player p[2];
	pthread_t threads[2];
	void *failed;
	int i, sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_SEQPACKET, sv));
	for (i = 0; i < 2; i++) {
		p[i] = (struct player){ variant->backend, variant->flags, sv[i], i == 0 };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, play, &p[i]));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &failed));
		EXPECT_EQ(NULL, failed);
	}
}

TEST_HARNESS_MAIN
