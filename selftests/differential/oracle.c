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

/* How often io_uring has to say the same once more. */
#define REPEATS		8

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

/* What runs or cannot be interrupted: what keeps a processor from others is among them. */
static void show_running(void)
{
	fflush(stdout);
	if (system("ps -eLo pid,tid,stat,cls,time,wchan:32,comm | grep -E '^ *[0-9]+ +[0-9]+ [RD]' | sed 's/^/# /'"))
		printf("# and nobody says what runs\n");
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
			show_running();
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
	unsigned int i;

	if (!differs_once(p, d))
		return VERDICT_SAME;
	/*
	 * Only what is right can say that it is by chance: ruring has done what io_uring
	 * does not, and would not be right if it did something else the next time.
	 */
	for (i = 0; i < REPEATS; i++) {
		run_once(p, SIDE_IO_URING, spare);
		if (!compare(p, &traces[SIDE_IO_URING], spare, &other))
			continue;
		if (getenv("UNSTABLE"))
			printf("# not the same each time (SEED=%llu BRANCH=%llu): %s\n", p->seed,
			       p->branch, other.class);
		return VERDICT_UNSTABLE;
	}
	return VERDICT_DIFFERS;
}
