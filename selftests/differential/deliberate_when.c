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

/* Whether one with @user_data was told @res in a step of the last run on a side. */
bool was_told_in(enum side side, unsigned int step, __u64 user_data, int res)
{
	const struct trace *t = last_trace(side);
	unsigned int i;

	for (i = 0; i < t->nr && i < MAX_EVENTS; i++)
		if (t->events[i].kind == EVENT_CQE && t->events[i].step == step && t->events[i].key == user_data &&
		    t->events[i].res == res)
			return true;
	return false;
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
		return d->nr[SIDE_IO_URING] && d->nr[SIDE_RURING];
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

/* Whether the ends of the same pair of sockets are meant. */
static bool are_of_one(const struct io_uring_sqe *one, const struct io_uring_sqe *other)
{
	bool has_two = one->opcode == IORING_OP_SPLICE || one->opcode == IORING_OP_TEE;

	return (one->flags | other->flags) & IOSQE_FIXED_FILE || (one->fd | 1) == (other->fd | 1) ||
	       (has_two && (one->splice_fd_in | 1) == (other->fd | 1));
}

/*
 * Whether there is one of @opcode and the same file that was submitted in the same step as the one that differs, or before if
 * others drain.
 */
static bool has_beside(const struct program *p, const struct difference *d, __u8 opcode)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	unsigned int i, j;

	for (i = drains_before(p, d->step) ? 0 : d->step; i < p->nr_steps && i <= d->step; i++) {
		const struct step *step = &p->steps[i];

		for (j = step->first; step->kind == STEP_SUBMIT && j < (unsigned int)step->first + step->nr; j++)
			if (!p->requests[j].dropped && p->requests[j].sqe.opcode == opcode &&
			    &p->requests[j].sqe != sqe && are_of_one(sqe, &p->requests[j].sqe))
				return true;
	}
	return false;
}

/* A shutdown beside what waits first, or is left to a worker: any of both may be first. So may one that is to be bound and connected. */
bool is_shut_meanwhile(const struct program *p, const struct difference *d)
{
	if (d->kind != EVENT_CQE)
		return false;
	if (sqe_of(p, d->key)->opcode == IORING_OP_BIND)
		return has_beside(p, d, IORING_OP_CONNECT) || has_beside(p, d, IORING_OP_LISTEN);
	return has_beside(p, d, IORING_OP_SHUTDOWN);
}

/* Whether somebody else closes the file during the step, while who submits waits. */
static bool is_closed_by_peer(const struct program *p, const struct difference *d)
{
	unsigned int i;

	for (i = d->step + 1; i < p->nr_steps && i <= d->step + p->steps[d->step].during; i++)
		if (p->steps[i].kind == STEP_PEER && (p->steps[i].op == PEER_CLOSE || p->steps[i].op == PEER_RESET) &&
		    (p->steps[i].fd | 1) == (sqe_of(p, d->key)->fd | 1))
			return true;
	return false;
}

/* The same of a close. */
bool is_closed_meanwhile(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	const __u64 at = d->key - USER_DATA;

	return d->kind == EVENT_CQE && (has_beside(p, d, IORING_OP_CLOSE) || is_closed_by_peer(p, d)) &&
	       (begins_in_worker(sqe) || is_for_a_worker(sqe->opcode) || has_kind(p, sqe, KIND(PTY)) ||
		drains_before(p, d->step) || (at < MAX_REQUESTS && is_behind_a_worker(p, at)));
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

static bool takes(const struct io_uring_sqe *sqe)
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

static bool sends(const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_WRITE:
	case IORING_OP_WRITEV:
	case IORING_OP_WRITE_FIXED:
	case IORING_OP_WRITEV_FIXED:
	case IORING_OP_SEND:
	case IORING_OP_SENDMSG:
	case IORING_OP_SEND_ZC:
	case IORING_OP_SENDMSG_ZC:
		return true;
	default:
		return false;
	}
}

