// SPDX-License-Identifier: GPL-2.0
/*
 * Who has thousands of requests for one walk to pass by has that walk done in his own time: somebody else on the same
 * processor has as much of it as beside one who only counts.
 */
#include <linux/ruring.h>
#include <linux/time_types.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

#include "attack.h"

FIXTURE_VARIANT_ADD(attack, ruring) { .backend = RURING };
FIXTURE_VARIANT_ADD(attack, io_uring) { .backend = IO_URING };

/* For how long others are watched. */
#define WINDOW_MS	1000
#define GROUP		3

/* As many as there may be; the debug kernel is ten times slower. */
static unsigned int requests = 20000;

__attribute__((constructor)) static void look_at_the_kernel(void)
{
	if (!access("/sys/kernel/debug/kmemleak", F_OK))
		requests = 2000;
}

static void on_one_processor(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	MUST(!sched_setaffinity(0, sizeof(set), &set));
}

static void count(void)
{
	__atomic_add_fetch(&board->count, 1, __ATOMIC_RELEASE);
}

static void submit_all(struct ring *r)
{
	MUST(ring_submit_and_run(r) >= 0);
	ring_drain(r);
}

/* What is submitted so often, and stays. */
static void submit_many(struct ring *r, struct io_uring_sqe *(*one)(struct ring *r, unsigned int i))
{
	unsigned int i;

	for (i = 0; i < requests; i++) {
		one(r, i);
		if (i % 64 == 63)
			submit_all(r);
	}
	submit_all(r);
}

static int sv[2], to_sync;
static char byte;

static struct io_uring_sqe *one_poll(struct ring *r, unsigned int i)
{
	return prep_poll(r, sv[0], POLLIN, 1000 + i);
}

static struct io_uring_sqe *one_timeout(struct ring *r, unsigned int i)
{
	static struct __kernel_timespec hour = { 3600, 0 };
	struct io_uring_sqe *sqe = prep(r, IORING_OP_TIMEOUT, -1, &hour, 1, 1000 + i);

	/* also after more completions than will come */
	sqe->off = 1 << 30;
	return sqe;
}

static struct io_uring_sqe *one_write(struct ring *r, unsigned int i)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_WRITE, to_sync, &byte, 1, 1000 + i);

	sqe->flags = IOSQE_ASYNC;
	return sqe;
}

/* A receive that goes on when its group has a buffer. */
static struct io_uring_sqe *one_receive(struct ring *r, unsigned int i)
{
	struct io_uring_sqe *sqe = prep_recv(r, sv[0], NULL, 0, 1000 + i);

	sqe->flags = IOSQE_BUFFER_SELECT;
	/* of groups that have none, and of one that has */
	sqe->buf_group = i % 8;
	sqe->ioprio = IORING_RECV_MULTISHOT | (r->backend == RURING ? RURING_RECV_KEEP : 0);
	return sqe;
}

/* Nothing but a loop: what anybody may do. */
static void only_counts(struct ring *r)
{
	(void)r;
	for (;;)
		count();
}

/* Cancels that look at all, and find none. */
static void cancels_nothing(struct ring *r)
{
	submit_many(r, one_poll);
	for (;;) {
		prep_cancel(r, 1, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_USERDATA, 2);
		submit_all(r);
		count();
	}
}

/* Requests of workers that are out of time, beside many that wait: each makes their task look for them. */
static void out_of_time(struct ring *r)
{
	static struct __kernel_timespec soon = { 0, 1000 };

	submit_many(r, one_poll);
	for (;;) {
		prep_fifo(r, 1)->flags = IOSQE_IO_LINK;
		prep(r, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 2);
		MUST(ring_submit(r) == 2);
		/* one that has ended before says so as well */
		MUST(!ring_wait_ms(r, 2, LATE_MS));
		ring_drain(r);
		count();
	}
}

/* What no two workers do at a time, so that each that looks passes all of it by. */
static void waits_for_a_worker(struct ring *r)
{
	for (;;) {
		submit_many(r, one_write);
		count();
	}
}

/* Receives of many groups, of which one has a buffer now and then. */
static void is_fed(struct ring *r)
{
	unsigned int i = 0;

	submit_many(r, one_receive);
	for (;;) {
		struct io_uring_sqe *sqe = prep(r, IORING_OP_PROVIDE_BUFFERS, 1, &byte, 1, 1);

		sqe->buf_group = i++ % 8;
		MUST(write(sv[1], "x", 1) == 1 || errno == EAGAIN);
		submit_all(r);
		count();
	}
}

