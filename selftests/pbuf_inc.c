// SPDX-License-Identifier: GPL-2.0
/*
 * Provided buffer rings whose buffers are consumed in parts: IOU_PBUF_RING_INC.
 */
#define RING_MODES
#include "fixture.h"

#define GROUP	1
#define PART(bid)	(BUFFER_FLAGS(bid) | IORING_CQE_F_BUF_MORE)
#define MORE	IORING_CQE_F_MORE

struct bench {
	struct pbuf pb;
	int sv[2];
};

static int reg_flags(struct ring *ring, void *addr, unsigned int entries,
		     unsigned int flags, unsigned int min_left)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)addr,
		.ring_entries = entries,
		.bgid = GROUP,
		.flags = flags,
		.min_left = min_left,
	};

	return ring_register(ring, IORING_REGISTER_PBUF_RING, &reg, 1);
}

/* A group of buffers that are consumed in parts, all of them provided. */
static int bench_init(struct bench *b, struct ring *ring, int type,
		      unsigned int entries, unsigned int size,
		      unsigned int min_left)
{
	int ret = unix_pair(type, b->sv);

	if (!ret)
		ret = pbuf_init(&b->pb, ring, GROUP, entries, size);
	if (!ret)
		ret = pbuf_unregister(ring, GROUP);
	if (!ret)
		ret = reg_flags(ring, b->pb.br, entries, IOU_PBUF_RING_INC, min_left);
	if (!ret)
		pbuf_fill(&b->pb);
	return ret;
}

static int head_of(struct ring *ring)
{
	struct io_uring_buf_status status = { .buf_group = GROUP };
	int ret = ring_register(ring, IORING_REGISTER_PBUF_STATUS, &status, 1);

	return ret ?: (int)status.head;
}

/* Send @len bytes, and receive what comes with a request of @want bytes. */
#define ASSERT_RECV(ring, b, len, want, result, cflags) do {		\
	char _data[4096];						\
	memset(_data, 'a', sizeof(_data));				\
	ASSERT_EQ(len, write((b)->sv[1], _data, len));			\
	prep_recv_select(ring, (b)->sv[0], want, GROUP, 7);		\
	ASSERT_EQ(1, ring_submit(ring));				\
	ASSERT_CQE(ring, 7, result, cflags);				\
} while (0)

TEST_F(ring, what_can_be_registered)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT_EQ(-EINVAL, reg_flags(&self->ring, page, 8, 0, 1));
	EXPECT_EQ(-EINVAL, reg_flags(&self->ring, NULL, 8, IOU_PBUF_RING_MMAP, 1));
	EXPECT_EQ(-EINVAL, reg_flags(&self->ring, page, 7, IOU_PBUF_RING_INC, 0));
	EXPECT_EQ(-EINVAL, reg_flags(&self->ring, page, 8, IOU_PBUF_RING_INC | 4, 0));
	EXPECT_EQ(0, reg_flags(&self->ring, page, 8, IOU_PBUF_RING_INC, 0));
	EXPECT_EQ(0, pbuf_unregister(&self->ring, GROUP));
	EXPECT_EQ(0, reg_flags(&self->ring, page, 8, IOU_PBUF_RING_INC, ~0u));
	EXPECT_EQ(0, pbuf_unregister(&self->ring, GROUP));
	EXPECT_EQ(0, reg_flags(&self->ring, NULL, 8,
			       IOU_PBUF_RING_INC | IOU_PBUF_RING_MMAP, 0));
}

