// SPDX-License-Identifier: GPL-2.0
/*
 * READ_FIXED, WRITE_FIXED and their vectored forms: transfers from and to
 * registered buffers.
 */
#include <sys/inotify.h>
#include <sys/wait.h>

#define RING_MODES
#include "fixture.h"
#include "rsrc.h"

#define SIZE	(8 * PAGE)

static struct io_uring_sqe *prep_fixed(struct ring *r, unsigned int op, int fd,
				       const void *addr, unsigned int len, __u64 off)
{
	struct io_uring_sqe *sqe = prep(r, op, fd, addr, len, op);

	sqe->off = off;
	return sqe;
}

/* A registered buffer of SIZE bytes, not at the beginning of a page. */
static char *one_buffer(struct ring *r)
{
	char *mem = anon_alloc(SIZE + 2 * PAGE);
	struct iovec iov = { mem + 100, SIZE };

	if (!mem)
		return NULL;
	pattern_fill(mem, SIZE + 2 * PAGE, 1);
	return buffers_register(r, &iov, 1) ? NULL : mem + 100;
}

TEST_F(ring, files)
{
	const struct { size_t at; size_t len; } parts[] = {
		{ 0, 1 }, { 0, SIZE }, { SIZE - 1, 1 }, { 4000, 200 }, { 5000, 3 * PAGE },
		{ PAGE - 100, PAGE }, { 17, 0 },
	};
	static char file[SIZE + 2 * PAGE], before[SIZE + 2 * PAGE];
	struct ring *r = &self->ring;
	char *mem = one_buffer(r);
	unsigned int i, async, disk;

	ASSERT_NE(NULL, mem);
	for (i = 0; i < ARRAY_SIZE(parts) * 4; i++) {
		size_t at = parts[i / 4].at, len = parts[i / 4].len;
		int fd;

		async = i & 1 ? IOSQE_ASYNC : 0;
		disk = i & 2;
		fd = new_file(disk);
		ASSERT_LE(0, fd);
		prep_fixed(r, IORING_OP_WRITE_FIXED, fd, mem + at, len, 50)->flags = async;
		ASSERT_RESULT(r, len);
		if (len)
			ASSERT_EQ((ssize_t)(50 + len), pread(fd, file, sizeof(file), 0));
		EXPECT_EQ(0, memcmp(file + 50, mem + at, len));

		/* back, over what is there, and nothing else */
		memset(mem, 0x55, SIZE);
		memcpy(before, mem - 100, sizeof(before));
		prep_fixed(r, IORING_OP_READ_FIXED, fd, mem + at, len, 50)->flags = async;
		ASSERT_RESULT(r, len);
		memcpy(before + 100 + at, file + 50, len);
		EXPECT_EQ(0, memcmp(before, mem - 100, sizeof(before)));
		/* behind the end there is nothing */
		prep_fixed(r, IORING_OP_READ_FIXED, fd, mem + at, len, 1 << 20)->flags = async;
		ASSERT_RESULT(r, 0);
		pattern_fill(mem - 100, SIZE + 2 * PAGE, 1);
		close(fd);
	}
}

TEST_F(ring, files_have_a_position)
{
	struct ring *r = &self->ring;
	char *mem = one_buffer(r);
	int fd = new_file(true);

	ASSERT_NE(NULL, mem);
	prep_fixed(r, IORING_OP_WRITE_FIXED, fd, mem, 100, -1);
	ASSERT_RESULT(r, 100);
	prep_fixed(r, IORING_OP_WRITE_FIXED, fd, mem + 100, 100, -1);
	ASSERT_RESULT(r, 100);
	EXPECT_EQ(200, lseek(fd, 0, SEEK_CUR));
	ASSERT_EQ(10, lseek(fd, 10, SEEK_SET));
	prep_fixed(r, IORING_OP_READ_FIXED, fd, mem + 1000, SIZE - 1000, -1);
	ASSERT_RESULT(r, 190);
	EXPECT_EQ(0, memcmp(mem + 10, mem + 1000, 190));
}

