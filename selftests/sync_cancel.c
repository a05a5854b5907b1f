// SPDX-License-Identifier: GPL-2.0
/*
 * IORING_REGISTER_SYNC_CANCEL, of requests that wait. What a worker has is in
 * worker_busy.c.
 */
#include <poll.h>

#define RING_MODES
#include "fixture.h"

static int sync_cancel(struct ring *r, __u64 target, unsigned int flags)
{
	struct io_uring_sync_cancel_reg reg = { .addr = target, .flags = flags };

	return ring_register(r, IORING_REGISTER_SYNC_CANCEL, &reg, 1);
}

static int sync_cancel_fd(struct ring *r, int fd, __u64 target, unsigned int flags)
{
	struct io_uring_sync_cancel_reg reg = {
		.addr = target,
		.fd = fd,
		.flags = flags | IORING_ASYNC_CANCEL_FD,
	};

	return ring_register(r, IORING_REGISTER_SYNC_CANCEL, &reg, 1);
}

TEST_F(ring, nothing_to_cancel)
{
	EXPECT_EQ(-ENOENT, sync_cancel(&self->ring, 1, 0));
	EXPECT_EQ(0, sync_cancel(&self->ring, 1, IORING_ASYNC_CANCEL_ALL));
	EXPECT_EQ(0, sync_cancel(&self->ring, 1, IORING_ASYNC_CANCEL_ANY));
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(-ENOENT, sync_cancel(&self->ring, 1, 0));
}

/* Where a descriptor is named there has to be one, also if any request is meant. */
TEST_F(ring, of_no_file)
{
	EXPECT_EQ(-EBADF, sync_cancel_fd(&self->ring, 4000, 1, 0));
	EXPECT_EQ(-EBADF, sync_cancel_fd(&self->ring, 4000, 1, IORING_ASYNC_CANCEL_ANY));
	EXPECT_EQ(-EBADF, sync_cancel_fd(&self->ring, 0, 1, IORING_ASYNC_CANCEL_ANY |
					 IORING_ASYNC_CANCEL_FD_FIXED));
	EXPECT_EQ(0, sync_cancel_fd(&self->ring, 0, 1, IORING_ASYNC_CANCEL_ANY));
}

TEST_F(ring, one_and_all)
{
	struct ring *r = &self->ring;
	unsigned int i;
	int sv[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < 6; i++) {
		prep_recv(r, sv[0], &c, 1, i < 5 ? 7 : 8);
		ASSERT_EQ(1, ring_submit(r));
	}
	EXPECT_EQ(0, sync_cancel(r, 7, 0));
	ASSERT_CQE(r, 7, -ECANCELED, 0);
	ASSERT_QUIET(r);
	EXPECT_EQ(4, sync_cancel(r, 7, IORING_ASYNC_CANCEL_ALL));
	for (i = 0; i < 4; i++)
		ASSERT_CQE(r, 7, -ECANCELED, 0);
	ASSERT_QUIET(r);
	EXPECT_EQ(1, sync_cancel(r, 0, IORING_ASYNC_CANCEL_ANY));
	ASSERT_CQE(r, 8, -ECANCELED, 0);
	EXPECT_EQ(-ENOENT, sync_cancel(r, 8, 0));
}

