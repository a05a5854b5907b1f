// SPDX-License-Identifier: GPL-2.0
/*
 * ruring beside io_uring beside plain system calls: instructions for each
 * operation, where the clock counts instructions. bench/run starts this in a
 * virtual machine and reads what it prints, one line for a row on a side:
 *
 *	row TAB side TAB enter TAB peer TAB application TAB spread TAB operations
 *	row TAB side TAB skip TAB why
 */
#include <fnmatch.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "args.h"
#include "bench.h"

static const char * const side_names[NR_SIDES] = {
	[SIDE_RURING] = "ruring",
	[SIDE_IO_URING] = "io_uring",
	[SIDE_CALLS] = "calls",
	[SIDE_EPOLL] = "epoll",
};

static const struct row * const all_rows[] = {
	nop_rows,
	transfer_rows,
	multishot_rows,
	zerocopy_rows,
	late_rows,
	poll_rows,
	accept_rows,
	crowd_rows,
	cancel_rows,
	setup_rows,
	memory_rows,
	runner_rows,
};

/* What a child leaves to its parent. */
struct outcome {
	double enter, peer, app, spread;
	__u64 operations;
	char skip[128];
	bool done;
};

static struct outcome *outcome;

bool bench_sample(struct bench *b)
{
	if (b->taken == b->warm + b->wanted)
		return false;
	/* Until what the last sample left to RCU and to timers is done. */
	if (!b->restless)
		usleep(20000);
	memset(b->spent, 0, sizeof(b->spent));
	b->begun = bench_clock();
	return true;
}

void bench_end(struct bench *b, unsigned int operations)
{
	__u64 total = bench_clock() - b->begun;
	__u64 counted = 0;
	unsigned int i;

	bench_mark_sample();
	for (i = 0; i < NR_ACCOUNTS; i++)
		counted += b->spent[i];
	if (b->taken >= b->warm) {
		b->operations += operations;
		i = b->taken - b->warm;
		b->samples[i].enter = (double)b->spent[ENTER] / operations;
		b->samples[i].peer = (double)b->spent[PEER] / operations;
		b->samples[i].app = (double)(total - counted) / operations;
	}
	b->taken++;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/*
 * The mean of the middle half: what a timer interrupt or another rare event made
 * is not in it, what happens every so many operations is. And how far the
 * quartiles are from each other.
 */
static double middle(double *values, unsigned int nr, double *spread)
{
	unsigned int i, from = nr / 4, to = nr - nr / 4;
	double sum = 0;

	qsort(values, nr, sizeof(*values), compare);
	if (spread)
		*spread = values[to - 1] - values[from];
	for (i = from; i < to; i++)
		sum += values[i];
	return sum / (to - from);
}

static void summarise(const struct bench *b)
{
	double values[MAX_SAMPLES];
	unsigned int i;

	if (b->taken != b->warm + b->wanted)
		errx(1, "the row ended early");
	for (i = 0; i < b->wanted; i++)
		values[i] = b->samples[i].peer;
	outcome->peer = middle(values, b->wanted, NULL);
	for (i = 0; i < b->wanted; i++)
		values[i] = b->samples[i].app;
	outcome->app = middle(values, b->wanted, NULL);
	for (i = 0; i < b->wanted; i++)
		values[i] = b->samples[i].enter;
	outcome->enter = middle(values, b->wanted, &outcome->spread);
	outcome->operations = b->operations;
	outcome->done = true;
}

void bench_figure(struct bench *b, double value)
{
	unsigned int i;

	for (i = 0; i < b->wanted; i++)
		b->samples[i].enter = value;
	b->taken = b->warm + b->wanted;
}

void bench_skip(const char *why)
{
	snprintf(outcome->skip, sizeof(outcome->skip), "%s", why);
	outcome->done = true;
	exit(0);
}

static void measure(const struct row *row, enum bench_side side,
		    unsigned int samples)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		err(1, "calloc");
	b->row = row;
	b->side = side;
	b->wanted = samples;
	b->warm = 4;
	row->run(b);
	summarise(b);
	exit(0);
}

