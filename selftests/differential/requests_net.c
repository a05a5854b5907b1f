// SPDX-License-Identifier: GPL-2.0
/*
 * Random requests of sockets.
 */
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "generate.h"

static unsigned int any_msg_flags(bool receives)
{
	static const unsigned int either[] = {
		0, 0, 0, 0, 0, MSG_DONTWAIT, MSG_WAITALL, MSG_WAITALL, MSG_NOSIGNAL,
	};
	static const unsigned int receive[] = {
		MSG_PEEK, MSG_TRUNC, MSG_OOB, MSG_ERRQUEUE, MSG_CMSG_CLOEXEC, MSG_WAITALL | MSG_PEEK,
	};
	static const unsigned int send[] = { MSG_MORE, MSG_OOB, MSG_EOR, MSG_CONFIRM };

	if (once_in(3))
		return receives ? pick(receive) : pick(send);
	if (once_in(30))
		return 1u << below(32);
	return pick(either);
}

static void any_address(struct request *r)
{
	static const __u8 kinds[] = {
		ADDRESS_FIRST, ADDRESS_FIRST, ADDRESS_SECOND, ADDRESS_BAD, ADDRESS_ANY, ADDRESS_NAMED,
		ADDRESS_NAMED_NONE,
	};

	r->address = pick(kinds);
}

static unsigned int any_address_len(void)
{
	static const unsigned int lens[] = {
		16, 16, 16, 28, 28, 110, 128, 2, 0, 1, 8, 200,
	};

	return pick(lens);
}

/* Data, in the request's own memory or, now and then, a lot. */
static void any_data(struct request *r, unsigned int i, bool receives)
{
	r->sqe.addr = receives ? dest_of(i) : SOURCE + below(3000);
	r->sqe.len = any_len();
	if (once_in(8)) {
		r->sqe.addr = receives ? BIG : SOURCE;
		r->sqe.len = BIG_SIZE >> below(4);
	}
	if (once_in(40))
		r->sqe.addr = once_in(2) ? 0 : 0xffff888000000000;
	if (once_in(60))
		r->sqe.len = rnd();
}

/* Something to go with a message: descriptors, who sends it, or how it is to be sent. */
static void any_control(struct maker *m, struct request *r, struct structs *s)
{
	struct cmsghdr *head = (void *)r->structs.control;
	struct ucred who = { .pid = 1 };
	int *values = (void *)CMSG_DATA(head), fd;

	*head = (struct cmsghdr) { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET };
	switch (below(6)) {
	case 0 ... 1:
		/* of a ring it is refused on one side only */
		fd = any_fd_of(m, ~KIND(SECOND_RING));
		if (object_of(m->p, fd) && object_of(m->p, fd)->kind == SECOND_RING)
			fd = BAD_FD;
		head->cmsg_type = SCM_RIGHTS;
		values[0] = fd;
		break;
	case 2:
		head->cmsg_type = SCM_CREDENTIALS;
		head->cmsg_len = CMSG_LEN(sizeof(who));
		memcpy(values, &who, sizeof(who));
		break;
	case 3:
		head->cmsg_level = SOL_IP;
		head->cmsg_type = IP_TTL;
		values[0] = 1 + below(100);
		break;
	case 4:
		head->cmsg_level = SOL_UDP;
		head->cmsg_type = UDP_SEGMENT;
		head->cmsg_len = CMSG_LEN(sizeof(__u16));
		values[0] = 50;
		break;
	default:
		head->cmsg_type = below(8);
	}
	r->structs.msg.msg_control = s->control;
	r->structs.msg.msg_controllen = once_in(8) ? below(64) : CMSG_SPACE(head->cmsg_len - sizeof(*head));
	if (once_in(20))
		head->cmsg_len = below(100);
	if (once_in(30))
		r->structs.msg.msg_control = once_in(2) ? NULL : (void *)8;
	/* more than a few words */
	if (once_in(8)) {
		r->structs.msg.msg_control = (void *)(SOURCE + below(3000));
		r->structs.msg.msg_controllen = below(3000);
	}
}

