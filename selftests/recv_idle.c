// SPDX-License-Identifier: GPL-2.0
/*
 * Receives that find no data: only one for which recvmsg(2) would wait does so. Errors, ends and
 * arguments that are wrong are told at once, also where the queue of the socket is empty.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RING_MODES
#include "fixture.h"

#define NOWHERE		((void *)0xffff888000000000)
#define WAITS		1000

/* How RECV and RECVMSG alike end on @fd; WAITS if they do not. */
static int receive(struct ring *ring, int fd, int msg_flags)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	static char buf[8];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int i, res[2];

	for (i = 0; i < 2; i++) {
		if (i)
			sqe = prep(ring, IORING_OP_RECVMSG, fd, &msg, 1, 1);
		else
			sqe = prep_recv(ring, fd, buf, sizeof(buf), 1);
		sqe->msg_flags = msg_flags;
		if (ring_submit_and_run(ring) != 1)
			return -1000;
		if (ring_peek(ring, &cqe)) {
			res[i] = cqe.res;
			continue;
		}
		res[i] = WAITS;
		prep_cancel(ring, 1, 0, 2);
		if (ring_submit(ring) != 1 || ring_wait(ring, 2))
			return -1001;
		ring_drain(ring);
	}
	return res[0] == res[1] ? res[0] : -1002;
}

TEST_F(ring, not_connected)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	struct sockaddr_in addr;
	int fd;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(-ENOTCONN, receive(&self->ring, fd, 0));
	close(fd);
	fd = tcp_listen(&addr);
	EXPECT_EQ(-ENOTCONN, receive(&self->ring, fd, 0));
	close(fd);
	fd = socket(AF_UNIX, types[0], 0);
	EXPECT_EQ(-EINVAL, receive(&self->ring, fd, 0));
	close(fd);
	fd = socket(AF_UNIX, types[1], 0);
	EXPECT_EQ(-ENOTCONN, receive(&self->ring, fd, 0));
	close(fd);
	/* these can have something without a connection */
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	EXPECT_EQ(WAITS, receive(&self->ring, fd, 0));
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(WAITS, receive(&self->ring, fd, 0));
	close(fd);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	if (fd >= 0)
		EXPECT_EQ(WAITS, receive(&self->ring, fd, 0));
	close(fd);
}

/* The flags that look elsewhere, or do not wait. */
TEST_F(ring, where_else)
{
	int sv[2], kind;

	for (kind = 0; kind < 3; kind++) {
		ASSERT_EQ(0, kind == 0 ? tcp_pair(sv) :
			     kind == 1 ? unix_pair(SOCK_STREAM, sv) :
			     inet_pair(AF_INET, SOCK_DGRAM, sv));
		EXPECT_EQ(WAITS, receive(&self->ring, sv[0], 0));
		EXPECT_EQ(WAITS, receive(&self->ring, sv[0], MSG_PEEK));
		EXPECT_EQ(WAITS, receive(&self->ring, sv[0], MSG_WAITALL | MSG_TRUNC));
		EXPECT_EQ(-EAGAIN, receive(&self->ring, sv[0], MSG_DONTWAIT));
		if (kind != 2)
			EXPECT_EQ(-EINVAL, receive(&self->ring, sv[0], MSG_OOB));
		close(sv[0]);
		close(sv[1]);
	}
	ASSERT_EQ(0, unix_pair(SOCK_DGRAM, sv));
	EXPECT_EQ(-EOPNOTSUPP, receive(&self->ring, sv[0], MSG_OOB));
	close(sv[0]);
	close(sv[1]);
}

/* One's own shutdown, that of the peer, its end, and its reset. */
TEST_F(ring, ends)
{
	int sv[2], how, stream;

	for (stream = 0; stream < 2; stream++) {
		for (how = 0; how < 3; how++) {
			ASSERT_EQ(0, stream ? unix_pair(SOCK_STREAM, sv) : tcp_pair(sv));
			if (how == 0)
				shutdown(sv[0], SHUT_RD);
			else if (how == 1)
				shutdown(sv[1], SHUT_WR);
			else
				close(sv[1]);
			EXPECT_EQ(0, receive(&self->ring, sv[0], 0));
			close(sv[0]);
			if (how != 2)
				close(sv[1]);
		}
	}
	ASSERT_EQ(0, unix_pair(SOCK_SEQPACKET, sv));
	close(sv[1]);
	EXPECT_EQ(0, receive(&self->ring, sv[0], 0));
	close(sv[0]);
}

TEST_F(ring, errors)
{
	struct io_uring_cqe cqe;
	struct sockaddr_in addr;
	char c;
	int sv[2], fd;

	ASSERT_EQ(0, tcp_pair(sv));
	tcp_reset(sv[1]);
	prep_recv(&self->ring, sv[0], &c, 1, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(-ECONNRESET, cqe.res);
	close(sv[0]);
	/* nobody is at the port any more, of which only the error tells */
	fd = udp_socket(&addr);
	sv[0] = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(0, connect(sv[0], (struct sockaddr *)&addr, sizeof(addr)));
	close(fd);
	ASSERT_EQ(1, send(sv[0], "x", 1, 0));
	prep_recv(&self->ring, sv[0], &c, 1, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(-ECONNREFUSED, cqe.res);
	close(sv[0]);
}

/* What is wrong is told, although there is nothing to receive. */
TEST_F(ring, arguments)
{
	struct pbuf pb;
	int sv[2], i;

	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 3, 4, 64));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, i ? inet_pair(AF_INET, SOCK_DGRAM, sv) : tcp_pair(sv));
		prep_recv(&self->ring, sv[0], NOWHERE, 10, 1);
		ASSERT_RESULT(&self->ring, -EFAULT);
		prep_recv_select(&self->ring, sv[0], 0, 3, 1);
		ASSERT_RESULT(&self->ring, -ENOBUFS);
		prep_recv_multi(&self->ring, sv[0], 3, 1);
		ASSERT_RESULT(&self->ring, -ENOBUFS);
		prep_recv_select(&self->ring, sv[0], 0, 4, 1);
		ASSERT_RESULT(&self->ring, -ENOBUFS);
		close(sv[0]);
		close(sv[1]);
	}
	pbuf_exit(&pb);
}

/* A multishot request gets each datagram, and the error behind them. */
TEST_F(ring, burst_and_error)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	struct io_uring_cqe cqe;
	struct pbuf pb;
	int to, from, i;

	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 3, 16, 64));
	pbuf_fill(&pb);
	to = udp_socket(&addr);
	from = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(0, connect(from, (struct sockaddr *)&addr, sizeof(addr)));
	ASSERT_EQ(0, getsockname(from, (struct sockaddr *)&addr, &len));
	ASSERT_EQ(0, connect(to, (struct sockaddr *)&addr, sizeof(addr)));
	prep_recv_multi(&self->ring, to, 3, 1);
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(i + 1, send(from, "0123456789", i + 1, 0));
	close(from);
	ASSERT_EQ(1, send(to, "x", 1, 0));
	for (i = 0; i < 11; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		if (cqe.res < 0)
			break;
		EXPECT_EQ(cqe.res, i + 1);
	}
	EXPECT_EQ(-ECONNREFUSED, cqe.res);
	EXPECT_FALSE(cqe.flags & IORING_CQE_F_MORE);
	close(to);
	pbuf_exit(&pb);
}

TEST_HARNESS_MAIN
