// SPDX-License-Identifier: GPL-2.0
/*
 * READ_MULTISHOT.
 */
#include <fcntl.h>
#include <linux/ruring.h>
#include <pthread.h>
#include <sys/eventfd.h>

#define RING_MODES
#include "group.h"

static struct io_uring_sqe *prep_multi(struct ring *ring, int fd, __u64 user_data)
{
	struct io_uring_sqe *sqe;

	sqe = prep(ring, IORING_OP_READ_MULTISHOT, fd, NULL, 0, user_data);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	sqe->off = -1;
	return sqe;
}

TEST_F(ring, one_read_after_another)
{
	static const char *const words[] = { "one", "two", "three" };
	unsigned int kind, sockets, i, at;
	struct group g;
	int fd[2];

	for (kind = 0; kind < KINDS; kind++) {
		for (sockets = 0; sockets < 2; sockets++) {
			ASSERT_EQ(0, channel(sockets, fd));
			ASSERT_EQ(0, group_init(&g, &self->ring, kind, 4, 16));
			prep_multi(&self->ring, fd[0], 7);
			ASSERT_EQ(1, ring_submit(&self->ring));
			for (i = 0, at = 0; i < 3; i++) {
				unsigned int len = strlen(words[i]);

				ASSERT_EQ((int)len, write(fd[1], words[i], len));
				if (kind == PARTS) {
					ASSERT_CQE(&self->ring, 7, len, PART(0) | MORE);
					EXPECT_EQ(0, memcmp(g.mem + at, words[i], len));
				} else {
					ASSERT_CQE(&self->ring, 7, len, BUFFER_FLAGS(i) | MORE);
					EXPECT_EQ(0, memcmp(g.mem + i * 16, words[i], len));
				}
				at += len;
			}
			ASSERT_QUIET(&self->ring);
			/* the end of the stream is told, and no buffer is used for that */
			close(fd[1]);
			ASSERT_CQE(&self->ring, 7, 0, 0);
			ASSERT_QUIET(&self->ring);
			prep_select(&self->ring, fd[0], 0, 8);
			ASSERT_EQ(1, ring_submit(&self->ring));
			ASSERT_CQE(&self->ring, 8, 0, kind == PARTS ? PART(0) : BUFFER_FLAGS(3));
			close(fd[0]);
			group_exit(&g, 4);
		}
	}
}

TEST_F(ring, what_is_there_already)
{
	unsigned int kind;
	struct group g;
	int fd[2];

	for (kind = 0; kind < KINDS; kind++) {
		ASSERT_EQ(0, channel(false, fd));
		ASSERT_EQ(0, group_init(&g, &self->ring, kind, 4, 4));
		ASSERT_EQ(10, write(fd[1], "0123456789", 10));
		prep_multi(&self->ring, fd[0], 7);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 7, 4, BUFFER_FLAGS(0) | MORE);
		ASSERT_CQE(&self->ring, 7, 4, BUFFER_FLAGS(1) | MORE);
		ASSERT_CQE(&self->ring, 7, 2,
			   (kind == PARTS ? PART(2) : BUFFER_FLAGS(2)) | MORE);
		EXPECT_EQ(0, memcmp(g.mem, "0123456789", 10));
		ASSERT_QUIET(&self->ring);
		close(fd[1]);
		ASSERT_CQE(&self->ring, 7, 0, 0);
		close(fd[0]);
		group_exit(&g, 4);
	}
}

