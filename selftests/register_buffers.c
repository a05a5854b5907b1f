// SPDX-License-Identifier: GPL-2.0
/*
 * Registered buffers: limits, errors, replacement, tags, and what they pin.
 */
#include <sys/resource.h>

#define RING_MODES
#include "fixture.h"
#include "rsrc.h"

/* Addresses that no program has. */
#define KERNEL_ADDR	((void *)0xffff888000000000UL)
#define UNMAPPED_ADDR	((void *)0x7ffffff0000UL)

TEST_F(ring, one_table_at_a_time)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(2 * PAGE);
	struct iovec iov[2] = { { mem, PAGE }, { mem + PAGE, PAGE } };

	EXPECT_EQ(-ENXIO, buffers_unregister(r));
	ASSERT_EQ(0, buffers_register(r, iov, 2));
	EXPECT_EQ(-EBUSY, buffers_register(r, iov, 2));
	EXPECT_EQ(-EBUSY, buffers_register(r, iov, 0));
	EXPECT_EQ(-EBUSY, buffers_register_sparse(r, 1));
	EXPECT_EQ(0, buffers_unregister(r));
	EXPECT_EQ(-ENXIO, buffers_unregister(r));
	EXPECT_EQ(0, buffers_register(r, iov, 1));
	EXPECT_EQ(0, buffers_unregister(r));
}

TEST_F(ring, size_of_the_table)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(PAGE);
	struct iovec iov = { mem, PAGE };

	EXPECT_EQ(-EINVAL, buffers_register(r, &iov, 0));
	EXPECT_EQ(-EINVAL, buffers_register(r, &iov, (1 << 14) + 1));
	EXPECT_EQ(-EFAULT, buffers_register(r, NULL, 1));
	EXPECT_EQ(-EINVAL, buffers_register_sparse(r, 0));
	EXPECT_EQ(-EINVAL, buffers_register_sparse(r, (1 << 14) + 1));
	EXPECT_EQ(-ENXIO, buffers_unregister(r));
	ASSERT_EQ(0, buffers_register_sparse(r, 1 << 14));
	EXPECT_EQ(1, buffer_update(r, (1 << 14) - 1, mem, PAGE));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_BUFFERS, mem, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_BUFFERS, NULL, 1));
	EXPECT_EQ(0, buffers_unregister(r));
}

TEST_F(ring, registration_2_checks_its_fields)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(PAGE);
	struct iovec iov = { mem, PAGE };
	struct io_uring_rsrc_register reg = { .nr = 1, .data = (uintptr_t)&iov }, bad;
	int op = IORING_REGISTER_BUFFERS2;

	EXPECT_EQ(-EINVAL, ring_register(r, op, &reg, sizeof(reg) - 1));
	EXPECT_EQ(-EINVAL, ring_register(r, op, &reg, sizeof(reg) + 1));
	EXPECT_EQ(-EINVAL, ring_register(r, op, &reg, 0));
	EXPECT_EQ(-EFAULT, ring_register(r, op, NULL, sizeof(reg)));
	bad = reg;
	bad.nr = 0;
	EXPECT_EQ(-EINVAL, ring_register(r, op, &bad, sizeof(bad)));
	bad = reg;
	bad.resv2 = 1;
	EXPECT_EQ(-EINVAL, ring_register(r, op, &bad, sizeof(bad)));
	bad = reg;
	bad.flags = 2;
	EXPECT_EQ(-EINVAL, ring_register(r, op, &bad, sizeof(bad)));
	bad.flags = IORING_RSRC_REGISTER_SPARSE;
	EXPECT_EQ(-EINVAL, ring_register(r, op, &bad, sizeof(bad)));
	bad = reg;
	bad.tags = 8;
	EXPECT_EQ(-EFAULT, ring_register(r, op, &bad, sizeof(bad)));
	EXPECT_EQ(-ENXIO, buffers_unregister(r));
	/* no data is as good as the flag */
	bad = reg;
	bad.data = 0;
	ASSERT_EQ(0, ring_register(r, op, &bad, sizeof(bad)));
	EXPECT_EQ(1, buffer_update(r, 0, mem, PAGE));
	EXPECT_EQ(0, buffers_unregister(r));
	EXPECT_EQ(0, ring_register(r, op, &reg, sizeof(reg)));
}

