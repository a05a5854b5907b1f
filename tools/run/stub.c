// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring_enter() without a stop on the way out, and without any.
 *
 * A thread that has stopped at the call is sent to a few instructions that we
 * put into its memory; one that comes from a rewritten place (site.c) gets there
 * by itself. They make room on its stack, beyond what the ABI lets a function use
 * below its stack pointer, keep there the registers that the ioctl needs for
 * itself, make the ioctl, put the registers back, and jump to where the call
 * would have returned. rcx, r11 and rax are free to be used, as the system call
 * changes them anyhow: it leaves the return address in rcx. Flags are not touched.
 *
 * Nobody sees a thread in there but who looks from outside: before a signal is
 * delivered the tracer takes the thread out, to before the call or after it.
 */
#include <stddef.h>
#include <errno.h>
#include <sys/syscall.h>
#include <linux/io_uring.h>
#include <linux/ruring.h>

#include "run.h"
#include "stub.h"

/* What the instructions keep on the stack. */
struct kept {
	struct ruring_enter enter;
	__u64 rdi;
	__u64 rsi;
	__u64 rdx;
	__u64 back;		/* where the call returns to */
};

/* The 128 bytes below the stack pointer are the program's. */
#define FRAME_SIZE	(128 + sizeof(struct kept))

/*
 * Starts with the call's return address in rcx, the rest as the call has it; and
 * with the ring's descriptor in r11 if the call has an index. Errors that may be
 * about the descriptor, or about a flag that says it is an index, are not
 * returned: the call is made again, from a place that tells the tracer to judge.
 * The tracer does not run them: it has them as data.
 */
void stub_instructions(void)
{
	asm volatile(".pushsection .rodata\n"
		     ".globl stub_begin, stub_registered, stub_plain\n"
		     ".globl stub_kept, stub_called, stub_over\n"
		     ".globl stub_doubtful, stub_judge, stub_end\n"
		     "stub_begin:\n"
		     "stub_registered:\n"
		     "	lea	-%c[size](%%rsp), %%rsp\n"
		     "	mov	%%rcx, %c[back](%%rsp)\n"
		     "	mov	%%rdi, %c[rdi](%%rsp)\n"
		     "	mov	%%r11d, %%edi\n"
		     "	lea	-%c[registered](%%r10), %%ecx\n"
		     "	jmp	1f\n"
		     "stub_plain:\n"
		     "	lea	-%c[size](%%rsp), %%rsp\n"
		     "	mov	%%rcx, %c[back](%%rsp)\n"
		     "	mov	%%rdi, %c[rdi](%%rsp)\n"
		     "	mov	%%r10d, %%ecx\n"
		     "1:	mov	%%rsi, %c[rsi](%%rsp)\n"
		     "	mov	%%rdx, %c[rdx](%%rsp)\n"
		     "stub_kept:\n"
		     "	mov	%%r8, %c[arg](%%rsp)\n"
		     "	mov	%%r9, %c[argsz](%%rsp)\n"
		     "	mov	%%esi, %c[to_submit](%%rsp)\n"
		     "	mov	%%edx, %c[min_complete](%%rsp)\n"
		     "	mov	%%ecx, %c[flags](%%rsp)\n"
		     "	movl	$0, %c[resv](%%rsp)\n"
		     "	mov	%[command], %%esi\n"
		     "	mov	%%rsp, %%rdx\n"
		     "	mov	%[ioctl], %%eax\n"
		     "	syscall\n"
		     "stub_called:\n"
		     "	mov	%c[rdi](%%rsp), %%rdi\n"
		     "	mov	%c[rsi](%%rsp), %%rsi\n"
		     "	mov	%c[rdx](%%rsp), %%rdx\n"
		     "	lea	%c[enotty](%%rax), %%rcx\n"
		     "	jrcxz	stub_doubtful\n"
		     "	lea	%c[ebadf](%%rax), %%rcx\n"
		     "	jrcxz	stub_doubtful\n"
		     "	lea	%c[einval](%%rax), %%rcx\n"
		     "	jrcxz	stub_doubtful\n"
		     "	mov	%c[back](%%rsp), %%rcx\n"
		     "	lea	%c[size](%%rsp), %%rsp\n"
		     "stub_over:\n"
		     "	jmp	*%%rcx\n"
		     "stub_doubtful:\n"
		     "	mov	%[enter], %%eax\n"
		     "	syscall\n"
		     "stub_judge:\n"
		     "	ud2\n"
		     "stub_end:\n"
		     ".popsection\n"
		     : :
		     [size] "i" (FRAME_SIZE),
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
		     [resv] "i" (offsetof(struct kept, enter.resv)),
		     [registered] "i" (IORING_ENTER_REGISTERED_RING),
		     [command] "i" ((int)RURING_IOC_ENTER),
		     [ioctl] "i" (__NR_ioctl),
		     [enter] "i" (__NR_io_uring_enter),
		     [enotty] "i" (ENOTTY),
		     [ebadf] "i" (EBADF),
		     [einval] "i" (EINVAL));
}

