// SPDX-License-Identifier: GPL-2.0
/*
 * IORING_REGISTER_RESIZE_RINGS: rings that get more entries, or fewer, with
 * what is in them.
 */
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include "fixture.h"

#define PAGE	4096

/* Of which kinds entries are, and how they are found. */
FIXTURE(rings) {
	struct ring ring;
};

FIXTURE_VARIANT(rings) {
	enum backend backend;
	unsigned int flags;
};

#define KIND(name, kind)							\
	FIXTURE_VARIANT_ADD(rings, ruring_##name) { .backend = RURING, .flags = kind };	\
	FIXTURE_VARIANT_ADD(rings, io_uring_##name) { .backend = IO_URING, .flags = kind }

KIND(plain, 0);
KIND(in_order, IORING_SETUP_NO_SQARRAY);
KIND(large, IORING_SETUP_SQE128 | IORING_SETUP_CQE32);
KIND(mixed, IORING_SETUP_SQE_MIXED | IORING_SETUP_CQE_MIXED);

FIXTURE_SETUP(rings)
{
	ASSERT_EQ(0, ring_init_cq(&self->ring, variant->backend, 8, 16, DEFER_FLAGS | variant->flags));
}

FIXTURE_TEARDOWN(rings)
{
	ring_exit(&self->ring);
}

/* What the kernel says, without a look at the new memory. */
static int ask(struct ring *r, unsigned int sq, unsigned int cq, struct io_uring_params *p)
{
	*p = (struct io_uring_params) {
		.sq_entries = sq,
		.cq_entries = cq,
		.flags = cq ? IORING_SETUP_CQSIZE : 0,
	};
	return ring_register(r, IORING_REGISTER_RESIZE_RINGS, p, 1);
}

static void take_over(struct ring *r, const struct io_uring_params *p)
{
	ring_unmap(r);
	r->params.sq_entries = p->sq_entries;
	r->params.cq_entries = p->cq_entries;
	r->params.sq_off = p->sq_off;
	r->params.cq_off = p->cq_off;
}

/* Go on with a ring that has so many entries. */
static int resize(struct ring *r, unsigned int sq, unsigned int cq)
{
	struct io_uring_params p;
	int ret;

	ret = ask(r, sq, cq, &p);
	if (ret)
		return ret;
	take_over(r, &p);
	/* This writes the indices anew, as what waits now is where its turn has it. */
	return ring_map(r);
}

TEST_F(rings, arguments)
{
	struct io_uring_params p = { .sq_entries = 8 };
	struct ring *r = &self->ring;
	struct ring other;

	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_RESIZE_RINGS, NULL, 1));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_RESIZE_RINGS, &p, 0));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_RESIZE_RINGS, (void *)8, 1));
	p.flags = IORING_SETUP_SQPOLL;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_RESIZE_RINGS, &p, 1));
	p.flags = IORING_SETUP_DEFER_TASKRUN;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_RESIZE_RINGS, &p, 1));
	EXPECT_EQ(-EINVAL, ask(r, 0, 0, &p));
	EXPECT_EQ(-EINVAL, ask(r, 8, 4, &p));
	EXPECT_EQ(-EINVAL, ask(r, 32769, 0, &p));
	p = (struct io_uring_params) { .sq_entries = 40000, .flags = IORING_SETUP_CLAMP };
	EXPECT_EQ(0, ring_register(r, IORING_REGISTER_RESIZE_RINGS, &p, 1));
	EXPECT_EQ(32768, p.sq_entries);
	EXPECT_EQ(65536, p.cq_entries);
	/* Only the rings of those who run what comes back in enter. */
	ASSERT_EQ(0, ring_init(&other, r->backend, 8, IORING_SETUP_SINGLE_ISSUER));
	EXPECT_EQ(-EINVAL, ask(&other, 8, 0, &p));
	ring_exit(&other);
}

TEST_F(rings, what_it_says)
{
	struct ring *r = &self->ring;
	struct io_uring_params p;

	ASSERT_EQ(0, ask(r, 5, 33, &p));
	EXPECT_EQ(8, p.sq_entries);
	EXPECT_EQ(64, p.cq_entries);
	EXPECT_EQ(0, p.features);
	EXPECT_EQ(r->params.cq_off.cqes, p.cq_off.cqes);
	EXPECT_EQ(!(r->params.flags & IORING_SETUP_NO_SQARRAY),
		  p.sq_off.array > r->params.sq_off.array);
	ASSERT_EQ(0, resize(r, 4, 0));
	EXPECT_EQ(4, r->params.sq_entries);
	EXPECT_EQ(8, r->params.cq_entries);
	EXPECT_EQ(8, *(unsigned int *)((char *)r->rings + r->params.cq_off.ring_entries));
	EXPECT_EQ(7, *(unsigned int *)((char *)r->rings + r->params.cq_off.ring_mask));
	EXPECT_EQ(4, *(unsigned int *)((char *)r->rings + r->params.sq_off.ring_entries));
	EXPECT_EQ(3, *(unsigned int *)((char *)r->rings + r->params.sq_off.ring_mask));
}

