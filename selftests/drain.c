// SPDX-License-Identifier: GPL-2.0
/*
 * IOSQE_IO_DRAIN: requests that wait for those before them, and are waited for.
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define RING_MODES
#include "fixture.h"

static struct io_uring_sqe *drains(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_IO_DRAIN;
	return sqe;
}

static void links(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_IO_LINK;
}

/* Prepare a request that waits for a byte from @peer, which this makes. */
static struct io_uring_sqe *prep_waiting(struct ring *r, int *peer, __u64 user_data)
{
	static char byte;
	int sv[2] = { -1, -1 };

	/* without a pair it fails, and does not wait */
	unix_pair(SOCK_STREAM, sv);
	*peer = sv[1];
	return prep_recv(r, sv[0], &byte, 1, user_data);
}

/* Take @nr completions; their user_data, a digit each, in the order they came. */
static unsigned long take_order(struct ring *r, unsigned int nr)
{
	struct io_uring_cqe cqe;
	unsigned long order = 0;

	while (nr--) {
		if (ring_take(r, &cqe))
			return 0;
		order = order * 10 + cqe.user_data;
	}
	return order;
}

/* Take @nr completions; a bit for each user_data. */
static unsigned long take_set(struct ring *r, unsigned int nr)
{
	struct io_uring_cqe cqe;
	unsigned long set = 0;

	while (nr--) {
		if (ring_take(r, &cqe))
			return 0;
		set |= 1UL << cqe.user_data;
	}
	return set;
}

TEST_F(ring, nothing_to_wait_for)
{
	struct ring *r = &self->ring;
	int i, round;

	for (round = 0; round < 3; round++) {
		for (i = 1; i <= 8; i++) {
			struct io_uring_sqe *sqe = prep_nop(r, i);

			if (i == 5)
				drains(sqe);
		}
		ASSERT_EQ(8, ring_submit(r));
		/* Those that wait for the same have no order. */
		EXPECT_EQ(0x1e, take_set(r, 4));
		ASSERT_CQE(r, 5, 0, 0);
		EXPECT_EQ(0x1c0, take_set(r, 3));
	}
	ASSERT_QUIET(r);
}

TEST_F(ring, waits_for_what_was_before)
{
	struct ring *r = &self->ring;
	int a, b;

	prep_waiting(r, &a, 1);
	prep_waiting(r, &b, 2);
	ASSERT_EQ(2, ring_submit(r));
	drains(prep_nop(r, 3));
	prep_nop(r, 4);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_WAITING(r);
	prep_nop(r, 5);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_WAITING(r);
	ASSERT_EQ(1, write(b, "x", 1));
	ASSERT_CQE(r, 2, 1, 0);
	ASSERT_WAITING(r);
	ASSERT_EQ(1, write(a, "x", 1));
	ASSERT_CQE(r, 1, 1, 0);
	ASSERT_CQE(r, 3, 0, 0);
	EXPECT_EQ(0x30, take_set(r, 2));
	ASSERT_QUIET(r);
}

TEST_F(ring, is_waited_for)
{
	struct ring *r = &self->ring;
	int peer;

	drains(prep_waiting(r, &peer, 1));
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_WAITING(r);
	prep_nop(r, 3);
	drains(prep_nop(r, 4));
	prep_nop(r, 5);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_WAITING(r);
	ASSERT_EQ(1, write(peer, "x", 1));
	ASSERT_CQE(r, 1, 1, 0);
	EXPECT_EQ(0xc, take_set(r, 2));
	EXPECT_EQ(45, take_order(r, 2));
	ASSERT_QUIET(r);
}

TEST_F(ring, one_after_the_other)
{
	struct ring *r = &self->ring;
	char buf[8];
	int sv[2], i;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 1; i <= 4; i++)
		drains(prep_recv(r, sv[0], buf, 1, i));
	ASSERT_EQ(4, ring_submit(r));
	for (i = 1; i <= 4; i++) {
		ASSERT_WAITING(r);
		ASSERT_EQ(1, write(sv[1], "x", 1));
		ASSERT_CQE(r, i, 1, 0);
	}
	ASSERT_QUIET(r);
}

/* All of a link waits, and so does what comes behind it. */
TEST_F(ring, within_a_link)
{
	struct ring *r = &self->ring;
	int a, b;

	prep_waiting(r, &a, 1);
	links(prep_nop(r, 2));
	drains(prep_waiting(r, &b, 3));
	prep_nop(r, 4);
	prep_nop(r, 5);
	ASSERT_EQ(5, ring_submit(r));
	ASSERT_WAITING(r);
	ASSERT_EQ(1, write(a, "x", 1));
	ASSERT_CQE(r, 1, 1, 0);
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_WAITING(r);
	ASSERT_EQ(1, write(b, "x", 1));
	EXPECT_EQ(345, take_order(r, 3));
	ASSERT_QUIET(r);
}

