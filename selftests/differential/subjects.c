// SPDX-License-Identifier: GPL-2.0
/*
 * What random programs are about. Most have a subject: requests, objects and
 * what others do with them come from it every other time, so that what only
 * matters together is more often in one program.
 */
#include "generate.h"

struct list {
	const __u8 *all;
	unsigned int nr;
};

#define LIST(...)	{ (const __u8 []){ __VA_ARGS__ }, sizeof((const __u8 []){ __VA_ARGS__ }) }

struct subject {
	/* its objects */
	unsigned int kinds;
	struct list opcodes, peers;
	/* what its rings have, every other time */
	unsigned int setup;
	/* every other of its registrations, if there is one that it is about */
	void (*registration)(struct maker *m, struct step *step);
	/* of 8 steps so many are registrations */
	__u8 registers;
	/* of 8 requests so many are for a worker, and so many have a limit of time */
	__u8 by_worker, limited;
	/* of 8 submissions so many are of what the kernel is asked, or says */
	__u8 asks;
	/* most of what is sent and received is more than there is room for */
	bool in_bulk;
};

static const struct subject subjects[] = {
	/* time */
	{
		.kinds = KIND(TIMERFD) | KIND(PIPE) | KIND(UNIX_STREAM),
		.opcodes = LIST(IORING_OP_TIMEOUT, IORING_OP_TIMEOUT, IORING_OP_TIMEOUT, IORING_OP_TIMEOUT_REMOVE,
				IORING_OP_TIMEOUT_REMOVE, IORING_OP_TIMEOUT_REMOVE, IORING_OP_READ, IORING_OP_RECV,
				IORING_OP_NOP, IORING_OP_ASYNC_CANCEL),
		.peers = LIST(PEER_WRITE, PEER_EXPIRE, PEER_SIGNAL),
		.limited = 3,
	},
	/* being ready */
	{
		.kinds = CONNECTED | LISTENERS | KIND(PIPE) | KIND(EVENTFD) | KIND(PTY) | KIND(EPOLL) | KIND(SECOND_RING),
		.opcodes = LIST(IORING_OP_POLL_ADD, IORING_OP_POLL_ADD, IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE,
				IORING_OP_POLL_REMOVE, IORING_OP_POLL_REMOVE, IORING_OP_EPOLL_CTL, IORING_OP_EPOLL_WAIT,
				IORING_OP_ASYNC_CANCEL, IORING_OP_NOP),
		.peers = LIST(PEER_WRITE, PEER_WRITE, PEER_READ, PEER_SHUTDOWN, PEER_FILL, PEER_DRAIN),
	},
	/* connections */
	{
		.kinds = LISTENERS,
		.opcodes = LIST(IORING_OP_ACCEPT, IORING_OP_ACCEPT, IORING_OP_ACCEPT, IORING_OP_ACCEPT, IORING_OP_CONNECT,
				IORING_OP_CONNECT, IORING_OP_SOCKET, IORING_OP_BIND, IORING_OP_LISTEN, IORING_OP_SHUTDOWN,
				IORING_OP_CLOSE),
		.peers = LIST(PEER_CONNECT, PEER_CONNECT, PEER_CONNECT, PEER_ACCEPT, PEER_RESET, PEER_NONBLOCK),
	},
	/* what is received */
	{
		.kinds = CONNECTED | ALONE,
		.opcodes = LIST(IORING_OP_RECV, IORING_OP_RECV, IORING_OP_RECV, IORING_OP_RECV, IORING_OP_RECVMSG,
				IORING_OP_RECVMSG, IORING_OP_READ_MULTISHOT, IORING_OP_PROVIDE_BUFFERS,
				IORING_OP_ASYNC_CANCEL, IORING_OP_SHUTDOWN),
		.peers = LIST(PEER_WRITE, PEER_WRITE, PEER_BURST, PEER_FILL, PEER_SHUTDOWN, PEER_URGENT),
		.by_worker = 1,
	},
	/* the same of long streams */
	{
		.kinds = STREAMS,
		.opcodes = LIST(IORING_OP_RECV, IORING_OP_RECV, IORING_OP_RECV, IORING_OP_RECV, IORING_OP_RECV,
				IORING_OP_RECVMSG, IORING_OP_READ_MULTISHOT, IORING_OP_PROVIDE_BUFFERS,
				IORING_OP_ASYNC_CANCEL, IORING_OP_NOP),
		.peers = LIST(PEER_WRITE, PEER_WRITE, PEER_WRITE, PEER_BURST, PEER_SHUTDOWN),
		.in_bulk = true,
	},
	/* what the kernel says */
	{
		.kinds = KIND(NETLINK) | KIND(UNIX_STREAM),
		.opcodes = LIST(IORING_OP_PROVIDE_BUFFERS, IORING_OP_PROVIDE_BUFFERS, IORING_OP_NOP, IORING_OP_RECV,
				IORING_OP_ASYNC_CANCEL),
		.peers = LIST(PEER_WRITE, PEER_POLL),
		.asks = 5,
	},
	/* what is sent */
	{
		.kinds = CONNECTED | ALONE,
		.opcodes = LIST(IORING_OP_SEND, IORING_OP_SEND, IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_SENDMSG,
				IORING_OP_SEND_ZC, IORING_OP_SEND_ZC, IORING_OP_SENDMSG_ZC, IORING_OP_SENDMSG_ZC,
				IORING_OP_PROVIDE_BUFFERS, IORING_OP_WRITE),
		.peers = LIST(PEER_DRAIN, PEER_READ, PEER_FILL, PEER_FILL, PEER_CLOSE, PEER_SHUTDOWN),
		.by_worker = 1,
	},
	/* groups of buffers */
	{
		.kinds = KIND(UNIX_STREAM) | KIND(UNIX_DGRAM) | KIND(PIPE),
		.opcodes = LIST(IORING_OP_PROVIDE_BUFFERS, IORING_OP_PROVIDE_BUFFERS, IORING_OP_REMOVE_BUFFERS,
				IORING_OP_REMOVE_BUFFERS, IORING_OP_RECV, IORING_OP_RECV, IORING_OP_SEND, IORING_OP_READ,
				IORING_OP_READV, IORING_OP_READ_MULTISHOT),
		.peers = LIST(PEER_WRITE, PEER_WRITE, PEER_BURST, PEER_MAP),
		.registration = any_registration_of_group,
		.registers = 2,
	},
	/* more than is taken at once */
	{
		.kinds = KIND(UNIX_STREAM) | KIND(TCP),
		.opcodes = LIST(IORING_OP_SEND, IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_SENDMSG, IORING_OP_SEND_ZC,
				IORING_OP_SENDMSG_ZC, IORING_OP_WRITE, IORING_OP_WRITE, IORING_OP_WRITEV,
				IORING_OP_ASYNC_CANCEL),
		.peers = LIST(PEER_DRAIN, PEER_DRAIN, PEER_READ, PEER_FILL, PEER_CLOSE, PEER_SHUTDOWN),
		.registration = register_buffers,
		.registers = 1,
		.by_worker = 2,
		.in_bulk = true,
	},
	/* registered files, and messages between rings */
	{
		.kinds = KIND(SECOND_RING) | KIND(PIPE) | KIND(UNIX_STREAM) | KIND(TCP_LISTENER),
		.opcodes = LIST(IORING_OP_FILES_UPDATE, IORING_OP_FILES_UPDATE, IORING_OP_FIXED_FD_INSTALL,
				IORING_OP_MSG_RING, IORING_OP_MSG_RING, IORING_OP_MSG_RING, IORING_OP_CLOSE,
				IORING_OP_OPENAT, IORING_OP_PIPE, IORING_OP_SOCKET, IORING_OP_NOP, IORING_OP_READ),
		.peers = LIST(PEER_WRITE, PEER_CONNECT, PEER_LOOK),
		.registration = any_update_of_files,
		.registers = 2,
	},
	/* names */
	{
		.kinds = KIND(DIRECTORY) | KIND(REGULAR) | KIND(O_PATH_FILE),
		.opcodes = LIST(IORING_OP_OPENAT, IORING_OP_OPENAT2, IORING_OP_STATX, IORING_OP_UNLINKAT, IORING_OP_MKDIRAT,
				IORING_OP_RENAMEAT, IORING_OP_LINKAT, IORING_OP_SYMLINKAT, IORING_OP_FTRUNCATE,
				IORING_OP_FALLOCATE, IORING_OP_FSYNC, IORING_OP_CLOSE),
		.peers = LIST(PEER_LOOK),
	},
	/* from one file to another */
	{
		.kinds = KIND(PIPE) | KIND(REGULAR) | STREAMS | KIND(DEVICE),
		.opcodes = LIST(IORING_OP_SPLICE, IORING_OP_SPLICE, IORING_OP_SPLICE, IORING_OP_TEE, IORING_OP_TEE,
				IORING_OP_READ, IORING_OP_WRITE, IORING_OP_PIPE),
		.peers = LIST(PEER_WRITE, PEER_WRITE, PEER_FILL, PEER_DRAIN, PEER_CLOSE),
		.by_worker = 1,
	},
	/* other files than sockets */
	{
		.kinds = KIND(PIPE) | KIND(EVENTFD) | KIND(TIMERFD) | KIND(PTY) | KIND(REGULAR) | KIND(DEVICE) |
			 KIND(PROC_FILE),
		.opcodes = LIST(IORING_OP_READ, IORING_OP_WRITE, IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_READ_FIXED,
				IORING_OP_WRITE_FIXED, IORING_OP_READV_FIXED, IORING_OP_WRITEV_FIXED,
				IORING_OP_READ_MULTISHOT, IORING_OP_READ_MULTISHOT, IORING_OP_POLL_ADD),
		.peers = LIST(PEER_WRITE, PEER_WRITE, PEER_DRAIN, PEER_EXPIRE, PEER_FILL, PEER_CLOSE),
		.by_worker = 2,
	},
	/* terminals */
	{
		.kinds = KIND(PTY),
		.opcodes = LIST(IORING_OP_READ_MULTISHOT, IORING_OP_READ_MULTISHOT, IORING_OP_READ, IORING_OP_WRITE,
				IORING_OP_READV, IORING_OP_POLL_ADD, IORING_OP_PROVIDE_BUFFERS,
				IORING_OP_ASYNC_CANCEL),
		.peers = LIST(PEER_WRITE, PEER_WRITE, PEER_READ, PEER_DRAIN, PEER_CLOSE),
		.registration = any_sync_cancel,
		.registers = 1,
		/* else io_uring sleeps in enter */
		.by_worker = 6,
		.in_bulk = true,
	},
	/* commands */
	{
		.kinds = INET,
		.setup = IORING_SETUP_CQE32,
		.opcodes = LIST(IORING_OP_URING_CMD, IORING_OP_URING_CMD, IORING_OP_URING_CMD128, IORING_OP_SEND,
				IORING_OP_RECV),
		.peers = LIST(PEER_WRITE, PEER_READ),
		.by_worker = 1,
	},
	/* an end before there is a result */
	{
		.kinds = KIND(PIPE) | KIND(UNIX_STREAM) | KIND(UNIX_SEQPACKET) | KIND(EVENTFD) | LISTENERS,
		.opcodes = LIST(IORING_OP_ASYNC_CANCEL, IORING_OP_ASYNC_CANCEL, IORING_OP_ASYNC_CANCEL, IORING_OP_READ,
				IORING_OP_READ, IORING_OP_RECV, IORING_OP_ACCEPT, IORING_OP_POLL_ADD, IORING_OP_TIMEOUT,
				IORING_OP_SPLICE, IORING_OP_READ_MULTISHOT),
		.peers = LIST(PEER_WRITE, PEER_SIGNAL, PEER_SHUTDOWN),
		.registration = any_sync_cancel,
		.registers = 2,
		.by_worker = 3,
		.limited = 1,
	},
	/* the ring itself */
	{
		.kinds = KIND(SECOND_RING) | KIND(UNIX_STREAM) | KIND(PIPE),
		.opcodes = LIST(IORING_OP_NOP, IORING_OP_NOP, IORING_OP_READ_FIXED, IORING_OP_MSG_RING, IORING_OP_RECV),
		.peers = LIST(PEER_WRITE, PEER_MAP, PEER_MAP, PEER_LOOK, PEER_MUTE),
		.registers = 5,
	},
	/* rings of another size */
	{
		.kinds = KIND(UNIX_STREAM) | KIND(PIPE),
		.setup = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		.opcodes = LIST(IORING_OP_NOP, IORING_OP_NOP, IORING_OP_NOP128, IORING_OP_RECV, IORING_OP_POLL_ADD),
		.peers = LIST(PEER_WRITE, PEER_MAP, PEER_LOOK),
		.registration = any_resize,
		.registers = 3,
	},
	/* the same with entries of both sizes */
	{
		.kinds = KIND(UNIX_STREAM) | KIND(PIPE),
		.setup = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQE_MIXED |
			 IORING_SETUP_SQE_MIXED,
		.opcodes = LIST(IORING_OP_NOP, IORING_OP_NOP128, IORING_OP_NOP128, IORING_OP_RECV, IORING_OP_POLL_ADD),
		.peers = LIST(PEER_WRITE, PEER_LOOK),
		.registration = any_resize,
		.registers = 3,
	},
	/* a thread that submits */
	{
		.kinds = KIND(UNIX_STREAM) | KIND(PIPE) | KIND(SECOND_RING),
		.setup = IORING_SETUP_SQPOLL,
		.opcodes = LIST(IORING_OP_NOP, IORING_OP_NOP, IORING_OP_READ, IORING_OP_RECV, IORING_OP_SEND,
				IORING_OP_POLL_ADD, IORING_OP_TIMEOUT, IORING_OP_MSG_RING, IORING_OP_ASYNC_CANCEL),
		.peers = LIST(PEER_WRITE, PEER_WRITE, PEER_SIGNAL, PEER_LOOK),
	},
	/* filters */
	{
		.kinds = LISTENERS | KIND(DIRECTORY) | KIND(UNIX_STREAM),
		.opcodes = LIST(IORING_OP_SOCKET, IORING_OP_CONNECT, IORING_OP_CONNECT, IORING_OP_OPENAT, IORING_OP_OPENAT2,
				IORING_OP_NOP, IORING_OP_RECV),
		.peers = LIST(PEER_WRITE, PEER_ACCEPT),
		.registration = any_filter,
		.registers = 3,
	},
};

