// SPDX-License-Identifier: GPL-2.0
/*
 * A task that sleeps for several completions: it is woken up when it can have them, and
 * everybody else is told of the first.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RING_MODES
#include "fixture.h"

#define LONG_MS 20000

/* A task with a ring of its own, in which it waits. */
struct sleeper {
	struct ring ring;
	enum backend backend;
	unsigned int flags;
	/* prepares its requests */
	void (*prepare)(struct sleeper *s);
	unsigned int count;
	int sv[2][2];
	int file;
	int listener;
	int event;
	/* whether it waits in the call that submits */
	bool at_once;
	/* another ring of the same task */
	struct ring other;
	pthread_t thread;
	/* its process, if that is another one */
	pid_t pid;
	pid_t tid;
	int ret;
};

static void *sleep_thread(void *arg)
{
	struct sleeper *s = arg;

	s->ret = ring_init(&s->ring, s->backend, 16, s->flags);
	if (s->ret)
		return NULL;
	s->prepare(s);
	if (s->at_once) {
		__atomic_store_n(&s->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
		s->ret = ring_enter(&s->ring, ring_publish(&s->ring), s->count,
				    IORING_ENTER_GETEVENTS);
		return NULL;
	}
	s->ret = ring_submit(&s->ring);
	if (s->ret <= 0)
		return NULL;
	__atomic_store_n(&s->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	s->ret = ring_wait_ms(&s->ring, s->count, LONG_MS);
	return NULL;
}

static bool is_asleep(void *arg)
{
	struct sleeper *s = arg;
	pid_t tid = __atomic_load_n(&s->tid, __ATOMIC_ACQUIRE);

	return tid && task_state(tid) == 'S';
}

static int sleeper_start(struct sleeper *s)
{
	if (pthread_create(&s->thread, NULL, sleep_thread, s))
		return -1;
	return wait_until(is_asleep, s) ? 0 : -2;
}

static int sleeper_join(struct sleeper *s)
{
	return pthread_join(s->thread, NULL) ? -1 : s->ret;
}

static int pairs(struct sleeper *s)
{
	return unix_pair(SOCK_STREAM, s->sv[0]) ?: unix_pair(SOCK_STREAM, s->sv[1]);
}

static void unpair(struct sleeper *s)
{
	int i;

	for (i = 0; i < 4; i++)
		close(s->sv[i / 2][i % 2]);
	ring_exit(&s->ring);
}

static void prepare_polls(struct sleeper *s)
{
	if (s->event >= 0)
		ring_register(&s->ring, IORING_REGISTER_EVENTFD, &s->event, 1);
	prep_poll(&s->ring, s->sv[0][0], POLLIN, 1);
	prep_poll(&s->ring, s->sv[1][0], POLLIN, 2);
}

/* One that waits for less has what there is. */
TEST_F(ring, other_thread)
{
	struct sleeper s = {
		.backend = variant->backend, .flags = variant->flags,
		.prepare = prepare_polls, .count = 2, .event = -1,
	};

	if (variant->flags & IORING_SETUP_DEFER_TASKRUN)
		SKIP(return, "nobody else can wait");
	ASSERT_EQ(0, pairs(&s));
	ASSERT_EQ(0, sleeper_start(&s));
	ASSERT_EQ(1, write(s.sv[0][1], "x", 1));
	EXPECT_EQ(0, ring_wait_ms(&s.ring, 1, LONG_MS / 4));
	EXPECT_EQ(1, ring_ready(&s.ring));
	ASSERT_EQ(1, write(s.sv[1][1], "x", 1));
	EXPECT_EQ(0, sleeper_join(&s));
	EXPECT_EQ(2, ring_ready(&s.ring));
	unpair(&s);
}

/* Pollers and eventfds are told of the first. */
TEST_F(ring, watchers)
{
	struct sleeper s = {
		.backend = variant->backend, .flags = variant->flags,
		.prepare = prepare_polls, .count = 2, .event = eventfd(0, EFD_NONBLOCK),
	};
	struct pollfd fds[2] = { { .events = POLLIN }, { .fd = s.event, .events = POLLIN } };

	ASSERT_LE(0, s.event);
	ASSERT_EQ(0, pairs(&s));
	ASSERT_EQ(0, sleeper_start(&s));
	ASSERT_EQ(1, write(s.sv[0][1], "x", 1));
	EXPECT_EQ(1, poll(fds + 1, 1, LONG_MS / 4));
	fds[0].fd = s.ring.fd;
	EXPECT_EQ(1, poll(fds, 1, LONG_MS / 4));
	ASSERT_EQ(1, write(s.sv[1][1], "x", 1));
	EXPECT_EQ(0, sleeper_join(&s));
	close(s.event);
	unpair(&s);
}

static void prepare_link(struct sleeper *s)
{
	static char buf[8];

	prep_recv(&s->ring, s->sv[0][0], buf, sizeof(buf), 1)->flags = IOSQE_IO_LINK;
	prep_nop(&s->ring, 2);
}

static void prepare_drain(struct sleeper *s)
{
	static char buf[8];

	prep_recv(&s->ring, s->sv[0][0], buf, sizeof(buf), 1);
	prep_nop(&s->ring, 2)->flags = IOSQE_IO_DRAIN;
}

static void prepare_poll_drain(struct sleeper *s)
{
	prep_poll(&s->ring, s->sv[0][0], POLLIN, 1);
	prep_nop(&s->ring, 2)->flags = IOSQE_IO_DRAIN;
}

static void prepare_pieces(struct sleeper *s)
{
	static struct pbuf pb;

	pbuf_init(&pb, &s->ring, 1, 4, 4);
	pbuf_fill(&pb);
	prep_recv_multi(&s->ring, s->sv[0][0], 1, 1);
}

/* One arrival brings both. */
TEST_F(ring, one_arrival)
{
	void (*const prepares[])(struct sleeper *s) = {
		prepare_link, prepare_drain, prepare_poll_drain, prepare_pieces,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(prepares); i++) {
		struct sleeper s = {
			.backend = variant->backend, .flags = variant->flags,
			.prepare = prepares[i], .count = 2,
		};

		/* Lazily woken up, io_uring waits for another one, which does not come. */
		if (i && variant->backend == IO_URING &&
		    variant->flags & IORING_SETUP_DEFER_TASKRUN)
			continue;
		ASSERT_EQ(0, pairs(&s));
		ASSERT_EQ(0, sleeper_start(&s));
		ASSERT_EQ(8, write(s.sv[0][1], "12345678", 8));
		EXPECT_EQ(0, sleeper_join(&s)) TH_LOG("case %u", i);
		/* and one of a request that ends with its task */
		EXPECT_LE(2, ring_ready(&s.ring)) TH_LOG("case %u", i);
		unpair(&s);
	}
}

/* What a worker does brings what is linked or drained behind it. */
TEST_F(ring, behind_a_worker)
{
	static const __u8 first[] = { IORING_OP_WRITE, IORING_OP_FSYNC, IORING_OP_FALLOCATE };
	static const __u8 next[] = { IOSQE_IO_LINK, IOSQE_IO_DRAIN };
	static char text[4096];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		for (j = 0; j < ARRAY_SIZE(next); j++) {
			struct io_uring_sqe *sqe;
			int fd = new_file(true);

			ASSERT_LE(0, fd);
			sqe = prep(&self->ring, first[i], fd, NULL, 0, 1);
			if (first[i] == IORING_OP_WRITE) {
				sqe->addr = (uintptr_t)text;
				sqe->len = sizeof(text);
			} else if (first[i] == IORING_OP_FALLOCATE) {
				sqe->addr = sizeof(text);
			}
			if (next[j] == IOSQE_IO_LINK)
				sqe->flags = IOSQE_IO_LINK;
			sqe = prep_nop(&self->ring, 2);
			if (next[j] == IOSQE_IO_DRAIN)
				sqe->flags = IOSQE_IO_DRAIN;
			ASSERT_EQ(2, ring_enter(&self->ring, ring_publish(&self->ring), 2,
						IORING_ENTER_GETEVENTS));
			ASSERT_CQE(&self->ring, 1, first[i] == IORING_OP_WRITE ? 4096 : 0, 0);
			ASSERT_CQE(&self->ring, 2, 0, 0);
			close(fd);
		}
	}
}

static void prepare_accept(struct sleeper *s)
{
	prep_accept_multi(&s->ring, s->listener, 1);
}

static void prepare_exclusive(struct sleeper *s)
{
	prep_poll(&s->ring, s->sv[0][0], POLLIN | EPOLLEXCLUSIVE, 1);
	prep_poll(&s->ring, s->sv[1][0], POLLIN | EPOLLEXCLUSIVE, 2);
}

static bool has_one(void *arg)
{
	return ring_ready(arg) == 1;
}

static bool is_empty(void *arg)
{
	struct pollfd fd = { .fd = *(int *)arg, .events = POLLIN };

	return poll(&fd, 1, 0) == 0;
}

/* No connection is left with one who waits for more of them. */
TEST_F(ring, exclusive)
{
	struct sockaddr_in addr;
	int client, fd = tcp_listen(&addr);
	struct sleeper s = {
		.backend = variant->backend, .flags = variant->flags,
		.prepare = prepare_accept, .count = 2, .listener = fd,
	};
	struct io_uring_cqe cqe;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, sleeper_start(&s));
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	EXPECT_TRUE(wait_until(is_empty, &fd));
	close(client);
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	EXPECT_EQ(0, sleeper_join(&s));
	while (ring_peek(&s.ring, &cqe))
		close(cqe.res);
	close(client);
	ring_exit(&s.ring);
	close(fd);
}

