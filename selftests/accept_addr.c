// SPDX-License-Identifier: GPL-2.0
/*
 * ACCEPT that tells who came in a provided buffer, and takes nobody out of the backlog who could not be told of.
 * io_uring has none of this.
 */
#include <linux/ruring.h>
#include <sys/resource.h>

#define RING_MODES
#include "files.h"

#define MORE	IORING_CQE_F_MORE
#define NONEMPTY	IORING_CQE_F_SOCK_NONEMPTY
#define BGID	7

static struct io_uring_sqe *prep_who(struct ring *r, int listener, __u64 data)
{
	struct io_uring_sqe *sqe = prep_accept_multi(r, listener, data);

	sqe->ioprio |= RURING_ACCEPT_ADDR;
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = BGID;
	return sqe;
}

/* Whether the buffer says that it was @client. */
static bool tells_of(struct pbuf *pb, const struct io_uring_cqe *cqe, int client)
{
	struct ruring_accept_addr *who;
	struct sockaddr_in own;
	socklen_t len = sizeof(own);

	if (!(cqe->flags & IORING_CQE_F_BUFFER))
		return false;
	who = (void *)pbuf_mem(pb, cqe->flags >> IORING_CQE_BUFFER_SHIFT);
	return !getsockname(client, (struct sockaddr *)&own, &len) &&
	       who->len == sizeof(own) && !who->resv && !memcmp(who->addr, &own, 8);
}

TEST_F(ring, who_came)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe = {};
	struct sockaddr_in addr;
	struct pbuf pb;
	int i, client[3], listener = tcp_listen(&addr);

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	ASSERT_EQ(0, pbuf_init(&pb, r, BGID, 4, 64));
	pbuf_fill(&pb);
	prep_who(r, listener, 1);
	ASSERT_EQ(1, ring_submit(r));
	for (i = 0; i < 3; i++) {
		client[i] = tcp_connect(&addr);
		ASSERT_LE(0, client[i]);
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_LE(0, cqe.res);
		EXPECT_EQ(MORE | IORING_CQE_F_BUFFER, cqe.flags & 3);
		EXPECT_EQ(i, (int)(cqe.flags >> IORING_CQE_BUFFER_SHIFT));
		EXPECT_TRUE(tells_of(&pb, &cqe, client[i]));
	}
	/* A single one. */
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 2));
	ASSERT_EQ(2, ring_drain(r));
	prep_who(r, listener, 3)->ioprio = RURING_ACCEPT_ADDR;
	ASSERT_EQ(1, ring_submit(r));
	client[0] = tcp_connect(&addr);
	ASSERT_EQ(0, ring_take(r, &cqe));
	ASSERT_LE(0, cqe.res);
	EXPECT_EQ(0, cqe.flags & MORE);
	EXPECT_TRUE(tells_of(&pb, &cqe, client[0]));
	pbuf_exit(&pb);
}

TEST_F(ring, nobody_is_lost)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe = {};
	struct rlimit old, limit;
	struct sockaddr_in addr;
	struct pbuf pb;
	int client, listener = tcp_listen(&addr);

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	/* Without a group, a buffer, one that is large enough, a table, a slot, a descriptor. */
	prep_who(r, listener, 1);
	ASSERT_RESULT(r, -ENOBUFS);
	ASSERT_EQ(0, pbuf_init(&pb, r, BGID, 4, 64));
	prep_who(r, listener, 1);
	ASSERT_RESULT(r, -ENOBUFS);
	pbuf_add(&pb, pbuf_mem(&pb, 0), 7, 0);
	pbuf_publish(&pb);
	prep_who(r, listener, 1);
	ASSERT_RESULT(r, -ENOBUFS);
	ASSERT_EQ(0, pbuf_unregister(r, BGID));
	ASSERT_EQ(0, pbuf_init(&pb, r, BGID, 4, 64));
	pbuf_fill(&pb);
	prep_who(r, listener, 1)->file_index = IORING_FILE_INDEX_ALLOC;
	ASSERT_RESULT(r, -ENXIO);
	ASSERT_EQ(0, register_sparse(r, 1));
	ASSERT_EQ(1, update_files(r, 0, &client, 1));
	prep_who(r, listener, 1)->file_index = IORING_FILE_INDEX_ALLOC;
	ASSERT_RESULT(r, -ENFILE);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	limit = old;
	limit.rlim_cur = next_fd();
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	prep_who(r, listener, 1);
	ASSERT_RESULT(r, -EMFILE);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	/* It has been there all the time. */
	prep_who(r, listener, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	ASSERT_LE(0, cqe.res);
	EXPECT_TRUE(tells_of(&pb, &cqe, client));
	EXPECT_EQ(0u, cqe.flags >> IORING_CQE_BUFFER_SHIFT);
	pbuf_exit(&pb);
}

TEST_F(ring, into_a_slot)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe = {};
	struct sockaddr_in addr;
	struct pbuf pb;
	int client, listener = tcp_listen(&addr);

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	ASSERT_EQ(0, register_sparse(r, 2));
	ASSERT_EQ(0, pbuf_init(&pb, r, BGID, 4, 64));
	pbuf_fill(&pb);
	prep_who(r, listener, 1)->file_index = IORING_FILE_INDEX_ALLOC;
	ASSERT_EQ(1, ring_submit(r));
	client = tcp_connect(&addr);
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(0, cqe.res);
	EXPECT_TRUE(has_file(r, 0));
	EXPECT_TRUE(tells_of(&pb, &cqe, client));
	pbuf_exit(&pb);
}

TEST_F(ring, a_short_buffer)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe = {};
	struct ruring_accept_addr *who;
	struct sockaddr_in addr;
	struct pbuf pb;
	int listener = tcp_listen(&addr);

	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	ASSERT_EQ(0, pbuf_init(&pb, r, BGID, 4, 64));
	who = (void *)pbuf_mem(&pb, 0);
	memset(who, 0xee, 64);
	pbuf_add(&pb, who, 12, 0);
	pbuf_publish(&pb);
	prep_who(r, listener, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_LE(0, tcp_connect(&addr));
	ASSERT_EQ(0, ring_take(r, &cqe));
	ASSERT_LE(0, cqe.res);
	EXPECT_EQ(sizeof(struct sockaddr_in), who->len);
	EXPECT_EQ(AF_INET, *(sa_family_t *)who->addr);
	EXPECT_EQ(0xee, who->addr[4]);
	pbuf_exit(&pb);
}

TEST_F(ring, bad_fields)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr);

	prep_accept_multi(r, listener, 1)->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(r, -EOPNOTSUPP);
	prep_who(r, listener, 1)->flags = 0;
	ASSERT_RESULT(r, -EINVAL);
	if (variant->backend == IO_URING)
		SKIP(return, "ruring's own");
	prep_who(r, listener, 1)->addr = (uintptr_t)&addr;
	ASSERT_RESULT(r, -EINVAL);
	prep_who(r, listener, 1)->addr2 = (uintptr_t)&addr;
	ASSERT_RESULT(r, -EINVAL);
}

TEST_HARNESS_MAIN
