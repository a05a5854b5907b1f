// SPDX-License-Identifier: GPL-2.0
/*
 * OPENAT.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define RING_MODES
#include "files.h"

/* Where the tests have their files: in memory. */
static char dir[32];

static int go_there(void)
{
	snprintf(dir, sizeof(dir), "%s/openat.XXXXXX", getenv("TMPDIR") ?: "/tmp");
	return mkdtemp(dir) ? chdir(dir) : -errno;
}

static void clean_up(void)
{
	char command[64];

	chdir("/");
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command))
		abort();
}

static struct io_uring_sqe *prep_open(struct ring *r, const char *name,
				      int flags, mode_t mode, __u64 user_data)
{
	struct io_uring_sqe *sqe;

	sqe = prep(r, IORING_OP_OPENAT, AT_FDCWD, name, mode, user_data);
	sqe->open_flags = flags;
	return sqe;
}

/* Submit the one SQE that is prepared; its result. */
static int result(struct ring *r)
{
	struct io_uring_cqe cqe = {};

	if (ring_submit(r) != 1 || ring_take(r, &cqe))
		return -ETIME;
	return cqe.res;
}

static int open_by(struct ring *r, const char *name, int flags, mode_t mode)
{
	prep_open(r, name, flags, mode, 1);
	return result(r);
}

TEST_F(ring, opens_files)
{
	struct ring *r = &self->ring;
	char path[64], buf[8] = "";
	int fd, lowest;

	ASSERT_EQ(0, go_there());
	ASSERT_EQ(0, make_file("file", "abc"));
	lowest = next_fd();
	fd = open_by(r, "file", O_RDONLY, 0);
	ASSERT_EQ(lowest, fd);
	EXPECT_EQ(3, read(fd, buf, sizeof(buf)));
	EXPECT_STREQ("abc", buf);
	EXPECT_EQ(-1, write(fd, "x", 1));
	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	/* As open(2) would have it, and nothing of how it was tried. */
	EXPECT_EQ(O_RDONLY, fcntl(fd, F_GETFL) & ~0100000);
	close(fd);
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open_by(r, path, O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0);
	ASSERT_EQ(lowest, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_RDWR | O_APPEND | O_NONBLOCK, fcntl(fd, F_GETFL) & ~0100000);
	EXPECT_EQ(1, write(fd, "d", 1));
	EXPECT_EQ(4, pread(fd, buf, sizeof(buf), 0));
	EXPECT_STREQ("abcd", buf);
	close(fd);
	/* The directory of an absolute path does not matter. */
	prep_open(r, path, O_RDONLY, 0, 1)->fd = -1;
	fd = result(r);
	ASSERT_EQ(lowest, fd);
	close(fd);
	fd = open_by(r, dir, O_PATH | O_DIRECTORY, 0);
	ASSERT_EQ(lowest, fd);
	EXPECT_EQ(O_PATH | O_DIRECTORY, fcntl(fd, F_GETFL));
	close(fd);
	prep_open(r, "file", O_RDONLY, 0, 1)->flags = IOSQE_ASYNC;
	fd = result(r);
	ASSERT_EQ(lowest, fd);
	close(fd);
	clean_up();
}

TEST_F(ring, makes_files)
{
	struct ring *r = &self->ring;
	struct stat st;
	int fd;

	ASSERT_EQ(0, go_there());
	umask(027);
	fd = open_by(r, "file", O_WRONLY | O_CREAT | O_EXCL, 0666);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0640u, st.st_mode & 07777);
	EXPECT_EQ(5, write(fd, "abcde", 5));
	close(fd);
	EXPECT_EQ(-EEXIST, open_by(r, "file", O_WRONLY | O_CREAT | O_EXCL, 0666));
	fd = open_by(r, "file", O_WRONLY | O_TRUNC, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_size);
	close(fd);
	fd = open_by(r, ".", O_RDWR | O_TMPFILE, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0u, st.st_nlink);
	close(fd);
	umask(022);
	clean_up();
}

