// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that work for a user are that user's: within his limits, at his priority, and gone with him.
 */
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

#include "attack.h"

FIXTURE_VARIANT_ADD(attack, ruring) { .backend = RURING };
FIXTURE_VARIANT_ADD(attack, io_uring) { .backend = IO_URING };

/* Memory that FALLOCATE takes. */

#define LIMIT	(32LL << 20)

static bool some_is_taken(void *arg)
{
	struct stat st = {};

	return !fstat(*(int *)arg, &st) && st.st_blocks > 0;
}

/* Who has the file is not who has asked for memory, and has ended while it was being taken. */
static int ask_and_exit(enum backend backend, int fd, long long bytes)
{
	struct ring ring;
	pid_t pid = fork();

	if (!pid) {
		MUST(!ring_init(&ring, backend, 8, 0));
		prep(&ring, IORING_OP_FALLOCATE, fd, (void *)bytes, 0, 1);
		MUST(ring_submit(&ring) == 1);
		MUST(wait_until(some_is_taken, &fd));
		_exit(0);
	}
	/* the limit may be the end of it */
	return waitpid(pid, NULL, 0) == pid ? 0 : -errno;
}

/* How much of @bytes stays allocated, when all is over. */
static long long taken(struct __test_metadata *_metadata, const char *group, enum backend backend,
		       long long bytes)
{
	int fd = memfd_create("attack", MFD_CLOEXEC);
	struct stat st = {};
	pid_t attacker;

	EXPECT_LE(0, fd);
	EXPECT_EQ(0, limit(group, "memory.max", "33554432"));
	EXPECT_EQ(0, limit(group, "memory.oom.group", "0"));
	attacker = spawn(group, ATTACKER);
	EXPECT_LE(0, attacker);
	if (!attacker)
		_exit(ask_and_exit(backend, fd, bytes) ? 1 : 0);
	EXPECT_TRUE(child_ends(attacker, "attacker", 0));
	/* whoever may still be at it */
	if (backend == RURING)
		EXPECT_TRUE(wait_ms(module_is_idle, NULL, LATE_MS));
	EXPECT_EQ(0, fstat(fd, &st));
	close(fd);
	return st.st_blocks * 512LL;
}

TEST_F(attack, memory_outside_of_the_group)
{
	EXPECT_GE(LIMIT, taken(_metadata, self->group, variant->backend, 4 * LIMIT));
}

static void have_memory_until_the_end(void)
{
	size_t len = 16 << 20;
	char *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(mem != MAP_FAILED);
	memset(mem, 1, len);
	reach(&board->step[0], 1);
	for (;;)
		pause();
}

TEST_F(attack, all_memory_there_is)
{
	pid_t bystander = spawn(self->group, BYSTANDER);

	ASSERT_LE(0, bystander);
	if (!bystander)
		have_memory_until_the_end();
	ASSERT_TRUE(reaches(&board->step[0], 1));
	EXPECT_GE(LIMIT, taken(_metadata, self->group, variant->backend, 64LL << 30));
	EXPECT_EQ(0, waitpid(bystander, NULL, WNOHANG)) TH_LOG("somebody else was killed");
	EXPECT_TRUE(child_dies(bystander, "bystander"));
}

/* Threads that look for submissions. */

#define THREADS	20

static int make_threads(enum backend backend, unsigned int flags)
{
	unsigned int i;
	int fd = 0;

	for (i = 0; i < 3 * THREADS; i++) {
		struct io_uring_params params = {
			.flags = IORING_SETUP_SQPOLL | flags,
			.sq_thread_idle = DEADLINE_MS,
		};

		fd = backend_setup(backend, 1, &params);
		if (fd < 0)
			break;
	}
	reach(&board->result[0], fd);
	reach(&board->count, i);
	reach(&board->step[0], 1);
	for (;;)
		pause();
}