TEST_F(ring, a_buffer_serves_several_requests)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 2, 16, 0));
	ASSERT_RECV(&self->ring, &b, 5, 0, 5, PART(0));
	EXPECT_EQ((uintptr_t)b.pb.mem + 5, b.pb.br->bufs[0].addr);
	EXPECT_EQ(11, b.pb.br->bufs[0].len);
	EXPECT_EQ(0, b.pb.br->bufs[0].bid);
	EXPECT_EQ(0, head_of(&self->ring));
	/* the tail shares the entry's memory */
	EXPECT_EQ(2, b.pb.br->tail);
	ASSERT_RECV(&self->ring, &b, 5, 0, 5, PART(0));
	ASSERT_RECV(&self->ring, &b, 6, 0, 6, BUFFER_FLAGS(0));
	EXPECT_EQ(1, head_of(&self->ring));
	EXPECT_EQ(0, b.pb.br->bufs[0].len);
	EXPECT_EQ(0, memcmp(b.pb.mem, "aaaaaaaaaaaaaaaa\0", 17));
	ASSERT_RECV(&self->ring, &b, 1, 0, 1, PART(1));
	ASSERT_RECV(&self->ring, &b, 15, 0, 15, BUFFER_FLAGS(1));
	EXPECT_EQ(2, head_of(&self->ring));
	prep_recv_select(&self->ring, b.sv[0], 0, GROUP, 1);
	ASSERT_RESULT(&self->ring, -ENOBUFS);
}

TEST_F(ring, a_receive_does_not_go_beyond_the_buffer)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 2, 16, 0));
	ASSERT_RECV(&self->ring, &b, 10, 0, 10, PART(0));
	ASSERT_RECV(&self->ring, &b, 10, 0, 6, BUFFER_FLAGS(0) | IORING_CQE_F_SOCK_NONEMPTY);
	prep_recv_select(&self->ring, b.sv[0], 0, GROUP, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 4, PART(1));
}

TEST_F(ring, the_length_of_the_request_counts)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 2, 16, 0));
	ASSERT_RECV(&self->ring, &b, 10, 3, 3, PART(0) | IORING_CQE_F_SOCK_NONEMPTY);
	EXPECT_EQ(13, b.pb.br->bufs[0].len);
	EXPECT_EQ(7, drain_socket(b.sv[0]));
	ASSERT_RECV(&self->ring, &b, 13, 100, 13, BUFFER_FLAGS(0));
}

TEST_F(ring, a_rest_that_is_too_small)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 4, 16, 6));
	/* six bytes are left, which will do */
	ASSERT_RECV(&self->ring, &b, 10, 0, 10, PART(0));
	EXPECT_EQ(6, b.pb.br->bufs[0].len);
	ASSERT_RECV(&self->ring, &b, 1, 0, 1, BUFFER_FLAGS(0));
	EXPECT_EQ(0, b.pb.br->bufs[0].len);
	EXPECT_EQ(1, head_of(&self->ring));
	/* five would not */
	ASSERT_RECV(&self->ring, &b, 11, 0, 11, BUFFER_FLAGS(1));
	EXPECT_EQ(2, head_of(&self->ring));
}

TEST_F(ring, no_rest_is_enough)
{
	struct bench b;
	unsigned int i;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 4, 16, ~0u));
	for (i = 0; i < 4; i++)
		ASSERT_RECV(&self->ring, &b, 1, 0, 1, BUFFER_FLAGS(i));
}

TEST_F(ring, nothing_is_consumed_by_waiting_or_end_of_stream)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 2, 16, 0));
	ASSERT_RECV(&self->ring, &b, 5, 0, 5, PART(0));
	prep_recv_select(&self->ring, b.sv[0], 0, GROUP, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(11, b.pb.br->bufs[0].len);
	ASSERT_EQ(2, write(b.sv[1], "bc", 2));
	ASSERT_CQE(&self->ring, 7, 2, PART(0));
	EXPECT_EQ(0, memcmp(b.pb.mem, "aaaaabc", 8));
	ASSERT_EQ(0, shutdown(b.sv[1], SHUT_WR));
	prep_recv_select(&self->ring, b.sv[0], 0, GROUP, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, 0, 0);
	EXPECT_EQ(9, b.pb.br->bufs[0].len);
}

