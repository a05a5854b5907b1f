// SPDX-License-Identifier: GPL-2.0
/*
 * IORING_REGISTER_MEM_REGION: memory that the ring and its program share, and
 * arguments of waits in it.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define RING_MODES
#include "fixture.h"

#define PAGE	4096
#define MS	1000000LL
#define WAIT_FLAGS	(IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | IORING_ENTER_EXT_ARG_REG)

static void *pages(unsigned int count)
{
	return mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int set_region(struct ring *r, struct io_uring_region_desc *desc, unsigned int flags)
{
	struct io_uring_mem_region_reg reg = { .region_uptr = (uintptr_t)desc, .flags = flags };

	return ring_register(r, IORING_REGISTER_MEM_REGION, &reg, 1);
}

static int set_user_region(struct ring *r, void *mem, unsigned int count, unsigned int flags)
{
	struct io_uring_region_desc desc = {
		.user_addr = (uintptr_t)mem,
		.size = count * PAGE,
		.flags = IORING_MEM_REGION_TYPE_USER,
	};

	return set_region(r, &desc, flags);
}

/* A ring of the test's kind with a region of arguments, which begins with these. */
static struct io_uring_reg_wait *waiting_ring(struct ring *of, struct ring *r, void **mem)
{
	unsigned int flags = (of->params.flags & DEFER_FLAGS) | IORING_SETUP_R_DISABLED;

	*mem = pages(2);
	if (*mem == MAP_FAILED || ring_init(r, of->backend, 16, flags))
		return NULL;
	if (set_user_region(r, *mem, 2, IORING_MEM_REGION_REG_WAIT_ARG) ||
	    ring_register(r, IORING_REGISTER_ENABLE_RINGS, NULL, 0))
		return NULL;
	return *mem;
}

static int wait_at(struct ring *r, unsigned int nr, unsigned long offset)
{
	return backend_enter(r->backend, r->fd, 0, nr, WAIT_FLAGS, (void *)offset,
			     sizeof(struct io_uring_reg_wait));
}

TEST_F(ring, arguments)
{
	struct io_uring_region_desc desc = { .size = PAGE };
	struct io_uring_mem_region_reg reg = { .region_uptr = (uintptr_t)&desc };
	struct ring *r = &self->ring;

	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_MEM_REGION, NULL, 1));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_MEM_REGION, &reg, 0));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_MEM_REGION, (void *)8, 1));
	reg.region_uptr = 8;
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_MEM_REGION, &reg, 1));
	reg.region_uptr = (uintptr_t)&desc;
	reg.__resv[1] = 1;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_MEM_REGION, &reg, 1));
	EXPECT_EQ(-EINVAL, set_region(r, &desc, 2));
	/* The ring may be used, and somebody may be waiting. */
	EXPECT_EQ(-EINVAL, set_region(r, &desc, IORING_MEM_REGION_REG_WAIT_ARG));
	desc.__resv[3] = 1;
	EXPECT_EQ(-EINVAL, set_region(r, &desc, 0));
	desc.__resv[3] = 0;
	desc.flags = 2;
	EXPECT_EQ(-EINVAL, set_region(r, &desc, 0));
	desc.flags = IORING_MEM_REGION_TYPE_USER;
	EXPECT_EQ(-EFAULT, set_region(r, &desc, 0));
	desc.flags = 0;
	desc.user_addr = 16 * PAGE;
	EXPECT_EQ(-EFAULT, set_region(r, &desc, 0));
	desc.user_addr = 0;
	desc.size = 0;
	EXPECT_EQ(-EINVAL, set_region(r, &desc, 0));
	desc.size = PAGE + 8;
	EXPECT_EQ(-EINVAL, set_region(r, &desc, 0));
	desc.size = (1ULL << 31) * PAGE;
	EXPECT_EQ(-E2BIG, set_region(r, &desc, 0));
	desc.size = PAGE;
	desc.id = 1;
	EXPECT_EQ(-EINVAL, set_region(r, &desc, 0));
	desc.id = 0;
	desc.mmap_offset = PAGE;
	EXPECT_EQ(-EINVAL, set_region(r, &desc, 0));
	desc.mmap_offset = 0;
	desc.flags = IORING_MEM_REGION_TYPE_USER;
	desc.user_addr = -(__u64)PAGE;
	EXPECT_EQ(-EOVERFLOW, set_region(r, &desc, 0));
	desc.user_addr = 16 * PAGE;
	EXPECT_EQ(-EFAULT, set_region(r, &desc, 0));
	desc.user_addr = 16 * PAGE + 8;
	EXPECT_EQ(-EINVAL, set_region(r, &desc, 0));
}

