// SPDX-License-Identifier: GPL-2.0
/*
 * Links: what is submitted as a chain runs one after the other.
 */
#define RING_MODES
#include "fixture.h"

#define LINK	IOSQE_IO_LINK
#define HARDLINK	IOSQE_IO_HARDLINK
#define SKIP_CQE	IOSQE_CQE_SKIP_SUCCESS

/* A NOP that succeeds, or one that fails with -EIO. */
static void prep_good(struct ring *ring, __u64 user_data, unsigned int flags)
{
	prep_nop(ring, user_data)->flags = flags;
}

static void prep_failing(struct ring *ring, __u64 user_data, unsigned int flags)
{
	struct io_uring_sqe *sqe = prep_nop(ring, user_data);

	sqe->flags = flags;
	sqe->nop_flags = IORING_NOP_INJECT_RESULT;
	sqe->len = -EIO;
}

TEST_F(ring, chain_in_order)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		prep_good(&self->ring, i, i < 3 ? LINK : 0);
	ASSERT_EQ(4, ring_submit(&self->ring));
	for (i = 0; i < 4; i++)
		ASSERT_CQE(&self->ring, i, 0, 0);
}

TEST_F(ring, next_waits_for_the_one_before)
{
	int a[2], b[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, a));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, b));
	prep_recv(&self->ring, a[0], &c, 1, 1)->flags = LINK;
	prep_send(&self->ring, b[0], "y", 1, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	EXPECT_EQ(0, drain_socket(b[1]));
	ASSERT_EQ(1, write(a[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, 1, 0);
	ASSERT_CQE(&self->ring, 2, 1, 0);
	EXPECT_EQ(1, drain_socket(b[1]));
}

TEST_F(ring, others_do_not_wait_for_a_chain)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(&self->ring, sv[0], POLLIN, 1)->flags = LINK;
	prep_good(&self->ring, 2, 0);
	prep_good(&self->ring, 3, 0);
	ASSERT_EQ(3, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 3, 0, 0);
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
	ASSERT_CQE(&self->ring, 2, 0, 0);
}

/* Chains run beside each other: take @nr completions in whatever order. */
static int take_results(struct ring *ring, int *results, unsigned int nr)
{
	struct io_uring_cqe cqe;

	while (nr--) {
		int ret = ring_take(ring, &cqe);

		if (ret)
			return ret;
		results[cqe.user_data] = cqe.res;
	}
	return 0;
}

TEST_F(ring, two_chains)
{
	int results[5] = {};

	prep_failing(&self->ring, 1, LINK);
	prep_good(&self->ring, 2, 0);
	prep_good(&self->ring, 3, LINK);
	prep_good(&self->ring, 4, 0);
	ASSERT_EQ(4, ring_submit(&self->ring));
	ASSERT_EQ(0, take_results(&self->ring, results, 4));
	EXPECT_EQ(-EIO, results[1]);
	EXPECT_EQ(-ECANCELED, results[2]);
	EXPECT_EQ(0, results[3]);
	EXPECT_EQ(0, results[4]);
}

TEST_F(ring, failure_cancels_the_rest)
{
	int results[6] = {};

	prep_good(&self->ring, 1, LINK);
	prep_failing(&self->ring, 2, LINK);
	prep_good(&self->ring, 3, LINK);
	prep_good(&self->ring, 4, 0);
	prep_good(&self->ring, 5, 0);
	ASSERT_EQ(5, ring_submit(&self->ring));
	ASSERT_EQ(0, take_results(&self->ring, results, 5));
	EXPECT_EQ(0, results[1]);
	EXPECT_EQ(-EIO, results[2]);
	EXPECT_EQ(-ECANCELED, results[3]);
	EXPECT_EQ(-ECANCELED, results[4]);
	EXPECT_EQ(0, results[5]);
}

TEST_F(ring, hard_link_does_not_mind_a_failure)
{
	prep_failing(&self->ring, 1, HARDLINK);
	prep_failing(&self->ring, 2, HARDLINK);
	prep_good(&self->ring, 3, 0);
	ASSERT_EQ(3, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, -EIO, 0);
	ASSERT_CQE(&self->ring, 2, -EIO, 0);
	ASSERT_CQE(&self->ring, 3, 0, 0);
}

TEST_F(ring, each_link_is_of_its_own_kind)
{
	prep_failing(&self->ring, 1, HARDLINK);
	prep_failing(&self->ring, 2, LINK);
	prep_good(&self->ring, 3, HARDLINK);
	prep_good(&self->ring, 4, 0);
	ASSERT_EQ(4, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, -EIO, 0);
	ASSERT_CQE(&self->ring, 2, -EIO, 0);
	ASSERT_CQE(&self->ring, 3, -ECANCELED, 0);
	ASSERT_CQE(&self->ring, 4, -ECANCELED, 0);
}

TEST_F(ring, bad_entry_cancels_those_before_it_too)
{
	struct ring *r = &self->ring;

	prep_good(r, 1, LINK);
	prep_nop(r, 2)->opcode = IORING_OP_LAST;
	r->sqes[1].flags = LINK;
	prep_good(r, 3, 0);
	EXPECT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 1, -ECANCELED, 0);
	ASSERT_CQE(r, 2, -EINVAL, 0);
	ASSERT_CQE(r, 3, -ECANCELED, 0);
	ASSERT_QUIET(r);
}

