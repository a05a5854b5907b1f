// SPDX-License-Identifier: GPL-2.0
/*
 * System calls that a thread makes on our behalf, and its memory.
 *
 * The thread stands at a trapped call. The first injected call takes the place
 * of the trapped one. For each further one it goes back to the instruction that
 * trapped and executes that again, with other registers. All signals that can
 * be are blocked meanwhile, so that no handler sees the thread in between.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "run.h"

#define SYSCALL_STOP		(SIGTRAP | 0x80)
#define SYSCALL_INSN_SIZE	2
#define PIDFD_THREAD		O_EXCL

#define offsetofend(type, member) \
	(offsetof(type, member) + sizeof(((type *)NULL)->member))

/*
 * Only the first registers are read and written, as each costs: the last that
 * anyone looks at is the stack pointer, the last that changes the instruction
 * pointer.
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
		.iov_len = offsetofend(struct user_regs_struct, rip),
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

	task->injecting = false;
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

static int leave(struct task *task, const struct user_regs_struct *regs)
{
	if (regs_set(task, regs) ||
	    ptrace(PTRACE_SETSIGMASK, task->tid, sizeof(task->sigmask),
		   &task->sigmask))
		return -ESRCH;
	if (task->restop)
		syscall(__NR_tkill, task->tid, SIGSTOP);
	resume(task, 0);
	return 0;
}

int inject_end(struct task *task, long result)
{
	struct user_regs_struct regs = task->saved;

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
	return task->space->code ? 0 : stub_install(task);
}

/* What recvmsg(2) needs, as it lies in the first page of a region. */
struct mailbox {
	int sockets[2];
	struct msghdr msg;
	struct iovec iov;
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
};

/* Send @fd through the thread's socket @socket. */
static int post(const struct task *task, int socket, int fd)
{
	struct mailbox box = {
		.iov = { .iov_base = &box.byte, .iov_len = 1 },
		.msg = {
			.msg_iov = &box.iov,
			.msg_iovlen = 1,
			.msg_control = &box.control,
			.msg_controllen = sizeof(box.control),
		},
		.control.header = {
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		},
	};
	int pidfd, ours, ret;

	memcpy(CMSG_DATA(&box.control.header), &fd, sizeof(fd));
	pidfd = syscall(__NR_pidfd_open, task->tid, PIDFD_THREAD);
	if (pidfd < 0)
		return -errno;
	ours = syscall(__NR_pidfd_getfd, pidfd, socket, 0);
	ret = ours < 0 ? -errno : 0;
	close(pidfd);
	if (ret)
		return ret;
	ret = sendmsg(ours, &box.msg, MSG_DONTWAIT) == 1 ? 0 : -errno;
	close(ours);
	return ret;
}

/* Have the thread take a descriptor from its socket @socket. */
static int fetch(struct task *task, int socket)
{
	__u64 at = task->space->regions->address;
	struct mailbox box = {
		.iov = {
			.iov_base = (void *)(at + offsetof(struct mailbox, byte)),
			.iov_len = 1,
		},
		.msg = {
			.msg_iov = (void *)(at + offsetof(struct mailbox, iov)),
			.msg_iovlen = 1,
			.msg_control = (void *)(at + offsetof(struct mailbox,
							      control)),
			.msg_controllen = sizeof(box.control),
		},
	};
	long ret;
	int fd;

	ret = memory_write(task, at, &box, sizeof(box));
	if (ret)
		return ret;
	ret = inject(task, __NR_recvmsg, socket,
		     at + offsetof(struct mailbox, msg),
		     MSG_DONTWAIT | MSG_CMSG_CLOEXEC, 0, 0, 0);
	if (ret < 0)
		return ret;
	ret = memory_read(task, at, &box, sizeof(box));
	if (ret)
		return ret;
	/* Without a free descriptor the message comes without one. */
	if (box.msg.msg_controllen < CMSG_LEN(sizeof(int)))
		return -EMFILE;
	memcpy(&fd, CMSG_DATA(&box.control.header), sizeof(fd));
	return fd;
}

/*
 * The descriptor travels over a pair of sockets, because that works whatever
 * name spaces, root directory and rights the program has. It does not become
 * the lowest free one: those are the sockets', and free again at the end, for
 * the ring to take.
 */
int inject_fd(struct task *task, int fd)
{
	__u64 at = task->space->regions->address;
	int sockets[2];
	long ret, err;

	ret = inject(task, __NR_socketpair, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC,
		     0, at, 0, 0);
	if (ret < 0)
		return ret;
	ret = memory_read(task, at, sockets, sizeof(sockets));
	if (!ret)
		ret = post(task, sockets[1], fd);
	if (!ret)
		ret = fetch(task, sockets[0]);
	err = inject(task, __NR_close, sockets[0], 0, 0, 0, 0, 0);
	if (err != -ESRCH)
		err = inject(task, __NR_close, sockets[1], 0, 0, 0, 0, 0);
	return err == -ESRCH ? err : ret;
}
