// SPDX-License-Identifier: GPL-2.0
/*
 * RURING_RECV_KEEP: multishot receives that wait for a buffer rather than end. It is ruring's own.
 */
#include <errno.h>
#include <linux/ruring.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RING_MODES
#include "fixture.h"
#include "system.h"

#define GROUP	3
#define MORE	IORING_CQE_F_MORE

FIXTURE(keep) {
	struct ring ring;
};

VARIANTS_OF_RURING(keep);

FIXTURE_SETUP(keep)
{
	ASSERT_EQ(0, ring_init_cq(&self->ring, RURING, 64, 512, variant->flags));
}

FIXTURE_TEARDOWN(keep)
{
	ring_exit(&self->ring);
}

static struct io_uring_sqe *prep_keep(struct ring *ring, int fd, __u64 data)
{
	struct io_uring_sqe *sqe = prep_recv_multi(ring, fd, GROUP, data);

	sqe->ioprio |= RURING_RECV_KEEP;
	return sqe;
}

/* Mainline rejects the bit; so does ruring where there is nothing to keep. */
TEST_F(ring, the_bit_is_ruring_s_own)
{
	struct msghdr msg = {};
	struct io_uring_cqe cqe;
	struct pbuf pb;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, GROUP, 4, 64));
	prep_recv_select(&self->ring, sv[0], 0, GROUP, 1)->ioprio |= RURING_RECV_KEEP;
	ASSERT_RESULT(&self->ring, -EINVAL);
	if (variant->backend == IO_URING) {
		prep_keep(&self->ring, sv[0], 1);
		ASSERT_RESULT(&self->ring, -EINVAL);
		prep_recvmsg_multi(&self->ring, sv[0], &msg, GROUP, 1)->ioprio |= RURING_RECV_KEEP;
		ASSERT_RESULT(&self->ring, -EINVAL);
	}
	EXPECT_FALSE(ring_peek(&self->ring, &cqe));
	pbuf_exit(&pb);
	close(sv[0]);
	close(sv[1]);
}

/* Once told, it waits, and goes on with what came first. */
TEST_F(keep, goes_on)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	struct ring *r = &self->ring;
	struct pbuf pb;
	int sv[2], i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, unix_pair(types[i], sv));
		ASSERT_EQ(0, pbuf_init(&pb, r, GROUP, 4, 4));
		prep_keep(r, sv[0], 1);
		ASSERT_EQ(1, ring_submit_and_run(r));
		/* nothing is missing yet */
		ASSERT_QUIET(r);
		ASSERT_EQ(4, write(sv[1], "abcd", 4));
		ASSERT_CQE(r, 1, -ENOBUFS, MORE);
		ASSERT_EQ(4, write(sv[1], "efgh", 4));
		ASSERT_QUIET(r);
		pbuf_push(&pb, 2);
		ring_run(r);
		if (types[i] == SOCK_STREAM)
			ASSERT_CQE(r, 1, 4, MORE | BUFFER_FLAGS(2) | IORING_CQE_F_SOCK_NONEMPTY);
		else
			ASSERT_CQE(r, 1, 4, MORE | BUFFER_FLAGS(2));
		EXPECT_EQ(0, memcmp(pbuf_mem(&pb, 2), "abcd", 4));
		/* the next shortage */
		ASSERT_CQE(r, 1, -ENOBUFS, MORE);
		ASSERT_QUIET(r);
		pbuf_push(&pb, 0);
		pbuf_push(&pb, 1);
		ring_run(r);
		ASSERT_CQE(r, 1, 4, MORE | BUFFER_FLAGS(0));
		EXPECT_EQ(0, memcmp(pbuf_mem(&pb, 0), "efgh", 4));
		ASSERT_QUIET(r);
		ASSERT_EQ(2, write(sv[1], "ij", 2));
		ASSERT_CQE(r, 1, 2, MORE | BUFFER_FLAGS(1));
		prep_cancel(r, 1, 0, 2);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, ring_wait(r, 2));
		ring_drain(r);
		close(sv[0]);
		close(sv[1]);
		pbuf_exit(&pb);
	}
}

