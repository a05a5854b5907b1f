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

#include "deliberate.h"
#include "oracle.h"
#include "run.h"

/* How often io_uring has to say the same once more. */
#define REPEATS		8

static struct trace *traces;
static struct trace *spare;
static unsigned int hang_seconds;
/* Processes that go on for ever, and take time from all others. */
static unsigned int nr_left;

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
			nr_left++;
			close(p.fd);
			return;
		}
	}
	close(p.fd);
	if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
		note_end(t, WTERMSIG(status));
}

bool is_slowed_down(void)
{
	return nr_left;
}

/* With another @chance its steps come at other times. */
static void run_once(const struct program *p, enum side side, struct trace *t, unsigned int chance)
{
	pid_t pid;

	fflush(stdout);
	t->nr = 0;
	pid = fork();
	if (!pid)
		run_program(p, t, side == SIDE_IO_URING ? IO_URING : RURING, hang_seconds, chance);
	wait_for(pid, t);
}

bool differs_once(const struct program *p, struct difference *d)
{
	run_once(p, SIDE_IO_URING, &traces[0], 0);
	run_once(p, SIDE_RURING, &traces[1], 0);
	return compare(p, &traces[0], &traces[1], d);
}

/*
 * Whether there may be a full TCP connection, where what a request can send depends on
 * the time that its acknowledgements take, which is longer on a busy machine.
 */
static bool may_fill_tcp(const struct program *p)
{
	bool has_tcp = false, is_long = false;
	unsigned int i;

	for (i = 0; i < MAX_OBJECTS; i++) {
		if (!(KIND(p->objects[i].kind) & (KIND(TCP) | KIND(TCP6) | KIND(TCP_LISTENER))))
			continue;
		has_tcp = true;
		is_long |= p->objects[i].flags & OBJECT_SMALL;
	}
	for (i = 0; i < p->nr_steps; i++)
		is_long |= p->steps[i].kind == STEP_PEER &&
			   (p->steps[i].op == PEER_FILL || p->steps[i].len > PAGE);
	for (i = 0; i < p->nr_requests; i++)
		is_long |= p->requests[i].sqe.len > PAGE || p->requests[i].structs.iov[0].iov_len > PAGE;
	return has_tcp && is_long;
}

/* Whether somebody waits while a timer is about to expire, be it the wait's own: which is first depends on who else runs. */
static bool may_wait_for_timer(const struct program *p)
{
	bool waits = false, expires = false;
	unsigned int i;

	for (i = 0; i < p->nr_steps; i++) {
		waits |= p->steps[i].kind == STEP_SUBMIT && p->steps[i].wait;
		expires |= p->steps[i].timed == TIMED_LEAST ||
			   (p->steps[i].timed == TIMED_REGION && p->steps[i].wait_arg.min_wait_usec);
	}
	for (i = 0; i < p->nr_requests; i++)
		expires |= (p->requests[i].sqe.opcode == IORING_OP_TIMEOUT ||
			    p->requests[i].sqe.opcode == IORING_OP_LINK_TIMEOUT) &&
			   is_soon(&p->requests[i]);
	for (i = 0; i < MAX_OBJECTS; i++)
		expires |= p->objects[i].kind == TIMERFD;
	return waits && expires;
}

/* Whether a terminal may be full, which has room as soon as a thread of the kernel's has moved what was written. */
static bool may_fill_terminal(const struct program *p)
{
	bool has_terminal = false, is_long = false;
	unsigned int i;

	for (i = 0; i < MAX_OBJECTS; i++)
		has_terminal |= p->objects[i].kind == PTY;
	for (i = 0; i < p->nr_requests; i++)
		is_long |= p->requests[i].sqe.len > PAGE || p->requests[i].structs.iov[0].iov_len > PAGE;
	return has_terminal && is_long;
}

bool depends_on_time(const struct program *p)
{
	return may_fill_tcp(p) || may_fill_terminal(p) || may_wait_for_timer(p);
}

/*
 * Whether ruring has done by chance what io_uring has not, where time decides: it does what
 * io_uring does at least every other time that it is asked again.
 */
static bool is_chance(const struct program *p)
{
	struct difference other;
	unsigned int i, alike = 0;

	if (!depends_on_time(p))
		return false;
	for (i = 0; i < REPEATS; i++) {
		run_once(p, SIDE_RURING, spare, i);
		alike += !compare(p, &traces[SIDE_IO_URING], spare, &other);
	}
	return 2 * alike >= REPEATS;
}

/* Whether the process of a program on io_uring could not be killed: that says nothing of ruring, and to ask again costs a processor. */
static bool goes_on_for_ever(const struct trace *t)
{
	unsigned int i;

	for (i = 0; i < t->nr && i < MAX_EVENTS; i++)
		if (t->events[i].kind == EVENT_HANG && t->events[i].res == -1)
			return true;
	return false;
}

enum verdict ask(const struct program *p, struct difference *d)
{
	struct difference other;
	unsigned int i;

	if (!differs_once(p, d))
		return VERDICT_SAME;
	if (goes_on_for_ever(&traces[SIDE_IO_URING]) && !goes_on_for_ever(&traces[SIDE_RURING]))
		return VERDICT_UNSTABLE;
	/* once is enough: it would not be shown either if io_uring said something else the next time */
	if (deliberate(p, d))
		return VERDICT_DELIBERATE;
	/*
	 * Only what is right can say that it is by chance: ruring has done what io_uring
	 * does not, and would not be right if it did something else the next time. Where time
	 * decides, as it does in io_uring, it is only right if it does not do so most of the time.
	 */
	for (i = 0; i < REPEATS; i++) {
		run_once(p, SIDE_IO_URING, spare, i);
		if (!compare(p, &traces[SIDE_IO_URING], spare, &other))
			continue;
		if (getenv("UNSTABLE"))
			printf("# not the same each time (SEED=%llu BRANCH=%llu): %s\n", p->seed,
			       p->branch, other.class);
		return VERDICT_UNSTABLE;
	}
	return is_chance(p) ? VERDICT_UNSTABLE : VERDICT_DIFFERS;
}
