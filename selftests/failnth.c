// SPDX-License-Identifier: GPL-2.0
/*
 * Set-up and registration when memory is short: they fail at their first place, then at their second,
 * up to the last, see failnth.h. Nothing stays behind in the end: there are no more descriptors, pins and
 * references to the module than there were, and the ring can do afterwards what has failed.
 */
#include <linux/ruring.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "bpf.h"
#include "failnth.h"

struct calls {
	struct ring ring, from;
	unsigned int flags;
	char *mem;
	int fd, eventfd;
	__u64 tags[2];
};

static int do_setup(struct calls *c)
{
	struct io_uring_params p = { .flags = c->flags, .cq_entries = 32, .sq_thread_idle = 1 };
	int fd;

	if (c->flags & IORING_SETUP_NO_MMAP) {
		p.cq_off.user_addr = (uintptr_t)c->mem;
		p.sq_off.user_addr = (uintptr_t)c->mem + 8 * PAGE;
	}
	fd = backend_setup(RURING, 8, &p);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int do_buffers(struct calls *c)
{
	struct iovec iov[2] = { { c->mem, PAGE }, { c->mem + 100, 3 * PAGE } };

	return buffers_register_tagged(&c->ring, iov, c->tags, 2);
}

static int do_buffers_update(struct calls *c)
{
	struct iovec iov[2] = { { c->mem, PAGE }, { c->mem + 100, 3 * PAGE } };

	return buffers_update(&c->ring, 0, iov, c->tags, 2);
}

static int do_files(struct calls *c)
{
	int fds[2] = { c->fd, c->fd };
	struct io_uring_rsrc_register reg = {
		.nr = 2,
		.data = (uintptr_t)fds,
		.tags = (uintptr_t)c->tags,
	};

	return ring_register(&c->ring, IORING_REGISTER_FILES2, &reg, sizeof(reg));
}

static int do_files_update(struct calls *c)
{
	int fds[2] = { c->fd, c->fd };
	struct io_uring_rsrc_update2 up = {
		.data = (uintptr_t)fds,
		.tags = (uintptr_t)c->tags,
		.nr = 2,
	};

	return ring_register(&c->ring, IORING_REGISTER_FILES_UPDATE2, &up, sizeof(up));
}

static int do_pbuf_ring(struct calls *c)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)c->mem,
		.ring_entries = 512,
		.bgid = GROUP,
	};

	return ring_register(&c->ring, IORING_REGISTER_PBUF_RING, &reg, 1);
}

static int do_pbuf_ring_mmap(struct calls *c)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = 512,
		.bgid = GROUP,
		.flags = IOU_PBUF_RING_MMAP,
	};

	return ring_register(&c->ring, IORING_REGISTER_PBUF_RING, &reg, 1);
}

static int do_eventfd(struct calls *c)
{
	return ring_register(&c->ring, IORING_REGISTER_EVENTFD, &c->eventfd, 1);
}

static int do_restrictions(struct calls *c)
{
	struct io_uring_restriction res[2] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_ENABLE_RINGS },
	};

	return ring_register(&c->ring, IORING_REGISTER_RESTRICTIONS, res, 2);
}

