// SPDX-License-Identifier: GPL-2.0
/*
 * EPOLL_CTL: what an epoll waits for, changed by requests. EPOLL_WAIT: what it has.
 */
#include <sys/epoll.h>

#define RING_MODES
#include "fixture.h"

static struct io_uring_sqe *prep_ctl(struct ring *r, int epfd, int op, int fd, struct epoll_event *ev)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_EPOLL_CTL, epfd, ev, op, 1);

	sqe->off = fd;
	return sqe;
}

/* What the epoll has for @data now: its events, or 0. */
static unsigned int events_of(int ep, __u64 data)
{
	struct epoll_event ev = {};

	if (epoll_wait(ep, &ev, 1, 0) != 1 || ev.data.u64 != data)
		return 0;
	return ev.events;
}

TEST_F(ring, add_modify_remove)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 0x0123456789abcdef };
	struct ring *r = &self->ring;
	int ep = epoll_create1(EPOLL_CLOEXEC), sv[2];

	ASSERT_TRUE(ring_op_supported(r, IORING_OP_EPOLL_CTL));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_ctl(r, ep, EPOLL_CTL_ADD, sv[0], &ev);
	ASSERT_COMPLETES(r, 1, 0, 0);
	EXPECT_EQ(0, events_of(ep, ev.data.u64));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	EXPECT_EQ(EPOLLIN, events_of(ep, ev.data.u64));
	prep_ctl(r, ep, EPOLL_CTL_ADD, sv[0], &ev);
	ASSERT_COMPLETES(r, 1, -EEXIST, 0);
	ev.events = EPOLLOUT;
	ev.data.u64 = 7;
	prep_ctl(r, ep, EPOLL_CTL_MOD, sv[0], &ev);
	ASSERT_COMPLETES(r, 1, 0, 0);
	EXPECT_EQ(EPOLLOUT, events_of(ep, 7));
	/* This takes no event, and looks at none. */
	prep_ctl(r, ep, EPOLL_CTL_DEL, sv[0], (void *)8);
	ASSERT_COMPLETES(r, 1, 0, 0);
	EXPECT_EQ(0, events_of(ep, 7));
	prep_ctl(r, ep, EPOLL_CTL_DEL, sv[0], NULL);
	ASSERT_COMPLETES(r, 1, -ENOENT, 0);
	close(ep);
}

TEST_F(ring, what_is_refused)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct ring *r = &self->ring;
	int ep = epoll_create1(EPOLL_CLOEXEC), sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_ctl(r, -1, EPOLL_CTL_ADD, sv[0], &ev);
	ASSERT_RESULT(r, -EBADF);
	prep_ctl(r, ep, EPOLL_CTL_ADD, -1, &ev);
	ASSERT_RESULT(r, -EBADF);
	prep_ctl(r, sv[1], EPOLL_CTL_ADD, sv[0], &ev);
	ASSERT_RESULT(r, -EINVAL);
	prep_ctl(r, ep, 9, sv[0], &ev);
	ASSERT_RESULT(r, -EINVAL);
	prep_ctl(r, ep, EPOLL_CTL_ADD, sv[0], (void *)8);
	ASSERT_RESULT(r, -EFAULT);
	prep_ctl(r, ep, EPOLL_CTL_ADD, sv[0], &ev)->buf_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_ctl(r, ep, EPOLL_CTL_ADD, sv[0], &ev)->splice_fd_in = 1;
	ASSERT_RESULT(r, -EINVAL);
	EXPECT_EQ(0, write(sv[1], "x", 1) != 1);
	EXPECT_EQ(0, events_of(ep, 0));
	close(ep);
}

TEST_F(ring, links)
{
	struct epoll_event ev = { .events = EPOLLOUT, .data.u64 = 5 };
	struct ring *r = &self->ring;
	int ep = epoll_create1(EPOLL_CLOEXEC), sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_ctl(r, ep, EPOLL_CTL_ADD, sv[0], &ev)->flags = IOSQE_IO_LINK;
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	ASSERT_CQE(r, 2, 0, 0);
	/* One that fails breaks it. */
	prep_ctl(r, ep, EPOLL_CTL_ADD, sv[0], &ev)->flags = IOSQE_IO_LINK;
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, -EEXIST, 0);
	ASSERT_CQE(r, 2, -ECANCELED, 0);
	close(ep);
}

/* The epoll that waits for the ring whose request says so. */
TEST_F(ring, the_ring_itself)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 9 };
	struct ring *r = &self->ring;
	int ep = epoll_create1(EPOLL_CLOEXEC);

	prep_ctl(r, ep, EPOLL_CTL_ADD, r->fd, &ev)->flags = IOSQE_ASYNC;
	ASSERT_COMPLETES(r, 1, 0, 0);
	EXPECT_EQ(0, events_of(ep, 9));
	prep_nop(r, 2);
	ASSERT_EQ(1, ring_submit_and_run(r));
	EXPECT_EQ(EPOLLIN, events_of(ep, 9));
	ASSERT_CQE(r, 2, 0, 0);
	close(ep);
}

