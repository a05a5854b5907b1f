// SPDX-License-Identifier: GPL-2.0
/*
 * Random requests: what they have in common.
 */
#include <linux/ruring.h>
#include <stddef.h>
#include <string.h>

#include "generate.h"

static const __u8 opcodes[] = {
	IORING_OP_NOP, IORING_OP_NOP, IORING_OP_NOP,
	IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_READ, IORING_OP_READ, IORING_OP_WRITE,
	IORING_OP_WRITE, IORING_OP_READ_FIXED, IORING_OP_WRITE_FIXED,
	IORING_OP_READV_FIXED, IORING_OP_WRITEV_FIXED, IORING_OP_READ_MULTISHOT,
	IORING_OP_READ_MULTISHOT, IORING_OP_FSYNC, IORING_OP_FALLOCATE, IORING_OP_OPENAT,
	IORING_OP_CLOSE, IORING_OP_POLL_ADD, IORING_OP_POLL_ADD, IORING_OP_POLL_ADD,
	IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE, IORING_OP_POLL_REMOVE,
	IORING_OP_RECV, IORING_OP_RECV, IORING_OP_RECV, IORING_OP_RECV, IORING_OP_RECV,
	IORING_OP_RECV, IORING_OP_RECV, IORING_OP_RECVMSG, IORING_OP_RECVMSG,
	IORING_OP_RECVMSG, IORING_OP_SEND, IORING_OP_SEND, IORING_OP_SEND, IORING_OP_SEND,
	IORING_OP_SENDMSG, IORING_OP_SENDMSG, IORING_OP_SEND_ZC, IORING_OP_SENDMSG_ZC,
	IORING_OP_TIMEOUT, IORING_OP_TIMEOUT, IORING_OP_TIMEOUT_REMOVE,
	IORING_OP_LINK_TIMEOUT, IORING_OP_LINK_TIMEOUT, IORING_OP_ACCEPT, IORING_OP_ACCEPT,
	IORING_OP_ACCEPT, IORING_OP_ASYNC_CANCEL, IORING_OP_ASYNC_CANCEL,
	IORING_OP_ASYNC_CANCEL, IORING_OP_FILES_UPDATE, IORING_OP_FIXED_FD_INSTALL,
	IORING_OP_MSG_RING, IORING_OP_SOCKET, IORING_OP_CONNECT, IORING_OP_CONNECT,
	IORING_OP_BIND, IORING_OP_LISTEN, IORING_OP_SHUTDOWN, IORING_OP_URING_CMD,
	IORING_OP_PROVIDE_BUFFERS, IORING_OP_PROVIDE_BUFFERS, IORING_OP_REMOVE_BUFFERS,
	IORING_OP_SPLICE, IORING_OP_SPLICE, IORING_OP_TEE, IORING_OP_STATX, IORING_OP_OPENAT2,
	IORING_OP_OPENAT2, IORING_OP_UNLINKAT, IORING_OP_MKDIRAT, IORING_OP_RENAMEAT, IORING_OP_LINKAT,
	IORING_OP_SYMLINKAT, IORING_OP_FTRUNCATE, IORING_OP_FADVISE, IORING_OP_MADVISE,
	IORING_OP_SYNC_FILE_RANGE, IORING_OP_SEND_ZC, IORING_OP_SENDMSG_ZC, IORING_OP_NOP128,
	IORING_OP_EPOLL_CTL, IORING_OP_EPOLL_CTL, IORING_OP_PIPE, IORING_OP_EPOLL_WAIT,
	IORING_OP_EPOLL_WAIT, IORING_OP_URING_CMD128,
};

unsigned int any_opcode(const struct maker *m)
{
	__u8 opcode;

	return may_be_opcode_of_subject(m, &opcode) ? opcode : pick(opcodes);
}

void any_vector(struct request *r, unsigned int i, bool from)
{
	unsigned long at = from ? SOURCE + below(2000) : dest_of(i);
	unsigned int j;

	for (j = 0; j < ARRAY_SIZE(r->structs.iov); j++) {
		r->structs.iov[j].iov_len = any_len() / 4;
		r->structs.iov[j].iov_base = (void *)at;
		at += r->structs.iov[j].iov_len;
	}
	if (once_in(60))
		r->structs.iov[below(4)].iov_base = (void *)(once_in(2) ? 0 : 0xffffe00000000000);
	if (once_in(60))
		r->structs.iov[below(4)].iov_len = rnd() >> below(64);
}

void any_bulk(struct request *r, bool plain)
{
	unsigned int len = BIG_SIZE >> below(4);

	if (plain) {
		r->sqe.addr = SOURCE;
		r->sqe.len = len;
	} else {
		r->structs.iov[0] = (struct iovec) { (void *)SOURCE, len };
	}
}

__u64 any_place_in(struct maker *m, unsigned int index)
{
	const struct iovec *iov = &m->buffers[index];

	if (!iov->iov_len)
		return BUFFERS + index * BUFFER_SIZE + below(1000);
	return (unsigned long)iov->iov_base + below(iov->iov_len < 3 * PAGE ? iov->iov_len : 3 * PAGE) / 4;
}

unsigned int any_group(struct maker *m)
{
	unsigned int tries, bgid = below(GROUPS);

	for (tries = 0; tries < 8 && !(m->groups & 1u << bgid); tries++)
		bgid = below(GROUPS);
	return bgid;
}

bool may_select(struct maker *m, struct request *r)
{
	if (!m->groups ? !once_in(20) : once_in(2))
		return false;
	r->sqe.flags |= IOSQE_BUFFER_SELECT;
	r->sqe.buf_group = any_group(m);
	if (once_in(2))
		r->sqe.len = 0;
	if (!once_in(10))
		r->sqe.addr = 0;
	return true;
}

