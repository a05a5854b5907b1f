// SPDX-License-Identifier: GPL-2.0
/*
 * RURING_REGISTER_PBUF_LOW: a completion tells that a group has few buffers left. It is ruring's own.
 */
#include <errno.h>
#include <linux/ruring.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RING_MODES
#include "fixture.h"

#define GROUP	3
#define ENTRIES	8
#define FEW	2
/* Groups of others. */
#define FIRST	100
#define TOLD	0xf00dULL

FIXTURE(low) {
	struct ring ring;
	struct pbuf pb;
	int sv[2];
};

VARIANTS_OF_RURING(low);

FIXTURE_SETUP(low)
{
	ASSERT_EQ(0, ring_init_cq(&self->ring, RURING, 16, 32, variant->flags));
	ASSERT_EQ(0, unix_pair(SOCK_SEQPACKET, self->sv));
	ASSERT_EQ(0, pbuf_init(&self->pb, &self->ring, GROUP, ENTRIES, 64));
}

FIXTURE_TEARDOWN(low)
{
	pbuf_exit(&self->pb);
	ring_exit(&self->ring);
	close(self->sv[0]);
	close(self->sv[1]);
}

static int mark(struct ring *r, unsigned int bgid, unsigned int nr)
{
	struct ruring_pbuf_low low = { .user_data = TOLD, .nr = nr, .bgid = bgid };

	return ring_register(r, RURING_REGISTER_PBUF_LOW, &low, 1);
}

/* @nr messages arrive, and nothing else does. */
#define ASSERT_RECEIVES(nr) do {						\
	int _i;									\
	for (_i = 0; _i < (nr); _i++) {						\
		struct io_uring_cqe _cqe = {};					\
		ASSERT_EQ(1, write(self->sv[1], "x", 1));			\
		ASSERT_EQ(0, ring_take(&self->ring, &_cqe));			\
		ASSERT_EQ(1, _cqe.user_data);					\
		ASSERT_EQ(1, _cqe.res);						\
		ASSERT_TRUE(_cqe.flags & IORING_CQE_F_MORE);			\
	}									\
} while (0)

static void push(struct pbuf *pb, unsigned int nr)
{
	while (nr--)
		pbuf_push(pb, nr);
}

TEST_F(ring, bad_arguments)
{
	struct ruring_pbuf_low low = { .nr = 1, .bgid = GROUP };
	struct ring *r = &self->ring;
	struct pbuf pb;
	char mem[64];

	if (variant->backend == IO_URING) {
		EXPECT_EQ(-EINVAL, mark(r, GROUP, 1));
		return;
	}
	EXPECT_EQ(-ENOENT, mark(r, GROUP, 1));
	EXPECT_EQ(-ENOENT, mark(r, GROUP, 0));
	ASSERT_EQ(0, pbuf_init(&pb, r, GROUP, ENTRIES, 64));
	EXPECT_EQ(-EINVAL, ring_register(r, RURING_REGISTER_PBUF_LOW, &low, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, RURING_REGISTER_PBUF_LOW, &low, 2));
	EXPECT_EQ(-EINVAL, ring_register(r, RURING_REGISTER_PBUF_LOW, NULL, 1));
	EXPECT_EQ(-EFAULT, ring_register(r, RURING_REGISTER_PBUF_LOW, (void *)8, 1));
	low.resv = 1;
	EXPECT_EQ(-EINVAL, ring_register(r, RURING_REGISTER_PBUF_LOW, &low, 1));
	EXPECT_EQ(-EINVAL, mark(r, GROUP, ENTRIES));
	EXPECT_EQ(-EINVAL, mark(r, GROUP, 65536 + 1));
	EXPECT_EQ(0, mark(r, GROUP, ENTRIES - 1));
	prep(r, IORING_OP_PROVIDE_BUFFERS, 1, mem, sizeof(mem), 1)->buf_group = GROUP + 1;
	ASSERT_RESULT(r, 0);
	EXPECT_EQ(-EINVAL, mark(r, GROUP + 1, 1));
	pbuf_exit(&pb);
}

