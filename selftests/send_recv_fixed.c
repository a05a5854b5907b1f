// SPDX-License-Identifier: GPL-2.0
/*
 * SEND and RECV with IORING_RECVSEND_FIXED_BUF: what is sent and received, and
 * registered buffers that change meanwhile.
 */
#define RING_MODES
#include "fixture.h"
#include "rsrc.h"

TEST_F(ring, bytes_of_a_buffer)
{
	struct ring *r = &self->ring;
	/* not the beginning of a page, nor the end of one */
	const size_t len = 5 * PAGE - 200;
	char *out = anon_alloc(6 * PAGE) + 100, *in = anon_alloc(6 * PAGE) + 3000;
	struct iovec iov[2] = { { out, len }, { in, len } };
	const struct { size_t at, len; } parts[] = {
		{ 0, 1 }, { 0, len }, { len - 1, 1 }, { 3996, 1 }, { 3995, 2 }, { 3996, 4096 },
		{ 3997, 4096 }, { 8092, 8192 }, { 1, len - 1 }, { 12000, 4096 }, { len, 0 }, { 0, 0 },
	};
	unsigned int i;
	int sv[2];

	ASSERT_EQ(0, buffers_register(r, iov, 2));
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t at = parts[i].at, n = parts[i].len;

		TH_LOG("%zu bytes at %zu", n, at);
		ASSERT_EQ(0, unix_pair(SOCK_SEQPACKET, sv));
		pattern_fill(out, len, i);
		memset(in, 0x5a, len);
		prep_send_fixed(r, sv[0], out + at, n, 0, 1);
		ASSERT_RESULT(r, n);
		prep_recv_fixed(r, sv[1], in + at, n, 1, 2);
		ASSERT_RESULT(r, n);
		EXPECT_EQ(0, memcmp(in + at, out + at, n));
		memset(out, 0x5a, len);
		memcpy(out + at, in + at, n);
		/* and no others */
		EXPECT_EQ(0, memcmp(in, out, len));
		close(sv[0]);
		close(sv[1]);
	}
}

