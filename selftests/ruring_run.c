// SPDX-License-Identifier: GPL-2.0
/*
 * ruring-run: a program that makes io_uring's system calls, on ruring.
 *
 * The program is iou_program.c, which is linked statically. What it does runs
 * once as it is, on the kernel's io_uring, and once under the runner: it must
 * see the same.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring.h"
#include "ruring_run.h"
#include "system.h"

FIXTURE(program)
{
	struct files files;
};

FIXTURE_VARIANT(program)
{
	bool on_ruring;
};

FIXTURE_VARIANT_ADD(program, io_uring)
{
	.on_ruring = false,
};

FIXTURE_VARIANT_ADD(program, ruring)
{
	.on_ruring = true,
};

FIXTURE_SETUP(program)
{
	const char *why = find_files(&self->files, variant->on_ruring);

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(program)
{
	close(self->files.errors);
}

TEST_F(program, nop)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "nop");
}

TEST_F(program, errors)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "errors");
}

TEST_F(program, descriptors)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "descriptors");
}

TEST_F(program, registers)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "registers");
}

TEST_F(program, signals)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "signals");
}

TEST_F(program, signals_in_calls)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "signals_in_calls");
}

TEST_F(program, blocked_signals)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "blocked_signals");
}

TEST_F(program, own_filter)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "own_filter");
}

TEST_F(program, threads)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "threads");
}

TEST_F(program, hot_calls)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "hot_calls");
}

TEST_F(program, hot_registrations)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "hot_registrations");
}

TEST_F(program, hot_setups)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "hot_setups");
}

TEST_F(program, hot_threads)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "hot_threads");
}

TEST_F(program, hot_sleepers)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "hot_sleepers");
}

TEST_F(program, made_at_run_time)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "made_at_run_time");
}

TEST_F(program, writes_or_executes)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "writes_or_executes");
}

TEST_F(program, executes_nothing_new)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "executes_nothing_new");
}

TEST_F(program, registered_rings)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "registered_rings");
}

TEST_F(program, registered_only)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "registered_only");
}

TEST_F(program, children)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "children");
}

TEST_F(program, job_control)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "job_control");
}

TEST_F(program, unprivileged)
{
	expect_success(_metadata, &self->files, variant->on_ruring, "unprivileged");
}

TEST_F(program, exit_status)
{
	int status = run(&self->files, variant->on_ruring, NULL, "exits");

	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(37, WEXITSTATUS(status));
}

TEST_F(program, death_by_signal)
{
	int status = run(&self->files, variant->on_ruring, NULL, "dies");

	ASSERT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGTERM, WTERMSIG(status));
}

TEST_F(program, killed_in_a_wait)
{
	pid_t pid = start(&self->files, variant->on_ruring, NULL, "waits");
	int status;

	usleep(300000);
	ASSERT_EQ(0, waitpid(pid, &status, WNOHANG));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

/* What the runner itself does. */

FIXTURE(runner)
{
	struct files files;
};

