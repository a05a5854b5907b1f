// SPDX-License-Identifier: GPL-2.0
/*
 * Bundles: one completion for several provided buffers.
 */
#define RING_MODES
#include "fixture.h"

#define GROUP	1
#define MORE	IORING_CQE_F_MORE
#define NONEMPTY	IORING_CQE_F_SOCK_NONEMPTY
#define BUF_MORE	IORING_CQE_F_BUF_MORE

/* A pair of TCP sockets, which say how much they have; and buffers. */
struct bench {
	struct pbuf pb;
	int sv[2];
};

static int bench_init(struct bench *b, struct ring *ring, unsigned int entries,
		      unsigned int size)
{
	int ret = tcp_pair(b->sv);

	if (!ret)
		ret = pbuf_init(&b->pb, ring, GROUP, entries, size);
	if (!ret)
		pbuf_fill(&b->pb);
	return ret;
}

static int make_incremental(struct bench *b, struct ring *ring)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)b->pb.br,
		.ring_entries = b->pb.entries,
		.bgid = GROUP,
		.flags = IOU_PBUF_RING_INC,
	};
	int ret = pbuf_unregister(ring, GROUP);

	return ret ?: ring_register(ring, IORING_REGISTER_PBUF_RING, &reg, 1);
}

static int head_of(struct ring *ring)
{
	struct io_uring_buf_status status = { .buf_group = GROUP };
	int ret = ring_register(ring, IORING_REGISTER_PBUF_STATUS, &status, 1);

	return ret ?: (int)status.head;
}

/* Send @len bytes that count up from 'a', and wait until they have arrived. */
static bool feed(struct bench *b, int len)
{
	char data[4096];
	int i, ret;

	for (i = 0; i < len; i++)
		data[i] = 'a' + i % 26;
	if (write(b->sv[1], data, len) != len)
		return false;
	do {
		ret = recv(b->sv[0], data, sizeof(data), MSG_PEEK);
	} while (ret > 0 && ret < len);
	return ret >= len;
}

static bool counts_up(const char *p, int len)
{
	int i;

	for (i = 0; i < len; i++)
		if (p[i] != 'a' + i % 26)
			return false;
	return true;
}

static struct io_uring_sqe *prep_bundle(struct ring *ring, struct bench *b,
					unsigned int len, __u64 user_data)
{
	struct io_uring_sqe *sqe;

	sqe = prep_recv_select(ring, b->sv[0], len, GROUP, user_data);
	sqe->ioprio |= IORING_RECVSEND_BUNDLE;
	return sqe;
}

static struct io_uring_sqe *prep_send_bundle(struct ring *ring, int fd,
					     unsigned int len, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep_send(ring, fd, NULL, len, user_data);

	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	sqe->ioprio |= IORING_RECVSEND_BUNDLE;
	return sqe;
}

TEST_F(ring, feature_is_announced)
{
	EXPECT_NE(0, self->ring.params.features & IORING_FEAT_RECVSEND_BUNDLE);
}

TEST_F(ring, not_for_messages)
{
	struct msghdr msg = {};
	struct io_uring_sqe *sqe;
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	sqe = prep(&self->ring, IORING_OP_RECVMSG, sv[0], &msg, 1, 1);
	sqe->ioprio = IORING_RECVSEND_BUNDLE;
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_F(ring, groups_without_buffers)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 2, 8));
	prep_bundle(&self->ring, &b, 0, 1)->buf_group = GROUP + 1;
	ASSERT_RESULT(&self->ring, -ENOENT);
	prep_send_bundle(&self->ring, b.sv[0], 0, 1)->buf_group = GROUP + 1;
	ASSERT_RESULT(&self->ring, -ENOENT);
	b.pb.tail = 0;
	b.pb.br->tail = 0;
	prep_bundle(&self->ring, &b, 0, 1);
	ASSERT_RESULT(&self->ring, -ENOBUFS);
	prep_send_bundle(&self->ring, b.sv[0], 0, 1);
	ASSERT_RESULT(&self->ring, -ENOBUFS);
}

TEST_F(ring, receives_into_several_buffers)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 16, 8));
	ASSERT_TRUE(feed(&b, 36));
	prep_bundle(&self->ring, &b, 0, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	/* what would not fill a buffer is left for the next */
	ASSERT_CQE(&self->ring, 7, 32, BUFFER_FLAGS(0) | NONEMPTY);
	EXPECT_TRUE(counts_up(b.pb.mem, 32));
	EXPECT_EQ(4, head_of(&self->ring));
	prep_bundle(&self->ring, &b, 0, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 4, BUFFER_FLAGS(4));
	EXPECT_EQ(5, head_of(&self->ring));
	ASSERT_TRUE(feed(&b, 8));
	prep_bundle(&self->ring, &b, 0, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 8, BUFFER_FLAGS(5));
	EXPECT_EQ(6, head_of(&self->ring));
}