/* Once when they become few, and once more after there were enough. */
TEST_F(low, is_told_once)
{
	struct ring *r = &self->ring;
	int round;

	/* it is empty yet, and nobody wants to hear of that */
	ASSERT_EQ(0, mark(r, GROUP, FEW));
	ASSERT_QUIET(r);
	push(&self->pb, FEW);
	ASSERT_QUIET(r);
	push(&self->pb, ENTRIES - FEW);
	prep_recv_multi(r, self->sv[0], GROUP, 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	for (round = 0; round < 3; round++) {
		ASSERT_RECEIVES(ENTRIES - FEW - 1);
		ASSERT_QUIET(r);
		ASSERT_RECEIVES(1);
		ASSERT_CQE(r, TOLD, FEW, 0);
		ASSERT_RECEIVES(1);
		ASSERT_QUIET(r);
		/* as many as are few are none too many */
		push(&self->pb, 1);
		ASSERT_QUIET(r);
		push(&self->pb, ENTRIES - FEW);
		ASSERT_QUIET(r);
	}
}

/* Those are seen that are consumed behind one another, and those by the entry that submits. */
TEST_F(low, at_once)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	unsigned int told = 0, i;

	push(&self->pb, ENTRIES);
	ASSERT_EQ(0, mark(r, GROUP, FEW));
	for (i = 0; i < ENTRIES; i++)
		ASSERT_EQ(1, write(self->sv[1], "x", 1));
	for (i = 0; i < ENTRIES - 1; i++)
		prep_recv_select(r, self->sv[0], 0, GROUP, 1);
	ASSERT_EQ(ENTRIES - 1, ring_submit_and_run(r));
	ASSERT_EQ(0, ring_wait(r, ENTRIES));
	while (ring_peek(r, &cqe)) {
		if (cqe.user_data != TOLD)
			continue;
		EXPECT_EQ(1, cqe.res);
		told++;
	}
	EXPECT_EQ(1, told);
	/* There are enough of them, and then too few, within one entry. */
	push(&self->pb, ENTRIES - 1);
	for (i = 0; i < ENTRIES - 1; i++) {
		prep_recv_select(r, self->sv[0], 0, GROUP, 1);
		ASSERT_EQ(1, write(self->sv[1], "x", 1));
	}
	ASSERT_EQ(ENTRIES - 1, ring_submit_and_run(r));
	ASSERT_EQ(0, ring_wait(r, ENTRIES));
	for (told = 0; ring_peek(r, &cqe);)
		told += cqe.user_data == TOLD;
	EXPECT_EQ(1, told);
}

/* Without room it is told later, and is not lost. */
TEST_F(low, full_queue)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	unsigned int i, nops = 0, told = 0;

	push(&self->pb, FEW + 1);
	ASSERT_EQ(0, mark(r, GROUP, FEW));
	ASSERT_EQ(1, write(self->sv[1], "x", 1));
	for (i = 0; i < 31; i++) {
		prep_nop(r, 2);
		if (i % 8 == 7 || i == 30)
			ASSERT_LT(0, ring_submit(r));
	}
	prep_recv_select(r, self->sv[0], 0, GROUP, 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_EQ(32, ring_ready(r));
	ring_run(r);
	ASSERT_EQ(32, ring_ready(r));
	while (ring_peek(r, &cqe))
		nops += cqe.user_data == 2;
	EXPECT_EQ(31, nops);
	ring_run(r);
	while (ring_peek(r, &cqe))
		told += cqe.user_data == TOLD;
	EXPECT_EQ(1, told);
	ASSERT_QUIET(r);
}

