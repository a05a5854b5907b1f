// SPDX-License-Identifier: GPL-2.0
/*
 * IORING_REGISTER_CLOCK: what the times of io_uring_enter() are of.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

#define RING_MODES
#include "fixture.h"

/* No machine has run for so long that this is a time within the wait. */
#define AHEAD_S	100000
#define MS	1000000LL

static int set_clock(struct ring *r, unsigned int clock)
{
	struct io_uring_clock_register reg = { .clockid = clock };

	return ring_register(r, IORING_REGISTER_CLOCK, &reg, 0);
}

/* Wait for one completion until @when, in nanoseconds of the ring's clock. */
static int wait_until_time(struct ring *r, long long when)
{
	struct __kernel_timespec ts = { when / 1000000000, when % 1000000000 };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&ts };

	return backend_enter(r->backend, r->fd, 0, 1,
			     IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | IORING_ENTER_ABS_TIMER,
			     &arg, sizeof(arg));
}

TEST_F(ring, arguments)
{
	struct io_uring_clock_register reg = { .clockid = CLOCK_MONOTONIC };
	struct ring *r = &self->ring;

	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_CLOCK, NULL, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_CLOCK, &reg, 1));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_CLOCK, (void *)8, 0));
	reg.__resv[1] = 1;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_CLOCK, &reg, 0));
	EXPECT_EQ(-EINVAL, set_clock(r, CLOCK_REALTIME));
	EXPECT_EQ(-EINVAL, set_clock(r, CLOCK_MONOTONIC_RAW));
	EXPECT_EQ(-EINVAL, set_clock(r, -1));
	EXPECT_EQ(0, set_clock(r, CLOCK_BOOTTIME));
	EXPECT_EQ(0, set_clock(r, CLOCK_MONOTONIC));
}

TEST_F(ring, relative_times)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	struct ring *r = &self->ring;
	long long before;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, set_clock(r, clocks[i]));
		before = now_ns(clocks[i]);
		ASSERT_EQ(-ETIME, ring_wait_ms(r, 1, 5));
		EXPECT_LE(before + 5 * MS, now_ns(clocks[i]));
	}
}

/*
 * In a time namespace the two clocks are far apart, so that a time of the one that is soon is in the
 * past of the other one, or would take days.
 */
static int in_a_namespace(struct ring *r, clockid_t mine, clockid_t other)
{
	char offsets[64];
	long long before;
	int fd, n, status, ret;
	pid_t child;

	if (unshare(CLONE_NEWTIME))
		return 10;
	n = snprintf(offsets, sizeof(offsets), "%d %d 0\n", mine, AHEAD_S);
	fd = open("/proc/self/timens_offsets", O_WRONLY);
	if (fd < 0 || write(fd, offsets, n) != n)
		return 11;
	close(fd);
	child = fork();
	if (child < 0)
		return 12;
	if (child) {
		waitpid(child, &status, 0);
		return WIFEXITED(status) ? WEXITSTATUS(status) : 13;
	}
	if (now_ns(mine) < now_ns(other) + AHEAD_S / 2 * 1000 * MS)
		_exit(14);
	/* The child may be no single issuer of the parent's ring. */
	if (ring_init(r, r->backend, 4, r->params.flags & DEFER_FLAGS) || set_clock(r, mine))
		_exit(15);
	before = now_ns(mine);
	ret = wait_until_time(r, before + 5 * MS);
	if (ret != -ETIME)
		_exit(16);
	if (now_ns(mine) < before + 5 * MS)
		_exit(17);
	_exit(0);
}

TEST_F(ring, absolute_times_in_a_time_namespace)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	unsigned int i;
	int status;
	pid_t child;

	if (access("/proc/self/timens_offsets", F_OK))
		SKIP(return, "the kernel has no time namespaces");
	for (i = 0; i < 2; i++) {
		child = fork();
		ASSERT_LE(0, child);
		if (!child)
			_exit(in_a_namespace(&self->ring, clocks[i], clocks[!i]));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_EQ(0, status);
	}
}

TEST_F(ring, the_least_time_and_the_timeout)
{
	struct __kernel_timespec ts = { .tv_nsec = 20 * MS };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&ts, .min_wait_usec = 1000 };
	struct ring *r = &self->ring;
	long long before;

	ASSERT_EQ(0, set_clock(r, CLOCK_BOOTTIME));
	before = now_ns(CLOCK_BOOTTIME);
	ASSERT_EQ(-ETIME, backend_enter(r->backend, r->fd, 0, 2,
					IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg)));
	EXPECT_LE(before + 20 * MS, now_ns(CLOCK_BOOTTIME));
	/* With one of two there it is the least time that counts. */
	prep_nop(r, 1);
	ASSERT_EQ(1, ring_submit(r));
	ts.tv_sec = DEADLINE_MS / 1000;
	ASSERT_EQ(0, backend_enter(r->backend, r->fd, 0, 2,
				   IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg)));
	ASSERT_CQE(r, 1, 0, 0);
}

TEST_HARNESS_MAIN
