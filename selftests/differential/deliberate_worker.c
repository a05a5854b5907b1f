// SPDX-License-Identifier: GPL-2.0
/*
 * Differences that are meant to be there, of what io_uring has a worker do and ruring has not, or the other way round.
 */
#include <errno.h>
#include <stdio.h>

#include "deliberate.h"
#include "oracle.h"

#define LINKS	(IOSQE_IO_LINK | IOSQE_IO_HARDLINK)

/* What a worker of io_uring was at when another one was to be made, for which it is interrupted. */
bool is_interrupted_worker(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_CQE && d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] == 1 &&
	       d->events[SIDE_IO_URING][0].res == -EINTR && d->events[SIDE_RURING][0].res >= 0 &&
	       has_kind(p, sqe_of(p, d->key), KIND(PTY));
}

/* Whether it reads or writes what cannot be waited for. */
static bool is_transfer_by_worker(const struct program *p, const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_READ:
	case IORING_OP_READV:
	case IORING_OP_READ_FIXED:
	case IORING_OP_READV_FIXED:
	case IORING_OP_WRITE:
	case IORING_OP_WRITEV:
	case IORING_OP_WRITE_FIXED:
	case IORING_OP_WRITEV_FIXED:
		return has_kind(p, sqe, KIND(REGULAR) | KIND(DEVICE) | KIND(PROC_FILE));
	default:
		return false;
	}
}

/* Whether it is linked, and so are all that are submitted with it behind it. */
static bool is_of_link_without_end(const struct program *p, unsigned int request)
{
	unsigned int i, j;

	for (i = 0; i < p->nr_steps; i++) {
		const struct step *step = &p->steps[i];
		unsigned int end = step->first + step->nr;

		if (step->kind != STEP_SUBMIT || request < step->first || request >= end)
			continue;
		/* the last one that is to be submitted is not there */
		while (step->flags & STEP_NOWHERE && end > request && p->requests[--end].dropped)
			;
		for (j = request; j < end && (p->requests[j].dropped || p->requests[j].sqe.flags & LINKS); j++)
			;
		return j == end;
	}
	return false;
}

bool is_behind_a_worker(const struct program *p, unsigned int request)
{
	unsigned int i;

	if (is_of_link_without_end(p, request))
		return true;
	for (i = request; i-- > 0;) {
		const struct io_uring_sqe *sqe = &p->requests[i].sqe;

		if (p->requests[i].dropped)
			continue;
		if (!(sqe->flags & LINKS))
			return false;
		if (sqe->flags & IOSQE_ASYNC || is_for_a_worker(sqe->opcode) || is_transfer_by_worker(p, sqe))
			return true;
	}
	return false;
}

bool is_impatient_worker(const struct program *p, const struct difference *d)
{
	bool ends = false;
	unsigned int i;

	/* one of several if others have its user_data */
	for (i = 0; i < d->nr[SIDE_IO_URING]; i++)
		ends |= d->events[SIDE_IO_URING][i].res == -EAGAIN ||
			(d->events[SIDE_IO_URING][i].res == -EINPROGRESS &&
			 sqe_of(p, d->key)->opcode == IORING_OP_CONNECT);
	return ends && d->kind == EVENT_CQE && d->key - USER_DATA < MAX_REQUESTS &&
	       is_behind_a_worker(p, d->key - USER_DATA);
}

/* Whether a request has a descriptor as its result. */
static bool makes_descriptor(const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2:
	case IORING_OP_SOCKET:
	case IORING_OP_ACCEPT:
	case IORING_OP_PIPE:
	case IORING_OP_FIXED_FD_INSTALL:
		return true;
	default:
		return false;
	}
}

/* One, of a slot if it is to be a free one of these, or none if there are few of them, and others have had the last. */
static bool may_be_descriptor(const struct program *p, const struct event *e)
{
	return e->res > 0 || (!e->res && sqe_of(p, e->key)->file_index == IORING_FILE_INDEX_ALLOC) || (p->descriptors && e->res == -EMFILE);
}

