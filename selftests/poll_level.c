// SPDX-License-Identifier: GPL-2.0
/*
 * RURING_POLL_ADD_LEVEL: polls that report an event again as long as it is there. It is ruring's own.
 */
#include <errno.h>
#include <linux/ruring.h>
#include <pthread.h>

#define RING_MODES
#include "fixture.h"
#include "system.h"

#define MORE	IORING_CQE_F_MORE
#define LEVEL	(IORING_POLL_ADD_MULTI | RURING_POLL_ADD_LEVEL)

FIXTURE(level) {
	struct ring ring;
	int sv[2];
};

VARIANTS_OF_RURING(level);

FIXTURE_SETUP(level)
{
	ASSERT_EQ(0, ring_init_cq(&self->ring, RURING, 64, 512, variant->flags));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, self->sv));
}

FIXTURE_TEARDOWN(level)
{
	ring_exit(&self->ring);
}

static struct io_uring_sqe *prep_level(struct ring *ring, int fd, unsigned int events, __u64 data)
{
	struct io_uring_sqe *sqe = prep_poll(ring, fd, events, data);

	sqe->len = LEVEL;
	return sqe;
}

static struct io_uring_sqe *prep_update(struct ring *ring, __u64 target, unsigned int flags,
					__u64 user_data)
{
	struct io_uring_sqe *sqe = prep(ring, IORING_OP_POLL_REMOVE, -1, NULL, flags, user_data);

	sqe->addr = target;
	return sqe;
}

/* Mainline rejects the bit; so does ruring of what reports once, or not at all. */
TEST_F(ring, the_bit_is_ruring_s_own)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(r, sv[0], POLLOUT, 1)->len = RURING_POLL_ADD_LEVEL;
	ASSERT_RESULT(r, -EINVAL);
	prep_level(r, sv[0], POLLOUT, 1)->flags = IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_RESULT(r, -EINVAL);
	prep_update(r, 1, LEVEL | IORING_POLL_UPDATE_EVENTS, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_update(r, 1, RURING_POLL_ADD_LEVEL | RURING_POLL_UPDATE_MODE, 1);
	ASSERT_RESULT(r, -EINVAL);
	if (variant->backend == IO_URING) {
		prep_level(r, sv[0], POLLOUT, 1);
		ASSERT_RESULT(r, -EINVAL);
	}
}

