// SPDX-License-Identifier: GPL-2.0
/*
 * ACCEPT, single and multishot.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/un.h>

#define RING_MODES
#include "fixture.h"

#define MORE	IORING_CQE_F_MORE
#define NONEMPTY	IORING_CQE_F_SOCK_NONEMPTY

/* Both ends are of one connection: what one writes the other reads. */
static bool connected(int a, int b)
{
	char c = 0;

	return write(a, "?", 1) == 1 && recv(b, &c, 1, 0) == 1 && c == '?' &&
	       write(b, "!", 1) == 1 && recv(a, &c, 1, 0) == 1 && c == '!';
}

/* The next completion is a connection, from @client. */
#define ASSERT_ACCEPTED_FD(ring, data, client, more, fd) do {		\
	struct io_uring_cqe _accepted = {};				\
	ASSERT_EQ(0, ring_take(ring, &_accepted));			\
	ASSERT_EQ((__u64)(data), _accepted.user_data);			\
	ASSERT_LE(0, _accepted.res);					\
	ASSERT_EQ((__u32)(more), _accepted.flags & ~NONEMPTY);		\
	ASSERT_TRUE(connected(client, _accepted.res));			\
	(fd) = _accepted.res;						\
} while (0)

#define ASSERT_ACCEPTED(ring, data, client, more) do {			\
	int _fd;							\
	ASSERT_ACCEPTED_FD(ring, data, client, more, _fd);		\
	ASSERT_TRUE(fd_is_open(_fd));					\
} while (0)

/* @client, which waits at @listener, is accepted, and its address put where it belongs. */
#define ASSERT_ACCEPTED_FROM(ring, listener, client, peer, len) do {	\
	struct io_uring_sqe *_sqe = prep_accept(ring, listener, 1);	\
	_sqe->addr = (uintptr_t)(peer);					\
	_sqe->addr2 = (uintptr_t)(len);					\
	ASSERT_EQ(1, ring_submit(ring));				\
	ASSERT_ACCEPTED(ring, 1, client, 0);				\
} while (0)

TEST_F(ring, single_waits_for_a_connection)
{
	struct sockaddr_in addr;
	int fd, client, listener = tcp_listen(&addr);

	ASSERT_LE(0, listener);
	prep_accept(&self->ring, listener, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	ASSERT_ACCEPTED_FD(&self->ring, 1, client, 0, fd);
	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	EXPECT_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);

	/* the next connection is not for it */
	ASSERT_LE(0, tcp_connect(&addr));
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, single_takes_a_connection_that_waits)
{
	struct sockaddr_in addr;
	int client, listener = tcp_listen(&addr);

	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	prep_accept(&self->ring, listener, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(1, ring_ready(&self->ring));
	ASSERT_ACCEPTED(&self->ring, 1, client, 0);
}

TEST_F(ring, address_of_the_peer)
{
	struct sockaddr_in addr, peer = {}, own;
	int client, listener = tcp_listen(&addr);
	socklen_t len = sizeof(peer), own_len = sizeof(own);

	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	ASSERT_ACCEPTED_FROM(&self->ring, listener, client, &peer, &len);
	ASSERT_EQ(0, getsockname(client, (struct sockaddr *)&own, &own_len));
	EXPECT_EQ(sizeof(peer), len);
	EXPECT_EQ(AF_INET, peer.sin_family);
	EXPECT_EQ(own.sin_port, peer.sin_port);
	EXPECT_EQ(own.sin_addr.s_addr, peer.sin_addr.s_addr);
}

TEST_F(ring, address_is_cut_off)
{
	struct sockaddr_in addr, peer;
	int client, listener = tcp_listen(&addr);
	socklen_t len = 4;

	memset(&peer, 0x5a, sizeof(peer));
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	ASSERT_ACCEPTED_FROM(&self->ring, listener, client, &peer, &len);
	EXPECT_EQ(sizeof(peer), len);
	EXPECT_EQ(0x5a5a5a5a, peer.sin_addr.s_addr);
}

TEST_F(ring, address_that_cannot_be_written)
{
	struct sockaddr_in addr;
	int client, listener = tcp_listen(&addr);
	int free_fd;
	struct io_uring_sqe *sqe;
	socklen_t len = sizeof(addr);

	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	free_fd = next_fd();
	sqe = prep_accept(&self->ring, listener, 1);
	sqe->addr = 4096;
	sqe->addr2 = (uintptr_t)&len;
	ASSERT_RESULT(&self->ring, -EFAULT);
	EXPECT_EQ(free_fd, next_fd());
}

/* Its completion says as any other whether there is somebody else to be accepted. */
TEST_F(ring, address_that_cannot_be_written_of_one_of_several)
{
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr);
	socklen_t len = sizeof(addr);
	struct io_uring_sqe *sqe;
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_LE(0, tcp_connect(&addr));
	for (i = 0; i < 4; i++) {
		sqe = i & 1 ? prep_accept_multi(&self->ring, listener, 1) : prep_accept(&self->ring, listener, 1);
		sqe->addr = 4096;
		sqe->addr2 = (uintptr_t)&len;
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 1, -EFAULT, i < 3 ? IORING_CQE_F_SOCK_NONEMPTY : 0);
	}
	close(listener);
}

