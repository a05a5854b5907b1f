// SPDX-License-Identifier: GPL-2.0
/*
 * What an unmodified program of io_uring costs: as it is on one side, under
 * ruring-run on the other, or with libruring.so in it. A call with one NOP, of
 * tools/call-cost and of what bench/others has made of it in other languages;
 * and a message of a server with multishot receives, tools/echo-server.
 */
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bench.h"

/* From which instructions the calls are made. */
enum caller {
	SYSCALL		= 0,
	LIBURING	= 1,
	CRATE		= 2,
	ZIG		= 3,
	CALLER		= 3,
	PRELOADED	= 4,
};

/* Where what is built is, of which this program is a part. */
static const char *built(void)
{
	static char self[PATH_MAX];

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		err(1, "/proc/self/exe");
	return dirname(dirname(self));
}

static void call_cost(struct bench *b)
{
	static const char * const programs[] = {
		[SYSCALL] = "tools/call-cost --backend io_uring",
		[LIBURING] = "tools/call-cost --backend io_uring --liburing",
		[CRATE] = "bench/call-cost-crate",
		[ZIG] = "bench/call-cost-zig",
	};
	const char *dir = built(), *program = programs[b->row->mode & CALLER];
	bool traced = b->side == SIDE_RURING;
	char command[3 * PATH_MAX];
	double value = 0;
	FILE *output;
	int status;

	snprintf(command, sizeof(command), "%s/%s", dir, program);
	if (!strchr(program, ' ') && access(command, X_OK))
		bench_skip("it was not built");
	/* Some say it on standard error. */
	snprintf(command, sizeof(command), "%s%s%s %s/%s 2>&1",
		 traced ? dir : "env", traced ? "/tools/ruring-run" : "",
		 traced && b->row->mode & PRELOADED ? " --preload" : "", dir,
		 program);
	output = popen(command, "r");
	if (!output)
		err(1, "%s", command);
	if (fscanf(output, "%*s %lf ns per call", &value) != 1)
		value = 0;
	status = pclose(output);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
		bench_skip("liburing.so.2 is not there");
	else if (status || !value)
		errx(1, "%s: status %d", command, status);
	else
		bench_figure(b, value);
}

#define MESSAGE		64
#define MESSAGES	2000

/* The server, of which this process is the parent, and its port. */
static pid_t start_server(struct bench *b, unsigned short *port)
{
	const char *dir = built();
	char runner[PATH_MAX], server[PATH_MAX], line[64] = "";
	int out[2];
	FILE *said;
	pid_t pid;

	snprintf(runner, sizeof(runner), "%s/tools/ruring-run", dir);
	snprintf(server, sizeof(server), "%s/tools/echo-server", dir);
	if (pipe(out))
		err(1, "pipe");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		dup2(out[1], STDOUT_FILENO);
		if (b->side != SIDE_RURING)
			execl(server, server, "--backend", "io_uring", NULL);
		else if (b->row->mode & PRELOADED)
			execl(runner, runner, "--preload", server, "--backend",
			      "io_uring", NULL);
		else
			execl(runner, runner, server, "--backend", "io_uring",
			      NULL);
		err(1, "%s", server);
	}
	close(out[1]);
	said = fdopen(out[0], "r");
	if (!said || !fgets(line, sizeof(line), said) ||
	    sscanf(line, "ready port=%hu", port) != 1)
		errx(1, "the server does not start: %s", line);
	return pid;
}

/* Messages that are sent and come back, one after the other. */
static void exchange(int fd, unsigned int messages)
{
	char there[MESSAGE] = "a message", back[MESSAGE];

	while (messages--) {
		if (send(fd, there, MESSAGE, 0) != MESSAGE ||
		    recv(fd, back, MESSAGE, MSG_WAITALL) != MESSAGE ||
		    memcmp(there, back, MESSAGE))
			errx(1, "a message that does not come back");
		there[MESSAGE - 1]++;
	}
}

static double now_of(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		err(1, "the server's clock");
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* What the server's process has run for each message, tracer not counted: it has nothing to do then. */
static void echo_cost(struct bench *b)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	unsigned short port = 0;
	pid_t pid = start_server(b, &port);
	clockid_t clock;
	double before;
	int fd;

	if (clock_getcpuclockid(pid, &clock))
		errx(1, "the server has no clock");
	to.sin_port = htons(port);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		err(1, "connect");
	/* Its calls are rewritten meanwhile. */
	exchange(fd, 200);
	before = now_of(clock);
	exchange(fd, MESSAGES);
	bench_figure(b, (now_of(clock) - before) / MESSAGES);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

const struct row runner_rows[] = {
	{ "run/syscall", call_cost, ON_RINGS, .mode = SYSCALL },
	{ "run/liburing", call_cost, ON_RINGS, .mode = LIBURING },
	{ "run/crate", call_cost, ON_RINGS, .mode = CRATE },
	{ "run/zig", call_cost, ON_RINGS, .mode = ZIG },
	{ "run/echo", echo_cost, ON_RINGS },
	{ "preload/syscall", call_cost, ON_RINGS, .mode = PRELOADED | SYSCALL },
	{ "preload/liburing", call_cost, ON_RINGS,
	  .mode = PRELOADED | LIBURING },
	{ "preload/crate", call_cost, ON_RINGS, .mode = PRELOADED | CRATE },
	{ "preload/echo", echo_cost, ON_RINGS, .mode = PRELOADED },
	{ }
};