/* An event that nobody else was told of is told at once. */
TEST_F(ring, exclusive_poll)
{
	struct sleeper s = {
		.backend = variant->backend, .flags = variant->flags,
		.prepare = prepare_exclusive, .count = 2,
	};

	ASSERT_EQ(0, pairs(&s));
	ASSERT_EQ(0, sleeper_start(&s));
	ASSERT_EQ(1, write(s.sv[0][1], "x", 1));
	EXPECT_TRUE(wait_until(has_one, &s.ring));
	ASSERT_EQ(1, write(s.sv[1][1], "x", 1));
	EXPECT_EQ(0, sleeper_join(&s));
	EXPECT_EQ(2, ring_ready(&s.ring));
	unpair(&s);
}

static void prepare_work(struct sleeper *s)
{
	s->file = new_file(false);
	prep(&s->ring, IORING_OP_FSYNC, s->file, NULL, 0, 1);
	prep_poll(&s->ring, s->sv[0][0], POLLIN, 2);
}

/* Others can see what a worker has done, however many its task waits for. */
TEST_F(ring, done_by_a_worker)
{
	struct sleeper s = {
		.backend = variant->backend, .flags = variant->flags,
		.prepare = prepare_work, .count = 2, .event = -1,
	};
	struct pollfd fd = { .events = POLLIN };

	ASSERT_EQ(0, pairs(&s));
	ASSERT_EQ(0, sleeper_start(&s));
	fd.fd = s.ring.fd;
	EXPECT_EQ(1, poll(&fd, 1, LONG_MS / 4));
	EXPECT_TRUE(wait_until(has_one, &s.ring));
	ASSERT_EQ(1, write(s.sv[0][1], "x", 1));
	EXPECT_EQ(0, sleeper_join(&s));
	close(s.file);
	unpair(&s);
}

