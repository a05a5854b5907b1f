// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that the kernel holds for a ring is charged to the memory cgroup.
 */
#include "cgroup.h"

#define SLACK	(1 << 20)

/* A cgroup with the test in it. */
FIXTURE(group) {
	struct cgroup group;
	struct ring ring;
};

FIXTURE_VARIANT(group) {
	enum backend backend;
};

FIXTURE_VARIANT_ADD(group, ruring) { .backend = RURING };
FIXTURE_VARIANT_ADD(group, io_uring) { .backend = IO_URING };

FIXTURE_SETUP(group)
{
	if (cgroup_enter(&self->group))
		SKIP(return, "no memory cgroup");
	if (variant->backend == RURING)
		ASSERT_LE(0, device_fd());
}

FIXTURE_TEARDOWN(group)
{
	ring_exit(&self->ring);
	cgroup_leave(&self->group);
}

/* A little less than was allocated: some may have been charged before. */
#define ASSERT_CHARGED(before, bytes)					\
	ASSERT_LE((before) + (bytes) - SLACK, cgroup_charge(&self->group))

TEST_F(group, memory_of_a_ring)
{
	long long before = cgroup_charge(&self->group);

	ASSERT_LE(0, before);
	ASSERT_EQ(0, ring_init(&self->ring, variant->backend, 32768, 0));
	ASSERT_CHARGED(before, 32768 * 64 + 65536 * 16);
}

TEST_F(group, completions_that_overflow)
{
	unsigned int i, round;
	long long before;

	ASSERT_EQ(0, ring_init(&self->ring, variant->backend, 1024, 0));
	before = cgroup_charge(&self->group);
	for (round = 0; round < 48; round++) {
		for (i = 0; i < 1024; i++)
			prep_nop(&self->ring, i);
		ASSERT_EQ(1024, ring_submit(&self->ring));
	}
	ASSERT_CHARGED(before, 46 * 1024 * 32);
}

TEST_F(group, requests_that_wait)
{
	unsigned int i, round;
	long long before;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, ring_init(&self->ring, variant->backend, 1024, 0));
	before = cgroup_charge(&self->group);
	for (round = 0; round < 8; round++) {
		for (i = 0; i < 1024; i++)
			prep_poll(&self->ring, sv[0], POLLPRI, i);
		ASSERT_EQ(1024, ring_submit(&self->ring));
	}
	ASSERT_CHARGED(before, 8 * 1024 * 200);
}

TEST_HARNESS_MAIN
