// SPDX-License-Identifier: GPL-2.0
/*
 * IORING_SETUP_SQPOLL: a thread of the kernel finds what is submitted.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

/* The thread does not sleep within a test, */
#define AWAKE_MS	(2 * DEADLINE_MS)
/* or soon. */
#define SOON_MS		10

FIXTURE(sqpoll) {
	struct ring ring;
};

FIXTURE_VARIANT(sqpoll) {
	enum backend backend;
};

FIXTURE_VARIANT_ADD(sqpoll, ruring) { .backend = RURING };
FIXTURE_VARIANT_ADD(sqpoll, io_uring) { .backend = IO_URING };

static int init(struct ring *ring, enum backend backend, unsigned int flags,
		unsigned int idle)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL | flags,
		.sq_thread_idle = idle,
	};

	return ring_init_params(ring, backend, 16, &params);
}

/*
 * A ring whose thread stays awake. The kernel's own may sleep before it begins
 * to look.
 */
static int init_awake(struct ring *ring, enum backend backend, unsigned int flags)
{
	struct io_uring_cqe cqe;
	int ret = init(ring, backend, flags, AWAKE_MS);

	if (ret)
		return ret;
	prep_nop(ring, 0);
	ring_publish(ring);
	while (!ret && !ring_peek(ring, &cqe))
		ret = ring_enter(ring, 0, 0, IORING_ENTER_SQ_WAKEUP);
	return ret;
}

FIXTURE_SETUP(sqpoll)
{
	ASSERT_EQ(0, init_awake(&self->ring, variant->backend, 0));
}

FIXTURE_TEARDOWN(sqpoll)
{
	if (self->ring.fd >= 0)
		ring_exit(&self->ring);
}

/* A fixture without a ring of its own. */
FIXTURE(bare) {
	struct ring ring;
};

FIXTURE_VARIANT(bare) {
	enum backend backend;
};

FIXTURE_VARIANT_ADD(bare, ruring) { .backend = RURING };
FIXTURE_VARIANT_ADD(bare, io_uring) { .backend = IO_URING };

FIXTURE_SETUP(bare)
{
	self->ring.fd = -1;
}

FIXTURE_TEARDOWN(bare)
{
	if (self->ring.fd >= 0)
		ring_exit(&self->ring);
}

static long long info(struct ring *ring, const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ring->fd);
	return proc_value(path, key);
}

/* The process id of the ring's thread. */
static pid_t thread_of(struct ring *ring)
{
	return info(ring, "SqThread:");
}

static bool thread_is_gone(void *arg)
{
	pid_t *pid = arg;

	return kill(*pid, 0) == -1 && errno == ESRCH;
}

static bool one_is_ready(void *arg)
{
	return ring_ready(arg) >= 1;
}

static bool needs_wakeup(void *arg)
{
	return ring_flags(arg) & IORING_SQ_NEED_WAKEUP;
}

static bool is_consumed(void *arg)
{
	struct ring *ring = arg;

	return __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE) == *ring->sq_tail;
}

/* The next completion comes without a system call, and is this one. */
#define ASSERT_COMES(ring, data, result) do {				\
	struct io_uring_cqe _cqe = {};					\
	ASSERT_TRUE(wait_until(one_is_ready, ring));			\
	ASSERT_TRUE(ring_peek(ring, &_cqe));				\
	ASSERT_EQ((__u64)(data), _cqe.user_data);			\
	ASSERT_EQ((__s32)(result), _cqe.res);				\
} while (0)

TEST_F(sqpoll, features)
{
	EXPECT_TRUE(self->ring.params.features & IORING_FEAT_SQPOLL_NONFIXED);
	EXPECT_EQ(IORING_SETUP_SQPOLL, self->ring.params.flags);
}

TEST_F(sqpoll, nops_by_stores_alone)
{
	struct ring *r = &self->ring;
	unsigned int round, i;

	for (round = 0; round < 50; round++) {
		for (i = 0; i < 1 + round % 16; i++)
			prep_nop(r, round * 100 + i);
		ring_publish(r);
		for (i = 0; i < 1 + round % 16; i++)
			ASSERT_COMES(r, round * 100 + i, 0);
		ASSERT_TRUE(wait_until(is_consumed, r));
		ASSERT_EQ(0, ring_ready(r));
	}
}

