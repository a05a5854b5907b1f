// SPDX-License-Identifier: GPL-2.0
/*
 * FSYNC and FALLOCATE.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define RING_MODES
#include "fixture.h"

static struct io_uring_sqe *prep_fsync(struct ring *ring, int fd, __u64 user_data)
{
	return prep(ring, IORING_OP_FSYNC, fd, NULL, 0, user_data);
}

static struct io_uring_sqe *prep_fallocate(struct ring *ring, int fd, int mode,
					   __u64 off, __u64 len, __u64 user_data)
{
	struct io_uring_sqe *sqe;

	sqe = prep(ring, IORING_OP_FALLOCATE, fd, (void *)(uintptr_t)len, mode,
		   user_data);
	sqe->off = off;
	return sqe;
}

/* A file of the file system that the test runs on, with no name. */
static int disk_file(void)
{
	char name[] = "build/sync.XXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	return fd;
}

static long size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -errno : st.st_size;
}

TEST_F(ring, fsync_of_files)
{
	int fds[3], i;

	fds[0] = disk_file();
	fds[1] = memfd_create("file", 0);
	fds[2] = open("build", O_RDONLY | O_DIRECTORY);
	for (i = 0; i < 3; i++) {
		ASSERT_LE(0, fds[i]);
		prep_fsync(&self->ring, fds[i], i);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, i, 0, 0);
		prep_fsync(&self->ring, fds[i], i)->fsync_flags =
			IORING_FSYNC_DATASYNC;
		ASSERT_RESULT(&self->ring, 0);
		close(fds[i]);
	}
}

TEST_F(ring, fsync_of_a_part)
{
	struct io_uring_sqe *sqe;
	int fd = disk_file();

	ASSERT_EQ(4, write(fd, "abcd", 4));
	sqe = prep_fsync(&self->ring, fd, 1);
	sqe->off = 1;
	sqe->len = 2;
	ASSERT_RESULT(&self->ring, 0);
	/* To the end, which is too far to be said. */
	sqe = prep_fsync(&self->ring, fd, 1);
	sqe->off = INT64_MAX;
	sqe->len = 2;
	ASSERT_RESULT(&self->ring, 0);
	close(fd);
}

TEST_F(ring, fsync_of_what_has_none)
{
	int fd[2];

	ASSERT_EQ(0, pipe(fd));
	prep_fsync(&self->ring, fd[0], 1);
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_fsync(&self->ring, fd[0], 1)->flags = IOSQE_ASYNC;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_fsync(&self->ring, -1, 1);
	ASSERT_RESULT(&self->ring, -EBADF);
	close(fd[0]);
	close(fd[1]);
}

TEST_F(ring, fsync_in_a_chain)
{
	char buf[4] = "";
	struct io_uring_sqe *sqe;
	int fd = disk_file();

	prep(&self->ring, IORING_OP_WRITE, fd, "abc", 3, 1)->flags = IOSQE_IO_LINK;
	prep_fsync(&self->ring, fd, 2)->flags = IOSQE_IO_LINK | IOSQE_ASYNC;
	prep(&self->ring, IORING_OP_READ, fd, buf, 3, 3)->flags = IOSQE_IO_LINK;
	/* A failure ends it. */
	sqe = prep_fsync(&self->ring, fd, 4);
	sqe->off = -1;
	sqe->flags = IOSQE_IO_LINK;
	prep_nop(&self->ring, 5);
	ASSERT_EQ(5, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, -ECANCELED, 0);
	ASSERT_CQE(&self->ring, 2, -ECANCELED, 0);
	ASSERT_CQE(&self->ring, 3, -ECANCELED, 0);
	ASSERT_CQE(&self->ring, 4, -EINVAL, 0);
	ASSERT_CQE(&self->ring, 5, -ECANCELED, 0);
	prep(&self->ring, IORING_OP_WRITE, fd, "abc", 3, 1)->flags = IOSQE_IO_LINK;
	prep_fsync(&self->ring, fd, 2)->flags = IOSQE_IO_LINK;
	prep(&self->ring, IORING_OP_READ, fd, buf, 3, 3);
	ASSERT_EQ(3, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 3, 0);
	ASSERT_CQE(&self->ring, 2, 0, 0);
	ASSERT_CQE(&self->ring, 3, 3, 0);
	EXPECT_STREQ("abc", buf);
	close(fd);
}

