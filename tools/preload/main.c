// SPDX-License-Identifier: GPL-2.0
/*
 * The library's start, its device and its options.
 *
 * Where the device does not open the program stays as it is. Options come by the
 * environment: RURING_FALLBACK as ruring-run's --fallback.
 */
#include <linux/fcntl.h>
#include <errno.h>
#include <sys/syscall.h>
#include <linux/ruring.h>

#include "preload.h"

bool fallback;
bool has_device;
static int device = -1;

/* What compilers call by themselves. */
HIDDEN void *memcpy(void *to, const void *from, size_t len)
{
	unsigned char *bytes = to;
	const unsigned char *other = from;

	while (len--)
		*bytes++ = *other++;
	return to;
}

HIDDEN void *memset(void *to, int value, size_t len)
{
	unsigned char *bytes = to;

	while (len--)
		*bytes++ = value;
	return to;
}

HIDDEN int memcmp(const void *one, const void *other, size_t len)
{
	const unsigned char *a = one, *b = other;

	for (; len; len--, a++, b++) {
		if (*a != *b)
			return *a - *b;
	}
	return 0;
}

void complain(const char *what)
{
	static const char name[] = "libruring: ";
	size_t len = 0;

	while (what[len])
		len++;
	raw_call(__NR_write, 2, (long)name, sizeof(name) - 1, 0, 0, 0);
	raw_call(__NR_write, 2, (long)what, len, 0, 0, 0);
	raw_call(__NR_write, 2, (long)"\n", 1, 0, 0, 0);
}

static int device_open(void)
{
	return raw_call(__NR_openat, AT_FDCWD, (long)DEVICE,
			O_RDWR | O_CLOEXEC, 0, 0, 0);
}

/* The device, open, out of the way of the program's descriptors; or not kept at all. */
static bool device_keep(void)
{
	int fd = device_open();

	if (fd < 0)
		return false;
	device = raw_call(__NR_fcntl, fd, F_DUPFD_CLOEXEC, HIGH_FD, 0, 0, 0);
	raw_call(__NR_close, fd, 0, 0, 0, 0, 0);
	return true;
}

/*
 * The program may have closed what it knows nothing of, and its descriptor may be
 * something else by now; then the device is opened for this ring.
 */
long device_setup(const void *setup)
{
	long ret = -EBADF;
	int fd;

	if (device >= 0)
		ret = raw_call(__NR_ioctl, device, RURING_IOC_SETUP,
			       (long)setup, 0, 0, 0);
	if (ret != -EBADF && ret != -ENOTTY)
		return ret;
	fd = device_open();
	if (fd < 0)
		return fd;
	ret = raw_call(__NR_ioctl, fd, RURING_IOC_SETUP, (long)setup, 0, 0, 0);
	/* The ring is to have the lowest descriptor, as with io_uring. */
	if (ret > fd) {
		raw_call(__NR_dup3, ret, fd, O_CLOEXEC, 0, 0, 0);
		raw_call(__NR_close, ret, 0, 0, 0, 0, 0);
		return fd;
	}
	raw_call(__NR_close, fd, 0, 0, 0, 0, 0);
	return ret;
}

/* A call that needs no ring. */
long device_register(const void *reg)
{
	long ret = -EBADF;
	int fd;

	if (device >= 0)
		ret = raw_call(__NR_ioctl, device, RURING_IOC_REGISTER,
			       (long)reg, 0, 0, 0);
	if (ret != -EBADF && ret != -ENOTTY)
		return ret;
	fd = device_open();
	if (fd < 0)
		return fd;
	ret = raw_call(__NR_ioctl, fd, RURING_IOC_REGISTER, (long)reg, 0, 0, 0);
	raw_call(__NR_close, fd, 0, 0, 0, 0, 0);
	return ret;
}

static bool is_set(const char *entry, const char *name)
{
	while (*name && *entry == *name) {
		entry++;
		name++;
	}
	return !*name && entry[0] == '=' && entry[1] && entry[1] != '0';
}

__attribute__((constructor))
static void start(int argc, char **argv, char **environment)
{
	(void)argc;
	(void)argv;
	entry_find_dlsym();
	for (; environment && *environment; environment++)
		fallback |= is_set(*environment, "RURING_FALLBACK");
	has_device = device_keep();
	text_rewrite();
}
