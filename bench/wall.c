// SPDX-License-Identifier: GPL-2.0
/*
 * Two processors and a clock on the wall: the ring on one, its peer on the
 * other. Both sides take turns, so that what slows the machine down slows both
 * down. A line for each turn:
 *
 *	row TAB side TAB nanoseconds per operation
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/wait.h>

#include "args.h"
#include "bench.h"

#define BUFFERS		256
#define GROUP		1
#define SIZE		64

struct wall {
	const char *name;
	void (*run)(struct ring *ring, unsigned int nr);
	unsigned int nr;
};

static int peer_fd;
static unsigned int peer_nr;

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "sched_setaffinity");
}

static void send_all(int fd, size_t size)
{
	if (send(fd, bench_memory, size, 0) != (ssize_t)size)
		err(1, "send");
}

static void recv_all(int fd, size_t size)
{
	if (recv(fd, bench_memory, size, MSG_WAITALL) != (ssize_t)size)
		err(1, "recv");
}

static void *sender(void *unused)
{
	unsigned int i;

	(void)unused;
	pin(1);
	for (i = 0; i < peer_nr; i++)
		send_all(peer_fd, SIZE);
	return NULL;
}

static void *receiver(void *unused)
{
	unsigned int i;

	(void)unused;
	pin(1);
	for (i = 0; i < peer_nr; i++)
		recv_all(peer_fd, SIZE);
	return NULL;
}

static void *talker(void *unused)
{
	unsigned int i;

	(void)unused;
	pin(1);
	for (i = 0; i < peer_nr; i++) {
		send_all(peer_fd, SIZE);
		recv_all(peer_fd, SIZE);
	}
	return NULL;
}

static pthread_t start_peer(void *(*peer)(void *), int fd, unsigned int nr)
{
	pthread_t thread;

	peer_fd = fd;
	peer_nr = nr;
	if (pthread_create(&thread, NULL, peer, NULL))
		errx(1, "pthread_create");
	return thread;
}

static void submit(struct ring *ring, unsigned int wait_nr)
{
	int ret = ring_submit_and_wait(ring, wait_nr);

	if (ret < 0)
		errx(1, "enter: %s", strerror(-ret));
}

static void nop(struct ring *ring, unsigned int nr)
{
	unsigned int i;

	while (nr) {
		for (i = 0; i < 32; i++)
			bench_sqe(ring);
		submit(ring, 32);
		bench_reap(ring, 32, 0);
		nr -= 32;
	}
}

/* Takes a receive's completion and gives its buffer back: the bytes. */
static unsigned int take(struct ring *ring, struct buf_ring *bufs, int fd)
{
	struct completion cqe = bench_cqe(ring);

	/* Everything may have been in use for a moment. */
	if (!(cqe.flags & IORING_CQE_F_MORE))
		ring_prep_recv_multishot(bench_sqe(ring), fd, GROUP);
	if (!(cqe.flags & IORING_CQE_F_BUFFER))
		return 0;
	buf_ring_recycle(bufs, cqe.flags >> IORING_CQE_BUFFER_SHIFT);
	return cqe.res;
}

static void make_buffers(struct buf_ring *bufs, struct ring *ring)
{
	int ret = buf_ring_init(bufs, ring, GROUP, BUFFERS, SIZE);

	if (ret < 0)
		errx(1, "buffer ring: %s", strerror(-ret));
}

static void receive(struct ring *ring, unsigned int nr, enum proto proto)
{
	unsigned long left = (unsigned long)nr * SIZE;
	struct buf_ring bufs;
	pthread_t peer;
	int fds[2];

	bench_pair(proto, fds);
	make_buffers(&bufs, ring);
	ring_prep_recv_multishot(bench_sqe(ring), fds[0], GROUP);
	submit(ring, 0);
	peer = start_peer(sender, fds[1], nr);
	while (left) {
		submit(ring, 1);
		while (ring_peek_cqe(ring))
			left -= take(ring, &bufs, fds[0]);
		buf_ring_publish(&bufs);
	}
	pthread_join(peer, NULL);
}

