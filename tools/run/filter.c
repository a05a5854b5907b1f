// SPDX-License-Identifier: GPL-2.0
/*
 * The seccomp filter that stops the three calls, and filters of others.
 *
 * SECCOMP_RET_TRACE stops a thread before its call, but loses against a filter
 * that answers the call with an error, whichever was there first. Such a filter
 * loses against SECCOMP_RET_TRAP: the thread gets a SIGSYS, which the tracer
 * sees before the thread does, and takes away. So TRAP is what threads have that
 * live behind filters of others, and TRACE what all others have: a SIGSYS that
 * comes by force is unblocked for good.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "run.h"

/* The kernel's own, which not every C library has. */
#ifndef SYS_SECCOMP
#define SYS_SECCOMP	1
#endif

/* In the first page of a region, where the filter to be installed is. */
#define INJECT_FILTER	2048

/* What a probe has seen of the calls. */
enum seen {
	SEEN_IO_URING,
	SEEN_DENIAL,
	SEEN_TRAP,
	SEEN_NOTHING,
};

#define WORD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
				 offsetof(struct seccomp_data, field))
#define RET(what)	BPF_STMT(BPF_RET | BPF_K, what)

/*
 * The numbers of the calls are the same for every kind of system call
 * instruction; those that do not come as 64-bit ones are not there, as on a
 * kernel without io_uring. Bit 30 marks an x32 call. All three take their first
 * argument from half a register: what is in the other half lets a call pass.
 *
 * Who is about to install a filter stops as well, unless calls are trapped
 * already.
 */
unsigned short filter_write(struct sock_filter *code, bool trap)
{
	const struct sock_filter filter[] = {
		WORD(nr),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~0x40000000U),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, __NR_io_uring_setup, 0, 8),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, __NR_io_uring_register,
			 7, 0),
		WORD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[0]) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PASS_MARK, 1, 0),
		RET(trap ? SECCOMP_RET_TRAP | TRAP_MARK : SECCOMP_RET_TRACE),
		RET(SECCOMP_RET_ALLOW),
		RET(SECCOMP_RET_ERRNO | ENOSYS),
		/* Not one of the three. */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			 trap ? ~0U : __NR_prctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 3, 0),
		RET(SECCOMP_RET_ALLOW),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			 trap ? ~0U : __NR_seccomp, 1, 0),
		RET(SECCOMP_RET_ALLOW),
		WORD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		RET(SECCOMP_RET_ALLOW),
		RET(SECCOMP_RET_TRACE),
	};

	_Static_assert(sizeof(filter) <= FILTER_MAX * sizeof(*filter),
		       "there is room for the filter");
	memcpy(code, filter, sizeof(filter));
	return sizeof(filter) / sizeof(*filter);
}

_Noreturn static void refuse(const char *why)
{
	fprintf(stderr, "ruring-run: %s\n", why);
	exit(EXIT_FAILED);
}

static void trapped(int signal)
{
	(void)signal;
	_exit(SEEN_TRAP);
}

/* What becomes of the calls? Some filters kill who makes them. */
static enum seen probe(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return SEEN_NOTHING;
	if (!pid) {
		signal(SIGSYS, trapped);
		syscall(__NR_io_uring_setup, 0, NULL);
		_exit(errno == EFAULT ? SEEN_IO_URING : SEEN_DENIAL);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return SEEN_NOTHING;
	return WEXITSTATUS(status);
}

/*
 * The other calls that the runner needs, as many as can be missing where programs start at all: each in a way in
 * which the kernel refuses it. What is behind pidfd_getfd() is for where that is forbidden.
 */
static const struct needed {
	const char *name;
	long nr;
	long args[6];
	int error;		/* what the kernel says */
} needed[] = {
	{ "ptrace", __NR_ptrace, { PTRACE_CONT, -1 }, ESRCH },
	{ "process_vm_readv", __NR_process_vm_readv, { 1, 0, 0, 0, 0, 1 }, EINVAL },
	{ "process_vm_writev", __NR_process_vm_writev, { 1, 0, 0, 0, 0, 1 }, EINVAL },
	{ "seccomp", __NR_seccomp, { -1 }, EINVAL },
	{ "ioctl", __NR_ioctl, { -1 }, EBADF },
	{ "recvmsg", __NR_recvmsg, { -1 }, EBADF },
	{ "socketpair", __NR_socketpair, { AF_UNIX, SOCK_DGRAM }, EFAULT },
	{ "pidfd_getfd", __NR_pidfd_getfd, { -1, -1 }, EBADF },
	{ "socket", __NR_socket, { AF_UNIX, -1 }, EINVAL },
	{ "connect", __NR_connect, { -1 }, EBADF },
};

/* Makes all of them; ends this process with 0 unless one is forbidden, which is the one that was @tried last. */
_Noreturn static void try_needed(unsigned int *tried)
{
	const struct needed *call;
	const long *args;
	bool allowed;

	for (call = needed; call < needed + sizeof(needed) / sizeof(*needed); call++) {
		if (opt.detach && call->nr == __NR_seccomp)
			continue;
		/* It may be the last thing that this process does. */
		__atomic_store_n(tried, call - needed, __ATOMIC_RELAXED);
		args = call->args;
		allowed = syscall(call->nr, args[0], args[1], args[2], args[3], args[4], args[5]) == -1 &&
			  errno == call->error;
		if (call->nr == __NR_pidfd_getfd) {
			if (allowed)
				break;
		} else if (!allowed) {
			_exit(1);
		}
	}
	_exit(0);
}

/* Which of them a filter forbids, or NULL. Some filters kill who makes the call. */
static const char *forbidden(void)
{
	unsigned int *tried = mmap(NULL, sizeof(*tried), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	if (tried == MAP_FAILED)
		refuse("out of memory");
	pid = fork();
	if (pid < 0)
		refuse("cannot start a process");
	if (!pid)
		try_needed(tried);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status))
		return NULL;
	return needed[__atomic_load_n(tried, __ATOMIC_RELAXED)].name;
}

