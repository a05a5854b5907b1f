// SPDX-License-Identifier: GPL-2.0
/*
 * The three calls on their way to ruring and back.
 *
 * io_uring_enter() and io_uring_register() become ioctls: other registers on
 * the way in, the program's own on the way out. The thread sleeps, is
 * interrupted and killed in the ioctl as it would be in the call. stub.c is
 * the short way, where the thread puts back its registers itself.
 * io_uring_setup() needs the device, and takes a few injected calls.
 *
 * A descriptor that is no ring of ruring is not ours: if it is one of
 * io_uring, the kernel gets the call as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <linux/io_uring.h>
#include <linux/ruring.h>

#include "run.h"
#include "stub.h"

/* Set in the number of an x32 call. */
#define X32_SYSCALL_BIT	0x40000000UL

/* Where the argument of an injected ioctl is, in the first page of a region. */
#define INJECT_ARGUMENT	1024

/* All flags that io_uring_enter() knows. */
#define ENTER_FLAGS	(IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP | \
			 IORING_ENTER_SQ_WAIT | IORING_ENTER_EXT_ARG | \
			 IORING_ENTER_REGISTERED_RING | \
			 IORING_ENTER_ABS_TIMER | IORING_ENTER_EXT_ARG_REG | \
			 IORING_ENTER_NO_IOWAIT)

/* The call that the thread stands at is over, with this result. */
static void finish(struct task *task, long result)
{
	struct user_regs_struct regs = task->saved;

	if (opt.detach) {
		if (!inject_begin(task))
			inject_end(task, result);
		return;
	}
	/* No call at all: the kernel leaves the result as it is. */
	regs.orig_rax = -1;
	regs.rax = result;
	if (!regs_set(task, &regs))
		resume(task, 0);
}

/* The thread has made the call: put its registers back, but for the result. */
static void give_result(struct task *task, long result)
{
	struct user_regs_struct regs = task->saved;

	regs.rax = result;
	if (!regs_set(task, &regs))
		resume(task, 0);
}

/*
 * Have the thread go back to the instruction that trapped and make this call. It
 * stops at both borders of it.
 */
static void make_call(struct task *task, enum call_kind kind,
		      struct user_regs_struct *regs, long nr)
{
	regs->rip -= SYSCALL_INSN_SIZE;
	regs->rax = nr;
	/* The kernel has no call to restart now. */
	regs->orig_rax = -1;
	if (regs_set(task, regs))
		return;
	task->call = kind;
	task->at_entry = true;
	resume_to_exit(task);
}

/* Have the kernel do the call that we would have trapped. */
static void give_to_kernel(struct task *task)
{
	struct user_regs_struct regs = task->saved;

	regs.rdi = (__u32)regs.rdi | (__u64)PASS_MARK << 32;
	make_call(task, CALL_NATIVE, &regs, regs.orig_rax);
}

/* No ring of ruring is registered there: one of io_uring may be. */
static void unknown_index(struct task *task, int error)
{
	if (!opt.fallback)
		finish(task, error);
	else if (task->trapped)
		give_to_kernel(task);
	else if (!regs_set(task, &task->saved))
		resume(task, 0);
}

/* Does the thread have a slot? If not the call will trap again, or is over. */
static bool has_slot(struct task *task)
{
	int ret;

	if (slot_get(task))
		return true;
	ret = inject_begin(task);
	if (!ret)
		ret = inject_region(task);
	if (!ret)
		inject_again(task);
	else if (ret != -ESRCH)
		inject_end(task, ret);
	return false;
}

/* Make the ioctl that stands for the call, in the call's place. */
static void make_ioctl(struct task *task, enum call_kind kind, int fd,
		       unsigned int command, const void *argument, size_t len)
{
	struct user_regs_struct regs = task->saved;
	int ret;

	if (!has_slot(task))
		return;
	ret = memory_write(task, task->slot, argument, len);
	if (ret) {
		if (ret != -ESRCH)
			finish(task, ret);
		return;
	}
	regs.rdi = fd;
	regs.rsi = command;
	regs.rdx = task->slot;
	task->call_fd = fd;
	if (task->trapped) {
		make_call(task, kind, &regs, __NR_ioctl);
		return;
	}
	regs.orig_rax = __NR_ioctl;
	if (regs_set(task, &regs))
		return;
	task->call = kind;
	resume_to_exit(task);
}

/*
 * The stop on the way out is for what the program must not see of the ioctl's
 * errors, and for --stats.
 */
