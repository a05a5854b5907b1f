// SPDX-License-Identifier: GPL-2.0
/*
 * RURING_SEND_ZC_COMBINE_CQE: a zero-copy send that completes once, when its
 * buffer is free. It is ruring's own.
 */
#include <sys/resource.h>
#include <sys/uio.h>

#define RING_MODES
#include "fixture.h"
#include "zc_combine.h"

/* Mainline rejects the bit, ruring does not. */
TEST_F(ring, the_bit_is_ruring_s_own)
{
	struct io_uring_cqe cqe;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	prep_one(&self->ring, sv[0], big, 100, 1);
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(variant->backend == RURING ? 100 : -EINVAL, cqe.res);
}

TEST_F(one, one_completion)
{
	struct ring *r = &self->ring;
	struct iovec iov[2] = { { big, 1000 }, { big + 1000, 3000 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	const struct kind *k;
	int sv[2];

	for_each_kind(k) {
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		fill(big, 4000, 1);
		prep_one(r, sv[0], big, 4000, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, read_all(sv[1], in, 4000));
		ASSERT_COMBINED(r, 1, 4000);
		ASSERT_TRUE(is_filled(in, 4000, 1));
		prep_msg_one(r, sv[0], &msg, 2);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, read_all(sv[1], in, 4000));
		ASSERT_COMBINED(r, 2, 4000);
		ASSERT_TRUE(is_filled(in, 4000, 1));
		prep_one(r, sv[0], iov, 2, 3)->ioprio |= IORING_SEND_VECTORIZED;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, read_all(sv[1], in, 4000));
		ASSERT_COMBINED(r, 3, 4000);
		/* With DEFER_TASKRUN it is sent where the task looks for what has come back. */
		prep_one(r, sv[0], big, 1000, 4)->ioprio |= IORING_RECVSEND_POLL_FIRST;
		ASSERT_EQ(1, ring_submit_and_run(r));
		ASSERT_EQ(0, read_all(sv[1], in, 1000));
		ASSERT_COMBINED(r, 4, 1000);
		ASSERT_QUIET(r);
	}
}

TEST_F(one, destination_address)
{
	struct ring *r = &self->ring;
	static const int domains[] = { AF_INET, AF_INET6 };
	struct sockaddr_storage to;
	struct io_uring_sqe *sqe;
	unsigned int i;
	int peer, out;

	for (i = 0; i < 2; i++) {
		peer = inet_socket(domains[i], SOCK_DGRAM);
		out = socket(domains[i], SOCK_DGRAM, 0);
		ASSERT_LE(0, peer);
		ASSERT_LE(0, out);
		fill(big, 700, 5);
		sqe = prep_one(r, out, big, 700, 1);
		sqe->addr_len = inet_name(peer, &to);
		sqe->addr2 = (uintptr_t)&to;
		ASSERT_COMBINES(r, 1, 700);
		ASSERT_EQ(700, recv(peer, in, BIG, 0));
		EXPECT_TRUE(is_filled(in, 700, 5));
	}
}

TEST_F(one, waits_for_the_receiver)
{
	struct ring *r = &self->ring;
	const struct kind *k;
	ssize_t ahead;
	int sv[2];

	for_each_tcp(k) {
		ahead = ASSERT_HELD(k->domain, sv);
		fill(big, 50000, 1);
		prep_one(r, sv[0], big, 50000, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, ring_ready(r));
		ASSERT_QUIET(r);
		ASSERT_EQ(0, read_behind(sv[1], ahead, in, 50000));
		ASSERT_COMBINED(r, 1, 50000);
		ASSERT_TRUE(is_filled(in, 50000, 1));
		ASSERT_QUIET(r);
	}
}

TEST_F(one, waits_for_the_device)
{
	struct ring *r = &self->ring;
	int v4[2], v6[2];

	if (lo_own())
		SKIP(return, "no network namespace");
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, v4));
	ASSERT_EQ(0, inet_pair(AF_INET6, SOCK_DGRAM, v6));
	ASSERT_EQ(0, lo_hold());
	prep_one(r, v4[0], big, 1000, 1);
	prep_one(r, v6[0], big, 2000, 1);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(0, lo_release());
	ASSERT_EQ(0, ring_wait(r, 2));
	ASSERT_EQ(2, ring_drain(r));
	ASSERT_QUIET(r);
}

