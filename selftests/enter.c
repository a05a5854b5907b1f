// SPDX-License-Identifier: GPL-2.0
/*
 * Enter: how much is submitted, and waiting for completions.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#define RING_MODES
#include "fixture.h"

#define GETEVENTS	IORING_ENTER_GETEVENTS

static int wait_ts(struct ring *ring, unsigned int nr, unsigned int flags,
		   struct __kernel_timespec *ts)
{
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)ts };

	return backend_enter(ring->backend, ring->fd, 0, nr,
			     flags | GETEVENTS | IORING_ENTER_EXT_ARG,
			     &arg, sizeof(arg));
}

static void prep_nops(struct ring *ring, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		prep_nop(ring, i);
}

TEST_F(ring, nothing_to_submit)
{
	EXPECT_EQ(0, ring_enter(&self->ring, 0, 0, 0));
	EXPECT_EQ(0, ring_enter(&self->ring, 4, 0, 0));
	EXPECT_EQ(0, ring_ready(&self->ring));
}

TEST_F(ring, submits_what_it_is_told_to)
{
	prep_nops(&self->ring, 8);
	ring_publish(&self->ring);
	EXPECT_EQ(3, ring_enter(&self->ring, 3, 0, 0));
	EXPECT_EQ(3, *self->ring.sq_head);
	EXPECT_EQ(3, ring_ready(&self->ring));
	EXPECT_EQ(5, ring_enter(&self->ring, 100, 0, 0));
	EXPECT_EQ(8, *self->ring.sq_head);
	EXPECT_EQ(8, ring_ready(&self->ring));
	EXPECT_EQ(0, ring_enter(&self->ring, 1, 0, 0));
}

TEST_F(ring, unpublished_entries_are_not_seen)
{
	prep_nops(&self->ring, 2);
	EXPECT_EQ(0, ring_enter(&self->ring, 2, 0, 0));
	EXPECT_EQ(2, ring_submit(&self->ring));
}

TEST_F(ring, queue_wraps_around)
{
	unsigned int round;

	for (round = 0; round < 10; round++) {
		prep_nops(&self->ring, 5);
		ASSERT_EQ(5, ring_submit(&self->ring));
		ASSERT_EQ(5, ring_drain(&self->ring));
	}
	EXPECT_EQ(50, *self->ring.sq_head);
	EXPECT_EQ(50, *self->ring.cq_tail);
}

TEST_F(ring, entries_are_stable_once_submitted)
{
	struct io_uring_sqe *sqe;
	int sv[2];
	char c = 0;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	sqe = prep_recv(&self->ring, sv[0], &c, 1, 4);
	ASSERT_EQ(1, ring_submit(&self->ring));
	memset(sqe, 0xff, sizeof(*sqe));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 4, 1, 0);
	EXPECT_EQ('x', c);
}

TEST_F(ring, waits_for_the_number_asked_for)
{
	prep_nops(&self->ring, 3);
	EXPECT_EQ(3, ring_enter(&self->ring, ring_publish(&self->ring), 3, GETEVENTS));
	EXPECT_EQ(3, ring_ready(&self->ring));
	EXPECT_EQ(0, ring_enter(&self->ring, 0, 3, GETEVENTS));
}

TEST_F(ring, does_not_wait_without_getevents)
{
	EXPECT_EQ(0, ring_enter(&self->ring, 0, 10, 0));
}

TEST_F(ring, waits_for_no_more_than_the_queue_holds)
{
	prep_nops(&self->ring, 16);
	ASSERT_EQ(16, ring_submit(&self->ring));
	prep_nops(&self->ring, 16);
	ASSERT_EQ(16, ring_submit(&self->ring));
	EXPECT_EQ(0, ring_enter(&self->ring, 0, 1000, GETEVENTS));
	EXPECT_EQ(32, ring_ready(&self->ring));
}

TEST_F(ring, short_submission_does_not_wait)
{
	prep_nops(&self->ring, 1);
	ring_publish(&self->ring);
	EXPECT_EQ(1, ring_enter(&self->ring, 2, 10, GETEVENTS));
}

TEST_F(ring, submitted_count_hides_a_failed_wait)
{
	prep_nops(&self->ring, 1);
	ring_publish(&self->ring);
	EXPECT_EQ(1, backend_enter(variant->backend, self->ring.fd, 1, 2,
				   GETEVENTS | IORING_ENTER_EXT_ARG, NULL, 0));
	EXPECT_EQ(1, ring_ready(&self->ring));
}

TEST_F(ring, timeout_with_nothing_there)
{
	long long start = now_ms();

	EXPECT_EQ(-ETIME, ring_wait_ms(&self->ring, 1, 30));
	EXPECT_LE(start + 30, now_ms());
}

TEST_F(ring, timeout_with_less_than_asked_for)
{
	long long start = now_ms();

	prep_nops(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(0, ring_wait_ms(&self->ring, 2, 30));
	EXPECT_LE(start + 30, now_ms());
	EXPECT_EQ(1, ring_ready(&self->ring));
}

TEST_F(ring, timeout_of_zero)
{
	EXPECT_EQ(-ETIME, ring_wait_ms(&self->ring, 1, 0));
}

TEST_F(ring, timeout_at_an_absolute_time)
{
	struct timespec now;
	struct __kernel_timespec ts;
	long long start = now_ms();

	clock_gettime(CLOCK_MONOTONIC, &now);
	ts.tv_sec = now.tv_sec;
	ts.tv_nsec = now.tv_nsec + 30000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	EXPECT_EQ(-ETIME, wait_ts(&self->ring, 1, IORING_ENTER_ABS_TIMER, &ts));
	EXPECT_LE(start + 29, now_ms());
	/* and now that time is past */
	EXPECT_EQ(-ETIME, wait_ts(&self->ring, 1, IORING_ENTER_ABS_TIMER, &ts));
}

