/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random requests of the kinds that requests.h does not have: between files and pipes, of names, messages to rings, and
 * advice; and random registrations that others than a ring's buffers and files are the matter of.
 */
#ifndef SELFTESTS_REQUESTS_OTHER_H
#define SELFTESTS_REQUESTS_OTHER_H

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>

#include "bpf.h"
#include "requests.h"

static const __u8 other_ops[] = {
	IORING_OP_SPLICE, IORING_OP_SPLICE, IORING_OP_TEE, RURING_OP_SENDFILE, IORING_OP_PIPE,
	IORING_OP_EPOLL_CTL, IORING_OP_MSG_RING, IORING_OP_MSG_RING, IORING_OP_FSYNC,
	IORING_OP_SYNC_FILE_RANGE, IORING_OP_FALLOCATE, IORING_OP_FTRUNCATE, IORING_OP_FADVISE,
	IORING_OP_MADVISE, IORING_OP_OPENAT, IORING_OP_OPENAT2, IORING_OP_STATX,
	IORING_OP_UNLINKAT, IORING_OP_RENAMEAT, IORING_OP_MKDIRAT, IORING_OP_LINKAT,
	IORING_OP_SYMLINKAT, IORING_OP_CLOSE,
};

/* Where names are. */
#define NAMES	"/run/chaos"

/* A few that there may be, one that nobody writes to, and what is no name. */
static inline __u64 any_name(const struct world *w)
{
	static const char *const names[] = {
		NAMES "/a", NAMES "/b", NAMES "/b/c", NAMES "/fifo", "/dev/null",
		"/proc/self/maps", "a",
	};

	return below(12) ? (uintptr_t)pick(names) : any_address(w);
}

/* As any_request(). @nr_rings of the world's last files are rings. */
static inline void any_other_request(struct world *w, struct io_uring_sqe *sqe, struct scratch *s,
				     __u64 user_data, unsigned int nr_rings)
{
	any_scratch(w, s);
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = pick(other_ops);
	sqe->fd = any_fd(w);
	sqe->user_data = user_data;
	if (!below(4))
		sqe->flags = rnd() & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_ASYNC);
	switch (sqe->opcode) {
	case IORING_OP_SPLICE:
		sqe->addr = below(3) ? ~0ULL : below(5000);
		sqe->off = below(3) ? ~0ULL : below(5000);
		/* fall through */
	case IORING_OP_TEE:
	case RURING_OP_SENDFILE:
		sqe->splice_fd_in = any_fd(w);
		sqe->len = any_len();
		sqe->splice_flags = sqe->opcode == RURING_OP_SENDFILE ? 0 : rnd() & 15;
		if (!below(8))
			sqe->splice_flags |= SPLICE_F_FD_IN_FIXED;
		break;
	case IORING_OP_PIPE:
		sqe->fd = 0;
		sqe->addr = any_address(w);
		sqe->pipe_flags = below(2) ? O_NONBLOCK : 0;
		sqe->file_index = IORING_FILE_INDEX_ALLOC;
		break;
	case IORING_OP_EPOLL_CTL:
		sqe->fd = w->fds[0];
		sqe->off = any_fd(w);
		sqe->len = 1 + below(3);
		sqe->addr = any_address(w);
		break;
	case IORING_OP_MSG_RING:
		sqe->fd = w->fds[w->nr_fds - 1 - below(nr_rings)];
		sqe->addr = below(2);
		sqe->len = below(4) ? below(100) : rnd();
		sqe->off = 2000000 + below(100);
		sqe->addr3 = below(6);
		sqe->file_index = below(2) ? IORING_FILE_INDEX_ALLOC : below(6);
		sqe->msg_ring_flags = below(4);
		break;
	case IORING_OP_FSYNC:
	case IORING_OP_SYNC_FILE_RANGE:
	case IORING_OP_FADVISE:
		sqe->off = below(5000);
		sqe->len = below(5000);
		sqe->fsync_flags = below(8);
		break;
	case IORING_OP_FALLOCATE:
		sqe->off = below(5000);
		sqe->addr = below(8) ? below(100000) : rnd();
		sqe->len = below(8) ? 0 : 1u << below(8);
		break;
	case IORING_OP_FTRUNCATE:
		sqe->off = below(8) ? below(100000) : rnd();
		break;
	case IORING_OP_MADVISE:
		sqe->fd = -1;
		sqe->addr = (uintptr_t)w->mem + below(64) * 4096;
		sqe->len = below(8) * 4096;
		sqe->fadvise_advice = below(8) ? MADV_DONTNEED : below(30);
		break;
	case IORING_OP_CLOSE:
		sqe->fd = 0;
		sqe->file_index = 1 + below(6);
		break;
	default:
		sqe->fd = below(4) ? AT_FDCWD : any_fd(w);
		sqe->addr = any_name(w);
		sqe->addr2 = any_name(w);
		sqe->len = sqe->opcode == IORING_OP_OPENAT2 ? 24 : below(2) ? 0700 : (unsigned int)AT_FDCWD;
		/* what else they take has bits of its own, which are what these are, too */
		sqe->open_flags = below(4) ? below(4) | (below(2) ? O_CREAT : 0) | (below(4) ? O_NONBLOCK : 0) : 0;
		if (sqe->opcode == IORING_OP_OPENAT || sqe->opcode == IORING_OP_OPENAT2)
			sqe->file_index = IORING_FILE_INDEX_ALLOC;
	}
	if (!below(6))
		sqe->flags |= IOSQE_FIXED_FILE;
	if (sqe->flags & IOSQE_FIXED_FILE)
		sqe->fd = below(6);
}

