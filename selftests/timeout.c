// SPDX-License-Identifier: GPL-2.0
/*
 * TIMEOUT and TIMEOUT_REMOVE, and how timeouts of either kind end.
 */
#include <linux/ruring.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define RING_MODES
#include "timeout.h"

TEST_F(ring, opcodes_are_announced)
{
	EXPECT_TRUE(ring_op_supported(&self->ring, IORING_OP_TIMEOUT));
	EXPECT_TRUE(ring_op_supported(&self->ring, IORING_OP_TIMEOUT_REMOVE));
	EXPECT_TRUE(ring_op_supported(&self->ring, IORING_OP_LINK_TIMEOUT));
}

TEST_F(ring, wrong_timeouts)
{
	struct __kernel_timespec negative = { .tv_sec = -1 };
	struct __kernel_timespec wrong = { .tv_nsec = -1 };
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;

	prep_timeout(r, &never, 0, 0, 1)->len = 0;
	ASSERT_RESULT(r, -EINVAL);
	prep_timeout(r, &never, 0, 0, 1)->len = 2;
	ASSERT_RESULT(r, -EINVAL);
	prep_timeout(r, &never, 0, 0, 1)->buf_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_timeout(r, &never, 0, 0, 1)->splice_fd_in = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_timeout(r, &never, 0, 0, 1)->ioprio = 1;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep_timeout(r, &never, 0, 0, 1);
	sqe->addr3 = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_timeout(r, &never, 0, IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_timeout(r, &never, 0, IORING_TIMEOUT_MULTISHOT | IORING_TIMEOUT_ABS, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_timeout(r, &never, 0, IORING_TIMEOUT_UPDATE, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_timeout(r, &never, 0, IORING_LINK_TIMEOUT_UPDATE, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_timeout(r, &never, 0, 1 << 8, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_timeout(r, &negative, 0, 0, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_timeout(r, &wrong, 0, 0, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_timeout(r, (void *)16, 0, 0, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_timeout(r, (void *)-1L, 0, IORING_TIMEOUT_IMMEDIATE_ARG, 1);
	ASSERT_RESULT(r, -EINVAL);
	ASSERT_QUIET(r);
}

TEST_F(ring, wrong_removals)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;

	prep_remove(r, 7, 1);
	ASSERT_RESULT(r, -ENOENT);
	prep_update(r, 7, &never, 0, 1);
	ASSERT_RESULT(r, -ENOENT);
	prep_update(r, 7, &never, IORING_LINK_TIMEOUT_UPDATE, 1);
	ASSERT_RESULT(r, -ENOENT);
	prep_remove(r, 7, 1)->len = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_remove(r, 7, 1)->buf_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_remove(r, 7, 1)->splice_fd_in = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_remove(r, 7, 1)->flags |= IOSQE_FIXED_FILE;
	ASSERT_RESULT(r, -EINVAL);
	prep_remove(r, 7, 1)->timeout_flags = IORING_TIMEOUT_ABS;
	ASSERT_RESULT(r, -EINVAL);
	prep_update(r, 7, &never, IORING_TIMEOUT_BOOTTIME, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_update(r, 7, &never, IORING_TIMEOUT_MULTISHOT, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_update(r, 7, (void *)16, 0, 1);
	ASSERT_RESULT(r, -EFAULT);
	sqe = prep_update(r, 7, (void *)-1L, IORING_TIMEOUT_IMMEDIATE_ARG, 1);
	ASSERT_RESULT(r, -EINVAL);
	/* Half an update is a removal. */
	sqe = prep_update(r, 7, &never, 0, 1);
	sqe->timeout_flags = IORING_LINK_TIMEOUT_UPDATE;
	ASSERT_RESULT(r, -ENOENT);
	prep_timeout(r, &never, 0, 0, 8);
	ASSERT_EQ(1, ring_submit(r));
	sqe = prep_update(r, 8, &never, 0, 1);
	sqe->timeout_flags = IORING_LINK_TIMEOUT_UPDATE;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 2));
	EXPECT_EQ(2, ring_drain(r));
}

TEST_F(ring, time_passes)
{
	static const struct {
		clockid_t clock;
		unsigned int flag;
	} clocks[] = {
		{ CLOCK_MONOTONIC, 0 },
		{ CLOCK_BOOTTIME, IORING_TIMEOUT_BOOTTIME },
		{ CLOCK_REALTIME, IORING_TIMEOUT_REALTIME },
	};
	struct ring *r = &self->ring;
	struct __kernel_timespec at;
	unsigned int i;
	long long start;

	for (i = 0; i < 3; i++) {
		start = now_ns(CLOCK_MONOTONIC);
		prep_timeout(r, &soon, 0, clocks[i].flag, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_CQE(r, 1, -ETIME, 0);
		EXPECT_LE(soon.tv_nsec, now_ns(CLOCK_MONOTONIC) - start);
		start = now_ns(CLOCK_MONOTONIC);
		at = after_ns(clocks[i].clock, 2000000);
		prep_timeout(r, &at, 0, clocks[i].flag | IORING_TIMEOUT_ABS, 2);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_CQE(r, 2, -ETIME, 0);
		EXPECT_LE(2000000, now_ns(CLOCK_MONOTONIC) - start);
	}
	/* What has passed already, or takes no time. */
	prep_timeout(r, &zero, 0, 0, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 3, -ETIME, 0);
	prep_timeout(r, &soon, 0, IORING_TIMEOUT_ABS, 4);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 4, -ETIME, 0);
	start = now_ns(CLOCK_MONOTONIC);
	prep_timeout(r, (void *)3000000L, 0, IORING_TIMEOUT_IMMEDIATE_ARG, 5);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 5, -ETIME, 0);
	EXPECT_LE(3000000, now_ns(CLOCK_MONOTONIC) - start);
	ASSERT_QUIET(r);
}

TEST_F(ring, removal)
{
	struct ring *r = &self->ring;
	int res[16] = {};

	prep_timeout(r, &never, 0, 0, 1);
	prep_timeout(r, &never, 5, 0, 2);
	prep_timeout(r, &never, 0, IORING_TIMEOUT_MULTISHOT, 3);
	ASSERT_EQ(3, ring_submit(r));
	prep_remove(r, 2, 4);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-ECANCELED, res[2]);
	EXPECT_EQ(0, res[4]);
	prep_remove(r, 3, 5);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-ECANCELED, res[3]);
	EXPECT_EQ(0, res[5]);
	prep_remove(r, 2, 4);
	ASSERT_RESULT(r, -ENOENT);
	ASSERT_QUIET(r);
	/* Another kind of request is not meant. */
	prep_remove(r, 1, 6);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-ECANCELED, res[1]);
}

TEST_F(ring, removal_is_of_timeouts_only)
{
	struct ring *r = &self->ring;
	int sv[2], res[16] = {};

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(r, sv[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit(r));
	prep_remove(r, 1, 2);
	ASSERT_RESULT(r, -ENOENT);
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, of_two_alike_each_is_removed_once)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	unsigned int cancelled = 0, done = 0;
	int i;

	prep_timeout(r, &never, 0, 0, 1);
	prep_timeout(r, &never, 0, 0, 1);
	ASSERT_EQ(2, ring_submit(r));
	prep_remove(r, 1, 2);
	prep_remove(r, 1, 2);
	prep_remove(r, 1, 3);
	ASSERT_EQ(3, ring_submit(r));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		if (cqe.user_data == 1)
			cancelled += cqe.res == -ECANCELED;
		else if (cqe.user_data == 2)
			done += cqe.res == 0;
		else
			EXPECT_EQ(-ENOENT, cqe.res);
	}
	EXPECT_EQ(2, cancelled);
	EXPECT_EQ(2, done);
}

TEST_F(ring, cancelling)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int res[16] = {};

	prep_timeout(r, &never, 0, 0, 1);
	prep_timeout(r, &never, 0, 0, 2);
	prep_timeout(r, &never, 9, 0, 3);
	ASSERT_EQ(3, ring_submit(r));
	prep_cancel(r, 1, 0, 4);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-ECANCELED, res[1]);
	EXPECT_EQ(0, res[4]);
	sqe = prep_cancel(r, 0, IORING_ASYNC_CANCEL_OP, 5);
	sqe->len = IORING_OP_TIMEOUT;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(0, res[5]);
	prep_cancel(r, 0, IORING_ASYNC_CANCEL_ANY, 6);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(1, res[6]);
	EXPECT_EQ(-ECANCELED, res[2]);
	EXPECT_EQ(-ECANCELED, res[3]);
	ASSERT_QUIET(r);
}

