// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring_enter() without a stop on the way out.
 *
 * A thread that has stopped at the call is sent to a few instructions that we
 * put into its memory. They keep the registers that the ioctl needs for itself
 * in the thread's slot, make the ioctl, put the registers back, and jump to
 * where the call would have returned. rcx, r11 and rax are free to be used, as
 * the system call changes them anyhow: it leaves the return address in rcx. The
 * stack and the flags are not touched.
 *
 * Nobody sees a thread in there but who looks from outside: before a signal is
 * delivered the tracer takes the thread out, to before the call or after it.
 */
#include <stddef.h>
#include <string.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <linux/io_uring.h>
#include <linux/ruring.h>

#include "run.h"
#include "stub.h"

#define SYSCALL_INSN_SIZE	2
#define CODE_SIZE		4096UL

/* What the instructions keep in a slot. */
struct kept {
	struct ruring_enter enter;
	__u64 rdi;
	__u64 rsi;
	__u64 rdx;
	__u64 back;		/* where the call returns to */
};
_Static_assert(sizeof(struct kept) == SLOT_SIZE, "a slot is what is kept");

/*
 * Starts with the slot in rax, the ring's descriptor in r11, the rest as the
 * call has it. Errors that may be about the descriptor are not returned: the
 * call is made again, from a place that tells the tracer to judge. The tracer
 * does not run them: it has them as data.
 */
static void instructions(void)
{
	asm volatile(".pushsection .rodata\n"
		     "stub_begin:\n"
		     "stub_registered:\n"
		     "	mov	%%rcx, %c[back](%%rax)\n"
		     "	lea	-%c[registered](%%r10), %%ecx\n"
		     "	jmp	1f\n"
		     "stub_plain:\n"
		     "	mov	%%rcx, %c[back](%%rax)\n"
		     "	mov	%%r10d, %%ecx\n"
		     "1:	mov	%%r8, %c[arg](%%rax)\n"
		     "	mov	%%r9, %c[argsz](%%rax)\n"
		     "	mov	%%esi, %c[to_submit](%%rax)\n"
		     "	mov	%%edx, %c[min_complete](%%rax)\n"
		     "	mov	%%ecx, %c[flags](%%rax)\n"
		     "	mov	%%rdi, %c[rdi](%%rax)\n"
		     "	mov	%%rsi, %c[rsi](%%rax)\n"
		     "	mov	%%rdx, %c[rdx](%%rax)\n"
		     "	mov	%%r11d, %%edi\n"
		     "	mov	%[command], %%esi\n"
		     "	mov	%%rax, %%rdx\n"
		     "	mov	%[ioctl], %%eax\n"
		     "	syscall\n"
		     "stub_called:\n"
		     "	mov	%c[rdi](%%rdx), %%rdi\n"
		     "	mov	%c[rsi](%%rdx), %%rsi\n"
		     "	lea	%c[enotty](%%rax), %%rcx\n"
		     "	jrcxz	stub_doubtful\n"
		     "	lea	%c[ebadf](%%rax), %%rcx\n"
		     "	jrcxz	stub_doubtful\n"
		     "	mov	%c[back](%%rdx), %%rcx\n"
		     "	mov	%c[rdx](%%rdx), %%rdx\n"
		     "	jmp	*%%rcx\n"
		     "stub_doubtful:\n"
		     "	mov	%[enter], %%eax\n"
		     "	syscall\n"
		     "stub_judge:\n"
		     "	ud2\n"
		     "stub_end:\n"
		     ".popsection\n"
		     : :
		     [back] "i" (offsetof(struct kept, back)),
		     [rdi] "i" (offsetof(struct kept, rdi)),
		     [rsi] "i" (offsetof(struct kept, rsi)),
		     [rdx] "i" (offsetof(struct kept, rdx)),
		     [arg] "i" (offsetof(struct kept, enter.arg)),
		     [argsz] "i" (offsetof(struct kept, enter.argsz)),
		     [to_submit] "i" (offsetof(struct kept, enter.to_submit)),
		     [min_complete] "i" (offsetof(struct kept,
						  enter.min_complete)),
		     [flags] "i" (offsetof(struct kept, enter.flags)),
		     [registered] "i" (IORING_ENTER_REGISTERED_RING),
		     [command] "i" ((int)RURING_IOC_ENTER),
		     [ioctl] "i" (__NR_ioctl),
		     [enter] "i" (__NR_io_uring_enter),
		     [enotty] "i" (ENOTTY),
		     [ebadf] "i" (EBADF));
}

int stub_install(struct task *task)
{
	size_t size = stub_end - stub_begin, at;
	long address, word;

	instructions();
	address = inject(task, __NR_mmap, 0, CODE_SIZE, PROT_READ | PROT_EXEC,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (address == -ESRCH)
		return -ESRCH;
	/* There may be a policy against it: then it goes the long way. */
	if (address < 0 && address > -4096)
		return 0;
	for (at = 0; at < size; at += sizeof(word)) {
		word = 0;
		memcpy(&word, stub_begin + at, size - at < sizeof(word) ?
		       size - at : sizeof(word));
		if (ptrace(PTRACE_POKEDATA, task->tid, address + at, word))
			return errno == ESRCH ? -ESRCH : 0;
	}
	task->space->code = address;
	return 0;
}

bool stub_enter(struct task *task, int fd)
{
	struct user_regs_struct regs = task->saved;
	const char *entry = regs.r10 & IORING_ENTER_REGISTERED_RING ?
		stub_registered : stub_plain;

	if (!task->space->code)
		return false;
	regs.rip = task->space->code + (entry - stub_begin);
	regs.rax = task->slot;
	regs.rcx = task->saved.rip;
	regs.r11 = fd;
	regs.orig_rax = -1;
	if (!regs_set(task, &regs))
		resume(task, 0);
	return true;
}

/* Where in the instructions the thread is, or NULL. */
static const char *place(const struct task *task,
			 const struct user_regs_struct *regs)
{
	__u64 at = regs->rip - task->space->code;

	return task->space->code && at < (size_t)(stub_end - stub_begin) ?
		stub_begin + at : NULL;
}

bool stub_judges(const struct task *task, const struct user_regs_struct *regs)
{
	return place(task, regs) == stub_judge;
}

int stub_leave(struct task *task)
{
	struct user_regs_struct regs = task->saved, now;
	const char *at;

	if (!task->space->code)
		return 0;
	if (regs_get(task, &now))
		return -ESRCH;
	at = place(task, &now);
	if (!at)
		return 0;
	if (at < stub_called || at >= stub_doubtful ||
	    (long)now.rax == -ENOTTY || (long)now.rax == -EBADF) {
		/* The call has not been made, or to no avail. */
		regs.rip -= SYSCALL_INSN_SIZE;
		regs.rax = regs.orig_rax;
		regs.orig_rax = -1;
	} else {
		regs.rax = now.rax;
		/* The kernel may be about to make it again. */
		if ((long)now.orig_rax == -1)
			regs.orig_rax = -1;
	}
	return regs_set(task, &regs);
}
