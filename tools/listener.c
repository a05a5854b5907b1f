// SPDX-License-Identifier: GPL-2.0
/*
 * What the echo servers have in common, whatever tells them of events.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "listener.h"

unsigned long raise_file_limit(void)
{
	FILE *nr_open = fopen("/proc/sys/fs/nr_open", "re");
	struct rlimit limit;
	unsigned long most;

	if (nr_open) {
		if (fscanf(nr_open, "%lu", &most) == 1) {
			limit.rlim_cur = most;
			limit.rlim_max = most;
			/* Refused without the capability, and then this is all. */
			setrlimit(RLIMIT_NOFILE, &limit);
		}
		fclose(nr_open);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit))
		err(1, "getrlimit");
	if (limit.rlim_cur != limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit))
			err(1, "setrlimit");
	}
	return limit.rlim_cur;
}

int open_listener(unsigned int *port, int flags)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(*port),
	};
	socklen_t len = sizeof(addr);
	int fd, one = 1;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* Accepted sockets inherit it. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		err(1, "bind to port %u", *port);
	if (listen(fd, 4096))
		err(1, "listen");
	if (getsockname(fd, (struct sockaddr *)&addr, &len))
		err(1, "getsockname");
	*port = ntohs(addr.sin_port);
	return fd;
}

int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		err(1, "signalfd");
	return fd;
}
