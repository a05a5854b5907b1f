// SPDX-License-Identifier: GPL-2.0
/*
 * What a request that fails, or cannot be done at all, means for those around
 * it: what is linked to it, what is behind it in its submission, who looks on.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define RING_MODES
#include "files.h"

#define NOWHERE_FD	4000

/* What comes of a request and of a NOP that is linked behind it. */
#define ASSERT_LINKED(r, result, nop_result) do {			\
	struct io_uring_cqe _cqe = {};					\
	prep_nop(r, 2);							\
	ASSERT_EQ(2, ring_submit(r));					\
	ASSERT_EQ(0, ring_take(r, &_cqe));				\
	ASSERT_EQ(1, _cqe.user_data);					\
	EXPECT_EQ(result, _cqe.res);					\
	ASSERT_CQE(r, 2, nop_result, 0);				\
} while (0)

static void linked(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_IO_LINK;
}

static void skips(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

/* io_uring does not count what becomes of these as a failure. */
TEST_F(ring, failures_that_break_no_link)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	linked(prep(r, IORING_OP_FSYNC, sv[0], NULL, 0, 1));
	ASSERT_LINKED(r, -EINVAL, 0);
	/* its length is in addr */
	linked(prep(r, IORING_OP_FALLOCATE, sv[0], (void *)1, 0, 1));
	ASSERT_LINKED(r, -ENODEV, 0);
	linked(prep(r, IORING_OP_SHUTDOWN, sv[0], NULL, 7, 1));
	ASSERT_LINKED(r, -EINVAL, 0);
	if (ring_op_supported(r, IORING_OP_MKDIRAT)) {
		linked(prep(r, IORING_OP_MKDIRAT, AT_FDCWD, "/", 0777, 1));
		ASSERT_LINKED(r, -EEXIST, 0);
	}
	if (ring_op_supported(r, IORING_OP_FTRUNCATE)) {
		linked(prep(r, IORING_OP_FTRUNCATE, sv[0], NULL, 0, 1));
		ASSERT_LINKED(r, -EINVAL, 0);
	}
	/* there is no table to put it into */
	linked(prep_socket(r, IORING_FILE_INDEX_ALLOC, 1));
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_GT(0, cqe.res);
	ASSERT_CQE(r, 2, 0, 0);
}

TEST_F(ring, failures_of_the_same_that_do)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	linked(prep(r, IORING_OP_FSYNC, NOWHERE_FD, NULL, 0, 1));
	ASSERT_LINKED(r, -EBADF, -ECANCELED);
	linked(prep(r, IORING_OP_FALLOCATE, NOWHERE_FD, (void *)1, 0, 1));
	ASSERT_LINKED(r, -EBADF, -ECANCELED);
	linked(prep(r, IORING_OP_SHUTDOWN, self->ring.fd, NULL, SHUT_WR, 1));
	ASSERT_LINKED(r, -ENOTSOCK, -ECANCELED);
	linked(prep(r, IORING_OP_SOCKET, 4711, NULL, 0, 1));
	ASSERT_LINKED(r, -EAFNOSUPPORT, -ECANCELED);
}

/* Nor does one that skips its completion tell of them. */
TEST_F(ring, failures_that_are_not_told_of)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	sqe = prep(r, IORING_OP_FALLOCATE, sv[0], (void *)1, 0, 1);
	linked(sqe);
	skips(sqe);
	sqe = prep(r, IORING_OP_SHUTDOWN, sv[0], NULL, 7, 2);
	linked(sqe);
	skips(sqe);
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 3, 0, 0);
	ASSERT_QUIET(r);
}

/* The first one that fails says whether the rest of its link is told of. */
TEST_F(ring, skipping_in_a_link_that_fails)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int sv[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	linked(prep_recv(r, sv[0], &c, 1, 1));
	sqe = prep_nop(r, 2);
	linked(sqe);
	skips(sqe);
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	prep_cancel(r, 1, 0, 4);
	ASSERT_EQ(1, ring_submit(r));
	/* whose order nobody promises */
	ASSERT_EQ(0, ring_wait(r, 4));
	ASSERT_EQ(4, ring_drain(r));

	sqe = prep_nop(r, 1);
	sqe->nop_flags = 1u << 20;
	linked(sqe);
	skips(sqe);
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, -EINVAL, 0);
	ASSERT_QUIET(r);
}

/* A submission ends with what cannot be done at all, and so with a limit of nothing. */
TEST_F(ring, limit_of_nothing_ends_the_submission)
{
	struct __kernel_timespec ts = { .tv_sec = 1 };
	struct ring *r = &self->ring;

	prep(r, IORING_OP_LINK_TIMEOUT, -1, &ts, 1, 1);
	prep_nop(r, 2);
	ring_publish(r);
	ASSERT_EQ(1, ring_enter(r, 2, 0, 0));
	ASSERT_CQE(r, 1, -EINVAL, 0);
	ASSERT_EQ(0, ring_ready(r));
	ASSERT_EQ(1, ring_enter(r, 1, 0, 0));
	ASSERT_CQE(r, 2, 0, 0);
}

