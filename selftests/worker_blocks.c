// SPDX-License-Identifier: GPL-2.0
/*
 * What io_uring has a worker do, which sleeps for it: a stream then takes all of what is sent, also without MSG_WAITALL. And what
 * a worker is seen in.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define RING_MODES
#include "fixture.h"

#define BIG (4 << 20)

/* All, or as much as there was room for: on io_uring that may be all, if a worker goes on with it or who reads is quick. */
#define EXPECT_SENT(all, res) do {				\
	int _res = (res);					\
								\
	if (all) {						\
		EXPECT_EQ(BIG, _res);				\
	} else {						\
		EXPECT_LT(0, _res);				\
		EXPECT_GE(BIG, _res);				\
		EXPECT_FALSE(variant->backend == RURING && _res == BIG);	\
	}							\
} while (0)

static char big[BIG];
static struct iovec iov = { big, BIG };
static struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

/* A request that sends or writes all of 4 MiB. */
static struct io_uring_sqe *prep_big(struct ring *r, unsigned int op, int fd, __u64 user_data)
{
	struct io_uring_sqe *sqe;

	if (op == IORING_OP_SENDMSG || op == IORING_OP_SENDMSG_ZC)
		return prep(r, op, fd, &msg, 1, user_data);
	sqe = prep(r, op, fd, big, BIG, user_data);
	if (op == IORING_OP_WRITE)
		sqe->off = -1;
	return sqe;
}

/* Reads until there is a completion, and returns its result if as many bytes have come behind the first @before. */
static int read_until_done(struct ring *r, int fd, long long before)
{
	static char sink[65536];
	struct io_uring_cqe cqe;
	long long got = 0;
	ssize_t n;

	while (!ring_ready(r)) {
		n = read(fd, sink, sizeof(sink));
		if (n > 0)
			got += n;
		else if (n == 0 || errno != EAGAIN)
			return -1;
		if (ring_run(r) < 0)
			return -2;
	}
	while ((n = read(fd, sink, sizeof(sink))) > 0)
		got += n;
	if (ring_take(r, &cqe) || cqe.res < 0)
		return -3;
	return cqe.res == got - before ? cqe.res : -4;
}

/*
 * The same for the pair that it closes. What is to be a part only is read when it has ended, lest all has room meanwhile. Not so on
 * io_uring, where a worker may go on with it after all.
 */
static int result_behind(struct ring *r, int sv[2], long long before, bool all)
{
	int res = all || r->backend == IO_URING ? 0 : ring_wait(r, 1);

	if (res)
		return res;
	if (fcntl(sv[1], F_SETFL, O_NONBLOCK))
		return -5;
	res = read_until_done(r, sv[1], before);
	close(sv[0]);
	close(sv[1]);
	return res;
}

static int result_of(struct ring *r, int sv[2], bool all)
{
	return result_behind(r, sv, 0, all);
}

/* One that is to poll first, of a socket that is ready then. */
static int polls_first(struct ring *r, unsigned int op, int sv[2], unsigned int flags, bool all)
{
	struct io_uring_sqe *sqe = prep_big(r, op, sv[0], 1);

	sqe->ioprio = IORING_RECVSEND_POLL_FIRST;
	sqe->flags = flags;
	return ring_submit(r) == 1 ? result_of(r, sv, all) : -7;
}

TEST_F(ring, all_of_what_polls_first)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	EXPECT_EQ(BIG, polls_first(r, IORING_OP_SEND, sv, IOSQE_ASYNC, true));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	EXPECT_EQ(BIG, polls_first(r, IORING_OP_SENDMSG, sv, IOSQE_ASYNC, true));
	ASSERT_EQ(0, tcp_pair(sv));
	EXPECT_EQ(BIG, polls_first(r, IORING_OP_SEND, sv, IOSQE_ASYNC, true));
	/* also one that drains, with nothing to wait for */
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	EXPECT_EQ(BIG, polls_first(r, IORING_OP_SEND, sv, IOSQE_IO_DRAIN, true));
	/* but no other */
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	EXPECT_SENT(false, polls_first(r, IORING_OP_SEND, sv, 0, false));
}

