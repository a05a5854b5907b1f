// SPDX-License-Identifier: GPL-2.0
/*
 * SPLICE and TEE, and SENDFILE, which io_uring does not have.
 */
#include <fcntl.h>
#include <linux/ruring.h>
#include <stdlib.h>
#include <sys/mman.h>

#define RING_MODES
#include "files.h"

#ifndef SPLICE_F_FD_IN_FIXED
#define SPLICE_F_FD_IN_FIXED	(1U << 31)
#endif

static struct io_uring_sqe *prep_splice(struct ring *r, unsigned int op, int in, __u64 from,
					int out, __u64 to, unsigned int len, __u64 data)
{
	struct io_uring_sqe *sqe = prep(r, op, out, NULL, len, data);

	sqe->splice_fd_in = in;
	sqe->splice_off_in = from;
	sqe->off = to;
	return sqe;
}

static int file_with(const char *content)
{
	int fd = memfd_create("file", 0);

	return write(fd, content, strlen(content)) == (ssize_t)strlen(content) ? fd : -1;
}

TEST_F(ring, splice)
{
	struct ring *r = &self->ring;
	int in = file_with("abcdef"), out = file_with("......"), fds[2];
	char buf[8] = "";

	ASSERT_EQ(0, pipe(fds));
	prep_splice(r, IORING_OP_SPLICE, in, 1, fds[1], -1, 4, 1)->flags = IOSQE_IO_LINK;
	prep_splice(r, IORING_OP_SPLICE, fds[0], -1, out, 2, 4, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, 4, 0);
	ASSERT_CQE(r, 2, 4, 0);
	ASSERT_EQ(6, pread(out, buf, 8, 0));
	EXPECT_STREQ("..bcde", buf);
	/* Where the file is at. */
	ASSERT_EQ(3, lseek(in, 3, SEEK_SET));
	prep_splice(r, IORING_OP_SPLICE, in, -1, fds[1], -1, 2, 1);
	ASSERT_RESULT(r, 2);
	EXPECT_EQ(5, lseek(in, 0, SEEK_CUR));
	ASSERT_EQ(2, read(fds[0], buf, 8));
	EXPECT_EQ(0, memcmp("de", buf, 2));
	/* Less than was asked for is a failure to what is linked behind. */
	prep_splice(r, IORING_OP_SPLICE, in, 4, fds[1], -1, 100, 1)->flags = IOSQE_IO_LINK;
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, 2, 0);
	ASSERT_CQE(r, 2, -ECANCELED, 0);
	prep_splice(r, IORING_OP_SPLICE, in, 0, out, 0, 1, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_splice(r, IORING_OP_SPLICE, -1, 0, fds[1], -1, 1, 1);
	ASSERT_RESULT(r, -EBADF);
	prep_splice(r, IORING_OP_SPLICE, in, 0, fds[1], -1, 1, 1)->splice_flags = 1 << 8;
	ASSERT_RESULT(r, -EINVAL);
	prep_splice(r, IORING_OP_SPLICE, in, 0, fds[1], -1, 0, 1);
	ASSERT_RESULT(r, 0);
	close(fds[0]);
	close(fds[1]);
	close(in);
	close(out);
}

TEST_F(ring, a_registered_file)
{
	struct ring *r = &self->ring;
	int in = file_with("abcdef"), fds[2];
	char buf[8];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, register_sparse(r, 4));
	ASSERT_EQ(1, update_files(r, 2, &in, 1));
	close(in);
	prep_splice(r, IORING_OP_SPLICE, 2, 0, fds[1], -1, 3, 1)->splice_flags = SPLICE_F_FD_IN_FIXED;
	ASSERT_RESULT(r, 3);
	ASSERT_EQ(3, read(fds[0], buf, 8));
	prep_splice(r, IORING_OP_SPLICE, 3, 0, fds[1], -1, 3, 1)->splice_flags = SPLICE_F_FD_IN_FIXED;
	ASSERT_RESULT(r, -EBADF);
	close(fds[0]);
	close(fds[1]);
}

TEST_F(ring, tee)
{
	struct ring *r = &self->ring;
	int from[2], to[2];
	char buf[8];

	ASSERT_EQ(0, pipe(from));
	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(3, write(from[1], "abc", 3));
	prep_splice(r, IORING_OP_TEE, from[0], 0, to[1], 0, 3, 1);
	ASSERT_RESULT(r, 3);
	ASSERT_EQ(3, read(from[0], buf, 8));
	ASSERT_EQ(3, read(to[0], buf, 8));
	EXPECT_EQ(0, memcmp("abc", buf, 3));
	prep_splice(r, IORING_OP_TEE, from[0], 1, to[1], 0, 3, 1);
	ASSERT_RESULT(r, -EINVAL);
	close(from[0]);
	close(from[1]);
	close(to[0]);
	close(to[1]);
}

