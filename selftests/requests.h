/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random requests: what fields may say, more often than not in a way that makes
 * sense.
 */
#ifndef SELFTESTS_REQUESTS_H
#define SELFTESTS_REQUESTS_H

#include <linux/ruring.h>
#include <linux/time_types.h>
#include <sys/uio.h>

#include "check.h"
#include "random.h"

/* What random requests work on. */
struct world {
	int fds[16];
	unsigned int nr_fds;
	/* memory that may be gone at any time, at the beginning of which there are structures */
	char *mem;
	size_t size;
};

/* The pages of it that are registered as buffers: the first, and how many. */
#define BUFFERS		24
#define BUFFER_PAGES	32

/* Where the structures are that requests point to. */
struct scratch {
	struct msghdr msg;
	struct iovec iov[4];
	struct __kernel_timespec time;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	int ints[8];
};

static inline __u64 any_address(const struct world *w)
{
	unsigned int which = below(24);

	switch (which) {
	case 0 ... 3:
		return address_of_none(which);
	case 4:
		return (uintptr_t)w->mem + w->size - below(32);
	case 5:
		return ~0ULL - below(16);
	default:
		return (uintptr_t)w->mem + 4096 + below(w->size - 8192);
	}
}

/* Within what is likely to be registered as a buffer. */
static inline char *any_registered(const struct world *w)
{
	return w->mem + (BUFFERS + below(BUFFER_PAGES)) * 4096 + 100 + below(3000);
}

static inline unsigned int any_len(void)
{
	static const unsigned int lens[] = {
		0, 1, 2, 3, 16, 30, 100, 100, 200, 1000, 1000, 4096, 10000, 100000,
		0x7fffffff, 0x80000000, ~0u,
	};

	return pick(lens);
}

static inline int any_fd(const struct world *w)
{
	return below(20) ? w->fds[below(w->nr_fds)] : (int)rnd();
}

/* One of those that the opcode is for, of a world that has them in this order. */
enum { FD_LISTENER = 3, FD_INET = 4, FD_PIPE = 11, FD_LAST = 12 };

static inline int fd_for(const struct world *w, unsigned int op)
{
	switch (op) {
	case IORING_OP_SEND_ZC:
	case IORING_OP_SENDMSG_ZC:
		return w->fds[FD_INET + below(3)];
	case IORING_OP_ACCEPT:
		return w->fds[FD_LISTENER];
	case IORING_OP_SEND:
	case IORING_OP_RECV:
	case IORING_OP_SENDMSG:
	case IORING_OP_RECVMSG:
	case IORING_OP_URING_CMD:
	case IORING_OP_SHUTDOWN:
		return w->fds[FD_INET + below(FD_PIPE - FD_INET)];
	case IORING_OP_READ_MULTISHOT:
		return w->fds[FD_INET + 1 + below(FD_LAST - FD_INET - 1)];
	}
	return any_fd(w);
}

static inline void any_scratch(struct world *w, struct scratch *s)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(s->iov); i++) {
		s->iov[i].iov_base = (void *)any_address(w);
		s->iov[i].iov_len = below(8) ? below(200) : rnd();
	}
	memset(&s->msg, 0, sizeof(s->msg));
	s->msg.msg_iov = below(16) ? s->iov : (void *)any_address(w);
	s->msg.msg_iovlen = below(16) ? below(4) : rnd();
	s->msg.msg_name = below(2) ? NULL : &s->addr;
	s->msg.msg_namelen = below(16) ? below(130) : rnd();
	s->msg.msg_control = below(2) ? NULL : (void *)any_address(w);
	s->msg.msg_controllen = below(2) ? 0 : below(8) ? below(64) : rnd();
	/* as short as can be, or so long that it has to be cancelled */
	s->time.tv_sec = below(4) ? 0 : below(8) ? 1000 : rnd();
	s->time.tv_nsec = below(16) ? below(300000) : rnd();
	s->addr.ss_family = below(2) ? AF_INET : below(40);
	s->addr_len = below(8) ? sizeof(s->addr) : rnd();
	for (i = 0; i < ARRAY_SIZE(s->ints); i++)
		s->ints[i] = below(2) ? any_fd(w) : (int)below(4) - 2;
}

