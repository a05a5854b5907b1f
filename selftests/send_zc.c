// SPDX-License-Identifier: GPL-2.0
/*
 * SEND_ZC and SENDMSG_ZC with two completions: the result, and a notification
 * when the buffer is free. The notification comes if and only if the result
 * has IORING_CQE_F_MORE.
 */
#include <sys/resource.h>
#include <sys/uio.h>

#define RING_MODES
#include "zc.h"

#define BIG	(1 << 20)

static char big[BIG], in[BIG];

/* The result of a send whose buffer was handed to the socket. */
#define ASSERT_SENT(ring, data, result) \
	ASSERT_CQE(ring, data, result, IORING_CQE_F_MORE)
#define ASSERT_NOTIF(ring, data) \
	ASSERT_CQE(ring, data, 0, IORING_CQE_F_NOTIF)

/* A send that has failed completes once, or, as it says itself, twice. */
#define ASSERT_FAILED(ring, data, result) do {				\
	struct io_uring_cqe _c = {};					\
	ASSERT_EQ(0, ring_take(ring, &_c));				\
	ASSERT_EQ((__u64)(data), _c.user_data);				\
	ASSERT_EQ((__s32)(result), _c.res);				\
	if (_c.flags)							\
		ASSERT_EQ(IORING_CQE_F_MORE, _c.flags);			\
	if (_c.flags)							\
		ASSERT_NOTIF(ring, data);				\
	ASSERT_QUIET(ring);						\
} while (0)

/* One that never got as far as the socket: ruring does without the second. */
#define ASSERT_REFUSED(ring, data, result) do {				\
	if ((ring)->backend == RURING) {				\
		ASSERT_CQE(ring, data, result, 0);			\
		ASSERT_QUIET(ring);					\
	} else {							\
		ASSERT_FAILED(ring, data, result);			\
	}								\
} while (0)

TEST_F(ring, probe)
{
	EXPECT_TRUE(ring_op_supported(&self->ring, IORING_OP_SEND_ZC));
	EXPECT_TRUE(ring_op_supported(&self->ring, IORING_OP_SENDMSG_ZC));
}

TEST_F(ring, send_and_notification)
{
	struct ring *r = &self->ring;
	const struct kind *k;
	unsigned int len;
	int sv[2];

	for_each_kind(k) {
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		for (len = 1; len < 30000; len = len * 7 + 1) {
			fill(big, len, len);
			prep_zc(r, sv[0], big, len, len);
			ASSERT_EQ(1, ring_submit(r));
			ASSERT_SENT(r, len, len);
			ASSERT_EQ(0, read_all(sv[1], in, len));
			ASSERT_NOTIF(r, len);
			ASSERT_TRUE(is_filled(in, len, len));
		}
		ASSERT_QUIET(r);
		close(sv[0]);
		close(sv[1]);
	}
}

TEST_F(ring, empty_send)
{
	struct ring *r = &self->ring;
	const struct kind *k;
	int sv[2];

	for_each_kind(k) {
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		prep_zc(r, sv[0], big, 0, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_SENT(r, 1, 0);
		ASSERT_NOTIF(r, 1);
		if (k->type == SOCK_DGRAM)
			ASSERT_EQ(0, recv(sv[1], in, 1, 0));
	}
}

/* The result is there as soon as the submission is over. */
TEST_F(ring, result_comes_inline)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	prep_zc(r, sv[0], big, 100, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_LE(1, ring_ready(r));
	ASSERT_SENT(r, 1, 100);
	ASSERT_NOTIF(r, 1);
}

TEST_F(ring, notification_waits_for_the_receiver)
{
	struct ring *r = &self->ring;
	const struct kind *k;
	ssize_t ahead;
	int sv[2];

	for_each_tcp(k) {
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		ahead = tcp_hold(sv);
		ASSERT_LT(0, ahead);
		fill(big, 50000, 1);
		prep_zc(r, sv[0], big, 50000, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_SENT(r, 1, 50000);
		ASSERT_QUIET(r);
		ASSERT_EQ(0, read_all(sv[1], in, ahead));
		ASSERT_EQ(0, read_all(sv[1], in, 50000));
		ASSERT_NOTIF(r, 1);
		ASSERT_TRUE(is_filled(in, 50000, 1));
	}
}

TEST_F(ring, notification_waits_for_the_device)
{
	struct ring *r = &self->ring;
	int v4[2], v6[2];

	if (lo_own())
		SKIP(return, "no network namespace");
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, v4));
	ASSERT_EQ(0, inet_pair(AF_INET6, SOCK_DGRAM, v6));
	ASSERT_EQ(0, lo_hold());
	prep_zc(r, v4[0], big, 1000, 1);
	prep_zc(r, v6[0], big, 2000, 2)->ioprio = IORING_SEND_ZC_REPORT_USAGE;
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_SENT(r, 1, 1000);
	ASSERT_SENT(r, 2, 2000);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, lo_release());
	ASSERT_EQ(0, ring_wait(r, 2));
	EXPECT_EQ(-1, recv(v4[1], in, 1, MSG_DONTWAIT));
}

