// SPDX-License-Identifier: GPL-2.0
/*
 * CLOSE.
 */
#define RING_MODES
#include "fixture.h"
#include "fuse.h"
#include <signal.h>
#include <sys/wait.h>

static struct io_uring_sqe *prep_close(struct ring *ring, int fd)
{
	return prep(ring, IORING_OP_CLOSE, fd, NULL, 0, 1);
}

TEST_F(ring, closes_the_descriptor)
{
	int sv[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_close(&self->ring, sv[0]);
	ASSERT_RESULT(&self->ring, 0);
	EXPECT_FALSE(fd_is_open(sv[0]));
	EXPECT_EQ(0, read(sv[1], &c, 1));
}

TEST_F(ring, closes_once)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_close(&self->ring, sv[0]);
	prep_close(&self->ring, sv[0]);
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 0, 0);
	ASSERT_CQE(&self->ring, 1, -EBADF, 0);
}

TEST_F(ring, closes_what_was_accepted)
{
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr);
	int client = tcp_connect(&addr);
	struct io_uring_cqe cqe;
	char c;

	ASSERT_LE(0, client);
	prep_accept(&self->ring, listener, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	ASSERT_LE(0, cqe.res);
	prep_close(&self->ring, cqe.res);
	ASSERT_RESULT(&self->ring, 0);
	EXPECT_EQ(0, recv(client, &c, 1, 0));
}

TEST_F(ring, no_such_descriptor)
{
	prep_close(&self->ring, -1);
	ASSERT_RESULT(&self->ring, -EBADF);
	prep_close(&self->ring, 12345);
	ASSERT_RESULT(&self->ring, -EBADF);
}

TEST_F(ring, rings_are_spared)
{
	struct ring other;

	prep_close(&self->ring, self->ring.fd);
	ASSERT_RESULT(&self->ring, -EBADF);
	EXPECT_TRUE(fd_is_open(self->ring.fd));

	ASSERT_EQ(0, ring_init(&other, variant->backend, 4, 0));
	prep_close(&self->ring, other.fd);
	ASSERT_RESULT(&self->ring, -EBADF);
	EXPECT_TRUE(fd_is_open(other.fd));
	ring_exit(&other);
}

TEST_F(ring, requests_on_the_file_go_on)
{
	int sv[2];
	char c = 0;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(&self->ring, sv[0], &c, 1, 2);
	prep_close(&self->ring, sv[0]);
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 0, 0);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 2, 1, 0);
	EXPECT_EQ('x', c);
}

TEST_F(ring, fields_it_does_not_use)
{
	struct ring *r = &self->ring;
	int fd = dup(STDERR_FILENO);

	prep_close(r, fd)->off = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_close(r, fd)->addr = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_close(r, fd)->len = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_close(r, fd)->rw_flags = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_close(r, fd)->buf_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_close(r, fd)->file_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_close(r, fd)->ioprio = 1;
	ASSERT_RESULT(r, -EINVAL);
	EXPECT_TRUE(fd_is_open(fd));
}

/* What a file server says to it is the result; the descriptor is gone nevertheless. */
TEST_F(ring, says_what_the_file_server_says)
{
	char path[] = "/run/ruring-close-XXXXXX";
	int fd, fuse, temporary = mkstemp(path);
	pid_t server;

	ASSERT_LE(0, temporary);
	close(temporary);
	fuse = fuse_mount(path);
	ASSERT_LE(0, fuse);
	server = fork();
	ASSERT_LE(0, server);
	if (!server) {
		fuse_serve(fuse, FUSE_FLUSH, -EIO);
		_exit(0);
	}
	close(fuse);
	fd = open(path, O_RDWR);
	EXPECT_LE(0, fd);
	prep_close(&self->ring, fd);
	EXPECT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, -EIO, 0);
	EXPECT_FALSE(fd_is_open(fd));
	fuse_unmount(path);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

TEST_HARNESS_MAIN
