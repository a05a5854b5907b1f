// SPDX-License-Identifier: GPL-2.0
/*
 * NOP: the plainest request there is.
 */
#define RING_MODES
#include <limits.h>

#include "fixture.h"

TEST_F(ring, completes_with_zero)
{
	prep_nop(&self->ring, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 0, 0);
	EXPECT_EQ(0, ring_ready(&self->ring));
}

TEST_F(ring, completes_inline)
{
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(1, ring_ready(&self->ring));
}

TEST_F(ring, user_data_is_opaque)
{
	static const __u64 values[] = { 0, 1, 0x8000000000000000, ~0ull };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(values); i++)
		prep_nop(&self->ring, values[i]);
	ASSERT_EQ(ARRAY_SIZE(values), ring_submit(&self->ring));
	for (i = 0; i < ARRAY_SIZE(values); i++)
		ASSERT_CQE(&self->ring, values[i], 0, 0);
}

TEST_F(ring, injected_result)
{
	struct io_uring_sqe *sqe = prep_nop(&self->ring, 1);

	sqe->nop_flags = IORING_NOP_INJECT_RESULT;
	sqe->len = 1234;
	ASSERT_RESULT(&self->ring, 1234);

	sqe = prep_nop(&self->ring, 1);
	sqe->nop_flags = IORING_NOP_INJECT_RESULT;
	sqe->len = -EIO;
	ASSERT_RESULT(&self->ring, -EIO);
}

/* What would have the kernel restart a system call, which a request is not, save where it ends as task work. */
TEST_F(ring, injected_restart)
{
	static const int restarts[] = { -512, -513, -514, -516 };
	static const int others[] = { -511, -515, -517, INT_MIN };
	static const unsigned int ways[] = { 0, IORING_NOP_FILE, IORING_NOP_TW };
	unsigned int way, i;

	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		for (i = 0; i < ARRAY_SIZE(restarts) + ARRAY_SIZE(others); i++) {
			bool restart = i < ARRAY_SIZE(restarts);
			struct io_uring_sqe *sqe = prep_nop(&self->ring, 1);

			sqe->nop_flags = IORING_NOP_INJECT_RESULT | ways[way];
			sqe->fd = self->ring.fd;
			sqe->len = restart ? restarts[i] : others[i - ARRAY_SIZE(restarts)];
			ASSERT_RESULT(&self->ring, restart && ways[way] != IORING_NOP_TW ? -EINTR : (int)sqe->len);
		}
	}
}

TEST_F(ring, len_is_ignored_without_inject)
{
	prep_nop(&self->ring, 1)->len = 1234;
	ASSERT_RESULT(&self->ring, 0);
}

TEST_F(ring, unknown_flags_are_refused)
{
	unsigned int bit;

	for (bit = 6; bit < 32; bit++) {
		prep_nop(&self->ring, 1)->nop_flags = 1u << bit;
		ASSERT_RESULT(&self->ring, -EINVAL);
	}
}

TEST_F(ring, wide_completion_needs_a_wide_ring)
{
	prep_nop(&self->ring, 1)->nop_flags = IORING_NOP_CQE32;
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_F(ring, ioprio_is_refused)
{
	prep_nop(&self->ring, 1)->ioprio = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_F(ring, unknown_personality_is_refused)
{
	prep_nop(&self->ring, 1)->personality = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_F(ring, unknown_sqe_flag_is_refused)
{
	prep_nop(&self->ring, 1)->flags = 1u << 7;
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_F(ring, registered_buffer)
{
	char page[64];
	struct iovec iov = { page, sizeof(page) };
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (i == 1)
			ASSERT_EQ(0, ring_register(&self->ring, IORING_REGISTER_BUFFERS, &iov, 1));
		sqe = prep_nop(&self->ring, 1);
		sqe->nop_flags = IORING_NOP_FIXED_BUFFER | IORING_NOP_INJECT_RESULT;
		sqe->len = 7;
		sqe->buf_index = i == 2;
		ASSERT_RESULT(&self->ring, i == 1 ? 7 : -EFAULT);
	}
	sqe = prep_nop(&self->ring, 1);
	sqe->nop_flags = IORING_NOP_FIXED_BUFFER | IORING_NOP_FILE;
	sqe->fd = 4000;
	ASSERT_RESULT(&self->ring, -EBADF);
}

/* ruring's own: it takes one where io_uring refuses to */
TEST_F(ring, provided_buffer_of_a_group_without)
{
	prep_nop(&self->ring, 1)->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(&self->ring, variant->backend == RURING ? -ENOBUFS : -EOPNOTSUPP);
}

TEST_F(ring, many_in_order)
{
	__u64 sent = 0, seen = 0;

	while (seen < 1000) {
		unsigned int i;

		for (i = 0; i < 16; i++)
			prep_nop(&self->ring, sent++);
		ASSERT_EQ(16, ring_submit(&self->ring));
		for (i = 0; i < 16; i++)
			ASSERT_CQE(&self->ring, seen++, 0, 0);
	}
	EXPECT_EQ(0, *self->ring.sq_dropped);
	EXPECT_EQ(0, *self->ring.cq_overflow);
}

TEST_HARNESS_MAIN
