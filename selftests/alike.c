// SPDX-License-Identifier: GPL-2.0
/*
 * What random programs have found to differ, where it is of no other test's subject: which error comes
 * first, what a worker of io_uring would have done, and when.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "alike.h"

/* A number of completions is an int. A negative one is not waited for, but all arguments are looked at. */
TEST_F(ring, negative_number_of_completions)
{
	struct ring *r = &self->ring;
	sigset_t mask;

	sigemptyset(&mask);
	EXPECT_EQ(0, ring_enter(r, 0, -1, IORING_ENTER_GETEVENTS));
	EXPECT_EQ(-EINVAL, backend_enter(r->backend, r->fd, 0, -1, IORING_ENTER_GETEVENTS, &mask, 3));
	prep_nop(r, 1);
	ring_publish(r);
	EXPECT_EQ(1, ring_enter(r, 1, -1, IORING_ENTER_GETEVENTS));
	EXPECT_EQ(1, ring_ready(r));
}

/* What is looked at and stays is there to be looked at again, until it is as much as was asked for. */
TEST_F(ring, all_of_what_is_only_looked_at)
{
	struct ring *r = &self->ring;
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	char buf[450], expected[450];
	struct io_uring_cqe cqe;
	unsigned int i;
	int sv[2];

	for (i = 0; i < sizeof(expected); i++)
		expected[i] = i % 100;
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(100, write(sv[1], expected, 100));
	for (i = 0; i < 2; i++) {
		memset(buf, 0xff, sizeof(buf));
		iov = (struct iovec) { buf, sizeof(buf) };
		if (i)
			prep(r, IORING_OP_RECVMSG, sv[0], &msg, 1, 1)->msg_flags = MSG_PEEK | MSG_WAITALL;
		else
			prep_recv(r, sv[0], buf, sizeof(buf), 1)->msg_flags = MSG_PEEK | MSG_WAITALL;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(450, cqe.res);
		EXPECT_EQ(0, memcmp(expected, buf, sizeof(buf)));
	}
	EXPECT_EQ(100, drain_socket(sv[0]));
}

/* What is never enough is looked at 128 times, and then waited for. */
TEST_F(ring, looks_at_too_little_have_an_end)
{
	struct ring *r = &self->ring;
	char buf[300], more[300];
	unsigned int i, looks = 0;
	struct io_uring_cqe cqe;
	int sv[2];

	memset(buf, 0, sizeof(buf));
	memset(more, 'y', sizeof(more));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	prep_recv(r, sv[0], buf, sizeof(buf), 1)->msg_flags = MSG_PEEK | MSG_WAITALL;
	ASSERT_EQ(1, ring_submit(r));
	/* each is a call of its own where task work is deferred */
	for (i = 0; i < 300 && !ring_ready(r); i++)
		ASSERT_LE(0, ring_run(r));
	while (looks < sizeof(buf) && buf[looks] == 'x')
		looks++;
	/* the last one is that of a worker in io_uring, which waits behind it until it is interrupted, if another one is made */
	EXPECT_LE(128, looks);
	EXPECT_GE(129, looks);
	if (variant->backend != IO_URING)
		ASSERT_WAITING(r);
	ASSERT_EQ((ssize_t)sizeof(more), write(sv[1], more, sizeof(more)));
	ASSERT_EQ(0, ring_take(r, &cqe));
	if (variant->backend == IO_URING && (cqe.res == 128 || cqe.res == 129))
		return;
	EXPECT_EQ((int)sizeof(buf), cqe.res);
	EXPECT_EQ('y', buf[sizeof(buf) - 1]);
}

/* Of a socket that was opened not to wait nobody waits for what cannot come. */
TEST_F(ring, accept_of_what_is_shut)
{
	static const int flags[] = { 0, SOCK_NONBLOCK };
	struct ring *r = &self->ring;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | flags[i], 0);

		ASSERT_EQ(0, bind(fd, (struct sockaddr *)&addr, sizeof(sa_family_t)));
		ASSERT_EQ(0, listen(fd, 1));
		ASSERT_EQ(0, shutdown(fd, SHUT_RD));
		prep(r, IORING_OP_ACCEPT, fd, NULL, 0, 1);
		ASSERT_EQ(1, ring_submit(r));
		EXPECT_EQ(flags[i] ? -EAGAIN : -EINVAL, result_of(r, 1, 1));
		close(fd);
	}
}

