// SPDX-License-Identifier: GPL-2.0
/*
 * Multishot RECV: one request, a completion for each piece of data.
 */
#define RING_MODES
#include "fixture.h"

#define GROUP	1
#define MORE	IORING_CQE_F_MORE
#define NONEMPTY	IORING_CQE_F_SOCK_NONEMPTY

/* A pair of sockets: the ring receives on sv[0]; with a group of buffers. */
struct bench {
	struct pbuf pb;
	int sv[2];
};

static int bench_init(struct bench *b, struct ring *ring, int type,
		      unsigned int buffers, unsigned int size)
{
	int ret = unix_pair(type, b->sv);

	if (!ret)
		ret = pbuf_init(&b->pb, ring, GROUP, buffers, size);
	if (!ret)
		pbuf_fill(&b->pb);
	return ret;
}

/* Arm the request, which is the only SQE. */
static bool arm(struct ring *ring, struct bench *b, __u64 user_data)
{
	prep_recv_multi(ring, b->sv[0], GROUP, user_data);
	return ring_submit(ring) == 1;
}

/* All of it, with the request waiting as number 1. */
static int bench_armed(struct bench *b, struct ring *ring, int type,
		       unsigned int buffers, unsigned int size)
{
	int ret = bench_init(b, ring, type, buffers, size);

	if (!ret && !arm(ring, b, 1))
		ret = -EIO;
	return ret;
}

/* Over TCP, which tells of resets. */
static int bench_armed_tcp(struct bench *b, struct ring *ring)
{
	int ret = tcp_pair(b->sv) ?: pbuf_init(&b->pb, ring, GROUP, 4, 16);

	if (ret)
		return ret;
	pbuf_fill(&b->pb);
	return arm(ring, b, 1) ? 0 : -EIO;
}

TEST_F(ring, needs_a_buffer_group)
{
	struct io_uring_sqe *sqe;
	struct bench b;
	char c;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 4, 16));
	sqe = prep_recv(&self->ring, b.sv[0], &c, 1, 1);
	sqe->ioprio = IORING_RECV_MULTISHOT;
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_F(ring, refuses_to_wait_for_all)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 4, 16));
	prep_recv_multi(&self->ring, b.sv[0], GROUP, 1)->msg_flags = MSG_WAITALL;
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_F(ring, completes_for_each_message)
{
	struct bench b;
	unsigned int i;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_SEQPACKET, 8, 16));
	ASSERT_TRUE(arm(&self->ring, &b, 7));
	ASSERT_QUIET(&self->ring);
	for (i = 0; i < 6; i++) {
		char msg[] = { 'a' + i, 'b', 'c', 'd', 'e', 'f' };
		int len = i + 1;

		ASSERT_EQ(len, write(b.sv[1], msg, len));
		ASSERT_CQE(&self->ring, 7, len, MORE | BUFFER_FLAGS(i));
		EXPECT_EQ(0, memcmp(pbuf_mem(&b.pb, i), msg, len));
	}
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, data_that_is_there_already)
{
	struct bench b;
	unsigned int i;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_SEQPACKET, 8, 16));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(1, write(b.sv[1], "x", 1));
	ASSERT_TRUE(arm(&self->ring, &b, 7));
	EXPECT_EQ(4, ring_ready(&self->ring));
	for (i = 0; i < 4; i++) {
		struct io_uring_cqe cqe;

		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		EXPECT_EQ(1, cqe.res);
		EXPECT_EQ(MORE | BUFFER_FLAGS(i), cqe.flags & ~NONEMPTY);
	}
	ASSERT_EQ(1, write(b.sv[1], "y", 1));
	ASSERT_CQE(&self->ring, 7, 1, MORE | BUFFER_FLAGS(4));
}

TEST_F(ring, poll_first_waits_for_a_wake_up_or_data)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_SEQPACKET, 8, 16));
	ASSERT_EQ(1, write(b.sv[1], "x", 1));
	prep_recv_multi(&self->ring, b.sv[0], GROUP, 7)->ioprio |=
		IORING_RECVSEND_POLL_FIRST;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 1, MORE | BUFFER_FLAGS(0));
	ASSERT_EQ(1, write(b.sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 7, 1, MORE | BUFFER_FLAGS(1));
}

