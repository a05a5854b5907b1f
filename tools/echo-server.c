// SPDX-License-Identifier: GPL-2.0
/*
 * A TCP echo server on one ring, of ruring or of io_uring: multishot accept,
 * and for each connection a multishot receive that picks its buffers from one
 * group shared by all.
 *
 *	echo-server --backend ruring --port 7000
 *
 * It says "ready port=<port>" once it listens. SIGINT or SIGTERM ends it; it
 * then prints one line of statistics as key=value pairs. The exit status is 0
 * if no operation failed.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#include "args.h"
#include "echo.h"
#include "listener.h"

#define BUFFER_GROUP	7
#define CQ_ENTRIES	4096

struct options {
	enum ring_backend backend;
	unsigned int port;
	unsigned int bufs;
	unsigned int buf_size;
	unsigned int entries;
};

static const char usage[] =
"usage: echo-server [OPTION]...\n"
"  --backend NAME   ruring (default) or io_uring\n"
"  --port N         TCP port on the loopback; 0, the default: any free one\n"
"  --bufs N         buffers in the shared group, a power of two (1024)\n"
"  --buf-size N     bytes of a buffer (2048)\n"
"  --entries N      submission queue entries (256)\n";

static void parse_options(struct options *opt, int argc, char **argv)
{
	static const struct option options[] = {
		{ "backend",	required_argument, NULL, 'b' },
		{ "port",	required_argument, NULL, 'p' },
		{ "bufs",	required_argument, NULL, 'n' },
		{ "buf-size",	required_argument, NULL, 's' },
		{ "entries",	required_argument, NULL, 'e' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			opt->backend = arg_backend(optarg);
			break;
		case 'p':
			opt->port = arg_number("port", optarg, 0, 65535);
			break;
		case 'n':
			opt->bufs = arg_number("bufs", optarg, 1, 32768);
			if (opt->bufs & (opt->bufs - 1))
				errx(1, "--bufs: %u is not a power of two",
				     opt->bufs);
			break;
		case 's':
			opt->buf_size = arg_number("buf-size", optarg, 1,
						   1 << 20);
			break;
		case 'e':
			opt->entries = arg_number("entries", optarg, 1, 32768);
			break;
		default:
			arg_usage(c, usage);
		}
	}
	if (optind < argc)
		errx(1, "unexpected argument '%s'", argv[optind]);
}

struct io_uring_sqe *echo_get_sqe(struct echo_server *srv)
{
	struct io_uring_sqe *sqe;
	int ret;

	while (!(sqe = ring_get_sqe(&srv->ring))) {
		ret = ring_submit_and_wait(&srv->ring, 0);
		if (ret < 0 && ret != -EINTR && ret != -EAGAIN)
			errx(1, "submit: %s", strerror(-ret));
	}
	return sqe;
}

void echo_error(struct echo_server *srv, const char *what, int err)
{
	/* The first few tell the story; a flood would hide it. */
	if (++srv->stats.errors <= 10)
		fprintf(stderr, "echo-server: %s: %s\n", what, strerror(err));
}

static void arm_accept(struct echo_server *srv)
{
	struct io_uring_sqe *sqe = echo_get_sqe(srv);

	ring_prep_accept_multishot(sqe, srv->listen_fd, SOCK_CLOEXEC);
	sqe->user_data = echo_tag(ECHO_ACCEPT, srv->listen_fd);
	srv->accepting = true;
}

static void start(struct echo_server *srv, const struct options *opt)
{
	struct io_uring_sqe *sqe;
	unsigned int i;
	int ret;

	ret = ring_init(&srv->ring, opt->backend, opt->entries, CQ_ENTRIES,
			IORING_SETUP_SINGLE_ISSUER |
			IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CLAMP);
	if (ret < 0)
		errx(1, "cannot make a ring of %s: %s",
		     ring_backend_name(opt->backend), strerror(-ret));

	ret = buf_ring_init(&srv->bufs, &srv->ring, BUFFER_GROUP, opt->bufs,
			    opt->buf_size);
	if (ret < 0)
		errx(1, "cannot register a buffer ring: %s", strerror(-ret));
	srv->bufs_free = opt->bufs;
	srv->buf = calloc(opt->bufs, sizeof(*srv->buf));
	if (!srv->buf)
		errx(1, "out of memory");
	for (i = 0; i < opt->bufs; i++)
		srv->buf[i].next = ECHO_NONE;

	arm_accept(srv);
	sqe = echo_get_sqe(srv);
	ring_prep_poll_add(sqe, srv->signal_fd, POLLIN);
	sqe->user_data = echo_tag(ECHO_SIGNAL, srv->signal_fd);
}