/* Sends that wait for their turn behind one that finds no room, of which one is taken out at a time. */
static struct io_uring_sqe *one_send(struct ring *r, unsigned int i)
{
	struct io_uring_sqe *sqe = prep_send(r, sv[1], &byte, 1, 1000 + i);

	sqe->ioprio = RURING_SEND_ORDERED;
	return sqe;
}

static void in_order(struct ring *r)
{
	unsigned int i = 0;

	while (write(sv[1], &byte, 1) == 1)
		;
	submit_many(r, one_send);
	for (;;) {
		one_send(r, requests + i);
		prep_cancel(r, 1000 + requests / 2 + i % (requests / 2), 0, 2);
		submit_all(r);
		i++;
		count();
	}
}

/* Timeouts that count completions, of which there are more and more. */
static void counted(struct ring *r)
{
	unsigned int i;

	submit_many(r, one_timeout);
	for (;;) {
		for (i = 0; i < 32; i++)
			prep_nop(r, i);
		submit_all(r);
		count();
	}
}

static const struct act {
	const char *name;
	void (*act)(struct ring *r);
	/* what io_uring has not, or may not end: a LINK_TIMEOUT that finds its request on its way to a worker */
	bool only_ruring;
} acts[] = {
	{ "nothing", only_counts, false },
	{ "cancels that find nothing", cancels_nothing, false },
	{ "requests of workers that are out of time", out_of_time, true },
	{ "writes that wait for a worker", waits_for_a_worker, false },
	{ "receives that wait for a buffer", is_fed, false },
	{ "timeouts that count", counted, false },
	{ "sends in order", in_order, true },
};

static void attack(enum backend backend, unsigned int i)
{
	struct ring ring;

	on_one_processor();
	to_sync = new_file(false);
	MUST(!unix_pair(SOCK_STREAM | SOCK_NONBLOCK, sv));
	MUST(!ring_init_cq(&ring, backend, 64, 32768, 0));
	acts[i].act(&ring);
	_exit(1);
}

/* Somebody who has a ring, and gets done what he can: a message from himself to himself at a time. */
static void be_busy(enum backend backend)
{
	struct io_uring_cqe cqe;
	int pair[2];
	struct ring ring;
	char c;

	on_one_processor();
	MUST(!unix_pair(SOCK_STREAM, pair) && !ring_init(&ring, backend, 8, 0));
	for (;;) {
		prep_recv(&ring, pair[0], &c, 1, 1);
		MUST(ring_submit(&ring) == 1 && write(pair[1], "x", 1) == 1);
		MUST(!ring_take(&ring, &cqe) && cqe.res == 1);
		__atomic_add_fetch(&board->step[0], 1, __ATOMIC_RELEASE);
	}
}

/* How much of the processor he has in a time, in thousandths: however slow the machine is meanwhile. */
static int share_of(pid_t pid)
{
	long long used, begin;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock))
		return -1;
	used = now_ns(clock);
	begin = now_ns(CLOCK_MONOTONIC);
	usleep(WINDOW_MS * 1000);
	used = now_ns(clock) - used;
	return 1000 * used / (now_ns(CLOCK_MONOTONIC) - begin);
}

TEST_F(attack, walks_along_what_one_has)
{
	int share[ARRAY_SIZE(acts)] = {}, before, done;
	pid_t user, attacker;
	unsigned int i;

	user = spawn(self->group, BYSTANDER);
	ASSERT_LE(0, user);
	if (!user)
		be_busy(variant->backend);
	ASSERT_TRUE(reaches(&board->step[0], 1));
	for (i = 0; i < ARRAY_SIZE(acts); i++) {
		if (variant->backend == IO_URING && acts[i].only_ruring)
			continue;
		before = board->count;
		attacker = spawn(self->group, ATTACKER);
		ASSERT_LE(0, attacker);
		if (!attacker)
			attack(variant->backend, i);
		EXPECT_TRUE(reaches(&board->count, before + 2))
			TH_LOG("%s", acts[i].name);
		done = board->step[0];
		share[i] = share_of(user);
		done = board->step[0] - done;
		EXPECT_TRUE(child_dies(attacker, acts[i].name));
		/* the processor is shared by two, whatever the other one does */
		EXPECT_LE(share[0], 3 * share[i])
			TH_LOG("%s: %d, and %d beside one who only counts", acts[i].name,
			       share[i], share[0]);
		EXPECT_LT(0, done);
		TH_LOG("%s: %d of 1000, %d messages", acts[i].name, share[i], done);
	}
	EXPECT_TRUE(child_dies(user, "user"));
}

TEST_HARNESS_MAIN
