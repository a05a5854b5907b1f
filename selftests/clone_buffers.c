// SPDX-License-Identifier: GPL-2.0
/*
 * IORING_REGISTER_CLONE_BUFFERS: one registration for the buffers of several rings.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "rsrc.h"

/* Slots of the table that is cloned from; the last but one is empty. */
#define SLOTS	4
#define EMPTY	2

FIXTURE(rings) {
	struct ring from;
	struct ring to;
	char *mem;
	struct iovec iov[SLOTS];
	int sv[2];
};

VARIANTS_OF_BOTH(rings);

FIXTURE_SETUP(rings)
{
	int i;

	ASSERT_EQ(0, ring_init(&self->from, variant->backend, 8, variant->flags));
	ASSERT_EQ(0, ring_init(&self->to, variant->backend, 8, variant->flags));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, self->sv));
	self->mem = anon_alloc(SLOTS * PAGE);
	ASSERT_NE(NULL, self->mem);
	for (i = 0; i < SLOTS; i++) {
		pattern_fill(self->mem + i * PAGE, PAGE, i);
		if (i != EMPTY)
			self->iov[i] = (struct iovec) { self->mem + i * PAGE, PAGE };
	}
}

FIXTURE_TEARDOWN(rings)
{
	ring_exit(&self->from);
	ring_exit(&self->to);
	close(self->sv[0]);
	close(self->sv[1]);
}

static int clone_slots(struct ring *to, int fd, unsigned int flags, unsigned int src, unsigned int dst,
		       unsigned int nr)
{
	struct io_uring_clone_buffers arg = {
		.src_fd = fd,
		.flags = flags,
		.src_off = src,
		.dst_off = dst,
		.nr = nr,
	};

	return ring_register(to, IORING_REGISTER_CLONE_BUFFERS, &arg, 1);
}

static int clone_all(struct ring *to, int fd)
{
	return clone_slots(to, fd, 0, 0, 0, 0);
}

/* What a write of the page @page says that names slot @slot; what it has written is as it should be. */
static int writes(struct ring *r, int sv[2], char *mem, unsigned int page, unsigned int slot)
{
	struct io_uring_cqe cqe = {};
	char got[PAGE];

	prep(r, IORING_OP_WRITE_FIXED, sv[0], mem + page * PAGE, PAGE, 1)->buf_index = slot;
	if (ring_submit(r) != 1 || ring_take(r, &cqe))
		return -EIO;
	if (cqe.res != PAGE)
		return cqe.res;
	if (read_all(sv[1], got, PAGE) || memcmp(got, mem + page * PAGE, PAGE))
		return -EIO;
	return 0;
}

TEST_F(rings, all_of_them)
{
	int i;

	/* What the test before has left is gone. */
	ASSERT_TRUE(wait_pinned(0));
	ASSERT_EQ(0, buffers_register(&self->from, self->iov, SLOTS));
	ASSERT_EQ(0, clone_all(&self->to, self->from.fd));
	EXPECT_EQ(SLOTS - 1, pinned_pages());
	for (i = 0; i < SLOTS; i++)
		EXPECT_EQ(i == EMPTY ? -EFAULT : 0, writes(&self->to, self->sv, self->mem, i, i));
	/* Bytes of another slot are not those of this one. */
	EXPECT_EQ(-EFAULT, writes(&self->to, self->sv, self->mem, 0, 1));
	EXPECT_EQ(-EFAULT, writes(&self->to, self->sv, self->mem, 0, SLOTS));
	/* The ring that had them first may go. */
	ASSERT_EQ(0, buffers_unregister(&self->from));
	EXPECT_EQ(-EFAULT, writes(&self->from, self->sv, self->mem, 0, 0));
	EXPECT_EQ(0, writes(&self->to, self->sv, self->mem, 0, 0));
	EXPECT_EQ(SLOTS - 1, pinned_pages());
	ASSERT_EQ(0, buffers_unregister(&self->to));
	EXPECT_TRUE(wait_pinned(0));
}

