// SPDX-License-Identifier: GPL-2.0
/*
 * SEND_ZC and SENDMSG_ZC with two completions: the result, and a notification
 * when the buffer is free. The notification comes if and only if the result
 * has IORING_CQE_F_MORE.
 */
#include <sys/uio.h>

#define RING_MODES
#include "fixture.h"
#include "zc.h"

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
			ASSERT_SENDS(r, len, len);
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
		ASSERT_SENDS(r, 1, 0);
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
		ahead = ASSERT_HELD(k->domain, sv);
		fill(big, 50000, 1);
		prep_zc(r, sv[0], big, 50000, 1);
		ASSERT_SENDS(r, 1, 50000);
		ASSERT_QUIET(r);
		ASSERT_EQ(0, read_behind(sv[1], ahead, in, 50000));
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

	ahead = ASSERT_HELD(AF_INET, sv);
	fill(big, 50000, 1);
	prep_zc(r, sv[0], big, 50000, 1);
	ASSERT_SENDS(r, 1, 50000);
	fill(big, 50000, 2);
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 50000));
	EXPECT_TRUE(is_filled(in, 50000, 2));
	ASSERT_NOTIF(r, 1);
}

TEST_F(ring, notification_with_its_own_user_data)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	prep_zc(r, sv[0], big, 100, 1)->addr3 = 1ULL << 63;
	ASSERT_SENDS(r, 1, 100);
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
		ASSERT_SENDS(r, 1, 5000);
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
	ASSERT_SENDS(r, 1, -EPIPE);
	ASSERT_CQE(r, 1, COPIED, IORING_CQE_F_NOTIF);
}

TEST_F(ring, partial_send)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int sv[2];
	ssize_t ahead;

	ahead = ASSERT_HELD(AF_INET, sv);
	ASSERT_EQ(0, room_for_some(sv[0]));
	fill(big, BIG, 1);
	prep_zc(r, sv[0], big, BIG, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(IORING_CQE_F_MORE, cqe.flags);
	ASSERT_LT(0, cqe.res);
	ASSERT_GT(BIG, cqe.res);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, cqe.res));
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
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		ASSERT_EQ(0, little_room(sv[0]));
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
	int sv[2];

	ASSERT_LT(0, held_pair(AF_INET, sv));
	/* for some of it */
	ASSERT_EQ(0, room_for_some(sv[0]));
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
	ASSERT_SENDS(r, 1, 100);
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
		full = ASSERT_FULL(k->domain, sv);
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

	full = ASSERT_FULL(AF_INET, sv);
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

	ASSERT_LT(0, full_pair(AF_INET, sv));
	prep_zc(r, sv[0], big, 100, 1)->msg_flags = MSG_DONTWAIT;
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
		ASSERT_FAILED(r, 1, -EDESTADDRREQ);
		sqe = prep_zc(r, out, big, 700, 1);
		sqe->addr2 = (uintptr_t)&to;
		sqe->addr_len = len;
		ASSERT_SENDS(r, 1, 700);
		ASSERT_NOTIF(r, 1);
		ASSERT_EQ(700, recv(peer, in, BIG, 0));
		EXPECT_TRUE(is_filled(in, 700, 5));
		sqe = prep_zc(r, out, big, 700, 1);
		sqe->addr2 = (uintptr_t)&to;
		sqe->addr_len = sizeof(to) + 1;
		ASSERT_REFUSED(r, 1, -EINVAL);
		sqe = prep_zc(r, out, big, 700, 1);
		sqe->addr2 = 1;
		sqe->addr_len = len;
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
		ASSERT_SENDS(r, 1, 6004);
		ASSERT_EQ(0, read_all(sv[1], in, 6004));
		EXPECT_TRUE(is_filled(in, 6004, 6));
		ASSERT_NOTIF(r, 1);
	}
	prep_zc(r, sv[0], iov, 1025, 1)->ioprio = IORING_SEND_VECTORIZED;
	ASSERT_REFUSED(r, 1, -EINVAL);
	prep_zc(r, sv[0], NULL, 2, 1)->ioprio = IORING_SEND_VECTORIZED;
	ASSERT_REFUSED(r, 1, -EFAULT);
	iov[2].iov_len = -1;
	prep_zc(r, sv[0], iov, 4, 1)->ioprio = IORING_SEND_VECTORIZED;
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
		ASSERT_SENDS(r, 1, 7000);
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
	full = ASSERT_FULL(AF_INET, sv);
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
	ASSERT_SENDS(r, 1, 500);
	ASSERT_NOTIF(r, 1);
	ASSERT_EQ(500, recvmsg(sv[1], &reply, 0));
	ASSERT_EQ(IP_TOS, got.head.cmsg_type);
	EXPECT_EQ(0x20, *CMSG_DATA(&got.head));
	msg.msg_control = (void *)1;
	prep_msg_zc(r, sv[0], &msg, 1);
	ASSERT_FAILED(r, 1, -EFAULT);
	msg.msg_controllen = 1UL << 32;
	prep_msg_zc(r, sv[0], &msg, 1);
	ASSERT_FAILED(r, 1, -ENOBUFS);
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
	ahead = ASSERT_HELD(AF_INET, sv);
	prep_zc(r, sv[0], pages, 65536, 1);
	ASSERT_SENDS(r, 1, 65536);
	ASSERT_EQ(0, munmap(pages, 65536));
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 65536));
	EXPECT_TRUE(is_filled(in, 65536, 9));
	ASSERT_NOTIF(r, 1);
}

TEST_F(ring, forced_async)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	prep_zc(r, sv[0], big, 1000, 1)->flags = IOSQE_ASYNC;
	ASSERT_SENDS(r, 1, 1000);
	ASSERT_NOTIF(r, 1);
}

TEST_HARNESS_MAIN