TEST_F(sqpoll, while_the_program_computes)
{
	struct ring *r = &self->ring;
	unsigned int i;

	/* no system call at all: alarm() ends a test that hangs */
	alarm(DEADLINE_MS / 1000);
	for (i = 0; i < 200; i++) {
		prep_nop(r, i);
		ring_publish(r);
		while (!ring_ready(r))
			;
		ASSERT_CQE(r, i, 0, 0);
	}
	alarm(0);
}

TEST_F(sqpoll, bytes_by_stores_alone)
{
	struct ring *r = &self->ring;
	char in[32] = {};
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_recv(r, sv[0], in, sizeof(in), 1);
	ring_publish(r);
	ASSERT_TRUE(wait_until(is_consumed, r));
	ASSERT_EQ(0, ring_ready(r));
	prep_send(r, sv[1], "by stores alone", 16, 2);
	ring_publish(r);
	ASSERT_TRUE(wait_until(one_is_ready, r));
	ASSERT_CQE(r, 2, 16, 0);
	ASSERT_COMES(r, 1, 16);
	EXPECT_STREQ("by stores alone", in);
}

TEST_F(sqpoll, enter_says_what_it_was_told)
{
	struct ring *r = &self->ring;

	EXPECT_EQ(0, ring_enter(r, 0, 0, 0));
	EXPECT_EQ(7, ring_enter(r, 7, 0, 0));
	EXPECT_EQ(7, ring_enter(r, 7, 0, IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT));
	EXPECT_EQ(-EINVAL, ring_enter(r, 7, 0, 1U << 31));
	prep_nop(r, 1);
	ring_publish(r);
	EXPECT_EQ(3, ring_enter(r, 3, 1, IORING_ENTER_GETEVENTS));
	ASSERT_CQE(r, 1, 0, 0);
	EXPECT_EQ(0, ring_ready(r));
}

TEST_F(sqpoll, a_wait_that_fails_is_told_of_with_nothing_to_submit)
{
	EXPECT_EQ(-ETIME, ring_wait_ms(&self->ring, 1, QUIET_MS));
}

TEST_F(bare, sleeps_when_idle)
{
	struct ring *r = &self->ring;

	ASSERT_EQ(0, init(r, variant->backend, 0, SOON_MS));
	ASSERT_TRUE(wait_until(needs_wakeup, r));
	prep_nop(r, 1);
	ring_publish(r);
	usleep(QUIET_MS * 1000);
	ASSERT_EQ(0, ring_ready(r));
	ASSERT_FALSE(is_consumed(r));
	ASSERT_EQ(1, ring_enter(r, 1, 0, IORING_ENTER_SQ_WAKEUP));
	ASSERT_COMES(r, 1, 0);
	/* and does so again */
	ASSERT_TRUE(wait_until(needs_wakeup, r));
	prep_nop(r, 2);
	ring_publish(r);
	ASSERT_EQ(1, ring_enter(r, 1, 1, IORING_ENTER_SQ_WAKEUP | IORING_ENTER_GETEVENTS));
	ASSERT_CQE(r, 2, 0, 0);
}

TEST_F(bare, stays_awake_once_woken_up)
{
	struct ring *r = &self->ring;

	ASSERT_EQ(0, init(r, variant->backend, 0, 500));
	ASSERT_TRUE(wait_until(needs_wakeup, r));
	ASSERT_EQ(0, ring_enter(r, 0, 0, IORING_ENTER_SQ_WAKEUP));
	while (needs_wakeup(r))
		usleep(100);
	prep_nop(r, 1);
	ring_publish(r);
	ASSERT_COMES(r, 1, 0);
}

/* Races each falling asleep with a new tail, as an application has to. */
TEST_F(bare, falling_asleep_loses_nothing)
{
	struct ring *r = &self->ring;
	unsigned int i, wakeups = 0;

	ASSERT_EQ(0, init(r, variant->backend, 0, 1));
	/* On a busy machine it may take longer until the thread was asleep once. */
	for (i = 0; i < 200 || !wakeups; i++) {
		prep_nop(r, i);
		ring_publish(r);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (needs_wakeup(r)) {
			ASSERT_EQ(1, ring_enter(r, 1, 0, IORING_ENTER_SQ_WAKEUP));
			wakeups++;
		}
		ASSERT_COMES(r, i, 0);
		usleep(i % 4 * 500);
	}
}

