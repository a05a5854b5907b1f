// SPDX-License-Identifier: GPL-2.0
/*
 * Random requests about other requests, time, and what a ring has.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "generate.h"

/* Another request's user_data, mostly of one that is not long ago. */
static __u64 any_target(unsigned int i)
{
	if (!i || once_in(12))
		return 0x9999;
	return USER_DATA + (once_in(3) ? below(i) : i - 1 - below(i < 4 ? i : 4));
}

/* The same, of one of that opcode if there is any. */
__u64 any_target_of(const struct maker *m, unsigned int i, unsigned int opcode)
{
	unsigned int j;

	for (j = i; j-- > 0 && !once_in(8);)
		if (m->p->requests[j].sqe.opcode == opcode && !once_in(4))
			return m->p->requests[j].sqe.user_data;
	return any_target(i);
}

/* A time that is not over before the program is. */
#define LONG_NS		1000000000000

/* Over at once, or not before somebody ends it. */
static void any_time(struct request *r)
{
	static const struct __kernel_timespec times[] = {
		{ 0, 0 }, { 0, 0 }, { 0, 1 }, { 1000, 0 }, { 1000, 0 }, { 1000, 0 }, { 1000, 0 },
		{ 0, -1 }, { -1, 0 }, { 0, 1000000000000 },
	};

	r->structs.time = once_in(8) ? pick(times) : times[below(7)];
}

static void any_timeout(struct request *r, unsigned int i)
{
	struct io_uring_sqe *sqe = &r->sqe;

	sqe->fd = -1;
	sqe->addr = (unsigned long)&structs_of(i)->time;
	sqe->len = 1;
	any_time(r);
	if (sqe->opcode == IORING_OP_TIMEOUT && once_in(2))
		sqe->off = 1 + below(3);
	if (once_in(5))
		sqe->timeout_flags = 1u << below(9);
	if (sqe->timeout_flags & IORING_TIMEOUT_IMMEDIATE_ARG)
		sqe->addr = sqe->off || once_in(2) ? LONG_NS : 0;
	/* whether time or completions come first is nobody's promise */
	if (sqe->opcode == IORING_OP_TIMEOUT && sqe->off && r->structs.time.tv_sec == 0)
		r->structs.time.tv_sec = 1000;
	/* one that goes on for ever has to have time in between */
	if (sqe->timeout_flags & IORING_TIMEOUT_MULTISHOT && r->structs.time.tv_sec == 0)
		sqe->off = 1 + below(3);
	/* an absolute one that nobody waits for */
	if (sqe->timeout_flags & IORING_TIMEOUT_ABS && r->structs.time.tv_sec)
		r->structs.time.tv_sec = 1ULL << 40;
}

static unsigned int any_events(void)
{
	static const unsigned int events[] = {
		POLLIN, POLLIN, POLLIN, POLLOUT, POLLIN | POLLOUT, POLLPRI, POLLRDHUP,
		POLLIN | POLLRDHUP, POLLRDNORM, 0, EPOLLEXCLUSIVE | POLLIN,
	};

	if (once_in(8))
		return 1u << below(32);
	return pick(events);
}

static void any_poll(struct maker *m, struct request *r)
{
	r->sqe.fd = any_fd_of(m, ~(KIND(REGULAR) | KIND(DIRECTORY) | KIND(O_PATH_FILE)));
	r->sqe.poll32_events = any_events();
	if (once_in(3))
		r->sqe.len = IORING_POLL_ADD_MULTI;
	if (once_in(12))
		r->sqe.len ^= 1u << below(5);
}

static void any_poll_remove(struct maker *m, struct request *r, unsigned int i)
{
	r->sqe.fd = -1;
	r->sqe.addr = any_target_of(m, i, IORING_OP_POLL_ADD);
	if (!once_in(2))
		return;
	r->sqe.len = 1 + below(7);
	r->sqe.off = any_target(i);
	r->sqe.poll32_events = any_events();
}