TEST_F(ring, update_checks_its_fields)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(PAGE);
	struct iovec iov[4] = { { mem, PAGE }, { mem, PAGE }, { mem, PAGE }, { mem, PAGE } };
	struct io_uring_rsrc_update2 up = { .nr = 1, .data = (uintptr_t)iov }, bad;
	int op = IORING_REGISTER_BUFFERS_UPDATE;

	EXPECT_EQ(-ENXIO, buffers_update(r, 0, iov, NULL, 1));
	EXPECT_EQ(-EOVERFLOW, buffers_update(r, ~0U, iov, NULL, 1));
	ASSERT_EQ(0, buffers_register_sparse(r, 3));
	EXPECT_EQ(-EINVAL, ring_register(r, op, &up, sizeof(up) - 1));
	EXPECT_EQ(-EINVAL, ring_register(r, op, &up, sizeof(up) + 1));
	EXPECT_EQ(-EFAULT, ring_register(r, op, NULL, sizeof(up)));
	bad = up;
	bad.nr = 0;
	EXPECT_EQ(-EINVAL, ring_register(r, op, &bad, sizeof(bad)));
	bad = up;
	bad.resv = 1;
	EXPECT_EQ(-EINVAL, ring_register(r, op, &bad, sizeof(bad)));
	bad = up;
	bad.resv2 = 1;
	EXPECT_EQ(-EINVAL, ring_register(r, op, &bad, sizeof(bad)));
	EXPECT_EQ(-EINVAL, buffers_update(r, 3, iov, NULL, 1));
	EXPECT_EQ(-EINVAL, buffers_update(r, 0, iov, NULL, 4));
	EXPECT_EQ(-EFAULT, buffers_update(r, 0, NULL, NULL, 1));
	EXPECT_EQ(-EINVAL, buffers_update(r, 2, iov, NULL, 2));
	EXPECT_EQ(-EOVERFLOW, buffers_update(r, ~0U, iov, NULL, 1));
	EXPECT_EQ(3, buffers_update(r, 0, iov, NULL, 3));
	EXPECT_EQ(1, buffers_update(r, 2, iov, NULL, 1));
}

/* A piece of memory that cannot be registered, and why. */
struct bad_piece {
	struct iovec iov;
	int error;
};

static unsigned int bad_pieces(struct bad_piece *bad)
{
	char *mem = anon_alloc(4 * PAGE);
	unsigned int i = 0;

	munmap(mem + PAGE, PAGE);
	mprotect(mem + 3 * PAGE, PAGE, PROT_READ);
	bad[i++] = (struct bad_piece){ { NULL, 1 }, -EFAULT };
	bad[i++] = (struct bad_piece){ { mem, 0 }, -EFAULT };
	bad[i++] = (struct bad_piece){ { mem, PAGE + 1 }, -EFAULT };
	bad[i++] = (struct bad_piece){ { mem + 1, PAGE }, -EFAULT };
	bad[i++] = (struct bad_piece){ { mem + PAGE, 1 }, -EFAULT };
	bad[i++] = (struct bad_piece){ { mem + 3 * PAGE, 1 }, -EFAULT };
	bad[i++] = (struct bad_piece){ { mem + 2 * PAGE, PAGE + 1 }, -EFAULT };
	bad[i++] = (struct bad_piece){ { KERNEL_ADDR, PAGE }, -EFAULT };
	bad[i++] = (struct bad_piece){ { UNMAPPED_ADDR, PAGE }, -EFAULT };
	bad[i++] = (struct bad_piece){ { mem, (1UL << 40) + 1 }, -EINVAL };
	bad[i++] = (struct bad_piece){ { mem, -1UL }, -EINVAL };
	bad[i++] = (struct bad_piece){ { (void *)-16UL, 32 }, -EOVERFLOW };
	return i;
}