static void any_message(struct maker *m, struct request *r, unsigned int i, bool receives)
{
	struct structs *s = structs_of(i);
	struct msghdr *msg = &r->structs.msg;

	any_vector(r, i, !receives);
	msg->msg_iov = s->iov;
	msg->msg_iovlen = below(5);
	if (once_in(4)) {
		msg->msg_name = &s->addr;
		msg->msg_namelen = receives ? sizeof(s->addr) : any_address_len();
		if (!receives)
			any_address(r);
	}
	if (receives && once_in(6)) {
		msg->msg_control = s->control;
		msg->msg_controllen = sizeof(s->control);
	}
	if (!receives && once_in(8))
		any_control(m, r, s);
	if (once_in(25))
		msg->msg_iovlen = 1000 + below(100);
	if (once_in(40))
		msg->msg_namelen = rnd() >> below(64);
	r->sqe.addr = (unsigned long)&s->msg;
	r->sqe.len = 1;
	if (once_in(60))
		r->sqe.addr = 0;
}

static void any_receive(struct maker *m, struct request *r, unsigned int i)
{
	struct io_uring_sqe *sqe = &r->sqe;
	bool message = sqe->opcode == IORING_OP_RECVMSG, in_bulk = may_be_in_bulk_for_subject(m);

	sqe->fd = any_fd_of(m, CONNECTED | ALONE);
	if (message)
		any_message(m, r, i, true);
	else
		any_data(r, i, true);
	sqe->msg_flags = any_msg_flags(true);
	if (in_bulk)
		sqe->msg_flags = once_in(2) ? MSG_WAITALL : 0;
	if (once_in(5))
		sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
	if (message) {
		__u64 addr = sqe->addr;

		if (may_select(m, r)) {
			sqe->addr = addr;
			if (!once_in(10))
				r->structs.msg.msg_iovlen = below(2);
			if (once_in(2))
				r->structs.msg.msg_iov = NULL;
		}
	} else if (may_select(m, r)) {
		if (once_in(in_bulk ? 2 : 4))
			sqe->ioprio |= IORING_RECVSEND_BUNDLE;
	} else if (once_in(10)) {
		sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
		sqe->buf_index = below(NR_BUFFERS);
		if (!once_in(6)) {
			sqe->addr = any_place_in(m, sqe->buf_index);
			sqe->len = any_len();
		}
	}
	if (sqe->flags & IOSQE_BUFFER_SELECT ? once_in(2) : once_in(40)) {
		sqe->ioprio |= IORING_RECV_MULTISHOT;
		if (!once_in(10))
			sqe->msg_flags &= ~MSG_WAITALL;
		if (once_in(in_bulk ? 6 : 3) && !message)
			sqe->optlen = below(600);
	}
}

