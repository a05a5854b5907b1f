// SPDX-License-Identifier: GPL-2.0
/*
 * The tracer's loop: what stopped, and how it goes on.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/sched.h>

#include "run.h"

#define SYSCALL_STOP	(SIGTRAP | 0x80)	/* PTRACE_O_TRACESYSGOOD */

void resume_to_exit(struct task *task)
{
	ptrace(PTRACE_SYSCALL, task->tid, NULL, NULL);
}

void resume(struct task *task, int signal)
{
	/* Without a filter each call has to stop. */
	ptrace(opt.detach ? PTRACE_SYSCALL : PTRACE_CONT, task->tid, NULL, (void *)(long)signal);
}

/*
 * With which flags did the thread, stopped inside the call, clone? They tell
 * what the new thread shares with it.
 */
static __u64 clone_flags(const struct task *task)
{
	struct user_regs_struct regs;
	__u64 flags = 0;

	if (regs_get(task, &regs))
		return 0;
	switch (regs.orig_rax) {
	case __NR_clone:
		return regs.rdi;
	case __NR_clone3:
		/* The flags come first. */
		if (memory_read(task, regs.rdi, &flags, sizeof(flags)))
			return 0;
		return flags;
	case __NR_vfork:
		return CLONE_VM | CLONE_VFORK;
	default:
		return 0;
	}
}

static void cloned(struct task *task)
{
	struct task *child;
	unsigned long tid;

	if (!ptrace(PTRACE_GETEVENTMSG, task->tid, NULL, &tid)) {
		child = task_find(tid);
		if (!child)
			child = task_add(tid);
		task_inherit(child, task, clone_flags(task));
		child->orphan = false;
		if (child->held) {
			child->held = false;
			if (detach(child))
				task_remove(child);
			else
				resume(child, 0);
		}
	}
	resume(task, 0);
}

static void executed(struct task *task)
{
	struct task *former = NULL;
	unsigned long tid;

	if (!ptrace(PTRACE_GETEVENTMSG, task->tid, NULL, &tid))
		former = task_find(tid);
	task_exec(task, former);
	resume(task, 0);
}

static bool stops_group(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
	       signal == SIGTTOU;
}

static void stopped(struct task *task, int status)
{
	int signal = WSTOPSIG(status);

	switch (status >> 16) {
	case PTRACE_EVENT_SECCOMP:
		call_begin(task, false);
		return;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		cloned(task);
		return;
	case PTRACE_EVENT_EXEC:
		executed(task);
		return;
	case PTRACE_EVENT_STOP:
		call_put_off(task);
		/* Stopped as by job control: it stays so until it continues. */
		if (stops_group(signal)) {
			if (detach(task))
				return;
			ptrace(PTRACE_LISTEN, task->tid, NULL, NULL);
			return;
		}
		if (task->interrupted)
			signal_restart(task);
		task->interrupted = false;
		/* What it shares with others is not known yet. */
		if (task->orphan)
			task->held = true;
		else if (!detach(task))
			resume(task, 0);
		return;
	}
	if (signal == SYSCALL_STOP) {
		if (opt.detach)
			detach_border(task);
		else
			call_border(task);
		return;
	}
	call_put_off(task);
	if (signal == SIGSYS && filter_trapped(task))
		call_begin(task, true);
	else if (!stub_leave(task))
		resume(task, signal_unnoticed(task, signal) ? 0 : signal);
}

static void handle(struct task *task, int status)
{
	if (WIFSTOPPED(status)) {
		stopped(task, status);
		return;
	}
	task_remove(task);
	task_release_orphans();
}

/*
 * The next thread that has stopped or ended. What is to be printed is printed
 * before the program's parent can see the program's end.
 */
static pid_t wait_for_any(pid_t leader, int *status)
{
	siginfo_t info;

	if (!opt.stats)
		return waitpid(-1, status, __WALL);
	if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL))
		return -1;
	if (info.si_pid == leader &&
	    (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED ||
	     info.si_code == CLD_DUMPED))
		stats_print();
	return waitpid(info.si_pid, status, __WALL);
}

void trace(pid_t leader)
{
	struct task *task = task_add(leader);
	int status;
	pid_t tid;

	for (;;) {
		tid = wait_for_any(leader, &status);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			return;
		task = task_find(tid);
		if (!task) {
			task = task_add(tid);
			task->orphan = true;
		}
		/* An injected call may have been overtaken by other events. */
		while (status) {
			handle(task, status);
			task = task_find(tid);
			if (task && task->detached) {
				task_remove(task);
				task = NULL;
			}
			status = task ? task->pending_status : 0;
			if (task)
				task->pending_status = 0;
		}
	}
}