TEST_F(ring, length_of_the_request)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 16, 8));
	ASSERT_TRUE(feed(&b, 40));
	/* what does not end with a buffer is cut to whole ones */
	prep_bundle(&self->ring, &b, 20, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 16, BUFFER_FLAGS(0) | NONEMPTY);
	EXPECT_EQ(2, head_of(&self->ring));
	/* but the first, which is cut itself */
	prep_bundle(&self->ring, &b, 3, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 3, BUFFER_FLAGS(2) | NONEMPTY);
	EXPECT_EQ(3, head_of(&self->ring));
	EXPECT_EQ(21, drain_socket(b.sv[0]));
}

TEST_F(ring, one_wait_for_data)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 16, 8));
	prep_bundle(&self->ring, &b, 0, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	EXPECT_EQ(0, head_of(&self->ring));
	ASSERT_EQ(5, write(b.sv[1], "abcde", 5));
	ASSERT_CQE(&self->ring, 7, 5, BUFFER_FLAGS(0));
	EXPECT_EQ(1, head_of(&self->ring));
}

TEST_F(ring, end_of_stream_takes_nothing)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 16, 8));
	ASSERT_EQ(0, shutdown(b.sv[1], SHUT_WR));
	prep_bundle(&self->ring, &b, 0, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	/* TCP counts its end as a byte */
	ASSERT_CQE(&self->ring, 7, 0, NONEMPTY);
	EXPECT_EQ(0, head_of(&self->ring));
}

TEST_F(ring, more_than_the_group_has)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 4, 8));
	ASSERT_TRUE(feed(&b, 40));
	prep_bundle(&self->ring, &b, 0, 7)->ioprio |= IORING_RECV_MULTISHOT;
	ASSERT_EQ(1, ring_submit(&self->ring));
	/* the last buffers end it */
	ASSERT_CQE(&self->ring, 7, 32, BUFFER_FLAGS(0) | NONEMPTY);
	EXPECT_EQ(4, head_of(&self->ring));
	EXPECT_EQ(8, drain_socket(b.sv[0]));
}

TEST_F(ring, multishot)
{
	struct bench b;
	int i, bid = 0;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64, 8));
	prep_bundle(&self->ring, &b, 0, 7)->ioprio |= IORING_RECV_MULTISHOT;
	ASSERT_EQ(1, ring_submit(&self->ring));
	for (i = 1; i < 6; i++) {
		struct io_uring_cqe cqe;
		int got = 0, want = 7 * i;

		ASSERT_EQ(want, write(b.sv[1], "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq", want));
		while (got < want) {
			ASSERT_EQ(0, ring_take(&self->ring, &cqe));
			ASSERT_LT(0, cqe.res);
			ASSERT_EQ(MORE | BUFFER_FLAGS(bid), cqe.flags & ~NONEMPTY);
			EXPECT_TRUE(counts_up(pbuf_mem(&b.pb, bid), got ? 0 : cqe.res));
			got += cqe.res;
			bid += (cqe.res + 7) / 8;
		}
		ASSERT_EQ(want, got);
		ASSERT_EQ(bid, head_of(&self->ring));
	}
}

TEST_F(ring, multishot_length_and_total)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	struct bench b;
	int got = 0;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64, 8));
	ASSERT_TRUE(feed(&b, 100));
	sqe = prep_bundle(&self->ring, &b, 16, 7);
	sqe->ioprio |= IORING_RECV_MULTISHOT;
	sqe->optlen = 40;
	ASSERT_EQ(1, ring_submit(&self->ring));
	do {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		ASSERT_LT(0, cqe.res);
		ASSERT_GE(16, cqe.res);
		EXPECT_EQ(BUFFER_FLAGS(got / 8) | NONEMPTY, cqe.flags & ~MORE);
		got += cqe.res;
		ASSERT_EQ(got < 40 ? MORE : 0, cqe.flags & MORE);
	} while (cqe.flags & MORE);
	EXPECT_EQ(40, got);
	EXPECT_EQ(60, drain_socket(b.sv[0]));
}

