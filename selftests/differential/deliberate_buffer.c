// SPDX-License-Identifier: GPL-2.0
/*
 * Differences that are meant to be there, of which provided buffer it is, and how much of one.
 */
#include <errno.h>
#include <stdio.h>

#include "deliberate.h"
#include "oracle.h"

/* Whether a worker of io_uring may have taken a buffer. */
static bool has_selection_by_worker(const struct program *p)
{
	bool selects = false, drains = false, both = false;
	unsigned int i;

	for (i = 0; i < p->nr_requests; i++) {
		__u8 flags = p->requests[i].sqe.flags;

		selects |= flags & IOSQE_BUFFER_SELECT;
		drains |= flags & IOSQE_IO_DRAIN;
		both |= flags & IOSQE_BUFFER_SELECT && flags & IOSQE_ASYNC;
	}
	return both || (selects && drains);
}

/* The same without a transfer on both sides, of which the one names a buffer; or a buffer that is gone. */
bool is_buffer_of_a_failure(const struct program *p, const struct difference *d)
{
	const struct event *theirs = d->events[SIDE_IO_URING], *ours = d->events[SIDE_RURING];
	unsigned int i;

	if (d->kind == EVENT_GROUP)
		return has_selection_by_worker(p);
	if (d->kind == EVENT_RETURN && d->step < p->nr_steps && p->steps[d->step].kind == STEP_REGISTER &&
	    p->steps[d->step].reg.opcode == IORING_REGISTER_PBUF_STATUS)
		return has_selection_by_worker(p);
	/* one that comes later then has none, and else waits, or finds that there is nothing to be had */
	if (d->kind == EVENT_CQE && d->nr[SIDE_IO_URING] == 1 && theirs[0].res == -ENOBUFS &&
	    (!d->nr[SIDE_RURING] || (d->nr[SIDE_RURING] == 1 && ours[0].res == -EAGAIN)))
		return has_selection_by_worker(p);
	if (d->kind != EVENT_CQE || d->nr[SIDE_IO_URING] != d->nr[SIDE_RURING])
		return false;
	for (i = 0; i < d->nr[SIDE_IO_URING]; i++) {
		if (theirs[i].res != ours[i].res)
			return false;
		if (theirs[i].flags == ours[i].flags && theirs[i].sum == ours[i].sum)
			continue;
		if (theirs[i].res > 0 || !(theirs[i].flags & IORING_CQE_F_BUFFER) ||
		    ours[i].flags & IORING_CQE_F_BUFFER)
			return false;
	}
	return true;
}

/* The same transfer, to or from another buffer, which is the one that was there when the other side's worker looked. */
bool is_buffer_that_was_kept(const struct program *p, const struct difference *d)
{
	const struct event *theirs = d->events[SIDE_IO_URING], *ours = d->events[SIDE_RURING];
	const __u32 low = (1U << IORING_CQE_BUFFER_SHIFT) - 1;
	unsigned int i;

	if (d->kind != EVENT_CQE || !d->nr[SIDE_RURING] || d->nr[SIDE_IO_URING] != d->nr[SIDE_RURING] ||
	    !has_selection_by_worker(p))
		return false;
	/* there may be none any more */
	if (d->nr[SIDE_RURING] == 1 && ours[0].res == -ENOBUFS)
		return theirs[0].flags & IORING_CQE_F_BUFFER;
	for (i = 0; i < d->nr[SIDE_RURING]; i++)
		if (theirs[i].res != ours[i].res || theirs[i].sum != ours[i].sum || (theirs[i].flags ^ ours[i].flags) & low)
			return false;
	return true;
}

/* Whether there may be a group whose buffers are consumed in parts. */
static bool has_group_in_parts(const struct program *p)
{
	unsigned int i;

	for (i = 0; i < p->nr_steps; i++) {
		const struct io_uring_buf_reg *group = (const void *)p->steps[i].reg.arg.words;

		if (p->steps[i].kind == STEP_REGISTER && p->steps[i].reg.opcode == IORING_REGISTER_PBUF_RING &&
		    group->flags & IOU_PBUF_RING_INC)
			return true;
	}
	return false;
}

