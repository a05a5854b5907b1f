// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what attacks have found that was only wrong, or kept who did it waiting, run as whoever
 * may attack: a user without rights, in a cgroup. Nothing of him stays.
 */
#include <sys/wait.h>

#include "attack.h"

/* Most take seconds; the debug kernel, on a busy machine, may need a minute. */
#define PROGRAM_MS	100000

static const struct program {
	const char *name;
	/* all of it if none is named */
	const char *tests[8];
} programs[] = {
	{ "half_closed", {} },
	{ "failing", {} },
	{ "corners", {} },
	{ "alike", { "receives_that_are_left_to_a_worker", "accept_of_what_is_shut" } },
	{ "wait_many", { "other_thread", "watchers", "one_arrival", "exclusive", "exclusive_poll",
			 "done_by_a_worker", "other_ring", "closed_meanwhile" } },
	{ "links", {} },
	{ "drain", {} },
	{ "read_multishot", {} },
	{ "openat", { "a_fifo", "a_fifo_that_is_waited_for", "both_ends_of_a_fifo", "what_cannot_be_opened" } },
	{ "poll", {} },
	{ "hostile", { "ready_for_ever_and_never_done", "one_of_two_enables_a_ring",
		       "a_new_group_is_not_taken_for_the_old_one",
		       "waiting_costs_the_same_whatever_is_kept" } },
};

enum {
	HALF_CLOSED, FAILING, CORNERS, ALIKE, WAIT_MANY, LINKS, DRAIN, READ_MULTISHOT, OPENAT, POLL, HOSTILE,
};

FIXTURE_VARIANT_ADD(attack, half_closed) { .kind = HALF_CLOSED };
FIXTURE_VARIANT_ADD(attack, failing) { .kind = FAILING };
FIXTURE_VARIANT_ADD(attack, corners) { .kind = CORNERS };
FIXTURE_VARIANT_ADD(attack, alike) { .kind = ALIKE };
FIXTURE_VARIANT_ADD(attack, wait_many) { .kind = WAIT_MANY };
FIXTURE_VARIANT_ADD(attack, links) { .kind = LINKS };
FIXTURE_VARIANT_ADD(attack, drain) { .kind = DRAIN };
FIXTURE_VARIANT_ADD(attack, read_multishot) { .kind = READ_MULTISHOT };
FIXTURE_VARIANT_ADD(attack, openat) { .kind = OPENAT };
FIXTURE_VARIANT_ADD(attack, poll) { .kind = POLL };
FIXTURE_VARIANT_ADD(attack, hostile) { .kind = HOSTILE };

/* The program of that name beside this one, which the user need not find. */
static int open_program(const char *name)
{
	char path[512] = {}, *last;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 64);

	if (len < 0)
		return -errno;
	last = strrchr(path, '/');
	snprintf(last + 1, 64, "%s", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void run(const struct program *p, int program, int output)
{
	const char *argv[20] = { p->name };
	unsigned int i, n = 1;

	for (i = 0; i < ARRAY_SIZE(p->tests) && p->tests[i]; i++) {
		argv[n++] = "-t";
		argv[n++] = p->tests[i];
	}
	/* where it may make files */
	MUST(!chdir(attack_dir) && !mkdir("build", 0700) && !setenv("TMPDIR", attack_dir, 1));
	MUST(dup2(output, 1) == 1 && dup2(output, 2) == 2);
	fexecve(program, (char *const *)argv, environ);
	MUST(false);
}

/* What it has said of those that failed. */
static void tell(FILE *f)
{
	char line[512];

	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "not ok", 6) || (line[0] == '#' && strstr(line, "xpected")))
			fprintf(stderr, "# %s", line);
	}
}

static unsigned int passed(FILE *f)
{
	unsigned int nr = 0;
	char line[512];

	rewind(f);
	while (fgets(line, sizeof(line), f))
		nr += !strncmp(line, "ok ", 3) && !strstr(line, "# SKIP");
	return nr;
}

TEST_F(attack, as_a_user)
{
	const struct program *p = &programs[variant->kind];
	int status = -1, program = open_program(p->name);
	struct pollfd pfd = { .events = POLLIN };
	FILE *output = tmpfile();
	struct process who;

	ASSERT_LE(0, program);
	ASSERT_NE(NULL, output);
	ASSERT_EQ(0, limit(self->group, "memory.max", "536870912"));
	ASSERT_EQ(0, limit(self->group, "pids.max", "200"));
	who = process_of(spawn(self->group, ATTACKER), p->name);
	ASSERT_LE(0, who.pid);
	if (!who.pid)
		run(p, program, fileno(output));
	pfd.fd = who.fd;
	EXPECT_EQ(1, poll(&pfd, 1, PROGRAM_MS)) tell_of(who.pid, p->name);
	if (!pfd.revents)
		kill(who.pid, SIGKILL);
	ASSERT_EQ(who.pid, waitpid(who.pid, &status, 0));
	EXPECT_EQ(0, status) tell(output);
	EXPECT_LT(0, passed(output));
	fclose(output);
	close(program);
}

TEST_HARNESS_MAIN
