// SPDX-License-Identifier: GPL-2.0
/*
 * SENDMSG, and SEND of a vector.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <sys/uio.h>

#define RING_MODES
#include "fixture.h"

static struct io_uring_sqe *prep_sendmsg(struct ring *r, int fd,
					 const struct msghdr *msg,
					 __u64 user_data)
{
	return prep(r, IORING_OP_SENDMSG, fd, msg, 1, user_data);
}

static struct io_uring_sqe *prep_sendv(struct ring *r, int fd,
				       const struct iovec *iov,
				       unsigned int count, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_SEND, fd, iov, count,
					user_data);

	sqe->ioprio = IORING_SEND_VECTORIZED;
	return sqe;
}

TEST_F(ring, sendmsg_gathers_a_vector)
{
	struct iovec iov[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
	char buf[8] = {};
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_sendmsg(&self->ring, sv[0], &msg, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(1, ring_ready(&self->ring));
	ASSERT_CQE(&self->ring, 1, 5, 0);
	ASSERT_EQ(5, read(sv[1], buf, sizeof(buf)));
	EXPECT_STREQ("abcde", buf);
}

TEST_F(ring, sendmsg_of_a_single_piece_and_of_none)
{
	struct iovec iov = { "abc", 3 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	char buf[8] = {};
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_DGRAM, sv));
	prep_sendmsg(&self->ring, sv[0], &msg, 1);
	ASSERT_RESULT(&self->ring, 3);
	ASSERT_EQ(3, read(sv[1], buf, sizeof(buf)));
	EXPECT_STREQ("abc", buf);
	msg.msg_iovlen = 0;
	prep_sendmsg(&self->ring, sv[0], &msg, 1);
	ASSERT_RESULT(&self->ring, 0);
	EXPECT_EQ(0, recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT));
}

TEST_F(ring, sendmsg_to_a_name)
{
	struct sockaddr_in to, from;
	struct iovec iov = { "abc", 3 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_name = &to,
		.msg_namelen = sizeof(to),
	};
	char buf[8] = {};
	int in, out;

	in = udp_socket(&to);
	ASSERT_LE(0, in);
	out = udp_socket(&from);
	ASSERT_LE(0, out);
	prep_sendmsg(&self->ring, out, &msg, 1);
	ASSERT_RESULT(&self->ring, 3);
	ASSERT_EQ(3, read(in, buf, sizeof(buf)));
	EXPECT_STREQ("abc", buf);
	/* a length without a name is none */
	msg.msg_name = NULL;
	prep_sendmsg(&self->ring, out, &msg, 1);
	ASSERT_RESULT(&self->ring, -EDESTADDRREQ);
	msg.msg_name = &to;
	msg.msg_namelen = 0;
	prep_sendmsg(&self->ring, out, &msg, 1);
	ASSERT_RESULT(&self->ring, -EDESTADDRREQ);
	msg.msg_namelen = -1;
	prep_sendmsg(&self->ring, out, &msg, 1);
	ASSERT_RESULT(&self->ring, -EINVAL);
	/* one that is too long is cut */
	msg.msg_namelen = 1000;
	msg.msg_name = (void *)1;
	prep_sendmsg(&self->ring, out, &msg, 1);
	ASSERT_RESULT(&self->ring, -EFAULT);
}