TEST_F(ring, event_counter)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	struct group g;
	__u64 value;
	int i;

	ASSERT_EQ(0, group_init(&g, &self->ring, MAPPED, 4, 8));
	prep_multi(&self->ring, fd, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	for (i = 0; i < 4; i++) {
		value = i + 3;
		ASSERT_EQ(8, write(fd, &value, 8));
		ASSERT_CQE(&self->ring, 7, 8, BUFFER_FLAGS(i) | MORE);
		EXPECT_EQ(0, memcmp(g.mem + i * 8, &value, 8));
	}
	/* without a buffer the value stays where it is */
	ASSERT_EQ(8, write(fd, &value, 8));
	ASSERT_CQE(&self->ring, 7, -ENOBUFS, 0);
	ASSERT_EQ(8, read(fd, &value, 8));
	EXPECT_EQ(6, value);
	group_exit(&g, 4);
	/* one that is too small for the value */
	ASSERT_EQ(0, group_init(&g, &self->ring, MAPPED, 4, 4));
	ASSERT_EQ(8, write(fd, &value, 8));
	prep_multi(&self->ring, fd, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, -EINVAL, 0);
	ASSERT_EQ(8, read(fd, &value, 8));
}

TEST_F(ring, no_buffer_is_left)
{
	unsigned int kind;
	struct group g;
	char rest[16];
	int fd[2];

	for (kind = 0; kind < KINDS; kind++) {
		ASSERT_EQ(0, channel(kind == PARTS, fd));
		ASSERT_EQ(0, group_init(&g, &self->ring, kind, 2, 4));
		prep_multi(&self->ring, fd[0], 7);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_EQ(13, write(fd[1], "0123456789abc", 13));
		ASSERT_CQE(&self->ring, 7, 4, BUFFER_FLAGS(0) | MORE);
		ASSERT_CQE(&self->ring, 7, 4, BUFFER_FLAGS(1) | MORE);
		ASSERT_CQE(&self->ring, 7, -ENOBUFS, 0);
		ASSERT_EQ(5, read(fd[0], rest, sizeof(rest)));
		EXPECT_EQ(0, memcmp(rest, "89abc", 5));
		EXPECT_EQ(0, memcmp(g.mem, "01234567", 8));
		/* there is none to begin with */
		prep_multi(&self->ring, fd[0], 8);
		ASSERT_RESULT(&self->ring, -ENOBUFS);
		prep_select(&self->ring, fd[0], 0, 8);
		ASSERT_RESULT(&self->ring, -ENOBUFS);
		close(fd[0]);
		close(fd[1]);
		group_exit(&g, 2);
	}
	/* there is no such group any more */
	ASSERT_EQ(0, channel(false, fd));
	prep_multi(&self->ring, fd[0], 8);
	ASSERT_RESULT(&self->ring, -ENOBUFS);
}

static int give_back(struct group *g, unsigned int bid)
{
	if (g->kind == CLASSIC)
		return provide(g, bid, 1);
	pbuf_push(&g->pb, bid);
	ring_run(g->ring);
	return 0;
}

/* RURING_READ_KEEP, which is ruring's own: it waits for buffers rather than end. */
TEST_F(ring, kept_without_buffers)
{
	struct ring *r = &self->ring;
	unsigned int kind;
	struct group g;
	int fd[2];

	for (kind = MAPPED; kind <= CLASSIC; kind++) {
		ASSERT_EQ(0, channel(kind == CLASSIC, fd));
		ASSERT_EQ(0, group_init(&g, r, kind, 2, 4));
		prep_multi(r, fd[0], 7)->len = RURING_READ_KEEP;
		if (variant->backend == IO_URING) {
			ASSERT_RESULT(r, -EINVAL);
			return;
		}
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(13, write(fd[1], "0123456789abc", 13));
		ASSERT_CQE(r, 7, 4, BUFFER_FLAGS(0) | MORE);
		ASSERT_CQE(r, 7, 4, BUFFER_FLAGS(1) | MORE);
		/* once for each shortage */
		ASSERT_CQE(r, 7, -ENOBUFS, MORE);
		ASSERT_EQ(1, write(fd[1], "d", 1));
		ASSERT_QUIET(r);
		ASSERT_EQ(0, give_back(&g, 1));
		ASSERT_CQE(r, 7, 4, BUFFER_FLAGS(1) | MORE);
		EXPECT_EQ(0, memcmp(g.mem + 4, "89ab", 4));
		ASSERT_CQE(r, 7, -ENOBUFS, MORE);
		ASSERT_QUIET(r);
		ASSERT_EQ(0, give_back(&g, 0));
		ASSERT_CQE(r, 7, 2, BUFFER_FLAGS(0) | MORE);
		EXPECT_EQ(0, memcmp(g.mem, "cd", 2));
		ASSERT_QUIET(r);
		/* nothing is missing as long as there is nothing to read, and the end uses nothing up */
		ASSERT_EQ(0, give_back(&g, 1));
		close(fd[1]);
		ASSERT_CQE(r, 7, 0, 0);
		close(fd[0]);
		group_exit(&g, 1);
	}
	/* without a group, and cancelled meanwhile */
	ASSERT_EQ(0, channel(false, fd));
	prep_multi(r, fd[0], 7)->len = RURING_READ_KEEP;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(1, write(fd[1], "x", 1));
	ASSERT_CQE(r, 7, -ENOBUFS, MORE);
	prep_cancel(r, 7, 0, 8);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 8, 0, 0);
	ASSERT_CQE(r, 7, -ECANCELED, 0);
}

