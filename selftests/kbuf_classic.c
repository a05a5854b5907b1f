// SPDX-License-Identifier: GPL-2.0
/*
 * Classic buffer groups: PROVIDE_BUFFERS and REMOVE_BUFFERS.
 */
#include <limits.h>

#define RING_MODES
#include "fixture.h"

#define GROUP	3

static char mem[64 * 1024];

static struct io_uring_sqe *prep_provide(struct ring *ring, const void *addr,
					 unsigned int len, int nr,
					 unsigned int bid, unsigned int bgid)
{
	struct io_uring_sqe *sqe;

	sqe = prep(ring, IORING_OP_PROVIDE_BUFFERS, nr, addr, len, 1);
	sqe->off = bid;
	sqe->buf_group = bgid;
	return sqe;
}

static struct io_uring_sqe *prep_remove(struct ring *ring, int nr,
					unsigned int bgid)
{
	struct io_uring_sqe *sqe;

	sqe = prep(ring, IORING_OP_REMOVE_BUFFERS, nr, NULL, 0, 1);
	sqe->buf_group = bgid;
	return sqe;
}

#define ASSERT_PROVIDE(ring, addr, len, nr, bid, bgid, result) do {	\
	prep_provide(ring, addr, len, nr, bid, bgid);			\
	ASSERT_RESULT(ring, result);					\
} while (0)

#define ASSERT_REMOVE(ring, nr, bgid, result) do {			\
	prep_remove(ring, nr, bgid);					\
	ASSERT_RESULT(ring, result);					\
} while (0)

static int register_ring(struct ring *ring, void *addr, unsigned int bgid)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)addr,
		.ring_entries = 8,
		.bgid = bgid,
	};

	return ring_register(ring, IORING_REGISTER_PBUF_RING, &reg, 1);
}