/* Two descriptors, of which the one or the other is the lower one. */
bool is_descriptor_of_a_worker(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *one = sqe_of(p, d->key);
	bool others = false, by_worker;
	unsigned int i;

	/* a pipe's descriptors are told in memory */
	if (d->kind == EVENT_STRUCTS)
		one = &p->requests[d->key].sqe;
	if (d->kind == EVENT_STRUCTS ? one->opcode != IORING_OP_PIPE :
	    d->kind != EVENT_CQE || !makes_descriptor(one) || d->nr[SIDE_IO_URING] != 1 || d->nr[SIDE_RURING] != 1 ||
	    !may_be_descriptor(p, &d->events[SIDE_IO_URING][0]) || !may_be_descriptor(p, &d->events[SIDE_RURING][0]))
		return false;
	by_worker = begins_in_worker(one) || is_for_a_worker(one->opcode) || drains_before(p, d->step);
	for (i = 0; i < p->nr_requests; i++) {
		const struct io_uring_sqe *other = &p->requests[i].sqe;

		if (other == one || p->requests[i].dropped ||
		    !(makes_descriptor(other) || other->opcode == IORING_OP_CLOSE))
			continue;
		others = true;
		by_worker |= begins_in_worker(other) || is_for_a_worker(other->opcode);
	}
	return others && by_worker;
}

/* Whether the eventfd is at some time one for what workers have done. */
static bool has_eventfd_for_workers(const struct program *p)
{
	unsigned int i;

	for (i = 0; i < p->nr_steps; i++)
		if (p->steps[i].kind == STEP_REGISTER && p->steps[i].reg.opcode == IORING_REGISTER_EVENTFD_ASYNC)
			return true;
	return false;
}

/* What an eventfd tells of: the completions that were taken in a step, or, if those were kept, in the first one behind it. */
static bool tells_of(const struct program *p, enum side side, unsigned int step,
		     bool (*is)(const struct io_uring_sqe *sqe, const struct event *e))
{
	const struct trace *t = last_trace(side);
	unsigned int i, j, taken = STEP_END;

	for (i = 0; i < t->nr && i < MAX_EVENTS; i++)
		if (t->events[i].kind == EVENT_CQE && t->events[i].step >= step && t->events[i].step < taken)
			taken = t->events[i].step;
	for (i = 0; i < t->nr && i < MAX_EVENTS; i++) {
		const struct event *e = &t->events[i];

		for (j = 0; e->kind == EVENT_CQE && e->step == taken && j < p->nr_requests; j++)
			if (p->requests[j].sqe.user_data == e->key && is(&p->requests[j].sqe, e))
				return true;
	}
	return false;
}

static bool has_failed(const struct io_uring_sqe *sqe, const struct event *e)
{
	(void)sqe;
	return e->res < 0;
}

static bool is_done_by_worker(const struct io_uring_sqe *sqe, const struct event *e)
{
	(void)e;
	return is_for_a_worker(sqe->opcode);
}

static bool may_be_done_by_worker(const struct io_uring_sqe *sqe, const struct event *e)
{
	return begins_in_worker(sqe) || is_done_by_worker(sqe, e);
}

static bool has_failed_in_worker(const struct io_uring_sqe *sqe, const struct event *e)
{
	return sqe->flags & IOSQE_ASYNC && e->res < 0;
}

/* An error that a worker of io_uring has found, and the task tells of. */
bool is_error_of_a_worker(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_EVENTFD && !d->nr[SIDE_IO_URING] && has_eventfd_for_workers(p) &&
	       tells_of(p, SIDE_RURING, d->step, has_failed_in_worker);
}

/* A worker has done something of a ring whose task was told of other work before. */
bool is_told_of_a_worker(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_EVENTFD && !d->nr[SIDE_IO_URING] && p->setup & IORING_SETUP_DEFER_TASKRUN &&
	       has_eventfd_for_workers(p) && tells_of(p, SIDE_RURING, d->step, may_be_done_by_worker);
}

