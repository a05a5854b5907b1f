// SPDX-License-Identifier: GPL-2.0
/*
 * READ, READV, WRITE and WRITEV, on streams and on files with a position.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#define RING_MODES
#include "fixture.h"

static struct io_uring_sqe *prep_read(struct ring *ring, int fd, void *buf,
				      unsigned int len, __u64 off)
{
	struct io_uring_sqe *sqe = prep(ring, IORING_OP_READ, fd, buf, len, 1);

	sqe->off = off;
	return sqe;
}

static struct io_uring_sqe *prep_write(struct ring *ring, int fd, const void *buf,
				       unsigned int len, __u64 off)
{
	struct io_uring_sqe *sqe = prep(ring, IORING_OP_WRITE, fd, buf, len, 2);

	sqe->off = off;
	return sqe;
}

static struct io_uring_sqe *prep_readv(struct ring *ring, int fd,
				       const struct iovec *iov, unsigned int nr, __u64 off)
{
	struct io_uring_sqe *sqe = prep(ring, IORING_OP_READV, fd, iov, nr, 3);

	sqe->off = off;
	return sqe;
}

static struct io_uring_sqe *prep_writev(struct ring *ring, int fd,
					const struct iovec *iov, unsigned int nr, __u64 off)
{
	struct io_uring_sqe *sqe = prep(ring, IORING_OP_WRITEV, fd, iov, nr, 4);

	sqe->off = off;
	return sqe;
}

TEST_F(ring, a_read_waits_for_a_pipe)
{
	char buf[16] = "";
	int fd[2];

	ASSERT_EQ(0, pipe(fd));
	prep_read(&self->ring, fd[0], buf, sizeof(buf), 0);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(3, write(fd[1], "abc", 3));
	ASSERT_CQE(&self->ring, 1, 3, 0);
	EXPECT_STREQ("abc", buf);
	close(fd[1]);
	prep_read(&self->ring, fd[0], buf, sizeof(buf), 0);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 0, 0);
}

TEST_F(ring, a_write_waits_for_room)
{
	static char page[4096], big[3 * 65536], back[65536];
	int fd[2], room;

	ASSERT_EQ(0, pipe(fd));
	room = fcntl(fd[1], F_GETPIPE_SZ);
	ASSERT_EQ(65536, room);
	memset(big, 'b', sizeof(big));
	/* as much as there is room for */
	prep_write(&self->ring, fd[1], big, sizeof(big), -1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, room, 0);
	memset(page, 'p', sizeof(page));
	prep_write(&self->ring, fd[1], page, sizeof(page), -1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	ASSERT_EQ(room, read(fd[0], back, sizeof(back)));
	EXPECT_EQ(0, memcmp(back, big, room));
	ASSERT_CQE(&self->ring, 2, 4096, 0);
	ASSERT_EQ(4096, read(fd[0], back, sizeof(back)));
	EXPECT_EQ(0, memcmp(back, page, 4096));
}

TEST_F(ring, a_write_that_nobody_reads)
{
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(0, pipe(fd));
	close(fd[0]);
	prep_write(&self->ring, fd[1], "x", 1, 0);
	ASSERT_RESULT(&self->ring, -EPIPE);
}

static unsigned int pipes_broken;

static void on_broken_pipe(int signal)
{
	(void)signal;
	pipes_broken++;
}

/* Not to the submitter, if a worker of io_uring writes. */
TEST_F(ring, signal_of_a_write_that_nobody_reads)
{
	static const __u8 flags[] = { 0, IOSQE_ASYNC, IOSQE_IO_DRAIN };
	struct io_uring_cqe cqe;
	struct ring polled, *r;
	unsigned int i;
	int fd[2];

	signal(SIGPIPE, on_broken_pipe);
	ASSERT_EQ(0, pipe(fd));
	close(fd[0]);
	for (i = 0; i <= ARRAY_SIZE(flags); i++) {
		r = i < ARRAY_SIZE(flags) ? &self->ring : &polled;
		if (r == &polled)
			ASSERT_EQ(0, ring_init(r, variant->backend, 4, IORING_SETUP_SQPOLL));
		pipes_broken = 0;
		prep_write(r, fd[1], "x", 1, 0)->flags = r == &polled ? 0 : flags[i];
		ring_publish(r);
		ring_enter(r, 1, 0, r == &polled ? IORING_ENTER_SQ_WAKEUP : 0);
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(-EPIPE, cqe.res);
		EXPECT_EQ(i == 0, pipes_broken) TH_LOG("case %u", i);
	}
	ring_exit(&polled);
	close(fd[1]);
	signal(SIGPIPE, SIG_DFL);
}

