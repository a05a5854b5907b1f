// SPDX-License-Identifier: GPL-2.0
/*
 * IORING_REGISTER_RESTRICTIONS: what a ring may be used for.
 */
#include <linux/ruring.h>
#include <sys/mman.h>

#include "check.h"

#define ALLOW_OP(code)							\
	{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = (code) }
#define ALLOW_REGISTER(code)						\
	{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = (code) }
#define ALLOW_FLAGS(bits)						\
	{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = (bits) }
#define REQUIRE_FLAGS(bits)						\
	{ .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = (bits) }

/* A ring that is not enabled yet. */
FIXTURE(disabled) {
	struct ring ring;
};

VARIANTS_OF_BOTH(disabled);

FIXTURE_SETUP(disabled)
{
	ASSERT_EQ(0, ring_init(&self->ring, variant->backend, 16,
			       variant->flags | IORING_SETUP_R_DISABLED));
}

FIXTURE_TEARDOWN(disabled)
{
	ring_exit(&self->ring);
}

static int restrict_to(struct ring *ring, struct io_uring_restriction *those,
		       unsigned int nr)
{
	return ring_register(ring, IORING_REGISTER_RESTRICTIONS, those, nr);
}

static int enable(struct ring *ring)
{
	return ring_register(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

static int probe(struct ring *ring)
{
	struct io_uring_probe probe = {};

	return ring_register(ring, IORING_REGISTER_PROBE, &probe, 0);
}

static struct io_uring_sqe *prep_op(struct ring *ring, __u8 opcode, __u8 flags)
{
	struct io_uring_sqe *sqe = prep_nop(ring, opcode);

	sqe->opcode = opcode;
	sqe->flags = flags;
	return sqe;
}

TEST_F(disabled, opcodes)
{
	struct io_uring_restriction those[] = {
		ALLOW_OP(IORING_OP_NOP), ALLOW_OP(IORING_OP_POLL_REMOVE),
	};
	struct ring *r = &self->ring;

	ASSERT_EQ(0, restrict_to(r, those, ARRAY_SIZE(those)));
	ASSERT_EQ(0, enable(r));
	prep_op(r, IORING_OP_NOP, 0);
	ASSERT_RESULT(r, 0);
	prep_op(r, IORING_OP_POLL_REMOVE, 0);
	ASSERT_RESULT(r, -ENOENT);
	prep_op(r, IORING_OP_ASYNC_CANCEL, 0);
	ASSERT_RESULT(r, -EACCES);
	prep_op(r, IORING_OP_READ, 0);
	ASSERT_RESULT(r, -EACCES);
	/* ruring's own opcode is refused as any other, and is not there for io_uring */
	prep_op(r, RURING_OP_SENDFILE, 0);
	ASSERT_RESULT(r, variant->backend == RURING ? -EACCES : -EINVAL);
	/* what does not exist is no matter of restrictions */
	prep_op(r, IORING_OP_LAST, 0);
	ASSERT_RESULT(r, -EINVAL);
	prep_op(r, 255, 0);
	ASSERT_RESULT(r, -EINVAL);
	/* registrations are not restricted */
	EXPECT_EQ(0, probe(r));
}

/* A buffer that an opcode does not take, and its size, come before what the ring may be used for. */
TEST_F(disabled, what_comes_before)
{
	struct io_uring_restriction nop = ALLOW_OP(IORING_OP_NOP);
	struct ring *r = &self->ring;

	ASSERT_EQ(0, restrict_to(r, &nop, 1));
	ASSERT_EQ(0, enable(r));
	prep_op(r, IORING_OP_TIMEOUT, IOSQE_BUFFER_SELECT);
	ASSERT_RESULT(r, -EOPNOTSUPP);
	prep_op(r, IORING_OP_NOP128, 0);
	ASSERT_RESULT(r, -EINVAL);
	prep_op(r, IORING_OP_READ, IOSQE_BUFFER_SELECT);
	ASSERT_RESULT(r, -EACCES);
}

TEST_F(disabled, what_is_refused_is_not_done)
{
	struct io_uring_restriction nop = ALLOW_OP(IORING_OP_NOP);
	struct ring *r = &self->ring;
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, restrict_to(r, &nop, 1));
	ASSERT_EQ(0, enable(r));
	prep_op(r, IORING_OP_CLOSE, 0)->fd = fds[0];
	ASSERT_RESULT(r, -EACCES);
	EXPECT_EQ(0, close(fds[0]));
	EXPECT_EQ(0, close(fds[1]));
}

TEST_F(disabled, flags)
{
	struct io_uring_restriction those[] = {
		ALLOW_OP(IORING_OP_NOP), ALLOW_FLAGS(IOSQE_ASYNC | IOSQE_IO_DRAIN),
		REQUIRE_FLAGS(IOSQE_IO_DRAIN),
	};
	struct ring *r = &self->ring;

	ASSERT_EQ(0, restrict_to(r, those, ARRAY_SIZE(those)));
	ASSERT_EQ(0, enable(r));
	prep_op(r, IORING_OP_NOP, IOSQE_IO_DRAIN);
	ASSERT_RESULT(r, 0);
	prep_op(r, IORING_OP_NOP, IOSQE_IO_DRAIN | IOSQE_ASYNC);
	ASSERT_RESULT(r, 0);
	prep_op(r, IORING_OP_NOP, IOSQE_ASYNC);
	ASSERT_RESULT(r, -EACCES);
	prep_op(r, IORING_OP_NOP, IOSQE_IO_DRAIN | IOSQE_IO_HARDLINK);
	ASSERT_RESULT(r, -EACCES);
	prep_op(r, IORING_OP_NOP, IOSQE_IO_DRAIN | 0x80);
	ASSERT_RESULT(r, -EINVAL);
}

TEST_F(disabled, the_last_flags_count)
{
	struct io_uring_restriction those[] = {
		ALLOW_OP(IORING_OP_NOP), ALLOW_FLAGS(IOSQE_ASYNC), ALLOW_FLAGS(0),
	};
	struct ring *r = &self->ring;

	ASSERT_EQ(0, restrict_to(r, those, ARRAY_SIZE(those)));
	ASSERT_EQ(0, enable(r));
	prep_op(r, IORING_OP_NOP, IOSQE_ASYNC);
	ASSERT_RESULT(r, -EACCES);
	prep_op(r, IORING_OP_NOP, 0);
	ASSERT_RESULT(r, 0);
}

TEST_F(disabled, breaks_a_link)
{
	struct io_uring_restriction those[] = {
		ALLOW_OP(IORING_OP_NOP), ALLOW_FLAGS(IOSQE_IO_LINK),
	};
	struct ring *r = &self->ring;

	ASSERT_EQ(0, restrict_to(r, those, ARRAY_SIZE(those)));
	ASSERT_EQ(0, enable(r));
	prep_nop(r, 1)->flags = IOSQE_IO_LINK;
	prep_op(r, IORING_OP_POLL_REMOVE, IOSQE_IO_LINK)->user_data = 2;
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 1, -ECANCELED, 0);
	ASSERT_CQE(r, 2, -EACCES, 0);
	ASSERT_CQE(r, 3, -ECANCELED, 0);
}

