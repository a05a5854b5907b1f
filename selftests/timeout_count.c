// SPDX-License-Identifier: GPL-2.0
/*
 * A TIMEOUT that ends after so many completions: which count, from when on.
 */
#define RING_MODES
#include <poll.h>

#include "timeout.h"

TEST_F(ring, completions_end_it)
{
	struct ring *r = &self->ring;
	int res[16] = {};
	int i;

	prep_timeout(r, &never, 2, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	prep_nop(r, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 2));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_CQE(r, 1, 0, 0);
	/* Those of one submission count, also before it. */
	for (i = 2; i < 5; i++)
		prep_nop(r, i);
	prep_timeout(r, &never, 3, 0, 1);
	ASSERT_EQ(4, ring_submit(r));
	res[1] = 1;
	ASSERT_EQ(0, take_all(r, 4, res));
	EXPECT_EQ(0, res[1]);
	/* The nearest goes first, and timeouts do not count. */
	prep_timeout(r, &never, 3, 0, 1);
	prep_timeout(r, &never, 1, 0, 2);
	prep_timeout(r, &soon, 0, 0, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 3, -ETIME, 0);
	prep_nop(r, 4);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 4, 0, 0);
	ASSERT_CQE(r, 2, 0, 0);
	prep_nop(r, 4);
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_CQE(r, 4, 0, 0);
	EXPECT_EQ(0, ring_ready(r));
	prep_nop(r, 4);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 4, 0, 0);
	ASSERT_CQE(r, 1, 0, 0);
	/* The time goes on as well. */
	prep_timeout(r, &soon, 3, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, -ETIME, 0);
}

/* As in io_uring the numbers of completions are one behind as long as nobody is told of a timeout that has expired. */
TEST_F(ring, begins_beside_one_that_has_expired)
{
	struct ring *r = &self->ring;
	struct pollfd pfd = { .fd = r->fd, .events = POLLIN };
	int res[16] = { 1, 1, 1, 1 };

	if (!(variant->flags & IORING_SETUP_DEFER_TASKRUN))
		SKIP(return, "its task is told at once");
	prep_timeout(r, &soon, 0, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(1, poll(&pfd, 1, DEADLINE_MS));
	prep_timeout(r, &never, 2, 0, 2);
	prep_nop(r, 3);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 3, res));
	EXPECT_EQ(-ETIME, res[1]);
	EXPECT_EQ(0, res[2]);
	EXPECT_EQ(0, res[3]);
}

/* Whether a timeout with @user_data ends when there are @nr completions more, and not before. */
static bool ends_after(struct ring *r, unsigned int nr, __u64 user_data)
{
	struct io_uring_cqe cqe;

	while (nr--) {
		if (ring_run(r) < 0 || ring_ready(r))
			return false;
		prep_nop(r, 100);
		if (ring_submit(r) != 1 || ring_take(r, &cqe) || cqe.user_data != 100)
			return false;
	}
	return !ring_take(r, &cqe) && cqe.user_data == user_data && !cqe.res;
}

