// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring_enter() without a stop on the way out, and without any, as is io_uring_register().
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

#include "run.h"
#include "stub.h"

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

/* The instructions of a call, and the places in them. */
struct part {
	const char *begin;
	const char *kept;
	const char *called;
	const char *over;
	const char *doubtful;
	const char *judge;
	const char *end;
	long nr;
};

#define NR_PARTS	2

static const struct part parts[NR_PARTS] = {
	{
		stub_begin, stub_kept, stub_called, stub_over, stub_doubtful, stub_judge,
		stub_registration, __NR_io_uring_enter,
	},
	{
		stub_registration, stub_registration_kept, stub_registration_called,
		stub_registration_over, stub_registration_doubtful, stub_registration_judge,
		stub_end, __NR_io_uring_register,
	},
};

/* Where in the instructions the thread is, and in which @part; or NULL. */
static const char *place(const struct task *task,
			 const struct user_regs_struct *regs, const struct part **part)
{
	const struct area *area;
	const char *at;

	for (area = task->space->areas; area; area = area->next) {
		if (regs->rip - area->address >= (size_t)(stub_end - stub_begin))
			continue;
		at = stub_begin + (regs->rip - area->address);
		*part = &parts[at >= parts[0].end];
		return at;
	}
	return NULL;
}

/*
 * The thread's registers as at the end of its call, but for the result: from what
 * it is about to keep, or has kept.
 */
static int recover(const struct task *task, const char *at, const struct part *part,
		   struct user_regs_struct *regs)
{
	const char *entry = part->begin;
	struct kept kept;

	/* The same few instructions follow all entries. */
	if (entry == stub_begin && at >= stub_plain)
		entry = stub_plain;
	regs->orig_rax = part->nr;
	if (at == entry || at == part->over) {
		regs->rip = regs->rcx;
		return 0;
	}
	if (memory_read(task, regs->rsp, &kept, sizeof(kept)))
		return -ESRCH;
	regs->rsp += STUB_FRAME_SIZE;
	if (at >= part->kept) {
		regs->rsi = kept.rsi;
		regs->rdx = kept.rdx;
	}
	switch (at - entry) {
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
	const struct part *part;
	const char *at = place(task, regs, &part);

	if (!at || at != part->judge)
		return false;
	task->saved = *regs;
	return !recover(task, at, part, &task->saved);
}

int stub_leave(struct task *task)
{
	struct user_regs_struct now, regs;
	const struct part *part;
	const char *at;

	if (!task->space->areas)
		return 0;
	if (regs_get(task, &now))
		return -ESRCH;
	regs = now;
	at = place(task, &now, &part);
	if (!at)
		return site_leave(task, &regs) ? regs_set(task, &regs) : 0;
	if (recover(task, at, part, &regs))
		return -ESRCH;
	if (at < part->called || at >= part->doubtful ||
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
	const struct part *part;
	const char *at = place(task, regs, &part);

	return at && at == part->called;
}

int stub_detach(const struct task *task)
{
	/* xchg %ax, %ax: what is behind the jump is executed */
	static const __u8 nothing[] = { 0x66, 0x90 };
	const struct area *area;
	unsigned int i;
	int ret = 0;

	for (area = task->space->areas; area; area = area->next) {
		for (i = 0; i < NR_PARTS && !ret; i++)
			ret = poke(task, area->address + (parts[i].doubtful - stub_begin),
				   nothing, sizeof(nothing));
	}
	return ret;
}
