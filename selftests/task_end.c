// SPDX-License-Identifier: GPL-2.0
/*
 * What a task has submitted ends with it: at once, whatever it waits for, and
 * seen by all who look at the ring. So does what a program has submitted that
 * executes another one.
 *
 * io_uring ends only some of it then, and the rest when it is next woken up:
 * see ruring's differences. What both do is what is compared.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fixture.h"

#define LONG_MS	60000

/* The requests of one task, on a socket and a ring that outlive it. */
struct ended {
	struct ring *ring;
	struct pbuf pb;
	struct __kernel_timespec far;
	struct __kernel_timespec near;
	char buf[8];
	char path[64];
	int sv[2];
	unsigned int count;
	int ret;
};

static int ended_init(struct ended *e, struct ring *ring)
{
	int ret;

	memset(e, 0, sizeof(*e));
	e->ring = ring;
	e->far.tv_sec = 1000;
	ret = unix_pair(SOCK_STREAM, e->sv);
	if (!ret)
		ret = pbuf_init(&e->pb, ring, 0, 4, 64);
	if (!ret)
		pbuf_fill(&e->pb);
	return ret;
}

static void ended_exit(struct ended *e)
{
	pbuf_exit(&e->pb);
	close(e->sv[0]);
	close(e->sv[1]);
}

/* One of each kind: numbered from 1, all to end as cancelled. */
static void *submit_all(void *arg)
{
	struct ended *e = arg;
	struct ring *r = e->ring;
	struct io_uring_sqe *sqe;

	prep_recv(r, e->sv[0], e->buf, 1, 1);
	prep_recv_multi(r, e->sv[0], 0, 2);
	prep_poll(r, e->sv[0], POLLIN, 3);
	prep_poll_multi(r, e->sv[0], POLLPRI, 4);
	prep_recv(r, e->sv[0], e->buf, 1, 5)->flags = IOSQE_IO_LINK;
	prep_nop(r, 6);
	prep_recv(r, e->sv[0], e->buf, 1, 7)->flags = IOSQE_IO_LINK;
	sqe = prep(r, IORING_OP_LINK_TIMEOUT, -1, &e->far, 1, 8);
	(void)sqe;
	prep_recv(r, e->sv[0], e->buf, 1, 9)->flags = IOSQE_ASYNC;
	prep_nop(r, 10)->flags = IOSQE_IO_DRAIN;
	prep_nop(r, 11);
	e->count = 11;
	e->ret = ring_submit(r) == (int)e->count ? 0 : -EIO;
	return NULL;
}

/* Takes all completions that there are: each is a cancelled one of those, once. */
static int all_cancelled(struct ended *e)
{
	struct io_uring_cqe cqe;
	unsigned int seen = 0;

	while (ring_peek(e->ring, &cqe)) {
		if (cqe.res != -ECANCELED || cqe.flags || cqe.user_data < 1 ||
		    cqe.user_data > e->count || seen & 1U << cqe.user_data)
			return -EINVAL;
		seen |= 1U << cqe.user_data;
	}
	return seen == ((1U << e->count) - 1) << 1 ? 0 : -ENOENT;
}

/* Another thread waits for them. */
TEST_F(ring, thread_ends)
{
	struct ended e;
	pthread_t thread;

	if (variant->backend == IO_URING)
		SKIP(return, "ends them when they are next woken up");
	ASSERT_EQ(0, ended_init(&e, &self->ring));
	ASSERT_EQ(0, pthread_create(&thread, NULL, submit_all, &e));
	ASSERT_EQ(0, ring_wait_ms(&self->ring, 11, LONG_MS));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, e.ret);
	EXPECT_EQ(0, all_cancelled(&e));
	ASSERT_QUIET(&self->ring);
	ended_exit(&e);
}

/* What a thread leaves to the workers of its process. */
struct given {
	struct ring *ring;
	int fd;
	int ret;
};

#define WORKS	8
#define STEP	(8L << 20)