TEST_F(ring, flags_of_the_new_descriptor)
{
	struct sockaddr_in addr;
	int fd, client, listener = tcp_listen(&addr);

	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	prep_accept(&self->ring, listener, 1)->accept_flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_wait(&self->ring, 1));
	fd = self->ring.cqes[0].res;
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
}

TEST_F(ring, bad_requests)
{
	struct sockaddr_in addr;
	int sv[2], pipes[2], udp, listener = tcp_listen(&addr);
	struct ring *r = &self->ring;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pipe(pipes));
	udp = socket(AF_INET, SOCK_DGRAM, 0);

	prep_accept(r, -1, 1);
	ASSERT_RESULT(r, -EBADF);
	prep_accept(r, pipes[0], 1);
	ASSERT_RESULT(r, -ENOTSOCK);
	prep_accept(r, sv[0], 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_accept(r, udp, 1);
	ASSERT_RESULT(r, -EOPNOTSUPP);

	prep_accept(r, listener, 1)->len = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_accept(r, listener, 1)->buf_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_accept(r, listener, 1)->ioprio = 1u << 3;
	ASSERT_RESULT(r, -EINVAL);
	prep_accept(r, listener, 1)->accept_flags = 1;
	ASSERT_RESULT(r, -EINVAL);
	/* no slot in a table of files that there is not */
	prep_accept_multi(r, listener, 1)->file_index = 1;
	ASSERT_RESULT(r, -EINVAL);
}

TEST_F(ring, does_not_wait_when_told_not_to)
{
	struct sockaddr_in addr;
	int free_fd, listener = tcp_listen(&addr);

	free_fd = next_fd();
	prep_accept(&self->ring, listener, 1)->ioprio = IORING_ACCEPT_DONTWAIT;
	ASSERT_RESULT(&self->ring, -EAGAIN);
	EXPECT_EQ(free_fd, next_fd());
}

TEST_F(ring, poll_first)
{
	struct sockaddr_in addr;
	int client, listener = tcp_listen(&addr);

	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	prep_accept(&self->ring, listener, 1)->ioprio = IORING_ACCEPT_POLL_FIRST;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_ACCEPTED(&self->ring, 1, client, 0);
}

/*
 * Who shuts a socket down for writing wakes up who waits for it, and does not say why. A single
 * shot then finds out that nothing can be accepted from it; several wait for poll(2) to say something.
 */
