// SPDX-License-Identifier: GPL-2.0
/*
 * Sends that are tried in the order of their submission (RURING_SEND_ORDERED).
 * io_uring has none of this.
 */
#include <linux/ruring.h>
#include <pthread.h>

#define RING_MODES
#include "timeout.h"

#define NR	5
#define BGID	7
/* What is asked for: the first one does not fit into a socket. */
static const unsigned int lens[NR] = { 1 << 20, 100, 1, 300000, 5000 };
#define TOTAL	((1 << 20) + 100 + 1 + 300000 + 5000)

static char out[NR][1 << 20], in[TOTAL];

static const struct how {
	__u8 ops[4];
	/* also of a UNIX socket */
	bool any_socket;
	__u16 ioprio;
	/* of the first one, and of the others */
	__u8 flags[2];
} hows[] = {
	{ { IORING_OP_SEND, IORING_OP_SEND, IORING_OP_SEND, IORING_OP_SEND },
	  .any_socket = true },
	/* Nothing but its turn holds the others back. */
	{ { IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_SEND, IORING_OP_SENDMSG },
	  .any_socket = true,
	  .flags = { IOSQE_ASYNC } },
	{ { IORING_OP_SENDMSG, IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_SEND },
	  .any_socket = true,
	  .flags = { IOSQE_ASYNC, IOSQE_ASYNC } },
	{ { IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_SEND, IORING_OP_SENDMSG },
	  .any_socket = true,
	  .ioprio = IORING_RECVSEND_POLL_FIRST },
	{ { IORING_OP_SEND_ZC, IORING_OP_SEND_ZC, IORING_OP_SENDMSG_ZC, IORING_OP_SENDMSG_ZC },
	  .flags = { IOSQE_ASYNC } },
	{ { IORING_OP_SENDMSG_ZC, IORING_OP_SEND, IORING_OP_SEND_ZC, IORING_OP_SENDMSG },
	  .ioprio = 0 },
	{ { IORING_OP_SEND_ZC, IORING_OP_SEND_ZC, IORING_OP_SENDMSG_ZC, IORING_OP_SENDMSG_ZC },
	  .ioprio = RURING_SEND_ZC_COMBINE_CQE },
};

static struct io_uring_sqe *prep_ordered(struct ring *r, int fd, const void *buf, unsigned int len,
					 __u64 data)
{
	struct io_uring_sqe *sqe = prep_send(r, fd, buf, len, data);

	sqe->ioprio = RURING_SEND_ORDERED;
	return sqe;
}

/* Ordered, of ten bytes. */
static struct io_uring_sqe *prep_ten(struct ring *r, int fd, __u64 data)
{
	return prep_ordered(r, fd, out[data], 10, data);
}

static void fill_out(void)
{
	int i;

	for (i = 0; i < NR; i++)
		memset(out[i], 'a' + i, sizeof(out[i]));
}

/* Read exactly @len bytes, little by little, which the ring sends meanwhile. */
static int receive(struct ring *r, int fd, char *buf, size_t len)
{
	long long end = now_ms() + DEADLINE_MS;

	while (len) {
		ssize_t ret = recv(fd, buf, len < 10000 ? len : 10000, MSG_DONTWAIT);

		if (ret > 0) {
			buf += ret;
			len -= ret;
			continue;
		}
		if (!ret || errno != EAGAIN || now_ms() > end)
			return -1;
		ring_run(r);
	}
	return 0;
}

/* Whether these are the bytes of the sends that @order names, ten of each. */
static bool are_tens(const char *buf, const char *order)
{
	for (; *order; order++, buf += 10)
		if (buf[0] != *order || memcmp(buf, buf + 1, 9))
			return false;
	return true;
}

static void prep_how(struct ring *r, const struct how *how, int fd, int i, struct msghdr *msg,
		     struct iovec *iov)
{
	struct io_uring_sqe *sqe = prep_ordered(r, fd, out[i], lens[i], i);

	sqe->opcode = how->ops[i % 4];
	sqe->ioprio |= how->ioprio;
	sqe->flags = how->flags[!!i];
	if (sqe->opcode != IORING_OP_SENDMSG && sqe->opcode != IORING_OP_SENDMSG_ZC)
		return;
	*iov = (struct iovec) { out[i], lens[i] };
	*msg = (struct msghdr) { .msg_iov = iov, .msg_iovlen = 1 };
	sqe->addr = (unsigned long)msg;
	sqe->len = 1;
}

