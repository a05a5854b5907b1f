// SPDX-License-Identifier: GPL-2.0
/*
 * POLL_ADD and POLL_REMOVE. What reports the same event again is in poll_level.c.
 */
#include <fcntl.h>
#include <linux/ruring.h>
#include <sys/epoll.h>

#define RING_MODES
#include "fixture.h"

#define MORE	IORING_CQE_F_MORE

static struct io_uring_sqe *prep_update(struct ring *ring, __u64 target,
					unsigned int flags, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep(ring, IORING_OP_POLL_REMOVE, -1, NULL,
					flags, user_data);

	sqe->addr = target;
	return sqe;
}

/* Of a new pair of sockets the first is polled for @events, by the request 1. */
#define ASSERT_POLLS(ring, sv, events) do {				\
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));			\
	prep_poll(ring, (sv)[0], events, 1);				\
	ASSERT_EQ(1, ring_submit(ring));				\
} while (0)

TEST_F(ring, ready_at_once)
{
	int sv[2];

	ASSERT_POLLS(&self->ring, sv, POLLOUT);
	EXPECT_EQ(1, ring_ready(&self->ring));
	ASSERT_CQE(&self->ring, 1, POLLOUT, 0);
}

TEST_F(ring, only_what_was_asked_for)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	prep_poll(&self->ring, sv[0], POLLIN, 1);
	prep_poll(&self->ring, sv[0], POLLIN | POLLOUT, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
	ASSERT_CQE(&self->ring, 2, POLLIN | POLLOUT, 0);
}

TEST_F(ring, waits_for_the_event)
{
	int sv[2];

	ASSERT_POLLS(&self->ring, sv, POLLIN);
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, hang_up_is_reported_unasked)
{
	int sv[2];

	ASSERT_POLLS(&self->ring, sv, POLLPRI);
	ASSERT_QUIET(&self->ring);
	close(sv[1]);
	ASSERT_CQE(&self->ring, 1, POLLHUP | POLLRDHUP, 0);
}

TEST_F(ring, half_closed_by_the_peer)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(&self->ring, sv[0], POLLRDHUP, 1);
	prep_poll(&self->ring, sv[0], POLLIN | POLLRDHUP, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_EQ(0, shutdown(sv[1], SHUT_WR));
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	ASSERT_EQ(3, self->ring.cqes[0].user_data + self->ring.cqes[1].user_data);
	EXPECT_EQ(2 * POLLRDHUP + POLLIN,
		  self->ring.cqes[0].res + self->ring.cqes[1].res);
}