static void *new_page(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

TEST_F(ring, probe_knows_the_opcodes)
{
	EXPECT_TRUE(ring_op_supported(&self->ring, IORING_OP_PROVIDE_BUFFERS));
	EXPECT_TRUE(ring_op_supported(&self->ring, IORING_OP_REMOVE_BUFFERS));
}

TEST_F(ring, number_of_buffers_to_provide)
{
	ASSERT_PROVIDE(&self->ring, mem, 16, 0, 0, GROUP, -E2BIG);
	ASSERT_PROVIDE(&self->ring, mem, 16, -1, 0, GROUP, -E2BIG);
	ASSERT_PROVIDE(&self->ring, mem, 16, INT_MIN, 0, GROUP, -E2BIG);
	ASSERT_PROVIDE(&self->ring, mem, 16, 65537, 0, GROUP, -E2BIG);
	ASSERT_PROVIDE(&self->ring, mem, 1, 65536, 0, GROUP, 0);
	ASSERT_PROVIDE(&self->ring, mem, 16, 1, 0, GROUP + 1, 0);
}

TEST_F(ring, ids_have_sixteen_bits)
{
	ASSERT_PROVIDE(&self->ring, mem, 16, 1, 65535, GROUP, 0);
	ASSERT_PROVIDE(&self->ring, mem, 16, 1, 65536, GROUP, -E2BIG);
	ASSERT_PROVIDE(&self->ring, mem, 16, 2, 65535, GROUP, -EINVAL);
	ASSERT_PROVIDE(&self->ring, mem, 1, 65536, 1, GROUP, -EINVAL);
	ASSERT_PROVIDE(&self->ring, mem, 16, 2, 65534, GROUP, 0);
}

TEST_F(ring, memory_to_provide)
{
	ASSERT_PROVIDE(&self->ring, mem, 0, 1, 0, GROUP, -EINVAL);
	ASSERT_PROVIDE(&self->ring, (void *)-16L, 16, 1, 0, GROUP, -EOVERFLOW);
	ASSERT_PROVIDE(&self->ring, (void *)-16L, 1, 16, 0, GROUP, -EOVERFLOW);
	ASSERT_PROVIDE(&self->ring, (void *)-16L, 15, 1, 0, GROUP, -EFAULT);
	ASSERT_PROVIDE(&self->ring, (void *)0xffff888000000000, 16, 1, 0, GROUP, -EFAULT);
	/* what is not mapped shows when it is used */
	ASSERT_PROVIDE(&self->ring, NULL, 4096, 4, 0, GROUP, 0);
	ASSERT_PROVIDE(&self->ring, mem, ~0u, 1, 0, GROUP, 0);
}

TEST_F(ring, which_error_comes_first)
{
	/* the count, the length, the address, the id */
	ASSERT_PROVIDE(&self->ring, (void *)-16L, 0, 0, 65536, GROUP, -E2BIG);
	ASSERT_PROVIDE(&self->ring, (void *)-16L, 0, 1, 65536, GROUP, -EINVAL);
	ASSERT_PROVIDE(&self->ring, (void *)-16L, 16, 1, 65536, GROUP, -EOVERFLOW);
}

TEST_F(ring, fields_that_must_be_zero)
{
	prep_provide(&self->ring, mem, 16, 1, 0, GROUP)->rw_flags = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_provide(&self->ring, mem, 16, 1, 0, GROUP)->splice_fd_in = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_provide(&self->ring, mem, 16, 1, 0, GROUP)->ioprio = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_provide(&self->ring, mem, 16, 1, 0, GROUP)->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(&self->ring, -EOPNOTSUPP);

	prep_remove(&self->ring, 1, GROUP)->rw_flags = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_remove(&self->ring, 1, GROUP)->splice_fd_in = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_remove(&self->ring, 1, GROUP)->addr = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_remove(&self->ring, 1, GROUP)->len = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_remove(&self->ring, 1, GROUP)->off = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_remove(&self->ring, 1, GROUP)->ioprio = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_remove(&self->ring, 1, GROUP)->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(&self->ring, -EOPNOTSUPP);
}

TEST_F(ring, number_of_buffers_to_remove)
{
	ASSERT_REMOVE(&self->ring, 1, GROUP, -ENOENT);
	ASSERT_PROVIDE(&self->ring, mem, 16, 5, 0, GROUP, 0);
	ASSERT_PROVIDE(&self->ring, mem, 16, 5, 5, GROUP, 0);
	ASSERT_REMOVE(&self->ring, 0, GROUP, -EINVAL);
	ASSERT_REMOVE(&self->ring, -1, GROUP, -EINVAL);
	ASSERT_REMOVE(&self->ring, 65537, GROUP, -EINVAL);
	ASSERT_REMOVE(&self->ring, 3, GROUP, 3);
	ASSERT_REMOVE(&self->ring, 65536, GROUP, 7);
	/* an empty group is still a group */
	ASSERT_REMOVE(&self->ring, 1, GROUP, 0);
	ASSERT_REMOVE(&self->ring, 1, GROUP + 1, -ENOENT);
}

TEST_F(ring, a_group_has_no_more_buffers_than_ids)
{
	ASSERT_PROVIDE(&self->ring, mem, 1, 65530, 0, GROUP, 0);
	/* the first few of these fit */
	ASSERT_PROVIDE(&self->ring, mem, 1, 100, 0, GROUP, 0);
	ASSERT_PROVIDE(&self->ring, mem, 1, 1, 0, GROUP, -EOVERFLOW);
	ASSERT_REMOVE(&self->ring, 65536, GROUP, 65536);
	ASSERT_PROVIDE(&self->ring, mem, 1, 1, 0, GROUP, 0);
	ASSERT_REMOVE(&self->ring, 65536, GROUP, 1);
}

TEST_F(ring, removal_breaks_no_link_but_failure_does)
{
	prep_provide(&self->ring, mem, 16, 2, 0, GROUP)->flags = IOSQE_IO_LINK;
	prep_remove(&self->ring, 2, GROUP)->flags = IOSQE_IO_LINK;
	prep_remove(&self->ring, 2, GROUP + 1)->flags = IOSQE_IO_LINK;
	prep_nop(&self->ring, 9);
	ASSERT_EQ(4, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 0, 0);
	ASSERT_CQE(&self->ring, 1, 2, 0);
	ASSERT_CQE(&self->ring, 1, -ENOENT, 0);
	ASSERT_CQE(&self->ring, 9, -ECANCELED, 0);
}

TEST_F(ring, success_can_be_silent)
{
	prep_provide(&self->ring, mem, 16, 2, 0, GROUP)->flags = IOSQE_CQE_SKIP_SUCCESS;
	prep_remove(&self->ring, 3, GROUP);
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 2, 0);
	prep_remove(&self->ring, 1, GROUP + 1)->flags = IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_RESULT(&self->ring, -ENOENT);
}

