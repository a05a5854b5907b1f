// SPDX-License-Identifier: GPL-2.0
/*
 * Random programs on io_uring and on ruring, compared.
 *
 * Environment:
 *   SEED      the first seed (one by the clock)
 *   BRANCH    a program that departs from that of SEED, as it is printed
 *   COVERED   a file for the blocks of the module that were reached
 *   PROGRAMS  how many seeds (300)
 *   HANG      seconds after which a program hangs (5)
 *   KNOWN     a file with differences by their kind, a line each, that are not shown
 *   LIMIT     how many seconds at most, of the clock there, and as many programs as are through by then
 *   LONG=1    a deliberate difference that is never met is a failure
 *   SEEDS     a file with the seeds, instead of those from SEED on
 *   SAME      a file for the seeds of programs that do not differ
 *   SHRINK=0  programs that differ are shown as they are
 *   PROMPT=1  only programs in which nothing depends on how soon packets are acknowledged or timers expire
 *   UNSTABLE=1  what is not the same each time on one side is shown
 *   PRINT=1   the program of SEED and BRANCH is shown, and none is run: on any machine
 *   SHOW=1    every program is shown, and what was seen of it
 *   TAP=1     the result as that of a kselftest of one case
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../random.h"
#include "census.h"
#include "cover.h"
#include "deliberate.h"
#include "oracle.h"
#include "world.h"

#define MAX_CLASSES	1000

/* Kinds of differences, and how often there was one. */
static struct {
	char class[160];
	unsigned int times;
	bool known;
} classes[MAX_CLASSES];
static unsigned int nr_classes;

/* Whether it is the first of its kind; counts it. */
static bool is_new(const char *class)
{
	unsigned int i;

	for (i = 0; i < nr_classes; i++) {
		if (!strcmp(classes[i].class, class)) {
			classes[i].times++;
			return false;
		}
	}
	if (nr_classes == MAX_CLASSES)
		return false;
	snprintf(classes[nr_classes].class, sizeof(classes[0].class), "%s", class);
	classes[nr_classes++].times = 1;
	return true;
}

static void read_known(const char *path)
{
	char line[200];
	FILE *f = path ? fopen(path, "r") : NULL;

	while (f && fgets(line, sizeof(line), f) && nr_classes < MAX_CLASSES) {
		line[strcspn(line, "\n")] = 0;
		if (!line[0] || strlen(line) >= sizeof(classes[0].class))
			continue;
		classes[nr_classes].known = true;
		snprintf(classes[nr_classes++].class, sizeof(classes[0].class), "%.159s", line);
	}
	if (f)
		fclose(f);
}

static void show(const struct program *p, const struct difference *d)
{
	printf("\nDIFFERS (SEED=%llu BRANCH=%llu): %s\n", p->seed, p->branch, d->class);
	print_program(p);
	print_difference(p, d);
	printf("  until then on io_uring\n");
	print_trace(p, last_trace(SIDE_IO_URING), d->step);
	printf("  until then on ruring\n");
	print_trace(p, last_trace(SIDE_RURING), d->step);
	fflush(stdout);
}

static void show_both(const struct program *p)
{
	printf("\nSEED=%llu BRANCH=%llu\n", p->seed, p->branch);
	print_program(p);
	printf("  on io_uring\n");
	print_trace(p, last_trace(SIDE_IO_URING), STEP_END);
	printf("  on ruring\n");
	print_trace(p, last_trace(SIDE_RURING), STEP_END);
}

/* Programs that have reached something first. */
static __u64 pioneers[512];
static unsigned int nr_pioneers;

/* Every other program departs from one of them. */
static void next_program(struct program *p, __u64 seed, __u64 i)
{
	__u64 branch = number_from("BRANCH", 0);

	rnd_seed(seed, 7);
	if (!branch && nr_pioneers && i % 2)
		generate(p, pioneers[rnd() % nr_pioneers], seed);
	else
		generate(p, seed, branch);
}

/* The next seed that there is in @f. */
static bool read_seed(FILE *f, __u64 *seed)
{
	return fscanf(f, "%llu", seed) == 1;
}

/* After so many programs what was reached is written, so that a run that does not end has told of most of it. */
#define WRITE_AFTER	100