/* What the application writes before the notification may still be sent. */
TEST_F(ring, pages_are_not_copied_on_the_way_in)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ahead = tcp_hold(sv);
	ASSERT_LT(0, ahead);
	fill(big, 50000, 1);
	prep_zc(r, sv[0], big, 50000, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_SENT(r, 1, 50000);
	fill(big, 50000, 2);
	ASSERT_EQ(0, read_all(sv[1], in, ahead));
	ASSERT_EQ(0, read_all(sv[1], in, 50000));
	EXPECT_TRUE(is_filled(in, 50000, 2));
	ASSERT_NOTIF(r, 1);
}

TEST_F(ring, notification_with_its_own_user_data)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	prep_zc(r, sv[0], big, 100, 1)->addr3 = 1ULL << 63;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_SENT(r, 1, 100);
	ASSERT_NOTIF(r, 1ULL << 63);
}

TEST_F(ring, usage_over_loopback_is_a_copy)
{
	struct ring *r = &self->ring;
	const struct kind *k;
	int sv[2];

	for_each_kind(k) {
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		prep_zc(r, sv[0], big, 5000, 1)->ioprio = IORING_SEND_ZC_REPORT_USAGE;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_SENT(r, 1, 5000);
		ASSERT_EQ(0, read_all(sv[1], in, 5000));
		ASSERT_CQE(r, 1, COPIED, IORING_CQE_F_NOTIF);
	}
}

/* Nothing was sent, so nothing was sent from where it is. */
TEST_F(ring, usage_of_a_failed_send)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_EQ(0, shutdown(sv[0], SHUT_WR));
	prep_zc(r, sv[0], big, 5000, 1)->ioprio = IORING_SEND_ZC_REPORT_USAGE;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_SENT(r, 1, -EPIPE);
	ASSERT_CQE(r, 1, COPIED, IORING_CQE_F_NOTIF);
}

TEST_F(ring, partial_send)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int sv[2], room = 400000;
	ssize_t ahead;

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ahead = tcp_hold(sv);
	ASSERT_LT(0, ahead);
	ASSERT_EQ(0, setsockopt(sv[0], SOL_SOCKET, SO_SNDBUFFORCE, &room,
				sizeof(room)));
	fill(big, BIG, 1);
	prep_zc(r, sv[0], big, BIG, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(IORING_CQE_F_MORE, cqe.flags);
	ASSERT_LT(0, cqe.res);
	ASSERT_GT(BIG, cqe.res);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_all(sv[1], in, ahead));
	ASSERT_EQ(0, read_all(sv[1], in, cqe.res));
	EXPECT_TRUE(is_filled(in, cqe.res, 1));
	ASSERT_NOTIF(r, 1);
	EXPECT_EQ(0, drain_socket(sv[1]));
}

static void drain_into(int fd, size_t *sum)
{
	for (;;) {
		ssize_t ret = recv(fd, in + *sum, BIG - *sum, MSG_DONTWAIT);

		if (ret <= 0)
			return;
		*sum += ret;
	}
}

TEST_F(ring, waitall_sends_all_of_it)
{
	struct ring *r = &self->ring;
	const struct kind *k;
	size_t sum;
	int sv[2];

	for_each_tcp(k) {
		int small = 1 << 14;

		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		ASSERT_EQ(0, setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &small,
					sizeof(small)));
		fill(big, BIG, 3);
		prep_zc(r, sv[0], big, BIG, 1)->msg_flags = MSG_WAITALL;
		ASSERT_EQ(1, ring_submit(r));
		/* it does not fit */
		ASSERT_EQ(0, ring_ready(r));
		for (sum = 0; !ring_ready(r); ring_run(r))
			drain_into(sv[1], &sum);
		ASSERT_SENT(r, 1, BIG);
		ASSERT_EQ(0, read_all(sv[1], in + sum, BIG - sum));
		ASSERT_NOTIF(r, 1);
		ASSERT_TRUE(is_filled(in, BIG, 3));
		ASSERT_QUIET(r);
	}
}

TEST_F(ring, waitall_that_cannot_be_finished)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int sv[2], room = 400000;

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_LT(0, tcp_hold(sv));
	/* for some of it */
	ASSERT_EQ(0, setsockopt(sv[0], SOL_SOCKET, SO_SNDBUFFORCE, &room,
				sizeof(room)));
	prep_zc(r, sv[0], big, BIG, 1)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(0, tcp_reset(sv[1]));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(IORING_CQE_F_MORE, cqe.flags);
	EXPECT_LT(0, cqe.res);
	EXPECT_GT(BIG, cqe.res);
	ASSERT_NOTIF(r, 1);
	ASSERT_QUIET(r);
}