TEST_F(ring, streams_are_waited_for)
{
	struct ring *r = &self->ring;
	char *mem = one_buffer(r);
	int kind, sv[2], fd[2];

	ASSERT_NE(NULL, mem);
	for (kind = 0; kind < 2; kind++) {
		if (kind) {
			ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
			fd[0] = sv[0];
			fd[1] = sv[1];
		} else {
			ASSERT_EQ(0, pipe(fd));
		}
		prep_fixed(r, IORING_OP_READ_FIXED, fd[0], mem + 5000, 2 * PAGE, 0);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_QUIET(r);
		prep_fixed(r, IORING_OP_WRITE_FIXED, fd[1], mem, 4000, 0);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_CQE(r, IORING_OP_WRITE_FIXED, 4000, 0);
		ASSERT_CQE(r, IORING_OP_READ_FIXED, 4000, 0);
		EXPECT_EQ(0, memcmp(mem, mem + 5000, 4000));
		close(fd[0]);
		close(fd[1]);
	}
}

/* A request goes on with what was in the slot when it began. */
TEST_F(ring, the_slot_changes_meanwhile)
{
	char *old = anon_alloc(PAGE), *new = anon_alloc(PAGE);
	struct iovec iov = { old, PAGE };
	struct ring *r = &self->ring;
	__u64 tag = 99;
	int fd[2];

	ASSERT_EQ(0, buffers_register_tagged(r, &iov, &tag, 1));
	ASSERT_EQ(0, pipe(fd));
	prep_fixed(r, IORING_OP_READ_FIXED, fd[0], old, PAGE, 0);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(1, buffer_update(r, 0, new, PAGE));
	ASSERT_QUIET(r);
	ASSERT_EQ(4, write(fd[1], "data", 4));
	ASSERT_CQE(r, IORING_OP_READ_FIXED, 4, 0);
	ASSERT_CQE(r, 99, 0, 0);
	EXPECT_STREQ("data", old);
	EXPECT_STREQ("", new);

	/* and a cancelled one lets go */
	prep_fixed(r, IORING_OP_READ_FIXED, fd[0], new, PAGE, 0);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, buffers_unregister(r));
	EXPECT_TRUE(wait_pinned(1));
	prep_cancel(r, IORING_OP_READ_FIXED, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 2));
	ring_drain(r);
	EXPECT_TRUE(wait_pinned(0));
}

TEST_F(ring, the_address_does_not_count)
{
	int mem = memfd_create("memory", 0), file = new_file(true);
	char *here, *there;
	struct ring *r = &self->ring;
	struct iovec iov;

	ASSERT_EQ(0, ftruncate(mem, PAGE));
	here = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0);
	there = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0);
	iov = (struct iovec){ here, PAGE };
	ASSERT_EQ(0, buffers_register(r, &iov, 1));
	ASSERT_EQ(0, munmap(here, PAGE));
	ASSERT_EQ(5, pwrite(file, "abcde", 5, 0));
	prep_fixed(r, IORING_OP_READ_FIXED, file, here + 10, 5, 0);
	ASSERT_RESULT(r, 5);
	EXPECT_STREQ("abcde", there + 10);
	/* nor with a worker */
	prep_fixed(r, IORING_OP_READ_FIXED, file, here + 100, 5, 0)->flags = IOSQE_ASYNC;
	ASSERT_RESULT(r, 5);
	EXPECT_STREQ("abcde", there + 100);
	/* the plain ones see what is there, which is nothing */
	prep_fixed(r, IORING_OP_READ, file, here + 10, 5, 0);
	ASSERT_RESULT(r, -EFAULT);
}

