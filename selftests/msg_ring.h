/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MSG_RING: rings that send, and what they are sent to.
 */
#ifndef SELFTESTS_MSG_RING_H
#define SELFTESTS_MSG_RING_H

#include <fcntl.h>
#include <pthread.h>

#define RING_MODES
#include "files.h"

/* A ring that sends, and one that it sends to. */
FIXTURE(msg) {
	struct ring from;
	struct ring to;
};

FIXTURE_VARIANT(msg) {
	enum backend backend;
	unsigned int from;
	unsigned int to;
};

FIXTURE_VARIANT_ADD(msg, ruring_plain) { .backend = RURING };
FIXTURE_VARIANT_ADD(msg, io_uring_plain) { .backend = IO_URING };
FIXTURE_VARIANT_ADD(msg, ruring_to_defer) { .backend = RURING, .to = DEFER_FLAGS };
FIXTURE_VARIANT_ADD(msg, io_uring_to_defer) { .backend = IO_URING, .to = DEFER_FLAGS };
FIXTURE_VARIANT_ADD(msg, ruring_both_defer) {
	.backend = RURING,
	.from = DEFER_FLAGS,
	.to = DEFER_FLAGS,
};
FIXTURE_VARIANT_ADD(msg, io_uring_both_defer) {
	.backend = IO_URING,
	.from = DEFER_FLAGS,
	.to = DEFER_FLAGS,
};
FIXTURE_VARIANT_ADD(msg, ruring_to_sqpoll) { .backend = RURING, .to = IORING_SETUP_SQPOLL };
FIXTURE_VARIANT_ADD(msg, io_uring_to_sqpoll) { .backend = IO_URING, .to = IORING_SETUP_SQPOLL };
FIXTURE_VARIANT_ADD(msg, ruring_from_sqpoll) { .backend = RURING, .from = IORING_SETUP_SQPOLL };
FIXTURE_VARIANT_ADD(msg, io_uring_from_sqpoll) { .backend = IO_URING, .from = IORING_SETUP_SQPOLL };
FIXTURE_VARIANT_ADD(msg, ruring_to_iopoll) { .backend = RURING, .to = IORING_SETUP_IOPOLL };
FIXTURE_VARIANT_ADD(msg, io_uring_to_iopoll) { .backend = IO_URING, .to = IORING_SETUP_IOPOLL };
FIXTURE_VARIANT_ADD(msg, ruring_from_iopoll) { .backend = RURING, .from = IORING_SETUP_IOPOLL };
FIXTURE_VARIANT_ADD(msg, io_uring_from_iopoll) { .backend = IO_URING, .from = IORING_SETUP_IOPOLL };

FIXTURE_SETUP(msg)
{
	if (variant->backend == IO_URING &&
	    proc_value("/proc/sys/kernel/io_uring_disabled", "") != 0)
		SKIP(return, "io_uring is not available");
	ASSERT_EQ(0, ring_init(&self->from, variant->backend, 16, variant->from));
	ASSERT_EQ(0, ring_init(&self->to, variant->backend, 16, variant->to));
}

FIXTURE_TEARDOWN(msg)
{
	ring_exit(&self->to);
	ring_exit(&self->from);
}

static inline struct io_uring_sqe *prep_msg(struct ring *r, int fd, __s32 res, __u64 data, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_MSG_RING, fd, NULL, res, user_data);

	sqe->addr = IORING_MSG_DATA;
	sqe->off = data;
	return sqe;
}

/* To slot @to, which may be IORING_FILE_INDEX_ALLOC - 1. */
static inline struct io_uring_sqe *prep_msg_fd(struct ring *r, int fd, unsigned int from, unsigned int to,
					__u64 data, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep_msg(r, fd, 0, data, user_data);

	sqe->addr = IORING_MSG_SEND_FD;
	sqe->addr3 = from;
	sqe->file_index = to + 1;
	return sqe;
}

#define ANY_SLOT	(IORING_FILE_INDEX_ALLOC - 1)

/* As ring_submit(), also of a ring with a thread. */
static inline int submit(struct ring *r)
{
	/* A thread takes them as soon as they are published. */
	unsigned int queued = r->prepared - *r->sq_tail;
	unsigned int flags = 0;

	if (r->params.flags & IORING_SETUP_SQPOLL)
		flags = IORING_ENTER_SQ_WAKEUP;
	ring_publish(r);
	return ring_enter(r, queued, 0, flags);
}

static inline bool one_is_ready(void *arg)
{
	struct ring *r = arg;

	if (!ring_ready(r))
		ring_run(r);
	return ring_ready(r);
}

/* As ASSERT_CQE(), also of a ring whose completions cannot be waited for. */
#define ASSERT_COMES(ring, data, result, cflags) do {			\
	ASSERT_TRUE(wait_until(one_is_ready, ring));			\
	ASSERT_CQE(ring, data, result, cflags);				\
} while (0)

/* What is prepared is one request of this user_data, which ends so. */
#define ASSERT_SENT(ring, data, result) do {				\
	ASSERT_EQ(1, submit(ring));					\
	ASSERT_COMES(ring, data, result, 0);				\
} while (0)

#define ASSERT_NOTHING(ring) do {					\
	ASSERT_EQ(0, ring_run(ring));					\
	ASSERT_EQ(0, ring_ready(ring));					\
} while (0)

/* A task that waits in a ring of its own. */
struct waiter {
	pthread_t thread;
	pthread_barrier_t ready;
	enum backend backend;
	unsigned int flags;
	unsigned int count;
	unsigned int min_wait_usec;
	/* Its number, once there is nothing but enter for it to sleep in. */
	pid_t tid;
	struct ring ring;
	int ret;
	unsigned int seen;
};

static inline void *wait_thread(void *arg)
{
	struct waiter *w = arg;
	struct __kernel_timespec ts = { .tv_sec = DEADLINE_MS / 1000 };
	struct io_uring_getevents_arg ext = {
		.min_wait_usec = w->min_wait_usec,
		.ts = (unsigned long)&ts,
	};

	w->ret = ring_init(&w->ring, w->backend, 16, w->flags);
	pthread_barrier_wait(&w->ready);
	__atomic_store_n(&w->tid, gettid(), __ATOMIC_RELEASE);
	if (!w->ret)
		w->ret = backend_enter(w->backend, w->ring.fd, 0, w->count,
				       IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
				       &ext, sizeof(ext));
	w->seen = ring_ready(&w->ring);
	return NULL;
}

static inline bool waits(void *arg)
{
	struct waiter *w = arg;
	pid_t tid = __atomic_load_n(&w->tid, __ATOMIC_ACQUIRE);
	char path[64], stat[256] = {}, *state;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = tid ? open(path, O_RDONLY) : -1;
	if (fd < 0 || read(fd, stat, sizeof(stat) - 1) < 0)
		stat[0] = 0;
	if (fd >= 0)
		close(fd);
	state = strrchr(stat, ')');
	return state && state[2] == 'S';
}

/* Returns once it waits. */
static inline int waiter_start(struct waiter *w)
{
	pthread_barrier_init(&w->ready, NULL, 2);
	if (pthread_create(&w->thread, NULL, wait_thread, w))
		return -1;
	pthread_barrier_wait(&w->ready);
	return w->ret ?: w->count && !wait_until(waits, w);
}

#endif /* SELFTESTS_MSG_RING_H */
