// SPDX-License-Identifier: GPL-2.0
/*
 * SEND, RECV and RECVMSG, one completion each.
 */
#include <arpa/inet.h>
#include <signal.h>

#define RING_MODES
#include "fixture.h"

#define NONEMPTY	IORING_CQE_F_SOCK_NONEMPTY

TEST_F(ring, recv_of_what_is_there)
{
	char buf[8] = {};
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(5, write(sv[1], "hello", 5));
	prep_recv(&self->ring, sv[0], buf, sizeof(buf), 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(1, ring_ready(&self->ring));
	ASSERT_CQE(&self->ring, 1, 5, 0);
	EXPECT_STREQ("hello", buf);
}

TEST_F(ring, recv_waits)
{
	char buf[8] = {};
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(&self->ring, sv[0], buf, sizeof(buf), 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(5, write(sv[1], "hello", 5));
	ASSERT_CQE(&self->ring, 1, 5, 0);
	EXPECT_STREQ("hello", buf);
}

TEST_F(ring, recv_says_whether_more_is_waiting)
{
	char buf[4];
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	ASSERT_EQ(6, write(sv[1], "abcdef", 6));
	prep_recv(&self->ring, sv[0], buf, 4, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 4, NONEMPTY);
	prep_recv(&self->ring, sv[0], buf, 4, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 2, 0);
}

TEST_F(ring, recv_of_several_waits_in_order)
{
	char buf[3] = {};
	unsigned int i, sum = 0;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_SEQPACKET, sv));
	for (i = 0; i < 3; i++)
		prep_recv(&self->ring, sv[0], &buf[i], 1, 1u << i);
	ASSERT_EQ(3, ring_submit(&self->ring));
	for (i = 0; i < 3; i++) {
		struct io_uring_cqe cqe;

		ASSERT_EQ(1, write(sv[1], &"abc"[i], 1));
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		EXPECT_EQ(1, cqe.res);
		sum += cqe.user_data;
		ASSERT_QUIET(&self->ring);
	}
	EXPECT_EQ(7, sum);
	EXPECT_EQ('a' + 'b' + 'c', buf[0] + buf[1] + buf[2]);
}

/* A receive of nine bytes has got four, and waits for more. */
static void begin_recv_of_all(struct __test_metadata *_metadata, struct ring *r, int sv[2],
			      char buf[10])
{
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(r, sv[0], buf, 9, 1)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(4, write(sv[1], "abcd", 4));
	ASSERT_QUIET(r);
}

TEST_F(ring, recv_of_all)
{
	struct io_uring_cqe cqe;
	char buf[10] = {};
	int sv[2];

	begin_recv_of_all(_metadata, &self->ring, sv, buf);
	ASSERT_EQ(2, write(sv[1], "ef", 2));
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(4, write(sv[1], "ghij", 4));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(1, cqe.user_data);
	EXPECT_EQ(9, cqe.res);
	EXPECT_STREQ("abcdefghi", buf);
	EXPECT_EQ(1, drain_socket(sv[0]));
}

TEST_F(ring, recv_of_all_until_the_end_of_stream)
{
	struct io_uring_cqe cqe;
	char buf[10] = {};
	int sv[2];

	begin_recv_of_all(_metadata, &self->ring, sv, buf);
	close(sv[1]);
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(1, cqe.user_data);
	EXPECT_EQ(4, cqe.res);
	EXPECT_STREQ("abcd", buf);
}

/* One that was to get all and could not is no success that goes without saying. */
TEST_F(ring, short_recv_of_all_is_told)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	char buf[10] = {};
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_DGRAM, sv));
	ASSERT_EQ(4, write(sv[1], "abcd", 4));
	sqe = prep_recv(&self->ring, sv[0], buf, 9, 1);
	sqe->msg_flags = MSG_WAITALL;
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(1, cqe.user_data);
	EXPECT_EQ(4, cqe.res);
}

TEST_F(ring, recv_flags)
{
	char buf[8];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(&self->ring, sv[0], buf, 8, 1)->msg_flags = MSG_DONTWAIT;
	ASSERT_RESULT(&self->ring, -EAGAIN);
	ASSERT_EQ(3, write(sv[1], "abc", 3));
	prep_recv(&self->ring, sv[0], buf, 8, 1)->msg_flags = MSG_PEEK;
	ASSERT_RESULT(&self->ring, 3);
	prep_recv(&self->ring, sv[0], buf, 8, 1)->ioprio = IORING_RECVSEND_POLL_FIRST;
	ASSERT_RESULT(&self->ring, 3);
}