TEST_F(ring, bad_entry_at_the_end_of_a_chain)
{
	struct ring *r = &self->ring;

	prep_good(r, 1, HARDLINK);
	prep_nop(r, 2)->opcode = IORING_OP_LAST;
	prep_good(r, 3, 0);
	EXPECT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, -ECANCELED, 0);
	ASSERT_CQE(r, 2, -EINVAL, 0);
	EXPECT_EQ(0, ring_ready(r));
	EXPECT_EQ(1, ring_enter(r, 1, 0, 0));
	ASSERT_CQE(r, 3, 0, 0);
}

TEST_F(ring, chain_ends_with_the_submission)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(&self->ring, sv[0], POLLIN, 1)->flags = LINK;
	ASSERT_EQ(1, ring_submit(&self->ring));
	prep_good(&self->ring, 2, 0);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
}

TEST_F(ring, descriptor_of_a_later_request_is_looked_up_later)
{
	struct ring *r = &self->ring;
	int a[2], b[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, a));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, b));
	prep_poll(r, a[0], POLLIN, 1)->flags = LINK;
	prep_send(r, b[0], "x", 1, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(b[0], dup2(a[0], b[0]));
	ASSERT_EQ(1, write(a[1], "w", 1));
	ASSERT_CQE(r, 1, POLLIN, 0);
	ASSERT_CQE(r, 2, 1, 0);
	ASSERT_EQ(1, read(a[1], &c, 1));
	EXPECT_EQ('x', c);
}

TEST_F(ring, short_receive_of_all_breaks_the_chain)
{
	char buf[8];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(&self->ring, sv[0], buf, 8, 1)->flags = LINK;
	self->ring.sqes[0].msg_flags = MSG_WAITALL;
	prep_good(&self->ring, 2, 0);
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_EQ(3, write(sv[1], "abc", 3));
	close(sv[1]);
	ASSERT_CQE(&self->ring, 1, 3, 0);
	ASSERT_CQE(&self->ring, 2, -ECANCELED, 0);
}

TEST_F(ring, cancelled_head_cancels_the_rest)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(r, sv[0], POLLIN, 1)->flags = LINK;
	prep_good(r, 2, LINK);
	prep_good(r, 3, 0);
	ASSERT_EQ(3, ring_submit(r));
	prep_cancel(r, 1, 0, 4);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 4));
	ASSERT_CQE(r, 4, 0, 0);
	ASSERT_CQE(r, 1, -ECANCELED, 0);
	ASSERT_CQE(r, 2, -ECANCELED, 0);
	ASSERT_CQE(r, 3, -ECANCELED, 0);
}

TEST_F(ring, request_that_waits_in_a_chain_is_not_found)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(r, sv[0], POLLIN, 1)->flags = LINK;
	prep_poll(r, sv[0], POLLIN, 2);
	ASSERT_EQ(2, ring_submit(r));
	prep_cancel(r, 2, 0, 3);
	ASSERT_RESULT(r, -ENOENT);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(r, 1, POLLIN, 0);
	ASSERT_CQE(r, 2, POLLIN, 0);
}

TEST_F(ring, no_completion_of_a_success)
{
	struct ring *r = &self->ring;
	int sv[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_good(r, 1, SKIP_CQE);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);

	prep_recv(r, sv[0], &c, 1, 2)->flags = SKIP_CQE;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_QUIET(r);
	EXPECT_EQ('x', c);
}

TEST_F(ring, failure_completes_all_the_same)
{
	struct ring *r = &self->ring;
	char c;

	prep_failing(r, 1, SKIP_CQE);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, -EIO, 0);
	prep_recv(r, -1, &c, 1, 2)->flags = SKIP_CQE;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 2, -EBADF, 0);
}

TEST_F(ring, chain_with_one_completion)
{
	struct ring *r = &self->ring;

	prep_good(r, 1, SKIP_CQE | LINK);
	prep_good(r, 2, SKIP_CQE | LINK);
	prep_good(r, 3, 0);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 3, 0, 0);
	ASSERT_QUIET(r);
}

/* The one that failed tells; those it took along do not add to it. */
TEST_F(ring, failed_chain_with_one_completion)
{
	struct ring *r = &self->ring;

	prep_good(r, 1, SKIP_CQE | LINK);
	prep_failing(r, 2, SKIP_CQE | LINK);
	prep_good(r, 3, SKIP_CQE | LINK);
	prep_good(r, 4, SKIP_CQE);
	ASSERT_EQ(4, ring_submit(r));
	ASSERT_CQE(r, 2, -EIO, 0);
	ASSERT_QUIET(r);
}

TEST_F(ring, closed_with_a_chain_that_waits)
{
	struct ring r;
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, ring_init(&r, variant->backend, 8, variant->flags));
	prep_poll(&r, sv[0], POLLIN, 1)->flags = LINK;
	for (i = 0; i < 6; i++)
		prep_poll(&r, sv[0], POLLIN, 2)->flags = i < 5 ? LINK : 0;
	ASSERT_EQ(7, ring_submit(&r));
	ring_exit(&r);
}

/*
 * Who waits for the completions of a whole chain is woken up to run the first
 * request, which has to be done for the second to begin.
 */
TEST_F(ring, wait_for_a_chain)
{
	char buf[4];
	int sv[2];
	pid_t pid;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(&self->ring, sv[0], buf, sizeof(buf), 1)->flags = LINK;
	prep_good(&self->ring, 2, 0);
	ASSERT_EQ(2, ring_submit(&self->ring));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(write(sv[1], "abcd", 4) != 4);
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	ASSERT_CQE(&self->ring, 1, 4, 0);
	ASSERT_CQE(&self->ring, 2, 0, 0);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
}

TEST_HARNESS_MAIN
