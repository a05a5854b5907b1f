// SPDX-License-Identifier: GPL-2.0
/*
 * Differences that are meant to be there. Each belongs to a sentence of
 * Documentation/differences.rst, which is quoted: if that goes, so does this.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "deliberate.h"
#include "names.h"
#include "oracle.h"

#define PAGE_NAME	"Documentation/differences.rst"

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
static bool is_buffer_of_a_failure(const struct program *p, const struct difference *d)
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

/* What a worker of io_uring takes of a buffer that is consumed in parts is all that it may use. */
static bool is_all_of_a_part(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	bool in_parts = false;
	unsigned int i;

	for (i = 0; i < p->nr_steps; i++) {
		const struct io_uring_buf_reg *group = (const void *)p->steps[i].reg.arg.words;

		in_parts |= p->steps[i].kind == STEP_REGISTER && p->steps[i].reg.opcode == IORING_REGISTER_PBUF_RING &&
			    group->flags & IOU_PBUF_RING_INC;
	}
	if (d->kind != EVENT_CQE || !in_parts || d->nr[SIDE_IO_URING] != d->nr[SIDE_RURING])
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

/* A notification of a send that has handed over nothing, of whose end nobody is told. */
static bool is_lone_notification(const struct program *p, const struct difference *d)
{
	(void)p;
	return d->kind == EVENT_CQE && d->nr[SIDE_IO_URING] == 1 && !d->nr[SIDE_RURING] &&
	       d->events[SIDE_IO_URING][0].flags & IORING_CQE_F_NOTIF;
}

static bool is_bundle_by_worker(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return d->kind == EVENT_CQE && sqe->opcode == IORING_OP_SEND &&
	       sqe->ioprio & IORING_RECVSEND_BUNDLE &&
	       (sqe->flags & IOSQE_ASYNC || drains_before(p, d->step));
}

/* What is to be watched has been closed by a request behind it. */
static bool is_behind_a_close(const struct program *p, const struct difference *d)
{
	unsigned int i;

	if (d->kind != EVENT_CQE || sqe_of(p, d->key)->opcode != IORING_OP_EPOLL_CTL || !d->nr[SIDE_RURING] ||
	    d->events[SIDE_RURING][0].res != -EBADF)
		return false;
	for (i = 0; i < p->nr_requests; i++)
		if (p->requests[i].sqe.opcode == IORING_OP_CLOSE && !p->requests[i].dropped &&
		    (i > d->key - USER_DATA || begins_in_worker(&p->requests[i].sqe)))
			return true;
	return false;
}

bool is_for_a_worker(unsigned int opcode)
{
	switch (opcode) {
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2:
	case IORING_OP_STATX:
	case IORING_OP_UNLINKAT:
	case IORING_OP_MKDIRAT:
	case IORING_OP_RENAMEAT:
	case IORING_OP_LINKAT:
	case IORING_OP_SYMLINKAT:
	case IORING_OP_FADVISE:
	case IORING_OP_MADVISE:
	case IORING_OP_FSYNC:
	case IORING_OP_FALLOCATE:
	case IORING_OP_FTRUNCATE:
	case IORING_OP_SYNC_FILE_RANGE:
	case IORING_OP_SPLICE:
	case IORING_OP_TEE:
	case IORING_OP_SHUTDOWN:
		return true;
	default:
		return false;
	}
}

/* Whether one of these says that it was cancelled. */
static bool has_cancelled(const struct event *events, unsigned int nr)
{
	while (nr--)
		if (events[nr].res == -ECANCELED)
			return true;
	return false;
}

/* What io_uring does at once, if all that it takes is at hand, can be cancelled here, or the other way round. */
static bool is_cancel_of_a_name(const struct program *p, const struct difference *d)
{
	unsigned int i;

	if (d->kind != EVENT_CQE || !d->nr[SIDE_RURING] ||
	    (!has_cancelled(d->events[SIDE_IO_URING], d->nr[SIDE_IO_URING]) &&
	     !has_cancelled(d->events[SIDE_RURING], d->nr[SIDE_RURING])))
		return false;
	/* several may have the same user_data */
	for (i = 0; i < p->nr_requests; i++)
		if (p->requests[i].sqe.user_data == d->key && !p->requests[i].dropped &&
		    (is_for_a_worker(p->requests[i].sqe.opcode) ||
		     (p->requests[i].sqe.opcode == IORING_OP_ASYNC_CANCEL && begins_in_worker(&p->requests[i].sqe))))
			return true;
	return false;
}

static bool is_iopoll(const struct program *p, const struct difference *d)
{
	return (p->setup | p->setup2) & IORING_SETUP_IOPOLL && d->kind == EVENT_CQE &&
	       d->nr[SIDE_RURING] == 1 && d->events[SIDE_RURING][0].res == -EOPNOTSUPP;
}

/* What has come back behind completions that nobody has taken. */
static bool is_behind_completions(const struct program *p, const struct difference *d)
{
	if (!((p->setup | p->setup2) & IORING_SETUP_IOPOLL) || !has_completions(SIDE_IO_URING, d->step))
		return false;
	return (d->kind == EVENT_CQE || d->kind == EVENT_VISIBLE) && d->nr[SIDE_RURING] &&
	       d->nr[SIDE_IO_URING] <= d->nr[SIDE_RURING];
}

/* It sleeps in the call that submits what a terminal has no room for, or that another one has read. */
static bool is_sleep_in_enter(const struct program *p, const struct difference *d)
{
	unsigned int i;

	if (d->kind != EVENT_RETURN || d->nr[SIDE_IO_URING] || d->step >= p->nr_steps ||
	    p->steps[d->step].kind != STEP_SUBMIT)
		return false;
	for (i = 0; i < MAX_OBJECTS; i++)
		if (p->objects[i].kind == PTY)
			return true;
	return false;
}

/* How many workers there were is another number if another ring has been told how many there may be. */
static bool is_limit_of_workers(const struct program *p, const struct difference *d)
{
	unsigned int i;

	if (d->kind != EVENT_RETURN || d->step >= p->nr_steps ||
	    p->steps[d->step].reg.opcode != IORING_REGISTER_IOWQ_MAX_WORKERS || d->nr[SIDE_IO_URING] != 1 ||
	    d->nr[SIDE_RURING] != 1 || d->events[0][0].res != d->events[1][0].res)
		return false;
	for (i = 0; i < MAX_OBJECTS; i++)
		if (p->objects[i].kind == SECOND_RING)
			return true;
	return false;
}

static bool receives(const struct io_uring_sqe *sqe)
{
	return sqe->opcode == IORING_OP_RECV || sqe->opcode == IORING_OP_RECVMSG;
}

/* Urgent data that a receive is not for. */
static bool is_beside_urgent(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	unsigned int i;

	if (d->kind != EVENT_CQE || d->nr[SIDE_RURING] || d->nr[SIDE_IO_URING] != 1 ||
	    d->events[SIDE_IO_URING][0].res != -EAGAIN || !receives(sqe) || !has_kind(p, sqe, STREAMS))
		return false;
	for (i = 0; i < p->nr_steps; i++)
		if (p->steps[i].kind == STEP_PEER && p->steps[i].op == PEER_URGENT)
			return true;
	for (i = 0; i < p->nr_requests; i++)
		if (p->requests[i].sqe.msg_flags & MSG_OOB)
			return true;
	return false;
}

/* The same once more for each look, of which there are more or fewer. */
static bool is_look_at_all(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	if (d->kind == EVENT_DEST)
		sqe = &p->requests[d->key].sqe;
	if (d->kind == EVENT_DEST && receives(sqe) &&
	    (sqe->msg_flags & (MSG_PEEK | MSG_WAITALL)) == (MSG_PEEK | MSG_WAITALL))
		return begins_in_worker(sqe) || drains_before(p, STEP_END);
	return d->kind == EVENT_CQE && receives(sqe) &&
	       (sqe->msg_flags & (MSG_PEEK | MSG_WAITALL)) == (MSG_PEEK | MSG_WAITALL) &&
	       d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] == 1 &&
	       (sqe->flags & IOSQE_BUFFER_SELECT || begins_in_worker(sqe) || drains_before(p, d->step)) &&
	       d->events[SIDE_IO_URING][0].res > 0 && d->events[SIDE_RURING][0].res > 0;
}

