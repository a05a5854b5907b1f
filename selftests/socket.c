// SPDX-License-Identifier: GPL-2.0
/*
 * SOCKET, BIND, LISTEN, CONNECT, SHUTDOWN, and the commands for sockets.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/un.h>

#define RING_MODES
#include "fixture.h"

static void prep_socket(struct ring *r, int domain, int type, int protocol)
{
	prep(r, IORING_OP_SOCKET, domain, NULL, protocol, 1)->off = type;
}

static struct io_uring_sqe *prep_bind(struct ring *r, int fd, const void *addr,
				      socklen_t len)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_BIND, fd, addr, 0, 1);

	sqe->addr2 = len;
	return sqe;
}

static struct io_uring_sqe *prep_listen(struct ring *r, int fd, int backlog)
{
	return prep(r, IORING_OP_LISTEN, fd, NULL, backlog, 1);
}

static struct io_uring_sqe *prep_connect(struct ring *r, int fd,
					 const void *addr, socklen_t len)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_CONNECT, fd, addr, 0, 1);

	sqe->addr2 = len;
	return sqe;
}

static struct io_uring_sqe *prep_shutdown(struct ring *r, int fd, int how)
{
	return prep(r, IORING_OP_SHUTDOWN, fd, NULL, how, 1);
}

static struct sockaddr_in loopback(in_port_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = port,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* An address nobody listens on. */
static struct sockaddr_in nobody(void)
{
	struct sockaddr_in addr;

	close(tcp_listen(&addr));
	return addr;
}

TEST_F(ring, socket_is_made)
{
	struct io_uring_cqe cqe;
	int type, fd = next_fd();
	socklen_t len = sizeof(type);

	prep_socket(&self->ring, AF_INET, SOCK_DGRAM, IPPROTO_UDP);
	ASSERT_RESULT(&self->ring, fd);
	ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len));
	EXPECT_EQ(SOCK_DGRAM, type);
	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL));

	prep_socket(&self->ring, AF_UNIX,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(fd + 1, cqe.res);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd + 1, F_GETFD));
	EXPECT_EQ(O_RDWR | O_NONBLOCK, fcntl(fd + 1, F_GETFL));
	close(fd + 1);
	close(fd);
}

TEST_F(ring, socket_that_there_is_not)
{
	struct ring *r = &self->ring;
	int fd = next_fd();

	prep_socket(r, -1, SOCK_STREAM, 0);
	ASSERT_RESULT(r, -EAFNOSUPPORT);
	prep_socket(r, 12345, SOCK_STREAM, 0);
	ASSERT_RESULT(r, -EAFNOSUPPORT);
	prep_socket(r, AF_INET, 12, 0);
	ASSERT_RESULT(r, -EINVAL);
	prep_socket(r, AF_INET, SOCK_STREAM, IPPROTO_UDP);
	ASSERT_RESULT(r, -EPROTONOSUPPORT);
	prep_socket(r, AF_INET, SOCK_STREAM | 0x10, 0);
	ASSERT_RESULT(r, -EINVAL);
	prep(r, IORING_OP_SOCKET, AF_INET, r, 0, 1)->off = SOCK_STREAM;
	ASSERT_RESULT(r, -EINVAL);
	prep(r, IORING_OP_SOCKET, AF_INET, NULL, 0, 1)->rw_flags = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep(r, IORING_OP_SOCKET, AF_INET, NULL, 0, 1)->buf_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	EXPECT_EQ(fd, next_fd());
}