TEST_F(ring, a_link_waits)
{
	struct ring *r = &self->ring;
	int peer;

	prep_waiting(r, &peer, 1);
	links(drains(prep_nop(r, 2)));
	links(prep_nop(r, 3));
	prep_nop(r, 4);
	ASSERT_EQ(4, ring_submit(r));
	ASSERT_WAITING(r);
	ASSERT_EQ(1, write(peer, "x", 1));
	EXPECT_EQ(1234, take_order(r, 4));
	ASSERT_QUIET(r);
}

TEST_F(ring, waits_for_a_timeout)
{
	struct __kernel_timespec soon = { .tv_nsec = 2000000 };
	struct ring *r = &self->ring;

	prep(r, IORING_OP_TIMEOUT, -1, &soon, 1, 1);
	drains(prep_nop(r, 2));
	ASSERT_EQ(2, ring_submit(r));
	EXPECT_EQ(12, take_order(r, 2));
}

/* A link that is started late has its time limit from then on. */
TEST_F(ring, a_limited_request_waits)
{
	struct __kernel_timespec soon = { .tv_nsec = 2000000 };
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int peer, i;

	prep(r, IORING_OP_TIMEOUT, -1, &soon, 1, 1);
	links(drains(prep_waiting(r, &peer, 2)));
	prep(r, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 1, -ETIME, 0);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		/* io_uring says that of a time that was over before the request waited */
		if (variant->backend == IO_URING && cqe.user_data == 3 && cqe.res == -ENOENT)
			continue;
		EXPECT_EQ(cqe.user_data == 2 ? -ECANCELED : -ETIME, cqe.res);
	}
	ASSERT_QUIET(r);
}

TEST_F(ring, a_failure_is_over_too)
{
	struct ring *r = &self->ring;
	char buf[8];

	drains(prep_recv(r, -1, buf, 1, 1));
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, -EBADF, 0);
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_QUIET(r);
}

/* Completions that wait for room are those of requests that are over. */
TEST_F(ring, with_a_full_queue)
{
	struct ring r;
	int i;

	ASSERT_EQ(0, ring_init_cq(&r, variant->backend, 4, 4, variant->flags));
	for (i = 1; i <= 4; i++)
		prep_nop(&r, i);
	ASSERT_EQ(4, ring_submit(&r));
	prep_nop(&r, 5);
	drains(prep_nop(&r, 6));
	prep_nop(&r, 7);
	ASSERT_EQ(3, ring_submit(&r));
	EXPECT_EQ(1234567, take_order(&r, 7));
	ring_exit(&r);
}

TEST_F(ring, closing_the_ring)
{
	struct ring r;
	char buf[8];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, variant->flags));
	prep_recv(&r, sv[0], buf, 1, 1);
	links(drains(prep_nop(&r, 2)));
	prep_nop(&r, 3);
	prep_recv(&r, sv[0], buf, 1, 4);
	ASSERT_EQ(4, ring_submit(&r));
	ring_exit(&r);
	/* Nothing of it takes the byte. */
	ASSERT_EQ(1, write(sv[1], "x", 1));
	EXPECT_EQ(1, recv(sv[0], buf, 1, MSG_DONTWAIT));
}

TEST_F(ring, exiting)
{
	int status, sv[2];
	char buf[8];
	pid_t pid;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	pid = fork();
	if (!pid) {
		struct ring r;

		if (ring_init(&r, variant->backend, 8, variant->flags))
			_exit(1);
		prep_recv(&r, sv[0], buf, 1, 1);
		drains(prep_nop(&r, 2));
		prep_nop(&r, 3);
		_exit(ring_submit(&r) == 3 ? 0 : 2);
	}
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/*
 * One that drains and is refused has what comes behind it queue up until a request
 * finds nothing under way: not only until the queue is empty.
 */
TEST_F(ring, behind_one_that_is_refused)
{
	struct ring *r = &self->ring;
	char buf[8];
	int sv[2][2], i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv[i]));
	prep_recv(r, sv[0][0], buf, 1, 1);
	ASSERT_EQ(1, ring_submit(r));
	/* refused: there is no timeout without a request before it */
	drains(prep(r, IORING_OP_LINK_TIMEOUT, -1, NULL, 1, 2));
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(2, take_order(r, 1));
	prep_recv(r, sv[1][0], buf, 1, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_WAITING(r);
	ASSERT_EQ(1, write(sv[0][1], "x", 1));
	ASSERT_EQ(1, take_order(r, 1));
	/* that one is under way */
	prep_nop(r, 4);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_WAITING(r);
	ASSERT_EQ(1, write(sv[1][1], "x", 1));
	ASSERT_EQ(34, take_order(r, 2));
	/* over */
	prep_recv(r, sv[0][0], buf, 1, 5);
	prep_nop(r, 6);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(6, take_order(r, 1));
	ASSERT_EQ(1, write(sv[0][1], "x", 1));
	ASSERT_EQ(5, take_order(r, 1));
}

