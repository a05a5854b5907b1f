// SPDX-License-Identifier: GPL-2.0
/*
 * ASYNC_CANCEL: what it finds, and that each request ends exactly once.
 */
#include <pthread.h>
#include <sys/eventfd.h>

#define RING_MODES
#include "fixture.h"

#define ALL	IORING_ASYNC_CANCEL_ALL
#define ANY	IORING_ASYNC_CANCEL_ANY
#define FD	IORING_ASYNC_CANCEL_FD
#define OP	IORING_ASYNC_CANCEL_OP
#define USERDATA	IORING_ASYNC_CANCEL_USERDATA

/* Submit a cancellation, which is the only SQE, and see what comes of it. */
#define ASSERT_CANCELLED(ring, target, cflags, result) do {		\
	prep_cancel(ring, target, cflags, 0xca);			\
	ASSERT_EQ(1, ring_submit_and_run(ring));			\
	ASSERT_CQE(ring, 0xca, result, 0);				\
} while (0)

TEST_F(ring, nothing_to_cancel)
{
	ASSERT_CANCELLED(&self->ring, 1, 0, -ENOENT);
	ASSERT_CANCELLED(&self->ring, 1, ALL, 0);
	ASSERT_CANCELLED(&self->ring, 0, ANY, 0);
}

TEST_F(ring, what_has_completed_is_gone)
{
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 0, 0);
	ASSERT_CANCELLED(&self->ring, 1, 0, -ENOENT);
}

TEST_F(ring, every_kind_of_request)
{
	struct sockaddr_in addr;
	int sv[2], listener = tcp_listen(&addr);
	struct msghdr msg = {}, multi = {};
	struct iovec iov = {};
	struct pbuf pb;
	unsigned int i;
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 0, 4, 64));
	pbuf_fill(&pb);
	iov.iov_base = &c;
	iov.iov_len = 1;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;

	prep_recv(&self->ring, sv[0], &c, 1, 1);
	prep(&self->ring, IORING_OP_RECVMSG, sv[0], &msg, 1, 2);
	prep_recv_select(&self->ring, sv[0], 0, 0, 3);
	prep_recv_multi(&self->ring, sv[0], 0, 4);
	prep_recvmsg_multi(&self->ring, sv[0], &multi, 0, 5);
	prep_accept(&self->ring, listener, 6);
	prep_accept_multi(&self->ring, listener, 7);
	prep_poll(&self->ring, sv[0], POLLIN, 8);
	prep_poll_multi(&self->ring, sv[0], POLLIN, 9);
	ASSERT_EQ(9, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	for (i = 1; i <= 9; i++) {
		ASSERT_CANCELLED(&self->ring, i, 0, 0);
		ASSERT_CQE(&self->ring, i, -ECANCELED, 0);
		ASSERT_CANCELLED(&self->ring, i, 0, -ENOENT);
	}
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_QUIET(&self->ring);
	EXPECT_EQ(1, drain_socket(sv[0]));
}

TEST_F(ring, waiting_send)
{
	char big[4096] = {};
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_LT(0, fill_socket(sv[0]));
	prep_send(&self->ring, sv[0], big, sizeof(big), 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	ASSERT_CANCELLED(&self->ring, 1, 0, 0);
	ASSERT_CQE(&self->ring, 1, -ECANCELED, 0);
}

TEST_F(ring, multishot_that_has_completed_before)
{
	struct pbuf pb;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 0, 4, 64));
	pbuf_fill(&pb);
	prep_recv_multi(&self->ring, sv[0], 0, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, 1, IORING_CQE_F_MORE | BUFFER_FLAGS(0));
	ASSERT_CANCELLED(&self->ring, 1, 0, 0);
	ASSERT_CQE(&self->ring, 1, -ECANCELED, 0);

	/* armed again, no byte is missing, no buffer either */
	ASSERT_EQ(1, write(sv[1], "y", 1));
	prep_recv_multi(&self->ring, sv[0], 0, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 1, IORING_CQE_F_MORE | BUFFER_FLAGS(1));
	EXPECT_EQ('y', *pbuf_mem(&pb, 1));
}

