// SPDX-License-Identifier: GPL-2.0
/*
 * What one call of io_uring_enter() costs: each submits a NOP and takes its
 * completion. Run it on ruring, on io_uring, and on io_uring under ruring-run.
 *
 *	call-cost --backend io_uring --calls 10000
 *
 * With --liburing it is liburing.so that makes the call, from instructions of its
 * own; else the C library's syscall() does.
 */
#include <dlfcn.h>
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "ring.h"

static const char usage[] =
"usage: call-cost [OPTION]...\n"
"  --backend NAME   ruring (default) or io_uring\n"
"  --calls N        how many (10000)\n"
"  --liburing       io_uring_enter() of liburing.so.2 makes them\n";

/* How the call is made, or NULL: as tools/ring.c does. */
static int (*library_enter)(unsigned int fd, unsigned int to_submit,
			    unsigned int min_complete, unsigned int flags,
			    void *sig);

static void load_liburing(void)
{
	void *library = dlopen("liburing.so.2", RTLD_NOW);

	if (library)
		library_enter = dlsym(library, "io_uring_enter");
	if (!library_enter)
		errx(3, "no io_uring_enter() in liburing.so.2");
}

static void call(struct ring *ring)
{
	struct io_uring_sqe *sqe = ring_get_sqe(ring);
	int ret;

	/* All zero: IORING_OP_NOP. */
	if (!sqe)
		errx(1, "the submission queue is full");
	if (library_enter) {
		__atomic_store_n(ring->sq_tail, ring->sq_next,
				 __ATOMIC_RELEASE);
		ret = library_enter(ring->fd, 1, 1, IORING_ENTER_GETEVENTS,
				    NULL);
	} else {
		ret = ring_submit_and_wait(ring, 1);
	}
	if (ret != 1 || !ring_peek_cqe(ring))
		errx(1, "no completion: %s", strerror(-ret));
	ring_seen_cqe(ring);
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "backend",	required_argument, NULL, 'b' },
		{ "calls",	required_argument, NULL, 'n' },
		{ "liburing",	no_argument,	   NULL, 'l' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	enum ring_backend backend = RING_RURING;
	unsigned long i, calls = 10000;
	struct ring ring;
	double start;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			backend = arg_backend(optarg);
			break;
		case 'n':
			calls = arg_number("calls", optarg, 1, 1000000000);
			break;
		case 'l':
			load_liburing();
			break;
		default:
			arg_usage(c, usage);
		}
	}

	ret = ring_init(&ring, backend, 8, 16, IORING_SETUP_SINGLE_ISSUER |
			IORING_SETUP_DEFER_TASKRUN);
	if (ret < 0)
		errx(1, "cannot make a ring of %s: %s",
		     ring_backend_name(backend), strerror(-ret));
	/* Once, for what happens but once. */
	call(&ring);
	start = now_ns();
	for (i = 0; i < calls; i++)
		call(&ring);
	printf("%s: %.0f ns per call\n", ring_backend_name(backend),
	       (now_ns() - start) / calls);
	ring_exit(&ring);
	return 0;
}