static unsigned int threads_named(const char *name)
{
	char path[300], text[64];
	unsigned int nr = 0;
	struct dirent *e;
	DIR *dir = opendir("/proc");

	while (dir && (e = readdir(dir))) {
		if (!isdigit(e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		nr += !strncmp(proc_text(text, sizeof(text), path), name, strlen(name));
	}
	if (dir)
		closedir(dir);
	return nr;
}

/* Threads of the kernel that look as if they were ruring's: no user's request is theirs. */
static unsigned int kernel_threads(void)
{
	return threads_named("ruring-");
}

static void check_threads(struct __test_metadata *_metadata, pid_t attacker)
{
	ASSERT_TRUE(reaches(&board->step[0], 1));
	EXPECT_EQ(-EAGAIN, board->result[0]);
	EXPECT_GT(THREADS, board->count);
	/* one for each ring, and the process itself */
	EXPECT_LE(10, board->count);
	EXPECT_EQ(0, kernel_threads());
	EXPECT_TRUE(child_dies(attacker, "attacker"));
}

TEST_F(attack, threads_outside_of_the_group)
{
	pid_t attacker;

	ASSERT_EQ(0, limit(self->group, "pids.max", "20"));
	attacker = spawn(self->group, ATTACKER);
	ASSERT_LE(0, attacker);
	if (!attacker)
		make_threads(variant->backend, 0);
	check_threads(_metadata, attacker);
}

TEST_F(attack, threads_beyond_the_limit_of_the_user)
{
	struct rlimit processes = { THREADS, THREADS };
	pid_t attacker = spawn(self->group, ATTACKER);

	ASSERT_LE(0, attacker);
	if (!attacker) {
		MUST(!setrlimit(RLIMIT_NPROC, &processes));
		make_threads(variant->backend, 0);
	}
	check_threads(_metadata, attacker);
}

/* Workers, each of which opens a file. */
TEST_F(attack, workers_beyond_the_limit)
{
	pid_t attacker, bystander;
	unsigned int i;

	ASSERT_EQ(0, limit(self->group, "pids.max", "4"));
	attacker = spawn(self->group, ATTACKER);
	ASSERT_LE(0, attacker);
	if (!attacker) {
		struct ring ring;

		MUST(!ring_init(&ring, variant->backend, 64, 0));
		for (i = 0; i < 64; i++)
			prep_fifo(&ring, i)->flags = IOSQE_ASYNC;
		reach(&board->step[0], 1);
		ring_submit(&ring);
		pause();
	}
	/* more than the one who has submitted, and all of them are its own */
	ASSERT_TRUE(sleep_in(attacker, AT_FIFO, 2));
	EXPECT_EQ(0, kernel_threads());
	bystander = spawn(self->group, BYSTANDER);
	ASSERT_LE(0, bystander);
	if (!bystander) {
		struct io_uring_cqe cqe;
		struct ring ring;

		MUST(!ring_init(&ring, variant->backend, 4, 0));
		prep(&ring, IORING_OP_FSYNC, new_file(false), NULL, 0, 1)->flags = IOSQE_ASYNC;
		MUST(ring_submit(&ring) == 1 && !ring_take(&ring, &cqe) && !cqe.res);
		_exit(0);
	}
	EXPECT_TRUE(child_ends(bystander, "bystander", 0));
	EXPECT_TRUE(child_dies(attacker, "attacker"));
}

/* Processor time. */

#define LOOP_MS	1500

/* The share of a processor, in percent, that one who wants all of it gets. */
static int share_of(int cpu)
{
	cpu_set_t set;
	long long begin, used;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	MUST(!sched_setaffinity(0, sizeof(set), &set));
	used = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	begin = now_ns(CLOCK_MONOTONIC);
	while (now_ns(CLOCK_MONOTONIC) - begin < LOOP_MS * 1000000LL)
		;
	used = now_ns(CLOCK_PROCESS_CPUTIME_ID) - used;
	return 100 * used / (now_ns(CLOCK_MONOTONIC) - begin);
}

/* What everybody has a low priority for, 19. */
static void read_for_ever(enum backend backend)
{
	size_t len = 8 << 20;
	int fd = new_file(false);
	char *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ring ring;
	unsigned int i;

	MUST(!setpriority(PRIO_PROCESS, 0, 19));
	MUST(mem != MAP_FAILED && !ring_init(&ring, backend, 16, 0));
	memset(mem, 1, len);
	MUST(write(fd, mem, len) == (ssize_t)len);
	for (i = 0; ; i++) {
		if (i >= 16) {
			struct io_uring_cqe cqe;

			MUST(!ring_take(&ring, &cqe));
			reach(&board->step[0], 1);
		}
		prep(&ring, IORING_OP_READ, fd, mem, len, i)->flags = IOSQE_ASYNC;
		MUST(ring_submit(&ring) == 1);
	}
}

TEST_F(attack, processors_at_a_low_priority)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN), cpu, sum = 0;
	pid_t attacker = spawn(self->group, ATTACKER), loop[16];

	ASSERT_LE(0, attacker);
	if (!attacker)
		read_for_ever(variant->backend);
	ASSERT_TRUE(reaches(&board->step[0], 1));
	cpus = cpus > 16 ? 16 : cpus;
	for (cpu = 0; cpu < cpus; cpu++) {
		loop[cpu] = spawn(self->group, BYSTANDER);
		ASSERT_LE(0, loop[cpu]);
		if (!loop[cpu]) {
			board->result[cpu] = share_of(cpu);
			_exit(0);
		}
	}
	for (cpu = 0; cpu < cpus; cpu++) {
		EXPECT_TRUE(child_ends(loop[cpu], "loop", 0));
		sum += board->result[cpu];
	}
	/* nearly all; and a fifth where workers have a priority of their own */
	EXPECT_LE(60, sum / cpus);
	EXPECT_TRUE(child_dies(attacker, "attacker"));
}

TEST_HARNESS_MAIN