TEST_F(ring, memory_of_the_kernels)
{
	struct io_uring_region_desc desc = { .size = 3 * PAGE }, next = { .size = PAGE };
	struct ring *r = &self->ring;
	char *mem;
	int i;

	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, r->fd, 0x20000000));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, set_region(r, &desc, 0));
	ASSERT_NE(0, desc.mmap_offset);
	EXPECT_EQ(-EBUSY, set_region(r, &next, 0));
	mem = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, desc.mmap_offset);
	ASSERT_NE(MAP_FAILED, mem);
	for (i = 0; i < 3 * PAGE; i += 512)
		EXPECT_EQ(0, mem[i]);
	memset(mem, 1, 3 * PAGE);
	/* The mapping stays without the ring. */
	ring_exit(r);
	EXPECT_EQ(1, mem[3 * PAGE - 1]);
	munmap(mem, 3 * PAGE);
	r->fd = -1;
}

TEST_F(ring, memory_of_the_programs)
{
	struct io_uring_region_desc next = { .size = PAGE };
	struct ring *r = &self->ring;
	void *mem = pages(2);

	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, set_user_region(r, mem, 2, 0));
	EXPECT_EQ(-EBUSY, set_region(r, &next, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, r->fd, 0x20000000));
	EXPECT_EQ(EINVAL, errno);
	/* It is not for arguments. */
	EXPECT_EQ(-EFAULT, wait_at(r, 1, 0));
	munmap(mem, 2 * PAGE);
}

