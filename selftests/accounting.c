// SPDX-License-Identifier: GPL-2.0
/*
 * What each object costs, and that who makes it is charged for it: many of a kind are made in a
 * memory cgroup, and what that is charged is compared with what the system has lost.
 * Documentation/accounting.rst has the figures.
 */
#include <fcntl.h>
#include <linux/ruring.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "bpf.h"
#include "cgroup.h"
#include "kmem_events.h"
#include "rsrc.h"
#include "zc.h"

/* So much is lost or charged by the way: what processors keep to themselves. */
#define SLACK	(3LL << 20)

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

static int make_ring(struct place *p, unsigned int i)
{
	struct io_uring_params params = {};
	int fd = backend_setup(p->backend, 8, &params);

	(void)i;
	return fd < 0 ? fd : 0;
}

static int make_poll(struct place *p, unsigned int i)
{
	prep_poll(&p->ring, p->sv[0], POLLPRI, i);
	return ring_submit(&p->ring) == 1 ? 0 : -EIO;
}

/* Of what it is told there is a copy, and of its pieces. */
static int make_receive(struct place *p, unsigned int i)
{
	struct iovec iov[2] = { { p->mem, 8 }, { p->mem + 8, 8 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	prep(&p->ring, IORING_OP_RECVMSG, p->sv[0], &msg, 1, i);
	return ring_submit(&p->ring) == 1 ? 0 : -EIO;
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
	return ring_submit(&p->ring) == 2 ? 0 : -EIO;
}

static int make_pieces(struct place *p, unsigned int i)
{
	static struct iovec iov[1024];
	unsigned int k;

	for (k = 0; k < ARRAY_SIZE(iov); k++)
		iov[k] = (struct iovec){ p->mem, 1 };
	prep(&p->ring, IORING_OP_READV, p->sv[0], iov, ARRAY_SIZE(iov), i);
	return ring_submit(&p->ring) == 1 ? 0 : -EIO;
}

static int make_bundle(struct place *p, unsigned int i)
{
	struct io_uring_sqe *sqe = prep_recv_select(&p->ring, p->sv[0], 0, 1, i);

	sqe->ioprio = IORING_RECVSEND_BUNDLE;
	return ring_submit(&p->ring) == 1 ? 0 : -EIO;
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
	return ring_submit(&p->ring) == 1 ? 0 : -EIO;
}

static int make_link(struct place *p, unsigned int i)
{
	prep_poll(&p->ring, p->sv[0], POLLPRI, i)->flags = IOSQE_IO_LINK;
	prep_nop(&p->ring, i);
	return ring_submit(&p->ring) == 2 ? 0 : -EIO;
}

static int make_overflow(struct place *p, unsigned int i)
{
	prep_nop(&p->ring, i);
	return ring_submit(&p->ring) == 1 ? 0 : -EIO;
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
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 1 };
	int fd = backend_setup(p->backend, 8, &params);

	(void)i;
	return fd < 0 ? fd : 0;
}

/* Both of its ends have a wait queue. */
static int make_poll_of_two(struct place *p, unsigned int i)
{
	prep_poll(&p->ring, p->sv[0], POLLPRI, i);
	return ring_submit(&p->ring) == 1 ? 0 : -EIO;
}

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

static int have_one_use_it(struct place *p, unsigned int i)
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

static int make_thread(struct place *p, unsigned int i)
{
	return have_one_use_it(p, i);
}

static int make_index(struct place *p, unsigned int i)
{
	return have_one_use_it(p, i);
}

static int make_process(struct place *p, unsigned int i)
{
	return have_one_use_it(p, i);
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

FIXTURE(object) {
	struct cgroup group;
	struct place place;
};

FIXTURE_VARIANT(object) {
	enum backend backend;
	const char *name;
	int (*prepare)(struct place *p);
	int (*make)(struct place *p, unsigned int i);
	unsigned int count;
};

#define OF(b, side, kind, text, nr, before)			\
FIXTURE_VARIANT_ADD(object, side##_##kind) {				\
	.backend = b, .name = text, .make = make_##kind, .count = nr,	\
	.prepare = before,						\
}

#define KIND(kind, text, nr, before)				\
	OF(RURING, ruring, kind, text, nr, before);		\
	OF(IO_URING, io_uring, kind, text, nr, before)

KIND(ring, "a ring of 8 entries", SOME, NULL);
KIND(poll, "a request that waits", 30000, NULL);
KIND(poll_of_two, "a request that waits for either of two", 30000, prepare_poll_of_two);
KIND(timeout, "a request that waits for its time", 20000, NULL);
KIND(link, "a request that waits, and one linked behind it", 20000, NULL);
KIND(receive, "a RECVMSG of two pieces that waits", 20000, NULL);
KIND(send, "a request that waits, and a SEND to an address behind it", 20000, NULL);
KIND(pieces, "a READV of 1,024 pieces that waits", SOME, NULL);
KIND(bundle, "a RECV of a bundle that waits", 20000, prepare_bundle);
KIND(empty_buffers, "1,000 empty slots for buffers", SOME, prepare_rings);
KIND(notification, "a send without a copy that is not acknowledged", SOME, prepare_notification);
KIND(overflow, "a completion that waits for room", 30000, NULL);
KIND(mapped_group, "a buffer ring of the kernel's, 8 entries", 4000, NULL);
KIND(first_group, "the first buffer ring of a ring's", SOME, prepare_rings);
KIND(classic_group, "a group of 8 classic buffers", 30000, NULL);
KIND(file, "a registered file with a tag", 30000, NULL);
KIND(buffer, "a registered buffer with a tag", 16000, NULL);
KIND(clone, "a table of one buffer of another ring", MANY, prepare_clone);
KIND(personality, "a personality", 30000, NULL);
KIND(filter, "a filter of a ring", 2000, NULL);
KIND(restriction, "a ring's restrictions, one of them", MANY, prepare_rings_that_are_off);
KIND(eventfd, "a ring's eventfd", MANY, prepare_eventfd);
KIND(region, "a ring's memory region, a page of the kernel's", MANY, prepare_rings);
KIND(larger, "a ring's memory for 256 entries in the place of 8", SOME, prepare_rings_of_one_task);
KIND(napi, "a ring that polls queues", MANY, prepare_rings);
KIND(queue, "a queue that a ring polls", 10000, prepare_queue);
KIND(thread, "a thread that uses a ring", SOME, prepare_threads);
KIND(index, "a thread that has registered a ring", SOME, prepare_index);
KIND(process, "a process that uses a ring", SOME, prepare_processes);
KIND(worker, "a worker, its stack", SOME, prepare_worker);
KIND(polling_ring, "a ring with a thread that polls it", SOME, NULL);
/* io_uring has none */
OF(RURING, ruring, mark, "a mark of a buffer ring", MANY, prepare_mark);

FIXTURE_SETUP(object)
{
	struct place *p = &self->place;
	struct rlimit files = { 32768, 32768 }, any = { RLIM_INFINITY, RLIM_INFINITY };
	struct io_uring_rsrc_register reg = {
		.nr = variant->count,
		.flags = IORING_RSRC_REGISTER_SPARSE,
	};

	/* which keeps a record of each allocation, outside of all cgroups */
	if (!access("/sys/kernel/debug/kmemleak", F_OK))
		SKIP(return, "the debug kernel's own costs are nobody's");
	if (variant->backend == IO_URING &&
	    proc_value("/proc/sys/kernel/io_uring_disabled", "") != 0)
		SKIP(return, "io_uring is not available");
	/* how many pages processors keep to themselves, which are neither free nor lost: few */
	ASSERT_EQ(0, write_to("/proc/sys/vm", "percpu_pagelist_high_fraction", "1000000"));
	if (cgroup_enter(&self->group))
		SKIP(return, "no memory cgroup");
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &any));
	ASSERT_LE(0, device_fd());
	p->backend = variant->backend;
	p->mem = aligned_alloc(4096, 4096);
	memset(p->mem, 0, 4096);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, p->sv));
	p->turn = eventfd(0, EFD_SEMAPHORE);
	p->done = eventfd(0, EFD_SEMAPHORE);
	ASSERT_LE(0, p->turn);
	ASSERT_LE(0, p->done);
	ASSERT_EQ(0, ring_init(&p->ring, variant->backend, 8, 0));
	if (variant->make == make_file)
		ASSERT_EQ(0, ring_register(&p->ring, IORING_REGISTER_FILES2, &reg, sizeof(reg)));
	if (variant->make == make_buffer)
		ASSERT_EQ(0, buffers_register_sparse(&p->ring, variant->count));
	if (variant->prepare)
		ASSERT_EQ(0, variant->prepare(p));
}

