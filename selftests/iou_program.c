// SPDX-License-Identifier: GPL-2.0
/*
 * A program that makes io_uring's system calls and knows nothing of ruring: what
 * ruring_run.c runs. Its argument says what it does; it exits with 0 if all it
 * saw was right.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iou_program.h"

int make_ring(unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };

	return syscall(__NR_io_uring_setup, 8, &params);
}

int enter(int fd, unsigned int submit, unsigned int wait,
		 unsigned int flags)
{
	return syscall(__NR_io_uring_enter, fd, submit, wait, flags, NULL, 0);
}

/* Wait for a completion that never comes. */
int wait_in_vain(int fd, long milliseconds)
{
	struct __kernel_timespec ts = { .tv_nsec = milliseconds * 1000000 };
	struct io_uring_getevents_arg arg = { .ts = (unsigned long)&ts };

	return syscall(__NR_io_uring_enter, fd, 0, 1, IORING_ENTER_GETEVENTS |
		       IORING_ENTER_EXT_ARG, &arg, sizeof(arg));
}

/* Submit a NOP; its completion must be there afterwards. */
static void do_nop(unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	char *rings;
	int fd;

	fd = syscall(__NR_io_uring_setup, 1, &params);
	CHECK(fd >= 0);
	rings = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		     IORING_OFF_SQ_RING);
	sqe = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   IORING_OFF_SQES);
	CHECK(rings != MAP_FAILED && sqe != MAP_FAILED);
	memset(sqe, 0, sizeof(*sqe));
	sqe->user_data = 42;
	*(unsigned int *)(rings + params.sq_off.tail) = 1;
	CHECK(enter(fd, 1, 1, IORING_ENTER_GETEVENTS |
		    (flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0))
	      == 1);
	cqe = (struct io_uring_cqe *)(rings + params.cq_off.cqes);
	CHECK(cqe->user_data == 42 && cqe->res == 0);
	close(fd);
}

void nop(void)
{
	do_nop(0);
}

/* As do_nop(), three times, in a ring that is the program's own memory. */
static void nop_no_mmap(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_NO_MMAP };
	char *rings = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int i;
	int fd;

	CHECK(rings != MAP_FAILED);
	params.cq_off.user_addr = (unsigned long)rings;
	params.sq_off.user_addr = (unsigned long)rings + 4096;
	fd = syscall(__NR_io_uring_setup, 4, &params);
	CHECK(fd >= 0);
	for (i = 0; i < 3; i++) {
		((unsigned int *)(rings + params.sq_off.array))[i] = i;
		*(unsigned int *)(rings + params.sq_off.tail) = i + 1;
		CHECK(enter(fd, 1, 1, IORING_ENTER_GETEVENTS) == 1);
		CHECK(*(unsigned int *)(rings + params.cq_off.tail) == i + 1);
		*(unsigned int *)(rings + params.cq_off.head) = i + 1;
	}
	close(fd);
}

static void nop_sqpoll(void)
{
	do_nop(IORING_SETUP_SQPOLL);
}

/* With something that ruring does not have. */
static void nop_hybrid(void)
{
	do_nop(IORING_SETUP_IOPOLL | IORING_SETUP_HYBRID_IOPOLL);
}

