// SPDX-License-Identifier: GPL-2.0
/*
 * An eventfd that is signalled when a ring has completions.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#define RING_MODES
#include "fixture.h"

static int register_eventfd(struct ring *r, int fd)
{
	return ring_register(r, IORING_REGISTER_EVENTFD, &fd, 1);
}

static int unregister_eventfd(struct ring *r)
{
	return ring_register(r, IORING_UNREGISTER_EVENTFD, NULL, 0);
}

/* How often it was signalled since the last call. */
static unsigned int count_signals(int fd)
{
	eventfd_t value;

	return eventfd_read(fd, &value) ? 0 : value;
}

/* Wait until it is signalled. */
static bool wait_signal(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, DEADLINE_MS) == 1 && p.revents == POLLIN;
}

static unsigned int *cq_flags(struct ring *r)
{
	return (void *)((char *)r->rings + r->params.cq_off.flags);
}

TEST_F(ring, completion_signals)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	ASSERT_EQ(0, register_eventfd(&self->ring, fd));
	EXPECT_EQ(0, count_signals(fd));
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(1, count_signals(fd));
	ASSERT_CQE(&self->ring, 1, 0, 0);
	EXPECT_EQ(0, count_signals(fd));
	/* one or more for several at a time */
	prep_nop(&self->ring, 2);
	prep_nop(&self->ring, 3);
	ASSERT_EQ(2, ring_submit(&self->ring));
	EXPECT_LE(1, count_signals(fd));
	ASSERT_EQ(2, ring_drain(&self->ring));
	/* none without a completion */
	ASSERT_EQ(0, ring_run(&self->ring));
	EXPECT_EQ(0, count_signals(fd));
}

TEST_F(ring, wake_up_of_a_request_signals)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	int sv[2], i;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_eventfd(&self->ring, fd));
	for (i = 0; i < 3; i++) {
		char c;

		prep_recv(&self->ring, sv[0], &c, 1, 1);
		ASSERT_EQ(1, ring_submit(&self->ring));
		EXPECT_EQ(0, count_signals(fd));
		ASSERT_EQ(1, write(sv[1], "x", 1));
		/* the ring is not entered meanwhile */
		ASSERT_TRUE(wait_signal(fd));
		ASSERT_CQE(&self->ring, 1, 1, 0);
		count_signals(fd);
	}
}

TEST_F(ring, signals_are_switched_off_and_on)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	ASSERT_EQ(0, register_eventfd(&self->ring, fd));
	*cq_flags(&self->ring) |= IORING_CQ_EVENTFD_DISABLED;
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(0, count_signals(fd));
	*cq_flags(&self->ring) &= ~IORING_CQ_EVENTFD_DISABLED;
	EXPECT_EQ(0, count_signals(fd));
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(1, count_signals(fd));
	ASSERT_EQ(2, ring_drain(&self->ring));
}

TEST_F(ring, completions_of_the_task_itself_are_not_asynchronous)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	unsigned int signals;
	int sv[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, ring_register(&self->ring, IORING_REGISTER_EVENTFD_ASYNC,
				   &fd, 1));
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 0, 0);
	EXPECT_EQ(0, count_signals(fd));
	prep_recv(&self->ring, sv[0], &c, 1, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 2, 1, 0);
	EXPECT_EQ(0, count_signals(fd));
	/* what is forced to be is */
	prep_nop(&self->ring, 3)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 3, 0, 0);
	ASSERT_TRUE(wait_signal(fd));
	signals = count_signals(fd);
	EXPECT_LE(1, signals);
	/* but if it has no file, which the task tells, whose being called is a signal with DEFER_TASKRUN */
	prep_recv(&self->ring, -1, &c, 1, 4)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 4, -EBADF, 0);
	if (!variant->flags) {
		EXPECT_EQ(1, signals);
		EXPECT_EQ(0, count_signals(fd));
		return;
	}
	ASSERT_TRUE(wait_signal(fd));
	signals += count_signals(fd);
	/* A worker of io_uring that is the last to have a request calls the task once more for it, which is by chance. */
	if (variant->backend == RURING)
		EXPECT_EQ(2, signals);
}