TEST_F(ring, update)
{
	struct __kernel_timespec at;
	struct ring *r = &self->ring;
	int res[16] = {};

	prep_timeout(r, &never, 0, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	prep_update(r, 1, &soon, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-ETIME, res[1]);
	EXPECT_EQ(0, res[2]);
	/* In the clock of the timeout. */
	prep_timeout(r, &never, 0, IORING_TIMEOUT_REALTIME, 1);
	ASSERT_EQ(1, ring_submit(r));
	at = after_ns(CLOCK_REALTIME, 1000000);
	prep_update(r, 1, &at, IORING_TIMEOUT_ABS, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-ETIME, res[1]);
	prep_timeout(r, &never, 0, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	prep_update(r, 1, (void *)1000L, IORING_TIMEOUT_IMMEDIATE_ARG, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-ETIME, res[1]);
	/* Nothing but the time counts then. */
	prep_timeout(r, &never, 1, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	prep_update(r, 1, &never, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 1));
	/* The completion of the update has come first. */
	if (ring_ready(r) == 1) {
		ASSERT_CQE(r, 2, 0, 0);
		ASSERT_QUIET(r);
		prep_remove(r, 1, 3);
		ASSERT_EQ(1, ring_submit(r));
	}
	ASSERT_EQ(0, take_all(r, 2, res));
}

TEST_F(ring, multishot)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int i, last = 0;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 one that repeats may be told a point in time");
	prep_timeout(r, &soon, 3, IORING_TIMEOUT_MULTISHOT, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, -ETIME, IORING_CQE_F_MORE);
	ASSERT_CQE(r, 1, -ETIME, IORING_CQE_F_MORE);
	ASSERT_CQE(r, 1, -ETIME, 0);
	ASSERT_QUIET(r);
	prep_timeout(r, &soon, 0, IORING_TIMEOUT_MULTISHOT, 1);
	ASSERT_EQ(1, ring_submit(r));
	for (i = 0; i < 5; i++)
		ASSERT_CQE(r, 1, -ETIME, IORING_CQE_F_MORE);
	prep_update(r, 1, &never, IORING_TIMEOUT_ABS, 2);
	ASSERT_EQ(1, ring_submit(r));
	do {
		ASSERT_EQ(0, ring_take(r, &cqe));
	} while (cqe.user_data != 2);
	EXPECT_TRUE(cqe.res == -EINVAL || cqe.res == -ENOENT || cqe.res == -EALREADY);
	/* io_uring does not find one that has just expired, or is about to. */
	do {
		prep_cancel(r, 1, 0, 3);
		ASSERT_EQ(1, ring_submit(r));
		do {
			ASSERT_EQ(0, ring_take(r, &cqe));
			if (cqe.user_data == 1)
				last = cqe.res;
		} while (cqe.user_data != 3);
	} while (cqe.res == -ENOENT || cqe.res == -EALREADY);
	EXPECT_EQ(0, cqe.res);
	while (last != -ECANCELED) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(1, cqe.user_data);
		last = cqe.res;
	}
	EXPECT_EQ(0, cqe.flags & IORING_CQE_F_MORE);
	ASSERT_QUIET(r);
}

