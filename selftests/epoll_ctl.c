// SPDX-License-Identifier: GPL-2.0
/*
 * EPOLL_CTL: what an epoll waits for, changed by requests.
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

TEST_HARNESS_MAIN
