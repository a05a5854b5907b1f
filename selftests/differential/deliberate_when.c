// SPDX-License-Identifier: GPL-2.0
/*
 * Differences that are meant to be there, of when and in what order something
 * happens: what waits for what, who is first, and who is told.
 */
#include <errno.h>
#include <stdio.h>

#include "deliberate.h"
#include "oracle.h"

/* Whether the ring is told to drain up to that step, after one that skips its completion. */
static bool drains_after_skip(const struct program *p, unsigned int to_step)
{
	bool skips = false;
	unsigned int i, j;

	for (i = 0; i < p->nr_steps && i <= to_step; i++) {
		const struct step *step = &p->steps[i];

		if (step->kind != STEP_SUBMIT)
			continue;
		for (j = step->first; j < (unsigned int)step->first + step->nr; j++) {
			__u8 flags = p->requests[j].sqe.flags;

			if (p->requests[j].dropped)
				continue;
			skips |= flags & IOSQE_CQE_SKIP_SUCCESS;
			if (skips && flags & IOSQE_IO_DRAIN)
				return true;
		}
	}
	return false;
}

/* One that drains is refused on the one side: from there on other things are under way. */
bool is_drain_after_skip(const struct program *p, const struct difference *d)
{
	return drains_after_skip(p, d->step);
}

/* Whether one that is submitted at the same step drains, or has to wait for one that does. */
bool drains_before(const struct program *p, unsigned int to_step)
{
	unsigned int i, j;

	for (i = 0; i < p->nr_steps && i <= to_step; i++)
		for (j = p->steps[i].first; j < (unsigned int)p->steps[i].first + p->steps[i].nr; j++)
			if (p->steps[i].kind == STEP_SUBMIT && p->requests[j].sqe.flags & IOSQE_IO_DRAIN)
				return true;
	return false;
}

bool is_limit_that_was_over(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_CQE && sqe_of(p, d->key)->opcode == IORING_OP_LINK_TIMEOUT &&
	       d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] == 1 &&
	       d->events[SIDE_IO_URING][0].res == -ENOENT &&
	       d->events[SIDE_RURING][0].res == -ECANCELED;
}

/* Whether a request that takes no time is limited to none, and which of the two comes first is nobody's promise. */
bool is_limit_of_no_time(const struct program *p, const struct difference *d)
{
	__u64 i = d->key - USER_DATA + 1;
	unsigned int j;

	/* the limit itself is told first if others have its user_data */
	if (d->kind == EVENT_CQE && i <= MAX_REQUESTS && sqe_of(p, d->key)->opcode == IORING_OP_LINK_TIMEOUT &&
	    !p->requests[i - 1].structs.time.tv_sec)
		for (j = 0; j < d->nr[SIDE_RURING]; j++)
			if (d->events[SIDE_RURING][j].res == -ETIME)
				return true;
	return d->kind == EVENT_CQE && i < p->nr_requests && d->nr[SIDE_IO_URING] == 1 &&
	       d->nr[SIDE_RURING] == 1 && d->events[SIDE_RURING][0].res == -ECANCELED &&
	       p->requests[i].sqe.opcode == IORING_OP_LINK_TIMEOUT && !p->requests[i].dropped &&
	       !p->requests[i].structs.time.tv_sec;
}

/* A notification that is on the one side only is counted there, and whoever waits for several is told. */
bool is_count_of_a_notification(const struct program *p, const struct difference *d)
{
	if (!d->vain)
		return false;
	if (d->kind == EVENT_CQE)
		return sqe_of(p, d->key)->opcode == IORING_OP_TIMEOUT && sqe_of(p, d->key)->off;
	/* who looks for edges sees one more, and there may be no room for it, or for what comes behind it */
	switch (d->kind) {
	case EVENT_WATCH:
		return true;
	case EVENT_OVERFLOW:
		return !d->nr[SIDE_RURING];
	case EVENT_EPOLL:
		return p->edge && !d->nr[SIDE_RURING];
	case EVENT_VISIBLE:
		return d->nr[SIDE_IO_URING] && d->nr[SIDE_RURING] &&
		       d->events[SIDE_IO_URING][0].res < d->events[SIDE_RURING][0].res;
	default:
		return false;
	}
}

