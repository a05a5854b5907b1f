// SPDX-License-Identifier: GPL-2.0
/*
 * What is done with files by their names: OPENAT2, STATX, UNLINKAT, MKDIRAT, RENAMEAT, LINKAT and SYMLINKAT. And
 * FTRUNCATE, SYNC_FILE_RANGE, FADVISE and MADVISE.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define RING_MODES
#include "files.h"

/* Where the tests have their files, in memory; and its descriptor. */
static char dir[32];
static int at;

static int go_there(void)
{
	snprintf(dir, sizeof(dir), "/tmp/names.XXXXXX");
	if (!mkdtemp(dir))
		return -errno;
	at = open(dir, O_RDONLY | O_DIRECTORY);
	return at < 0 ? -errno : chdir(dir);
}

static void clean_up(void)
{
	char command[64];

	close(at);
	chdir("/");
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command))
		abort();
}

static bool is_there(const char *name)
{
	struct stat st;

	return !lstat(name, &st);
}

/* Submit the one SQE that is prepared; its result. */
static int result(struct ring *r)
{
	struct io_uring_cqe cqe = {};

	if (ring_submit(r) != 1 || ring_take(r, &cqe))
		return -ETIME;
	return cqe.res;
}

/* @name below @fd, or AT_FDCWD. */
static int do_unlink(struct ring *r, int fd, const char *name, int flags)
{
	prep(r, IORING_OP_UNLINKAT, fd, name, 0, 1)->unlink_flags = flags;
	return result(r);
}

static int do_mkdir(struct ring *r, int fd, const char *name, mode_t mode)
{
	prep(r, IORING_OP_MKDIRAT, fd, name, mode, 1);
	return result(r);
}

static struct io_uring_sqe *prep_two(struct ring *r, unsigned int op, int old_fd,
				     const char *old, int new_fd, const char *new,
				     int flags)
{
	struct io_uring_sqe *sqe = prep(r, op, old_fd, old, new_fd, 1);

	sqe->addr2 = (uintptr_t)new;
	sqe->rename_flags = flags;
	return sqe;
}

static int do_two(struct ring *r, unsigned int op, int old_fd, const char *old,
		  int new_fd, const char *new, int flags)
{
	prep_two(r, op, old_fd, old, new_fd, new, flags);
	return result(r);
}

static struct io_uring_sqe *prep_statx(struct ring *r, int fd, const char *name,
				       unsigned int flags, struct statx *st)
{
	struct io_uring_sqe *sqe;

	sqe = prep(r, IORING_OP_STATX, fd, name, STATX_BASIC_STATS | STATX_MNT_ID, 1);
	sqe->statx_flags = flags;
	sqe->addr2 = (uintptr_t)st;
	return sqe;
}

static int do_statx(struct ring *r, int fd, const char *name, unsigned int flags,
		    struct statx *st)
{
	memset(st, 0xee, sizeof(*st));
	prep_statx(r, fd, name, flags, st);
	return result(r);
}