TEST_F(ring, poll_first)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	prep_zc(r, sv[0], big, 100, 1)->ioprio = IORING_RECVSEND_POLL_FIRST;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_SENT(r, 1, 100);
	ASSERT_EQ(0, read_all(sv[1], in, 100));
	ASSERT_NOTIF(r, 1);
}

TEST_F(ring, full_socket_is_waited_for)
{
	struct ring *r = &self->ring;
	const struct kind *k;
	ssize_t full;
	int sv[2];

	for_each_tcp(k) {
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		full = tcp_full(sv);
		ASSERT_LT(0, full);
		fill(big, 3000, 4);
		prep_zc(r, sv[0], big, 3000, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_QUIET(r);
		for (; full; full -= full < BIG ? full : BIG)
			ASSERT_EQ(0, read_all(sv[1], in, full < BIG ? full : BIG));
		ASSERT_SENT(r, 1, 3000);
		ASSERT_EQ(0, read_all(sv[1], in, 3000));
		ASSERT_NOTIF(r, 1);
		ASSERT_TRUE(is_filled(in, 3000, 4));
	}
}

/* Who waits for both completions is woken up to make them. */
TEST_F(ring, wait_for_both_completions)
{
	struct ring *r = &self->ring;
	ssize_t full;
	int sv[2];
	pid_t pid;

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	full = tcp_full(sv);
	ASSERT_LT(0, full);
	prep_zc(r, sv[0], big, 100, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_ready(r));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(sv[0]);
		for (full += 100; full; full -= full < BIG ? full : BIG) {
			if (read_all(sv[1], in, full < BIG ? full : BIG))
				_exit(1);
		}
		_exit(0);
	}
	ASSERT_EQ(0, ring_wait(r, 2));
	ASSERT_SENT(r, 1, 100);
	ASSERT_NOTIF(r, 1);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
}

TEST_F(ring, dont_wait)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_LT(0, tcp_full(sv));
	prep_zc(r, sv[0], big, 100, 1)->msg_flags = MSG_DONTWAIT;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_FAILED(r, 1, -EAGAIN);
}

TEST_F(ring, destination_address)
{
	struct ring *r = &self->ring;
	struct sockaddr_storage to;
	static const int domains[] = { AF_INET, AF_INET6 };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct io_uring_sqe *sqe;
		socklen_t len;
		int peer, out;

		peer = inet_socket(domains[i], SOCK_DGRAM);
		ASSERT_LE(0, peer);
		len = inet_name(peer, &to);
		out = socket(domains[i], SOCK_DGRAM, 0);
		ASSERT_LE(0, out);
		fill(big, 700, 5);
		sqe = prep_zc(r, out, big, 700, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_FAILED(r, 1, -EDESTADDRREQ);
		sqe = prep_zc(r, out, big, 700, 1);
		sqe->addr2 = (uintptr_t)&to;
		sqe->addr_len = len;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_SENT(r, 1, 700);
		ASSERT_NOTIF(r, 1);
		ASSERT_EQ(700, recv(peer, in, BIG, 0));
		EXPECT_TRUE(is_filled(in, 700, 5));
		sqe = prep_zc(r, out, big, 700, 1);
		sqe->addr2 = (uintptr_t)&to;
		sqe->addr_len = sizeof(to) + 1;
		ASSERT_EQ(1, ring_submit_and_run(r));
		ASSERT_REFUSED(r, 1, -EINVAL);
		sqe = prep_zc(r, out, big, 700, 1);
		sqe->addr2 = 1;
		sqe->addr_len = len;
		ASSERT_EQ(1, ring_submit_and_run(r));
		ASSERT_REFUSED(r, 1, -EFAULT);
	}
}

TEST_F(ring, vector)
{
	struct ring *r = &self->ring;
	struct iovec iov[4] = {
		{ big, 1 }, { big + 1, 6000 }, { NULL, 0 }, { big + 6001, 3 },
	};
	const struct kind *k;
	int sv[2];

	for_each_kind(k) {
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		fill(big, 6004, 6);
		prep_zc(r, sv[0], iov, 4, 1)->ioprio = IORING_SEND_VECTORIZED;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_SENT(r, 1, 6004);
		ASSERT_EQ(0, read_all(sv[1], in, 6004));
		EXPECT_TRUE(is_filled(in, 6004, 6));
		ASSERT_NOTIF(r, 1);
	}
	prep_zc(r, sv[0], iov, 1025, 1)->ioprio = IORING_SEND_VECTORIZED;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_REFUSED(r, 1, -EINVAL);
	prep_zc(r, sv[0], NULL, 2, 1)->ioprio = IORING_SEND_VECTORIZED;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_REFUSED(r, 1, -EFAULT);
	iov[2].iov_len = -1;
	prep_zc(r, sv[0], iov, 4, 1)->ioprio = IORING_SEND_VECTORIZED;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_REFUSED(r, 1, -EINVAL);
}

