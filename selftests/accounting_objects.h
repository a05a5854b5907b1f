/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What accounting.c makes many of.
 */
#ifndef ACCOUNTING_OBJECTS_H
#define ACCOUNTING_OBJECTS_H

#include <fcntl.h>
#include <linux/ruring.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bpf.h"
#include "rsrc.h"
#include "zc.h"

/* So many of what takes a ring, a thread or a process each. */
#define SOME	1000
/* What is small and takes a ring: less is lost in what is charged beforehand. */
#define MANY	8000

/* What there is for the objects to be about. */
struct place {
	enum backend backend;
	struct ring ring;
	int sv[2];
	char *mem;
	/* rings to which something is added */
	int rings[MANY];
	/* semaphores: one more is to use the ring, one more has */
	int turn;
	int done;
	/* they do no more than to register it */
	bool registers;
	pid_t children[SOME];
};

static int have_ring(struct place *p, unsigned int flags)
{
	struct io_uring_params params = { .flags = flags, .sq_thread_idle = 1 };
	int fd = backend_setup(p->backend, 8, &params);

	return fd < 0 ? fd : 0;
}

static int make_ring(struct place *p, unsigned int i)
{
	(void)i;
	return have_ring(p, 0);
}

/* That many requests are taken. */
static int submits(struct place *p, unsigned int nr)
{
	return ring_submit(&p->ring) == (int)nr ? 0 : -EIO;
}

static int make_poll(struct place *p, unsigned int i)
{
	prep_poll(&p->ring, p->sv[0], POLLPRI, i);
	return submits(p, 1);
}

/* Of what it is told there is a copy, and of its pieces. */
static int make_receive(struct place *p, unsigned int i)
{
	struct iovec iov[2] = { { p->mem, 8 }, { p->mem + 8, 8 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	prep(&p->ring, IORING_OP_RECVMSG, p->sv[0], &msg, 1, i);
	return submits(p, 1);
}

/* It keeps an address that it is sent to, until what is before it is over. */
static int make_send(struct place *p, unsigned int i)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	struct io_uring_sqe *sqe;

	prep_poll(&p->ring, p->sv[0], POLLPRI, i)->flags = IOSQE_IO_LINK;
	sqe = prep_send(&p->ring, p->sv[0], p->mem, 8, i);
	sqe->addr2 = (uintptr_t)&to;
	sqe->addr_len = sizeof(to);
	return submits(p, 2);
}

static int make_pieces(struct place *p, unsigned int i)
{
	static struct iovec iov[1024];
	unsigned int k;

	for (k = 0; k < ARRAY_SIZE(iov); k++)
		iov[k] = (struct iovec){ p->mem, 1 };
	prep(&p->ring, IORING_OP_READV, p->sv[0], iov, ARRAY_SIZE(iov), i);
	return submits(p, 1);
}

static int make_bundle(struct place *p, unsigned int i)
{
	struct io_uring_sqe *sqe = prep_recv_select(&p->ring, p->sv[0], 0, 1, i);

	sqe->ioprio = IORING_RECVSEND_BUNDLE;
	return submits(p, 1);
}

static int prepare_bundle(struct place *p)
{
	static struct pbuf pb;
	int ret = pbuf_init(&pb, &p->ring, 1, 8, 64);

	if (!ret)
		pbuf_fill(&pb);
	return ret;
}

/* Nothing is there yet. */
static int make_empty_buffers(struct place *p, unsigned int i)
{
	struct io_uring_rsrc_register reg = { .nr = 1000, .flags = IORING_RSRC_REGISTER_SPARSE };

	return backend_register(p->backend, p->rings[i], IORING_REGISTER_BUFFERS2, &reg, sizeof(reg));
}

static int make_timeout(struct place *p, unsigned int i)
{
	struct __kernel_timespec time = { .tv_sec = 10000 };

	prep(&p->ring, IORING_OP_TIMEOUT, -1, &time, 1, i);
	return submits(p, 1);
}

static int make_link(struct place *p, unsigned int i)
{
	prep_poll(&p->ring, p->sv[0], POLLPRI, i)->flags = IOSQE_IO_LINK;
	prep_nop(&p->ring, i);
	return submits(p, 2);
}

static int make_overflow(struct place *p, unsigned int i)
{
	prep_nop(&p->ring, i);
	return submits(p, 1);
}

static int make_mapped_group(struct place *p, unsigned int i)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = 8,
		.bgid = i,
		.flags = IOU_PBUF_RING_MMAP,
	};

	return ring_register(&p->ring, IORING_REGISTER_PBUF_RING, &reg, 1);
}

static int make_classic_group(struct place *p, unsigned int i)
{
	struct io_uring_sqe *sqe = prep(&p->ring, IORING_OP_PROVIDE_BUFFERS, 8, p->mem, 16, i);
	struct io_uring_cqe cqe;

	sqe->buf_group = i;
	return ring_submit(&p->ring) != 1 ? -EIO : ring_take(&p->ring, &cqe) ?: cqe.res;
}