TEST_F(ring, all_are_there)
{
	static const unsigned int ops[] = {
		IORING_OP_OPENAT2, IORING_OP_STATX, IORING_OP_UNLINKAT, IORING_OP_MKDIRAT,
		IORING_OP_RENAMEAT, IORING_OP_LINKAT, IORING_OP_SYMLINKAT, IORING_OP_FTRUNCATE,
		IORING_OP_SYNC_FILE_RANGE, IORING_OP_FADVISE, IORING_OP_MADVISE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		EXPECT_TRUE(ring_op_supported(&self->ring, ops[i]));
}

TEST_F(ring, statx)
{
	struct ring *r = &self->ring;
	struct statx st, ref;

	ASSERT_EQ(0, go_there());
	ASSERT_EQ(0, make_file("file", "abc"));
	ASSERT_EQ(0, symlink("file", "link"));
	memset(&ref, 0xee, sizeof(ref));
	ASSERT_EQ(0, statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS | STATX_MNT_ID, &ref));
	ASSERT_EQ(0, do_statx(r, AT_FDCWD, "file", 0, &st));
	EXPECT_EQ(0, memcmp(&ref, &st, sizeof(st)));
	EXPECT_EQ(3, st.stx_size);
	ASSERT_EQ(0, do_statx(r, AT_FDCWD, "link", 0, &st));
	EXPECT_EQ(0, memcmp(&ref, &st, sizeof(st)));
	ASSERT_EQ(0, do_statx(r, AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, &st));
	EXPECT_EQ(S_IFLNK, st.stx_mode & S_IFMT);
	ASSERT_EQ(0, chdir("/"));
	ASSERT_EQ(0, do_statx(r, at, "file", 0, &st));
	EXPECT_EQ(0, memcmp(&ref, &st, sizeof(st)));
	ASSERT_EQ(0, do_statx(r, at, "", AT_EMPTY_PATH, &st));
	EXPECT_EQ(S_IFDIR, st.stx_mode & S_IFMT);
	ASSERT_EQ(0, do_statx(r, AT_FDCWD, "", AT_EMPTY_PATH, &st));
	EXPECT_EQ(S_IFDIR, st.stx_mode & S_IFMT);
	EXPECT_EQ(-ENOENT, do_statx(r, at, "", 0, &st));
	EXPECT_EQ(-ENOENT, do_statx(r, AT_FDCWD, "file", 0, &st));
	EXPECT_EQ(-EBADF, do_statx(r, -1, "file", 0, &st));
	EXPECT_EQ(-EINVAL, do_statx(r, at, "file", 1 << 20, &st));
	EXPECT_EQ(-EINVAL, do_statx(r, at, "file", AT_STATX_SYNC_TYPE, &st));
	prep_statx(r, at, "file", 0, NULL);
	EXPECT_EQ(-EFAULT, result(r));
	prep_statx(r, at, NULL, 0, &st);
	EXPECT_EQ(-EFAULT, result(r));
	prep_statx(r, at, "file", 0, &st)->file_index = 1;
	EXPECT_EQ(-EINVAL, result(r));
	prep_statx(r, at, "file", 0, &st)->flags = IOSQE_FIXED_FILE;
	EXPECT_EQ(-EBADF, result(r));
	prep_statx(r, at, "file", 0, &st)->flags = IOSQE_ASYNC;
	EXPECT_EQ(0, result(r));
	clean_up();
}

TEST_F(ring, directories)
{
	struct ring *r = &self->ring;
	struct stat st;

	ASSERT_EQ(0, go_there());
	umask(027);
	EXPECT_EQ(0, do_mkdir(r, AT_FDCWD, "a", 0777));
	umask(022);
	ASSERT_EQ(0, stat("a", &st));
	EXPECT_EQ(0750u, st.st_mode & 07777);
	EXPECT_EQ(0, do_mkdir(r, at, "a/b", 0700));
	EXPECT_EQ(-EEXIST, do_mkdir(r, at, "a", 0700));
	EXPECT_EQ(-ENOENT, do_mkdir(r, at, "c/d", 0700));
	EXPECT_EQ(-ENOTEMPTY, do_unlink(r, at, "a", AT_REMOVEDIR));
	EXPECT_EQ(-EISDIR, do_unlink(r, at, "a", 0));
	EXPECT_EQ(0, do_unlink(r, at, "a/b", AT_REMOVEDIR));
	EXPECT_EQ(0, do_unlink(r, AT_FDCWD, "a", AT_REMOVEDIR));
	EXPECT_FALSE(is_there("a"));
	EXPECT_EQ(-EINVAL, do_unlink(r, at, "a", AT_SYMLINK_NOFOLLOW));
	EXPECT_EQ(-ENOENT, do_unlink(r, at, "a", 0));
	ASSERT_EQ(0, make_file("file", ""));
	EXPECT_EQ(-ENOTDIR, do_unlink(r, at, "file", AT_REMOVEDIR));
	EXPECT_EQ(0, do_unlink(r, at, "file", 0));
	EXPECT_FALSE(is_there("file"));
	prep(r, IORING_OP_MKDIRAT, at, "x", 0700, 1)->rw_flags = 1;
	EXPECT_EQ(-EINVAL, result(r));
	prep(r, IORING_OP_UNLINKAT, at, "x", 1, 1);
	EXPECT_EQ(-EINVAL, result(r));
	clean_up();
}

