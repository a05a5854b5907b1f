// SPDX-License-Identifier: GPL-2.0
/*
 * Differences that are meant to be there, of what a cancel finds and what comes of it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "deliberate.h"
#include "oracle.h"

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

/* What a cancel was told in that step, which may be nothing if it has succeeded. */
static int found_by(enum side side, unsigned int step, const struct io_uring_sqe *cancel)
{
	struct difference d = {};

	if (first_of(side, step, cancel->user_data, &d))
		return d.events[side][0].res;
	return cancel->flags & IOSQE_CQE_SKIP_SUCCESS ? INT_MAX : INT_MIN;
}

/* A cancel in the same step has found it on the one side only, before a worker of io_uring has begun with it. */
bool is_cancelled_in_time(const struct program *p, const struct difference *d)
{
	const enum side found = d->events[SIDE_IO_URING][0].res == -ECANCELED ? SIDE_IO_URING : SIDE_RURING;
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	unsigned int i;

	if (d->kind != EVENT_CQE || d->nr[SIDE_IO_URING] != 1 || d->nr[SIDE_RURING] != 1 ||
	    d->events[found][0].res != -ECANCELED || d->events[!found][0].res == -ECANCELED ||
	    !(begins_in_worker(sqe) || drains_before(p, d->step)))
		return false;
	for (i = 0; i < p->nr_requests; i++) {
		const struct io_uring_sqe *other = &p->requests[i].sqe;
		struct difference cancel = { .kind = EVENT_CQE, .step = d->step, .key = other->user_data };
		struct io_uring_sync_cancel_reg reg;

		if (!p->requests[i].dropped && other->opcode == IORING_OP_ASYNC_CANCEL &&
		    what_is_cancelled(p, &cancel, &reg) && is_meant(&reg, sqe) &&
		    found_by(found, d->step, other) >= 0 &&
		    found_by(found, d->step, other) >= found_by(!found, d->step, other))
			return true;
	}
	return false;
}

/* A cancel of one by its file, or by its opcode, has ended another one on the other side. */
bool is_cancel_of_any_one(const struct program *p, const struct difference *d)
{
	const unsigned int keys = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_OP;
	const unsigned int others = IORING_ASYNC_CANCEL_USERDATA | IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY;
	const enum side ended = d->nr[SIDE_IO_URING] ? SIDE_IO_URING : SIDE_RURING;
	unsigned int i, j;

	if (d->kind != EVENT_CQE || d->nr[SIDE_IO_URING] + d->nr[SIDE_RURING] != 1 || d->events[ended][0].res != -ECANCELED)
		return false;
	for (i = 0; i < p->nr_requests; i++) {
		const struct io_uring_sqe *cancel = &p->requests[i].sqe;
		const struct io_uring_sync_cancel_reg reg = {
			.addr = cancel->addr, .fd = cancel->fd, .opcode = cancel->len, .flags = cancel->cancel_flags,
		};
		struct difference of = {};

		if (p->requests[i].dropped || cancel->opcode != IORING_OP_ASYNC_CANCEL ||
		    !(reg.flags & keys) || reg.flags & others || !is_meant(&reg, sqe_of(p, d->key)) ||
		    found_by(SIDE_IO_URING, d->step, cancel) < 0 || found_by(SIDE_RURING, d->step, cancel) < 0)
			continue;
		for (j = 0; j < p->nr_requests; j++) {
			const struct io_uring_sqe *other = &p->requests[j].sqe;

			if (!p->requests[j].dropped && is_meant(&reg, other) && !first_of(ended, d->step, other->user_data, &of) &&
			    first_of(!ended, d->step, other->user_data, &of) && of.events[!ended][0].res == -ECANCELED)
				return true;
		}
	}
	return false;
}