/* A server and a client, from the socket on. */
TEST_F(ring, connection_from_scratch)
{
	struct sockaddr_in addr = loopback(0);
	socklen_t len = sizeof(addr);
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int fd = next_fd();
	char buf[4] = {};
	int i, seen = 0, peer = -1;

	prep_socket(r, AF_INET, SOCK_STREAM, 0);
	ASSERT_RESULT(r, fd);
	prep_bind(r, fd, &addr, sizeof(addr));
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(0, getsockname(fd, (struct sockaddr *)&addr, &len));
	EXPECT_NE(0, addr.sin_port);
	prep_listen(r, fd, 8);
	ASSERT_RESULT(r, 0);
	prep_socket(r, AF_INET, SOCK_STREAM, 0);
	ASSERT_RESULT(r, fd + 1);
	prep_accept(r, fd, 2);
	prep_connect(r, fd + 1, &addr, sizeof(addr));
	ASSERT_EQ(2, ring_submit(r));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		seen |= cqe.user_data;
		if (cqe.user_data == 2)
			peer = cqe.res;
		else
			EXPECT_EQ(0, cqe.res);
	}
	EXPECT_EQ(3, seen);
	EXPECT_EQ(fd + 2, peer);
	ASSERT_EQ(3, write(fd + 1, "abc", 3));
	ASSERT_EQ(3, read(peer, buf, sizeof(buf)));
	EXPECT_STREQ("abc", buf);
	for (i = 0; i < 3; i++)
		close(fd + i);
}

TEST_F(ring, bind_fails)
{
	struct sockaddr_in addr, other;
	struct ring *r = &self->ring;
	int fd, used, pipefd[2];

	ASSERT_EQ(0, pipe(pipefd));
	used = tcp_listen(&addr);
	ASSERT_LE(0, used);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	prep_bind(r, fd, &addr, sizeof(addr));
	ASSERT_RESULT(r, -EADDRINUSE);
	prep_bind(r, fd, &addr, 4);
	ASSERT_RESULT(r, -EINVAL);
	prep_bind(r, fd, &addr, 129);
	ASSERT_RESULT(r, -EINVAL);
	prep_bind(r, fd, &addr, -1);
	ASSERT_RESULT(r, -EINVAL);
	prep_bind(r, fd, (void *)16, sizeof(addr));
	ASSERT_RESULT(r, -EFAULT);
	other = loopback(0);
	other.sin_addr.s_addr = htonl(0x08080808);
	prep_bind(r, fd, &other, sizeof(other));
	ASSERT_RESULT(r, -EADDRNOTAVAIL);
	prep_bind(r, pipefd[0], &addr, sizeof(addr));
	ASSERT_RESULT(r, -ENOTSOCK);
	prep_bind(r, 12345, &addr, sizeof(addr));
	ASSERT_RESULT(r, -EBADF);
	prep_bind(r, fd, &addr, sizeof(addr))->len = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_bind(r, fd, &addr, sizeof(addr))->rw_flags = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_bind(r, fd, &addr, sizeof(addr))->file_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_bind(r, fd, &addr, sizeof(addr))->ioprio = 1;
	ASSERT_RESULT(r, -EINVAL);
	other = loopback(0);
	prep_bind(r, fd, &other, sizeof(other));
	ASSERT_RESULT(r, 0);
}

TEST_F(ring, bind_to_a_path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct ring *r = &self->ring;
	int listener, fd;

	/* a directory that can be written, and is gone with the test */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/tmp", "tmpfs", 0, NULL))
		SKIP(return, "no file system of its own");
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/socket");
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	prep_bind(r, listener, &addr, sizeof(addr));
	ASSERT_RESULT(r, 0);
	EXPECT_EQ(0, access(addr.sun_path, F_OK));
	prep_bind(r, fd, &addr, sizeof(addr));
	ASSERT_RESULT(r, -EADDRINUSE);
	prep_connect(r, fd, &addr, sizeof(addr));
	ASSERT_RESULT(r, -ECONNREFUSED);
	prep_listen(r, listener, 1);
	ASSERT_RESULT(r, 0);
	prep_connect(r, fd, &addr, sizeof(addr));
	ASSERT_RESULT(r, 0);
	prep_connect(r, fd, &addr, sizeof(addr));
	ASSERT_RESULT(r, -EISCONN);
	EXPECT_EQ(0, unlink(addr.sun_path));
	/* a name without a path is chosen by the kernel */
	prep_bind(r, fd, &addr, sizeof(addr.sun_family));
	ASSERT_RESULT(r, 0);
	close(fd);
	close(listener);
}