TEST_F(ring, bad_memory)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(PAGE);
	struct bad_piece bad[16];
	unsigned int i, nr = bad_pieces(bad);

	ASSERT_TRUE(wait_pinned(0));
	for (i = 0; i < nr; i++) {
		struct iovec iov[3] = { { mem, PAGE }, bad[i].iov, { mem, PAGE } };

		TH_LOG("piece %u", i);
		EXPECT_EQ(bad[i].error, buffers_register(r, &iov[1], 1));
		/* all or nothing */
		EXPECT_EQ(bad[i].error, buffers_register(r, iov, 3));
		EXPECT_EQ(-ENXIO, buffers_unregister(r));
		/* an update goes as far as it can */
		ASSERT_EQ(0, buffers_register_sparse(r, 3));
		EXPECT_EQ(bad[i].error, buffers_update(r, 0, &iov[1], NULL, 1));
		EXPECT_EQ(1, buffers_update(r, 0, iov, NULL, 3));
		EXPECT_EQ(0, buffers_unregister(r));
		EXPECT_CHARGED(0);
	}
	EXPECT_TRUE(wait_pinned(0));
}

TEST_F(ring, unreadable_vector)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(2 * PAGE);
	struct iovec *iov = (void *)(mem + PAGE - sizeof(*iov));

	munmap(mem + PAGE, PAGE);
	iov->iov_base = mem;
	iov->iov_len = 16;
	EXPECT_EQ(-EFAULT, buffers_register(r, iov, 2));
	EXPECT_EQ(-ENXIO, buffers_unregister(r));
	ASSERT_EQ(0, buffers_register(r, iov, 1));
	EXPECT_EQ(1, buffers_update(r, 0, iov, NULL, 1));
	EXPECT_EQ(-EFAULT, buffers_update(r, 0, iov + 1, NULL, 1));
	EXPECT_CHARGED(1);
}

TEST_F(ring, tags)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(PAGE);
	struct iovec iov[4] = { { mem, 1 }, {}, { mem, 2 }, { mem, 3 } };
	__u64 tags[4] = { 100, 0, 0, 103 };
	__u64 one = 1, none = 0;

	/* nothing that could be told of */
	tags[1] = 101;
	EXPECT_EQ(-EINVAL, buffers_register_tagged(r, iov, tags, 4));
	tags[1] = 0;
	ASSERT_EQ(0, buffers_register_tagged(r, iov, tags, 4));
	ASSERT_QUIET(r);
	EXPECT_EQ(-EINVAL, buffers_update(r, 0, &iov[1], &one, 1));
	ASSERT_QUIET(r);
	/* replaced by one with another tag, by one without, by none */
	ASSERT_EQ(1, buffers_update(r, 0, &iov[0], &one, 1));
	EXPECT_EQ(1, ring_ready(r));
	ASSERT_CQE(r, 100, 0, 0);
	ASSERT_EQ(1, buffers_update(r, 0, &iov[0], &none, 1));
	ASSERT_CQE(r, 1, 0, 0);
	ASSERT_EQ(1, buffers_update(r, 3, &iov[1], NULL, 1));
	ASSERT_CQE(r, 103, 0, 0);
	ASSERT_EQ(1, buffers_update(r, 3, &iov[1], NULL, 1));
	ASSERT_EQ(3, buffers_update(r, 1, (struct iovec[]){ { mem, 1 }, { mem, 1 }, { mem, 1 } },
				    (__u64[]){ 201, 202, 203 }, 3));
	ASSERT_QUIET(r);
	ASSERT_EQ(0, buffers_unregister(r));
	EXPECT_EQ(3, ring_ready(r));
	ASSERT_CQE(r, 203, 0, 0);
	ASSERT_CQE(r, 202, 0, 0);
	ASSERT_CQE(r, 201, 0, 0);
}

TEST_F(ring, tags_of_a_failed_registration)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(PAGE);
	struct iovec iov[3] = { { mem, 1 }, { mem, 1 }, { KERNEL_ADDR, 1 } };
	__u64 tags[3] = { 1, 2, 3 };

	EXPECT_EQ(-EFAULT, buffers_register_tagged(r, iov, tags, 3));
	ASSERT_QUIET(r);
	/* an unreadable one */
	iov[2].iov_base = mem;
	EXPECT_EQ(-EFAULT, buffers_register_tagged(r, iov, (void *)8, 3));
	ASSERT_QUIET(r);
}

