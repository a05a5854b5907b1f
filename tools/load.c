// SPDX-License-Identifier: GPL-2.0
/*
 * A load generator for echo servers that checks every byte echoed.
 *
 *	load --port 7000 --clients 100 --messages 1000 --size 64
 *
 * Progress goes to standard error, in place on a terminal and as a line every
 * few seconds elsewhere. The summary is one line of key=value pairs on
 * standard output. The exit status is 0 only if each client had everything
 * echoed, in order, right to the last byte, and nothing after it.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>

#include "args.h"
#include "listener.h"
#include "load.h"

#define NSEC_PER_SEC	1000000000ULL

/* Connections under way at a time: more than that overflow a listener's queue. */
#define CONNECTING	1024
/* Descriptors that are not clients. */
#define OTHER_FILES	16

static const char usage[] =
"usage: load --port N [OPTION]...\n"
"  --port N         TCP port on the loopback\n"
"  --clients N      connections at a time (100)\n"
"  --messages N     messages each client sends (1000)\n"
"  --size N[-M]     bytes of a message, or a range to pick from (64)\n"
"  --window N       messages a client sends ahead of their echo (8)\n"
"  --seed N         the content is the same for the same seed (1)\n"
"  --timeout N      give up after so many seconds without any echo (30)\n"
"  --terminal       show progress as on a terminal in any case\n";

struct progress {
	bool terminal;
	__u64 started;
	__u64 shown;			/* when last */
	__u64 shown_messages;		/* how many then */
};

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* "N" or "N-M" */
static void parse_size(struct load_options *opt, char *text)
{
	char *dash = strchr(text, '-');

	if (dash)
		*dash = '\0';
	opt->size_min = arg_number("size", text, 1, 1 << 24);
	opt->size_max = opt->size_min;
	if (dash)
		opt->size_max = arg_number("size", dash + 1, opt->size_min,
					   1 << 24);
}

static void parse_options(struct load_options *opt, int argc, char **argv)
{
	static const struct option options[] = {
		{ "port",	required_argument, NULL, 'p' },
		{ "clients",	required_argument, NULL, 'c' },
		{ "messages",	required_argument, NULL, 'm' },
		{ "size",	required_argument, NULL, 's' },
		{ "window",	required_argument, NULL, 'w' },
		{ "seed",	required_argument, NULL, 'r' },
		{ "timeout",	required_argument, NULL, 't' },
		{ "terminal",	no_argument,	   NULL, 'T' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			opt->port = arg_number("port", optarg, 1, 65535);
			break;
		case 'c':
			opt->clients = arg_number("clients", optarg, 1,
						  1000000);
			break;
		case 'm':
			opt->messages = arg_number("messages", optarg, 1,
						   1000000000);
			break;
		case 's':
			parse_size(opt, optarg);
			break;
		case 'w':
			opt->window = arg_number("window", optarg, 1, 1000000);
			break;
		case 'r':
			opt->seed = arg_number("seed", optarg, 0, ~0UL);
			break;
		case 't':
			opt->timeout = arg_number("timeout", optarg, 1, 86400);
			break;
		case 'T':
			opt->terminal = true;
			break;
		default:
			arg_usage(c, usage);
		}
	}
	if (!opt->port || optind < argc) {
		fputs(usage, stderr);
		exit(2);
	}
}

static void show_progress(struct progress *progress,
			  const struct load_totals *totals,
			  const struct load_options *opt, bool last)
{
	__u64 period = progress->terminal ? NSEC_PER_SEC / 5 : 2 * NSEC_PER_SEC;
	__u64 now = now_ns();
	__u64 all = opt->messages * opt->clients;
	double since = (double)(now - progress->shown) / NSEC_PER_SEC;

	if (now - progress->shown < period && !last)
		return;
	if (progress->terminal)
		fputc('\r', stderr);
	fprintf(stderr, "  %3llu%%  %llu of %llu messages  %.0f messages/s",
		totals->messages * 100 / all, totals->messages, all,
		(totals->messages - progress->shown_messages) / since);
	fprintf(stderr, "  %u clients connected  %.1f s%s", totals->open,
		(double)(now - progress->started) / NSEC_PER_SEC,
		progress->terminal ? "\033[K" : "\n");
	if (progress->terminal && last)
		fputc('\n', stderr);
	progress->shown = now;
	progress->shown_messages = totals->messages;
}

static void watch(int epoll, int op, struct load_client *client,
		  unsigned int events)
{
	struct epoll_event event = {
		.events = events,
		.data.ptr = client,
	};

	if (epoll_ctl(epoll, op, client->fd, &event))
		err(1, "epoll_ctl");
}

