// SPDX-License-Identifier: GPL-2.0
/*
 * What a ring tells about itself: fdinfo and PROBE.
 */
#include <sys/mman.h>

#include "fixture.h"

static long long info(struct ring *ring, const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ring->fd);
	return proc_value(path, key);
}

TEST_F(ring, masks)
{
	EXPECT_EQ(15, info(&self->ring, "SqMask:"));
	EXPECT_EQ(31, info(&self->ring, "CqMask:"));
}

TEST_F(ring, heads_and_tails)
{
	struct ring *r = &self->ring;
	unsigned int i;

	for (i = 0; i < 5; i++)
		prep_nop(r, i);
	ring_publish(r);
	ASSERT_EQ(3, ring_enter(r, 3, 0, 0));
	ASSERT_CQE(r, 0, 0, 0);
	EXPECT_EQ(3, info(r, "SqHead:"));
	EXPECT_EQ(5, info(r, "SqTail:"));
	EXPECT_EQ(3, info(r, "CachedSqHead:"));
	EXPECT_EQ(1, info(r, "CqHead:"));
	EXPECT_EQ(3, info(r, "CqTail:"));
	EXPECT_EQ(3, info(r, "CachedCqTail:"));
	EXPECT_EQ(2, info(r, "SQEs:"));
	EXPECT_EQ(2, info(r, "CQEs:"));
}

TEST_F(ring, queue_entries)
{
	struct ring *r = &self->ring;

	prep_nop(r, 123456789);
	ring_publish(r);
	EXPECT_EQ(1, fdinfo_lines(r, "user_data:123456789"));
	ASSERT_EQ(1, ring_enter(r, 1, 0, 0));
	EXPECT_EQ(1, fdinfo_lines(r, "user_data:123456789, res:0, flags:0"));
	ASSERT_CQE(r, 123456789, 0, 0);
	EXPECT_EQ(0, fdinfo_lines(r, "user_data:123456789"));
}

TEST_F(ring, requests_that_wait)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	EXPECT_EQ(1, fdinfo_lines(r, "PollList:"));
	EXPECT_EQ(0, fdinfo_lines(r, "  op="));
	prep_poll(r, sv[0], POLLIN, 1);
	prep_poll_multi(r, sv[0], POLLIN, 2);
	ASSERT_EQ(2, ring_submit(r));
	EXPECT_EQ(2, fdinfo_lines(r, "  op=6,"));
}

TEST_F(ring, completions_that_overflowed)
{
	struct ring r;
	unsigned int i;

	ASSERT_EQ(0, ring_init_cq(&r, variant->backend, 1, 1, 0));
	EXPECT_EQ(1, fdinfo_lines(&r, "CqOverflowList:"));
	for (i = 0; i < 3; i++) {
		prep_nop(&r, 1000 + i);
		ASSERT_EQ(1, ring_submit(&r));
	}
	EXPECT_EQ(0, fdinfo_lines(&r, "user_data=1000"));
	EXPECT_EQ(1, fdinfo_lines(&r, "user_data=1001, res=0, flags=0"));
	EXPECT_EQ(1, fdinfo_lines(&r, "user_data=1002, res=0, flags=0"));
	ring_exit(&r);
}

/* What only ruring's has: how much there has been so far. */
TEST_F(ring, counters)
{
	struct ring r;
	char byte = 'x';
	int i, fd;

	if (variant->backend == IO_URING)
		SKIP(return, "io_uring has no such counters");
	fd = memfd_create("counters", 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ring_init_cq(&r, variant->backend, 1, 1, 0));
	EXPECT_EQ(0, info(&r, "CqOverflowed:"));
	EXPECT_EQ(0, info(&r, "Offloaded:"));
	for (i = 0; i < 3; i++) {
		prep_nop(&r, i);
		ASSERT_EQ(1, ring_submit(&r));
	}
	for (i = 0; i < 3; i++)
		ASSERT_CQE(&r, i, 0, 0);
	prep(&r, IORING_OP_WRITE, fd, &byte, 1, 7)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(&r));
	ASSERT_CQE(&r, 7, 1, 0);
	EXPECT_EQ(2, info(&r, "CqOverflowed:"));
	EXPECT_EQ(1, info(&r, "Offloaded:"));
	EXPECT_EQ(4, info(&r, "CachedSqHead:"));
	EXPECT_EQ(4, info(&r, "CachedCqTail:"));
	ring_exit(&r);
	close(fd);
}

