// SPDX-License-Identifier: GPL-2.0
/*
 * libruring.so: a program that makes io_uring's system calls, on ruring, without a
 * tracer.
 *
 * The program is iou_program.c, linked as programs are. It runs behind a filter that
 * denies the calls, as in a container.
 */
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "denial.h"
#include "kselftest_harness.h"
#include "ring.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE			65
#define PR_MDWE_REFUSE_EXEC_GAIN	1
#endif

struct files {
	char program[PATH_MAX];
	char runner[PATH_MAX];
	char library[PATH_MAX];
	char call_cost[PATH_MAX];
	int errors;		/* what it writes to standard error */
	bool denied;		/* does a filter deny io_uring's calls? */
	bool no_new_code;	/* may memory not become executable? */
};

/* Why there can be no test, or NULL. */
static const char *find_files(struct files *files)
{
	char path[PATH_MAX] = "";
	const char *dir;
	size_t len;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return "there is no /proc";
	dir = dirname(path);
	len = snprintf(files->program, PATH_MAX, "%s/iou_dynamic", dir);
	len += snprintf(files->runner, PATH_MAX, "%s/../tools/ruring-run", dir);
	len += snprintf(files->library, PATH_MAX, "%s/../tools/libruring.so", dir);
	len += snprintf(files->call_cost, PATH_MAX, "%s/../tools/call-cost", dir);
	if (len >= PATH_MAX)
		return "the path is too long";
	files->errors = memfd_create("errors", 0);
	if (access("/dev/ruring", R_OK | W_OK))
		return "there is no /dev/ruring";
	if (access(files->library, R_OK))
		return "libruring.so is not built";
	return NULL;
}

static pid_t start(const struct files *files, char *const argv[])
{
	pid_t pid = fork();

	if (!pid) {
		dup2(files->errors, STDERR_FILENO);
		if (files->denied && deny_io_uring(DENY_EPERM))
			_exit(97);
		if (files->no_new_code &&
		    prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0))
			_exit(96);
		execv(argv[0], argv);
		_exit(98);
	}
	return pid;
}

