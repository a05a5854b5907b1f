// SPDX-License-Identifier: GPL-2.0
/*
 * What a program's user, and others, can see.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring/query.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"

void event(struct run *run, enum event_kind kind, unsigned int ring, __u64 key, long res,
	   unsigned int flags, unsigned int sum)
{
	struct trace *t = run->trace;

	if (t->nr == MAX_EVENTS)
		return;
	t->events[t->nr++] = (struct event) {
		.step = t->step,
		.kind = kind,
		.ring = ring,
		.key = key,
		.res = res,
		.flags = flags,
		.sum = sum,
	};
}

static void observe_watchers(struct run *run)
{
	unsigned int i;

	for (i = 0; i < run->nr_watchers; i++) {
		struct watcher *w = &run->watchers[i];

		if (w->told || !__atomic_load_n(&w->done, __ATOMIC_ACQUIRE))
			continue;
		w->told = true;
		event(run, EVENT_WATCH, 0, i, w->result, w->op, 0);
	}
}

/* How many there are to be taken, without notifications, of which there may be more than there need be. */
static unsigned int count_visible(const struct ring *r)
{
	unsigned int at = *r->cq_head, end = __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE), nr = 0;
	unsigned int shift = !!(r->params.flags & IORING_SETUP_CQE32);

	for (; at != end; at++) {
		const struct io_uring_cqe *cqe = &r->cqes[(at & (r->params.cq_entries - 1)) << shift];

		nr += !(cqe->flags & (IORING_CQE_F_NOTIF | IORING_CQE_F_SKIP));
		/* two places */
		at += r->params.flags & IORING_SETUP_CQE_MIXED && cqe->flags & IORING_CQE_F_32;
	}
	return nr;
}

/* Whether there are completions that there were not. Who is told at the edge may be told once more of what there was. */
static bool has_news(struct run *run)
{
	unsigned int tail = __atomic_load_n(run->rings[0].cq_tail, __ATOMIC_ACQUIRE);
	bool news = !run->p->edge || tail != run->tail_seen;

	run->tail_seen = tail;
	return news;
}

void observe(struct run *run)
{
	/* how many they are is only told where they are told as well */
	bool kept = run->p->steps[run->trace->step].flags & STEP_KEEP;
	struct epoll_event happened = {};
	unsigned int i;
	__u64 count;

	for (i = 0; i < RINGS; i++) {
		struct ring *r = &run->rings[i];
		struct pollfd p = { .fd = r->fd, .events = POLLIN };

		if (!run->has_ring[i])
			continue;
		if (!has_descriptor(run, i))
			p.fd = -1;
		poll(&p, 1, 0);
		if (p.revents)
			event(run, EVENT_POLL, i, 0, p.revents, 0, 0);
		if (count_visible(r) && !kept)
			event(run, EVENT_VISIBLE, i, 0, count_visible(r), 0, 0);
		if (ring_flags(r) & IORING_SQ_CQ_OVERFLOW)
			event(run, EVENT_OVERFLOW, i, 0, 1, 0, 0);
	}
	if (run->p->epoll && epoll_wait(RING_EPOLL_FD, &happened, 1, 0) == 1 && has_news(run))
		event(run, EVENT_EPOLL, 0, 0, happened.events, 0, 0);
	if (read(SIGNALLED_FD, &count, sizeof(count)) == sizeof(count))
		event(run, EVENT_EVENTFD, 0, 0, 1, 0, 0);
	count = __atomic_exchange_n(&signals_seen, 0, __ATOMIC_RELAXED);
	if (count)
		event(run, EVENT_SIGNAL, 0, 0, count, 0, 0);
	observe_watchers(run);
}

