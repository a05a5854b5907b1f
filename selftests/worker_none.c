// SPDX-License-Identifier: GPL-2.0
/*
 * Workers that cannot be made, and what becomes of what they were to do.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define RING_MODES
#include "fixture.h"
#include "worker.h"

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

/* A thread that will be able to submit as somebody else, also once its process is nobody's. Returns what went wrong. */
static long begin_to_submit(struct other_thread *other)
{
	return prctl(PR_SET_KEEPCAPS, 1) || write(other->ready, "r", 1) != 1;
}

/* Submits one entry, as somebody else than the thread is before and afterwards, when it is told to. Returns what went wrong. */
static long submit_as_another(struct other_thread *other, unsigned int round)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { .effective = 1 << CAP_SETUID, .permitted = 1 << CAP_SETUID } };
	long wrong = 0;
	char c;

	if (read(other->go, &c, 1) != 1)
		return 1;
	wrong += syscall(SYS_capset, &header, caps) != 0;
	syscall(SYS_setfsuid, 1);
	meet(&other->come, round);
	wrong += ring_enter(&other->own, 1, 0, 0) != 1;
	wrong += syscall(SYS_setfsuid, 65534) != 1;
	return wrong;
}

/* As submit_one_each_time(), as somebody else. */
static void *submit_as_somebody_else(void *arg)
{
	struct other_thread *other = arg;
	unsigned int round;
	long wrong = 0;
	char c;

	wrong += begin_to_submit(other);
	for (round = 1; round <= other->rounds; round++) {
		wrong += submit_as_another(other, round);
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

/* Two threads, of which one submits as somebody else, and does not look at what comes back until the other one has cancelled it. */
struct cancelled {
	struct other_thread other;
	struct slow slow;
	const char *dir;
	struct statx st;
};

static void *submit_and_bind(void *arg)
{
	struct cancelled *c = arg;
	struct other_thread *other = &c->other;
	struct ring *r = &other->own;
	int sink[2], fds[8], bound, i;
	struct sockaddr_un addr[8];
	struct io_uring_cqe cqe;
	unsigned int round;
	long wrong = 0;

	wrong += pipe(sink) || begin_to_submit(other);
	for (round = 1; round <= other->rounds; round++) {
		wrong += submit_as_another(other, round);
		/* in the kernel, where it does not look, until the other one fills the page */
		wrong += write(sink[1], c->slow.mem + (round - 1) * PAGE, 1) != 1;
		for (i = 0; i < 8; i++) {
			fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
			addr[i].sun_family = AF_UNIX;
			snprintf(addr[i].sun_path, sizeof(addr[i].sun_path), "%s/%u.%d", c->dir, round, i);
			prep(r, IORING_OP_BIND, fds[i], &addr[i], 0, 10)->off = sizeof(addr[i]);
		}
		wrong += ring_submit(r) != 8;
		/* those two that were submitted, and what cancelled them */
		for (i = 0, bound = 0; i < 12; i++)
			bound += !ring_take(r, &cqe) && cqe.user_data == 10 && !cqe.res;
		wrong += bound != 8;
		for (i = 0; i < 8; i++) {
			close(fds[i]);
			unlink(addr[i].sun_path);
		}
		wrong += write(other->ready, "r", 1) != 1;
	}
	return (void *)wrong;
}

/* Nor does what is cancelled on its way back leave its rights to what comes next. */
TEST_F(ring, rights_of_what_is_cancelled)
{
	struct cancelled c = { .other.rounds = 100 };
	struct ring *r = &c.other.own;
	char dir[] = "/tmp/ruring-XXXXXX", path[64];
	struct rlimit limit = { 1, 1 };
	unsigned int round;
	int go[2], ready[2];
	pthread_t thread;
	void *wrong;
	char byte;
	int i;

	/* io_uring's request waits for a thread */
	if (variant->backend == IO_URING || variant->flags)
		return;
	ASSERT_NE(NULL, mkdtemp(dir));
	ASSERT_EQ(0, chown(dir, 65534, 65534));
	snprintf(path, sizeof(path), "%s/.", dir);
	c.dir = dir;
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(ready));
	c.other.go = go[0];
	c.other.ready = ready[1];
	ASSERT_EQ(0, slow_init(&c.slow, c.other.rounds));
	ASSERT_EQ(0, init_for_one(r, variant->backend));
	ASSERT_EQ(0, pthread_create(&thread, NULL, submit_and_bind, &c));
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &limit));
	ASSERT_EQ(0, become_nobody());
	for (round = 1; round <= c.other.rounds; round++) {
		for (i = 1; i <= 2; i++)
			prep(r, IORING_OP_STATX, AT_FDCWD, path, STATX_SIZE, i)->off = (uintptr_t)&c.st;
		ring_publish(r);
		ASSERT_EQ(1, write(go[1], "g", 1));
		meet(&c.other.come, round);
		ASSERT_EQ(1, ring_enter(r, 1, 0, 0));
		/* task work has it need the page anew, so that who is told may be late */
		while ((i = slow_wait(&c.slow)) == -EAGAIN)
			;
		ASSERT_EQ((int)round - 1, i);
		for (i = 1; i <= 2; i++)
			prep_cancel(r, i, 0, 3);
		ASSERT_EQ(2, ring_submit(r));
		ASSERT_EQ(0, slow_fill(&c.slow, round - 1));
		ASSERT_EQ(1, read(ready[0], &byte, 1));
	}
	ASSERT_EQ(0, pthread_join(thread, &wrong));
	EXPECT_EQ(0, (long)wrong);
	ring_exit(r);
	slow_exit(&c.slow);
	rmdir(dir);
}

TEST_HARNESS_MAIN