TEST_F(ring, what_cannot_be_opened)
{
	struct ring *r = &self->ring;
	char *name = malloc(4097);
	struct rlimit old, limit;

	ASSERT_EQ(0, go_there());
	ASSERT_EQ(0, make_file("file", ""));
	ASSERT_EQ(0, symlink("file", "link"));
	EXPECT_EQ(-ENOENT, open_by(r, "nothing", O_RDONLY, 0));
	EXPECT_EQ(-ENOENT, open_by(r, "", O_RDONLY, 0));
	EXPECT_EQ(-EFAULT, open_by(r, NULL, O_RDONLY, 0));
	EXPECT_EQ(-EFAULT, open_by(r, (char *)-4096ul, O_RDONLY, 0));
	EXPECT_EQ(-ENOTDIR, open_by(r, "file", O_RDONLY | O_DIRECTORY, 0));
	EXPECT_EQ(-ENOTDIR, open_by(r, "file/x", O_RDONLY, 0));
	EXPECT_EQ(-EISDIR, open_by(r, ".", O_WRONLY, 0));
	EXPECT_EQ(-ELOOP, open_by(r, "link", O_RDONLY | O_NOFOLLOW, 0));
	EXPECT_EQ(-EINVAL, open_by(r, ".", O_RDONLY | O_TMPFILE, 0600));
	memset(name, '/', 4096);
	name[4096] = 0;
	EXPECT_EQ(-ENAMETOOLONG, open_by(r, name, O_RDONLY, 0));
	name[4095] = 0;
	EXPECT_EQ(-EISDIR, open_by(r, name, O_WRONLY, 0));
	memset(name, 'x', 256);
	name[256] = 0;
	EXPECT_EQ(-ENAMETOOLONG, open_by(r, name, O_RDONLY, 0));
	free(name);

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	limit = old;
	limit.rlim_cur = next_fd();
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, open_by(r, "file", O_RDONLY, 0));
	/* Not made either. */
	EXPECT_EQ(-EMFILE, open_by(r, "new", O_RDONLY | O_CREAT, 0600));
	EXPECT_EQ(-1, access("new", F_OK));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	clean_up();
}

TEST_F(ring, bad_fields)
{
	struct ring *r = &self->ring;

	ASSERT_EQ(0, register_sparse(r, 1));
	prep_open(r, "/", O_RDONLY, 0, 1)->buf_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_open(r, "/", O_RDONLY, 0, 1)->ioprio = 1;
	ASSERT_RESULT(r, -EINVAL);
	prep_open(r, "/", O_RDONLY, 0, 1)->flags = IOSQE_FIXED_FILE;
	ASSERT_RESULT(r, -EBADF);
	prep_open(r, "/", O_RDONLY, 0, 1)->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(r, -EOPNOTSUPP);
	prep_open(r, "/", O_RDONLY | O_CLOEXEC, 0, 1)->file_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	/* The name comes first. */
	prep_open(r, "", O_RDONLY | O_CLOEXEC, 0, 1)->file_index = 1;
	ASSERT_RESULT(r, -ENOENT);
}