TEST_F(ring, message)
{
	struct ring *r = &self->ring;
	struct sockaddr_storage to;
	struct iovec iov[2] = { { big, 5000 }, { big + 5000, 2000 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	const struct kind *k;
	int sv[2];

	fill(big, 7000, 7);
	for_each_kind(k) {
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		msg.msg_namelen = 0;
		if (k->type == SOCK_DGRAM) {
			msg.msg_namelen = inet_name(sv[1], &to);
			msg.msg_name = &to;
		}
		prep_msg_zc(r, sv[0], &msg, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_SENT(r, 1, 7000);
		ASSERT_EQ(0, read_all(sv[1], in, 7000));
		EXPECT_TRUE(is_filled(in, 7000, 7));
		ASSERT_NOTIF(r, 1);
	}
}

TEST_F(ring, message_is_read_at_submission)
{
	struct ring *r = &self->ring;
	struct iovec iov[2] = { { big, 5000 }, { big + 5000, 2000 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t full;
	int sv[2];

	fill(big, 7000, 8);
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	full = tcp_full(sv);
	ASSERT_LT(0, full);
	prep_msg_zc(r, sv[0], &msg, 1)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(r));
	memset(iov, 0xff, sizeof(iov));
	memset(&msg, 0xff, sizeof(msg));
	for (; full; full -= full < BIG ? full : BIG)
		ASSERT_EQ(0, read_all(sv[1], in, full < BIG ? full : BIG));
	ASSERT_SENT(r, 1, 7000);
	ASSERT_EQ(0, read_all(sv[1], in, 7000));
	EXPECT_TRUE(is_filled(in, 7000, 8));
	ASSERT_NOTIF(r, 1);
}

TEST_F(ring, message_with_control)
{
	struct ring *r = &self->ring;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = {
		.head = {
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_IP,
			.cmsg_type = IP_TOS,
		},
	}, got;
	struct iovec iov = { big, 500 }, to = { in, BIG };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct msghdr reply = {
		.msg_iov = &to,
		.msg_iovlen = 1,
		.msg_control = &got,
		.msg_controllen = sizeof(got),
	};
	int sv[2], one = 1;

	*(int *)CMSG_DATA(&control.head) = 0x20;
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	ASSERT_EQ(0, setsockopt(sv[1], SOL_IP, IP_RECVTOS, &one, sizeof(one)));
	prep_msg_zc(r, sv[0], &msg, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_SENT(r, 1, 500);
	ASSERT_NOTIF(r, 1);
	ASSERT_EQ(500, recvmsg(sv[1], &reply, 0));
	ASSERT_EQ(IP_TOS, got.head.cmsg_type);
	EXPECT_EQ(0x20, *CMSG_DATA(&got.head));
	msg.msg_control = (void *)1;
	prep_msg_zc(r, sv[0], &msg, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_FAILED(r, 1, -EFAULT);
	msg.msg_controllen = 1UL << 32;
	prep_msg_zc(r, sv[0], &msg, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_FAILED(r, 1, -ENOBUFS);
}

TEST_F(ring, bad_messages)
{
	struct ring *r = &self->ring;
	struct iovec iov = { big, 500 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1025 };
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	prep_msg_zc(r, sv[0], &msg, 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_REFUSED(r, 1, -EMSGSIZE);
	msg.msg_iovlen = 1;
	msg.msg_iov = (void *)1;
	prep_msg_zc(r, sv[0], &msg, 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_REFUSED(r, 1, -EFAULT);
	msg.msg_iov = &iov;
	msg.msg_name = big;
	msg.msg_namelen = -1;
	prep_msg_zc(r, sv[0], &msg, 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_REFUSED(r, 1, -EINVAL);
	prep_msg_zc(r, sv[0], NULL, 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_REFUSED(r, 1, -EFAULT);
	msg.msg_namelen = 0;
	prep_msg_zc(r, sv[0], &msg, 1)->addr2 = 1;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_REFUSED(r, 1, -EINVAL);
	prep_msg_zc(r, sv[0], &msg, 1)->file_index = 1;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_REFUSED(r, 1, -EINVAL);
}

TEST_F(ring, files_that_cannot)
{
	struct ring *r = &self->ring;
	int sv[2], p[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_zc(r, sv[0], big, 100, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_REFUSED(r, 1, -EOPNOTSUPP);
	ASSERT_EQ(0, pipe(p));
	prep_zc(r, p[1], big, 100, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_REFUSED(r, 1, -ENOTSOCK);
	prep_zc(r, -1, big, 100, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_REFUSED(r, 1, -EBADF);
	prep_zc(r, 0, big, 100, 1)->flags = IOSQE_FIXED_FILE;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_REFUSED(r, 1, -EBADF);
}

TEST_F(ring, every_flag)
{
	const unsigned int valid = IORING_RECVSEND_POLL_FIRST |
				   IORING_SEND_ZC_REPORT_USAGE;
	struct ring *r = &self->ring;
	unsigned int bit;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	for (bit = 0; bit < 16; bit++) {
		struct io_uring_sqe *sqe = prep_zc(r, sv[0], big, 100, 1);

		sqe->ioprio = 1U << bit;
		if (sqe->ioprio & (valid | IORING_SEND_VECTORIZED | (1 << 4)))
			sqe->ioprio |= 1 << 6;
		if (sqe->ioprio == IORING_RECVSEND_FIXED_BUF) {
			/* there is none */
			ASSERT_EQ(1, ring_submit(r));
			ASSERT_REFUSED(r, 1, -EFAULT);
			continue;
		}
		ASSERT_EQ(1, ring_submit_and_run(r));
		ASSERT_REFUSED(r, 1, -EINVAL);
	}
	for (bit = 0; bit < 16; bit++) {
		if (!(valid & 1U << bit))
			continue;
		prep_zc(r, sv[0], big, 100, 1)->ioprio = 1U << bit;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_SENT(r, 1, 100);
		ASSERT_EQ(0, ring_wait(r, 1));
		ASSERT_EQ(1, ring_drain(r));
	}
}

TEST_F(ring, fields_that_must_be_zero)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	prep_zc(r, sv[0], big, 100, 1)->__pad2[0] = 1;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_CQE(r, 1, -EINVAL, 0);
	ASSERT_QUIET(r);
	prep_zc(r, sv[0], big, 100, 1)->flags = IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_CQE(r, 1, -EINVAL, 0);
	ASSERT_QUIET(r);
	prep_zc(r, sv[0], big, 100, 1)->flags = IOSQE_BUFFER_SELECT;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_CQE(r, 1, -EOPNOTSUPP, 0);
	ASSERT_QUIET(r);
	sqe = prep_zc(r, sv[0], big, 100, 1);
	sqe->__pad3[0] = 1;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_REFUSED(r, 1, -EINVAL);
}

TEST_F(ring, addresses_that_fault)
{
	struct ring *r = &self->ring;
	const struct kind *k;
	char *pages;
	int sv[2];

	for_each_kind(k) {
		pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, pages);
		ASSERT_EQ(0, munmap(pages + 4096, 4096));
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		prep_zc(r, sv[0], pages + 4096, 100, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_FAILED(r, 1, -EFAULT);
		prep_zc(r, sv[0], (void *)(1UL << 63), 100, 1);
		ASSERT_EQ(1, ring_submit_and_run(r));
		ASSERT_FAILED(r, 1, -EFAULT);
		/* the socket is none the worse */
		prep_zc(r, sv[0], big, 100, 2);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_SENT(r, 2, 100);
		ASSERT_EQ(0, read_all(sv[1], in, 100));
		ASSERT_NOTIF(r, 2);
		munmap(pages, 4096);
	}
}

TEST_F(ring, memory_unmapped_before_the_notification)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	char *pages;
	int sv[2];

	pages = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, pages);
	fill(pages, 65536, 9);
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ahead = tcp_hold(sv);
	ASSERT_LT(0, ahead);
	prep_zc(r, sv[0], pages, 65536, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_SENT(r, 1, 65536);
	ASSERT_EQ(0, munmap(pages, 65536));
	ASSERT_EQ(0, read_all(sv[1], in, ahead));
	ASSERT_EQ(0, read_all(sv[1], in, 65536));
	EXPECT_TRUE(is_filled(in, 65536, 9));
	ASSERT_NOTIF(r, 1);
}

TEST_F(ring, cancel_before_the_first_attempt)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_LT(0, tcp_full(sv));
	prep_zc(r, sv[0], big, 100, 1)->ioprio = IORING_RECVSEND_POLL_FIRST;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_REFUSED(r, 1, -ECANCELED);
}

TEST_F(ring, cancel_after_a_vain_attempt)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_LT(0, tcp_full(sv));
	prep_zc(r, sv[0], big, 100, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_SENT(r, 1, -ECANCELED);
	ASSERT_NOTIF(r, 1);
	ASSERT_QUIET(r);
}

TEST_F(ring, cancel_in_the_middle)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int sv[2], room = 400000;
	ssize_t ahead;

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ahead = tcp_hold(sv);
	ASSERT_LT(0, ahead);
	/* for some of it */
	ASSERT_EQ(0, setsockopt(sv[0], SOL_SOCKET, SO_SNDBUFFORCE, &room,
				sizeof(room)));
	fill(big, BIG, 3);
	prep_zc(r, sv[0], big, BIG, 1)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(r));
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_EQ(0, ring_take(r, &cqe));
	ASSERT_EQ(IORING_CQE_F_MORE, cqe.flags);
	ASSERT_LT(0, cqe.res);
	ASSERT_GT(BIG, cqe.res);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_all(sv[1], in, ahead));
	ASSERT_EQ(0, read_all(sv[1], in, cqe.res));
	ASSERT_NOTIF(r, 1);
	EXPECT_TRUE(is_filled(in, cqe.res, 3));
	EXPECT_EQ(0, drain_socket(sv[1]));
}

TEST_F(ring, cancel_after_the_send)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ahead = tcp_hold(sv);
	ASSERT_LT(0, ahead);
	prep_zc(r, sv[0], big, 1000, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_SENT(r, 1, 1000);
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 2, -ENOENT, 0);
	prep_cancel(r, 0, IORING_ASYNC_CANCEL_ANY, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_all(sv[1], in, ahead));
	ASSERT_EQ(0, read_all(sv[1], in, 1000));
	ASSERT_NOTIF(r, 1);
}

TEST_F(ring, socket_closed_with_packets_in_flight)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ahead = tcp_hold(sv);
	ASSERT_LT(0, ahead);
	fill(big, 1000, 1);
	prep_zc(r, sv[0], big, 1000, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_SENT(r, 1, 1000);
	close(sv[0]);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_all(sv[1], in, ahead));
	ASSERT_EQ(0, read_all(sv[1], in, 1000));
	EXPECT_TRUE(is_filled(in, 1000, 1));
	ASSERT_NOTIF(r, 1);
}

TEST_F(ring, connection_reset_with_packets_in_flight)
{
	struct ring *r = &self->ring;
	unsigned int i;
	int sv[2];

	/* by either side */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
		ASSERT_LT(0, tcp_hold(sv));
		prep_zc(r, sv[0], big, 1000, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_SENT(r, 1, 1000);
		ASSERT_QUIET(r);
		ASSERT_EQ(0, tcp_reset(sv[i]));
		ASSERT_NOTIF(r, 1);
		ASSERT_QUIET(r);
	}
}

TEST_F(ring, closed_while_it_waits)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_LT(0, tcp_full(sv));
	prep_zc(r, sv[0], big, 1000, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(0, tcp_reset(sv[1]));
	ASSERT_SENT(r, 1, -ECONNRESET);
	ASSERT_NOTIF(r, 1);
	ASSERT_QUIET(r);
}

/* Small sends that one packet carries together each have a notification. */
TEST_F(ring, packet_of_many_sends)
{
	struct ring *r = &self->ring;
	const struct kind *k;
	struct io_uring_cqe cqe;
	unsigned int i, sent, notifs, seen;
	ssize_t ahead;
	int sv[2];

	for_each_tcp(k) {
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		ahead = tcp_hold(sv);
		ASSERT_LT(0, ahead);
		fill(big, 12 * 100, 2);
		for (i = 0; i < 12; i++)
			prep_zc(r, sv[0], big + i * 100, 100, i);
		ASSERT_EQ(12, ring_submit(r));
		for (sent = 0; sent < 12; sent++)
			ASSERT_SENT(r, sent, 100);
		ASSERT_QUIET(r);
		ASSERT_EQ(0, read_all(sv[1], in, ahead));
		ASSERT_EQ(0, read_all(sv[1], in, 1200));
		EXPECT_TRUE(is_filled(in, 1200, 2));
		seen = 0;
		for (notifs = 0; notifs < 12; notifs++) {
			ASSERT_EQ(0, ring_take(r, &cqe));
			ASSERT_EQ(IORING_CQE_F_NOTIF, cqe.flags);
			ASSERT_EQ(0, cqe.res);
			ASSERT_EQ(0, seen & 1U << cqe.user_data);
			seen |= 1U << cqe.user_data;
		}
		EXPECT_EQ(0xfff, seen);
		ASSERT_QUIET(r);
	}
}

/* So do those of several rings, and what others send in between. */
TEST_F(ring, packet_of_many_senders)
{
	struct ring *r = &self->ring, other;
	struct io_uring_cqe cqe;
	unsigned int i, one = 1;
	ssize_t ahead;
	int sv[2];

	ASSERT_EQ(0, ring_init(&other, variant->backend, 16, variant->flags));
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_EQ(0, setsockopt(sv[0], SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)));
	ahead = tcp_hold(sv);
	ASSERT_LT(0, ahead);
	fill(big, 13 * 100, 2);
	ASSERT_EQ(100, send(sv[0], big, 100, MSG_ZEROCOPY));
	for (i = 0; i < 12; i += 3) {
		char *p = big + 100 + i * 100;

		prep_zc(r, sv[0], p, 100, i);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_SENT(r, i, 100);
		prep_zc(&other, sv[0], p + 100, 100, i);
		ASSERT_EQ(1, ring_submit(&other));
		ASSERT_SENT(&other, i, 100);
		ASSERT_EQ(100, send(sv[0], p + 200, 100, 0));
	}
	ASSERT_EQ(0, read_all(sv[1], in, ahead));
	ASSERT_EQ(0, read_all(sv[1], in, 1300));
	EXPECT_TRUE(is_filled(in, 1300, 2));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_EQ(IORING_CQE_F_NOTIF, cqe.flags);
		ASSERT_EQ(0, ring_take(&other, &cqe));
		ASSERT_EQ(IORING_CQE_F_NOTIF, cqe.flags);
	}
	ASSERT_QUIET(r);
	ASSERT_QUIET(&other);
	ring_exit(&other);
}

/* More notifications than there is room for: none is lost. */
TEST_F(ring, notifications_overflow)
{
	struct ring r;
	struct io_uring_cqe cqe;
	unsigned int i, seen[2] = {};
	ssize_t ahead;
	int sv[2];

	ASSERT_EQ(0, ring_init_cq(&r, variant->backend, 4, 4, variant->flags));
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ahead = tcp_hold(sv);
	ASSERT_LT(0, ahead);
	for (i = 0; i < 24; i++) {
		/* in packets of their own, and not */
		prep_zc(&r, sv[0], big, i % 3 ? 100 : 40000, i);
		ASSERT_EQ(1, ring_submit(&r));
		ASSERT_SENT(&r, i, i % 3 ? 100 : 40000);
	}
	ASSERT_EQ(0, read_all(sv[1], in, ahead));
	ASSERT_EQ(0, read_all(sv[1], in, 8 * 40000 + 16 * 100));
	for (i = 0; i < 24; i++) {
		ASSERT_EQ(0, ring_take(&r, &cqe));
		ASSERT_EQ(IORING_CQE_F_NOTIF, cqe.flags);
		ASSERT_EQ(0, seen[0] & 1U << cqe.user_data);
		seen[0] |= 1U << cqe.user_data;
	}
	EXPECT_EQ(0xffffff, seen[0]);
	ring_exit(&r);
}

/* The next request starts when the result is there. */
TEST_F(ring, link_follows_the_result)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ahead = tcp_hold(sv);
	ASSERT_LT(0, ahead);
	prep_zc(r, sv[0], big, 1000, 1)->flags = IOSQE_IO_LINK;
	prep_zc(r, sv[0], big, 1000, 2)->flags = IOSQE_IO_LINK;
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_SENT(r, 1, 1000);
	ASSERT_SENT(r, 2, 1000);
	ASSERT_CQE(r, 3, 0, 0);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_all(sv[1], in, ahead));
	ASSERT_EQ(0, read_all(sv[1], in, 2000));
	ASSERT_EQ(0, ring_wait(r, 2));
	ASSERT_EQ(2, ring_drain(r));
}

TEST_F(ring, failure_breaks_the_link)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	unsigned int more = 0, notifs = 0;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_EQ(0, shutdown(sv[0], SHUT_WR));
	prep_zc(r, sv[0], big, 1000, 1)->flags = IOSQE_IO_LINK;
	prep_zc(r, sv[0], big, 1000, 2)->flags = IOSQE_IO_LINK;
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 4));
	while (ring_peek(r, &cqe)) {
		if (cqe.flags & IORING_CQE_F_NOTIF) {
			notifs++;
			continue;
		}
		EXPECT_EQ(cqe.user_data == 1 ? -EPIPE : -ECANCELED, cqe.res);
		more += !!(cqe.flags & IORING_CQE_F_MORE);
	}
	ASSERT_QUIET(r);
	/* io_uring forgets the mark of what it cancels */
	if (r->backend == RURING)
		EXPECT_EQ(notifs, more);
}

