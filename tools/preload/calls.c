// SPDX-License-Identifier: GPL-2.0
/*
 * The calls that are more than an ioctl: io_uring_setup(), io_uring_register(),
 * and io_uring_enter() by an index, or where the ioctl has failed.
 *
 * A descriptor that is no ring of ruring is not ours: if it is one of io_uring, the
 * kernel gets the call as it is.
 */
#include <linux/fcntl.h>
#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <linux/io_uring.h>
#include <linux/ruring.h>

#include "preload.h"

/* All flags that io_uring_enter() knows. */
#define ENTER_FLAGS	(IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP | \
			 IORING_ENTER_SQ_WAIT | IORING_ENTER_EXT_ARG | \
			 IORING_ENTER_REGISTERED_RING | \
			 IORING_ENTER_ABS_TIMER | IORING_ENTER_EXT_ARG_REG | \
			 IORING_ENTER_NO_IOWAIT)

static long give_to_kernel(const struct call *call)
{
	const long *args = call->args;

	return raw_call(call->nr, args[0], args[1], args[2], args[3], args[4],
			args[5]);
}

bool fd_is(int fd, const char *kind)
{
	char path[32] = "/proc/self/fd/", link[32];
	static const char prefix[] = "anon_inode:";
	unsigned int at = sizeof("/proc/self/fd/") - 1, digit = 1000000000;
	long len, i;

	if (fd < 0)
		return false;
	while (digit > 1 && (unsigned int)fd < digit)
		digit /= 10;
	for (; digit; digit /= 10)
		path[at++] = '0' + fd / digit % 10;
	len = raw_call(__NR_readlinkat, AT_FDCWD, (long)path, (long)link,
		       sizeof(link) - 1, 0, 0);
	if (len < (long)sizeof(prefix) - 1)
		return false;
	link[len] = '\0';
	for (i = 0; prefix[i]; i++) {
		if (link[i] != prefix[i])
			return false;
	}
	while (*kind && link[i] == *kind) {
		i++;
		kind++;
	}
	return !*kind && !link[i];
}

/* The ioctl says that the descriptor is no ring of ruring. */
static long not_ours(const struct call *call, int fd)
{
	return fd_is(fd, "[io_uring]") ? give_to_kernel(call) : -EOPNOTSUPP;
}

static long enter(const struct call *call)
{
	struct ruring_enter enter = {
		.arg = call->args[4],
		.argsz = call->args[5],
		.to_submit = call->args[1],
		.min_complete = call->args[2],
		.flags = call->args[3],
	};
	long fd = (int)call->args[0], ret;

	if (enter.flags & ~ENTER_FLAGS)
		return -EINVAL;
	if (enter.flags & IORING_ENTER_REGISTERED_RING) {
		fd = ring_fds_lookup(fd);
		if (fd < 0)
			return fallback ? give_to_kernel(call) : fd;
		enter.flags &= ~IORING_ENTER_REGISTERED_RING;
	}
	ret = raw_call(__NR_ioctl, fd, RURING_IOC_ENTER, (long)&enter, 0, 0, 0);
	return ret == -ENOTTY ? not_ours(call, fd) : ret;
}