TEST_F(ring, in_the_batch_of_its_target)
{
	int sv[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(&self->ring, sv[0], &c, 1, 1);
	prep_cancel(&self->ring, 1, 0, 2);
	prep_cancel(&self->ring, 1, 0, 3);
	ASSERT_EQ(3, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_wait(&self->ring, 3));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	/* the second finds the one that is about to end */
	ASSERT_CQE(&self->ring, 3, 0, 0);
	ASSERT_CQE(&self->ring, 1, -ECANCELED, 0);
	ASSERT_QUIET(&self->ring);
}

/* What POLL_REMOVE has removed nobody finds any more, although it ends later. */
TEST_F(ring, not_what_was_removed)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(r, sv[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit(r));
	prep(r, IORING_OP_POLL_REMOVE, -1, (void *)1L, 0, 2);
	prep(r, IORING_OP_POLL_REMOVE, -1, (void *)1L, 0, 3);
	prep_cancel(r, 1, 0, 4);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 4));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_CQE(r, 3, -ENOENT, 0);
	ASSERT_CQE(r, 4, -ENOENT, 0);
	ASSERT_CQE(r, 1, -ECANCELED, 0);
	ASSERT_QUIET(r);
}

/* A timeout is found by one of them alone. */
TEST_F(ring, timeout_that_was_cancelled)
{
	static const __u8 opcodes[] = { IORING_OP_ASYNC_CANCEL, IORING_OP_TIMEOUT_REMOVE };
	struct __kernel_timespec time = { .tv_sec = 1000 };
	struct ring *r = &self->ring;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		prep(r, IORING_OP_TIMEOUT, -1, &time, 1, 1);
		ASSERT_EQ(1, ring_submit(r));
		prep(r, opcodes[i / 2], -1, (void *)1L, 0, 2);
		prep(r, opcodes[i % 2], -1, (void *)1L, 0, 3);
		ASSERT_EQ(2, ring_submit(r));
		ASSERT_EQ(0, ring_wait(r, 3));
		ASSERT_CQE(r, 2, 0, 0);
		ASSERT_CQE(r, 3, -ENOENT, 0);
		ASSERT_CQE(r, 1, -ECANCELED, 0);
		ASSERT_QUIET(r);
	}
}

TEST_F(ring, one_of_many_with_the_same_user_data)
{
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < 3; i++)
		prep_poll(&self->ring, sv[0], POLLIN, 1);
	ASSERT_EQ(3, ring_submit(&self->ring));
	for (i = 0; i < 3; i++) {
		ASSERT_CANCELLED(&self->ring, 1, 0, 0);
		ASSERT_CQE(&self->ring, 1, -ECANCELED, 0);
		ASSERT_QUIET(&self->ring);
	}
	ASSERT_CANCELLED(&self->ring, 1, 0, -ENOENT);
}

/* The table in which requests are found grows with them. */
TEST_F(ring, the_latest_first_among_thousands)
{
	unsigned int i, j;
	int fds[8], other;
	__u64 one = 1;

	other = eventfd(0, 0);
	ASSERT_GE(other, 0);
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = eventfd(0, 0);
		ASSERT_GE(fds[i], 0);
		prep_poll(&self->ring, fds[i], POLLIN, 1);
		for (j = 0; j < 7; j++)
			prep_poll(&self->ring, other, POLLIN, 2);
		ASSERT_EQ(8, ring_submit(&self->ring));
		for (j = 0; j < 192; j++) {
			prep_poll(&self->ring, other, POLLIN, (__u64)j << 32);
			if (j % 8 == 7)
				ASSERT_EQ(8, ring_submit(&self->ring));
		}
	}
	for (i = ARRAY_SIZE(fds); i > ARRAY_SIZE(fds) / 2; i--) {
		ASSERT_CANCELLED(&self->ring, 1, 0, 0);
		ASSERT_CQE(&self->ring, 1, -ECANCELED, 0);
		ASSERT_EQ(sizeof(one), write(fds[i - 1], &one, sizeof(one)));
		ASSERT_QUIET(&self->ring);
	}
	for (i = 0; i < ARRAY_SIZE(fds) / 2; i++) {
		ASSERT_EQ(sizeof(one), write(fds[i], &one, sizeof(one)));
		ASSERT_CQE(&self->ring, 1, POLLIN, 0);
	}
	ASSERT_CANCELLED(&self->ring, 1, 0, -ENOENT);
}