static int run(const struct files *files, char *const argv[])
{
	pid_t pid = start(files, argv);
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

static int run_scenario(struct files *files, const char *option, const char *scenario)
{
	char *const argv[] = {
		files->runner, "--preload", (char *)(option ?: files->program),
		option ? files->program : (char *)scenario,
		option ? (char *)scenario : NULL, NULL,
	};

	return run(files, argv);
}

/* What was written to standard error. */
static const char *complaints(const struct files *files)
{
	static char text[4096];
	ssize_t n = pread(files->errors, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

FIXTURE(scenario)
{
	struct files files;
};

FIXTURE_VARIANT(scenario)
{
	const char *name;
};

FIXTURE_VARIANT_ADD(scenario, nop) { .name = "nop" };
FIXTURE_VARIANT_ADD(scenario, nop_no_mmap) { .name = "nop_no_mmap" };
FIXTURE_VARIANT_ADD(scenario, nop_sqpoll) { .name = "nop_sqpoll" };
FIXTURE_VARIANT_ADD(scenario, errors) { .name = "errors" };
FIXTURE_VARIANT_ADD(scenario, descriptors) { .name = "descriptors" };
FIXTURE_VARIANT_ADD(scenario, registers) { .name = "registers" };
FIXTURE_VARIANT_ADD(scenario, signals) { .name = "signals" };
FIXTURE_VARIANT_ADD(scenario, blocked_signals) { .name = "blocked_signals" };
FIXTURE_VARIANT_ADD(scenario, threads) { .name = "threads" };
FIXTURE_VARIANT_ADD(scenario, hot_calls) { .name = "hot_calls" };
FIXTURE_VARIANT_ADD(scenario, hot_threads) { .name = "hot_threads" };
FIXTURE_VARIANT_ADD(scenario, hot_sleepers) { .name = "hot_sleepers" };
FIXTURE_VARIANT_ADD(scenario, registered_rings) { .name = "registered_rings" };
FIXTURE_VARIANT_ADD(scenario, registered_only) { .name = "registered_only" };
FIXTURE_VARIANT_ADD(scenario, children) { .name = "children" };
FIXTURE_VARIANT_ADD(scenario, job_control) { .name = "job_control" };
FIXTURE_VARIANT_ADD(scenario, denied_later) { .name = "denied_later" };
FIXTURE_VARIANT_ADD(scenario, denied_to_itself) { .name = "denied_to_itself" };

FIXTURE_SETUP(scenario)
{
	const char *why = find_files(&self->files);

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(scenario)
{
	close(self->files.errors);
}

TEST_F(scenario, preloaded_where_denied)
{
	self->files.denied = true;
	EXPECT_EQ(0, run_scenario(&self->files, NULL, variant->name))
		TH_LOG("%s", complaints(&self->files));
}

FIXTURE(library)
{
	struct files files;
};

FIXTURE_SETUP(library)
{
	const char *why = find_files(&self->files);

	if (why)
		SKIP(return, "%s", why);
	self->files.denied = true;
}

FIXTURE_TEARDOWN(library)
{
	close(self->files.errors);
}

/* What is loaded at run time is rewritten as well. */
TEST_F(library, of_liburing)
{
	char *const argv[] = {
		self->files.runner, "--preload", self->files.call_cost,
		"--backend", "io_uring", "--calls", "100", "--liburing", NULL,
	};
	int status = run(&self->files, argv);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
		SKIP(return, "liburing.so.2 is not there");
	EXPECT_EQ(0, status)
		TH_LOG("%s", complaints(&self->files));
}

TEST_F(library, where_no_memory_may_become_executable)
{
	self->files.no_new_code = true;
	EXPECT_EQ(0, run_scenario(&self->files, NULL, "hot_calls"))
		TH_LOG("%s", complaints(&self->files));
	EXPECT_EQ(0, run_scenario(&self->files, NULL, "threads"))
		TH_LOG("%s", complaints(&self->files));
}

static void wait_for_ring(struct __test_metadata *_metadata, pid_t pid)
{
	char path[64], link[64];
	bool found = false;
	int fd;

	while (!found) {
		ASSERT_EQ(0, waitpid(pid, NULL, WNOHANG));
		for (fd = 3; fd < 10 && !found; fd++) {
			snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
			memset(link, 0, sizeof(link));
			if (readlink(path, link, sizeof(link) - 1) > 0)
				found = !strcmp(link, "anon_inode:[ruring]");
		}
	}
}

TEST_F(library, neither_tracer_nor_filter)
{
	char *const argv[] = {
		self->files.runner, "--preload", self->files.program, "waits", NULL,
	};
	char path[64];
	int status;
	pid_t pid;

	self->files.denied = false;
	pid = start(&self->files, argv);
	wait_for_ring(_metadata, pid);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	EXPECT_EQ(0, proc_value(path, "TracerPid:"));
	EXPECT_EQ(0, proc_value(path, "Seccomp:"));
	EXPECT_EQ(0, proc_value(path, "NoNewPrivs:"));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

TEST_F(library, static_program_is_traced)
{
	const char *text;
	char *const argv[] = {
		self->files.runner, "--preload", self->files.program, "nop", NULL,
	};

	memcpy(strstr(self->files.program, "iou_dynamic"), "iou_program", 11);
	EXPECT_EQ(0, run(&self->files, argv))
		TH_LOG("%s", complaints(&self->files));
	text = complaints(&self->files);
	EXPECT_NE(NULL, strstr(text, "linked statically"));
	EXPECT_EQ(text + strlen(text) - 1, strchr(text, '\n'));
}

TEST_F(library, where_nothing_is_denied)
{
	char *const alone[] = { self->files.program, "nop", NULL };

	EXPECT_NE(0, run(&self->files, alone));
	self->files.denied = false;
	EXPECT_EQ(0, run(&self->files, alone));
	EXPECT_EQ(0, run_scenario(&self->files, NULL, "nop"));
	EXPECT_EQ(0, run_scenario(&self->files, NULL, "hot_calls"));
}

TEST_F(library, fallback)
{
	self->files.denied = false;
	EXPECT_NE(0, run_scenario(&self->files, NULL, "nop_hybrid"));
	EXPECT_EQ(0, run_scenario(&self->files, "--fallback", "nop_hybrid"));
	EXPECT_EQ(0, run_scenario(&self->files, "--fallback", "registered_hybrid"));
	EXPECT_NE(0, run_scenario(&self->files, "--stats", "nop"));
}

/* Where the device does not open the program is left alone. */
TEST_F(library, without_the_device)
{
	char *const argv[] = { self->files.program, "nop_hybrid", NULL };

	self->files.denied = false;
	ASSERT_EQ(0, setenv("LD_PRELOAD", self->files.library, 1));
	EXPECT_NE(0, run(&self->files, argv));
	ASSERT_EQ(0, ftruncate(self->files.errors, 0));
	ASSERT_EQ(0, lseek(self->files.errors, 0, SEEK_SET));
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, mount("tmpfs", "/dev", "tmpfs", 0, NULL));
	EXPECT_EQ(0, run(&self->files, argv))
		TH_LOG("%s", complaints(&self->files));
	EXPECT_STREQ("", complaints(&self->files));
}

TEST_HARNESS_MAIN