static bool is_nop_with_buffer(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return d->kind == EVENT_CQE && sqe->opcode == IORING_OP_NOP &&
	       sqe->flags & IOSQE_BUFFER_SELECT;
}

/* Nothing yet on the one side, and one completion with @res on the other. */
static bool is_early(const struct difference *d, int res)
{
	return d->kind == EVENT_CQE && !d->nr[SIDE_IO_URING] && d->nr[SIDE_RURING] == 1 &&
	       d->events[SIDE_RURING][0].res == res;
}

static bool is_datagram_of_another(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	unsigned int kinds = KIND(UNIX_DGRAM) | KIND(UNIX_SEQPACKET) | KIND(UDP) | KIND(UDP6) |
			     KIND(UDP_ALONE);

	return (sqe->opcode == IORING_OP_RECV || sqe->opcode == IORING_OP_RECVMSG) &&
	       sqe->ioprio & IORING_RECV_MULTISHOT && is_early(d, -ENOBUFS) && has_kind(p, sqe, kinds);
}

/* One that goes on in io_uring, or is tried by a worker there that does not. */
static bool is_read_of_a_terminal(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return d->kind == EVENT_CQE && sqe->opcode == IORING_OP_READ_MULTISHOT &&
	       has_kind(p, sqe, KIND(PTY));
}