/* Nor does one go on behind a buffer that no program can have, whose link is not begun then. */
TEST_F(ring, buffer_that_cannot_be)
{
	static const int ops[] = { IORING_OP_RECV, IORING_OP_SEND, IORING_OP_READ };
	struct ring *r = &self->ring;
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		prep(r, ops[i], sv[0], (void *)0xffff888000000000, 8, 1);
		prep_nop(r, 2);
		ring_publish(r);
		ASSERT_EQ(1, ring_enter(r, 2, 0, 0));
		ASSERT_CQE(r, 1, -EFAULT, 0);
		ASSERT_EQ(0, ring_ready(r));
		ASSERT_EQ(1, ring_enter(r, 1, 0, 0));
		ASSERT_CQE(r, 2, 0, 0);
		/* before there is a file to look up */
		prep(r, ops[i], NOWHERE_FD, (void *)0xffff888000000000, 8, 1);
		ASSERT_RESULT(r, -EFAULT);
		linked(prep_nop(r, 1));
		prep(r, ops[i], sv[0], (void *)0xffff888000000000, 8, 2);
		ASSERT_EQ(2, ring_submit(r));
		ASSERT_CQE(r, 1, -ECANCELED, 0);
		ASSERT_CQE(r, 2, -EFAULT, 0);
	}
}

/* A timeout counts from when it begins: not what was over before it in its link. */
TEST_F(ring, timeout_that_counts_behind_others)
{
	struct __kernel_timespec ts = { .tv_sec = 1000 };
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;

	prep_nop(r, 1);
	linked(prep_nop(r, 2));
	prep(r, IORING_OP_TIMEOUT, -1, &ts, 1, 3)->off = 2;
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_LE(0, ring_run(r));
	ASSERT_EQ(0, ring_ready(r));
	prep_nop(r, 4);
	ASSERT_COMPLETES(r, 4, 0, 0);
	ASSERT_LE(0, ring_run(r));
	ASSERT_EQ(0, ring_ready(r));
	prep_nop(r, 5);
	ASSERT_COMPLETES(r, 5, 0, 0);
	ASSERT_CQE(r, 3, 0, 0);

	/* whether the completion of the first one counts depends on when io_uring's task work runs */
	if (variant->backend == IO_URING && variant->flags)
		return;
	sqe = prep(r, IORING_OP_TIMEOUT, -1, &ts, 1, 1);
	sqe->off = 2;
	linked(sqe);
	prep(r, IORING_OP_TIMEOUT, -1, &ts, 1, 2)->off = 2;
	ASSERT_EQ(2, ring_submit(r));
	prep_nop(r, 3);
	prep_nop(r, 4);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 3, 0, 0);
	ASSERT_CQE(r, 4, 0, 0);
	ASSERT_CQE(r, 1, 0, 0);
	prep_nop(r, 5);
	ASSERT_COMPLETES(r, 5, 0, 0);
	ASSERT_LE(0, ring_run(r));
	ASSERT_EQ(0, ring_ready(r));
	prep_nop(r, 6);
	ASSERT_COMPLETES(r, 6, 0, 0);
	ASSERT_CQE(r, 2, 0, 0);
}

/* What is behind one that was to drain waits for all before it, also if that one is refused. */
TEST_F(ring, refused_one_that_drains)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int sv[2], round;
	char c;

	for (round = 0; round < 3; round++) {
		/* io_uring may go on draining for a moment, after what drained is over */
		if (round) {
			ring_exit(r);
			ASSERT_EQ(0, ring_init(r, variant->backend, 16, variant->flags));
		}
		ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
		prep_recv(r, sv[0], &c, 1, 1);
		ASSERT_EQ(1, ring_submit(r));
		sqe = prep_nop(r, 2);
		sqe->flags = IOSQE_IO_DRAIN;
		sqe->nop_flags = 1u << 20;
		/* one without an opcode or with a flag that there is not drains nothing */
		if (round == 1)
			sqe->opcode = 255;
		if (round == 2)
			sqe->flags |= 1u << 7;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_CQE(r, 2, -EINVAL, 0);
		prep_nop(r, 3);
		ASSERT_EQ(1, ring_submit_and_run(r));
		ASSERT_EQ(round ? 1 : 0, ring_ready(r));
		ASSERT_EQ(1, write(sv[1], "x", 1));
		ASSERT_EQ(0, ring_wait(r, 2));
		ASSERT_EQ(2, ring_drain(r));
		/* it is over with it */
		prep_nop(r, 4);
		ASSERT_COMPLETES(r, 4, 0, 0);
		ASSERT_QUIET(r);
		close(sv[0]);
		close(sv[1]);
	}
}