TEST_F(ring, poll_first_of_what_cannot_accept)
{
	int sv[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	prep_accept_multi(&self->ring, sv[0], 1)->ioprio |= IORING_ACCEPT_POLL_FIRST;
	prep_accept(&self->ring, sv[0], 2)->ioprio = IORING_ACCEPT_POLL_FIRST;
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_WAITING(&self->ring);
	ASSERT_EQ(0, shutdown(sv[0], SHUT_WR));
	ASSERT_CQE(&self->ring, 2, -EOPNOTSUPP, 0);
	ASSERT_WAITING(&self->ring);
	ASSERT_EQ(1, send(sv[1], "x", 1, 0));
	ASSERT_CQE(&self->ring, 1, -EOPNOTSUPP, 0);
	ASSERT_WAITING(&self->ring);
}

/* One of several shots is tried once an event tells of something, be it only urgent data. */
TEST_F(ring, poll_first_beside_urgent_data)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, tcp_pair(sv));
	prep_accept(r, sv[0], 1)->ioprio = IORING_ACCEPT_MULTISHOT | IORING_ACCEPT_POLL_FIRST;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(1, send(sv[1], "u", 1, MSG_OOB));
	ASSERT_CQE(r, 1, -EINVAL, 0);
	close(sv[0]);
	close(sv[1]);
}

/* A worker of io_uring has one of several shots wait first, but not of a file that it could not try. */
TEST_F(ring, asynchronous_of_what_is_no_socket)
{
	const unsigned int multishot = IORING_ACCEPT_MULTISHOT, first = multishot | IORING_ACCEPT_POLL_FIRST;
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;

	ASSERT_LE(0, fd);
	sqe = prep_accept(r, fd, 1);
	sqe->ioprio = multishot;
	sqe->flags = IOSQE_ASYNC;
	ASSERT_RESULT(r, -ENOTSOCK);
	sqe = prep_accept(r, fd, 1);
	sqe->ioprio = multishot | IORING_ACCEPT_DONTWAIT;
	sqe->flags = IOSQE_ASYNC;
	ASSERT_RESULT(r, -ENOTSOCK);
	sqe = prep_accept(r, fd, 1);
	sqe->ioprio = first | IORING_ACCEPT_DONTWAIT;
	sqe->flags = IOSQE_ASYNC;
	ASSERT_RESULT(r, -EAGAIN);
	sqe = prep_accept(r, fd, 1);
	sqe->ioprio = first;
	sqe->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	close(fd);
}

