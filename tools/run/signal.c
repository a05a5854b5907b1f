// SPDX-License-Identifier: GPL-2.0
/*
 * Signals that must not be noticed.
 *
 * A signal that a thread ignores is dropped when it is sent, but not if the
 * thread is traced: it then wakes the thread for us to see. Most sleeping
 * calls go on by themselves afterwards. Those that would say EINTR do not, so
 * they are made again here, and the signal is dropped.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "run.h"

/* The kernel's own: it makes the call again if no handler runs. */
#define ERESTARTNOHAND	514

static bool says_eintr(long nr)
{
	switch (nr) {
	case __NR_io_uring_enter:
	case __NR_epoll_wait:
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
	case __NR_rt_sigtimedwait:
	case __NR_semop:
	case __NR_semtimedop:
	case __NR_io_getevents:
	case __NR_io_pgetevents:
	case __NR_recvfrom:
	case __NR_recvmsg:
	case __NR_recvmmsg:
	case __NR_sendto:
	case __NR_sendmsg:
	case __NR_sendmmsg:
	case __NR_accept:
	case __NR_accept4:
	case __NR_connect:
	case __NR_read:
	case __NR_write:
		return true;
	default:
		return false;
	}
}

/* Is the signal without effect by default? */
static bool ignored_by_default(int signal)
{
	return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH ||
	       signal == SIGCONT;
}

static bool ignored(const struct task *task, int signal)
{
	unsigned long long ignores = 0, catches = 0, bit;
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", task->tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "SigIgn: %llx", &ignores) != 1)
			sscanf(line, "SigCgt: %llx", &catches);
	}
	fclose(file);
	bit = 1ULL << (signal - 1);
	return ignores & bit ||
	       (ignored_by_default(signal) && !(catches & bit));
}

bool signal_unnoticed(struct task *task, int signal)
{
	struct user_regs_struct regs;

	if (regs_get(task, &regs) || (long)regs.rax != -EINTR ||
	    !says_eintr(regs.orig_rax) || !ignored(task, signal))
		return false;
	regs.rax = -ERESTARTNOHAND;
	return !regs_set(task, &regs);
}

void signal_restart(struct task *task)
{
	struct user_regs_struct regs;

	if (regs_get(task, &regs) || (long)regs.rax != -EINTR ||
	    !(says_eintr(regs.orig_rax) || stub_called_here(task, &regs)))
		return;
	regs.rax = -ERESTARTNOHAND;
	regs_set(task, &regs);
}