TEST_F(ring, says_whether_more_is_waiting)
{
	struct pbuf pb;
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, GROUP, 8, 4));
	pbuf_fill(&pb);
	ASSERT_EQ(10, write(sv[1], "0123456789", 10));
	prep_recv_multi(&self->ring, sv[0], GROUP, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 4, MORE | NONEMPTY | BUFFER_FLAGS(0));
	ASSERT_CQE(&self->ring, 1, 4, MORE | NONEMPTY | BUFFER_FLAGS(1));
	ASSERT_CQE(&self->ring, 1, 2, MORE | BUFFER_FLAGS(2));
	EXPECT_EQ(0, memcmp(pb.mem, "0123456789", 10));
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, no_buffers_ends_it)
{
	struct bench b;

	ASSERT_EQ(0, bench_armed(&b, &self->ring, SOCK_STREAM, 2, 16));
	ASSERT_EQ(1, write(b.sv[1], "a", 1));
	ASSERT_CQE(&self->ring, 1, 1, MORE | BUFFER_FLAGS(0));
	ASSERT_EQ(1, write(b.sv[1], "b", 1));
	ASSERT_CQE(&self->ring, 1, 1, MORE | BUFFER_FLAGS(1));
	/* still armed, it is the next message that has no place */
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(1, write(b.sv[1], "c", 1));
	ASSERT_CQE(&self->ring, 1, -ENOBUFS, 0);
	ASSERT_EQ(1, write(b.sv[1], "d", 1));
	ASSERT_QUIET(&self->ring);

	pbuf_push(&b.pb, 1);
	pbuf_push(&b.pb, 0);
	ASSERT_TRUE(arm(&self->ring, &b, 2));
	ASSERT_CQE(&self->ring, 2, 2, MORE | BUFFER_FLAGS(1));
	EXPECT_EQ(0, memcmp(pbuf_mem(&b.pb, 1), "cd", 2));
}

/*
 * A socket of this type does not say whether there is more. It takes another
 * attempt to find out, for which there has to be a buffer.
 */
TEST_F(ring, last_buffer_ends_it_when_more_cannot_be_told)
{
	struct bench b;

	ASSERT_EQ(0, bench_armed(&b, &self->ring, SOCK_SEQPACKET, 2, 16));
	ASSERT_EQ(1, write(b.sv[1], "a", 1));
	ASSERT_CQE(&self->ring, 1, 1, MORE | BUFFER_FLAGS(0));
	ASSERT_EQ(1, write(b.sv[1], "b", 1));
	ASSERT_CQE(&self->ring, 1, 1, MORE | BUFFER_FLAGS(1));
	ASSERT_CQE(&self->ring, 1, -ENOBUFS, 0);
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, armed_without_any_buffer)
{
	struct bench b;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, b.sv));
	ASSERT_EQ(0, pbuf_init(&b.pb, &self->ring, GROUP, 2, 16));
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_CQE(&self->ring, 1, -ENOBUFS, 0);
}

TEST_F(ring, buffers_provided_while_armed)
{
	struct bench b;
	unsigned int i;

	ASSERT_EQ(0, bench_armed(&b, &self->ring, SOCK_SEQPACKET, 2, 16));
	for (i = 0; i < 50; i++) {
		char c = i;

		ASSERT_EQ(1, write(b.sv[1], &c, 1));
		ASSERT_CQE(&self->ring, 1, 1, MORE | BUFFER_FLAGS(i % 2));
		EXPECT_EQ(c, *pbuf_mem(&b.pb, i % 2));
		pbuf_push(&b.pb, i % 2);
	}
}

/* However often the buffers run out, the stream comes through whole. */
TEST_F(ring, rearmed_without_losing_a_byte)
{
	unsigned int sent = 0, seen = 0, ended = 0, i;
	struct io_uring_cqe cqe;
	char out[7];
	struct bench b;

	ASSERT_EQ(0, bench_armed(&b, &self->ring, SOCK_STREAM, 2, 5));
	while (seen < 2000) {
		for (i = 0; i < sizeof(out); i++)
			out[i] = (sent + i) % 251;
		if (sent < 2000) {
			ASSERT_EQ(sizeof(out), write(b.sv[1], out, sizeof(out)));
			sent += sizeof(out);
		}
		do {
			ASSERT_EQ(0, ring_take(&self->ring, &cqe));
			if (cqe.res == -ENOBUFS)
				break;
			ASSERT_LT(0, cqe.res);
			for (i = 0; i < (unsigned int)cqe.res; i++)
				ASSERT_EQ((char)((seen + i) % 251),
					  pbuf_mem(&b.pb, cqe_bid(&cqe))[i]);
			seen += cqe.res;
			if (sent % 3)
				pbuf_push(&b.pb, cqe_bid(&cqe));
		} while (ring_ready(&self->ring));
		if (!(cqe.flags & MORE)) {
			ASSERT_EQ(-ENOBUFS, cqe.res);
			ended++;
			pbuf_exit(&b.pb);
			ASSERT_EQ(0, pbuf_init(&b.pb, &self->ring, GROUP, 2, 5));
			pbuf_fill(&b.pb);
			ASSERT_TRUE(arm(&self->ring, &b, 1));
		}
	}
	EXPECT_EQ(sent, seen);
	EXPECT_LT(10, ended);
}

