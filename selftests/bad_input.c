// SPDX-License-Identifier: GPL-2.0
/*
 * Arguments and ring memory that make no sense: a clear error each time,
 * nothing lost, nothing corrupted.
 */
#include <linux/ruring.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "fixture.h"

#define GETEVENTS	IORING_ENTER_GETEVENTS
#define EXT_ARG		IORING_ENTER_EXT_ARG

#define UNMAPPED	((void *)4096)
#define KERNEL		((void *)0xffff888000000000)
#define NON_CANONICAL	((void *)0x8000000000000000)

static void *const bad_pointers[] = { NULL, UNMAPPED, KERNEL, NON_CANONICAL };

TEST_F(ring, setup_with_a_bad_pointer)
{
	int fd = next_fd();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_pointers); i++)
		EXPECT_EQ(-EFAULT, backend_setup(variant->backend, 4, bad_pointers[i]));
	EXPECT_EQ(fd, next_fd());
}

TEST_F(ring, setup_with_parameters_that_cannot_be_written)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = next_fd();

	EXPECT_EQ(-EFAULT, backend_setup(variant->backend, 4, p));
	EXPECT_EQ(fd, next_fd());
}

TEST_F(ring, setup_with_parameters_across_the_end_of_memory)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_EQ(0, munmap(p + 4096, 4096));
	EXPECT_EQ(-EFAULT, backend_setup(variant->backend, 4, (void *)(p + 4096 - 16)));
}

TEST_F(ring, enter_with_unknown_flags)
{
	unsigned int bit;

	for (bit = 8; bit < 32; bit++)
		EXPECT_EQ(-EINVAL, ring_enter(&self->ring, 0, 0, 1u << bit));
	prep_nop(&self->ring, 1);
	ring_publish(&self->ring);
	EXPECT_EQ(-EINVAL, ring_enter(&self->ring, 1, 0, 1u << 31));
	EXPECT_EQ(0, *self->ring.sq_head);
}

TEST_F(ring, enter_with_a_bad_argument)
{
	struct io_uring_getevents_arg arg = {};
	struct ring *r = &self->ring;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_pointers); i++)
		EXPECT_EQ(-EFAULT, backend_enter(r->backend, r->fd, 0, 1,
						 GETEVENTS | EXT_ARG,
						 bad_pointers[i], sizeof(arg)));
	for (i = 0; i < 64; i++)
		if (i != sizeof(arg))
			EXPECT_EQ(-EINVAL, backend_enter(r->backend, r->fd, 0, 1,
							 GETEVENTS | EXT_ARG, &arg, i));
	EXPECT_EQ(-EINVAL, backend_enter(r->backend, r->fd, 0, 1, GETEVENTS | EXT_ARG,
					 &arg, ~0ul));
}

TEST_F(ring, enter_with_bad_pointers_in_the_argument)
{
	struct io_uring_getevents_arg arg = {};
	struct ring *r = &self->ring;
	unsigned int i;

	for (i = 1; i < ARRAY_SIZE(bad_pointers); i++) {
		arg = (struct io_uring_getevents_arg){
			.ts = (uintptr_t)bad_pointers[i],
		};
		EXPECT_EQ(-EFAULT, backend_enter(r->backend, r->fd, 0, 1,
						 GETEVENTS | EXT_ARG, &arg, sizeof(arg)));
		arg = (struct io_uring_getevents_arg){
			.sigmask = (uintptr_t)bad_pointers[i],
			.sigmask_sz = 8,
		};
		EXPECT_EQ(-EFAULT, backend_enter(r->backend, r->fd, 0, 1,
						 GETEVENTS | EXT_ARG, &arg, sizeof(arg)));
		EXPECT_EQ(-EFAULT, backend_enter(r->backend, r->fd, 0, 1, GETEVENTS,
						 bad_pointers[i], 8));
	}
}

TEST_F(ring, enter_with_a_mask_of_the_wrong_size)
{
	struct ring *r = &self->ring;
	__u64 mask = 0;
	struct io_uring_getevents_arg arg = { .sigmask = (uintptr_t)&mask };
	unsigned int i;

	for (i = 0; i < 20; i++) {
		if (i == sizeof(mask))
			continue;
		EXPECT_EQ(-EINVAL, backend_enter(r->backend, r->fd, 0, 1, GETEVENTS,
						 &mask, i));
		arg.sigmask_sz = i;
		EXPECT_EQ(-EINVAL, backend_enter(r->backend, r->fd, 0, 1,
						 GETEVENTS | EXT_ARG, &arg, sizeof(arg)));
	}
}

