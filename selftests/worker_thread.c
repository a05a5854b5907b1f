// SPDX-License-Identifier: GPL-2.0
/*
 * Workers as threads of the process that they work for.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/time_types.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

#define RING_MODES
#include "fixture.h"
#include "worker.h"

/* How many threads of this process are workers of rings. */
static int workers(void)
{
	DIR *tasks = opendir("/proc/self/task");
	char path[64], name[32];
	struct dirent *entry;
	int fd, count = 0;

	while ((entry = readdir(tasks))) {
		snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm", entry->d_name);
		fd = open(path, O_RDONLY);
		memset(name, 0, sizeof(name));
		if (fd >= 0 && read(fd, name, sizeof(name) - 1) > 0)
			count += strstr(name, "-wrk") != NULL;
		close(fd);
	}
	closedir(tasks);
	return count;
}

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

/* A thread that is killed in the middle of a submission, and takes some time to end. */
struct submitter {
	struct slow slow;
	struct ring own;
	enum backend backend;
	unsigned int flags;
	int file, socket;
};

static void *submit_until_killed(void *arg)
{
	struct submitter *s = arg;
	int large;

	/* with directories of its own, or else no thread could be made during an exec; the ring stays with the program */
	if (ring_init(&s->own, s->backend, 8, s->flags) || fcntl(s->own.fd, F_SETFD, 0) ||
	    unshare(CLONE_FS | CLONE_FILES))
		_exit(100);
	/* it goes with this thread, for whose end the exec waits: meanwhile a worker can begin */
	large = memfd_create("large", 0);
	if (large < 0 || fallocate(large, 0, 0, 128 << 20))
		_exit(101);
	prep_rw(&s->own, true, s->file, s->slow.mem + PAGE, 1, 0, 1);
	/* its header is read while the one before is queued, and no worker is there yet */
	prep(&s->own, IORING_OP_SENDMSG, s->socket, s->slow.mem, 1, 2);
	ring_submit(&s->own);
	_exit(102);
}

/* Another thread executes a program: that has no thread of the old one. */
TEST_F(ring, not_when_another_program_takes_over)
{
	struct submitter s = { .backend = variant->backend, .flags = variant->flags };
	int sv[2], status;
	pthread_t thread;
	pid_t pid;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	s.socket = sv[0];
	s.file = new_file(false);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* the program keeps it, so that nobody fills the memory */
		if (slow_init(&s.slow, 2) || fcntl(s.slow.fd, F_SETFD, 0) ||
		    pthread_create(&thread, NULL, submit_until_killed, &s))
			_exit(103);
		/* a worker of io_uring's may be at the other page before */
		while (slow_wait(&s.slow) == 1)
			;
		execl("/bin/sh", "sh", "-c", "set -- /proc/$$/task/*; exit $#", NULL);
		_exit(104);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(1, WEXITSTATUS(status)) {
		TH_LOG("status 0x%x", status);
	}
	close(s.file);
	close(sv[0]);
	close(sv[1]);
}

/* Who may have no more threads does it himself. */
TEST_F(ring, no_more_threads)
{
	struct rlimit limit = { 1, 1 };
	int fd = new_file(false);
	char back[4] = "";

	/* io_uring's request waits for a thread */
	if (variant->backend == IO_URING)
		return;
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &limit));
	ASSERT_EQ(0, become_nobody());
	prep_rw(&self->ring, true, fd, "abc", 3, 0, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 3, 0);
	prep(&self->ring, IORING_OP_FSYNC, fd, NULL, 0, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 0, 0);
	EXPECT_EQ(3, pread(fd, back, 3, 0));
	EXPECT_STREQ("abc", back);
	EXPECT_EQ(0, workers());
}

/* Waits until both have come so often. */
static void meet(unsigned int *come, unsigned int round)
{
	__atomic_fetch_add(come, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(come, __ATOMIC_ACQUIRE) < 2 * round)
		;
}

/* A ring with one worker for each process. */
static int init_for_one(struct ring *r, enum backend backend)
{
	unsigned int limits[2] = { 1, 1 };

	return ring_init(r, backend, 8, 0) ?: ring_register(r, IORING_REGISTER_IOWQ_MAX_WORKERS, limits, 2);
}