/* The ring that has them may be named by an index. */
TEST_F(rings, of_a_registered_ring)
{
	struct io_uring_rsrc_update update = { .offset = 3, .data = self->from.fd };

	ASSERT_EQ(0, buffers_register(&self->from, self->iov, SLOTS));
	EXPECT_EQ(-EINVAL, clone_slots(&self->to, 16, IORING_REGISTER_SRC_REGISTERED, 0, 0, 0));
	EXPECT_EQ(-EBADF, clone_slots(&self->to, 3, IORING_REGISTER_SRC_REGISTERED, 0, 0, 0));
	ASSERT_EQ(1, ring_register(&self->from, IORING_REGISTER_RING_FDS, &update, 1));
	EXPECT_EQ(-EBADF, clone_slots(&self->to, 2, IORING_REGISTER_SRC_REGISTERED, 0, 0, 0));
	ASSERT_EQ(0, clone_slots(&self->to, 3, IORING_REGISTER_SRC_REGISTERED, 0, 0, 0));
	EXPECT_EQ(0, writes(&self->to, self->sv, self->mem, 1, 1));
	EXPECT_EQ(-EFAULT, writes(&self->to, self->sv, self->mem, EMPTY, EMPTY));
	update.data = 0;
	EXPECT_EQ(1, ring_register(&self->from, IORING_UNREGISTER_RING_FDS, &update, 1));
}

TEST_F(rings, some_of_them)
{
	struct ring *to = &self->to;
	int from = self->from.fd;

	ASSERT_EQ(0, buffers_register(&self->from, self->iov, SLOTS));
	/* Slot 3 of the one is slot 5 of the other, and there are none before. */
	ASSERT_EQ(0, clone_slots(to, from, 0, 3, 5, 1));
	EXPECT_EQ(0, writes(to, self->sv, self->mem, 3, 5));
	EXPECT_EQ(-EFAULT, writes(to, self->sv, self->mem, 3, 3));
	/* The slots between are there, to be filled. */
	EXPECT_EQ(1, buffer_update(to, 4, self->mem, PAGE));
	EXPECT_EQ(-EINVAL, buffer_update(to, 6, self->mem, PAGE));
	EXPECT_EQ(-EBUSY, clone_slots(to, from, 0, 0, 0, 1));
	/* What is beside of what is replaced stays, an empty slot replaces as well. */
	ASSERT_EQ(0, clone_slots(to, from, IORING_REGISTER_DST_REPLACE, 1, 4, 2));
	EXPECT_EQ(0, writes(to, self->sv, self->mem, 1, 4));
	EXPECT_EQ(-EFAULT, writes(to, self->sv, self->mem, 3, 5));
	/* and the table grows */
	ASSERT_EQ(0, clone_slots(to, from, IORING_REGISTER_DST_REPLACE, 3, 9, 1));
	EXPECT_EQ(0, writes(to, self->sv, self->mem, 3, 9));
	EXPECT_EQ(0, writes(to, self->sv, self->mem, 1, 4));
	EXPECT_EQ(-EINVAL, buffer_update(to, 10, self->mem, PAGE));
	/* Within one ring. */
	ASSERT_EQ(0, clone_slots(to, to->fd, IORING_REGISTER_DST_REPLACE, 4, 8, 1));
	EXPECT_EQ(0, writes(to, self->sv, self->mem, 1, 8));
}

