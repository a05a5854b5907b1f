// SPDX-License-Identifier: GPL-2.0
/*
 * However much one user has to be done, or to be waited for, another's rings are told of their events, and
 * their requests are done: nothing that all share can be filled.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "attack.h"

FIXTURE_VARIANT_ADD(attack, ruring) { .backend = RURING };
FIXTURE_VARIANT_ADD(attack, io_uring) { .backend = IO_URING };

/* More than a work queue of the kernel's does at a time, unless it asks for more. */
#define MANY	1100

/* The debug kernel is ten times slower, and there to look at locks and lifetimes. Only root can tell. */
static bool slow_kernel;

__attribute__((constructor)) static void look_at_the_kernel(void)
{
	slow_kernel = access("/sys/kernel/debug/kmemleak", F_OK) == 0;
}

/* io_uring has no such queue: fewer show as well what is right, in less time. */
static unsigned int many(enum backend backend)
{
	return backend == IO_URING || slow_kernel ? 40 : MANY;
}

static bool readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, LATE_MS) == 1;
}

/* A ring of another user's that is told of an event by nobody but the kernel. */
static void victim_is_told(enum backend backend, bool by_eventfd)
{
	int fds[2], ep = epoll_create1(0), ev = eventfd(0, EFD_NONBLOCK);
	struct epoll_event event = { .events = EPOLLIN };
	struct ring ring;

	MUST(ep >= 0 && ev >= 0 && !pipe(fds));
	MUST(!ring_init(&ring, backend, 8, DEFER_FLAGS));
	if (by_eventfd)
		MUST(!ring_register(&ring, IORING_REGISTER_EVENTFD, &ev, 1));
	else
		ev = ring.fd;
	MUST(!epoll_ctl(ep, EPOLL_CTL_ADD, ev, &event));
	prep_poll(&ring, fds[0], POLLIN, 7);
	MUST(ring_submit(&ring) == 1);
	MUST(write(fds[1], "x", 1) == 1);
	MUST(readable(ep));
}

static void victim_is_served(enum backend backend)
{
	struct io_uring_cqe cqe;
	struct ring ring;
	int fd = new_file(false);

	MUST(!ring_init(&ring, backend, 8, 0));
	prep(&ring, IORING_OP_FALLOCATE, fd, (void *)4096, 0, 1);
	MUST(ring_submit(&ring) == 1);
	MUST(ring_ready(&ring) || !ring_wait_ms(&ring, 1, LATE_MS));
	MUST(ring_peek(&ring, &cqe) && cqe.res == 0);
}

/* Another user's rings work. */
static bool others_are_well(const char *group, enum backend backend, const char *when)
{
	pid_t pid = spawn(group, BYSTANDER);

	if (pid)
		return child_ends(pid, when, 0);
	victim_is_told(backend, false);
	victim_is_told(backend, true);
	victim_is_served(backend);
	_exit(0);
}

static pthread_t thread(void *(*fn)(void *arg), void *arg)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	MUST(!pthread_create(&t, &attr, fn, arg));
	return t;
}

static void many_files(void)
{
	struct rlimit files = { 8192, 8192 };

	MUST(!setrlimit(RLIMIT_NOFILE, &files));
}

/* Rings whose own requests end, while a file is being opened in each. */

static enum backend used;
static int pipes[MANY][2];

static void *ring_at_a_fifo(void *arg)
{
	int *fds = arg, ev = eventfd(0, 0);
	struct ring ring;

	MUST(!ring_init(&ring, used, 2, DEFER_FLAGS));
	MUST(!ring_register(&ring, IORING_REGISTER_EVENTFD, &ev, 1));
	prep_poll(&ring, fds[0], POLLIN, 1);
	MUST(ring_submit(&ring) == 1);
	prep_fifo(&ring, 2);
	ring_submit(&ring);
	pause();
	return NULL;
}

static void attack_with_rings(unsigned int nr)
{
	unsigned int i;

	many_files();
	for (i = 0; i < nr; i++) {
		MUST(!pipe(pipes[i]));
		thread(ring_at_a_fifo, pipes[i]);
	}
	MUST(reaches(&board->go, 1));
	for (i = 0; i < nr; i++)
		MUST(write(pipes[i][1], "x", 1) == 1);
	reach(&board->count, 1);
	pause();
}

TEST_F(attack, rings_that_open_a_fifo)
{
	pid_t attacker;

	ASSERT_TRUE(others_are_well(self->group, variant->backend, "before"));
	attacker = spawn(self->group, 0);
	ASSERT_LE(0, attacker);
	if (!attacker) {
		many_files();
		join(self->group, "attackers");
		become(ATTACKER);
		used = variant->backend;
		attack_with_rings(many(used));
	}
	ASSERT_TRUE(sleep_in(attacker, AT_FIFO, many(variant->backend)));
	reach(&board->go, 1);
	ASSERT_TRUE(reaches(&board->count, 1));
	EXPECT_TRUE(others_are_well(self->group, variant->backend, "during"));
	EXPECT_TRUE(child_dies(attacker, "attacker"));
	EXPECT_TRUE(others_are_well(self->group, variant->backend, "after"));
}

/* Requests of threads that have ended, all of one ring that opens a file. */

static struct ring common;

static void *poll_and_end(void *arg)
{
	prep_poll(&common, *(int *)arg, POLLIN, 1);
	MUST(ring_submit(&common) == 1);
	return NULL;
}

static void attack_with_threads(enum backend backend, int fd, unsigned int nr)
{
	unsigned int i;

	MUST(!ring_init(&common, backend, 8, 0));
	for (i = 0; i < nr; i++)
		MUST(!pthread_join(thread(poll_and_end, &fd), NULL));
	prep_fifo(&common, 2);
	ring_submit(&common);
	pause();
}