/* IORING_ACCEPT_DONTWAIT decides, not the mode of the listener. */
TEST_F(ring, nonblocking_listener_is_waited_for)
{
	struct sockaddr_in addr;
	int client, listener = tcp_listen(&addr);

	ASSERT_EQ(0, fcntl(listener, F_SETFL, O_NONBLOCK));
	prep_accept(&self->ring, listener, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	ASSERT_ACCEPTED(&self->ring, 1, client, 0);
}

TEST_F(ring, multishot_takes_connection_after_connection)
{
	struct sockaddr_in addr;
	int fd, client, listener = tcp_listen(&addr);
	unsigned int i;

	ASSERT_LE(0, listener);
	prep_accept_multi(&self->ring, listener, 9);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	for (i = 0; i < 10; i++) {
		client = tcp_connect(&addr);
		ASSERT_LE(0, client);
		ASSERT_ACCEPTED_FD(&self->ring, 9, client, MORE, fd);
		close(fd);
		close(client);
	}
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, multishot_takes_what_waits_already)
{
	struct sockaddr_in addr;
	int clients[5], listener = tcp_listen(&addr);
	unsigned int i;

	for (i = 0; i < 5; i++) {
		clients[i] = tcp_connect(&addr);
		ASSERT_LE(0, clients[i]);
	}
	prep_accept_multi(&self->ring, listener, 9);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(5, ring_ready(&self->ring));
	for (i = 0; i < 5; i++)
		ASSERT_ACCEPTED(&self->ring, 9, clients[i], MORE);
	clients[0] = tcp_connect(&addr);
	ASSERT_ACCEPTED(&self->ring, 9, clients[0], MORE);
}

#define CROWD	50

/* Connections wait at two listeners: neither is served until all of the other's are. */
TEST_F(ring, multishot_takes_turns)
{
	int i, k, seen = 0, listeners[2];
	struct io_uring_cqe cqe = {};
	struct sockaddr_in addr;
	struct ring big, *r = &big;

	if (variant->backend == IO_URING)
		SKIP(return, "io_uring serves one after the other");
	ASSERT_EQ(0, ring_init_cq(r, variant->backend, 16, 256, variant->flags));
	for (k = 0; k < 2; k++) {
		listeners[k] = tcp_listen(&addr);
		ASSERT_LE(0, listeners[k]);
		ASSERT_EQ(0, listen(listeners[k], CROWD));
		for (i = 0; i < CROWD; i++)
			ASSERT_LE(0, tcp_connect(&addr));
		prep_accept_multi(r, listeners[k], k);
	}
	ASSERT_EQ(2, ring_submit(r));
	for (i = 0; i < 2 * CROWD; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_LE(0, cqe.res);
		ASSERT_TRUE(cqe.flags & MORE);
		if (!seen && cqe.user_data == 1)
			seen = i;
	}
	EXPECT_GT(CROWD, seen);
	ring_exit(r);
}

TEST_F(ring, says_whether_more_are_waiting)
{
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr);
	struct io_uring_cqe cqe;
	unsigned int i;

	for (i = 0; i < 3; i++)
		ASSERT_LE(0, tcp_connect(&addr));
	prep_accept_multi(&self->ring, listener, 9);
	ASSERT_EQ(1, ring_submit(&self->ring));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		ASSERT_LE(0, cqe.res);
		EXPECT_EQ(MORE | (i < 2 ? NONEMPTY : 0), cqe.flags);
	}
}

TEST_F(ring, multishot_and_single_share_a_listener)
{
	struct sockaddr_in addr;
	int client, listener = tcp_listen(&addr);

	prep_accept(&self->ring, listener, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	ASSERT_ACCEPTED(&self->ring, 1, client, 0);
	prep_accept_multi(&self->ring, listener, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	ASSERT_ACCEPTED(&self->ring, 2, client, MORE);
}

/* One connection wakes one of those who wait. */
TEST_F(ring, waiting_accepts_get_a_connection_each)
{
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr);
	unsigned int i, sum = 0;

	for (i = 0; i < 4; i++)
		prep_accept(&self->ring, listener, 1u << i);
	ASSERT_EQ(4, ring_submit(&self->ring));
	for (i = 0; i < 4; i++) {
		struct io_uring_cqe cqe;
		int client = tcp_connect(&addr);

		ASSERT_LE(0, client);
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		ASSERT_LE(0, cqe.res);
		EXPECT_TRUE(connected(client, cqe.res));
		EXPECT_EQ(0, sum & cqe.user_data);
		sum |= cqe.user_data;
		ASSERT_QUIET(&self->ring);
	}
	EXPECT_EQ(15, sum);
}

TEST_F(ring, no_free_descriptor)
{
	struct sockaddr_in addr;
	int client, listener = tcp_listen(&addr);
	struct rlimit saved, limit;

	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &saved));
	limit = saved;
	limit.rlim_cur = next_fd();
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	prep_accept_multi(&self->ring, listener, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, -EMFILE, 0);
	ASSERT_QUIET(&self->ring);

	/* the connection is still there for the taking */
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &saved));
	prep_accept_multi(&self->ring, listener, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_ACCEPTED(&self->ring, 2, client, MORE);
}

/* That there is none is found before anything else. */
TEST_F(ring, no_free_descriptor_for_what_is_no_socket)
{
	struct rlimit saved, limit;
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &saved));
	limit = saved;
	limit.rlim_cur = next_fd();
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	prep_accept(&self->ring, fds[0], 1);
	ASSERT_RESULT(&self->ring, -EMFILE);
	prep_accept(&self->ring, -1, 1);
	ASSERT_RESULT(&self->ring, -EBADF);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &saved));
	prep_accept(&self->ring, fds[0], 1);
	ASSERT_RESULT(&self->ring, -ENOTSOCK);
	close(fds[0]);
	close(fds[1]);
}

