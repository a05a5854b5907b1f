// SPDX-License-Identifier: GPL-2.0
/*
 * Registered files: the table, requests on its files, direct descriptors.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define RING_MODES
#include "fixture.h"

static int register_files(struct ring *r, const int *fds, unsigned int nr)
{
	return ring_register(r, IORING_REGISTER_FILES, fds, nr);
}

static int register_sparse(struct ring *r, unsigned int nr)
{
	struct io_uring_rsrc_register reg = {
		.nr = nr,
		.flags = IORING_RSRC_REGISTER_SPARSE,
	};

	return ring_register(r, IORING_REGISTER_FILES2, &reg, sizeof(reg));
}

static int register_tagged(struct ring *r, const int *fds, const __u64 *tags, unsigned int nr)
{
	struct io_uring_rsrc_register reg = {
		.nr = nr,
		.data = (unsigned long)fds,
		.tags = (unsigned long)tags,
	};

	return ring_register(r, IORING_REGISTER_FILES2, &reg, sizeof(reg));
}

static int unregister_files(struct ring *r)
{
	return ring_register(r, IORING_UNREGISTER_FILES, NULL, 0);
}

static int update_files(struct ring *r, unsigned int off, const int *fds, unsigned int nr)
{
	struct io_uring_rsrc_update up = {
		.offset = off,
		.data = (unsigned long)fds,
	};

	return ring_register(r, IORING_REGISTER_FILES_UPDATE, &up, nr);
}

static int update_tagged(struct ring *r, unsigned int off, const int *fds, const __u64 *tags,
			 unsigned int nr)
{
	struct io_uring_rsrc_update2 up = {
		.offset = off,
		.data = (unsigned long)fds,
		.tags = (unsigned long)tags,
		.nr = nr,
	};

	return ring_register(r, IORING_REGISTER_FILES_UPDATE2, &up, sizeof(up));
}

static int alloc_range(struct ring *r, unsigned int off, unsigned int len)
{
	struct io_uring_file_index_range range = { .off = off, .len = len };

	return ring_register(r, IORING_REGISTER_FILE_ALLOC_RANGE, &range, 0);
}

static void fixed(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_FIXED_FILE;
}

/* Whether there is a file at @index. */
static bool has_file(struct ring *r, int index)
{
	struct io_uring_cqe cqe = {};
	struct io_uring_sqe *sqe = prep(r, IORING_OP_NOP, index, NULL, 0, 99);

	sqe->nop_flags = IORING_NOP_FILE | IORING_NOP_FIXED_FILE;
	if (ring_submit(r) != 1 || ring_take(r, &cqe))
		return false;
	return cqe.res == 0;
}

/* Whether @fd's peer is closed, which may take a moment. */
static bool hung_up(void *arg)
{
	struct pollfd p = { .fd = *(int *)arg };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

static struct io_uring_sqe *prep_socket(struct ring *r, unsigned int slot, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_SOCKET, AF_UNIX, NULL, 0, user_data);

	sqe->off = SOCK_STREAM;
	sqe->file_index = slot;
	return sqe;
}

static struct io_uring_sqe *prep_close_direct(struct ring *r, unsigned int slot, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_CLOSE, 0, NULL, 0, user_data);

	sqe->file_index = slot + 1;
	return sqe;
}

TEST_F(ring, feature_and_opcodes_are_announced)
{
	EXPECT_NE(0, self->ring.params.features & IORING_FEAT_RSRC_TAGS);
	EXPECT_TRUE(ring_op_supported(&self->ring, IORING_OP_FILES_UPDATE));
	EXPECT_TRUE(ring_op_supported(&self->ring, IORING_OP_FIXED_FD_INSTALL));
}