/* From @first on, so many: each is there once, in order. */
static int nops(struct ring *r, unsigned int first, unsigned int nr)
{
	struct io_uring_cqe cqe;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (ring_take(r, &cqe) || cqe.user_data != first + i || cqe.res)
			return -1;
	}
	return ring_ready(r) ? -1 : 0;
}

/* Has the rings begin somewhere else: so many NOPs are done, numbered on from @next. */
static int move_on(struct ring *r, unsigned int nr, unsigned int *next)
{
	for (; nr; nr--, ++*next) {
		prep_nop(r, *next);
		if (ring_submit(r) != 1 || nops(r, *next, 1))
			return -1;
	}
	return 0;
}

TEST_F(rings, completions_go_along)
{
	static const unsigned int sizes[] = { 64, 16, 4096, 8, 32768, 16 };
	struct ring *r = &self->ring;
	unsigned int i, n, next = 1;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, move_on(r, i + 1, &next));
		for (n = 0; n < 7; n++)
			prep_nop(r, next + n);
		ASSERT_EQ(7, ring_submit(r));
		ASSERT_EQ(0, resize(r, 8, sizes[i]));
		ASSERT_EQ(0, nops(r, next, 7));
		next += 7;
	}
	/* As many as there are entries find room, and one more does not. */
	ASSERT_EQ(0, resize(r, 32, 32));
	for (n = 0; n < 32; n++)
		prep_nop(r, next + n);
	ASSERT_EQ(32, ring_submit(r));
	EXPECT_EQ(32, ring_ready(r));
	EXPECT_FALSE(ring_flags(r) & IORING_SQ_CQ_OVERFLOW);
	prep_nop(r, next + n);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_TRUE(ring_flags(r) & IORING_SQ_CQ_OVERFLOW);
	/* More room, and what was kept comes. */
	ASSERT_EQ(0, resize(r, 32, 64));
	ASSERT_EQ(0, ring_run(r));
	EXPECT_EQ(0, nops(r, next, 33));
	EXPECT_FALSE(ring_flags(r) & IORING_SQ_CQ_OVERFLOW);
}

TEST_F(rings, completions_that_do_not_fit)
{
	struct ring *r = &self->ring;
	struct io_uring_params p;
	unsigned int n;

	for (n = 0; n < 8; n++)
		prep_nop(r, n);
	ASSERT_EQ(8, ring_submit(r));
	EXPECT_EQ(-EOVERFLOW, ask(r, 4, 4, &p));
	/* All is as it was. */
	prep_nop(r, 8);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(0, nops(r, 0, 9));
}

TEST_F(rings, submissions_go_along)
{
	static const unsigned int sizes[] = { 32, 8, 4096, 8 };
	struct ring *r = &self->ring;
	struct io_uring_params p;
	unsigned int i, n, next = 1;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, move_on(r, i + 1, &next));
		for (n = 0; n < 6; n++)
			prep_nop(r, next + n);
		ring_publish(r);
		EXPECT_EQ(-EOVERFLOW, ask(r, 4, 64, &p));
		ASSERT_EQ(0, resize(r, sizes[i], 2 * sizes[i]));
		EXPECT_EQ(6, *r->sq_tail - *r->sq_head);
		ASSERT_EQ(6, ring_enter(r, 6, 6, IORING_ENTER_GETEVENTS));
		ASSERT_EQ(0, nops(r, next, 6));
		next += 6;
	}
}

