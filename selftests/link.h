/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where packets go: over the loopback device, or over the cable between the
 * two network devices of the virtual machine, which qemu/link set up.
 */
#ifndef SELFTESTS_LINK_H
#define SELFTESTS_LINK_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>

#include "check.h"

enum way {
	LOOPBACK,
	CABLE,
};

static inline bool link_exists(void)
{
	return !access("/run/netns/link0", F_OK) && !access("/run/netns/link1", F_OK);
}

/* Go to the network namespace of one end of the cable; where one came from. */
static inline int link_enter(unsigned int end)
{
	char path[32];
	int fd, old = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	snprintf(path, sizeof(path), "/run/netns/link%u", end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (old < 0 || fd < 0 || setns(fd, CLONE_NEWNET)) {
		close(old);
		old = -1;
	}
	close(fd);
	return old;
}

static inline void link_leave(int old)
{
	setns(old, CLONE_NEWNET);
	close(old);
}

/* A socket with an address at one end of @way, and that address. */
static inline int way_socket(enum way way, unsigned int end, int domain, int type,
			     struct sockaddr_storage *addr, socklen_t *len)
{
	int old = -1, fd = -1;

	if (way == CABLE) {
		old = link_enter(end);
		if (old < 0)
			return -1;
	}
	memset(addr, 0, sizeof(*addr));
	addr->ss_family = domain;
	if (domain == AF_INET) {
		struct sockaddr_in *in = (void *)addr;

		*len = sizeof(*in);
		in->sin_addr.s_addr = htonl(way == CABLE ? 0x0a000001 + end : INADDR_LOOPBACK);
	} else {
		struct sockaddr_in6 *in6 = (void *)addr;

		*len = sizeof(*in6);
		in6->sin6_addr = in6addr_loopback;
		if (way == CABLE) {
			in6->sin6_addr.s6_addr[0] = 0xfd;
			in6->sin6_addr.s6_addr[15] = 1 + end;
		}
	}
	fd = socket(domain, type, 0);
	if (fd >= 0 && (bind(fd, (void *)addr, *len) ||
			getsockname(fd, (void *)addr, len))) {
		close(fd);
		fd = -1;
	}
	if (old >= 0)
		link_leave(old);
	return fd;
}

/* Two sockets that are connected to each other, one at each end of @way. */
static inline int way_pair(enum way way, int domain, int type, int sv[2])
{
	struct sockaddr_storage addr[2];
	int fds[2] = { -1, -1 }, ret = -1, one = 1;
	socklen_t len[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		fds[i] = way_socket(way, i, domain, type, &addr[i], &len[i]);
		if (fds[i] < 0)
			goto out;
	}
	if (type == SOCK_DGRAM) {
		if (connect(fds[0], (void *)&addr[1], len[1]) ||
		    connect(fds[1], (void *)&addr[0], len[0]))
			goto out;
		sv[0] = fds[0];
		sv[1] = fds[1];
		return 0;
	}
	if (listen(fds[1], 1) || connect(fds[0], (void *)&addr[1], len[1]))
		goto out;
	sv[1] = accept(fds[1], NULL, NULL);
	if (sv[1] < 0)
		goto out;
	sv[0] = fds[0];
	setsockopt(sv[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fds[0] = -1;
	ret = 0;
out:
	for (i = 0; i < 2; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return ret;
}

#endif /* SELFTESTS_LINK_H */
