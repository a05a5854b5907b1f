/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iou_program.c, which makes io_uring's system calls, run as it is or under ruring-run.
 */
#ifndef SELFTESTS_RURING_RUN_H
#define SELFTESTS_RURING_RUN_H

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "denial.h"
#include "kselftest_harness.h"

struct files {
	char program[PATH_MAX];
	char runner[PATH_MAX];
	int errors;		/* what it writes to standard error */
	unsigned int denial;	/* what a filter does with io_uring's calls, or 0 */
	unsigned int forbidden;	/* a call to which another does that, or 0 */
	unsigned int forbids;	/* what that one does with it */
};

/* Why there can be no test, or NULL. */
static const char *find_files(struct files *files, bool on_ruring)
{
	char path[PATH_MAX] = "";
	const char *dir;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return "there is no /proc";
	dir = dirname(path);
	if (snprintf(files->program, PATH_MAX, "%s/iou_program", dir) >=
	    PATH_MAX ||
	    snprintf(files->runner, PATH_MAX, "%s/../tools/ruring-run", dir) >=
	    PATH_MAX)
		return "the path is too long";
	files->errors = memfd_create("errors", 0);
	if (on_ruring && access("/dev/ruring", R_OK | W_OK))
		return "there is no /dev/ruring";
	if (on_ruring && access(files->runner, X_OK))
		return "ruring-run is not built";
	return NULL;
}

static pid_t start(struct files *files, bool on_ruring,
		   const char *option, const char *scenario)
{
	char *argv[8];
	int argc = 0;
	pid_t pid;

	if (on_ruring)
		argv[argc++] = files->runner;
	if (on_ruring && option)
		argv[argc++] = (char *)option;
	argv[argc++] = files->program;
	argv[argc++] = (char *)scenario;
	argv[argc] = NULL;

	pid = fork();
	if (!pid) {
		dup2(files->errors, STDERR_FILENO);
		if (files->denial && deny_io_uring(files->denial))
			_exit(97);
		if (files->forbidden &&
		    deny_call(files->forbidden, 0, files->forbids))
			_exit(96);
		execv(argv[0], argv);
		_exit(98);
	}
	return pid;
}

static int run(struct files *files, bool on_ruring, const char *option,
	       const char *scenario)
{
	pid_t pid = start(files, on_ruring, option, scenario);
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

/* What was written to standard error. */
static const char *complaints(struct files *files)
{
	static char text[4096];
	ssize_t n = pread(files->errors, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void expect_success(struct __test_metadata *_metadata,
			   struct files *files, bool on_ruring,
			   const char *scenario)
{
	EXPECT_EQ(0, run(files, on_ruring, NULL, scenario))
		TH_LOG("%s", complaints(files));
}

#endif /* SELFTESTS_RURING_RUN_H */