TEST_F(ring, heads_and_tails_that_make_no_sense)
{
	struct ring *r = &self->ring;

	*r->sq_tail = 0x80000000;
	*r->cq_head = 0x7fffffff;
	EXPECT_EQ(0x80000000, info(r, "SqTail:"));
	EXPECT_EQ(0x7fffffff, info(r, "CqHead:"));
	*r->sq_tail = 0;
	*r->cq_head = 0;
	prep_nop(r, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
}

/* Room for 256 opcodes. */
static struct io_uring_probe *new_probe(void)
{
	return calloc(1, sizeof(struct io_uring_probe) +
		      256 * sizeof(struct io_uring_probe_op));
}

static int probe(struct ring *ring, struct io_uring_probe *p, unsigned int nr)
{
	return ring_register(ring, IORING_REGISTER_PROBE, p, nr);
}

TEST_F(ring, probe_knows_the_opcodes)
{
	static const unsigned int ops[] = {
		IORING_OP_NOP, IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE,
		IORING_OP_RECVMSG, IORING_OP_ACCEPT, IORING_OP_ASYNC_CANCEL,
		IORING_OP_CLOSE, IORING_OP_SEND, IORING_OP_RECV,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		EXPECT_TRUE(ring_op_supported(&self->ring, ops[i]));
}

TEST_F(ring, probe_fills_in_what_it_knows)
{
	struct io_uring_probe *p = new_probe();
	unsigned int i;

	ASSERT_EQ(0, probe(&self->ring, p, 256));
	EXPECT_EQ(IORING_OP_LAST - 1, p->last_op);
	EXPECT_EQ(IORING_OP_LAST, p->ops_len);
	for (i = 0; i < IORING_OP_LAST; i++) {
		EXPECT_EQ(i, p->ops[i].op);
		EXPECT_EQ(0, p->ops[i].flags & ~IO_URING_OP_SUPPORTED);
	}
	for (; i < 256; i++)
		EXPECT_EQ(0, p->ops[i].op);
	free(p);
}

TEST_F(ring, probe_stays_within_its_bounds)
{
	struct io_uring_probe *p = new_probe();

	memset(&p->ops[3], 0x77, sizeof(p->ops[3]));
	ASSERT_EQ(0, probe(&self->ring, p, 3));
	EXPECT_EQ(3, p->ops_len);
	EXPECT_EQ(2, p->ops[2].op);
	EXPECT_EQ(0x77, p->ops[3].op);

	memset(p, 0, sizeof(*p));
	ASSERT_EQ(0, probe(&self->ring, p, 0));
	EXPECT_EQ(0, p->ops_len);
	free(p);
}

TEST_F(ring, bad_probe)
{
	struct io_uring_probe *p = new_probe();

	EXPECT_EQ(-EINVAL, probe(&self->ring, NULL, 1));
	EXPECT_EQ(-EINVAL, probe(&self->ring, p, 257));
	EXPECT_EQ(-EFAULT, probe(&self->ring, (void *)4096, 1));
	p->resv = 1;
	EXPECT_EQ(-EINVAL, probe(&self->ring, p, 256));
	p->resv = 0;
	p->ops[5].resv2 = 1;
	EXPECT_EQ(-EINVAL, probe(&self->ring, p, 256));
	free(p);
}

TEST_HARNESS_MAIN