TEST_F(ring, what_is_refused)
{
	struct io_uring_sqe *sqe;
	struct group g;
	int fd[2], file = new_file(false);

	ASSERT_EQ(0, channel(false, fd));
	ASSERT_EQ(0, group_init(&g, &self->ring, MAPPED, 2, 4));
	/* what cannot be polled, whichever way it is open */
	prep_multi(&self->ring, file, 1);
	ASSERT_RESULT(&self->ring, -EBADFD);
	sqe = prep_multi(&self->ring, open("/proc/self/exe", O_PATH), 1);
	ASSERT_RESULT(&self->ring, -EBADF);
	prep_multi(&self->ring, fd[1], 1);
	ASSERT_RESULT(&self->ring, -EBADF);
	prep_multi(&self->ring, 9999, 1);
	ASSERT_RESULT(&self->ring, -EBADF);
	sqe = prep_multi(&self->ring, fd[0], 1);
	sqe->addr = (uintptr_t)g.mem;
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep_multi(&self->ring, fd[0], 1);
	sqe->len = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep_multi(&self->ring, fd[0], 1);
	sqe->flags = 0;
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep_multi(&self->ring, fd[0], 1);
	sqe->ioprio = 2 << 13;
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep_multi(&self->ring, fd[0], 1);
	sqe->attr_type_mask = 2;
	ASSERT_RESULT(&self->ring, -EINVAL);
	sqe = prep_multi(&self->ring, fd[0], 1);
	sqe->rw_flags = 1 << 30;
	ASSERT_RESULT(&self->ring, -EOPNOTSUPP);
	sqe = prep_multi(&self->ring, fd[0], 1);
	sqe->rw_flags = RWF_HIPRI;
	ASSERT_RESULT(&self->ring, -EINVAL);
	/* nothing of that has used a buffer up */
	ASSERT_EQ(1, write(fd[1], "x", 1));
	prep_select(&self->ring, fd[0], 0, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 2, 1, BUFFER_FLAGS(0));
}

/* What is ready, and has no operation for it, takes no buffer. */
TEST_F(ring, what_cannot_be_read)
{
	struct ring *r = &self->ring, other;
	unsigned int kind;
	struct group g;

	ASSERT_EQ(0, ring_init(&other, variant->backend, 4, 0));
	prep_nop(&other, 1);
	ASSERT_EQ(1, ring_submit(&other));
	for (kind = 0; kind < KINDS; kind++) {
		ASSERT_EQ(0, group_init(&g, r, kind, 4, 16));
		prep_multi(r, other.fd, 7);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_CQE(r, 7, -EINVAL, 0);
		group_exit(&g, 4);
	}
	ring_exit(&other);
}