/* The one that waits and the one that @prep makes end, in whichever order. */
#define ASSERT_BOTH(ring, prep) do {					\
	prep;								\
	ASSERT_EQ(1, ring_submit(ring));				\
	ASSERT_EQ(0, ring_wait(ring, 2));				\
	ASSERT_EQ(2, ring_drain(ring));					\
} while (0)

TEST_F(ring, event_counter)
{
	int fd = eventfd(0, 0);
	__u64 value = 5, back = 0;

	prep_read(&self->ring, fd, &back, 8, -1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	ASSERT_BOTH(&self->ring, prep_write(&self->ring, fd, &value, 8, -1));
	EXPECT_EQ(5, back);
	value = ULLONG_MAX - 1;
	prep_write(&self->ring, fd, &value, 8, 0);
	ASSERT_RESULT(&self->ring, 8);
	/* it would overflow */
	value = 1;
	prep_write(&self->ring, fd, &value, 8, 0);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	ASSERT_BOTH(&self->ring, prep_read(&self->ring, fd, &back, 8, 0));
	EXPECT_EQ(ULLONG_MAX - 1, back);
	/* there is room behind the 1, but not for so much: it is not the call that sleeps until there is */
	value = ULLONG_MAX - 3;
	prep_write(&self->ring, fd, &value, 8, 0);
	ASSERT_RESULT(&self->ring, 8);
	value = 5;
	prep_write(&self->ring, fd, &value, 8, 0);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	ASSERT_BOTH(&self->ring, prep_read(&self->ring, fd, &back, 8, 0));
	EXPECT_EQ(ULLONG_MAX - 2, back);
	prep_read(&self->ring, fd, &back, 4, 0);
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_F(ring, sockets)
{
	char a[4] = "", b[8] = "";
	struct iovec out[2] = { { "ab", 2 }, { "cdef", 4 } };
	struct iovec in[2] = { { a, 3 }, { b, 8 } };
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_readv(&self->ring, sv[0], in, 2, 0);
	prep_writev(&self->ring, sv[1], out, 2, 0);
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 4, 6, 0);
	ASSERT_CQE(&self->ring, 3, 6, 0);
	EXPECT_STREQ("abc", a);
	EXPECT_STREQ("def", b);
	prep_read(&self->ring, sv[0], a, 1, 1);
	ASSERT_RESULT(&self->ring, -ESPIPE);
	prep_read(&self->ring, sv[0], a, 0, 0);
	ASSERT_RESULT(&self->ring, 0);
	ASSERT_EQ(0, shutdown(sv[1], SHUT_WR));
	prep_read(&self->ring, sv[0], a, 1, -1);
	ASSERT_RESULT(&self->ring, 0);
}

/* Runs on each kind of file: in memory, and on the file system of the tree. */
TEST_F(ring, files_have_a_position)
{
	char buf[16], c[3] = "", d[16] = "";
	struct iovec in[2] = { { c, 2 }, { d, 16 } };
	struct iovec out[3] = { { "kl", 2 }, { "", 0 }, { "mno", 3 } };
	int fd, i;

	for (i = 0; i < 2; i++) {
		fd = new_file(i);
		ASSERT_LE(0, fd);
		prep_write(&self->ring, fd, "0123456789", 10, 0);
		ASSERT_RESULT(&self->ring, 10);
		ASSERT_EQ(0, lseek(fd, 0, SEEK_CUR));
		/* there */
		memset(buf, 0, sizeof(buf));
		prep_read(&self->ring, fd, buf, 3, 4);
		ASSERT_RESULT(&self->ring, 3);
		EXPECT_STREQ("456", buf);
		ASSERT_EQ(0, lseek(fd, 0, SEEK_CUR));
		/* where the file is */
		prep_read(&self->ring, fd, buf, 3, -1);
		ASSERT_RESULT(&self->ring, 3);
		EXPECT_STREQ("012", buf);
		ASSERT_EQ(3, lseek(fd, 0, SEEK_CUR));
		prep_write(&self->ring, fd, "def", 3, -1);
		ASSERT_RESULT(&self->ring, 3);
		ASSERT_EQ(6, lseek(fd, 0, SEEK_CUR));
		/* as much as there is, and nothing behind that */
		memset(buf, 0, sizeof(buf));
		prep_read(&self->ring, fd, buf, sizeof(buf), 0);
		ASSERT_RESULT(&self->ring, 10);
		EXPECT_STREQ("012def6789", buf);
		prep_read(&self->ring, fd, buf, sizeof(buf), 10);
		ASSERT_RESULT(&self->ring, 0);
		prep_read(&self->ring, fd, buf, sizeof(buf), 1ull << 62);
		ASSERT_RESULT(&self->ring, 0);
		prep_writev(&self->ring, fd, out, 3, 9);
		ASSERT_RESULT(&self->ring, 5);
		prep_readv(&self->ring, fd, in, 2, 7);
		ASSERT_RESULT(&self->ring, 7);
		EXPECT_STREQ("78", c);
		EXPECT_STREQ("klmno", d);
		/* at the end */
		ASSERT_EQ(0, fcntl(fd, F_SETFL, O_APPEND));
		prep_write(&self->ring, fd, "!", 1, 0);
		ASSERT_RESULT(&self->ring, 1);
		ASSERT_EQ(15, lseek(fd, 0, SEEK_END));
		close(fd);
	}
}

TEST_F(ring, more_than_fits_into_a_page)
{
	static unsigned char data[1 << 20], back[1 << 20];
	struct iovec iov[2] = { { back, 12345 }, { back + 12345, sizeof(back) - 12345 } };
	unsigned int i;
	int fd, j;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 7 / 3;
	for (j = 0; j < 2; j++) {
		fd = new_file(j);
		prep_write(&self->ring, fd, data, sizeof(data), 100);
		ASSERT_RESULT(&self->ring, sizeof(data));
		memset(back, 0, sizeof(back));
		prep_readv(&self->ring, fd, iov, 2, 100);
		ASSERT_RESULT(&self->ring, sizeof(data));
		EXPECT_EQ(0, memcmp(data, back, sizeof(data)));
		close(fd);
	}
}

TEST_F(ring, bad_input)
{
	struct iovec iov[1] = { { (void *)-1, 1 } };
	int fd[2], file = new_file(false), dir = open("/", O_RDONLY);
	struct io_uring_sqe *sqe;
	char buf[8];

	ASSERT_EQ(0, pipe(fd));
	prep_read(&self->ring, fd[1], buf, 1, 0);
	ASSERT_RESULT(&self->ring, -EBADF);
	prep_write(&self->ring, fd[0], buf, 1, 0);
	ASSERT_RESULT(&self->ring, -EBADF);
	prep_read(&self->ring, -1, buf, 1, 0);
	ASSERT_RESULT(&self->ring, -EBADF);
	prep_read(&self->ring, dir, buf, 1, 0);
	ASSERT_RESULT(&self->ring, -EISDIR);
	prep_read(&self->ring, fd[0], (void *)-4096, 1, 0);
	ASSERT_RESULT(&self->ring, -EFAULT);
	ASSERT_EQ(1, write(fd[1], "x", 1));
	prep_read(&self->ring, fd[0], NULL, 1, 0);
	ASSERT_RESULT(&self->ring, -EFAULT);
	/* the byte is still there */
	prep_read(&self->ring, fd[0], buf, 8, 0);
	ASSERT_RESULT(&self->ring, 1);
	prep_write(&self->ring, file, NULL, 1, 0);
	ASSERT_RESULT(&self->ring, -EFAULT);
	prep_readv(&self->ring, file, NULL, 1, 0);
	ASSERT_RESULT(&self->ring, -EFAULT);
	prep_readv(&self->ring, file, iov, 1, 0);
	ASSERT_RESULT(&self->ring, -EFAULT);
	iov[0].iov_base = buf;
	iov[0].iov_len = -1;
	prep_writev(&self->ring, file, iov, 1, 0);
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_writev(&self->ring, file, iov, 1025, 0);
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_readv(&self->ring, file, iov, 0, 0);
	ASSERT_RESULT(&self->ring, 0);
	prep_read(&self->ring, file, buf, 8, -2);
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep_read(&self->ring, file, buf, 8, 0);
	sqe->rw_flags = 1 << 30;
	ASSERT_RESULT(&self->ring, -EOPNOTSUPP);
	sqe = prep_read(&self->ring, file, buf, 8, 0);
	sqe->rw_flags = RWF_HIPRI;
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep_read(&self->ring, file, buf, 8, 0);
	sqe->rw_flags = RWF_APPEND | RWF_NOAPPEND;
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep_read(&self->ring, file, buf, 8, 0);
	sqe->attr_type_mask = 2;
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep_read(&self->ring, file, buf, 8, 0);
	sqe->ioprio = 5 << 13;
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep_read(&self->ring, file, buf, 8, 0);
	sqe->ioprio = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep_read(&self->ring, file, buf, 8, 0);
	sqe->ioprio = 2 << 13 | 4;
	ASSERT_RESULT(&self->ring, 0);
	sqe = prep_read(&self->ring, fd[0], buf, 8, 0);
	sqe->rw_flags = RWF_NOWAIT;
	ASSERT_RESULT(&self->ring, -EAGAIN);
	ASSERT_EQ(0, ring_ready(&self->ring));
}

/* Of a vector's only element no more has to be memory than can be transferred at once: that of others is asked for whole. */
TEST_F(ring, only_element_may_say_more_than_there_is)
{
	const size_t most = 0x7ffff000;
	struct iovec iov[2] = {};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 };
	/* 2 GiB away from the end of the address space, as the stack need not be */
	static char buf[8];
	int fd[2], sv[2];

	ASSERT_EQ(0, pipe(fd));
	ASSERT_EQ(0, unix_pair(SOCK_DGRAM, sv));
	iov[0] = (struct iovec) { buf, SSIZE_MAX };
	ASSERT_EQ(5, write(fd[1], "hello", 5));
	prep_readv(&self->ring, fd[0], iov, 1, 0);
	ASSERT_RESULT(&self->ring, 5);
	EXPECT_EQ(0, memcmp(buf, "hello", 5));
	ASSERT_EQ(4, send(sv[1], "more", 4, 0));
	prep(&self->ring, IORING_OP_RECVMSG, sv[0], &msg, 1, 3);
	ASSERT_RESULT(&self->ring, 4);
	EXPECT_EQ(0, memcmp(buf, "more", 4));
	/* but that much has to be */
	iov[0].iov_base = (void *)-most;
	prep_readv(&self->ring, fd[0], iov, 1, 0);
	ASSERT_RESULT(&self->ring, -EFAULT);
	iov[0].iov_base = buf;
	prep_readv(&self->ring, fd[0], iov, 2, 0);
	ASSERT_RESULT(&self->ring, -EFAULT);
	msg.msg_iovlen = 2;
	prep(&self->ring, IORING_OP_RECVMSG, sv[0], &msg, 1, 3);
	ASSERT_RESULT(&self->ring, -EFAULT);
	/* a length that is none is found before it is asked where any is */
	iov[1] = (struct iovec) { buf, -1 };
	prep_readv(&self->ring, fd[0], iov, 2, 0);
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_F(ring, files_without_the_operation)
{
	struct io_uring_sqe *sqe;
	char buf[8];
	int fd;

	prep_read(&self->ring, self->ring.fd, buf, 8, 0);
	prep_nop(&self->ring, 9);
	ASSERT_EQ(2, ring_submit(&self->ring));
	/* io_uring waits for the ring before it says so */
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	ASSERT_EQ(2, ring_drain(&self->ring));
	fd = open("/proc/self/ns/net", O_RDONLY);
	prep_read(&self->ring, fd, buf, 8, 0);
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep(&self->ring, IORING_OP_WRITEV, fd, NULL, 0, 1);
	sqe->off = 0;
	ASSERT_RESULT(&self->ring, -EBADF);
}

TEST_F(ring, a_priority_that_takes_a_privilege)
{
	int file = new_file(false);
	struct io_uring_sqe *sqe;
	char buf[8];

	sqe = prep_read(&self->ring, file, buf, 8, 0);
	sqe->ioprio = 1 << 13;
	ASSERT_RESULT(&self->ring, 0);
	ASSERT_EQ(0, become_nobody());
	sqe = prep_read(&self->ring, file, buf, 8, 0);
	sqe->ioprio = 1 << 13;
	ASSERT_RESULT(&self->ring, -EPERM);
}

/* Files whose operations take neither flags nor vectors, or that cannot be polled. */
TEST_F(ring, other_files)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1000000 };
	char buf[512] = "", a[4], b[64] = "";
	struct iovec iov[2] = { { a, 4 }, { b, sizeof(b) } };
	int fd, dir, timer;
	__u64 expired = 0;

	fd = open("/dev/zero", O_RDWR);
	memset(a, 1, 4);
	prep_read(&self->ring, fd, a, 4, -1);
	ASSERT_RESULT(&self->ring, 4);
	EXPECT_EQ(0, a[0] | a[1] | a[2] | a[3]);
	prep_write(&self->ring, fd, a, 4, -1);
	ASSERT_RESULT(&self->ring, 4);
	fd = open("/proc/self/comm", O_RDWR);
	prep_write(&self->ring, fd, "abcdefgh", 8, 0);
	ASSERT_RESULT(&self->ring, 8);
	prep_readv(&self->ring, fd, iov, 2, 0);
	ASSERT_RESULT(&self->ring, 9);
	EXPECT_EQ(0, memcmp(a, "abcd", 4));
	EXPECT_STREQ("efgh\n", b);
	prep_read(&self->ring, fd, buf, sizeof(buf), -1);
	ASSERT_RESULT(&self->ring, 9);
	prep_read(&self->ring, fd, buf, sizeof(buf), -1);
	ASSERT_RESULT(&self->ring, 0);
	timer = timerfd_create(CLOCK_MONOTONIC, 0);
	prep_read(&self->ring, timer, &expired, 8, 0);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, timerfd_settime(timer, 0, &soon, NULL));
	ASSERT_CQE(&self->ring, 1, 8, 0);
	EXPECT_EQ(1, expired);
	/* this one only has ->read(), and waits */
	dir = inotify_init();
	ASSERT_LE(1, inotify_add_watch(dir, "/dev/null", IN_OPEN));
	prep_read(&self->ring, dir, buf, sizeof(buf), 0);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	close(open("/dev/null", O_RDONLY));
	ASSERT_CQE(&self->ring, 1, sizeof(struct inotify_event), 0);
	EXPECT_EQ(IN_OPEN, ((struct inotify_event *)buf)->mask);
}

