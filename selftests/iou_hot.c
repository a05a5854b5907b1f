// SPDX-License-Identifier: GPL-2.0
/*
 * iou_program: calls that are made from the same place again and again, and
 * filters that deny them.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "denial.h"
#include "iou_program.h"

/* How often this thread has slept: a stop is a sleep. */
static unsigned long sleeps(void)
{
	unsigned long n = 0;
	char line[128];
	FILE *file = fopen("/proc/thread-self/status", "r");

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "voluntary_ctxt_switches: %lu", &n);
	fclose(file);
	return n;
}

/* The call as compilers inline it: its number comes last. */
long enter_inline(int fd, unsigned int flags)
{
	register long r10 asm("r10") = flags;
	register long r8 asm("r8") = 0;
	register long r9 asm("r9") = 0;
	long ret;

	asm volatile("mov %[nr], %%eax\n\tsyscall"
		     : "=&a" (ret)
		     : [nr] "i" (__NR_io_uring_enter), "D" ((long)fd),
		       "S" (0L), "d" (0L), "r" (r10), "r" (r8), "r" (r9)
		     : "rcx", "r11", "memory");
	return ret;
}

/* As a launcher does: it denies the calls, then executes the program. */
void denied_later(void)
{
	static char * const argv[] = { "iou_program", "nop", NULL };

	CHECK(!deny_io_uring(DENY_EPERM));
	execv("/proc/self/exe", argv);
	CHECK(!"reached");
}

/* It denies them to itself when its ring is there; a thread has them denied too. */
static void *use_ring(void *arg)
{
	int i;

	for (i = 0; i < 20; i++)
		CHECK(enter(*(int *)arg, 0, 0, 0) == 0);
	CHECK(wait_in_vain(*(int *)arg, 1) == -1 && errno == ETIME);
	return arg;
}

void denied_to_itself(void)
{
	int fd = make_ring(0);
	pthread_t id;

	CHECK(fd >= 0);
	use_ring(&fd);
	CHECK(!deny_io_uring(DENY_EPERM));
	use_ring(&fd);
	nop();
	CHECK(!pthread_create(&id, NULL, use_ring, &fd));
	CHECK(!pthread_join(id, NULL));
}

#define HOT_CALLS	200

void hot_calls(void)
{
	int fd = make_ring(0), other, i, status;
	unsigned long before;

	CHECK(enter(fd, 0, 0, 0) == 0 && enter_inline(fd, 0) == 0);
	before = sleeps();
	for (i = 0; i < HOT_CALLS; i++)
		CHECK(enter(fd, 0, 0, 0) == 0 && enter_inline(fd, 0) == 0);
	CHECK(sleeps() - before < HOT_CALLS / 10);
	/* Errors are those of io_uring, whatever the way. */
	CHECK(enter(fd, 0, 0, 1U << 31) == -1 && errno == EINVAL);
	CHECK(enter(0, 0, 0, 0) == -1 && errno == EOPNOTSUPP);
	CHECK(enter(999, 0, 0, 0) == -1 && errno == EBADF);
	CHECK(enter_inline(fd, 1U << 31) == -EINVAL);
	CHECK(enter_inline(0, 0) == -EOPNOTSUPP);
	CHECK(enter_inline(999, 0) == -EBADF);
	CHECK(change_rings(fd, IORING_REGISTER_RING_FDS, 0, fd) == 0);
	CHECK(enter(0, 0, 0, IORING_ENTER_REGISTERED_RING) == 0);
	CHECK(enter_inline(0, IORING_ENTER_REGISTERED_RING) == 0);
	CHECK(enter_inline(1, IORING_ENTER_REGISTERED_RING) == -EBADF);
	/* Other calls at the same place. */
	CHECK(syscall(__NR_getpid) == getpid());
	other = make_ring(0);
	CHECK(other > fd && enter(other, 0, 0, 0) == 0);
	/* A child has the same memory; a program that it executes does not. */
	if (!fork()) {
		before = sleeps();
		for (i = 0; i < HOT_CALLS; i++)
			CHECK(enter_inline(fd, 0) == 0);
		CHECK(sleeps() - before < HOT_CALLS / 10);
		_exit(0);
	}
	wait(&status);
	CHECK(!status);
	children();
	nop();
}

