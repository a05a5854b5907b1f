// SPDX-License-Identifier: GPL-2.0
/*
 * Submission: the index array, entries that fail, the order of things.
 */
#define RING_MODES
#define RING_MEMORY
#include <linux/ruring.h>

#include "fixture.h"

#define BAD_OPCODE	IORING_OP_LAST

static void prep_bad(struct ring *ring, __u64 user_data)
{
	prep_nop(ring, user_data)->opcode = BAD_OPCODE;
}

TEST_F(ring, array_gives_the_order)
{
	struct ring *r = &self->ring;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		prep_nop(r, i);
		r->sq_array[i] = 3 - i;
	}
	ASSERT_EQ(4, ring_submit(r));
	for (i = 0; i < 4; i++)
		ASSERT_CQE(r, 3 - i, 0, 0);
}

TEST_F(ring, array_may_name_an_entry_twice)
{
	struct ring *r = &self->ring;

	prep_nop(r, 8);
	prep_nop(r, 9);
	r->sq_array[1] = 0;
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 8, 0, 0);
	ASSERT_CQE(r, 8, 0, 0);
}

TEST_F(ring, index_out_of_range_is_dropped)
{
	struct ring *r = &self->ring;

	prep_nop(r, 0);
	prep_nop(r, 1);
	prep_nop(r, 2);
	r->sq_array[1] = r->params.sq_entries;
	EXPECT_EQ(1, ring_submit(r));
	EXPECT_EQ(1, *r->sq_dropped);
	EXPECT_EQ(2, *r->sq_head);
	ASSERT_CQE(r, 0, 0, 0);

	EXPECT_EQ(1, ring_enter(r, 1, 0, 0));
	ASSERT_CQE(r, 2, 0, 0);
	EXPECT_EQ(0, ring_ready(r));
}

TEST_F(ring, every_index_out_of_range_is_dropped)
{
	static const unsigned int indices[] = {
		16, 17, 32, 0x7fffffff, 0x80000000, ~0u,
	};
	struct ring *r = &self->ring;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(indices); i++) {
		unsigned int slot = r->prepared & 15;

		prep_nop(r, i);
		r->sq_array[slot] = indices[i];
		EXPECT_EQ(0, ring_submit(r));
		EXPECT_EQ(i + 1, *r->sq_dropped);
		EXPECT_EQ(i + 1, *r->sq_head);
		r->sq_array[slot] = slot;
	}
	EXPECT_EQ(0, ring_ready(r));
	prep_nop(r, 99);
	EXPECT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 99, 0, 0);
}

TEST_F(ring, without_an_array)
{
	struct ring r;
	unsigned int i, round;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 4,
			       variant->flags | IORING_SETUP_NO_SQARRAY));
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 3; i++)
			prep_nop(&r, i);
		ASSERT_EQ(3, ring_submit(&r));
		for (i = 0; i < 3; i++)
			ASSERT_CQE(&r, i, 0, 0);
	}
	EXPECT_EQ(0, *r.sq_dropped);
	ring_exit(&r);
}

TEST_F(ring, submission_stops_at_a_bad_entry)
{
	struct ring *r = &self->ring;

	prep_nop(r, 0);
	prep_bad(r, 1);
	prep_nop(r, 2);
	EXPECT_EQ(2, ring_submit(r));
	EXPECT_EQ(2, *r->sq_head);
	ASSERT_CQE(r, 0, 0, 0);
	ASSERT_CQE(r, 1, -EINVAL, 0);
	EXPECT_EQ(0, ring_ready(r));
	EXPECT_EQ(1, ring_enter(r, 1, 0, 0));
	ASSERT_CQE(r, 2, 0, 0);
}

TEST_F(ring, submit_all_goes_on_after_a_bad_entry)
{
	struct ring r;
	unsigned int i;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 8,
			       variant->flags | IORING_SETUP_SUBMIT_ALL));
	for (i = 0; i < 6; i += 2) {
		prep_bad(&r, i);
		prep_nop(&r, i + 1);
	}
	EXPECT_EQ(6, ring_submit(&r));
	for (i = 0; i < 6; i += 2) {
		ASSERT_CQE(&r, i, -EINVAL, 0);
		ASSERT_CQE(&r, i + 1, 0, 0);
	}
	ring_exit(&r);
}

TEST_F(ring, failure_when_issued_does_not_stop_submission)
{
	struct ring *r = &self->ring;
	char c;

	prep_recv(r, -1, &c, 1, 0);
	prep_nop(r, 1);
	EXPECT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 0, -EBADF, 0);
	ASSERT_CQE(r, 1, 0, 0);
}

TEST_F(ring, every_opcode_completes)
{
	struct ring *r = &self->ring;
	unsigned int op;

	for (op = IORING_OP_LAST; op < 256; op++) {
		struct io_uring_cqe cqe;

		prep_nop(r, op)->opcode = op;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(op, cqe.user_data);
		/* ruring has one of its own, and this is no file for it */
		EXPECT_EQ(variant->backend == RURING && op == RURING_OP_SENDFILE ? -EBADF : -EINVAL,
			  cqe.res);
		EXPECT_EQ(0, cqe.flags);
	}
}

TEST_F(ring, opcodes_it_does_not_have)
{
	struct ring *r = &self->ring;
	unsigned int op;

	for (op = 0; op < IORING_OP_LAST; op++) {
		struct io_uring_cqe cqe;

		if (ring_op_supported(r, op))
			continue;
		prep_nop(r, op)->opcode = op;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(op, cqe.user_data);
		EXPECT_TRUE(cqe.res == -EINVAL || cqe.res == -EOPNOTSUPP)
			TH_LOG("opcode %u gave %d", op, cqe.res);
	}
}

TEST_F(ring, unknown_sqe_flags_are_refused)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(&self->ring, sv[0], POLLIN, 1)->flags = 1u << 7;
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_F(ring, requests_of_one_batch_complete_in_order)
{
	struct ring *r = &self->ring;
	char buf[4];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_send(r, sv[1], "ping", 4, 1);
	prep_recv(r, sv[0], buf, 4, 2);
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 1, 4, 0);
	ASSERT_CQE(r, 2, 4, 0);
	ASSERT_CQE(r, 3, 0, 0);
	EXPECT_EQ(0, memcmp(buf, "ping", 4));
}

TEST_F(ring, big_ring_at_once)
{
	struct ring r;
	unsigned int i;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 4096, variant->flags));
	for (i = 0; i < 4096; i++)
		prep_nop(&r, i);
	ASSERT_EQ(4096, ring_submit(&r));
	ASSERT_EQ(4096, ring_ready(&r));
	for (i = 0; i < 4096; i++)
		ASSERT_EQ(i, r.cqes[i].user_data);
	ring_exit(&r);
}

TEST_F(ring, single_entry_ring)
{
	struct ring r;
	unsigned int i;

	ASSERT_EQ(0, ring_init_cq(&r, variant->backend, 1, 1, variant->flags));
	for (i = 0; i < 10; i++) {
		prep_nop(&r, i);
		ASSERT_EQ(1, ring_submit(&r));
		ASSERT_CQE(&r, i, 0, 0);
	}
	ring_exit(&r);
}

TEST_HARNESS_MAIN