TEST_F(ring, all_with_the_same_user_data)
{
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < 5; i++)
		prep_poll(&self->ring, sv[0], POLLIN, 1);
	prep_poll(&self->ring, sv[0], POLLIN, 2);
	ASSERT_EQ(6, ring_submit(&self->ring));
	ASSERT_CANCELLED(&self->ring, 1, ALL, 5);
	for (i = 0; i < 5; i++)
		ASSERT_CQE(&self->ring, 1, -ECANCELED, 0);
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 2, POLLIN, 0);
}

TEST_F(ring, any_request)
{
	unsigned int i, sum = 0;
	struct io_uring_cqe cqe;
	int sv[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < 4; i++)
		prep_poll(&self->ring, sv[0], POLLIN, 1u << i);
	prep_recv(&self->ring, sv[0], &c, 1, 16);
	ASSERT_EQ(5, ring_submit(&self->ring));
	ASSERT_CANCELLED(&self->ring, 12345, ANY, 5);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		EXPECT_EQ(-ECANCELED, cqe.res);
		sum += cqe.user_data;
	}
	EXPECT_EQ(31, sum);
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, by_descriptor)
{
	int a[2], b[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, a));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, b));
	prep_poll(&self->ring, a[0], POLLIN, 1);
	prep_poll(&self->ring, b[0], POLLIN, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));

	prep_cancel(&self->ring, 0, FD, 3)->fd = b[0];
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	ASSERT_CQE(&self->ring, 3, 0, 0);
	ASSERT_CQE(&self->ring, 2, -ECANCELED, 0);
	prep_cancel(&self->ring, 0, FD, 4)->fd = b[0];
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	ASSERT_CQE(&self->ring, 4, -ENOENT, 0);
	ASSERT_EQ(1, write(a[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
}

TEST_F(ring, all_of_a_descriptor)
{
	unsigned int i;
	int a[2], b[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, a));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, b));
	for (i = 0; i < 3; i++) {
		prep_poll(&self->ring, a[0], POLLIN, 1);
		prep_poll(&self->ring, b[0], POLLIN, 2);
	}
	ASSERT_EQ(6, ring_submit(&self->ring));
	/* another descriptor of the same file will do */
	prep_cancel(&self->ring, 0, FD | ALL, 3)->fd = dup(a[0]);
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	ASSERT_CQE(&self->ring, 3, 3, 0);
	for (i = 0; i < 3; i++)
		ASSERT_CQE(&self->ring, 1, -ECANCELED, 0);
	ASSERT_QUIET(&self->ring);
}