TEST_F(ring, bad_fsync)
{
	int fd = memfd_create("file", 0);

	prep_fsync(&self->ring, fd, 1)->addr = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_fsync(&self->ring, fd, 1)->buf_index = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_fsync(&self->ring, fd, 1)->splice_fd_in = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_fsync(&self->ring, fd, 1)->fsync_flags = 2;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_fsync(&self->ring, fd, 1)->ioprio = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_fsync(&self->ring, fd, 1)->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(&self->ring, -EOPNOTSUPP);
	close(fd);
}

TEST_F(ring, fallocate_makes_room)
{
	int fd = memfd_create("file", 0);

	prep_fallocate(&self->ring, fd, 0, 0, 10000, 1);
	ASSERT_RESULT(&self->ring, 0);
	EXPECT_EQ(10000, size_of(fd));
	prep_fallocate(&self->ring, fd, FALLOC_FL_KEEP_SIZE, 10000, 10000, 1)
		->flags = IOSQE_ASYNC;
	ASSERT_RESULT(&self->ring, 0);
	EXPECT_EQ(10000, size_of(fd));
	/* More than fits into the field for a length. */
	prep_fallocate(&self->ring, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       4096, 1ull << 32, 1);
	ASSERT_RESULT(&self->ring, 0);
	EXPECT_EQ(10000, size_of(fd));
	close(fd);
}

/* One after the other, as they were submitted: the last one decides. */
TEST_F(ring, fallocate_in_order)
{
	int fd = memfd_create("file", 0);
	unsigned int i;

	ASSERT_EQ(1, pwrite(fd, "x", 1, 99));
	for (i = 0; i < 4; i++) {
		prep_fallocate(&self->ring, fd, 0, 0, (i + 1) * 1000, i)->flags =
			IOSQE_IO_LINK;
	}
	prep(&self->ring, IORING_OP_WRITE, fd, "y", 1, 9)->off = 4000;
	ASSERT_EQ(5, ring_submit(&self->ring));
	for (i = 0; i < 4; i++)
		ASSERT_CQE(&self->ring, i, 0, 0);
	ASSERT_CQE(&self->ring, 9, 1, 0);
	EXPECT_EQ(4001, size_of(fd));
	close(fd);
}

TEST_F(ring, bad_fallocate)
{
	int fd = memfd_create("file", 0), reader, fds[2];

	reader = open("/proc/self/exe", O_RDONLY);
	prep_fallocate(&self->ring, reader, 0, 0, 1, 1);
	ASSERT_RESULT(&self->ring, -EBADF);
	prep_fallocate(&self->ring, fd, 0, 0, 0, 1);
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_fallocate(&self->ring, fd, 0, -1, 1, 1);
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_fallocate(&self->ring, fd, 1 << 30, 0, 1, 1);
	ASSERT_RESULT(&self->ring, -EOPNOTSUPP);
	prep_fallocate(&self->ring, fd, 0, 0, 1, 1)->buf_index = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_fallocate(&self->ring, fd, 0, 0, 1, 1)->rw_flags = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_fallocate(&self->ring, fd, 0, 0, 1, 1)->splice_fd_in = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	ASSERT_EQ(0, pipe(fds));
	prep_fallocate(&self->ring, fds[1], 0, 0, 1, 1);
	ASSERT_RESULT(&self->ring, -ESPIPE);
	close(fds[0]);
	close(fds[1]);
	close(reader);
	close(fd);
}

TEST_F(ring, fallocate_within_the_limit)
{
	struct rlimit old, limit;
	int fd = memfd_create("file", 0);

	ASSERT_EQ(0, getrlimit(RLIMIT_FSIZE, &old));
	limit = old;
	limit.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	prep_fallocate(&self->ring, fd, 0, 0, 8192, 1);
	ASSERT_RESULT(&self->ring, -EFBIG);
	prep_fallocate(&self->ring, fd, 0, 0, 4096, 1);
	ASSERT_RESULT(&self->ring, 0);
	EXPECT_EQ(4096, size_of(fd));
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &old));
	close(fd);
}

TEST_HARNESS_MAIN