/* Whether a request without a copy is submitted when something drains, up to that step. */
static bool sends_while_draining(const struct program *p, unsigned int to_step)
{
	bool drains = false;
	unsigned int i, j;

	for (i = 0; i < p->nr_steps && i <= to_step; i++) {
		const struct step *step = &p->steps[i];

		if (step->kind != STEP_SUBMIT)
			continue;
		/* one within a link has all of it drain */
		for (j = step->first; j < (unsigned int)step->first + step->nr; j++)
			drains |= !p->requests[j].dropped && p->requests[j].sqe.flags & IOSQE_IO_DRAIN;
		for (j = step->first; drains && j < (unsigned int)step->first + step->nr; j++)
			if (!p->requests[j].dropped && (p->requests[j].sqe.opcode == IORING_OP_SEND_ZC ||
							p->requests[j].sqe.opcode == IORING_OP_SENDMSG_ZC))
				return true;
	}
	return false;
}

/* Nothing happens on the one side any more, because of a notification of what has not begun. */
bool is_drain_of_a_notification(const struct program *p, const struct difference *d)
{
	/* who waits for them has to be interrupted */
	if (d->kind != EVENT_WATCH && d->nr[SIDE_IO_URING] > d->nr[SIDE_RURING])
		return false;
	return sends_while_draining(p, d->step);
}

/* The one says less than the other. */
bool is_merged_poll(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_CQE && sqe_of(p, d->key)->opcode == IORING_OP_POLL_ADD &&
	       d->nr[SIDE_IO_URING] && d->nr[SIDE_RURING] &&
	       d->events[SIDE_IO_URING][0].res > 0 && d->events[SIDE_RURING][0].res > 0;
}

static bool is_behind_a_worker(const struct program *p, unsigned int request);

/* A request that waits is never in the hands of a thread, which would have to be interrupted. */
bool is_interrupted(const struct program *p, const struct difference *d)
{
	bool interrupted = false;
	unsigned int i;

	if (d->kind != EVENT_CQE || d->nr[SIDE_IO_URING] != d->nr[SIDE_RURING])
		return false;
	for (i = 0; i < d->nr[SIDE_IO_URING]; i++) {
		const struct event *theirs = &d->events[SIDE_IO_URING][i];
		const struct event *ours = &d->events[SIDE_RURING][i];

		/* or had what was sent by the end of another one, before it was interrupted */
		if (ours->res == -ECANCELED &&
		    (theirs->res == -EINTR || (theirs->res > 0 && d->step == STEP_END && d->key - USER_DATA < MAX_REQUESTS &&
					       is_behind_a_worker(p, d->key - USER_DATA))))
			interrupted = true;
		else if (theirs->res != ours->res || theirs->flags != ours->flags)
			return false;
	}
	return interrupted;
}

/* What a worker of io_uring was at when another one was to be made, for which it is interrupted. */
bool is_interrupted_worker(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_CQE && d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] == 1 &&
	       d->events[SIDE_IO_URING][0].res == -EINTR && d->events[SIDE_RURING][0].res >= 0 &&
	       has_kind(p, sqe_of(p, d->key), KIND(PTY));
}

/* Whether the ends of the same pair of sockets are meant. */
static bool are_of_one(const struct io_uring_sqe *one, const struct io_uring_sqe *other)
{
	return (one->flags | other->flags) & IOSQE_FIXED_FILE || (one->fd | 1) == (other->fd | 1);
}

/* A shutdown in the same submission as what waits first, or is left to a worker: any of both may be first. */
bool is_shut_meanwhile(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	const struct step *step = &p->steps[d->step];
	unsigned int i;

	if (d->kind != EVENT_CQE || d->step >= p->nr_steps || step->kind != STEP_SUBMIT)
		return false;
	for (i = step->first; i < (unsigned int)step->first + step->nr; i++)
		if (!p->requests[i].dropped &&
		    (p->requests[i].sqe.opcode == IORING_OP_SHUTDOWN ||
		     (p->requests[i].sqe.opcode == IORING_OP_CLOSE &&
		      (begins_in_worker(sqe) || is_for_a_worker(sqe->opcode)))) &&
		    &p->requests[i].sqe != sqe && are_of_one(sqe, &p->requests[i].sqe))
			return true;
	return false;
}