TEST_F(ring, minimum_wait_settles_for_less)
{
	struct __kernel_timespec ts = { .tv_sec = 3600 };
	struct io_uring_getevents_arg arg = {
		.ts = (uintptr_t)&ts,
		.min_wait_usec = 1000,
	};

	if (!(self->ring.params.features & IORING_FEAT_MIN_TIMEOUT))
		SKIP(return, "no minimum timeout");
	prep_nops(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(0, backend_enter(variant->backend, self->ring.fd, 0, 2,
				   GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
				   sizeof(arg)));
	EXPECT_EQ(1, ring_ready(&self->ring));
}

/* A timeout that is shorter does not shorten it. */
TEST_F(ring, minimum_wait_is_waited_for)
{
	struct __kernel_timespec ts = { .tv_nsec = 1000000 };
	struct io_uring_getevents_arg arg = {
		.ts = (uintptr_t)&ts,
		.min_wait_usec = 50000,
	};
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	EXPECT_EQ(-ETIME, backend_enter(variant->backend, self->ring.fd, 0, 2,
					GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
					sizeof(arg)));
	clock_gettime(CLOCK_MONOTONIC, &end);
	EXPECT_LE(50000000, (end.tv_sec - start.tv_sec) * 1000000000LL +
		  end.tv_nsec - start.tv_nsec);
}

TEST_F(ring, flags_without_a_poll_thread_do_nothing)
{
	prep_nops(&self->ring, 1);
	ring_publish(&self->ring);
	EXPECT_EQ(1, ring_enter(&self->ring, 1, 0,
				IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT));
}

TEST_F(ring, no_iowait_is_only_a_hint)
{
	if (!(self->ring.params.features & IORING_FEAT_NO_IOWAIT))
		SKIP(return, "no such hint");
	prep_nops(&self->ring, 1);
	ring_publish(&self->ring);
	EXPECT_EQ(1, ring_enter(&self->ring, 1, 1, GETEVENTS | IORING_ENTER_NO_IOWAIT));
}

static void *write_two(void *arg)
{
	int *fds = arg;

	if (write(fds[0], "a", 1) != 1 || write(fds[1], "b", 1) != 1)
		return arg;
	return NULL;
}

TEST_F(ring, is_woken_by_another_thread)
{
	int a[2], b[2], fds[2];
	pthread_t thread;
	void *failed;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, a));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, b));
	prep_poll(&self->ring, a[0], POLLIN, 1);
	prep_poll(&self->ring, b[0], POLLIN, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));

	fds[0] = a[1];
	fds[1] = b[1];
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_two, fds));
	EXPECT_EQ(0, ring_wait_ms(&self->ring, 2, DEADLINE_MS));
	EXPECT_EQ(2, ring_ready(&self->ring));
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
	ASSERT_CQE(&self->ring, 2, POLLIN, 0);
}

static unsigned int caught;

static void on_signal(int sig)
{
	(void)sig;
	__atomic_add_fetch(&caught, 1, __ATOMIC_RELAXED);
}

static void catch(int sig)
{
	struct sigaction sa = {
		.sa_handler = on_signal,
		.sa_flags = SA_RESTART,
	};

	sigaction(sig, &sa, NULL);
}

