// SPDX-License-Identifier: GPL-2.0
/*
 * Shows the calls that a program makes of ruring, one line for each, as strace
 * shows those of io_uring. strace itself shows ioctls with an address.
 *
 *	ruring-strace ./server
 *	ruring-strace -o FILE -p PID
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/io_uring.h>
#include <linux/ptrace.h>
#include <linux/ruring.h>

#include "run/run.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | \
		 PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC)

/* A thread in one of the calls, whose result is to come. */
struct call {
	pid_t tid;
	__u64 number, fd, arg;
};

static const char usage[] =
"usage: ruring-strace [-o FILE] PROGRAM [ARGUMENT]...\n"
"       ruring-strace [-o FILE] -p PID\n"
"Shows a program's calls of ruring with their arguments, on standard error or in FILE.\n";

static const char * const setup_flags[] = {
	"IOPOLL", "SQPOLL", "SQ_AFF", "CQSIZE", "CLAMP", "ATTACH_WQ",
	"R_DISABLED", "SUBMIT_ALL", "COOP_TASKRUN", "TASKRUN_FLAG", "SQE128",
	"CQE32", "SINGLE_ISSUER", "DEFER_TASKRUN", "NO_MMAP",
	"REGISTERED_FD_ONLY", "NO_SQARRAY", "HYBRID_IOPOLL", "CQE_MIXED",
	"SQE_MIXED", "SQ_REWIND",
};

static const char * const enter_flags[] = {
	"GETEVENTS", "SQ_WAKEUP", "SQ_WAIT", "EXT_ARG", "REGISTERED_RING",
	"ABS_TIMER", "EXT_ARG_REG", "NO_IOWAIT",
};

static struct call *calls;
static size_t nr_calls;
static FILE *out;

/* The slot of a thread, or a free one. */
static struct call *call_of(pid_t tid)
{
	struct call *free_slot = NULL;
	size_t i;

	for (i = 0; i < nr_calls; i++) {
		if (calls[i].tid == tid)
			return &calls[i];
		if (!calls[i].tid)
			free_slot = &calls[i];
	}
	if (!free_slot) {
		calls = reallocarray(calls, nr_calls + 1, sizeof(*calls));
		if (!calls)
			err(1, "memory");
		free_slot = &calls[nr_calls++];
	}
	memset(free_slot, 0, sizeof(*free_slot));
	return free_slot;
}

static int read_from(pid_t tid, __u64 from, void *to, size_t len)
{
	struct iovec local = { to, len }, remote = { (void *)(uintptr_t)from, len };

	return process_vm_readv(tid, &local, 1, &remote, 1, 0) == (ssize_t)len ? 0 : -1;
}

static void print_flags(const char *prefix, __u32 flags, const char * const *names,
			size_t nr)
{
	const char *bar = "";
	size_t i;

	if (!flags)
		fprintf(out, "0");
	for (i = 0; i < nr; i++) {
		if (!(flags & 1U << i))
			continue;
		fprintf(out, "%s%s%s", bar, prefix, names[i]);
		flags &= ~(1U << i);
		bar = "|";
	}
	if (flags)
		fprintf(out, "%s%#x", bar, flags);
}

static void print_address(__u64 addr)
{
	if (addr)
		fprintf(out, "%#llx", addr);
	else
		fprintf(out, "NULL");
}

static void print_setup(const struct call *call)
{
	struct io_uring_params p;
	struct ruring_setup setup;

	fprintf(out, "ruring_setup(");
	if (read_from(call->tid, call->arg, &setup, sizeof(setup))) {
		print_address(call->arg);
	} else if (fprintf(out, "%u, ", setup.entries),
		   read_from(call->tid, setup.params, &p, sizeof(p))) {
		print_address(setup.params);
	} else {
		fprintf(out, "{flags=");
		print_flags("IORING_SETUP_", p.flags, setup_flags, ARRAY_SIZE(setup_flags));
		fprintf(out, ", sq_thread_cpu=%u, sq_thread_idle=%u, sq_entries=%u, cq_entries=%u, features=%#x}",
			p.sq_thread_cpu, p.sq_thread_idle, p.sq_entries, p.cq_entries,
			p.features);
	}
}

static void print_enter(const struct call *call)
{
	struct ruring_enter enter;

	fprintf(out, "ruring_enter(%d, ", (int)call->fd);
	if (read_from(call->tid, call->arg, &enter, sizeof(enter))) {
		print_address(call->arg);
		return;
	}
	if (enter.flags & IORING_ENTER_REGISTERED_RING)
		fprintf(out, "index %u, ", enter.index);
	fprintf(out, "%u, %u, ", enter.to_submit, enter.min_complete);
	print_flags("IORING_ENTER_", enter.flags, enter_flags, ARRAY_SIZE(enter_flags));
	fprintf(out, ", ");
	print_address(enter.arg);
	fprintf(out, ", %llu", enter.argsz);
}