static struct io_uring_sqe *prep_epoll_wait(struct ring *r, int epfd, void *events, int most, __u64 data)
{
	return prep(r, IORING_OP_EPOLL_WAIT, epfd, events, most, data);
}

/* An epoll that waits for both ends to have something to be read. */
static int epoll_of(const int sv[2])
{
	int ep = epoll_create1(EPOLL_CLOEXEC), i;

	for (i = 0; i < 2; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 100 + i };

		if (epoll_ctl(ep, EPOLL_CTL_ADD, sv[i], &ev))
			return -1;
	}
	return ep;
}

TEST_F(ring, wait_for_events)
{
	struct epoll_event got[3];
	struct ring *r = &self->ring;
	int ep, sv[2], i;
	char c;

	ASSERT_TRUE(ring_op_supported(r, IORING_OP_EPOLL_WAIT));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ep = epoll_of(sv);
	ASSERT_LE(0, ep);
	for (i = 0; i < 20; i++) {
		memset(got, 0, sizeof(got));
		prep_epoll_wait(r, ep, got, 3, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_QUIET(r);
		ASSERT_EQ(1, write(sv[1], "x", 1));
		ASSERT_CQE(r, 1, 1, 0);
		EXPECT_EQ(EPOLLIN, got[0].events);
		EXPECT_EQ(100, got[0].data.u64);
		EXPECT_EQ(0, got[1].events);
		ASSERT_EQ(1, read(sv[0], &c, 1));
	}
	/* what is there already, no more than there is room for */
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_EQ(1, write(sv[0], "x", 1));
	prep_epoll_wait(r, ep, got, 3, 2);
	ASSERT_COMPLETES(r, 2, 2, 0);
	EXPECT_EQ(201, got[0].data.u64 + got[1].data.u64);
	prep_epoll_wait(r, ep, got, 1, 2)->flags = IOSQE_ASYNC;
	ASSERT_COMPLETES(r, 2, 1, 0);
	close(ep);
	close(sv[0]);
	close(sv[1]);
}

/* Two wait for one event: who comes first has it, the other goes on waiting. */
TEST_F(ring, wait_for_one_event)
{
	struct epoll_event got[2] = {};
	struct ring *r = &self->ring;
	int ep, sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ep = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, sv[0], &(struct epoll_event) {
		.events = EPOLLIN | EPOLLET, .data.u64 = 5 }));
	prep_epoll_wait(r, ep, &got[0], 1, 1);
	prep_epoll_wait(r, ep, &got[1], 1, 1);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(r, 1, 1, 0);
	ASSERT_QUIET(r);
	EXPECT_EQ(5, got[0].data.u64 + got[1].data.u64);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(r, 1, 1, 0);
	EXPECT_EQ(10, got[0].data.u64 + got[1].data.u64);
	close(ep);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, wait_is_ended)
{
	struct __kernel_timespec soon = { .tv_nsec = 1000000 };
	struct epoll_event got = {};
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe = {};
	int ep, sv[2], i;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ep = epoll_of(sv);
	prep_epoll_wait(r, ep, &got, 1, 1);
	ASSERT_EQ(1, ring_submit(r));
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(cqe.user_data == 1 ? -ECANCELED : 0, cqe.res);
	}
	prep_epoll_wait(r, ep, &got, 1, 1)->flags = IOSQE_IO_LINK;
	prep(r, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 2);
	ASSERT_EQ(2, ring_submit(r));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(cqe.user_data == 1 ? -ECANCELED : -ETIME, cqe.res);
	}
	EXPECT_EQ(0, got.events);
	/* one that waits as the ring ends is not waited for */
	prep_epoll_wait(r, ep, &got, 1, 1);
	ASSERT_EQ(1, ring_submit(r));
	close(ep);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, wait_that_is_refused)
{
	struct epoll_event got;
	struct ring *r = &self->ring;
	int ep, sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ep = epoll_of(sv);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	prep_epoll_wait(r, sv[0], &got, 1, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_epoll_wait(r, -1, &got, 1, 1);
	ASSERT_RESULT(r, -EBADF);
	prep_epoll_wait(r, ep, &got, 0, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_epoll_wait(r, ep, &got, -1, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_epoll_wait(r, ep, (void *)8, 1, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_epoll_wait(r, ep, &got, 1, 1)->off = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_epoll_wait(r, ep, &got, 1, 1)->rw_flags = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_epoll_wait(r, ep, &got, 1, 1)->buf_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_epoll_wait(r, ep, &got, 1, 1)->splice_fd_in = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_epoll_wait(r, ep, &got, 1, 1);
	ASSERT_RESULT(r, 1);
	close(ep);
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
