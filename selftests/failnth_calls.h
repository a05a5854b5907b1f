/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Set-up, registrations and enter, each by itself, and all of them that there are. See failnth.h.
 */
#ifndef SELFTESTS_FAILNTH_CALLS_H
#define SELFTESTS_FAILNTH_CALLS_H

#include <linux/io_uring/query.h>
#include <linux/ruring.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>

#include "bpf.h"
#include "failnth_rsrc.h"

/* Set-up. */

static int do_setup(struct calls *c)
{
	struct io_uring_params p = {
		.flags = c->flags, .cq_entries = 32, .sq_thread_idle = 1, .wq_fd = c->from.fd,
	};
	int fd;

	if (c->flags & IORING_SETUP_NO_MMAP) {
		p.cq_off.user_addr = (uintptr_t)c->mem;
		p.sq_off.user_addr = (uintptr_t)c->mem + 8 * PAGE;
	}
	fd = backend_setup(RURING, 8, &p);
	if (fd < 0)
		return fd;
	seen.set_up |= c->flags;
	if (c->flags & IORING_SETUP_REGISTERED_FD_ONLY) {
		c->index = fd;
		end_index(c);
	} else {
		close(fd);
	}
	return 0;
}

/* Another ring, for what is attached to one. */
static int have_other(struct calls *c)
{
	return ring_init(&c->from, RURING, 4, c->flags & IORING_SETUP_SQPOLL);
}

/* Who may do what, and how. */

static int do_eventfd(struct calls *c)
{
	return reg(c, IORING_REGISTER_EVENTFD, &c->eventfd, 1);
}

static int do_eventfd_async(struct calls *c)
{
	return reg(c, IORING_REGISTER_EVENTFD_ASYNC, &c->eventfd, 1);
}

static int end_eventfd(struct calls *c)
{
	return reg(c, IORING_UNREGISTER_EVENTFD, NULL, 0);
}

static int do_restrictions(struct calls *c)
{
	struct io_uring_restriction res[2] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_ENABLE_RINGS },
	};

	return reg(c, IORING_REGISTER_RESTRICTIONS, res, 2);
}

static int do_enable(struct calls *c)
{
	return reg(c, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

static int do_probe(struct calls *c)
{
	memset(c->mem, 0, PAGE);
	return reg(c, IORING_REGISTER_PROBE, c->mem, 64);
}

static int ask(struct io_uring_query_opcode *answer, int fd)
{
	struct io_uring_query_hdr hdr = {
		.query_data = (uintptr_t)answer,
		.query_op = IO_URING_QUERY_OPCODES,
		.size = sizeof(*answer),
	};
	int ret = backend_register(RURING, fd, IORING_REGISTER_QUERY, &hdr, 0);

	if (!ret)
		seen.registered[IORING_REGISTER_QUERY] = true;
	return ret ?: hdr.result;
}

static int do_query(struct calls *c)
{
	struct io_uring_query_opcode answer;

	return ask(&answer, c->ring.fd);
}

static int do_query_of_device(struct calls *c)
{
	struct io_uring_query_opcode answer;

	(void)c;
	return ask(&answer, device_fd());
}

static int do_personality(struct calls *c)
{
	return reg(c, IORING_REGISTER_PERSONALITY, NULL, 0);
}

static int have_personality(struct calls *c)
{
	return do_personality(c) == 1 ? 0 : -ENOENT;
}

static int end_personality(struct calls *c)
{
	return reg(c, IORING_UNREGISTER_PERSONALITY, NULL, 1);
}

static int do_filter(struct calls *c)
{
	struct sock_filter allow = ALLOW;
	struct io_uring_bpf filter = filter_of(IORING_OP_NOP, &allow, 1);

	return reg(c, IORING_REGISTER_BPF_FILTER, &filter, 1);
}

static int do_sync_cancel(struct calls *c)
{
	struct io_uring_sync_cancel_reg arg = {
		.addr = 1,
		.fd = -1,
		.timeout = { -1, -1 },
	};
	int ret = reg(c, IORING_REGISTER_SYNC_CANCEL, &arg, 1);

	if (ret != -ENOENT)
		return ret;
	/* there is none, which is all that it has to find out */
	seen.registered[IORING_REGISTER_SYNC_CANCEL] = true;
	return 0;
}

/* To a ring, by a task that has none. */
static int do_message(struct calls *c)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_MSG_RING, .fd = c->ring.fd, .addr = IORING_MSG_DATA,
	};
	int ret = backend_register(RURING, device_fd(), IORING_REGISTER_SEND_MSG_RING, &sqe, 1);

	if (!ret)
		seen.registered[IORING_REGISTER_SEND_MSG_RING] = true;
	ring_drain(&c->ring);
	return ret;
}

/* Workers, clocks and queues of devices. */

