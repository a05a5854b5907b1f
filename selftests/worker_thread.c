// SPDX-License-Identifier: GPL-2.0
/*
 * Workers as threads of the process that they work for.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/time_types.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#define RING_MODES
#include "fixture.h"
#include "worker.h"

static bool no_workers(void *arg)
{
	(void)arg;
	(void)arg;
	return !workers();
}

static struct io_uring_sqe *prep_open(struct ring *r, const char *name, int flags,
				      __u64 user_data)
{
	struct io_uring_sqe *sqe;

	sqe = prep(r, IORING_OP_OPENAT, AT_FDCWD, name, 0600, user_data);
	sqe->open_flags = flags;
	return sqe;
}

/* A terminal that takes what is written to it as it is, until it is full. */
static int open_terminal(int *master)
{
	struct termios raw;
	int fd;

	*master = posix_openpt(O_RDWR | O_NOCTTY);
	if (*master < 0 || grantpt(*master) || unlockpt(*master))
		return -errno;
	fd = open(ptsname(*master), O_RDWR | O_NOCTTY);
	if (fd < 0 || tcgetattr(fd, &raw))
		return -errno;
	cfmakeraw(&raw);
	return tcsetattr(fd, TCSANOW, &raw) ? -errno : fd;
}

static int wait_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, DEADLINE_MS) == 1 ? 0 : -ETIME;
}

/*
 * A terminal that is ready, but not for all that the read waits for, as if another reader had been faster. io_uring sleeps
 * in io_uring_enter() then, as long as the terminal says: a read of one byte would be all that is left when it returns.
 */
TEST_F(ring, keeps_nobody_in_enter)
{
	struct termios wait;
	int master, fd;
	char mem[2];

	if (variant->backend == IO_URING)
		SKIP(return, "io_uring sleeps in io_uring_enter()");
	fd = open_terminal(&master);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, tcgetattr(fd, &wait));
	wait.c_cc[VMIN] = 2;
	wait.c_cc[VTIME] = 255;
	ASSERT_EQ(0, tcsetattr(fd, TCSANOW, &wait));
	ASSERT_EQ(1, write(master, "a", 1));
	ASSERT_EQ(0, wait_readable(fd));
	prep_rw(&self->ring, false, fd, mem, 2, -1, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	EXPECT_EQ(0, ring_ready(&self->ring));
	ASSERT_EQ(1, write(master, "b", 1));
	ASSERT_CQE(&self->ring, 1, 2, 0);
	EXPECT_EQ(0, memcmp(mem, "ab", 2));
}

TEST_F(ring, of_the_process)
{
	int fd = new_file(false);
	struct slow s;

	ASSERT_EQ(0, workers());
	ASSERT_EQ(3, write(fd, "abc", 3));
	ASSERT_EQ(0, slow_init(&s, 1));
	prep_rw(&self->ring, false, fd, s.mem, 3, 0, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, slow_wait(&s));
	EXPECT_EQ(1, workers());
	ASSERT_EQ(0, slow_fill(&s, 0));
	ASSERT_CQE(&self->ring, 1, 3, 0);
	ring_exit(&self->ring);
	EXPECT_TRUE(wait_until(no_workers, NULL));
	ASSERT_EQ(0, ring_init(&self->ring, variant->backend, 16, variant->flags));
}

/* Each of them waits for the other one. */
TEST_F(ring, both_ends_of_a_fifo)
{
	struct io_uring_cqe cqe;
	char name[] = "/tmp/fifo.XXXXXX";
	int i, fds[3] = {};
	char c = 0;

	ASSERT_NE(NULL, mkdtemp(name));
	ASSERT_EQ(0, chdir(name));
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	prep_open(&self->ring, "fifo", O_CREAT | O_RDONLY, 1);
	prep_open(&self->ring, "fifo", O_CREAT | O_WRONLY, 2);
	ASSERT_EQ(2, ring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		ASSERT_LE(0, cqe.res);
		fds[cqe.user_data] = cqe.res;
	}
	EXPECT_EQ(1, write(fds[2], "x", 1));
	EXPECT_EQ(1, read(fds[1], &c, 1));
	EXPECT_EQ('x', c);
	unlink("fifo");
	rmdir(name);
}

/* Who waits for a terminal is interrupted, and says what it has written. */
TEST_F(ring, cancelled_while_it_writes)
{
	static char data[1 << 16];
	struct io_uring_cqe cqe;
	int master, fd = open_terminal(&master);
	int i, res[4] = {};

	ASSERT_LE(0, fd);
	prep_rw(&self->ring, true, fd, data, sizeof(data), -1, 1);
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	ASSERT_EQ(0, wait_readable(master));
	ASSERT_EQ(0, ring_ready(&self->ring));
	prep_cancel(&self->ring, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		res[cqe.user_data] = cqe.res;
	}
	/* io_uring's pool tells a worker by a signal that it shall start another, which may end the write before. */
	if (variant->backend != IO_URING || res[2] != -ENOENT)
		EXPECT_EQ(-EALREADY, res[2]);
	EXPECT_LT(0, res[1]);
	EXPECT_GT((int)sizeof(data), res[1]);
}

/* What cannot be done to a terminal says so, also while a worker waits for that terminal. */
TEST_F(ring, what_else_is_asked_of_a_terminal)
{
	static char data[1 << 16];
	int master, fd = open_terminal(&master);
	struct io_uring_cqe cqe;

	ASSERT_LE(0, fd);
	prep_rw(&self->ring, true, fd, data, sizeof(data), -1, 1);
	ASSERT_EQ(1, ring_submit_and_run(&self->ring));
	ASSERT_EQ(0, wait_readable(master));
	prep(&self->ring, IORING_OP_FTRUNCATE, fd, NULL, 0, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, -EINVAL, 0);
	/* which ends the write */
	close(master);
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(1, cqe.user_data);
	close(fd);
}

