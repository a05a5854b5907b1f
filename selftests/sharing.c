// SPDX-License-Identifier: GPL-2.0
/*
 * One ring in the hands of more than one process, and the module that has to
 * stay as long as somebody uses it.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

#include "fds.h"
#include "fixture.h"

static int in_child(int (*act)(void *arg), void *arg)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(act(arg));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static int submit_what_is_prepared(void *arg)
{
	return ring_submit(arg) != 1;
}

TEST_F(ring, child_submits)
{
	prep_nop(&self->ring, 5);
	EXPECT_EQ(0, in_child(submit_what_is_prepared, &self->ring));
	ASSERT_CQE(&self->ring, 5, 0, 0);
}

struct receiver {
	struct ring *ring;
	int fd;
	char buf[8];
};

static int receive(void *arg)
{
	struct receiver *r = arg;
	struct io_uring_cqe cqe;

	prep_recv(r->ring, r->fd, r->buf, sizeof(r->buf), 1);
	if (ring_submit(r->ring) != 1 || ring_take(r->ring, &cqe) || cqe.res != 5)
		return 1;
	return memcmp(r->buf, "hello", 5) != 0;
}

TEST_F(ring, child_receives_into_its_own_memory)
{
	struct receiver r = { .ring = &self->ring };
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	r.fd = sv[0];
	ASSERT_EQ(5, write(sv[1], "hello", 5));
	EXPECT_EQ(0, in_child(receive, &r));
	EXPECT_EQ(0, r.buf[0]);
}

static int arm_and_leave(void *arg)
{
	struct receiver *r = arg;

	prep_recv(r->ring, r->fd, r->buf, sizeof(r->buf), 1);
	return ring_submit(r->ring) != 1;
}

/* At the next event at the latest, and without taking the data along. */
TEST_F(ring, requests_of_a_child_end_with_it)
{
	struct receiver r = { .ring = &self->ring };
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	r.fd = sv[0];
	ASSERT_EQ(0, in_child(arm_and_leave, &r));
	ASSERT_EQ(5, write(sv[1], "hello", 5));
	ASSERT_CQE(&self->ring, 1, -ECANCELED, 0);
	EXPECT_EQ(0, r.buf[0]);
	EXPECT_EQ(5, drain_socket(sv[0]));
}

static int poll_a_signalfd(void *arg)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, 0);
	prep_poll(arg, fd, POLLIN, 1);
	prep_poll_multi(arg, fd, POLLIN, 2);
	return fd < 0 || ring_submit(arg) != 2;
}

/* The queue that the requests wait in is the child's own, and goes with it. */
TEST_F(ring, queue_is_freed_while_requests_wait_in_it)
{
	unsigned int i, sum = 0;
	struct io_uring_cqe cqe;

	ASSERT_EQ(0, in_child(poll_a_signalfd, &self->ring));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		EXPECT_EQ(-ECANCELED, cqe.res);
		EXPECT_EQ(0, cqe.flags);
		sum += cqe.user_data;
	}
	EXPECT_EQ(3, sum);
	self->ring.prepared = *self->ring.sq_tail;
	ASSERT_QUIET(&self->ring);
}

/* A ring of io_uring cannot be passed on at all. */
TEST_F(ring, passed_over_a_socket)
{
	struct ring copy = self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	if (variant->backend == IO_URING) {
		EXPECT_EQ(-EINVAL, send_fd(sv[1], self->ring.fd));
		return;
	}
	ASSERT_EQ(0, send_fd(sv[1], self->ring.fd));
	ring_exit(&self->ring);

	/* what arrives is the same ring, to be mapped anew */
	copy.fd = recv_fd(sv[0]);
	ASSERT_LE(0, copy.fd);
	ASSERT_EQ(0, ring_map(&copy));
	prep_nop(&copy, 9);
	ASSERT_EQ(1, ring_submit(&copy));
	ASSERT_CQE(&copy, 9, 0, 0);
	self->ring = copy;
}

/* From here on: what keeps the module. */
FIXTURE(module) {
};

static bool is_idle(void *unused)
{
	(void)unused;
	return proc_value("/sys/module/ruring/refcnt", "") == 0;
}

FIXTURE_SETUP(module)
{
	ASSERT_TRUE(wait_until(is_idle, NULL));
}

FIXTURE_TEARDOWN(module)
{
	device_close();
	EXPECT_TRUE(wait_until(is_idle, NULL));
}

static int remove_module(void)
{
	return syscall(__NR_delete_module, "ruring", O_NONBLOCK) ? -errno : 0;
}

TEST_F(module, stays_for_an_open_device)
{
	ASSERT_LE(0, device_fd());
	EXPECT_EQ(-EAGAIN, remove_module());
}

TEST_F(module, stays_for_a_ring)
{
	struct ring r;

	ASSERT_EQ(0, ring_init(&r, RURING, 4, 0));
	device_close();
	EXPECT_EQ(-EAGAIN, remove_module());
	ring_exit(&r);
}

TEST_F(module, stays_for_a_mapping)
{
	struct ring r;

	ASSERT_EQ(0, ring_init(&r, RURING, 4, 0));
	device_close();
	close(r.fd);
	EXPECT_EQ(-EAGAIN, remove_module());
	ring_unmap(&r);
}

TEST_F(module, stays_for_a_ring_in_flight)
{
	struct ring r;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, ring_init(&r, RURING, 4, 0));
	device_close();
	ASSERT_EQ(0, send_fd(sv[1], r.fd));
	ring_exit(&r);
	EXPECT_EQ(-EAGAIN, remove_module());
	close(sv[0]);
	close(sv[1]);
}

/* The ring's request holds the socket in whose queue the ring is. */
static int make_a_cycle(void *arg)
{
	struct ring r;
	int sv[2];

	(void)arg;
	if (unix_pair(SOCK_STREAM, sv) || ring_init(&r, RURING, 4, 0))
		return 1;
	prep_poll(&r, sv[0], POLLPRI, 1);
	return ring_submit(&r) != 1 || send_fd(sv[1], r.fd) != 0;
}

TEST_F(module, does_not_stay_for_a_cycle)
{
	EXPECT_EQ(0, in_child(make_a_cycle, NULL));
}

static int load_module(const char *path)
{
	int ret, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ret = syscall(__NR_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

TEST_F(module, comes_and_goes)
{
	const char *path = getenv("RURING_KO");
	unsigned int i;
	struct pbuf pb;
	struct ring r;
	int sv[2];

	if (!path)
		SKIP(return, "RURING_KO does not name the module");
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, ring_init(&r, RURING, 4, i & 1 ? DEFER_FLAGS : 0));
		ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
		ASSERT_EQ(0, pbuf_init(&pb, &r, 0, 4, 64));
		prep_recv_select(&r, sv[0], 0, 0, 1);
		prep_poll(&r, sv[0], POLLIN, 2);
		ASSERT_EQ(2, ring_submit(&r));
		ring_exit(&r);
		device_close();
		ASSERT_TRUE(wait_until(is_idle, NULL));
		ASSERT_EQ(0, remove_module());
		EXPECT_NE(0, access("/sys/module/ruring", F_OK));
		ASSERT_EQ(0, load_module(path));
		close(sv[0]);
		close(sv[1]);
	}
}

TEST_HARNESS_MAIN