static bool has_opened(const struct io_uring_sqe *sqe, const struct event *e)
{
	return (sqe->opcode == IORING_OP_OPENAT || sqe->opcode == IORING_OP_OPENAT2) && e->res >= 0;
}

/* A file of which io_uring does not know the name, so that a worker opens it. */
bool is_open_by_a_worker(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_EVENTFD && !d->nr[SIDE_RURING] && has_eventfd_for_workers(p) &&
	       tells_of(p, SIDE_IO_URING, d->step, has_opened);
}

/* An error that is found when it is submitted, by who would have had a worker do it. */
bool is_error_that_is_found(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_EVENTFD && !d->nr[SIDE_RURING] && has_eventfd_for_workers(p) &&
	       tells_of(p, SIDE_IO_URING, d->step, has_failed);
}

bool is_count_of_a_worker(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	if (d->kind != EVENT_CQE || sqe->opcode != IORING_OP_TIMEOUT || !sqe->off)
		return false;
	if (drains_before(p, d->step))
		return d->nr[SIDE_RURING] == 1 && !d->events[SIDE_RURING][0].res;
	/* it begins when another one has, before or behind others */
	return d->key - USER_DATA < MAX_REQUESTS && is_behind_a_worker(p, d->key - USER_DATA) &&
	       d->nr[SIDE_IO_URING] + d->nr[SIDE_RURING] == 1 && !d->events[d->nr[SIDE_RURING]][0].res;
}

bool is_part_of_a_worker(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	if (d->kind != EVENT_CQE || d->nr[SIDE_RURING] || d->nr[SIDE_IO_URING] != 1 ||
	    !(sqe->msg_flags & MSG_WAITALL) || !(begins_in_worker(sqe) || drains_before(p, d->step)))
		return false;
	switch (sqe->opcode) {
	case IORING_OP_RECV:
	case IORING_OP_RECVMSG:
	case IORING_OP_SEND:
	case IORING_OP_SENDMSG:
	case IORING_OP_SEND_ZC:
	case IORING_OP_SENDMSG_ZC:
		return d->events[SIDE_IO_URING][0].res > 0 || d->events[SIDE_IO_URING][0].res == -EAGAIN;
	default:
		return false;
	}
}

/* An error on the one side, of what waits on the other. */
bool is_attempt_of_a_worker(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	if (d->kind != EVENT_CQE || d->nr[SIDE_RURING] != 1 || d->events[SIDE_RURING][0].res >= 0 ||
	    !(begins_in_worker(sqe) || drains_before(p, d->step) ||
	      (d->key - USER_DATA < MAX_REQUESTS && is_behind_a_worker(p, d->key - USER_DATA))))
		return false;
	/* that there is no group is another error there */
	if (d->nr[SIDE_IO_URING] == 1)
		return sqe->flags & IOSQE_BUFFER_SELECT && d->events[SIDE_IO_URING][0].res == -ENOBUFS &&
		       d->events[SIDE_RURING][0].res == -ENOENT;
	return is_multishot(sqe) && !d->nr[SIDE_IO_URING];
}

/* A worker has done here what io_uring need not have one for. */
bool is_told_of_what_a_worker_does(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_EVENTFD && !d->nr[SIDE_IO_URING] && has_eventfd_for_workers(p) &&
	       tells_of(p, SIDE_RURING, d->step, is_done_by_worker);
}

/* What a worker reads of a file to which the call that submits it writes. */
bool is_read_behind_a_write(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	unsigned int i;

	if (d->kind != EVENT_CQE || !has_kind(p, sqe, KIND(PROC_FILE)) || d->step >= p->nr_steps ||
	    d->nr[SIDE_IO_URING] != 1 || d->nr[SIDE_RURING] != 1)
		return false;
	for (i = 0; i < p->nr_requests; i++) {
		const struct io_uring_sqe *other = &p->requests[i].sqe;

		if (p->requests[i].dropped || !has_kind(p, other, KIND(PROC_FILE)))
			continue;
		switch (other->opcode) {
		case IORING_OP_WRITE:
		case IORING_OP_WRITEV:
		case IORING_OP_WRITE_FIXED:
		case IORING_OP_WRITEV_FIXED:
			return other != sqe;
		}
	}
	return false;
}

