// SPDX-License-Identifier: GPL-2.0
/*
 * A TCP echo server on epoll, which is what a program has where io_uring is
 * denied: edge-triggered, as epoll(7) recommends, accept4(2) and recv(2) until
 * they say EAGAIN, and one buffer for all connections.
 *
 *	epoll-server --port 7000
 *
 * It says "ready port=<port>" once it listens. SIGINT or SIGTERM ends it; it
 * then prints one line of statistics as echo-server does.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "args.h"
#include "listener.h"

#define BUF_SIZE	65536
#define EVENTS		256

struct stats {
	unsigned long long connections;
	unsigned long long messages;	/* calls of recv(2) with data */
	unsigned long long bytes;
	unsigned long long calls;	/* system calls for events and data */
	unsigned long long errors;
};

/* What a connection could not send yet; while there is some, nothing is received. */
struct conn {
	int fd;
	bool ending;			/* the other side sends no more */
	unsigned int len;
	unsigned int sent;
	unsigned char *unsent;
};

static struct stats stats;
static unsigned char buf[BUF_SIZE];

static const char usage[] =
"usage: epoll-server [--port N]\n"
"  --port N         TCP port on the loopback; 0, the default: any free one\n";

static unsigned int parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "port",	required_argument, NULL, 'p' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	unsigned int port = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p') {
			port = arg_number("port", optarg, 0, 65535);
		} else {
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	if (optind < argc)
		errx(1, "unexpected argument '%s'", argv[optind]);
	return port;
}

static void failed(const char *what)
{
	if (++stats.errors <= 10)
		warn("%s", what);
}

static void watch(int epoll, int fd, void *what, unsigned int events)
{
	struct epoll_event event = { .events = events, .data.ptr = what };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		err(1, "epoll_ctl");
}

static void end(struct conn *conn)
{
	close(conn->fd);
	free(conn->unsent);
	free(conn);
}

static void accept_all(int epoll, int listener)
{
	struct conn *conn;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		conn = calloc(1, sizeof(*conn));
		if (!conn)
			errx(1, "out of memory");
		conn->fd = fd;
		stats.connections++;
		watch(epoll, fd, conn, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		failed("accept");
}

/* Send what is at @data: 1 all, 0 as much as the socket took, -1 on failure. */
static int send_some(struct conn *conn, const unsigned char *data, size_t len, size_t *sent)
{
	ssize_t n;

	for (*sent = 0; *sent < len; *sent += n) {
		stats.calls++;
		n = send(conn->fd, data + *sent, len - *sent, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
	}
	return 1;
}

/* What was left over last time: as send_some(). */
static int send_unsent(struct conn *conn)
{
	size_t sent;
	int ret;

	if (!conn->unsent)
		return 1;
	ret = send_some(conn, conn->unsent + conn->sent, conn->len - conn->sent, &sent);
	conn->sent += sent;
	if (ret == 1) {
		free(conn->unsent);
		conn->unsent = NULL;
	}
	return ret;
}

static void keep_unsent(struct conn *conn, size_t len, size_t sent)
{
	conn->len = len - sent;
	conn->sent = 0;
	conn->unsent = malloc(conn->len);
	if (!conn->unsent)
		errx(1, "out of memory");
	memcpy(conn->unsent, buf + sent, conn->len);
}

/*
 * Echo all there is. A stream that gave less than was asked for has no more now,
 * and the next byte is another event, see epoll(7); but its end is none.
 * Returns false if the connection is over.
 */
static bool echo(struct conn *conn)
{
	size_t sent;
	ssize_t n;
	int ret;

	ret = send_unsent(conn);
	while (ret == 1) {
		stats.calls++;
		n = recv(conn->fd, buf, sizeof(buf), 0);
		if (n == 0)
			return false;
		if (n < 0) {
			if (errno == EAGAIN)
				return true;
			failed("recv");
			return false;
		}
		stats.messages++;
		stats.bytes += n;
		ret = send_some(conn, buf, n, &sent);
		if (ret == 0)
			keep_unsent(conn, n, sent);
		if (ret == 1 && n < (ssize_t)sizeof(buf) && !conn->ending)
			return true;
	}
	if (ret < 0)
		failed("send");
	return ret == 0;
}

int main(int argc, char **argv)
{
	unsigned int port = parse_options(argc, argv);
	struct epoll_event events[EVENTS];
	int epoll, listener, signals, i, n;
	bool stopping = false;

	raise_file_limit();
	signals = open_signals();
	listener = open_listener(&port, SOCK_NONBLOCK);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		err(1, "epoll_create1");
	watch(epoll, listener, &listener, EPOLLIN | EPOLLET);
	watch(epoll, signals, &signals, EPOLLIN);
	printf("ready port=%u\n", port);
	fflush(stdout);

	while (!stopping) {
		stats.calls++;
		n = epoll_wait(epoll, events, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			err(1, "epoll_wait");
		for (i = 0; i < n; i++) {
			struct conn *conn = events[i].data.ptr;

			if (events[i].data.ptr == &signals)
				stopping = true;
			else if (events[i].data.ptr == &listener)
				accept_all(epoll, listener);
			else {
				if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
					conn->ending = true;
				if (!echo(conn))
					end(conn);
			}
		}
	}
	printf("server backend=epoll connections=%llu messages=%llu bytes=%llu enters=%llu errors=%llu\n",
	       stats.connections, stats.messages, stats.bytes, stats.calls, stats.errors);
	return stats.errors ? 1 : 0;
}