/* UDP knows no urgent data: a receive that asks for that ends as any other at the end. */
TEST_F(ring, urgent_data_of_a_datagram_socket)
{
	struct ring *r = &self->ring;
	char buf[8];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	/* says that it is not connected, and shuts it down */
	ASSERT_EQ(-1, shutdown(fd, SHUT_RDWR));
	prep_recv(r, fd, buf, sizeof(buf), 1)->msg_flags = MSG_OOB;
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(0, result_of(r, 1, 1));
	close(fd);
}

/* UNIX sockets have no error queue, and read what they read otherwise. */
TEST_F(ring, error_queue_of_a_unix_socket)
{
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM, SOCK_SEQPACKET };
	struct ring *r = &self->ring;
	char buf[8];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	unsigned int i, j;
	int sv[2];

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, unix_pair(types[i], sv));
		ASSERT_EQ(0, shutdown(sv[0], SHUT_RDWR));
		for (j = 0; j < 2; j++) {
			struct io_uring_sqe *sqe = j ? prep(r, IORING_OP_RECVMSG, sv[0], &msg, 1, j) :
						   prep_recv(r, sv[0], buf, sizeof(buf), j);

			sqe->msg_flags = MSG_ERRQUEUE;
			ASSERT_EQ(1, ring_submit(r));
			EXPECT_EQ(0, result_of(r, 1, j));
		}
		close(sv[0]);
		close(sv[1]);
	}
}

/* Data makes who asks for the error queue alone end, unless another request takes it first. */
TEST_F(ring, error_queue_beside_data)
{
	struct ring *r = &self->ring;
	char buf[8], other[8];
	struct sockaddr_in addr;
	int rx = udp_socket(&addr), tx = socket(AF_INET, SOCK_DGRAM, 0);

	ASSERT_EQ(0, connect(tx, (struct sockaddr *)&addr, sizeof(addr)));
	ASSERT_EQ(1, send(tx, "x", 1, 0));
	prep_recv(r, rx, buf, sizeof(buf), 1)->msg_flags = MSG_ERRQUEUE;
	prep_recv(r, rx, other, sizeof(other), 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 2, 1, 0);
	ASSERT_WAITING(r);
	ASSERT_EQ(1, send(tx, "y", 1, 0));
	ASSERT_CQE(r, 1, -EAGAIN, 0);
	EXPECT_EQ(1, recv(rx, buf, sizeof(buf), MSG_DONTWAIT));
}

/*
 * An eventfd that is not to wait says that there is room, and has none for so large a value: what would wait for ever
 * does not.
 */
TEST_F(ring, room_for_a_smaller_value)
{
	static __u64 most = ~0ULL - 1, two = 2;
	struct ring *r = &self->ring;
	struct iovec iov = { &two, sizeof(two) };
	int efd = eventfd(0, EFD_NONBLOCK);

	ASSERT_LE(0, efd);
	ASSERT_EQ(8, write(efd, (__u64[]) { most - 1 }, 8));
	prep(r, IORING_OP_WRITE, efd, &two, sizeof(two), 1);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EAGAIN, result_of(r, 1, 1));
	prep(r, IORING_OP_WRITEV, efd, &iov, 1, 2);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EAGAIN, result_of(r, 1, 2));
	/* one that says that there is none may have some later */
	ASSERT_EQ(8, write(efd, (__u64[]) { 1 }, 8));
	prep(r, IORING_OP_WRITE, efd, &two, sizeof(two), 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_WAITING(r);
	ASSERT_EQ(8, read(efd, &most, sizeof(most)));
	EXPECT_EQ(8, result_of(r, 1, 3));
	close(efd);
}

/* A timeout ends a wait, but not one that begins when its number has been reached. */
TEST_F(ring, number_reached_before_the_wait)
{
	struct __kernel_timespec long_time = { .tv_sec = 1000 }, time = { .tv_nsec = QUIET_MS * 1000000 };
	struct io_uring_getevents_arg arg = { .ts = (unsigned long)&time };
	struct ring *r = &self->ring;
	long long start;

	prep(r, IORING_OP_TIMEOUT, -1, &long_time, 1, 1)->off = 1;
	ASSERT_EQ(1, ring_submit(r));
	prep_nop(r, 2);
	start = now_ms();
	ASSERT_EQ(1, backend_enter(r->backend, r->fd, ring_publish(r), 4,
				   IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg)));
	EXPECT_LE(QUIET_MS, now_ms() - start);
	EXPECT_EQ(0, result_of(r, 2, 1));
}

static unsigned int pipes_broken;

static void on_broken_pipe(int signal)
{
	(void)signal;
	pipes_broken++;
}

