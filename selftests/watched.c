// SPDX-License-Identifier: GPL-2.0
/*
 * Who watches a file by inotify(7) is told of what a ring does with it, as of what system calls do.
 */
#include <fcntl.h>
#include <linux/ruring.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "check.h"

#define NAME	"build/watched"

/* What has happened to the file since it was asked last. */
static unsigned int seen(int watch)
{
	/* those of a file that is watched itself have no name */
	struct inotify_event event;
	unsigned int mask = 0;

	while (read(watch, &event, sizeof(event)) == sizeof(event))
		mask |= event.mask;
	return mask;
}

static struct io_uring_sqe *prep_splice(struct ring *r, unsigned int op, int in, __u64 from, int out,
					__u64 to, unsigned int len)
{
	struct io_uring_sqe *sqe = prep(r, op, out, NULL, len, 1);

	sqe->splice_fd_in = in;
	sqe->splice_off_in = from;
	sqe->off = to;
	return sqe;
}

FIXTURE(watched) {
	struct ring ring;
	int fd, watch, pipe[2];
};

FIXTURE_VARIANT(watched) {
	enum backend backend;
	/* Done by workers. */
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(watched, ruring) { .backend = RURING };
FIXTURE_VARIANT_ADD(watched, io_uring) { .backend = IO_URING };
FIXTURE_VARIANT_ADD(watched, ruring_async) { .backend = RURING, .flags = IOSQE_ASYNC };
FIXTURE_VARIANT_ADD(watched, io_uring_async) { .backend = IO_URING, .flags = IOSQE_ASYNC };

FIXTURE_SETUP(watched)
{
	ASSERT_EQ(0, ring_init(&self->ring, variant->backend, 16, 0));
	unlink(NAME);
	self->fd = open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(4, write(self->fd, "abcd", 4));
	self->watch = inotify_init1(IN_NONBLOCK);
	ASSERT_LE(0, inotify_add_watch(self->watch, NAME, IN_ALL_EVENTS));
	ASSERT_EQ(0, pipe(self->pipe));
	ASSERT_EQ(0, seen(self->watch));
}

FIXTURE_TEARDOWN(watched)
{
	ring_exit(&self->ring);
	close(self->fd);
	close(self->watch);
	close(self->pipe[0]);
	close(self->pipe[1]);
	unlink(NAME);
}

#define ASSERT_SEEN(sqe, result, mask) do {				\
	(sqe)->flags = variant->flags;					\
	ASSERT_RESULT(&self->ring, result);				\
	ASSERT_EQ((unsigned int)(mask), seen(self->watch));		\
} while (0)

TEST_F(watched, transfers)
{
	struct ring *r = &self->ring;
	char buf[8];
	struct iovec iov = { buf, 2 };

	ASSERT_SEEN(prep(r, IORING_OP_READ, self->fd, buf, 4, 1), 4, IN_ACCESS);
	ASSERT_SEEN(prep(r, IORING_OP_READV, self->fd, &iov, 1, 1), 2, IN_ACCESS);
	ASSERT_SEEN(prep(r, IORING_OP_WRITE, self->fd, "xy", 2, 1), 2, IN_MODIFY);
	ASSERT_SEEN(prep(r, IORING_OP_WRITEV, self->fd, &iov, 1, 1), 2, IN_MODIFY);
	ASSERT_SEEN(prep_splice(r, IORING_OP_SPLICE, self->fd, 0, self->pipe[1], -1, 3), 3, IN_ACCESS);
	ASSERT_SEEN(prep_splice(r, IORING_OP_SPLICE, self->pipe[0], -1, self->fd, 0, 3), 3, IN_MODIFY);
}

TEST_F(watched, changes)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;

	sqe = prep(r, IORING_OP_FALLOCATE, self->fd, (void *)4096, 0, 1);
	ASSERT_SEEN(sqe, 0, IN_MODIFY);
	sqe = prep(r, IORING_OP_FTRUNCATE, self->fd, NULL, 0, 1);
	sqe->off = 8;
	ASSERT_SEEN(sqe, 0, IN_MODIFY);
	sqe = prep(r, IORING_OP_OPENAT, AT_FDCWD, NAME, 0, 1);
	sqe->flags = variant->flags;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 1));
	ASSERT_EQ(1, ring_drain(r));
	EXPECT_EQ(IN_OPEN, seen(self->watch));
	ASSERT_SEEN(prep(r, IORING_OP_UNLINKAT, AT_FDCWD, NAME, 0, 1), 0, IN_ATTRIB);
}

/* What only ruring has: as sendfile(2). */
TEST_F(watched, sent_to_a_socket)
{
	struct ring *r = &self->ring;
	int sv[2];

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	ASSERT_EQ(0, tcp_pair(sv));
	ASSERT_SEEN(prep_splice(r, RURING_OP_SENDFILE, self->fd, 0, sv[0], 0, 4), 4, IN_ACCESS);
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
