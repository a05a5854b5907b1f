// SPDX-License-Identifier: GPL-2.0
/*
 * A program of liburing's that was ported by tools/liburing-ruring.h: each of
 * its functions, on rings of several kinds. Ends with 0, or says what it was.
 */
#include <liburing-ruring.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

/* From Documentation/porting.rst. */
#include "flags.h"

/* The first that does not hold is said, and no other after it. */
#define CHECK(condition) \
	(failed = failed || !((condition) || say(__func__, __LINE__, #condition)))

static int failed;

static int say(const char *where, int line, const char *what)
{
	printf("%s:%d: %s\n", where, line, what);
	return 0;
}

static void nop(struct io_uring *ring, unsigned long data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_nop(sqe);
	sqe->user_data = data;
}

/*
 * Submitting and waiting, each way. What a thread takes may count once more
 * until it has said so, as in liburing.
 */
static int waits(unsigned int flags)
{
	struct __kernel_timespec ts = { .tv_nsec = 1000000 };
	struct io_uring_cqe *cqe = NULL, *cqes[8] = {};
	struct io_uring ring = {};
	int i;

	CHECK(!ruring_queue_init(8, &ring, flags));
	CHECK(ring.features & IORING_FEAT_SINGLE_MMAP);
	CHECK(ruring_register_ring_fd(&ring) == 1);
	CHECK(ruring_register_ring_fd(&ring) == -EEXIST);
	nop(&ring, 1);
	CHECK(ruring_submit(&ring) >= 1);
	CHECK(!ruring_wait_cqe(&ring, &cqe) && cqe->user_data == 1);
	io_uring_cqe_seen(&ring, cqe);
	CHECK(ruring_peek_cqe(&ring, &cqe) == -EAGAIN);
	nop(&ring, 2);
	nop(&ring, 3);
	CHECK(ruring_submit_and_wait(&ring, 2) >= 2);
	CHECK(ruring_peek_batch_cqe(&ring, cqes, 8) == 2);
	CHECK(cqes[0]->user_data == 2 && cqes[1]->user_data == 3);
	io_uring_cq_advance(&ring, 2);
	nop(&ring, 4);
	CHECK(ruring_submit_and_get_events(&ring) >= 1);
	CHECK(!ruring_wait_cqe_nr(&ring, &cqe, 1) && cqe->user_data == 4);
	io_uring_cqe_seen(&ring, cqe);
	CHECK(ruring_wait_cqe_timeout(&ring, &cqe, &ts) == -ETIME);
	nop(&ring, 5);
	CHECK(!ruring_wait_cqes(&ring, &cqe, 1, NULL, NULL));
	CHECK(cqe->user_data == 5);
	io_uring_cqe_seen(&ring, cqe);
	/* More than there is room for, so that a thread of the ring's is waited for. */
	for (i = 0; !failed && i < 64; i++) {
		while (!failed && !io_uring_sq_space_left(&ring))
			CHECK(ruring_sqring_wait(&ring) >= 0);
		nop(&ring, i);
		CHECK(ruring_submit(&ring) >= 1);
		CHECK(!ruring_wait_cqe(&ring, &cqe));
		CHECK(cqe->user_data == (unsigned long)i);
		io_uring_cqe_seen(&ring, cqe);
	}
	CHECK(!ruring_get_events(&ring));
	CHECK(ruring_unregister_ring_fd(&ring) == 1);
	CHECK(ruring_unregister_ring_fd(&ring) == -EINVAL);
	CHECK(ruring_close_ring_fd(&ring) == -EINVAL);
	/* It is as good without a descriptor. */
	CHECK(ruring_register_ring_fd(&ring) == 1);
	CHECK(ruring_close_ring_fd(&ring) == 1);
	CHECK(ruring_close_ring_fd(&ring) == -EBADF);
	nop(&ring, 6);
	CHECK(ruring_submit_and_wait(&ring, 1) >= 1);
	CHECK(!ruring_wait_cqe(&ring, &cqe) && cqe->user_data == 6);
	io_uring_cqe_seen(&ring, cqe);
	CHECK(!ruring_register_files_sparse(&ring, 4));
	i = ring.enter_ring_fd;
	ruring_queue_exit(&ring);
	/* The index is free again. */
	CHECK(!ruring_queue_init(8, &ring, flags));
	CHECK(ruring_register_ring_fd(&ring) == 1 && ring.enter_ring_fd == i);
	ruring_queue_exit(&ring);
	return failed;
}

/* The thread of a ring is woken up by who submits once it sleeps. */
static int wakes_the_thread(void)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL,
		.sq_thread_idle = 1,
	};
	struct io_uring_cqe *cqe = NULL;
	struct io_uring ring = {};

	CHECK(!ruring_queue_init_params(8, &ring, &params));
	nop(&ring, 1);
	CHECK(ruring_submit(&ring) >= 0);
	CHECK(!ruring_wait_cqe(&ring, &cqe));
	io_uring_cqe_seen(&ring, cqe);
	while (!failed &&
	       !(IO_URING_READ_ONCE(*ring.sq.kflags) & IORING_SQ_NEED_WAKEUP))
		;
	nop(&ring, 2);
	CHECK(ruring_submit(&ring) >= 0);
	CHECK(!ruring_wait_cqe(&ring, &cqe) && cqe->user_data == 2);
	io_uring_queue_exit(&ring);
	return failed;
}

/* A receive with a provided buffer. */
static int receives(void)
{
	struct io_uring_buf_ring *bufs;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe = NULL;
	struct io_uring ring = {};
	char mem[64] = "";
	int sv[2], err;

	CHECK(!ruring_queue_init(8, &ring, 0));
	CHECK(!socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	bufs = ruring_setup_buf_ring(&ring, 4, 1, 0, &err);
	CHECK(bufs);
	io_uring_buf_ring_add(bufs, mem, sizeof(mem), 7, 3, 0);
	io_uring_buf_ring_advance(bufs, 1);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_recv_multishot(sqe, sv[0], NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = 1;
	CHECK(ruring_submit(&ring) == 1);
	CHECK(send(sv[1], "hello", 5, 0) == 5);
	CHECK(!ruring_wait_cqe(&ring, &cqe));
	CHECK(cqe->res == 5 && cqe->flags >> IORING_CQE_BUFFER_SHIFT == 7);
	CHECK(!memcmp(mem, "hello", 5));
	io_uring_cqe_seen(&ring, cqe);
	CHECK(!ruring_free_buf_ring(&ring, bufs, 4, 1));
	io_uring_queue_exit(&ring);
	return failed;
}

/* More files than there may be descriptors: the soft limit is raised, once. */
static int raises_the_limit(void)
{
	struct rlimit limit;
	struct io_uring ring = {};
	int fds[2] = { -1, -1 };

	CHECK(!getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 64;
	CHECK(limit.rlim_max >= 256 && !setrlimit(RLIMIT_NOFILE, &limit));
	CHECK(!ruring_queue_init(8, &ring, 0));
	CHECK(!ruring_register_files_sparse(&ring, 100));
	CHECK(!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur == 164);
	CHECK(!ruring_register(&ring, IORING_UNREGISTER_FILES, NULL, 0));
	CHECK(!ruring_register_files(&ring, fds, 2));
	CHECK(!ruring_register(&ring, IORING_UNREGISTER_FILES, NULL, 0));
	CHECK(!ruring_register_files_tags(&ring, fds, (__u64[2]) { }, 2));
	io_uring_queue_exit(&ring);
	return failed;
}

/* Waits with what is registered for that, and for a while at least. */
static int waits_by_region(void)
{
	static _Alignas(4096) struct io_uring_reg_wait waits_of[64];
	struct io_uring_region_desc region = {
		.user_addr = (unsigned long)waits_of,
		.size = sizeof(waits_of),
		.flags = IORING_MEM_REGION_TYPE_USER,
	};
	struct io_uring_mem_region_reg reg = {
		.region_uptr = (unsigned long)&region,
		.flags = IORING_MEM_REGION_REG_WAIT_ARG,
	};
	struct __kernel_timespec ts = { .tv_nsec = 1000000 };
	struct io_uring_cqe *cqe = NULL;
	struct io_uring ring = {};

	waits_of[1].ts.tv_nsec = 1000000;
	waits_of[1].flags = IORING_REG_WAIT_TS;
	CHECK(!ruring_queue_init(8, &ring, IORING_SETUP_R_DISABLED));
	CHECK(!ruring_register(&ring, IORING_REGISTER_MEM_REGION, &reg, 1));
	CHECK(!ruring_register(&ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	CHECK(ruring_submit_and_wait_reg(&ring, &cqe, 1, 1) == -ETIME && !cqe);
	CHECK(ruring_submit_and_wait_min_timeout(&ring, &cqe, 1, &ts, 10,
						 NULL) == -ETIME && !cqe);
	nop(&ring, 1);
	CHECK(ruring_submit_and_wait_reg(&ring, &cqe, 1, 1) == 1);
	CHECK(cqe && cqe->user_data == 1);
	io_uring_queue_exit(&ring);
	return failed;
}

/* ruring's own flags: one completion for a datagram, none for a receive without a buffer. */
static int has_flags(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	struct io_uring_cqe *cqe = NULL;
	struct io_uring ring = {};
	char came[64];
	int from, to;

	to = socket(AF_INET, SOCK_DGRAM, 0);
	from = socket(AF_INET, SOCK_DGRAM, 0);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(!bind(to, (void *)&addr, sizeof(addr)));
	CHECK(!getsockname(to, (void *)&addr, &len));
	CHECK(!connect(from, (void *)&addr, sizeof(addr)));
	CHECK(!ruring_queue_init(8, &ring, 0));
	send_combined(io_uring_get_sqe(&ring), from, "datagram", 8);
	CHECK(ruring_submit_and_wait(&ring, 1) == 1);
	CHECK(!ruring_wait_cqe(&ring, &cqe) && cqe->res == 8);
	CHECK(!(cqe->flags & IORING_CQE_F_MORE));
	io_uring_cqe_seen(&ring, cqe);
	CHECK(recv(to, came, sizeof(came), 0) == 8);
	CHECK(!memcmp(came, "datagram", 8));
	receive_kept(io_uring_get_sqe(&ring), from, 7);
	CHECK(ruring_submit(&ring) == 1);
	CHECK(!io_uring_cq_ready(&ring));
	io_uring_queue_exit(&ring);
	return failed;
}

int main(void)
{
	return waits(0) || waits(IORING_SETUP_SQPOLL) ||
	       waits(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) ||
	       waits(IORING_SETUP_CQE32 | IORING_SETUP_NO_SQARRAY) ||
	       wakes_the_thread() || receives() || waits_by_region() ||
	       raises_the_limit() || has_flags();
}