TEST_F(ring, wrong_registrations)
{
	struct ring *r = &self->ring;
	struct io_uring_rsrc_register reg = { .nr = 1 };
	enum backend other = variant->backend == RURING ? IO_URING : RURING;
	struct ring foreign;
	struct rlimit limit;
	int sv[2], fds[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	EXPECT_EQ(-ENXIO, unregister_files(r));
	EXPECT_EQ(-ENXIO, update_files(r, 0, sv, 1));
	EXPECT_EQ(-EFAULT, register_files(r, NULL, 1));
	EXPECT_EQ(-EFAULT, register_files(r, (int *)16, 1));
	EXPECT_EQ(-EINVAL, register_files(r, sv, 0));
	EXPECT_EQ(-EMFILE, register_files(r, sv, (1 << 20) + 1));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, register_sparse(r, limit.rlim_cur + 1));
	EXPECT_EQ(0, register_sparse(r, limit.rlim_cur < (1 << 20) ? limit.rlim_cur : 1 << 20));
	EXPECT_EQ(-EBUSY, register_files(r, sv, 2));
	EXPECT_EQ(-EBUSY, register_sparse(r, 4));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_FILES, sv, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_FILES, NULL, 1));
	EXPECT_EQ(0, unregister_files(r));

	fds[0] = sv[0];
	fds[1] = next_fd();
	EXPECT_EQ(-EBADF, register_files(r, fds, 2));
	fds[1] = -2;
	EXPECT_EQ(-EBADF, register_files(r, fds, 2));
	/* No rings: they could keep each other open. */
	fds[1] = r->fd;
	EXPECT_EQ(-EBADF, register_files(r, fds, 2));
	if (variant->backend == RURING) {
		ASSERT_EQ(0, ring_init(&foreign, other, 4, 0));
		fds[1] = foreign.fd;
		EXPECT_EQ(-EBADF, register_files(r, fds, 2));
		ring_exit(&foreign);
	}
	EXPECT_EQ(-ENXIO, unregister_files(r));

	reg.data = (unsigned long)sv;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILES2, &reg, sizeof(reg) - 1));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILES2, &reg, sizeof(reg) + 1));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_FILES2, NULL, sizeof(reg)));
	reg.nr = 0;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILES2, &reg, sizeof(reg)));
	reg.nr = 1;
	reg.flags = 2;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILES2, &reg, sizeof(reg)));
	reg.flags = IORING_RSRC_REGISTER_SPARSE;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILES2, &reg, sizeof(reg)));
	reg.flags = 0;
	reg.resv2 = 1;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILES2, &reg, sizeof(reg)));
	reg.resv2 = 0;
	EXPECT_EQ(0, ring_register(r, IORING_REGISTER_FILES2, &reg, sizeof(reg)));
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, requests_on_registered_files)
{
	struct ring *r = &self->ring;
	char buf[8];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	fixed(prep_recv(r, 0, buf, sizeof(buf), 1));
	ASSERT_RESULT(r, -EBADF);
	ASSERT_EQ(0, register_files(r, sv, 2));
	close(sv[0]);
	close(sv[1]);
	fixed(prep_recv(r, 0, buf, sizeof(buf), 1));
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	fixed(prep_send(r, 1, "hello", 5, 2));
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 2));
	EXPECT_EQ(2, ring_drain(r));
	EXPECT_EQ(0, memcmp(buf, "hello", 5));
	/* Also one that finds everything there. */
	fixed(prep_send(r, 1, "again", 5, 3));
	ASSERT_RESULT(r, 5);
	fixed(prep_recv(r, 0, buf, sizeof(buf), 4));
	ASSERT_RESULT(r, 5);
	EXPECT_EQ(0, memcmp(buf, "again", 5));
	fixed(prep_recv(r, 2, buf, sizeof(buf), 5));
	ASSERT_RESULT(r, -EBADF);
	fixed(prep_recv(r, -1, buf, sizeof(buf), 6));
	ASSERT_RESULT(r, -EBADF);
	fixed(prep_poll(r, 0, POLLOUT, 7));
	ASSERT_RESULT(r, POLLOUT);
	ASSERT_EQ(0, unregister_files(r));
	fixed(prep_recv(r, 0, buf, sizeof(buf), 8));
	ASSERT_RESULT(r, -EBADF);
}

