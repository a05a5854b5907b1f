/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rings with a thread of the kernel that finds what is submitted.
 */
#ifndef SELFTESTS_SQPOLL_H
#define SELFTESTS_SQPOLL_H

#include <signal.h>

#include "check.h"

/*
 * Define RING_AWAKE before the inclusion for tests that begin with a ring, whose
 * thread stays awake. Those of the fixture "bare" make their own.
 */

/* The thread does not sleep within a test, */
#define AWAKE_MS	(2 * DEADLINE_MS)
/* or soon. */
#define SOON_MS		10

static inline int init(struct ring *ring, enum backend backend, unsigned int flags,
		       unsigned int idle)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL | flags,
		.sq_thread_idle = idle,
	};

	return ring_init_params(ring, backend, 16, &params);
}

/*
 * A ring whose thread stays awake. The kernel's own may sleep before it begins
 * to look.
 */
static inline int init_awake(struct ring *ring, enum backend backend, unsigned int flags)
{
	struct io_uring_cqe cqe;
	int ret = init(ring, backend, flags, AWAKE_MS);

	if (ret)
		return ret;
	prep_nop(ring, 0);
	ring_publish(ring);
	while (!ret && !ring_peek(ring, &cqe))
		ret = ring_enter(ring, 0, 0, IORING_ENTER_SQ_WAKEUP);
	return ret;
}

#ifdef RING_AWAKE
FIXTURE(sqpoll) {
	struct ring ring;
};

FIXTURE_VARIANT(sqpoll) {
	enum backend backend;
};

FIXTURE_VARIANT_ADD(sqpoll, ruring) { .backend = RURING };
FIXTURE_VARIANT_ADD(sqpoll, io_uring) { .backend = IO_URING };

FIXTURE_SETUP(sqpoll)
{
	ASSERT_EQ(0, init_awake(&self->ring, variant->backend, 0));
}

FIXTURE_TEARDOWN(sqpoll)
{
	if (self->ring.fd >= 0)
		ring_exit(&self->ring);
}
#endif

FIXTURE(bare) {
	struct ring ring;
};

FIXTURE_VARIANT(bare) {
	enum backend backend;
};

FIXTURE_VARIANT_ADD(bare, ruring) { .backend = RURING };
FIXTURE_VARIANT_ADD(bare, io_uring) { .backend = IO_URING };

FIXTURE_SETUP(bare)
{
	self->ring.fd = -1;
}

FIXTURE_TEARDOWN(bare)
{
	if (self->ring.fd >= 0)
		ring_exit(&self->ring);
}

static inline long long info(struct ring *ring, const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ring->fd);
	return proc_value(path, key);
}

/* The process id of the ring's thread. */
static inline pid_t thread_of(struct ring *ring)
{
	return info(ring, "SqThread:");
}

static inline bool thread_is_gone(void *arg)
{
	pid_t *pid = arg;

	return kill(*pid, 0) == -1 && errno == ESRCH;
}

static inline bool one_is_ready(void *arg)
{
	return ring_ready(arg) >= 1;
}

static inline bool needs_wakeup(void *arg)
{
	return ring_flags(arg) & IORING_SQ_NEED_WAKEUP;
}

/*
 * What is published once the thread has said so may still be found by its last look:
 * only one that sleeps after that finds nothing.
 */
static inline bool is_asleep(void *arg)
{
	return needs_wakeup(arg) && task_state(thread_of(arg)) == 'S' && needs_wakeup(arg);
}

static inline bool is_consumed(void *arg)
{
	struct ring *ring = arg;

	return __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE) == *ring->sq_tail;
}

/* The next completion comes without a system call, and is this one. */
#define ASSERT_COMES(ring, data, result) do {				\
	struct io_uring_cqe _cqe = {};					\
	ASSERT_TRUE(wait_until(one_is_ready, ring));			\
	ASSERT_TRUE(ring_peek(ring, &_cqe));				\
	ASSERT_EQ((__u64)(data), _cqe.user_data);			\
	ASSERT_EQ((__s32)(result), _cqe.res);				\
} while (0)

static inline int share(struct ring *ring, enum backend backend, int wq_fd)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL | IORING_SETUP_ATTACH_WQ,
		.sq_thread_idle = AWAKE_MS,
		.wq_fd = wq_fd,
	};

	return ring_init_params(ring, backend, 16, &params);
}

#endif /* SELFTESTS_SQPOLL_H */
