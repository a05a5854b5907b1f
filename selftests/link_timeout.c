// SPDX-License-Identifier: GPL-2.0
/*
 * LINK_TIMEOUT: a limit for the time that the request before it may take.
 */
#include <linux/ruring.h>
#include <unistd.h>

#define RING_MODES
#include "timeout.h"

TEST_F(ring, wrong_limits)
{
	struct ring *r = &self->ring;
	char buf[8];
	int sv[2], res[16];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep(r, IORING_OP_LINK_TIMEOUT, -1, &never, 1, 1);
	ASSERT_RESULT(r, -EINVAL);
	/* At the head of a link. */
	prep(r, IORING_OP_LINK_TIMEOUT, -1, &never, 1, 1)->flags |= IOSQE_IO_LINK;
	prep_nop(r, 2);
	ring_submit(r);
	if (ring_publish(r))
		ring_submit(r);
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-EINVAL, res[1]);
	EXPECT_EQ(-ECANCELED, res[2]);
	/* Two for one. */
	prep_recv(r, sv[0], buf, sizeof(buf), 1);
	prep_limit(r, &never, 0, 2);
	prep_limit(r, &never, 0, 3);
	ring_submit(r);
	ASSERT_EQ(0, take_all(r, 3, res));
	EXPECT_EQ(-ECANCELED, res[1]);
	EXPECT_EQ(-ECANCELED, res[2]);
	EXPECT_EQ(-EINVAL, res[3]);
	/* With a count. */
	prep_recv(r, sv[0], buf, sizeof(buf), 1);
	prep_limit(r, &never, 0, 2)->off = 1;
	ring_submit(r);
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-ECANCELED, res[1]);
	EXPECT_EQ(-EINVAL, res[2]);
	ASSERT_QUIET(r);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, a_request_takes_too_long)
{
	struct ring *r = &self->ring;
	char buf[8];
	int sv[2], res[16], i;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < 3; i++) {
		struct io_uring_sqe *sqe = prep_recv(r, sv[0], buf, sizeof(buf), 1);

		if (i == 1)
			sqe->flags |= IOSQE_IO_HARDLINK;
		if (i == 2)
			sqe->flags |= IOSQE_ASYNC;
		prep_limit(r, &soon, 0, 2)->flags |= IOSQE_IO_LINK;
		prep_nop(r, 3);
		ASSERT_EQ(3, ring_submit(r));
		ASSERT_EQ(0, take_all(r, 3, res));
		/* A worker of io_uring's is interrupted. */
		EXPECT_TRUE(res[1] == -ECANCELED || (i == 2 && res[1] == -EINTR));
		if (i != 2 || variant->backend == RURING)
			EXPECT_EQ(-ETIME, res[2]);
		EXPECT_EQ(i == 1 ? 0 : -ECANCELED, res[3]);
	}
	ASSERT_QUIET(r);
	/* Nothing of it is left. */
	prep_recv(r, sv[0], buf, sizeof(buf), 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(2, write(sv[1], "ab", 2));
	ASSERT_CQE(r, 1, 2, 0);
	close(sv[0]);
	close(sv[1]);
}

/*
 * The time of what has IOSQE_ASYNC, or is of a link that has no end, begins when it was tried: what need not wait is in time,
 * however short that is.
 */
TEST_F(ring, no_time_is_enough_for_what_need_not_wait)
{
	static struct __kernel_timespec none;
	struct ring *r = &self->ring;
	int res[16], i;

	for (i = 0; i < 100; i++) {
		prep_nop(r, 1)->flags = i % 2 ? 0 : IOSQE_ASYNC;
		prep_limit(r, &none, 0, 2)->flags |= IOSQE_IO_LINK;
		prep_nop(r, 3)->flags = i % 2 ? IOSQE_IO_LINK : 0;
		ASSERT_EQ(3, ring_submit(r));
		ASSERT_EQ(0, take_all(r, 3, res));
		ASSERT_EQ(0, res[1]);
		/* in io_uring it may come for what is over */
		ASSERT_GT(0, res[2]);
		if (variant->backend == RURING) {
			ASSERT_EQ(-ECANCELED, res[2]);
		}
		ASSERT_EQ(0, res[3]);
	}
}