TEST_F(ring, end_of_stream_ends_it)
{
	struct bench b;

	ASSERT_EQ(0, bench_armed(&b, &self->ring, SOCK_STREAM, 4, 16));
	ASSERT_EQ(1, write(b.sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, 1, MORE | BUFFER_FLAGS(0));
	close(b.sv[1]);
	ASSERT_CQE(&self->ring, 1, 0, 0);
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, data_comes_before_the_end_of_stream)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 4, 4));
	ASSERT_EQ(6, write(b.sv[1], "abcdef", 6));
	ASSERT_EQ(0, shutdown(b.sv[1], SHUT_WR));
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_EQ(0, ring_wait(&self->ring, 3));
	EXPECT_EQ(4, self->ring.cqes[0].res);
	EXPECT_TRUE(self->ring.cqes[0].flags & MORE);
	EXPECT_EQ(2, self->ring.cqes[1].res);
	EXPECT_TRUE(self->ring.cqes[1].flags & MORE);
	EXPECT_EQ(0, self->ring.cqes[2].res);
	EXPECT_EQ(0, self->ring.cqes[2].flags);
	EXPECT_EQ(3, ring_drain(&self->ring));
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, own_shutdown_ends_it)
{
	struct bench b;

	ASSERT_EQ(0, bench_armed(&b, &self->ring, SOCK_STREAM, 4, 16));
	ASSERT_EQ(0, shutdown(b.sv[0], SHUT_RD));
	ASSERT_CQE(&self->ring, 1, 0, 0);
}

TEST_F(ring, connection_reset_ends_it)
{
	struct bench b;

	ASSERT_EQ(0, bench_armed_tcp(&b, &self->ring));
	ASSERT_EQ(0, tcp_reset(b.sv[1]));
	ASSERT_CQE(&self->ring, 1, -ECONNRESET, 0);
}

/* Both are there before the request is looked at again. */
TEST_F(ring, data_and_the_end_behind_it)
{
	struct io_uring_cqe cqe;
	struct bench b;

	ASSERT_EQ(0, bench_armed_tcp(&b, &self->ring));
	ASSERT_EQ(3, write(b.sv[1], "abc", 3));
	ASSERT_EQ(0, shutdown(b.sv[1], SHUT_WR));
	/* The end counts as something left. */
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(3, cqe.res);
	EXPECT_EQ(MORE | BUFFER_FLAGS(0), cqe.flags & ~NONEMPTY);
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(0, cqe.res);
	EXPECT_EQ(0, cqe.flags & ~NONEMPTY);
}

TEST_F(ring, data_and_an_error_behind_it)
{
	struct bench b;

	ASSERT_EQ(0, bench_armed_tcp(&b, &self->ring));
	ASSERT_EQ(3, write(b.sv[1], "abc", 3));
	ASSERT_EQ(0, tcp_reset(b.sv[1]));
	ASSERT_CQE(&self->ring, 1, 3, MORE | BUFFER_FLAGS(0));
	ASSERT_CQE(&self->ring, 1, -ECONNRESET, 0);
}

TEST_F(ring, tcp_stream_arrives_whole)
{
	unsigned int sent = 0, seen = 0, i;
	struct io_uring_cqe cqe;
	char out[1000];
	struct pbuf pb;
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, GROUP, 16, 128));
	pbuf_fill(&pb);
	prep_recv_multi(&self->ring, sv[0], GROUP, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	while (sent < 50000) {
		for (i = 0; i < sizeof(out); i++)
			out[i] = (sent + i) % 253;
		ASSERT_EQ(sizeof(out), write(sv[1], out, sizeof(out)));
		sent += sizeof(out);
		while (seen < sent) {
			ASSERT_EQ(0, ring_take(&self->ring, &cqe));
			ASSERT_LT(0, cqe.res);
			ASSERT_TRUE(cqe.flags & MORE);
			for (i = 0; i < (unsigned int)cqe.res; i++)
				ASSERT_EQ((char)((seen + i) % 253),
					  pbuf_mem(&pb, cqe_bid(&cqe))[i]);
			seen += cqe.res;
			pbuf_push(&pb, cqe_bid(&cqe));
		}
	}
	close(sv[1]);
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(0, cqe.res);
	EXPECT_EQ(0, cqe.flags & (MORE | IORING_CQE_F_BUFFER));
}