TEST_F(ring, both_kinds_side_by_side)
{
	void *page = new_page();
	struct pbuf pb;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, GROUP, 8, 16));
	pbuf_fill(&pb);
	ASSERT_PROVIDE(&self->ring, mem, 16, 8, 100, GROUP + 1, 0);
	ASSERT_EQ(2, write(sv[1], "xy", 2));
	prep_recv_select(&self->ring, sv[0], 1, GROUP, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 1, BUFFER_FLAGS(0) | IORING_CQE_F_SOCK_NONEMPTY);
	prep_recv_select(&self->ring, sv[0], 1, GROUP + 1, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 1, BUFFER_FLAGS(100));
	EXPECT_EQ('x', *pbuf_mem(&pb, 0));
	EXPECT_EQ('y', mem[0]);

	/* the one is not to be used as the other */
	ASSERT_PROVIDE(&self->ring, mem, 16, 8, 0, GROUP, -EINVAL);
	ASSERT_REMOVE(&self->ring, 1, GROUP, -EINVAL);
	EXPECT_EQ(-EEXIST, register_ring(&self->ring, page, GROUP + 1));
	EXPECT_EQ(-EINVAL, pbuf_unregister(&self->ring, GROUP + 1));
	EXPECT_EQ(-ENOENT, pbuf_unregister(&self->ring, GROUP + 2));
}

TEST_F(ring, an_empty_group_may_become_a_ring)
{
	void *page = new_page();

	ASSERT_PROVIDE(&self->ring, mem, 16, 2, 0, GROUP, 0);
	EXPECT_EQ(-EEXIST, register_ring(&self->ring, page, GROUP));
	ASSERT_REMOVE(&self->ring, 2, GROUP, 2);
	EXPECT_EQ(-EINVAL, pbuf_unregister(&self->ring, GROUP));
	EXPECT_EQ(0, register_ring(&self->ring, page, GROUP));
	ASSERT_PROVIDE(&self->ring, mem, 16, 2, 0, GROUP, -EINVAL);
	EXPECT_EQ(0, pbuf_unregister(&self->ring, GROUP));
	ASSERT_REMOVE(&self->ring, 2, GROUP, -ENOENT);
	ASSERT_PROVIDE(&self->ring, mem, 16, 2, 0, GROUP, 0);
}

TEST_F(ring, a_classic_group_has_no_status)
{
	struct io_uring_buf_status status = { .buf_group = GROUP };

	EXPECT_EQ(-ENOENT, ring_register(&self->ring, IORING_REGISTER_PBUF_STATUS, &status, 1));
	ASSERT_PROVIDE(&self->ring, mem, 16, 2, 0, GROUP, 0);
	EXPECT_EQ(-EINVAL, ring_register(&self->ring, IORING_REGISTER_PBUF_STATUS, &status, 1));
}

TEST_F(ring, buffers_are_taken_in_order)
{
	static const unsigned int bids[] = { 10, 11, 12, 7, 0xffff, 20, 21 };
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_PROVIDE(&self->ring, mem, 16, 3, 10, GROUP, 0);
	ASSERT_PROVIDE(&self->ring, mem + 1000, 16, 1, 7, GROUP, 0);
	ASSERT_PROVIDE(&self->ring, mem + 2000, 16, 1, 0xffff, GROUP, 0);
	ASSERT_PROVIDE(&self->ring, mem + 3000, 16, 2, 20, GROUP, 0);
	for (i = 0; i < ARRAY_SIZE(bids); i++) {
		ASSERT_EQ(1, write(sv[1], "x", 1));
		prep_recv_select(&self->ring, sv[0], 0, GROUP, 1);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 1, 1, BUFFER_FLAGS(bids[i]));
	}
	EXPECT_EQ('x', mem[0]);
	EXPECT_EQ('x', mem[32]);
	EXPECT_EQ('x', mem[1000]);
	EXPECT_EQ('x', mem[3016]);
	prep_recv_select(&self->ring, sv[0], 0, GROUP, 1);
	ASSERT_RESULT(&self->ring, -ENOBUFS);
}