static long register_(const struct call *call)
{
	struct ruring_register reg = {
		.arg = call->args[2],
		.opcode = call->args[1],
		.nr_args = call->args[3],
	};
	bool registered = reg.opcode & IORING_REGISTER_USE_REGISTERED_RING;
	struct io_uring_clone_buffers clone;
	long fd = (int)call->args[0], ret;

	reg.opcode &= ~IORING_REGISTER_USE_REGISTERED_RING;
	if (reg.opcode >= IORING_REGISTER_LAST)
		return -EINVAL;
	if (!registered && fd == -1)
		return device_register(&reg);
	if (registered) {
		fd = ring_fds_lookup(fd);
		if (fd < 0)
			return fallback ? give_to_kernel(call) : fd;
	}
	if ((reg.opcode == IORING_REGISTER_RING_FDS ||
	     reg.opcode == IORING_UNREGISTER_RING_FDS) &&
	    fd_is(fd, "[ruring]"))
		return reg.opcode == IORING_REGISTER_RING_FDS ?
			ring_fds_register(reg.arg, reg.nr_args) :
			ring_fds_unregister(reg.arg, reg.nr_args);
	/* Ruring is told the descriptor of a ring that buffers are cloned from. */
	if (reg.opcode == IORING_REGISTER_CLONE_BUFFERS && reg.nr_args == 1 &&
	    !copy(&clone, (void *)call->args[2], sizeof(clone), false) &&
	    clone.flags & IORING_REGISTER_SRC_REGISTERED && fd_is(fd, "[ruring]")) {
		ret = ring_fds_lookup(clone.src_fd);
		if (ret < 0)
			return ret;
		clone.src_fd = ret;
		clone.flags &= ~IORING_REGISTER_SRC_REGISTERED;
		reg.arg = (long)&clone;
	}
	ret = raw_call(__NR_ioctl, fd, RURING_IOC_REGISTER, (long)&reg, 0, 0, 0);
	return ret == -ENOTTY ? not_ours(call, fd) : ret;
}

/*
 * The program's memory may be anything: the kernel copies, so that what is not there
 * is -EFAULT.
 */
long copy(void *to, const void *from, size_t len, bool to_program)
{
	struct iovec ours = { to_program ? (void *)from : to, len };
	struct iovec theirs = { to_program ? to : (void *)from, len };
	long ret;

	ret = raw_call(to_program ? __NR_process_vm_writev :
		       __NR_process_vm_readv,
		       raw_call(__NR_getpid, 0, 0, 0, 0, 0, 0),
		       (long)&ours, 1, (long)&theirs, 1, 0);
	/* A filter may forbid that. */
	if (ret == -EPERM || ret == -ENOSYS) {
		__builtin_memcpy(to, from, len);
		return 0;
	}
	return ret == (long)len ? 0 : -EFAULT;
}

/* A ring that has an index instead of a descriptor: ruring's is like any other. */
static long set_up_registered(struct ruring_setup *setup)
{
	void *program = (void *)setup->params;
	struct io_uring_params params;
	long ring, ret;

	ret = copy(&params, program, sizeof(params), false);
	if (ret)
		return ret;
	params.flags &= ~IORING_SETUP_REGISTERED_FD_ONLY;
	setup->params = (__u64)&params;
	ring = device_setup(setup);
	if (ring < 0)
		return ring;
	ring_fds_begin();
	params.flags |= IORING_SETUP_REGISTERED_FD_ONLY;
	params.features |= IORING_FEAT_REG_REG_RING;
	ret = copy(program, &params, sizeof(params), true);
	if (!ret)
		ret = ring_fds_add(ring);
	raw_call(__NR_close, ring, 0, 0, 0, 0, 0);
	return ret;
}

static long set_up(const struct call *call)
{
	struct ruring_setup setup = {
		.params = call->args[1],
		.entries = call->args[0],
	};
	struct io_uring_params *params = (void *)call->args[1];
	const __u32 registered = IORING_SETUP_REGISTERED_FD_ONLY |
		IORING_SETUP_NO_MMAP;
	__u32 flags = 0;
	long ret;

	/* Its index is one of ours: the kernel's would be in another table. */
	copy(&flags, &params->flags, sizeof(flags), false);
	if ((flags & registered) == registered) {
		ret = set_up_registered(&setup);
	} else {
		ret = device_setup(&setup);
		if (ret >= 0) {
			/* The kernel has read and written there. */
			params->features |= IORING_FEAT_REG_REG_RING;
			ring_fds_begin();
		}
	}
	return ret == -EINVAL && fallback ? give_to_kernel(call) : ret;
}

long call_made(const struct call *call)
{
	switch (call->nr) {
	case __NR_io_uring_setup:
		return set_up(call);
	case __NR_io_uring_register:
		return register_(call);
	default:
		return enter(call);
	}
}