/* Many of a ring are found by their files in an index, which has to know of all that comes and goes once there is one. */
TEST_F(ring, by_descriptor_among_many)
{
	struct ring *r = &self->ring, other;
	unsigned int i, j, left[96];
	struct io_uring_sqe *sqe;
	__u64 one = 1;
	int fds[96], sv[2];
	char c;

	ASSERT_EQ(0, ring_init(&other, variant->backend, 16, 0));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = eventfd(0, 0);
		ASSERT_GE(fds[i], 0);
		prep_poll(r, fds[i], POLLIN, i);
		prep_poll(r, fds[i], POLLIN, i);
		ASSERT_EQ(2, ring_submit(r));
		left[i] = 2;
	}
	prep_cancel(r, 0, FD, 1000)->fd = sv[0];
	ASSERT_RESULT(r, -ENOENT);
	/* what has gone */
	ASSERT_EQ(sizeof(one), write(fds[7], &one, sizeof(one)));
	for (j = 0; j < 2; j++)
		ASSERT_CQE(r, 7, POLLIN, 0);
	ASSERT_CANCELLED(r, 8, 0, 0);
	ASSERT_CQE(r, 8, -ECANCELED, 0);
	left[7] -= 2;
	left[8]--;
	/* what has come: two more of all, what waits for a ring, and what has no file until it is tried */
	ASSERT_EQ(sizeof(one), read(fds[7], &one, sizeof(one)));
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		prep_poll(r, fds[i], POLLIN, i);
		prep_poll(r, fds[i], POLLIN, i);
		ASSERT_EQ(2, ring_submit(r));
		left[i] += 2;
	}
	prep_poll(r, other.fd, POLLIN, 1001);
	sqe = prep_recv(r, sv[0], &c, 1, 1002);
	/* A worker of io_uring might be at it. */
	if (variant->backend == RURING)
		sqe->flags |= IOSQE_ASYNC;
	ASSERT_EQ(2, ring_submit_and_run(r));
	prep_cancel(r, 0, FD, 1000)->fd = other.fd;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_CQE(r, 1000, 0, 0);
	ASSERT_CQE(r, 1001, -ECANCELED, 0);
	sqe = prep_cancel(r, 0, FD | OP, 1000);
	sqe->fd = sv[0];
	sqe->len = IORING_OP_POLL_ADD;
	ASSERT_RESULT(r, -ENOENT);
	sqe = prep_cancel(r, 0, FD | OP, 1000);
	sqe->fd = sv[0];
	sqe->len = IORING_OP_RECV;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_CQE(r, 1000, 0, 0);
	ASSERT_CQE(r, 1002, -ECANCELED, 0);

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		prep_cancel(r, 0, FD, 1000)->fd = fds[i];
		ASSERT_EQ(1, ring_submit_and_run(r));
		ASSERT_CQE(r, 1000, 0, 0);
		ASSERT_CQE(r, i, -ECANCELED, 0);
		prep_cancel(r, 0, FD | ALL, 1000)->fd = fds[i];
		ASSERT_EQ(1, ring_submit_and_run(r));
		ASSERT_CQE(r, 1000, left[i] - 1, 0);
		for (j = 1; j < left[i]; j++)
			ASSERT_CQE(r, i, -ECANCELED, 0);
		prep_cancel(r, 0, FD, 1000)->fd = fds[i];
		ASSERT_RESULT(r, -ENOENT);
	}
	ASSERT_QUIET(r);
	ASSERT_CANCELLED(r, 0, ANY, 0);
	ring_exit(&other);
}