static void any_send(struct maker *m, struct request *r, unsigned int i)
{
	struct io_uring_sqe *sqe = &r->sqe;
	bool zc = sqe->opcode == IORING_OP_SEND_ZC || sqe->opcode == IORING_OP_SENDMSG_ZC;
	bool message = sqe->opcode == IORING_OP_SENDMSG || sqe->opcode == IORING_OP_SENDMSG_ZC;
	bool in_bulk = may_be_in_bulk_for_subject(m);
	unsigned int j;

	sqe->fd = any_fd_of(m, zc && !once_in(8) ? INET : CONNECTED | ALONE);
	if (message)
		any_message(m, r, i, false);
	else
		any_data(r, i, false);
	sqe->msg_flags = any_msg_flags(false);
	if (in_bulk) {
		any_bulk(r, !message);
		sqe->msg_flags = once_in(2) ? MSG_WAITALL : 0;
	}
	if (once_in(6))
		sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
	if (zc && once_in(5))
		sqe->ioprio |= IORING_SEND_ZC_REPORT_USAGE;
	if (zc ? once_in(m->nr_buffers ? 2 : 4) : once_in(16)) {
		sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
		sqe->buf_index = below(m->nr_buffers && !once_in(8) ? m->nr_buffers : NR_BUFFERS);
		if (!message && !once_in(6)) {
			sqe->addr = any_place_in(m, sqe->buf_index);
			sqe->len = once_in(6) ? BUFFER_SIZE << below(3) : any_len();
		}
		for (j = 0; message && !once_in(6) && j < ARRAY_SIZE(r->structs.iov); j++)
			r->structs.iov[j].iov_base = (void *)any_place_in(m, sqe->buf_index);
	}
	if (!message && once_in(8)) {
		any_vector(r, i, true);
		sqe->ioprio |= IORING_SEND_VECTORIZED;
		sqe->addr = (unsigned long)structs_of(i)->iov;
		sqe->len = below(5);
	}
	if (!message && once_in(8)) {
		any_address(r);
		sqe->addr2 = (unsigned long)&structs_of(i)->addr;
		sqe->addr_len = any_address_len();
	}
	if (sqe->opcode == IORING_OP_SEND && once_in(3) && may_select(m, r) && once_in(2))
		sqe->ioprio |= IORING_RECVSEND_BUNDLE;
	if (zc && once_in(8))
		sqe->addr3 = 0x7700 + i;
}

static void any_accept(struct maker *m, struct request *r, unsigned int i)
{
	struct io_uring_sqe *sqe = &r->sqe;

	sqe->fd = any_fd_of(m, LISTENERS) & ~1;
	sqe->ioprio = once_in(2) ? 0 : below(8);
	if (once_in(3)) {
		sqe->addr = (unsigned long)&structs_of(i)->addr;
		sqe->addr2 = (unsigned long)&structs_of(i)->addr_len;
		if (once_in(8))
			r->structs.addr_len = any_address_len();
	}
	if (once_in(3))
		sqe->accept_flags = once_in(2) ? SOCK_NONBLOCK : SOCK_CLOEXEC;
	if (m->nr_slots ? once_in(3) : once_in(20))
		sqe->file_index = once_in(2) ? IORING_FILE_INDEX_ALLOC : 1 + below(SLOTS);
}

static void any_socket(struct maker *m, struct request *r)
{
	static const unsigned int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW };
	static const int domains[] = { AF_UNIX, AF_INET, AF_INET6, 77 };

	r->sqe.fd = pick(domains);
	r->sqe.off = pick(types) | (once_in(4) ? SOCK_NONBLOCK : 0) | (once_in(4) ? SOCK_CLOEXEC : 0);
	if (m->nr_slots ? once_in(2) : once_in(20))
		r->sqe.file_index = once_in(2) ? IORING_FILE_INDEX_ALLOC : 1 + below(SLOTS);
}

#define SENT_AT	(SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY)

