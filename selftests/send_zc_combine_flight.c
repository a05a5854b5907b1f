// SPDX-License-Identifier: GPL-2.0
/*
 * What a combined send tells once its packets are under way: a cancel, a reset,
 * a link, packets that several sends share, the end of the ring or of the task.
 */
#include "zc_combine.h"

TEST_F(one, cancel_after_the_send)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2];

	ahead = ASSERT_HELD(AF_INET, sv);
	prep_one(r, sv[0], big, 1000, 1);
	ASSERT_EQ(1, ring_submit(r));
	prep_cancel(r, 1, 0, 2);
	ASSERT_COMPLETES(r, 2, -ENOENT, 0);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 1000));
	ASSERT_COMBINED(r, 1, 1000);
}

TEST_F(one, connection_ends_with_packets_in_flight)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	unsigned int i;
	int sv[2];

	for (i = 0; i < 3; i++) {
		ahead = ASSERT_HELD(AF_INET, sv);
		prep_one(r, sv[0], big, 1000, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_QUIET(r);
		if (i == 2) {
			/* closed, but what was sent still goes */
			close(sv[0]);
			ASSERT_QUIET(r);
			ASSERT_EQ(0, read_behind(sv[1], ahead, in, 1000));
		} else {
			ASSERT_EQ(0, tcp_reset(sv[i]));
		}
		/* the send had succeeded */
		ASSERT_COMBINED(r, 1, 1000);
		ASSERT_QUIET(r);
	}
}

/* What is linked behind starts with the completion, not before. */
TEST_F(one, link_waits_for_the_completion)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2];

	ahead = ASSERT_HELD(AF_INET, sv);
	prep_one(r, sv[0], big, 1000, 1)->flags = LINK;
	prep_one(r, sv[0], big, 500, 2)->flags = LINK;
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 1000));
	ASSERT_COMBINED(r, 1, 1000);
	ASSERT_EQ(0, read_all(sv[1], in, 500));
	ASSERT_COMBINED(r, 2, 500);
	ASSERT_CQE(r, 3, 0, 0);
	ASSERT_QUIET(r);
}

/* Who waits for the whole chain is woken up to start each of its parts. */
TEST_F(one, wait_for_a_chain)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2];
	pid_t pid;

	ahead = ASSERT_HELD(AF_INET, sv);
	prep_one(r, sv[0], big, 1000, 1)->flags = LINK;
	prep_one(r, sv[0], big, 1000, 2)->flags = LINK;
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(sv[0]);
		_exit(read_all(sv[1], in, ahead) || read_all(sv[1], in, 2000));
	}
	ASSERT_EQ(0, ring_wait(r, 3));
	ASSERT_COMBINED(r, 1, 1000);
	ASSERT_COMBINED(r, 2, 1000);
	ASSERT_CQE(r, 3, 0, 0);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
}

TEST_F(one, link_after_what_needs_no_wait)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	prep_one(r, sv[0], big, 1000, 1)->flags = LINK;
	prep_one(r, sv[0], big, 500, 2)->flags = LINK;
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_COMBINED(r, 1, 1000);
	ASSERT_COMBINED(r, 2, 500);
	ASSERT_CQE(r, 3, 0, 0);
}

/* A send that wanted more than it got has failed, though it flew. */
TEST_F(one, short_send_breaks_the_link)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int sv[2];

	ASSERT_LT(0, held_pair(AF_INET, sv));
	ASSERT_EQ(0, room_for_some(sv[0]));
	prep_one(r, sv[0], big, BIG, 1)->flags = LINK;
	(r->sqes + ((r->prepared - 1) & 15))->msg_flags = MSG_WAITALL;
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(0, tcp_reset(sv[1]));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(IORING_CQE_F_NOTIF, cqe.flags);
	ASSERT_LT(0, cqe.res);
	ASSERT_GT(BIG, cqe.res);
	ASSERT_CQE(r, 2, -ECANCELED, 0);
}