static int do_affinity(struct calls *c)
{
	unsigned long cpus = 1;

	return reg(c, IORING_REGISTER_IOWQ_AFF, &cpus, sizeof(cpus));
}

static int end_affinity(struct calls *c)
{
	return reg(c, IORING_UNREGISTER_IOWQ_AFF, NULL, 0);
}

static int do_max_workers(struct calls *c)
{
	unsigned int most[2] = { 1, 1 };

	return reg(c, IORING_REGISTER_IOWQ_MAX_WORKERS, most, 2);
}

static int do_clock(struct calls *c)
{
	struct io_uring_clock_register clock = { .clockid = CLOCK_BOOTTIME };

	return reg(c, IORING_REGISTER_CLOCK, &clock, 0);
}

static int do_napi(struct calls *c)
{
	struct io_uring_napi napi = {
		.opcode = IO_URING_NAPI_REGISTER_OP,
		.op_param = IO_URING_NAPI_TRACKING_STATIC,
	};
	int ret = reg(c, IORING_REGISTER_NAPI, &napi, 1);

	if (ret)
		return ret;
	napi = (struct io_uring_napi) {
		.opcode = IO_URING_NAPI_STATIC_ADD_ID, .op_param = 1000000,
	};
	return reg(c, IORING_REGISTER_NAPI, &napi, 1);
}

static int end_napi(struct calls *c)
{
	struct io_uring_napi napi = {};

	return reg(c, IORING_UNREGISTER_NAPI, &napi, 1);
}

/* A ring's memory. */

static int do_resize(struct calls *c)
{
	struct io_uring_params p = { .sq_entries = 64 };

	return reg(c, IORING_REGISTER_RESIZE_RINGS, &p, 1);
}

static int do_region(struct calls *c)
{
	struct io_uring_region_desc desc = { .size = PAGE };
	struct io_uring_mem_region_reg arg = { .region_uptr = (uintptr_t)&desc };

	return reg(c, IORING_REGISTER_MEM_REGION, &arg, 1);
}

static int do_user_region(struct calls *c)
{
	struct io_uring_region_desc desc = {
		.user_addr = (uintptr_t)c->mem,
		.size = PAGE,
		.flags = IORING_MEM_REGION_TYPE_USER,
	};
	struct io_uring_mem_region_reg arg = {
		.region_uptr = (uintptr_t)&desc,
		/* of a ring that nobody uses yet */
		.flags = c->flags & IORING_SETUP_R_DISABLED ? IORING_MEM_REGION_REG_WAIT_ARG : 0,
	};

	return reg(c, IORING_REGISTER_MEM_REGION, &arg, 1);
}

static int do_mmap(struct calls *c)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, c->ring.fd,
		       IORING_OFF_SQ_RING);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, PAGE);
	return 0;
}

/* Rings that are meant by an index. */

static int do_index(struct calls *c)
{
	struct io_uring_rsrc_update update = { .offset = NONE, .data = c->ring.fd };
	int ret = reg(c, IORING_REGISTER_RING_FDS, &update, 1);

	if (ret == 1)
		c->index = update.offset;
	return ret == 1 ? 0 : ret;
}

static int do_end_index(struct calls *c)
{
	struct io_uring_rsrc_update update = { .offset = c->index };
	int ret = reg(c, IORING_UNREGISTER_RING_FDS, &update, 1);

	if (ret == 1)
		c->index = NONE;
	return ret == 1 ? 0 : ret;
}

static int do_eventfd_by_index(struct calls *c)
{
	return backend_register(RURING, c->index, IORING_REGISTER_EVENTFD | USE, &c->eventfd, 1);
}

static int do_enter_by_index(struct calls *c)
{
	int ret = backend_enter(RURING, c->index, 0, 0, BY | IORING_ENTER_GETEVENTS, NULL, 0);

	see_enter(BY, ret);
	return ret;
}

/* Waits, for as long as they may. */

static int wait_with(struct calls *c, unsigned int flags, const void *arg, size_t size)
{
	int ret;

	flags |= IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
	ret = backend_enter(RURING, c->ring.fd, 0, 1, flags, arg, size);
	see_enter(flags, ret);
	return ret == -ETIME ? 0 : ret;
}

static int wait_until_time(struct calls *c, unsigned int flags)
{
	struct __kernel_timespec ts = { .tv_nsec = 1 };
	sigset_t none = {};
	struct io_uring_getevents_arg arg = {
		.sigmask = (uintptr_t)&none,
		.sigmask_sz = 8,
		.ts = (uintptr_t)&ts,
	};

	return wait_with(c, flags, &arg, sizeof(arg));
}

static int do_enter_time(struct calls *c)
{
	return wait_until_time(c, IORING_ENTER_NO_IOWAIT);
}

