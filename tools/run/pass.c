// SPDX-License-Identifier: GPL-2.0
/*
 * Passing a descriptor of the tracer's to a thread.
 *
 * It travels over sockets, because that works whatever name spaces, root directory
 * and rights the program has. It does not become the lowest free one: that is the
 * socket's, and free again at the end, for the ring to take.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "run.h"

#define PIDFD_THREAD	O_EXCL

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

/* Send @fd through @socket of ours. */
static int post(int socket, int fd)
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

	memcpy(CMSG_DATA(&box.control.header), &fd, sizeof(fd));
	return sendmsg(socket, &box.msg, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 ?
		0 : -errno;
}

/* Have the thread take a descriptor from its socket @socket. */
static long fetch(struct task *task, int socket)
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

/* Over a pair of the thread's, of which we take the other end. */
static long pass_by_pair(struct task *task, int fd)
{
	__u64 at = task->space->regions->address;
	int sockets[2], pidfd, ours = -1;
	long ret, err;

	ret = inject(task, __NR_socketpair, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC,
		     0, at, 0, 0);
	if (ret < 0)
		return ret;
	ret = memory_read(task, at, sockets, sizeof(sockets));
	if (!ret) {
		pidfd = syscall(__NR_pidfd_open, task->tid, PIDFD_THREAD);
		if (pidfd >= 0)
			ours = syscall(__NR_pidfd_getfd, pidfd, sockets[1], 0);
		ret = ours < 0 ? -ENOSYS : post(ours, fd);
		close(pidfd);
		close(ours);
	}
	if (!ret)
		ret = fetch(task, sockets[0]);
	err = inject(task, __NR_close, sockets[0], 0, 0, 0, 0, 0);
	if (err != -ESRCH)
		err = inject(task, __NR_close, sockets[1], 0, 0, 0, 0, 0);
	return err == -ESRCH ? err : ret;
}

/* Where threads connect to that cannot be reached otherwise. */
static int listener = -1;
static struct sockaddr_un name;
static socklen_t name_len;

static int start_listening(void)
{
	/* The kernel chooses a name that nobody else has. */
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	if (listener >= 0)
		return 0;
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
			  SOCK_NONBLOCK, 0);
	name_len = sizeof(name);
	if (listener >= 0 &&
	    !bind(listener, (void *)&any, sizeof(any.sun_family)) &&
	    !listen(listener, 64) &&
	    !getsockname(listener, (void *)&name, &name_len))
		return 0;
	close(listener);
	listener = -1;
	return -EPERM;
}

static pid_t process_of(const struct task *task)
{
	char path[64], line[128];
	pid_t pid = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", task->tid);
	file = fopen(path, "re");
	if (!file)
		return pid;
	while (pid < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "Tgid: %d", &pid);
	fclose(file);
	return pid;
}

/* The other end of what the thread has connected, among whatever else has. */
static int accept_from(const struct task *task)
{
	pid_t pid = process_of(task);
	struct ucred peer;
	socklen_t len;
	int fd;

	for (;;) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return -errno;
		len = sizeof(peer);
		if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
		    peer.pid == pid)
			return fd;
		close(fd);
	}
}

/*
 * Over a socket by which the thread connects to us, if we may not take a descriptor
 * of its. It has to be in our network name space.
 */
static long pass_by_name(struct task *task, int fd)
{
	__u64 at = task->space->regions->address;
	long socket, ret, err;
	int ours;

	ret = start_listening();
	if (!ret)
		ret = memory_write(task, at, &name, sizeof(name));
	if (ret)
		return ret;
	socket = inject(task, __NR_socket, AF_UNIX, SOCK_SEQPACKET |
			SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0, 0, 0);
	if (socket < 0)
		return socket;
	ret = inject(task, __NR_connect, socket, at, name_len, 0, 0, 0);
	if (!ret) {
		ours = accept_from(task);
		ret = ours < 0 ? ours : post(ours, fd);
		close(ours);
	}
	if (!ret)
		ret = fetch(task, socket);
	if (ret == -ESRCH)
		return ret;
	err = inject(task, __NR_close, socket, 0, 0, 0, 0, 0);
	return err == -ESRCH ? err : ret;
}

long pass_fd(struct task *task, int fd)
{
	static bool by_name;
	long ret = -ENOSYS;

	if (!by_name)
		ret = pass_by_pair(task, fd);
	if (ret != -ENOSYS)
		return ret;
	/* Whoever forbids it forbids it for good. */
	by_name = true;
	return pass_by_name(task, fd);
}