static void begin_enter(struct task *task, bool stop_after)
{
	const struct user_regs_struct *regs = &task->saved;
	struct ruring_enter enter = {
		.arg = regs->r8,
		.argsz = regs->r9,
		.to_submit = regs->rsi,
		.min_complete = regs->rdx,
		.flags = regs->r10,
	};
	int fd = regs->rdi;

	if (enter.flags & IORING_ENTER_REGISTERED_RING) {
		if (enter.flags & ~ENTER_FLAGS) {
			finish(task, -EINVAL);
			return;
		}
		fd = ring_fds_lookup(task, fd);
		if (fd < 0) {
			unknown_index(task, fd);
			return;
		}
		enter.flags &= ~IORING_ENTER_REGISTERED_RING;
	}
	if (!stop_after && (site_stopped(task, regs->r10 & IORING_ENTER_REGISTERED_RING) ||
			    stub_enter(task, fd)))
		return;
	if (!has_slot(task))
		return;
	if (opt.stats)
		stats_enter(task, fd, enter.to_submit);
	make_ioctl(task, CALL_ENTER, fd, RURING_IOC_ENTER, &enter,
		   sizeof(enter));
}

/* Registrations of rings are ours to keep, for rings that are ruring's. */
static void ring_fds_call(struct task *task, const struct ruring_register *reg)
{
	int ret = inject_begin(task);

	if (!ret && reg->opcode == IORING_REGISTER_RING_FDS)
		ret = ring_fds_register(task, reg->arg, reg->nr_args);
	else if (!ret)
		ret = ring_fds_unregister(task, reg->arg, reg->nr_args);
	if (ret == -ESRCH)
		return;
	if (opt.stats)
		stats_registered(reg->opcode, ret);
	inject_end(task, ret);
}

/*
 * A registration that is made in the thread's place, of a descriptor, or of the
 * device's where that is -1; with @args, of the size @size, if it is not to have the
 * program's own.
 */
static long register_injected(struct task *task, int fd, struct ruring_register reg,
			      const void *args, size_t size)
{
	long ret, dev = -1, err;
	__u64 argument;

	ret = inject_begin_with_region(task);
	if (ret)
		return ret;
	if (fd < 0) {
		dev = pass_fd(task, device_fd);
		if (dev < 0)
			return dev;
		fd = dev;
	}
	argument = task->space->regions->address + INJECT_ARGUMENT;
	if (args) {
		reg.arg = argument + sizeof(reg);
		ret = memory_write(task, reg.arg, args, size);
	}
	if (!ret)
		ret = memory_write(task, argument, &reg, sizeof(reg));
	if (!ret)
		ret = inject(task, __NR_ioctl, fd, RURING_IOC_REGISTER,
			     argument, 0, 0, 0);
	if (ret == -ESRCH || dev < 0)
		return ret;
	err = inject(task, __NR_close, dev, 0, 0, 0, 0, 0);
	return err == -ESRCH ? err : ret;
}

static void end_injected(struct task *task, unsigned int opcode, long ret)
{
	if (ret == -ESRCH)
		return;
	if (opt.stats)
		stats_registered(opcode, ret);
	inject_end(task, ret);
}

/* Are buffers to be cloned from a ring that has an index? Then these are the @args. */
static bool clones_registered(const struct task *task,
			      const struct ruring_register *reg,
			      struct io_uring_clone_buffers *args)
{
	return reg->opcode == IORING_REGISTER_CLONE_BUFFERS &&
	       reg->nr_args == 1 &&
	       !memory_read(task, reg->arg, args, sizeof(*args)) &&
	       args->flags & IORING_REGISTER_SRC_REGISTERED;
}

/* Ruring is told the descriptor of that ring. */
static long clone_registered(struct task *task, int fd, const struct ruring_register *reg,
			     struct io_uring_clone_buffers *args)
{
	int src = ring_fds_lookup(task, args->src_fd);

	if (src >= 0) {
		args->src_fd = src;
		args->flags &= ~IORING_REGISTER_SRC_REGISTERED;
	}
	/* Else ruring refuses the flag. */
	return register_injected(task, fd, *reg, args, sizeof(*args));
}

/* So many may stop: most programs make a few when they begin, which rewriting would cost more than. */
#define FEW_REGISTRATIONS	3

/*
 * @judged: it comes from instructions that have made the call in vain.
 */