/* Whether something is cancelled up to that step, as everything is at the end. */
static bool cancels_before(const struct program *p, unsigned int to_step)
{
	unsigned int i, j;

	if (to_step == STEP_END)
		return true;
	for (i = 0; i < p->nr_steps && i <= to_step; i++) {
		const struct step *step = &p->steps[i];

		if (step->kind == STEP_REGISTER && step->reg.opcode == IORING_REGISTER_SYNC_CANCEL)
			return true;
		for (j = step->first; j < (unsigned int)step->first + step->nr; j++)
			if (step->kind == STEP_SUBMIT && !p->requests[j].dropped &&
			    p->requests[j].sqe.opcode == IORING_OP_ASYNC_CANCEL)
				return true;
	}
	return false;
}

bool is_cancel_of_the_next(const struct program *p, const struct difference *d)
{
	if (d->kind != EVENT_CQE || d->nr[SIDE_RURING] != 1 || !drains_before(p, d->step) ||
	    !cancels_before(p, d->step))
		return false;
	if (sqe_of(p, d->key)->opcode == IORING_OP_ASYNC_CANCEL)
		return d->nr[SIDE_IO_URING] == 1 && d->events[SIDE_IO_URING][0].res == -ENOENT &&
		       d->events[SIDE_RURING][0].res >= 0;
	return d->events[SIDE_RURING][0].res == -ECANCELED;
}

/* Whether a worker of io_uring has done what @request is linked to. */
static bool is_behind_a_worker(const struct program *p, unsigned int request)
{
	const __u8 links = IOSQE_IO_LINK | IOSQE_IO_HARDLINK;
	unsigned int i;

	for (i = request; i > 0 && p->requests[i - 1].sqe.flags & links; i--) {
		const struct io_uring_sqe *sqe = &p->requests[i - 1].sqe;

		if (sqe->flags & IOSQE_ASYNC)
			return true;
		switch (sqe->opcode) {
		case IORING_OP_FSYNC:
		case IORING_OP_SYNC_FILE_RANGE:
		case IORING_OP_FALLOCATE:
		case IORING_OP_FTRUNCATE:
		case IORING_OP_FADVISE:
		case IORING_OP_MADVISE:
		case IORING_OP_STATX:
		case IORING_OP_SHUTDOWN:
		case IORING_OP_SPLICE:
		case IORING_OP_TEE:
		case IORING_OP_RENAMEAT ... IORING_OP_LINKAT:
			return true;
		}
	}
	return false;
}

bool is_impatient_worker(const struct program *p, const struct difference *d)
{
	const int res = d->nr[SIDE_IO_URING] == 1 ? d->events[SIDE_IO_URING][0].res : 0;

	return d->kind == EVENT_CQE && d->key - USER_DATA < MAX_REQUESTS &&
	       is_behind_a_worker(p, d->key - USER_DATA) &&
	       (res == -EAGAIN || (res == -EINPROGRESS && sqe_of(p, d->key)->opcode == IORING_OP_CONNECT));
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
	    d->events[SIDE_IO_URING][0].res <= 0 || d->events[SIDE_RURING][0].res <= 0)
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

/* Whether a request is submitted to the second ring, or may be. */
static bool may_be_second(const struct program *p, unsigned int request)
{
	unsigned int i;

	for (i = 0; i < p->nr_steps; i++)
		if (p->steps[i].kind == STEP_SUBMIT && request >= p->steps[i].first &&
		    request < (unsigned int)p->steps[i].first + p->steps[i].nr)
			return p->steps[i].ring || p->steps[i].by;
	return false;
}

static bool waits_for_file(const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_READ:
	case IORING_OP_READV:
	case IORING_OP_READ_FIXED:
	case IORING_OP_READV_FIXED:
	case IORING_OP_READ_MULTISHOT:
	case IORING_OP_RECV:
	case IORING_OP_RECVMSG:
	case IORING_OP_ACCEPT:
		return true;
	default:
		return false;
	}
}

/* Whether one with @user_data was told @res in the last run on a side. */
static bool was_told(enum side side, __u64 user_data, int res)
{
	const struct trace *t = last_trace(side);
	unsigned int i;

	for (i = 0; i < t->nr && i < MAX_EVENTS; i++)
		if (t->events[i].kind == EVENT_CQE && t->events[i].key == user_data && t->events[i].res == res)
			return true;
	return false;
}