/* Buffers by PROVIDE_BUFFERS, and by a group that is registered anew. */
TEST_F(keep, however_they_come_back)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	static char mem[2][16];
	struct pbuf pb;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pbuf_init(&pb, r, GROUP, 4, 16));
	ASSERT_EQ(1, write(sv[1], "a", 1));
	prep_keep(r, sv[0], 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_CQE(r, 1, -ENOBUFS, MORE);
	pbuf_exit(&pb);
	ring_run(r);
	ASSERT_QUIET(r);
	ASSERT_EQ(0, pbuf_init(&pb, r, GROUP, 4, 16));
	pbuf_push(&pb, 1);
	ring_run(r);
	ASSERT_CQE(r, 1, 1, MORE | BUFFER_FLAGS(1));
	pbuf_exit(&pb);
	ASSERT_EQ(1, write(sv[1], "b", 1));
	ASSERT_CQE(r, 1, -ENOBUFS, MORE);
	sqe = prep(r, IORING_OP_PROVIDE_BUFFERS, 1, mem, 16, 2);
	sqe->off = 7;
	sqe->buf_group = GROUP;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(2, (int)cqe.user_data);
	ASSERT_CQE(r, 1, 1, MORE | BUFFER_FLAGS(7));
	EXPECT_EQ('b', mem[0][0]);
	close(sv[0]);
	close(sv[1]);
}

/* The one that has waited longest is the next, and only one for each buffer. */
TEST_F(keep, in_order)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	struct pbuf pb;
	int sv[5][2], i, round;

	ASSERT_EQ(0, pbuf_init(&pb, r, GROUP, 8, 16));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, unix_pair(SOCK_DGRAM, sv[i]));
		ASSERT_EQ(1, write(sv[i][1], "1", 1));
		ASSERT_EQ(1, write(sv[i][1], "2", 1));
		prep_keep(r, sv[i][0], i);
		ASSERT_EQ(1, ring_submit_and_run(r));
		ASSERT_CQE(r, i, -ENOBUFS, MORE);
	}
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 5; i++) {
			pbuf_push(&pb, i);
			ring_run(r);
			ASSERT_EQ(0, ring_take(r, &cqe));
			EXPECT_EQ(i, (int)cqe.user_data);
			EXPECT_EQ(1, cqe.res);
			EXPECT_EQ('1' + round, *pbuf_mem(&pb, i));
			if (round == 0)
				ASSERT_CQE(r, i, -ENOBUFS, MORE);
			else
				ASSERT_QUIET(r);
		}
	}
	for (i = 0; i < 5; i++) {
		close(sv[i][0]);
		close(sv[i][1]);
	}
	pbuf_exit(&pb);
}

/* What ends it ends it: a cancel, a linked timeout, an overflow, the ring. */
TEST_F(keep, ends)
{
	struct __kernel_timespec soon = { .tv_nsec = 1000000 };
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	struct ring small;
	struct pbuf pb;
	int sv[2], i;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pbuf_init(&pb, r, GROUP, 4, 16));
	ASSERT_EQ(1, write(sv[1], "a", 1));
	for (i = 0; i < 2; i++) {
		prep_keep(r, sv[0], 1);
		ASSERT_EQ(1, ring_submit_and_run(r));
		ASSERT_CQE(r, 1, -ENOBUFS, MORE);
		prep_cancel(r, 1, i ? IORING_ASYNC_CANCEL_FD : 0, 2)->fd = sv[0];
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, ring_wait(r, 2));
		while (ring_peek(r, &cqe))
			EXPECT_EQ(cqe.user_data == 1 ? -ECANCELED : 0, cqe.res);
	}
	prep_keep(r, sv[0], 1)->flags |= IOSQE_IO_LINK;
	prep(r, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 3));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(-ENOBUFS, cqe.res);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(cqe.user_data == 1 ? -ECANCELED : -ETIME, cqe.res);
	}
	/* the data is still there */
	pbuf_push(&pb, 3);
	prep_keep(r, sv[0], 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, 1, MORE | BUFFER_FLAGS(3));
	shutdown(sv[1], SHUT_WR);
	pbuf_push(&pb, 3);
	ring_run(r);
	do {
		ASSERT_EQ(0, ring_take(r, &cqe));
	} while (cqe.flags & MORE);
	EXPECT_EQ(0, cqe.res);
	pbuf_exit(&pb);
	close(sv[0]);
	close(sv[1]);

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, ring_init_cq(&small, RURING, 2, 2, 0));
	ASSERT_EQ(0, pbuf_init(&pb, &small, GROUP, 4, 16));
	ASSERT_EQ(1, write(sv[1], "a", 1));
	prep_nop(&small, 8);
	prep_nop(&small, 9);
	ASSERT_EQ(2, ring_submit_and_run(&small));
	prep_keep(&small, sv[0], 1);
	ASSERT_EQ(1, ring_submit_and_run(&small));
	ASSERT_EQ(0, ring_take(&small, &cqe));
	ASSERT_EQ(0, ring_take(&small, &cqe));
	ASSERT_EQ(0, ring_take(&small, &cqe));
	EXPECT_EQ(-ENOBUFS, cqe.res);
	EXPECT_FALSE(cqe.flags & MORE);
	/* and one that waits when the ring goes */
	prep_keep(&small, sv[0], 1);
	ASSERT_EQ(1, ring_submit_and_run(&small));
	ASSERT_CQE(&small, 1, -ENOBUFS, MORE);
	ring_exit(&small);
	close(sv[0]);
	close(sv[1]);
}

