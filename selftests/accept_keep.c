// SPDX-License-Identifier: GPL-2.0
/*
 * Multishot ACCEPT that goes on after there was no room for a connection
 * (RURING_ACCEPT_KEEP), which stays in the backlog. io_uring has none of this.
 */
#include <linux/ruring.h>
#include <pthread.h>
#include <sys/resource.h>

#define RING_MODES
#include "files.h"

#define MORE	IORING_CQE_F_MORE
#define BGID	7
#define NR	5

static struct io_uring_sqe *prep_keep(struct ring *r, int listener, bool direct, __u64 data)
{
	struct io_uring_sqe *sqe = prep_accept_multi(r, listener, data);

	sqe->ioprio |= RURING_ACCEPT_KEEP;
	if (direct)
		sqe->file_index = IORING_FILE_INDEX_ALLOC;
	return sqe;
}

static int close_slot(struct ring *r, unsigned int slot)
{
	int none = -1;

	return update_files(r, slot, &none, 1);
}

/* Let the process have as many descriptors as it has, and @more. */
static int limit_descriptors(struct rlimit *old, unsigned int more)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, old))
		return -1;
	limit = *old;
	limit.rlim_cur = next_fd() + more;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(ring, arguments)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr);

	prep_keep(r, listener, false, 1)->ioprio = RURING_ACCEPT_KEEP;
	ASSERT_RESULT(r, -EINVAL);
	if (variant->backend == RURING)
		return;
	/* io_uring has no such flag. */
	prep_keep(r, listener, false, 1);
	ASSERT_RESULT(r, -EINVAL);
}

/* Each connection in turn is served, none is lost, and one completion tells of each shortage. */
TEST_F(ring, slots)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	int i, client[NR], listener = tcp_listen(&addr);
	char c;

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	ASSERT_EQ(0, register_sparse(r, 2));
	prep_keep(r, listener, true, 1);
	ASSERT_EQ(1, ring_submit(r));
	for (i = 0; i < 2; i++) {
		client[i] = tcp_connect(&addr);
		ASSERT_LE(0, client[i]);
		ASSERT_CQE(r, 1, i, MORE);
	}
	/* The table is full, which nobody hears of who has nobody to accept. */
	ASSERT_QUIET(r);
	for (; i < NR; i++) {
		client[i] = tcp_connect(&addr);
		ASSERT_LE(0, client[i]);
	}
	ASSERT_CQE(r, 1, -ENFILE, MORE);
	ASSERT_QUIET(r);
	ASSERT_QUIET(r);
	for (i = 2; i < NR; i++) {
		ASSERT_EQ(1, close_slot(r, i % 2));
		ASSERT_EQ(0, ring_run(r));
		ASSERT_CQE(r, 1, i % 2, MORE | (i < NR - 1 ? IORING_CQE_F_SOCK_NONEMPTY : 0));
		/* The next one is told of anew. */
		if (i < NR - 1)
			ASSERT_CQE(r, 1, -ENFILE, MORE);
		ASSERT_QUIET(r);
		/* It is the client whose turn it was. */
		ASSERT_EQ(1, send(client[i], &i, 1, 0));
		prep_recv(r, i % 2, &c, 1, 2)->flags = IOSQE_FIXED_FILE;
		ASSERT_COMPLETES(r, 2, 1, 0);
		EXPECT_EQ(i, c);
	}
	prep_cancel(r, 1, 0, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 2));
	for (i = 0; i < NR; i++)
		close(client[i]);
	close(listener);
}

/* A request of the ring makes the room, and the same call goes on with the other one. */
TEST_F(ring, a_request_that_makes_room)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	int client[2], listener = tcp_listen(&addr);

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	client[0] = tcp_connect(&addr);
	client[1] = tcp_connect(&addr);
	ASSERT_EQ(0, register_sparse(r, 1));
	prep_keep(r, listener, true, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 1, 0, MORE | IORING_CQE_F_SOCK_NONEMPTY);
	ASSERT_CQE(r, 1, -ENFILE, MORE);
	prep(r, IORING_OP_CLOSE, 0, NULL, 0, 2)->file_index = 1;
	ASSERT_EQ(1, ring_enter(r, ring_publish(r), 2, IORING_ENTER_GETEVENTS));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_CQE(r, 1, 0, MORE);
	close(client[0]);
	close(client[1]);
	close(listener);
}