/* Each report that is consumed is followed by another, until there is nothing to report. */
TEST_F(level, as_long_as_it_holds)
{
	struct ring *r = &self->ring;
	int round, i;

	prep_level(r, self->sv[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_QUIET(r);
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(2, write(self->sv[1], "xy", 2));
		for (i = 0; i < 5; i++)
			ASSERT_CQE(r, 1, POLLIN, MORE);
		/* part of it is left */
		ASSERT_EQ(1, read(self->sv[0], &(char){ 0 }, 1));
		ASSERT_CQE(r, 1, POLLIN, MORE);
		EXPECT_EQ(1, drain_socket(self->sv[0]));
		ASSERT_QUIET(r);
	}
}

/* There from the beginning, and an end that nothing takes away. */
TEST_F(level, hang_up)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int i;

	close(self->sv[1]);
	prep_level(r, self->sv[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit(r));
	for (i = 0; i < 5; i++)
		ASSERT_CQE(r, 1, POLLIN | POLLHUP | POLLRDHUP, MORE);
	prep_update(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	do {
		ASSERT_EQ(0, ring_take(r, &cqe));
	} while (cqe.flags & MORE);
	EXPECT_EQ(cqe.user_data == 2 ? 0 : -ECANCELED, cqe.res);
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(cqe.user_data == 2 ? 0 : -ECANCELED, cqe.res);
	ASSERT_QUIET(r);
}

/* What has not been consumed is not followed by anything, however often the ring is entered. */
TEST_F(level, one_in_the_ring)
{
	struct __kernel_timespec soon = { .tv_nsec = 1000000 };
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int i;

	prep_level(r, self->sv[0], POLLOUT, 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	for (i = 0; i < 10; i++)
		ring_run(r);
	EXPECT_EQ(1, (int)ring_ready(r));
	/* nor while somebody waits for more: that takes other completions */
	prep(r, IORING_OP_TIMEOUT, -1, &soon, 1, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 2));
	EXPECT_EQ(2, (int)ring_ready(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(1, (int)cqe.user_data);
	for (i = 0; i < 10; i++)
		ring_run(r);
	EXPECT_EQ(2, (int)ring_ready(r));
	ASSERT_CQE(r, 3, -ETIME, 0);
	ASSERT_CQE(r, 1, POLLOUT, MORE);
}

/* Of many each has its turn, in the order of their last reports. */
TEST_F(level, in_turn)
{
	enum { CROWD = 50 };
	struct ring *r = &self->ring;
	int sv[CROWD][2], i;

	for (i = 0; i < CROWD; i++) {
		ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv[i]));
		prep_level(r, sv[i][0], POLLOUT, i);
		ASSERT_EQ(1, ring_submit(r));
	}
	for (i = 0; i < 5 * CROWD; i++)
		ASSERT_CQE(r, i % CROWD, POLLOUT, MORE);
	/* and the others when one is none any more */
	prep_cancel(r, 7, 0, 1000);
	ASSERT_EQ(1, ring_submit(r));
	for (i = 0; i < 2; i++) {
		struct io_uring_cqe cqe;

		do {
			ASSERT_EQ(0, ring_take(r, &cqe));
		} while (cqe.flags & MORE);
		EXPECT_EQ(cqe.user_data == 7 ? -ECANCELED : 0, cqe.res);
	}
	for (i = 0; i < 3 * CROWD; i++) {
		struct io_uring_cqe cqe;

		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_NE(7, cqe.user_data);
		ASSERT_EQ(POLLOUT, cqe.res);
		ASSERT_EQ(MORE, cqe.flags);
	}
	for (i = 0; i < CROWD; i++) {
		close(sv[i][0]);
		close(sv[i][1]);
	}
}

/* A ring without room is no reason to end: it reports when there is some. */
TEST_F(level, without_room)
{
	struct ring small;
	int i;

	ASSERT_EQ(0, ring_init_cq(&small, RURING, 2, 2, variant->flags));
	prep_nop(&small, 8);
	prep_nop(&small, 9);
	ASSERT_EQ(2, ring_submit_and_run(&small));
	prep_level(&small, self->sv[0], POLLOUT, 1);
	ASSERT_EQ(1, ring_submit_and_run(&small));
	for (i = 0; i < 3; i++)
		ring_run(&small);
	EXPECT_EQ(0, (int)(ring_flags(&small) & IORING_SQ_CQ_OVERFLOW));
	ASSERT_CQE(&small, 8, 0, 0);
	ASSERT_CQE(&small, 9, 0, 0);
	ASSERT_CQE(&small, 1, POLLOUT, MORE);
	ASSERT_CQE(&small, 1, POLLOUT, MORE);
	/* one that waits to be looked at when the ring goes */
	ring_exit(&small);
}

/* What ends it, while its report is in the ring, and after it is consumed. */
TEST_F(level, ends)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int how, i;

	for (how = 0; how < 6; how++) {
		bool timeout = how >= 4, consumed = how & 1;
		/* the first report has come before that */
		struct __kernel_timespec soon = { .tv_sec = 2 };
		int reports = 0;

		prep_level(r, self->sv[0], POLLOUT, 1)->flags = timeout ? IOSQE_IO_LINK : 0;
		if (timeout)
			prep(r, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 2);
		ring_submit_and_run(r);
		if (consumed) {
			ASSERT_EQ(0, ring_take(r, &cqe));
			EXPECT_EQ(POLLOUT, cqe.res);
			EXPECT_EQ(MORE, cqe.flags);
		}
		if (how / 2 == 0)
			prep_update(r, 1, 0, 2);
		else if (how / 2 == 1)
			prep_cancel(r, self->sv[0], IORING_ASYNC_CANCEL_FD, 2)->fd = self->sv[0];
		if (!timeout) {
			ASSERT_EQ(1, ring_submit(r));
		} else if (!consumed) {
			/* its time comes also when nobody consumes anything */
			ASSERT_EQ(0, ring_wait(r, 3));
		}
		for (i = 0; i < 2;) {
			ASSERT_EQ(0, ring_take(r, &cqe));
			if (cqe.flags & MORE) {
				reports++;
				continue;
			}
			EXPECT_EQ(cqe.user_data == 1 ? -ECANCELED : timeout ? -ETIME : 0, cqe.res);
			i++;
		}
		EXPECT_TRUE(consumed || reports == 1);
		ASSERT_QUIET(r);
	}
}

/* RURING_POLL_UPDATE_MODE makes one of any other poll, and the other way round. */
TEST_F(level, updated)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int i;

	ASSERT_EQ(1, write(self->sv[1], "x", 1));
	prep_poll_multi(r, self->sv[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, POLLIN, MORE);
	ASSERT_QUIET(r);
	prep_update(r, 1, RURING_POLL_UPDATE_MODE | LEVEL, 2);
	ASSERT_RESULT(r, 0);
	for (i = 0; i < 4; i++)
		ASSERT_CQE(r, 1, POLLIN, MORE);
	/* an update is found whether the last report is consumed or not, and looks at once */
	sqe = prep_update(r, 1, IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA, 2);
	sqe->off = 77;
	sqe->poll32_events = POLLIN | POLLOUT;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(2, (int)cqe.user_data);
	EXPECT_EQ(0, cqe.res);
	ASSERT_EQ(0, ring_wait(r, 1));
	prep_update(r, 77, RURING_POLL_UPDATE_MODE | IORING_POLL_ADD_MULTI, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 77, POLLIN | POLLOUT, MORE);
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_CQE(r, 77, POLLIN | POLLOUT, MORE);
	ASSERT_QUIET(r);
	prep_update(r, 77, RURING_POLL_UPDATE_MODE | LEVEL, 2);
	ASSERT_RESULT(r, 0);
	ASSERT_CQE(r, 77, POLLIN | POLLOUT, MORE);
	ASSERT_EQ(0, ring_wait(r, 1));
	prep_update(r, 77, RURING_POLL_UPDATE_MODE, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 77, POLLIN | POLLOUT, MORE);
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_CQE(r, 77, POLLIN | POLLOUT, 0);
	ASSERT_QUIET(r);
}

static void *writes(void *arg)
{
	int *fd = arg;

	wait_until(main_sleeps, NULL);
	return write(*fd, "x", 1) == 1 ? NULL : arg;
}

/* Who waits sleeps while there is nothing, and is woken up when there is again. */
TEST_F(level, sleeper)
{
	struct ring *r = &self->ring;
	pthread_t thread;
	void *failed;
	int i;

	prep_level(r, self->sv[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, writes, &self->sv[1]));
		ASSERT_CQE(r, 1, POLLIN, MORE);
		ASSERT_CQE(r, 1, POLLIN, MORE);
		pthread_join(thread, &failed);
		EXPECT_EQ(NULL, failed);
		EXPECT_EQ(1, drain_socket(self->sv[0]));
		ASSERT_QUIET(r);
	}
}