TEST_F(attack, requests_of_threads_that_ended)
{
	pid_t attacker;
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	attacker = spawn(self->group, ATTACKER);
	ASSERT_LE(0, attacker);
	if (!attacker)
		attack_with_threads(variant->backend, fds[0], many(variant->backend));
	ASSERT_TRUE(sleep_in(attacker, AT_FIFO, 1));
	ASSERT_EQ(1, write(fds[1], "x", 1));
	EXPECT_TRUE(others_are_well(self->group, variant->backend, "during"));
	EXPECT_TRUE(child_dies(attacker, "attacker"));
	EXPECT_TRUE(others_are_well(self->group, variant->backend, "after"));
}

/* Requests with the last reference to a socket that lingers. */

static void *receive_and_end(void *arg)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static char buf[64];
	int *fd = arg;

	pthread_mutex_lock(&mutex);
	prep_recv(&common, *fd, buf, 1, 1);
	MUST(ring_submit(&common) == 1);
	pthread_mutex_unlock(&mutex);
	/* the request has the only one that is left */
	MUST(!close(*fd));
	__atomic_add_fetch(&board->count, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void attack_with_sockets(const struct sockaddr_in *addr, unsigned int nr)
{
	struct linger linger = { 1, 1 << 20 };
	static int socks[MANY];
	unsigned int i;
	int small = 2048;

	MUST(!ring_init(&common, used, 8, 0));
	for (i = 0; i < nr; i++) {
		socks[i] = socket(AF_INET, SOCK_STREAM, 0);
		MUST(!setsockopt(socks[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
		MUST(!connect(socks[i], (const void *)addr, sizeof(*addr)));
		MUST(!setsockopt(socks[i], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
		MUST(fill_socket(socks[i]) > 0);
	}
	for (i = 0; i < nr; i++)
		pthread_detach(thread(receive_and_end, &socks[i]));
	pause();
}

/* Whoever is at the other end, and reads nothing. */
static void attackers_peer(int listener, unsigned int nr)
{
	static int socks[MANY];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		socks[i] = accept(listener, NULL, NULL);
		MUST(socks[i] >= 0);
	}
	MUST(reaches(&board->go, 1));
	/* what they wait for */
	for (i = 0; i < nr; i++)
		shutdown(socks[i], SHUT_WR);
	reach(&board->step[0], 1);
	pause();
}

struct remainder {
	pid_t pid;
	unsigned int nr;
};

/* Threads that are still there wait for their sockets. */
static bool others_linger(void *arg)
{
	struct remainder *r = arg;
	unsigned int threads, lingering = sleepers(r->pid, "wait_woken");
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", r->pid);
	threads = proc_value(path, "Threads:");
	return board->count == (int)r->nr && threads <= 1 + lingering;
}

TEST_F(attack, sockets_that_linger)
{
	struct remainder all = { .nr = many(variant->backend) };
	int listener, small = 2048;
	struct sockaddr_in addr;
	pid_t attacker, peer;

	many_files();
	listener = tcp_listen(&addr);
	ASSERT_LE(0, listener);
	ASSERT_EQ(0, setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
	ASSERT_EQ(0, listen(listener, 4096));
	peer = spawn(self->group, PEER);
	ASSERT_LE(0, peer);
	if (!peer)
		attackers_peer(listener, all.nr);
	attacker = spawn(self->group, ATTACKER);
	ASSERT_LE(0, attacker);
	used = variant->backend;
	if (!attacker) {
		close(listener);
		attack_with_sockets(&addr, all.nr);
	}
	all.pid = attacker;
	ASSERT_TRUE(wait_until(others_linger, &all));
	reach(&board->go, 1);
	ASSERT_TRUE(reaches(&board->step[0], 1));
	EXPECT_TRUE(others_are_well(self->group, variant->backend, "during"));
	EXPECT_TRUE(child_dies(attacker, "attacker"));
	/* their peer is still there */
	EXPECT_TRUE(others_are_well(self->group, variant->backend, "after"));
	EXPECT_TRUE(child_dies(peer, "peer"));
}

/* Requests for workers, of rings each of which opens a file. */

#define RINGS	300

static unsigned int rings(enum backend backend)
{
	return backend == IO_URING || slow_kernel ? 16 : RINGS;
}

static int to_sync;

static void *work_and_a_fifo(void *unused)
{
	struct ring ring;
	unsigned int i;

	(void)unused;
	MUST(!ring_init(&ring, used, 16, 0));
	for (i = 0; i < 8; i++)
		prep(&ring, IORING_OP_FSYNC, to_sync, NULL, 0, i);
	prep_fifo(&ring, 9);
	ring_submit(&ring);
	pause();
	return NULL;
}

TEST_F(attack, workers_of_many_rings)
{
	pid_t attacker = spawn(self->group, 0);
	unsigned int i;

	ASSERT_LE(0, attacker);
	if (!attacker) {
		many_files();
		join(self->group, "attackers");
		become(ATTACKER);
		used = variant->backend;
		to_sync = new_file(false);
		for (i = 0; i < rings(used); i++)
			thread(work_and_a_fifo, NULL);
		pause();
	}
	ASSERT_TRUE(sleep_in(attacker, AT_FIFO, rings(variant->backend)));
	EXPECT_TRUE(others_are_well(self->group, variant->backend, "during"));
	EXPECT_TRUE(child_dies(attacker, "attacker"));
	EXPECT_TRUE(others_are_well(self->group, variant->backend, "after"));
}

TEST_HARNESS_MAIN