static void begin_register(struct task *task, bool judged)
{
	const struct user_regs_struct *regs = &task->saved;
	struct ruring_register reg = {
		.arg = regs->rdx,
		.opcode = regs->rsi,
		.nr_args = regs->r10,
	};
	bool registered = reg.opcode & IORING_REGISTER_USE_REGISTERED_RING;
	struct io_uring_clone_buffers clone;
	int fd = regs->rdi;

	reg.opcode &= ~IORING_REGISTER_USE_REGISTERED_RING;
	if (reg.opcode >= IORING_REGISTER_LAST) {
		finish(task, -EINVAL);
		return;
	}
	if (!judged && !opt.stats && ++task->space->registrations > FEW_REGISTRATIONS &&
	    site_stopped(task, registered))
		return;
	if (!registered && fd == -1) {
		end_injected(task, reg.opcode,
			     register_injected(task, -1, reg, NULL, 0));
		return;
	}
	if (registered) {
		fd = ring_fds_lookup(task, fd);
		if (fd < 0) {
			unknown_index(task, fd);
			return;
		}
	}
	if ((reg.opcode == IORING_REGISTER_RING_FDS ||
	     reg.opcode == IORING_UNREGISTER_RING_FDS) &&
	    fd_is(task, fd, "[ruring]")) {
		ring_fds_call(task, &reg);
		return;
	}
	if (clones_registered(task, &reg, &clone) && fd_is(task, fd, "[ruring]")) {
		end_injected(task, reg.opcode,
			     clone_registered(task, fd, &reg, &clone));
		return;
	}
	task->call_opcode = reg.opcode;
	make_ioctl(task, CALL_REGISTER, fd, RURING_IOC_REGISTER, &reg,
		   sizeof(reg));
}

/*
 * Is the ring to have an index instead of a descriptor? Then its @params are
 * read, and what is asked of ruring is a ring like any other.
 */
static bool registered_only(const struct task *task,
			    struct io_uring_params *params)
{
	if (memory_read(task, task->saved.rsi, params, sizeof(*params)) ||
	    !(params->flags & IORING_SETUP_REGISTERED_FD_ONLY) ||
	    !(params->flags & IORING_SETUP_NO_MMAP))
		return false;
	params->flags &= ~IORING_SETUP_REGISTERED_FD_ONLY;
	return true;
}

/*
 * Tell the program of the ring that was made as the params at @made say, which
 * knows nothing of @flags. That registrations take an index is the tracer's.
 */
static long tell_params(struct task *task, __u64 made, __u32 flags)
{
	struct io_uring_params params;
	long ret = memory_read(task, made, &params, sizeof(params));

	params.flags |= flags;
	params.features |= IORING_FEAT_REG_REG_RING;
	return ret ? ret : memory_write(task, task->saved.rsi, &params,
					sizeof(params));
}

/* Turn the descriptor @ring into an index, and tell the program of its ring. */
static long keep_registered(struct task *task, int ring, __u64 made)
{
	long ret, err;

	ret = tell_params(task, made, IORING_SETUP_REGISTERED_FD_ONLY);
	if (!ret)
		ret = ring_fds_add(task, ring);
	if (ret == -ESRCH)
		return ret;
	err = inject(task, __NR_close, ring, 0, 0, 0, 0, 0);
	return err == -ESRCH ? err : ret;
}

/*
 * The thread's descriptor of the device, where one was kept, which the program may have closed. It is for who makes
 * one ring after the other: the first one is made without.
 */
static int kept_device(const struct task *task)
{
	return task->files->device && is_device(task, task->files->device) ?
		task->files->device : -1;
}

/* The thread is done with its descriptor @dev of the device: -ESRCH or 0. */
static long put_device(struct task *task, int dev)
{
	long kept = 0;

	if (dev == task->files->device)
		return 0;
	if (task->files->setups++)
		kept = inject(task, __NR_fcntl, dev, F_DUPFD_CLOEXEC, DUP_FROM, 0, 0, 0);
	if (kept > 0)
		task->files->device = kept;
	return kept == -ESRCH || inject(task, __NR_close, dev, 0, 0, 0, 0, 0) == -ESRCH ?
		-ESRCH : 0;
}

