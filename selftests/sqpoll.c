// SPDX-License-Identifier: GPL-2.0
/*
 * IORING_SETUP_SQPOLL: a thread of the kernel finds what is submitted.
 */
#include <pthread.h>
#include <sched.h>

#define RING_AWAKE
#include "sqpoll.h"

TEST_F(sqpoll, nops_by_stores_alone)
{
	struct ring *r = &self->ring;
	unsigned int round, i;

	for (round = 0; round < 50; round++) {
		for (i = 0; i < 1 + round % 16; i++)
			prep_nop(r, round * 100 + i);
		ring_publish(r);
		for (i = 0; i < 1 + round % 16; i++)
			ASSERT_COMES(r, round * 100 + i, 0);
		ASSERT_TRUE(wait_until(is_consumed, r));
		ASSERT_EQ(0, ring_ready(r));
	}
}

TEST_F(sqpoll, while_the_program_computes)
{
	struct ring *r = &self->ring;
	unsigned int i;

	/* no system call at all: alarm() ends a test that hangs */
	alarm(DEADLINE_MS / 1000);
	for (i = 0; i < 200; i++) {
		prep_nop(r, i);
		ring_publish(r);
		while (!ring_ready(r))
			;
		ASSERT_CQE(r, i, 0, 0);
	}
	alarm(0);
}

TEST_F(sqpoll, bytes_by_stores_alone)
{
	struct ring *r = &self->ring;
	char in[32] = {};
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(r, sv[0], in, sizeof(in), 1);
	ring_publish(r);
	ASSERT_TRUE(wait_until(is_consumed, r));
	ASSERT_EQ(0, ring_ready(r));
	prep_send(r, sv[1], "by stores alone", 16, 2);
	ring_publish(r);
	ASSERT_TRUE(wait_until(one_is_ready, r));
	ASSERT_CQE(r, 2, 16, 0);
	ASSERT_COMES(r, 1, 16);
	EXPECT_STREQ("by stores alone", in);
}

TEST_F(sqpoll, enter_says_what_it_was_told)
{
	struct ring *r = &self->ring;

	EXPECT_EQ(0, ring_enter(r, 0, 0, 0));
	EXPECT_EQ(7, ring_enter(r, 7, 0, 0));
	EXPECT_EQ(7, ring_enter(r, 7, 0, IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT));
	EXPECT_EQ(-EINVAL, ring_enter(r, 7, 0, 1U << 31));
	prep_nop(r, 1);
	ring_publish(r);
	EXPECT_EQ(3, ring_enter(r, 3, 1, IORING_ENTER_GETEVENTS));
	ASSERT_CQE(r, 1, 0, 0);
	EXPECT_EQ(0, ring_ready(r));
}

TEST_F(sqpoll, a_wait_that_fails_is_told_of_with_nothing_to_submit)
{
	EXPECT_EQ(-ETIME, ring_wait_ms(&self->ring, 1, QUIET_MS));
}

TEST_F(bare, sleeps_when_idle)
{
	struct ring *r = &self->ring;

	ASSERT_EQ(0, init(r, variant->backend, 0, SOON_MS));
	ASSERT_TRUE(wait_until(is_asleep, r));
	prep_nop(r, 1);
	ring_publish(r);
	usleep(QUIET_MS * 1000);
	ASSERT_EQ(0, ring_ready(r));
	ASSERT_FALSE(is_consumed(r));
	ASSERT_EQ(1, ring_enter(r, 1, 0, IORING_ENTER_SQ_WAKEUP));
	ASSERT_COMES(r, 1, 0);
	/* and does so again */
	ASSERT_TRUE(wait_until(needs_wakeup, r));
	prep_nop(r, 2);
	ring_publish(r);
	ASSERT_EQ(1, ring_enter(r, 1, 1, IORING_ENTER_SQ_WAKEUP | IORING_ENTER_GETEVENTS));
	ASSERT_CQE(r, 2, 0, 0);
}

TEST_F(bare, stays_awake_once_woken_up)
{
	struct ring *r = &self->ring;

	ASSERT_EQ(0, init(r, variant->backend, 0, 500));
	ASSERT_TRUE(wait_until(needs_wakeup, r));
	ASSERT_EQ(0, ring_enter(r, 0, 0, IORING_ENTER_SQ_WAKEUP));
	while (needs_wakeup(r))
		usleep(100);
	prep_nop(r, 1);
	ring_publish(r);
	ASSERT_COMES(r, 1, 0);
}

/* Races each falling asleep with a new tail, as an application has to. */
TEST_F(bare, falling_asleep_loses_nothing)
{
	struct ring *r = &self->ring;
	unsigned int i, wakeups = 0;

	ASSERT_EQ(0, init(r, variant->backend, 0, 1));
	/* On a busy machine it may take longer until the thread was asleep once. */
	for (i = 0; i < 200 || !wakeups; i++) {
		prep_nop(r, i);
		ring_publish(r);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (needs_wakeup(r)) {
			ASSERT_EQ(1, ring_enter(r, 1, 0, IORING_ENTER_SQ_WAKEUP));
			wakeups++;
		}
		ASSERT_COMES(r, i, 0);
		usleep(i % 4 * 500);
	}
}