TEST_F(ring, vectors)
{
	struct ring *r = &self->ring;
	char *mem = one_buffer(r), *back = mem + 4 * PAGE;
	struct iovec out[3] = { { mem, 10 }, { mem + 4090, 100 }, { mem + 20, 1 } };
	struct iovec in[2] = { { back + 4000, 101 }, { back, 10 } };
	unsigned int async, disk;
	int fd, p[2];
	char flat[111];

	ASSERT_NE(NULL, mem);
	memcpy(flat, mem, 10);
	memcpy(flat + 10, mem + 4090, 100);
	flat[110] = mem[20];
	for (disk = 0; disk < 2; disk++) {
		for (async = 0; async <= IOSQE_ASYNC; async += IOSQE_ASYNC) {
			fd = new_file(disk);
			prep_fixed(r, IORING_OP_WRITEV_FIXED, fd, out, 3, 7)->flags = async;
			ASSERT_RESULT(r, 111);
			memset(back, 0, 2 * PAGE);
			prep_fixed(r, IORING_OP_READV_FIXED, fd, in, 2, 7)->flags = async;
			ASSERT_RESULT(r, 111);
			EXPECT_EQ(0, memcmp(flat, back + 4000, 101));
			EXPECT_EQ(0, memcmp(flat + 101, back, 10));
			EXPECT_EQ(0, back[10]);
			close(fd);
		}
	}
	/* the vector may be reused once it is submitted, the pieces are waited for */
	ASSERT_EQ(0, pipe(p));
	prep_fixed(r, IORING_OP_READV_FIXED, p[0], in, 2, 0);
	ASSERT_EQ(1, ring_submit(r));
	memset(in, 0xff, sizeof(in));
	ASSERT_QUIET(r);
	memset(back, 0, 2 * PAGE);
	ASSERT_EQ(105, write(p[1], flat, 105));
	ASSERT_CQE(r, IORING_OP_READV_FIXED, 105, 0);
	EXPECT_EQ(0, memcmp(flat, back + 4000, 101));
	EXPECT_EQ(0, memcmp(flat + 101, back, 4));
	EXPECT_EQ(0, back[4]);
}

/* A file whose operation takes an address. */
TEST_F(ring, files_without_iterators)
{
	struct ring *r = &self->ring;
	char *mem = one_buffer(r);
	int dir = inotify_init();

	ASSERT_NE(NULL, mem);
	ASSERT_LE(1, inotify_add_watch(dir, "/dev/null", IN_OPEN));
	prep_fixed(r, IORING_OP_READ_FIXED, dir, mem + 28, 500, 0);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	close(open("/dev/null", O_RDONLY));
	ASSERT_CQE(r, IORING_OP_READ_FIXED, sizeof(struct inotify_event), 0);
	EXPECT_EQ(IN_OPEN, ((struct inotify_event *)(mem + 28))->mask);
}

TEST_F(ring, bad_buffers)
{
	static const unsigned int ops[] = { IORING_OP_READ_FIXED, IORING_OP_WRITE_FIXED };
	struct ring *r = &self->ring;
	int fd = new_file(false);
	char *mem, byte = 0;
	unsigned int i, j;

	ASSERT_EQ(SIZE, pwrite(fd, calloc(1, SIZE), SIZE, 0));
	/* no table */
	prep_fixed(r, IORING_OP_READ_FIXED, fd, &byte, 1, 0);
	ASSERT_RESULT(r, -EFAULT);
	mem = one_buffer(r);
	ASSERT_NE(NULL, mem);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		const struct { const char *addr; unsigned int len; unsigned int index;
			int result; } bad[] = {
			{ mem, 1, 1, -EFAULT },
			{ mem, 1, 65535, -EFAULT },
			{ mem - 1, 2, 0, -EFAULT },
			{ mem - 1, 1, 0, -EFAULT },
			{ mem, SIZE + 1, 0, -EFAULT },
			{ mem + SIZE, 1, 0, -EFAULT },
			{ mem + SIZE - 1, 2, 0, -EFAULT },
			{ mem, ~0u, 0, -EFAULT },
			{ mem, 0x7ffff000, 0, -EFAULT },
			{ NULL, 1, 0, -EFAULT },
			{ (char *)-1l, 2, 0, -EFAULT },
			{ (char *)-1l, 1, 0, -EFAULT },
			{ mem + SIZE, 0, 0, 0 },
			{ mem + SIZE + 1, 0, 0, -EFAULT },
			{ &byte, 1, 0, -EFAULT },
			{ mem, SIZE, 0, SIZE },
		};

		for (j = 0; j < 2 * ARRAY_SIZE(bad); j++) {
			struct io_uring_sqe *sqe;
			unsigned int n = j / 2;

			sqe = prep_fixed(r, ops[i], fd, bad[n].addr, bad[n].len, 0);
			sqe->buf_index = bad[n].index;
			sqe->flags = j & 1 ? IOSQE_ASYNC : 0;
			TH_LOG("opcode %u, case %u", ops[i], n);
			ASSERT_RESULT(r, bad[n].result);
		}
	}
	ASSERT_EQ(1, buffer_update(r, 0, NULL, 0));
	prep_fixed(r, IORING_OP_READ_FIXED, fd, mem, 1, 0);
	ASSERT_RESULT(r, -EFAULT);
}