static int polls_first_without_copy(struct ring *r, unsigned int op)
{
	struct io_uring_cqe cqe;
	int sv[2], res;

	if (tcp_pair(sv))
		return -7;
	res = polls_first(r, op, sv, IOSQE_ASYNC, true);
	/* its notification */
	return ring_take(r, &cqe) || !(cqe.flags & IORING_CQE_F_NOTIF) ? -8 : res;
}

TEST_F(ring, all_of_what_polls_first_without_copy)
{
	EXPECT_EQ(BIG, polls_first_without_copy(&self->ring, IORING_OP_SEND_ZC));
	EXPECT_EQ(BIG, polls_first_without_copy(&self->ring, IORING_OP_SENDMSG_ZC));
}

/* Of memory whose end is missing what is there is sent, and that is all. */
TEST_F(ring, part_of_missing_memory)
{
	const unsigned int ops[] = { IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_SEND };
	const int all = 320 << 10, there = 256 << 10;
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int sv[2], res, size = 1 << 20;
	unsigned int i;
	struct iovec part;
	struct msghdr parts = { .msg_iov = &part, .msg_iovlen = 1 };

	part.iov_base = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	part.iov_len = all;
	ASSERT_NE(MAP_FAILED, part.iov_base);
	ASSERT_EQ(0, mprotect((char *)part.iov_base + there, all - there, PROT_NONE));
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		ASSERT_EQ(0, tcp_pair(sv));
		ASSERT_EQ(0, setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
		sqe = ops[i] == IORING_OP_SENDMSG ? prep(r, ops[i], sv[0], &parts, 1, 1) :
						    prep(r, ops[i], sv[0], part.iov_base, all, 1);
		sqe->ioprio = IORING_RECVSEND_POLL_FIRST;
		sqe->flags = IOSQE_ASYNC;
		/* also one that is told to wait for all */
		sqe->msg_flags = i == 2 ? MSG_WAITALL : 0;
		ASSERT_EQ(1, ring_submit(r));
		res = result_of(r, sv, true);
		EXPECT_LT(0, res);
		EXPECT_GE(there, res);
	}
	munmap(part.iov_base, all);
}

/* Of a socket that is not to wait only SENDMSG knows. */
TEST_F(ring, polls_first_and_is_not_to_wait)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, fcntl(sv[0], F_SETFL, O_NONBLOCK));
	EXPECT_EQ(BIG, polls_first(r, IORING_OP_SEND, sv, IOSQE_ASYNC, true));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, fcntl(sv[0], F_SETFL, O_NONBLOCK));
	EXPECT_SENT(false, polls_first(r, IORING_OP_SENDMSG, sv, IOSQE_ASYNC, false));
}

/* One behind a NOP with these flags. */
static int linked(struct ring *r, unsigned int op, int sv[2], unsigned int flags, unsigned int msg_flags,
		  bool all)
{
	prep_nop(r, 1)->flags = flags | IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	prep_big(r, op, sv[0], 2)->msg_flags = msg_flags;
	return ring_submit(r) == 2 ? result_of(r, sv, all) : -7;
}

/* A worker that is through with a request goes on with the next one, unless it is the task alone that ends requests. */
TEST_F(ring, all_of_what_is_linked_behind_a_worker)
{
	const unsigned int ops[] = { IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_WRITE };
	const bool all = !variant->flags;
	struct ring *r = &self->ring;
	unsigned int i;
	int sv[2];

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
		EXPECT_SENT(all, linked(r, ops[i], sv, IOSQE_ASYNC, 0, all));
	}
	ASSERT_EQ(0, pipe(sv));
	i = sv[0];
	sv[0] = sv[1];
	sv[1] = i;
	EXPECT_SENT(all, linked(r, IORING_OP_WRITE, sv, IOSQE_ASYNC, 0, all));
	/* one that must not wait */
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	EXPECT_SENT(false, linked(r, IORING_OP_SEND, sv, IOSQE_ASYNC, MSG_DONTWAIT, false));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	EXPECT_SENT(false, linked(r, IORING_OP_SEND, sv, 0, 0, false));
}

