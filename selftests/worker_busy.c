// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of requests while a worker has them in hand.
 */
#include <linux/time_types.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#define RING_MODES
#include "fixture.h"
#include "worker.h"

/* A worker reads three bytes of a file, into memory that is not there yet. */
static int read_slowly(struct ring *ring, int fd, struct slow *s)
{
	if (write(fd, "abc", 3) != 3 || slow_init(s, 1))
		return -1;
	prep_rw(ring, false, fd, s->mem, 3, 0, 1);
	return ring_submit(ring) == 1 ? 0 : -1;
}

/* Nobody else waits for what a worker waits for. */
TEST_F(ring, the_submitter_goes_on)
{
	int fd = new_file(false), i;
	struct io_uring_sqe *sqe;
	struct slow s;

	ASSERT_EQ(3, write(fd, "abc", 3));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, slow_init(&s, 1));
		sqe = prep_rw(&self->ring, false, fd, s.mem, 3, 0, 1);
		/* this one ends with a worker because it cannot be tried without sleeping */
		if (i)
			sqe->flags = 0;
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_EQ(0, slow_wait(&s));
		ASSERT_QUIET(&self->ring);
		ASSERT_EQ(0, slow_fill(&s, 0));
		ASSERT_CQE(&self->ring, 1, 3, 0);
		EXPECT_STREQ("abc", s.mem);
		slow_exit(&s);
	}
}

TEST_F(ring, the_file_stays_open)
{
	int fd = new_file(false);
	struct slow s;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 the worker looks for the file");
	ASSERT_EQ(0, read_slowly(&self->ring, fd, &s));
	close(fd);
	ASSERT_EQ(0, slow_wait(&s));
	ASSERT_EQ(0, slow_fill(&s, 0));
	ASSERT_CQE(&self->ring, 1, 3, 0);
	EXPECT_STREQ("abc", s.mem);
}

TEST_F(ring, cancelled_while_it_works)
{
	int fd = new_file(false);
	struct slow s;

	ASSERT_EQ(0, read_slowly(&self->ring, fd, &s));
	ASSERT_EQ(0, slow_wait(&s));
	prep_cancel(&self->ring, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, -EALREADY, 0);
	prep_cancel(&self->ring, 1, IORING_ASYNC_CANCEL_ALL, 3);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 3, 0, 0);
	ASSERT_EQ(0, slow_fill(&s, 0));
	ASSERT_CQE(&self->ring, 1, 3, 0);
	EXPECT_STREQ("abc", s.mem);
	/* io_uring's worker may still have it in hands */
	if (variant->backend == IO_URING)
		return;
	prep_cancel(&self->ring, 1, 0, 4);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 4, -ENOENT, 0);
}

/* A time of the clock that tests may set, so many seconds from now. */
static struct __kernel_timespec seconds_from_now(unsigned int seconds)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct __kernel_timespec) { ts.tv_sec + seconds, ts.tv_nsec };
}

static int pass_seconds(int seconds)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += seconds;
	return clock_settime(CLOCK_REALTIME, &ts) ? -errno : 0;
}

static int sync_cancel(struct ring *r, __u64 target, long long sec, long long nsec)
{
	struct io_uring_sync_cancel_reg reg = {
		.addr = target,
		.timeout = { sec, nsec },
	};

	return ring_register(r, IORING_REGISTER_SYNC_CANCEL, &reg, 1);
}

struct filler {
	struct slow *slow;
	pid_t waiter;
};

/* The state of a thread of this process, as /proc has it. */
static bool is_asleep(void *arg)
{
	char path[64], line[512];
	FILE *f;
	char *p;
	bool asleep;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", *(pid_t *)arg);
	f = fopen(path, "r");
	if (!f)
		return false;
	p = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	asleep = p && p[2] == 'S';
	fclose(f);
	return asleep;
}

