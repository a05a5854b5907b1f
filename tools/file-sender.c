// SPDX-License-Identifier: GPL-2.0
/*
 * What a file server does, with zero-copy sends: a registered buffer for each
 * client, which is filled, sent, and filled again when it is free. The clients
 * are at the other end of the cable between the network devices of the virtual
 * machine (qemu/link), in a process of their own, and check every byte.
 *
 *	file-sender --backend ruring --combined --clients 4 --chunks 250
 *
 * It prints one line of statistics as key=value pairs. The exit status is 0 if
 * every byte came right and nothing failed.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/ruring.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "args.h"
#include "ring.h"

#define MAX_CLIENTS	64

static const char usage[] =
"usage: file-sender [OPTION]...\n"
"  --backend NAME   ruring (default) or io_uring\n"
"  --combined       one completion for each send rather than two\n"
"  --clients N      connections (4)\n"
"  --chunks N       how many each of them is sent (250)\n"
"  --size N         bytes of a chunk (16384)\n";

static struct {
	enum ring_backend backend;
	bool combined;
	unsigned int clients;
	unsigned int chunks;
	unsigned int size;
} opt = { RING_RURING, false, 4, 250, 16384 };

/* What the clients have found. */
struct findings {
	unsigned long long bytes;
	unsigned long long wrong;
};

static unsigned long sends, cqes, copied;
static char *memory;
static int fds[MAX_CLIENTS];
static unsigned int sent[MAX_CLIENTS];

/* The file: the same bytes over and over, of which each client gets others first. */
#define PERIOD		(1U << 16)
#define MAX_SIZE	(1U << 20)

static unsigned char file[PERIOD + MAX_SIZE];

static void make_file(void)
{
	unsigned int i;

	for (i = 0; i < PERIOD; i++)
		file[i] = (i * 31 + (i >> 8) * 7) & 0xff;
	for (; i < sizeof(file); i++)
		file[i] = file[i - PERIOD];
}

/* What client @client is sent at @at: a chunk of it is there in one piece. */
static const unsigned char *file_at(unsigned int client, unsigned long long at)
{
	return file + (at + client * 1009) % PERIOD;
}

static void enter_end(unsigned int end)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/link%u", end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "no cable at %s", path);
	close(fd);
}

static struct sockaddr_in server_addr(unsigned int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x0a000001),
		.sin_port = htons(port),
	};
}

/* Read and check what has come for one client; false at its end. */
static bool check_some(unsigned int client, unsigned long long *at, struct findings *found)
{
	static unsigned char buf[1 << 16];
	ssize_t i, ret = recv(fds[client], buf, sizeof(buf), 0);
	const unsigned char *right = file_at(client, *at);

	if (ret <= 0)
		return false;
	if (memcmp(buf, right, ret)) {
		for (i = 0; i < ret; i++)
			found->wrong += buf[i] != right[i];
	}
	*at += ret;
	found->bytes += ret;
	return true;
}

/* All clients, in a process of their own. */
static void be_clients(unsigned int port, int out)
{
	struct sockaddr_in addr = server_addr(port);
	unsigned long long at[MAX_CLIENTS] = {};
	struct pollfd polls[MAX_CLIENTS];
	struct findings found = {};
	unsigned int i, open = opt.clients;

	enter_end(1);
	for (i = 0; i < opt.clients; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (fds[i] < 0 || connect(fds[i], (void *)&addr, sizeof(addr)))
			err(1, "connect");
		polls[i] = (struct pollfd){ fds[i], POLLIN, 0 };
	}
	while (open) {
		if (poll(polls, opt.clients, -1) < 0)
			err(1, "poll");
		for (i = 0; i < opt.clients; i++) {
			if (polls[i].revents && !check_some(i, &at[i], &found)) {
				polls[i].fd = -1;
				open--;
			}
		}
	}
	if (write(out, &found, sizeof(found)) != sizeof(found))
		err(1, "write");
	_exit(0);
}

/* Fill a client's buffer, and send it. */
static void send_chunk(struct ring *ring, unsigned int client)
{
	char *buf = memory + (size_t)client * opt.size;
	unsigned long long start = (unsigned long long)sent[client]++ * opt.size;
	struct io_uring_sqe *sqe = ring_get_sqe(ring);

	memcpy(buf, file_at(client, start), opt.size);
	if (!sqe)
		errx(1, "the submission queue is full");
	sqe->opcode = IORING_OP_SEND_ZC;
	sqe->fd = fds[client];
	sqe->addr = (unsigned long)buf;
	sqe->len = opt.size;
	sqe->msg_flags = MSG_WAITALL;
	sqe->buf_index = client;
	sqe->ioprio = IORING_RECVSEND_FIXED_BUF |
		      (opt.combined ? RURING_SEND_ZC_COMBINE_CQE : IORING_SEND_ZC_REPORT_USAGE);
	sqe->user_data = client;
	sends++;
}