/* Two entries for workers, which nobody submits yet. */
static void publish_two(struct ring *r, struct statx *st)
{
	int i;

	for (i = 1; i <= 2; i++)
		prep(r, IORING_OP_STATX, AT_FDCWD, "/", STATX_SIZE, i)->off = (uintptr_t)st;
	ring_publish(r);
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

/* A thread that submits one of the entries of a ring each time, as the other one does. */
struct other_thread {
	struct ring own;
	unsigned int come, rounds;
	int ready, go;
};

static void *submit_one_each_time(void *arg)
{
	struct other_thread *other = arg;
	unsigned int round;
	long wrong = 0;
	char c;

	for (round = 1; round <= other->rounds; round++) {
		if (read(other->go, &c, 1) != 1)
			return (void *)-1L;
		meet(&other->come, round);
		wrong += ring_enter(&other->own, 1, 0, 0) != 1;
	}
	/* it stays for its completions */
	wrong += read(other->go, &c, 1) != 0;
	return (void *)wrong;
}

/* Of two threads that may have no more threads neither waits for the worker that the other one could not make. */
TEST_F(ring, no_more_threads_for_two)
{
	struct other_thread other = { .rounds = 100 };
	struct rlimit limit = { 1, 1 };
	struct io_uring_cqe cqe;
	unsigned int round;
	pthread_t thread;
	struct statx st;
	int go[2], i;
	void *wrong;

	/* io_uring's request waits for a thread */
	if (variant->backend == IO_URING || variant->flags)
		return;
	ASSERT_EQ(0, pipe(go));
	other.go = go[0];
	ASSERT_EQ(0, init_for_one(&other.own, variant->backend));
	ASSERT_EQ(0, pthread_create(&thread, NULL, submit_one_each_time, &other));
	/* both threads are nobody's then */
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &limit));
	ASSERT_EQ(0, become_nobody());
	for (round = 1; round <= other.rounds; round++) {
		publish_two(&other.own, &st);
		ASSERT_EQ(1, write(go[1], "g", 1));
		meet(&other.come, round);
		ASSERT_EQ(1, ring_enter(&other.own, 1, 0, 0));
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, ring_take(&other.own, &cqe)) {
				TH_LOG("round %u", round);
			}
			EXPECT_EQ(0, cqe.res);
		}
	}
	EXPECT_EQ(0, workers());
	close(go[1]);
	ASSERT_EQ(0, pthread_join(thread, &wrong));
	EXPECT_EQ(0, (long)wrong);
	ring_exit(&other.own);
	close(go[0]);
}

/* As submit_one_each_time(), as somebody else than the thread is before and afterwards. */
static void *submit_as_somebody_else(void *arg)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { .effective = 1 << CAP_SETUID, .permitted = 1 << CAP_SETUID } };
	struct other_thread *other = arg;
	unsigned int round;
	long wrong = 0;
	char c;

	wrong += prctl(PR_SET_KEEPCAPS, 1) || write(other->ready, "r", 1) != 1;
	for (round = 1; round <= other->rounds; round++) {
		if (read(other->go, &c, 1) != 1)
			return (void *)-1L;
		if (round == 1)
			wrong += syscall(SYS_capset, &header, caps) != 0;
		syscall(SYS_setfsuid, 1);
		meet(&other->come, round);
		wrong += ring_enter(&other->own, 1, 0, 0) != 1;
		wrong += syscall(SYS_setfsuid, 65534) != 1;
	}
	/* it stays for its completions */
	wrong += read(other->go, &c, 1) != 0;
	return (void *)wrong;
}

/* What no worker does is done with the rights of who has submitted it, as they were then. */
TEST_F(ring, rights_without_a_worker)
{
	struct other_thread other = { .rounds = 100 };
	char dir[] = "/tmp/ruring-XXXXXX", path[64];
	struct rlimit limit = { 1, 1 };
	struct io_uring_cqe cqe;
	int go[2], ready[2], i;
	unsigned int round;
	pthread_t thread;
	struct statx st;
	void *wrong;
	char c;

	/* io_uring's request waits for a thread */
	if (variant->backend == IO_URING || variant->flags)
		return;
	ASSERT_NE(NULL, mkdtemp(dir));
	ASSERT_EQ(0, chown(dir, 65534, 65534));
	snprintf(path, sizeof(path), "%s/.", dir);
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(ready));
	other.go = go[0];
	other.ready = ready[1];
	ASSERT_EQ(0, init_for_one(&other.own, variant->backend));
	ASSERT_EQ(0, pthread_create(&thread, NULL, submit_as_somebody_else, &other));
	ASSERT_EQ(1, read(ready[0], &c, 1));
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &limit));
	ASSERT_EQ(0, become_nobody());
	for (round = 1; round <= other.rounds; round++) {
		int denied = 0, done = 0;

		for (i = 1; i <= 2; i++)
			prep(&other.own, IORING_OP_STATX, AT_FDCWD, path, STATX_SIZE, i)->off = (uintptr_t)&st;
		ring_publish(&other.own);
		ASSERT_EQ(1, write(go[1], "g", 1));
		meet(&other.come, round);
		ASSERT_EQ(1, ring_enter(&other.own, 1, 0, 0));
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, ring_take(&other.own, &cqe));
			denied += cqe.res == -EACCES;
			done += cqe.res == 0;
		}
		ASSERT_EQ(1, denied) {
			TH_LOG("round %u", round);
		}
		ASSERT_EQ(1, done);
	}
	close(go[1]);
	ASSERT_EQ(0, pthread_join(thread, &wrong));
	EXPECT_EQ(0, (long)wrong);
	ring_exit(&other.own);
	rmdir(dir);
}

TEST_HARNESS_MAIN