FIXTURE_TEARDOWN(object)
{
	struct place *p = &self->place;
	unsigned int i;

	for (i = 0; i < SOME; i++)
		if (p->children[i] > 0)
			kill(p->children[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	if (variant->make == make_worker)
		unlink(p->mem);
	ring_exit(&p->ring);
	write_to("/proc/sys/vm", "percpu_pagelist_high_fraction", "0");
	cgroup_leave(&self->group);
}

static long long available(void)
{
	write_to("/proc/sys/vm", "stat_refresh", "1");
	return proc_value("/proc/meminfo", "MemFree:") * 1024;
}

TEST_F(object, costs_its_maker_what_it_costs_the_system)
{
	long long charge, loss;
	unsigned int i;

	loss = available();
	charge = cgroup_charge(&self->group);
	for (i = 0; i < variant->count; i++)
		ASSERT_EQ(0, variant->make(&self->place, i));
	loss -= available();
	charge = cgroup_charge(&self->group) - charge;
	TH_LOG("%s: %lld bytes charged, %lld lost (%s)", variant->name, charge / variant->count,
	       loss / variant->count, variant->backend == RURING ? "ruring" : "io_uring");
	if (variant->backend == RURING)
		EXPECT_LE(loss - SLACK - loss / 20, charge);
}

/* So few of a kind that no event is lost. */
#define FEW	8
/* However little it is, what the module allocates for an object and keeps is charged. */
TEST_F(object, no_allocation_is_left_out)
{
	struct uncharged *u = calloc(1, sizeof(*u));
	char line[512];
	unsigned int i;
	FILE *f;

	ASSERT_NE(NULL, u);
	if (variant->backend == IO_URING)
		SKIP(return, "io_uring is none of ours");
	if (!trace_allocations(true))
		SKIP(return, "no tracefs");
	for (i = 0; i < FEW; i++)
		EXPECT_EQ(0, variant->make(&self->place, i));
	ASSERT_TRUE(trace_allocations(false));
	f = fopen(TRACEFS "trace", "r");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f))
		take_in(u, line);
	fclose(f);
	trace_write("buffer_size_kb", "1408");
	/* what is part of the ring, what is made beforehand, and pages of their own are not seen */
	if (variant->make != make_eventfd && variant->make != make_region && variant->make != make_queue)
		EXPECT_LT(0, u->charged);
	TH_LOG("%s: %u allocations are charged", variant->name, u->charged);
	EXPECT_EQ(0, u->nr);
	for (i = 0; i < u->nr; i++)
		TH_LOG("%s", u->where[i]);
	free(u);
}

TEST_HARNESS_MAIN