static void errors(void)
{
	int fd = make_ring(0);

	CHECK(fd >= 0);
	CHECK(make_ring(1U << 31) == -1 && errno == EINVAL);
	CHECK(syscall(__NR_io_uring_setup, 8, NULL) == -1 && errno == EFAULT);
	CHECK(syscall(__NR_io_uring_setup, 0, &(struct io_uring_params) { })
	      == -1 && errno == EINVAL);
	CHECK(enter(-1, 0, 0, 0) == -1 && errno == EBADF);
	CHECK(enter(999, 0, 0, 0) == -1 && errno == EBADF);
	CHECK(enter(0, 0, 0, 0) == -1 && errno == EOPNOTSUPP);
	CHECK(enter(-1, 0, 0, 1U << 31) == -1 && errno == EINVAL);
	CHECK(enter(fd, 0, 0, 1U << 31) == -1 && errno == EINVAL);
	CHECK(enter(fd, 0, 0, 0) == 0);
	CHECK(syscall(__NR_io_uring_register, 999, IORING_REGISTER_PROBE, NULL,
		      0) == -1 && errno == EBADF);
	CHECK(syscall(__NR_io_uring_register, 0, IORING_REGISTER_PROBE, NULL,
		      0) == -1 && errno == EOPNOTSUPP);
	CHECK(syscall(__NR_io_uring_register, fd, 9999, NULL, 0) == -1 &&
	      errno == EINVAL);
	CHECK(syscall(__NR_io_uring_register, fd, IORING_REGISTER_PROBE, 8UL,
		      256) == -1 && errno == EFAULT);
	close(fd);
	CHECK(enter(fd, 0, 0, 0) == -1 && errno == EBADF);
}