/* What io_uring has a worker do is asynchronous, whoever does it. */
TEST_F(ring, work_of_others_is_asynchronous)
{
	int fd = eventfd(0, EFD_NONBLOCK), dir = open("/proc", O_RDONLY), sv[2];
	struct statx st;

	ASSERT_LE(0, dir);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, ring_register(&self->ring, IORING_REGISTER_EVENTFD_ASYNC, &fd, 1));
	prep(&self->ring, IORING_OP_SHUTDOWN, sv[0], NULL, SHUT_WR, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 0, 0);
	EXPECT_TRUE(wait_signal(fd));
	EXPECT_EQ(1, count_signals(fd));
	/* relative to a descriptor, which workers have none of */
	prep(&self->ring, IORING_OP_STATX, dir, ".", STATX_SIZE, 2)->off = (uintptr_t)&st;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	EXPECT_TRUE(wait_signal(fd));
	close(dir);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, unregistered)
{
	int fd = eventfd(0, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK);

	ASSERT_EQ(-ENXIO, unregister_eventfd(&self->ring));
	ASSERT_EQ(0, register_eventfd(&self->ring, fd));
	ASSERT_EQ(-EBUSY, register_eventfd(&self->ring, other));
	ASSERT_EQ(0, unregister_eventfd(&self->ring));
	ASSERT_EQ(-ENXIO, unregister_eventfd(&self->ring));
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(0, count_signals(fd));
	ASSERT_EQ(0, register_eventfd(&self->ring, other));
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(0, count_signals(fd));
	EXPECT_EQ(1, count_signals(other));
	ASSERT_EQ(2, ring_drain(&self->ring));
}

TEST_F(ring, registration_fails)
{
	int fd = eventfd(0, EFD_NONBLOCK), pipefd[2], bad = 12345;
	struct ring *r = &self->ring;

	ASSERT_EQ(0, pipe(pipefd));
	ASSERT_EQ(-EINVAL, register_eventfd(r, pipefd[0]));
	ASSERT_EQ(-EBADF, register_eventfd(r, bad));
	ASSERT_EQ(-EBADF, register_eventfd(r, -1));
	ASSERT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_EVENTFD, NULL, 1));
	ASSERT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_EVENTFD, &fd, 0));
	ASSERT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_EVENTFD, &fd, 2));
	ASSERT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_EVENTFD_ASYNC, &fd, 0));
	ASSERT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_EVENTFD, &fd, 0));
	ASSERT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_EVENTFD, NULL, 1));
	ASSERT_EQ(0, register_eventfd(r, fd));
}

/* The ring keeps it: closing the descriptor changes nothing, nor does a read. */
TEST_F(ring, descriptor_is_closed)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	int copy = dup(fd);

	ASSERT_EQ(0, register_eventfd(&self->ring, fd));
	close(fd);
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(1, count_signals(copy));
	close(copy);
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(2, ring_drain(&self->ring));
}

/* A completion signals, the signal completes a request, and that is that. */
TEST_F(ring, a_ring_that_polls_its_own_eventfd)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct io_uring_cqe cqe;
	unsigned int count = 0;

	ASSERT_EQ(0, register_eventfd(&self->ring, fd));
	prep_poll_multi(&self->ring, fd, POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	prep_nop(&self->ring, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	do {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		EXPECT_EQ(1, cqe.user_data);
		EXPECT_EQ(POLLIN, cqe.res);
		ASSERT_GT(8, ++count);
	} while (cqe.flags & IORING_CQE_F_MORE);
	ASSERT_QUIET(&self->ring);
}

TEST_HARNESS_MAIN