/* A vector in registered memory. */
static inline void any_pieces(const struct world *w, struct scratch *s)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(s->iov); i++) {
		s->iov[i].iov_base = any_registered(w);
		s->iov[i].iov_len = 1 + below(600);
	}
}

static const __u8 random_ops[] = {
	IORING_OP_NOP, IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_POLL_ADD,
	IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE, IORING_OP_SENDMSG,
	IORING_OP_RECVMSG, IORING_OP_RECVMSG, IORING_OP_TIMEOUT,
	IORING_OP_TIMEOUT_REMOVE, IORING_OP_ACCEPT, IORING_OP_ASYNC_CANCEL,
	IORING_OP_LINK_TIMEOUT, IORING_OP_LINK_TIMEOUT, IORING_OP_CONNECT,
	IORING_OP_FILES_UPDATE, IORING_OP_READ, IORING_OP_WRITE, IORING_OP_SEND,
	IORING_OP_SEND, IORING_OP_RECV, IORING_OP_RECV, IORING_OP_RECV,
	IORING_OP_PROVIDE_BUFFERS, IORING_OP_REMOVE_BUFFERS, IORING_OP_SHUTDOWN,
	IORING_OP_SOCKET, IORING_OP_URING_CMD, IORING_OP_SEND_ZC, IORING_OP_SEND_ZC,
	IORING_OP_SENDMSG_ZC, IORING_OP_READ_MULTISHOT, IORING_OP_BIND,
	IORING_OP_LISTEN, IORING_OP_FIXED_FD_INSTALL, IORING_OP_CLOSE,
	IORING_OP_READ_FIXED, IORING_OP_READ_FIXED, IORING_OP_WRITE_FIXED,
	IORING_OP_WRITE_FIXED, IORING_OP_READV_FIXED, IORING_OP_WRITEV_FIXED,
};

/*
 * A random request, whose user_data is @user_data: requests before it may have
 * 40 less. @s is where it may point to.
 */
