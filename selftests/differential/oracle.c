// SPDX-License-Identifier: GPL-2.0
/*
 * Runs programs, each in a process of its own, on one side and on the other.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle.h"
#include "run.h"

/* How often a side has to say the same. */
#define REPEATS		3

static struct trace *traces;
static struct trace *spare;
static unsigned int hang_seconds;

int oracle_init(unsigned int seconds)
{
	hang_seconds = seconds;
	traces = mmap(NULL, 3 * sizeof(*traces), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	spare = traces + 2;
	return traces == MAP_FAILED ? -errno : 0;
}

const struct trace *last_trace(enum side side)
{
	return &traces[side];
}

static void note_end(struct trace *t, int status)
{
	if (t->nr >= MAX_EVENTS)
		t->nr = MAX_EVENTS - 1;
	t->events[t->nr++] = (struct event) {
		.step = t->step, .kind = EVENT_HANG, .res = status,
	};
}

/* Until the process of @pid is gone: killed if it does not go by itself. */
static void wait_for(pid_t pid, struct trace *t)
{
	struct pollfd p = { .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int status = 0;

	if (p.fd >= 0 && poll(&p, 1, (hang_seconds + 5) * 1000) == 0) {
		kill(pid, SIGKILL);
		if (poll(&p, 1, hang_seconds * 1000) == 0) {
			printf("# process %d cannot be killed\n", pid);
			note_end(t, -1);
			close(p.fd);
			return;
		}
	}
	close(p.fd);
	if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
		note_end(t, WTERMSIG(status));
}

static void run_once(const struct program *p, enum side side, struct trace *t)
{
	pid_t pid;

	fflush(stdout);
	t->nr = 0;
	pid = fork();
	if (!pid)
		run_program(p, t, side == SIDE_IO_URING ? IO_URING : RURING, hang_seconds);
	wait_for(pid, t);
}

bool differs_once(const struct program *p, struct difference *d)
{
	run_once(p, SIDE_IO_URING, &traces[0]);
	run_once(p, SIDE_RURING, &traces[1]);
	return compare(p, &traces[0], &traces[1], d);
}

enum verdict ask(const struct program *p, struct difference *d)
{
	struct difference other;
	unsigned int i, side;

	if (!differs_once(p, d))
		return VERDICT_SAME;
	for (i = 0; i < REPEATS; i++) {
		for (side = 0; side < 2; side++) {
			run_once(p, side, spare);
			if (!compare(p, &traces[side], spare, &other))
				continue;
			if (getenv("UNSTABLE"))
				printf("# not the same each time (SEED=%llu BRANCH=%llu), %s: %s\n", p->seed,
				       p->branch, side_names[side], other.class);
			return VERDICT_UNSTABLE;
		}
	}
	return VERDICT_DIFFERS;
}