TEST_F(ring, tags_that_find_no_room)
{
	char *mem = anon_alloc(PAGE);
	struct iovec iov[64];
	__u64 tags[64];
	struct ring r;
	unsigned int i;

	for (i = 0; i < 64; i++) {
		iov[i] = (struct iovec){ mem, 1 };
		tags[i] = i + 1;
	}
	ASSERT_EQ(0, ring_init_cq(&r, variant->backend, 2, 4, variant->flags));
	ASSERT_EQ(0, buffers_register_tagged(&r, iov, tags, 64));
	ASSERT_EQ(0, buffers_unregister(&r));
	EXPECT_EQ(4, ring_ready(&r));
	EXPECT_EQ(IORING_SQ_CQ_OVERFLOW, ring_flags(&r) & IORING_SQ_CQ_OVERFLOW);
	EXPECT_CHARGED(0);
	for (i = 64; i > 0; i--)
		ASSERT_CQE(&r, i, 0, 0);
	ring_exit(&r);
}

TEST_F(ring, tags_of_a_ring_that_closes)
{
	char *mem = anon_alloc(PAGE);
	struct iovec iov = { mem, PAGE };
	__u64 tag = 5;
	struct ring r;

	ASSERT_TRUE(wait_pinned(0));
	ASSERT_EQ(0, ring_init(&r, variant->backend, 2, variant->flags));
	ASSERT_EQ(0, buffers_register_tagged(&r, &iov, &tag, 1));
	EXPECT_EQ(1, pinned_pages());
	ring_exit(&r);
	EXPECT_TRUE(wait_pinned(0));
}

static bool charged_is(void *arg)
{
	return pages_charged() == *(long long *)arg;
}

TEST_F(ring, what_is_pinned)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(16 * PAGE);
	struct iovec iov[3] = { { mem + 100, 1 }, { mem + 4090, 7 }, { mem, 16 * PAGE } };
	long long none = 0;
	struct ring other;

	ASSERT_TRUE(wait_pinned(0));
	EXPECT_CHARGED(0);
	/* each page once for each buffer */
	ASSERT_EQ(0, buffers_register(r, iov, 3));
	EXPECT_CHARGED(1 + 2 + 16);
	EXPECT_EQ(1 + 2 + 16, pinned_pages());
	ASSERT_EQ(1, buffer_update(r, 2, mem, PAGE));
	EXPECT_CHARGED(1 + 2 + 1);
	ASSERT_EQ(1, buffer_update(r, 1, NULL, 0));
	EXPECT_CHARGED(2);
	EXPECT_EQ(2, pinned_pages());
	/* and for each ring */
	ASSERT_EQ(0, ring_init(&other, variant->backend, 4, variant->flags));
	ASSERT_EQ(0, buffers_register(&other, iov, 3));
	EXPECT_CHARGED(2 + 19);
	ASSERT_EQ(0, buffers_unregister(r));
	EXPECT_CHARGED(19);
	ring_exit(&other);
	EXPECT_TRUE(wait_until(charged_is, &none));
	EXPECT_TRUE(wait_pinned(0));
}