/* End everything in flight; the loop ends when the last of it has. */
static void stop(struct echo_server *srv)
{
	struct io_uring_sqe *sqe;
	int fd;

	srv->stopping = true;
	if (srv->accepting) {
		sqe = echo_get_sqe(srv);
		ring_prep_cancel(sqe, echo_tag(ECHO_ACCEPT, srv->listen_fd));
		sqe->user_data = echo_tag(ECHO_CANCEL, srv->listen_fd);
	}
	for (fd = 0; fd < srv->conns_size; fd++) {
		if (srv->conns[fd].open)
			echo_conn_stop(srv, fd);
	}
}

static void accepted(struct echo_server *srv, int res, unsigned int cqe_flags)
{
	if (res >= 0) {
		echo_conn_open(srv, res);
		if (srv->stopping)
			echo_conn_stop(srv, res);
	} else if (!srv->stopping) {
		echo_error(srv, "accept", -res);
	}

	if (cqe_flags & IORING_CQE_F_MORE)
		return;
	srv->accepting = false;
	if (srv->stopping)
		return;
	/* Without a free descriptor, wait until a connection closes. */
	if (res >= 0 || res == -ECONNABORTED)
		arm_accept(srv);
	else if (res != -EMFILE && res != -ENFILE)
		errx(1, "cannot accept connections");
}

static void handle(struct echo_server *srv, const struct io_uring_cqe *cqe)
{
	int fd = (int)(__u32)cqe->user_data;
	int res = cqe->res;

	srv->stats.cqes++;
	switch ((enum echo_op)(cqe->user_data >> 32)) {
	case ECHO_ACCEPT:
		accepted(srv, res, cqe->flags);
		break;
	case ECHO_RECV:
		echo_conn_received(srv, fd, res, cqe->flags);
		break;
	case ECHO_SEND:
		echo_conn_sent(srv, fd, res);
		break;
	case ECHO_CLOSE:
		if (res < 0)
			echo_error(srv, "close", -res);
		if (!srv->accepting && !srv->stopping)
			arm_accept(srv);
		break;
	case ECHO_CANCEL:
		/* Too late is fine: then the operation has ended by itself. */
		if (res < 0 && res != -ENOENT && res != -EALREADY)
			echo_error(srv, "cancel", -res);
		break;
	case ECHO_SIGNAL:
		if (res < 0)
			errx(1, "poll for signals: %s", strerror(-res));
		stop(srv);
		break;
	default:
		errx(1, "completion with unknown user_data %#llx", cqe->user_data);
	}
}

static void run(struct echo_server *srv)
{
	struct io_uring_cqe *cqe;
	int ret;

	while (!srv->stopping || srv->accepting || srv->stats.open) {
		ret = ring_submit_and_wait(&srv->ring, 1);
		if (ret < 0 && ret != -EINTR && ret != -EAGAIN)
			errx(1, "wait: %s", strerror(-ret));
		while ((cqe = ring_peek_cqe(&srv->ring))) {
			handle(srv, cqe);
			ring_seen_cqe(&srv->ring);
		}
		buf_ring_publish(&srv->bufs);
		echo_rearm_starved(srv);
	}
	/* The last connections still have to be closed. */
	ring_submit_and_wait(&srv->ring, 0);
}

static void print_stats(const struct echo_server *srv)
{
	const struct echo_stats *s = &srv->stats;
	__u64 enters = srv->ring.enters;

	printf("server backend=%s", ring_backend_name(srv->ring.backend));
	printf(" connections=%llu peak=%llu", s->connections, s->peak);
	printf(" messages=%llu bytes=%llu", s->messages, s->bytes);
	printf(" bytes_sent=%llu sends=%llu", s->bytes_sent, s->sends);
	printf(" partial_sends=%llu cqes=%llu", s->partial_sends, s->cqes);
	printf(" enters=%llu cqes_per_enter=%.2f", enters,
	       enters ? (double)s->cqes / enters : 0.0);
	printf(" recycled=%llu rearms=%llu", s->recycled, s->rearms);
	printf(" enobufs=%llu errors=%llu\n", s->enobufs, s->errors);
}

int main(int argc, char **argv)
{
	struct options opt = {
		.backend = RING_RURING,
		.bufs = 1024,
		.buf_size = 2048,
		.entries = 256,
	};
	struct echo_server srv = {
		.starved = { ECHO_NONE, ECHO_NONE },
	};

	parse_options(&opt, argc, argv);
	raise_file_limit();
	srv.signal_fd = open_signals();
	srv.listen_fd = open_listener(&opt.port, 0);
	start(&srv, &opt);

	printf("ready port=%u\n", opt.port);
	fflush(stdout);
	run(&srv);
	print_stats(&srv);

	buf_ring_exit(&srv.bufs, &srv.ring);
	ring_exit(&srv.ring);
	close(srv.listen_fd);
	close(srv.signal_fd);
	free(srv.conns);
	free(srv.buf);
	return srv.stats.errors ? 1 : 0;
}
