/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What chaos.c does its worst to: the rings and the memory of a process, and
 * what it has of its faults.
 */
#ifndef SELFTESTS_CHAOS_H
#define SELFTESTS_CHAOS_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "requests_other.h"
#include "rsrc.h"

/* by hand it may go on for hours */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 36000

#define RINGS		3
#define THREADS		2
#define ACTIONS		150
#define PAGES		64
/*
 * Where the memory is: nothing else that the process has is near, so that what
 * the kernel writes behind it, or one bit beside it, is nowhere. What is mapped
 * later is not put into its holes.
 */
#define PLACE		((void *)0x200000000000)
/* How long a call may last, but for what cannot be interrupted. */
#define TICK_MS		50
/* How long all calls of a seed may, which take a second or two, on the slowest of machines. */
#define LIFE_MS		(4 * DEADLINE_MS)

static struct world world;
static struct ring rings[RINGS];
static __thread sigjmp_buf *back;
/* not on the stack, where a fault would have it forgotten */
static __thread int left;

static void on_fault(int signal)
{
	if (back)
		siglongjmp(*back, 1);
	_exit(128 + signal);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void any_memory(void)
{
	unsigned int page = below(PAGES), nr = 1 + below(4);
	char *at = world.mem + page * PAGE;

	if (page + nr > PAGES)
		nr = PAGES - page;
	switch (below(4)) {
	case 0:
		munmap(at, nr * PAGE);
		break;
	case 1:
		mprotect(at, nr * PAGE, below(2) ? PROT_READ : PROT_NONE);
		break;
	case 2:
		madvise(at, nr * PAGE, MADV_DONTNEED);
		break;
	default:
		/* all of it, so that there is memory more often than not */
		mmap(world.mem, PAGES * PAGE, PROT_READ | PROT_WRITE,
		     MAP_FIXED | MAP_ANONYMOUS | (below(2) ? MAP_SHARED : MAP_PRIVATE), -1, 0);
	}
}

static void scribble(struct ring *r)
{
	unsigned int *words[] = {
		r->sq_head, r->sq_tail, r->sq_flags, r->sq_dropped, r->cq_head, r->cq_tail,
		r->cq_overflow, r->rings + r->params.sq_off.ring_mask,
		r->rings + r->params.cq_off.ring_mask,
		r->rings + r->params.sq_off.ring_entries,
		r->rings + r->params.cq_off.ring_entries,
		r->rings + r->params.cq_off.flags,
	};
	struct io_uring_buf_ring *br = (void *)(world.mem + 8 * PAGE);

	switch (below(5)) {
	case 0:
		__atomic_store_n(pick(words), rnd() >> below(64), __ATOMIC_RELAXED);
		break;
	case 1:
		if (r->sq_array)
			r->sq_array[below(r->params.sq_entries)] = rnd() >> below(64);
		break;
	case 2:
		((__u8 *)r->sqes)[below(r->sqes_size)] = rnd();
		break;
	case 3:
		br->bufs[below(16)] = (struct io_uring_buf) {
			.addr = any_address(&world),
			.len = any_len(),
			.bid = rnd(),
		};
		break;
	case 4:
		__atomic_store_n(&br->tail, below(4) ? br->tail + below(8) : rnd(),
				 __ATOMIC_RELEASE);
		break;
	}
}

#endif /* SELFTESTS_CHAOS_H */
