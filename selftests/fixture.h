/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture that tests share. Each test runs on ruring and on the kernel's
 * own io_uring: what holds for the one has to hold for the other. A test that
 * has to tell them apart says why.
 */
#ifndef SELFTESTS_FIXTURE_H
#define SELFTESTS_FIXTURE_H

#include <kselftest_harness.h>

#include "ring.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

#define DEFER_FLAGS	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

/*
 * Define RING_MODES before the inclusion to run each test with task work that
 * is run at once and with task work that is deferred to the next wait.
 */
FIXTURE(ring) {
	struct ring ring;
};

FIXTURE_VARIANT(ring) {
	enum backend backend;
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(ring, ruring) {
	.backend = RURING,
};

FIXTURE_VARIANT_ADD(ring, io_uring) {
	.backend = IO_URING,
};

#ifdef RING_MODES
FIXTURE_VARIANT_ADD(ring, ruring_defer) {
	.backend = RURING,
	.flags = DEFER_FLAGS,
};

FIXTURE_VARIANT_ADD(ring, io_uring_defer) {
	.backend = IO_URING,
	.flags = DEFER_FLAGS,
};
#endif

FIXTURE_SETUP(ring)
{
	if (variant->backend == IO_URING &&
	    proc_value("/proc/sys/kernel/io_uring_disabled", "") != 0)
		SKIP(return, "io_uring is not available");
	ASSERT_EQ(0, ring_init(&self->ring, variant->backend, 16, variant->flags));
}

FIXTURE_TEARDOWN(ring)
{
	ring_exit(&self->ring);
}

/* The next completion, waited for if need be, is exactly this one. */
#define ASSERT_CQE(ring, data, result, cflags) do {			\
	struct io_uring_cqe _cqe = {};					\
	ASSERT_EQ(0, ring_take(ring, &_cqe));				\
	ASSERT_EQ((__u64)(data), _cqe.user_data);			\
	ASSERT_EQ((__s32)(result), _cqe.res);				\
	ASSERT_EQ((__u32)(cflags), _cqe.flags);				\
} while (0)

/* Submit the one SQE that is prepared; this is how it completes. */
#define ASSERT_RESULT(ring, result) do {				\
	struct io_uring_cqe _cqe = {};					\
	ASSERT_EQ(1, ring_submit(ring));				\
	ASSERT_EQ(0, ring_take(ring, &_cqe));				\
	ASSERT_EQ((__s32)(result), _cqe.res);				\
} while (0)

/*
 * Nothing has completed and nothing is about to: a NOP that is submitted after
 * what could have caused a completion is the next to complete.
 */
#define ASSERT_QUIET(ring) do {						\
	prep_nop(ring, 0xbeacu);					\
	ASSERT_EQ(1, ring_submit_and_run(ring));			\
	ASSERT_CQE(ring, 0xbeacu, 0, 0);				\
	ASSERT_EQ(0, ring_ready(ring));					\
} while (0)

#define BUFFER_FLAGS(bid) \
	(IORING_CQE_F_BUFFER | ((__u32)(bid) << IORING_CQE_BUFFER_SHIFT))

#endif /* SELFTESTS_FIXTURE_H */