TEST_F(rings, an_index_that_is_none)
{
	struct ring *r = &self->ring;
	struct io_uring_params p;
	unsigned int *indices;
	size_t size;
	char *rings;

	if (r->params.flags & IORING_SETUP_NO_SQARRAY)
		SKIP(return, "there are no indices");
	prep_nop(r, 1);
	prep_nop(r, 2);
	prep_nop(r, 3);
	ring_publish(r);
	r->sq_array[1] = 8;
	/* More entries do not make it one. */
	ASSERT_EQ(0, ask(r, 16, 32, &p));
	size = p.sq_off.array + 16 * sizeof(__u32);
	rings = mmap(NULL, size, PROT_READ, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	ASSERT_NE(MAP_FAILED, rings);
	indices = (void *)(rings + p.sq_off.array);
	EXPECT_EQ(0, indices[0]);
	EXPECT_EQ(-1U, indices[1]);
	EXPECT_EQ(2, indices[2]);
	EXPECT_EQ(0, indices[3]);
	munmap(rings, size);
	EXPECT_EQ(1, ring_enter(r, 3, 0, IORING_ENTER_GETEVENTS));
	EXPECT_EQ(1, ring_enter(r, 1, 0, IORING_ENTER_GETEVENTS));
	take_over(r, &p);
	ASSERT_EQ(0, ring_map(r));
	EXPECT_EQ(1, *r->sq_dropped);
	ASSERT_CQE(r, 1, 0, 0);
	ASSERT_CQE(r, 3, 0, 0);
}

TEST_F(rings, pairs_of_entries)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	struct io_uring_params p;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 an entry of two may be torn");
	if (!(r->params.flags & IORING_SETUP_SQE_MIXED))
		SKIP(return, "entries have one size");
	/* Three, and one that is two, which four entries would have the first half of at their end. */
	prep_nop(r, 1);
	prep_nop(r, 2);
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_EQ(0, nops(r, 1, 3));
	sqe = prep_nop(r, 4);
	sqe->opcode = IORING_OP_NOP128;
	ring_sqe(r)->user_data = 99;
	prep_nop(r, 5);
	ring_publish(r);
	EXPECT_EQ(-EOVERFLOW, ask(r, 4, 16, &p));
	ASSERT_EQ(0, resize(r, 16, 32));
	EXPECT_EQ(3, ring_enter(r, 3, 0, IORING_ENTER_GETEVENTS));
	EXPECT_EQ(0, nops(r, 4, 2));
	/* The same for a completion. */
	while (*r->cq_tail % 16 != 7) {
		prep_nop(r, 6);
		ASSERT_COMPLETES(r, 6, 0, 0);
	}
	sqe = prep_nop(r, 7);
	sqe->nop_flags = IORING_NOP_CQE32;
	sqe->off = 70;
	sqe->addr = 71;
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EOVERFLOW, ask(r, 4, 8, &p));
	ASSERT_EQ(0, resize(r, 8, 64));
	ASSERT_CQE(r, 7, 0, IORING_CQE_F_32);
	EXPECT_EQ(70, r->extra[0]);
	EXPECT_EQ(71, r->extra[1]);
}

TEST_F(rings, large_completions_go_along)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	unsigned int n;

	if (!(r->params.flags & IORING_SETUP_CQE32))
		SKIP(return, "completions are not all large");
	for (n = 0; n < 8; n++) {
		sqe = prep_nop(r, n);
		sqe->nop_flags = IORING_NOP_CQE32;
		sqe->off = 100 + n;
		sqe->addr = 200 + n;
	}
	ASSERT_EQ(8, ring_submit(r));
	ASSERT_EQ(0, resize(r, 64, 512));
	for (n = 0; n < 8; n++) {
		ASSERT_CQE(r, n, 0, 0);
		EXPECT_EQ(100 + n, r->extra[0]);
		EXPECT_EQ(200 + n, r->extra[1]);
	}
}

TEST_F(rings, what_waits_stays)
{
	struct pollfd pfd = { .fd = self->ring.fd, .events = POLLIN };
	struct ring *r = &self->ring;
	int fds[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, fds));
	prep_recv(r, fds[0], &c, 1, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, resize(r, 64, 1024));
	EXPECT_EQ(0, poll(&pfd, 1, 0));
	ASSERT_EQ(1, send(fds[1], "x", 1, 0));
	ASSERT_EQ(1, poll(&pfd, 1, DEADLINE_MS));
	ASSERT_CQE(r, 1, 1, 0);
	close(fds[0]);
	close(fds[1]);
}

