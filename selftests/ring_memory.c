// SPDX-License-Identifier: GPL-2.0
/*
 * Rings in memory of the program's own (IORING_SETUP_NO_MMAP): where they lie,
 * what is refused, and what the program may do to that memory.
 */
#include <poll.h>

#include "fixture.h"
#include "rsrc.h"

/* An address that no program has. */
#define KERNEL_ADDR	0xffff888000000000UL

/* ruring charges what is pinned, io_uring does not. */
#define EXPECT_CHARGED(pages) \
	EXPECT_EQ(variant->backend == RURING ? (pages) : 0, pages_charged())

static int setup_at(struct ring *r, enum backend backend, unsigned int flags,
		    __u64 rings, __u64 sqes)
{
	memset(r, 0, sizeof(*r));
	r->backend = backend;
	r->params.flags = flags | IORING_SETUP_NO_MMAP;
	r->params.cq_off.user_addr = rings;
	r->params.sq_off.user_addr = sqes;
	return r->fd = backend_setup(backend, 4, &r->params);
}

/* A ring at these places, which are pages. */
static int ring_at(struct ring *r, enum backend backend, unsigned int flags,
		   char *rings, char *sqes)
{
	int fd = setup_at(r, backend, flags, (uintptr_t)rings, (uintptr_t)sqes);

	if (fd < 0)
		return fd;
	r->rings = rings;
	r->rings_size = PAGE;
	r->sqes = (void *)sqes;
	r->sqes_size = PAGE;
	return ring_map(r);
}

static int refused(enum backend backend, __u64 rings, __u64 sqes)
{
	struct ring r;
	int fd = setup_at(&r, backend, 0, rings, sqes);

	if (fd >= 0)
		close(fd);
	return fd;
}

TEST_F(ring, words_are_written_and_nothing_behind_them)
{
	char *mem = anon_alloc(6 * PAGE), *rings = mem + PAGE, *sqes = mem + 4 * PAGE;
	const struct io_uring_params *p;
	unsigned int *words = (void *)rings, i;
	struct ring r;

	ASSERT_NE(NULL, mem);
	memset(mem, 0xa5, 6 * PAGE);
	ASSERT_LE(0, setup_at(&r, variant->backend, 0, (uintptr_t)rings, (uintptr_t)sqes));
	p = &r.params;
	EXPECT_EQ((uintptr_t)rings, p->cq_off.user_addr);
	EXPECT_EQ((uintptr_t)sqes, p->sq_off.user_addr);
	EXPECT_EQ(4, p->sq_entries);
	EXPECT_EQ(8, p->cq_entries);
	EXPECT_EQ(0, words[p->sq_off.head / 4]);
	EXPECT_EQ(0, words[p->sq_off.tail / 4]);
	EXPECT_EQ(3, words[p->sq_off.ring_mask / 4]);
	EXPECT_EQ(4, words[p->sq_off.ring_entries / 4]);
	EXPECT_EQ(0, words[p->sq_off.flags / 4]);
	EXPECT_EQ(0, words[p->sq_off.dropped / 4]);
	EXPECT_EQ(0, words[p->cq_off.head / 4]);
	EXPECT_EQ(0, words[p->cq_off.tail / 4]);
	EXPECT_EQ(7, words[p->cq_off.ring_mask / 4]);
	EXPECT_EQ(8, words[p->cq_off.ring_entries / 4]);
	EXPECT_EQ(0, words[p->cq_off.overflow / 4]);
	EXPECT_EQ(0, words[p->cq_off.flags / 4]);
	for (i = p->cq_off.overflow / 4 + 1; i < p->cq_off.cqes / 4; i++)
		EXPECT_EQ(0, words[i]);
	memset(rings, 0xa5, p->cq_off.cqes);
	for (i = 0; i < 6 * PAGE; i++)
		ASSERT_EQ((char)0xa5, mem[i]) TH_LOG("byte %u", i);
	close(r.fd);
}

TEST_F(ring, it_cannot_be_mapped)
{
	static const off_t offsets[] = {
		IORING_OFF_SQ_RING, IORING_OFF_CQ_RING, IORING_OFF_SQES,
	};
	int shared, i;
	struct ring r;

	/* pages that vm_insert_pages() does not take, and pages that it does */
	for (shared = 0; shared < 2; shared++) {
		char *mem = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				 MAP_ANONYMOUS | (shared ? MAP_SHARED : MAP_PRIVATE), -1, 0);

		ASSERT_NE(MAP_FAILED, mem);
		ASSERT_EQ(0, ring_at(&r, variant->backend, 0, mem, mem + PAGE));
		for (i = 0; i < (int)ARRAY_SIZE(offsets); i++) {
			void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd,
				       offsets[i]);

			EXPECT_EQ(MAP_FAILED, p);
			EXPECT_EQ(EINVAL, errno);
		}
		close(r.fd);
	}
}