/* A registered file instead, if there is one that suits. */
static void may_fix_file(struct maker *m, struct request *r)
{
	/* refused with one, or of no use */
	bool useless = is_of_a_name(r->sqe.opcode);
	unsigned int i = below(SLOTS);

	if (m->nr_slots ? !once_in(4) : !once_in(60))
		return;
	switch (r->sqe.opcode) {
	case IORING_OP_SOCKET:
	case IORING_OP_CLOSE:
	case IORING_OP_ASYNC_CANCEL:
	case IORING_OP_POLL_REMOVE:
		return;
	case IORING_OP_MADVISE:
	case IORING_OP_EPOLL_CTL:
	case IORING_OP_PIPE:
		useless = true;
	}
	if (useless && !once_in(20))
		return;
	while (i < m->nr_slots && m->slots[i] != r->sqe.fd && !once_in(8))
		i++;
	r->sqe.flags |= IOSQE_FIXED_FILE;
	r->sqe.fd = i;
}

static void any_flags(struct maker *m, struct request *r)
{
	static const unsigned int flags[] = {
		IOSQE_IO_LINK, IOSQE_IO_LINK, IOSQE_IO_LINK, IOSQE_IO_HARDLINK,
		IOSQE_ASYNC, IOSQE_ASYNC, IOSQE_CQE_SKIP_SUCCESS, IOSQE_IO_DRAIN,
	};

	if (once_in(3))
		r->sqe.flags |= pick(flags);
	if (once_in(8))
		r->sqe.flags |= pick(flags);
	if (may_have_worker_for_subject(m))
		r->sqe.flags |= IOSQE_ASYNC;
	if (m->skips && !once_in(50))
		r->sqe.flags &= ~IOSQE_IO_DRAIN;
	m->skips |= !!(r->sqe.flags & IOSQE_CQE_SKIP_SUCCESS);
}

/* One bit that does not belong there. */
static void may_spoil(struct request *r)
{
	unsigned int bit = below(8 * sizeof(r->sqe));

	if (!once_in(25))
		return;
	/* neither another opcode, nor a number of this machine's, nor anything to be told by */
	if (bit < 16 || bit / 32 == offsetof(struct io_uring_sqe, fd) / 4 ||
	    bit / 64 == offsetof(struct io_uring_sqe, user_data) / 8 ||
	    bit / 16 == offsetof(struct io_uring_sqe, personality) / 2)
		return;
	((__u8 *)&r->sqe)[bit / 8] ^= 1u << bit % 8;
	/* ruring's own */
	r->sqe.ioprio &= ~(3u << 14);
	switch (r->sqe.opcode) {
	case IORING_OP_SEND_ZC:
	case IORING_OP_SENDMSG_ZC:
		r->sqe.ioprio &= ~RURING_SEND_ZC_COMBINE_CQE;
		break;
	case IORING_OP_READ_MULTISHOT:
		r->sqe.len &= ~RURING_READ_KEEP;
		break;
	case IORING_OP_POLL_ADD:
		r->sqe.len &= ~RURING_POLL_ADD_LEVEL;
		break;
	case IORING_OP_POLL_REMOVE:
		r->sqe.len &= ~RURING_POLL_UPDATE_MODE;
	}
}

static bool is_among_structs(__u64 addr)
{
	return addr >= STRUCTS && addr < STRUCTS + MAX_REQUESTS * STRUCTS_SIZE;
}

/* Memory that there is only the first part of. */
static void may_be_at_edge(struct request *r, unsigned int i)
{
	struct io_uring_sqe *sqe = &r->sqe;

	if (!once_in(40))
		return;
	if (is_among_structs(sqe->addr) || sqe->addr - dest_of(i) < PAGE)
		sqe->addr = EDGE - 4 * below(once_in(2) ? 8 : 60);
	else if (is_among_structs(sqe->off))
		sqe->off = EDGE - 4 * below(8);
	else if (r->structs.msg.msg_iov)
		r->structs.msg.msg_iov = (void *)(EDGE - 8 * below(8));
	else if (r->structs.iov[0].iov_base)
		r->structs.iov[below(4)].iov_base = (void *)(EDGE - below(100));
}

void any_request(struct maker *m, unsigned int i)
{
	/* some there are not; ruring's own would be */
	unsigned int opcode = once_in(150) ? IORING_OP_LAST + below(256 - IORING_OP_LAST) : any_opcode(m);

	any_request_of(m, i, opcode == RURING_OP_SENDFILE ? opcode + 1 : opcode);
}

void any_request_of(struct maker *m, unsigned int i, unsigned int opcode)
{
	struct request *r = &m->p->requests[i];

	memset(r, 0, sizeof(*r));
	r->sqe.opcode = opcode;
	r->sqe.user_data = USER_DATA + (i && once_in(30) ? below(i) : i);
	r->structs.addr_len = sizeof(r->structs.addr);
	r->address_of = below(MAX_OBJECTS);
	if (!any_net_request(m, r, i) && !any_file_request(m, r, i) && !any_name_request(m, r, i))
		any_control_request(m, r, i);
	any_flags(m, r);
	may_fix_file(m, r);
	if (m->personalities ? once_in(6) : once_in(60))
		r->sqe.personality = 1 + below(3);
	may_be_at_edge(r, i);
	may_spoil(r);
	/* what comes before a worker begins to count is by chance */
	if (r->sqe.opcode == IORING_OP_TIMEOUT && r->sqe.off)
		r->sqe.flags &= ~IOSQE_ASYNC;
}