static void any_cancel(struct maker *m, struct request *r, unsigned int i)
{
	struct io_uring_sqe *sqe = &r->sqe;

	sqe->fd = -1;
	sqe->addr = any_target(i);
	if (once_in(2))
		return;
	sqe->cancel_flags = once_in(4) ? 1u << below(7) : below(64);
	/* the file of one that may be under way */
	if (sqe->cancel_flags & IORING_ASYNC_CANCEL_FD)
		sqe->fd = once_in(4) ? any_fd_of(m, ~0u) : m->p->requests[below(i + 1)].sqe.fd;
	if (sqe->cancel_flags & IORING_ASYNC_CANCEL_FD_FIXED && once_in(2))
		sqe->fd = below(SLOTS);
	if (sqe->cancel_flags & IORING_ASYNC_CANCEL_OP)
		sqe->len = m->p->requests[below(i + 1)].sqe.opcode;
	if (!once_in(4) && sqe->cancel_flags & (IORING_ASYNC_CANCEL_ANY))
		sqe->addr = 0;
}

static void any_files_update(struct maker *m, struct request *r, unsigned int i)
{
	unsigned int j;

	r->sqe.fd = 0;
	r->sqe.addr = (unsigned long)structs_of(i)->ints;
	r->sqe.len = 1 + below(4);
	r->sqe.off = once_in(4) ? IORING_FILE_INDEX_ALLOC : below(SLOTS);
	for (j = 0; j < ARRAY_SIZE(r->structs.ints); j++)
		r->structs.ints[j] = once_in(3) ? (int)below(2) - 2 : any_fd_of(m, ~0u);
}

void any_message_to(struct io_uring_sqe *sqe, int fd)
{
	sqe->fd = fd;
	sqe->addr = below(3) ? IORING_MSG_DATA : IORING_MSG_SEND_FD;
	sqe->off = 0x5500 + below(8);
	/* a file is sent without more */
	sqe->len = sqe->addr == IORING_MSG_DATA || once_in(8) ? below(100) : 0;
	if (sqe->addr == IORING_MSG_SEND_FD) {
		sqe->addr3 = below(once_in(2) ? 2 : SLOTS);
		sqe->file_index = once_in(2) ? IORING_FILE_INDEX_ALLOC : 1 + below(SLOTS);
	}
	if (once_in(3))
		sqe->msg_ring_flags = below(4);
	if (sqe->msg_ring_flags & IORING_MSG_RING_FLAGS_PASS)
		sqe->file_index = rnd() & 0xff;
}

static void any_epoll_change(struct maker *m, struct request *r, unsigned int i)
{
	static const unsigned int ops[] = { EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL };

	r->sqe.fd = any_fd_of(m, KIND(EPOLL));
	r->sqe.len = once_in(20) ? below(6) : pick(ops);
	/* of what can be waited for, or not */
	r->sqe.off = any_fd_of(m, ~0u);
	r->sqe.addr = once_in(30) ? 0 : (unsigned long)structs_of(i)->ints;
	r->structs.ints[0] = any_events();
	r->structs.ints[1] = i;
}

static void any_pipe(struct maker *m, struct request *r, unsigned int i)
{
	static const unsigned int flags[] = { 0, 0, O_CLOEXEC, O_NONBLOCK, O_DIRECT };

	r->sqe.addr = once_in(20) ? 0 : (unsigned long)structs_of(i)->ints;
	r->sqe.pipe_flags = once_in(12) ? 1u << below(32) : pick(flags);
	if (m->nr_slots ? once_in(2) : once_in(20))
		r->sqe.file_index = once_in(2) ? IORING_FILE_INDEX_ALLOC : 1 + below(SLOTS);
}