static int make_file(struct place *p, unsigned int i)
{
	__u64 tag = i + 1;
	struct io_uring_rsrc_update2 up = {
		.offset = i,
		.data = (uintptr_t)&p->sv[0],
		.tags = (uintptr_t)&tag,
		.nr = 1,
	};
	int ret = ring_register(&p->ring, IORING_REGISTER_FILES_UPDATE2, &up, sizeof(up));

	return ret == 1 ? 0 : ret;
}

static int make_buffer(struct place *p, unsigned int i)
{
	struct iovec iov = { p->mem, 64 };
	__u64 tag = i + 1;
	int ret = buffers_update(&p->ring, i, &iov, &tag, 1);

	return ret == 1 ? 0 : ret;
}

static int make_personality(struct place *p, unsigned int i)
{
	int ret = ring_register(&p->ring, IORING_REGISTER_PERSONALITY, NULL, 0);

	(void)i;
	return ret < 0 ? ret : 0;
}

static int make_filter(struct place *p, unsigned int i)
{
	static const struct sock_filter allow = ALLOW;

	(void)i;
	return add_filter(&p->ring, IORING_OP_NOP, &allow, 1, 0);
}

static int make_polling_ring(struct place *p, unsigned int i)
{
	(void)i;
	return have_ring(p, IORING_SETUP_SQPOLL);
}

/* Both of its ends have a wait queue. */
static int prepare_poll_of_two(struct place *p)
{
	char path[64];
	int fds[2];

	if (pipe(fds))
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	p->sv[0] = open(path, O_RDWR);
	return p->sv[0] < 0 ? -errno : 0;
}

static int make_region(struct place *p, unsigned int i)
{
	struct io_uring_region_desc desc = { .size = 4096 };
	struct io_uring_mem_region_reg reg = { .region_uptr = (uintptr_t)&desc };

	return backend_register(p->backend, p->rings[i], IORING_REGISTER_MEM_REGION, &reg, 1);
}

static int make_eventfd(struct place *p, unsigned int i)
{
	return backend_register(p->backend, p->rings[i], IORING_REGISTER_EVENTFD, &p->sv[0], 1);
}

static int make_restriction(struct place *p, unsigned int i)
{
	struct io_uring_restriction one = { .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP };

	return backend_register(p->backend, p->rings[i], IORING_REGISTER_RESTRICTIONS, &one, 1);
}

static int make_larger(struct place *p, unsigned int i)
{
	struct io_uring_params params = { .sq_entries = 256, .cq_entries = 512, .flags = IORING_SETUP_CQSIZE };

	return backend_register(p->backend, p->rings[i], IORING_REGISTER_RESIZE_RINGS, &params, 1);
}

static int make_napi(struct place *p, unsigned int i)
{
	struct io_uring_napi napi = {
		.opcode = IO_URING_NAPI_REGISTER_OP,
		.op_param = IO_URING_NAPI_TRACKING_STATIC,
		.busy_poll_to = 1,
	};

	return backend_register(p->backend, p->rings[i], IORING_REGISTER_NAPI, &napi, 1);
}

static int make_queue(struct place *p, unsigned int i)
{
	struct io_uring_napi napi = {
		.opcode = IO_URING_NAPI_STATIC_ADD_ID,
		.op_param = 1000000 + i,
	};

	return ring_register(&p->ring, IORING_REGISTER_NAPI, &napi, 1);
}

static int prepare_queue(struct place *p)
{
	p->rings[0] = p->ring.fd;
	return make_napi(p, 0);
}

static int make_clone(struct place *p, unsigned int i)
{
	struct io_uring_clone_buffers arg = { .src_fd = p->ring.fd };

	return backend_register(p->backend, p->rings[i], IORING_REGISTER_CLONE_BUFFERS, &arg, 1);
}

static int make_mark(struct place *p, unsigned int i)
{
	struct ruring_pbuf_low low = { .bgid = 1, .nr = 1, .user_data = i };

	return backend_register(p->backend, p->rings[i], RURING_REGISTER_PBUF_LOW, &low, 1);
}

static int set_up_rings(struct place *p, unsigned int flags)
{
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		struct io_uring_params params = { .flags = flags };

		p->rings[i] = backend_setup(p->backend, 8, &params);
		if (p->rings[i] < 0)
			return p->rings[i];
	}
	return 0;
}

static int prepare_rings(struct place *p)
{
	return set_up_rings(p, 0);
}

static int make_first_group(struct place *p, unsigned int i)
{
	struct io_uring_buf_reg reg = { .ring_entries = 8, .bgid = 1, .flags = IOU_PBUF_RING_MMAP };

	return backend_register(p->backend, p->rings[i], IORING_REGISTER_PBUF_RING, &reg, 1);
}

static int prepare_mark(struct place *p)
{
	int ret = set_up_rings(p, 0);
	unsigned int i;

	for (i = 0; !ret && i < MANY; i++)
		ret = make_first_group(p, i);
	return ret;
}

