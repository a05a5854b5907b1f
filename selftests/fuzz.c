// SPDX-License-Identifier: GPL-2.0
/*
 * Random requests, and memory that another thread keeps scribbling on. The
 * sequence is the same each time; each request has to end exactly once.
 */
#include <linux/ruring.h>
#include <pthread.h>

#define RING_MODES
#include "fixture.h"
#include "random.h"

#define REQUESTS	1500
#define HAMMER_ROUNDS	400

struct fuzz {
	struct pbuf pb;
	int fds[8];
	/* a page between two that cannot be touched */
	char *page;
	struct msghdr *msg;
	struct iovec *iov;
};

static int fuzz_init(struct fuzz *f, struct ring *r)
{
	struct sockaddr_in addr;
	int ret, sv[2], pipes[2];

	rnd_state = 0x2545f4914f6cdd1d;
	f->page = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (f->page == MAP_FAILED)
		return -ENOMEM;
	f->page += 4096;
	if (mprotect(f->page, 4096, PROT_READ | PROT_WRITE))
		return -errno;
	f->msg = (void *)(f->page + 2048);
	f->iov = (void *)(f->page + 2048 + 128);

	ret = unix_pair(SOCK_STREAM, sv);
	if (ret)
		return ret;
	f->fds[0] = sv[0];
	f->fds[1] = sv[1];
	ret = unix_pair(SOCK_SEQPACKET, sv);
	if (ret || pipe(pipes))
		return -EIO;
	f->fds[2] = sv[0];
	f->fds[3] = sv[1];
	f->fds[4] = pipes[0];
	f->fds[5] = tcp_listen(&addr);
	f->fds[6] = r->fd;
	f->fds[7] = -1;
	ret = pbuf_init(&f->pb, r, 1, 64, 16);
	if (!ret)
		pbuf_fill(&f->pb);
	return ret;
}

static __u64 any_address(struct fuzz *f)
{
	unsigned int which = below(8);

	switch (which) {
	case 0 ... 3:
		return address_of_none(which);
	case 4:
		return (uintptr_t)f->page + 4096 - below(32);
	case 5:
		return (uintptr_t)f->msg;
	default:
		return (uintptr_t)f->page + below(1024);
	}
}

static void any_msg(struct fuzz *f)
{
	f->iov[0].iov_base = (void *)any_address(f);
	f->iov[0].iov_len = below(64);
	f->iov[1].iov_base = (void *)any_address(f);
	f->iov[1].iov_len = below(4) ? below(64) : rnd();
	memset(f->msg, 0, sizeof(*f->msg));
	f->msg->msg_iov = below(8) ? f->iov : (void *)any_address(f);
	f->msg->msg_iovlen = below(8) ? below(3) : rnd();
	f->msg->msg_namelen = below(8) ? below(64) : rnd();
	f->msg->msg_name = below(2) ? NULL : f->page;
	f->msg->msg_controllen = below(8) ? below(64) : rnd();
	f->msg->msg_control = below(2) ? NULL : f->page + 256;
}

