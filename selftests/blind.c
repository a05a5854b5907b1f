// SPDX-License-Identifier: GPL-2.0
/*
 * The registrations that need no ring, SEND_MSG_RING and QUERY, and what ruring has
 * on its device for them.
 */
#include <linux/io_uring/query.h>
#include <sys/mman.h>

#define RING_MODES
#include "fixture.h"

/* io_uring_register(-1, ...) */
static int blind(const struct ring *r, unsigned int op, const void *arg, unsigned int nr)
{
	return backend_register(r->backend, r->backend == RURING ? device_fd() : -1, op, arg, nr);
}

static struct io_uring_sqe message(int fd, int res, __u64 data)
{
	return (struct io_uring_sqe) {
		.opcode = IORING_OP_MSG_RING,
		.fd = fd,
		.addr = IORING_MSG_DATA,
		.len = res,
		.off = data,
	};
}

static int sends(const struct ring *r, const struct io_uring_sqe *sqe)
{
	return blind(r, IORING_REGISTER_SEND_MSG_RING, sqe, 1);
}

TEST_F(ring, a_message)
{
	struct io_uring_sqe sqe = message(self->ring.fd, 0x1234, 0x0123456789abcdef);
	struct ring *r = &self->ring;

	ASSERT_EQ(0, sends(r, &sqe));
	ASSERT_CQE(r, 0x0123456789abcdef, 0x1234, 0);
	sqe.msg_ring_flags = IORING_MSG_RING_FLAGS_PASS;
	sqe.file_index = 0x42;
	ASSERT_EQ(0, sends(r, &sqe));
	ASSERT_CQE(r, 0x0123456789abcdef, 0x1234, 0x42);
	ASSERT_QUIET(r);
}

TEST_F(ring, messages_that_are_refused)
{
	struct ring *r = &self->ring, disabled;
	struct io_uring_sqe sqe;

	sqe = message(r->fd, 1, 1);
	EXPECT_EQ(-EINVAL, blind(r, IORING_REGISTER_SEND_MSG_RING, &sqe, 0));
	EXPECT_EQ(-EINVAL, blind(r, IORING_REGISTER_SEND_MSG_RING, &sqe, 2));
	EXPECT_EQ(-EINVAL, sends(r, NULL));
	EXPECT_EQ(-EFAULT, sends(r, (void *)8));
	sqe.flags = IOSQE_ASYNC;
	EXPECT_EQ(-EINVAL, sends(r, &sqe));
	sqe = message(r->fd, 1, 1);
	sqe.opcode = IORING_OP_NOP;
	EXPECT_EQ(-EINVAL, sends(r, &sqe));
	sqe = message(r->fd, 1, 1);
	sqe.addr = IORING_MSG_SEND_FD;
	sqe.len = 0;
	EXPECT_EQ(-EINVAL, sends(r, &sqe));
	sqe = message(r->fd, 1, 1);
	sqe.msg_ring_flags = IORING_MSG_RING_CQE_SKIP;
	EXPECT_EQ(-EINVAL, sends(r, &sqe));
	sqe = message(-1, 1, 1);
	EXPECT_EQ(-EBADF, sends(r, &sqe));
	/* that there is no ring is found first */
	sqe.msg_ring_flags = IORING_MSG_RING_CQE_SKIP;
	EXPECT_EQ(-EBADF, sends(r, &sqe));
	sqe.addr = IORING_MSG_SEND_FD;
	EXPECT_EQ(-EINVAL, sends(r, &sqe));
	sqe = message(STDERR_FILENO, 1, 1);
	EXPECT_EQ(-EBADFD, sends(r, &sqe));
	ASSERT_EQ(0, ring_init(&disabled, variant->backend, 4, variant->flags | IORING_SETUP_R_DISABLED));
	sqe = message(disabled.fd, 1, 1);
	EXPECT_EQ(-EBADFD, sends(r, &sqe));
	ring_exit(&disabled);
	ASSERT_QUIET(r);
}

TEST_F(ring, nothing_else_without_a_ring)
{
	struct ring *r = &self->ring;

	EXPECT_EQ(-EINVAL, blind(r, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	EXPECT_EQ(-EINVAL, blind(r, IORING_UNREGISTER_BUFFERS, NULL, 0));
	EXPECT_EQ(-EINVAL, blind(r, 9999, NULL, 0));
	/* and a message not with one */
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_SEND_MSG_RING,
					 (struct io_uring_sqe []) { message(r->fd, 1, 1) }, 1));
	ASSERT_QUIET(r);
}

static struct io_uring_query_hdr question(unsigned int op, void *data, unsigned int size)
{
	return (struct io_uring_query_hdr) {
		.query_op = op,
		.query_data = (uintptr_t)data,
		.size = size,
	};
}

