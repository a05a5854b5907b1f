// SPDX-License-Identifier: GPL-2.0
/*
 * Random programs on io_uring and on ruring, compared.
 *
 * Environment:
 *   SEED      the first seed (one by the clock)
 *   PROGRAMS  how many seeds (300)
 *   HANG      seconds after which a program hangs (5)
 *   KNOWN     a file with differences by their kind, a line each, that are not shown
 *   LONG=1    a deliberate difference that is never met is a failure
 *   SHRINK=0  programs that differ are shown as they are
 *   UNSTABLE=1  what is not the same each time on one side is shown
 *   SHOW=1    every program is shown, and what was seen of it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../random.h"
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
	printf("\nDIFFERS (SEED=%llu): %s\n", p->seed, d->class);
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
	printf("\nSEED=%llu\n", p->seed);
	print_program(p);
	printf("  on io_uring\n");
	print_trace(p, last_trace(SIDE_IO_URING), STEP_END);
	printf("  on ruring\n");
	print_trace(p, last_trace(SIDE_RURING), STEP_END);
}

int main(void)
{
	__u64 first = number_from("SEED", time(NULL)), programs = number_from("PROGRAMS", 300), i;
	unsigned int differ = 0, unstable = 0, excused = 0, unmet;
	static struct program p;
	long long start;

	setvbuf(stdout, NULL, _IOLBF, 0);
	/* none of ours among those that programs have */
	close_range(STDERR_FILENO + 1, ~0U, 0);
	if (!quotes_are_right() || device_fd() < 0 || own_network() || map_place() ||
	    oracle_init(number_from("HANG", 5))) {
		perror("set-up");
		return 2;
	}
	read_known(getenv("KNOWN"));
	printf("SEED=%llu PROGRAMS=%llu\n", first, programs);
	start = now_ms();
	for (i = 0; i < programs; i++) {
		struct difference d;
		enum verdict verdict;

		generate(&p, first + i);
		verdict = ask(&p, &d);
		if (getenv("SHOW")) {
			show_both(&p);
			printf("at %lld\n", now_ms() - start);
		}
		if (verdict == VERDICT_UNSTABLE)
			unstable++;
		if (verdict != VERDICT_DIFFERS)
			continue;
		if (deliberate(&p, &d)) {
			excused++;
			continue;
		}
		differ++;
		if (!is_new(d.class))
			continue;
		if (number_from("SHRINK", 1))
			shrink(&p, &d);
		/* the traces are those of the last attempt, which need not be this program's */
		if (differs_once(&p, &d))
			show(&p, &d);
	}
	printf("\n");
	for (i = 0; i < nr_classes; i++)
		if (classes[i].times)
			printf("  %6u %s%s\n", classes[i].times, classes[i].known ? "(known) " : "",
			       classes[i].class);
	unmet = print_met();
	printf("%u not the same each time (%.2f%%), %u deliberate, %lld ms\n", unstable,
	       100.0 * unstable / (programs ?: 1), excused, now_ms() - start);
	printf("%llu programs, %u differ\n", programs, differ);
	return differ || (unmet && getenv("LONG"));
}