/*
 * All of @how arrives in order, and so do the results, unless those wait for
 * notifications. Says what is wrong.
 */
static const char *in_order(struct ring *r, const struct how *how, int sv[2])
{
	bool combined = how->ioprio & RURING_SEND_ZC_COMBINE_CQE;
	struct io_uring_cqe cqe;
	struct msghdr msg[NR];
	struct iovec iov[NR];
	int i, want = NR, next = 0;
	char *p = in;

	for (i = 0; i < NR; i++) {
		prep_how(r, how, sv[0], i, &msg[i], &iov[i]);
		if (i == 2 && ring_submit(r) < 0)
			return "the first three";
	}
	if (ring_submit(r) < 0)
		return "the other two";
	if (receive(r, sv[1], in, TOTAL))
		return "not all";
	for (i = 0; i < NR; p += lens[i], i++)
		if (memcmp(p, out[i], lens[i]))
			return "other bytes";
	while (want--) {
		if (ring_take(r, &cqe))
			return "no completion";
		if (cqe.flags & IORING_CQE_F_MORE)
			want++;
		if (cqe.flags & IORING_CQE_F_NOTIF && !combined)
			continue;
		if (cqe.res != (int)lens[cqe.user_data])
			return "another result";
		if (!combined && cqe.user_data != (__u64)next++)
			return "another order";
	}
	return NULL;
}

TEST_F(ring, arguments)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_ten(r, sv[0], 1)->msg_flags = MSG_DONTWAIT;
	ASSERT_RESULT(r, -EINVAL);
	prep_ten(r, sv[0], 1)->ioprio |= IORING_RECVSEND_FIXED_BUF | IORING_SEND_VECTORIZED;
	ASSERT_RESULT(r, -EINVAL);
	prep_recv(r, sv[0], in, 10, 1)->ioprio = RURING_SEND_ORDERED;
	ASSERT_RESULT(r, -EINVAL);
	if (variant->backend == RURING) {
		prep_ten(r, -1, 1);
		ASSERT_RESULT(r, -EBADF);
		prep_ten(r, r->fd, 1);
		ASSERT_RESULT(r, -ENOTSOCK);
		prep_ten(r, sv[0], 1);
		ASSERT_RESULT(r, 10);
	} else {
		/* io_uring has no such flag. */
		prep_ten(r, sv[0], 1);
		ASSERT_RESULT(r, -EINVAL);
	}
	ASSERT_QUIET(r);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, none_overtakes_another)
{
	struct ring *r = &self->ring;
	const struct how *how;
	int sv[2];

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	fill_out();
	for (how = hows; how < hows + ARRAY_SIZE(hows); how++) {
		if (how->any_socket) {
			ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
			EXPECT_EQ(NULL, in_order(r, how, sv));
			close(sv[0]);
			close(sv[1]);
		}
		ASSERT_EQ(0, tcp_pair(sv));
		EXPECT_EQ(NULL, in_order(r, how, sv)) {
			TH_LOG("how %ld", how - hows);
		}
		close(sv[0]);
		close(sv[1]);
	}
	ASSERT_QUIET(r);
}

TEST(with_a_thread_that_submits)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL,
		.sq_thread_idle = 2 * DEADLINE_MS,
	};
	struct ring ring;
	int sv[2];

	fill_out();
	ASSERT_EQ(0, ring_init_params(&ring, RURING, 16, &params));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	EXPECT_EQ(NULL, in_order(&ring, &hows[1], sv));
	close(sv[0]);
	close(sv[1]);
	ring_exit(&ring);
}

/* A registered file is the same one as its descriptor, and a copy of that too. */
TEST_F(ring, other_names_of_the_file)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2], copy;

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	fill_out();
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	copy = dup(sv[0]);
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_FILES, sv, 1));
	ahead = fill_socket(sv[0]);
	ASSERT_LT(0, ahead);
	prep_ten(r, copy, 1)->flags = IOSQE_ASYNC;
	prep_ten(r, 0, 2)->flags = IOSQE_FIXED_FILE;
	ASSERT_EQ(2, ring_submit(r));
	close(copy);
	prep_ten(r, sv[0], 3);
	ASSERT_EQ(1, ring_submit(r));
	close(sv[0]);
	ASSERT_EQ(0, receive(r, sv[1], in, ahead + 30));
	EXPECT_TRUE(are_tens(in + ahead, "bcd"));
	ASSERT_CQE(r, 1, 10, 0);
	ASSERT_CQE(r, 2, 10, 0);
	ASSERT_CQE(r, 3, 10, 0);
	ASSERT_EQ(0, ring_register(r, IORING_UNREGISTER_FILES, NULL, 0));
	close(sv[1]);
}

