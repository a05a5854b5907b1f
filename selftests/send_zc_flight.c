// SPDX-License-Identifier: GPL-2.0
/*
 * What SEND_ZC and SENDMSG_ZC tell, and when, once there is something between
 * the two completions: a cancel, a close, a reset, packets that several sends
 * share, a link, the end of the ring or of the task.
 */
#define RING_MODES
#include "fixture.h"
#include "zc.h"

TEST_F(ring, cancel_before_the_first_attempt)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_LT(0, full_pair(AF_INET, sv));
	prep_zc(r, sv[0], big, 100, 1)->ioprio = IORING_RECVSEND_POLL_FIRST;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	prep_cancel(r, 1, 0, 2);
	ASSERT_COMPLETES(r, 2, 0, 0);
	ASSERT_REFUSAL(r, 1, -ECANCELED);
}

TEST_F(ring, cancel_after_a_vain_attempt)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_LT(0, full_pair(AF_INET, sv));
	prep_zc(r, sv[0], big, 100, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	prep_cancel(r, 1, 0, 2);
	ASSERT_COMPLETES(r, 2, 0, 0);
	ASSERT_SENT(r, 1, -ECANCELED);
	ASSERT_NOTIF(r, 1);
	ASSERT_QUIET(r);
}

TEST_F(ring, cancel_in_the_middle)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int sv[2];
	ssize_t ahead;

	ahead = ASSERT_HELD(AF_INET, sv);
	/* for some of it */
	ASSERT_EQ(0, room_for_some(sv[0]));
	fill(big, BIG, 3);
	prep_zc(r, sv[0], big, BIG, 1)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(r));
	prep_cancel(r, 1, 0, 2);
	ASSERT_COMPLETES(r, 2, 0, 0);
	ASSERT_EQ(0, ring_take(r, &cqe));
	ASSERT_EQ(IORING_CQE_F_MORE, cqe.flags);
	ASSERT_LT(0, cqe.res);
	ASSERT_GT(BIG, cqe.res);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, cqe.res));
	ASSERT_NOTIF(r, 1);
	EXPECT_TRUE(is_filled(in, cqe.res, 3));
	EXPECT_EQ(0, drain_socket(sv[1]));
}

TEST_F(ring, cancel_after_the_send)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2];

	ahead = ASSERT_HELD(AF_INET, sv);
	prep_zc(r, sv[0], big, 1000, 1);
	ASSERT_SENDS(r, 1, 1000);
	prep_cancel(r, 1, 0, 2);
	ASSERT_COMPLETES(r, 2, -ENOENT, 0);
	prep_cancel(r, 0, IORING_ASYNC_CANCEL_ANY, 2);
	ASSERT_COMPLETES(r, 2, 0, 0);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 1000));
	ASSERT_NOTIF(r, 1);
}

TEST_F(ring, socket_closed_with_packets_in_flight)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2];

	ahead = ASSERT_HELD(AF_INET, sv);
	fill(big, 1000, 1);
	prep_zc(r, sv[0], big, 1000, 1);
	ASSERT_SENDS(r, 1, 1000);
	close(sv[0]);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 1000));
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
		ASSERT_LT(0, held_pair(AF_INET, sv));
		prep_zc(r, sv[0], big, 1000, 1);
		ASSERT_SENDS(r, 1, 1000);
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

	ASSERT_LT(0, full_pair(AF_INET, sv));
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
		ahead = ASSERT_HELD(k->domain, sv);
		fill(big, 12 * 100, 2);
		for (i = 0; i < 12; i++)
			prep_zc(r, sv[0], big + i * 100, 100, i);
		ASSERT_EQ(12, ring_submit(r));
		for (sent = 0; sent < 12; sent++)
			ASSERT_SENT(r, sent, 100);
		ASSERT_QUIET(r);
		ASSERT_EQ(0, read_behind(sv[1], ahead, in, 1200));
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
		ASSERT_SENDS(r, i, 100);
		prep_zc(&other, sv[0], p + 100, 100, i);
		ASSERT_SENDS(&other, i, 100);
		ASSERT_EQ(100, send(sv[0], p + 200, 100, 0));
	}
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 1300));
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
	ahead = ASSERT_HELD(AF_INET, sv);
	for (i = 0; i < 24; i++) {
		/* in packets of their own, and not */
		prep_zc(&r, sv[0], big, i % 3 ? 100 : 40000, i);
		ASSERT_SENDS(&r, i, i % 3 ? 100 : 40000);
	}
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 8 * 40000 + 16 * 100));
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

	ahead = ASSERT_HELD(AF_INET, sv);
	prep_zc(r, sv[0], big, 1000, 1)->flags = IOSQE_IO_LINK;
	prep_zc(r, sv[0], big, 1000, 2)->flags = IOSQE_IO_LINK;
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_SENT(r, 1, 1000);
	ASSERT_SENT(r, 2, 1000);
	ASSERT_CQE(r, 3, 0, 0);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 2000));
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
		ahead = ASSERT_HELD(k->domain, sv);
		fill(big, 40000, 1);
		for (i = 0; i < 4; i++) {
			prep_zc(&r, sv[0], big + i * 10000, 10000, i);
			ASSERT_SENDS(&r, i, 10000);
		}
		ring_exit(&r);
		ASSERT_EQ(0, read_behind(sv[1], ahead, in, 40000));
		EXPECT_TRUE(is_filled(in, 40000, 1));
		close(sv[0]);
		close(sv[1]);
	}
}

TEST_F(ring, ring_closed_in_the_middle)
{
	struct ring r;
	int sv[2];
	struct pollfd p;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, variant->flags));
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	ASSERT_EQ(0, little_room(sv[0]));
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
	ahead = ASSERT_HELD(AF_INET, sv);
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
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 1000));
	EXPECT_TRUE(is_filled(in, 1000, 1));
	ASSERT_NOTIF(r, 1);
}

TEST_HARNESS_MAIN
