// SPDX-License-Identifier: GPL-2.0
/*
 * IORING_SETUP_SQPOLL: setting it up, sharing its thread, who may use the ring.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define RING_AWAKE
#include "cgroup.h"
#include "sqpoll.h"

TEST_F(sqpoll, features)
{
	EXPECT_TRUE(self->ring.params.features & IORING_FEAT_SQPOLL_NONFIXED);
	EXPECT_EQ(IORING_SETUP_SQPOLL, self->ring.params.flags);
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
	/* an administrator may move it */
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	EXPECT_EQ(0, sched_setaffinity(thread_of(r), sizeof(set), &set));
}

/* Whatever the task has limited itself to: else a thread could run where its container must not. */
TEST_F(bare, within_the_cpuset)
{
	unsigned int affinity = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF;
	struct io_uring_params params = { .flags = affinity, .sq_thread_cpu = 1 };
	struct cgroup cpuset;
	cpu_set_t set;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "there is one processor");
	if (write_to(CGROUPS, "cgroup.subtree_control", "+cpuset"))
		SKIP(return, "no cpusets");
	ASSERT_EQ(0, cpuset_enter(&cpuset, "0"));
	EXPECT_EQ(0, try(variant->backend, affinity, 0, 0));
	EXPECT_EQ(-EINVAL, try(variant->backend, affinity, 1, 0));
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	EXPECT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	EXPECT_EQ(0, try(variant->backend, affinity, 0, 0));
	EXPECT_EQ(-EINVAL, try(variant->backend, affinity, 1, 0));
	/* what the cpuset has */
	EXPECT_EQ(0, write_to(cpuset.dir, "cpuset.cpus", "0-1"));
	EXPECT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	EXPECT_EQ(0, try(variant->backend, affinity, 1, 0));
	/* a thread keeps no process where it is, nor itself where the process may not be any more */
	ASSERT_EQ(0, ring_init_params(&self->ring, variant->backend, 16, &params));
	/* io_uring's goes there when it begins, which nobody waits for */
	prep_nop(&self->ring, 1);
	ring_publish(&self->ring);
	ASSERT_EQ(1, ring_enter(&self->ring, 1, 0, IORING_ENTER_SQ_WAKEUP));
	ASSERT_COMES(&self->ring, 1, 0);
	EXPECT_EQ(0, write_to(cpuset.dir, "cpuset.cpus", "0"));
	ASSERT_EQ(0, sched_getaffinity(thread_of(&self->ring), sizeof(set), &set));
	EXPECT_FALSE(CPU_ISSET(1, &set));
	EXPECT_EQ(0, write_to(CGROUPS, "cgroup.procs", "0"));
	/* its threads are gone soon */
	EXPECT_TRUE(wait_until(cgroup_is_removed, &cpuset));
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

TEST_F(sqpoll, the_thread_is_of_the_process)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d", thread_of(&self->ring));
	EXPECT_EQ(0, access(path, F_OK));
}

/* Who may have no more threads gets no ring, and nothing of it stays. */
TEST_F(bare, no_more_threads)
{
	struct rlimit limit = { 1, 1 };
	int i;

	ASSERT_LE(0, variant->backend == RURING ? device_fd() : 0);
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &limit));
	ASSERT_EQ(0, become_nobody());
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-EAGAIN, try(variant->backend, IORING_SETUP_SQPOLL, 0, 0));
}

static bool says_asleep(void *arg)
{
	return ring_flags(arg) & IORING_SQ_NEED_WAKEUP;
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
	ring_exit(r);
	/* nor does it look, as it says */
	ASSERT_EQ(0, init(r, variant->backend, IORING_SETUP_R_DISABLED, 1));
	prep_nop(r, 1);
	ring_publish(r);
	ASSERT_TRUE(wait_until(says_asleep, r));
	ASSERT_EQ(0, ring_ready(r));
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
