// SPDX-License-Identifier: GPL-2.0
/*
 * What a call with one NOP costs an unmodified program of io_uring: as it is on
 * one side, under ruring-run on the other, or with libruring.so in it. The program is tools/call-cost.
 */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>

#include "bench.h"

enum way {
	BY_SYSCALL	= 0,
	BY_LIBURING	= 1,
	PRELOADED	= 2,
};

static void call_cost(struct bench *b)
{
	char self[PATH_MAX] = "", command[2 * PATH_MAX];
	const char *tools;
	double value = 0;
	FILE *output;
	int status;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		err(1, "/proc/self/exe");
	tools = dirname(dirname(self));
	snprintf(command, sizeof(command),
		 "%s%s%s %s/tools/call-cost --backend io_uring%s",
		 b->side == SIDE_RURING ? tools : "env",
		 b->side == SIDE_RURING ? "/tools/ruring-run" : "",
		 b->side == SIDE_RURING && b->row->mode & PRELOADED ?
		 " --preload" : "", tools,
		 b->row->mode & BY_LIBURING ? " --liburing" : "");
	output = popen(command, "r");
	if (!output)
		err(1, "%s", command);
	if (fscanf(output, "%*s %lf ns per call", &value) != 1)
		value = 0;
	status = pclose(output);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
		bench_skip("liburing.so.2 is not there");
	else if (status || !value)
		errx(1, "%s: status %d", command, status);
	else
		bench_figure(b, value);
}

const struct row runner_rows[] = {
	{ "run/syscall", call_cost, ON_RINGS, .mode = BY_SYSCALL },
	{ "run/liburing", call_cost, ON_RINGS, .mode = BY_LIBURING },
	{ "preload/syscall", call_cost, ON_RINGS,
	  .mode = PRELOADED | BY_SYSCALL },
	{ "preload/liburing", call_cost, ON_RINGS,
	  .mode = PRELOADED | BY_LIBURING },
	{ }
};