TEST_F(ring, outside_of_a_buffer)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(4 * PAGE), *buf = mem + PAGE + 10;
	struct iovec iov[2] = { { buf, PAGE }, {} };
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	/* no table at all */
	prep_send_fixed(r, sv[0], buf, 1, 0, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_recv_fixed(r, sv[0], buf, 1, 0, 1);
	ASSERT_RESULT(r, -EFAULT);
	ASSERT_EQ(0, buffers_register(r, iov, 2));
	ASSERT_EQ(3, write(sv[1], "abc", 3));
	/* an empty slot, and none */
	prep_send_fixed(r, sv[0], buf, 1, 1, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_send_fixed(r, sv[0], buf, 1, 2, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_send_fixed(r, sv[0], buf, 1, 65535, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_recv_fixed(r, sv[0], buf, 1, 65535, 1);
	ASSERT_RESULT(r, -EFAULT);
	/* before, behind, and over the edges */
	prep_send_fixed(r, sv[0], buf - 1, 1, 0, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_send_fixed(r, sv[0], buf - 1, PAGE, 0, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_send_fixed(r, sv[0], buf + PAGE, 1, 0, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_send_fixed(r, sv[0], buf + 1, PAGE, 0, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_send_fixed(r, sv[0], buf + PAGE + 1, 0, 0, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_send_fixed(r, sv[0], (void *)-1UL, 2, 0, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_send_fixed(r, sv[0], buf, 0x7fffffff, 0, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_recv_fixed(r, sv[0], buf - 1, 3, 0, 1);
	ASSERT_RESULT(r, -EFAULT);
	prep_recv_fixed(r, sv[0], buf, PAGE + 1, 0, 1);
	ASSERT_RESULT(r, -EFAULT);
	/* nothing was sent or taken by all that */
	EXPECT_EQ(-1, recv(sv[1], mem, 1, MSG_DONTWAIT));
	prep_recv_fixed(r, sv[0], buf + PAGE - 3, 3, 0, 1);
	ASSERT_RESULT(r, 3);
	EXPECT_EQ(0, memcmp(buf + PAGE - 3, "abc", 3));
}

TEST_F(ring, flags_that_do_not_go_together)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(PAGE);
	struct iovec iov = { mem, PAGE };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct io_uring_sqe *sqe;
	int sv[2];

	ASSERT_EQ(0, buffers_register(r, &iov, 1));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	sqe = prep_send_fixed(r, sv[0], mem, 1, 0, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep_send_fixed(r, sv[0], mem, 1, 0, 1);
	sqe->ioprio |= IORING_RECVSEND_BUNDLE;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep_send_fixed(r, sv[0], &iov, 1, 0, 1);
	sqe->ioprio |= IORING_SEND_VECTORIZED;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep_recv_fixed(r, sv[0], mem, 1, 0, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep_recv_fixed(r, sv[0], mem, 1, 0, 1);
	sqe->ioprio |= IORING_RECVSEND_BUNDLE;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep_recv_fixed(r, sv[0], NULL, 0, 0, 1);
	sqe->ioprio |= IORING_RECV_MULTISHOT;
	sqe->flags = IOSQE_BUFFER_SELECT;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep(r, IORING_OP_SENDMSG, sv[0], &msg, 1, 1);
	sqe->ioprio = IORING_RECVSEND_FIXED_BUF;
	ASSERT_RESULT(r, -EINVAL);
	sqe = prep(r, IORING_OP_RECVMSG, sv[0], &msg, 1, 1);
	sqe->ioprio = IORING_RECVSEND_FIXED_BUF;
	ASSERT_RESULT(r, -EINVAL);
}

TEST_F(ring, transfers_that_continue)
{
	struct ring *r = &self->ring;
	const size_t len = 64 * PAGE;
	char *out = anon_alloc(len), *in = anon_alloc(len);
	struct iovec iov[2] = { { out, len }, { in, len } };
	struct io_uring_sqe *sqe;
	int i, sv[2], size = PAGE;

	pattern_fill(out, len, 1);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	ASSERT_EQ(0, buffers_register(r, iov, 2));
	sqe = prep_recv_fixed(r, sv[1], in, len, 1, 1);
	sqe->msg_flags = MSG_WAITALL;
	sqe = prep_send_fixed(r, sv[0], out, len, 0, 2);
	sqe->msg_flags = MSG_WAITALL;
	ASSERT_EQ(2, ring_submit(r));
	for (i = 0; i < 2; i++) {
		struct io_uring_cqe cqe = {};

		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ((int)len, cqe.res);
	}
	EXPECT_EQ(0, memcmp(in, out, len));
}

/* A request keeps the buffer that it began with. */
TEST_F(ring, replaced_while_in_use)
{
	struct ring *r = &self->ring;
	char *first = anon_alloc(PAGE), *second = anon_alloc(PAGE);
	struct iovec iov = { first, PAGE };
	__u64 tag = 77;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, buffers_register_tagged(r, &iov, &tag, 1));
	prep_recv_fixed(r, sv[0], first + 8, 8, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(1, buffer_update(r, 0, second, PAGE));
	ASSERT_QUIET(r);
	EXPECT_CHARGED(2);
	/* what comes later finds the new one */
	prep_recv_fixed(r, sv[1], first, 8, 0, 2);
	ASSERT_RESULT(r, -EFAULT);
	prep_send_fixed(r, sv[1], second, 8, 0, 3);
	memcpy(second, "abcdefgh", 8);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 3, 8, 0);
	ASSERT_CQE(r, 1, 8, 0);
	ASSERT_CQE(r, 77, 0, 0);
	EXPECT_EQ(0, memcmp(first + 8, "abcdefgh", 8));
	EXPECT_CHARGED(1);
}

TEST_F(ring, unregistered_while_in_use)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(2 * PAGE);
	struct iovec iov[2] = { { mem, PAGE }, { mem + PAGE, PAGE } };
	__u64 tags[2] = { 10, 11 };
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, buffers_register_tagged(r, iov, tags, 2));
	prep_recv_fixed(r, sv[0], mem, 8, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, buffers_unregister(r));
	ASSERT_CQE(r, 11, 0, 0);
	ASSERT_QUIET(r);
	EXPECT_CHARGED(1);
	/* the page stays, though nobody has it mapped */
	ASSERT_EQ(0, munmap(mem, 2 * PAGE));
	/* another table does not change that */
	iov[0].iov_base = anon_alloc(PAGE);
	ASSERT_EQ(0, buffers_register(r, iov, 1));
	EXPECT_CHARGED(2);
	ASSERT_EQ(8, write(sv[1], "abcdefgh", 8));
	ASSERT_CQE(r, 1, 8, 0);
	ASSERT_CQE(r, 10, 0, 0);
	EXPECT_CHARGED(1);
}

TEST_F(ring, cancelled_while_in_use)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(PAGE);
	struct iovec iov = { mem, PAGE };
	__u64 tag = 10;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, buffers_register_tagged(r, &iov, &tag, 1));
	prep_recv_fixed(r, sv[0], mem, 8, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, buffers_unregister(r));
	prep_cancel(r, 1, 0, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 3));
	EXPECT_CHARGED(0);
	ring_drain(r);
}

/* A request that waits for its turn uses what is there when that comes. */
TEST_F(ring, looked_up_when_it_starts)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(PAGE);
	struct io_uring_sqe *sqe;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, buffers_register_sparse(r, 1));
	prep_recv(r, sv[0], mem, 1, 1)->flags = IOSQE_IO_LINK;
	prep_recv_fixed(r, sv[0], mem + 8, 3, 0, 2);
	ASSERT_EQ(2, ring_submit(r));
	sqe = prep_recv_fixed(r, sv[1], mem + 16, 3, 0, 3);
	sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(1, buffer_update(r, 0, mem, PAGE));
	ASSERT_EQ(4, write(sv[1], "xabc", 4));
	ASSERT_CQE(r, 1, 1, IORING_CQE_F_SOCK_NONEMPTY);
	ASSERT_CQE(r, 2, 3, 0);
	ASSERT_EQ(3, write(sv[0], "def", 3));
	ASSERT_CQE(r, 3, 3, 0);
	EXPECT_EQ(0, memcmp(mem + 8, "abc", 3));
	EXPECT_EQ(0, memcmp(mem + 16, "def", 3));
}

TEST_F(ring, huge_pages)
{
	struct ring *r = &self->ring;
	char *out = huge_alloc(2), *in = anon_alloc(PAGE * 40);
	const struct { size_t at; size_t len; } parts[] = {
		{ 0, 1 }, { 100, 50000 }, { HUGE - 5100, 100 }, { HUGE - 5100 - 1000, 30000 },
		{ HUGE - 5000, 1 }, { 2 * HUGE - 10000 - 70000, 70000 }, { HUGE / 2, 131072 },
	};
	struct iovec iov[3];
	unsigned int i;
	int sv[2];

	ASSERT_NE(NULL, out);
	ASSERT_TRUE(wait_pinned(0));
	if (proc_value("/proc/vmstat", "nr_anon_transparent_hugepages") < 2)
		SKIP(return, "no huge pages");
	iov[0] = (struct iovec){ out + 5000, 2 * HUGE - 10000 };
	/* within one of them, and over the end of it */
	iov[1] = (struct iovec){ out + 3 * PAGE + 5, 10 };
	iov[2] = (struct iovec){ out + HUGE - 1, 2 };
	ASSERT_EQ(0, buffers_register(r, iov, 3));
	EXPECT_CHARGED(1024);
	pattern_fill(out, 2 * HUGE, 3);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t at = 5000 + parts[i].at, n = parts[i].len;
		size_t got = 0;

		TH_LOG("%zu bytes at %zu", n, at);
		ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
		prep_send_fixed(r, sv[0], out + at, n, 0, 1);
		ASSERT_RESULT(r, n);
		while (got < n) {
			ssize_t ret = recv(sv[1], in + got, n - got, MSG_DONTWAIT);

			ASSERT_LT(0, ret);
			got += ret;
		}
		EXPECT_EQ(0, memcmp(in, out + at, n));
		close(sv[0]);
		close(sv[1]);
	}
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_send_fixed(r, sv[0], out + HUGE - 1, 2, 2, 1);
	ASSERT_RESULT(r, 2);
	ASSERT_EQ(2, read(sv[1], in, 2));
	EXPECT_EQ(0, memcmp(in, out + HUGE - 1, 2));
	/* a huge page is charged as long as anything of it is registered, once */
	ASSERT_EQ(1, buffer_update(r, 0, NULL, 0));
	EXPECT_CHARGED(1024);
	ASSERT_EQ(1, buffer_update(r, 2, NULL, 0));
	EXPECT_CHARGED(512);
	ASSERT_EQ(0, buffers_unregister(r));
	EXPECT_CHARGED(0);
}

/* Huge pages that are not all there, so that they are used page by page. */
TEST_F(ring, huge_pages_in_parts)
{
	struct ring *r = &self->ring;
	char *mem = huge_alloc(2), *in = anon_alloc(PAGE * 40);
	struct iovec iov;
	int sv[2];

	ASSERT_NE(NULL, mem);
	/* a small page in between, and behind it the middle of a huge one */
	ASSERT_EQ(0, madvise(mem + HUGE, PAGE, MADV_DONTNEED));
	pattern_fill(mem, 2 * HUGE, 4);
	iov = (struct iovec){ mem + HUGE - 3 * PAGE + 1, 20 * PAGE };
	ASSERT_EQ(0, buffers_register(r, &iov, 1));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_send_fixed(r, sv[0], mem + HUGE - 2 * PAGE - 7, 12 * PAGE, 0, 1);
	ASSERT_RESULT(r, 12 * PAGE);
	ASSERT_EQ(12 * PAGE, recv(sv[1], in, 40 * PAGE, 0));
	EXPECT_EQ(0, memcmp(in, mem + HUGE - 2 * PAGE - 7, 12 * PAGE));
	ASSERT_EQ(0, buffers_unregister(r));
	EXPECT_CHARGED(0);
}

TEST_HARNESS_MAIN