TEST_F(ring, slots_are_updated)
{
	struct ring *r = &self->ring;
	int sv[2], fds[4];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	fds[0] = sv[0];
	fds[1] = -1;
	fds[2] = sv[1];
	fds[3] = -1;
	ASSERT_EQ(0, register_files(r, fds, 4));
	EXPECT_TRUE(has_file(r, 0));
	EXPECT_FALSE(has_file(r, 1));
	EXPECT_TRUE(has_file(r, 2));
	EXPECT_FALSE(has_file(r, 3));

	EXPECT_EQ(-EINVAL, update_files(r, 0, fds, 0));
	EXPECT_EQ(-EINVAL, update_files(r, 3, fds, 2));
	EXPECT_EQ(-EINVAL, update_files(r, 5, fds, 1));
	EXPECT_EQ(-EOVERFLOW, update_files(r, ~0u, fds, 2));
	EXPECT_EQ(-EFAULT, update_files(r, 0, (int *)16, 1));

	/* Emptied, left alone, filled. */
	fds[0] = -1;
	fds[1] = sv[0];
	fds[2] = IORING_REGISTER_FILES_SKIP;
	fds[3] = sv[1];
	EXPECT_EQ(4, update_files(r, 0, fds, 4));
	EXPECT_FALSE(has_file(r, 0));
	EXPECT_TRUE(has_file(r, 1));
	EXPECT_TRUE(has_file(r, 2));
	EXPECT_TRUE(has_file(r, 3));

	/* What is done before an error stays; its slot is empty. */
	fds[0] = sv[0];
	fds[1] = next_fd();
	EXPECT_EQ(1, update_files(r, 0, fds, 4));
	EXPECT_TRUE(has_file(r, 0));
	EXPECT_FALSE(has_file(r, 1));
	EXPECT_EQ(-EBADF, update_files(r, 1, fds + 1, 2));
	fds[1] = r->fd;
	EXPECT_EQ(-EBADF, update_files(r, 1, fds + 1, 1));
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, wrong_updates_with_tags)
{
	struct ring *r = &self->ring;
	struct io_uring_rsrc_update2 up = { .nr = 1 };
	__u64 tags[2] = { 0, 7 };
	int sv[2], fds[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_sparse(r, 2));
	up.data = (unsigned long)sv;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILES_UPDATE2, &up, sizeof(up) - 8));
	up.nr = 0;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILES_UPDATE2, &up, sizeof(up)));
	up.nr = 1;
	up.resv = 1;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILES_UPDATE2, &up, sizeof(up)));
	up.resv = 0;
	up.resv2 = 1;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILES_UPDATE2, &up, sizeof(up)));
	fds[0] = sv[0];
	fds[1] = -1;
	EXPECT_EQ(1, update_tagged(r, 0, fds, tags, 2));
	fds[1] = IORING_REGISTER_FILES_SKIP;
	EXPECT_EQ(-EINVAL, update_tagged(r, 1, fds + 1, tags + 1, 1));
	EXPECT_EQ(-EFAULT, update_tagged(r, 1, fds, (__u64 *)16, 1));
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, a_tag_tells_that_nobody_uses_the_file)
{
	struct ring *r = &self->ring;
	__u64 tags[2] = { 0x11, 0x22 };
	int sv[2], none = -1;
	char buf[8];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_tagged(r, sv, tags, 2));
	EXPECT_EQ(0, ring_ready(r));
	fixed(prep_recv(r, 0, buf, sizeof(buf), 1));
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	/* The request still uses it. */
	EXPECT_EQ(1, update_files(r, 0, &none, 1));
	ASSERT_QUIET(r);
	EXPECT_FALSE(has_file(r, 0));
	ASSERT_EQ(2, write(sv[1], "xy", 2));
	ASSERT_CQE(r, 1, 2, 0);
	ASSERT_CQE(r, 0x11, 0, 0);
	tags[0] = 0x33;
	EXPECT_EQ(1, update_tagged(r, 0, sv, tags, 1));
	EXPECT_EQ(0, ring_ready(r));
	tags[0] = 0x44;
	EXPECT_EQ(1, update_tagged(r, 0, sv, tags, 1));
	ASSERT_CQE(r, 0x33, 0, 0);
	EXPECT_EQ(0, unregister_files(r));
	ASSERT_CQE(r, 0x22, 0, 0);
	ASSERT_CQE(r, 0x44, 0, 0);
	ASSERT_QUIET(r);
	/* A registration that fails has used none. */
	tags[1] = 5;
	none = next_fd();
	sv[1] = none;
	EXPECT_EQ(-EBADF, register_tagged(r, sv, tags, 2));
	sv[1] = -1;
	EXPECT_EQ(-EINVAL, register_tagged(r, sv, tags, 2));
	ASSERT_QUIET(r);
}