TEST_F(ring, names)
{
	struct ring *r = &self->ring;
	char content[8] = "";
	struct stat st;

	ASSERT_EQ(0, go_there());
	ASSERT_EQ(0, make_file("one", "1"));
	EXPECT_EQ(0, do_two(r, IORING_OP_RENAMEAT, AT_FDCWD, "one", at, "two", 0));
	EXPECT_FALSE(is_there("one"));
	EXPECT_TRUE(is_there("two"));
	ASSERT_EQ(0, make_file("one", "1"));
	EXPECT_EQ(-EEXIST, do_two(r, IORING_OP_RENAMEAT, at, "one", at, "two",
				  RENAME_NOREPLACE));
	EXPECT_EQ(-EINVAL, do_two(r, IORING_OP_RENAMEAT, at, "one", at, "two", 1 << 10));
	EXPECT_EQ(0, do_two(r, IORING_OP_RENAMEAT, at, "one", AT_FDCWD, "two", 0));
	EXPECT_EQ(0, do_two(r, IORING_OP_LINKAT, at, "two", at, "three", 0));
	ASSERT_EQ(0, stat("three", &st));
	EXPECT_EQ(2u, st.st_nlink);
	EXPECT_EQ(-EEXIST, do_two(r, IORING_OP_LINKAT, at, "two", at, "three", 0));
	EXPECT_EQ(-EBADF, do_two(r, IORING_OP_LINKAT, at, "two", -1, "four", 0));
	prep(r, IORING_OP_SYMLINKAT, at, "content", 0, 1)->addr2 = (uintptr_t)"sym";
	EXPECT_EQ(0, result(r));
	EXPECT_EQ(7, readlink("sym", content, sizeof(content)));
	EXPECT_EQ(0, memcmp("content", content, 7));
	prep(r, IORING_OP_SYMLINKAT, at, "content", 1, 1)->addr2 = (uintptr_t)"sym2";
	EXPECT_EQ(-EINVAL, result(r));
	EXPECT_FALSE(is_there("sym2"));
	clean_up();
}

/* Names are copied when they are submitted. Whoever fails does not end the link. */
TEST_F(ring, in_a_link)
{
	struct ring *r = &self->ring;
	char first[] = "first", second[] = "second";
	struct io_uring_sqe *sqe;
	char byte = 0;
	int fds[2];

	ASSERT_EQ(0, go_there());
	ASSERT_EQ(0, pipe(fds));
	prep(r, IORING_OP_READ, fds[0], &byte, 1, 1)->flags = IOSQE_IO_LINK;
	sqe = prep(r, IORING_OP_MKDIRAT, at, first, 0700, 2);
	sqe->flags = IOSQE_IO_LINK;
	sqe = prep_two(r, IORING_OP_RENAMEAT, at, first, AT_FDCWD, second, 0);
	sqe->user_data = 3;
	sqe->flags = IOSQE_IO_LINK;
	prep(r, IORING_OP_UNLINKAT, at, first, 0, 4)->flags = IOSQE_IO_LINK;
	prep_nop(r, 5);
	ASSERT_EQ(5, ring_submit(r));
	memset(first, 'x', 5);
	memset(second, 'x', 6);
	ASSERT_EQ(1, write(fds[1], "a", 1));
	ASSERT_CQE(r, 1, 1, 0);
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_CQE(r, 3, 0, 0);
	ASSERT_CQE(r, 4, -ENOENT, 0);
	ASSERT_CQE(r, 5, 0, 0);
	EXPECT_TRUE(is_there("second"));
	close(fds[0]);
	close(fds[1]);
	clean_up();
}

static int do_open2(struct ring *r, int fd, const char *name, struct open_how how,
		    unsigned int size)
{
	prep(r, IORING_OP_OPENAT2, fd, name, size, 1)->off = (uintptr_t)&how;
	return result(r);
}

#define HOW(...) (struct open_how){ __VA_ARGS__ }