TEST_F(ring, a_request_is_in_time)
{
	struct ring *r = &self->ring;
	char buf[8];
	int sv[2], res[16];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	/* At once, */
	prep_nop(r, 1);
	prep_limit(r, &never, 0, 2)->flags |= IOSQE_IO_LINK;
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 3, res));
	EXPECT_EQ(0, res[1]);
	EXPECT_EQ(-ECANCELED, res[2]);
	EXPECT_EQ(0, res[3]);
	/* after a while, */
	prep_recv(r, sv[0], buf, sizeof(buf), 1);
	prep_limit(r, &never, 0, 2)->flags |= IOSQE_IO_LINK;
	prep_send(r, sv[0], "xyz", 3, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(2, write(sv[1], "ab", 2));
	ASSERT_EQ(0, take_all(r, 3, res));
	EXPECT_EQ(2, res[1]);
	EXPECT_EQ(-ECANCELED, res[2]);
	EXPECT_EQ(3, res[3]);
	/* with a failure, */
	prep_recv(r, -1, buf, sizeof(buf), 1);
	prep_limit(r, &never, 0, 2)->flags |= IOSQE_IO_LINK;
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 3, res));
	EXPECT_EQ(-EBADF, res[1]);
	EXPECT_EQ(-ECANCELED, res[2]);
	EXPECT_EQ(-ECANCELED, res[3]);
	/* or cancelled. */
	prep_recv(r, sv[0], buf, sizeof(buf), 1);
	prep_limit(r, &never, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	prep_cancel(r, 2, 0, 3);
	ASSERT_RESULT(r, -ENOENT);
	prep_remove(r, 2, 3);
	ASSERT_RESULT(r, -ENOENT);
	prep_cancel(r, 1, 0, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 3, res));
	EXPECT_EQ(-ECANCELED, res[1]);
	EXPECT_EQ(-ECANCELED, res[2]);
	EXPECT_EQ(0, res[3]);
	ASSERT_QUIET(r);
	close(sv[0]);
	close(sv[1]);
}

/* The limit ends with the send, although its notification comes later. */
TEST_F(ring, a_limited_zero_copy_send)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int sv[2], combined, i;
	char buf[8];

	ASSERT_EQ(0, tcp_pair(sv));
	for (combined = 0; combined <= (variant->backend == RURING); combined++) {
		struct io_uring_sqe *sqe = prep(r, IORING_OP_SEND_ZC, sv[0], "abc", 3, 1);

		if (combined)
			sqe->ioprio = RURING_SEND_ZC_COMBINE_CQE;
		prep_limit(r, &never, 0, 2);
		ASSERT_EQ(2, ring_submit(r));
		ASSERT_EQ(3, read(sv[1], buf, sizeof(buf)));
		for (i = 0; i < (combined ? 2 : 3); i++) {
			ASSERT_EQ(0, ring_take(r, &cqe));
			if (!combined && cqe.flags & IORING_CQE_F_NOTIF)
				continue;
			EXPECT_EQ(cqe.user_data == 2 ? -ECANCELED : 3, cqe.res);
		}
		ASSERT_QUIET(r);
	}
	close(sv[0]);
	close(sv[1]);
}

/* The time begins once the request does, in a link. */
TEST_F(ring, limits_within_a_link)
{
	struct ring *r = &self->ring;
	char buf[8];
	int sv[2], res[16];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_timeout(r, &soon, 0, IORING_TIMEOUT_ETIME_SUCCESS, 1)->flags |= IOSQE_IO_LINK;
	prep_recv(r, sv[0], buf, sizeof(buf), 2);
	prep_limit(r, &never, 0, 3)->flags |= IOSQE_IO_LINK;
	prep_recv(r, sv[0], buf, sizeof(buf), 4);
	prep_limit(r, &soon, 0, 5);
	ASSERT_EQ(5, ring_submit(r));
	ASSERT_CQE(r, 1, -ETIME, 0);
	ASSERT_EQ(2, write(sv[1], "ab", 2));
	ASSERT_EQ(0, take_all(r, 4, res));
	EXPECT_EQ(2, res[2]);
	EXPECT_EQ(-ECANCELED, res[3]);
	EXPECT_EQ(-ECANCELED, res[4]);
	EXPECT_EQ(-ETIME, res[5]);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, a_timeout_has_a_limit)
{
	struct ring *r = &self->ring;
	int res[16];

	prep_timeout(r, &never, 0, 0, 1);
	prep_limit(r, &soon, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-ECANCELED, res[1]);
	EXPECT_EQ(-ETIME, res[2]);
	prep_timeout(r, &soon, 0, 0, 1);
	prep_limit(r, &never, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-ETIME, res[1]);
	EXPECT_EQ(-ECANCELED, res[2]);
}