static int prepare_rings_that_are_off(struct place *p)
{
	return set_up_rings(p, IORING_SETUP_R_DISABLED);
}

static int prepare_rings_of_one_task(struct place *p)
{
	return set_up_rings(p, DEFER_FLAGS);
}

static int prepare_eventfd(struct place *p)
{
	p->sv[0] = eventfd(0, 0);
	return p->sv[0] < 0 ? -errno : set_up_rings(p, 0);
}

static int prepare_clone(struct place *p)
{
	struct iovec iov = { p->mem, 64 };

	return buffers_register(&p->ring, &iov, 1) ?: set_up_rings(p, 0);
}

/* Whose turn it is submits something, and only then is known to the ring; or has it by an index. */
static int use_once(struct place *p)
{
	struct io_uring_rsrc_update update = { .offset = -1U, .data = p->ring.fd };

	if (p->registers)
		return ring_register(&p->ring, IORING_REGISTER_RING_FDS, &update, 1);
	return backend_enter(p->backend, p->ring.fd, 1, 0, 0, NULL, 0);
}

static void use_ring(struct place *p)
{
	__u64 one = 1;

	if (read(p->turn, &one, sizeof(one)) != sizeof(one) || use_once(p) != 1 ||
	    write(p->done, &one, sizeof(one)) != sizeof(one))
		_exit(1);
	for (;;)
		pause();
}

static void *thread_that_uses_it(void *place)
{
	use_ring(place);
	return NULL;
}

static int prepare_threads(struct place *p)
{
	pthread_attr_t attr;
	pthread_t thread;
	unsigned int i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (i = 0; i < SOME; i++)
		if (pthread_create(&thread, &attr, thread_that_uses_it, p))
			return -EAGAIN;
	return 0;
}

static int prepare_index(struct place *p)
{
	p->registers = true;
	return prepare_threads(p);
}

static int prepare_processes(struct place *p)
{
	unsigned int i;

	for (i = 0; i < SOME; i++) {
		p->children[i] = fork();
		if (p->children[i] < 0)
			return -errno;
		if (!p->children[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			use_ring(p);
		}
	}
	return 0;
}

/* One more of them uses the ring, or registers it. */
static int make_user(struct place *p, unsigned int i)
{
	__u64 one = 1;

	if (!p->registers) {
		prep_nop(&p->ring, i);
		ring_publish(&p->ring);
	}
	if (write(p->turn, &one, sizeof(one)) != sizeof(one) || read(p->done, &one, sizeof(one)) != sizeof(one))
		return -errno;
	return p->registers || ring_drain(&p->ring) == 1 ? 0 : -EIO;
}

/* A ring of ruring's has this many of them on any machine; io_uring counts those of all rings. */
#define WORKERS	4

static struct ring rings_with_workers[SOME / WORKERS];

/* Each is where a FIFO is opened that has nobody at its other end. */
static int make_worker(struct place *p, unsigned int i)
{
	struct ring *r = &rings_with_workers[i / WORKERS];
	long long deadline = now_ms() + DEADLINE_MS;

	prep(r, IORING_OP_OPENAT, AT_FDCWD, p->mem, 0600, i)->open_flags = O_RDONLY | O_CREAT;
	if (ring_submit(r) != 1)
		return -EIO;
	while (proc_value("/proc/self/status", "Threads:") < i + 2)
		if (now_ms() > deadline)
			return -ETIME;
	return 0;
}

static int prepare_worker(struct place *p)
{
	unsigned int i;
	int ret;

	for (i = 0; i < SOME / WORKERS; i++) {
		unsigned int most[2] = { 2 * SOME, 2 * SOME };

		ret = ring_init(&rings_with_workers[i], p->backend, 8, 0) ?:
		      ring_register(&rings_with_workers[i], IORING_REGISTER_IOWQ_MAX_WORKERS, most, 2);
		if (ret)
			return ret;
	}
	snprintf(p->mem, 64, "/run/ruring-fifo-%d", getpid());
	return mkfifo(p->mem, 0600) ? -errno : 0;
}

/* What is sent waits for a peer who does not read. */
static int make_notification(struct place *p, unsigned int i)
{
	struct io_uring_cqe cqe;

	prep_zc(&p->ring, p->sv[0], p->mem, 2048, i);
	if (ring_submit(&p->ring) != 1 || ring_take(&p->ring, &cqe))
		return -EIO;
	return cqe.res == 2048 && cqe.flags & IORING_CQE_F_MORE ? 0 : -EBADMSG;
}

static int prepare_notification(struct place *p)
{
	int much = 64 << 20;

	if (held_pair(AF_INET, p->sv) <= 0)
		return -errno;
	return setsockopt(p->sv[0], SOL_SOCKET, SO_SNDBUFFORCE, &much, sizeof(much)) ? -errno : 0;
}

#endif
