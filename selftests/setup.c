// SPDX-License-Identifier: GPL-2.0
/*
 * Setup: sizes, flags, features, the offsets and the mapped memory.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>

#include "fixture.h"

/* Every flag that io_uring_setup(2) has. */
#define KNOWN		((IORING_SETUP_SQ_REWIND << 1) - 1)

/* What it has to have; the rest is a matter of the features that come. */
#define FEATURES	(IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP |		\
			 IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RW_CUR_POS |	\
			 IORING_FEAT_FAST_POLL |				\
			 IORING_FEAT_POLL_32BITS | IORING_FEAT_EXT_ARG |	\
			 IORING_FEAT_CQE_SKIP)

static int try_flags(enum backend backend, unsigned int flags)
{
	struct io_uring_params p = { .flags = flags, .cq_entries = 8 };

	return try_setup(backend, 4, &p);
}

TEST_F(ring, entries_are_rounded_up)
{
	static const unsigned int sizes[][2] = {
		{ 1, 1 }, { 2, 2 }, { 3, 4 }, { 5, 8 }, { 100, 128 },
		{ 4096, 4096 }, { 4097, 8192 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct io_uring_params p = {};

		ASSERT_EQ(0, try_setup(variant->backend, sizes[i][0], &p));
		EXPECT_EQ(sizes[i][1], p.sq_entries);
		EXPECT_EQ(sizes[i][1] * 2, p.cq_entries);
	}
}

TEST_F(ring, entries_have_limits)
{
	struct io_uring_params p = {};

	EXPECT_EQ(-EINVAL, try_setup(variant->backend, 0, &p));
	EXPECT_EQ(-EINVAL, try_setup(variant->backend, 32769, &p));
	EXPECT_EQ(-EINVAL, try_setup(variant->backend, ~0u, &p));
	EXPECT_EQ(0, try_setup(variant->backend, 32768, &p));
	EXPECT_EQ(32768, p.sq_entries);
	EXPECT_EQ(65536, p.cq_entries);
}

TEST_F(ring, clamp_brings_entries_to_the_limit)
{
	struct io_uring_params p = { .flags = IORING_SETUP_CLAMP };

	EXPECT_EQ(-EINVAL, try_setup(variant->backend, 0, &p));
	ASSERT_EQ(0, try_setup(variant->backend, ~0u, &p));
	EXPECT_EQ(32768, p.sq_entries);
	EXPECT_EQ(65536, p.cq_entries);
}

TEST_F(ring, cq_size_is_rounded_up)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_CQSIZE,
		.cq_entries = 5,
	};

	ASSERT_EQ(0, try_setup(variant->backend, 3, &p));
	EXPECT_EQ(4, p.sq_entries);
	EXPECT_EQ(8, p.cq_entries);
}

TEST_F(ring, cq_size_counts_with_the_flag_only)
{
	struct io_uring_params p = { .cq_entries = 512 };

	ASSERT_EQ(0, try_setup(variant->backend, 4, &p));
	EXPECT_EQ(8, p.cq_entries);
}

TEST_F(ring, cq_may_be_as_small_as_the_sq)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_CQSIZE,
		.cq_entries = 3,
	};

	/* compared after rounding */
	ASSERT_EQ(0, try_setup(variant->backend, 4, &p));
	EXPECT_EQ(4, p.cq_entries);

	p.cq_entries = 1;
	ASSERT_EQ(0, try_setup(variant->backend, 1, &p));
	EXPECT_EQ(1, p.cq_entries);

	p.cq_entries = 2;
	EXPECT_EQ(-EINVAL, try_setup(variant->backend, 4, &p));
}

TEST_F(ring, cq_size_has_limits)
{
	struct io_uring_params p = { .flags = IORING_SETUP_CQSIZE };

	EXPECT_EQ(-EINVAL, try_setup(variant->backend, 4, &p));
	p.cq_entries = 65537;
	EXPECT_EQ(-EINVAL, try_setup(variant->backend, 4, &p));
	p.flags |= IORING_SETUP_CLAMP;
	ASSERT_EQ(0, try_setup(variant->backend, 4, &p));
	EXPECT_EQ(4, p.sq_entries);
	EXPECT_EQ(65536, p.cq_entries);
}

TEST_F(ring, flags_that_do_not_go_together)
{
	static const unsigned int bits[] = {
		IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_COOP_TASKRUN, IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_SUBMIT_ALL, IORING_SETUP_NO_SQARRAY,
		IORING_SETUP_R_DISABLED, IORING_SETUP_IOPOLL,
	};
	unsigned int set, i;

	for (set = 0; set < 1u << ARRAY_SIZE(bits); set++) {
		unsigned int flags = 0;
		int expected = 0;

		for (i = 0; i < ARRAY_SIZE(bits); i++)
			if (set & (1u << i))
				flags |= bits[i];
		if ((flags & IORING_SETUP_DEFER_TASKRUN) &&
		    !(flags & IORING_SETUP_SINGLE_ISSUER))
			expected = -EINVAL;
		if ((flags & IORING_SETUP_TASKRUN_FLAG) &&
		    !(flags & (IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN)))
			expected = -EINVAL;
		ASSERT_EQ(expected, try_flags(variant->backend, flags))
			TH_LOG("flags 0x%x", flags);
	}
}