TEST_F(ring, tags_wait_for_room)
{
	enum { NR = 8 };
	struct ring r;
	__u64 tags[NR];
	int sv[2], fds[NR], i;

	ASSERT_EQ(0, ring_init_cq(&r, variant->backend, 2, 2, variant->flags));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	for (i = 0; i < NR; i++) {
		fds[i] = sv[0];
		tags[i] = 100 + i;
	}
	ASSERT_EQ(0, register_tagged(&r, fds, tags, NR));
	ASSERT_EQ(0, unregister_files(&r));
	EXPECT_EQ(2, ring_ready(&r));
	for (i = NR - 1; i >= 0; i--)
		ASSERT_CQE(&r, 100 + i, 0, 0);
	ring_exit(&r);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, a_file_is_kept_by_the_table_and_by_requests)
{
	struct ring *r = &self->ring;
	int sv[2], none = -1;
	char buf[8];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_files(r, sv, 1));
	close(sv[0]);
	EXPECT_FALSE(hung_up(&sv[1]));
	fixed(prep_recv(r, 0, buf, sizeof(buf), 1));
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(1, update_files(r, 0, &none, 1));
	ASSERT_QUIET(r);
	EXPECT_FALSE(hung_up(&sv[1]));
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 2));
	EXPECT_EQ(2, ring_drain(r));
	EXPECT_TRUE(wait_until(hung_up, &sv[1]));
	close(sv[1]);
}

TEST_F(ring, closing_the_ring_releases_its_files)
{
	int a[2], b[2], fds[2];
	struct ring r;
	char buf[8];

	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, variant->flags));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, a));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, b));
	fds[0] = a[0];
	fds[1] = b[0];
	ASSERT_EQ(0, register_tagged(&r, fds, (__u64[]){ 1, 2 }, 2));
	close(a[0]);
	close(b[0]);
	/* One of them with a request that waits for it. */
	fixed(prep_recv(&r, 1, buf, sizeof(buf), 1));
	ASSERT_EQ(1, ring_submit(&r));
	ring_exit(&r);
	EXPECT_TRUE(wait_until(hung_up, &a[1]));
	EXPECT_TRUE(wait_until(hung_up, &b[1]));
	close(a[1]);
	close(b[1]);
}

TEST_F(ring, sockets_in_slots)
{
	struct ring *r = &self->ring;
	int before = next_fd();

	prep_socket(r, 1, 1);
	ASSERT_RESULT(r, -ENXIO);
	prep_socket(r, IORING_FILE_INDEX_ALLOC, 1);
	ASSERT_RESULT(r, -ENFILE);
	ASSERT_EQ(0, register_sparse(r, 3));
	prep_socket(r, 4, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_socket(r, 2, 1)->off |= SOCK_CLOEXEC;
	ASSERT_RESULT(r, -EINVAL);
	prep_socket(r, 2, 1)->off |= SOCK_NONBLOCK;
	ASSERT_RESULT(r, 0);
	EXPECT_TRUE(has_file(r, 1));
	EXPECT_FALSE(has_file(r, 0));
	/* Behind the one that was used last. */
	prep_socket(r, IORING_FILE_INDEX_ALLOC, 1);
	ASSERT_RESULT(r, 2);
	prep_socket(r, IORING_FILE_INDEX_ALLOC, 1);
	ASSERT_RESULT(r, 0);
	prep_socket(r, IORING_FILE_INDEX_ALLOC, 1);
	ASSERT_RESULT(r, -ENFILE);
	/* In the place of another. */
	prep_socket(r, 1, 1);
	ASSERT_RESULT(r, 0);
	EXPECT_EQ(before, next_fd());
}

TEST_F(ring, slots_are_closed)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int sv[2];

	prep_close_direct(r, 0, 1);
	ASSERT_RESULT(r, -ENXIO);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_files(r, sv, 1));
	close(sv[0]);
	prep_close_direct(r, 1, 1);
	ASSERT_RESULT(r, -EINVAL);
	prep_close_direct(r, IORING_FILE_INDEX_ALLOC - 1, 1);
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep_close_direct(r, 0, 1);
	sqe->fd = 1;
	ASSERT_RESULT(r, -EINVAL);
	fixed(prep_close_direct(r, 0, 1));
	ASSERT_RESULT(r, -EBADF);
	EXPECT_FALSE(hung_up(&sv[1]));
	prep_close_direct(r, 0, 1);
	ASSERT_RESULT(r, 0);
	EXPECT_TRUE(wait_until(hung_up, &sv[1]));
	prep_close_direct(r, 0, 1);
	ASSERT_RESULT(r, -EBADF);
	close(sv[1]);
}