TEST_F(ring, bad_vectors)
{
	struct ring *r = &self->ring;
	char *mem = one_buffer(r), other = 0;
	struct iovec iov[2] = { { mem, 1 }, { &other, 1 } };
	int fd = new_file(false);
	unsigned int op;

	ASSERT_NE(NULL, mem);
	for (op = IORING_OP_READV_FIXED; op <= IORING_OP_WRITEV_FIXED; op++) {
		prep_fixed(r, op, fd, iov, 2, 0);
		ASSERT_RESULT(r, -EFAULT);
		/* each piece has to have something */
		iov[1] = (struct iovec){ mem + 5, 0 };
		prep_fixed(r, op, fd, iov, 2, 0);
		ASSERT_RESULT(r, -EFAULT);
		iov[1] = (struct iovec){ mem + 5, -1 };
		prep_fixed(r, op, fd, iov, 2, 0);
		ASSERT_RESULT(r, -EINVAL);
		iov[1] = (struct iovec){ mem + SIZE, 1 };
		prep_fixed(r, op, fd, iov, 2, 0);
		ASSERT_RESULT(r, -EFAULT);
		prep_fixed(r, op, fd, (void *)1, 1, 0);
		ASSERT_RESULT(r, -EFAULT);
		prep_fixed(r, op, fd, iov, 1025, 0);
		ASSERT_RESULT(r, -EINVAL);
		prep_fixed(r, op, fd, iov, 1, 0)->buf_index = 1;
		ASSERT_RESULT(r, -EFAULT);
		iov[1] = (struct iovec){ &other, 1 };
	}
	EXPECT_EQ(0, other);
	EXPECT_EQ(0, lseek(fd, 0, SEEK_END));
}

TEST_F(ring, bad_files_and_flags)
{
	struct ring *r = &self->ring;
	char *mem = one_buffer(r);
	int p[2];

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, pipe(p));
	prep_fixed(r, IORING_OP_READ_FIXED, 999, mem, 1, 0);
	ASSERT_RESULT(r, -EBADF);
	prep_fixed(r, IORING_OP_READ_FIXED, p[1], mem, 1, 0);
	ASSERT_RESULT(r, -EBADF);
	prep_fixed(r, IORING_OP_WRITE_FIXED, p[0], mem, 1, 0);
	ASSERT_RESULT(r, -EBADF);
	prep_fixed(r, IORING_OP_WRITE_FIXED, p[1], mem, 1, 0)->rw_flags = 0x80000000;
	ASSERT_RESULT(r, -EOPNOTSUPP);
	prep_fixed(r, IORING_OP_READ_FIXED, p[0], mem, 1, 0)->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(r, -EOPNOTSUPP);
	prep_fixed(r, IORING_OP_READV_FIXED, p[0], mem, 1, 0)->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(r, -EOPNOTSUPP);
	prep_fixed(r, IORING_OP_READ_FIXED, p[0], mem, 1, 0)->rw_flags = RWF_NOWAIT;
	ASSERT_RESULT(r, -EAGAIN);
	prep_fixed(r, IORING_OP_WRITE_FIXED, p[1], mem, 1, 0)->ioprio = 7 << 13;
	ASSERT_RESULT(r, -EINVAL);
}

TEST_F(ring, killed_while_it_waits)
{
	int p[2], ready[2], status;
	struct ring r;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(0, pipe(ready));
	ASSERT_TRUE(wait_pinned(0));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		char *mem;

		if (ring_init(&r, variant->backend, 4, variant->flags))
			_exit(1);
		mem = one_buffer(&r);
		if (!mem)
			_exit(1);
		prep_fixed(&r, IORING_OP_READ_FIXED, p[0], mem, SIZE, 0);
		if (ring_submit(&r) != 1 || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	ASSERT_EQ(1, read(ready[0], &c, 1));
	EXPECT_TRUE(wait_pinned(9));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(wait_pinned(0));
	/* nobody reads any more */
	ASSERT_EQ(1, write(p[1], "x", 1));
	ASSERT_EQ(1, read(p[0], &c, 1));
}

TEST_HARNESS_MAIN