static void any_request(struct fuzz *f, struct ring *r, __u64 user_data)
{
	static const unsigned int ops[] = {
		IORING_OP_NOP, IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE,
		IORING_OP_RECVMSG, IORING_OP_ACCEPT, IORING_OP_ASYNC_CANCEL,
		IORING_OP_CLOSE, IORING_OP_SEND, IORING_OP_RECV,
		IORING_OP_RECV, IORING_OP_RECV, IORING_OP_SEND,
	};
	static const unsigned int lens[] = {
		0, 1, 2, 3, 16, 100, 4096, 0x7fffffff, 0x80000000, ~0u,
	};
	static const unsigned int msg_flags[] = {
		0, 0, 0, MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, MSG_TRUNC, MSG_OOB,
	};
	/* how often a poll reports */
	static const unsigned int modes[] = {
		0, 0, IORING_POLL_ADD_MULTI, IORING_POLL_ADD_MULTI | RURING_POLL_ADD_LEVEL,
	};
	struct io_uring_sqe *sqe = ring_sqe(r);
	unsigned int bit;

	any_msg(f);
	sqe->opcode = pick(ops);
	sqe->fd = sqe->opcode == IORING_OP_CLOSE ? -1 - (int)below(3) : pick(f->fds);
	sqe->addr = any_address(f);
	sqe->len = pick(lens);
	sqe->user_data = user_data;
	if (sqe->opcode == IORING_OP_RECVMSG && below(4))
		sqe->addr = (uintptr_t)f->msg;
	if (sqe->opcode == IORING_OP_ASYNC_CANCEL || sqe->opcode == IORING_OP_POLL_REMOVE) {
		sqe->addr = user_data - below(40);
		sqe->len = below(4);
		sqe->rw_flags = below(2) ? 0 : 1u << below(8);
		if (sqe->opcode == IORING_OP_POLL_REMOVE && below(2))
			sqe->len = pick(modes) | RURING_POLL_UPDATE_MODE |
				   (below(2) ? 0 : IORING_POLL_UPDATE_EVENTS);
	} else if (sqe->opcode == IORING_OP_POLL_ADD) {
		sqe->addr = below(8) ? 0 : 1;
		sqe->len = below(8) ? pick(modes) : rnd();
		sqe->poll32_events = rnd() & (POLLIN | POLLOUT | POLLPRI | POLLRDHUP);
	} else if (sqe->opcode == IORING_OP_ACCEPT) {
		sqe->len = below(8) ? 0 : 1;
		sqe->fd = below(2) ? f->fds[5] : sqe->fd;
		sqe->ioprio = below(4);
	} else if (sqe->opcode != IORING_OP_NOP) {
		sqe->msg_flags = pick(msg_flags);
		sqe->ioprio = below(3) ? 0 : 1u << below(2);
	}
	/* all but IOSQE_IO_DRAIN, _ASYNC and _CQE_SKIP_SUCCESS */
	if (!below(4))
		sqe->flags = rnd() & (IOSQE_FIXED_FILE | IOSQE_IO_LINK |
				      IOSQE_IO_HARDLINK);
	if (below(2) && (sqe->opcode == IORING_OP_RECV || sqe->opcode == IORING_OP_RECVMSG)) {
		sqe->flags |= IOSQE_BUFFER_SELECT;
		sqe->buf_group = below(8) ? 1 : 2;
		if (below(2))
			sqe->ioprio = IORING_RECV_MULTISHOT;
	}
	/* now and then, one bit that does not belong there */
	if (!below(6)) {
		bit = below(8 * (unsigned int)offsetof(struct io_uring_sqe, user_data));
		if (bit >= 16 && bit / 8 != offsetof(struct io_uring_sqe, fd) &&
		    sqe->opcode != IORING_OP_CLOSE)
			((__u8 *)sqe)[bit / 8] ^= 1u << bit % 8;
	}
}

/* What a request may end with, whatever it was. */
static bool is_an_answer(int res)
{
	return res >= -133;
}

/* Take what has completed, count the requests that it ends; -1 if it is odd. */
static int count_ended(struct fuzz *f, struct ring *r)
{
	struct io_uring_cqe cqe;
	int ended = 0;

	while (ring_peek(r, &cqe)) {
		if (!is_an_answer(cqe.res)) {
			fprintf(stderr, "# a request ended with %d\n", cqe.res);
			return -1;
		}
		ended += !(cqe.flags & IORING_CQE_F_MORE);
		if (cqe.flags & IORING_CQE_F_BUFFER)
			pbuf_push(&f->pb, cqe_bid(&cqe) & 63);
	}
	return ended;
}

/* Cancel until nothing is left; links may have more behind them. */
static int end_all(struct fuzz *f, struct ring *r, int waiting)
{
	int round;

	for (round = 0; waiting > 0 && round < 200; round++) {
		int ended;

		prep_cancel(r, 0, IORING_ASYNC_CANCEL_ANY, 1);
		if (ring_submit_and_run(r) != 1)
			return -1;
		waiting++;
		/* what a worker of io_uring has got hold of takes a moment */
		ring_wait_ms(r, 2, round ? 10 : 0);
		ended = count_ended(f, r);
		if (ended < 0)
			return -1;
		waiting -= ended;
	}
	return waiting;
}