/* Where another directory is the first one. */
TEST_F(ring, relative_to_a_directory)
{
	struct ring *r = &self->ring;
	int fd, at;

	ASSERT_EQ(0, go_there());
	ASSERT_EQ(0, make_file("file", ""));
	at = open(".", O_RDONLY | O_DIRECTORY);
	ASSERT_EQ(0, chdir("/"));
	prep_open(r, "file", O_RDONLY, 0, 1)->fd = at;
	fd = result(r);
	ASSERT_LE(0, fd);
	EXPECT_EQ(O_RDONLY, fcntl(fd, F_GETFL) & ~0100000);
	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	close(fd);
	/* Which may lead out of it again. */
	prep_open(r, "..", O_PATH | O_CLOEXEC | O_CREAT, 0, 1)->fd = at;
	fd = result(r);
	ASSERT_LE(0, fd);
	EXPECT_EQ(O_PATH, fcntl(fd, F_GETFL));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	close(fd);
	prep_open(r, "new", O_RDWR | O_CREAT, 0600, 1)->fd = at;
	fd = result(r);
	ASSERT_LE(0, fd);
	close(fd);
	prep_open(r, "new", O_RDWR | O_CREAT | O_EXCL, 0600, 1)->fd = at;
	ASSERT_RESULT(r, -EEXIST);
	/* And what is absolute is. */
	prep_open(r, "/", O_PATH, 0, 1)->fd = at;
	fd = result(r);
	ASSERT_LE(0, fd);
	close(fd);
	close(at);
	at = open(dir, O_PATH);
	prep_open(r, "file", O_RDONLY, 0, 1)->fd = at;
	fd = result(r);
	ASSERT_LE(0, fd);
	close(at);
	/* What is no directory. */
	prep_open(r, "file", O_RDONLY, 0, 1)->fd = fd;
	ASSERT_RESULT(r, -ENOTDIR);
	close(fd);
	prep_open(r, "file", O_RDONLY, 0, 1)->fd = at;
	ASSERT_RESULT(r, -EBADF);
	clean_up();
}

/* The name is read when the request is submitted, not when its turn comes. */
TEST_F(ring, the_name_may_change)
{
	struct ring *r = &self->ring;
	char name[] = "file", byte = 0;
	struct io_uring_cqe cqe = {};
	int fds[2];

	ASSERT_EQ(0, go_there());
	ASSERT_EQ(0, make_file("file", ""));
	ASSERT_EQ(0, pipe(fds));
	prep(r, IORING_OP_READ, fds[0], &byte, 1, 1)->flags = IOSQE_IO_LINK;
	prep_open(r, name, O_RDONLY, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	memset(name, 'x', 4);
	ASSERT_EQ(1, write(fds[1], "a", 1));
	ASSERT_CQE(r, 1, 1, 0);
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_LE(0, cqe.res);
	close(cqe.res);
	close(fds[0]);
	close(fds[1]);
	clean_up();
}

/* Opened, read and closed in one go, by a registered file. */
TEST_F(ring, into_a_slot)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	char buf[4] = "";
	int lowest = next_fd();

	ASSERT_EQ(0, go_there());
	ASSERT_EQ(0, make_file("file", "abc"));
	prep_open(r, "file", O_RDONLY, 0, 1)->file_index = 1;
	ASSERT_RESULT(r, -ENXIO);
	ASSERT_EQ(0, register_sparse(r, 2));
	sqe = prep_open(r, "file", O_RDONLY, 0, 1);
	sqe->file_index = 2;
	sqe->flags = IOSQE_IO_LINK;
	prep(r, IORING_OP_READ, 1, buf, 3, 2)->flags = IOSQE_IO_LINK | IOSQE_FIXED_FILE;
	prep_close_direct(r, 1, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	ASSERT_CQE(r, 2, 3, 0);
	ASSERT_CQE(r, 3, 0, 0);
	EXPECT_STREQ("abc", buf);
	EXPECT_FALSE(has_file(r, 1));
	prep_open(r, "file", O_RDONLY, 0, 1)->file_index = IORING_FILE_INDEX_ALLOC;
	ASSERT_RESULT(r, 1);
	EXPECT_TRUE(has_file(r, 1));
	/* One that cannot be opened leaves the slot as it is. */
	prep_open(r, "nothing", O_RDONLY, 0, 1)->file_index = 2;
	ASSERT_RESULT(r, -ENOENT);
	EXPECT_TRUE(has_file(r, 1));
	EXPECT_EQ(lowest, next_fd());
	clean_up();
}

/* One end of a FIFO is opened without the other one. */
TEST_F(ring, a_fifo)
{
	struct ring *r = &self->ring;
	int reader, writer;

	ASSERT_EQ(0, go_there());
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	EXPECT_EQ(-ENXIO, open_by(r, "fifo", O_WRONLY, 0));
	reader = open_by(r, "fifo", O_RDONLY, 0);
	ASSERT_LE(0, reader);
	EXPECT_EQ(0, fcntl(reader, F_GETFL) & O_NONBLOCK);
	writer = open_by(r, "fifo", O_WRONLY, 0);
	ASSERT_LE(0, writer);
	close(reader);
	close(writer);
	clean_up();
}

static void *open_reader(void *name)
{
	return (void *)(intptr_t)open(name, O_RDONLY);
}

/* With IOSQE_ASYNC each end waits for the other one, as with open(2). */
TEST_F(ring, a_fifo_that_is_waited_for)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	pthread_t thread;
	void *fd;
	int i;

	ASSERT_EQ(0, go_there());
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	for (i = 0; i < 2; i++) {
		/* Without a reader, one that is merely tried would be -ENXIO. */
		prep_open(r, "fifo", O_WRONLY, 0, 1)->flags = i ? IOSQE_IO_DRAIN : IOSQE_ASYNC;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, pthread_create(&thread, NULL, open_reader, "fifo"));
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_LE(0, cqe.res);
		EXPECT_EQ(1, write(cqe.res, "x", 1));
		ASSERT_EQ(0, pthread_join(thread, &fd));
		ASSERT_LE(0, (intptr_t)fd);
		close(cqe.res);
		close((intptr_t)fd);
	}
	clean_up();
}

