// SPDX-License-Identifier: GPL-2.0
/*
 * iou_program: under "ruring-run --detach", which lets go of it.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <linux/ptrace.h>

#include "iou_program.h"

static unsigned long status_of(const char *task, const char *key)
{
	char path[64], line[128];
	unsigned long value = ~0UL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
	file = fopen(path, "r");
	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, key, strlen(key)))
			value = strtoul(line + strlen(key), NULL, 10);
	}
	fclose(file);
	CHECK(value != ~0UL);
	return value;
}

/* Call from two places until nothing traces this task any more. */
static void until_detached(int fd, pid_t tid)
{
	char task[16];
	int i;

	snprintf(task, sizeof(task), "%d", tid);
	do {
		for (i = 0; i < 25; i++)
			CHECK(enter(fd, 0, 0, 0) == 0 && enter_inline(fd, 0) == 0);
	} while (status_of(task, "TracerPid:"));
}

/* As strace does: which call does the process make? */
static void look_from_outside(pid_t pid, unsigned long nr)
{
	struct __ptrace_syscall_info info = { };
	int status;

	CHECK(!ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	CHECK(!ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD));
	do {
		CHECK(!ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
		CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
		CHECK(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0);
	} while (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != nr);
	CHECK(!ptrace(PTRACE_DETACH, pid, NULL, NULL));
}

static void attachable(int fd)
{
	pid_t parent = getpid(), pid;
	int status;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	pid = fork();
	if (!pid) {
		look_from_outside(parent, __NR_ioctl);
		_exit(0);
	}
	while (!waitpid(pid, &status, WNOHANG))
		CHECK(enter(fd, 0, 0, 0) == 0 && enter_inline(fd, 0) == 0);
	CHECK(!status);
}

/* It is served as before, where it called from before. */
static void served(int fd)
{
	pid_t pid;
	int status;

	CHECK(enter(fd, 0, 0, 0) == 0 && enter_inline(fd, 0) == 0);
	CHECK(wait_in_vain(fd, 1) == -1 && errno == ETIME);
	CHECK(enter(fd, 0, 0, 1U << 31) == -1 && errno == EINVAL);
	CHECK(enter(999, 0, 0, 0) == -1 && errno == EBADF);
	CHECK(enter_inline(fd, 1U << 31) == -EINVAL);
	CHECK(enter_inline(999, 0) == -EBADF);
	CHECK(syscall(__NR_getpid) == getpid());
	pid = fork();
	if (!pid)
		_exit(enter(fd, 0, 0, 0) || enter_inline(fd, 0));
	CHECK(waitpid(pid, &status, 0) == pid && !status);
}

/* Any other call gets io_uring's own answer. */
static void not_served(bool denied)
{
	struct io_uring_params params = { };
	char path[64], link[64] = "";
	int fd = syscall(__NR_io_uring_setup, 4, &params);

	if (denied) {
		CHECK(fd == -1 && errno == EPERM);
		CHECK(enter_inline(0, 0) == -EPERM);
		return;
	}
	CHECK(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, link, sizeof(link) - 1) > 0);
	CHECK(!strcmp(link, "anon_inode:[io_uring]"));
	CHECK(enter(fd, 0, 0, 0) == 0 && enter_inline(fd, 0) == 0);
	CHECK(enter_inline(0, 0) == -EOPNOTSUPP);
}

void detaches(void)
{
	bool denied = status_of("..", "Seccomp:") == 2;
	int fd = make_ring(0);

	CHECK(fd >= 0);
	nop();
	until_detached(fd, gettid());
	CHECK(status_of("..", "Seccomp:") == (denied ? 2 : 0));
	attachable(fd);
	served(fd);
	not_served(denied);
}

#define NR_SLEEPERS	3

struct sleeper {
	pthread_t id;
	pid_t tid;
	int ring;
	int pipe[2];
};

/* Neither call sees that its thread is interrupted. */
static void *sleep_until_told(void *arg)
{
	struct sleeper *sleeper = arg;
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	CHECK(!epoll_ctl(epoll, EPOLL_CTL_ADD, sleeper->pipe[0], &event));
	__atomic_store_n(&sleeper->tid, gettid(), __ATOMIC_RELEASE);
	if (sleeper->ring < 0)
		CHECK(epoll_wait(epoll, &event, 1, -1) == 1);
	else
		CHECK(wait_in_vain(sleeper->ring, 500) == -1 && errno == ETIME);
	close(epoll);
	return NULL;
}

void detaches_threads(void)
{
	struct sleeper sleepers[NR_SLEEPERS] = { };
	int fd = make_ring(0), i;

	for (i = 0; i < NR_SLEEPERS; i++) {
		sleepers[i].ring = i ? -1 : make_ring(0);
		CHECK(!pipe(sleepers[i].pipe));
		CHECK(!pthread_create(&sleepers[i].id, NULL, sleep_until_told,
				      &sleepers[i]));
		while (!__atomic_load_n(&sleepers[i].tid, __ATOMIC_ACQUIRE))
			sched_yield();
	}
	until_detached(fd, gettid());
	for (i = 0; i < NR_SLEEPERS; i++) {
		if (sleepers[i].ring < 0)
			until_detached(fd, sleepers[i].tid);
		CHECK(write(sleepers[i].pipe[1], "", 1) == 1);
		CHECK(!pthread_join(sleepers[i].id, NULL));
	}
	served(fd);
}