/* So does one that has a link of which a submission has no end, unless that is to be tried without sleeping. Nobody has to come for it. */
TEST_F(ring, all_of_a_link_without_an_end)
{
	const unsigned int ops[] = { IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_WRITE };
	const unsigned int flags[] = { IOSQE_IO_LINK, IOSQE_IO_LINK | IOSQE_ASYNC };
	struct ring *r = &self->ring;
	struct pollfd there;
	unsigned int i, j;
	int sv[2];

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
			prep_big(r, ops[i], sv[0], 2)->flags = flags[j];
			ASSERT_EQ(1, ring_submit(r));
			there = (struct pollfd) { .fd = sv[1], .events = POLLIN };
			/* what has IOSQE_ASYNC is tried when the task of such a ring comes */
			if (!j || !variant->flags) {
				EXPECT_EQ(1, poll(&there, 1, DEADLINE_MS));
			}
			EXPECT_SENT(!j, result_of(r, sv, !j));
		}
	}
}

/* What was submitted while others drain is tried without sleeping, also behind another. */
TEST_F(ring, part_of_what_is_linked_and_drains)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_nop(&self->ring, 1)->flags = IOSQE_IO_DRAIN | IOSQE_IO_LINK;
	prep_big(&self->ring, IORING_OP_SEND, sv[0], 2);
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 0, 0);
	EXPECT_SENT(false, result_of(&self->ring, sv, false));
}

/* A peer that has shut its side down, for which poll says for ever that there is something: 128 attempts later a worker has it. */
static int half_closed(struct ring *r, unsigned int op, int sv[2])
{
	unsigned int i;
	ssize_t full;

	full = fill_socket(sv[0]);
	if (full <= 0 || shutdown(sv[1], SHUT_WR))
		return -7;
	prep_big(r, op, sv[0], 1);
	if (ring_submit(r) != 1)
		return -8;
	for (i = 0; i < 200; i++)
		if (ring_run(r) < 0 || ring_ready(r))
			return -9;
	return result_behind(r, sv, full, true);
}

TEST_F(ring, all_to_a_peer_that_has_half_closed)
{
	const unsigned int ops[] = { IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_WRITE };
	unsigned int i;
	int sv[2];

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
		EXPECT_EQ(BIG, half_closed(&self->ring, ops[i], sv));
	}
}

static unsigned int count_signals(int fd)
{
	eventfd_t value;

	return eventfd_read(fd, &value) ? 0 : value;
}

/* What has waited is tried again by a worker, which goes on with what is linked behind it. */
TEST_F(ring, what_has_waited_is_a_workers)
{
	int fd = eventfd(0, EFD_NONBLOCK), sv[2], out[2];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ring *r = &self->ring;
	char c;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_EVENTFD_ASYNC, &fd, 1));
	prep_recv(r, sv[0], &c, 1, 1)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait_polled(r, IORING_OP_RECV));
	count_signals(fd);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(r, 1, 1, 0);
	ASSERT_EQ(1, poll(&p, 1, DEADLINE_MS));
	EXPECT_LE(1, count_signals(fd));
	/* one that is cancelled is not, but that a ring with DEFER_TASKRUN is told of it may be by then */
	prep_recv(r, sv[0], &c, 1, 2)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait_polled(r, IORING_OP_RECV));
	prep_cancel(r, 2, 0, 3)->flags = IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 2, -ECANCELED, 0);
	if (!variant->flags)
		EXPECT_EQ(0, count_signals(fd));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, out));
	prep_recv(r, sv[0], &c, 1, 4)->flags = IOSQE_ASYNC | IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	prep_big(r, IORING_OP_SEND, out[0], 5);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(0, ring_wait_polled(r, IORING_OP_RECV));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	EXPECT_SENT(!variant->flags, result_of(r, out, !variant->flags));
	close(sv[0]);
	close(sv[1]);
	close(fd);
}