TEST_F(ring, bad_addresses)
{
	enum backend on = variant->backend;
	char *mem = anon_alloc(4 * PAGE);
	__u64 good = (uintptr_t)mem, hole = good + 2 * PAGE, readonly = good + 3 * PAGE;
	const struct { __u64 addr; int error; } bad[] = {
		{ 0, -EFAULT },
		{ good + 1, -EINVAL },
		{ good + 64, -EINVAL },
		{ hole, -EFAULT },
		{ readonly, -EFAULT },
		{ hole - PAGE + 1, -EINVAL },
		{ KERNEL_ADDR, -EFAULT },
		{ -(__u64)PAGE, -EOVERFLOW },
		{ -1, -EINVAL },
	};
	unsigned int i;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, munmap((void *)hole, PAGE));
	ASSERT_EQ(0, mprotect((void *)readonly, PAGE, PROT_READ));
	memset(mem, 0xa5, 2 * PAGE);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		TH_LOG("address 0x%llx", bad[i].addr);
		EXPECT_EQ(bad[i].error, refused(on, bad[i].addr, good));
		EXPECT_EQ(bad[i].error, refused(on, good, bad[i].addr));
	}
	/* none of these got as far as to write */
	for (i = 0; i < 2 * PAGE; i++)
		ASSERT_EQ((char)0xa5, mem[i]);
	EXPECT_TRUE(wait_pinned(0));
	EXPECT_EQ(0, pages_charged());
}

TEST_F(ring, part_of_the_memory_is_missing)
{
	struct io_uring_params p = { .flags = IORING_SETUP_NO_MMAP };
	char *rings = anon_alloc(4 * PAGE), *sqes = anon_alloc(4 * PAGE);

	/* 3 pages of rings, and 4 of SQEs */
	p.cq_off.user_addr = (uintptr_t)rings;
	p.sq_off.user_addr = (uintptr_t)sqes;
	ASSERT_EQ(0, munmap(sqes + 3 * PAGE, PAGE));
	EXPECT_EQ(-EFAULT, backend_setup(variant->backend, 64 * 4, &p));
	p.sq_off.user_addr = (uintptr_t)rings;
	p.cq_off.user_addr = (uintptr_t)sqes + PAGE;
	EXPECT_EQ(-EFAULT, backend_setup(variant->backend, 64 * 4, &p));
	EXPECT_TRUE(wait_pinned(0));
	EXPECT_EQ(0, pages_charged());
}

TEST_F(ring, flags_that_go_with_it)
{
	static const unsigned int good[] = {
		IORING_SETUP_NO_SQARRAY, IORING_SETUP_SINGLE_ISSUER, DEFER_FLAGS,
		DEFER_FLAGS | IORING_SETUP_NO_SQARRAY, IORING_SETUP_SUBMIT_ALL,
	};
	unsigned int i, j;
	struct ring r;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		ASSERT_EQ(0, ring_init(&r, variant->backend, 4,
				       good[i] | IORING_SETUP_NO_MMAP));
		for (j = 0; j < 10; j++) {
			prep_nop(&r, j);
			ASSERT_EQ(1, ring_submit(&r));
			ASSERT_CQE(&r, j, 0, 0);
		}
		ring_exit(&r);
	}
}

TEST_F(ring, descriptors_of_the_task_only)
{
	unsigned int flags = IORING_SETUP_REGISTERED_FD_ONLY;
	struct io_uring_params p = { .flags = flags };

	/* its memory could not be mapped: what can be is in reg_ring */
	EXPECT_EQ(-EINVAL, backend_setup(variant->backend, 4, &p));
}

TEST_F(ring, both_parts_in_one_huge_page)
{
	char *mem = huge_alloc(1);
	struct ring r;
	unsigned int i;

	ASSERT_NE(NULL, mem);
	ASSERT_TRUE(wait_pinned(0));
	if (proc_value("/proc/vmstat", "nr_anon_transparent_hugepages") < 1)
		SKIP(return, "no huge pages");
	memset(mem, 0xa5, 6 * PAGE);
	ASSERT_EQ(0, ring_at(&r, variant->backend, 0, mem + PAGE, mem + 3 * PAGE));
	/* the page is kept as a whole, and once */
	EXPECT_CHARGED(512);
	for (i = 0; i < 10; i++) {
		prep_nop(&r, i);
		ASSERT_EQ(1, ring_submit(&r));
		ASSERT_CQE(&r, i, 0, 0);
	}
	for (i = 0; i < PAGE; i++) {
		ASSERT_EQ((char)0xa5, mem[i]);
		ASSERT_EQ((char)0xa5, mem[2 * PAGE + i]);
		ASSERT_EQ((char)0xa5, mem[4 * PAGE + i]);
	}
	close(r.fd);
	EXPECT_TRUE(wait_pinned(0));
	EXPECT_EQ(0, pages_charged());
}