TEST_F(sqpoll, waits_for_room)
{
	struct ring *r = &self->ring;
	unsigned int done = 0, i, k;

	for (i = 0; i < 40; i++) {
		for (k = 0; k < 16; k++)
			prep_nop(r, i * 16 + k);
		ring_publish(r);
		ASSERT_EQ(16, ring_enter(r, 16, 0, IORING_ENTER_SQ_WAIT));
		/* there is room, not all need be free */
		ASSERT_NE(*r->sq_tail, __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE) + 16);
		ASSERT_TRUE(wait_until(is_consumed, r));
		done += ring_drain(r);
	}
	EXPECT_EQ(40 * 16, done);
}

static void *wait_for_room(void *arg)
{
	return (void *)(long)ring_enter(arg, 5, 0, IORING_ENTER_SQ_WAIT);
}

TEST_F(bare, another_thread_waits_for_room)
{
	struct ring *r = &self->ring;
	pthread_t thread;
	void *ret;
	int i;

	/* full while it is disabled, and so until it is enabled */
	ASSERT_EQ(0, init(r, variant->backend, IORING_SETUP_R_DISABLED, AWAKE_MS));
	for (i = 0; i < 16; i++)
		prep_nop(r, i);
	ring_publish(r);
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_room, r));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(5, (long)ret);
	for (i = 0; i < 16; i++)
		ASSERT_COMES(r, i, 0);
}

/* Who submits can look at the SQ ring before it is interrupted to do so. */
TEST_F(bare, leaves_time_to_see_what_was_submitted)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF,
		.sq_thread_idle = AWAKE_MS,
	};
	struct ring *r = &self->ring;
	cpu_set_t set;

	if (variant->backend != RURING)
		SKIP(return, "io_uring's thread takes turns with the program");
	CPU_ZERO(&set);
	CPU_SET(params.sq_thread_cpu, &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	ASSERT_EQ(0, ring_init_params(r, variant->backend, 16, &params));
	prep_nop(r, 0);
	ring_publish(r);
	ASSERT_EQ(1, ring_enter(r, 1, 0, IORING_ENTER_SQ_WAKEUP));
	ASSERT_COMES(r, 0, 0);
	for (int i = 1; i <= 50; i++) {
		long long begin;

		prep_nop(r, i);
		begin = now_ns(CLOCK_MONOTONIC);
		ring_publish(r);
		while (!is_consumed(r))
			;
		EXPECT_LE(1000000, now_ns(CLOCK_MONOTONIC) - begin);
		ASSERT_COMES(r, i, 0);
	}
}

static void *publish_later(void *arg)
{
	usleep(QUIET_MS * 1000);
	ring_publish(arg);
	return NULL;
}

TEST_F(sqpoll, found_while_the_owner_waits)
{
	struct ring *r = &self->ring;
	pthread_t thread;

	prep_nop(r, 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, publish_later, r));
	ASSERT_EQ(0, ring_enter(r, 0, 1, IORING_ENTER_GETEVENTS));
	ASSERT_EQ(1, ring_ready(r));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_CQE(r, 1, 0, 0);
}

/* A wait of the owner does not begin anew when it submits. */
TEST_F(sqpoll, a_timeout_goes_on_meanwhile)
{
	struct ring *r = &self->ring;
	struct timespec begin, end;
	pthread_t thread;

	prep_nop(r, 1);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	ASSERT_EQ(0, pthread_create(&thread, NULL, publish_later, r));
	ASSERT_EQ(0, ring_wait_ms(r, 2, 100 * QUIET_MS));
	clock_gettime(CLOCK_MONOTONIC, &end);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_CQE(r, 1, 0, 0);
	EXPECT_LE(100 * QUIET_MS, (end.tv_sec - begin.tv_sec) * 1000 +
		  (end.tv_nsec - begin.tv_nsec) / 1000000);
}

TEST_F(sqpoll, bad_entries_hold_nothing_up)
{
	struct ring *r = &self->ring;
	unsigned int index;

	prep(r, 250, -1, NULL, 0, 1);
	prep_nop(r, 2);
	prep_nop(r, 3);
	ring_publish(r);
	ASSERT_COMES(r, 1, -EINVAL);
	ASSERT_COMES(r, 2, 0);
	ASSERT_COMES(r, 3, 0);

	index = *r->sq_tail & 15;
	prep_nop(r, 4);
	prep_nop(r, 5);
	r->sq_array[index] = 999;
	ring_publish(r);
	ASSERT_COMES(r, 5, 0);
	EXPECT_EQ(1, *r->sq_dropped);
	ASSERT_TRUE(wait_until(is_consumed, r));
}

static bool is_overflowing(void *arg)
{
	return ring_flags(arg) & IORING_SQ_CQ_OVERFLOW;
}

TEST_F(sqpoll, overflow_is_told)
{
	struct ring *r = &self->ring;
	unsigned int round, i, seen = 0;
	struct io_uring_cqe cqe;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 16; i++)
			prep_nop(r, round * 16 + i);
		ring_publish(r);
		ASSERT_TRUE(wait_until(is_consumed, r));
	}
	ASSERT_TRUE(wait_until(is_overflowing, r));
	while (seen < 48) {
		ASSERT_EQ(0, ring_enter(r, 0, 1, IORING_ENTER_GETEVENTS));
		for (; ring_peek(r, &cqe); seen++)
			ASSERT_EQ(seen, cqe.user_data);
	}
	EXPECT_FALSE(is_overflowing(r));
}

TEST_HARNESS_MAIN