/* A worker leaves it to the task to say that there is no file, which then goes on with the link and gets its signals. */
TEST_F(ring, behind_what_has_no_file)
{
	struct ring *r = &self->ring;
	int fd[2];

	/* by the worker or by the task, as each is quick, if that is the only one that may end requests */
	if (variant->flags & IORING_SETUP_DEFER_TASKRUN)
		SKIP(return, "there the task ends all requests");
	signal(SIGPIPE, on_broken_pipe);
	ASSERT_EQ(0, pipe(fd));
	pipes_broken = 0;
	close(fd[0]);
	prep(r, IORING_OP_MADVISE, -1, NULL, 0, 1)->flags = IOSQE_IO_LINK;
	prep(r, IORING_OP_READ, 999, NULL, 0, 2)->flags = IOSQE_IO_HARDLINK;
	prep(r, IORING_OP_WRITE, fd[1], "x", 1, 3)->off = -1;
	ASSERT_EQ(3, ring_submit(r));
	EXPECT_EQ(-EPIPE, result_of(r, 3, 3));
	EXPECT_EQ(1, pipes_broken);
	signal(SIGPIPE, SIG_DFL);
	close(fd[1]);
}

/* Flags that a file does not know are refused before anybody waits for it. */
TEST_F(ring, unknown_flags_of_what_is_not_ready)
{
	struct ring *r = &self->ring, other;
	struct io_uring_sqe *sqe;
	struct pbuf pb;

	ASSERT_EQ(0, pbuf_init(&pb, r, 1, 2, 64));
	pbuf_fill(&pb);
	ASSERT_EQ(0, ring_init(&other, r->backend, 2, 0));
	sqe = prep(r, IORING_OP_READ_MULTISHOT, other.fd, NULL, 0, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = 1;
	/* RWF_DONTCACHE */
	sqe->rw_flags = 0x80;
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EOPNOTSUPP, result_of(r, 1, 1));
	ring_exit(&other);
	pbuf_exit(&pb);
}

/* A file that is there is opened at once, and flags that there are not are refused at once: no worker says so. */
TEST_F(ring, opening_is_not_asynchronous)
{
	struct open_how how = { .flags = 1ULL << 40 };
	struct ring *r = &self->ring;
	int efd = eventfd(0, EFD_NONBLOCK);
	struct io_uring_sqe *sqe;
	__u64 count;

	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_EVENTFD_ASYNC, &efd, 1));
	sqe = prep(r, IORING_OP_OPENAT2, AT_FDCWD, "/proc/self/exe", sizeof(how), 1);
	sqe->off = (uintptr_t)&how;
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EINVAL, result_of(r, 1, 1));
	EXPECT_EQ(-1, read(efd, &count, sizeof(count)));
	/* one that is made is */
	sqe = prep(r, IORING_OP_OPENAT, AT_FDCWD, "/dev/null", 0, 2);
	sqe->open_flags = O_WRONLY | O_TRUNC;
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_LE(0, result_of(r, 1, 2));
	/* which a worker says once it has posted that */
	EXPECT_EQ(1, poll(&(struct pollfd) { .fd = efd, .events = POLLIN }, 1, 10000));
	EXPECT_EQ(8, read(efd, &count, sizeof(count)));
	close(efd);
}

/* The file of a request that is left to a worker is the one that there is when it is submitted. */
TEST_F(ring, file_of_what_is_left_to_a_worker)
{
	struct ring *r = &self->ring;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 the worker looks for the file");
	prep(r, IORING_OP_LISTEN, fd, NULL, 4, 1)->flags = IOSQE_ASYNC;
	prep(r, IORING_OP_CLOSE, fd, NULL, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	EXPECT_EQ(0, result_of(r, 2, 1));
}

/* A worker has a multishot receive wait before it finds out what it is of, and takes one buffer of a bundle. */
TEST_F(ring, receives_that_are_left_to_a_worker)
{
	struct ring *r = &self->ring;
	int dir = open("/", O_RDONLY | O_DIRECTORY), pipes[2];
	struct io_uring_sqe *sqe;
	int sv[2];

	sqe = prep_recv(r, dir, NULL, 0, 1);
	sqe->flags = IOSQE_BUFFER_SELECT | IOSQE_ASYNC;
	sqe->ioprio = IORING_RECV_MULTISHOT;
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EBADFD, result_of(r, 1, 1));
	/* what is not to wait says so first */
	sqe = prep_accept_multi(r, dir, 5);
	sqe->ioprio |= IORING_ACCEPT_POLL_FIRST;
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EBADFD, result_of(r, 1, 5));
	sqe = prep_accept_multi(r, dir, 6);
	sqe->ioprio |= IORING_ACCEPT_POLL_FIRST | IORING_ACCEPT_DONTWAIT;
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EAGAIN, result_of(r, 1, 6));
	close(dir);

	ASSERT_EQ(0, pipe(pipes));
	sqe = prep_recv(r, pipes[0], NULL, 0, 2);
	sqe->flags = IOSQE_BUFFER_SELECT | IOSQE_ASYNC;
	sqe->ioprio = IORING_RECV_MULTISHOT;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_WAITING(r);
	ASSERT_EQ(1, write(pipes[1], "x", 1));
	EXPECT_EQ(-ENOTSOCK, result_of(r, 1, 2));

	/* what cannot be tried without waiting is asked once, and at once */
	dir = epoll_create1(0);
	sqe = prep_recv(r, dir, NULL, 0, 4);
	sqe->flags = IOSQE_BUFFER_SELECT | IOSQE_ASYNC;
	sqe->ioprio = IORING_RECV_MULTISHOT;
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-ENOTSOCK, result_of(r, 1, 4));
	close(dir);

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	sqe = prep_recv(r, sv[0], NULL, 0, 3);
	sqe->flags = IOSQE_BUFFER_SELECT | IOSQE_ASYNC;
	sqe->ioprio = IORING_RECVSEND_BUNDLE;
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-ENOBUFS, result_of(r, 1, 3));
}