/*
 * One that is refused for its size is so before its flags are looked at: it does not
 * drain, and nothing waits behind it.
 */
TEST_F(ring, behind_one_of_a_wrong_size)
{
	struct ring *r = &self->ring;
	int peer;

	prep_waiting(r, &peer, 1);
	ASSERT_EQ(1, ring_submit(r));
	drains(prep(r, IORING_OP_NOP128, -1, NULL, 0, 2));
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(2, take_order(r, 1));
	prep_nop(r, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(3, take_order(r, 1));
	ASSERT_EQ(1, write(peer, "x", 1));
	ASSERT_EQ(1, take_order(r, 1));
}

/*
 * What drains for the link before it, which drained within, need not be something that
 * can be done.
 */
TEST_F(ring, behind_a_link_that_drains)
{
	struct ring *r = &self->ring;
	int peer;

	links(prep_nop(r, 1));
	drains(prep_nop(r, 2));
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(12, take_order(r, 2));
	prep(r, IORING_OP_LINK_TIMEOUT, -1, NULL, 1, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(3, take_order(r, 1));
	prep_waiting(r, &peer, 4);
	prep_nop(r, 5);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(5, take_order(r, 1));
	ASSERT_EQ(1, write(peer, "x", 1));
	ASSERT_EQ(4, take_order(r, 1));
}

/* Draining is over with a timeout whose time is over when it begins: what is submitted then is no worker's. */
TEST_F(ring, is_over_with_what_is_over_at_once)
{
	static struct __kernel_timespec none;
	struct ring *r = &self->ring;
	int efd = eventfd(0, EFD_NONBLOCK), peer;
	struct io_uring_cqe cqe;
	__u64 count;

	ASSERT_LE(0, efd);
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_EVENTFD_ASYNC, &efd, 1));
	prep_waiting(r, &peer, 1);
	drains(prep(r, IORING_OP_TIMEOUT, -1, &none, 1, 2));
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(1, write(peer, "x", 1));
	ASSERT_EQ(0, ring_take(r, &cqe));
	ASSERT_EQ(1, cqe.user_data);
	ASSERT_EQ(0, ring_take(r, &cqe));
	ASSERT_EQ(-ETIME, cqe.res);
	/* that of what has drained may be one */
	while (read(efd, &count, sizeof(count)) > 0)
		;
	prep_nop(r, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(-1, read(efd, &count, sizeof(count)));
	close(efd);
	close(peer);
}

/*
 * A worker of io_uring tries what is submitted while others drain. What is linked behind one that drains, but was submitted
 * before that was known, is its task's: to that one it is the group that is missing, to a worker its buffers.
 */
TEST_F(ring, who_tries_the_next)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	unsigned int late;
	char byte;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (late = 2; late-- > 0;) {
		ASSERT_EQ(1, write(sv[1], "x", 1));
		sqe = prep_recv(r, sv[0], &byte, 1, 1);
		links(late ? sqe : drains(sqe));
		sqe = prep_recv(r, sv[0], NULL, 0, 2);
		sqe->flags = IOSQE_BUFFER_SELECT | IOSQE_IO_LINK;
		sqe->ioprio = IORING_RECVSEND_BUNDLE;
		sqe->buf_group = 77;
		sqe = prep_nop(r, 3);
		if (late)
			drains(sqe);
		ASSERT_EQ(3, ring_submit(r));
		ASSERT_CQE(r, 1, 1, 0);
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_EQ(2, cqe.user_data);
		/* there who lets go of the first one last goes on, which may be the worker */
		if (!late || variant->backend == RURING || cqe.res != -ENOBUFS)
			EXPECT_EQ(late ? -ENOENT : -ENOBUFS, cqe.res);
		ASSERT_CQE(r, 3, -ECANCELED, 0);
	}
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