static void any_command(struct maker *m, struct request *r, unsigned int i)
{
	static const unsigned int options[] = {
		SO_TYPE, SO_ERROR, SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, SO_RCVLOWAT, SO_DOMAIN,
		SO_ACCEPTCONN, SO_PROTOCOL,
	};
	static const unsigned int others[][2] = {
		{ SOL_IP, IP_TTL }, { SOL_IP, IP_RECVTTL }, { SOL_IPV6, IPV6_RECVHOPLIMIT }, { SOL_UDP, UDP_CORK },
		{ SOL_NETLINK, 1 },
	};
	/* only those without the data have completions */
	static const unsigned int stamps[] = {
		SENT_AT, SENT_AT, SENT_AT | SOF_TIMESTAMPING_OPT_ID, SENT_AT | SOF_TIMESTAMPING_TX_SCHED,
		SENT_AT & ~SOF_TIMESTAMPING_OPT_TSONLY,
	};
	static const unsigned int ops[] = {
		SOCKET_URING_OP_SIOCINQ, SOCKET_URING_OP_SIOCOUTQ, SOCKET_URING_OP_GETSOCKOPT,
		SOCKET_URING_OP_SETSOCKOPT, SOCKET_URING_OP_SETSOCKOPT, SOCKET_URING_OP_TX_TIMESTAMP,
		SOCKET_URING_OP_TX_TIMESTAMP, SOCKET_URING_OP_GETSOCKNAME,
	};
	struct io_uring_sqe *sqe = &r->sqe;
	unsigned int at;

	sqe->fd = any_fd_of(m, SOCKETS);
	sqe->cmd_op = once_in(20) ? below(10) : pick(ops);
	switch (sqe->cmd_op) {
	case SOCKET_URING_OP_GETSOCKOPT:
	case SOCKET_URING_OP_SETSOCKOPT:
		sqe->level = once_in(4) ? IPPROTO_TCP : SOL_SOCKET;
		sqe->optname = sqe->level == SOL_SOCKET ? pick(options) : TCP_NODELAY;
		/* those of other levels */
		if (once_in(6)) {
			at = below(ARRAY_SIZE(others));
			sqe->level = others[at][0];
			sqe->optname = others[at][1];
		}
		sqe->optval = (unsigned long)structs_of(i)->ints;
		sqe->optlen = once_in(4) ? below(12) : 4;
		r->structs.ints[0] = below(2);
		if (once_in(3)) {
			sqe->level = SOL_SOCKET;
			sqe->optname = SO_TIMESTAMPING;
			sqe->optlen = 4;
			r->structs.ints[0] = pick(stamps);
		}
		break;
	case SOCKET_URING_OP_GETSOCKNAME:
		sqe->addr = (unsigned long)&structs_of(i)->addr;
		sqe->addr3 = (unsigned long)&structs_of(i)->addr_len;
		sqe->optlen = below(2);
		break;
	}
}

bool any_net_request(struct maker *m, struct request *r, unsigned int i)
{
	struct io_uring_sqe *sqe = &r->sqe;

	switch (sqe->opcode) {
	case IORING_OP_RECV:
	case IORING_OP_RECVMSG:
		any_receive(m, r, i);
		return true;
	case IORING_OP_SEND:
	case IORING_OP_SENDMSG:
	case IORING_OP_SEND_ZC:
	case IORING_OP_SENDMSG_ZC:
		any_send(m, r, i);
		return true;
	case IORING_OP_ACCEPT:
		any_accept(m, r, i);
		return true;
	case IORING_OP_SOCKET:
		any_socket(m, r);
		return true;
	case IORING_OP_CONNECT:
	case IORING_OP_BIND:
		any_address(r);
		sqe->fd = any_fd_of(m, SOCKETS) ^ once_in(2);
		/* a socket that is not connected yet, to its listener */
		if (object_of(m->p, sqe->fd) && once_in(2)) {
			r->address_of = (sqe->fd - FIRST_FD) / 2;
			r->address = sqe->opcode == IORING_OP_CONNECT ? ADDRESS_FIRST : ADDRESS_ANY;
		}
		sqe->addr = (unsigned long)&structs_of(i)->addr;
		sqe->addr2 = any_address_len();
		return true;
	case IORING_OP_LISTEN:
		sqe->fd = any_fd_of(m, SOCKETS);
		sqe->len = below(4);
		return true;
	case IORING_OP_SHUTDOWN:
		sqe->fd = any_fd_of(m, SOCKETS);
		sqe->len = below(4);
		return true;
	case IORING_OP_URING_CMD:
	case IORING_OP_URING_CMD128:
		any_command(m, r, i);
		/* of a registered buffer, or again and again: a socket's are neither */
		if (once_in(12))
			sqe->uring_cmd_flags = 1u << below(3);
		return true;
	}
	return false;
}