static int do_enable(struct calls *c)
{
	return ring_register(&c->ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

static int do_probe(struct calls *c)
{
	memset(c->mem, 0, PAGE);
	return ring_register(&c->ring, IORING_REGISTER_PROBE, c->mem, 64);
}

static int do_sync_cancel(struct calls *c)
{
	struct io_uring_sync_cancel_reg reg = {
		.addr = 1,
		.fd = -1,
		.timeout = { -1, -1 },
	};

	return ring_register(&c->ring, IORING_REGISTER_SYNC_CANCEL, &reg, 1);
}

static int do_personality(struct calls *c)
{
	return ring_register(&c->ring, IORING_REGISTER_PERSONALITY, NULL, 0);
}

static int do_filter(struct calls *c)
{
	struct sock_filter allow = ALLOW;

	return add_filter(&c->ring, IORING_OP_NOP, &allow, 1, 0);
}

static int do_napi(struct calls *c)
{
	struct io_uring_napi napi = {
		.opcode = IO_URING_NAPI_REGISTER_OP,
		.op_param = IO_URING_NAPI_TRACKING_STATIC,
	};
	int ret = ring_register(&c->ring, IORING_REGISTER_NAPI, &napi, 1);

	if (ret)
		return ret;
	napi = (struct io_uring_napi) {
		.opcode = IO_URING_NAPI_STATIC_ADD_ID, .op_param = 1000000,
	};
	return ring_register(&c->ring, IORING_REGISTER_NAPI, &napi, 1);
}

static int do_resize(struct calls *c)
{
	struct io_uring_params p = { .sq_entries = 64 };

	return ring_register(&c->ring, IORING_REGISTER_RESIZE_RINGS, &p, 1);
}

static int do_region(struct calls *c)
{
	struct io_uring_region_desc desc = { .size = PAGE };
	struct io_uring_mem_region_reg reg = { .region_uptr = (uintptr_t)&desc };

	return ring_register(&c->ring, IORING_REGISTER_MEM_REGION, &reg, 1);
}

static int do_region_of_user(struct calls *c)
{
	struct io_uring_region_desc desc = {
		.user_addr = (uintptr_t)c->mem,
		.size = PAGE,
		.flags = IORING_MEM_REGION_TYPE_USER,
	};
	struct io_uring_mem_region_reg reg = { .region_uptr = (uintptr_t)&desc };

	return ring_register(&c->ring, IORING_REGISTER_MEM_REGION, &reg, 1);
}

/* From another ring, which has some. */
static int do_clone(struct calls *c)
{
	struct io_uring_clone_buffers arg = { .src_fd = c->from.fd };

	return ring_register(&c->ring, IORING_REGISTER_CLONE_BUFFERS, &arg, 1);
}

static int do_affinity(struct calls *c)
{
	unsigned long cpus = 1;

	return ring_register(&c->ring, IORING_REGISTER_IOWQ_AFF, &cpus, sizeof(cpus));
}

static int do_pbuf_low(struct calls *c)
{
	struct ruring_pbuf_low low = { .user_data = 7, .nr = 1, .bgid = GROUP };
	int ret = do_pbuf_ring_mmap(c);

	return ret ?: ring_register(&c->ring, RURING_REGISTER_PBUF_LOW, &low, 1);
}

/* To a ring, by a task that has none. */
static int do_message(struct calls *c)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_MSG_RING, .fd = c->ring.fd, .addr = IORING_MSG_DATA,
	};

	int ret = backend_register(RURING, device_fd(), IORING_REGISTER_SEND_MSG_RING, &sqe, 1);

	ring_drain(&c->ring);
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

static int do_mmap(struct calls *c)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, c->ring.fd,
		       IORING_OFF_SQ_RING);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, PAGE);
	return 0;
}

FIXTURE(call) {
	struct calls calls;
	/* so that the module does not come to rest in between */
	struct ring other;
};

FIXTURE_VARIANT(call) {
	int (*call)(struct calls *c);
	/* of the ring that is to be set up, or that is registered with */
	unsigned int flags;
	/* tables that are there already */
	bool slots;
	/* what else it may say */
	int also;
};

#define CALL(variant, ...) FIXTURE_VARIANT_ADD(call, variant) { __VA_ARGS__ }

