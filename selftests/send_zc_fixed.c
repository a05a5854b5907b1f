// SPDX-License-Identifier: GPL-2.0
/*
 * SEND_ZC and SENDMSG_ZC from registered buffers, over the loopback device and
 * over the cable between two devices, where nothing is copied.
 */
#include <linux/ruring.h>
#include <sys/resource.h>

#define RING_MODES
#include "fixture.h"
#include "zc_fixed.h"

#define SIZE	(64 * PAGE)

TEST_F(ring, bytes_of_a_buffer)
{
	struct ring *r = &self->ring;
	char *mem = one_buffer(r, 0);
	const struct { size_t at, len; } parts[] = {
		{ 0, 1 }, { 5, 1300 }, { PAGE - 1, 2 }, { 3 * PAGE, PAGE }, { 10, 5 * PAGE },
		{ SIZE - 1, 1 }, { SIZE - 50000, 50000 }, { 7, 0 },
	};
	const struct kind *k;
	unsigned int i;
	enum way way;
	int sv[2];

	ASSERT_NE(NULL, mem);
	fill(mem, SIZE, 7);
	for_each_way(way) {
		for_each_kind(k) {
			ASSERT_EQ(0, way_pair(way, k->domain, k->type, sv));
			for (i = 0; i < ARRAY_SIZE(parts); i++) {
				size_t at = parts[i].at, len = parts[i].len;

				prep_fixed(r, sv[0], mem + at, len, 0, 100 + i);
				ASSERT_SENDS(r, 100 + i, len);
				ASSERT_EQ(0, read_all(sv[1], in, len));
				if (!len && k->type == SOCK_DGRAM)
					ASSERT_EQ(0, recv(sv[1], in, 1, 0));
				ASSERT_NOTIF(r, 100 + i);
				ASSERT_EQ(0, memcmp(in, mem + at, len));
			}
			ASSERT_QUIET(r);
			close(sv[0]);
			close(sv[1]);
		}
	}
}

/* Whether pages were copied, from a registered buffer and from any other memory. */
TEST_F(ring, usage)
{
	struct ring *r = &self->ring;
	char *mem = one_buffer(r, 0);
	const struct kind *k;
	unsigned int i;
	enum way way;
	int sv[2];

	ASSERT_NE(NULL, mem);
	fill(mem, SIZE, 9);
	for_each_way(way) {
		__s32 expected = way == CABLE ? 0 : COPIED;

		for_each_kind(k) {
			/* a datagram that fits into a packet */
			size_t len = k->type == SOCK_STREAM ? SIZE : 1400;

			ASSERT_EQ(0, way_pair(way, k->domain, k->type, sv));
			for (i = 0; i < 2; i++) {
				struct io_uring_sqe *sqe = prep_zc(r, sv[0], mem, len, i);

				sqe->ioprio = IORING_SEND_ZC_REPORT_USAGE |
					      (i ? IORING_RECVSEND_FIXED_BUF : 0);
				sqe->msg_flags = MSG_WAITALL;
				ASSERT_EQ(1, ring_submit(r));
				read_meanwhile(r, sv[1], len);
				ASSERT_SENT(r, i, len);
				ASSERT_CQE(r, i, expected, IORING_CQE_F_NOTIF);
				ASSERT_EQ(0, memcmp(in, mem, len));
			}
			close(sv[0]);
			close(sv[1]);
		}
	}
	if (way == CABLE)
		SKIP(return, "there is no cable");
}