TEST_F(ring, error_of_a_socket)
{
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	prep_poll(&self->ring, sv[0], 0, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(0, tcp_reset(sv[1]));
	ASSERT_CQE(&self->ring, 1, POLLERR | POLLHUP | POLLRDHUP, 0);
}

TEST_F(ring, pipes_and_other_files)
{
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	prep_poll(&self->ring, pipes[0], POLLIN, 1);
	prep_poll(&self->ring, pipes[1], POLLOUT, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, POLLOUT, 0);
	ASSERT_EQ(1, write(pipes[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
	prep_poll(&self->ring, pipes[1], POLLERR, 3);
	ASSERT_EQ(1, ring_submit(&self->ring));
	close(pipes[0]);
	ASSERT_CQE(&self->ring, 3, POLLERR, 0);
}

TEST_F(ring, many_wait_for_one_event)
{
	unsigned int i, sum = 0;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < 16; i++)
		prep_poll(&self->ring, sv[0], POLLIN, 1u << i);
	ASSERT_EQ(16, ring_submit(&self->ring));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_EQ(0, ring_wait(&self->ring, 16));
	for (i = 0; i < 16; i++) {
		struct io_uring_cqe cqe;

		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		EXPECT_EQ(POLLIN, cqe.res);
		sum += cqe.user_data;
	}
	EXPECT_EQ(0xffff, sum);
}

TEST_F(ring, multishot_reports_every_event)
{
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll_multi(&self->ring, sv[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(1, write(sv[1], "x", 1));
		ASSERT_CQE(&self->ring, 1, POLLIN, MORE);
		ASSERT_QUIET(&self->ring);
	}
}

TEST_F(ring, multishot_is_edge_triggered)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	prep_poll_multi(&self->ring, sv[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	/* once for what was there, though it stays there */
	ASSERT_CQE(&self->ring, 1, POLLIN, MORE);
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, POLLIN, MORE);
	EXPECT_EQ(2, drain_socket(sv[0]));
	ASSERT_QUIET(&self->ring);
}

/* What is there when it is submitted is told, also if what is submitted with it takes that. */
TEST_F(ring, multishot_tells_of_what_is_taken_meanwhile)
{
	int sv[2], res[3] = {}, i;
	struct io_uring_cqe cqe;
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	prep_poll_multi(&self->ring, sv[0], POLLIN, 1);
	prep_recv(&self->ring, sv[0], &c, 1, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		ASSERT_GT(3, cqe.user_data);
		EXPECT_EQ(cqe.user_data == 1 ? MORE : 0, cqe.flags & MORE);
		res[cqe.user_data] = cqe.res;
	}
	EXPECT_EQ(POLLIN, res[1]);
	EXPECT_EQ(1, res[2]);
	ASSERT_QUIET(&self->ring);
	/* It goes on. */
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, POLLIN, MORE);
}

TEST_F(ring, multishot_goes_on_after_hang_up)
{
	struct io_uring_cqe cqe;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll_multi(&self->ring, sv[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, shutdown(sv[1], SHUT_RDWR));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(POLLIN | POLLHUP | POLLRDHUP, cqe.res);
	EXPECT_EQ(MORE, cqe.flags);
	prep_update(&self->ring, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	while (ring_take(&self->ring, &cqe) == 0 && (cqe.flags & MORE))
		EXPECT_EQ(1, cqe.user_data);
	EXPECT_TRUE(cqe.user_data == 2 ? cqe.res == 0 : cqe.res == -ECANCELED);
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_TRUE(cqe.user_data == 2 ? cqe.res == 0 : cqe.res == -ECANCELED);
}

TEST_F(ring, closed_while_polled)
{
	int sv[2];

	ASSERT_POLLS(&self->ring, sv, POLLIN);
	close(sv[0]);
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
}

TEST_F(ring, epoll_descriptor_is_polled)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int sv[2], ep = epoll_create1(0);

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, sv[0], &ev));
	prep_poll(&self->ring, ep, POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
}

/* A pipe that is open for both has a queue for readers and one for writers. */
TEST_F(ring, file_with_two_wait_queues)
{
	int pipes[2], both;
	char path[64];
	unsigned int i;
	char c;

	ASSERT_EQ(0, pipe(pipes));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", pipes[0]);
	both = open(path, O_RDWR);
	ASSERT_LE(0, both);
	prep_poll(&self->ring, both, POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(1, write(both, "x", 1));
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
	ASSERT_EQ(1, read(both, &c, 1));

	prep_poll_multi(&self->ring, both, POLLIN, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(1, write(both, "x", 1));
		ASSERT_CQE(&self->ring, 2, POLLIN, MORE);
		ASSERT_EQ(1, read(both, &c, 1));
		ASSERT_QUIET(&self->ring);
	}
	prep_cancel(&self->ring, 2, 0, 3);
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	ASSERT_CQE(&self->ring, 3, 0, 0);
	ASSERT_CQE(&self->ring, 2, -ECANCELED, 0);
}

TEST_F(ring, removed)
{
	int sv[2];

	ASSERT_POLLS(&self->ring, sv, POLLIN);
	prep_update(&self->ring, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	ASSERT_CQE(&self->ring, 1, -ECANCELED, 0);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, multishot_removed)
{
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll_multi(&self->ring, sv[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, POLLIN, MORE);
	prep_update(&self->ring, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	ASSERT_CQE(&self->ring, 1, -ECANCELED, 0);
}

TEST_F(ring, nothing_to_remove)
{
	char c;
	int sv[2];

	prep_update(&self->ring, 1, 0, 2);
	ASSERT_RESULT(&self->ring, -ENOENT);

	/* a request of another kind is none of its business */
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(&self->ring, sv[0], &c, 1, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	prep_update(&self->ring, 1, 0, 2);
	ASSERT_RESULT(&self->ring, -ENOENT);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, 1, 0);
}

TEST_F(ring, removes_one_of_a_kind)
{
	struct io_uring_cqe cqe;
	unsigned int i, cancelled = 0;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < 3; i++)
		prep_poll(&self->ring, sv[0], POLLIN, 1);
	prep_update(&self->ring, 1, 0, 2);
	ASSERT_EQ(4, ring_submit(&self->ring));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		cancelled += cqe.res == -ECANCELED;
	}
	EXPECT_EQ(1, cancelled);
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, events_updated)
{
	struct io_uring_sqe *sqe;
	int sv[2];

	ASSERT_POLLS(&self->ring, sv, POLLPRI);
	sqe = prep_update(&self->ring, 1, IORING_POLL_UPDATE_EVENTS, 2);
	sqe->poll32_events = POLLIN;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, POLLIN, 0);
}

TEST_F(ring, events_updated_to_what_is_there)
{
	struct io_uring_sqe *sqe;
	int sv[2];

	ASSERT_POLLS(&self->ring, sv, POLLIN);
	sqe = prep_update(&self->ring, 1, IORING_POLL_UPDATE_EVENTS, 2);
	sqe->poll32_events = POLLOUT;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	ASSERT_CQE(&self->ring, 1, POLLOUT, 0);
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, multishot_events_updated)
{
	struct io_uring_sqe *sqe;
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll_multi(&self->ring, sv[0], POLLPRI, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	EXPECT_EQ(1, drain_socket(sv[0]));
	ASSERT_QUIET(&self->ring);
	sqe = prep_update(&self->ring, 1, IORING_POLL_UPDATE_EVENTS |
			  IORING_POLL_ADD_MULTI, 2);
	sqe->poll32_events = POLLIN;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(1, write(sv[1], "x", 1));
		ASSERT_CQE(&self->ring, 1, POLLIN, MORE);
	}
}

TEST_F(ring, user_data_updated)
{
	struct io_uring_sqe *sqe;
	int sv[2];

	ASSERT_POLLS(&self->ring, sv, POLLIN);
	sqe = prep_update(&self->ring, 1, IORING_POLL_UPDATE_USER_DATA, 2);
	sqe->off = 77;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	/* known by the new name alone */
	prep_update(&self->ring, 1, 0, 3);
	ASSERT_RESULT(&self->ring, -ENOENT);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 77, POLLIN, 0);
}

TEST_F(ring, both_updated)
{
	struct io_uring_sqe *sqe;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll_multi(&self->ring, sv[0], POLLPRI, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	sqe = prep_update(&self->ring, 1, IORING_POLL_UPDATE_EVENTS |
			  IORING_POLL_UPDATE_USER_DATA | IORING_POLL_ADD_MULTI, 2);
	sqe->off = 77;
	sqe->poll32_events = POLLIN;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 77, POLLIN, MORE);
}

/* RURING_POLL_UPDATE_MODE, which is ruring's own. */
TEST_F(ring, single_becomes_multishot_and_back)
{
	struct ring *r = &self->ring;
	unsigned int i;
	int sv[2];

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	ASSERT_POLLS(r, sv, POLLIN);
	prep_update(r, 1, RURING_POLL_UPDATE_MODE | IORING_POLL_ADD_MULTI, 2);
	ASSERT_RESULT(r, 0);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(1, write(sv[1], "x", 1));
		ASSERT_CQE(r, 1, POLLIN, MORE);
		EXPECT_EQ(1, drain_socket(sv[0]));
	}
	/* the events stay, unless they are updated, too */
	prep_update(r, 1, RURING_POLL_UPDATE_MODE, 2);
	ASSERT_RESULT(r, 0);
	ASSERT_QUIET(r);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(r, 1, POLLIN, 0);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_QUIET(r);
	prep_update(r, 1, RURING_POLL_UPDATE_MODE, 2);
	ASSERT_RESULT(r, -ENOENT);
}

TEST_F(ring, mode_updated_with_the_rest)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	unsigned int i;
	int sv[2];

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	prep_poll(r, sv[0], POLLPRI, 1);
	ASSERT_EQ(1, ring_submit(r));
	sqe = prep_update(r, 1, RURING_POLL_UPDATE_MODE | IORING_POLL_ADD_MULTI |
			  IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA, 2);
	sqe->off = 77;
	sqe->poll32_events = POLLIN;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 2, 0, 0);
	/* what is there is told once */
	ASSERT_CQE(r, 77, POLLIN, MORE);
	ASSERT_QUIET(r);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(1, write(sv[1], "x", 1));
		ASSERT_CQE(r, 77, POLLIN, MORE);
	}
	/* and by one that reports once is told last */
	sqe = prep_update(r, 77, RURING_POLL_UPDATE_MODE, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_CQE(r, 77, POLLIN, 0);
	ASSERT_QUIET(r);
}

