// SPDX-License-Identifier: GPL-2.0
/*
 * Set-up and registration when memory is short: they fail at their first place, then at their second,
 * up to the last, see failnth.h. Nothing stays behind in the end: there are no more descriptors, pins and
 * references to the module than there were, and the ring can do afterwards what has failed.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "failnth.h"

struct calls {
	struct ring ring;
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
			if (!(variant->flags & IORING_SETUP_R_DISABLED))
				ASSERT_QUIET(&c->ring);
			ring_exit(&c->ring);
		}
	}
	ASSERT_FALSE(failed);
	ASSERT_AS_BEFORE(before);
	TH_LOG("%u places", n - 2);
}

TEST_HARNESS_MAIN