/* io_uring_setup(): the ring's descriptor or index, or an error. */
static long set_up(struct task *task)
{
	struct ruring_setup setup = {
		.params = task->saved.rsi,
		.entries = task->saved.rdi,
	};
	struct io_uring_params params;
	bool registered = registered_only(task, &params);
	long ret, dev = kept_device(task);
	__u64 argument;

	ret = inject_begin_with_region(task);
	if (ret)
		return ret;

	if (dev < 0)
		dev = pass_fd(task, device_fd);
	if (dev < 0)
		return dev;
	argument = task->space->regions->address + INJECT_ARGUMENT;
	if (registered)
		setup.params = argument + sizeof(setup);
	ret = memory_write(task, argument, &setup, sizeof(setup));
	if (!ret && registered)
		ret = memory_write(task, setup.params, &params, sizeof(params));
	if (!ret)
		ret = inject(task, __NR_ioctl, dev, RURING_IOC_SETUP, argument,
			     0, 0, 0);
	if (ret == -ESRCH || put_device(task, dev) == -ESRCH)
		return -ESRCH;
	if (ret < 0)
		return ret;
	if (registered)
		return keep_registered(task, ret, setup.params);
	return tell_params(task, setup.params, 0) == -ESRCH ? -ESRCH : ret;
}

static void begin_setup(struct task *task)
{
	long ret = set_up(task);

	if (ret == -ESRCH)
		return;
	if (opt.stats)
		stats_setup(task, ret);
	if (ret >= 0)
		task->has_context = true;
	if (ret == -EINVAL && opt.fallback) {
		if (!inject_leave(task))
			give_to_kernel(task);
		return;
	}
	inject_end(task, ret);
}

void call_begin(struct task *task, bool trapped)
{
	struct user_regs_struct regs;
	unsigned long nr;
	int ret;

	if (regs_get(task, &regs))
		return;
	task->trapped = trapped;
	if (trapped)
		filter_restore_mask(task);
	if (stub_judges(task, &regs)) {
		if (task->saved.orig_rax == __NR_io_uring_register)
			begin_register(task, true);
		else
			begin_enter(task, true);
		return;
	}
	/* It may come from the instructions of a rewritten site. */
	site_leave(task, &regs);
	task->saved = regs;
	if (regs.orig_rax == __NR_seccomp || regs.orig_rax == __NR_prctl) {
		filter_installed(task);
		return;
	}
	if (task->files->nr_stale) {
		ret = ring_fds_close_stale(task);
		if (ret != -ESRCH)
			inject_again(task);
		return;
	}
	nr = task->saved.orig_rax & ~X32_SYSCALL_BIT;
	switch (nr) {
	case __NR_io_uring_setup:
		begin_setup(task);
		break;
	case __NR_io_uring_enter:
		begin_enter(task, opt.stats);
		break;
	case __NR_io_uring_register:
		begin_register(task, false);
		break;
	default:
		/* For a tracer that the program's own filter expects. */
		finish(task, -ENOSYS);
	}
}

/* What io_uring says to a descriptor that is no ring, or none at all. */
static long judge_descriptor(const struct task *task, long result)
{
	if (task->call == CALL_ENTER && task->saved.r10 & ~(__u64)ENTER_FLAGS)
		return -EINVAL;
	return result == -ENOTTY ? -EOPNOTSUPP : result;
}

static void call_end(struct task *task)
{
	long result;

	errno = 0;
	result = ptrace(PTRACE_PEEKUSER, task->tid,
			offsetof(struct user_regs_struct, rax), NULL);
	if (errno)
		return;
	if (opt.stats && task->call == CALL_ENTER)
		stats_entered(task, result);
	else if (opt.stats && task->call == CALL_REGISTER)
		stats_registered(task->call_opcode, result);

	if (task->call == CALL_NATIVE) {
		give_result(task, result);
	} else if (result == -ENOTTY &&
		   fd_is(task, task->call_fd, "[io_uring]")) {
		give_to_kernel(task);
		return;
	} else if (result == -ENOTTY ||
		   (result == -EBADF &&
		    !fd_is(task, task->call_fd, "[ruring]"))) {
		give_result(task, judge_descriptor(task, result));
	} else {
		give_result(task, result);
	}
	task->call = CALL_NONE;
}

void call_border(struct task *task)
{
	if (task->call == CALL_NONE) {
		resume(task, 0);
	} else if (task->at_entry) {
		task->at_entry = false;
		resume_to_exit(task);
	} else {
		call_end(task);
	}
}

void call_put_off(struct task *task)
{
	struct user_regs_struct regs = task->saved;

	if (task->call == CALL_NONE || !task->at_entry)
		return;
	if (opt.stats && task->call == CALL_ENTER)
		stats_entered(task, -EINTR);
	task->call = CALL_NONE;
	task->at_entry = false;
	regs.rip -= SYSCALL_INSN_SIZE;
	regs.rax = regs.orig_rax;
	regs.orig_rax = -1;
	regs_set(task, &regs);
}