TEST_F(sqpoll, waits_for_room)
{
	struct ring *r = &self->ring;
	unsigned int done = 0, i, k;

	for (i = 0; i < 40; i++) {
		for (k = 0; k < 16; k++)
			prep_nop(r, i * 16 + k);
		ring_publish(r);
		ASSERT_EQ(16, ring_enter(r, 16, 0, IORING_ENTER_SQ_WAIT));
		/* there is room, not all need be free */
		ASSERT_NE(*r->sq_tail, __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE) + 16);
		ASSERT_TRUE(wait_until(is_consumed, r));
		done += ring_drain(r);
	}
	EXPECT_EQ(40 * 16, done);
}

static void *wait_for_room(void *arg)
{
	return (void *)(long)ring_enter(arg, 5, 0, IORING_ENTER_SQ_WAIT);
}

TEST_F(bare, another_thread_waits_for_room)
{
	struct ring *r = &self->ring;
	pthread_t thread;
	void *ret;
	int i;

	/* full while it is disabled, and so until it is enabled */
	ASSERT_EQ(0, init(r, variant->backend, IORING_SETUP_R_DISABLED, AWAKE_MS));
	for (i = 0; i < 16; i++)
		prep_nop(r, i);
	ring_publish(r);
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_room, r));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(5, (long)ret);
	for (i = 0; i < 16; i++)
		ASSERT_COMES(r, i, 0);
}

static int try(enum backend backend, unsigned int flags, unsigned int cpu, int wq_fd)
{
	struct io_uring_params params = {
		.flags = flags,
		.sq_thread_cpu = cpu,
		.wq_fd = wq_fd,
	};
	int fd = backend_setup(backend, 4, &params);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

TEST_F(bare, flags_that_do_not_go_together)
{
	static const unsigned int refused[] = {
		IORING_SETUP_COOP_TASKRUN,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_TASKRUN_FLAG,
		DEFER_FLAGS,
		DEFER_FLAGS | IORING_SETUP_TASKRUN_FLAG,
	};
	static const unsigned int taken[] = {
		0, IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_SUBMIT_ALL,
		IORING_SETUP_R_DISABLED, IORING_SETUP_NO_SQARRAY,
		IORING_SETUP_SQ_AFF, IORING_SETUP_IOPOLL,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++)
		EXPECT_EQ(-EINVAL, try(variant->backend,
				       IORING_SETUP_SQPOLL | refused[i], 0, 0));
	for (i = 0; i < ARRAY_SIZE(taken); i++)
		EXPECT_EQ(0, try(variant->backend,
				 IORING_SETUP_SQPOLL | taken[i], 0, 0));
	EXPECT_EQ(-EINVAL, try(variant->backend, IORING_SETUP_SQ_AFF, 0, 0));
}

TEST_F(bare, on_one_processor)
{
	unsigned int cpu = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF,
		.sq_thread_cpu = cpu,
		.sq_thread_idle = AWAKE_MS,
	};
	unsigned int affinity = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF;
	struct ring *r = &self->ring;
	cpu_set_t set;

	EXPECT_EQ(-EINVAL, try(variant->backend, affinity, cpu + 1, 0));
	EXPECT_EQ(-EINVAL, try(variant->backend, affinity, ~0u, 0));
	EXPECT_EQ(0, try(variant->backend, IORING_SETUP_SQPOLL, ~0u, 0));
	/* a task that keeps to one processor can have its thread on another */
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	ASSERT_EQ(0, ring_init_params(r, variant->backend, 16, &params));
	prep_nop(r, 1);
	ring_publish(r);
	ASSERT_EQ(1, ring_enter(r, 1, 0, IORING_ENTER_SQ_WAKEUP));
	ASSERT_COMES(r, 1, 0);
	ASSERT_EQ(0, sched_getaffinity(thread_of(r), sizeof(set), &set));
	EXPECT_EQ(1, CPU_COUNT(&set));
	EXPECT_TRUE(CPU_ISSET(cpu, &set));
	EXPECT_EQ(cpu, info(r, "SqThreadCpu:"));
}