TEST_F(ring, vectors)
{
	struct ring *r = &self->ring;
	char *mem = one_buffer(r, 0);
	struct iovec iov[4] = {
		{ mem + 3 * PAGE + 10, PAGE }, { mem, 1 }, { mem + 100, 3 * PAGE },
		{ mem + 3 * PAGE + 10, 500 },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 4 };
	const size_t len = PAGE + 1 + 3 * PAGE + 500;
	struct io_uring_sqe *sqe;
	const struct kind *k;
	unsigned int i;
	enum way way;
	int sv[2];

	ASSERT_NE(NULL, mem);
	fill(mem, SIZE, 11);
	for_each_way(way) {
		for_each_kind(k) {
			ASSERT_EQ(0, way_pair(way, k->domain, k->type, sv));
			for (i = 0; i < 2; i++) {
				if (i) {
					sqe = prep_fixed(r, sv[0], iov, 4, 0, i);
					sqe->ioprio |= IORING_SEND_VECTORIZED;
				} else {
					prep_msg_fixed(r, sv[0], &msg, 0, i);
				}
				ASSERT_SENDS(r, i, len);
				ASSERT_EQ(0, read_all(sv[1], in, len));
				ASSERT_NOTIF(r, i);
				EXPECT_EQ(0, memcmp(in, mem + 3 * PAGE + 10, PAGE));
				EXPECT_EQ(mem[0], in[PAGE]);
				EXPECT_EQ(0, memcmp(in + PAGE + 1, mem + 100, 3 * PAGE));
				EXPECT_EQ(0, memcmp(in + 4 * PAGE + 1, mem + 3 * PAGE + 10, 500));
			}
			close(sv[0]);
			close(sv[1]);
		}
	}
	/* no pieces: nothing to send */
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	msg.msg_iovlen = 0;
	prep_msg_fixed(r, sv[0], &msg, 0, 1);
	ASSERT_SENDS(r, 1, 0);
	ASSERT_NOTIF(r, 1);
}

TEST_F(ring, bad_vectors)
{
	struct ring *r = &self->ring;
	char *mem = one_buffer(r, 0), *other = anon_alloc(PAGE);
	struct iovec good = { mem, 10 };
	const struct { struct iovec iov; int error; } bad[] = {
		{ { mem, 0 }, -EFAULT },
		{ { mem - 1, 2 }, -EFAULT },
		{ { mem + SIZE, 1 }, -EFAULT },
		{ { mem + SIZE - 1, 2 }, -EFAULT },
		{ { other, 1 }, -EFAULT },
		{ { mem, -1UL }, -EINVAL },
	};
	struct iovec iov[2];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	struct iovec many[1025];
	struct io_uring_cqe cqe;
	unsigned int i, j;
	int sv[2];

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (j = 0; j < 2; j++) {
			TH_LOG("piece %u, number %u", i, j);
			iov[j] = bad[i].iov;
			iov[1 - j] = good;
			prep_msg_fixed(r, sv[0], &msg, 0, 1);
			ASSERT_FAILED(r, 1, bad[i].error);
		}
	}
	for (i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct iovec){ mem, SIZE };
	msg.msg_iov = many;
	msg.msg_iovlen = 1025;
	prep_msg_fixed(r, sv[0], &msg, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_take(r, &cqe));
	EXPECT_EQ(-EMSGSIZE, cqe.res);
	if (cqe.flags)
		ASSERT_NOTIF(r, 1);
	EXPECT_EQ(-1, recv(sv[1], in, 1, MSG_DONTWAIT));
}

TEST_F(ring, indexes_and_addresses)
{
	struct ring *r = &self->ring;
	char *mem = anon_alloc(SIZE);
	struct iovec iov[2] = { { mem + PAGE, PAGE }, {} };
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_STREAM, sv));
	prep_fixed(r, sv[0], mem, 10, 0, 1);
	ASSERT_FAILED(r, 1, -EFAULT);
	ASSERT_EQ(0, buffers_register(r, iov, 2));
	prep_fixed(r, sv[0], mem + PAGE, 10, 1, 2);
	ASSERT_FAILED(r, 2, -EFAULT);
	prep_fixed(r, sv[0], mem + PAGE, 10, 2, 3);
	ASSERT_FAILED(r, 3, -EFAULT);
	prep_fixed(r, sv[0], mem + PAGE, 10, 65535, 4);
	ASSERT_FAILED(r, 4, -EFAULT);
	prep_fixed(r, sv[0], mem + PAGE - 1, 10, 0, 5);
	ASSERT_FAILED(r, 5, -EFAULT);
	prep_fixed(r, sv[0], mem + PAGE + 1, PAGE, 0, 6);
	ASSERT_FAILED(r, 6, -EFAULT);
	prep_fixed(r, sv[0], mem + PAGE, 0x7fffffff, 0, 7);
	ASSERT_FAILED(r, 7, -EFAULT);
	prep_fixed(r, sv[0], (void *)-8UL, 16, 0, 8);
	ASSERT_FAILED(r, 8, -EFAULT);
	EXPECT_EQ(-1, recv(sv[1], in, 1, MSG_DONTWAIT));
}