TEST_F(ring, openat2)
{
	struct ring *r = &self->ring;
	struct { struct open_how how; __u64 more; } large = { .how.flags = O_RDONLY };
	int fd;

	ASSERT_EQ(0, go_there());
	ASSERT_EQ(0, make_file("file", "abc"));
	ASSERT_EQ(0, symlink("/tmp", "link"));
	fd = do_open2(r, AT_FDCWD, "file", HOW(.flags = O_RDWR | O_CLOEXEC), 24);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & ~0100000);
	close(fd);
	fd = do_open2(r, at, "new", HOW(.flags = O_RDWR | O_CREAT, .mode = 0600), 24);
	ASSERT_LE(0, fd);
	close(fd);
	fd = do_open2(r, at, ".", HOW(.flags = O_PATH), 24);
	ASSERT_LE(0, fd);
	EXPECT_EQ(O_PATH, fcntl(fd, F_GETFL));
	close(fd);
	EXPECT_EQ(-EXDEV, do_open2(r, at, "../x", HOW(.resolve = RESOLVE_BENEATH), 24));
	EXPECT_EQ(-ELOOP, do_open2(r, at, "link", HOW(.resolve = RESOLVE_NO_SYMLINKS), 24));
	/* Then it is relative to the directory although it begins with a slash. */
	fd = do_open2(r, at, "/file", HOW(.resolve = RESOLVE_IN_ROOT), 24);
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(-ENOTDIR, do_open2(r, r->fd, "/file", HOW(.resolve = RESOLVE_IN_ROOT), 24));
	/* It is strict, where openat(2) is not. */
	EXPECT_EQ(-EINVAL, do_open2(r, at, "file", HOW(.mode = 0600), 24));
	EXPECT_EQ(-EINVAL, do_open2(r, at, "file", HOW(.flags = 1ull << 40), 24));
	EXPECT_EQ(-EINVAL, do_open2(r, at, "file", HOW(.resolve = 1ull << 40), 24));
	EXPECT_EQ(-EINVAL, do_open2(r, at, "file", HOW(), 23));
	EXPECT_EQ(-EFAULT, ({
		prep(r, IORING_OP_OPENAT2, at, "file", 24, 1);
		result(r);
	}));
	prep(r, IORING_OP_OPENAT2, at, "file", sizeof(large), 1)->off = (uintptr_t)&large;
	fd = result(r);
	ASSERT_LE(0, fd);
	close(fd);
	large.more = 1;
	prep(r, IORING_OP_OPENAT2, at, "file", sizeof(large), 1)->off = (uintptr_t)&large;
	EXPECT_EQ(-E2BIG, result(r));
	clean_up();
}

