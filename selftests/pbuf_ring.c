// SPDX-License-Identifier: GPL-2.0
/*
 * Provided buffer rings: registration, and which buffer a request gets.
 */
#include <sys/syscall.h>

#define RING_MODES
#include "fixture.h"

static void *page_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int reg(struct ring *ring, __u64 addr, unsigned int entries,
	       unsigned int bgid)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = addr,
		.ring_entries = entries,
		.bgid = bgid,
	};

	return ring_register(ring, IORING_REGISTER_PBUF_RING, &reg, 1);
}

TEST_F(ring, entries_must_be_a_power_of_two)
{
	__u64 mem = (uintptr_t)page_alloc(65536 * 16);
	unsigned int good[] = { 1, 2, 8, 256, 32768 };
	unsigned int bad[] = { 0, 3, 5, 255, 32767, 65535, 65536, 131072, ~0u };
	unsigned int i;

	ASSERT_NE(0, mem);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(0, reg(&self->ring, mem, good[i], 1));
		EXPECT_EQ(0, pbuf_unregister(&self->ring, 1));
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, reg(&self->ring, mem, bad[i], 1));
}

TEST_F(ring, address_must_be_a_page)
{
	__u64 mem = (uintptr_t)page_alloc(8192);

	EXPECT_EQ(-EINVAL, reg(&self->ring, mem + 16, 8, 0));
	EXPECT_EQ(-EINVAL, reg(&self->ring, mem + 1, 8, 0));
	EXPECT_EQ(0, reg(&self->ring, mem + 4096, 8, 0));
}

TEST_F(ring, address_must_be_writable_memory)
{
	void *readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);
	void *half = page_alloc(8192);

	EXPECT_EQ(-EFAULT, reg(&self->ring, 0, 8, 0));
	EXPECT_EQ(-EFAULT, reg(&self->ring, 4096, 8, 0));
	EXPECT_EQ(-EFAULT, reg(&self->ring, (uintptr_t)readonly, 8, 0));
	/* the kernel's half, and the hole between the halves */
	EXPECT_EQ(-EFAULT, reg(&self->ring, 0xffff888000000000, 8, 0));
	EXPECT_EQ(-EFAULT, reg(&self->ring, 0x8000000000000000, 8, 0));
	EXPECT_EQ(-EOVERFLOW, reg(&self->ring, 0xfffffffffffff000, 8, 0));

	ASSERT_EQ(0, munmap(half + 4096, 4096));
	EXPECT_EQ(-EFAULT, reg(&self->ring, (uintptr_t)half, 512, 0));
	/* a failure holds on to nothing */
	EXPECT_EQ(0, reg(&self->ring, (uintptr_t)half, 256, 0));
}

TEST_F(ring, unknown_flags_and_reserved_fields)
{
	struct io_uring_buf_reg good = {
		.ring_addr = (uintptr_t)page_alloc(4096),
		.ring_entries = 8,
	}, bad;
	unsigned int i;

	for (i = 2; i < 16; i++) {
		bad = good;
		bad.flags = 1u << i;
		EXPECT_EQ(-EINVAL, ring_register(&self->ring,
						 IORING_REGISTER_PBUF_RING, &bad, 1));
	}
	for (i = 0; i < ARRAY_SIZE(bad.resv); i++) {
		bad = good;
		bad.resv[i] = 1;
		EXPECT_EQ(-EINVAL, ring_register(&self->ring,
						 IORING_REGISTER_PBUF_RING, &bad, 1));
		EXPECT_EQ(-EINVAL, ring_register(&self->ring,
						 IORING_UNREGISTER_PBUF_RING, &bad, 1));
	}
	/* part of incremental consumption */
	bad = good;
	bad.min_left = 1;
	EXPECT_EQ(-EINVAL, ring_register(&self->ring, IORING_REGISTER_PBUF_RING, &bad, 1));
	bad = good;
	bad.flags = 1;
	EXPECT_EQ(-EINVAL, ring_register(&self->ring, IORING_UNREGISTER_PBUF_RING, &bad, 1));
}