/* Pages of registered buffers, of other memory, and copies, in the same packets. */
TEST_F(ring, mixed_with_others)
{
	struct ring *r = &self->ring;
	char *mem, *other = anon_alloc(SIZE), *all = malloc(SIZE);
	unsigned int round, i, at;
	ssize_t ahead;
	enum way way;
	int sv[2];

	ASSERT_TRUE(wait_pinned(0));
	mem = one_buffer(r, 0);
	ASSERT_NE(NULL, mem);
	fill(mem, SIZE, 1);
	fill(other, SIZE, 2);
	for_each_way(way) {
		for (round = 0; round < 6; round++) {
			unsigned int sends = 0;

			ASSERT_EQ(0, way_pair(way, AF_INET, SOCK_STREAM, sv));
			ahead = tcp_hold(sv);
			ASSERT_LT(0, ahead);
			for (i = at = 0; i < 24; i++, at += 300) {
				/* which come first, and in which order, is different each time */
				switch ((i * (1 + round % 2) + round) % 3) {
				case 0:
					prep_fixed(r, sv[0], mem + at, 300, 0, i);
					memcpy(all + at, mem + at, 300);
					break;
				case 1:
					prep_zc(r, sv[0], other + at, 300, i);
					memcpy(all + at, other + at, 300);
					break;
				case 2:
					memset(all + at, i, 300);
					ASSERT_EQ(300, send(sv[0], all + at, 300, 0));
					continue;
				}
				ASSERT_SENDS(r, i, 300);
				sends++;
			}
			ASSERT_EQ(0, read_behind(sv[1], ahead, in, at));
			EXPECT_EQ(0, memcmp(in, all, at));
			ASSERT_EQ(0, ring_wait(r, sends));
			ASSERT_EQ(sends, ring_drain(r));
			close(sv[0]);
			close(sv[1]);
		}
	}
	EXPECT_EQ(SIZE / PAGE, pinned_pages());
	ASSERT_EQ(0, buffers_unregister(r));
	EXPECT_EQ(0, pinned_pages());
}

/* A send that goes on where it stopped, in one piece and in several. */
TEST_F(ring, waitall)
{
	struct ring *r = &self->ring;
	char *mem = one_buffer(r, 0);
	struct iovec iov[3] = {
		{ mem, 20 * PAGE + 1 }, { mem + 20 * PAGE + 1, 1 },
		{ mem + 20 * PAGE + 2, SIZE - 20 * PAGE - 2 },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
	unsigned int i;
	enum way way;
	int sv[2];

	ASSERT_NE(NULL, mem);
	fill(mem, SIZE, 13);
	for_each_way(way) {
		for (i = 0; i < 2; i++) {
			int small = PAGE;

			ASSERT_EQ(0, way_pair(way, AF_INET, SOCK_STREAM, sv));
			ASSERT_EQ(0, setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &small,
						sizeof(small)));
			if (i)
				prep_msg_fixed(r, sv[0], &msg, 0, 1)->msg_flags = MSG_WAITALL;
			else
				prep_fixed(r, sv[0], mem, SIZE, 0, 1)->msg_flags = MSG_WAITALL;
			ASSERT_EQ(1, ring_submit(r));
			EXPECT_EQ(0, ring_ready(r));
			read_meanwhile(r, sv[1], SIZE);
			ASSERT_SENT(r, 1, SIZE);
			ASSERT_NOTIF(r, 1);
			EXPECT_EQ(0, memcmp(in, mem, SIZE));
			close(sv[0]);
			close(sv[1]);
		}
	}
}

