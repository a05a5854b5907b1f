// SPDX-License-Identifier: GPL-2.0
/*
 * READ and READV with a buffer from a group.
 */
#include <fcntl.h>
#include <sys/uio.h>

#define RING_MODES
#include "group.h"

TEST_F(ring, a_single_read)
{
	unsigned int kind;
	struct group g;
	int fd[2];

	for (kind = 0; kind < KINDS; kind++) {
		ASSERT_EQ(0, channel(kind == MAPPED, fd));
		ASSERT_EQ(0, group_init(&g, &self->ring, kind, 4, 8));
		/* at once, no more than is asked for */
		ASSERT_EQ(5, write(fd[1], "01234", 5));
		prep_select(&self->ring, fd[0], 3, 1);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 1, 3, kind == PARTS ? PART(0) : BUFFER_FLAGS(0));
		EXPECT_EQ(0, memcmp(g.mem, "012\0", 4));
		prep_select(&self->ring, fd[0], 0, 2);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 2, 2, kind == PARTS ? PART(0) : BUFFER_FLAGS(1));
		/* later, no more than there is room for */
		prep_select(&self->ring, fd[0], 100, 3);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_QUIET(&self->ring);
		ASSERT_EQ(9, write(fd[1], "abcdefghi", 9));
		if (kind == PARTS) {
			ASSERT_CQE(&self->ring, 3, 3, BUFFER_FLAGS(0));
			EXPECT_EQ(0, memcmp(g.mem, "01234abc", 8));
		} else {
			ASSERT_CQE(&self->ring, 3, 8, BUFFER_FLAGS(2));
			EXPECT_EQ(0, memcmp(g.mem + 16, "abcdefgh", 8));
		}
		close(fd[0]);
		close(fd[1]);
		group_exit(&g, 4);
	}
}

TEST_F(ring, a_single_read_that_fails)
{
	struct group g;
	int fd[2];

	ASSERT_EQ(0, channel(false, fd));
	/* it leaves a buffer of a ring where it was, one of a classic group is used up */
	ASSERT_EQ(0, group_init(&g, &self->ring, MAPPED, 2, 8));
	prep_select(&self->ring, fd[1], 0, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, -EBADF, 0);
	group_exit(&g, 2);
	ASSERT_EQ(0, group_init(&g, &self->ring, CLASSIC, 2, 8));
	prep_select(&self->ring, fd[1], 0, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, -EBADF, BUFFER_FLAGS(0));
	group_exit(&g, 2);
}

TEST_F(ring, a_vector_says_how_much)
{
	struct io_uring_sqe *sqe;
	struct iovec iov[2] = { { .iov_len = 2 }, { .iov_len = 2 } };
	struct group g;
	int fd[2];

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 the length of the vector is not checked");
	ASSERT_EQ(0, channel(false, fd));
	ASSERT_EQ(0, group_init(&g, &self->ring, MAPPED, 4, 8));
	ASSERT_EQ(5, write(fd[1], "01234", 5));
	sqe = prep(&self->ring, IORING_OP_READV, fd[0], iov, 1, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 2, BUFFER_FLAGS(0));
	EXPECT_EQ(0, memcmp(g.mem, "01\0", 3));
	sqe = prep(&self->ring, IORING_OP_READV, fd[0], iov, 2, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep(&self->ring, IORING_OP_READV, fd[0], NULL, 1, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	ASSERT_RESULT(&self->ring, -EFAULT);
	iov[0].iov_len = -1;
	sqe = prep(&self->ring, IORING_OP_READV, fd[0], iov, 1, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep(&self->ring, IORING_OP_WRITE, fd[1], NULL, 0, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(&self->ring, -EOPNOTSUPP);
	sqe = prep(&self->ring, IORING_OP_WRITEV, fd[1], iov, 1, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(&self->ring, -EOPNOTSUPP);
}

TEST_F(ring, a_file_with_an_end)
{
	int file = new_file(false);
	unsigned int kind;
	struct group g;
	struct io_uring_sqe *sqe;

	ASSERT_EQ(5, write(file, "01234", 5));
	for (kind = 0; kind < KINDS; kind++) {
		ASSERT_EQ(0, group_init(&g, &self->ring, kind, 4, 8));
		sqe = prep_select(&self->ring, file, 0, 1);
		sqe->off = 1;
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 1, 4, BUFFER_FLAGS(0));
		EXPECT_EQ(0, memcmp(g.mem, "1234", 5));
		sqe = prep_select(&self->ring, file, 3, 1);
		sqe->off = 5;
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 1, 0, kind == PARTS ? PART(1) : BUFFER_FLAGS(1));
		group_exit(&g, 4);
	}
}

TEST_HARNESS_MAIN
