/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file of a file server that is a process of the test's: it answers what it is asked, but for one
 * thing, which it leaves without an answer or says an error to.
 */
#ifndef SELFTESTS_FUSE_H
#define SELFTESTS_FUSE_H

#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Make the file, as root. Returns what its server reads from, or a negative errno. */
static inline int fuse_mount(const char *path)
{
	char options[128];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666), ret;

	if (fd < 0)
		return -errno;
	close(fd);
	fd = open("/dev/fuse", O_RDWR);
	if (fd < 0)
		return -errno;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=100000,user_id=0,group_id=0,allow_other,default_permissions", fd);
	if (!mount("ruring", path, "fuse", MS_NOSUID | MS_NODEV, options))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static inline void fuse_unmount(const char *path)
{
	umount2(path, MNT_DETACH);
	unlink(path);
}

static inline int fuse_answer(int fd, __u64 unique, int error, const void *data, size_t len)
{
	struct { struct fuse_out_header head; char data[512]; } out = {
		.head = { .len = sizeof(out.head) + len, .error = error, .unique = unique },
	};

	memcpy(out.data, data, len);
	return write(fd, &out, out.head.len) == (ssize_t)out.head.len ? 0 : -errno;
}

/* Serve it until it is unmounted. What has the opcode @odd is answered with @error, or never if that is 0. */
static inline void fuse_serve(int fd, unsigned int odd, int error)
{
	static union { struct fuse_in_header head; char bytes[1 << 17]; } in;

	while (read(fd, &in, sizeof(in)) > 0) {
		struct fuse_init_out init = {
			.major = FUSE_KERNEL_VERSION,
			.minor = FUSE_KERNEL_MINOR_VERSION,
			.max_write = 1 << 16,
		};
		struct fuse_attr_out attr = {
			.attr = { .ino = 1, .mode = S_IFREG | 0666, .nlink = 1, .size = 1 << 20 },
		};
		struct fuse_open_out opened = {};
		__u64 unique = in.head.unique;

		if (in.head.opcode == odd) {
			if (error)
				fuse_answer(fd, unique, error, NULL, 0);
			continue;
		}
		switch (in.head.opcode) {
		case FUSE_INIT:
			fuse_answer(fd, unique, 0, &init, sizeof(init));
			break;
		case FUSE_GETATTR:
			fuse_answer(fd, unique, 0, &attr, sizeof(attr));
			break;
		case FUSE_OPEN:
			fuse_answer(fd, unique, 0, &opened, sizeof(opened));
			break;
		case FUSE_FLUSH:
		case FUSE_RELEASE:
			fuse_answer(fd, unique, 0, NULL, 0);
			break;
		case FUSE_FORGET:
		case FUSE_BATCH_FORGET:
		case FUSE_INTERRUPT:
			break;
		default:
			fuse_answer(fd, unique, -ENOSYS, NULL, 0);
		}
	}
}

#endif /* SELFTESTS_FUSE_H */