TEST_F(ring, links)
{
	struct ring *r = &self->ring;
	int res[16];

	/* A time that has passed is a failure, */
	prep_timeout(r, &soon, 0, 0, 1)->flags |= IOSQE_IO_LINK;
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-ETIME, res[1]);
	EXPECT_EQ(-ECANCELED, res[2]);
	/* unless it is none. */
	prep_timeout(r, &soon, 0, IORING_TIMEOUT_ETIME_SUCCESS, 1)->flags |= IOSQE_IO_LINK;
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-ETIME, res[1]);
	EXPECT_EQ(0, res[2]);
	/* A count that is reached is a success. */
	prep_timeout(r, &never, 1, 0, 1)->flags |= IOSQE_IO_LINK;
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	prep_nop(r, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 3, res));
	EXPECT_EQ(0, res[1]);
	EXPECT_EQ(0, res[2]);
	/* One that waits for its turn. */
	prep_nop(r, 1)->flags |= IOSQE_IO_LINK;
	prep_timeout(r, &soon, 0, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	ASSERT_CQE(r, 2, -ETIME, 0);
}

TEST_F(ring, silent_success)
{
	struct ring *r = &self->ring;

	prep_timeout(r, &soon, 0, IORING_TIMEOUT_ETIME_SUCCESS, 1)->flags |=
		IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_LINK;
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 2, 0, 0);
	prep_timeout(r, &soon, 0, IORING_TIMEOUT_ETIME_SUCCESS, 1)->flags |=
		IOSQE_CQE_SKIP_SUCCESS;
	prep_timeout(r, &soon, 0, 0, 2)->flags |= IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 2, -ETIME, 0);
	ASSERT_QUIET(r);
}

