// SPDX-License-Identifier: GPL-2.0
/*
 * Corners: which error it is, what has been written by then, which slot, who is told.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/ioctl.h>

#define RING_MODES
#include "files.h"

/* An address that no program can have anything at. */
#define NOWHERE		((void *)0xffff888000000000)

/* SEND_ZC, SEND and sendto(2) alike: an address of no bytes is one that is too short. */
TEST_F(ring, send_to_an_address_of_no_bytes)
{
	static const int ops[] = { IORING_OP_SEND_ZC, IORING_OP_SEND };
	struct sockaddr_in addr;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	unsigned int i;
	int to, from;

	to = udp_socket(&addr);
	from = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_LE(0, to);
	ASSERT_EQ(0, connect(from, (struct sockaddr *)&addr, sizeof(addr)));
	EXPECT_EQ(-1, sendto(from, "x", 1, 0, (struct sockaddr *)&addr, 0));
	EXPECT_EQ(EINVAL, errno);
	for (i = 0; i < 2; i++) {
		char c;

		sqe = prep(&self->ring, ops[i], from, "x", 1, 1);
		sqe->addr2 = (uintptr_t)&addr;
		sqe->addr_len = 0;
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		EXPECT_EQ(-EINVAL, cqe.res);
		if (cqe.flags & IORING_CQE_F_MORE)
			ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		EXPECT_EQ(-1, recv(to, &c, 1, MSG_DONTWAIT));
	}
}

/* With a buffer group a vector only says how much to receive: it need not be anywhere. */
TEST_F(ring, recvmsg_and_the_vector_of_a_selection)
{
	struct iovec iov = { NOWHERE, 5 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct io_uring_sqe *sqe;
	struct pbuf pb;
	int sv[2];

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 the length of the vector is not checked");
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 3, 4, 64));
	pbuf_fill(&pb);
	ASSERT_EQ(8, write(sv[1], "12345678", 8));
#define RECVMSG(nr) do {							\
	msg.msg_iovlen = nr;							\
	sqe = prep(&self->ring, IORING_OP_RECVMSG, sv[0], &msg, 1, 1);		\
	sqe->flags = IOSQE_BUFFER_SELECT;					\
	sqe->buf_group = 3;							\
} while (0)
	RECVMSG(1);
	ASSERT_COMPLETES(&self->ring, 1, 5, BUFFER_FLAGS(0) | IORING_CQE_F_SOCK_NONEMPTY);
	EXPECT_EQ(0, memcmp(pbuf_mem(&pb, 0), "12345", 5));
	RECVMSG(2);
	ASSERT_RESULT(&self->ring, -EINVAL);
	RECVMSG(1024);
	ASSERT_RESULT(&self->ring, -EINVAL);
	RECVMSG(1025);
	ASSERT_RESULT(&self->ring, -EMSGSIZE);
	RECVMSG(1ULL << 43);
	ASSERT_RESULT(&self->ring, -EMSGSIZE);
	iov.iov_len = -1;
	RECVMSG(1);
	ASSERT_RESULT(&self->ring, -EINVAL);
	iov = (struct iovec){ NOWHERE, 2 };
	sqe = prep(&self->ring, IORING_OP_READV, sv[0], &iov, 1, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = 3;
	ASSERT_COMPLETES(&self->ring, 1, 2, BUFFER_FLAGS(1));
	EXPECT_EQ(0, memcmp(pbuf_mem(&pb, 1), "67", 2));
	pbuf_exit(&pb);
}

TEST_F(ring, close_of_a_path)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	ASSERT_LE(0, fd);
	prep(&self->ring, IORING_OP_CLOSE, fd, NULL, 0, 1);
	ASSERT_COMPLETES(&self->ring, 1, 0, 0);
	EXPECT_FALSE(fd_is_open(fd));
	prep(&self->ring, IORING_OP_CLOSE, fd, NULL, 0, 1);
	ASSERT_COMPLETES(&self->ring, 1, -EBADF, 0);
}

