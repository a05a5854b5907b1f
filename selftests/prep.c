// SPDX-License-Identifier: GPL-2.0
/*
 * The entries that tests submit.
 */
#include <linux/ruring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"

struct io_uring_sqe *ring_sqe(struct ring *ring)
{
	unsigned int head = __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
	struct io_uring_sqe *sqe;

	if (ring->prepared - head >= ring->params.sq_entries) {
		fprintf(stderr, "# no free SQE\n");
		abort();
	}
	sqe = &ring->sqes[(ring->prepared & (ring->params.sq_entries - 1)) <<
			  !!(ring->params.flags & IORING_SETUP_SQE128)];
	ring->prepared++;
	memset(sqe, 0, sizeof(*sqe));
	return sqe;
}

struct io_uring_sqe *prep(struct ring *ring, unsigned int op, int fd,
			  const void *addr, unsigned int len, __u64 user_data)
{
	struct io_uring_sqe *sqe = ring_sqe(ring);

	sqe->opcode = op;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)addr;
	sqe->len = len;
	sqe->user_data = user_data;
	return sqe;
}

struct io_uring_sqe *prep_nop(struct ring *ring, __u64 user_data)
{
	return prep(ring, IORING_OP_NOP, -1, NULL, 0, user_data);
}

struct io_uring_sqe *prep_poll(struct ring *ring, int fd, unsigned int events,
			       __u64 user_data)
{
	struct io_uring_sqe *sqe = prep(ring, IORING_OP_POLL_ADD, fd, NULL, 0,
					user_data);

	sqe->poll32_events = events;
	return sqe;
}

struct io_uring_sqe *prep_poll_multi(struct ring *ring, int fd,
				     unsigned int events, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep_poll(ring, fd, events, user_data);

	sqe->len = IORING_POLL_ADD_MULTI;
	return sqe;
}

struct io_uring_sqe *prep_recv(struct ring *ring, int fd, void *buf,
			       unsigned int len, __u64 user_data)
{
	return prep(ring, IORING_OP_RECV, fd, buf, len, user_data);
}

struct io_uring_sqe *prep_recv_select(struct ring *ring, int fd,
				      unsigned int len, unsigned int bgid,
				      __u64 user_data)
{
	struct io_uring_sqe *sqe = prep_recv(ring, fd, NULL, len, user_data);

	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = bgid;
	return sqe;
}

struct io_uring_sqe *prep_recv_multi(struct ring *ring, int fd,
				     unsigned int bgid, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep_recv_select(ring, fd, 0, bgid, user_data);

	sqe->ioprio = IORING_RECV_MULTISHOT;
	return sqe;
}

struct io_uring_sqe *prep_recvmsg_multi(struct ring *ring, int fd,
					const struct msghdr *msg,
					unsigned int bgid, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep(ring, IORING_OP_RECVMSG, fd, msg, 1,
					user_data);

	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = bgid;
	sqe->ioprio = IORING_RECV_MULTISHOT;
	return sqe;
}

struct io_uring_sqe *prep_send(struct ring *ring, int fd, const void *buf,
			       unsigned int len, __u64 user_data)
{
	return prep(ring, IORING_OP_SEND, fd, buf, len, user_data);
}

struct io_uring_sqe *prep_accept(struct ring *ring, int fd, __u64 user_data)
{
	return prep(ring, IORING_OP_ACCEPT, fd, NULL, 0, user_data);
}

struct io_uring_sqe *prep_accept_multi(struct ring *ring, int fd,
				       __u64 user_data)
{
	struct io_uring_sqe *sqe = prep_accept(ring, fd, user_data);

	sqe->ioprio = IORING_ACCEPT_MULTISHOT;
	return sqe;
}

struct io_uring_sqe *prep_cancel(struct ring *ring, __u64 target,
				 unsigned int flags, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep(ring, IORING_OP_ASYNC_CANCEL, -1, NULL, 0,
					user_data);

	sqe->addr = target;
	sqe->cancel_flags = flags;
	return sqe;
}
