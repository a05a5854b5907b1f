// SPDX-License-Identifier: GPL-2.0
/*
 * System calls that a thread makes on our behalf, and its memory.
 *
 * The thread stands at a trapped call. If it has stopped before that, the first
 * injected call takes the place of the trapped one. For each further one it goes
 * back to the instruction that trapped and executes that again, with other
 * registers. All signals that can
 * be are blocked meanwhile, so that no handler sees the thread in between.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "run.h"
#include "stub.h"

#define SYSCALL_STOP		(SIGTRAP | 0x80)

#define offsetofend(type, member) \
	(offsetof(type, member) + sizeof(((type *)NULL)->member))

/*
 * Only the first registers are read and written, as each costs: the last that
 * anyone looks at or changes is the stack pointer.
 */
int regs_get(const struct task *task, struct user_regs_struct *regs)
{
	struct iovec iov = {
		.iov_base = regs,
		.iov_len = offsetofend(struct user_regs_struct, rsp),
	};

	return ptrace(PTRACE_GETREGSET, task->tid, NT_PRSTATUS, &iov) ?
		-ESRCH : 0;
}

int regs_set(const struct task *task, const struct user_regs_struct *regs)
{
	struct iovec iov = {
		.iov_base = (void *)regs,
		.iov_len = offsetofend(struct user_regs_struct, rsp),
	};

	return ptrace(PTRACE_SETREGSET, task->tid, NT_PRSTATUS, &iov) ?
		-ESRCH : 0;
}

static int memory_result(ssize_t n, size_t len)
{
	if (n < 0)
		return errno == ESRCH ? -ESRCH : -EFAULT;
	return (size_t)n == len ? 0 : -EFAULT;
}

int memory_read(const struct task *task, __u64 address, void *to, size_t len)
{
	struct iovec local = { .iov_base = to, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)address, .iov_len = len };

	return memory_result(process_vm_readv(task->tid, &local, 1, &remote, 1,
					      0), len);
}

int memory_write(const struct task *task, __u64 address, const void *from,
		 size_t len)
{
	struct iovec local = { .iov_base = (void *)from, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)address, .iov_len = len };

	return memory_result(process_vm_writev(task->tid, &local, 1, &remote, 1,
					       0), len);
}

int inject_begin(struct task *task)
{
	__u64 all = ~0ULL;

	/* After a signal there is no call any more whose place could be taken. */
	task->injecting = task->trapped;
	task->restop = false;
	if (ptrace(PTRACE_GETSIGMASK, task->tid, sizeof(task->sigmask),
		   &task->sigmask) ||
	    ptrace(PTRACE_SETSIGMASK, task->tid, sizeof(all), &all))
		return -ESRCH;
	return 0;
}

/* Wait until the thread, which was let go, stops at a system call's border. */
static int wait_for_border(struct task *task)
{
	int status, signal;

	for (;;) {
		if (waitpid(task->tid, &status, __WALL) < 0) {
			if (errno == EINTR)
				continue;
			return -ESRCH;
		}
		/* Its end, or that another thread's exec has made it another. */
		if (!WIFSTOPPED(status) || status >> 16 == PTRACE_EVENT_EXEC) {
			task->pending_status = status;
			return -ESRCH;
		}
		signal = WSTOPSIG(status);
		if (signal == SYSCALL_STOP)
			return 0;
		/*
		 * Only SIGSTOP gets here. It must wait until we are done, for
		 * nobody else could go on while we waited for SIGCONT.
		 */
		if (signal == SIGSTOP)
			task->restop = true;
		resume_to_exit(task);
	}
}

long inject(struct task *task, long nr, __u64 a, __u64 b, __u64 c, __u64 d,
	    __u64 e, __u64 f)
{
	struct user_regs_struct regs = task->saved;
	int ret;

	regs.rdi = a;
	regs.rsi = b;
	regs.rdx = c;
	regs.r10 = d;
	regs.r8 = e;
	regs.r9 = f;
	if (task->injecting) {
		regs.rip -= SYSCALL_INSN_SIZE;
		regs.rax = nr;
		/* The kernel has no call to restart now. */
		regs.orig_rax = -1;
	} else {
		regs.orig_rax = nr;
	}
	ret = regs_set(task, &regs);
	if (ret)
		return ret;

	resume_to_exit(task);
	ret = wait_for_border(task);
	if (!ret && task->injecting) {
		resume_to_exit(task);
		ret = wait_for_border(task);
	}
	task->injecting = true;
	if (!ret)
		ret = regs_get(task, &regs);
	return ret ? ret : (long)regs.rax;
}

int inject_leave(struct task *task)
{
	if (ptrace(PTRACE_SETSIGMASK, task->tid, sizeof(task->sigmask),
		   &task->sigmask))
		return -ESRCH;
	if (task->restop)
		syscall(__NR_tkill, task->tid, SIGSTOP);
	return 0;
}

static int leave(struct task *task, const struct user_regs_struct *regs)
{
	if (regs_set(task, regs) || inject_leave(task))
		return -ESRCH;
	resume(task, 0);
	return 0;
}

int inject_end(struct task *task, long result)
{
	struct user_regs_struct regs = task->saved;

	/* Where filters come afterwards they would have something to say of no call at all. */
	if (opt.detach && !task->injecting &&
	    inject(task, __NR_getpid, 0, 0, 0, 0, 0, 0) == -ESRCH)
		return -ESRCH;
	/* If nothing was injected, the trapped call is still to be made. */
	if (!task->injecting)
		regs.orig_rax = -1;
	regs.rax = result;
	return leave(task, &regs);
}

int inject_again(struct task *task)
{
	struct user_regs_struct regs = task->saved;

	if (task->injecting) {
		regs.rip -= SYSCALL_INSN_SIZE;
		regs.rax = regs.orig_rax;
		regs.orig_rax = -1;
	}
	return leave(task, &regs);
}

int inject_region(struct task *task)
{
	long address;

	address = inject(task, __NR_mmap, 0, REGION_SIZE,
			 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (address < 0 && address > -4096)
		return address;
	space_add_region(task->space, address);
	return 0;
}

int inject_begin_with_region(struct task *task)
{
	int ret = inject_begin(task);

	if (!ret && !task->space->regions)
		ret = inject_region(task);
	return ret;
}