TEST_F(ring, two_requests_share_a_buffer)
{
	struct bench b;
	int other[2];

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 1, 16, 0));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, other));
	prep_recv_select(&self->ring, b.sv[0], 0, GROUP, 1);
	prep_recv_select(&self->ring, other[0], 0, GROUP, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_EQ(2, write(other[1], "xy", 2));
	ASSERT_CQE(&self->ring, 2, 2, PART(0));
	ASSERT_EQ(2, write(b.sv[1], "zw", 2));
	ASSERT_CQE(&self->ring, 1, 2, PART(0));
	EXPECT_EQ(0, memcmp(b.pb.mem, "xyzw", 5));
}

TEST_F(ring, multishot_fills_buffer_after_buffer)
{
	struct bench b;
	unsigned int i;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_SEQPACKET, 4, 16, 0));
	prep_recv_multi(&self->ring, b.sv[0], GROUP, 9);
	ASSERT_EQ(1, ring_submit(&self->ring));
	for (i = 0; i < 12; i++) {
		char data[4] = { 'a' + i, 'a' + i, 'a' + i, 'a' + i };

		ASSERT_EQ(4, write(b.sv[1], data, 4));
		ASSERT_CQE(&self->ring, 9, 4,
			   MORE | (i % 4 == 3 ? BUFFER_FLAGS(i / 4) : PART(i / 4)));
	}
	EXPECT_EQ(0, memcmp(b.pb.mem, "aaaabbbbccccddddeeeeffffgggghhhhiiiijjjjkkkkllll", 48));
	EXPECT_EQ(3, head_of(&self->ring));
}

TEST_F(ring, multishot_recvmsg_packs_messages)
{
	struct msghdr msg = {};
	struct io_uring_recvmsg_out *out;
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_SEQPACKET, 2, 64, 0));
	prep_recvmsg_multi(&self->ring, b.sv[0], &msg, GROUP, 9);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(4, write(b.sv[1], "abcd", 4));
	ASSERT_CQE(&self->ring, 9, 20, MORE | PART(0));
	ASSERT_EQ(4, write(b.sv[1], "efgh", 4));
	ASSERT_CQE(&self->ring, 9, 20, MORE | PART(0));
	out = (void *)b.pb.mem;
	EXPECT_EQ(4, out->payloadlen);
	out = (void *)(b.pb.mem + 20);
	EXPECT_EQ(4, out->payloadlen);
	EXPECT_EQ(0, memcmp(b.pb.mem + 36, "efgh", 4));
	EXPECT_EQ(24, b.pb.br->bufs[0].len);
}

TEST_F(ring, waiting_for_all_ends_at_the_first_part)
{
	struct bench b;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 a buffer that is consumed in parts is held while it waits");
	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 2, 16, 0));
	ASSERT_EQ(4, write(b.sv[1], "abcd", 4));
	prep_recv_select(&self->ring, b.sv[0], 8, GROUP, 9)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 9, 4, PART(0));
}

TEST_F(ring, send_consumes_in_parts)
{
	struct io_uring_sqe *sqe;
	struct bench b;
	char buf[32];
	unsigned int i;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 2, 16, 0));
	memcpy(b.pb.mem, "0123456789abcdef", 16);
	for (i = 0; i < 3; i++) {
		sqe = prep_send(&self->ring, b.sv[0], NULL, i == 2 ? 0 : 4, 3);
		sqe->flags = IOSQE_BUFFER_SELECT;
		sqe->buf_group = GROUP;
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 3, i == 2 ? 8 : 4,
			   i == 2 ? BUFFER_FLAGS(0) : PART(0));
	}
	ASSERT_EQ(16, read(b.sv[1], buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "0123456789abcdef", 16));
	EXPECT_EQ(1, head_of(&self->ring));
}

TEST_F(ring, an_entry_without_bytes)
{
	struct io_uring_sqe *sqe;
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, SOCK_STREAM, 2, 16, 0));
	b.pb.br->bufs[0].len = 0;
	sqe = prep_send(&self->ring, b.sv[0], NULL, 4, 3);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	ASSERT_RESULT(&self->ring, -ENOBUFS);
	EXPECT_EQ(0, head_of(&self->ring));
}

TEST_HARNESS_MAIN
