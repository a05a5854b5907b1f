// SPDX-License-Identifier: GPL-2.0
/*
 * MSG_RING: completions for another ring.
 */
#include <sys/eventfd.h>

#include "msg_ring.h"

TEST_F(ring, probe)
{
	EXPECT_TRUE(ring_op_supported(&self->ring, IORING_OP_MSG_RING));
}

TEST_F(msg, one_of_each_kind)
{
	prep_msg(&self->from, self->to.fd, 0x1234, 0x0123456789abcdef, 1);
	ASSERT_SENT(&self->from, 1, 0);
	ASSERT_COMES(&self->to, 0x0123456789abcdef, 0x1234, 0);
	prep_msg(&self->from, self->to.fd, -5, 0, 2);
	ASSERT_SENT(&self->from, 2, 0);
	ASSERT_COMES(&self->to, 0, -5, 0);
	ASSERT_NOTHING(&self->from);
	ASSERT_NOTHING(&self->to);
}

TEST_F(msg, several_at_once_keep_their_order)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		prep_msg(&self->from, self->to.fd, i, 100 + i, i);
	ASSERT_EQ(16, submit(&self->from));
	for (i = 0; i < 16; i++)
		ASSERT_COMES(&self->from, i, 0, 0);
	for (i = 0; i < 16; i++)
		ASSERT_COMES(&self->to, 100 + i, i, 0);
	ASSERT_NOTHING(&self->to);
}

TEST_F(msg, flags)
{
	static const __u32 flags[] = { 0, 1, 0x42, 0xffff7fff };
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		sqe = prep_msg(&self->from, self->to.fd, 7, 8, 1);
		sqe->msg_ring_flags = IORING_MSG_RING_FLAGS_PASS;
		sqe->file_index = flags[i];
		ASSERT_SENT(&self->from, 1, 0);
		ASSERT_COMES(&self->to, 8, 7, flags[i]);
	}
	/* There are no completions of that size in the other ring. */
	sqe = prep_msg(&self->from, self->to.fd, 7, 8, 1);
	sqe->msg_ring_flags = IORING_MSG_RING_FLAGS_PASS;
	sqe->file_index = IORING_CQE_F_32;
	ASSERT_SENT(&self->from, 1, -EINVAL);
	ASSERT_NOTHING(&self->to);
}

TEST_F(msg, bad_entries)
{
	struct ring *r = &self->from;
	int fd = self->to.fd;

	prep_msg(r, fd, 1, 1, 1)->msg_ring_flags = IORING_MSG_RING_CQE_SKIP;
	ASSERT_SENT(r, 1, -EINVAL);
	prep_msg(r, fd, 1, 1, 1)->msg_ring_flags = 4;
	ASSERT_SENT(r, 1, -EINVAL);
	prep_msg(r, fd, 1, 1, 1)->file_index = 1;
	ASSERT_SENT(r, 1, -EINVAL);
	prep_msg(r, fd, 1, 1, 1)->addr3 = 1;
	ASSERT_SENT(r, 1, -EINVAL);
	prep_msg(r, fd, 1, 1, 1)->addr = 2;
	ASSERT_SENT(r, 1, -EINVAL);
	prep_msg(r, fd, 1, 1, 1)->buf_index = 1;
	ASSERT_SENT(r, 1, -EINVAL);
	prep_msg(r, fd, 1, 1, 1)->ioprio = 1;
	ASSERT_SENT(r, 1, -EINVAL);
	prep_msg(r, fd, 1, 1, 1)->personality = 1;
	ASSERT_SENT(r, 1, -EINVAL);
	prep_msg(r, fd, 1, 1, 1)->flags = IOSQE_BUFFER_SELECT;
	ASSERT_SENT(r, 1, -EOPNOTSUPP);
	ASSERT_NOTHING(&self->to);
	/* Of these the upper half counts for nothing. */
	prep_msg(r, fd, 1, 1, 1)->addr3 = 1ull << 32;
	ASSERT_SENT(r, 1, 0);
	ASSERT_COMES(&self->to, 1, 1, 0);
	prep_msg(r, fd, 1, 1, 1)->addr = 1ull << 32;
	ASSERT_SENT(r, 1, 0);
	ASSERT_COMES(&self->to, 1, 1, 0);
}

