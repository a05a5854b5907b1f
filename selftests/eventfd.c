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

static int register_async(struct ring *r, int fd)
{
	return ring_register(r, IORING_REGISTER_EVENTFD_ASYNC, &fd, 1);
}

/*
 * A worker of io_uring tells the task of a ring with DEFER_TASKRUN of all that it does. For any other it looks whether
 * completions have been posted since the last time that it did.
 */
TEST_F(ring, work_without_a_completion_is_asynchronous)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct ring *r = &self->ring;
	unsigned int i;

	ASSERT_EQ(0, register_async(r, fd));
	prep_nop(r, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	EXPECT_EQ(0, count_signals(fd));
	for (i = 0; i < 2; i++) {
		/* A worker of io_uring does not tell twice, and may see what is posted below. */
		if (i && variant->backend == IO_URING)
			return;
		prep_nop(r, 2)->flags = IOSQE_ASYNC | IOSQE_CQE_SKIP_SUCCESS;
		ASSERT_EQ(1, ring_submit_and_run(r));
		if (i && !variant->flags)
			break;
		EXPECT_TRUE(wait_signal(fd));
		EXPECT_LE(1, count_signals(fd));
	}
	ASSERT_QUIET(r);
	EXPECT_EQ(0, count_signals(fd));
}

/* One that is for all is not signalled without a completion that is new. */
TEST_F(ring, work_without_a_completion_is_not_told)
{
	int fd = eventfd(0, EFD_NONBLOCK), sv[2];
	struct ring *r = &self->ring;
	char c;

	if (variant->flags)
		SKIP(return, "there the task is told of work");
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_EVENTFD, &fd, 1));
	prep_nop(r, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	EXPECT_EQ(1, count_signals(fd));
	prep_send(r, sv[0], "x", 1, 2)->flags = IOSQE_ASYNC | IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(1, recv(sv[1], &c, 1, 0));
	prep_nop(r, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 3, 0, 0);
	EXPECT_EQ(1, count_signals(fd));
	close(sv[0]);
	close(sv[1]);
}

/* A worker of io_uring does all of a link that is submitted without its end. */
TEST_F(ring, link_without_an_end_is_asynchronous)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct ring *r = &self->ring;
	int i;

	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_EVENTFD_ASYNC, &fd, 1));
	for (i = 1; i <= 2; i++) {
		prep_nop(r, 1)->flags = IOSQE_IO_LINK;
		if (i == 2)
			prep_nop(r, 2)->flags = IOSQE_IO_HARDLINK;
		ASSERT_EQ(i, ring_submit(r));
		ASSERT_CQE(r, 1, 0, 0);
		if (i == 2)
			ASSERT_CQE(r, 2, 0, 0);
		EXPECT_TRUE(wait_signal(fd));
		EXPECT_LE(1, count_signals(fd));
	}
	/* that worker may be late */
	if (variant->backend == IO_URING)
		return;
	/* what comes next is not of it */
	prep_nop(r, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 3, 0, 0);
	EXPECT_EQ(0, count_signals(fd));
}

/* A worker of io_uring opens what a file system has to be asked for, as it has to for what is below /proc/self. */
TEST_F(ring, open_of_a_name_that_is_not_known)
{
	static const char * const names[] = { "/", "/proc/self/comm" };
	int fd = eventfd(0, EFD_NONBLOCK);
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	unsigned int i;

	ASSERT_EQ(0, register_async(r, fd));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		prep(r, IORING_OP_OPENAT, AT_FDCWD, names[i], 0, i);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_LE(0, cqe.res);
		close(cqe.res);
		if (i && variant->backend == IO_URING) {
			EXPECT_TRUE(wait_signal(fd));
		} else {
			EXPECT_EQ(0, count_signals(fd));
		}
	}
}

static bool overflows(void *arg)
{
	struct ring *r = arg;

	ring_run(r);
	return ring_flags(r) & IORING_SQ_CQ_OVERFLOW;
}

TEST_F(ring, work_whose_completion_finds_no_room_is_asynchronous)
{
	int fd = eventfd(0, EFD_NONBLOCK), sv[2];
	unsigned int i, round;
	struct ring r;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, ring_init_cq(&r, variant->backend, 4, 4, variant->flags));
	for (round = 0; round < 2; round++) {
		if (round)
			ASSERT_EQ(0, register_async(&r, fd));
		for (i = 0; i < 4; i++)
			prep_nop(&r, i);
		ASSERT_EQ(4, ring_submit(&r));
		if (!round)
			ASSERT_EQ(0, register_async(&r, fd));
		/* A worker does it in any case. */
		prep(&r, IORING_OP_SHUTDOWN, sv[0], NULL, SHUT_WR, 4);
		ASSERT_EQ(1, ring_submit(&r));
		ASSERT_TRUE(wait_until(overflows, &r));
		for (i = 0; i < 5; i++)
			ASSERT_CQE(&r, i, 0, 0);
		if (round || variant->flags) {
			EXPECT_TRUE(wait_signal(fd));
			EXPECT_LE(1, count_signals(fd));
		}
		/* What the task itself posts next is not. */
		prep_nop(&r, 5);
		ASSERT_EQ(1, ring_submit(&r));
		ASSERT_CQE(&r, 5, 0, 0);
		/* A worker of io_uring may call the task once more when it is through. */
		if (!variant->flags || variant->backend == RURING)
			EXPECT_EQ(0, count_signals(fd));
		ASSERT_EQ(0, unregister_eventfd(&r));
	}
	ring_exit(&r);
	close(sv[0]);
	close(sv[1]);
}

/* The end of what drains is left to the task. */
TEST_F(ring, work_that_drains)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct ring *r = &self->ring;

	ASSERT_EQ(0, register_async(r, fd));
	prep_nop(r, 1)->flags = IOSQE_IO_DRAIN;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	if (variant->flags) {
		EXPECT_TRUE(wait_signal(fd));
	} else {
		EXPECT_EQ(0, count_signals(fd));
	}
}

/* As it is with all requests of a ring that polls, if that may be run by others than its task. */
TEST_F(ring, work_of_a_ring_that_polls)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct io_uring_cqe cqe;
	struct ring r;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, variant->flags | IORING_SETUP_IOPOLL));
	ASSERT_EQ(0, register_async(&r, fd));
	prep_nop(&r, 1)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(&r));
	while (!ring_peek(&r, &cqe))
		ASSERT_LE(0, ring_run(&r));
	EXPECT_EQ(1, cqe.user_data);
	if (variant->flags) {
		EXPECT_TRUE(wait_signal(fd));
	} else {
		EXPECT_EQ(0, count_signals(fd));
	}
	ring_exit(&r);
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
