// SPDX-License-Identifier: GPL-2.0
/*
 * A TIMEOUT that ends after so many completions: which count, from when on.
 */
#define RING_MODES
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

TEST_HARNESS_MAIN