TEST_F(ring, many_runs_grow_and_shrink)
{
	unsigned int i, bid = 0, round;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (round = 1; round < 8; round++) {
		for (i = 0; i < 40 * round; i++)
			ASSERT_PROVIDE(&self->ring, mem + i, 1, 1, i, GROUP, 0);
		for (i = 0; i < 40 * round; i++, bid++) {
			char c = i;

			ASSERT_EQ(1, write(sv[1], &c, 1));
			prep_recv_select(&self->ring, sv[0], 0, GROUP, 1);
			ASSERT_EQ(1, ring_submit(&self->ring));
			ASSERT_CQE(&self->ring, 1, 1, BUFFER_FLAGS(i));
			ASSERT_EQ(c, mem[i]);
		}
		ASSERT_REMOVE(&self->ring, 1, GROUP, 0);
	}
}

TEST_F(ring, length_of_the_buffer_and_of_the_request)
{
	static const struct {
		unsigned int len;
		int res;
	} cases[] = { { 0, 8 }, { 3, 3 }, { 8, 8 }, { 100, 8 } };
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_PROVIDE(&self->ring, mem, 8, 4, 0, GROUP, 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(mem, '-', 32);
		ASSERT_EQ(10, write(sv[1], "0123456789", 10));
		prep_recv_select(&self->ring, sv[0], cases[i].len, GROUP, 1);
		ASSERT_RESULT(&self->ring, cases[i].res);
		EXPECT_EQ(0, memcmp(mem + 8 * i, "01234567", cases[i].res));
		if (cases[i].res < 8)
			EXPECT_EQ('-', mem[8 * i + cases[i].res]);
		EXPECT_EQ(10 - cases[i].res, drain_socket(sv[0]));
	}
}

TEST_F(ring, no_buffer_is_used_up_by_waiting)
{
	int one[2], two[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, one));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, two));
	ASSERT_PROVIDE(&self->ring, mem, 16, 1, 5, GROUP, 0);
	prep_recv_select(&self->ring, one[0], 0, GROUP, 1);
	prep_recv_select(&self->ring, two[0], 0, GROUP, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_EQ(1, write(two[1], "x", 1));
	ASSERT_CQE(&self->ring, 2, 1, BUFFER_FLAGS(5));
	ASSERT_EQ(1, write(one[1], "y", 1));
	ASSERT_CQE(&self->ring, 1, -ENOBUFS, 0);
}

TEST_F(ring, no_buffer_is_used_up_by_end_of_stream_or_error)
{
	int sv[2], pipes[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_PROVIDE(&self->ring, mem, 16, 1, 5, GROUP, 0);
	prep_recv_select(&self->ring, pipes[0], 0, GROUP, 1);
	ASSERT_RESULT(&self->ring, -ENOTSOCK);
	prep_recv_select(&self->ring, sv[0], 0, GROUP, 1)->msg_flags = MSG_DONTWAIT;
	ASSERT_RESULT(&self->ring, -EAGAIN);
	ASSERT_EQ(0, shutdown(sv[1], SHUT_WR));
	prep_recv_select(&self->ring, sv[0], 0, GROUP, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 0, 0);
	ASSERT_REMOVE(&self->ring, 10, GROUP, 1);
}

TEST_F(ring, memory_that_is_not_there)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_PROVIDE(&self->ring, (void *)4096, 16, 1, 5, GROUP, 0);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	prep_recv_select(&self->ring, sv[0], 0, GROUP, 1);
	ASSERT_RESULT(&self->ring, -EFAULT);
}

TEST_F(ring, multishot_ends_when_there_are_no_more)
{
	int sv[2], i;

	ASSERT_EQ(0, unix_pair(SOCK_SEQPACKET, sv));
	ASSERT_PROVIDE(&self->ring, mem, 16, 3, 5, GROUP, 0);
	prep_recv_multi(&self->ring, sv[0], GROUP, 9);
	ASSERT_EQ(1, ring_submit(&self->ring));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(2, write(sv[1], "ab", 2));
		ASSERT_CQE(&self->ring, 9, 2, IORING_CQE_F_MORE | BUFFER_FLAGS(5 + i));
		EXPECT_EQ(0, memcmp(mem + 16 * i, "ab", 2));
	}
	ASSERT_EQ(2, write(sv[1], "ab", 2));
	ASSERT_CQE(&self->ring, 9, -ENOBUFS, 0);
	EXPECT_EQ(2, drain_socket(sv[0]));
}

