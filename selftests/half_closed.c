// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that wait while poll says for ever that something is ready: a peer that has shut
 * down its side, urgent data. Only what a request can use, or a new wake-up, is a
 * reason to try again.
 */
#include <pthread.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RING_MODES
#include "fixture.h"

#define BIG (4 << 20)

/* Read until @len bytes have come, running what that brings home. */
static size_t read_slowly(struct ring *ring, int fd, size_t len)
{
	static char sink[65536];
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = recv(fd, sink, sizeof(sink), MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			break;
		if (n == 0)
			break;
		if (n > 0)
			got += n;
		ring_run(ring);
	}
	return got;
}

/* All of 4 MiB goes to a client that has sent all of its request. */
static int sends_all(struct ring *ring, int sv[2], unsigned int op)
{
	char *big = calloc(1, BIG);
	struct iovec iov = { big, BIG };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct io_uring_cqe cqe = {};
	struct io_uring_sqe *sqe;
	size_t got;

	if (!big || shutdown(sv[1], SHUT_WR))
		return -1;
	if (op == IORING_OP_SEND)
		sqe = prep(ring, op, sv[0], big, BIG, 1);
	else
		sqe = prep(ring, op, sv[0], &msg, 1, 1);
	sqe->msg_flags = MSG_WAITALL;
	if (ring_submit_and_run(ring) != 1 || ring_ready(ring))
		return -2;
	got = read_slowly(ring, sv[1], BIG);
	if (got != BIG || ring_take(ring, &cqe))
		return -3;
	close(sv[0]);
	close(sv[1]);
	free(big);
	return cqe.res;
}

TEST_F(ring, tcp_send_all)
{
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	EXPECT_EQ(BIG, sends_all(&self->ring, sv, IORING_OP_SEND));
}

TEST_F(ring, unix_send_all)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	EXPECT_EQ(BIG, sends_all(&self->ring, sv, IORING_OP_SEND));
}

TEST_F(ring, tcp_sendmsg_all)
{
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	EXPECT_EQ(BIG, sends_all(&self->ring, sv, IORING_OP_SENDMSG));
}

/* A full socket: it waits with nothing sent, and sends when there is room. */
static int waits_for_room(struct ring *ring, int op)
{
	static char text[1000];
	struct iovec iov = { text, sizeof(text) };
	struct io_uring_cqe cqe = {};
	struct io_uring_sqe *sqe;
	ssize_t full, got;
	int sv[2];

	if (unix_pair(SOCK_STREAM, sv))
		return -1;
	full = fill_socket(sv[0]);
	if (full <= 0 || shutdown(sv[1], SHUT_WR))
		return -2;
	if (op == IORING_OP_WRITEV)
		sqe = prep(ring, op, sv[0], &iov, 1, 1);
	else
		sqe = prep(ring, op, sv[0], text, sizeof(text), 1);
	if (op != IORING_OP_SEND)
		sqe->off = -1;
	if (ring_submit_and_run(ring) != 1)
		return -3;
	prep_nop(ring, 2);
	if (ring_submit_and_run(ring) != 1 || ring_take(ring, &cqe))
		return -4;
	if (cqe.user_data != 2 || ring_ready(ring))
		return -5;
	got = drain_socket(sv[1]);
	if (got < full)
		return -6;
	if (ring_take(ring, &cqe) || cqe.user_data != 1)
		return -7;
	/* it may have been sent while the rest was read */
	if (got == full && drain_socket(sv[1]) != (ssize_t)sizeof(text))
		return -8;
	close(sv[0]);
	close(sv[1]);
	return cqe.res;
}

TEST_F(ring, waits_for_room)
{
	EXPECT_EQ(1000, waits_for_room(&self->ring, IORING_OP_SEND));
	EXPECT_EQ(1000, waits_for_room(&self->ring, IORING_OP_WRITE));
	EXPECT_EQ(1000, waits_for_room(&self->ring, IORING_OP_WRITEV));
}

/* Another end of the peer is a new wake-up. */
TEST_F(ring, ends_with_its_peer)
{
	struct io_uring_cqe cqe = {};
	static char text[1000];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_LT(0, fill_socket(sv[0]));
	ASSERT_EQ(0, shutdown(sv[1], SHUT_WR));
	prep_send(&self->ring, sv[0], text, sizeof(text), 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_run(&self->ring));
	close(sv[1]);
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(1, cqe.user_data);
	/* A peer that has not read everything resets, which who sends meanwhile sees first. */
	if (cqe.res != -ECONNRESET)
		EXPECT_EQ(-EPIPE, cqe.res);
	close(sv[0]);
}