TEST_F(ring, listen_fails)
{
	struct ring *r = &self->ring;
	int udp, tcp, pipefd[2];
	struct sockaddr_in addr;

	ASSERT_EQ(0, pipe(pipefd));
	udp = udp_socket(&addr);
	tcp = tcp_listen(&addr);
	prep_listen(r, udp, 1);
	ASSERT_RESULT(r, -EOPNOTSUPP);
	prep_listen(r, pipefd[0], 1);
	ASSERT_RESULT(r, -ENOTSOCK);
	prep_listen(r, 12345, 1);
	ASSERT_RESULT(r, -EBADF);
	/* again, with another backlog; more than there may be */
	prep_listen(r, tcp, -1);
	ASSERT_RESULT(r, 0);
	prep_listen(r, tcp, 1)->addr = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_listen(r, tcp, 1)->addr2 = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_listen(r, tcp, 1)->rw_flags = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_listen(r, tcp, 1)->file_index = 1;
	ASSERT_RESULT(r, -EINVAL);
}

TEST_F(ring, connect_is_refused)
{
	struct sockaddr_in addr = nobody();
	struct ring *r = &self->ring;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int nonblock = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	prep_connect(r, fd, &addr, sizeof(addr));
	ASSERT_RESULT(r, -ECONNREFUSED);
	prep_connect(r, nonblock, &addr, sizeof(addr));
	ASSERT_RESULT(r, -ECONNREFUSED);
}

TEST_F(ring, connect_of_a_nonblocking_socket)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr);

	ASSERT_LE(0, listener);
	prep_connect(r, fd, &addr, sizeof(addr));
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(3, write(fd, "abc", 3));
	prep_connect(r, fd, &addr, sizeof(addr));
	ASSERT_RESULT(r, -EISCONN);
}

TEST_F(ring, connect_of_a_datagram_socket)
{
	struct sockaddr_in addr, from;
	struct ring *r = &self->ring;
	int in = udp_socket(&addr), out = udp_socket(&from);
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	prep_connect(r, out, &addr, sizeof(addr));
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(3, write(out, "abc", 3));
	ASSERT_EQ(3, drain_socket(in));
	prep_connect(r, out, &none, sizeof(none));
	ASSERT_RESULT(r, 0);
	EXPECT_EQ(-1, write(out, "abc", 3));
	EXPECT_EQ(EDESTADDRREQ, errno);
}

TEST_F(ring, connect_with_arguments_that_are_wrong)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr = nobody();
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int pipefd[2];

	ASSERT_EQ(0, pipe(pipefd));
	prep_connect(r, pipefd[0], &addr, sizeof(addr));
	ASSERT_RESULT(r, -ENOTSOCK);
	prep_connect(r, 12345, &addr, sizeof(addr));
	ASSERT_RESULT(r, -EBADF);
	prep_connect(r, fd, (void *)16, sizeof(addr));
	ASSERT_RESULT(r, -EFAULT);
	prep_connect(r, fd, &addr, 129);
	ASSERT_RESULT(r, -EINVAL);
	prep_connect(r, fd, &addr, -1);
	ASSERT_RESULT(r, -EINVAL);
	prep_connect(r, fd, &addr, 0);
	ASSERT_RESULT(r, -EINVAL);
	prep_connect(r, fd, &addr, 8);
	ASSERT_RESULT(r, -EINVAL);
	prep_connect(r, fd, &addr, sizeof(addr))->len = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_connect(r, fd, &addr, sizeof(addr))->rw_flags = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_connect(r, fd, &addr, sizeof(addr))->buf_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_connect(r, fd, &addr, sizeof(addr))->file_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_connect(r, fd, &addr, sizeof(addr))->ioprio = 1;
	ASSERT_RESULT(r, -EINVAL);
}

/* The listener's queue is full: the handshake does not end until there is room. */
static int stalled_connect(struct sockaddr_in *addr, int *listener)
{
	*listener = tcp_listen(addr);
	if (*listener < 0 || listen(*listener, 0) || tcp_connect(addr) < 0)
		return -1;
	return socket(AF_INET, SOCK_STREAM, 0);
}

TEST_F(ring, connect_waits_and_is_cancelled)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	struct io_uring_cqe cqe;
	int listener, i, seen = 0;
	int fd = stalled_connect(&addr, &listener);

	ASSERT_LE(0, fd);
	prep_connect(r, fd, &addr, sizeof(addr));
	ASSERT_EQ(1, ring_submit(r));
	memset(&addr, 0xff, sizeof(addr));
	ASSERT_QUIET(r);
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(cqe.user_data == 1 ? -ECANCELED : 0, cqe.res);
		seen |= cqe.user_data;
	}
	EXPECT_EQ(3, seen);
}