static void prepare_other(struct sleeper *s)
{
	s->ret = ring_init(&s->other, s->backend, 16, 0);
	if (s->ret)
		return;
	prep_poll(&s->other, s->sv[1][0], POLLIN, 3);
	ring_submit(&s->other);
	prep_nop(&s->ring, 1);
	prep_poll(&s->ring, s->sv[0][0], POLLIN, 2);
}

/* A task that waits does what is for another ring of its, and goes on waiting for as many as before. */
TEST_F(ring, other_ring)
{
	int at_once;

	for (at_once = 0; at_once < 2; at_once++) {
		struct sleeper s = {
			.backend = variant->backend, .flags = variant->flags,
			.prepare = prepare_other, .count = 2, .at_once = at_once,
		};

		ASSERT_EQ(0, pairs(&s));
		ASSERT_EQ(0, sleeper_start(&s));
		ASSERT_EQ(1, write(s.sv[1][1], "x", 1));
		EXPECT_TRUE(wait_until(has_one, &s.other));
		EXPECT_TRUE(wait_until(is_asleep, &s)) TH_LOG("at once: %d", at_once);
		ASSERT_EQ(1, write(s.sv[0][1], "x", 1));
		EXPECT_EQ(at_once ? 2 : 0, sleeper_join(&s));
		ASSERT_CQE(&s.ring, 1, 0, 0);
		ASSERT_CQE(&s.ring, 2, POLLIN, 0);
		ASSERT_CQE(&s.other, 3, POLLIN, 0);
		ring_exit(&s.other);
		unpair(&s);
	}
}

