// SPDX-License-Identifier: GPL-2.0
/* Sockets for the rows. */
#include <stdlib.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "bench.h"

unsigned char bench_memory[1 << 20] = { 1 };

void bench_set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		err(1, "setsockopt %d %d", level, name);
}

struct sockaddr_in bench_address(in_port_t port)
{
	return (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

int bench_socket(int type, in_port_t port)
{
	struct sockaddr_in address = bench_address(port);
	int fd = socket(AF_INET, type, 0);

	if (fd < 0)
		err(1, "socket");
	bench_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	/* Room for a burst. Listeners hand it on. */
	bench_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20);
	bench_set(fd, SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20);
	if (type == SOCK_STREAM)
		bench_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		err(1, "bind to port %u", port);
	return fd;
}

/* Fixed ports: what the kernel hashes should not vary more than it must. */
in_port_t bench_next_port = 20000;

static void connect_to(int fd, in_port_t port)
{
	struct sockaddr_in address = bench_address(port);

	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		err(1, "connect");
}

static void tcp_pair(int fds[2])
{
	in_port_t port = bench_next_port;
	int listener;

	bench_next_port += 2;
	listener = bench_socket(SOCK_STREAM, port);
	if (listen(listener, 8))
		err(1, "listen");
	fds[1] = bench_socket(SOCK_STREAM, port + 1);
	connect_to(fds[1], port);
	fds[0] = accept(listener, NULL, NULL);
	if (fds[0] < 0)
		err(1, "accept");
	close(listener);
}

static void udp_pair(int fds[2])
{
	in_port_t port = bench_next_port;

	bench_next_port += 2;
	fds[0] = bench_socket(SOCK_DGRAM, port);
	fds[1] = bench_socket(SOCK_DGRAM, port + 1);
	connect_to(fds[0], port + 1);
	connect_to(fds[1], port);
}

static void unix_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		err(1, "socketpair");
	bench_set(fds[1], SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20);
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

void bench_room(const int fds[2], size_t bytes)
{
	bench_set(fds[0], SOL_SOCKET, SO_RCVBUFFORCE, 4 * bytes);
	bench_set(fds[1], SOL_SOCKET, SO_SNDBUFFORCE, 4 * bytes);
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