TEST_F(rings, mappings)
{
	size_t size = self->ring.rings_size;
	struct ring *r = &self->ring;
	struct io_uring_params p;
	char *old;

	/*
	 * A mapping from before stays until it is taken away, whatever becomes of the ring. In ruring its first
	 * page is the new ring's as well.
	 */
	old = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	ASSERT_NE(MAP_FAILED, old);
	ASSERT_EQ(0, resize(r, 1024, 4096));
	memset(old + size - 8, 1, 8);
	EXPECT_EQ(1, old[size - 1]);
	ASSERT_EQ(0, resize(r, 8, 16));
	/* What is mapped is what is told of. */
	prep_nop(r, 1);
	ASSERT_COMPLETES(r, 1, 0, 0);
	ASSERT_EQ(0, ask(r, 4096, 0, &p));
	if (r->backend == IO_URING)
		EXPECT_EQ(1, old[size - 1]);
	memset(old + size - 8, 2, 8);
	EXPECT_EQ(2, old[size - 1]);
	munmap(old, size);
}

/* All of it is @byte. */
static bool is_all(const char *mem, size_t size, char byte)
{
	size_t i;

	for (i = 0; i < size; i++) {
		if (mem[i] != byte)
			return false;
	}
	return true;
}

/* What is mapped of the memory before is nobody else's, as long as it is mapped. */
TEST_F(rings, both_mappings_are_kept)
{
	static const unsigned int sizes[][2] = { { 64, 512 }, { 8, 16 }, { 1024, 4096 }, { 64, 512 }, { 8, 16 } };
	struct {
		char *rings, *sqes;
		size_t rings_size, sqes_size;
		unsigned int entries;
	} old[ARRAY_SIZE(sizes)];
	struct ring *r = &self->ring;
	struct ring others[8];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		old[i].entries = r->params.sq_entries;
		old[i].rings_size = r->rings_size;
		old[i].sqes_size = r->sqes_size;
		old[i].rings = mmap(NULL, r->rings_size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
		old[i].sqes = mmap(NULL, r->sqes_size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQES);
		ASSERT_NE(MAP_FAILED, (void *)old[i].rings);
		ASSERT_NE(MAP_FAILED, (void *)old[i].sqes);
		ASSERT_EQ(0, resize(r, sizes[i][0], sizes[i][1]));
		/* the first page is the new ring's in ruring */
		if (old[i].rings_size > PAGE)
			memset(old[i].rings + PAGE, 'a' + i, old[i].rings_size - PAGE);
		memset(old[i].sqes, 'A' + i, old[i].sqes_size);
		/* these get what was freed */
		for (j = 0; j < ARRAY_SIZE(others); j++)
			ASSERT_EQ(0, ring_init_cq(&others[j], r->backend, 64, 512, 0));
		prep_nop(r, i);
		ASSERT_COMPLETES(r, i, 0, 0);
		for (j = 0; j < ARRAY_SIZE(others); j++) {
			memset(others[j].sqes, 0xff, others[j].sqes_size);
			ring_exit(&others[j]);
		}
	}
	ring_unmap(r);
	close(r->fd);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(true, old[i].rings_size <= PAGE ||
				is_all(old[i].rings + PAGE, old[i].rings_size - PAGE, 'a' + i));
		EXPECT_EQ(true, is_all(old[i].sqes, old[i].sqes_size, 'A' + i));
		EXPECT_EQ(r->backend == IO_URING ? old[i].entries : 8,
			  *(unsigned int *)(old[i].rings + r->params.sq_off.ring_entries));
		munmap(old[i].rings, old[i].rings_size);
		munmap(old[i].sqes, old[i].sqes_size);
	}
	ASSERT_EQ(0, ring_init(r, r->backend, 8, 0));
}

TEST_F(ring, not_in_user_memory)
{
	struct ring *r = &self->ring;
	struct io_uring_params p;
	struct ring own;

	/* io_uring could, with other memory of the program's, which liburing has no call for. */
	if (r->backend == IO_URING)
		SKIP(return, "io_uring could");
	ASSERT_EQ(0, ring_init(&own, r->backend, 8, DEFER_FLAGS | IORING_SETUP_NO_MMAP));
	EXPECT_EQ(-EINVAL, ask(&own, 16, 0, &p));
	ring_exit(&own);
}

/* How many workers there may be at most was said when they were set up. */
TEST_F(rings, workers_stay)
{
	unsigned int limits[2] = { 0, 0 }, before;
	struct ring *r = &self->ring;

	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_IOWQ_MAX_WORKERS, limits, 2));
	before = limits[0];
	ASSERT_LT(2, before);
	ASSERT_EQ(0, resize(r, 2, 4));
	limits[0] = limits[1] = 0;
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_IOWQ_MAX_WORKERS, limits, 2));
	EXPECT_EQ(before, limits[0]);
}

TEST_HARNESS_MAIN