TEST_F(ring, forced_async)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	prep_zc(r, sv[0], big, 1000, 1)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_SENT(r, 1, 1000);
	ASSERT_NOTIF(r, 1);
}

/* The ring goes before the packets do. */
TEST_F(ring, ring_closed_with_packets_in_flight)
{
	struct ring r;
	const struct kind *k;
	unsigned int i;
	ssize_t ahead;
	int sv[2];

	for_each_tcp(k) {
		ASSERT_EQ(0, ring_init(&r, variant->backend, 4, variant->flags));
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		ahead = tcp_hold(sv);
		ASSERT_LT(0, ahead);
		fill(big, 40000, 1);
		for (i = 0; i < 4; i++) {
			prep_zc(&r, sv[0], big + i * 10000, 10000, i);
			ASSERT_EQ(1, ring_submit(&r));
			ASSERT_SENT(&r, i, 10000);
		}
		ring_exit(&r);
		ASSERT_EQ(0, read_all(sv[1], in, ahead));
		ASSERT_EQ(0, read_all(sv[1], in, 40000));
		EXPECT_TRUE(is_filled(in, 40000, 1));
		close(sv[0]);
		close(sv[1]);
	}
}

TEST_F(ring, ring_closed_in_the_middle)
{
	struct ring r;
	int sv[2], small = 1 << 14;
	struct pollfd p;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, variant->flags));
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_EQ(0, setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &small,
				sizeof(small)));
	prep_zc(&r, sv[0], big, BIG, 1)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(&r));
	ASSERT_EQ(0, ring_ready(&r));
	close(sv[0]);
	ring_exit(&r);
	/* nobody keeps the socket, so that the stream ends */
	p = (struct pollfd){ .fd = sv[1], .events = POLLRDHUP };
	while (!(p.revents & POLLRDHUP)) {
		drain_socket(sv[1]);
		ASSERT_LT(0, poll(&p, 1, DEADLINE_MS));
		p.events = POLLRDHUP | POLLIN;
	}
}