CALL(setup, .call = do_setup);
CALL(setup_cqsize, .call = do_setup, .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL);
CALL(setup_defer, .call = do_setup, .flags = DEFER_FLAGS);
CALL(setup_no_mmap, .call = do_setup, .flags = IORING_SETUP_NO_MMAP);
CALL(setup_disabled, .call = do_setup, .flags = IORING_SETUP_R_DISABLED);
CALL(setup_sqpoll, .call = do_setup, .flags = IORING_SETUP_SQPOLL);
CALL(buffers, .call = do_buffers);
CALL(buffers_update, .call = do_buffers_update, .slots = true);
CALL(files, .call = do_files);
CALL(files_update, .call = do_files_update, .slots = true);
CALL(pbuf_ring, .call = do_pbuf_ring);
CALL(pbuf_ring_mmap, .call = do_pbuf_ring_mmap);
CALL(eventfd, .call = do_eventfd);
CALL(restrictions, .call = do_restrictions, .flags = IORING_SETUP_R_DISABLED);
CALL(enable, .call = do_enable, .flags = IORING_SETUP_R_DISABLED | DEFER_FLAGS);
CALL(probe, .call = do_probe);
CALL(sync_cancel, .call = do_sync_cancel, .also = -ENOENT);
CALL(mmap, .call = do_mmap);
CALL(setup_large, .call = do_setup, .flags = IORING_SETUP_SQE128 | IORING_SETUP_CQE32);
CALL(setup_no_array, .call = do_setup, .flags = IORING_SETUP_NO_SQARRAY);
CALL(setup_iopoll, .call = do_setup, .flags = IORING_SETUP_IOPOLL);
CALL(setup_sqpoll_disabled, .call = do_setup, .flags = IORING_SETUP_SQPOLL | IORING_SETUP_R_DISABLED);
CALL(setup_sqpoll_affine, .call = do_setup, .flags = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF);
CALL(personality, .call = do_personality);
CALL(filter, .call = do_filter);
CALL(napi, .call = do_napi);
CALL(resize, .call = do_resize, .flags = DEFER_FLAGS);
CALL(region, .call = do_region);
CALL(region_of_user, .call = do_region_of_user);
CALL(clone, .call = do_clone);
CALL(affinity, .call = do_affinity);
CALL(pbuf_low, .call = do_pbuf_low);
CALL(message, .call = do_message);
CALL(node, .call = do_node);

FIXTURE_SETUP(call)
{
	ASSERT_LE(0, device_fd());
	if (!can_fail())
		SKIP(return, "no fault injection");
	/* which the first ring of all has to do with as well */
	if (variant->call != do_setup || variant->flags)
		ASSERT_EQ(0, ring_init(&self->other, RURING, 1, 0));
	self->calls.flags = variant->flags;
	self->calls.fd = open("/dev/null", O_RDWR);
	self->calls.eventfd = eventfd(0, 0);
	self->calls.tags[0] = 5;
	self->calls.tags[1] = 6;
	self->calls.mem = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE(MAP_FAILED, self->calls.mem);
	if (variant->call == do_clone) {
		struct iovec iov = { self->calls.mem, PAGE };

		ASSERT_EQ(0, ring_init(&self->calls.from, RURING, 4, 0));
		ASSERT_EQ(0, buffers_register(&self->calls.from, &iov, 1));
	}
}

FIXTURE_TEARDOWN(call)
{
}

TEST_F(call, fails_at_each_place)
{
	struct calls *c = &self->calls;
	struct before before = { open_files(), pinned_pages(), module_users() };
	bool own = variant->call != do_setup, failed = true;
	unsigned int n;

	for (n = 1; failed && n < MANY; n++) {
		int none[2] = { -1, -1 };
		int ret;

		if (own)
			ASSERT_EQ(0, ring_init(&c->ring, RURING, 8, variant->flags));
		if (variant->slots) {
			ASSERT_EQ(0, buffers_register_sparse(&c->ring, 4));
			ASSERT_EQ(0, ring_register(&c->ring, IORING_REGISTER_FILES, none, 2));
		}
		ASSERT_TRUE(arm(n));
		ret = variant->call(c);
		failed = disarm();
		if (!failed && ret != variant->also)
			ASSERT_LE(0, ret);
		/* what has failed can be done now */
		if (ret == -ENOMEM && own && variant->call != do_enable)
			EXPECT_NE(-ENOMEM, variant->call(c));
		if (own) {
			/* nobody has mapped the memory that it has then */
			if (!(variant->flags & IORING_SETUP_R_DISABLED) && variant->call != do_resize)
				ASSERT_QUIET(&c->ring);
			ring_exit(&c->ring);
		}
	}
	ASSERT_FALSE(failed);
	ASSERT_AS_BEFORE(before);
	TH_LOG("%u places", n - 2);
}

TEST_HARNESS_MAIN
