// SPDX-License-Identifier: GPL-2.0
/*
 * What a submitter does who is up to no good.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ruring.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RING_MODES
#include "fixture.h"

/*
 * A socket that hangs up is always ready, and its error queue is always empty. Nobody
 * can be kept in the kernel by that.
 */
TEST_F(ring, ready_for_ever_and_never_done)
{
	struct msghdr msg = {};
	struct io_uring_sqe *sqe;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ASSERT_LE(0, fd);
	sqe = prep(&self->ring, IORING_OP_RECVMSG, fd, &msg, 1, 1);
	sqe->msg_flags = MSG_ERRQUEUE;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, -EAGAIN, 0);
	ASSERT_QUIET(&self->ring);
	close(fd);
}

/* Two threads that begin at the same time. */
struct racer {
	struct ring *ring;
	pthread_barrier_t *start;
	unsigned int opcode;
	const void *arg;
	unsigned int nr;
	/* go on as long as this is the result */
	int again;
	int result;
};

static void *race(void *arg)
{
	struct racer *r = arg;

	pthread_barrier_wait(r->start);
	do {
		r->result = ring_register(r->ring, r->opcode, r->arg, r->nr);
	} while (r->result == r->again && r->again);
	return NULL;
}

static int race_both(struct racer *one, struct racer *other)
{
	pthread_barrier_t start;
	pthread_t thread;

	pthread_barrier_init(&start, NULL, 2);
	one->start = other->start = &start;
	if (pthread_create(&thread, NULL, race, one))
		return -errno;
	race(other);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&start);
	return 0;
}

/* A ring for a single issuer has one, whoever else wants to be it. */
TEST_F(ring, one_of_two_enables_a_ring)
{
	unsigned int round;

	for (round = 0; round < 200; round++) {
		struct racer one, other;
		struct ring r;

		ASSERT_EQ(0, ring_init(&r, variant->backend, 4, IORING_SETUP_R_DISABLED |
				       IORING_SETUP_SINGLE_ISSUER | variant->flags));
		one = other = (struct racer) {
			.ring = &r,
			.opcode = IORING_REGISTER_ENABLE_RINGS,
		};
		ASSERT_EQ(0, race_both(&one, &other));
		EXPECT_EQ(1, (one.result == 0) + (other.result == 0));
		EXPECT_TRUE(one.result == 0 || one.result == -EBADFD || one.result == -EEXIST);
		EXPECT_TRUE(other.result == 0 || other.result == -EBADFD ||
			    other.result == -EEXIST);
		ring_exit(&r);
	}
}

/* The memory of a group can be mapped, also if one of the same name goes just now. */
TEST_F(ring, a_new_group_is_not_taken_for_the_old_one)
{
	struct io_uring_buf_reg new = {
		.ring_entries = 16,
		.bgid = 3,
		.flags = IOU_PBUF_RING_MMAP,
	};
	struct io_uring_buf_reg old = { .bgid = 3 };
	unsigned int round;
	struct ring r;

	/* one that any thread may use */
	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, 0));
	ASSERT_EQ(0, ring_register(&r, IORING_REGISTER_PBUF_RING, &new, 1));
	for (round = 0; round < 300; round++) {
		struct racer goes = {
			.ring = &r,
			.opcode = IORING_UNREGISTER_PBUF_RING,
			.arg = &old,
			.nr = 1,
		};
		struct racer comes = {
			.ring = &r,
			.opcode = IORING_REGISTER_PBUF_RING,
			.arg = &new,
			.nr = 1,
			.again = -EEXIST,
		};
		void *p;

		ASSERT_EQ(0, race_both(&goes, &comes));
		ASSERT_EQ(0, goes.result);
		ASSERT_EQ(0, comes.result);
		p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd,
			 IORING_OFF_PBUF_RING | 3ULL << IORING_OFF_PBUF_SHIFT);
		ASSERT_NE(MAP_FAILED, p) TH_LOG("round %u", round);
		munmap(p, 4096);
	}
	ring_exit(&r);
}

static long long cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* What it costs to submit to a queue that waits, if @kept completions wait for room; -1 if not. */
static long long cost_of_waiting(enum backend backend, unsigned int flags, unsigned int kept)
{
	long long least = 0, took;
	unsigned int entries = 256, i;
	struct ring r;
	char buf[8];
	int sv[2];

	if (ring_init(&r, backend, entries, flags) || unix_pair(SOCK_STREAM, sv))
		return -1;
	for (i = 0; i < kept + 2 * entries; i++) {
		prep_nop(&r, i);
		if (i % entries == entries - 1 && ring_submit(&r) != (int)entries)
			return -1;
	}
	ring_submit(&r);
	prep_recv(&r, sv[0], buf, 1, 1);
	prep_nop(&r, 2)->flags |= IOSQE_IO_DRAIN;
	if (ring_submit(&r) != 2)
		return -1;
	/* the least of some, as others may be counted who run on the same processor */
	for (i = 0; i < 16 * entries; i++) {
		prep_nop(&r, 3);
		if (i % entries != entries - 1)
			continue;
		took = cpu_ns();
		if (ring_submit(&r) != (int)entries)
			return -1;
		took = cpu_ns() - took;
		least = least && least < took ? least : took;
	}
	ring_exit(&r);
	close(sv[0]);
	close(sv[1]);
	return least;
}

