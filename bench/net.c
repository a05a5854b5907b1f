// SPDX-License-Identifier: GPL-2.0
/* Sockets for the rows. */
#include <stdlib.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "bench.h"

unsigned char bench_memory[1 << 20] = { 1 };

static void set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		err(1, "setsockopt %d %d", level, name);
}

/* Fixed ports: what the kernel hashes should not vary more than it must. */
static struct sockaddr_in next_address(void)
{
	static in_port_t port = 20000;

	return (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_port = htons(port++),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int open_inet(int type, const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, type, 0);

	if (fd < 0)
		err(1, "socket");
	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	/* Room for a burst. Listeners hand it on. */
	set(fd, SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20);
	set(fd, SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20);
	if (type == SOCK_STREAM)
		set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)))
		err(1, "bind");
	return fd;
}

static void connect_to(int fd, const struct sockaddr_in *address)
{
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		err(1, "connect");
}

static void tcp_pair(int fds[2])
{
	struct sockaddr_in to = next_address(), from = next_address();
	int listener = open_inet(SOCK_STREAM, &to);

	if (listen(listener, 8))
		err(1, "listen");
	fds[1] = open_inet(SOCK_STREAM, &from);
	connect_to(fds[1], &to);
	fds[0] = accept(listener, NULL, NULL);
	if (fds[0] < 0)
		err(1, "accept");
	close(listener);
}

static void udp_pair(int fds[2])
{
	struct sockaddr_in to = next_address(), from = next_address();

	fds[0] = open_inet(SOCK_DGRAM, &to);
	fds[1] = open_inet(SOCK_DGRAM, &from);
	connect_to(fds[0], &from);
	connect_to(fds[1], &to);
}

static void unix_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		err(1, "socketpair");
	set(fds[1], SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20);
}

void bench_pair(enum proto proto, int fds[2])
{
	switch (proto) {
	case TCP:
		tcp_pair(fds);
		break;
	case UDP:
		udp_pair(fds);
		break;
	case UNIX:
		unix_pair(fds);
		break;
	}
}

void bench_send(struct bench *b, enum account account, int fd, size_t size)
{
	ssize_t ret = BENCH_CALL(b, account, send(fd, bench_memory, size,
						  MSG_DONTWAIT));

	if (ret != (ssize_t)size)
		err(1, "send: %zd of %zu", ret, size);
}

void bench_recv(struct bench *b, enum account account, int fd, size_t size)
{
	ssize_t ret = BENCH_CALL(b, account, recv(fd, bench_memory, size,
						  MSG_DONTWAIT));

	if (ret != (ssize_t)size)
		err(1, "recv: %zd of %zu", ret, size);
}