FIXTURE_SETUP(runner)
{
	const char *why = find_files(&self->files, true);

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(runner)
{
	close(self->files.errors);
}

/* In a container that denies io_uring. */
FIXTURE(denied)
{
	struct files files;
};

FIXTURE_VARIANT(denied)
{
	const char *scenario;
};

FIXTURE_VARIANT_ADD(denied, nop) { .scenario = "nop" };
FIXTURE_VARIANT_ADD(denied, nop_no_mmap) { .scenario = "nop_no_mmap" };
FIXTURE_VARIANT_ADD(denied, errors) { .scenario = "errors" };
FIXTURE_VARIANT_ADD(denied, descriptors) { .scenario = "descriptors" };
FIXTURE_VARIANT_ADD(denied, registers) { .scenario = "registers" };
FIXTURE_VARIANT_ADD(denied, signals) { .scenario = "signals" };
FIXTURE_VARIANT_ADD(denied, signals_in_calls) { .scenario = "signals_in_calls" };
FIXTURE_VARIANT_ADD(denied, blocked_signals) { .scenario = "blocked_signals" };
FIXTURE_VARIANT_ADD(denied, own_filter) { .scenario = "own_filter" };
FIXTURE_VARIANT_ADD(denied, threads) { .scenario = "threads" };
FIXTURE_VARIANT_ADD(denied, hot_calls) { .scenario = "hot_calls" };
FIXTURE_VARIANT_ADD(denied, hot_registrations) { .scenario = "hot_registrations" };
FIXTURE_VARIANT_ADD(denied, hot_setups) { .scenario = "hot_setups" };
FIXTURE_VARIANT_ADD(denied, hot_threads) { .scenario = "hot_threads" };
FIXTURE_VARIANT_ADD(denied, hot_sleepers) { .scenario = "hot_sleepers" };
FIXTURE_VARIANT_ADD(denied, registered_rings) { .scenario = "registered_rings" };
FIXTURE_VARIANT_ADD(denied, registered_only) { .scenario = "registered_only" };
FIXTURE_VARIANT_ADD(denied, children) { .scenario = "children" };
FIXTURE_VARIANT_ADD(denied, job_control) { .scenario = "job_control" };
FIXTURE_VARIANT_ADD(denied, unprivileged) { .scenario = "unprivileged" };
FIXTURE_VARIANT_ADD(denied, denied_later) { .scenario = "denied_later" };
FIXTURE_VARIANT_ADD(denied, denied_to_itself) { .scenario = "denied_to_itself" };

FIXTURE_SETUP(denied)
{
	const char *why = find_files(&self->files, true);

	if (why)
		SKIP(return, "%s", why);
	self->files.denial = DENY_EPERM;
}

FIXTURE_TEARDOWN(denied)
{
	close(self->files.errors);
}

TEST_F(denied, before)
{
	EXPECT_NE(0, run(&self->files, false, NULL, variant->scenario));
	expect_success(_metadata, &self->files, true, variant->scenario);
}

/* Where nothing is let go of they notice as little of it as of any tracer, and else of its end. */
FIXTURE(detach)
{
	struct files files;
};

FIXTURE_VARIANT(detach)
{
	const char *scenario;
};

FIXTURE_VARIANT_ADD(detach, nop) { .scenario = "nop" };
FIXTURE_VARIANT_ADD(detach, nop_no_mmap) { .scenario = "nop_no_mmap" };
FIXTURE_VARIANT_ADD(detach, errors) { .scenario = "errors" };
FIXTURE_VARIANT_ADD(detach, registers) { .scenario = "registers" };
FIXTURE_VARIANT_ADD(detach, blocked_signals) { .scenario = "blocked_signals" };
FIXTURE_VARIANT_ADD(detach, own_filter) { .scenario = "own_filter" };
FIXTURE_VARIANT_ADD(detach, hot_threads) { .scenario = "hot_threads" };
FIXTURE_VARIANT_ADD(detach, hot_sleepers) { .scenario = "hot_sleepers" };
FIXTURE_VARIANT_ADD(detach, registered_rings) { .scenario = "registered_rings" };
FIXTURE_VARIANT_ADD(detach, registered_only) { .scenario = "registered_only" };
FIXTURE_VARIANT_ADD(detach, children) { .scenario = "children" };
FIXTURE_VARIANT_ADD(detach, job_control) { .scenario = "job_control" };
FIXTURE_VARIANT_ADD(detach, unprivileged) { .scenario = "unprivileged" };

FIXTURE_SETUP(detach)
{
	const char *why = find_files(&self->files, true);

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(detach)
{
	close(self->files.errors);
}

TEST_F(detach, unnoticed)
{
	unsigned int denial;

	for (denial = 0; denial < 2; denial++) {
		self->files.denial = denial ? DENY_EPERM : 0;
		EXPECT_EQ(0, run(&self->files, true, "--detach", variant->scenario))
			TH_LOG("%s", complaints(&self->files));
	}
}

TEST_F(runner, denied_before_by_any_errno)
{
	self->files.denial = SECCOMP_RET_ERRNO | ENOSYS;
	EXPECT_EQ(0, run(&self->files, true, NULL, "nop"));
	self->files.denial = SECCOMP_RET_TRAP;
	EXPECT_EQ(0, run(&self->files, true, NULL, "nop"));
	self->files.denial = DENY_EPERM;
	EXPECT_EQ(0, run(&self->files, true, "--no-rewrite", "threads"));
	EXPECT_EQ(0, run(&self->files, true, "--stats", "nop"));
	EXPECT_EQ(0, run(&self->files, true, "--fallback", "nop"));
	/* There is no io_uring to fall back to. */
	EXPECT_NE(0, run(&self->files, true, "--fallback", "nop_hybrid"));
}

TEST_F(runner, denied_after)
{
	EXPECT_NE(0, run(&self->files, false, NULL, "denied_later"));
	EXPECT_EQ(0, run(&self->files, true, NULL, "denied_later"))
		TH_LOG("%s", complaints(&self->files));
	EXPECT_EQ(0, run(&self->files, true, NULL, "denied_to_itself"))
		TH_LOG("%s", complaints(&self->files));
	EXPECT_EQ(0, run(&self->files, true, "--no-rewrite", "denied_to_itself"))
		TH_LOG("%s", complaints(&self->files));
}

TEST_F(runner, killed_by_a_filter)
{
	int status;

	self->files.denial = SECCOMP_RET_KILL_PROCESS;
	status = run(&self->files, true, NULL, "nop");
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(125, WEXITSTATUS(status));
	EXPECT_NE(NULL, strstr(complaints(&self->files), "filter kills"));
	EXPECT_EQ(strchr(complaints(&self->files), '\n'), strrchr(complaints(&self->files), '\n'));
}

FIXTURE(needed)
{
	struct files files;
};

FIXTURE_VARIANT(needed)
{
	const char *name;
	unsigned int nr;
};

#define NEEDED(call)							\
	FIXTURE_VARIANT_ADD(needed, call)				\
	{								\
		.name = #call, .nr = __NR_##call,			\
	}

NEEDED(ptrace);
NEEDED(process_vm_readv);
NEEDED(process_vm_writev);
NEEDED(seccomp);
NEEDED(ioctl);
NEEDED(recvmsg);
NEEDED(socketpair);
NEEDED(pidfd_getfd);
NEEDED(socket);
NEEDED(connect);

FIXTURE_SETUP(needed)
{
	const char *why = find_files(&self->files, true);

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(needed)
{
	close(self->files.errors);
}

/* One line names the call that the runner cannot do without. */
TEST_F(needed, is_forbidden)
{
	static const unsigned int ways[] = { DENY_EPERM, SECCOMP_RET_KILL_PROCESS };
	char line[80];
	unsigned int i;
	int status;

	snprintf(line, sizeof(line), "ruring-run: a seccomp filter forbids %s(), which is needed\n",
		 variant->name);
	/* Two of them are in place of one that the filter forbids, too. */
	self->files.denial = DENY_EPERM;
	self->files.forbidden = variant->nr;
	for (i = 0; i < 2; i++) {
		self->files.forbids = ways[i];
		ASSERT_EQ(0, ftruncate(self->files.errors, 0));
		ASSERT_EQ(0, lseek(self->files.errors, 0, SEEK_SET));
		status = run(&self->files, true, NULL, "nop");
		ASSERT_TRUE(WIFEXITED(status));
		if (variant->nr == __NR_pidfd_getfd && ways[i] == DENY_EPERM) {
			EXPECT_EQ(0, WEXITSTATUS(status));
			continue;
		}
		EXPECT_EQ(125, WEXITSTATUS(status));
		EXPECT_STREQ(line, complaints(&self->files));
	}
	/* Where nobody has to install a filter nobody has to be able to. */
	if (variant->nr == __NR_seccomp)
		EXPECT_EQ(0, run(&self->files, true, "--detach", "nop"));
}

/* Where there can be no instructions of the runner's each call stops, and twice. */
TEST_F(runner, executes_nothing_new)
{
	EXPECT_EQ(0, run(&self->files, true, NULL, "executes_nothing_new_in_two_stops"))
		TH_LOG("%s", complaints(&self->files));
}

TEST_F(runner, no_rewrite)
{
	EXPECT_NE(0, run(&self->files, true, "--no-rewrite", "hot_calls"));
	EXPECT_NE(0, run(&self->files, true, "--no-rewrite", "hot_registrations"));
	EXPECT_EQ(0, run(&self->files, true, "--no-rewrite", "hot_threads"));
	EXPECT_EQ(0, run(&self->files, true, "--no-rewrite", "signals_in_calls"));
}

TEST_F(runner, detaches)
{
	EXPECT_EQ(0, run(&self->files, true, "--detach", "detaches"))
		TH_LOG("%s", complaints(&self->files));
	EXPECT_EQ(0, run(&self->files, true, "--detach", "detaches_threads"))
		TH_LOG("%s", complaints(&self->files));
}

TEST_F(runner, detaches_where_the_calls_are_denied)
{
	self->files.denial = DENY_EPERM;
	EXPECT_EQ(0, run(&self->files, true, "--detach", "detaches"))
		TH_LOG("%s", complaints(&self->files));
	self->files.denial = SECCOMP_RET_KILL_PROCESS;
	EXPECT_EQ(0, run(&self->files, true, "--detach", "detaches_threads"))
		TH_LOG("%s", complaints(&self->files));
}

TEST_F(runner, detaches_by_itself)
{
	int status = run(&self->files, true, "--detach", "exits");

	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(37, WEXITSTATUS(status));
}

TEST_F(runner, sums_its_text)
{
	EXPECT_EQ(0, run(&self->files, false, NULL, "sums_its_text"));
	EXPECT_EQ(0, run(&self->files, true, "--no-rewrite", "sums_its_text"))
		TH_LOG("%s", complaints(&self->files));
	/* What it would see else. */
	EXPECT_NE(0, run(&self->files, true, NULL, "sums_its_text"));
}

TEST_F(runner, killed_with_its_tracer)
{
	char path[64], program[PATH_MAX] = "";
	int status;
	pid_t pid;

	pid = start(&self->files, true, NULL, "waits");
	/* before that it is the runner, which sees that its tracer is gone */
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	while (!strstr(program, "/iou_program"))
		ASSERT_LT(0, readlink(path, program, sizeof(program) - 1));
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	ASSERT_EQ(0, kill(proc_value(path, "TracerPid:"), SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

static bool has_no_more_users(void *arg)
{
	return module_users() <= *(long long *)arg;
}

/* Whether the runner @pid waits for its tracer to be there; not so if it is the program by now. */
static bool waits_for_tracer(pid_t pid)
{
	char path[64], text[PATH_MAX];
	int fd;

	for (;;) {
		memset(text, 0, sizeof(text));
		snprintf(path, sizeof(path), "/proc/%d/exe", pid);
		if (readlink(path, text, sizeof(text) - 1) < 0 || strstr(text, "/iou_program"))
			return false;
		memset(text, 0, sizeof(text));
		snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
		fd = open(path, O_RDONLY);
		if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
			return false;
		close(fd);
		if (strstr(text, "pipe_read"))
			return true;
	}
}

/* Killed while it waits for its tracer to be there, it leaves none behind, which would have the device open. */
TEST_F(runner, killed_at_its_start)
{
	long long users = module_users();
	int seen = 0, i;

	for (i = 0; i < 100 && seen < 3; i++) {
		pid_t pid = start(&self->files, true, NULL, "waits");

		ASSERT_LT(0, pid);
		seen += waits_for_tracer(pid);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	}
	EXPECT_LT(0, seen);
	EXPECT_TRUE(wait_until(has_no_more_users, &users));
}

TEST_F(runner, stats)
{
	ASSERT_EQ(0, run(&self->files, true, "--stats", "nop"));
	EXPECT_NE(NULL, strstr(complaints(&self->files),
			       "1 rings, 1 requests, 1 completions"))
		TH_LOG("%s", complaints(&self->files));
	EXPECT_NE(NULL, strstr(complaints(&self->files), " 1 NOP\n"));
}

TEST_F(runner, stats_of_a_ring_in_memory_of_the_program)
{
	ASSERT_EQ(0, run(&self->files, true, "--stats", "nop_no_mmap"));
	EXPECT_NE(NULL, strstr(complaints(&self->files),
			       "1 rings, 3 requests, 3 completions"))
		TH_LOG("%s", complaints(&self->files));
	EXPECT_NE(NULL, strstr(complaints(&self->files), " 3 NOP\n"));
}

TEST_F(runner, fallback)
{
	EXPECT_NE(0, run(&self->files, true, NULL, "nop_hybrid"));
	EXPECT_EQ(0, run(&self->files, true, "--fallback", "nop_hybrid"));
	EXPECT_EQ(0, run(&self->files, true, NULL, "nop_sqpoll"));
	EXPECT_EQ(0, run(&self->files, true, "--fallback", "nop"));
	EXPECT_NE(0, run(&self->files, true, NULL, "registered_hybrid"));
	EXPECT_EQ(0, run(&self->files, true, "--fallback", "registered_hybrid"));
}

TEST_F(runner, no_device)
{
	int status;

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, mount("none", "/dev", "tmpfs", 0, NULL));
	status = run(&self->files, true, NULL, "nop");
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(127, WEXITSTATUS(status));
	EXPECT_NE(NULL, strstr(complaints(&self->files), "/dev/ruring"));
	EXPECT_EQ(strchr(complaints(&self->files), '\n'), strrchr(complaints(&self->files), '\n'));
}

TEST_HARNESS_MAIN