/* A message that is there before the task of the ring that it is for has come for it. */
static bool is_message_by_then(const struct program *p, const struct difference *d)
{
	unsigned int i;

	if (d->kind != EVENT_VISIBLE || d->nr[SIDE_IO_URING] || d->nr[SIDE_RURING] != 1 ||
	    !((d->ring ? p->setup2 : p->setup) & IORING_SETUP_DEFER_TASKRUN))
		return false;
	for (i = 0; i < p->nr_requests; i++)
		if (p->requests[i].sqe.opcode == IORING_OP_MSG_RING && !p->requests[i].dropped)
			return true;
	return false;
}

/* What was the last buffer when a bundle was first looked for, and is not any more. */
static bool is_last_buffer_before(const struct program *p, const struct difference *d)
{
	const unsigned int kind = IORING_RECV_MULTISHOT | IORING_RECVSEND_BUNDLE;
	const struct event *theirs = d->events[SIDE_IO_URING], *ours = d->events[SIDE_RURING];

	return d->kind == EVENT_CQE && sqe_of(p, d->key)->opcode == IORING_OP_RECV &&
	       (sqe_of(p, d->key)->ioprio & kind) == kind && d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] &&
	       theirs[0].res == ours[0].res && (theirs[0].flags | IORING_CQE_F_MORE) == ours[0].flags;
}

/* An entry of a ring of buffers that nobody has written. */
static bool is_buffer_at_zero(const struct program *p, const struct difference *d)
{
	const struct event *theirs = d->events[SIDE_IO_URING], *ours = d->events[SIDE_RURING];
	unsigned int last = d->nr[SIDE_IO_URING] - 1;

	return d->kind == EVENT_CQE && sqe_of(p, d->key)->flags & IOSQE_BUFFER_SELECT &&
	       d->nr[SIDE_IO_URING] && d->nr[SIDE_RURING] > last && theirs[last].res == -ENOBUFS &&
	       (ours[last].res == 0 || ours[last].res == -EFAULT);
}

