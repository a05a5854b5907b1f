// SPDX-License-Identifier: GPL-2.0
/*
 * What random programs have found to differ in when a request begins that is linked or drains, or is behind one that does, and
 * what it counts.
 */
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alike.h"

/* The end of a request that drains is left to the task: no worker says so. */
TEST_F(ring, draining_is_not_asynchronous)
{
	struct ring *r = &self->ring;
	__u64 count;
	int efd;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 a request that drains is an asynchronous one");
	if (variant->flags & IORING_SETUP_DEFER_TASKRUN)
		SKIP(return, "there the task ends all requests");
	efd = eventfd(0, EFD_NONBLOCK);
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_EVENTFD_ASYNC, &efd, 1));
	prep_nop(r, 1)->flags = IOSQE_IO_DRAIN | IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(0, result_of(r, 1, 1));
	EXPECT_EQ(-1, read(efd, &count, sizeof(count)));
	prep_nop(r, 2)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(0, result_of(r, 1, 2));
	EXPECT_EQ(1, poll(&(struct pollfd) { .fd = efd, .events = POLLIN }, 1, 10000));
	EXPECT_EQ(8, read(efd, &count, sizeof(count)));
	close(efd);
}

/*
 * A worker leaves the end of what drains to the task, which does not signal what is for asynchronous ends only. But the worker
 * does, if the task is to come for it.
 */
TEST_F(ring, end_of_what_drains)
{
	struct ring *r = &self->ring;
	int efd = eventfd(0, EFD_NONBLOCK);
	__u64 count;

	if (IO_URING_OF_7_2)
		SKIP(return, "there the worker ends it");
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_EVENTFD_ASYNC, &efd, 1));
	prep(r, IORING_OP_UNLINKAT, 999, "file", 0, 1)->flags = IOSQE_IO_DRAIN;
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EBADF, result_of(r, 1, 1));
	if (variant->flags & IORING_SETUP_DEFER_TASKRUN) {
		/* which it says once it has left it */
		EXPECT_EQ(1, poll(&(struct pollfd) { .fd = efd, .events = POLLIN }, 1, DEADLINE_MS));
		EXPECT_EQ(8, read(efd, &count, sizeof(count)));
		/* io_uring's worker may leave the request itself to the task, too, and says nothing while that has not been done */
		EXPECT_EQ(0, ring_enter(r, 0, 0, IORING_ENTER_GETEVENTS));
	} else {
		EXPECT_EQ(-1, read(efd, &count, sizeof(count)));
	}
	prep(r, IORING_OP_UNLINKAT, 999, "file", 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EBADF, result_of(r, 1, 2));
	EXPECT_EQ(1, poll(&(struct pollfd) { .fd = efd, .events = POLLIN }, 1, DEADLINE_MS));
	close(efd);
}

/* NOP looks at its file before it waits for its turn. */
TEST_F(ring, nop_looks_at_once)
{
	struct ring *r = &self->ring;
	int fd = dup(STDIN_FILENO);
	struct io_uring_sqe *sqe = prep_nop(r, 1);

	sqe->fd = fd;
	sqe->nop_flags = IORING_NOP_FILE | IORING_NOP_TW;
	prep(r, IORING_OP_CLOSE, fd, NULL, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	EXPECT_EQ(0, result_of(r, 2, 1));
}

/* A timeout that begins when others need not be waited for any more does not count what they were submitted with. */
TEST_F(ring, count_behind_a_drain)
{
	struct __kernel_timespec ts = { .tv_sec = 1000 };
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	unsigned int i;

	/* refused: there is no timeout without a request before it */
	prep(r, IORING_OP_LINK_TIMEOUT, -1, NULL, 1, 1)->flags = IOSQE_IO_DRAIN;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_GT(0, result_of(r, 1, 1));
	prep(r, IORING_OP_TIMEOUT, -1, &ts, 1, 2)->off = 2;
	prep_nop(r, 3);
	prep_nop(r, 4);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_LE(0, ring_run(r));
	EXPECT_EQ(2, ring_ready(r));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_NE(2, cqe.user_data);
	}
	/* two more end it, from when on it has begun: a worker of io_uring begins it */
	for (i = 0; i < 100000 && cqe.user_data != 2; i++) {
		sched_yield();
		prep_nop(r, 5);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_LE(0, ring_run(r));
		if (cqe.user_data != 2 && ring_ready(r))
			ASSERT_EQ(0, ring_take(r, &cqe));
	}
	EXPECT_EQ(2, cqe.user_data);
	EXPECT_EQ(0, cqe.res);
	EXPECT_LE(2, i);
}

/* What is refused counts as under way until its submission is through, also for others than those that drain. */
TEST_F(ring, refused_while_others_drain)
{
	struct io_uring_params params = { .flags = variant->flags | IORING_SETUP_SUBMIT_ALL };
	struct ring *r = &self->ring;
	char buf[8];
	int sv[2];

	ring_exit(r);
	ASSERT_EQ(0, ring_init_params(r, variant->backend, 8, &params));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep(r, IORING_OP_LINK_TIMEOUT, -1, NULL, 1, 1)->flags = IOSQE_IO_DRAIN;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_GT(0, result_of(r, 1, 1));
	/* the receive has to wait for one that is refused, and so what comes later has to wait for the receive */
	prep_nop(r, 2)->ioprio = 1;
	prep_recv(r, sv[0], buf, 1, 3);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(-EINVAL, result_of(r, 1, 2));
	prep_nop(r, 4);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_WAITING(r);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	EXPECT_EQ(0, result_of(r, 2, 4));
}