/* What a ring is to be asked or told besides its buffers and files. @other is another ring. */
static inline void any_other_registration(struct world *w, struct ring *r, struct ring *other)
{
	struct io_uring_params p = {
		.flags = below(2) ? IORING_SETUP_CQSIZE : 0,
		.sq_entries = below(16) ? 1u << below(8) : rnd(),
		.cq_entries = below(16) ? 1u << below(9) : rnd(),
	};
	struct io_uring_region_desc region = {
		.size = below(8) ? 4096 << below(3) : rnd(),
		.flags = below(4) ? IORING_MEM_REGION_TYPE_USER : 0,
	};
	struct io_uring_mem_region_reg mem = {
		.region_uptr = (uintptr_t)&region,
		.flags = below(2),
	};
	struct io_uring_clone_buffers clone = {
		.src_fd = other->fd,
		.flags = below(2) ? IORING_REGISTER_DST_REPLACE : 0,
		.src_off = below(3),
		.dst_off = below(3),
		.nr = below(8) ? below(5) : rnd(),
	};
	struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, below(3)) };
	struct io_uring_bpf filter = filter_of(below(70), allow, ARRAY_SIZE(allow));
	struct ruring_pbuf_low low = { .user_data = 5, .nr = below(40), .bgid = below(4) };
	struct io_uring_clock_register clock = { .clockid = below(2) ? CLOCK_MONOTONIC : CLOCK_BOOTTIME };
	unsigned int most[2] = { below(4), below(4) };
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_MSG_RING,
		.fd = other->fd,
		.addr = below(2),
		.off = 3000000,
		.addr3 = below(6),
		.file_index = IORING_FILE_INDEX_ALLOC,
	};
	char probe[16 + 70 * 8] = {};

	if (region.flags)
		region.user_addr = (uintptr_t)w->mem + below(60) * 4096;
	switch (below(12)) {
	case 0 ... 1:
		ring_register(r, IORING_REGISTER_RESIZE_RINGS, &p, 1);
		break;
	case 2:
		ring_register(r, IORING_REGISTER_MEM_REGION, &mem, 1);
		break;
	case 3 ... 4:
		ring_register(r, IORING_REGISTER_CLONE_BUFFERS, &clone, 1);
		break;
	case 5:
		ring_register(r, IORING_REGISTER_BPF_FILTER, &filter, 1);
		break;
	case 6:
		ring_register(r, IORING_REGISTER_PERSONALITY, NULL, 0);
		ring_register(r, IORING_UNREGISTER_PERSONALITY, NULL, below(4));
		break;
	case 7:
		ring_register(r, IORING_REGISTER_CLOCK, &clock, 0);
		break;
	case 8:
		ring_register(r, IORING_REGISTER_IOWQ_MAX_WORKERS, most, 2);
		break;
	case 9:
		backend_register(r->backend, -1, IORING_REGISTER_SEND_MSG_RING, &sqe, 1);
		break;
	case 10:
		ring_register(r, RURING_REGISTER_PBUF_LOW, &low, 1);
		break;
	default:
		ring_register(r, IORING_REGISTER_PROBE, probe, 70);
	}
}

#endif /* SELFTESTS_REQUESTS_OTHER_H */
