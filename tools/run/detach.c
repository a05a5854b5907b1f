// SPDX-License-Identifier: GPL-2.0
/*
 * --detach: programs that need the tracer no more are let go.
 *
 * A filter stays as long as the program, and so would what it says where there is no
 * tracer. So there is none: threads stop at each system call, which is slow but does not
 * last. When an address space has made many calls from rewritten places, and no other,
 * its threads are interrupted, as they are while a place is rewritten; what the
 * interruption has done to a call is mended where they stop for it, and there they are let go.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
/* Not before sys/ptrace.h, which has the same names. */
#include <linux/ptrace.h>

#include "run.h"
#include "stub.h"

/* So many calls without a stop of its own, and the hot places are rewritten. */
#define ENOUGH	100

/* The kernel's own: calls that it is about to make again. */
#define ERESTARTSYS		512
#define ERESTART_RESTARTBLOCK	516

static bool is_one_of_three(__u64 nr)
{
	return nr >= __NR_io_uring_setup && nr <= __NR_io_uring_register;
}

/* This stop has taken the place of the one that we have asked for. */
static void interrupt_again(struct task *task)
{
	if (!task->interrupted && !task->space->detaching)
		return;
	task->interrupted = true;
	ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL);
}

/* The thread is at the border of a call that stands for one of the three. */
static void our_border(struct task *task)
{
	struct user_regs_struct regs;

	/* All else can wait until the call has gone all its ways. */
	if (!task->at_entry && task->interrupted && !regs_get(task, &regs) &&
	    (long)regs.rax == -EINTR)
		interrupt_again(task);
	call_border(task);
}

void detach_border(struct task *task)
{
	struct __ptrace_syscall_info info = { };
	struct space *space = task->space;
	struct user_regs_struct regs;

	if (task->call != CALL_NONE) {
		our_border(task);
		return;
	}
	if (ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof(info), &info) < 0)
		return;
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY) {
		interrupt_again(task);
		resume(task, 0);
		return;
	}
	if (is_one_of_three(info.entry.nr)) {
		space->native = 0;
		call_begin(task, false);
		return;
	}
	regs.rip = info.instruction_pointer;
	if (stub_called_here(task, &regs) && ++space->native == ENOUGH &&
	    !stub_detach(task)) {
		space->detaching = true;
		task_stop_all(space);
	} else {
		interrupt_again(task);
	}
	resume(task, 0);
}

/* Is one of the three calls the next thing that the thread does? */
static bool about_to_call(const struct task *task)
{
	struct user_regs_struct regs;
	__u16 insn;

	if (regs_get(task, &regs))
		return true;
	if ((long)regs.rax <= -ERESTARTSYS &&
	    (long)regs.rax >= -ERESTART_RESTARTBLOCK)
		return is_one_of_three(regs.orig_rax);
	return is_one_of_three(regs.rax) &&
		!memory_read(task, regs.rip, &insn, sizeof(insn)) &&
		insn == 0x050f;
}

bool detach(struct task *task)
{
	if (!task->space->detaching || about_to_call(task) ||
	    ptrace(PTRACE_DETACH, task->tid, NULL, NULL))
		return false;
	task->detached = true;
	return true;
}
