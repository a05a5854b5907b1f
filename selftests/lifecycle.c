// SPDX-License-Identifier: GPL-2.0
/*
 * How rings and their requests end. Each test leaves nothing behind: no page
 * stays pinned, and nothing keeps the module.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "system.h"

#define PAGES	4

FIXTURE(life) {
	long long pinned;
};

VARIANTS_OF_BOTH(life);

static bool module_is_idle(void *unused)
{
	(void)unused;
	return proc_value("/sys/module/ruring/refcnt", "") <= 0;
}

static bool pins_are_back(void *arg)
{
	long long *before = arg;

	return pinned_pages() <= *before;
}

FIXTURE_SETUP(life)
{
	ASSERT_TRUE(wait_until(module_is_idle, NULL));
	self->pinned = pinned_pages();
}

FIXTURE_TEARDOWN(life)
{
	device_close();
	EXPECT_TRUE(wait_until(module_is_idle, NULL));
	EXPECT_TRUE(wait_until(pins_are_back, &self->pinned));
}

/*
 * A ring with a request of each kind that waits, on sockets that nothing else
 * holds. The other ends tell when the requests are gone.
 */
struct scene {
	struct ring ring;
	struct pbuf pb;
	struct msghdr msg;
	struct sockaddr_in addr;
	int sock;
	int peer;
	int listener;
};

static int scene_sockets(struct scene *s)
{
	int ret, sv[2];

	memset(s, 0, sizeof(*s));
	ret = unix_pair(SOCK_STREAM, sv);
	if (ret)
		return ret;
	s->sock = sv[0];
	s->peer = sv[1];
	s->listener = tcp_listen(&s->addr);
	return s->listener < 0 ? s->listener : 0;
}

static int scene_ring(struct scene *s, enum backend backend, unsigned int flags)
{
	int ret = ring_init(&s->ring, backend, 16, flags);

	if (!ret)
		ret = pbuf_init(&s->pb, &s->ring, 0, PAGES * 256, 64);
	if (ret)
		return ret;
	pbuf_fill(&s->pb);
	prep_recv_multi(&s->ring, s->sock, 0, 1);
	prep_recvmsg_multi(&s->ring, s->sock, &s->msg, 0, 2);
	prep_recv_select(&s->ring, s->sock, 0, 0, 3);
	prep_poll(&s->ring, s->sock, POLLPRI, 4);
	prep_poll_multi(&s->ring, s->sock, POLLIN, 5);
	prep_accept(&s->ring, s->listener, 6);
	prep_accept_multi(&s->ring, s->listener, 7);
	ret = ring_submit(&s->ring);
	close(s->sock);
	close(s->listener);
	return ret == 7 ? 0 : ret;
}

static int scene_init(struct scene *s, enum backend backend, unsigned int flags)
{
	int ret = scene_sockets(s);

	return ret ?: scene_ring(s, backend, flags);
}

static bool sockets_are_gone(void *arg)
{
	struct scene *s = arg;
	struct pollfd p = { .fd = s->peer };
	int fd;

	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLHUP))
		return false;
	fd = tcp_connect(&s->addr);
	if (fd >= 0)
		close(fd);
	return fd == -ECONNREFUSED;
}

/*
 * A process that has a ring. It runs @act, and the test goes on when that has
 * closed @ready. It holds until the test closes the other end of @hold.
 */
struct actor {
	struct scene scene;
	pid_t pid;
	int ready;
	int hold;
};

static int start(struct actor *a, enum backend backend, unsigned int flags,
		 int (*act)(struct actor *a))
{
	int ready[2], hold[2], ret;
	char c = 0;

	ret = scene_sockets(&a->scene);
	if (ret)
		return ret;
	if (pipe2(ready, O_CLOEXEC) || pipe(hold))
		return -errno;
	a->pid = fork();
	if (a->pid < 0)
		return -errno;
	if (!a->pid) {
		close(ready[0]);
		close(hold[1]);
		close(a->scene.peer);
		a->ready = ready[1];
		a->hold = hold[0];
		ret = scene_ring(&a->scene, backend, flags);
		if (ret || write(ready[1], "r", 1) != 1)
			_exit(1);
		_exit(act(a));
	}
	close(ready[1]);
	close(hold[0]);
	close(a->scene.sock);
	close(a->scene.listener);
	a->hold = hold[1];
	if (read(ready[0], &c, 1) != 1 || read(ready[0], &c, 1) != 0)
		return -EIO;
	close(ready[0]);
	return 0;
}