TEST_F(ring, enter_with_an_argument_of_a_region_that_is_not_there)
{
	char arg[64] = {};

	EXPECT_EQ(-EINVAL, backend_enter(variant->backend, self->ring.fd, 0, 1,
					 GETEVENTS | EXT_ARG | IORING_ENTER_EXT_ARG_REG,
					 arg, 3));
}

TEST_F(ring, enter_and_register_on_what_is_no_ring)
{
	int not_a_ring = variant->backend == RURING ? -ENOTTY : -EOPNOTSUPP;
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(-EBADF, backend_enter(variant->backend, 12345, 0, 0, 0, NULL, 0));
	EXPECT_EQ(not_a_ring, backend_enter(variant->backend, pipes[0], 0, 0, 0, NULL, 0));
	EXPECT_EQ(-EBADF, backend_register(variant->backend, 12345,
					   IORING_REGISTER_PROBE, NULL, 0));
	EXPECT_EQ(not_a_ring, backend_register(variant->backend, pipes[0],
					       IORING_REGISTER_PROBE, NULL, 0));
}

TEST_F(ring, register_with_unknown_opcodes)
{
	static const unsigned int opcodes[] = {
		IORING_REGISTER_LAST, IORING_REGISTER_LAST + 1, 255, 256, 65536,
		0x7fffffff,
	};
	struct ring single;
	unsigned int i;
	int status;
	pid_t child;

	for (i = 0; i < ARRAY_SIZE(opcodes); i++)
		EXPECT_EQ(-EINVAL, ring_register(&self->ring, opcodes[i], NULL, 0));
	/* Whoever asks, also of a ring that is another task's. */
	ASSERT_EQ(0, ring_init(&single, variant->backend, 4, IORING_SETUP_SINGLE_ISSUER));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (ring_register(&single, IORING_UNREGISTER_FILES, NULL, 0) != -EEXIST)
			_exit(1);
		_exit(ring_register(&single, IORING_REGISTER_LAST, NULL, 0) != -EINVAL);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	ring_exit(&single);
}

TEST_F(ring, register_with_nonsense)
{
	unsigned int op, i;

	for (op = 0; op < IORING_REGISTER_LAST; op++)
		for (i = 1; i < ARRAY_SIZE(bad_pointers); i++) {
			EXPECT_GT(0, ring_register(&self->ring, op, bad_pointers[i], ~0u));
			EXPECT_GT(0, ring_register(&self->ring, op, bad_pointers[i], 1));
		}
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 0, 0);
}

/* The structures that carry the arguments are ruring's own. */
TEST(ioctls_with_bad_pointers)
{
	struct ring r;
	unsigned int i;

	ASSERT_EQ(0, ring_init(&r, RURING, 4, 0));
	for (i = 0; i < ARRAY_SIZE(bad_pointers); i++) {
		EXPECT_EQ(-1, ioctl(device_fd(), RURING_IOC_SETUP, bad_pointers[i]));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(-1, ioctl(r.fd, RURING_IOC_ENTER, bad_pointers[i]));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(-1, ioctl(r.fd, RURING_IOC_REGISTER, bad_pointers[i]));
		EXPECT_EQ(EFAULT, errno);
	}
	ring_exit(&r);
}

TEST(ioctls_with_reserved_fields)
{
	struct io_uring_params p = {};
	struct ruring_setup setup = {
		.params = (uintptr_t)&p,
		.entries = 4,
		.resv = 1,
	};
	struct ruring_enter enter = { .to_submit = 1, .index = 1 };
	struct ring r;

	EXPECT_EQ(-1, ioctl(device_fd(), RURING_IOC_SETUP, &setup));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, ring_init(&r, RURING, 4, 0));
	prep_nop(&r, 1);
	ring_publish(&r);
	EXPECT_EQ(-1, ioctl(r.fd, RURING_IOC_ENTER, &enter));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, *r.sq_head);
	ring_exit(&r);
}

TEST(ioctls_of_another_size_or_direction)
{
	static const unsigned int commands[] = {
		_IO(RURING_IOC_MAGIC, 1),
		_IOR(RURING_IOC_MAGIC, 1, struct ruring_enter),
		_IOW(RURING_IOC_MAGIC, 1, struct ruring_register),
		_IOW(RURING_IOC_MAGIC, 2, struct ruring_enter),
		_IOW(RURING_IOC_MAGIC, 3, struct ruring_enter),
		_IOW(RURING_IOC_MAGIC, 255, struct ruring_enter),
		_IOW('x', 1, struct ruring_enter),
	};
	char arg[256] = {};
	unsigned int i;
	struct ring r;

	ASSERT_EQ(0, ring_init(&r, RURING, 4, 0));
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		EXPECT_EQ(-1, ioctl(r.fd, commands[i], arg));
		EXPECT_EQ(ENOTTY, errno);
		EXPECT_EQ(-1, ioctl(device_fd(), commands[i], arg));
		EXPECT_EQ(ENOTTY, errno);
	}
	ring_exit(&r);
}