TEST_F(ring, provided_while_a_multishot_goes_on)
{
	int sv[2], i;

	ASSERT_EQ(0, unix_pair(SOCK_SEQPACKET, sv));
	ASSERT_PROVIDE(&self->ring, mem, 16, 2, 0, GROUP, 0);
	prep_recv_multi(&self->ring, sv[0], GROUP, 9);
	ASSERT_EQ(1, ring_submit(&self->ring));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(1, write(sv[1], "a", 1));
		ASSERT_CQE(&self->ring, 9, 1, IORING_CQE_F_MORE | BUFFER_FLAGS(i));
		ASSERT_PROVIDE(&self->ring, mem, 16, 1, i + 2, GROUP, 0);
	}
}

TEST_F(ring, recvmsg_takes_them_too)
{
	struct iovec iov = { .iov_len = 16 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct io_uring_sqe *sqe;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_SEQPACKET, sv));
	ASSERT_PROVIDE(&self->ring, mem, 16, 2, 5, GROUP, 0);
	ASSERT_EQ(2, write(sv[1], "ab", 2));
	sqe = prep(&self->ring, IORING_OP_RECVMSG, sv[0], &msg, 1, 4);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 4, 2, BUFFER_FLAGS(5));
	EXPECT_EQ(0, memcmp(mem, "ab", 2));
}

static struct io_uring_sqe *prep_send_select(struct ring *ring, int fd,
					     unsigned int len, unsigned int bgid,
					     __u64 user_data)
{
	struct io_uring_sqe *sqe = prep_send(ring, fd, NULL, len, user_data);

	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = bgid;
	return sqe;
}

TEST_F(ring, send_takes_them_too)
{
	char buf[32];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_send_select(&self->ring, sv[0], 0, GROUP, 1);
	ASSERT_RESULT(&self->ring, -ENOENT);
	memcpy(mem, "abcdefgh", 8);
	ASSERT_PROVIDE(&self->ring, mem, 4, 2, 5, GROUP, 0);
	prep_send_select(&self->ring, sv[0], 0, GROUP, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 4, BUFFER_FLAGS(5));
	/* the length of the request does not count here */
	prep_send_select(&self->ring, sv[0], 2, GROUP, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 4, BUFFER_FLAGS(6));
	prep_send_select(&self->ring, sv[0], 0, GROUP, 1);
	ASSERT_RESULT(&self->ring, -ENOBUFS);
	ASSERT_EQ(8, read(sv[1], buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "abcdefgh", 8));
}

TEST_F(ring, send_that_waits_keeps_its_buffer)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_PROVIDE(&self->ring, mem, 4, 1, 5, GROUP, 0);
	ASSERT_LT(0, fill_socket(sv[0]));
	prep_send_select(&self->ring, sv[0], 0, GROUP, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_REMOVE(&self->ring, 10, GROUP, 0);
	ASSERT_LT(0, drain_socket(sv[1]));
	ASSERT_CQE(&self->ring, 7, 4, BUFFER_FLAGS(5));
}

TEST_F(ring, send_that_fails_uses_its_buffer_up)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_PROVIDE(&self->ring, mem, 4, 1, 5, GROUP, 0);
	ASSERT_EQ(0, close(sv[1]));
	prep_send_select(&self->ring, sv[0], 0, GROUP, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, -EPIPE, BUFFER_FLAGS(5));
	ASSERT_REMOVE(&self->ring, 10, GROUP, 0);
}

TEST_F(ring, many_groups)
{
	int sv[2], i;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < 65536; i += 251)
		ASSERT_PROVIDE(&self->ring, mem, 16, 1, i, i, 0);
	for (i = 0; i < 65536; i += 251) {
		ASSERT_EQ(1, write(sv[1], "x", 1));
		prep_recv_select(&self->ring, sv[0], 0, i, 1);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 1, 1, BUFFER_FLAGS(i));
	}
}

TEST_HARNESS_MAIN
