// SPDX-License-Identifier: GPL-2.0
/*
 * PIPE: both ends as descriptors, or as registered files.
 */
#include <fcntl.h>
#include <sys/resource.h>

#define RING_MODES
#include "files.h"

static struct io_uring_sqe *prep_pipe(struct ring *r, void *fds, unsigned int flags, unsigned int index)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_PIPE, 0, fds, 0, 1);

	sqe->pipe_flags = flags;
	sqe->file_index = index;
	return sqe;
}

static int goes_through(struct ring *r, int from, int to, bool registered)
{
	unsigned int flag = registered ? IOSQE_FIXED_FILE : 0;
	struct io_uring_cqe cqe = {};
	char got[4] = {};

	prep(r, IORING_OP_WRITE, to, "abc", 3, 2)->flags = flag;
	if (ring_submit(r) != 1 || ring_take(r, &cqe) || cqe.res != 3)
		return cqe.res ?: -EIO;
	prep(r, IORING_OP_READ, from, got, 3, 3)->flags = flag;
	if (ring_submit(r) != 1 || ring_take(r, &cqe) || cqe.res != 3)
		return cqe.res ?: -EIO;
	return strcmp(got, "abc") ? -EIO : 0;
}

TEST_F(ring, descriptors)
{
	struct ring *r = &self->ring;
	int fds[2] = { -1, -1 }, next = next_fd();

	ASSERT_TRUE(ring_op_supported(r, IORING_OP_PIPE));
	prep_pipe(r, fds, 0, 0);
	ASSERT_COMPLETES(r, 1, 0, 0);
	ASSERT_EQ(next, fds[0]);
	ASSERT_LT(fds[0], fds[1]);
	EXPECT_EQ(0, goes_through(r, fds[0], fds[1], false));
	EXPECT_EQ(0, fcntl(fds[0], F_GETFD));
	EXPECT_EQ(O_RDONLY, fcntl(fds[0], F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	EXPECT_EQ(O_WRONLY, fcntl(fds[1], F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	close(fds[0]);
	close(fds[1]);
	prep_pipe(r, fds, O_CLOEXEC | O_NONBLOCK, 0);
	ASSERT_COMPLETES(r, 1, 0, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fds[0], F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fds[1], F_GETFD));
	EXPECT_TRUE(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	EXPECT_TRUE(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
	close(fds[0]);
	close(fds[1]);
}

TEST_F(ring, what_is_refused)
{
	struct ring *r = &self->ring;
	int fds[2], next = next_fd();

	prep_pipe(r, fds, O_APPEND, 0);
	ASSERT_RESULT(r, -EINVAL);
	prep_pipe(r, fds, 0, 0)->fd = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_pipe(r, fds, 0, 0)->off = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_pipe(r, fds, 0, 0)->addr3 = 1;
	ASSERT_RESULT(r, -EINVAL);
	/* Where the numbers cannot be told of there is no pipe. */
	prep_pipe(r, (void *)8, 0, 0);
	ASSERT_RESULT(r, -EFAULT);
	EXPECT_EQ(next, next_fd());
	prep_pipe(r, fds, 0, 1);
	ASSERT_RESULT(r, -ENXIO);
}

TEST_F(ring, no_descriptors_left)
{
	struct rlimit old, limit;
	struct ring *r = &self->ring;
	int fds[2], next = next_fd();

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	/* one, and two are needed */
	limit = (struct rlimit) { next + 1, old.rlim_max };
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	prep_pipe(r, fds, 0, 0);
	ASSERT_RESULT(r, -EMFILE);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(next, next_fd());
}

TEST_F(ring, registered)
{
	struct ring *r = &self->ring;
	int fds[2] = { -1, -1 };

	ASSERT_EQ(0, register_sparse(r, 4));
	/* slots 1 and 2 */
	prep_pipe(r, fds, 0, 2);
	ASSERT_COMPLETES(r, 1, 0, 0);
	EXPECT_EQ(1, fds[0]);
	EXPECT_EQ(2, fds[1]);
	EXPECT_EQ(0, goes_through(r, 1, 2, true));
	/* and those that are free */
	prep_pipe(r, fds, 0, IORING_FILE_INDEX_ALLOC);
	ASSERT_COMPLETES(r, 1, 0, 0);
	EXPECT_EQ(3, fds[0]);
	EXPECT_EQ(0, fds[1]);
	EXPECT_EQ(0, goes_through(r, 3, 0, true));
	prep_pipe(r, fds, 0, IORING_FILE_INDEX_ALLOC);
	ASSERT_RESULT(r, -ENFILE);
	prep_pipe(r, fds, O_CLOEXEC, 1);
	ASSERT_RESULT(r, -EINVAL);
	EXPECT_EQ(0, goes_through(r, 3, 0, true));
	/* No slot for the second one: then there is none for the first either. */
	prep_pipe(r, fds, 0, 4);
	ASSERT_RESULT(r, -EINVAL);
	prep(r, IORING_OP_READ, 3, fds, 1, 3)->flags = IOSQE_FIXED_FILE;
	ASSERT_RESULT(r, -EBADF);
	EXPECT_EQ(0, goes_through(r, 1, 2, true));
	/* nor if they cannot be told of */
	prep_pipe(r, (void *)8, 0, 2);
	ASSERT_RESULT(r, -EFAULT);
	EXPECT_EQ(-EBADF, goes_through(r, 1, 2, true));
}

TEST_HARNESS_MAIN