static void print_register(const struct call *call)
{
	bool indexed = call->number == RURING_IOC_REGISTER_INDEXED;
	/* Which begins as the other one does. */
	struct ruring_register_indexed reg;
	size_t size = indexed ? sizeof(reg) : sizeof(struct ruring_register);

	fprintf(out, "ruring_register(%d, ", (int)call->fd);
	if (read_from(call->tid, call->arg, &reg, size)) {
		print_address(call->arg);
		return;
	}
	if (indexed) {
		fprintf(out, "index %u, ", reg.index);
		reg.opcode &= ~IORING_REGISTER_USE_REGISTERED_RING;
	}
	fprintf(out, "IORING_%s, ", registration_name(reg.opcode));
	print_address(reg.arg);
	fprintf(out, ", %u", reg.nr_args);
}

/* At the beginning of a call it is only remembered: at its end all is known. */
static void at_syscall(pid_t tid)
{
	struct ptrace_syscall_info info;
	struct call *call = call_of(tid);

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		__u64 number = (__u32)info.entry.args[1];

		if (info.entry.nr == SYS_ioctl &&
		    (number == RURING_IOC_SETUP || number == RURING_IOC_ENTER ||
		     number == RURING_IOC_REGISTER ||
		     number == RURING_IOC_REGISTER_INDEXED))
			*call = (struct call) { tid, number, info.entry.args[0],
						info.entry.args[2] };
		return;
	}
	if (info.op != PTRACE_SYSCALL_INFO_EXIT || !call->tid)
		return;
	fprintf(out, "[pid %d] ", tid);
	if (call->number == RURING_IOC_SETUP)
		print_setup(call);
	else if (call->number == RURING_IOC_ENTER)
		print_enter(call);
	else
		print_register(call);
	if (info.exit.is_error)
		fprintf(out, ") = -1 %s (%s)\n", strerrorname_np(-info.exit.rval),
			strerror(-info.exit.rval));
	else
		fprintf(out, ") = %lld\n", info.exit.rval);
	fflush(out);
	call->tid = 0;
}

/* Goes on with a thread that has stopped. */
static void at_stop(pid_t tid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (sig == (SIGTRAP | 0x80)) {
		at_syscall(tid);
		sig = 0;
	} else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		/* The whole process is stopped, until somebody has it go on. */
		ptrace(PTRACE_LISTEN, tid, 0, 0);
		return;
	} else if (event) {
		sig = 0;
	}
	ptrace(PTRACE_SYSCALL, tid, 0, sig);
}

static void seize_all(pid_t pid)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		err(1, "%d", pid);
	while ((entry = readdir(dir))) {
		pid_t tid = atoi(entry->d_name);

		if (tid && ptrace(PTRACE_SEIZE, tid, 0, OPTIONS))
			err(1, "%d", tid);
		if (tid)
			ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	}
	closedir(dir);
}

/* The program waits in a pipe until it is traced. */
static pid_t start(char **argv)
{
	int go[2];
	pid_t pid;
	char c;

	if (pipe2(go, O_CLOEXEC))
		err(1, "pipe");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		close(go[1]);
		if (read(go[0], &c, 1) == 1)
			execvp(argv[0], argv);
		warn("%s", argv[0]);
		_exit(127);
	}
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS))
		err(1, "%s", argv[0]);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	if (write(go[1], "", 1) != 1)
		err(1, "pipe");
	close(go[0]);
	close(go[1]);
	return pid;
}

int main(int argc, char **argv)
{
	int opt, status, result = 0;
	pid_t pid = 0, tid;

	out = stderr;
	while ((opt = getopt(argc, argv, "+ho:p:")) != -1) {
		if (opt == 'o') {
			out = fopen(optarg, "we");
			if (!out)
				err(1, "%s", optarg);
		} else if (opt == 'p') {
			pid = atoi(optarg);
		} else {
			fputs(usage, opt == 'h' ? stdout : stderr);
			return opt == 'h' ? 0 : 1;
		}
	}
	if ((pid > 0) == (optind < argc))
		return fputs(usage, stderr), 1;
	if (pid)
		seize_all(pid);
	else
		pid = start(argv + optind);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			at_stop(tid, status);
		else if (tid == pid)
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return result;
}
