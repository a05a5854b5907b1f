// SPDX-License-Identifier: GPL-2.0
/*
 * ruring beside io_uring beside plain system calls: instructions for each
 * operation, where the clock counts instructions. bench/run starts this in a
 * virtual machine and reads what it prints, one line for a row on a side:
 *
 *	row TAB side TAB enter TAB peer TAB application TAB spread TAB operations
 *	row TAB side TAB skip TAB why
 */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
};

static const struct row * const all_rows[] = {
	nop_rows,
	transfer_rows,
	multishot_rows,
	poll_rows,
	accept_rows,
	cancel_rows,
	setup_rows,
	memory_rows,
};

/* What a child leaves to its parent. */
struct outcome {
	double enter, peer, app, spread;
	__u64 operations;
	char skip[128];
	bool done;
};

static struct outcome *outcome;
__u64 bench_clock_cost;

bool bench_sample(struct bench *b)
{
	if (b->taken == b->warm + b->wanted)
		return false;
	memset(b->spent, 0, sizeof(b->spent));
	b->begun = bench_clock();
	return true;
}

void bench_end(struct bench *b, unsigned int operations)
{
	__u64 total = bench_clock() - b->begun;
	__u64 counted = 0;
	unsigned int i;

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

/* The median, and how far the quartiles are from each other. */
static double median(double *values, unsigned int nr, double *spread)
{
	qsort(values, nr, sizeof(*values), compare);
	if (spread)
		*spread = values[nr * 3 / 4] - values[nr / 4];
	return nr % 2 ? values[nr / 2] : (values[nr / 2 - 1] + values[nr / 2]) / 2;
}

static void summarise(const struct bench *b)
{
	double values[MAX_SAMPLES];
	unsigned int i;

	if (b->taken != b->warm + b->wanted)
		errx(1, "the row ended early");
	for (i = 0; i < b->wanted; i++)
		values[i] = b->samples[i].peer;
	outcome->peer = median(values, b->wanted, NULL);
	for (i = 0; i < b->wanted; i++)
		values[i] = b->samples[i].app;
	outcome->app = median(values, b->wanted, NULL);
	for (i = 0; i < b->wanted; i++)
		values[i] = b->samples[i].enter;
	outcome->enter = median(values, b->wanted, &outcome->spread);
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

void bench_ring(struct bench *b, struct ring *ring, unsigned int sq_entries,
		unsigned int cq_entries)
{
	enum ring_backend backend = b->side == SIDE_RURING ? RING_RURING :
							     RING_IO_URING;
	int ret;

	if (b->side == SIDE_CALLS)
		errx(1, "system calls have no ring");
	ret = ring_init(ring, backend, sq_entries, cq_entries,
			b->row->setup_flags);
	if (ret < 0)
		errx(1, "cannot make a ring: %s", strerror(-ret));
}

bool bench_has(struct ring *ring, __u8 opcode)
{
	struct {
		struct io_uring_probe probe;
		struct io_uring_probe_op ops[256];
	} *all = calloc(1, sizeof(*all));
	bool has;
	int ret;

	if (!all)
		err(1, "calloc");
	ret = ring_register(ring, IORING_REGISTER_PROBE, all, 256);
	if (ret < 0)
		errx(1, "probe: %s", strerror(-ret));
	has = opcode <= all->probe.last_op &&
	      all->ops[opcode].flags & IO_URING_OP_SUPPORTED;
	free(all);
	return has;
}

struct io_uring_sqe *bench_sqe(struct ring *ring)
{
	struct io_uring_sqe *sqe = ring_get_sqe(ring);

	if (!sqe)
		errx(1, "the submission queue is full");
	return sqe;
}

void bench_enter_on(struct bench *b, enum account account, struct ring *ring,
		    unsigned int wait_nr)
{
	unsigned int to_submit = ring->sq_next - *ring->sq_head;
	int ret;

	__atomic_store_n(ring->sq_tail, ring->sq_next, __ATOMIC_RELEASE);
	ret = BENCH_CALL(b, account, ring_enter(ring, to_submit, wait_nr,
						IORING_ENTER_GETEVENTS));
	if (ret != (int)to_submit)
		errx(1, "%d of %u submitted", ret, to_submit);
}

struct completion bench_cqe(struct ring *ring)
{
	struct io_uring_cqe *cqe = ring_peek_cqe(ring);
	struct completion copy;

	if (!cqe)
		errx(1, "a completion is missing");
	copy.user_data = cqe->user_data;
	copy.res = cqe->res;
	copy.flags = cqe->flags;
	ring_seen_cqe(ring);
	return copy;
}

void bench_reap(struct ring *ring, unsigned int nr, int res)
{
	struct completion cqe;

	while (nr--) {
		cqe = bench_cqe(ring);
		if (cqe.res != res)
			errx(1, "result %d instead of %d", cqe.res, res);
	}
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
		unsigned int samples)
{
	int status;
	pid_t pid;

	memset(outcome, 0, sizeof(*outcome));
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		measure(row, side, samples);
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	/*
	 * What the kernel does after a process has time to be done, and old
	 * connections to be forgotten. Idle time passes in no time.
	 */
	sleep(62);
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
	if (!*patterns)
		return true;
	for (; *patterns; patterns++) {
		if (!fnmatch(*patterns, name, 0))
			return true;
	}
	return false;
}

/* The same addresses in each run, everything in memory, many descriptors. */
static void settle(char **argv)
{
	const struct rlimit files = { 65536, 65536 };
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

/* bench [--side NAME] [--samples N] [PATTERN]... */
int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "side",	required_argument, NULL, 's' },
		{ "samples",	required_argument, NULL, 'n' },
		{ }
	};
	unsigned int i, sides = ON_ALL, samples = 41;
	const struct row *row;
	enum bench_side side;
	bool good = true;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			for (side = 0; side < NR_SIDES; side++) {
				if (!strcmp(optarg, side_names[side]))
					sides = 1U << side;
			}
			break;
		case 'n':
			samples = arg_number("samples", optarg, 1, MAX_SAMPLES);
			break;
		default:
			return 2;
		}
	}
	settle(argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (outcome == MAP_FAILED)
		err(1, "mmap");
	printf("clock\t%llu\n", bench_clock_cost);
	for (i = 0; i < ARRAY_SIZE(all_rows); i++) {
		for (row = all_rows[i]; row->name; row++) {
			if (!chosen(row->name, argv + optind))
				continue;
			for (side = 0; side < NR_SIDES; side++) {
				if (row->sides & sides & 1U << side)
					good &= run(row, side, samples);
			}
		}
	}
	return !good;
}