/* A sum of the bytes that a completion tells of. */
static __u32 bytes_of(const struct program *p, const struct io_uring_cqe *cqe)
{
	__u64 i = cqe->user_data - USER_DATA;
	const struct io_uring_sqe *sqe;

	if (cqe->res <= 0 || i >= MAX_REQUESTS)
		return 0;
	sqe = &p->requests[i].sqe;
	if (cqe->flags & IORING_CQE_F_BUFFER) {
		unsigned int bid = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
		unsigned long at = GROUP_BUFS(sqe->buf_group) + bid * GROUP_BUF;

		if (sqe->buf_group >= GROUPS || bid >= GROUP_ENTRIES)
			return 0;
		if (sqe->opcode == IORING_OP_RECVMSG)
			scrub_address((void *)(at + sizeof(struct io_uring_recvmsg_out)), 64);
		return sum_of((void *)at, GROUP_BUF);
	}
	switch (sqe->opcode) {
	case IORING_OP_READ:
	case IORING_OP_RECV:
		if (sqe->addr == dest_of(i))
			return sum_of((void *)dest_of(i), cqe->res < (int)PAGE ? cqe->res : PAGE);
	}
	return 0;
}

/* Whether it is one that tells a time, which is another one on each side. */
static bool may_tell_time(const struct program *p, const struct io_uring_cqe *cqe)
{
	unsigned int i;

	for (i = 0; i < p->nr_requests; i++) {
		const struct io_uring_sqe *sqe = &p->requests[i].sqe;

		if (sqe->user_data == cqe->user_data && sqe->cmd_op == SOCKET_URING_OP_TX_TIMESTAMP &&
		    (sqe->opcode == IORING_OP_URING_CMD || sqe->opcode == IORING_OP_URING_CMD128))
			return true;
	}
	return false;
}

/* A sum of what a completion of 32 bytes says besides. */
static __u32 extra_of(const struct program *p, const struct ring *r, const struct io_uring_cqe *cqe)
{
	if (!(r->params.flags & IORING_SETUP_CQE32) && !(cqe->flags & IORING_CQE_F_32))
		return 0;
	if (may_tell_time(p, cqe))
		return !!r->extra[0];
	return r->extra[0] * 31 + r->extra[1] * 17;
}

void reap(struct run *run)
{
	struct io_uring_cqe cqe;
	unsigned int i, rounds;

	for (i = 0; i < RINGS; i++) {
		struct ring *r = &run->rings[i];

		if (!run->has_ring[i])
			continue;
		for (rounds = 0; rounds < 20; rounds++) {
			while (ring_peek(r, &cqe))
				event(run, EVENT_CQE, i, cqe.user_data, cqe.res, cqe.flags,
				      bytes_of(run->p, &cqe) + extra_of(run->p, r, &cqe));
			if (!(ring_flags(r) & IORING_SQ_CQ_OVERFLOW))
				break;
			ring_enter(r, 0, 0, IORING_ENTER_GETEVENTS);
		}
	}
}

/* Opcodes that only io_uring has: Documentation/differences.rst names them. */
static const __u8 not_there[] = {
	IORING_OP_FSETXATTR, IORING_OP_SETXATTR, IORING_OP_FGETXATTR, IORING_OP_GETXATTR,
	IORING_OP_WAITID, IORING_OP_FUTEX_WAIT, IORING_OP_FUTEX_WAKE, IORING_OP_FUTEX_WAITV,
	IORING_OP_RECV_ZC,
};

/* The same of features and flags of set-up, which a query tells. */
static const struct io_uring_query_opcode never_there = {
	.feature_flags = IORING_FEAT_NATIVE_WORKERS | IORING_FEAT_RW_ATTR,
	.ring_setup_flags = IORING_SETUP_HYBRID_IOPOLL,
};

void scrub_answer(unsigned int opcode, long ret)
{
	struct io_uring_probe *probe = (void *)ARGUMENT;
	struct io_uring_params *params = (void *)ARGUMENT;
	unsigned char *told = (unsigned char *)ARG(tags);
	unsigned int i;

	switch (opcode) {
	case IORING_REGISTER_PROBE:
		for (i = 0; i < ARRAY_SIZE(not_there) && !ret; i++)
			probe->ops[not_there[i]].flags = 0;
		break;
	case IORING_REGISTER_QUERY:
		for (i = 0; i < sizeof(never_there); i++)
			told[i] &= ~((const unsigned char *)&never_there)[i];
		break;
	case IORING_REGISTER_RESIZE_RINGS:
		if (ret)
			break;
		memset(&params->sq_off, 0, sizeof(params->sq_off));
		memset(&params->cq_off, 0, sizeof(params->cq_off));
		break;
	}
}

