// SPDX-License-Identifier: GPL-2.0
/*
 * More completions than the queue holds: none is lost, and they stay in order.
 */
#define RING_MODES
#define RING_MEMORY
#include "fixture.h"

#define CQ	4
#define OVERFLOW	IORING_SQ_CQ_OVERFLOW

/* The ring under test, small enough to overflow. */
static int small_ring(struct ring *r, enum backend on, unsigned int flags)
{
	return ring_init_cq(r, on, CQ, CQ, flags);
}

static int submit_nops(struct ring *r, __u64 first, unsigned int nr)
{
	unsigned int i, sum = 0;

	for (i = 0; i < nr; i++) {
		int ret;

		prep_nop(r, first + i);
		ret = ring_submit(r);
		if (ret != 1)
			return ret;
		sum++;
	}
	return sum;
}

TEST_F(ring, full_queue_is_no_overflow)
{
	struct ring r;

	ASSERT_EQ(0, small_ring(&r, variant->backend, variant->flags));
	ASSERT_EQ(CQ, submit_nops(&r, 0, CQ));
	EXPECT_EQ(CQ, ring_ready(&r));
	EXPECT_EQ(0, ring_flags(&r));
	ring_exit(&r);
}

TEST_F(ring, overflow_is_flagged_and_not_counted_as_loss)
{
	struct ring r;

	ASSERT_EQ(0, small_ring(&r, variant->backend, variant->flags));
	ASSERT_EQ(CQ + 1, submit_nops(&r, 0, CQ + 1));
	EXPECT_EQ(CQ, ring_ready(&r));
	EXPECT_EQ(OVERFLOW, ring_flags(&r));
	EXPECT_EQ(0, *r.cq_overflow);
	ring_exit(&r);
}

TEST_F(ring, everything_comes_in_order)
{
	struct ring r;
	unsigned int i;

	ASSERT_EQ(0, small_ring(&r, variant->backend, variant->flags));
	ASSERT_EQ(50, submit_nops(&r, 0, 50));
	for (i = 0; i < 50; i++)
		ASSERT_CQE(&r, i, 0, 0);
	EXPECT_EQ(0, ring_flags(&r));
	ASSERT_QUIET(&r);
	ring_exit(&r);
}

TEST_F(ring, overflow_of_one_batch)
{
	struct ring r;
	unsigned int i, round;

	ASSERT_EQ(0, ring_init_cq(&r, variant->backend, 2, 2, variant->flags));
	for (round = 0; round < 3; round++) {
		prep_nop(&r, 2 * round);
		prep_nop(&r, 2 * round + 1);
		ASSERT_EQ(2, ring_submit(&r));
	}
	for (i = 0; i < 6; i++)
		ASSERT_CQE(&r, i, 0, 0);
	ring_exit(&r);
}

TEST_F(ring, queue_of_one)
{
	struct ring r;
	unsigned int i;

	ASSERT_EQ(0, ring_init_cq(&r, variant->backend, 1, 1, variant->flags));
	ASSERT_EQ(10, submit_nops(&r, 0, 10));
	for (i = 0; i < 10; i++) {
		ASSERT_CQE(&r, i, 0, 0);
		EXPECT_EQ(0, ring_ready(&r));
	}
	EXPECT_EQ(0, ring_flags(&r));
	ring_exit(&r);
}

TEST_F(ring, getevents_moves_as_many_as_fit)
{
	struct io_uring_cqe cqe;
	struct ring r;

	ASSERT_EQ(0, small_ring(&r, variant->backend, variant->flags));
	ASSERT_EQ(CQ + 3, submit_nops(&r, 0, CQ + 3));

	/* no room yet */
	ASSERT_EQ(0, ring_run(&r));
	EXPECT_EQ(CQ, ring_ready(&r));
	EXPECT_EQ(OVERFLOW, ring_flags(&r));

	ASSERT_TRUE(ring_peek(&r, &cqe));
	ASSERT_TRUE(ring_peek(&r, &cqe));
	EXPECT_EQ(CQ - 2, ring_ready(&r));
	ASSERT_EQ(0, ring_run(&r));
	EXPECT_EQ(CQ, ring_ready(&r));
	EXPECT_EQ(OVERFLOW, ring_flags(&r));

	ASSERT_TRUE(ring_peek(&r, &cqe));
	ASSERT_EQ(0, ring_run(&r));
	EXPECT_EQ(CQ, ring_ready(&r));
	EXPECT_EQ(0, ring_flags(&r));
	ring_exit(&r);
}