bool any_control_request(struct maker *m, struct request *r, unsigned int i)
{
	struct io_uring_sqe *sqe = &r->sqe;

	switch (sqe->opcode) {
	case IORING_OP_NOP:
	case IORING_OP_NOP128:
		if (once_in(4)) {
			sqe->nop_flags = below(128);
			sqe->len = below(200) - 100;
			sqe->fd = sqe->nop_flags & IORING_NOP_FIXED_FILE ?
				  (int)below(SLOTS) : any_fd_of(m, ~0u);
			sqe->buf_index = below(NR_BUFFERS);
		}
		return true;
	case IORING_OP_EPOLL_CTL:
		any_epoll_change(m, r, i);
		return true;
	case IORING_OP_EPOLL_WAIT:
		sqe->fd = any_fd_of(m, KIND(EPOLL));
		sqe->addr = once_in(20) ? 8 : dest_of(i);
		sqe->len = once_in(12) ? 0 : 1 + below(4);
		if (once_in(20))
			sqe->off = 1;
		return true;
	case IORING_OP_PIPE:
		any_pipe(m, r, i);
		return true;
	case IORING_OP_POLL_ADD:
		any_poll(m, r);
		return true;
	case IORING_OP_POLL_REMOVE:
		any_poll_remove(m, r, i);
		return true;
	case IORING_OP_TIMEOUT:
	case IORING_OP_LINK_TIMEOUT:
		any_timeout(r, i);
		return true;
	case IORING_OP_TIMEOUT_REMOVE:
		sqe->fd = -1;
		sqe->addr = any_target_of(m, i, IORING_OP_TIMEOUT);
		if (once_in(2)) {
			any_time(r);
			sqe->timeout_flags = IORING_TIMEOUT_UPDATE;
			sqe->off = (unsigned long)&structs_of(i)->time;
			if (once_in(3)) {
				sqe->timeout_flags |= IORING_LINK_TIMEOUT_UPDATE;
				sqe->addr = any_target_of(m, i, IORING_OP_LINK_TIMEOUT);
			}
			if (once_in(6))
				sqe->timeout_flags |= 1u << below(9);
			if (sqe->timeout_flags & IORING_TIMEOUT_IMMEDIATE_ARG)
				sqe->off = once_in(2) ? LONG_NS : 0;
			if (sqe->timeout_flags & IORING_TIMEOUT_ABS && r->structs.time.tv_sec)
				r->structs.time.tv_sec = 1ULL << 40;
		}
		return true;
	case IORING_OP_ASYNC_CANCEL:
		any_cancel(m, r, i);
		return true;
	case IORING_OP_FILES_UPDATE:
		any_files_update(m, r, i);
		return true;
	case IORING_OP_FIXED_FD_INSTALL:
		sqe->fd = below(m->nr_slots ?: SLOTS);
		if (!once_in(10))
			sqe->flags |= IOSQE_FIXED_FILE;
		sqe->install_fd_flags = once_in(3) ? IORING_FIXED_FD_NO_CLOEXEC : 0;
		return true;
	case IORING_OP_MSG_RING:
		any_message_to(sqe, any_fd_of(m, KIND(SECOND_RING)));
		return true;
	case IORING_OP_PROVIDE_BUFFERS:
		sqe->fd = 1 + below(8);
		sqe->buf_group = CLASSIC_GROUPS + below(2);
		if (once_in(20))
			sqe->buf_group = below(GROUPS);
		sqe->off = below(8);
		sqe->addr = GROUP_BUFS(sqe->buf_group) + sqe->off * GROUP_BUF;
		sqe->len = once_in(4) ? 1 + any_len() % GROUP_BUF : GROUP_BUF;
		/* as many as there can be, or more, at one place */
		if (once_in(16)) {
			sqe->fd = (1 << below(17)) + below(3) - 1;
			sqe->off = once_in(2) ? 0 : rnd() >> below(64);
			sqe->len = once_in(2) ? 0 : 1;
		}
		if (sqe->buf_group >= CLASSIC_GROUPS)
			m->groups |= 1u << sqe->buf_group;
		return true;
	case IORING_OP_REMOVE_BUFFERS:
		sqe->fd = 1 + below(10);
		sqe->buf_group = any_group(m);
		return true;
	}
	return false;
}
