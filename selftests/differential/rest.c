// SPDX-License-Identifier: GPL-2.0
/*
 * When nothing happens any more. Two runs of a program can only be compared if
 * what a step has caused is over before the next one. Nobody says so: but all
 * threads sleep, and nothing moves in the rings, however often that is looked
 * at. This process comes last on a processor that all share, so that whatever
 * can run has run when it does.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

/* How often everything has to be found still. */
#define STILL		3
/* How often a ring may have something to do again: io_uring tries 128 times what poll says is ready. */
#define AGAIN		200
/* How often so many calls are made in a row, if there was something to do. */
#define BURSTS		4
/* After how long io_uring has made a worker for who was signalled. */
#define SIGNAL_US	20000
/* Two names that each directory has, the thread that runs the program, and the one that looks. */
#define LINKS_ALONE	4
/* How many threads and processes there may be at a time, and be looked at without looking for them again. */
#define MAX_LOOKED_AT	32
/* How long that may take: longer than anything that a program starts, and not only because the machine is busy. */
#define REST_MS		1500
#define REST_TRIES	2048

/*
 * Who looks at other threads is one that has descriptors of its own: what a request opens
 * meanwhile is to get the same descriptor each time.
 */
static struct {
	sem_t asked, answered;
	/* the directory of this process's threads */
	int threads;
	int self;
	/* who asks, and about which thread or process; about all others of this process if that is 0 */
	int asker;
	int id;
	bool process;
	bool answer;
} looker;

/* The file of a thread or process, which is looked at often: it stays open. */
static int stat_of(int id, bool process)
{
	static struct {
		int id;
		int fd;
	} files[MAX_LOOKED_AT];
	static unsigned int nr;
	char name[64];
	unsigned int i;
	int fd;

	for (i = 0; i < nr && i < MAX_LOOKED_AT; i++)
		if (files[i].id == id)
			return files[i].fd;
	snprintf(name, sizeof(name), process ? "/proc/%d/stat" : "/proc/self/task/%d/stat", id);
	fd = open(name, O_RDONLY);
	/* where requests may have few descriptors this thread may not have more */
	if (fd < 0 && errno == EMFILE) {
		close_range(looker.threads + 1, ~0U, 0);
		nr = 0;
		fd = open(name, O_RDONLY);
	}
	if (fd < 0)
		return fd;
	/* in place of the one that was looked at first */
	i = nr++ % MAX_LOOKED_AT;
	if (nr > MAX_LOOKED_AT)
		close(files[i].fd);
	files[i].id = id;
	files[i].fd = fd;
	return fd;
}

static bool one_sleeps(int id, bool process)
{
	char buf[256], *state;
	ssize_t len = pread(stat_of(id, process), buf, sizeof(buf) - 1, 0);

	/* gone */
	if (len <= 0)
		return true;
	buf[len] = 0;
	state = strrchr(buf, ')');
	return !state || !state[1] || strchr("SZXTI", state[2]);
}

/* Of the threads of this process, those of the kernel that work for it among them. */
static bool all_others_sleep(void)
{
	struct linux_dirent64 {
		__u64 ino;
		__s64 off;
		unsigned short len;
		unsigned char type;
		char name[];
	} *entry;
	char buf[1024];
	long len, at;
	int id;

	lseek(looker.threads, 0, SEEK_SET);
	while ((len = syscall(SYS_getdents64, looker.threads, buf, sizeof(buf))) > 0) {
		for (at = 0; at < len; at += entry->len) {
			entry = (void *)(buf + at);
			id = atoi(entry->name);
			if (!id || id == looker.self || id == looker.asker)
				continue;
			if (!one_sleeps(id, false))
				return false;
		}
	}
	return true;
}

static void *look(void *none)
{
	close_range(0, ~0U, CLOSE_RANGE_UNSHARE);
	looker.self = gettid();
	looker.threads = open("/proc/self/task", O_RDONLY | O_DIRECTORY);
	for (;;) {
		sem_post(&looker.answered);
		while (sem_wait(&looker.asked))
			;
		looker.answer = looker.id ? one_sleeps(looker.id, looker.process) : all_others_sleep();
	}
	return none;
}

static void until_answered(void)
{
	while (sem_wait(&looker.answered))
		;
}

void begin_to_look(void)
{
	sigset_t all, before;
	pthread_t thread;
	int fd;

	sem_init(&looker.asked, 0, 0);
	sem_init(&looker.answered, 0, 0);
	/* signals are for others */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_create(&thread, NULL, look, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	until_answered();
	fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY);
	dup2(fd, TASKS_FD);
	close(fd);
}

/* Whether this process has no threads but the two that each has: what can be had without asking. */
static bool is_alone(void)
{
	struct stat st;

	return !fstat(TASKS_FD, &st) && st.st_nlink <= LINKS_ALONE;
}

bool is_asleep(int id, bool process)
{
	if (!id && is_alone())
		return true;
	looker.asker = gettid();
	looker.id = id;
	looker.process = process;
	sem_post(&looker.asked);
	until_answered();
	return looker.answer;
}

static bool watchers_sleep(struct run *run)
{
	unsigned int i;

	for (i = 0; i < run->nr_watchers; i++) {
		struct watcher *w = &run->watchers[i];

		if (w->process && !__atomic_load_n(&w->done, __ATOMIC_ACQUIRE) &&
		    !is_asleep(w->id, true))
			return false;
	}
	return true;
}