TEST_F(rings, bad_arguments)
{
	struct io_uring_clone_buffers arg = { .src_fd = self->from.fd };
	const unsigned int op = IORING_REGISTER_CLONE_BUFFERS;
	struct ring *to = &self->to;
	int from = self->from.fd;

	/* nothing to clone */
	EXPECT_EQ(-ENXIO, clone_all(to, from));
	EXPECT_EQ(-ENXIO, clone_all(to, to->fd));
	ASSERT_EQ(0, buffers_register(&self->from, self->iov, SLOTS));
	EXPECT_EQ(-EINVAL, ring_register(to, op, NULL, 1));
	EXPECT_EQ(-EINVAL, ring_register(to, op, &arg, 0));
	EXPECT_EQ(-EINVAL, ring_register(to, op, &arg, 2));
	EXPECT_EQ(-EFAULT, ring_register(to, op, (void *)8, 1));
	arg.flags = 4;
	EXPECT_EQ(-EINVAL, ring_register(to, op, &arg, 1));
	arg.flags = 0;
	arg.pad[2] = 1;
	EXPECT_EQ(-EINVAL, ring_register(to, op, &arg, 1));
	EXPECT_EQ(-EBADF, clone_all(to, -1));
	EXPECT_EQ(-EOPNOTSUPP, clone_all(to, self->sv[0]));
	EXPECT_EQ(-EINVAL, clone_slots(to, from, 0, 0, 0, SLOTS + 1));
	EXPECT_EQ(-EINVAL, clone_slots(to, from, 0, 1, 0, 0));
	EXPECT_EQ(-EINVAL, clone_slots(to, from, 0, 0, 1, 0));
	EXPECT_EQ(-EOVERFLOW, clone_slots(to, from, 0, 1, 0, SLOTS));
	EXPECT_EQ(-EOVERFLOW, clone_slots(to, from, 0, -1, 0, 1));
	EXPECT_EQ(-EOVERFLOW, clone_slots(to, from, 0, 0, -1, 1));
	EXPECT_EQ(-EINVAL, clone_slots(to, from, 0, 0, 1 << 14, 1));
	ASSERT_EQ(-ENXIO, buffers_unregister(to));
	/* the last slot that there can be */
	EXPECT_EQ(0, clone_slots(to, from, 0, 0, (1 << 14) - 1, 1));
	EXPECT_EQ(0, writes(to, self->sv, self->mem, 0, (1 << 14) - 1));
	EXPECT_EQ(-EBUSY, clone_all(to, from));
	/* which is said before the ring is looked for */
	EXPECT_EQ(-EBUSY, clone_all(to, -1));
}

TEST_F(rings, tags_stay_where_they_are)
{
	__u64 tags[SLOTS] = { 10, 11, 0, 13 }, old = 20;
	struct iovec iov = self->iov[0];

	ASSERT_EQ(0, buffers_register_tagged(&self->from, self->iov, tags, SLOTS));
	ASSERT_EQ(0, buffers_register_tagged(&self->to, &iov, &old, 1));
	/* What is replaced says so, what it is replaced by is another's. */
	ASSERT_EQ(0, clone_slots(&self->to, self->from.fd, IORING_REGISTER_DST_REPLACE, 0, 0, 2));
	ASSERT_CQE(&self->to, 20, 0, 0);
	ASSERT_QUIET(&self->from);
	ASSERT_EQ(0, buffers_unregister(&self->from));
	ASSERT_CQE(&self->from, 13, 0, 0);
	ASSERT_CQE(&self->from, 11, 0, 0);
	ASSERT_CQE(&self->from, 10, 0, 0);
	EXPECT_EQ(0, writes(&self->to, self->sv, self->mem, 1, 1));
	ASSERT_EQ(0, buffers_unregister(&self->to));
	ASSERT_QUIET(&self->to);
}

TEST_F(rings, of_another_process)
{
	struct ring mine;
	int status;
	pid_t child;

	ASSERT_EQ(0, buffers_register(&self->from, self->iov, SLOTS));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		/* One with a single issuer is that one's. */
		int want = variant->flags ? -EEXIST : -EINVAL;

		if (ring_init(&mine, variant->backend, 8, 0))
			_exit(1);
		_exit(clone_all(&mine, self->from.fd) != want);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(rings, only_where_it_is_allowed)
{
	struct io_uring_restriction those = {
		.opcode = IORING_RESTRICTION_REGISTER_OP,
		.register_op = IORING_REGISTER_ENABLE_RINGS,
	};
	struct ring restricted;

	ASSERT_EQ(0, buffers_register(&self->from, self->iov, SLOTS));
	ASSERT_EQ(0, ring_init(&restricted, variant->backend, 8, variant->flags | IORING_SETUP_R_DISABLED));
	ASSERT_EQ(0, ring_register(&restricted, IORING_REGISTER_RESTRICTIONS, &those, 1));
	ASSERT_EQ(0, ring_register(&restricted, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	EXPECT_EQ(-EACCES, clone_all(&restricted, self->from.fd));
	ring_exit(&restricted);
}

TEST_HARNESS_MAIN
