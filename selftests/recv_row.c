// SPDX-License-Identifier: GPL-2.0
/*
 * Multishot receives of a stream that has more than a buffer takes: each buffer has its completion,
 * all but the last are full, and none is taken that cannot be told of.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define RING_MODES
#include "fixture.h"

#define NOWHERE		((void *)0xffff888000000000)
#define LEN		1000

static char text[LEN];

static int stream(int kind, int sv[2])
{
	int i;

	for (i = 0; i < LEN; i++)
		text[i] = i * 7 + i / 256;
	return kind ? unix_pair(SOCK_STREAM, sv) : tcp_pair(sv);
}

/* The completion of a receive into buffer @bid, which got @len bytes from text + @from. */
#define EXPECT_PIECE(pb, bid, from, len, left) do {					\
	struct io_uring_cqe _cqe;							\
	unsigned int _flags = BUFFER_FLAGS(bid) | IORING_CQE_F_MORE;			\
	if (left)									\
		_flags |= IORING_CQE_F_SOCK_NONEMPTY;					\
	ASSERT_EQ(0, ring_take(&self->ring, &_cqe));					\
	EXPECT_EQ((int)(len), _cqe.res);						\
	EXPECT_EQ(_flags, _cqe.flags);							\
	EXPECT_EQ(0, memcmp(pbuf_mem(pb, bid), text + (from), len));			\
} while (0)

TEST_F(ring, each_is_full)
{
	struct pbuf pb;
	int sv[2], kind, i;

	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 3, 64, 96));
	pbuf_fill(&pb);
	for (kind = 0; kind < 2; kind++) {
		ASSERT_EQ(0, stream(kind, sv));
		ASSERT_EQ(LEN, write(sv[1], text, LEN));
		prep_recv_multi(&self->ring, sv[0], 3, 1);
		ASSERT_EQ(1, ring_submit_and_run(&self->ring));
		ASSERT_EQ(11, ring_ready(&self->ring));
		for (i = 0; i < 11; i++)
			EXPECT_PIECE(&pb, kind * 11 + i, i * 96, i < 10 ? 96 : 40, i < 10);
		/* and once it waits */
		close(sv[1]);
		ASSERT_CQE(&self->ring, 1, 0, kind ? 0 : IORING_CQE_F_SOCK_NONEMPTY);
		close(sv[0]);
	}
	pbuf_exit(&pb);
}

TEST_F(ring, completions_of_32_bytes)
{
	static const unsigned int flags[] = { IORING_SETUP_CQE32, IORING_SETUP_CQE_MIXED };
	unsigned int i, j;
	struct pbuf pb;
	int sv[2];

	for (i = 0; i < 2 * ARRAY_SIZE(flags); i++) {
		ring_exit(&self->ring);
		ASSERT_EQ(0, ring_init(&self->ring, variant->backend, 16, variant->flags | flags[i / 2]));
		ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 3, 16, 96));
		pbuf_fill(&pb);
		ASSERT_EQ(0, stream(i % 2, sv));
		ASSERT_EQ(LEN, write(sv[1], text, LEN));
		prep_recv_multi(&self->ring, sv[0], 3, 1);
		ASSERT_EQ(1, ring_submit_and_run(&self->ring));
		for (j = 0; j < 11; j++)
			EXPECT_PIECE(&pb, j, j * 96, j < 10 ? 96 : 40, j < 10);
		close(sv[1]);
		ASSERT_CQE(&self->ring, 1, 0, i % 2 ? 0 : IORING_CQE_F_SOCK_NONEMPTY);
		close(sv[0]);
		pbuf_exit(&pb);
	}
}

/* One like @ring, with room for more completions. */
static int larger(struct ring *larger, const struct ring *ring)
{
	unsigned int flags = ring->params.flags &
			     (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);

	return ring_init_cq(larger, ring->backend, 8, 256, flags);
}