TEST_F(ring, connect_waits_for_the_other_end)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	int listener;
	int fd = stalled_connect(&addr, &listener);

	ASSERT_LE(0, fd);
	prep_connect(r, fd, &addr, sizeof(addr));
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	/* room, which the next try of the handshake finds */
	ASSERT_LE(0, accept(listener, NULL, NULL));
	ASSERT_CQE(r, 1, 0, 0);
	EXPECT_EQ(1, write(fd, "x", 1));
}

TEST_F(ring, connect_then_send)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr), peer;
	char buf[8] = {};

	ASSERT_LE(0, listener);
	prep_connect(r, fd, &addr, sizeof(addr))->flags = IOSQE_IO_LINK;
	prep_send(r, fd, "abc", 3, 2)->flags = IOSQE_IO_LINK;
	prep_shutdown(r, fd, SHUT_WR)->user_data = 3;
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	ASSERT_CQE(r, 2, 3, 0);
	ASSERT_CQE(r, 3, 0, 0);
	peer = accept(listener, NULL, NULL);
	ASSERT_LE(0, peer);
	ASSERT_EQ(3, read(peer, buf, sizeof(buf)));
	EXPECT_STREQ("abc", buf);
	EXPECT_EQ(0, read(peer, buf, sizeof(buf)));
}

TEST_F(ring, refused_connect_breaks_the_link)
{
	struct sockaddr_in addr = nobody();
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct ring *r = &self->ring;

	prep_connect(r, fd, &addr, sizeof(addr))->flags = IOSQE_IO_LINK;
	prep_send(r, fd, "abc", 3, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, -ECONNREFUSED, 0);
	ASSERT_CQE(r, 2, -ECANCELED, 0);
}

TEST_F(ring, shutdown_of_one_direction)
{
	struct ring *r = &self->ring;
	char buf[4];
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	ASSERT_EQ(3, write(sv[0], "abc", 3));
	prep_shutdown(r, sv[0], SHUT_WR);
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(3, read(sv[1], buf, sizeof(buf)));
	EXPECT_EQ(0, read(sv[1], buf, sizeof(buf)));
	EXPECT_EQ(-1, send(sv[0], "x", 1, MSG_NOSIGNAL));
	EXPECT_EQ(EPIPE, errno);
	ASSERT_EQ(1, write(sv[1], "y", 1));
	EXPECT_EQ(1, read(sv[0], buf, sizeof(buf)));
}

TEST_F(ring, shutdown_ends_a_receive)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int sv[2], i, seen = 0;
	char buf[4];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(r, sv[0], buf, sizeof(buf), 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	prep_shutdown(r, sv[0], SHUT_RDWR);
	ASSERT_EQ(1, ring_submit(r));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(0, cqe.res);
		seen |= cqe.user_data;
	}
	EXPECT_EQ(3, seen);
}

TEST_F(ring, shutdown_fails)
{
	struct ring *r = &self->ring;
	int sv[2], pipefd[2], fd;

	ASSERT_EQ(0, pipe(pipefd));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	prep_shutdown(r, fd, SHUT_RDWR);
	ASSERT_RESULT(r, -ENOTCONN);
	prep_shutdown(r, sv[0], 3);
	ASSERT_RESULT(r, -EINVAL);
	prep_shutdown(r, sv[0], -1);
	ASSERT_RESULT(r, -EINVAL);
	prep_shutdown(r, pipefd[0], SHUT_RDWR);
	ASSERT_RESULT(r, -ENOTSOCK);
	prep_shutdown(r, 12345, SHUT_RDWR);
	ASSERT_RESULT(r, -EBADF);
	prep_shutdown(r, sv[0], SHUT_RDWR)->off = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_shutdown(r, sv[0], SHUT_RDWR)->addr = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_shutdown(r, sv[0], SHUT_RDWR)->rw_flags = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_shutdown(r, sv[0], SHUT_RDWR)->file_index = 1;
	ASSERT_RESULT(r, -EINVAL);
}

TEST_HARNESS_MAIN
