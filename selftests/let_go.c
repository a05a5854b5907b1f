// SPDX-License-Identifier: GPL-2.0
/*
 * A ring lets go of everything when nobody uses it any more, however many
 * descriptors of it there are: none of its own sockets keeps it, and who has
 * one finds a ring to begin with.
 *
 * An io_uring ring cannot be sent over a socket at all.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "fds.h"
#include "system.h"

#define PAGES	16

static int register_files(struct ring *ring, const int *fds, unsigned int nr)
{
	return ring_register(ring, IORING_REGISTER_FILES, fds, nr);
}

/* Whether there is a file in the first slot. */
static bool has_file(struct ring *ring)
{
	struct io_uring_cqe cqe = {};
	struct io_uring_sqe *sqe = prep(ring, IORING_OP_NOP, 0, NULL, 0, 99);

	sqe->nop_flags = IORING_NOP_FILE | IORING_NOP_FIXED_FILE;
	return ring_submit(ring) == 1 && !ring_take(ring, &cqe) && !cqe.res;
}

static bool module_is_idle(void *unused)
{
	(void)unused;
	return module_users() <= 0;
}

/* What a ring that lies in its own socket keeps the socket by. */
enum hold {
	REGISTERED,
	POLLED,
	RECEIVED_FROM,
	EPOLLED,
	HOLDS,
};

/* In a process that ends with it: nothing is closed before. */
static int lie_in_own_socket(enum hold hold, unsigned int flags)
{
	static _Alignas(4096) char memory[PAGES * 4096];
	struct iovec iov = { memory, sizeof(memory) };
	struct ring ring;
	int sv[2], ret;

	ret = ring_init(&ring, RURING, 8, flags);
	if (!ret)
		ret = ring_register(&ring, IORING_REGISTER_BUFFERS, &iov, 1);
	if (!ret)
		ret = unix_pair(SOCK_STREAM, sv);
	if (ret)
		return ret;
	switch (hold) {
	case REGISTERED:
		ret = register_files(&ring, sv, 1);
		break;
	case POLLED:
		prep_poll(&ring, sv[0], POLLPRI, 1);
		ret = ring_submit(&ring) != 1;
		break;
	case RECEIVED_FROM:
		/* what lies there is not looked at */
		prep_poll(&ring, sv[0], POLLPRI, 1)->flags = IOSQE_IO_LINK;
		prep_recv(&ring, sv[0], memory, 1, 2);
		ret = ring_submit(&ring) != 2;
		break;
	default:
		/* also by the other end, in itself */
		prep_poll_multi(&ring, sv[0], POLLPRI, 1);
		ret = ring_submit(&ring) != 1 ?: send_fd(sv[1], sv[1]);
		break;
	}
	return ret ?: send_fd(sv[1], ring.fd);
}

TEST(rings_in_their_own_sockets)
{
	static const unsigned int flags[] = { 0, DEFER_FLAGS, IORING_SETUP_SQPOLL };
	long long pinned = pinned_pages();
	unsigned int hold, i;
	int status;
	pid_t pid;

	for (hold = 0; hold < HOLDS; hold++) {
		for (i = 0; i < ARRAY_SIZE(flags); i++) {
			device_close();
			pid = fork();
			ASSERT_LE(0, pid);
			if (!pid)
				_exit(lie_in_own_socket(hold, flags[i]) != 0);
			ASSERT_EQ(pid, waitpid(pid, &status, 0));
			ASSERT_EQ(0, status);
			ASSERT_TRUE(wait_until(module_is_idle, NULL));
		}
	}
	EXPECT_EQ(pinned, pinned_pages());
}

/* A ring that its user has left to another process, which has not used it so far. */
TEST(descriptor_is_a_ring_to_begin_with)
{
	struct ring ring = { .backend = RURING }, other;
	struct pollfd p = { .events = POLLIN };
	int sv[2], kept[2], status, efd, zero = 0;
	pid_t pid;
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, kept));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		efd = eventfd(0, 0);
		if (ring_init(&other, RURING, 8, 0) || register_files(&other, kept, 1) ||
		    ring_register(&other, IORING_REGISTER_EVENTFD, &efd, 1))
			_exit(1);
		prep_poll(&other, kept[0], POLLPRI, 1);
		prep(&other, IORING_OP_TIMEOUT, -1, &(struct __kernel_timespec){ 1000, 0 }, 1, 2);
		if (ring_submit(&other) != 2 || send_fd(sv[1], other.fd) ||
		    write(sv[1], &other.params, sizeof(other.params)) != sizeof(other.params))
			_exit(1);
		_exit(0);
	}
	close(kept[0]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	/* nobody has it open any more, neither its table nor its request */
	p.fd = kept[1];
	ASSERT_EQ(1, poll(&p, 1, 60000));
	EXPECT_EQ(0, read(kept[1], &c, 1));
	/* and the ring can be used */
	ring.fd = recv_fd(sv[0]);
	ASSERT_LE(0, ring.fd);
	ASSERT_EQ(sizeof(ring.params), read(sv[0], &ring.params, sizeof(ring.params)));
	ASSERT_EQ(0, ring_map(&ring));
	/* both requests were told of, if anybody looks */
	ring.prepared = 2;
	ASSERT_CQE(&ring, 1, -ECANCELED, 0);
	ASSERT_CQE(&ring, 2, -ECANCELED, 0);
	efd = eventfd(0, EFD_NONBLOCK);
	ASSERT_EQ(0, ring_register(&ring, IORING_REGISTER_EVENTFD, &efd, 1));
	ASSERT_EQ(0, register_files(&ring, &sv[1], 1));
	EXPECT_TRUE(has_file(&ring));
	ASSERT_EQ(8, read(efd, &(__u64){ 0 }, 8));
	prep_recv(&ring, 0, &c, 1, 3)->flags = IOSQE_FIXED_FILE;
	ASSERT_EQ(1, ring_submit(&ring));
	ASSERT_EQ(1, write(sv[0], &zero, 1));
	ASSERT_CQE(&ring, 3, 1, 0);
	ring_exit(&ring);
	close(efd);
}

/* Whoever maps it uses it: the child of its user, for one. */
TEST(mapping_is_a_use)
{
	int sv[2], kept[2], hold[2], status;
	struct ring ring;
	pid_t parent, child;
	struct pollfd p = { .events = POLLIN };
	char c;

	ASSERT_EQ(0, pipe2(hold, O_CLOEXEC));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, kept));
	parent = fork();
	ASSERT_LE(0, parent);
	if (!parent) {
		if (ring_init(&ring, RURING, 8, 0) || register_files(&ring, kept, 1))
			_exit(1);
		close(kept[0]);
		close(kept[1]);
		close(hold[1]);
		child = fork();
		if (child)
			_exit(child < 0);
		/* until nobody has the other end */
		if (read(hold[0], &c, 1) || !has_file(&ring) || write(sv[1], "y", 1) != 1)
			_exit(1);
		_exit(0);
	}
	close(kept[0]);
	close(hold[0]);
	ASSERT_EQ(parent, waitpid(parent, &status, 0));
	ASSERT_EQ(0, status);
	p.fd = kept[1];
	ASSERT_EQ(0, poll(&p, 1, 0));
	close(hold[1]);
	ASSERT_EQ(1, read(sv[0], &c, 1));
	ASSERT_EQ(1, poll(&p, 1, 60000));
}

TEST_HARNESS_MAIN
