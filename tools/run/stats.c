// SPDX-License-Identifier: GPL-2.0
/*
 * What --stats counts and prints.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <linux/io_uring.h>
#include <linux/ruring.h>

#include "run.h"

#define NR_OPS		256
#define NR_ERRORS	16

/* One call that was refused, in so many words. */
struct refusal {
	char what[48];
	int error;
	unsigned long long times;
};

static unsigned long long rings, enters, registrations, completions;
static unsigned long long requests[NR_OPS];
static struct refusal refusals[NR_ERRORS];
static bool has_op[NR_OPS];

/* Which operations has ruring? A ring of our own knows. */
void stats_start(void)
{
	struct io_uring_params params = { };
	struct ruring_setup setup = {
		.params = (unsigned long)&params,
		.entries = 1,
	};
	struct ruring_register reg = {
		.opcode = IORING_REGISTER_PROBE,
		.nr_args = NR_OPS,
	};
	struct io_uring_probe *probe;
	unsigned int i;
	int ring;

	probe = calloc(1, sizeof(*probe) + NR_OPS * sizeof(*probe->ops));
	if (!probe)
		out_of_memory();
	reg.arg = (unsigned long)probe;
	ring = ioctl(device_fd, RURING_IOC_SETUP, &setup);
	if (ring >= 0 && !ioctl(ring, RURING_IOC_REGISTER, &reg)) {
		for (i = 0; i < probe->ops_len; i++)
			has_op[i] = probe->ops[i].flags & IO_URING_OP_SUPPORTED;
	}
	close(ring);
	free(probe);
}

static void refuse(const char *what, int error)
{
	unsigned int i;

	/* What does not fit is the same story over and over. */
	for (i = 0; i < NR_ERRORS; i++) {
		struct refusal *refusal = &refusals[i];

		if (!refusal->times) {
			snprintf(refusal->what, sizeof(refusal->what), "%s",
				 what);
			refusal->error = error;
		}
		if (refusal->error == error && !strcmp(refusal->what, what)) {
			refusal->times++;
			return;
		}
	}
}

void stats_setup(struct task *task, long result)
{
	char what[48];

	if (result >= 0) {
		rings++;
		view_made(task, result, task->saved.rsi);
		return;
	}
	snprintf(what, sizeof(what), "io_uring_setup");
	refuse(what, -result);
}

void stats_enter(struct task *task, int fd, unsigned int to_submit)
{
	enters++;
	view_open(task, fd, to_submit);
	completions += view_completed(task);
	if (!to_submit)
		return;
	/* No queue is longer than this. */
	if (to_submit > 32768)
		to_submit = 32768;
	task->opcodes = malloc(to_submit);
	if (!task->opcodes)
		out_of_memory();
	task->nr_opcodes = view_submitted(task, task->opcodes, to_submit);
}

void stats_entered(struct task *task, long result)
{
	unsigned int i;

	completions += view_completed(task);
	view_close(task);
	for (i = 0; i < task->nr_opcodes && i < result; i++)
		requests[task->opcodes[i]]++;
	free(task->opcodes);
	task->opcodes = NULL;
	task->nr_opcodes = 0;
}

void stats_registered(unsigned int opcode, long result)
{
	registrations++;
	if (result < 0)
		refuse(registration_name(opcode), -result);
}

void stats_print(void)
{
	unsigned long long all = 0;
	unsigned int i;

	for (i = 0; i < NR_OPS; i++)
		all += requests[i];
	fprintf(stderr, "ruring-run: %llu rings, %llu requests, %llu completions\n",
		rings, all, completions);
	fprintf(stderr, "ruring-run: %llu calls of io_uring_enter, %llu of io_uring_register\n",
		enters, registrations);
	for (i = 0; i < NR_OPS; i++) {
		if (requests[i])
			fprintf(stderr, "ruring-run: %10llu %s%s\n",
				requests[i], op_name(i), has_op[i] ? "" :
				": refused, ruring does not have it");
	}
	for (i = 0; i < NR_ERRORS && refusals[i].times; i++)
		fprintf(stderr, "ruring-run: %10llu times refused: %s: %s\n",
			refusals[i].times, refusals[i].what,
			strerror(refusals[i].error));
}