/* Data that another one has taken, of which a wake-up has told. */
static bool is_data_of_another(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return (sqe->opcode == IORING_OP_RECV || sqe->opcode == IORING_OP_RECVMSG) &&
	       sqe->ioprio & IORING_RECV_MULTISHOT && d->kind == EVENT_CQE && !d->nr[SIDE_RURING] &&
	       d->nr[SIDE_IO_URING] == 1 && d->events[SIDE_IO_URING][0].res == -ENOBUFS &&
	       has_kind(p, sqe, STREAMS);
}

/* An end that shows behind the last bytes, or that no event tells of any more. */
static bool is_end_behind_data(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	unsigned int i, nr = d->nr[SIDE_IO_URING];

	if (d->kind != EVENT_CQE || !nr || nr > 7 || d->nr[SIDE_RURING] != nr + 1 ||
	    d->events[SIDE_RURING][nr].res > 0 || !has_kind(p, sqe, STREAMS) ||
	    !(sqe->flags & IOSQE_ASYNC || drains_before(p, d->step)))
		return false;
	for (i = 0; i < nr; i++)
		if (d->events[SIDE_IO_URING][i].res != d->events[SIDE_RURING][i].res)
			return false;
	return (sqe->opcode == IORING_OP_RECV || sqe->opcode == IORING_OP_RECVMSG) &&
	       sqe->ioprio & IORING_RECV_MULTISHOT;
}

/* What finds no room for ever, and is tried more often first. */
static bool is_full_for_ever(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	switch (sqe->opcode) {
	case IORING_OP_WRITE:
	case IORING_OP_WRITEV:
	case IORING_OP_WRITE_FIXED:
	case IORING_OP_WRITEV_FIXED:
	case IORING_OP_SENDMSG:
	case IORING_OP_SENDMSG_ZC:
		return (p->setup | p->setup2) & IORING_SETUP_DEFER_TASKRUN && is_early(d, -EAGAIN) &&
		       has_kind(p, sqe, STREAMS);
	default:
		return false;
	}
}

/* Whether it reads or writes what has no operation for that. */
static bool transfers_nothing(const struct program *p, const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_READ:
	case IORING_OP_READV:
	case IORING_OP_READ_FIXED:
	case IORING_OP_READV_FIXED:
	case IORING_OP_READ_MULTISHOT:
	case IORING_OP_WRITE:
	case IORING_OP_WRITEV:
	case IORING_OP_WRITE_FIXED:
	case IORING_OP_WRITEV_FIXED:
		/* the ring's own descriptor is one of those that a program has besides */
		return has_kind(p, sqe, KIND(EPOLL) | KIND(SECOND_RING)) ||
		       (sqe->fd > STDERR_FILENO && sqe->fd < BAD_FD);
	default:
		return false;
	}
}

/* Whether what drains has ended like that in the step, so that others have begun. */
static bool has_drained_at_once(const struct program *p, unsigned int step)
{
	const struct trace *t = last_trace(SIDE_RURING);
	unsigned int i;

	for (i = 0; i < t->nr && i < MAX_EVENTS; i++) {
		const struct event *e = &t->events[i];

		if (e->step == step && e->kind == EVENT_CQE && e->res == -EINVAL &&
		    sqe_of(p, e->key)->flags & IOSQE_IO_DRAIN && transfers_nothing(p, sqe_of(p, e->key)))
			return true;
	}
	return false;
}

static bool is_transfer_of_nothing(const struct program *p, const struct difference *d)
{
	const struct step *step = &p->steps[d->step];
	unsigned int i;

	/* a completion that is not taken is only told of */
	if ((d->kind == EVENT_POLL || d->kind == EVENT_EPOLL) && !d->nr[SIDE_IO_URING] && d->step < p->nr_steps &&
	    step->kind == STEP_SUBMIT && step->flags & STEP_KEEP)
		for (i = step->first; i < (unsigned int)step->first + step->nr; i++)
			if (!p->requests[i].dropped && transfers_nothing(p, &p->requests[i].sqe))
				return true;
	if (d->kind == EVENT_CQE && !d->nr[SIDE_IO_URING] && has_drained_at_once(p, d->step))
		return true;
	return is_early(d, -EINVAL) && transfers_nothing(p, sqe_of(p, d->key));
}