TEST_F(ring, without_waiting)
{
	struct io_uring_sqe *sqe;
	struct group g;
	int fd[2];

	ASSERT_EQ(0, channel(false, fd));
	ASSERT_EQ(0, group_init(&g, &self->ring, MAPPED, 2, 4));
	sqe = prep_multi(&self->ring, fd[0], 1);
	sqe->rw_flags = RWF_NOWAIT;
	ASSERT_RESULT(&self->ring, -EAGAIN);
	ASSERT_EQ(3, write(fd[1], "abc", 3));
	sqe = prep_multi(&self->ring, fd[0], 1);
	sqe->rw_flags = RWF_NOWAIT;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 3, BUFFER_FLAGS(0) | MORE);
	ASSERT_CQE(&self->ring, 1, -EAGAIN, 0);
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, offsets)
{
	struct io_uring_sqe *sqe;
	struct group g;
	int fd[2];

	ASSERT_EQ(0, group_init(&g, &self->ring, MAPPED, 4, 4));
	/* a pipe has no use for one */
	ASSERT_EQ(0, channel(false, fd));
	ASSERT_EQ(3, write(fd[1], "abc", 3));
	sqe = prep_multi(&self->ring, fd[0], 1);
	sqe->off = 12345;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 3, BUFFER_FLAGS(0) | MORE);
	ASSERT_EQ(1, write(fd[1], "d", 1));
	ASSERT_CQE(&self->ring, 1, 1, BUFFER_FLAGS(1) | MORE);
	sqe = prep_multi(&self->ring, fd[0], 2);
	sqe->off = -2;
	ASSERT_RESULT(&self->ring, -EINVAL);
	/* a socket refuses any */
	ASSERT_EQ(0, channel(true, fd));
	ASSERT_EQ(3, write(fd[1], "abc", 3));
	sqe = prep_multi(&self->ring, fd[0], 3);
	sqe->off = 1;
	ASSERT_RESULT(&self->ring, -ESPIPE);
	sqe = prep_multi(&self->ring, fd[0], 3);
	sqe->off = 0;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 3, 3, BUFFER_FLAGS(2) | MORE);
}

TEST_F(ring, cancelled)
{
	unsigned int kind;
	struct group g;
	char byte;
	int fd[2];

	for (kind = 0; kind < KINDS; kind++) {
		ASSERT_EQ(0, channel(kind == CLASSIC, fd));
		ASSERT_EQ(0, group_init(&g, &self->ring, kind, 2, 4));
		prep_multi(&self->ring, fd[0], 7);
		ASSERT_EQ(1, ring_submit(&self->ring));
		prep_cancel(&self->ring, 7, 0, 8);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 8, 0, 0);
		ASSERT_CQE(&self->ring, 7, -ECANCELED, 0);
		/* what comes later is there for others */
		ASSERT_EQ(1, write(fd[1], "x", 1));
		ASSERT_QUIET(&self->ring);
		ASSERT_EQ(1, read(fd[0], &byte, 1));
		EXPECT_EQ('x', byte);
		/* a read that waits keeps a buffer of a classic group */
		prep_select(&self->ring, fd[0], 0, 7);
		ASSERT_EQ(1, ring_submit(&self->ring));
		prep_cancel(&self->ring, 7, 0, 8);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 8, 0, 0);
		ASSERT_CQE(&self->ring, 7, -ECANCELED,
			   kind == CLASSIC ? BUFFER_FLAGS(0) : 0);
		close(fd[0]);
		close(fd[1]);
		group_exit(&g, 2);
	}
}