TEST_F(ring, argument_is_exactly_one)
{
	struct io_uring_buf_reg arg = {
		.ring_addr = (uintptr_t)page_alloc(4096),
		.ring_entries = 8,
	};
	unsigned int op;

	for (op = IORING_REGISTER_PBUF_RING; op <= IORING_UNREGISTER_PBUF_RING; op++) {
		EXPECT_EQ(-EINVAL, ring_register(&self->ring, op, &arg, 0));
		EXPECT_EQ(-EINVAL, ring_register(&self->ring, op, &arg, 2));
		EXPECT_EQ(-EINVAL, ring_register(&self->ring, op, NULL, 1));
		EXPECT_EQ(-EFAULT, ring_register(&self->ring, op, (void *)8, 1));
	}
}

TEST_F(ring, group_is_registered_once)
{
	__u64 mem = (uintptr_t)page_alloc(4096);

	EXPECT_EQ(-ENOENT, pbuf_unregister(&self->ring, 3));
	EXPECT_EQ(0, reg(&self->ring, mem, 8, 3));
	EXPECT_EQ(-EEXIST, reg(&self->ring, mem, 8, 3));
	EXPECT_EQ(0, reg(&self->ring, mem, 8, 4));
	EXPECT_EQ(0, pbuf_unregister(&self->ring, 3));
	EXPECT_EQ(-ENOENT, pbuf_unregister(&self->ring, 3));
	EXPECT_EQ(0, reg(&self->ring, mem, 8, 3));
}

TEST_F(ring, group_ids_have_sixteen_bits)
{
	unsigned int ids[] = { 0, 1, 0x7fff, 0x8000, 0xffff };
	struct pbuf pb[ARRAY_SIZE(ids)];
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		ASSERT_EQ(0, pbuf_init(&pb[i], &self->ring, ids[i], 4, 16));
		pbuf_add(&pb[i], pb[i].mem, 16, i);
		pbuf_publish(&pb[i]);
	}
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		ASSERT_EQ(1, write(sv[1], "x", 1));
		prep_recv_select(&self->ring, sv[0], 0, ids[i], 9);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 9, 1, BUFFER_FLAGS(i));
	}
}

TEST_F(ring, groups_of_two_rings_are_apart)
{
	struct ring other;
	struct pbuf pb;
	int sv[2];

	ASSERT_EQ(0, ring_init(&other, variant->backend, 4, variant->flags));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 7, 4, 16));
	pbuf_fill(&pb);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv_select(&other, sv[0], 0, 7, 1);
	ASSERT_RESULT(&other, -ENOBUFS);
	ring_exit(&other);
}

/* A pair of sockets, and a group of buffers that is empty as yet. */
struct bench {
	struct pbuf pb;
	int sv[2];
};

static int bench_init(struct bench *b, struct ring *ring, unsigned int entries,
		      unsigned int size)
{
	int ret = unix_pair(SOCK_STREAM, b->sv);

	return ret ?: pbuf_init(&b->pb, ring, 5, entries, size);
}

TEST_F(ring, unknown_group_has_no_buffers)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv_select(&self->ring, sv[0], 0, 77, 1);
	ASSERT_RESULT(&self->ring, -ENOBUFS);
}

TEST_F(ring, empty_group_has_no_buffers)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 4, 16));
	prep_recv_select(&self->ring, b.sv[0], 0, 5, 1);
	ASSERT_RESULT(&self->ring, -ENOBUFS);
}

TEST_F(ring, buffers_are_taken_in_order)
{
	static const unsigned int bids[] = { 3, 0xffff, 0, 0x8000 };
	struct bench b;
	unsigned int i;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 4, 16));
	for (i = 0; i < 4; i++)
		pbuf_add(&b.pb, pbuf_mem(&b.pb, i), 16, bids[i]);
	pbuf_publish(&b.pb);
	for (i = 0; i < 4; i++) {
		char c = 'a' + i;

		ASSERT_EQ(1, write(b.sv[1], &c, 1));
		prep_recv_select(&self->ring, b.sv[0], 0, 5, 1);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 1, 1, BUFFER_FLAGS(bids[i]));
		EXPECT_EQ(c, *pbuf_mem(&b.pb, i));
	}
	prep_recv_select(&self->ring, b.sv[0], 0, 5, 1);
	ASSERT_RESULT(&self->ring, -ENOBUFS);
}