static bool is_datagram_of_shut(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	switch (sqe->opcode) {
	case IORING_OP_READ:
	case IORING_OP_READV:
	case IORING_OP_READ_FIXED:
	case IORING_OP_READV_FIXED:
	case IORING_OP_RECV:
	case IORING_OP_RECVMSG:
		return (p->setup | p->setup2) & IORING_SETUP_DEFER_TASKRUN &&
		       (is_early(d, 0) || is_early(d, -EAGAIN)) &&
		       has_kind(p, sqe, KIND(UNIX_DGRAM) | KIND(UDP) | KIND(UDP6) | KIND(UDP_ALONE));
	default:
		return false;
	}
}

static const struct deliberate {
	const char *name;
	/* words of the page, which may be broken into lines differently there */
	const char *quote;
	/* or nothing: it is left out of what is compared */
	bool (*is)(const struct program *p, const struct difference *d);
} differences[] = {
	{
		"a send that has handed over nothing has no notification",
		"SEND_ZC and SENDMSG_ZC that end before they have handed their buffer to the socket complete once",
		NULL,
	},
	{
		"a notification of a send whose link has failed",
		"If a link is cancelled, that comes without the mark that it does in io_uring, and not at all in ruring",
		is_lone_notification,
	},
	{
		"a ring that polls for completions has no file to poll",
		"A ring with IORING_SETUP_IOPOLL has no file that it could poll",
		is_iopoll,
	},
	{
		"what has come back to a ring that polls",
		"io_uring runs nothing there as long as there are completions",
		is_behind_completions,
	},
	{
		"a terminal for which the kernel sleeps",
		"sleeps there if another reader has been faster",
		is_sleep_in_enter,
	},
	{
		"the number of workers",
		"which here sets a ring's limit, not a task's",
		is_limit_of_workers,
	},
	{
		"urgent data beside a receive",
		"RECV and RECVMSG go on waiting beside urgent data",
		is_beside_urgent,
	},
	{
		"what is looked at until all is there",
		"What is only looked at (MSG_PEEK) until all is there (MSG_WAITALL)",
		is_look_at_all,
	},
	{
		"a count that begins with a worker",
		"a TIMEOUT counts completions from when it is submitted",
		is_count_of_a_worker,
	},
	{
		"a part that a worker makes do with",
		"A transfer of a socket with MSG_WAITALL goes on until all is there",
		is_part_of_a_worker,
	},
	{
		"a first attempt",
		"a multishot request finds out at its first attempt that it cannot be done",
		is_attempt_of_a_worker,
	},
	{
		"a completion that is not the last one waited for",
		"a completion of one is in the ring before that has as many as somebody waits for",
		is_seen_before_a_worker,
	},
	{
		"a wait for several completions",
		"and so may sleep on although there are enough",
		is_wait_for_several,
	},
	{
		"a cancel of what another one has ended",
		"An ASYNC_CANCEL with IOSQE_ASYNC finds nothing of what another cancel has ended",
		is_cancelled_before,
	},
	{
		"what a worker does here",
		"A worker always does OPENAT, OPENAT2, STATX",
		is_told_of_what_a_worker_does,
	},
	{
		"a multishot read that stays one",
		"stays multishot whatever the file",
		is_multishot_that_stays,
	},
	{
		"a group that a worker makes",
		"what PROVIDE_BUFFERS with IOSQE_ASYNC brings may be there for what is submitted behind it",
		is_group_by_a_worker,
	},
	{
		"a request that drains, after one that skips its completion",
		"IOSQE_IO_DRAIN also works in a ring in which a request has had IOSQE_CQE_SKIP_SUCCESS",
		is_drain_after_skip,
	},
	{
		"a failure names no buffer",
		"What ends without a transfer has taken no buffer of a ring",
		is_buffer_of_a_failure,
	},
	{
		"a part of a buffer",
		"and of a buffer that is consumed in parts all that the request may use",
		is_all_of_a_part,
	},
	{
		"a bundle that a worker sends",
		"A SEND with IORING_RECVSEND_BUNDLE and IOSQE_ASYNC, or one that has drained, sends at once",
		is_bundle_by_worker,
	},
	{
		"a cancel of what a worker is to do",
		"Whether a cancel finds what a worker is to do before one has begun with it",
		is_cancel_of_a_name,
	},
	{
		"how many a cancel has found",
		"Whether a cancel finds what a worker is to do before one has begun with it",
		is_count_of_cancelled,
	},
	{
		"the descriptor of what a worker has opened",
		"The descriptor of what is opened is there when its completion is",
		is_descriptor_of_a_worker,
	},
	{
		"a worker that goes on with a link",
		"What is linked behind a request that a worker has done is started by its task",
		is_impatient_worker,
	},
	{
		"a limit that was over",
		"The LINK_TIMEOUT of a request that is over at once is ``-ECANCELED``",
		is_limit_that_was_over,
	},
	{
		"a limit of no time",
		"A LINK_TIMEOUT whose time is over when its request begins to wait ends it",
		is_limit_of_no_time,
	},
	{
		"a notification that is counted",
		"io_uring posts a notification then as well",
		is_count_of_a_notification,
	},
	{
		"a zero-copy send that waits for others to drain",
		"A SEND_ZC or SENDMSG_ZC that waits for others to drain does not count as one of them",
		is_drain_of_a_notification,
	},
	{
		"several wake-ups of a POLL_ADD",
		"POLL_ADD says what its file is ready for when its task looks",
		is_merged_poll,
	},
	{
		"a transfer that a file has no operation for",
		"READ and WRITE of what has no operation for that",
		is_transfer_of_nothing,
	},
	{
		"a datagram socket that is shut down",
		"RECV, RECVMSG and READ of a socket that is shut down for reading end at once",
		is_datagram_of_shut,
	},
	{
		"who is told that there is something to do",
		"Who polls a ring with IORING_SETUP_DEFER_TASKRUN, or its eventfd, is told at once",
		is_told_in_time,
	},
	{
		"who is served first",
		"Of several requests that wait for one file the one that is served first",
		is_served_first,
	},
	{
		"an error of what a worker would do",
		"An error that shows when a request is submitted does not signal it",
		is_error_that_is_found,
	},
	{
		"what a worker has done of a ring whose task has other work",
		"An eventfd that is registered for asynchronous completions only is signalled",
		is_told_of_a_worker,
	},
	{
		"a cancel of what no thread waits for",
		"a cancel of one is always ``-ECANCELED``",
		is_interrupted,
	},
	{
		"a cancel of what need not drain any more",
		"A cancel also finds what has waited for others to drain",
		is_cancel_of_the_next,
	},
	{
		"a datagram that another has taken",
		"A multishot RECV or RECVMSG of datagrams that has no buffer",
		is_datagram_of_another,
	},
	{
		"data that another has taken",
		"one of a stream waits on",
		is_data_of_another,
	},
	{
		"an end behind the last bytes",
		"is told of that right behind the last of them",
		is_end_behind_data,
	},
	{
		"no room for ever",
		"WRITE and SENDMSG to a peer that has half-closed end at once",
		is_full_for_ever,
	},
	{
		"a multishot read of a terminal",
		"A READ_MULTISHOT of one ends with its first completion",
		is_read_of_a_terminal,
	},
	{
		"a message that is posted by who sends it",
		"it is there without a call of ``enter`` and without the ring's task",
		is_message_by_then,
	},
	{
		"the last buffer of a group, by then",
		"In io_uring it also does if that was the last one when it began to wait",
		is_last_buffer_before,
	},
	{
		"a provided buffer at address 0",
		"A provided buffer at address 0 is a buffer like any other",
		is_buffer_at_zero,
	},
	{
		"a worker that is interrupted",
		"A worker is interrupted by a cancel alone",
		is_interrupted_worker,
	},
	{
		"a shutdown beside other requests",
		"BIND, SHUTDOWN, EPOLL_CTL, EPOLL_WAIT, CONNECT of UNIX sockets",
		is_shut_meanwhile,
	},
	{
		"a change of an epoll that is behind a close",
		"EPOLL_CTL does not find a second descriptor",
		is_behind_a_close,
	},
	{
		"NOP selects a buffer",
		"NOP takes IOSQE_BUFFER_SELECT",
		is_nop_with_buffer,
	},
};