/* Fill the memory once the thread that waits is asleep. */
static void *filler_thread(void *arg)
{
	struct filler *f = arg;

	return (void *)(long)(!wait_until(is_asleep, &f->waiter) || slow_fill(f->slow, 0));
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST_F(ring, waited_for_by_a_cancel)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, never = {};
	struct filler filler = { .waiter = gettid() };
	int fd = new_file(false);
	pthread_t thread;
	struct slow s;
	void *failed;

	ASSERT_EQ(0, read_slowly(&self->ring, fd, &s));
	ASSERT_EQ(0, slow_wait(&s));
	/* it cannot be stopped, so that the time passes */
	EXPECT_EQ(-ETIME, sync_cancel(&self->ring, 1, 0, 0));
	EXPECT_EQ(-ETIME, sync_cancel(&self->ring, 1, 0, 2000000));
	EXPECT_EQ(-ETIME, sync_cancel(&self->ring, 1, -3, 0));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	EXPECT_EQ(-EINTR, sync_cancel(&self->ring, 1, -1, -1));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
	/* and then it comes to its end */
	filler.slow = &s;
	ASSERT_EQ(0, pthread_create(&thread, NULL, filler_thread, &filler));
	EXPECT_EQ(0, sync_cancel(&self->ring, 1, -1, -1));
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
	ASSERT_CQE(&self->ring, 1, 3, 0);
	EXPECT_STREQ("abc", s.mem);
	EXPECT_EQ(-ENOENT, sync_cancel(&self->ring, 1, -1, -1));
	slow_exit(&s);
	close(fd);
}

/* What a worker has from the beginning is not limited. */
TEST_F(ring, out_of_time_while_it_works)
{
	struct __kernel_timespec soon = seconds_from_now(1000);
	struct __kernel_timespec later = seconds_from_now(1001);
	int fd = new_file(false), i, res[4] = { 1, 1, 1, 1 };
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	struct slow s;

	ASSERT_EQ(3, write(fd, "abc", 3));
	ASSERT_EQ(0, slow_init(&s, 1));
	prep_rw(&self->ring, false, fd, s.mem, 3, 0, 1)->flags |= IOSQE_IO_LINK;
	sqe = prep(&self->ring, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 2);
	sqe->timeout_flags = IORING_TIMEOUT_REALTIME | IORING_TIMEOUT_ABS;
	/* its time begins when the worker is through, and there it may pass then */
	if (variant->backend == IO_URING)
		sqe->timeout_flags = 0;
	sqe = prep(&self->ring, IORING_OP_TIMEOUT, -1, &later, 1, 3);
	sqe->timeout_flags = IORING_TIMEOUT_REALTIME | IORING_TIMEOUT_ABS;
	ASSERT_EQ(3, ring_submit(&self->ring));
	/* the worker has begun: only now may time pass */
	ASSERT_EQ(0, slow_wait(&s));
	/* there is none yet that could be changed */
	sqe = prep(&self->ring, IORING_OP_TIMEOUT_REMOVE, -1, (void *)2L, 0, 0);
	sqe->off = (uintptr_t)&later;
	sqe->timeout_flags = IORING_TIMEOUT_UPDATE | IORING_LINK_TIMEOUT_UPDATE | IORING_TIMEOUT_ABS;
	ASSERT_RESULT(&self->ring, -ENOENT);
	ASSERT_EQ(0, pass_seconds(2000));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		res[cqe.user_data & 3] = cqe.res;
		/* both times have passed */
		if (cqe.user_data == 3)
			ASSERT_EQ(0, slow_fill(&s, 0));
	}
	EXPECT_EQ(0, pass_seconds(-2000));
	EXPECT_EQ(3, res[1]);
	EXPECT_EQ(-ECANCELED, res[2]);
	EXPECT_EQ(-ETIME, res[3]);
	EXPECT_STREQ("abc", s.mem);
}

/* There are four workers for each processor; the others wait for one. */
TEST_F(ring, cancelled_while_it_waits)
{
	unsigned int busy = 4 * sysconf(_SC_NPROCESSORS_ONLN), i;
	int fd = new_file(false), page;
	struct io_uring_cqe cqe;
	struct ring ring;
	struct slow s;

	ASSERT_EQ(0, ring_init(&ring, variant->backend, 2 * busy, variant->flags));
	ASSERT_EQ(3, write(fd, "abc", 3));
	ASSERT_EQ(0, slow_init(&s, busy + 1));
	for (i = 0; i < busy; i++)
		prep_rw(&ring, false, fd, s.mem + i * PAGE, 3, 0, i);
	ASSERT_EQ((int)busy, ring_submit(&ring));
	for (i = 0; i < busy; i++)
		ASSERT_LE(0, slow_wait(&s));
	prep_rw(&ring, false, fd, s.mem + busy * PAGE, 3, 0, busy);
	prep_rw(&ring, false, fd, s.mem + busy * PAGE, 3, 0, busy + 1);
	ASSERT_EQ(2, ring_submit(&ring));
	prep_cancel(&ring, busy, 0, 1000);
	ASSERT_EQ(1, ring_submit(&ring));
	ASSERT_EQ(0, ring_wait(&ring, 2));
	for (i = 0; i < 2; i++) {
		ring_peek(&ring, &cqe);
		EXPECT_EQ(cqe.user_data == 1000 ? 0 : -ECANCELED, cqe.res);
		EXPECT_TRUE(cqe.user_data == 1000 || cqe.user_data == busy);
	}
	for (i = 0; i < busy; i++)
		ASSERT_EQ(0, slow_fill(&s, i));
	/* the other one has had its turn now */
	page = slow_wait(&s);
	ASSERT_EQ((int)busy, page);
	ASSERT_EQ(0, slow_fill(&s, page));
	for (i = 0; i < busy + 1; i++) {
		ASSERT_EQ(0, ring_take(&ring, &cqe));
		EXPECT_EQ(3, cqe.res);
	}
	ring_exit(&ring);
}