TEST_F(ring, from_a_worker)
{
	struct ring *r = &self->ring;

	prep_timeout(r, &soon, 0, 0, 1)->flags |= IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, -ETIME, 0);
}

TEST_F(ring, closing_a_ring_with_timeouts)
{
	struct ring r;
	char buf[8];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, ring_init(&r, variant->backend, 8, variant->flags));
	prep_timeout(&r, &never, 0, 0, 1);
	prep_timeout(&r, &never, 3, 0, 2);
	prep_timeout(&r, &soon, 0, IORING_TIMEOUT_MULTISHOT, 3);
	prep_recv(&r, sv[0], buf, sizeof(buf), 4);
	prep_limit(&r, &soon, 0, 5)->flags |= IOSQE_IO_LINK;
	prep_timeout(&r, &soon, 0, 0, 6);
	ASSERT_EQ(6, ring_submit(&r));
	ring_exit(&r);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, exiting_with_timeouts)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct ring r;

		if (ring_init(&r, variant->backend, 8, variant->flags))
			_exit(1);
		prep_timeout(&r, &never, 0, 0, 1);
		prep_timeout(&r, (void *)10000L, 0,
			     IORING_TIMEOUT_MULTISHOT | IORING_TIMEOUT_IMMEDIATE_ARG, 2);
		_exit(ring_submit(&r) == 2 ? 0 : 2);
	}
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Timeouts need nothing of their task: they expire for who has the ring then. */
TEST_F(ring, timeouts_of_a_child_that_exits)
{
	struct __kernel_timespec later = { .tv_nsec = 300000000 };
	unsigned int expired[5] = {}, i;
	struct io_uring_cqe cqe;
	int status, sv[2];
	pid_t pid;

	if (variant->flags & IORING_SETUP_DEFER_TASKRUN)
		SKIP(return, "nobody else may run them");
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_timeout(&self->ring, &later, 0, 0, 1);
	prep_timeout(&self->ring, &later, 0, IORING_TIMEOUT_ETIME_SUCCESS,
		     2)->flags |= IOSQE_IO_LINK;
	/* what is linked behind needs the task */
	prep_poll(&self->ring, sv[0], POLLIN, 3);
	prep_timeout(&self->ring, &later, 2, IORING_TIMEOUT_MULTISHOT, 4);
	/* and this one ends with the ring */
	prep_timeout(&self->ring, &never, 0, 0, 5);
	pid = fork();
	if (!pid)
		_exit(ring_submit(&self->ring) == 5 ? 0 : 1);
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		if (cqe.user_data == 3) {
			/* io_uring says -EFAULT */
			EXPECT_GT(0, cqe.res);
			continue;
		}
		EXPECT_EQ(-ETIME, cqe.res);
		ASSERT_GT(5, cqe.user_data);
		expired[cqe.user_data]++;
	}
	EXPECT_EQ(1, expired[1]);
	EXPECT_EQ(1, expired[2]);
	EXPECT_EQ(2, expired[4]);
}