/* Who submits can look at the SQ ring before it is interrupted to do so. */
TEST_F(bare, leaves_time_to_see_what_was_submitted)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF,
		.sq_thread_idle = AWAKE_MS,
	};
	struct ring *r = &self->ring;
	cpu_set_t set;

	if (variant->backend != RURING)
		SKIP(return, "io_uring's thread takes turns with the program");
	CPU_ZERO(&set);
	CPU_SET(params.sq_thread_cpu, &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	ASSERT_EQ(0, ring_init_params(r, variant->backend, 16, &params));
	prep_nop(r, 0);
	ring_publish(r);
	ASSERT_EQ(1, ring_enter(r, 1, 0, IORING_ENTER_SQ_WAKEUP));
	ASSERT_COMES(r, 0, 0);
	for (int i = 1; i <= 50; i++) {
		long long begin;

		prep_nop(r, i);
		begin = now_ns(CLOCK_MONOTONIC);
		ring_publish(r);
		while (!is_consumed(r))
			;
		EXPECT_LE(1000000, now_ns(CLOCK_MONOTONIC) - begin);
		ASSERT_COMES(r, i, 0);
	}
}

static int share(struct ring *ring, enum backend backend, int wq_fd)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL | IORING_SETUP_ATTACH_WQ,
		.sq_thread_idle = AWAKE_MS,
		.wq_fd = wq_fd,
	};

	return ring_init_params(ring, backend, 16, &params);
}

TEST_F(sqpoll, rings_share_a_thread)
{
	struct ring *r = &self->ring, others[3];
	pid_t pid = thread_of(r);
	unsigned int i, k;

	EXPECT_LT(0, pid);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, share(&others[i], variant->backend, r->fd));
		EXPECT_EQ(pid, thread_of(&others[i]));
	}
	for (k = 0; k < 20; k++) {
		for (i = 0; i < 3; i++) {
			prep_nop(&others[i], k * 10 + i);
			ring_publish(&others[i]);
		}
		for (i = 0; i < 3; i++)
			ASSERT_COMES(&others[i], k * 10 + i, 0);
	}
	/* whose was the first does not matter */
	ring_exit(r);
	ring_exit(&others[1]);
	prep_nop(&others[2], 99);
	ring_publish(&others[2]);
	ASSERT_COMES(&others[2], 99, 0);
	/* a place that has become free is taken again */
	ASSERT_EQ(0, share(&others[1], variant->backend, others[0].fd));
	EXPECT_EQ(pid, thread_of(&others[1]));
	prep_nop(&others[1], 98);
	ring_publish(&others[1]);
	ASSERT_COMES(&others[1], 98, 0);
	for (i = 0; i < 3; i++)
		ring_exit(&others[i]);
	EXPECT_TRUE(wait_until(thread_is_gone, &pid));
}

TEST_F(sqpoll, what_cannot_be_shared)
{
	unsigned int both = IORING_SETUP_SQPOLL | IORING_SETUP_ATTACH_WQ;
	enum backend backend = variant->backend;
	struct ring plain, *r = &self->ring;
	int null = open("/dev/null", O_RDWR);

	ASSERT_EQ(0, ring_init(&plain, backend, 4, 0));
	ASSERT_LE(0, null);
	EXPECT_EQ(-ENXIO, try(backend, both, 0, -1));
	EXPECT_EQ(-ENXIO, try(backend, IORING_SETUP_ATTACH_WQ, 0, -1));
	EXPECT_EQ(-EINVAL, try(backend, both, 0, null));
	EXPECT_EQ(-EINVAL, try(backend, IORING_SETUP_ATTACH_WQ, 0, null));
	EXPECT_EQ(-EINVAL, try(backend, both, 0, plain.fd));
	/* without a thread there is nothing to share, which is fine */
	EXPECT_EQ(0, try(backend, IORING_SETUP_ATTACH_WQ, 0, plain.fd));
	EXPECT_EQ(0, try(backend, IORING_SETUP_ATTACH_WQ, 0, r->fd));
	EXPECT_EQ(0, try(backend, both, 0, r->fd));
	ring_exit(&plain);
}