static void tick(unsigned int usec, bool again)
{
	struct itimerval timer = {
		.it_value.tv_usec = usec,
		.it_interval.tv_usec = again ? usec : 0,
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

TEST_F(ring, signal_interrupts_the_wait)
{
	/* it repeats: the first may come before the wait */
	catch(SIGALRM);
	tick(10000, true);
	EXPECT_EQ(-EINTR, ring_enter(&self->ring, 0, 1, GETEVENTS));
	tick(0, false);
	EXPECT_LE(1, caught);

	prep_nops(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 0, 0, 0);
}

TEST_F(ring, signal_interrupts_the_wait_with_a_timeout)
{
	catch(SIGALRM);
	tick(10000, true);
	EXPECT_EQ(-EINTR, ring_wait_ms(&self->ring, 1, DEADLINE_MS));
	tick(0, false);
}

TEST_F(ring, interrupted_wait_returns_what_there_is)
{
	prep_nops(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	catch(SIGALRM);
	tick(10000, true);
	EXPECT_EQ(0, ring_enter(&self->ring, 0, 2, GETEVENTS));
	tick(0, false);
	ASSERT_CQE(&self->ring, 0, 0, 0);
}

/* The kernel's sigset_t has 64 bits. */
static __u64 only(int sig)
{
	return 1ull << (sig - 1);
}

TEST_F(ring, mask_lets_a_pending_signal_through)
{
	__u64 empty = 0;
	sigset_t set, now;

	catch(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(0, raise(SIGUSR1));
	EXPECT_EQ(0, caught);

	EXPECT_EQ(-EINTR, backend_enter(variant->backend, self->ring.fd, 0, 1,
					GETEVENTS, &empty, sizeof(empty)));
	EXPECT_EQ(1, caught);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, NULL, &now));
	EXPECT_TRUE(sigismember(&now, SIGUSR1));
}

TEST_F(ring, mask_of_the_extended_argument)
{
	__u64 empty = 0;
	struct __kernel_timespec ts = { .tv_sec = DEADLINE_MS / 1000 };
	struct io_uring_getevents_arg arg = {
		.sigmask = (uintptr_t)&empty,
		.sigmask_sz = sizeof(empty),
		.ts = (uintptr_t)&ts,
	};
	sigset_t set;

	catch(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(0, raise(SIGUSR1));

	EXPECT_EQ(-EINTR, backend_enter(variant->backend, self->ring.fd, 0, 1,
					GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
					sizeof(arg)));
	EXPECT_EQ(1, caught);
}

TEST_F(ring, mask_holds_a_signal_back)
{
	__u64 mask = only(SIGALRM);
	struct __kernel_timespec ts = { .tv_nsec = 50000000 };
	struct io_uring_getevents_arg arg = {
		.sigmask = (uintptr_t)&mask,
		.sigmask_sz = sizeof(mask),
		.ts = (uintptr_t)&ts,
	};

	catch(SIGALRM);
	tick(5000, false);
	EXPECT_EQ(-ETIME, backend_enter(variant->backend, self->ring.fd, 0, 1,
					GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
					sizeof(arg)));
	EXPECT_EQ(1, caught);
}

TEST_F(ring, mask_counts_only_when_there_is_nothing_yet)
{
	__u64 empty = 0;

	/* no wait, so no chance for it to go wrong either */
	prep_nops(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(0, backend_enter(variant->backend, self->ring.fd, 0, 1,
				   GETEVENTS, &empty, 1));
	ring_drain(&self->ring);
	EXPECT_EQ(-EINVAL, backend_enter(variant->backend, self->ring.fd, 0, 1,
					 GETEVENTS, &empty, 1));
}

/* A ring that polls its files: nobody sleeps in it, and few opcodes work. */
TEST_F(ring, iopoll)
{
	struct io_uring_params p = { .flags = IORING_SETUP_IOPOLL | variant->flags };
	struct ring r;
	char byte = 0;
	int sv[2];

	ASSERT_EQ(0, ring_init_params(&r, variant->backend, 4, &p));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(1, send(sv[1], "x", 1, 0));
	/* No completion comes, and it does not wait for one. */
	EXPECT_EQ(0, ring_enter(&r, 0, 1, GETEVENTS));
	EXPECT_EQ(0, ring_enter(&r, 0, 4, GETEVENTS));
	prep_nop(&r, 1);
	ASSERT_RESULT(&r, 0);
	prep(&r, IORING_OP_READ, sv[0], &byte, 1, 1);
	ASSERT_RESULT(&r, -EOPNOTSUPP);
	prep(&r, IORING_OP_WRITE, sv[0], &byte, 1, 1);
	ASSERT_RESULT(&r, -EOPNOTSUPP);
	prep(&r, IORING_OP_READ, -1, &byte, 1, 1);
	ASSERT_RESULT(&r, -EBADF);
	prep(&r, IORING_OP_RECV, sv[0], &byte, 1, 1);
	ASSERT_RESULT(&r, -EINVAL);
	prep(&r, IORING_OP_POLL_ADD, sv[0], NULL, 0, 1)->poll32_events = POLLIN;
	ASSERT_RESULT(&r, -EINVAL);
	prep(&r, IORING_OP_CLOSE, sv[1], NULL, 0, 1);
	ASSERT_RESULT(&r, -EINVAL);
	EXPECT_EQ(1, recv(sv[0], &byte, 1, MSG_DONTWAIT));
	close(sv[0]);
	close(sv[1]);
	ring_exit(&r);
}

TEST_HARNESS_MAIN