static unsigned int met[ARRAY_SIZE(differences)];

static const char *find(const struct program *p, const struct difference *d)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(differences); i++) {
		if (differences[i].is && differences[i].is(p, d)) {
			met[i]++;
			return differences[i].name;
		}
	}
	return NULL;
}

/* Of a step whose completions stay in their queue: where those differ that are taken later. */
static bool completions_differ(const struct program *p, const struct difference *d, struct difference *later)
{
	static struct trace sides[2];
	unsigned int side, i;

	for (side = 0; side < 2; side++) {
		const struct trace *t = last_trace(side);

		sides[side].nr = 0;
		for (i = 0; i < t->nr && i < MAX_EVENTS; i++)
			if (t->events[i].kind == EVENT_CQE && t->events[i].step >= d->step)
				sides[side].events[sides[side].nr++] = t->events[i];
	}
	return compare(p, &sides[SIDE_IO_URING], &sides[SIDE_RURING], later);
}

static bool is_told_of_what_stays(const struct program *p, const struct difference *d)
{
	return (d->kind == EVENT_POLL || d->kind == EVENT_EPOLL) && d->step < p->nr_steps &&
	       p->steps[d->step].flags & STEP_KEEP;
}

const char *deliberate(const struct program *p, const struct difference *d)
{
	static struct program like;
	const char *name = find(p, d);
	__u64 of = d->key - USER_DATA;
	struct difference later;
	unsigned int i;

	if (!name && is_told_of_what_stays(p, d) && completions_differ(p, d, &later))
		return deliberate(p, &later);
	if (d->kind != EVENT_CQE || of >= MAX_REQUESTS)
		return name;
	/* nobody can tell which one it is of several that have the same user_data */
	for (i = 0; i < p->nr_requests && !name; i++) {
		if (i == of || p->requests[i].dropped || p->requests[i].sqe.user_data != d->key)
			continue;
		like = *p;
		like.requests[of] = p->requests[i];
		name = find(&like, d);
	}
	return name;
}