static void receive_tcp(struct ring *ring, unsigned int nr)
{
	receive(ring, nr, TCP);
}

static void receive_unix(struct ring *ring, unsigned int nr)
{
	receive(ring, nr, UNIX);
}

static void send_tcp(struct ring *ring, unsigned int nr)
{
	unsigned int i;
	pthread_t peer;
	int fds[2];

	bench_pair(TCP, fds);
	peer = start_peer(receiver, fds[0], nr);
	while (nr) {
		for (i = 0; i < 8; i++)
			ring_prep_send(bench_sqe(ring), fds[1], bench_memory,
				       SIZE, MSG_WAITALL);
		submit(ring, 8);
		bench_reap(ring, 8, SIZE);
		nr -= 8;
	}
	pthread_join(peer, NULL);
}

/* A message there and back, one at a time. */
static void echo_tcp(struct ring *ring, unsigned int nr)
{
	struct completion cqe;
	struct buf_ring bufs;
	pthread_t peer;
	int fds[2];

	bench_pair(TCP, fds);
	make_buffers(&bufs, ring);
	ring_prep_recv_multishot(bench_sqe(ring), fds[0], GROUP);
	peer = start_peer(talker, fds[1], nr);
	while (nr) {
		submit(ring, 1);
		while (ring_peek_cqe(ring)) {
			cqe = bench_cqe(ring);
			if (cqe.res != SIZE)
				errx(1, "result %d", cqe.res);
			if (!(cqe.flags & IORING_CQE_F_BUFFER)) {
				nr--;
				continue;
			}
			buf_ring_recycle(&bufs, cqe.flags >>
						IORING_CQE_BUFFER_SHIFT);
			buf_ring_publish(&bufs);
			ring_prep_send(bench_sqe(ring), fds[0], bench_memory,
				       SIZE, 0);
		}
	}
	pthread_join(peer, NULL);
}

static const struct wall walls[] = {
	{ "wall/nop/32", nop, 64000 },
	{ "wall/recv-multishot/tcp/64", receive_tcp, 5000 },
	{ "wall/recv-multishot/unix/64", receive_unix, 10000 },
	{ "wall/send/tcp/64", send_tcp, 4000 },
	{ "wall/echo/tcp/64", echo_tcp, 1000 },
};

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void turn(const struct wall *wall, enum ring_backend backend)
{
	struct ring ring;
	double begun;
	int ret;

	pin(0);
	ret = ring_init(&ring, backend, 64, 512, DEFER);
	if (ret < 0)
		errx(1, "cannot make a ring: %s", strerror(-ret));
	/* Connecting and warming up do not take long beside the rest. */
	begun = now_ns();
	wall->run(&ring, wall->nr);
	printf("%s\t%s\t%.1f\n", wall->name, ring_backend_name(backend),
	       (now_ns() - begun) / wall->nr);
	fflush(stdout);
	_exit(0);
}

/*
 * wall [TURNS]
 *
 * On a machine that is busy, or emulated, it is as many as there is time for.
 */
int main(int argc, char **argv)
{
	unsigned int i, j, k, turns = 15;
	double begun;
	int status;
	pid_t pid;

	if (argc > 1)
		turns = arg_number("turns", argv[1], 1, 1000);
	for (i = 0; i < ARRAY_SIZE(walls); i++) {
		begun = now_ns();
		for (j = 0; j < 2 * turns; j++) {
			if (j % 2 == 0 && j >= 6 && now_ns() - begun > 15e9)
				break;
			/* Who comes first changes as well. */
			k = (j / 2 + j) % 2;
			/* Those of the turn before are not free yet. */
			bench_next_port += 2;
			fflush(stdout);
			pid = fork();
			if (pid < 0)
				err(1, "fork");
			if (pid == 0)
				turn(&walls[i], k ? RING_IO_URING : RING_RURING);
			if (waitpid(pid, &status, 0) != pid || status)
				errx(1, "%s: status %#x", walls[i].name, status);
		}
	}
	return 0;
}
