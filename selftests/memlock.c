// SPDX-License-Identifier: GPL-2.0
/*
 * Who pays for pinned pages. ruring charges the pages of buffer rings, and of
 * rings in user memory, to the user who registers them, against RLIMIT_MEMLOCK;
 * io_uring does not.
 */
#include <sys/resource.h>

#include "check.h"

/* So many rings of one page can be registered within the limit. */
#define LIMIT	8

static int limit_pages(unsigned int pages)
{
	struct rlimit limit = { pages * 4096, pages * 4096 };

	return setrlimit(RLIMIT_MEMLOCK, &limit) ? -errno : 0;
}

static int reg(struct ring *r, void *mem, unsigned int pages, unsigned int bgid)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)mem,
		.ring_entries = pages * 256,
		.bgid = bgid,
	};

	return ring_register(r, IORING_REGISTER_PBUF_RING, &reg, 1);
}

static char *pages_alloc(unsigned int pages)
{
	char *p = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* A ring of a user without privileges, who may pin LIMIT pages. */
FIXTURE(user) {
	struct ring ring;
	char *mem;
};

FIXTURE_SETUP(user)
{
	ASSERT_LE(0, device_fd());
	ASSERT_EQ(0, become_nobody());
	ASSERT_EQ(0, limit_pages(LIMIT));
	ASSERT_EQ(0, ring_init(&self->ring, RURING, 4, 0));
	self->mem = pages_alloc(2 * LIMIT);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN(user)
{
	ring_exit(&self->ring);
}

/* How many one-page rings there can be, all of them unregistered again. */
static unsigned int room(struct ring *r, char *mem)
{
	unsigned int i, nr = 0;

	while (nr < 2 * LIMIT && !reg(r, mem + nr * 4096, 1, nr))
		nr++;
	for (i = 0; i < nr; i++)
		pbuf_unregister(r, i);
	return nr;
}

TEST_F(user, limit_is_enforced)
{
	unsigned int i;

	for (i = 0; i < LIMIT; i++)
		ASSERT_EQ(0, reg(&self->ring, self->mem + i * 4096, 1, i));
	EXPECT_EQ(-ENOMEM, reg(&self->ring, self->mem + i * 4096, 1, i));
	EXPECT_EQ(0, pbuf_unregister(&self->ring, 3));
	EXPECT_EQ(0, reg(&self->ring, self->mem + i * 4096, 1, i));
	EXPECT_EQ(-ENOMEM, reg(&self->ring, self->mem, 1, 3));
}

TEST_F(user, every_page_of_a_ring_counts)
{
	EXPECT_EQ(-ENOMEM, reg(&self->ring, self->mem, 2 * LIMIT, 0));
	EXPECT_EQ(0, reg(&self->ring, self->mem, LIMIT, 0));
	EXPECT_EQ(0, room(&self->ring, self->mem));
	EXPECT_EQ(0, pbuf_unregister(&self->ring, 0));
	EXPECT_EQ(LIMIT, room(&self->ring, self->mem));
}

TEST_F(user, failure_costs_nothing)
{
	unsigned int i;

	for (i = 0; i < 3 * LIMIT; i++) {
		EXPECT_EQ(-EFAULT, reg(&self->ring, (void *)4096, 1, 0));
		EXPECT_EQ(-EINVAL, reg(&self->ring, self->mem + 8, 1, 0));
		EXPECT_EQ(-ENOMEM, reg(&self->ring, self->mem, 2 * LIMIT, 0));
	}
	ASSERT_EQ(0, reg(&self->ring, self->mem, 1, 0));
	for (i = 0; i < 3 * LIMIT; i++)
		EXPECT_EQ(-EEXIST, reg(&self->ring, self->mem, 1, 0));
	EXPECT_EQ(0, pbuf_unregister(&self->ring, 0));
	EXPECT_EQ(LIMIT, room(&self->ring, self->mem));
}

TEST_F(user, limit_is_that_of_the_user)
{
	struct ring other;

	ASSERT_EQ(0, ring_init(&other, RURING, 4, 0));
	ASSERT_EQ(0, reg(&other, self->mem, LIMIT / 2, 0));
	EXPECT_EQ(LIMIT / 2, room(&self->ring, self->mem));
	ring_exit(&other);
}

struct demand {
	struct ring *ring;
	char *mem;
};

static bool has_all_room(void *arg)
{
	struct demand *d = arg;

	return room(d->ring, d->mem) == LIMIT;
}

TEST_F(user, closed_ring_gives_back_what_it_took)
{
	struct demand d = { &self->ring, self->mem };
	struct ring other;

	ASSERT_EQ(0, ring_init(&other, RURING, 4, 0));
	ASSERT_EQ(0, reg(&other, self->mem, LIMIT, 0));
	ring_exit(&other);
	EXPECT_TRUE(wait_until(has_all_room, &d));
}

TEST_F(user, killed_process_gives_back_what_it_took)
{
	struct demand d = { &self->ring, self->mem };
	struct ring other;
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (ring_init(&other, RURING, 4, 0) || reg(&other, self->mem, LIMIT, 0))
			_exit(1);
		raise(SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(SIGKILL, status);
	EXPECT_TRUE(wait_until(has_all_room, &d));
}

TEST_F(user, unmapped_memory_still_counts)
{
	ASSERT_EQ(0, reg(&self->ring, self->mem, LIMIT, 0));
	ASSERT_EQ(0, munmap(self->mem, LIMIT * 4096));
	EXPECT_EQ(0, room(&self->ring, self->mem + LIMIT * 4096));
	EXPECT_EQ(0, pbuf_unregister(&self->ring, 0));
	EXPECT_EQ(LIMIT, room(&self->ring, self->mem + LIMIT * 4096));
}

TEST_F(user, rings_in_user_memory_count)
{
	struct demand d = { &self->ring, self->mem };
	struct ring rings[LIMIT / 2], other;
	unsigned int i;

	/* a page for the rings, and one for the SQEs */
	for (i = 0; i < LIMIT / 2; i++)
		ASSERT_EQ(0, ring_init(&rings[i], RURING, 4, IORING_SETUP_NO_MMAP));
	EXPECT_EQ(-ENOMEM, ring_init(&other, RURING, 4, IORING_SETUP_NO_MMAP));
	EXPECT_EQ(0, room(&self->ring, self->mem));
	for (i = 0; i < LIMIT / 2; i++)
		ring_exit(&rings[i]);
	EXPECT_TRUE(wait_until(has_all_room, &d));

	/* three pages of rings and two of SQEs: more than there is */
	ASSERT_EQ(0, reg(&self->ring, self->mem, LIMIT / 2, 99));
	EXPECT_EQ(-ENOMEM, ring_init_cq(&other, RURING, 128, 512, IORING_SETUP_NO_MMAP));
	EXPECT_EQ(LIMIT / 2, room(&self->ring, self->mem + LIMIT * 4096));
	/* of which none was charged */
	EXPECT_EQ(0, pbuf_unregister(&self->ring, 99));
	EXPECT_EQ(LIMIT, room(&self->ring, self->mem));
}

TEST(no_limit_for_the_privileged)
{
	struct ring r;
	char *mem = pages_alloc(2 * LIMIT);

	ASSERT_EQ(0, limit_pages(0));
	ASSERT_EQ(0, ring_init(&r, RURING, 4, 0));
	EXPECT_EQ(0, reg(&r, mem, 2 * LIMIT, 0));
	ring_exit(&r);
}

TEST_HARNESS_MAIN