/* Whether the one that differs and another of its file have shared what there was: bytes, or an error, which only one is told. */
static bool has_shared(const struct difference *d, __u64 other)
{
	const struct event *theirs = d->events[SIDE_IO_URING], *ours = d->events[SIDE_RURING];

	/* what one has not got yet, or is cancelled without having got it */
	if (!d->nr[SIDE_IO_URING] || !d->nr[SIDE_RURING] || (theirs->res == -ECANCELED) != (ours->res == -ECANCELED))
		return true;
	if (theirs->res == -ECONNRESET)
		return was_told(SIDE_RURING, other, -ECONNRESET);
	if (ours->res == -ECONNRESET)
		return was_told(SIDE_IO_URING, other, -ECONNRESET);
	return theirs->res > 0 && ours->res > 0;
}

/* Whether two wait for a file, of which a worker of io_uring has had one: any of both may get what there is. */
bool is_served_first(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *one = sqe_of(p, d->key);
	unsigned int i;

	if (d->kind != EVENT_CQE || !waits_for_file(one))
		return false;
	for (i = 0; i < p->nr_requests; i++) {
		const struct io_uring_sqe *other = &p->requests[i].sqe;

		if (other == one || p->requests[i].dropped || !waits_for_file(other) || !has_shared(d, other->user_data))
			continue;
		if (other->fd == one->fd && (other->flags ^ one->flags) & IOSQE_ASYNC)
			return true;
		/* that of another ring */
		if (are_of_one(one, other) && may_be_second(p, i) != may_be_second(p, d->key - USER_DATA))
			return true;
	}
	return false;
}

/* Whether completions came in a step of the last run, of which who is told may tell. */
bool has_completions(enum side side, unsigned int step)
{
	const struct trace *t = last_trace(side);
	unsigned int i;

	for (i = 0; i < t->nr && i < MAX_EVENTS; i++)
		if (t->events[i].step == step &&
		    (t->events[i].kind == EVENT_CQE || t->events[i].kind == EVENT_VISIBLE))
			return true;
	return false;
}

/* Whether completions came in a step of the last run, beside those that there were. */
static bool has_new_completions(enum side side, unsigned int step)
{
	const struct trace *t = last_trace(side);
	long before[2] = {};
	unsigned int i;

	for (i = 0; i < t->nr && i < MAX_EVENTS; i++) {
		const struct event *e = &t->events[i];

		if (e->kind != EVENT_CQE && e->kind != EVENT_VISIBLE)
			continue;
		if (e->step == step && (e->kind == EVENT_CQE || e->res > before[e->ring]))
			return true;
		before[e->ring] = e->kind == EVENT_CQE ? 0 : e->res;
	}
	return false;
}

