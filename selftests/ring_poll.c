// SPDX-License-Identifier: GPL-2.0
/*
 * poll(2) and epoll(7) on the ring's descriptor.
 */
#include <pthread.h>
#include <sys/epoll.h>

#define RING_MODES
#include "fixture.h"

static int poll_now(int fd)
{
	struct pollfd p = {
		.fd = fd,
		.events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM,
	};

	return poll(&p, 1, 0) < 0 ? -errno : p.revents;
}

TEST_F(ring, new_ring_is_writable)
{
	EXPECT_EQ(POLLOUT | POLLWRNORM, poll_now(self->ring.fd));
}

TEST_F(ring, full_submission_queue_is_not_writable)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		prep_nop(&self->ring, i);
	ring_publish(&self->ring);
	EXPECT_EQ(0, poll_now(self->ring.fd));
	ASSERT_EQ(1, ring_enter(&self->ring, 1, 0, 0));
	ASSERT_EQ(1, ring_drain(&self->ring));
	EXPECT_EQ(POLLOUT | POLLWRNORM, poll_now(self->ring.fd));
}

TEST_F(ring, completion_makes_it_readable)
{
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM, poll_now(self->ring.fd));
	ASSERT_CQE(&self->ring, 1, 0, 0);
	EXPECT_EQ(POLLOUT | POLLWRNORM, poll_now(self->ring.fd));
}

TEST_F(ring, pending_task_work_makes_it_readable)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(&self->ring, sv[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(POLLOUT | POLLWRNORM, poll_now(self->ring.fd));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	EXPECT_TRUE(poll_now(self->ring.fd) & POLLIN);
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
	EXPECT_FALSE(poll_now(self->ring.fd) & POLLIN);
}

struct poller {
	int fd;
	int ret;
	unsigned int events;
};

static void *poll_thread(void *arg)
{
	struct poller *p = arg;
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

	p->ret = poll(&pfd, 1, DEADLINE_MS);
	p->events = pfd.revents;
	return NULL;
}

static void *epoll_thread(void *arg)
{
	struct poller *p = arg;
	struct epoll_event ev = {};

	p->ret = epoll_wait(p->fd, &ev, 1, DEADLINE_MS);
	p->events = ev.events;
	return NULL;
}

TEST_F(ring, completion_wakes_poll)
{
	struct poller p = { .fd = self->ring.fd };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, poll_thread, &p));
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, p.ret);
	EXPECT_EQ(POLLIN, p.events);
}

TEST_F(ring, wake_up_of_a_request_wakes_poll)
{
	struct poller p = { .fd = self->ring.fd };
	pthread_t thread;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(&self->ring, sv[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, pthread_create(&thread, NULL, poll_thread, &p));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, p.ret);
	EXPECT_EQ(POLLIN, p.events);
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
}

TEST_F(ring, completion_wakes_epoll)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct poller p = { .fd = epoll_create1(0) };
	pthread_t thread;

	ASSERT_EQ(0, epoll_ctl(p.fd, EPOLL_CTL_ADD, self->ring.fd, &ev));
	ASSERT_EQ(0, pthread_create(&thread, NULL, epoll_thread, &p));
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, p.ret);
	EXPECT_EQ(EPOLLIN, p.events);
	ASSERT_CQE(&self->ring, 1, 0, 0);
	close(p.fd);
}

TEST_F(ring, edge_triggered_epoll_sees_each_batch)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(0);
	unsigned int i;

	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->ring.fd, &ev));
	EXPECT_EQ(0, epoll_wait(ep, &ev, 1, 0));
	for (i = 0; i < 3; i++) {
		prep_nop(&self->ring, i);
		ASSERT_EQ(1, ring_submit(&self->ring));
		EXPECT_EQ(1, epoll_wait(ep, &ev, 1, DEADLINE_MS));
		EXPECT_EQ(0, epoll_wait(ep, &ev, 1, 0));
	}
	EXPECT_EQ(3, ring_drain(&self->ring));
	close(ep);
}

TEST_F(ring, closing_a_watched_ring)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);
	struct ring r;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, variant->flags));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, r.fd, &ev));
	prep_nop(&r, 1);
	ASSERT_EQ(1, ring_submit(&r));
	ring_exit(&r);
	EXPECT_EQ(0, epoll_wait(ep, &ev, 1, 0));
	close(ep);
}

