// SPDX-License-Identifier: GPL-2.0
/*
 * What differs on purpose, told by what was asked for and what came of it.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "deliberate.h"
#include "oracle.h"

/* A notification of a send that has handed over nothing, of whose end nobody is told. */
bool is_lone_notification(const struct program *p, const struct difference *d)
{
	(void)p;
	return d->kind == EVENT_CQE && d->nr[SIDE_IO_URING] == 1 && !d->nr[SIDE_RURING] &&
	       d->events[SIDE_IO_URING][0].flags & IORING_CQE_F_NOTIF;
}

bool is_bundle_by_worker(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	unsigned int i;

	if (d->kind != EVENT_CQE || sqe->opcode != IORING_OP_SEND || !(sqe->ioprio & IORING_RECVSEND_BUNDLE))
		return false;
	if (sqe->flags & IOSQE_ASYNC || drains_before(p, d->step))
		return true;
	/* a worker finds out that a peer that has half-closed has no room */
	for (i = 0; i < d->step && i < p->nr_steps; i++)
		if (p->steps[i].kind == STEP_PEER && p->steps[i].op == PEER_SHUTDOWN &&
		    (sqe->flags & IOSQE_FIXED_FILE || (p->steps[i].fd | 1) == (sqe->fd | 1)))
			return true;
	return false;
}