/* The task goes before the packets do; the ring stays with its parent. */
TEST_F(ring, task_killed_with_packets_in_flight)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2], status;
	pid_t pid;

	/* io_uring has its submitter wait for its packets at exit, or not */
	if (variant->backend == IO_URING || variant->flags)
		SKIP(return, "ruring's own promise");
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ahead = tcp_hold(sv);
	ASSERT_LT(0, ahead);
	fill(big, 1000, 1);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		prep_zc(r, sv[0], big, 1000, 1);
		if (ring_submit(r) != 1)
			_exit(1);
		raise(SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(SIGKILL, status);
	close(sv[0]);
	ASSERT_SENT(r, 1, 1000);
	ASSERT_EQ(0, ring_ready(r));
	ASSERT_EQ(0, read_all(sv[1], in, ahead));
	ASSERT_EQ(0, read_all(sv[1], in, 1000));
	EXPECT_TRUE(is_filled(in, 1000, 1));
	ASSERT_NOTIF(r, 1);
}

/* A user who may not lock memory for ever. */
static int limit_to(rlim_t pages)
{
	struct rlimit limit = { pages * 4096, RLIM_INFINITY };

	if (!getrlimit(RLIMIT_MEMLOCK, &limit))
		limit.rlim_cur = pages * 4096;
	return setrlimit(RLIMIT_MEMLOCK, &limit) ? -errno : 0;
}

