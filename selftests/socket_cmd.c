// SPDX-License-Identifier: GPL-2.0
/*
 * URING_CMD on sockets: options, queues, names.
 */
#include <netinet/tcp.h>

#define RING_MODES
#include "fixture.h"

static struct io_uring_sqe *prep_cmd(struct ring *r, int fd, unsigned int op)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_URING_CMD, fd, NULL, 0, 1);

	sqe->cmd_op = op;
	return sqe;
}

static struct io_uring_sqe *prep_option(struct ring *r, int fd, unsigned int op,
					int level, int name, void *value,
					int len)
{
	struct io_uring_sqe *sqe = prep_cmd(r, fd, op);

	sqe->level = level;
	sqe->optname = name;
	sqe->optval = (unsigned long)value;
	sqe->optlen = len;
	return sqe;
}

static struct io_uring_sqe *prep_name(struct ring *r, int fd, void *addr,
				      socklen_t *len, int peer)
{
	struct io_uring_sqe *sqe = prep_cmd(r, fd, SOCKET_URING_OP_GETSOCKNAME);

	sqe->addr = (unsigned long)addr;
	sqe->addr3 = (unsigned long)len;
	sqe->optlen = peer;
	return sqe;
}

TEST_F(ring, command_options)
{
	struct ring *r = &self->ring;
	int sv[2], value = 0, other[2] = { 1, 0x5a5a5a5a };
	socklen_t len = sizeof(value);

	ASSERT_EQ(0, tcp_pair(sv));
	prep_option(r, sv[0], SOCKET_URING_OP_SETSOCKOPT, SOL_SOCKET,
		    SO_KEEPALIVE, other, sizeof(int));
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(0, getsockopt(sv[0], SOL_SOCKET, SO_KEEPALIVE, &value, &len));
	EXPECT_EQ(1, value);
	prep_option(r, sv[0], SOCKET_URING_OP_SETSOCKOPT, IPPROTO_TCP,
		    TCP_NODELAY, other, sizeof(int));
	ASSERT_RESULT(r, 0);
	value = 0;
	ASSERT_EQ(0, getsockopt(sv[0], IPPROTO_TCP, TCP_NODELAY, &value, &len));
	EXPECT_EQ(1, value);

	value = 0;
	prep_option(r, sv[0], SOCKET_URING_OP_GETSOCKOPT, SOL_SOCKET,
		    SO_KEEPALIVE, &value, sizeof(value));
	ASSERT_RESULT(r, sizeof(value));
	EXPECT_EQ(1, value);
	/* No more is written than there is room for. */
	other[0] = 0;
	prep_option(r, sv[0], SOCKET_URING_OP_GETSOCKOPT, SOL_SOCKET,
		    SO_TYPE, other, sizeof(other));
	ASSERT_RESULT(r, sizeof(int));
	EXPECT_EQ(SOCK_STREAM, other[0]);
	EXPECT_EQ(0x5a5a5a5a, other[1]);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, command_queues)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	prep_cmd(r, sv[0], SOCKET_URING_OP_SIOCINQ);
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(5, send(sv[1], "12345", 5, 0));
	prep_cmd(r, sv[0], SOCKET_URING_OP_SIOCINQ);
	ASSERT_RESULT(r, 5);
	prep_cmd(r, sv[0], SOCKET_URING_OP_SIOCOUTQ);
	ASSERT_RESULT(r, 0);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, command_names)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr, want;
	socklen_t len = sizeof(addr);
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	ASSERT_EQ(0, getsockname(sv[0], (void *)&want, &len));
	prep_name(r, sv[0], &addr, &len, 0);
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(sizeof(addr), len);
	EXPECT_EQ(0, memcmp(&want, &addr, len));
	ASSERT_EQ(0, getpeername(sv[0], (void *)&want, &len));
	prep_name(r, sv[0], &addr, &len, 1);
	ASSERT_RESULT(r, 0);
	EXPECT_EQ(0, memcmp(&want, &addr, len));

	prep_name(r, sv[0], &addr, &len, 2);
	ASSERT_RESULT(r, -EINVAL);
	prep_name(r, sv[0], &addr, &len, 0)->len = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_name(r, sv[0], &addr, NULL, 0);
	ASSERT_RESULT(r, -EFAULT);
	len = -1;
	prep_name(r, sv[0], &addr, &len, 0);
	ASSERT_RESULT(r, -EINVAL);
	close(sv[1]);
	close(sv[0]);
}

TEST_F(ring, command_that_there_is_not)
{
	struct ring *r = &self->ring;
	int fds[2], sv[2], value = 1;

	ASSERT_EQ(0, tcp_pair(sv));
	ASSERT_EQ(0, pipe(fds));
	prep_cmd(r, sv[0], 12345);
	ASSERT_RESULT(r, -EOPNOTSUPP);
	/* It wants completions of 32 bytes. */
	prep_cmd(r, sv[0], SOCKET_URING_OP_TX_TIMESTAMP);
	ASSERT_RESULT(r, -EINVAL);
	prep_cmd(r, fds[0], SOCKET_URING_OP_SIOCINQ);
	ASSERT_RESULT(r, -EOPNOTSUPP);
	prep_cmd(r, -1, SOCKET_URING_OP_SIOCINQ);
	ASSERT_RESULT(r, -EBADF);
	prep_option(r, sv[0], SOCKET_URING_OP_GETSOCKOPT, IPPROTO_TCP,
		    TCP_NODELAY, &value, sizeof(value));
	ASSERT_RESULT(r, -EOPNOTSUPP);
	prep_option(r, sv[0], SOCKET_URING_OP_SETSOCKOPT, SOL_SOCKET,
		    SO_KEEPALIVE, &value, -1);
	ASSERT_RESULT(r, -EINVAL);
	prep_option(r, sv[0], SOCKET_URING_OP_SETSOCKOPT, SOL_SOCKET,
		    SO_KEEPALIVE, (void *)1, sizeof(value));
	ASSERT_RESULT(r, -EFAULT);
	prep_option(r, sv[0], SOCKET_URING_OP_GETSOCKOPT, SOL_SOCKET,
		    SO_KEEPALIVE, (void *)1, sizeof(value));
	ASSERT_RESULT(r, -EFAULT);
	prep_cmd(r, sv[0], SOCKET_URING_OP_SIOCINQ)->uring_cmd_flags = 4;
	ASSERT_RESULT(r, -EINVAL);
	prep_cmd(r, sv[0], SOCKET_URING_OP_SIOCINQ)->__pad1 = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_cmd(r, sv[0], SOCKET_URING_OP_SIOCINQ)->uring_cmd_flags =
		IORING_URING_CMD_MULTISHOT;
	ASSERT_RESULT(r, -EINVAL);
	prep_cmd(r, sv[0], SOCKET_URING_OP_SIOCINQ)->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(r, -EINVAL);
	prep_cmd(r, sv[0], SOCKET_URING_OP_SIOCINQ)->ioprio = 1;
	ASSERT_RESULT(r, -EINVAL);
	close(fds[0]);
	close(fds[1]);
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