/* What is refused is not what the link before it has drain for that. */
TEST_F(disabled, leaves_it_to_others_to_drain)
{
	struct io_uring_restriction those[] = {
		ALLOW_OP(IORING_OP_NOP), ALLOW_OP(IORING_OP_RECV),
		ALLOW_FLAGS(IOSQE_IO_LINK | IOSQE_IO_DRAIN),
	};
	struct ring *r = &self->ring;
	int linked;
	char buf[8];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, restrict_to(r, those, ARRAY_SIZE(those)));
	ASSERT_EQ(0, enable(r));
	for (linked = 0; linked < 2; linked++) {
		prep_nop(r, 1)->flags = IOSQE_IO_LINK;
		prep_nop(r, 2)->flags = IOSQE_IO_DRAIN;
		ASSERT_EQ(2, ring_submit(r));
		ASSERT_CQE(r, 1, 0, 0);
		ASSERT_CQE(r, 2, 0, 0);
		prep_op(r, IORING_OP_POLL_ADD, linked ? IOSQE_IO_LINK : 0)->user_data = 3;
		if (linked)
			prep_nop(r, 4);
		ASSERT_EQ(1 + linked, ring_submit(r));
		ASSERT_CQE(r, 3, -EACCES, 0);
		if (linked)
			ASSERT_CQE(r, 4, -ECANCELED, 0);
		prep_recv(r, sv[0], buf, 1, 5);
		ASSERT_EQ(1, ring_submit(r));
		prep_nop(r, 6);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_LE(0, ring_run(r));
		ASSERT_EQ(0, ring_ready(r));
		ASSERT_EQ(1, write(sv[1], "x", 1));
		ASSERT_CQE(r, 5, 1, 0);
		ASSERT_CQE(r, 6, 0, 0);
	}
	close(sv[0]);
	close(sv[1]);
}

TEST_F(disabled, registrations)
{
	struct io_uring_restriction those[] = {
		ALLOW_REGISTER(IORING_REGISTER_PROBE),
		ALLOW_REGISTER(IORING_REGISTER_ENABLE_RINGS),
	};
	struct iovec iov = { .iov_base = self, .iov_len = 1 };
	struct ring *r = &self->ring;

	ASSERT_EQ(0, restrict_to(r, those, ARRAY_SIZE(those)));
	/* who sets it up is not restricted yet */
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_BUFFERS, &iov, 1));
	ASSERT_EQ(0, enable(r));
	EXPECT_EQ(0, probe(r));
	EXPECT_EQ(-EACCES, ring_register(r, IORING_UNREGISTER_BUFFERS, NULL, 0));
	EXPECT_EQ(-EACCES, ring_register(r, IORING_REGISTER_LAST - 1, NULL, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_LAST, NULL, 0));
	EXPECT_EQ(-EACCES, restrict_to(r, those, 1));
	EXPECT_EQ(-EBADFD, enable(r));
	/* SQEs are not restricted */
	prep_op(r, IORING_OP_POLL_REMOVE, 0);
	ASSERT_RESULT(r, -ENOENT);
}