TEST_F(msg, not_a_ring)
{
	struct ring other, *r = &self->from;
	int fds[2], i;

	ASSERT_EQ(0, pipe(fds));
	for (i = 0; i < 3; i++) {
		/* io_uring looks at the command last. */
		prep_msg(r, fds[0], 1, 1, 1)->addr = i;
		ASSERT_SENT(r, 1, -EBADFD);
		prep_msg(r, -1, 1, 1, 1)->addr = i;
		ASSERT_SENT(r, 1, -EBADF);
	}
	/* Nor can a ring be registered. */
	ASSERT_EQ(-EBADF, register_files(r, &self->to.fd, 1));
	ASSERT_EQ(0, register_files(r, (int []) { fds[0], -1 }, 2));
	fixed(prep_msg(r, 0, 1, 1, 1));
	ASSERT_SENT(r, 1, -EBADFD);
	fixed(prep_msg(r, 1, 1, 1, 1));
	ASSERT_SENT(r, 1, -EBADF);
	fixed(prep_msg(r, 2, 1, 1, 1));
	ASSERT_SENT(r, 1, -EBADF);
	/* One of the kernel's for ruring, and one of ruring's for the kernel. */
	ASSERT_EQ(0, ring_init(&other, variant->backend == RURING ? IO_URING : RURING, 4, 0));
	for (i = 0; i < 2; i++) {
		prep_msg(r, other.fd, 0, 1, 1)->addr = i;
		ASSERT_SENT(r, 1, -EBADFD);
	}
	ASSERT_NOTHING(&other);
	ring_exit(&other);
}

TEST_F(msg, own_ring)
{
	struct io_uring_cqe cqe;
	unsigned int i, seen = 0;

	prep_msg(&self->from, self->from.fd, 5, 2, 1);
	ASSERT_EQ(1, submit(&self->from));
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(wait_until(one_is_ready, &self->from));
		ASSERT_EQ(0, ring_take(&self->from, &cqe));
		ASSERT_EQ(cqe.user_data == 1 ? 0 : 5, cqe.res);
		seen |= cqe.user_data;
	}
	EXPECT_EQ(3, seen);
	ASSERT_EQ(0, register_sparse(&self->from, 1));
	prep_msg_fd(&self->from, self->from.fd, 0, 0, 1, 1);
	ASSERT_SENT(&self->from, 1, -EINVAL);
}

