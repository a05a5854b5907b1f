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

/*
 * Rings that wait for rings could keep each other alive. ruring refuses such
 * requests, where io_uring finds them when the task ends.
 */
TEST_F(ring, one_ring_polls_another)
{
	struct ring other;

	ASSERT_EQ(0, ring_init(&other, variant->backend, 4, 0));
	if (variant->backend == RURING) {
		prep_poll(&self->ring, other.fd, POLLIN, 1);
		ASSERT_RESULT(&self->ring, -EINVAL);
		ring_exit(&other);
		return;
	}
	prep_poll(&self->ring, other.fd, POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	prep_nop(&other, 2);
	ASSERT_EQ(1, ring_submit(&other));
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
	ASSERT_CQE(&other, 2, 0, 0);
	ring_exit(&other);
}

TEST_F(ring, a_ring_polls_itself)
{
	if (variant->backend == RURING) {
		prep_poll(&self->ring, self->ring.fd, POLLIN, 1);
		ASSERT_RESULT(&self->ring, -EINVAL);
		return;
	}
	prep_poll(&self->ring, self->ring.fd, POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(0, ring_ready(&self->ring));
	prep_nop(&self->ring, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
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