static bool consumed_enough;

static void *consumes(void *arg)
{
	struct ring *r = arg;

	while (!__atomic_load_n(&consumed_enough, __ATOMIC_RELAXED))
		__atomic_store_n(r->cq_head, __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE),
				 __ATOMIC_RELEASE);
	return NULL;
}

/* Whoever consumes reports all the time keeps nobody at work in the kernel who has entered. */
TEST_F(level, consumed_at_once)
{
	struct ring *r = &self->ring;
	pthread_t thread;
	unsigned int i;

	prep_level(r, self->sv[0], POLLOUT, 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_EQ(0, pthread_create(&thread, NULL, consumes, r));
	for (i = 0; i < 500; i++)
		ASSERT_EQ(0, ring_enter(r, 0, 0, IORING_ENTER_GETEVENTS));
	__atomic_store_n(&consumed_enough, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	/* nor does a head that is a lie */
	for (i = 0; i < 500; i++) {
		__atomic_store_n(r->cq_head, *r->cq_tail + i * 0x1234567, __ATOMIC_RELEASE);
		ASSERT_EQ(0, ring_enter(r, 0, 0, IORING_ENTER_GETEVENTS));
	}
	__atomic_store_n(r->cq_head, *r->cq_tail, __ATOMIC_RELEASE);
	ASSERT_CQE(r, 1, POLLOUT, MORE);
}

/* A completion of a ring ends it as it ends any poll of a ring, and so does that ring's end. */
TEST_F(level, of_another_ring)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	struct ring other;

	ASSERT_EQ(0, ring_init(&other, RURING, 4, 0));
	prep_level(r, other.fd, POLLIN, 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_QUIET(r);
	prep_nop(&other, 1);
	ASSERT_EQ(1, ring_submit(&other));
	ASSERT_CQE(r, 1, POLLIN, 0);
	/* what is there already is no such event */
	prep_level(r, other.fd, POLLIN, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, POLLIN, MORE);
	ASSERT_CQE(r, 1, POLLIN, MORE);
	ASSERT_TRUE(ring_peek(&other, &cqe));
	ASSERT_QUIET(r);
	ring_exit(&other);
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(1, (int)cqe.user_data);
	EXPECT_TRUE(cqe.res & POLLHUP);
	EXPECT_EQ(0, (int)cqe.flags);
}

TEST_HARNESS_MAIN