TEST_F(ring, descriptors)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe = {};
	struct sockaddr_in addr;
	struct rlimit old;
	int i, fd, client[3], listener = tcp_listen(&addr);

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	for (i = 0; i < 3; i++)
		client[i] = tcp_connect(&addr);
	ASSERT_EQ(0, limit_descriptors(&old, 1));
	prep_keep(r, listener, false, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	fd = cqe.res;
	ASSERT_LE(0, fd);
	ASSERT_CQE(r, 1, -EMFILE, MORE);
	ASSERT_QUIET(r);
	close(fd);
	ASSERT_EQ(0, ring_run(r));
	ASSERT_CQE(r, 1, fd, MORE | IORING_CQE_F_SOCK_NONEMPTY);
	ASSERT_CQE(r, 1, -EMFILE, MORE);
	ASSERT_QUIET(r);
	/* A higher limit is as good. */
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	ASSERT_EQ(0, ring_run(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_LT(fd, cqe.res);
	EXPECT_EQ(MORE, cqe.flags);
	ASSERT_QUIET(r);
	for (i = 0; i < 3; i++)
		close(client[i]);
	close(listener);
}

TEST_F(ring, buffers_for_addresses)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe = {};
	struct io_uring_sqe *sqe;
	struct sockaddr_in addr;
	struct pbuf pb;
	int i, client[2], listener = tcp_listen(&addr);

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	ASSERT_EQ(0, pbuf_init(&pb, r, BGID, 4, 64));
	sqe = prep_keep(r, listener, false, 1);
	sqe->ioprio |= RURING_ACCEPT_ADDR;
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = BGID;
	ASSERT_EQ(1, ring_submit(r));
	client[0] = tcp_connect(&addr);
	ASSERT_CQE(r, 1, -ENOBUFS, MORE);
	client[1] = tcp_connect(&addr);
	ASSERT_QUIET(r);
	for (i = 0; i < 2; i++) {
		pbuf_push(&pb, i);
		ASSERT_EQ(0, ring_run(r));
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_LE(0, cqe.res);
		EXPECT_EQ(BUFFER_FLAGS(i) | MORE, cqe.flags & ~IORING_CQE_F_SOCK_NONEMPTY);
		if (!i)
			ASSERT_CQE(r, 1, -ENOBUFS, MORE);
	}
	pbuf_exit(&pb);
	close(client[0]);
	close(client[1]);
	close(listener);
}

/* An accept that finds a connection and no slot, for which @client stands in the table. Returns its listener. */
static int accept_short(struct ring *r, int *client)
{
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr);

	*client = tcp_connect(&addr);
	if (register_sparse(r, 1) || update_files(r, 0, client, 1) != 1)
		return -1;
	prep_keep(r, listener, true, 1);
	return ring_submit(r) == 1 ? listener : -1;
}

/* At the moment of a shortage: a cancel, the listener's end, the table's. */
TEST_F(ring, ends)
{
	struct ring *r = &self->ring;
	int i, client, listener;

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	for (i = 0; i < 2; i++) {
		listener = accept_short(r, &client);
		ASSERT_LE(0, listener);
		ASSERT_CQE(r, 1, -ENFILE, MORE);
		if (i) {
			ASSERT_EQ(0, ring_register(r, IORING_UNREGISTER_FILES, NULL, 0));
			ASSERT_EQ(0, ring_run(r));
			ASSERT_CQE(r, 1, -ENXIO, 0);
		} else {
			prep_cancel(r, 1, 0, 2);
			ASSERT_EQ(1, ring_submit(r));
			ASSERT_EQ(0, ring_wait(r, 2));
			ASSERT_EQ(2, ring_drain(r));
			ASSERT_EQ(0, ring_register(r, IORING_UNREGISTER_FILES, NULL, 0));
		}
		close(client);
		close(listener);
	}
	/* With the ring. */
	listener = accept_short(r, &client);
	ASSERT_LE(0, listener);
	ASSERT_CQE(r, 1, -ENFILE, MORE);
	close(client);
	close(listener);
}

TEST_HARNESS_MAIN