struct other {
	struct ring *ring;
	struct pbuf *pb;
};

static void *gives_back(void *arg)
{
	struct other *other = arg;

	wait_until(main_sleeps, NULL);
	pbuf_push(other->pb, 1);
	ring_enter(other->ring, 0, 0, IORING_ENTER_GETEVENTS);
	return NULL;
}

/* A task that sleeps is told by who gives buffers back and enters. */
TEST_F(keep, sleeper)
{
	struct ring *r = &self->ring;
	struct other other = { .ring = r };
	struct io_uring_cqe cqe;
	struct pbuf pb;
	pthread_t thread;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pbuf_init(&pb, r, GROUP, 4, 16));
	other.pb = &pb;
	ASSERT_EQ(1, write(sv[1], "a", 1));
	prep_keep(r, sv[0], 1);
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_CQE(r, 1, -ENOBUFS, MORE);
	ASSERT_EQ(0, pthread_create(&thread, NULL, gives_back, &other));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(1, cqe.res);
	pthread_join(thread, NULL);
	close(sv[0]);
	close(sv[1]);
	pbuf_exit(&pb);
}

/* More sockets than buffers: every byte arrives, and nothing is armed again. */
TEST_F(keep, crowd)
{
	enum { CROWD = 60, BUFS = 4, EACH = 100 };
	struct ring *r = &self->ring;
	unsigned int got[CROWD] = {}, all = 0;
	int sv[CROWD][2], i;
	struct io_uring_cqe cqe;
	char text[EACH];
	struct pbuf pb;

	for (i = 0; i < EACH; i++)
		text[i] = i;
	ASSERT_EQ(0, pbuf_init(&pb, r, GROUP, BUFS, 16));
	pbuf_fill(&pb);
	for (i = 0; i < CROWD; i++) {
		ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv[i]));
		prep_keep(r, sv[i][0], i);
		ASSERT_EQ(1, ring_submit(r));
	}
	for (i = 0; i < CROWD; i++)
		ASSERT_EQ(EACH, write(sv[i][1], text, EACH));
	while (all < CROWD * EACH) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_TRUE(cqe.flags & MORE);
		if (cqe.res == -ENOBUFS)
			continue;
		ASSERT_LT(0, cqe.res);
		i = cqe.user_data;
		EXPECT_EQ(0, memcmp(pbuf_mem(&pb, cqe_bid(&cqe)), text + got[i], cqe.res));
		got[i] += cqe.res;
		all += cqe.res;
		pbuf_push(&pb, cqe_bid(&cqe));
	}
	for (i = 0; i < CROWD; i++) {
		EXPECT_EQ(EACH, (int)got[i]);
		close(sv[i][0]);
		close(sv[i][1]);
	}
	pbuf_exit(&pb);
}

/* With bundles, and messages. */
TEST_F(keep, bundle_and_message)
{
	struct msghdr msg = {};
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	struct pbuf pb;
	int sv[2], i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
		ASSERT_EQ(0, pbuf_init(&pb, r, GROUP, 4, 64));
		if (i)
			prep_recvmsg_multi(r, sv[0], &msg, GROUP, 1)->ioprio |= RURING_RECV_KEEP;
		else
			prep_keep(r, sv[0], 1)->ioprio |= IORING_RECVSEND_BUNDLE;
		ASSERT_EQ(1, ring_submit_and_run(r));
		ASSERT_QUIET(r);
		ASSERT_EQ(3, write(sv[1], "abc", 3));
		ASSERT_CQE(r, 1, -ENOBUFS, MORE);
		pbuf_push(&pb, 0);
		ring_run(r);
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(i ? 19 : 3, cqe.res);
		EXPECT_TRUE(cqe.flags & MORE);
		EXPECT_EQ(0, memcmp(pbuf_mem(&pb, 0) + (i ? 16 : 0), "abc", 3));
		/* the end, too, takes a buffer */
		close(sv[1]);
		ASSERT_CQE(r, 1, -ENOBUFS, MORE);
		pbuf_push(&pb, 1);
		ring_run(r);
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_FALSE(cqe.flags & MORE);
		close(sv[0]);
		pbuf_exit(&pb);
	}
}

TEST_HARNESS_MAIN
