// SPDX-License-Identifier: GPL-2.0
/*
 * Random requests of files.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "generate.h"

#define TRANSFERS	(~(LISTENERS | KIND(DIRECTORY) | KIND(O_PATH_FILE) | KIND(EPOLL) | \
			   KIND(SECOND_RING) | KIND(UDP_ALONE)))

static __u64 any_offset(void)
{
	static const __u64 offsets[] = { -1ULL, -1ULL, -1ULL, 0, 0, 100, 5000, 1ULL << 63 };

	return pick(offsets);
}

static void any_rw_flags(struct request *r)
{
	/* classes that there are, or not, and levels */
	static const unsigned int priorities[] = {
		1 << 13, 1 << 13 | 4, 2 << 13 | 7, 3 << 13, 4 << 13, 5,
	};

	if (once_in(16))
		r->sqe.ioprio = pick(priorities);
	if (once_in(12))
		r->sqe.rw_flags = 1u << below(9);
}

static bool writes(unsigned int opcode)
{
	return opcode == IORING_OP_WRITE || opcode == IORING_OP_WRITEV ||
	       opcode == IORING_OP_WRITE_FIXED || opcode == IORING_OP_WRITEV_FIXED;
}

static bool has_kind(const struct maker *m, int fd, unsigned int kinds)
{
	const struct object *o = object_of(m->p, fd);

	return o && KIND(o->kind) & kinds;
}

static void any_transfer(struct maker *m, struct request *r, unsigned int i)
{
	struct io_uring_sqe *sqe = &r->sqe;
	bool from = writes(sqe->opcode);

	sqe->fd = any_fd_of(m, TRANSFERS);
	sqe->off = any_offset();
	any_rw_flags(r);
	switch (sqe->opcode) {
	case IORING_OP_READ:
	case IORING_OP_WRITE:
		sqe->addr = from ? SOURCE + below(2000) : dest_of(i);
		sqe->len = any_len();
		if (has_kind(m, sqe->fd, KIND(EVENTFD)))
			sqe->len = 8;
		if (once_in(12)) {
			sqe->addr = from ? SOURCE : BIG;
			sqe->len = BIG_SIZE >> below(4);
		}
		if (once_in(50))
			sqe->addr = once_in(2) ? 0 : 0xffff888000000000;
		break;
	default:
		any_vector(r, i, from);
		sqe->addr = (unsigned long)structs_of(i)->iov;
		sqe->len = once_in(40) ? rnd() >> below(64) : below(5);
	}
	if (from && has_kind(m, sqe->fd, STREAMS | KIND(PTY)) && may_be_in_bulk_for_subject(m))
		any_bulk(r, sqe->opcode == IORING_OP_WRITE);
	if (sqe->opcode == IORING_OP_READ || sqe->opcode == IORING_OP_READV) {
		__u64 addr = sqe->addr;

		if (may_select(m, r) && sqe->opcode == IORING_OP_READV) {
			sqe->addr = addr;
			sqe->len = once_in(8) ? below(4) : 1;
		}
	}
}

static void any_fixed_transfer(struct maker *m, struct request *r, unsigned int i)
{
	struct io_uring_sqe *sqe = &r->sqe;
	unsigned long at;
	unsigned int j;

	sqe->fd = any_fd_of(m, TRANSFERS);
	sqe->off = any_offset();
	sqe->buf_index = below(m->nr_buffers ?: NR_BUFFERS);
	at = any_place_in(m, sqe->buf_index);
	any_rw_flags(r);
	if (sqe->opcode == IORING_OP_READ_FIXED || sqe->opcode == IORING_OP_WRITE_FIXED) {
		sqe->addr = at;
		sqe->len = once_in(8) ? BUFFER_SIZE << below(3) : any_len();
		return;
	}
	for (j = 0; j < ARRAY_SIZE(r->structs.iov); j++) {
		r->structs.iov[j].iov_base = (void *)(at + below(3000));
		r->structs.iov[j].iov_len = any_len() / 2;
	}
	sqe->addr = (unsigned long)structs_of(i)->iov;
	sqe->len = below(5);
}