/* Nobody has the kernel go through all that was kept for each request. */
TEST_F(ring, waiting_costs_the_same_whatever_is_kept)
{
	long long few = cost_of_waiting(variant->backend, variant->flags, 256);
	long long many = cost_of_waiting(variant->backend, variant->flags, 12000);

	ASSERT_LT(0, few);
	ASSERT_LT(0, many);
	EXPECT_GT(10 * few, many);
}

static struct msghdr hello = {
	.msg_iov = &(struct iovec) { "hello", 5 },
	.msg_iovlen = 1,
};

/*
 * A program that has come by execve(2) to a ring in which the one before it has
 * left a send behind, with another request linked to it.
 */
static int next_program(int fd, unsigned int flags)
{
	struct io_uring_cqe cqe;
	struct ring r, like_it;
	int res[3] = { 1, 1, 1 }, i;

	if (ring_init(&like_it, RURING, 8, flags))
		return 1;
	r = like_it;
	r.fd = fd;
	if (ring_map(&r))
		return 2;
	prep_nop(&r, 0);
	if (ring_submit(&r) != 1 || lo_release())
		return 3;
	for (i = 0; i < 3; i++) {
		if (ring_take(&r, &cqe))
			return 4;
		res[cqe.user_data % 3] = cqe.res;
	}
	if (res[0] != 0 || res[1] != 5)
		return 5;
	return res[2] == -ECANCELED ? 0 : 6;
}

__attribute__((constructor)) static void begin(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--next"))
		_exit(next_program(atoi(argv[2]), atoi(argv[3])));
}

static int leave_a_send_behind(unsigned int flags)
{
	char fd[16], flags_text[16];
	struct sockaddr_in addr;
	struct io_uring_sqe *sqe;
	struct ring r;
	int from, to;

	if (lo_own() || ring_init(&r, RURING, 8, flags))
		return 10;
	to = udp_socket(&addr);
	from = udp_socket(&(struct sockaddr_in) {});
	if (to < 0 || from < 0 || connect(from, (void *)&addr, sizeof(addr)) || lo_hold())
		return 11;
	sqe = prep(&r, IORING_OP_SENDMSG_ZC, from, &hello, 1, 1);
	sqe->ioprio = RURING_SEND_ZC_COMBINE_CQE;
	sqe->flags = IOSQE_IO_LINK;
	prep_nop(&r, 2);
	if (ring_submit(&r) != 2 || ring_ready(&r) || fcntl(r.fd, F_SETFD, 0))
		return 12;
	snprintf(fd, sizeof(fd), "%d", r.fd);
	snprintf(flags_text, sizeof(flags_text), "%u", flags);
	execl("/proc/self/exe", "hostile", "--next", fd, flags_text, NULL);
	return 13;
}

static bool refs_are_back(void *arg)
{
	return proc_value("/sys/module/ruring/refcnt", "") <= *(long long *)arg;
}

/* What ends after its ring is closed has nobody to wait for, also if the queue was full. */
TEST_F(ring, a_packet_outlives_a_ring_that_is_full)
{
	struct io_uring_sqe *sqe;
	struct sockaddr_in addr;
	long long refs;
	int from, to;
	struct ring r;
	unsigned int i;

	if (variant->backend != RURING)
		SKIP(return, "only ruring's references are known");
	refs = proc_value("/sys/module/ruring/refcnt", "");
	ASSERT_LE(0, refs);
	ASSERT_EQ(0, lo_own());
	to = udp_socket(&addr);
	from = udp_socket(&(struct sockaddr_in) {});
	ASSERT_EQ(0, connect(from, (void *)&addr, sizeof(addr)));
	ASSERT_EQ(0, lo_hold());
	ASSERT_EQ(0, ring_init(&r, variant->backend, 8, variant->flags));
	sqe = prep(&r, IORING_OP_SENDMSG_ZC, from, &hello, 1, 1);
	sqe->ioprio = RURING_SEND_ZC_COMBINE_CQE;
	ASSERT_EQ(1, ring_submit(&r));
	for (i = 0; i < r.params.cq_entries; i++) {
		prep_nop(&r, 2);
		ASSERT_EQ(1, ring_submit(&r));
	}
	ring_exit(&r);
	EXPECT_FALSE(refs_are_back(&refs));
	ASSERT_EQ(0, lo_release());
	EXPECT_TRUE(wait_until(refs_are_back, &refs));
	close(from);
	close(to);
}

/* An address in a request is one of the program that has submitted it. */
TEST_F(ring, what_was_linked_is_not_done_by_the_next_program)
{
	int status;
	pid_t pid;

	if (variant->backend != RURING)
		SKIP(return, "io_uring has no request that ends with a packet");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(leave_a_send_behind(variant->flags));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status) TH_LOG("%x", status);
}

TEST_HARNESS_MAIN