/* More than io_uring takes in one go before it lets others have a turn. */
TEST_F(ring, many_messages_at_once)
{
	unsigned int i, nr = 0;
	struct bench b;
	struct ring r;

	ASSERT_EQ(0, ring_init_cq(&r, variant->backend, 4, 256, variant->flags));
	ASSERT_EQ(0, bench_init(&b, &r, SOCK_SEQPACKET, 128, 8));
	ASSERT_TRUE(arm(&r, &b, 1));
	ASSERT_QUIET(&r);
	for (i = 0; i < 100; i++) {
		char c = i;

		ASSERT_EQ(1, write(b.sv[1], &c, 1));
	}
	while (nr < 100) {
		struct io_uring_cqe cqe;

		ASSERT_EQ(0, ring_take(&r, &cqe));
		ASSERT_EQ(1, cqe.res);
		ASSERT_EQ(nr, cqe_bid(&cqe));
		ASSERT_EQ((char)nr, *pbuf_mem(&b.pb, nr));
		ASSERT_TRUE(cqe.flags & MORE);
		nr++;
	}
	ASSERT_QUIET(&r);
	pbuf_exit(&b.pb);
	ring_exit(&r);
}

TEST_F(ring, many_messages_before_it_is_armed)
{
	unsigned int i;
	struct bench b;
	struct ring r;

	ASSERT_EQ(0, ring_init_cq(&r, variant->backend, 4, 256, variant->flags));
	ASSERT_EQ(0, bench_init(&b, &r, SOCK_SEQPACKET, 128, 8));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(1, write(b.sv[1], "x", 1));
	ASSERT_TRUE(arm(&r, &b, 1));
	ASSERT_EQ(0, ring_wait(&r, 100));
	EXPECT_EQ(100, ring_drain(&r));
	ASSERT_EQ(1, write(b.sv[1], "y", 1));
	ASSERT_CQE(&r, 1, 1, MORE | BUFFER_FLAGS(100));
	pbuf_exit(&b.pb);
	ring_exit(&r);
}

TEST_F(ring, length_limits_each_completion)
{
	struct bench b;
	struct io_uring_cqe cqe;
	unsigned int i;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 4, 16));
	ASSERT_EQ(7, write(b.sv[1], "abcdefg", 7));
	prep_recv_multi(&self->ring, b.sv[0], GROUP, 1)->len = 3;
	ASSERT_EQ(1, ring_submit(&self->ring));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		EXPECT_EQ(i < 2 ? 3 : 1, cqe.res);
		EXPECT_EQ(i, cqe_bid(&cqe));
		EXPECT_TRUE(cqe.flags & MORE);
	}
	EXPECT_EQ(0, memcmp(pbuf_mem(&b.pb, 1), "def", 3));
}

TEST_F(ring, total_limit_ends_it)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_SEQPACKET, 4, 16));
	prep_recv_multi(&self->ring, b.sv[0], GROUP, 1)->optlen = 8;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(4, write(b.sv[1], "abcd", 4));
	ASSERT_CQE(&self->ring, 1, 4, MORE | BUFFER_FLAGS(0));
	ASSERT_EQ(4, write(b.sv[1], "efgh", 4));
	ASSERT_CQE(&self->ring, 1, 4, BUFFER_FLAGS(1));
	ASSERT_EQ(1, write(b.sv[1], "i", 1));
	ASSERT_QUIET(&self->ring);
	EXPECT_EQ(1, drain_socket(b.sv[0]));
}

TEST_F(ring, does_not_wait_when_told_not_to)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 4, 16));
	prep_recv_multi(&self->ring, b.sv[0], GROUP, 1)->msg_flags = MSG_DONTWAIT;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, -EAGAIN, 0);
}

