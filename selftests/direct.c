// SPDX-License-Identifier: GPL-2.0
/*
 * Direct descriptors: files that are made in, closed in and taken from the
 * slots of the registered files.
 */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define RING_MODES
#include "files.h"

/* Make a socket in a slot that the kernel chooses; that slot, or a negative errno. */
static int socket_in_any_slot(struct ring *r)
{
	struct io_uring_cqe cqe = {};

	prep_socket(r, IORING_FILE_INDEX_ALLOC, 1);
	if (ring_submit(r) != 1 || ring_take(r, &cqe))
		return -EIO;
	return cqe.res;
}

TEST_F(ring, sockets_in_slots)
{
	struct ring *r = &self->ring;
	int before = next_fd();

	prep_socket(r, 1, 1);
	ASSERT_RESULT(r, -ENXIO);
	ASSERT_EQ(-ENFILE, socket_in_any_slot(r));
	ASSERT_EQ(0, register_sparse(r, 3));
	prep_socket(r, 4, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_socket(r, 2, 1)->off |= SOCK_CLOEXEC;
	ASSERT_RESULT(r, -EINVAL);
	prep_socket(r, 2, 1)->off |= SOCK_NONBLOCK;
	ASSERT_RESULT(r, 0);
	EXPECT_TRUE(has_file(r, 1));
	EXPECT_FALSE(has_file(r, 0));
	/* Behind the one that was used last. */
	ASSERT_EQ(2, socket_in_any_slot(r));
	ASSERT_EQ(0, socket_in_any_slot(r));
	ASSERT_EQ(-ENFILE, socket_in_any_slot(r));
	/* In the place of another. */
	prep_socket(r, 1, 1);
	ASSERT_RESULT(r, 0);
	EXPECT_EQ(before, next_fd());
}

/* Where a file takes the place of another the search for a free slot goes on where it was; an update is behind its slot. */
TEST_F(ring, free_slots_after_one_was_taken_again)
{
	struct ring *r = &self->ring;
	int sv[2], update;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_sparse(r, 5));
	prep_socket(r, 3, 1);
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(3, socket_in_any_slot(r));
	ASSERT_EQ(4, socket_in_any_slot(r));
	ASSERT_EQ(0, socket_in_any_slot(r));
	prep_close_direct(r, 3, 1);
	ASSERT_RESULT(r, 0);
	prep_close_direct(r, 0, 1);
	ASSERT_RESULT(r, 0);
	/* the place of slot 2 */
	prep_socket(r, 3, 1);
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(0, socket_in_any_slot(r));
	update = sv[0];
	ASSERT_EQ(1, update_files(r, 2, &update, 1));
	ASSERT_EQ(3, socket_in_any_slot(r));
}

TEST_F(ring, slots_are_closed)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int sv[2];

	prep_close_direct(r, 0, 1);
	ASSERT_RESULT(r, -ENXIO);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_files(r, sv, 1));
	close(sv[0]);
	prep_close_direct(r, 1, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_close_direct(r, IORING_FILE_INDEX_ALLOC - 1, 1);
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep_close_direct(r, 0, 1);
	sqe->fd = 1;
	ASSERT_RESULT(r, -EINVAL);
	fixed(prep_close_direct(r, 0, 1));
	ASSERT_RESULT(r, -EBADF);
	EXPECT_FALSE(hung_up(&sv[1]));
	prep_close_direct(r, 0, 1);
	ASSERT_RESULT(r, 0);
	EXPECT_TRUE(wait_until(hung_up, &sv[1]));
	prep_close_direct(r, 0, 1);
	ASSERT_RESULT(r, -EBADF);
	close(sv[1]);
}

/* A peer that is waited for in the same enter() sees the end of the connection. */
TEST_F(ring, closing_a_slot_is_seen_at_once)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_files(r, sv, 1));
	close(sv[0]);
	prep_poll(r, sv[1], POLLHUP, 1);
	ASSERT_EQ(1, ring_submit(r));
	prep_close_direct(r, 0, 2);
	ASSERT_EQ(1, ring_publish(r));
	ASSERT_EQ(1, ring_enter(r, 1, 2, IORING_ENTER_GETEVENTS));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_CQE(r, 1, POLLHUP | POLLRDHUP, 0);
	close(sv[1]);
}

TEST_F(ring, accepting_into_a_slot)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	struct io_uring_sqe *sqe;
	int listener, client;
	char buf[8];

	listener = tcp_listen(&addr);
	ASSERT_LE(0, listener);
	ASSERT_EQ(0, register_sparse(r, 4));
	sqe = prep_accept(r, listener, 1);
	sqe->file_index = 3;
	sqe->accept_flags = SOCK_CLOEXEC;
	ASSERT_RESULT(r, -EINVAL);
	prep_accept(r, listener, 1)->file_index = 3;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	ASSERT_CQE(r, 1, 0, 0);
	EXPECT_TRUE(has_file(r, 2));
	ASSERT_EQ(3, write(client, "abc", 3));
	fixed(prep_recv(r, 2, buf, sizeof(buf), 2));
	ASSERT_RESULT(r, 3);
	prep_close_direct(r, 2, 3);
	ASSERT_RESULT(r, 0);
	EXPECT_EQ(0, read(client, buf, sizeof(buf)));
	close(client);
	close(listener);
}