static void *submit_work(void *arg)
{
	struct given *w = arg;
	struct io_uring_sqe *sqe;
	cpu_set_t here;
	unsigned int i;

	/* Its worker has the processor once the thread has ended. */
	CPU_ZERO(&here);
	CPU_SET(0, &here);
	sched_setaffinity(0, sizeof(here), &here);
	for (i = 0; i < WORKS; i++) {
		sqe = prep(w->ring, IORING_OP_FALLOCATE, w->fd, (void *)STEP, 0, i);
		sqe->off = i * STEP;
	}
	w->ret = ring_submit(w->ring);
	return NULL;
}

/* A worker finishes what ends by itself, as the process goes on. */
TEST_F(ring, work_of_a_thread_that_ends_is_finished)
{
	struct given w = { .ring = &self->ring, .fd = new_file(false) };
	unsigned int i, seen, turn;
	struct io_uring_cqe cqe;
	pthread_t thread;

	ASSERT_LE(0, w.fd);
	for (turn = 0; turn < 4; turn++) {
		ASSERT_EQ(0, ftruncate(w.fd, 0));
		ASSERT_EQ(0, pthread_create(&thread, NULL, submit_work, &w));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(WORKS, w.ret);
		for (i = 0, seen = 0; i < WORKS; i++) {
			ASSERT_EQ(0, ring_wait_ms(&self->ring, 1, LONG_MS));
			ASSERT_TRUE(ring_peek(&self->ring, &cqe));
			EXPECT_EQ(0, cqe.res);
			seen |= 1U << cqe.user_data;
		}
		EXPECT_EQ((1U << WORKS) - 1, seen);
		EXPECT_EQ(WORKS * STEP, lseek(w.fd, 0, SEEK_END));
	}
	ASSERT_QUIET(&self->ring);
	close(w.fd);
}

/* Who polls the ring is told, and its eventfd. */
TEST_F(ring, watchers_are_told)
{
	struct epoll_event event = { .events = EPOLLIN };
	int efd = eventfd(0, 0), ep = epoll_create1(0);
	struct ended e;
	pthread_t thread;
	__u64 count = 0;

	if (variant->backend == IO_URING)
		SKIP(return, "ends them when they are next woken up");
	ASSERT_EQ(0, ended_init(&e, &self->ring));
	ASSERT_EQ(0, ring_register(&self->ring, IORING_REGISTER_EVENTFD, &efd, 1));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->ring.fd, &event));
	ASSERT_EQ(0, pthread_create(&thread, NULL, submit_all, &e));
	ASSERT_EQ(1, epoll_wait(ep, &event, 1, LONG_MS));
	ASSERT_EQ(8, read(efd, &count, sizeof(count)));
	EXPECT_LE(1, count);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, ring_wait_ms(&self->ring, 11, LONG_MS));
	EXPECT_EQ(0, all_cancelled(&e));
	ended_exit(&e);
	close(ep);
	close(efd);
}