TEST_F(ring, recv_of_a_datagram_that_is_too_long)
{
	char buf[4];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_DGRAM, sv));
	ASSERT_EQ(10, write(sv[1], "0123456789", 10));
	ASSERT_EQ(10, write(sv[1], "0123456789", 10));
	prep_recv(&self->ring, sv[0], buf, 4, 1);
	ASSERT_RESULT(&self->ring, 4);
	prep_recv(&self->ring, sv[0], buf, 4, 1)->msg_flags = MSG_TRUNC;
	ASSERT_RESULT(&self->ring, 10);
	EXPECT_EQ(0, memcmp(buf, "0123", 4));
}

TEST_F(ring, recv_at_the_end_of_stream)
{
	char c;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(&self->ring, sv[0], &c, 1, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	close(sv[1]);
	ASSERT_CQE(&self->ring, 1, 0, 0);
}

TEST_F(ring, recv_on_a_reset_connection)
{
	char c;
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	prep_recv(&self->ring, sv[0], &c, 1, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, tcp_reset(sv[1]));
	ASSERT_CQE(&self->ring, 1, -ECONNRESET, 0);
}

TEST_F(ring, bad_recv)
{
	struct ring *r = &self->ring;
	int sv[2], pipes[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	prep_recv(r, -1, &c, 1, 1);
	ASSERT_RESULT(r, -EBADF);
	prep_recv(r, pipes[0], &c, 1, 1);
	ASSERT_RESULT(r, -ENOTSOCK);
	prep_recv(r, sv[0], (void *)4096, 1, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_recv(r, sv[0], (void *)0xffff888000000000, 1, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_recv(r, sv[0], &c, 0x80000000, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_recv(r, sv[0], &c, 1, 1)->addr2 = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_recv(r, sv[0], &c, 1, 1)->optlen = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_recv(r, sv[0], &c, 1, 1)->ioprio = 1u << 5;
	ASSERT_RESULT(r, -EINVAL);
	prep_recv(r, sv[0], &c, 1, 1)->ioprio = 1u << 15;
	ASSERT_RESULT(r, -EINVAL);
	/* none of them has taken the byte */
	prep_recv(r, sv[0], &c, 1, 1);
	ASSERT_RESULT(r, 1);
}

TEST_F(ring, send_is_done_at_once)
{
	char buf[8] = {};
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_send(&self->ring, sv[1], "hello", 5, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(1, ring_ready(&self->ring));
	ASSERT_CQE(&self->ring, 1, 5, 0);
	ASSERT_EQ(5, read(sv[0], buf, sizeof(buf)));
	EXPECT_STREQ("hello", buf);
}

TEST_F(ring, send_waits_for_room)
{
	char big[4096];
	ssize_t filled, drained;
	int sv[2];

	memset(big, 7, sizeof(big));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	filled = fill_socket(sv[1]);
	ASSERT_LT(0, filled);
	prep_send(&self->ring, sv[1], big, sizeof(big), 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	drained = drain_socket(sv[0]);
	ASSERT_CQE(&self->ring, 1, sizeof(big), 0);
	drained += drain_socket(sv[0]);
	EXPECT_EQ(filled + (ssize_t)sizeof(big), drained);
}

TEST_F(ring, send_of_all)
{
	size_t size = 1 << 20, got = 0;
	char *out = malloc(size), *in = malloc(size);
	size_t i;
	int sv[2];

	for (i = 0; i < size; i++)
		out[i] = i % 251;
	ASSERT_EQ(0, tcp_pair(sv));
	prep_send(&self->ring, sv[1], out, size, 1)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(&self->ring));
	while (got < size) {
		ssize_t ret = recv(sv[0], in + got, size - got, MSG_DONTWAIT);

		if (ret > 0)
			got += ret;
		else
			ASSERT_LE(0, ring_run(&self->ring));
	}
	EXPECT_EQ(0, memcmp(out, in, size));
	ASSERT_CQE(&self->ring, 1, size, 0);
	free(in);
	free(out);
}

TEST_F(ring, send_flags)
{
	char big[4096] = {};
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_send(&self->ring, sv[1], "x", 1, 1)->ioprio = IORING_RECVSEND_POLL_FIRST;
	ASSERT_RESULT(&self->ring, 1);
	ASSERT_LT(0, fill_socket(sv[1]));
	prep_send(&self->ring, sv[1], big, sizeof(big), 1)->msg_flags = MSG_DONTWAIT;
	ASSERT_RESULT(&self->ring, -EAGAIN);
}

TEST_F(ring, send_to_nobody_raises_no_signal)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	close(sv[0]);
	/* SIGPIPE would end the test */
	prep_send(&self->ring, sv[1], "x", 1, 1);
	ASSERT_RESULT(&self->ring, -EPIPE);
}

TEST_F(ring, send_to_an_address)
{
	struct sockaddr_in addr;
	struct io_uring_sqe *sqe;
	int rx, tx;
	char c;

	rx = udp_socket(&addr);
	tx = socket(AF_INET, SOCK_DGRAM, 0);
	sqe = prep_send(&self->ring, tx, "u", 1, 1);
	sqe->addr2 = (uintptr_t)&addr;
	sqe->addr_len = sizeof(addr);
	ASSERT_RESULT(&self->ring, 1);
	ASSERT_EQ(1, recv(rx, &c, 1, 0));
	EXPECT_EQ('u', c);

	prep_send(&self->ring, tx, "u", 1, 1);
	ASSERT_RESULT(&self->ring, -EDESTADDRREQ);
}

TEST_F(ring, bad_send)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int sv[2], pipes[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pipe(pipes));
	prep_send(r, -1, "x", 1, 1);
	ASSERT_RESULT(r, -EBADF);
	prep_send(r, pipes[1], "x", 1, 1);
	ASSERT_RESULT(r, -ENOTSOCK);
	prep_send(r, sv[1], (void *)4096, 1, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_send(r, sv[1], "x", 0x80000000, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_send(r, sv[1], "x", 1, 1)->ioprio = 1u << 7;
	ASSERT_RESULT(r, -EINVAL);
	prep_send(r, sv[1], "x", 1, 1)->__pad3[0] = 1;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep_send(r, sv[1], "x", 1, 1);
	sqe->addr2 = 4096;
	sqe->addr_len = 16;
	ASSERT_RESULT(r, -EFAULT);
	sqe = prep_send(r, sv[1], "x", 1, 1);
	sqe->addr2 = (uintptr_t)&sqe;
	sqe->addr_len = 1000;
	ASSERT_RESULT(r, -EINVAL);
	EXPECT_EQ(0, drain_socket(sv[0]));
}

static struct io_uring_sqe *prep_recvmsg(struct ring *r, int fd,
					 struct msghdr *msg, __u64 user_data)
{
	return prep(r, IORING_OP_RECVMSG, fd, msg, 1, user_data);
}

TEST_F(ring, recvmsg_fills_a_vector)
{
	char a[3] = {}, b[8] = {};
	struct iovec iov[2] = { { a, 2 }, { b, 7 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recvmsg(&self->ring, sv[0], &msg, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	/* the vector was read, the memory it names is written */
	memset(iov, 0xff, sizeof(iov));
	ASSERT_EQ(5, write(sv[1], "abcde", 5));
	ASSERT_CQE(&self->ring, 1, 5, 0);
	EXPECT_STREQ("ab", a);
	EXPECT_STREQ("cde", b);
}

TEST_F(ring, recvmsg_of_a_long_vector)
{
	struct iovec iov[64];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 64 };
	char buf[64] = {};
	unsigned int i;
	int sv[2];

	for (i = 0; i < 64; i++)
		iov[i] = (struct iovec){ &buf[63 - i], 1 };
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recvmsg(&self->ring, sv[0], &msg, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(4, write(sv[1], "abcd", 4));
	ASSERT_CQE(&self->ring, 1, 4, 0);
	EXPECT_EQ(0, memcmp(&buf[60], "dcba", 4));
}

TEST_F(ring, recvmsg_writes_name_control_and_flags)
{
	struct sockaddr_in rx_addr, tx_addr, name = {};
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov;
	struct msghdr msg = {
		.msg_name = &name,
		.msg_namelen = sizeof(name),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
		.msg_flags = 0x55,
	};
	struct cmsghdr *cmsg = (void *)control;
	int rx, tx, one = 1;
	char buf[4];

	iov = (struct iovec){ buf, sizeof(buf) };
	rx = udp_socket(&rx_addr);
	tx = udp_socket(&tx_addr);
	ASSERT_EQ(0, setsockopt(rx, IPPROTO_IP, IP_RECVTTL, &one, sizeof(one)));
	prep_recvmsg(&self->ring, rx, &msg, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(6, sendto(tx, "abcdef", 6, 0, (struct sockaddr *)&rx_addr,
			    sizeof(rx_addr)));
	ASSERT_CQE(&self->ring, 1, 4, 0);
	EXPECT_EQ(0, memcmp(buf, "abcd", 4));
	EXPECT_EQ(sizeof(name), msg.msg_namelen);
	EXPECT_EQ(tx_addr.sin_port, name.sin_port);
	EXPECT_EQ(sizeof(control), msg.msg_controllen);
	EXPECT_EQ(IP_TTL, cmsg->cmsg_type);
	EXPECT_EQ(MSG_TRUNC, msg.msg_flags);
}

TEST_F(ring, recvmsg_into_a_selected_buffer)
{
	struct iovec iov[2] = { { NULL, 3 }, { NULL, 3 } };
	struct msghdr msg = {};
	struct io_uring_sqe *sqe;
	struct pbuf pb;
	unsigned int i;
	int sv[2];
	static const int results[] = { 8, 3, -EINVAL };

	ASSERT_EQ(0, unix_pair(SOCK_DGRAM, sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 4, 4, 8));
	pbuf_fill(&pb);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(10, write(sv[1], "0123456789", 10));
		msg.msg_iov = iov;
		msg.msg_iovlen = i;
		sqe = prep_recvmsg(&self->ring, sv[0], &msg, 1);
		sqe->flags = IOSQE_BUFFER_SELECT;
		sqe->buf_group = 4;
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 1, results[i], i < 2 ? BUFFER_FLAGS(i) : 0);
		if (i < 2)
			EXPECT_EQ(0, memcmp(pbuf_mem(&pb, i), "01234567", results[i]));
	}
}

TEST_F(ring, bad_recvmsg)
{
	struct iovec iov = { (void *)4096, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	prep_recvmsg(r, sv[0], (void *)4096, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_recvmsg(r, sv[0], NULL, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_recvmsg(r, sv[0], &msg, 1);
	ASSERT_RESULT(r, -EFAULT);
	msg.msg_iovlen = 1025;
	prep_recvmsg(r, sv[0], &msg, 1);
	ASSERT_RESULT(r, -EMSGSIZE);
	msg.msg_iovlen = 1;
	iov.iov_len = -1;
	prep_recvmsg(r, sv[0], &msg, 1);
	ASSERT_RESULT(r, -EINVAL);
	msg.msg_iov = (void *)4096;
	msg.msg_iovlen = 3;
	prep_recvmsg(r, sv[0], &msg, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_recvmsg(r, sv[0], &msg, 1)->addr2 = 1;
	ASSERT_RESULT(r, -EINVAL);
	EXPECT_EQ(1, drain_socket(sv[0]));
}

/*
 * A receive ends behind a message with descriptors, and one that wants all goes on with the next, also if all of them are there when
 * it is woken up: nobody tells it of each.
 */
TEST_F(ring, all_of_what_comes_in_parts)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	static const char sent[8] = "abcdefg";
	struct ring *r = &self->ring;
	struct mmsghdr parts[8] = {};
	struct iovec iovs[8], iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	unsigned int i;
	char buf[8];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	memcpy(CMSG_DATA(&control.head), &sv[0], sizeof(int));
	for (i = 0; i < 8; i++) {
		iovs[i] = (struct iovec) { (void *)&sent[i], 1 };
		parts[i].msg_hdr = (struct msghdr) {
			.msg_iov = &iovs[i],
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
	}
	for (i = 0; i < 2; i++) {
		memset(buf, 0, sizeof(buf));
		iov = (struct iovec) { buf, sizeof(buf) };
		if (i)
			prep(r, IORING_OP_RECVMSG, sv[0], &msg, 1, 1)->msg_flags = MSG_WAITALL;
		else
			prep_recv(r, sv[0], buf, sizeof(buf), 1)->msg_flags = MSG_WAITALL;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_QUIET(r);
		ASSERT_EQ(8, sendmmsg(sv[1], parts, 8, 0));
		ASSERT_CQE(r, 1, 8, 0);
		EXPECT_EQ(0, memcmp(sent, buf, sizeof(buf)));
	}
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