TEST_F(ring, pinned_pages_count)
{
	const unsigned int pages = 65536 / 4096 + 2;
	struct ring r;
	unsigned int i, limit;
	ssize_t ahead;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ahead = tcp_hold(sv);
	ASSERT_LT(0, ahead);
	ASSERT_EQ(0, become_nobody());
	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, variant->flags));
	ASSERT_EQ(0, limit_to(0));
	for (i = 0; i < 3; i++) {
		prep_zc(&r, sv[0], big, 1, 1);
		ASSERT_EQ(1, ring_submit_and_run(&r));
		ASSERT_REFUSED(&r, 1, -ENOMEM);
	}
	/* what is charged already is the ring's, and others' of this user */
	for (limit = pages; limit < pages + 10000; limit++) {
		struct io_uring_cqe cqe;

		ASSERT_EQ(0, limit_to(limit));
		prep_zc(&r, sv[0], big, 65536, 1);
		ASSERT_EQ(1, ring_submit_and_run(&r));
		ASSERT_EQ(0, ring_take(&r, &cqe));
		if (cqe.res == 65536)
			break;
		ASSERT_EQ(-ENOMEM, cqe.res);
		if (cqe.flags)
			ASSERT_NOTIF(&r, 1);
	}
	/* there is room for one at a time, and for one after the other */
	for (i = 0; i < 10; i++) {
		prep_zc(&r, sv[0], big, 1, 2);
		ASSERT_EQ(1, ring_submit_and_run(&r));
		ASSERT_REFUSED(&r, 2, -ENOMEM);
	}
	ASSERT_EQ(0, read_all(sv[1], in, ahead));
	ASSERT_EQ(0, read_all(sv[1], in, 65536));
	ASSERT_NOTIF(&r, 1);
	for (i = 0; i < 10; i++) {
		prep_zc(&r, sv[0], big, 65536, 1);
		ASSERT_EQ(1, ring_submit(&r));
		ASSERT_SENT(&r, 1, 65536);
		ASSERT_EQ(0, read_all(sv[1], in, 65536));
		ASSERT_NOTIF(&r, 1);
		prep_zc(&r, -1, big, 65536, 1);
		ASSERT_EQ(1, ring_submit(&r));
		ASSERT_REFUSED(&r, 1, -EBADF);
	}
	ring_exit(&r);
}

TEST_F(ring, anything_fails)
{
	static const int domains[] = { AF_INET, AF_INET6 };
	struct sockaddr_storage to;
	const char *wrong = NULL;
	unsigned int i;

	if (variant->backend == IO_URING)
		SKIP(return, "its requests are of a cache of their own");
	if (!faults(true))
		SKIP(return, "no fault injection");
	for (i = 0; i < 2 && !wrong; i++) {
		int peer = inet_socket(domains[i], SOCK_DGRAM);
		int fd = socket(domains[i], SOCK_DGRAM, 0);

		wrong = fails_anywhere(RURING, variant->flags, fd, &to,
				       inet_name(peer, &to), false);
		close(fd);
		close(peer);
	}
	faults(false);
	EXPECT_STREQ("nothing", wrong ?: "nothing");
}

TEST_HARNESS_MAIN