TEST_F(disabled, none_allow_nothing)
{
	struct ring *r = &self->ring;
	struct io_uring_restriction none;

	ASSERT_EQ(0, restrict_to(r, &none, 0));
	EXPECT_EQ(0, probe(r));
	ASSERT_EQ(0, enable(r));
	EXPECT_EQ(-EACCES, probe(r));
	EXPECT_EQ(-EACCES, enable(r));
	prep_op(r, IORING_OP_NOP, 0);
	ASSERT_RESULT(r, -EACCES);
}

TEST_F(disabled, once)
{
	struct io_uring_restriction nop = ALLOW_OP(IORING_OP_NOP);
	struct ring *r = &self->ring;

	ASSERT_EQ(0, restrict_to(r, &nop, 1));
	EXPECT_EQ(-EBUSY, restrict_to(r, &nop, 1));
	EXPECT_EQ(-EBUSY, restrict_to(r, NULL, 0));
	ASSERT_EQ(0, enable(r));
	EXPECT_EQ(-EBADFD, restrict_to(r, &nop, 1));
}

TEST_F(disabled, not_when_enabled)
{
	struct io_uring_restriction nop = ALLOW_OP(IORING_OP_NOP);
	struct ring *r = &self->ring;

	ASSERT_EQ(0, enable(r));
	EXPECT_EQ(-EBADFD, restrict_to(r, &nop, 1));
	EXPECT_EQ(-EBADFD, restrict_to(r, NULL, 0));
	prep_op(r, IORING_OP_POLL_REMOVE, 0);
	ASSERT_RESULT(r, -ENOENT);
}

TEST_F(disabled, what_makes_no_sense_changes_nothing)
{
	struct io_uring_restriction bad[] = {
		ALLOW_OP(IORING_OP_LAST), ALLOW_OP(255),
		ALLOW_REGISTER(IORING_REGISTER_LAST), ALLOW_REGISTER(255),
		{ .opcode = IORING_RESTRICTION_LAST }, { .opcode = 0xffff },
	};
	unsigned int most = IORING_RESTRICTION_LAST + IORING_REGISTER_LAST + IORING_OP_LAST;
	struct ring *r = &self->ring;
	unsigned int i;
	char *p;

	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + 4096, 4096));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct io_uring_restriction those[] = { ALLOW_OP(IORING_OP_NOP), bad[i] };

		EXPECT_EQ(-EINVAL, restrict_to(r, those, ARRAY_SIZE(those)));
	}
	EXPECT_EQ(-EINVAL, restrict_to(r, NULL, 0));
	EXPECT_EQ(-EINVAL, restrict_to(r, NULL, 1));
	EXPECT_EQ(-EINVAL, restrict_to(r, (void *)p, most + 1));
	EXPECT_EQ(-EINVAL, restrict_to(r, (void *)p, ~0u));
	EXPECT_EQ(-EFAULT, restrict_to(r, (void *)(p + 4096 - 16), 2));
	EXPECT_EQ(-EFAULT, restrict_to(r, (void *)4096, 1));
	ASSERT_EQ(0, enable(r));
	prep_op(r, IORING_OP_POLL_REMOVE, 0);
	ASSERT_RESULT(r, -ENOENT);
	EXPECT_EQ(0, probe(r));
}

/* As many as there can be, of which each says something else. */
TEST_F(disabled, all_there_are)
{
	struct io_uring_restriction those[IORING_RESTRICTION_LAST + IORING_REGISTER_LAST +
					  IORING_OP_LAST] = {};
	struct ring *r = &self->ring;
	unsigned int i, n = 0;

	for (i = 0; i < IORING_OP_LAST; i++)
		those[n++] = (struct io_uring_restriction)ALLOW_OP(i);
	for (i = 0; i < IORING_REGISTER_LAST; i++)
		those[n++] = (struct io_uring_restriction)ALLOW_REGISTER(i);
	while (n < ARRAY_SIZE(those))
		those[n++] = (struct io_uring_restriction)ALLOW_FLAGS(0x7f);
	ASSERT_EQ(0, restrict_to(r, those, n));
	ASSERT_EQ(0, enable(r));
	EXPECT_EQ(0, probe(r));
	prep_op(r, IORING_OP_NOP, IOSQE_ASYNC);
	ASSERT_RESULT(r, 0);
	prep_op(r, IORING_OP_POLL_REMOVE, 0);
	ASSERT_RESULT(r, -ENOENT);
}

TEST_HARNESS_MAIN