/* A terminal and its other side, @slave. None where there is no such thing. */
static int open_terminal(int *slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	if (master < 0)
		return -1;
	*slave = unlockpt(master) ? -1 : ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	return master;
}

/* A terminal whose other side is closed can only say POLLHUP. */
TEST_F(ring, read_of_what_is_hung_up)
{
	int slave, master = open_terminal(&slave);
	char c[4];

	if (master < 0)
		SKIP(return, "no pseudo-terminals");
	ASSERT_LE(0, slave);
	close(slave);
	EXPECT_EQ(-1, read(master, c, sizeof(c)));
	EXPECT_EQ(EIO, errno);
	prep(&self->ring, IORING_OP_READ, master, c, sizeof(c), 1);
	ASSERT_COMPLETES(&self->ring, 1, -EIO, 0);
	prep(&self->ring, IORING_OP_READ, master, c, sizeof(c), 1)->flags = IOSQE_ASYNC;
	ASSERT_COMPLETES(&self->ring, 1, -EIO, 0);
	close(master);
}

/* One that hangs up while the read waits. */
TEST_F(ring, read_of_what_hangs_up)
{
	int slave, master = open_terminal(&slave);
	char c[4];

	if (master < 0)
		SKIP(return, "no pseudo-terminals");
	ASSERT_LE(0, slave);
	prep(&self->ring, IORING_OP_READ, master, c, sizeof(c), 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	close(slave);
	ASSERT_CQE(&self->ring, 1, -EIO, 0);
	close(master);
}

/* No ring is registered with this task, so none can be meant. */
TEST_F(ring, enter_of_a_registered_ring)
{
	prep_nop(&self->ring, 1);
	/* so that io_uring knows the task */
	ASSERT_COMPLETES(&self->ring, 1, 0, 0);
	EXPECT_EQ(-EBADF, backend_enter(variant->backend, 0, 0, 0,
					IORING_ENTER_GETEVENTS | IORING_ENTER_REGISTERED_RING,
					NULL, 0));
	EXPECT_EQ(-EINVAL, backend_enter(variant->backend, self->ring.fd, 0, 0, 1u << 20, NULL, 0));
}

/* The length is there even if the address has nowhere to go, and there is no connection then. */
TEST_F(ring, length_of_an_address_that_goes_nowhere)
{
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr), client;
	struct io_uring_sqe *sqe;
	socklen_t len;

	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	len = 100;
	sqe = prep(&self->ring, IORING_OP_ACCEPT, listener, NOWHERE, 0, 1);
	sqe->addr2 = (uintptr_t)&len;
	ASSERT_COMPLETES(&self->ring, 1, -EFAULT, 0);
	EXPECT_EQ(sizeof(addr), len);

	/* nor is anything written where the room is less than none */
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	len = -1;
	sqe = prep(&self->ring, IORING_OP_ACCEPT, listener, &addr, 0, 1);
	sqe->addr2 = (uintptr_t)&len;
	ASSERT_COMPLETES(&self->ring, 1, -EINVAL, 0);
	EXPECT_EQ(-1, (int)len);
}

/* Slots are looked for from the first on, wherever the last file went at registration. */
TEST_F(ring, first_slot_after_a_registration)
{
	int fds[] = { -1, STDERR_FILENO, STDERR_FILENO, -1 };
	struct io_uring_sqe *sqe;

	ASSERT_EQ(0, register_files(&self->ring, fds, 4));
	sqe = prep(&self->ring, IORING_OP_SOCKET, AF_UNIX, NULL, 0, 1);
	sqe->off = SOCK_STREAM;
	sqe->file_index = IORING_FILE_INDEX_ALLOC;
	ASSERT_COMPLETES(&self->ring, 1, 0, 0);
	sqe = prep(&self->ring, IORING_OP_SOCKET, AF_UNIX, NULL, 0, 1);
	sqe->off = SOCK_STREAM;
	sqe->file_index = IORING_FILE_INDEX_ALLOC;
	ASSERT_COMPLETES(&self->ring, 1, 3, 0);
}