TEST_F(ring, sendmsg_reads_header_and_vector_at_submission)
{
	static char big[1 << 16];
	struct iovec iov[2] = { { "abc", 3 }, { "de", 2 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	char buf[8] = {};
	ssize_t full;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	full = fill_socket(sv[0]);
	ASSERT_LT(0, full);
	prep_sendmsg(&self->ring, sv[0], &msg, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	memset(iov, 0xff, sizeof(iov));
	memset(&msg, 0xff, sizeof(msg));
	ASSERT_QUIET(&self->ring);
	while (full > 0) {
		ssize_t len = (size_t)full < sizeof(big) ? full : (ssize_t)sizeof(big);

		len = read(sv[1], big, len);
		ASSERT_LT(0, len);
		full -= len;
	}
	ASSERT_CQE(&self->ring, 1, 5, 0);
	ASSERT_EQ(5, read(sv[1], buf, sizeof(buf)));
	EXPECT_STREQ("abcde", buf);
}

/* A descriptor in the control messages arrives with the data. */
struct rights {
	size_t control[CMSG_SPACE(32 * sizeof(int)) / sizeof(size_t)];
	struct msghdr msg;
};

static struct cmsghdr *rights_head(struct rights *r)
{
	return (struct cmsghdr *)r->control;
}

static void rights_init(struct rights *r, struct iovec *iov, size_t iovlen,
			const int *fds, unsigned int count)
{
	memset(r, 0, sizeof(*r));
	r->msg.msg_iov = iov;
	r->msg.msg_iovlen = iovlen;
	r->msg.msg_control = r->control;
	r->msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
	rights_head(r)->cmsg_len = CMSG_LEN(count * sizeof(int));
	rights_head(r)->cmsg_level = SOL_SOCKET;
	rights_head(r)->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(rights_head(r)), fds, count * sizeof(int));
}

/* Receive @len bytes; the descriptors that come with them, or -errno. */
static int take_rights(int sock, void *buf, size_t len, int *fds)
{
	struct iovec iov = { buf, len };
	struct rights r = {};
	unsigned int count;

	r.msg.msg_iov = &iov;
	r.msg.msg_iovlen = 1;
	r.msg.msg_control = r.control;
	r.msg.msg_controllen = sizeof(r.control);
	if (recvmsg(sock, &r.msg, 0) < 0)
		return -errno;
	if (r.msg.msg_controllen < CMSG_LEN(sizeof(int)))
		return 0;
	count = (rights_head(&r)->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(rights_head(&r)), count * sizeof(int));
	return count;
}

TEST_F(ring, sendmsg_passes_a_descriptor)
{
	struct iovec iov = { "x", 1 };
	int sv[2], pipefd[2], fd = -1;
	struct rights r;
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pipe(pipefd));
	rights_init(&r, &iov, 1, &pipefd[1], 1);
	prep_sendmsg(&self->ring, sv[0], &r.msg, 1);
	ASSERT_RESULT(&self->ring, 1);
	ASSERT_EQ(1, take_rights(sv[1], &c, 1, &fd));
	EXPECT_EQ('x', c);
	ASSERT_EQ(1, write(fd, "y", 1));
	ASSERT_EQ(1, read(pipefd[0], &c, 1));
	EXPECT_EQ('y', c);
	/* what the program passed in is as it was */
	EXPECT_EQ(CMSG_LEN(sizeof(int)), rights_head(&r)->cmsg_len);
	EXPECT_EQ(CMSG_SPACE(sizeof(int)), r.msg.msg_controllen);
}

TEST_F(ring, sendmsg_passes_many_descriptors)
{
	struct iovec iov = { "x", 1 };
	int fds[32], got[32], sv[2], i;
	struct rights r;
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_DGRAM, sv));
	for (i = 0; i < 32; i++)
		fds[i] = sv[i & 1];
	rights_init(&r, &iov, 1, fds, 32);
	prep_sendmsg(&self->ring, sv[0], &r.msg, 1);
	ASSERT_RESULT(&self->ring, 1);
	ASSERT_EQ(32, take_rights(sv[1], &c, 1, got));
	for (i = 0; i < 32; i++)
		EXPECT_EQ(0, close(got[i]));
}

