// SPDX-License-Identifier: GPL-2.0
/*
 * Who pays for pinned pages. ruring charges the pages of buffer rings, and of
 * rings in user memory, to the user who registers them, against RLIMIT_MEMLOCK;
 * io_uring does not.
 */
#include <sys/mman.h>
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

/* Two users of one ring, and a page of 512 of the small ones. */
#define HUGE_PAGES	512
#define USER_LIMIT	600

struct shared {
	struct ring ring;
	char *huge;
};

/* Have @uid do something within its limit, in a process of its own. */
static int as_user(uid_t uid, int (*what)(struct shared *s, int arg), struct shared *s, int arg)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (setgid(uid) || setuid(uid) || limit_pages(USER_LIMIT))
			_exit(100);
		_exit(-what(s, arg));
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1000;
	return -WEXITSTATUS(status);
}

static int put_buffer(struct ring *r, unsigned int slot, void *mem, size_t len)
{
	struct iovec iov = { mem, len };
	struct io_uring_rsrc_update2 up = {
		.offset = slot,
		.data = (uintptr_t)&iov,
		.nr = 1,
	};
	int ret = ring_register(r, IORING_REGISTER_BUFFERS_UPDATE, &up, sizeof(up));

	return ret == 1 ? 0 : ret;
}

static int make_slots(struct ring *r)
{
	struct io_uring_rsrc_register reg = {
		.nr = 4,
		.flags = IORING_RSRC_REGISTER_SPARSE,
	};

	return ring_register(r, IORING_REGISTER_BUFFERS2, &reg, sizeof(reg));
}

static int take_slot(struct shared *s, int slot)
{
	return put_buffer(&s->ring, slot, s->huge + slot * 4096, 4096);
}

static int leave_slot(struct shared *s, int slot)
{
	return put_buffer(&s->ring, slot, NULL, 0);
}

/* Whether it is so many pages that the user could still pin, and not one more. */
static int has_room(struct shared *s, int pages)
{
	struct ring own;
	char *mem;
	int ret;

	(void)s;
	mem = pages_alloc(pages + 1);
	if (!mem || madvise(mem, (pages + 1) * 4096, MADV_NOHUGEPAGE))
		return -EIO;
	ret = ring_init(&own, RURING, 4, 0) ?: make_slots(&own);
	if (ret)
		return ret;
	if (put_buffer(&own, 0, mem, (pages + 1) * 4096) != -ENOMEM)
		return -E2BIG;
	ret = put_buffer(&own, 0, mem, pages * 4096);
	ring_exit(&own);
	return ret;
}

TEST(what_is_given_back_goes_to_who_paid)
{
	enum { A = 60001, B = 60002 };
	struct shared s;
	FILE *f;
	int fd;

	f = fopen("/proc/sys/vm/nr_hugepages", "w");
	fd = memfd_create("huge", MFD_HUGETLB);
	if (!f || fprintf(f, "1") != 1 || fclose(f) || fd < 0 || ftruncate(fd, HUGE_PAGES * 4096))
		SKIP(return, "no huge pages");
	s.huge = mmap(NULL, HUGE_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s.huge == MAP_FAILED)
		SKIP(return, "no huge pages");
	s.huge[0] = 1;
	ASSERT_LE(0, device_fd());
	ASSERT_EQ(0, ring_init(&s.ring, RURING, 4, 0));
	ASSERT_EQ(0, make_slots(&s.ring));
	ASSERT_EQ(0, as_user(A, has_room, &s, USER_LIMIT));
	ASSERT_EQ(0, as_user(B, has_room, &s, USER_LIMIT));

	ASSERT_EQ(0, as_user(A, take_slot, &s, 0));
	EXPECT_EQ(0, as_user(A, has_room, &s, USER_LIMIT - HUGE_PAGES));
	ASSERT_EQ(0, as_user(B, take_slot, &s, 1));
	EXPECT_EQ(0, as_user(B, has_room, &s, USER_LIMIT));
	/* as long as somebody has a buffer there */
	ASSERT_EQ(0, as_user(A, leave_slot, &s, 0));
	EXPECT_EQ(0, as_user(A, has_room, &s, USER_LIMIT - HUGE_PAGES));
	ASSERT_EQ(0, as_user(B, leave_slot, &s, 1));
	EXPECT_EQ(0, as_user(B, has_room, &s, USER_LIMIT));
	EXPECT_EQ(0, as_user(A, has_room, &s, USER_LIMIT));

	/* now it is B that is the first, and root who is the last */
	ASSERT_EQ(0, as_user(B, take_slot, &s, 2));
	ASSERT_EQ(0, take_slot(&s, 3));
	EXPECT_EQ(0, as_user(B, has_room, &s, USER_LIMIT - HUGE_PAGES));
	ring_exit(&s.ring);
	EXPECT_EQ(0, as_user(A, has_room, &s, USER_LIMIT));
	EXPECT_EQ(0, as_user(B, has_room, &s, USER_LIMIT));
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
