// SPDX-License-Identifier: GPL-2.0
/*
 * What each object costs, and that who makes it is charged for it: many of a kind are made in a
 * memory cgroup, and what that is charged is compared with what the system has lost.
 * Documentation/accounting.rst has the figures.
 */
#include "accounting_objects.h"
#include "cgroup.h"
#include "kmem_events.h"

/* So much is lost or charged by the way: what processors keep to themselves. */
#define SLACK	(3LL << 20)

FIXTURE(object) {
	struct cgroup group;
	struct place place;
};

FIXTURE_VARIANT(object) {
	enum backend backend;
	const char *name;
	int (*prepare)(struct place *p);
	int (*make)(struct place *p, unsigned int i);
	unsigned int count;
};

#define OF(b, side, kind, by, text, nr, before)				\
FIXTURE_VARIANT_ADD(object, side##_##kind) {				\
	.backend = b, .name = text, .make = by, .count = nr,		\
	.prepare = before,						\
}

#define KIND_BY(kind, by, text, nr, before)				\
	OF(RURING, ruring, kind, by, text, nr, before);			\
	OF(IO_URING, io_uring, kind, by, text, nr, before)

#define KIND(kind, text, nr, before)	KIND_BY(kind, make_##kind, text, nr, before)

KIND(ring, "a ring of 8 entries", SOME, NULL);
KIND(poll, "a request that waits", 30000, NULL);
KIND_BY(poll_of_two, make_poll, "a request that waits for either of two", 30000, prepare_poll_of_two);
KIND(timeout, "a request that waits for its time", 20000, NULL);
KIND(link, "a request that waits, and one linked behind it", 20000, NULL);
KIND(receive, "a RECVMSG of two pieces that waits", 20000, NULL);
KIND(send, "a request that waits, and a SEND to an address behind it", 20000, NULL);
KIND(pieces, "a READV of 1,024 pieces that waits", SOME, NULL);
KIND(bundle, "a RECV of a bundle that waits", 20000, prepare_bundle);
KIND(empty_buffers, "1,000 empty slots for buffers", SOME, prepare_rings);
KIND(notification, "a send without a copy that is not acknowledged", SOME, prepare_notification);
KIND(overflow, "a completion that waits for room", 30000, NULL);
KIND(mapped_group, "a buffer ring of the kernel's, 8 entries", 4000, NULL);
KIND(first_group, "the first buffer ring of a ring's", SOME, prepare_rings);
KIND(classic_group, "a group of 8 classic buffers", 30000, NULL);
KIND(file, "a registered file with a tag", 30000, NULL);
KIND(buffer, "a registered buffer with a tag", 16000, NULL);
KIND(clone, "a table of one buffer of another ring", MANY, prepare_clone);
KIND(personality, "a personality", 30000, NULL);
KIND(filter, "a filter of a ring", 2000, NULL);
KIND(restriction, "a ring's restrictions, one of them", MANY, prepare_rings_that_are_off);
KIND(eventfd, "a ring's eventfd", MANY, prepare_eventfd);
KIND(region, "a ring's memory region, a page of the kernel's", MANY, prepare_rings);
KIND(larger, "a ring's memory for 256 entries in the place of 8", SOME, prepare_rings_of_one_task);
KIND(napi, "a ring that polls queues", MANY, prepare_rings);
KIND(queue, "a queue that a ring polls", 10000, prepare_queue);
KIND_BY(thread, make_user, "a thread that uses a ring", SOME, prepare_threads);
KIND_BY(index, make_user, "a thread that has registered a ring", SOME, prepare_index);
KIND_BY(process, make_user, "a process that uses a ring", SOME, prepare_processes);
KIND(worker, "a worker, its stack", SOME, prepare_worker);
KIND(polling_ring, "a ring with a thread that polls it", SOME, NULL);
/* io_uring has none */
OF(RURING, ruring, mark, make_mark, "a mark of a buffer ring", MANY, prepare_mark);