/* Starts clients, as many as may be on their way; returns how many have been started in all. */
static unsigned int start_clients(int epoll, struct load_client *clients,
				  unsigned int started,
				  const struct load_options *opt,
				  const struct load_totals *totals)
{
	int ret;

	for (; started < opt->clients &&
	       started < totals->connected + totals->refused + CONNECTING; started++) {
		ret = load_client_start(&clients[started], started, opt);
		if (ret)
			errx(1, "client %u: %s", started, strerror(-ret));
		watch(epoll, EPOLL_CTL_ADD, &clients[started], EPOLLIN | EPOLLOUT);
	}
	return started;
}

static void handle(int epoll, struct load_client *client, unsigned int events,
		   const struct load_options *opt, struct load_totals *totals)
{
	bool writing = client->state == LOAD_CONNECTING || client->blocked;
	enum load_interest want;

	want = load_client_event(client, events & ~EPOLLOUT, opt, totals);
	if (want == LOAD_WANT_WRITE && !writing)
		watch(epoll, EPOLL_CTL_MOD, client, EPOLLIN | EPOLLOUT);
	else if (want == LOAD_WANT_READ && writing)
		watch(epoll, EPOLL_CTL_MOD, client, EPOLLIN);
}

/* All are connected: now they may send. The time counts from here. */
static void talk(int epoll, struct load_client *clients,
		 const struct load_options *opt, struct load_totals *totals,
		 struct progress *progress)
{
	unsigned int i;

	totals->talking = true;
	progress->started = now_ns();
	for (i = 0; i < opt->clients; i++) {
		if (clients[i].state == LOAD_RUNNING)
			handle(epoll, &clients[i], 0, opt, totals);
	}
}

/* Until all clients are finished, or nothing comes any more. */
static void run(int epoll, struct load_client *clients,
		const struct load_options *opt, struct load_totals *totals,
		struct progress *progress)
{
	struct epoll_event events[256];
	unsigned int started = 0;
	__u64 last_event = now_ns();
	int i, n;

	while (totals->finished < opt->clients) {
		started = start_clients(epoll, clients, started, opt, totals);
		n = epoll_wait(epoll, events, 256, 200);
		if (n < 0 && errno != EINTR)
			err(1, "epoll_wait");
		for (i = 0; i < n; i++)
			handle(epoll, events[i].data.ptr, events[i].events, opt,
			       totals);
		if (!totals->talking && totals->connected + totals->refused == opt->clients)
			talk(epoll, clients, opt, totals, progress);
		show_progress(progress, totals, opt, false);
		if (n > 0)
			last_event = now_ns();
		else if (now_ns() - last_event > opt->timeout * NSEC_PER_SEC)
			break;
	}
	show_progress(progress, totals, opt, true);
	if (totals->finished < opt->clients)
		fprintf(stderr, "load: no echo for %u s, %u of %u clients unfinished\n",
			opt->timeout, opt->clients - totals->finished,
			opt->clients);
}

int main(int argc, char **argv)
{
	struct load_options opt = {
		.clients = 100,
		.messages = 1000,
		.size_min = 64,
		.size_max = 64,
		.window = 8,
		.timeout = 30,
		.seed = 1,
	};
	struct load_totals totals = { };
	struct progress progress = { };
	struct load_client *clients;
	unsigned long files;
	unsigned int failed;
	double elapsed;
	int epoll;

	parse_options(&opt, argc, argv);
	files = raise_file_limit();
	if (opt.clients + OTHER_FILES > files)
		errx(1, "%u clients need as many descriptors, and a process may have %lu here: raise fs.nr_open and the hard limit (ulimit -Hn)",
		     opt.clients, files);
	clients = calloc(opt.clients, sizeof(*clients));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!clients || epoll < 0)
		err(1, "cannot start");

	progress.terminal = opt.terminal || isatty(STDERR_FILENO);
	progress.started = now_ns();
	progress.shown = progress.started;
	run(epoll, clients, &opt, &totals, &progress);
	elapsed = (double)(now_ns() - progress.started) / NSEC_PER_SEC;

	failed = totals.failed + opt.clients - totals.finished;
	printf("load connections=%u messages=%llu bytes=%llu mismatches=%llu",
	       totals.connected, totals.messages, totals.bytes,
	       totals.mismatches);
	printf(" failed=%u elapsed=%.3f\n", failed, elapsed);
	free(clients);
	close(epoll);
	return totals.mismatches || failed ? 1 : 0;
}