/* A peer that is waited for in the same enter() sees the end of the connection. */
TEST_F(ring, closing_a_slot_is_seen_at_once)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_files(r, sv, 1));
	close(sv[0]);
	prep_poll(r, sv[1], POLLHUP, 1);
	ASSERT_EQ(1, ring_submit(r));
	prep_close_direct(r, 0, 2);
	ASSERT_EQ(1, ring_publish(r));
	ASSERT_EQ(1, ring_enter(r, 1, 2, IORING_ENTER_GETEVENTS));
	ASSERT_CQE(r, 2, 0, 0);
	ASSERT_CQE(r, 1, POLLHUP | POLLRDHUP, 0);
	close(sv[1]);
}

TEST_F(ring, accepting_into_a_slot)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	struct io_uring_sqe *sqe;
	int listener, client;
	char buf[8];

	listener = tcp_listen(&addr);
	ASSERT_LE(0, listener);
	ASSERT_EQ(0, register_sparse(r, 4));
	sqe = prep_accept(r, listener, 1);
	sqe->file_index = 3;
	sqe->accept_flags = SOCK_CLOEXEC;
	ASSERT_RESULT(r, -EINVAL);
	prep_accept(r, listener, 1)->file_index = 3;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	ASSERT_CQE(r, 1, 0, 0);
	EXPECT_TRUE(has_file(r, 2));
	ASSERT_EQ(3, write(client, "abc", 3));
	fixed(prep_recv(r, 2, buf, sizeof(buf), 2));
	ASSERT_RESULT(r, 3);
	prep_close_direct(r, 2, 3);
	ASSERT_RESULT(r, 0);
	EXPECT_EQ(0, read(client, buf, sizeof(buf)));
	close(client);
	close(listener);
}

TEST_F(ring, accepting_many_into_free_slots)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int listener, client[4], i;

	listener = tcp_listen(&addr);
	ASSERT_LE(0, listener);
	ASSERT_EQ(0, register_sparse(r, 3));
	sqe = prep_accept_multi(r, listener, 1);
	sqe->file_index = 1;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep_accept_multi(r, listener, 1);
	sqe->file_index = IORING_FILE_INDEX_ALLOC;
	ASSERT_EQ(1, ring_submit(r));
	for (i = 0; i < 3; i++) {
		client[i] = tcp_connect(&addr);
		ASSERT_LE(0, client[i]);
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(i, cqe.res);
		EXPECT_NE(0, cqe.flags & IORING_CQE_F_MORE);
	}
	/* There is no slot left, which ends it, and the connection. */
	client[3] = tcp_connect(&addr);
	ASSERT_LE(0, client[3]);
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(-ENFILE, cqe.res);
	EXPECT_EQ(0, cqe.flags & IORING_CQE_F_MORE);
	EXPECT_EQ(0, read(client[3], &cqe, 1));
	for (i = 0; i < 4; i++)
		close(client[i]);
	close(listener);
}