TEST_F(msg, disabled_ring)
{
	struct ring *r = &self->from, disabled;

	ASSERT_EQ(0, ring_init(&disabled, variant->backend, 4, variant->to | IORING_SETUP_R_DISABLED));
	prep_msg(r, disabled.fd, 1, 1, 1);
	ASSERT_SENT(r, 1, -EBADFD);
	prep_msg(r, disabled.fd, 1, 1, 1)->msg_ring_flags = IORING_MSG_RING_CQE_SKIP;
	ASSERT_SENT(r, 1, -EINVAL);
	prep_msg_fd(r, disabled.fd, 0, 0, 1, 1);
	ASSERT_SENT(r, 1, -EBADFD);
	ASSERT_EQ(0, ring_register(&disabled, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	prep_msg(r, disabled.fd, 1, 1, 1);
	ASSERT_SENT(r, 1, 0);
	ASSERT_COMES(&disabled, 1, 1, 0);
	ring_exit(&disabled);
}

TEST_F(msg, more_than_there_is_room_for)
{
	struct ring small;
	unsigned int i;

	ASSERT_EQ(0, ring_init_cq(&small, variant->backend, 4, 4, variant->to));
	for (i = 0; i < 13; i++)
		prep_msg(&self->from, small.fd, i, 100 + i, i);
	ASSERT_EQ(13, submit(&self->from));
	for (i = 0; i < 13; i++)
		ASSERT_COMES(&self->from, i, 0, 0);
	ASSERT_EQ(0, ring_run(&small));
	EXPECT_EQ(4, ring_ready(&small));
	EXPECT_TRUE(ring_flags(&small) & IORING_SQ_CQ_OVERFLOW);
	for (i = 0; i < 13; i++)
		ASSERT_COMES(&small, 100 + i, i, 0);
	ASSERT_NOTHING(&small);
	EXPECT_FALSE(ring_flags(&small) & IORING_SQ_CQ_OVERFLOW);
	EXPECT_EQ(0, *small.cq_overflow);
	/* What is still kept goes with the ring. */
	for (i = 0; i < 8; i++)
		prep_msg(&self->from, small.fd, i, 100 + i, i);
	ASSERT_EQ(8, submit(&self->from));
	for (i = 0; i < 8; i++)
		ASSERT_COMES(&self->from, i, 0, 0);
	ring_exit(&small);
}

TEST_F(msg, links)
{
	struct ring *r = &self->from;
	unsigned int i;
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	prep_nop(r, 1)->flags = IOSQE_IO_LINK;
	prep_msg(r, self->to.fd, 5, 6, 2)->flags = IOSQE_IO_LINK;
	prep_msg(r, self->to.fd, 7, 8, 3)->flags = IOSQE_IO_LINK;
	prep_nop(r, 4);
	ASSERT_EQ(4, submit(r));
	for (i = 1; i <= 4; i++)
		ASSERT_COMES(r, i, 0, 0);
	ASSERT_COMES(&self->to, 6, 5, 0);
	ASSERT_COMES(&self->to, 8, 7, 0);
	/* One that fails breaks it. */
	prep_msg(r, 0, 5, 6, 1)->flags = IOSQE_IO_LINK;
	prep_msg(r, self->to.fd, 7, 8, 2);
	ASSERT_EQ(2, submit(r));
	ASSERT_COMES(r, 1, -EBADFD, 0);
	ASSERT_COMES(r, 2, -ECANCELED, 0);
	/* Also if it takes the other ring to find out. */
	ASSERT_EQ(0, register_files(r, fds, 1));
	prep_msg_fd(r, self->to.fd, 0, 0, 6, 1)->flags = IOSQE_IO_LINK;
	prep_msg(r, self->to.fd, 7, 8, 2);
	ASSERT_EQ(2, submit(r));
	ASSERT_NOTHING(&self->to);
	ASSERT_COMES(r, 1, -ENXIO, 0);
	ASSERT_COMES(r, 2, -ECANCELED, 0);
	ASSERT_NOTHING(&self->to);
}

TEST_F(msg, long_link)
{
	const unsigned int nr = 2048;
	struct ring from, to;
	unsigned int i;

	/* What polls for events does not link, and a thread may take it in parts. */
	if ((variant->from | variant->to) & (IORING_SETUP_IOPOLL | IORING_SETUP_SQPOLL))
		return;
	ASSERT_EQ(0, ring_init(&from, variant->backend, nr, variant->from));
	ASSERT_EQ(0, ring_init(&to, variant->backend, nr, variant->to));
	for (i = 0; i < nr; i++)
		prep_msg(&from, to.fd, i, i, i)->flags = i < nr - 1 ? IOSQE_IO_LINK : 0;
	ASSERT_EQ(nr, submit(&from));
	ASSERT_EQ(0, ring_wait(&from, nr));
	ASSERT_EQ(0, ring_wait(&to, nr));
	for (i = 0; i < nr; i++) {
		ASSERT_CQE(&from, i, 0, 0);
		ASSERT_CQE(&to, i, i, 0);
	}
	ring_exit(&to);
	ring_exit(&from);
}

TEST_F(msg, silent_and_async)
{
	struct ring *r = &self->from;

	prep_msg(r, self->to.fd, 5, 6, 1)->flags = IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(1, submit(r));
	ASSERT_COMES(&self->to, 6, 5, 0);
	prep_msg(r, 0, 5, 6, 2)->flags = IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_SENT(r, 2, -EBADFD);
	prep_msg(r, self->to.fd, 7, 8, 3)->flags = IOSQE_ASYNC;
	ASSERT_SENT(r, 3, 0);
	ASSERT_COMES(&self->to, 8, 7, 0);
	ASSERT_NOTHING(r);
	ASSERT_NOTHING(&self->to);
}

TEST_F(msg, eventfd)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	eventfd_t value;

	ASSERT_EQ(0, ring_register(&self->to, IORING_REGISTER_EVENTFD, &fd, 1));
	EXPECT_EQ(-1, eventfd_read(fd, &value));
	prep_msg(&self->from, self->to.fd, 5, 6, 1);
	ASSERT_SENT(&self->from, 1, 0);
	ASSERT_EQ(0, eventfd_read(fd, &value));
	EXPECT_EQ(1, value);
	ASSERT_COMES(&self->to, 6, 5, 0);
}

/* One that is only for what workers do is signalled if one of io_uring's brings the message. */
TEST_F(msg, eventfd_for_workers)
{
	int fd = eventfd(0, EFD_NONBLOCK), fds[2];
	struct ring *from = &self->from, *to = &self->to;
	bool by_task = variant->to & IORING_SETUP_DEFER_TASKRUN;
	eventfd_t value;
	unsigned int i;

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, register_files(from, fds, 2));
	ASSERT_EQ(0, register_sparse(to, 4));
	ASSERT_EQ(0, ring_register(to, IORING_REGISTER_EVENTFD_ASYNC, &fd, 1));
	for (i = 0; i < 2; i++) {
		bool async = i;

		prep_msg(from, to->fd, 5, 6, 1)->flags = async ? IOSQE_ASYNC : 0;
		ASSERT_SENT(from, 1, 0);
		EXPECT_EQ(async ? 0 : -1, eventfd_read(fd, &value));
		ASSERT_COMES(to, 6, 5, 0);
		/* Where only its task posts, that also does this. */
		prep_msg_fd(from, to->fd, 0, i, 7, 2)->flags |= async ? IOSQE_ASYNC : 0;
		ASSERT_SENT(from, 2, 0);
		EXPECT_EQ(async && !by_task ? 0 : -1, eventfd_read(fd, &value));
		ASSERT_COMES(to, 7, 0, 0);
		prep_msg_fd(from, to->fd, 0, i, 8, 3)->flags |= async ? IOSQE_ASYNC : 0;
		from->sqes[(from->prepared - 1) & (from->params.sq_entries - 1)].msg_ring_flags =
			IORING_MSG_RING_CQE_SKIP;
		ASSERT_SENT(from, 3, 0);
		EXPECT_EQ(-1, eventfd_read(fd, &value));
	}
	ASSERT_NOTHING(to);
	close(fds[0]);
	close(fds[1]);
	close(fd);
}