TEST_F(ring, pages_stay_for_the_ring)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);
	int prot = PROT_READ | PROT_WRITE;
	char *used, *kept;
	struct ring r;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 2 * PAGE));
	used = mmap(NULL, 2 * PAGE, prot, MAP_SHARED, fd, 0);
	kept = mmap(NULL, 2 * PAGE, prot, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, used);
	ASSERT_NE(MAP_FAILED, kept);
	ASSERT_TRUE(wait_pinned(0));
	ASSERT_EQ(0, ring_at(&r, variant->backend, 0, used, used + PAGE));
	EXPECT_TRUE(wait_pinned(2));
	EXPECT_CHARGED(2);
	ASSERT_EQ(0, munmap(used, 2 * PAGE));

	/* the same pages elsewhere */
	r.params.cq_off.user_addr = (uintptr_t)kept;
	r.rings = kept;
	r.sqes = (void *)(kept + PAGE);
	ASSERT_EQ(0, ring_map(&r));
	prep_nop(&r, 77);
	ASSERT_EQ(1, ring_submit(&r));
	ASSERT_CQE(&r, 77, 0, 0);

	/* the file loses them, the ring does not */
	prep_nop(&r, 78);
	ring_publish(&r);
	ASSERT_EQ(0, ftruncate(fd, 0));
	ASSERT_EQ(1, ring_enter(&r, 1, 0, 0));
	EXPECT_TRUE(wait_pinned(2));
	ring_exit(&r);
	EXPECT_TRUE(wait_pinned(0));
}

TEST_F(ring, rings_and_entries_in_the_same_page)
{
	char *mem = anon_alloc(PAGE);
	unsigned int i, *words = (void *)mem;
	struct ring r;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, ring_at(&r, variant->backend, IORING_SETUP_NO_SQARRAY, mem, mem));
	/*
	 * The first SQE is the words; what it does is nobody's business, but
	 * that it does it.
	 */
	for (i = 0; i < 16; i++) {
		words[r.params.sq_off.tail / 4] = words[r.params.sq_off.head / 4] + 2;
		ASSERT_LE(-EBUSY, ring_enter(&r, 2, 0, IORING_ENTER_GETEVENTS));
		words[r.params.cq_off.head / 4] = words[r.params.cq_off.tail / 4];
	}
	close(r.fd);
}

/* What is written over the kernel's words only confuses the program. */
TEST_F(ring, words_are_overwritten)
{
	char *mem = anon_alloc(2 * PAGE);
	unsigned int i, j;
	struct ring r;

	ASSERT_NE(NULL, mem);
	for (i = 0; i < 0x40; i += 4) {
		ASSERT_EQ(0, ring_at(&r, variant->backend, 0, mem, mem + PAGE));
		for (j = 0; j < 8; j++) {
			prep_nop(&r, j);
			ring_publish(&r);
			*(unsigned int *)(mem + i) = 0x5a5a5a5a * j;
			ring_enter(&r, 1, 0, IORING_ENTER_GETEVENTS);
		}
		close(r.fd);
	}
	EXPECT_TRUE(wait_pinned(0));
	/* one that nobody has touched works as ever */
	ASSERT_EQ(0, ring_at(&r, variant->backend, 0, mem, mem + PAGE));
	prep_nop(&r, 1);
	ASSERT_EQ(1, ring_submit(&r));
	ASSERT_CQE(&r, 1, 0, 0);
	close(r.fd);
}

TEST_F(ring, memory_and_ring_outlive_their_process)
{
	struct io_uring_cqe cqe;
	struct ring r;
	int status, sv[2];
	pid_t pid;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_TRUE(wait_pinned(0));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (ring_init(&r, variant->backend, 4, IORING_SETUP_NO_MMAP))
			_exit(1);
		prep_poll(&r, sv[0], POLLIN, 1);
		if (ring_submit(&r) != 1 || ring_peek(&r, &cqe))
			_exit(1);
		/* the ring goes with the process, at some point */
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_EQ(1, write(sv[1], "", 1));
	EXPECT_TRUE(wait_pinned(0));
}

TEST_HARNESS_MAIN
