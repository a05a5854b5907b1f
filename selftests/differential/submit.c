// SPDX-License-Identifier: GPL-2.0
/*
 * Submits what a program that runs asks for, and what is left of it at its end.
 */
#include <signal.h>
#include <string.h>

#include "run.h"

/* Whether it takes two entries. */
static bool is_large(const struct ring *r, const struct io_uring_sqe *sqe)
{
	return r->params.flags & IORING_SETUP_SQE_MIXED &&
	       (sqe->opcode == IORING_OP_NOP128 || sqe->opcode == IORING_OP_URING_CMD128);
}

/* Where entries are in the submission queue: the last one nowhere, if that is said. */
static void set_places(struct ring *r, bool nowhere)
{
	unsigned int mask = r->params.sq_entries - 1, i;

	for (i = 0; r->sq_array && i <= mask; i++)
		r->sq_array[i] = i;
	if (r->sq_array && nowhere)
		r->sq_array[(r->prepared - 1) & mask] = mask + 1;
}

/* More entries than that have too much to tell. */
#define FILL_ENTRIES	64

void fill_queue(struct run *run)
{
	struct ring *r = &run->rings[0];

	if (!(r->params.flags & IORING_SETUP_SQPOLL) || !run->enabled[0] || r->params.sq_entries > FILL_ENTRIES)
		return;
	rest(run, false);
	while (r->prepared - __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE) < r->params.sq_entries)
		*ring_sqe(r) = (struct io_uring_sqe) { .opcode = IORING_OP_NOP, .user_data = FILLER };
	set_places(r, false);
	ring_publish(r);
}

/* Writes the argument of a wait; where it is in the region. */
static unsigned int write_wait(const struct step *step, __u64 later)
{
	struct io_uring_reg_wait arg = step->wait_arg;

	if (arg.ts.tv_sec)
		arg.ts.tv_sec = later;
	if (step->wait_offset <= REGION_SIZE - sizeof(arg))
		memcpy((char *)REGION + step->wait_offset, &arg, sizeof(arg));
	return step->wait_offset;
}

unsigned int ring_of(const struct run *run, const struct step *step)
{
	if (step->by && step->by <= INDICES && run->at[step->by - 1] >= 0)
		return run->at[step->by - 1];
	return step->ring;
}

void submit(struct run *run, unsigned int index)
{
	const struct step *step = &run->p->steps[index];
	struct ring *r = &run->rings[ring_of(run, step)];
	unsigned int i, nr, flags = step->enter;
	unsigned int wait = min_complete(r->params.flags, step->wait);
	/* by the clock it is over, or not for a long time, which is still one that can be told */
	__u64 later = step->enter & IORING_ENTER_ABS_TIMER ? 1ULL << 32 : 1000;
	struct __kernel_timespec time = { .tv_sec = step->timed == TIMED_ZERO ? 0 : later };
	struct io_uring_getevents_arg arg = { .ts = (unsigned long)&time };
	sigset_t mask;
	struct io_uring_sqe *sqe = NULL;
	int fd = step->by ? step->by - 1 : r->fd;
	long ret;

	if (!run->has_ring[ring_of(run, step)])
		return;
	if (step->by || r->params.flags & IORING_SETUP_REGISTERED_FD_ONLY)
		flags |= IORING_ENTER_REGISTERED_RING;
	if (r->params.flags & IORING_SETUP_SQ_REWIND)
		r->prepared = 0;
	for (i = step->first; i < (unsigned int)step->first + step->nr; i++) {
		unsigned int head = __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE);

		if (run->p->requests[i].dropped)
			continue;
		if (r->prepared - head + is_large(r, &run->p->requests[i].sqe) >= r->params.sq_entries)
			break;
		write_structs(run->p, i);
		sqe = ring_sqe(r);
		*sqe = run->p->requests[i].sqe;
		/* the second half, of zeroes */
		if (is_large(r, sqe))
			ring_sqe(r);
	}
	/*
	 * What a link would lead to is in the same submission. io_uring issues one that
	 * leads nowhere in a worker, with calls that block.
	 */
	if (sqe)
		sqe->flags &= ~(IOSQE_IO_LINK | IOSQE_IO_HARDLINK);
	set_places(r, sqe && step->flags & STEP_NOWHERE);
	nr = ring_publish(r);
	if (r->params.flags & IORING_SETUP_SQPOLL)
		flags |= IORING_ENTER_SQ_WAKEUP;
	if (step->wait)
		help(run, index + 1, index + 1 + step->during);
	if (step->timed) {
		flags |= IORING_ENTER_EXT_ARG;
		sigemptyset(&mask);
		sigaddset(&mask, SIGHUP);
		switch (step->timed) {
		case TIMED_MASK:
		case TIMED_BAD_MASK:
			arg.sigmask = (unsigned long)&mask;
			arg.sigmask_sz = step->timed == TIMED_MASK ? 8 : 3;
			break;
		case TIMED_LEAST:
			arg.min_wait_usec = 1;
			break;
		case TIMED_NOWHERE:
			arg.ts = 8;
			break;
		}
	}
	if (step->timed == TIMED_REGION)
		ret = backend_enter(r->backend, fd, nr, wait, flags | IORING_ENTER_EXT_ARG_REG,
				    (void *)(unsigned long)write_wait(step, later),
				    sizeof(struct io_uring_reg_wait));
	else if (step->timed)
		ret = backend_enter(r->backend, fd, nr, wait, flags, &arg,
				    step->timed == TIMED_BADLY ? 8 : sizeof(arg));
	else
		ret = backend_enter(r->backend, fd, nr, wait, flags, NULL, 0);
	if (step->wait)
		helped(run);
	/* how many the thread had not taken by then is nobody's business */
	if (r->params.flags & IORING_SETUP_SQPOLL && ret == (long)nr)
		ret = 0;
	event(run, EVENT_RETURN, step->ring, 0, ret, 0, 0);
}

void submit_rest(struct run *run)
{
	unsigned int i, left, tries;

	for (i = 0; i < RINGS; i++) {
		struct ring *r = &run->rings[i];

		if (!run->has_ring[i] || r->params.flags & IORING_SETUP_SQ_REWIND)
			continue;
		for (tries = 0; tries < MAX_REQUESTS; tries++) {
			left = r->prepared - __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE);
			if (!left)
				break;
			ring_enter(r, left, 0, IORING_ENTER_GETEVENTS |
				   (r->params.flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0));
		}
	}
	rest(run, false);
	rest(run, true);
	reap(run);
}

void cancel_all(struct run *run)
{
	unsigned int i;

	for (i = 0; i < RINGS; i++) {
		struct ring *r = &run->rings[i];
		unsigned int nr;

		if (!run->has_ring[i])
			continue;
		if (r->params.flags & IORING_SETUP_SQ_REWIND)
			r->prepared = 0;
		if (r->prepared - *r->sq_head >= r->params.sq_entries)
			ring_enter(r, ring_publish(r), 0, IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP);
		if (r->prepared - __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE) <
		    r->params.sq_entries) {
			struct io_uring_sqe *sqe = prep_cancel(r, 0, IORING_ASYNC_CANCEL_ANY |
							       IORING_ASYNC_CANCEL_ALL, 0x4000);

			sqe->fd = -1;
		}
		nr = ring_publish(r);
		ring_enter(r, nr, 0, IORING_ENTER_GETEVENTS |
			   (r->params.flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0));
	}
	rest(run, true);
	reap(run);
}