TEST_F(ring, unpublished_buffers_are_not_seen)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 4, 16));
	ASSERT_EQ(1, write(b.sv[1], "x", 1));
	pbuf_add(&b.pb, b.pb.mem, 16, 0);
	prep_recv_select(&self->ring, b.sv[0], 0, 5, 1);
	ASSERT_RESULT(&self->ring, -ENOBUFS);
	pbuf_publish(&b.pb);
	prep_recv_select(&self->ring, b.sv[0], 0, 5, 1);
	ASSERT_RESULT(&self->ring, 1);
}

TEST_F(ring, length_of_the_buffer_and_of_the_request)
{
	static const struct {
		unsigned int len;
		int res;
	} cases[] = { { 0, 8 }, { 3, 3 }, { 8, 8 }, { 100, 8 } };
	struct bench b;
	unsigned int i;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 4, 8));
	pbuf_fill(&b.pb);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(b.pb.mem, '-', 32);
		ASSERT_EQ(10, write(b.sv[1], "0123456789", 10));
		prep_recv_select(&self->ring, b.sv[0], cases[i].len, 5, 1);
		ASSERT_RESULT(&self->ring, cases[i].res);
		EXPECT_EQ(0, memcmp(pbuf_mem(&b.pb, i), "01234567", cases[i].res));
		if (cases[i].res < 8)
			EXPECT_EQ('-', pbuf_mem(&b.pb, i)[cases[i].res]);
		EXPECT_EQ(10 - cases[i].res, drain_socket(b.sv[0]));
	}
}

TEST_F(ring, no_buffer_is_used_up_by_waiting)
{
	struct bench b;
	int other[2];

	ASSERT_EQ(0, bench_init(&b, &self->ring, 1, 16));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, other));
	pbuf_fill(&b.pb);
	prep_recv_select(&self->ring, b.sv[0], 0, 5, 1);
	prep_recv_select(&self->ring, other[0], 0, 5, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));

	/* the second to wait is the first to need it */
	ASSERT_EQ(1, write(other[1], "x", 1));
	ASSERT_CQE(&self->ring, 2, 1, BUFFER_FLAGS(0));
	ASSERT_EQ(1, write(b.sv[1], "y", 1));
	ASSERT_CQE(&self->ring, 1, -ENOBUFS, 0);
	EXPECT_EQ(1, drain_socket(b.sv[0]));
}

TEST_F(ring, no_buffer_is_used_up_by_end_of_stream)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 1, 16));
	pbuf_fill(&b.pb);
	ASSERT_EQ(0, shutdown(b.sv[1], SHUT_WR));
	prep_recv_select(&self->ring, b.sv[0], 0, 5, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 0, 0);
	ASSERT_EQ(1, write(b.sv[0], "x", 1));
	prep_recv_select(&self->ring, b.sv[1], 0, 5, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 1, BUFFER_FLAGS(0));
}

TEST_F(ring, no_buffer_is_used_up_by_an_error)
{
	int pipes[2];
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 1, 16));
	ASSERT_EQ(0, pipe(pipes));
	pbuf_fill(&b.pb);
	prep_recv_select(&self->ring, pipes[0], 0, 5, 1);
	ASSERT_RESULT(&self->ring, -ENOTSOCK);
	prep_recv_select(&self->ring, b.sv[0], 0, 5, 2)->msg_flags = MSG_DONTWAIT;
	ASSERT_RESULT(&self->ring, -EAGAIN);
	ASSERT_EQ(1, write(b.sv[1], "x", 1));
	prep_recv_select(&self->ring, b.sv[0], 0, 5, 3);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 3, 1, BUFFER_FLAGS(0));
}

TEST_F(ring, buffers_go_round)
{
	struct bench b;
	unsigned int i;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 4, 16));
	pbuf_fill(&b.pb);
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(1, write(b.sv[1], "x", 1));
		prep_recv_select(&self->ring, b.sv[0], 0, 5, i);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, i, 1, BUFFER_FLAGS(i % 4));
		pbuf_push(&b.pb, i % 4);
	}
}

TEST_F(ring, ring_of_many_pages)
{
	struct bench b;
	unsigned int i;

	/* 4 pages of entries; the first of each, and the last of all */
	ASSERT_EQ(0, bench_init(&b, &self->ring, 1024, 8));
	pbuf_fill(&b.pb);
	for (i = 0; i < 1024; i++) {
		struct io_uring_cqe cqe;

		ASSERT_EQ(1, write(b.sv[1], "x", 1));
		prep_recv_select(&self->ring, b.sv[0], 0, 5, i);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_TRUE(ring_peek(&self->ring, &cqe));
		ASSERT_EQ(1, cqe.res);
		ASSERT_EQ(i, cqe_bid(&cqe));
		ASSERT_EQ('x', *pbuf_mem(&b.pb, i));
	}
}