/* Each end is opened by a worker, and waits for the other one. */
TEST_F(ring, both_ends_of_a_fifo)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int i, fds[2] = { -1, -1 };
	char byte = 0;

	ASSERT_EQ(0, go_there());
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	prep_open(r, "fifo", O_RDONLY | O_CREAT, 0600, 0);
	prep_open(r, "fifo", O_WRONLY | O_CREAT, 0600, 1);
	ASSERT_EQ(2, ring_submit(r));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_LE(0, cqe.res);
		ASSERT_GT(2, cqe.user_data);
		fds[cqe.user_data] = cqe.res;
	}
	EXPECT_EQ(1, write(fds[1], "x", 1));
	EXPECT_EQ(1, read(fds[0], &byte, 1));
	EXPECT_EQ('x', byte);
	close(fds[0]);
	close(fds[1]);
	clean_up();
}

/* What the submitter may not open the ring does not open either. */
TEST_F(ring, permissions)
{
	struct ring *r = &self->ring;
	int status;

	ASSERT_EQ(0, go_there());
	ASSERT_EQ(0, make_file("file", ""));
	ASSERT_EQ(0, chmod("file", 0600));
	ASSERT_EQ(0, chmod(".", 0755));
	/* A user who is nobody. */
	if (!fork()) {
		struct ring own;

		if (ring_init(&own, variant->backend, 4, variant->flags) ||
		    seteuid(65534))
			_exit(1);
		if (open_by(&own, "file", O_RDONLY, 0) != -EACCES ||
		    open_by(&own, "new", O_RDWR | O_CREAT, 0600) != -EACCES)
			_exit(2);
		if (seteuid(0) || open_by(&own, "file", O_RDONLY, 0) < 0)
			_exit(3);
		_exit(0);
	}
	ASSERT_NE(-1, wait(&status));
	EXPECT_EQ(0, status);
	/* A root that the file is not below. */
	if (!fork()) {
		struct ring own;

		if (ring_init(&own, variant->backend, 4, variant->flags) ||
		    mkdir("root", 0755) || chroot("root") || chdir("/"))
			_exit(1);
		if (open_by(&own, "/file", O_RDONLY, 0) != -ENOENT ||
		    open_by(&own, "../file", O_RDONLY, 0) != -ENOENT)
			_exit(2);
		_exit(0);
	}
	ASSERT_NE(-1, wait(&status));
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, ring_ready(r));
	clean_up();
}

TEST_HARNESS_MAIN