bool stub_enter(struct task *task, int fd)
{
	const struct area *area = task->space->areas;
	struct user_regs_struct regs = task->saved;
	const char *entry = regs.r10 & IORING_ENTER_REGISTERED_RING ?
		stub_registered : stub_plain;

	if (!area)
		return false;
	regs.rip = area->address + (entry - stub_begin);
	regs.rax = __NR_io_uring_enter;
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
	const struct area *area;

	for (area = task->space->areas; area; area = area->next) {
		if (regs->rip - area->address < (size_t)(stub_end - stub_begin))
			return stub_begin + (regs->rip - area->address);
	}
	return NULL;
}

/*
 * The thread's registers as at the end of its call, but for the result: from what
 * it is about to keep, or has kept.
 */
static int recover(const struct task *task, const char *at,
		   struct user_regs_struct *regs)
{
	struct kept kept;

	regs->orig_rax = __NR_io_uring_enter;
	if (at == stub_registered || at == stub_plain || at == stub_over) {
		regs->rip = regs->rcx;
		return 0;
	}
	if (memory_read(task, regs->rsp, &kept, sizeof(kept)))
		return -ESRCH;
	regs->rsp += FRAME_SIZE;
	if (at >= stub_kept) {
		regs->rsi = kept.rsi;
		regs->rdx = kept.rdx;
	}
	/* The same few instructions follow both entries. */
	switch (at - (at < stub_plain ? stub_registered : stub_plain)) {
	case STUB_LOWERED:
		regs->rip = regs->rcx;
		return 0;
	case STUB_LOWERED + STUB_MOVE:
		regs->rip = kept.back;
		return 0;
	}
	regs->rip = kept.back;
	regs->rdi = kept.rdi;
	return 0;
}

bool stub_judges(struct task *task, const struct user_regs_struct *regs)
{
	if (place(task, regs) != stub_judge)
		return false;
	task->saved = *regs;
	return !recover(task, stub_judge, &task->saved);
}

int stub_leave(struct task *task)
{
	struct user_regs_struct now, regs;
	const char *at;

	if (!task->space->areas)
		return 0;
	if (regs_get(task, &now))
		return -ESRCH;
	regs = now;
	at = place(task, &now);
	if (!at)
		return site_leave(task, &regs) ? regs_set(task, &regs) : 0;
	if (recover(task, at, &regs))
		return -ESRCH;
	if (at < stub_called || at >= stub_doubtful ||
	    (long)now.rax == -ENOTTY || (long)now.rax == -EBADF ||
	    (long)now.rax == -EINVAL) {
		/* The call has not been made, or to no avail. */
		regs.rip -= SYSCALL_INSN_SIZE;
		regs.rax = regs.orig_rax;
		regs.orig_rax = -1;
	} else if ((long)now.orig_rax == -1) {
		/* The kernel is not about to make it again. */
		regs.orig_rax = -1;
	}
	return regs_set(task, &regs);
}

bool stub_called_here(const struct task *task,
		      const struct user_regs_struct *regs)
{
	return place(task, regs) == stub_called;
}