TEST_F(ring, accepting_many_into_free_slots)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int listener, client[4], i;

	listener = tcp_listen(&addr);
	ASSERT_LE(0, listener);
	ASSERT_EQ(0, register_sparse(r, 3));
	sqe = prep_accept_multi(r, listener, 1);
	sqe->file_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep_accept_multi(r, listener, 1);
	sqe->file_index = IORING_FILE_INDEX_ALLOC;
	ASSERT_EQ(1, ring_submit(r));
	for (i = 0; i < 3; i++) {
		client[i] = tcp_connect(&addr);
		ASSERT_LE(0, client[i]);
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(i, cqe.res);
		EXPECT_NE(0, cqe.flags & IORING_CQE_F_MORE);
	}
	/* There is no slot left, which ends it, and the connection. */
	client[3] = tcp_connect(&addr);
	ASSERT_LE(0, client[3]);
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(-ENFILE, cqe.res);
	EXPECT_EQ(0, cqe.flags & IORING_CQE_F_MORE);
	EXPECT_EQ(0, read(client[3], &cqe, 1));
	for (i = 0; i < 4; i++)
		close(client[i]);
	close(listener);
}

/* A chain looks its files up as it gets to them. */
TEST_F(ring, a_link_uses_the_file_that_it_has_made)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	int listener, client;
	char buf[8];

	listener = tcp_listen(&addr);
	ASSERT_LE(0, listener);
	ASSERT_EQ(0, register_sparse(r, 1));
	prep_accept(r, listener, 1)->file_index = 1;
	r->sqes[(r->prepared - 1) & 15].flags |= IOSQE_IO_LINK;
	fixed(prep_recv(r, 0, buf, sizeof(buf), 2));
	ASSERT_EQ(2, ring_submit(r));
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	ASSERT_EQ(4, write(client, "abcd", 4));
	ASSERT_CQE(r, 1, 0, 0);
	ASSERT_CQE(r, 2, 4, 0);
	close(client);
	close(listener);
}

TEST_F(ring, free_slots_come_from_the_range)
{
	struct ring *r = &self->ring;
	struct io_uring_file_index_range range = { .len = 1, .resv = 1 };

	EXPECT_EQ(0, alloc_range(r, 0, 0));
	EXPECT_EQ(-EINVAL, alloc_range(r, 0, 1));
	ASSERT_EQ(0, register_sparse(r, 200));
	EXPECT_EQ(-EINVAL, alloc_range(r, 0, 201));
	EXPECT_EQ(-EINVAL, alloc_range(r, 200, 1));
	EXPECT_EQ(-EOVERFLOW, alloc_range(r, ~0u, 1));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILE_ALLOC_RANGE, &range, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILE_ALLOC_RANGE, &range, 1));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILE_ALLOC_RANGE, NULL, 0));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_FILE_ALLOC_RANGE, (void *)16, 0));
	ASSERT_EQ(0, alloc_range(r, 127, 3));
	ASSERT_EQ(127, socket_in_any_slot(r));
	ASSERT_EQ(128, socket_in_any_slot(r));
	prep_close_direct(r, 127, 1);
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(127, socket_in_any_slot(r));
	ASSERT_EQ(129, socket_in_any_slot(r));
	ASSERT_EQ(-ENFILE, socket_in_any_slot(r));
	/* One that is asked for need not be of the range. */
	prep_socket(r, 1, 1);
	ASSERT_RESULT(r, 0);
	prep_close_direct(r, 128, 1);
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(128, socket_in_any_slot(r));
	ASSERT_EQ(0, alloc_range(r, 10, 0));
	ASSERT_EQ(-ENFILE, socket_in_any_slot(r));
}

TEST_F(ring, descriptor_for_a_slot)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int sv[2], i;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_files(r, sv, 1));
	close(sv[0]);
	prep(r, IORING_OP_FIXED_FD_INSTALL, 0, NULL, 0, 1);
	ASSERT_RESULT(r, -EBADF);
	sqe = prep(r, IORING_OP_FIXED_FD_INSTALL, 0, NULL, 0, 1);
	fixed(sqe);
	sqe->install_fd_flags = 2;
	ASSERT_RESULT(r, -EINVAL);
	fixed(prep(r, IORING_OP_FIXED_FD_INSTALL, 1, NULL, 0, 1));
	ASSERT_RESULT(r, -EBADF);
	for (i = 0; i < 2; i++) {
		sqe = prep(r, IORING_OP_FIXED_FD_INSTALL, 0, NULL, 0, 1);
		fixed(sqe);
		sqe->install_fd_flags = i ? IORING_FIXED_FD_NO_CLOEXEC : 0;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_LE(0, cqe.res);
		EXPECT_EQ(i ? 0 : FD_CLOEXEC, fcntl(cqe.res, F_GETFD));
		ASSERT_EQ(1, write(cqe.res, "z", 1));
		close(cqe.res);
	}
	/* The table still has it. */
	EXPECT_FALSE(hung_up(&sv[1]));
	EXPECT_TRUE(has_file(r, 0));
	close(sv[1]);
}

TEST_HARNESS_MAIN