/* What is shut down for reading has nothing more, also where only who may sleep is told. */
TEST_F(ring, end_of_datagrams)
{
	char buf[16];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct io_uring_sqe *sqe;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_DGRAM, sv));
	prep_recv(&self->ring, sv[0], buf, sizeof(buf), 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, shutdown(sv[0], SHUT_RD));
	ASSERT_CQE(&self->ring, 1, 0, 0);
	/* at once */
	prep_recv(&self->ring, sv[0], buf, sizeof(buf), 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	prep(&self->ring, IORING_OP_RECVMSG, sv[0], &msg, 1, 3);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 3, 0, 0);
	/* who must not wait is told nothing */
	sqe = prep_recv(&self->ring, sv[0], buf, sizeof(buf), 4);
	sqe->msg_flags = MSG_DONTWAIT;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 4, -EAGAIN, 0);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, end_of_connections)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bind(fd, (void *)&addr, sizeof(sa_family_t)));
	ASSERT_EQ(0, listen(fd, 4));
	prep_accept(&self->ring, fd, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, shutdown(fd, SHUT_RD));
	ASSERT_CQE(&self->ring, 1, -EINVAL, 0);
	close(fd);
}

/* Urgent data that has not been read hides what there is not behind it. */
TEST_F(ring, peek_behind_urgent_data)
{
	struct io_uring_sqe *sqe;
	char buf[16] = {};
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	ASSERT_EQ(1, send(sv[1], "u", 1, MSG_OOB));
	sqe = prep_recv(&self->ring, sv[0], buf, sizeof(buf), 1);
	sqe->msg_flags = MSG_PEEK;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_run(&self->ring));
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(4, send(sv[1], "text", 4, 0));
	ASSERT_CQE(&self->ring, 1, 4, IORING_CQE_F_SOCK_NONEMPTY);
	ASSERT_EQ(0, memcmp(buf, "text", 4));
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, read_of_no_datagrams)
{
	char buf[16];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int sv[2], i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, unix_pair(SOCK_DGRAM, sv));
		/* as read(2), which fails if it must not wait */
		if (i)
			ASSERT_EQ(0, fcntl(sv[0], F_SETFL, O_NONBLOCK));
		prep(&self->ring, IORING_OP_READ, sv[0], buf, sizeof(buf), 1)->off = -1;
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_QUIET(&self->ring);
		ASSERT_EQ(0, shutdown(sv[0], SHUT_RD));
		ASSERT_CQE(&self->ring, 1, i ? -EAGAIN : 0, 0);
		prep(&self->ring, IORING_OP_READ, sv[0], buf, sizeof(buf), 2)->off = -1;
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 2, i ? -EAGAIN : 0, 0);
		/* as recvmsg(2) and recv(2), of which the one does not wait then */
		prep(&self->ring, IORING_OP_RECVMSG, sv[0], &msg, 1, 3);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 3, i ? -EAGAIN : 0, 0);
		prep_recv(&self->ring, sv[0], buf, sizeof(buf), 4);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 4, 0, 0);
		close(sv[0]);
		close(sv[1]);
	}
}

/* Urgent data is something to receive, and needs a buffer, also of one that has waited first. */
TEST_F(ring, urgent_data_needs_a_buffer)
{
	struct io_uring_sqe *sqe;
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	ASSERT_EQ(1, send(sv[1], "u", 1, MSG_OOB));
	sqe = prep_recv_multi(&self->ring, sv[0], 7, 1);
	sqe->flags |= IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, -ENOBUFS, 0);
	sqe = prep(&self->ring, IORING_OP_READ_MULTISHOT, sv[0], NULL, 0, 2);
	sqe->flags = IOSQE_ASYNC | IOSQE_BUFFER_SELECT;
	sqe->buf_group = 7;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, -ENOBUFS, 0);
	close(sv[0]);
	close(sv[1]);
}

/* Somebody who has sent a byte that is kept back, and sends it with the end of the stream when he is told to. */
struct ender {
	int fd;
	int told;
};

static void *end_when_told(void *arg)
{
	struct ender *e = arg;

	while (!__atomic_load_n(&e->told, __ATOMIC_ACQUIRE))
		;
	shutdown(e->fd, SHUT_WR);
	return NULL;
}

/* The last bytes may come with the end, between an attempt that finds nothing and the next look: they are received before it. */
TEST_F(ring, end_does_not_overtake_the_last_byte)
{
	static const __u8 opcodes[] = { IORING_OP_READ, IORING_OP_RECV };
	/* A round takes 20 ms on the debug kernel: selftests/run has it run on the release kernel, too. */
	unsigned int rounds = access("/sys/kernel/debug/kmemleak", F_OK) ? 2000 : 200;
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	unsigned int i, lost = 0;
	volatile unsigned int wait;
	struct ender e;
	pthread_t thread;
	int sv[2];
	char c = 0;

	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, tcp_pair(sv));
		ASSERT_EQ(1, send(sv[1], "x", 1, MSG_MORE));
		e = (struct ender) { .fd = sv[1] };
		ASSERT_EQ(0, pthread_create(&thread, NULL, end_when_told, &e));
		prep(r, opcodes[i % 2], sv[0], &c, 1, 1);
		__atomic_store_n(&e.told, 1, __ATOMIC_RELEASE);
		for (wait = 0; wait < i % 97 * 20; wait++)
			;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, ring_take(r, &cqe));
		lost += cqe.res != 1;
		ASSERT_EQ(0, pthread_join(thread, NULL));
		close(sv[0]);
		close(sv[1]);
	}
	EXPECT_EQ(0, lost);
}

TEST_HARNESS_MAIN
