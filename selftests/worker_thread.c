// SPDX-License-Identifier: GPL-2.0
/*
 * Workers as threads of the process that they work for.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/time_types.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
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

/* What other tasks do on their way to user space: of processor time that has run out the thread that uses it up is to tell. */
TEST_F(ring, time_that_runs_out_while_they_work)
{
	struct itimerval soon = { .it_value.tv_usec = 10000 };
	struct timespec used;
	sigset_t set, pending;
	int fd = new_file(false);
	char *mem = calloc(1, (1 << 20));
	int i;

	ASSERT_NE(NULL, mem);
	/* it is there */
	memset(mem, 1, (1 << 20));
	sigemptyset(&set);
	sigaddset(&set, SIGPROF);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_PROF, &soon, NULL));
	do {
		for (i = 0; i < 16; i++)
			prep_rw(&self->ring, true, fd, mem, (1 << 20), 0, 1);
		ASSERT_EQ(16, ring_submit(&self->ring));
		ASSERT_EQ(0, ring_wait(&self->ring, 16));
		for (i = 0; i < 16; i++)
			ASSERT_CQE(&self->ring, 1, (1 << 20), 0);
		ASSERT_EQ(0, clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used));
	} while (!used.tv_sec && used.tv_nsec < 200000000);
	ASSERT_EQ(0, sigpending(&pending));
	EXPECT_EQ(1, sigismember(&pending, SIGPROF));
	free(mem);
}

static int has_mode(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) ? -errno : (int)(st.st_mode & 0777);
}

struct own_directories {
	struct ring *ring;
	int dir;
};

/* Return 0, or what went wrong. */
static void *open_in_own_directory(void *arg)
{
	struct own_directories *own = arg;
	struct io_uring_cqe cqe;

	if (unshare(CLONE_FS) || fchdir(own->dir))
		return (void *)1;
	umask(0);
	prep_open(own->ring, "b", O_CREAT | O_RDWR, 2)->flags = IOSQE_ASYNC;
	if (ring_submit(own->ring) != 1 || ring_take(own->ring, &cqe) || cqe.res < 0)
		return (void *)2;
	return NULL;
}

/* Two threads of a process, each with a working directory and a umask of its own. */
TEST_F(ring, names_are_those_of_the_thread)
{
	char one[] = "/tmp/one.XXXXXX", two[] = "/tmp/two.XXXXXX";
	struct own_directories own = { .ring = &self->ring };
	struct io_uring_cqe cqe;
	pthread_t thread;
	void *failed;
	int dir;

	if (variant->flags & IORING_SETUP_SINGLE_ISSUER)
		SKIP(return, "one thread submits");
	ASSERT_NE(NULL, mkdtemp(one));
	ASSERT_NE(NULL, mkdtemp(two));
	ASSERT_EQ(0, chdir(one));
	umask(077);
	dir = open(one, O_PATH);
	own.dir = open(two, O_PATH);
	ASSERT_LE(0, dir);
	ASSERT_LE(0, own.dir);
	/* a worker that is there when the thread comes */
	prep_open(&self->ring, "a", O_CREAT | O_RDWR, 1)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	ASSERT_LE(0, cqe.res);
	ASSERT_EQ(0, pthread_create(&thread, NULL, open_in_own_directory, &own));
	ASSERT_EQ(0, pthread_join(thread, &failed));
	ASSERT_EQ(NULL, failed);
	EXPECT_EQ(0600, has_mode(dir, "a"));
	EXPECT_EQ(-ENOENT, has_mode(dir, "b"));
	EXPECT_EQ(0600, has_mode(own.dir, "b") & 0600);
	prep_open(&self->ring, "c", O_CREAT | O_RDWR, 3)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_take(&self->ring, &cqe));
	EXPECT_EQ(0600, has_mode(dir, "c"));
	EXPECT_EQ(-ENOENT, has_mode(own.dir, "c"));
}

/* A thread that gets directories of its own while it has a worker. */
TEST_F(ring, names_are_those_of_now)
{
	char one[] = "/tmp/one.XXXXXX", two[] = "/tmp/two.XXXXXX";
	struct io_uring_cqe cqe;
	int i;

	if (variant->backend == IO_URING)
		SKIP(return, "a worker of io_uring's keeps those that it began with");
	ASSERT_NE(NULL, mkdtemp(one));
	ASSERT_NE(NULL, mkdtemp(two));
	ASSERT_EQ(0, chdir(one));
	for (i = 0; i < 2; i++) {
		prep_open(&self->ring, i ? "b" : "a", O_CREAT | O_RDWR, 1)->flags = IOSQE_ASYNC;
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		ASSERT_LE(0, cqe.res);
		ASSERT_EQ(0, unshare(CLONE_FS));
		ASSERT_EQ(0, chdir(two));
	}
	EXPECT_LE(0, has_mode(AT_FDCWD, "b"));
	EXPECT_EQ(-ENOENT, has_mode(AT_FDCWD, "a"));
	EXPECT_EQ(2, workers());
}

/*
 * A terminal takes no bytes from a task that is asked to do task work. Here the task is asked while it does some: three polls end
 * by one event, with a write behind one of them, and behind the others what is left to task work. io_uring says -EINTR where it
 * has no worker write.
 */
TEST_F(ring, task_work_while_it_writes)
{
	unsigned int steps = variant->backend == IO_URING ? 1 : 3;
	struct rlimit limit = { .rlim_cur = 1, .rlim_max = 1 };
	int results[] = { POLLIN, 0, POLLIN, 1000, POLLIN, 0 };
	struct ring without, *r = &self->ring;
	struct io_uring_cqe cqe;
	char mem[1000] = {};
	unsigned int i, j;
	int master, fds[2];

	ASSERT_LE(0, open_terminal(&master));
	/* it is tried before a worker does it */
	ASSERT_EQ(0, fcntl(master, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, pipe(fds));
	for (i = 0; i < steps; i++) {
		if (i == 2) {
			/* nobody but the task can do it, and not at the first try */
			ASSERT_EQ(0, fcntl(master, F_SETFL, 0));
			ASSERT_EQ(0, ring_init(&without, variant->backend, 16, variant->flags));
			r = &without;
			ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &limit));
			ASSERT_EQ(0, become_nobody());
		}
		prep_poll(r, fds[0], POLLIN, 0)->flags = IOSQE_IO_LINK;
		prep_nop(r, 1)->flags = IOSQE_ASYNC;
		prep_poll(r, fds[0], POLLIN, 2)->flags = IOSQE_IO_LINK;
		prep_rw(r, true, master, mem, sizeof(mem), -1, 3)->flags = i ? 0 : IOSQE_ASYNC;
		prep_poll(r, fds[0], POLLIN, 4)->flags = IOSQE_IO_LINK;
		prep_nop(r, 5)->flags = IOSQE_ASYNC;
		ASSERT_EQ(6, ring_submit(r));
		ASSERT_EQ(1, write(fds[1], "a", 1));
		for (j = 0; j < 6; j++) {
			ASSERT_EQ(0, ring_take(r, &cqe));
			ASSERT_GT(6, cqe.user_data);
			EXPECT_EQ(results[cqe.user_data], cqe.res);
		}
		ASSERT_EQ(1, read(fds[0], mem, 1));
	}
}

TEST_HARNESS_MAIN