/* Somebody is told of something for the ring's task to do of which nothing comes. */
bool is_told_in_time(const struct program *p, const struct difference *d)
{
	bool one_side = !d->nr[SIDE_IO_URING] != !d->nr[SIDE_RURING];

	if (!((p->setup | p->setup2) & IORING_SETUP_DEFER_TASKRUN) || !one_side ||
	    has_new_completions(SIDE_IO_URING, d->step) || has_new_completions(SIDE_RURING, d->step))
		return false;
	switch (d->kind) {
	case EVENT_EVENTFD:
	case EVENT_POLL:
		return true;
	case EVENT_EPOLL:
		/* one that looks at levels is told by the wake-up, and sees what is there by then */
		return p->edge || !d->nr[SIDE_IO_URING];
	case EVENT_WATCH:
		/* by poll(2) or the like: of who looks at it, which is not the one that submits */
		return d->key < MAX_REQUESTS && d->events[!d->nr[SIDE_IO_URING]][0].flags != WATCH_ENTER &&
		       d->events[!d->nr[SIDE_IO_URING]][0].flags != WATCH_PROCESS_ENTER;
	default:
		return false;
	}
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

/* An error that is found when it is submitted, by who would have had a worker do it. */
bool is_error_that_is_found(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_EVENTFD && !d->nr[SIDE_RURING] && has_eventfd_for_workers(p) &&
	       tells_of(p, SIDE_IO_URING, d->step, has_failed);
}

/* Whether a cancel by what @reg says can be one of that request. */
static bool is_meant(const struct io_uring_sync_cancel_reg *reg, const struct io_uring_sqe *sqe)
{
	const unsigned int keys = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_OP;

	if (reg->flags & IORING_ASYNC_CANCEL_ANY)
		return true;
	if (reg->flags & IORING_ASYNC_CANCEL_FD && reg->fd != sqe->fd && !(sqe->flags & IOSQE_FIXED_FILE) &&
	    !(reg->flags & IORING_ASYNC_CANCEL_FD_FIXED))
		return false;
	if (reg->flags & IORING_ASYNC_CANCEL_OP && reg->opcode != sqe->opcode)
		return false;
	return (reg->flags & keys && !(reg->flags & IORING_ASYNC_CANCEL_USERDATA)) || reg->addr == sqe->user_data;
}

/* What the cancel that differs is of; false if none does. */
static bool what_is_cancelled(const struct program *p, const struct difference *d,
			      struct io_uring_sync_cancel_reg *reg)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	if (d->kind == EVENT_RETURN && d->step < p->nr_steps && p->steps[d->step].kind == STEP_REGISTER &&
	    p->steps[d->step].reg.opcode == IORING_REGISTER_SYNC_CANCEL) {
		*reg = *(const struct io_uring_sync_cancel_reg *)p->steps[d->step].reg.arg.words;
		return true;
	}
	if (d->kind != EVENT_CQE || (d->key != 0x4000 && sqe->opcode != IORING_OP_ASYNC_CANCEL))
		return false;
	*reg = (struct io_uring_sync_cancel_reg) {
		.addr = sqe->addr,
		.fd = sqe->fd,
		.opcode = sqe->len,
		/* that at the end is of all */
		.flags = d->key == 0x4000 ? IORING_ASYNC_CANCEL_ANY : sqe->cancel_flags,
	};
	return true;
}

/* Whether something is cancelled that a worker of io_uring may be at, or be about to. */
bool is_count_of_cancelled(const struct program *p, const struct difference *d)
{
	const struct event *theirs = d->events[SIDE_IO_URING], *ours = d->events[SIDE_RURING];
	struct io_uring_sync_cancel_reg reg;
	unsigned int i;

	if (!what_is_cancelled(p, d, &reg) || d->nr[SIDE_IO_URING] != 1 || d->nr[SIDE_RURING] != 1 ||
	    (theirs[0].res < 0 && theirs[0].res != -ENOENT && theirs[0].res != -EALREADY) ||
	    (ours[0].res < 0 && ours[0].res != -ENOENT && ours[0].res != -EALREADY))
		return false;
	for (i = 0; i < p->nr_requests; i++) {
		const struct io_uring_sqe *sqe = &p->requests[i].sqe;

		if (!p->requests[i].dropped && is_meant(&reg, sqe) &&
		    (begins_in_worker(sqe) || is_for_a_worker(sqe->opcode) || is_behind_a_worker(p, i) ||
		     drains_before(p, d->step)))
			return true;
	}
	return false;
}

/* What a request was told first in a step of the last run, in a difference of nothing else; false if it was told nothing. */
static bool first_of(enum side side, unsigned int step, __u64 user_data, struct difference *d)
{
	const struct trace *t = last_trace(side);
	unsigned int i;

	for (i = 0; i < t->nr && i < MAX_EVENTS; i++) {
		if (t->events[i].kind != EVENT_CQE || t->events[i].step != step || t->events[i].key != user_data)
			continue;
		d->events[side][0] = t->events[i];
		d->nr[side] = 1;
		return true;
	}
	return false;
}

/* A cancel in the same step has found another number, on which it depends whether what is linked behind it is done. */
bool is_behind_a_cancel(const struct program *p, const struct difference *d)
{
	unsigned int i;

	for (i = 0; i < p->nr_requests && d->kind == EVENT_CQE; i++) {
		const struct io_uring_sqe *sqe = &p->requests[i].sqe;
		struct difference cancel = { .kind = EVENT_CQE, .step = d->step, .key = sqe->user_data };

		if (p->requests[i].dropped || sqe->opcode != IORING_OP_ASYNC_CANCEL || !(sqe->flags & IOSQE_IO_LINK) ||
		    !first_of(SIDE_IO_URING, d->step, sqe->user_data, &cancel) ||
		    !first_of(SIDE_RURING, d->step, sqe->user_data, &cancel))
			continue;
		if ((cancel.events[0][0].res < 0) != (cancel.events[1][0].res < 0) && is_count_of_cancelled(p, &cancel))
			return true;
	}
	return false;
}