TEST_F(ring, what_is_short_breaks_a_link)
{
	int file = new_file(false);
	struct io_uring_sqe *sqe;
	char buf[8];

	sqe = prep_write(&self->ring, file, "abc", 3, 0);
	sqe->flags = IOSQE_IO_LINK;
	sqe = prep_read(&self->ring, file, buf, 3, 0);
	sqe->flags = IOSQE_IO_LINK;
	sqe = prep_read(&self->ring, file, buf, 8, 0);
	sqe->flags = IOSQE_IO_LINK;
	prep_nop(&self->ring, 9);
	ASSERT_EQ(4, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 3, 0);
	ASSERT_CQE(&self->ring, 1, 3, 0);
	ASSERT_CQE(&self->ring, 1, 3, 0);
	ASSERT_CQE(&self->ring, 9, -ECANCELED, 0);
	/* a success that is not to be told of */
	sqe = prep_read(&self->ring, file, buf, 3, 0);
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	sqe = prep_read(&self->ring, file, buf, 8, 0);
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 3, 0);
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, cancelled)
{
	char buf[8];
	int fd[2];

	ASSERT_EQ(0, pipe(fd));
	prep_read(&self->ring, fd[0], buf, 8, 0);
	ASSERT_EQ(1, ring_submit(&self->ring));
	prep_cancel(&self->ring, 1, 0, 8);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 8, 0, 0);
	ASSERT_CQE(&self->ring, 1, -ECANCELED, 0);
	ASSERT_EQ(1, write(fd[1], "x", 1));
	ASSERT_EQ(1, read(fd[0], buf, 8));
}

TEST_F(ring, the_limit_on_file_sizes)
{
	struct rlimit limit = { 8, 8 };
	int file = new_file(false);

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	prep_write(&self->ring, file, "0123456789", 10, 4);
	ASSERT_RESULT(&self->ring, 4);
	prep_write(&self->ring, file, "0123456789", 10, 8);
	ASSERT_RESULT(&self->ring, -EFBIG);
	EXPECT_EQ(8, lseek(file, 0, SEEK_END));
}

TEST_HARNESS_MAIN