/* Bursts that come while it waits. */
TEST_F(ring, bursts)
{
	struct io_uring_cqe cqe;
	struct ring ring;
	struct pbuf pb;
	int sv[2], kind, i, at;

	ASSERT_EQ(0, larger(&ring, &self->ring));
	for (kind = 0; kind < 2; kind++) {
		ASSERT_EQ(0, pbuf_init(&pb, &ring, 3, 256, 10));
		pbuf_fill(&pb);
		ASSERT_EQ(0, stream(kind, sv));
		prep_recv_multi(&ring, sv[0], 3, 1);
		ASSERT_EQ(1, ring_submit_and_run(&ring));
		for (i = 0; i < 10; i++)
			ASSERT_EQ(100, write(sv[1], text + 100 * i, 100));
		for (at = 0; at < LEN; at += cqe.res) {
			ASSERT_EQ(0, ring_take(&ring, &cqe));
			ASSERT_LT(0, cqe.res);
			EXPECT_TRUE(cqe.flags & IORING_CQE_F_MORE);
			EXPECT_EQ(0, memcmp(pbuf_mem(&pb, cqe_bid(&cqe)), text + at, cqe.res));
		}
		close(sv[1]);
		ASSERT_CQE(&ring, 1, 0, kind ? 0 : IORING_CQE_F_SOCK_NONEMPTY);
		close(sv[0]);
		pbuf_exit(&pb);
	}
	ring_exit(&ring);
}

/* Buffers of any size, one that is no memory, and a limit for each. */
TEST_F(ring, sizes)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	static char mem[4][256];
	struct pbuf pb;
	int sv[2];

	ASSERT_EQ(0, stream(0, sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 3, 8, 16));
	pbuf_add(&pb, mem[0], 100, 5);
	pbuf_add(&pb, mem[1], 1, 6);
	pbuf_add(&pb, mem[2], 200, 5);
	pbuf_add(&pb, NOWHERE, 100, 8);
	pbuf_publish(&pb);
	ASSERT_EQ(LEN, write(sv[1], text, LEN));
	sqe = prep_recv_multi(&self->ring, sv[0], 3, 1);
	sqe->len = 150;
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(100, cqe.res);
	EXPECT_EQ(5, cqe_bid(&cqe));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(1, cqe.res);
	EXPECT_EQ(6, cqe_bid(&cqe));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(150, cqe.res);
	EXPECT_EQ(5, cqe_bid(&cqe));
	EXPECT_EQ(0, memcmp(mem[0], text, 100));
	EXPECT_EQ(0, memcmp(mem[1], text + 100, 1));
	EXPECT_EQ(0, memcmp(mem[2], text + 101, 150));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_GT(0, cqe.res);
	EXPECT_FALSE(cqe.flags & IORING_CQE_F_MORE);
	/* nothing is lost */
	EXPECT_EQ(LEN - 251, recv(sv[0], mem, sizeof(mem), MSG_DONTWAIT));
	EXPECT_EQ(0, memcmp(mem, text + 251, LEN - 251));
	close(sv[0]);
	close(sv[1]);
	pbuf_exit(&pb);
}

/* Memory that is not there any more: what was before it is filled. */
TEST_F(ring, faults)
{
	char *gone = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char mem[2][256];
	struct io_uring_cqe cqe;
	struct pbuf pb;
	int sv[2], at = 0;

	ASSERT_NE(MAP_FAILED, gone);
	ASSERT_EQ(0, stream(0, sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 3, 8, 16));
	pbuf_add(&pb, mem[0], 100, 1);
	pbuf_add(&pb, mem[1], 100, 2);
	pbuf_add(&pb, gone, 100, 3);
	pbuf_publish(&pb);
	ASSERT_EQ(LEN, write(sv[1], text, LEN));
	prep_recv_multi(&self->ring, sv[0], 3, 1);
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	for (;;) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		if (cqe.res < 0)
			break;
		EXPECT_EQ(100, cqe.res);
		EXPECT_EQ(at / 100 + 1, (int)cqe_bid(&cqe));
		at += cqe.res;
	}
	EXPECT_EQ(-EFAULT, cqe.res);
	EXPECT_EQ(200, at);
	EXPECT_EQ((ssize_t)sizeof(mem), recv(sv[0], mem, sizeof(mem), MSG_DONTWAIT));
	EXPECT_EQ(0, memcmp(mem, text + at, sizeof(mem)));
	close(sv[0]);
	close(sv[1]);
	pbuf_exit(&pb);
	munmap(gone, 4096);
}