/* Timeouts have no file, and are left out where one is named, also if any request is meant. */
TEST_F(ring, any_request_of_a_file)
{
	struct io_uring_sync_cancel_reg reg = {
		.flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY,
		.timeout = { -1, -1 },
	};
	struct __kernel_timespec ts = { .tv_sec = 1000 };
	struct ring *r = &self->ring;

	prep(r, IORING_OP_TIMEOUT, -1, &ts, 1, 1);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(0, ring_register(r, IORING_REGISTER_SYNC_CANCEL, &reg, 1));
	ASSERT_WAITING(r);
	reg.flags = IORING_ASYNC_CANCEL_ANY;
	EXPECT_EQ(1, ring_register(r, IORING_REGISTER_SYNC_CANCEL, &reg, 1));
	EXPECT_EQ(-ECANCELED, result_of(r, 1, 1));
}

/* How many elements a vector of a registered buffer has is found out once there is memory for them. */
TEST_F(ring, vectors_of_registered_buffers)
{
	struct iovec iov = { (void *)-4096UL, 8 };
	struct ring *r = &self->ring;
	int fd = open("/dev/zero", O_RDONLY);
	char buf[64];

	prep(r, IORING_OP_READV_FIXED, fd, &iov, 1 << 20, 1);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-ENOMEM, result_of(r, 1, 1));
	prep(r, IORING_OP_READV_FIXED, fd, &iov, 1025, 1);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EINVAL, result_of(r, 1, 1));
	/* and where they are when it is tried: it is no reason to submit no more */
	prep(r, IORING_OP_READV_FIXED, fd, &iov, 1, 1);
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	EXPECT_EQ(-EFAULT, result_of(r, 2, 1));
	iov = (struct iovec) { buf, 1UL << 40 };
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_BUFFERS,
				   &(struct iovec) { buf, sizeof(buf) }, 1));
	prep(r, IORING_OP_READV_FIXED, fd, &iov, 1, 1);
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	EXPECT_EQ(-ENOMEM, result_of(r, 2, 1));
}

/* What is ready when it is waited for is tried again when the task comes to that, and nobody can cancel it until then. */
TEST_F(ring, ready_when_waited_for)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr), fd = socket(AF_INET, SOCK_STREAM, 0), sv[2];
	char buf[4];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_send(r, sv[0], "first", 5, 1)->ioprio = IORING_RECVSEND_POLL_FIRST;
	prep_send(r, sv[0], "last", 4, 2);
	prep_cancel(r, 1, 0, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(2, cqe.user_data);
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(3, cqe.user_data);
	EXPECT_EQ(-ENOENT, cqe.res);
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(1, cqe.user_data);
	EXPECT_EQ(5, cqe.res);
	ASSERT_EQ(4, read(sv[1], buf, 4));
	EXPECT_EQ(0, memcmp(buf, "last", 4));
	close(sv[0]);
	close(sv[1]);

	/* the answer of a peer on the same machine comes while the call waits to give the socket back */
	sqe = prep(r, IORING_OP_CONNECT, fd, &addr, 0, 1);
	sqe->addr2 = sizeof(addr);
	prep_nop(r, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(2, cqe.user_data);
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(1, cqe.user_data);
	EXPECT_EQ(0, cqe.res);
	close(fd);
	close(listener);
}

/* Nor a NOP that is over when the task comes to it. */
TEST_F(ring, nop_is_not_cancelled)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;

	prep_nop(r, 1)->nop_flags = IORING_NOP_TW;
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(2, cqe.user_data);
	EXPECT_EQ(-ENOENT, cqe.res);
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(1, cqe.user_data);
	EXPECT_EQ(0, cqe.res);
}