/* What is to be watched has been closed by a request behind it. */
bool is_behind_a_close(const struct program *p, const struct difference *d)
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
		return is_of_a_name(opcode);
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
bool is_cancel_of_a_name(const struct program *p, const struct difference *d)
{
	unsigned int i;

	/* of two with the same user_data it is the one that is done, and writes what it is told to */
	if (d->kind == EVENT_STRUCTS || d->kind == EVENT_DEST) {
		const struct io_uring_sqe *sqe = &p->requests[d->key].sqe;

		for (i = 0; is_for_a_worker(sqe->opcode) && i < p->nr_requests; i++)
			if (i != d->key && !p->requests[i].dropped && p->requests[i].sqe.user_data == sqe->user_data)
				return true;
		return false;
	}
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

bool is_iopoll(const struct program *p, const struct difference *d)
{
	return (p->setup | p->setup2) & IORING_SETUP_IOPOLL && d->kind == EVENT_CQE &&
	       d->nr[SIDE_RURING] == 1 && d->events[SIDE_RURING][0].res == -EOPNOTSUPP;
}

/* What has come back behind completions that nobody has taken. */
bool is_behind_completions(const struct program *p, const struct difference *d)
{
	if (!((p->setup | p->setup2) & IORING_SETUP_IOPOLL) || !has_completions(SIDE_IO_URING, d->step))
		return false;
	return (d->kind == EVENT_CQE || d->kind == EVENT_VISIBLE) && d->nr[SIDE_RURING] &&
	       d->nr[SIDE_IO_URING] <= d->nr[SIDE_RURING];
}

/* Whether io_uring has not come back from a call of that step. */
static bool hangs(unsigned int step)
{
	const struct trace *t = last_trace(SIDE_IO_URING);
	unsigned int i;

	for (i = 0; i < t->nr && i < MAX_EVENTS; i++)
		if (t->events[i].kind == EVENT_HANG && t->events[i].step == step)
			return true;
	return false;
}

/*
 * It sleeps in the call that submits what a terminal has no room for, or that another one has read, or in a
 * later one of that step, by which it comes back to its task.
 */
bool is_sleep_in_enter(const struct program *p, const struct difference *d)
{
	unsigned int i;

	if (d->step >= p->nr_steps || p->steps[d->step].kind != STEP_SUBMIT)
		return false;
	/* or until a signal has it make do with a part */
	if (d->kind == EVENT_CQE && d->nr[SIDE_IO_URING] == 1 && !d->nr[SIDE_RURING] && d->events[SIDE_IO_URING][0].res > 0 &&
	    p->steps[d->step].wait && sqe_of(p, d->key)->opcode >= IORING_OP_READV && has_kind(p, sqe_of(p, d->key), KIND(PTY)))
		return true;
	if (d->nr[SIDE_IO_URING] || !hangs(d->step))
		return false;
	for (i = 0; i < MAX_OBJECTS; i++)
		if (p->objects[i].kind == PTY)
			return true;
	return false;
}

bool is_open_at_the_limit(const struct program *p, const struct difference *d)
{
	unsigned int opcode = sqe_of(p, d->key)->opcode;

	if (d->kind != EVENT_CQE || !p->descriptors || (opcode != IORING_OP_OPENAT && opcode != IORING_OP_OPENAT2) ||
	    d->nr[SIDE_IO_URING] != 1 || d->nr[SIDE_RURING] != 1)
		return false;
	/* it is found first that there is no such file */
	if (d->events[SIDE_IO_URING][0].res == -EMFILE && d->events[SIDE_RURING][0].res == -ENOENT)
		return true;
	return (d->events[SIDE_IO_URING][0].res == -EINVAL || d->events[SIDE_IO_URING][0].res == -EAGAIN) &&
	       d->events[SIDE_RURING][0].res == -EMFILE;
}

/* A thread that has not used a ring has registered none. */
bool is_index_of_none(const struct program *p, const struct difference *d)
{
	const struct step *step = &p->steps[d->step];
	bool by_index = step->by || (step->kind == STEP_REGISTER && step->reg.opcode == IORING_REGISTER_CLONE_BUFFERS);

	if (d->kind != EVENT_RETURN || d->step >= p->nr_steps || !(p->orphans || step->flags & STEP_OTHER) ||
	    d->nr[SIDE_IO_URING] != 1 || d->nr[SIDE_RURING] != 1)
		return false;
	if (step->kind == STEP_REGISTER && step->reg.opcode == IORING_UNREGISTER_RING_FDS)
		return !d->events[SIDE_IO_URING][0].res;
	return by_index && d->events[SIDE_IO_URING][0].res == -EINVAL && d->events[SIDE_RURING][0].res == -EBADF;
}

/* How many workers there were is another number if another ring has been told how many there may be. */
bool is_limit_of_workers(const struct program *p, const struct difference *d)
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

/* What is woken up and tried finds out that nobody is connected. */
bool is_woken_for_nothing(const struct program *p, const struct difference *d)
{
	const unsigned int kind = IORING_RECV_MULTISHOT | IORING_RECVSEND_POLL_FIRST;
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return d->kind == EVENT_CQE && !d->nr[SIDE_IO_URING] && d->nr[SIDE_RURING] == 1 && receives(sqe) &&
	       (sqe->ioprio & kind) == kind && has_kind(p, sqe, LISTENERS | ALONE) &&
	       (d->events[SIDE_RURING][0].res == -EINVAL || d->events[SIDE_RURING][0].res == -ENOTCONN);
}

/* Urgent data that a receive is not for. */
bool is_beside_urgent(const struct program *p, const struct difference *d)
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
bool is_look_at_all(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	if (d->kind == EVENT_DEST)
		sqe = &p->requests[d->key].sqe;
	if (d->kind == EVENT_DEST && receives(sqe) &&
	    (sqe->msg_flags & (MSG_PEEK | MSG_WAITALL)) == (MSG_PEEK | MSG_WAITALL))
		return begins_in_worker(sqe) || drains_before(p, STEP_END);
	if (d->kind != EVENT_CQE || !receives(sqe) ||
	    (sqe->msg_flags & (MSG_PEEK | MSG_WAITALL)) != (MSG_PEEK | MSG_WAITALL))
		return false;
	if (!d->nr[SIDE_IO_URING])
		return d->nr[SIDE_RURING] == 1 && d->events[SIDE_RURING][0].res > 0 &&
		       (begins_in_worker(sqe) || drains_before(p, d->step));
	if (d->nr[SIDE_IO_URING] != 1)
		return false;
	if (!d->nr[SIDE_RURING])
		return d->events[SIDE_IO_URING][0].res > 0;
	return d->nr[SIDE_RURING] == 1 &&
	       (sqe->flags & IOSQE_BUFFER_SELECT || begins_in_worker(sqe) || drains_before(p, d->step)) &&
	       d->events[SIDE_IO_URING][0].res > 0 && d->events[SIDE_RURING][0].res > 0;
}

/* Nothing yet on the one side, and one completion with @res on the other. */
static bool is_early(const struct difference *d, int res)
{
	return d->kind == EVENT_CQE && !d->nr[SIDE_IO_URING] && d->nr[SIDE_RURING] == 1 &&
	       d->events[SIDE_RURING][0].res == res;
}

bool is_datagram_of_another(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	unsigned int kinds = KIND(UNIX_DGRAM) | KIND(UNIX_SEQPACKET) | KIND(UDP) | KIND(UDP6) |
			     KIND(UDP_ALONE);

	return (sqe->opcode == IORING_OP_RECV || sqe->opcode == IORING_OP_RECVMSG) &&
	       sqe->ioprio & IORING_RECV_MULTISHOT && is_early(d, -ENOBUFS) && has_kind(p, sqe, kinds);
}

/* One that goes on in io_uring, or is tried by a worker there that does not. */
bool is_read_of_a_terminal(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return d->kind == EVENT_CQE && sqe->opcode == IORING_OP_READ_MULTISHOT &&
	       has_kind(p, sqe, KIND(PTY));
}

/* A message that is there before the task of the ring that it is for has come for it. */
bool is_message_by_then(const struct program *p, const struct difference *d)
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

/* Data that another one has taken, of which a wake-up has told. */
bool is_data_of_another(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return (sqe->opcode == IORING_OP_RECV || sqe->opcode == IORING_OP_RECVMSG) &&
	       sqe->ioprio & IORING_RECV_MULTISHOT && d->kind == EVENT_CQE && !d->nr[SIDE_RURING] &&
	       d->nr[SIDE_IO_URING] == 1 && d->events[SIDE_IO_URING][0].res == -ENOBUFS &&
	       has_kind(p, sqe, STREAMS);
}

/* An end that shows behind the last bytes, or that no event tells of any more. */
bool is_end_behind_data(const struct program *p, const struct difference *d)
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
bool is_full_for_ever(const struct program *p, const struct difference *d)
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

bool is_transfer_of_nothing(const struct program *p, const struct difference *d)
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
	/* what waits there is cancelled at the end */
	if (d->kind == EVENT_CQE && d->step == STEP_END && d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] == 1 &&
	    d->events[SIDE_IO_URING][0].res == -ECANCELED && d->events[SIDE_RURING][0].res == -EINVAL)
		return transfers_nothing(p, sqe_of(p, d->key));
	return is_early(d, -EINVAL) && transfers_nothing(p, sqe_of(p, d->key));
}