/* A registered buffer stays for the worker, whatever becomes of its slot and its address. */
TEST_F(ring, the_buffer_stays)
{
	int fd = new_file(false);
	char *mem = anon_alloc(PAGE), back[10] = "";
	struct iovec iov = { mem, PAGE };
	struct io_uring_sqe *sqe;
	__u64 tag = 33;
	struct slow s;

	ASSERT_NE(NULL, mem);
	memcpy(mem + 100, "abcdefghi", 10);
	ASSERT_EQ(0, buffers_register_tagged(&self->ring, &iov, &tag, 1));
	ASSERT_EQ(0, slow_init(&s, 1));
	/* it has to wait for this one, as they write to the same file */
	prep_rw(&self->ring, true, fd, s.mem, 5, 0, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, slow_wait(&s));
	prep(&self->ring, IORING_OP_WRITE_FIXED, fd, mem + 100, 10, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(1, buffer_update(&self->ring, 0, NULL, 0));
	ASSERT_EQ(0, munmap(mem, PAGE));
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(0, slow_fill(&s, 0));
	ASSERT_CQE(&self->ring, 1, 5, 0);
	ASSERT_CQE(&self->ring, 2, 10, 0);
	ASSERT_CQE(&self->ring, 33, 0, 0);
	EXPECT_TRUE(wait_pinned(0));
	ASSERT_EQ(10, pread(fd, back, 10, 0));
	EXPECT_STREQ("abcdefghi", back);

	/* there is none any more, for a worker that has it from the beginning either */
	sqe = prep(&self->ring, IORING_OP_WRITE_FIXED, fd, mem + 100, 10, 3);
	sqe->flags = IOSQE_ASYNC;
	ASSERT_RESULT(&self->ring, -EFAULT);
	slow_exit(&s);
	close(fd);
}

TEST_F(ring, closed_while_it_works)
{
	int fd = new_file(false);
	struct ring ring;
	struct slow s;

	ASSERT_EQ(0, ring_init(&ring, variant->backend, 4, variant->flags));
	ASSERT_EQ(3, write(fd, "abc", 3));
	ASSERT_EQ(0, slow_init(&s, 2));
	prep_rw(&ring, false, fd, s.mem, 3, 0, 1);
	prep_rw(&ring, false, fd, s.mem + PAGE, 3, 0, 1);
	ASSERT_EQ(2, ring_submit(&ring));
	ASSERT_LE(0, slow_wait(&s));
	ring_exit(&ring);
	slow_fill(&s, 0);
	slow_fill(&s, 1);
	slow_exit(&s);
}

TEST_F(ring, killed_while_it_works)
{
	int ready[2], status, i;
	struct ring ring;
	struct slow s;
	pid_t pid;
	char byte;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pipe(ready));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			int fd = new_file(false);

			if (ring_init(&ring, variant->backend, 4, variant->flags) ||
			    write(fd, "abc", 3) != 3 || slow_init(&s, 2))
				_exit(1);
			prep_rw(&ring, false, fd, s.mem, 3, 0, 1);
			prep_rw(&ring, true, fd, s.mem + PAGE, 3, 0, 1);
			prep_rw(&ring, true, fd, s.mem + PAGE, 3, 0, 1);
			if (ring_submit(&ring) != 3 || slow_wait(&s) < 0)
				_exit(2);
			if (i == 2)
				_exit(0);
			if (write(ready[1], "", 1) != 1)
				_exit(3);
			pause();
		}
		close(ready[1]);
		if (i < 2) {
			ASSERT_EQ(1, read(ready[0], &byte, 1));
			ASSERT_EQ(0, kill(pid, i ? SIGKILL : SIGTERM));
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(i == 2 ? 0 : i ? SIGKILL : SIGTERM,
			  i == 2 ? status : WTERMSIG(status));
		close(ready[0]);
	}
}

TEST_HARNESS_MAIN