TEST_F(ring, total_within_one_bundle)
{
	struct io_uring_sqe *sqe;
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64, 8));
	ASSERT_TRUE(feed(&b, 100));
	sqe = prep_bundle(&self->ring, &b, 0, 7);
	sqe->ioprio |= IORING_RECV_MULTISHOT;
	sqe->optlen = 24;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 24, BUFFER_FLAGS(0) | NONEMPTY);
	EXPECT_EQ(3, head_of(&self->ring));
	EXPECT_EQ(76, drain_socket(b.sv[0]));
}

TEST_F(ring, buffers_that_are_consumed_in_parts)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 16, 8));
	ASSERT_EQ(0, make_incremental(&b, &self->ring));
	ASSERT_TRUE(feed(&b, 20));
	prep_bundle(&self->ring, &b, 0, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 20, BUFFER_FLAGS(0) | BUF_MORE);
	EXPECT_TRUE(counts_up(b.pb.mem, 20));
	EXPECT_EQ(2, head_of(&self->ring));
	EXPECT_EQ(4, b.pb.br->bufs[2].len);
	EXPECT_EQ((uintptr_t)pbuf_mem(&b.pb, 2) + 4, b.pb.br->bufs[2].addr);
	EXPECT_EQ(16, b.pb.br->tail);
	ASSERT_TRUE(feed(&b, 12));
	prep_bundle(&self->ring, &b, 0, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 12, BUFFER_FLAGS(2));
	EXPECT_TRUE(counts_up(pbuf_mem(&b.pb, 2) + 4, 12));
	EXPECT_EQ(4, head_of(&self->ring));
	/* a limit may fall within a buffer */
	ASSERT_TRUE(feed(&b, 20));
	prep_bundle(&self->ring, &b, 12, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 20, BUFFER_FLAGS(4) | BUF_MORE);
	EXPECT_EQ(6, head_of(&self->ring));
}

TEST_F(ring, a_classic_group_gives_one_buffer)
{
	struct io_uring_sqe *sqe;
	static char mem[64];
	struct bench b;
	char buf[64];

	ASSERT_EQ(0, tcp_pair(b.sv));
	sqe = prep(&self->ring, IORING_OP_PROVIDE_BUFFERS, 8, mem, 8, 1);
	sqe->buf_group = GROUP;
	ASSERT_RESULT(&self->ring, 0);
	ASSERT_TRUE(feed(&b, 5));
	prep_bundle(&self->ring, &b, 0, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 5, BUFFER_FLAGS(0));
	EXPECT_TRUE(counts_up(mem, 5));
	prep_send_bundle(&self->ring, b.sv[0], 0, 8);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 8, 8, MORE | BUFFER_FLAGS(1));
	ring_drain(&self->ring);
	EXPECT_LT(0, read(b.sv[1], buf, sizeof(buf)));
}

TEST_F(ring, sends_all_there_is)
{
	struct bench b;
	char buf[64];
	int i;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 4, 8));
	for (i = 0; i < 32; i++)
		b.pb.mem[i] = 'a' + i % 26;
	prep_send_bundle(&self->ring, b.sv[0], 0, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 32, BUFFER_FLAGS(0));
	EXPECT_EQ(4, head_of(&self->ring));
	EXPECT_EQ(32, recv(b.sv[1], buf, 32, MSG_WAITALL));
	EXPECT_TRUE(counts_up(buf, 32));
}

TEST_F(ring, sends_bundle_after_bundle)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 8, 8));
	/* the length is that of the first */
	prep_send_bundle(&self->ring, b.sv[0], 24, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 24, MORE | BUFFER_FLAGS(0));
	ASSERT_CQE(&self->ring, 7, 40, BUFFER_FLAGS(3));
	EXPECT_EQ(8, head_of(&self->ring));
}

TEST_F(ring, send_that_waits_keeps_its_buffers)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 4, 8));
	ASSERT_LT(0, tcp_full(b.sv));
	prep_send_bundle(&self->ring, b.sv[0], 16, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	EXPECT_EQ(2, head_of(&self->ring));
	while (!ring_ready(&self->ring)) {
		drain_socket(b.sv[1]);
		ring_run(&self->ring);
	}
	/* one that waited is the last */
	ASSERT_CQE(&self->ring, 7, 16, BUFFER_FLAGS(0));
	EXPECT_EQ(2, head_of(&self->ring));
}

TEST_F(ring, send_to_nobody)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 4, 8));
	ASSERT_EQ(0, shutdown(b.sv[0], SHUT_WR));
	prep_send_bundle(&self->ring, b.sv[0], 0, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, -EPIPE, BUFFER_FLAGS(0));
}