void check_filters(void)
{
	const char *call;
	char line[80];

	/* Not denied by a filter, if there is none. */
	if (!prctl(PR_GET_SECCOMP, 0, 0, 0, 0))
		return;
	/* Where threads stop at each call they do so before the filters. */
	switch (opt.detach ? SEEN_IO_URING : probe()) {
	case SEEN_IO_URING:
		break;
	case SEEN_DENIAL:
	case SEEN_TRAP:
		opt.trap = true;
		break;
	default:
		refuse("a seccomp filter kills who calls io_uring: there is no way to catch that");
	}
	call = forbidden();
	if (!call)
		return;
	snprintf(line, sizeof(line), "a seccomp filter forbids %s(), which is needed",
		 call);
	refuse(line);
}

bool filter_trapped(const struct task *task)
{
	siginfo_t info;

	return !ptrace(PTRACE_GETSIGINFO, task->tid, NULL, &info) &&
	       info.si_code == SYS_SECCOMP && info.si_errno == TRAP_MARK;
}

/*
 * The signal has been unblocked, which nobody can tell who did not know the mask
 * before. Who blocks all others has blocked this one too.
 */
void filter_restore_mask(const struct task *task)
{
	const __u64 unblockable = 1ULL << (SIGKILL - 1) | 1ULL << (SIGSTOP - 1);
	const __u64 bit = 1ULL << (SIGSYS - 1), classic = (1ULL << 31) - 1;
	__u64 mask;

	if (ptrace(PTRACE_GETSIGMASK, task->tid, sizeof(mask), &mask) ||
	    ((mask | bit | unblockable) & classic) != classic)
		return;
	mask |= bit;
	ptrace(PTRACE_SETSIGMASK, task->tid, sizeof(mask), &mask);
}

/* Have the thread install a filter of ours that traps: an error, or 0. */
static long install(struct task *task)
{
	struct {
		struct sock_fprog program;
		struct sock_filter code[FILTER_MAX];
	} in;
	__u64 at;
	long ret = inject_begin_with_region(task);

	if (ret)
		return ret;
	at = task->space->regions->address + INJECT_FILTER;
	memset(&in, 0, sizeof(in));
	in.program.len = filter_write(in.code, true);
	in.program.filter = (void *)(at + offsetof(typeof(in), code));
	ret = memory_write(task, at, &in, sizeof(in));
	if (ret)
		return ret;
	return inject(task, __NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, at, 0, 0,
		      0);
}

void filter_installed(struct task *task)
{
	const struct user_regs_struct *regs = &task->saved;
	bool is_filter = regs->orig_rax == __NR_seccomp ?
		regs->rdi == SECCOMP_SET_MODE_FILTER :
		regs->rsi == SECCOMP_MODE_FILTER;
	long ret;

	if (task->let_pass || task->traps || !is_filter) {
		task->let_pass = false;
		resume(task, 0);
		return;
	}
	ret = install(task);
	if (ret == -ESRCH)
		return;
	/* If we may not, neither may it. */
	if (ret)
		task->let_pass = true;
	else
		task->traps = true;
	inject_again(task);
}