/* Whether the thread that submits has nothing to do; it is woken up if it is asleep and has. */
static bool sqpoll_sleeps(struct run *run)
{
	unsigned int i;

	for (i = 0; i < RINGS; i++) {
		struct ring *r = &run->rings[i];
		unsigned int flags;

		if (!run->has_ring[i] || !run->enabled[i] || !(r->params.flags & IORING_SETUP_SQPOLL))
			continue;
		flags = ring_flags(r);
		if (!(flags & IORING_SQ_NEED_WAKEUP)) {
			usleep(100);
			return false;
		}
		if (__atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE) == *r->sq_tail)
			continue;
		ring_enter(r, 0, 0, IORING_ENTER_SQ_WAKEUP);
		return false;
	}
	return true;
}

/* Changes with whatever happens. */
static __u64 signature(struct run *run)
{
	__u64 sum = __atomic_load_n(&signals_seen, __ATOMIC_RELAXED);
	unsigned int i;

	for (i = 0; i < RINGS; i++) {
		struct ring *r = &run->rings[i];

		if (run->has_ring[i])
			sum = sum * 31 + __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) +
			      ((__u64)__atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE) << 32) +
			      (ring_flags(r) & IORING_SQ_CQ_OVERFLOW);
	}
	for (i = 0; i < run->nr_watchers; i++)
		sum = sum * 31 + __atomic_load_n(&run->watchers[i].done, __ATOMIC_ACQUIRE);
	return sum * 31 + __atomic_load_n(&run->returned, __ATOMIC_ACQUIRE);
}

/* A timer that is set now expires after those that were set before, and are due. */
static void let_timers_expire(void)
{
	static const struct timespec soon = { .tv_nsec = 1 };

	nanosleep(&soon, NULL);
}

static bool has_completions(const struct ring *r)
{
	return __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) != *r->cq_head;
}

/* Whether what comes back to the task of ring @i waits until that asks for it. */
static bool waits_for_enter(const struct run *run, unsigned int i)
{
	return run->has_ring[i] && run->enabled[i] && run->rings[i].params.flags & IORING_SETUP_DEFER_TASKRUN;
}

/*
 * Whether there is something for the task of a ring to do that enter brings about, although it was
 * just there: its own threads may have sent it since, and what it does may take more than one call.
 */
static bool has_work(struct run *run)
{
	unsigned int i;

	for (i = 0; i < RINGS; i++) {
		struct ring *r = &run->rings[i];
		struct pollfd p = { .fd = r->fd, .events = POLLIN };

		if (!waits_for_enter(run, i))
			continue;
		if (!has_descriptor(run, i) ? ring_flags(r) & IORING_SQ_TASKRUN :
		    !has_completions(r) && poll(&p, 1, 0) == 1 && p.revents & POLLIN)
			return true;
	}
	return false;
}

/* Whether nobody can tell if there is, as there are completions. */
static bool may_have_work(const struct run *run, unsigned int i)
{
	return waits_for_enter(run, i) && has_descriptor(run, i) && has_completions(&run->rings[i]);
}

/* All calls that it could take, with nothing between them. Whether they did anything. */
static bool work_often(struct run *run)
{
	__u64 before = signature(run);
	unsigned int i, n;

	for (i = 0; i < RINGS; i++)
		for (n = 0; may_have_work(run, i) && n < AGAIN; n++)
			ring_enter(&run->rings[i], 0, 0, IORING_ENTER_GETEVENTS);
	return signature(run) != before;
}

void rest(struct run *run, bool enter)
{
	unsigned int still = 0, again = 0, bursts = 0, i, tries;
	bool signalled = false, asked = false, often = enter && run->tries_again;
	long long limit = 0;

	for (tries = 1; still < STILL; tries++) {
		__u64 before = signature(run);

		for (i = 0; enter && i < RINGS; i++)
			if (run->has_ring[i])
				ring_enter(&run->rings[i], 0, 0, IORING_ENTER_GETEVENTS);
		if (run->has_timers && still == STILL - 1)
			let_timers_expire();
		sched_yield();
		still = sqpoll_sleeps(run) && signature(run) == before ? still + 1 : 0;
		if (still == STILL && enter && again < AGAIN && has_work(run)) {
			still--;
			again++;
		}
		if (still == STILL && often && (may_have_work(run, 0) || may_have_work(run, 1))) {
			/* whatever else can run does so before the look */
			still = work_often(run) ? 0 : still - 1;
			often = !still && ++bursts < BURSTS;
		}
		/* a look at threads is dear, and so only the last one */
		if (still == STILL && !(is_asleep(0, false) && watchers_sleep(run)))
			still = 0;
		/* what a worker has left for the ring's task just before it went to sleep shows after one more call */
		if (!still)
			asked = false;
		if (still == STILL && enter && defers(run) && !asked) {
			still--;
			asked = true;
		}
		/* io_uring makes no worker for who has a signal, and tries again by a timer */
		if (still == STILL && !signalled && __atomic_load_n(&signals_seen, __ATOMIC_RELAXED)) {
			signalled = true;
			still = 0;
			usleep(SIGNAL_US);
		}
		if (tries % 64)
			continue;
		/* a look at the clock is dear */
		if (!limit)
			limit = now_ms() + REST_MS;
		if (now_ms() < limit || tries < REST_TRIES)
			continue;
		event(run, EVENT_RESTLESS, 0, 0, 0, 0, 0);
		return;
	}
}