/*
 * What is linked behind a request that a worker has done is begun by a worker: one that is multishot waits
 * before it looks for a buffer, and a write to what nobody reads raises no signal.
 */
TEST_F(ring, behind_a_worker)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int sv[2];

	/* by the worker or by the task, as each is quick, if that is the only one that may end requests */
	if (variant->flags & IORING_SETUP_DEFER_TASKRUN)
		SKIP(return, "there the task ends all requests");
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep(r, IORING_OP_MADVISE, -1, NULL, 0, 1)->flags = IOSQE_IO_LINK;
	sqe = prep_recv(r, sv[0], NULL, 0, 2);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->ioprio = IORING_RECV_MULTISHOT;
	ASSERT_EQ(2, ring_submit(r));
	EXPECT_EQ(0, result_of(r, 1, 1));
	ASSERT_WAITING(r);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	EXPECT_EQ(-ENOBUFS, result_of(r, 1, 2));
	close(sv[0]);

	/* SIGPIPE ends who has not said that it is not to */
	prep(r, IORING_OP_MADVISE, -1, NULL, 0, 3)->flags = IOSQE_IO_LINK;
	prep(r, IORING_OP_WRITE, sv[1], "x", 1, 4)->off = -1;
	ASSERT_EQ(2, ring_submit(r));
	EXPECT_EQ(-EPIPE, result_of(r, 2, 4));
	close(sv[1]);
}

/* A timeout right behind a LINK_TIMEOUT counts that. */
TEST_F(ring, count_behind_a_limit)
{
	struct __kernel_timespec ts = { .tv_sec = 1000 };
	struct ring *r = &self->ring;
	unsigned int i;

	for (i = 1; i < 3; i++) {
		prep_nop(r, 1)->flags = IOSQE_IO_LINK;
		prep(r, IORING_OP_LINK_TIMEOUT, -1, &ts, 1, 2)->flags = IOSQE_IO_LINK;
		prep(r, IORING_OP_TIMEOUT, -1, &ts, 1, 3)->off = i;
		ASSERT_EQ(3, ring_submit(r));
		EXPECT_EQ(-ECANCELED, result_of(r, 2, 2));
		ASSERT_LE(0, ring_run(r));
		EXPECT_EQ(i == 1, ring_ready(r));
		if (i == 2) {
			prep_nop(r, 4);
			ASSERT_EQ(1, ring_submit(r));
			EXPECT_EQ(0, result_of(r, 1, 4));
		}
		EXPECT_EQ(0, result_of(r, 1, 3));
	}
}

/* With DEFER_TASKRUN nothing that is linked begins in a call that does not look for completions. */
TEST_F(ring, link_begins_when_the_task_looks)
{
	struct ring *r = &self->ring;
	char byte;
	int sv[2];

	if (!(variant->flags & IORING_SETUP_DEFER_TASKRUN))
		SKIP(return, "there each call looks");
	ASSERT_EQ(0, unix_pair(SOCK_DGRAM, sv));
	prep_nop(r, 1)->flags = IOSQE_IO_LINK;
	prep_send(r, sv[1], "x", 1, 2);
	ring_publish(r);
	ASSERT_EQ(2, ring_enter(r, 2, 0, 0));
	EXPECT_EQ(-1, recv(sv[0], &byte, 1, MSG_DONTWAIT));
	EXPECT_EQ(1, result_of(r, 2, 2));
	EXPECT_EQ(1, recv(sv[0], &byte, 1, MSG_DONTWAIT));
	/* and so what was closed before is gone by then */
	prep(r, IORING_OP_CLOSE, sv[0], NULL, 0, 1)->flags = IOSQE_IO_LINK;
	prep_send(r, sv[1], "x", 1, 2);
	ring_publish(r);
	ASSERT_EQ(2, ring_enter(r, 2, 0, 0));
	EXPECT_EQ(-ECONNREFUSED, result_of(r, 2, 2));
	close(sv[1]);
}

/* What is linked behind what is over at once begins behind what that has woken up. */
TEST_F(ring, link_begins_behind_what_is_ready)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(r, sv[0], POLLIN, 1);
	prep_send(r, sv[1], "x", 1, 2)->flags = IOSQE_IO_LINK;
	prep(r, IORING_OP_POLL_REMOVE, -1, (void *)1, 0, 3);
	ASSERT_EQ(3, ring_submit(r));
	EXPECT_EQ(-ENOENT, result_of(r, 3, 3));
	close(sv[0]);
	close(sv[1]);
}

/* What is linked behind requests that come back together begins behind all of them. */
TEST_F(ring, links_begin_together)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < 2; i++) {
		prep_poll(r, sv[0], POLLIN, i)->flags = IOSQE_IO_LINK;
		prep_nop(r, 2 + i);
	}
	ASSERT_EQ(4, ring_submit(r));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(i / 2, cqe.user_data / 2);
	}
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
