// SPDX-License-Identifier: GPL-2.0
/*
 * Random requests of netlink. What they ask the kernel is answered at once, and
 * nobody else is to take it.
 */
#include <string.h>
#include <sys/socket.h>

#include "generate.h"

static const __u8 questions[] = {
	IORING_OP_SEND, IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_WRITE, IORING_OP_SEND_ZC,
};

static const __u8 answers[] = {
	IORING_OP_RECV, IORING_OP_RECV, IORING_OP_RECV, IORING_OP_RECVMSG, IORING_OP_RECVMSG, IORING_OP_READ,
	IORING_OP_READ_MULTISHOT,
};

static void ask_kernel(struct request *r, unsigned int i)
{
	struct io_uring_sqe *sqe = &r->sqe;
	unsigned long message = SOURCE + KERNEL_MESSAGES + KERNEL_MESSAGE_SIZE * below(NR_KERNEL_MESSAGES);

	sqe->opcode = pick(questions);
	sqe->addr = message;
	sqe->len = KERNEL_MESSAGE_SIZE;
	if (sqe->opcode == IORING_OP_WRITE)
		sqe->off = -1ULL;
	if (sqe->opcode != IORING_OP_SENDMSG)
		return;
	r->structs.iov[0] = (struct iovec) { (void *)message, 16 };
	r->structs.iov[1] = (struct iovec) { (void *)(message + 16), KERNEL_MESSAGE_SIZE - 16 };
	r->structs.msg.msg_iov = structs_of(i)->iov;
	r->structs.msg.msg_iovlen = 2;
	sqe->addr = (unsigned long)&structs_of(i)->msg;
	sqe->len = 1;
}

/* Of a group that is no ring: what the kernel says takes the whole of a buffer, also of one that is consumed in parts. */
static bool may_select_whole(struct maker *m, struct request *r)
{
	unsigned int bgid = CLASSIC_GROUPS + below(GROUPS - CLASSIC_GROUPS);

	if (!(m->groups & 1u << bgid))
		return false;
	r->sqe.flags |= IOSQE_BUFFER_SELECT;
	r->sqe.buf_group = bgid;
	r->sqe.len = 0;
	return true;
}

static void hear_kernel(struct maker *m, struct request *r, unsigned int i)
{
	static const unsigned int flags[] = { 0, 0, 0, MSG_DONTWAIT, MSG_TRUNC, MSG_WAITALL };
	struct io_uring_sqe *sqe = &r->sqe;
	bool selects;

	sqe->opcode = pick(answers);
	sqe->len = once_in(4) ? 20 : 1000;
	sqe->addr = dest_of(i);
	/* a message that cannot be told of takes one as well */
	selects = sqe->opcode != IORING_OP_RECVMSG &&
		  (sqe->opcode == IORING_OP_READ_MULTISHOT || once_in(2)) && may_select_whole(m, r);
	if (sqe->opcode == IORING_OP_READ_MULTISHOT && !selects)
		sqe->opcode = IORING_OP_READ;
	if (sqe->opcode == IORING_OP_READ || sqe->opcode == IORING_OP_READ_MULTISHOT)
		sqe->off = -1ULL;
	else
		sqe->msg_flags = pick(flags);
	if (selects)
		sqe->addr = 0;
	if (sqe->opcode == IORING_OP_RECVMSG) {
		r->structs.iov[0] = (struct iovec) { (void *)dest_of(i), sqe->len };
		r->structs.msg.msg_iov = structs_of(i)->iov;
		r->structs.msg.msg_iovlen = 1;
		if (once_in(2)) {
			r->structs.msg.msg_name = &structs_of(i)->addr;
			r->structs.msg.msg_namelen = sizeof(r->structs.addr);
		}
		sqe->addr = (unsigned long)&structs_of(i)->msg;
		sqe->len = 1;
	}
	if (sqe->opcode == IORING_OP_RECV && selects && once_in(2)) {
		sqe->ioprio |= IORING_RECV_MULTISHOT;
		sqe->msg_flags &= ~MSG_WAITALL;
		sqe->len = 0;
		m->listens = true;
	}
	if (sqe->opcode == IORING_OP_READ_MULTISHOT)
		m->listens = true;
	/* this one waits */
	if (!m->questions && !(sqe->msg_flags & MSG_DONTWAIT))
		m->listens = true;
	else if (m->questions)
		m->questions--;
}

bool any_request_to_kernel(struct maker *m, unsigned int i)
{
	struct request *r = &m->p->requests[i];
	int fd = any_fd_of(m, KIND(NETLINK));
	const struct object *o = object_of(m->p, fd);

	if (!o || o->kind != NETLINK)
		return false;
	memset(r, 0, sizeof(*r));
	if (m->listens || once_in(2)) {
		ask_kernel(r, i);
		m->questions++;
	} else {
		hear_kernel(m, r, i);
	}
	r->sqe.fd = fd;
	r->sqe.user_data = USER_DATA + i;
	r->structs.addr_len = sizeof(r->structs.addr);
	return true;
}