TEST_F(ring, unknown_flags_are_refused)
{
	unsigned int bit;

	for (bit = 0; bit < 32; bit++)
		if (!(KNOWN & (1u << bit)))
			EXPECT_EQ(-EINVAL, try_flags(variant->backend, 1u << bit));
}

TEST_F(ring, reserved_fields_must_be_zero)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct io_uring_params p = {};

		p.resv[i] = 1;
		EXPECT_EQ(-EINVAL, try_setup(variant->backend, 4, &p));
	}
}

TEST_F(ring, outputs_need_no_initialisation)
{
	struct io_uring_params p, zeroed = {};

	memset(&p, 0xa5, sizeof(p));
	memset(p.resv, 0, sizeof(p.resv));
	p.flags = 0;
	ASSERT_EQ(0, try_setup(variant->backend, 4, &p));
	ASSERT_EQ(0, try_setup(variant->backend, 4, &zeroed));
	EXPECT_EQ(4, p.sq_entries);
	EXPECT_EQ(8, p.cq_entries);
	EXPECT_EQ(zeroed.features, p.features);
	EXPECT_EQ(0, memcmp(&zeroed.sq_off, &p.sq_off, sizeof(p.sq_off)));
	EXPECT_EQ(0, memcmp(&zeroed.cq_off, &p.cq_off, sizeof(p.cq_off)));
}

TEST_F(ring, flags_come_back)
{
	unsigned int flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL;
	struct io_uring_params p = { .flags = flags };

	ASSERT_EQ(0, try_setup(variant->backend, 4, &p));
	EXPECT_EQ(flags, p.flags);
}

TEST_F(ring, failure_leaves_the_parameters_alone)
{
	struct io_uring_params p = { .flags = IORING_SETUP_DEFER_TASKRUN };
	struct io_uring_params before = p;

	EXPECT_EQ(-EINVAL, try_setup(variant->backend, 3, &p));
	EXPECT_EQ(0, memcmp(&before, &p, sizeof(p)));
}

TEST_F(ring, features_it_must_have)
{
	EXPECT_EQ(FEATURES, self->ring.params.features & FEATURES);
}

TEST_F(ring, a_new_ring_is_empty)
{
	struct ring *r = &self->ring;
	unsigned int *sq_mask = r->rings + r->params.sq_off.ring_mask;
	unsigned int *sq_entries = r->rings + r->params.sq_off.ring_entries;
	unsigned int *cq_mask = r->rings + r->params.cq_off.ring_mask;
	unsigned int *cq_entries = r->rings + r->params.cq_off.ring_entries;
	unsigned int *cq_flags = r->rings + r->params.cq_off.flags;

	EXPECT_EQ(15, *sq_mask);
	EXPECT_EQ(16, *sq_entries);
	EXPECT_EQ(31, *cq_mask);
	EXPECT_EQ(32, *cq_entries);
	EXPECT_EQ(0, *r->sq_head);
	EXPECT_EQ(0, *r->sq_tail);
	EXPECT_EQ(0, *r->cq_head);
	EXPECT_EQ(0, *r->cq_tail);
	EXPECT_EQ(0, *r->sq_flags);
	EXPECT_EQ(0, *r->sq_dropped);
	EXPECT_EQ(0, *r->cq_overflow);
	EXPECT_EQ(0, *cq_flags);
}

TEST_F(ring, descriptor_is_close_on_exec)
{
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->ring.fd, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(self->ring.fd, F_GETFL) & O_ACCMODE);
}

TEST_F(ring, descriptor_has_a_name)
{
	const char *name = variant->backend == RURING ?
		"anon_inode:[ruring]" : "anon_inode:[io_uring]";
	char path[64], link[64] = {};

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->ring.fd);
	ASSERT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ(name, link);
}

TEST_F(ring, rings_of_a_task_are_independent)
{
	struct ring rings[16];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rings); i++) {
		ASSERT_EQ(0, ring_init(&rings[i], variant->backend, 4, variant->flags));
		prep_nop(&rings[i], i);
		ASSERT_EQ(1, ring_submit(&rings[i]));
	}
	for (i = 0; i < ARRAY_SIZE(rings); i++) {
		ASSERT_EQ(1, ring_ready(&rings[i]));
		ASSERT_CQE(&rings[i], i, 0, 0);
		ring_exit(&rings[i]);
	}
}

TEST_F(ring, no_free_descriptor)
{
	struct io_uring_params p = {};
	struct rlimit saved, limit;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &saved));
	limit = saved;
	limit.rlim_cur = next_fd();
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, try_setup(variant->backend, 4, &p));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &saved));
	EXPECT_EQ(0, try_setup(variant->backend, 4, &p));
}