static int do_enter_absolute(struct calls *c)
{
	return wait_until_time(c, IORING_ENTER_ABS_TIMER);
}

static int do_enter_region(struct calls *c)
{
	struct io_uring_reg_wait *arg = (void *)c->mem;

	*arg = (struct io_uring_reg_wait) { .ts.tv_nsec = 1, .flags = IORING_REG_WAIT_TS };
	return wait_with(c, IORING_ENTER_EXT_ARG_REG, NULL, sizeof(*arg));
}

static int have_arguments(struct calls *c)
{
	return do_user_region(c) ?: do_enable(c);
}

static int do_enter_thread(struct calls *c)
{
	const unsigned int flags = IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT;
	int ret = ring_enter(&c->ring, 0, 0, flags);

	see_enter(flags, ret);
	return ret;
}

/* A further device, which comes and goes. */
static int do_node(struct calls *c)
{
	static const char text[] = "+failing ops=base families=AF_UNIX max_rings=3";
	int fd = open("/dev/ruring", O_RDWR | O_CLOEXEC), node, ret;
	struct io_uring_params p = {};

	(void)c;
	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	if (!ret) {
		struct ruring_setup setup = { .entries = 4, .params = (uintptr_t)&p };

		node = open("/dev/ruring-failing", O_RDWR | O_CLOEXEC);
		ret = node < 0 ? -errno : ioctl(node, RURING_IOC_SETUP, &setup);
		if (node >= 0 && ret < 0)
			ret = -errno;
		if (ret >= 0)
			close(ret);
		if (node >= 0)
			close(node);
		/* which, too, may be where it fails */
		while (write(fd, "-failing", 8) < 0 && errno != ENOENT)
			;
	}
	close(fd);
	return ret < 0 ? ret : 0;
}

#define SQPOLL		IORING_SETUP_SQPOLL
#define DISABLED	IORING_SETUP_R_DISABLED
#define BY_INDEX	(IORING_SETUP_NO_MMAP | IORING_SETUP_REGISTERED_FD_ONLY)

/* Each call: its name, what it is, flags of the ring that is set up or registered with, and what is there before. */
#define FOR_EACH_CALL(x)									\
	x(setup, do_setup, 0, NULL)								\
	x(setup_cqsize, do_setup, IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL, NULL)		\
	x(setup_clamp, do_setup, IORING_SETUP_CLAMP | IORING_SETUP_COOP_TASKRUN, NULL)		\
	x(setup_defer, do_setup, DEFER_FLAGS | IORING_SETUP_TASKRUN_FLAG, NULL)			\
	x(setup_no_mmap, do_setup, IORING_SETUP_NO_MMAP, NULL)					\
	x(setup_by_index, do_setup, BY_INDEX, NULL)						\
	x(setup_disabled, do_setup, DISABLED, NULL)						\
	x(setup_large, do_setup, IORING_SETUP_SQE128 | IORING_SETUP_CQE32, NULL)		\
	x(setup_mixed, do_setup, IORING_SETUP_SQE_MIXED | IORING_SETUP_CQE_MIXED, NULL)		\
	x(setup_no_array, do_setup, IORING_SETUP_NO_SQARRAY | IORING_SETUP_SQ_REWIND, NULL)	\
	x(setup_iopoll, do_setup, IORING_SETUP_IOPOLL, NULL)					\
	x(setup_attached, do_setup, IORING_SETUP_ATTACH_WQ, have_other)				\
	x(setup_sqpoll, do_setup, SQPOLL, NULL)							\
	x(setup_sqpoll_disabled, do_setup, SQPOLL | DISABLED, NULL)				\
	x(setup_sqpoll_affine, do_setup, SQPOLL | IORING_SETUP_SQ_AFF, NULL)			\
	x(setup_sqpoll_attached, do_setup, SQPOLL | IORING_SETUP_ATTACH_WQ, have_other)		\
	x(buffers, do_buffers, 0, NULL)								\
	x(buffers2, do_buffers2, 0, NULL)							\
	x(buffers_update, do_buffers_update, 0, have_slots)					\
	x(buffers_end, end_buffers, 0, do_buffers2)						\
	x(clone, do_clone, 0, have_other_buffers)						\
	x(files, do_files, 0, NULL)								\
	x(files2, do_files2, 0, NULL)								\
	x(files_update, do_files_update, 0, have_slots)						\
	x(files_update2, do_files_update2, 0, have_slots)					\
	x(files_end, end_files, 0, do_files2)							\
	x(range, do_range, 0, have_slots)							\
	x(group, do_group, 0, NULL)								\
	x(group_mmap, do_group_mmap, 0, NULL)							\
	x(group_status, do_group_status, 0, do_group)						\
	x(group_low, do_group_low, 0, do_group_mmap)						\
	x(group_end, end_group, 0, do_group)							\
	x(group_mmap_end, end_group, 0, do_group_mmap)						\
	x(eventfd, do_eventfd, 0, NULL)								\
	x(eventfd_async, do_eventfd_async, 0, NULL)						\
	x(eventfd_end, end_eventfd, 0, do_eventfd)						\
	x(restrictions, do_restrictions, DISABLED, NULL)					\
	x(enable, do_enable, DISABLED | DEFER_FLAGS, NULL)					\
	x(probe, do_probe, 0, NULL)								\
	x(query, do_query, 0, NULL)								\
	x(query_of_device, do_query_of_device, 0, NULL)						\
	x(personality, do_personality, 0, NULL)							\
	x(personality_end, end_personality, 0, have_personality)				\
	x(filter, do_filter, 0, NULL)								\
	x(sync_cancel, do_sync_cancel, 0, NULL)							\
	x(message, do_message, 0, NULL)								\
	x(affinity, do_affinity, 0, NULL)							\
	x(affinity_end, end_affinity, 0, do_affinity)						\
	x(max_workers, do_max_workers, 0, NULL)							\
	x(clock, do_clock, 0, NULL)								\
	x(napi, do_napi, 0, NULL)								\
	x(napi_end, end_napi, 0, do_napi)							\
	x(resize, do_resize, DEFER_FLAGS, NULL)							\
	x(region, do_region, 0, NULL)								\
	x(user_region, do_user_region, 0, NULL)							\
	x(mmap, do_mmap, 0, NULL)								\
	x(index, do_index, 0, NULL)								\
	x(index_end, do_end_index, 0, do_index)							\
	x(eventfd_by_index, do_eventfd_by_index, 0, do_index)					\
	x(enter_by_index, do_enter_by_index, 0, do_index)					\
	x(enter_time, do_enter_time, 0, NULL)							\
	x(enter_absolute, do_enter_absolute, 0, NULL)						\
	x(enter_region, do_enter_region, DISABLED, have_arguments)				\
	x(enter_thread, do_enter_thread, SQPOLL, NULL)						\
	x(node, do_node, 0, NULL)