/* Whatever happens first, each request has one completion. */
TEST_F(ring, expiry_against_removal)
{
	struct ring *r = &self->ring;
	unsigned int round, expired = 0, removed = 0;
	int res[16];

	for (round = 0; round < 300; round++) {
		prep_timeout(r, (void *)(long)(round * 500), 0, IORING_TIMEOUT_IMMEDIATE_ARG, 1);
		ASSERT_EQ(1, ring_submit(r));
		prep_remove(r, 1, 2);
		ASSERT_EQ(1, ring_submit(r));
		res[1] = res[2] = 1;
		ASSERT_EQ(0, take_all(r, 2, res));
		EXPECT_TRUE(res[1] == -ETIME || res[1] == -ECANCELED);
		EXPECT_TRUE(res[2] == 0 || res[2] == -ENOENT || res[2] == -EALREADY);
		EXPECT_EQ(res[1] == -ECANCELED, res[2] == 0);
		expired += res[1] == -ETIME;
		removed += res[1] == -ECANCELED;
	}
	EXPECT_EQ(300, expired + removed);
	EXPECT_EQ(0, ring_ready(r));
}

TEST_F(ring, limit_against_completion)
{
	struct ring *r = &self->ring;
	unsigned int round;
	char buf[8];
	int sv[2], res[16];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (round = 0; round < 300; round++) {
		prep_recv(r, sv[0], buf, 1, 1);
		prep_limit(r, (void *)(long)(round * 500), IORING_TIMEOUT_IMMEDIATE_ARG, 2);
		ASSERT_EQ(2, ring_submit(r));
		ASSERT_EQ(1, write(sv[1], "x", 1));
		res[1] = res[2] = 0;
		ASSERT_EQ(0, take_all(r, 2, res));
		if (res[1] == 1) {
			EXPECT_TRUE(res[2] == -ECANCELED || res[2] == -ENOENT ||
				    res[2] == -EALREADY || res[2] == -ETIME);
		} else {
			EXPECT_EQ(-ECANCELED, res[1]);
			EXPECT_EQ(-ETIME, res[2]);
			/* The byte is not lost. */
			ASSERT_EQ(1, read(sv[0], buf, 1));
		}
	}
	EXPECT_EQ(0, ring_ready(r));
	close(sv[0]);
	close(sv[1]);
}

/*
 * However many completions are waited for: a timeout ends the wait. One that
 * goes on expires after the wait has begun, however long it takes to begin.
 */
TEST_F(ring, timeout_ends_a_wait)
{
	struct ring *r = &self->ring;
	unsigned int nr = r->params.cq_entries;
	struct io_uring_cqe cqe;

	prep_timeout(r, &soon, 0, IORING_TIMEOUT_MULTISHOT, 7);
	ASSERT_EQ(1, ring_enter(r, ring_publish(r), nr, IORING_ENTER_GETEVENTS));
	EXPECT_GT(nr, ring_ready(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(7, cqe.user_data);
	EXPECT_EQ(-ETIME, cqe.res);
}

TEST_HARNESS_MAIN
