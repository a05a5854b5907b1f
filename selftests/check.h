/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The harness, and what tests assert of a ring.
 */
#ifndef SELFTESTS_CHECK_H
#define SELFTESTS_CHECK_H

#include <kselftest_harness.h>
#include <sys/utsname.h>

#include "ring.h"

/* Variants of a fixture for both sides, with task work that is run at once and with task work that is deferred. */
#define VARIANTS_OF_BOTH(name)						\
	FIXTURE_VARIANT(name) { enum backend backend; unsigned int flags; };	\
	FIXTURE_VARIANT_ADD(name, ruring) { .backend = RURING };	\
	FIXTURE_VARIANT_ADD(name, io_uring) { .backend = IO_URING };	\
	FIXTURE_VARIANT_ADD(name, ruring_defer) { .backend = RURING, .flags = DEFER_FLAGS };	\
	FIXTURE_VARIANT_ADD(name, io_uring_defer) { .backend = IO_URING, .flags = DEFER_FLAGS }

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 300

#define DEFER_FLAGS	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

static inline int kernel_is_7_2(void)
{
	struct utsname name;

	return !uname(&name) && !strncmp(name.release, "7.2.", 4);
}

/* ruring does what the kernel's io_uring does as of 7.3: a case is left out where that of 7.2 does otherwise. */
#define IO_URING_OF_7_2 (variant->backend == IO_URING && kernel_is_7_2())

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

/* The same, with the whole completion. */
#define ASSERT_COMPLETES(ring, data, result, cflags) do {		\
	ASSERT_EQ(1, ring_submit(ring));				\
	ASSERT_CQE(ring, data, result, cflags);				\
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

#endif /* SELFTESTS_CHECK_H */