TEST_F(ring, the_file_stays_open)
{
	struct group g;
	int fd[2];

	ASSERT_EQ(0, channel(false, fd));
	ASSERT_EQ(0, group_init(&g, &self->ring, MAPPED, 4, 4));
	prep_multi(&self->ring, fd[0], 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	close(fd[0]);
	ASSERT_EQ(1, write(fd[1], "x", 1));
	ASSERT_CQE(&self->ring, 7, 1, BUFFER_FLAGS(0) | MORE);
	ASSERT_EQ(1, write(fd[1], "y", 1));
	ASSERT_CQE(&self->ring, 7, 1, BUFFER_FLAGS(1) | MORE);
	close(fd[1]);
	ASSERT_CQE(&self->ring, 7, 0, 0);
}

TEST_F(ring, no_room_for_completions)
{
	struct io_uring_cqe cqe;
	unsigned int i, count;
	struct group g;
	struct ring ring;
	char rest[64];
	int fd[2];

	ASSERT_EQ(0, ring_init_cq(&ring, variant->backend, 4, 4, variant->flags));
	ASSERT_EQ(0, channel(false, fd));
	ASSERT_EQ(0, group_init(&g, &ring, MAPPED, 16, 1));
	prep_multi(&ring, fd[0], 7);
	ASSERT_EQ(1, ring_submit(&ring));
	ASSERT_EQ(10, write(fd[1], "0123456789", 10));
	ASSERT_EQ(0, ring_wait(&ring, 4));
	for (count = 0;; count++) {
		ASSERT_EQ(0, ring_take(&ring, &cqe));
		ASSERT_EQ(1, cqe.res);
		ASSERT_EQ(count, cqe_bid(&cqe));
		if (!(cqe.flags & MORE))
			break;
	}
	/* it has ended, with the byte that it had in hands; the others are still there */
	count++;
	ASSERT_GT(10u, count);
	for (i = 0; i < count; i++)
		EXPECT_EQ("0123456789"[i], g.mem[i]);
	ASSERT_EQ((int)(10 - count), read(fd[0], rest, sizeof(rest)));
	EXPECT_EQ("0123456789"[count], rest[0]);
	ring_exit(&ring);
}

/* Many bytes in pieces of any size: each comes once, in order. */
#define TOTAL	(64 * 1024)

static void *writer(void *arg)
{
	unsigned char data[200];
	unsigned int sent = 0, seed = 1, len, i;

	while (sent < TOTAL) {
		seed = seed * 1103515245 + 12345;
		len = 1 + (seed >> 16) % sizeof(data);
		if (len > TOTAL - sent)
			len = TOTAL - sent;
		for (i = 0; i < len; i++)
			data[i] = (sent + i) * 7 / 5;
		if (write(*(int *)arg, data, len) != (ssize_t)len)
			break;
		sent += len;
	}
	close(*(int *)arg);
	return NULL;
}

TEST_F(ring, no_byte_is_lost)
{
	unsigned int got = 0, i, armed, bid;
	struct io_uring_cqe cqe;
	pthread_t thread;
	struct group g;
	int fd[2];

	ASSERT_EQ(0, channel(false, fd));
	ASSERT_EQ(0, group_init(&g, &self->ring, MAPPED, 4, 64));
	ASSERT_EQ(0, pthread_create(&thread, NULL, writer, &fd[1]));
	for (armed = 0;;) {
		if (!armed) {
			prep_multi(&self->ring, fd[0], 7);
			ASSERT_EQ(1, ring_submit(&self->ring));
		}
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		armed = cqe.flags & MORE;
		if (cqe.res == -ENOBUFS)
			continue;
		if (cqe.res == 0)
			break;
		ASSERT_LT(0, cqe.res);
		bid = cqe_bid(&cqe);
		for (i = 0; i < (unsigned int)cqe.res; i++)
			ASSERT_EQ((unsigned char)((got + i) * 7 / 5),
				  (unsigned char)g.mem[bid * 64 + i]);
		got += cqe.res;
		pbuf_push(&g.pb, bid);
	}
	EXPECT_EQ(TOTAL, got);
	pthread_join(thread, NULL);
}

/* Also of a file that cannot be asked, before there is anything to be read. */
TEST_F(ring, terminal_without_buffers)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	ASSERT_LE(0, fd);
	prep_multi(&self->ring, fd, 7);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 7, -ENOBUFS, 0);
	close(fd);
}

TEST_HARNESS_MAIN
