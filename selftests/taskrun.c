// SPDX-License-Identifier: GPL-2.0
/*
 * Who runs the task work and when, and who may submit.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#include "fixture.h"

#define GETEVENTS	IORING_ENTER_GETEVENTS

/* A ring with flags of its own, and a poll request waiting on a socket. */
struct armed {
	struct ring ring;
	int sv[2];
};

static int arm(struct armed *a, enum backend on, unsigned int flags)
{
	int ret = ring_init(&a->ring, on, 8, flags);

	if (!ret)
		ret = unix_pair(SOCK_STREAM, a->sv);
	if (ret)
		return ret;
	prep_poll(&a->ring, a->sv[0], POLLIN, 1);
	ret = ring_submit(&a->ring);
	return ret == 1 ? 0 : ret;
}

static bool wake(struct armed *a)
{
	return write(a->sv[1], "x", 1) == 1;
}

static void *wake_thread(void *arg)
{
	return wake(arg) ? NULL : arg;
}

static bool expired;

static void on_alarm(int sig)
{
	(void)sig;
	__atomic_store_n(&expired, true, __ATOMIC_RELAXED);
}

/* Watch the queue from user space alone, for at most some seconds. */
static bool spin_for_completion(struct ring *ring, unsigned int flag)
{
	bool seen = false, late = false;

	signal(SIGALRM, on_alarm);
	alarm(DEADLINE_MS / 1000);
	while (!seen && !late) {
		seen = ring_ready(ring) || (ring_flags(ring) & flag);
		late = __atomic_load_n(&expired, __ATOMIC_RELAXED);
	}
	alarm(0);
	return seen && !late;
}

TEST_F(ring, completes_without_a_system_call)
{
	struct armed a;
	pthread_t thread;
	void *failed;

	ASSERT_EQ(0, arm(&a, variant->backend, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wake_thread, &a));
	EXPECT_TRUE(spin_for_completion(&a.ring, 0));
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
	ASSERT_CQE(&a.ring, 1, POLLIN, 0);
}

TEST_F(ring, completes_on_the_way_back_from_any_system_call)
{
	static const unsigned int flags[] = {
		0, IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_COOP_TASKRUN,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	};
	struct armed a;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ASSERT_EQ(0, arm(&a, variant->backend, flags[i]));
		ASSERT_TRUE(wake(&a));
		EXPECT_EQ(1, ring_ready(&a.ring));
		EXPECT_EQ(0, ring_flags(&a.ring));
		ring_exit(&a.ring);
	}
}

TEST_F(ring, cooperative_task_work_asks_for_a_system_call)
{
	struct armed a;
	pthread_t thread;

	ASSERT_EQ(0, arm(&a, variant->backend,
			 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wake_thread, &a));
	/* the flag, unless the thread was interrupted for another reason */
	EXPECT_TRUE(spin_for_completion(&a.ring, IORING_SQ_TASKRUN));
	ASSERT_EQ(0, ring_run(&a.ring));
	EXPECT_EQ(0, ring_flags(&a.ring));
	EXPECT_EQ(1, ring_ready(&a.ring));
	pthread_join(thread, NULL);
}

TEST_F(ring, deferred_task_work_waits_for_getevents)
{
	struct armed a;

	ASSERT_EQ(0, arm(&a, variant->backend, DEFER_FLAGS));
	ASSERT_TRUE(wake(&a));
	getppid();
	EXPECT_EQ(0, ring_ready(&a.ring));

	/* neither an entry without nor a submission runs it */
	EXPECT_EQ(0, ring_enter(&a.ring, 0, 0, 0));
	EXPECT_EQ(0, ring_ready(&a.ring));
	prep_nop(&a.ring, 2);
	ASSERT_EQ(1, ring_submit(&a.ring));
	ASSERT_EQ(1, ring_ready(&a.ring));
	ASSERT_CQE(&a.ring, 2, 0, 0);

	EXPECT_EQ(0, ring_enter(&a.ring, 0, 0, GETEVENTS));
	EXPECT_EQ(1, ring_ready(&a.ring));
	ASSERT_CQE(&a.ring, 1, POLLIN, 0);
}

TEST_F(ring, deferred_task_work_is_announced)
{
	struct armed a;

	ASSERT_EQ(0, arm(&a, variant->backend,
			 DEFER_FLAGS | IORING_SETUP_TASKRUN_FLAG));
	EXPECT_EQ(0, ring_flags(&a.ring));
	ASSERT_TRUE(wake(&a));
	EXPECT_EQ(IORING_SQ_TASKRUN, ring_flags(&a.ring));
	EXPECT_EQ(0, ring_ready(&a.ring));
	ASSERT_EQ(0, ring_run(&a.ring));
	EXPECT_EQ(0, ring_flags(&a.ring));
	EXPECT_EQ(1, ring_ready(&a.ring));
}