TEST_F(ring, a_limit_is_updated)
{
	struct ring *r = &self->ring;
	struct __kernel_timespec at;
	char buf[8];
	int sv[2], res[16];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(r, sv[0], buf, sizeof(buf), 1);
	prep_limit(r, &never, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	prep_update(r, 2, &soon, 0, 3);
	ASSERT_RESULT(r, -ENOENT);
	prep_update(r, 1, &soon, IORING_LINK_TIMEOUT_UPDATE, 3);
	ASSERT_RESULT(r, -ENOENT);
	prep_update(r, 2, &soon, IORING_LINK_TIMEOUT_UPDATE, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 3, res));
	EXPECT_EQ(-ECANCELED, res[1]);
	EXPECT_EQ(-ETIME, res[2]);
	EXPECT_EQ(0, res[3]);
	/* The other way round, and absolute. */
	prep_recv(r, sv[0], buf, sizeof(buf), 1);
	prep_limit(r, &never, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	at = after_ns(CLOCK_MONOTONIC, 1000000000000LL);
	prep_update(r, 2, &at, IORING_LINK_TIMEOUT_UPDATE | IORING_TIMEOUT_ABS, 3);
	ASSERT_RESULT(r, 0);
	ASSERT_QUIET(r);
	ASSERT_EQ(2, write(sv[1], "ab", 2));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(2, res[1]);
	EXPECT_EQ(-ECANCELED, res[2]);
	close(sv[0]);
	close(sv[1]);
}

/* An update of the request leaves its limit alone. */
TEST_F(ring, a_limited_poll_is_updated)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int sv[2], res[16];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(r, sv[0], POLLPRI, 1);
	prep_limit(r, &never, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	sqe = prep(r, IORING_OP_POLL_REMOVE, -1, (void *)1L, IORING_POLL_UPDATE_EVENTS, 3);
	sqe->poll32_events = POLLIN;
	ASSERT_RESULT(r, 0);
	prep_update(r, 2, &soon, IORING_LINK_TIMEOUT_UPDATE, 4);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 3, res));
	EXPECT_EQ(-ECANCELED, res[1]);
	EXPECT_EQ(-ETIME, res[2]);
	EXPECT_EQ(0, res[4]);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, silent_limits)
{
	struct ring *r = &self->ring;
	char buf[8];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_nop(r, 1);
	prep_limit(r, &never, 0, 2)->flags |= IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	prep_recv(r, sv[0], buf, sizeof(buf), 1);
	prep_limit(r, &soon, 0, 2)->flags |= IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, -ECANCELED, 0);
	ASSERT_QUIET(r);
	/* of what cannot be done at all, */
	prep_recv(r, sv[0], buf, sizeof(buf), 1)->ioprio = 1u << 14;
	prep_limit(r, &soon, 0, 2)->flags |= IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, -EINVAL, 0);
	ASSERT_QUIET(r);
	/* but not behind what was to be done before */
	prep_recv(r, sv[0], buf, sizeof(buf), 1)->ioprio = 1u << 14;
	r->sqes[(r->prepared - 1) & (r->params.sq_entries - 1)].flags |= IOSQE_IO_LINK;
	prep_nop(r, 2);
	prep_limit(r, &soon, 0, 3)->flags |= IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 1, -EINVAL, 0);
	ASSERT_CQE(r, 2, -ECANCELED, 0);
	ASSERT_CQE(r, 3, -ECANCELED, 0);
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