/* Buffers, or completions, that are fewer: what is there is used, the rest waits. */
TEST_F(ring, runs_out)
{
	struct io_uring_cqe cqe;
	static char rest[LEN];
	struct ring small;
	struct pbuf pb;
	int sv[2], i;

	ASSERT_EQ(0, stream(0, sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 3, 8, 16));
	for (i = 0; i < 5; i++)
		pbuf_push(&pb, i);
	ASSERT_EQ(LEN, write(sv[1], text, LEN));
	prep_recv_multi(&self->ring, sv[0], 3, 1);
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	for (i = 0; i < 5; i++)
		EXPECT_PIECE(&pb, i, i * 16, 16, true);
	ASSERT_CQE(&self->ring, 1, -ENOBUFS, 0);
	pbuf_exit(&pb);

	ASSERT_EQ(0, ring_init_cq(&small, self->ring.backend, 2, 4, 0));
	ASSERT_EQ(0, pbuf_init(&pb, &small, 3, 16, 16));
	pbuf_fill(&pb);
	prep_recv_multi(&small, sv[0], 3, 1);
	ASSERT_EQ(1, ring_submit_and_run(&small));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, ring_take(&small, &cqe));
		EXPECT_EQ(16, cqe.res);
		EXPECT_EQ(i, (int)cqe_bid(&cqe));
		/* the last is the one that found no room */
		EXPECT_EQ(i < 4, !!(cqe.flags & IORING_CQE_F_MORE));
		EXPECT_EQ(0, memcmp(pbuf_mem(&pb, i), text + 80 + 16 * i, 16));
	}
	EXPECT_EQ(0, (int)ring_ready(&small));
	EXPECT_EQ(LEN - 160, recv(sv[0], rest, LEN, MSG_DONTWAIT));
	EXPECT_EQ(0, memcmp(rest, text + 160, LEN - 160));
	pbuf_exit(&pb);
	ring_exit(&small);
	close(sv[0]);
	close(sv[1]);
}

/* Another request has its turn after 33 receives, as with io_uring. */
TEST_F(ring, turns)
{
	struct io_uring_cqe cqe;
	struct ring ring;
	struct pbuf pb;
	int sv[2], other[2], i, before = 0;
	char c;

	if (!(self->ring.params.flags & IORING_SETUP_DEFER_TASKRUN))
		SKIP(return, "each wake-up is served at once");
	ASSERT_EQ(0, larger(&ring, &self->ring));
	ASSERT_EQ(0, stream(0, sv));
	ASSERT_EQ(0, unix_pair(SOCK_DGRAM, other));
	ASSERT_EQ(0, pbuf_init(&pb, &ring, 3, 128, 8));
	pbuf_fill(&pb);
	prep_recv_multi(&ring, sv[0], 3, 1);
	prep_recv(&ring, other[0], &c, 1, 2);
	ASSERT_EQ(2, ring_submit_and_run(&ring));
	ASSERT_EQ(640, write(sv[1], text, 640));
	ASSERT_EQ(1, write(other[1], "x", 1));
	ASSERT_EQ(0, ring_wait(&ring, 50));
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, ring_take(&ring, &cqe));
		if (cqe.user_data == 2)
			break;
		before++;
	}
	EXPECT_EQ(33, before);
	close(sv[0]);
	close(sv[1]);
	pbuf_exit(&pb);
	ring_exit(&ring);
}

/* Urgent data is left out, and nothing behind it. */
TEST_F(ring, urgent)
{
	struct io_uring_cqe cqe;
	struct pbuf pb;
	int sv[2], at = 0;

	ASSERT_EQ(0, stream(0, sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 3, 64, 16));
	pbuf_fill(&pb);
	ASSERT_EQ(100, send(sv[1], text, 100, 0));
	ASSERT_EQ(1, send(sv[1], "!", 1, MSG_OOB));
	ASSERT_EQ(100, send(sv[1], text + 100, 100, 0));
	prep_recv_multi(&self->ring, sv[0], 3, 1);
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	while (at < 200) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		ASSERT_LT(0, cqe.res);
		EXPECT_EQ(0, memcmp(pbuf_mem(&pb, cqe_bid(&cqe)), text + at, cqe.res));
		at += cqe.res;
	}
	EXPECT_EQ(200, at);
	close(sv[0]);
	close(sv[1]);
	pbuf_exit(&pb);
}

TEST_HARNESS_MAIN
