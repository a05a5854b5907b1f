/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A filter as the container runtimes' default profile: io_uring is denied, and
 * so are others that a container is not to have.
 */
#ifndef RURING_SELFTESTS_DENIAL_H
#define RURING_SELFTESTS_DENIAL_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define DENY_EPERM	(SECCOMP_RET_ERRNO | EPERM)

/* What the three calls get is @action. */
static inline int deny_io_uring(unsigned int action)
{
	static const unsigned int others[] = {
		__NR_pidfd_getfd, __NR_kcmp, __NR_process_madvise,
		__NR_userfaultfd, __NR_perf_event_open, __NR_bpf, __NR_mount,
		__NR_unshare, __NR_setns,
	};
	const unsigned int nr_others = sizeof(others) / sizeof(*others);
	struct sock_filter code[64] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, __NR_io_uring_setup, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, __NR_io_uring_register, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, action),
	};
	struct sock_fprog program = { .len = 4, .filter = code };
	unsigned int i;

	for (i = 0; i < nr_others; i++) {
		code[program.len++] = (struct sock_filter)
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, others[i], 0, 1);
		code[program.len++] = (struct sock_filter)
			BPF_STMT(BPF_RET | BPF_K, DENY_EPERM);
	}
	code[program.len++] = (struct sock_filter)
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* The call @nr gets @action where its third argument has all bits of @mask. */
static inline int deny_call(unsigned int nr, unsigned int mask,
			    unsigned int action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[2])),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mask, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(*code), .filter = code,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#endif /* RURING_SELFTESTS_DENIAL_H */
