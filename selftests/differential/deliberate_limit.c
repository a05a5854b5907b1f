// SPDX-License-Identifier: GPL-2.0
/*
 * Differences that are meant to be there, of what limits the time of requests, and of what is counted.
 */
#include <errno.h>
#include <stdio.h>

#include "deliberate.h"
#include "oracle.h"

/* How many completions like this one a side has, less those of the other. */
static int more_like(const struct difference *d, enum side side, int res, unsigned int flags)
{
	unsigned int other, i;
	int nr = 0;

	for (other = 0; other < 2; other++)
		for (i = 0; i < d->nr[other]; i++)
			if (d->events[other][i].res == res && d->events[other][i].flags == flags)
				nr += other == side ? 1 : -1;
	return nr;
}

/* Whether a LINK_TIMEOUT is of less than a second, or is changed to that. */
static bool is_short(const struct program *p, const struct request *limit)
{
	unsigned int i;

	if (limit->sqe.opcode != IORING_OP_LINK_TIMEOUT)
		return false;
	for (i = 0; i < p->nr_requests; i++) {
		const struct request *r = &p->requests[i];

		if (!r->dropped && r->sqe.opcode == IORING_OP_TIMEOUT_REMOVE && is_soon(r) &&
		    r->sqe.timeout_flags & IORING_LINK_TIMEOUT_UPDATE && r->sqe.addr == limit->sqe.user_data)
			return true;
	}
	return is_soon(limit);
}

static bool is_short_limit(const struct program *p, __u64 user_data)
{
	unsigned int i;

	for (i = 0; i < p->nr_requests; i++)
		if (!p->requests[i].dropped && p->requests[i].sqe.user_data == user_data && is_short(p, &p->requests[i]))
			return true;
	return false;
}

/* Others that have its user_data are alike. */
bool is_limit_that_was_over(const struct program *p, const struct difference *d)
{
	unsigned int side, i;

	if (d->kind != EVENT_CQE || !is_short_limit(p, d->key) || more_like(d, SIDE_IO_URING, -ENOENT, 0) != 1 ||
	    more_like(d, SIDE_RURING, -ECANCELED, 0) != 1)
		return false;
	for (side = 0; side < 2; side++)
		for (i = 0; i < d->nr[side]; i++) {
			const struct event *e = &d->events[side][i];

			if ((e->flags || (e->res != -ENOENT && e->res != -ECANCELED)) &&
			    more_like(d, side, e->res, e->flags))
				return false;
		}
	return true;
}

/* Whether the call that submits a request does it once the ring is unlocked. */
static bool is_done_unlocked(const struct program *p, const struct io_uring_sqe *sqe)
{
	unsigned int kind = sqe->off & 0xf;

	switch (sqe->opcode) {
	case IORING_OP_BIND:
	case IORING_OP_SHUTDOWN:
	case IORING_OP_EPOLL_CTL:
	case IORING_OP_EPOLL_WAIT:
		return true;
	case IORING_OP_CONNECT:
		return has_kind(p, sqe, KIND(UNIX_STREAM) | KIND(UNIX_DGRAM) | KIND(UNIX_SEQPACKET) |
					KIND(UNIX_LISTENER) | KIND(UNIX_ALONE));
	case IORING_OP_SOCKET:
		return sqe->fd != AF_UNIX && ((sqe->fd != AF_INET && sqe->fd != AF_INET6) || sqe->len ||
					      (kind != SOCK_STREAM && kind != SOCK_DGRAM));
	default:
		return false;
	}
}

/* Whether it counts one of the same submission that has come behind it, as that was done with the ring unlocked. */
bool is_count_of_what_is_behind(const struct program *p, const struct difference *d)
{
	const enum side over = d->nr[SIDE_IO_URING] ? SIDE_IO_URING : SIDE_RURING;
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	unsigned int i, j, at = d->key - USER_DATA;

	if (d->kind != EVENT_CQE || sqe->opcode != IORING_OP_TIMEOUT || !sqe->off ||
	    d->nr[SIDE_IO_URING] + d->nr[SIDE_RURING] != 1 || d->events[over][0].res)
		return false;
	for (i = 0; i < p->nr_steps; i++) {
		const struct step *step = &p->steps[i];

		if (step->kind != STEP_SUBMIT || at < step->first || at >= (unsigned int)step->first + step->nr)
			continue;
		/* one that is linked behind it does not count what else is over by then */
		if (over == SIDE_IO_URING)
			return at > step->first && !p->requests[at - 1].dropped &&
			       p->requests[at - 1].sqe.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK) &&
			       is_done_unlocked(p, &p->requests[at - 1].sqe);
		/* what it is linked to is over when it begins */
		for (j = step->first; j < at; j++)
			if (!p->requests[j].dropped && is_done_unlocked(p, &p->requests[j].sqe) &&
			    !(p->requests[at - 1].sqe.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)))
				return true;
	}
	return false;
}

/*
 * The LINK_TIMEOUT of less than a second that limits one with @user_data, behind @from; as many as there are requests if
 * there is none.
 */
static unsigned int limit_of(const struct program *p, __u64 user_data, unsigned int from)
{
	bool is_limited = false;
	unsigned int i;

	for (i = from; i < p->nr_requests; i++) {
		const struct request *r = &p->requests[i];

		if (r->dropped)
			continue;
		if (is_limited && is_short(p, r))
			return i;
		is_limited = r->sqe.user_data == user_data;
	}
	return i;
}