/* Stay until the parent lets go. */
static int stay(struct actor *a)
{
	char c;

	close(a->ready);
	return read(a->hold, &c, 1) != 0;
}

static int leave(struct actor *a)
{
	(void)a;
	return 0;
}

static int finish(struct actor *a)
{
	int status;

	close(a->hold);
	return waitpid(a->pid, &status, 0) == a->pid ? status : -1;
}

TEST_F(life, ring_closed_with_armed_requests)
{
	struct scene s;

	ASSERT_EQ(0, scene_init(&s, variant->backend, variant->flags));
	EXPECT_FALSE(sockets_are_gone(&s));
	ring_exit(&s.ring);
	EXPECT_TRUE(wait_until(sockets_are_gone, &s));
}

TEST_F(life, ring_unmapped_after_it_was_closed)
{
	struct scene s;

	ASSERT_EQ(0, scene_init(&s, variant->backend, variant->flags));
	close(s.ring.fd);
	ring_unmap(&s.ring);
	EXPECT_TRUE(wait_until(sockets_are_gone, &s));
}

TEST_F(life, process_exits)
{
	struct actor a;

	ASSERT_EQ(0, start(&a, variant->backend, variant->flags, leave));
	EXPECT_EQ(0, finish(&a));
	EXPECT_TRUE(wait_until(sockets_are_gone, &a.scene));
}

TEST_F(life, process_is_killed)
{
	struct actor a;

	ASSERT_EQ(0, start(&a, variant->backend, variant->flags, stay));
	EXPECT_FALSE(sockets_are_gone(&a.scene));
	ASSERT_EQ(0, kill(a.pid, SIGKILL));
	EXPECT_EQ(SIGKILL, finish(&a));
	EXPECT_TRUE(wait_until(sockets_are_gone, &a.scene));
}

static int wait_in_kernel(struct actor *a)
{
	close(a->ready);
	return ring_enter(&a->scene.ring, 0, 64, IORING_ENTER_GETEVENTS);
}

TEST_F(life, process_is_killed_while_it_waits)
{
	struct actor a;

	ASSERT_EQ(0, start(&a, variant->backend, variant->flags, wait_in_kernel));
	ASSERT_EQ(0, kill(a.pid, SIGKILL));
	EXPECT_EQ(SIGKILL, finish(&a));
	EXPECT_TRUE(wait_until(sockets_are_gone, &a.scene));
}

static int submit_for_ever(struct actor *a)
{
	struct ring *r = &a->scene.ring;

	close(a->ready);
	for (;;) {
		prep_nop(r, 1);
		prep_poll(r, a->hold, POLLPRI, 8);
		prep_cancel(r, 8, 0, 9);
		ring_submit_and_run(r);
		ring_drain(r);
	}
	return 0;
}

TEST_F(life, process_is_killed_while_it_submits)
{
	struct actor a;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, start(&a, variant->backend, variant->flags,
				   submit_for_ever));
		usleep(i * 3000);
		ASSERT_EQ(0, kill(a.pid, SIGKILL));
		EXPECT_EQ(SIGKILL, finish(&a));
		EXPECT_TRUE(wait_until(sockets_are_gone, &a.scene));
	}
}

static int become_cat(struct actor *a)
{
	dup2(a->hold, STDIN_FILENO);
	execl("/bin/cat", "cat", NULL);
	return 1;
}

TEST_F(life, exec_closes_the_ring)
{
	struct actor a;

	/* the new program stays while the requests of the old one go */
	ASSERT_EQ(0, start(&a, variant->backend, variant->flags, become_cat));
	EXPECT_TRUE(wait_until(sockets_are_gone, &a.scene));
	EXPECT_EQ(0, kill(a.pid, 0));
	EXPECT_EQ(0, finish(&a));
}