/* One waits; sends without the flag, on other sockets and of other rings do not. */
TEST_F(ring, who_does_not_wait)
{
	struct ring *r = &self->ring, other;
	ssize_t ahead;
	int sv[2], free[2];

	if (variant->backend == IO_URING || !variant->flags)
		SKIP(return, "where a ring that nobody enters stays as it is");
	fill_out();
	ASSERT_EQ(0, ring_init(&other, RURING, 4, 0));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, free));
	ahead = fill_socket(sv[0]);
	prep_ten(r, sv[0], 1);
	prep_ten(r, free[0], 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 2, 10, 0);
	ASSERT_EQ(ahead, drain_socket(sv[1]));
	/* Now there is room for the first one, which has not had its turn yet. */
	prep_ten(&other, sv[0], 2);
	ASSERT_COMPLETES(&other, 2, 10, 0);
	prep_ten(r, sv[0], 3);
	prep_send(r, sv[0], out[4], 10, 4);
	ASSERT_EQ(2, ring_enter(r, ring_publish(r), 0, 0));
	ASSERT_CQE(r, 4, 10, 0);
	ASSERT_CQE(r, 1, 10, 0);
	ASSERT_CQE(r, 3, 10, 0);
	ASSERT_EQ(0, receive(r, sv[1], in, 40));
	EXPECT_TRUE(are_tens(in, "cebd"));
	ring_exit(&other);
	close(sv[0]);
	close(sv[1]);
	close(free[0]);
	close(free[1]);
}

TEST_F(ring, several_buffers)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	struct pbuf pb;
	int i, sv[2];

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	fill_out();
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pbuf_init(&pb, r, BGID, 4, 10));
	for (i = 0; i < 4; i++)
		memset(pbuf_mem(&pb, i), '0' + i, 10);
	pbuf_fill(&pb);
	prep_ordered(r, sv[0], out[0], lens[0], 0);
	sqe = prep_ordered(r, sv[0], NULL, 0, 1);
	sqe->ioprio |= IORING_RECVSEND_BUNDLE;
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = BGID;
	prep_ten(r, sv[0], 2);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_EQ(0, receive(r, sv[1], in, lens[0] + 50));
	EXPECT_EQ(0, memcmp(in, out[0], lens[0]));
	EXPECT_TRUE(are_tens(in + lens[0], "0123c"));
	ASSERT_CQE(r, 0, lens[0], 0);
	ASSERT_CQE(r, 1, 40, BUFFER_FLAGS(0));
	ASSERT_CQE(r, 2, 10, 0);
	pbuf_exit(&pb);
	close(sv[0]);
	close(sv[1]);
}

/* What ends in its turn, or before that, lets those behind it go on. */
TEST_F(ring, cancel)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int i, sv[2], res[16];

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	fill_out();
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ahead = fill_socket(sv[0]);
	for (i = 1; i <= 4; i++)
		prep_ten(r, sv[0], i)->flags = i & 1 ? IOSQE_ASYNC : 0;
	ASSERT_EQ(4, ring_submit(r));
	ASSERT_QUIET(r);
	for (i = 0; i < 2; i++) {
		/* One in the middle, and then the first. */
		prep_cancel(r, 2 - i, 0, 9);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, take_all(r, 2, res));
		EXPECT_EQ(0, res[9]);
		EXPECT_EQ(-ECANCELED, res[2 - i]);
		ASSERT_QUIET(r);
	}
	ASSERT_EQ(0, receive(r, sv[1], in, 20 + ahead));
	EXPECT_TRUE(are_tens(in + ahead, "de"));
	ASSERT_CQE(r, 3, 10, 0);
	ASSERT_CQE(r, 4, 10, 0);
	/* All at once. */
	ASSERT_LT(0, fill_socket(sv[0]));
	for (i = 1; i <= 3; i++)
		prep_ten(r, sv[0], i);
	ASSERT_EQ(3, ring_submit(r));
	prep_cancel(r, 0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD, 9)->fd = sv[0];
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 4, res));
	EXPECT_EQ(3, res[9]);
	for (i = 1; i <= 3; i++)
		EXPECT_EQ(-ECANCELED, res[i]);
	/* Nothing is left of them. */
	drain_socket(sv[1]);
	prep_ten(r, sv[0], 1);
	ASSERT_COMPLETES(r, 1, 10, 0);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, a_limit)
{
	struct ring *r = &self->ring;
	int i, sv[2], res[16];

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	fill_out();
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_LT(0, fill_socket(sv[0]));
	prep_ten(r, sv[0], 1);
	for (i = 0; i < 2; i++) {
		prep_ten(r, sv[0], 2)->flags = i ? IOSQE_ASYNC : 0;
		prep_limit(r, &soon, 0, 3);
		ASSERT_EQ(3 - i, ring_submit(r));
		ASSERT_EQ(0, take_all(r, 2, res));
		EXPECT_EQ(-ECANCELED, res[2]);
		EXPECT_EQ(-ETIME, res[3]);
	}
	/* It is the first one's turn still. */
	drain_socket(sv[1]);
	ASSERT_CQE(r, 1, 10, 0);
	/* A limit of the first one. */
	ASSERT_LT(0, fill_socket(sv[0]));
	prep_ten(r, sv[0], 1);
	prep_limit(r, &soon, 0, 3);
	prep_ten(r, sv[0], 2);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_EQ(0, take_all(r, 2, res));
	EXPECT_EQ(-ECANCELED, res[1]);
	EXPECT_EQ(-ETIME, res[3]);
	drain_socket(sv[1]);
	ASSERT_CQE(r, 2, 10, 0);
	close(sv[0]);
	close(sv[1]);
}