/* What is linked behind starts when the request is over, whatever it was before. */
TEST_F(ring, mode_updated_before_a_link)
{
	struct ring *r = &self->ring;
	int sv[2];

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(r, sv[0], POLLIN, 1)->flags = IOSQE_IO_LINK;
	prep_nop(r, 3);
	ASSERT_EQ(2, ring_submit(r));
	prep_update(r, 1, RURING_POLL_UPDATE_MODE | IORING_POLL_ADD_MULTI, 2);
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(r, 1, POLLIN, MORE);
	EXPECT_EQ(1, drain_socket(sv[0]));
	ASSERT_QUIET(r);
	prep_update(r, 1, RURING_POLL_UPDATE_MODE, 2);
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(r, 1, POLLIN, 0);
	ASSERT_CQE(r, 3, 0, 0);
}

/* One that is on its way cannot be changed any more, and one without completions must not become multishot. */
TEST_F(ring, mode_that_stays)
{
	struct ring *r = &self->ring;
	int sv[2];

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	ASSERT_POLLS(r, sv, POLLIN);
	if (variant->flags & IORING_SETUP_DEFER_TASKRUN) {
		ASSERT_EQ(1, write(sv[1], "x", 1));
		prep_update(r, 1, RURING_POLL_UPDATE_MODE | IORING_POLL_ADD_MULTI, 2);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_CQE(r, 2, -EALREADY, 0);
		ASSERT_CQE(r, 1, POLLIN, 0);
		ASSERT_EQ(1, drain_socket(sv[0]));
	}
	prep_poll(r, sv[0], POLLIN, 4)->flags = IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(1, ring_submit(r));
	prep_update(r, 4, RURING_POLL_UPDATE_MODE | IORING_POLL_ADD_MULTI, 2);
	ASSERT_RESULT(r, -EINVAL);
	ASSERT_QUIET(r);
	prep_update(r, 4, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_CQE(r, 4, -ECANCELED, 0);
}

TEST_F(ring, bad_requests)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_poll(r, -1, POLLIN, 1);
	ASSERT_RESULT(r, -EBADF);
	prep_poll(r, sv[0], POLLIN, 1)->addr = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_poll(r, sv[0], POLLIN, 1)->off = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_poll(r, sv[0], POLLIN, 1)->buf_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_poll(r, sv[0], POLLIN, 1)->len = IORING_POLL_ADD_LEVEL;
	ASSERT_RESULT(r, -EINVAL);
	prep_poll(r, sv[0], POLLIN, 1)->len = 1u << 4;
	ASSERT_RESULT(r, -EINVAL);
	prep_poll(r, sv[0], POLLIN, 1)->ioprio = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_poll_multi(r, sv[0], POLLIN, 1)->flags = IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_RESULT(r, -EINVAL);

	prep_update(r, 1, IORING_POLL_ADD_MULTI, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_update(r, 1, IORING_POLL_ADD_LEVEL, 1);
	ASSERT_RESULT(r, -EINVAL);
	if (variant->backend == IO_URING) {
		prep_update(r, 1, RURING_POLL_UPDATE_MODE, 1);
		ASSERT_RESULT(r, -EINVAL);
	}
	prep_update(r, 1, RURING_POLL_UPDATE_MODE, 1)->poll32_events = POLLIN;
	ASSERT_RESULT(r, -EINVAL);
	prep_update(r, 1, 0, 1)->off = 5;
	ASSERT_RESULT(r, -EINVAL);
	prep_update(r, 1, 0, 1)->poll32_events = POLLIN;
	ASSERT_RESULT(r, -EINVAL);
	prep_update(r, 1, 0, 1)->buf_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_update(r, 1, 0, 1)->splice_fd_in = 1;
	ASSERT_RESULT(r, -EINVAL);
}

TEST_F(ring, file_that_is_always_ready)
{
	int fd = memfd_create("poll", 0);

	ASSERT_LE(0, fd);
	prep_poll(&self->ring, fd, POLLIN, 1);
	ASSERT_RESULT(&self->ring, POLLIN);
	prep_poll(&self->ring, fd, POLLPRI, 1);
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_HARNESS_MAIN