/* What it is linked to has completed before it begins to count. */
TEST_F(ring, counts_from_its_turn_on)
{
	struct ring *r = &self->ring;

	prep_nop(r, 1)->flags = IOSQE_IO_LINK;
	prep_timeout(r, &never, 2, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	EXPECT_TRUE(ends_after(r, 2, 2));
	/* behind a timeout, which does not count */
	prep_timeout(r, &soon, 0, 0, 1)->flags = IOSQE_IO_HARDLINK;
	prep_timeout(r, &never, 2, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, -ETIME, 0);
	EXPECT_TRUE(ends_after(r, 2, 2));
	/* nor does one that tells nothing */
	prep_timeout(r, &soon, 0, IORING_TIMEOUT_ETIME_SUCCESS, 1)->flags = IOSQE_IO_HARDLINK | IOSQE_CQE_SKIP_SUCCESS;
	prep_nop(r, 2)->flags = IOSQE_IO_LINK;
	prep_timeout(r, &never, 2, 0, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 2, 0, 0);
	EXPECT_TRUE(ends_after(r, 2, 3));
	/* and behind one that has ended by its own count */
	prep_timeout(r, &never, 1, 0, 1)->flags = IOSQE_IO_LINK;
	prep_timeout(r, &never, 2, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	prep_nop(r, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 3, 0, 0);
	ASSERT_CQE(r, 1, 0, 0);
	EXPECT_TRUE(ends_after(r, 2, 2));
}

/* What begins together with it and is over at once counts, also if that is in front of it. */
TEST_F(ring, counts_what_begins_with_it)
{
	struct ring *r = &self->ring;
	int res[16] = {};

	prep_nop(r, 1)->flags = IOSQE_IO_LINK;
	prep_nop(r, 2);
	prep_nop(r, 3)->flags = IOSQE_IO_LINK;
	prep_timeout(r, &never, 2, 0, 4);
	ASSERT_EQ(4, ring_submit(r));
	res[2] = 1;
	ASSERT_EQ(0, take_all(r, 3, res));
	EXPECT_EQ(0, res[2]);
	EXPECT_TRUE(ends_after(r, 1, 4));
}

/* Who is to end it with IOSQE_ASYNC comes behind what is submitted with it, and so finds nothing if that is what it counts. */
TEST_F(ring, over_before_an_async_cancel)
{
	struct ring *r = &self->ring;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		int res[16] = {};

		prep_timeout(r, &never, 2, 0, 1);
		prep_nop(r, 2);
		prep_nop(r, 3);
		if (i)
			prep_remove(r, 1, 4)->flags = IOSQE_ASYNC;
		else
			prep_cancel(r, 1, 0, 4)->flags = IOSQE_ASYNC;
		ASSERT_EQ(4, ring_submit(r));
		ASSERT_EQ(0, take_all(r, 4, res));
		/* A worker of io_uring may be that fast. */
		if (variant->backend == IO_URING && !res[4]) {
			EXPECT_EQ(-ECANCELED, res[1]);
			continue;
		}
		EXPECT_EQ(-ENOENT, res[4]) TH_LOG("%u", i);
		EXPECT_EQ(0, res[1]) TH_LOG("%u", i);
	}
	ASSERT_QUIET(r);
}

/* One that tells nothing has ended when it is over, though no completion shows that. */
TEST_F(ring, counts_behind_one_that_tells_nothing)
{
	struct ring *r = &self->ring;

	prep_timeout(r, &never, 1, 0, 1)->flags = IOSQE_CQE_SKIP_SUCCESS;
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_LE(0, ring_run(r));
	prep_timeout(r, &never, 1, 0, 3);
	prep_nop(r, 4);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 4, 0, 0);
	ASSERT_CQE(r, 3, 0, 0);
}

/* The same where the thread of SQPOLL goes on behind an entry that is refused. */
TEST_F(ring, counts_from_behind_what_is_refused)
{
	struct ring r;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 8, IORING_SETUP_SQPOLL));
	prep_timeout(&r, &never, 1, 0, 1);
	ASSERT_LE(0, ring_enter(&r, ring_publish(&r), 0, IORING_ENTER_SQ_WAKEUP));
	prep(&r, IORING_OP_LAST, -1, NULL, 0, 2);
	prep_timeout(&r, &never, 2, 0, 3);
	ASSERT_LE(0, ring_enter(&r, ring_publish(&r), 0, IORING_ENTER_SQ_WAKEUP));
	ASSERT_CQE(&r, 2, -EINVAL, 0);
	ASSERT_CQE(&r, 1, 0, 0);
	prep_nop(&r, 4);
	ASSERT_LE(0, ring_enter(&r, ring_publish(&r), 0, IORING_ENTER_SQ_WAKEUP));
	ASSERT_CQE(&r, 4, 0, 0);
	prep_nop(&r, 5);
	ASSERT_LE(0, ring_enter(&r, ring_publish(&r), 0, IORING_ENTER_SQ_WAKEUP));
	ASSERT_CQE(&r, 5, 0, 0);
	ASSERT_CQE(&r, 3, 0, 0);
	ring_exit(&r);
}