TEST_F(sqpoll, another_process_gets_a_thread_of_its_own)
{
	pid_t thread = thread_of(&self->ring), pid = fork();
	int status;

	if (!pid) {
		struct ring mine;
		int bad = share(&mine, variant->backend, self->ring.fd) ||
			  thread_of(&mine) == thread;

		prep_nop(&mine, 1);
		ring_publish(&mine);
		ring_enter(&mine, 1, 0, IORING_ENTER_SQ_WAKEUP);
		_exit(bad || !wait_until(one_is_ready, &mine));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(bare, starts_when_it_is_enabled)
{
	struct ring *r = &self->ring;

	ASSERT_EQ(0, init(r, variant->backend, IORING_SETUP_R_DISABLED, AWAKE_MS));
	prep_nop(r, 1);
	ring_publish(r);
	usleep(QUIET_MS * 1000);
	ASSERT_EQ(0, ring_ready(r));
	ASSERT_EQ(-EBADFD, ring_enter(r, 1, 0, IORING_ENTER_SQ_WAKEUP));
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	ASSERT_COMES(r, 1, 0);
	ASSERT_EQ(-EBADFD, ring_register(r, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
}

struct job {
	struct ring *ring;
	int fd;
	int ret;
};

static void *submit_and_wait(void *arg)
{
	struct job *job = arg;

	prep_nop(job->ring, 1);
	ring_publish(job->ring);
	job->ret = ring_enter(job->ring, 1, 1, IORING_ENTER_GETEVENTS);
	if (job->fd >= 0 && write(job->fd, "", 1) != 1)
		job->ret = -errno;
	return NULL;
}

/* The one who has set the ring up sleeps in another system call. */
TEST_F(bare, any_thread_enters_for_a_single_issuer)
{
	struct ring *r = &self->ring;
	struct job job = { .ring = r };
	pthread_t thread;
	int fds[2];
	char c;

	ASSERT_EQ(0, init_awake(r, variant->backend, IORING_SETUP_SINGLE_ISSUER));
	ASSERT_EQ(0, pipe(fds));
	job.fd = fds[1];
	ASSERT_EQ(0, pthread_create(&thread, NULL, submit_and_wait, &job));
	ASSERT_EQ(1, read(fds[0], &c, 1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, job.ret);
	ASSERT_CQE(r, 1, 0, 0);
}

static void *register_nothing(void *arg)
{
	return (void *)(long)ring_register(arg, IORING_UNREGISTER_EVENTFD, NULL, 0);
}

TEST_F(bare, a_single_issuer_registers)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, init_awake(&self->ring, variant->backend, IORING_SETUP_SINGLE_ISSUER));
	ASSERT_EQ(0, pthread_create(&thread, NULL, register_nothing, &self->ring));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(-EEXIST, (long)ret);
	EXPECT_EQ(-ENXIO, ring_register(&self->ring, IORING_UNREGISTER_EVENTFD, NULL, 0));
}

static void *publish_later(void *arg)
{
	usleep(QUIET_MS * 1000);
	ring_publish(arg);
	return NULL;
}

TEST_F(sqpoll, found_while_the_owner_waits)
{
	struct ring *r = &self->ring;
	pthread_t thread;

	prep_nop(r, 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, publish_later, r));
	ASSERT_EQ(0, ring_enter(r, 0, 1, IORING_ENTER_GETEVENTS));
	ASSERT_EQ(1, ring_ready(r));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_CQE(r, 1, 0, 0);
}

/* A wait of the owner does not begin anew when it submits. */
TEST_F(sqpoll, a_timeout_goes_on_meanwhile)
{
	struct ring *r = &self->ring;
	struct timespec begin, end;
	pthread_t thread;

	prep_nop(r, 1);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	ASSERT_EQ(0, pthread_create(&thread, NULL, publish_later, r));
	ASSERT_EQ(0, ring_wait_ms(r, 2, 100 * QUIET_MS));
	clock_gettime(CLOCK_MONOTONIC, &end);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_CQE(r, 1, 0, 0);
	EXPECT_LE(100 * QUIET_MS, (end.tv_sec - begin.tv_sec) * 1000 +
		  (end.tv_nsec - begin.tv_nsec) / 1000000);
}

TEST_F(sqpoll, bad_entries_hold_nothing_up)
{
	struct ring *r = &self->ring;
	unsigned int index;

	prep(r, 250, -1, NULL, 0, 1);
	prep_nop(r, 2);
	prep_nop(r, 3);
	ring_publish(r);
	ASSERT_COMES(r, 1, -EINVAL);
	ASSERT_COMES(r, 2, 0);
	ASSERT_COMES(r, 3, 0);

	index = *r->sq_tail & 15;
	prep_nop(r, 4);
	prep_nop(r, 5);
	r->sq_array[index] = 999;
	ring_publish(r);
	ASSERT_COMES(r, 5, 0);
	EXPECT_EQ(1, *r->sq_dropped);
	ASSERT_TRUE(wait_until(is_consumed, r));
}

static bool is_overflowing(void *arg)
{
	return ring_flags(arg) & IORING_SQ_CQ_OVERFLOW;
}

TEST_F(sqpoll, overflow_is_told)
{
	struct ring *r = &self->ring;
	unsigned int round, i, seen = 0;
	struct io_uring_cqe cqe;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 16; i++)
			prep_nop(r, round * 16 + i);
		ring_publish(r);
		ASSERT_TRUE(wait_until(is_consumed, r));
	}
	ASSERT_TRUE(wait_until(is_overflowing, r));
	while (seen < 48) {
		ASSERT_EQ(0, ring_enter(r, 0, 1, IORING_ENTER_GETEVENTS));
		for (; ring_peek(r, &cqe); seen++)
			ASSERT_EQ(seen, cqe.user_data);
	}
	EXPECT_FALSE(is_overflowing(r));
}