static void observe_groups(struct run *run)
{
	unsigned int i, step;

	for (step = 0; step < run->p->nr_steps; step++) {
		const struct step *s = &run->p->steps[step];
		const struct io_uring_buf_reg *group = (const void *)s->reg.arg.words;
		struct io_uring_buf_status status = { .buf_group = group->bgid };
		struct io_uring_buf_ring *br = (void *)GROUP_RING(group->bgid);
		unsigned int sum = 0, entry;
		long ret;

		if (s->kind != STEP_REGISTER || s->reg.opcode != IORING_REGISTER_PBUF_RING ||
		    group->bgid >= CLASSIC_GROUPS)
			continue;
		ret = ring_register(&run->rings[0], IORING_REGISTER_PBUF_STATUS, &status, 1);
		for (entry = 0; entry < GROUP_ENTRIES; entry++)
			sum = sum * 31 + sum_of(&br->bufs[entry], 14);
		event(run, EVENT_GROUP, 0, group->bgid, ret, status.head, sum);
	}
	for (i = 0; i < GROUPS; i++)
		event(run, EVENT_MEMORY, 0, GROUP_BUFS(i), 0, 0,
		      sum_of((void *)GROUP_BUFS(i), GROUP_ENTRIES * GROUP_BUF));
}

/* What it says of a file that is not the same each time. */
static void scrub_status(struct statx *st)
{
	struct statx facts = *st;

	memset(st, 0, sizeof(*st));
	st->stx_mask = facts.stx_mask;
	st->stx_nlink = facts.stx_nlink;
	st->stx_mode = facts.stx_mode;
	st->stx_size = S_ISREG(facts.stx_mode) ? facts.stx_size : 0;
	st->stx_attributes_mask = facts.stx_attributes_mask;
	st->stx_attributes = facts.stx_attributes;
}

static void observe_memory(struct run *run)
{
	const struct program *p = run->p;
	bool big = false;
	unsigned int i;

	for (i = 0; i < p->nr_requests; i++) {
		const struct io_uring_sqe *sqe = &p->requests[i].sqe;
		struct structs *s = structs_of(i);

		if (p->requests[i].dropped)
			continue;
		scrub_address(&s->addr, sizeof(s->addr));
		event(run, EVENT_STRUCTS, 0, i, 0, 0, sum_of(s, sizeof(*s)));
		if (sqe->opcode == IORING_OP_STATX && sqe->off == dest_of(i)) {
			scrub_status((void *)dest_of(i));
			event(run, EVENT_DEST, 0, i, 0, 0, sum_of((void *)dest_of(i), PAGE));
		}
		if (sqe->addr == dest_of(i) || s->iov[0].iov_base == (void *)dest_of(i))
			event(run, EVENT_DEST, 0, i, 0, 0, sum_of((void *)dest_of(i), PAGE));
		big = big || sqe->addr - BIG < BIG_SIZE || (unsigned long)s->iov[0].iov_base - BIG < BIG_SIZE;
	}
	if (big)
		event(run, EVENT_MEMORY, 0, BIG, 0, 0, sum_of((void *)BIG, BIG_SIZE / 4));
	for (i = 0; i < NR_BUFFERS; i++)
		event(run, EVENT_MEMORY, 0, BUFFERS + i * BUFFER_SIZE, 0, 0,
		      sum_of((void *)(BUFFERS + i * BUFFER_SIZE), PAGE));
}

static void observe_descriptors(struct run *run)
{
	struct stat st;
	int fd;

	for (fd = 0; fd < SIGNALLED_FD; fd++) {
		/* where descriptors can be */
		if (fd == 40)
			fd = BAD_FD;
		if (!fstat(fd, &st))
			event(run, EVENT_FD, 0, fd, st.st_mode & S_IFMT,
			      fcntl(fd, F_GETFL) << 1 | fcntl(fd, F_GETFD), 0);
	}
}

void observe_end(struct run *run)
{
	observe(run);
	observe_groups(run);
	observe_memory(run);
	observe_descriptors(run);
	event(run, EVENT_DIRECTORY, 0, 0, 0, 0, sum_of_directory());
}