static inline void any_request(struct world *w, struct io_uring_sqe *sqe,
			       struct scratch *s, __u64 user_data)
{
	static const unsigned int msg_flags[] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, MSG_WAITALL,
		MSG_WAITALL, MSG_TRUNC, MSG_OOB, MSG_ERRQUEUE, MSG_MORE,
	};
	bool selects = false, fixed = false;
	unsigned int bit;

	any_scratch(w, s);
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = pick(random_ops);
	sqe->fd = below(8) ? fd_for(w, sqe->opcode) : any_fd(w);
	sqe->addr = any_address(w);
	sqe->len = any_len();
	sqe->user_data = user_data;
	sqe->buf_index = below(4);
	if (!below(4))
		sqe->flags = rnd() & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_ASYNC);
	if (!below(40))
		sqe->flags |= IOSQE_IO_DRAIN;
	switch (sqe->opcode) {
	case IORING_OP_ASYNC_CANCEL:
	case IORING_OP_POLL_REMOVE:
		sqe->addr = user_data - below(40);
		sqe->len = below(4);
		sqe->off = user_data - below(40);
		sqe->rw_flags = below(2) ? 0 : 1u << below(8);
		sqe->buf_index = 0;
		break;
	case IORING_OP_POLL_ADD:
		sqe->addr = 0;
		sqe->buf_index = 0;
		sqe->len = below(8) ? below(2) : rnd();
		sqe->poll32_events = rnd() & (POLLIN | POLLOUT | POLLPRI | POLLRDHUP);
		break;
	case IORING_OP_TIMEOUT:
	case IORING_OP_LINK_TIMEOUT:
		sqe->fd = -1;
		sqe->addr = (uintptr_t)&s->time;
		sqe->len = 1;
		sqe->buf_index = 0;
		if (sqe->opcode == IORING_OP_TIMEOUT)
			sqe->off = below(4) ? 0 : below(5);
		sqe->timeout_flags = below(4) ? 0 : 1u << below(8);
		break;
	case IORING_OP_TIMEOUT_REMOVE:
		sqe->fd = -1;
		sqe->addr = user_data - below(40);
		sqe->len = 0;
		sqe->buf_index = 0;
		sqe->off = (uintptr_t)&s->time;
		sqe->timeout_flags = below(4) ? IORING_TIMEOUT_UPDATE : 0;
		if (!below(2))
			sqe->timeout_flags |= IORING_LINK_TIMEOUT_UPDATE;
		break;
	case IORING_OP_ACCEPT:
		sqe->addr = below(2) ? 0 : (uintptr_t)&s->addr;
		sqe->addr2 = sqe->addr ? (uintptr_t)&s->addr_len : 0;
		sqe->len = 0;
		sqe->buf_index = 0;
		sqe->ioprio = below(4);
		sqe->file_index = below(4) ? 0 : below(2) ? IORING_FILE_INDEX_ALLOC : below(6);
		break;
	case IORING_OP_CLOSE:
		/* registered ones only: what is open is needed */
		sqe->fd = 0;
		sqe->addr = sqe->len = sqe->buf_index = 0;
		sqe->file_index = 1 + below(6);
		break;
	case IORING_OP_SOCKET:
		sqe->fd = below(8) ? AF_INET : (int)below(40);
		sqe->off = below(8) ? SOCK_STREAM : below(6);
		sqe->addr = sqe->len = sqe->buf_index = 0;
		sqe->file_index = below(2) ? IORING_FILE_INDEX_ALLOC : below(6);
		break;
	case IORING_OP_FILES_UPDATE:
		sqe->fd = -1;
		sqe->addr = (uintptr_t)s->ints;
		sqe->len = below(8) ? below(5) : rnd();
		sqe->off = below(4) ? below(6) : IORING_FILE_INDEX_ALLOC;
		sqe->buf_index = 0;
		break;
	case IORING_OP_FIXED_FD_INSTALL:
		sqe->flags |= IOSQE_FIXED_FILE;
		sqe->addr = sqe->len = sqe->buf_index = 0;
		break;
	case IORING_OP_PROVIDE_BUFFERS:
		sqe->fd = 1 + below(40);
		sqe->len = below(8) ? below(500) : rnd();
		sqe->off = below(300);
		sqe->buf_group = 2 + below(3);
		break;
	case IORING_OP_REMOVE_BUFFERS:
		sqe->fd = 1 + below(40);
		sqe->addr = sqe->len = 0;
		sqe->buf_group = below(5);
		break;
	case IORING_OP_BIND:
	case IORING_OP_CONNECT:
		sqe->addr = (uintptr_t)&s->addr;
		sqe->addr2 = below(8) ? sizeof(struct sockaddr_in) : below(200);
		sqe->len = sqe->buf_index = 0;
		break;
	case IORING_OP_LISTEN:
		sqe->addr = sqe->buf_index = 0;
		sqe->len = below(8);
		break;
	case IORING_OP_SHUTDOWN:
		sqe->addr = sqe->buf_index = 0;
		sqe->len = below(3);
		/* not too often, as it is final */
		if (below(8))
			sqe->fd = -1;
		break;
	case IORING_OP_URING_CMD:
		sqe->cmd_op = below(6);
		sqe->level = below(2) ? SOL_SOCKET : below(60);
		sqe->optname = below(80);
		sqe->optval = any_address(w);
		sqe->optlen = below(8) ? below(16) : rnd();
		sqe->len = sqe->buf_index = 0;
		break;
	case IORING_OP_READ:
	case IORING_OP_WRITE:
	case IORING_OP_READ_MULTISHOT:
		sqe->off = below(2) ? -1 : below(4) ? below(5000) : rnd();
		sqe->rw_flags = below(8) ? 0 : 1u << below(8);
		selects = true;
		break;
	case IORING_OP_READ_FIXED:
	case IORING_OP_WRITE_FIXED:
		if (below(4)) {
			sqe->addr = (uintptr_t)any_registered(w);
			sqe->len = below(600);
		}
		sqe->off = below(2) ? -1 : below(5000);
		fixed = true;
		break;
	case IORING_OP_READV_FIXED:
	case IORING_OP_WRITEV_FIXED:
		if (below(4))
			any_pieces(w, s);
		sqe->addr = (uintptr_t)s->iov;
		sqe->len = below(8) ? 1 + below(3) : any_len();
		sqe->off = below(2) ? -1 : below(5000);
		fixed = true;
		break;
	case IORING_OP_READV:
	case IORING_OP_WRITEV:
		sqe->addr = (uintptr_t)s->iov;
		sqe->len = below(8) ? below(5) : any_len();
		sqe->off = below(2) ? -1 : below(5000);
		selects = true;
		break;
	case IORING_OP_SENDMSG:
	case IORING_OP_RECVMSG:
	case IORING_OP_SENDMSG_ZC:
		sqe->addr = below(16) ? (uintptr_t)&s->msg : any_address(w);
		if (sqe->opcode == IORING_OP_RECVMSG)
			s->msg.msg_iovlen = below(8) ? below(2) : s->msg.msg_iovlen;
		sqe->len = 1;
		/* fall through */
	case IORING_OP_SEND:
	case IORING_OP_RECV:
	case IORING_OP_SEND_ZC:
		sqe->msg_flags = pick(msg_flags) | (below(2) ? MSG_NOSIGNAL : 0);
		sqe->ioprio = below(4) ? 0 : below(2) ? IORING_RECVSEND_POLL_FIRST : 1u << below(6);
		if ((sqe->opcode == IORING_OP_SEND_ZC || sqe->opcode == IORING_OP_SENDMSG_ZC) &&
		    below(2))
			sqe->ioprio |= RURING_SEND_ZC_COMBINE_CQE;
		if ((sqe->opcode == IORING_OP_SEND_ZC || sqe->opcode == IORING_OP_SEND) &&
		    sqe->ioprio & IORING_SEND_VECTORIZED) {
			sqe->addr = (uintptr_t)s->iov;
			sqe->len = below(5);
		}
		if (sqe->opcode == IORING_OP_SEND_ZC && !below(8)) {
			sqe->addr2 = (uintptr_t)&s->addr;
			sqe->addr_len = below(140);
		}
		selects = true;
		break;
	}
	if ((selects || fixed) && !below(6))
		sqe->flags |= IOSQE_FIXED_FILE;
	if (sqe->flags & IOSQE_FIXED_FILE)
		sqe->fd = below(6);
	if (sqe->opcode == IORING_OP_READ_MULTISHOT)
		sqe->addr = sqe->len = 0;
	if (selects && (below(2) || sqe->opcode == IORING_OP_READ_MULTISHOT)) {
		sqe->flags |= IOSQE_BUFFER_SELECT;
		sqe->buf_group = below(8) ? below(4) : below(0x10000);
		if (below(2))
			sqe->len = 0;
		if (sqe->opcode == IORING_OP_RECV || sqe->opcode == IORING_OP_RECVMSG ||
		    sqe->opcode == IORING_OP_SEND)
			sqe->ioprio |= rnd() & (IORING_RECV_MULTISHOT | IORING_RECVSEND_BUNDLE);
		if (sqe->opcode == IORING_OP_SEND)
			sqe->ioprio &= ~IORING_RECV_MULTISHOT;
		if (sqe->opcode == IORING_OP_RECVMSG)
			sqe->ioprio &= ~IORING_RECVSEND_BUNDLE;
	}
	/* now and then, one bit that does not belong there */
	if (!below(12)) {
		bit = below(8 * (unsigned int)sizeof(*sqe));
		if (bit >= 16 && bit / 8 != offsetof(struct io_uring_sqe, fd) &&
		    bit / 64 != offsetof(struct io_uring_sqe, user_data) / 8 &&
		    sqe->opcode != IORING_OP_CLOSE)
			((__u8 *)sqe)[bit / 8] ^= 1u << bit % 8;
	}
}

#endif /* SELFTESTS_REQUESTS_H */