TEST_F(one, packet_of_many_sends)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	unsigned int i, seen = 0;
	ssize_t ahead;
	int sv[2];

	ahead = ASSERT_HELD(AF_INET6, sv);
	fill(big, 12 * 100, 2);
	for (i = 0; i < 12; i++) {
		/* mixed with those that complete twice */
		if (i % 4 == 3)
			prep_zc(r, sv[0], big + i * 100, 100, i);
		else
			prep_one(r, sv[0], big + i * 100, 100, i);
	}
	ASSERT_EQ(12, ring_submit(r));
	for (i = 3; i < 12; i += 4)
		ASSERT_CQE(r, i, 100, IORING_CQE_F_MORE);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 1200));
	EXPECT_TRUE(is_filled(in, 1200, 2));
	for (i = 0; i < 12; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_EQ(IORING_CQE_F_NOTIF, cqe.flags);
		ASSERT_EQ(cqe.user_data % 4 == 3 ? 0 : 100, cqe.res);
		ASSERT_EQ(0, seen & 1U << cqe.user_data);
		seen |= 1U << cqe.user_data;
	}
	EXPECT_EQ(0xfff, seen);
	ASSERT_QUIET(r);
}

TEST_F(one, completions_overflow)
{
	struct io_uring_cqe cqe;
	unsigned int i, seen = 0;
	struct ring r;
	ssize_t ahead;
	int sv[2];

	ASSERT_EQ(0, ring_init_cq(&r, RURING, 4, 4, variant->flags));
	ahead = ASSERT_HELD(AF_INET, sv);
	for (i = 0; i < 24; i++) {
		prep_one(&r, sv[0], big, 100 + i, i);
		ASSERT_EQ(1, ring_submit(&r));
	}
	ASSERT_EQ(0, ring_ready(&r));
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 24 * 100 + 23 * 12));
	for (i = 0; i < 24; i++) {
		ASSERT_EQ(0, ring_take(&r, &cqe));
		ASSERT_EQ(IORING_CQE_F_NOTIF, cqe.flags);
		ASSERT_EQ(100 + (int)cqe.user_data, cqe.res);
		seen |= 1U << cqe.user_data;
	}
	EXPECT_EQ(0xffffff, seen);
	ring_exit(&r);
}

TEST_F(one, ring_closed_with_packets_in_flight)
{
	struct ring r;
	ssize_t ahead;
	int sv[2];

	ASSERT_EQ(0, ring_init(&r, RURING, 4, variant->flags));
	ahead = ASSERT_HELD(AF_INET, sv);
	fill(big, 41000, 1);
	/* each with something linked behind, which will not be */
	prep_one(&r, sv[0], big, 40000, 1)->flags = LINK;
	prep_one(&r, sv[0], big, 40000, 2);
	prep_one(&r, sv[0], big + 40000, 1000, 3)->flags = LINK;
	prep_nop(&r, 4);
	ASSERT_EQ(4, ring_submit(&r));
	ASSERT_EQ(0, ring_ready(&r));
	ring_exit(&r);
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 41000));
	EXPECT_TRUE(is_filled(in, 41000, 1));
	close(sv[0]);
	/* the stream ends here */
	EXPECT_EQ(0, recv(sv[1], in, 1, 0));
}

/* The task is gone, the ring is not: what it had linked does not start. */
TEST_F(one, task_killed_with_packets_in_flight)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2], status;
	pid_t pid;

	if (variant->flags)
		SKIP(return, "the ring is its task's");
	ahead = ASSERT_HELD(AF_INET, sv);
	fill(big, 1000, 1);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		prep_one(r, sv[0], big, 1000, 1)->flags = LINK;
		prep_nop(r, 2);
		prep_one(r, sv[0], big, 500, 3)->flags = SKIP_CQE | LINK;
		prep_nop(r, 4);
		if (ring_submit(r) != 4)
			_exit(1);
		raise(SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(SIGKILL, status);
	close(sv[0]);
	ASSERT_EQ(0, ring_ready(r));
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 1500));
	/* the sends were done, which their completions say */
	ASSERT_COMBINED(r, 1, 1000);
	ASSERT_CQE(r, 2, -ECANCELED, 0);
	ASSERT_CQE(r, 4, -ECANCELED, 0);
	ASSERT_EQ(0, ring_ready(r));
}

TEST_HARNESS_MAIN