TEST_F(ring, counts_as_locked)
{
	const struct rlimit limit = { 4 * PAGE, 4 * PAGE };
	struct io_uring_region_desc desc = { .size = 5 * PAGE };
	struct ring *r = &self->ring;
	struct ring own;
	void *mem = pages(5);
	int status;
	pid_t child;

	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (r->backend == RURING && device_fd() < 0)
			_exit(1);
		setrlimit(RLIMIT_MEMLOCK, &limit);
		if (become_nobody())
			_exit(2);
		if (ring_init(&own, r->backend, 4, r->params.flags & DEFER_FLAGS))
			_exit(3);
		if (set_region(&own, &desc, 0) != -ENOMEM)
			_exit(4);
		if (set_user_region(&own, mem, 5, 0) != -ENOMEM)
			_exit(5);
		desc.size = PAGE;
		if (set_region(&own, &desc, 0))
			_exit(6);
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(ring, registered_waits)
{
	struct io_uring_reg_wait *wait;
	struct ring ring, *r = &ring;
	long long before;
	void *mem;

	wait = waiting_ring(&self->ring, r, &mem);
	ASSERT_NE(NULL, wait);
	wait[3].ts.tv_nsec = 5 * MS;
	wait[3].flags = IORING_REG_WAIT_TS;
	before = now_ns(CLOCK_MONOTONIC);
	EXPECT_EQ(-ETIME, wait_at(r, 1, 3 * sizeof(*wait)));
	EXPECT_LE(before + 5 * MS, now_ns(CLOCK_MONOTONIC));
	/* They may lie anywhere where a word may. */
	memcpy((char *)mem + 2 * PAGE - sizeof(*wait), &wait[3], sizeof(*wait));
	memcpy((char *)mem + PAGE - 8, &wait[3], sizeof(*wait));
	EXPECT_EQ(-ETIME, wait_at(r, 1, PAGE - 8));
	/* io_uring takes the first argument for the last, which says nothing of a time. */
	if (r->backend == RURING)
		EXPECT_EQ(-ETIME, wait_at(r, 1, 2 * PAGE - sizeof(*wait)));
	/* Nothing is waited for, and yet it is read. */
	EXPECT_EQ(-EFAULT, wait_at(r, 0, 2 * PAGE - sizeof(*wait) + 8));
	EXPECT_EQ(-EFAULT, wait_at(r, 0, 4));
	EXPECT_EQ(-EFAULT, wait_at(r, 0, -8));
	EXPECT_EQ(-EFAULT, wait_at(r, 0, -sizeof(*wait)));
	EXPECT_EQ(0, wait_at(r, 0, 0));
	wait[0].flags = 2;
	EXPECT_EQ(-EINVAL, wait_at(r, 0, 0));
	EXPECT_EQ(-EINVAL, backend_enter(r->backend, r->fd, 0, 0, WAIT_FLAGS, NULL, 24));
	/* Without the other flag it is a mask's address, and there is none. */
	EXPECT_EQ(0, backend_enter(r->backend, r->fd, 0, 0,
				   IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG_REG, NULL, 8));
	/* An absolute time that is over. */
	EXPECT_EQ(-ETIME, backend_enter(r->backend, r->fd, 0, 1, WAIT_FLAGS | IORING_ENTER_ABS_TIMER,
					(void *)(3 * sizeof(*wait)), sizeof(*wait)));
	/* There is one completion, and the least time is over. */
	wait[1].min_wait_usec = 2000;
	wait[1].ts.tv_sec = DEADLINE_MS / 1000;
	wait[1].flags = IORING_REG_WAIT_TS;
	prep_nop(r, 1);
	ASSERT_EQ(1, ring_submit(r));
	before = now_ns(CLOCK_MONOTONIC);
	EXPECT_EQ(0, wait_at(r, 2, sizeof(*wait)));
	EXPECT_LE(before + 2 * MS, now_ns(CLOCK_MONOTONIC));
	ASSERT_CQE(r, 1, 0, 0);
	ring_exit(r);
}

static int caught;

static void handler(int sig)
{
	(void)sig;
	__atomic_add_fetch(&caught, 1, __ATOMIC_RELAXED);
}

TEST_F(ring, mask_of_a_registered_wait)
{
	const struct sigaction act = { .sa_handler = handler };
	struct io_uring_reg_wait *wait;
	sigset_t usr, none, old;
	struct ring ring, *r = &ring;
	void *mem;

	wait = waiting_ring(&self->ring, r, &mem);
	ASSERT_NE(NULL, wait);
	sigemptyset(&none);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	caught = 0;
	ASSERT_EQ(0, sigaction(SIGUSR1, &act, NULL));
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &usr, &old));
	raise(SIGUSR1);
	wait->sigmask = (uintptr_t)&none;
	wait->sigmask_sz = 4;
	EXPECT_EQ(-EINVAL, wait_at(r, 1, 0));
	wait->sigmask_sz = 8;
	EXPECT_EQ(0, caught);
	EXPECT_EQ(-EINTR, wait_at(r, 1, 0));
	EXPECT_EQ(1, caught);
	ASSERT_EQ(0, sigprocmask(SIG_SETMASK, &old, NULL));
	ring_exit(r);
}

/* Send what the other ring waits for. */
static void *sender(void *arg)
{
	int fd = *(int *)arg;

	return (void *)(long)send(fd, "x", 1, 0);
}

TEST_F(ring, a_wait_that_a_completion_ends)
{
	struct io_uring_reg_wait *wait;
	struct ring ring, *r = &ring;
	pthread_t thread;
	int fds[2];
	void *mem;
	char c;

	wait = waiting_ring(&self->ring, r, &mem);
	ASSERT_NE(NULL, wait);
	wait->ts.tv_sec = DEADLINE_MS / 1000;
	wait->flags = IORING_REG_WAIT_TS;
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, fds));
	prep_recv(r, fds[0], &c, 1, 3);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, pthread_create(&thread, NULL, sender, &fds[1]));
	EXPECT_EQ(0, wait_at(r, 1, 0));
	ASSERT_CQE(r, 3, 1, 0);
	pthread_join(thread, NULL);
	ring_exit(r);
	close(fds[0]);
	close(fds[1]);
}

TEST_HARNESS_MAIN