/* A buffer is taken from the group, and nobody is told. */
#define ASSERT_TAKEN_UNTOLD(r, sv) do {					\
	ASSERT_EQ(1, write((sv)[1], "x", 1));				\
	prep_recv_select(r, (sv)[0], 0, GROUP, 1);			\
	ASSERT_EQ(1, ring_submit_and_run(r));				\
	ASSERT_EQ(0, ring_wait(r, 1));					\
	ASSERT_EQ(1, ring_drain(r));					\
	ASSERT_QUIET(r);						\
} while (0)

/* Neither without the group nor without the mark. */
TEST_F(low, goes)
{
	struct ring *r = &self->ring;

	push(&self->pb, FEW + 1);
	ASSERT_EQ(0, mark(r, GROUP, FEW));
	ASSERT_EQ(0, mark(r, GROUP, 0));
	ASSERT_TAKEN_UNTOLD(r, self->sv);
	/* below the mark from the beginning */
	ASSERT_EQ(0, mark(r, GROUP, FEW));
	ASSERT_QUIET(r);
	pbuf_exit(&self->pb);
	ASSERT_EQ(0, pbuf_init(&self->pb, r, GROUP, ENTRIES, 64));
	push(&self->pb, FEW + 1);
	ASSERT_QUIET(r);
	ASSERT_TAKEN_UNTOLD(r, self->sv);
}

/* Who sleeps for it is woken up. */
TEST_F(low, wakes)
{
	struct ring *r = &self->ring;
	pid_t child;

	push(&self->pb, FEW + 1);
	ASSERT_EQ(0, mark(r, GROUP, FEW));
	prep_recv_multi(r, self->sv[0], GROUP, 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(write(self->sv[1], "x", 1) != 1);
	/* two completions for one message */
	ASSERT_EQ(0, ring_enter(r, 0, 2, IORING_ENTER_GETEVENTS));
	ASSERT_EQ(2, ring_drain(r));
	ASSERT_EQ(child, waitpid(child, NULL, 0));
}

TEST_F(low, as_many_as_there_may_be)
{
	struct pbuf pb[65];
	unsigned int i;

	for (i = 0; i < 65; i++)
		ASSERT_EQ(0, pbuf_init(&pb[i], &self->ring, FIRST + i, 2, 8));
	for (i = 0; i < 64; i++)
		EXPECT_EQ(0, mark(&self->ring, FIRST + i, 1));
	EXPECT_EQ(-EOVERFLOW, mark(&self->ring, FIRST + 64, 1));
	/* one that has one may have another */
	EXPECT_EQ(0, mark(&self->ring, FIRST + 63, 1));
	EXPECT_EQ(0, mark(&self->ring, FIRST, 0));
	EXPECT_EQ(0, mark(&self->ring, FIRST + 64, 1));
	/* a mark goes with its group */
	ASSERT_EQ(0, pbuf_unregister(&self->ring, FIRST + 5));
	EXPECT_EQ(0, mark(&self->ring, FIRST, 1));
	for (i = 0; i < 65; i++)
		pbuf_exit(&pb[i]);
}

TEST_F(low, can_be_forbidden)
{
	struct io_uring_restriction only[] = {
		{
			.opcode = IORING_RESTRICTION_REGISTER_OP,
			.register_op = IORING_REGISTER_ENABLE_RINGS,
		}, {
			.opcode = IORING_RESTRICTION_REGISTER_OP,
			.register_op = RURING_REGISTER_PBUF_LOW,
		},
	};
	struct ring r;
	int nr;

	for (nr = 1; nr <= 2; nr++) {
		ASSERT_EQ(0, ring_init(&r, RURING, 4, variant->flags | IORING_SETUP_R_DISABLED));
		ASSERT_EQ(0, ring_register(&r, IORING_REGISTER_RESTRICTIONS, only, nr));
		ASSERT_EQ(0, ring_register(&r, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
		EXPECT_EQ(nr == 2 ? -ENOENT : -EACCES, mark(&r, GROUP, 1));
		ring_exit(&r);
	}
}

TEST_HARNESS_MAIN