struct what {
	const char *name;
	int (*call)(struct calls *c);
	unsigned int flags;
	int (*ready)(struct calls *c);
};

/*
 * All registrations that there are. .ci/uapi compares these with what the module takes, and
 * QUERY tells what flags there are.
 */
#define FOR_EACH_REGISTRATION(x)	\
	x(IORING_REGISTER_BUFFERS)	\
	x(IORING_REGISTER_BUFFERS2)	\
	x(IORING_REGISTER_BUFFERS_UPDATE)	\
	x(IORING_UNREGISTER_BUFFERS)	\
	x(IORING_REGISTER_CLONE_BUFFERS)	\
	x(IORING_REGISTER_FILES)	\
	x(IORING_REGISTER_FILES2)	\
	x(IORING_REGISTER_FILES_UPDATE)	\
	x(IORING_REGISTER_FILES_UPDATE2)	\
	x(IORING_UNREGISTER_FILES)	\
	x(IORING_REGISTER_FILE_ALLOC_RANGE)	\
	x(IORING_REGISTER_PBUF_RING)	\
	x(IORING_UNREGISTER_PBUF_RING)	\
	x(IORING_REGISTER_PBUF_STATUS)	\
	x(RURING_REGISTER_PBUF_LOW)	\
	x(IORING_REGISTER_EVENTFD)	\
	x(IORING_REGISTER_EVENTFD_ASYNC)	\
	x(IORING_UNREGISTER_EVENTFD)	\
	x(IORING_REGISTER_RESTRICTIONS)	\
	x(IORING_REGISTER_ENABLE_RINGS)	\
	x(IORING_REGISTER_PROBE)	\
	x(IORING_REGISTER_QUERY)	\
	x(IORING_REGISTER_PERSONALITY)	\
	x(IORING_UNREGISTER_PERSONALITY)	\
	x(IORING_REGISTER_BPF_FILTER)	\
	x(IORING_REGISTER_SYNC_CANCEL)	\
	x(IORING_REGISTER_SEND_MSG_RING)	\
	x(IORING_REGISTER_IOWQ_AFF)	\
	x(IORING_UNREGISTER_IOWQ_AFF)	\
	x(IORING_REGISTER_IOWQ_MAX_WORKERS)	\
	x(IORING_REGISTER_CLOCK)	\
	x(IORING_REGISTER_NAPI)	\
	x(IORING_UNREGISTER_NAPI)	\
	x(IORING_REGISTER_RESIZE_RINGS)	\
	x(IORING_REGISTER_MEM_REGION)	\
	x(IORING_REGISTER_RING_FDS)	\
	x(IORING_UNREGISTER_RING_FDS)

#endif /* SELFTESTS_FAILNTH_CALLS_H */