/* Bytes, also of a send that is cut short. */
TEST_F(one, partial_send)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int sv[2];
	unsigned int all;
	ssize_t ahead;

	for (all = 0; all < 2; all++) {
		ahead = ASSERT_HELD(AF_INET, sv);
		ASSERT_EQ(0, room_for_some(sv[0]));
		fill(big, BIG, 1);
		prep_one(r, sv[0], big, BIG, 1)->msg_flags = all ? MSG_WAITALL : 0;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_QUIET(r);
		if (all) {
			prep_cancel(r, 1, 0, 2);
			ASSERT_COMPLETES(r, 2, 0, 0);
			ASSERT_QUIET(r);
		}
		ASSERT_EQ(0, read_all(sv[1], in, ahead));
		/* what of the rest is there says how much was sent */
		ahead = 0;
		while (!ring_ready(r)) {
			ssize_t ret = recv(sv[1], in + ahead, BIG - ahead,
					   MSG_DONTWAIT);

			if (ret > 0)
				ahead += ret;
			ASSERT_EQ(0, ring_run(r));
		}
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(IORING_CQE_F_NOTIF, cqe.flags);
		EXPECT_EQ(1, cqe.user_data);
		ASSERT_LT(0, cqe.res);
		ASSERT_GT(BIG, cqe.res);
		ASSERT_LE(ahead, cqe.res);
		ASSERT_EQ(0, read_all(sv[1], in + ahead, cqe.res - ahead));
		EXPECT_TRUE(is_filled(in, cqe.res, 1));
		EXPECT_EQ(0, drain_socket(sv[1]));
	}
}

TEST_F(one, waitall_sends_all_of_it)
{
	struct ring *r = &self->ring;
	int sv[2];
	ssize_t sum = 0;

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_EQ(0, little_room(sv[0]));
	fill(big, BIG, 3);
	prep_one(r, sv[0], big, BIG, 1)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(r));
	while (sum < BIG) {
		ssize_t ret = recv(sv[1], in + sum, BIG - sum, MSG_DONTWAIT);

		if (ret > 0)
			sum += ret;
		ring_run(r);
	}
	ASSERT_COMBINED(r, 1, BIG);
	EXPECT_TRUE(is_filled(in, BIG, 3));
	ASSERT_QUIET(r);
}

TEST_F(one, refused_combinations)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	prep_one(r, sv[0], big, 100, 1)->ioprio |= IORING_SEND_ZC_REPORT_USAGE;
	ASSERT_COMPLETES(r, 1, -EINVAL, 0);
	prep_one(r, sv[0], big, 100, 1)->addr3 = 5;
	ASSERT_COMPLETES(r, 1, -EINVAL, 0);
	prep_one(r, sv[0], big, 100, 1)->ioprio |= IORING_RECV_MULTISHOT;
	ASSERT_COMPLETES(r, 1, -EINVAL, 0);
	ASSERT_QUIET(r);
}

/* Without the mark, and at once: the buffer was not used. */
TEST_F(one, failure_before_the_socket_sees_it)
{
	struct ring *r = &self->ring;
	struct msghdr msg = { .msg_iov = (void *)1, .msg_iovlen = 1 };
	int sv[2], un[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, un));
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	prep_one(r, un[0], big, 100, 1);
	ASSERT_COMPLETES(r, 1, -EOPNOTSUPP, 0);
	prep_one(r, -1, big, 100, 1);
	ASSERT_COMPLETES(r, 1, -EBADF, 0);
	prep_msg_one(r, sv[0], &msg, 1);
	ASSERT_COMPLETES(r, 1, -EFAULT, 0);
	ASSERT_LT(0, tcp_full(sv));
	prep_one(r, sv[0], big, 100, 1)->ioprio |= IORING_RECVSEND_POLL_FIRST;
	ASSERT_EQ(1, ring_submit(r));
	prep_cancel(r, 1, 0, 2);
	ASSERT_COMPLETES(r, 2, 0, 0);
	ASSERT_CQE(r, 1, -ECANCELED, 0);
	ASSERT_QUIET(r);
}