TEST_F(ring, deferred_task_work_is_not_announced_unasked)
{
	struct armed a;

	ASSERT_EQ(0, arm(&a, variant->backend, DEFER_FLAGS));
	ASSERT_TRUE(wake(&a));
	EXPECT_EQ(0, ring_flags(&a.ring));
}

TEST_F(ring, deferred_task_work_wakes_the_waiter)
{
	struct armed a;
	pthread_t thread;

	ASSERT_EQ(0, arm(&a, variant->backend, DEFER_FLAGS));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wake_thread, &a));
	EXPECT_EQ(0, ring_wait_ms(&a.ring, 1, DEADLINE_MS));
	EXPECT_EQ(1, ring_ready(&a.ring));
	pthread_join(thread, NULL);
}

TEST_F(ring, deferred_task_work_runs_when_the_wait_times_out)
{
	struct armed a;

	ASSERT_EQ(0, arm(&a, variant->backend, DEFER_FLAGS));
	ASSERT_TRUE(wake(&a));
	EXPECT_EQ(0, ring_wait_ms(&a.ring, 2, 10));
	EXPECT_EQ(1, ring_ready(&a.ring));
}

/* What another thread gets for a call. */
struct call {
	struct ring *ring;
	unsigned int to_submit;
	unsigned int flags;
	int opcode;
	int ret;
};

static void *call_thread(void *arg)
{
	struct call *c = arg;

	if (c->opcode >= 0)
		c->ret = ring_register(c->ring, c->opcode, NULL, 0);
	else
		c->ret = ring_enter(c->ring, c->to_submit, 0, c->flags);
	return NULL;
}

static int enter_elsewhere(struct ring *ring, unsigned int to_submit,
			   unsigned int flags)
{
	struct call c = { ring, to_submit, flags, -1, 1 };
	pthread_t thread;

	if (pthread_create(&thread, NULL, call_thread, &c))
		return -EAGAIN;
	pthread_join(thread, NULL);
	return c.ret;
}

static int register_elsewhere(struct ring *ring, unsigned int opcode)
{
	struct call c = { ring, 0, 0, opcode, 1 };
	pthread_t thread;

	if (pthread_create(&thread, NULL, call_thread, &c))
		return -EAGAIN;
	pthread_join(thread, NULL);
	return c.ret;
}

TEST_F(ring, any_thread_may_submit_by_default)
{
	prep_nop(&self->ring, 1);
	ring_publish(&self->ring);
	EXPECT_EQ(1, enter_elsewhere(&self->ring, 1, 0));
	ASSERT_CQE(&self->ring, 1, 0, 0);
}

TEST_F(ring, single_issuer_keeps_others_out)
{
	struct ring r;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, IORING_SETUP_SINGLE_ISSUER));
	prep_nop(&r, 1);
	ring_publish(&r);
	EXPECT_EQ(-EEXIST, enter_elsewhere(&r, 1, 0));
	EXPECT_EQ(0, *r.sq_head);
	EXPECT_EQ(-EEXIST, register_elsewhere(&r, IORING_REGISTER_ENABLE_RINGS));
	/* who does not submit may still wait */
	EXPECT_EQ(0, enter_elsewhere(&r, 0, GETEVENTS));
	EXPECT_EQ(1, ring_enter(&r, 1, 0, 0));
}

TEST_F(ring, deferred_task_work_keeps_other_waiters_out)
{
	struct ring r;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, DEFER_FLAGS));
	EXPECT_EQ(-EEXIST, enter_elsewhere(&r, 0, GETEVENTS));
	EXPECT_EQ(0, enter_elsewhere(&r, 0, 0));
	/* the argument, of which there is none, is looked at before; if there is something to submit it is not */
	EXPECT_EQ(-EINVAL, enter_elsewhere(&r, 0, GETEVENTS | IORING_ENTER_EXT_ARG));
	EXPECT_EQ(-EEXIST, enter_elsewhere(&r, 1, GETEVENTS | IORING_ENTER_EXT_ARG));
}

