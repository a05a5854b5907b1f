// SPDX-License-Identifier: GPL-2.0
/*
 * Who has submitted something does not run any more, nor do his workers: he is stopped, frozen, traced, or waits for
 * a child that has his memory and goes on with his ring (attack_held.h).
 */
#include <linux/ruring.h>
#include <sys/ptrace.h>

#include "attack_held.h"

enum { STOPPED, FROZEN, TRACED, VFORKED };

FIXTURE_VARIANT_ADD(attack, ruring_stopped) { .backend = RURING, .kind = STOPPED };
FIXTURE_VARIANT_ADD(attack, io_uring_stopped) { .backend = IO_URING, .kind = STOPPED };
FIXTURE_VARIANT_ADD(attack, ruring_frozen) { .backend = RURING, .kind = FROZEN };
FIXTURE_VARIANT_ADD(attack, io_uring_frozen) { .backend = IO_URING, .kind = FROZEN };
FIXTURE_VARIANT_ADD(attack, ruring_traced) { .backend = RURING, .kind = TRACED };
FIXTURE_VARIANT_ADD(attack, io_uring_traced) { .backend = IO_URING, .kind = TRACED };
FIXTURE_VARIANT_ADD(attack, ruring_vforked) { .backend = RURING, .kind = VFORKED };
FIXTURE_VARIANT_ADD(attack, io_uring_vforked) { .backend = IO_URING, .kind = VFORKED };

/* Who stops him, and where both are. */
static struct {
	pid_t pid;
	char group[80];
} stopper;

/* The only process of the attackers', once a worker of its ring waits for the other end of the FIFO. */
static pid_t attacker_at_work(const char *group)
{
	char path[128], text[32];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/attackers/cgroup.procs", group);
	pid = atoi(proc_text(text, sizeof(text), path));
	MUST(pid > 0 && sleep_in(pid, AT_FIFO, 1));
	return pid;
}

static void stop(const char *group, int kind)
{
	pid_t pid;

	MUST(reaches(&board->step[ACTS], 1));
	pid = attacker_at_work(group);
	switch (kind) {
	case STOPPED:
		MUST(!kill(pid, SIGSTOP));
		break;
	case FROZEN:
		MUST(!limit(group, "cgroup.freeze", "1"));
		break;
	case TRACED:
		MUST(!ptrace(PTRACE_SEIZE, pid, NULL, NULL));
		MUST(!ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
		break;
	}
	for (;;)
		pause();
}

static bool hold(const char *group, int kind)
{
	snprintf(stopper.group, sizeof(stopper.group), "%s", group);
	if (kind == VFORKED)
		return true;
	stopper.pid = spawn(group, 0);
	if (!stopper.pid)
		stop(group, kind);
	return stopper.pid > 0;
}

static bool let_go(int kind)
{
	bool dead = !stopper.pid || child_dies(stopper.pid, "who stops him");

	return dead && (kind != FROZEN || !limit(stopper.group, "cgroup.freeze", "0"));
}

static void prep_what_waits(struct ring *r, int kind)
{
	static struct __kernel_timespec time = { .tv_nsec = 1 };
	int fds[2];

	MUST(!pipe(fds));
	prep_poll(r, fds[0], POLLIN, 2);
	prep(r, IORING_OP_TIMEOUT, -1, &time, 1, 3)->timeout_flags = IORING_TIMEOUT_MULTISHOT;
	prep_fifo(r, 1);
	/* the child has no stack of its own, and never comes back */
	if (kind == VFORKED && !vfork()) {
		reach(&board->step[ACTS], 1);
		ring_submit(r);
		for (;;)
			ring_enter(r, 0, 1, IORING_ENTER_GETEVENTS);
	}
}

static const char *where(int kind)
{
	static const char *const places[] = {
		[STOPPED] = "do_signal_stop",
		[FROZEN] = "do_freezer_trap",
		[TRACED] = "ptrace_stop",
		[VFORKED] = "kernel_clone",
	};

	return places[kind];
}

static bool waits_in_io_uring(int kind, unsigned int i)
{
	(void)kind;
	(void)i;
	return false;
}

static bool is_unlocked(int kind)
{
	(void)kind;
	return true;
}

TEST_HARNESS_MAIN