TEST_F(sqpoll, fdinfo)
{
	struct ring *r = &self->ring, plain;
	char path[64], name[32] = {};
	FILE *file;

	prep_nop(r, 1);
	ring_publish(r);
	ASSERT_COMES(r, 1, 0);
	ASSERT_LT(0, thread_of(r));
	EXPECT_LE(0, info(r, "SqThreadCpu:"));
	EXPECT_LE(0, info(r, "SqTotalTime:"));
	EXPECT_LE(0, info(r, "SqWorkTime:"));
	snprintf(path, sizeof(path), "/proc/%d/comm", thread_of(r));
	file = fopen(path, "r");
	ASSERT_NE(NULL, file);
	ASSERT_NE(NULL, fgets(name, sizeof(name), file));
	fclose(file);
	EXPECT_EQ(&name[0], strstr(name, variant->backend == RURING ? "ruring-sqp-" : "iou-sqp-"))
		TH_LOG("%s", name);

	ASSERT_EQ(0, ring_init(&plain, variant->backend, 4, 0));
	EXPECT_EQ(-1, info(&plain, "SqThread:"));
	EXPECT_EQ(-1, info(&plain, "SqThreadCpu:"));
	ring_exit(&plain);
}

TEST_F(bare, close_leaves_entries_alone)
{
	struct ring *r = &self->ring;
	pid_t pid;
	int sv[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, init(r, variant->backend, 0, SOON_MS));
	pid = thread_of(r);
	prep_recv(r, sv[0], &c, 1, 1);
	ring_publish(r);
	ASSERT_EQ(1, ring_enter(r, 1, 0, IORING_ENTER_SQ_WAKEUP));
	ASSERT_TRUE(wait_until(is_consumed, r));
	ASSERT_TRUE(wait_until(needs_wakeup, r));
	prep_send(r, sv[1], "x", 1, 2);
	ring_publish(r);
	ring_exit(r);
	ASSERT_TRUE(wait_until(thread_is_gone, &pid));
	EXPECT_EQ(-1, recv(sv[0], &c, 1, MSG_DONTWAIT));
	EXPECT_EQ(EAGAIN, errno);
}

/* Closes rings at any moment of their thread's life. */
TEST_F(bare, close_at_any_time)
{
	unsigned int i, k;

	for (i = 0; i < 60; i++) {
		struct ring *r = &self->ring;

		ASSERT_EQ(0, init(r, variant->backend, 0, i % 3));
		for (k = 0; k < i % 17; k++)
			prep_nop(r, k);
		ring_publish(r);
		for (k = 0; k < i * 100; k++)
			__asm__ volatile ("" ::: "memory");
		ring_exit(r);
	}
}