/* The same of io_uring_register(), which changes no register but those of the result. */
static long register_inline(long fd, unsigned long opcode, const void *arg, unsigned int nr)
{
	register long r10 asm("r10") = nr;
	long rdi = fd;
	unsigned long rsi = opcode;
	const void *rdx = arg;
	long ret;

	asm volatile("mov %[nr], %%eax\n\tsyscall"
		     : "=&a" (ret), "+D" (rdi), "+S" (rsi), "+d" (rdx), "+r" (r10)
		     : [nr] "i" (__NR_io_uring_register)
		     : "rcx", "r11", "memory");
	CHECK(rdi == fd && rsi == opcode && rdx == arg && r10 == nr);
	return ret;
}

static long register_here(int fd, unsigned int opcode, const void *arg, unsigned int nr)
{
	return syscall(__NR_io_uring_register, fd, opcode, arg, nr);
}

static void register_often(int fd, int event)
{
	unsigned long before = sleeps();
	int i;

	for (i = 0; i < HOT_CALLS; i++) {
		CHECK(register_inline(fd, IORING_REGISTER_EVENTFD, &event, 1) == 0);
		CHECK(register_here(fd, IORING_UNREGISTER_EVENTFD, NULL, 0) == 0);
	}
	CHECK(sleeps() - before < HOT_CALLS / 10);
}

void hot_registrations(void)
{
	struct io_uring_rsrc_update update = { .offset = -1U };
	int fd = make_ring(0), event = eventfd(0, 0), i, status;

	update.data = fd;
	CHECK(event >= 0);
	for (i = 0; i < 10; i++) {
		CHECK(register_inline(fd, IORING_REGISTER_EVENTFD, &event, 1) == 0);
		CHECK(register_here(fd, IORING_UNREGISTER_EVENTFD, NULL, 0) == 0);
	}
	register_often(fd, event);
	/* Errors, and what is about rings with an index. */
	CHECK(register_inline(fd, 9999, NULL, 0) == -EINVAL);
	CHECK(register_inline(fd, IORING_UNREGISTER_EVENTFD, NULL, 0) == -ENXIO);
	CHECK(register_inline(999, IORING_UNREGISTER_EVENTFD, NULL, 0) == -EBADF);
	CHECK(register_inline(0, IORING_UNREGISTER_EVENTFD, NULL, 0) == -EOPNOTSUPP);
	CHECK(register_here(0, IORING_UNREGISTER_EVENTFD, NULL, 0) == -1 && errno == EOPNOTSUPP);
	CHECK(register_inline(fd, IORING_REGISTER_RING_FDS, &update, 1) == 1 && update.offset == 0);
	CHECK(register_inline(0, (unsigned int)(IORING_REGISTER_EVENTFD | IORING_REGISTER_USE_REGISTERED_RING),
			      &event, 1) == 0);
	CHECK(register_inline(fd, IORING_UNREGISTER_EVENTFD, NULL, 0) == 0);
	CHECK(enter(0, 0, 0, IORING_ENTER_REGISTERED_RING) == 0);
	update.data = 0;
	CHECK(register_inline(fd, IORING_UNREGISTER_RING_FDS, &update, 1) == 1);
	CHECK(enter(0, 0, 0, IORING_ENTER_REGISTERED_RING) == -1);
	CHECK(enter(fd, 0, 0, 0) == 0 && enter_inline(fd, 0) == 0);
	if (!fork()) {
		register_often(fd, event);
		_exit(0);
	}
	wait(&status);
	CHECK(!status);
	nop();
}

#define HOT_RINGS	100

static void make_often(int lowest)
{
	unsigned long before = sleeps();
	int i, fd;

	for (i = 0; i < HOT_RINGS; i++) {
		fd = make_ring(0);
		CHECK(fd == lowest && enter(fd, 0, 0, 0) == 0);
		close(fd);
	}
	/* A stop before the call, one behind it, and where calls are denied two more. */
	CHECK(sleeps() - before < 5 * HOT_RINGS);
}

/* Who makes one ring after the other, or closes descriptors that are not its own. */
void hot_setups(void)
{
	int lowest = dup(0), status;

	close(lowest);
	make_often(lowest);
	if (!fork()) {
		make_often(lowest);
		_exit(0);
	}
	wait(&status);
	CHECK(!status);
	CHECK(!syscall(__NR_close_range, lowest, ~0U, 0));
	make_often(lowest);
	/* Something else may be where the device's descriptor was. */
	CHECK(!syscall(__NR_close_range, lowest, ~0U, 0));
	for (status = 960; status < 964; status++)
		CHECK(dup2(0, status) == status);
	make_often(lowest);
	nop();
}

#define NR_HOT_THREADS	4

/* Threads make other calls where one is being rewritten. */
static int hot_ring;