/* What the other ring does: it closes the one that is waited in, and later something else. */
static void prepare_close(struct sleeper *s, int again, int done)
{
	static const __u64 one = 1;

	prep_poll(&s->other, s->sv[1][0], POLLIN, 1)->flags = IOSQE_IO_LINK;
	prep(&s->other, IORING_OP_CLOSE, s->ring.fd, NULL, 0, 2)->flags = IOSQE_IO_LINK;
	prep(&s->other, IORING_OP_WRITE, done, &one, sizeof(one), 3);
	prep_poll(&s->other, again, POLLIN, 4)->flags = IOSQE_IO_LINK;
	prep(&s->other, IORING_OP_WRITE, done, &one, sizeof(one), 5);
	ring_submit(&s->other);
	prep_nop(&s->ring, 1);
	prep_poll(&s->ring, s->sv[0][0], POLLIN, 2);
	ring_submit(&s->ring);
}

/* A process with one thread, whose calls need no reference to their file. */
static int wait_in_closed(struct sleeper *s, int begun, int again, int done)
{
	static const __u64 one = 1;
	int ret = ring_init(&s->ring, s->backend, 16, s->flags) ?:
		  ring_init(&s->other, IO_URING, 16, 0);

	if (ret)
		return ret;
	prepare_close(s, again, done);
	if (write(begun, &one, sizeof(one)) != sizeof(one))
		return -errno;
	ret = ring_wait_ms(&s->ring, s->count, LONG_MS);
	if (ret || fd_is_open(s->ring.fd))
		return ret ?: -EBUSY;
	return ring_ready(&s->ring) == s->count && ring_ready(&s->other) == 5 ? 0 : -ENODATA;
}

static bool told(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	__u64 count;

	return poll(&pfd, 1, LONG_MS / 4) == 1 && read(fd, &count, sizeof(count)) == sizeof(count);
}

/*
 * What a task does while it waits may close the very ring that it waits in. It goes on waiting, and can be called again.
 * A ring does not close others of its kind, but io_uring closes ruring's.
 */
TEST_F(ring, closed_meanwhile)
{
	struct sleeper s = {
		.backend = variant->backend, .flags = variant->flags, .count = 2,
	};
	int begun = eventfd(0, 0), again = eventfd(0, 0), done = eventfd(0, 0), status;

	if (variant->backend == IO_URING)
		SKIP(return, "io_uring does not close io_uring");
	ASSERT_EQ(0, pairs(&s));
	s.pid = fork();
	ASSERT_LE(0, s.pid);
	if (!s.pid)
		_exit(-wait_in_closed(&s, begun, again, done));
	s.tid = s.pid;
	EXPECT_TRUE(told(begun));
	EXPECT_TRUE(wait_until(is_asleep, &s));
	ASSERT_EQ(1, write(s.sv[1][1], "x", 1));
	EXPECT_TRUE(told(done));
	EXPECT_TRUE(wait_until(is_asleep, &s));
	ASSERT_EQ(8, write(again, &(__u64){ 1 }, 8));
	EXPECT_TRUE(told(done));
	EXPECT_TRUE(wait_until(is_asleep, &s));
	ASSERT_EQ(1, write(s.sv[0][1], "x", 1));
	ASSERT_EQ(s.pid, waitpid(s.pid, &status, 0));
	EXPECT_EQ(0, status);
	close(begun);
	close(again);
	close(done);
}

TEST_HARNESS_MAIN
