/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture that tests share. Each test runs on ruring and on the kernel's
 * own io_uring: what holds for the one has to hold for the other. A test that
 * has to tell them apart says why.
 */
#ifndef SELFTESTS_FIXTURE_H
#define SELFTESTS_FIXTURE_H

#include "check.h"

/* Nothing completes now, though there may be something on its way. */
#define ASSERT_WAITING(r) do {						\
	ASSERT_LE(0, ring_run(r));					\
	ASSERT_EQ(0, ring_ready(r));					\
} while (0)

/* Variants of a fixture for what only ruring has. */
#define VARIANTS_OF_RURING(name)					\
	FIXTURE_VARIANT(name) { unsigned int flags; };			\
	FIXTURE_VARIANT_ADD(name, plain) {};				\
	FIXTURE_VARIANT_ADD(name, defer) { .flags = DEFER_FLAGS }

/*
 * Define RING_MODES before the inclusion to run each test with task work that
 * is run at once and with task work that is deferred to the next wait, and
 * RING_MEMORY to run each in memory of the program's.
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

/* Also with the ring in the program's own memory. */
#ifdef RING_MEMORY
FIXTURE_VARIANT_ADD(ring, ruring_no_mmap) {
	.backend = RURING,
	.flags = IORING_SETUP_NO_MMAP,
};

FIXTURE_VARIANT_ADD(ring, io_uring_no_mmap) {
	.backend = IO_URING,
	.flags = IORING_SETUP_NO_MMAP,
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

#endif /* SELFTESTS_FIXTURE_H */