TEST_F(bare, kill_ends_the_thread)
{
	struct shared { pid_t thread; } *shared;
	int sv[2], status;
	pid_t pid;
	char c;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	pid = fork();
	if (!pid) {
		struct ring *r = &self->ring;

		close(sv[1]);
		if (init_awake(r, variant->backend, 0))
			_exit(1);
		prep_recv(r, sv[0], &c, 1, 1);
		ring_publish(r);
		wait_until(is_consumed, r);
		shared->thread = thread_of(r);
		send(sv[0], "!", 1, 0);
		for (;;) {
			prep_nop(r, 2);
			ring_publish(r);
			while (!ring_drain(r))
				;
		}
	}
	close(sv[0]);
	ASSERT_EQ(1, recv(sv[1], &c, 1, 0));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(wait_until(thread_is_gone, &shared->thread));
	/* and the request that waited has let go of its socket */
	EXPECT_EQ(0, recv(sv[1], &c, 1, 0));
}

static bool is_owner_dead(void *arg)
{
	return ring_enter(arg, 0, 0, IORING_ENTER_SQ_WAKEUP) == -EOWNERDEAD;
}

TEST_F(bare, another_process_finds_the_owner_dead)
{
	struct ring *r = &self->ring;
	int fds[2], status;
	pid_t pid;
	char ok;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	if (!pid) {
		if (init_awake(r, variant->backend, 0))
			_exit(1);
		/* the child of the child goes on */
		if (fork())
			_exit(0);
		ok = wait_until(is_owner_dead, r) && needs_wakeup(r) &&
		     ring_enter(r, 1, 1, IORING_ENTER_GETEVENTS) == -EOWNERDEAD;
		_exit(write(fds[1], &ok, 1) != 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	close(fds[1]);
	ASSERT_EQ(1, read(fds[0], &ok, 1));
	EXPECT_EQ(1, ok);
}

static void *make_ring(void *arg)
{
	struct ring *r = arg;

	return (void *)(long)init_awake(r, r->backend, 0);
}

TEST_F(bare, outlives_the_thread_that_made_it)
{
	struct ring *r = &self->ring;
	pthread_t thread;
	unsigned int i;
	void *ret;

	r->backend = variant->backend;
	ASSERT_EQ(0, pthread_create(&thread, NULL, make_ring, r));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	ASSERT_EQ(0, (long)ret);
	/* the next thread that enters goes on with it */
	prep_nop(r, 2);
	ring_publish(r);
	ASSERT_EQ(1, ring_enter(r, 1, 1, IORING_ENTER_SQ_WAKEUP | IORING_ENTER_GETEVENTS));
	ASSERT_CQE(r, 2, 0, 0);
	for (i = 3; i < 20; i++) {
		prep_nop(r, i);
		ring_publish(r);
		ASSERT_COMES(r, i, 0);
	}
}

#define THREADS	4
#define EACH	300

static void *hammer(void *arg)
{
	struct ring *r = arg;
	unsigned int i;

	for (i = 0; i < EACH; i++) {
		prep_nop(r, i);
		ring_publish(r);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (ring_enter(r, 1, i % 3 == 0, (i % 3 == 0 ? IORING_ENTER_GETEVENTS : 0) |
			       (needs_wakeup(r) ? IORING_ENTER_SQ_WAKEUP : 0)) != 1 ||
		    !wait_until(one_is_ready, r))
			return (void *)1;
		if (ring_drain(r) != 1)
			return (void *)2;
	}
	return NULL;
}

/* Rings that share a thread and have one owner, each used by another thread. */
TEST_F(sqpoll, all_at_once)
{
	struct ring rings[THREADS];
	pthread_t threads[THREADS];
	unsigned int i;
	void *ret;

	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, share(&rings[i], variant->backend, self->ring.fd));
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, hammer, &rings[i]));
	}
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &ret));
		EXPECT_EQ(NULL, ret);
		ring_exit(&rings[i]);
	}
}

TEST_HARNESS_MAIN