/* The one task of a ring whose completions only that task posts. */
TEST(issuer_of_a_deferred_ring_ends)
{
	struct ring *ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pollfd p = { .events = POLLIN };
	struct ended e;
	pid_t pid;
	int status;

	ASSERT_EQ(0, ring_init(ring, RURING, 16, DEFER_FLAGS | IORING_SETUP_R_DISABLED));
	ASSERT_EQ(0, ended_init(&e, ring));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (ring_register(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0))
			_exit(1);
		submit_all(&e);
		_exit(e.ret != 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	p.fd = ring->fd;
	ASSERT_EQ(1, poll(&p, 1, 0));
	e.count = 11;
	EXPECT_EQ(0, all_cancelled(&e));
	ended_exit(&e);
	ring_exit(ring);
	munmap(ring, sizeof(*ring));
}

/* A process: when its parent knows of its end all is over. */
TEST_F(ring, process_is_killed)
{
	struct ended e;
	pid_t pid;
	int status;

	if (variant->backend == IO_URING)
		SKIP(return, "ends them when they are next woken up");
	ASSERT_EQ(0, ended_init(&e, &self->ring));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		submit_all(&e);
		if (!e.ret)
			raise(SIGKILL);
		_exit(1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	e.count = 11;
	EXPECT_EQ(0, all_cancelled(&e));
	ended_exit(&e);
}

/* What is in a ring whose user has gone does not end what others have there. */
TEST_F(ring, others_go_on)
{
	struct ended e;
	pid_t pid;
	int status;

	if (variant->backend == IO_URING)
		SKIP(return, "ends them when they are next woken up");
	ASSERT_EQ(0, ended_init(&e, &self->ring));
	prep_recv(&self->ring, e.sv[1], e.buf, 1, 12);
	ASSERT_EQ(1, ring_submit(&self->ring));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		prep_recv(&self->ring, e.sv[0], e.buf, 1, 1);
		_exit(ring_submit(&self->ring) != 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	e.count = 1;
	EXPECT_EQ(0, all_cancelled(&e));
	ASSERT_EQ(1, write(e.sv[0], "x", 1));
	ASSERT_CQE(&self->ring, 12, 1, 0);
	ended_exit(&e);
}

/* A program is replaced: when the new one runs the old one's requests are over. */
TEST_F(ring, program_is_replaced)
{
	int in[2], out[2];
	struct ended e;
	pid_t pid;
	char c;

	ASSERT_EQ(0, ended_init(&e, &self->ring));
	ASSERT_EQ(0, pipe2(in, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(out, O_CLOEXEC));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		submit_all(&e);
		fcntl(self->ring.fd, F_SETFD, 0);
		dup2(in[0], 0);
		dup2(out[1], 1);
		if (!e.ret)
			execlp("cat", "cat", NULL);
		_exit(1);
	}
	ASSERT_EQ(1, write(in[1], "x", 1));
	ASSERT_EQ(1, read(out[0], &c, 1));
	e.count = 11;
	EXPECT_EQ(0, all_cancelled(&e));
	close(in[1]);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	ended_exit(&e);
}

/* What a worker waits for, with nobody to ever come. */
static void *open_fifo(void *arg)
{
	struct ended *e = arg;
	struct io_uring_sqe *sqe;

	sqe = prep(e->ring, IORING_OP_OPENAT, AT_FDCWD, e->path, 0, 1);
	sqe->open_flags = O_RDONLY;
	sqe->flags = IOSQE_ASYNC;
	e->ret = ring_submit(e->ring) == 1 ? 0 : -EIO;
	return NULL;
}

/* Room for the name of a FIFO. */
#define FIFO_LEN 64

static int new_fifo(char *path)
{
	snprintf(path, FIFO_LEN, "/dev/shm/task_end.XXXXXX");
	if (!mkdtemp(path))
		return -errno;
	strcat(path, "/fifo");
	return mkfifo(path, 0600) ? -errno : 0;
}

static void remove_fifo(char *path)
{
	unlink(path);
	*strrchr(path, '/') = 0;
	rmdir(path);
}

TEST_F(ring, worker_is_interrupted)
{
	struct io_uring_cqe cqe = {};
	struct ended e;
	pthread_t thread;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 an open that is interrupted is to be restarted");
	ASSERT_EQ(0, ended_init(&e, &self->ring));
	ASSERT_EQ(0, new_fifo(e.path));
	ASSERT_EQ(0, pthread_create(&thread, NULL, open_fifo, &e));
	ASSERT_EQ(0, ring_wait_ms(&self->ring, 1, LONG_MS));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, e.ret);
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(1, cqe.user_data);
	EXPECT_TRUE(cqe.res == -EINTR || cqe.res == -ECANCELED) {
		TH_LOG("%d", cqe.res);
	}
	remove_fifo(e.path);
	ended_exit(&e);
}

/* The only worker is at another FIFO when the thread ends, and gets to the thread's afterwards. */
TEST_F(ring, worker_comes_when_the_thread_is_gone)
{
	struct ring *r = &self->ring;
	unsigned int i, most[2] = { 1, 1 };
	struct io_uring_cqe cqe = {};
	struct ended e;
	pthread_t thread;
	char path[FIFO_LEN];
	int writer;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 an open that is interrupted is to be restarted");
	ASSERT_EQ(0, ended_init(&e, r));
	ASSERT_EQ(0, new_fifo(e.path));
	ASSERT_EQ(0, new_fifo(path));
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_IOWQ_MAX_WORKERS, most, 2));
	prep(r, IORING_OP_OPENAT, AT_FDCWD, path, 0, 2)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, pthread_create(&thread, NULL, open_fifo, &e));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, e.ret);
	writer = open(path, O_WRONLY);
	ASSERT_LE(0, writer);
	ASSERT_EQ(0, ring_wait_ms(r, 2, LONG_MS));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		if (cqe.user_data == 2) {
			EXPECT_LE(0, cqe.res);
			close(cqe.res);
			continue;
		}
		EXPECT_EQ(1, cqe.user_data);
		EXPECT_TRUE(cqe.res == -EINTR || cqe.res == -ECANCELED) {
			TH_LOG("%d", cqe.res);
		}
	}
	close(writer);
	remove_fifo(path);
	remove_fifo(e.path);
	ended_exit(&e);
}