/* A chain looks its files up as it gets to them. */
TEST_F(ring, a_link_uses_the_file_that_it_has_made)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr;
	int listener, client;
	char buf[8];

	listener = tcp_listen(&addr);
	ASSERT_LE(0, listener);
	ASSERT_EQ(0, register_sparse(r, 1));
	prep_accept(r, listener, 1)->file_index = 1;
	r->sqes[(r->prepared - 1) & 15].flags |= IOSQE_IO_LINK;
	fixed(prep_recv(r, 0, buf, sizeof(buf), 2));
	ASSERT_EQ(2, ring_submit(r));
	client = tcp_connect(&addr);
	ASSERT_LE(0, client);
	ASSERT_EQ(4, write(client, "abcd", 4));
	ASSERT_CQE(r, 1, 0, 0);
	ASSERT_CQE(r, 2, 4, 0);
	close(client);
	close(listener);
}

TEST_F(ring, free_slots_come_from_the_range)
{
	struct ring *r = &self->ring;
	struct io_uring_file_index_range range = { .len = 1, .resv = 1 };

	EXPECT_EQ(0, alloc_range(r, 0, 0));
	EXPECT_EQ(-EINVAL, alloc_range(r, 0, 1));
	ASSERT_EQ(0, register_sparse(r, 200));
	EXPECT_EQ(-EINVAL, alloc_range(r, 0, 201));
	EXPECT_EQ(-EINVAL, alloc_range(r, 200, 1));
	EXPECT_EQ(-EOVERFLOW, alloc_range(r, ~0u, 1));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILE_ALLOC_RANGE, &range, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILE_ALLOC_RANGE, &range, 1));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_FILE_ALLOC_RANGE, NULL, 0));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_FILE_ALLOC_RANGE, (void *)16, 0));
	ASSERT_EQ(0, alloc_range(r, 127, 3));
	prep_socket(r, IORING_FILE_INDEX_ALLOC, 1);
	ASSERT_RESULT(r, 127);
	prep_socket(r, IORING_FILE_INDEX_ALLOC, 1);
	ASSERT_RESULT(r, 128);
	prep_close_direct(r, 127, 1);
	ASSERT_RESULT(r, 0);
	prep_socket(r, IORING_FILE_INDEX_ALLOC, 1);
	ASSERT_RESULT(r, 127);
	prep_socket(r, IORING_FILE_INDEX_ALLOC, 1);
	ASSERT_RESULT(r, 129);
	prep_socket(r, IORING_FILE_INDEX_ALLOC, 1);
	ASSERT_RESULT(r, -ENFILE);
	/* One that is asked for need not be of the range. */
	prep_socket(r, 1, 1);
	ASSERT_RESULT(r, 0);
	prep_close_direct(r, 128, 1);
	ASSERT_RESULT(r, 0);
	prep_socket(r, IORING_FILE_INDEX_ALLOC, 1);
	ASSERT_RESULT(r, 128);
	ASSERT_EQ(0, alloc_range(r, 10, 0));
	prep_socket(r, IORING_FILE_INDEX_ALLOC, 1);
	ASSERT_RESULT(r, -ENFILE);
}