TEST_F(one, failure_once_the_socket_has_seen_it)
{
	struct ring *r = &self->ring;
	const struct kind *k;
	int sv[2];

	for_each_kind(k) {
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		prep_one(r, sv[0], (void *)8, 100, 1);
		ASSERT_COMBINES(r, 1, -EFAULT);
	}
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_EQ(0, shutdown(sv[0], SHUT_WR));
	prep_one(r, sv[0], big, 100, 1);
	ASSERT_COMBINES(r, 1, -EPIPE);
	ASSERT_LT(0, full_pair(AF_INET, sv));
	prep_one(r, sv[0], big, 100, 1)->msg_flags = MSG_DONTWAIT;
	ASSERT_COMBINES(r, 1, -EAGAIN);
	prep_one(r, sv[0], big, 100, 1);
	ASSERT_EQ(1, ring_submit(r));
	prep_cancel(r, 1, 0, 2);
	ASSERT_COMPLETES(r, 2, 0, 0);
	ASSERT_COMBINED(r, 1, -ECANCELED);
	prep_one(r, sv[0], big, 100, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, tcp_reset(sv[1]));
	ASSERT_COMBINED(r, 1, -ECONNRESET);
	ASSERT_QUIET(r);
}

TEST_F(one, failure_breaks_the_link)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_EQ(0, shutdown(sv[0], SHUT_WR));
	prep_one(r, sv[0], big, 1000, 1)->flags = LINK;
	prep_one(r, sv[0], big, 1000, 2)->flags = LINK;
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_COMBINED(r, 1, -EPIPE);
	ASSERT_CQE(r, 2, -ECANCELED, 0);
	ASSERT_CQE(r, 3, -ECANCELED, 0);
	prep_one(r, sv[0], big, 1000, 1)->flags = IOSQE_IO_HARDLINK;
	prep_nop(r, 3);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_COMBINED(r, 1, -EPIPE);
	ASSERT_CQE(r, 3, 0, 0);
}

TEST_F(one, no_completion_of_a_success)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	prep_one(r, sv[0], big, 1000, 1)->flags = SKIP_CQE;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(1000, recv(sv[1], in, BIG, 0));
	/* what is linked behind tells that the buffer is free */
	ahead = ASSERT_HELD(AF_INET, sv);
	prep_one(r, sv[0], big, 1000, 1)->flags = SKIP_CQE | LINK;
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 1000));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_QUIET(r);
}

TEST_F(one, completion_of_a_failure_all_the_same)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_EQ(0, shutdown(sv[0], SHUT_WR));
	prep_one(r, sv[0], big, 1000, 1)->flags = SKIP_CQE;
	ASSERT_COMBINES(r, 1, -EPIPE);
	prep_one(r, -1, big, 1000, 1)->flags = SKIP_CQE;
	ASSERT_COMPLETES(r, 1, -EBADF, 0);
	/* as with any request, what it cancels is not told of */
	prep_one(r, sv[0], big, 1000, 1)->flags = SKIP_CQE | LINK;
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_COMBINED(r, 1, -EPIPE);
	ASSERT_QUIET(r);
}

TEST_F(one, pinned_pages_count)
{
	struct rlimit limit;
	struct ring r;
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_EQ(0, become_nobody());
	ASSERT_EQ(0, getrlimit(RLIMIT_MEMLOCK, &limit));
	limit.rlim_cur = 17 * 4096;
	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	ASSERT_EQ(0, ring_init(&r, RURING, 4, variant->flags));
	for (i = 0; i < 10; i++) {
		/* at most so many pages and two */
		prep_one(&r, sv[0], big, 16 * 4096, 1);
		ASSERT_COMPLETES(&r, 1, -ENOMEM, 0);
		prep_one(&r, sv[0], big, 15 * 4096, 1);
		ASSERT_EQ(1, ring_submit(&r));
		ASSERT_EQ(0, read_all(sv[1], in, 15 * 4096));
		ASSERT_COMBINED(&r, 1, 15 * 4096);
	}
	ring_exit(&r);
}

TEST_F(one, anything_fails)
{
	const char *wrong;

	if (!faults(true))
		SKIP(return, "no fault injection");
	wrong = all_fail_anywhere(RURING, variant->flags, true);
	faults(false);
	EXPECT_STREQ("nothing", wrong ?: "nothing");
}

TEST_HARNESS_MAIN