/* Workers are threads of a process that ends with its last other one. */
TEST_F(ring, workers_keep_no_process)
{
	struct ended e;
	pid_t pid;
	int status;

	ASSERT_EQ(0, ended_init(&e, &self->ring));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int fd = new_file(true);

		prep(&self->ring, IORING_OP_FSYNC, fd, NULL, 0, 1)->flags = IOSQE_ASYNC;
		if (ring_submit(&self->ring) != 1 || ring_wait(&self->ring, 1))
			_exit(1);
		syscall(__NR_exit, 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_CQE(&self->ring, 1, 0, 0);
	ended_exit(&e);
}

/* A timeout needs nothing of its task. */
TEST_F(ring, timeout_outlives_its_thread)
{
	struct ended e;
	pid_t pid;
	int status;

	ASSERT_EQ(0, ended_init(&e, &self->ring));
	e.near.tv_nsec = 1000000;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		prep(&self->ring, IORING_OP_TIMEOUT, -1, &e.near, 1, 1);
		_exit(ring_submit(&self->ring) != 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_EQ(0, ring_wait_ms(&self->ring, 1, LONG_MS));
	ASSERT_CQE(&self->ring, 1, -ETIME, 0);
	ended_exit(&e);
}

struct flood {
	struct ring *ring;
	struct __kernel_timespec soon;
	bool over;
};

/*
 * Those of all threads together are more than can be looked at until they expire the next time, and those of one thread are
 * not: it would be kept by its own.
 */
#define TIMEOUTS	64
#define THREADS		64

/* Arm timeouts that expire again and again, and end. */
static void *arm_and_end(void *arg)
{
	struct flood *f = arg;
	unsigned int i;

	for (i = 0; i < TIMEOUTS; i++)
		prep(f->ring, IORING_OP_TIMEOUT, -1, &f->soon, 1, 1)->timeout_flags =
			IORING_TIMEOUT_MULTISHOT;
	return (void *)(long)ring_submit(f->ring);
}

/* See to it that there is always room for their completions. */
static void *consume(void *arg)
{
	struct flood *f = arg;

	while (!__atomic_load_n(&f->over, __ATOMIC_RELAXED))
		ring_drain(f->ring);
	return NULL;
}

/* What goes on without its thread, for ever, is nothing that others have to do who come to the ring. */
TEST_F(ring, timeouts_without_their_thread_keep_nobody)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE,
		.cq_entries = 65536,
	};
	struct flood f = {};
	pthread_t thread, consumer;
	struct ring r;
	void *submitted;
	int i, j;

	if (variant->backend == IO_URING)
		SKIP(return, "others do not look after them there, and it takes long");
	ASSERT_EQ(0, ring_init_params(&r, variant->backend, TIMEOUTS, &params));
	f.ring = &r;
	/* the second time all is there */
	for (i = 0; i < 2; i++) {
		for (j = 0; j < TIMEOUTS; j++)
			prep_nop(&r, 2);
		f.soon.tv_nsec = now_ns(CLOCK_MONOTONIC);
		ASSERT_EQ(TIMEOUTS, ring_submit(&r));
		f.soon.tv_nsec = 16 * (now_ns(CLOCK_MONOTONIC) - f.soon.tv_nsec);
	}
	ASSERT_EQ(0, pthread_create(&consumer, NULL, consume, &f));
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, arm_and_end, &f));
		ASSERT_EQ(0, pthread_join(thread, &submitted));
		ASSERT_EQ(TIMEOUTS, (long)submitted);
	}
	__atomic_store_n(&f.over, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(consumer, NULL));
	ring_exit(&r);
}

TEST_HARNESS_MAIN