/* The one goes on with what is left of a buffer, or finds no room there, where the other takes the next. */
bool is_all_from_the_kernel(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	unsigned int i;

	if (d->kind != EVENT_CQE || !(sqe->flags & IOSQE_BUFFER_SELECT) || !has_group_in_parts(p) ||
	    !has_kind(p, sqe, KIND(NETLINK)))
		return false;
	for (i = 0; i < d->nr[SIDE_IO_URING]; i++)
		if (d->events[SIDE_IO_URING][i].flags & IORING_CQE_F_BUF_MORE)
			return true;
	return false;
}

/* What a worker of io_uring takes of a buffer that is consumed in parts is all that it may use. */
bool is_all_of_a_part(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	unsigned int i;

	if (d->kind != EVENT_CQE || !has_group_in_parts(p))
		return false;
	/* with all of it the one waits for the rest, and with a part the other one is over */
	if (!d->nr[SIDE_IO_URING] && d->nr[SIDE_RURING] == 1 && d->events[SIDE_RURING][0].flags & IORING_CQE_F_BUF_MORE)
		return sqe->msg_flags & MSG_WAITALL && (begins_in_worker(sqe) || drains_before(p, d->step));
	if (d->nr[SIDE_IO_URING] != d->nr[SIDE_RURING])
		return false;
	for (i = 0; i < d->nr[SIDE_IO_URING]; i++)
		if (d->events[0][i].res != d->events[1][i].res ||
		    !(d->events[0][i].flags & d->events[1][i].flags & IORING_CQE_F_BUFFER))
			return false;
	/* that it is shut down is found out by a worker, too */
	return has_selection_by_worker(p) ||
	       (!d->events[SIDE_RURING][0].res &&
		has_kind(p, sqe, KIND(UNIX_DGRAM) | KIND(UDP) | KIND(UDP6) | KIND(UDP_ALONE)));
}

bool is_nop_with_buffer(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return d->kind == EVENT_CQE && sqe->opcode == IORING_OP_NOP &&
	       sqe->flags & IOSQE_BUFFER_SELECT;
}

/* What was the last buffer when a bundle was first looked for, and is not any more. */
bool is_last_buffer_before(const struct program *p, const struct difference *d)
{
	const unsigned int kind = IORING_RECV_MULTISHOT | IORING_RECVSEND_BUNDLE;
	const struct event *theirs = d->events[SIDE_IO_URING], *ours = d->events[SIDE_RURING];

	return d->kind == EVENT_CQE && sqe_of(p, d->key)->opcode == IORING_OP_RECV &&
	       (sqe_of(p, d->key)->ioprio & kind) == kind && d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] &&
	       theirs[0].res == ours[0].res && (theirs[0].flags | IORING_CQE_F_MORE) == ours[0].flags;
}

/* An entry of a ring of buffers that nobody has written. */
bool is_buffer_at_zero(const struct program *p, const struct difference *d)
{
	const struct event *theirs = d->events[SIDE_IO_URING], *ours = d->events[SIDE_RURING];
	bool ends = false, fails = false;
	unsigned int i;

	/* of a multishot request it is one of several, by their results */
	for (i = 0; i < d->nr[SIDE_IO_URING]; i++)
		ends |= theirs[i].res == -ENOBUFS;
	for (i = 0; i < d->nr[SIDE_RURING]; i++)
		fails |= ours[i].res == 0 || ours[i].res == -EFAULT;
	return d->kind == EVENT_CQE && sqe_of(p, d->key)->flags & IOSQE_BUFFER_SELECT &&
	       d->nr[SIDE_RURING] >= d->nr[SIDE_IO_URING] && ends && fails;
}

/* More than io_uring takes, which has looked at another buffer before it waited. */
bool is_room_of_the_first(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return d->kind == EVENT_CQE && (sqe->opcode == IORING_OP_RECV || sqe->opcode == IORING_OP_READ) &&
	       sqe->flags & IOSQE_BUFFER_SELECT && d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] == 1 &&
	       d->events[SIDE_IO_URING][0].res > 0 && d->events[SIDE_IO_URING][0].res < d->events[SIDE_RURING][0].res;
}