void choose_subject(struct maker *m)
{
	m->subject = once_in(4) ? NULL : &pick(subjects);
}

static bool may_pick(const struct list *list, __u8 *one)
{
	if (!once_in(2))
		return false;
	*one = list->all[below(list->nr)];
	return true;
}

bool may_be_opcode_of_subject(const struct maker *m, __u8 *opcode)
{
	return m->subject && may_pick(&m->subject->opcodes, opcode);
}

bool may_be_peer_of_subject(const struct maker *m, __u8 *op)
{
	return m->subject && may_pick(&m->subject->peers, op);
}

bool may_be_kind_of_subject(const struct maker *m, __u8 *kind)
{
	unsigned int tries;

	if (!m->subject || once_in(4))
		return false;
	for (tries = 0; tries < 200; tries++) {
		*kind = 1 + below(NR_OBJECT_KINDS - 1);
		if (KIND(*kind) & m->subject->kinds)
			return true;
	}
	return false;
}

unsigned int setup_for_subject(const struct maker *m)
{
	return m->subject && once_in(2) ? m->subject->setup : 0;
}

bool may_register_for_subject(const struct maker *m)
{
	return m->subject && below(8) < m->subject->registers;
}

bool may_register_as_subject(struct maker *m, struct step *step)
{
	if (!m->subject || !m->subject->registration || !once_in(2))
		return false;
	m->subject->registration(m, step);
	return true;
}

bool may_have_worker_for_subject(const struct maker *m)
{
	return m->subject && below(8) < m->subject->by_worker;
}

bool may_have_limit_for_subject(const struct maker *m)
{
	return m->subject && below(8) < m->subject->limited;
}

bool may_ask_kernel_for_subject(const struct maker *m)
{
	return m->subject && below(8) < m->subject->asks;
}

bool may_be_in_bulk_for_subject(const struct maker *m)
{
	return m->subject && m->subject->in_bulk && !once_in(4);
}