/* A completion; true if a buffer is free. */
static bool handle(const struct io_uring_cqe *cqe)
{
	cqes++;
	if ((opt.combined || !(cqe->flags & IORING_CQE_F_NOTIF)) && cqe->res != (int)opt.size)
		errx(1, "a send of %u bytes: %d", opt.size, cqe->res);
	if (!(cqe->flags & IORING_CQE_F_NOTIF)) {
		if (opt.combined || !(cqe->flags & IORING_CQE_F_MORE))
			errx(1, "flags of a completion: %#x", cqe->flags);
		return false;
	}
	if (!opt.combined && (cqe->res & IORING_NOTIF_USAGE_ZC_COPIED))
		copied++;
	return true;
}

static double clock_now(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void serve(struct ring *ring)
{
	struct io_uring_cqe *cqe;
	unsigned int i, busy = opt.clients;
	int ret;

	for (i = 0; i < opt.clients; i++)
		send_chunk(ring, i);
	while (busy) {
		ret = ring_submit_and_wait(ring, 1);
		if (ret < 0)
			errx(1, "enter: %s", strerror(-ret));
		while ((cqe = ring_peek_cqe(ring))) {
			bool is_free = handle(cqe);
			unsigned int client = cqe->user_data;

			ring_seen_cqe(ring);
			if (!is_free)
				continue;
			if (sent[client] < opt.chunks) {
				send_chunk(ring, client);
			} else {
				shutdown(fds[client], SHUT_WR);
				busy--;
			}
		}
	}
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "backend",	required_argument, NULL, 'b' },
		{ "combined",	no_argument,	   NULL, 'c' },
		{ "clients",	required_argument, NULL, 'n' },
		{ "chunks",	required_argument, NULL, 'k' },
		{ "size",	required_argument, NULL, 's' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			opt.backend = arg_backend(optarg);
			break;
		case 'c':
			opt.combined = true;
			break;
		case 'n':
			opt.clients = arg_number("clients", optarg, 1, MAX_CLIENTS);
			break;
		case 'k':
			opt.chunks = arg_number("chunks", optarg, 1, 1000000);
			break;
		case 's':
			opt.size = arg_number("size", optarg, 1, MAX_SIZE);
			break;
		default:
			arg_usage(c, usage);
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = server_addr(0);
	socklen_t len = sizeof(addr);
	struct iovec iov[MAX_CLIENTS];
	struct findings found = {};
	unsigned long long total;
	struct ring ring;
	double cpu, time;
	int ret, listener, pipefd[2], status;
	unsigned int i;
	pid_t pid;

	parse_options(argc, argv);
	make_file();
	enter_end(0);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (void *)&addr, sizeof(addr)) ||
	    listen(listener, MAX_CLIENTS) || getsockname(listener, (void *)&addr, &len))
		err(1, "listen");
	if (pipe(pipefd))
		err(1, "pipe");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid)
		be_clients(ntohs(addr.sin_port), pipefd[1]);
	close(pipefd[1]);
	/* in the order in which they connect, which is that of their numbers */
	for (i = 0; i < opt.clients; i++) {
		fds[i] = accept(listener, NULL, NULL);
		if (fds[i] < 0)
			err(1, "accept");
	}

	ret = ring_init(&ring, opt.backend, MAX_CLIENTS, 4 * MAX_CLIENTS,
			IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	if (ret < 0)
		errx(1, "cannot make a ring of %s: %s", ring_backend_name(opt.backend),
		     strerror(-ret));
	memory = mmap(NULL, (size_t)opt.clients * opt.size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	for (i = 0; i < opt.clients; i++)
		iov[i] = (struct iovec){ memory + (size_t)i * opt.size, opt.size };
	ret = ring_register(&ring, IORING_REGISTER_BUFFERS, iov, opt.clients);
	if (ret < 0)
		errx(1, "cannot register buffers: %s", strerror(-ret));

	time = clock_now(CLOCK_MONOTONIC);
	cpu = clock_now(CLOCK_PROCESS_CPUTIME_ID);
	serve(&ring);
	cpu = clock_now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	time = clock_now(CLOCK_MONOTONIC) - time;

	total = (unsigned long long)opt.clients * opt.chunks * opt.size;
	if (read(pipefd[0], &found, sizeof(found)) != sizeof(found))
		warnx("the clients have nothing to report");
	if (waitpid(pid, &status, 0) != pid || status)
		warnx("the clients ended with status %#x", status);
	printf("zc sends=%lu cqes=%lu enters=%llu cpu=%.0f bytes=%llu wrong=%llu copied=%lu elapsed=%.3f\n",
	       sends, cqes, (unsigned long long)ring.enters, cpu, found.bytes,
	       found.wrong + (found.bytes != total), copied, time / 1e9);
	ring_exit(&ring);
	return found.wrong || found.bytes != total;
}