/* From here on it is the ring's memory that is not what it should be. */
TEST_F(ring, sq_tail_too_far)
{
	struct ring *r = &self->ring;

	/* what the queue holds, no more: NOPs in memory of zeroes */
	*r->sq_tail = 1000;
	EXPECT_EQ(16, ring_enter(r, ~0u, 0, 0));
	EXPECT_EQ(16, *r->sq_head);
	EXPECT_EQ(16, ring_drain(r));
	EXPECT_EQ(16, ring_enter(r, 500, 0, 0));
	EXPECT_EQ(32, *r->sq_head);
	EXPECT_EQ(16, ring_drain(r));
	*r->sq_tail = 32;
	EXPECT_EQ(0, ring_enter(r, 1, 0, 0));
}

TEST_F(ring, sq_tail_moved_back)
{
	struct ring *r = &self->ring;
	unsigned int i;

	for (i = 0; i < 10; i++)
		prep_nop(r, i);
	ASSERT_EQ(10, ring_submit(r));
	ASSERT_EQ(10, ring_drain(r));
	*r->sq_tail = 9;
	EXPECT_EQ(16, ring_enter(r, ~0u, 0, 0));
	EXPECT_EQ(26, *r->sq_head);
	EXPECT_EQ(16, ring_drain(r));
}

TEST_F(ring, sq_head_is_the_kernels)
{
	struct ring *r = &self->ring;

	*r->sq_head = 12345;
	*r->sq_tail = 0;
	EXPECT_EQ(0, ring_enter(r, 1, 0, 0));
	*r->sq_tail = 1;
	EXPECT_EQ(1, ring_enter(r, 5, 0, 0));
	EXPECT_EQ(1, *r->sq_head);
	EXPECT_EQ(1, ring_drain(r));
}

TEST_F(ring, cq_tail_is_the_kernels)
{
	struct ring *r = &self->ring;

	*r->cq_tail = 99;
	prep_nop(r, 7);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(1, *r->cq_tail);
	EXPECT_EQ(7, r->cqes[0].user_data);
}

TEST_F(ring, cq_head_too_far)
{
	static const unsigned int heads[] = { 1, 33, 1000, 0x7fffffff };
	struct ring *r = &self->ring;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		*r->cq_head = i + heads[i];
		prep_nop(r, i);
		ASSERT_EQ(1, ring_submit(r));
		EXPECT_EQ(i + 1, *r->cq_tail);
		EXPECT_EQ(i, r->cqes[i].user_data);
		EXPECT_EQ(0, ring_flags(r));
	}
	*r->cq_head = *r->cq_tail;
	prep_nop(r, 50);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 50, 0, 0);
}

TEST_F(ring, cq_head_too_far_back)
{
	struct ring *r = &self->ring;
	unsigned int i;

	/* the queue is full by that head, so everything waits */
	*r->cq_head = -100;
	for (i = 0; i < 40; i++) {
		prep_nop(r, i);
		ASSERT_EQ(1, ring_submit(r));
	}
	EXPECT_EQ(0, *r->cq_tail);
	EXPECT_EQ(IORING_SQ_CQ_OVERFLOW, ring_flags(r));
	*r->cq_head = 0;
	for (i = 0; i < 40; i++)
		ASSERT_CQE(r, i, 0, 0);
	EXPECT_EQ(0, ring_flags(r));
	EXPECT_EQ(0, *r->cq_overflow);
}

TEST_F(ring, masks_sizes_and_counters_are_the_kernels)
{
	struct ring *r = &self->ring;
	static const unsigned int values[] = { 0, 1, 0x80000000, ~0u };
	unsigned int i, n = 0, round;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		*(unsigned int *)(r->rings + r->params.sq_off.ring_mask) = values[i];
		*(unsigned int *)(r->rings + r->params.sq_off.ring_entries) = values[i];
		*(unsigned int *)(r->rings + r->params.cq_off.ring_mask) = values[i];
		*(unsigned int *)(r->rings + r->params.cq_off.ring_entries) = values[i];
		*(unsigned int *)(r->rings + r->params.cq_off.flags) = values[i];
		*r->sq_flags = values[i];
		*r->sq_dropped = values[i];
		*r->cq_overflow = values[i];
		for (round = 0; round < 50; round++, n++) {
			prep_nop(r, n);
			ASSERT_EQ(1, ring_submit(r));
			ASSERT_CQE(r, n, 0, 0);
		}
	}
}