/* A worker of io_uring tries one of a file that cannot be tried without waiting, once. */
bool is_multishot_that_stays(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return d->kind == EVENT_CQE && sqe->opcode == IORING_OP_READ_MULTISHOT && d->nr[SIDE_IO_URING] == 1 &&
	       !d->nr[SIDE_RURING] && !(d->events[SIDE_IO_URING][0].flags & IORING_CQE_F_MORE) &&
	       has_kind(p, sqe, KIND(EPOLL) | KIND(SECOND_RING) | KIND(PTY)) &&
	       (begins_in_worker(sqe) || is_behind_a_worker(p, d->key - USER_DATA) || drains_before(p, d->step));
}

/* Whether what a request has found is a group that a worker of io_uring makes or takes away. */
bool is_group_by_a_worker(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	const struct event *theirs = d->events[SIDE_IO_URING], *ours = d->events[SIDE_RURING];
	unsigned int i;

	/* or the buffers are in another order */
	if (d->kind != EVENT_CQE || !(sqe->flags & IOSQE_BUFFER_SELECT) || !d->nr[SIDE_IO_URING] ||
	    (theirs[0].res != -ENOBUFS && (!d->nr[SIDE_RURING] || theirs[0].flags == ours[0].flags)))
		return false;
	for (i = 0; i < p->nr_requests; i++) {
		const struct io_uring_sqe *other = &p->requests[i].sqe;

		if (!p->requests[i].dropped && begins_in_worker(other) && other->buf_group == sqe->buf_group &&
		    other->opcode == IORING_OP_PROVIDE_BUFFERS)
			return true;
	}
	return false;
}

/* The steps behind a wait have their own sight of the ring. */
bool is_seen_before_a_worker(const struct program *p, const struct difference *d)
{
	unsigned int i, j;

	/* what is closed while it sleeps on is not there any more */
	if (d->kind == EVENT_CQE && d->step < p->nr_steps && p->steps[d->step].kind == STEP_SUBMIT &&
	    p->steps[d->step].wait > 1 && p->setup & IORING_SETUP_DEFER_TASKRUN && drains_before(p, d->step) &&
	    d->nr[SIDE_IO_URING] == 1 && d->events[SIDE_IO_URING][0].res == -EBADF)
		return true;
	/* who looks for edges during the wait has seen it by its end */
	if (d->kind == EVENT_EPOLL && p->edge && !d->nr[SIDE_RURING] && d->step < p->nr_steps &&
	    p->steps[d->step].kind == STEP_SUBMIT && p->steps[d->step].wait > 1 && p->steps[d->step].during &&
	    p->setup & IORING_SETUP_DEFER_TASKRUN)
		for (j = 0; j < (unsigned int)p->steps[d->step].first + p->steps[d->step].nr; j++)
			if (!p->requests[j].dropped && begins_in_worker(&p->requests[j].sqe))
				return true;
	if ((d->kind != EVENT_VISIBLE && d->kind != EVENT_POLL) || !(p->setup & IORING_SETUP_DEFER_TASKRUN))
		return false;
	if (d->nr[SIDE_IO_URING] && d->nr[SIDE_RURING] &&
	    d->events[SIDE_IO_URING][0].res >= d->events[SIDE_RURING][0].res)
		return false;
	for (i = 0; i < d->step && i < p->nr_steps; i++) {
		const struct step *step = &p->steps[i];

		if (step->kind != STEP_SUBMIT || step->wait < 2 || i + step->during < d->step)
			continue;
		for (j = 0; j < (unsigned int)step->first + step->nr; j++)
			if (!p->requests[j].dropped && begins_in_worker(&p->requests[j].sqe))
				return true;
	}
	return false;
}