unsigned int open_fds(void)
{
	unsigned int fd, n = 0;

	for (fd = 0; fd < 960; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void descriptors(void)
{
	unsigned int before = open_fds();
	int lowest = dup(0), fd;

	close(lowest);
	fd = make_ring(0);
	CHECK(fd == lowest);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(open_fds() == before + 1);
	CHECK(enter(dup2(fd, 50), 0, 0, 0) == 0);
	close(fd);
	CHECK(enter(50, 0, 0, 0) == 0);
	close(50);
	CHECK(open_fds() == before);
}

/* Each call must leave all registers alone but rax, rcx and r11. */
static void registers(void)
{
	unsigned long in[] = { make_ring(0), 0, 0, 0, 0x5555, 0x6666 };
	unsigned long out[6], rax;
	unsigned int i;

	register unsigned long r10 asm("r10") = in[3];
	register unsigned long r8 asm("r8") = in[4];
	register unsigned long r9 asm("r9") = in[5];
	unsigned long rdi = in[0], rsi = in[1], rdx = in[2];

	asm volatile("syscall"
		     : "=a" (rax), "+D" (rdi), "+S" (rsi), "+d" (rdx),
		       "+r" (r10), "+r" (r8), "+r" (r9)
		     : "0" ((unsigned long)__NR_io_uring_enter)
		     : "rcx", "r11", "memory");
	out[0] = rdi;
	out[1] = rsi;
	out[2] = rdx;
	out[3] = r10;
	out[4] = r8;
	out[5] = r9;
	CHECK(rax == 0);
	for (i = 0; i < 6; i++)
		CHECK(out[i] == in[i]);
}

/* The signal that was caught last. */
static int caught;

static void catch(int signal)
{
	__atomic_store_n(&caught, signal, __ATOMIC_RELAXED);
}

static int last_caught(void)
{
	return __atomic_load_n(&caught, __ATOMIC_RELAXED);
}

/* Have a child of ours do nothing for a while but send us a signal. */
static void signal_soon(int signal)
{
	pid_t parent = getpid();

	if (fork())
		return;
	usleep(100000);
	if (signal)
		kill(parent, signal);
	_exit(0);
}

static void signals(void)
{
	struct epoll_event event;
	int fd = make_ring(0);

	/* The end of a child is ignored, and interrupts nothing. */
	signal_soon(0);
	CHECK(wait_in_vain(fd, 600) == -1 && errno == ETIME);
	wait(NULL);
	signal_soon(0);
	CHECK(epoll_wait(epoll_create1(0), &event, 1, 600) == 0);
	wait(NULL);
	signal(SIGUSR1, SIG_IGN);
	signal_soon(SIGUSR1);
	CHECK(wait_in_vain(fd, 600) == -1 && errno == ETIME);
	wait(NULL);

	/* What is caught does. */
	signal(SIGUSR1, catch);
	signal_soon(SIGUSR1);
	CHECK(wait_in_vain(fd, 30000) == -1 && errno == EINTR);
	CHECK(last_caught() == SIGUSR1);
	wait(NULL);
}

/* Where this program's own instructions are; it is linked statically. */
extern const char __executable_start[], etext[];

#define NR_SIGNALS	150

/* A ring that only the handler uses, and what it found wrong. */
static int handlers_ring;
static int handled, strange;

/* The thread must be at an instruction of the program, and calls work. */
static void look_around(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *interrupted = context;
	const char *ip = (char *)interrupted->uc_mcontext.gregs[REG_RIP];

	(void)signal;
	(void)info;
	if (ip < __executable_start || ip >= etext)
		strange |= 1;
	if (enter(handlers_ring, 0, 0, 0))
		strange |= 2;
	__atomic_fetch_add(&handled, 1, __ATOMIC_RELAXED);
}

static pid_t caller;

static void *send_signals(void *arg)
{
	int i, before;

	for (i = 0; i < NR_SIGNALS; i++) {
		before = __atomic_load_n(&handled, __ATOMIC_RELAXED);
		CHECK(!syscall(__NR_tgkill, getpid(), caller, SIGUSR1));
		while (before == __atomic_load_n(&handled, __ATOMIC_RELAXED))
			sched_yield();
	}
	return arg;
}

/* Signals at any moment of a call: handled outside of it, and no call is lost. */
static void signals_in_calls(void)
{
	struct sigaction action = {
		.sa_sigaction = look_around,
		.sa_flags = SA_SIGINFO,
	};
	int fd = make_ring(0), ret;
	unsigned int registers_lost = 0;
	pthread_t id;

	caller = gettid();
	handlers_ring = make_ring(0);
	CHECK(!sigaction(SIGUSR1, &action, NULL));
	CHECK(!pthread_create(&id, NULL, send_signals, NULL));
	while (__atomic_load_n(&handled, __ATOMIC_RELAXED) < NR_SIGNALS) {
		register unsigned long r10 asm("r10") = 0;
		register unsigned long r8 asm("r8") = 0x1234;
		register unsigned long r9 asm("r9") = 0x5678;
		unsigned long rdi = fd, rsi = 0, rdx = 0;
		long rax = __NR_io_uring_enter;

		asm volatile("syscall"
			     : "+a" (rax), "+D" (rdi), "+S" (rsi), "+d" (rdx),
			       "+r" (r10), "+r" (r8), "+r" (r9)
			     : : "rcx", "r11", "memory");
		CHECK(rax == 0);
		CHECK(enter_inline(fd, 0) == 0);
		registers_lost += rdi != (unsigned long)fd || rsi || rdx ||
			r10 || r8 != 0x1234 || r9 != 0x5678;
		/* Now and then asleep in it. */
		ret = wait_in_vain(fd, 1);
		CHECK(ret == -1 && (errno == ETIME || errno == EINTR));
	}
	CHECK(!pthread_join(id, NULL));
	CHECK(!strange);
	CHECK(!registers_lost);
}

static void blocked_signals(void)
{
	sigset_t all, now;
	int fd, signal;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	fd = make_ring(0);
	CHECK(enter(fd, 0, 0, 0) == 0);
	raise(SIGUSR1);
	CHECK(enter(make_ring(0), 0, 0, 0) == 0);
	sigprocmask(SIG_BLOCK, NULL, &now);
	for (signal = 1; signal < 32; signal++)
		CHECK(sigismember(&now, signal) ==
		      (signal != SIGKILL && signal != SIGSTOP));
	sigpending(&now);
	CHECK(sigismember(&now, SIGUSR1));
}

static void own_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getpgid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = code };

	signal(SIGSYS, catch);
	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	nop();
	CHECK(!last_caught());
	syscall(__NR_getpgid, 0);
	CHECK(last_caught() == SIGSYS);
}

static void *thread(void *arg)
{
	int fd = make_ring(0), i;

	for (i = 0; i < 50; i++)
		CHECK(enter(fd, 0, 0, 0) == 0);
	CHECK(wait_in_vain(fd, 100) == -1 && errno == ETIME);
	close(fd);
	return arg;
}