TEST_F(ring, buffer_that_cannot_be_written)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 4, 16));
	pbuf_add(&b.pb, (void *)4096, 16, 0);
	pbuf_publish(&b.pb);
	ASSERT_EQ(1, write(b.sv[1], "x", 1));
	prep_recv_select(&self->ring, b.sv[0], 0, 5, 1);
	ASSERT_RESULT(&self->ring, -EFAULT);
}

TEST_F(ring, unregistered_while_a_request_waits)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 4, 16));
	pbuf_fill(&b.pb);
	prep_recv_select(&self->ring, b.sv[0], 0, 5, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, pbuf_unregister(&self->ring, 5));
	ASSERT_EQ(1, write(b.sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, -ENOBUFS, 0);
	EXPECT_EQ(1, drain_socket(b.sv[0]));
}

TEST_F(ring, memory_unmapped_after_registration)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 4, 16));
	pbuf_fill(&b.pb);
	ASSERT_EQ(0, munmap(b.pb.br, b.pb.br_size));
	ASSERT_EQ(1, write(b.sv[1], "x", 1));
	prep_recv_select(&self->ring, b.sv[0], 0, 5, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 1, BUFFER_FLAGS(0));
	EXPECT_EQ(0, pbuf_unregister(&self->ring, 5));
}

TEST_F(ring, memory_shared_between_processes)
{
	int status, mfd = syscall(__NR_memfd_create, "pbuf", 0);
	struct io_uring_buf_ring *br;
	struct bench b;
	pid_t pid;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, b.sv));
	ASSERT_EQ(0, ftruncate(mfd, 8192));
	br = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, mfd, 0);
	ASSERT_EQ(0, reg(&self->ring, (uintptr_t)br, 4, 5));

	/* another process provides the buffer */
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		b.pb = (struct pbuf){ .br = br, .entries = 4 };
		pbuf_add(&b.pb, (char *)br + 4096, 16, 11);
		pbuf_publish(&b.pb);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(1, write(b.sv[1], "z", 1));
	prep_recv_select(&self->ring, b.sv[0], 0, 5, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 1, BUFFER_FLAGS(11));
	EXPECT_EQ('z', *((char *)br + 4096));
}

TEST_F(ring, fork_leaves_the_memory_with_the_parent)
{
	struct bench b;
	int go[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 4, 16));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &c, 1) != 0);
	}
	/* written after the fork, the kernel still has to see it */
	pbuf_fill(&b.pb);
	ASSERT_EQ(1, write(b.sv[1], "x", 1));
	prep_recv_select(&self->ring, b.sv[0], 0, 5, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 1, BUFFER_FLAGS(0));
	close(go[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(ring, ops_that_take_no_buffers)
{
	static const unsigned int ops[] = {
		IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE,
		IORING_OP_ACCEPT, IORING_OP_ASYNC_CANCEL, IORING_OP_CLOSE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		prep(&self->ring, ops[i], -1, NULL, 0, 1)->flags = IOSQE_BUFFER_SELECT;
		ASSERT_RESULT(&self->ring, -EOPNOTSUPP);
	}
}

/* ruring's own: io_uring has no buffers for it */
TEST_F(ring, nop_takes_a_buffer)
{
	struct io_uring_sqe *sqe;
	struct bench b;
	unsigned int i;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 2, 16));
	pbuf_fill(&b.pb);
	for (i = 0; i < 3; i++) {
		sqe = prep_nop(&self->ring, 1);
		sqe->flags = IOSQE_BUFFER_SELECT;
		sqe->buf_group = 5;
		ASSERT_EQ(1, ring_submit(&self->ring));
		if (variant->backend == IO_URING) {
			ASSERT_CQE(&self->ring, 1, -EOPNOTSUPP, 0);
		} else {
			ASSERT_CQE(&self->ring, 1, i == 2 ? -ENOBUFS : 0,
				   i == 2 ? 0 : BUFFER_FLAGS(i));
		}
	}
}

TEST_HARNESS_MAIN