TEST_F(ring, killed_with_buffers)
{
	int pipefd[2], sv[2], status;
	struct ring r;
	pid_t pid;
	char c;

	ASSERT_TRUE(wait_pinned(0));
	ASSERT_EQ(0, pipe(pipefd));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		char *mem = anon_alloc(8 * PAGE);
		struct iovec iov = { mem, 8 * PAGE };

		if (ring_init(&r, variant->backend, 4, variant->flags) ||
		    unix_pair(SOCK_STREAM, sv) || buffers_register(&r, &iov, 1))
			_exit(1);
		prep_recv_fixed(&r, sv[0], mem, 1, 0, 1);
		if (ring_submit(&r) != 1 || buffers_unregister(&r) ||
		    buffers_register(&r, &iov, 1) || write(pipefd[1], "", 1) != 1)
			_exit(1);
		raise(SIGKILL);
	}
	ASSERT_EQ(1, read(pipefd[0], &c, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(SIGKILL, status);
	EXPECT_TRUE(wait_pinned(0));
}

TEST_F(ring, shown_in_fdinfo)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(PAGE), path[64], line[128], want[2][64];
	struct iovec iov[2] = { { mem + 1, 100 }, {} };
	unsigned int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", r->fd);
	EXPECT_EQ(0, proc_value(path, "UserBufs:"));
	ASSERT_EQ(0, buffers_register(r, iov, 2));
	EXPECT_EQ(2, proc_value(path, "UserBufs:"));
	snprintf(want[0], sizeof(want[0]), "    0: 0x%lx/100\n", (unsigned long)mem + 1);
	snprintf(want[1], sizeof(want[1]), "    1: <none>\n");
	f = fopen(path, "r");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f)) {
		if (found < 2 && !strcmp(line, want[found]))
			found++;
	}
	fclose(f);
	EXPECT_EQ(2, found);
}

/* A user without privileges, who may lock LIMIT pages. */
#define LIMIT	64

FIXTURE(user) {
	struct ring ring;
	char *mem;
};

FIXTURE_VARIANT(user) {
	enum backend backend;
};

FIXTURE_VARIANT_ADD(user, ruring) {
	.backend = RURING,
};

FIXTURE_VARIANT_ADD(user, io_uring) {
	.backend = IO_URING,
};

FIXTURE_SETUP(user)
{
	struct rlimit limit = { LIMIT * PAGE, LIMIT * PAGE };

	ASSERT_LE(0, device_fd());
	ASSERT_EQ(0, become_nobody());
	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	ASSERT_EQ(0, ring_init(&self->ring, variant->backend, 4, 0));
	self->mem = anon_alloc(2 * LIMIT * PAGE);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN(user)
{
	ring_exit(&self->ring);
}

/* How many pages can be registered; none are afterwards. */
static int room(struct ring *r, char *mem)
{
	int nr = 0;

	if (buffers_register_sparse(r, 2 * LIMIT))
		return -1;
	while (buffer_update(r, nr, mem + nr * PAGE, PAGE) == 1)
		nr++;
	if (buffer_update(r, nr, mem + nr * PAGE, PAGE) != -ENOMEM || buffers_unregister(r))
		return -1;
	return nr;
}

TEST_F(user, limit)
{
	struct ring *r = &self->ring;
	int all = room(r, self->mem);
	struct iovec iov[2] = { { self->mem, all * PAGE }, { self->mem, 1 } };

	/* io_uring also counts the memory of the ring itself */
	if (variant->backend == RURING)
		ASSERT_EQ(LIMIT, all);
	ASSERT_LT(LIMIT / 2, all);
	EXPECT_EQ(-ENOMEM, buffers_register(r, iov, 2));
	EXPECT_EQ(all, room(r, self->mem));
	ASSERT_EQ(0, buffers_register(r, iov, 1));
	EXPECT_EQ(all, pages_charged());
	EXPECT_EQ(-ENOMEM, buffer_update(r, 0, self->mem, PAGE));
	ASSERT_EQ(1, buffer_update(r, 0, NULL, 0));
	ASSERT_EQ(1, buffer_update(r, 0, self->mem, PAGE));
	ASSERT_EQ(0, buffers_unregister(r));
	EXPECT_EQ(all, room(r, self->mem));
}

TEST_F(user, in_use_still_counts)
{
	struct ring *r = &self->ring;
	int sv[2], all = room(r, self->mem);
	struct iovec iov = { self->mem, 10 * PAGE };

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, buffers_register(r, &iov, 1));
	prep_recv_fixed(r, sv[0], self->mem, 1, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, buffers_unregister(r));
	EXPECT_EQ(all - 10, room(r, self->mem));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(r, 1, 1, 0);
	EXPECT_EQ(all, room(r, self->mem));
}

TEST_HARNESS_MAIN