static void *map(int fd, size_t size, int prot, off_t offset)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, fd, offset);

	return p == MAP_FAILED ? NULL : p;
}

TEST_F(ring, both_ring_offsets_show_the_same_memory)
{
	struct ring *r = &self->ring;
	void *other = map(r->fd, r->rings_size, PROT_READ | PROT_WRITE,
			  IORING_OFF_CQ_RING);
	unsigned int *tail;

	ASSERT_NE(NULL, other);
	tail = other + r->params.cq_off.tail;
	prep_nop(r, 1);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(1, *tail);
	*(unsigned int *)(other + r->params.cq_off.head) = 1;
	EXPECT_EQ(0, ring_ready(r));
}

TEST_F(ring, maps_can_be_read_only)
{
	struct ring *r = &self->ring;
	void *rings = map(r->fd, r->rings_size, PROT_READ, IORING_OFF_SQ_RING);
	void *sqes = map(r->fd, r->sqes_size, PROT_READ, IORING_OFF_SQES);

	ASSERT_NE(NULL, rings);
	ASSERT_NE(NULL, sqes);
	EXPECT_EQ(16, *(unsigned int *)(rings + r->params.sq_off.ring_entries));
	prep_nop(r, 99);
	EXPECT_EQ(99, ((struct io_uring_sqe *)sqes)[0].user_data);
}

TEST_F(ring, maps_cannot_be_executed)
{
	EXPECT_EQ(NULL, map(self->ring.fd, 4096, PROT_READ | PROT_EXEC,
			    IORING_OFF_SQ_RING));
	EXPECT_EQ(EPERM, errno);
}

TEST_F(ring, unknown_offsets_map_nothing)
{
	static const off_t offsets[] = {
		0x18000000, 0x20000000, IORING_OFF_PBUF_RING,
		IORING_OFF_PBUF_RING | (5 << IORING_OFF_PBUF_SHIFT),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(NULL, map(self->ring.fd, 4096, PROT_READ, offsets[i]));
		EXPECT_EQ(EINVAL, errno);
	}
}

TEST_F(ring, part_of_the_rings_can_be_mapped)
{
	struct io_uring_params p = {};
	int fd = backend_setup(variant->backend, 1024, &p);
	unsigned int *head;

	ASSERT_LE(0, fd);
	head = map(fd, 4096, PROT_READ | PROT_WRITE, IORING_OFF_SQ_RING);
	ASSERT_NE(NULL, head);
	EXPECT_EQ(1024, *(unsigned int *)((void *)head + p.sq_off.ring_entries));
	close(fd);
}

static sigjmp_buf fault;

static void on_fault(int sig)
{
	siglongjmp(fault, sig);
}

/* What a read ends with: 0, or the signal. */
static int signal_of_read(const char *p)
{
	int sig = sigsetjmp(fault, 1);

	if (!sig)
		(void)__atomic_load_n(p, __ATOMIC_RELAXED);
	return sig;
}

/* A map that is longer than what is there has nothing behind that, also where the rings and the entries are one block of pages. */
TEST_F(ring, nothing_is_mapped_behind_the_rings)
{
	static const off_t offsets[] = { IORING_OFF_SQ_RING, IORING_OFF_CQ_RING, IORING_OFF_SQES };
	static const unsigned int sizes[][2] = { { 16, 32 }, { 64, 512 }, { 1024, 2048 } };
	unsigned int i, j, at;
	struct ring r;
	size_t size;
	char *p;

	signal(SIGBUS, on_fault);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, ring_init_cq(&r, variant->backend, sizes[i][0], sizes[i][1], variant->flags));
		for (j = 0; j < ARRAY_SIZE(offsets); j++) {
			size = offsets[j] == IORING_OFF_SQES ? r.sqes_size : r.rings_size;
			size = (size + 4095) & ~4095ul;
			p = map(r.fd, size + 4 * 4096, PROT_READ, offsets[j]);
			ASSERT_NE(NULL, p);
			EXPECT_EQ(0, signal_of_read(p + size - 1));
			for (at = 0; at < 4; at++)
				EXPECT_EQ(SIGBUS, signal_of_read(p + size + at * 4096));
			munmap(p, size + 4 * 4096);
		}
		ring_exit(&r);
	}
	signal(SIGBUS, SIG_DFL);
}

TEST_F(ring, mapped_memory_outlives_the_descriptor)
{
	struct ring *r = &self->ring;

	prep_nop(r, 5);
	ASSERT_EQ(1, ring_submit(r));
	close(r->fd);
	EXPECT_EQ(1, ring_ready(r));
	EXPECT_EQ(5, r->cqes[0].user_data);
	r->sqes[0].user_data = 6;
	EXPECT_EQ(6, r->sqes[0].user_data);
	r->fd = -1;
}

TEST_HARNESS_MAIN