/* One within a link has what comes behind that drain as well, also if all of it is over by then. */
TEST_F(ring, what_comes_behind_a_link_that_drains)
{
	struct ring *r = &self->ring;
	int sv[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	linked(prep_nop(r, 1));
	prep_nop(r, 2)->flags = IOSQE_IO_DRAIN;
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	ASSERT_CQE(r, 2, 0, 0);
	prep_recv(r, sv[0], &c, 1, 3);
	prep_nop(r, 4);
	ASSERT_EQ(2, ring_submit_and_run(r));
	ASSERT_LE(0, ring_run(r));
	ASSERT_EQ(0, ring_ready(r));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(r, 3, 1, 0);
	ASSERT_CQE(r, 4, 0, 0);
	prep_nop(r, 5);
	ASSERT_COMPLETES(r, 5, 0, 0);
	ASSERT_QUIET(r);
}

/* One call submits and waits for one that fails and drains, and for what is behind it. */
TEST_F(ring, wait_for_what_drains_and_fails)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	prep(r, IORING_OP_SOCKET, AF_INET, NULL, 0, 1)->flags = IOSQE_IO_DRAIN;
	prep(r, IORING_OP_WRITE, sv[0], "x", 1, 2);
	ring_publish(r);
	ASSERT_EQ(2, ring_enter(r, 2, 1, IORING_ENTER_GETEVENTS));
	ASSERT_EQ(0, ring_wait(r, 2));
	ASSERT_CQE(r, 1, -ESOCKTNOSUPPORT, 0);
	ASSERT_CQE(r, 2, 1, 0);
}

TEST_F(ring, commands_of_sockets_that_there_are_not)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	/* time stamps need larger completions */
	prep(&self->ring, IORING_OP_URING_CMD, sv[0], NULL, 0, 1)->cmd_op = 4;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep(&self->ring, IORING_OP_URING_CMD, sv[0], NULL, 0, 1)->cmd_op = 4711;
	ASSERT_RESULT(&self->ring, -EOPNOTSUPP);
}

/* A multishot request with IOSQE_ASYNC waits for an event first, whatever it says of waiting. */
TEST_F(ring, asynchronous_multishots_wait)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int sv[2], listener = tcp_listen(&addr), client;
	struct pbuf pb;

	ASSERT_EQ(0, pbuf_init(&pb, r, 3, 4, 64));
	pbuf_fill(&pb);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	sqe = prep_recv_multi(r, sv[0], 3, 1);
	sqe->flags |= IOSQE_ASYNC;
	sqe->msg_flags = MSG_DONTWAIT;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(3, write(sv[1], "one", 3));
	ASSERT_CQE(r, 1, 3, BUFFER_FLAGS(0) | IORING_CQE_F_MORE);
	ASSERT_QUIET(r);
	ASSERT_EQ(3, write(sv[1], "two", 3));
	ASSERT_CQE(r, 1, 3, BUFFER_FLAGS(1) | IORING_CQE_F_MORE);

	sqe = prep_accept_multi(r, listener, 2);
	sqe->flags |= IOSQE_ASYNC;
	sqe->ioprio |= IORING_ACCEPT_DONTWAIT;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(2, cqe.user_data);
	EXPECT_LE(0, cqe.res);
	EXPECT_TRUE(cqe.flags & IORING_CQE_F_MORE);

	/* without it they do not */
	sqe = prep_accept_multi(r, listener, 3);
	sqe->ioprio |= IORING_ACCEPT_DONTWAIT;
	ASSERT_COMPLETES(r, 3, -EAGAIN, 0);
}

/* As does one behind others that drain. */
TEST_F(ring, draining_multishots_wait)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	struct pbuf pb;
	int sv[2];

	ASSERT_EQ(0, pbuf_init(&pb, r, 3, 4, 64));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	sqe = prep_recv_multi(r, sv[0], 3, 1);
	sqe->flags |= IOSQE_IO_DRAIN;
	ASSERT_EQ(1, ring_submit_and_run(r));
	/* one that had been tried would have ended for want of a buffer */
	ASSERT_LE(0, ring_run(r));
	ASSERT_EQ(0, ring_ready(r));
	pbuf_fill(&pb);
	ASSERT_EQ(3, write(sv[1], "one", 3));
	ASSERT_CQE(r, 1, 3, BUFFER_FLAGS(0) | IORING_CQE_F_MORE);
}