TEST_F(ring, a_child_is_not_the_issuer)
{
	struct ring r;
	pid_t pid;
	int status;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, IORING_SETUP_SINGLE_ISSUER));
	prep_nop(&r, 1);
	ring_publish(&r);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(ring_enter(&r, 1, 0, 0) != -EEXIST);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(ring, disabled_ring_does_nothing)
{
	struct ring r;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, IORING_SETUP_R_DISABLED));
	prep_nop(&r, 1);
	ring_publish(&r);
	EXPECT_EQ(-EBADFD, ring_enter(&r, 1, 0, 0));
	EXPECT_EQ(-EBADFD, ring_enter(&r, 0, 0, GETEVENTS));
	EXPECT_EQ(-EBADFD, ring_enter(&r, 0, 0, 0));
	ASSERT_EQ(0, ring_register(&r, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	EXPECT_EQ(1, ring_enter(&r, 1, 0, 0));
	ASSERT_CQE(&r, 1, 0, 0);
}

TEST_F(ring, a_ring_is_enabled_once)
{
	struct ring r;
	char c = 0;

	EXPECT_EQ(-EBADFD, ring_register(&self->ring, IORING_REGISTER_ENABLE_RINGS,
					 NULL, 0));
	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, IORING_SETUP_R_DISABLED));
	EXPECT_EQ(-EINVAL, ring_register(&r, IORING_REGISTER_ENABLE_RINGS, &c, 0));
	EXPECT_EQ(-EINVAL, ring_register(&r, IORING_REGISTER_ENABLE_RINGS, NULL, 1));
	EXPECT_EQ(0, ring_register(&r, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	EXPECT_EQ(-EBADFD, ring_register(&r, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
}

struct enabler {
	struct ring *ring;
	int enabled;
	int submitted;
};

static void *enable_thread(void *arg)
{
	struct enabler *e = arg;

	e->enabled = ring_register(e->ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	e->submitted = ring_enter(e->ring, 1, 0, 0);
	return NULL;
}

TEST_F(ring, who_enables_the_ring_becomes_the_issuer)
{
	struct enabler e;
	pthread_t thread;
	struct ring r;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 4,
			       IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER));
	prep_nop(&r, 1);
	prep_nop(&r, 2);
	ring_publish(&r);
	e.ring = &r;
	ASSERT_EQ(0, pthread_create(&thread, NULL, enable_thread, &e));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, e.enabled);
	EXPECT_EQ(1, e.submitted);
	EXPECT_EQ(-EEXIST, ring_enter(&r, 1, 0, 0));
}

struct waiter {
	struct ring *ring;
	unsigned int nr;
	int ret;
};

static void *wait_thread(void *arg)
{
	struct waiter *w = arg;

	w->ret = ring_wait_ms(w->ring, w->nr, DEADLINE_MS);
	return NULL;
}

TEST_F(ring, each_waiter_gets_the_number_it_asked_for)
{
	struct waiter two = { &self->ring, 2, 1 }, one = { &self->ring, 1, 1 };
	pthread_t threads[2];

	ASSERT_EQ(0, pthread_create(&threads[0], NULL, wait_thread, &two));
	ASSERT_EQ(0, pthread_create(&threads[1], NULL, wait_thread, &one));
	prep_nop(&self->ring, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, pthread_join(threads[1], NULL));
	EXPECT_EQ(0, one.ret);
	prep_nop(&self->ring, 2);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, pthread_join(threads[0], NULL));
	EXPECT_EQ(0, two.ret);
}

struct submitter {
	struct ring *ring;
	pthread_mutex_t *lock;
	unsigned int failed;
};

#define ROUNDS	200

static void *submit_thread(void *arg)
{
	struct submitter *s = arg;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		struct io_uring_cqe cqe;

		pthread_mutex_lock(s->lock);
		prep_nop(s->ring, i);
		if (ring_submit(s->ring) != 1 || !ring_peek(s->ring, &cqe) ||
		    cqe.user_data != i || cqe.res)
			s->failed++;
		pthread_mutex_unlock(s->lock);
	}
	return NULL;
}

TEST_F(ring, threads_take_turns)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct submitter s[3];
	pthread_t threads[3];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		s[i] = (struct submitter){ &self->ring, &lock, 0 };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, submit_thread, &s[i]));
	}
	for (i = 0; i < ARRAY_SIZE(s); i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		EXPECT_EQ(0, s[i].failed);
	}
	EXPECT_EQ(ROUNDS * ARRAY_SIZE(s), *self->ring.cq_tail);
}

/* A request completes in the task that submitted it, though another waits. */
static void *arm_thread(void *arg)
{
	struct armed *a = arg;

	prep_poll(&a->ring, a->sv[0], POLLIN, 1);
	if (ring_submit(&a->ring) != 1)
		return arg;
	/* stay until it is done, without entering the ring */
	while (!ring_ready(&a->ring))
		usleep(100);
	return NULL;
}

TEST_F(ring, submitter_completes_for_another_waiter)
{
	struct armed a;
	pthread_t thread;
	void *failed;

	ASSERT_EQ(0, ring_init(&a.ring, variant->backend, 4, 0));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, a.sv));
	ASSERT_EQ(0, pthread_create(&thread, NULL, arm_thread, &a));
	ASSERT_TRUE(wake(&a));
	EXPECT_EQ(0, ring_wait_ms(&a.ring, 1, DEADLINE_MS));
	EXPECT_EQ(1, ring_ready(&a.ring));
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
	ASSERT_CQE(&a.ring, 1, POLLIN, 0);
}

TEST_HARNESS_MAIN