/* One with more to read that waits in io_uring all the same behind its first completion, and is ended by its limit. */
static bool is_limit_between_reads(const struct program *p, const struct difference *d)
{
	unsigned int i, limit = limit_of(p, d->key, 0);

	if (d->kind != EVENT_CQE || sqe_of(p, d->key)->opcode != IORING_OP_READ_MULTISHOT || limit == p->nr_requests ||
	    !was_told_in(SIDE_IO_URING, d->step, p->requests[limit].sqe.user_data, -ETIME))
		return false;
	for (i = 0; i < d->nr[SIDE_IO_URING]; i++)
		if (d->events[SIDE_IO_URING][i].res == -ECANCELED)
			return true;
	return false;
}

/* Whether a request that takes no time is limited to none, and which of the two comes first is nobody's promise. */
bool is_limit_of_no_time(const struct program *p, const struct difference *d)
{
	const struct event *theirs = d->events[SIDE_IO_URING];
	__u64 i = d->key - USER_DATA;
	unsigned int j;

	/* the limit itself is told first if others have its user_data */
	if (d->kind == EVENT_CQE && i < MAX_REQUESTS && is_short(p, &p->requests[i]))
		for (j = 0; j < d->nr[SIDE_RURING]; j++)
			if (d->events[SIDE_RURING][j].res == -ETIME)
				return true;
	if (is_limit_between_reads(p, d))
		return true;
	/* or ends it behind a part */
	if (d->kind == EVENT_CQE && d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] == 1 && theirs[0].res > d->events[SIDE_RURING][0].res &&
	    d->events[SIDE_RURING][0].res > 0 && sqe_of(p, d->key)->msg_flags & MSG_WAITALL)
		return limit_of(p, d->key, 0) < p->nr_requests;
	/* one that skips its completion tells nothing there, a poll may report before it ends, and a buffer is given back */
	return d->kind == EVENT_CQE && d->nr[SIDE_RURING] == 1 && d->events[SIDE_RURING][0].res == -ECANCELED &&
	       (d->nr[SIDE_IO_URING] == 1 || sqe_of(p, d->key)->flags & IOSQE_CQE_SKIP_SUCCESS ||
		sqe_of(p, d->key)->opcode == IORING_OP_POLL_ADD ||
		(d->nr[SIDE_IO_URING] == 2 && theirs[1].flags & IORING_CQE_F_NOTIF)) &&
	       limit_of(p, d->key, 0) < p->nr_requests;
}

/* Whether one whose limit's time has come has the user_data of another, which io_uring may have ended instead. */
bool is_limit_of_another(const struct program *p, const struct difference *d)
{
	unsigned int i, limit, of = 0;

	for (i = 0; i < p->nr_requests; i++)
		of += !p->requests[i].dropped && p->requests[i].sqe.user_data == d->key;
	if (d->kind != EVENT_CQE || of < 2)
		return false;
	for (limit = limit_of(p, d->key, 0); limit < p->nr_requests; limit = limit_of(p, d->key, limit))
		if (was_told_in(SIDE_IO_URING, d->step, p->requests[limit].sqe.user_data, -ETIME) &&
		    was_told_in(SIDE_RURING, d->step, p->requests[limit].sqe.user_data, -ETIME))
			return true;
	return false;
}

/* One that counts one fewer, or one more, if another one of its submission has expired before it has begun. */
bool is_count_beside_no_time(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	unsigned int i, j, at = d->key - USER_DATA;

	if (d->kind != EVENT_CQE || sqe->opcode != IORING_OP_TIMEOUT || !sqe->off ||
	    d->nr[SIDE_IO_URING] + d->nr[SIDE_RURING] != 1 || d->events[d->nr[SIDE_RURING]][0].res)
		return false;
	for (i = 0; i < p->nr_steps; i++) {
		const struct step *step = &p->steps[i];

		if (step->kind != STEP_SUBMIT || at < step->first || at >= (unsigned int)step->first + step->nr)
			continue;
		for (j = step->first; j < at; j++)
			if (!p->requests[j].dropped && p->requests[j].sqe.opcode == IORING_OP_TIMEOUT &&
			    is_soon(&p->requests[j]))
				return true;
	}
	return false;
}

/* Whether a timeout has ended in that step, or may have if that is not told: one for a worker by its time, or any by its count. */
static bool has_timed_out(const struct program *p, unsigned int step)
{
	unsigned int i;

	for (i = 0; i < p->nr_requests; i++) {
		const struct io_uring_sqe *sqe = &p->requests[i].sqe;

		if (p->requests[i].dropped || sqe->opcode != IORING_OP_TIMEOUT)
			continue;
		if (p->steps[step].flags & STEP_KEEP && (sqe->off || begins_in_worker(sqe) || drains_before(p, step)))
			return true;
		if ((sqe->off && was_told_in(SIDE_RURING, step, sqe->user_data, 0)) ||
		    ((begins_in_worker(sqe) || drains_before(p, step)) &&
		     was_told_in(SIDE_RURING, step, sqe->user_data, -ETIME)))
			return true;
	}
	return false;
}

/* Who waits behind what it submits for a worker, which is a timeout or has been counted by one. */
bool is_wait_behind_a_count(const struct program *p, const struct difference *d)
{
	const struct step *step = &p->steps[d->step];
	unsigned int i;

	if (d->kind != EVENT_WATCH || d->key < MAX_REQUESTS || d->nr[SIDE_IO_URING] || !d->nr[SIDE_RURING] ||
	    d->step >= p->nr_steps || !has_timed_out(p, d->step))
		return false;
	for (i = step->first; i < (unsigned int)step->first + step->nr; i++)
		if (!p->requests[i].dropped && begins_in_worker(&p->requests[i].sqe))
			return true;
	return drains_before(p, d->step);
}