/* Whether both wait for a file for the same. */
static bool wait_alike(const struct io_uring_sqe *one, const struct io_uring_sqe *other)
{
	return (takes(one) && takes(other)) || (sends(one) && sends(other));
}

/* Whether one was told that in any step. */
static bool was_told(enum side side, __u64 user_data, int res)
{
	unsigned int step;

	for (step = 0; step <= STEP_END; step++)
		if (was_told_in(side, step, user_data, res))
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
	const __u64 at = d->kind == EVENT_DEST ? d->key : d->key - USER_DATA;
	const struct io_uring_sqe *one = &p->requests[at < MAX_REQUESTS ? at : 0].sqe;
	unsigned int i;

	if ((d->kind != EVENT_CQE && d->kind != EVENT_DEST) || at >= MAX_REQUESTS)
		return false;
	for (i = 0; i < p->nr_requests; i++) {
		const struct io_uring_sqe *other = &p->requests[i].sqe;

		if (other == one || p->requests[i].dropped || !wait_alike(one, other))
			continue;
		/* what is received as a message shows in memory only */
		if (d->kind == EVENT_CQE && !has_shared(d, other->user_data))
			continue;
		if ((other->fd == one->fd || (one->flags | other->flags) & IOSQE_FIXED_FILE) &&
		    ((other->flags ^ one->flags) & IOSQE_ASYNC || is_behind_a_worker(p, i) != is_behind_a_worker(p, at)))
			return true;
		/* each of them has a part of what has come, and waits for more */
		if (other->fd == one->fd && takes(one) && one->msg_flags & other->msg_flags & MSG_WAITALL && d->kind == EVENT_CQE &&
		    d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] == 1 && d->events[0][0].res == d->events[1][0].res)
			return true;
		/* that of another ring */
		if (are_of_one(one, other) && may_be_second(p, i) != may_be_second(p, at))
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

/* Whether completions were left in their queue in a step before. */
static bool keeps_before(const struct program *p, unsigned int to_step)
{
	unsigned int i;

	for (i = 0; i < to_step && i < p->nr_steps; i++)
		if (p->steps[i].flags & STEP_KEEP)
			return true;
	return false;
}

/* Somebody is told of something for the ring's task to do of which nothing comes. */
bool is_told_in_time(const struct program *p, const struct difference *d)
{
	bool one_side = !d->nr[SIDE_IO_URING] != !d->nr[SIDE_RURING];

	if (!((p->setup | p->setup2) & IORING_SETUP_DEFER_TASKRUN) || !one_side)
		return false;
	/* once more, beside completions that were there before */
	if (d->kind == EVENT_EVENTFD && !d->nr[SIDE_IO_URING] && keeps_before(p, d->step))
		return true;
	if (d->kind != EVENT_CQE &&
	    (has_new_completions(SIDE_IO_URING, d->step) || has_new_completions(SIDE_RURING, d->step)))
		return false;
	switch (d->kind) {
	case EVENT_CQE:
		/* by a POLL_ADD of the other ring */
		return p->setup2 & IORING_SETUP_DEFER_TASKRUN && !d->nr[SIDE_RURING] && drains_before(p, d->step) &&
		       sqe_of(p, d->key)->opcode == IORING_OP_POLL_ADD && has_kind(p, sqe_of(p, d->key), KIND(SECOND_RING));
	case EVENT_EVENTFD:
	case EVENT_POLL:
		return true;
	case EVENT_EPOLL:
		/* one that looks at levels is told by the wake-up, and sees what is there by then */
		return p->edge || !d->nr[SIDE_IO_URING];
	case EVENT_WATCH:
		/* by poll(2) or the like: of who looks at it, which is not the one that submits */
		return d->key < MAX_REQUESTS && d->events[!d->nr[SIDE_IO_URING]][0].flags != WATCH_ENTER &&
		       d->events[!d->nr[SIDE_IO_URING]][0].flags != WATCH_FULL &&
		       d->events[!d->nr[SIDE_IO_URING]][0].flags != WATCH_PROCESS_ENTER;
	default:
		return false;
	}
}

bool is_multishot(const struct io_uring_sqe *sqe)
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

static bool has_multishot(const struct program *p)
{
	unsigned int i;

	for (i = 0; i < p->nr_requests; i++)
		if (!p->requests[i].dropped && is_multishot(&p->requests[i].sqe))
			return true;
	return false;
}

/* What one sends that a worker of io_uring has, or that is linked behind such a one, while others go on. */
bool is_seen_by_a_peer(const struct program *p, const struct difference *d)
{
	unsigned int i, j;

	if (d->kind != EVENT_RETURN || d->step >= p->nr_steps || p->steps[d->step].kind != STEP_PEER)
		return false;
	for (i = 0; i < d->step; i++) {
		const struct step *step = &p->steps[i];

		/* it may not be at rest yet, and what has room depends on how soon something was taken */
		if (step->kind != STEP_SUBMIT || (i + step->during < d->step && p->steps[d->step].op != PEER_FILL &&
						  !(p->steps[d->step - 1].flags & STEP_AT_ONCE)))
			continue;
		for (j = step->first; j < (unsigned int)step->first + step->nr; j++) {
			const struct io_uring_sqe *sqe = &p->requests[j].sqe;

			if (!p->requests[j].dropped && (sends(sqe) || takes(sqe)) &&
			    (begins_in_worker(sqe) || is_behind_a_worker(p, j) || drains_before(p, d->step)) &&
			    (sqe->flags & IOSQE_FIXED_FILE || (sqe->fd | 1) == (p->steps[d->step].fd | 1)))
				return true;
		}
	}
	return false;
}

/* Who waits for several sleeps on on the one side, where each request that was woken up has counted as one. */
bool is_wait_for_several(const struct program *p, const struct difference *d)
{
	unsigned int i;

	if (d->step >= p->nr_steps || !(p->setup & IORING_SETUP_DEFER_TASKRUN))
		return false;
	/* or what somebody else can do meanwhile, or sees, depends on whether it has */
	for (i = 0; i < d->step && (d->kind == EVENT_VISIBLE || d->kind == EVENT_POLL || d->kind == EVENT_EPOLL); i++)
		if (p->steps[i].kind == STEP_SUBMIT && p->steps[i].wait > 1 && i + p->steps[i].during >= d->step)
			return has_multishot(p);
	for (i = 0; i < d->step && p->steps[d->step].kind == STEP_PEER && d->kind == EVENT_RETURN; i++)
		if (p->steps[i].kind == STEP_SUBMIT && p->steps[i].wait > 1 && i + p->steps[i].during >= d->step)
			return has_multishot(p) || drains_before(p, d->step);
	if (p->steps[d->step].kind != STEP_SUBMIT || p->steps[d->step].wait < 2)
		return false;
	/* one of several messages takes as much of a stream as there is when its task looks */
	if (d->kind == EVENT_CQE && d->nr[SIDE_IO_URING] && d->nr[SIDE_RURING] && is_multishot(sqe_of(p, d->key)) &&
	    has_kind(p, sqe_of(p, d->key), STREAMS))
		return true;
	/* it comes back before what a worker does then, which has waited for others to drain */
	if (d->kind == EVENT_CQE && !d->nr[SIDE_IO_URING] && d->nr[SIDE_RURING] == 1)
		return drains_before(p, d->step) && is_for_a_worker(sqe_of(p, d->key)->opcode);
	if (d->kind != EVENT_WATCH || d->key < MAX_REQUESTS || !d->nr[SIDE_IO_URING] || d->nr[SIDE_RURING])
		return false;
	return has_multishot(p) || drains_before(p, d->step);
}