TEST_F(ring, update_request)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int sv[2], fds[3];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep(r, IORING_OP_FILES_UPDATE, -1, sv, 2, 1)->off = 0;
	ASSERT_RESULT(r, -ENXIO);
	prep(r, IORING_OP_FILES_UPDATE, -1, sv, 2, 1)->off = IORING_FILE_INDEX_ALLOC;
	ASSERT_RESULT(r, -ENXIO);
	ASSERT_EQ(0, register_sparse(r, 4));
	prep(r, IORING_OP_FILES_UPDATE, -1, sv, 0, 1);
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep(r, IORING_OP_FILES_UPDATE, -1, sv, 2, 1);
	sqe->rw_flags = 1;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep(r, IORING_OP_FILES_UPDATE, -1, sv, 2, 1);
	sqe->splice_fd_in = 1;
	ASSERT_RESULT(r, -EINVAL);
	fixed(prep(r, IORING_OP_FILES_UPDATE, -1, sv, 2, 1));
	ASSERT_RESULT(r, -EINVAL);
	prep(r, IORING_OP_FILES_UPDATE, -1, sv, 2, 1)->off = 3;
	ASSERT_RESULT(r, -EINVAL);
	prep(r, IORING_OP_FILES_UPDATE, -1, sv, 2, 1)->off = 1;
	ASSERT_RESULT(r, 2);
	EXPECT_FALSE(has_file(r, 0));
	EXPECT_TRUE(has_file(r, 1));
	EXPECT_TRUE(has_file(r, 2));
	/* Into free slots, which it tells. */
	fds[0] = sv[0];
	fds[1] = sv[1];
	fds[2] = sv[0];
	prep(r, IORING_OP_FILES_UPDATE, -1, fds, 3, 1)->off = IORING_FILE_INDEX_ALLOC;
	ASSERT_RESULT(r, 2);
	EXPECT_EQ(3, fds[0]);
	EXPECT_EQ(0, fds[1]);
	EXPECT_EQ(sv[0], fds[2]);
	prep(r, IORING_OP_FILES_UPDATE, -1, fds + 2, 1, 1)->off = IORING_FILE_INDEX_ALLOC;
	ASSERT_RESULT(r, -ENFILE);
	prep(r, IORING_OP_FILES_UPDATE, -1, (void *)16, 1, 1)->off = IORING_FILE_INDEX_ALLOC;
	ASSERT_RESULT(r, -EFAULT);
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, descriptor_for_a_slot)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int sv[2], i;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_files(r, sv, 1));
	close(sv[0]);
	prep(r, IORING_OP_FIXED_FD_INSTALL, 0, NULL, 0, 1);
	ASSERT_RESULT(r, -EBADF);
	sqe = prep(r, IORING_OP_FIXED_FD_INSTALL, 0, NULL, 0, 1);
	fixed(sqe);
	sqe->install_fd_flags = 2;
	ASSERT_RESULT(r, -EINVAL);
	fixed(prep(r, IORING_OP_FIXED_FD_INSTALL, 1, NULL, 0, 1));
	ASSERT_RESULT(r, -EBADF);
	for (i = 0; i < 2; i++) {
		sqe = prep(r, IORING_OP_FIXED_FD_INSTALL, 0, NULL, 0, 1);
		fixed(sqe);
		sqe->install_fd_flags = i ? IORING_FIXED_FD_NO_CLOEXEC : 0;
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_LE(0, cqe.res);
		EXPECT_EQ(i ? 0 : FD_CLOEXEC, fcntl(cqe.res, F_GETFD));
		ASSERT_EQ(1, write(cqe.res, "z", 1));
		close(cqe.res);
	}
	/* The table still has it. */
	EXPECT_FALSE(hung_up(&sv[1]));
	EXPECT_TRUE(has_file(r, 0));
	close(sv[1]);
}

TEST_F(ring, cancelling_by_slot)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	char buf[8];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_files(r, sv, 2));
	fixed(prep_recv(r, 0, buf, sizeof(buf), 1));
	prep_recv(r, sv[0], buf, sizeof(buf), 2);
	fixed(prep_recv(r, 1, buf, sizeof(buf), 3));
	ASSERT_EQ(3, ring_submit(r));
	sqe = prep(r, IORING_OP_ASYNC_CANCEL, 5, NULL, 0, 4);
	sqe->cancel_flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_FD_FIXED;
	ASSERT_RESULT(r, -EBADF);
	/* The file counts, and not how a request has named it. */
	sqe = prep(r, IORING_OP_ASYNC_CANCEL, 0, NULL, 0, 4);
	sqe->cancel_flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_FD_FIXED |
			    IORING_ASYNC_CANCEL_ALL;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 3));
	EXPECT_EQ(3, ring_drain(r));
	sqe = prep(r, IORING_OP_ASYNC_CANCEL, 1, NULL, 0, 5);
	sqe->cancel_flags = IORING_ASYNC_CANCEL_FD;
	fixed(sqe);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 2));
	EXPECT_EQ(2, ring_drain(r));
	close(sv[0]);
	close(sv[1]);
}

TEST_F(ring, fdinfo_names_the_files)
{
	struct ring *r = &self->ring;
	char path[64];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_files(r, sv, 2));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", r->fd);
	EXPECT_EQ(2, proc_value(path, "UserFiles:"));
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