/* What cannot be waited for is not accepted from either. */
TEST_F(ring, accept_that_cannot_be_waited_for)
{
	int fd = new_file(false);
	struct io_uring_sqe *sqe;

	ASSERT_LE(0, fd);
	prep_accept(&self->ring, fd, 1)->ioprio = IORING_ACCEPT_POLL_FIRST;
	ASSERT_RESULT(&self->ring, -EAGAIN);
	sqe = prep_accept_multi(&self->ring, fd, 1);
	sqe->ioprio |= IORING_ACCEPT_POLL_FIRST;
	ASSERT_RESULT(&self->ring, -EBADFD);
	prep_accept(&self->ring, fd, 1);
	ASSERT_RESULT(&self->ring, -ENOTSOCK);
	close(fd);
}

/* A multishot read wants a buffer only when there is something to be read. */
TEST_F(ring, last_buffer_of_a_multishot_read)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	struct pbuf pb;
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, pbuf_init(&pb, r, 3, 2, 64));
	pbuf_push(&pb, 0);
	sqe = prep(r, IORING_OP_READ_MULTISHOT, fds[0], NULL, 0, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = 3;
	sqe->off = -1;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(1, write(fds[1], "x", 1));
	ASSERT_CQE(r, 1, 1, BUFFER_FLAGS(0) | IORING_CQE_F_MORE);
	ASSERT_QUIET(r);
	pbuf_push(&pb, 1);
	ASSERT_EQ(1, write(fds[1], "y", 1));
	ASSERT_CQE(r, 1, 1, BUFFER_FLAGS(1) | IORING_CQE_F_MORE);
	ASSERT_QUIET(r);
	ASSERT_EQ(1, write(fds[1], "z", 1));
	ASSERT_CQE(r, 1, -ENOBUFS, 0);
	close(fds[0]);
	close(fds[1]);
}

/* Who watches a ring with edges hears of a completion for which there is no room. */
TEST_F(ring, overflow_is_an_edge)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct ring small;
	int ep = epoll_create1(0);

	ASSERT_EQ(0, ring_init_cq(&small, variant->backend, 2, 2, variant->flags));
	prep_nop(&small, 1);
	prep_nop(&small, 2);
	ASSERT_EQ(2, ring_submit(&small));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, small.fd, &event));
	EXPECT_EQ(1, epoll_wait(ep, &event, 1, 0));
	EXPECT_EQ(0, epoll_wait(ep, &event, 1, 0));
	prep_nop(&small, 3);
	ASSERT_EQ(1, ring_submit(&small));
	EXPECT_EQ(1, epoll_wait(ep, &event, 1, 0));
	close(ep);
	ring_exit(&small);
}

/* The end of a timeout is its timer's, whoever has started it. */
TEST_F(ring, timeout_is_no_workers)
{
	struct __kernel_timespec ts = {};
	int fd = eventfd(0, EFD_NONBLOCK);
	eventfd_t value;

	ASSERT_EQ(0, ring_register(&self->ring, IORING_REGISTER_EVENTFD_ASYNC, &fd, 1));
	prep(&self->ring, IORING_OP_TIMEOUT, -1, &ts, 1, 1)->flags = IOSQE_ASYNC;
	ASSERT_COMPLETES(&self->ring, 1, -ETIME, 0);
	EXPECT_EQ(-1, eventfd_read(fd, &value));
}

/*
 * A request with IOSQE_ASYNC is found before anybody has tried it. In io_uring a
 * worker may just be at it.
 */
TEST_F(ring, cancel_of_what_is_on_its_way)
{
	struct ring *r = &self->ring;
	struct io_uring_sync_cancel_reg reg = { .addr = 1, .timeout = { -1, -1 } };
	struct io_uring_cqe cqe;
	int sv[2], i, ret;
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(r, sv[0], &c, 1, 1)->flags = IOSQE_ASYNC;
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		if (cqe.user_data == 1 && variant->backend == RURING)
			EXPECT_EQ(-ECANCELED, cqe.res);
		if (cqe.user_data == 2 && cqe.res != -EALREADY)
			EXPECT_EQ(0, cqe.res);
		if (cqe.user_data == 2 && variant->backend == RURING)
			EXPECT_EQ(0, cqe.res);
	}
	prep_recv(r, sv[0], &c, 1, 1)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(r));
	ret = ring_register(r, IORING_REGISTER_SYNC_CANCEL, &reg, 1);
	EXPECT_EQ(0, ret);
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(1, cqe.user_data);
	EXPECT_TRUE(cqe.res == -ECANCELED || cqe.res == -EINTR);
	/* so nobody takes this */
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_QUIET(r);
	EXPECT_EQ(1, recv(sv[0], &c, 1, MSG_DONTWAIT));
	/* a cancel that is on its way itself is none of those that it finds */
	prep_cancel(r, 0, IORING_ASYNC_CANCEL_ANY, 3)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	if (variant->backend == RURING)
		EXPECT_EQ(0, cqe.res);
	ASSERT_QUIET(r);
}

TEST_HARNESS_MAIN