/* That there is nothing to read from is a worker's to find out, too. */
TEST_F(ring, tee_of_nothing)
{
	int fd = eventfd(0, EFD_NONBLOCK), sv[2];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_EVENTFD_ASYNC, &fd, 1));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	sqe = prep(r, IORING_OP_TEE, sv[0], NULL, 1, 1);
	sqe->splice_fd_in = -1;
	sqe->flags = IOSQE_IO_HARDLINK;
	prep_big(r, IORING_OP_SEND, sv[0], 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, -EBADF, 0);
	EXPECT_EQ(1, poll(&p, 1, DEADLINE_MS));
	EXPECT_SENT(!variant->flags, result_of(r, sv, !variant->flags));
	close(fd);
}

/* An error that io_uring's worker leaves to the task to tell of is asynchronous here: Documentation/differences.rst. */
TEST_F(ring, error_that_is_left_to_the_task)
{
	int fd = eventfd(0, EFD_NONBLOCK), fds[2];
	struct ring *r = &self->ring;
	char c;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_EVENTFD_ASYNC, &fd, 1));
	prep_recv(r, fds[0], &c, 1, 1)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, -ENOTSOCK, 0);
	/* the task that is called for it is a reason with DEFER_TASKRUN */
	if (variant->flags) {
		EXPECT_LE(1, count_signals(fd));
	} else {
		EXPECT_EQ(variant->backend == RURING, count_signals(fd));
	}
	close(fds[0]);
	close(fds[1]);
	close(fd);
}

/* What a worker of io_uring does not wait for, of a file that is not to wait: Documentation/differences.rst. */
TEST_F(ring, not_to_wait_behind_a_worker)
{
	const bool waits = variant->backend == RURING;
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	int listener, fd, sv[2];
	char c = 0;

	if (!waits && variant->flags)
		SKIP(return, "the worker may go on with it, or leave it to the task");
	listener = tcp_listen(&addr);
	fd = inet_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
	ASSERT_LE(0, listener);
	ASSERT_LE(0, fd);
	prep_nop(r, 1)->flags = IOSQE_ASYNC | IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	prep(r, IORING_OP_CONNECT, fd, &addr, 0, 2)->off = sizeof(addr);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 2, waits ? 0 : -EINPROGRESS, 0);
	close(fd);
	close(listener);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM | SOCK_NONBLOCK, sv));
	prep_nop(r, 3)->flags = IOSQE_ASYNC | IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	prep(r, IORING_OP_READ, sv[0], &c, 1, 4)->off = -1;
	ASSERT_EQ(2, ring_submit(r));
	if (waits) {
		ASSERT_WAITING(r);
		ASSERT_EQ(1, write(sv[1], "x", 1));
	}
	ASSERT_CQE(r, 4, waits ? 1 : -EAGAIN, 0);
	close(sv[0]);
	close(sv[1]);
}

/* No thread waits for a socket, so that none has to be interrupted: Documentation/differences.rst. */
TEST_F(ring, cancel_of_what_a_worker_waits_for)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int sv[2];
	char c;

	if (variant->backend == IO_URING && variant->flags)
		SKIP(return, "the worker may go on with it, or leave it to the task");
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_nop(r, 1)->flags = IOSQE_ASYNC | IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	prep_recv(r, sv[0], &c, 1, 2);
	ASSERT_EQ(2, ring_submit(r));
	/* the NOP tells of nothing, and may be under way */
	do {
		ASSERT_LE(0, ring_run(r));
		prep_cancel(r, 2, 0, 3)->flags = IOSQE_CQE_SKIP_SUCCESS;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, ring_take(r, &cqe));
	} while (cqe.user_data == 3 && cqe.res == -ENOENT);
	if (variant->backend == RURING) {
		EXPECT_EQ(2, cqe.user_data);
		EXPECT_EQ(-ECANCELED, cqe.res);
	} else {
		/* -EALREADY, of which the thread is told */
		if (cqe.user_data == 3) {
			EXPECT_EQ(-EALREADY, cqe.res);
			ASSERT_EQ(0, ring_take(r, &cqe));
		}
		EXPECT_EQ(2, cqe.user_data);
		EXPECT_TRUE(cqe.res == -EINTR || cqe.res == -ECANCELED);
	}
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