static void *call_often(void *arg)
{
	pid_t pid = getpid();
	int i;

	for (i = 0; i < HOT_CALLS; i++) {
		CHECK(syscall(__NR_getpid) == pid);
		/* so few that the program is not let go before the others have begun */
		if (arg || i > HOT_CALLS - 20)
			CHECK(enter(hot_ring, 0, 0, 0) == 0);
		if (arg)
			CHECK(enter_inline(hot_ring, 0) == 0);
	}
	return arg;
}

void hot_threads(void)
{
	pthread_t ids[NR_HOT_THREADS];
	long i;

	hot_ring = make_ring(0);
	for (i = 0; i < NR_HOT_THREADS; i++)
		CHECK(!pthread_create(&ids[i], NULL, call_often, (void *)(i & 1)));
	for (i = 0; i < NR_HOT_THREADS; i++)
		CHECK(!pthread_join(ids[i], NULL));
}

/* Threads that sleep in calls notice nothing of a place being rewritten. */
static void *sleep_in_call(void *arg)
{
	struct epoll_event event;
	int epoll = epoll_create1(0);

	__atomic_fetch_add((int *)arg, 1, __ATOMIC_RELEASE);
	CHECK(epoll_wait(epoll, &event, 1, 300) == 0);
	CHECK(wait_in_vain(make_ring(0), 300) == -1 && errno == ETIME);
	close(epoll);
	return NULL;
}

void hot_sleepers(void)
{
	pthread_t ids[NR_HOT_THREADS];
	int i, asleep = 0, fd = make_ring(0);

	for (i = 0; i < NR_HOT_THREADS; i++)
		CHECK(!pthread_create(&ids[i], NULL, sleep_in_call, &asleep));
	while (__atomic_load_n(&asleep, __ATOMIC_ACQUIRE) != NR_HOT_THREADS)
		sched_yield();
	CHECK(enter_inline(fd, 0) == 0);
	CHECK(enter(fd, 0, 0, 0) == 0);
	for (i = 0; i < NR_HOT_THREADS; i++)
		CHECK(!pthread_join(ids[i], NULL));
}

/* Instructions that the program makes itself, as compilers at run time do. */
void made_at_run_time(void)
{
	static const unsigned char code[] = {
		0x4d, 0x31, 0xd2,		/* xor %r10, %r10 */
		0x4d, 0x31, 0xc0,		/* xor %r8, %r8 */
		0x4d, 0x31, 0xc9,		/* xor %r9, %r9 */
		0xb8, 0xaa, 0x01, 0x00, 0x00,	/* mov $426, %eax */
		0x0f, 0x05,			/* syscall */
		0xc3,				/* ret */
	};
	long (*call)(long fd, long submit, long wait);
	unsigned char *page;
	int fd = make_ring(0), i;

	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	memcpy(page, code, sizeof(code));
	CHECK(!mprotect(page, 4096, PROT_READ | PROT_EXEC));
	call = (void *)page;
	for (i = 0; i < 20; i++)
		CHECK(call(fd, 0, 0) == 0);
	CHECK(call(999, 0, 0) == -EBADF);
	/* They are what they were. */
	CHECK(!memcmp(page, code, sizeof(code)));
}

/* Nothing that can be written to may become executable. */
void writes_or_executes(void)
{
	int fd = make_ring(0), i;
	unsigned long before;

	CHECK(!prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0));
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK(enter(fd, 0, 0, 0) == 0 && enter_inline(fd, 0) == 0);
	before = sleeps();
	for (i = 0; i < HOT_CALLS; i++)
		CHECK(enter(fd, 0, 0, 0) == 0 && enter_inline(fd, 0) == 0);
	CHECK(sleeps() - before < HOT_CALLS / 10);
}

/* How often this thread sleeps in so many calls from each of two places, where no other memory may be executed. */
static unsigned long sleeps_in_calls(void)
{
	unsigned long before;
	int fd, i;

	CHECK(!deny_call(__NR_mmap, PROT_EXEC, SECCOMP_RET_ERRNO | EACCES));
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	fd = make_ring(0);
	before = sleeps();
	for (i = 0; i < HOT_CALLS; i++)
		CHECK(enter(fd, 0, 0, 0) == 0 && enter_inline(fd, 0) == 0);
	before = sleeps() - before;
	CHECK(enter(fd, 0, 0, 1U << 31) == -1 && errno == EINVAL);
	CHECK(enter_inline(999, 0) == -EBADF);
	nop();
	return before;
}

void executes_nothing_new(void)
{
	sleeps_in_calls();
}

void executes_nothing_new_in_two_stops(void)
{
	CHECK(sleeps_in_calls() >= 2 * 2 * HOT_CALLS);
}
