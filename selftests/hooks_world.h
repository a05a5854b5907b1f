/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the requests work on of which the hooks are counted.
 */
#ifndef SELFTESTS_HOOKS_WORLD_H
#define SELFTESTS_HOOKS_WORLD_H

#include <sys/un.h>

#include "ring.h"

/* What is called from here on is counted, or is not. */
void count(bool on);

/* What there is to work on. */
struct world {
	struct ring *ring;
	int listener, tcp[2], udp[2], pipe[2], other_pipe[2], file, named, epoll;
	/* new each time */
	int free, unnamed, again;
	struct sockaddr_in addr;
	struct sockaddr_un path;
	char buf[64];
	struct iovec iov;
	struct msghdr msg;
	struct __kernel_timespec ts;
	int fds[1], ends[2];
	socklen_t len;
	struct sockaddr_storage name;
	struct ring other;
};

#define SOCK_FILE	"build/hooks.sock"
#define NEW_FILE	"build/hooks.new"

#endif /* SELFTESTS_HOOKS_WORLD_H */