FIXTURE_SETUP(object)
{
	struct place *p = &self->place;
	struct rlimit files = { 32768, 32768 }, any = { RLIM_INFINITY, RLIM_INFINITY };
	struct io_uring_rsrc_register reg = {
		.nr = variant->count,
		.flags = IORING_RSRC_REGISTER_SPARSE,
	};

	/* which keeps a record of each allocation, outside of all cgroups */
	if (!access("/sys/kernel/debug/kmemleak", F_OK))
		SKIP(return, "the debug kernel's own costs are nobody's");
	if (variant->backend == IO_URING &&
	    proc_value("/proc/sys/kernel/io_uring_disabled", "") != 0)
		SKIP(return, "io_uring is not available");
	/* how many pages processors keep to themselves, which are neither free nor lost: few */
	ASSERT_EQ(0, write_to("/proc/sys/vm", "percpu_pagelist_high_fraction", "1000000"));
	if (cgroup_enter(&self->group))
		SKIP(return, "no memory cgroup");
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &any));
	ASSERT_LE(0, device_fd());
	p->backend = variant->backend;
	p->mem = aligned_alloc(4096, 4096);
	memset(p->mem, 0, 4096);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, p->sv));
	p->turn = eventfd(0, EFD_SEMAPHORE);
	p->done = eventfd(0, EFD_SEMAPHORE);
	ASSERT_LE(0, p->turn);
	ASSERT_LE(0, p->done);
	ASSERT_EQ(0, ring_init(&p->ring, variant->backend, 8, 0));
	if (variant->make == make_file)
		ASSERT_EQ(0, ring_register(&p->ring, IORING_REGISTER_FILES2, &reg, sizeof(reg)));
	if (variant->make == make_buffer)
		ASSERT_EQ(0, buffers_register_sparse(&p->ring, variant->count));
	if (variant->prepare)
		ASSERT_EQ(0, variant->prepare(p));
}

FIXTURE_TEARDOWN(object)
{
	struct place *p = &self->place;
	unsigned int i;

	for (i = 0; i < SOME; i++)
		if (p->children[i] > 0)
			kill(p->children[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	if (variant->make == make_worker)
		unlink(p->mem);
	ring_exit(&p->ring);
	write_to("/proc/sys/vm", "percpu_pagelist_high_fraction", "0");
	cgroup_leave(&self->group);
}

static long long available(void)
{
	write_to("/proc/sys/vm", "stat_refresh", "1");
	return proc_value("/proc/meminfo", "MemFree:") * 1024;
}

TEST_F(object, costs_its_maker_what_it_costs_the_system)
{
	long long charge, loss;
	unsigned int i;

	loss = available();
	charge = cgroup_charge(&self->group);
	for (i = 0; i < variant->count; i++)
		ASSERT_EQ(0, variant->make(&self->place, i));
	loss -= available();
	charge = cgroup_charge(&self->group) - charge;
	TH_LOG("%s: %lld bytes charged, %lld lost (%s)", variant->name, charge / variant->count,
	       loss / variant->count, variant->backend == RURING ? "ruring" : "io_uring");
	if (variant->backend == RURING)
		EXPECT_LE(loss - SLACK - loss / 20, charge);
}

/* So few of a kind that no event is lost. */
#define FEW	8
/* However little it is, what the module allocates for an object and keeps is charged. */
TEST_F(object, no_allocation_is_left_out)
{
	struct uncharged *u = calloc(1, sizeof(*u));
	char line[512];
	unsigned int i;
	FILE *f;

	ASSERT_NE(NULL, u);
	if (variant->backend == IO_URING)
		SKIP(return, "io_uring is none of ours");
	if (!trace_allocations(true))
		SKIP(return, "no tracefs");
	for (i = 0; i < FEW; i++)
		EXPECT_EQ(0, variant->make(&self->place, i));
	ASSERT_TRUE(trace_allocations(false));
	f = fopen(TRACEFS "trace", "r");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f))
		take_in(u, line);
	fclose(f);
	trace_write("buffer_size_kb", "1408");
	/* what is part of the ring, what is made beforehand, and pages of their own are not seen */
	if (variant->make != make_eventfd && variant->make != make_region && variant->make != make_queue)
		EXPECT_LT(0, u->charged);
	TH_LOG("%s: %u allocations are charged", variant->name, u->charged);
	EXPECT_EQ(0, u->nr);
	for (i = 0; i < u->nr; i++)
		TH_LOG("%s", u->where[i]);
	free(u);
}

TEST_HARNESS_MAIN