TEST_F(ring, huge_pages)
{
	struct ring *r = &self->ring;
	char *mem = huge_alloc(2);
	struct iovec iov;
	enum way way;
	int sv[2];

	ASSERT_NE(NULL, mem);
	fill(mem, 2 * HUGE, 6);
	iov = (struct iovec){ mem, 2 * HUGE };
	ASSERT_EQ(0, buffers_register(r, &iov, 1));
	for_each_way(way) {
		const size_t len = 300000;

		ASSERT_EQ(0, way_pair(way, AF_INET, SOCK_STREAM, sv));
		prep_fixed(r, sv[0], mem + HUGE - 100001, len, 0, 1)->msg_flags = MSG_WAITALL;
		ASSERT_EQ(1, ring_submit(r));
		read_meanwhile(r, sv[1], len);
		ASSERT_SENT(r, 1, len);
		ASSERT_NOTIF(r, 1);
		EXPECT_EQ(0, memcmp(in, mem + HUGE - 100001, len));
		close(sv[0]);
		close(sv[1]);
	}
	ASSERT_EQ(0, buffers_unregister(r));
	EXPECT_TRUE(wait_pinned(0));
}

/* One completion for both, which ruring alone has. */
TEST_F(ring, combined)
{
	struct ring *r = &self->ring;
	ssize_t ahead;
	int sv[2];
	char *mem;

	if (variant->backend == IO_URING)
		return;
	mem = one_buffer(r, 77);
	ASSERT_NE(NULL, mem);
	fill(mem, SIZE, 8);
	ahead = ASSERT_HELD(AF_INET, sv);
	prep_fixed(r, sv[0], mem, 50000, 0, 1)->ioprio |= RURING_SEND_ZC_COMBINE_CQE;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, buffers_unregister(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 50000));
	EXPECT_TRUE(is_filled(in, 50000, 8));
	ASSERT_CQE(r, 1, 50000, IORING_CQE_F_NOTIF);
	ASSERT_CQE(r, 77, 0, 0);
	EXPECT_TRUE(wait_pinned(0));
	/* nothing was handed over */
	prep_fixed(r, sv[0], mem, 10, 0, 2)->ioprio |= RURING_SEND_ZC_COMBINE_CQE;
	ASSERT_COMPLETES(r, 2, -EFAULT, 0);
	ASSERT_QUIET(r);
}

/* What is sent from a registered buffer is charged only once, when it is registered. */
TEST_F(ring, memlock)
{
	const unsigned int room = 100;
	struct rlimit limit = { room * PAGE, room * PAGE };
	char *mem, *other = anon_alloc(room * PAGE);
	unsigned int i, taken;
	struct ring r;
	ssize_t ahead;
	int sv[2];

	ahead = ASSERT_HELD(AF_INET, sv);
	ASSERT_LE(0, device_fd());
	ASSERT_EQ(0, become_nobody());
	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	ASSERT_EQ(0, ring_init(&r, variant->backend, 16, variant->flags));
	mem = one_buffer(&r, 0);
	ASSERT_NE(NULL, mem);
	taken = pages_charged();
	EXPECT_EQ(SIZE / PAGE, taken);
	/* no room for the pages of that one beside the buffer */
	prep_zc(&r, sv[0], other, (room - taken) * PAGE, 1);
	ASSERT_EQ(1, ring_submit(&r));
	ASSERT_EQ(0, ring_wait(&r, 1));
	EXPECT_EQ(-ENOMEM, r.cqes[*r.cq_head & (r.params.cq_entries - 1)].res);
	ring_run(&r);
	ring_drain(&r);
	for (i = 0; i < 8; i++) {
		prep_fixed(&r, sv[0], mem, SIZE / 2, 0, i);
		ASSERT_SENDS(&r, i, SIZE / 2);
	}
	EXPECT_EQ(taken, pages_charged());
	ASSERT_EQ(0, buffers_unregister(&r));
	ASSERT_QUIET(&r);
	/* still in flight: no room for it a second time */
	EXPECT_EQ(taken, pages_charged());
	EXPECT_EQ(NULL, one_buffer(&r, 0));
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 8 * SIZE / 2));
	ASSERT_EQ(0, ring_wait(&r, 8));
	EXPECT_EQ(8, ring_drain(&r));
	EXPECT_EQ(0, pages_charged());
	EXPECT_NE(NULL, one_buffer(&r, 0));
	ring_exit(&r);
}

TEST_HARNESS_MAIN