bool is_datagram_of_shut(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	switch (sqe->opcode) {
	case IORING_OP_READ:
	case IORING_OP_READV:
	case IORING_OP_READ_FIXED:
	case IORING_OP_READV_FIXED:
	case IORING_OP_RECV:
	case IORING_OP_RECVMSG:
		if (!has_kind(p, sqe, KIND(UNIX_DGRAM) | KIND(UNIX_ALONE) | KIND(UDP) | KIND(UDP6) | KIND(UDP_ALONE)))
			return false;
		/* what comes meanwhile is received */
		if (d->kind == EVENT_CQE && d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] == 1 &&
		    d->events[SIDE_IO_URING][0].res > 0 && !d->events[SIDE_RURING][0].res)
			return true;
		return (p->setup | p->setup2) & IORING_SETUP_DEFER_TASKRUN && (is_early(d, 0) || is_early(d, -EAGAIN));
	default:
		return false;
	}
}

/* One that io_uring finds no memory for: what is resized in memory of its own is told none. */
bool is_resize_of_user_memory(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_RETURN && d->step < p->nr_steps && p->steps[d->step].kind == STEP_REGISTER &&
	       p->steps[d->step].reg.opcode == IORING_REGISTER_RESIZE_RINGS &&
	       (p->setup | p->setup2) & IORING_SETUP_NO_MMAP && d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] == 1 &&
	       d->events[SIDE_IO_URING][0].res == -EFAULT && d->events[SIDE_RURING][0].res == -EINVAL;
}

/* A vector of registered memory, for a file that has to be told of each of its elements by itself. */
bool is_vector_itself(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return d->kind == EVENT_CQE && (sqe->opcode == IORING_OP_READV_FIXED || sqe->opcode == IORING_OP_WRITEV_FIXED) &&
	       has_kind(p, sqe, KIND(PROC_FILE)) && d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] == 1 &&
	       (__u32)d->events[SIDE_IO_URING][0].res <= sqe->len;
}

/* A send of registered memory of a large page that finds its peer without room on the one side, where it counts for more. */
bool is_send_of_a_large_page(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	unsigned int i, j;

	if (d->kind != EVENT_CQE || !(sqe->ioprio & IORING_RECVSEND_FIXED_BUF) || d->nr[SIDE_IO_URING] > d->nr[SIDE_RURING] ||
	    (sqe->opcode != IORING_OP_SEND_ZC && sqe->opcode != IORING_OP_SENDMSG_ZC))
		return false;
	for (i = 0; i < p->nr_steps; i++)
		for (j = 0; p->steps[i].kind == STEP_REGISTER && j < NR_BUFFERS; j++)
			if ((__u64)(unsigned long)p->steps[i].reg.arg.iov[j].iov_base - HUGE < HUGE_SIZE)
				return true;
	return false;
}
