// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets for tests.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "ring.h"

int unix_pair(int type, int sv[2])
{
	return socketpair(AF_UNIX, type, 0, sv) ? -errno : 0;
}

static int bound_socket(int type, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd;

	memset(addr, 0, sizeof(*addr));
	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);

	fd = socket(AF_INET, type, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)addr, sizeof(*addr)) ||
	    getsockname(fd, (struct sockaddr *)addr, &len)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int tcp_listen(struct sockaddr_in *addr)
{
	int fd = bound_socket(SOCK_STREAM, addr);

	if (fd >= 0 && listen(fd, 128)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int tcp_connect(const struct sockaddr_in *addr)
{
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr))) {
		int err = -errno;

		close(fd);
		return err;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

int tcp_pair(int sv[2])
{
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr);

	if (listener < 0)
		return listener;
	sv[0] = tcp_connect(&addr);
	if (sv[0] < 0) {
		close(listener);
		return sv[0];
	}
	sv[1] = accept(listener, NULL, NULL);
	close(listener);
	if (sv[1] < 0) {
		int err = -errno;

		close(sv[0]);
		return err;
	}
	return 0;
}

int udp_socket(struct sockaddr_in *addr)
{
	return bound_socket(SOCK_DGRAM, addr);
}

ssize_t fill_socket(int fd)
{
	static const char zeroes[4096];
	ssize_t sum = 0;

	for (;;) {
		ssize_t ret = send(fd, zeroes, sizeof(zeroes),
				   MSG_DONTWAIT | MSG_NOSIGNAL);

		if (ret <= 0)
			return errno == EAGAIN ? sum : -errno;
		sum += ret;
	}
}

ssize_t drain_socket(int fd)
{
	char buf[4096];
	ssize_t sum = 0;

	for (;;) {
		ssize_t ret = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (ret == 0 || (ret < 0 && errno == EAGAIN))
			return sum;
		if (ret < 0)
			return -errno;
		sum += ret;
	}
}

int tcp_reset(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		return -errno;
	return close(fd) ? -errno : 0;
}

bool fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

int next_fd(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}