TEST_F(ring, sendmsg_passes_a_descriptor_after_it_has_waited)
{
	struct iovec iov = { "x", 1 };
	int sv[2], fd = -1;
	struct rights r;
	ssize_t full;
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	full = fill_socket(sv[0]);
	ASSERT_LT(0, full);
	rights_init(&r, &iov, 1, &sv[0], 1);
	prep_sendmsg(&self->ring, sv[0], &r.msg, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	while (full > 0) {
		char buf[4096];
		ssize_t len = recv(sv[1], buf, full < 4096 ? full : 4096, 0);

		ASSERT_LT(0, len);
		full -= len;
	}
	ASSERT_CQE(&self->ring, 1, 1, 0);
	ASSERT_EQ(1, take_rights(sv[1], &c, 1, &fd));
	EXPECT_EQ('x', c);
	EXPECT_TRUE(fd_is_open(fd));
}

TEST_F(ring, sendmsg_with_control_messages_that_are_wrong)
{
	struct iovec iov = { "x", 1 };
	int sv[2], bad = 12345;
	struct rights r;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	rights_init(&r, &iov, 1, &bad, 1);
	prep_sendmsg(&self->ring, sv[0], &r.msg, 1);
	ASSERT_RESULT(&self->ring, -EBADF);
	rights_init(&r, &iov, 1, &sv[0], 1);
	rights_head(&r)->cmsg_len = 1000;
	prep_sendmsg(&self->ring, sv[0], &r.msg, 1);
	ASSERT_RESULT(&self->ring, -EINVAL);
	r.msg.msg_control = (void *)16;
	prep_sendmsg(&self->ring, sv[0], &r.msg, 1);
	ASSERT_RESULT(&self->ring, -EFAULT);
	r.msg.msg_controllen = 1000;
	prep_sendmsg(&self->ring, sv[0], &r.msg, 1);
	ASSERT_RESULT(&self->ring, -EFAULT);
	/* more than a socket may have, and more than an int can say */
	r.msg.msg_controllen = 1 << 30;
	prep_sendmsg(&self->ring, sv[0], &r.msg, 1);
	ASSERT_RESULT(&self->ring, -ENOBUFS);
	r.msg.msg_controllen = (size_t)INT_MAX + 1;
	prep_sendmsg(&self->ring, sv[0], &r.msg, 1);
	ASSERT_RESULT(&self->ring, -ENOBUFS);
	EXPECT_EQ(0, drain_socket(sv[1]));
}

/* What waits for room goes on where it stopped, without the control messages. */
TEST_F(ring, sendmsg_of_all)
{
	static char big[4 << 20], back[sizeof(big)];
	struct iovec iov[2] = {
		{ big, 1000 },
		{ big + 1000, sizeof(big) - 1000 },
	};
	struct io_uring_cqe cqe;
	int sv[2], fd = -1;
	size_t i, sum = 0;
	struct rights r;
	unsigned int passed = 0;

	for (i = 0; i < sizeof(big); i++)
		big[i] = i * 7 + (i >> 12);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	rights_init(&r, iov, 2, &sv[0], 1);
	prep_sendmsg(&self->ring, sv[0], &r.msg, 1)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	while (sum < sizeof(back)) {
		int ret = take_rights(sv[1], back + sum, 4096, &fd);

		ASSERT_LE(0, ret);
		passed += ret;
		sum += 4096;
		if (ret > 0)
			close(fd);
		ASSERT_LE(0, ring_run(&self->ring));
		/* the last one may be shorter than what there was room for */
		if (sum == sizeof(back))
			break;
	}
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ((int)sizeof(big), cqe.res);
	EXPECT_EQ(1, passed);
	EXPECT_EQ(0, memcmp(big, back, sizeof(big)));
}

TEST_F(ring, sendmsg_flags)
{
	struct iovec iov = { "abc", 3 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct io_uring_sqe *sqe;
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_sendmsg(r, sv[0], &msg, 1)->ioprio = IORING_RECVSEND_POLL_FIRST;
	ASSERT_RESULT(r, 3);
	/* it is a vector anyway */
	prep_sendmsg(r, sv[0], &msg, 1)->ioprio = IORING_SEND_VECTORIZED;
	ASSERT_RESULT(r, 3);
	prep_sendmsg(r, sv[0], &msg, 1)->ioprio = IORING_RECVSEND_BUNDLE;
	ASSERT_RESULT(r, -EINVAL);
	prep_sendmsg(r, sv[0], &msg, 1)->ioprio = IORING_RECV_MULTISHOT;
	ASSERT_RESULT(r, -EINVAL);
	prep_sendmsg(r, sv[0], &msg, 1)->ioprio = IORING_RECVSEND_FIXED_BUF;
	ASSERT_RESULT(r, -EINVAL);
	prep_sendmsg(r, sv[0], &msg, 1)->addr2 = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_sendmsg(r, sv[0], &msg, 1)->file_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep_sendmsg(r, sv[0], &msg, 1);
	sqe->len = 1u << 31;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep_sendmsg(r, sv[0], &msg, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(r, -EOPNOTSUPP);
	ASSERT_LT(0, fill_socket(sv[0]));
	prep_sendmsg(r, sv[0], &msg, 1)->msg_flags = MSG_DONTWAIT;
	ASSERT_RESULT(r, -EAGAIN);
	close(sv[1]);
	/* no signal */
	prep_sendmsg(r, sv[0], &msg, 1);
	ASSERT_RESULT(r, -EPIPE);
}

TEST_F(ring, sendmsg_of_what_is_not_there)
{
	struct iovec iov = { "abc", 3 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct ring *r = &self->ring;
	int sv[2], pipefd[2];

	ASSERT_EQ(0, pipe(pipefd));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_sendmsg(r, pipefd[1], &msg, 1);
	ASSERT_RESULT(r, -ENOTSOCK);
	prep_sendmsg(r, 12345, &msg, 1);
	ASSERT_RESULT(r, -EBADF);
	prep_sendmsg(r, sv[0], (void *)16, 1);
	ASSERT_RESULT(r, -EFAULT);
	msg.msg_iovlen = 1025;
	prep_sendmsg(r, sv[0], &msg, 1);
	ASSERT_RESULT(r, -EMSGSIZE);
	msg.msg_iovlen = 1;
	iov.iov_len = -1;
	prep_sendmsg(r, sv[0], &msg, 1);
	ASSERT_RESULT(r, -EINVAL);
	iov = (struct iovec){ (void *)(1ul << 63), 1 };
	prep_sendmsg(r, sv[0], &msg, 1);
	ASSERT_RESULT(r, -EFAULT);
	iov.iov_base = (void *)16;
	prep_sendmsg(r, sv[0], &msg, 1);
	ASSERT_RESULT(r, -EFAULT);
	msg.msg_iov = (void *)16;
	prep_sendmsg(r, sv[0], &msg, 1);
	ASSERT_RESULT(r, -EFAULT);
	EXPECT_EQ(0, drain_socket(sv[1]));
}

TEST_F(ring, sendmsg_is_cancelled)
{
	struct iovec iov = { "abc", 3 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	unsigned int seen = 0;
	int sv[2], i;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_LT(0, fill_socket(sv[0]));
	prep_sendmsg(&self->ring, sv[0], &msg, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	prep_cancel(&self->ring, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		struct io_uring_cqe cqe;

		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		EXPECT_EQ(cqe.user_data == 1 ? -ECANCELED : 0, cqe.res);
		seen |= cqe.user_data;
	}
	EXPECT_EQ(3, seen);
}

TEST_F(ring, send_of_a_vector)
{
	struct iovec iov[3] = { { "ab", 2 }, { "c", 1 }, { "de", 2 } };
	struct ring *r = &self->ring;
	char buf[8] = {};
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_sendv(r, sv[0], iov, 3, 1);
	ASSERT_RESULT(r, 5);
	ASSERT_EQ(5, read(sv[1], buf, sizeof(buf)));
	EXPECT_STREQ("abcde", buf);
	prep_sendv(r, sv[0], iov, 1, 1)->ioprio |= IORING_RECVSEND_POLL_FIRST;
	ASSERT_RESULT(r, 2);
	ASSERT_EQ(2, drain_socket(sv[1]));
	prep_sendv(r, sv[0], iov, 0, 1);
	ASSERT_RESULT(r, 0);
	prep_sendv(r, sv[0], iov, 1025, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_sendv(r, sv[0], (void *)16, 2, 1);
	ASSERT_RESULT(r, -EFAULT);
	iov[2].iov_len = -1;
	prep_sendv(r, sv[0], iov, 3, 1);
	ASSERT_RESULT(r, -EINVAL);
}

TEST_F(ring, send_of_a_vector_to_an_address)
{
	struct iovec iov[2] = { { "ab", 2 }, { "c", 1 } };
	struct sockaddr_in to, from;
	struct io_uring_sqe *sqe;
	char buf[8] = {};
	int in, out;

	in = udp_socket(&to);
	ASSERT_LE(0, in);
	out = udp_socket(&from);
	ASSERT_LE(0, out);
	sqe = prep_sendv(&self->ring, out, iov, 2, 1);
	sqe->addr2 = (uintptr_t)&to;
	sqe->addr_len = sizeof(to);
	ASSERT_RESULT(&self->ring, 3);
	ASSERT_EQ(3, read(in, buf, sizeof(buf)));
	EXPECT_STREQ("abc", buf);
}

TEST_F(ring, send_of_all_of_a_vector)
{
	static char big[2 << 20], back[sizeof(big)];
	struct iovec iov[64];
	struct io_uring_cqe cqe;
	size_t i, sum = 0;
	int sv[2];

	for (i = 0; i < sizeof(big); i++)
		big[i] = i * 5 + (i >> 11);
	for (i = 0; i < 64; i++) {
		iov[i].iov_base = big + i * (sizeof(big) / 64);
		iov[i].iov_len = sizeof(big) / 64;
	}
	ASSERT_EQ(0, tcp_pair(sv));
	prep_sendv(&self->ring, sv[0], iov, 64, 1)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(&self->ring));
	memset(iov, 0xff, sizeof(iov));
	while (sum < sizeof(back)) {
		ssize_t len = recv(sv[1], back + sum, sizeof(back) - sum,
				   MSG_DONTWAIT);

		if (len > 0)
			sum += len;
		else
			ASSERT_EQ(EAGAIN, errno);
		ASSERT_LE(0, ring_run(&self->ring));
	}
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ((int)sizeof(big), cqe.res);
	EXPECT_EQ(0, memcmp(big, back, sizeof(big)));
}

TEST_HARNESS_MAIN