/* Whoever submits does not wait for what comes later, and it can be cancelled. */
TEST_F(ring, waits_for_a_pipe)
{
	struct ring *r = &self->ring;
	int fds[2], sv[2];
	char buf[8];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, tcp_pair(sv));
	prep_splice(r, IORING_OP_SPLICE, fds[0], -1, sv[0], -1, 3, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(3, write(fds[1], "abc", 3));
	ASSERT_CQE(r, 1, 3, 0);
	ASSERT_EQ(3, recv(sv[1], buf, 8, 0));
	prep_splice(r, IORING_OP_SPLICE, fds[0], -1, sv[0], -1, 3, 1);
	ASSERT_EQ(1, ring_submit(r));
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 2));
	ASSERT_EQ(2, ring_drain(r));
	close(fds[0]);
	close(fds[1]);
	close(sv[0]);
	close(sv[1]);
}

#define FILE_SIZE (3 << 20)

TEST_F(ring, sendfile)
{
	struct ring *r = &self->ring;
	int in = memfd_create("file", 0), sv[2], n;
	char *content, *got;
	size_t done = 0;

	if (variant->backend == IO_URING) {
		prep_splice(r, RURING_OP_SENDFILE, in, 0, in, 0, 1, 1);
		ASSERT_RESULT(r, -EINVAL);
		SKIP(return, "ruring's own");
	}
	ASSERT_EQ(0, ftruncate(in, FILE_SIZE));
	content = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, in, 0);
	ASSERT_NE(MAP_FAILED, (void *)content);
	for (n = 0; n < FILE_SIZE; n++)
		content[n] = n * 2654435761u >> 24;
	got = malloc(FILE_SIZE);
	ASSERT_EQ(0, tcp_pair(sv));
	/* More than the socket has room for, from somewhere in a page, by one request with one completion. */
	prep_splice(r, RURING_OP_SENDFILE, in, 77, sv[0], 0, FILE_SIZE - 77, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	while (done < FILE_SIZE - 77) {
		n = recv(sv[1], got + done, FILE_SIZE - done, 0);
		ASSERT_LT(0, n);
		done += n;
	}
	ASSERT_CQE(r, 1, FILE_SIZE - 77, 0);
	EXPECT_EQ(0, memcmp(content + 77, got, FILE_SIZE - 77));
	EXPECT_EQ(0, lseek(in, 0, SEEK_CUR));
	/* To its end. */
	prep_splice(r, RURING_OP_SENDFILE, in, FILE_SIZE - 5, sv[0], 0, 100, 1)->flags = IOSQE_IO_LINK;
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, 5, 0);
	ASSERT_CQE(r, 2, -ECANCELED, 0);
	ASSERT_EQ(5, recv(sv[1], got, 100, 0));
	EXPECT_EQ(0, memcmp(content + FILE_SIZE - 5, got, 5));
	prep_splice(r, RURING_OP_SENDFILE, in, FILE_SIZE, sv[0], 0, 100, 1);
	ASSERT_RESULT(r, 0);
	/* One that nobody reads is cancelled. */
	prep_splice(r, RURING_OP_SENDFILE, in, 0, sv[0], 0, FILE_SIZE, 1);
	ASSERT_EQ(1, ring_submit(r));
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 2));
	ASSERT_EQ(2, ring_drain(r));
	free(got);
	munmap(content, FILE_SIZE);
	close(in);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, sendfile_is_refused)
{
	struct ring *r = &self->ring;
	int in = file_with("abc"), fds[2], sv[2];

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, tcp_pair(sv));
	prep_splice(r, RURING_OP_SENDFILE, in, 0, in, 0, 1, 1);
	ASSERT_RESULT(r, -ENOTSOCK);
	prep_splice(r, RURING_OP_SENDFILE, fds[0], 0, sv[0], 0, 1, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_splice(r, RURING_OP_SENDFILE, in, -1, sv[0], 0, 1, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_splice(r, RURING_OP_SENDFILE, in, 0, sv[0], 1, 1, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_splice(r, RURING_OP_SENDFILE, in, 0, sv[0], 0, 1, 1)->splice_flags = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_splice(r, RURING_OP_SENDFILE, -1, 0, sv[0], 0, 1, 1);
	ASSERT_RESULT(r, -EBADF);
	prep_splice(r, RURING_OP_SENDFILE, in, 0, -1, 0, 1, 1);
	ASSERT_RESULT(r, -EBADF);
	close(sv[1]);
	prep_splice(r, RURING_OP_SENDFILE, in, 0, sv[0], 0, 3, 1);
	prep_splice(r, RURING_OP_SENDFILE, in, 0, sv[0], 0, 3, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 2));
	ASSERT_EQ(2, ring_drain(r));
	close(sv[0]);
	close(fds[0]);
	close(fds[1]);
	close(in);
}

TEST_HARNESS_MAIN