/* Buffer groups full of nonsense. */
struct bench {
	struct pbuf pb;
	int sv[2];
};

static int bench_init(struct bench *b, struct ring *r, void *addr,
		      unsigned int len)
{
	unsigned int i;
	int ret = unix_pair(SOCK_STREAM, b->sv);

	if (!ret)
		ret = pbuf_init(&b->pb, r, 0, 4, 64);
	if (ret)
		return ret;
	for (i = 0; i < 4; i++)
		pbuf_add(&b->pb, addr, len, 0xfff0 + i);
	pbuf_publish(&b->pb);
	return write(b->sv[1], "hello", 5) == 5 ? 0 : -EIO;
}

static void bench_exit(struct bench *b)
{
	pbuf_exit(&b->pb);
	close(b->sv[0]);
	close(b->sv[1]);
}

TEST_F(ring, buffer_addresses_that_make_no_sense)
{
	static const unsigned int lens[] = { 1, 64, 0x7fffffff, 0x80000000, ~0u };
	struct ring *r = &self->ring;
	unsigned int i, j, multi;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 a buffer that cannot be is -EPERM");
	for (i = 0; i < ARRAY_SIZE(bad_pointers); i++)
		for (j = 0; j < ARRAY_SIZE(lens); j++)
			for (multi = 0; multi < 2; multi++) {
				struct io_uring_cqe cqe;
				struct bench b;

				ASSERT_EQ(0, bench_init(&b, r, bad_pointers[i], lens[j]));
				if (multi)
					prep_recv_multi(r, b.sv[0], 0, 1);
				else
					prep_recv_select(r, b.sv[0], 0, 0, 1);
				ASSERT_EQ(1, ring_submit(r));
				ASSERT_EQ(0, ring_take(r, &cqe));
				EXPECT_TRUE(cqe.res == -EFAULT || cqe.res == -ENOBUFS);
				EXPECT_EQ(0, cqe.flags);
				EXPECT_EQ(0, ring_ready(r));
				EXPECT_EQ(5, drain_socket(b.sv[0]));
				bench_exit(&b);
			}
}

TEST_F(ring, buffer_that_is_said_to_be_huge)
{
	struct ring *r = &self->ring;
	/* Not on the stack: one in four begins less than 4 GiB below the end of user memory. */
	static char buf[16];
	struct bench b;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 a buffer that cannot be is -EPERM");
	ASSERT_EQ(0, bench_init(&b, r, buf, ~0u));
	prep_recv_select(r, b.sv[0], 0, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, 5, BUFFER_FLAGS(0xfff0));
	EXPECT_STREQ("hello", buf);
}

TEST_F(ring, buffer_that_reaches_into_the_kernel)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	struct bench b;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 a buffer that cannot be is -EPERM");
	ASSERT_EQ(0, bench_init(&b, r, (void *)0x7fffffffe000, ~0u));
	prep_recv_select(r, b.sv[0], 0, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_TRUE(cqe.res == -EFAULT || cqe.res == -ENOBUFS);
	EXPECT_EQ(5, drain_socket(b.sv[0]));
}

TEST_F(ring, buffers_of_no_length)
{
	struct ring *r = &self->ring;
	struct bench b;
	struct io_uring_cqe cqe;
	char buf[16];

	ASSERT_EQ(0, bench_init(&b, r, buf, 0));
	prep_recv_select(r, b.sv[0], 0, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(0, cqe.res);
	EXPECT_EQ(0, cqe.flags & IORING_CQE_F_BUFFER);
	EXPECT_EQ(5, drain_socket(b.sv[0]));
}

TEST_F(ring, buffer_tail_too_far)
{
	struct ring *r = &self->ring;
	struct bench b;
	struct io_uring_cqe cqe;
	char buf[16];
	unsigned int i;

	ASSERT_EQ(0, bench_init(&b, r, buf, 1));
	b.pb.tail = 0xfffe;
	pbuf_publish(&b.pb);
	/* round and round: the mask decides where the entries are */
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(1, write(b.sv[1], "x", 1));
		prep_recv_select(r, b.sv[0], 0, 0, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(1, cqe.res);
		EXPECT_EQ(0xfff0 + i % 4, cqe_bid(&cqe));
	}
}

TEST_HARNESS_MAIN