bool is_count_of_a_worker(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return d->kind == EVENT_CQE && sqe->opcode == IORING_OP_TIMEOUT && sqe->off && drains_before(p, d->step) &&
	       d->nr[SIDE_RURING] == 1 && !d->events[SIDE_RURING][0].res;
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

/* Whether it goes on after its first completion. */
static bool is_multishot(const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_RECV:
	case IORING_OP_RECVMSG:
		return sqe->ioprio & IORING_RECV_MULTISHOT;
	case IORING_OP_ACCEPT:
		return sqe->ioprio & IORING_ACCEPT_MULTISHOT;
	default:
		return sqe->opcode == IORING_OP_READ_MULTISHOT;
	}
}

/* An error on the one side, of what waits on the other. */
bool is_attempt_of_a_worker(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	if (d->kind != EVENT_CQE || !(begins_in_worker(sqe) || drains_before(p, d->step)) || d->nr[SIDE_RURING] != 1 ||
	    d->events[SIDE_RURING][0].res >= 0)
		return false;
	/* that there is no group is another error there */
	if (d->nr[SIDE_IO_URING] == 1)
		return sqe->flags & IOSQE_BUFFER_SELECT && d->events[SIDE_IO_URING][0].res == -ENOBUFS &&
		       d->events[SIDE_RURING][0].res == -ENOENT;
	return is_multishot(sqe) && !d->nr[SIDE_IO_URING];
}

/* Who waits for several sleeps on on the one side, where each request that was woken up has counted as one. */
bool is_wait_for_several(const struct program *p, const struct difference *d)
{
	unsigned int i;

	if (d->step >= p->nr_steps || p->steps[d->step].kind != STEP_SUBMIT || p->steps[d->step].wait < 2 ||
	    !(p->setup & IORING_SETUP_DEFER_TASKRUN))
		return false;
	/* it comes back before what a worker does then, which has waited for others to drain */
	if (d->kind == EVENT_CQE && !d->nr[SIDE_IO_URING] && d->nr[SIDE_RURING] == 1)
		return drains_before(p, d->step) && is_for_a_worker(sqe_of(p, d->key)->opcode);
	if (d->kind != EVENT_WATCH || d->key < MAX_REQUESTS || !d->nr[SIDE_IO_URING] || d->nr[SIDE_RURING])
		return false;
	for (i = 0; i < p->nr_requests; i++)
		if (!p->requests[i].dropped && is_multishot(&p->requests[i].sqe))
			return true;
	return drains_before(p, d->step);
}

/* What was cancelled before, and has not come back to its task, which who cancels by a worker finds once more. */
bool is_cancelled_before(const struct program *p, const struct difference *d)
{
	unsigned int i;

	if (d->kind != EVENT_CQE || sqe_of(p, d->key)->opcode != IORING_OP_ASYNC_CANCEL ||
	    !begins_in_worker(sqe_of(p, d->key)) || d->nr[SIDE_IO_URING] != 1 || d->nr[SIDE_RURING] != 1 ||
	    d->events[SIDE_IO_URING][0].res < 0 || d->events[SIDE_RURING][0].res != -ENOENT)
		return false;
	for (i = 0; i < d->key - USER_DATA; i++)
		if (!p->requests[i].dropped && p->requests[i].sqe.opcode == IORING_OP_ASYNC_CANCEL)
			return true;
	return false;
}

/* A worker has done here what io_uring need not have one for. */
bool is_told_of_what_a_worker_does(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_EVENTFD && !d->nr[SIDE_IO_URING] && has_eventfd_for_workers(p) &&
	       tells_of(p, SIDE_RURING, d->step, is_done_by_worker);
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
	const int missing = d->nr[SIDE_IO_URING] ? d->events[SIDE_IO_URING][0].res : 0;
	unsigned int i;

	if (d->kind != EVENT_CQE || !(sqe->flags & IOSQE_BUFFER_SELECT) || missing != -ENOBUFS)
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
