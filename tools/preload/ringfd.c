// SPDX-License-Identifier: GPL-2.0
/*
 * Registered ring descriptors.
 *
 * A thread may register rings and from then on name them by an index; the ring
 * stays even if its descriptor is closed. Here a registered ring gets a second
 * descriptor, out of the way of the program's own, which closes on exec as the
 * registration does. A child has none of its own; what other threads than the one
 * that it comes from have registered stays open in it.
 */
#include <linux/fcntl.h>
#include <errno.h>
#include <sys/syscall.h>
#include <linux/io_uring.h>

#include "preload.h"

/* As many as IORING_REGISTER_RING_FDS takes. */
#define RING_FDS	16

/* The descriptor and one, so that nothing is all zeroes. */
static __thread int ring_fds[RING_FDS]
	__attribute__((tls_model("initial-exec")));
static __thread bool has_context __attribute__((tls_model("initial-exec")));
static __thread bool has_cleanup __attribute__((tls_model("initial-exec")));

void ring_fds_begin(void)
{
	has_context = true;
}

long ring_fds_lookup(unsigned int index)
{
	if (!has_context || index >= RING_FDS)
		return -EINVAL;
	return ring_fds[index] ? ring_fds[index] - 1 : -EBADF;
}

static void forget(unsigned int index)
{
	int fd = ring_fds[index] - 1;

	ring_fds[index] = 0;
	/* The program may have closed it, and opened something else. */
	if (fd >= 0 && fd_is(fd, "[ruring]"))
		raw_call(__NR_close, fd, 0, 0, 0, 0, 0);
}

static void clean_up(void *unused)
{
	unsigned int index;

	(void)unused;
	for (index = 0; index < RING_FDS; index++)
		forget(index);
}

static void clean_up_child(void)
{
	clean_up(NULL);
	has_context = false;
}

/* The registrations end with their thread, and a child has none. */
static void clean_up_later(void)
{
	static bool is_told;
	static char here;

	if (__cxa_thread_atexit_impl && !has_cleanup)
		has_cleanup = !__cxa_thread_atexit_impl(clean_up, NULL, &here);
	if (!__register_atfork || is_told)
		return;
	if (!__atomic_exchange_n(&is_told, true, __ATOMIC_RELAXED))
		__register_atfork(NULL, NULL, clean_up_child, &here);
}

static long put(int fd, unsigned int from, unsigned int to)
{
	unsigned int index;
	long dup;

	for (index = from; index < to && ring_fds[index]; index++)
		;
	if (index == to)
		return -EBUSY;
	if (!fd_is(fd, "[ruring]")) {
		dup = raw_call(__NR_fcntl, fd, F_GETFD, 0, 0, 0, 0);
		return dup < 0 ? dup : -EOPNOTSUPP;
	}
	dup = raw_call(__NR_fcntl, fd, F_DUPFD_CLOEXEC, HIGH_FD, 0, 0, 0);
	/* Where there are so few, any. */
	if (dup == -EINVAL)
		dup = raw_call(__NR_fcntl, fd, F_DUPFD_CLOEXEC, 0, 0, 0, 0);
	if (dup < 0)
		return dup;
	clean_up_later();
	ring_fds[index] = dup + 1;
	return index;
}

long ring_fds_add(int fd)
{
	return put(fd, 0, RING_FDS);
}

static long register_one(struct io_uring_rsrc_update *program)
{
	struct io_uring_rsrc_update update;
	unsigned int from = 0, to = RING_FDS;
	long ret;

	ret = copy(&update, program, sizeof(update), false);
	if (ret)
		return ret;
	if (update.resv || (update.offset != ~0U && update.offset >= RING_FDS))
		return -EINVAL;
	if (update.offset != ~0U) {
		from = update.offset;
		to = from + 1;
	}
	ret = put(update.data, from, to);
	if (ret < 0)
		return ret;
	update.offset = ret;
	ret = copy(program, &update, sizeof(update), true);
	if (ret)
		forget(update.offset);
	return ret;
}

static long unregister_one(struct io_uring_rsrc_update *program)
{
	struct io_uring_rsrc_update update;
	long ret;

	ret = copy(&update, program, sizeof(update), false);
	if (ret)
		return ret;
	if (update.resv || update.data || update.offset >= RING_FDS)
		return -EINVAL;
	forget(update.offset);
	return 0;
}

/* As many as there are, until one fails: how many were done, or why none. */
static long for_each(long arg, unsigned int nr,
		     long (*one)(struct io_uring_rsrc_update *program))
{
	struct io_uring_rsrc_update *updates = (void *)arg;
	unsigned int i;
	long ret;

	if (!nr || nr > RING_FDS)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		ret = one(&updates[i]);
		if (ret)
			return i ? i : ret;
	}
	return nr;
}

long ring_fds_register(long arg, unsigned int nr)
{
	ring_fds_begin();
	return for_each(arg, nr, register_one);
}

long ring_fds_unregister(long arg, unsigned int nr)
{
	return for_each(arg, nr, unregister_one);
}