/* What is linked behind, or drains, is in line from when it starts. */
TEST_F(ring, links_and_drains)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2], res[16];

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	fill_out();
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ahead = fill_socket(sv[0]);
	prep_ten(r, sv[0], 1)->flags = IOSQE_IO_LINK;
	prep_ten(r, sv[0], 2);
	prep_ten(r, sv[0], 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_EQ(0, receive(r, sv[1], in, ahead + 30));
	EXPECT_TRUE(are_tens(in + ahead, "bdc"));
	ASSERT_EQ(0, take_all(r, 3, res));
	ahead = fill_socket(sv[0]);
	prep_ten(r, sv[0], 1);
	prep_ten(r, sv[0], 2)->flags = IOSQE_IO_DRAIN;
	prep_ten(r, sv[0], 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_EQ(0, receive(r, sv[1], in, ahead + 30));
	EXPECT_TRUE(are_tens(in + ahead, "bcd"));
	ASSERT_CQE(r, 1, 10, 0);
	ASSERT_CQE(r, 2, 10, 0);
	ASSERT_CQE(r, 3, 10, 0);
	close(sv[0]);
	close(sv[1]);
}

/* The peer goes: each one is told, in order. Then the ring does. */
TEST_F(ring, ends)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe = {};
	int i, sv[2];

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_LT(0, fill_socket(sv[0]));
	for (i = 1; i <= 3; i++)
		prep_ten(r, sv[0], i);
	ASSERT_EQ(3, ring_submit(r));
	close(sv[1]);
	for (i = 1; i <= 3; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ((__u64)i, cqe.user_data);
		EXPECT_GT(0, cqe.res);
	}
	ASSERT_QUIET(r);
	close(sv[0]);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_LT(0, fill_socket(sv[0]));
	for (i = 1; i <= 3; i++)
		prep_ten(r, sv[0], i);
	ASSERT_EQ(3, ring_submit(r));
	close(sv[0]);
	ring_exit(r);
	/* Nobody keeps the socket. */
	while (recv(sv[1], in, sizeof(in), 0) > 0)
		;
	close(sv[1]);
	ASSERT_EQ(0, ring_init(r, variant->backend, 16, variant->flags));
}

static void *submit_ten(void *arg)
{
	struct ring *r = arg;

	return (void *)(long)ring_submit(r);
}

/* A thread ends whose send is in front. */
TEST_F(ring, another_thread)
{
	struct ring *r = &self->ring;
	pthread_t thread;
	void *submitted;
	ssize_t ahead;
	int sv[2];

	if (variant->backend == IO_URING || variant->flags)
		SKIP(return, "ruring's own, of several threads");
	fill_out();
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ahead = fill_socket(sv[0]);
	prep_ten(r, sv[0], 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, submit_ten, r));
	ASSERT_EQ(0, pthread_join(thread, &submitted));
	ASSERT_EQ(1, (long)submitted);
	prep_ten(r, sv[0], 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, -ECANCELED, 0);
	ASSERT_EQ(0, receive(r, sv[1], in, ahead + 10));
	EXPECT_TRUE(are_tens(in + ahead, "c"));
	ASSERT_CQE(r, 2, 10, 0);
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