TEST_F(ring, completions_queue_up_behind_the_overflow)
{
	struct io_uring_cqe cqe;
	struct ring r;
	unsigned int i;

	ASSERT_EQ(0, small_ring(&r, variant->backend, variant->flags));
	ASSERT_EQ(CQ + 1, submit_nops(&r, 0, CQ + 1));
	ASSERT_TRUE(ring_peek(&r, &cqe));
	ASSERT_TRUE(ring_peek(&r, &cqe));

	/* there is room, but the older ones come first */
	ASSERT_EQ(1, submit_nops(&r, CQ + 1, 1));
	EXPECT_EQ(CQ - 2, ring_ready(&r));
	for (i = 2; i < CQ + 2; i++)
		ASSERT_CQE(&r, i, 0, 0);
	EXPECT_EQ(0, ring_flags(&r));
	ring_exit(&r);
}

TEST_F(ring, waiting_for_what_has_overflown)
{
	struct ring r;

	ASSERT_EQ(0, small_ring(&r, variant->backend, variant->flags));
	ASSERT_EQ(CQ + 2, submit_nops(&r, 0, CQ + 2));
	EXPECT_EQ(0, ring_enter(&r, 0, CQ, IORING_ENTER_GETEVENTS));
	EXPECT_EQ(CQ, ring_drain(&r));
	EXPECT_EQ(0, ring_enter(&r, 0, 2, IORING_ENTER_GETEVENTS));
	EXPECT_EQ(2, ring_ready(&r));
	ASSERT_CQE(&r, CQ, 0, 0);
	ASSERT_CQE(&r, CQ + 1, 0, 0);
	ring_exit(&r);
}

TEST_F(ring, overflow_makes_the_descriptor_readable)
{
	struct pollfd p = { .events = POLLIN };
	struct ring r;

	ASSERT_EQ(0, small_ring(&r, variant->backend, variant->flags));
	p.fd = r.fd;
	ASSERT_EQ(CQ + 1, submit_nops(&r, 0, CQ + 1));
	EXPECT_EQ(CQ, ring_drain(&r));
	EXPECT_EQ(0, ring_ready(&r));
	EXPECT_EQ(1, poll(&p, 1, 0));
	ASSERT_CQE(&r, CQ, 0, 0);
	EXPECT_EQ(0, poll(&p, 1, 0));
	ring_exit(&r);
}

TEST_F(ring, completions_of_task_work_overflow)
{
	struct ring r;
	unsigned int i, sum = 0;
	int sv[2];

	ASSERT_EQ(0, small_ring(&r, variant->backend, variant->flags));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < 10; i++) {
		prep_poll(&r, sv[0], POLLIN, 1u << i);
		ASSERT_EQ(1, ring_submit(&r));
	}
	ASSERT_EQ(1, write(sv[1], "x", 1));
	for (i = 0; i < 10; i++) {
		struct io_uring_cqe cqe;

		ASSERT_EQ(0, ring_take(&r, &cqe));
		EXPECT_EQ(POLLIN, cqe.res);
		EXPECT_EQ(0, sum & cqe.user_data);
		sum |= cqe.user_data;
	}
	EXPECT_EQ(0x3ff, sum);
	EXPECT_EQ(0, ring_flags(&r));
	EXPECT_EQ(0, *r.cq_overflow);
	ASSERT_QUIET(&r);
	ring_exit(&r);
}

/*
 * The completion that does not fit is the last one of a multishot request: it
 * comes through without IORING_CQE_F_MORE.
 */
TEST_F(ring, overflow_ends_multishot_recv_without_losing_a_byte)
{
	struct pbuf pb;
	struct ring r;
	unsigned int i;
	int sv[2];
	char c;

	ASSERT_EQ(0, small_ring(&r, variant->backend, variant->flags));
	ASSERT_EQ(0, pbuf_init(&pb, &r, 0, 16, 16));
	pbuf_fill(&pb);
	ASSERT_EQ(0, unix_pair(SOCK_SEQPACKET, sv));
	prep_recv_multi(&r, sv[0], 0, 1);
	ASSERT_EQ(1, ring_submit(&r));

	for (i = 0; i < CQ + 2; i++) {
		c = 'a' + i;
		ASSERT_EQ(1, write(sv[1], &c, 1));
		ASSERT_EQ(0, ring_run(&r));
	}
	for (i = 0; i < CQ + 1; i++) {
		struct io_uring_cqe cqe;

		ASSERT_EQ(0, ring_take(&r, &cqe));
		EXPECT_EQ(1, cqe.user_data);
		EXPECT_EQ(1, cqe.res);
		EXPECT_EQ(i, cqe_bid(&cqe));
		EXPECT_EQ((char)('a' + i), *pbuf_mem(&pb, i));
		EXPECT_EQ(i < CQ ? IORING_CQE_F_MORE : 0,
			  cqe.flags & IORING_CQE_F_MORE);
	}
	ASSERT_QUIET(&r);

	/* the message after that waits in the socket */
	prep_recv_multi(&r, sv[0], 0, 2);
	ASSERT_EQ(1, ring_submit(&r));
	ASSERT_CQE(&r, 2, 1, IORING_CQE_F_MORE | BUFFER_FLAGS(CQ + 1));
	EXPECT_EQ('a' + CQ + 1, *pbuf_mem(&pb, CQ + 1));
	pbuf_exit(&pb);
	ring_exit(&r);
}

