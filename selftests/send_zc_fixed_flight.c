// SPDX-License-Identifier: GPL-2.0
/*
 * Registered buffers that change, and programs that end, while zero-copy sends
 * from them are under way.
 */
#define RING_MODES
#include "fixture.h"
#include "zc_fixed.h"

/* Packets that wait for the receiver, whose buffer is replaced and unmapped. */
TEST_F(ring, replaced_in_flight)
{
	struct ring *r = &self->ring;
	const struct kind *k;
	ssize_t ahead;
	enum way way;
	int sv[2];

	for_each_way(way) {
		for_each_tcp(k) {
			char *mem, *other = anon_alloc(PAGE);

			ASSERT_TRUE(wait_pinned(0));
			mem = one_buffer(r, 77);
			ASSERT_NE(NULL, mem);
			fill(mem, SIZE, 21);
			ASSERT_EQ(0, way_pair(way, k->domain, k->type, sv));
			ahead = tcp_hold(sv);
			ASSERT_LT(0, ahead);
			prep_fixed(r, sv[0], mem + 99, 100000, 0, 1);
			ASSERT_SENDS(r, 1, 100000);
			ASSERT_EQ(1, buffer_update(r, 0, other, PAGE));
			ASSERT_EQ(0, munmap(mem, SIZE));
			ASSERT_QUIET(r);
			EXPECT_EQ(1 + SIZE / PAGE, pinned_pages());
			ASSERT_EQ(0, read_all(sv[1], in, ahead));
			ASSERT_EQ(0, read_all(sv[1], in + 99, 100000));
			ASSERT_NOTIF(r, 1);
			ASSERT_CQE(r, 77, 0, 0);
			mem = malloc(SIZE);
			fill(mem, SIZE, 21);
			EXPECT_EQ(0, memcmp(mem + 99, in + 99, 100000));
			free(mem);
			EXPECT_EQ(1, pinned_pages());
			ASSERT_EQ(0, buffers_unregister(r));
			close(sv[0]);
			close(sv[1]);
		}
	}
	EXPECT_EQ(0, pinned_pages());
}

TEST_F(ring, unregistered_in_flight)
{
	struct ring *r = &self->ring;
	char *mem = one_buffer(r, 77);
	unsigned int i;
	ssize_t ahead;
	int sv[2];

	ASSERT_NE(NULL, mem);
	fill(mem, SIZE, 5);
	ahead = ASSERT_HELD(AF_INET6, sv);
	/* many sends in few packets */
	for (i = 0; i < 16; i++) {
		prep_fixed(r, sv[0], mem + i * 200, 200, 0, i);
		ASSERT_SENDS(r, i, 200);
	}
	ASSERT_EQ(0, buffers_unregister(r));
	ASSERT_QUIET(r);
	prep_fixed(r, sv[0], mem, 10, 0, 100);
	ASSERT_FAILED(r, 100, -EFAULT);
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 3200));
	EXPECT_TRUE(is_filled(in, 3200, 5));
	ASSERT_EQ(0, ring_wait(r, 17));
	/* the tag is the last of all */
	for (i = 0; i < 16; i++) {
		struct io_uring_cqe cqe = {};

		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(IORING_CQE_F_NOTIF, cqe.flags);
		EXPECT_GT(16, cqe.user_data);
	}
	ASSERT_CQE(r, 77, 0, 0);
	EXPECT_TRUE(wait_pinned(0));
}

/* The device holds the packets back, for longer than ring and socket live. */
TEST_F(ring, held_by_the_device)
{
	struct io_uring_cqe cqe = {};
	struct ring r;
	int sv[2];
	char *mem;

	ASSERT_TRUE(wait_pinned(0));
	if (lo_own())
		SKIP(return, "no network namespace");
	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, variant->flags));
	mem = one_buffer(&r, 77);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	ASSERT_EQ(0, lo_hold());
	prep_fixed(&r, sv[0], mem, 1000, 0, 1);
	ASSERT_EQ(1, ring_submit(&r));
	ASSERT_EQ(0, ring_take(&r, &cqe));
	ASSERT_EQ(1000, cqe.res);
	ASSERT_QUIET(&r);
	ring_exit(&r);
	close(sv[0]);
	close(sv[1]);
	ASSERT_EQ(0, munmap(mem, SIZE));
	/* io_uring's ring, too, waits for its notification */
	EXPECT_LT(0, pinned_pages());
	ASSERT_EQ(0, lo_release());
	EXPECT_TRUE(wait_pinned(0));
}

TEST_F(ring, killed_in_flight)
{
	int pipefd[2], sv[2], status;
	ssize_t ahead;
	pid_t pid;
	char c;

	ASSERT_TRUE(wait_pinned(0));
	ASSERT_EQ(0, pipe(pipefd));
	ahead = ASSERT_HELD(AF_INET, sv);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct io_uring_cqe cqe;
		struct ring r;
		char *mem;

		if (ring_init(&r, variant->backend, 4, variant->flags))
			_exit(1);
		mem = one_buffer(&r, 77);
		fill(mem, SIZE, 3);
		prep_fixed(&r, sv[0], mem, 100000, 0, 1);
		if (ring_submit(&r) != 1 || ring_take(&r, &cqe) || cqe.res != 100000 ||
		    write(pipefd[1], "", 1) != 1)
			_exit(1);
		raise(SIGKILL);
	}
	ASSERT_EQ(1, read(pipefd[0], &c, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(SIGKILL, status);
	EXPECT_EQ(SIZE / PAGE, pinned_pages());
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 100000));
	EXPECT_TRUE(is_filled(in, 100000, 3));
	EXPECT_TRUE(wait_pinned(0));
}

/* The buffer is looked up at the first attempt, and kept from then on. */
TEST_F(ring, replaced_while_it_waits)
{
	struct ring *r = &self->ring;
	char *first = one_buffer(r, 0), *second = anon_alloc(PAGE);
	ssize_t full;
	int sv[2];

	ASSERT_NE(NULL, first);
	fill(first, SIZE, 1);
	full = ASSERT_FULL(AF_INET, sv);
	prep_fixed(r, sv[0], first, 100, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(1, buffer_update(r, 0, second, PAGE));
	prep_fixed(r, sv[0], second, 100, 0, 2)->ioprio |= IORING_RECVSEND_POLL_FIRST;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	ASSERT_EQ(1, buffer_update(r, 0, NULL, 0));
	ASSERT_EQ(0, read_all(sv[1], in, full));
	ASSERT_EQ(0, ring_wait(r, 1));
	ASSERT_EQ(0, read_all(sv[1], in, 100));
	EXPECT_TRUE(is_filled(in, 100, 1));
	/* that one was first polled for, and then found nothing */
	ASSERT_EQ(0, ring_wait(r, variant->backend == RURING ? 3 : 4));
	ring_drain(r);
	EXPECT_EQ(-1, recv(sv[1], in, 1, MSG_DONTWAIT));
}

TEST_HARNESS_MAIN