TEST_F(msg, pollers)
{
	struct pollfd p = { .fd = self->to.fd, .events = POLLIN };
	struct ring third;

	if (variant->to && IO_URING_OF_7_2)
		SKIP(return, "in 7.2 a message to a ring with DEFER_TASKRUN wakes no poller");
	ASSERT_EQ(0, ring_init(&third, variant->backend, 4, 0));
	prep_poll(&third, self->to.fd, POLLIN, 9);
	ASSERT_EQ(1, ring_submit(&third));
	ASSERT_NOTHING(&third);
	ASSERT_EQ(0, poll(&p, 1, 0));
	prep_msg(&self->from, self->to.fd, 5, 6, 1);
	ASSERT_SENT(&self->from, 1, 0);
	ASSERT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLIN, p.revents);
	ASSERT_CQE(&third, 9, POLLIN, 0);
	ASSERT_COMES(&self->to, 6, 5, 0);
	EXPECT_EQ(0, poll(&p, 1, 0));
	ring_exit(&third);
}

TEST_F(msg, waiters)
{
	long long start = now_ms();
	unsigned int count, i;

	if (variant->to & IORING_SETUP_IOPOLL)
		return;
	for (count = 1; count <= 5; count += 4) {
		struct waiter w = {
			.backend = variant->backend,
			.flags = variant->to,
			.count = count,
		};

		ASSERT_EQ(0, waiter_start(&w));
		for (i = 0; i < count; i++) {
			prep_msg(&self->from, w.ring.fd, i, 100 + i, i);
			ASSERT_SENT(&self->from, i, 0);
		}
		ASSERT_EQ(0, pthread_join(w.thread, NULL));
		EXPECT_EQ(0, w.ret);
		EXPECT_EQ(count, w.seen);
		ring_exit(&w.ring);
	}
	/* They were woken up, and not by their own time-out. */
	EXPECT_GT(DEADLINE_MS, now_ms() - start);
}

/* After the minimal wait the next one will do. */
TEST_F(msg, minimal_wait)
{
	struct waiter w = {
		.backend = variant->backend,
		.flags = variant->to,
		.count = 8,
		.min_wait_usec = 1000,
	};
	long long start = now_ms();

	if (variant->to & IORING_SETUP_IOPOLL)
		return;
	ASSERT_EQ(0, waiter_start(&w));
	prep_msg(&self->from, w.ring.fd, 1, 1, 1);
	ASSERT_SENT(&self->from, 1, 0);
	ASSERT_EQ(0, pthread_join(w.thread, NULL));
	EXPECT_EQ(0, w.ret);
	EXPECT_EQ(1, w.seen);
	EXPECT_GT(DEADLINE_MS, now_ms() - start);
	ring_exit(&w.ring);
}

/* The last descriptor goes while messages are on their way. */
TEST_F(msg, ring_is_closed_behind_it)
{
	struct io_uring_cqe cqe;
	struct ring other;
	unsigned int i;

	ASSERT_EQ(0, ring_init(&other, variant->backend, 4, variant->to));
	for (i = 0; i < 8; i++)
		prep_msg(&self->from, other.fd, 1, 1, i);
	/* Somebody else submits, or nobody has before it is closed. */
	if (variant->from & IORING_SETUP_SQPOLL)
		ASSERT_EQ(8, submit(&self->from));
	ring_exit(&other);
	if (!(variant->from & IORING_SETUP_SQPOLL))
		ASSERT_EQ(8, submit(&self->from));
	for (i = 0; i < 8; i++) {
		ASSERT_TRUE(wait_until(one_is_ready, &self->from));
		ASSERT_EQ(0, ring_take(&self->from, &cqe));
		EXPECT_TRUE(cqe.res == 0 || cqe.res == -EBADF) TH_LOG("%d", cqe.res);
	}
}

TEST_HARNESS_MAIN