/* How often it was signalled, which may come after the completion if that is another's. */
static unsigned int wait_signals(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	eventfd_t value;

	return poll(&p, 1, DEADLINE_MS) != 1 || eventfd_read(fd, &value) ? 0 : value;
}

static unsigned int count_signals(int fd)
{
	eventfd_t value;

	return eventfd_read(fd, &value) ? 0 : value;
}

/* What may wait is done by another than the submitter, as an eventfd for such completions shows. */
TEST_F(ring, shutdown_is_not_the_submitters)
{
	int fd = eventfd(0, EFD_NONBLOCK), sv[2];
	struct io_uring_sqe *sqe;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, ring_register(&self->ring, IORING_REGISTER_EVENTFD_ASYNC, &fd, 1));
	prep_nop(&self->ring, 1);
	ASSERT_COMPLETES(&self->ring, 1, 0, 0);
	EXPECT_EQ(0, count_signals(fd));
	prep(&self->ring, IORING_OP_SHUTDOWN, sv[0], NULL, SHUT_WR, 1);
	ASSERT_COMPLETES(&self->ring, 1, 0, 0);
	EXPECT_EQ(1, wait_signals(fd));
	/* whose end cannot be waited for in io_uring */
	if (variant->backend == IO_URING)
		return;
	/* one that is not told of says nothing of the next */
	sqe = prep(&self->ring, IORING_OP_SHUTDOWN, sv[0], NULL, SHUT_WR, 1);
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	/* but with DEFER_TASKRUN the task has been told to look */
	EXPECT_EQ(variant->flags ? 1 : 0, count_signals(fd));
	prep_nop(&self->ring, 2);
	ASSERT_COMPLETES(&self->ring, 2, 0, 0);
	EXPECT_EQ(0, count_signals(fd));
}

struct iowait {
	pid_t child;
	long long before;
	bool counted;
};

/* Whether the child sleeps, and so many tasks wait for I/O. */
static bool waits_for_io(void *arg)
{
	struct iowait *w = arg;

	if (task_state(w->child) != 'S')
		return false;
	return !w->counted ||
	       proc_value("/proc/stat", "procs_blocked") > w->before;
}

/* A task that waits for its requests waits for I/O, unless it says that it does not. */
TEST_F(ring, wait_for_requests_is_for_io)
{
	static const unsigned int flags[] = { IORING_ENTER_NO_IOWAIT, 0 };
	struct iowait w = { .before = proc_value("/proc/stat", "procs_blocked") };
	unsigned int i;
	int sv[2], go[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < 2; i++) {
		int status;

		ASSERT_EQ(0, pipe(go));
		w.child = fork();
		ASSERT_LE(0, w.child);
		if (!w.child) {
			struct ring r;
			char c;

			if (ring_init(&r, variant->backend, 4, variant->flags))
				_exit(1);
			prep_poll(&r, sv[0], POLLIN, 1);
			if (ring_submit(&r) != 1 || write(go[1], "x", 1) != 1)
				_exit(2);
			if (ring_enter(&r, 0, 1, IORING_ENTER_GETEVENTS | flags[i]) < 0 ||
			    recv(sv[0], &c, 1, 0) != 1)
				_exit(3);
			_exit(0);
		}
		ASSERT_EQ(1, read(go[0], &(char){ 0 }, 1));
		w.counted = flags[i] == 0;
		EXPECT_TRUE(wait_until(waits_for_io, &w));
		if (!w.counted)
			EXPECT_EQ(w.before, proc_value("/proc/stat", "procs_blocked"));
		ASSERT_EQ(1, write(sv[1], "x", 1));
		ASSERT_EQ(w.child, waitpid(w.child, &status, 0));
		EXPECT_EQ(0, status);
		close(go[0]);
		close(go[1]);
	}
}

TEST_HARNESS_MAIN