static void threads(void)
{
	pthread_t ids[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		CHECK(!pthread_create(&ids[i], NULL, thread, NULL));
	for (i = 0; i < 8; i++)
		CHECK(!pthread_join(ids[i], NULL));
}

/* A child that executes another program, once by fork and once by vfork. */
void children(void)
{
	static char * const argv[] = { "iou_program", "nop", NULL };
	int i, status;

	for (i = 0; i < 2; i++) {
		pid_t pid = i ? vfork() : fork();

		if (!pid) {
			execv("/proc/self/exe", argv);
			_exit(99);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		if (status)
			fprintf(stderr, "a child ended with %#x\n", status);
		CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	}
	/* A ring is shared with a child. */
	i = make_ring(0);
	if (!fork())
		_exit(enter(i, 0, 0, 0));
	wait(&status);
	CHECK(!status);
}

static void job_control(void)
{
	int fd = make_ring(0), status;
	pid_t pid = fork();

	if (!pid) {
		while (!enter(fd, 0, 0, 0))
			;
		_exit(1);
	}
	usleep(50000);
	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	usleep(50000);
	CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
	kill(pid, SIGCONT);
	CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
}

/* No /dev and no rights. */
static void unprivileged(void)
{
	CHECK(!chroot("/proc") && !chdir("/"));
	CHECK(!setresgid(65534, 65534, 65534) &&
	      !setresuid(65534, 65534, 65534));
	nop();
}

/* The sum of the text that a call is made from. */
static unsigned int text_sum(void)
{
	const unsigned char *text = (void *)enter_inline;
	unsigned int sum = 0, i;

	for (i = 0; i < 32; i++)
		sum = sum * 31 + __atomic_load_n(&text[i], __ATOMIC_RELAXED);
	return sum;
}

static void sums_its_text(void)
{
	unsigned int before = text_sum();
	int fd = make_ring(0), i;

	for (i = 0; i < 20; i++)
		CHECK(enter_inline(fd, 0) == 0);
	CHECK(text_sum() == before);
}

static void dies(void)
{
	CHECK(make_ring(0) >= 0);
	signal(SIGTERM, SIG_DFL);
	raise(SIGTERM);
}

static void exits(void)
{
	CHECK(make_ring(0) >= 0);
	exit(37);
}

static void waits(void)
{
	wait_in_vain(make_ring(0), 60000);
}

static const struct {
	const char *name;
	void (*run)(void);
} scenarios[] = {
	{ "nop", nop },
	{ "nop_no_mmap", nop_no_mmap },
	{ "nop_sqpoll", nop_sqpoll },
	{ "nop_hybrid", nop_hybrid },
	{ "errors", errors },
	{ "descriptors", descriptors },
	{ "registers", registers },
	{ "signals", signals },
	{ "signals_in_calls", signals_in_calls },
	{ "blocked_signals", blocked_signals },
	{ "own_filter", own_filter },
	{ "threads", threads },
	{ "registered_rings", registered_rings },
	{ "registered_only", registered_only },
	{ "registered_hybrid", registered_hybrid },
	{ "children", children },
	{ "denied_later", denied_later },
	{ "denied_to_itself", denied_to_itself },
	{ "detaches", detaches },
	{ "detaches_threads", detaches_threads },
	{ "hot_calls", hot_calls },
	{ "hot_registrations", hot_registrations },
	{ "hot_setups", hot_setups },
	{ "hot_threads", hot_threads },
	{ "hot_sleepers", hot_sleepers },
	{ "made_at_run_time", made_at_run_time },
	{ "writes_or_executes", writes_or_executes },
	{ "executes_nothing_new", executes_nothing_new },
	{ "executes_nothing_new_in_two_stops", executes_nothing_new_in_two_stops },
	{ "sums_its_text", sums_its_text },
	{ "job_control", job_control },
	{ "unprivileged", unprivileged },
	{ "dies", dies },
	{ "exits", exits },
	{ "waits", waits },
};

int main(int argc, char **argv)
{
	unsigned int i;

	for (i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		if (argc == 2 && !strcmp(argv[1], scenarios[i].name)) {
			scenarios[i].run();
			return 0;
		}
	}
	return 99;
}