static void note_cover(const struct program *p, __u64 i)
{
	if (getenv("COVERED") && i % WRITE_AFTER == WRITE_AFTER - 1)
		cover_write(getenv("COVERED"));
	if (cover_count() && nr_pioneers < ARRAY_SIZE(pioneers) && !p->branch)
		pioneers[nr_pioneers++] = p->seed;
}

static void write_cover(void)
{
	const char *path = getenv("COVERED");

	if (path)
		printf("%u blocks of the module were reached\n", cover_write(path));
}

int main(void)
{
	__u64 first = number_from("SEED", time(NULL)), programs = number_from("PROGRAMS", 300), i;
	unsigned int differ = 0, unstable = 0, excused = 0, left_out = 0, unmet, limit = number_from("LIMIT", 0);
	FILE *seeds = NULL, *same = NULL;
	static struct program p;
	long long start;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!has_everything())
		return 2;
	if (getenv("PRINT")) {
		generate(&p, first, number_from("BRANCH", 0));
		print_program(&p);
		return 0;
	}
	/* none of ours among those that programs have */
	close_range(STDERR_FILENO + 1, ~0U, 0);
	if (!quotes_are_right() || device_fd() < 0 || own_network() || map_place() ||
	    oracle_init(number_from("HANG", 5))) {
		perror("set-up");
		return 2;
	}
	if (getenv("SEEDS"))
		seeds = fopen(getenv("SEEDS"), "r");
	if (getenv("SAME"))
		same = fopen(getenv("SAME"), "w");
	read_known(getenv("KNOWN"));
	if (getenv("COVERED") && !cover_init())
		printf("# the module does not say what is reached\n");
	printf("SEED=%llu PROGRAMS=%llu\n", first, programs);
	start = now_ms();
	for (i = 0; seeds || i < programs; i++) {
		if (limit && now_ms() - start > 1000 * (long long)limit)
			break;
		/* selftests/differential/run goes on from there */
		if (is_slowed_down() && !seeds) {
			printf("# the next one is SEED=%llu\n", first + i);
			break;
		}
		struct difference d;
		enum verdict verdict;
		__u64 seed = first + i;

		if (seeds && !read_seed(seeds, &seed))
			break;
		next_program(&p, seed, i);
		if (getenv("PROMPT") && depends_on_time(&p)) {
			left_out++;
			continue;
		}
		verdict = ask(&p, &d);
		if (same && verdict == VERDICT_SAME && !p.branch) {
			fprintf(same, "%llu\n", seed);
			fflush(same);
		}
		note_cover(&p, i);
		if (getenv("SHOW")) {
			show_both(&p);
			printf("at %lld\n", now_ms() - start);
		}
		if (verdict == VERDICT_UNSTABLE)
			unstable++;
		if (verdict == VERDICT_DELIBERATE)
			excused++;
		if (verdict != VERDICT_DIFFERS)
			continue;
		differ++;
		if (!is_new(d.class))
			continue;
		if (!number_from("SHRINK", 1)) {
			show(&p, &d);
			continue;
		}
		printf("# SEED=%llu BRANCH=%llu differs: %s\n", p.seed, p.branch, d.class);
		shrink(&p, &d);
		/* the traces are those of the last attempt, which need not be this program's */
		if (differs_once(&p, &d))
			show(&p, &d);
		else
			printf("# it does not differ again\n");
	}
	programs = i - left_out;
	if (same)
		fclose(same);
	printf("\n");
	for (i = 0; i < nr_classes; i++)
		if (classes[i].times)
			printf("  %6u %s%s\n", classes[i].times, classes[i].known ? "(known) " : "",
			       classes[i].class);
	write_cover();
	unmet = print_met();
	printf("%u not the same each time (%.2f%%), %u deliberate, %lld ms\n", unstable,
	       100.0 * unstable / (programs ?: 1), excused, now_ms() - start);
	if (getenv("TAP")) {
		/* most have to say something */
		bool well = !differ && 2 * unstable < programs;

		printf("1..1\n%s 1 %llu programs, %u differ, %u not the same each time\n",
		       well ? "ok" : "not ok", programs, differ, unstable);
		return !well;
	}
	printf("%llu programs, %u differ\n", programs, differ);
	return differ || (unmet && getenv("LONG"));
}