static int become_cat_with_the_ring(struct actor *a)
{
	fcntl(a->scene.ring.fd, F_SETFD, 0);
	return become_cat(a);
}

/*
 * The ring stays open, but its requests belong to a program that is no more.
 * They end, at the next event at the latest.
 */
TEST_F(life, exec_that_keeps_the_descriptor)
{
	struct actor a;
	int fd;

	ASSERT_EQ(0, start(&a, variant->backend, variant->flags,
			   become_cat_with_the_ring));
	send(a.scene.peer, "x", 1, MSG_NOSIGNAL);
	fd = tcp_connect(&a.scene.addr);
	if (fd >= 0)
		close(fd);
	EXPECT_EQ(0, kill(a.pid, 0));
	EXPECT_EQ(0, finish(&a));
	EXPECT_TRUE(wait_until(sockets_are_gone, &a.scene));
}

TEST_F(life, child_comes_and_goes)
{
	struct scene s;
	struct io_uring_cqe cqe;
	int status, fd;
	pid_t pid;

	ASSERT_EQ(0, scene_init(&s, variant->backend, variant->flags));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		ring_exit(&s.ring);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* the requests of the parent have not noticed */
	EXPECT_FALSE(sockets_are_gone(&s));
	fd = tcp_connect(&s.addr);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ring_take(&s.ring, &cqe));
	EXPECT_LE(0, cqe.res);
	ring_exit(&s.ring);
	EXPECT_TRUE(wait_until(sockets_are_gone, &s));
}

static int fork_and_leave(struct actor *a)
{
	char c;

	/* the child keeps the ring, and holds until it is told to go */
	if (!fork()) {
		close(a->ready);
		_exit(read(a->hold, &c, 1) != 0);
	}
	return 0;
}

/* Who submitted the requests is gone, but not the ring. */
TEST_F(life, ring_outlives_the_submitter)
{
	struct actor a;
	int fd;

	ASSERT_EQ(0, start(&a, variant->backend, variant->flags, fork_and_leave));
	send(a.scene.peer, "x", 1, MSG_NOSIGNAL);
	fd = tcp_connect(&a.scene.addr);
	if (fd >= 0)
		close(fd);
	EXPECT_EQ(0, finish(&a));
	EXPECT_TRUE(wait_until(sockets_are_gone, &a.scene));
}

static int poll_itself(struct actor *a)
{
	struct ring *r = &a->scene.ring;

	prep_poll(r, r->fd, POLLPRI, 100);
	prep_poll_multi(r, r->fd, POLLPRI, 101);
	return ring_submit(r) != 2;
}

TEST_F(life, ring_that_polls_itself)
{
	struct actor a;

	ASSERT_EQ(0, start(&a, variant->backend, variant->flags, poll_itself));
	EXPECT_EQ(0, finish(&a));
	EXPECT_TRUE(wait_until(sockets_are_gone, &a.scene));
}

static int poll_each_other(struct actor *a)
{
	struct ring *r = &a->scene.ring, other;

	if (ring_init(&other, r->backend, 4, 0))
		return 1;
	prep_poll(r, other.fd, POLLPRI, 100);
	prep_poll(&other, r->fd, POLLPRI, 101);
	return ring_submit(r) != 1 || ring_submit(&other) != 1;
}

TEST_F(life, rings_that_poll_each_other)
{
	struct actor a;

	ASSERT_EQ(0, start(&a, variant->backend, variant->flags, poll_each_other));
	EXPECT_EQ(0, finish(&a));
	EXPECT_TRUE(wait_until(sockets_are_gone, &a.scene));
}

TEST_F(life, rings_come_and_go)
{
	struct scene s;
	unsigned int i;

	for (i = 0; i < 30; i++) {
		ASSERT_EQ(0, scene_init(&s, variant->backend, variant->flags));
		if (i % 3 == 0)
			ASSERT_EQ(1, write(s.peer, "x", 1));
		if (i % 3 == 1)
			close(s.peer);
		ring_exit(&s.ring);
		munmap(s.pb.mem, s.pb.mem_size);
		munmap(s.pb.br, s.pb.br_size);
		if (i % 3 != 1)
			close(s.peer);
	}
}

TEST_HARNESS_MAIN