TEST_F(ring, random_requests_end_once_each)
{
	int submitted = 0, waiting = 0, ended, i;
	struct fuzz f;
	struct ring r;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 16,
			       variant->flags | IORING_SETUP_SUBMIT_ALL));
	ASSERT_EQ(0, fuzz_init(&f, &r));
	while (submitted < REQUESTS) {
		int nr = 1 + below(16);

		for (i = 0; i < nr; i++)
			any_request(&f, &r, 1000 + submitted + i);
		ASSERT_EQ(nr, ring_submit_and_run(&r));
		submitted += nr;
		ended = count_ended(&f, &r);
		ASSERT_LE(0, ended);
		waiting += nr - ended;
		if (!below(4)) {
			waiting = end_all(&f, &r, waiting);
			ASSERT_EQ(0, waiting);
		}
	}
	ASSERT_EQ(0, end_all(&f, &r, waiting));
	ASSERT_QUIET(&r);
	EXPECT_EQ(0, *r.cq_overflow);
	ring_exit(&r);
}

struct hammer {
	struct ring *ring;
	struct pbuf *pb;
	bool stop;
};

static void scribble(unsigned int *where, unsigned int value)
{
	__atomic_store_n(where, value, __ATOMIC_RELAXED);
}

/* Everything in the rings' memory that the kernel reads or writes. */
static void *ring_hammer(void *arg)
{
	struct hammer *h = arg;
	struct ring *r = h->ring;
	unsigned int n = 1;

	while (!__atomic_load_n(&h->stop, __ATOMIC_RELAXED)) {
		unsigned int i;

		n = n * 1664525 + 1013904223;
		scribble(r->sq_tail, n);
		scribble(r->cq_head, n >> 3);
		scribble(r->sq_head, n >> 5);
		scribble(r->cq_tail, n >> 7);
		scribble(r->sq_flags, n);
		scribble(r->sq_dropped, n);
		scribble(r->cq_overflow, n);
		scribble(r->rings + r->params.sq_off.ring_mask, n);
		scribble(r->rings + r->params.cq_off.ring_mask, n);
		scribble(r->rings + r->params.sq_off.ring_entries, n);
		scribble(r->rings + r->params.cq_off.ring_entries, n);
		for (i = 0; i < 16; i++)
			scribble(&r->sq_array[i], (n >> (i & 7)) & 31);
	}
	return NULL;
}

TEST_F(ring, rings_under_the_hammer)
{
	struct hammer h = {};
	struct io_uring_cqe cqe;
	unsigned int i, tail;
	pthread_t thread;
	int sv[2], ret;
	char buf[4];
	struct ring r;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 16, variant->flags));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	/* requests that end at once, so that none pile up */
	for (i = 0; i < 16; i++) {
		if (i & 1)
			prep_nop(&r, 5);
		else
			prep_recv(&r, sv[0], buf, 4, 6)->msg_flags = MSG_DONTWAIT;
	}
	h.ring = &r;
	ASSERT_EQ(0, pthread_create(&thread, NULL, ring_hammer, &h));
	for (i = 0; i < HAMMER_ROUNDS; i++) {
		ret = ring_enter(&r, 16, 0, IORING_ENTER_GETEVENTS);
		ASSERT_TRUE(ret >= 0 && ret <= 16) TH_LOG("%d", ret);
	}
	__atomic_store_n(&h.stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));

	/* with everything back in its place it is a ring like any other */
	for (i = 0; i < 16; i++)
		r.sq_array[i] = i;
	*r.sq_flags = 0;
	do {
		/* one pass over the queue tells where the kernel is */
		*r.sq_tail = *r.sq_head;
		ret = ring_enter(&r, 16, 0, 0);
		ASSERT_LE(0, ret);
	} while (ret || *r.sq_tail != *r.sq_head);
	r.prepared = *r.sq_tail;
	for (i = 0; i < 2; i++) {
		/* posted or overflown: afterwards the tail is the kernel's */
		*r.cq_head = *r.cq_tail - 1;
		prep_nop(&r, 77);
		ring_publish(&r);
		ret = ring_enter(&r, 1, 0, IORING_ENTER_GETEVENTS);
		ASSERT_TRUE(ret == 1) TH_LOG("%d", ret);
	}
	do {
		tail = *r.cq_tail;
		*r.cq_head = tail;
		ASSERT_EQ(0, ring_run(&r));
	} while (*r.cq_tail != tail);
	prep_nop(&r, 78);
	ASSERT_EQ(1, ring_submit(&r));
	ASSERT_EQ(0, ring_take(&r, &cqe));
	EXPECT_EQ(78, cqe.user_data);
	EXPECT_EQ(0, cqe.res);
	ring_exit(&r);
}