/* It cannot be stopped in time, but is interrupted. */
TEST_F(ring, its_time_is_over_while_it_writes)
{
	static char data[1 << 16];
	struct __kernel_timespec soon = { .tv_nsec = 200000000 };
	struct io_uring_cqe cqe;
	int master, fd = open_terminal(&master);
	int i, res[4] = {};

	/* in io_uring its time begins when the worker is through */
	if (variant->backend == IO_URING)
		return;
	ASSERT_LE(0, fd);
	prep_rw(&self->ring, true, fd, data, sizeof(data), -1, 1)->flags |= IOSQE_IO_LINK;
	prep(&self->ring, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 2)->flags |= IOSQE_IO_LINK;
	prep_nop(&self->ring, 3);
	ASSERT_EQ(3, ring_submit(&self->ring));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		res[cqe.user_data] = cqe.res;
	}
	EXPECT_LT(0, res[1]);
	EXPECT_GT((int)sizeof(data), res[1]);
	EXPECT_EQ(-EALREADY, res[2]);
	EXPECT_EQ(-ECANCELED, res[3]);
}

/* Others use the ring meanwhile, and end. */
TEST_F(ring, nobody_else_waits)
{
	static char data[1 << 16];
	int status, master, fd = open_terminal(&master);
	pid_t pid;

	if (variant->flags)
		return;
	ASSERT_LE(0, fd);
	prep_rw(&self->ring, true, fd, data, sizeof(data), -1, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, wait_readable(master));
	pid = fork();
	if (!pid) {
		prep_nop(&self->ring, 2);
		_exit(ring_submit(&self->ring) != 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_CQE(&self->ring, 2, 0, 0);
}

/* It dies although its worker would wait for ever. */
TEST_F(ring, killed)
{
	static char data[1 << 16];
	int status, master, fd = open_terminal(&master);
	pid_t pid;

	ASSERT_LE(0, fd);
	pid = fork();
	if (!pid) {
		struct ring own;

		if (ring_init(&own, variant->backend, 8, variant->flags))
			_exit(1);
		prep_rw(&own, true, fd, data, sizeof(data), -1, 1);
		if (ring_submit_and_run(&own) != 1)
			_exit(1);
		pause();
	}
	ASSERT_EQ(0, wait_readable(master));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

/* A worker that is just being made for another process does nothing of this one's. */
TEST_F(ring, of_two_processes_at_once)
{
	unsigned int *come, round;
	struct io_uring_cqe cqe;
	int go[2], status, i;
	struct statx st;
	struct ring own;
	pid_t pid;
	char c;

	if (variant->flags)
		SKIP(return, "such a ring is for one task");
	come = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)come);
	for (round = 1; round <= 100; round++) {
		ASSERT_EQ(0, pipe(go));
		/* a new one, which has no workers yet */
		ASSERT_EQ(0, init_for_one(&own, variant->backend));
		publish_two(&own, &st);
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			close(go[1]);
			meet(come, round);
			/* it stays for its completion */
			_exit(ring_enter(&own, 1, 0, 0) != 1 || read(go[0], &c, 1) != 0);
		}
		meet(come, round);
		ASSERT_EQ(1, ring_enter(&own, 1, 0, 0));
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, ring_take(&own, &cqe)) {
				TH_LOG("round %u", round);
			}
			EXPECT_EQ(0, cqe.res);
		}
		close(go[1]);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
		close(go[0]);
		ring_exit(&own);
	}
	munmap(come, PAGE);
}

/* Another process that shares a ring, which has all it asked for, or whose worker sleeps, be it for the file. */
struct sharer {
	struct ring *ring;
	pid_t pid;
};

static bool is_done_or_sleeps(void *arg)
{
	struct sharer *sharer = arg;
	char path[64];
	struct dirent *entry;
	bool sleeps = false;
	pid_t tid;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", sharer->pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		tid = atoi(entry->d_name);
		if (tid && tid != sharer->pid)
			sleeps |= strchr("SD", task_state(tid)) != NULL;
	}
	if (tasks)
		closedir(tasks);
	return sleeps || ring_ready(sharer->ring);
}

/* What two processes write to one file is written, whoever is first. */
TEST_F(ring, two_processes_write_to_one_file)
{
	struct sharer sharer = { .ring = &self->ring };
	int fd, go[2], status, i;
	struct io_uring_cqe cqe;
	struct slow slow;
	char c = 'b';

	if (variant->flags)
		SKIP(return, "such a ring is for one task");
	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 the worker looks for the file");
	fd = new_file(false);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, slow_init(&slow, 1));
	prep_rw(&self->ring, true, fd, slow.mem, 1, 0, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, slow_wait(&slow));
	sharer.pid = fork();
	ASSERT_LE(0, sharer.pid);
	if (!sharer.pid) {
		close(go[1]);
		prep_rw(&self->ring, true, fd, &c, 1, 1, 2);
		/* it stays for its completion */
		_exit(ring_submit(&self->ring) != 1 || read(go[0], &c, 1) != 0);
	}
	ASSERT_TRUE(wait_until(is_done_or_sleeps, &sharer));
	ASSERT_EQ(0, slow_fill(&slow, 0));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		EXPECT_EQ(1, cqe.res);
	}
	close(go[1]);
	ASSERT_EQ(sharer.pid, waitpid(sharer.pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(2, lseek(fd, 0, SEEK_END));
	close(go[0]);
	close(fd);
	slow_exit(&slow);
}

TEST_HARNESS_MAIN