TEST_F(ring, datagrams_keep_their_bounds)
{
	struct sockaddr_in addr;
	struct pbuf pb;
	int rx, tx;

	rx = udp_socket(&addr);
	ASSERT_LE(0, rx);
	tx = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(0, connect(tx, (struct sockaddr *)&addr, sizeof(addr)));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, GROUP, 8, 8));
	pbuf_fill(&pb);
	prep_recv_multi(&self->ring, rx, GROUP, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(3, write(tx, "abc", 3));
	ASSERT_CQE(&self->ring, 1, 3, MORE | BUFFER_FLAGS(0));
	/* one that is too long is cut off */
	ASSERT_EQ(12, write(tx, "0123456789ab", 12));
	ASSERT_CQE(&self->ring, 1, 8, MORE | BUFFER_FLAGS(1));
	ASSERT_EQ(1, write(tx, "z", 1));
	ASSERT_CQE(&self->ring, 1, 1, MORE | BUFFER_FLAGS(2));
	/* one of no bytes looks like the end of a stream */
	ASSERT_EQ(0, send(tx, "", 0, 0));
	ASSERT_CQE(&self->ring, 1, 0, 0);
}

TEST_F(ring, sockets_share_a_group)
{
	int sv[4][2], counts[4] = {};
	struct pbuf pb;
	unsigned int i;

	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, GROUP, 4, 16));
	pbuf_fill(&pb);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, unix_pair(SOCK_SEQPACKET, sv[i]));
		prep_recv_multi(&self->ring, sv[i][0], GROUP, i);
	}
	ASSERT_EQ(4, ring_submit(&self->ring));
	for (i = 0; i < 40; i++) {
		struct io_uring_cqe cqe;
		char c = i;

		ASSERT_EQ(1, write(sv[i * 7 % 4][1], &c, 1));
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		ASSERT_EQ(i * 7 % 4, cqe.user_data);
		ASSERT_EQ(i % 4, cqe_bid(&cqe));
		EXPECT_EQ(c, *pbuf_mem(&pb, cqe_bid(&cqe)));
		counts[cqe.user_data]++;
		pbuf_push(&pb, cqe_bid(&cqe));
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(10, counts[i]);
}

TEST_F(ring, unwritable_buffer_ends_it_without_losing_a_byte)
{
	struct bench b;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, b.sv));
	ASSERT_EQ(0, pbuf_init(&b.pb, &self->ring, GROUP, 4, 16));
	pbuf_add(&b.pb, (void *)4096, 16, 0);
	pbuf_publish(&b.pb);
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_EQ(5, write(b.sv[1], "hello", 5));
	ASSERT_CQE(&self->ring, 1, -EFAULT, 0);

	ASSERT_EQ(0, pbuf_unregister(&self->ring, GROUP));
	ASSERT_EQ(0, pbuf_init(&b.pb, &self->ring, GROUP, 4, 16));
	pbuf_fill(&b.pb);
	ASSERT_TRUE(arm(&self->ring, &b, 2));
	ASSERT_CQE(&self->ring, 2, 5, MORE | BUFFER_FLAGS(0));
	EXPECT_EQ(0, memcmp(b.pb.mem, "hello", 5));
}

TEST_F(ring, descriptor_closed_while_armed)
{
	struct bench b;

	ASSERT_EQ(0, bench_armed(&b, &self->ring, SOCK_STREAM, 4, 16));
	close(b.sv[0]);
	/* the request keeps the socket */
	ASSERT_EQ(1, write(b.sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, 1, MORE | BUFFER_FLAGS(0));
	close(b.sv[1]);
	ASSERT_CQE(&self->ring, 1, 0, 0);
}

TEST_F(ring, group_replaced_while_armed)
{
	struct bench b;
	struct pbuf other;

	ASSERT_EQ(0, bench_armed(&b, &self->ring, SOCK_SEQPACKET, 4, 16));
	ASSERT_EQ(1, write(b.sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, 1, MORE | BUFFER_FLAGS(0));
	ASSERT_EQ(0, pbuf_unregister(&self->ring, GROUP));
	ASSERT_EQ(0, pbuf_init(&other, &self->ring, GROUP, 4, 16));
	pbuf_add(&other, other.mem, 16, 100);
	pbuf_publish(&other);
	ASSERT_EQ(1, write(b.sv[1], "y", 1));
	ASSERT_CQE(&self->ring, 1, 1, MORE | BUFFER_FLAGS(100));
	EXPECT_EQ('y', *other.mem);
}

TEST_HARNESS_MAIN