TEST_F(ring, one_ring_polls_another)
{
	struct ring other;

	ASSERT_EQ(0, ring_init(&other, variant->backend, 4, variant->flags));
	prep_poll(&self->ring, other.fd, POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	prep_nop(&other, 2);
	ASSERT_EQ(1, ring_submit(&other));
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
	ASSERT_CQE(&other, 2, 0, 0);
	ring_exit(&other);
}

TEST_F(ring, polling_a_ring_that_is_readable_already)
{
	struct ring other;

	ASSERT_EQ(0, ring_init(&other, variant->backend, 4, variant->flags));
	prep_nop(&other, 2);
	ASSERT_EQ(1, ring_submit(&other));
	prep_poll(&self->ring, other.fd, POLLIN | POLLOUT, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, POLLIN | POLLOUT, 0);
	ASSERT_CQE(&other, 2, 0, 0);
	prep_poll(&self->ring, other.fd, POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	prep_cancel(&self->ring, 1, 0, 3);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	EXPECT_EQ(2, ring_drain(&self->ring));
	ring_exit(&other);
}

TEST_F(ring, a_ring_polls_itself)
{
	prep_poll(&self->ring, self->ring.fd, POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(0, ring_ready(&self->ring));
	prep_nop(&self->ring, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
}

/* A completion of the one would cause the next one of the other, for ever. */
TEST_F(ring, rings_that_poll_each_other_come_to_rest)
{
	struct ring *rings[2] = { &self->ring };
	unsigned int count, total = 0;
	struct ring other;
	int i, round;

	ASSERT_EQ(0, ring_init(&other, variant->backend, 16, variant->flags));
	rings[1] = &other;
	for (i = 0; i < 2; i++) {
		prep_poll_multi(rings[i], rings[!i]->fd, POLLIN, 1);
		ASSERT_EQ(1, ring_submit(rings[i]));
	}
	prep_nop(&self->ring, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_wait(&other, 1));
	for (round = 0; round < 16; round++) {
		for (count = 0, i = 0; i < 2; i++) {
			ring_run(rings[i]);
			count += ring_drain(rings[i]);
		}
		total += count;
		if (!count)
			break;
	}
	EXPECT_GT(16, round);
	/* The NOP, and what it set off. */
	EXPECT_LE(2, total);
	EXPECT_GT(8, total);
	ring_exit(&other);
}

TEST_F(ring, a_poll_of_a_ring_is_cancelled_by_descriptor)
{
	struct io_uring_cqe cqe;
	struct ring other;
	int i;

	ASSERT_EQ(0, ring_init(&other, variant->backend, 4, variant->flags));
	prep_poll(&self->ring, other.fd, POLLIN, 1);
	prep_poll(&self->ring, self->ring.fd, POLLIN, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));
	prep(&self->ring, IORING_OP_ASYNC_CANCEL, other.fd, NULL, 0, 3)->cancel_flags =
		IORING_ASYNC_CANCEL_FD;
	ASSERT_EQ(1, ring_submit(&self->ring));
	/* The completions have the ring readable for itself as well. */
	ASSERT_EQ(0, ring_wait(&self->ring, 3));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(ring_peek(&self->ring, &cqe));
		switch (cqe.user_data) {
		case 1:
			EXPECT_EQ(-ECANCELED, cqe.res);
			break;
		case 2:
			EXPECT_EQ(POLLIN, cqe.res);
			break;
		default:
			EXPECT_EQ(0, cqe.res);
		}
	}
	ring_exit(&other);
}

TEST_F(ring, a_poll_of_a_ring_is_updated)
{
	struct io_uring_sqe *sqe;
	struct ring other;

	ASSERT_EQ(0, ring_init(&other, variant->backend, 4, variant->flags));
	prep_poll(&self->ring, other.fd, POLLPRI, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	prep_nop(&other, 2);
	ASSERT_EQ(1, ring_submit(&other));
	ASSERT_QUIET(&self->ring);
	sqe = prep(&self->ring, IORING_OP_POLL_REMOVE, -1, (void *)1L, 0, 3);
	sqe->len = IORING_POLL_UPDATE_EVENTS;
	sqe->poll32_events = POLLIN;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	EXPECT_EQ(2, ring_drain(&self->ring));
	ring_exit(&other);
}

/*
 * io_uring keeps a ring that is polled; on ruring a poll keeps no ring open, and
 * ends when the ring is closed.
 */
TEST_F(ring, closing_a_ring_that_is_polled)
{
	struct ring other;

	ASSERT_EQ(0, ring_init(&other, variant->backend, 4, variant->flags));
	prep_poll(&self->ring, other.fd, POLLIN, 1);
	prep_poll_multi(&self->ring, other.fd, POLLPRI, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	ring_exit(&other);
	if (variant->backend == IO_URING) {
		ASSERT_QUIET(&self->ring);
		return;
	}
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	ASSERT_CQE(&self->ring, 2, POLLHUP, 0);
	ASSERT_CQE(&self->ring, 1, POLLHUP, 0);
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, rings_that_poll_each_other_are_closed)
{
	int before = next_fd(), i;
	struct ring rings[3];

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, ring_init(&rings[i], variant->backend, 4, variant->flags));
	for (i = 0; i < 3; i++) {
		prep_poll(&rings[i], rings[(i + 1) % 3].fd, POLLIN, 1);
		prep_poll_multi(&rings[i], rings[i].fd, POLLPRI, 2);
		ASSERT_EQ(2, ring_submit(&rings[i]));
	}
	for (i = 0; i < 3; i++)
		ring_exit(&rings[i]);
	EXPECT_EQ(before, next_fd());
}

/*
 * Posting a completion would cause the next one, for ever. Such a request ends,
 * though not always with the first completion.
 */
TEST_F(ring, a_ring_that_waits_for_itself_does_not_go_round_in_circles)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);
	struct io_uring_cqe cqe;
	unsigned int more = 0;

	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->ring.fd, &ev));
	prep_poll_multi(&self->ring, ep, POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	prep_nop(&self->ring, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	do {
		ASSERT_EQ(0, ring_wait(&self->ring, more + 1));
		cqe = self->ring.cqes[1 + more];
		EXPECT_EQ(1, cqe.user_data);
		EXPECT_EQ(POLLIN, cqe.res);
		ASSERT_GT(4, ++more);
	} while (cqe.flags & IORING_CQE_F_MORE);
	EXPECT_EQ(more, ring_drain(&self->ring));
	ASSERT_QUIET(&self->ring);
	close(ep);
}

TEST_HARNESS_MAIN