/* A buffer without room does not end a multishot read that has nothing to read. */
TEST_F(ring, read_into_no_room)
{
	static _Alignas(4096) char page[4096];
	struct io_uring_buf_ring *br = (void *)page;
	struct io_uring_buf_reg reg = { .ring_addr = (uintptr_t)page, .ring_entries = 4, .bgid = 7 };
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	char buf[8];
	int sv[2];

	br->bufs[0] = (struct io_uring_buf) { .addr = (uintptr_t)buf, .len = sizeof(buf), .bid = 1 };
	br->bufs[1] = (struct io_uring_buf) { .addr = (uintptr_t)buf, .bid = 2 };
	br->tail = 2;
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_PBUF_RING, &reg, 1));
	ASSERT_EQ(0, unix_pair(SOCK_SEQPACKET, sv));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	sqe = prep(r, IORING_OP_READ_MULTISHOT, sv[0], NULL, 0, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = 7;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(1, cqe.res);
	EXPECT_EQ(IORING_CQE_F_MORE, cqe.flags & IORING_CQE_F_MORE);
	ASSERT_LE(0, ring_run(r));
	ASSERT_EQ(0, ring_ready(r));
	ASSERT_EQ(1, write(sv[1], "y", 1));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(0, cqe.res);
	EXPECT_EQ(0, cqe.flags & IORING_CQE_F_MORE);
	close(sv[0]);
	close(sv[1]);
}

/*
 * A peer that has shut its side down is ready for ever: what finds no room then is done by a worker of io_uring, as the
 * system call would, which does not wait if the socket is not to.
 */
TEST_F(ring, full_without_waiting)
{
	static const __u8 opcodes[] = { IORING_OP_SENDMSG, IORING_OP_WRITE, IORING_OP_WRITEV };
	static char big[4096];
	struct iovec iov = { big, sizeof(big) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	void * const addrs[] = { &msg, big, &iov };
	struct ring *r = &self->ring;
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, fcntl(sv[0], F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, shutdown(sv[1], SHUT_WR));
	while (write(sv[0], big, sizeof(big)) > 0)
		;
	for (i = 0; i < 3; i++) {
		prep(r, opcodes[i], sv[0], addrs[i], opcodes[i] == IORING_OP_WRITE ? sizeof(big) : 1, i);
		ASSERT_EQ(1, ring_submit(r));
		EXPECT_EQ(-EAGAIN, result_of(r, 1, i));
	}
	/* send(2) says so itself */
	prep_send(r, sv[0], big, sizeof(big), 4);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_WAITING(r);
	close(sv[0]);
	close(sv[1]);
}

/* With completions of 32 bytes all that is before the index array counts twice. */
TEST_F(ring, array_behind_large_completions)
{
	struct io_uring_params params = { .flags = variant->flags | IORING_SETUP_CQE32 };

	ring_exit(&self->ring);
	ASSERT_EQ(0, ring_init_params(&self->ring, variant->backend, 8, &params));
	EXPECT_EQ(2 * (64 + 16 * 16), self->ring.params.sq_off.array);
}

/* What comes before that a file cannot be polled. */
TEST_F(ring, before_a_file_is_polled)
{
	struct io_uring_params params = { .flags = variant->flags | IORING_SETUP_IOPOLL };
	struct ring *r = &self->ring;
	char buf[8];
	int fds[2];

	ring_exit(r);
	ASSERT_EQ(0, ring_init_params(r, variant->backend, 8, &params));
	ASSERT_EQ(0, pipe(fds));
	prep(r, IORING_OP_READ_FIXED, fds[0], buf, sizeof(buf), 1);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EFAULT, result_of(r, 1, 1));
	prep(r, IORING_OP_READ, fds[1], buf, sizeof(buf), 2);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EBADF, result_of(r, 1, 2));
	prep(r, IORING_OP_READ, fds[0], buf, sizeof(buf), 3);
	ASSERT_EQ(1, ring_submit(r));
	EXPECT_EQ(-EOPNOTSUPP, result_of(r, 1, 3));
	close(fds[0]);
	close(fds[1]);
}

TEST_HARNESS_MAIN