/*
 * In a process of its own, so that what a row leaves behind (rings, sockets,
 * memory) is gone before the next.
 */
static bool run(const struct row *row, enum bench_side side,
		unsigned int samples, unsigned int pause)
{
	int status;
	pid_t pid;

	memset(outcome, 0, sizeof(*outcome));
	bench_mark_row();
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		measure(row, side, samples);
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	/* Until what the kernel does after a process is done. */
	sleep(pause);
	if (status || !outcome->done) {
		printf("%s\t%s\tfail\tstatus %#x\n", row->name,
		       side_names[side], status);
		return false;
	}
	if (*outcome->skip)
		printf("%s\t%s\tskip\t%s\n", row->name, side_names[side],
		       outcome->skip);
	else
		printf("%s\t%s\t%.2f\t%.2f\t%.2f\t%.2f\t%llu\n", row->name,
		       side_names[side], outcome->enter, outcome->peer,
		       outcome->app, outcome->spread, outcome->operations);
	return true;
}

static bool chosen(const char *name, char **patterns)
{
	/* What is known is there to be asked for, by who counts. */
	if (!*patterns)
		return strncmp(name, "known/", 6);
	for (; *patterns; patterns++) {
		if (!fnmatch(*patterns, name, 0))
			return true;
	}
	return false;
}

/* The same addresses in each run, everything in memory, many descriptors. */
static void settle(char **argv)
{
	const struct rlimit files = { 131072, 131072 };
	int now = personality(0xffffffff);
	unsigned int i;
	__u64 begun, cost;

	if (!(now & ADDR_NO_RANDOMIZE)) {
		if (personality(now | ADDR_NO_RANDOMIZE) < 0)
			err(1, "personality");
		execv("/proc/self/exe", argv);
		err(1, "exec");
	}
	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "setrlimit");
	if (mlockall(MCL_CURRENT))
		err(1, "mlockall");
	bench_clock_cost = ~0ULL;
	for (i = 0; i < 100; i++) {
		begun = bench_clock();
		cost = bench_clock() - begun;
		if (cost < bench_clock_cost)
			bench_clock_cost = cost;
	}
}

/* How fast the clock is. */
static double ticks_per_second(void)
{
	struct timespec from, now;
	double seconds;
	__u64 begun;

	clock_gettime(CLOCK_MONOTONIC, &from);
	begun = bench_clock();
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
		seconds = now.tv_sec - from.tv_sec +
			  (now.tv_nsec - from.tv_nsec) / 1e9;
	} while (seconds < 0.02);
	return (bench_clock() - begun) / seconds;
}

/*
 * bench [--side NAME]... [--samples N] [--pause SECONDS] [PATTERN]...
 *
 * The pause between rows is for old connections to be forgotten, which takes a
 * minute; where the clock counts instructions, idle time passes at once.
 */
int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "side",	required_argument, NULL, 's' },
		{ "samples",	required_argument, NULL, 'n' },
		{ "pause",	required_argument, NULL, 'p' },
		{ }
	};
	unsigned int i, sides = 0, samples = 41, pause = 0;
	const struct row *row;
	enum bench_side side;
	bool good = true;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			for (side = 0; side < NR_SIDES; side++) {
				if (!strcmp(optarg, side_names[side]))
					sides |= 1U << side;
			}
			break;
		case 'n':
			samples = arg_number("samples", optarg, 1, MAX_SAMPLES);
			break;
		case 'p':
			pause = arg_number("pause", optarg, 0, 3600);
			break;
		default:
			return 2;
		}
	}
	if (!sides)
		sides = ON_SERVERS;
	settle(argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (outcome == MAP_FAILED)
		err(1, "mmap");
	printf("clock\t%llu\t%.0f\n", bench_clock_cost, ticks_per_second());
	for (i = 0; i < ARRAY_SIZE(all_rows); i++) {
		for (row = all_rows[i]; row->name; row++) {
			if (!chosen(row->name, argv + optind))
				continue;
			for (side = 0; side < NR_SIDES; side++) {
				if (row->sides & sides & 1U << side)
					good &= run(row, side, samples, pause);
			}
		}
	}
	return !good;
}