TEST_F(ring, what_there_is)
{
	struct io_uring_query_opcode ops = {};
	struct io_uring_query_scq scq = {};
	struct io_uring_query_hdr hdr;
	struct ring *r = &self->ring;
	int with_ring;

	for (with_ring = 0; with_ring < 2; with_ring++) {
		hdr = question(IO_URING_QUERY_OPCODES, &ops, sizeof(ops));
		ASSERT_EQ(0, with_ring ? ring_register(r, IORING_REGISTER_QUERY, &hdr, 0) :
			  blind(r, IORING_REGISTER_QUERY, &hdr, 0));
		EXPECT_EQ(0, hdr.result);
		EXPECT_EQ(sizeof(ops), hdr.size);
		EXPECT_EQ(IORING_OP_LAST, ops.nr_request_opcodes);
		EXPECT_EQ(IORING_REGISTER_LAST, ops.nr_register_opcodes);
		EXPECT_EQ(r->params.features, ops.feature_flags);
		EXPECT_EQ(0x7f, ops.sqe_flags);
		EXPECT_EQ(4, ops.nr_query_opcodes);
		/* What it says can be set up can be. */
		EXPECT_EQ(r->params.flags, r->params.flags & ops.ring_setup_flags);
		EXPECT_TRUE(ops.enter_flags & IORING_ENTER_GETEVENTS);
		memset(&ops, 0xff, sizeof(ops));
	}
	hdr = question(IO_URING_QUERY_SCQ, &scq, sizeof(scq));
	ASSERT_EQ(0, blind(r, IORING_REGISTER_QUERY, &hdr, 0));
	EXPECT_EQ(0, hdr.result);
	EXPECT_EQ(r->params.cq_off.cqes, scq.hdr_size);
	EXPECT_EQ(64, scq.hdr_alignment);
}

TEST_F(ring, questions)
{
	struct io_uring_query_hdr hdr, next;
	struct ring *r = &self->ring;
	unsigned char room[4096];
	__u32 first[2] = {};
	unsigned int i;

	/* less room than it takes, and more */
	hdr = question(IO_URING_QUERY_OPCODES, first, sizeof(first));
	ASSERT_EQ(0, blind(r, IORING_REGISTER_QUERY, &hdr, 0));
	EXPECT_EQ(0, hdr.result);
	EXPECT_EQ(sizeof(first), hdr.size);
	EXPECT_EQ(IORING_OP_LAST, first[0]);
	memset(room, 0xff, sizeof(room));
	hdr = question(IO_URING_QUERY_OPCODES, room, sizeof(room));
	ASSERT_EQ(0, blind(r, IORING_REGISTER_QUERY, &hdr, 0));
	EXPECT_EQ(sizeof(struct io_uring_query_opcode), hdr.size);
	EXPECT_EQ(0, memcmp(room, first, sizeof(first)));
	for (i = sizeof(struct io_uring_query_opcode); i < sizeof(room); i++)
		ASSERT_EQ(0, room[i]);
	/* what is wrong with one of them does not concern the next one */
	memset(room, 0xff, sizeof(room));
	memset(first, 0, sizeof(first));
	hdr = question(99, room, 100);
	next = question(IO_URING_QUERY_OPCODES, first, sizeof(first));
	hdr.next_entry = (uintptr_t)&next;
	ASSERT_EQ(0, blind(r, IORING_REGISTER_QUERY, &hdr, 0));
	EXPECT_EQ(-EOPNOTSUPP, hdr.result);
	EXPECT_EQ(0, hdr.size);
	EXPECT_EQ(0, room[0] | room[99]);
	EXPECT_EQ(0xff, room[100]);
	EXPECT_EQ(IORING_OP_LAST, first[0]);
	hdr = question(IO_URING_QUERY_OPCODES, room, 0);
	ASSERT_EQ(0, blind(r, IORING_REGISTER_QUERY, &hdr, 0));
	EXPECT_EQ(-EINVAL, hdr.result);
	hdr = question(IO_URING_QUERY_OPCODES, room, 8);
	hdr.__resv[2] = 1;
	ASSERT_EQ(0, blind(r, IORING_REGISTER_QUERY, &hdr, 0));
	EXPECT_EQ(-EINVAL, hdr.result);
	EXPECT_EQ(0, hdr.size);
	/* and what cannot be said to it */
	hdr = question(IO_URING_QUERY_OPCODES, room, 4097);
	EXPECT_EQ(-E2BIG, blind(r, IORING_REGISTER_QUERY, &hdr, 0));
	hdr = question(IO_URING_QUERY_OPCODES, (void *)8, 8);
	EXPECT_EQ(-EFAULT, blind(r, IORING_REGISTER_QUERY, &hdr, 0));
	EXPECT_EQ(-EFAULT, blind(r, IORING_REGISTER_QUERY, (void *)8, 0));
	EXPECT_EQ(-EINVAL, blind(r, IORING_REGISTER_QUERY, &hdr, 1));
	EXPECT_EQ(0, blind(r, IORING_REGISTER_QUERY, NULL, 0));
	/* for ever */
	hdr = question(99, room, 8);
	hdr.next_entry = (uintptr_t)&hdr;
	EXPECT_EQ(-ERANGE, blind(r, IORING_REGISTER_QUERY, &hdr, 0));
}

TEST_HARNESS_MAIN