/* The limit is the one of the time when the request was submitted. */
TEST_F(ring, descriptors_run_out_while_armed)
{
	struct sockaddr_in addr;
	int i, clients[3], listener = tcp_listen(&addr);
	struct rlimit limit;

	for (i = 0; i < 3; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		ASSERT_LE(0, clients[i]);
	}
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = next_fd() + 2;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	prep_accept_multi(&self->ring, listener, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, connect(clients[i], (struct sockaddr *)&addr, sizeof(addr)));
		ASSERT_ACCEPTED(&self->ring, 1, clients[i], MORE);
	}
	ASSERT_EQ(0, connect(clients[2], (struct sockaddr *)&addr, sizeof(addr)));
	ASSERT_CQE(&self->ring, 1, -EMFILE, 0);
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, listener_shut_down)
{
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr);

	prep_accept_multi(&self->ring, listener, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, shutdown(listener, SHUT_RDWR));
	ASSERT_CQE(&self->ring, 1, -EINVAL, 0);
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, listener_closed_while_armed)
{
	struct sockaddr_in addr;
	int client, listener = tcp_listen(&addr);

	prep_accept_multi(&self->ring, listener, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	close(listener);
	/* the request keeps it */
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	ASSERT_ACCEPTED(&self->ring, 1, client, MORE);
}

TEST_F(ring, unix_listener)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int client, listener = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = sizeof(addr);
	unsigned int i;

	/* a name that the kernel picks */
	ASSERT_EQ(0, bind(listener, (struct sockaddr *)&addr, sizeof(sa_family_t)));
	ASSERT_EQ(0, getsockname(listener, (struct sockaddr *)&addr, &len));
	ASSERT_EQ(0, listen(listener, 8));
	prep_accept_multi(&self->ring, listener, 3);
	ASSERT_EQ(1, ring_submit(&self->ring));
	for (i = 0; i < 3; i++) {
		client = socket(AF_UNIX, SOCK_STREAM, 0);
		ASSERT_EQ(0, connect(client, (struct sockaddr *)&addr, len));
		ASSERT_ACCEPTED(&self->ring, 3, client, MORE);
	}
}

/* With IOSQE_ASYNC it waits for the first connection nevertheless, and ends once it has found nobody: not if it need not look. */
TEST_F(ring, multishot_does_not_wait_for_another)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int client, listener = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = sizeof(addr);
	struct sockaddr_in tcp_addr;
	struct io_uring_sqe *sqe;
	unsigned int i;

	ASSERT_EQ(0, bind(listener, (struct sockaddr *)&addr, sizeof(sa_family_t)));
	ASSERT_EQ(0, getsockname(listener, (struct sockaddr *)&addr, &len));
	ASSERT_EQ(0, listen(listener, 8));
	sqe = prep_accept_multi(&self->ring, listener, 3);
	sqe->ioprio |= IORING_ACCEPT_DONTWAIT;
	sqe->flags |= IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_WAITING(&self->ring);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_EQ(0, connect(client, (struct sockaddr *)&addr, len));
	ASSERT_ACCEPTED(&self->ring, 3, client, MORE);
	ASSERT_CQE(&self->ring, 3, -EAGAIN, 0);

	listener = tcp_listen(&tcp_addr);
	sqe = prep_accept_multi(&self->ring, listener, 4);
	sqe->ioprio |= IORING_ACCEPT_DONTWAIT;
	sqe->flags |= IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		client = tcp_connect(&tcp_addr);
		ASSERT_LE(0, client);
		ASSERT_ACCEPTED(&self->ring, 4, client, MORE);
	}
}

TEST_HARNESS_MAIN