/* The tail, the lengths and the addresses, good ones and bad ones. */
static void *pbuf_hammer(void *arg)
{
	struct hammer *h = arg;
	struct pbuf *pb = h->pb;
	unsigned int n = 1;

	while (!__atomic_load_n(&h->stop, __ATOMIC_RELAXED)) {
		struct io_uring_buf *buf;
		static const unsigned int lens[] = { 0, 1, 16, ~0u };

		n = n * 1664525 + 1013904223;
		buf = &pb->br->bufs[n >> 8 & 15];
		__atomic_store_n(&buf->len, lens[n >> 12 & 3], __ATOMIC_RELAXED);
		__atomic_store_n(&buf->bid, n >> 14, __ATOMIC_RELAXED);
		__atomic_store_n(&buf->addr, n & 1 << 20 ? (uintptr_t)pb->mem :
				 n & 1 << 21 ? 4096 : 0xffff888000000000,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&pb->br->tail, n >> 16, __ATOMIC_RELEASE);
	}
	return NULL;
}

TEST_F(ring, buffers_under_the_hammer)
{
	unsigned int i, sent = 0, seen = 0;
	struct io_uring_cqe cqe = {};
	struct hammer h = {};
	pthread_t thread;
	struct pbuf pb;
	int sv[2];

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 a buffer that cannot be is -EPERM");
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 1, 16, 4096));
	pbuf_fill(&pb);
	h.pb = &pb;
	ASSERT_EQ(0, pthread_create(&thread, NULL, pbuf_hammer, &h));
	for (i = 0; i < HAMMER_ROUNDS; i++) {
		if (!(cqe.flags & IORING_CQE_F_MORE)) {
			prep_recv_multi(&self->ring, sv[0], 1, 1);
			ASSERT_EQ(1, ring_submit(&self->ring));
		}
		if (sent - seen < 512) {
			ASSERT_EQ(8, write(sv[1], "12345678", 8));
			sent += 8;
		}
		do {
			ASSERT_EQ(0, ring_take(&self->ring, &cqe));
			ASSERT_EQ(1, cqe.user_data);
			if (cqe.res > 0)
				seen += cqe.res;
			else
				ASSERT_TRUE(cqe.res == 0 || cqe.res == -ENOBUFS ||
					    cqe.res == -EFAULT) TH_LOG("%d", cqe.res);
		} while (ring_ready(&self->ring));
	}
	if (cqe.flags & IORING_CQE_F_MORE) {
		prep_cancel(&self->ring, 1, 0, 2);
		ASSERT_EQ(1, ring_submit(&self->ring));
		do {
			ASSERT_EQ(0, ring_take(&self->ring, &cqe));
			if (cqe.user_data == 1 && cqe.res > 0)
				seen += cqe.res;
		} while (cqe.user_data != 1 || (cqe.flags & IORING_CQE_F_MORE));
	}
	__atomic_store_n(&h.stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(sent, seen + drain_socket(sv[0]));
}

TEST_HARNESS_MAIN