unsigned int print_met(void)
{
	unsigned int i, unmet = 0;

	for (i = 0; i < ARRAY_SIZE(differences); i++) {
		unsigned int times = differences[i].is ? met[i] : vain_notifications;

		printf("  %6u deliberate: %s\n", times, differences[i].name);
		unmet += !times;
	}
	return unmet;
}

/* Whether @text says @words, with any space between them. */
static bool says(const char *text, const char *words)
{
	for (; *text; text++) {
		const char *t = text, *w = words;

		while (*w && (*t == *w || (*w == ' ' && (*t == '\n' || *t == '\t')))) {
			bool space = *w == ' ';

			t++;
			w++;
			while (space && (*t == ' ' || *t == '\n' || *t == '\t'))
				t++;
		}
		if (!*w)
			return true;
	}
	return false;
}

bool quotes_are_right(void)
{
	static char text[1 << 16];
	FILE *page = fopen(PAGE_NAME, "r");
	bool right = true;
	unsigned int i;

	if (!page || !fread(text, 1, sizeof(text) - 1, page)) {
		printf("# %s cannot be read\n", PAGE_NAME);
		return false;
	}
	fclose(page);
	for (i = 0; i < ARRAY_SIZE(differences); i++) {
		if (says(text, differences[i].quote))
			continue;
		printf("# %s does not say: %s\n", PAGE_NAME, differences[i].quote);
		right = false;
	}
	return right;
}