TEST_F(ring, by_opcode)
{
	struct io_uring_sqe *sqe;
	int sv[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(&self->ring, sv[0], POLLIN, 1);
	prep_recv(&self->ring, sv[0], &c, 1, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));
	sqe = prep_cancel(&self->ring, 0, OP | ALL, 3);
	sqe->len = IORING_OP_RECV;
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	ASSERT_CQE(&self->ring, 3, 1, 0);
	ASSERT_CQE(&self->ring, 2, -ECANCELED, 0);
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, by_user_data_and_descriptor)
{
	int a[2], b[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, a));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, b));
	prep_poll(&self->ring, a[0], POLLIN, 1);
	prep_poll(&self->ring, b[0], POLLIN, 1);
	ASSERT_EQ(2, ring_submit(&self->ring));
	prep_cancel(&self->ring, 2, FD | USERDATA, 3)->fd = a[0];
	ASSERT_RESULT(&self->ring, -ENOENT);
	prep_cancel(&self->ring, 1, FD | USERDATA | ALL, 3)->fd = a[0];
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	ASSERT_CQE(&self->ring, 3, 1, 0);
	ASSERT_CQE(&self->ring, 1, -ECANCELED, 0);
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(1, write(b[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
}

/* A worker finds what it is at itself, unless all are meant. */
TEST_F(ring, finds_itself)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_cancel(r, 1, 0, 1);
	ASSERT_RESULT(r, -ENOENT);
	prep_cancel(r, 1, 0, 1)->flags |= IOSQE_ASYNC;
	ASSERT_RESULT(r, -EALREADY);
	prep_cancel(r, 2, 0, 1)->flags |= IOSQE_ASYNC;
	ASSERT_RESULT(r, -ENOENT);
	prep_cancel(r, 2, FD, 1)->fd = sv[0];
	r->sqes[(r->prepared - 1) & (r->params.sq_entries - 1)].flags |= IOSQE_ASYNC;
	ASSERT_RESULT(r, -EALREADY);
	prep_cancel(r, 1, ALL, 1)->flags |= IOSQE_ASYNC;
	ASSERT_RESULT(r, 0);
	prep_cancel(r, 1, 0, 1)->flags |= IOSQE_IO_DRAIN;
	ASSERT_RESULT(r, -EALREADY);
}

TEST_F(ring, bad_requests)
{
	struct ring *r = &self->ring;

	prep_cancel(r, 1, 1u << 6, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_cancel(r, 1, 1u << 31, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_cancel(r, 1, FD | ANY, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_cancel(r, 1, OP | ANY, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_cancel(r, 1, OP, 1)->len = IORING_OP_LAST;
	ASSERT_RESULT(r, -EINVAL);
	prep_cancel(r, 1, FD, 1)->fd = -1;
	ASSERT_RESULT(r, -EBADF);
	prep_cancel(r, 1, 0, 1)->off = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_cancel(r, 1, 0, 1)->splice_fd_in = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_cancel(r, 1, 0, 1)->ioprio = 1;
	ASSERT_RESULT(r, -EINVAL);
}

/* The bytes of a receive that was not cancelled in time are not lost. */
TEST_F(ring, data_and_cancellation_at_once)
{
	unsigned int round;

	for (round = 0; round < 20; round++) {
		struct io_uring_cqe cqe;
		int sv[2], got = 0, i;
		char c = 0;

		ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
		prep_recv(&self->ring, sv[0], &c, 1, 1);
		ASSERT_EQ(1, ring_submit(&self->ring));
		prep_send(&self->ring, sv[1], "x", 1, 2);
		prep_cancel(&self->ring, 1, 0, 3);
		ASSERT_EQ(2, ring_submit(&self->ring));
		for (i = 0; i < 3; i++) {
			ASSERT_EQ(0, ring_take(&self->ring, &cqe));
			if (cqe.user_data == 1) {
				ASSERT_TRUE(cqe.res == 1 || cqe.res == -ECANCELED);
				got = cqe.res == 1;
			} else if (cqe.user_data == 2) {
				ASSERT_EQ(1, cqe.res);
			} else {
				ASSERT_TRUE(cqe.res == 0 || cqe.res == -ENOENT ||
					    cqe.res == -EALREADY);
			}
		}
		ASSERT_EQ(1, got + drain_socket(sv[0]));
		ASSERT_QUIET(&self->ring);
		close(sv[0]);
		close(sv[1]);
	}
}

#define ROUNDS	100

static void *poke_thread(void *arg)
{
	int *fd = arg;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++)
		if (write(*fd, "x", 1) != 1)
			return arg;
	return NULL;
}

/* Wake-ups from another thread meet the cancellation. */
TEST_F(ring, wake_ups_race_with_cancellation)
{
	unsigned int received = 0, i;
	struct io_uring_cqe cqe;
	pthread_t thread;
	void *failed;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pthread_create(&thread, NULL, poke_thread, &sv[1]));
	for (i = 0; i < ROUNDS; i++) {
		unsigned int left = 2;
		char c;

		prep_recv(&self->ring, sv[0], &c, 1, 1);
		ASSERT_EQ(1, ring_submit(&self->ring));
		prep_cancel(&self->ring, 1, 0, 2);
		ASSERT_EQ(1, ring_submit(&self->ring));
		while (left--) {
			ASSERT_EQ(0, ring_take(&self->ring, &cqe));
			if (cqe.user_data == 1) {
				ASSERT_TRUE(cqe.res == 1 || cqe.res == -ECANCELED);
				received += cqe.res == 1;
			}
		}
		ASSERT_EQ(0, ring_ready(&self->ring));
	}
	ASSERT_EQ(0, pthread_join(thread, &failed));
	ASSERT_EQ(NULL, failed);
	EXPECT_EQ(ROUNDS, received + drain_socket(sv[0]));
	ASSERT_QUIET(&self->ring);
}

/* What was taken from the socket is told, though the request wanted more. */
TEST_F(ring, bytes_received_are_not_lost)
{
	struct ring *r = &self->ring;
	static char buf[8];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(r, sv[0], buf, sizeof(buf), 1)->msg_flags = MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(3, write(sv[1], "abc", 3));
	ASSERT_QUIET(r);
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_CQE(r, 1, 3, 0);
	EXPECT_EQ(0, memcmp(buf, "abc", 3));
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
