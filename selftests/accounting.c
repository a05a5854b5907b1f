// SPDX-License-Identifier: GPL-2.0
/*
 * What each object costs, and that who makes it is charged for it: many of a kind are made in a
 * memory cgroup, and what that is charged is compared with what the system has lost.
 * Documentation/accounting.rst has the figures.
 */
#include <fcntl.h>
#include <sys/resource.h>

#include "bpf.h"
#include "cgroup.h"
#include "rsrc.h"

/* So much is lost or charged by the way: what processors keep to themselves. */
#define SLACK	(3LL << 20)

/* What there is for the objects to be about. */
struct place {
	enum backend backend;
	struct ring ring;
	int sv[2];
	char *mem;
};

static int make_ring(struct place *p, unsigned int i)
{
	struct io_uring_params params = {};
	int fd = backend_setup(p->backend, 8, &params);

	(void)i;
	return fd < 0 ? fd : 0;
}

static int make_poll(struct place *p, unsigned int i)
{
	prep_poll(&p->ring, p->sv[0], POLLPRI, i);
	return ring_submit(&p->ring) == 1 ? 0 : -EIO;
}

static int make_timeout(struct place *p, unsigned int i)
{
	struct __kernel_timespec time = { .tv_sec = 10000 };

	prep(&p->ring, IORING_OP_TIMEOUT, -1, &time, 1, i);
	return ring_submit(&p->ring) == 1 ? 0 : -EIO;
}

static int make_link(struct place *p, unsigned int i)
{
	prep_poll(&p->ring, p->sv[0], POLLPRI, i)->flags = IOSQE_IO_LINK;
	prep_nop(&p->ring, i);
	return ring_submit(&p->ring) == 2 ? 0 : -EIO;
}

static int make_overflow(struct place *p, unsigned int i)
{
	prep_nop(&p->ring, i);
	return ring_submit(&p->ring) == 1 ? 0 : -EIO;
}

static int make_mapped_group(struct place *p, unsigned int i)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = 8,
		.bgid = i,
		.flags = IOU_PBUF_RING_MMAP,
	};

	return ring_register(&p->ring, IORING_REGISTER_PBUF_RING, &reg, 1);
}

static int make_classic_group(struct place *p, unsigned int i)
{
	struct io_uring_sqe *sqe = prep(&p->ring, IORING_OP_PROVIDE_BUFFERS, 8, p->mem, 16, i);
	struct io_uring_cqe cqe;

	sqe->buf_group = i;
	return ring_submit(&p->ring) != 1 ? -EIO : ring_take(&p->ring, &cqe) ?: cqe.res;
}

static int make_file(struct place *p, unsigned int i)
{
	__u64 tag = i + 1;
	struct io_uring_rsrc_update2 up = {
		.offset = i,
		.data = (uintptr_t)&p->sv[0],
		.tags = (uintptr_t)&tag,
		.nr = 1,
	};
	int ret = ring_register(&p->ring, IORING_REGISTER_FILES_UPDATE2, &up, sizeof(up));

	return ret == 1 ? 0 : ret;
}

static int make_buffer(struct place *p, unsigned int i)
{
	struct iovec iov = { p->mem, 64 };
	__u64 tag = i + 1;
	int ret = buffers_update(&p->ring, i, &iov, &tag, 1);

	return ret == 1 ? 0 : ret;
}

static int make_personality(struct place *p, unsigned int i)
{
	int ret = ring_register(&p->ring, IORING_REGISTER_PERSONALITY, NULL, 0);

	(void)i;
	return ret < 0 ? ret : 0;
}

static int make_filter(struct place *p, unsigned int i)
{
	static const struct sock_filter allow = ALLOW;

	(void)i;
	return add_filter(&p->ring, IORING_OP_NOP, &allow, 1, 0);
}

FIXTURE(object) {
	struct cgroup group;
	struct place place;
};

FIXTURE_VARIANT(object) {
	enum backend backend;
	const char *name;
	int (*make)(struct place *p, unsigned int i);
	unsigned int count;
	/* bytes of each that the kernel charges to nobody, as with io_uring's */
	unsigned int beyond;
};

#define KIND(kind, text, nr, more)					\
FIXTURE_VARIANT_ADD(object, ruring_##kind) {				\
	.backend = RURING, .name = text, .make = make_##kind, .count = nr, \
	.beyond = more,							\
};									\
FIXTURE_VARIANT_ADD(object, io_uring_##kind) {				\
	.backend = IO_URING, .name = text, .make = make_##kind, .count = nr, \
	.beyond = more,							\
}

KIND(ring, "a ring of 8 entries", 1000, 8192);
KIND(poll, "a request that waits", 30000, 0);
KIND(timeout, "a request that waits for its time", 20000, 0);
KIND(link, "a request that waits, and one linked behind it", 20000, 0);
KIND(overflow, "a completion that waits for room", 30000, 0);
KIND(mapped_group, "a buffer ring of the kernel's, 8 entries", 4000, 0);
KIND(classic_group, "a group of 8 classic buffers", 30000, 0);
KIND(file, "a registered file with a tag", 30000, 0);
KIND(buffer, "a registered buffer with a tag", 16000, 0);
KIND(personality, "a personality", 30000, 0);
KIND(filter, "a filter of a ring", 2000, 0);

FIXTURE_SETUP(object)
{
	struct place *p = &self->place;
	struct rlimit files = { 32768, 32768 };
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
	if (cgroup_enter(&self->group))
		SKIP(return, "no memory cgroup");
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_LE(0, device_fd());
	p->backend = variant->backend;
	p->mem = aligned_alloc(4096, 4096);
	memset(p->mem, 0, 4096);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, p->sv));
	ASSERT_EQ(0, ring_init(&p->ring, variant->backend, 8, 0));
	if (variant->make == make_file)
		ASSERT_EQ(0, ring_register(&p->ring, IORING_REGISTER_FILES2, &reg, sizeof(reg)));
	if (variant->make == make_buffer)
		ASSERT_EQ(0, buffers_register_sparse(&p->ring, variant->count));
}

FIXTURE_TEARDOWN(object)
{
	ring_exit(&self->place.ring);
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
		EXPECT_LE(loss - SLACK - loss / 20, charge + variant->count * variant->beyond);
}

TEST_HARNESS_MAIN