TEST_F(ring, overflow_ends_multishot_poll)
{
	struct ring r;
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, small_ring(&r, variant->backend, variant->flags));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll_multi(&r, sv[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&r));
	for (i = 0; i < CQ + 2; i++) {
		ASSERT_EQ(1, write(sv[1], "x", 1));
		ASSERT_EQ(0, ring_run(&r));
	}
	for (i = 0; i < CQ; i++)
		ASSERT_CQE(&r, 1, POLLIN, IORING_CQE_F_MORE);
	ASSERT_CQE(&r, 1, POLLIN, 0);
	ASSERT_QUIET(&r);
	ring_exit(&r);
}

TEST_F(ring, overflow_ends_multishot_accept_without_losing_a_connection)
{
	struct sockaddr_in addr;
	int listener, clients[CQ + 2];
	struct io_uring_cqe cqe;
	struct ring r;
	unsigned int i;

	ASSERT_EQ(0, small_ring(&r, variant->backend, variant->flags));
	listener = tcp_listen(&addr);
	ASSERT_LE(0, listener);
	for (i = 0; i < CQ + 2; i++) {
		clients[i] = tcp_connect(&addr);
		ASSERT_LE(0, clients[i]);
	}
	prep_accept_multi(&r, listener, 1);
	ASSERT_EQ(1, ring_submit(&r));
	for (i = 0; i < CQ + 1; i++) {
		ASSERT_EQ(0, ring_take(&r, &cqe));
		EXPECT_EQ(1, cqe.user_data);
		ASSERT_LE(0, cqe.res);
		EXPECT_TRUE(fd_is_open(cqe.res));
		EXPECT_EQ(i < CQ ? IORING_CQE_F_MORE : 0,
			  cqe.flags & IORING_CQE_F_MORE);
		close(cqe.res);
	}
	ASSERT_QUIET(&r);

	prep_accept_multi(&r, listener, 2);
	ASSERT_EQ(1, ring_submit(&r));
	ASSERT_EQ(0, ring_take(&r, &cqe));
	EXPECT_EQ(2, cqe.user_data);
	EXPECT_LE(0, cqe.res);
	EXPECT_TRUE(cqe.flags & IORING_CQE_F_MORE);
	ring_exit(&r);
	close(listener);
}

/* The result of a cancelled request overflows like any other. */
TEST_F(ring, cancelled_requests_overflow)
{
	unsigned int i, sum = 0;
	struct ring r;
	int sv[2];

	ASSERT_EQ(0, small_ring(&r, variant->backend, variant->flags));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < 8; i++) {
		prep_poll(&r, sv[0], POLLIN, 1u << i);
		ASSERT_EQ(1, ring_submit(&r));
	}
	for (i = 0; i < 8; i++) {
		prep_cancel(&r, 1u << i, 0, 0x100u << i);
		ASSERT_EQ(1, ring_submit(&r));
	}
	for (i = 0; i < 16; i++) {
		struct io_uring_cqe cqe;

		ASSERT_EQ(0, ring_take(&r, &cqe));
		EXPECT_EQ(cqe.user_data < 0x100 ? -ECANCELED : 0, cqe.res);
		EXPECT_EQ(0, sum & cqe.user_data);
		sum |= cqe.user_data;
	}
	EXPECT_EQ(0xffff, sum);
	ASSERT_QUIET(&r);
	ring_exit(&r);
}

TEST_F(ring, closed_with_completions_that_nobody_took)
{
	struct ring r;

	ASSERT_EQ(0, small_ring(&r, variant->backend, variant->flags));
	ASSERT_EQ(200, submit_nops(&r, 0, 200));
	EXPECT_EQ(OVERFLOW, ring_flags(&r));
	ring_exit(&r);
}

TEST_HARNESS_MAIN
