/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Timeouts.
 */
#ifndef SELFTESTS_TIMEOUT_H
#define SELFTESTS_TIMEOUT_H

#include <time.h>

#include "fixture.h"

/* One that does not pass during a test, one that does soon, and what has passed. */
static struct __kernel_timespec never = { .tv_sec = 1000 };
static struct __kernel_timespec soon = { .tv_nsec = 2000000 };
static struct __kernel_timespec zero;

static inline struct __kernel_timespec after_ns(clockid_t clock, long long ns)
{
	long long at = now_ns(clock) + ns;

	return (struct __kernel_timespec) {
		.tv_sec = at / 1000000000,
		.tv_nsec = at % 1000000000,
	};
}

static inline struct io_uring_sqe *prep_timeout(struct ring *r, const struct __kernel_timespec *ts,
					 unsigned int count, unsigned int flags, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_TIMEOUT, -1, ts, 1, user_data);

	sqe->off = count;
	sqe->timeout_flags = flags;
	return sqe;
}

static inline struct io_uring_sqe *prep_remove(struct ring *r, __u64 target, __u64 user_data)
{
	return prep(r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)(unsigned long)target, 0, user_data);
}

static inline struct io_uring_sqe *prep_update(struct ring *r, __u64 target,
					const struct __kernel_timespec *ts, unsigned int flags,
					__u64 user_data)
{
	struct io_uring_sqe *sqe = prep_remove(r, target, user_data);

	sqe->off = (unsigned long)ts;
	sqe->timeout_flags = IORING_TIMEOUT_UPDATE | flags;
	return sqe;
}

/* A timeout for the SQE before it, which gets the flag for the link. */
static inline struct io_uring_sqe *prep_limit(struct ring *r, const struct __kernel_timespec *ts,
				       unsigned int flags, __u64 user_data)
{
	unsigned int last = (r->prepared - 1) & (r->params.sq_entries - 1);
	struct io_uring_sqe *sqe;

	if (!(r->sqes[last].flags & IOSQE_IO_HARDLINK))
		r->sqes[last].flags |= IOSQE_IO_LINK;
	sqe = prep(r, IORING_OP_LINK_TIMEOUT, -1, ts, 1, user_data);
	sqe->timeout_flags = flags;
	return sqe;
}

/* Take @nr completions, whose results go to @res by their user_data below 16. */
static inline int take_all(struct ring *r, unsigned int nr, int *res)
{
	struct io_uring_cqe cqe;
	int ret;

	while (nr--) {
		ret = ring_take(r, &cqe);
		if (ret)
			return ret;
		res[cqe.user_data & 15] = cqe.res;
	}
	return 0;
}

#endif /* SELFTESTS_TIMEOUT_H */