/*
 * The user_data of the NOP behind that one of the timeouts, all of which are called 7, that a request has just ended. One that
 * repeats may expire meanwhile.
 */
static __u64 which_has_ended(struct ring *r)
{
	unsigned int left = 3;
	struct io_uring_cqe cqe;
	__u64 which = 0;

	while (left) {
		if (ring_take(r, &cqe))
			return 0;
		if (cqe.flags & IORING_CQE_F_MORE)
			continue;
		left--;
		if (cqe.user_data == 0xca ? cqe.res : cqe.user_data == 7 && cqe.res != -ECANCELED)
			return 0;
		if (cqe.user_data != 0xca && cqe.user_data != 7)
			which = cqe.user_data;
	}
	return which;
}

/* A cancel of one request ends the timeout only that io_uring has first in its list, as does TIMEOUT_REMOVE. */
TEST_F(ring, which_of_several)
{
	static const unsigned int counts[] = { 0, 50, 40, 0, 40 };
	static const __u64 order[][5] = { { 22, 24, 21, 20, 23 }, { 24, 21, 20, 23, 22 } };
	struct ring *r = &self->ring;
	unsigned int i, round;

	for (round = 0; round < 4; round++) {
		for (i = 0; i < 5; i++) {
			prep_timeout(r, &never, counts[i], 0, 7)->flags |= IOSQE_IO_HARDLINK;
			prep_nop(r, 20 + i);
		}
		ASSERT_EQ(10, ring_submit(r));
		if (round > 1) {
			/* One that is changed is the last one then. */
			prep_update(r, 7, &never, 0, 1);
			ASSERT_RESULT(r, 0);
		}
		for (i = 0; i < 5; i++) {
			if (round & 1)
				prep_remove(r, 7, 0xca);
			else
				prep_cancel(r, 7, 0, 0xca);
			ASSERT_EQ(1, ring_submit(r));
			EXPECT_EQ(order[round / 2][i], which_has_ended(r)) TH_LOG("%u of round %u", i, round);
		}
		ASSERT_QUIET(r);
	}
}

/* It is the last one of its kind again each time that it has expired. */
TEST_F(ring, which_of_one_that_repeats)
{
	struct ring *r = &self->ring;

	prep_timeout(r, &soon, 0, IORING_TIMEOUT_MULTISHOT, 7)->flags |= IOSQE_IO_HARDLINK;
	prep_nop(r, 21);
	prep_timeout(r, &never, 0, 0, 7)->flags |= IOSQE_IO_HARDLINK;
	prep_nop(r, 22);
	ASSERT_EQ(4, ring_submit(r));
	ASSERT_CQE(r, 7, -ETIME, IORING_CQE_F_MORE);
	prep_remove(r, 7, 0xca);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(22, which_has_ended(r));
}

/* A timeout is the last that a cancel of one request finds. */
TEST_F(ring, anything_else_comes_first)
{
	struct ring *r = &self->ring;
	int sv[2], i;
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < 2; i++) {
		struct io_uring_sync_cancel_reg reg = { .addr = 7, .timeout = { .tv_sec = -1, .tv_nsec = -1 } };

		prep_recv(r, sv[0], &c, 1, 7);
		prep_timeout(r, &never, 0, 0, 7);
		ASSERT_EQ(2, ring_submit(r));
		if (i) {
			ASSERT_EQ(0, ring_register(r, IORING_REGISTER_SYNC_CANCEL, &reg, 1));
		} else {
			prep_cancel(r, 7, 0, 0xca);
			ASSERT_EQ(1, ring_submit(r));
			ASSERT_CQE(r, 0xca, 0, 0);
		}
		ASSERT_CQE(r, 7, -ECANCELED, 0);
		/* Nothing is left to receive it. */
		ASSERT_EQ(1, write(sv[1], "x", 1));
		ASSERT_QUIET(r);
		EXPECT_EQ(1, drain_socket(sv[0]));
		prep_remove(r, 7, 0xca);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_CQE(r, 0xca, 0, 0);
		ASSERT_CQE(r, 7, -ECANCELED, 0);
	}
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