/* From one file to another, of which one ought to be a pipe. */
static void any_splice(struct maker *m, struct request *r)
{
	static const unsigned int flags[] = { 0, 0, 0, 1, 2, 4, 8, SPLICE_F_FD_IN_FIXED };
	struct io_uring_sqe *sqe = &r->sqe;
	unsigned int kinds = sqe->opcode == IORING_OP_TEE ? KIND(PIPE) :
			     KIND(PIPE) | KIND(REGULAR) | STREAMS;

	sqe->splice_fd_in = any_fd_of(m, once_in(3) ? kinds : KIND(PIPE));
	/* pipes are read at one end, and written to at the other */
	sqe->fd = any_fd_of(m, kinds) ^ once_in(2);
	sqe->len = any_len();
	sqe->splice_flags = once_in(12) ? 1u << below(32) : pick(flags);
	if (sqe->splice_flags & SPLICE_F_FD_IN_FIXED)
		sqe->splice_fd_in = below(SLOTS);
	if (sqe->opcode == IORING_OP_SPLICE) {
		sqe->off = any_offset();
		sqe->splice_off_in = any_offset();
	}
}

static void any_advice(struct maker *m, struct request *r)
{
	static const unsigned int memory[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE, 99,
	};
	struct io_uring_sqe *sqe = &r->sqe;

	if (sqe->opcode == IORING_OP_FADVISE) {
		sqe->fd = any_fd_of(m, KIND(REGULAR));
		sqe->off = below(9000);
		sqe->len = any_len();
		sqe->fadvise_advice = below(8);
		if (once_in(3))
			sqe->addr = any_len();
		return;
	}
	sqe->fd = -1;
	sqe->addr = BIG + (once_in(12) ? 1 : 0) + PAGE * below(4);
	sqe->len = PAGE * below(5);
	if (once_in(3))
		sqe->off = PAGE * below(3);
	sqe->fadvise_advice = pick(memory);
	/* memory that is freed lazily has anything in it */
	if (sqe->fadvise_advice == MADV_FREE)
		sqe->len = 0;
}

bool any_file_request(struct maker *m, struct request *r, unsigned int i)
{
	struct io_uring_sqe *sqe = &r->sqe;

	switch (sqe->opcode) {
	case IORING_OP_READ:
	case IORING_OP_READV:
	case IORING_OP_WRITE:
	case IORING_OP_WRITEV:
		any_transfer(m, r, i);
		return true;
	case IORING_OP_READ_FIXED:
	case IORING_OP_WRITE_FIXED:
	case IORING_OP_READV_FIXED:
	case IORING_OP_WRITEV_FIXED:
		any_fixed_transfer(m, r, i);
		return true;
	case IORING_OP_READ_MULTISHOT:
		sqe->fd = any_fd_of(m, TRANSFERS & ~KIND(REGULAR));
		sqe->off = any_offset();
		sqe->len = once_in(4) ? any_len() : 0;
		if (!once_in(20)) {
			sqe->flags |= IOSQE_BUFFER_SELECT;
			sqe->buf_group = any_group(m);
		}
		return true;
	case IORING_OP_FSYNC:
		sqe->fd = any_fd_of(m, KIND(REGULAR));
		sqe->fsync_flags = below(3);
		sqe->off = once_in(2) ? 0 : below(9000);
		sqe->len = once_in(2) ? 0 : below(9000);
		return true;
	case IORING_OP_FALLOCATE:
		sqe->fd = any_fd_of(m, KIND(REGULAR));
		sqe->len = once_in(2) ? 0 : below(4);
		sqe->off = below(9000);
		sqe->addr = below(9000);
		return true;
	case IORING_OP_SYNC_FILE_RANGE:
		sqe->fd = any_fd_of(m, KIND(REGULAR));
		sqe->sync_range_flags = below(9);
		sqe->off = below(9000);
		sqe->len = once_in(2) ? 0 : below(9000);
		return true;
	case IORING_OP_FTRUNCATE:
		sqe->fd = any_fd_of(m, KIND(REGULAR));
		sqe->off = once_in(12) ? rnd() : below(9000);
		return true;
	case IORING_OP_FADVISE:
	case IORING_OP_MADVISE:
		any_advice(m, r);
		return true;
	case IORING_OP_SPLICE:
	case IORING_OP_TEE:
		any_splice(m, r);
		return true;
	case IORING_OP_CLOSE:
		if (m->nr_slots ? once_in(2) : once_in(10))
			sqe->file_index = 1 + below(SLOTS);
		else
			sqe->fd = any_fd_of(m, ~KIND(SECOND_RING)) ^ once_in(2);
		return true;
	}
	return false;
}
