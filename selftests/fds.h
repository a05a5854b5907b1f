/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Descriptors that are passed on over a UNIX socket.
 */
#ifndef SELFTESTS_FDS_H
#define SELFTESTS_FDS_H

#include "check.h"

/* A byte with room for one descriptor. */
struct fd_message {
	char control[CMSG_SPACE(sizeof(int))];
	char byte;
	struct iovec iov;
	struct msghdr msg;
};

static inline struct msghdr *fd_message(struct fd_message *m)
{
	*m = (struct fd_message){
		.iov = { &m->byte, 1 },
		.msg = {
			.msg_iov = &m->iov,
			.msg_iovlen = 1,
			.msg_control = m->control,
			.msg_controllen = sizeof(m->control),
		},
	};
	return &m->msg;
}

static inline int send_fd(int sock, int fd)
{
	struct fd_message m;
	struct msghdr *msg = fd_message(&m);
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, msg, 0) == 1 ? 0 : -errno;
}

static inline int recv_fd(int sock)
{
	struct fd_message m;
	struct msghdr *msg = fd_message(&m);
	struct cmsghdr *cmsg;
	int fd;

	if (recvmsg(sock, msg, 0) != 1)
		return -errno;
	cmsg = CMSG_FIRSTHDR(msg);
	if (!cmsg)
		return -ENODATA;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

#endif /* SELFTESTS_FDS_H */