/* Without a group to take from there is one buffer, and then the end. */
TEST_F(ring, send_without_a_group)
{
	struct iovec iov[2] = { { "ab", 2 }, { "cde", 3 } };
	struct io_uring_sqe *sqe;
	char buf[64];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_send(&self->ring, sv[0], "abcdef", 6, 7)->ioprio = IORING_RECVSEND_BUNDLE;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 6, MORE);
	ASSERT_CQE(&self->ring, 7, 0, 0);
	prep_send(&self->ring, sv[0], "", 0, 7)->ioprio = IORING_RECVSEND_BUNDLE;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 0, 0);
	sqe = prep_send(&self->ring, sv[0], iov, 2, 7);
	sqe->ioprio = IORING_RECVSEND_BUNDLE | IORING_SEND_VECTORIZED;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 5, MORE);
	ASSERT_CQE(&self->ring, 7, 0, 0);
	/* one that has waited ends there */
	sqe = prep_send(&self->ring, sv[0], "xyz", 3, 7);
	sqe->ioprio = IORING_RECVSEND_BUNDLE | IORING_RECVSEND_POLL_FIRST;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 3, 0);
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(14, recv(sv[1], buf, sizeof(buf), 0));
	EXPECT_EQ(0, memcmp(buf, "abcdefabcdexyz", 14));
}

TEST_F(ring, send_of_parts)
{
	struct bench b;
	char buf[64];

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 a buffer of which a part is left does not end a bundle");
	ASSERT_EQ(0, bench_init(&b, &self->ring, 2, 8));
	ASSERT_EQ(0, make_incremental(&b, &self->ring));
	memcpy(b.pb.mem, "abcdefghijklmnop", 16);
	prep_send_bundle(&self->ring, b.sv[0], 12, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	/* the end of the ring was reached, if not of its bytes */
	ASSERT_CQE(&self->ring, 7, 12, BUFFER_FLAGS(0) | BUF_MORE);
	EXPECT_EQ(1, head_of(&self->ring));
	EXPECT_EQ(12, recv(b.sv[1], buf, 12, MSG_WAITALL));
	EXPECT_TRUE(counts_up(buf, 12));
}

TEST_F(ring, wait_for_all)
{
	struct bench b;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 several buffers are held while it waits");
	ASSERT_EQ(0, bench_init(&b, &self->ring, 8, 8));
	ASSERT_TRUE(feed(&b, 5));
	prep_bundle(&self->ring, &b, 8, 7)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(3, write(b.sv[1], "fgh", 3));
	ASSERT_CQE(&self->ring, 7, 8, BUFFER_FLAGS(0));
	EXPECT_TRUE(counts_up(b.pb.mem, 8));
	/* several buffers are not held while it waits */
	ASSERT_TRUE(feed(&b, 12));
	prep_bundle(&self->ring, &b, 16, 7)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 12, BUFFER_FLAGS(1));
	EXPECT_EQ(3, head_of(&self->ring));
}

/* Poll says for ever that there is something, which is nothing to receive. It waits, and is not tried for ever. */
static int waits_though_ready(struct ring *r, int fd)
{
	struct io_uring_sqe *sqe = prep_recv_multi(r, fd, GROUP, 1);
	struct io_uring_cqe cqe;
	int i, ret = 0;

	sqe->ioprio |= IORING_RECVSEND_BUNDLE;
	if (ring_submit(r) != 1)
		return -1;
	for (i = 0; i < 3; i++)
		if (ring_run(r) < 0 || ring_ready(r))
			return -2;
	prep_cancel(r, 1, 0, 2);
	if (ring_submit(r) != 1)
		return -3;
	for (i = 0; i < 2; i++) {
		if (ring_take(r, &cqe))
			return -4;
		if (cqe.user_data == 1)
			ret = cqe.res;
	}
	return ret;
}

TEST_F(ring, ready_for_ever)
{
	struct bench b;
	int sv[2];

	ASSERT_EQ(0, bench_init(&b, &self->ring, 8, 8));
	ASSERT_EQ(0, inet_pair(AF_INET6, SOCK_DGRAM, sv));
	ASSERT_EQ(0, shutdown(sv[0], SHUT_RD));
	EXPECT_EQ(-ECANCELED, waits_though_ready(&self->ring, sv[0]));
	ASSERT_EQ(1, send(b.sv[1], "u", 1, MSG_OOB));
	EXPECT_EQ(-ECANCELED, waits_though_ready(&self->ring, b.sv[0]));
	EXPECT_EQ(0, head_of(&self->ring));
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
