// SPDX-License-Identifier: GPL-2.0
/*
 * Registered files: the table, and requests on its files.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define RING_MODES
#include "files.h"

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

/* An update is told what to put in; that nothing is said is no empty slot. */
TEST_F(ring, update_with_nothing)
{
	struct ring *r = &self->ring;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	EXPECT_EQ(-ENXIO, update_files(r, 0, NULL, 2));
	ASSERT_EQ(0, register_files(r, sv, 2));
	EXPECT_EQ(-EINVAL, update_files(r, 1, NULL, 2));
	EXPECT_EQ(-EFAULT, update_files(r, 0, NULL, 2));
	EXPECT_EQ(-EFAULT, update_tagged(r, 0, NULL, NULL, 2));
	prep(r, IORING_OP_FILES_UPDATE, -1, NULL, 2, 1)->off = 0;
	ASSERT_RESULT(r, -EFAULT);
	prep_poll(r, 1, POLLOUT, 2)->flags = IOSQE_FIXED_FILE;
	ASSERT_RESULT(r, POLLOUT);
	close(sv[0]);
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