TEST_F(ring, ftruncate)
{
	struct ring *r = &self->ring;
	int fd = memfd_create("file", 0), fds[2];
	struct stat st;

	ASSERT_LE(0, fd);
	ASSERT_EQ(5, write(fd, "abcde", 5));
	prep(r, IORING_OP_FTRUNCATE, fd, NULL, 0, 1)->off = 2;
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(2, st.st_size);
	prep(r, IORING_OP_FTRUNCATE, fd, NULL, 0, 1)->off = 1 << 20;
	ASSERT_RESULT(r, 0);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(1 << 20, st.st_size);
	prep(r, IORING_OP_FTRUNCATE, fd, NULL, 0, 1)->off = -1;
	ASSERT_RESULT(r, -EINVAL);
	prep(r, IORING_OP_FTRUNCATE, fd, NULL, 1, 1);
	ASSERT_RESULT(r, -EINVAL);
	ASSERT_EQ(0, pipe(fds));
	prep(r, IORING_OP_FTRUNCATE, fds[1], NULL, 0, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep(r, IORING_OP_FTRUNCATE, -1, NULL, 0, 1);
	ASSERT_RESULT(r, -EBADF);
	/* In the order of submission with what is written. */
	prep(r, IORING_OP_FTRUNCATE, fd, NULL, 0, 1)->flags = IOSQE_IO_LINK | IOSQE_ASYNC;
	prep(r, IORING_OP_WRITE, fd, "xyz", 3, 2)->flags = IOSQE_IO_LINK;
	prep(r, IORING_OP_FTRUNCATE, fd, NULL, 0, 3)->off = 1;
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	ASSERT_CQE(r, 2, 3, 0);
	ASSERT_CQE(r, 3, 0, 0);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(1, st.st_size);
	close(fds[0]);
	close(fds[1]);
	close(fd);
}

TEST_F(ring, sync_file_range)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int fd = memfd_create("file", 0), fds[2];

	ASSERT_EQ(5, write(fd, "abcde", 5));
	sqe = prep(r, IORING_OP_SYNC_FILE_RANGE, fd, NULL, 4, 1);
	sqe->off = 1;
	sqe->sync_range_flags = SYNC_FILE_RANGE_WRITE;
	ASSERT_RESULT(r, 0);
	prep(r, IORING_OP_SYNC_FILE_RANGE, fd, NULL, 0, 1)->sync_range_flags = 1 << 10;
	ASSERT_RESULT(r, -EINVAL);
	prep(r, IORING_OP_SYNC_FILE_RANGE, fd, NULL, 0, 1)->off = -1;
	ASSERT_RESULT(r, -EINVAL);
	prep(r, IORING_OP_SYNC_FILE_RANGE, fd, "", 0, 1);
	ASSERT_RESULT(r, -EINVAL);
	ASSERT_EQ(0, pipe(fds));
	prep(r, IORING_OP_SYNC_FILE_RANGE, fds[1], NULL, 0, 1);
	ASSERT_RESULT(r, -ESPIPE);
	close(fds[0]);
	close(fds[1]);
	close(fd);
}

TEST_F(ring, advice)
{
	struct ring *r = &self->ring;
	int fd = memfd_create("file", 0), fds[2];
	struct io_uring_sqe *sqe;
	char *mem = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	ASSERT_NE(MAP_FAILED, (void *)mem);
	prep(r, IORING_OP_FADVISE, fd, NULL, 4096, 1)->fadvise_advice = POSIX_FADV_SEQUENTIAL;
	ASSERT_RESULT(r, 0);
	prep(r, IORING_OP_FADVISE, fd, NULL, 4096, 1)->fadvise_advice = POSIX_FADV_DONTNEED;
	ASSERT_RESULT(r, 0);
	prep(r, IORING_OP_FADVISE, fd, NULL, 4096, 1)->fadvise_advice = 99;
	ASSERT_RESULT(r, -EINVAL);
	ASSERT_EQ(0, pipe(fds));
	prep(r, IORING_OP_FADVISE, fds[0], NULL, 1, 1);
	ASSERT_RESULT(r, -ESPIPE);
	prep(r, IORING_OP_FADVISE, fd, NULL, 1, 1)->buf_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	/* What is not needed is gone; what is beyond stays. The length is in either field. */
	mem[0] = 1;
	mem[4096] = 2;
	prep(r, IORING_OP_MADVISE, 0, mem, 4096, 1)->fadvise_advice = MADV_DONTNEED;
	ASSERT_RESULT(r, 0);
	EXPECT_EQ(0, mem[0]);
	EXPECT_EQ(2, mem[4096]);
	mem[0] = 1;
	sqe = prep(r, IORING_OP_MADVISE, 0, mem, 0, 1);
	sqe->fadvise_advice = MADV_DONTNEED;
	sqe->off = 8192;
	ASSERT_RESULT(r, 0);
	EXPECT_EQ(0, mem[0]);
	EXPECT_EQ(0, mem[4096]);
	prep(r, IORING_OP_MADVISE, 0, mem + 1, 4096, 1)->fadvise_advice = MADV_DONTNEED;
	ASSERT_RESULT(r, -EINVAL);
	munmap(mem, 8192);
	prep(r, IORING_OP_MADVISE, 0, mem, 4096, 1)->fadvise_advice = MADV_DONTNEED;
	ASSERT_RESULT(r, -ENOMEM);
	close(fds[0]);
	close(fds[1]);
	close(fd);
}

TEST_HARNESS_MAIN