TEST_F(ring, by_file_and_opcode)
{
	struct ring *r = &self->ring;
	struct io_uring_sync_cancel_reg by_op = {
		.flags = IORING_ASYNC_CANCEL_OP | IORING_ASYNC_CANCEL_ALL,
		.opcode = IORING_OP_POLL_ADD,
	};
	int sv[2], other[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, other));
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_FILES, other, 2));
	prep_recv(r, sv[0], &c, 1, 1);
	prep_recv(r, sv[1], &c, 1, 2);
	prep_recv(r, 1, &c, 1, 3)->flags = IOSQE_FIXED_FILE;
	prep_poll(r, sv[0], POLLIN, 4);
	prep_poll(r, other[0], POLLIN, 5);
	ASSERT_EQ(5, ring_submit(r));
	EXPECT_EQ(0, sync_cancel_fd(r, sv[1], 0, 0));
	ASSERT_CQE(r, 2, -ECANCELED, 0);
	EXPECT_EQ(-ENOENT, sync_cancel_fd(r, sv[1], 0, 0));
	EXPECT_EQ(-ENOENT, sync_cancel_fd(r, sv[0], 3, IORING_ASYNC_CANCEL_USERDATA));
	EXPECT_EQ(0, sync_cancel_fd(r, 1, 0, IORING_ASYNC_CANCEL_FD_FIXED));
	ASSERT_CQE(r, 3, -ECANCELED, 0);
	EXPECT_EQ(2, ring_register(r, IORING_REGISTER_SYNC_CANCEL, &by_op, 1));
	ASSERT_EQ(0, ring_wait(r, 2));
	EXPECT_EQ(2, ring_drain(r));
	EXPECT_EQ(0, sync_cancel_fd(r, sv[0], 1, IORING_ASYNC_CANCEL_USERDATA));
	ASSERT_CQE(r, 1, -ECANCELED, 0);
	ASSERT_QUIET(r);
}

static bool all_is_submitted(void *arg)
{
	struct ring *r = arg;

	return __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE) == r->prepared;
}

TEST_F(ring, what_a_thread_has_submitted)
{
	struct ring r;
	int sv[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, IORING_SETUP_SQPOLL));
	prep_recv(&r, sv[0], &c, 1, 7);
	prep_recv(&r, sv[0], &c, 1, 7);
	prep_poll(&r, sv[0], POLLIN, 8);
	ring_publish(&r);
	ASSERT_EQ(3, ring_enter(&r, 3, 0, IORING_ENTER_SQ_WAKEUP));
	ASSERT_TRUE(wait_until(all_is_submitted, &r));
	EXPECT_EQ(2, sync_cancel(&r, 7, IORING_ASYNC_CANCEL_ALL));
	ASSERT_CQE(&r, 7, -ECANCELED, 0);
	ASSERT_CQE(&r, 7, -ECANCELED, 0);
	EXPECT_EQ(-ENOENT, sync_cancel(&r, 7, 0));
	EXPECT_EQ(0, sync_cancel_fd(&r, sv[0], 0, 0));
	ASSERT_CQE(&r, 8, -ECANCELED, 0);
	ASSERT_QUIET(&r);
	ring_exit(&r);
}

TEST_F(ring, bad_input)
{
	struct ring *r = &self->ring;
	struct io_uring_sync_cancel_reg reg = {};
	unsigned char *bytes = (void *)&reg;
	unsigned int i;

	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_SYNC_CANCEL, NULL, 1));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_SYNC_CANCEL, &reg, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_SYNC_CANCEL, &reg, 2));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_SYNC_CANCEL, (void *)8, 1));
	for (i = offsetof(struct io_uring_sync_cancel_reg, pad); i < sizeof(reg); i++) {
		bytes[i] = 1;
		EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_SYNC_CANCEL, &reg, 1));
		bytes[i] = 0;
	}
	for (i = 6; i < 32; i++)
		EXPECT_EQ(-EINVAL, sync_cancel(r, 0, 1u << i));
	EXPECT_EQ(-EBADF, sync_cancel_fd(r, -1, 0, 0));
	EXPECT_EQ(-EBADF, sync_cancel_fd(r, 999, 0, IORING_ASYNC_CANCEL_ALL));
	EXPECT_EQ(-EBADF, sync_cancel_fd(r, 0, 0, IORING_ASYNC_CANCEL_FD_FIXED));
	/* times that are none do not matter as long as nothing is waited for */
	reg.timeout.tv_sec = -5;
	reg.timeout.tv_nsec = ~0ull >> 1;
	EXPECT_EQ(-ENOENT, ring_register(r, IORING_REGISTER_SYNC_CANCEL, &reg, 1));
}

TEST_HARNESS_MAIN
